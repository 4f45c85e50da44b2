//! What nobody may read anywhere.

use fake_providers::{Fake, KEY_FAL, KEY_LTX, KEY_REPLICATE, KEY_RUNWAY};

/// For `RUST_LOG`: our own crates tell all that they can, the others what is of use to an engineer.
pub(crate) const LOG_ALL: &str = "debug,stillmotion=trace,domain=trace,events=trace,film=trace,\
    ingest=trace,local_cloud=trace,ltx=trace,notify=trace,ports=trace,provider_webhook=trace,\
    providers=trace,render=trace,sweep=trace";

/// Keys that give access to something, and what is made of them.
const KEYS: [&str; 6] = [KEY_LTX, KEY_RUNWAY, KEY_REPLICATE, KEY_FAL, "fal-secret", "whsec_"];
/// What addresses that give access to something have in them, and the header with a key.
const SIGNED: [&str; 3] = ["sig=", "x-amz-signature=", "authorization"];

/// Checks that no key is told, nor anything that is as good as one.
#[track_caller]
pub(crate) fn assert_no_secret(told: &str, fake: &Fake) {
    assert_no_key(told.as_bytes(), fake, "what is told");
    let told = told.to_lowercase();
    for secret in SIGNED {
        let line = told.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is told");
    }
}

/// Checks that no key is in these bytes.
#[track_caller]
pub(crate) fn assert_no_key(bytes: &[u8], fake: &Fake, place: &str) {
    let webhooks = fake.webhook_secret();
    let bare = webhooks.trim_start_matches("whsec_");
    for key in KEYS.into_iter().chain([bare]) {
        let found = bytes.windows(key.len()).position(|window| window == key.as_bytes());
        let around = found.map(|at| {
            let (from, to) = (at.saturating_sub(200), (at + 200).min(bytes.len()));
            String::from_utf8_lossy(&bytes[from..to])
        });
        assert_eq!(around, None, "{key} is in {place}");
    }
}
