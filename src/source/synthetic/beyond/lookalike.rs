//! Innocents who look like the gangs beyond the base.
//!
//! In: how many there are to be. Out: switchboards (as a SIM box), fleets and freshmen (as a bulk registration),
//! lenders (as debt harassment and as a shared list). Never: adds one that a bar would be right for.

use super::super::campaign::Campaign;
use super::super::class::Class;
use super::super::draw::{apportion, between, chance, whole};
use super::super::population::{Draft, SECOND_US, Sim, settled};
use super::super::register::{self, Paper};
use super::super::report;
use super::{Recruiter, settle};

/// The kinds, and their shares.
const KINDS: [(Kind, f64); 4] =
    [(Kind::Switchboard, 0.25), (Kind::Fleet, 0.30), (Kind::Freshmen, 0.30), (Kind::Lender, 0.15)];

#[derive(Clone, Copy)]
enum Kind {
    Switchboard,
    Fleet,
    Freshmen,
    Lender,
}

/// SIMs of one firm's device, of one fleet, of one day of enrolment, and of one lender.
const DEVICE: (u32, u32) = (3, 6);
const FLEET: (u32, u32) = (11, 20);
const ENROLLED: (u32, u32) = (10, 25);
const DESKS: (u32, u32) = (3, 6);

/// Seconds in which a fleet is activated, and a day of enrolment.
const FLEET_S: f64 = 2_400.0;
const ENROLMENT_S: f64 = 4.0 * 3_600.0;

/// Debtors that a lender has for each of its SIMs.
const DEBTORS: usize = 30;

impl Recruiter<'_> {
    /// Innocents of every kind.
    pub(super) fn add_lookalikes(&mut self, count: u32) {
        for (kind, count) in apportion(count, &KINDS) {
            match kind {
                Kind::Switchboard => self.add_switchboards(count),
                Kind::Fleet => self.add_fleets(count),
                Kind::Freshmen => self.add_freshmen(count),
                Kind::Lender => self.add_lenders(count),
            }
        }
    }

    /// Several SIMs in one device at one place, as in a SIM box; but they are called as much as they call.
    fn add_switchboards(&mut self, count: u32) {
        for size in self.groups(count, DEVICE) {
            let (site, slots) = (register::home(&mut self.rng), register::pool(1, &mut self.rng));
            let first = self.firm(Class::Switchboard, size);
            for sim in &mut self.population.sims[first..] {
                settle(sim, site, &slots);
            }
        }
    }

    /// Many SIMs on one identity within the hour, as in a stock; but it is a company's, and couriers use them all.
    fn add_fleets(&mut self, count: u32) {
        for size in self.groups(count, FLEET) {
            let day = self.opening_day();
            let opens_at = self.opening_hour(day);
            let identity = Some(self.register.identity());
            let paper = Paper { segment: "enterprise", identity, dealer: register::dealer(&mut self.rng) };
            for _ in 0..size {
                let mut sim = self.newcomer(Class::Courier, day, opens_at, FLEET_S);
                sim.paper = paper;
                self.population.sims.push(sim);
            }
        }
    }

    /// Many SIMs of one dealer in an afternoon, as in a lot; but each on its own identity, for its own user.
    fn add_freshmen(&mut self, count: u32) {
        for size in self.groups(count, ENROLLED) {
            let day = self.opening_day();
            let (dealer, opens_at) = (register::dealer(&mut self.rng), self.opening_hour(day));
            for _ in 0..size {
                let mut sim = self.newcomer(Class::NewSim, day, opens_at, ENROLMENT_S);
                sim.paper = Paper { segment: "prepaid", identity: Some(self.register.identity()), dealer };
                self.population.sims.push(sim);
            }
        }
    }

    /// Desks that call the people of one list over and over, as a pool does; but in office hours, by name, and with few
    /// calls to each.
    fn add_lenders(&mut self, count: u32) {
        for size in self.groups(count, DESKS) {
            let first = self.firm(Class::Lender, size);
            let handsets = register::pool(2 * size as usize, &mut self.rng);
            let site = register::home(&mut self.rng);
            // It works for somebody with a registered name.
            let brand = self.some_brand();
            let is_allow_listed = chance(&mut self.rng, 0.4);
            let campaign = self.population.next_campaign();
            for sim in &mut self.population.sims[first..] {
                sim.home = site;
                sim.imeis = register::some_of(&handsets, sim.habit.handsets, &mut self.rng);
                (sim.campaign, sim.list_share) = (campaign, 0.97);
                (sim.brand, sim.is_allow_listed) = (brand, is_allow_listed);
            }
            self.population.campaigns.push(Campaign { targets: Vec::new(), form: report::DEBT });
            self.give_numbers(DEBTORS * size as usize);
        }
    }

    /// Neighbouring numbers that a firm has had for long; returns the first SIM.
    pub(super) fn firm(&mut self, class: Class, size: u32) -> usize {
        let first = self.population.sims.len();
        let (block, identity) = (self.register.block(&mut self.rng), Some(self.register.identity()));
        for _ in 0..size {
            let number = self.register.number_in(block, &mut self.rng);
            let draft = Draft { number, class, ..settled(self.options, &mut self.rng) };
            let mut sim = Sim::new(&draft, self.options.first_day, self.register, &mut self.rng);
            sim.paper = Paper { segment: "enterprise", identity, ..sim.paper };
            self.population.sims.push(sim);
        }
        first
    }

    /// Somebody whose SIM is activated within some seconds and used from the next day on.
    fn newcomer(&mut self, class: Class, day: i32, opens_at: i64, within_s: f64) -> Sim {
        let number = self.register.number(&mut self.rng);
        let draft = Draft { number, class, starts: day + 1, ends: i32::MAX, idle_days: 0.0 };
        let mut sim = Sim::new(&draft, self.options.first_day, self.register, &mut self.rng);
        sim.activated_at = opens_at + whole(between(&mut self.rng, (0.0, within_s))) * SECOND_US;
        sim
    }
}
