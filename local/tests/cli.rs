//! The commands, as a newcomer types them.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{PATIENCE, Up, names, probe, sample, stillmotion, text};
use tempfile::TempDir;

mod support;

fn make(folder: &Path, photo: &Path, arguments: &[&str]) -> Output {
    stillmotion()
        .current_dir(folder)
        .env("TMPDIR", folder)
        .arg("make")
        .arg(photo)
        .args(arguments)
        .output()
        .expect("it runs")
}

#[test]
fn make_ends_with_a_video_a_poster_and_the_times_of_the_stages() {
    let folder = tempfile::tempdir().expect("a folder");
    let logo = sample("logo.png");
    let music = sample("music.mp3");

    let output = make(
        folder.path(),
        &sample("villa.jpg"),
        &[
            "--title",
            "NISMARA UMA VILLA",
            "--subtitle",
            "别墅 · فيلا",
            "--resolution",
            "1280x720",
            "--logo",
            logo.to_str().expect("a path"),
            "--music",
            music.to_str().expect("a path"),
            "--motion",
            "dolly_left",
            "-o",
            "villa.mp4",
            "--json",
        ],
    );

    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(names(folder.path()), ["villa.jpg", "villa.mp4"], "nothing else stays behind");
    let probed = probe(&folder.path().join("villa.mp4"));
    let video = &probed["streams"][0];
    assert_eq!(video["codec_name"], "h264");
    assert_eq!((&video["width"], &video["height"]), (&1280.into(), &720.into()));
    assert_eq!((&video["pix_fmt"], &video["avg_frame_rate"]), (&"yuv420p".into(), &"24/1".into()));
    assert_eq!(probed["streams"][1]["codec_name"], "aac");
    let lines = text(&output.stdout);
    let done: Value = serde_json::from_str(lines.lines().last().expect("a line")).expect("JSON");
    assert_eq!(done["event"], "done");
    let stages: Vec<_> = done["stages"].as_array().expect("stages").iter().collect();
    let named: Vec<_> = stages.iter().map(|stage| stage["stage"].as_str().unwrap_or("")).collect();
    assert_eq!(named, ["ingest", "ltx", "render", "notify"]);
}

#[test]
fn a_photo_that_is_none_is_refused_in_one_line_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let photo = folder.path().join("notes.jpg");
    std::fs::write(&photo, "these are notes").expect("written");

    let output = make(folder.path(), &photo, &["-o", "out.mp4"]);

    assert!(!output.status.success());
    let said = text(&output.stderr);
    let last = said.lines().last().unwrap_or_default();
    assert!(last.starts_with("stillmotion: ingest: ") && last.contains("JPEG"), "{said}");
    assert_eq!(names(folder.path()), ["notes.jpg"]);
}

#[test]
fn wishes_that_cannot_be_met_are_named_before_anything_starts() {
    let folder = tempfile::tempdir().expect("a folder");
    let photo = sample("villa.jpg");
    let last = |arguments: &[&str]| {
        let said = text(&make(folder.path(), &photo, arguments).stderr);
        said.lines().last().unwrap_or_default().to_owned()
    };

    assert!(last(&["--duration", "700"]).contains("1 to 60"));
    assert!(last(&["--motion", "sideways"]).contains("dolly_in"));
    assert!(last(&["--theme", "baroque"]).contains("default"));
    assert!(last(&["--logo", "none.png"]).contains("none.png"));
    assert!(last(&["-o", "nowhere/out.mp4"]).contains("no such folder"));
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn an_interrupted_make_leaves_nothing_running_and_nothing_half_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = stillmotion()
        .current_dir(folder.path())
        .env("TMPDIR", folder.path())
        .arg("make")
        .arg(sample("villa.jpg"))
        .args(["--json", "-o", "out.mp4"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    // By then ffmpeg is at work, or about to be.
    let at_work = lines.map_while(Result::ok).any(|line| line.contains(r#""stage":"ltx""#));
    assert!(at_work);
    std::thread::sleep(Duration::from_millis(700));
    let children = children_of(child.id());

    signal("INT", child.id());
    let status = ended(&mut child);

    assert!(!status.success());
    assert_eq!(names(folder.path()), [""; 0]);
    for pid in children {
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "process {pid} is still there");
    }
}

fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

fn ended(child: &mut Child) -> std::process::ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status;
        }
        assert!(began.elapsed() < PATIENCE, "it does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn children_of(pid: u32) -> Vec<String> {
    let tasks = format!("/proc/{pid}/task");
    let entries = std::fs::read_dir(tasks).expect("a process");
    let children = entries.map(|task| {
        std::fs::read_to_string(task.expect("a task").path().join("children")).unwrap_or_default()
    });
    children.collect::<String>().split_whitespace().map(ToOwned::to_owned).collect()
}

fn up(data: &Path) -> Up {
    support::up(data, &[], &[])
}

fn job_states(data: &Path) -> Vec<String> {
    let output = stillmotion().args(["jobs", "--json", "--data"]).arg(data).output().expect("runs");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let state = |line: &str| {
        let job: Value = serde_json::from_str(line).expect("JSON");
        job["state"].as_str().expect("a state").to_owned()
    };
    text(&output.stdout).lines().map(state).collect()
}

fn data() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    (folder, data)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_without_a_word_and_started_again_every_job_ends() {
    let (_folder, data) = data();
    let first = up(&data);
    drop_in(&first, "one.jpg").await;
    drop_in(&first, "two.jpg").await;

    // Four deaths at moments that depend on nothing but the clock, then a life.
    drop(first);
    for pause_ms in [150, 600, 1400, 2600] {
        let life = up(&data);
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        drop(life);
    }
    let _life = up(&data);
    let began = Instant::now();
    while job_states(&data) != ["rendered", "rendered"] {
        assert!(began.elapsed() < PATIENCE, "{:?}", job_states(&data));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    let listed = stillmotion().args(["jobs", "--json", "--data"]).arg(&data).output();
    let listed = text(&listed.expect("runs").stdout);
    let job: Value = serde_json::from_str(listed.lines().next().expect("a job")).expect("JSON");
    let id = job["id"].as_str().expect("an id");
    let history = stillmotion().args(["job", id, "--data"]).arg(&data).output().expect("runs");
    let history = text(&history.stdout);
    assert!(history.contains("Rendered.v1") && history.contains("succeeded"), "{history}");
}

/// Puts a small photo in the bucket, whose options ask for the shortest clip.
async fn drop_in(up: &Up, name: &str) {
    use domain::ObjectKey;
    use ports::{Content, ObjectMeta, ObjectStore};

    let photo = std::fs::read(sample("villa.jpg")).expect("the sample");
    let key = ObjectKey::new(format!("uploads/{name}")).expect("a key");
    let wishes = [("title", "Villa"), ("resolution", "1280x720"), ("cameramotion", "static")];
    let meta = ObjectMeta {
        content_type: "image/jpeg".to_owned(),
        user: wishes.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    };
    up.home.bucket().put(&key, Content::Bytes(&photo), &meta).await.expect("put");
}

#[test]
fn a_folder_that_is_in_use_and_one_that_is_empty_are_told_apart() {
    let (_folder, data) = data();
    let empty = stillmotion().args(["jobs", "--data"]).arg(&data).output().expect("runs");
    let _up = up(&data);

    let second = stillmotion().args(["up", "--port", "0", "--data"]).arg(&data).output();

    let empty = text(&empty.stderr);
    assert!(empty.contains("start with `stillmotion up`"), "{empty}");
    let second = second.expect("runs");
    assert!(!second.status.success());
    assert!(text(&second.stderr).contains(data.to_str().expect("a path")));
    assert_eq!(job_states(&data), [""; 0], "reading works while it is up");
}
