//! `receipts`: what the network was asked, against what it says it did.
//!
//! In: `receipt_day` of a day, computed anew. Out: counts, and every number that is not as asked, masked. Never: takes a
//! receipt for missing before it is due, though the day's end be ahead.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use serde::Serialize;

use super::decide;
use crate::clock::Clock;
use crate::domain::day::{Day, instant};
use crate::lake::Lake;
use crate::pipeline::definition::Definitions;
use crate::pipeline::run::Runner;
use crate::schema::column::receipt_day as column;
use crate::schema::contract::Table;

/// The worst comes first.
const NOT_AS_ASKED: [&str; 4] = ["not_asked", "failed", "missing", "unknown"];
const OUTCOMES: [&str; 6] = ["in_effect", "pending", "missing", "failed", "unknown", "not_asked"];

/// The network has not done what it was asked, or more: exit code 5.
#[derive(Debug, thiserror::Error)]
#[error("{0} numbers are not as the network was asked")]
pub struct NotAsAsked(pub usize);

/// A day's receipts.
#[derive(Debug, Serialize)]
pub struct Reconciled {
    /// The day.
    pub day: Day,
    /// Numbers by outcome.
    pub outcomes: BTreeMap<&'static str, usize>,
    /// Those that are not as asked.
    pub numbers: Vec<Line>,
}

/// A number that is not as asked.
#[derive(Debug, Serialize)]
pub struct Line {
    /// Masked; the table has it in clear.
    pub number: String,
    /// What became of it.
    pub outcome: &'static str,
    /// What was asked last.
    pub action: Option<String>,
    /// What the network has done last.
    pub effect: Option<String>,
    /// The case that it was asked for.
    pub case_id: Option<String>,
    /// The publication that asked.
    pub sequence: Option<i64>,
    /// The network's code.
    pub code: Option<String>,
    /// When the network says so, UTC.
    pub reported_at: Option<String>,
}

/// Computes a day's receipts and sums them up.
pub async fn day(lake: &Lake, definitions: Definitions, day: Day, clock: Clock) -> anyhow::Result<Reconciled> {
    let mut runner = Runner::new(lake.clone(), definitions, clock);
    lake.alone(async {
        runner.run(&[Table::RECEIPT_DAY], day).await?;
        match runner.newest(Table::RECEIPT_DAY).await? {
            Some(table) => sum_up(day, &table.day(day).await?, clock.now()),
            None => sum_up(day, &[], clock.now()),
        }
    })
    .await
}

fn sum_up(day: Day, batches: &[RecordBatch], now: i64) -> anyhow::Result<Reconciled> {
    let mut outcomes: BTreeMap<&'static str, usize> = OUTCOMES.map(|outcome| (outcome, 0)).into();
    let mut numbers = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let outcome = outcome(batch, row, now)?;
            *outcomes.entry(outcome).or_default() += 1;
            if NOT_AS_ASKED.contains(&outcome) {
                numbers.push(line(batch, row, outcome)?);
            }
        }
    }
    numbers.sort_by_key(|line| NOT_AS_ASKED.iter().position(|outcome| *outcome == line.outcome));
    Ok(Reconciled { day, outcomes, numbers })
}

/// The outcome of a row: what the table takes for missing by the end of the day may not be due yet.
fn outcome(batch: &RecordBatch, row: usize, now: i64) -> anyhow::Result<&'static str> {
    let word = column::OUTCOME.of(batch)?.value(row);
    let due_at = decide::optional(column::DUE_AT.of(batch)?, row);
    if word == "missing" && due_at.is_some_and(|due_at| due_at > now) {
        return Ok("pending");
    }
    let known = OUTCOMES.into_iter().find(|outcome| *outcome == word);
    known.ok_or_else(|| anyhow::anyhow!("receipt_day knows no outcome \"{word}\""))
}

fn line(batch: &RecordBatch, row: usize, outcome: &'static str) -> anyhow::Result<Line> {
    Ok(Line {
        number: decide::number(column::NUMBER.of(batch)?.value(row))?.to_string(),
        outcome,
        action: decide::text(column::ACTION.of(batch)?, row),
        effect: decide::text(column::EFFECT.of(batch)?, row),
        case_id: decide::text(column::CASE_ID.of(batch)?, row),
        sequence: decide::optional(column::SEQUENCE.of(batch)?, row),
        code: decide::text(column::CODE.of(batch)?, row),
        reported_at: decide::optional(column::REPORTED_AT.of(batch)?, row).map(instant),
    })
}

impl Reconciled {
    /// Fails when anything is not as asked.
    pub fn verdict(&self) -> Result<(), NotAsAsked> {
        if self.numbers.is_empty() { Ok(()) } else { Err(NotAsAsked(self.numbers.len())) }
    }

    /// The same for people.
    pub fn text(&self) -> String {
        let counts: Vec<String> =
            OUTCOMES.iter().map(|outcome| format!("{} {outcome}", self.outcomes.get(outcome).unwrap_or(&0))).collect();
        let mut lines = vec![format!("{}: {}", self.day, counts.join(", "))];
        for line in &self.numbers {
            let of = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            lines.push(format!(
                "{:<10} {:<14} asked {:<18} in effect {:<18} case {}  code {}  {}",
                line.outcome,
                line.number,
                of(&line.action),
                of(&line.effect),
                of(&line.case_id),
                of(&line.code),
                of(&line.reported_at)
            ));
        }
        if self.outcomes.get("not_asked").is_some_and(|count| *count > 0) {
            lines.push("not_asked: somebody is barred, and no publication asks for it: lift the bar first".to_owned());
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::sheet::Sheet;

    #[test]
    fn a_receipt_is_missed_once_it_is_due_and_a_bar_that_nobody_asked_for_comes_first() {
        let day: Day = "2025-01-06".parse().unwrap();
        let mut sheet = Sheet::new(Table::RECEIPT_DAY.contract());
        let row = sheet.row().day(day).int64(84_900_000_001).text("bar_outgoing").int64(1).text("C-1");
        let row = row.instant(1_000).instant(5_000).text("missing").text_or_null(None).text_or_null(None);
        row.instant_or_null(None).end();
        let row = sheet.row().day(day).int64(84_900_000_002).text_or_null(None).int64_or_null(None);
        let row = row.text_or_null(None).instant_or_null(None).instant_or_null(None).text("not_asked");
        row.text("bar_both").text("E7").instant(2_000).end();
        let batch = sheet.finish();
        let of = |now| {
            let summed = sum_up(day, std::slice::from_ref(&batch), now).unwrap();
            summed.numbers.iter().map(|line| (line.outcome, line.number.clone())).collect::<Vec<_>>()
        };
        let danger = ("not_asked", "84900•••002".to_owned());
        assert_eq!(of(4_999), std::slice::from_ref(&danger), "not due yet");
        assert_eq!(of(5_000), [danger, ("missing", "84900•••001".to_owned())]);
        let summed = sum_up(day, std::slice::from_ref(&batch), 5_000).unwrap();
        assert_eq!(
            summed.text().lines().take(2).collect::<Vec<_>>(),
            [
                "2025-01-06: 0 in_effect, 0 pending, 1 missing, 0 failed, 0 unknown, 1 not_asked",
                "not_asked  84900•••002    asked -                  in effect bar_both           case -  code E7  \
                 1970-01-01T00:00:00Z",
            ]
        );
        assert!(summed.verdict().is_err());
    }
}
