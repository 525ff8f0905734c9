//! How often a registry is asked.
//!
//! In: questions a minute, and how many may come at once. Out: whether one may be asked now. Never: waits, or asks what
//! time it is.

/// A token bucket, kept as the instant at which it is full again.
#[derive(Debug)]
pub(super) struct Limit {
    /// Microseconds for one token.
    token_us: i64,
    /// Tokens that it holds.
    burst: i64,
    full_at: i64,
}

impl Limit {
    pub(super) fn new(per_minute: u32, burst: u32) -> Self {
        let token_us = MINUTE_US / i64::from(per_minute.max(1));
        Self { token_us, burst: i64::from(burst.max(1)), full_at: i64::MIN }
    }

    /// Takes a token if there is one.
    pub(super) fn take(&mut self, now: i64) -> bool {
        let full_at = self.full_at.max(now).saturating_add(self.token_us);
        let is_free = full_at.saturating_sub(now) <= self.token_us.saturating_mul(self.burst);
        if is_free {
            self.full_at = full_at;
        }
        is_free
    }
}

const MINUTE_US: i64 = 60_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_one_for_each_token() {
        let mut limit = Limit::new(60, 3);
        let taken: Vec<bool> = [0, 0, 0, 0, 999_999, 1_000_000, 1_000_000, 5_000_000].map(|now| limit.take(now)).into();
        assert_eq!(taken, [true, true, true, false, false, true, false, true]);
    }

    proptest! {
        #[test]
        fn no_window_sees_more_than_burst_and_rate(steps in prop::collection::vec(0..3_000_000_i64, 1..200), burst in 1..9_u32) {
            let mut limit = Limit::new(60, burst);
            let mut now = 0;
            let taken: Vec<i64> = steps.into_iter().filter_map(|step| {
                now += step;
                limit.take(now).then_some(now)
            }).collect();
            for (index, first) in taken.iter().enumerate() {
                for (count, last) in taken[index..].iter().enumerate() {
                    let allowed = i64::from(burst) + (last - first) / 1_000_000;
                    prop_assert!(i64::try_from(count + 1).unwrap() <= allowed);
                }
            }
        }
    }
}
