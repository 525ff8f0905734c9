//! The generator as a whole: its bytes repeat, its records fit together, its classes overlap.
//!
//! In: small operators. Out: facts about their traffic. Never: a real number.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::draw::mix;
use super::encode::tests::read_call;
use super::*;
use crate::schema::wire::{CallRecord, CitizenReport, Subscriber, SurveyAnswer};

/// An operator without faults and with its base alone.
pub(super) fn clean(subscribers: u32) -> Options {
    Options {
        subscribers,
        days: 3,
        history_days: 3,
        spam_share: 0.05,
        malformed_share: 0.0,
        resent_share: 0.0,
        late_share: 0.0,
        lock_share: 0.0,
        beyond: BeyondOptions::NOTHING,
        ..Options::default()
    }
}

pub(super) fn run(options: Options) -> (Operator, Vec<Message>) {
    let mut operator = Operator::new(options);
    let mut messages = Vec::new();
    while let Some(traffic) = operator.next_day() {
        messages.extend(traffic.messages);
    }
    (operator, messages)
}

/// The text of each report.
pub(super) fn texts(messages: &[Message]) -> BTreeMap<String, String> {
    let texts = of(Topic::CitizenReport, messages).map(|message| {
        let report: CitizenReport<'_> = serde_json::from_slice(&message.payload).unwrap();
        (report.report_id.into_owned(), report.text.into_owned())
    });
    texts.collect()
}

fn of(topic: Topic, messages: &[Message]) -> impl Iterator<Item = &Message> {
    messages.iter().filter(move |message| message.topic == topic)
}

/// Well-formed call records, each once.
pub(super) fn calls(messages: &[Message]) -> Vec<CallRecord<'_>> {
    let mut seen = BTreeSet::new();
    let records = of(Topic::CallRecord, messages).filter_map(|message| read_call(&message.payload));
    let is_sound = |record: &CallRecord<'_>| {
        let is_letters = record.caller.as_ref().is_some_and(|caller| caller.starts_with('N'));
        !is_letters && record.duration_s >= 0 && Day::of(record.start_at).epoch_days() / 365 == 55
    };
    records.filter(is_sound).filter(|record| seen.insert(record.record_id.clone())).collect()
}

pub(super) fn number(address: Option<&str>) -> Option<i64> {
    let digits = address?;
    match digits.strip_prefix('0') {
        Some(national) => format!("84{national}").parse().ok(),
        None => digits.parse().ok(),
    }
}

fn hash(messages: &[Message]) -> u64 {
    messages.iter().fold(0, |hash, message| {
        let bytes = message.payload.iter().fold(hash, |hash, byte| mix(hash, u64::from(*byte)));
        mix(mix(bytes, message.at.cast_unsigned()), message.key.cast_unsigned())
    })
}

#[test]
fn the_same_options_give_the_same_bytes() {
    let of_seed = |seed| {
        let beyond = BeyondOptions::all(0.05);
        let (operator, messages) = run(Options { seed, malformed_share: 0.01, late_share: 0.01, beyond, ..clean(600) });
        let truth = (operator.truth(), operator.spoofed(), operator.breaches().to_vec());
        (hash(&messages), hash(&operator.subscribers()), truth, operator.reference())
    };
    assert_eq!(of_seed(5), of_seed(5));
    assert_ne!(of_seed(5).0, of_seed(6).0);
}

#[test]
fn classes_have_the_shares_asked_for() {
    let truth = Operator::new(Options { subscribers: 4_000, spam_share: 0.02, ..clean(0) }).truth();
    let count = |is: &dyn Fn(&Truth) -> bool| truth.iter().filter(|truth| is(truth)).count();
    assert_eq!(truth.len(), 4_000);
    assert_eq!(count(&|truth| truth.is_spam), 80);
    assert_eq!(count(&|truth| truth.is_protected), 400);
    assert_eq!(count(&|truth| truth.class == "courier"), 80);
    assert_eq!(count(&|truth| truth.archetype == Some("burst")), 33);
    assert!((1_400..1_460).contains(&count(&|truth| truth.class == "heavy")));
    let allowed = count(&|truth| truth.is_allow_listed);
    assert!(allowed > 0 && allowed < 60, "{allowed} of 400 protected ones are allow-listed");
}

#[test]
fn a_number_belongs_to_one_subscription_at_a_time() {
    let options = Options { days: 14, history_days: 28, ..clean(20_000) };
    let truth = Operator::new(options).truth();
    let pairs: Vec<_> = truth.windows(2).filter(|pair| pair[0].number == pair[1].number).collect();
    assert!(!pairs.is_empty(), "some numbers are recycled");
    for pair in pairs {
        assert!(pair[0].deactivated_at.unwrap() < pair[1].activated_at && pair[0].is_spam && !pair[1].is_spam);
    }
}

#[test]
fn every_record_has_its_counterpart() {
    let (_, messages) = run(clean(1_500));
    let records = calls(&messages);
    let mut by_call: BTreeMap<_, Vec<&CallRecord<'_>>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.partial_seq.unwrap_or(1) == 1) {
        let parties = (number(record.caller.as_deref()), number(record.callee.as_deref()));
        by_call.entry((record.call_ref.clone(), parties)).or_default().push(record);
    }
    let mut kinds: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    for legs in by_call.values_mut() {
        legs.sort_by_key(|leg| leg.start_at);
        let types: Vec<&str> = legs.iter().map(|leg| leg.record_type.as_ref()).collect();
        *kinds.entry(types).or_default() += 1;
        if let [near, far] = legs[..] {
            assert!((1..=2_000_000).contains(&(far.start_at - near.start_at)), "{near:?} {far:?}");
            assert_eq!((near.duration_s, near.is_answered), (far.duration_s, far.is_answered));
        }
    }
    // A number that nobody has leaves a record at the near end only.
    let expected = [
        "forwarded+outgoing_gateway",
        "forwarded+terminating",
        "incoming_gateway",
        "incoming_gateway+terminating",
        "originating",
        "originating+outgoing_gateway",
        "originating+terminating",
    ];
    let shapes: Vec<String> = kinds.keys().map(|types| types.join("+")).collect();
    let strange: Vec<_> = shapes.iter().filter(|shape| !expected.contains(&shape.as_str())).collect();
    assert!(strange.is_empty() && shapes.len() >= 6, "{strange:?}");
}

#[test]
fn records_tell_of_the_served_party_only() {
    let (operator, messages) = run(clean(1_500));
    let sims = &operator.population.sims;
    let owner: BTreeMap<i64, i64> = sims.iter().map(|sim| (sim.imsi, sim.number)).collect();
    assert_eq!(owner.len(), sims.len());
    for record in calls(&messages) {
        let served = match record.record_type.as_ref() {
            "originating" | "forwarded" => number(record.caller.as_deref()),
            "terminating" => number(record.callee.as_deref()),
            _ => {
                assert!(record.trunk.is_some() && record.cell.or(record.imei).or(record.imsi).is_none());
                continue;
            }
        };
        assert!(record.trunk.is_none());
        assert_eq!(served, owner.get(&record.imsi.unwrap()).copied(), "{record:?}");
    }
}

#[test]
fn long_calls_come_in_parts_end_to_end() {
    let (_, messages) = run(clean(3_000));
    let mut parts: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for record in calls(&messages).into_iter().filter(|record| record.partial_seq.is_some()) {
        let parties = (number(record.caller.as_deref()), number(record.callee.as_deref()));
        let key = (record.call_ref.clone(), record.record_type.clone(), parties);
        parts.entry(key).or_default().push(record);
    }
    assert!(parts.len() > 5);
    for mut call in parts.into_values() {
        call.sort_by_key(|part| part.partial_seq);
        assert!(call.len() > 1);
        for pair in call.windows(2) {
            let lasts_s = pair[0].ring_s.unwrap_or(0) + pair[0].duration_s;
            assert_eq!(pair[1].start_at - pair[0].start_at, i64::from(lasts_s) * 1_000_000);
            assert_eq!((pair[0].duration_s, pair[1].partial_seq), (1_800, pair[0].partial_seq.map(|seq| seq + 1)));
        }
    }
}

#[test]
fn truth_counts_the_calls_that_records_show_even_among_spoilt_copies() {
    let beyond = BeyondOptions::all(0.02);
    let faults = Options { malformed_share: 0.02, resent_share: 0.02, late_share: 0.02, beyond, ..clean(1_500) };
    let (operator, messages) = run(faults);
    let mut seen: BTreeMap<(i64, i32), u32> = BTreeMap::new();
    let first = |record: &CallRecord<'_>| record.partial_seq.unwrap_or(1) == 1 && record.record_type == "originating";
    for record in calls(&messages).iter().filter(|record| first(record)) {
        let caller = number(record.caller.as_deref()).unwrap();
        *seen.entry((caller, Day::of(record.start_at).epoch_days())).or_default() += 1;
    }
    let first_day = operator.options.first_day.epoch_days();
    for truth in operator.truth() {
        for (day, calls) in (first_day..).zip(truth.calls_by_day) {
            assert_eq!(seen.get(&(truth.number, day)).copied().unwrap_or(0), calls, "{} on {day}", truth.number);
        }
    }
}

#[test]
fn faults_are_as_many_as_asked_for() {
    let (_, messages) = run(Options { malformed_share: 0.02, resent_share: 0.03, ..clean(1_500) });
    let all = of(Topic::CallRecord, &messages).count();
    let payloads: BTreeSet<&[u8]> = of(Topic::CallRecord, &messages).map(|message| &*message.payload).collect();
    let sound = calls(&messages).len();
    let (resent, spoilt) = (all - payloads.len(), payloads.len() - sound);
    assert!((all / 40..all / 28).contains(&resent), "{resent} of {all} were sent again");
    assert!((all / 65..all / 40).contains(&spoilt), "{spoilt} of {all} were spoilt");
}

#[test]
fn messages_come_in_order_and_each_day_in_its_turn() {
    let mut operator = Operator::new(Options { late_share: 0.05, ..clean(500) });
    let mut last = i64::MIN;
    let mut days = Vec::new();
    while let Some(traffic) = operator.next_day() {
        days.push((traffic.day.to_string(), traffic.is_history));
        for message in traffic.messages {
            assert!(message.at >= last);
            last = message.at;
        }
    }
    assert_eq!((days.len(), &days[0], &days[3]), (6, &("2025-01-03".into(), true), &("2025-01-06".into(), false)));
}

#[test]
fn every_subscription_is_announced_once() {
    let (operator, messages) = run(clean(1_500));
    let mut opened = Vec::new();
    let mut closed = Vec::new();
    for message in operator.subscribers().iter().chain(of(Topic::Subscriber, &messages)) {
        let record: Subscriber<'_> = serde_json::from_slice(&message.payload).unwrap();
        assert_eq!(record.number, message.key.to_string());
        let list = if record.deactivated_at.is_some() { &mut closed } else { &mut opened };
        list.push((message.key, record.activated_at));
    }
    opened.sort_unstable();
    let ends_at = operator.options.first_day.plus(3).starts_at();
    let truth: Vec<Truth> = operator.truth().into_iter().filter(|truth| truth.activated_at < ends_at).collect();
    assert_eq!(opened, truth.iter().map(|truth| (truth.number, truth.activated_at)).collect::<Vec<_>>());
    assert_eq!(closed.len(), truth.iter().filter(|truth| truth.deactivated_at.is_some()).count());
}

#[test]
fn reports_and_answers_are_what_the_contracts_say() {
    let report = ReportOptions { least_share: 0.02, most_share: 0.05, ..Default::default() };
    let survey = SurveyOptions { answer_share: 1.0, yes_if_spam: 1.0, yes_if_not: 0.0 };
    let (operator, messages) = run(Options { report, survey, ..clean(1_500) });
    let spam: BTreeSet<i64> = operator.truth().iter().filter(|truth| truth.is_spam).map(|truth| truth.number).collect();
    let (mut right, mut all) = (0, 0);
    for (source, _) in reports(&messages) {
        right += u32::from(spam.contains(&source));
        all += 1;
    }
    assert!(all > 20 && right * 100 > all * 80 && right < all, "{right} of {all} reports name a spam SIM");

    let (subject, respondent) = *operator.spammed.first().unwrap();
    let request = |subject| SurveyRequest { request_id: format!("q{subject}"), subject, respondent };
    let answers = operator.answers(&[request(subject), request(7)], operator.options.first_day);
    let mut words: Vec<String> =
        answers.iter().map(|message| text_of(&serde_json::from_slice(&message.payload).unwrap())).collect();
    words.sort_unstable();
    assert_eq!(words, ["no", "yes"]);
}

/// The number that each report names, and the report.
fn reports(messages: &[Message]) -> Vec<(i64, CitizenReport<'_>)> {
    let told = of(Topic::CitizenReport, messages).filter_map(|message| {
        let report: CitizenReport<'_> = serde_json::from_slice(&message.payload).unwrap();
        if report.text.to_uppercase().contains("DNC") {
            return None;
        }
        let source: String = report.text.chars().skip_while(|c| *c != '0').take_while(char::is_ascii_digit).collect();
        Some((number(Some(&source)).unwrap(), report))
    });
    told.collect()
}

#[test]
fn most_scams_are_reported_once_or_never_and_a_few_by_several_whom_they_called() {
    let report = ReportOptions {
        least_share: 4e-4,
        most_share: 2e-3,
        mistaken_share: 0.0,
        malicious_share: 0.0,
        ..Default::default()
    };
    let (operator, messages) = run(Options { days: 8, spam_share: 0.08, report, ..clean(3_000) });
    let truth = operator.truth();
    let has_called = |truth: &Truth| truth.calls_by_day.iter().any(|calls| *calls > 0);
    let is_scam = |truth: &&Truth| truth.types.contains(&"impersonation") && has_called(truth);
    let scams: BTreeSet<i64> = truth.iter().filter(is_scam).map(|truth| truth.number).collect();
    let records = calls(&messages);
    let parties = records.iter().map(|record| (number(record.caller.as_deref()), number(record.callee.as_deref())));
    let called: BTreeSet<_> = parties.collect();
    let mut reporters: BTreeMap<i64, BTreeSet<Option<i64>>> = BTreeMap::new();
    for (source, report) in reports(&messages) {
        let reporter = number(Some(&report.reporter));
        assert!(called.contains(&(Some(source), reporter)) || report.text.starts_with('S'), "{report:?}");
        if scams.contains(&source) && report.text.starts_with("LD") {
            reporters.entry(source).or_default().insert(reporter);
        }
    }
    let several = reporters.values().filter(|reporters| reporters.len() > 1).count();
    assert!(several >= 3 && several * 2 < scams.len(), "{several} of {} are reported by several", scams.len());
}

fn text_of(answer: &SurveyAnswer<'_>) -> String {
    answer.answer.to_string()
}

/// What one subscription did on the measured days.
#[derive(Default)]
struct Seen {
    calls: f64,
    answered: f64,
    short: f64,
    onnet: f64,
    callees: BTreeSet<Option<i64>>,
}

/// The SIMs of each class and archetype that made ten calls or more.
fn profiles(operator: &Operator, messages: &[Message]) -> BTreeMap<&'static str, Vec<Seen>> {
    let truth = operator.truth();
    let ours: BTreeMap<i64, &'static str> =
        truth.iter().map(|truth| (truth.number, truth.archetype.unwrap_or(truth.class))).collect();
    let mut seen: BTreeMap<i64, Seen> = BTreeMap::new();
    for record in calls(messages).iter().filter(|record| record.record_type == "originating") {
        let seen = seen.entry(number(record.caller.as_deref()).unwrap()).or_default();
        let callee = number(record.callee.as_deref());
        seen.calls += 1.0;
        seen.answered += f64::from(u8::from(record.is_answered));
        seen.short += f64::from(u8::from(record.is_answered && record.duration_s < 45));
        seen.onnet += f64::from(u8::from(callee.is_some_and(|callee| ours.contains_key(&callee))));
        seen.callees.insert(callee);
    }
    let mut profiles: BTreeMap<&str, Vec<Seen>> = BTreeMap::new();
    for (number, seen) in seen.into_iter().filter(|(_, seen)| seen.calls >= 10.0) {
        profiles.entry(ours[&number]).or_default().push(seen);
    }
    profiles
}

fn quantile(seen: &[Seen], share: f64, measure: impl Fn(&Seen) -> f64) -> f64 {
    let mut values: Vec<f64> = seen.iter().map(measure).collect();
    values.sort_by(f64::total_cmp);
    values[usize::try_from(draw::whole((values.len() - 1) as f64 * share)).unwrap()]
}

#[test]
fn classes_are_plausible_and_overlap() {
    let options = Options { days: 7, history_days: 2, spam_share: 0.08, ..clean(5_000) };
    let (operator, messages) = run(options);
    let profiles = profiles(&operator, &messages);
    let median = |class: &str, measure: &dyn Fn(&Seen) -> f64| quantile(&profiles[class], 0.5, measure);
    let answered = |seen: &Seen| seen.answered / seen.calls;
    let unique = |seen: &Seen| seen.callees.len() as f64 / seen.calls;
    let short = |seen: &Seen| seen.short / seen.answered.max(1.0);
    let onnet = |seen: &Seen| seen.onnet / seen.calls;
    let volume = |seen: &Seen| seen.calls;

    for class in ["heavy", "light"] {
        assert!((0.6..0.8).contains(&median(class, &answered)), "{class} answered");
        assert!((0.35..0.55).contains(&median(class, &onnet)), "{class} on-net {}", median(class, &onnet));
        assert!((0.4..0.7).contains(&median(class, &short)), "{class} short");
    }
    assert!((0.25..0.45).contains(&median("burst", &answered)));
    assert!(median("burst", &unique) > 0.8 && median("one_ring", &answered) < 0.1);

    // No single column tells spam from the rest.
    let at = |class: &str, share, measure: &dyn Fn(&Seen) -> f64| quantile(&profiles[class], share, measure);
    assert!(at("courier", 0.9, &volume) > median("burst", &volume), "couriers call as much");
    assert!(at("call_centre", 0.9, &unique) > at("burst", 0.25, &unique), "call centres call as many");
    assert!(median("courier", &short) > median("burst", &short), "couriers are as short");
    assert!(at("call_centre", 0.1, &answered) < at("burst", 0.9, &answered), "call centres are as unwanted");
    assert!(at("heavy", 0.95, &volume) > median("camouflaged", &volume), "the camouflaged call no more");
    assert!(at("heavy", 0.5, &unique) > at("camouflaged", 0.25, &unique), "nor others");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_operator_can_be_made(
        seed: u64, subscribers in 0_u32..60, days in 0_u32..3, history_days in 0_u32..3, spam_share in 0.0..1.0_f64,
        beyond in 0.0..1.0_f64,
    ) {
        let beyond = BeyondOptions::all(beyond);
        let options = Options { seed, subscribers, days, history_days, spam_share, beyond, ..Options::default() };
        let (operator, messages) = run(options);
        prop_assert!(messages.windows(2).all(|pair| pair[0].at <= pair[1].at));
        prop_assert_eq!(operator.population.base, subscribers as usize);
        prop_assert!(operator.truth().len() <= 9 * subscribers as usize);
        prop_assert!(operator.truth().iter().all(|truth| truth.calls_by_day.len() == days as usize));
    }
}
