//! The renderer that films with `ffmpeg`.

use std::path::{Path, PathBuf};

use film::{Branding, ComposeError, Ffmpeg, Theme, compose};
use ports::{RenderError, RenderOrder, RenderOutput, Renderer};

/// Makes videos with the compositor of `film`.
#[derive(Clone, Debug)]
pub struct FilmRenderer {
    ffmpeg: Ffmpeg,
    fonts: Option<PathBuf>,
}

impl FilmRenderer {
    /// Composes with this `ffmpeg`.
    pub const fn new(ffmpeg: Ffmpeg) -> Self {
        Self { ffmpeg, fonts: None }
    }

    /// Looks for letters that few fonts have in this folder too.
    #[must_use]
    pub fn with_fonts(self, folder: Option<PathBuf>) -> Self {
        Self { fonts: folder, ..self }
    }
}

impl Renderer for FilmRenderer {
    async fn render(&self, order: &RenderOrder, work: &Path) -> Result<RenderOutput, RenderError> {
        let theme = Theme::named(order.theme.as_deref().unwrap_or("default"))
            .map_err(|unknown| RenderError::Refused(unknown.to_string()))?;
        let branding = Branding {
            title: order.title.clone(),
            subtitle: order.subtitle.clone(),
            logo: order.logo.clone(),
            music: order.music.clone(),
            theme,
            fonts: self.fonts.clone(),
        };
        let (video, poster) = (work.join("out.mp4"), work.join("poster.jpg"));

        let made = compose(&self.ffmpeg, &order.clip, &branding, work, &video, &poster).await;
        let made = made.map_err(|error| match error {
            ComposeError::Refused(refusal) => RenderError::Refused(refusal.to_string()),
            fault => RenderError::Fault(fault.into()),
        })?;
        Ok(RenderOutput { video, poster, duration_ms: made.duration_ms })
    }
}
