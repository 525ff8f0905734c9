//! What changed definitions make it necessary to compute, and for which days.
//!
//! In: definitions, and those that the lake was computed by. Out: tables with their days, each behind what it reads, and
//! the differences in words. Never: computes; plans a table that remembers all its past, of which no part can be tried.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use anyhow::{Context, ensure};

use super::outcome::Changed;
use crate::domain::day::Day;
use crate::job::late::Computed;
use crate::lake::Lake;
use crate::pipeline::definition::{Definition, Definitions, Window};
use crate::pipeline::graph::{self, Read};
use crate::pipeline::run::made_from;
use crate::schema::column::pipeline_run as column;
use crate::schema::contract::Table;

/// What a backtest has to do.
#[derive(Debug)]
pub(super) struct Plan {
    /// Definitions that differ and that verdicts follow from.
    pub(super) changed: Vec<Changed>,
    /// Tables of the others that differ.
    pub(super) untried: Vec<String>,
    /// What to compute for which days, each behind what it reads; candidates and decisions come last.
    pub(super) needed: Vec<(Table, Range<Day>)>,
    /// First day of the verdicts that the candidates of the first day look back on.
    pub(super) held_from: Day,
}

/// What a lake was computed by: the newest run of each table and day.
#[derive(Debug)]
pub(super) struct Live(BTreeMap<Table, BTreeMap<Day, Ran>>);

#[derive(Debug)]
struct Ran {
    version: i64,
    hash: String,
    params: String,
    started_at: i64,
    /// Tables read, by name, with their versions.
    inputs: BTreeMap<String, i64>,
}

impl Live {
    /// Reads it for some days, and for the weeks that they lie in.
    pub(super) async fn read(lake: &Lake, days: &Range<Day>) -> anyhow::Result<Self> {
        let mut all: BTreeMap<Table, BTreeMap<Day, Ran>> = BTreeMap::new();
        let runs = lake.find(Table::PIPELINE_RUN).await?.context("nothing has been computed yet")?;
        for batch in runs.rows(vec![], &[]).await? {
            let (of, names) = (column::DAY.of(&batch)?, column::TABLE_NAME.of(&batch)?);
            let (hashes, params) = (column::DEFINITION_HASH.of(&batch)?, column::PARAMS.of(&batch)?);
            let (versions, started) = (column::OUTPUT_VERSION.of(&batch)?, column::STARTED_AT.of(&batch)?);
            let inputs = column::INPUTS.of(&batch)?;
            for row in 0..batch.num_rows() {
                let (day, version) = (Day::from_epoch_days(of.value(row)), versions.value(row));
                // A table that has no contract any more is not computed any more.
                let Ok(table) = names.value(row).parse::<Table>() else { continue };
                let runs = all.entry(table).or_default();
                let asked = Window::of(table, days.start).partition()..days.end;
                if asked.contains(&day) && runs.get(&day).is_none_or(|known| known.version < version) {
                    let (hash, params) = (hashes.value(row).to_owned(), params.value(row).to_owned());
                    let inputs = made_from(inputs.value(row))?;
                    runs.insert(day, Ran { version, hash, params, started_at: started.value(row), inputs });
                }
            }
        }
        Ok(Self(all))
    }

    /// Whether a table was computed for a day.
    pub(super) fn has(&self, table: Table, day: Day) -> bool {
        self.0.get(&table).is_some_and(|runs| runs.contains_key(&day))
    }

    /// When the run began that a day's rows of a table are of, UTC microseconds.
    pub(super) fn started_at(&self, table: Table, day: Day) -> Option<i64> {
        Some(self.0.get(&table)?.get(&day)?.started_at)
    }

    /// The version of a table that the run has read which a day's rows of another are of.
    pub(super) fn version_read(&self, read: Table, table: Table, day: Day) -> Option<i64> {
        self.0.get(&table)?.get(&day)?.inputs.get(read.name()).copied()
    }

    /// The last run by other files than a definition's.
    fn other_than(&self, definition: &Definition) -> Option<&Ran> {
        self.0.get(&definition.table)?.values().rfind(|ran| !definition.is_of(&ran.hash))
    }
}

impl Plan {
    /// The plan for some days.
    pub(super) fn new(definitions: &Definitions, live: &Live, days: &Range<Day>) -> anyhow::Result<Self> {
        let on_the_way = on_the_way(definitions)?;
        let affected = affected(definitions, live, &on_the_way)?;
        let mut changed = Vec::new();
        let mut untried = Vec::new();
        for definition in definitions.all.values() {
            let Some(ran) = live.other_than(definition) else { continue };
            let name = definition.table.name();
            if affected.contains(&definition.table) {
                changed.push(Changed::new(name, &params(&ran.params)?, &params(&definition.bound())?));
            } else {
                untried.push(name.to_owned());
            }
        }
        let mut needed = needed(definitions, &on_the_way, &affected, days)?;
        let work = on_the_way.iter().filter_map(|table| Some((*table, needed.remove(table)?))).collect();
        let candidates = Computed::of(definitions.get(Table::BLOCK_CANDIDATE)?)?;
        let held = Read { table: Table::DECISION, before: false };
        Ok(Self { changed, untried, needed: work, held_from: candidates.days(held, days.start).start })
    }
}

fn params(json: &str) -> anyhow::Result<BTreeMap<String, String>> {
    serde_json::from_str(json).context("reading the parameters of a run")
}

/// The tables that a verdict of a day follows from, each behind what it reads.
fn on_the_way(definitions: &Definitions) -> anyhow::Result<Vec<Table>> {
    let order = graph::order(definitions)?;
    let mut wanted = BTreeSet::from([Table::BLOCK_CANDIDATE, Table::DECISION]);
    for table in order.iter().rev() {
        if wanted.contains(table) {
            let reads = graph::reads(definitions.get(*table)?)?;
            wanted.extend(reads.into_iter().filter(|read| !read.before).map(|read| read.table));
        }
    }
    Ok(order.into_iter().filter(|table| wanted.contains(table)).collect())
}

/// Those among them that are changed or read a changed one, and the verdicts with their candidates in any case.
fn affected(definitions: &Definitions, live: &Live, on_the_way: &[Table]) -> anyhow::Result<BTreeSet<Table>> {
    let mut affected = BTreeSet::from([Table::BLOCK_CANDIDATE, Table::DECISION]);
    for table in on_the_way {
        let definition = definitions.get(*table)?;
        let reads = graph::reads(definition)?;
        let follows = reads.iter().any(|read| !read.before && affected.contains(&read.table));
        if follows || live.other_than(definition).is_some() {
            affected.insert(*table);
        }
    }
    for table in &affected {
        let is_state = matches!(Window::of(*table, Day::from_epoch_days(0)), Window::Week(_));
        let reads = graph::reads(definitions.get(*table)?)?;
        // What was held before the first day is copied, so candidates may look back on it.
        let mut past = reads.iter().filter(|read| read.before && read.table != Table::DECISION);
        let is_past_affected = past.any(|read| affected.contains(&read.table));
        ensure!(
            !is_state && !is_past_affected,
            "table {table} is changed, or reads one that is, and follows from all days before: it cannot be tried on some"
        );
    }
    Ok(affected)
}

/// The days of each affected table that the verdicts of some days follow from.
fn needed(
    definitions: &Definitions,
    on_the_way: &[Table],
    affected: &BTreeSet<Table>,
    days: &Range<Day>,
) -> anyhow::Result<BTreeMap<Table, Range<Day>>> {
    let mut needed = BTreeMap::from([(Table::BLOCK_CANDIDATE, days.clone()), (Table::DECISION, days.clone())]);
    for table in on_the_way.iter().rev() {
        let Some(of) = needed.get(table).cloned() else { continue };
        let computed = Computed::of(definitions.get(*table)?)?;
        for read in graph::reads(definitions.get(*table)?)? {
            if read.before || !affected.contains(&read.table) {
                continue;
            }
            let (first, last) = (computed.days(read, of.start), computed.days(read, of.end.plus(-1)));
            let known = needed.entry(read.table).or_insert_with(|| first.start..last.end);
            (known.start, known.end) = (known.start.min(first.start), known.end.max(last.end));
        }
    }
    Ok(needed)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn ours() -> Definitions {
        Definitions::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines"))).unwrap()
    }

    fn day(day: i32) -> Day {
        Day::from_epoch_days(20_094 + day)
    }

    /// What a lake was computed by, when all of it is by these definitions but for some tables.
    fn live(definitions: &Definitions, others: &[Table]) -> Live {
        let ran = |definition: &Definition| {
            let hash = if others.contains(&definition.table) { "other" } else { definition.hash.as_str() };
            let (hash, params, inputs) = (hash.to_owned(), definition.bound(), BTreeMap::new());
            let ran = Ran { version: 1, hash, params, started_at: 0, inputs };
            (definition.table, BTreeMap::from([(day(0), ran)]))
        };
        Live(definitions.all.values().map(ran).collect())
    }

    fn planned(others: &[Table]) -> anyhow::Result<Plan> {
        let definitions = ours();
        Plan::new(&definitions, &live(&definitions, others), &(day(0)..day(2)))
    }

    #[test]
    fn the_same_rules_compute_candidates_and_verdicts_of_the_days_alone() {
        let plan = planned(&[]).unwrap();
        let days = day(0)..day(2);
        assert_eq!(plan.needed, [(Table::BLOCK_CANDIDATE, days.clone()), (Table::DECISION, days)]);
        assert!(plan.changed.is_empty() && plan.untried.is_empty());
        assert_eq!(plan.held_from, day(-13));
    }

    #[test]
    fn a_changed_score_is_computed_for_all_days_that_the_evidence_looks_back_on() {
        let plan = planned(&[Table::SPAM_SCORE]).unwrap();
        // Detections of the evidence's days look back on scores themselves.
        assert_eq!(plan.needed[0], (Table::SPAM_SCORE, day(-26)..day(2)));
        assert!(plan.needed.contains(&(Table::DETECTION_DAY, day(-13)..day(2))));
        assert_eq!(plan.changed, [Changed { table: "spam_score".to_owned(), params: BTreeMap::new() }]);
    }

    #[test]
    fn a_changed_feature_is_computed_for_the_windows_of_scores_and_detections() {
        let plan = planned(&[Table::CALLER_DAY]).unwrap();
        assert_eq!(plan.needed[0], (Table::CALLER_DAY, day(-53)..day(2)));
        assert!(plan.needed.iter().any(|(table, _)| *table == Table::SPAM_SCORE));
    }

    #[test]
    fn what_no_verdict_follows_from_is_named_and_not_tried() {
        let plan = planned(&[Table::REGULATOR_WEEK]).unwrap();
        assert_eq!(plan.untried, ["regulator_week"]);
        assert_eq!(plan.needed.len(), 2);
    }

    #[test]
    fn what_follows_from_all_days_before_is_refused() {
        let problem = planned(&[Table::CONTACT_DAY]).unwrap_err().to_string();
        assert!(problem.starts_with("table contact_day is changed, or reads one that is"), "{problem}");
    }
}
