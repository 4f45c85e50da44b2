//! Who is calling: users by tokens of Supabase, servers by keys of ours, and on a machine where neither
//! is set up whoever sits in front of it.

mod jwks;
mod service_keys;
mod tokens;

#[cfg(test)]
mod jwks_tests;
#[cfg(test)]
pub(crate) mod test_keys;
#[cfg(test)]
mod tokens_tests;

pub use jwks::{FetchKeys, HttpKeys, KeySet, NoKeys};
pub use service_keys::{
    FoundKey, InvalidName, KeyName, ServiceKey, ServiceKeyError, ServiceKeys, any_service_key,
    create_service_key, list_service_keys, revoke_service_key,
};
pub use tokens::{JwtSecret, NotBelieved, Verifier};

/// Whoever develops on this machine.
pub const DEVELOPER: &str = "00000000-0000-4000-8000-000000000001";
