//! What comes beyond the base: gangs that are no spam campaign, stocks of SIMs, and innocents that look like them; and
//! beside both, machines and advertisers.
//!
//! In: the base, and draws of its own. Out: more SIMs behind those of the base, with lists of their own.
//! Never: changes a SIM of the base or a draw for it, nor a gang for what comes beside it; gives a kind less SIMs than
//! it takes to know one.

mod advertiser;
mod lookalike;
mod machine;
mod stock;

#[cfg(test)]
mod tests;

use rand::Rng as _;

use super::Options;
use super::campaign::{self, Plan};
use super::class::Archetype;
use super::draw::{Rng, between, stream, whole_i32};
use super::party::{self, Party};
use super::population::{Population, Sim, part};
use super::register::{self, Home, Register};

/// The streams of draws for the SIMs beyond the base, and for those beside it.
const STREAM: u64 = 2;
const BESIDE_STREAM: u64 = 3;

/// SIMs of one box, of one pool, and of one gang with a short list.
const BOX: (u32, u32) = (8, 16);
const POOL: (u32, u32) = (5, 12);
const GANG: (u32, u32) = (4, 10);

/// SIMs of one robot.
const ROBOT: (u32, u32) = (3, 6);

/// Numbers that a robot begins to dial on from.
const STARTS: usize = 400;

/// Relatives and friends of a debtor who are called as well.
const RELATIVES: usize = 3;

/// How often a debtor stands in the list, where a relative stands once.
const DEBTOR_WEIGHT: usize = 4;

/// How many times as readily a harassed person reports a call.
const HARASSED_REPORTS: f64 = 20.0;

/// Adds SIMs to a population.
pub(super) struct Recruiter<'a> {
    pub(super) population: &'a mut Population,
    pub(super) options: &'a Options,
    pub(super) register: &'a mut Register,
    pub(super) rng: Rng,
}

/// Adds everybody beyond and beside the base, and the contacts that the settled among them have.
pub(super) fn recruit(population: &mut Population, options: &Options, register: &mut Register) {
    let beyond = &options.beyond;
    let mut recruiter = Recruiter { population, options, register, rng: stream(options.seed, STREAM) };
    recruiter.add_sim_boxes(part(options, beyond.sim_box_share));
    recruiter.add_debt_pools(part(options, beyond.debt_pool_share));
    recruiter.add_shared_lists(part(options, beyond.shared_list_share));
    recruiter.add_stocks(part(options, beyond.bulk_share));
    recruiter.add_lookalikes(part(options, beyond.lookalike_share));
    recruiter.add_robots(part(options, beyond.robot_share));
    recruiter.warm(recruiter.population.base);
    recruiter.population.beside = recruiter.population.sims.len();
    recruiter.rng = stream(options.seed, BESIDE_STREAM);
    recruiter.add_machines(part(options, beyond.machine_share));
    recruiter.add_advertisers(part(options, beyond.advertiser_share));
    recruiter.warm(recruiter.population.beside);
}

impl Recruiter<'_> {
    /// SIMs that take turns in the slots of one device, at one place.
    fn add_sim_boxes(&mut self, count: u32) {
        for size in self.groups(count, BOX) {
            let first = self.raise(Archetype::SimBox, size);
            let slots = register::pool(1 + size as usize / 8, &mut self.rng);
            let site = register::home(&mut self.rng);
            for sim in &mut self.population.sims[first..] {
                settle(sim, site, &slots);
                sim.reported = 0.0;
            }
        }
    }

    /// SIMs that take turns at a few victims.
    fn add_debt_pools(&mut self, count: u32) {
        for size in self.groups(count, POOL) {
            let first = self.raise(Archetype::DebtPool, size);
            for sim in &mut self.population.sims[first..] {
                sim.list_share = 1.0;
                sim.reported *= HARASSED_REPORTS;
            }
            let victims = self.victims(2 + size as usize / 4);
            self.give_list(victims);
        }
    }

    /// Campaigns whose SIMs work through one short list, and begin it anew.
    fn add_shared_lists(&mut self, count: u32) {
        for size in self.groups(count, GANG) {
            let first = self.raise(Archetype::SharedList, size);
            for sim in &mut self.population.sims[first..] {
                sim.list_share = between(&mut self.rng, (0.6, 0.9));
            }
            self.give_numbers(60 + 20 * size as usize);
        }
    }

    /// Robots that dial on from numbers of other operators, and each time to the next.
    fn add_robots(&mut self, count: u32) {
        for size in self.groups(count, ROBOT) {
            let first = self.raise(Archetype::Robot, size);
            for sim in &mut self.population.sims[first..] {
                sim.list_share = 1.0;
            }
            let starts = (0..STARTS).map(|_| party::mobile(&mut self.rng)).collect();
            self.give_list(starts);
        }
    }

    /// Gives the SIMs from this one on the contacts that the settled among them have.
    fn warm(&mut self, first: usize) {
        let all = self.population.sims.len();
        self.population.warm(first..all, self.options, &mut self.rng);
    }

    /// Debtors of the base, each with those whom it calls most.
    fn victims(&mut self, debtors: usize) -> Vec<Party> {
        let mut list = Vec::new();
        for _ in 0..debtors {
            let Some(debtor) = (0..20).find_map(|_| self.settled_person()) else { break };
            list.extend([Party::sim(debtor); DEBTOR_WEIGHT]);
            list.extend(self.population.sims[debtor].contacts.closest(RELATIVES));
        }
        list
    }

    pub(super) fn settled_person(&mut self) -> Option<usize> {
        let index = self.population.people.draw(&mut self.rng)? as usize;
        let sim = &self.population.sims[index];
        (sim.starts <= 0 && sim.deactivated_at.is_none() && !sim.class.is_unwanted()).then_some(index)
    }

    /// A gang that begins in the measured days or shortly before; returns its first SIM.
    fn raise(&mut self, archetype: Archetype, size: u32) -> usize {
        let starts = whole_i32(between(&mut self.rng, (-4.0, 0.5 * f64::from(self.options.days))).floor());
        self.raise_on(archetype, size, starts)
    }

    /// A gang that begins on this day, counted from the first measured one.
    pub(super) fn raise_on(&mut self, archetype: Archetype, size: u32, starts: i32) -> usize {
        let first = self.population.sims.len();
        let plan = Plan { archetype, size, starts };
        campaign::raise(&plan, self.population, self.options, self.register, &mut self.rng);
        first
    }

    /// Gives the newest campaign a list of so many numbers.
    pub(super) fn give_numbers(&mut self, numbers: usize) {
        let list = campaign::list(numbers, self.options.subscribers.max(1) as usize, &mut self.rng);
        self.give_list(list);
    }

    pub(super) fn give_list(&mut self, list: Vec<Party>) {
        if let Some(campaign) = self.population.campaigns.last_mut() {
            campaign.targets = list;
        }
    }

    /// One of the registered names, if there is any.
    pub(super) fn some_brand(&mut self) -> Option<u32> {
        let brands = u32::try_from(self.population.brands.len()).unwrap_or(0);
        (brands > 0).then(|| self.rng.random_range(0..brands))
    }

    /// Splits a count into groups from `least` to `most`, the last one larger rather than too small; a count below
    /// `least` makes none.
    pub(super) fn groups(&mut self, count: u32, (least, most): (u32, u32)) -> Vec<u32> {
        let (mut left, mut groups) = (count, Vec::new());
        while left >= least {
            let size = self.rng.random_range(least..=most);
            let size = if left < size + least { left } else { size };
            left -= size;
            groups.push(size);
        }
        groups
    }
}

/// Puts a SIM into the slots of a device that never moves.
pub(super) fn settle(sim: &mut Sim, site: Home, slots: &[i64]) {
    sim.home = Home { work: site.home, ..site };
    sim.habit.roam = 0.0;
    sim.imeis = slots.to_vec();
}
