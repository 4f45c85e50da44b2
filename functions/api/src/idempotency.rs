//! Requests that may be sent again because their answer was lost: header `idempotency-key`.
//!
//! What such a request makes is named by its key, so that a repeat makes the same thing. A register holds
//! what was asked under the key, and whether that is settled: what must not happen twice, such as
//! counting, has happened.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, StatusCode};
use domain::{Job, JobId, RenderId, Timestamp};
use ports::{Clock, Registers, Replaced};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Api, Caller, FieldProblem, Parts, Problem, body, extract};

const HEADER: &str = "idempotency-key";
/// Longest key, in characters.
const MAX_CHARS: usize = 128;
/// How long a key is remembered. Whoever uses it again after that is told so.
const KEPT_FOR: Duration = Duration::from_hours(24);
/// How often a register is looked at when others write it at the same time.
const TRIES: usize = 4;

/// A JSON body, and the key under which the same request may be sent again.
#[derive(Debug)]
pub(crate) struct Repeatable<T> {
    /// The body.
    pub(crate) body: T,
    /// The key, if the caller has chosen one.
    pub(crate) key: Option<RequestKey>,
}

/// A request as its caller names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestKey {
    caller: String,
    key: String,
    /// SHA-256 of path and body, in hexadecimal digits.
    digest: String,
}

impl RequestKey {
    /// The job that it asks for.
    fn job(&self) -> JobId {
        JobId::of_request(&self.caller, &self.key)
    }

    /// The rendering of `job` that it asks for: keys of different callers are different requests.
    fn render(&self, job: JobId) -> RenderId {
        RenderId::of_request(job, &format!("{}\n{}", self.caller, self.key))
    }

    fn register(&self) -> String {
        format!("idempotency#{}#{}", self.caller, self.key)
    }
}

/// The job that a request makes; without a key every request makes another.
pub(crate) fn job_id(key: Option<&RequestKey>) -> JobId {
    key.map_or_else(|| JobId::from_uuid(Uuid::new_v4()), RequestKey::job)
}

/// The rendering of `job` that a request makes; without a key every request makes another.
pub(crate) fn render_id(key: Option<&RequestKey>, job: JobId) -> RenderId {
    let random = || RenderId::of_request(job, &Uuid::new_v4().to_string());
    key.map_or_else(random, |key| key.render(job))
}

impl<S: Send + Sync, T: DeserializeOwned + ToSchema> FromRequest<S> for Repeatable<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, content) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, state).await?;
        let key = key_of(&parts.headers)?;
        let path = parts.uri.path().to_owned();
        let request = Request::from_parts(parts, content);
        let said = extract::json(request, state).await?;

        let digest = digest(&path, &said);
        let body = body::read(&said)?;
        let key = key.map(|key| RequestKey { caller: caller.name(), key, digest });
        Ok(Self { body, key })
    }
}

fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(HEADER) else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    let is_one = headers.get_all(HEADER).iter().count() == 1;
    let is_visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_one || !is_visible || !(1..=MAX_CHARS).contains(&key.len()) {
        let detail = format!("a key has 1 to {MAX_CHARS} visible ASCII characters, such as a UUID");
        return Err(Problem::invalid(vec![FieldProblem { field: HEADER.to_owned(), detail }]));
    }
    Ok(Some(key.to_owned()))
}

/// Of what is asked, however the JSON is laid out.
fn digest(path: &str, body: &Value) -> String {
    let mut body = body.clone();
    // Whether names keep their order is up to what else is built.
    body.sort_all_objects();
    format!("{:x}", Sha256::digest(format!("{path}\n{body}")))
}

/// What a register holds.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    digest: String,
    settled: bool,
}

/// A request that is at work under its key.
#[derive(Debug)]
pub(crate) struct Claim {
    key: RequestKey,
    revision: u64,
    /// Whether what must not happen twice has happened.
    pub(crate) settled: bool,
}

fn reused(detail: &str) -> Problem {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Problem::new(status, "idempotency-key-reused", "The key was used before", detail)
}

impl<P: Parts> Api<P> {
    /// What is known of an earlier sending of the request.
    ///
    /// # Errors
    /// A [`Problem`] if something else was asked under its key.
    pub(crate) async fn claimed(&self, key: &RequestKey) -> Result<Option<Claim>, Problem> {
        let register = self.registers.read(&key.register(), self.now()).await?;
        let Some(register) = register else { return Ok(None) };
        let asked: Asked =
            serde_json::from_str(&register.text).map_err(|error| Problem::fault(&error))?;
        if asked.digest != key.digest {
            let detail = "something else was asked under this Idempotency-Key: use a new one";
            return Err(reused(detail));
        }
        let revision = register.revision;
        Ok(Some(Claim { key: key.clone(), revision, settled: asked.settled }))
    }

    /// Writes down that the request is at work, unless an earlier sending has.
    ///
    /// # Errors
    /// A [`Problem`] if something else was asked under its key.
    pub(crate) async fn claim(&self, key: &RequestKey) -> Result<Claim, Problem> {
        for _ in 0..TRIES {
            if let Some(claim) = self.claimed(key).await? {
                return Ok(claim);
            }
            self.note(key, None, false).await?;
        }
        Err(Problem::fault(&Contended))
    }

    /// Writes down that what must not happen twice has happened. False if another sending of the same
    /// request was quicker.
    ///
    /// # Errors
    /// A [`Problem`].
    pub(crate) async fn settle(&self, claim: &Claim) -> Result<bool, Problem> {
        let replaced = self.note(&claim.key, Some(claim.revision), true).await?;
        Ok(replaced == Replaced::Done)
    }

    async fn note(
        &self,
        key: &RequestKey,
        before: Option<u64>,
        settled: bool,
    ) -> Result<Replaced, Problem> {
        let asked = Asked { digest: key.digest.clone(), settled };
        let text = serde_json::to_string(&asked).map_err(|error| Problem::fault(&error))?;
        let expires = Some(self.now().plus(KEPT_FOR));
        Ok(self.registers.write(&key.register(), before, &text, expires).await?)
    }

    /// The job that an earlier sending of the request has begun.
    ///
    /// # Errors
    /// A [`Problem`] if something else was asked under its key, or it is too long ago to know.
    pub(crate) async fn begun(&self, key: Option<&RequestKey>) -> Result<Option<Job>, Problem> {
        let Some(key) = key else { return Ok(None) };
        // In this order: a job that is there was claimed before.
        let job = self.chronicle.find(key.job()).await?;
        let claim = self.claimed(key).await?;
        if job.is_some() && claim.is_none() {
            let detail = "this Idempotency-Key was used more than a day ago: use a new one";
            return Err(reused(detail));
        }
        Ok(job)
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Timestamp {
        self.chronicle.clock.now()
    }
}

/// A register is neither there nor can it be written.
#[derive(Debug, thiserror::Error)]
#[error("the register of an idempotency key keeps changing")]
struct Contended;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(key: &'static str) -> Result<Option<String>, Problem> {
        key_of(&HeaderMap::from_iter([(
            HEADER.parse().expect("a name"),
            key.parse().expect("a value"),
        )]))
    }

    #[test]
    fn a_key_has_up_to_128_visible_characters() {
        assert_eq!(of("a#1").expect("a key").as_deref(), Some("a#1"));
        assert_eq!(key_of(&HeaderMap::new()).expect("no key"), None);
        let long: &'static str = "k".repeat(129).leak();
        for bad in ["", "a b", long] {
            assert_eq!(of(bad).expect_err("no key").errors[0].field, HEADER);
        }
    }

    #[test]
    fn the_same_json_is_the_same_request_however_it_is_laid_out() {
        let read = |text| serde_json::from_str::<Value>(text).expect("JSON");
        let one = digest("/a", &json!({ "a": 1, "b": null }));

        assert_eq!(digest("/a", &read(r#"{ "b": null, "a": 1 }"#)), one);
        assert_ne!(digest("/b", &json!({ "a": 1, "b": null })), one);
        assert_ne!(digest("/a", &json!({ "a": 1 })), one);
    }
}
