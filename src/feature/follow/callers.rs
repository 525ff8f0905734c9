//! Callers, what each did in order, and whom it called.
//!
//! In: streams of calls, those of a caller one behind the other. Out: each caller once, in the order of its key, with its
//! sequence and its pairs; who called back, and which pairs had a call before. Never: takes a caller that comes twice
//! for two: [`Callers::ordered`] says so instead.

use std::mem::{replace, take};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::feature::call_sequence::kernel::{Call, Kernel, Met, Sequence, US_PER_DAY};
use crate::feature::sorted::{Pair as Turned, by_range, find, sort_by_one};

/// What is summed up of each caller, by the caller's place.
#[derive(Debug, Clone)]
pub(super) enum Sum {
    /// Whether it is ever true.
    Any(Vec<bool>),
    Total(Vec<i64>),
}

/// So many callers of a stream are kept together.
const MANY: usize = if cfg!(test) { 2 } else { 4_096 };

/// Callers in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Callers {
    pub(super) keys: Vec<i64>,
    /// Of all callers but the last ones, whose calls may go on.
    pub(super) sequences: Vec<Sequence>,
    pub(super) sums: Vec<Sum>,
    /// Whether pairs are asked for.
    has_pairs: bool,
    /// Whom they called, caller by caller, each by the callee.
    pairs: Vec<Met>,
    /// Where the pairs of each caller end.
    ends: Vec<usize>,
    kernel: Kernel,
}

impl Callers {
    pub(super) fn new(short_gap_s: i64, sums: Vec<Sum>, has_pairs: bool) -> Self {
        Self { sums, has_pairs, kernel: Kernel::new(short_gap_s), ..Self::default() }
    }

    /// Takes in a call, whatever its group is; the place of its caller.
    pub(super) fn add(&mut self, caller: i64, call: Call) -> usize {
        if self.keys.last() != Some(&caller) {
            self.keys.push(caller);
        }
        let place = self.keys.len() - 1;
        self.kernel.add(Call { group: place - self.sequences.len(), ..call });
        place
    }

    /// Lets go of the calls of callers behind whom others have come. When there are many such callers, they are given
    /// back: what grew on would be moved again and again.
    pub(super) fn close(&mut self) -> Option<Self> {
        self.finish((self.keys.len() - self.sequences.len()).saturating_sub(1));
        let closed = self.sequences.len();
        if closed < MANY {
            return None;
        }
        let open = Self {
            keys: self.keys.split_off(closed),
            sums: self.sums.iter_mut().map(|sum| sum.split_off(closed)).collect(),
            has_pairs: self.has_pairs,
            kernel: take(&mut self.kernel),
            ..Self::default()
        };
        Some(replace(self, open))
    }

    fn finish(&mut self, callers: usize) {
        let Self { sequences, has_pairs, pairs, ends, kernel, .. } = self;
        kernel.finish(callers, |sequence, met| {
            sequences.push(sequence);
            pairs.extend(met.iter().filter(|_| *has_pairs));
            ends.push(pairs.len());
        });
    }

    /// Callers of streams that are over, in their order; nothing where one comes twice.
    pub(super) fn ordered(mut streams: Vec<Self>) -> Option<Vec<Self>> {
        for callers in &mut streams {
            callers.finish(callers.keys.len() - callers.sequences.len());
        }
        streams.retain(|callers| !callers.keys.is_empty());
        streams.sort_by_key(|callers| callers.keys.first().copied());
        let is_ordered = streams.iter().flat_map(|callers| &callers.keys).is_sorted_by(|one, next| one < next);
        is_ordered.then_some(streams)
    }

    /// Each caller, and whom it called.
    fn each(&self) -> impl Iterator<Item = (i64, &[Met])> {
        self.keys.iter().enumerate().map(|(place, key)| (*key, self.met(place)))
    }

    /// Whom the caller at a place called.
    fn met(&self, place: usize) -> &[Met] {
        &self.pairs[self.pairs(place)]
    }

    fn pairs(&self, place: usize) -> Range<usize> {
        place.checked_sub(1).map_or(0, |before| self.ends[before])..self.ends[place]
    }
}

impl Sum {
    /// Adds what calls say, each at the place of its caller: whether it is true there, or a number.
    pub(super) fn add(&mut self, callers: usize, calls: impl Iterator<Item = (usize, i64)>) {
        match self {
            Self::Any(any) => {
                any.resize(callers, false);
                calls.for_each(|(place, said)| any[place] |= said != 0);
            }
            Self::Total(total) => {
                total.resize(callers, 0);
                calls.for_each(|(place, said)| total[place] += said);
            }
        }
    }

    fn split_off(&mut self, at: usize) -> Self {
        match self {
            Self::Any(any) => Self::Any(any.split_off(at)),
            Self::Total(total) => Self::Total(total.split_off(at)),
        }
    }
}

/// Blocks of callers in their order, and what pairs are besides calls of the day. Of calls before it many threads may
/// tell at once.
#[derive(Debug)]
pub(super) struct Circle {
    pub(super) blocks: Vec<Callers>,
    /// Of each block and caller how many of those whom it called have called back behind its first call.
    called_back: Vec<Vec<i64>>,
    /// Of each block and pair whether the caller had called within the 24 hours before its first call.
    repeated: Vec<Vec<AtomicBool>>,
}

/// A key in so many is one by which callers are dealt to threads.
const ONE_IN: usize = 64;

impl Circle {
    pub(super) fn of(blocks: Vec<Callers>) -> Self {
        let some: Vec<i64> = blocks.iter().flat_map(|callers| &callers.keys).step_by(ONE_IN).copied().collect();
        let ranges = by_range(&some, |key| *key, |range| called_back(&blocks, &range));
        let mut counts = ranges.into_iter().flatten();
        let called_back = blocks.iter().map(|callers| counts.by_ref().take(callers.keys.len()).collect()).collect();
        let none = |callers: &Callers| callers.pairs.iter().map(|_| AtomicBool::new(false)).collect();
        let repeated = blocks.iter().map(none).collect();
        Self { blocks, called_back, repeated }
    }

    /// Takes in calls from before the day.
    pub(super) fn met_before(&self, calls: impl Iterator<Item = ((i64, i64), i64)>) {
        let mut from = 0;
        for ((caller, callee), at) in calls {
            let behind = self.blocks.partition_point(|callers| callers.keys[0] <= caller);
            let Some(block) = behind.checked_sub(1) else { continue };
            let callers = &self.blocks[block];
            let Some(place) = find(&callers.keys, &mut from, caller, |key| *key) else { continue };
            let Ok(pair) = callers.met(place).binary_search_by_key(&callee, |met| met.callee) else { continue };
            if callers.met(place)[pair].first_us - at < US_PER_DAY {
                self.repeated[block][callers.pairs(place).start + pair].store(true, Ordering::Relaxed);
            }
        }
    }

    /// How many of those whom the caller at a place of a block called have called back; how many of its calls went to
    /// somebody whom it had called within the 24 hours before.
    pub(super) fn of_caller(&self, block: usize, place: usize) -> [i64; 2] {
        let callers = &self.blocks[block];
        let pairs = &self.repeated[block][callers.pairs(place)];
        let repeated: i64 = pairs.iter().map(|repeated| i64::from(repeated.load(Ordering::Relaxed))).sum();
        [self.called_back[block][place], callers.sequences[place].repeat_calls + repeated]
    }
}

/// Of each caller in a range how many of those whom it called have called back behind its first call.
fn called_back(blocks: &[Callers], range: &Range<i64>) -> Vec<i64> {
    let callers = || blocks.iter().flat_map(Callers::each);
    // Pairs by the callee and then, as they come, by the caller.
    let to_them = |met: &&Met| range.contains(&met.callee);
    let mut turned = Vec::with_capacity(callers().map(|(_, met)| met.iter().filter(to_them).count()).sum());
    for (caller, met) in callers() {
        let to_them = met.iter().filter(to_them);
        turned.extend(to_them.map(|met| Turned { one: met.callee, other: caller, at: met.last_us }));
    }
    sort_by_one(&mut turned);
    let mut calls = turned.chunk_by(|one, next| one.one == next.one).peekable();
    let answered = |(key, met): (i64, &[Met])| {
        while calls.next_if(|calls| calls[0].one < key).is_some() {}
        let Some(calls) = calls.next_if(|calls| calls[0].one == key) else { return 0 };
        let mut from = 0;
        let back = met.iter().filter(|met| {
            find(calls, &mut from, met.callee, |call| call.other).is_some_and(|call| calls[call].at > met.first_us)
        });
        i64::try_from(back.count()).unwrap_or(i64::MAX)
    };
    callers().filter(|(key, _)| range.contains(key)).map(answered).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::feature::call_sequence::kernel::{NONE, US_PER_S};
    use crate::feature::party::FIRST_NAMED;

    /// A call as (caller, callee, second).
    type Plain = (i64, i64, i64);

    /// Calls of some streams, each by its callers.
    fn streams(calls: &[Plain]) -> Vec<Callers> {
        let mut blocks = Vec::new();
        for calls in calls.chunk_by(|one, next| one.0 / 3 == next.0 / 3) {
            let mut callers = Callers::new(60, vec![Sum::Total(Vec::new()), Sum::Any(Vec::new())], true);
            for (at, (caller, callee, start_s)) in calls.iter().enumerate() {
                let start_us = start_s * US_PER_S;
                let call = Call { group: 9, start_us, end_us: start_us, callee: *callee, cell: NONE, imei: NONE };
                let place = callers.add(*caller, call);
                for sum in &mut callers.sums {
                    sum.add(callers.keys.len(), std::iter::once((place, start_s % 2)));
                }
                if at % 3 == 0 {
                    blocks.extend(callers.close());
                }
            }
            blocks.push(callers);
        }
        blocks.reverse();
        blocks
    }

    #[test]
    fn a_caller_that_comes_twice_is_told() {
        let joined = |calls: &[Plain]| {
            Callers::ordered(streams(calls))
                .map(|all| all.into_iter().flat_map(|callers| callers.keys).collect::<Vec<_>>())
        };
        assert_eq!(joined(&[]), Some(vec![]));
        assert_eq!(joined(&[(1, 7, 0), (2, 7, 0), (1, 8, 0)]), None);
        assert_eq!(joined(&[(1, 7, 0), (4, 7, 0), (1, 8, 0)]), None);
        assert_eq!(joined(&[(1, 7, 0), (1, 8, 0), (4, 7, 0)]), Some(vec![1, 4]));
    }

    proptest! {
        #[test]
        fn callers_and_pairs_are_what_their_calls_say(
            calls in prop::collection::vec((0_i64..9, 0_i64..9, 0_i64..90_000), 0..80),
            before in prop::collection::vec((0_i64..9, 0_i64..9, -90_000_i64..0), 0..40),
        ) {
            // The last ones are no numbers.
            let party = |party: i64| if party < 7 { party } else { FIRST_NAMED + party };
            let all = |calls: &[Plain]| calls.iter().map(|call| (party(call.0), party(call.1), call.2)).collect();
            let (mut calls, before): (Vec<Plain>, Vec<Plain>) = (all(&calls), all(&before));
            calls.sort_unstable();
            let circle = Circle::of(Callers::ordered(streams(&calls)).unwrap());
            circle.met_before(before.iter().map(|call| ((call.0, call.1), call.2 * US_PER_S)));

            let mut pairs: BTreeMap<(i64, i64), Vec<i64>> = BTreeMap::new();
            for (caller, callee, at) in &calls {
                pairs.entry((*caller, *callee)).or_default().push(*at);
            }
            let places: Vec<(i64, usize, usize)> = circle.blocks.iter().enumerate().flat_map(|(stream, callers)| {
                callers.keys.iter().enumerate().map(move |(place, key)| (*key, stream, place))
            }).collect();
            let keys: BTreeSet<i64> = calls.iter().map(|call| call.0).collect();
            prop_assert_eq!(places.iter().map(|place| place.0).collect::<Vec<_>>(), Vec::from_iter(keys));
            for (caller, stream, place) in &places {
                let (stream, place) = (*stream, *place);
                let of_caller = || pairs.iter().filter(|((one, _), _)| one == caller);
                let back = of_caller().filter(|((_, callee), calls)| {
                    pairs.get(&(*callee, *caller)).is_some_and(|back| back.last() > calls.first())
                });
                let repeats = of_caller().map(|((_, callee), calls)| {
                    let is_repeated = before.iter().any(|call| {
                        (call.0, call.1) == (*caller, *callee) && calls[0] - call.2 < 86_400
                    });
                    calls.len() - 1 + usize::from(is_repeated)
                });
                let expected = [back.count(), repeats.sum()].map(|count| i64::try_from(count).unwrap());
                prop_assert_eq!(circle.of_caller(stream, place), expected);
                prop_assert_eq!(circle.blocks[stream].sequences[place].callees, i64::try_from(of_caller().count()).unwrap());
                let odd: i64 = of_caller().flat_map(|(_, calls)| calls).map(|at| at % 2).sum();
                match circle.blocks[stream].sums.as_slice() {
                    [Sum::Total(total), Sum::Any(any)] => prop_assert_eq!((total[place], any[place]), (odd, odd > 0)),
                    sums => prop_assert!(false, "{:?}", sums),
                }
            }
        }
    }
}
