//! Definitions: the files `pipelines/STAGE/TABLE.{sql,toml,slt}`.
//!
//! In: a folder. Out: every definition in it, parsed, with its hash. Never: runs one, and never declares what a
//! definition reads: that is read from its SQL.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use datafusion::sql::sqlparser::ast::{Query, Statement, visit_expressions};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use self::bind::placeholder;
use super::graph;
use crate::domain::day::Day;
use crate::export::recipient::Recipient;
use crate::schema::contract::Table;
use crate::score::card::Card;
use crate::score::wording::Name;

mod bind;

/// Every definition of a folder.
#[derive(Debug, Clone)]
pub struct Definitions {
    /// By table, in the order of the tables.
    pub all: BTreeMap<Table, Definition>,
}

/// One definition.
#[derive(Debug, Clone)]
pub struct Definition {
    /// The table it writes.
    pub table: Table,
    /// Its folder: event, feature, score, decide or export.
    pub stage: String,
    /// The path of its files without extension, for messages.
    pub stem: PathBuf,
    /// When, with which numbers, and why those.
    pub facts: Facts,
    /// What is computed; `None` for `decide`, whose rules are parameters of a state machine.
    pub select: Option<Select>,
    /// SHA-256 over its facts, its SQL, be it its own or another's, and its cards that are files, hex. Its cases change no
    /// row, so they are no part of it.
    pub hash: String,
    /// The same with its cases, as runs name it that are of before these were left out.
    hash_with_cases: String,
}

/// The parsed statement with its text.
#[derive(Debug, Clone)]
pub struct Select {
    /// As written.
    pub text: String,
    /// As parsed.
    pub statement: Statement,
}

/// The `.toml` of a definition.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// One sentence: what the table is for.
    pub doc: String,
    /// Who answers for it.
    pub owner: String,
    /// When it runs.
    pub schedule: String,
    /// The definition beside it whose SQL is computed, with the parameters of this one; its own when none is named.
    pub sql: Option<String>,
    /// Its parameters.
    #[serde(default)]
    pub param: BTreeMap<String, Param>,
    /// Its scorecards.
    #[serde(default)]
    pub card: BTreeMap<String, Card>,
    /// What the characteristics of its scorecards are called in explanations.
    #[serde(default)]
    pub name: BTreeMap<String, Name>,
    /// Who gets what of its rows.
    #[serde(default)]
    pub recipient: BTreeMap<String, Recipient>,
    /// Scorecards that are files of their own, each by a path from the folder of this one.
    #[serde(default)]
    pub card_file: BTreeMap<String, PathBuf>,
}

/// A parameter: a value with its unit, or a day counted back from the computed one, and the reason.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// A number, a text or a truth value.
    pub value: Option<toml::Value>,
    /// Unit of a value.
    pub unit: Option<String>,
    /// Instead of a value: this many days before `$day`.
    pub days_before: Option<i32>,
    /// Why this value and no other.
    pub why: String,
}

/// What a definition is computed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// One local day.
    Day(Day),
    /// The ISO week that begins with this Monday.
    Week(Day),
}

impl Window {
    /// What a table is computed for when a day is asked for: the day, or the week that it lies in.
    pub fn of(table: Table, day: Day) -> Self {
        match table.contract().partition.first().map(String::as_str) {
            Some("week") => Self::Week(day.week().monday()),
            _ => Self::Day(day),
        }
    }

    /// The partition that it fills.
    pub fn partition(self) -> Day {
        match self {
            Self::Day(day) | Self::Week(day) => day,
        }
    }

    /// The days of it, as `[from, until)`.
    pub fn bounds(self) -> (Day, Day) {
        match self {
            Self::Day(day) => (day, day.plus(1)),
            Self::Week(monday) => (monday, monday.plus(7)),
        }
    }
}

/// Names that every definition may use without defining them.
pub const BOUNDS: [&str; 8] = ["day", "day_before", "day_after", "until_day", "week", "week_before", "from", "until"];

impl Definitions {
    /// Reads a folder, or says everything that is wrong with it.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut all = BTreeMap::new();
        let mut problems = Vec::new();
        for facts in files(folder, "toml")? {
            match Definition::read(&facts) {
                Ok(definition) => drop(all.insert(definition.table, definition)),
                Err(problem) => problems.push(format!("{}: {problem:#}", facts.display())),
            }
        }
        for stray in files(folder, "sql")?.into_iter().filter(|sql| !sql.with_extension("toml").exists()) {
            problems.push(format!("{}: no .toml beside it", stray.display()));
        }
        if all.is_empty() && problems.is_empty() {
            bail!("no definitions in {}; name their folder with --pipelines", folder.display());
        }
        ensure!(problems.is_empty(), "{}", problems.join("\n"));
        Ok(Self { all })
    }

    /// The definition of a table.
    pub fn get(&self, table: Table) -> anyhow::Result<&Definition> {
        self.all.get(&table).with_context(|| format!("no definition writes table {table}"))
    }

    /// Over the definitions that a verdict follows from, and no others: what verdicts say that they were made by.
    pub fn rules(&self) -> anyhow::Result<String> {
        let followed = graph::behind_verdicts(self)?;
        Ok(self.hash_of(|table| followed.contains(table)))
    }

    /// What a promotion names: the rules, a dash, and the same over all other definitions. Two people answer for what is
    /// sent out as well, and whose promotion a verdict is of is read from how this begins.
    pub fn hash(&self) -> anyhow::Result<String> {
        let followed = graph::behind_verdicts(self)?;
        let rules = self.hash_of(|table| followed.contains(table));
        Ok(format!("{rules}-{}", self.hash_of(|table| !followed.contains(table))))
    }

    fn hash_of(&self, is_meant: impl Fn(&Table) -> bool) -> String {
        let mut hash = Sha256::new();
        for definition in self.all.values().filter(|definition| is_meant(&definition.table)) {
            hash.update(format!("{} {}\n", definition.table, definition.hash));
        }
        hex::encode(hash.finalize())
    }

    /// Every scorecard by name.
    pub fn cards(&self) -> BTreeMap<String, Card> {
        let cards = self.all.values().flat_map(|definition| definition.facts.card.clone());
        cards.collect()
    }
}

fn files(folder: &Path, extension: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let stages = std::fs::read_dir(folder).with_context(|| format!("reading pipelines folder {}", folder.display()))?;
    for stage in stages {
        let stage = stage?.path();
        if !stage.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(&stage)? {
            let file = file?.path();
            if file.extension().is_some_and(|found| found == extension) {
                found.push(file);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn sql_path(stem: &Path, named: Option<&str>) -> PathBuf {
    named.map_or_else(|| stem.to_owned(), |named| stem.with_file_name(named)).with_extension("sql")
}

/// The SQL of a definition: its own if it has any, or that of the one beside it that it names.
fn sql(stem: &Path, named: Option<&str>) -> anyhow::Result<Option<String>> {
    let path = sql_path(stem, named);
    if let Some(named) = named {
        ensure!(path.exists(), "sql names {named}, and there is no {named}.sql beside it");
        ensure!(!stem.with_extension("sql").exists(), "sql names {named}, and it has a .sql of its own");
    }
    if path.exists() { Ok(Some(std::fs::read_to_string(path)?)) } else { Ok(None) }
}

impl Definition {
    fn read(facts: &Path) -> anyhow::Result<Self> {
        let stem = facts.with_extension("");
        let name = stem.file_name().and_then(|name| name.to_str()).context("a file without a name")?;
        let stage = stem.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
        let toml = std::fs::read_to_string(facts)?;
        let mut facts: Facts = toml::from_str(&toml)?;
        let sql = sql(&stem, facts.sql.as_deref())?;
        let slt = std::fs::read_to_string(stem.with_extension("slt")).unwrap_or_default();
        let mut hash = Sha256::new();
        for text in [&toml, sql.as_deref().unwrap_or_default()] {
            hash.update(text.len().to_le_bytes());
            hash.update(text);
        }
        let mut with_cases = hash.clone();
        with_cases.update(slt.len().to_le_bytes());
        with_cases.update(&slt);
        for (name, file) in &facts.card_file {
            let card = crate::score::file::read(&stem.with_file_name(file))?;
            for hash in [&mut hash, &mut with_cases] {
                hash.update(card.name.as_deref().unwrap_or_default());
            }
            ensure!(
                facts.card.insert(name.clone(), card).is_none(),
                "card {name} is written here and is a file as well"
            );
        }
        for (name, card) in &facts.card {
            card.check().with_context(|| format!("card {name}"))?;
        }
        let table: Table = name.parse().map_err(anyhow::Error::msg)?;
        for (name, recipient) in &facts.recipient {
            let problems = recipient.problems(table.contract());
            ensure!(problems.is_empty(), "recipient {name}: {}", problems.join("; "));
        }
        Ok(Self {
            table,
            stage: stage.to_owned(),
            facts,
            select: sql.map(Select::parse).transpose()?,
            hash: hex::encode(hash.finalize()),
            hash_with_cases: hex::encode(with_cases.finalize()),
            stem,
        })
    }

    /// Whether a run was by it, of which `pipeline_run` has this hash.
    pub fn is_of(&self, hash: &str) -> bool {
        self.hash == hash || self.hash_with_cases == hash
    }

    /// The file of its SQL, for messages.
    pub fn sql_file(&self) -> String {
        sql_path(&self.stem, self.facts.sql.as_deref()).display().to_string()
    }

    /// A parameter's value as a whole number, for rules that Rust reads.
    pub fn integer(&self, name: &str) -> anyhow::Result<i64> {
        let value = self.facts.param.get(name).and_then(|param| param.value.as_ref());
        value
            .and_then(toml::Value::as_integer)
            .with_context(|| format!("{}.toml: no whole number \"{name}\"", self.stem.display()))
    }

    /// A parameter's value as a number with a fraction, likewise.
    pub fn float(&self, name: &str) -> anyhow::Result<f64> {
        let value = self.facts.param.get(name).and_then(|param| param.value.as_ref());
        value
            .and_then(toml::Value::as_float)
            .with_context(|| format!("{}.toml: no number \"{name}\" with a fraction", self.stem.display()))
    }

    /// Its parameters as bound, for `pipeline_run`.
    pub fn bound(&self) -> String {
        let text = |param: &Param| match (&param.value, param.days_before) {
            (Some(value), _) => value.to_string(),
            (None, days) => format!("{} days before", days.unwrap_or_default()),
        };
        let bound: BTreeMap<&str, String> =
            self.facts.param.iter().map(|(name, param)| (name.as_str(), text(param))).collect();
        serde_json::to_string(&bound).unwrap_or_default()
    }
}

impl Select {
    fn parse(text: String) -> anyhow::Result<Self> {
        let mut statements = Parser::parse_sql(&GenericDialect {}, &text)?;
        match (statements.pop(), statements.is_empty()) {
            (Some(statement @ Statement::Query(_)), true) => Ok(Self { text, statement }),
            _ => bail!("a definition is one SELECT and nothing else"),
        }
    }

    /// The query inside.
    pub fn query(&self) -> Option<&Query> {
        match &self.statement {
            Statement::Query(query) => Some(query),
            _ => None,
        }
    }

    /// Names of the parameters that it uses.
    pub fn parameters(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let _: ControlFlow<()> = visit_expressions(&self.statement, |expr| {
            names.extend(placeholder(expr).map(str::to_owned));
            ControlFlow::Continue(())
        });
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lang::Lang;
    use crate::score::card::Characteristic;
    use crate::score::wording;

    /// A folder with two definitions, of which the second names the SQL of the first.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("feature")).unwrap();
        let facts = "doc = \"d\"\nowner = \"o\"\nschedule = \"s\"\n";
        write(&folder, "caller_week.toml", facts);
        write(&folder, "caller_week.sql", "SELECT $day AS day");
        write(&folder, "caller_month.toml", &format!("{facts}sql = \"caller_week\"\n"));
        folder
    }

    fn write(folder: &tempfile::TempDir, name: &str, text: &str) {
        std::fs::write(folder.path().join("feature").join(name), text).unwrap();
    }

    fn month(folder: &tempfile::TempDir) -> Definition {
        Definitions::read(folder.path()).unwrap().get(Table::CALLER_MONTH).unwrap().clone()
    }

    #[test]
    fn every_reason_of_a_card_for_its_points_is_told_in_vietnamese() {
        let cards = Definitions::read(&crate::pipeline::run::folder(None)).unwrap().cards();
        assert!(cards.len() >= 10, "{:?}", cards.keys());
        for (card, found) in cards {
            for (name, Characteristic { why, why_vi, .. }) in &found.characteristic {
                let vi = wording::why(Lang::Vi, why, why_vi.as_deref());
                assert!(!vi.is_empty() && vi != why.as_str(), "{card}.{name} has no why_vi");
            }
        }
    }

    #[test]
    fn a_definition_computes_the_sql_that_it_names_and_its_hash_follows_it() {
        let folder = folder();
        let before = month(&folder);
        assert_eq!(before.select.map(|select| select.text).as_deref(), Some("SELECT $day AS day"));
        write(&folder, "caller_week.sql", "SELECT $day AS day, 1 AS calls");
        assert_ne!(month(&folder).hash, before.hash);
    }

    #[test]
    fn a_set_is_another_when_any_of_its_definitions_is_and_no_other_for_a_case() {
        let folder = folder();
        let hash = || Definitions::read(folder.path()).unwrap().hash().unwrap();
        let before = hash();
        assert_eq!(hash(), before);
        write(&folder, "caller_month.slt", "# One more case.");
        assert_eq!(hash(), before);
        write(&folder, "caller_week.sql", "SELECT $day AS day, 1 AS calls");
        assert_ne!(hash(), before);
    }

    #[test]
    fn a_run_of_before_cases_were_left_out_is_still_of_its_definition() {
        let folder = folder();
        let run = "51b4047348e390ba43c017229c96a1e62a77cbaad739805ac382457e7fb57e47";
        write(&folder, "caller_month.slt", "# A case.");
        assert!(month(&folder).is_of(run));
        write(&folder, "caller_month.slt", "# Another.");
        let changed = month(&folder);
        assert!(!changed.is_of(run) && changed.is_of(&changed.hash));
    }

    #[test]
    fn a_card_that_is_a_file_is_known_by_its_name_and_its_content_is_part_of_the_hash() {
        let folder = folder();
        let facts = "doc = \"d\"\nowner = \"o\"\nschedule = \"s\"\nsql = \"caller_week\"\n";
        std::fs::create_dir(folder.path().join("feature/card")).unwrap();
        write(&folder, "caller_month.toml", &format!("{facts}[card_file]\ntrained = \"card/a.toml\"\n"));
        let hash = |doc: &str| {
            let card: Card =
                toml::from_str(&format!("doc = \"{doc}\"\npoints_per_logit = 10\n[characteristic]\n")).unwrap();
            let file = folder.path().join("feature/card/a.toml");
            drop(std::fs::remove_file(&file));
            crate::score::file::write(&file, &card).unwrap();
            let definition = month(&folder);
            assert_eq!(definition.facts.card["trained"].doc, doc);
            definition.hash
        };
        assert_ne!(hash("One."), hash("Another."));
    }

    #[test]
    fn sql_that_is_named_is_there_and_is_the_only_one() {
        let folder = folder();
        write(&folder, "caller_month.sql", "SELECT $day AS day");
        let problem = Definitions::read(folder.path()).unwrap_err().to_string();
        assert!(
            problem.ends_with("caller_month.toml: sql names caller_week, and it has a .sql of its own"),
            "{problem}"
        );
        std::fs::remove_file(folder.path().join("feature/caller_month.sql")).unwrap();
        std::fs::remove_file(folder.path().join("feature/caller_week.sql")).unwrap();
        let problem = Definitions::read(folder.path()).unwrap_err().to_string();
        assert!(problem.ends_with("sql names caller_week, and there is no caller_week.sql beside it"), "{problem}");
    }
}
