//! Themes: how branding looks, as data.

use serde::{Deserialize, Deserializer, de};

/// The themes that come with the crate, by name.
const THEMES: [(&str, &str); 2] = [
    ("default", include_str!("../themes/default.toml")),
    ("modern", include_str!("../themes/modern.toml")),
];

/// How the branding of a video looks. Lengths are parts of the frame's shorter side unless said otherwise.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theme {
    /// What the theme is called.
    pub name: String,
    /// How the title is set.
    pub title: TextStyle,
    /// How the subtitle is set.
    pub subtitle: TextStyle,
    /// Where the words stand.
    pub layout: Layout,
    /// The shade behind the words.
    pub scrim: Scrim,
    /// Where the logo stands.
    pub logo: LogoBox,
    /// When what comes and goes.
    pub motion: Timing,
}

/// How a text is set.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextStyle {
    /// Font family.
    pub family: String,
    /// Weight of the font, 100 to 900.
    pub weight: u16,
    /// Size of the letters.
    pub size: f32,
    /// Space added after each letter, in parts of `size`; left out in scripts whose letters join.
    pub letter_spacing: f32,
    /// From line to line, in parts of `size`.
    pub line_height: f32,
    /// Colour of the letters.
    pub colour: Colour,
    /// The text is set in capitals.
    pub uppercase: bool,
    /// Lines at most; a longer text is set smaller.
    pub max_lines: usize,
}

/// Where the words stand.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Side at which lines are aligned.
    pub align: Alignment,
    /// Where the block stands in the frame.
    pub anchor: Anchor,
    /// Kept free on either side, in parts of the frame's width.
    pub margin_x: f32,
    /// Kept free above and below, in parts of the frame's height.
    pub margin_y: f32,
    /// Longest line, in parts of the frame's width.
    pub max_width: f32,
    /// Between title and subtitle.
    pub gap: f32,
}

/// Side at which lines are aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alignment {
    /// Where reading starts: left, and right for text that runs from right to left.
    Start,
    /// In the middle.
    Centre,
}

/// Where a block stands in the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// Above the lower margin.
    Lower,
    /// In the middle.
    Middle,
}

/// A shade that darkens towards the lower edge.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scrim {
    /// Colour of the shade.
    pub colour: Colour,
    /// Opacity at the lower edge, 0 to 1.
    pub strength: f32,
    /// How far up it reaches, in parts of the frame's height.
    pub height: f32,
}

/// The room for a logo.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogoBox {
    /// Where it stands.
    pub corner: Corner,
    /// Width at most.
    pub width: f32,
    /// Height at most.
    pub height: f32,
    /// From the edges of the frame.
    pub margin: f32,
}

/// Where a logo stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Corner {
    /// At the left.
    TopLeft,
    /// In the middle.
    TopCentre,
    /// At the right.
    TopRight,
}

/// When what comes and goes, in seconds; all of it is shortened in proportion in a video that is too short for it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// The title begins to appear.
    pub title_at: f64,
    /// The subtitle begins to appear.
    pub subtitle_at: f64,
    /// The logo begins to appear.
    pub logo_at: f64,
    /// How long appearing takes.
    pub appear: f64,
    /// How long vanishing takes.
    pub vanish: f64,
    /// From the end of the vanishing to the end of the video.
    pub tail: f64,
    /// How far words rise while they appear, in parts of the frame's shorter side.
    pub slide: f32,
    /// How long the music fades at the end.
    pub fade_music: f64,
}

/// An sRGB colour, written `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
}

impl<'de> Deserialize<'de> for Colour {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| de::Error::custom(format!("{text:?} is not a colour like #rrggbb")))
    }
}

impl Colour {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        let number = u32::from_str_radix(digits, 16).ok()?;
        let [_, red, green, blue] = number.to_be_bytes();
        Some(Self { red, green, blue })
    }
}

/// There is no theme of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no theme {name:?}; there are {}", Theme::names().join(", "))]
pub struct UnknownTheme {
    /// What was asked for.
    pub name: String,
}

impl Theme {
    /// The theme called `name`.
    ///
    /// # Errors
    /// [`UnknownTheme`], which lists the names there are.
    ///
    /// # Panics
    /// Never: the themes are part of the crate, and a test reads them all.
    pub fn named(name: &str) -> Result<Self, UnknownTheme> {
        let found = THEMES.iter().find(|(known, _)| *known == name);
        let (_, text) =
            found.ok_or_else(|| UnknownTheme { name: name.chars().take(80).collect() })?;
        Ok(toml::from_str(text).expect("a theme of the crate is well formed"))
    }

    /// The names of all themes.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        THEMES.iter().map(|(name, _)| *name).collect()
    }
}

impl Default for Theme {
    fn default() -> Self {
        Self::named("default").expect("the default theme is part of the crate")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_theme_reads_and_is_called_what_it_says() {
        for name in Theme::names() {
            assert_eq!(Theme::named(name).expect("theme").name, name);
        }
    }

    #[test]
    fn an_unknown_theme_is_refused_with_the_names_there_are() {
        let refused = Theme::named("baroque").expect_err("no such theme");

        assert_eq!(
            refused.to_string(),
            r#"there is no theme "baroque"; there are default, modern"#
        );
    }

    #[test]
    fn a_colour_is_six_hexadecimal_digits() {
        assert_eq!(Colour::parse("#fd08ef"), Some(Colour { red: 0xFD, green: 0x08, blue: 0xEF }));
        assert_eq!(Colour::parse("#fff"), None);
        assert_eq!(Colour::parse("red"), None);
    }
}
