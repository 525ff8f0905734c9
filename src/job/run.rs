//! `run`: definitions into tables, for a day or a week.
//!
//! In: a lake, definitions, a window. Out: partitions and their rows of `pipeline_run`. Never: two runs at a time; a window
//! that has not begun.

use anyhow::ensure;

use crate::clock::Clock;
use crate::domain::day::{Day, Week};
use crate::lake::Lake;
use crate::pipeline::check::window;
use crate::pipeline::definition::{Definitions, Window};
use crate::pipeline::graph;
use crate::pipeline::run::{Ran, Runner};
use crate::schema::contract::Table;

/// Computes the named tables for a day; all daily ones that do not wait for `decide` when none is named.
pub async fn day(lake: &Lake, definitions: Definitions, tables: &[Table], day: Day) -> anyhow::Result<Vec<Ran>> {
    ensure_begun(day, Clock::System)?;
    let mut runner = Runner::new(lake.clone(), definitions, Clock::System);
    lake.alone(async {
        let mut ran = Vec::new();
        let tables = match tables {
            [] => {
                // What came late for the days before is taken in first: this day builds on them.
                ran = super::late::restate(&mut runner, day).await?.ran;
                daily(runner.definitions())?
            }
            named => named.to_vec(),
        };
        ran.extend(runner.run(&tables, day).await?);
        Ok(ran)
    })
    .await
}

/// Computes the named tables for a week; all weekly ones when none is named, but no second draw of a week.
pub async fn week(lake: &Lake, definitions: Definitions, tables: &[Table], week: Week) -> anyhow::Result<Vec<Ran>> {
    ensure_begun(week.monday(), Clock::System)?;
    let mut runner = Runner::new(lake.clone(), definitions, Clock::System);
    lake.alone(async {
        let mut tables = tables.to_vec();
        if tables.is_empty() {
            tables = weekly(runner.definitions());
            if super::precision::is_drawn(&mut runner, week).await? {
                tables.retain(|table| *table != Table::REVIEW_SAMPLE);
            }
        }
        runner.run(&tables, week.monday()).await
    })
    .await
}

/// Fails where a window is still to come: nothing is known of it, and it would be the newest that was computed or decided
/// until then.
pub(super) fn ensure_begun(from: Day, clock: Clock) -> anyhow::Result<()> {
    ensure!(from.starts_at() <= clock.now(), "{from} has not begun; is the date as it was meant?");
    Ok(())
}

/// The daily tables that do not wait for `decide`.
pub fn daily(definitions: &Definitions) -> anyhow::Result<Vec<Table>> {
    let behind = graph::after_decision(definitions)?;
    let is_daily = |table: &Table| !weekly(definitions).contains(table) && *table != Table::DECISION;
    Ok(definitions.all.keys().copied().filter(|table| is_daily(table) && !behind.contains(table)).collect())
}

/// The daily tables that `decide` computes behind itself.
pub fn behind_decision(definitions: &Definitions) -> anyhow::Result<Vec<Table>> {
    let weekly = weekly(definitions);
    Ok(graph::after_decision(definitions)?.into_iter().filter(|table| !weekly.contains(table)).collect())
}

fn weekly(definitions: &Definitions) -> Vec<Table> {
    let any_day = Day::from_epoch_days(0);
    let is_weekly = |table: &Table| matches!(window(&definitions.all[table], any_day), Window::Week(_));
    definitions.all.keys().copied().filter(is_weekly).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::run::folder;

    #[tokio::test]
    async fn a_window_that_has_not_begun_is_not_computed() {
        let monday: Day = "2025-01-06".parse().unwrap();
        ensure_begun(monday, Clock::Fixed(monday.starts_at())).unwrap();
        ensure_begun(monday, Clock::Fixed(monday.starts_at() - 1)).unwrap_err();
        let place = tempfile::tempdir().unwrap();
        let lake = Lake::local(place.path()).unwrap();
        let (ours, slip) = (Definitions::read(&folder(None)).unwrap(), "2925-01-06".parse::<Day>().unwrap());
        for refused in [
            day(&lake, ours.clone(), &[], slip).await.unwrap_err(),
            week(&lake, ours.clone(), &[], slip.week()).await.unwrap_err(),
            crate::job::decide::day(&lake, ours, slip, None).await.unwrap_err(),
        ] {
            assert!(refused.to_string().ends_with("has not begun; is the date as it was meant?"), "{refused:#}");
        }
        assert!(lake.find(Table::PIPELINE_RUN).await.unwrap().is_none());
    }
}
