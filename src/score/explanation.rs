//! Why a number has the score that it has.
//!
//! In: a card, the values that it judged, those of all that it judged that day, and the line. Out: every component with
//! its bin, points and place among its peers, their sum, and what would have to be different; the same as text, which
//! is `text.rs`. Never: names the number, which only its reader may see in clear; reads a table.

use std::collections::BTreeMap;

use serde::Serialize;

use super::card::{CRITERIA, Card, Characteristic};
use super::change::{Change, Place, smallest};
use super::wording::{Name, why};
use crate::domain::day::Day;
use crate::domain::lang::Lang;

mod text;

/// A characteristic of this name is no value: its points are where every sum begins.
pub const BASE: &str = "base";

/// An explanation.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The day.
    pub day: Day,
    /// Card that scored it; `None` when it was not judged.
    pub card: Option<String>,
    /// Components, the five criteria first.
    pub components: Vec<Component>,
    /// Their sum.
    pub points: Option<i64>,
    /// The score.
    pub score: Option<f64>,
    /// From where on a number is flagged.
    pub line: Option<Line>,
    /// What would take the sum below the line; `None` when it is below, or nothing would.
    pub change: Option<Change>,
    /// The verdict of the day with its cause and case.
    pub verdict: Option<(String, String, String)>,
    /// What the number was found at, by type; `None` when at nothing.
    pub detections: Option<String>,
    /// Why the operator itself has locked the line; `None` while it is open.
    pub lock_reason: Option<String>,
    /// Of a number that was not judged, the last day before on which it was.
    pub last_judged: Option<Day>,
}

/// One line of an explanation.
#[derive(Debug, Clone, Serialize)]
pub struct Component {
    /// Which of the five criteria, or support.
    pub criterion: String,
    /// Column of `spam_score` that was scored.
    pub characteristic: String,
    /// What it is called.
    pub name: Name,
    /// Its value.
    pub value: Option<f64>,
    /// The bin that it fell in, with its thresholds.
    pub bin: String,
    /// The bin's lower bound; `None` for the lowest bin and for a missing value.
    pub at_least: Option<f64>,
    /// The bin's upper bound; `None` for the highest bin and for a missing value.
    pub below: Option<f64>,
    /// The bin's points.
    pub points: i64,
    /// Why the card gives them.
    pub why: String,
    /// The same in Vietnamese; in English where the card does not say it.
    pub why_vi: String,
    /// Its place among the others; `None` when the value is missing.
    pub peers: Option<Peers>,
}

/// The others that the same card judged on the day, and of whom the value is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Peers {
    /// Those with a lower value.
    pub lower: u64,
    /// All of them.
    pub all: u64,
}

/// The score from which on a number is flagged, and the least sum of points that reaches it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Line {
    /// The score.
    pub score: f64,
    /// The points.
    pub points: i64,
}

impl Line {
    /// The line at a score of a card; `None` when nobody can have so many points.
    pub fn at(score: f64, card: &Card) -> Option<Self> {
        card.least(score).map(|points| Self { score, points })
    }
}

/// What a card judged on a day: the number's own values, and those of all that it judged.
#[derive(Debug)]
pub struct Judged<'a> {
    /// The card's name.
    pub name: &'a str,
    /// The card.
    pub card: &'a Card,
    /// The number's values; a characteristic that is not among them is missing.
    pub values: &'a BTreeMap<String, f64>,
    /// The values of all that the card judged on the day, this number's among them.
    pub all: &'a BTreeMap<String, Vec<f64>>,
    /// What the characteristics are called.
    pub names: &'a BTreeMap<String, Name>,
    /// The score as the table has it.
    pub score: f64,
    /// From where on a number is flagged; `None` when no sum of the card reaches it.
    pub line: Option<Line>,
}

impl Explanation {
    /// Of a number that was not judged.
    pub fn unjudged(day: Day) -> Self {
        Self {
            day,
            card: None,
            components: Vec::new(),
            points: None,
            score: None,
            line: None,
            change: None,
            verdict: None,
            detections: None,
            lock_reason: None,
            last_judged: None,
        }
    }

    /// Of a number that was judged.
    pub fn judged(day: Day, judged: &Judged<'_>) -> Self {
        let characteristics = judged.card.characteristic.iter();
        let mut components: Vec<_> = characteristics.map(|(name, bins)| component(name, bins, judged)).collect();
        components.sort_by_key(|component| CRITERIA.iter().position(|name| *name == component.criterion));
        let points = components.iter().map(|component| component.points).sum();
        let places: Vec<_> = components.iter().filter_map(|component| place(component, judged.card)).collect();
        let change = judged.line.and_then(|line| smallest(points, line.points, &places));
        Self {
            card: Some(judged.name.to_owned()),
            points: Some(points),
            score: Some(judged.score),
            line: judged.line,
            change,
            components,
            ..Self::unjudged(day)
        }
    }
}

impl Peers {
    fn of(value: f64, all: &[f64]) -> Self {
        let lower = all.iter().filter(|other| **other < value).count() as u64;
        // The number itself is among all.
        Self { lower, all: (all.len() as u64).saturating_sub(1) }
    }

    /// Those with a lower value among all; `None` when there is nobody.
    #[expect(clippy::cast_precision_loss, reason = "counts of numbers are far below 2^53")]
    pub fn share(self) -> Option<f64> {
        (self.all > 0).then(|| self.lower as f64 / self.all as f64)
    }
}

fn component(characteristic: &str, bins: &Characteristic, judged: &Judged<'_>) -> Component {
    let is_base = characteristic == BASE;
    let value = judged.values.get(characteristic).copied().filter(|_| !is_base);
    let bin = value.map(|value| bins.bin(value));
    let peers = judged.all.get(characteristic).map(Vec::as_slice).unwrap_or_default();
    let name = judged.names.get(characteristic).cloned();
    Component {
        criterion: bins.criterion.clone(),
        characteristic: characteristic.to_owned(),
        name: name.unwrap_or_else(|| Name { en: characteristic.to_owned(), vi: characteristic.to_owned() }),
        value,
        bin: if is_base { String::new() } else { bins.bin_text(value) },
        at_least: bin.and_then(|bin| bin.checked_sub(1)).and_then(|lower| bins.below.get(lower)).copied(),
        below: bin.and_then(|bin| bins.below.get(bin)).copied(),
        points: bins.points(if is_base { Some(0.0) } else { value }),
        why: bins.why.clone(),
        why_vi: why(Lang::Vi, &bins.why, bins.why_vi.as_deref()).to_owned(),
        peers: value.map(|value| Peers::of(value, peers)),
    }
}

fn place<'a>(component: &'a Component, card: &'a Card) -> Option<Place<'a>> {
    let bins = card.characteristic.get(&component.characteristic)?;
    Some(Place { characteristic: &component.characteristic, bins, value: component.value? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: &str = r#"
        doc = "A card for a test."
        points_per_logit = 10
        [characteristic.base]
        criterion = "support"
        below = []
        points = [-20]
        why = "Where every sum begins."
        [characteristic.calls]
        criterion = "frequency"
        below = [8.0, 21.0]
        points = [-5, 0, 10]
        why = "Many calls are a weak sign."
        [characteristic.new_share]
        criterion = "stranger"
        below = [0.3, 0.7]
        points = [-30, 0, 25]
        why = "Calls to strangers are a strong one."
        [characteristic.out_share]
        criterion = "behaviour"
        below = [0.5]
        points = [0, 12]
        missing = 4
        why = "Nobody calls them back."
    "#;

    pub(super) fn day() -> Day {
        "2025-01-06".parse().unwrap()
    }

    pub(super) fn explained(values: &[(&str, f64)]) -> Explanation {
        let card: Card = toml::from_str(CARD).unwrap();
        card.check().unwrap();
        let values: BTreeMap<String, f64> = values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        let name = |en: &str, vi: &str| Name { en: en.to_owned(), vi: vi.to_owned() };
        let names = [
            (BASE, name("start", "điểm khởi đầu")),
            ("calls", name("calls a day", "cuộc gọi mỗi ngày")),
            ("new_share", name("calls to strangers", "gọi số lạ")),
        ];
        Explanation::judged(
            day(),
            &Judged {
                name: "onnet_v1",
                card: &card,
                values: &values,
                all: &BTreeMap::from([("calls".to_owned(), vec![1.0, 2.0, 30.5, 30.5, 400.0])]),
                names: &names.map(|(column, name)| (column.to_owned(), name)).into(),
                score: 0.818,
                line: Line::at(0.5, &card),
            },
        )
    }

    #[test]
    fn the_sum_is_that_of_its_lines() {
        let explanation = explained(&[("calls", 30.5), ("out_share", 0.5), ("new_share", 0.1)]);
        let points: Vec<i64> = explanation.components.iter().map(|component| component.points).collect();
        assert_eq!(points, [10, 12, -30, -20]);
        assert_eq!(explanation.points, Some(-28));
        assert!(explanation.text(Lang::En).contains("on, which is not reached"));
    }

    #[test]
    fn peers_are_the_others_that_have_the_value() {
        assert_eq!(Peers::of(3.0, &[1.0, 3.0, 3.0, 4.0]), Peers { lower: 1, all: 3 });
        assert_eq!(Peers::of(3.0, &[3.0]).share(), None);
    }
}
