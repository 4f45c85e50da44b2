//! Keys with which servers call, for any user. Only their hashes are stored.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;
use ports::{RegisterError, Registers, Replaced, Source};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What every key begins with, so that scanners for lost secrets can know it.
const PREFIX: &str = "smk_";
/// Random bytes of a key.
const SECRET_BYTES: usize = 32;
/// Longest name, in bytes.
const MAX_NAME_BYTES: usize = 32;
/// How long a key that was found is believed without looking: so long does a revoked one work.
const BELIEVED_FOR: Duration = Duration::from_mins(1);
/// Keys that are kept in mind at most.
const MAX_KNOWN: usize = 1024;
/// Register of the names of all keys.
const NAMES: &str = "service-keys";
/// How often a register is written when others write it at the same time.
const TRIES: usize = 8;

/// It cannot be the name of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of a key is 1 to 32 of a-z, 0-9 and -, and begins with a letter")]
pub struct InvalidName;

/// Name of a key: 1 to 32 of `a-z`, `0-9` and `-`, the first a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyName(String);

impl KeyName {
    /// Checks the name.
    ///
    /// # Errors
    /// [`InvalidName`].
    pub fn parse(name: &str) -> Result<Self, InvalidName> {
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = name.bytes().all(word) && name.starts_with(|c: char| c.is_ascii_lowercase());
        let is_name = is_name && name.len() <= MAX_NAME_BYTES;
        if is_name { Ok(Self(name.to_owned())) } else { Err(InvalidName) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn register(&self) -> String {
        format!("service-key#{}", self.0)
    }
}

/// A key: `smk_{name}_{32 random bytes in base64url}`. Its `Debug` prints its name alone.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceKey {
    name: KeyName,
    text: String,
}

impl ServiceKey {
    /// Reads a key; none if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        // The random part may have the separator in it, the name never.
        let (name, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let is_secret = URL_SAFE_NO_PAD.decode(secret).is_ok_and(|is| is.len() == SECRET_BYTES);
        let name = KeyName::parse(name).ok().filter(|_| is_secret)?;
        Some(Self { name, text: text.to_owned() })
    }

    fn random(name: KeyName) -> Result<Self, Source> {
        let mut secret = [0; SECRET_BYTES];
        SystemRandom::new().fill(&mut secret).map_err(|_| "the system gave no random bytes")?;
        let text = format!("{PREFIX}{}_{}", name.as_str(), URL_SAFE_NO_PAD.encode(secret));
        Ok(Self { name, text })
    }

    /// The key itself, to be shown once.
    pub fn expose(&self) -> &str {
        &self.text
    }

    fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.text).into()
    }
}

impl fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServiceKey").field(&self.name.0).finish()
    }
}

/// What is stored of a key, under `service-key#{name}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    /// SHA-256 of the key, in base64url.
    sha256: String,
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
}

impl Stored {
    fn is(&self, hash: &[u8; 32]) -> bool {
        let stored = URL_SAFE_NO_PAD.decode(&self.sha256).unwrap_or_default();
        // Every byte is looked at, so that the time says nothing.
        let differs = stored.iter().zip(hash).fold(0, |all, (one, other)| all | (one ^ other));
        stored.len() == hash.len() && std::hint::black_box(differs) == 0
    }
}

/// The keys could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ServiceKeyError {
    /// The registers failed.
    #[error("keys of services")]
    Register(#[from] RegisterError),
    /// What is registered cannot be read.
    #[error("what is registered of keys cannot be read")]
    Unreadable(#[from] serde_json::Error),
    /// Others kept writing.
    #[error("what is registered of keys keeps changing")]
    Contended,
    /// There is a key of this name.
    #[error("there is a key named {} already: revoke it first, or take another name", .0.as_str())]
    Exists(KeyName),
    /// There is no key of this name.
    #[error("there is no key named {}", .0.as_str())]
    NotFound(KeyName),
    /// No key can be made.
    #[error("no key can be made")]
    Random(#[source] Source),
}

/// Knows keys, those it has found for a minute without looking.
#[derive(Debug, Default)]
pub struct ServiceKeys {
    known: Mutex<HashMap<[u8; 32], Timestamp>>,
}

impl ServiceKeys {
    /// The name of the service whose key it is; none if there is no such key.
    ///
    /// # Errors
    /// [`ServiceKeyError`].
    pub async fn find(
        &self,
        key: &ServiceKey,
        registers: &impl Registers,
        now: Timestamp,
    ) -> Result<Option<KeyName>, ServiceKeyError> {
        let hash = key.hash();
        let until = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).copied();
        if until.is_some_and(|until| now < until) {
            return Ok(Some(key.name.clone()));
        }
        let Some((stored, _)) = read(&key.name, registers, now).await? else { return Ok(None) };
        if stored.revoked_at.is_some() || !stored.is(&hash) {
            return Ok(None);
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(hash, now.plus(BELIEVED_FOR));
        Ok(Some(key.name.clone()))
    }
}

async fn read(
    name: &KeyName,
    registers: &impl Registers,
    now: Timestamp,
) -> Result<Option<(Stored, u64)>, ServiceKeyError> {
    let Some(registered) = registers.read(&name.register(), now).await? else { return Ok(None) };
    Ok(Some((serde_json::from_str(&registered.text)?, registered.revision)))
}

/// Makes the key `name`. It can be had now and never again.
///
/// # Errors
/// [`ServiceKeyError::Exists`] if there is one; revoked ones make room.
pub async fn create_service_key(
    name: KeyName,
    registers: &impl Registers,
    now: Timestamp,
) -> Result<ServiceKey, ServiceKeyError> {
    let before = match read(&name, registers, now).await? {
        Some((stored, _)) if stored.revoked_at.is_none() => {
            return Err(ServiceKeyError::Exists(name));
        }
        before => before.map(|(_, revision)| revision),
    };
    // Before the key: a name without a key is passed over, a key without a name would be overlooked.
    remember(&name, registers, now).await?;
    let key = ServiceKey::random(name.clone()).map_err(ServiceKeyError::Random)?;
    let sha256 = URL_SAFE_NO_PAD.encode(key.hash());
    let stored = serde_json::to_string(&Stored { sha256, created_at: now, revoked_at: None })?;
    match registers.write(&name.register(), before, &stored, None).await? {
        Replaced::Done => Ok(key),
        Replaced::Conflict => Err(ServiceKeyError::Exists(name)),
    }
}

/// Revokes the key `name`: within a minute nobody believes it any more.
///
/// # Errors
/// [`ServiceKeyError::NotFound`] if there is none.
pub async fn revoke_service_key(
    name: &KeyName,
    registers: &impl Registers,
    now: Timestamp,
) -> Result<(), ServiceKeyError> {
    for _ in 0..TRIES {
        let found = read(name, registers, now).await?;
        let Some((stored, revision)) = found.filter(|(stored, _)| stored.revoked_at.is_none())
        else {
            return Err(ServiceKeyError::NotFound(name.clone()));
        };
        let revoked = serde_json::to_string(&Stored { revoked_at: Some(now), ..stored })?;
        let written = registers.write(&name.register(), Some(revision), &revoked, None).await?;
        if written == Replaced::Done {
            return Ok(());
        }
    }
    Err(ServiceKeyError::Contended)
}

/// A key that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundKey {
    /// Its name.
    pub name: KeyName,
    /// Since when.
    pub created_at: Timestamp,
}

/// Every key that is good, by name.
///
/// # Errors
/// [`ServiceKeyError`].
pub async fn list_service_keys(
    registers: &impl Registers,
    now: Timestamp,
) -> Result<Vec<FoundKey>, ServiceKeyError> {
    let mut found = Vec::new();
    for name in names(registers, now).await?.0 {
        let stored = read(&name, registers, now).await?.map(|(stored, _)| stored);
        if let Some(stored) = stored.filter(|stored| stored.revoked_at.is_none()) {
            found.push(FoundKey { name, created_at: stored.created_at });
        }
    }
    Ok(found)
}

/// Whether any key is good.
///
/// # Errors
/// [`ServiceKeyError`].
pub async fn any_service_key(
    registers: &impl Registers,
    now: Timestamp,
) -> Result<bool, ServiceKeyError> {
    Ok(!list_service_keys(registers, now).await?.is_empty())
}

async fn names(
    registers: &impl Registers,
    now: Timestamp,
) -> Result<(Vec<KeyName>, Option<u64>), ServiceKeyError> {
    match registers.read(NAMES, now).await? {
        Some(there) => Ok((serde_json::from_str(&there.text)?, Some(there.revision))),
        None => Ok((Vec::new(), None)),
    }
}

async fn remember(
    name: &KeyName,
    registers: &impl Registers,
    now: Timestamp,
) -> Result<(), ServiceKeyError> {
    for _ in 0..TRIES {
        let (mut names, before) = names(registers, now).await?;
        let Err(place) = names.binary_search(name) else { return Ok(()) };
        names.insert(place, name.clone());
        let text = serde_json::to_string(&names)?;
        if registers.write(NAMES, before, &text, None).await? == Replaced::Done {
            return Ok(());
        }
    }
    Err(ServiceKeyError::Contended)
}

#[cfg(test)]
mod tests {
    use testkit::InMemoryRegisters;
    use testkit::samples::AT;

    use super::*;

    fn name(name: &str) -> KeyName {
        KeyName::parse(name).expect("a name")
    }

    #[test]
    fn a_key_is_its_name_and_enough_chance() {
        let key = ServiceKey::random(name("n8n-1")).expect("chance");

        let read = ServiceKey::parse(key.expose()).expect("a key");

        assert_eq!((read.name.as_str(), key.expose().len()), ("n8n-1", "smk_n8n-1_".len() + 43));
        assert_eq!(format!("{key:?}"), r#"ServiceKey("n8n-1")"#);
        for none in ["", "smk_", "smk_a", "smk_a_AAAA", "sb_secret_abc", "smk_A_", "smk__"] {
            assert_eq!(ServiceKey::parse(none), None, "{none}");
            let long = format!("{none}{}", "A".repeat(43));
            assert!(none == "smk_a" || ServiceKey::parse(&long).is_none(), "{none}");
        }
    }

    #[tokio::test]
    async fn a_key_is_known_until_a_minute_after_it_is_revoked() {
        let (registers, keys) = (InMemoryRegisters::default(), ServiceKeys::default());
        let key = create_service_key(name("n8n"), &registers, AT).await.expect("made");
        let later = |secs| AT.plus(Duration::from_secs(secs));
        assert_eq!(keys.find(&key, &registers, AT).await.expect("asked"), Some(name("n8n")));

        revoke_service_key(&name("n8n"), &registers, later(1)).await.expect("revoked");

        let believed = keys.find(&key, &registers, later(59)).await.expect("asked");
        assert_eq!(believed, Some(name("n8n")));
        assert_eq!(keys.find(&key, &registers, later(60)).await.expect("asked"), None);
        let again = revoke_service_key(&name("n8n"), &registers, later(61)).await;
        assert!(matches!(again, Err(ServiceKeyError::NotFound(_))));
    }

    #[tokio::test]
    async fn another_key_of_the_same_name_is_not_known() {
        let (registers, keys) = (InMemoryRegisters::default(), ServiceKeys::default());
        create_service_key(name("n8n"), &registers, AT).await.expect("made");
        let other = ServiceKey::random(name("n8n")).expect("chance");

        assert_eq!(keys.find(&other, &registers, AT).await.expect("asked"), None);

        let none = ServiceKey::random(name("crm")).expect("chance");
        assert_eq!(keys.find(&none, &registers, AT).await.expect("asked"), None);
    }

    #[tokio::test]
    async fn a_name_is_free_again_when_its_key_is_revoked() {
        let (registers, keys) = (InMemoryRegisters::default(), ServiceKeys::default());
        let first = create_service_key(name("n8n"), &registers, AT).await.expect("made");
        let taken = create_service_key(name("n8n"), &registers, AT).await;
        assert!(matches!(taken, Err(ServiceKeyError::Exists(_))));

        revoke_service_key(&name("n8n"), &registers, AT).await.expect("revoked");
        assert!(!any_service_key(&registers, AT).await.expect("asked"));
        let second = create_service_key(name("n8n"), &registers, AT).await.expect("made");

        assert_eq!(keys.find(&first, &registers, AT).await.expect("asked"), None);
        assert_eq!(keys.find(&second, &registers, AT).await.expect("asked"), Some(name("n8n")));
        let listed = list_service_keys(&registers, AT).await.expect("asked");
        assert_eq!(listed, [FoundKey { name: name("n8n"), created_at: AT }]);
    }

    #[tokio::test]
    async fn nothing_of_a_key_is_stored_but_its_hash() {
        let registers = InMemoryRegisters::default();
        let key = create_service_key(name("n8n"), &registers, AT).await.expect("made");

        let stored = registers.read("service-key#n8n", AT).await.expect("read").expect("there");

        let secret = &key.expose()["smk_n8n_".len()..];
        assert!(!stored.text.contains(secret), "{}", stored.text);
        assert!(stored.text.contains(r#""sha256":"#) && stored.text.contains(r#""createdAt":"#));
    }
}
