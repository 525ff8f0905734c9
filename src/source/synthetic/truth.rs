//! What is true of an operator: its subscriptions, the trunks that false numbers come in by, and the rules for
//! advertising that were broken.
//!
//! In: the population and the calls that were made. Out: rows to measure verdicts and detections against.
//! Never: reaches the pipeline.

use std::collections::BTreeMap;

use super::class::{Archetype, Class};
use super::population::{Population, Sim};
use super::{Breach, Operator, report};
use crate::domain::day::Day;

/// Detections of subscriptions, by type; `spoofed_number` is one of trunks.
pub const TYPES: [&str; 7] =
    ["telemarketing", "robocall", "one_ring", "impersonation", "debt_harassment", "sim_box", "bulk_registration"];

/// The type of detection that names a trunk and a day.
pub const SPOOFED_NUMBER: &str = "spoofed_number";

/// Spam SIMs on one identity, or of one dealer in one hundred numbers: so many count as registered in bulk.
const HELD_IN_BULK: usize = 4;

/// What is true of one subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// Its number, E.164 digits; a recycled one occurs twice, with intervals apart.
    pub number: i64,
    /// Activation, UTC microseconds.
    pub activated_at: i64,
    /// End of the subscription, UTC microseconds; none while it lasts.
    pub deactivated_at: Option<i64>,
    /// light, heavy, talker, idle; spam; courier, driver, `call_centre`, clinic, school, `new_sim`; beyond the base also
    /// switchboard and lender, beside it reminder, alarm, dispatcher, advertiser and organiser.
    pub class: &'static str,
    /// Of a spam SIM: burst, blaster, `sms_and_call`, camouflaged, mixed, tiny or `one_ring`; beyond the base
    /// `sim_box`, `debt_pool`, `shared_list`, `bulk_stock` or robot.
    pub archetype: Option<&'static str>,
    /// Spam SIMs of one number work together.
    pub campaign: Option<u32>,
    /// Whether it is used for spam, or for another fraud that a bar is right for.
    pub is_spam: bool,
    /// Whether it is one of the hard negatives.
    pub is_protected: bool,
    /// Whether the carrier has it on its allow-list.
    pub is_allow_listed: bool,
    /// The first innocent event that made it call, or be called, in a burst on a measured day: storm, sale or
    /// `call_tree`.
    pub event: Option<&'static str>,
    /// The detections of `TYPES` that are right about it.
    pub types: Vec<&'static str>,
    /// Calls made on each measured day, answered or not; forwarded legs and false numbers not counted.
    pub calls_by_day: Vec<u32>,
}

/// A day on which calls with a false number came in by a trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoofed {
    /// The day.
    pub day: Day,
    /// The trunk group.
    pub trunk: &'static str,
    /// Calls with a false number.
    pub calls: u32,
}

impl Operator {
    /// The truth of every subscription, in order of number and activation.
    pub fn truth(&self) -> Vec<Truth> {
        let days = self.options.days as usize;
        let (holdings, lots) = (holdings(&self.population), lots(&self.population));
        let truth = self.population.sims.iter().enumerate().map(|(index, sim)| Truth {
            number: sim.number,
            activated_at: sim.activated_at,
            deactivated_at: sim.deactivated_at,
            class: sim.class.name(),
            archetype: sim.class.archetype().map(Archetype::name),
            campaign: sim.campaign.filter(|_| is_spam(sim)),
            is_spam: is_spam(sim),
            is_protected: sim.class.is_protected(),
            is_allow_listed: sim.is_allow_listed,
            event: sim.event,
            types: types(sim, &self.population, is_in_bulk(sim, &holdings, &lots)),
            calls_by_day: self.calls[index * days..(index + 1) * days].to_vec(),
        });
        let mut truth: Vec<Truth> = truth.collect();
        truth.sort_by_key(|truth| (truth.number, truth.activated_at));
        truth
    }

    /// The rules for advertising that registered advertisers have broken on measured days, in order of time.
    pub fn breaches(&self) -> &[Breach] {
        &self.advertising.breaches
    }

    /// The trunks by which false numbers have come in on measured days, in order of day and trunk.
    pub fn spoofed(&self) -> Vec<Spoofed> {
        let mut spoofed: BTreeMap<(Day, &'static str), u32> = BTreeMap::new();
        for (at, calls) in self.desks.iter().flat_map(|desk| &desk.network.spoofed) {
            *spoofed.entry(*at).or_default() += calls;
        }
        spoofed.retain(|(day, _), _| *day >= self.options.first_day);
        spoofed.into_iter().map(|((day, trunk), calls)| Spoofed { day, trunk, calls }).collect()
    }
}

fn is_spam(sim: &Sim) -> bool {
    sim.class.archetype().is_some()
}

/// Spam SIMs by the identity that holds them.
fn holdings(population: &Population) -> BTreeMap<u64, usize> {
    let mut holdings: BTreeMap<u64, usize> = BTreeMap::new();
    for identity in population.sims.iter().filter(|sim| is_spam(sim)).filter_map(|sim| sim.paper.identity) {
        *holdings.entry(identity).or_default() += 1;
    }
    holdings
}

/// Spam SIMs by the dealer and the hundred numbers that they are from.
fn lots(population: &Population) -> BTreeMap<(u32, i64), usize> {
    let mut lots: BTreeMap<(u32, i64), usize> = BTreeMap::new();
    for sim in population.sims.iter().filter(|sim| is_spam(sim)) {
        *lots.entry(lot(sim)).or_default() += 1;
    }
    lots
}

fn lot(sim: &Sim) -> (u32, i64) {
    (sim.paper.dealer, sim.number / 100)
}

fn is_in_bulk(sim: &Sim, holdings: &BTreeMap<u64, usize>, lots: &BTreeMap<(u32, i64), usize>) -> bool {
    let held = sim.paper.identity.and_then(|identity| holdings.get(&identity)).copied().unwrap_or(0);
    let beside = lots.get(&lot(sim)).copied().unwrap_or(0);
    sim.is_bulk || (is_spam(sim) && held.max(beside) >= HELD_IN_BULK)
}

/// The detections that are right about a SIM; whether it may is another matter. Who tells a scam calls strangers as who
/// sells does: it is both.
fn types(sim: &Sim, population: &Population, is_in_bulk: bool) -> Vec<&'static str> {
    let mut types = match sim.class.archetype() {
        None if sim.class == Class::Advertiser => vec!["telemarketing"],
        None => vec![],
        Some(Archetype::OneRing) => vec!["one_ring"],
        Some(Archetype::SimBox) => vec!["sim_box"],
        Some(Archetype::DebtPool) => vec!["debt_harassment"],
        Some(Archetype::Robot) => vec!["telemarketing", "robocall"],
        Some(_) => vec!["telemarketing"],
    };
    let form = sim.campaign.map(|campaign| population.campaigns[campaign as usize].form);
    if types.contains(&"telemarketing") && form.is_some_and(report::is_scam) {
        types.push("impersonation");
    }
    if is_in_bulk {
        types.push("bulk_registration");
    }
    types
}
