//! Logistic regression over bins, under a ridge on the steps between neighbours.
//!
//! In: binned columns and labels. Out: a model under each ridge. Never: a fall where a rise was asked for, or chance.
//!
//! The ridge holds back each step from a bin to the next, so a shape is smooth, and flat where little is known. Missing
//! values are held to the bin in the middle, which is where they stay when no row has one. Each turn takes each column
//! towards the best point of its second-order expansion, by coordinates; the next ridge goes on from there. Where a
//! rise was asked for, a step that would fall is none, which is the best that it may be.

use super::fit::{Binned, Column, Labels, Model, Rows, Sums, Trend};
/// Turns under each ridge: the next one begins so near that more move no point.
const TURNS: usize = 20;

/// How often the coordinates of a column are gone through in a turn.
const PASSES: usize = 3;

/// How far one may move at once, in log-odds: where rows are parted without an error, Newton's step has no end.
const LONGEST: f64 = 1.0;

/// Fits a model to all rows under each ridge in turn; the strongest comes first.
pub fn regress(data: &Binned, labels: &Labels, ridges: &[f64]) -> Vec<Model> {
    let (mut rows, base) = Rows::new(labels);
    let mut shapes: Vec<Shape> = data.columns.iter().map(Shape::flat).collect();
    let mut models = Vec::new();
    for ridge in ridges {
        for _ in 0..TURNS {
            for (column, shape) in data.columns.iter().zip(&mut shapes) {
                let before = shape.values();
                shape.turn(&mut rows.sums(column), *ridge, column.trend);
                let moves: Vec<f64> = shape.values().iter().zip(before).map(|(now, before)| now - before).collect();
                rows.shift(column, &moves);
            }
        }
        models.push(Model { base, shapes: shapes.iter().map(Shape::values).collect() });
    }
    models
}

/// A column's shape by its coordinates, of which all but the level are under the ridge.
#[derive(Debug, Clone)]
struct Shape {
    /// The bin in the middle of the rows.
    middle: usize,
    /// Its value.
    level: f64,
    /// From each bin to the next; as they are kept, and not the values, a trend is exact.
    steps: Vec<f64>,
    /// From the middle to the bin of missing values.
    missing: f64,
}

impl Shape {
    fn flat(column: &Column) -> Self {
        let known = column.count.saturating_sub(1);
        let mut bins: Vec<usize> = column.bins.iter().map(|bin| usize::from(*bin)).filter(|bin| *bin < known).collect();
        bins.sort_unstable();
        let middle = bins.get(bins.len() / 2).copied().unwrap_or_default();
        Self { middle, level: 0.0, steps: vec![0.0; known.saturating_sub(1)], missing: 0.0 }
    }

    /// The value of each bin; that of missing values last.
    fn values(&self) -> Vec<f64> {
        let mut values = vec![self.level; self.steps.len() + 2];
        for bin in (0..self.middle).rev() {
            values[bin] = values[bin + 1] - self.steps[bin];
        }
        for bin in self.middle..self.steps.len() {
            values[bin + 1] = values[bin] + self.steps[bin];
        }
        values[self.steps.len() + 1] = self.level + self.missing;
        values
    }

    /// Goes to the best point of the sums' second-order expansion.
    fn turn(&mut self, sums: &mut [Sums], ridge: f64, trend: Trend) {
        let known = self.steps.len() + 1;
        for _ in 0..PASSES {
            self.level = best(sums, self.level, 1.0, 0.0, Trend::Any);
            for (bin, step) in self.steps.iter_mut().enumerate() {
                // Below the middle a rise of the step lowers what lies under it.
                let (moved, sign) =
                    if bin < self.middle { (&mut sums[..=bin], -1.0) } else { (&mut sums[bin + 1..known], 1.0) };
                *step = best(moved, *step, sign, ridge, trend);
            }
            self.missing = best(&mut sums[known..], self.missing, 1.0, ridge, Trend::Any);
        }
    }
}

/// Where a coordinate is best that moves some bins, up or down; their gradients go with it.
fn best(bins: &mut [Sums], from: f64, sign: f64, ridge: f64, trend: Trend) -> f64 {
    let sums = bins.iter().fold(Sums::default(), |sums, bin| sums.plus(*bin));
    let information = (sums.information + ridge).max(f64::MIN_POSITIVE);
    let step = (sign * sums.gradient - ridge * from) / information;
    let to = trend.kept(from + step.clamp(-LONGEST, LONGEST));
    bins.iter_mut().for_each(|bin| bin.gradient -= bin.information * sign * (to - from));
    to
}

impl Trend {
    fn kept(self, step: f64) -> f64 {
        match self {
            Self::Any => step,
            Self::Rising => step.max(0.0),
            Self::Falling => step.min(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::chance::Chance;
    use crate::score::number::{logistic, real};

    const RIDGES: [f64; 4] = [64.0, 16.0, 4.0, 1.0];

    const HILL: [usize; 8] = [5, 10, 20, 80, 80, 20, 10, 5];

    /// A column of eight bins by the percentage of positives in each, and one of noise.
    fn table(percent: [usize; 8], trend: Trend) -> (Binned, Labels) {
        let mut chance = Chance::new(5, 0);
        let mut bins: [Vec<u16>; 2] = [Vec::new(), Vec::new()];
        let mut is_positive = Vec::new();
        for row in 0..4000_u16 {
            bins[0].push(row % 8);
            bins[1].push(u16::try_from(chance.below(8)).unwrap());
            is_positive.push(chance.below(100) < percent[usize::from(row % 8)]);
        }
        let columns = bins.map(|bins| Column { bins, count: 9, trend }).into();
        (Binned { columns }, Labels { is_positive, positive_weight: 1.0, weights: None })
    }

    #[test]
    fn a_planted_shape_is_found_and_noise_is_not() {
        let (data, labels) = table(HILL, Trend::Any);
        let model = regress(&data, &labels, &RIDGES).pop().unwrap();
        for (bin, percent) in HILL.into_iter().enumerate() {
            let of_bin = (bin..4000).step_by(8).map(|row| logistic(model.logit(&data, row)));
            let found = of_bin.sum::<f64>() / 500.0;
            assert!((found - real(percent) / 100.0).abs() < 0.05, "bin {bin}: {found}");
        }
        let noise = &model.shapes[1][..8];
        assert!(noise.iter().all(|value| (value - noise[4]).abs() < 0.3), "{noise:?}");
    }

    #[test]
    fn where_it_ends_no_step_can_be_better() {
        // Of the loss and the ridge, the slope along each coordinate is nil.
        let (data, labels) = table(HILL, Trend::Any);
        let model = regress(&data, &labels, &[16.0; 20]).pop().unwrap();
        let short = |row: usize| f64::from(labels.is_positive[row]) - logistic(model.logit(&data, row));
        for (column, shape) in data.columns.iter().zip(&model.shapes) {
            for bin in 1..8 {
                let above: f64 = (0..4000).filter(|row| usize::from(column.bins[*row]) >= bin).map(short).sum();
                let ridge = 16.0 * (shape[bin] - shape[bin - 1]);
                assert!((above - ridge).abs() < 1e-6, "bin {bin}: {above} against {ridge}");
            }
        }
    }

    #[test]
    fn a_trend_is_kept_exactly() {
        for percent in [HILL, [90, 5, 80, 10, 70, 20, 60, 30], [50; 8]] {
            let (data, labels) = table(percent, Trend::Rising);
            for model in regress(&data, &labels, &RIDGES) {
                assert!(model.shapes.iter().all(|shape| shape[..8].is_sorted()), "{:?}", model.shapes);
            }
            let (data, labels) = table(percent, Trend::Falling);
            for model in regress(&data, &labels, &RIDGES) {
                let falls = |shape: &Vec<f64>| shape[..8].is_sorted_by(|a, b| a >= b);
                assert!(model.shapes.iter().all(falls), "{:?}", model.shapes);
            }
        }
        let (data, labels) = table(HILL, Trend::Rising);
        let shape = &regress(&data, &labels, &RIDGES).pop().unwrap().shapes[0];
        assert!(shape[7] - shape[0] > 0.5, "what rises is still found: {shape:?}");
    }

    #[test]
    fn missing_values_that_no_row_has_stay_in_the_middle() {
        let (data, labels) = table([5, 5, 5, 5, 95, 95, 95, 95], Trend::Any);
        let shape = &regress(&data, &labels, &RIDGES).pop().unwrap().shapes[0];
        assert_eq!(shape[8], shape[4]);
    }

    #[test]
    fn rows_that_are_parted_without_an_error_have_a_model() {
        let (data, labels) = table([0, 0, 0, 0, 100, 100, 100, 100], Trend::Any);
        let model = regress(&data, &labels, &RIDGES).pop().unwrap();
        assert!(model.shapes.iter().flatten().all(|value| value.is_finite()), "{model:?}");
        assert!(model.logit(&data, 4) > 4.0 && model.logit(&data, 0) < -4.0, "{model:?}");
    }

    #[test]
    fn another_order_of_the_rows_moves_nothing() {
        let (data, labels) = table(HILL, Trend::Any);
        let order = Chance::new(7, 0).order(4000);
        let column = |column: &Column| {
            let bins = order.iter().map(|row| column.bins[*row]).collect();
            Column { bins, count: column.count, trend: column.trend }
        };
        let turned = Binned { columns: data.columns.iter().map(column).collect() };
        let is_positive = order.iter().map(|row| labels.is_positive[*row]).collect();
        let labels_turned = Labels { is_positive, ..labels.clone() };
        let [one, other] = [regress(&data, &labels, &RIDGES), regress(&turned, &labels_turned, &RIDGES)];
        let values =
            |models: Vec<Model>| models.into_iter().flat_map(|model| model.shapes).flatten().collect::<Vec<f64>>();
        for (one, other) in values(one).into_iter().zip(values(other)) {
            assert!((one - other).abs() < 1e-9, "{one} {other}");
        }
    }

    #[test]
    fn a_weight_counts_as_so_many_rows() {
        let column =
            |bins: &[u16]| Binned { columns: vec![Column { bins: bins.to_vec(), count: 3, trend: Trend::Any }] };
        let labels = |is_positive: &[bool], weights: Option<Vec<f64>>| Labels {
            is_positive: is_positive.to_vec(),
            positive_weight: 1.0,
            weights,
        };
        let weighed = labels(&[true, false, true, false], Some(vec![3.0, 1.0, 1.0, 3.0]));
        let counted = labels(&[true, true, true, false, true, false, false, false], None);
        let [one, other] = [
            regress(&column(&[0, 0, 1, 1]), &weighed, &[1.0]),
            regress(&column(&[0, 0, 0, 0, 1, 1, 1, 1]), &counted, &[1.0]),
        ];
        let gap = |models: &[Model]| models[0].shapes[0][1] - models[0].shapes[0][0];
        assert!((gap(&one) - gap(&other)).abs() < 1e-6 && gap(&one) < -0.5, "{one:?} {other:?}");
    }
}
