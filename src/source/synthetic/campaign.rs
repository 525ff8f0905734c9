//! Spam campaigns: the SIMs that one gang uses, and what they share.
//!
//! In: how many spam SIMs there are to be. Out: SIMs of each archetype, staggered over the days, with a
//! list of targets, a pool of handsets, a block of numbers and an identity in common.
//! Never: makes a spam SIM behave by other rules than its law's parameters.

use rand::Rng as _;

use super::behaviour::ONNET_SHARE;
use super::class::{Archetype, Class, SPAM};
use super::draw::{Rng, apportion, between, chance, gamma, log_normal, one, poisson, stream, whole, whole_i32};
use super::party::{self, Party};
use super::population::{Draft, Population, Sim, shop_hours};
use super::register::{self, Home, Paper, Register};
use super::report;
use super::{Options, ReportOptions};

/// Most calls of a day that a SIM is given.
const MOST_CALLS: f64 = 700.0;

/// The stream of draws for how notorious scams become.
const NOTORIETY_STREAM: u64 = 4;

/// How many times as readily a scam's calls are reported as other spam's: Pareto with exponent 1, from the least to the
/// most.
const NOTORIETY: (f64, f64) = (4.0, 400.0);

/// What the calls of one campaign share.
#[derive(Debug)]
pub(super) struct Campaign {
    /// Numbers on the list that it works through.
    pub(super) targets: Vec<Party>,
    /// Which story its calls tell: an index of `report`'s forms.
    pub(super) form: usize,
}

/// What the SIMs of one campaign share.
#[derive(Debug)]
struct Gang {
    starts: i32,
    /// Mean days by which a member comes later than the first, beyond three.
    span_days: f64,
    block: i64,
    home: Home,
    imeis: Vec<i64>,
    dealer: u32,
    identity: u64,
    /// SIMs that it has registered so far on the identity.
    registered: usize,
}

/// Adds the spam SIMs and their campaigns.
pub(super) fn recruit(
    population: &mut Population,
    count: u32,
    options: &Options,
    register: &mut Register,
    rng: &mut Rng,
) {
    for (archetype, count) in apportion(count, &SPAM) {
        let (mut left, mut turn) = (count, rng.random::<f64>());
        while left > 0 {
            let size = size(rng).min(count.div_ceil(4)).min(left);
            left -= size;
            // Steps of the golden section spread a few campaigns evenly over the days.
            turn = (turn + 0.618_033_988_75).fract();
            let plan = Plan { archetype, size, starts: start(archetype, turn, options) };
            raise(&plan, population, options, register, rng);
        }
    }
    list_targets(population, options);
}

/// Adds the SIMs of one campaign, as yet without a list.
pub(super) fn raise(
    plan: &Plan,
    population: &mut Population,
    options: &Options,
    register: &mut Register,
    rng: &mut Rng,
) {
    let (campaign, mut gang) = found(plan, register, rng);
    for _ in 0..plan.size {
        let mut sim = member(plan.archetype, &mut gang, options, register, rng);
        sim.campaign = population.next_campaign();
        population.sims.push(sim);
    }
    population.campaigns.push(campaign);
}

/// Zipf with exponent 1.7: most campaigns are one SIM, a few are dozens.
fn size(rng: &mut Rng) -> u32 {
    let u: f64 = rng.random_range(1e-4..1.0);
    u32::try_from(whole(u.powf(-1.0 / 0.7))).unwrap_or(1).clamp(1, 200)
}

/// A campaign to be.
pub(super) struct Plan {
    pub(super) archetype: Archetype,
    pub(super) size: u32,
    /// First day, counted from the first measured one.
    pub(super) starts: i32,
}

/// The day on which a campaign begins; `turn` is in [0, 1).
///
/// Most short-lived ones begin in the measured days, most long-lived ones before.
fn start(archetype: Archetype, turn: f64, options: &Options) -> i32 {
    let history = f64::from(options.history_days);
    let (inside, reach_back) = match archetype {
        Archetype::Camouflaged => (0.35, history + 150.0),
        Archetype::Mixed => (0.5, history + 10.0),
        _ => (0.7, history),
    };
    let starts = if turn < inside {
        turn / inside * 0.8 * f64::from(options.days)
    } else {
        -(turn - inside) / (1.0 - inside) * reach_back
    };
    whole_i32(starts.floor())
}

fn found(plan: &Plan, register: &mut Register, rng: &mut Rng) -> (Campaign, Gang) {
    let form = match plan.archetype {
        Archetype::OneRing => report::ONE_RING,
        Archetype::DebtPool => report::DEBT,
        _ => rng.random_range(0..report::TOLD_BY_SPAM),
    };
    let gang = Gang {
        starts: plan.starts,
        span_days: 0.1 * f64::from(plan.size),
        block: register.block(rng),
        home: register::home(rng),
        imeis: register::pool(2 + plan.size as usize * 2, rng),
        dealer: register::dealer(rng),
        identity: register.identity(),
        registered: 0,
    };
    (Campaign { targets: Vec::new(), form }, gang)
}

fn member(archetype: Archetype, gang: &mut Gang, options: &Options, register: &mut Register, rng: &mut Rng) -> Sim {
    let (life_days, calls) = life(archetype, rng);
    let last = i32::try_from(options.days).unwrap_or(i32::MAX) - 1;
    // SIMs are used up one after the other; a few work side by side.
    let starts = (gang.starts + whole_i32(gamma(rng, 1.0, 3.0 + gang.span_days))).min(last.max(gang.starts));
    let number = if chance(rng, 0.6) { register.number_in(gang.block, rng) } else { register.number(rng) };
    let idle_days = if chance(rng, 0.6) { between(rng, (0.0, 3.0)) } else { log_normal(rng, (20.0, 1.0)) };
    let draft = Draft { number, class: Class::Spam(archetype), starts, ends: starts + life_days, idle_days };
    let mut sim = Sim::new(&draft, options.first_day, register, rng);
    if let Some(calls) = calls {
        sim.habit.rate = calls / f64::from(life_days);
    }
    sim.habit.rate = sim.habit.rate.min(MOST_CALLS);
    sim.list_share = between(rng, (0.05, 0.3));
    sim.reported = reported(&options.report, rng);
    sim.deactivated_at = thrown_away(&sim, options, rng);
    if sim.habit.mutual < 0.5 {
        share(&mut sim, gang, register, rng);
    }
    sim
}

/// Share of its reached calls that are reported, log-uniform.
pub(super) fn reported(report: &ReportOptions, rng: &mut Rng) -> f64 {
    report.least_share * (report.most_share / report.least_share).powf(rng.random::<f64>())
}

/// Draws how much the calls of each scam are talked of: of most hardly more than of other spam, a few frighten whomever
/// they reach.
pub(super) fn make_notorious(population: &mut Population, seed: u64) {
    let mut rng = stream(seed, NOTORIETY_STREAM);
    let campaigns = &population.campaigns;
    for sim in population.sims.iter_mut().filter(|sim| sim.class.is_unwanted()) {
        if sim.campaign.is_some_and(|campaign| report::is_scam(campaigns[campaign as usize].form)) {
            let u: f64 = rng.random_range(1e-4..1.0);
            sim.notoriety = (NOTORIETY.0 / u).min(NOTORIETY.1);
        }
    }
}

/// What SIMs that were bought for the purpose have in common; the others belong to somebody already.
fn share(sim: &mut Sim, gang: &mut Gang, register: &mut Register, rng: &mut Rng) {
    if gang.registered == 10 || chance(rng, 0.15) {
        (gang.identity, gang.registered) = (register.identity(), 0);
    }
    gang.registered += 1;
    let identity = (!chance(rng, 0.2)).then_some(gang.identity);
    sim.paper = Paper { segment: "prepaid", identity, dealer: gang.dealer };
    if chance(rng, 0.7) {
        sim.home = gang.home;
    }
    sim.imeis = register::some_of(&gang.imeis, sim.habit.handsets, rng);
}

/// Days of use and, where the law is one of a whole life, its calls.
fn life(archetype: Archetype, rng: &mut Rng) -> (i32, Option<f64>) {
    match archetype {
        Archetype::Burst | Archetype::SharedList | Archetype::BulkStock => {
            let more = gamma(rng, 1.6, 2.4);
            (1 + draw_days(more, rng), Some(log_normal(rng, (138.0, 0.8))))
        }
        Archetype::Blaster => (3 + whole_i32(log_normal(rng, (11.0, 0.8))), None),
        Archetype::SmsAndCall => (2 + whole_i32(log_normal(rng, (5.0, 0.5))), Some(log_normal(rng, (181.0, 0.6)))),
        Archetype::Camouflaged => (10_000, None),
        Archetype::Mixed => (5 + whole_i32(log_normal(rng, (22.0, 0.5))), None),
        Archetype::Tiny => (1 + draw_days(1.0, rng), Some(log_normal(rng, (8.0, 0.5)))),
        Archetype::OneRing => (1 + draw_days(0.8, rng), None),
        Archetype::SimBox => (4 + draw_days(6.0, rng), None),
        Archetype::DebtPool => (2 + draw_days(2.0, rng), None),
        Archetype::Robot => (3 + draw_days(3.0, rng), None),
    }
}

fn draw_days(mean: f64, rng: &mut Rng) -> i32 {
    i32::try_from(poisson(rng, mean)).unwrap_or(i32::MAX)
}

/// When a used-up SIM is closed, if that is before the end; most are just left alone.
fn thrown_away(sim: &Sim, options: &Options, rng: &mut Rng) -> Option<i64> {
    let closed = shop_hours(options.first_day.plus(sim.ends + whole_i32(between(rng, (0.0, 7.0)))), rng);
    let end = options.first_day.plus(i32::try_from(options.days).unwrap_or(i32::MAX)).starts_at();
    (chance(rng, 0.4) && closed < end).then_some(closed)
}

/// Draws the lists; SIMs of all classes exist as indices only later, so targets are drawn by index.
fn list_targets(population: &mut Population, options: &Options) {
    let mut rng = stream(options.seed, 1);
    let subscribers = options.subscribers.max(1) as usize;
    let mut members = vec![0_usize; population.campaigns.len()];
    for campaign in population.sims.iter().filter_map(|sim| sim.campaign) {
        members[campaign as usize] += 1;
    }
    for (campaign, members) in population.campaigns.iter_mut().zip(members) {
        campaign.targets = list(200 + 120 * members, subscribers, &mut rng);
    }
}

/// A list of so many numbers, ours among the first `subscribers` SIMs.
pub(super) fn list(numbers: usize, subscribers: usize, rng: &mut Rng) -> Vec<Party> {
    let own = |rng: &mut Rng| Party::sim(rng.random_range(0..subscribers));
    let mut list: Vec<Party> = (0..numbers)
        .map(|_| {
            let is_onnet = chance(rng, ONNET_SHARE);
            if is_onnet { own(rng) } else { party::mobile(rng) }
        })
        .collect();
    // A list is sold more than once: its best part appears twice.
    for _ in 0..numbers / 10 {
        let again = *one(rng, &list);
        list.push(again);
    }
    list
}
