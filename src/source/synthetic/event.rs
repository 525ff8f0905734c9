//! Innocent days on which people call as they never do: a storm, a sale, a school's call tree.
//!
//! In: a day under way. Out: bursts of calls by people of the base, marked in the truth.
//! Never: makes a contact or counts one, so that nobody's later days change.

use super::BeyondOptions;
use super::draw::{between, chance, poisson};
use super::party::Party;
use super::population::DAY_US;
use super::traffic::{Today, micros};

/// Subscriptions that a usual event makes call.
const PEOPLE: f64 = 30.0;

/// Customers that a sale brings in a day.
const CUSTOMERS: f64 = 80.0;

/// So many calls does everybody make who passes on news to a class of 42 parents.
const FAN: usize = 6;

impl Today<'_> {
    /// The events of the day.
    pub(super) fn celebrate(&mut self, options: &BeyondOptions) {
        for _ in 0..poisson(self.rng, self.population.everybody() * options.event_share / PEOPLE) {
            match between(self.rng, (0.0, 1.0)) {
                roll if roll < 0.2 => self.storm(),
                roll if roll < 0.6 => self.sale(),
                _ => self.call_tree(),
            }
        }
    }

    /// Half of an area calls its own within two hours: a storm comes, or a match is won.
    fn storm(&mut self) {
        let area = self.population.any_sim(self.rng).as_sim().map(|index| self.population.sims[index].home.area);
        let begins_at = self.begins_at + micros(between(self.rng, (8.0, 21.0)) * 3_600.0);
        for index in 0..self.population.base {
            let sim = &self.population.sims[index];
            let is_concerned = Some(sim.home.area) == area && sim.habit.mutual > 0.5 && self.is_used(index);
            if !is_concerned || !chance(self.rng, 0.5) {
                continue;
            }
            for _ in 0..=poisson(self.rng, 2.0) {
                let at = begins_at + micros(between(self.rng, (0.0, 2.0)) * 3_600.0);
                if let Some(callee) = self.population.sims[index].contacts.someone(self.rng) {
                    self.join(Party::sim(index), callee, true, at);
                }
            }
            self.mark(index, "storm");
        }
    }

    /// Strangers call one business all day, and it calls some of them back.
    fn sale(&mut self) {
        let shop = self.population.businesses.draw(self.rng).map(|index| index as usize);
        let Some(shop) = shop.filter(|index| self.is_used(*index)) else { return };
        for _ in 0..poisson(self.rng, CUSTOMERS) {
            let at = self.begins_at + micros(between(self.rng, (8.0, 20.0)) * 3_600.0);
            let customer = self.population.acquaintance(shop, at, self.rng);
            self.join(customer, Party::sim(shop), false, at);
        }
        self.mark(shop, "sale");
    }

    /// News for a class: the teacher calls some parents, and each of them as many others.
    fn call_tree(&mut self) {
        let teacher = self.population.any_sim(self.rng).as_sim();
        let is_person = |index: &usize| self.population.sims[*index].habit.mutual > 0.5 && self.is_used(*index);
        let Some(teacher) = teacher.filter(is_person) else { return };
        let begins_at = self.begins_at + micros(between(self.rng, (16.0, 20.0)) * 3_600.0);
        let parents: Vec<Party> = (0..FAN + FAN * FAN).map(|_| self.parent(teacher, begins_at)).collect();
        for (place, parent) in parents.iter().enumerate() {
            let (caller, waits_s) = match place.checked_sub(FAN) {
                None => (Party::sim(teacher), 0.0),
                Some(place) => (parents[place / FAN], 900.0),
            };
            let turn = f64::from(u32::try_from(place % FAN).unwrap_or(0));
            let at = begins_at + micros(waits_s + 120.0 * turn + between(self.rng, (0.0, 40.0)));
            self.join(caller, *parent, true, at);
            if let Some(index) = caller.as_sim() {
                self.mark(index, "call_tree");
            }
        }
    }

    /// Most of a class have the operator of their teacher.
    fn parent(&mut self, teacher: usize, at: i64) -> Party {
        let is_ours = chance(self.rng, 0.6);
        let ours = is_ours.then(|| self.population.open(&self.population.people, teacher, at, self.rng)).flatten();
        ours.unwrap_or_else(|| self.population.somebody_elsewhere(self.rng))
    }

    /// One call of an event, if its caller has a line and we see it.
    fn join(&mut self, caller: Party, callee: Party, is_known: bool, at: i64) {
        let is_ours = caller.as_sim().or(callee.as_sim()).is_some();
        let is_there =
            caller.as_sim().is_none_or(|index| self.is_used(index) && self.population.sims[index].is_open(at));
        if caller == callee || !is_ours || !is_there || at >= self.begins_at + DAY_US {
            return;
        }
        let call = self.place(caller, callee, is_known, at);
        self.call_back(&call, is_known);
        self.calls.push(call);
    }

    fn mark(&mut self, index: usize, event: &'static str) {
        if self.day >= 0 {
            self.population.sims[index].event.get_or_insert(event);
        }
    }
}
