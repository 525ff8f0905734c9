//! What every fit of an additive model starts from, and what it ends in.
//!
//! In: binned columns, and a label and a weight for each row. Out: sums by bin for a fit to step by, and a base and a
//! shape for each column, in log-odds. Never: an interaction of two columns; how hard to fit is the fit's own.

use super::number::logistic;

/// Columns as bins, by row.
#[derive(Debug, Clone, Default)]
pub struct Binned {
    /// The columns.
    pub columns: Vec<Column>,
}

/// One column.
#[derive(Debug, Clone)]
pub struct Column {
    /// The bin of each row.
    pub bins: Vec<u16>,
    /// How many bins there are; the last is that of missing values.
    pub count: usize,
    /// Which way its shape may go.
    pub trend: Trend,
}

/// Which way a shape may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trend {
    /// Up and down.
    #[default]
    Any,
    /// Never down.
    Rising,
    /// Never up.
    Falling,
}

/// What each row is and what it weighs.
#[derive(Debug, Clone)]
pub struct Labels {
    /// Whether it is a positive.
    pub is_positive: Vec<bool>,
    /// The weight of a positive; a negative's is one.
    pub positive_weight: f64,
    /// What each row weighs beside that, as its label is sure; one when not given.
    pub weights: Option<Vec<f64>>,
}

impl Labels {
    /// What a row weighs.
    pub fn weight(&self, row: usize) -> f64 {
        let of_class = 1.0 + f64::from(self.is_positive[row]) * (self.positive_weight - 1.0);
        of_class * self.weights.as_ref().map_or(1.0, |weights| weights[row])
    }
}

/// A fitted model, in log-odds.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// What everybody has.
    pub base: f64,
    /// For each column the value of each bin.
    pub shapes: Vec<Vec<f64>>,
}

impl Model {
    /// The log-odds of a row.
    pub fn logit(&self, data: &Binned, row: usize) -> f64 {
        let parts = self.shapes.iter().zip(&data.columns).map(|(shape, column)| shape[usize::from(column.bins[row])]);
        self.base + parts.sum::<f64>()
    }
}

/// The sums of some rows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sums {
    /// Of what each truth is short of its probability.
    pub gradient: f64,
    /// Of how much a step in the log-odds moves a probability.
    pub information: f64,
    /// Of what rows weigh.
    pub rows: f64,
}

impl Sums {
    /// Those of both.
    pub fn plus(self, other: Self) -> Self {
        Self {
            gradient: self.gradient + other.gradient,
            information: self.information + other.information,
            rows: self.rows + other.rows,
        }
    }
}

/// How far a fit has come with each row.
#[derive(Debug, Clone)]
pub struct Rows {
    target: Vec<f64>,
    weight: Vec<f64>,
    logits: Vec<f64>,
}

impl Rows {
    /// All rows at the base, which is what they say together, and the base.
    pub fn new(labels: &Labels) -> (Self, f64) {
        let target: Vec<f64> = labels.is_positive.iter().map(|is_positive| f64::from(*is_positive)).collect();
        let weight: Vec<f64> = (0..target.len()).map(|row| labels.weight(row)).collect();
        let positive: f64 = target.iter().zip(&weight).map(|(target, weight)| target * weight).sum();
        let base = (positive / (weight.iter().sum::<f64>() - positive)).ln();
        let logits = vec![base; target.len()];
        (Self { target, weight, logits }, base)
    }

    /// The sums of each bin of a column.
    pub fn sums(&self, column: &Column) -> Vec<Sums> {
        let mut sums = vec![Sums::default(); column.count];
        for (row, bin) in column.bins.iter().enumerate() {
            let probability = logistic(self.logits[row]);
            let of_bin = &mut sums[usize::from(*bin)];
            of_bin.gradient += self.weight[row] * (self.target[row] - probability);
            of_bin.information += self.weight[row] * probability * (1.0 - probability);
            of_bin.rows += self.weight[row];
        }
        sums
    }

    /// Moves the rows of each bin of a column.
    pub fn shift(&mut self, column: &Column, moves: &[f64]) {
        for (logit, bin) in self.logits.iter_mut().zip(&column.bins) {
            *logit += moves[usize::from(*bin)];
        }
    }
}
