use super::*;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::LazyLock;
use tempfile::{TempDir, tempdir};

/// A clip of six seconds with sound, its index in front; made once, since encoding takes longest.
static FRONT: LazyLock<Vec<u8>> =
    LazyLock::new(|| made(&["-c:v", "libx264", "-c:a", "aac", "-movflags", "+faststart"], "mp4"));
/// The same with its index at the end.
static BACK: LazyLock<Vec<u8>> = LazyLock::new(|| made(&["-c:v", "libx264", "-c:a", "aac"], "mp4"));
/// The same length in a `WebM` whose segment says how long it is.
static WEBM: LazyLock<Vec<u8>> = LazyLock::new(|| {
    made(&["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"], "webm")
});

const VIDEO: &str = "testsrc2=size=160x90:rate=24:duration=6";

fn made(options: &[&str], extension: &str) -> Vec<u8> {
    let folder = tempdir().expect("folder");
    let out = folder.path().join("made").with_extension(extension);
    let sources = ["-v", "error", "-f", "lavfi", "-i", VIDEO, "-f", "lavfi", "-i", "sine=d=6"];
    let ended = std::process::Command::new("ffmpeg")
        .args(sources)
        .args(["-pix_fmt", "yuv420p", "-g", "24"])
        .args(options)
        .arg(&out)
        .status();
    assert!(ended.expect("ffmpeg is installed").success(), "{options:?}");
    std::fs::read(out).expect("made")
}

struct Bench {
    folder: TempDir,
    ffmpeg: Ffmpeg,
}

impl Bench {
    fn new() -> Self {
        let ffmpeg = Ffmpeg::find().expect("ffmpeg is installed");
        Self { folder: tempdir().expect("folder"), ffmpeg }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn rewrap(&self, clip: &[u8], keep_audio: bool) -> Result<DeliveredClip, ClipError> {
        self.rewrap_of_length(clip, None, keep_audio).await
    }

    async fn rewrap_of_length(
        &self,
        clip: &[u8],
        expected: Option<Duration>,
        keep_audio: bool,
    ) -> Result<DeliveredClip, ClipError> {
        let from = self.path("from");
        std::fs::write(&from, clip).expect("written");
        rewrap(&self.ffmpeg, &from, expected, keep_audio, &self.path("to")).await
    }

    /// Why the clip is refused.
    async fn refusal(&self, clip: &[u8]) -> String {
        reason(self.rewrap(clip, true).await)
    }

    async fn written(&self) -> MediaInfo {
        self.ffmpeg.probe(self.path("to")).await.expect("probed")
    }

    /// With a program of `tests/fakes` in the place of `ffmpeg`.
    fn with_fake(name: &str) -> Self {
        let fake = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fakes").join(name);
        let ffmpeg = Ffmpeg::new(fake, "ffprobe").with_time_limit(Duration::from_secs(4));
        Self { ffmpeg, ..Self::new() }
    }
}

fn reason(ended: Result<DeliveredClip, ClipError>) -> String {
    match ended {
        Err(ClipError::Unplayable(reason)) => reason,
        other => panic!("got {other:?}"),
    }
}

fn start_of(kind: [u8; 4], clip: &[u8]) -> usize {
    clip.windows(4).position(|window| window == kind).expect("the box") - 4
}

/// What is left of a clip after so many thousandths of it.
fn cut(clip: &[u8], thousandths: usize) -> &[u8] {
    &clip[..clip.len() * thousandths / 1000]
}

const SIX_SECONDS: DeliveredClip =
    DeliveredClip { duration_ms: 6000, width: 160, height: 90, has_audio: true };

#[tokio::test]
async fn a_clip_is_copied_with_its_index_in_front() {
    assert!(start_of(*b"mdat", &BACK) < start_of(*b"moov", &BACK), "the test's own clip");
    for clip in [&*BACK, &*FRONT] {
        let bench = Bench::new();

        let delivered = bench.rewrap(clip, true).await.expect("rewrapped");

        assert_eq!(delivered, SIX_SECONDS);
        let bytes = std::fs::read(bench.path("to")).expect("read");
        assert!(start_of(*b"moov", &bytes) < start_of(*b"mdat", &bytes));
        let info = bench.written().await;
        assert_eq!((info.frames, info.audio_codec.as_deref()), (Some(144), Some("aac")));
    }
}

#[tokio::test]
async fn sound_is_dropped_unless_it_is_wanted() {
    let bench = Bench::new();

    let delivered = bench.rewrap(&BACK, false).await.expect("rewrapped");

    assert_eq!(delivered, DeliveredClip { has_audio: false, ..SIX_SECONDS });
    assert_eq!(bench.written().await.audio_codec, None);
}

#[tokio::test]
async fn sound_that_an_mp4_cannot_hold_is_left_out() {
    let bench = Bench::new();
    let clip = made(&["-c:v", "libx264", "-c:a", "pcm_s16le"], "mov");

    let delivered = bench.rewrap(&clip, true).await.expect("rewrapped");

    assert_eq!(delivered, DeliveredClip { has_audio: false, ..SIX_SECONDS });
}

#[tokio::test]
async fn a_webm_with_vp9_becomes_an_mp4() {
    let bench = Bench::new();

    let delivered = bench.rewrap(&WEBM, true).await.expect("rewrapped");

    assert!((5950..=6050).contains(&delivered.duration_ms), "{delivered:?}");
    let info = bench.written().await;
    assert_eq!((info.video_codec.as_deref(), delivered.has_audio), (Some("vp9"), true));
}

#[tokio::test]
async fn a_clip_in_fragments_becomes_whole() {
    let bench = Bench::new();
    let fragments = ["-c:v", "libx264", "-movflags", "frag_keyframe+empty_moov"];
    let clip = made(&fragments, "mp4");

    let delivered = bench.rewrap(&clip, true).await.expect("rewrapped");

    assert_eq!(delivered, SIX_SECONDS);
    for thousandths in [200, 500, 900] {
        let reason = bench.refusal(cut(&clip, thousandths)).await;
        assert!(reason.contains("cut off") || reason.contains("it ends after"), "{reason}");
    }
}

#[tokio::test]
async fn a_codec_that_an_mp4_cannot_hold_is_named() {
    let bench = Bench::new();
    let clip = made(&["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"], "webm");

    let reason = bench.refusal(&clip).await;

    assert_eq!(reason, "its video is vp8, which cannot be copied into an MP4");
}

#[tokio::test]
async fn a_clip_that_was_cut_off_is_found_out() {
    let bench = Bench::new();
    for clip in [&*FRONT, &*BACK, &*WEBM] {
        for thousandths in [10, 100, 500, 900, 990, 999] {
            let reason = bench.refusal(cut(clip, thousandths)).await;

            assert!(reason.starts_with("it is cut off after "), "{thousandths}: {reason}");
        }
    }
}

#[tokio::test]
async fn a_clip_that_was_cut_off_between_two_packets_or_boxes_is_found_out() {
    let bench = Bench::new();
    let data = start_of(*b"mdat", &FRONT);
    let last_sound = FRONT.len() - 5;

    let without_data = bench.refusal(&FRONT[..data]).await;
    let without_last_packet = bench.refusal(&FRONT[..last_sound]).await;
    let without_index = bench.refusal(&BACK[..start_of(*b"moov", &BACK)]).await;

    assert_eq!(without_data, "it ends after 0 s of 6 s");
    assert!(without_last_packet.starts_with("it is cut off"), "{without_last_packet}");
    assert!(without_index.starts_with("no video: it begins with"), "{without_index}");
}

#[tokio::test]
async fn a_clip_of_unknown_size_is_judged_by_its_length() {
    let bench = Bench::new();
    let mut clip = FRONT.clone();
    let data = start_of(*b"mdat", &clip);
    clip[data..data + 4].fill(0);

    assert_eq!(bench.rewrap(&clip, true).await.expect("rewrapped"), SIX_SECONDS);
    for thousandths in [500, 900] {
        let reason = bench.refusal(cut(&clip, thousandths)).await;
        assert!(reason.starts_with("it ends after "), "{reason}");
    }
}

#[tokio::test]
async fn a_box_without_pictures_may_lack_its_end() {
    let bench = Bench::new();
    let mut clip = BACK.clone();
    clip.extend(100_u32.to_be_bytes());
    clip.extend(b"free some");

    assert_eq!(bench.rewrap(&clip, true).await.expect("rewrapped"), SIX_SECONDS);
}

#[tokio::test]
async fn packets_of_the_same_time_are_no_reason_to_refuse() {
    let bench = Bench::new();
    let twice = "setts=ts=if(eq(N\\,50)\\,TS-60\\,TS)";
    let options = ["-c:v", "libx264", "-preset", "ultrafast", "-bsf:v", twice, "-an"];
    let clip = made(&options, "mkv");

    let delivered = bench.rewrap(&clip, true).await.expect("rewrapped");

    assert!((5950..=6050).contains(&delivered.duration_ms), "{delivered:?}");
}

#[tokio::test]
async fn what_is_no_video_is_refused_with_its_beginning() {
    let bench = Bench::new();
    let cases: [(&[u8], &str); 5] = [
        (b"\n<html><body>Not here</body></html>", r#"it begins with "<html><body>Not ""#),
        (b"{\"error\":1}", r#"it begins with "{\"error\":1}""#),
        (b"", "it is empty"),
        (&[0; 5000], "it begins with nothing that could be read"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:/etc/passwd\n", r##"it begins with "#EXTM3U#EXTINF:1""##),
    ];

    for (clip, expected) in cases {
        assert_eq!(bench.refusal(clip).await, format!("no video: {expected}"));
    }
}

#[tokio::test]
async fn sound_alone_is_no_video() {
    let bench = Bench::new();
    let clip = made(&["-vn"], "m4a");

    assert_eq!(bench.refusal(&clip).await, "no video: it has only sound");
}

#[tokio::test]
async fn a_clip_has_to_be_about_as_long_as_asked() {
    let bench = Bench::new();
    let of_length = |tenths: u64| Some(Duration::from_millis(tenths * 100));

    for asked in [50, 60, 70] {
        let ended = bench.rewrap_of_length(&FRONT, of_length(asked), true).await;
        assert_eq!(ended.expect("about as long"), SIX_SECONDS, "{asked}");
    }
    for (asked, said) in [(49, "4.9"), (72, "7.2"), (100, "10")] {
        let ended = bench.rewrap_of_length(&FRONT, of_length(asked), true).await;
        assert_eq!(reason(ended), format!("it lasts 6 s, {said} s were asked for"));
    }
}

#[test]
fn a_long_clip_may_differ_by_15_percent() {
    let minute = Some(Duration::from_mins(1));

    assert!(require_length(69_000, minute).is_ok() && require_length(51_000, minute).is_ok());
    assert!(require_length(69_001, minute).is_err() && require_length(50_999, minute).is_err());
    assert!(require_length(1, Some(Duration::MAX)).is_err());
}

#[tokio::test]
async fn a_rotation_is_kept() {
    let bench = Bench::new();
    let mut sideways = BACK.clone();
    // The matrix in the header of the first track, the video; 90 degrees.
    let turned = [0, 1 << 16, 0, -1 << 16, 0_i32].map(i32::to_be_bytes).concat();
    let place = |clip: &[u8]| start_of(*b"tkhd", clip) + 48;
    let start = place(&sideways);
    sideways[start..start + 20].copy_from_slice(&turned);

    bench.rewrap(&sideways, true).await.expect("rewrapped");

    let written = std::fs::read(bench.path("to")).expect("read");
    assert_eq!(written[place(&written)..][..20], turned);
}

#[tokio::test]
async fn a_missing_program_is_no_fault_of_the_clip() {
    let nowhere = PathBuf::from("/nowhere/ffmpeg");
    for ffmpeg in [Ffmpeg::new(&nowhere, &nowhere), Ffmpeg::new(&nowhere, "ffprobe")] {
        let bench = Bench { ffmpeg, ..Bench::new() };

        let ended = bench.rewrap(&BACK, true).await;

        assert!(matches!(ended, Err(ClipError::Ffmpeg(FfmpegError::Missing { .. }))), "{ended:?}");
    }
}

#[test]
fn only_a_program_that_says_so_blames_the_clip() {
    let (ended, killed) = (|code: i32| code << 8, |signal: i32| signal);
    let blames = |raw| {
        let status = ExitStatus::from_raw(raw);
        blames_input(&FfmpegError::Failed { status, last_lines: String::new() })
    };

    assert!([1, 69, 183, 187].map(ended).into_iter().all(blames));
    assert!(![126, 127, 255].map(ended).into_iter().any(blames));
    assert!(![9, 11, 15].map(killed).into_iter().any(blames));
}

#[tokio::test]
async fn a_full_disk_and_a_time_out_are_no_fault_of_the_clip() {
    let full = Bench::with_fake("fills-the-disk").rewrap(&BACK, true).await;
    let slow = Bench::with_fake("hangs").rewrap(&BACK, true).await;

    assert!(matches!(full, Err(ClipError::Ffmpeg(FfmpegError::DiskFull { .. }))), "{full:?}");
    assert!(matches!(slow, Err(ClipError::Ffmpeg(FfmpegError::TimedOut { .. }))), "{slow:?}");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_no_fault_of_the_clip() {
    let bench = Bench::new();
    let (from, to) = (bench.path("from"), bench.path("nowhere/to"));
    std::fs::write(&from, &*BACK).expect("written");

    let ended = rewrap(&bench.ffmpeg, &from, None, true, &to).await;

    assert!(matches!(ended, Err(ClipError::Ffmpeg(FfmpegError::Failed { .. }))), "{ended:?}");
}

#[tokio::test]
async fn a_program_that_refuses_the_clip_wherever_it_goes_blames_the_clip() {
    let reason = Bench::with_fake("crashes").refusal(&BACK).await;

    assert!(reason.starts_with("it cannot be copied: ffmpeg failed (exit status: 3)"), "{reason}");
}

#[tokio::test]
async fn a_clip_that_is_not_there_is_no_fault_of_the_clip() {
    let bench = Bench::new();

    let ended = rewrap(&bench.ffmpeg, &bench.path("gone"), None, true, &bench.path("to")).await;

    assert!(matches!(ended, Err(ClipError::File { .. })), "{ended:?}");
}

#[test]
fn boxes_that_lie_about_their_size_are_borne() {
    let folder = tempdir().expect("folder");
    let path = folder.path().join("clip");
    let largest = [&[0, 0, 0, 1][..], b"mdat", &[0xFF; 8]].concat();
    let headless = [&[0, 0, 0, 1][..], b"mdat", &[0; 3]].concat();
    let ebml = [&0x1A45_DFA3_u32.to_be_bytes()[..], &[1], &[0xFF; 6], &[0xFE]].concat();
    let zeros = [&0x1A45_DFA3_u32.to_be_bytes()[..], &[0; 9]].concat();
    let cases = [(largest, u64::MAX), (headless, 0), (ebml, 0), (zeros, 0)];

    for (bytes, promised_bytes) in cases {
        std::fs::write(&path, &bytes).expect("written");
        assert_eq!(look(&path).expect("looked").promised_bytes, promised_bytes, "{bytes:?}");
    }
}
