//! Additive scorecards: whole points for each bin of each characteristic.
//!
//! In: a card as an analyst wrote it or as it was trained, and values. Out: points, the bin they came from, and the
//! probability that they stand for. Never: a sum of floats, so that no order of adding changes a score.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use anyhow::{bail, ensure};
use serde::{Deserialize, Serialize};

/// A scorecard.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// SHA-256 of all else, where the card is a file of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it judges.
    pub doc: String,
    /// How many points a step of one in the log-odds is; what points mean where there is no calibration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points_per_logit: Option<i64>,
    /// What its points mean as a probability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// Its characteristics by name.
    pub characteristic: BTreeMap<String, Characteristic>,
}

/// Probabilities at some totals of points; between two of them they lie on a line.
///
/// Whole numbers all through, in parts of 10^9, so that every machine says the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Totals, rising.
    pub points: Vec<i64>,
    /// The probability at each total, never falling.
    pub probability_ppb: Vec<u32>,
    /// The lower end of its interval at 95 %.
    pub low_ppb: Vec<u32>,
    /// The upper end of its interval at 95 %.
    pub high_ppb: Vec<u32>,
}

/// A probability with its interval, in parts of 10^9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probability {
    /// The probability.
    pub value_ppb: u32,
    /// The lower end at 95 %.
    pub low_ppb: u32,
    /// The upper end at 95 %.
    pub high_ppb: u32,
}

/// One characteristic with its bins.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Characteristic {
    /// Which component it counts for: frequency, behaviour, short_call, short_gap, stranger, complaint or support.
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
    /// The same in Vietnamese; nothing in a card that was trained, whose words `wording` knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_vi: Option<String>,
}

/// The components of a score: the five criteria of Thông tư 22/2021 Art. 4, and what lies outside them.
pub const CRITERIA: [&str; 7] =
    ["frequency", "behaviour", "short_call", "short_gap", "stranger", "complaint", "support"];

/// The characteristic that has no value: its points are everybody's.
pub const BASE: &str = "base";

/// What a probability of one is.
pub const PPB: u32 = 1_000_000_000;

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
        match (&self.calibration, self.points_per_logit) {
            (Some(calibration), _) => calibration.check(),
            (None, Some(points)) if points > 0 => Ok(()),
            (None, Some(_)) => bail!("points_per_logit is above zero"),
            (None, None) => bail!("nothing says what its points mean: it has no calibration and no points_per_logit"),
        }
    }

    /// The probability that a total of points stands for.
    #[expect(clippy::cast_precision_loss, reason = "no card comes near 2^53 points")]
    pub fn probability(&self, total: i64) -> f64 {
        match (&self.calibration, self.points_per_logit) {
            (Some(calibration), _) => calibration.at(total).value(),
            (None, Some(points)) => 1.0 / (1.0 + (-(total as f64) / points as f64).exp()),
            // No card without both passes `check`.
            (None, None) => f64::NAN,
        }
    }

    /// The least total that anybody can have of which the probability reaches this one; `None` when none does.
    pub fn least(&self, probability: f64) -> Option<i64> {
        let (mut below, mut reached) = self.range();
        if self.probability(reached) < probability {
            return None;
        }
        below -= 1;
        while reached - below > 1 {
            let middle = below.midpoint(reached);
            if self.probability(middle) < probability { below = middle } else { reached = middle }
        }
        Some(reached)
    }

    /// The least and the most points that anybody can have; the base everybody has.
    pub fn range(&self) -> (i64, i64) {
        let spans = self.characteristic.iter().map(|(name, found)| match name.as_str() {
            BASE => (found.points(Some(0.0)), found.points(Some(0.0))),
            _ => found.span(),
        });
        spans.fold((0, 0), |(least, most), (low, high)| (least + low, most + high))
    }
}

impl Calibration {
    fn check(&self) -> anyhow::Result<()> {
        let Self { points, probability_ppb, low_ppb, high_ppb } = self;
        let count = points.len();
        let lengths = [probability_ppb.len(), low_ppb.len(), high_ppb.len()];
        ensure!(count > 0 && lengths == [count; 3], "calibration: {count} points need {count} values of each kind");
        ensure!(points.is_sorted_by(|a, b| a < b), "calibration: points must rise");
        for place in 0..count {
            let ordered = low_ppb[place] <= probability_ppb[place] && probability_ppb[place] <= high_ppb[place];
            ensure!(ordered && high_ppb[place] <= PPB, "calibration: {} lies outside its interval", points[place]);
        }
        let rises = [probability_ppb, low_ppb, high_ppb].iter().all(|values| values.is_sorted());
        ensure!(rises, "calibration: a probability falls where points rise");
        Ok(())
    }

    /// The probability of a total; beyond the first and the last it is theirs.
    pub fn at(&self, total: i64) -> Probability {
        let above = self.points.partition_point(|points| *points <= total);
        let at = |values: &[u32]| match (above.checked_sub(1), self.points.get(above)) {
            (Some(below), Some(upper)) => {
                let (from, until) = (i64::from(values[below]), i64::from(values[above]));
                let (walked, width) = (total - self.points[below], upper - self.points[below]);
                u32::try_from(from + (until - from) * walked / width).unwrap_or(PPB)
            }
            (Some(last), None) => values[last],
            (None, _) => values[0],
        };
        let (value_ppb, low_ppb, high_ppb) = (at(&self.probability_ppb), at(&self.low_ppb), at(&self.high_ppb));
        Probability { value_ppb, low_ppb, high_ppb }
    }
}

impl Probability {
    /// The probability as a float.
    pub fn value(self) -> f64 {
        f64::from(self.value_ppb) / f64::from(PPB)
    }
}

impl Characteristic {
    /// The points of a value; `NaN` is a missing one.
    pub fn points(&self, value: Option<f64>) -> i64 {
        value.filter(|value| !value.is_nan()).map_or(self.missing, |value| self.points[self.bin(value)])
    }

    /// The least and the most points that it gives.
    pub fn span(&self) -> (i64, i64) {
        let span = (self.missing, self.missing);
        self.points.iter().fold(span, |(least, most), points| (least.min(*points), most.max(*points)))
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
            why_vi: None,
        }
    }

    #[test]
    fn a_bound_belongs_to_the_bin_above_it() {
        let card = characteristic();
        let points =
            [Some(0.0), Some(0.5), Some(0.79), Some(0.8), None, Some(f64::NAN)].map(|value| card.points(value));
        assert_eq!(points, [-10, 0, 0, 25, 3, 3]);
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
        assert_eq!(card(bad, None).check().unwrap_err().to_string(), "x: 2 bounds need 3 points");
    }

    fn card(characteristic: Characteristic, calibration: Option<Calibration>) -> Card {
        let characteristic = BTreeMap::from([("x".to_owned(), characteristic)]);
        Card { name: None, doc: String::new(), points_per_logit: Some(10), calibration, characteristic }
    }

    #[test]
    fn a_card_that_says_nothing_of_what_its_points_mean_is_refused() {
        let mute = Card { points_per_logit: None, ..card(characteristic(), None) };
        let problem = mute.check().unwrap_err().to_string();
        assert_eq!(problem, "nothing says what its points mean: it has no calibration and no points_per_logit");
    }

    #[test]
    fn the_least_total_is_the_first_that_reaches_a_probability() {
        let by_logits = card(characteristic(), None);
        assert_eq!([0.2, 0.5, 0.8].map(|p| by_logits.least(p)), [Some(-10), Some(0), Some(14)]);
        assert_eq!(by_logits.least(0.95), None, "nobody can have so many points");
        let by_table = card(characteristic(), Some(calibration()));
        assert_eq!(by_table.least(0.41), Some(4));
        let calibration = by_table.calibration.clone().unwrap();
        assert!(calibration.at(4).value() >= 0.41 && calibration.at(3).value() < 0.41);
    }

    fn calibration() -> Calibration {
        Calibration {
            points: vec![-100, 0, 200],
            probability_ppb: vec![100_000_000, 400_000_000, 900_000_000],
            low_ppb: vec![50_000_000, 300_000_000, 850_000_000],
            high_ppb: vec![200_000_000, 500_000_000, 950_000_000],
        }
    }

    #[test]
    fn a_probability_lies_on_the_line_between_two_totals() {
        let probability = |total| calibration().at(total).value_ppb;
        assert_eq!(
            [-900, -100, -50, 0, 1, 200, 900].map(probability),
            [100_000_000, 100_000_000, 250_000_000, 400_000_000, 402_500_000, 900_000_000, 900_000_000]
        );
        let half = Probability { value_ppb: 650_000_000, low_ppb: 575_000_000, high_ppb: 725_000_000 };
        assert_eq!(calibration().at(100), half);
    }

    #[test]
    fn a_calibration_that_falls_is_refused() {
        assert!(card(characteristic(), Some(calibration())).check().is_ok());
        let falling = Calibration { low_ppb: vec![50_000_000, 300_000_000, 200_000_000], ..calibration() };
        let problem = card(characteristic(), Some(falling)).check().unwrap_err().to_string();
        assert_eq!(problem, "calibration: a probability falls where points rise");
        let outside = Calibration { high_ppb: vec![50_000_000, 500_000_000, 950_000_000], ..calibration() };
        let problem = card(characteristic(), Some(outside)).check().unwrap_err().to_string();
        assert_eq!(problem, "calibration: -100 lies outside its interval");
    }

    #[test]
    fn the_range_is_that_of_the_outermost_bins_above_a_base_that_nobody_lacks() {
        let mut card = card(characteristic(), None);
        assert_eq!(card.range(), (-10, 25));
        let base = Characteristic { below: vec![], points: vec![-80], missing: 0, ..characteristic() };
        card.characteristic.insert(BASE.to_owned(), base);
        assert_eq!((card.range(), card.least(0.5)), ((-90, -55), None));
    }
}
