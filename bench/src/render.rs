//! The render beside a pure transcode with the same encoder settings, in one run.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use film::{Branding, CameraMove, Encoding, Ffmpeg, Motion, compose_with, film_photo};

use crate::Error;
use crate::process::{Peak, cpu_secs};

/// What one run took.
struct Taken {
    wall_secs: f64,
    cpu_secs: f64,
    peak_mib: u64,
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Renders and transcodes by turns and prints medians and their ratio.
pub(crate) async fn ratio(pairs: usize) -> Result<(), Error> {
    let ffmpeg = Ffmpeg::find()?;
    let folder = tempfile::tempdir()?;
    let base = folder.path().join("base.mp4");
    let shot = CameraMove {
        motion: Motion::DollyIn,
        duration_secs: 10,
        width: 1920,
        height: 1080,
        fps: 30,
    };
    film_photo(&ffmpeg, Path::new("samples/villa.jpg"), &shot, &base).await?;

    let (mut pure, mut branded) = (Vec::new(), Vec::new());
    for _ in 0..pairs {
        pure.push(measured(|| transcode(&base, folder.path()))?);
        let began = (Instant::now(), cpu_secs(std::process::id()));
        let peak = Peak::of(std::process::id());
        brand(&ffmpeg, &base, folder.path()).await?;
        branded.push(Taken {
            wall_secs: began.0.elapsed().as_secs_f64(),
            cpu_secs: cpu_secs(std::process::id()) - began.1,
            peak_mib: peak.take_mib(),
        });
    }
    let wall = |runs: &[Taken]| median(runs.iter().map(|run| run.wall_secs).collect());
    let cpu = |runs: &[Taken]| median(runs.iter().map(|run| run.cpu_secs).collect());
    let peak = |runs: &[Taken]| runs.iter().map(|run| run.peak_mib).max().unwrap_or_default();

    println!("| medians of {pairs} | pure transcode | render | ratio |\n|---|---|---|---|");
    let row = |name, a: f64, b: f64| println!("| {name} | {a:.1} s | {b:.1} s | {:.3} |", b / a);
    row("wall", wall(&pure), wall(&branded));
    row("CPU", cpu(&pure), cpu(&branded));
    println!("| highest memory | {} MiB | {} MiB | |", peak(&pure), peak(&branded));
    Ok(())
}

fn measured(run: impl FnOnce() -> Result<(), Error>) -> Result<Taken, Error> {
    let (began, cpu) = (Instant::now(), cpu_secs(std::process::id()));
    let peak = Peak::of(std::process::id());
    run()?;
    Ok(Taken {
        wall_secs: began.elapsed().as_secs_f64(),
        cpu_secs: cpu_secs(std::process::id()) - cpu,
        peak_mib: peak.take_mib(),
    })
}

fn transcode(base: &Path, folder: &Path) -> Result<(), Error> {
    let encoding = Encoding::default();
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-i"])
        .arg(base)
        .args(encoding.video_arguments())
        .args(encoding.container_arguments())
        .arg(folder.join("pure.mp4"))
        .stdin(Stdio::null())
        .status()?;
    if status.success() { Ok(()) } else { Err("the transcode failed".into()) }
}

async fn brand(ffmpeg: &Ffmpeg, base: &Path, folder: &Path) -> Result<(), Error> {
    let branding = Branding {
        title: Some("NISMARA UMA VILLA".to_owned()),
        subtitle: Some("Discover Your Balinese Sanctuary".to_owned()),
        logo: Some("samples/logo.png".into()),
        music: Some("samples/music.mp3".into()),
        ..Branding::default()
    };
    let work = tempfile::tempdir_in(folder)?;
    let (out, poster) = (folder.join("branded.mp4"), folder.join("poster.jpg"));
    compose_with(ffmpeg, &Encoding::default(), base, &branding, work.path(), &out, &poster).await?;
    Ok(())
}
