//! Verdicts against the hidden truth: what a demo was worth.
//!
//! In: the table `decision` and the synthetic operator's truth, which nothing else reads. Out: the figures of
//! `summary.json`. Never: feeds anything back into the pipeline.

use std::collections::BTreeMap;

use anyhow::Context;
use arrow::array::{Array, RecordBatch};
use serde::Serialize;

use crate::decide::Subject;
use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::domain::verdict::Verdict;
use crate::schema::column::decision;
use crate::source::synthetic::Truth;

/// Archetypes that behave like ordinary people, or hardly at all: no rule on a day's calls separates them.
const HARDLY_SEPARABLE: [&str; 3] = ["camouflaged", "mixed", "tiny"];

/// The strongest verdict of a subscription and the day of its first flag.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// Strongest verdict ever.
    pub strongest: Verdict,
    /// First day at survey or stronger.
    pub flagged: Option<Day>,
}

/// Figures against the truth. Unit: a subscription that made a call in the measured days.
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
    /// Flagged among spam.
    pub recall: Option<f64>,
    /// Flagged among spam of the separable archetypes.
    pub recall_separable: Option<f64>,
    /// Flagged among the protected that no allow-list names.
    pub protected_flagged_share: Option<f64>,
    /// Limited or blocked among the protected that no allow-list names.
    pub protected_blocked_share: Option<f64>,
    /// Median over spam SIMs: calls made up to the end of the day of the flag, over all calls of the measured days;
    /// 1 when never flagged.
    pub median_calls_share_before_flag: Option<f64>,
    /// Flagged among spam, by archetype.
    pub recall_by_archetype: BTreeMap<String, f64>,
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
    let active: Vec<&Truth> = truth.iter().filter(|truth| truth.calls_by_day.iter().any(|calls| *calls > 0)).collect();
    let spam: Vec<&Truth> = active.iter().copied().filter(|truth| truth.is_spam).collect();
    let protected: Vec<&Truth> =
        active.iter().copied().filter(|truth| truth.is_protected && !truth.is_allow_listed).collect();
    let flagged = held.values().filter(|held| held.flagged.is_some()).count();
    let blocked = held.values().filter(|held| held.strongest.is_bar()).count();
    let archetype = |truth: &Truth| truth.archetype.unwrap_or("none");
    let separable: Vec<&Truth> =
        spam.iter().copied().filter(|truth| !HARDLY_SEPARABLE.contains(&archetype(truth))).collect();

    let count = |list: &[&Truth], is: &dyn Fn(&&Truth) -> bool| list.iter().filter(|truth| is(truth)).count();
    let mut by_archetype: BTreeMap<String, Vec<&Truth>> = BTreeMap::new();
    for truth in &spam {
        by_archetype.entry(archetype(truth).to_owned()).or_default().push(truth);
    }
    let mut shares: Vec<f64> = spam.iter().map(|truth| share_before(truth, of(truth), first_day)).collect();
    shares.sort_by(f64::total_cmp);
    Figures {
        flagged,
        blocked,
        precision: share(count(&spam, &is_flagged), flagged),
        precision_blocked: share(count(&spam, &is_blocked), blocked),
        recall: share(count(&spam, &is_flagged), spam.len()),
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
