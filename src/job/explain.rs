//! `explain`: why a number has the score that it has.
//!
//! In: a number and a day. Out: every component with its value, bin, points and place among its peers, what would clear
//! the number, what it was found at, and the verdict of the day; of a number that was not judged, the day on which it was. Never: computes a
//! score of its own: it reads the row and the card that made it.

use std::collections::BTreeMap;

use anyhow::Context;
use arrow::array::{Array, Float64Array, RecordBatch};
use arrow::datatypes::DataType;
use datafusion::prelude::{Expr, col, lit};
use datafusion::scalar::ScalarValue;
use serde::Serialize;

use crate::domain::day::Day;
use crate::domain::lang::Lang;
use crate::domain::number::Number;
use crate::lake::{Handle, Lake};
use crate::pipeline::definition::Definitions;
use crate::schema::column::{decision, spam_score};
use crate::schema::contract::Table;
use crate::score::explanation::{BASE, Explanation, Judged, Line};

/// The score was made by a card that is not at hand any more.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Outdated(String);

/// The explanation of a number that the caller handed in.
#[derive(Debug, Clone, Serialize)]
pub struct Explained {
    /// The number, in clear.
    pub number: i64,
    /// The explanation.
    #[serde(flatten)]
    pub explanation: Explanation,
}

impl Explained {
    /// The explanation for people.
    pub fn text(&self, lang: Lang) -> String {
        let day = self.explanation.day;
        let head = match lang {
            Lang::En => format!("{} on {day}", self.number),
            Lang::Vi => format!("{} ngày {day}", self.number),
        };
        format!("{head}\n{}", self.explanation.text(lang))
    }
}

/// What is held of a subscription: its activation, verdict, cause and case, what it was found at, and why it is locked.
struct Held {
    activated_at: Option<i64>,
    verdict: (String, String, String),
    detections: Option<String>,
    lock_reason: Option<String>,
}

/// Explains a number on a day.
pub async fn explain(lake: &Lake, definitions: &Definitions, number: Number, day: Day) -> anyhow::Result<Explained> {
    let nothing = || format!("nothing has been scored yet; `callsieve run --day {day}` does");
    let scores = lake.find(Table::SPAM_SCORE).await?.with_context(nothing)?;
    let held = held(lake, number, day).await?;
    let mut explanation = match judged_on(&scores, definitions, number, day).await? {
        Some(explanation) => explanation,
        None => Explanation {
            last_judged: last_judged(&scores, number, held.as_ref(), day).await?,
            ..Explanation::unjudged(day)
        },
    };
    if let Some(held) = held {
        explanation.verdict = Some(held.verdict);
        explanation.detections = held.detections;
        explanation.lock_reason = held.lock_reason;
    }
    Ok(Explained { number: number.reveal(), explanation })
}

/// Explains the score of a number on a day by the table that holds it; nothing when it was not judged.
pub(super) async fn judged_on(
    scores: &Handle,
    definitions: &Definitions,
    number: Number,
    day: Day,
) -> anyhow::Result<Option<Explanation>> {
    let rows = scores.rows(vec![on(spam_score::DAY.name, day), is(spam_score::CALLER.name, number)], &[]).await?;
    match rows.iter().find(|batch| batch.num_rows() > 0) {
        Some(row) => judged(scores, definitions, row, day).await.map(Some),
        None => Ok(None),
    }
}

fn on(column: &str, day: Day) -> Expr {
    col(column).eq(date(day))
}

fn date(day: Day) -> Expr {
    lit(ScalarValue::Date32(Some(day.epoch_days())))
}

fn is(column: &str, number: Number) -> Expr {
    col(column).eq(lit(number.reveal()))
}

/// What is held of the newest subscription of a number on a day.
async fn held(lake: &Lake, number: Number, day: Day) -> anyhow::Result<Option<Held>> {
    let Some(decisions) = lake.find(Table::DECISION).await? else { return Ok(None) };
    let filters = vec![on(decision::DAY.name, day), is(decision::NUMBER.name, number)];
    let mut newest: Option<Held> = None;
    for batch in decisions.rows(filters, &[]).await? {
        let activated = decision::ACTIVATED_AT.of(&batch)?;
        let (verdict, cause) = (decision::VERDICT.of(&batch)?, decision::CAUSE.of(&batch)?);
        let (case, detections) = (decision::CASE_ID.of(&batch)?, decision::DETECTIONS.of(&batch)?);
        let locks = decision::LOCK_REASON.of(&batch)?;
        for row in 0..batch.num_rows() {
            let activated_at = activated.is_valid(row).then(|| activated.value(row));
            if newest.as_ref().is_none_or(|newest| newest.activated_at < activated_at) {
                let verdict = [verdict.value(row), cause.value(row), case.value(row)].map(str::to_owned).into();
                let detections = detections.is_valid(row).then(|| detections.value(row).to_owned());
                let lock_reason = locks.is_valid(row).then(|| locks.value(row).to_owned());
                newest = Some(Held { activated_at, verdict, detections, lock_reason });
            }
        }
    }
    Ok(newest)
}

/// The last day before another on which a number was judged, in the subscription of which something is held, if any.
async fn last_judged(scores: &Handle, number: Number, held: Option<&Held>, day: Day) -> anyhow::Result<Option<Day>> {
    let filters = vec![col(spam_score::DAY.name).lt(date(day)), is(spam_score::CALLER.name, number)];
    let mut last = None;
    for batch in scores.rows(filters, &[spam_score::DAY.name, spam_score::ACTIVATED_AT.name]).await? {
        let (days, activated) = (spam_score::DAY.of(&batch)?, spam_score::ACTIVATED_AT.of(&batch)?);
        for row in 0..batch.num_rows() {
            let activated_at = activated.is_valid(row).then(|| activated.value(row));
            if held.is_none_or(|held| held.activated_at == activated_at) {
                last = last.max(Some(Day::from_epoch_days(days.value(row))));
            }
        }
    }
    Ok(last)
}

/// The explanation of a row of `spam_score`; an error where the rules would give other points today.
async fn judged(
    scores: &Handle,
    definitions: &Definitions,
    row: &RecordBatch,
    day: Day,
) -> anyhow::Result<Explanation> {
    let name = spam_score::CARD.of(row)?.value(0);
    let cards = definitions.cards();
    let card = cards.get(name).ok_or_else(|| Outdated(format!("the rules no longer have card {name}")))?;
    let characteristics: Vec<&str> =
        card.characteristic.keys().map(String::as_str).filter(|name| *name != BASE).collect();
    let mut values = BTreeMap::new();
    for characteristic in &characteristics {
        let value = floats(row, characteristic)?;
        if value.is_valid(0) {
            values.insert((*characteristic).to_owned(), value.value(0));
        }
    }
    let all = of_all(scores, name, &characteristics, day).await?;
    let scored = definitions.get(Table::SPAM_SCORE)?;
    let line = definitions.get(Table::BLOCK_CANDIDATE)?.float("evidence_score")?;
    let explanation = Explanation::judged(
        day,
        &Judged {
            name,
            card,
            values: &values,
            all: &all,
            names: &scored.facts.name,
            score: spam_score::SCORE.of(row)?.value(0),
            line: Line::at(line, card),
        },
    );
    let (explained, points) = (explanation.points.unwrap_or_default(), spam_score::POINTS.of(row)?.value(0));
    if explained == points {
        return Ok(explanation);
    }
    Err(Outdated(format!(
        "the card has changed since: it gives {explained} points now, the score of that day was made of {points}"
    ))
    .into())
}

/// What all numbers that a card has judged on a day have of each characteristic.
async fn of_all(
    scores: &Handle,
    card: &str,
    characteristics: &[&str],
    day: Day,
) -> anyhow::Result<BTreeMap<String, Vec<f64>>> {
    let mut all: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let by_the_card = vec![on(spam_score::DAY.name, day), col(spam_score::CARD.name).eq(lit(card))];
    for batch in scores.rows(by_the_card, characteristics).await? {
        for characteristic in characteristics {
            let values = floats(&batch, characteristic)?;
            all.entry((*characteristic).to_owned()).or_default().extend(values.iter().flatten());
        }
    }
    Ok(all)
}

/// The values of a characteristic in rows of `spam_score`, where its column has its name.
fn floats(batch: &RecordBatch, characteristic: &str) -> anyhow::Result<Float64Array> {
    let column = batch.column_by_name(characteristic).with_context(|| format!("spam_score has no {characteristic}"))?;
    let column = arrow::compute::cast(column, &DataType::Float64)?;
    column.as_any().downcast_ref::<Float64Array>().cloned().context("a cast gives what it says")
}
