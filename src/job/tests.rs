//! What the tests of several verbs begin with: rows, what was computed, what ingest is told, and a desk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::desk::{Desk, Hand, Options};
use super::ingest::Site;
use crate::clock::Clock;
use crate::decode;
use crate::domain::account::Account;
use crate::domain::day::Day;
use crate::domain::seal::Seal;
use crate::lake::Lake;
use crate::lake::ledger::{Kind, Told};
use crate::pipeline::session;
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::source::kafka::{Purpose, Setting};
use crate::source::registry::Registry;
use crate::store::user::Role;
use crate::telemetry::metrics::Metrics;

/// 2025-01-06 10:00 in Vietnam.
pub(super) const AT: i64 = 1_736_132_400_000_000;

/// Rows of a table, by an INSERT that names the columns that matter.
pub(super) async fn inserted(table: Table, columns: &str, values: &str) -> Vec<RecordBatch> {
    let session = session::session(BTreeMap::new()).unwrap();
    let day = "2025-01-06".parse().unwrap();
    session::register(&session, table, session::empty(table.contract()).unwrap(), day).unwrap();
    let insert = format!("INSERT INTO {table} ({columns}) VALUES {values}");
    session.sql(&insert).await.unwrap().collect().await.unwrap();
    let plan = session.sql(&format!("SELECT * FROM {table}")).await.unwrap().into_unoptimized_plan();
    session::rows(&session, plan, table.contract()).await.unwrap()
}

/// Puts a run of a table where a lake would have it: what it has read, which version it wrote, and when it began.
pub(super) async fn note_run(lake: &Lake, day: Day, table: Table, (inputs, version): (&str, i64), at: i64) {
    let mut runs = Sheet::new(Table::PIPELINE_RUN.contract());
    let row = runs.row().day(day).text(table.name()).text("").text("{}").text(inputs).int64(version).int64(1);
    row.text("").instant(at).int64(1).end();
    lake.open(Table::PIPELINE_RUN).await.unwrap().append(&[runs.finish()], &[]).await.unwrap();
}

/// A report of a day, as a commit of ingest brings it that has read up to an instant; the version that has it.
pub(super) async fn report_comes(lake: &Lake, day: Day, offset: i64, read_until: i64) -> i64 {
    let place = Account::empty("k/citizen_report/0", 0, offset);
    let (days, watermark) = (BTreeMap::from([(day, 1)]), Some(read_until));
    let accounts = [Account { until: offset + 1, records: 1, watermark, days, ..place }];
    let told = Told { kind: Kind::Read, accounts: &accounts, at: read_until, note: None };
    lake.open(Table::CITIZEN_REPORT).await.unwrap().append_told(&[], &[], told).await.unwrap().version
}

/// What ingest at `AT` shares among its topics, until it has caught up.
pub(super) fn site(lake: &Path) -> Site {
    Site {
        decode: decode::Options::default(),
        seal: Seal::default(),
        lake: Lake::local(lake).unwrap(),
        registry: Arc::new(Registry::Contracts),
        metrics: Arc::new(Metrics::new()),
        clock: Clock::Fixed(AT),
        purpose: Purpose { until_caught_up: true, newest_first: false },
    }
}

/// A desk whose store lies in a folder, with its supervisors; the first of them adds the others.
pub(super) async fn open_desk(folder: &Path, four_eyes: bool, at: i64, supervisors: &[&str]) -> Desk {
    let store = Setting::Text(format!("sqlite://{}/desk.db", folder.display()));
    let desk = Desk::begin(&Options { store, four_eyes, require_promotion: false }).await.unwrap();
    let first = Hand { by: supervisors[0], at, is_dry_run: false, in_clear: false };
    for name in supervisors {
        desk.add_user(first, name, Role::Supervisor).await.unwrap();
    }
    desk
}
