//! Checked reports against the hidden truth, and whether a false one ever weighed on anybody.
//!
//! In: the tables `report_check`, `report_day` and `block_candidate`, and what the synthetic operator knows of each report.
//! Out: the figures under `reports` in `summary.json`. Never: feeds anything back into the pipeline.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, RecordBatch};
use serde::Serialize;

use crate::schema::column::{block_candidate, report_check, report_day};
use crate::source::synthetic::Accusation;

/// Figures of reports. Unit: a number that a report of a measured day names, or a number alone where it says so.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reports {
    /// Numbers of reports that were checked and that the operator had sent.
    pub checked: usize,
    /// Of them, those that no record tells of yet.
    pub not_here_yet: usize,
    /// Matched or not as it really was, among the checked.
    pub verified_right_share: Option<f64>,
    /// The same by why it was sent: bothered, mistaken, malicious or brigade.
    pub right_share_by_motive: BTreeMap<&'static str, f64>,
    /// Numbers that a brigade was set on.
    pub brigaded: usize,
    /// Of them, those that `report_day` knows for it.
    pub brigaded_seen: usize,
    /// Numbers of which reports are evidence, and that nobody reported who had been bothered by them.
    pub wrongly_held: usize,
}

/// The state of a number that a report lists and nobody has read.
const UNREAD: &str = "";

/// Compares checks with what each report really was.
pub fn figures(
    checks: &[RecordBatch],
    days: &[RecordBatch],
    candidates: &[RecordBatch],
    accusations: &[Accusation],
) -> anyhow::Result<Reports> {
    let accused: BTreeSet<(&str, i64)> = accusations.iter().map(|one| (one.report_id.as_str(), one.source)).collect();
    let mut named: BTreeMap<(&str, i64), &str> = BTreeMap::new();
    let mut instead: BTreeMap<&str, &str> = BTreeMap::new();
    let mut misled: BTreeSet<&str> = BTreeSet::new();
    for batch in checks {
        let (id, source) = (report_check::REPORT_ID.of(batch)?, report_check::SOURCE.of(batch)?);
        let state = report_check::STATE.of(batch)?;
        for row in 0..batch.num_rows() {
            let (id, state) = (id.value(row), state.value(row));
            let number = source.is_valid(row).then(|| source.value(row));
            match number.filter(|number| accused.contains(&(id, *number))) {
                Some(number) => {
                    named.insert((id, number), state);
                }
                None => {
                    instead.entry(id).or_insert(state);
                    if number.is_some() && state == "matched" {
                        misled.insert(id);
                    }
                }
            }
        }
    }
    let mut right: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
    let (mut not_here_yet, mut brigaded) = (0, BTreeSet::new());
    for accusation in accusations {
        let id = accusation.report_id.as_str();
        // Where a number was not read, what was read instead counts, and a match of somebody else is wrong whatever was
        // due; where only others of its list were read, it is no match.
        let is_checked = || named.range((id, i64::MIN)..=(id, i64::MAX)).next().is_some();
        let read = named.get(&(id, accusation.source));
        let is_misled = read.is_none() && misled.contains(id);
        let state = read.or_else(|| instead.get(id)).copied();
        let Some(state) = state.or_else(|| is_checked().then_some(UNREAD)) else { continue };
        not_here_yet += usize::from(state == "not_here_yet");
        right.entry(accusation.motive).or_default().push(!is_misled && (state == "matched") == accusation.is_due);
        if accusation.motive == "brigade" {
            brigaded.insert(accusation.source);
        }
    }
    let seen = seen(days)?;
    let with_reason = accusations.iter().filter(|one| one.is_due && one.motive == "bothered");
    let bothering: BTreeSet<i64> = with_reason.map(|one| one.source).collect();
    let all: Vec<bool> = right.values().flatten().copied().collect();
    Ok(Reports {
        checked: all.len(),
        not_here_yet,
        verified_right_share: share(&all),
        right_share_by_motive: right.iter().filter_map(|(motive, list)| Some((*motive, share(list)?))).collect(),
        brigaded: brigaded.len(),
        brigaded_seen: brigaded.intersection(&seen).count(),
        wrongly_held: held(candidates)?.difference(&bothering).count(),
    })
}

/// Numbers that `report_day` takes for the victim of a brigade.
fn seen(days: &[RecordBatch]) -> anyhow::Result<BTreeSet<i64>> {
    let mut seen = BTreeSet::new();
    for batch in days {
        let (source, brigade) = (report_day::SOURCE.of(batch)?, report_day::BRIGADE.of(batch)?);
        seen.extend((0..batch.num_rows()).filter(|row| brigade.is_valid(*row)).map(|row| source.value(row)));
    }
    Ok(seen)
}

/// Numbers against which people's word is evidence though nobody who was asked said so.
fn held(candidates: &[RecordBatch]) -> anyhow::Result<BTreeSet<i64>> {
    let mut held = BTreeSet::new();
    for batch in candidates {
        let (number, yes) = (block_candidate::NUMBER.of(batch)?, block_candidate::SURVEY_YES.of(batch)?);
        let is_evidence = block_candidate::IS_PEOPLE_EVIDENCE.of(batch)?;
        let rows = (0..batch.num_rows()).filter(|row| is_evidence.value(*row) && yes.value(*row) == 0);
        held.extend(rows.map(|row| number.value(row)));
    }
    Ok(held)
}

fn share(right: &[bool]) -> Option<f64> {
    super::share(right.iter().filter(|right| **right).count(), right.len())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, BooleanArray, Int64Array, StringArray};

    use super::*;
    use crate::clock::Clock;
    use crate::job::seed::Seeder;
    use crate::lake::Lake;
    use crate::pipeline::definition::Definitions;
    use crate::pipeline::run::Runner;
    use crate::schema::contract::Table;
    use crate::source::synthetic::{BeyondOptions, Operator, Options, ReportOptions};

    fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap()
    }

    fn accusation(report_id: &str, source: i64, motive: &'static str, is_due: bool) -> Accusation {
        let report_id = report_id.to_owned();
        Accusation { report_id, reporter: 9, source, reported_at: 0, called_at: None, motive, is_sms: false, is_due }
    }

    #[test]
    fn a_check_is_right_when_it_matches_what_was_and_nothing_else() {
        let accusations = [
            accusation("a", 1, "bothered", true),
            accusation("a", 6, "bothered", false),
            accusation("b", 1, "bothered", true),
            accusation("c", 2, "brigade", false),
            accusation("c", 9, "bothered", true),
            accusation("d", 3, "malicious", false),
            accusation("e", 9, "bothered", true),
            accusation("f", 7, "bothered", true),
        ];
        let texts = |list: [&str; 8]| Arc::new(StringArray::from_iter_values(list)) as ArrayRef;
        // Of the first report a number is read that it does not name, before its own two; of the third one of two is
        // not read; the fourth was read otherwise, and the last but one was not checked. Of the last somebody else is
        // read, who had called as well.
        let ids = texts(["a", "a", "a", "b", "c", "d", "of another operator", "f"]);
        let sources = Int64Array::from(vec![Some(5), Some(1), Some(6), None, Some(2), Some(4), Some(1), Some(8)]);
        let not = "no_such_call";
        let states = texts([not, "matched", not, "not_here_yet", not, "matched", "matched", "matched"]);
        let checks = batch([
            (report_check::REPORT_ID.name, ids),
            (report_check::SOURCE.name, Arc::new(sources)),
            (report_check::STATE.name, states),
        ]);
        let days = batch([
            (report_day::SOURCE.name, Arc::new(Int64Array::from(vec![1, 2]))),
            (report_day::BRIGADE.name, Arc::new(StringArray::from(vec![None, Some("burst")]))),
        ]);
        let candidates = batch([
            (block_candidate::NUMBER.name, Arc::new(Int64Array::from(vec![1, 2, 3, 4]))),
            (block_candidate::SURVEY_YES.name, Arc::new(Int64Array::from(vec![0, 0, 0, 2]))),
            (block_candidate::IS_PEOPLE_EVIDENCE.name, Arc::new(BooleanArray::from(vec![true, false, true, true]))),
        ]);
        let found = figures(&[checks], &[days], &[candidates], &accusations).unwrap();
        let expected = Reports {
            checked: 7,
            not_here_yet: 1,
            verified_right_share: Some(3.0 / 7.0),
            right_share_by_motive: BTreeMap::from([("bothered", 0.4), ("brigade", 1.0), ("malicious", 0.0)]),
            brigaded: 1,
            brigaded_seen: 1,
            // Number 1 was reported with reason, number 4 by those who were asked.
            wrongly_held: 1,
        };
        assert_eq!(found, expected);
    }
    const PIPELINES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines");

    /// Writes an operator's days into a lake, checks its reports and joins the evidence.
    async fn verified(options: &Options) -> Reports {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(folder.path()).unwrap();
        let mut operator = Operator::new(options.clone());
        let mut seeder = Seeder::open(&lake, Clock::System.now()).await.unwrap();
        let mut messages = operator.subscribers();
        while let Some(traffic) = operator.next_day() {
            messages.extend(traffic.messages);
        }
        for message in &messages {
            seeder.add(message).await.unwrap();
        }
        seeder.finish().await.unwrap();

        let definitions = Definitions::read(Path::new(PIPELINES)).unwrap();
        let mut runner = Runner::new(lake.clone(), definitions, Clock::System);
        let (first, until) = (options.first_day, options.first_day.plus(options.days.cast_signed()));
        for day in first.plus(-6).until(until) {
            let tables = [Table::CALL_EVENT, Table::SMS_EVENT, Table::CONTACT_DAY];
            runner.run(&tables, day).await.unwrap();
        }
        for day in first.until(until) {
            let tables = [Table::REPORT_CHECK, Table::REPORT_DAY, Table::BLOCK_CANDIDATE];
            runner.run(&tables, day).await.unwrap();
        }
        let mut tables = vec![];
        for table in [Table::REPORT_CHECK, Table::REPORT_DAY, Table::BLOCK_CANDIDATE] {
            tables.push(lake.open(table).await.unwrap().rows(vec![], &[]).await.unwrap());
        }
        figures(&tables[0], &tables[1], &tables[2], operator.accusations()).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn ninety_nine_of_a_hundred_reports_are_verified_and_no_false_one_holds_anybody() {
        let report = ReportOptions { least_share: 0.05, most_share: 0.15, malicious_share: 0.05, ..Default::default() };
        let beyond = BeyondOptions { brigade_day_share: 1.0, ..BeyondOptions::NOTHING };
        let options = Options {
            subscribers: 1_500,
            days: 5,
            history_days: 7,
            spam_share: 0.05,
            report,
            beyond,
            ..Options::default()
        };
        let reports = verified(&options).await;
        assert!(reports.checked > 200 && reports.brigaded > 2, "{reports:?}");
        assert!(reports.verified_right_share.is_some_and(|share| share >= 0.99), "{reports:?}");
        assert_eq!((reports.wrongly_held, reports.brigaded_seen), (0, reports.brigaded), "{reports:?}");
    }
}
