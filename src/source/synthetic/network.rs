//! Calls and messages as the network writes them down.
//!
//! In: one call or message. Out: the records of its legs at exchanges and gateways, to the outbox.
//! Never: shows a served party's cell, handset or IMSI in the other party's record; writes a record
//! of the caller's own for a call with a false number.

use std::collections::BTreeMap;

use super::Message;
use super::delivery::Outbox;
use super::draw::{Rng, between, chance, one, whole, whole_i32};
use super::encode;
use super::fault;
use super::party::{Kind, Party, SPECIALS};
use super::population::{Population, SECOND_US};
use super::register;
use super::traffic::{Call, Sender, Text};
use crate::domain::day::Day;
use crate::schema::topic::Topic;
use crate::schema::wire::{CallRecord, SmsRecord};

/// Seconds after which an exchange closes a record and opens the next part.
const PART_S: i32 = 1_800;

/// Exchanges; each counts its own call references.
const EXCHANGES: usize = 8;

/// A call reference has 16 bits, and comes round again.
const REFERENCES: u32 = 1 << 16;

/// Trunk groups: name, kind, operator or carrier behind it.
pub(super) const TRUNKS: [(&str, &str, &str); 12] = [
    ("NVNP01", "national", "VinaPhone"),
    ("NVNP02", "national", "VinaPhone"),
    ("NMBF01", "national", "MobiFone"),
    ("NMBF02", "national", "MobiFone"),
    ("NVNM01", "national", "Vietnamobile"),
    ("NGTL01", "national", "Gmobile"),
    ("NPSTN1", "national", "PSTN"),
    ("ISGP01", "international", "Carrier SG"),
    ("IHKG01", "international", "Carrier HK"),
    ("VSIP01", "voip", "SIP Wholesale 1"),
    ("VSIP02", "voip", "SIP Wholesale 2"),
    ("VSIP03", "voip", "SIP Wholesale 3"),
];

/// Where the count of records begins, of the base, of what comes beyond it, and of what comes beside both.
const RECORDS: [u64; 3] = [0, 1 << 36, 1 << 37];

/// Counters of the exchanges and message centres.
#[derive(Debug, Default)]
pub(super) struct Network {
    records: u64,
    references: [u32; EXCHANGES],
    messages: u32,
    /// Calls with a false number by day and trunk: the truth, which no record tells.
    pub(super) spoofed: BTreeMap<(Day, &'static str), u32>,
}

/// One leg of a call: what one exchange or gateway saw.
struct Leg<'a> {
    record_type: &'static str,
    /// Whose record it is; none at a gateway.
    served: Option<Party>,
    trunk: Option<&'static str>,
    caller: Party,
    callee: Party,
    reference: &'a str,
    at: i64,
    ring_s: i32,
    talk_s: i32,
    is_answered: bool,
    cause: i32,
}

/// What the network needs for one day.
#[derive(Debug)]
pub(super) struct Switch<'a> {
    pub(super) network: &'a mut Network,
    pub(super) population: &'a Population,
    pub(super) outbox: &'a mut Outbox,
    pub(super) rng: &'a mut Rng,
    /// Spoilt copies a message.
    pub(super) malformed_share: f64,
}

impl Switch<'_> {
    /// All records of a call.
    pub(super) fn call(&mut self, call: &Call) {
        let caller_sim = call.caller.as_sim().filter(|_| !call.is_from_outside());
        let exchange = self.exchange(caller_sim.map(Party::sim), call.caller);
        let reference = self.network.reference(exchange);
        let leg = Leg {
            record_type: "originating",
            served: Some(call.caller),
            trunk: None,
            caller: call.caller,
            callee: call.callee,
            reference: &reference,
            at: call.at,
            ring_s: call.ring_s,
            talk_s: call.talk_s,
            is_answered: call.is_answered,
            cause: call.cause,
        };
        if caller_sim.is_some() {
            self.leg(&leg);
        } else {
            let trunk = match call.trunk {
                Some(trunk) => trunk,
                None if call.is_spoofed => self.voip(),
                None => self.trunk(call.caller),
            };
            if call.is_spoofed {
                *self.network.spoofed.entry((Day::of(call.at), trunk)).or_default() += 1;
            }
            self.leg(&Leg { record_type: "incoming_gateway", served: None, trunk: Some(trunk), ..leg });
        }
        self.far_end(leg);
        if let Some(forward) = &call.forward {
            let leg = Leg {
                record_type: "forwarded",
                served: Some(call.callee),
                trunk: None,
                caller: call.callee,
                callee: forward.to,
                reference: &reference,
                at: forward.at,
                ring_s: forward.ring_s,
                talk_s: forward.talk_s,
                is_answered: forward.talk_s > 0,
                cause: if forward.talk_s > 0 { 16 } else { 19 },
            };
            self.leg(&leg);
            self.far_end(leg);
        }
    }

    /// All records of a message.
    pub(super) fn text(&mut self, text: &Text) {
        self.network.messages = (self.network.messages + 1) % REFERENCES;
        let reference = format!("{:04x}", self.network.messages);
        let recipient = text.recipient.as_sim();
        match text.sender {
            Sender::Brand(_) => self.sms("terminating", text, &reference, text.at),
            Sender::Party(sender) => {
                let first = if sender.as_sim().is_some() { "originating" } else { "incoming_gateway" };
                self.sms(first, text, &reference, text.at);
                let second = if recipient.is_some() { "terminating" } else { "outgoing_gateway" };
                let lag = whole(between(self.rng, (0.1, 3.0)) * 1e6);
                self.sms(second, text, &reference, text.at + lag);
            }
        }
    }

    /// The record at the called party's end: its exchange, or the gateway towards it.
    fn far_end(&mut self, near: Leg<'_>) {
        // Nothing is set up towards a number that does not exist.
        if near.cause == 1 {
            return;
        }
        let (record_type, trunk) = match near.callee.kind() {
            Kind::Sim(_) => ("terminating", None),
            Kind::Special(_) => return,
            _ => ("outgoing_gateway", Some(self.trunk(near.callee))),
        };
        let served = near.callee.as_sim().map(Party::sim);
        let lag_s = between(self.rng, (0.05, 1.95));
        let ring_s = (near.ring_s - whole_i32(lag_s)).max(0);
        self.leg(&Leg { record_type, trunk, served, at: near.at + whole(lag_s * 1e6), ring_s, ..near });
    }

    /// The records of one leg: one, or the parts of a long one.
    fn leg(&mut self, leg: &Leg<'_>) {
        let exchange = self.exchange(leg.served, leg.caller);
        let sim = leg.served.and_then(Party::as_sim).map(|index| &self.population.sims[index]);
        let imei = sim.map(|sim| *one(self.rng, &sim.imeis));
        let cell = sim.map(|sim| match between(self.rng, (0.0, 1.0)) {
            roll if roll < sim.habit.roam => register::cell_away(sim.home.area, self.rng),
            roll if roll < sim.habit.roam + (1.0 - sim.habit.roam) * 0.6 => sim.home.home,
            _ => sim.home.work,
        });
        // The handset of who is out of reach or forwards the call is not heard.
        let is_heard = leg.record_type != "forwarded" && leg.cause != 20;
        let caller = self.spelt(leg.caller);
        let callee = self.spelt(leg.callee);
        let (mut at, mut ring_s, mut left_s, mut part) = (leg.at, leg.ring_s, leg.talk_s, 1);
        loop {
            let is_cut = leg.talk_s > PART_S;
            let duration_s = left_s.min(PART_S);
            let is_last = left_s <= PART_S;
            let record = CallRecord {
                record_id: self.network.record_id(exchange).into(),
                record_type: leg.record_type.into(),
                call_ref: Some(leg.reference.into()),
                partial_seq: is_cut.then_some(part),
                caller: caller.0.as_deref().map(Into::into),
                caller_nature: caller.1.into(),
                callee: callee.0.as_deref().map(Into::into),
                callee_nature: callee.1.into(),
                start_at: at,
                ring_s: (part == 1).then_some(ring_s),
                duration_s,
                is_answered: leg.is_answered,
                release_cause: is_last.then_some(leg.cause),
                trunk: leg.trunk.map(Into::into),
                cell: cell.filter(|_| is_heard),
                imei: imei.filter(|_| is_heard),
                imsi: sim.map(|sim| sim.imsi),
            };
            at += i64::from(ring_s + duration_s) * SECOND_US;
            self.send_call(&record, exchange, at, leg.caller);
            if is_last {
                return;
            }
            (left_s, ring_s, part) = (left_s - PART_S, 0, part + 1);
        }
    }

    fn send_call(&mut self, record: &CallRecord<'_>, exchange: usize, due_at: i64, caller: Party) {
        let key = self.population.number(caller).unwrap_or(0);
        let message = |payload| Message { topic: Topic::CallRecord, at: due_at, key, payload };
        self.outbox.send(message(encode::call(record)), self.rng);
        if chance(self.rng, self.malformed_share) {
            let spoilt = fault::call(record, self.network.record_id(exchange), self.rng);
            self.outbox.send(message(spoilt), self.rng);
        }
    }

    fn sms(&mut self, record_type: &'static str, text: &Text, reference: &str, at: i64) {
        let sender = match text.sender {
            Sender::Party(party) => self.spelt(party),
            Sender::Brand(brand) => (Some(self.population.brands[brand as usize].name.clone()), "name"),
        };
        let party = match text.sender {
            Sender::Party(party) => Some(party),
            Sender::Brand(_) => None,
        };
        let recipient = self.spelt(text.recipient);
        let served = if record_type == "originating" { party } else { Some(text.recipient) };
        let sim = served.and_then(Party::as_sim).map(|index| &self.population.sims[index]);
        let trunk = match record_type {
            "incoming_gateway" => party.map(|party| self.trunk(party)),
            "outgoing_gateway" => Some(self.trunk(text.recipient)),
            _ => None,
        };
        let sim = sim.filter(|_| trunk.is_none());
        let imei = sim.map(|sim| *one(self.rng, &sim.imeis));
        let record = SmsRecord {
            record_id: self.network.record_id(EXCHANGES).into(),
            record_type: record_type.into(),
            message_ref: Some(reference.into()),
            sender: sender.0.map(Into::into),
            sender_nature: sender.1.into(),
            recipient: recipient.0.map(Into::into),
            recipient_nature: recipient.1.into(),
            sent_at: at,
            parts: text.parts,
            trunk: trunk.map(Into::into),
            cell: sim.map(|sim| sim.home.home),
            imei,
            imsi: sim.map(|sim| sim.imsi),
        };
        let key = party.and_then(|party| self.population.number(party)).unwrap_or(0);
        let message = |payload| Message { topic: Topic::SmsRecord, at, key, payload };
        self.outbox.send(message(encode::sms(&record)), self.rng);
        if chance(self.rng, self.malformed_share) {
            let spoilt = fault::sms(&record, self.network.record_id(EXCHANGES), self.rng);
            self.outbox.send(message(spoilt), self.rng);
        }
    }

    /// An address as networks write it: mostly international digits, sometimes national with its 0.
    fn spelt(&mut self, party: Party) -> (Option<String>, &'static str) {
        if let Kind::Special(index) = party.kind() {
            return (Some(SPECIALS[index].0.to_owned()), "short");
        }
        match self.population.number(party) {
            None => (None, "restricted"),
            Some(number) => {
                let digits = number.to_string();
                match digits.strip_prefix("84") {
                    Some(national) if chance(self.rng, 0.12) => (Some(format!("0{national}")), "national"),
                    _ => (Some(digits), "international"),
                }
            }
        }
    }

    fn exchange(&self, served: Option<Party>, caller: Party) -> usize {
        let area = served.and_then(Party::as_sim).map(|index| self.population.sims[index].home.area);
        let spread = area.or_else(|| caller.elsewhere()).unwrap_or(0);
        usize::try_from(spread).unwrap_or(0) % EXCHANGES
    }

    fn voip(&mut self) -> &'static str {
        if chance(self.rng, 0.7) { "VSIP01" } else { "VSIP02" }
    }

    /// The trunk group to a party elsewhere.
    fn trunk(&mut self, party: Party) -> &'static str {
        let peer = match party.kind() {
            Kind::Foreign(code) => ["Carrier SG", "Carrier HK"][code as usize % 2],
            Kind::Hidden => "MobiFone",
            Kind::Landline => "PSTN",
            _ => self.population.operator(party).unwrap_or("PSTN"),
        };
        let mut groups = TRUNKS.iter().filter(|(_, _, of)| *of == peer).map(|(name, _, _)| *name);
        let first = groups.next().unwrap_or(TRUNKS[0].0);
        let second = groups.next().filter(|_| chance(self.rng, 0.4));
        second.unwrap_or(first)
    }
}

impl Network {
    /// The exchanges of one desk, counting apart, so that no record id of one depends on another.
    pub(super) fn of(desk: usize) -> Self {
        Self { records: RECORDS[desk], ..Self::default() }
    }

    /// The next id of an exchange; the message centre counts as one more.
    fn record_id(&mut self, exchange: usize) -> String {
        self.records += 1;
        let kind = if exchange == EXCHANGES { "SMSC" } else { "MSC" };
        format!("{kind}{exchange:02}-{:010x}", self.records)
    }

    fn reference(&mut self, exchange: usize) -> String {
        let reference = &mut self.references[exchange];
        *reference = (*reference + 1) % REFERENCES;
        format!("{reference:04x}")
    }
}
