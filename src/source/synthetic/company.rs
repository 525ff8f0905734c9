//! Companies and practices: what the SIMs of one of them share.
//!
//! In: SIMs of businesses, one after the other. Out: the same, with neighbouring numbers, one site, one
//! register entry and perhaps a registered name. Never: touches what a SIM does.

use super::class::Class;
use super::draw::{Rng, beta, chance, streak};
use super::population::Sim;
use super::register::{self, Home, Paper, Register};

/// A company with a registered name.
#[derive(Debug, Clone)]
pub(super) struct Brand {
    pub(super) name: String,
    pub(super) holder: String,
}

/// The company whose SIMs are being handed out: neighbouring numbers, one site, one name.
#[derive(Debug, Default)]
pub(super) struct Company {
    left: usize,
    block: i64,
    identity: u64,
    home: Option<Home>,
    imeis: Vec<i64>,
    brand: Option<u32>,
    is_allow_listed: bool,
}

impl Company {
    /// Gives a SIM its number and, in a company, what the company's SIMs share.
    pub(super) fn employ(
        &mut self,
        mut sim: Sim,
        brands: &mut Vec<Brand>,
        register: &mut Register,
        rng: &mut Rng,
    ) -> Sim {
        let (most, branded, allowed) = match sim.class {
            Class::CallCentre => (7, 0.6, 0.4),
            Class::Clinic => (3, 0.25, 0.35),
            Class::School => (1, 0.0, 0.15),
            _ => {
                sim.number = register.number(rng);
                return sim;
            }
        };
        if self.left == 0 {
            self.left = 1 + streak(rng, 0.6, most);
            self.block = register.block(rng);
            self.identity = register.identity();
            self.home = Some(register::home(rng));
            self.imeis = register::pool(2 * self.left, rng);
            self.is_allow_listed = chance(rng, allowed);
            self.brand = chance(rng, branded).then(|| found(brands, sim.class));
        }
        self.left -= 1;
        sim.number = register.number_in(self.block, rng);
        sim.paper = Paper { segment: "enterprise", identity: Some(self.identity), ..sim.paper };
        sim.home = self.home.unwrap_or(sim.home);
        sim.imeis = register::some_of(&self.imeis, sim.habit.handsets, rng);
        sim.brand = self.brand;
        sim.is_allow_listed = self.is_allow_listed;
        // A desk takes calls more readily than a person.
        sim.readiness = 0.6 + 0.4 * beta(rng, (2.0, 2.0));
        sim
    }
}

fn found(brands: &mut Vec<Brand>, class: Class) -> u32 {
    let number = u32::try_from(brands.len()).unwrap_or(u32::MAX);
    let (stem, holder) = match class {
        Class::CallCentre => (["NHSONGLAM", "GIAONHANH", "BHANLAC", "TCPHUSA"][brands.len() % 4], "Cong ty"),
        _ => ("PKHOABINH", "Phong kham"),
    };
    brands.push(Brand { name: format!("{stem}{number}"), holder: format!("{holder} {number}") });
    number
}
