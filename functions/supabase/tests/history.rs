//! What happens to a job, told and in order.

use std::time::Duration;

use domain::{
    FailureKind, Job, JobId, JobOrder, JobState, RenderId, Rerender, Stage, Step, VideoMade,
};
use events::{BusEvent, Event, announce, announce_creation};
use testkit::samples;

/// Who asks for the jobs.
pub(crate) const OWNER: &str = "0192f0c1-7e57-7abc-8def-001122334455";

/// A fact, and the job after it.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) event: BusEvent,
    pub(crate) job: Job,
}

/// Everything that happens to a job, one second after the other.
#[derive(Clone, Debug)]
pub(crate) struct History(pub(crate) Vec<Told>);

impl History {
    /// Other names are other jobs.
    pub(crate) fn named(name: &str) -> Self {
        let job = samples::job_named(name);
        let order = JobOrder { user_id: Some(OWNER.to_owned()), ..job.order.clone() };
        let job = Job { order, ..job };
        Self(vec![Told { event: bus(announce_creation(&job)), job }])
    }

    /// From its creation to `state`.
    pub(crate) fn on_to(self, state: JobState) -> Self {
        samples::steps_to(self.job(), state).iter().fold(self, Self::then)
    }

    pub(crate) fn then(mut self, step: &Step) -> Self {
        let before = self.job().clone();
        let later = before.updated_at.plus(Duration::from_secs(1));
        let job = before.after(step, later).expect("a legal step");
        let events = announce(&before, &job, step);
        self.0.extend(events.into_iter().map(|event| Told { event: bus(event), job: job.clone() }));
        self
    }

    pub(crate) fn job(&self) -> &Job {
        &self.0.last().expect("it begins with its creation").job
    }

    pub(crate) fn id(&self) -> JobId {
        self.job().id
    }

    /// What the rule of the bus sends.
    pub(crate) fn sent(&self) -> Vec<Told> {
        let mut sent = self.0.clone();
        sent.retain(|told| {
            !matches!(told.event.detail_type.as_str(), "GenerationStarted.v1" | "RenderStarted.v1")
        });
        sent
    }

    /// The newest fact of this type.
    pub(crate) fn fact(&self, detail_type: &str) -> BusEvent {
        let mut newest = self.0.iter().rev().map(|told| &told.event);
        newest.find(|event| event.detail_type == detail_type).expect("it happened").clone()
    }
}

fn bus(event: Event) -> BusEvent {
    BusEvent {
        source: event.source,
        detail_type: event.detail_type,
        detail: serde_json::from_str(&event.detail).expect("JSON"),
    }
}

pub(crate) fn rerender() -> Rerender {
    let render_id = RenderId::of_clip(samples::job().id, "again");
    Rerender { render_id, branding: samples::job().order.branding }
}

pub(crate) fn another_video() -> Step {
    let render_id = rerender().render_id;
    Step::StoreVideo(VideoMade { render_id, duration_ms: 6_000, worked_ms: 900 })
}

pub(crate) fn failure(stage: Stage) -> Step {
    Step::Fail(samples::failure(stage, FailureKind::Fault))
}

pub(crate) fn redrive(stage: Stage) -> Step {
    Step::Redrive { stage, by: "ana".to_owned() }
}
