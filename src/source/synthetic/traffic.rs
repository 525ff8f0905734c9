//! One day of calls and messages, as they happened.
//!
//! In: the population, a day and its stream of draws. Out: calls and texts between parties, in order of
//! time; contacts made on the way stay with the SIMs. Never: asks for a SIM's class to decide what it
//! does (only, afterwards, whether that was spam); knows records or exchanges.

use super::BeyondOptions;
use super::advertising;
use super::behaviour::{self, Habit, tilted};
use super::draw::{Rng, between, chance, gamma, log_logistic, log_normal, poisson, whole, whole_i32};
use super::party::{Kind, Party};
use super::population::{DAY_US, Population, SECOND_US};
use crate::domain::day::Day;

/// Most calls that one SIM can make in a day.
const MOST_CALLS: u32 = 900;

/// Longest conversation, seconds.
const LONGEST_TALK_S: f64 = 14_400.0;

/// Probability that a contact answers a contact.
const ANSWERED_KNOWN: f64 = 0.72;

/// Probability that a day is a feast, a funeral or a sale for one SIM, and the factor of its calls.
const FEAST: (f64, f64) = (0.001, 5.0);

/// Notifications of brands, per SIM and day.
const BRAND_TEXTS: f64 = 0.6;

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub(super) caller: Party,
    pub(super) callee: Party,
    /// Seizure, UTC microseconds.
    pub(super) at: i64,
    pub(super) ring_s: i32,
    pub(super) talk_s: i32,
    pub(super) is_answered: bool,
    /// Q.850 cause value.
    pub(super) cause: i32,
    /// Whether a spam SIM made it to somebody who is a target to it.
    pub(super) is_spam: bool,
    /// Whether the caller's number is false; without a trunk of its own the call comes from a `VoIP` one.
    pub(super) is_spoofed: bool,
    /// The trunk group that it comes in by, where the caller's number does not tell it.
    pub(super) trunk: Option<&'static str>,
    /// Where it went on to, unanswered.
    pub(super) forward: Option<Forward>,
}

/// The second leg of a forwarded call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Forward {
    pub(super) to: Party,
    pub(super) at: i64,
    pub(super) ring_s: i32,
    pub(super) talk_s: i32,
}

/// Who sends a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sender {
    Party(Party),
    Brand(u32),
}

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    pub(super) sender: Sender,
    pub(super) recipient: Party,
    pub(super) at: i64,
    pub(super) parts: i32,
    pub(super) is_spam: bool,
}

/// A day under way.
#[derive(Debug)]
pub(super) struct Today<'a> {
    pub(super) population: &'a mut Population,
    pub(super) rng: &'a mut Rng,
    /// Counted from the first measured one.
    pub(super) day: i32,
    pub(super) begins_at: i64,
    is_weekend: bool,
    pub(super) calls: Vec<Call>,
    texts: Vec<Text>,
}

/// Somebody met: who, how well known, and who calls whom.
struct Meeting {
    party: Party,
    is_known: bool,
    is_outgoing: bool,
    is_target: bool,
}

/// All calls and messages of the base on a day; `day` counts from the first measured one, which is `first_day`.
pub(super) fn of_day(population: &mut Population, first_day: Day, day: i32, rng: &mut Rng) -> (Vec<Call>, Vec<Text>) {
    let mut today = Today::new(population, first_day, day, rng);
    for index in 0..today.population.base {
        today.live(index);
    }
    today.notify();
    today.spoof();
    today.end()
}

/// What comes beyond the base on that day, from draws of its own.
pub(super) fn beyond(
    population: &mut Population,
    (first_day, day): (Day, i32),
    options: &BeyondOptions,
    rng: &mut Rng,
) -> (Vec<Call>, Vec<Text>) {
    let mut today = Today::new(population, first_day, day, rng);
    for index in today.population.base..today.population.beside {
        today.live(index);
    }
    today.come_from_abroad(options);
    today.celebrate(options);
    today.end()
}

/// What comes beside both on that day, from draws of its own again.
pub(super) fn beside(population: &mut Population, first_day: Day, day: i32, rng: &mut Rng) -> (Vec<Call>, Vec<Text>) {
    let mut today = Today::new(population, first_day, day, rng);
    for index in today.population.beside..today.population.sims.len() {
        today.live(index);
    }
    today.end()
}

impl<'a> Today<'a> {
    pub(super) fn new(population: &'a mut Population, first_day: Day, day: i32, rng: &'a mut Rng) -> Self {
        let date = first_day.plus(day);
        let (begins_at, is_weekend) = (date.starts_at(), date.is_weekend());
        Self { population, rng, day, begins_at, is_weekend, calls: Vec::new(), texts: Vec::new() }
    }

    pub(super) fn end(self) -> (Vec<Call>, Vec<Text>) {
        let Self { mut calls, mut texts, .. } = self;
        calls.sort_by_key(|call| (call.at, call.caller, call.callee));
        texts.sort_by_key(|text| (text.at, text.sender, text.recipient));
        (calls, texts)
    }
}

impl Today<'_> {
    /// One SIM's day.
    pub(super) fn live(&mut self, index: usize) {
        if !self.is_used(index) {
            return;
        }
        let habit = self.population.sims[index].habit;
        let factor = if self.is_weekend { habit.weekend } else { 1.0 };
        for _ in 0..poisson(self.rng, habit.texts * factor) {
            self.text(index, &habit);
        }
        if !chance(self.rng, habit.active) {
            return;
        }
        let feast = if chance(self.rng, FEAST.0) { FEAST.1 } else { 1.0 };
        let mean = habit.rate * factor * feast * gamma(self.rng, habit.day_shape, 1.0);
        let calls = poisson(self.rng, mean).min(MOST_CALLS);
        self.schedule(index, &habit, calls);
    }

    /// Lays calls out over the day: some start afresh at an hour of the SIM's curve, the others follow one.
    fn schedule(&mut self, index: usize, habit: &Habit, calls: u32) {
        let mut fresh = Vec::new();
        let mut follows = Vec::new();
        for call in 0..calls {
            let is_following = call > 0 && chance(self.rng, habit.train);
            follows.push(is_following);
            if !is_following {
                fresh.push(self.moment(habit));
            }
        }
        fresh.sort_unstable();
        let mut fresh = fresh.into_iter();
        let mut free_at = self.begins_at;
        for is_following in follows {
            let pause_s = if is_following { gamma(self.rng, habit.gap_shape, habit.gap_s) } else { 2.0 };
            let earliest = free_at + micros(pause_s);
            let at = if is_following { earliest } else { fresh.next().unwrap_or(earliest).max(earliest) };
            if at >= self.begins_at + DAY_US {
                break;
            }
            free_at = self.call(index, habit, at);
        }
    }

    /// One call that a SIM makes or gets; returns when it is over.
    fn call(&mut self, index: usize, habit: &Habit, at: i64) -> i64 {
        let meeting = self.meet(index, habit, at);
        let own = Party::sim(index);
        let (caller, callee) = if meeting.is_outgoing { (own, meeting.party) } else { (meeting.party, own) };
        let is_absent = caller.as_sim().is_some_and(|sim| !self.is_used(sim) || !self.population.sims[sim].is_open(at));
        if is_absent || caller == callee || (meeting.is_outgoing && self.is_let_be(index, callee, at)) {
            return at;
        }
        if meeting.is_outgoing && !meeting.is_known {
            self.population.sims[index].last_dialled = Some(callee);
        }
        let mut call = self.place(caller, callee, meeting.is_known, at);
        let is_unwanted = self.population.sims[index].class.is_unwanted();
        call.is_spam = is_unwanted && meeting.is_outgoing && meeting.is_target;
        let ends_at = call.ends_at();
        self.call_back(&call, meeting.is_known);
        self.calls.push(call);
        ends_at
    }

    /// Whether a SIM that heeds the rules for advertising lets a call be.
    fn is_let_be(&mut self, index: usize, callee: Party, at: i64) -> bool {
        let heed = self.population.sims[index].heed;
        if heed <= 0.0 {
            return false;
        }
        let Some(number) = self.population.number(callee) else { return false };
        let before = self.population.advertised.get(&(index, number)).copied();
        let is_forbidden = advertising::broken(&self.population.do_not_call, number, at, before).next().is_some();
        let is_let_be = is_forbidden && chance(self.rng, heed);
        if !is_let_be {
            self.population.advertised.insert((index, number), at);
        }
        is_let_be
    }

    /// With whom: a stranger, a new contact, or one of old.
    fn meet(&mut self, index: usize, habit: &Habit, at: i64) -> Meeting {
        if chance(self.rng, habit.stranger) {
            let wants_out = chance(self.rng, habit.stranger_lead);
            let party = self.population.stranger(index, wants_out, at, self.rng);
            if chance(self.rng, habit.keep) && can_call(party) {
                self.population.sims[index].contacts.meet(party, true);
            }
            return Meeting { party, is_known: false, is_outgoing: wants_out, is_target: true };
        }
        let sim = &mut self.population.sims[index];
        let is_new = sim.contacts.wants_new(self.rng, habit.theta, habit.discount);
        let contact = if is_new { None } else { sim.contacts.again(self.rng, habit.favourite, habit.discount) };
        let (party, is_target) = match contact {
            Some(contact) => (contact.party, contact.is_target),
            None => {
                let party = self.population.acquaintance(index, at, self.rng);
                (party, !self.population.befriend(index, party, self.rng))
            }
        };
        let is_outgoing = !can_call(party) || (is_target && habit.mutual < 0.5) || chance(self.rng, habit.lead);
        Meeting { party, is_known: !is_target, is_outgoing, is_target }
    }

    /// Rings, and is answered or not.
    pub(super) fn place(&mut self, caller: Party, callee: Party, is_known: bool, at: i64) -> Call {
        let reached = match callee.as_sim() {
            Some(index) => self.population.holder(index, at).map(Party::sim),
            // Some numbers that strangers dial do not exist.
            None => (is_known || !chance(self.rng, 0.03)).then_some(callee),
        };
        let mut call = Call {
            caller,
            callee: reached.unwrap_or(callee),
            at,
            ring_s: 0,
            talk_s: 0,
            is_answered: false,
            cause: 1,
            is_spam: false,
            is_spoofed: false,
            trunk: None,
            forward: None,
        };
        if reached.is_none() {
            return call;
        }
        let habit = caller.as_sim().or(callee.as_sim()).map(|index| &self.population.sims[index].habit);
        let Some(habit) = habit else { return call };
        let asked = if is_known { ANSWERED_KNOWN } else { caller.as_sim().map_or(0.45, |_| habit.answered) };
        let readiness = call.callee.as_sim().map(|index| self.population.sims[index].readiness);
        let answered = match call.callee.kind() {
            Kind::Special(_) => 0.97,
            _ => tilted(asked, readiness.unwrap_or(0.0)),
        };
        let patience = if caller.as_sim().is_some() { habit.patience_s } else { 25.0 };
        let (talk_s, talk_shape) = (habit.talk_s, habit.talk_shape);
        self.ring(&mut call, answered, patience);
        if call.is_answered {
            let warmth = if is_known { 1.1 } else { 1.0 };
            let talk_s = log_logistic(self.rng, talk_s * warmth, talk_shape);
            call.talk_s = whole_i32(talk_s.clamp(1.0, LONGEST_TALK_S));
        } else {
            call.forward = self.forward(&call);
        }
        call
    }

    fn ring(&mut self, call: &mut Call, answered: f64, patience_s: f64) {
        let patience_s = patience_s * between(self.rng, (0.7, 1.3));
        call.is_answered = chance(self.rng, answered);
        let (ring_s, cause) = if call.is_answered {
            (between(self.rng, (3.0, 20.0)).min(patience_s), 16)
        } else {
            match between(self.rng, (0.0, 1.0)) {
                roll if roll < 0.10 => (0.0, 17),
                roll if roll < 0.24 => (between(self.rng, (0.0, 3.0)), 20),
                roll if roll < 0.36 => (between(self.rng, (2.0, 12.0)).min(patience_s), 21),
                roll if roll < 0.60 => (patience_s, 19),
                _ => (between(self.rng, (4.0, 40.0)).min(patience_s), 16),
            }
        };
        (call.ring_s, call.cause) = (whole_i32(ring_s), cause);
    }

    /// Sends an unanswered call on to the favourite contact of those who have set it so.
    fn forward(&mut self, call: &Call) -> Option<Forward> {
        let sim = &self.population.sims[call.callee.as_sim()?];
        let to = sim.contacts.favourite().filter(|_| sim.is_forwarding && matches!(call.cause, 17 | 19 | 20))?;
        let at = call.at + i64::from(call.ring_s) * SECOND_US;
        let to = match to.as_sim() {
            Some(index) => Party::sim(self.population.holder(index, at)?),
            None => to,
        };
        if to == call.caller || to == call.callee || !can_call(to) {
            return None;
        }
        let is_answered = chance(self.rng, 0.65);
        let talk_s = if is_answered { log_logistic(self.rng, 40.0, 1.5).clamp(1.0, LONGEST_TALK_S) } else { 0.0 };
        Some(Forward { to, at, ring_s: whole_i32(between(self.rng, (3.0, 20.0))), talk_s: whole_i32(talk_s) })
    }

    /// The called party calls back, minutes or hours later on the same day.
    pub(super) fn call_back(&mut self, call: &Call, is_known: bool) {
        let willing = match (is_known, call.caller.as_sim(), call.is_answered) {
            (true, _, true) => 0.03,
            (true, _, false) => 0.3,
            (false, Some(index), true) => 0.6 * self.population.sims[index].habit.call_back,
            (false, Some(index), false) => 1.2 * self.population.sims[index].habit.call_back,
            (false, None, _) => 0.08,
        };
        if call.cause == 1 || !can_call(call.callee) || !can_call(call.caller) || !chance(self.rng, willing) {
            return;
        }
        let at = call.ends_at() + micros(log_normal(self.rng, (480.0, 1.2)));
        if at < self.begins_at + DAY_US {
            let back = self.place(call.callee, call.caller, true, at);
            self.calls.push(back);
        }
    }

    /// One message of a SIM, to or from it.
    fn text(&mut self, index: usize, habit: &Habit) {
        let at = self.moment(habit);
        let is_stranger = chance(self.rng, habit.text_strangers);
        let (party, is_outgoing) = if is_stranger {
            (self.population.stranger(index, true, at, self.rng), true)
        } else {
            let sim = &mut self.population.sims[index];
            match sim.contacts.again(self.rng, habit.favourite, habit.discount) {
                Some(contact) => (contact.party, contact.is_target || chance(self.rng, habit.lead)),
                None => return,
            }
        };
        if !matches!(party.kind(), Kind::Sim(_) | Kind::Mobile) {
            return;
        }
        let own = Party::sim(index);
        let (sender, recipient) = if is_outgoing { (own, party) } else { (party, own) };
        let is_open = |party: Party| party.as_sim().is_none_or(|sim| self.population.sims[sim].is_open(at));
        if sender == recipient || !is_open(sender) || !is_open(recipient) {
            return;
        }
        let sim = &self.population.sims[index];
        let is_spam = is_stranger && sim.class.is_unwanted();
        let parts = 1 + i32::from(chance(self.rng, sim.habit.long_texts));
        self.texts.push(Text { sender: Sender::Party(sender), recipient, at, parts, is_spam });
    }

    /// What brands send to everybody.
    fn notify(&mut self) {
        let brands = u32::try_from(self.population.brands.len()).unwrap_or(0);
        if brands == 0 {
            return;
        }
        for _ in 0..poisson(self.rng, self.population.everybody() * BRAND_TEXTS) {
            let recipient = self.population.any_sim(self.rng);
            let at = self.begins_at + micros(between(self.rng, (7.0, 21.0)) * 3_600.0);
            let brand = u32::try_from(whole(between(self.rng, (0.0, 1.0)).powi(2) * f64::from(brands))).unwrap_or(0);
            if recipient.as_sim().is_some_and(|sim| self.population.sims[sim].is_open(at)) {
                let parts = 1 + i32::from(chance(self.rng, 0.3));
                self.texts.push(Text { sender: Sender::Brand(brand), recipient, at, parts, is_spam: false });
            }
        }
    }

    fn moment(&mut self, habit: &Habit) -> i64 {
        self.begins_at + micros(behaviour::hour(&habit.hours, self.rng) * 3_600.0).min(DAY_US - 1)
    }

    pub(super) fn is_used(&self, index: usize) -> bool {
        let sim = &self.population.sims[index];
        (sim.starts..sim.ends).contains(&self.day)
    }
}

impl Call {
    /// Whether no SIM of ours made it, whatever it shows: it comes in by a trunk.
    pub(super) fn is_from_outside(&self) -> bool {
        self.is_spoofed || self.trunk.is_some()
    }

    /// When the line is free again.
    pub(super) fn ends_at(&self) -> i64 {
        self.at + i64::from(self.ring_s + self.talk_s) * SECOND_US
    }
}

/// Whether a party is a line that makes calls and can be called back.
fn can_call(party: Party) -> bool {
    !matches!(party.kind(), Kind::Special(_) | Kind::Hidden)
}

pub(super) fn micros(seconds: f64) -> i64 {
    whole(seconds * 1e6)
}
