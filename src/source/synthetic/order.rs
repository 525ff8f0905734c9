//! Orders about the do-not-call register, by text.
//!
//! In: the population and a day. Out: `DK DNC` and `HUY DNC` of some subscribers. Never: makes a breach of a call that
//! was none: who orders for calls stands in the loaded register already; draws from what the rest is drawn from.

use super::ReportOptions;
use super::draw::{Rng, between, chance, one, whole};
use super::population::{Population, SECOND_US};
use super::report::{is_mobile, national};
use crate::domain::day::Day;
use crate::schema::wire::CitizenReport;

/// Share of orders that refuse; the others take a refusal back.
const REFUSES: f64 = 0.8;

/// What an order may be for, by whether calls to its sender are breaches already.
const SCOPES: [&str; 3] = ["", " V", " S"];
const SCOPES_OF_MESSAGES: [&str; 1] = [" S"];

/// One order, before it is sent.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) subscriber: i64,
    pub(super) at: i64,
    text: String,
}

impl Order {
    /// As the intake writes it.
    pub(super) fn wire<'a>(&'a self, report_id: &'a str) -> CitizenReport<'a> {
        CitizenReport {
            report_id: report_id.into(),
            channel: "sms_5656".into(),
            reporter: national(self.subscriber).into(),
            text: self.text.as_str().into(),
            reported_at: self.at,
            source: None,
            kind: None,
            called_at: None,
            evidence: None,
            province: None,
        }
    }
}

/// The orders of a day.
pub(super) fn of_day(population: &Population, options: &ReportOptions, day: Day, rng: &mut Rng) -> Vec<Order> {
    let mut orders = Vec::new();
    for sim in population.sims.iter().take(population.base) {
        if !chance(rng, options.order_share) {
            continue;
        }
        let at = day.starts_at() + whole(between(rng, (7.0, 22.0)) * 3_600.0) * SECOND_US;
        let is_listed = population.do_not_call.get(&sim.number).is_some_and(|scope| *scope != "sms");
        let verb = if chance(rng, REFUSES) { "DK" } else { "HUY" };
        let scope = if is_listed { *one(rng, &SCOPES) } else { *one(rng, &SCOPES_OF_MESSAGES) };
        let text = format!("{verb} DNC{scope}");
        let text = if chance(rng, 0.3) { text.to_lowercase() } else { text };
        if sim.is_open(at) && is_mobile(sim.number) {
            orders.push(Order { subscriber: sim.number, at, text });
        }
    }
    orders
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::tests::{clean, run};
    use super::super::{Message, Options};
    use super::*;
    use crate::schema::topic::Topic;

    fn options(order_share: f64, named_share: f64) -> Options {
        let report =
            ReportOptions { order_share, named_share, least_share: 0.02, most_share: 0.05, ..Default::default() };
        Options { report, malformed_share: 0.01, late_share: 0.01, resent_share: 0.01, ..clean(1_500) }
    }

    fn of(messages: &[Message], is: impl Fn(Topic) -> bool) -> Vec<&Message> {
        messages.iter().filter(|message| is(message.topic)).collect()
    }

    #[test]
    fn orders_and_named_things_move_nothing_but_reports() {
        let (quiet, without) = run(options(0.0, 0.0));
        let (busy, with) = run(options(0.02, 0.5));
        let is_other = |topic| topic != Topic::CitizenReport;
        assert_eq!(of(&with, is_other), of(&without, is_other));
        assert!(of(&with, |topic| !is_other(topic)).len() > of(&without, |topic| !is_other(topic)).len());
        assert_eq!((busy.accusations(), busy.breaches()), (quiet.accusations(), quiet.breaches()));
        assert_eq!((busy.truth(), busy.reference()), (quiet.truth(), quiet.reference()));
    }

    #[test]
    fn who_orders_for_calls_stands_in_the_register_already() {
        let (operator, messages) = run(options(0.2, 0.0));
        let register = &operator.population.do_not_call;
        let is_listed = |number: &i64| register.get(number).is_some_and(|scope| *scope != "sms");
        let mut texts = BTreeMap::<String, BTreeSet<bool>>::new();
        for message in of(&messages, |topic| topic == Topic::CitizenReport) {
            let Ok(report) = serde_json::from_slice::<CitizenReport<'_>>(&message.payload) else { continue };
            let text = report.text.to_uppercase();
            if text.contains("DNC") {
                texts.entry(text).or_default().insert(is_listed(&message.key));
            }
        }
        let every = ["DK DNC", "DK DNC S", "DK DNC V", "HUY DNC", "HUY DNC S", "HUY DNC V"];
        assert_eq!(texts.keys().collect::<Vec<_>>(), every);
        assert!(texts.iter().all(|(text, by)| text.ends_with(" S") || *by == BTreeSet::from([true])), "{texts:?}");
        assert_eq!(texts["DK DNC S"].len(), 2, "anybody orders for messages");
    }
}
