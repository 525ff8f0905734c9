//! What becomes of evidence behind what people have said.

use proptest::prelude::*;

use super::*;
use crate::decide::tests::{candidate, candidates, day, rules};
use crate::decide::{Candidate, Cause, Input, decide};
use crate::domain::verdict::Verdict;

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
fn papers_that_a_person_has_cleared_are_no_origin_while_the_same_purchase_is_found() {
    let found = |detections: &str, origins: i64| Candidate {
        origins,
        is_registration_evidence: true,
        is_box: detections.ends_with("sim_box"),
        detections: Some(detections.to_owned()),
        ..candidate(1, Verdict::Limited)
    };
    let decided = |words: &[(Word, i64)], later: i32, candidate: Candidate| {
        let decided = decide(day().plus(later), vec![candidate], vec![], &rules(), Input::Complete, &desk(words));
        (decided[0].verdict, decided[0].cause)
    };
    let (barred, asked) = ((Verdict::Limited, Cause::Evidence), (Verdict::Survey, Cause::OneOrigin));
    for word in [Word::Overturned, Word::Released, Word::Dismissed] {
        let said = [(word, 5)];
        for later in [21, 41] {
            assert_eq!(decided(&said, later, found("bulk_registration+robocall", 2)), asked, "{word} {later}");
            assert_eq!(decided(&said, later, found("bulk_registration", 3)), barred, "people bear it, too");
            assert_eq!(decided(&said, later, found("bulk_registration+sim_box", 2)), barred, "a box is no paper");
            let weak = Candidate { is_box: false, ..found("bulk_registration+sim_box", 2) };
            assert_eq!(decided(&said, later, weak), asked, "a box without points enough bears nothing");
            assert_eq!(decided(&said, later, candidate(1, Verdict::Limited)), barred);
        }
        assert_eq!(decided(&said, 42, found("bulk_registration", 2)), barred);
        let confirmed = [(word, 5), (Word::Confirmed, 21 * 24)];
        assert_eq!(decided(&confirmed, 23, found("bulk_registration", 2)), barred, "{word}");
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
}
