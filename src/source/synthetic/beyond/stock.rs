//! SIMs that somebody registers in bulk for others.
//!
//! In: how many there are to be. Out: SIMs that one dealer activates within an hour, or that one identity holds; some
//! are used for spam later, some are sold, the others lie in a drawer. Never: registers a SIM after its first use.

use super::super::class::{Archetype, Class};
use super::super::draw::{between, whole, whole_i32};
use super::super::population::{Draft, SECOND_US, Sim, shop_hours};
use super::super::register::{self, Paper};
use super::Recruiter;

/// SIMs that a dealer activates in one go.
const LOT: (u32, u32) = (20, 30);

/// SIMs that one identity holds: the law looks at the fourth and at the tenth.
const HOLDING: (u32, u32) = (6, 14);

/// Seconds in which a lot is activated.
const LOT_S: f64 = 3_000.0;

/// Numbers that one document gets online; the fourth wants its owner.
const ONLINE: usize = 3;

impl Recruiter<'_> {
    /// Stocks: about half by the dealer's hour, half by identity.
    pub(super) fn add_stocks(&mut self, count: u32) {
        for size in self.groups(count / 2, LOT) {
            self.add_lot(size);
        }
        for size in self.groups(count - count / 2, HOLDING) {
            self.add_holding(size);
        }
    }

    /// A dealer activates them within the hour, on papers that nobody came for.
    fn add_lot(&mut self, size: u32) {
        let day = self.opening_day();
        let first = self.stock(size, day);
        let (dealer, opens_at) = (register::dealer(&mut self.rng), self.opening_hour(day));
        let mut identity = None;
        for (place, sim) in self.population.sims[first..].iter_mut().enumerate() {
            if place % ONLINE == 0 {
                identity = Some(self.register.identity());
            }
            sim.activated_at = opens_at + whole(between(&mut self.rng, (0.0, LOT_S))) * SECOND_US;
            sim.paper = Paper { segment: "prepaid", identity, dealer };
        }
    }

    /// One identity takes them in some days.
    fn add_holding(&mut self, size: u32) {
        let day = self.opening_day();
        let first = self.stock(size, day);
        let paper = Paper {
            segment: "prepaid",
            identity: Some(self.register.identity()),
            dealer: register::dealer(&mut self.rng),
        };
        for sim in &mut self.population.sims[first..] {
            let before = whole_i32(between(&mut self.rng, (0.0, 10.0)));
            sim.activated_at = shop_hours(self.options.first_day.plus(day - before), &mut self.rng);
            sim.paper = paper;
        }
    }

    /// The SIMs of a stock that is complete on this day.
    fn stock(&mut self, size: u32, day: i32) -> usize {
        let for_spam = size.div_ceil(4);
        let first = self.raise_on(Archetype::BulkStock, for_spam, day + 1);
        self.give_numbers(200 + 120 * for_spam as usize);
        for place in for_spam..size {
            let is_sold = place % 2 == 0;
            let class = if is_sold { Class::Light } else { Class::Idle };
            let number = self.register.number(&mut self.rng);
            let draft = Draft { number, class, starts: day + 1, ends: i32::MAX, idle_days: 0.0 };
            let mut sim = Sim::new(&draft, self.options.first_day, self.register, &mut self.rng);
            if !is_sold {
                sim.starts = i32::MAX;
            }
            self.population.sims.push(sim);
        }
        self.population.sims[first..].iter_mut().for_each(|sim| sim.is_bulk = true);
        first
    }

    /// A day in the first half of the measured ones.
    pub(super) fn opening_day(&mut self) -> i32 {
        whole_i32(between(&mut self.rng, (0.0, 0.5 * f64::from(self.options.days))))
    }

    /// An instant of a day at which a shop begins something long.
    pub(super) fn opening_hour(&mut self, day: i32) -> i64 {
        let hour = between(&mut self.rng, (9.0, 17.0));
        self.options.first_day.plus(day).starts_at() + whole(hour * 3_600.0) * SECOND_US
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::super::tests::run;
    use super::super::super::{BeyondOptions, Message, Operator, Truth};
    use super::super::tests::{HOUR_US, with};
    use crate::schema::topic::Topic;
    use crate::schema::wire::Subscriber;

    /// What is on paper about a subscription.
    struct Registered {
        number: i64,
        at: i64,
        is_enterprise: bool,
        identity: Option<String>,
        dealer: String,
    }

    fn registered(operator: &Operator, messages: &[Message]) -> Vec<Registered> {
        let subscribers = operator.subscribers();
        let all = subscribers.iter().chain(messages).filter(|message| message.topic == Topic::Subscriber);
        let records = all.map(|message| serde_json::from_slice::<Subscriber<'_>>(&message.payload).unwrap());
        let opened = records.filter(|record| record.deactivated_at.is_none()).map(|record| Registered {
            number: record.number.parse().unwrap(),
            at: record.activated_at,
            is_enterprise: record.segment == "enterprise",
            identity: record.identity_hash.map(Cow::into_owned),
            dealer: record.dealer.unwrap().into_owned(),
        });
        opened.collect()
    }

    /// The most activations of one dealer in a window, and how many identities they are on.
    fn busiest(registered: &[&Registered], within: i64) -> (usize, usize) {
        let rush = registered.iter().map(|first| {
            let is_near =
                |other: &&&Registered| other.dealer == first.dealer && (0..within).contains(&(other.at - first.at));
            let rush: Vec<_> = registered.iter().filter(is_near).collect();
            (rush.len(), rush.iter().map(|other| &other.identity).collect::<BTreeSet<_>>().len())
        });
        rush.max().unwrap()
    }

    fn largest(registered: &[&Registered]) -> usize {
        let mut holders: BTreeMap<&String, usize> = BTreeMap::new();
        for identity in registered.iter().filter_map(|registered| registered.identity.as_ref()) {
            *holders.entry(identity).or_default() += 1;
        }
        holders.into_values().max().unwrap_or(0)
    }

    #[test]
    fn a_stock_is_registered_at_once_or_by_one_and_so_are_a_fleet_and_freshmen() {
        let (operator, messages) =
            run(with(BeyondOptions { bulk_share: 0.03, lookalike_share: 0.05, ..BeyondOptions::NOTHING }));
        let truth = operator.truth();
        let bulk: BTreeSet<i64> =
            operator.population.sims.iter().filter(|sim| sim.is_bulk).map(|sim| sim.number).collect();
        let is_typed = |truth: &&Truth| truth.types.contains(&"bulk_registration");
        assert!(bulk.len() == 60 && bulk.is_subset(&truth.iter().filter(is_typed).map(|truth| truth.number).collect()));
        let spam = truth.iter().filter(|truth| bulk.contains(&truth.number) && truth.is_spam).count();
        assert!((15..25).contains(&spam), "{spam} of the stock are used for spam");

        let all = registered(&operator, &messages);
        let stock: Vec<&Registered> = all.iter().filter(|registered| bulk.contains(&registered.number)).collect();
        assert!(stock.iter().all(|registered| !registered.is_enterprise));
        let (lot, identities) = busiest(&stock, HOUR_US);
        assert!(lot >= 20 && identities * 4 >= lot, "{lot} in an hour on {identities} identities");
        assert!((6..20).contains(&largest(&stock)), "{} on one identity", largest(&stock));

        let fleet: Vec<&Registered> = all.iter().filter(|registered| registered.is_enterprise).collect();
        assert!(largest(&fleet) > 10 && busiest(&fleet, HOUR_US).0 > 10, "{} in a fleet", largest(&fleet));
        let newcomers: BTreeSet<i64> =
            truth.iter().filter(|truth| truth.class == "new_sim").map(|truth| truth.number).collect();
        let freshmen: Vec<&Registered> =
            all.iter().filter(|registered| newcomers.contains(&registered.number)).collect();
        let (freshmen, identities) = busiest(&freshmen, 5 * HOUR_US);
        assert!(freshmen >= 10 && identities >= freshmen - 1, "{freshmen} freshmen on {identities} identities");
    }
}
