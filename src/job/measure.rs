//! Verdicts, detections and reports against the hidden truth: what a demo was worth.
//!
//! In: the tables `decision`, `detection_day` and `ad_breach`, and the synthetic operator's truth, which nothing else
//! reads. Out: the figures of `summary.json`. Never: feeds anything back into the pipeline.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use arrow::array::{Array, RecordBatch};
use serde::Serialize;

use crate::decide::Subject;
use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::domain::verdict::Verdict;
use crate::schema::column::{ad_breach, decision, detection_day};
use crate::source::synthetic::{Breach, SPOOFED_NUMBER, Spoofed, TYPES, Truth};

pub mod report;

/// Archetypes that behave like ordinary people, or hardly at all: no rule on a day's calls separates them.
const HARDLY_SEPARABLE: [&str; 3] = ["camouflaged", "mixed", "tiny"];

/// Frauds beyond the base, which views of their own look for: they are in no recall of verdicts but the one by
/// archetype, so that recall stays comparable.
const BEYOND: [&str; 5] = ["sim_box", "debt_pool", "shared_list", "bulk_stock", "robot"];

/// The strongest verdict of a subscription and the day of its first flag.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// Strongest verdict ever.
    pub strongest: Verdict,
    /// First day at survey or stronger.
    pub flagged: Option<Day>,
}

/// Figures against the truth. Unit: a subscription; shares of what there was to be found count those that made a call in
/// the measured days, shares of what was found count all.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// Subscriptions ever at survey or stronger.
    pub flagged: usize,
    /// Subscriptions ever limited or blocked.
    pub blocked: usize,
    /// Spam among the flagged.
    pub precision: Option<f64>,
    /// Spam among the blocked.
    pub precision_blocked: Option<f64>,
    /// Flagged among the base's spam.
    pub recall: Option<f64>,
    /// Flagged among the base's spam of the separable archetypes.
    pub recall_separable: Option<f64>,
    /// Flagged among the protected that no allow-list names.
    pub protected_flagged_share: Option<f64>,
    /// Limited or blocked among the protected that no allow-list names.
    pub protected_blocked_share: Option<f64>,
    /// Median over the base's spam SIMs: calls made up to the end of the day of the flag, over all calls of the measured days;
    /// 1 when never flagged.
    pub median_calls_share_before_flag: Option<f64>,
    /// Flagged among spam, by archetype.
    pub recall_by_archetype: BTreeMap<String, f64>,
}

/// What the views were worth for one type. Unit: a subscription; a trunk on a day for `spoofed_number`, a call and the
/// rule that it broke for `ad_breach`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detection {
    /// Named on some day.
    pub found: usize,
    /// Right among those.
    pub precision: Option<f64>,
    /// Named among all that were there to be found in the measured days.
    pub recall: Option<f64>,
}

/// What a detection names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    /// A subscription, by its position in the truth.
    Subscription(usize),
    /// A number that was no subscription's on the day.
    Other(i64),
    Trunk(Day, String),
}

/// Every subscription's history of verdicts.
pub fn held(days: &[RecordBatch]) -> anyhow::Result<BTreeMap<Subject, Held>> {
    let mut all: BTreeMap<Subject, Held> = BTreeMap::new();
    for batch in days {
        let activated = decision::ACTIVATED_AT.of(batch)?;
        for row in 0..batch.num_rows() {
            let subject = Subject {
                number: Number::from_e164(decision::NUMBER.of(batch)?.value(row))
                    .context("a decision about no number")?,
                activated_at: activated.is_valid(row).then(|| activated.value(row)),
            };
            let verdict: Verdict = decision::VERDICT.of(batch)?.value(row).parse().map_err(anyhow::Error::msg)?;
            let day = Day::from_epoch_days(decision::DAY.of(batch)?.value(row));
            let held = all.entry(subject).or_insert(Held { strongest: Verdict::Clear, flagged: None });
            held.strongest = held.strongest.max(verdict);
            if verdict.is_flag() {
                held.flagged = Some(held.flagged.map_or(day, |first| first.min(day)));
            }
        }
    }
    Ok(all)
}

/// Compares verdicts with the truth.
pub fn figures(held: &BTreeMap<Subject, Held>, truth: &[Truth], first_day: Day) -> Figures {
    let of = |truth: &Truth| {
        let number = Number::from_e164(truth.number)?;
        held.get(&Subject { number, activated_at: Some(truth.activated_at) }).copied()
    };
    let is_flagged = |truth: &&Truth| of(truth).is_some_and(|held| held.flagged.is_some());
    let is_blocked = |truth: &&Truth| of(truth).is_some_and(|held| held.strongest.is_bar());
    let guilty: Vec<&Truth> = truth.iter().filter(|truth| truth.is_spam).collect();
    let active: Vec<&Truth> = truth.iter().filter(|truth| truth.calls_by_day.iter().any(|calls| *calls > 0)).collect();
    let spam: Vec<&Truth> = active.iter().copied().filter(|truth| truth.is_spam).collect();
    let protected: Vec<&Truth> =
        active.iter().copied().filter(|truth| truth.is_protected && !truth.is_allow_listed).collect();
    let flagged = held.values().filter(|held| held.flagged.is_some()).count();
    let blocked = held.values().filter(|held| held.strongest.is_bar()).count();
    let archetype = |truth: &Truth| truth.archetype.unwrap_or("none");
    let base: Vec<&Truth> = spam.iter().copied().filter(|truth| !BEYOND.contains(&archetype(truth))).collect();
    let separable: Vec<&Truth> =
        base.iter().copied().filter(|truth| !HARDLY_SEPARABLE.contains(&archetype(truth))).collect();

    let count = |list: &[&Truth], is: &dyn Fn(&&Truth) -> bool| list.iter().filter(|truth| is(truth)).count();
    let mut by_archetype: BTreeMap<String, Vec<&Truth>> = BTreeMap::new();
    for truth in &spam {
        by_archetype.entry(archetype(truth).to_owned()).or_default().push(truth);
    }
    let mut shares: Vec<f64> = base.iter().map(|truth| share_before(truth, of(truth), first_day)).collect();
    shares.sort_by(f64::total_cmp);
    Figures {
        flagged,
        blocked,
        // A SIM that was used up just before the measured days may rightly be flagged in them.
        precision: share(count(&guilty, &is_flagged), flagged),
        precision_blocked: share(count(&guilty, &is_blocked), blocked),
        recall: share(count(&base, &is_flagged), base.len()),
        recall_separable: share(count(&separable, &is_flagged), separable.len()),
        protected_flagged_share: share(count(&protected, &is_flagged), protected.len()),
        protected_blocked_share: share(count(&protected, &is_blocked), protected.len()),
        median_calls_share_before_flag: median(&shares),
        recall_by_archetype: by_archetype
            .into_iter()
            .filter_map(|(name, list)| Some((name, share(count(&list, &is_flagged), list.len())?)))
            .collect(),
    }
}

/// Compares detections with the truth, type by type.
pub fn detections(
    days: &[RecordBatch],
    truth: &[Truth],
    spoofed: &[Spoofed],
    first_day: Day,
) -> anyhow::Result<BTreeMap<String, Detection>> {
    let mut found = named(days, truth)?;
    for known in TYPES.into_iter().chain([SPOOFED_NUMBER]) {
        found.entry(known.to_owned()).or_default();
    }
    let detection = |(of, found): (String, BTreeSet<Named>)| {
        let right: BTreeSet<Named> = if of == SPOOFED_NUMBER {
            spoofed.iter().map(|spoofed| Named::Trunk(spoofed.day, spoofed.trunk.to_owned())).collect()
        } else {
            all_of(&of, truth, |_| true)
        };
        let wanted = if of == SPOOFED_NUMBER {
            right.clone()
        } else {
            all_of(&of, truth, |truth| is_there(truth, &of, first_day))
        };
        let hits = |of: &BTreeSet<Named>| found.intersection(of).count();
        let detection = Detection {
            found: found.len(),
            precision: share(hits(&right), found.len()),
            recall: share(hits(&wanted), wanted.len()),
        };
        (of, detection)
    };
    Ok(found.into_iter().map(detection).collect())
}

/// Compares breaches of the rules for advertising with those that were made.
pub fn breaches(days: &[RecordBatch], made: &[Breach]) -> anyhow::Result<Detection> {
    let mut found = BTreeSet::new();
    for batch in days {
        let (at, kind) = (ad_breach::START_AT.of(batch)?, ad_breach::KIND.of(batch)?);
        let (caller, callee) = (ad_breach::CALLER.of(batch)?, ad_breach::CALLEE.of(batch)?);
        found.extend(
            (0..batch.num_rows()).map(|row| (at.value(row), caller.value(row), callee.value(row), kind.value(row))),
        );
    }
    let made: BTreeSet<_> = made.iter().map(|breach| (breach.at, breach.caller, breach.callee, breach.kind)).collect();
    let hits = found.intersection(&made).count();
    Ok(Detection { found: found.len(), precision: share(hits, found.len()), recall: share(hits, made.len()) })
}

/// Whom or what detections name, by type; rows about a group alone name nobody.
fn named(days: &[RecordBatch], truth: &[Truth]) -> anyhow::Result<BTreeMap<String, BTreeSet<Named>>> {
    let mut named: BTreeMap<String, BTreeSet<Named>> = BTreeMap::new();
    for batch in days {
        let (day, of) = (detection_day::DAY.of(batch)?, detection_day::TYPE.of(batch)?);
        let (number, trunk) = (detection_day::NUMBER.of(batch)?, detection_day::TRUNK.of(batch)?);
        for row in 0..batch.num_rows() {
            let on = Day::from_epoch_days(day.value(row));
            let name = if of.value(row) == SPOOFED_NUMBER {
                trunk.is_valid(row).then(|| Named::Trunk(on, trunk.value(row).to_owned()))
            } else {
                number.is_valid(row).then(|| subscription(truth, number.value(row), on))
            };
            named.entry(of.value(row).to_owned()).or_default().extend(name);
        }
    }
    Ok(named)
}

/// The last subscription that a number had on a day; the truth is in order of number and activation.
fn subscription(truth: &[Truth], number: i64, day: Day) -> Named {
    let until = truth.partition_point(|truth| (truth.number, truth.activated_at) < (number, day.ends_at()));
    let is_it = |truth: &Truth| truth.number == number && truth.deactivated_at.is_none_or(|end| end > day.starts_at());
    match until.checked_sub(1).filter(|index| is_it(&truth[*index])) {
        Some(index) => Named::Subscription(index),
        None => Named::Other(number),
    }
}

/// The subscriptions that a type is right about.
fn all_of(of: &str, truth: &[Truth], is: impl Fn(&Truth) -> bool) -> BTreeSet<Named> {
    let all = truth.iter().enumerate().filter(|(_, truth)| truth.types.contains(&of) && is(truth));
    all.map(|(index, _)| Named::Subscription(index)).collect()
}

/// Whether the measured days could show it: by calls, or for a registration by its being there.
fn is_there(truth: &Truth, of: &str, first_day: Day) -> bool {
    if of == "bulk_registration" {
        return truth.deactivated_at.is_none_or(|end| end > first_day.starts_at());
    }
    truth.calls_by_day.iter().any(|calls| *calls > 0)
}

fn share_before(truth: &Truth, held: Option<Held>, first_day: Day) -> f64 {
    let Some(flagged) = held.and_then(|held| held.flagged) else { return 1.0 };
    let until = usize::try_from(flagged.epoch_days() - first_day.epoch_days() + 1).unwrap_or_default();
    let sum = |calls: &[u32]| calls.iter().map(|calls| u64::from(*calls)).sum::<u64>();
    let before = sum(&truth.calls_by_day[..until.min(truth.calls_by_day.len())]);
    ratio(before, sum(&truth.calls_by_day)).unwrap_or(1.0)
}

fn share(part: usize, whole: usize) -> Option<f64> {
    ratio(part as u64, whole as u64)
}

#[expect(clippy::cast_precision_loss, reason = "counts of people and calls are far below 2^53")]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Date32Array, Int64Array, StringArray, TimestampMicrosecondArray};

    use super::*;

    const FIRST: i32 = 20_094;

    fn truth(number: i64, types: &[&'static str], calls: u32) -> Truth {
        Truth {
            number,
            activated_at: 0,
            deactivated_at: None,
            class: "spam",
            archetype: Some("sim_box"),
            campaign: None,
            is_spam: true,
            is_protected: false,
            is_allow_listed: false,
            event: None,
            types: types.to_vec(),
            calls_by_day: vec![calls],
        }
    }

    fn rows(rows: &[(&str, Option<i64>, Option<&str>)]) -> RecordBatch {
        let days = Date32Array::from_iter_values(rows.iter().map(|_| FIRST));
        let columns: [(&str, ArrayRef); 4] = [
            (detection_day::DAY.name, Arc::new(days)),
            (detection_day::TYPE.name, Arc::new(StringArray::from_iter_values(rows.iter().map(|(of, ..)| *of)))),
            (detection_day::NUMBER.name, Arc::new(Int64Array::from_iter(rows.iter().map(|(_, number, _)| *number)))),
            (detection_day::TRUNK.name, Arc::new(StringArray::from_iter(rows.iter().map(|(.., trunk)| *trunk)))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap()
    }

    fn measured(found: &[(&str, Option<i64>, Option<&str>)]) -> BTreeMap<String, Detection> {
        let truth = [truth(1, &["sim_box"], 9), truth(2, &["sim_box", "bulk_registration"], 0), truth(3, &[], 9)];
        let day = Day::from_epoch_days(FIRST);
        let spoofed = ["IHKG01", "VSIP01"].map(|trunk| Spoofed { day, trunk, calls: 3 });
        detections(&[rows(found)], &truth, &spoofed, day).unwrap()
    }

    #[test]
    fn a_flag_is_right_about_spam_that_no_longer_calls() {
        let subject = |number| Subject { number: Number::from_e164(number).unwrap(), activated_at: Some(0) };
        let flag = Held { strongest: Verdict::Survey, flagged: Some(Day::from_epoch_days(FIRST)) };
        let numbers = [84_900_000_001, 84_900_000_002];
        let held = BTreeMap::from(numbers.map(|number| (subject(number), flag)));
        let innocent = Truth { is_spam: false, ..truth(numbers[1], &[], 9) };
        let figures = figures(&held, &[truth(numbers[0], &[], 0), innocent], Day::from_epoch_days(FIRST));
        assert_eq!((figures.flagged, figures.precision), (2, Some(0.5)));
    }

    #[test]
    fn a_detection_is_right_about_a_subscription_of_its_type_once() {
        let measured = measured(&[
            ("sim_box", Some(1), None),
            ("sim_box", Some(1), None),
            ("sim_box", Some(3), None),
            ("bulk_registration", None, None),
            ("robocall", Some(99), None),
        ]);
        let of = |name: &str| measured[name].clone();
        // Number 2 made no call: there was nothing to be found.
        assert_eq!(of("sim_box"), Detection { found: 2, precision: Some(0.5), recall: Some(1.0) });
        assert_eq!(of("bulk_registration"), Detection { found: 0, precision: None, recall: Some(0.0) });
        assert_eq!(of("robocall"), Detection { found: 1, precision: Some(0.0), recall: None });
        assert_eq!(measured.len(), 8);
    }

    #[test]
    fn a_spoofed_number_is_a_matter_of_trunk_and_day() {
        let measured =
            measured(&[("spoofed_number", Some(1), Some("IHKG01")), ("spoofed_number", None, Some("NPSTN1"))]);
        assert_eq!(measured["spoofed_number"], Detection { found: 2, precision: Some(0.5), recall: Some(0.5) });
    }

    #[test]
    fn a_breach_is_a_call_and_the_rule_that_it_broke() {
        let columns: [(&str, ArrayRef); 4] = [
            (ad_breach::KIND.name, Arc::new(StringArray::from(vec!["repeated", "outside_hours", "outside_hours"]))),
            (ad_breach::CALLER.name, Arc::new(Int64Array::from(vec![1, 1, 9]))),
            (ad_breach::CALLEE.name, Arc::new(Int64Array::from(vec![2, 2, 2]))),
            (ad_breach::START_AT.name, Arc::new(TimestampMicrosecondArray::from(vec![5, 5, 5]).with_timezone("UTC"))),
        ];
        let found = RecordBatch::try_from_iter(columns).unwrap();
        let made =
            ["repeated", "outside_hours", "do_not_call"].map(|kind| Breach { at: 5, caller: 1, callee: 2, kind });
        let measured = breaches(&[found], &made).unwrap();
        assert_eq!(measured, Detection { found: 3, precision: Some(2.0 / 3.0), recall: Some(2.0 / 3.0) });
    }

    #[test]
    fn a_number_is_its_owner_of_the_day() {
        let day = Day::from_epoch_days(FIRST);
        let before = Truth { deactivated_at: Some(day.plus(-3).starts_at()), ..truth(1, &["sim_box"], 0) };
        let now = Truth { activated_at: day.plus(-1).starts_at(), ..truth(1, &[], 0) };
        assert_eq!(subscription(&[before.clone(), now], 1, day), Named::Subscription(1));
        assert_eq!(subscription(std::slice::from_ref(&before), 1, day.plus(-4)), Named::Subscription(0));
        assert_eq!(subscription(&[before], 1, day), Named::Other(1));
    }
}
