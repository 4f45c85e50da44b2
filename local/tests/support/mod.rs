//! What tests of the program share.
#![allow(dead_code, reason = "no test uses all of it")]

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use fake_providers::{Fake, KEY_FAL, KEY_LTX, KEY_REPLICATE, KEY_RUNWAY, Name, sample_clip};
use serde_json::Value;

mod front_door;
mod secrets;
mod shop;
mod stranger;
mod studio;
mod up;

#[allow(unused_imports, reason = "no test uses all of it")]
pub(crate) use {
    front_door::{Answer, FrontDoor, answer, installed, sha256},
    secrets::{LOG_ALL, assert_no_key, assert_no_secret},
    shop::Shop,
    stranger::{Asked, Reply, Stranger},
    studio::Studio,
    up::{Ports, Up, up, up_at},
};

/// Longest wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_mins(5);
/// Pause between two looks at something that is waited for.
const GLANCE: Duration = Duration::from_millis(50);

/// Settings that a test must not inherit.
const SETTINGS: &[&str] = &[
    "RUST_LOG",
    "DEFAULT_PROVIDER",
    "FAL_KEY",
    "LTX_API_KEY",
    "LTX_API_VERSION",
    "PROVIDER_REGISTRY",
    "PROVIDER_WEBHOOK_BASE_URL",
    "REPLICATE_API_TOKEN",
    "RUNWAYML_API_SECRET",
    "SUPABASE_JWKS_URL",
    "SUPABASE_JWT_SECRET",
    "SUPABASE_SERVICE_KEY",
    "SUPABASE_URL",
];

/// A setting of the environment.
pub(crate) type Setting = (&'static str, String);

pub(crate) fn stillmotion() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stillmotion"));
    for setting in SETTINGS {
        command.env_remove(setting);
    }
    command.stdin(Stdio::null());
    command
}

pub(crate) fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples").join(name)
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Everything that was said.
pub(crate) fn said(output: &Output) -> String {
    text(&[&output.stdout[..], &output.stderr[..]].concat())
}

/// What is in a folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into())
        .collect();
    names.sort();
    names
}

pub(crate) fn probe(video: &Path) -> Value {
    let entries = "format=duration:stream=codec_name,width,height,pix_fmt,avg_frame_rate";
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "json", "-show_entries", entries])
        .arg(video)
        .output()
        .expect("ffprobe runs");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Waits until there is something.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(GLANCE).await;
    }
}

pub(crate) fn free_port() -> u16 {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    free.local_addr().expect("an address").port()
}

/// The sample, small: a file that is quickly looked at.
pub(crate) fn small_photo() -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(sample("villa.jpg"))
        .args(["-vf", "scale=640:360", "-f", "image2", "-c:v", "mjpeg", "-"])
        .output()
        .expect("ffmpeg runs");
    output.stdout
}

/// The providers, with a small clip of this length, in seconds.
pub(crate) async fn fake(secs: u32) -> Fake {
    let clip = sample_clip(secs, 320, 180).await.expect("a clip");
    Fake::start(clip).await.expect("the fake")
}

/// What has a provider of the fake film.
pub(crate) fn settings_of(fake: &Fake, provider: Name) -> Vec<Setting> {
    let base = fake.base(provider);
    match provider {
        Name::Ltx => vec![("LTX_API_KEY", KEY_LTX.to_owned()), ("LTX_BASE_URL", base)],
        Name::Runway => {
            vec![("RUNWAYML_API_SECRET", KEY_RUNWAY.to_owned()), ("RUNWAYML_BASE_URL", base)]
        }
        Name::Replicate => {
            vec![("REPLICATE_API_TOKEN", KEY_REPLICATE.to_owned()), ("REPLICATE_BASE_URL", base)]
        }
        Name::Fal => vec![
            ("FAL_KEY", KEY_FAL.to_owned()),
            ("FAL_BASE_URL", base),
            ("FAL_REST_URL", fake.rest_base()),
        ],
    }
}

/// The built-in registry, with another pause between looks.
pub(crate) fn looks_every(secs: u32, folder: &Path) -> Setting {
    registry(folder, &[("poll_every_secs", secs)])
}

/// The built-in registry, with other numbers in the lines that begin so.
pub(crate) fn registry(folder: &Path, numbers: &[(&str, u32)]) -> Setting {
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/providers/registry.toml");
    let built_in = std::fs::read_to_string(built_in).expect("the registry");
    let line = |line: &str| match numbers.iter().find(|(name, _)| line.starts_with(name)) {
        Some((name, number)) => format!("{name} = {number}\n"),
        None => format!("{line}\n"),
    };
    let path = folder.join("registry.toml");
    std::fs::write(&path, built_in.lines().map(line).collect::<String>()).expect("written");
    ("PROVIDER_REGISTRY", path.to_str().expect("a path").to_owned())
}

/// What has providers that can do so tell that work has ended.
pub(crate) fn webhooks() -> [Setting; 2] {
    let address = format!("127.0.0.1:{}", free_port());
    let base = format!("http://{address}");
    [("PROVIDER_WEBHOOK_BASE_URL", base), ("PROVIDER_WEBHOOK_LISTEN", address)]
}
