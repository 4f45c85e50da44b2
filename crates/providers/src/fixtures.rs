//! What the tests of this crate share.

use std::path::PathBuf;
use std::sync::Arc;

use domain::{ClipOptions, JobId};
use fake_providers::{Fake, Name, Switches};
use futures::StreamExt as _;
use ports::{
    ClipDelivery, ClipOrder, CollectError, Collected, GenerationRefusal, ProviderJob, SubmitError,
    Submitted, VideoGenerator,
};

use crate::http::Base;
use crate::registry::{ProviderEntry, Registry};

/// An order of what the provider films without wishes. There is no photo.
pub(crate) fn order(entry: &ProviderEntry) -> ClipOrder {
    ClipOrder {
        job: JobId::of_object("media", "uploads/a.jpg", "e"),
        attempt: 1,
        prompt: "a calm walk towards the pond".to_owned(),
        spec: entry.quote(&ClipOptions::default()).expect("on offer").spec,
        photo: PathBuf::from("/nowhere/photo.jpg"),
        photo_url: None,
    }
}

/// A provider's entry as it would be if what failed were charged.
pub(crate) fn billing_failures(provider: &str) -> Arc<ProviderEntry> {
    let entry = Registry::built_in().entry(provider).expect("an entry");
    Arc::new(ProviderEntry { bills_failures: true, ..(*entry).clone() })
}

/// A provider on loopback, and an order for it with a photo.
pub(crate) struct Rig {
    pub(crate) fake: Fake,
    pub(crate) order: ClipOrder,
    name: Name,
    _folder: tempfile::TempDir,
}

/// Bytes of the photo. It is no photo; nobody here looks.
pub(crate) const PHOTO_BYTES: usize = 200_000;

/// The clip that providers deliver. It is no clip; nobody here plays it.
pub(crate) fn clip() -> Vec<u8> {
    (0..=250).cycle().take(300_000).collect()
}

impl Rig {
    pub(crate) async fn start(name: Name) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let photo = folder.path().join("photo.jpg");
        std::fs::write(&photo, vec![7; PHOTO_BYTES]).expect("a photo");
        let entry = Registry::built_in().entry(name.as_str()).expect("an entry");
        let fake = Fake::start(clip()).await.expect("a port");
        Self { fake, order: ClipOrder { photo, ..order(&entry) }, name, _folder: folder }
    }

    pub(crate) fn base(&self) -> Base {
        Base::parse(&self.fake.base(self.name)).expect("a root")
    }

    pub(crate) fn entry(&self) -> Arc<ProviderEntry> {
        Registry::built_in().entry(self.name.as_str()).expect("an entry")
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Switches)) {
        self.fake.change(self.name, change);
    }

    /// How many orders were taken.
    pub(crate) fn taken(&self) -> usize {
        self.fake.orders(self.name).len()
    }

    pub(crate) async fn accepted(&self, provider: &impl VideoGenerator) -> ProviderJob {
        match provider.submit(&self.order).await {
            Ok(Submitted::Accepted(job)) => job,
            other => panic!("accepted, not {other:?}"),
        }
    }

    pub(crate) async fn refused(&self, provider: &impl VideoGenerator) -> GenerationRefusal {
        match provider.submit(&self.order).await {
            Ok(Submitted::Refused(refusal)) => refusal,
            other => panic!("refused, not {other:?}"),
        }
    }

    /// The bytes of the clip, or how it broke.
    pub(crate) async fn collected(
        &self,
        provider: &impl VideoGenerator,
        job: &ProviderJob,
    ) -> Result<Vec<u8>, String> {
        let nowhere = PathBuf::from("/nowhere/clip.mp4");
        match provider.collect(&self.order, job, &nowhere).await {
            Ok(Collected::Delivery(clip)) => bytes(clip).await,
            Ok(Collected::Filmed) => panic!("nothing is filmed here"),
            Err(CollectError { source, .. }) => Err(ports::Chain(&*source).to_string()),
        }
    }
}

/// All of a clip, or how it broke.
pub(crate) async fn bytes(clip: ClipDelivery) -> Result<Vec<u8>, String> {
    let mut all = Vec::new();
    let mut stream = clip.bytes;
    while let Some(chunk) = stream.next().await {
        all.extend_from_slice(&chunk.map_err(|error| ports::Chain(&*error).to_string())?);
    }
    Ok(all)
}

/// Whether an order is known not to have been taken.
pub(crate) fn is_not_taken(answer: &Result<Submitted, SubmitError>) -> bool {
    matches!(answer, Err(SubmitError::NotTaken(_)))
}

/// Whether an order may have been taken.
pub(crate) fn is_lost(answer: &Result<Submitted, SubmitError>) -> bool {
    matches!(answer, Err(SubmitError::Lost(_)))
}
