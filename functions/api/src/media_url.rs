//! Where a photo, a logo or music is that a caller names: in our bucket or elsewhere.

use domain::{InvalidKey, ObjectKey, keys};
use events::s3_url;
use guard::{Guard, GuardRefusal};
use percent_encoding::percent_decode_str;
use ports::{Head, JobStore, ObjectStore};
use url::Url;

use crate::{Api, Caller, Parts, Problem};

/// Longest name that is made of an address, in characters.
const MAX_NAME: usize = 100;

/// Where something is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum MediaUrl {
    /// At this key of our bucket.
    Ours(ObjectKey),
    /// Elsewhere. The address may hold a token.
    Foreign(Url),
}

/// Why it cannot be where the caller says. The address is not told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadMediaUrl {
    /// A bucket that is not ours.
    #[error("it is not in our bucket: write its key, or s3://{0}/ and its key, or https://…")]
    OtherBucket(String),
    /// Not a key.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// An address that is not asked for anything.
    #[error(transparent)]
    Guard(#[from] GuardRefusal),
}

impl MediaUrl {
    /// Reads a key, `s3://bucket/key` or `https://…`.
    ///
    /// # Errors
    /// [`BadMediaUrl`].
    pub(crate) fn read(text: &str, bucket: &str, guard: Guard) -> Result<Self, BadMediaUrl> {
        if let Some(place) = text.strip_prefix("s3://") {
            let key = place.strip_prefix(bucket).and_then(|rest| rest.strip_prefix('/'));
            let key = key.ok_or_else(|| BadMediaUrl::OtherBucket(bucket.to_owned()))?;
            return Ok(Self::Ours(ObjectKey::new(key)?));
        }
        if text.contains("://") {
            return Ok(Self::Foreign(guard.check(text)?));
        }
        Ok(Self::Ours(ObjectKey::new(text)?))
    }

    /// The key, if it is in our bucket.
    pub(crate) const fn ours(&self) -> Option<&ObjectKey> {
        match self {
            Self::Ours(key) => Some(key),
            Self::Foreign(_) => None,
        }
    }

    /// Its name, made fit for a key.
    pub(crate) fn file_name(&self, default: &str) -> String {
        let name = match self {
            Self::Ours(key) => key.file_name().to_owned(),
            Self::Foreign(url) => name_of(url),
        };
        let is_name = name.chars().any(|c| c != '.');
        if is_name { name } else { default.to_owned() }
    }

    /// Where it is to be fetched from.
    pub(crate) fn address(&self, bucket: &str) -> String {
        match self {
            Self::Ours(key) => s3_url(bucket, key),
            Self::Foreign(url) => url.to_string(),
        }
    }
}

/// The last name in the path of an address.
fn name_of(url: &Url) -> String {
    let last = url.path_segments().and_then(|mut names| names.next_back()).unwrap_or_default();
    let last = percent_decode_str(last).decode_utf8_lossy();
    let is_safe = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
    let name: Vec<char> = last.chars().map(|c| if is_safe(c) { c } else { '-' }).collect();
    // The end of a name says what it is.
    name[name.len().saturating_sub(MAX_NAME)..].iter().collect()
}

impl<P: Parts> Api<P> {
    /// What lets requests go to addresses that callers name.
    pub(crate) const fn guard(&self) -> Guard {
        if self.rules.allows_loopback { Guard::with_loopback() } else { Guard::STRICT }
    }

    /// The photo at `key`, if it is there and `caller` may have it filmed.
    ///
    /// # Errors
    /// A [`Problem`] if the table or the bucket fails.
    pub(crate) async fn photo_of(
        &self,
        caller: &Caller,
        key: &ObjectKey,
    ) -> Result<Option<Head>, Problem> {
        let may = match keys::job_of_upload(key).or_else(|| keys::job_of_photo(key)) {
            _ if caller.acts_for_others() => true,
            Some(job) => {
                let job = self.chronicle.jobs.get(job).await?;
                job.is_some_and(|job| caller.may_touch(job.order.user_id.as_deref()))
            }
            None => false,
        };
        if !may {
            return Ok(None);
        }
        Ok(self.store.head(key).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<MediaUrl, BadMediaUrl> {
        MediaUrl::read(text, "media", Guard::STRICT)
    }

    fn name(text: &str) -> String {
        read(text).expect("an address").file_name("photo.jpg")
    }

    #[test]
    fn a_key_can_be_written_with_and_without_the_bucket() {
        let key = ObjectKey::new("logos/a b.png").expect("a key");

        assert!(read("logos/a b.png") == Ok(MediaUrl::Ours(key.clone())));
        assert!(read("s3://media/logos/a b.png") == Ok(MediaUrl::Ours(key)));
        for other in ["s3://medial/logos/a.png", "s3://media", "s3://other/logos/a.png"] {
            assert!(read(other) == Err(BadMediaUrl::OtherBucket("media".to_owned())), "{other}");
        }
        assert!(matches!(read("s3://media/"), Err(BadMediaUrl::Key(_))));
    }

    #[test]
    fn an_address_that_leads_inside_is_refused_and_not_repeated() {
        for inside in [
            "https://169.254.169.254/latest/secret",
            "http://example.com/secret",
            "https://localhost/secret",
            "https://me:secret@example.com/",
        ] {
            let Err(refusal) = read(inside) else { panic!("{inside} is inside") };
            assert!(!refusal.to_string().contains("secret"), "{refusal}");
        }
        let loopback = MediaUrl::read("http://127.0.0.1:9/a", "media", Guard::with_loopback());
        assert!(loopback.is_ok());
    }

    #[test]
    fn names_of_strangers_are_made_fit_for_keys() {
        assert_eq!(name("https://example.com/a/villa%20azul.jpg?token=t#f"), "villa azul.jpg");
        assert_eq!(name("https://example.com/a%2F..%2Fb%00.jpg"), "a-..-b-.jpg");
        assert_eq!(name("https://example.com/%C3%A9t%C3%A9.png"), "été.png");
        assert_eq!(name("https://example.com/"), "photo.jpg");
        assert_eq!(name("https://example.com/a/%2e%2e"), "photo.jpg");
        let long = format!("https://example.com/{}.png", "a".repeat(300));
        assert_eq!(name(&long).len(), MAX_NAME);
        assert!(name(&long).ends_with("a.png"));
    }
}
