//! Whose posts are believed, as the settings say.

use std::time::Duration;

use domain::Timestamp;
use ports::{InvalidSetting, NotGenuine, Notice, ProviderPost, Settings, VerifyPost};
use tokio::sync::Mutex;

use crate::fal::Fal;
use crate::http::{Base, Http, Timeouts};
use crate::key::Key;
use crate::replicate::Replicate;
use crate::webhook::{FalVerifier, ReplicateVerifier, fetch_replicate_secret};

/// Tells the genuine posts of one provider.
#[derive(Debug)]
pub enum Verifier {
    /// Of Replicate.
    Replicate(ReplicatePosts),
    /// Of fal.
    Fal(FalVerifier),
}

/// How long a secret that Replicate told is not asked for again: forged posts must not make us ask
/// all the time.
const ASK_EVERY: Duration = Duration::from_mins(1);

/// Replicate's posts, with the secret that is set, or the one that Replicate tells.
#[derive(Debug)]
pub struct ReplicatePosts {
    http: Http,
    base: Base,
    key: Key,
    set: Option<ReplicateVerifier>,
    told: Mutex<Option<(ReplicateVerifier, Timestamp)>>,
}

impl ReplicatePosts {
    async fn verify(&self, post: &ProviderPost, now: Timestamp) -> Result<Notice, NotGenuine> {
        let judge = |by: &ReplicateVerifier| by.verify(&post.headers, &post.body, now);
        if let Some(verifier) = &self.set {
            return judge(verifier);
        }
        // What is not even signed is not worth a question.
        if post.header("webhook-signature").is_none() {
            return Err(NotGenuine::Unsigned);
        }
        let mut told = self.told.lock().await;
        if let Some((verifier, asked)) = &*told {
            let judged = judge(verifier);
            // The secret may have been replaced.
            if !matches!(judged, Err(NotGenuine::Forged)) || now.since(*asked) < ASK_EVERY {
                return judged;
            }
        }
        let asked = fetch_replicate_secret(&self.http, &self.base, &self.key).await;
        let secret = asked.map_err(|error| NotGenuine::NoKeys(error.into()))?;
        let verifier = ReplicateVerifier::new(&[secret]);
        let verifier = verifier.map_err(|error| NotGenuine::NoKeys(error.into()))?;
        let judged = judge(&verifier);
        *told = Some((verifier, now));
        judged
    }
}

impl VerifyPost for Verifier {
    fn provider(&self) -> &'static str {
        match self {
            Self::Replicate(_) => "replicate",
            Self::Fal(_) => "fal",
        }
    }

    async fn verify(&self, post: &ProviderPost, now: Timestamp) -> Result<Notice, NotGenuine> {
        match self {
            Self::Replicate(posts) => posts.verify(post, now).await,
            Self::Fal(verifier) => verifier.verify(&post.headers, &post.body, now).await,
        }
    }
}

/// Who tells the posts of the providers that the settings have a key for. `REPLICATE_WEBHOOK_SECRET`
/// holds the secret of Replicate's, or several, separated by spaces, while it is replaced; without it
/// Replicate is asked.
///
/// # Errors
/// [`InvalidSetting`] names the setting that cannot be read.
pub fn verifiers(lookup: impl Fn(&str) -> Option<String>) -> Result<Vec<Verifier>, InvalidSetting> {
    let settings = Settings(lookup);
    let base = |name, default| {
        let expected = "an address such as https://api.example.com";
        let base = settings.maybe(name, expected, Base::parse)?;
        base.or_else(|| Base::parse(default)).ok_or(InvalidSetting::Unreadable { name, expected })
    };
    let mut verifiers = Vec::new();
    if let Ok(key) = settings.text("REPLICATE_API_TOKEN") {
        let base = base("REPLICATE_BASE_URL", Replicate::BASE_URL)?;
        let expected = "whsec_ and base64";
        let secrets = settings.maybe("REPLICATE_WEBHOOK_SECRET", expected, |text| {
            let secrets: Vec<_> = text.split_whitespace().map(Key::new).collect();
            ReplicateVerifier::new(&secrets).ok()
        })?;
        verifiers.push(Verifier::Replicate(ReplicatePosts {
            http: Http::new(&[&base], Timeouts::default()),
            base,
            key: Key::new(key.trim()),
            set: secrets,
            told: Mutex::default(),
        }));
    }
    if settings.text("FAL_KEY").is_ok() {
        let rest = base("FAL_REST_URL", Fal::REST_URL)?;
        verifiers
            .push(Verifier::Fal(FalVerifier::new(Http::new(&[&rest], Timeouts::default()), rest)));
    }
    Ok(verifiers)
}

/// The setting that holds the key of a provider; none, if it needs none or there is no such provider.
pub fn key_of(provider: &str) -> Option<&'static str> {
    match provider {
        "ltx" => Some("LTX_API_KEY"),
        "runway" => Some("RUNWAYML_API_SECRET"),
        "replicate" => Some("REPLICATE_API_TOKEN"),
        "fal" => Some("FAL_KEY"),
        _ => None,
    }
}
