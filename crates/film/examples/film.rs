//! Films a photo: `film photo motion seconds width height fps out.mp4`.

use film::{CameraMove, Ffmpeg, film_photo};
use std::error::Error;
use std::path::Path;
use std::time::Instant;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [photo, motion, seconds, width, height, fps, out] = &arguments[..] else {
        return Err("usage: film photo motion seconds width height fps out.mp4".into());
    };
    let shot = CameraMove {
        motion: motion.parse()?,
        duration_secs: seconds.parse()?,
        width: width.parse()?,
        height: height.parse()?,
        fps: fps.parse()?,
    };

    let started = Instant::now();
    film_photo(&Ffmpeg::find()?, Path::new(photo), &shot, Path::new(out)).await?;
    println!("{out}: {} frames in {:.2} s", shot.frames(), started.elapsed().as_secs_f64());
    Ok(())
}
