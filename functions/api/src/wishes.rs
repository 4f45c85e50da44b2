//! What is asked for beside the photo.

use domain::JobOrder;
use events::{InvalidUploadOptions, LtxOptions, UploadOptions};

use crate::bad_fields::BadFields;

/// Longest name of a theme, in characters. Which there are, the stage knows that uses them.
const MAX_THEME: usize = 100;

/// Wishes for a video, without logo and music.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) user_id: Option<String>,
    pub(crate) property_id: Option<String>,
    pub(crate) prompt: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) subtitle: Option<String>,
    pub(crate) theme: Option<String>,
    pub(crate) options: LtxOptions,
}

impl Wishes {
    /// Notes every wish that cannot be met.
    pub(crate) fn check(&self, bad: &mut BadFields) {
        let none = UploadOptions::default;
        let of = |options| UploadOptions { options, ..none() };
        let LtxOptions { duration, resolution, fps, .. } = self.options.clone();
        // One at a time, because reading stops at the first that cannot be met.
        let each = [
            ("/userId", UploadOptions { user_id: self.user_id.clone(), ..none() }),
            ("/propertyId", UploadOptions { property_id: self.property_id.clone(), ..none() }),
            ("/prompt", UploadOptions { prompt: self.prompt.clone(), ..none() }),
            ("/title", UploadOptions { title: self.title.clone(), ..none() }),
            ("/subtitle", UploadOptions { subtitle: self.subtitle.clone(), ..none() }),
            ("/options/duration", of(LtxOptions { duration, ..LtxOptions::default() })),
            ("/options/resolution", of(LtxOptions { resolution, ..LtxOptions::default() })),
            ("/options/fps", of(LtxOptions { fps, ..LtxOptions::default() })),
        ];
        for (field, wish) in each {
            bad.take(field, wish.into_order());
        }
        let characters = self.theme.as_deref().map_or(0, |theme| theme.chars().count());
        if characters > MAX_THEME {
            bad.note("/theme", format!("it has {characters} characters, at most {MAX_THEME} fit"));
        }
    }

    /// The order for it.
    ///
    /// # Errors
    /// [`InvalidUploadOptions`] if [`Wishes::check`] has something to note.
    pub(crate) fn into_order(self) -> Result<JobOrder, InvalidUploadOptions> {
        let not_empty = |text: &String| !text.trim().is_empty();
        let options = UploadOptions {
            user_id: self.user_id,
            property_id: self.property_id,
            prompt: self.prompt,
            title: self.title,
            subtitle: self.subtitle,
            theme: self.theme.filter(not_empty),
            options: self.options,
            ..UploadOptions::default()
        };
        options.into_order()
    }
}
