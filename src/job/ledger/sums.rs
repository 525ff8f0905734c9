//! Records against events, day by day.
//!
//! In: records, the events that were folded from them, and what each day was folded from. Out: for each day how many
//! records are in no event. Never: excuses a record that came after its day was folded, or one that no call of a
//! neighbouring day can hold.

use std::collections::BTreeMap;

use arrow::array::Array;
use serde::Serialize;

use crate::domain::day::Day;
use crate::lake::ledger::Entry;
use crate::lake::{Handle, Lake};
use crate::pipeline::run::made_from;
use crate::schema::column::{call_event, call_record, pipeline_run};
use crate::schema::contract::Table;

/// A record may belong to a call of the neighbouring day when it starts this close to midnight: no less than
/// `pair_window_s` of `pipelines/event`.
const PAIR_WINDOW_US: i64 = 120 * 1_000_000;

/// Records and events of a day.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct DaySum {
    /// Table of records.
    pub table: &'static str,
    /// The day.
    pub day: String,
    /// Records whose start lies in the day.
    pub records: i64,
    /// Events of the day.
    pub events: i64,
    /// Records beyond the first of their event.
    pub duplicates: i64,
    /// Records that may belong to a call of a neighbouring day which is not built, or not kept any more.
    pub at_edge: i64,
    /// Records that no event has taken in; a late record waits here until `run` builds its day again.
    pub waiting: i64,
}

/// The sums of each day from the first whose events are built to the newest.
pub(super) async fn sums(
    lake: &Lake,
    records: &Handle,
    entries: &[Entry],
    days: Option<(Day, Day)>,
) -> anyhow::Result<Vec<DaySum>> {
    let table = records.table();
    let events = match table {
        Table::CALL_RECORD => Table::CALL_EVENT,
        Table::SMS_RECORD => Table::SMS_EVENT,
        _ => return Ok(Vec::new()),
    };
    let Some(events) = lake.find(events).await? else { return Ok(Vec::new()) };
    let built = built(&events).await?;
    let late = late(entries, &folded(lake, table, events.table()).await?);
    let came = came(records, &late).await?;
    let is_wanted = |day: &Day| days.is_none_or(|(from, until)| *day >= from && *day < until);
    Ok(listed(&came, &built).into_iter().filter(is_wanted).map(|day| sum(table, day, &came, &built)).collect())
}

/// Records of a day.
#[derive(Debug, Clone, Copy, Default)]
struct Came {
    records: i64,
    /// Those that a call of the day before may hold.
    first: i64,
    /// Those that a call of the day after may hold.
    last: i64,
    /// Parts of long calls, which a call of either may hold whatever their time.
    parts: i64,
    /// Those that came after the day was folded.
    late: i64,
}

impl Came {
    fn add(&mut self, day: Day, start_at: i64, is_part: bool) {
        self.records += 1;
        if is_part {
            self.parts += 1;
        } else if start_at < day.starts_at() + PAIR_WINDOW_US {
            self.first += 1;
        } else if start_at >= day.ends_at() - PAIR_WINDOW_US {
            self.last += 1;
        }
    }

    /// How many a call of a neighbour may hold that is not built.
    fn near(&self, is_before_open: bool, is_after_open: bool) -> i64 {
        let first = if is_before_open { self.first } else { 0 };
        let last = if is_after_open { self.last } else { 0 };
        let parts = if is_before_open || is_after_open { self.parts } else { 0 };
        first + last + parts
    }
}

/// Events of a day, and the records in them.
#[derive(Debug, Clone, Copy, Default)]
struct Built {
    events: i64,
    records: i64,
    before: i64,
    after: i64,
}

/// The days that are built, and those between them that have records.
fn listed(came: &BTreeMap<Day, Came>, built: &BTreeMap<Day, Built>) -> Vec<Day> {
    let (Some((first, _)), Some((newest, _))) = (built.first_key_value(), built.last_key_value()) else {
        return Vec::new();
    };
    first.until(newest.plus(1)).filter(|day| came.contains_key(day) || built.contains_key(day)).collect()
}

fn sum(table: Table, day: Day, came: &BTreeMap<Day, Came>, built: &BTreeMap<Day, Built>) -> DaySum {
    let came = came.get(&day).copied().unwrap_or_default();
    let own = built.get(&day).copied().unwrap_or_default();
    let (before, after) = (built.get(&day.plus(-1)), built.get(&day.plus(1)));
    let beyond = before.map_or(0, |before| before.after) + after.map_or(0, |after| after.before);
    let open = came.records - (own.records - own.before - own.after + beyond);
    // What the fold has seen and left out belongs to a neighbour; what it has not seen waits, wherever it lies.
    let near = if built.contains_key(&day) { came.near(before.is_none(), after.is_none()) } else { 0 };
    let at_edge = (open - came.late).clamp(0, near);
    DaySum {
        table: table.name(),
        day: day.to_string(),
        records: came.records,
        events: own.events,
        duplicates: own.records - own.events,
        at_edge,
        waiting: open - at_edge,
    }
}

/// The records of each day, with how many of them are late.
async fn came(records: &Handle, late: &BTreeMap<Day, i64>) -> anyhow::Result<BTreeMap<Day, Came>> {
    let has_parts = records.table().contract().column(call_record::PARTIAL_SEQ.name).is_some();
    let mut columns = vec![call_record::DAY.name, call_record::START_AT.name];
    columns.extend(has_parts.then_some(call_record::PARTIAL_SEQ.name));
    let mut came: BTreeMap<Day, Came> = BTreeMap::new();
    for batch in records.rows(vec![], &columns).await? {
        let (days, starts) = (call_record::DAY.of(&batch)?, call_record::START_AT.of(&batch)?);
        let parts = if has_parts { Some(call_record::PARTIAL_SEQ.of(&batch)?) } else { None };
        for row in 0..batch.num_rows() {
            let day = Day::from_epoch_days(days.value(row));
            let is_part = parts.is_some_and(|parts| parts.is_valid(row));
            came.entry(day).or_default().add(day, starts.value(row), is_part);
        }
    }
    for (day, came) in &mut came {
        came.late = late.get(day).copied().unwrap_or_default();
    }
    Ok(came)
}

async fn built(events: &Handle) -> anyhow::Result<BTreeMap<Day, Built>> {
    let columns = [
        call_event::DAY.name,
        call_event::RECORDS.name,
        call_event::RECORDS_BEFORE.name,
        call_event::RECORDS_AFTER.name,
    ];
    let mut built: BTreeMap<Day, Built> = BTreeMap::new();
    for batch in events.rows(vec![], &columns).await? {
        let days = call_event::DAY.of(&batch)?;
        let (all, before, after) = (
            call_event::RECORDS.of(&batch)?,
            call_event::RECORDS_BEFORE.of(&batch)?,
            call_event::RECORDS_AFTER.of(&batch)?,
        );
        for row in 0..batch.num_rows() {
            let built = built.entry(Day::from_epoch_days(days.value(row))).or_default();
            built.events += 1;
            built.records += all.value(row);
            built.before += before.value(row);
            built.after += after.value(row);
        }
    }
    Ok(built)
}

/// The version of the records that each day of events was last folded from.
async fn folded(lake: &Lake, records: Table, events: Table) -> anyhow::Result<BTreeMap<Day, i64>> {
    let Some(runs) = lake.find(Table::PIPELINE_RUN).await? else { return Ok(BTreeMap::new()) };
    let columns = [pipeline_run::DAY.name, pipeline_run::INPUTS.name];
    let mut folded: BTreeMap<Day, i64> = BTreeMap::new();
    for batch in runs.rows_with(pipeline_run::TABLE_NAME.name, events.name(), &columns).await? {
        let (days, inputs) = (pipeline_run::DAY.of(&batch)?, pipeline_run::INPUTS.of(&batch)?);
        for row in 0..batch.num_rows() {
            let versions = made_from(inputs.value(row))?;
            // A day that was folded before there was a table of records was folded from nothing.
            let version = versions.get(records.name()).copied().unwrap_or(-1);
            let newest = folded.entry(Day::from_epoch_days(days.value(row))).or_insert(version);
            *newest = version.max(*newest);
        }
    }
    Ok(folded)
}

/// How many records of each day came with a version after the one that the day was folded from.
fn late(entries: &[Entry], folded: &BTreeMap<Day, i64>) -> BTreeMap<Day, i64> {
    let mut late: BTreeMap<Day, i64> = BTreeMap::new();
    for entry in entries {
        for (day, rows) in &entry.account.days {
            if folded.get(day).is_some_and(|folded| entry.table_version > Some(*folded)) {
                *late.entry(*day).or_default() += rows.cast_signed();
            }
        }
    }
    late
}

impl DaySum {
    /// For people.
    pub(super) fn text(&self) -> String {
        let Self { table, day, records, events, duplicates, at_edge, waiting } = self;
        let mut text = format!("{table} {day}: {records} records, {events} events, {duplicates} duplicates");
        if *at_edge != 0 {
            text += &format!(", {at_edge} at the edge of what is built");
        }
        if *waiting != 0 {
            text += &format!(", {waiting} in no event: callsieve run --day {day}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON_US: i64 = 12 * 3_600 * 1_000_000;

    fn day(days: i32) -> Day {
        Day::from_epoch_days(days)
    }

    /// Records of day 5: how many at noon, in its first minute, in its last, and as parts at noon.
    fn came(noon: usize, first: usize, last: usize, parts: usize) -> Came {
        let mut came = Came::default();
        let mut add = |count: usize, at: i64, is_part: bool| (0..count).for_each(|_| came.add(day(5), at, is_part));
        add(noon, day(5).starts_at() + NOON_US, false);
        add(first, day(5).starts_at() + 60_000_000, false);
        add(last, day(5).ends_at() - 60_000_000, false);
        add(parts, day(5).starts_at() + NOON_US, true);
        came
    }

    fn built(records: i64, before: i64, after: i64) -> Built {
        Built { events: records, records, before, after }
    }

    /// At the edge and waiting, of day 5.
    #[track_caller]
    fn check(came: Came, days: &[(i32, Built)], at_edge: i64, waiting: i64) {
        let built: BTreeMap<Day, Built> = days.iter().map(|(days, built)| (day(*days), *built)).collect();
        let sum = sum(Table::CALL_RECORD, day(5), &BTreeMap::from([(day(5), came)]), &built);
        assert_eq!((sum.at_edge, sum.waiting), (at_edge, waiting));
    }

    #[test]
    fn between_built_days_every_record_is_in_one_event() {
        let days = |own: i64| [(4, built(9, 0, 1)), (5, built(own, 0, 0)), (6, built(9, 2, 0))];
        check(came(7, 2, 2, 0), &days(8), 0, 0);
        check(came(7, 2, 2, 0), &days(7), 0, 1);
        check(came(7, 2, 2, 0), &days(9), 0, -1);
    }

    #[test]
    fn at_an_edge_a_call_of_the_neighbour_may_hold_what_lies_close_to_it() {
        // The first day that is built, or kept.
        check(came(7, 3, 3, 0), &[(5, built(11, 0, 0)), (6, built(9, 0, 0))], 2, 0);
        check(came(7, 3, 3, 0), &[(5, built(9, 0, 0)), (6, built(9, 0, 0))], 3, 1);
        // The newest day that is built.
        check(came(7, 3, 3, 0), &[(4, built(9, 0, 0)), (5, built(11, 0, 0))], 2, 0);
        check(came(7, 0, 0, 2), &[(4, built(9, 0, 0)), (5, built(7, 0, 0))], 2, 0);
        check(came(7, 0, 0, 0), &[(5, built(6, 0, 0))], 0, 1);
    }

    #[test]
    fn a_late_record_waits_even_at_an_edge() {
        let late = Came { late: 1, ..came(7, 3, 3, 0) };
        check(late, &[(4, built(9, 0, 0)), (5, built(12, 0, 0))], 0, 1);
        check(late, &[(4, built(9, 0, 0)), (5, built(11, 0, 0))], 1, 1);
    }

    #[test]
    fn a_day_that_was_never_built_between_others_waits_whole() {
        check(came(7, 1, 1, 0), &[(3, built(9, 0, 0)), (6, built(9, 1, 0))], 0, 8);
        let days = BTreeMap::from([(day(3), built(9, 0, 0)), (day(6), built(9, 1, 0))]);
        let came = [2, 5, 7].map(|days| (day(days), Came::default()));
        assert_eq!(listed(&BTreeMap::from(came), &days), [day(3), day(5), day(6)]);
        assert!(listed(&BTreeMap::from(came), &BTreeMap::new()).is_empty());
    }

    #[test]
    fn what_came_after_a_fold_is_late_on_its_own_day() {
        use crate::domain::account::Account;
        use crate::lake::ledger::Kind;
        let entry = |version: i64, days: &[(i32, u64)]| {
            let mut account = Account::empty("k/t/0", 0, 0);
            account.days = days.iter().map(|(days, rows)| (day(*days), *rows)).collect();
            Entry { table_version: Some(version), ..Entry::new(Kind::Read, Table::CALL_RECORD, account, 0) }
        };
        let entries = [entry(4, &[(5, 10)]), entry(6, &[(5, 2), (6, 30)]), entry(7, &[(5, 1), (9, 1)])];
        let folded = BTreeMap::from([(day(5), 4), (day(6), 6)]);
        assert_eq!(late(&entries, &folded), BTreeMap::from([(day(5), 3)]));
    }

    #[test]
    fn the_window_is_no_smaller_than_the_rules_have_it() {
        for text in [
            include_str!("../../../pipelines/event/call_event.toml"),
            include_str!("../../../pipelines/event/sms_event.toml"),
        ] {
            let rule: toml::Table = toml::from_str(text).unwrap();
            let window = rule.get("param").and_then(|param| param.get("pair_window_s")).unwrap();
            let window_s = window.get("value").and_then(toml::Value::as_integer).unwrap();
            assert!(window_s * 1_000_000 <= PAIR_WINDOW_US, "the rule pairs over {window_s} s");
        }
    }
}
