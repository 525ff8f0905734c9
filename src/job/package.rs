//! `export regulator`: the weekly package, from the lake's tables.
//!
//! In: `regulator_week`, what the books say of its input, what reviewers found, the trends of the reports, and what was
//! published before. Out: a published folder, and a row of `package` from which it can be made again. Never: gives two
//! packages of a recipient one number; shows a package that is not written down.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Serialize;

use super::export::Incomplete;
use crate::clock::Clock;
use crate::domain::day::{Day, Week, instant};
use crate::export::coverage::{self, Act, Told};
use crate::export::figures::Figures;
use crate::export::folder::{self, Aside};
use crate::export::manifest::{self, Manifest, Previous};
use crate::export::package::{Contents, Head, TRENDS, numbers_sha256};
use crate::export::precision::Measured;
use crate::export::recipient::Recipient;
use crate::export::rows::Rows;
use crate::export::sign::SecretKey;
use crate::export::verify::Problem;
use crate::export::{corrections, sums};
use crate::lake::append::Span;
use crate::lake::ledger::{Entry, Kind};
use crate::lake::{Handle, Lake};
use crate::pipeline::definition::Definitions;
use crate::schema::column::{package as column, pipeline_run};
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::schema::topic::Topic;

/// The tables that a package is read from.
const TABLES: [Table; 6] = [
    Table::REGULATOR_WEEK,
    Table::INGEST_RANGE,
    Table::PIPELINE_RUN,
    Table::RULE_PRECISION,
    Table::SCAM_TREND_WEEK,
    Table::PACKAGE,
];

/// What was published.
#[derive(Debug, Serialize)]
pub struct Packaged {
    /// The folder.
    pub folder: PathBuf,
    /// For whom.
    pub recipient: String,
    /// The ISO week.
    pub week: String,
    /// Its number.
    pub sequence: i64,
    /// Numbers in it.
    pub rows: usize,
    /// SHA-256 of its manifest, hex.
    pub manifest_sha256: String,
    /// Whether it carries a signature.
    pub is_signed: bool,
    /// Whether anything changed; a second export of the same rows changes nothing.
    pub is_changed: bool,
}

/// A package of a format from before this program's, which can be verified and not made anew.
#[derive(Debug, thiserror::Error)]
#[error(
    "the package cannot be made anew and was not compared: its format is older than this program's, and it lacks \
     {lacks} (it was made by callsieve {by}); that is no sign of a change: whether it is what was signed is said without \
     --recompute"
)]
pub struct OlderFormat {
    lacks: String,
    by: String,
}

/// A package that is wanted.
#[derive(Debug, Clone)]
pub struct Order {
    /// The week.
    pub week: Week,
    /// For whom, by the name in the definition.
    pub recipient: String,
    /// The same for people.
    pub doc: String,
    /// The columns.
    pub columns: Vec<String>,
    /// Counts of reports below it are hidden.
    pub least_reports: u64,
}

impl Order {
    /// A package for one of the recipients that the definition knows.
    pub fn new(definitions: &Definitions, week: Week, name: &str) -> anyhow::Result<Self> {
        let known = &definitions.get(Table::REGULATOR_WEEK)?.facts.recipient;
        let recipient = known.get(name).with_context(|| {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            format!("no recipient \"{name}\" in regulator_week.toml; there are {}", names.join(", "))
        })?;
        let Recipient { doc, columns, least_reports, .. } = recipient.clone();
        Ok(Self { week, recipient: name.to_owned(), doc, columns, least_reports })
    }
}

/// Publishes `OUT/RECIPIENT/WEEK`. The same numbers as the last time are the same package, to the last byte.
pub async fn publish(
    lake: &Lake,
    order: &Order,
    out: &Path,
    key: Option<&SecretKey>,
    clock: Clock,
) -> anyhow::Result<Packaged> {
    let mut sources = Sources::newest(lake).await?;
    let root = out.join(&order.recipient);
    let issued = issued(&sources.packages, &order.recipient).await?;
    let last = issued.iter().rev().find(|issued| issued.week == order.week.monday());
    if let Some(last) = last {
        let now = numbers_sha256(&sources.numbers(order.week).await?.cut(&order.columns)?)?;
        if now == last.numbers_sha256 {
            match again(lake, order, last, &root, key).await {
                Ok(packaged) => return Ok(packaged),
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(
                        sequence = last.sequence,
                        error,
                        "package cannot be made again, it gets a new number"
                    );
                }
            }
        }
    }
    let contents = sources.contents(lake, order).await?;
    let (aside, manifest_sha256) = write(&contents, &root, key)?;
    sources.note(&contents, &manifest_sha256, clock).await?;
    done(&contents, manifest_sha256, aside, &root, key)
}

/// Makes a package once more from the versions that it was read from.
async fn again(
    lake: &Lake,
    order: &Order,
    issued: &Issued,
    root: &Path,
    key: Option<&SecretKey>,
) -> anyhow::Result<Packaged> {
    let contents = Sources::at(lake, &issued.tables).await?.contents(lake, order).await?;
    let (aside, manifest_sha256) = write(&contents, root, key)?;
    ensure!(manifest_sha256 == issued.manifest_sha256, "its manifest has other bytes by this program");
    done(&contents, manifest_sha256, aside, root, key)
}

fn write(contents: &Contents, root: &Path, key: Option<&SecretKey>) -> anyhow::Result<(Aside, String)> {
    let aside = Aside::open(root, &contents.head.week.to_string())?;
    let manifest_sha256 = contents.write(&aside, key)?;
    Ok((aside, manifest_sha256))
}

fn done(
    contents: &Contents,
    manifest_sha256: String,
    aside: Aside,
    root: &Path,
    key: Option<&SecretKey>,
) -> anyhow::Result<Packaged> {
    let head = &contents.head;
    Ok(Packaged {
        folder: root.join(head.week.to_string()),
        recipient: head.recipient.clone(),
        week: head.week.to_string(),
        sequence: head.sequence,
        rows: contents.numbers.len(),
        manifest_sha256,
        is_signed: key.is_some(),
        is_changed: aside.publish()?,
    })
}

/// Makes a package anew from the table versions that its manifest names, and names every file that has other bytes; fails
/// with [`OlderFormat`] where the package says too little for that.
pub async fn recompute(lake: &Lake, package: &Path) -> anyhow::Result<Vec<Problem>> {
    let path = package.join(manifest::FILE);
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let manifest = Manifest::read(&text)?;
    let Manifest { ref recipient, ref recipient_doc, ref columns, least_reports, .. } = manifest;
    let lacks = lacking(&manifest).join(", ");
    if !lacks.is_empty() {
        return Err(OlderFormat { lacks, by: manifest.code_version }.into());
    }
    let order = Order {
        week: manifest.week(),
        recipient: recipient.clone(),
        doc: recipient_doc.clone(),
        columns: columns.clone(),
        least_reports: least_reports.with_context(|| format!("{} says no least_reports", path.display()))?,
    };
    let contents = Sources::at(lake, &manifest.tables).await?.contents(lake, &order).await?;
    let scratch = tempfile::tempdir()?;
    let (aside, _) = write(&contents, scratch.path(), None)?;
    let differs = |name: &String| -> anyhow::Result<bool> {
        Ok(folder::sha256(&aside.path().join(name))? != folder::sha256(&package.join(name))?)
    };
    let mut problems = Vec::new();
    let made = folder::files(aside.path())?;
    for name in made.keys() {
        if differs(name)? {
            let by = &manifest.code_version;
            let what = format!("made anew from the lake it has other bytes (it was made by callsieve {by})");
            problems.push(Problem { file: name.clone(), what });
        }
    }
    let more = folder::files(package)?.into_keys().filter(|name| !made.contains_key(name) && name != sums::SIGNATURE);
    problems.extend(more.map(|file| Problem { file, what: "the lake makes no such file".to_owned() }));
    Ok(problems)
}

/// What a package of an older format lacks.
fn lacking(manifest: &Manifest) -> Vec<String> {
    let has_trends = manifest.files.iter().any(|listed| listed.name == TRENDS);
    let mut lacking: Vec<String> = (!has_trends).then(|| TRENDS.to_owned()).into_iter().collect();
    let unsaid = TABLES.iter().filter(|table| !manifest.tables.contains_key(table.name()));
    lacking.extend(unsaid.map(|table| format!("in {} the version of table {table}", manifest::FILE)));
    lacking
}

/// A package that was published.
#[derive(Debug)]
struct Issued {
    week: Day,
    sequence: i64,
    manifest_sha256: String,
    numbers_sha256: String,
    tables: BTreeMap<String, i64>,
}

/// The packages of a recipient, in their order.
async fn issued(packages: &Handle, recipient: &str) -> anyhow::Result<Vec<Issued>> {
    let mut issued = Vec::new();
    for batch in packages.rows_with(column::RECIPIENT.name, recipient, &[]).await? {
        for row in 0..batch.num_rows() {
            issued.push(Issued {
                week: Day::from_epoch_days(column::WEEK.of(&batch)?.value(row)),
                sequence: column::SEQUENCE.of(&batch)?.value(row),
                manifest_sha256: column::MANIFEST_SHA256.of(&batch)?.value(row).to_owned(),
                numbers_sha256: column::NUMBERS_SHA256.of(&batch)?.value(row).to_owned(),
                tables: serde_json::from_str(column::TABLES.of(&batch)?.value(row))
                    .context("reading the tables of a package row")?,
            });
        }
    }
    issued.sort_by_key(|issued| issued.sequence);
    Ok(issued)
}

/// The tables that a package is read from, each at one version.
struct Sources {
    numbers: Handle,
    ranges: Handle,
    runs: Handle,
    precision: Handle,
    trends: Handle,
    packages: Handle,
}

impl Sources {
    async fn newest(lake: &Lake) -> anyhow::Result<Self> {
        Ok(Self {
            numbers: lake.open(Table::REGULATOR_WEEK).await?,
            ranges: lake.open(Table::INGEST_RANGE).await?,
            runs: lake.open(Table::PIPELINE_RUN).await?,
            precision: lake.open(Table::RULE_PRECISION).await?,
            trends: lake.open(Table::SCAM_TREND_WEEK).await?,
            packages: lake.open(Table::PACKAGE).await?,
        })
    }

    async fn at(lake: &Lake, versions: &BTreeMap<String, i64>) -> anyhow::Result<Self> {
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

    async fn numbers(&self, week: Week) -> anyhow::Result<Rows> {
        rows(&self.numbers, week.monday()).await
    }

    /// What the package says: it follows from the versions alone.
    async fn contents(&self, lake: &Lake, order: &Order) -> anyhow::Result<Contents> {
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
            trend: super::awareness::trend(&self.runs, &self.trends, week, order.least_reports).await?,
            tables: self.versions(),
            definitions,
        };
        // One long list in memory at a time.
        let corrections = self.corrections(lake, &issued, order).await?;
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
    ) -> anyhow::Result<Vec<corrections::Correction>> {
        let Some(last) = issued.last() else { return Ok(Vec::new()) };
        let version = last.tables.get(Table::REGULATOR_WEEK.name()).context("a package says what it was read from")?;
        let weeks: BTreeSet<Day> = issued.iter().map(|issued| issued.week).collect();
        let told = match lake.find_at(Table::REGULATOR_WEEK, *version).await {
            Ok(told) => told,
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(version, error, "the last package is too old, its weeks are not corrected");
                return Ok(Vec::new());
            }
        };
        // Weeks that have new files, and those of which nothing is left.
        let mut changed = self.numbers.days_since(*version).await?;
        changed.extend(told.days().await?.difference(&self.numbers.days().await?));
        let mut found = Vec::new();
        for monday in changed.intersection(&weeks) {
            let (told, now) = (rows(&told, *monday).await?, rows(&self.numbers, *monday).await?);
            found.extend(corrections::of(&told, &now, &order.columns)?);
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
        let computed_at = computed_at.with_context(|| format!("the list of {week} has not been computed"))?;
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
            let acts = entries.iter().filter(|entry| super::ledger::holds(topic, entry));
            let acts = acts.filter_map(|entry| Some((act(entry)?, &entry.account)));
            told.extend(acts.map(|(act, account)| Told { topic: table.name(), act, account }));
        }
        Ok(coverage::runs(&told, week))
    }

    /// Writes down that a package is published; fails when another was given its number meanwhile.
    async fn note(&mut self, contents: &Contents, manifest_sha256: &str, clock: Clock) -> anyhow::Result<()> {
        let head = &contents.head;
        let mut sheet = Sheet::new(Table::PACKAGE.contract());
        let row = sheet.row().day(head.week.monday()).text(&head.recipient).int64(head.sequence);
        let row = row.int64_or_null(head.supersedes).text(manifest_sha256);
        let row = row.text(&numbers_sha256(&contents.numbers)?).text(&serde_json::to_string(&head.tables)?);
        row.instant(clock.now()).end();
        let span =
            Span { app_id: format!("package/{}", head.recipient), from: head.sequence - 1, until: head.sequence };
        let noted = self.packages.append(&[sheet.finish()], &[span]).await;
        noted.with_context(|| format!("writing down package {} for {}", head.sequence, head.recipient))?;
        Ok(())
    }
}

async fn rows(table: &Handle, monday: Day) -> anyhow::Result<Rows> {
    Rows::of(Table::REGULATOR_WEEK.contract(), table.day(monday).await?)
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

#[cfg(test)]
mod tests;
