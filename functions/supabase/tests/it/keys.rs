//! The keys and tokens of a project.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};

/// What tokens are signed with.
pub(crate) const JWT_SECRET: &str = "a-secret-of-the-tests-with-32-or-more-characters";
/// The new secret key.
pub(crate) const SECRET_KEY: &str = "sb_secret_of_the_tests_0123456789";
/// The new publishable key.
pub(crate) const PUBLISHABLE_KEY: &str = "sb_publishable_of_the_tests_0123456789";

/// The legacy key of a role.
pub(crate) fn legacy(role: &str) -> String {
    token(&json!({ "iss": "supabase", "ref": "tests", "role": role, "exp": 4_000_000_000_u64 }))
}

/// The token of somebody who is logged in.
pub(crate) fn of_user(user: &str) -> String {
    let (aud, role) = ("authenticated", "authenticated");
    token(&json!({ "aud": aud, "role": role, "sub": user, "exp": 4_000_000_000_u64 }))
}

/// A JWT, signed with HS256.
pub(crate) fn token(claims: &Value) -> String {
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encode(&header), encode(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, JWT_SECRET.as_bytes());
    let signature = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}
