//! Properties of deciding.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::desk::Said;
use super::stop::{Barred, stopped};
use super::transition::{EVENTS, next};
use super::*;
use crate::domain::case::Word;

pub(super) fn rules() -> Rules {
    Rules {
        origins_required: 2,
        reviews_required: 0,
        fresh_after_days: 20,
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

pub(super) fn candidate(number: i64, proposed: Verdict) -> Candidate {
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
        detections: None,
        is_allow_listed: false,
        is_special: false,
        is_current: true,
        is_denied: false,
        proposed,
    }
}

fn one_verdict(candidate: Candidate, standing: Vec<Decision>, day: Day) -> Option<(Verdict, Cause)> {
    let decided = decide(day, vec![candidate], standing, &rules(), Input::Complete, &Desk::default());
    decided.first().map(|decision| (decision.verdict, decision.cause))
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

const HOUR: i64 = 3_600_000_000;

/// A desk that has said words about the first number, each at an hour of the day after `day()`.
fn desk(words: &[(Word, i64)]) -> Desk {
    let said = |(word, hour): &(Word, i64)| Said { word: *word, at: day().ends_at() + hour * HOUR };
    let number = candidate(1, Verdict::Clear).subject.number;
    Desk { said: BTreeMap::from([(number, words.iter().map(said).collect())]), ..Desk::default() }
}

/// What becomes of a number at `standing` whose evidence would bear a block, on each of some days after.
fn blocked_again(standing: Verdict, desk: &Desk, rules: &Rules, days: i32) -> Vec<(Verdict, Cause)> {
    let mut held = match standing {
        Verdict::Clear => vec![],
        _ => decide(day(), vec![candidate(1, standing)], vec![], &self::rules(), Input::Complete, &Desk::default()),
    };
    let mut seen = vec![];
    for later in 0..days {
        let evidence = vec![candidate(1, Verdict::Blocked)];
        held = decide(day().plus(later), evidence, held, rules, Input::Complete, desk);
        seen.extend(held.first().map(|decision| (decision.verdict, decision.cause)));
        held.retain(|decision| decision.verdict != Verdict::Clear);
        assert!(held.iter().all(|decision| decision.until > day().plus(later)), "{held:?}");
    }
    seen.dedup();
    seen
}

#[test]
fn a_release_ends_a_bar_and_its_evidence_bears_none_again() {
    for (word, cause) in
        [(Word::Released, Cause::Released), (Word::Overturned, Cause::Overturned), (Word::Dismissed, Cause::Dismissed)]
    {
        let seen = blocked_again(Verdict::Limited, &desk(&[(word, 5)]), &rules(), 24);
        let expected = [
            (Verdict::Released, cause),
            (Verdict::Clear, Cause::Expired),
            (Verdict::Watched, cause),
            // On the day from which no candidate counts evidence from before any more.
            (Verdict::Blocked, Cause::Evidence),
        ];
        assert_eq!(seen, expected, "{word}");
    }
}

#[test]
fn what_a_person_clears_before_a_bar_is_only_watched() {
    let seen = blocked_again(Verdict::Survey, &desk(&[(Word::Dismissed, 5)]), &rules(), 9);
    assert_eq!(seen, [(Verdict::Clear, Cause::Dismissed), (Verdict::Watched, Cause::Dismissed)]);
}

#[test]
fn who_confirms_what_another_dismissed_lets_the_evidence_count_again() {
    let said = desk(&[(Word::Dismissed, 5), (Word::Confirmed, 6)]);
    assert_eq!(blocked_again(Verdict::Limited, &said, &rules(), 1), [(Verdict::Blocked, Cause::Evidence)]);
    let said = desk(&[(Word::Confirmed, 5), (Word::Released, 6)]);
    assert_eq!(blocked_again(Verdict::Limited, &said, &rules(), 1), [(Verdict::Released, Cause::Released)]);
}

#[test]
fn no_review_ends_a_release_or_a_granted_appeal() {
    let required = Rules { reviews_required: 1, ..rules() };
    for (word, cause) in [(Word::Released, Cause::Released), (Word::Overturned, Cause::Overturned)] {
        let alone = blocked_again(Verdict::Limited, &desk(&[(word, 5)]), &rules(), 24);
        let said = desk(&[(word, 5), (Word::Confirmed, 5 * 24)]);
        assert_eq!(blocked_again(Verdict::Limited, &said, &rules(), 24), alone, "{word}");
        assert_eq!(alone.first(), Some(&(Verdict::Released, cause)));
        let said = desk(&[(word, 5), (Word::Dismissed, 6), (Word::Confirmed, 7)]);
        assert_eq!(
            blocked_again(Verdict::Limited, &said, &rules(), 1),
            [(Verdict::Released, Cause::Dismissed)],
            "{word}"
        );
        // Nor is it the review that evidence from behind the release needs.
        let said = desk(&[(word, 5), (Word::Confirmed, 19 * 24)]);
        let seen = blocked_again(Verdict::Limited, &said, &required, 24);
        assert_eq!(seen.last(), Some(&(Verdict::Survey, Cause::ReviewPending)), "{word}");
        let said = desk(&[(word, 5), (Word::Confirmed, 21 * 24)]);
        let seen = blocked_again(Verdict::Limited, &said, &required, 24);
        assert_eq!(seen.last(), Some(&(Verdict::Blocked, Cause::Evidence)), "{word}");
    }
}

#[test]
fn while_an_appeal_is_open_no_bar_grows_and_none_falls() {
    let open = desk(&[(Word::Appealed, 5)]);
    assert_eq!(blocked_again(Verdict::Limited, &open, &rules(), 3), [(Verdict::Limited, Cause::AppealOpen)]);
    assert_eq!(blocked_again(Verdict::Clear, &open, &rules(), 3), [(Verdict::Survey, Cause::AppealOpen)]);
    let rejected = desk(&[(Word::Appealed, 5), (Word::Rejected, 6)]);
    assert_eq!(blocked_again(Verdict::Limited, &rejected, &rules(), 3), [(Verdict::Blocked, Cause::Evidence)]);
}

#[test]
fn where_a_review_is_required_nobody_is_barred_without_one() {
    let rules = Rules { reviews_required: 1, ..rules() };
    let unreviewed = blocked_again(Verdict::Clear, &Desk::default(), &rules, 3);
    assert_eq!(unreviewed, [(Verdict::Survey, Cause::ReviewPending)]);
    let confirmed = desk(&[(Word::Confirmed, 5)]);
    assert_eq!(blocked_again(Verdict::Clear, &confirmed, &rules, 3), [(Verdict::Blocked, Cause::Evidence)]);
}

#[test]
fn a_word_about_the_owner_before_is_none_about_this_one() {
    let mut recycled = candidate(1, Verdict::Blocked);
    recycled.subject.activated_at = Some(day().ends_at() + 6 * HOUR);
    let said = desk(&[(Word::Released, 5)]);
    let decided = decide(day(), vec![recycled], vec![], &rules(), Input::Complete, &said);
    assert_eq!(decided[0].verdict, Verdict::Blocked);
}

#[test]
fn a_number_that_the_desk_allows_is_released_though_its_candidate_is_older() {
    let barred =
        decide(day(), vec![candidate(1, Verdict::Limited)], vec![], &rules(), Input::Complete, &Desk::default());
    let allowed = Desk { allowed: BTreeSet::from([barred[0].candidate.subject.number]), ..Desk::default() };
    let decided = decide(day(), vec![candidate(1, Verdict::Blocked)], barred, &rules(), Input::Open, &allowed);
    assert_eq!((decided[0].verdict, decided[0].cause), (Verdict::Released, Cause::AllowListed));
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
    fn an_allowed_number_is_never_flagged(candidates in candidates(), standing in candidates(), allowed in prop::collection::btree_set(0i64..40, 0..20)) {
        let number = |number: i64| candidate(number, Verdict::Clear).subject.number;
        let allowed: BTreeSet<_> = allowed.into_iter().map(number).collect();
        let standing = decide(day(), standing, vec![], &rules(), Input::Complete, &Desk::default());
        let desk = Desk { allowed: allowed.clone(), ..Desk::default() };
        for decision in decide(day().plus(1), candidates, standing, &rules(), Input::Complete, &desk) {
            prop_assert!(!(decision.verdict.is_flag() && allowed.contains(&decision.candidate.subject.number)));
        }
    }

    #[test]
    fn a_released_number_is_not_flagged_again_by_the_same_evidence(
        candidates in candidates(),
        standing in candidates(),
        word in prop::sample::select(vec![Word::Released, Word::Overturned, Word::Dismissed]),
        days in 1i32..20,
    ) {
        let mut held = decide(day(), standing, vec![], &rules(), Input::Complete, &Desk::default());
        let said = vec![Said { word, at: day().ends_at() }];
        let numbers = (0..40).map(|number| candidate(number, Verdict::Clear).subject.number);
        let desk = Desk { said: numbers.map(|number| (number, said.clone())).collect(), ..Desk::default() };
        for later in 0..=days {
            held = decide(day().plus(later), candidates.clone(), held, &rules(), Input::Complete, &desk);
            prop_assert!(held.iter().all(|decision| !decision.verdict.is_flag()));
            held.retain(|decision| decision.verdict != Verdict::Clear);
        }
    }

    #[test]
    fn protected_numbers_are_never_flagged(candidates in candidates()) {
        for decision in decide(day(), candidates, vec![], &rules(), Input::Complete, &Desk::default()) {
            let candidate = &decision.candidate;
            prop_assert!(!(decision.verdict.is_flag() && (candidate.is_allow_listed || candidate.is_special)));
        }
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

/// Rules by which so much of a day's new bars is made at once, with room for all of them.
fn staging(canary_share: f64) -> Rules {
    let daily_budget = BTreeMap::from([("prepaid".to_owned(), 1_000), ("offnet".to_owned(), 1_000)]);
    Rules { canary_share, daily_budget, ..rules() }
}

/// Bars that were made a day before `day()`, of which the first few have been overturned since.
fn bars(all: i64, overturned: i64) -> (Vec<Barred>, Desk) {
    let subject = |number: i64| candidate(number, Verdict::Clear).subject;
    let bar = |number: i64| Barred { subject: subject(number), segment: "prepaid".to_owned(), on: day().plus(-1) };
    let said = |number: i64| (subject(number).number, vec![Said { word: Word::Overturned, at: day().starts_at() }]);
    ((0..all).map(bar).collect(), Desk { said: (0..overturned).map(said).collect(), ..Desk::default() })
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

proptest! {
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

#[test]
fn evidence_never_weakens_a_verdict() {
    for verdict in Verdict::ALL.into_iter().filter(|verdict| *verdict != Verdict::Released) {
        for event in &EVENTS[..5] {
            assert!(next(verdict, *event) >= verdict, "{verdict} {event:?}");
        }
    }
}
