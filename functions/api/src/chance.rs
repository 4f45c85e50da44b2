//! What nobody can guess.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// 32 random bytes.
pub(crate) fn unguessable() -> [u8; 32] {
    let mut digest = Sha256::new();
    // Each brings 122 random bits of the operating system: three are more than the digest holds.
    for _ in 0..3 {
        digest.update(Uuid::new_v4().as_bytes());
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike() {
        assert_ne!(unguessable(), unguessable());
    }
}
