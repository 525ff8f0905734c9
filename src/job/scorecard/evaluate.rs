//! `scorecard evaluate`: how good the scores of a file are.
//!
//! In: a file of scores and one of labels, joined by their ids. Out: figures. Never: a score without a label, or a row
//! that is left out without being counted.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use serde::Serialize;

use crate::score::condition::Condition;
use crate::score::frame::{Ask, Frame};
use crate::score::measure::{Figure, Measured, measure};

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct Options {
    /// The scores; their column is `score`.
    pub scores: PathBuf,
    /// The labels.
    pub labels: PathBuf,
    /// The column that is one for a positive and else zero.
    pub label: String,
    /// The column that names a row in both files.
    pub id: String,
    /// Of which rows, by a column of the labels; all when nothing is said.
    pub condition: Option<Condition>,
    /// Draws behind each interval.
    pub draws: usize,
    /// What draws by chance.
    pub seed: u64,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluated {
    /// The figures.
    #[serde(flatten)]
    pub measured: Measured,
    /// Scores that the condition left out.
    pub left_out: usize,
    /// Rows of the labels that have no score.
    pub unscored: usize,
}

/// Measures scores against labels.
pub fn evaluate(options: &Options) -> anyhow::Result<Evaluated> {
    let Options { scores, labels, label, id, condition, .. } = options;
    let scored = Frame::read(Ask { path: scores, id: Some(id), columns: &["score".to_owned()] })?;
    let asked = condition.iter().map(|condition| condition.column.clone());
    let asked: Vec<String> = [label.clone()].into_iter().chain(asked).collect();
    let labelled = Frame::read(Ask { path: labels, id: Some(id), columns: &asked })?;
    let truth = labelled.truth(0, label)?;
    let rows: HashMap<&str, usize> = labelled.ids.iter().enumerate().map(|(row, id)| (id.as_str(), row)).collect();
    let (mut kept, mut is_positive) = (Vec::new(), Vec::new());
    for ((name, place), score) in scored.ids.iter().zip(&scored.places).zip(&scored.columns[0]) {
        let Some(row) = rows.get(name.as_str()).copied() else {
            bail!("{} {place}: no row of {} has its {id}, so it has no label", scores.display(), labels.display());
        };
        let is_probability = (0.0..=1.0).contains(score);
        ensure!(
            is_probability,
            "{} {place}, column score: a probability is no more than 1 and not missing",
            scores.display()
        );
        if condition.as_ref().is_none_or(|condition| condition.holds(labelled.columns[1][row])) {
            kept.push(*score);
            is_positive.push(truth[row]);
        }
    }
    let measured =
        measure(&kept, &is_positive, None, options.draws, options.seed).with_context(|| match condition {
            Some(condition) => format!("{}, where {condition}", labels.display()),
            None => format!("{}, column {label}", labels.display()),
        })?;
    let scored = scored.ids.len();
    Ok(Evaluated { left_out: scored - kept.len(), unscored: truth.len() - scored, measured })
}

impl Evaluated {
    /// The figures for people.
    pub fn text(&self) -> String {
        let Measured { rows, positives, .. } = self.measured;
        let mut lines = vec![format!("{rows} rows, {positives} positive")];
        for (name, Figure { value, low, high }) in self.measured.named() {
            lines.push(format!("  {name:<31} {value:.4}   {low:.4} to {high:.4}"));
        }
        lines.push("  tenth   rows    said    seen".to_owned());
        for (place, tenth) in self.measured.calibration.iter().enumerate() {
            let Figure { value, low, high } = tenth.observed;
            lines.push(format!(
                "  {:>5} {:>6}  {:.4}  {value:.4}   {low:.4} to {high:.4}",
                place + 1,
                tenth.rows,
                tenth.predicted
            ));
        }
        for (count, what) in
            [(self.left_out, "left out by the condition"), (self.unscored, "rows of the labels unscored")]
        {
            if count > 0 {
                lines.push(format!("{count} {what}"));
            }
        }
        lines.join("\n")
    }
}
