//! Numbers of a profile, one after the other, each from its first day to its aggregates.
//!
//! In: a seed and how many. Out: one row a number; the same seed gives the same rows. Never: holds the traffic of more
//! than one number's day; writes a record.

use super::aggregate::{Aggregate, COLUMNS, Direction};
use super::behaviour::{self, Curve};
use super::contact::Contacts;
use super::draw::{Rng, between, chance, gamma, log_normal, one, poisson, stream, weighted, whole_i32};
use super::party::{self, Party};
use super::population::{Draft, Population, SECOND_US, Sim};
use super::profile::{CUTS, DAYS, FIRST_DAY, KINDS, Kind, NOTICE_DAY_SHAPE, NOTICE_DAYS, Notices};
use super::register::Register;
use super::traffic::{Call, Sender, Text, Today, micros};
use crate::domain::day::Day;

/// Where the streams of draws for the numbers begin.
const NUMBERS: u64 = 1 << 36;

/// The number itself: a sample's numbers do not know one another.
const OWN: usize = 0;

/// Shops, couriers and hotlines that a number has to do with.
const SHOPS: u32 = 120;

/// The numbers of the profile `sichuan`, as an iterator of their rows.
#[derive(Debug)]
pub struct Sample {
    seed: u64,
    next: u32,
    numbers: u32,
    register: Register,
}

/// One number of a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its place in the sample, from 1 on.
    pub id: u32,
    /// In the order of `COLUMNS`; none where the number did nothing that tells it.
    pub values: [Option<f64>; COLUMNS.len()],
    /// Whether it is used for fraud.
    pub is_fraud: bool,
}

/// One number's life under way.
struct Subject {
    population: Population,
    /// Whether the rows hold no incoming call of it.
    is_one_way: bool,
    /// After how many seconds its calls are cut.
    cut_s: i32,
    firms: Firms,
    aggregate: Aggregate,
}

/// What firms write to one number.
struct Firms {
    law: &'static Notices,
    a_day: f64,
    theta: f64,
    discount: f64,
    senders: Contacts,
    hours: [f64; 24],
}

impl Sample {
    /// So many numbers, each drawn from a stream of its own.
    pub fn new(seed: u64, numbers: u32) -> Self {
        Self { seed, next: 0, numbers, register: Register::new(numbers) }
    }
}

impl Iterator for Sample {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        if self.next == self.numbers {
            return None;
        }
        self.next += 1;
        let mut rng = stream(self.seed, NUMBERS + u64::from(self.next));
        let kind = &KINDS[weighted(&mut rng, &KINDS.each_ref().map(|kind| kind.share))];
        let mut subject = Subject::new(kind, &mut self.register, &mut rng);
        for day in 0..DAYS {
            subject.live(day, &mut rng);
        }
        let is_fraud = kind.class.archetype().is_some();
        Some(Row { id: self.next, values: subject.aggregate.values(), is_fraud })
    }
}

impl Subject {
    fn new(kind: &'static Kind, register: &mut Register, rng: &mut Rng) -> Self {
        let (starts, ends) = kind.life.draw(rng);
        let mut habit = behaviour::draw(&kind.law, rng);
        if let Some(calls) = kind.calls {
            habit.rate = log_normal(rng, calls) / f64::from(ends - starts);
        }
        let (before, after) = kind.notices.around;
        let draft = Draft { number: 0, class: kind.class, starts, ends, idle_days: gamma(rng, 1.0, before) };
        let mut sim = Sim::with_habit(&habit, &draft, first_day(), (register, rng));
        sim.deactivated_at = Some(first_day().plus(ends + whole_i32(gamma(rng, 1.0, after))).ends_at());
        let mut population = Population { sims: vec![sim], base: 1, ..Population::default() };
        for index in 0..SHOPS {
            population.outside.push(party::mobile(rng));
            population.outside_by_size.push(index, 1.0 / f64::from(index + 5));
        }
        Self {
            population,
            is_one_way: chance(rng, kind.one_way),
            cut_s: CUTS[weighted(rng, &CUTS.map(|(_, weight)| weight))].0,
            firms: Firms::new(&kind.notices, habit.rate / kind.law.rate.0, rng),
            aggregate: Aggregate::default(),
        }
    }

    fn live(&mut self, day: i32, rng: &mut Rng) {
        let mut today = Today::new(&mut self.population, first_day(), day, rng);
        today.live(OWN);
        let (calls, texts) = today.end();
        for call in &calls {
            self.hear(call, rng);
        }
        for text in &texts {
            self.read(text);
        }
        let sim = &self.population.sims[OWN];
        for (sender, at) in self.firms.write(first_day().plus(day), &sim.habit.hours, rng) {
            if sim.is_open(at) {
                self.aggregate.message(Direction::Received, sender, at);
            }
        }
    }

    /// Counts a call that was answered, be it by whom it was sent on to.
    fn hear(&mut self, call: &Call, rng: &mut Rng) {
        let own = Party::sim(OWN);
        let imei = *one(rng, &self.population.sims[OWN].imeis);
        let heard = match &call.forward {
            Some(forward) if forward.talk_s > 0 => Some((Direction::Forwarded, forward.to, forward.talk_s)),
            _ if !call.is_answered => None,
            _ if call.caller == own => Some((Direction::Made, call.callee, call.talk_s)),
            _ => Some((Direction::Received, call.caller, call.talk_s)),
        };
        let heard = heard.filter(|(direction, ..)| *direction == Direction::Made || !self.is_one_way);
        if let Some((direction, other, talk_s)) = heard {
            let at = call.at + i64::from(call.ring_s) * SECOND_US;
            self.aggregate.call(direction, other, at, talk_s.min(self.cut_s).unsigned_abs(), imei);
        }
    }

    fn read(&mut self, text: &Text) {
        let Sender::Party(sender) = text.sender else { return };
        let (direction, other) =
            if sender == Party::sim(OWN) { (Direction::Made, text.recipient) } else { (Direction::Received, sender) };
        self.aggregate.message(direction, other, text.at);
    }
}

impl Firms {
    /// `busy` is how many times as much as its kind's median the number calls.
    fn new(law: &'static Notices, busy: f64, rng: &mut Rng) -> Self {
        Self {
            law,
            a_day: log_normal(rng, law.a_day) * busy.powf(law.with_calls),
            theta: log_normal(rng, law.theta),
            discount: behaviour::discount(rng, law.discount),
            senders: Contacts::default(),
            hours: behaviour::hours(Curve::Notice, between(rng, (0.5, 1.3)), rng),
        }
    }

    /// Who writes on a day, and when; `own_hours` are the owner's.
    fn write(&mut self, day: Day, own_hours: &[f64; 24], rng: &mut Rng) -> Vec<(Party, i64)> {
        let (days, factor) = NOTICE_DAYS;
        let factor = if days.contains(&day.of_month()) { factor } else { 1.0 };
        let mut at = None;
        let spread = gamma(rng, NOTICE_DAY_SHAPE, 1.0);
        let count = poisson(rng, self.a_day * factor * spread);
        let mut written = Vec::new();
        for _ in 0..count {
            let is_asked_for = chance(rng, self.law.asked_for);
            let moment = match at {
                Some(before) if chance(rng, self.law.follows) => before,
                _ => {
                    let hours = if is_asked_for { own_hours } else { &self.hours };
                    day.starts_at() + micros(behaviour::hour(hours, rng) * 3_600.0)
                }
            };
            at = Some(moment);
            written.push((self.sender(rng), moment));
        }
        written
    }

    fn sender(&mut self, rng: &mut Rng) -> Party {
        let is_new = self.senders.wants_new(rng, self.theta, self.discount);
        let old = if is_new { None } else { self.senders.again(rng, 0.0, self.discount) };
        match old {
            Some(contact) => contact.party,
            None => {
                let sender = party::landline(rng);
                self.senders.meet(sender, false);
                sender
            }
        }
    }
}

fn first_day() -> Day {
    Day::from_epoch_days(FIRST_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn value(row: &Row, column: &str) -> Option<f64> {
        row.values[COLUMNS.iter().position(|name| *name == column).unwrap()]
    }

    fn median(rows: &[Row], is_fraud: bool, column: &str) -> f64 {
        let of = rows.iter().filter(|row| row.is_fraud == is_fraud);
        let mut values: Vec<f64> = of.filter_map(|row| value(row, column)).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }

    #[test]
    fn the_same_seed_gives_the_same_rows() {
        let rows = |seed, numbers| Sample::new(seed, numbers).collect::<Vec<_>>();
        let (few, more) = (rows(5, 40), rows(5, 60));
        assert_eq!(rows(5, 40), few);
        assert_eq!(more[..40], few[..], "a number depends on how many come after it");
        assert_ne!(rows(6, 40), few);
    }

    /// Bounds are the quartiles of the real rows, ACCURACY 5.3.
    #[test]
    fn medians_lie_within_the_quartiles_of_real_rows() {
        let rows: Vec<Row> = Sample::new(5, 600).collect();
        for (column, normal, fraud) in [
            ("opposite_count", (168.0, 1_068.0), (93.0, 630.0)),
            ("opposite_unique", (28.0, 135.0), (59.0, 302.0)),
            ("voc_calltype1", (0.41, 0.673), (0.784, 1.0)),
            ("phone2opposite_mean", (3.89, 10.8), (1.05, 2.2)),
            ("voc_day_nunique", (30.0, 31.0), (3.0, 28.0)),
            ("voc_hour_nunique", (16.0, 20.0), (9.0, 16.0)),
            ("call_dur_mean", (55.9, 112.0), (57.0, 145.0)),
            ("sms_count", (562.0, 1_598.0), (67.0, 697.0)),
            ("day_nunique", (30.0, 31.0), (6.0, 30.0)),
        ] {
            for (is_fraud, (least, most)) in [(false, normal), (true, fraud)] {
                let median = median(&rows, is_fraud, column);
                assert!((least..=most).contains(&median), "{column}: {median} is not in {least} to {most}");
            }
        }
    }

    #[test]
    fn a_number_lives_within_the_window() {
        let mut rng = stream(3, 0);
        for life in KINDS.iter().map(|kind| &kind.life) {
            for _ in 0..500 {
                let (starts, ends) = life.draw(&mut rng);
                assert!(0 <= starts && starts < ends && ends <= DAYS, "{life:?}: {starts} to {ends}");
            }
        }
    }

    #[test]
    fn one_third_of_the_numbers_is_fraud() {
        let shares = KINDS.each_ref().map(|kind| (kind.class.archetype().is_some(), kind.share));
        let fraud: f64 = shares.iter().filter(|(is_fraud, _)| *is_fraud).map(|(_, share)| share).sum();
        let all: f64 = shares.iter().map(|(_, share)| share).sum();
        assert!((all - 1.0).abs() < 1e-6 && (fraud / all - 0.322).abs() < 1e-3, "{fraud} of {all}");
    }
}
