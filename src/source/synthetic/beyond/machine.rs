//! Innocents whose calls a machine makes, or who work like one.
//!
//! In: how many there are to be. Out: reminders (a recording for a firm's customers), alarms (devices that report to a
//! few numbers), dispatchers (a word to one customer after the other). Never: asks what a rule looks at.

use super::super::campaign::{self, Campaign};
use super::super::class::Class;
use super::super::draw::{apportion, chance};
use super::super::party::{self, Party};
use super::super::population::shop_hours;
use super::super::register;
use super::super::report;
use super::{Recruiter, settle};

/// The kinds, and their shares.
const KINDS: [(Kind, f64); 3] = [(Kind::Reminder, 0.45), (Kind::Alarm, 0.25), (Kind::Dispatcher, 0.30)];

#[derive(Clone, Copy)]
enum Kind {
    Reminder,
    Alarm,
    Dispatcher,
}

/// Lines of one firm that reminds, devices that one firm looks after, and desks of one dispatcher.
const LINES: (u32, u32) = (1, 3);
const DEVICES: (u32, u32) = (2, 5);
const DESKS: (u32, u32) = (1, 3);

/// Firms with a registered name, and on the allow-list: no more than practices.
const BRANDED: f64 = 0.25;
const ALLOWED: f64 = 0.35;

/// Firms whose devices were installed of late.
const INSTALLED: f64 = 0.5;

/// Firms that save the charge: who is called rejects the call and knows whose it was.
const SILENT: f64 = 0.4;
const SILENT_ANSWERED: f64 = 0.04;

/// How often the centre stands in the list of its devices, where the caretaker stands once.
const CENTRE_WEIGHT: usize = 4;

impl Recruiter<'_> {
    /// Innocents of every kind.
    pub(super) fn add_machines(&mut self, count: u32) {
        for (kind, count) in apportion(count, &KINDS) {
            match kind {
                Kind::Reminder => self.add_reminders(count),
                Kind::Alarm => self.add_alarms(count),
                Kind::Dispatcher => self.add_dispatchers(count),
            }
        }
    }

    /// A hospital's appointments or a bank's codes: as even as a robot, but to customers, who answer and call back.
    fn add_reminders(&mut self, count: u32) {
        for size in self.groups(count, LINES) {
            let first = self.office(Class::Reminder, size);
            let is_branded = !self.population.brands.is_empty() && chance(&mut self.rng, BRANDED);
            let brand = if is_branded { self.some_brand() } else { None };
            let is_allow_listed = chance(&mut self.rng, ALLOWED);
            for sim in &mut self.population.sims[first..] {
                (sim.brand, sim.is_allow_listed) = (brand, is_allow_listed);
            }
        }
    }

    /// Devices that call their centre, or a caretaker, over and over, as a pool calls its victim; but by day and night,
    /// and as it was agreed.
    fn add_alarms(&mut self, count: u32) {
        for size in self.groups(count, DEVICES) {
            let first = self.firm(Class::Alarm, size);
            let is_new = chance(&mut self.rng, INSTALLED);
            let is_silent = chance(&mut self.rng, SILENT);
            let day = self.opening_day();
            let campaign = self.population.next_campaign();
            for sim in &mut self.population.sims[first..] {
                let (place, slot) = (register::home(&mut self.rng), register::pool(1, &mut self.rng));
                settle(sim, place, &slot);
                (sim.campaign, sim.list_share) = (campaign, 1.0);
                // Its day begins at midnight.
                sim.habit.hours = [1.0; 24];
                if is_silent {
                    sim.habit.answered = SILENT_ANSWERED;
                }
                if is_new {
                    sim.starts = day;
                    sim.activated_at = shop_hours(self.options.first_day.plus(day - 1), &mut self.rng);
                }
            }
            self.population.campaigns.push(Campaign { targets: Vec::new(), form: report::OFFER });
            let mut list = vec![party::landline(&mut self.rng); CENTRE_WEIGHT];
            list.extend(self.settled_person().map(Party::sim));
            self.give_list(list);
        }
    }

    /// Desks that call strangers in bursts and are seldom called back, as telemarketers do; but each of them expects
    /// somebody, or nearly: some take it for a scam.
    fn add_dispatchers(&mut self, count: u32) {
        for size in self.groups(count, DESKS) {
            let first = self.office(Class::Dispatcher, size);
            let campaign = self.population.next_campaign();
            for sim in &mut self.population.sims[first..] {
                sim.campaign = campaign;
                sim.reported = campaign::reported(&self.options.report, &mut self.rng);
            }
            self.population.campaigns.push(Campaign { targets: Vec::new(), form: report::PARCEL });
        }
    }

    /// A firm whose lines stand at one place, each with a handset of its own; returns the first SIM.
    fn office(&mut self, class: Class, size: u32) -> usize {
        let first = self.firm(class, size);
        let site = register::home(&mut self.rng);
        for sim in &mut self.population.sims[first..] {
            let slot = register::pool(1, &mut self.rng);
            settle(sim, site, &slot);
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::super::tests::{calls, number, run};
    use super::super::super::{BeyondOptions, Message, Operator, Truth};
    use super::super::tests::{Line, lines, lines_of, made_share, sum, unevenness, with};

    /// The seconds that each number of a class talked, call by call.
    fn talks(operator: &Operator, messages: &[Message], class: &str) -> BTreeMap<i64, Vec<f64>> {
        let of_class: BTreeSet<i64> =
            operator.truth().iter().filter(|truth| truth.class == class).map(|truth| truth.number).collect();
        let mut talks: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for record in calls(messages).iter().filter(|record| record.record_type == "originating" && record.is_answered)
        {
            let caller = number(record.caller.as_deref()).filter(|caller| of_class.contains(caller));
            if let Some(caller) = caller {
                talks.entry(caller).or_default().push(f64::from(record.duration_s));
            }
        }
        talks.retain(|_, talks| talks.len() >= 30);
        talks
    }

    #[test]
    fn reminders_alarms_and_dispatchers_work_like_machines_and_are_innocent() {
        let (operator, messages) = run(with(BeyondOptions { machine_share: 0.02, ..BeyondOptions::NOTHING }));
        let truth = operator.truth();
        let machines: Vec<&Truth> =
            truth.iter().filter(|truth| ["reminder", "alarm", "dispatcher"].contains(&truth.class)).collect();
        assert_eq!(machines.len(), 40);
        assert!(machines.iter().all(|truth| truth.is_protected && !truth.is_spam && truth.types.is_empty()));

        // As even as a robot's, some of them, and others not.
        let reminders = talks(&operator, &messages, "reminder");
        let even = reminders.values().filter(|talks| unevenness(talks) < 0.25).count();
        assert!(even >= 3 && even < reminders.len(), "{even} of {} reminders talk evenly", reminders.len());

        let lines = lines(&messages);
        let of = |class: &str| lines_of(&operator, &lines, |truth| truth.class == class);
        let (reminders, alarms, dispatchers) = (of("reminder"), of("alarm"), of("dispatcher"));
        let per_callee = |lines: &[&Line]| sum(lines, |line| line.made) / sum(lines, |line| line.callees.len());
        assert!(alarms.len() >= 4 && alarms.iter().all(|line| line.callees.len() <= 2 && line.cells.len() <= 1));
        assert!(per_callee(&alarms) > 10.0 && made_share(&alarms) > 0.9, "{} calls to each", per_callee(&alarms));
        assert!(per_callee(&dispatchers) < 1.5, "{} calls to each", per_callee(&dispatchers));
        assert!(per_callee(&reminders) > per_callee(&dispatchers), "customers are called again");
        let answered = |lines: &[&Line]| sum(lines, |line| line.answered) / sum(lines, |line| line.made);
        assert!(answered(&reminders) > 0.6 && answered(&dispatchers) > 0.6, "customers answer");
        assert!((0.6..0.97).contains(&made_share(&dispatchers)), "{} made", made_share(&dispatchers));
    }
}
