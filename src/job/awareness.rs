//! `export awareness`: a month's or a week's reports in figures, for a public page.
//!
//! In: `scam_trend_week` for a week; `citizen_report` for a month, which no weeks add up to. Out: a published folder; of
//! a week also what the regulator's package tells. Never: counts a report twice that was sent twice, or what accuses
//! nobody; computes a week that was not computed; tells of a part of a month or week as if it were the whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arrow::array::{Array, RecordBatch};
use serde::Serialize;

use super::export::refuse_shadow;
use super::unread::{Counted, Days, ensure_counted, ensure_here};
use crate::clock::Clock;
use crate::domain::day::{Month, Week};
use crate::domain::number::Number;
use crate::domain::plan;
use crate::domain::report::Kind;
use crate::export::awareness::{Awareness, NOWHERE, Period, UNTOLD};
use crate::export::folder::Aside;
use crate::export::small::{Grid, merged};
use crate::export::trend::{self, Trend};
use crate::lake::{Handle, Lake};
use crate::schema::column::{citizen_report, pipeline_run, scam_trend_week};
use crate::schema::contract::Table;
use crate::text::story;

/// What was published.
#[derive(Debug, Serialize)]
pub struct Told {
    /// The folder.
    pub folder: PathBuf,
    /// Reports that were counted; null when they are too few to say.
    pub reports: Option<u64>,
    /// Whether anything changed.
    pub is_changed: bool,
}

impl Told {
    /// For people.
    pub fn text(&self) -> String {
        let reports = self.reports.map_or_else(|| "too few reports".to_owned(), |count| format!("{count} reports"));
        let news = if self.is_changed { "" } else { " (unchanged)" };
        format!("{}: {reports}{news}", self.folder.display())
    }
}

/// What accuses somebody.
const REPORTS: [Kind; 3] = [Kind::SpamCall, Kind::SpamSms, Kind::ScamCall];

/// Reports by form and channel, and by form and province; of a month by carrier, of a week those before by form.
#[derive(Debug, Default)]
struct Counts {
    by_channel: BTreeMap<(String, String), u64>,
    by_province: BTreeMap<(String, String), u64>,
    by_carrier: BTreeMap<String, u64>,
    before: BTreeMap<String, u64>,
}

impl Counts {
    fn add(&mut self, form: &str, channel: &str, province: &str, reports: u64) {
        *self.by_channel.entry((form.to_owned(), channel.to_owned())).or_default() += reports;
        *self.by_province.entry((form.to_owned(), province.to_owned())).or_default() += reports;
    }
}

/// Publishes `OUT/awareness/MONTH` or `OUT/awareness/WEEK`, once all its reports are there, and counted.
pub async fn publish(lake: &Lake, out: &Path, period: Period, least: u64, clock: Clock) -> anyhow::Result<Told> {
    refuse_shadow(lake)?;
    let counts = match period {
        Period::Month(month) => of_month(lake, month, clock).await?,
        Period::Week(week) => of_week(lake, week).await?,
    };
    let by_channel = Grid::new(&counts.by_channel, least);
    let by_province = Grid::new(&counts.by_province, least);
    let reports = by_channel.as_ref().map(Grid::sum);
    let (by_carrier, before) = (merged(&counts.by_carrier, least), merged(&counts.before, least));
    let root = out.join("awareness");
    let aside = Aside::open(&root, &period.to_string())?;
    Awareness { period, least, by_channel, by_province, by_carrier, before, titles: titles() }.write(&aside)?;
    Ok(Told { folder: root.join(period.to_string()), reports, is_changed: aside.publish()? })
}

/// What the forms are called.
fn titles() -> BTreeMap<String, String> {
    story::forms().iter().map(|form| (form.name.clone(), form.title.clone())).collect()
}

async fn of_week(lake: &Lake, week: Week) -> anyhow::Result<Counts> {
    // The week stands beside the one before, whose reports it counts again.
    let before = week.monday().plus(-7);
    ensure_counted(lake, Counted::of_week(Table::SCAM_TREND_WEEK, week, before)).await?;
    let table = lake.require(Table::SCAM_TREND_WEEK).await?;
    of_rows(&table.day(week.monday()).await?)
}

/// When the counts of a week were computed last.
async fn computed_at(runs: &Handle, week: Week) -> anyhow::Result<Option<i64>> {
    let mut computed_at = None;
    for batch in runs.day(week.monday()).await? {
        let (names, started) = (pipeline_run::TABLE_NAME.of(&batch)?, pipeline_run::STARTED_AT.of(&batch)?);
        let own = (0..batch.num_rows()).filter(|row| names.value(*row) == Table::SCAM_TREND_WEEK.name());
        computed_at = computed_at.max(own.map(|row| started.value(row)).max());
    }
    Ok(computed_at)
}

/// What a week's package tells of reports, of runs and counts at one version each; nothing of a week that was not over
/// when it was counted.
pub(super) async fn trend(runs: &Handle, table: &Handle, week: Week, least: u64) -> anyhow::Result<Trend> {
    let is_whole = computed_at(runs, week).await?.is_some_and(|at| at >= Period::Week(week).ends_at());
    let rows = if is_whole { table.day(week.monday()).await? } else { Vec::new() };
    let Counts { by_province, before, .. } = of_rows(&rows)?;
    Ok(Trend::new(&trend::Counts { now: by_province, before }, &titles(), least))
}

fn of_rows(batches: &[RecordBatch]) -> anyhow::Result<Counts> {
    use scam_trend_week as column;
    let mut counts = Counts::default();
    for batch in batches {
        let (forms, channels) = (column::FORM.of(batch)?, column::CHANNEL.of(batch)?);
        let (provinces, reports) = (column::PROVINCE.of(batch)?, column::REPORTS.of(batch)?);
        let before = column::REPORTS_BEFORE.of(batch)?;
        for row in 0..batch.num_rows() {
            let form = forms.value(row);
            match u64::try_from(reports.value(row))? {
                0 => {}
                reports => counts.add(form, channels.value(row), provinces.value(row), reports),
            }
            *counts.before.entry(form.to_owned()).or_default() += u64::try_from(before.value(row))?;
        }
    }
    counts.before.retain(|_, reports| *reports > 0);
    Ok(counts)
}

/// Counts the reports of a month themselves: the table of trends is by week.
async fn of_month(lake: &Lake, month: Month, clock: Clock) -> anyhow::Result<Counts> {
    use citizen_report as column;
    ensure_here(lake, Days { first: month.first(), last: month.last() }, clock.now()).await?;
    let table = lake.require(Table::CITIZEN_REPORT).await?;
    let (id, channel, kind, source) = (column::REPORT_ID, column::CHANNEL, column::KIND, column::SOURCE);
    let columns = [id.name, channel.name, kind.name, source.name, column::SCAM_FORM.name, column::PROVINCE.name];
    let (mut counts, mut known) = (Counts::default(), BTreeSet::new());
    for batch in table.rows_within((month.first(), month.last()), &columns).await? {
        let (ids, kinds) = (column::REPORT_ID.of(&batch)?, column::KIND.of(&batch)?);
        let (channels, forms) = (column::CHANNEL.of(&batch)?, column::SCAM_FORM.of(&batch)?);
        let (sources, provinces) = (column::SOURCE.of(&batch)?, column::PROVINCE.of(&batch)?);
        for row in 0..batch.num_rows() {
            let is_report = REPORTS.iter().any(|kind| kind.as_str() == kinds.value(row));
            // An id belongs to its channel.
            if !is_report || !known.insert((channels.value(row).to_owned(), ids.value(row).to_owned())) {
                continue;
            }
            let form = if forms.is_valid(row) { forms.value(row) } else { UNTOLD };
            let province = if provinces.is_valid(row) { provinces.value(row) } else { NOWHERE };
            counts.add(form, channels.value(row), province, 1);
            let source = sources.is_valid(row).then(|| sources.value(row)).and_then(Number::from_e164);
            let carrier = match source {
                None => "no number",
                Some(source) if !source.is_vietnamese() => "abroad",
                Some(source) => plan::range_holder(source).unwrap_or("fixed or unknown"),
            };
            *counts.by_carrier.entry(carrier.to_owned()).or_default() += 1;
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Account;
    use crate::domain::day::Day;
    use crate::job::tests::{note_run, report_comes};
    use crate::job::unread::Unread;
    use crate::lake::ledger::{Books, Entry, Kind};
    use crate::schema::sheet::Sheet;

    /// The first instant of March 2025.
    fn later() -> Clock {
        Clock::Fixed("2025-03-01".parse::<Day>().unwrap().starts_at())
    }

    #[tokio::test]
    async fn reports_count_once_and_rare_forms_cannot_be_told() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(folder.path()).unwrap();
        let day: Day = "2025-01-31".parse().unwrap();
        let mut sheet = Sheet::new(Table::CITIZEN_REPORT.contract());
        let mut report = |id: i64, on: Day, channel: &str, kind: &str, form: Option<&str>| {
            let row = sheet.row().day(on).text(&format!("r{id}")).text(channel).int64(84_912_345_678).text(kind);
            let row = row.text("e164").int64(84_962_000_001).text_or_null(None).text("").boolean(false).instant(0);
            let row = row.int32(0).int64(id).instant(0).text_or_null(None).text_or_null(form).int32(1);
            let row = row.instant_or_null(None).text_or_null(None).text_or_null(None).text_or_null(None);
            row.text_or_null((id < 30).then_some("Cà Mau")).text_or_null(None).end();
        };
        for id in 0..40 {
            report(id, day, if id % 2 == 0 { "app" } else { "web" }, "spam_call", Some("fake_lender"));
        }
        report(0, day, "app", "spam_call", Some("fake_lender"));
        report(0, day, "web", "spam_call", Some("fake_lender"));
        report(50, day, "app", "domain_lookup", None);
        report(51, day.plus(1), "app", "spam_call", None);
        report(52, day, "app", "scam_call", Some("sim_lock"));
        lake.open(Table::CITIZEN_REPORT).await.unwrap().append(&[sheet.finish()], &[]).await.unwrap();
        report_comes(&lake, day, 0, later().now()).await;

        let month = |month: &str| Period::Month(month.parse().unwrap());
        let told = publish(&lake, folder.path(), month("2025-01"), 10, later()).await.unwrap();
        assert_eq!((told.reports, told.is_changed), (Some(42), true));
        let read = |file: &str| std::fs::read_to_string(told.folder.join(file)).unwrap();
        let all: String = ["forms.csv", "carriers.csv", "page.html"].map(read).concat();
        assert!(
            !all.contains("sim_lock") && !all.contains("fake_lender"),
            "merged, or one total minus another told it"
        );
        assert!(read("forms.csv").contains("2025-01,total,,total,42"));
        assert!(read("carriers.csv").contains(",Viettel,42"));
        assert!(read("provinces.csv").contains("2025-01,total,,Cà Mau,31") && read("page.html").contains("Cà Mau"));
        assert!(!publish(&lake, folder.path(), month("2025-01"), 10, later()).await.unwrap().is_changed);
        assert_eq!(publish(&lake, folder.path(), month("2025-02"), 10, later()).await.unwrap().reports, None);
    }

    /// A lake with a computed week of these: form, channel, reports, reports before.
    async fn week(folder: &Path, told: &[(&str, &str, i64, i64)]) -> Lake {
        week_at(folder, told, Period::Week("2025-W02".parse().unwrap()).ends_at()).await
    }

    async fn week_at(folder: &Path, told: &[(&str, &str, i64, i64)], computed_at: i64) -> Lake {
        let lake = Lake::local(folder).unwrap();
        let monday: Day = "2025-01-06".parse().unwrap();
        let read = report_comes(&lake, monday, 0, monday.plus(14).starts_at()).await;
        ran(&lake, read, computed_at).await;
        let mut sheet = Sheet::new(Table::SCAM_TREND_WEEK.contract());
        for (form, channel, reports, before) in told {
            let row = sheet.row().day(monday).text(form).text(NOWHERE).text(channel);
            let row = row.int64(*reports).int64(*reports).int64(0);
            row.int64(*before).int64(*before).int64(0).end();
        }
        lake.open(Table::SCAM_TREND_WEEK).await.unwrap().replace(monday, &[sheet.finish()]).await.unwrap();
        lake
    }

    /// Notes that the week's reports at a version were counted.
    async fn ran(lake: &Lake, read: i64, at: i64) {
        let inputs = format!(r#"{{"citizen_report":{read}}}"#);
        note_run(lake, "2025-01-06".parse().unwrap(), Table::SCAM_TREND_WEEK, (&inputs, read), at).await;
    }

    #[tokio::test]
    async fn a_week_stands_beside_the_one_before_where_that_was_no_small_one() {
        let folder = tempfile::tempdir().unwrap();
        let told = [
            ("fake_lender", "app", 60, 40),
            ("sim_lock", "app", 30, 4),
            ("tax_office", "web", 12, 25),
            ("none", "web", 0, 30),
        ];
        let lake = week(folder.path(), &told).await;
        let week = Period::Week("2025-W02".parse().unwrap());
        let told = publish(&lake, folder.path(), week, 10, later()).await.unwrap();
        assert_eq!(told.reports, Some(102));
        let read = |file: &str| std::fs::read_to_string(told.folder.join(file)).unwrap();
        let changes = read("changes.csv");
        assert!(changes.contains("2025-W02,fake_lender,") && changes.contains(",60,40\n"), "{changes}");
        assert!(changes.contains(",30,\n") && !changes.contains(",4\n"), "a small week before stays hidden: {changes}");
        assert!(read("page.html").contains("So với tuần trước") && !told.folder.join("carriers.csv").exists());
    }

    #[tokio::test]
    async fn a_part_of_a_week_or_month_is_not_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let period = Period::Week("2025-W02".parse().unwrap());
        let lake = week_at(folder.path(), &[("fake_lender", "app", 60, 40)], period.ends_at() - 1).await;
        let refused = publish(&lake, folder.path(), period, 10, later()).await.unwrap_err();
        assert!(refused.is::<Unread>(), "{refused:#}");
        assert!(refused.to_string().contains("2025-01-12 was not over when it was computed"), "{refused}");

        // Read up to the last minute of Tuesday 2025-02-04.
        let until = "2025-02-05".parse::<Day>().unwrap().starts_at();
        let account = Account { watermark: Some(until), ..Account::empty("k/citizen_report/0", 0, 0) };
        let read = Entry::new(Kind::Idle, Table::CITIZEN_REPORT, account, until);
        Books::open(&lake).await.unwrap().note(&[read]).await.unwrap();
        let [january, february] = ["2025-01", "2025-02"].map(|month| Period::Month(month.parse().unwrap()));
        let refused = publish(&lake, folder.path(), february, 10, later()).await.unwrap_err();
        assert!(refused.is::<Unread>() && refused.to_string().contains("up to 2025-02-04T17:00:00Z"), "{refused}");
        let early = Clock::Fixed(january.ends_at() - 1);
        let refused = publish(&lake, folder.path(), january, 10, early).await.unwrap_err();
        assert!(refused.is::<Unread>() && refused.to_string().contains("2025-01-31 is not over"), "{refused}");
        assert!(!folder.path().join("awareness").exists());
        let told = publish(&lake, folder.path(), january, 10, later()).await.unwrap();
        assert_eq!(told.reports, None, "January is all there");
    }

    #[tokio::test]
    async fn a_week_of_which_a_report_came_after_its_run_leaves_once_it_was_run_again() {
        let folder = tempfile::tempdir().unwrap();
        let lake = week(folder.path(), &[("fake_lender", "app", 60, 40)]).await;
        let period = Period::Week("2025-W02".parse().unwrap());
        let monday: Day = "2025-01-06".parse().unwrap();
        // The week before is told beside it.
        for (offset, day) in [(1, monday.plus(-7)), (2, monday.plus(6))] {
            let late = report_comes(&lake, day, offset, period.ends_at()).await;
            let refused = publish(&lake, folder.path(), period, 10, later()).await.unwrap_err();
            assert!(refused.is::<Unread>(), "{refused:#}");
            let begin =
                "scam_trend_week does not have every report of 2024-12-30 to 2025-01-12, so nothing leaves: 1 of";
            assert!(refused.to_string().starts_with(begin), "{refused}");
            ran(&lake, late, period.ends_at()).await;
            publish(&lake, folder.path(), period, 10, later()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_week_that_was_not_computed_is_not_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let lake = week(folder.path(), &[]).await;
        let week = Period::Week("2025-W03".parse().unwrap());
        let refused = publish(&lake, folder.path(), week, 10, later()).await.unwrap_err();
        assert!(refused.to_string().contains("`callsieve run --week 2025-W03` does"), "{refused}");
    }
}
