//! A card out of labelled rows: a shape as free as held-out rows ask for, and probabilities learnt from them.
//!
//! In: columns of numbers with a label for each row. Out: a card, and the points of each row by a card that had not
//! seen it. Never: a figure of a row by shapes or a curve that were fitted to it.

use anyhow::{anyhow, ensure};

use super::bins;
use super::calibrate::Curve;
use super::card::{BASE, Card};
use super::fit::{self, Binned, Labels, Model, Trend};
use super::fold::{FOLDS, folds, folds_of_groups};
use super::method::Method;
use super::number::{logistic, real};
use super::shape::{POINTS_PER_LOGIT, Source, characteristics};
use super::wording;

/// A column to train on.
#[derive(Debug, Clone)]
pub struct Given {
    /// Its name.
    pub name: String,
    /// The component that it counts for.
    pub criterion: String,
    /// Which way its points may go.
    pub trend: Trend,
    /// Its value in each row; `NaN` is a missing one.
    pub values: Vec<f64>,
}

/// What is wanted of a card.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What it judges.
    pub doc: String,
    /// How its shapes are fitted.
    pub method: Method,
    /// The share of positives where it will be used; that of the table when not named.
    pub prevalence: Option<f64>,
    /// What parts the rows by chance.
    pub seed: u64,
    /// The group of each row, such as a person of several SIMs: none is fitted to and held out at once. Without them
    /// each row stands alone.
    pub groups: Option<Vec<usize>>,
}

/// A trained card with what was found on the way.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The card.
    pub card: Card,
    /// How it was fitted, in words, with what held-out rows asked for.
    pub fit: String,
    /// The points of each row by a card that had not seen it, with shapes as free as all rows ask for.
    pub held_out: Vec<i64>,
    /// What is measured: the probability of each row at the table's own prevalence, with shapes as free as the other parts
    /// ask for and by the curve of their points.
    pub probability: Vec<f64>,
}

/// The models of one fit, from the stiffest to the freest, with the bins that they are about.
struct Course {
    models: Vec<Model>,
    sources: Vec<Source>,
    held_out: Vec<usize>,
    /// By model, over the held-out rows: the sum of what each truth's probability is short of one, as a log.
    losses: Vec<f64>,
}

/// Trains a card.
pub fn train(given: &[Given], labels: &Labels, wanted: Wanted) -> anyhow::Result<Trained> {
    let rows = labels.is_positive.len();
    let positives = labels.is_positive.iter().filter(|is_positive| **is_positive).count();
    ensure!(
        given.iter().all(|column| column.name != BASE),
        "\"{BASE}\" is the card's own: give the column another name"
    );
    ensure!(!given.is_empty(), "no column to train on");
    ensure!(
        positives >= FOLDS && rows - positives >= FOLDS,
        "{positives} of {rows} rows are positive: {FOLDS} of each kind are the least that can be held out in turn"
    );
    let parts = match &wanted.groups {
        Some(groups) => folds_of_groups(groups, &labels.is_positive, wanted.seed)?,
        None => folds(&labels.is_positive, wanted.seed),
    };
    let courses = std::thread::scope(|scope| {
        let held_out = (0..=FOLDS).map(|part| (0..rows).filter(|row| parts[*row] == part).collect::<Vec<usize>>());
        // The last part is empty: that fit has all rows.
        let fits: Vec<_> =
            held_out.map(|held_out| scope.spawn(|| course(given, labels, held_out, wanted.method))).collect();
        fits.into_iter().map(|fit| fit.join().map_err(|_| anyhow!("a fit was cut off"))).collect::<Result<Vec<_>, _>>()
    })?;
    let Some(whole) = courses.last() else { return Err(anyhow!("nothing was fitted")) };
    let best = least_loss(&courses, None);
    let held_out = points(given, &courses, rows, |_| best);
    let curve = Curve::fit(&held_out, &labels.is_positive, POINTS_PER_LOGIT)?;
    let mut card = Card {
        name: None,
        doc: wanted.doc,
        points_per_logit: Some(POINTS_PER_LOGIT),
        calibration: None,
        characteristic: characteristics(&whole.models[best], &whole.sources),
    };
    let measured = points(given, &courses, rows, |part| least_loss(&courses, Some(part)));
    let probability = probabilities(&measured, &labels.is_positive, &parts)?;
    let in_table = real(positives) / real(rows);
    let used = wanted.prevalence.map_or(curve, |in_world| curve.at_prevalence(in_table, in_world));
    card.calibration = Some(used.table(card.range(), POINTS_PER_LOGIT));
    Ok(Trained { card, fit: wanted.method.words(best), held_out, probability })
}

/// The model that loses least on the held-out rows of all parts, or of all but one.
fn least_loss(courses: &[Course], but: Option<usize>) -> usize {
    let others = || courses.iter().enumerate().filter(move |(part, _)| Some(*part) != but);
    let loss = |model: usize| others().filter_map(|(_, course)| course.losses.get(model)).sum::<f64>();
    let models = courses.last().map_or(0, |whole| whole.losses.len());
    (0..models).min_by(|a, b| loss(*a).total_cmp(&loss(*b))).unwrap_or_default()
}

/// The points of each row by the fit that had not seen its part, in the model that is chosen for the part.
fn points(given: &[Given], courses: &[Course], rows: usize, chosen: impl Fn(usize) -> usize) -> Vec<i64> {
    let mut points = vec![0; rows];
    for (part, course) in courses.iter().enumerate() {
        let characteristics = characteristics(&course.models[chosen(part)], &course.sources);
        for row in &course.held_out {
            let of_columns =
                given.iter().map(|column| characteristics[&column.name].points(known(column.values[*row])));
            points[*row] = of_columns.sum::<i64>() + characteristics[BASE].missing;
        }
    }
    points
}

/// What the points of each row mean by the curve of all parts but its own.
fn probabilities(points: &[i64], is_positive: &[bool], parts: &[usize]) -> anyhow::Result<Vec<f64>> {
    let mut probabilities = vec![0.0; points.len()];
    let range = reach((0, 0), points);
    for part in 0..FOLDS {
        let others = (0..points.len()).filter(|row| parts[*row] != part);
        let (of_others, truth): (Vec<i64>, Vec<bool>) = others.map(|row| (points[row], is_positive[row])).unzip();
        let table = Curve::fit(&of_others, &truth, POINTS_PER_LOGIT)?.table(range, POINTS_PER_LOGIT);
        for row in (0..points.len()).filter(|row| parts[*row] == part) {
            probabilities[row] = table.at(points[row]).value();
        }
    }
    Ok(probabilities)
}

fn known(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

/// A range that holds all points as well.
fn reach(range: (i64, i64), points: &[i64]) -> (i64, i64) {
    points.iter().fold(range, |(least, most), points| (least.min(*points), most.max(*points)))
}

/// Fits every model of a method to the rows that are not held out, and sums up what each loses on those that are.
fn course(given: &[Given], labels: &Labels, held_out: Vec<usize>, method: Method) -> Course {
    let rows = labels.is_positive.len();
    let mut is_held_out = vec![false; rows];
    held_out.iter().for_each(|row| is_held_out[*row] = true);
    let fitted: Vec<usize> = (0..rows).filter(|row| !is_held_out[*row]).collect();
    let mut sources = Vec::new();
    let (mut seen, mut unseen) = (Binned::default(), Binned::default());
    for column in given {
        let values: Vec<f64> = fitted.iter().map(|row| column.values[*row]).collect();
        let below = bins::bounds(&values, method.bins());
        let count = below.len() + 2;
        // No more than the method's bins and that of missing values, so that none is cut short.
        let bin = |row: &usize| u16::try_from(bins::bin(&below, column.values[*row])).unwrap_or(u16::MAX);
        let binned = |rows: &[usize]| fit::Column { bins: rows.iter().map(bin).collect(), count, trend: column.trend };
        let of_seen = binned(&fitted);
        unseen.columns.push(binned(&held_out));
        sources.push(source(column, below, &of_seen));
        seen.columns.push(of_seen);
    }
    let of = |rows: &[usize]| rows.iter().map(|row| labels.is_positive[*row]).collect::<Vec<bool>>();
    let weights = labels.weights.as_ref().map(|weights| fitted.iter().map(|row| weights[*row]).collect());
    let labels_seen = Labels { is_positive: of(&fitted), positive_weight: labels.positive_weight, weights };
    let truth = of(&held_out);
    let models = method.models(&seen, &labels_seen);
    let short = |model: &Model, row: usize| {
        let logit = model.logit(&unseen, row);
        let of_truth = logistic(if truth[row] { logit } else { -logit });
        -labels.weight(held_out[row]) * of_truth.max(f64::MIN_POSITIVE).ln()
    };
    let losses = models.iter().map(|model| (0..truth.len()).map(|row| short(model, row)).sum()).collect();
    Course { models, sources, held_out, losses }
}

fn source(column: &Given, below: Vec<f64>, binned: &fit::Column) -> Source {
    let mut rows = vec![0; binned.count];
    binned.bins.iter().for_each(|bin| rows[usize::from(*bin)] += 1);
    let (name, criterion) = (column.name.clone(), column.criterion.clone());
    let why = wording::TRAINED.0.to_owned();
    Source { name, criterion, why, below, rows }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::chance::Chance;
    use crate::score::number::real_points;

    /// Two columns that matter, one of them missing by chance, and one of noise.
    fn table(rows: usize) -> (Vec<Given>, Labels) {
        let mut chance = Chance::new(3, 0);
        let mut values: [Vec<f64>; 3] = [Vec::new(), Vec::new(), Vec::new()];
        let mut is_positive = Vec::new();
        for _ in 0..rows {
            let [calls, share, noise] = [0; 3].map(|_| real(chance.below(1000)) / 1000.0);
            let is_known = chance.below(5) > 0;
            let logit = 6.0 * (calls - 0.5) - if is_known && share > 0.3 && share < 0.6 { 2.0 } else { 0.0 };
            is_positive.push(real(chance.below(1_000_000)) / 1e6 < logistic(logit));
            for (column, value) in values.iter_mut().zip([calls, if is_known { share } else { f64::NAN }, noise]) {
                column.push(value);
            }
        }
        let names = ["calls", "share", "noise"].into_iter().zip(values);
        let given = names.map(|(name, values)| Given {
            name: name.to_owned(),
            criterion: "support".to_owned(),
            trend: Trend::Any,
            values,
        });
        (given.collect(), Labels { is_positive, positive_weight: 1.0, weights: None })
    }

    const METHODS: [Method; 2] = [Method::Logistic, Method::Boosted];

    fn wanted(seed: u64) -> Wanted {
        Wanted { doc: "A test.".to_owned(), method: Method::default(), prevalence: None, seed, groups: None }
    }

    #[test]
    fn what_was_planted_stands_in_the_card() {
        let (given, labels) = table(4000);
        for method in METHODS {
            let trained = train(&given, &labels, Wanted { method, ..wanted(1) }).unwrap();
            trained.card.check().unwrap();
            let points = |name: &str, value: f64| trained.card.characteristic[name].points(known(value));
            // Six logits between the ends, of which the outermost bins see most.
            let rise = points("calls", 0.99) - points("calls", 0.01);
            assert!((400..=600).contains(&rise), "{method:?}: {rise}");
            let dip = points("share", 0.45) - points("share", 0.9);
            assert!((-250..=-150).contains(&dip), "{method:?}: {dip}");
            let missing = points("share", f64::NAN) - points("share", 0.9);
            assert!(missing.abs() < 50, "{method:?}: {missing}");
            let noise = points("noise", 0.9) - points("noise", 0.1);
            assert!(noise.abs() < 40, "{method:?}: {noise}");
        }
    }

    #[test]
    fn a_seed_gives_the_same_card_and_another_parts_the_rows_otherwise() {
        let (given, labels) = table(600);
        let [one, again, other] = [1, 1, 2].map(|seed| train(&given, &labels, wanted(seed)).unwrap());
        assert_eq!(one.card, again.card);
        assert_eq!(one.held_out, again.held_out);
        assert_ne!(one.held_out, other.held_out);
    }

    #[test]
    fn a_trend_that_was_asked_for_stands_in_the_points() {
        let (mut given, labels) = table(2000);
        given[1].trend = Trend::Falling;
        given[2].trend = Trend::Rising;
        for method in METHODS {
            let trained = train(&given, &labels, Wanted { method, ..wanted(1) }).unwrap();
            assert!(trained.card.characteristic["share"].points.is_sorted_by(|a, b| a >= b), "{method:?}");
            assert!(trained.card.characteristic["noise"].points.is_sorted(), "{method:?}");
        }
    }

    #[test]
    fn a_column_that_says_nothing_changes_nothing() {
        let (mut given, labels) = table(600);
        let rows = labels.is_positive.len();
        let without = train(&given, &labels, wanted(1)).unwrap();
        for (name, value) in [("constant", 7.0), ("blank", f64::NAN)] {
            given.push(Given { name: name.to_owned(), values: vec![value; rows], ..given[0].clone() });
            let with = train(&given, &labels, wanted(1)).unwrap();
            with.card.check().unwrap();
            let points = &with.card.characteristic[name];
            assert_eq!([points.points(Some(7.0)), points.points(None)], [0, 0], "{name}");
            let apart = without.held_out.iter().zip(&with.held_out).map(|(one, other)| (one - other).abs());
            assert!(apart.max().unwrap() <= 2, "{name}: no more than rounding");
            given.pop();
        }
    }

    #[test]
    fn five_rows_of_one_kind_are_enough() {
        let (given, mut labels) = table(200);
        (0..200).for_each(|row| labels.is_positive[row] = row % 40 == 0);
        let values = labels.is_positive.iter().map(|is_positive| f64::from(*is_positive)).collect();
        let parted = [Given { values, ..given[0].clone() }];
        let trained = train(&parted, &labels, wanted(1)).unwrap();
        let calls = &trained.card.characteristic["calls"];
        assert!(calls.points(Some(1.0)) > calls.points(Some(0.0)), "{calls:?}");
    }

    #[test]
    fn a_rare_world_moves_the_probabilities_and_not_the_points() {
        let (given, labels) = table(2000);
        let here = train(&given, &labels, wanted(1)).unwrap();
        let rare = train(&given, &labels, Wanted { prevalence: Some(0.001), ..wanted(1) }).unwrap();
        assert_eq!(here.card.characteristic, rare.card.characteristic);
        let mean = |trained: &Trained| {
            let calibration = trained.card.calibration.as_ref().unwrap();
            let all = trained.held_out.iter().map(|points| calibration.at(*points).value());
            all.sum::<f64>() / real(trained.held_out.len())
        };
        assert!((mean(&here) - 0.43).abs() < 0.05, "{}", mean(&here));
        assert!(mean(&rare) < 0.02, "{}", mean(&rare));
        assert_eq!(here.probability, rare.probability, "what is measured is the table");
    }

    #[test]
    fn what_is_measured_of_a_part_follows_from_no_truth_of_its_own() {
        let (points, mut truth): (Vec<i64>, Vec<bool>) =
            (0..1000).map(|row| (row % 200, row * 7 % 200 < row % 200)).unzip();
        let parts: Vec<usize> = (0..1000).map(|row| row / 200).collect();
        let before = probabilities(&points, &truth, &parts).unwrap();
        (0..200).filter(|row| row % 3 == 0).for_each(|row| truth[row] = !truth[row]);
        let after = probabilities(&points, &truth, &parts).unwrap();
        assert_eq!(before[..200], after[..200]);
        assert_ne!(before[200..], after[200..]);

        let course = |losses: [f64; 2]| Course {
            models: Vec::new(),
            sources: Vec::new(),
            held_out: Vec::new(),
            losses: losses.to_vec(),
        };
        let courses = [[1.0, 2.0], [1.0, 2.0], [9.0, 1.0], [0.0, 0.0]].map(course);
        assert_eq!([None, Some(0), Some(2)].map(|but| least_loss(&courses, but)), [1, 1, 0]);
    }

    #[test]
    fn rows_that_are_copies_of_one_another_are_not_held_out_from_one_another() {
        // A column that names the group and says nothing else: who sees a copy in training knows the label.
        let mut chance = Chance::new(5, 0);
        let groups: Vec<usize> = (0..400).map(|row| row / 4).collect();
        let of_group: Vec<bool> = (0..100).map(|_| chance.below(2) == 0).collect();
        let order = chance.order(100);
        let values = groups.iter().map(|group| real(order[*group])).collect();
        let trend = Trend::Any;
        let given = [Given { name: "which".to_owned(), criterion: "support".to_owned(), trend, values }];
        let is_positive = groups.iter().map(|group| of_group[*group]).collect();
        let labels = Labels { is_positive, positive_weight: 1.0, weights: None };
        let alone = train(&given, &labels, wanted(1)).unwrap();
        let scores: Vec<f64> = alone.held_out.iter().map(|points| logistic(0.1 * real_points(*points))).collect();
        let measured = crate::score::measure::measure(&scores, &labels.is_positive, None, 20, 1).unwrap();
        assert!(measured.roc_auc.low > 0.6, "{measured:?}");
        let refused = train(&given, &labels, Wanted { groups: Some(groups), ..wanted(1) }).unwrap_err().to_string();
        assert!(refused.contains("ranked no better than by chance"), "{refused}");
    }

    #[test]
    fn groups_that_are_too_few_are_refused() {
        let (given, labels) = table(100);
        let groups = Some((0..100).map(|row| row % 3).collect());
        let problem = train(&given, &labels, Wanted { groups, ..wanted(1) }).unwrap_err().to_string();
        assert!(problem.starts_with("the groups are too few"), "{problem}");
    }

    #[test]
    fn what_cannot_be_trained_on_is_refused() {
        let (mut given, mut labels) = table(100);
        given[0].name = BASE.to_owned();
        let problem = train(&given, &labels, wanted(1)).unwrap_err().to_string();
        assert_eq!(problem, "\"base\" is the card's own: give the column another name");
        given[0].name = "calls".to_owned();
        labels.is_positive.fill(false);
        let problem = train(&given, &labels, wanted(1)).unwrap_err().to_string();
        assert!(problem.starts_with("0 of 100 rows are positive"), "{problem}");
    }
}
