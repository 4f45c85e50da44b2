//! The built-in provider: moves a camera over the photo, here and for free.

use std::path::Path;
use std::time::Duration;

use domain::{ClipOptions, MicroUsd};
use film::{CameraMove as Shot, Ffmpeg, Motion, film_photo};
use ports::{
    ClipOrder, CollectError, GenerationRefusal, Look, LookError, ProviderJob, SubmitError,
    Submitted, VideoGenerator,
};

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
fn motion(order: &ClipOrder) -> Result<Motion, String> {
    match &order.options.camera_motion {
        Some(name) => name.parse::<Motion>().map_err(|error| error.to_string()),
        None => Ok(Motion::from_prompt(&order.prompt).unwrap_or(Motion::DollyIn)),
    }
}

fn shot(order: &ClipOrder) -> Result<Shot, String> {
    let ClipOptions { duration_secs, resolution, frame_rate, .. } = order.options;
    Ok(Shot {
        motion: motion(order)?,
        duration_secs,
        width: resolution.width,
        height: resolution.height,
        fps: frame_rate,
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

    fn quote(&self, _options: &ClipOptions) -> MicroUsd {
        MicroUsd::ZERO
    }

    async fn submit(&self, order: &ClipOrder) -> Result<Submitted, SubmitError> {
        Ok(match shot(order) {
            Ok(_) => Submitted::Accepted(ProviderJob(format!("{}-{}", order.job, order.attempt))),
            Err(refusal) => Submitted::Refused(GenerationRefusal(refusal)),
        })
    }

    async fn look(&self, _order: &ClipOrder, _job: &ProviderJob) -> Result<Look, LookError> {
        Ok(Look::Ready)
    }

    async fn collect(
        &self,
        order: &ClipOrder,
        job: &ProviderJob,
        to: &Path,
    ) -> Result<(), CollectError> {
        let failed = |source| CollectError { provider_job: job.0.clone(), source };
        let shot = shot(order).map_err(|refusal| failed(refusal.into()))?;
        film_photo(&self.ffmpeg, &order.photo, &shot, to).await.map_err(|e| failed(e.into()))
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
        let options = ClipOptions { camera_motion, ..order.options };
        ClipOrder { prompt: prompt.to_owned(), options, ..order }
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

        let first = provider().submit(&order).await.expect("an answer");
        let again = provider().submit(&order).await.expect("an answer");

        assert_eq!(first, again);
        assert!(provider().resubmits_safely());
        assert_eq!(provider().quote(&order.options), MicroUsd::ZERO);
    }

    #[tokio::test]
    async fn a_motion_that_nobody_knows_is_refused_by_name() {
        let answer = provider().submit(&order("", Some("barrel_roll"))).await.expect("an answer");

        let Submitted::Refused(GenerationRefusal(reason)) = answer else {
            panic!("refused, not {answer:?}")
        };
        assert!(reason.contains("barrel_roll"), "{reason}");
    }

    #[tokio::test]
    async fn a_photo_that_is_gone_is_a_fault_that_can_be_tried_again() {
        let work = tempfile::tempdir().expect("a folder");
        let job = ProviderJob("j-1".to_owned());

        let fault = provider().collect(&order("", None), &job, &work.path().join("clip.mp4")).await;

        assert_eq!(fault.expect_err("no photo").provider_job, "j-1");
    }
}
