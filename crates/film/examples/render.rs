//! Brands a clip: `render base.mp4 title subtitle logo music out.mp4 [theme]`; `-` leaves a thing out.
//!
//! Letters that no font of the crate has are looked for in the folder `FONTS_FOLDER`, then in the system.
//! The poster is written beside the video. What it took is printed.

use film::{Branding, Ffmpeg, Theme, compose};
use std::error::Error;
use std::path::Path;
use std::time::Instant;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.len() == 6 {
        arguments.push("default".to_owned());
    }
    let [base, title, subtitle, logo, music, out, theme] = &arguments[..] else {
        return Err("usage: render base.mp4 title subtitle logo music out.mp4 [theme]".into());
    };
    let given = |argument: &String| (argument != "-").then(|| argument.clone());
    let branding = Branding {
        title: given(title),
        subtitle: given(subtitle),
        logo: given(logo).map(Into::into),
        music: given(music).map(Into::into),
        theme: Theme::named(theme)?,
        fonts: std::env::var_os("FONTS_FOLDER").map(Into::into),
    };
    let (out, work) = (Path::new(out), tempfile::tempdir()?);

    let started = Instant::now();
    let poster = out.with_extension("jpg");
    let rendered =
        compose(&Ffmpeg::find()?, Path::new(base), &branding, work.path(), out, &poster).await?;
    println!("{rendered:?} in {:.2} s", started.elapsed().as_secs_f64());
    Ok(())
}
