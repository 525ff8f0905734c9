//! The model card of a scorecard that somebody wrote: its bins with their reasons, and why it has no figures.
//!
//! In: a card of a definition. Out: Markdown. Never: a figure of how good it is, since no rows have been told it.

use std::fmt::Write;

use serde::Serialize;

use super::card::{BASE, Card, Characteristic};

/// All that is told about a card that was written by hand.
#[derive(Debug, Clone, Serialize)]
pub struct Written {
    /// The card's name.
    pub card: String,
    /// The definition that has it.
    pub home: String,
    /// The least and the most points that anybody can have.
    pub range: (i64, i64),
    /// What is in it.
    pub content: Card,
    /// What it cannot do.
    pub limits: [&'static str; 3],
}

/// Probabilities of which a model card says how many points they take.
const TOLD: [f64; 5] = [0.01, 0.1, 0.5, 0.9, 0.99];

const LIMITS: [&str; 3] = [
    "Bins and points are what whoever wrote them holds to be right, for the reasons beside them. No rows were asked.",
    "So its probabilities are not calibrated: 0.9 says that the points are many, and not that nine of ten are spam.",
    "Characteristics add up: what two of them say only together is not seen.",
];

impl Written {
    /// What is told about a card of a definition.
    pub fn new(card: &str, home: &str, content: &Card) -> Self {
        let range = content.range();
        Self { card: card.to_owned(), home: home.to_owned(), range, content: content.clone(), limits: LIMITS }
    }

    /// The model card for people.
    pub fn markdown(&self) -> String {
        let Self { card, home, range: (least, most), content, .. } = self;
        let mut text = format!(
            "# Scorecard {card}\n\n{doc}\n\n| | |\n|---|---|\n| card | `[card.{card}]` of `{home}` |\n\
             | data, window, label, seed | none: it was written by hand |\n\
             | figures, calibration, drift | none, since no rows were held out; how many of those that the rules flag are \
             spam, `callsieve precision` says by segment, of what reviewers found |\n\
             | totals | {least} to {most} points |\n",
            doc = content.doc,
        );
        text.push_str("\n## What a total means\n\n| probability of at least | takes points |\n|---|---|\n");
        for probability in TOLD {
            let points =
                content.least(probability).map_or_else(|| "nobody has it".to_owned(), |least| least.to_string());
            // Writing to a text does not fail.
            let _ok = writeln!(text, "| {probability} | {points} |");
        }
        text.push_str("\n## Bins and points\n\n| characteristic | criterion | points | why |\n|---|---|---|---|\n");
        for (name, found) in &content.characteristic {
            let _ok = writeln!(text, "| `{name}` | {} | {} | {} |", found.criterion, bins(name, found), found.why);
        }
        text.push_str("\n## Known limits\n\n");
        for limit in self.limits {
            let _ok = writeln!(text, "- {limit}");
        }
        text
    }
}

/// The bins of a characteristic, each with its points.
fn bins(name: &str, found: &Characteristic) -> String {
    if name == BASE {
        return format!("everybody {:+}", found.points(Some(0.0)));
    }
    // Each bin begins where the one before ends.
    let begins = [f64::NEG_INFINITY].into_iter().chain(found.below.iter().copied()).map(Some).chain([None]);
    let bin = |value| format!("{} {:+}", found.bin_text(value), found.points(value));
    begins.map(bin).collect::<Vec<_>>().join("; ")
}
