//! `explain`: why a number has the score that it has.
//!
//! In: a number and a day. Out: every component with its value, bin and points, what it was found at, and the verdict
//! of the day.
//! Never: computes a score of its own: it reads the row and the card that made it.

use anyhow::Context;
use arrow::array::{Array, Float64Array, RecordBatch};
use datafusion::prelude::{col, lit};
use serde::Serialize;

use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::lake::Lake;
use crate::pipeline::definition::Definitions;
use crate::schema::column::{decision, spam_score};
use crate::schema::contract::Table;

/// One line of an explanation.
#[derive(Debug, Clone, Serialize)]
pub struct Component {
    /// Which of the five criteria, or support.
    pub criterion: String,
    /// Column of `spam_score` that was scored.
    pub characteristic: String,
    /// Its value.
    pub value: Option<f64>,
    /// The bin that it fell in, with its thresholds.
    pub bin: String,
    /// The bin's points.
    pub points: i64,
    /// Why the card gives them.
    pub why: String,
}

/// An explanation.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The number, as the caller handed it in.
    pub number: i64,
    /// The day.
    pub day: String,
    /// Card that scored it; `None` when it was not judged.
    pub card: Option<String>,
    /// Components, the five criteria first.
    pub components: Vec<Component>,
    /// Their sum.
    pub points: Option<i64>,
    /// The score.
    pub score: Option<f64>,
    /// The verdict of the day with its cause and case.
    pub verdict: Option<(String, String, String)>,
    /// What the verdict holds that it was found at, by type; `None` when at nothing.
    pub detections: Option<String>,
}

/// Explains a number on a day.
pub async fn explain(lake: &Lake, definitions: &Definitions, number: Number, day: Day) -> anyhow::Result<Explanation> {
    let mut explanation = Explanation {
        number: number.reveal(),
        day: day.to_string(),
        card: None,
        components: Vec::new(),
        points: None,
        score: None,
        verdict: None,
        detections: None,
    };
    let scores = lake.find(Table::SPAM_SCORE).await?.context("nothing has been scored yet")?;
    if let Some(batch) = one(&scores, spam_score::CALLER.name, number, day).await? {
        score(&mut explanation, definitions, &batch)?;
    }
    if let Some(decisions) = lake.find(Table::DECISION).await?
        && let Some(batch) = one(&decisions, decision::NUMBER.name, number, day).await?
    {
        let text = |column: crate::schema::column::Column<arrow::array::StringArray>| -> anyhow::Result<String> {
            Ok(column.of(&batch)?.value(0).to_owned())
        };
        explanation.verdict = Some((text(decision::VERDICT)?, text(decision::CAUSE)?, text(decision::CASE_ID)?));
        let detections = decision::DETECTIONS.of(&batch)?;
        explanation.detections = detections.is_valid(0).then(|| detections.value(0).to_owned());
    }
    Ok(explanation)
}

async fn one(
    handle: &crate::lake::Handle,
    column: &str,
    number: Number,
    day: Day,
) -> anyhow::Result<Option<RecordBatch>> {
    let day = lit(datafusion::scalar::ScalarValue::Date32(Some(day.epoch_days())));
    let filters = vec![col("day").eq(day), col(column).eq(lit(number.reveal()))];
    Ok(handle.rows(filters, &[]).await?.into_iter().find(|batch| batch.num_rows() > 0))
}

fn score(explanation: &mut Explanation, definitions: &Definitions, batch: &RecordBatch) -> anyhow::Result<()> {
    let name = spam_score::CARD.of(batch)?.value(0).to_owned();
    let cards = definitions.cards();
    let card = cards.get(&name).with_context(|| format!("the rules no longer have card {name}"))?;
    for (characteristic, found) in &card.characteristic {
        let value = value(batch, characteristic)?;
        explanation.components.push(Component {
            criterion: found.criterion.clone(),
            characteristic: characteristic.clone(),
            value,
            bin: if found.below.is_empty() { String::new() } else { found.bin_text(value) },
            points: if characteristic == "base" { found.points(Some(0.0)) } else { found.points(value) },
            why: found.why.clone(),
        });
    }
    let place =
        |component: &Component| crate::score::card::CRITERIA.iter().position(|name| *name == component.criterion);
    explanation.components.sort_by_key(place);
    let points = spam_score::POINTS.of(batch)?.value(0);
    let explained: i64 = explanation.components.iter().map(|component| component.points).sum();
    anyhow::ensure!(
        explained == points,
        "the card has changed since: it gives {explained} points now, the score of that day was made of {points}"
    );
    explanation.points = Some(points);
    explanation.score = Some(spam_score::SCORE.of(batch)?.value(0));
    explanation.card = Some(name);
    Ok(())
}

/// The value of a characteristic in a row of `spam_score`, where its column has its name.
fn value(batch: &RecordBatch, characteristic: &str) -> anyhow::Result<Option<f64>> {
    if characteristic == "base" {
        return Ok(None);
    }
    let column = batch.column_by_name(characteristic).with_context(|| format!("spam_score has no {characteristic}"))?;
    let column = arrow::compute::cast(column, &arrow::datatypes::DataType::Float64)?;
    let column = column.as_any().downcast_ref::<Float64Array>().context("a cast gives what it says")?;
    Ok(column.is_valid(0).then(|| column.value(0)))
}

impl Explanation {
    /// The explanation for people.
    pub fn text(&self) -> String {
        let mut lines = vec![format!("{} on {}", self.number, self.day)];
        match (&self.card, self.points, self.score) {
            (Some(card), Some(points), Some(score)) => {
                lines.push(format!("score {score:.3} from {points} points, card {card}"));
                lines.push(format!(
                    "  {:<11} {:<24} {:>9}  {:<14} {:>6}",
                    "criterion", "value of", "value", "bin", "points"
                ));
                for component in &self.components {
                    let value = component.value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
                    lines.push(format!(
                        "  {:<11} {:<24} {:>9}  {:<14} {:>+6}",
                        component.criterion, component.characteristic, value, component.bin, component.points
                    ));
                }
            }
            _ => lines.push("not judged: too few calls in the window, or never seen".to_owned()),
        }
        if let Some(detections) = &self.detections {
            lines.push(format!("found at {detections}"));
        }
        match &self.verdict {
            Some((verdict, cause, case)) => lines.push(format!("verdict {verdict} ({cause}), case {case}")),
            None => lines.push("verdict clear".to_owned()),
        }
        lines.join("\n")
    }
}
