//! Lists in an order: pairs of numbers by the first one, and what is found in a list that is asked in its order.
//!
//! In: pairs, in any order. Out: the same ones by their first number; those that share it stay as they stood.
//! Never: sorts by the second number, or by what goes with the two.

use std::ops::Range;
use std::panic::resume_unwind;
use std::thread;

use super::party::FIRST_NAMED;

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

/// What work on ranges of parties gives, on as many threads as there are: cut where about as many of a list in order lie
/// on either side. Parties that are no numbers have a range of their own, since [`sort_by_one`] would take numbers and
/// them for far apart.
pub(super) fn by_range<L, T: Send>(
    list: &[L],
    party: impl Fn(&L) -> i64,
    work: impl Fn(Range<i64>) -> T + Sync,
) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let cuts = (1..threads).filter_map(|thread| list.get(list.len() * thread / threads).map(&party));
    let mut bounds: Vec<i64> = cuts.chain([i64::MIN, FIRST_NAMED, i64::MAX]).collect();
    bounds.sort_unstable();
    bounds.dedup();
    thread::scope(|scope| {
        let work = &work;
        let ranges = bounds.windows(2).map(|bounds| bounds[0]..bounds[1]);
        let working: Vec<_> = ranges.map(|range| scope.spawn(move || work(range))).collect();
        working.into_iter().map(|work| work.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// The place of what is wanted in a list that is in the order of its keys. `from` is where the last question has ended:
/// what is asked for in that order is found a step or two ahead.
pub(super) fn find<T, K: Ord>(list: &[T], from: &mut usize, wanted: K, key: impl Fn(&T) -> K) -> Option<usize> {
    let lies_before = |other: &T| key(other) < wanted;
    let (before, ahead) = list.split_at((*from).min(list.len()));
    *from = if ahead.first().is_some_and(lies_before) {
        let mut reach = 1;
        while ahead.get(reach).is_some_and(lies_before) {
            reach *= 2;
        }
        let (near, far) = (reach / 2, ahead.len().min(reach + 1));
        before.len() + near + ahead[near..far].partition_point(lies_before)
    } else if before.last().is_some_and(|last| !lies_before(last)) {
        before.partition_point(lies_before)
    } else {
        before.len()
    };
    list.get(*from).filter(|found| key(found) == wanted).map(|_| *from)
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
