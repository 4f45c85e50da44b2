//! `make` at a provider that is played.

use std::path::PathBuf;
use std::process::Output;

use fake_providers::{Fake, Name};
use tempfile::TempDir;

use super::{
    LOG_ALL, Setting, assert_no_secret, fake, looks_every, probe, said, sample, settings_of,
    stillmotion,
};

pub(crate) struct Studio {
    pub(crate) fake: Fake,
    pub(crate) folder: TempDir,
    pub(crate) settings: Vec<Setting>,
}

impl Studio {
    /// A provider whose clips last `secs`, looked at every second.
    pub(crate) async fn of(provider: Name, secs: u32) -> Self {
        let fake = fake(secs).await;
        fake.change(provider, |switches| switches.latency_ms = 300);
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = settings_of(&fake, provider);
        settings.push(looks_every(1, folder.path()));
        Self { fake, folder, settings }
    }

    /// From now on it is looked at so rarely that only a webhook can tell that work has ended.
    pub(crate) fn only_hear(&mut self, webhooks: [Setting; 2]) {
        self.settings.push(looks_every(3600, self.folder.path()));
        self.settings.extend(webhooks);
    }

    /// Makes a video of the sample, and checks that no secret is told on the way.
    pub(crate) fn make(&self, arguments: &[&str]) -> Output {
        let output = self.run(arguments);
        assert_no_secret(&said(&output), &self.fake);
        output
    }

    /// Makes a video of the sample.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        stillmotion()
            .current_dir(self.folder.path())
            .env("TMPDIR", self.folder.path())
            .env("RUST_LOG", LOG_ALL)
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .arg("make")
            .arg(sample("villa.jpg"))
            .args(["--title", "Villa", "-o", "villa.mp4"])
            .args(arguments)
            .output()
            .expect("it runs")
    }

    pub(crate) fn video(&self) -> PathBuf {
        self.folder.path().join("villa.mp4")
    }

    /// Checks that the video is of the provider's clip, which was ordered once, with the photo.
    #[track_caller]
    pub(crate) fn has_filmed(&self, provider: Name, secs: f64, output: &Output) {
        assert!(output.status.success(), "{}", said(output));
        let probed = probe(&self.video());
        let picture = &probed["streams"][0];
        assert_eq!(picture["codec_name"], "h264");
        // Nobody can ask for so small a picture: it is the fake's clip.
        assert_eq!((&picture["width"], &picture["height"]), (&320.into(), &180.into()));
        let lasts = probed["format"]["duration"].as_str().and_then(|secs| secs.parse::<f64>().ok());
        assert!(lasts.is_some_and(|lasts| (lasts - secs).abs() < 0.5), "{lasts:?}");

        let bill = self.fake.bill(provider);
        assert_eq!((bill.orders, bill.billed), (1, 1));
        let photo = self.fake.orders(provider)[0].photo;
        assert!(photo.is_some_and(|bytes| bytes > 10_000), "the photo has {photo:?} bytes");
    }
}
