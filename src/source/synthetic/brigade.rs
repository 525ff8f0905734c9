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
    let motive = Motive::Brigade;
    let Some((channel, kind)) = form else {
        let text = format!("LD ({}) ({content})", national(source));
        return Report { reporter, source, reported_at, channel: "sms_156", text, motive, fields: None };
    };
    let fields = Fields {
        kind,
        called_at: reported_at - 600 * SECOND_US,
        evidence: (channel == "web").then(|| format!("{reported_at}/screen.jpg")),
    };
    Report { reporter, source, reported_at, channel, text: content.to_owned(), motive, fields: Some(fields) }
}
