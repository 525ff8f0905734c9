//! What a report names besides the number: the page or the account that a campaign sends people to.
//!
//! In: a report and its campaign. Out: the same report, maybe with one thing more in its words. Never: names a page that
//! is somebody's, or draws from what the rest is drawn from.

use rand::Rng as _;

use super::draw::{Rng, chance, mix};
use super::report::Report;

/// Of those who name something, who names the page; the others name the account.
const NAMES_PAGE: f64 = 0.7;

/// Pages and accounts of one campaign.
const EACH: u64 = 2;

/// Adds what the campaign of the reported number sends people to; no campaign, nothing to add.
pub(super) fn add(report: &mut Report, share: f64, seed: u64, rng: &mut Rng) {
    let Some(campaign) = report.campaign.filter(|_| chance(rng, share)) else { return };
    let draw = mix(mix(seed, 6), u64::from(campaign) * EACH + rng.random_range(0..EACH));
    // "gia lap" is "simulated"; no bank has numbers with 999 before them.
    let said = if chance(rng, NAMES_PAGE) {
        format!("web gialap-{:05}.xyz", draw % 100_000)
    } else {
        format!("stk 999{:010}", draw % 10_000_000_000)
    };
    let bracketed = [')', ']'].into_iter().find_map(|closing| Some((report.text.strip_suffix(closing)?, closing)));
    report.text = match bracketed {
        Some((open, closing)) => format!("{open}, {said}{closing}"),
        None => format!("{}, {said}", report.text),
    };
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::tests::{clean, run, texts};
    use super::super::{Options, ReportOptions};

    /// The text of each report, where so many of them name something.
    fn told(named_share: f64) -> BTreeMap<String, String> {
        let shares = ReportOptions { least_share: 0.05, most_share: 0.1, ..Default::default() };
        let report = ReportOptions { named_share, order_share: 0.0, ..shares };
        let (_, messages) = run(Options { report, spam_share: 0.08, ..clean(1_500) });
        texts(&messages)
    }

    #[test]
    fn a_report_that_names_something_says_all_it_said() {
        let (plain, named) = (told(0.0), told(1.0));
        assert_eq!(plain.keys().collect::<Vec<_>>(), named.keys().collect::<Vec<_>>());
        let (mut things, mut mentions) = (BTreeSet::new(), 0);
        for (id, text) in &named {
            let Some((said, thing)) = text.rsplit_once(", ").filter(|_| *text != plain[id]) else { continue };
            let thing = thing.trim_end_matches([')', ']']);
            assert!(plain[id].trim_end_matches([')', ']']) == said, "{text}");
            assert!(thing.starts_with("web gialap-") || thing.starts_with("stk 999"), "{text}");
            things.insert(thing);
            mentions += 1;
        }
        assert!(things.len() > 5 && mentions > 2 * things.len(), "{} things, {mentions} mentions", things.len());
    }
}
