//! What one number did over months, in the columns of the Sichuan rows.
//!
//! In: its answered calls and its messages, both directions. Out: one value a column; none where there is nothing to
//! tell it from. Never: knows a class, or looks at a call that was not answered.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::party::Party;
use crate::domain::day::{Day, local_hour};

/// The columns that calls and messages can give, in the order of the Sichuan rows.
///
/// Left out are the four of cities and counties: a call has its cell only when an exchange writes it down, and where
/// that set has no place it is because of how that operator keeps its records.
pub const COLUMNS: [&str; 33] = [
    "opposite_count",
    "opposite_unique",
    "voccalltype1",
    "imeis",
    "voc_calltype1",
    "phone2opposite_mean",
    "phone2opposite_median",
    "phone2opposite_max",
    "phone2oppo_sum_mean",
    "phone2oppo_sum_median",
    "phone2oppo_sum_max",
    "call_dur_mean",
    "call_dur_median",
    "call_dur_max",
    "call_dur_min",
    "calltype_id_unique",
    "voc_hour_mode",
    "voc_hour_mode_count",
    "voc_hour_nunique",
    "voc_day_mode",
    "voc_day_mode_count",
    "voc_day_nunique",
    "sms_count",
    "sms_nunique",
    "sms_rate",
    "calltype_2",
    "calltype_rate",
    "hour_mode",
    "hour_mode_count",
    "hour_nunique",
    "day_mode",
    "day_mode_count",
    "day_nunique",
];

/// What kind of call it was for the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Direction {
    Made,
    Received,
    Forwarded,
}

/// One number's calls and messages so far.
#[derive(Debug, Default)]
pub(super) struct Aggregate {
    calls: Tally,
    messages: Tally,
    /// Seconds of each call.
    durations: Vec<u32>,
    /// Handsets of the calls that it made.
    imeis: BTreeSet<i64>,
}

/// How often, with whom, and when; calls and messages alike.
#[derive(Debug, Default)]
struct Tally {
    count: u32,
    /// Times and seconds of each counterparty.
    parties: BTreeMap<Party, (u32, u32)>,
    directions: BTreeMap<Direction, u32>,
    hours: BTreeMap<u32, u32>,
    /// By the day of the month, all months together.
    days: BTreeMap<u32, u32>,
}

impl Aggregate {
    /// Adds an answered call; the handset is the one that made it.
    pub(super) fn call(&mut self, direction: Direction, other: Party, at: i64, talk_s: u32, imei: i64) {
        self.calls.add(direction, other, at, talk_s);
        self.durations.push(talk_s);
        if direction == Direction::Made {
            self.imeis.insert(imei);
        }
    }

    /// Adds a message.
    pub(super) fn message(&mut self, direction: Direction, other: Party, at: i64) {
        self.messages.add(direction, other, at, 0);
    }

    /// The values in the order of `COLUMNS`.
    pub(super) fn values(mut self) -> [Option<f64>; COLUMNS.len()] {
        let (calls, messages) = (&self.calls, &self.messages);
        let (made, received) = (calls.of(Direction::Made), messages.of(Direction::Received));
        let times = summary(calls.parties.values().map(|(times, _)| *times).collect());
        let seconds = summary(calls.parties.values().map(|(_, seconds)| *seconds).collect());
        let shortest = self.durations.iter().min().copied().map(f64::from);
        let duration = summary(std::mem::take(&mut self.durations));
        let (call_hour, call_day) = (busiest(&calls.hours), busiest(&calls.days));
        let (hour, day) = (busiest(&messages.hours), busiest(&messages.days));
        [
            calls.count(),
            calls.unique(),
            made,
            made.and(size(self.imeis.len())),
            ratio(made, calls.count()),
            times[0],
            times[1],
            times[2],
            seconds[0],
            seconds[1],
            seconds[2],
            duration[0],
            duration[1],
            duration[2],
            shortest,
            size(calls.directions.len()),
            call_hour[0],
            call_hour[1],
            size(calls.hours.len()),
            call_day[0],
            call_day[1],
            size(calls.days.len()),
            messages.count(),
            messages.unique(),
            ratio(messages.count(), messages.unique()),
            received,
            ratio(received, messages.count()),
            hour[0],
            hour[1],
            size(messages.hours.len()),
            day[0],
            day[1],
            size(messages.days.len()),
        ]
    }
}

impl Tally {
    fn add(&mut self, direction: Direction, other: Party, at: i64, talk_s: u32) {
        self.count += 1;
        let (times, seconds) = self.parties.entry(other).or_default();
        *times += 1;
        *seconds += talk_s;
        *self.directions.entry(direction).or_default() += 1;
        *self.hours.entry(local_hour(at).unsigned_abs()).or_default() += 1;
        *self.days.entry(Day::of(at).of_month()).or_default() += 1;
    }

    fn count(&self) -> Option<f64> {
        (self.count > 0).then(|| f64::from(self.count))
    }

    fn unique(&self) -> Option<f64> {
        size(self.parties.len())
    }

    fn of(&self, direction: Direction) -> Option<f64> {
        self.directions.get(&direction).copied().map(f64::from)
    }
}

/// The first hour or day that has most, and how many those are.
fn busiest(by: &BTreeMap<u32, u32>) -> [Option<f64>; 2] {
    let most = by.iter().max_by_key(|(key, count)| (**count, Reverse(**key)));
    [most.map(|(key, _)| f64::from(*key)), most.map(|(_, count)| f64::from(*count))]
}

/// Mean, median and maximum; none of nothing.
fn summary(mut values: Vec<u32>) -> [Option<f64>; 3] {
    values.sort_unstable();
    let half = values.len() / 2;
    let at = |index: usize| values.get(index).copied().map(f64::from);
    let upper = at(half);
    let median = if values.len().is_multiple_of(2) {
        half.checked_sub(1).and_then(at).zip(upper).map(|(lower, upper)| f64::midpoint(lower, upper))
    } else {
        upper
    };
    let sum: f64 = values.iter().copied().map(f64::from).sum();
    [ratio(Some(sum), size(values.len())), median, values.last().copied().map(f64::from)]
}

/// A count; none of nothing.
fn size(count: usize) -> Option<f64> {
    u32::try_from(count).ok().filter(|count| *count > 0).map(f64::from)
}

fn ratio(part: Option<f64>, whole: Option<f64>) -> Option<f64> {
    part.zip(whole).map(|(part, whole)| part / whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_US: i64 = 3_600_000_000;

    #[track_caller]
    fn value(values: &[Option<f64>], column: &str) -> Option<f64> {
        values[COLUMNS.iter().position(|name| *name == column).unwrap()]
    }

    /// Expected by hand, and by pandas on the same six calls and three messages.
    #[test]
    fn columns_are_those_of_the_rows() {
        let (anna, binh, shop) = (Party::special(1), Party::special(2), Party::special(3));
        // 2019-08-31 and 2019-10-31 are one day of the month; the day between is another.
        let (august, september, october) = (18_139, 18_140, 18_200);
        let at = |day: i32, hour: i64| Day::from_epoch_days(day).starts_at() + hour * HOUR_US;
        let mut aggregate = Aggregate::default();
        aggregate.call(Direction::Made, anna, at(august, 9), 30, 1);
        aggregate.call(Direction::Made, anna, at(august, 9), 60, 1);
        aggregate.call(Direction::Received, anna, at(october, 20), 600, 3);
        aggregate.call(Direction::Made, binh, at(september, 9), 10, 2);
        aggregate.call(Direction::Forwarded, binh, at(september, 12), 5, 3);
        aggregate.call(Direction::Received, shop, at(september, 20), 20, 3);
        aggregate.message(Direction::Received, shop, at(august, 10));
        aggregate.message(Direction::Received, shop, at(september, 11));
        aggregate.message(Direction::Made, anna, at(september, 11));
        let values = aggregate.values();
        for (column, expected) in [
            ("opposite_count", 6.0),
            ("opposite_unique", 3.0),
            ("voccalltype1", 3.0),
            ("imeis", 2.0),
            ("voc_calltype1", 0.5),
            ("phone2opposite_mean", 2.0),
            ("phone2opposite_median", 2.0),
            ("phone2opposite_max", 3.0),
            ("phone2oppo_sum_median", 20.0),
            ("phone2oppo_sum_max", 690.0),
            ("call_dur_mean", 725.0 / 6.0),
            ("call_dur_median", 25.0),
            ("call_dur_max", 600.0),
            ("call_dur_min", 5.0),
            ("calltype_id_unique", 3.0),
            ("voc_hour_mode", 9.0),
            ("voc_hour_mode_count", 3.0),
            ("voc_hour_nunique", 3.0),
            ("voc_day_mode", 1.0),
            ("voc_day_mode_count", 3.0),
            ("voc_day_nunique", 2.0),
            ("sms_count", 3.0),
            ("sms_nunique", 2.0),
            ("sms_rate", 1.5),
            ("calltype_2", 2.0),
            ("calltype_rate", 2.0 / 3.0),
            ("hour_mode", 11.0),
            ("day_mode", 1.0),
            ("day_nunique", 2.0),
        ] {
            assert_eq!(value(&values, column), Some(expected), "{column}");
        }
    }

    #[test]
    fn what_there_is_none_of_is_blank() {
        assert_eq!(Aggregate::default().values(), [None; COLUMNS.len()]);
        let mut aggregate = Aggregate::default();
        aggregate.call(Direction::Received, Party::special(1), 0, 7, 1);
        let values = aggregate.values();
        assert_eq!(value(&values, "opposite_count"), Some(1.0));
        for column in ["voccalltype1", "imeis", "voc_calltype1", "sms_count", "calltype_rate"] {
            assert_eq!(value(&values, column), None, "{column}");
        }
    }
}
