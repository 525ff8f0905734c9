//! What depends on what, read from the SQL.
//!
//! In: definitions. Out: the order in which tables have to be computed. Never: a declared dependency.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail, ensure};
use datafusion::sql::parser::Statement;
use datafusion::sql::resolve::resolve_table_references;

use super::definition::{Definition, Definitions};
use crate::feature;
use crate::schema::contract::{Table, Writer};

/// Suffix of a table's name in SQL that reads only the days before the computed one.
pub const BEFORE: &str = "_before";
/// Suffix of a definition's own table in its SQL that reads the computed day as well, as an earlier run left it.
pub const SO_FAR: &str = "_so_far";

/// One table that a definition reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Read {
    /// Which.
    pub table: Table,
    /// Only days before the computed one, or what an earlier run left of that: no edge of the graph, since it has been
    /// computed already.
    pub before: bool,
}

/// What a definition reads.
pub fn reads(definition: &Definition) -> anyhow::Result<BTreeSet<Read>> {
    let Some(select) = &definition.select else { return Ok(BTreeSet::new()) };
    let statement = Statement::Statement(Box::new(select.statement.clone()));
    let (references, _ctes) = resolve_table_references(&statement, true)?;
    let names = references.iter().map(|reference| reference.table());
    names.filter(|name| !feature::TABLES.contains(name)).map(|name| read(definition.table, name)).collect()
}

fn read(own: Table, name: &str) -> anyhow::Result<Read> {
    if let Ok(table) = name.parse() {
        return Ok(Read { table, before: false });
    }
    let without = |suffix: &str| -> Option<Table> { name.strip_suffix(suffix)?.parse().ok() };
    let table = without(BEFORE).or_else(|| without(SO_FAR));
    let table = table.with_context(|| format!("\"{name}\" is no table of the lake"))?;
    // Of another table it would depend on who ran first.
    ensure!(without(SO_FAR).is_none_or(|table| table == own), "\"{name}\" is for the definition of {table} alone");
    Ok(Read { table, before: true })
}

/// Every definition's table behind all that it reads; an error names a cycle.
pub fn order(definitions: &Definitions) -> anyhow::Result<Vec<Table>> {
    let mut edges = BTreeMap::new();
    for definition in definitions.all.values() {
        let reads = reads(definition).with_context(|| definition.sql_file())?;
        let mut tables: BTreeSet<Table> = reads.iter().filter(|read| !read.before).map(|read| read.table).collect();
        // `decide` reads its candidates by Rust, so its one edge cannot be read from SQL.
        if definition.table == Table::DECISION {
            tables.insert(Table::BLOCK_CANDIDATE);
        }
        edges.insert(definition.table, tables);
    }
    let mut ordered = Vec::new();
    while ordered.len() < edges.len() {
        let ready = |table: &Table| ordered.contains(table) || !edges.contains_key(table);
        let next = edges.iter().find(|(table, reads)| !ordered.contains(*table) && reads.iter().all(ready));
        match next {
            Some((table, _)) => ordered.push(*table),
            None => {
                let left: Vec<_> =
                    edges.keys().filter(|table| !ordered.contains(*table)).map(|table| table.name()).collect();
                bail!("tables read one another in a circle: {}", left.join(", "));
            }
        }
    }
    Ok(ordered)
}

/// The tables of `order` that lie behind `decision`: they wait for `decide`.
pub fn after_decision(definitions: &Definitions) -> anyhow::Result<BTreeSet<Table>> {
    let mut behind = BTreeSet::from([Table::DECISION]);
    for table in order(definitions)? {
        let definition = definitions.get(table)?;
        if reads(definition)?.iter().any(|read| !read.before && behind.contains(&read.table)) {
            behind.insert(table);
        }
    }
    behind.remove(&Table::DECISION);
    Ok(behind)
}

/// The tables that a verdict follows from, be it by what they say of days before, as of whom people were asked about.
/// Whatever has a scorecard is among them, since every definition knows the cards of all.
pub fn behind_verdicts(definitions: &Definitions) -> anyhow::Result<BTreeSet<Table>> {
    let has_card = |definition: &&Definition| !definition.facts.card.is_empty();
    let mut left: Vec<Table> = definitions.all.values().filter(has_card).map(|definition| definition.table).collect();
    left.extend([Table::DECISION, Table::BLOCK_CANDIDATE]);
    let mut followed = BTreeSet::new();
    while let Some(table) = left.pop() {
        // Tables that no definition writes are what came in, and what people said.
        let Some(definition) = definitions.all.get(&table) else { continue };
        if followed.insert(table) {
            let reads = reads(definition).with_context(|| definition.sql_file())?;
            left.extend(reads.into_iter().map(|read| read.table));
        }
    }
    Ok(followed)
}

/// Tables that are read but that nobody writes.
pub fn unwritten(definitions: &Definitions) -> anyhow::Result<BTreeSet<Table>> {
    let mut unwritten = BTreeSet::new();
    for definition in definitions.all.values() {
        for read in reads(definition)? {
            let by_pipeline = matches!(read.table.contract().writer, Writer::Pipeline | Writer::Decide);
            if by_pipeline && !definitions.all.contains_key(&read.table) {
                unwritten.insert(read.table);
            }
        }
    }
    Ok(unwritten)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_run_left_of_a_day_is_for_the_own_definition_alone() {
        let so_far = |own| read(own, "survey_request_so_far").map_err(|problem| problem.to_string());
        assert_eq!(so_far(Table::SURVEY_REQUEST), Ok(Read { table: Table::SURVEY_REQUEST, before: true }));
        let refused = "\"survey_request_so_far\" is for the definition of survey_request alone";
        assert_eq!(so_far(Table::BLOCK_CANDIDATE), Err(refused.to_owned()));
    }

    #[test]
    fn rules_are_others_where_a_verdict_could_be_and_a_promotion_answers_for_all() {
        let ours = Definitions::read(&crate::pipeline::run::folder(None)).unwrap();
        let (rules, promoted) = (ours.rules().unwrap(), ours.hash().unwrap());
        assert_eq!(promoted.split_once('-').unwrap().0, rules);
        let is_another = |table: Table| {
            let mut changed = ours.clone();
            changed.all.get_mut(&table).unwrap().hash = "other".to_owned();
            assert_ne!(changed.hash().unwrap(), promoted, "{table}");
            changed.rules().unwrap() != rules
        };
        // Whom the day before had asked is evidence of the next.
        for table in [Table::CALL_EVENT, Table::RELATION, Table::SPAM_SCORE, Table::SURVEY_REQUEST, Table::DECISION] {
            assert!(is_another(table), "{table}");
        }
        for table in [Table::REGULATOR_WEEK, Table::BLOCKLIST_DAY, Table::RULE_PRECISION, Table::TRAINING_ROW] {
            assert!(!is_another(table), "{table}");
        }
        let mut changed = ours.clone();
        let card = ours.cards()["offnet_v1"].clone();
        changed.all.get_mut(&Table::REGULATOR_WEEK).unwrap().facts.card.insert("offnet_v1".to_owned(), card);
        assert_ne!(changed.rules().unwrap(), rules, "a card counts wherever it is written");
    }
}
