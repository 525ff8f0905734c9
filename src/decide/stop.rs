//! The automatic stop: where too many bars turn out to be wrong, nobody new is barred.
//!
//! In: the bars of the last days, and what people have said. Out: the segments that stand still. Never: holds up a
//! release; counts an objection that has no answer yet.

use std::collections::{BTreeMap, BTreeSet};

use super::Subject;
use super::desk::Desk;
use super::rails::Rules;
use crate::domain::case::Word;
use crate::domain::day::Day;

/// A bar that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Barred {
    /// Of whom.
    pub subject: Subject,
    /// Under which budget.
    pub segment: String,
    /// On which day.
    pub on: Day,
}

/// The segments in which more than the bearable share of the last days' bars was overturned.
pub fn stopped(barred: &[Barred], desk: &Desk, day: Day, rules: &Rules) -> BTreeSet<String> {
    let mut by_segment: BTreeMap<&str, (BTreeSet<Subject>, BTreeSet<Subject>)> = BTreeMap::new();
    for bar in barred.iter().filter(|bar| (day.plus(-rules.stop_days)..day).contains(&bar.on)) {
        let (all, wrong) = by_segment.entry(&bar.segment).or_default();
        all.insert(bar.subject);
        if is_overturned(bar, desk) {
            wrong.insert(bar.subject);
        }
    }
    let is_too_much = |all: u32, wrong: u32| f64::from(wrong) > rules.stop_overturned_share * f64::from(all);
    let count = |subjects: &BTreeSet<Subject>| u32::try_from(subjects.len()).unwrap_or(u32::MAX);
    let stands_still = by_segment
        .into_iter()
        .filter(|(_, (all, wrong))| i64::from(count(wrong)) >= rules.stop_min && is_too_much(count(all), count(wrong)));
    stands_still.map(|(segment, _)| segment.to_owned()).collect()
}

/// Whether anybody has overturned it, of this owner and since it was made.
fn is_overturned(bar: &Barred, desk: &Desk) -> bool {
    let since = bar.on.starts_at().max(bar.subject.activated_at.unwrap_or(i64::MIN));
    let mut said = desk.said.get(&bar.subject.number).into_iter().flatten();
    said.any(|said| said.word == Word::Overturned && said.at >= since)
}
