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
/// Replicate is asked. `FAL_USER_ID` names our user at fal, which signs for all its customers with
/// the same keys; without it, what fal signed for any of them is believed.
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
    let key = |name| settings.secret(name, "a key", |text| Some(Key::new(text.trim())));
    let mut verifiers = Vec::new();
    if let Some(key) = key("REPLICATE_API_TOKEN")? {
        let base = base("REPLICATE_BASE_URL", Replicate::BASE_URL)?;
        let expected = "whsec_ and base64";
        let secrets = settings.secret("REPLICATE_WEBHOOK_SECRET", expected, |text| {
            let secrets: Vec<_> = text.split_whitespace().map(Key::new).collect();
            ReplicateVerifier::new(&secrets).ok()
        })?;
        verifiers.push(Verifier::Replicate(ReplicatePosts {
            http: Http::new(&[&base], Timeouts::default()),
            base,
            key,
            set: secrets,
            told: Mutex::default(),
        }));
    }
    if key("FAL_KEY")?.is_some() {
        let rest = base("FAL_REST_URL", Fal::REST_URL)?;
        let expected = "the id of our user at fal";
        let user = settings.maybe("FAL_USER_ID", expected, |text| {
            Some(text.trim()).filter(|user| !user.is_empty()).map(ToOwned::to_owned)
        })?;
        let verifier = FalVerifier::new(Http::new(&[&rest], Timeouts::default()), rest);
        verifiers.push(Verifier::Fal(match user {
            Some(user) => verifier.only_for(user),
            None => verifier,
        }));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A webhook that fal signed for `user-1`, with a signature that nobody gets to check.
    fn post() -> ProviderPost {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        ProviderPost {
            headers: vec![
                header("x-fal-webhook-request-id", "req-1"),
                header("x-fal-webhook-user-id", "user-1"),
                header("x-fal-webhook-timestamp", "1790000000"),
                header("x-fal-webhook-signature", &"0".repeat(128)),
            ],
            body: b"{}".to_vec(),
        }
    }

    async fn judged(user: &str) -> Result<Notice, NotGenuine> {
        let lookup = |name: &str| match name {
            "FAL_KEY" => Some("k".to_owned()),
            "FAL_REST_URL" => Some("http://127.0.0.1:1".to_owned()),
            "FAL_USER_ID" => Some(user.to_owned()),
            _ => None,
        };
        let verifiers = verifiers(lookup).expect("settings");
        verifiers[0].verify(&post(), Timestamp::from_epoch_ms(1_790_000_000_000)).await
    }

    #[tokio::test]
    async fn webhooks_of_fal_are_for_the_user_that_is_set() {
        assert!(matches!(judged("user-2").await, Err(NotGenuine::Forged)));
        for ours in ["user-1", " user-1\n", ""] {
            assert!(matches!(judged(ours).await, Err(NotGenuine::NoKeys(_))), "{ours:?}");
        }
    }

    #[test]
    fn a_user_that_is_blank_is_named() {
        let lookup = |name: &str| Some(" ".to_owned()).filter(|_| name.starts_with("FAL_USER"));
        let lookup = |name: &str| lookup(name).or((name == "FAL_KEY").then(|| "k".to_owned()));

        let error = verifiers(lookup).expect_err("refused");

        assert!(error.to_string().starts_with("FAL_USER_ID"), "{error}");
    }
}
