//! A whole mobile operator, invented from a seed: its traffic as messages, and the truth behind it.
//!
//! In: options. Out: a history and measured days of messages as the network would deliver them, answers
//! to survey requests, reference tables, and the truth of every subscription, trunk, advertising call and report.
//! Never: reads a clock, a file or the machine's randomness; the same options give the same bytes.

mod advertising;
mod aggregate;
mod behaviour;
mod beyond;
mod brigade;
mod campaign;
mod class;
mod company;
mod contact;
mod delivery;
mod draw;
mod encode;
mod encounter;
mod event;
mod fault;
mod law;
mod list;
mod lock;
mod mention;
mod network;
mod options;
mod order;
mod party;
mod population;
mod profile;
mod reference;
mod register;
mod report;
mod sample;
mod spoof;
mod survey;
mod traffic;
mod truth;
mod witness;

#[cfg(test)]
mod tests;

pub use advertising::Breach;
pub use aggregate::COLUMNS;
pub use options::{BeyondOptions, Options, ReportOptions, SurveyOptions};
pub use party::{OPERATOR, PREFIXES};
pub use sample::{Row, Sample};
pub use truth::{SPOOFED_NUMBER, Spoofed, TYPES, Truth};
pub use witness::Accusation;

use std::ops::Range;

use self::delivery::Outbox;
use self::draw::{Rng, chance, stream};
use self::network::{Network, Switch};
use self::population::{Population, Sim, history_start};
use self::report::Report;
use self::traffic::{Call, Text};
use crate::domain::day::Day;
use crate::schema::topic::Topic;
use crate::schema::wire::Subscriber;

/// JSON topics carry few messages: they get this many times the share of malformed ones, so that a
/// demonstration has some.
const MALFORMED_JSON: f64 = 25.0;

/// Where the streams of draws for days begin, desk by desk.
const DAYS: [u64; 3] = [1_000_000, 1 << 33, 1 << 34];

/// Where the streams of draws for brigades begin, day by day; the gang itself is drawn from the one before.
const BRIGADES: u64 = 1 << 35;

/// Where the streams of draws begin for what reports name besides, one a report, and for orders, one a day.
const MENTIONS: u64 = 1 << 36;
const ORDERS: u64 = 1 << 37;

/// Where the streams of draws begin for the lists of reports, one a report.
const LISTS: u64 = 1 << 38;

/// Where the streams of draws begin for the operator's own locks, one a day.
const LOCKS: u64 = 1 << 39;

/// The desks of the base, of what comes beyond it, and of what comes beside both.
const BASE: usize = 0;
const BEYOND: usize = 1;
const BESIDE: usize = 2;

/// Where the count of reports begins, desk by desk.
const REPORTS: [u64; 3] = [0, 50_000_000, 75_000_000];
const ORDER_REPORTS: u64 = 85_000_000;
const BRIGADE_REPORTS: u64 = 90_000_000;

/// The operator: its subscribers, its network, and where it has got to.
#[derive(Debug)]
pub struct Operator {
    options: Options,
    population: Population,
    desks: [Desk; 3],
    outbox: Outbox,
    /// The next day, counted from the first measured one.
    next: i32,
    /// Calls made, by SIM and then by measured day.
    calls: Vec<u32>,
    spammed: survey::Spammed,
    advertising: advertising::Watch,
    witness: witness::Witness,
    /// Reports by brigades.
    brigaded: u64,
    /// Orders about the do-not-call register.
    ordered: u64,
}

/// Where a part of the operator is written down, with counters of its own.
#[derive(Debug)]
struct Desk {
    sims: Range<usize>,
    network: Network,
    reports: u64,
}

/// One day's deliveries.
#[derive(Debug)]
pub struct Traffic {
    /// The day of the traffic; late messages of earlier days come with it.
    pub day: Day,
    /// Whether it lies before the first measured day.
    pub is_history: bool,
    /// In the order of delivery.
    pub messages: Vec<Message>,
}

/// One message as a broker would hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is about.
    pub topic: Topic,
    /// Delivery, UTC microseconds.
    pub at: i64,
    /// For partitioning: the caller, sender, reporter, respondent or subscriber; 0 when it has no number.
    pub key: i64,
    /// Avro in Confluent framing for calls and messages, JSON for the rest.
    pub payload: Vec<u8>,
}

/// A question to a called person: was this number's call spam?
#[derive(Debug, Clone)]
pub struct SurveyRequest {
    /// Its id.
    pub request_id: String,
    /// The number asked about, E.164 digits.
    pub subject: i64,
    /// The number asked, E.164 digits.
    pub respondent: i64,
}

impl Operator {
    /// Draws the population; no traffic yet.
    pub fn new(options: Options) -> Self {
        let population = Population::new(&options);
        let (base, beside, all) = (population.base, population.beside, population.sims.len());
        let desk = |desk, sims| Desk { sims, network: Network::of(desk), reports: REPORTS[desk] };
        Self {
            desks: [desk(BASE, 0..base), desk(BEYOND, base..beside), desk(BESIDE, beside..all)],
            outbox: Outbox::new(options.resent_share, options.late_share),
            next: -i32::try_from(options.history_days).unwrap_or(i32::MAX),
            calls: vec![0; population.sims.len() * options.days as usize],
            spammed: survey::Spammed::new(),
            advertising: advertising::Watch::default(),
            witness: witness::Witness::default(),
            brigaded: BRIGADE_REPORTS,
            ordered: ORDER_REPORTS,
            population,
            options,
        }
    }

    /// The subscriber records of all who are active when the history begins, oldest first.
    ///
    /// Later activations, and every deactivation, come with their day's traffic.
    pub fn subscribers(&self) -> Vec<Message> {
        let begins_at = history_start(&self.options).starts_at();
        let early = self.population.sims.iter().filter(|sim| sim.activated_at < begins_at);
        let message = |sim| self.subscriber(sim, None, sim.activated_at, begins_at);
        let mut messages: Vec<Message> = early.map(message).collect();
        messages.sort_by_key(|message| message.key);
        messages
    }

    /// The next day's messages in the order of their delivery: history first, then the measured days.
    ///
    /// The last day brings everything that is still under way.
    pub fn next_day(&mut self) -> Option<Traffic> {
        let days = i32::try_from(self.options.days).unwrap_or(i32::MAX);
        if self.next >= days {
            return None;
        }
        let (next, first_day) = (self.next, self.options.first_day);
        self.next += 1;
        let day = first_day.plus(next);
        let mut draws = DAYS.map(|days| stream(self.options.seed, days + u64::from(next.cast_unsigned())));
        let happened = traffic::of_day(&mut self.population, first_day, next, &mut draws[BASE]);
        self.write_down(BASE, next, &happened, &mut draws[BASE]);
        let beyond = &self.options.beyond;
        let happened = traffic::beyond(&mut self.population, (first_day, next), beyond, &mut draws[BEYOND]);
        self.write_down(BEYOND, next, &happened, &mut draws[BEYOND]);
        let happened = traffic::beside(&mut self.population, first_day, next, &mut draws[BESIDE]);
        self.write_down(BESIDE, next, &happened, &mut draws[BESIDE]);
        self.send_brigade(day, next);
        self.send_orders(day, next);
        self.send_locks(day, next);
        self.witness.settle(&self.population, day);
        self.advertising.judge(&self.population.do_not_call, day, next < 0);
        let is_last = self.next == days;
        let messages = self.outbox.deliver(if is_last { i64::MAX } else { day.ends_at() });
        Some(Traffic { day, is_history: next < 0, messages })
    }

    /// Answers to survey requests on a day, by those who answer, in order of time.
    pub fn answers(&self, requests: &[SurveyRequest], answered_on: Day) -> Vec<Message> {
        let given = (&self.options.survey, self.options.seed);
        let answers = requests.iter().filter_map(|request| {
            let answer = survey::answer(request, &self.spammed, given, answered_on)?;
            let payload = encode::json(&answer);
            Some(Message { topic: Topic::SurveyAnswer, at: answer.answered_at, key: request.respondent, payload })
        });
        let mut answers: Vec<Message> = answers.collect();
        answers.sort_by_key(|message| message.at);
        answers
    }

    /// The rows of the reference tables: table name, CSV with a header.
    pub fn reference(&self) -> Vec<(&'static str, String)> {
        reference::tables(&self.population)
    }

    /// Sends all that becomes known of a day.
    fn write_down(&mut self, desk: usize, next: i32, (calls, texts): &(Vec<Call>, Vec<Text>), rng: &mut Rng) {
        self.remember(calls, next);
        self.witness.see(calls, texts);
        self.send_subscribers(desk, self.options.first_day.plus(next), rng);
        self.send_records(desk, (calls, texts), rng);
        self.send_reports(desk, (calls, texts), rng);
    }

    fn remember(&mut self, calls: &[Call], day: i32) {
        let days = self.options.days as usize;
        for call in calls.iter().filter(|call| !call.is_from_outside()) {
            let Some(caller) = call.caller.as_sim() else { continue };
            if let Ok(day) = usize::try_from(day) {
                self.calls[caller * days + day] += 1;
            }
            let sim = &self.population.sims[caller];
            let Some(callee) = self.population.number(call.callee) else { continue };
            if call.is_spam {
                self.spammed.insert((sim.number, callee));
            }
            if sim.is_advertiser() {
                self.advertising.note(call.at, sim.number, callee);
            }
        }
    }

    fn send_subscribers(&mut self, desk: usize, day: Day, rng: &mut Rng) {
        let today = day.starts_at()..day.ends_at();
        let mut changes = Vec::new();
        for sim in &self.population.sims[self.desks[desk].sims.clone()] {
            let instants = [Some(sim.activated_at), sim.deactivated_at];
            changes.extend(instants.into_iter().flatten().filter(|at| today.contains(at)).map(|at| (sim, at)));
        }
        let messages: Vec<Message> = changes.into_iter().map(|(sim, at)| self.subscriber(sim, None, at, at)).collect();
        for message in messages {
            self.send_json(message, rng);
        }
    }

    fn send_records(&mut self, desk: usize, (calls, texts): (&[Call], &[Text]), rng: &mut Rng) {
        let mut switch = Switch {
            network: &mut self.desks[desk].network,
            population: &self.population,
            outbox: &mut self.outbox,
            rng,
            malformed_share: self.options.malformed_share,
        };
        calls.iter().for_each(|call| switch.call(call));
        texts.iter().for_each(|text| switch.text(text));
    }

    fn send_reports(&mut self, desk: usize, happened: (&[Call], &[Text]), rng: &mut Rng) {
        let (seed, named_share) = (self.options.seed, self.options.report.named_share);
        let list_share = self.options.report.list_share;
        for mut report in report::of_day(&self.population, happened, &self.options.report, rng) {
            self.desks[desk].reports += 1;
            let number = self.desks[desk].reports;
            list::add(&mut report, &self.population, happened, list_share, &mut stream(seed, LISTS + number));
            mention::add(&mut report, named_share, seed, &mut stream(seed, MENTIONS + number));
            self.send_report(number, &report, rng);
        }
    }

    fn send_brigade(&mut self, day: Day, next: i32) {
        let seed = self.options.seed;
        let (mut gang, mut rng) =
            (stream(seed, BRIGADES - 1), stream(seed, BRIGADES + u64::from(next.cast_unsigned())));
        for report in brigade::of_day(&self.population, &self.options.beyond, (day, &mut gang), &mut rng) {
            self.brigaded += 1;
            self.send_report(self.brigaded, &report, &mut rng);
        }
    }

    fn send_orders(&mut self, day: Day, next: i32) {
        let mut rng = stream(self.options.seed, ORDERS + u64::from(next.cast_unsigned()));
        for order in order::of_day(&self.population, &self.options.report, day, &mut rng) {
            self.ordered += 1;
            let report_id = format!("PA{:08}", self.ordered);
            let payload = encode::json(&order.wire(&report_id));
            let (topic, at, key) = (Topic::CitizenReport, order.at, order.subscriber);
            self.send_json(Message { topic, at, key, payload }, &mut rng);
        }
    }

    fn send_locks(&mut self, day: Day, next: i32) {
        let mut rng = stream(self.options.seed, LOCKS + u64::from(next.cast_unsigned()));
        let locks = lock::of_day(&self.population, self.options.lock_share, (day, next), &mut rng);
        let messages: Vec<Message> =
            locks.into_iter().map(|(sim, at, reason)| self.subscriber(sim, Some(reason), at, at)).collect();
        for message in messages {
            self.send_json(message, &mut rng);
        }
    }

    fn send_report(&mut self, number: u64, report: &Report, rng: &mut Rng) {
        let report_id = format!("PA{number:08}");
        let payload = encode::json(&report.wire(&report_id));
        let (at, key) = (report.reported_at, report.reporter);
        self.send_json(Message { topic: Topic::CitizenReport, at, key, payload }, rng);
        self.witness.hear(&report_id, report);
    }

    fn send_json(&mut self, message: Message, rng: &mut Rng) {
        let Message { topic, at, key, payload } = message;
        if chance(rng, MALFORMED_JSON * self.options.malformed_share) {
            let spoilt = Message { topic, at, key, payload: fault::json(&payload, rng) };
            self.outbox.send(spoilt, rng);
        }
        self.outbox.send(Message { topic, at, key, payload }, rng);
    }

    /// A subscription's state as it became at `changed_at`, delivered at `at`; a line that is closed has no lock.
    fn subscriber(&self, sim: &Sim, lock_reason: Option<&'static str>, changed_at: i64, at: i64) -> Message {
        let record = Subscriber {
            number: sim.number.to_string().into(),
            activated_at: sim.activated_at,
            deactivated_at: sim.deactivated_at.filter(|end| *end <= changed_at),
            segment: sim.paper.segment.into(),
            identity_hash: sim.paper.identity.map(|id| register::identity_hash(self.options.seed, id).into()),
            key_epoch: sim.paper.identity.map(|_| 1),
            dealer: Some(register::dealer_name(sim.paper.dealer).into()),
            changed_at,
            lock_reason: lock_reason.map(Into::into),
        };
        Message { topic: Topic::Subscriber, at, key: sim.number, payload: encode::json(&record) }
    }
}
