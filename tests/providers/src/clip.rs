//! A clip to yield, where there is none at hand.

use std::io;
use std::process::Stdio;

use tokio::process::Command;
use uuid::Uuid;

/// An H.264 clip of a test pattern with 24 frames per second, whose index is at the end.
///
/// # Errors
/// If there is no `ffmpeg`, or it fails.
pub async fn sample_clip(secs: u32, width: u32, height: u32) -> io::Result<Vec<u8>> {
    let path = std::env::temp_dir().join(format!("fake-providers-{}.mp4", Uuid::new_v4()));
    let pattern = format!("testsrc2=size={width}x{height}:rate=24:duration={secs}");
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", &pattern])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"])
        .arg(&path)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    let clip = tokio::fs::read(&path).await;
    // It is in the folder for temporary files in any case.
    let _ = tokio::fs::remove_file(&path).await;
    if output.status.success() {
        return clip;
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_index_is_at_the_end() {
        let clip = sample_clip(1, 320, 180).await.expect("ffmpeg");

        let at = |name: &[u8]| clip.windows(4).position(|window| window == name);
        assert!(at(b"mdat").is_some() && at(b"mdat") < at(b"moov"));
    }
}
