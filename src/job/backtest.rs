//! `backtest`: changed definitions over days that were decided, against what was decided.
//!
//! In: a lake, definitions, and a folder for what they compute. Out: who is flagged by one version alone, day by day, as
//! text, JSON and a page. Never: writes into the lake; asks anybody, so that answers are those that were really given.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use arrow::array::{Array, RecordBatch};

use self::compare::{Comparison, Known, Seen, Standing, Standings, compare};
use self::outcome::{Computed, LIMITS, Outcome};
use self::past::{AsOfNow, otherwise, turn_back};
use self::plan::{Live, Plan};
use super::decide::{number, optional, read_candidates, settle, verdict};
use crate::clock::Clock;
use crate::decide::{Cause, Input, Subject};
use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::domain::verdict::Verdict;
use crate::lake::{Handle, Lake};
use crate::pipeline::definition::Definitions;
use crate::pipeline::run::{Began, Runner};
use crate::schema::column::{advertiser, decision as column};
use crate::schema::contract::Table;

pub mod compare;
pub mod outcome;
pub mod page;
mod past;
mod plan;
pub mod shadow;

/// A folder of an earlier backtest holds this file, and may be emptied.
const MARKER: &str = ".callsieve-backtest";

/// Days were not decided, so there is nothing to compare with: exit code 4.
#[derive(Debug, thiserror::Error)]
#[error("not decided yet: {}; callsieve decide --day DAY", .0.iter().map(Day::to_string).collect::<Vec<_>>().join(" "))]
pub struct Undecided(Vec<Day>);

/// Tries definitions on the days from `from` to `until`; what they compute is left in `FOLDER/lake`.
pub async fn backtest(
    live: &Lake,
    definitions: Definitions,
    folder: &Path,
    from: Day,
    until: Day,
) -> anyhow::Result<Outcome> {
    let days = from..until.plus(1);
    let ran = Live::read(live, &days).await?;
    let undecided: Vec<Day> = from.until(days.end).filter(|day| !ran.has(Table::DECISION, *day)).collect();
    if !undecided.is_empty() {
        return Err(Undecided(undecided).into());
    }
    let plan = Plan::new(&definitions, &ran, &days)?;
    let verdicts = live.require(Table::DECISION).await?;
    let candidates = live.require(Table::BLOCK_CANDIDATE).await?;
    super::demo::clear(folder, MARKER)?;
    let scratch = Lake::local(&folder.join("lake"))?;
    let own = plan.needed.iter().map(|(table, _)| *table).collect();
    let mut runner = Runner::beside(scratch.clone(), live.clone(), own, definitions, Clock::System);

    for (table, days) in &plan.needed {
        if ![Table::BLOCK_CANDIDATE, Table::DECISION].contains(table) {
            for day in days.start.until(days.end) {
                runner.run(&[*table], day).await?;
            }
        }
    }
    copy_held(&verdicts, &scratch, plan.held_from, from).await?;
    let mut seen = Vec::new();
    for day in from.until(days.end) {
        let held = verdicts.day(day).await?;
        let tried = tried(&mut runner, live, &ran, day, input(&held)?).await?;
        seen.push(Seen { day, live: standings(&candidates.day(day).await?, &held)?, tried });
    }
    runner.note_runs().await?;
    let as_of_now = otherwise(&ran, &Live::read(&scratch, &days).await?, &days);
    let known = Known { overturned: overturned(&verdicts).await?, advertisers: advertisers(live, from, until).await? };
    Ok(outcome_of((from, until), plan, as_of_now, compare(&seen, &known)))
}

/// What changed rules say of a day. What was said, listed or answered later nobody knew then, and it would always be in
/// their favour.
async fn tried(runner: &mut Runner, live: &Lake, ran: &Live, day: Day, input: Input) -> anyhow::Result<Standings> {
    turn_back(runner, live, ran, (Table::BLOCK_CANDIDATE, day)).await?;
    runner.run(&[Table::BLOCK_CANDIDATE], day).await?;
    turn_back(runner, live, ran, (Table::DECISION, day)).await?;
    let heard_until = ran.started_at(Table::DECISION, day);
    settle(runner, Began::now(Clock::System), day, input, heard_until).await?;
    let candidates = rows(runner, Table::BLOCK_CANDIDATE, day).await?;
    standings(&candidates, &rows(runner, Table::DECISION, day).await?)
}

/// What a plan has come to on the days from the first to the second.
fn outcome_of((from, until): (Day, Day), plan: Plan, as_of_now: AsOfNow, comparison: Comparison) -> Outcome {
    let computed = plan.needed.iter().map(|(table, days)| Computed {
        table: table.name().to_owned(),
        from: days.start,
        until: days.end.plus(-1),
    });
    Outcome {
        from,
        until,
        computed: computed.collect(),
        changed: plan.changed,
        untried: plan.untried,
        as_of_now,
        limits: LIMITS,
        comparison,
    }
}

/// Writes the outcome as a page.
pub fn write_page(outcome: &Outcome, file: &Path) -> anyhow::Result<()> {
    std::fs::write(file, page::html(outcome)).with_context(|| format!("writing {}", file.display()))
}

/// Copies the verdicts that the first day's follow from, as they were held.
async fn copy_held(verdicts: &Handle, scratch: &Lake, first: Day, from: Day) -> anyhow::Result<()> {
    let mut own = scratch.open(Table::DECISION).await?;
    let days = verdicts.days().await?;
    let latest = days.range(..first).next_back().copied();
    for day in latest.into_iter().chain(days.range(first..from).copied()) {
        let mut batches = Vec::new();
        for batch in verdicts.day(day).await? {
            batches.push(RecordBatch::try_new(Table::DECISION.contract().schema(), batch.columns().to_vec())?);
        }
        own.replace(day, &batches).await?;
    }
    Ok(())
}

/// Whether the day was decided while its input was open; then the changed rules bar nobody new either.
fn input(held: &[RecordBatch]) -> anyhow::Result<Input> {
    for batch in held {
        if column::CAUSE.of(batch)?.iter().flatten().any(|cause| cause == Cause::InputOpen.as_str()) {
            return Ok(Input::Open);
        }
    }
    Ok(Input::Complete)
}

/// The rows of a day that the runner has computed.
async fn rows(runner: &mut Runner, table: Table, day: Day) -> anyhow::Result<Vec<RecordBatch>> {
    let handle = runner.newest(table).await?.with_context(|| format!("table {table} was not computed"))?;
    handle.day(day).await
}

/// What a version says of everybody, by its candidates and its verdicts.
fn standings(candidates: &[RecordBatch], decisions: &[RecordBatch]) -> anyhow::Result<Standings> {
    let mut standings = Standings::new();
    for candidate in read_candidates(candidates)? {
        let standing = Standing {
            // The next owner of a number is not accused of what the one before did.
            proposed: if candidate.is_current { candidate.proposed } else { Verdict::Clear },
            verdict: Verdict::Clear,
            previous: Verdict::Clear,
            case_id: None,
            score: candidate.score,
            segment: candidate.segment,
            is_allow_listed: candidate.is_allow_listed,
            is_special: candidate.is_special,
        };
        standings.insert(candidate.subject, standing);
    }
    for batch in decisions {
        for row in 0..batch.num_rows() {
            let segment = column::SEGMENT.of(batch)?.value(row);
            let score = optional(column::SCORE.of(batch)?, row);
            let standing = standings.entry(subject(batch, row)?).or_insert_with(|| Standing {
                proposed: Verdict::Clear,
                verdict: Verdict::Clear,
                previous: Verdict::Clear,
                case_id: None,
                score,
                segment: segment.to_owned(),
                is_allow_listed: false,
                is_special: false,
            });
            standing.verdict = verdict(column::VERDICT.of(batch)?.value(row))?;
            standing.previous = verdict(column::PREVIOUS.of(batch)?.value(row))?;
            standing.case_id = Some(column::CASE_ID.of(batch)?.value(row).to_owned());
        }
    }
    Ok(standings)
}

/// The subscription that a row of `decision` is about.
fn subject(batch: &RecordBatch, row: usize) -> anyhow::Result<Subject> {
    Ok(Subject {
        number: number(column::NUMBER.of(batch)?.value(row))?,
        activated_at: optional(column::ACTIVATED_AT.of(batch)?, row),
    })
}

/// Subscriptions that were released, on any day, because the bar was wrong: an appeal was right, a reviewer has dismissed
/// the evidence, or the number turned out to be protected. Why the desk releases one outright, its verdict does not say.
async fn overturned(verdicts: &Handle) -> anyhow::Result<BTreeSet<Subject>> {
    let columns = [column::NUMBER.name, column::ACTIVATED_AT.name, column::CAUSE.name];
    let wrong = [Cause::Overturned, Cause::Dismissed, Cause::AllowListed, Cause::SpecialNumber].map(Cause::as_str);
    let mut overturned = BTreeSet::new();
    for batch in verdicts.rows_with(column::VERDICT.name, Verdict::Released.as_str(), &columns).await? {
        let causes = column::CAUSE.of(&batch)?;
        for row in (0..batch.num_rows()).filter(|row| wrong.contains(&causes.value(*row))) {
            overturned.insert(subject(&batch, row)?);
        }
    }
    Ok(overturned)
}

/// Numbers that were confirmed to advertise on any of some days.
async fn advertisers(lake: &Lake, from: Day, until: Day) -> anyhow::Result<BTreeSet<Number>> {
    let mut advertisers = BTreeSet::new();
    let Some(table) = lake.find(Table::ADVERTISER).await? else { return Ok(advertisers) };
    for batch in table.rows(vec![], &[]).await? {
        let (begins, ends) = (advertiser::VALID_FROM.of(&batch)?, advertiser::VALID_UNTIL.of(&batch)?);
        for row in 0..batch.num_rows() {
            let is_over = ends.is_valid(row) && Day::from_epoch_days(ends.value(row)) <= from;
            if !is_over && Day::from_epoch_days(begins.value(row)) <= until {
                advertisers.insert(number(advertiser::NUMBER.of(&batch)?.value(row))?);
            }
        }
    }
    Ok(advertisers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::run::folder;
    use crate::schema::sheet::Sheet;

    fn number_of(last: i64) -> Number {
        Number::from_e164(84_900_000_000 + last).unwrap()
    }

    /// Candidates of a day by what their evidence bears, the last of them on the allow-list or not.
    async fn accuse(lake: &Lake, day: Day, numbers: &[(i64, Verdict)], is_last_allowed: bool) {
        let mut sheet = Sheet::new(Table::BLOCK_CANDIDATE.contract());
        for (place, (last, proposed)) in numbers.iter().enumerate() {
            let row = sheet.row().day(day).int64(84_900_000_000 + last).instant_or_null(None).boolean(true);
            let row = row.text("prepaid").float64(0.9).int64(3).int64(4).int64(0).int64(0);
            let row = row.boolean(true).boolean(true).int64(2);
            let row = row.boolean(is_last_allowed && place + 1 == numbers.len()).boolean(false).boolean(true);
            row.text(proposed.as_str())
                .boolean(false)
                .text_or_null(None)
                .int64_or_null(None)
                .boolean_or_null(None)
                .text_or_null(None)
                .boolean_or_null(None)
                .end();
        }
        lake.open(Table::BLOCK_CANDIDATE).await.unwrap().replace(day, &[sheet.finish()]).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whose_bar_a_person_or_a_list_has_undone_is_overturned_and_nobody_else() {
        let place = tempfile::tempdir().unwrap();
        let lake = Lake::local(place.path()).unwrap();
        let monday: Day = "2025-01-06".parse().unwrap();
        let mut runner = Runner::new(lake.clone(), Definitions::read(&folder(None)).unwrap(), Clock::System);
        let bars = [1, 2, 3, 4].map(|last| (last, Verdict::Limited));
        accuse(&lake, monday, &[&bars[..], &[(5, Verdict::Survey)]].concat(), false).await;
        settle(&mut runner, Began::now(Clock::System), monday, Input::Complete, None).await.unwrap();

        let mut said = Sheet::new(Table::CASE_EVENT.contract());
        for (last, word) in [(1, "overturned"), (2, "dismissed"), (3, "released"), (5, "dismissed")] {
            let row = said.row().int64(last).int64(84_900_000_000 + last).text(word).text("misused").text("an");
            row.instant(monday.ends_at()).text_or_null(None).end();
        }
        lake.open(Table::CASE_EVENT).await.unwrap().replace_all(&[said.finish()]).await.unwrap();
        accuse(&lake, monday.plus(1), &bars, true).await;
        settle(&mut runner, Began::now(Clock::System), monday.plus(1), Input::Complete, None).await.unwrap();

        let verdicts = lake.find(Table::DECISION).await.unwrap().unwrap();
        let numbers: Vec<Number> =
            overturned(&verdicts).await.unwrap().into_iter().map(|subject| subject.number).collect();
        assert_eq!(numbers, [1, 2, 4].map(number_of));
    }
}
