//! Logo and music, as callers name them: where they are, and what is fetched first.

use std::fmt::{self, Display};

use domain::{InvalidKey, JobId, ObjectKey, TraceId, keys};
use events::{FetchItem, FetchRequest, FetchedAs};
use ports::{Content, ObjectMeta, ObjectStore};
use serde::Serialize;

use crate::bad_fields::BadFields;
use crate::caller::owner;
use crate::media_url::MediaUrl;
use crate::{Api, Caller, Parts, Problem};

/// Something that is put on a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ornament {
    /// A picture.
    Logo,
    /// What is heard.
    Music,
}

impl Ornament {
    /// The folder that such things are in.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Logo => keys::LOGOS,
            Self::Music => keys::MUSIC,
        }
    }

    const fn field(self) -> &'static str {
        match self {
            Self::Logo => "/logoUrl",
            Self::Music => "/musicUrl",
        }
    }

    const fn used_as(self) -> FetchedAs {
        match self {
            Self::Logo => FetchedAs::Logo,
            Self::Music => FetchedAs::Music,
        }
    }

    const fn default_name(self) -> &'static str {
        match self {
            Self::Logo => "logo",
            Self::Music => "music",
        }
    }
}

/// Logo and music, as a caller names them.
#[derive(Clone, Default)]
pub(crate) struct Ornaments {
    pub(crate) logo: Option<MediaUrl>,
    pub(crate) music: Option<MediaUrl>,
}

/// Where logo and music are, or will be, in our bucket.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) logo_key: Option<ObjectKey>,
    pub(crate) music_key: Option<ObjectKey>,
    /// What is to be fetched before they are there.
    pub(crate) items: Vec<FetchItem>,
}

/// Without addresses elsewhere: they may hold a token.
impl fmt::Debug for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { logo_key, music_key, .. } = self;
        let mut placed = f.debug_struct("Placed");
        placed.field("logo_key", logo_key).field("music_key", music_key).finish_non_exhaustive()
    }
}

impl Ornaments {
    /// Reads both, and notes what cannot be used.
    pub(crate) fn read<P: Parts>(
        api: &Api<P>,
        caller: &Caller,
        (logo, music): (Option<&str>, Option<&str>),
        bad: &mut BadFields,
    ) -> Self {
        let mut read = |ornament: Ornament, text: Option<&str>| {
            let url = MediaUrl::read(text?, &api.bucket, api.guard());
            let url = bad.take(ornament.field(), url)?;
            let is_open = url.ours().is_none_or(|key| is_open(key, ornament, caller));
            if !is_open {
                bad.note(ornament.field(), not_there(ornament.prefix()));
            }
            is_open.then_some(url)
        };
        Self { logo: read(Ornament::Logo, logo), music: read(Ornament::Music, music) }
    }

    fn each(&self) -> impl Iterator<Item = (Ornament, &MediaUrl)> {
        let both = [(Ornament::Logo, &self.logo), (Ornament::Music, &self.music)];
        both.into_iter().filter_map(|(ornament, url)| Some((ornament, url.as_ref()?)))
    }

    /// Notes what is said to be in our bucket and is not.
    ///
    /// # Errors
    /// A [`Problem`] if the bucket fails.
    pub(crate) async fn check_there<P: Parts>(
        &self,
        api: &Api<P>,
        bad: &mut BadFields,
    ) -> Result<(), Problem> {
        for (ornament, url) in self.each() {
            if let Some(key) = url.ours()
                && api.store.head(key).await?.is_none()
            {
                bad.note(ornament.field(), not_there(ornament.prefix()));
            }
        }
        Ok(())
    }

    /// Where both are, or will be once what is elsewhere was fetched: in the folder of `user`, under
    /// the name `id` of what they are for.
    ///
    /// # Errors
    /// A [`Problem`] if the name of the user leaves no room in a key.
    pub(crate) fn placed(&self, user: Option<&str>, id: impl Display) -> Result<Placed, Problem> {
        let mut placed = Placed::default();
        let mut bad = BadFields::default();
        for (ornament, url) in self.each() {
            let to = place(ornament, url, user, &id);
            let Some(to) = bad.take(ornament.field(), to) else { continue };
            if let MediaUrl::Foreign(url) = url {
                let (used_as, from) = (ornament.used_as(), url.to_string());
                placed.items.push(FetchItem { used_as, from, to: to.to_string() });
            }
            match ornament {
                Ornament::Logo => placed.logo_key = Some(to),
                Ornament::Music => placed.music_key = Some(to),
            }
        }
        bad.finish()?;
        Ok(placed)
    }
}

fn place(
    ornament: Ornament,
    url: &MediaUrl,
    user: Option<&str>,
    id: &impl Display,
) -> Result<ObjectKey, InvalidKey> {
    if let MediaUrl::Ours(key) = url {
        return Ok(key.clone());
    }
    let folder = keys::folder_of(ornament.prefix(), owner(user));
    ObjectKey::new(format!("{folder}{id}/{}", url.file_name(ornament.default_name())))
}

fn is_open(key: &ObjectKey, ornament: Ornament, caller: &Caller) -> bool {
    match caller {
        Caller::User(own) => keys::is_open_to(key, ornament.prefix(), own),
        Caller::Service(_) | Caller::Developer(_) => key.as_str().starts_with(ornament.prefix()),
    }
}

/// The same whether it is not there or somebody else's.
fn not_there(prefix: &str) -> String {
    format!("there is no such object under {prefix} that is yours")
}

impl<P: Parts> Api<P> {
    /// Asks for what is elsewhere: `what` is `photo`, or the rendering it is for. Nothing is asked if
    /// there are no items.
    ///
    /// # Errors
    /// A [`Problem`] if the bucket fails.
    pub(crate) async fn have_fetched(
        &self,
        job: JobId,
        what: &str,
        items: Vec<FetchItem>,
        render_id: Option<String>,
    ) -> Result<(), Problem> {
        if items.is_empty() {
            return Ok(());
        }
        let request = FetchRequest { job_id: job.to_string(), items, render_id };
        self.put_json(job, &keys::fetch_request(job, what), &request).await
    }

    /// Stores a request that is about `job`.
    ///
    /// # Errors
    /// A [`Problem`] if the bucket fails.
    pub(crate) async fn put_json(
        &self,
        job: JobId,
        key: &ObjectKey,
        value: &impl Serialize,
    ) -> Result<(), Problem> {
        let json = serde_json::to_vec(value).map_err(|error| Problem::fault(&error))?;
        let content_type = "application/json".to_owned();
        let meta = ObjectMeta { content_type, ..ObjectMeta::default() };
        let meta = meta.traced(&TraceId::of_job(job));
        self.store.put(key, Content::Bytes(&json), &meta).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_elsewhere_are_not_printed() {
        let from = "https://example.com/logo.png?token=s3cret".to_owned();
        let item = FetchItem { used_as: FetchedAs::Logo, from, to: "logos/a.png".to_owned() };
        let placed = Placed { items: vec![item], ..Placed::default() };

        assert_eq!(format!("{placed:?}"), "Placed { logo_key: None, music_key: None, .. }");
    }
}
