//! What points mean: the probability of a total, learnt from rows that the card had not seen.
//!
//! In: points of held-out rows with their labels. Out: a table from points to a probability and its interval.
//! Never: a probability that falls where points rise.

use anyhow::ensure;

use super::card::{Calibration, PPB};
use super::number::{logistic, real, real_points, whole};

/// A logistic curve over points, with what is not known about it.
#[derive(Debug, Clone, Copy)]
pub struct Curve {
    /// Log-odds for one unit of log-odds in points.
    slope: f64,
    /// Log-odds at no points.
    intercept: f64,
    /// Variances of both, and their covariance.
    variance: (f64, f64, f64),
    points_per_logit: f64,
}

/// Between two totals of the table, as a part of one unit of log-odds.
const STEPS_PER_LOGIT: i64 = 4;

/// 95 % of a normal law lie within so many standard deviations.
const DEVIATIONS: f64 = 1.96;

impl Curve {
    /// Fits the curve by Newton's steps to labels that are drawn in a little, as Platt (1999) has it, so that rows which
    /// are parted without an error have a curve, too.
    pub fn fit(points: &[i64], is_positive: &[bool], points_per_logit: i64) -> anyhow::Result<Self> {
        let scale = real_points(points_per_logit);
        let positives = real(is_positive.iter().filter(|is_positive| **is_positive).count());
        let negatives = real(is_positive.len()) - positives;
        let target = [1.0 / (negatives + 2.0), (positives + 1.0) / (positives + 2.0)];
        let rows: Vec<(f64, f64)> = points
            .iter()
            .zip(is_positive)
            .map(|(points, is_positive)| (real_points(*points) / scale, target[usize::from(*is_positive)]))
            .collect();
        let (mut slope, mut intercept) = (1.0, 0.0);
        let mut variance = (0.0, 0.0, 0.0);
        for _ in 0..50 {
            let (mut down, mut across) = (0.0, 0.0);
            let (mut xx, mut x1, mut one) = (1e-9, 0.0, 1e-9);
            for (x, target) in &rows {
                let probability = logistic(slope * x + intercept);
                let information = probability * (1.0 - probability);
                down += (target - probability) * x;
                across += target - probability;
                xx += information * x * x;
                x1 += information * x;
                one += information;
            }
            let determinant = xx * one - x1 * x1;
            variance = (one / determinant, xx / determinant, -x1 / determinant);
            let by = (variance.0 * down + variance.2 * across, variance.2 * down + variance.1 * across);
            // A long step overshoots where rows are few.
            let (by_slope, by_intercept) = (by.0.clamp(-1.0, 1.0), by.1.clamp(-1.0, 1.0));
            slope += by_slope;
            intercept += by_intercept;
            if by_slope.abs() + by_intercept.abs() < 1e-12 {
                break;
            }
        }
        ensure!(
            slope > 0.0,
            "the columns say nothing about the label: rows kept aside are ranked no better than by chance"
        );
        Ok(Self { slope, intercept, variance, points_per_logit: scale })
    }

    /// The curve for a world in which positives are another share of all than they were in the table.
    pub fn at_prevalence(self, in_table: f64, in_world: f64) -> Self {
        let odds = |share: f64| (share / (1.0 - share)).ln();
        Self { intercept: self.intercept + odds(in_world) - odds(in_table), ..self }
    }

    /// The curve as a table over all totals from the least to the most.
    pub fn table(self, range: (i64, i64), points_per_logit: i64) -> Calibration {
        let (least, most) = range;
        let step = (points_per_logit / STEPS_PER_LOGIT).max(1);
        let first = least.div_euclid(step) + 1;
        let inner = (first..).map(|place| place * step).take_while(|points| *points < most);
        let mut points = vec![least];
        points.extend(inner);
        if least < most {
            points.push(most);
        }
        let values = |deviations: f64| points.iter().map(|points| self.ppb(*points, deviations)).collect::<Vec<u32>>();
        let (mut low_ppb, mut high_ppb) = (values(-DEVIATIONS), values(DEVIATIONS));
        // Far out an interval widens faster than the curve rises.
        for place in 1..points.len() {
            low_ppb[place] = low_ppb[place].max(low_ppb[place - 1]);
        }
        for place in (1..points.len()).rev() {
            high_ppb[place - 1] = high_ppb[place - 1].min(high_ppb[place]);
        }
        Calibration { probability_ppb: values(0.0), low_ppb, high_ppb, points }
    }

    fn ppb(self, points: i64, deviations: f64) -> u32 {
        let x = real_points(points) / self.points_per_logit;
        let (slope, intercept, both) = self.variance;
        let deviation = (x * x * slope + 2.0 * x * both + intercept).max(0.0).sqrt();
        let probability = logistic(self.slope * x + self.intercept + deviations * deviation);
        u32::try_from(whole(probability * f64::from(PPB))).unwrap_or(PPB)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At -100 points one of four is positive, at 100 three of four; a thousand times each.
    fn rows() -> (Vec<i64>, Vec<bool>) {
        (0..8000).map(|row| if row % 8 < 4 { (-100, row % 4 == 0) } else { (100, row % 4 != 0) }).unzip()
    }

    #[test]
    fn a_share_of_held_out_rows_is_the_probability() {
        let (points, is_positive) = rows();
        let table = Curve::fit(&points, &is_positive, 100).unwrap().table((-300, 300), 100);
        let near = |total: i64, expected: f64| {
            let found = table.at(total);
            assert!((found.value() - expected).abs() < 1e-3, "{total}: {found:?}");
        };
        near(-100, 0.25);
        near(0, 0.5);
        near(100, 0.75);
        // The standard error of a log-odds at 1 of 4 among 4000 is 1 / sqrt(4000 * 3 / 16) = 0.0365.
        let found = table.at(100);
        let half = f64::from(found.high_ppb - found.low_ppb) / 2e9;
        assert!((half - 1.96 * 0.0365 * 3.0 / 16.0).abs() < 1e-3, "{half}");
    }

    #[test]
    fn a_rare_world_has_smaller_probabilities_in_the_same_order() {
        let (points, is_positive) = rows();
        let curve = Curve::fit(&points, &is_positive, 100).unwrap().at_prevalence(0.5, 0.01);
        let table = curve.table((-300, 300), 100);
        // Odds of 3 to 1 among equals are 3 to 99 among one in a hundred.
        assert!((table.at(100).value() - 3.0 / 102.0).abs() < 1e-3, "{:?}", table.at(100));
        assert!(table.probability_ppb.is_sorted() && table.low_ppb.is_sorted() && table.high_ppb.is_sorted());
        assert_eq!((table.points.first(), table.points.last()), (Some(&-300), Some(&300)));
    }

    #[test]
    fn points_that_say_nothing_are_refused_and_perfect_ones_are_not() {
        let (points, is_positive) = rows();
        let turned: Vec<i64> = points.iter().map(|points| -points).collect();
        assert!(Curve::fit(&turned, &is_positive, 100).unwrap_err().to_string().contains("no better than by chance"));
        let perfect: Vec<i64> = is_positive.iter().map(|is_positive| if *is_positive { 300 } else { -300 }).collect();
        let table = Curve::fit(&perfect, &is_positive, 100).unwrap().table((-300, 300), 100);
        assert!(table.at(300).value() > 0.99 && table.at(-300).value() < 0.01);
    }
}
