//! How much of a day's new bars is made at once, and in which segment none is.

use proptest::prelude::*;

use super::*;
use crate::decide::desk::Desk;
use crate::decide::tests::{candidate, candidates, day, rules};
use crate::decide::{Decision, Subject, decide};
use crate::domain::day::Day;

/// Rules by which so much of a day's new bars is made at once, with room for all of them.
fn staging(canary_share: f64) -> Rules {
    let daily_budget = BTreeMap::from([("prepaid".to_owned(), 1_000), ("offnet".to_owned(), 1_000)]);
    Rules { canary_share, daily_budget, ..rules() }
}

fn flags() -> impl Strategy<Value = Verdict> {
    prop::sample::select(vec![Verdict::Survey, Verdict::Limited, Verdict::Blocked])
}

#[test]
fn the_strongest_go_first_and_the_others_the_day_after() {
    let all: Vec<Candidate> = (1..=5).map(|number| candidate(number, Verdict::Limited)).collect();
    let rules = staging(0.3);
    let first = decide(day(), all.clone(), vec![], &rules, Input::Complete, &Desk::default());
    let of = |decided: &[Decision]| decided.iter().map(|d| (d.verdict, d.cause)).collect::<Vec<_>>();
    let (made, waits) = ((Verdict::Limited, Cause::Evidence), (Verdict::Survey, Cause::Staged));
    assert_eq!(of(&first), [made, made, waits, waits, waits], "a part of a bar is a whole one");
    let second = decide(day().plus(1), all, first, &rules, Input::Complete, &Desk::default());
    assert_eq!(of(&second), [made; 5]);
}

#[test]
fn the_first_are_a_share_of_what_the_budget_lets_through() {
    let all: Vec<Candidate> = (1..=7).map(|number| candidate(number, Verdict::Limited)).collect();
    let rules = Rules { canary_share: 0.3, ..rules() };
    let first = decide(day(), all.clone(), vec![], &rules, Input::Complete, &Desk::default());
    let causes = |decided: &[Decision]| decided.iter().map(|decision| decision.cause).collect::<Vec<_>>();
    let (made, waits, spent) = (Cause::Evidence, Cause::Staged, Cause::BudgetSpent);
    assert_eq!(causes(&first), [made, waits, waits, spent, spent, spent, spent], "three are the day's budget");
    let second = decide(day().plus(1), all, first, &rules, Input::Complete, &Desk::default());
    assert_eq!(causes(&second), [made, made, made, made, spent, spent, spent]);
}

#[test]
fn what_was_put_off_waits_on_when_the_first_turn_out_to_be_wrong() {
    let all: Vec<Candidate> = (1..=5).map(|number| candidate(number, Verdict::Limited)).collect();
    let rules = staging(0.3);
    let first = decide(day(), all.clone(), vec![], &rules, Input::Complete, &Desk::default());
    let desk = Desk { stopped: BTreeSet::from(["prepaid".to_owned()]), ..Desk::default() };
    let second = decide(day().plus(1), all, first, &rules, Input::Complete, &desk);
    let causes: Vec<Cause> = second.iter().map(|decision| decision.cause).collect();
    assert_eq!(causes, [Cause::Evidence, Cause::Evidence, Cause::Stopped, Cause::Stopped, Cause::Stopped]);
}

#[test]
fn a_bar_that_begins_anew_takes_a_place_of_the_day_and_ends_where_there_is_none() {
    let all: Vec<Candidate> = (1..=5).map(|number| candidate(number, Verdict::Limited)).collect();
    let standing = decide(day(), all.clone(), vec![], &staging(1.0), Input::Complete, &Desk::default());
    let end = day().plus(29);
    let of = |on: Day, standing: &[Decision], rules: &Rules| {
        decide(on, all.clone(), standing.to_vec(), rules, Input::Complete, &Desk::default())
    };
    let told = |decided: &[Decision]| decided.iter().map(|d| (d.verdict, d.cause)).collect::<Vec<_>>();
    let (made, ended) = ((Verdict::Limited, Cause::Evidence), (Verdict::Released, Cause::Expired));
    let anew = of(end, &standing, &rules());
    assert_eq!(told(&anew), [made, made, made, ended, ended], "three are the day's budget");
    assert_eq!(told(&of(end.plus(1), &anew, &rules())), [made; 5]);
    assert_eq!(told(&of(end.plus(-1), &standing, &rules())), [made; 5], "while it stands it takes none");
    assert_eq!(told(&of(end, &standing, &staging(0.3))), [made; 5], "none is staged");
}

#[test]
fn a_bar_that_grows_takes_a_place_of_the_day_and_stays_as_it_is_where_there_is_none() {
    let named = |verdict: Verdict| -> Vec<Candidate> { (1..=5).map(|number| candidate(number, verdict)).collect() };
    let standing = decide(day(), named(Verdict::Limited), vec![], &staging(1.0), Input::Complete, &Desk::default());
    let of = |rules: &Rules, desk: &Desk| {
        decide(day().plus(1), named(Verdict::Blocked), standing.clone(), rules, Input::Complete, desk)
    };
    let told = |decided: &[Decision]| decided.iter().map(|d| (d.verdict, d.cause, d.until)).collect::<Vec<_>>();
    let grown = (Verdict::Blocked, Cause::Evidence, day().plus(91));
    let as_it_is = |cause: Cause| (Verdict::Limited, cause, day().plus(30));
    let spent = as_it_is(Cause::BudgetSpent);
    let bound = told(&of(&rules(), &Desk::default()));
    assert_eq!(bound, [grown, grown, grown, spent, spent], "three are the day's budget");
    let stopped = Desk { stopped: BTreeSet::from(["prepaid".to_owned()]), ..Desk::default() };
    assert_eq!(told(&of(&rules(), &stopped)), [as_it_is(Cause::Stopped); 5]);
    assert_eq!(told(&of(&staging(0.3), &Desk::default())), [grown; 5], "none is staged");
}

#[test]
fn a_line_that_the_operator_has_locked_is_not_barred_again_and_takes_no_place() {
    let locked = |proposed| Candidate { lock_reason: Some("device".to_owned()), ..candidate(1, proposed) };
    let of = |on: Day, candidates: Vec<Candidate>, standing: Vec<Decision>, rules: &Rules| {
        let decided = decide(on, candidates, standing, rules, Input::Complete, &Desk::default());
        decided.into_iter().map(|d| (d.verdict, d.cause)).collect::<Vec<_>>()
    };
    let (made, held) = ((Verdict::Limited, Cause::Evidence), (Verdict::Survey, Cause::CarrierLocked));
    let mut all: Vec<Candidate> = (2..=4).map(|number| candidate(number, Verdict::Limited)).collect();
    all.push(locked(Verdict::Limited));
    assert_eq!(of(day(), all.clone(), vec![], &rules()), [held, made, made, made], "three are the day's budget");
    let waits = (Verdict::Survey, Cause::Staged);
    assert_eq!(
        of(day(), all, vec![], &staging(0.3)),
        [held, made, waits, waits],
        "three are due, and the first is made"
    );
    // What was told stands until its end, and neither grows nor begins anew there.
    let barred =
        decide(day(), vec![candidate(1, Verdict::Limited)], vec![], &rules(), Input::Complete, &Desk::default());
    let later = |days: i32, proposed: Verdict| of(day().plus(days), vec![locked(proposed)], barred.clone(), &rules());
    assert_eq!(later(1, Verdict::Limited), [made]);
    assert_eq!(later(1, Verdict::Blocked), [(Verdict::Limited, Cause::CarrierLocked)]);
    assert_eq!(later(29, Verdict::Limited), [(Verdict::Released, Cause::Expired)]);
}

proptest! {
    #[test]
    fn what_grows_or_begins_anew_is_held_up_as_what_is_new_and_what_stands_is_not(
        proposed in prop::collection::vec((flags(), flags()), 0..20),
        age in prop::sample::select(vec![1, 28, 29, 30, 88, 89, 90]),
    ) {
        let named = |proposed: Vec<Verdict>| -> Vec<Candidate> {
            proposed.into_iter().zip(0..).map(|(verdict, number)| candidate(number, verdict)).collect()
        };
        let (first, then): (Vec<Verdict>, Vec<Verdict>) = proposed.into_iter().unzip();
        let standing = decide(day(), named(first), vec![], &staging(1.0), Input::Complete, &Desk::default());
        let on = day().plus(age);
        let at_end = |before: &&Decision| before.verdict.is_bar() && on.plus(1) >= before.until;
        let at_end: BTreeSet<Subject> = standing.iter().filter(at_end).map(|before| before.candidate.subject).collect();
        let is_new = |d: &Decision| {
            let is_at_end = at_end.contains(&d.candidate.subject);
            d.verdict.is_bar() && (!d.previous.is_bar() || is_at_end || d.verdict > d.previous)
        };
        let of = |rules: &Rules, desk: &Desk| {
            decide(on, named(then.clone()), standing.clone(), rules, Input::Complete, desk)
        };
        let stopped = Desk { stopped: BTreeSet::from(["prepaid".to_owned()]), ..Desk::default() };
        let (free, bound, still) =
            (of(&staging(1.0), &Desk::default()), of(&rules(), &Desk::default()), of(&rules(), &stopped));
        let new = |decided: &[Decision]| decided.iter().filter(|d| is_new(d)).count();
        prop_assert_eq!((new(&bound), new(&still)), (new(&free).min(3), 0));
        for ((free, bound), still) in free.iter().zip(&bound).zip(&still) {
            let stands = free.previous == free.verdict && free.previous.is_bar() && !is_new(free);
            prop_assert!(!stands || (free.verdict, free.verdict) == (bound.verdict, still.verdict));
        }
    }

    #[test]
    fn no_more_than_the_first_share_is_made_at_once_and_none_is_lost(
        candidates in candidates(),
        standing in candidates(),
        share in 0u8..=10,
    ) {
        let rules = staging(f64::from(share) / 10.0);
        let all = staging(1.0);
        let standing = decide(day(), standing, vec![], &all, Input::Complete, &Desk::default());
        let tomorrow = day().plus(1);
        let of = |rules: &Rules| {
            decide(tomorrow, candidates.clone(), standing.clone(), rules, Input::Complete, &Desk::default())
        };
        let (staged, whole) = (of(&rules), of(&all));
        for segment in ["prepaid", "offnet"] {
            let new = |decided: &[Decision]| {
                let is_new = |d: &&Decision| d.verdict.is_bar() && !d.previous.is_bar() && d.candidate.segment == segment;
                u32::try_from(decided.iter().filter(is_new).count()).unwrap()
            };
            let most = (rules.canary_share * f64::from(new(&whole))).ceil();
            prop_assert!((f64::from(new(&staged)) - most).abs() < 0.5, "{} of {}", new(&staged), new(&whole));
        }
        let day_after = decide(tomorrow.plus(1), candidates.clone(), staged, &rules, Input::Complete, &Desk::default());
        for decision in whole.iter().filter(|decision| decision.verdict.is_bar()) {
            let later = day_after.iter().find(|later| later.candidate.subject == decision.candidate.subject);
            prop_assert!(later.is_some_and(|later| later.verdict.is_bar()));
        }
    }

    #[test]
    fn where_a_segment_stands_still_nobody_new_is_barred_and_releases_leave(
        candidates in candidates(),
        standing in candidates(),
    ) {
        let rules = staging(1.0);
        let standing = decide(day(), standing, vec![], &rules, Input::Complete, &Desk::default());
        let stopped = Desk { stopped: BTreeSet::from(["prepaid".to_owned()]), ..Desk::default() };
        let of = |desk: &Desk| {
            decide(day().plus(1), candidates.clone(), standing.clone(), &rules, Input::Complete, desk)
        };
        let (still, moving) = (of(&stopped), of(&Desk::default()));
        for decision in still.iter().filter(|decision| decision.candidate.segment == "prepaid") {
            prop_assert!(!decision.verdict.is_bar() || decision.previous.is_bar());
        }
        let released = |decided: &[Decision]| -> Vec<Subject> {
            let of = decided.iter().filter(|d| d.verdict == Verdict::Released && d.previous.is_bar());
            of.map(|decision| decision.candidate.subject).collect()
        };
        prop_assert_eq!(released(&still), released(&moving));
    }
}
