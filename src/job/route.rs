//! `export routes`: a day's reports about numbers that other operators carry, for each of these.
//!
//! In: `report_check` of a day. Out: a published folder for each operator, with what the records here say of each number.
//! Never: tells who has reported, in which words, or when they were called; mixes the numbers of two operators; lets any
//! leave of which the desk's trail does not know; computes what was not computed; leaves out a report of the day that has
//! come; lets stand what is another's by now.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use serde::Serialize;
use serde_json::json;

use super::desk::handout::Trail;
use super::export::refuse_shadow;
use super::unread::{Counted, ensure_counted};
use crate::clock::Clock;
use crate::domain::day::Day;
use crate::export::dossier::folder_name;
use crate::export::list::{Published, publish as publish_list};
use crate::lake::{Handle, Lake};
use crate::schema::column::report_check as column;
use crate::schema::contract::Table;

/// What was published for one operator.
#[derive(Debug, Serialize)]
pub struct Routed {
    /// The operator, as `route_to` names it; as its folder does where the day has nothing for it any more.
    pub operator: String,
    /// Its folder.
    #[serde(flatten)]
    pub published: Published,
}

/// A number that a report accuses.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    number: i64,
    /// `CHANNEL/ID`: whoever acts on it asks for the report by this.
    report: String,
    kind: String,
    state: String,
}

/// What each operator has to get, by its name.
pub(super) type Routes = BTreeMap<String, Vec<Line>>;

/// Publishes `OUT/routes/DAY.OPERATOR/reports.csv` for each operator that has to get any. One that had some before, and
/// none since the day was built again, gets a file without a line: else it would act on numbers that are not its own.
pub async fn publish(
    lake: &Lake,
    out: &Path,
    day: Day,
    (trail, clock): (Trail<'_>, Clock),
) -> anyhow::Result<Vec<Routed>> {
    let (by_operator, is_kept) = read(lake, day).await?;
    let root = out.join("routes");
    let numbers: BTreeSet<i64> = by_operator.values().flatten().map(|line| line.number).collect();
    if !numbers.is_empty() {
        let detail = json!({ "out": root.display().to_string(), "day": day, "numbers": numbers.len() });
        trail.tell("export_routes", clock.now(), &detail).await?;
    }
    let mut routed = Vec::new();
    for (operator, lines) in by_operator {
        let name = format!("{day}.{}", folder_name(&operator));
        let published = publish_list(&root, &name, "reports", &[rows(&lines)?])?;
        routed.push(Routed { operator, published });
    }
    // A day that is past its time says nothing of what was told.
    let before = if is_kept { folders(&root, day)? } else { BTreeSet::new() };
    let told: BTreeSet<PathBuf> = routed.iter().map(|one| one.published.folder.clone()).collect();
    for (operator, name) in before.into_iter().filter(|(_, name)| !told.contains(&root.join(name))) {
        let published = publish_list(&root, &name, "reports", &[rows(&[])?])?;
        routed.push(Routed { operator, published });
    }
    Ok(routed)
}

/// The folders of a day, each behind the operator that it names.
fn folders(root: &Path, day: Day) -> anyhow::Result<BTreeSet<(String, String)>> {
    let reading = || format!("reading {}", root.display());
    let begin = format!("{day}.");
    let mut folders = BTreeSet::new();
    if root.exists() {
        for entry in std::fs::read_dir(root).with_context(reading)? {
            let name = entry.with_context(reading)?.file_name().to_string_lossy().into_owned();
            if let Some(operator) = name.strip_prefix(&begin) {
                folders.insert((operator.to_owned(), name.clone()));
            }
        }
    }
    Ok(folders)
}

/// For people.
pub fn text(day: Day, routed: &[Routed]) -> String {
    if routed.is_empty() {
        return format!("no report of {day} is about another operator's number");
    }
    let line = |Routed { operator, published }: &Routed| {
        let path = published.folder.join(&published.file);
        let news = if published.is_changed { "" } else { " (unchanged)" };
        format!("{}: {} rows for {operator}{news}", path.display(), published.rows)
    };
    routed.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The numbers of a day's reports by the operator that carries them, and whether the day has any report.
async fn read(lake: &Lake, day: Day) -> anyhow::Result<(Routes, bool)> {
    refuse_shadow(lake)?;
    ensure_counted(lake, Counted::of_day(Table::REPORT_CHECK, day)).await?;
    routes(&lake.require(Table::REPORT_CHECK).await?, day).await
}

/// The same of a table `report_check` that is open, whatever has been computed of the day.
pub(super) async fn routes(checks: &Handle, day: Day) -> anyhow::Result<(Routes, bool)> {
    let mut by_operator = Routes::new();
    let mut is_kept = false;
    for batch in checks.day(day).await? {
        is_kept |= batch.num_rows() > 0;
        let (operator, number) = (column::ROUTE_TO.of(&batch)?, column::SOURCE.of(&batch)?);
        let (channel, id) = (column::CHANNEL.of(&batch)?, column::REPORT_ID.of(&batch)?);
        let (kind, state) = (column::KIND.of(&batch)?, column::STATE.of(&batch)?);
        for row in (0..batch.num_rows()).filter(|row| operator.is_valid(*row) && number.is_valid(*row)) {
            by_operator.entry(operator.value(row).to_owned()).or_default().push(Line {
                number: number.value(row),
                report: format!("{}/{}", channel.value(row), id.value(row)),
                kind: kind.value(row).to_owned(),
                state: state.value(row).to_owned(),
            });
        }
    }
    // The same rows make the same bytes, in whatever order they lie.
    by_operator.values_mut().for_each(|lines| lines.sort_unstable());
    Ok((by_operator, is_kept))
}

fn rows(lines: &[Line]) -> anyhow::Result<RecordBatch> {
    let text =
        |cell: fn(&Line) -> String| -> ArrayRef { Arc::new(StringArray::from_iter_values(lines.iter().map(cell))) };
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(lines.iter().map(|line| line.number)));
    let columns = [
        (column::SOURCE.name, numbers),
        (column::KIND.name, text(|line| line.kind.clone())),
        (column::STATE.name, text(|line| line.state.clone())),
        (column::REPORT_ID.name, text(|line| line.report.clone())),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::delivery::parcel::Parcel;
    use crate::job::desk::Look;
    use crate::job::tests::{inserted, note_run, open_desk, report_comes};
    use crate::job::unread::Unread;
    use crate::store::Store;
    use crate::store::audit::Wanted;

    fn day() -> Day {
        "2025-01-06".parse().unwrap()
    }

    /// A lake whose reports were checked when the day was over, or a moment before.
    async fn lake(folder: &Path, at: i64) -> Lake {
        let lake = Lake::local(folder).unwrap();
        let columns = "day, channel, report_id, reporter, source, kind, state, first_call_at, route_to";
        let told = |id: &str, source: &str, state: &str, operator: &str| {
            let called = "'2025-01-06T01:59:00Z'";
            format!(
                "('2025-01-06', 'app', '{id}', 84912345678, {source}, 'scam_call', '{state}', {called}, {operator})"
            )
        };
        let values = [
            told("r2", "84930000001", "no_such_call", "'MobiFone'"),
            told("r1", "84930000001", "matched", "'MobiFone'"),
            told("r1", "84880000001", "matched", "'Mạng A/B'"),
            told("r3", "84330000001", "matched", "NULL"),
            told("r4", "NULL", "no_source", "'MobiFone'"),
        ];
        let batches = inserted(Table::REPORT_CHECK, columns, &values.join(", ")).await;
        lake.open(Table::REPORT_CHECK).await.unwrap().replace(day(), &batches).await.unwrap();
        let read = report_comes(&lake, day(), 0, day().ends_at()).await;
        ran(&lake, read, at).await;
        lake
    }

    /// Notes that the reports at a version were checked.
    async fn ran(lake: &Lake, read: i64, at: i64) {
        let inputs = format!(r#"{{"citizen_report":{read}}}"#);
        note_run(lake, day(), Table::REPORT_CHECK, (&inputs, read), at).await;
    }

    #[tokio::test]
    async fn each_operator_gets_its_own_numbers_and_nobody_who_has_reported_them() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder.path().join("lake"), day().ends_at()).await;
        let export = async || publish(&lake, folder.path(), day(), (Trail::default(), Clock::Fixed(1))).await.unwrap();
        let routed = export().await;
        let told: Vec<_> = routed.iter().map(|one| (one.operator.as_str(), one.published.rows)).collect();
        assert_eq!(told, [("MobiFone", 2), ("Mạng A/B", 1)]);
        let folder = folder.path().join("routes/2025-01-06.MobiFone");
        assert_eq!(
            std::fs::read_to_string(folder.join("reports.csv")).unwrap(),
            "source,kind,state,report_id\n84930000001,scam_call,matched,app/r1\n\
             84930000001,scam_call,no_such_call,app/r2\n"
        );
        assert!(routed.iter().all(|one| Parcel::read(&one.published.folder).is_ok()), "each can be delivered");
        assert!(export().await.iter().all(|one| !one.published.is_changed));
    }

    #[tokio::test]
    async fn an_operator_whose_numbers_have_become_anothers_is_told_and_a_day_past_its_time_takes_nothing_back() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder.path().join("lake"), day().ends_at()).await;
        let export = async || {
            let routed = publish(&lake, folder.path(), day(), (Trail::default(), Clock::Fixed(1))).await.unwrap();
            let told = |one: Routed| (one.operator, one.published.rows, one.published.is_changed);
            routed.into_iter().map(told).collect::<Vec<_>>()
        };
        export().await;
        let columns = "day, channel, report_id, source, kind, state, route_to";
        let ported = "('2025-01-06', 'app', 'r1', 84880000001, 'scam_call', 'matched', 'MobiFone')";
        for (values, is_changed) in [(ported, true), (ported, false)] {
            let batches = inserted(Table::REPORT_CHECK, columns, values).await;
            lake.open(Table::REPORT_CHECK).await.unwrap().replace(day(), &batches).await.unwrap();
            let told = [("MobiFone", 1), ("M_E1_BA_A1ng_20A_2FB", 0)];
            let told = told.map(|(operator, rows)| (operator.to_owned(), rows, is_changed));
            assert_eq!(export().await, told);
        }
        let left = folder.path().join("routes/2025-01-06.M_E1_BA_A1ng_20A_2FB");
        assert_eq!(std::fs::read_to_string(left.join("reports.csv")).unwrap(), "source,kind,state,report_id\n");
        assert!(Parcel::read(&left).is_ok(), "it can be delivered");

        lake.open(Table::REPORT_CHECK).await.unwrap().replace(day(), &[]).await.unwrap();
        assert_eq!(export().await, []);
    }

    #[tokio::test]
    async fn a_day_that_was_checked_before_it_was_over_does_not_leave() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder.path().join("lake"), day().ends_at() - 1).await;
        let refused = publish(&lake, folder.path(), day(), (Trail::default(), Clock::Fixed(1))).await.unwrap_err();
        assert!(refused.is::<Unread>() && refused.to_string().contains("2025-01-06 was not over"), "{refused:#}");
        let refused = publish(&lake, folder.path(), day().plus(1), (Trail::default(), Clock::Fixed(1))).await;
        assert!(refused.unwrap_err().to_string().contains("has not been computed"));
        assert!(!folder.path().join("routes").exists());
    }

    #[tokio::test]
    async fn a_day_of_which_a_report_came_after_its_run_leaves_once_it_was_run_again() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder.path().join("lake"), day().ends_at()).await;
        let late = report_comes(&lake, day(), 1, day().ends_at()).await;
        let export = async || publish(&lake, folder.path(), day(), (Trail::default(), Clock::Fixed(1))).await;
        let refused = export().await.unwrap_err();
        assert!(refused.is::<Unread>(), "{refused:#}");
        assert!(refused.to_string().ends_with("`callsieve run --day 2025-01-06` once more"), "{refused:#}");
        assert!(!folder.path().join("routes").exists());
        ran(&lake, late, day().ends_at()).await;
        assert_eq!(export().await.unwrap().len(), 2);

        // The offset behind it is left out.
        let read = report_comes(&lake, day(), 3, day().ends_at()).await;
        ran(&lake, read, day().ends_at()).await;
        let refused = export().await.unwrap_err();
        assert!(refused.is::<Unread>() && refused.to_string().contains("has holes: 2;"), "{refused:#}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn numbers_leave_only_once_the_desks_trail_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder.path().join("lake"), day().ends_at()).await;
        let desk = open_desk(folder.path(), false, 1, &["an"]).await;
        let store = Store::open(&format!("sqlite://{}/desk.db", folder.path().display())).await.unwrap();
        let export = async |by: Option<&str>| {
            let trail = Trail { store: Some(&store), by };
            publish(&lake, folder.path(), day(), (trail, Clock::Fixed(2))).await
        };
        assert!(export(Some("em")).await.unwrap_err().is::<crate::store::Refused>(), "nobody knows em");
        assert!(!folder.path().join("routes").exists());
        export(None).await.unwrap();
        let trail = desk.trail(Look { by: None, at: 1 }, &Wanted { limit: 2, ..Wanted::default() }).await.unwrap();
        let told: Vec<_> = trail.iter().filter(|row| row.facts["act"] == "export_routes").collect();
        assert_eq!((told.len(), &told[0].facts["detail"]["numbers"]), (1, &2.into()));
    }
}
