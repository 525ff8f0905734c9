//! How far a population has moved from the one that a card was trained on.
//!
//! In: values of both, and the bins of a card. Out: the population stability index (PSI) of each characteristic.
//! Never: a verdict; by custom 0.1 is worth a look and 0.25 a new card.

use serde::Serialize;

use super::card::Characteristic;
use super::number::real;

/// How far one characteristic has moved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// The characteristic.
    pub characteristic: String,
    /// Sum over bins of (share now - share then) * ln(share now / share then).
    pub psi: f64,
}

/// The PSI of a characteristic between two sets of values, the bin of missing ones included.
pub fn psi(characteristic: &Characteristic, then: &[f64], now: &[f64]) -> f64 {
    let [then, now] = [then, now].map(|values| shares(characteristic, values));
    then.iter().zip(&now).map(|(then, now)| (now - then) * (now / then).ln()).sum()
}

/// The share of each bin; half a row more in each, so that none is empty.
fn shares(characteristic: &Characteristic, values: &[f64]) -> Vec<f64> {
    let known = characteristic.below.len() + 1;
    let mut rows = vec![0.5; known + 1];
    for value in values {
        rows[if value.is_nan() { known } else { characteristic.bin(*value) }] += 1.0;
    }
    let all = real(values.len()) + 0.5 * real(rows.len());
    rows.into_iter().map(|rows| rows / all).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_population_that_moved_has_the_index_of_the_text_book() {
        let characteristic = Characteristic {
            criterion: "support".to_owned(),
            below: vec![1.0],
            points: vec![0, 1],
            missing: 0,
            why: "a test needs one".to_owned(),
            why_vi: None,
        };
        let values = |low: usize, high: usize| [vec![0.0; low], vec![2.0; high]].concat();
        let (then, now) = (values(500_000, 500_000), values(800_000, 200_000));
        let expected = 0.3 * (0.8_f64 / 0.5).ln() - 0.3 * (0.2_f64 / 0.5).ln();
        assert!((psi(&characteristic, &then, &now) - expected).abs() < 1e-4);
        assert!(psi(&characteristic, &then, &then).abs() < 1e-12);
    }
}
