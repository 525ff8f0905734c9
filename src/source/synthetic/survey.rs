//! What surveyed people answer.
//!
//! In: requests, and the truth of who was called as spam. Out: answers of the few who answer.
//! Never: depends on the order or the grouping of the requests.

use std::collections::BTreeSet;

use super::draw::{Rng, between, chance, mix, stream, whole};
use super::{SurveyOptions, SurveyRequest};
use crate::domain::day::Day;
use crate::schema::wire::SurveyAnswer;

/// Share of the answers that are neither yes nor no.
const OTHER_SHARE: f64 = 0.03;

/// Spam calls that were made: (caller's number, called number).
pub(super) type Spammed = BTreeSet<(i64, i64)>;

/// The answer to one request, if there is one.
pub(super) fn answer<'a>(
    request: &'a SurveyRequest,
    spammed: &Spammed,
    (options, seed): (&SurveyOptions, u64),
    on: Day,
) -> Option<SurveyAnswer<'a>> {
    let mut rng = of(request, seed);
    if !chance(&mut rng, options.answer_share) {
        return None;
    }
    let is_spam = spammed.contains(&(request.subject, request.respondent));
    let yes = if is_spam { options.yes_if_spam } else { options.yes_if_not };
    let answer = match (chance(&mut rng, OTHER_SHARE), chance(&mut rng, yes)) {
        (true, _) => "other",
        (false, true) => "yes",
        (false, false) => "no",
    };
    Some(SurveyAnswer {
        request_id: request.request_id.as_str().into(),
        respondent: request.respondent.to_string().into(),
        answer: answer.into(),
        answered_at: on.starts_at() + whole(between(&mut rng, (8.0, 21.0)) * 3_600e6),
    })
}

/// Draws that belong to this request alone.
fn of(request: &SurveyRequest, seed: u64) -> Rng {
    stream(mix(seed, 3), request.request_id.bytes().fold(0, |hash, byte| mix(hash, u64::from(byte))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_follow_the_truth() {
        let options = SurveyOptions { answer_share: 0.5, yes_if_spam: 1.0, yes_if_not: 0.0 };
        let spammed = Spammed::from([(1, 2)]);
        let answers = |subject| {
            let request = |id: i32| SurveyRequest { request_id: format!("r{id}"), subject, respondent: 2 };
            let all = (0..1_000).map(request).collect::<Vec<_>>();
            let of = |request| answer(request, &spammed, (&options, 9), Day::from_epoch_days(20_000));
            let texts = all.iter().filter_map(of).map(|answer| answer.answer.into_owned());
            texts.fold([0, 0, 0], |mut counts, text| {
                counts[["yes", "no", "other"].iter().position(|kind| *kind == text).unwrap()] += 1;
                counts
            })
        };
        let ([yes, no, other], [wrong, right, _]) = (answers(1), answers(3));
        assert!((430..570).contains(&(yes + other)) && no == 0 && wrong == 0 && right > 400);
    }
}
