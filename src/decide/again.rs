//! A day that is decided once more: at noon and when it is over, or after records that came late.
//!
//! In: what a run decided, and what an earlier run of the same day left. Out: the same verdicts, told as what follows from
//! what people have seen. Never: changes a verdict; gives two subscriptions of a day one case; forgets a flag in silence.

use std::collections::BTreeMap;

use super::{Cause, Decision, Subject};
use crate::domain::day::Day;
use crate::domain::verdict::Verdict;

/// Cases that an earlier run opened keep their ids, a flag keeps the instant at which it was first seen, and one that the
/// day does not bear any more is told as such.
pub fn carry(day: Day, mut decided: Vec<Decision>, earlier: Vec<Decision>, now: i64) -> Vec<Decision> {
    let opened = format!("C-{day}-");
    let place = |case_id: &str| case_id.strip_prefix(&opened).and_then(|place| place.parse::<u32>().ok());
    let mut last = earlier.iter().filter_map(|told| place(&told.case_id)).max().unwrap_or_default();
    let mut earlier: BTreeMap<Subject, Decision> =
        earlier.into_iter().map(|told| (told.candidate.subject, told)).collect();
    // New cases are counted on in the order in which they were counted.
    decided.sort_by_key(|decision| place(&decision.case_id));
    for decision in &mut decided {
        let told = earlier.remove(&decision.candidate.subject);
        if place(&decision.case_id).is_some() {
            decision.case_id = told.as_ref().map(|told| told.case_id.clone()).unwrap_or_else(|| {
                last += 1;
                format!("{opened}{last}")
            });
        }
        if let Some(told) = told.as_ref().filter(|told| is_flagged_on(day, told) && !decision.verdict.is_flag()) {
            decision.flagged = decision.flagged.or(told.flagged);
            if matches!(decision.cause, Cause::Evidence | Cause::NoNewEvidence | Cause::Expired) {
                decision.cause = Cause::NotConfirmed;
            }
        }
        if decision.flagged == Some(day) {
            let told = told.filter(|told| told.flagged == decision.flagged);
            decision.flagged_at = told.map_or(Some(now), |told| told.flagged_at);
        }
    }
    let left = earlier.into_values().filter(|told| is_flagged_on(day, told));
    decided.extend(left.map(|told| withdrawn(day, told)));
    decided.sort_by_key(|decision| decision.candidate.subject);
    decided
}

/// Whether a run of the day flagged what stood unflagged before, whatever a later run of it or a person has said.
fn is_flagged_on(day: Day, told: &Decision) -> bool {
    let is_new = told.flagged == Some(day) || (told.verdict.is_flag() && !told.previous.is_flag());
    is_new || told.cause == Cause::NotConfirmed
}

/// The last that is told of a flag of which nothing is left; its evidence is what was known when it was set.
fn withdrawn(day: Day, told: Decision) -> Decision {
    let (verdict, previous) = (Verdict::Clear, Verdict::Clear);
    Decision { verdict, previous, cause: Cause::NotConfirmed, since: day, until: day, ..told }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::decide::desk::Desk;
    use crate::decide::tests::{candidate, candidates, day, rules};
    use crate::decide::{Candidate, Input, decide};

    const NOON: i64 = 1;
    const NIGHT: i64 = 2;

    fn by(candidates: Vec<Candidate>, input: Input) -> Vec<Decision> {
        decide(day(), candidates, vec![], &rules(), input, &Desk::default())
    }

    /// A run of the day behind an earlier one, by what the evidence would bear of some numbers.
    fn run(earlier: &[Decision], proposed: &[(i64, Verdict)], now: i64) -> Vec<Decision> {
        let candidates = proposed.iter().map(|(number, verdict)| candidate(*number, *verdict)).collect();
        carry(day(), by(candidates, Input::Complete), earlier.to_vec(), now)
    }

    fn told(decided: &[Decision]) -> Vec<(Verdict, Cause, Option<i64>)> {
        decided.iter().map(|decision| (decision.verdict, decision.cause, decision.flagged_at)).collect()
    }

    #[test]
    fn a_case_that_was_opened_at_noon_keeps_its_id_and_its_instant() {
        let noon = run(&[], &[(1, Verdict::Survey), (3, Verdict::Watched)], NOON);
        let night = run(&noon, &[(1, Verdict::Limited), (2, Verdict::Survey), (3, Verdict::Survey)], NIGHT);
        let cases: Vec<&str> = night.iter().map(|decision| decision.case_id.as_str()).collect();
        assert_eq!(cases, ["C-2025-01-06-1", "C-2025-01-06-3", "C-2025-01-06-2"]);
        let seen: Vec<Option<i64>> = night.iter().map(|decision| decision.flagged_at).collect();
        assert_eq!(seen, [Some(NOON), Some(NIGHT), Some(NIGHT)], "the third was only watched at noon");
    }

    #[test]
    fn a_flag_that_the_day_does_not_confirm_is_taken_back_and_told() {
        let noon = run(&[], &[(1, Verdict::Survey), (2, Verdict::Survey), (3, Verdict::Survey)], NOON);
        let of_day = [(1, Verdict::Survey), (2, Verdict::Watched)];
        let night = run(&noon, &of_day, NIGHT);
        let expected = [
            (Verdict::Survey, Cause::Evidence, Some(NOON)),
            (Verdict::Watched, Cause::NotConfirmed, Some(NOON)),
            (Verdict::Clear, Cause::NotConfirmed, Some(NOON)),
        ];
        assert_eq!(told(&night), expected);
        assert!(night.iter().all(|decision| decision.flagged == Some(day())), "{night:?}");
        assert_eq!(run(&night, &of_day, NIGHT + 1), night, "one more run of the same changes nothing");
        let late = run(&night, &[(3, Verdict::Survey)], NIGHT + 1);
        assert_eq!(told(&late)[2], (Verdict::Survey, Cause::Evidence, Some(NOON)));
        assert_eq!(late[2].case_id, noon[2].case_id);
    }

    #[test]
    fn a_flag_is_remembered_though_a_person_cleared_it_before_the_last_run() {
        let noon = run(&[], &[(1, Verdict::Survey)], NOON);
        let mut cleared = run(&noon, &[(1, Verdict::Watched)], NIGHT);
        // As it is read from a lake: of what a person has said the word is not kept.
        cleared[0].cause = Cause::NoNewEvidence;
        let expected = (Verdict::Watched, Cause::NotConfirmed, Some(NOON));
        assert_eq!(told(&run(&cleared, &[(1, Verdict::Watched)], NIGHT + 1)), [expected]);
    }

    #[test]
    fn what_was_only_watched_at_noon_leaves_nothing() {
        let noon = run(&[], &[(1, Verdict::Watched)], NOON);
        assert!(run(&noon, &[], NIGHT).is_empty());
    }

    #[test]
    fn a_flag_of_an_earlier_day_keeps_its_instant() {
        let noon = run(&[], &[(1, Verdict::Survey)], NOON);
        let tomorrow = day().plus(1);
        let candidates = vec![candidate(1, Verdict::Survey)];
        let later = decide(tomorrow, candidates, noon, &rules(), Input::Complete, &Desk::default());
        assert_eq!(carry(tomorrow, later, vec![], NIGHT)[0].flagged_at, Some(NOON));
    }

    proptest! {
        #[test]
        fn a_look_at_noon_changes_no_verdict_of_the_day_and_no_case_is_given_twice(
            noon in candidates(),
            night in candidates(),
        ) {
            let noon = carry(day(), by(noon, Input::Open), vec![], NOON);
            prop_assert!(noon.iter().all(|decision| !decision.verdict.is_bar()));
            let alone = by(night, Input::Complete);
            let behind = carry(day(), alone.clone(), noon, NIGHT);
            let held = |decided: &[Decision]| -> Vec<(Subject, Verdict, Day)> {
                let held = decided.iter().filter(|decision| decision.verdict != Verdict::Clear);
                held.map(|decision| (decision.candidate.subject, decision.verdict, decision.until)).collect()
            };
            prop_assert_eq!(held(&behind), held(&alone));
            let cases: BTreeSet<&str> = behind.iter().map(|decision| decision.case_id.as_str()).collect();
            prop_assert_eq!(cases.len(), behind.len());
        }
    }
}
