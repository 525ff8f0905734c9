//! Advertisers that a register names, and people who call as they do and are in none.
//!
//! In: how many there are to be. Out: firms that keep the rules for advertising calls, firms that do not care, and
//! organisers (of a club, a parish, a wedding), whom these rules do not bind. Never: adds one that a bar would be right
//! for.

use super::super::advertising::Advertiser;
use super::super::campaign::{self, Campaign};
use super::super::class::Class;
use super::super::company::Brand;
use super::super::draw::{apportion, between};
use super::super::population::{Draft, Sim, settled};
use super::super::register;
use super::super::report;
use super::Recruiter;

/// The kinds, and their shares.
const KINDS: [(Kind, f64); 3] = [(Kind::Scrupulous, 0.35), (Kind::Careless, 0.35), (Kind::Organiser, 0.30)];

#[derive(Clone, Copy)]
enum Kind {
    Scrupulous,
    Careless,
    Organiser,
}

/// Desks of one firm.
const DESKS: (u32, u32) = (1, 3);

/// Numbers that a firm buys for each desk, and share of the calls to strangers that go to them.
const BOUGHT: usize = 1_000;
const LIST_SHARE: f64 = 0.8;

/// How often a careless firm lets a call be that is forbidden.
const CARE: (f64, f64) = (0.0, 0.7);

/// People on the list of an organiser.
const MEMBERS: usize = 150;

impl Recruiter<'_> {
    /// Advertisers and organisers.
    pub(super) fn add_advertisers(&mut self, count: u32) {
        for (kind, count) in apportion(count, &KINDS) {
            match kind {
                Kind::Scrupulous => self.add_firms(count, (1.0, 1.0)),
                Kind::Careless => self.add_firms(count, CARE),
                Kind::Organiser => (0..count).for_each(|_| self.add_organiser()),
            }
        }
    }

    /// Firms that sell by telephone; every other one by a registered name.
    fn add_firms(&mut self, count: u32, care: (f64, f64)) {
        for size in self.groups(count, DESKS) {
            let first = self.firm(Class::Advertiser, size);
            let (site, heed) = (register::home(&mut self.rng), between(&mut self.rng, care));
            let place = self.population.advertisers.len();
            let firm = Brand { name: format!("QCHOANGMAI{place}"), holder: format!("Cong ty quang cao {place}") };
            self.population.advertisers.push(Advertiser { firm, is_brandname: place % 2 == 1 });
            let campaign = self.population.next_campaign();
            for sim in &mut self.population.sims[first..] {
                (sim.advertiser, sim.heed, sim.home) = (u32::try_from(place).ok(), heed, site);
                (sim.campaign, sim.list_share) = (campaign, LIST_SHARE);
                sim.reported = campaign::reported(&self.options.report, &mut self.rng);
            }
            self.population.campaigns.push(Campaign { targets: Vec::new(), form: report::OFFER });
            self.give_numbers(BOUGHT * size as usize);
        }
    }

    /// Somebody with a list of people, who calls in the evening as well, and again where nobody answers.
    fn add_organiser(&mut self) {
        let number = self.register.number(&mut self.rng);
        let draft = Draft { number, class: Class::Organiser, ..settled(self.options, &mut self.rng) };
        let mut sim = Sim::new(&draft, self.options.first_day, self.register, &mut self.rng);
        (sim.campaign, sim.list_share) = (self.population.next_campaign(), 1.0);
        self.population.sims.push(sim);
        self.population.campaigns.push(Campaign { targets: Vec::new(), form: report::OFFER });
        self.give_numbers(MEMBERS);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::super::tests::{calls, number, run};
    use super::super::super::{BeyondOptions, Operator, Options, Truth};
    use super::super::tests::with;

    /// The numbers of a reference table.
    fn numbers_in(operator: &Operator, table: &str) -> BTreeSet<i64> {
        let (_, csv) = operator.reference().into_iter().find(|(name, _)| *name == table).unwrap();
        csv.lines().skip(1).map(|line| line.split(',').next().unwrap().parse().unwrap()).collect()
    }

    #[test]
    fn careless_advertisers_break_each_rule_and_the_scrupulous_none_and_organisers_are_bound_by_none() {
        let beyond = BeyondOptions { advertiser_share: 0.02, ..BeyondOptions::NOTHING };
        let (operator, messages) = run(Options { spam_share: 0.0, hard_negative_share: 0.0, ..with(beyond) });
        let truth = operator.truth();
        let of = |class: &str| -> BTreeSet<i64> {
            truth.iter().filter(|truth| truth.class == class).map(|truth| truth.number).collect()
        };
        let (advertisers, organisers) = (of("advertiser"), of("organiser"));
        assert_eq!((advertisers.len(), organisers.len()), (28, 12));
        let is_innocent = |truth: &Truth| truth.is_protected && !truth.is_spam;
        assert!(truth.iter().filter(|truth| organisers.contains(&truth.number)).all(is_innocent));

        let (confirmed, branded) = (numbers_in(&operator, "advertiser"), numbers_in(&operator, "brandname"));
        assert!(!confirmed.is_empty() && !branded.is_empty() && confirmed.is_disjoint(&branded));
        assert_eq!(confirmed.union(&branded).copied().collect::<BTreeSet<_>>(), advertisers);

        let breaches = operator.breaches();
        let scrupulous: BTreeSet<i64> =
            operator.population.sims.iter().filter(|sim| sim.heed >= 1.0).map(|sim| sim.number).collect();
        assert!(scrupulous.len() == 14 && scrupulous.is_subset(&advertisers));
        let breaching: BTreeSet<i64> = breaches.iter().map(|breach| breach.caller).collect();
        assert!(breaching.is_subset(&advertisers) && breaching.is_disjoint(&scrupulous) && breaching.len() > 7);
        for kind in ["do_not_call", "outside_hours", "repeated"] {
            assert!(breaches.iter().any(|breach| breach.kind == kind), "nobody breaks {kind}");
        }

        // Each breach is a call that the records show, and organisers make such calls as well.
        let records = calls(&messages);
        let made: BTreeSet<(i64, i64, i64)> = records
            .iter()
            .filter(|record| record.record_type == "originating")
            .filter_map(|record| {
                Some((record.start_at, number(record.caller.as_deref())?, number(record.callee.as_deref())?))
            })
            .collect();
        assert!(breaches.iter().all(|breach| made.contains(&(breach.at, breach.caller, breach.callee))));
        let listed = numbers_in(&operator, "do_not_call");
        let by_organisers = made.iter().filter(|(_, caller, _)| organisers.contains(caller));
        let unwanted = by_organisers.filter(|(_, _, callee)| listed.contains(callee)).count();
        assert!(unwanted > 0, "organisers call whom they know");
    }
}
