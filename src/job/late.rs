//! Days that records have reached since they were computed.
//!
//! In: the accounts of record tables, and which versions of them each day was built from. Out: the days to build
//! again. Never: asks a clock; a record is late when its day was built before it came.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;

use crate::domain::day::Day;
use crate::lake::Lake;
use crate::lake::ledger::Books;
use crate::pipeline::run::{Ran, Runner};
use crate::schema::column::pipeline_run as column;
use crate::schema::contract::Table;

/// Tables of records, and of the events that are folded from them.
pub const FOLDS: [(Table, Table); 2] = [(Table::CALL_RECORD, Table::CALL_EVENT), (Table::SMS_RECORD, Table::SMS_EVENT)];

/// What follows from events day by day, each with all that was before it.
const BEHIND: [Table; 2] = [Table::CONTACT_DAY, Table::CALLER_DAY];

/// Builds the days before `until` again that records have reached since, and what follows from them.
pub async fn restate(runner: &mut Runner, until: Day) -> anyhow::Result<Vec<Ran>> {
    let mut ran = Vec::new();
    let mut earliest = until;
    for (records, events) in FOLDS {
        for day in days(runner.lake(), records, events).await?.into_iter().filter(|day| *day < until) {
            ran.extend(runner.run(&[events], day).await?);
            earliest = earliest.min(day);
        }
    }
    if earliest < until {
        tracing::info!(%earliest, %until, "records came late, restating");
    }
    let mut computed = BTreeSet::new();
    if let Some(contacts) = runner.newest(Table::CONTACT_DAY).await? {
        computed = contacts.days().await?;
    }
    for day in computed.range(earliest..until) {
        ran.extend(runner.run(&BEHIND, *day).await?);
    }
    Ok(ran)
}

/// Days whose events were built before some of their records came; a pair may lie across midnight, so a day is
/// reached by its neighbours' records too.
pub async fn days(lake: &Lake, records: Table, events: Table) -> anyhow::Result<BTreeSet<Day>> {
    let Some(table) = lake.find(records).await? else { return Ok(BTreeSet::new()) };
    let mut books = Books::open(lake).await?;
    books.settle(&table).await?;
    let mut newest: BTreeMap<Day, i64> = BTreeMap::new();
    for entry in books.entries(records).await? {
        let Some(version) = entry.table_version else { continue };
        for day in entry.account.days.keys().flat_map(|day| [day.plus(-1), *day, day.plus(1)]) {
            let newest = newest.entry(day).or_insert(version);
            *newest = version.max(*newest);
        }
    }
    let built = built_from(lake, records, events).await?;
    let is_late = |day: &Day| newest.get(day).is_some_and(|newest| *newest > built[day]);
    Ok(built.keys().copied().filter(is_late).collect())
}

/// The version of the records that each day of events was last built from.
async fn built_from(lake: &Lake, records: Table, events: Table) -> anyhow::Result<BTreeMap<Day, i64>> {
    let Some(runs) = lake.find(Table::PIPELINE_RUN).await? else { return Ok(BTreeMap::new()) };
    let columns = [column::DAY.name, column::INPUTS.name];
    let mut built: BTreeMap<Day, i64> = BTreeMap::new();
    for batch in runs.rows_with(column::TABLE_NAME.name, events.name(), &columns).await? {
        let (days, inputs) = (column::DAY.of(&batch)?, column::INPUTS.of(&batch)?);
        for row in 0..batch.num_rows() {
            let versions: BTreeMap<String, i64> =
                serde_json::from_str(inputs.value(row)).context("reading the inputs of a pipeline_run row")?;
            // A day that was built before there was a table of records was built from nothing.
            let version = versions.get(records.name()).copied().unwrap_or(-1);
            let newest = built.entry(Day::from_epoch_days(days.value(row))).or_insert(version);
            *newest = version.max(*newest);
        }
    }
    Ok(built)
}
