//! `decide`: a day's candidates to verdicts, then the tables that wait for them.
//!
//! In: `block_candidate` of the day, `decision` of the latest day before and of an earlier run of the day, and what people
//! have said. Out: `decision` of the day, `survey_request` and `blocklist_day`, and before them `block_candidate` once more
//! where answers came behind it. Never: edits an earlier day's verdict; bars anybody on a day that is not over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, ensure};
use arrow::array::{Array, BooleanArray, PrimitiveArray, RecordBatch, StringArray};
use arrow::datatypes::ArrowPrimitiveType;

use super::late::Versions;
use super::overtaken::Chain;
use super::{case, ledger};
use crate::clock::Clock;
use crate::decide::desk::{Desk, Said};
use crate::decide::rails::Rules;
use crate::decide::stop::Barred;
use crate::decide::{Candidate, Cause, Decision, Input, Subject, again, decide, stop};
use crate::domain::case::Word;
use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::domain::verdict::Verdict;
use crate::lake::Lake;
use crate::pipeline::definition::{Definition, Definitions};
use crate::pipeline::run::{Began, Ran, Runner};
use crate::schema::column::{block_candidate as candidate, decision as column};
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::store::Store;

pub mod look;

/// What a day's decision did.
#[derive(Debug)]
pub struct Decided {
    /// Subscriptions by verdict.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// Tables written.
    pub ran: Vec<Ran>,
    /// Why the day's input is not complete; empty when it is.
    pub open: Vec<String>,
    /// Later days that follow from what was held before, so that nobody's bar is another until they are decided again.
    pub overtaken: BTreeSet<Day>,
}

/// Decides a day of a lake, and takes what the desk has said until now from its store where there is one.
pub async fn day(lake: &Lake, definitions: Definitions, day: Day, store: Option<&Store>) -> anyhow::Result<Decided> {
    super::run::ensure_begun(day, Clock::System)?;
    let mut runner = Runner::new(lake.clone(), definitions, Clock::System);
    lake.alone(async {
        if let Some(store) = store {
            case::copy(store, lake).await?;
        } else {
            case::is_unasked(lake).await?;
        }
        run(&mut runner, Clock::System, day).await
    })
    .await
}

/// Decides a day with a runner that may have the tables open already.
pub async fn run(runner: &mut Runner, clock: Clock, day: Day) -> anyhow::Result<Decided> {
    let began = Began::now(clock);
    ensure_candidates(runner, day).await?;
    let complete_at = day.ends_at() + lateness_us(runner.definitions())?;
    // Read once for both: what the ledger finds to be read is among what came.
    let books = ledger::books(runner).await?;
    let mut versions = Versions::read(runner, &books).await?;
    let mut reasons = ledger::open_reasons_by(books, complete_at);
    let mut ran = super::late::renew(runner, &mut versions, day).await?;
    reasons.extend(behind_ledger(&versions, runner.definitions(), day, began.at)?);
    for reason in &reasons {
        tracing::warn!(%day, reason, "input is not complete, nobody is barred");
    }
    let input = if reasons.is_empty() { Input::Complete } else { Input::Open };
    let now = began.at;
    // Whatever has been copied is heard: the desk's clock may be ahead of this one.
    let (verdicts, written) = settle(runner, began, day, input, None).await?;
    // Known before what follows from it: a run that is cut off leaves a list that says it is of the decision before.
    runner.note_runs().await?;
    ran.push(written);
    let behind = super::run::behind_decision(runner.definitions())?;
    ran.extend(runner.run(&behind, day).await?);
    let from = super::late::followed_from(runner.definitions(), day)?;
    let chain = match runner.newest(Table::PIPELINE_RUN).await? {
        Some(runs) => Chain::of(runs).await?,
        None => Chain::default(),
    };
    let overtaken = chain.overtaken(from, now);
    if !overtaken.is_empty() {
        let days = super::late::words(&overtaken);
        tracing::warn!(%day, days, "these days follow from what was held before, run and decide each again in this order");
    }
    Ok(Decided { verdicts, ran, open: reasons, overtaken })
}

/// Fails where a day's candidates were never computed: whoever stands barred is among them, with who has the number by now and
/// what protects it, and would stay barred unseen.
async fn ensure_candidates(runner: &mut Runner, day: Day) -> anyhow::Result<()> {
    let table = Table::BLOCK_CANDIDATE;
    let mut is_there = match runner.newest(table).await? {
        Some(candidates) => candidates.days().await?.contains(&day),
        None => false,
    };
    // A day may have none.
    if !is_there && let Some(runs) = runner.newest(Table::PIPELINE_RUN).await? {
        is_there = super::export::computed(&runs.day(day).await?, table)?;
    }
    ensure!(is_there, "{table} of {day} has not been computed; `callsieve run --day {day}` does");
    Ok(())
}

/// What the ledger does not say of why a day's input is not complete.
fn behind_ledger(versions: &Versions, definitions: &Definitions, day: Day, now: i64) -> anyhow::Result<Vec<String>> {
    let mut reasons = super::late::open_reasons(versions, definitions, day)?;
    // Of dropped files nobody knows which are still to come: only the day's end says that there are none of its own.
    if now < day.ends_at() {
        reasons.push(format!("{day} is not over"));
    }
    Ok(reasons)
}

/// Writes the verdicts of a day, by its candidates, by what stood on the latest day before and by what people had said until
/// an instant, or by all that they have said; counts them.
pub(super) async fn settle(
    runner: &mut Runner,
    mut began: Began,
    day: Day,
    input: Input,
    heard_until: Option<i64>,
) -> anyhow::Result<(BTreeMap<Verdict, u64>, Ran)> {
    let desk = case::desk(runner, &mut began, day, heard_until).await?;
    let decisions = weigh(runner, &mut began, (day, input), desk).await?;
    let mut verdicts = BTreeMap::new();
    for decision in &decisions {
        *verdicts.entry(decision.verdict).or_default() += 1;
    }
    let definition = runner.definitions().get(Table::DECISION)?.clone();
    let batch = sheet(day, &decisions, &runner.definitions().rules()?);
    let written = runner.write(&definition, day, &[batch], &began).await?;
    Ok((verdicts, written))
}

/// The verdicts of a day, by its candidates, by what stood on the latest day before and by what people have said.
async fn weigh(
    runner: &mut Runner,
    began: &mut Began,
    (day, input): (Day, Input),
    mut desk: Desk,
) -> anyhow::Result<Vec<Decision>> {
    let rules = rules(runner.definitions().get(Table::DECISION)?)?;
    let candidates = match runner.newest(Table::BLOCK_CANDIDATE).await? {
        None => anyhow::bail!("table block_candidate does not exist; `callsieve run --day {day}` makes it"),
        Some(table) => {
            began.inputs.insert(Table::BLOCK_CANDIDATE.name(), table.version());
            read_candidates(&table.day(day).await?)?
        }
    };
    let (standing, earlier) = match runner.newest(Table::DECISION).await? {
        None => (Vec::new(), Vec::new()),
        Some(table) => {
            began.inputs.insert(Table::DECISION.name(), table.version());
            let standing = match table.days().await?.range(..day).next_back() {
                Some(before) => read_decisions(&table.day(*before).await?)?,
                None => Vec::new(),
            };
            (standing, read_decisions(&table.day(day).await?)?)
        }
    };
    let standing = standing.into_iter().filter(|decision| decision.verdict != Verdict::Clear).collect();
    desk.stopped = stopped(runner, &desk, day, &rules).await?;
    let decisions = decide(day, candidates, standing, &rules, input, &desk);
    Ok(again::carry(day, decisions, earlier, began.at))
}

/// The segments in which too many of the last days' bars have been overturned, or are objected to and have no answer.
async fn stopped(runner: &mut Runner, desk: &Desk, day: Day, rules: &Rules) -> anyhow::Result<BTreeSet<String>> {
    let is_objection = |said: &&Said| matches!(said.word, Word::Appealed | Word::Overturned);
    let objections = desk.said.values().flatten().filter(is_objection).count();
    // Too few to stop anything, whatever was barred.
    if i64::try_from(objections)? < rules.stop_min {
        return Ok(BTreeSet::new());
    }
    let Some(table) = runner.newest(Table::DECISION).await? else { return Ok(BTreeSet::new()) };
    let mut barred = Vec::new();
    for on in table.days().await?.range(day.plus(-rules.stop_days)..day) {
        for batch in table.day(*on).await? {
            for row in 0..batch.num_rows() {
                let now = verdict(column::VERDICT.of(&batch)?.value(row))?;
                let before = verdict(column::PREVIOUS.of(&batch)?.value(row))?;
                // What grew, or began anew at its end, is a bar of that day, too: since then it bars whom it bars for longer.
                let is_begun = column::SINCE_DAY.of(&batch)?.value(row) == on.epoch_days();
                if now.is_bar() && (!before.is_bar() || is_begun) {
                    let subject = Subject {
                        number: number(column::NUMBER.of(&batch)?.value(row))?,
                        activated_at: optional(column::ACTIVATED_AT.of(&batch)?, row),
                    };
                    let segment = column::SEGMENT.of(&batch)?.value(row).to_owned();
                    barred.push(Barred { subject, segment, on: *on });
                }
            }
        }
    }
    let stopped = stop::stopped(&barred, desk, day, rules);
    for segment in &stopped {
        tracing::warn!(%day, segment, "too many bars were overturned or wait for an answer, nobody new is barred");
    }
    Ok(stopped)
}

/// How long what is late is waited for behind the end of a day or week, microseconds.
pub fn lateness_us(definitions: &Definitions) -> anyhow::Result<i64> {
    let hours = definitions.get(Table::DECISION)?.integer("lateness_hours")?;
    let lateness = Duration::from_secs(3_600 * u64::try_from(hours)?);
    Ok(i64::try_from(lateness.as_micros())?)
}

fn rules(definition: &Definition) -> anyhow::Result<Rules> {
    let days = |name: &str| -> anyhow::Result<i32> { Ok(i32::try_from(definition.integer(name)?)?) };
    let mut daily_budget = BTreeMap::new();
    for name in definition.facts.param.keys() {
        if let Some(segment) = name.strip_prefix("daily_budget_") {
            daily_budget.insert(segment.to_owned(), definition.integer(name)?);
        }
    }
    Ok(Rules {
        origins_required: definition.integer("origins_required")?,
        reviews_required: definition.integer("reviews_required")?,
        canary_share: definition.float("canary_share")?,
        stop_overturned_share: definition.float("stop_overturned_share")?,
        stop_min: definition.integer("stop_min")?,
        stop_days: days("stop_days")?,
        fresh_after_days: days("fresh_after_days")?,
        fresh_papers_after_days: days("fresh_papers_after_days")?,
        daily_budget,
        watched_days: days("watched_days")?,
        survey_days: days("survey_days")?,
        limited_days: days("limited_days")?,
        blocked_days: days("blocked_days")?,
    })
}

pub(super) fn optional<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    array.is_valid(row).then(|| array.value(row))
}

/// Null, as rows of before a column have it, is not true.
fn is_true(array: &BooleanArray, row: usize) -> bool {
    array.is_valid(row) && array.value(row)
}

pub(super) fn text(array: &StringArray, row: usize) -> Option<String> {
    array.is_valid(row).then(|| array.value(row).to_owned())
}

pub(super) fn read_candidates(batches: &[RecordBatch]) -> anyhow::Result<Vec<Candidate>> {
    let mut candidates = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            candidates.push(Candidate {
                subject: Subject {
                    number: number(candidate::NUMBER.of(batch)?.value(row))?,
                    activated_at: optional(candidate::ACTIVATED_AT.of(batch)?, row),
                },
                is_onnet: candidate::IS_ONNET.of(batch)?.value(row),
                segment: candidate::SEGMENT.of(batch)?.value(row).to_owned(),
                score: optional(candidate::SCORE.of(batch)?, row),
                origins: candidate::ORIGINS.of(batch)?.value(row),
                matched_reporters: candidate::MATCHED_REPORTERS.of(batch)?.value(row),
                survey_yes: candidate::SURVEY_YES.of(batch)?.value(row),
                survey_no: candidate::SURVEY_NO.of(batch)?.value(row),
                is_registration_evidence: is_true(candidate::IS_REGISTRATION_EVIDENCE.of(batch)?, row),
                is_box: is_true(candidate::IS_BOX.of(batch)?, row),
                detections: text(candidate::DETECTIONS.of(batch)?, row),
                is_allow_listed: candidate::IS_ALLOW_LISTED.of(batch)?.value(row),
                is_special: candidate::IS_SPECIAL.of(batch)?.value(row),
                is_current: candidate::IS_CURRENT.of(batch)?.value(row),
                is_denied: is_true(candidate::IS_DENIED.of(batch)?, row),
                lock_reason: text(candidate::LOCK_REASON.of(batch)?, row),
                proposed: verdict(candidate::PROPOSED.of(batch)?.value(row))?,
            });
        }
    }
    Ok(candidates)
}

pub(super) fn number(digits: i64) -> anyhow::Result<Number> {
    Number::from_e164(digits).context("a table holds a number that is none")
}

pub(super) fn verdict(word: &str) -> anyhow::Result<Verdict> {
    word.parse().map_err(anyhow::Error::msg)
}

/// What a day holds; protection and locks are looked up anew each day, since every standing number is a candidate of its day.
fn read_decisions(batches: &[RecordBatch]) -> anyhow::Result<Vec<Decision>> {
    let mut decisions = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let day = |days: i32| Day::from_epoch_days(days);
            // Of the cause only that is heeded: what was put off is made today, and what was taken back stays so.
            let word = column::CAUSE.of(batch)?.value(row);
            let cause = [Cause::Staged, Cause::NotConfirmed].into_iter().find(|cause| cause.as_str() == word);
            decisions.push(Decision {
                candidate: Candidate {
                    subject: Subject {
                        number: number(column::NUMBER.of(batch)?.value(row))?,
                        activated_at: optional(column::ACTIVATED_AT.of(batch)?, row),
                    },
                    is_onnet: column::IS_ONNET.of(batch)?.value(row),
                    segment: column::SEGMENT.of(batch)?.value(row).to_owned(),
                    score: optional(column::SCORE.of(batch)?, row),
                    origins: column::ORIGINS.of(batch)?.value(row),
                    matched_reporters: column::MATCHED_REPORTERS.of(batch)?.value(row),
                    survey_yes: column::SURVEY_YES.of(batch)?.value(row),
                    survey_no: column::SURVEY_NO.of(batch)?.value(row),
                    is_registration_evidence: is_true(column::IS_REGISTRATION_EVIDENCE.of(batch)?, row),
                    is_box: false,
                    detections: text(column::DETECTIONS.of(batch)?, row),
                    is_allow_listed: false,
                    is_special: false,
                    is_current: true,
                    is_denied: false,
                    lock_reason: None,
                    proposed: Verdict::Clear,
                },
                case_id: column::CASE_ID.of(batch)?.value(row).to_owned(),
                verdict: verdict(column::VERDICT.of(batch)?.value(row))?,
                previous: verdict(column::PREVIOUS.of(batch)?.value(row))?,
                cause: cause.unwrap_or(Cause::NoNewEvidence),
                since: day(column::SINCE_DAY.of(batch)?.value(row)),
                until: day(column::UNTIL_DAY.of(batch)?.value(row)),
                flagged: optional(column::FLAGGED_DAY.of(batch)?, row).map(day),
                flagged_at: optional(column::FLAGGED_AT.of(batch)?, row),
            });
        }
    }
    Ok(decisions)
}

fn sheet(day: Day, decisions: &[Decision], definitions: &str) -> RecordBatch {
    let mut sheet = Sheet::new(Table::DECISION.contract());
    for decision in decisions {
        let candidate = &decision.candidate;
        let row = sheet.row().day(day).text(&decision.case_id).int64(candidate.subject.number.reveal());
        let row = row.instant_or_null(candidate.subject.activated_at).boolean(candidate.is_onnet);
        let row = row.text(&candidate.segment).text(decision.verdict.as_str()).text(decision.previous.as_str());
        let row = row.text(decision.cause.as_str()).day(decision.since).day(decision.until);
        let row = row.date_or_null(decision.flagged.map(Day::epoch_days)).float64_or_null(candidate.score);
        let row = row.int64(candidate.origins).int64(candidate.matched_reporters);
        let row = row.int64(candidate.survey_yes).int64(candidate.survey_no).text(definitions);
        let row = row.boolean(candidate.is_registration_evidence).text_or_null(candidate.detections.as_deref());
        row.instant_or_null(decision.flagged_at).text_or_null(candidate.lock_reason.as_deref()).end();
    }
    sheet.finish()
}

/// The verdicts in words, for people.
pub fn words(verdicts: &BTreeMap<Verdict, u64>) -> String {
    let words: Vec<String> = verdicts.iter().rev().map(|(verdict, count)| format!("{count} {verdict}")).collect();
    if words.is_empty() { "nobody".to_owned() } else { words.join(", ") }
}

/// Publishes the counts.
pub fn note(decided: &Decided, metrics: &crate::telemetry::metrics::Metrics) -> anyhow::Result<()> {
    for verdict in Verdict::ALL {
        let count = decided.verdicts.get(&verdict).copied().unwrap_or_default();
        metrics.decide_verdicts.with_label_values(&[verdict.as_str()]).set(i64::try_from(count).context("a count")?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::desk::Said;
    use crate::decide::tests::candidate;
    use crate::job::tests::note_run;
    use crate::pipeline::run::folder;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_day_whose_candidates_were_never_computed_is_not_decided() {
        let place = tempfile::tempdir().unwrap();
        let lake = Lake::local(place.path()).unwrap();
        let monday: Day = "2025-01-06".parse().unwrap();
        lake.open(Table::BLOCK_CANDIDATE).await.unwrap();
        note_run(&lake, monday, Table::BLOCK_CANDIDATE, ("{}", 0), monday.ends_at()).await;
        let definitions = Definitions::read(&folder(None)).unwrap();
        let mut runner = Runner::new(lake.clone(), definitions.clone(), Clock::System);
        let refused = run(&mut runner, Clock::System, monday.plus(1)).await.unwrap_err().to_string();
        let looked = look::day(&lake, definitions, monday.plus(1), None, Clock::System).await.unwrap_err().to_string();
        for said in [refused, looked] {
            let expected = "block_candidate of 2025-01-07 has not been computed; `callsieve run --day 2025-01-07` does";
            assert_eq!(said, expected);
        }
        assert!(lake.find(Table::DECISION).await.unwrap().is_none());
        run(&mut runner, Clock::System, monday).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_day_that_is_not_over_is_open_whatever_was_read_of_it() {
        let place = tempfile::tempdir().unwrap();
        let lake = Lake::local(place.path()).unwrap();
        lake.open(Table::BLOCK_CANDIDATE).await.unwrap();
        let day: Day = "2025-01-06".parse().unwrap();
        note_run(&lake, day, Table::BLOCK_CANDIDATE, ("{}", 0), day.starts_at()).await;
        let mut runner = Runner::new(lake, Definitions::read(&folder(None)).unwrap(), Clock::System);
        for (at, is_over) in [(day.ends_at() - 1, false), (day.ends_at(), true)] {
            let decided = run(&mut runner, Clock::Fixed(at), day).await.unwrap();
            let is_told = decided.open.iter().any(|reason| reason == "2025-01-06 is not over");
            assert_eq!(is_told, !is_over, "{:?}", decided.open);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_another_decided_anew_in_between_is_told_to_whoever_decides_the_next_day() {
        let place = tempfile::tempdir().unwrap();
        let lake = Lake::local(place.path()).unwrap();
        let monday: Day = "2025-01-06".parse().unwrap();
        let [tuesday, wednesday] = [1, 2].map(|after| monday.plus(after));
        lake.open(Table::BLOCK_CANDIDATE).await.unwrap();
        for day in [monday, tuesday, wednesday] {
            note_run(&lake, day, Table::BLOCK_CANDIDATE, ("{}", 0), day.ends_at()).await;
        }
        let definitions = Definitions::read(&folder(None)).unwrap();
        let runner = || Runner::new(lake.clone(), definitions.clone(), Clock::System);
        let (mut one, mut other) = (runner(), runner());
        for day in [monday, tuesday] {
            assert!(run(&mut one, Clock::System, day).await.unwrap().overtaken.is_empty());
        }
        run(&mut other, Clock::System, monday).await.unwrap();
        let decided = run(&mut one, Clock::System, wednesday).await.unwrap();
        assert_eq!(decided.overtaken, BTreeSet::from([tuesday, wednesday]));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_overturned_bar_that_grew_or_began_anew_counts_for_the_stop_and_one_that_stood_does_not() {
        use Verdict::{Blocked, Limited};
        let day: Day = "2025-01-06".parse().unwrap();
        let definitions = Definitions::read(&folder(None)).unwrap();
        let rules = rules(definitions.get(Table::DECISION).unwrap()).unwrap();
        let said =
            |bar: &Decision| (bar.candidate.subject.number, vec![Said { word: Word::Overturned, at: day.ends_at() }]);
        let long_ago = day.plus(-29);
        let cases = [(Limited, Limited, day, true), (Limited, Blocked, day, true), (Limited, Limited, long_ago, false)];
        for (previous, verdict, since, is_stopped) in cases {
            let place = tempfile::tempdir().unwrap();
            let lake = Lake::local(place.path()).unwrap();
            let barred: Vec<Decision> =
                (0..rules.stop_min).map(|number| barred(number, previous, verdict, since)).collect();
            let desk = Desk { said: barred.iter().map(said).collect(), ..Desk::default() };
            lake.open(Table::DECISION).await.unwrap().replace(day, &[sheet(day, &barred, "")]).await.unwrap();
            let mut runner = Runner::new(lake, definitions.clone(), Clock::Fixed(0));
            let still = stopped(&mut runner, &desk, day.plus(1), &rules).await.unwrap();
            assert_eq!(still.contains("prepaid"), is_stopped, "{previous} to {verdict} since {since}");
        }
    }

    fn barred(number: i64, previous: Verdict, verdict: Verdict, since: Day) -> Decision {
        let (candidate, cause) = (candidate(number, verdict), Cause::Evidence);
        let (case_id, until) = (String::new(), since.plus(30));
        Decision { candidate, case_id, verdict, previous, cause, since, until, flagged: None, flagged_at: None }
    }
}
