//! What a backtest says.
//!
//! In: what was changed and computed, and the comparison. Out: JSON by its fields, and text for a terminal.
//! Never: a number in clear.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::compare::{Comparison, Counts};
use crate::domain::day::Day;

/// Everything that a backtest says.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// First day.
    pub from: Day,
    /// Last day.
    pub until: Day,
    /// Definitions on the way to a verdict that differ from those that the lake was computed by.
    pub changed: Vec<Changed>,
    /// Tables of other definitions that differ; they were not tried, and are read as the lake holds them.
    pub untried: Vec<String>,
    /// What was computed anew; all else was read as the lake holds it.
    pub computed: Vec<Computed>,
    /// Lists of the protected and answers that are not kept as they were known on some days, and were read as they are.
    pub as_of_now: BTreeMap<&'static str, BTreeSet<Day>>,
    /// What a reader has to know.
    pub limits: &'static str,
    /// The comparison with the live version.
    #[serde(flatten)]
    pub comparison: Comparison,
}

/// A definition that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The table that it computes.
    pub table: String,
    /// Parameters that differ, live and tried; none when its SQL, cards or words differ.
    pub params: BTreeMap<String, [Option<String>; 2]>,
}

impl Changed {
    /// A definition's difference by its parameters as bound.
    pub fn new(table: &str, live: &BTreeMap<String, String>, tried: &BTreeMap<String, String>) -> Self {
        let names = live.keys().chain(tried.keys());
        let both = names.map(|name| (name.clone(), [live.get(name).cloned(), tried.get(name).cloned()]));
        Self { table: table.to_owned(), params: both.filter(|(_, [live, tried])| live != tried).collect() }
    }

    /// In words: `block_candidate (evidence_score 0.5 -> 0.6)`.
    pub fn text(&self) -> String {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        let params =
            self.params.iter().map(|(name, [live, tried])| format!("{name} {} -> {}", shown(live), shown(tried)));
        let params = params.collect::<Vec<_>>().join(", ");
        let how = if params.is_empty() { "SQL, cards or words" } else { params.as_str() };
        format!("{} ({how})", self.table)
    }
}

/// A table that was computed anew, and for which days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Computed {
    /// The table.
    pub table: String,
    /// First day; before that of the backtest where later evidence reads it.
    pub from: Day,
    /// Last day.
    pub until: Day,
}

/// What a reader has to know; said on the page as well.
pub const LIMITS: &str = "Verdicts begin with what was held on the day before. Only people who were asked in fact have \
     answered, so a number that is newly flagged can be barred by reports and by such answers alone. Of the desk's \
     words, the lists of the protected and the answers a day knows what the live rules knew of it; scores, detections, \
     reports and subscriptions are as the lake has them now, with what came late. Who is overturned is told by all that \
     is known now.";

impl Outcome {
    /// What was changed, in words.
    pub fn changes(&self) -> String {
        let changes: Vec<String> = self.changed.iter().map(Changed::text).collect();
        if changes.is_empty() { "nothing that a verdict follows from".to_owned() } else { changes.join("; ") }
    }

    /// What was computed anew, in words.
    pub fn work(&self) -> String {
        let work = self.computed.iter().map(|work| format!("{} from {}", work.table, work.from));
        work.collect::<Vec<_>>().join(", ")
    }

    /// What was read with hindsight, in words; nothing where all was read as it was known.
    pub fn hindsight(&self) -> Option<String> {
        let days = |days: &BTreeSet<Day>| days.iter().map(Day::to_string).collect::<Vec<_>>().join(" ");
        let tables: Vec<String> = self.as_of_now.iter().map(|(table, of)| format!("{table} of {}", days(of))).collect();
        (!tables.is_empty()).then(|| tables.join("; "))
    }

    /// The outcome for people.
    pub fn text(&self) -> String {
        let mut lines = vec![
            format!("{} to {}, against what the lake holds", self.from, self.until),
            format!("changed: {}", self.changes()),
            format!("computed anew: {}", self.work()),
        ];
        if !self.untried.is_empty() {
            lines.push(format!("changed as well, and not tried: {}", self.untried.join(", ")));
        }
        if let Some(hindsight) = self.hindsight() {
            lines.push(format!("not kept as it was known, and read as it is now: {hindsight}"));
        }
        let head = ["flagged", "barred", "new bars"].map(|what| format!("{what:>GROUP$}")).concat();
        lines.push(format!("{:<18}{head}", ""));
        let head = ["live", "tried", "newly", "gone"].map(|what| format!("{what:>COLUMN$}")).concat();
        lines.push(format!("{:<18}{head}{head}{head}", ""));
        for day in &self.comparison.days {
            let cells = [day.flagged, day.barred, day.new_bars].map(cells).concat();
            lines.push(format!("{:<18}{cells}", day.day.to_string()));
        }
        lines.push(String::new());
        let head = ["accused", "flagged", "barred"].map(|what| format!("{what:>GROUP$}")).concat();
        lines.push(format!("{:<18}{head}", "ever, by group"));
        let all = [("all", &self.comparison.all)].into_iter();
        let groups = self.comparison.groups.iter().map(|(group, overlap)| (*group, overlap));
        let segments = self.comparison.segments.iter().map(|(segment, overlap)| (segment.as_str(), overlap));
        for (name, overlap) in all.chain(groups).chain(segments) {
            let cells = [overlap.accused, overlap.flagged, overlap.barred].map(cells).concat();
            lines.push(format!("{name:<18}{cells}"));
        }
        lines.push(String::new());
        lines.push(LIMITS.to_owned());
        lines.join("\n")
    }
}

/// Width of a count in the text, and of the four that belong together.
const COLUMN: usize = 7;
const GROUP: usize = 4 * COLUMN;

fn cells(counts: Counts) -> String {
    [counts.live, counts.tried, counts.newly, counts.no_longer].map(|count| format!("{count:>COLUMN$}")).concat()
}

#[cfg(test)]
pub(super) mod tests {
    use expect_test::expect;

    use super::super::compare::tests::{compared, day};
    use super::*;

    fn params(all: &[(&str, &str)]) -> BTreeMap<String, String> {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    pub(in crate::job::backtest) fn outcome() -> Outcome {
        let live = params(&[("evidence_score", "0.5"), ("min_yes", "2")]);
        let tried = params(&[("evidence_score", "0.6"), ("min_yes", "2")]);
        Outcome {
            from: day(0),
            until: day(1),
            changed: vec![Changed::new("block_candidate", &live, &tried)],
            untried: vec!["detection_day".to_owned()],
            computed: vec![Computed { table: "block_candidate".to_owned(), from: day(0), until: day(1) }],
            as_of_now: BTreeMap::from([("allow_list", BTreeSet::from([day(0), day(1)]))]),
            limits: LIMITS,
            comparison: compared(),
        }
    }

    #[test]
    fn a_change_names_the_parameters_that_differ() {
        let changed = Changed::new("t", &params(&[("a", "1"), ("b", "2")]), &params(&[("a", "1"), ("c", "3")]));
        assert_eq!(changed.text(), "t (b 2 -> none, c none -> 3)");
        assert_eq!(Changed::new("t", &params(&[("a", "1")]), &params(&[("a", "1")])).text(), "t (SQL, cards or words)");
    }

    #[test]
    fn the_text_has_a_line_for_each_day_and_group() {
        expect![[r#"
            2025-01-06 to 2025-01-07, against what the lake holds
            changed: block_candidate (evidence_score 0.5 -> 0.6)
            computed anew: block_candidate from 2025-01-06
            changed as well, and not tried: detection_day
            not kept as it was known, and read as it is now: allow_list of 2025-01-06 2025-01-07
                                                   flagged                      barred                    new bars
                                 live  tried  newly   gone   live  tried  newly   gone   live  tried  newly   gone
            2025-01-06              2      1      0      1      0      1      1      0      0      1      1      0
            2025-01-07              2      2      1      1      0      1      1      0      0      1      1      0

            ever, by group                         accused                     flagged                      barred
            all                     2      3      2      1      2      2      1      1      0      1      1      0
            advertiser              0      1      1      0      0      1      1      0      0      0      0      0
            allow_list              0      1      1      0      0      0      0      0      0      0      0      0
            overturned              1      0      0      1      1      0      0      1      0      0      0      0
            special_or_brand        0      0      0      0      0      0      0      0      0      0      0      0
            prepaid                 2      3      2      1      2      2      1      1      0      1      1      0

            Verdicts begin with what was held on the day before. Only people who were asked in fact have answered, so a number that is newly flagged can be barred by reports and by such answers alone. Of the desk's words, the lists of the protected and the answers a day knows what the live rules knew of it; scores, detections, reports and subscriptions are as the lake has them now, with what came late. Who is overturned is told by all that is known now."#]].assert_eq(&outcome().text());
    }

    #[test]
    fn the_json_has_the_counts_and_no_number_in_clear() {
        let json = serde_json::to_value(outcome()).unwrap();
        assert_eq!(json["days"][1]["flagged"]["newly"], 1);
        assert_eq!(json["as_of_now"]["allow_list"], serde_json::json!(["2025-01-06", "2025-01-07"]));
        assert!(json["limits"].as_str().unwrap().ends_with("by all that is known now."), "{json}");
        assert_eq!(json["groups"]["allow_list"]["accused"]["tried"], 1);
        assert_eq!(json["changed"][0]["params"]["evidence_score"], serde_json::json!(["0.5", "0.6"]));
        assert!(!json.to_string().contains("8490000000"), "{json}");
    }
}
