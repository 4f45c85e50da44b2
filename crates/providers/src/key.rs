//! A provider's key.

use std::fmt;

/// What a provider knows us by. It is shown to that provider and to nobody else: nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// A key, as its provider wrote it.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key itself, for the header of a request.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_printed() {
        let key = Key::new("r8_secret");

        assert_eq!(format!("{key:?}"), "Key(…)");
        assert_eq!(key.expose(), "r8_secret");
    }
}
