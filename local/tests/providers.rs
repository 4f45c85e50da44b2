//! Photos that providers film, as a newcomer has it done; the providers are played.

use std::path::Path;
use std::process::{Command, Output};

use fake_providers::{Name, sample_clip};
use support::{Studio, names, said, sample, stillmotion, text, webhooks};

mod support;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ltx_films_and_its_clip_is_branded() {
    let studio = Studio::of(Name::Ltx, 6).await;

    let output = studio.make(&["--provider", "ltx", "--prompt", "a calm pool"]);

    studio.has_filmed(Name::Ltx, 6.0, &output);
    assert_eq!(studio.fake.orders(Name::Ltx)[0].prompt, "a calm pool");
    let delivered = studio.folder.path().join("delivered.mp4");
    let clip = sample_clip(6, 320, 180).await.expect("a clip");
    std::fs::write(&delivered, clip).expect("written");
    let [top, bottom] = difference(&delivered, &studio.video());
    assert!(top < 12 && bottom > 20, "the top differs by {top}, the bottom by {bottom}");
}

/// How much the upper and the lower third of two videos differ after 3 s, in levels of grey.
fn difference(one: &Path, other: &Path) -> [u32; 2] {
    let grey = |video: &Path| {
        let output = Command::new("ffmpeg")
            .args(["-v", "error", "-ss", "3", "-i"])
            .arg(video)
            .args(["-frames:v", "1", "-pix_fmt", "gray", "-f", "rawvideo", "-"])
            .output();
        output.expect("ffmpeg runs").stdout
    };
    let (one, other) = (grey(one), grey(other));
    assert_eq!((one.len(), other.len()), (320 * 180, 320 * 180));
    let third = one.len() / 3;
    [0..third, 2 * third..3 * third].map(|part| {
        let pairs = one[part.clone()].iter().zip(&other[part]);
        let sum: u32 = pairs.map(|(one, other)| u32::from(one.abs_diff(*other))).sum();
        sum / u32::try_from(third).expect("small")
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ltx_films_over_its_first_api_where_the_clip_comes_with_the_answer() {
    let mut studio = Studio::of(Name::Ltx, 6).await;
    studio.settings.push(("LTX_API_VERSION", "v1".to_owned()));

    let output = studio.make(&["--provider", "ltx"]);

    studio.has_filmed(Name::Ltx, 6.0, &output);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runway_films() {
    let studio = Studio::of(Name::Runway, 5).await;

    let output = studio.make(&["--provider", "runway"]);

    studio.has_filmed(Name::Runway, 5.0, &output);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicate_films_and_is_looked_at() {
    let studio = Studio::of(Name::Replicate, 4).await;

    let output = studio.make(&["--provider", "replicate"]);

    studio.has_filmed(Name::Replicate, 4.0, &output);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicate_films_and_tells_when_it_is_done() {
    let mut studio = Studio::of(Name::Replicate, 4).await;
    studio.only_hear(webhooks());
    studio.settings.push(("REPLICATE_WEBHOOK_SECRET", studio.fake.webhook_secret()));

    let output = studio.make(&["--provider", "replicate"]);

    studio.has_filmed(Name::Replicate, 4.0, &output);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fal_films_and_is_looked_at() {
    let studio = Studio::of(Name::Fal, 5).await;

    let output = studio.make(&["--provider", "fal"]);

    studio.has_filmed(Name::Fal, 5.0, &output);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fal_films_and_tells_when_it_is_done() {
    let mut studio = Studio::of(Name::Fal, 5).await;
    studio.only_hear(webhooks());

    let output = studio.make(&["--provider", "fal"]);

    studio.has_filmed(Name::Fal, 5.0, &output);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_a_key_films_without_being_named_and_that_is_said() {
    let studio = Studio::of(Name::Ltx, 6).await;

    let output = studio.make(&[]);

    studio.has_filmed(Name::Ltx, 6.0, &output);
    assert!(text(&output.stderr).contains("clips are filmed by ltx"), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_provider_does_not_film_is_refused_before_anything_starts() {
    let studio = Studio::of(Name::Ltx, 6).await;
    let refused = |arguments: &[&str]| {
        let output = studio.make(&[arguments, &["--provider", "ltx"]].concat());
        assert!(!output.status.success());
        assert!(!text(&output.stdout).contains("working"), "{}", said(&output));
        text(&output.stderr)
    };

    let retired = refused(&["--model", "ltx-2-fast"]);
    let odd = refused(&["--duration", "7"]);

    assert!(retired.contains("ltx-2-3-fast"), "{retired}");
    assert!(odd.contains("6 s, 8 s"), "{odd}");
    assert_eq!(studio.fake.calls(Name::Ltx), []);
}

#[test]
fn a_provider_without_its_key_and_one_that_is_none_are_named_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |provider: &str| {
        let output = without_keys(folder.path(), provider);
        assert!(!output.status.success());
        let said = text(&output.stderr);
        assert_eq!(said.lines().count(), 1, "{said}");
        said
    };

    assert!(refused("ltx").contains("LTX_API_KEY"));
    assert!(refused("runway").contains("RUNWAYML_API_SECRET"));
    let unknown = refused("sora");
    assert!(unknown.contains("sora") && unknown.contains("camera-move"), "{unknown}");
    assert_eq!(names(folder.path()), [""; 0]);
}

fn without_keys(folder: &Path, provider: &str) -> Output {
    let mut command = stillmotion();
    command.current_dir(folder).env("TMPDIR", folder).arg("make").arg(sample("villa.jpg"));
    command.args(["--provider", provider]).output().expect("it runs")
}
