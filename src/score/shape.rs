//! Shapes as scorecards: few bins, whole points, told against the average row.
//!
//! In: a fitted model with its bins. Out: the characteristics of a card. Never: a bin more than a reader can follow, or
//! a change of a shape's direction.

use std::collections::BTreeMap;

use super::card::{BASE, Characteristic};
use super::fit::Model;
use super::number::{real, real_points, whole};
use super::wording;

/// Points for a step of one in the log-odds: so fine that rounding moves no row past another that matters.
pub const POINTS_PER_LOGIT: i64 = 100;

/// The most bins that a characteristic of a card has, without that of missing values.
pub const MOST_BINS: usize = 12;

/// A column as it was fitted.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// The component that it counts for.
    pub criterion: String,
    /// Why it is there.
    pub why: String,
    /// Upper bounds of its bins.
    pub below: Vec<f64>,
    /// Rows in each bin; those of missing values last.
    pub rows: Vec<usize>,
}

/// The characteristics of a model, and its base.
///
/// Each shape is moved so that the average row has no points from it; what is moved goes to the base.
pub fn characteristics(model: &Model, sources: &[Source]) -> BTreeMap<String, Characteristic> {
    let mut base = model.base;
    let mut all = BTreeMap::new();
    for (shape, source) in model.shapes.iter().zip(sources) {
        let rows: f64 = source.rows.iter().copied().map(real).sum();
        let sum: f64 = shape.iter().zip(&source.rows).map(|(value, rows)| value * real(*rows)).sum();
        let average = sum / rows.max(1.0);
        base += average;
        let centred: Vec<f64> = shape.iter().map(|value| value - average).collect();
        all.insert(source.name.clone(), characteristic(&centred, source));
    }
    let points = points(base);
    let (why, criterion) = (wording::AVERAGE.0.to_owned(), "support".to_owned());
    let (below, all_points) = (Vec::new(), vec![points]);
    let base = Characteristic { criterion, below, points: all_points, missing: points, why, why_vi: None };
    all.insert(BASE.to_owned(), base);
    all
}

fn points(logit: f64) -> i64 {
    whole(logit * real_points(POINTS_PER_LOGIT))
}

fn characteristic(shape: &[f64], source: &Source) -> Characteristic {
    let known = source.below.len() + 1;
    let ends = segments(&shape[..known], &source.rows[..known], MOST_BINS);
    let mut below = Vec::new();
    let mut all_points: Vec<i64> = Vec::new();
    let mut from = 0;
    for until in ends {
        let points = points(mean(&shape[from..until], &source.rows[from..until]));
        // Neighbours with equal points are one bin.
        if all_points.last() == Some(&points) {
            below.pop();
        } else {
            all_points.push(points);
        }
        below.extend(source.below.get(until - 1));
        from = until;
    }
    Characteristic {
        criterion: source.criterion.clone(),
        below,
        points: all_points,
        missing: shape.get(known).copied().map_or(0, points),
        why: source.why.clone(),
        why_vi: None,
    }
}

fn mean(values: &[f64], rows: &[usize]) -> f64 {
    let weights = rows.iter().map(|rows| real(*rows).max(f64::MIN_POSITIVE));
    let (sum, weight) =
        values.iter().zip(weights).fold((0.0, 0.0), |(sum, all), (value, weight)| (sum + value * weight, all + weight));
    // However its digits are rounded, a mean lies among its values: else two bins of a rise could change places.
    let (low, high) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    (sum / weight).max(low).min(high)
}

/// Ends of at most `most` segments of neighbouring bins, so that their means lose least of the shape.
fn segments(shape: &[f64], rows: &[usize], most: usize) -> Vec<usize> {
    let bins = shape.len();
    let mut loss = vec![vec![0.0; bins + 1]; bins];
    for (from, loss) in loss.iter_mut().enumerate() {
        let (mut weight, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for until in from + 1..=bins {
            let (value, of_bin) = (shape[until - 1], real(rows[until - 1]));
            weight += of_bin;
            sum += of_bin * value;
            squares += of_bin * value * value;
            loss[until] = if weight > 0.0 { squares - sum * sum / weight } else { 0.0 };
        }
    }
    // The least loss of the first `until` bins in so many segments, and where the last of these begins.
    let mut least: Vec<(f64, usize)> = loss[0].iter().map(|loss| (*loss, 0)).collect();
    let mut begins = vec![least.iter().map(|(_, from)| *from).collect::<Vec<usize>>()];
    for _ in 1..most.min(bins) {
        let better = |until: usize| {
            let with = |from: usize| (least[from].0 + loss[from][until], from);
            (1..until).map(with).fold(least[until], |best, found| if found.0 < best.0 - 1e-9 { found } else { best })
        };
        let next: Vec<(f64, usize)> = (0..=bins).map(better).collect();
        begins.push(next.iter().map(|(_, from)| *from).collect());
        least = next;
    }
    let mut ends = Vec::new();
    let mut until = bins;
    for begin in begins.iter().rev() {
        if until > 0 && ends.last() != Some(&until) {
            ends.push(until);
        }
        until = begin[until];
    }
    ends.reverse();
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(below: &[f64], rows: &[usize]) -> Source {
        Source {
            name: "calls".to_owned(),
            criterion: "frequency".to_owned(),
            why: "a test needs one".to_owned(),
            below: below.to_vec(),
            rows: rows.to_vec(),
        }
    }

    #[test]
    fn points_are_told_against_the_average_row() {
        let model = Model { base: -1.0, shapes: vec![vec![0.0, 1.0, 3.0]] };
        let card = characteristics(&model, &[source(&[5.0], &[50, 25, 25])]);
        let calls = &card["calls"];
        assert_eq!((&calls.below[..], &calls.points[..], calls.missing), (&[5.0][..], &[-100, 0][..], 200));
        assert_eq!(card[BASE].points, [0]);
        let logits = [calls.points[0], calls.points[1], calls.missing].map(|points| points + card[BASE].points[0]);
        assert_eq!(logits, [-100, 0, 200], "what the model says");
    }

    #[test]
    fn equal_neighbours_are_one_bin() {
        let model = Model { base: 0.0, shapes: vec![vec![-1.0, -1.0, 1.0, 1.001, 0.0]] };
        let card = characteristics(&model, &[source(&[1.0, 2.0, 3.0], &[10, 10, 10, 10, 0])]);
        assert_eq!((&card["calls"].below[..], &card["calls"].points[..]), (&[2.0][..], &[-100, 100][..]));
    }

    #[test]
    fn what_is_left_out_loses_least() {
        assert_eq!(segments(&[0.0, 0.1, 5.0, 5.1, 9.0], &[1; 5], 3), [2, 4, 5]);
        assert_eq!(segments(&[0.0, 0.1, 5.0, 5.1, 9.0], &[1, 1, 1, 1, 0], 2), [2, 5], "an empty bin costs nothing");
        assert_eq!(segments(&[1.0], &[3], 12), [1]);
        assert_eq!(segments(&[1.0, 2.0], &[3, 3], 12), [1, 2]);
    }
}
