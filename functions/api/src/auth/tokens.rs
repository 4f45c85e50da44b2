//! Access tokens of Supabase.

use std::fmt;
use std::time::Duration;

use domain::Timestamp;
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use ports::NOBODY;
use serde::Deserialize;

use super::{KeySet, NoKeys};

/// By how much clocks may differ. Source: `PostgREST` documentation, "Authentication".
const LEEWAY: Duration = Duration::from_secs(30);
/// Largest token that is read, in bytes.
const MAX_BYTES: usize = 16 * 1024;
/// Longest identity of a user, in bytes.
const MAX_SUBJECT_BYTES: usize = 128;
/// The role of users who have signed in, anonymously or not.
const ROLE: &str = "authenticated";

/// Why a token is not believed. Nothing of it is told.
#[derive(Debug, thiserror::Error)]
pub enum NotBelieved {
    /// It cannot be read.
    #[error("it is neither a token nor a service key")]
    Unreadable,
    /// No key of that id is known, and no secret is set up.
    #[error("its key is not known")]
    UnknownKey,
    /// The algorithm is not the one of its key.
    #[error("it is signed with another algorithm than its key is for")]
    Algorithm,
    /// Somebody else signed it, or it was changed.
    #[error("its signature is not genuine")]
    Signature,
    /// It was good once.
    #[error("it has expired")]
    Expired,
    /// It will be good.
    #[error("it is not good yet")]
    NotYet,
    /// Somebody else issued it.
    #[error("it is from another issuer")]
    Issuer,
    /// It is for somebody else.
    #[error("it is for another audience")]
    Audience,
    /// A claim is missing or is not what it should be.
    #[error("its claim {0} is missing or cannot be used")]
    Claim(&'static str),
    /// It is of no user: the keys of a project are such.
    #[error("it is no token of a user who has signed in")]
    NoUser,
    /// It is not known.
    #[error("it cannot be verified now")]
    NoKeys(#[from] NoKeys),
}

impl From<Error> for NotBelieved {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidSignature => Self::Signature,
            ErrorKind::InvalidAlgorithm | ErrorKind::InvalidKeyFormat => Self::Algorithm,
            ErrorKind::InvalidIssuer => Self::Issuer,
            ErrorKind::InvalidAudience => Self::Audience,
            ErrorKind::MissingRequiredClaim(claim) => match claim.as_str() {
                "sub" => Self::NoUser,
                "exp" => Self::Claim("exp"),
                "aud" => Self::Audience,
                _ => Self::Issuer,
            },
            _ => Self::Unreadable,
        }
    }
}

/// The legacy secret of a project. Its `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct JwtSecret(String);

impl JwtSecret {
    /// Takes the secret as Supabase shows it; none if it is too short to be one.
    pub fn parse(secret: &str) -> Option<Self> {
        // Shorter than the hash: RFC 7518 §3.2.
        (secret.len() >= 32).then(|| Self(secret.to_owned()))
    }
}

impl fmt::Debug for JwtSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtSecret")
    }
}

/// Tells genuine tokens. Which key a token is verified with follows from the id of the key that it
/// names, and the algorithm from the key: what the token says of its algorithm chooses nothing.
#[derive(Debug)]
pub struct Verifier {
    secret: Option<DecodingKey>,
    keys: Option<KeySet>,
    issuer: Option<String>,
    audience: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: Option<String>,
    role: Option<String>,
    exp: Option<f64>,
    nbf: Option<f64>,
}

impl Verifier {
    /// Believes what `secret` or a key of `keys` has signed for `audience`; by `issuer`, if it is said.
    pub fn new(
        secret: Option<&JwtSecret>,
        keys: Option<KeySet>,
        issuer: Option<String>,
        audience: String,
    ) -> Self {
        let secret = secret.map(|secret| DecodingKey::from_secret(secret.0.as_bytes()));
        Self { secret, keys, issuer, audience }
    }

    /// The user whose token it is, by the `sub`.
    ///
    /// # Errors
    /// [`NotBelieved`].
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<String, NotBelieved> {
        let header = read_header(token)?;
        let claims = self.genuine(token, header.kid.as_deref(), now).await?;
        user(claims, now)
    }

    async fn genuine(
        &self,
        token: &str,
        key_id: Option<&str>,
        now: Timestamp,
    ) -> Result<Claims, NotBelieved> {
        let named = key_id.zip(self.keys.as_ref());
        // Legacy tokens name a key that no set lists, so the secret is tried before anybody is asked.
        let is_listed = named.is_some_and(|(id, keys)| keys.has(id, now));
        let mut why = NotBelieved::UnknownKey;
        if let Some(secret) = self.secret.as_ref().filter(|_| !is_listed) {
            match self.read(token, secret, Algorithm::HS256) {
                Err(error @ (NotBelieved::Signature | NotBelieved::Algorithm)) => why = error,
                known => return known,
            }
        }
        let Some((id, keys)) = named else { return Err(why) };
        match keys.find(id, now).await? {
            Some(found) => self.read(token, &found.key, found.algorithm),
            None => Err(why),
        }
    }

    fn read(
        &self,
        token: &str,
        key: &DecodingKey,
        algorithm: Algorithm,
    ) -> Result<Claims, NotBelieved> {
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "aud", "sub"]);
        if let Some(issuer) = &self.issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".to_owned());
        }
        // Times are compared below, with the clock that everything else here goes by.
        validation.validate_exp = false;
        Ok(decode(token, key, &validation)?.claims)
    }
}

fn read_header(token: &str) -> Result<Header, NotBelieved> {
    if token.len() > MAX_BYTES {
        return Err(NotBelieved::Unreadable);
    }
    let header = decode_header(token).map_err(|_| NotBelieved::Unreadable)?;
    // Whoever does not know a critical extension must refuse the token: RFC 7515 §4.1.11.
    if header.crit.is_some() { Err(NotBelieved::Unreadable) } else { Ok(header) }
}

fn user(claims: Claims, now: Timestamp) -> Result<String, NotBelieved> {
    #[expect(clippy::cast_precision_loss, reason = "whole seconds are exact for ages")]
    let now = (now.epoch_ms() / 1000) as f64;
    let leeway = LEEWAY.as_secs_f64();
    if claims.exp.ok_or(NotBelieved::Claim("exp"))? + leeway < now {
        return Err(NotBelieved::Expired);
    }
    if claims.nbf.is_some_and(|nbf| nbf - leeway > now) {
        return Err(NotBelieved::NotYet);
    }
    if claims.role.as_deref() != Some(ROLE) {
        return Err(NotBelieved::NoUser);
    }
    let is_usable = |id: &String| {
        let is_printable = id.bytes().all(|byte| byte.is_ascii_graphic());
        is_printable && (1..=MAX_SUBJECT_BYTES).contains(&id.len()) && id != NOBODY
    };
    claims.sub.filter(is_usable).ok_or(NotBelieved::NoUser)
}
