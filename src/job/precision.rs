//! `precision`: how many of those that were flagged in a week are spam, as reviewers found by a draw.
//!
//! In: a week's verdicts, and reviews of those drawn. Out: `review_sample`, drawn once, and `rule_precision`, counted anew.
//! Never: draws a week again that was drawn: reviews are of the first draw.

use anyhow::Context;
use serde::Serialize;

use super::case;
use super::export::computed_whole;
use crate::clock::Clock;
use crate::domain::day::Week;
use crate::domain::lang::Lang;
use crate::export::precision::{ALL, Band, FLAGGED};
use crate::lake::Lake;
use crate::pipeline::definition::Definitions;
use crate::pipeline::run::Runner;
use crate::schema::contract::Table;
use crate::store::Store;
use crate::telemetry::metrics::Metrics;

/// The week's last day is not decided, so nobody can be drawn from it: exit code 4.
#[derive(Debug, thiserror::Error)]
#[error("{week} is not decided to its end; callsieve decide --day {last}", last = .week.monday().plus(6))]
pub struct Unfinished {
    /// The week.
    pub week: Week,
}

/// The precision of a week.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Precision {
    /// The week.
    pub week: String,
    /// By rules, segment and band.
    pub bands: Vec<Band>,
}

/// Computes the precision of a week by what was said until now.
pub async fn precision(
    lake: &Lake,
    definitions: Definitions,
    week: Week,
    store: Option<&Store>,
) -> anyhow::Result<Precision> {
    let mut runner = Runner::new(lake.clone(), definitions, Clock::System);
    lake.alone(async {
        if let Some(store) = store {
            case::copy(store, lake).await?;
        }
        draw(&mut runner, week).await?;
        runner.run(&[Table::RULE_PRECISION], week.monday()).await
    })
    .await?;
    let table = runner.newest(Table::RULE_PRECISION).await?.context("it was just computed")?;
    let bands = Band::read(&table.day(week.monday()).await?)?;
    Ok(Precision { week: week.to_string(), bands })
}

/// Whether those of a week who are to be reviewed have been drawn.
pub(super) async fn is_drawn(runner: &mut Runner, week: Week) -> anyhow::Result<bool> {
    match runner.newest(Table::REVIEW_SAMPLE).await? {
        Some(table) => Ok(table.days().await?.contains(&week.monday())),
        None => Ok(false),
    }
}

/// Draws those of a week who are to be reviewed, where nobody has yet.
pub(super) async fn draw(runner: &mut Runner, week: Week) -> anyhow::Result<()> {
    if is_drawn(runner, week).await? {
        return Ok(());
    }
    let last = week.monday().plus(6);
    let is_finished = match runner.newest(Table::PIPELINE_RUN).await? {
        Some(runs) => computed_whole(&runs.day(last).await?, Table::DECISION, last)?,
        None => false,
    };
    if !is_finished {
        return Err(Unfinished { week }.into());
    }
    runner.run(&[Table::REVIEW_SAMPLE], week.monday()).await?;
    Ok(())
}

impl Precision {
    /// The bands of the rules that flagged most, over all segments.
    fn foremost(&self) -> impl Iterator<Item = &Band> {
        let of_all = || self.bands.iter().filter(|band| band.segment == ALL);
        let rules = of_all().filter(|band| band.band == FLAGGED).max_by_key(|band| band.numbers);
        of_all().filter(move |band| rules.is_some_and(|most| most.rules == band.rules))
    }

    /// Publishes the bands.
    pub fn note(&self, metrics: &Metrics) {
        for band in self.foremost() {
            metrics.precision_reviewed.with_label_values(&[band.band.as_str()]).set(band.reviewed);
            for (bound, value) in [("share", band.share), ("low", band.low), ("high", band.high)] {
                if let Some(value) = value {
                    metrics.precision_ratio.with_label_values(&[band.band.as_str(), bound]).set(value);
                }
            }
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut lines = vec![format!(
            "{:<12} {:<10} {:<9} {:>8} {:>8} {:>8} {:>9}   precision (95 %)",
            self.week, "segment", "band", "numbers", "sampled", "reviewed", "confirmed"
        )];
        for band in &self.bands {
            let known = band.known(Lang::En);
            let Band { rules, segment, band, numbers, sampled, reviewed, confirmed, .. } = band;
            let rules: String = rules.chars().take(12).collect();
            lines.push(format!(
                "{rules:<12} {segment:<10} {band:<9} {numbers:>8} {sampled:>8} {reviewed:>8} {confirmed:>9}   {known}"
            ));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests;
