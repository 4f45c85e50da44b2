//! Chance that can be repeated.

use std::hash::{BuildHasher, RandomState};

/// Name of the variable that repeats a run.
const SEED: &str = "STILLMOTION_SEED";

/// A small generator of chance: the same seed, the same run. Not for secrets.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Chance from `STILLMOTION_SEED`, or else from a fresh seed. Prints the seed, which the test
    /// runner shows when a test fails.
    pub fn fresh() -> Self {
        let given = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(SEED));
        println!("repeat this run with {SEED}={seed}");
        Self(seed)
    }

    /// Chance from this seed.
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `end`, without `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        let end = end.max(1) as u64;
        // The bias is below end / 2^64.
        usize::try_from(self.next_u64() % end).unwrap_or_default()
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Puts things in any order.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_is_the_same_order_of_the_same_things() {
        let shuffled = |seed| {
            let mut things: Vec<_> = (0..50).collect();
            Rng::seeded(seed).shuffle(&mut things);
            things
        };

        let mut sorted = shuffled(1);
        sorted.sort_unstable();

        assert_eq!(shuffled(1), shuffled(1));
        assert_ne!(shuffled(1), shuffled(2));
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
    }
}
