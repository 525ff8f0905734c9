//! Who knows whom, week by week: the states that the runner keeps say what all earlier days would say, and they come
//! and follow by themselves.
//!
//! In: calls of some weeks in a real lake. Out: failures. Never: records or a broker; the calls are there already.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use callsieve::clock::Clock;
use callsieve::domain::day::Day;
use callsieve::job::late;
use callsieve::lake::Lake;
use callsieve::pipeline::definition::Definitions;
use callsieve::pipeline::run::{Ran, Runner};
use callsieve::pipeline::session;
use callsieve::schema::contract::Table;

use crate::late::lines;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines");

const ANN: &str = "84900000001";
const BEN: &str = "84900000002";
const CAM: &str = "84900000003";
const DAN: &str = "84900000004";

/// Who called whom: eleven digits are a number, fewer a short one.
type Call = [String; 2];

struct Site {
    lake: Lake,
    runner: Runner,
    /// Kept for its life.
    _folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(folder.path()).unwrap();
        let definitions = Definitions::read(Path::new(FOLDER)).unwrap();
        Self { runner: Runner::new(lake.clone(), definitions, Clock::System), lake, _folder: folder }
    }

    /// Puts the calls of a day in place of what was there.
    async fn happen(&self, on: &str, calls: &[Call]) {
        let contract = Table::CALL_EVENT.contract();
        let session = session::session(BTreeMap::new()).unwrap();
        session::register(&session, Table::CALL_EVENT, session::empty(contract).unwrap(), day(on)).unwrap();
        let rows = calls.iter().enumerate().map(|(id, [caller, callee])| {
            format!("(DATE '{on}', 'e{id}', '{on}T03:00:00Z', {}, {})", cells(caller), cells(callee))
        });
        let columns = "day, record_id, start_at, caller_kind, caller, caller_name, callee_kind, callee, callee_name";
        let insert = format!("INSERT INTO call_event ({columns}) VALUES {}", rows.collect::<Vec<_>>().join(", "));
        session.sql(&insert).await.unwrap().collect().await.unwrap();
        let plan = session.sql("SELECT * FROM call_event").await.unwrap().into_unoptimized_plan();
        let rows = session::rows(&session, plan, contract).await.unwrap();
        self.lake.open(Table::CALL_EVENT).await.unwrap().replace(day(on), &rows).await.unwrap();
    }

    async fn run(&mut self, table: Table, on: &str) -> Vec<String> {
        said(&self.runner.run(&[table], day(on)).await.unwrap())
    }

    /// A day with its calls, computed.
    async fn meet(&mut self, on: &str, calls: &[[&str; 2]]) -> Vec<String> {
        let calls: Vec<Call> = calls.iter().map(|call| call.map(str::to_owned)).collect();
        self.happen(on, &calls).await;
        self.run(Table::CONTACT_DAY, on).await
    }

    async fn restate(&mut self, until: &str) -> Vec<String> {
        said(&late::restate(&mut self.runner, day(until)).await.unwrap().ran)
    }

    async fn rows(&self, table: Table, on: &str, columns: &[&str]) -> Vec<String> {
        let handle = self.lake.find(table).await.unwrap().unwrap();
        lines(&handle.day(day(on)).await.unwrap(), columns)
    }

    async fn is_new(&self, on: &str) -> Vec<String> {
        self.rows(Table::CONTACT_DAY, on, &["caller", "callee", "is_new"]).await
    }
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// The partitions that were written, in order.
fn said(ran: &[Ran]) -> Vec<String> {
    ran.iter().map(|ran| format!("{} {}", ran.table, ran.day)).collect()
}

fn is_number(party: &str) -> bool {
    party.len() == ANN.len()
}

/// Kind, number and name of a party.
fn cells(party: &str) -> String {
    if is_number(party) { format!("'e164', {party}, NULL") } else { format!("'national_short', NULL, '{party}'") }
}

/// Number and name of a party in `contact_day`.
fn shown(party: &str) -> String {
    if is_number(party) { format!("{party} -") } else { format!("- {party}") }
}

/// Calls among nine numbers and three short ones, the same for the same seed.
fn calls(seed: usize) -> Vec<Call> {
    let number = |place: usize| (84_900_000_001 + place % 9).to_string();
    let call = |place: usize| {
        let one = number(place * 7 + seed * 5);
        let other = if place % 4 == 3 { format!("19{}", (place + seed) % 3) } else { number(place * 4 + seed * 11) };
        if place.is_multiple_of(3) { [other, one] } else { [one, other] }
    };
    (0..14).map(call).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_new_by_the_states_is_new_by_all_earlier_days() {
    // From a Thursday on, over Sundays and Mondays, and a week in which nobody called anybody.
    const DAYS: [&str; 11] = [
        "2025-01-02",
        "2025-01-03",
        "2025-01-05",
        "2025-01-06",
        "2025-01-08",
        "2025-01-12",
        "2025-01-20",
        "2025-01-21",
        "2025-01-26",
        "2025-01-27",
        "2025-01-29",
    ];
    let mut site = Site::new();
    let mut met: BTreeSet<Call> = BTreeSet::new();
    let mut ran = vec![];
    let [mut strangers, mut acquainted] = [0, 0];
    for (earlier, on) in DAYS.into_iter().enumerate() {
        let calls: BTreeSet<Call> = calls(earlier).into_iter().collect();
        site.happen(on, &calls.iter().cloned().collect::<Vec<_>>()).await;
        ran.extend(site.run(Table::CONTACT_DAY, on).await);
        let pair = |call: &Call| {
            let mut pair = call.clone();
            pair.sort();
            pair
        };
        let mut expected = vec![];
        for call in &calls {
            let is_new = !met.contains(&pair(call));
            match is_new {
                true => strangers += 1,
                false => acquainted += 1,
            }
            expected.push(format!("{} {} {is_new} {earlier}", shown(&call[0]), shown(&call[1])));
        }
        expected.sort();
        let columns = ["caller", "caller_name", "callee", "callee_name", "is_new", "history_days"];
        assert_eq!(site.rows(Table::CONTACT_DAY, on, &columns).await, expected, "{on}");
        met.extend(calls.iter().map(pair));
    }
    assert!(strangers > 20 && acquainted > 20, "{strangers} strangers, {acquainted} acquainted");
    ran.retain(|partition| partition.starts_with("relation "));
    let weeks = ["2024-12-30", "2025-01-06", "2025-01-13", "2025-01-20"];
    assert_eq!(ran, weeks.map(|week| format!("relation {week}")), "each once, when its week was over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_that_is_missing_is_computed_by_the_next_day_that_asks() {
    let mut site = Site::new();
    let mut ran = site.meet("2025-01-02", &[[ANN, BEN]]).await;
    assert_eq!(ran, ["contact_day 2025-01-02"], "nothing lies before it");
    site.meet("2025-01-07", &[[CAM, DAN]]).await;
    ran = site.meet("2025-01-14", &[[BEN, ANN], [ANN, CAM]]).await;
    assert_eq!(ran, ["relation 2025-01-06", "contact_day 2025-01-14"]);
    let known = ["84900000001 84900000003 true", "84900000002 84900000001 false"];
    assert_eq!(site.is_new("2025-01-14").await, known);

    // As if it had never been computed.
    let mut relation = site.lake.find(Table::RELATION).await.unwrap().unwrap();
    for week in ["2024-12-30", "2025-01-06"] {
        relation.replace(day(week), &[]).await.unwrap();
    }
    ran = site.run(Table::CONTACT_DAY, "2025-01-14").await;
    assert_eq!(ran, ["relation 2024-12-30", "relation 2025-01-06", "contact_day 2025-01-14"]);
    assert_eq!(site.is_new("2025-01-14").await, known);
    let noted = site.rows(Table::PIPELINE_RUN, "2024-12-30", &["table_name", "rows"]).await;
    assert_eq!(noted, ["relation 1", "relation 1"], "each run is noted");
    assert_eq!(site.run(Table::CONTACT_DAY, "2025-01-14").await, ["contact_day 2025-01-14"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_day_is_followed_by_the_states_behind_it() {
    let mut site = Site::new();
    site.meet("2025-01-02", &[[ANN, BEN]]).await;
    site.meet("2025-01-07", &[[CAM, DAN]]).await;
    site.meet("2025-01-14", &[[DAN, ANN]]).await;
    assert_eq!(site.is_new("2025-01-14").await, ["84900000004 84900000001 true"]);
    assert_eq!(site.restate("2025-01-15").await, Vec::<String>::new());

    assert_eq!(site.meet("2025-01-02", &[[ANN, BEN], [ANN, DAN]]).await, ["contact_day 2025-01-02"]);
    let followed = ["relation 2024-12-30", "contact_day 2025-01-07", "relation 2025-01-06", "contact_day 2025-01-14"];
    assert_eq!(site.restate("2025-01-15").await, followed);
    assert_eq!(site.is_new("2025-01-14").await, ["84900000004 84900000001 false"]);
    let columns = ["low", "high", "first_day", "calls_up", "calls_down", "history_days"];
    let states = [
        "84900000001 84900000002 2025-01-02 1 0 2",
        "84900000001 84900000004 2025-01-02 1 0 2",
        "84900000003 84900000004 2025-01-07 1 0 2",
    ];
    assert_eq!(site.rows(Table::RELATION, "2025-01-06", &columns).await, states);
    assert_eq!(site.restate("2025-01-15").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn states_follow_a_named_day_however_far_back() {
    let mut site = Site::new();
    site.meet("2025-01-02", &[[ANN, BEN]]).await;
    site.meet("2025-02-12", &[[DAN, ANN]]).await;
    site.meet("2025-01-02", &[[ANN, BEN], [ANN, DAN]]).await;
    let weeks = ["2024-12-30", "2025-01-06", "2025-01-13", "2025-01-20", "2025-01-27", "2025-02-03"];
    let followed: Vec<String> = weeks.iter().map(|week| format!("relation {week}")).collect();
    assert_eq!(site.restate("2025-02-13").await, [&followed[..], &["contact_day 2025-02-12".to_owned()]].concat());
    assert_eq!(site.is_new("2025-02-12").await, ["84900000004 84900000001 false"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn days_that_are_filled_in_later_are_known_to_the_states_behind_them() {
    let mut site = Site::new();
    site.meet("2025-01-07", &[[ANN, BEN]]).await;
    site.meet("2025-01-14", &[[CAM, DAN]]).await;
    assert_eq!(site.is_new("2025-01-14").await, ["84900000003 84900000004 true"]);
    assert_eq!(site.meet("2025-01-02", &[[DAN, CAM]]).await, ["contact_day 2025-01-02"]);
    let followed = ["relation 2024-12-30", "relation 2025-01-06", "contact_day 2025-01-14"];
    assert_eq!(site.restate("2025-01-15").await, followed);
    assert_eq!(site.is_new("2025-01-14").await, ["84900000003 84900000004 false"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_from_before_the_end_of_its_week_is_computed_again_behind_it() {
    let mut site = Site::new();
    site.meet("2025-01-07", &[[ANN, BEN]]).await;
    assert_eq!(site.run(Table::RELATION, "2025-01-07").await, ["relation 2025-01-06"]);
    assert_eq!(site.meet("2025-01-08", &[[ANN, BEN], [CAM, DAN]]).await, ["contact_day 2025-01-08"]);
    let known = ["84900000001 84900000002 false", "84900000003 84900000004 true"];
    assert_eq!(site.is_new("2025-01-08").await, known, "this week's state is not asked");
    assert_eq!(site.restate("2025-01-12").await, Vec::<String>::new(), "the week goes on");
    assert_eq!(site.restate("2025-01-13").await, ["relation 2025-01-06"]);
    assert_eq!(site.meet("2025-01-13", &[[CAM, DAN]]).await, ["contact_day 2025-01-13"]);
    assert_eq!(site.is_new("2025-01-13").await, ["84900000003 84900000004 false"]);
}
