//! What comes beyond the base: each gang shows in the records, an innocent beside it looks like it, and the base never
//! moves.

use std::collections::{BTreeMap, BTreeSet};

use super::super::tests::{calls, clean, number, run};
use super::super::*;

pub(super) const HOUR_US: i64 = 3_600_000_000;

/// A small operator with nothing beyond its base but this.
pub(super) fn with(beyond: BeyondOptions) -> Options {
    Options { days: 8, history_days: 2, beyond, ..clean(2_000) }
}

/// What the records show of one number of ours.
#[derive(Default)]
pub(super) struct Line {
    pub(super) made: usize,
    pub(super) received: usize,
    pub(super) answered: usize,
    pub(super) callees: BTreeSet<i64>,
    pub(super) cells: BTreeSet<i64>,
    pub(super) imeis: BTreeSet<i64>,
}

/// The lines that made calls, by number.
pub(super) fn lines(messages: &[Message]) -> BTreeMap<i64, Line> {
    let mut lines: BTreeMap<i64, Line> = BTreeMap::new();
    for record in calls(messages).iter().filter(|record| record.partial_seq.unwrap_or(1) == 1) {
        let (caller, callee) = (number(record.caller.as_deref()), number(record.callee.as_deref()));
        match (&*record.record_type, caller, callee) {
            ("originating", Some(caller), callee) => {
                let line = lines.entry(caller).or_default();
                line.made += 1;
                line.answered += usize::from(record.is_answered);
                line.callees.extend(callee);
                line.cells.extend(record.cell);
                line.imeis.extend(record.imei);
            }
            ("terminating", _, Some(callee)) => lines.entry(callee).or_default().received += 1,
            _ => {}
        }
    }
    lines.retain(|_, line| line.made > 0);
    lines
}

/// The lines of some subscriptions.
pub(super) fn lines_of<'a>(
    operator: &Operator,
    lines: &'a BTreeMap<i64, Line>,
    is: impl Fn(&Truth) -> bool,
) -> Vec<&'a Line> {
    operator.truth().iter().filter(|truth| is(truth)).filter_map(|truth| lines.get(&truth.number)).collect()
}

pub(super) fn sum(lines: &[&Line], of: impl Fn(&Line) -> usize) -> f64 {
    lines.iter().map(|line| of(line)).sum::<usize>() as f64
}

pub(super) fn made_share(lines: &[&Line]) -> f64 {
    sum(lines, |line| line.made) / sum(lines, |line| line.made + line.received)
}

/// The most lines that one handset served.
fn crowd(lines: &[&Line]) -> usize {
    let imeis: BTreeSet<i64> = lines.iter().flat_map(|line| &line.imeis).copied().collect();
    imeis.iter().map(|imei| lines.iter().filter(|line| line.imeis.contains(imei)).count()).max().unwrap_or(0)
}

#[test]
fn what_comes_beyond_moves_no_message_of_the_base() {
    let (base, of_base) = run(clean(800));
    let (all, of_all) = run(Options { beyond: BeyondOptions::all(0.05), ..clean(800) });
    assert!(of_all.len() > of_base.len() + 1_000 && all.truth().len() > 880);
    let mut rest = of_all.iter();
    assert!(of_base.iter().all(|message| rest.any(|other| other == message)));
    let numbers: BTreeSet<i64> = all.truth().iter().map(|truth| truth.number).collect();
    assert!(base.truth().iter().all(|truth| numbers.contains(&truth.number)));
}

#[test]
fn every_kind_has_its_share_of_an_operator_of_the_usual_size() {
    let truth = Operator::new(Options::default()).truth();
    let count = |is: &dyn Fn(&Truth) -> bool| truth.iter().filter(|truth| is(truth)).count();
    let of = |archetype: &str| count(&|truth| truth.archetype == Some(archetype));
    assert_eq!(truth.len(), 20_000 + 118 + 28);
    assert_eq!((of("sim_box"), of("debt_pool"), of("shared_list"), of("robot")), (12, 10, 8, 8));
    assert!((10..15).contains(&of("bulk_stock")), "{} SIMs of stocks", of("bulk_stock"));
    assert_eq!(count(&|truth| truth.is_spam), 100 + 12 + 10 + 8 + 8 + of("bulk_stock"));
    assert_eq!(count(&|truth| truth.class == "switchboard" || truth.class == "lender"), 16);
    let beside = ["reminder", "alarm", "dispatcher", "advertiser", "organiser"];
    assert_eq!(beside.map(|class| count(&|truth| truth.class == class)), [7, 4, 5, 8, 4]);
    assert!(count(&|truth| truth.types.contains(&"bulk_registration")) >= 40);

    let is_typed = |truth: &Truth| truth.types.iter().all(|of| TYPES.contains(of));
    assert!(truth.iter().all(is_typed) && truth.iter().all(|truth| !truth.is_spam || !truth.types.is_empty()));
    // What an advertiser does is telemarketing, by right or not.
    let (advertisers, others): (Vec<&Truth>, Vec<&Truth>) =
        truth.iter().filter(|truth| !truth.is_spam).partition(|truth| truth.class == "advertiser");
    assert!(advertisers.iter().all(|truth| truth.types == ["telemarketing"]));
    assert!(others.iter().all(|truth| truth.types.is_empty() || truth.types == ["bulk_registration"]));
    let has = |archetype: &'static str, of: &'static str| {
        truth.iter().filter(|truth| truth.archetype == Some(archetype)).all(|truth| truth.types.contains(&of))
    };
    assert!(has("robot", "robocall") && has("one_ring", "one_ring") && has("debt_pool", "debt_harassment"));
    // A blaster is fast and hardly more even than a call centre: nothing of a machine.
    assert!(has("blaster", "telemarketing") && count(&|truth| truth.types.contains(&"robocall")) == of("robot"));
    let is_scam = |truth: &&Truth| truth.types.contains(&"impersonation");
    assert!(truth.iter().filter(is_scam).all(|truth| truth.types.contains(&"telemarketing")));
}

#[test]
fn what_a_gang_has_of_one_dealer_and_one_hundred_numbers_is_registered_in_bulk() {
    let operator = Operator::new(Options::default());
    let mut lots: BTreeMap<(u32, i64), Vec<i64>> = BTreeMap::new();
    for sim in operator.population.sims.iter().filter(|sim| sim.class.archetype().is_some()) {
        lots.entry((sim.paper.dealer, sim.number / 100)).or_default().push(sim.number);
    }
    let together: BTreeSet<i64> = lots.into_values().filter(|lot| lot.len() >= 4).flatten().collect();
    let truth = operator.truth();
    let is_typed = |truth: &&Truth| truth.is_spam && truth.types.contains(&"bulk_registration");
    let typed: BTreeSet<i64> = truth.iter().filter(is_typed).map(|truth| truth.number).collect();
    assert!(!together.is_empty() && together.is_subset(&typed));
}

#[test]
fn a_robot_dials_on_and_its_message_always_takes_as_long() {
    let (operator, messages) = run(with(BeyondOptions { robot_share: 0.005, ..BeyondOptions::NOTHING }));
    let truth = operator.truth();
    let robots: BTreeSet<i64> =
        truth.iter().filter(|truth| truth.archetype == Some("robot")).map(|truth| truth.number).collect();
    let mut dialled: BTreeMap<i64, Vec<(i64, i64)>> = BTreeMap::new();
    let mut talks: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    let records = calls(&messages);
    for record in records.iter().filter(|record| record.record_type == "originating") {
        let (caller, callee) = (number(record.caller.as_deref()), number(record.callee.as_deref()));
        let (Some(caller), Some(callee)) = (caller.filter(|caller| robots.contains(caller)), callee) else { continue };
        dialled.entry(caller).or_default().push((record.start_at, callee));
        if record.is_answered {
            talks.entry(caller).or_default().push(f64::from(record.duration_s));
        }
    }
    assert!(!dialled.is_empty());
    for calls in dialled.values_mut() {
        calls.sort_unstable();
        let next = calls.windows(2).filter(|pair| (1..=10).contains(&(pair[1].1 - pair[0].1))).count();
        assert!(next * 2 > calls.len(), "{next} of {} calls to the next number", calls.len());
    }
    let many: Vec<&Vec<f64>> = talks.values().filter(|talks| talks.len() >= 30).collect();
    let even = many.iter().filter(|talks| unevenness(talks) < 0.25).count();
    assert!(many.len() > 3 && even * 4 >= many.len() * 3, "{even} of {} talk evenly", many.len());
}

#[test]
fn a_sim_box_is_many_lines_in_few_handsets_at_one_place_and_a_switchboard_is_called_as_well() {
    let (operator, messages) =
        run(with(BeyondOptions { sim_box_share: 0.01, lookalike_share: 0.01, ..BeyondOptions::NOTHING }));
    let lines = lines(&messages);
    let boxed = lines_of(&operator, &lines, |truth| truth.archetype == Some("sim_box"));
    let desks = lines_of(&operator, &lines, |truth| truth.class == "switchboard");
    assert!(boxed.len() > 8 && desks.len() >= 3, "{} in boxes, {} at desks", boxed.len(), desks.len());
    assert!(boxed.iter().chain(&desks).all(|line| line.cells.len() <= 1));
    assert!(crowd(&boxed) >= 4 && crowd(&desks) >= 3, "{} and {} lines", crowd(&boxed), crowd(&desks));
    let answered = sum(&boxed, |line| line.answered) / sum(&boxed, |line| line.made);
    assert!((0.45..0.8).contains(&answered), "people want these calls: {answered}");
    let strangers = sum(&boxed, |line| line.callees.len()) / sum(&boxed, |line| line.made);
    assert!(strangers > 0.7, "{strangers} of the calls go to others");
    assert!(made_share(&boxed) > 0.85, "{} made", made_share(&boxed));
    assert!((0.3..0.7).contains(&made_share(&desks)), "{} made", made_share(&desks));
    // Nobody who is called by a box would say that it was spam.
    let numbers: BTreeSet<i64> =
        operator.truth().iter().filter(|t| t.types.contains(&"sim_box")).map(|t| t.number).collect();
    assert!(operator.spammed.iter().all(|(caller, _)| !numbers.contains(caller)));
}

#[test]
fn a_debt_pool_calls_few_people_often_and_a_lender_calls_its_list() {
    let (operator, messages) =
        run(with(BeyondOptions { debt_pool_share: 0.01, lookalike_share: 0.01, ..BeyondOptions::NOTHING }));
    let truth = operator.truth();
    let pool: BTreeSet<i64> = truth.iter().filter(|t| t.archetype == Some("debt_pool")).map(|t| t.number).collect();
    let lines = lines(&messages);
    let pooled = lines_of(&operator, &lines, |truth| truth.archetype == Some("debt_pool"));
    let lenders = lines_of(&operator, &lines, |truth| truth.class == "lender");
    let per_callee = |lines: &[&Line]| {
        let callees: BTreeSet<i64> = lines.iter().flat_map(|line| &line.callees).copied().collect();
        sum(lines, |line| line.made) / callees.len() as f64
    };
    assert!(per_callee(&pooled) > 5.0, "{} calls to each", per_callee(&pooled));
    assert!(per_callee(&lenders) > 2.0, "{} calls to each", per_callee(&lenders));
    assert!(lenders.len() >= 3 && truth.iter().all(|truth| truth.class != "lender" || truth.is_protected));
    let answered = sum(&pooled, |line| line.answered) / sum(&pooled, |line| line.made);
    assert!(answered < 0.4, "{answered} answered");

    // The most harassed one: many times a day, by several numbers.
    let mut by_victim: BTreeMap<i64, (BTreeSet<i64>, BTreeMap<Day, usize>)> = BTreeMap::new();
    for record in calls(&messages).iter().filter(|record| record.record_type == "originating") {
        let (Some(caller), Some(callee)) = (number(record.caller.as_deref()), number(record.callee.as_deref())) else {
            continue;
        };
        if pool.contains(&caller) {
            let (callers, days) = by_victim.entry(callee).or_default();
            callers.insert(caller);
            *days.entry(Day::of(record.start_at)).or_default() += 1;
        }
    }
    let (callers, days) = by_victim.values().max_by_key(|(_, days)| days.values().sum::<usize>()).unwrap();
    let most = days.values().max().unwrap();
    assert!(callers.len() >= 4 && *most >= 12, "{} numbers, up to {most} calls a day", callers.len());
}

/// How often a called number stands in the lists of those who called it, in campaigns of several SIMs.
fn sharing(operator: &Operator, lines: &BTreeMap<i64, Line>, archetype: &str) -> f64 {
    let mut campaigns: BTreeMap<u32, Vec<&Line>> = BTreeMap::new();
    for truth in operator.truth().iter().filter(|truth| truth.archetype == Some(archetype)) {
        let line = lines.get(&truth.number);
        campaigns.entry(truth.campaign.unwrap()).or_default().extend(line);
    }
    campaigns.retain(|_, lines| lines.len() > 1);
    let called = campaigns.values().map(|lines| sum(lines, |line| line.callees.len())).sum::<f64>();
    let distinct = campaigns
        .values()
        .map(|lines| lines.iter().flat_map(|line| &line.callees).collect::<BTreeSet<_>>().len() as f64);
    called / distinct.sum::<f64>()
}

#[test]
fn a_gang_with_a_short_list_calls_the_same_people_and_a_spam_campaign_hardly() {
    let (operator, messages) = run(with(BeyondOptions { shared_list_share: 0.01, ..BeyondOptions::NOTHING }));
    let lines = lines(&messages);
    let (gangs, others) = (sharing(&operator, &lines, "shared_list"), sharing(&operator, &lines, "burst"));
    assert!(gangs > 1.2 && gangs > others + 0.1, "{gangs} and {others}");
}

#[test]
fn false_numbers_come_by_the_trunks_that_the_truth_names_and_subscribers_abroad_by_the_same() {
    let beyond = BeyondOptions { spoofing_day_share: 1.0, abroad_share: 0.02, ..BeyondOptions::NOTHING };
    let (operator, messages) = run(with(beyond));
    let truth: BTreeMap<(Day, &str), u32> =
        operator.spoofed().iter().map(|spoofed| ((spoofed.day, spoofed.trunk), spoofed.calls)).collect();
    let gates = ["ISGP01", "IHKG01", "VSIP03"];
    assert!(truth.keys().any(|(_, trunk)| gates.contains(trunk)) && truth.values().all(|calls| *calls > 0));

    let records = calls(&messages);
    let mut shown: BTreeMap<(Day, &str), u32> = BTreeMap::new();
    for record in records.iter().filter(|record| record.partial_seq.unwrap_or(1) == 1) {
        let trunk = record.trunk.as_deref().filter(|trunk| trunk.starts_with(['I', 'V']));
        let day = Day::of(record.start_at);
        let is_vietnamese = number(record.caller.as_deref()).is_some_and(|number| number.to_string().starts_with("84"));
        if let (Some(trunk), true, true) = (trunk, is_vietnamese, day >= operator.options.first_day) {
            *shown.entry((day, trunk)).or_default() += u32::from(record.record_type == "incoming_gateway");
        }
    }
    for (at, calls) in &truth {
        let seen = shown.get(at).copied().unwrap_or(0);
        let is_all = at.1.starts_with('V');
        assert!(if is_all { seen == *calls } else { seen >= *calls }, "{seen} of {calls} by {at:?}");
    }
    // Our own numbers by a trunk from abroad, and nothing false: who is abroad calls home.
    assert!(shown.iter().any(|(at, calls)| *calls > 1 && !truth.contains_key(at)), "{shown:?}");
    let foreign = records.iter().filter(|record| record.trunk.as_deref().is_some_and(|trunk| trunk.starts_with('V')));
    let is_foreign = |number: Option<i64>| number.is_some_and(|number| !number.to_string().starts_with("84"));
    assert!(foreign.filter(|record| is_foreign(number(record.caller.as_deref()))).count() > 10);
}

#[test]
fn what_comes_beside_moves_no_message_of_the_rest() {
    let rest = BeyondOptions { machine_share: 0.0, advertiser_share: 0.0, ..BeyondOptions::all(0.05) };
    let (_, of_rest) = run(Options { beyond: rest, ..clean(800) });
    let (_, of_all) = run(Options { beyond: BeyondOptions::all(0.05), ..clean(800) });
    assert!(of_all.len() > of_rest.len() + 1_000, "{} and {} messages", of_all.len(), of_rest.len());
    let mut all = of_all.iter();
    assert!(of_rest.iter().all(|message| all.any(|other| other == message)));
}

/// How unevenly something is spread: its deviation over its mean.
pub(super) fn unevenness(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt() / mean
}

#[test]
fn events_make_innocents_burst() {
    let (operator, messages) = run(with(BeyondOptions { event_share: 0.06, ..BeyondOptions::NOTHING }));
    let truth = operator.truth();
    let of = |event: &str| -> BTreeSet<i64> {
        truth.iter().filter(|truth| truth.event == Some(event)).map(|truth| truth.number).collect()
    };
    let (shops, callers) = (of("sale"), of("call_tree"));
    assert!(!of("storm").is_empty() && !shops.is_empty() && !callers.is_empty());

    let mut customers: BTreeMap<(i64, Day), BTreeSet<Option<i64>>> = BTreeMap::new();
    let mut made: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for record in &calls(&messages) {
        let (caller, callee) = (number(record.caller.as_deref()), number(record.callee.as_deref()));
        match (&*record.record_type, caller, callee) {
            ("terminating", caller, Some(callee)) if shops.contains(&callee) => {
                customers.entry((callee, Day::of(record.start_at))).or_default().insert(caller);
            }
            ("originating", Some(caller), _) if callers.contains(&caller) => {
                made.entry(caller).or_default().push(record.start_at);
            }
            _ => {}
        }
    }
    for shop in &shops {
        let busiest =
            customers.iter().filter(|((number, _), _)| number == shop).map(|(_, callers)| callers.len()).max();
        assert!(busiest.is_some_and(|callers| callers > 30), "{busiest:?} customers on the busiest day");
    }
    let most = made.values_mut().map(|starts| {
        starts.sort_unstable();
        starts.windows(5).map(|window| window[4] - window[0]).min().unwrap_or(i64::MAX)
    });
    assert!(most.min().unwrap() < HOUR_US / 4, "somebody calls five within a quarter of an hour");
    let innocent = truth.iter().filter(|truth| truth.event.is_some() && !truth.is_spam).count();
    assert!(innocent > 20, "{innocent} innocents in events");
}
