//! Whose number it was: one subscription of it, and no other.
//!
//! In: a number, a time, and what the subscriber table says of the number. Out: one activation interval, and the days
//! that are wholly its own. Never: a day on which the number also was somebody else's.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};
use arrow::array::{Array, RecordBatch};

use crate::domain::day::{Day, instant};
use crate::domain::number::Number;
use crate::lake::Handle;
use crate::schema::column::subscriber as column;

/// One activation of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) activated_at: i64,
    pub(super) deactivated_at: Option<i64>,
    pub(super) segment: String,
}

impl Own {
    fn ends_at(&self) -> i64 {
        self.deactivated_at.unwrap_or(i64::MAX)
    }

    /// Whether it held the number at some instant of `[from, until)`.
    fn is_within(&self, from: i64, until: i64) -> bool {
        self.activated_at < until && self.ends_at() > from
    }

    fn span(&self) -> String {
        let until = self.deactivated_at.map(|at| format!(" to {}", instant(at))).unwrap_or_default();
        format!("from {}{until}", instant(self.activated_at))
    }
}

/// A subscription, and how much of its time is told of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) own: Option<Own>,
    /// Other subscriptions in the same days.
    pub(super) others: usize,
    /// The first instant that is told of.
    pub(super) from: i64,
    /// The first instant that no longer is.
    pub(super) until: i64,
    /// The first day that is told of where facts are kept by the day.
    pub(super) first: Day,
    /// The last such day.
    pub(super) last: Day,
}

impl Holder {
    /// The newest subscription that held a number in some days, the last one included; of its time, these days.
    pub(super) async fn within(
        subscribers: Option<&Handle>,
        number: Number,
        (first, last): (Day, Day),
    ) -> anyhow::Result<Self> {
        Self::of(subscriptions(subscribers, number).await?, first, last)
    }

    /// The one subscription that held a number in `[from, until)`, with all of its time; nobody where the number was
    /// never one of ours.
    pub(super) async fn whole(subscribers: Option<&Handle>, number: Number, time: (i64, i64)) -> anyhow::Result<Self> {
        let all = subscriptions(subscribers, number).await?;
        if all.is_empty() { Ok(Self::nobody()) } else { Self::whole_of(all, time).with_context(|| number.to_string()) }
    }

    /// Whom nothing belongs to.
    fn nobody() -> Self {
        let (first, last) = (Day::from_epoch_days(1), Day::from_epoch_days(0));
        Self { own: None, others: 0, from: 0, until: 0, first, last }
    }

    fn whole_of(mut all: Vec<Own>, (from, until): (i64, i64)) -> anyhow::Result<Self> {
        close(&mut all);
        let spans = all.iter().map(Own::span).collect::<Vec<_>>().join(", ");
        let (mut held, others): (Vec<Own>, Vec<Own>) = all.into_iter().partition(|own| own.is_within(from, until));
        match (held.pop(), held.len()) {
            (Some(own), 0) => Self::bounded(own, &others, (i64::MIN, i64::MAX)),
            (None, _) => {
                bail!("nobody holds the number then; it was held {spans}: name a day of the asker's, --held-on DAY")
            }
            (Some(_), _) => {
                bail!("two have held the number on that day; it was held {spans}: name another, --held-on DAY")
            }
        }
    }

    /// Of subscriptions by their activation.
    fn of(mut all: Vec<Own>, first: Day, last: Day) -> anyhow::Result<Self> {
        close(&mut all);
        let (from, until) = (first.starts_at(), last.ends_at());
        all.retain(|own| own.is_within(from, until));
        let Some(own) = all.pop() else { return Ok(Self { own: None, others: 0, from, until, first, last }) };
        Self::bounded(own, &all, (from, until))
    }

    /// A subscription's time within `[from, until)`, and the days of it that it shares with no other.
    fn bounded(own: Own, others: &[Own], (from, until): (i64, i64)) -> anyhow::Result<Self> {
        let begins = own.activated_at.max(from);
        let ends = own.ends_at().min(until);
        let mut first = Day::of(begins);
        let starts = first.starts_at();
        if others.iter().any(|other| other.activated_at < begins && other.ends_at() > starts) {
            first = first.plus(1);
        }
        let mut last = Day::of(ends.checked_sub(1).context("an activation ends before all time")?);
        if others.iter().any(|other| other.activated_at >= ends && Day::of(other.activated_at) <= last) {
            last = last.plus(-1);
        }
        Ok(Self { others: others.len(), from: begins, until: ends, first, last, own: Some(own) })
    }

    pub(super) fn activated_at(&self) -> Option<i64> {
        self.own.as_ref().map(|own| own.activated_at)
    }

    /// Whether an instant is the subscription's own.
    pub(super) fn holds(&self, at: i64) -> bool {
        (self.from..self.until).contains(&at)
    }
}

/// The subscriptions of many numbers.
pub(super) struct Holders(BTreeMap<i64, Vec<Own>>);

impl Holders {
    /// By one read of the table, however many they are.
    pub(super) async fn read(subscribers: Option<&Handle>, numbers: &BTreeSet<i64>) -> anyhow::Result<Self> {
        let columns = [
            column::NUMBER.name,
            column::ACTIVATED_AT.name,
            column::DEACTIVATED_AT.name,
            column::SEGMENT.name,
            column::CHANGED_AT.name,
            column::SOURCE_PARTITION.name,
            column::SOURCE_OFFSET.name,
        ];
        let batches = match subscribers.filter(|_| !numbers.is_empty()) {
            Some(table) => table.rows_of_any(column::NUMBER.name, numbers, &columns).await?,
            None => Vec::new(),
        };
        Ok(Self(newest(&batches)?))
    }

    /// As [`Holder::within`] says it of one.
    pub(super) fn within(&self, number: i64, (first, last): (Day, Day)) -> anyhow::Result<Holder> {
        Holder::of(self.0.get(&number).cloned().unwrap_or_default(), first, last)
    }
}

/// Every subscription of a number, by its activation.
async fn subscriptions(subscribers: Option<&Handle>, number: Number) -> anyhow::Result<Vec<Own>> {
    let batches = match subscribers {
        Some(table) => table.rows_of(column::NUMBER.name, number, None).await?,
        None => Vec::new(),
    };
    Ok(newest(&batches)?.into_values().next().unwrap_or_default())
}

/// When something was said: the instant, then the place in its source.
type Said = (i64, i32, i64);

/// Every subscription of each number that rows are of, by its activation.
fn newest(batches: &[RecordBatch]) -> anyhow::Result<BTreeMap<i64, Vec<Own>>> {
    // Of each number and activation what was said last.
    let mut newest: BTreeMap<(i64, i64), (Said, Own)> = BTreeMap::new();
    for batch in batches {
        let (activated, deactivated) = (column::ACTIVATED_AT.of(batch)?, column::DEACTIVATED_AT.of(batch)?);
        for row in 0..batch.num_rows() {
            let own = Own {
                activated_at: activated.value(row),
                deactivated_at: deactivated.is_valid(row).then(|| deactivated.value(row)),
                segment: column::SEGMENT.of(batch)?.value(row).to_owned(),
            };
            let place = (
                column::CHANGED_AT.of(batch)?.value(row),
                column::SOURCE_PARTITION.of(batch)?.value(row),
                column::SOURCE_OFFSET.of(batch)?.value(row),
            );
            let subscription = (column::NUMBER.of(batch)?.value(row), own.activated_at);
            let known = newest.get(&subscription);
            if known.is_none_or(|(known, _)| *known < place) {
                newest.insert(subscription, (place, own));
            }
        }
    }
    let mut all: BTreeMap<i64, Vec<Own>> = BTreeMap::new();
    for ((number, _), (_, own)) in newest {
        all.entry(number).or_default().push(own);
    }
    Ok(all)
}

/// Whoever forgot to say that one had ended, the next one's beginning says so.
fn close(all: &mut [Own]) {
    let starts: Vec<i64> = all.iter().map(|own| own.activated_at).collect();
    for (own, next) in all.iter_mut().zip(starts.iter().skip(1)) {
        if own.ends_at() > *next {
            own.deactivated_at = Some(*next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn own(activated_at: i64, deactivated_at: Option<i64>) -> Own {
        Own { activated_at, deactivated_at, segment: "prepaid".to_owned() }
    }

    fn holder(all: Vec<Own>) -> Holder {
        Holder::of(all, day("2025-01-06"), day("2025-01-12")).unwrap()
    }

    #[test]
    fn a_number_that_changed_hands_begins_with_its_newest_holder() {
        let handover = day("2025-01-08").starts_at() + 9 * HOUR;
        let before = own(day("2024-06-01").starts_at(), Some(handover - HOUR));
        let found = holder(vec![before.clone(), own(handover, None)]);
        assert_eq!((found.others, found.from), (1, handover));
        assert_eq!(found.first, day("2025-01-09"), "the day of the handover is nobody's own");
        assert!(!found.holds(handover - 1) && found.holds(handover));

        let forgotten = Own { deactivated_at: None, ..before };
        assert_eq!(holder(vec![forgotten, own(handover, None)]).first, day("2025-01-09"));
    }

    #[test]
    fn who_held_it_before_or_after_these_days_is_none_of_it() {
        let (before, after) = (day("2025-01-05"), day("2025-01-13").starts_at());
        let found = holder(vec![
            own(0, Some(before.starts_at())),
            own(before.starts_at(), Some(before.ends_at() + 3 * 24 * HOUR)),
            own(after, None),
        ]);
        assert_eq!((found.others, found.first, found.last), (0, day("2025-01-06"), day("2025-01-08")));
        assert_eq!(found.activated_at(), Some(before.starts_at()));
        assert_eq!(holder(vec![own(after, None)]).own, None);
        assert_eq!(holder(vec![]).last, day("2025-01-12"));
    }

    #[test]
    fn all_of_a_subscriptions_time_ends_before_the_day_that_the_next_one_shares() {
        let handover = day("2025-01-08").starts_at() + 9 * HOUR;
        let all = || vec![own(day("2024-06-01").starts_at(), Some(handover - HOUR)), own(handover, None)];
        let at = |at: i64| Holder::whole_of(all(), (at, at + 1));
        let before = at(handover - 2 * HOUR).unwrap();
        assert_eq!((before.first, before.last), (day("2024-06-01"), day("2025-01-07")));
        assert!(before.holds(handover - 2 * HOUR) && !before.holds(handover - HOUR));
        let present = at(handover + 1_000 * HOUR).unwrap();
        assert_eq!((present.first, present.activated_at()), (day("2025-01-09"), Some(handover)));
        assert!(present.last > day("2125-01-01") && !present.holds(handover - 1));

        let shared = Holder::whole_of(all(), (day("2025-01-08").starts_at(), day("2025-01-08").ends_at()));
        assert!(shared.unwrap_err().to_string().contains("--held-on"), "whose, nobody can tell from such a day");
        assert!(at(handover - 1).unwrap_err().to_string().contains("from 2025-01-08T02:00:00Z"));
    }
}
