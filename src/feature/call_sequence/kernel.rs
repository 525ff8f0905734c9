//! The kernel of `call_sequence` and `follow_callers`: what the calls of one caller say, in their order and by their
//! pairs.
//!
//! In: calls of many groups, in any order. Out: a [`Sequence`] and whom it met for each of the first groups, whose
//! calls are let go of. Never: knows of Arrow or DataFusion; holds a threshold.

use crate::domain::day::local_hour;
use crate::feature::party::FIRST_NAMED;

pub(in crate::feature) const US_PER_S: i64 = 1_000_000;
const US_PER_HOUR: i64 = 3_600 * US_PER_S;
pub(in crate::feature) const US_PER_DAY: i64 = 86_400 * US_PER_S;
/// Widths of the peak windows, seconds.
pub(in crate::feature) const WINDOWS_S: [i64; 3] = [60, 600, 3_600];
/// Neighbouring numbers in a dialled sequence.
pub(in crate::feature) const SEQUENCE: std::ops::RangeInclusive<u64> = 1..=10;

/// What is null: less than every number, cell, handset and instant that there is.
pub(in crate::feature) const NONE: i64 = i64::MIN;

/// One call as far as order and pairs matter.
#[derive(Debug, Clone, Copy)]
pub(in crate::feature) struct Call {
    pub(in crate::feature) group: usize,
    pub(in crate::feature) start_us: i64,
    pub(in crate::feature) end_us: i64,
    /// A number, or the key of another party.
    pub(in crate::feature) callee: i64,
    pub(in crate::feature) cell: i64,
    pub(in crate::feature) imei: i64,
}

/// Whole numbers of a call in a state, each a list by group.
pub(super) const STATE: [&str; 5] = ["start_us", "end_us", "callee", "cell", "imei"];

impl Call {
    /// The call of a group with the numbers of a state, in their order.
    pub(super) fn new(group: usize, numbers: [i64; STATE.len()]) -> Self {
        let [start_us, end_us, callee, cell, imei] = numbers;
        Self { group, start_us, end_us, callee, cell, imei }
    }

    pub(super) fn numbers(&self) -> [i64; STATE.len()] {
        [self.start_us, self.end_us, self.callee, self.cell, self.imei]
    }

    fn place(&self) -> (usize, i64) {
        (self.group, self.start_us)
    }

    fn order(&self) -> (usize, i64, i64, i64) {
        (self.group, self.start_us, self.end_us, self.number())
    }

    /// The number that was called.
    fn number(&self) -> i64 {
        if self.callee < FIRST_NAMED { self.callee } else { NONE }
    }
}

/// The kernel: collects the calls of many groups, then walks each group's once in order.
#[derive(Debug, Default)]
pub(in crate::feature) struct Kernel {
    pub(super) calls: Vec<Call>,
    pub(super) short_gap_s: Option<i64>,
    scratch: Scratch,
}

/// Room that is used again for each group.
#[derive(Debug, Default)]
struct Scratch {
    values: Vec<i64>,
    callees: Vec<(i64, usize)>,
    met: Vec<Met>,
}

/// Whom a caller called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::feature) struct Met {
    pub(in crate::feature) callee: i64,
    /// Starts of the first call and the last one.
    pub(in crate::feature) first_us: i64,
    pub(in crate::feature) last_us: i64,
}

/// What the kernel finds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sequence {
    /// Pauses between consecutive calls.
    pub gaps: i64,
    /// Short ones among them.
    pub short_gaps: i64,
    /// Calls that start before the one before has ended.
    pub overlapping_calls: i64,
    /// Most calls in any minute, ten minutes, hour.
    pub peaks: [i64; 3],
    /// Calls to a neighbour of the number called before.
    pub sequential_calls: i64,
    /// Distinct cells and handsets.
    pub cells: i64,
    /// Distinct handsets.
    pub imeis: i64,
    /// Local clock hours with a call.
    pub active_hours: i64,
    /// Most calls in one of them.
    pub peak_hour_calls: i64,
    /// Distinct numbers called.
    pub callees: i64,
    /// Most calls to one of them.
    pub top_callee_calls: i64,
    /// Those called more than once.
    pub repeat_callees: i64,
    /// Calls to somebody whom one of the other calls went to.
    pub repeat_calls: i64,
}

impl Kernel {
    pub(in crate::feature) fn new(short_gap_s: i64) -> Self {
        Self { short_gap_s: Some(short_gap_s), ..Self::default() }
    }

    /// Takes in a call.
    pub(in crate::feature) fn add(&mut self, call: Call) {
        self.calls.push(call);
    }

    /// Takes in another kernel's calls.
    #[cfg(test)]
    fn merge(&mut self, other: Self) {
        self.calls.extend(other.calls);
    }

    /// Puts the calls in order; of those of a clustered file only equal starts are not.
    pub(super) fn sort(&mut self) {
        let (mut is_sorted, mut has_equals) = (true, false);
        for pair in self.calls.windows(2) {
            is_sorted &= pair[0].place() <= pair[1].place();
            has_equals |= pair[0].place() == pair[1].place();
        }
        if !is_sorted {
            self.calls.sort_unstable_by_key(Call::order);
        } else if has_equals {
            for calls in self.calls.chunk_by_mut(|one, next| one.place() == next.place()) {
                calls.sort_unstable_by_key(Call::order);
            }
        }
    }

    /// What the calls of the first groups say, and whom each called by their numbers, in order of the groups; those calls
    /// are let go of, and the other groups count from 0 again.
    pub(in crate::feature) fn finish(&mut self, groups: usize, mut each: impl FnMut(Sequence, &[Met])) {
        self.sort();
        let short_gap_us = self.short_gap_s.unwrap_or_default().saturating_mul(US_PER_S);
        let done = self.calls.partition_point(|call| call.group < groups);
        let mut next = 0;
        for calls in self.calls[..done].chunk_by(|one, next| one.group == next.group) {
            (next..calls[0].group).for_each(|_| each(Sequence::default(), &[]));
            next = calls[0].group + 1;
            each(sequence(calls, short_gap_us, &mut self.scratch), &self.scratch.met);
        }
        (next..groups).for_each(|_| each(Sequence::default(), &[]));
        self.forget(done, groups);
    }

    /// Lets go of the first calls, of the groups before.
    pub(super) fn forget(&mut self, calls: usize, groups: usize) {
        self.calls.drain(..calls);
        self.calls.iter_mut().for_each(|call| call.group -= groups);
    }

    pub(super) fn size(&self) -> usize {
        size_of_val(self) + self.calls.capacity() * size_of::<Call>()
    }
}

/// What the calls of one caller say, in their order.
fn sequence(calls: &[Call], short_gap_us: i64, scratch: &mut Scratch) -> Sequence {
    let mut found = Sequence::default();
    for pair in calls.windows(2) {
        let [before, call] = pair else { continue };
        let gap_us = call.start_us - before.end_us;
        if gap_us < 0 {
            found.overlapping_calls += 1;
        } else {
            found.gaps += 1;
            found.short_gaps += i64::from(gap_us < short_gap_us);
        }
        // From NONE every number is far away.
        found.sequential_calls += i64::from(SEQUENCE.contains(&before.number().abs_diff(call.number())));
    }
    found.peaks = WINDOWS_S.map(|window_s| peak(calls, |call| call.start_us, window_s * US_PER_S));
    let (mut by_hour, mut hour, mut hour_ends_us) = ([0_i64; 24], 0, i64::MIN);
    for call in calls {
        if call.start_us >= hour_ends_us {
            hour = usize::try_from(local_hour(call.start_us)).unwrap_or_default();
            hour_ends_us = (call.start_us.div_euclid(US_PER_HOUR) + 1) * US_PER_HOUR;
        }
        by_hour[hour] += 1;
    }
    found.active_hours = by_hour.iter().map(|calls| i64::from(*calls > 0)).sum();
    found.peak_hour_calls = by_hour.into_iter().max().unwrap_or_default();
    found.cells = distinct(calls.iter().map(|call| call.cell), &mut scratch.values);
    found.imeis = distinct(calls.iter().map(|call| call.imei), &mut scratch.values);
    meet(calls, &mut found, scratch);
    found
}

/// Counts the pairs: of each callee how many calls it got, and when the first one and the last one were.
fn meet(calls: &[Call], found: &mut Sequence, Scratch { callees, met, .. }: &mut Scratch) {
    callees.clear();
    met.clear();
    callees
        .extend(calls.iter().enumerate().filter(|(_, call)| call.callee != NONE).map(|(at, call)| (call.callee, at)));
    callees.sort_unstable();
    for pair in callees.chunk_by(|one, next| one.0 == next.0) {
        let ((callee, first), (_, last), count) = (pair[0], pair[pair.len() - 1], count(pair.len()));
        met.push(Met { callee, first_us: calls[first].start_us, last_us: calls[last].start_us });
        found.callees += 1;
        found.top_callee_calls = found.top_callee_calls.max(count);
        found.repeat_callees += i64::from(count > 1);
        found.repeat_calls += count - 1;
    }
}

/// Most calls in any half-open window, of calls sorted by start: a window that takes in one call more at each step, and
/// lets the first one go when it has become too wide, never gets smaller, and grows whenever there is a larger one.
pub(in crate::feature) fn peak<T>(calls: &[T], start_us: impl Fn(&T) -> i64, window_us: i64) -> i64 {
    let mut first = 0;
    for call in calls {
        first += usize::from(start_us(call) - start_us(&calls[first]) >= window_us);
    }
    count(calls.len() - first)
}

/// How many different values there are; the same one many times in a row is the usual case.
fn distinct(values: impl Iterator<Item = i64>, scratch: &mut Vec<i64>) -> i64 {
    scratch.clear();
    for value in values {
        if value != NONE && scratch.last() != Some(&value) {
            scratch.push(value);
        }
    }
    scratch.sort_unstable();
    scratch.dedup();
    count(scratch.len())
}

pub(in crate::feature) fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A call as (start in seconds, busy seconds, callee).
    type Plain = (i64, i64, i64);

    /// The kernel of one group.
    fn kernel(calls: &[Plain]) -> Kernel {
        let mut kernel = Kernel::new(60);
        for (start_s, busy_s, callee) in calls {
            let (start_us, end_us) = (start_s * US_PER_S, (start_s + busy_s) * US_PER_S);
            kernel.add(Call::new(0, [start_us, end_us, *callee, callee % 3, NONE]));
        }
        kernel
    }

    fn finished(kernel: &mut Kernel, groups: usize) -> Vec<(Sequence, Vec<Met>)> {
        let mut found = Vec::new();
        kernel.finish(groups, |sequence, met| found.push((sequence, met.to_vec())));
        found
    }

    fn found(calls: &[Plain]) -> Sequence {
        finished(&mut kernel(calls), 1)[0].0
    }

    #[track_caller]
    fn check(calls: &[Plain], expect: Sequence) {
        let found = found(calls);
        // What does not depend on order has tests of its own.
        let order = |of: Sequence| (of.gaps, of.short_gaps, of.overlapping_calls, of.peaks, of.sequential_calls);
        assert_eq!(order(found), order(expect));
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(found(&[]), Sequence::default());
    }

    #[test]
    fn a_gap_runs_from_end_to_start() {
        check(
            &[(0, 10, 5), (69, 1, 5), (130, 1, 5)],
            Sequence { gaps: 2, short_gaps: 1, peaks: [1, 3, 3], ..Sequence::default() },
        );
    }

    #[test]
    fn an_overlap_is_no_gap() {
        check(&[(0, 100, 5), (50, 1, 5)], Sequence { overlapping_calls: 1, peaks: [2, 2, 2], ..Sequence::default() });
    }

    #[test]
    fn a_window_does_not_hold_its_end() {
        assert_eq!(found(&[(0, 0, 5), (60, 0, 5)]).peaks, [1, 2, 2]);
        assert_eq!(found(&[(0, 0, 5), (59, 0, 5)]).peaks, [2, 2, 2]);
    }

    #[test]
    fn neighbouring_numbers_are_a_sequence_either_way() {
        let calls = [(0, 0, 100), (1, 0, 110), (2, 0, 109), (3, 0, 109), (4, 0, 120)];
        assert_eq!(found(&calls).sequential_calls, 2);
    }

    #[test]
    fn equal_starts_are_ordered_by_what_the_calls_are() {
        // The shorter one comes first; of equally long ones the lower number.
        assert_eq!(found(&[(0, 9, 200), (0, 0, 100), (0, 9, 201)]).sequential_calls, 1);
        assert_eq!(found(&[(0, 0, 300), (0, 0, 200), (0, 0, 100), (0, 0, 201)]).sequential_calls, 1);
        // In order but for equal starts, as a clustered file has them.
        assert_eq!(found(&[(0, 0, 1), (5, 9, 200), (5, 0, 100), (5, 9, 201), (8, 0, 1)]).sequential_calls, 1);
    }

    #[test]
    fn pairs_are_counted_and_told() {
        let named = FIRST_NAMED + 3;
        let calls = [(50, 0, 7), (10, 0, 7), (90, 0, 7), (20, 0, 8), (30, 0, NONE), (30, 0, NONE), (40, 0, named)];
        let mut kernel = Kernel::default();
        for (start_s, _, callee) in calls {
            kernel.add(Call::new(0, [start_s * US_PER_S, start_s * US_PER_S, callee, NONE, NONE]));
        }
        let (Sequence { callees, top_callee_calls, repeat_callees, repeat_calls, .. }, met) =
            finished(&mut kernel, 1).remove(0);
        assert_eq!((callees, top_callee_calls, repeat_callees, repeat_calls), (3, 3, 1, 2));
        let met: Vec<_> = met.iter().map(|met| (met.callee, met.first_us, met.last_us)).collect();
        let at = |start_s: i64| start_s * US_PER_S;
        assert_eq!(met, [(7, at(10), at(90)), (8, at(20), at(20)), (named, at(40), at(40))]);
    }

    #[test]
    fn parties_that_are_no_numbers_are_no_sequence_and_come_before_all_numbers() {
        assert_eq!(found(&[(0, 0, FIRST_NAMED), (1, 0, FIRST_NAMED + 1)]).sequential_calls, 0);
        assert_eq!(found(&[(0, 0, 5), (0, 0, 6), (0, 0, FIRST_NAMED)]).sequential_calls, 1);
    }

    #[test]
    fn hours_are_local_and_cells_are_distinct() {
        // 00:59:59 and 01:00:00 in Ho Chi Minh City, and an hour later.
        let calls = [(17 * 3_600 + 3_599, 0, 1), (18 * 3_600, 0, 2), (18 * 3_600 + 9, 0, 4), (19 * 3_600, 0, 1)];
        let Sequence { active_hours, peak_hour_calls, cells, imeis, .. } = found(&calls);
        assert_eq!((active_hours, peak_hour_calls, cells, imeis), (3, 2, 2, 0));
    }

    #[test]
    fn groups_are_let_go_of_as_they_are_complete() {
        let mut all = Kernel::new(60);
        let sizes = [3, 0, 2, 4];
        for (group, size) in sizes.iter().enumerate() {
            let mut one = kernel(&(0..*size).map(|at| (at, 0, 5)).collect::<Vec<_>>());
            one.calls.iter_mut().for_each(|call| call.group = group);
            all.merge(one);
        }
        let gaps =
            |all: &mut Kernel, groups| finished(all, groups).iter().map(|found| found.0.gaps).collect::<Vec<_>>();
        assert_eq!(gaps(&mut all, 3), [2, 0, 1]);
        assert_eq!(all.calls.len(), 4, "what is left is the last group's");
        assert_eq!(gaps(&mut all, 2), [3, 0]);
        assert!(all.calls.is_empty());
    }

    proptest! {
        #[test]
        fn any_split_in_any_order_equals_the_whole(
            calls in prop::collection::vec((0i64..20_000, 0i64..400, 0i64..60), 0..80),
            at in 0usize..80,
        ) {
            let whole = finished(&mut kernel(&calls), 1);
            let (left, right) = calls.split_at(at.min(calls.len()));
            let mut joined = kernel(&right.iter().rev().copied().collect::<Vec<_>>());
            joined.merge(kernel(left));
            prop_assert_eq!(finished(&mut joined, 1), whole);
        }

        #[test]
        fn results_stay_in_range(calls in prop::collection::vec((0i64..9_000, 0i64..400, 0i64..60), 1..80)) {
            let found = found(&calls);
            let calls = i64::try_from(calls.len()).unwrap();
            prop_assert_eq!(found.gaps + found.overlapping_calls, calls - 1);
            prop_assert!(found.short_gaps <= found.gaps && found.sequential_calls < calls);
            prop_assert!(found.peaks[0] >= 1 && found.peaks.is_sorted() && found.peaks[2] <= calls);
            prop_assert!(found.peak_hour_calls <= found.peaks[2] && found.cells <= 3);
            prop_assert_eq!(found.callees + found.repeat_calls, calls);
            prop_assert!(found.repeat_callees <= found.callees && found.top_callee_calls <= calls);
        }
    }
}
