//! How often citizens' reports name a domain.
//!
//! In: the wording of each report, with its day and who sent it. Out: for each domain, or each customer's name below a
//! shared one, how often, by how many people and since when. Never: counts one report twice for a domain that it names
//! twice; tells one of those who share a host what was reported of another; keeps a wording.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::shared::SharedHosts;
use crate::domain::day::Day;
use crate::domain::host::Link;

/// How often citizens reported a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Reported {
    /// Day of the first report.
    pub first_on: Day,
    /// Day of the last.
    pub last_on: Day,
    /// How many there were.
    pub reports: u64,
    /// By how many people.
    pub reporters: usize,
}

/// Reports as they are counted.
#[derive(Debug, Default)]
pub struct Tally(HashMap<String, Counted>);

#[derive(Debug)]
struct Counted {
    first_on: Day,
    last_on: Day,
    reports: u64,
    reporters: HashSet<i64>,
}

impl Tally {
    /// Counts one report for every holder's domain or name that it names.
    pub fn add(&mut self, shared: &SharedHosts, day: Day, reporter: i64, content: &str) {
        let links = Link::every(content);
        let domains: HashSet<&str> = links.iter().filter_map(|link| shared.held(&link.host)).collect();
        for domain in domains {
            let new = || Counted { first_on: day, last_on: day, reports: 0, reporters: HashSet::new() };
            let counted = self.0.entry(domain.to_owned()).or_insert_with(new);
            counted.first_on = counted.first_on.min(day);
            counted.last_on = counted.last_on.max(day);
            counted.reports += 1;
            counted.reporters.insert(reporter);
        }
    }

    /// How often a domain or name was reported, as [`SharedHosts::held`] has it.
    pub fn of(&self, domain: &str) -> Option<Reported> {
        let Counted { first_on, last_on, reports, reporters } = self.0.get(domain)?;
        let (first_on, last_on, reports) = (*first_on, *last_on, *reports);
        Some(Reported { first_on, last_on, reports, reporters: reporters.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_counts_once_for_each_domain_and_a_person_once_for_all() {
        let day = |text: &str| -> Day { text.parse().unwrap() };
        let shared = crate::lookup::Rules::embedded().unwrap().shared;
        let mut tally = Tally::default();
        tally.add(
            &shared,
            day("2026-11-03"),
            1,
            "vao hxxp://vay-nhanh[.]xyz/a roi m.vay-nhanh.xyz, khong phai bank.example.vn",
        );
        tally.add(&shared, day("2026-11-01"), 1, "vay-nhanh .xyz");
        tally.add(&shared, day("2026-11-02"), 2, "VAY-NHANH.XYZ!");
        tally.add(&shared, day("2026-11-09"), 3, "vaynhanh.xyz");
        let (first_on, last_on) = (day("2026-11-01"), day("2026-11-03"));
        assert_eq!(tally.of("vay-nhanh.xyz"), Some(Reported { first_on, last_on, reports: 3, reporters: 2 }));
        assert_eq!(tally.of("example.vn").map(|reported| reported.reports), Some(1));
        assert_eq!(tally.of("bank.example.vn"), None);
    }

    #[test]
    fn what_is_reported_of_one_who_shares_a_host_is_told_of_nobody_else() {
        let shared = crate::lookup::Rules::embedded().unwrap().shared;
        let mut tally = Tally::default();
        tally.add(
            &shared,
            "2026-11-01".parse().unwrap(),
            1,
            "vao xau.weebly.com, facebook.com/xau, sites.google.com/xau",
        );
        assert_eq!(tally.of("xau.weebly.com").map(|reported| reported.reports), Some(1));
        for name in ["weebly.com", "tot.weebly.com", "facebook.com", "google.com"] {
            assert_eq!(tally.of(name), None, "{name}");
        }
    }
}
