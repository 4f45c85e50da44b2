use super::*;
use std::fs;
use tempfile::{TempDir, tempdir};

fn fake(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fakes").join(name)
}

fn fakes(name: &str) -> Ffmpeg {
    Ffmpeg::new(fake(name), fake(name))
}

/// Arguments whose last one tells the fake where to write its process id.
fn told(folder: &TempDir) -> (PathBuf, Vec<OsString>) {
    let path = folder.path().join("pid");
    (path.clone(), vec![file(&path)])
}

async fn pid_in(path: &Path) -> String {
    loop {
        match fs::read_to_string(path) {
            Ok(pid) if pid.ends_with('\n') => return pid.trim().to_owned(),
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn until_gone(pid: &str) {
    while Path::new("/proc").join(pid).exists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_missing_program_is_said_with_how_to_install_it() {
    let error = Ffmpeg::new("/nowhere/ffmpeg", "/nowhere/ffprobe")
        .run(&[], None)
        .await
        .expect_err("missing");

    assert!(
        matches!(&error, FfmpegError::Missing { program, .. } if program == Path::new("/nowhere/ffmpeg"))
    );
    assert!(error.to_string().contains("apt-get install ffmpeg"), "{error}");
}

#[tokio::test]
async fn a_crash_is_told_with_its_last_lines_on_one_line() {
    let error = fakes("crashes").run(&[], None).await.expect_err("crashed");

    let FfmpegError::Failed { status, last_lines } = &error else { panic!("got {error:?}") };
    assert_eq!(status.code(), Some(3));
    assert!(last_lines.starts_with("line 14 | line 15"), "{last_lines}");
    assert!(last_lines.len() < 2_200 && !last_lines.contains('\n'), "{last_lines}");
}

#[tokio::test]
async fn a_full_disk_is_an_error_of_its_own() {
    let error = fakes("fills-the-disk").run(&[], None).await.expect_err("full");

    assert!(matches!(error, FfmpegError::DiskFull { .. }), "got {error:?}");
}

#[tokio::test]
async fn a_hanging_program_is_killed_and_reaped() {
    let folder = tempdir().expect("folder");
    let (pid, arguments) = told(&folder);
    let ffmpeg = fakes("hangs").with_time_limit(Duration::from_millis(1500));

    let error = ffmpeg.run(&arguments, None).await.expect_err("hung");

    let FfmpegError::TimedOut { last_lines, .. } = &error else { panic!("got {error:?}") };
    assert_eq!(last_lines, "still thinking");
    let pid = pid_in(&pid).await;
    assert!(!Path::new("/proc").join(&pid).exists(), "{pid} is still there");
}

#[tokio::test]
async fn a_dropped_run_leaves_no_process() {
    let folder = tempdir().expect("folder");
    let (pid, arguments) = told(&folder);
    let run = tokio::spawn(async move { fakes("hangs").run(&arguments, None).await });
    let pid = pid_in(&pid).await;

    run.abort();

    until_gone(&pid).await;
}

#[tokio::test]
async fn a_program_that_stops_listening_is_judged_by_how_it_ends() {
    let (filled, frames) = tokio::sync::mpsc::channel(1);
    let (emptied, _buffers) = tokio::sync::mpsc::channel(1);
    let feeding = tokio::spawn(async move { while filled.send(vec![0; 1 << 20]).await.is_ok() {} });

    let error = fakes("crashes")
        .run(&[], Some(Frames { filled: frames, emptied }))
        .await
        .expect_err("crashed");

    assert!(matches!(error, FfmpegError::Failed { .. }), "got {error:?}");
    feeding.await.expect("the feeder notices");
}

#[tokio::test]
async fn an_answer_that_is_none_is_said_to_be_none() {
    let error = fakes("babbles").probe("clip.mp4").await.expect_err("babble");

    assert!(matches!(error, FfmpegError::Unintelligible { .. }), "got {error:?}");
}

#[test]
fn a_probe_tells_pictures_from_covers_and_counts_frames_exactly() {
    let info = probe::parse(
        br#"{"streams":[
            {"codec_type":"video","codec_name":"mjpeg","width":600,"height":600,"disposition":{"attached_pic":1}},
            {"codec_type":"video","codec_name":"h264","width":1920,"height":1080,"pix_fmt":"yuv420p",
             "r_frame_rate":"30000/1001","nb_frames":"300","duration":"10.010000","disposition":{"attached_pic":0}},
            {"codec_type":"audio","codec_name":"aac","r_frame_rate":"0/0"}],
            "format":{"duration":"10.030000"}}"#,
    )
    .expect("an answer");

    assert_eq!(
        (info.width, info.height, info.frames, info.duration_ms),
        (1920, 1080, Some(300), Some(10_010))
    );
    assert_eq!(info.frame_rate, Some(FrameRate { frames: 30_000, seconds: 1001 }));
    assert_eq!((info.has_audio, info.audio_codec.as_deref()), (true, Some("aac")));
}

#[test]
fn a_file_with_sound_alone_has_no_size_and_no_rate() {
    let json =
        br#"{"streams":[{"codec_type":"audio","codec_name":"mp3"}],"format":{"duration":"3.5"}}"#;

    let info = probe::parse(json).expect("an answer");

    assert_eq!(
        (info.width, info.frame_rate, info.duration_ms, info.has_audio),
        (0, None, Some(3500), true)
    );
}
