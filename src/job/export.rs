//! `export`: what has to be computed before anything leaves, and the regulator's package of a week.
//!
//! In: `regulator_week`, and what `pipeline_run` says. Out: a published folder. Never: computes; an empty day is an empty
//! list, a day that was not decided is an error.

use std::path::Path;

use anyhow::Context;
use arrow::array::RecordBatch;

use super::package::{Order, Packaged};
use crate::clock::Clock;
use crate::domain::day::{Day, Week};
use crate::export::sign::SecretKey;
use crate::lake::Lake;
use crate::pipeline::definition::Definitions;
use crate::schema::contract::Table;

/// A week's input is not complete: exit code 4.
#[derive(Debug, thiserror::Error)]
#[error("the input of {week} is not complete, so nothing leaves for the regulator: {}", .reasons.join("; "))]
pub struct Incomplete {
    /// The week.
    pub week: Week,
    /// What is missing.
    pub reasons: Vec<String>,
}

/// The rows of a day's table that `decide` computes; a day that it has not is an error.
pub(super) async fn computed_rows(lake: &Lake, table: Table, day: Day) -> anyhow::Result<Vec<RecordBatch>> {
    let decided = lake.find(Table::PIPELINE_RUN).await?.context("nothing has been computed yet")?;
    let ran = computed(&decided.day(day).await?, table)?;
    anyhow::ensure!(ran, "{table} of {day} has not been computed; `callsieve decide --day {day}` does");
    lake.find(table).await?.with_context(|| format!("table {table} does not exist"))?.day(day).await
}

/// Publishes `OUT/RECIPIENT/WEEK`, once the week is as complete as `decide` wants its days.
pub async fn regulator(
    lake: &Lake,
    definitions: &Definitions,
    out: &Path,
    (week, recipient): (Week, &str),
    key: Option<&SecretKey>,
) -> anyhow::Result<Packaged> {
    let order = Order::new(definitions, week, recipient)?;
    let decided = lake.find(Table::PIPELINE_RUN).await?.context("nothing has been computed yet")?;
    let ran = computed(&decided.day(week.monday()).await?, Table::REGULATOR_WEEK)?;
    anyhow::ensure!(ran, "the list of {week} has not been computed; `callsieve run --week {week}` does");
    let complete_at = week.monday().plus(7).starts_at() + super::decide::lateness_us(definitions)?;
    let reasons = super::ledger::open_reasons(lake, complete_at).await?;
    if !reasons.is_empty() {
        return Err(Incomplete { week, reasons }.into());
    }
    super::package::publish(lake, &order, out, key, Clock::System).await
}

/// Whether a table is among what was computed.
pub(super) fn computed(runs: &[RecordBatch], table: Table) -> anyhow::Result<bool> {
    use crate::schema::column::pipeline_run::TABLE_NAME;
    for batch in runs {
        if TABLE_NAME.of(batch)?.iter().flatten().any(|name| name == table.name()) {
            return Ok(true);
        }
    }
    Ok(false)
}
