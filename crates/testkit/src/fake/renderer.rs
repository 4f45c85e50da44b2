use std::path::Path;

use ports::{RenderError, RenderOrder, RenderOutput, Renderer, Source};

use super::Shared;
use crate::samples;

/// Length that is told of every video, in milliseconds.
const DURATION_MS: u64 = 6_000;

#[derive(Debug, Default)]
struct Work {
    refusal: Option<String>,
    faults: u32,
    orders: Vec<RenderOrder>,
}

/// A renderer whose video is the clip itself.
#[derive(Clone, Debug, Default)]
pub struct ReadyVideo(Shared<Work>);

impl ReadyVideo {
    /// Refuses every order.
    #[must_use]
    pub fn refusing(self, reason: &str) -> Self {
        self.0.lock().refusal = Some(reason.to_owned());
        self
    }

    /// Breaks on the next `times` orders.
    #[must_use]
    pub fn failing(self, times: u32) -> Self {
        self.0.lock().faults = times;
        self
    }

    /// Every order, in order, whatever came of it.
    pub fn orders(&self) -> Vec<RenderOrder> {
        self.0.lock().orders.clone()
    }

    fn take(&self, order: &RenderOrder) -> Result<(), RenderError> {
        let mut work = self.0.lock();
        work.orders.push(order.clone());
        if let Some(reason) = &work.refusal {
            return Err(RenderError::Refused(reason.clone()));
        }
        if work.faults > 0 {
            work.faults -= 1;
            return Err(RenderError::Fault("the renderer was told to break".into()));
        }
        Ok(())
    }
}

impl Renderer for ReadyVideo {
    async fn render(&self, order: &RenderOrder, work: &Path) -> Result<RenderOutput, RenderError> {
        self.take(order)?;
        make(order, work).await.map_err(RenderError::Fault)
    }
}

async fn make(order: &RenderOrder, work: &Path) -> Result<RenderOutput, Source> {
    let (video, poster) = (work.join("out.mp4"), work.join("poster.jpg"));
    tokio::fs::copy(&order.clip, &video).await?;
    tokio::fs::write(&poster, samples::photo_jpeg(16, 9)).await?;
    Ok(RenderOutput { video, poster, duration_ms: DURATION_MS })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_video_is_the_clip() {
        let work = tempfile::tempdir().expect("a folder");
        let clip = work.path().join("clip.mp4");
        std::fs::write(&clip, b"clip").expect("a file");
        let renderer = ReadyVideo::default().failing(1);
        let order = RenderOrder { clip, ..RenderOrder::default() };

        let broken = renderer.render(&order, work.path()).await;
        let made = renderer.render(&order, work.path()).await.expect("a video");

        assert!(matches!(broken, Err(RenderError::Fault(_))), "{broken:?}");
        assert_eq!(std::fs::read(made.video).expect("a file"), b"clip");
        assert!(made.poster.exists());
        assert_eq!(renderer.orders().len(), 2);
    }
}
