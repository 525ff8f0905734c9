//! What stands between evidence and a verdict: protection, what people have said, two origins, the operator's own locks,
//! the day's budget.
//!
//! In: a candidate, what stands of it, what was said of it, and the rules. Out: the event for the state machine, with its cause.
//! Never: lets a rail be outvoted by evidence.

use std::collections::{BTreeMap, BTreeSet};

use super::desk::Heard;
use super::transition::Event;
use super::{Candidate, Cause, Input, Railed, Stood};
use crate::domain::case::Word;
use crate::domain::verdict::Verdict;

/// The numbers of `pipelines/decide/decision.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Independent origins that a bar needs.
    pub origins_required: i64,
    /// New bars a day, those that grow or begin anew among them, by segment; one that is missing has no budget.
    pub daily_budget: BTreeMap<String, i64>,
    /// Share of a day's new bars of a segment that is made at once; the others are made the day after.
    pub canary_share: f64,
    /// Share of the bars of `stop_days` that may be overturned before nobody new is barred.
    pub stop_overturned_share: f64,
    /// Fewer overturned bars stop nothing.
    pub stop_min: i64,
    /// Days whose bars are counted for it.
    pub stop_days: i32,
    /// Confirming reviews that a new or stronger bar needs.
    pub reviews_required: i64,
    /// Days after which nothing counts any more that a number did, or people said of it, before a person's word.
    pub fresh_after_days: i32,
    /// Days after which no purchase from before a person's word is found any more.
    pub fresh_papers_after_days: i32,
    /// Days that a verdict holds unless renewed: watched, survey, limited, blocked.
    pub watched_days: i32,
    /// See `watched_days`.
    pub survey_days: i32,
    /// See `watched_days`.
    pub limited_days: i32,
    /// See `watched_days`.
    pub blocked_days: i32,
}

impl Rules {
    /// Days that a verdict holds unless renewed.
    pub fn valid_days(&self, verdict: Verdict) -> i32 {
        match verdict {
            Verdict::Clear => 0,
            Verdict::Watched | Verdict::Released => self.watched_days,
            Verdict::Survey => self.survey_days,
            Verdict::Limited => self.limited_days,
            Verdict::Blocked => self.blocked_days,
        }
    }
}

/// New bars that are left of a day, by segment; none while its input is open, or where it stands still.
#[derive(Debug)]
pub(super) struct Budget<'a> {
    pub(super) rules: &'a Rules,
    input: Input,
    stopped: &'a BTreeSet<String>,
    spent: BTreeMap<String, i64>,
    /// Bars that are due for the first time, and how many of them are made and put off.
    due: BTreeMap<String, u32>,
    first: BTreeMap<String, (u32, u32)>,
}

impl<'a> Budget<'a> {
    pub(super) fn new(rules: &'a Rules, input: Input, stopped: &'a BTreeSet<String>) -> Self {
        let (due, first) = (BTreeMap::new(), BTreeMap::new());
        Self { rules, input, stopped, spent: BTreeMap::new(), due, first }
    }

    /// A bar will be due for the first time: the canary share is one of all of these.
    pub(super) fn expect(&mut self, segment: &str) {
        *self.due.entry(segment.to_owned()).or_default() += 1;
    }

    /// Takes a new bar out of the budget, or says why it has to wait: where it can, also for the day's first to be seen.
    fn take(&mut self, segment: &str, can_wait: bool) -> Result<(), Cause> {
        if self.stopped.contains(segment) {
            return Err(Cause::Stopped);
        }
        let budget = self.rules.daily_budget.get(segment).copied().filter(|budget| *budget > 0);
        // No other day lets such a bar through: who waits for tomorrow's budget would wait for ever.
        let budget = budget.ok_or(Cause::NoBudget)?;
        let spent = self.spent.entry(segment.to_owned()).or_default();
        if *spent >= budget {
            return Err(Cause::BudgetSpent);
        }
        if can_wait {
            // What the budget would not let through is no new bar of the day.
            let due = self.due.get(segment).copied().unwrap_or_default();
            let due = due.min(u32::try_from(budget).unwrap_or(u32::MAX));
            let (first, put_off) = self.first.entry(segment.to_owned()).or_default();
            if f64::from(*first) >= self.rules.canary_share * f64::from(due) {
                if *first + *put_off >= due {
                    return Err(Cause::BudgetSpent);
                }
                *put_off += 1;
                return Err(Cause::Staged);
            }
            *first += 1;
        }
        *spent += 1;
        Ok(())
    }
}

/// The event that the rails let through.
pub(super) fn event(candidate: &Candidate, stood: Stood, heard: Heard, budget: &mut Budget<'_>) -> Railed {
    let Stood { verdict: standing, has_lapsed, is_staged } = stood;
    // What protects the number by now may be the next owner's, who must not be told of the last one's bar.
    if !candidate.is_current {
        return Railed { event: Event::Lapse, cause: Cause::SubscriptionEnded };
    }
    if candidate.is_allow_listed {
        return Railed { event: Event::Protect, cause: Cause::AllowListed };
    }
    if candidate.is_special {
        return Railed { event: Event::Protect, cause: Cause::SpecialNumber };
    }
    if let Some(word) = heard.cleared {
        return cleared(word, candidate, standing, has_lapsed);
    }
    let proposed = candidate.proposed;
    // What weakens is no answer, but a denial is: a bar that people's word bore does not outlive it.
    if candidate.is_denied && standing.is_bar() && !proposed.is_bar() {
        return Railed { event: Event::Lapse, cause: Cause::Denied };
    }
    // At its end a bar is no bar any more: what holds up a new one does not let it begin anew.
    let is_at_end = has_lapsed && standing.is_bar();
    let stands = if is_at_end { Verdict::Clear } else { standing };
    if let Some(cause) = hindrance(candidate, stands, heard, budget) {
        return held(has_lapsed, standing, Event::Ask, cause);
    }
    // A bar that stands as it is takes no second place. One that grows, or begins anew at its end, does: it is worse for
    // whom it bars than what was told. It is not staged: those who stand barred were looked at on their own first day,
    // and nobody is let go for a day to be barred again.
    let is_anew = is_at_end && proposed >= standing;
    let is_new_bar = is_anew || (proposed.is_bar() && (!standing.is_bar() || proposed > standing));
    if is_new_bar && let Err(cause) = budget.take(&candidate.segment, !is_staged && !standing.is_bar()) {
        return held(has_lapsed, standing, Event::Ask, cause);
    }
    match proposed {
        Verdict::Clear | Verdict::Released => held(has_lapsed, standing, Event::Quiet, Cause::NoNewEvidence),
        Verdict::Watched => held(has_lapsed, standing, Event::Watch, cause(Verdict::Watched, standing)),
        Verdict::Survey => held(has_lapsed, standing, Event::Ask, cause(Verdict::Survey, standing)),
        Verdict::Limited => held(has_lapsed, standing, Event::Limit, cause(Verdict::Limited, standing)),
        Verdict::Blocked => Railed { event: Event::Block, cause: Cause::Evidence },
    }
}

/// Whether nothing but the day's budget stands between a candidate and a new bar.
pub(super) fn is_due(candidate: &Candidate, standing: Verdict, heard: Heard, budget: &Budget<'_>) -> bool {
    let is_new_bar = candidate.proposed.is_bar() && !standing.is_bar();
    let is_protected = candidate.is_allow_listed || candidate.is_special || !candidate.is_current;
    let is_cleared = heard.cleared.is_some();
    is_new_bar && !is_protected && !is_cleared && hindrance(candidate, standing, heard, budget).is_none()
}

/// What a person has ended stays ended, and is looked at while its evidence is.
fn cleared(word: Word, candidate: &Candidate, standing: Verdict, has_lapsed: bool) -> Railed {
    let cause = match word {
        Word::Dismissed => Cause::Dismissed,
        Word::Overturned => Cause::Overturned,
        Word::Confirmed | Word::Appealed | Word::Rejected | Word::Released => Cause::Released,
    };
    if standing.is_flag() {
        return Railed { event: Event::Lapse, cause };
    }
    let is_looked_at = candidate.proposed >= Verdict::Watched && standing != Verdict::Released;
    held(has_lapsed, standing, if is_looked_at { Event::Watch } else { Event::Quiet }, cause)
}

/// Why a bar that is due has to wait.
fn hindrance(candidate: &Candidate, standing: Verdict, heard: Heard, budget: &Budget<'_>) -> Option<Cause> {
    let proposed = candidate.proposed;
    if !proposed.is_bar() {
        return None;
    }
    // What a person has cleared is found for weeks in the same papers.
    let is_cleared_origin = heard.are_papers_cleared && candidate.is_found_by_papers();
    if candidate.origins - i64::from(is_cleared_origin) < budget.rules.origins_required {
        return Some(Cause::OneOrigin);
    }
    let grows = proposed > standing;
    // Whose line is locked already is not barred a second time, nor does that take anybody's place in the budget.
    if grows && candidate.lock_reason.is_some() {
        return Some(Cause::CarrierLocked);
    }
    if grows && budget.input == Input::Open {
        return Some(Cause::InputOpen);
    }
    if grows && heard.is_appealed {
        return Some(Cause::AppealOpen);
    }
    let is_reviewed = budget.rules.reviews_required == 0 || heard.is_confirmed;
    (grows && !is_reviewed).then_some(Cause::ReviewPending)
}

/// Weaker evidence than what stands is no new evidence for it.
fn cause(proposed: Verdict, standing: Verdict) -> Cause {
    if proposed >= standing { Cause::Evidence } else { Cause::NoNewEvidence }
}

/// A lapsed verdict ends unless the evidence bears it anew.
fn held(has_lapsed: bool, standing: Verdict, event: Event, cause: Cause) -> Railed {
    let bears = match event {
        Event::Quiet | Event::Lapse | Event::Protect => Verdict::Clear,
        Event::Watch => Verdict::Watched,
        Event::Ask => Verdict::Survey,
        Event::Limit => Verdict::Limited,
        Event::Block => Verdict::Blocked,
    };
    if has_lapsed && bears < standing {
        return Railed { event: Event::Lapse, cause: Cause::Expired };
    }
    Railed { event, cause }
}

#[cfg(test)]
mod tests;
