//! What a provider delivers goes to the bucket in flat memory, whatever its size, and whole or not
//! at all. A test binary of its own, so that the memory that is measured is its own.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Region};
use domain::{ClipOptions, JobId, ObjectKey, keys};
use fake_providers::{Cut, Download, Endpoint, Fake, KEY_LTX, Name, Switches, sized_content};
use film::Ffmpeg;
use futures::StreamExt as _;
use ports::{
    ByteStream, ClipOrder, Collected, Look, ObjectMeta, ObjectStore, StoreError, Submitted,
    VideoGenerator,
};
use providers::{Provider, Registry, providers};
use stillmotion::{Home, home};
use tempfile::TempDir;
use testkit::samples;
use tokio::sync::Mutex;

const MIB: u64 = 1024 * 1024;
/// A clip that no memory is to hold.
const HUGE: u64 = 1024 * MIB;
/// What the process may grow by: the fake, the embedded cloud and both clients are in it.
const GROWTH: u64 = 150 * MIB;
/// The content of a sized clip repeats after so many bytes.
const PERIOD: usize = 251;

/// Held by the one test whose memory is measured.
static ALONE: Mutex<()> = Mutex::const_new(());

/// A provider that delivers, and a bucket.
struct Studio {
    fake: Fake,
    provider: Provider,
    home: Home,
    folder: TempDir,
}

impl Studio {
    async fn new(clip: Vec<u8>, switches: Switches) -> Self {
        let fake = Fake::start(clip).await.expect("a fake");
        fake.set(Name::Ltx, switches);
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::start(&folder.path().join("cloud"), None, &[]).await.expect("a cloud");
        fs::write(folder.path().join("photo.jpg"), samples::photo_jpeg(640, 480)).expect("a photo");
        Self { provider: ltx(&fake), fake, home, folder }
    }

    fn order(&self) -> ClipOrder {
        ClipOrder {
            job: JobId::of_object("media", "uploads/villa.jpg", "e"),
            attempt: 1,
            prompt: "over the pool".to_owned(),
            spec: self.provider.quote(&ClipOptions::default()).expect("on offer").spec,
            photo: self.folder.path().join("photo.jpg"),
            photo_url: None,
        }
    }

    /// Where the function stores what is delivered.
    fn key(&self) -> ObjectKey {
        keys::delivered(self.order().job, 1)
    }

    /// Orders a clip, waits for it and begins to collect it.
    async fn delivery(&self) -> ByteStream {
        let order = self.order();
        let submitted = self.provider.submit(&order).await.expect("an answer");
        let Submitted::Accepted(job) = submitted else { panic!("{submitted:?}") };
        loop {
            match self.provider.look(&order, &job).await.expect("a look") {
                Look::Ready { .. } => break,
                Look::Pending { .. } => tokio::time::sleep(Duration::from_millis(20)).await,
                other => panic!("{other:?}"),
            }
        }
        let collected = self.provider.collect(&order, &job, Path::new("nowhere")).await;
        match collected.expect("collected") {
            Collected::Delivery(delivery) => delivery.bytes,
            Collected::Filmed => panic!("it was to be a stream"),
        }
    }

    /// Stores these bytes as the function does; their number.
    async fn store(&self, bytes: ByteStream) -> Result<u64, StoreError> {
        self.home.bucket().put_stream(&self.key(), bytes, &ObjectMeta::default()).await
    }

    fn client(&self) -> Client {
        let keys = Credentials::new(home::ACCESS_KEY, home::SECRET_KEY, None, None, "tests");
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(self.home.endpoint())
            .region(Region::from_static(home::REGION))
            .credentials_provider(keys)
            .force_path_style(true);
        Client::from_conf(config.build())
    }

    /// Reads what is stored, piece by piece, and compares it with a sized clip; its size.
    async fn assert_sized_content(&self) -> u64 {
        let request = self.client().get_object().bucket(self.home.bucket_name());
        let stored = request.key(self.key().as_str()).send().await.expect("an object");
        let (mut body, mut size) = (stored.body, 0);
        let expected = sized_content(0..MIB);
        while let Some(piece) = body.try_next().await.expect("a piece") {
            for part in piece.chunks(expected.len() - PERIOD) {
                let from = usize::try_from(size % PERIOD as u64).expect("small");
                assert!(part == &expected[from..from + part.len()], "other bytes behind {size}");
                size += part.len() as u64;
            }
        }
        size
    }

    /// Neither the clip nor a part of it is kept.
    async fn assert_nothing_is_stored(&self) {
        let store = self.home.bucket();
        assert_eq!(store.head(&self.key()).await.expect("a head"), None);
        let request = self.client().list_multipart_uploads().bucket(self.home.bucket_name());
        let begun = request.send().await.expect("a list").uploads.unwrap_or_default();
        assert!(begun.is_empty(), "{begun:?}");
        let on_disk = size_of(self.folder.path());
        assert!(on_disk < 4 * MIB, "{on_disk} bytes are still there");
    }

    async fn stop(self) {
        self.fake.stop().await;
        self.home.stop().await;
    }
}

/// The adapter of LTX before its fake.
fn ltx(fake: &Fake) -> Provider {
    let setting = |name: &str| match name {
        "LTX_API_KEY" => Some(KEY_LTX.to_owned()),
        "LTX_BASE_URL" => Some(fake.base(Name::Ltx)),
        _ => None,
    };
    let ffmpeg = Ffmpeg::new("ffmpeg", "ffprobe");
    let all = providers(setting, &Registry::built_in(), ffmpeg).expect("settings");
    all.into_iter().next().expect("it has a key")
}

/// Bytes of all files below a folder.
fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    entries
        .map(|entry| match entry.metadata().expect("it is there") {
            found if found.is_dir() => size_of(&entry.path()),
            found => found.len(),
        })
        .sum()
}

/// Forgets how much memory this process once had.
fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").expect("the peak is forgotten");
}

/// The most memory that this process had since, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clip_larger_than_memory_goes_to_the_bucket_in_flat_memory() {
    let _alone = ALONE.lock().await;
    let switches = Switches { download: Download::Sized(HUGE), ..Switches::default() };
    let studio = Studio::new(Vec::new(), switches).await;
    forget_peak();
    let before = peak();

    let began = Instant::now();
    let stored = studio.store(studio.delivery().await).await.expect("stored");
    let (took, growth) = (began.elapsed(), peak() - before);

    println!("1 GiB stored in {took:.0?}, memory grew by {} MiB", growth / MIB);
    assert_eq!(stored, HUGE);
    assert!(growth < GROWTH, "memory grew by {} MiB", growth / MIB);
    let began = Instant::now();
    assert_eq!(studio.assert_sized_content().await, HUGE);
    println!("and read back in {:.0?}", began.elapsed());
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_breaks_in_the_middle_stores_nothing_and_leaves_no_parts() {
    let _alone = ALONE.lock().await;
    let size = 64 * MIB;
    let after_bytes = usize::try_from(size / 2).expect("it fits");
    let cut = Cut { to: Endpoint::Download, times: 1, after_bytes, take: false };
    let reset =
        Switches { download: Download::Sized(size), cuts: vec![cut], ..Switches::default() };
    let truncated = Switches { download: Download::Truncated, ..Switches::default() };
    let clip = vec![0; usize::try_from(size).expect("it fits")];

    for (what, clip, switches) in [("reset", Vec::new(), reset), ("truncated", clip, truncated)] {
        let studio = Studio::new(clip, switches).await;
        let came = Arc::new(AtomicU64::new(0));
        let counted = came.clone();
        let bytes = studio.delivery().await.inspect(move |piece| {
            let length = piece.as_ref().map_or(0, |piece| piece.len() as u64);
            counted.fetch_add(length, Ordering::Relaxed);
        });

        let stored = studio.store(bytes.boxed()).await;

        assert!(matches!(stored, Err(StoreError::Content { .. })), "{what}: {stored:?}");
        let came = came.load(Ordering::Relaxed);
        assert!((size / 4..size).contains(&came), "{what}: {came} bytes came");
        studio.assert_nothing_is_stored().await;
        studio.stop().await;
    }
}
