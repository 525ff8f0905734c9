//! `scorecard train`: a card, and the model card beside it.
//!
//! In: a file of rows with a label. Out: `M.toml`, and beside it `M.md`, `M.json` and `M.svg`. Never: another card where
//! one is.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::score::about::{About, Data, Segment};
use crate::score::card::{CRITERIA, Card};
use crate::score::condition::Condition;
use crate::score::drift::{Drift, psi};
use crate::score::fit::{Labels, Trend};
use crate::score::frame::{self, Ask, Frame};
use crate::score::measure::{Measured, measure};
use crate::score::method::Method;
use crate::score::number::real;
use crate::score::train::{Given, Trained, Wanted, train as fit};
use crate::score::{bins, file};

/// What is to be trained on what.
#[derive(Debug, Clone)]
pub struct Options {
    /// The rows.
    pub features: PathBuf,
    /// The column that is one for a positive and else zero.
    pub label: String,
    /// The column that names a row; `id` where there is one and none is named.
    pub id: Option<String>,
    /// Of which rows; all when nothing is said.
    pub condition: Option<Condition>,
    /// The columns to train on; all others when none is named.
    pub columns: Vec<String>,
    /// Columns whose points may only rise or only fall.
    pub trends: BTreeMap<String, Trend>,
    /// The component that a column counts for, where it is not `support`.
    pub criteria: BTreeMap<String, String>,
    /// How its shapes are fitted.
    pub method: Method,
    /// The share of positives where the card will be used.
    pub prevalence: Option<f64>,
    /// What a positive weighs.
    pub positive_weight: f64,
    /// What parts the rows by chance.
    pub seed: u64,
    /// Where rows and labels come from, for the model card.
    pub source: Option<String>,
    /// A file of the same columns that drift is measured against.
    pub reference: Option<PathBuf>,
    /// A column by which errors are told apart.
    pub segment: Option<String>,
    /// A column whose rows of one value are held out together, such as those of one person.
    pub group: Option<String>,
    /// A column that says what a row weighs.
    pub weight: Option<String>,
    /// The card.
    pub out: PathBuf,
}

/// What was trained.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The card's name.
    pub card: String,
    /// Its file.
    pub file: PathBuf,
    /// Its model card.
    pub model_card: PathBuf,
    /// Rows trained on.
    pub rows: usize,
    /// Positives among them.
    pub positives: usize,
    /// How good it is on rows that it had not seen.
    pub held_out: Measured,
}

/// Draws behind each interval of a model card.
const DRAWS: usize = 500;

/// A column of more values than these is parted into as many ranges as the second says.
const MOST_VALUES: usize = 12;
const RANGES: usize = 4;

/// Trains a card and writes it with its model card.
pub fn train(options: &Options) -> anyhow::Result<Summary> {
    let columns = options.chosen()?;
    let frame = options.read(&columns)?;
    let truth = frame.truth(columns.len(), &options.label)?;
    let given: Vec<Given> =
        columns.iter().zip(&frame.columns).map(|(name, values)| options.given(name, values)).collect();
    let sha256 = hash(&options.features)?;
    // Those after the label, in the order of `asked`.
    let mut others = frame.columns[columns.len() + 1..].iter();
    let segment = options.segment.as_ref().and_then(|name| Some((name.as_str(), others.next()?.as_slice())));
    let groups = options.group.as_ref().and_then(|_| Some(groups(others.next()?)));
    let weights = options.weight.as_ref().and_then(|name| Some(weights(&frame, name, others.next()?)));
    let weights = weights.transpose()?;
    let labels = Labels { is_positive: truth, positive_weight: options.positive_weight, weights };
    let rows = labels.is_positive.len();
    let positives = labels.is_positive.iter().filter(|is_positive| **is_positive).count();
    let condition = options.condition.as_ref().map(Condition::to_string);
    let only = condition.as_ref().map(|condition| format!(" where {condition}")).unwrap_or_default();
    let column = || format!("{}, column {}{only}", options.features.display(), options.label);
    let is_one_class = positives == 0 || positives == rows;
    ensure!(!is_one_class, "{}: {positives} of {rows} rows are positive: there must be both kinds", column());
    let share = real(positives) / real(rows);
    let prevalence = options.prevalence.unwrap_or(share);
    let doc = format!(
        "Trained on {rows} rows{only} of a file with SHA-256 {sha256}, {positives} of them positive by {}; \
         probabilities are for a share of {prevalence}.",
        options.label
    );
    let together = groups.clone();
    let wanted = Wanted { doc, method: options.method, prevalence: options.prevalence, seed: options.seed, groups };
    let trained = fit(&given, &labels, wanted).with_context(|| options.features.display().to_string())?;
    let together = together.as_deref();
    let held_out = measure(&trained.probability, &labels.is_positive, together, DRAWS, options.seed)?;
    let segments = match segment {
        Some(segment) => segments(segment, &trained, &labels.is_positive, together, options.seed)?,
        None => Vec::new(),
    };
    let drift = match &options.reference {
        Some(reference) => drift(&trained.card, &given, reference, options.condition.as_ref())?,
        None => Vec::new(),
    };
    let card = file::write(&options.out, &trained.card)?;
    let name = options.features.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (source, label) = (options.source.clone(), options.label.clone());
    let about = About {
        card: card.clone(),
        data: Data { file: name, sha256, source, condition, rows, label, positives, share, columns },
        prevalence,
        positive_weight: options.positive_weight,
        seed: options.seed,
        fit: trained.fit,
        segments,
        drift,
        limits: About::limits(&held_out, options.prevalence),
        held_out: held_out.clone(),
    };
    let model_card = beside(&options.out, &about, &trained.card)?;
    Ok(Summary { card, file: options.out.clone(), model_card, rows, positives, held_out })
}

/// Writes the model card and returns the one for people.
fn beside(out: &Path, about: &About, card: &Card) -> anyhow::Result<PathBuf> {
    let plot = out.with_extension("svg");
    let plot_name = plot.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let model_card = out.with_extension("md");
    let texts = [
        (&plot, about.plot()),
        (&model_card, about.markdown(card, &plot_name)),
        (&out.with_extension("json"), format!("{}\n", serde_json::to_string_pretty(about)?)),
    ];
    for (path, text) in texts {
        std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(model_card)
}

impl Options {
    /// The rows to train on: their columns, the label, and what is named of segment, group, weight and condition.
    fn read(&self, columns: &[String]) -> anyhow::Result<Frame> {
        let others = [&self.segment, &self.group, &self.weight].into_iter().flatten();
        let mut asked: Vec<String> = columns.iter().chain([&self.label]).chain(others).cloned().collect();
        asked.extend(self.condition.iter().map(|condition| condition.column.clone()));
        let mut frame = Frame::read(Ask { path: &self.features, id: self.id()?.as_deref(), columns: &asked })?;
        keep(&mut frame, self.condition.as_ref());
        Ok(frame)
    }

    fn id(&self) -> anyhow::Result<Option<String>> {
        let names = frame::names(&self.features)?;
        Ok(self.id.clone().or_else(|| names.contains(&"id".to_owned()).then(|| "id".to_owned())))
    }

    /// The columns to train on, after all that is said about columns was found to be about one of them.
    fn chosen(&self) -> anyhow::Result<Vec<String>> {
        let id = self.id()?;
        let kept_out = |name: &String| *name == self.label || id.as_ref() == Some(name);
        let columns = if self.columns.is_empty() {
            let mut names = frame::names(&self.features)?;
            let condition = self.condition.as_ref().map(|condition| &condition.column);
            let beside = [self.segment.as_ref(), self.group.as_ref(), self.weight.as_ref(), condition];
            names.retain(|name| !kept_out(name) && !beside.contains(&Some(name)));
            names
        } else {
            self.columns.clone()
        };
        let told = columns.iter().find(|name| kept_out(name));
        ensure!(
            told.is_none(),
            "column {} cannot be trained on: it is the label or the id",
            told.map_or("", |name| name)
        );
        let twice = columns.iter().enumerate().find(|(place, name)| columns[..*place].contains(name));
        ensure!(twice.is_none(), "column {} is named twice", twice.map_or("", |(_, name)| name));
        let unknown = self.trends.keys().chain(self.criteria.keys()).find(|name| !columns.contains(name));
        ensure!(unknown.is_none(), "column {} is not trained on", unknown.map_or("", |name| name));
        let criterion = self.criteria.values().find(|criterion| !CRITERIA.contains(&criterion.as_str()));
        let known = CRITERIA.join(", ");
        ensure!(criterion.is_none(), "\"{}\" is no criterion; there are {known}", criterion.map_or("", |name| name));
        let odd = self.prevalence.filter(|share| !(*share > 0.0 && *share < 1.0));
        ensure!(odd.is_none(), "a prevalence lies between 0 and 1, and {} does not", odd.unwrap_or_default());
        let weight = self.positive_weight;
        ensure!(weight > 0.0 && weight.is_finite(), "a --positive-weight is above 0, and {weight} is not");
        Ok(columns)
    }

    fn given(&self, name: &str, values: &[f64]) -> Given {
        Given {
            name: name.to_owned(),
            criterion: self.criteria.get(name).cloned().unwrap_or_else(|| "support".to_owned()),
            trend: self.trends.get(name).copied().unwrap_or_default(),
            values: values.to_vec(),
        }
    }
}

/// Leaves the rows of which a condition on the last column holds, where there is one.
fn keep(frame: &mut Frame, condition: Option<&Condition>) {
    if let Some(condition) = condition {
        frame.retain(frame.columns.len() - 1, |value| condition.holds(value));
    }
}

/// What each row weighs.
fn weights(frame: &Frame, name: &str, values: &[f64]) -> anyhow::Result<Vec<f64>> {
    let odd = values.iter().zip(&frame.places).find(|(weight, _)| !(**weight > 0.0 && weight.is_finite()));
    if let Some((weight, place)) = odd {
        bail!("{} {place}, column {name}: a weight is above 0, and {weight} is not", frame.path.display());
    }
    Ok(values.to_vec())
}

/// A group for each value, counted from 0; a blank is a group of its own.
fn groups(values: &[f64]) -> Vec<usize> {
    let mut known: BTreeMap<u64, usize> = BTreeMap::new();
    let mut next = 0;
    let mut new = || {
        next += 1;
        next - 1
    };
    // Zero has two spellings.
    let of = |value: &f64| {
        if value.is_nan() { new() } else { *known.entry((value + 0.0).to_bits()).or_insert_with(&mut new) }
    };
    values.iter().map(of).collect()
}

fn hash(path: &Path) -> anyhow::Result<String> {
    let reading = || format!("reading {}", path.display());
    let mut hash = Sha256::new();
    let mut file = BufReader::new(File::open(path).with_context(reading)?);
    loop {
        let part = file.fill_buf().with_context(reading)?;
        if part.is_empty() {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(part);
        let read = part.len();
        file.consume(read);
    }
}

/// The rows parted by a column: by value where it has few, else by ranges that hold about as many rows.
fn segments(
    (name, values): (&str, &[f64]),
    trained: &Trained,
    truth: &[bool],
    groups: Option<&[usize]>,
    seed: u64,
) -> anyhow::Result<Vec<Segment>> {
    let each = bins::bounds(values, usize::MAX);
    let below = if each.len() < MOST_VALUES { each } else { bins::bounds(values, RANGES) };
    let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (row, value) in values.iter().enumerate() {
        parts.entry(bins::bin(&below, *value)).or_default().push(row);
    }
    let segment = |(bin, rows): (usize, Vec<usize>)| {
        let scores: Vec<f64> = rows.iter().map(|row| trained.probability[*row]).collect();
        let is_positive: Vec<bool> = rows.iter().map(|row| truth[*row]).collect();
        let groups: Option<Vec<usize>> = groups.map(|groups| rows.iter().map(|row| groups[*row]).collect());
        let positives = is_positive.iter().filter(|is_positive| **is_positive).count();
        let squares = scores.iter().zip(&is_positive).map(|(score, truth)| (score - f64::from(*truth)).powi(2));
        let there = |row: &usize| values[*row];
        let (low, high) = rows
            .iter()
            .map(there)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let is_measured = 0 < positives && positives < rows.len();
        Ok(Segment {
            name: match bin {
                bin if bin > below.len() => format!("{name} missing"),
                _ if low < high => format!("{name} {low} to {high}"),
                _ => format!("{name} {low}"),
            },
            rows: rows.len(),
            positives,
            predicted: scores.iter().sum::<f64>() / real(rows.len()),
            brier: squares.sum::<f64>() / real(rows.len()),
            roc_auc: if is_measured {
                Some(measure(&scores, &is_positive, groups.as_deref(), DRAWS, seed)?.roc_auc)
            } else {
                None
            },
        })
    };
    parts.into_iter().map(segment).collect()
}

/// How far a reference file lies from the rows, by characteristic; the furthest first.
fn drift(card: &Card, given: &[Given], reference: &Path, condition: Option<&Condition>) -> anyhow::Result<Vec<Drift>> {
    let asked = condition.iter().map(|condition| condition.column.clone());
    let columns: Vec<String> = given.iter().map(|column| column.name.clone()).chain(asked).collect();
    let mut frame = Frame::read(Ask { path: reference, id: None, columns: &columns })?;
    keep(&mut frame, condition);
    ensure!(!frame.places.is_empty(), "{}: no row is left by the condition", reference.display());
    let mut all: Vec<Drift> = given
        .iter()
        .zip(&frame.columns)
        .filter_map(|(column, now)| {
            let psi = psi(card.characteristic.get(&column.name)?, &column.values, now);
            Some(Drift { characteristic: column.name.clone(), psi })
        })
        .collect();
    all.sort_by(|a, b| b.psi.total_cmp(&a.psi).then_with(|| a.characteristic.cmp(&b.characteristic)));
    Ok(all)
}
