//! What would have to be different for a number to be clear.
//!
//! In: a sum of points, the line it has reached, and the bins that its values lie in. Out: the fewest values, each moved
//! to another bin, that take the sum below the line. Never: moves a value that is missing, or one that has no other bin.

use std::collections::BTreeMap;

use serde::Serialize;

use super::card::Characteristic;

/// A value that could be another, with the bins of its characteristic.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Name of the characteristic.
    pub characteristic: &'a str,
    /// Its bins.
    pub bins: &'a Characteristic,
    /// The value as it is.
    pub value: f64,
}

/// The smallest change that takes a sum below a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// What moves, in the order of the places.
    pub moves: Vec<Move>,
    /// The sum that is left.
    pub points: i64,
}

/// One value in another bin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Move {
    /// Name of the characteristic.
    pub characteristic: String,
    /// The bin's lower bound; `None` for the lowest bin.
    pub at_least: Option<f64>,
    /// The bin's upper bound; `None` for the highest bin.
    pub below: Option<f64>,
    /// What the move adds to the sum: less than nothing.
    pub points: i64,
}

/// A move that saves points: how many bins it crosses and where it ends.
#[derive(Debug, Clone, Copy)]
struct Step {
    crossed: usize,
    saved: i64,
    bin: usize,
}

/// Steps that belong together, each with the index of its place.
#[derive(Debug, Clone, Default)]
struct Plan {
    saved: i64,
    steps: Vec<(usize, Step)>,
}

/// The change with the fewest moved values; of several with as many, the one that crosses the fewest bins in all, and
/// then the one that leaves the fewest points. `None` when the sum lies below the line, or no change takes it there.
pub fn smallest(sum: i64, line: i64, places: &[Place<'_>]) -> Option<Change> {
    let needed = sum - line + 1;
    if needed <= 0 {
        return None;
    }
    let steps: Vec<Vec<Step>> = places.iter().map(steps).collect();
    let fewest = fewest(&steps, needed)?;
    // The best plan for each count of moved values and crossed bins.
    let mut plans = BTreeMap::from([((0, 0), Plan::default())]);
    for (index, steps) in steps.iter().enumerate() {
        let before = plans.clone();
        for ((moved, crossed), plan) in before.into_iter().filter(|((moved, _), _)| *moved < fewest) {
            for step in steps {
                let known = plans.entry((moved + 1, crossed + step.crossed)).or_default();
                if known.steps.is_empty() || plan.saved + step.saved > known.saved {
                    known.saved = plan.saved + step.saved;
                    known.steps = [plan.steps.as_slice(), &[(index, *step)]].concat();
                }
            }
        }
    }
    let plan = plans.into_values().find(|plan| plan.saved >= needed)?;
    let moves = plan.steps.iter().map(|(index, step)| moved(&places[*index], *step)).collect();
    Some(Change { moves, points: sum - plan.saved })
}

/// Every move of a value that saves more than any move across fewer bins.
fn steps(place: &Place<'_>) -> Vec<Step> {
    let bin = place.bins.bin(place.value);
    let now = place.bins.points(Some(place.value));
    let mut steps: Vec<Step> = Vec::new();
    let all = place.bins.points.iter().enumerate();
    let mut all: Vec<Step> =
        all.map(|(to, points)| Step { crossed: bin.abs_diff(to), saved: now - points, bin: to }).collect();
    all.sort_by_key(|step| (step.crossed, -step.saved));
    for step in all {
        if step.saved > steps.last().map_or(0, |last| last.saved) {
            steps.push(step);
        }
    }
    steps
}

/// How many values have to move at least.
fn fewest(steps: &[Vec<Step>], needed: i64) -> Option<usize> {
    let mut most: Vec<i64> = steps.iter().filter_map(|steps| steps.last()).map(|step| step.saved).collect();
    most.sort_unstable_by(|a, b| b.cmp(a));
    let mut saved = 0;
    let enough = most.iter().position(|most| {
        saved += most;
        saved >= needed
    });
    enough.map(|index| index + 1)
}

fn moved(place: &Place<'_>, step: Step) -> Move {
    let bounds = &place.bins.below;
    Move {
        characteristic: place.characteristic.to_owned(),
        at_least: step.bin.checked_sub(1).and_then(|lower| bounds.get(lower)).copied(),
        below: bounds.get(step.bin).copied(),
        points: -step.saved,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bins(below: &[f64], points: &[i64]) -> Characteristic {
        Characteristic {
            criterion: "stranger".to_owned(),
            below: below.to_vec(),
            points: points.to_vec(),
            missing: 0,
            why: "a test needs one".to_owned(),
            why_vi: None,
        }
    }

    fn words(change: Option<Change>) -> String {
        let Some(change) = change else { return "none".to_owned() };
        let moves = change.moves.iter().map(|step| {
            let bound = |bound: Option<f64>| bound.map_or_else(String::new, |bound| bound.to_string());
            format!("{} [{}, {}) {:+}", step.characteristic, bound(step.at_least), bound(step.below), step.points)
        });
        format!("{} -> {}", moves.collect::<Vec<_>>().join("; "), change.points)
    }

    #[track_caller]
    fn check(sum: i64, line: i64, places: &[(&str, &Characteristic, f64)], expected: &str) {
        let places = places.iter().map(|(characteristic, bins, value)| Place { characteristic, bins, value: *value });
        assert_eq!(words(smallest(sum, line, &places.collect::<Vec<_>>())), expected);
    }

    #[test]
    fn one_value_moves_no_further_than_it_must() {
        let share = bins(&[0.3, 0.5, 0.7], &[-45, -18, 4, 16]);
        check(10, 0, &[("new", &share, 0.8)], "new [0.5, 0.7) -12 -> -2");
        check(20, 0, &[("new", &share, 0.8)], "new [0.3, 0.5) -34 -> -14");
    }

    #[test]
    fn of_two_values_that_would_do_the_one_that_moves_less_is_named() {
        let far = bins(&[1.0, 2.0, 3.0], &[-50, 10, 10, 10]);
        let near = bins(&[1.0, 2.0, 3.0], &[0, 0, -5, 10]);
        check(10, 0, &[("far", &far, 9.0), ("near", &near, 9.0)], "near [2, 3) -15 -> -5");
    }

    #[test]
    fn two_values_move_only_where_one_is_not_enough() {
        let one = bins(&[1.0], &[0, 20]);
        let other = bins(&[1.0, 2.0], &[-10, 0, 5]);
        check(30, 0, &[("one", &one, 5.0), ("other", &other, 5.0)], "one [, 1) -20; other [, 1) -15 -> -5");
        check(15, 0, &[("one", &one, 5.0), ("other", &other, 5.0)], "one [, 1) -20 -> -5");
    }

    #[test]
    fn the_sum_must_end_below_the_line_and_not_on_it() {
        let share = bins(&[0.5], &[0, 10]);
        check(10, 0, &[("x", &share, 0.9)], "none");
        check(9, 0, &[("x", &share, 0.9)], "x [, 0.5) -10 -> -1");
    }

    #[test]
    fn a_clear_number_needs_no_change_and_a_hopeless_one_has_none() {
        let share = bins(&[0.5], &[0, 10]);
        check(-1, 0, &[("x", &share, 0.9)], "none");
        check(50, 0, &[("x", &share, 0.9)], "none");
        check(50, 0, &[], "none");
    }

    /// All ways to move values, by trying each: (moved, crossed, points left).
    fn tried(sum: i64, line: i64, places: &[Place<'_>]) -> Option<(usize, usize, i64)> {
        let mut ways = vec![(0, 0, sum)];
        for place in places {
            let bin = place.bins.bin(place.value);
            for (moved, crossed, left) in ways.clone() {
                for (to, points) in place.bins.points.iter().enumerate().filter(|(to, _)| *to != bin) {
                    let left = left - place.bins.points(Some(place.value)) + points;
                    ways.push((moved + 1, crossed + bin.abs_diff(to), left));
                }
            }
        }
        ways.into_iter().filter(|(moved, _, left)| *moved > 0 && *left < line).min()
    }

    proptest! {
        #[test]
        fn no_smaller_change_is_found_by_trying_all(
            cards in prop::collection::vec((prop::collection::vec(-20_i64..20, 4), 0.0..4.0), 0..5),
            sum in -5_i64..60,
        ) {
            let bins: Vec<_> = cards.iter().map(|(points, value)| (bins(&[1.0, 2.0, 3.0], points), *value)).collect();
            let places: Vec<_> =
                bins.iter().map(|(bins, value)| Place { characteristic: "x", bins, value: *value }).collect();
            let found = smallest(sum, 0, &places).map(|change| (change.moves.len(), change.points));
            let expected = tried(sum, 0, &places).filter(|_| sum >= 0);
            prop_assert_eq!(found, expected.map(|(moved, _, left)| (moved, left)));
        }
    }
}
