//! What a package is read from.
//!
//! In: the lake's tables, the newest of each or those of given versions. Out: what the package says, and the row that
//! writes it down. Never: says what another version of a table has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use arrow::array::Array;

use super::Order;
use crate::clock::Clock;
use crate::domain::day::{Day, Week, instant};
use crate::domain::origin::Origin;
use crate::export::corrections::Corrections;
use crate::export::coverage::{self, Act, Told};
use crate::export::figures::Figures;
use crate::export::manifest::Previous;
use crate::export::package::{Contents, Hashes, Head};
use crate::export::precision::Measured;
use crate::export::rows::Rows;
use crate::job::export::Incomplete;
use crate::job::{awareness, ledger};
use crate::lake::append::Span;
use crate::lake::ledger::{Entry, Kind};
use crate::lake::{Handle, Lake};
use crate::schema::column::{package as column, pipeline_run};
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::schema::topic::Topic;

/// The tables that a package is read from.
pub(super) const TABLES: [Table; 6] = [
    Table::REGULATOR_WEEK,
    Table::INGEST_RANGE,
    Table::PIPELINE_RUN,
    Table::RULE_PRECISION,
    Table::SCAM_TREND_WEEK,
    Table::PACKAGE,
];

/// A package that was published.
#[derive(Debug)]
pub(super) struct Issued {
    pub week: Day,
    pub sequence: i64,
    pub manifest_sha256: String,
    pub numbers_sha256: String,
    pub tables: BTreeMap<String, i64>,
    /// Its columns; not known of one of before they were written down.
    pub columns: Option<Vec<String>>,
}

impl Issued {
    /// The version of the list that it was made of.
    fn version(&self) -> anyhow::Result<i64> {
        let version = self.tables.get(Table::REGULATOR_WEEK.name());
        version.copied().context("a package says what it was read from")
    }
}

/// The packages of a recipient, in their order.
pub(super) async fn issued(packages: &Handle, recipient: &str) -> anyhow::Result<Vec<Issued>> {
    let mut issued = Vec::new();
    for batch in packages.rows_with(column::RECIPIENT.name, recipient, &[]).await? {
        let columns = column::COLUMNS.of(&batch)?;
        for row in 0..batch.num_rows() {
            let columns = columns.is_valid(row).then(|| serde_json::from_str(columns.value(row)));
            issued.push(Issued {
                week: Day::from_epoch_days(column::WEEK.of(&batch)?.value(row)),
                sequence: column::SEQUENCE.of(&batch)?.value(row),
                manifest_sha256: column::MANIFEST_SHA256.of(&batch)?.value(row).to_owned(),
                numbers_sha256: column::NUMBERS_SHA256.of(&batch)?.value(row).to_owned(),
                tables: serde_json::from_str(column::TABLES.of(&batch)?.value(row))
                    .context("reading the tables of a package row")?,
                columns: columns.transpose().context("reading the columns of a package row")?,
            });
        }
    }
    issued.sort_by_key(|issued| issued.sequence);
    Ok(issued)
}

/// The tables that a package is read from, each at one version.
pub(super) struct Sources {
    numbers: Handle,
    ranges: Handle,
    runs: Handle,
    precision: Handle,
    trends: Handle,
    pub packages: Handle,
}

impl Sources {
    pub(super) async fn newest(lake: &Lake) -> anyhow::Result<Self> {
        Ok(Self {
            numbers: lake.open(Table::REGULATOR_WEEK).await?,
            ranges: lake.open(Table::INGEST_RANGE).await?,
            runs: lake.open(Table::PIPELINE_RUN).await?,
            precision: lake.open(Table::RULE_PRECISION).await?,
            trends: lake.open(Table::SCAM_TREND_WEEK).await?,
            packages: lake.open(Table::PACKAGE).await?,
        })
    }

    pub(super) async fn at(lake: &Lake, versions: &BTreeMap<String, i64>) -> anyhow::Result<Self> {
        let at = async |table: Table| {
            let version = versions.get(table.name()).with_context(|| format!("the version of {table} is not said"))?;
            lake.find_at(table, *version).await
        };
        Ok(Self {
            numbers: at(Table::REGULATOR_WEEK).await?,
            ranges: at(Table::INGEST_RANGE).await?,
            runs: at(Table::PIPELINE_RUN).await?,
            precision: at(Table::RULE_PRECISION).await?,
            trends: at(Table::SCAM_TREND_WEEK).await?,
            packages: at(Table::PACKAGE).await?,
        })
    }

    fn versions(&self) -> BTreeMap<String, i64> {
        let handles = [&self.numbers, &self.ranges, &self.runs, &self.precision, &self.trends, &self.packages];
        handles.map(|handle| (handle.table().name().to_owned(), handle.version())).into()
    }

    pub(super) async fn numbers(&self, week: Week) -> anyhow::Result<Rows> {
        rows(&self.numbers, week.monday()).await
    }

    /// What the package says: it follows from the versions alone. What is too long for memory is put aside in a folder.
    pub(super) async fn contents(&self, lake: &Lake, order: &Order, aside: &Path) -> anyhow::Result<Contents> {
        let week = order.week;
        let issued = issued(&self.packages, &order.recipient).await?;
        let (computed_at, definitions) = self.runs(week).await?;
        let runs = self.coverage(week).await?;
        let problems = coverage::problems(&runs);
        if !problems.is_empty() {
            return Err(Incomplete { week, reasons: problems }.into());
        }
        let last = issued.last();
        let head = Head {
            recipient: order.recipient.clone(),
            recipient_doc: order.doc.clone(),
            lang: order.lang,
            week,
            sequence: last.map_or(0, |last| last.sequence) + 1,
            supersedes: issued.iter().rev().find(|issued| issued.week == week.monday()).map(|issued| issued.sequence),
            previous: last.map(|last| Previous {
                week: last.week.week().to_string(),
                sequence: last.sequence,
                manifest_sha256: last.manifest_sha256.clone(),
            }),
            computed_at,
            precision: self.precision(week, &order.columns).await?,
            trend: awareness::trend(&self.runs, &self.trends, week, order.least_reports).await?,
            tables: self.versions(),
            definitions,
        };
        // One long list in memory at a time.
        let corrections = self.corrections(lake, &issued, order, aside).await?;
        let last_week = week.monday().plus(-7).week();
        let before = Figures::of(&self.numbers(last_week).await?.cut(&order.columns)?, last_week);
        let numbers = self.numbers(week).await?.cut(&order.columns)?;
        Ok(Contents::new(head, numbers, &before, corrections, runs))
    }

    /// What has changed since the last package in the weeks that any package told of.
    async fn corrections(
        &self,
        lake: &Lake,
        issued: &[Issued],
        order: &Order,
        aside: &Path,
    ) -> anyhow::Result<Corrections> {
        let mut found = Corrections::new(aside);
        let Some(last) = issued.last() else { return Ok(found) };
        let version = last.version()?;
        let weeks: BTreeSet<Day> = issued.iter().map(|issued| issued.week).collect();
        let told = match lake.find_at(Table::REGULATOR_WEEK, version).await {
            Ok(told) => told,
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(version, error, "the last package is too old, its weeks are not corrected");
                return Ok(found);
            }
        };
        // Weeks that have new files, and those of which nothing is left.
        let mut changed = self.numbers.days_since(version).await?;
        changed.extend(told.days().await?.difference(&self.numbers.days().await?));
        for monday in changed.intersection(&weeks) {
            let mut columns = told_columns(lake, issued, *monday, &order.columns).await?;
            let (told, now) = (rows(&told, *monday).await?, rows(&self.numbers, *monday).await?);
            columns.extend(told_since(issued, *monday, &order.columns, &told));
            found.add(&told, &now, (&order.columns, &columns))?;
        }
        Ok(found)
    }

    /// When the week's rows were computed, and by which definitions each table of its days.
    async fn runs(&self, week: Week) -> anyhow::Result<(String, BTreeMap<String, BTreeSet<String>>)> {
        let mut computed_at = None;
        let mut definitions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for day in week.days() {
            for batch in self.runs.day(day).await? {
                let (tables, hashes) =
                    (pipeline_run::TABLE_NAME.of(&batch)?, pipeline_run::DEFINITION_HASH.of(&batch)?);
                let started = pipeline_run::STARTED_AT.of(&batch)?;
                for row in 0..batch.num_rows() {
                    let (table, hash) = (tables.value(row).to_owned(), hashes.value(row).to_owned());
                    let at = (table == Table::REGULATOR_WEEK.name()).then(|| started.value(row));
                    computed_at = computed_at.max(at);
                    definitions.entry(table).or_default().insert(hash);
                }
            }
        }
        let computed_at = computed_at
            .with_context(|| format!("the list of {week} has not been computed; `callsieve run --week {week}` does"))?;
        Ok((instant(computed_at), definitions))
    }

    /// What reviewers have found of the week and of the one before.
    async fn precision(&self, week: Week, columns: &[String]) -> anyhow::Result<Vec<Measured>> {
        let mut measured = Vec::new();
        for monday in [week.monday(), week.monday().plus(-7)] {
            measured.push(Measured::of(monday.week(), &self.precision.day(monday).await?, columns)?);
        }
        Ok(measured)
    }

    /// What became of the week's input.
    async fn coverage(&self, week: Week) -> anyhow::Result<Vec<coverage::Run>> {
        let entries = self.ranges.entries_by_table().await?;
        let mut told = Vec::new();
        for (table, entries) in &entries {
            let Ok(topic) = table.name().parse::<Topic>() else { continue };
            let missed = missed(entries);
            let missed_on = |entry: &Entry| missed.get(entry.account.source.as_str()).copied();
            let acts = entries.iter().filter(|entry| ledger::holds(topic, entry));
            let acts = acts.filter_map(|entry| Some((act(entry)?, entry)));
            told.extend(acts.map(|(act, entry)| Told {
                topic: table.name(),
                act,
                account: &entry.account,
                missed: missed_on(entry).filter(|_| act == Act::Accepted),
            }));
        }
        Ok(coverage::runs(&told, week))
    }

    /// Writes down that a package is published; fails when another was given its number meanwhile.
    pub(super) async fn note(&mut self, contents: &Contents, hashes: &Hashes, clock: Clock) -> anyhow::Result<()> {
        let head = &contents.head;
        let mut sheet = Sheet::new(Table::PACKAGE.contract());
        let row = sheet.row().day(head.week.monday()).text(&head.recipient).int64(head.sequence);
        let row = row.int64_or_null(head.supersedes).text(&hashes.manifest_sha256);
        let row = row.text(&hashes.numbers_sha256).text(&serde_json::to_string(&head.tables)?);
        let columns: Vec<&str> = contents.numbers.columns().iter().map(|column| column.name.as_str()).collect();
        row.instant(clock.now()).text_or_null(Some(&serde_json::to_string(&columns)?)).end();
        let span =
            Span { app_id: format!("package/{}", head.recipient), from: head.sequence - 1, until: head.sequence };
        let noted = self.packages.append(&[sheet.finish()], &[span]).await;
        noted.with_context(|| format!("writing down package {} for {}", head.sequence, head.recipient))?;
        Ok(())
    }
}

/// Those of a recipient's columns that the last package of a week had. What only other columns tell is no change of what it
/// was told: after an upgrade that adds some, a week that is computed again would be corrected row by row. See [`told_since`].
pub(super) async fn told_columns(
    lake: &Lake,
    issued: &[Issued],
    monday: Day,
    columns: &[String],
) -> anyhow::Result<Vec<String>> {
    let last = issued.iter().rev().find(|issued| issued.week == monday).context("the week was told of")?;
    let had = match &last.columns {
        Some(had) => had.clone(),
        // Of before columns were written down: those that the table had, as long as its log says so.
        None => match lake.find_at(Table::REGULATOR_WEEK, last.version()?).await {
            Ok(table) => table.columns()?,
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(week = %monday, error, "columns of an old package are not known, all are compared");
                columns.to_vec()
            }
        },
    };
    Ok(columns.iter().filter(|column| had.contains(column)).cloned().collect())
}

/// Those of a recipient's columns that a package behind the last of a week had: what it corrected in the week, it told with
/// them. Of a column that no row of the week had a value in by then, it told nothing.
pub(super) fn told_since(issued: &[Issued], monday: Day, columns: &[String], told: &Rows) -> Vec<String> {
    let later = issued.iter().rev().take_while(|issued| issued.week != monday);
    let had: BTreeSet<&String> = later.filter_map(|issued| issued.columns.as_ref()).flatten().collect();
    columns.iter().filter(|name| had.contains(name) && told.has_values(name)).cloned().collect()
}

async fn rows(table: &Handle, monday: Day) -> anyhow::Result<Rows> {
    Rows::of(Table::REGULATOR_WEEK.contract(), table.day(monday).await?)
}

/// Since when each dropped file is missed that was begun, or could not be read.
fn missed(entries: &[Entry]) -> BTreeMap<&str, Day> {
    let is_of_file =
        |entry: &&Entry| matches!(entry.account.source.parse(), Ok(Origin::File { .. } | Origin::Unread { .. }));
    let missed = entries.iter().filter(|entry| entry.kind == Kind::Deferred).filter(is_of_file);
    missed.map(|entry| (entry.account.source.as_str(), Day::of(entry.committed_at))).collect()
}

/// What an entry of the books tells of offsets; nothing when of none.
fn act(entry: &Entry) -> Option<Act> {
    match entry.kind {
        Kind::Read => Some(Act::Read),
        Kind::Accepted => Some(Act::Accepted),
        Kind::Replayed => Some(Act::Replayed),
        Kind::Idle | Kind::Expired | Kind::Retired | Kind::Deferred | Kind::Seen => None,
    }
}
