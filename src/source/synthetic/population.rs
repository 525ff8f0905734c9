//! Everybody who has a SIM of the operator, and whom they know.
//!
//! In: the options. Out: SIMs with numbers, papers, habits and contacts, and tables to meet people by.
//! Never: makes a call.

use std::collections::BTreeMap;
use std::ops::Range;

use rand::Rng as _;

use super::Options;
use super::advertising::{self, Advertiser, DoNotCall};
use super::behaviour::{Habit, draw};
use super::beyond;
use super::campaign::{self, Campaign};
use super::class::{Class, HARD, PEOPLE};
use super::company::{Brand, Company};
use super::contact::Contacts;
use super::draw::{Rng, Table, apportion, between, chance, log_normal, normal, stream, whole, whole_i32};
use super::party::{self, OPERATOR, Party};
use super::register::{self, Home, Paper, Register};
use crate::domain::day::Day;

pub(super) const SECOND_US: i64 = 1_000_000;
pub(super) const DAY_US: i64 = 86_400 * SECOND_US;

/// Days of calls before the history that contacts come from.
const WARM_DAYS: f64 = 150.0;

/// No subscription is older than nineteen years.
const OLDEST_DAYS: f64 = 7_000.0;

/// One subscription.
#[derive(Debug)]
pub(super) struct Sim {
    pub(super) number: i64,
    pub(super) class: Class,
    pub(super) habit: Habit,
    pub(super) activated_at: i64,
    pub(super) deactivated_at: Option<i64>,
    /// Days of use, counted from the first measured day; `ends` is no longer one.
    pub(super) starts: i32,
    pub(super) ends: i32,
    pub(super) campaign: Option<u32>,
    /// Share of its dialled strangers that come from the campaign's list.
    pub(super) list_share: f64,
    pub(super) paper: Paper,
    pub(super) home: Home,
    pub(super) imsi: i64,
    pub(super) imeis: Vec<i64>,
    pub(super) contacts: Contacts,
    /// How readily the owner answers: added to a logit.
    pub(super) readiness: f64,
    /// Share of its reached calls that are reported, where they are unwanted or taken for it.
    pub(super) reported: f64,
    /// How many times as readily they are for what they tell.
    pub(super) notoriety: f64,
    pub(super) last_dialled: Option<Party>,
    /// Whether calls that it does not answer go on to its favourite contact.
    pub(super) is_forwarding: bool,
    pub(super) brand: Option<u32>,
    /// The firm that advertises with it.
    pub(super) advertiser: Option<u32>,
    /// How often it lets a call be that the rules for advertising forbid.
    pub(super) heed: f64,
    pub(super) is_allow_listed: bool,
    /// The subscription that got the number afterwards.
    pub(super) successor: Option<u32>,
    /// Whether it is one of a stock that somebody registered in bulk for others.
    pub(super) is_bulk: bool,
    /// The first innocent event that made its calls burst on a measured day.
    pub(super) event: Option<&'static str>,
}

/// The subscribers, and the world around them.
#[derive(Debug, Default)]
pub(super) struct Population {
    pub(super) sims: Vec<Sim>,
    /// So many of them, from the first on, are the base; those beyond know it, and it does not know them.
    pub(super) base: usize,
    /// From this one on they stand beside all others, which know nothing of them.
    pub(super) beside: usize,
    pub(super) campaigns: Vec<Campaign>,
    pub(super) brands: Vec<Brand>,
    pub(super) advertisers: Vec<Advertiser>,
    pub(super) do_not_call: DoNotCall,
    /// The last call of each SIM that heeds the rules for advertising to each number.
    pub(super) advertised: BTreeMap<(usize, i64), i64>,
    /// Numbers that are not with the operator their range was allotted to.
    pub(super) ported: BTreeMap<i64, &'static str>,
    /// SIMs by how sociable they are.
    pub(super) people: Table,
    /// Businesses of ours by how often they are called.
    pub(super) businesses: Table,
    /// Businesses elsewhere, and an index of them by size.
    pub(super) outside: Vec<Party>,
    pub(super) outside_by_size: Table,
    /// Numbers that were once ours and are elsewhere now.
    pub(super) ported_out: Vec<Party>,
    /// Numbers in our ranges that nobody has.
    pub(super) unallocated: Vec<Party>,
}

/// What a new SIM is made from; the rest is drawn.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) number: i64,
    pub(super) class: Class,
    pub(super) starts: i32,
    pub(super) ends: i32,
    /// Whole days between the activation and the first use, beyond one.
    pub(super) idle_days: f64,
}

impl Sim {
    /// Whether the subscription exists at this instant.
    pub(super) fn is_open(&self, at: i64) -> bool {
        self.activated_at <= at && self.deactivated_at.is_none_or(|end| at < end)
    }

    /// Whether the rules for advertising bind it: it advertises, and a register has it.
    pub(super) fn is_advertiser(&self) -> bool {
        self.class.advertises() && (self.brand.is_some() || self.advertiser.is_some())
    }

    /// How many calls with contacts it made in the months before an instant; at most 700 matter.
    fn calls_before(&self, at: i64) -> f64 {
        // SIMs bought for the purpose lie idle until they are used.
        if self.activated_at >= at || self.habit.mutual < 0.5 {
            return 0.0;
        }
        let days = ((at - self.activated_at) as f64 / 86_400e6).min(WARM_DAYS);
        (days * self.habit.rate * self.habit.active * (1.0 - self.habit.stranger)).min(700.0)
    }

    /// The SIM of a draft: habits by its class, papers of an ordinary customer.
    pub(super) fn new(draft: &Draft, first_day: Day, register: &mut Register, rng: &mut Rng) -> Self {
        let habit = draw(draft.class.law(), rng);
        Self::with_habit(&habit, draft, first_day, (register, rng))
    }

    /// The same with habits that are drawn already.
    pub(super) fn with_habit(
        habit: &Habit,
        draft: &Draft,
        first_day: Day,
        (register, rng): (&mut Register, &mut Rng),
    ) -> Self {
        let imeis = register::pool(habit.handsets, rng);
        let opened = first_day.plus(draft.starts - 1 - whole_i32(draft.idle_days));
        Self {
            number: draft.number,
            class: draft.class,
            habit: *habit,
            activated_at: shop_hours(opened, rng),
            deactivated_at: None,
            starts: draft.starts,
            ends: draft.ends,
            campaign: None,
            list_share: 0.0,
            paper: register.paper(rng),
            home: register::home(rng),
            imsi: register.imsi(),
            imeis,
            contacts: Contacts::default(),
            readiness: 0.5 * normal(rng),
            reported: 0.0,
            notoriety: 1.0,
            last_dialled: None,
            is_forwarding: chance(rng, 0.03),
            brand: None,
            advertiser: None,
            heed: 0.0,
            is_allow_listed: false,
            successor: None,
            is_bulk: false,
            event: None,
        }
    }
}

impl Population {
    /// The number of the campaign that is added next; below 2^32, of which none has so many.
    pub(super) fn next_campaign(&self) -> Option<u32> {
        u32::try_from(self.campaigns.len()).ok()
    }

    /// Everybody, with the contacts that they have when the history begins.
    pub(super) fn new(options: &Options) -> Self {
        let mut rng = stream(options.seed, 0);
        let mut register = Register::new(options.subscribers);
        let mut population = Self::default();
        let (spam, hard, people) = counts(options);
        campaign::recruit(&mut population, spam, options, &mut register, &mut rng);
        population.add_hard(hard, options, &mut register, &mut rng);
        population.add_people(people, options, &mut register, &mut rng);
        population.add_outside(options, &mut register, &mut rng);
        population.tabulate();
        population.base = population.sims.len();
        population.warm(0..population.base, options, &mut rng);
        beyond::recruit(&mut population, options, &mut register);
        campaign::make_notorious(&mut population, options.seed);
        population.do_not_call = advertising::do_not_call(&population.sims, options.seed);
        population
    }

    /// How many SIMs the base has.
    pub(super) fn everybody(&self) -> f64 {
        f64::from(u32::try_from(self.base).unwrap_or(u32::MAX))
    }

    /// The number of a party.
    pub(super) fn number(&self, party: Party) -> Option<i64> {
        match party.as_sim() {
            Some(index) => Some(self.sims[index].number),
            None => party.elsewhere(),
        }
    }

    /// The SIM that answers to the number of this one now; none when nobody has it.
    pub(super) fn holder(&self, index: usize, at: i64) -> Option<usize> {
        let sim = &self.sims[index];
        if sim.is_open(at) {
            return Some(index);
        }
        sim.successor.map(|next| next as usize).filter(|next| self.sims[*next].is_open(at))
    }

    /// The operator that a mobile number elsewhere is with.
    pub(super) fn operator(&self, party: Party) -> Option<&'static str> {
        let ported = party.elsewhere().and_then(|number| self.ported.get(&number).copied());
        ported.or_else(|| party.range_holder())
    }

    fn add_hard(&mut self, count: u32, options: &Options, register: &mut Register, rng: &mut Rng) {
        for (class, count) in apportion(count, &HARD) {
            let mut company = Company::default();
            for _ in 0..count {
                let sim = self.hard_negative(class, &mut company, options, (register, rng));
                self.sims.push(sim);
            }
        }
    }

    fn hard_negative(
        &mut self,
        class: Class,
        company: &mut Company,
        options: &Options,
        (register, rng): (&mut Register, &mut Rng),
    ) -> Sim {
        if class == Class::NewSim {
            return self.newcomer(options, register, rng);
        }
        let draft = Draft { class, ..settled(options, rng) };
        let sim = Sim::new(&draft, options.first_day, register, rng);
        company.employ(sim, &mut self.brands, register, rng)
    }

    /// Somebody with a new number; sometimes one that a spam SIM had before.
    fn newcomer(&mut self, options: &Options, register: &mut Register, rng: &mut Rng) -> Sim {
        let days = i32::try_from(options.days).unwrap_or(i32::MAX);
        let starts = rng.random_range(-14..days.max(1));
        let begins_at = options.first_day.plus(starts).starts_at();
        let is_free =
            |sim: &Sim| sim.successor.is_none() && sim.deactivated_at.is_some_and(|end| end < begins_at - DAY_US);
        let is_recycled = chance(rng, 0.03);
        let before = is_recycled.then(|| self.sims.iter().position(is_free)).flatten();
        let number = match before {
            Some(index) => self.sims[index].number,
            None => register.number(rng),
        };
        let draft = Draft { number, class: Class::NewSim, starts, ends: i32::MAX, idle_days: 0.0 };
        if let Some(index) = before {
            self.sims[index].successor = u32::try_from(self.sims.len()).ok();
        }
        Sim::new(&draft, options.first_day, register, rng)
    }

    fn add_people(&mut self, count: u32, options: &Options, register: &mut Register, rng: &mut Rng) {
        for (class, count) in apportion(count, &PEOPLE) {
            for _ in 0..count {
                let sim = self.person(class, options, register, rng);
                self.sims.push(sim);
            }
        }
    }

    /// An ordinary subscriber; a few brought their number along, a few leave in the measured days.
    fn person(&mut self, class: Class, options: &Options, register: &mut Register, rng: &mut Rng) -> Sim {
        let is_ported = chance(rng, 0.004);
        let number = if is_ported { register.ported_number(rng) } else { register.number(rng) };
        if is_ported {
            self.ported.insert(number, OPERATOR);
        }
        let draft = Draft { number, class, ..settled(options, rng) };
        let mut sim = Sim::new(&draft, options.first_day, register, rng);
        if chance(rng, 0.006) {
            let days = i32::try_from(options.days).unwrap_or(i32::MAX);
            sim.ends = rng.random_range(0..days.max(1));
            sim.deactivated_at = Some(shop_hours(options.first_day.plus(sim.ends), rng));
        }
        sim
    }

    /// Businesses elsewhere, and people who left us with their number.
    fn add_outside(&mut self, options: &Options, register: &mut Register, rng: &mut Rng) {
        for index in 0..20 + options.subscribers / 60 {
            let business = if chance(rng, 0.3) { party::landline(rng) } else { party::mobile(rng) };
            if let (Some("VinaPhone"), Some(number), true) =
                (business.range_holder(), business.elsewhere(), chance(rng, 0.1))
            {
                self.ported.insert(number, "MobiFone");
            }
            self.outside.push(business);
            self.outside_by_size.push(index, 1.0 / f64::from(index + 5));
        }
        for _ in 0..options.subscribers.div_ceil(400) {
            let number = register.number(rng);
            self.ported.insert(number, "Vietnamobile");
            self.ported_out.push(Party::mobile_of(number));
        }
        self.unallocated.extend((0..60).map(|_| Party::mobile_of(register.number(rng))));
    }

    fn tabulate(&mut self) {
        for (index, sim) in (0_u32..).zip(&self.sims) {
            let habit = &sim.habit;
            let social = habit.rate * habit.active * (1.0 - habit.stranger);
            self.people.push(index, social.min(30.0) * habit.mutual);
            let size = habit.rate * (1.0 - habit.stranger_lead);
            self.businesses.push(index, if sim.class.is_business() { size } else { 0.0 });
        }
    }

    /// Gives the settled their contacts: the calls of the months before, of which only the counts stay.
    pub(super) fn warm(&mut self, sims: Range<usize>, options: &Options, rng: &mut Rng) {
        let begins_at = history_start(options).starts_at();
        for index in sims {
            for _ in 0..whole(self.sims[index].calls_before(begins_at)) {
                self.keep_up(index, begins_at, rng);
            }
        }
    }

    /// One call with a contact, old or new; nothing stays but the acquaintance.
    fn keep_up(&mut self, index: usize, at: i64, rng: &mut Rng) {
        let Sim { contacts, habit, .. } = &mut self.sims[index];
        if contacts.wants_new(rng, habit.theta, habit.discount) {
            let party = self.acquaintance(index, at, rng);
            self.befriend(index, party, rng);
        } else {
            contacts.again(rng, habit.favourite, habit.discount);
        }
    }

    /// Makes a party a contact; returns whether it knows the SIM too, as most do.
    pub(super) fn befriend(&mut self, index: usize, party: Party, rng: &mut Rng) -> bool {
        let sim = &mut self.sims[index];
        let is_mutual = chance(rng, sim.habit.mutual);
        sim.contacts.meet(party, !is_mutual);
        is_mutual
    }
}

/// An instant at which a point of sale is open.
pub(super) fn shop_hours(day: Day, rng: &mut Rng) -> i64 {
    day.starts_at() + whole(between(rng, (8.0, 20.0)) * 3_600.0) * SECOND_US
}

/// The first day of the history.
pub(super) fn history_start(options: &Options) -> Day {
    options.first_day.plus(-i32::try_from(options.history_days).unwrap_or(i32::MAX))
}

/// A subscription that is months or years old.
pub(super) fn settled(options: &Options, rng: &mut Rng) -> Draft {
    let starts = -i32::try_from(options.history_days).unwrap_or(i32::MAX);
    Draft {
        number: 0,
        class: Class::Light,
        starts,
        ends: i32::MAX,
        idle_days: log_normal(rng, (500.0, 1.0)).min(OLDEST_DAYS),
    }
}

/// A share of the base, as a count.
pub(super) fn part(options: &Options, share: f64) -> u32 {
    u32::try_from(whole(f64::from(options.subscribers) * share + 0.5)).unwrap_or(0)
}

fn counts(options: &Options) -> (u32, u32, u32) {
    let spam = part(options, options.spam_share).min(options.subscribers);
    let hard = part(options, options.hard_negative_share).min(options.subscribers - spam);
    (spam, hard, options.subscribers - spam - hard)
}
