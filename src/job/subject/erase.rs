//! `subject erase`: what the holder of a number may have taken out of the lake, within what has to stay.
//!
//! In: a number, a request, and what the contracts let go. Out: tables with as many rows as before, in which the
//! person's cells are empty, and for every table that names the number why its rows stay. Never: removes a row, which
//! the ledger would miss; touches a row of another holder's time, or anything that the audit trail does not say to be
//! begun; makes versions of before unreadable ahead of `maintain`.
//!
//! The trail says first what goes and what is built again; then cells are emptied, a day at a time; then what copies
//! them is built again; then the trail says that it is done. Whatever is cut off on this way is done by the next run.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use futures::{StreamExt, TryStreamExt};
use serde::Serialize;

use super::blank::{Blank, holders};
use super::columns;
use super::tenure::Tenure;
use crate::clock::Clock;
use crate::domain::day::{Day, instant};
use crate::domain::number::Number;
use crate::export::dossier::check_reference;
use crate::job::desk::Desk;
use crate::job::desk::erasure::Begun;
use crate::job::export::refuse_shadow;
use crate::lake::{Handle, Lake};
use crate::pipeline::definition::{Definitions, Window};
use crate::pipeline::run::Runner;
use crate::pipeline::{graph, session};
use crate::schema::contract::{Contract, Pii, Table};

/// What was not looked at.
const NOT_SEARCHED: &str = "A text in which somebody else names the number, a message that was refused (table reject), \
    a dossier's folder that was delivered (table delivery), candidates' lakes, folders that were published or delivered, \
    and the topics themselves are not searched. The audit trail and the desk's words stay. A table's log shows the least \
    and greatest values of the files of before for 60 days, until its next checkpoint behind them.";

/// Who asks, and in whose name it is done.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Whose number.
    pub number: Number,
    /// A day on which it was the asker's; the present holder's where none is named.
    pub held_on: Option<Day>,
    /// Reference of the request.
    pub case: &'a str,
    /// User of the desk.
    pub by: &'a str,
    /// Whether nothing is changed, or asked of a second person.
    pub is_dry_run: bool,
    /// Days for which `maintain` lets versions of before be read.
    pub keep_files_days: u32,
}

/// What was done, or would be.
#[derive(Debug, Serialize)]
pub struct Erased {
    /// Masked.
    pub number: String,
    /// Activation of the subscription that asks; null where none of the number is known, so that nothing is anybody's.
    pub activated_at: Option<String>,
    /// Nothing was written.
    pub is_dry_run: bool,
    /// Whether a cell was emptied or a partition built again, or would be.
    pub is_changed: bool,
    /// Every table that names the number in the subscription's time.
    pub tables: BTreeMap<&'static str, Found>,
    /// Partitions that were built again since they copy what went, by table.
    pub rebuilt: BTreeMap<String, BTreeSet<Day>>,
    /// First day on which `maintain` deletes the files of before; until then old versions can be read.
    pub readable_until: Option<Day>,
    /// What was not looked at.
    pub not_searched: &'static str,
    /// Its row of the audit trail.
    pub audit: Option<i64>,
}

/// What a table holds of a number.
#[derive(Debug, Serialize)]
pub struct Found {
    /// Rows that name it.
    pub rows: u64,
    /// Rows of which cells go.
    pub emptied: u64,
    /// Columns that may be emptied.
    pub columns: BTreeSet<&'static str>,
    /// Rows of which cells are evidence for now.
    pub waiting: u64,
    /// The day from which the last of these may go.
    pub waits_until: Option<Day>,
    /// Why the rows stay.
    pub stays: &'static str,
    /// Days after which `maintain` removes them.
    pub keep_days: u32,
    /// Rows of which cells go, by day.
    #[serde(skip)]
    days: BTreeMap<Day, u64>,
}

/// Erases what may go; a second run finds nothing left.
pub async fn erase(
    lake: &Lake,
    definitions: Definitions,
    request: &Request<'_>,
    desk: &Desk,
    clock: Clock,
) -> anyhow::Result<Erased> {
    refuse_shadow(lake)?;
    let Request { number, held_on, case, by, is_dry_run, .. } = *request;
    check_reference(case)?;
    let at = clock.now();
    let tenure = Tenure::find(lake, number, held_on, at).await?;
    let mut erased = plan(lake, &definitions, desk, &tenure, request, Day::of(at)).await?;
    if is_dry_run || !erased.is_changed {
        return Ok(erased);
    }
    let activated_at = tenure.holder.activated_at();
    let leave = desk.may_erase((by, at), number, case, activated_at).await?.map(|leave| leave.id);
    let going = erased.tables.iter().filter(|(_, found)| found.emptied > 0);
    let rows = going.map(|(table, found)| ((*table).to_owned(), found.emptied)).collect();
    let begun = Begun { case: case.to_owned(), activated_at, leave, rows, rebuilt: erased.rebuilt.clone() };
    let mut runner = Runner::new(lake.clone(), definitions, clock);
    let work = async {
        let id = desk.begin_erasure(by, at, number, &begun).await?;
        let first = desk.first_erasure(number, &tenure.holder).await?.unwrap_or(id);
        let blank = Blank { tenure: &tenure, pseudonym: Number::erased(first), today: Day::of(at) };
        for (table, found) in &erased.tables {
            empty(lake, named(table)?, blank, found).await?;
        }
        for (table, days) in &begun.rebuilt {
            for day in days {
                runner.run(&[named(table)?], *day).await?;
            }
        }
        desk.end_erasure(by, clock.now(), number, id).await?;
        Ok(id)
    };
    // Files that are joined meanwhile would bring back what was emptied, beside the rows that it was emptied in.
    erased.audit = Some(lake.alone(Box::pin(lake.rewriting(work))).await?);
    Ok(erased)
}

fn named(table: &str) -> anyhow::Result<Table> {
    table.parse().map_err(anyhow::Error::msg)
}

/// What would go on a day, with what an earlier erasure has left undone.
async fn plan(
    lake: &Lake,
    definitions: &Definitions,
    desk: &Desk,
    tenure: &Tenure,
    request: &Request<'_>,
    today: Day,
) -> anyhow::Result<Erased> {
    let Tenure { number, holder, .. } = tenure;
    let tables = look(lake, Blank { tenure, pseudonym: Number::erased(0), today }).await?;
    let mut rebuilt = copies(lake, definitions, &tables).await?;
    for (table, days) in desk.unfinished_erasure(*number).await?.map(|begun| begun.rebuilt).unwrap_or_default() {
        rebuilt.entry(table).or_default().extend(days);
    }
    let is_changed = tables.values().any(|found| found.emptied > 0) || !rebuilt.is_empty();
    let keep_days = i32::try_from(request.keep_files_days)?;
    Ok(Erased {
        number: number.to_string(),
        activated_at: holder.activated_at().map(instant),
        is_dry_run: request.is_dry_run,
        is_changed,
        tables,
        rebuilt,
        readable_until: is_changed.then(|| today.plus(keep_days)),
        not_searched: NOT_SEARCHED,
        audit: None,
    })
}

/// What every table holds of a number, and what of it goes.
async fn look(lake: &Lake, blank: Blank<'_>) -> anyhow::Result<BTreeMap<&'static str, Found>> {
    let mut tables = BTreeMap::new();
    for table in Table::all().filter(|table| columns(table.contract()).next().is_some()) {
        let Some(handle) = lake.find(table).await? else { continue };
        let found = of_table(&handle, blank).await?;
        if found.rows > 0 {
            tables.insert(table.name(), found);
        }
    }
    Ok(tables)
}

async fn of_table(handle: &Handle, blank: Blank<'_>) -> anyhow::Result<Found> {
    let (table, tenure) = (handle.table(), blank.tenure);
    let contract = table.contract();
    let mut found = Found::new(contract);
    let names: Vec<&str> = columns(contract).collect();
    let mut seen: Vec<&str> = Vec::new();
    for name in names {
        for batch in handle.rows_of(name, tenure.number, None).await? {
            found.add(&own(&batch, table, &seen, tenure)?, table, blank)?;
        }
        seen.push(name);
    }
    Ok(found)
}

/// The subscription's rows, without those that have its number in columns which were seen: by these they were found.
fn own(batch: &RecordBatch, table: Table, seen: &[&str], tenure: &Tenure) -> anyhow::Result<RecordBatch> {
    let mut is_new = tenure.owns(table, batch)?;
    for column in seen {
        for (is_new, holder) in is_new.iter_mut().zip(holders(batch, column)?) {
            *is_new &= holder != Some(tenure.number);
        }
    }
    Ok(filter_record_batch(batch, &BooleanArray::from(is_new))?)
}

impl Found {
    fn new(contract: &'static Contract) -> Self {
        let Contract { stays, keep_days, erase, .. } = contract;
        let columns = erase.iter().flat_map(|erasure| &erasure.columns).map(String::as_str).collect();
        let days = BTreeMap::new();
        Self { rows: 0, emptied: 0, columns, waiting: 0, waits_until: None, stays, keep_days: *keep_days, days }
    }

    fn add(&mut self, batch: &RecordBatch, table: Table, blank: Blank<'_>) -> anyhow::Result<()> {
        self.rows += batch.num_rows() as u64;
        if table.contract().erase.is_empty() {
            return Ok(());
        }
        let blanked = blank.of(batch, table)?;
        for row in blanked.changed() {
            self.emptied += 1;
            *self.days.entry(row.day).or_default() += 1;
        }
        let waiting = blanked.rows.iter().filter_map(|row| row.free_on);
        self.waiting += waiting.clone().count() as u64;
        self.waits_until = self.waits_until.max(waiting.max());
        Ok(())
    }
}

/// Empties a table's cells, a day at a time.
async fn empty(lake: &Lake, table: Table, blank: Blank<'_>, found: &Found) -> anyhow::Result<()> {
    if found.days.is_empty() {
        return Ok(());
    }
    // A day of calls is more than memory holds, and none of its cells that go tells where a row stands among the others.
    // Where one does, as the reported number, a day is small.
    let contract = table.contract();
    let is_moved =
        contract.erase.iter().flat_map(|erasure| &erasure.columns).any(|gone| contract.cluster.contains(gone));
    let mut handle = lake.open(table).await?;
    for day in found.days.keys() {
        handle.refresh().await?;
        let rows = session::day(&handle, *day).await?;
        let emptied = rows.map(|batch| anyhow::Ok(blank.of(&batch?, table)?.batch));
        if is_moved {
            let emptied: Vec<RecordBatch> = emptied.try_collect().await?;
            handle.replace(*day, &emptied).await?;
        } else {
            handle.replace_as_they_come(*day, emptied).await?;
        }
    }
    Ok(())
}

/// Partitions of tables with a text of their own that are computed from what goes: they may hold it as well.
async fn copies(
    lake: &Lake,
    definitions: &Definitions,
    tables: &BTreeMap<&'static str, Found>,
) -> anyhow::Result<BTreeMap<String, BTreeSet<Day>>> {
    let mut copies: BTreeMap<String, BTreeSet<Day>> = BTreeMap::new();
    for (table, definition) in &definitions.all {
        let holds_text = table.contract().columns.iter().any(|column| column.pii == Some(Pii::Text));
        let Some(handle) = lake.find(*table).await?.filter(|_| holds_text) else { continue };
        let computed = handle.days().await?;
        for read in graph::reads(definition)? {
            let days = tables.get(read.table.name()).into_iter().flat_map(|found| found.days.keys());
            let partitions = days.map(|day| Window::of(*table, *day).partition());
            let stale: BTreeSet<Day> = partitions.filter(|day| computed.contains(day)).collect();
            if !stale.is_empty() {
                copies.entry(table.to_string()).or_default().extend(stale);
            }
        }
    }
    Ok(copies)
}

impl Erased {
    /// For people.
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        for (table, found) in &self.tables {
            let Found { rows, emptied, columns, waiting, waits_until, stays, keep_days, .. } = found;
            lines.push(format!("{table}: {rows} rows stay for {keep_days} days. {stays}"));
            let names = columns.iter().copied().collect::<Vec<_>>().join(", ");
            if *emptied > 0 {
                lines.push(format!("  {emptied} rows emptied, of {names}"));
            }
            if let Some(day) = waits_until {
                lines.push(format!(
                    "  {waiting} rows keep some of these as evidence, the last until {day}: ask again then"
                ));
            }
        }
        for (table, days) in &self.rebuilt {
            lines.push(format!("{table}: {} partitions built again from what is left", days.len()));
        }
        if let Some(day) = self.readable_until {
            lines.push(format!("Versions of before can be read until callsieve maintain runs on {day} or later."));
        }
        lines.push(match &self.activated_at {
            Some(at) => format!("Only rows of the subscription activated at {at} are looked at."),
            None => "No subscription of the number is known: none of its rows is known to be the asker's.".to_owned(),
        });
        lines.push(self.not_searched.to_owned());
        let verdict = match (self.is_changed, self.is_dry_run) {
            (false, _) => "nothing to erase",
            (true, true) => "would be erased (dry run, nothing is written)",
            (true, false) => "erased",
        };
        lines.push(format!("{}: {verdict}", self.number));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests;
