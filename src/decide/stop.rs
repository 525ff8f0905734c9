//! The automatic stop: where too many bars turn out to be wrong, or are objected to in vain, nobody new is barred, and no
//! bar grows.
//!
//! In: the bars of the last days, and what people have said. Out: the segments that stand still. Never: holds up a
//! release; counts an objection whose answer is not due yet, or that was rejected.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Subject;
use super::desk::Desk;
use super::rails::Rules;
use crate::domain::case::{ANSWER_WITHIN, Word};
use crate::domain::day::Day;

/// A bar that was made, grew or began anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Barred {
    /// Of whom.
    pub subject: Subject,
    /// Under which budget.
    pub segment: String,
    /// On which day.
    pub on: Day,
}

/// The segments in which more than the bearable share of the last days' bars was overturned, or waits for its answer for
/// longer than it may: as many appeals as the desk cannot hear say no less than those that it has heard.
pub fn stopped(barred: &[Barred], desk: &Desk, day: Day, rules: &Rules) -> BTreeSet<String> {
    let mut by_segment: BTreeMap<&str, (BTreeSet<Subject>, BTreeSet<Subject>)> = BTreeMap::new();
    for bar in barred.iter().filter(|bar| (day.plus(-rules.stop_days)..day).contains(&bar.on)) {
        let (all, wrong) = by_segment.entry(&bar.segment).or_default();
        all.insert(bar.subject);
        if is_overturned(bar, desk, day) {
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

/// Whether anybody has overturned it, of this owner and since it was made, or owes an answer since before the day's end.
fn is_overturned(bar: &Barred, desk: &Desk, day: Day) -> bool {
    let since = bar.on.starts_at().max(bar.subject.activated_at.unwrap_or(i64::MIN));
    let waited = |opened_at: i64| Duration::from_micros(day.ends_at().saturating_sub(opened_at).max(0).unsigned_abs());
    let mut open = None;
    for said in desk.said.get(&bar.subject.number).into_iter().flatten().filter(|said| said.at >= since) {
        match said.word {
            Word::Overturned => return true,
            Word::Appealed => open = Some(said.at),
            Word::Rejected | Word::Released => open = None,
            Word::Confirmed | Word::Dismissed => {}
        }
    }
    open.is_some_and(|opened_at| waited(opened_at) > ANSWER_WITHIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::desk::Said;
    use crate::decide::tests::{candidate, day, rules};
    use crate::domain::verdict::Verdict;

    /// Bars that were made a day before `day()`, of which the first few have been overturned since.
    fn bars(all: i64, overturned: i64) -> (Vec<Barred>, Desk) {
        let subject = |number: i64| candidate(number, Verdict::Clear).subject;
        let bar = |number: i64| Barred { subject: subject(number), segment: "prepaid".to_owned(), on: day().plus(-1) };
        let said = |number: i64| (subject(number).number, vec![Said { word: Word::Overturned, at: day().starts_at() }]);
        ((0..all).map(bar).collect(), Desk { said: (0..overturned).map(said).collect(), ..Desk::default() })
    }

    #[test]
    fn a_segment_stands_still_once_enough_bars_and_too_large_a_share_were_overturned() {
        let stops = |all, overturned| {
            let (barred, desk) = bars(all, overturned);
            !stopped(&barred, &desk, day(), &rules()).is_empty()
        };
        assert!(stops(10, 3), "three of ten are more than a fifth");
        assert!(!stops(15, 3), "three of fifteen are a fifth");
        assert!(!stops(4, 2), "two are too few to tell");
        let (barred, desk) = bars(10, 3);
        let later = day().plus(rules().stop_days);
        assert!(stopped(&barred, &desk, later, &rules()).is_empty(), "bars of long ago are not counted");
        let (mut other, _) = bars(10, 0);
        other.iter_mut().for_each(|bar| bar.subject.activated_at = Some(day().ends_at()));
        assert!(stopped(&other, &desk, day(), &rules()).is_empty(), "it was said of the owner before");
    }

    #[test]
    fn appeals_that_nobody_answers_in_time_stop_a_segment_as_overturned_bars_do() {
        let stops = |then: &[Word], after: i32| {
            let (barred, mut desk) = bars(10, 3);
            for said in desk.said.values_mut() {
                let opened = Said { word: Word::Appealed, at: day().starts_at() };
                let answers = then.iter().map(|word| Said { word: *word, at: opened.at + 1 });
                *said = [opened].into_iter().chain(answers).collect();
            }
            !stopped(&barred, &desk, day().plus(after), &rules()).is_empty()
        };
        assert!(!stops(&[], 0), "a day has not gone by");
        assert!(stops(&[], 1));
        assert!(!stops(&[Word::Rejected], 1), "it was heard, and the bar stands");
        assert!(stops(&[Word::Rejected, Word::Appealed], 1), "somebody objects once more");
        assert!(!stops(&[Word::Released], 1), "nobody waits for what is given back");
        assert!(stops(&[Word::Confirmed], 1), "a review is no answer");
    }
}
