//! Runs definitions against the lake.
//!
//! In: a window and the tables to compute. Out: their partitions, written whole, and those of earlier weeks that they
//! follow from and that nobody has computed; a row of `pipeline_run` for each with everything needed to derive it
//! again; a warning when days of a longer window are missing. Never: appends to a partition; a second run changes
//! nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use anyhow::{Context, ensure};
use arrow::array::RecordBatch;
use futures::StreamExt;

use super::check;
use super::definition::{Definition, Definitions, Window};
use super::session::Footers;
use super::{graph, part, session};
use crate::clock::{Clock, Stopwatch};
use crate::domain::day::Day;
use crate::lake::replace::Replaced;
use crate::lake::{Handle, Lake};
use crate::schema::column::caller_week;
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;

/// What one definition did.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Table written.
    pub table: Table,
    /// Partition written.
    pub day: Day,
    /// Rows in it.
    pub rows: u64,
    /// Those among them that say of themselves that days are missing.
    pub incomplete: u64,
    /// Version of the table that holds them.
    pub version: i64,
    /// Milliseconds that it took.
    pub took_ms: u64,
}

/// When a computation began, and what it has read.
#[derive(Debug)]
pub struct Began {
    /// UTC microseconds.
    pub at: i64,
    /// Tables read, with their versions.
    pub inputs: BTreeMap<&'static str, i64>,
    watch: Stopwatch,
}

impl Began {
    /// Just now, with nothing read yet.
    pub fn now(clock: Clock) -> Self {
        Self { at: clock.now(), inputs: BTreeMap::new(), watch: Stopwatch::start() }
    }
}

/// The tables that a row of `pipeline_run` was made from, with their versions, as its `inputs` say.
pub fn made_from(inputs: &str) -> anyhow::Result<BTreeMap<String, i64>> {
    serde_json::from_str(inputs).context("reading the inputs of a pipeline_run row")
}

/// A lake and its definitions, with the tables that have been opened.
#[derive(Debug)]
pub struct Runner {
    lake: Lake,
    /// The lake of all tables that are read and never written; `None` when one lake holds all.
    beside: Option<Beside>,
    definitions: Definitions,
    clock: Clock,
    handles: HashMap<Table, Handle>,
    /// What the sessions of its definitions know of files: most are read by several.
    footers: Footers,
    runs: Sheet,
}

/// Another lake, and the tables that are not read from it.
#[derive(Debug)]
struct Beside {
    lake: Lake,
    own: BTreeSet<Table>,
}

impl Runner {
    /// A runner; nothing is opened yet.
    pub fn new(lake: Lake, definitions: Definitions, clock: Clock) -> Self {
        let runs = Sheet::new(Table::PIPELINE_RUN.contract());
        let (handles, footers) = (HashMap::new(), Footers::default());
        Self { lake, beside: None, definitions, clock, handles, footers, runs }
    }

    /// A runner that has some tables of its own in one lake, and reads all others from another, each at the version that
    /// it finds first or is told to read; that lake is never written.
    pub fn beside(lake: Lake, other: Lake, own: BTreeSet<Table>, definitions: Definitions, clock: Clock) -> Self {
        let own = own.into_iter().chain([Table::PIPELINE_RUN]).collect();
        Self { beside: Some(Beside { lake: other, own }), ..Self::new(lake, definitions, clock) }
    }

    /// The lake that a table is only read from.
    fn other(&self, table: Table) -> Option<&Lake> {
        self.beside.as_ref().filter(|beside| !beside.own.contains(&table)).map(|beside| &beside.lake)
    }

    /// The lake that it runs on.
    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    /// The definitions that it runs.
    pub fn definitions(&self) -> &Definitions {
        &self.definitions
    }

    /// Computes tables for a day, in the order of their dependencies, and before them what they miss.
    pub async fn run(&mut self, tables: &[Table], day: Day) -> anyhow::Result<Vec<Ran>> {
        let mut ran = Vec::new();
        for table in graph::order(&self.definitions)?.into_iter().filter(|table| tables.contains(table)) {
            for (state, week) in self.missing(table, day).await? {
                ran.push(self.run_one(state, week).await.with_context(|| format!("computing {state} for {week}"))?);
                // It is there from now on, so it must be known from what it was built, even if this run is killed.
                self.note_runs().await?;
            }
            ran.push(self.run_one(table, day).await.with_context(|| format!("computing {table} for {day}"))?);
        }
        self.note_runs().await?;
        Ok(ran)
    }

    /// Of the weekly tables whose `_before` a table reads, the weeks before the one of a day that nobody has computed.
    ///
    /// So a week's state is computed when it is over, by the first day behind it that asks for it.
    async fn missing(&mut self, table: Table, day: Day) -> anyhow::Result<Vec<(Table, Day)>> {
        let mut missing = Vec::new();
        for read in graph::reads(self.definitions.get(table)?)?.into_iter().filter(|read| read.before) {
            if let Window::Week(monday) = Window::of(read.table, day) {
                let weeks = self.missing_weeks(read.table, monday.plus(-7)).await?;
                missing.extend(weeks.into_iter().map(|week| (read.table, week)));
            }
        }
        Ok(missing)
    }

    /// The Mondays up to `last` that follow the newest week of a table, or the first day of the tables that it reads.
    async fn missing_weeks(&mut self, table: Table, last: Day) -> anyhow::Result<Vec<Day>> {
        let computed = self.partitions(table).await?;
        let mut first = computed.range(..=last).next_back().map(|monday| monday.plus(7));
        if first.is_none() {
            for read in graph::reads(self.definitions.get(table)?)?.into_iter().filter(|read| !read.before) {
                let days = self.partitions(read.table).await?;
                first = first.into_iter().chain(days.first().map(|day| day.week().monday())).min();
            }
        }
        Ok(first.map(|first| first.until(last.plus(1)).step_by(7).collect()).unwrap_or_default())
    }

    /// The partitions that a table has rows of.
    async fn partitions(&mut self, table: Table) -> anyhow::Result<BTreeSet<Day>> {
        match self.newest(table).await? {
            Some(handle) if !table.contract().partition.is_empty() => handle.days().await,
            _ => Ok(BTreeSet::new()),
        }
    }

    /// Computes the partition of a table that a day lies in, with every table that it reads at one version.
    async fn run_one(&mut self, table: Table, day: Day) -> anyhow::Result<Ran> {
        let mut began = Began::now(self.clock);
        let definition = self.definitions.get(table)?.clone();
        let window = check::window(&definition, day);
        let session = session::sharing(self.definitions.cards(), &self.footers)?;
        for read in graph::reads(&definition)? {
            if began.inputs.contains_key(read.table.name()) {
                continue;
            }
            let provider = match self.newest(read.table).await? {
                Some(handle) => {
                    handle.prepare(&session)?;
                    began.inputs.insert(read.table.name(), handle.version());
                    handle.provider().await?
                }
                None => session::empty(read.table.contract())?,
            };
            session::register(&session, read.table, provider, window.partition())?;
        }
        let plan = part::plan_in_steps(&session, &definition, window).await?;
        let mut incomplete = 0;
        let rows = session::stream(&session, plan, table.contract()).await?.map(|rows| {
            let rows = rows?;
            incomplete += lacks_days(table, &rows)?;
            Ok(rows)
        });
        let replaced = self.open(table).await?.replace_as_they_come(window.partition(), rows).await?;
        let done = self.note(&definition, window.partition(), replaced, incomplete, &began)?;
        let lacking = self.lacking(&definition, window.partition()).await?;
        if done.incomplete > 0 || !lacking.is_empty() {
            let lacking = lacking.join(", ");
            tracing::warn!(table = %table, %day, rows = done.incomplete, lacking, "days of the window are missing");
        }
        Ok(done)
    }

    /// What a table that counts its missing days should have found, from the first day of its window that any table
    /// has: `TABLE DAY`.
    async fn lacking(&mut self, definition: &Definition, day: Day) -> anyhow::Result<Vec<String>> {
        if !counts_missing_days(definition.table) {
            return Ok(Vec::new());
        }
        let before = definition.facts.param.values().filter_map(|param| param.days_before).max();
        let window = day.plus(-before.unwrap_or_default())..=day;
        let mut kept: BTreeMap<Table, BTreeSet<Day>> = BTreeMap::new();
        for read in graph::reads(definition)? {
            let days = self.partitions(read.table).await?;
            kept.insert(read.table, days.range(window.clone()).copied().collect());
        }
        let Some(first) = kept.values().filter_map(|days| days.first().copied()).min() else { return Ok(Vec::new()) };
        let mut lacking = Vec::new();
        for (table, days) in &kept {
            let missing = first.until(day.plus(1)).filter(|day| !days.contains(day));
            lacking.extend(missing.map(|day| format!("{table} {day}")));
        }
        Ok(lacking)
    }

    /// Writes a partition that Rust has computed (`decide`), with its row of `pipeline_run`.
    pub async fn write(
        &mut self,
        definition: &Definition,
        day: Day,
        batches: &[RecordBatch],
        began: &Began,
    ) -> anyhow::Result<Ran> {
        let replaced = self.open(definition.table).await?.replace(day, batches).await?;
        self.note(definition, day, replaced, 0, began)
    }

    /// Notes what has been written; it is said by `note_runs`.
    fn note(
        &mut self,
        definition: &Definition,
        day: Day,
        replaced: Replaced,
        incomplete: u64,
        began: &Began,
    ) -> anyhow::Result<Ran> {
        let table = definition.table;
        let took_ms = u64::try_from(began.watch.elapsed().as_millis()).unwrap_or(u64::MAX);
        let row = self.runs.row().day(day).text(table.name()).text(&definition.hash).text(&definition.bound());
        let row = row.text(&serde_json::to_string(&began.inputs)?).int64(replaced.version);
        let row = row.int64(i64::try_from(replaced.rows)?).text(env!("CARGO_PKG_VERSION"));
        row.instant(began.at).int64(i64::try_from(took_ms)?).end();
        tracing::info!(table = %table, %day, version = replaced.version, rows = replaced.rows, took_ms, "computed");
        Ok(Ran { table, day, rows: replaced.rows, incomplete, version: replaced.version, took_ms })
    }

    /// Writes the collected rows of `pipeline_run`.
    pub async fn note_runs(&mut self) -> anyhow::Result<()> {
        if self.runs.is_empty() {
            return Ok(());
        }
        let batch = self.runs.finish();
        self.open(Table::PIPELINE_RUN).await?.append(&[batch], &[]).await?;
        Ok(())
    }

    /// The newest version of a table, if it exists.
    pub async fn newest(&mut self, table: Table) -> anyhow::Result<Option<&Handle>> {
        let is_own = self.other(table).is_none();
        if !self.handles.contains_key(&table) {
            let found = self.other(table).unwrap_or(&self.lake).find(table).await?;
            match found {
                Some(handle) => drop(self.handles.insert(table, handle)),
                None => return Ok(None),
            }
        }
        let handle = self.handles.get_mut(&table).context("the handle was just put there")?;
        if is_own {
            handle.refresh().await?;
        }
        Ok(Some(handle))
    }

    /// Reads a table of the other lake from now on as a handle has it, or, where none is given, at the version that it
    /// finds next.
    pub fn read_as(&mut self, table: Table, handle: Option<Handle>) -> anyhow::Result<()> {
        ensure!(self.other(table).is_some(), "table {table} is this lake's own, and read as it is");
        match handle {
            Some(handle) => drop(self.handles.insert(table, handle)),
            None => drop(self.handles.remove(&table)),
        }
        Ok(())
    }

    /// The newest version of a table of its own, to write; made after its contract when absent.
    pub async fn open(&mut self, table: Table) -> anyhow::Result<&mut Handle> {
        ensure!(self.other(table).is_none(), "table {table} belongs to a lake that is only read");
        if !self.handles.contains_key(&table) {
            let handle = self.lake.open(table).await?;
            self.handles.insert(table, handle);
        }
        let handle = self.handles.get_mut(&table).context("the handle was just put there")?;
        handle.refresh().await?;
        // It may have been opened to be read, as it was before a column came.
        handle.evolve().await?;
        Ok(handle)
    }
}

/// Whether a table's rows say how many of their days are missing; all that do have the same column for it.
fn counts_missing_days(table: Table) -> bool {
    table.contract().column(caller_week::MISSING_DAYS.name).is_some()
}

/// How many rows say that days are missing.
fn lacks_days(table: Table, rows: &RecordBatch) -> anyhow::Result<u64> {
    if !counts_missing_days(table) {
        return Ok(0);
    }
    let missing = caller_week::MISSING_DAYS.of(rows)?.values();
    Ok(missing.iter().filter(|days| **days > 0).count() as u64)
}

/// Where the definitions are: the named folder, else `pipelines` here, else the one of the source tree.
pub fn folder(named: Option<PathBuf>) -> PathBuf {
    let here = PathBuf::from("pipelines");
    match named {
        Some(named) => named,
        None if here.is_dir() => here,
        None => PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines")),
    }
}
