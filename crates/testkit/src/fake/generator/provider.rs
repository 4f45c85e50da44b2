use std::time::Duration;

use bytes::Bytes;
use domain::{ClipOptions, ClipSpec, JobId, MicroUsd, RefusedOver};
use futures::StreamExt;
use ports::{
    CallOff, ClipDelivery, ClipOrder, GenerationRefusal, Look, ProviderJob, Quote, Source,
    SubmitError, Submitted,
};

use super::Loss;
use crate::samples;

/// Everything that the provider does and remembers.
#[derive(Debug)]
pub(super) struct Provider {
    pub(super) clip: Bytes,
    pub(super) resubmits_safely: bool,
    pub(super) concurrency: Option<u32>,
    pub(super) price: MicroUsd,
    pub(super) warning: Option<String>,
    pub(super) no_offer: Option<GenerationRefusal>,
    pub(super) time_limit: Duration,
    pub(super) poll_every: Duration,
    pub(super) busy: (u32, Duration),
    pub(super) losses: (u32, Loss),
    pub(super) untaken: u32,
    pub(super) refusal: Option<GenerationRefusal>,
    pub(super) linking: bool,
    pub(super) hands_over: HandsOver,
    pub(super) pending: (u32, Duration),
    pub(super) charge: Option<MicroUsd>,
    pub(super) failure: Option<(String, MicroUsd)>,
    pub(super) forgets: bool,
    pub(super) broken_looks: u32,
    pub(super) unsaid: (u32, Duration),
    pub(super) broken_collects: u32,
    pub(super) call_off: CallOff,
    pub(super) submits: u32,
    pub(super) most_at_once: usize,
    pub(super) called_off: Vec<String>,
    taken: Vec<Taken>,
}

/// How it hands over its clips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HandsOver {
    /// With the answer to the order.
    AtOnce,
    /// In a file.
    InFile,
    /// As a stream.
    AsStream,
}

#[derive(Clone, Debug)]
struct Taken {
    job: JobId,
    attempt: u32,
    work: ProviderJob,
    looks: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    UnderWay,
    Ended,
    /// There is nothing to be looked at any more.
    Gone,
}

/// A clip on its way, or half of it.
pub(super) struct Download {
    pub(super) clip: Bytes,
    pub(super) broken: bool,
}

impl Download {
    pub(super) fn into_delivery(self) -> ClipDelivery {
        let mut rest = self.clip;
        let half = rest.split_to(rest.len() / 2);
        let rest = if self.broken { Err("connection reset".into()) } else { Ok(rest) };
        let bytes = futures::stream::iter([Ok(half), rest]).boxed();
        ClipDelivery { content_type: Some("video/mp4".to_owned()), bytes }
    }
}

impl Provider {
    pub(super) fn of(clip: &[u8]) -> Self {
        Self {
            clip: Bytes::copy_from_slice(clip),
            resubmits_safely: false,
            concurrency: None,
            price: MicroUsd(360_000),
            warning: None,
            no_offer: None,
            time_limit: Duration::from_mins(15),
            poll_every: Duration::ZERO,
            busy: (0, Duration::ZERO),
            losses: (0, Loss::BeforeTaking),
            untaken: 0,
            refusal: None,
            linking: false,
            hands_over: HandsOver::InFile,
            pending: (0, Duration::ZERO),
            charge: None,
            failure: None,
            forgets: false,
            broken_looks: 0,
            unsaid: (0, Duration::ZERO),
            broken_collects: 0,
            call_off: CallOff::NotOffered,
            submits: 0,
            most_at_once: 0,
            called_off: Vec::new(),
            taken: Vec::new(),
        }
    }

    pub(super) fn billed(&self, job: JobId) -> usize {
        self.taken.iter().filter(|taken| taken.job == job).count()
    }

    pub(super) fn billed_in_all(&self) -> usize {
        self.taken.len()
    }

    pub(super) fn quote(&self, wanted: &ClipOptions) -> Result<Quote, GenerationRefusal> {
        if let Some(refusal) = &self.no_offer {
            return Err(refusal.clone());
        }
        let usual = samples::clip_spec();
        let spec = ClipSpec {
            model: wanted.model.clone().unwrap_or(usual.model),
            duration_secs: wanted.duration_secs.unwrap_or(usual.duration_secs),
            resolution: wanted.resolution.unwrap_or(usual.resolution),
            frame_rate: wanted.frame_rate.unwrap_or(usual.frame_rate),
            camera_motion: wanted.camera_motion.clone(),
            seed: wanted.seed,
            audio: wanted.audio.unwrap_or(usual.audio),
        };
        Ok(Quote { spec, price: self.price, warning: self.warning.clone() })
    }

    pub(super) fn submit(&mut self, order: &ClipOrder) -> Result<Submitted, SubmitError> {
        self.submits += 1;
        if once(&mut self.untaken) {
            return Err(SubmitError::NotTaken("connection refused".into()));
        }
        if let Some(refusal) = &self.refusal {
            return Ok(Submitted::Refused(refusal.clone()));
        }
        if once(&mut self.busy.0) {
            return Ok(Submitted::Later { after: self.busy.1, note: "too many orders".to_owned() });
        }
        if once(&mut self.losses.0) {
            if self.losses.1 == Loss::AfterTaking {
                self.take(order);
            }
            return Err(SubmitError::Lost("connection reset".into()));
        }
        let work = self.take(order);
        if self.hands_over == HandsOver::AtOnce {
            return Ok(Submitted::Delivered(work, self.next_download().into_delivery()));
        }
        Ok(Submitted::Accepted(work))
    }

    pub(super) fn look(&mut self, job: &ProviderJob) -> Result<Look, Source> {
        if once(&mut self.broken_looks) {
            return Err("connection reset".into());
        }
        if once(&mut self.unsaid.0) {
            return Ok(Look::Busy { after: self.unsaid.1 });
        }
        let (pending, after) = self.pending;
        let (failure, charged, forgets) = (self.failure.clone(), self.charge, self.forgets);
        let Some(taken) = self.find(job) else { return Ok(Look::Gone) };
        if forgets || taken.state == State::Gone {
            taken.state = State::Gone;
            return Ok(Look::Gone);
        }
        taken.looks = taken.looks.saturating_add(1);
        if taken.looks <= pending {
            return Ok(Look::Pending { after });
        }
        taken.state = State::Ended;
        Ok(failure.map_or(Look::Ready { charged }, |(reason, charged)| {
            let refusal = GenerationRefusal { over: RefusedOver::Content, reason };
            Look::Failed { refusal, charged }
        }))
    }

    pub(super) fn download(&mut self, job: &ProviderJob) -> Result<Download, Source> {
        let there = self.find(job).is_some_and(|taken| taken.state != State::Gone);
        if there { Ok(self.next_download()) } else { Err(unknown()) }
    }

    pub(super) fn call_off(&mut self, job: &ProviderJob) -> Result<CallOff, Source> {
        self.called_off.push(job.id.clone());
        let answer = self.call_off.clone();
        let taken = self.find(job).ok_or_else(unknown)?;
        if matches!(answer, CallOff::Stopped { .. }) {
            taken.state = State::Gone;
        }
        Ok(answer)
    }

    /// Takes the order. The same attempt again is the same order where the provider says so.
    fn take(&mut self, order: &ClipOrder) -> ProviderJob {
        let same = |taken: &&Taken| (taken.job, taken.attempt) == (order.job, order.attempt);
        if self.resubmits_safely
            && let Some(taken) = self.taken.iter().find(same)
        {
            return taken.work.clone();
        }
        let id = format!("ready-{}", self.taken.len() + 1);
        let links = self.linking.then(|| format!("links of {id}"));
        let work = ProviderJob { id, links };
        let (job, attempt) = (order.job, order.attempt);
        let state = State::UnderWay;
        self.taken.push(Taken { job, attempt, work: work.clone(), looks: 0, state });
        self.count();
        if self.hands_over == HandsOver::AtOnce
            && let Some(taken) = self.taken.last_mut()
        {
            taken.state = State::Gone;
        }
        work
    }

    fn count(&mut self) {
        let under_way = self.taken.iter().filter(|taken| taken.state == State::UnderWay).count();
        self.most_at_once = self.most_at_once.max(under_way);
    }

    fn find(&mut self, job: &ProviderJob) -> Option<&mut Taken> {
        self.taken.iter_mut().find(|taken| taken.work == *job)
    }

    fn next_download(&mut self) -> Download {
        Download { clip: self.clip.clone(), broken: once(&mut self.broken_collects) }
    }
}

fn unknown() -> Source {
    "the provider does not know this work".into()
}

/// Whether one of the times that something was to happen is left; takes it.
fn once(times: &mut u32) -> bool {
    let left = *times > 0;
    *times = times.saturating_sub(1);
    left
}
