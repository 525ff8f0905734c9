//! A whole mobile operator, invented from a seed: its traffic as messages, and the truth behind it.
//!
//! In: options. Out: a history and measured days of messages as the network would deliver them, answers
//! to survey requests, reference tables, and for every subscription whether it was spam.
//! Never: reads a clock, a file or the machine's randomness; the same options give the same bytes.

mod behaviour;
mod campaign;
mod class;
mod company;
mod contact;
mod delivery;
mod draw;
mod encode;
mod encounter;
mod fault;
mod network;
mod party;
mod population;
mod reference;
mod register;
mod report;
mod survey;
mod traffic;

#[cfg(test)]
mod tests;

pub use party::{OPERATOR, PREFIXES};

use self::class::Archetype;
use self::delivery::Outbox;
use self::draw::{Rng, chance, stream};
use self::network::{Network, Switch};
use self::population::{Population, Sim, history_start};
use self::traffic::{Call, Text};
use crate::domain::day::Day;
use crate::schema::topic::Topic;
use crate::schema::wire::Subscriber;

/// JSON topics carry few messages: they get this many times the share of malformed ones, so that a
/// demonstration has some.
const MALFORMED_JSON: f64 = 25.0;

/// What kind of operator to invent. Shares are in [0, 1].
#[derive(Debug, Clone)]
pub struct Options {
    /// Everything follows from it.
    pub seed: u64,
    /// Subscriptions in all: those of the beginning and those activated later.
    pub subscribers: u32,
    /// First measured day.
    pub first_day: Day,
    /// Measured days.
    pub days: u32,
    /// Days of traffic before the first measured one.
    pub history_days: u32,
    /// Spam SIMs among the subscriptions, over history and measured days together.
    pub spam_share: f64,
    /// Couriers, call centres, new SIMs and others who look like spam and are not.
    pub hard_negative_share: f64,
    /// Spoilt copies, per message; 25 times as many on the JSON topics.
    pub malformed_share: f64,
    /// Messages that come a second time, byte for byte.
    pub resent_share: f64,
    /// Messages that come 1 to 20 hours late.
    pub late_share: f64,
    /// How people answer surveys.
    pub survey: SurveyOptions,
    /// How people report spam.
    pub report: ReportOptions,
}

/// How people answer surveys. Shares are in [0, 1].
#[derive(Debug, Clone)]
pub struct SurveyOptions {
    /// Requests that are answered.
    pub answer_share: f64,
    /// Answers "yes" when the subject really made a spam call to the respondent.
    pub yes_if_spam: f64,
    /// Answers "yes" when it did not.
    pub yes_if_not: f64,
}

/// How people report spam. Shares are in [0, 1].
#[derive(Debug, Clone)]
pub struct ReportOptions {
    /// Answered spam calls that are reported: at least this share of a SIM's,
    pub least_share: f64,
    /// and at most this one; log-uniform between them, one draw a SIM.
    pub most_share: f64,
    /// Reports that name another number by mistake.
    pub mistaken_share: f64,
    /// Reports that name an innocent subscriber on purpose.
    pub malicious_share: f64,
    /// Median time from the call to the report, seconds.
    pub delay_median_s: f64,
    /// Standard deviation of its logarithm.
    pub delay_sigma: f64,
}

/// The operator: its subscribers, its network, and where it has got to.
#[derive(Debug)]
pub struct Operator {
    options: Options,
    population: Population,
    network: Network,
    outbox: Outbox,
    /// The next day, counted from the first measured one.
    next: i32,
    reports: u64,
    /// Calls made, by SIM and then by measured day.
    calls: Vec<u32>,
    spammed: survey::Spammed,
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

/// What is true of one subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// Its number, E.164 digits; a recycled one occurs twice, with intervals apart.
    pub number: i64,
    /// Activation, UTC microseconds.
    pub activated_at: i64,
    /// End of the subscription, UTC microseconds; none while it lasts.
    pub deactivated_at: Option<i64>,
    /// light, heavy, talker, idle; spam; courier, driver, `call_centre`, clinic, school, `new_sim`.
    pub class: &'static str,
    /// Of a spam SIM: burst, blaster, `sms_and_call`, camouflaged, mixed, tiny or `one_ring`.
    pub archetype: Option<&'static str>,
    /// Spam SIMs of one number work together.
    pub campaign: Option<u32>,
    /// Whether it is used for spam.
    pub is_spam: bool,
    /// Whether it is one of the hard negatives.
    pub is_protected: bool,
    /// Whether the carrier has it on its allow-list.
    pub is_allow_listed: bool,
    /// Calls made on each measured day, answered or not; forwarded legs and false numbers not counted.
    pub calls_by_day: Vec<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            subscribers: 20_000,
            // 2025-01-06, a Monday.
            first_day: Day::from_epoch_days(20_094),
            days: 14,
            history_days: 28,
            spam_share: 0.005,
            hard_negative_share: 0.10,
            malformed_share: 2e-4,
            resent_share: 3e-3,
            late_share: 2e-3,
            survey: SurveyOptions::default(),
            report: ReportOptions::default(),
        }
    }
}

impl Default for SurveyOptions {
    fn default() -> Self {
        Self { answer_share: 0.10, yes_if_spam: 0.80, yes_if_not: 0.01 }
    }
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self {
            least_share: 1e-4,
            most_share: 5e-4,
            mistaken_share: 0.07,
            malicious_share: 0.002,
            delay_median_s: 3_600.0,
            delay_sigma: 2.0,
        }
    }
}

impl Operator {
    /// Draws the population; no traffic yet.
    pub fn new(options: Options) -> Self {
        let population = Population::new(&options);
        Self {
            network: Network::default(),
            outbox: Outbox::new(options.resent_share, options.late_share),
            next: -i32::try_from(options.history_days).unwrap_or(i32::MAX),
            reports: 0,
            calls: vec![0; population.sims.len() * options.days as usize],
            spammed: survey::Spammed::new(),
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
        let message = |sim| self.subscriber(sim, sim.activated_at, begins_at);
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
        let mut rng = stream(self.options.seed, 1_000_000 + u64::from(next.cast_unsigned()));
        let (calls, texts) = traffic::of_day(&mut self.population, first_day, next, &mut rng);
        self.remember(&calls, next);
        self.send_subscribers(day, &mut rng);
        self.send_records(&calls, &texts, &mut rng);
        self.send_reports(&calls, &texts, &mut rng);
        let is_last = self.next == days;
        let messages = self.outbox.deliver(if is_last { i64::MAX } else { day.ends_at() });
        Some(Traffic { day, is_history: next < 0, messages })
    }

    /// Answers to survey requests on a day, by those who answer, in order of time.
    pub fn answers(&mut self, requests: &[SurveyRequest], answered_on: Day) -> Vec<Message> {
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

    /// The truth of every subscription, in order of number and activation.
    pub fn truth(&self) -> Vec<Truth> {
        let days = self.options.days as usize;
        let truth = self.population.sims.iter().enumerate().map(|(index, sim)| Truth {
            number: sim.number,
            activated_at: sim.activated_at,
            deactivated_at: sim.deactivated_at,
            class: sim.class.name(),
            archetype: sim.class.archetype().map(Archetype::name),
            campaign: sim.campaign,
            is_spam: sim.class.archetype().is_some(),
            is_protected: sim.class.is_protected(),
            is_allow_listed: sim.is_allow_listed,
            calls_by_day: self.calls[index * days..(index + 1) * days].to_vec(),
        });
        let mut truth: Vec<Truth> = truth.collect();
        truth.sort_by_key(|truth| (truth.number, truth.activated_at));
        truth
    }

    /// The rows of the reference tables: table name, CSV with a header.
    pub fn reference(&self) -> Vec<(&'static str, String)> {
        reference::tables(&self.population, self.options.seed)
    }

    fn remember(&mut self, calls: &[Call], day: i32) {
        let days = self.options.days as usize;
        for call in calls.iter().filter(|call| !call.is_spoofed) {
            let Some(caller) = call.caller.as_sim() else { continue };
            if let Ok(day) = usize::try_from(day) {
                self.calls[caller * days + day] += 1;
            }
            if let (true, Some(callee)) = (call.is_spam, self.population.number(call.callee)) {
                self.spammed.insert((self.population.sims[caller].number, callee));
            }
        }
    }

    fn send_subscribers(&mut self, day: Day, rng: &mut Rng) {
        let today = day.starts_at()..day.ends_at();
        let mut changes = Vec::new();
        for sim in &self.population.sims {
            let instants = [Some(sim.activated_at), sim.deactivated_at];
            changes.extend(instants.into_iter().flatten().filter(|at| today.contains(at)).map(|at| (sim, at)));
        }
        let messages: Vec<Message> = changes.into_iter().map(|(sim, at)| self.subscriber(sim, at, at)).collect();
        for message in messages {
            self.send_json(message, rng);
        }
    }

    fn send_records(&mut self, calls: &[Call], texts: &[Text], rng: &mut Rng) {
        let mut switch = Switch {
            network: &mut self.network,
            population: &self.population,
            outbox: &mut self.outbox,
            rng,
            malformed_share: self.options.malformed_share,
        };
        calls.iter().for_each(|call| switch.call(call));
        texts.iter().for_each(|text| switch.text(text));
    }

    fn send_reports(&mut self, calls: &[Call], texts: &[Text], rng: &mut Rng) {
        for report in report::of_day(&self.population, (calls, texts), &self.options.report, rng) {
            self.reports += 1;
            let payload = encode::json(&report.wire(self.reports));
            let at = report.reported_at;
            self.send_json(Message { topic: Topic::CitizenReport, at, key: report.reporter, payload }, rng);
        }
    }

    fn send_json(&mut self, message: Message, rng: &mut Rng) {
        let Message { topic, at, key, payload } = message;
        if chance(rng, MALFORMED_JSON * self.options.malformed_share) {
            let spoilt = Message { topic, at, key, payload: fault::json(&payload, rng) };
            self.outbox.send(spoilt, rng);
        }
        self.outbox.send(Message { topic, at, key, payload }, rng);
    }

    /// A subscription's state as it became at `changed_at`, delivered at `at`.
    fn subscriber(&self, sim: &Sim, changed_at: i64, at: i64) -> Message {
        let record = Subscriber {
            number: sim.number.to_string().into(),
            activated_at: sim.activated_at,
            deactivated_at: sim.deactivated_at.filter(|end| *end <= changed_at),
            segment: sim.paper.segment.into(),
            identity_hash: sim.paper.identity.map(|id| register::identity_hash(self.options.seed, id).into()),
            key_epoch: sim.paper.identity.map(|_| 1),
            dealer: Some(register::dealer_name(sim.paper.dealer).into()),
            changed_at,
        };
        Message { topic: Topic::Subscriber, at, key: sim.number, payload: encode::json(&record) }
    }
}
