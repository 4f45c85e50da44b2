//! The fonts of the crate, and those of the system when a text needs them.

use super::{TextRefusal, TextRoom, lay_out, missing, script};
use crate::theme::TextStyle;
use cosmic_text::{FontSystem, SwashCache, Wrap, fontdb};
use std::fmt;
use std::path::PathBuf;

/// Fonts that come with the crate, under the SIL Open Font License; see `fonts/`.
const BUNDLED: [&[u8]; 3] = [
    include_bytes!("../../fonts/EBGaramond12-Regular.otf"),
    include_bytes!("../../fonts/Lato-Regular.ttf"),
    include_bytes!("../../fonts/LeagueSpartan-Bold.otf"),
];

/// Where texts find their fonts: first in the crate, so that videos look the same everywhere, then in folders that were
/// named, then in the system.
pub struct Fonts {
    bundled: FontSet,
    all: Option<(&'static str, FontSet)>,
    folders: Vec<PathBuf>,
    system: bool,
}

/// Fonts with their cache of drawn glyphs.
pub(super) struct FontSet {
    pub(super) system: FontSystem,
    pub(super) cache: SwashCache,
}

impl fmt::Debug for Fonts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fonts")
            .field("folders", &self.folders)
            .field("system", &self.system)
            .finish_non_exhaustive()
    }
}

impl Default for Fonts {
    fn default() -> Self {
        Self {
            bundled: FontSet::new(bundled(), "zh-CN"),
            all: None,
            folders: Vec::new(),
            system: true,
        }
    }
}

impl Fonts {
    /// The fonts of the crate and nothing else.
    #[must_use]
    pub fn bundled_only() -> Self {
        Self { system: false, ..Self::default() }
    }

    /// Looks for fonts in `folder` too.
    #[must_use]
    pub fn with_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folders.push(folder.into());
        self
    }

    /// The fonts that can draw `text`. The system's are not even listed for a text that can do without.
    pub(super) fn for_text(
        &mut self,
        text: &str,
        style: &TextStyle,
    ) -> Result<&mut FontSet, TextRefusal> {
        if undrawable(&mut self.bundled, text, style).is_empty() {
            return Ok(&mut self.bundled);
        }
        let locale = script::locale_of(text);
        let found = match self.all.take() {
            Some((known, set)) if known == locale => set,
            _ => FontSet::new(self.every_font(), locale),
        };
        let (_, all) = self.all.insert((locale, found));
        let undrawable = undrawable(all, text, style);
        match undrawable.chars().next() {
            None => Ok(all),
            Some(first) => Err(TextRefusal::NoFont {
                package: script::debian_package(first),
                characters: undrawable,
            }),
        }
    }

    fn every_font(&self) -> fontdb::Database {
        let mut fonts = bundled();
        for folder in &self.folders {
            fonts.load_fonts_dir(folder);
        }
        if self.system {
            fonts.load_system_fonts();
        }
        fonts
    }
}

impl FontSet {
    fn new(fonts: fontdb::Database, locale: &str) -> Self {
        let system = FontSystem::new_with_locale_and_db(locale.to_owned(), fonts);
        Self { system, cache: SwashCache::new() }
    }
}

fn bundled() -> fontdb::Database {
    let mut fonts = fontdb::Database::new();
    for font in BUNDLED {
        fonts.load_font_data(font.to_vec());
    }
    fonts.set_serif_family("EB Garamond");
    fonts.set_sans_serif_family("Lato");
    fonts
}

/// The characters that no font of the set draws, each once.
fn undrawable(set: &mut FontSet, text: &str, style: &TextStyle) -> String {
    let room = TextRoom { width: 1e6, height: 1e6, letter_size: 16.0, centred: false };
    let buffer = lay_out(set, text, style, room, 16.0, Wrap::None);
    let mut characters = String::new();
    for c in buffer.layout_runs().flat_map(|run| missing(&run)) {
        if !characters.contains(c) {
            characters.push(c);
        }
    }
    characters
}
