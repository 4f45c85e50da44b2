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
