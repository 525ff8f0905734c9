//! `shadow`: changed definitions beside the live ones, day after day, until somebody promotes them or lets them be.
//!
//! In: a lake, definitions, and a day that was decided. Out: the day's candidates and verdicts by those definitions, in a lake
//! of their own below the live one, and how they differ. Never: writes a live table; asks anybody, bars anybody, or is read
//! by an export.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use anyhow::Context;
use serde::Serialize;

use super::compare::{Known, Seen, compare};
use super::outcome::Outcome;
use super::past::{otherwise, turn_back};
use super::plan::{Live, Plan};
use super::{Undecided, advertisers, copy_held, input, outcome_of, overturned, standings};
use crate::clock::Clock;
use crate::domain::day::Day;
use crate::job::decide::settle;
use crate::lake::{Handle, Lake};
use crate::pipeline::definition::Definitions;
use crate::pipeline::run::{Began, Runner};
use crate::schema::column::pipeline_run;
use crate::schema::contract::Table;

/// Days are not there in the shadow, so there is nothing to compare: exit code 4.
#[derive(Debug, thiserror::Error)]
#[error("not in the shadow yet: {}; callsieve shadow run --day DAY", .0.iter().map(Day::to_string).collect::<Vec<_>>().join(" "))]
pub struct Unseen(Vec<Day>);

/// What a day's shadow did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shadowed {
    /// The day.
    pub day: Day,
    /// Hash of its rules, by which the shadow is known: its verdicts name it as well.
    pub definitions: String,
    /// Subscriptions by verdict.
    pub verdicts: BTreeMap<String, u64>,
    /// Partitions computed.
    pub computed: usize,
}

impl Shadowed {
    /// For people.
    pub fn text(&self) -> String {
        let words: Vec<String> = self.verdicts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
        let words = if words.is_empty() { "nobody".to_owned() } else { words.join(", ") };
        format!("{} in the shadow of {}: {words}; {} partitions computed", self.day, self.definitions, self.computed)
    }
}

/// Computes a day that the live definitions have decided; what the shadow lacks of the days before is computed as well.
pub async fn run(live: &Lake, definitions: Definitions, day: Day) -> anyhow::Result<Shadowed> {
    let days = day..day.plus(1);
    let ran = Live::read(live, &days).await?;
    if !ran.has(Table::DECISION, day) {
        return Err(Undecided(vec![day]).into());
    }
    let plan = Plan::new(&definitions, &ran, &days)?;
    let verdicts = live.require(Table::DECISION).await?;
    let rules = definitions.rules()?;
    let lake = live.shadow(&rules)?;
    let own = plan.needed.iter().map(|(table, _)| *table).collect();
    let mut runner = Runner::beside(lake.clone(), live.clone(), own, definitions, Clock::System);
    lake.alone(async {
        let mut computed = 0;
        for (table, of) in &plan.needed {
            if ![Table::BLOCK_CANDIDATE, Table::DECISION].contains(table) {
                computed += fill(&mut runner, *table, of, day).await?;
            }
        }
        // A shadow begins with what was held; from then on its verdicts follow from its own.
        if !has_begun(&lake, day).await? {
            copy_held(&verdicts, &lake, plan.held_from, day).await?;
        }
        turn_back(&mut runner, live, &ran, (Table::BLOCK_CANDIDATE, day)).await?;
        runner.run(&[Table::BLOCK_CANDIDATE], day).await?;
        turn_back(&mut runner, live, &ran, (Table::DECISION, day)).await?;
        let held = verdicts.day(day).await?;
        let began = Began::now(Clock::System);
        let heard_until = ran.started_at(Table::DECISION, day);
        let (verdicts, _) = settle(&mut runner, began, day, input(&held)?, heard_until).await?;
        runner.note_runs().await?;
        let verdicts = verdicts.into_iter().map(|(verdict, count)| (verdict.to_string(), count)).collect();
        Ok(Shadowed { day, definitions: rules, verdicts, computed: computed + 2 })
    })
    .await
}

/// Computes the day itself, and of the days before those that the shadow lacks; how many there were.
async fn fill(runner: &mut Runner, table: Table, of: &Range<Day>, day: Day) -> anyhow::Result<usize> {
    let known = days_of(runner, table).await?;
    let lacking: Vec<Day> = of.start.until(of.end).filter(|of| *of == day || !known.contains(of)).collect();
    for day in &lacking {
        runner.run(&[table], *day).await?;
    }
    Ok(lacking.len())
}

/// Whether it has a verdict of its own before a day; verdicts that were copied have no run.
async fn has_begun(shadow: &Lake, day: Day) -> anyhow::Result<bool> {
    let Some(runs) = shadow.find(Table::PIPELINE_RUN).await? else { return Ok(false) };
    for batch in runs.rows_with(pipeline_run::TABLE_NAME.name, Table::DECISION.name(), &[]).await? {
        if pipeline_run::DAY.of(&batch)?.iter().flatten().any(|of| of < day.epoch_days()) {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn days_of(runner: &mut Runner, table: Table) -> anyhow::Result<BTreeSet<Day>> {
    match runner.newest(table).await? {
        Some(handle) => handle.days().await,
        None => Ok(BTreeSet::new()),
    }
}

/// How the verdicts of a shadow differ from the live ones on the days from `from` to `until`, all of which it has seen.
pub async fn report(live: &Lake, definitions: &Definitions, from: Day, until: Day) -> anyhow::Result<Outcome> {
    let days = from..until.plus(1);
    let lake = live.shadow(&definitions.rules()?)?;
    let ran = Live::read(live, &days).await?;
    let seen_days = match lake.find(Table::PIPELINE_RUN).await? {
        Some(_) => Some(Live::read(&lake, &days).await?),
        None => None,
    };
    let is_seen = |day: &Day| seen_days.as_ref().is_some_and(|seen| seen.has(Table::DECISION, *day));
    let unseen: Vec<Day> = from.until(days.end).filter(|day| !is_seen(day)).collect();
    if !unseen.is_empty() {
        return Err(Unseen(unseen).into());
    }
    let (candidates, tried_candidates) = both(live, &lake, Table::BLOCK_CANDIDATE).await?;
    let (verdicts, tried_verdicts) = both(live, &lake, Table::DECISION).await?;
    let mut seen = Vec::new();
    for day in from.until(days.end) {
        seen.push(Seen {
            day,
            live: standings(&candidates.day(day).await?, &verdicts.day(day).await?)?,
            tried: standings(&tried_candidates.day(day).await?, &tried_verdicts.day(day).await?)?,
        });
    }
    let plan = Plan::new(definitions, &ran, &days)?;
    let as_of_now = seen_days.map(|tried| otherwise(&ran, &tried, &days)).unwrap_or_default();
    let known = Known { overturned: overturned(&verdicts).await?, advertisers: advertisers(live, from, until).await? };
    Ok(outcome_of((from, until), plan, as_of_now, compare(&seen, &known)))
}

/// A table as the live lake has it, and as the shadow has.
async fn both(live: &Lake, shadow: &Lake, table: Table) -> anyhow::Result<(Handle, Handle)> {
    let of_live = live.require(table).await?;
    let of_shadow = shadow.find(table).await?.with_context(|| format!("table {table} is not in the shadow"))?;
    Ok((of_live, of_shadow))
}
