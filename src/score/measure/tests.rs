//! The figures against scikit-learn's and against counting by hand.

use super::*;

/// 400 rows with 21 scores, so that most are tied.
fn tied() -> (Vec<f64>, Vec<bool>) {
    let row = |i: u32| {
        let is_positive = (i * i + 3 * i) % 7 < 2;
        let twentieths = (37 * i * i + 11 * i) % 101 / 8 + u32::from(is_positive) * (i * 13 % 11);
        (f64::from(twentieths.min(20)) / 20.0, is_positive)
    };
    (0..400).map(row).unzip()
}

#[test]
fn the_figures_are_those_of_scikit_learn() {
    let (scores, is_positive) = tied();
    let measured = measure(&scores, &is_positive, None, 10, 0).unwrap();
    assert_eq!((measured.rows, measured.positives), (400, 115));
    // scikit-learn 1.9.1: roc_auc_score, average_precision_score, f1_score(average="macro"), the root of both
    // recall_score, precision_recall_curve, roc_curve, brier_score_loss.
    let recorded = [
        0.779_496_567_505_720_8,
        0.672_627_898_725_883_6,
        0.710_892_505_268_603_7,
        0.701_224_819_255_271_5,
        0.339_130_434_782_608_7,
        0.339_130_434_782_608_7,
        0.162_012_5,
    ];
    for ((name, figure), expected) in measured.named().into_iter().zip(recorded) {
        assert!((figure.value - expected).abs() < 1e-12, "{name}: {} and not {expected}", figure.value);
    }
}

#[test]
fn the_recalls_are_those_of_the_last_threshold_that_holds() {
    // Falling: 20 positives, a negative, 4 positives, then 99 negatives and a positive.
    let kinds = [vec![true; 20], vec![false], vec![true; 4], vec![false; 99], vec![true]].concat();
    let scores: Vec<f64> = (0..kinds.len()).map(|row| 1.0 - real(row) / 200.0).collect();
    let measured = measure(&scores, &kinds, None, 1, 0).unwrap();
    // 24 of 25 above the 24th positive are right, 0.96; one of a hundred negatives is above it.
    assert_eq!(measured.recall_at_precision_95.value, 24.0 / 25.0);
    assert_eq!(measured.recall_at_fpr_1.value, 24.0 / 25.0);
}

#[test]
fn tenths_compare_what_is_said_with_what_is_seen() {
    let scores: Vec<f64> = (0..1000).map(|row| f64::from(row) / 1000.0).collect();
    let is_positive: Vec<bool> = (0..1000).map(|row| row % 10 < row / 100).collect();
    let measured = measure(&scores, &is_positive, None, 200, 0).unwrap();
    assert_eq!(measured.calibration.len(), 10);
    let third = measured.calibration[2];
    assert_eq!((third.rows, third.observed.value), (100, 0.2));
    assert!((third.predicted - 0.2495).abs() < 1e-9);
    assert!(third.observed.low < 0.2 && 0.2 < third.observed.high);
    // A hundred rows without a positive: the exact upper end of Clopper and Pearson.
    let first = measured.calibration[0].observed;
    assert_eq!((first.value, first.low), (0.0, 0.0));
    assert!((first.high - 0.036_217).abs() < 1e-6, "{first:?}");
}

#[test]
fn an_interval_is_as_wide_as_theory_says_and_a_seed_repeats_it() {
    let scores: Vec<f64> = (0..900).map(|row| if row % 3 == 0 { 0.9 } else { 0.1 }).collect();
    let is_positive: Vec<bool> = (0..900).map(|row| row % 9 < 4).collect();
    let measured = measure(&scores, &is_positive, None, 1000, 7).unwrap();
    assert_eq!(measured, measure(&scores, &is_positive, None, 1000, 7).unwrap());
    assert_ne!(measured, measure(&scores, &is_positive, None, 1000, 8).unwrap());
    // The squared distance is 0.01 or 0.81 with known shares: its mean has this standard error.
    let wrong = scores.iter().zip(&is_positive).filter(|(score, is_positive)| (**score > 0.5) != **is_positive).count();
    let share = real(wrong) / 900.0;
    let half = 1.96 * 0.8 * (share * (1.0 - share) / 900.0).sqrt();
    let found = (measured.brier.high - measured.brier.low) / 2.0;
    assert!((found / half - 1.0).abs() < 0.1, "{found} and not {half}");
}

#[test]
fn the_order_of_rows_changes_no_figure() {
    let (scores, is_positive) = tied();
    let turned = |values: &[f64]| values.iter().rev().copied().collect::<Vec<_>>();
    let labels: Vec<bool> = is_positive.iter().rev().copied().collect();
    assert_eq!(
        measure(&scores, &is_positive, None, 20, 1).unwrap(),
        measure(&turned(&scores), &labels, None, 20, 1).unwrap()
    );
}

#[test]
fn rows_of_one_score_are_parted_evenly_among_tenths() {
    // Three of four rows have one score, and half of them are positive, whichever come first.
    let scores: Vec<f64> = (0..400).map(|row| if row < 300 { 0.5 } else { 0.9 }).collect();
    let is_positive: Vec<bool> = (0..400).map(|row| !(150..300).contains(&row)).collect();
    let measured = measure(&scores, &is_positive, None, 100, 0).unwrap();
    let seen: Vec<f64> = measured.calibration.iter().map(|tenth| tenth.observed.value).collect();
    for (found, expected) in seen.iter().zip([0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.75, 1.0, 1.0]) {
        assert!((found - expected).abs() < 1e-9, "{seen:?}");
    }
    assert!(measured.calibration[0].observed.low > 0.4, "{:?}", measured.calibration[0]);
}

#[test]
fn copies_of_a_row_make_no_interval_narrower_when_they_are_one_group() {
    let (scores, is_positive) = tied();
    let of = |row: usize| row / 4;
    let copied_scores: Vec<f64> = (0..1600).map(|row| scores[of(row)]).collect();
    let copied_truth: Vec<bool> = (0..1600).map(|row| is_positive[of(row)]).collect();
    let groups: Vec<usize> = (0..1600).map(of).collect();
    let width = |measured: Measured| measured.brier.high - measured.brier.low;
    let once = width(measure(&scores, &is_positive, None, 1000, 1).unwrap());
    let alone = width(measure(&copied_scores, &copied_truth, None, 1000, 1).unwrap());
    let grouped = width(measure(&copied_scores, &copied_truth, Some(&groups), 1000, 1).unwrap());
    assert!((grouped / once - 1.0).abs() < 0.2, "{grouped} and not {once}");
    assert!(alone < 0.7 * grouped, "{alone} {grouped}");
}

#[test]
fn one_kind_alone_is_not_measured() {
    let problem = measure(&[0.1, 0.2], &[true, true], None, 1, 0).unwrap_err().to_string();
    assert_eq!(problem, "2 of 2 rows are positive: there must be both kinds");
    assert_eq!(measure(&[], &[], None, 1, 0).unwrap_err().to_string(), "no rows to measure");
}
