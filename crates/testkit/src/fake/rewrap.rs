use std::path::Path;
use std::time::Duration;

use domain::Resolution;
use ports::{Rewrap, RewrapError, Rewrapped};

use super::Shared;

#[derive(Debug, Default)]
struct Verdict {
    times: u32,
    reason: String,
}

/// A judge to whom every clip is as good as it is, and as long as it was expected.
#[derive(Clone, Debug, Default)]
pub struct PassThrough(Shared<Verdict>);

impl PassThrough {
    /// Cannot use the next `times` clips.
    #[must_use]
    pub fn judging_unplayable(self, times: u32, reason: &str) -> Self {
        *self.0.lock() = Verdict { times, reason: reason.to_owned() };
        self
    }

    fn judge(&self) -> Result<(), RewrapError> {
        let mut verdict = self.0.lock();
        if verdict.times == 0 {
            return Ok(());
        }
        verdict.times -= 1;
        Err(RewrapError::Unplayable(verdict.reason.clone()))
    }
}

impl Rewrap for PassThrough {
    async fn rewrap(
        &self,
        from: &Path,
        expected: Duration,
        _keep_audio: bool,
        to: &Path,
    ) -> Result<Rewrapped, RewrapError> {
        self.judge()?;
        let copied = tokio::fs::copy(from, to).await;
        copied.map_err(|error| RewrapError::Fault(error.into()))?;
        let duration_ms = u64::try_from(expected.as_millis()).unwrap_or(u64::MAX);
        Ok(Rewrapped { duration_ms, resolution: Resolution { width: 1920, height: 1080 } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_clip_is_passed_on_once_it_is_judged_playable() {
        let work = tempfile::tempdir().expect("a folder");
        let (from, to) = (work.path().join("from.mp4"), work.path().join("to.mp4"));
        std::fs::write(&from, b"clip").expect("a file");
        let judge = PassThrough::default().judging_unplayable(1, "it is a web page");
        let six = Duration::from_secs(6);

        let first = judge.rewrap(&from, six, false, &to).await;
        let second = judge.rewrap(&from, six, false, &to).await.expect("playable");

        assert!(matches!(first, Err(RewrapError::Unplayable(_))), "{first:?}");
        assert_eq!(second.duration_ms, 6_000);
        assert_eq!(std::fs::read(to).expect("a file"), b"clip");
    }
}
