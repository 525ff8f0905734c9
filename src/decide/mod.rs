//! Evidence to verdicts.
//!
//! In: candidates with their evidence, what stood the day before, and what people have said. Out: the verdict of every
//! subscription that has one. Never: reads a table, a clock or a threshold of its own; bars a protected number; bars on
//! one origin, or anew on evidence that a person has dismissed.

pub mod again;
pub mod desk;
pub mod rails;
pub mod stop;
pub mod transition;

use std::collections::BTreeMap;

use self::desk::Desk;
use self::rails::{Budget, Rules};
use self::transition::Event;
use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::domain::verdict::Verdict;

/// A subscription: a number in one activation interval; off-net numbers have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject {
    /// Masked wherever it is printed.
    pub number: Number,
    /// Activation, UTC microseconds.
    pub activated_at: Option<i64>,
}

/// The evidence of a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Whom it is about.
    pub subject: Subject,
    /// Whether it is our subscriber.
    pub is_onnet: bool,
    /// Budget it falls under.
    pub segment: String,
    /// Spam score.
    pub score: Option<f64>,
    /// Independent origins of evidence.
    pub origins: i64,
    /// Matched reporters.
    pub matched_reporters: i64,
    /// Survey answers that it was spam.
    pub survey_yes: i64,
    /// Survey answers that it was not.
    pub survey_no: i64,
    /// Whether papers or devices are among the origins.
    pub is_registration_evidence: bool,
    /// Whether a SIM box is among what bears that origin; a detection without points enough is none.
    pub is_box: bool,
    /// What it was found at, by type.
    pub detections: Option<String>,
    /// On the allow-list.
    pub is_allow_listed: bool,
    /// A special number or a registered brand's.
    pub is_special: bool,
    /// Whether the number is still in this activation; the next owner starts clean.
    pub is_current: bool,
    /// Whether most people who were asked say that it was no spam.
    pub is_denied: bool,
    /// Why the operator itself has locked the line, if it has.
    pub lock_reason: Option<String>,
    /// What the evidence alone would bear.
    pub proposed: Verdict,
}

impl Candidate {
    /// Whether its papers alone are the origin beside calls and people: a box is found by what its handset does.
    fn is_found_by_papers(&self) -> bool {
        self.is_registration_evidence && !self.is_box
    }
}

/// What is held of a subscription.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The evidence it was last decided on; kept while it holds.
    pub candidate: Candidate,
    /// Stable from the first verdict to the release.
    pub case_id: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The verdict of the day before.
    pub previous: Verdict,
    /// Why.
    pub cause: Cause,
    /// Since when.
    pub since: Day,
    /// When it lapses unless renewed.
    pub until: Day,
    /// First day at survey or stronger.
    pub flagged: Option<Day>,
    /// When that was first seen, UTC microseconds; `again` says it of a flag of the day.
    pub flagged_at: Option<i64>,
}

/// Why a verdict is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The evidence bears it.
    Evidence,
    /// It stands from before, and has not lapsed.
    NoNewEvidence,
    /// An earlier run of the day flagged it, and this one does not.
    NotConfirmed,
    /// It has lapsed.
    Expired,
    /// Most people who were asked say that it was no spam.
    Denied,
    /// The allow-list wins.
    AllowListed,
    /// A special number or a registered brand.
    SpecialNumber,
    /// A bar was due, but the day's budget was spent.
    BudgetSpent,
    /// A bar was due, but its segment has no budget on any day.
    NoBudget,
    /// A bar is due, and is made tomorrow unless today's first ones turn out to be wrong.
    Staged,
    /// A bar was due, but too many of its segment have been overturned, or wait in vain for an answer.
    Stopped,
    /// The number is in another activation now.
    SubscriptionEnded,
    /// A bar was due, but only one origin bore it.
    OneOrigin,
    /// A bar was due, but the operator itself has locked the line already.
    CarrierLocked,
    /// A bar was due, but the day's input is not complete yet.
    InputOpen,
    /// A bar was due, but its subscriber has objected and has no answer yet.
    AppealOpen,
    /// A bar was due, but nobody has reviewed it yet.
    ReviewPending,
    /// A reviewer has dismissed the evidence.
    Dismissed,
    /// An appeal was right.
    Overturned,
    /// The desk has released it.
    Released,
}

impl Cause {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::NoNewEvidence => "no_new_evidence",
            Self::NotConfirmed => "not_confirmed",
            Self::Expired => "expired",
            Self::Denied => "denied",
            Self::AllowListed => "allow_listed",
            Self::SpecialNumber => "special_number",
            Self::BudgetSpent => "budget_spent",
            Self::NoBudget => "no_budget",
            Self::Staged => "staged",
            Self::Stopped => "stopped",
            Self::SubscriptionEnded => "subscription_ended",
            Self::OneOrigin => "one_origin",
            Self::CarrierLocked => "carrier_locked",
            Self::InputOpen => "input_open",
            Self::AppealOpen => "appeal_open",
            Self::ReviewPending => "review_pending",
            Self::Dismissed => "dismissed",
            Self::Overturned => "overturned",
            Self::Released => "released",
        }
    }
}

/// Whether everything that a day is decided on has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Every message of the day is accounted for.
    Complete,
    /// Something is missing or late: nobody is barred on half of the records, and releases still leave.
    Open,
}

/// Decides a day: every candidate, and everybody of whom something stood the day before.
///
/// The order of the candidates does not matter: strongest scores come first to the budget, equal ones by number.
pub fn decide(
    day: Day,
    candidates: Vec<Candidate>,
    standing: Vec<Decision>,
    rules: &Rules,
    input: Input,
    desk: &Desk,
) -> Vec<Decision> {
    let mut standing: BTreeMap<Subject, Decision> =
        standing.into_iter().map(|decision| (decision.candidate.subject, decision)).collect();
    let mut candidates = candidates;
    candidates.sort_by(|a, b| {
        let score = |candidate: &Candidate| candidate.score.unwrap_or_default();
        score(b).total_cmp(&score(a)).then(a.subject.cmp(&b.subject))
    });
    let mut budget = Budget::new(rules, input, &desk.stopped);
    for candidate in &mut candidates {
        candidate.is_allow_listed |= desk.allowed.contains(&candidate.subject.number);
        let before = standing.get(&candidate.subject);
        let heard = desk.heard(candidate.subject, day, rules);
        if !is_staged(before) && rails::is_due(candidate, verdict_of(before), heard, &budget) {
            budget.expect(&candidate.segment);
        }
    }
    let mut cases = 0;
    let mut decided = Vec::new();
    for candidate in candidates {
        let before = standing.remove(&candidate.subject);
        decided.extend(one(day, candidate, before, desk, &mut budget, &mut cases));
    }
    for before in standing.into_values() {
        let mut candidate = before.candidate.clone();
        (candidate.proposed, candidate.is_denied) = (Verdict::Clear, false);
        decided.extend(one(day, candidate, Some(before), desk, &mut budget, &mut cases));
    }
    decided.sort_by_key(|decision| decision.candidate.subject);
    decided
}

/// The decision on one subscription, by what was held of it before and what the desk has said; none where it was clear
/// and still is.
fn one(
    day: Day,
    mut candidate: Candidate,
    before: Option<Decision>,
    desk: &Desk,
    budget: &mut Budget<'_>,
    cases: &mut u32,
) -> Option<Decision> {
    let previous = verdict_of(before.as_ref());
    // A day's list leaves on the morning behind it: what ends on that morning is not in it any more.
    let reaches = if previous.is_bar() { day.plus(1) } else { day };
    let has_lapsed = before.as_ref().is_some_and(|before| reaches >= before.until);
    candidate.is_allow_listed |= desk.allowed.contains(&candidate.subject.number);
    let heard = desk.heard(candidate.subject, day, budget.rules);
    let stood = Stood { verdict: previous, has_lapsed, is_staged: is_staged(before.as_ref()) };
    let event = rails::event(&candidate, stood, heard, budget);
    let verdict = transition::next(previous, event.event);
    if verdict == Verdict::Clear && previous == Verdict::Clear {
        return None;
    }
    // Whom a person has cleared is watched by evidence that bears no more.
    let is_watched = event.event == Event::Watch && verdict == Verdict::Watched;
    let is_borne = is_watched || (event.cause == Cause::Evidence && candidate.proposed >= verdict);
    // The end of a bar that its subscriber was told stands; at that end it begins anew, and is told anew.
    let is_begun = verdict != previous || (verdict.is_bar() && has_lapsed && is_borne);
    let is_renewed = is_begun || (is_borne && !verdict.is_bar());
    let case_id = before.as_ref().map(|before| before.case_id.clone()).unwrap_or_else(|| {
        *cases += 1;
        format!("C-{day}-{cases}")
    });
    let since = before.as_ref().filter(|_| !is_begun).map_or(day, |before| before.since);
    let until = match &before {
        Some(before) if !is_renewed => before.until,
        _ => day.plus(budget.rules.valid_days(verdict)),
    };
    // The network is told of that end beforehand: nobody may decide or export on the day from which a number is allowed.
    let until = match desk.allowed_from.get(&candidate.subject.number) {
        Some(from) if verdict.is_bar() => until.min(*from),
        _ => until,
    };
    let flagged_at = before.as_ref().and_then(|before| before.flagged_at);
    let flagged = before.and_then(|before| before.flagged).or_else(|| verdict.is_flag().then_some(day));
    Some(Decision { candidate, case_id, verdict, previous, cause: event.cause, since, until, flagged, flagged_at })
}

fn verdict_of(before: Option<&Decision>) -> Verdict {
    before.map_or(Verdict::Clear, |before| before.verdict)
}

/// Whether a bar was put off to this day, so that those of the day before could be looked at.
fn is_staged(before: Option<&Decision>) -> bool {
    before.is_some_and(|before| before.cause == Cause::Staged)
}

/// What stood of a candidate the day before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stood {
    verdict: Verdict,
    has_lapsed: bool,
    is_staged: bool,
}

/// What the rails let through of the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Railed {
    event: Event,
    cause: Cause,
}

#[cfg(test)]
pub(crate) mod tests;
