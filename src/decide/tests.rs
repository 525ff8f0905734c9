//! Properties of deciding.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

pub(super) fn rules() -> Rules {
    Rules {
        origins_required: 2,
        reviews_required: 0,
        fresh_after_days: 20,
        fresh_papers_after_days: 41,
        canary_share: 1.0,
        stop_overturned_share: 0.2,
        stop_min: 3,
        stop_days: 14,
        daily_budget: BTreeMap::from([("prepaid".to_owned(), 3), ("offnet".to_owned(), 1)]),
        watched_days: 7,
        survey_days: 14,
        limited_days: 30,
        blocked_days: 90,
    }
}

pub(super) fn day() -> Day {
    "2025-01-06".parse().unwrap()
}

pub(crate) fn candidate(number: i64, proposed: Verdict) -> Candidate {
    Candidate {
        subject: Subject { number: Number::from_e164(84_900_000_000 + number).unwrap(), activated_at: Some(0) },
        is_onnet: true,
        segment: "prepaid".to_owned(),
        score: Some(0.9),
        origins: 2,
        matched_reporters: 0,
        survey_yes: 2,
        survey_no: 0,
        is_registration_evidence: false,
        is_box: false,
        detections: None,
        is_allow_listed: false,
        is_special: false,
        is_current: true,
        is_denied: false,
        lock_reason: None,
        proposed,
    }
}

fn one_verdict(candidate: Candidate, standing: Vec<Decision>, day: Day) -> Option<(Verdict, Cause)> {
    let decided = decide(day, vec![candidate], standing, &rules(), Input::Complete, &Desk::default());
    decided.first().map(|decision| (decision.verdict, decision.cause))
}

#[test]
fn where_a_segment_has_no_budget_nobody_is_barred() {
    let unknown = |proposed| Candidate { segment: "unknown".to_owned(), ..candidate(1, proposed) };
    assert_eq!(one_verdict(unknown(Verdict::Blocked), vec![], day()), Some((Verdict::Survey, Cause::NoBudget)));
    let of = |budget: i64, proposed: Verdict, standing: Vec<Decision>| {
        let rules = Rules { daily_budget: BTreeMap::from([("unknown".to_owned(), budget)]), ..rules() };
        decide(day(), vec![unknown(proposed)], standing, &rules, Input::Complete, &Desk::default()).remove(0)
    };
    let none = of(0, Verdict::Limited, vec![]);
    assert_eq!((none.verdict, none.cause), (Verdict::Survey, Cause::NoBudget), "a budget of nothing is none");
    // What was told stands as it is.
    let standing = of(1, Verdict::Limited, vec![]);
    assert_eq!(standing.verdict, Verdict::Limited);
    let grows = one_verdict(unknown(Verdict::Blocked), vec![standing], day().plus(1));
    assert_eq!(grows, Some((Verdict::Limited, Cause::NoBudget)));
}

#[test]
fn while_the_input_is_open_nobody_is_barred_and_releases_leave() {
    let open = |candidate: Candidate, standing| {
        decide(day(), vec![candidate], standing, &rules(), Input::Open, &Desk::default())
    };
    let asked = open(candidate(1, Verdict::Blocked), vec![]);
    assert_eq!((asked[0].verdict, asked[0].cause), (Verdict::Survey, Cause::InputOpen));
    let limited =
        decide(day(), vec![candidate(1, Verdict::Limited)], vec![], &rules(), Input::Complete, &Desk::default());
    let same = open(candidate(1, Verdict::Blocked), limited.clone());
    assert_eq!((same[0].verdict, same[0].cause), (Verdict::Limited, Cause::InputOpen));
    let protected = Candidate { is_allow_listed: true, ..candidate(1, Verdict::Blocked) };
    assert_eq!(open(protected, limited)[0].verdict, Verdict::Released);
}

#[test]
fn evidence_of_two_origins_bars() {
    assert_eq!(one_verdict(candidate(1, Verdict::Limited), vec![], day()), Some((Verdict::Limited, Cause::Evidence)));
}

#[test]
fn one_origin_only_asks() {
    let mut weak = candidate(1, Verdict::Blocked);
    weak.origins = 1;
    assert_eq!(one_verdict(weak, vec![], day()), Some((Verdict::Survey, Cause::OneOrigin)));
}

#[test]
fn a_number_on_the_allow_list_is_released() {
    let barred =
        decide(day(), vec![candidate(1, Verdict::Limited)], vec![], &rules(), Input::Complete, &Desk::default());
    let mut allowed = candidate(1, Verdict::Blocked);
    allowed.is_allow_listed = true;
    assert_eq!(one_verdict(allowed, barred, day().plus(1)), Some((Verdict::Released, Cause::AllowListed)));
}

#[test]
fn a_bar_lapses_into_a_release_and_then_into_nothing() {
    let mut standing =
        decide(day(), vec![candidate(1, Verdict::Limited)], vec![], &rules(), Input::Complete, &Desk::default());
    let mut seen = vec![];
    for later in 1..60 {
        standing = decide(day().plus(later), vec![], standing, &rules(), Input::Complete, &Desk::default());
        match standing.first() {
            Some(decision) => seen.push((decision.verdict, decision.cause)),
            None => break,
        }
        standing.retain(|decision| decision.verdict != Verdict::Clear);
    }
    seen.dedup();
    assert_eq!(
        seen,
        [
            (Verdict::Limited, Cause::NoNewEvidence),
            (Verdict::Released, Cause::Expired),
            (Verdict::Released, Cause::NoNewEvidence),
            (Verdict::Clear, Cause::Expired),
        ]
    );
}

#[test]
fn the_end_that_was_told_stands_and_a_bar_begins_anew_only_at_it() {
    let decided = |on: Day, candidates, standing| {
        decide(on, candidates, standing, &rules(), Input::Complete, &Desk::default()).remove(0)
    };
    let first = decided(day(), vec![candidate(1, Verdict::Limited)], vec![]);
    let mut held = first.clone();
    for later in 1..29 {
        held = decided(day().plus(later), vec![candidate(1, Verdict::Limited)], vec![held]);
        assert_eq!((held.since, held.until), (day(), day().plus(30)), "on day {later}");
    }
    // The list of the last day leaves on the morning of the end.
    let last = day().plus(29);
    let ended = decided(last, vec![candidate(1, Verdict::Survey)], vec![held.clone()]);
    assert_eq!((ended.verdict, ended.cause), (Verdict::Released, Cause::Expired));
    let open =
        decide(last, vec![candidate(1, Verdict::Limited)], vec![held.clone()], &rules(), Input::Open, &Desk::default());
    assert_eq!(
        (open[0].verdict, open[0].cause),
        (Verdict::Released, Cause::Expired),
        "nobody new while the input is open"
    );
    let anew = decided(last, vec![candidate(1, Verdict::Limited)], vec![held]);
    assert_eq!((anew.verdict, anew.since, anew.until), (Verdict::Limited, last, last.plus(30)));
    assert_eq!(anew.case_id, first.case_id);
}

#[test]
fn a_bar_does_not_outlive_the_word_that_bore_it() {
    let barred =
        decide(day(), vec![candidate(1, Verdict::Limited)], vec![], &rules(), Input::Complete, &Desk::default());
    let denied = |proposed| Candidate { is_denied: true, survey_no: 5, ..candidate(1, proposed) };
    let next = |candidate| one_verdict(candidate, barred.clone(), day().plus(1));
    assert_eq!(next(denied(Verdict::Survey)), Some((Verdict::Released, Cause::Denied)));
    assert_eq!(next(candidate(1, Verdict::Survey)), Some((Verdict::Limited, Cause::NoNewEvidence)));
    // What is weaker is not denied, and what is borne by something else than people's word, as a SIM box is, stands.
    assert_eq!(next(denied(Verdict::Limited)), Some((Verdict::Limited, Cause::Evidence)));
    assert_eq!(one_verdict(denied(Verdict::Survey), vec![], day()), Some((Verdict::Survey, Cause::Evidence)));
}

#[test]
fn a_case_keeps_its_id_and_its_first_flag() {
    let first = decide(day(), vec![candidate(1, Verdict::Survey)], vec![], &rules(), Input::Complete, &Desk::default());
    let second = decide(
        day().plus(1),
        vec![candidate(1, Verdict::Blocked)],
        first.clone(),
        &rules(),
        Input::Complete,
        &Desk::default(),
    );
    assert_eq!(second[0].case_id, first[0].case_id);
    assert_eq!((second[0].flagged, second[0].since), (Some(day()), day().plus(1)));
}

#[test]
fn another_activation_of_a_number_is_another_subject() {
    let first =
        decide(day(), vec![candidate(1, Verdict::Limited)], vec![], &rules(), Input::Complete, &Desk::default());
    let mut recycled = candidate(1, Verdict::Watched);
    recycled.subject.activated_at = Some(9);
    let second = decide(day().plus(1), vec![recycled], first, &rules(), Input::Complete, &Desk::default());
    assert_eq!(
        second.iter().map(|decision| decision.verdict).collect::<Vec<_>>(),
        [Verdict::Limited, Verdict::Watched]
    );
}

#[test]
fn the_next_owner_of_a_number_does_not_inherit_its_bar() {
    let barred =
        decide(day(), vec![candidate(1, Verdict::Limited)], vec![], &rules(), Input::Complete, &Desk::default());
    let mut ended = candidate(1, Verdict::Limited);
    ended.is_current = false;
    let next_is_allowed = Candidate { is_allow_listed: true, ..ended.clone() };
    for ended in [ended, next_is_allowed] {
        let verdict = one_verdict(ended, barred.clone(), day().plus(1));
        assert_eq!(verdict, Some((Verdict::Released, Cause::SubscriptionEnded)));
    }
}

#[test]
fn a_bar_ends_on_the_day_from_which_its_number_is_allowed() {
    let number = candidate(1, Verdict::Clear).subject.number;
    let from = |from: Day| Desk { allowed_from: BTreeMap::from([(number, from)]), ..Desk::default() };
    let decided = |on: Day, proposed: Verdict, standing: Vec<Decision>, desk: &Desk| {
        decide(on, vec![candidate(1, proposed)], standing, &rules(), Input::Complete, desk).remove(0)
    };
    let allowed_on = day().plus(12);
    let barred = decided(day(), Verdict::Limited, vec![], &from(allowed_on));
    assert_eq!((barred.verdict, barred.until), (Verdict::Limited, allowed_on));
    // The entry may come while the bar stands.
    let barred = decided(day(), Verdict::Limited, vec![], &Desk::default());
    assert_eq!(barred.until, day().plus(30));
    let held = decided(day().plus(1), Verdict::Limited, vec![barred], &from(allowed_on));
    assert_eq!((held.verdict, held.since, held.until), (Verdict::Limited, day(), allowed_on));
    // What begins behind its end moves nothing, nor what is no bar.
    assert_eq!(decided(day(), Verdict::Limited, vec![], &from(day().plus(31))).until, day().plus(30));
    assert_eq!(decided(day(), Verdict::Survey, vec![], &from(allowed_on)).until, day().plus(14));
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    prop::sample::select(Verdict::ALL.to_vec())
}

pub(super) fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (0i64..40, verdicts(), 0i64..3, any::<[bool; 3]>(), 0u8..100);
    prop::collection::btree_map(0i64..40, one, 0..30).prop_map(|all| {
        let build = |(number, (_, proposed, origins, [allowed, special, offnet], score)): (
            i64,
            (i64, Verdict, i64, [bool; 3], u8),
        )| Candidate {
            origins,
            is_allow_listed: allowed,
            is_special: special,
            segment: if offnet { "offnet".to_owned() } else { "prepaid".to_owned() },
            score: Some(f64::from(score) / 100.0),
            ..candidate(number, proposed)
        };
        all.into_iter().map(build).collect()
    })
}

proptest! {
    #[test]
    fn protected_numbers_are_never_flagged(candidates in candidates()) {
        for decision in decide(day(), candidates, vec![], &rules(), Input::Complete, &Desk::default()) {
            let candidate = &decision.candidate;
            prop_assert!(!(decision.verdict.is_flag() && (candidate.is_allow_listed || candidate.is_special)));
        }
    }

    #[test]
    fn an_allowed_number_is_barred_by_no_day_whatever_stood_of_it(
        candidates in candidates(),
        standing in candidates(),
        allowed in prop::collection::btree_set(0i64..40, 0..40),
    ) {
        let standing = decide(day(), standing, vec![], &rules(), Input::Complete, &Desk::default());
        let allowed = allowed.into_iter().map(|number| candidate(number, Verdict::Clear).subject.number).collect();
        let desk = Desk { allowed, ..Desk::default() };
        for decision in decide(day().plus(1), candidates, standing, &rules(), Input::Complete, &desk) {
            let is_allowed = desk.allowed.contains(&decision.candidate.subject.number);
            prop_assert!(!(is_allowed && decision.verdict.is_flag()), "{:?}", decision.verdict);
        }
    }

    #[test]
    fn no_bar_begins_or_grows_on_a_line_that_the_operator_has_locked(
        candidates in candidates(),
        standing in candidates(),
        locked in prop::collection::btree_set(0i64..40, 0..40),
    ) {
        let standing = decide(day(), standing, vec![], &rules(), Input::Complete, &Desk::default());
        let locked: BTreeSet<Number> =
            locked.into_iter().map(|number| candidate(number, Verdict::Clear).subject.number).collect();
        let lock = |held: Candidate| Candidate {
            lock_reason: locked.contains(&held.subject.number).then(|| "debt".to_owned()),
            ..held
        };
        let candidates = candidates.into_iter().map(lock).collect();
        for decision in decide(day().plus(1), candidates, standing, &rules(), Input::Complete, &Desk::default()) {
            let stands = decision.verdict <= decision.previous && decision.since <= day();
            prop_assert!(decision.candidate.lock_reason.is_none() || !decision.verdict.is_bar() || stands);
        }
    }

    #[test]
    fn a_recycled_number_inherits_nothing(candidates in candidates(), standing in candidates()) {
        let standing = decide(day(), standing, vec![], &rules(), Input::Complete, &Desk::default());
        let next: Vec<Candidate> = candidates
            .into_iter()
            .map(|held| Candidate { subject: Subject { activated_at: Some(9), ..held.subject }, ..held })
            .collect();
        let room = BTreeMap::from([("prepaid".to_owned(), 1_000), ("offnet".to_owned(), 1_000)]);
        let rules = Rules { daily_budget: room, ..rules() };
        let of = |standing: Vec<Decision>| {
            let decided = decide(day().plus(1), next.clone(), standing, &rules, Input::Complete, &Desk::default());
            let own = decided.into_iter().filter(|decision| decision.candidate.subject.activated_at == Some(9));
            own.map(|decision| Decision { case_id: String::new(), ..decision }).collect::<Vec<_>>()
        };
        prop_assert_eq!(of(standing), of(vec![]), "what stood of the holder before changes nothing");
    }

    #[test]
    fn nobody_is_barred_on_one_origin(candidates in candidates()) {
        for decision in decide(day(), candidates, vec![], &rules(), Input::Complete, &Desk::default()) {
            prop_assert!(!decision.verdict.is_bar() || decision.candidate.origins >= 2);
        }
    }

    #[test]
    fn the_budget_holds(candidates in candidates()) {
        let decided = decide(day(), candidates, vec![], &rules(), Input::Complete, &Desk::default());
        let bars = |segment: &str| {
            decided.iter().filter(|decision| decision.verdict.is_bar() && decision.candidate.segment == segment).count()
        };
        prop_assert!(bars("prepaid") <= 3 && bars("offnet") <= 1);
    }

    #[test]
    fn what_waits_for_no_budget_is_what_any_budget_would_let_through(candidates in candidates()) {
        let of = |segments: &[&str]| {
            let daily_budget = segments.iter().map(|segment| ((*segment).to_owned(), 1_000)).collect();
            let rules = Rules { daily_budget, ..rules() };
            decide(day(), candidates.clone(), vec![], &rules, Input::Complete, &Desk::default())
        };
        let (any, none) = (of(&["prepaid", "offnet"]), of(&["prepaid"]));
        prop_assert_eq!(any.len(), none.len());
        for (any, none) in any.iter().zip(&none) {
            let is_barred = any.verdict.is_bar() && any.candidate.segment == "offnet";
            prop_assert_eq!(is_barred, none.cause == Cause::NoBudget);
            prop_assert!(none.cause != Cause::BudgetSpent && !(is_barred && none.verdict.is_bar()));
        }
    }

    #[test]
    fn the_order_of_candidates_does_not_matter(candidates in candidates(), standing in candidates()) {
        let standing = decide(day(), standing, vec![], &rules(), Input::Complete, &Desk::default());
        let mut turned = candidates.clone();
        turned.reverse();
        let tomorrow = day().plus(1);
        prop_assert_eq!(
            decide(tomorrow, candidates, standing.clone(), &rules(), Input::Complete, &Desk::default()).iter().map(|d| (d.candidate.subject, d.verdict)).collect::<Vec<_>>(),
            decide(tomorrow, turned, standing, &rules(), Input::Complete, &Desk::default()).iter().map(|d| (d.candidate.subject, d.verdict)).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_second_decision_of_a_day_changes_nothing(candidates in candidates(), standing in candidates()) {
        let standing = decide(day(), standing, vec![], &rules(), Input::Complete, &Desk::default());
        let tomorrow = day().plus(1);
        prop_assert_eq!(
            decide(tomorrow, candidates.clone(), standing.clone(), &rules(), Input::Complete, &Desk::default()),
            decide(tomorrow, candidates, standing, &rules(), Input::Complete, &Desk::default())
        );
    }
}
