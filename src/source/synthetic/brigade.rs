//! People who are set on numbers that never bothered them.
//!
//! In: the population and a day. Out: reports by all of a gang about one innocent, by whatever channel is at hand.
//! Never: makes a call, or draws from what the rest is drawn from.

use rand::Rng as _;

use super::BeyondOptions;
use super::draw::{Rng, between, chance, one, whole};
use super::population::{Population, SECOND_US};
use super::report::{Fields, Motive, Report, is_mobile, national};
use crate::domain::day::Day;

/// People of a gang; it is always the same ones.
const PEOPLE: usize = 10;

/// Of them, who joins on a day.
const JOINS: f64 = 0.8;

/// What a gang is told to write.
const CONTENTS: [&str; 3] =
    ["lừa đảo, mọi người cẩn thận", "gọi quảng cáo nhiều lần trong ngày", "giả danh ngân hàng hỏi mã OTP"];

/// Where there are fields for it, and what a form calls the report.
const FORMS: [(&str, &str); 4] =
    [("web", "scam_call"), ("app", "spam_call"), ("vneid", "scam_call"), ("voice", "scam_call")];

/// The reports of a gang on a day; on most days there are none.
pub(super) fn of_day(
    population: &Population,
    options: &BeyondOptions,
    (day, gang): (Day, &mut Rng),
    rng: &mut Rng,
) -> Vec<Report> {
    if population.base == 0 || !chance(rng, options.brigade_day_share) {
        return Vec::new();
    }
    let somebody = |rng: &mut Rng| &population.sims[rng.random_range(0..population.base)];
    let victim = somebody(rng);
    let people: Vec<_> = (0..PEOPLE).map(|_| somebody(gang)).collect();
    let at = day.starts_at();
    if victim.class.archetype().is_some() || !victim.is_open(at) || !is_mobile(victim.number) {
        return Vec::new();
    }
    let mut reports = Vec::new();
    for person in people.into_iter().filter(|person| person.number != victim.number) {
        let reported_at = at + whole(between(rng, (8.0, 22.0)) * 3_600.0) * SECOND_US;
        let (joins, by_form) = (chance(rng, JOINS), chance(rng, 0.6));
        let (form, content) = (*one(rng, &FORMS), *one(rng, &CONTENTS));
        if joins && person.is_open(reported_at) && is_mobile(person.number) {
            reports.push(report((person.number, victim.number), reported_at, by_form.then_some(form), content));
        }
    }
    reports
}

fn report(
    (reporter, source): (i64, i64),
    reported_at: i64,
    form: Option<(&'static str, &'static str)>,
    content: &str,
) -> Report {
    let (motive, campaign, others) = (Motive::Brigade, None, vec![]);
    let Some((channel, kind)) = form else {
        let text = format!("LD ({}) ({content})", national(source));
        let (channel, fields) = ("sms_156", None);
        return Report { reporter, source, others, reported_at, channel, text, motive, fields, campaign };
    };
    let fields = Fields {
        kind,
        called_at: reported_at - 600 * SECOND_US,
        evidence: (channel == "web").then(|| format!("{reported_at}/screen.jpg")),
    };
    let (text, fields) = (content.to_owned(), Some(fields));
    Report { reporter, source, others, reported_at, channel, text, motive, fields, campaign }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::Options;
    use super::super::tests::{clean, run};
    use super::super::witness::tests::reported;
    use super::*;
    use crate::schema::topic::Topic;
    use crate::schema::wire::CitizenReport;

    #[test]
    fn a_brigade_accuses_one_innocent_a_day_by_forms_and_texts() {
        let (operator, messages) = reported();
        let spam: BTreeSet<i64> =
            operator.truth().iter().filter(|truth| truth.is_spam).map(|truth| truth.number).collect();
        let brigade = || operator.accusations().iter().filter(|accusation| accusation.motive == "brigade");
        assert!(brigade().all(|accusation| !spam.contains(&accusation.source)));
        let mut victims: BTreeMap<Day, BTreeSet<i64>> = BTreeMap::new();
        for accusation in brigade() {
            victims.entry(Day::of(accusation.reported_at)).or_default().insert(accusation.source);
        }
        assert!(victims.len() > 3 && victims.values().all(|victims| victims.len() == 1), "{victims:?}");
        let ids: BTreeSet<&str> = brigade().map(|accusation| accusation.report_id.as_str()).collect();
        let (mut forms, mut texts) = (0, 0);
        for message in messages.iter().filter(|message| message.topic == Topic::CitizenReport) {
            let report: CitizenReport<'_> = serde_json::from_slice(&message.payload).unwrap();
            let by_form = report.source.is_some();
            assert!(ids.contains(&*report.report_id) || !by_form, "the rest writes as before");
            assert_eq!(by_form, report.kind.is_some() && report.called_at.is_some());
            forms += u32::from(by_form);
            texts += u32::from(!by_form && ids.contains(&*report.report_id));
        }
        assert!(forms > 5 && texts > 5, "{forms} forms, {texts} texts");
    }

    #[test]
    fn a_brigade_moves_no_message_of_the_rest() {
        let (_, of_rest) = run(clean(800));
        let beyond = BeyondOptions { brigade_day_share: 1.0, ..BeyondOptions::NOTHING };
        let (_, of_all) = run(Options { beyond, ..clean(800) });
        assert!(of_all.len() > of_rest.len(), "no report of a brigade");
        let mut all = of_all.iter();
        assert!(of_rest.iter().all(|message| all.any(|other| other == message)));
    }
}
