//! Whose number it was: the subscription that a dossier tells of, and no other.
//!
//! In: a request, and what the subscriber table says of the number. Out: one activation interval, and the days that are
//! wholly its own. Never: a day on which the number also was somebody else's.

use std::collections::BTreeMap;

use anyhow::Context;
use arrow::array::Array;

use super::Order;
use crate::domain::day::Day;
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
}

/// The newest subscription that held the number in the days asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) own: Option<Own>,
    /// Other subscriptions in these days.
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
    pub(super) async fn find(subscribers: Option<&Handle>, order: &Order) -> anyhow::Result<Self> {
        // Of each activation what was said last: by instant, then by place in its source.
        let mut newest: BTreeMap<i64, ((i64, i32, i64), Own)> = BTreeMap::new();
        let batches = match subscribers {
            Some(table) => table.rows_of(column::NUMBER.name, order.number, None).await?,
            None => Vec::new(),
        };
        for batch in &batches {
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
                let known = newest.get(&own.activated_at);
                if known.is_none_or(|(known, _)| *known < place) {
                    newest.insert(own.activated_at, (place, own));
                }
            }
        }
        Self::of(newest.into_values().map(|(_, own)| own).collect(), order.from, order.until)
    }

    /// Of subscriptions by their activation.
    fn of(mut all: Vec<Own>, first: Day, last: Day) -> anyhow::Result<Self> {
        // Whoever forgot to say that one had ended, the next one's beginning says so.
        let starts: Vec<i64> = all.iter().map(|own| own.activated_at).collect();
        for (own, next) in all.iter_mut().zip(starts.iter().skip(1)) {
            if own.ends_at() > *next {
                own.deactivated_at = Some(*next);
            }
        }
        let (from, until) = (first.starts_at(), last.ends_at());
        all.retain(|own| own.activated_at < until && own.ends_at() > from);
        let Some(own) = all.pop() else { return Ok(Self { own: None, others: 0, from, until, first, last }) };
        let begins = own.activated_at.max(from);
        let ends = own.ends_at().min(until);
        let is_shared = |day: Day| all.iter().any(|other| other.ends_at() > day.starts_at());
        let mut first = Day::of(begins);
        if is_shared(first) {
            first = first.plus(1);
        }
        let last = Day::of(ends.checked_sub(1).context("an activation ends before all time")?);
        Ok(Self { others: all.len(), from: begins, until: ends, first, last, own: Some(own) })
    }

    pub(super) fn activated_at(&self) -> Option<i64> {
        self.own.as_ref().map(|own| own.activated_at)
    }

    /// Whether an instant is the subscription's own.
    pub(super) fn holds(&self, at: i64) -> bool {
        (self.from..self.until).contains(&at)
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
}
