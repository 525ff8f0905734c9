//! `scorecard labels`: rows to train a card on, out of what people said of subscriptions.
//!
//! In: weeks of a lake, of which `training_row` is computed anew. Out: a file of labels and values, and beside it the names
//! of the columns to train on. Never: a number; two rows of a subscription; one person's SIMs in two groups.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use parquet::arrow::ArrowWriter;
use serde::Serialize;

use crate::clock::Clock;
use crate::domain::day::Day;
use crate::job::decide::optional;
use crate::lake::Lake;
use crate::pipeline::definition::Definitions;
use crate::pipeline::run::Runner;
use crate::schema::column::training_row as column;
use crate::schema::contract::Table;

/// What `spam_score` scores, by the names that its cards use.
pub(super) const VALUES: [&str; 13] = [
    column::CALLS_PER_ACTIVE_DAY.name,
    column::PEAK_CALLS_600S.name,
    column::OUT_SHARE.name,
    column::CALLED_BACK_SHARE.name,
    column::CELLS_PER_CALL.name,
    column::SHORT_CALL_SHARE_ALL.name,
    column::SHORT_GAP_SHARE.name,
    column::NEW_CALLEE_CALL_SHARE.name,
    column::CALLS_PER_CALLEE.name,
    column::TOP_CALLEE_SHARE.name,
    column::SEQUENTIAL_CALL_SHARE.name,
    column::ANSWERED_SHARE.name,
    column::IMEIS.name,
];

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The rows.
    pub file: PathBuf,
    /// A file that names the columns to train on, one on a line.
    pub columns: PathBuf,
    /// Rows: subscriptions.
    pub rows: usize,
    /// Spam among them.
    pub positives: usize,
    /// Groups that they fall into.
    pub groups: usize,
    /// The classes by who says so.
    pub sources: BTreeMap<String, Classes>,
    /// Labelled subscriptions that were not judged before a flag or anybody's word could change them; they are left out.
    pub not_judged: usize,
}

/// Rows of each class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Classes {
    /// Spam.
    pub positives: usize,
    /// None.
    pub negatives: usize,
}

/// What is said of a subscription.
#[derive(Debug, Clone)]
struct Said {
    is_spam: bool,
    source: String,
    weight: f64,
    /// Whether the card for our own subscribers scored it.
    is_onnet: bool,
    settled_at: i64,
    /// What it shares with other subscriptions of the same person: an identity, handsets.
    ties: Vec<String>,
    /// `None` where it was not judged in time.
    values: Option<Vec<Option<f64>>>,
}

/// Writes the rows of the weeks that the days from `from` to `until` lie in.
pub async fn labels(
    lake: &Lake,
    definitions: Definitions,
    (from, until): (Day, Day),
    out: &Path,
) -> anyhow::Result<Summary> {
    let weeks: Vec<Day> = from.week().monday().until(until.plus(1)).step_by(7).collect();
    let mut runner = Runner::new(lake.clone(), definitions, Clock::System);
    lake.alone(async {
        for week in &weeks {
            // Reviews and answers go on coming, so a week that was computed before is computed again.
            runner.run(&[Table::TRAINING_ROW], *week).await?;
        }
        Ok(())
    })
    .await?;
    let table = runner.newest(Table::TRAINING_ROW).await?.context("the weeks were just computed")?;
    let mut known = BTreeMap::new();
    for week in weeks {
        for batch in table.day(week).await? {
            read(&batch, &mut known)?;
        }
    }
    let all = known.len();
    let said: Vec<Said> = known.into_values().filter(|said| said.values.is_some()).collect();
    let groups = groups(&said);
    let mut summary = Summary {
        file: out.to_owned(),
        columns: out.with_extension("columns"),
        rows: said.len(),
        positives: said.iter().filter(|said| said.is_spam).count(),
        groups: groups.iter().max().map_or(0, |last| last + 1),
        sources: BTreeMap::new(),
        not_judged: all - said.len(),
    };
    for said in &said {
        let classes = summary.sources.entry(said.source.clone()).or_default();
        *if said.is_spam { &mut classes.positives } else { &mut classes.negatives } += 1;
    }
    ensure!(0 < summary.positives && summary.positives < summary.rows, "{}", summary.one_class());
    write(out, &batch(&said, &groups)?)?;
    let names = VALUES.join("\n") + "\n";
    std::fs::write(&summary.columns, names).with_context(|| format!("writing {}", summary.columns.display()))?;
    Ok(summary)
}

/// Takes in a week's rows; of two about a subscription, that of the heavier word stays, or of the newer one.
fn read(batch: &RecordBatch, known: &mut BTreeMap<(i64, Option<i64>), Said>) -> anyhow::Result<()> {
    let mut values = Vec::new();
    for name in VALUES {
        let column = batch.column_by_name(name).with_context(|| format!("training_row has no column {name}"))?;
        values.push(cast(column, &DataType::Float64)?);
    }
    let values: Vec<&Float64Array> = values.iter().map(|column| column.as_primitive::<Float64Type>()).collect();
    let (identities, handsets) = (column::IDENTITY.of(batch)?, column::HANDSETS.of(batch)?);
    let onnet = column::IS_ONNET.of(batch)?;
    for row in 0..batch.num_rows() {
        let subject = (column::NUMBER.of(batch)?.value(row), optional(column::ACTIVATED_AT.of(batch)?, row));
        let identity = identities.is_valid(row).then(|| format!("identity {}", identities.value(row)));
        let handsets = if handsets.is_valid(row) { handsets.value(row) } else { "" };
        let handsets = handsets.split('+').filter(|one| !one.is_empty()).map(|one| format!("handset {one}"));
        let is_judged = column::SCORE_DAY.of(batch)?.is_valid(row);
        let said = Said {
            is_spam: column::LABEL.of(batch)?.value(row) == 1,
            source: column::LABEL_SOURCE.of(batch)?.value(row).to_owned(),
            weight: column::WEIGHT.of(batch)?.value(row),
            is_onnet: onnet.is_valid(row) && onnet.value(row),
            settled_at: column::SETTLED_AT.of(batch)?.value(row),
            ties: identity.into_iter().chain(handsets).collect(),
            values: is_judged.then(|| values.iter().map(|column| optional(column, row)).collect()),
        };
        let outweighs =
            |other: &Said| said.weight.total_cmp(&other.weight).then(said.settled_at.cmp(&other.settled_at)).is_ge();
        match known.get_mut(&subject) {
            None => drop(known.insert(subject, said)),
            Some(other) => {
                // What either week knows of its person ties it.
                let ties = [std::mem::take(&mut other.ties), said.ties.clone()].concat();
                if outweighs(other) {
                    *other = said;
                }
                other.ties = ties;
            }
        }
    }
    Ok(())
}

/// The group of each row, counted from 0: rows with a tie in common are in one, and so are those that others tie.
fn groups(said: &[Said]) -> Vec<usize> {
    let mut leads: Vec<usize> = (0..said.len()).collect();
    let lead = |leads: &[usize], mut row: usize| {
        while leads[row] != row {
            row = leads[row];
        }
        row
    };
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (row, said) in said.iter().enumerate() {
        for tie in &said.ties {
            let other = *first.entry(tie).or_insert(row);
            let (one, other) = (lead(&leads, row), lead(&leads, other));
            leads[one.max(other)] = one.min(other);
        }
    }
    let mut names = BTreeMap::new();
    let mut name = |lead: usize| {
        let next = names.len();
        *names.entry(lead).or_insert(next)
    };
    (0..said.len()).map(|row| name(lead(&leads, row))).collect()
}

fn batch(said: &[Said], groups: &[usize]) -> anyhow::Result<RecordBatch> {
    let whole = |numbers: &mut dyn Iterator<Item = usize>| -> anyhow::Result<ArrayRef> {
        let numbers: Result<Vec<i64>, _> = numbers.map(i64::try_from).collect();
        Ok(Arc::new(Int64Array::from(numbers?)))
    };
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("id", whole(&mut (1..=said.len()))?),
        ("group", whole(&mut groups.iter().copied())?),
        (column::LABEL.name, whole(&mut said.iter().map(|said| usize::from(said.is_spam)))?),
        (
            column::LABEL_SOURCE.name,
            Arc::new(StringArray::from_iter_values(said.iter().map(|said| said.source.as_str()))),
        ),
        (column::WEIGHT.name, Arc::new(Float64Array::from_iter_values(said.iter().map(|said| said.weight)))),
        (column::IS_ONNET.name, whole(&mut said.iter().map(|said| usize::from(said.is_onnet)))?),
    ];
    for (place, name) in VALUES.into_iter().enumerate() {
        let value = |said: &Said| said.values.as_ref().and_then(|values| values[place]);
        columns.push((name, Arc::new(said.iter().map(value).collect::<Float64Array>())));
    }
    Ok(RecordBatch::try_from_iter(columns)?)
}

/// Writes a file, CSV or Parquet by its name; under that name it is whole or not there.
fn write(out: &Path, batch: &RecordBatch) -> anyhow::Result<()> {
    let aside = out.with_extension(format!("{}.tmp", std::process::id()));
    let writing = || format!("writing {}", out.display());
    let file = File::create(&aside).with_context(writing)?;
    let written = if out.extension().is_some_and(|extension| extension == "parquet") {
        ArrowWriter::try_new(file, batch.schema(), None)
            .and_then(|mut writer| {
                writer.write(batch)?;
                writer.close().map(drop)
            })
            .map_err(anyhow::Error::from)
    } else {
        arrow::csv::Writer::new(file).write(batch).map_err(anyhow::Error::from)
    };
    let written = written.and_then(|()| Ok(std::fs::rename(&aside, out)?));
    if written.is_err() {
        std::fs::remove_file(&aside).with_context(|| format!("removing {}", aside.display()))?;
    }
    written.with_context(writing)
}

impl Summary {
    /// Why there is nothing to train on.
    fn one_class(&self) -> String {
        let what = match (self.rows, self.positives) {
            (0, _) => "nobody has said anything of a subscription that was judged in time",
            (_, 0) => "all rows are innocent",
            _ => "all rows are spam",
        };
        format!(
            "{} rows, {} labelled subscriptions left out as not judged in time: {what}, and a card needs both classes; review \
             the week's draw (callsieve sample)",
            self.rows, self.not_judged
        )
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut lines = vec![format!(
            "{} rows, {} of them spam, in {} groups: {}; columns to train on: {}",
            self.rows,
            self.positives,
            self.groups,
            self.file.display(),
            self.columns.display()
        )];
        for (source, Classes { positives, negatives }) in &self.sources {
            lines.push(format!("  {source:<8} {positives:>7} spam {negatives:>7} innocent"));
        }
        lines.push(format!(
            "{} more were not judged before a flag or anybody's word could change them",
            self.not_judged
        ));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests;
