//! `export`: what has to be computed before anything leaves, and the regulator's package of a week.
//!
//! In: `regulator_week`, and what `pipeline_run` says. Out: a published folder. Never: computes; an empty day is an empty
//! list, a day that was not decided is an error.

use std::path::Path;

use anyhow::Context;
use arrow::array::RecordBatch;

use super::desk::handout::Trail;
use super::overtaken::Chain;
use super::package::{Order, Packaged};
use crate::clock::Clock;
use crate::domain::day::{Day, Week};
use crate::export::sign::SecretKey;
use crate::lake::Lake;
use crate::pipeline::definition::Definitions;
use crate::pipeline::run::made_from;
use crate::schema::contract::Table;

/// A week's input is not complete: exit code 4.
#[derive(Debug, thiserror::Error)]
#[error("the input of {week} is not complete, so nothing leaves for the regulator: {}", .reasons.join("; "))]
pub struct Incomplete {
    /// The week.
    pub week: Week,
    /// What is missing.
    pub reasons: Vec<String>,
}

/// What a candidate says is for those who compare it, and never leaves the house.
pub(super) fn refuse_shadow(lake: &Lake) -> anyhow::Result<()> {
    anyhow::ensure!(
        !lake.is_shadow(),
        "this is the lake of a candidate, and nothing of it is exported; name the live one"
    );
    Ok(())
}

/// The rows of a day's table that `decide` computes; a day that it has not, or not to its end, is an error.
pub(super) async fn computed_rows(lake: &Lake, table: Table, day: Day) -> anyhow::Result<Vec<RecordBatch>> {
    refuse_shadow(lake)?;
    let nothing =
        || format!("nothing has been computed yet; `callsieve run --day {day}`, then `callsieve decide --day {day}`");
    let runs = lake.find(Table::PIPELINE_RUN).await?.with_context(nothing)?;
    let runs = runs.day(day).await?;
    let ran = computed(&runs, table)?;
    anyhow::ensure!(ran, "{table} of {day} has not been computed; `callsieve decide --day {day}` does");
    anyhow::ensure!(
        computed_whole(&runs, table, day)?,
        "{day} was not over when {table} was computed; `callsieve decide --day {day}` once it is"
    );
    anyhow::ensure!(
        !is_outdated(&runs, table)?,
        "{day} was decided anew, and {table} is of the decision before; `callsieve decide --day {day}` ends what was cut off"
    );
    if let Some(before) = Chain::read(lake).await?.anew_before(day) {
        anyhow::bail!(
            "{before} was decided anew since {day} was, whose {table} knows nothing of it; `callsieve run --day {day}`, then \
             `callsieve decide --day {day}`"
        );
    }
    lake.require(table).await?.day(day).await
}

/// Whether the day was decided anew since a table was computed from the decision.
fn is_outdated(runs: &[RecordBatch], table: Table) -> anyhow::Result<bool> {
    use crate::schema::column::pipeline_run as column;
    let (mut decided, mut newest) = (None, None);
    for batch in runs {
        let (names, versions) = (column::TABLE_NAME.of(batch)?, column::OUTPUT_VERSION.of(batch)?);
        for row in 0..batch.num_rows() {
            let version = versions.value(row);
            if names.value(row) == Table::DECISION.name() {
                decided = decided.max(Some(version));
            } else if names.value(row) == table.name() {
                newest = newest.max(Some((version, column::INPUTS.of(batch)?.value(row))));
            }
        }
    }
    let Some((_, inputs)) = newest else { return Ok(false) };
    Ok(made_from(inputs)?.get(Table::DECISION.name()).is_some_and(|read| decided > Some(*read)))
}

/// Publishes `OUT/RECIPIENT/WEEK`, once the week is as complete as `decide` wants its days.
pub async fn regulator(
    lake: &Lake,
    definitions: &Definitions,
    out: &Path,
    (week, recipient): (Week, &str),
    (key, trail): (Option<&SecretKey>, Trail<'_>),
) -> anyhow::Result<Packaged> {
    refuse_shadow(lake)?;
    let order = Order::new(definitions, week, recipient)?;
    let nothing = || format!("nothing has been computed yet; `callsieve run --week {week}` does");
    let runs = lake.find(Table::PIPELINE_RUN).await?.with_context(nothing)?;
    let runs = runs.day(week.monday()).await?;
    let ran = computed(&runs, Table::REGULATOR_WEEK)?;
    anyhow::ensure!(ran, "the list of {week} has not been computed; `callsieve run --week {week}` does");
    anyhow::ensure!(
        computed_whole(&runs, Table::REGULATOR_WEEK, week.monday().plus(6))?,
        "{week} was not over when its list was computed; `callsieve run --week {week}` once it is"
    );
    let complete_at = week.monday().plus(7).starts_at() + super::decide::lateness_us(definitions)?;
    let reasons = super::ledger::open_reasons(lake, complete_at).await?;
    if !reasons.is_empty() {
        return Err(Incomplete { week, reasons }.into());
    }
    super::package::publish(lake, &order, out, key, (trail, Clock::System)).await
}

/// Whether a table is among what was computed.
pub(super) fn computed(runs: &[RecordBatch], table: Table) -> anyhow::Result<bool> {
    use crate::schema::column::pipeline_run::TABLE_NAME;
    for batch in runs {
        if TABLE_NAME.of(batch)?.iter().flatten().any(|name| name == table.name()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a table was computed when a day was over: what is computed earlier is a look, and nobody acts on it.
pub(super) fn computed_whole(runs: &[RecordBatch], table: Table, day: Day) -> anyhow::Result<bool> {
    use crate::schema::column::pipeline_run as column;
    for batch in runs {
        let (names, started) = (column::TABLE_NAME.of(batch)?, column::STARTED_AT.of(batch)?);
        let mut rows = names.iter().zip(started.values().iter());
        if rows.any(|(name, at)| name == Some(table.name()) && *at >= day.ends_at()) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::tests::note_run;

    /// Puts a run of a table where a lake would have it: one that began when its day was over.
    async fn note(lake: &Lake, day: Day, table: Table, inputs: &str, version: i64) {
        note_run(lake, day, table, (inputs, version), day.ends_at()).await;
    }

    /// A lake in which a block list has its table, and a day.
    async fn site() -> (tempfile::TempDir, Lake, Day) {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(folder.path()).unwrap();
        lake.open(Table::BLOCKLIST_DAY).await.unwrap();
        (folder, lake, "2025-01-06".parse().unwrap())
    }

    #[tokio::test]
    async fn a_list_of_the_decision_before_does_not_leave() {
        let (_folder, lake, day) = site().await;
        note(&lake, day, Table::DECISION, "{}", 4).await;
        note(&lake, day, Table::BLOCKLIST_DAY, r#"{"decision":4}"#, 9).await;
        // The next day's decision is another version of the same table.
        note(&lake, day.plus(1), Table::DECISION, "{}", 5).await;
        assert!(computed_rows(&lake, Table::BLOCKLIST_DAY, day).await.is_ok());

        note(&lake, day, Table::DECISION, "{}", 6).await;
        let refused = computed_rows(&lake, Table::BLOCKLIST_DAY, day).await.unwrap_err().to_string();
        assert!(
            refused.starts_with("2025-01-06 was decided anew"),
            "who was released since would stay barred: {refused}"
        );
        note(&lake, day, Table::BLOCKLIST_DAY, r#"{"decision":6}"#, 10).await;
        assert!(computed_rows(&lake, Table::BLOCKLIST_DAY, day).await.is_ok());
    }

    #[tokio::test]
    async fn a_list_that_follows_from_the_decision_before_of_an_earlier_day_does_not_leave() {
        let (_folder, lake, day) = site().await;
        for (day, read, wrote) in [(day, 3, 4), (day.plus(1), 4, 5), (day, 5, 6)] {
            note(&lake, day, Table::DECISION, &format!(r#"{{"decision":{read}}}"#), wrote).await;
            note(&lake, day, Table::BLOCKLIST_DAY, &format!(r#"{{"decision":{wrote}}}"#), wrote).await;
        }
        assert!(computed_rows(&lake, Table::BLOCKLIST_DAY, day).await.is_ok());
        let refused = computed_rows(&lake, Table::BLOCKLIST_DAY, day.plus(1)).await.unwrap_err().to_string();
        assert!(refused.starts_with("2025-01-06 was decided anew since 2025-01-07 was"), "{refused}");
        assert!(refused.ends_with("`callsieve decide --day 2025-01-07`"), "{refused}");

        note(&lake, day.plus(1), Table::DECISION, r#"{"decision":6}"#, 7).await;
        note(&lake, day.plus(1), Table::BLOCKLIST_DAY, r#"{"decision":7}"#, 7).await;
        assert!(computed_rows(&lake, Table::BLOCKLIST_DAY, day.plus(1)).await.is_ok());
    }

    #[tokio::test]
    async fn a_list_of_a_day_that_is_not_over_does_not_leave() {
        let (_folder, lake, day) = site().await;
        note_run(&lake, day, Table::BLOCKLIST_DAY, ("{}", 1), day.ends_at() - 1).await;
        let refused = computed_rows(&lake, Table::BLOCKLIST_DAY, day).await.unwrap_err().to_string();
        assert!(refused.starts_with("2025-01-06 was not over when blocklist_day was computed"), "{refused}");
        note(&lake, day, Table::BLOCKLIST_DAY, "{}", 2).await;
        assert!(computed_rows(&lake, Table::BLOCKLIST_DAY, day).await.is_ok());
    }

    #[tokio::test]
    async fn a_package_of_a_week_that_is_not_over_does_not_leave() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(&folder.path().join("lake")).unwrap();
        let definitions = Definitions::read(&crate::pipeline::run::folder(None)).unwrap();
        let monday: Day = "2025-01-06".parse().unwrap();
        note_run(&lake, monday, Table::REGULATOR_WEEK, ("{}", 1), monday.plus(7).starts_at() - 1).await;
        let (out, wanted) = (folder.path().join("out"), (monday.week(), "regulator"));
        let unsigned = (None, Trail::default());
        let refused = regulator(&lake, &definitions, &out, wanted, unsigned).await.unwrap_err().to_string();
        assert!(refused.starts_with("2025-W02 was not over when its list was computed"), "{refused}");
        assert!(!out.exists());
    }

    #[tokio::test]
    async fn nothing_of_a_candidate_is_exported_by_either_name_of_its_lake() {
        let folder = tempfile::tempdir().unwrap();
        let day: Day = "2025-01-06".parse().unwrap();
        let live = Lake::local(&folder.path().join("lake")).unwrap();
        let shadow = live.shadow("abc").unwrap();
        note(&shadow, day, Table::BLOCKLIST_DAY, "{}", 1).await;
        let out = folder.path().join("out");
        // The live lake was not decided, whatever lies in its candidate's.
        let refused = computed_rows(&live, Table::BLOCKLIST_DAY, day).await.unwrap_err().to_string();
        assert!(refused.starts_with("nothing has been computed yet"), "{refused}");
        let by_path = Lake::local(&folder.path().join("lake/shadow/abc")).unwrap();
        for lake in [shadow, by_path] {
            let refused = computed_rows(&lake, Table::BLOCKLIST_DAY, day).await.unwrap_err().to_string();
            assert!(refused.starts_with("this is the lake of a candidate"), "{refused}");
            let definitions = Definitions::read(&crate::pipeline::run::folder(None)).unwrap();
            let (wanted, unsigned) = ((day.week(), "regulator"), (None, Trail::default()));
            let refused = regulator(&lake, &definitions, &out, wanted, unsigned).await.unwrap_err();
            assert!(refused.to_string().starts_with("this is the lake of a candidate"), "{refused}");
        }
        assert!(!out.exists());
    }
}
