//! Calls from outside: with numbers that are not the caller's, and honest ones by the same trunks.
//!
//! In: a day under way. Out: its calls that come in by `VoIP` and international trunks, showing what others have.
//! Never: lets a number's owner take part in a call that only shows it.

use super::BeyondOptions;
use super::draw::{between, chance, one, poisson};
use super::party::{self, AGENCIES, Party};
use super::traffic::{Today, micros};

/// Calls with a false caller number, per call.
const SPOOFED_SHARE: f64 = 4e-4;

/// Calls of a gang that shows false numbers for a day, per SIM of the base.
const GANG_CALLS: (f64, f64) = (0.002, 0.008);

/// Trunks by which such a gang comes in; honest calls do as well.
const GATES: [&str; 3] = ["ISGP01", "IHKG01", "VSIP03"];

/// Trunks by which those call who are abroad with a SIM of ours.
const ROAMING: [&str; 2] = ["ISGP01", "IHKG01"];

/// Trunks of honest callers from abroad who use the internet.
const INTERNET: [&str; 3] = ["VSIP01", "VSIP02", "VSIP03"];

impl Today<'_> {
    /// Calls from abroad that show a number which is not the caller's: ours, nobody's, or an agency's.
    pub(super) fn spoof(&mut self) {
        let calls = f64::from(u32::try_from(self.calls.len()).unwrap_or(u32::MAX));
        for _ in 0..poisson(self.rng, calls * SPOOFED_SHARE) {
            let shown = match between(self.rng, (0.0, 1.0)) {
                roll if roll < 0.5 => self.population.any_sim(self.rng),
                roll if roll < 0.7 => *one(self.rng, &self.population.unallocated),
                _ => Party::landline_of(one(self.rng, &AGENCIES).0),
            };
            let callee = self.population.any_sim(self.rng);
            self.come_in(shown, callee, None, true);
        }
    }

    /// Gangs that show false numbers for a day by one trunk, and the honest calls beside them.
    pub(super) fn come_from_abroad(&mut self, options: &BeyondOptions) {
        if self.population.base == 0 {
            return;
        }
        if chance(self.rng, options.spoofing_day_share) {
            self.pretend();
        }
        let honest = self.population.everybody() * options.abroad_share;
        for _ in 0..poisson(self.rng, honest / 2.0) {
            self.call_home();
        }
        for _ in 0..poisson(self.rng, honest / 2.0) {
            let (caller, callee) = (party::foreign(self.rng), self.population.any_sim(self.rng));
            let trunk = *one(self.rng, &INTERNET);
            self.come_in(caller, callee, Some(trunk), false);
        }
    }

    /// One gang's day: a few numbers shown to many.
    fn pretend(&mut self) {
        let trunk = *one(self.rng, &GATES);
        let shown: Vec<Party> = match between(self.rng, (0.0, 1.0)) {
            roll if roll < 0.4 => vec![Party::landline_of(one(self.rng, &AGENCIES).0)],
            roll if roll < 0.6 => (0..3).map(|_| party::landline(self.rng)).collect(),
            roll if roll < 0.8 => (0..20).map(|_| self.population.any_sim(self.rng)).collect(),
            _ => (0..6).map(|_| *one(self.rng, &self.population.unallocated)).collect(),
        };
        let mean = self.population.everybody() * between(self.rng, GANG_CALLS);
        for _ in 0..poisson(self.rng, mean) {
            let (caller, callee) = (*one(self.rng, &shown), self.population.any_sim(self.rng));
            self.come_in(caller, callee, Some(trunk), true);
        }
    }

    /// A subscriber abroad calls somebody at home: our number, an international trunk, and nothing false.
    fn call_home(&mut self) {
        let caller = self.population.any_sim(self.rng);
        let Some(index) = caller.as_sim().filter(|index| self.is_used(*index)) else { return };
        let callee = self.population.sims[index].contacts.someone(self.rng);
        if let Some(callee) = callee.filter(|callee| callee.as_sim().is_some()) {
            let trunk = *one(self.rng, &ROAMING);
            self.come_in(caller, callee, Some(trunk), false);
        }
    }

    fn come_in(&mut self, shown: Party, callee: Party, trunk: Option<&'static str>, is_spoofed: bool) {
        let at = self.begins_at + micros(between(self.rng, (7.5, 21.0)) * 3_600.0);
        let is_open = |party: Party| party.as_sim().is_none_or(|sim| self.population.sims[sim].is_open(at));
        if shown == callee || !is_open(shown) || !is_open(callee) {
            return;
        }
        let mut call = self.place(shown, callee, false, at);
        (call.is_spoofed, call.trunk, call.forward) = (is_spoofed, trunk, None);
        self.calls.push(call);
    }
}
