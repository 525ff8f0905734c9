//! Random draws, in words of the domain's distributions.
//!
//! In: a seeded stream and a distribution's parameters. Out: one value.
//! Never: asks the machine for randomness; depends on the order of a hash map.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Gamma, Poisson, StandardNormal};

/// The one generator, the same on every machine.
pub(super) type Rng = ChaCha8Rng;

/// An independent stream of a seed: one for the population, one a day, one for each question.
pub(super) fn stream(seed: u64, number: u64) -> Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(number);
    rng
}

/// Whether something of this probability happens.
pub(super) fn chance(rng: &mut Rng, probability: f64) -> bool {
    rng.random::<f64>() < probability
}

/// Uniform in [low, high).
pub(super) fn between(rng: &mut Rng, (low, high): (f64, f64)) -> f64 {
    low + (high - low) * rng.random::<f64>()
}

/// Normal with mean 0 and standard deviation 1.
pub(super) fn normal(rng: &mut Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// Log-normal by its median and the standard deviation of its logarithm.
pub(super) fn log_normal(rng: &mut Rng, (median, sigma): (f64, f64)) -> f64 {
    median * (sigma * normal(rng)).exp()
}

/// Gamma by its shape and its mean.
pub(super) fn gamma(rng: &mut Rng, shape: f64, mean: f64) -> f64 {
    Gamma::new(shape, mean / shape).expect("shape and mean are above 0").sample(rng)
}

/// Beta, as the share of one gamma in two.
pub(super) fn beta(rng: &mut Rng, (a, b): (f64, f64)) -> f64 {
    let (x, y) = (gamma(rng, a, a), gamma(rng, b, b));
    if x + y > 0.0 { x / (x + y) } else { 0.5 }
}

/// Poisson; 0 for a mean of 0.
pub(super) fn poisson(rng: &mut Rng, mean: f64) -> u32 {
    if mean <= 0.0 {
        return 0;
    }
    let count: f64 = Poisson::new(mean).expect("the mean is above 0 and finite").sample(rng);
    u32::try_from(whole(count)).unwrap_or(u32::MAX)
}

/// Log-logistic by its median and shape: the law of call durations.
pub(super) fn log_logistic(rng: &mut Rng, median: f64, shape: f64) -> f64 {
    let u: f64 = rng.random_range(1e-9..1.0 - 1e-9);
    median * (u / (1.0 - u)).powf(1.0 / shape)
}

/// How often in a row something of this probability happens, at most `most` times.
pub(super) fn streak(rng: &mut Rng, probability: f64, most: usize) -> usize {
    (0..most).take_while(|_| chance(rng, probability)).count()
}

/// An index, as likely as its weight.
pub(super) fn weighted(rng: &mut Rng, weights: &[f64]) -> usize {
    let mut left = rng.random::<f64>() * weights.iter().sum::<f64>();
    for (index, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return index;
        }
    }
    weights.len() - 1
}

/// Splits a count by shares, so that every prefix of the list is as close as can be.
pub(super) fn apportion<T: Copy>(count: u32, shares: &[(T, f64)]) -> Vec<(T, u32)> {
    let (mut upto, mut given) = (0.0, 0);
    let split = shares.iter().map(|(of, share)| {
        upto += share;
        let until = u32::try_from(whole(f64::from(count) * upto + 0.5)).unwrap_or(0).min(count);
        let part = until - given;
        given = until;
        (*of, part)
    });
    split.collect()
}

/// One of a few; the slice is never empty.
pub(super) fn one<'a, T>(rng: &mut Rng, of: &'a [T]) -> &'a T {
    &of[rng.random_range(0..of.len())]
}

/// The integer part.
#[expect(clippy::cast_possible_truncation, reason = "saturates, and our values are small")]
pub(super) fn whole(value: f64) -> i64 {
    value as i64
}

/// The integer part, as a small integer of the wire.
pub(super) fn whole_i32(value: f64) -> i32 {
    i32::try_from(whole(value)).unwrap_or(i32::MAX)
}

/// A mixed 64-bit value of two: the finaliser of `splitmix64`.
pub(super) fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_add(b.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A cumulative table of weights: draws an index in logarithmic time.
#[derive(Debug, Default)]
pub(super) struct Table {
    members: Vec<u32>,
    upto: Vec<f64>,
}

impl Table {
    /// Adds a member; weights of 0 are never drawn.
    pub(super) fn push(&mut self, member: u32, weight: f64) {
        if weight > 0.0 {
            self.members.push(member);
            self.upto.push(self.upto.last().copied().unwrap_or(0.0) + weight);
        }
    }

    /// A member as likely as its weight; none of an empty table.
    pub(super) fn draw(&self, rng: &mut Rng) -> Option<u32> {
        let at = rng.random::<f64>() * self.upto.last()?;
        let index = self.upto.partition_point(|upto| *upto <= at);
        self.members.get(index.min(self.members.len() - 1)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_and_repeat() {
        let draws =
            |number| (0..4).map(|_| 0).scan(stream(7, number), |rng, _| Some(rng.random::<u64>())).collect::<Vec<_>>();
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
    }

    #[test]
    fn distributions_have_their_centre() {
        let mut rng = stream(1, 0);
        let mut mean = |draw: &dyn Fn(&mut Rng) -> f64| (0..20_000).map(|_| draw(&mut rng)).sum::<f64>() / 20_000.0;
        assert!((mean(&|rng| beta(rng, (6.0, 2.0))) - 0.75).abs() < 0.01);
        assert!((mean(&|rng| gamma(rng, 2.0, 5.0)) - 5.0).abs() < 0.15);
        assert!((mean(&|rng| f64::from(poisson(rng, 3.0))) - 3.0).abs() < 0.1);
        assert!((mean(&|rng| f64::from(u8::from(log_logistic(rng, 37.0, 1.5) < 37.0))) - 0.5).abs() < 0.02);
    }

    #[test]
    fn a_table_draws_by_weight() {
        let mut table = Table::default();
        assert_eq!(table.draw(&mut stream(1, 0)), None);
        for (member, weight) in [(3, 1.0), (4, 0.0), (5, 3.0)] {
            table.push(member, weight);
        }
        let mut rng = stream(1, 0);
        let fives = (0..4_000).filter(|_| table.draw(&mut rng) == Some(5)).count();
        assert!((2_850..3_150).contains(&fives), "{fives}");
    }
}
