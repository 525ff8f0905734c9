//! Pairs of numbers in the order of the first one.
//!
//! In: pairs, in any order. Out: the same ones by their first number; those that share it stay as they stood.
//! Never: looks at the second number, or at what goes with the two.

/// Two numbers, and the instant or the row that goes with them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pair {
    pub(super) one: i64,
    pub(super) other: i64,
    pub(super) at: i64,
}

/// Values of a digit of [`sort_by_one`].
const DIGITS: usize = 1 << 11;

/// Sorts by the first number, digit by digit from the lowest: numbers of one country share all their upper digits, and
/// those of a clustered table are in order already.
pub(super) fn sort_by_one(pairs: &mut Vec<Pair>) {
    if pairs.is_sorted_by_key(|pair| pair.one) {
        return;
    }
    let least = pairs.iter().map(|pair| pair.one).min().unwrap_or_default();
    let beyond = |pair: &Pair| pair.one.wrapping_sub(least).cast_unsigned();
    let greatest = pairs.iter().map(beyond).max().unwrap_or_default();
    let mut sorted = vec![Pair::default(); pairs.len()];
    let mut shift = 0;
    while shift < u64::BITS && greatest >> shift > 0 {
        let digit = |pair: &Pair| usize::try_from(beyond(pair) >> shift).unwrap_or(usize::MAX) % DIGITS;
        let mut places = [0; DIGITS];
        pairs.iter().for_each(|pair| places[digit(pair)] += 1);
        let mut begins = 0;
        for place in &mut places {
            begins += std::mem::replace(place, begins);
        }
        for pair in pairs.iter() {
            let place = &mut places[digit(pair)];
            sorted[*place] = *pair;
            *place += 1;
        }
        std::mem::swap(pairs, &mut sorted);
        shift += DIGITS.trailing_zeros();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn digits_sort_as_numbers_do(ones in prop::collection::vec(prop_oneof![any::<i64>(), 84_900_000_000i64..84_900_009_999], 0..300)) {
            let mut pairs: Vec<Pair> = ones.iter().map(|one| Pair { one: *one, ..Pair::default() }).collect();
            sort_by_one(&mut pairs);
            let mut ones = ones;
            ones.sort_unstable();
            prop_assert_eq!(pairs.iter().map(|pair| pair.one).collect::<Vec<_>>(), ones);
        }
    }
}
