//! Whether what is to leave counts every citizen's report of its days.
//!
//! In: the books of `citizen_report`, and which version of it the newest run of a table has read. Out: nothing where
//! all reports of the days were there for it; else which days of which table lack some, and what mends it. Never: waits
//! for a report that nobody knows of: one that comes later is told by the version that brings it.

use std::fmt;

use anyhow::Context;
use arrow::array::RecordBatch;

use super::ledger::holds;
use crate::domain::day::{Day, Week};
use crate::lake::Lake;
use crate::lake::ledger::{Books, Entry};
use crate::lake::proof::window;
use crate::pipeline::run::made_from;
use crate::schema::column::pipeline_run as column;
use crate::schema::contract::Table;
use crate::schema::topic::Topic;

/// What shows why reports are missing.
const LEDGER: &str = "callsieve ledger --topic citizen_report";

/// Reports of some days are not in what is to leave, or may not be: exit code 4.
#[derive(Debug, thiserror::Error)]
#[error("{table} does not have every report of {days}, so nothing leaves: {}; {mend}", .reasons.join("; "))]
pub struct Unread {
    /// The table that would leave.
    pub table: Table,
    /// The days whose reports it is to have.
    pub days: Days,
    /// What is missing.
    pub reasons: Vec<String>,
    /// The commands that mend it.
    pub mend: String,
}

/// Days of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// The first of them.
    pub first: Day,
    /// The last of them.
    pub last: Day,
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => self.first.fmt(f),
            false => write!(f, "{} to {}", self.first, self.last),
        }
    }
}

/// A computed table that is to leave.
#[derive(Debug)]
pub(super) struct Counted {
    table: Table,
    /// Its partition, and the day or week that it is by name.
    partition: Day,
    name: String,
    /// The days whose reports are counted in it.
    days: Days,
    /// What computes it.
    run: String,
}

impl Counted {
    /// A table of a day, which counts the reports of that day.
    pub(super) fn of_day(table: Table, day: Day) -> Self {
        let (name, run) = (day.to_string(), format!("callsieve run --day {day}"));
        Self { table, partition: day, name, days: Days { first: day, last: day }, run }
    }

    /// A table of a week, which counts the reports from a day on to the week's end.
    pub(super) fn of_week(table: Table, week: Week, first: Day) -> Self {
        let (name, run) = (week.to_string(), format!("callsieve run --week {week}"));
        Self { table, partition: week.monday(), name, days: Days { first, last: week.monday().plus(6) }, run }
    }
}

/// The newest run of a table.
struct Run {
    output: i64,
    /// The version of the reports that it has read.
    read: i64,
    started_at: i64,
}

/// Fails with [`Unread`] where a report that a table has to count was not in the lake for its newest run, or may not have
/// been; and where nothing has computed it.
pub(super) async fn ensure_counted(lake: &Lake, counted: Counted) -> anyhow::Result<()> {
    let Counted { table, partition, name, days, run } = counted;
    let nothing = || format!("nothing has been computed yet; `{run}` does");
    let runs = lake.find(Table::PIPELINE_RUN).await?.with_context(nothing)?;
    let newest = newest(&runs.day(partition).await?, table)?
        .with_context(|| format!("{table} of {name} has not been computed; `{run}` does"))?;
    let entries = entries(lake).await?;
    let mut reasons = open_reasons(&entries, days);
    let is_open = !reasons.is_empty();
    if newest.started_at < days.last.ends_at() {
        reasons.push(format!("{} was not over when it was computed", days.last));
    }
    let later = entries.iter().filter(|entry| entry.table_version.is_some_and(|version| version > newest.read));
    let late: u64 =
        later.flat_map(|entry| entry.account.days.range(days.first..=days.last)).map(|(_, rows)| rows).sum();
    if late > 0 {
        reasons.push(format!("{late} of them came after it was computed"));
    }
    if reasons.is_empty() {
        return Ok(());
    }
    let mend = match is_open {
        true => format!("`{LEDGER}` shows what is missing; once it is closed, `{run}`"),
        false => format!("`{run}` once more"),
    };
    Err(Unread { table, days, reasons, mend }.into())
}

/// Fails with [`Unread`] where reports leave as they lie in the lake, and not all of their days are there at an instant.
pub(super) async fn ensure_here(lake: &Lake, days: Days, now: i64) -> anyhow::Result<()> {
    let mut reasons = open_reasons(&entries(lake).await?, days);
    let mend = if reasons.is_empty() { "come again".to_owned() } else { format!("`{LEDGER}` shows what is missing") };
    // Of dropped files nobody knows which are still to come: only the last day's end says that there are none of its own.
    if now < days.last.ends_at() {
        reasons.push(format!("{} is not over", days.last));
    }
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Unread { table: Table::CITIZEN_REPORT, days, reasons, mend }.into())
}

/// What the books tell of reports; nothing where none was ever read.
async fn entries(lake: &Lake) -> anyhow::Result<Vec<Entry>> {
    let Some(rows) = lake.find(Table::CITIZEN_REPORT).await? else { return Ok(Vec::new()) };
    let mut books = Books::open(lake).await?;
    books.settle(&rows).await?;
    let mut entries = books.entries(Table::CITIZEN_REPORT).await?;
    entries.retain(|entry| holds(Topic::CitizenReport, entry));
    Ok(entries)
}

/// Why the reports of some days are not all here, by their books.
fn open_reasons(entries: &[Entry], days: Days) -> Vec<String> {
    match entries {
        [] => vec![format!("{} has never been read", Table::CITIZEN_REPORT)],
        entries => window::open_reasons(Table::CITIZEN_REPORT, entries, days.last.ends_at()),
    }
}

fn newest(runs: &[RecordBatch], table: Table) -> anyhow::Result<Option<Run>> {
    let mut newest: Option<Run> = None;
    for batch in runs {
        let (names, outputs) = (column::TABLE_NAME.of(batch)?, column::OUTPUT_VERSION.of(batch)?);
        let (inputs, started) = (column::INPUTS.of(batch)?, column::STARTED_AT.of(batch)?);
        for row in (0..batch.num_rows()).filter(|row| names.value(*row) == table.name()) {
            let output = outputs.value(row);
            if newest.as_ref().is_none_or(|known| known.output < output) {
                // What was computed before there were reports has read none.
                let read = made_from(inputs.value(row))?.get(Table::CITIZEN_REPORT.name()).copied().unwrap_or(-1);
                newest = Some(Run { output, read, started_at: started.value(row) });
            }
        }
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Account;
    use crate::job::tests::{note_run, report_comes};
    use crate::lake::ledger::Kind;

    fn day() -> Day {
        "2025-01-06".parse().unwrap()
    }

    async fn ensured(lake: &Lake) -> Result<(), String> {
        let ensured = ensure_counted(lake, Counted::of_day(Table::REPORT_CHECK, day())).await;
        ensured.map_err(|error| {
            assert!(error.is::<Unread>(), "{error:#}");
            error.to_string()
        })
    }

    /// A run of the table that has read the reports at a version, and began when the day was over.
    async fn ran(lake: &Lake, read: i64) {
        let inputs = format!(r#"{{"citizen_report":{read}}}"#);
        note_run(lake, day(), Table::REPORT_CHECK, (&inputs, read), day().ends_at()).await;
    }

    #[tokio::test]
    async fn a_report_that_came_after_the_run_holds_up_its_day_until_it_is_run_again() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(folder.path()).unwrap();
        let over = day().ends_at();
        ran(&lake, report_comes(&lake, day(), 0, over).await).await;
        ensured(&lake).await.unwrap();
        report_comes(&lake, day().plus(1), 1, over).await;
        ensured(&lake).await.unwrap();
        let late = report_comes(&lake, day(), 2, over).await;
        assert_eq!(
            ensured(&lake).await.unwrap_err(),
            "report_check does not have every report of 2025-01-06, so nothing leaves: 1 of them came after it was \
             computed; `callsieve run --day 2025-01-06` once more"
        );
        ran(&lake, late).await;
        ensured(&lake).await.unwrap();
    }

    #[tokio::test]
    async fn what_was_not_read_to_its_end_or_has_a_hole_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(folder.path()).unwrap();
        note_run(&lake, day(), Table::REPORT_CHECK, ("{}", 0), day().ends_at()).await;
        let refused = ensured(&lake).await.unwrap_err();
        assert!(refused.contains("citizen_report has never been read; `callsieve ledger --topic"), "{refused}");

        ran(&lake, report_comes(&lake, day(), 0, day().ends_at() - 1).await).await;
        let refused = ensured(&lake).await.unwrap_err();
        assert!(refused.contains("k/citizen_report/0 has been read up to"), "{refused}");
        let mends = "`callsieve ledger --topic citizen_report` shows what is missing; once it is closed, \
                     `callsieve run --day 2025-01-06`";
        assert!(refused.ends_with(mends), "{refused}");

        // The second offset is left out.
        ran(&lake, report_comes(&lake, day(), 2, day().ends_at()).await).await;
        let refused = ensured(&lake).await.unwrap_err();
        assert!(refused.contains("has holes: 1; `callsieve ledger"), "{refused}");
        let late = report_comes(&lake, day(), 1, day().ends_at()).await;
        assert!(ensured(&lake).await.unwrap_err().contains("1 of them came after it was computed"));
        ran(&lake, late).await;
        ensured(&lake).await.unwrap();
    }

    #[tokio::test]
    async fn a_run_of_before_the_last_days_end_does_not_count_and_none_is_no_run() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(folder.path()).unwrap();
        let read = report_comes(&lake, day(), 0, day().ends_at()).await;
        let counted = || Counted::of_day(Table::REPORT_CHECK, day());
        let refused = ensure_counted(&lake, counted()).await.unwrap_err().to_string();
        assert_eq!(refused, "nothing has been computed yet; `callsieve run --day 2025-01-06` does");
        note_run(&lake, day().plus(1), Table::REPORT_CHECK, ("{}", 0), day().ends_at()).await;
        let refused = ensure_counted(&lake, counted()).await.unwrap_err().to_string();
        assert_eq!(refused, "report_check of 2025-01-06 has not been computed; `callsieve run --day 2025-01-06` does");
        let inputs = format!(r#"{{"citizen_report":{read}}}"#);
        note_run(&lake, day(), Table::REPORT_CHECK, (&inputs, read), day().ends_at() - 1).await;
        assert!(ensured(&lake).await.unwrap_err().contains("2025-01-06 was not over when it was computed"));
    }

    #[tokio::test]
    async fn what_leaves_as_it_lies_is_all_there_when_its_days_are_over() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(folder.path()).unwrap();
        let days = Days { first: day(), last: day().plus(1) };
        let over = days.last.ends_at();
        // Of a file nobody knows whether another follows.
        lake.open(Table::CITIZEN_REPORT).await.unwrap();
        let account = Account::empty(&format!("file/{}", "ab".repeat(32)), 0, 0);
        let read = Entry::new(Kind::Read, Table::CITIZEN_REPORT, account, over);
        Books::open(&lake).await.unwrap().note(&[read]).await.unwrap();
        let refused = ensure_here(&lake, days, over - 1).await.unwrap_err();
        assert!(refused.is::<Unread>(), "{refused:#}");
        assert!(
            refused
                .to_string()
                .contains("of 2025-01-06 to 2025-01-07, so nothing leaves: 2025-01-07 is not over; come again")
        );
        ensure_here(&lake, days, over).await.unwrap();
    }
}
