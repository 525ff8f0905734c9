//! Whom a SIM meets: new friends, strangers, targets.
//!
//! In: the population, a SIM and an instant. Out: a party.
//! Never: changes anything; returns a SIM of ours for a friend or customer that is not open yet or any more.

use rand::Rng as _;

use super::behaviour::{Aim, onnet_found};
use super::draw::{Rng, Table, between, chance, one};
use super::party::{self, Party};
use super::population::Population;

impl Population {
    /// Somebody to become acquainted with: the more sociable, the likelier.
    pub(super) fn acquaintance(&self, of: usize, at: i64, rng: &mut Rng) -> Party {
        let habit = &self.sims[of].habit;
        let share = if habit.mutual > 0.5 { onnet_found(habit.onnet) } else { habit.onnet };
        let onnet = chance(rng, share).then(|| self.open(&self.people, of, at, rng)).flatten();
        onnet.unwrap_or_else(|| self.somebody_elsewhere(rng))
    }

    /// Whom a SIM calls, or is called by, beyond its contacts.
    pub(super) fn stranger(&self, of: usize, is_outgoing: bool, at: i64, rng: &mut Rng) -> Party {
        let sim = &self.sims[of];
        match sim.habit.aim {
            Aim::Shops if is_outgoing => self.shop(of, at, rng),
            Aim::Shops => self.caller_elsewhere(rng),
            Aim::Customers => {
                let onnet = chance(rng, sim.habit.onnet).then(|| self.open(&self.people, of, at, rng)).flatten();
                onnet.unwrap_or_else(|| self.somebody_elsewhere(rng))
            }
            Aim::Numbers => self.target(of, rng),
        }
    }

    /// Any SIM of the base, in use or not: what a dialled number hits.
    pub(super) fn any_sim(&self, rng: &mut Rng) -> Party {
        Party::sim(rng.random_range(0..self.base))
    }

    /// A number of another operator; one in a few hundred was once ours.
    pub(super) fn somebody_elsewhere(&self, rng: &mut Rng) -> Party {
        if chance(rng, 0.003) && !self.ported_out.is_empty() { *one(rng, &self.ported_out) } else { party::mobile(rng) }
    }

    fn shop(&self, of: usize, at: i64, rng: &mut Rng) -> Party {
        let somebody = match between(rng, (0.0, 1.0)) {
            roll if roll < 0.22 => self.open(&self.businesses, of, at, rng),
            roll if roll < 0.30 => Some(party::special(rng)),
            roll if roll < 0.36 => Some(party::landline(rng)),
            roll if roll < 0.46 => self.open(&self.people, of, at, rng),
            roll if roll < 0.80 => self.outside_by_size.draw(rng).map(|index| self.outside[index as usize]),
            _ => None,
        };
        somebody.unwrap_or_else(|| self.somebody_elsewhere(rng))
    }

    fn caller_elsewhere(&self, rng: &mut Rng) -> Party {
        match between(rng, (0.0, 1.0)) {
            roll if roll < 0.02 => Party::UNKNOWN,
            roll if roll < 0.03 => party::foreign(rng),
            roll if roll < 0.75 => match self.outside_by_size.draw(rng) {
                Some(index) => self.outside[index as usize],
                None => party::mobile(rng),
            },
            _ => self.somebody_elsewhere(rng),
        }
    }

    fn target(&self, of: usize, rng: &mut Rng) -> Party {
        let sim = &self.sims[of];
        if let Some(last) = sim.last_dialled.filter(|_| chance(rng, sim.habit.in_sequence)) {
            return last.next(rng.random_range(1..=6));
        }
        let list = sim.campaign.map(|campaign| &self.campaigns[campaign as usize].targets);
        match list.filter(|list| !list.is_empty() && chance(rng, sim.list_share)) {
            Some(list) => *one(rng, list),
            None => self.dialled(sim.habit.onnet, rng),
        }
    }

    /// What somebody reaches who dials mobile numbers of the country.
    pub(super) fn dialled(&self, onnet: f64, rng: &mut Rng) -> Party {
        if chance(rng, onnet) { self.any_sim(rng) } else { party::mobile(rng) }
    }

    /// Somebody of a table whose subscription exists at this instant.
    pub(super) fn open(&self, table: &Table, of: usize, at: i64, rng: &mut Rng) -> Option<Party> {
        for _ in 0..6 {
            let index = table.draw(rng)? as usize;
            if index != of && self.sims[index].is_open(at) {
                return Some(Party::sim(index));
            }
        }
        None
    }
}
