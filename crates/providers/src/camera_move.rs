//! The built-in provider: moves a camera over the photo, here and for free.

use std::path::Path;
use std::time::Duration;

use domain::{ClipOptions, ClipSpec, MicroUsd, Resolution};
use film::{CameraMove as Shot, Ffmpeg, Motion, film_photo};
use ports::{
    CallOff, CallOffError, ClipOrder, CollectError, Collected, GenerationRefusal, Look, LookError,
    ProviderJob, Quote, SubmitError, Submitted, VideoGenerator,
};

/// The only model there is.
const MODEL: &str = "camera-move";
/// Length without a wish, in seconds.
const DURATION_SECS: u32 = 6;
/// Size without a wish.
const RESOLUTION: Resolution = Resolution { width: 1920, height: 1080 };
/// Frames per second without a wish.
const FRAME_RATE: u32 = 24;

/// Films photos with a moving camera.
///
/// There is nobody to order from: an order is only checked and named, the look is always ready, and
/// the clip is filmed when it is collected. So a repeat of any of them is free.
#[derive(Clone, Debug)]
pub struct CameraMove {
    ffmpeg: Ffmpeg,
}

impl CameraMove {
    /// Films with this `ffmpeg`.
    pub const fn new(ffmpeg: Ffmpeg) -> Self {
        Self { ffmpeg }
    }
}

/// The motion that was asked for: by name, else by the prompt's words, else a gentle push in.
fn motion(order: &ClipOrder) -> Result<Motion, GenerationRefusal> {
    match &order.spec.camera_motion {
        Some(name) => named(name),
        None => Ok(Motion::from_prompt(&order.prompt).unwrap_or(Motion::DollyIn)),
    }
}

fn named(name: &str) -> Result<Motion, GenerationRefusal> {
    name.parse::<Motion>().map_err(|error| GenerationRefusal::of_input(error.to_string()))
}

fn shot(order: &ClipOrder) -> Result<Shot, GenerationRefusal> {
    let ClipSpec { duration_secs, resolution, frame_rate, .. } = order.spec;
    Ok(Shot {
        motion: motion(order)?,
        duration_secs,
        width: resolution.width,
        height: resolution.height,
        fps: frame_rate,
    })
}

fn spec(wanted: &ClipOptions) -> Result<ClipSpec, GenerationRefusal> {
    if let Some(model) = wanted.model.as_deref().filter(|model| *model != MODEL) {
        let reason = format!("camera-move has no model {model:?}: leave it out");
        return Err(GenerationRefusal::of_input(reason));
    }
    if wanted.audio == Some(true) {
        return Err(GenerationRefusal::of_input("camera-move films without sound"));
    }
    let camera_motion = wanted.camera_motion.clone();
    camera_motion.as_deref().map(named).transpose()?;
    Ok(ClipSpec {
        model: MODEL.to_owned(),
        duration_secs: wanted.duration_secs.unwrap_or(DURATION_SECS),
        resolution: wanted.resolution.unwrap_or(RESOLUTION),
        frame_rate: wanted.frame_rate.unwrap_or(FRAME_RATE),
        camera_motion,
        seed: wanted.seed,
        audio: false,
    })
}

impl VideoGenerator for CameraMove {
    fn name(&self) -> &'static str {
        "camera-move"
    }

    fn resubmits_safely(&self) -> bool {
        true
    }

    fn time_limit(&self) -> Duration {
        Duration::from_hours(1)
    }

    fn poll_every(&self) -> Duration {
        Duration::ZERO
    }

    fn concurrency(&self) -> Option<u32> {
        None
    }

    fn quote(&self, wanted: &ClipOptions) -> Result<Quote, GenerationRefusal> {
        Ok(Quote { spec: spec(wanted)?, price: MicroUsd::ZERO, warning: None })
    }

    async fn submit(&self, order: &ClipOrder) -> Result<Submitted, SubmitError> {
        Ok(match shot(order) {
            Ok(_) => {
                Submitted::Accepted(ProviderJob::named(format!("{}-{}", order.job, order.attempt)))
            }
            Err(refusal) => Submitted::Refused(refusal),
        })
    }

    async fn look(&self, _order: &ClipOrder, _job: &ProviderJob) -> Result<Look, LookError> {
        Ok(Look::Ready { charged: Some(MicroUsd::ZERO) })
    }

    async fn collect(
        &self,
        order: &ClipOrder,
        job: &ProviderJob,
        to: &Path,
    ) -> Result<Collected, CollectError> {
        let failed = |source| CollectError { provider_job: job.id.clone(), source };
        let shot = shot(order).map_err(|refusal| failed(refusal.reason.into()))?;
        let filmed = film_photo(&self.ffmpeg, &order.photo, &shot, to).await;
        filmed.map(|()| Collected::Filmed).map_err(|error| failed(error.into()))
    }

    async fn call_off(&self, _: &ClipOrder, _: &ProviderJob) -> Result<CallOff, CallOffError> {
        Ok(CallOff::Stopped { charged: Some(MicroUsd::ZERO) })
    }
}

#[cfg(test)]
mod tests {
    use testkit::samples;

    use super::*;

    fn provider() -> CameraMove {
        CameraMove::new(Ffmpeg::new("ffmpeg", "ffprobe"))
    }

    fn order(prompt: &str, camera_motion: Option<&str>) -> ClipOrder {
        let order = samples::clip_order();
        let camera_motion = camera_motion.map(ToOwned::to_owned);
        let spec = ClipSpec { camera_motion, ..order.spec };
        ClipOrder { prompt: prompt.to_owned(), spec, ..order }
    }

    #[test]
    fn a_named_motion_goes_before_the_words_of_the_prompt() {
        assert_eq!(motion(&order("pan left", Some("jib_up"))), Ok(Motion::JibUp));
        assert_eq!(motion(&order("pan left over the pool", None)), Ok(Motion::DollyLeft));
        assert_eq!(motion(&order("a quiet morning", None)), Ok(Motion::DollyIn));
    }

    #[tokio::test]
    async fn the_same_attempt_is_the_same_order() {
        let order = order("", None);
        let name = async || match provider().submit(&order).await {
            Ok(Submitted::Accepted(job)) => job,
            other => panic!("accepted, not {other:?}"),
        };

        assert_eq!(name().await, name().await);
        assert!(provider().resubmits_safely());
    }

    #[test]
    fn what_nobody_wishes_is_chosen_and_costs_nothing() {
        let quote = provider().quote(&ClipOptions::default()).expect("a quote");

        assert_eq!((quote.price, quote.spec.duration_secs), (MicroUsd::ZERO, 6));
        assert_eq!(quote.spec.resolution.to_string(), "1920x1080");
        assert_eq!((quote.spec.frame_rate, quote.spec.audio), (24, false));
    }

    #[test]
    fn what_is_not_on_offer_is_refused_by_name() {
        let refused = |wanted: ClipOptions| provider().quote(&wanted).expect_err("refused").reason;
        let motion = Some("barrel_roll".to_owned());
        let model = Some("gen9".to_owned());

        assert!(
            refused(ClipOptions { camera_motion: motion, ..ClipOptions::default() })
                .contains("barrel_roll")
        );
        assert!(refused(ClipOptions { model, ..ClipOptions::default() }).contains("gen9"));
        assert!(
            refused(ClipOptions { audio: Some(true), ..ClipOptions::default() }).contains("sound")
        );
    }

    #[tokio::test]
    async fn a_photo_that_is_gone_is_a_fault_that_can_be_tried_again() {
        let work = tempfile::tempdir().expect("a folder");
        let job = ProviderJob::named("j-1");

        let fault = provider().collect(&order("", None), &job, &work.path().join("clip.mp4")).await;

        assert_eq!(fault.expect_err("no photo").provider_job, "j-1");
    }
}
