//! Additive scorecards: whole points for each bin of each characteristic.
//!
//! In: a card as an analyst wrote it, and values. Out: points, and the bin they came from. Never: a sum of floats, so
//! that no order of adding changes a score.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use anyhow::ensure;
use serde::Deserialize;

/// A scorecard.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// What it judges.
    pub doc: String,
    /// Its characteristics by name.
    pub characteristic: BTreeMap<String, Characteristic>,
}

/// One characteristic with its bins.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Characteristic {
    /// Which component it counts for: frequency, behaviour, short_call, short_gap, stranger or support.
    pub criterion: String,
    /// Upper bounds of all bins but the last, rising; a value equal to a bound lies in the next bin.
    pub below: Vec<f64>,
    /// Points of each bin: one more than bounds.
    pub points: Vec<i64>,
    /// Points when the value is missing.
    #[serde(default)]
    pub missing: i64,
    /// Why these bins and points.
    pub why: String,
}

/// The components of a score: the five criteria of Thông tư 22/2021 Art. 4, and what lies outside them.
pub const CRITERIA: [&str; 6] = ["frequency", "behaviour", "short_call", "short_gap", "stranger", "support"];

impl Card {
    /// What is wrong with it.
    pub fn check(&self) -> anyhow::Result<()> {
        for (name, characteristic) in &self.characteristic {
            let Characteristic { criterion, below, points, why, .. } = characteristic;
            ensure!(points.len() == below.len() + 1, "{name}: {} bounds need {} points", below.len(), below.len() + 1);
            ensure!(below.is_sorted_by(|a, b| a < b), "{name}: bounds must rise");
            ensure!(CRITERIA.contains(&criterion.as_str()), "{name}: \"{criterion}\" is no criterion");
            ensure!(why.len() >= 10, "{name} does not say why");
        }
        Ok(())
    }
}

impl Characteristic {
    /// The points of a value.
    pub fn points(&self, value: Option<f64>) -> i64 {
        value.map_or(self.missing, |value| self.points[self.bin(value)])
    }

    /// The bin that a value lies in.
    pub fn bin(&self, value: f64) -> usize {
        self.below.partition_point(|bound| value >= *bound)
    }

    /// The bin in words: `< 1.5`, `1.5 to 3`, `>= 3`.
    pub fn bin_text(&self, value: Option<f64>) -> String {
        let Some(value) = value else { return "missing".to_owned() };
        let bin = self.bin(value);
        match (bin.checked_sub(1).map(|lower| self.below[lower]), self.below.get(bin)) {
            (None, None) => "any".to_owned(),
            (None, Some(upper)) => format!("< {upper}"),
            (Some(lower), Some(upper)) => format!("{lower} to {upper}"),
            (Some(lower), None) => format!(">= {lower}"),
        }
    }
}

impl PartialEq for Characteristic {
    fn eq(&self, other: &Self) -> bool {
        let bits = |bounds: &[f64]| bounds.iter().map(|bound| bound.to_bits()).collect::<Vec<_>>();
        bits(&self.below) == bits(&other.below)
            && (&self.criterion, &self.points, self.missing) == (&other.criterion, &other.points, other.missing)
    }
}

impl Eq for Characteristic {}

impl Hash for Characteristic {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for bound in &self.below {
            bound.to_bits().hash(state);
        }
        (&self.criterion, &self.points, self.missing).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn characteristic() -> Characteristic {
        Characteristic {
            criterion: "stranger".to_owned(),
            below: vec![0.5, 0.8],
            points: vec![-10, 0, 25],
            missing: 3,
            why: "a test needs one".to_owned(),
        }
    }

    #[test]
    fn a_bound_belongs_to_the_bin_above_it() {
        let card = characteristic();
        let points = [Some(0.0), Some(0.5), Some(0.79), Some(0.8), None].map(|value| card.points(value));
        assert_eq!(points, [-10, 0, 0, 25, 3]);
    }

    #[test]
    fn bins_are_told_in_words() {
        let card = characteristic();
        assert_eq!([0.1, 0.6, 0.9].map(|value| card.bin_text(Some(value))), ["< 0.5", "0.5 to 0.8", ">= 0.8"]);
    }

    #[test]
    fn a_card_with_a_missing_point_is_refused() {
        let mut bad = characteristic();
        bad.points.pop();
        let card = Card { doc: String::new(), characteristic: BTreeMap::from([("x".to_owned(), bad)]) };
        assert_eq!(card.check().unwrap_err().to_string(), "x: 2 bounds need 3 points");
    }
}
