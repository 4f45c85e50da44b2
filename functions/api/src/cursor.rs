//! Places in listings, as callers carry them: base64url that means nothing to them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a cursor should be, for whoever sends another.
pub(crate) const EXPECTED: &str = "a cursor that this call gave, unchanged";

/// The cursor of a place.
///
/// # Panics
/// If the place is not made of numbers and strings.
pub(crate) fn write<T: Serialize>(place: &T) -> String {
    let json = serde_json::to_vec(place).expect("places are numbers and strings");
    URL_SAFE_NO_PAD.encode(json)
}

/// The place of a cursor; none if it is not one of ours.
pub(crate) fn read<T: DeserializeOwned>(cursor: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        let place = (1_795_168_800_000_u64, "0192f0c1".to_owned());

        let cursor = write(&place);

        assert!(cursor.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_'));
        assert_eq!(read(&cursor), Some(place));
    }

    #[test]
    fn what_is_no_cursor_leads_nowhere() {
        for text in ["x", "====", "bm8", &write(&"another kind")] {
            assert_eq!(read::<(u64, String)>(text), None, "{text}");
        }
    }
}
