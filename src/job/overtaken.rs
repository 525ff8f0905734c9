//! Days that stand on a decision which has been made anew since theirs.
//!
//! In: which version of `decision` the newest run of each day has read and written. Out: the days to decide again. Never:
//! decides them: what was a look into the past must not change today's bars unasked.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::day::Day;
use crate::lake::{Handle, Lake};
use crate::pipeline::run::made_from;
use crate::schema::column::pipeline_run as column;
use crate::schema::contract::Table;

/// The decisions of all days, each of which follows from the one before it.
#[derive(Debug, Default)]
pub(super) struct Chain(BTreeMap<Day, Link>);

/// A day's newest decision.
#[derive(Debug, Clone, Copy)]
struct Link {
    wrote: i64,
    /// None of the first decision that there was.
    read: Option<i64>,
}

impl Chain {
    pub(super) async fn read(lake: &Lake) -> anyhow::Result<Self> {
        match lake.find(Table::PIPELINE_RUN).await? {
            Some(runs) => Self::of(&runs).await,
            None => Ok(Self::default()),
        }
    }

    /// The same of a table `pipeline_run` that is open.
    pub(super) async fn of(runs: &Handle) -> anyhow::Result<Self> {
        let mut chain = Self::default();
        for batch in runs.rows_with(column::TABLE_NAME.name, Table::DECISION.name(), &[]).await? {
            let (days, inputs) = (column::DAY.of(&batch)?, column::INPUTS.of(&batch)?);
            let outputs = column::OUTPUT_VERSION.of(&batch)?;
            for row in 0..batch.num_rows() {
                let (day, wrote) = (Day::from_epoch_days(days.value(row)), outputs.value(row));
                if chain.0.get(&day).is_none_or(|known| known.wrote < wrote) {
                    let inputs = made_from(inputs.value(row))?;
                    chain.0.insert(day, Link { wrote, read: inputs.get(Table::DECISION.name()).copied() });
                }
            }
        }
        Ok(chain)
    }

    /// The day before that a day follows from, when that was decided anew since.
    pub(super) fn anew_before(&self, day: Day) -> Option<Day> {
        let read = self.0.get(&day)?.read?;
        let (before, link) = self.0.range(..day).next_back()?;
        (link.wrote > read).then_some(*before)
    }

    /// The next day that was decided.
    pub(super) fn next(&self, day: Day) -> Option<Day> {
        self.0.range(day.plus(1)..).next().map(|(next, _)| *next)
    }

    /// From a day on, the first that was decided before the one which it follows from, and all behind it that are over:
    /// in this order they are to be decided again.
    pub(super) fn overtaken(&self, from: Day, now: i64) -> BTreeSet<Day> {
        let over = self.0.range(from..).map(|(day, _)| *day).filter(|day| day.ends_at() <= now);
        over.skip_while(|day| self.anew_before(*day).is_none()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(after: i32) -> Day {
        Day::from_epoch_days(20_094 + after)
    }

    /// What each of some days has read and written, from the first on.
    fn overtaken(links: &[(i64, i64)], now: Day) -> Vec<Day> {
        let links = (0..).zip(links).map(|(after, (read, wrote))| {
            let read = (*read > 0).then_some(*read);
            (day(after), Link { wrote: *wrote, read })
        });
        Chain(links.collect()).overtaken(day(0), now.starts_at()).into_iter().collect()
    }

    #[test]
    fn what_follows_from_a_day_that_was_decided_anew_is_decided_again_in_order() {
        let all = day(9);
        assert!(overtaken(&[(0, 1), (1, 2), (2, 3)], all).is_empty(), "each day has read the one before it");
        assert_eq!(overtaken(&[(3, 4), (1, 2), (2, 3)], all), [day(1), day(2)]);
        assert_eq!(overtaken(&[(3, 4), (4, 5), (2, 3)], all), [day(2)]);
        assert!(overtaken(&[(3, 4), (4, 5), (5, 6)], all).is_empty());
        // The last was decided behind all that, but by what stood on the old.
        assert_eq!(overtaken(&[(2, 3), (1, 2), (3, 4)], all), [day(1), day(2)]);
        assert!(overtaken(&[(2, 3), (1, 2)], day(1)).is_empty(), "what was only looked at is decided when it is over");
    }
}
