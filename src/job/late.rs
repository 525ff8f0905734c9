//! What came late, and what follows from it.
//!
//! In: the accounts of ingested tables, and which versions every run read and wrote. Out: days built again, and why a
//! day may not be decided yet. Never: asks a clock: a day is stale when something that it was built from has become
//! newer since; edits what was decided or sent out.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::ledger::{self, Entries};
use super::route::{Routes, routes};
use crate::domain::day::Day;
use crate::pipeline::definition::{Definition, Definitions, Select, Window};
use crate::pipeline::graph::{self, Read};
use crate::pipeline::run::{Ran, Runner, made_from};
use crate::schema::column::pipeline_run as column;
use crate::schema::contract::Table;

/// Tables of records, and of the events that are folded from them.
pub const FOLDS: [(Table, Table); 2] = [(Table::CALL_RECORD, Table::CALL_EVENT), (Table::SMS_RECORD, Table::SMS_EVENT)];

/// What restating did.
#[derive(Debug, Default)]
pub struct Restated {
    /// Partitions written.
    pub ran: Vec<Ran>,
    /// Days too far back: their events are new, and what follows from them is not.
    pub left: BTreeSet<Day>,
    /// Days that are told differently now than in a list that was made of them.
    pub exported: BTreeSet<Day>,
    /// Days of which other operators would get to know something else now about their numbers. No table says whether
    /// they have been told of them.
    pub routed: BTreeSet<Day>,
}

/// Builds the days before `until` again that something reached since they were built, and what follows from them; a
/// week's state is built again behind its last day, and never while the week goes on.
///
/// Every partition is noted before the next is begun, and what is stale is read from those notes alone, so whatever a
/// killed run leaves is stale to the next one.
pub async fn restate(runner: &mut Runner, until: Day) -> anyhow::Result<Restated> {
    let chain = chain(runner.definitions())?;
    let from = followed_from(runner.definitions(), until)?;
    let books = ledger::books(runner).await?;
    let mut versions = Versions::read(runner, &books).await?;
    // The same without what records of a neighbouring day did: they complete a call across midnight, every night.
    let mut changed = versions.clone();
    let mut restated = Restated::default();
    for (day, computed) in versions.built(&chain, until) {
        if !versions.is_stale(computed, day) {
            continue;
        }
        if day < from && !computed.is_event() && !computed.is_state() {
            restated.left.insert(day);
            continue;
        }
        let is_changed = changed.is_stale(&computed.without_neighbours(), day);
        let told = routed(runner, computed, day).await?;
        for ran in runner.run(&[computed.table], day).await? {
            versions.note(&ran);
            if is_changed {
                changed.note(&ran);
            }
            restated.ran.push(ran);
        }
        if is_changed && !computed.is_state() && changed.is_listed(day) {
            restated.exported.insert(day);
        }
        if routed(runner, computed, day).await? != told {
            restated.routed.insert(day);
        }
    }
    restated.tell();
    Ok(restated)
}

/// What other operators get to know by a day of `report_check`; by any other table nothing.
async fn routed(runner: &mut Runner, computed: &Computed, day: Day) -> anyhow::Result<Routes> {
    if computed.table != Table::REPORT_CHECK {
        return Ok(Routes::new());
    }
    match runner.newest(Table::REPORT_CHECK).await? {
        Some(checks) => Ok(routes(checks, day).await?.0),
        None => Ok(Routes::new()),
    }
}

/// Computes a day's candidates again when answers or changes of subscriptions have come since that they would have
/// counted: a no speaks for somebody, and a new holder answers for nothing of the last one's.
///
/// Some come at any hour, so that whoever waited for none would never decide; candidates alone are soon computed.
pub(super) async fn renew(runner: &mut Runner, versions: &mut Versions, day: Day) -> anyhow::Result<Vec<Ran>> {
    let rows = behind_candidates(versions, runner.definitions(), day)?;
    if rows == 0 {
        return Ok(Vec::new());
    }
    tracing::info!(%day, rows, "answers or subscriptions came late, candidates are computed again");
    let renewed = runner.run(&[Table::BLOCK_CANDIDATE], day).await?;
    for ran in &renewed {
        versions.forget(ran.table, ran.day);
    }
    Ok(renewed)
}

/// How many rows have come since a day's candidates were computed for which they are computed again.
pub(super) fn behind_candidates(versions: &Versions, definitions: &Definitions, day: Day) -> anyhow::Result<u64> {
    let candidates = Computed::of(definitions.get(Table::BLOCK_CANDIDATE)?)?;
    Ok(versions.rows_since(&candidates, day))
}

/// Why a day's candidates do not say all that is known, though the day is read to its end; empty when they do.
///
/// Reports are not waited for: one that is missing bars nobody.
pub(super) fn open_reasons(
    versions: &Versions,
    definitions: &Definitions,
    decided: Day,
) -> anyhow::Result<Vec<String>> {
    let tolerated = definitions.get(Table::DECISION)?.integer("late_records_per_thousand")?;
    let tolerated = u64::try_from(tolerated)?;
    // What no verdict follows from, as breaches of the rules for advertising, holds none up.
    let followed = graph::behind_verdicts(definitions)?;
    let chain = chain(definitions)?.into_iter().filter(|computed| followed.contains(&computed.table));
    let chain: Vec<Computed> = chain.collect();
    let candidates = Computed::of(definitions.get(Table::BLOCK_CANDIDATE)?)?;
    let mut reasons = Vec::new();
    for day in followed_from(definitions, decided)?.until(decided.plus(1)) {
        for (records, events) in FOLDS {
            let (late, all) = versions.late_rows(records, events, day);
            if late * 1_000 > all * tolerated {
                reasons.push(format!(
                    "records of {day} came after its events were built: {late} of {all} of {records}; \
                     callsieve run --day {decided}"
                ));
            }
        }
        let judged = (day == decided).then_some(&candidates);
        // No day has asked yet for the state of a week that is not over.
        let asked = chain.iter().filter(|computed| !computed.is_state() || computed.last(day) < decided);
        let outdated = asked.chain(judged).filter(|computed| versions.is_outdated(computed, day));
        let outdated: Vec<&str> = outdated.map(|computed| computed.table.name()).collect();
        if !outdated.is_empty() {
            reasons.push(format!(
                "{} of {day}: older than what it is built from; callsieve run --day {decided}",
                outdated.join(", ")
            ));
        }
    }
    // What was tried on the live lake, or was built before the rules were changed, is not what these would say.
    let mut others = Vec::new();
    for computed in chain.iter().filter(|computed| !computed.is_state()).chain([&candidates]) {
        if versions.is_by_others(definitions.get(computed.table)?, decided) {
            others.push(computed.table.name());
        }
    }
    if !others.is_empty() {
        reasons.push(format!(
            "{} of {decided}: computed by other definitions than these; callsieve run --day {decided}",
            others.join(", ")
        ));
    }
    Ok(reasons)
}

impl Restated {
    fn tell(&self) {
        if let Some(first) = self.ran.iter().map(|ran| ran.day).min() {
            tracing::info!(%first, partitions = self.ran.len(), "records came late, days were built again");
        }
        if !self.left.is_empty() {
            tracing::warn!(days = words(&self.left), "too far back, features stay as they are until a day is named");
        }
        if !self.exported.is_empty() {
            tracing::warn!(days = words(&self.exported), "restated after export");
        }
        if !self.routed.is_empty() {
            tracing::warn!(days = words(&self.routed), "routes restated, export those again that have left");
        }
    }
}

/// Days as a log names them.
pub(super) fn words(days: &BTreeSet<Day>) -> String {
    days.iter().map(Day::to_string).collect::<Vec<_>>().join(" ")
}

/// The first day whose features are built again for the sake of a later one.
pub(super) fn followed_from(definitions: &Definitions, day: Day) -> anyhow::Result<Day> {
    let days = definitions.get(Table::DECISION)?.integer("restate_days")?;
    Ok(day.plus(-i32::try_from(days)?))
}

/// A computed table, with what its definition reads and how many days around the computed ones.
#[derive(Debug, Clone)]
pub(super) struct Computed {
    table: Table,
    reads: BTreeSet<Read>,
    /// Days of a partition: one, or seven.
    span: i32,
    before: i32,
    after: i32,
    keep_days: i32,
}

/// The tables that measure a day or keep a week's state, each behind what it reads; those that decide and send out stay
/// as they were.
fn chain(definitions: &Definitions) -> anyhow::Result<Vec<Computed>> {
    let behind = graph::after_decision(definitions)?;
    let mut chain = Vec::new();
    for table in graph::order(definitions)?.into_iter().filter(|table| !behind.contains(table)) {
        let definition = definitions.get(table)?;
        if definition.stage != "decide" {
            chain.push(Computed::of(definition)?);
        }
    }
    Ok(chain)
}

impl Computed {
    /// Its widest parameter is taken for all that it reads: a day too many is built again, none is forgotten.
    pub(super) fn of(definition: &Definition) -> anyhow::Result<Self> {
        let names = definition.select.as_ref().map(Select::parameters).unwrap_or_default();
        let days_before = definition.facts.param.values().filter_map(|param| param.days_before).max();
        let (from, until) = Window::of(definition.table, Day::from_epoch_days(0)).bounds();
        Ok(Self {
            table: definition.table,
            reads: graph::reads(definition)?,
            span: until.epoch_days() - from.epoch_days(),
            before: days_before.unwrap_or_default().max(i32::from(names.contains("day_before"))),
            after: i32::from(names.contains("day_after")),
            keep_days: i32::try_from(definition.table.contract().keep_days)?,
        })
    }

    /// The partitions of another table that it reads for a partition of its own.
    pub(super) fn days(&self, read: Read, day: Day) -> Range<Day> {
        let partition = |day| Window::of(read.table, day).partition();
        let (from, until) = match read.before {
            true => (Day::from_epoch_days(i32::MIN), partition(day)),
            false => (partition(day.plus(-self.before)), day.plus(self.span + self.after)),
        };
        from..until
    }

    /// The last day of a partition: it is built behind the other tables of that day.
    fn last(&self, day: Day) -> Day {
        day.plus(self.span - 1)
    }

    fn is_event(&self) -> bool {
        FOLDS.iter().any(|(_, events)| *events == self.table)
    }

    /// Whether it says of a week what later days ask. However far back, it follows from its days: the day that was
    /// built again is either near, or somebody named it.
    fn is_state(&self) -> bool {
        self.span > 1
    }

    /// The same, but events of the day's own records alone.
    fn without_neighbours(&self) -> Self {
        if self.is_event() { Self { before: 0, after: 0, ..self.clone() } } else { self.clone() }
    }
}

/// Which versions hold what of each day, and which of them each day was built from.
#[derive(Debug, Clone)]
pub(super) struct Versions {
    /// What ingest brought of each day.
    came: BTreeMap<Table, BTreeMap<Day, Vec<Came>>>,
    /// The newest run of each day.
    runs: BTreeMap<Table, BTreeMap<Day, Run>>,
}

#[derive(Debug, Clone, Copy)]
struct Came {
    version: i64,
    rows: u64,
}

#[derive(Debug, Clone)]
struct Run {
    output: i64,
    /// Tables read, by name, with their versions.
    inputs: BTreeMap<String, i64>,
    /// Hash of the definition that it ran.
    definition: String,
}

impl Versions {
    /// By books that were read just now, and by all runs.
    pub(super) async fn read(runner: &mut Runner, books: &Entries) -> anyhow::Result<Self> {
        Ok(Self { came: came(books), runs: runs(runner).await? })
    }

    /// Every partition that has been computed, is over before `until` and still kept, in the order of their last days,
    /// and those of one day in the order of their tables.
    fn built<'a>(&self, chain: &'a [Computed], until: Day) -> Vec<(Day, &'a Computed)> {
        let mut built = Vec::new();
        for computed in chain {
            let Some(runs) = self.runs.get(&computed.table) else { continue };
            let kept = runs.range(until.plus(-computed.keep_days)..).map(|(day, _)| *day);
            built.extend(kept.filter(|day| computed.last(*day) < until).map(|day| (day, computed)));
        }
        built.sort_by_key(|(day, computed)| computed.last(*day));
        built
    }

    fn run(&self, table: Table, day: Day) -> Option<&Run> {
        self.runs.get(&table)?.get(&day)
    }

    fn is_stale(&self, computed: &Computed, day: Day) -> bool {
        self.is_reached(computed, day) || self.is_outdated(computed, day)
    }

    /// Whether rows came since a day was built, of the days that it was built from.
    fn is_reached(&self, computed: &Computed, day: Day) -> bool {
        let Some(run) = self.run(computed.table, day) else { return false };
        computed.reads.iter().any(|read| {
            let known = run.known(read.table);
            let days = self.came.get(&read.table).into_iter().flat_map(|came| came.range(computed.days(*read, day)));
            days.flat_map(|(_, came)| came).any(|came| came.version > known)
        })
    }

    /// Whether a table has been computed anew since a day was built, for the days that it was built from.
    fn is_outdated(&self, computed: &Computed, day: Day) -> bool {
        let Some(run) = self.run(computed.table, day) else { return false };
        computed.reads.iter().any(|read| {
            // A rule that has begun to read another table makes nothing stale that was built by the rule before it.
            let Some(known) = run.inputs.get(read.table.name()) else { return false };
            let days = self.runs.get(&read.table).into_iter().flat_map(|runs| runs.range(computed.days(*read, day)));
            days.map(|(_, run)| run.output).any(|output| output > *known)
        })
    }

    /// Whether a day was computed by another definition of its table.
    fn is_by_others(&self, definition: &Definition, day: Day) -> bool {
        self.run(definition.table, day).is_some_and(|run| !definition.is_of(&run.definition))
    }

    /// Rows of a day that came since its events were built, and all that came.
    fn late_rows(&self, records: Table, events: Table, day: Day) -> (u64, u64) {
        let came = self.came.get(&records).and_then(|came| came.get(&day));
        let (Some(came), Some(run)) = (came, self.run(events, day)) else { return (0, 0) };
        let known = run.known(records);
        let late = came.iter().filter(|came| came.version > known);
        (late.map(|came| came.rows).sum(), came.iter().map(|came| came.rows).sum())
    }

    /// How many rows came since a day was computed, of that day or any before it, of the tables that it reads. Other
    /// than features, evidence asks of a row no more than that it is not of a later day.
    fn rows_since(&self, computed: &Computed, day: Day) -> u64 {
        let Some(run) = self.run(computed.table, day) else { return 0 };
        let mut rows = 0;
        for read in &computed.reads {
            let known = run.known(read.table);
            let days = self.came.get(&read.table).into_iter().flat_map(|came| came.range(..=day));
            let late = days.flat_map(|(_, came)| came).filter(|came| came.version > known);
            rows += late.map(|came| came.rows).sum::<u64>();
        }
        rows
    }

    /// Whether a list has been made of a day for the network, or of its week for the regulator.
    fn is_listed(&self, day: Day) -> bool {
        let of_week = self.run(Table::REGULATOR_WEEK, day.week().monday());
        self.run(Table::BLOCKLIST_DAY, day).is_some() || of_week.is_some()
    }

    /// What is built behind a day reads its new version.
    fn note(&mut self, ran: &Ran) {
        if let Some(run) = self.runs.get_mut(&ran.table).and_then(|runs| runs.get_mut(&ran.day)) {
            run.output = ran.version;
        }
    }

    /// What was computed just now is older than nothing.
    pub(super) fn forget(&mut self, table: Table, day: Day) {
        if let Some(runs) = self.runs.get_mut(&table) {
            runs.remove(&day);
        }
    }
}

impl Run {
    /// The version of a table of records that it read; what was built before there was one was built from nothing.
    fn known(&self, records: Table) -> i64 {
        self.inputs.get(records.name()).copied().unwrap_or(-1)
    }
}

/// What each commit has brought of each day, by table.
fn came(books: &Entries) -> BTreeMap<Table, BTreeMap<Day, Vec<Came>>> {
    let mut all: BTreeMap<Table, BTreeMap<Day, Vec<Came>>> = BTreeMap::new();
    for (table, entries) in books {
        let came = all.entry(*table).or_default();
        for entry in entries {
            let Some(version) = entry.table_version else { continue };
            for (day, rows) in &entry.account.days {
                came.entry(*day).or_default().push(Came { version, rows: *rows });
            }
        }
    }
    all
}

/// The newest run of each table and day.
async fn runs(runner: &mut Runner) -> anyhow::Result<BTreeMap<Table, BTreeMap<Day, Run>>> {
    let mut all: BTreeMap<Table, BTreeMap<Day, Run>> = BTreeMap::new();
    let Some(runs) = runner.newest(Table::PIPELINE_RUN).await? else { return Ok(all) };
    let columns = [
        column::DAY.name,
        column::TABLE_NAME.name,
        column::DEFINITION_HASH.name,
        column::INPUTS.name,
        column::OUTPUT_VERSION.name,
    ];
    for batch in runs.rows(vec![], &columns).await? {
        let (days, names) = (column::DAY.of(&batch)?, column::TABLE_NAME.of(&batch)?);
        let (inputs, outputs) = (column::INPUTS.of(&batch)?, column::OUTPUT_VERSION.of(&batch)?);
        let hashes = column::DEFINITION_HASH.of(&batch)?;
        for row in 0..batch.num_rows() {
            // A table that has no contract any more follows from nothing.
            let Ok(table) = names.value(row).parse::<Table>() else { continue };
            let (day, output) = (Day::from_epoch_days(days.value(row)), outputs.value(row));
            let of_table = all.entry(table).or_default();
            if of_table.get(&day).is_none_or(|known| known.output < output) {
                let inputs = made_from(inputs.value(row))?;
                of_table.insert(day, Run { output, inputs, definition: hashes.value(row).to_owned() });
            }
        }
    }
    Ok(all)
}
