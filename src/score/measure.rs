//! How well scores part positives from negatives, each figure with a bootstrap interval.
//!
//! In: probabilities and labels, and a seed. Out: the figures. Never: a figure that another order of the rows changes,
//! or a mean over draws in which one class is missing.

use std::collections::BTreeMap;

use anyhow::ensure;
use serde::Serialize;

use super::chance::Chance;
use super::number::real;

/// A positive is told from here on.
pub const THRESHOLD: f64 = 0.5;

/// A figure with its interval at 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    /// The figure.
    pub value: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end of its interval.
    pub high: f64,
}

/// All figures of a set of scores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// Rows.
    pub rows: usize,
    /// Positives among them.
    pub positives: usize,
    /// The chance that a positive is scored above a negative; a tie is half a chance.
    pub roc_auc: Figure,
    /// Precision, averaged over the recall that each score adds.
    pub average_precision: Figure,
    /// Mean of the F1 of both classes at a probability of 0.5.
    pub macro_f1: Figure,
    /// Root of the product of both classes' recalls at a probability of 0.5.
    pub g_mean: Figure,
    /// The most recall at which precision is at least 0.95.
    pub recall_at_precision_95: Figure,
    /// The most recall at which no more than 1 % of negatives are taken for positives.
    pub recall_at_fpr_1: Figure,
    /// Mean squared distance of the probability from the truth.
    pub brier: Figure,
    /// Ten groups of one size by rising score.
    pub calibration: Vec<Decile>,
}

/// What is said about a tenth of the rows, and what is so.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Decile {
    /// Rows in it.
    pub rows: usize,
    /// Their mean probability.
    pub predicted: f64,
    /// Their share of positives.
    pub observed: Figure,
}

impl Measured {
    /// Its figures with the names that people read.
    pub fn named(&self) -> [(&'static str, Figure); FIGURES] {
        [
            ("ROC-AUC", self.roc_auc),
            ("average precision", self.average_precision),
            ("macro-F1 at 0.5", self.macro_f1),
            ("G-mean at 0.5", self.g_mean),
            ("recall at precision 0.95", self.recall_at_precision_95),
            ("recall at 1 % false positives", self.recall_at_fpr_1),
            ("Brier score", self.brier),
        ]
    }
}

/// Figures without intervals, in the order of [`Measured`].
const FIGURES: usize = 7;

const DECILES: usize = 10;

/// Scores in falling order, with their truth.
struct Ranked {
    scores: Vec<f64>,
    is_positive: Vec<bool>,
    /// The rows that are drawn together: those of a group, or each alone.
    units: Vec<Vec<usize>>,
}

/// Measures scores against labels; each interval from so many draws of as many rows, or of as many groups where rows have
/// them: rows of one person say less than as many of strangers.
pub fn measure(
    scores: &[f64],
    is_positive: &[bool],
    groups: Option<&[usize]>,
    draws: usize,
    seed: u64,
) -> anyhow::Result<Measured> {
    let rows = scores.len();
    let positives = is_positive.iter().filter(|is_positive| **is_positive).count();
    ensure!(rows > 0, "no rows to measure");
    ensure!(0 < positives && positives < rows, "{positives} of {rows} rows are positive: there must be both kinds");
    let ranked = Ranked::new(scores, is_positive, groups);
    let once = vec![1; rows];
    let values = ranked.figures(&once);
    let shares = ranked.shares(&once);
    let (drawn, drawn_shares) = ranked.drawn(draws, seed);
    let mut figures = values.into_iter().zip(drawn).map(|(value, drawn)| figure(value, drawn));
    let mut next = || figures.next().unwrap_or(Figure { value: f64::NAN, low: f64::NAN, high: f64::NAN });
    let observed = shares.into_iter().zip(drawn_shares).map(|(value, drawn)| figure(value, drawn));
    Ok(Measured {
        rows,
        positives,
        roc_auc: next(),
        average_precision: next(),
        macro_f1: next(),
        g_mean: next(),
        recall_at_precision_95: next(),
        recall_at_fpr_1: next(),
        brier: next(),
        calibration: ranked.deciles(observed),
    })
}

fn figure(value: f64, mut drawn: Vec<f64>) -> Figure {
    drawn.sort_unstable_by(f64::total_cmp);
    let at = |share: usize| drawn.get((drawn.len() * share / 1000).min(drawn.len().saturating_sub(1)));
    Figure { value, low: at(25).copied().unwrap_or(value), high: at(975).copied().unwrap_or(value) }
}

/// A share with an interval that is none where all rows are of one kind: drawing among them never shows the other, of
/// which so many units hide as much as this one time in forty.
fn with_unseen(share: Figure, units: usize) -> Figure {
    let unseen = 1.0 - 0.025_f64.powf(1.0 / real(units));
    let low = if share.value > 1.0 - 1e-9 { share.low.min(1.0 - unseen) } else { share.low };
    let high = if share.value < 1e-9 { share.high.max(unseen) } else { share.high };
    Figure { low, high, ..share }
}

/// Weights of both kinds above a score.
#[derive(Clone, Copy, Default)]
struct Above {
    positives: f64,
    negatives: f64,
}

impl Ranked {
    fn new(scores: &[f64], is_positive: &[bool], groups: Option<&[usize]>) -> Self {
        let mut rows: Vec<usize> = (0..scores.len()).collect();
        let group = |row: usize| groups.map_or(0, |groups| groups[row]);
        // Equal scores stand with their positives first, so that the order of the rows changes nothing.
        rows.sort_by(|a, b| {
            let by_truth = is_positive[*b].cmp(&is_positive[*a]);
            scores[*b].total_cmp(&scores[*a]).then(by_truth).then(group(*a).cmp(&group(*b)))
        });
        let units = match groups {
            None => (0..rows.len()).map(|place| vec![place]).collect(),
            Some(groups) => {
                let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
                rows.iter().enumerate().for_each(|(place, row)| members.entry(groups[*row]).or_default().push(place));
                members.into_values().collect()
            }
        };
        let (scores, is_positive) = rows.into_iter().map(|row| (scores[row], is_positive[row])).unzip();
        Self { scores, is_positive, units }
    }

    /// Every figure, and the share of every tenth, of so many draws of as many units as there are.
    fn drawn(&self, draws: usize, seed: u64) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let mut drawn: Vec<Vec<f64>> = vec![Vec::new(); FIGURES];
        let mut drawn_shares: Vec<Vec<f64>> = vec![Vec::new(); self.tenths().count()];
        let mut chance = Chance::new(seed, 0);
        for _ in 0..draws {
            let mut times = vec![0; self.scores.len()];
            for _ in 0..self.units.len() {
                self.units[chance.below(self.units.len())].iter().for_each(|row| times[*row] += 1);
            }
            let figures = self.figures(&times);
            // A draw of one class alone has no area.
            if figures[0].is_nan() {
                continue;
            }
            let shares = drawn_shares.iter_mut().zip(self.shares(&times)).filter(|(_, share)| !share.is_nan());
            drawn.iter_mut().zip(figures).chain(shares).for_each(|(all, value)| all.push(value));
        }
        (drawn, drawn_shares)
    }

    /// The figures of rows that count so many times.
    fn figures(&self, times: &[u32]) -> [f64; FIGURES] {
        let (mut above, mut at_half) = (Above::default(), Above::default());
        let (mut area, mut precision_sum, mut squares) = (0.0, 0.0, 0.0);
        let (mut at_precision, mut at_fpr) = (0.0_f64, 0.0_f64);
        let all = self.all(times);
        let mut row = 0;
        while row < self.scores.len() {
            let score = self.scores[row];
            let before = above;
            while self.scores.get(row).is_some_and(|next| next.total_cmp(&score).is_eq()) {
                let weight = f64::from(times[row]);
                let (counted, truth) =
                    if self.is_positive[row] { (&mut above.positives, 1.0) } else { (&mut above.negatives, 0.0) };
                *counted += weight;
                squares += weight * (score - truth) * (score - truth);
                row += 1;
            }
            let added = above.positives - before.positives;
            area += (above.negatives - before.negatives) * (before.positives + added / 2.0);
            let precision = above.positives / (above.positives + above.negatives).max(1.0);
            precision_sum += added * precision;
            if precision >= 0.95 {
                at_precision = at_precision.max(above.positives);
            }
            if above.negatives <= 0.01 * all.negatives {
                at_fpr = above.positives;
            }
            if score >= THRESHOLD {
                at_half = above;
            }
        }
        let f1 = |hit: f64, said: f64, there: f64| if said + there > 0.0 { 2.0 * hit / (said + there) } else { 0.0 };
        let rejected = all.negatives - at_half.negatives;
        let missed = all.positives - at_half.positives;
        let of_positives = f1(at_half.positives, at_half.positives + at_half.negatives, all.positives);
        let of_negatives = f1(rejected, rejected + missed, all.negatives);
        [
            area / (all.positives * all.negatives),
            precision_sum / all.positives,
            f64::midpoint(of_positives, of_negatives),
            (at_half.positives / all.positives * rejected / all.negatives).sqrt(),
            at_precision / all.positives,
            at_fpr / all.positives,
            squares / (all.positives + all.negatives),
        ]
    }

    fn all(&self, times: &[u32]) -> Above {
        self.is_positive.iter().zip(times).fold(Above::default(), |mut all, (is_positive, times)| {
            let kind = if *is_positive { &mut all.positives } else { &mut all.negatives };
            *kind += f64::from(*times);
            all
        })
    }

    /// The tenths that have a row, by rising score.
    fn tenths(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        let rows = self.scores.len();
        let tenth = move |part: usize| rows * part / DECILES;
        (0..DECILES).rev().map(move |part| tenth(part)..tenth(part + 1)).filter(|tenth| !tenth.is_empty())
    }

    fn shares(&self, times: &[u32]) -> Vec<f64> {
        let positives = self.positives(times);
        let share = |tenth: std::ops::Range<usize>| {
            let all: f64 = times[tenth.clone()].iter().map(|times| f64::from(*times)).sum();
            positives[tenth].iter().sum::<f64>() / all
        };
        self.tenths().map(share).collect()
    }

    /// How much of each row is positive: those of one score have equal parts of it, since a tenth that ends among them holds
    /// no more positives than the next.
    fn positives(&self, times: &[u32]) -> Vec<f64> {
        let mut positives = Vec::with_capacity(self.scores.len());
        while let Some(score) = self.scores.get(positives.len()) {
            let first = positives.len();
            let tied = self.scores[first..].iter().take_while(|next| next.total_cmp(score).is_eq()).count();
            let times = &times[first..first + tied];
            let truth = times.iter().zip(&self.is_positive[first..first + tied]);
            let of_these: f64 = truth.map(|(times, is_positive)| f64::from(*times) * f64::from(*is_positive)).sum();
            let all: f64 = times.iter().map(|times| f64::from(*times)).sum();
            positives.extend(times.iter().map(|times| f64::from(*times) * of_these / all.max(1.0)));
        }
        positives
    }

    fn deciles(&self, observed: impl Iterator<Item = Figure>) -> Vec<Decile> {
        let decile = |(tenth, observed): (std::ops::Range<usize>, Figure)| {
            let is_in = |unit: &&Vec<usize>| unit.iter().any(|place| tenth.contains(place));
            let units = self.units.iter().filter(is_in).count();
            let scores = &self.scores[tenth.clone()];
            let predicted = scores.iter().sum::<f64>() / real(scores.len());
            Decile { rows: scores.len(), predicted, observed: with_unseen(observed, units) }
        };
        self.tenths().zip(observed).map(decile).collect()
    }
}

#[cfg(test)]
mod tests;
