//! Where and when branding stands in a video.

use super::layer::Appearance;
use super::{Layer, Picture, draw_scrim};
use crate::ffmpeg::FrameRate;
use crate::text::Lettering;
use crate::theme::{Alignment, Anchor, Corner, Theme, Timing};

/// Least time to read a title, in seconds.
const READING: f64 = 1.2;

/// The video that is branded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stage {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) rate: FrameRate,
    pub(crate) frames: u64,
}

impl Stage {
    /// The frame's shorter side, in pixels.
    pub(crate) fn short_side(&self) -> f32 {
        self.width.min(self.height) as f32
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.rate.seconds_of(self.frames)
    }

    /// A frame in which all of `layers` are seen, or the one in the middle.
    pub(crate) fn poster_frame(&self, layers: &[Layer]) -> u64 {
        let words = layers.iter().filter(|layer| layer.vanish > 0);
        let shown = words.clone().map(|layer| layer.start + layer.appear + layer.hold / 3).max();
        let gone = words.map(|layer| layer.start + layer.appear + layer.hold).min();
        let frame = shown.unwrap_or(self.frames / 2).min(gone.unwrap_or(u64::MAX));
        frame.min(self.frames.saturating_sub(1))
    }

    /// How much the times of a theme are shortened in a short video.
    pub(crate) fn haste(&self, times: &Timing) -> f64 {
        let whole = times.title_at.max(times.subtitle_at)
            + times.appear
            + READING
            + times.vanish
            + times.tail;
        (self.seconds() / whole).min(1.0)
    }

    fn passing(&self, at: f64, times: &Timing) -> Appearance {
        let frames = |seconds: f64| self.rate.frames_in(seconds * self.haste(times));
        let (start, appear, vanish) =
            (frames(at), frames(times.appear).max(1), frames(times.vanish).max(1));
        let hold = self.frames.saturating_sub(start + appear + vanish + frames(times.tail));
        Appearance { start, appear, hold, vanish }
    }

    fn staying(&self, at: f64, times: &Timing) -> Appearance {
        let frames = |seconds: f64| self.rate.frames_in(seconds * self.haste(times));
        Appearance { start: frames(at), appear: frames(times.appear).max(1), hold: 0, vanish: 0 }
    }
}

/// What was drawn for a video.
#[derive(Debug, Default)]
pub(crate) struct Drawn {
    pub(crate) title: Option<Lettering>,
    pub(crate) subtitle: Option<Lettering>,
    pub(crate) logo: Option<Picture>,
}

/// The layers of a video, the lowest first.
pub(crate) fn layers(drawn: Drawn, theme: &Theme, stage: &Stage) -> Vec<Layer> {
    let mut layers = Vec::new();
    let block = Block::new(&drawn, theme, stage);
    if drawn.title.is_some() || drawn.subtitle.is_some() {
        layers.push(scrim(&block, theme, stage));
    }
    if let Some(logo) = drawn.logo {
        layers.push(logo_layer(logo, theme, stage));
    }
    let (times, rise) = (&theme.motion, theme.motion.slide * stage.short_side());
    let words = [
        ("title", drawn.title, block.title_y, times.title_at),
        ("subtitle", drawn.subtitle, block.subtitle_y, times.subtitle_at),
    ];
    for (name, lettering, y, at) in words {
        if let Some(lettering) = lettering {
            let place = (x_of(&lettering, theme, stage), y);
            layers.push(Layer::new(
                name,
                lettering.into_picture(),
                place,
                rise,
                stage.passing(at, times),
            ));
        }
    }
    layers
}

/// Where title and subtitle stand.
struct Block {
    title_y: u32,
    subtitle_y: u32,
}

impl Block {
    fn new(drawn: &Drawn, theme: &Theme, stage: &Stage) -> Self {
        let height = |lettering: &Option<Lettering>| {
            lettering.as_ref().map_or(0.0, |drawn| drawn.height as f32)
        };
        let (title, subtitle) = (height(&drawn.title), height(&drawn.subtitle));
        let gap =
            if title > 0.0 && subtitle > 0.0 { theme.layout.gap * stage.short_side() } else { 0.0 };
        let (whole, frame) = (title + gap + subtitle, stage.height as f32);
        let top = match theme.layout.anchor {
            Anchor::Lower => frame * (1.0 - theme.layout.margin_y) - whole,
            Anchor::Middle => (frame - whole) / 2.0,
        };
        let top = top.max(0.0);
        Self { title_y: top.round() as u32, subtitle_y: (top + title + gap).round() as u32 }
    }
}

fn x_of(lettering: &Lettering, theme: &Theme, stage: &Stage) -> u32 {
    let (frame, width) = (stage.width as f32, lettering.width as f32);
    let margin = theme.layout.margin_x * frame;
    let x = match theme.layout.align {
        Alignment::Centre => (frame - width) / 2.0,
        Alignment::Start if lettering.right_to_left => frame - margin - width,
        Alignment::Start => margin,
    };
    x.max(0.0).round() as u32
}

/// The shade reaches above the words, however many lines there are.
fn scrim(block: &Block, theme: &Theme, stage: &Stage) -> Layer {
    let words = stage.height - block.title_y.min(stage.height);
    let wanted = (theme.scrim.height * stage.height as f32).max(words as f32 * 1.45);
    let height = (wanted.round() as u32).min(stage.height) & !1;
    let picture = draw_scrim(&theme.scrim, stage.width, height);
    let always = Appearance { start: 0, appear: 1, hold: 0, vanish: 0 };
    Layer::new("scrim", picture, (0, stage.height - height), 0.0, always)
}

fn logo_layer(logo: Picture, theme: &Theme, stage: &Stage) -> Layer {
    let margin = theme.logo.margin * stage.short_side();
    let room = stage.width as f32 - logo.width as f32;
    let x = match theme.logo.corner {
        Corner::TopLeft => margin,
        Corner::TopCentre => room / 2.0,
        Corner::TopRight => room - margin,
    };
    let place = (x.max(0.0).round() as u32, margin.round() as u32);
    Layer::new("logo", logo, place, 0.0, stage.staying(theme.motion.logo_at, &theme.motion))
}
