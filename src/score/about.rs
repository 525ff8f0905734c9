//! The model card: what a scorecard was made of, how good it is, and what it cannot do.
//!
//! In: what training found. Out: JSON, Markdown and a calibration plot as SVG. Never: a figure of rows that the card
//! was fitted to, or the time of day: the same training says the same.

use std::fmt::Write;

use serde::Serialize;

use super::card::Card;
use super::drift::Drift;
use super::measure::{Figure, Measured};

/// All that is told about a card.
#[derive(Debug, Clone, Serialize)]
pub struct About {
    /// The card's name.
    pub card: String,
    /// Where its rows come from.
    pub data: Data,
    /// The share of positives that its probabilities are for.
    pub prevalence: f64,
    /// What a positive weighed in the fit.
    pub positive_weight: f64,
    /// What parted the rows by chance.
    pub seed: u64,
    /// How it was fitted, with what held-out rows asked for.
    pub fit: String,
    /// How good it is on rows that it had not seen, in five-fold cross-validation.
    pub held_out: Measured,
    /// The same in parts of the rows.
    pub segments: Vec<Segment>,
    /// How far a reference file lies from the rows.
    pub drift: Vec<Drift>,
    /// What it cannot do.
    pub limits: Vec<String>,
}

/// The rows that a card was trained on.
#[derive(Debug, Clone, Serialize)]
pub struct Data {
    /// The file's name without its folder.
    pub file: String,
    /// SHA-256 of the file, hex.
    pub sha256: String,
    /// Who labelled the rows, and of which time they are.
    pub source: Option<String>,
    /// Of which rows of the file; all when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Rows.
    pub rows: usize,
    /// The label.
    pub label: String,
    /// Rows that it is one for.
    pub positives: usize,
    /// Their share.
    pub share: f64,
    /// The columns trained on.
    pub columns: Vec<String>,
}

/// A part of the rows.
#[derive(Debug, Clone, Serialize)]
pub struct Segment {
    /// What they have in common.
    pub name: String,
    /// Rows.
    pub rows: usize,
    /// Positives among them.
    pub positives: usize,
    /// Their mean probability.
    pub predicted: f64,
    /// Mean squared distance of the probability from the truth.
    pub brier: f64,
    /// The area under the curve, where there are both kinds.
    pub roc_auc: Option<Figure>,
}

impl About {
    /// What no card of this kind can do, and what this one lacks.
    pub fn limits(measured: &Measured, prevalence: Option<f64>) -> Vec<String> {
        let mut limits = vec![
            "Characteristics add up: what two of them say only together is not seen.".to_owned(),
            "The figures are of rows held out of one table. Other networks, other years and other labels are not in it."
                .to_owned(),
            "For the figures of each fifth of the rows, how free the shapes are and what points mean was chosen on the other \
             four, as they were held out; the fits behind that had seen the fifth, which flatters the figures a little. The \
             card has both from all held-out rows."
                .to_owned(),
            "The interval of a probability says how well its curve is known from these rows, and not whether the curve \
             holds elsewhere."
                .to_owned(),
        ];
        let share = |of: f64| format!("{:.4} %", 100.0 * of);
        match prevalence {
            Some(prevalence) => limits.push(format!(
                "Probabilities are for a share of positives of {}. The figures are of the table, at its own share.",
                share(prevalence)
            )),
            None => limits.push(
                "Probabilities are for the table's own share of positives. Where positives are rarer they are too high: \
                 train with --prevalence."
                    .to_owned(),
            ),
        }
        if measured.positives.min(measured.rows - measured.positives) < 200 {
            limits.push(
                "One kind has fewer than 200 rows: the figures are uncertain, as their intervals say.".to_owned(),
            );
        }
        limits
    }

    /// The model card for people; `plot` is the file of the calibration plot.
    pub fn markdown(&self, card: &Card, plot: &str) -> String {
        let Data { file, sha256, source, condition, rows, label, positives, share, columns } = &self.data;
        let source = source.as_deref().unwrap_or("not told (`--source`)");
        let only = condition.as_ref().map(|condition| format!(", where `{condition}`")).unwrap_or_default();
        let mut text = format!(
            "# Scorecard {name}\n\n| | |\n|---|---|\n| card | `{full}` |\n| data | `{file}`, SHA-256 `{sha256}` |\n\
             | rows and labels from | {source} |\n| rows | {rows}{only} |\n\
             | label | `{label}`: {positives} positive, {percent:.2} % |\n\
             | probabilities for a share of | {prevalence:.4} % |\n| columns | {count} |\n\
             | fit | {fit}; weight of a positive {weight}, seed {seed} |\n",
            name = self.card.get(..12).unwrap_or(&self.card),
            full = self.card,
            percent = 100.0 * share,
            prevalence = 100.0 * self.prevalence,
            count = columns.len(),
            fit = self.fit,
            weight = self.positive_weight,
            seed = self.seed,
        );
        text.push_str(
            "\n## On rows that it had not seen\n\nFive-fold cross-validation; intervals at 95 % by bootstrap, of whole groups \
             where there are any.\n\n",
        );
        text.push_str("| figure | value | interval |\n|---|---|---|\n");
        for (name, Figure { value, low, high }) in self.held_out.named() {
            // Writing to a text does not fail.
            let _ok = writeln!(text, "| {name} | {value:.4} | {low:.4} to {high:.4} |");
        }
        let _ok = write!(text, "\n## Calibration\n\n![said and seen, by tenths]({plot})\n\n");
        text.push_str("| rows | said | seen | interval |\n|---|---|---|---|\n");
        for decile in &self.held_out.calibration {
            let Figure { value, low, high } = decile.observed;
            let _ok =
                writeln!(text, "| {} | {:.4} | {value:.4} | {low:.4} to {high:.4} |", decile.rows, decile.predicted);
        }
        self.parts(&mut text);
        weights(card, &mut text);
        text.push_str("\n## Known limits\n\n");
        for limit in &self.limits {
            let _ok = writeln!(text, "- {limit}");
        }
        text
    }

    fn parts(&self, text: &mut String) {
        if !self.segments.is_empty() {
            text.push_str("\n## By segment\n\n| segment | rows | positives | said | seen | Brier | ROC-AUC |\n|---|---|---|---|---|---|---|\n");
        }
        for segment in &self.segments {
            let Segment { name, rows, positives, predicted, brier, roc_auc } = segment;
            let seen = super::number::real(*positives) / super::number::real(*rows).max(1.0);
            let area = roc_auc.map_or_else(
                || "one kind only".to_owned(),
                |area| format!("{:.4} ({:.4} to {:.4})", area.value, area.low, area.high),
            );
            let _ok =
                writeln!(text, "| {name} | {rows} | {positives} | {predicted:.4} | {seen:.4} | {brier:.4} | {area} |");
        }
        if !self.drift.is_empty() {
            text.push_str(
                "\n## Drift against the reference\n\nBy custom a PSI of 0.1 is worth a look and 0.25 a new card.\n\n",
            );
            text.push_str("| characteristic | PSI |\n|---|---|\n");
        }
        for drift in &self.drift {
            let _ok = writeln!(text, "| `{}` | {:.4} |", drift.characteristic, drift.psi);
        }
    }

    /// Said against seen by tenths, with intervals.
    pub fn plot(&self) -> String {
        let x = |probability: f64| 40.0 + 340.0 * probability;
        let y = |probability: f64| 380.0 - 340.0 * probability;
        let mut svg = String::from(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 400 420\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"400\" height=\"420\" fill=\"#fff\"/>\n\
             <path d=\"M40 40V380H380\" fill=\"none\" stroke=\"#333\"/>\n\
             <path d=\"M40 380L380 40\" stroke=\"#aaa\" stroke-dasharray=\"4\"/>\n\
             <text x=\"210\" y=\"412\" text-anchor=\"middle\">said</text>\n\
             <text x=\"12\" y=\"210\" text-anchor=\"middle\" transform=\"rotate(-90 12 210)\">seen</text>\n",
        );
        for mark in [0.0, 0.5, 1.0] {
            let (across, up) = (x(mark), y(mark));
            let _ok = writeln!(svg, "<text x=\"{across:.0}\" y=\"396\" text-anchor=\"middle\">{mark}</text>");
            let _ok = writeln!(svg, "<text x=\"34\" y=\"{:.0}\" text-anchor=\"end\">{mark}</text>", up + 4.0);
        }
        for decile in &self.held_out.calibration {
            let Figure { value, low, high } = decile.observed;
            let (across, from, until) = (x(decile.predicted), y(low), y(high));
            let _ok = writeln!(svg, "<path d=\"M{across:.1} {from:.1}V{until:.1}\" stroke=\"#1b6\"/>");
            let _ok = writeln!(svg, "<circle cx=\"{across:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"#1b6\"/>", y(value));
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// The characteristics by how far apart their points lie.
fn weights(card: &Card, text: &mut String) {
    let mut all: Vec<(i64, &str, &str)> = card
        .characteristic
        .iter()
        .map(|(name, characteristic)| {
            let (least, most) = characteristic.span();
            (most - least, name.as_str(), characteristic.criterion.as_str())
        })
        .filter(|(span, ..)| *span > 0)
        .collect();
    all.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    text.push_str("\n## What weighs most\n\n| characteristic | criterion | points between its ends |\n|---|---|---|\n");
    for (span, name, criterion) in all {
        let _ok = writeln!(text, "| `{name}` | {criterion} | {span} |");
    }
}
