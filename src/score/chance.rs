//! Numbers by chance that a seed repeats.
//!
//! In: a seed. Out: the same numbers on every machine. Never: a secret; nothing here is hard to guess.

/// `SplitMix64` of Steele, Lea and Flood (2014): one addition and three mixing steps for a number.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The numbers of a seed; each `stream` of it has its own.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut seeds = Self(seed);
        let first = seeds.next();
        Self(first ^ Self(stream).next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A place in `0..count`; even to one part in 2^64 of `count`.
    pub fn below(&mut self, count: usize) -> usize {
        let wide = u128::from(self.next()) * count as u128;
        usize::try_from(wide >> 64).unwrap_or_default()
    }

    /// All places of `0..count` in an order by chance.
    pub fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        // The reference implementation's first numbers for the seed 1234567.
        let mut chance = Chance(1_234_567);
        assert_eq!([chance.next(), chance.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn an_order_has_every_place_once_and_streams_differ() {
        let mut order = Chance::new(1, 0).order(100);
        assert_ne!(order, Chance::new(1, 1).order(100));
        assert_eq!(order, Chance::new(1, 0).order(100));
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }
}
