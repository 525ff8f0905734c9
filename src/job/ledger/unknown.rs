//! Words of a sender that are none of the contract.
//!
//! In: rows of `subscriber`. Out: how many lines have one by their newest state. Never: opens a ledger for them, since
//! every state is a row; tells of what the sender has mended since.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use serde::Serialize;

use crate::decode::subscriber::UNKNOWN;
use crate::domain::day::Day;
use crate::lake::Handle;
use crate::schema::column::subscriber;

/// Lines whose newest state has what is no word of the contract.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct UnknownWords {
    /// How many.
    pub lines: usize,
    /// The day of the newest of these states.
    pub last_day: Day,
}

/// The lines that have such a word in a column by their newest state, where that is of some days, or of any; nothing
/// when there are none.
pub(super) async fn unknown(
    column: &str,
    rows: &Handle,
    days: Option<(Day, Day)>,
) -> anyhow::Result<Option<UnknownWords>> {
    let unknown = newest(&rows.rows_with(column, UNKNOWN, &COLUMNS).await?)?;
    if unknown.is_empty() {
        return Ok(None);
    }
    let lines: BTreeSet<i64> = unknown.keys().copied().collect();
    let mut now = newest(&rows.rows_of_any(subscriber::NUMBER.name, &lines, &COLUMNS).await?)?;
    // Of any other line the sender has said something else since.
    now.retain(|line, state| unknown.get(line) == Some(&*state));
    let told = now.into_values().map(|state| state.day);
    let told: Vec<Day> = told.filter(|day| days.is_none_or(|(from, until)| *day >= from && *day < until)).collect();
    Ok(told.iter().max().map(|last_day| UnknownWords { lines: told.len(), last_day: *last_day }))
}

const COLUMNS: [&str; 7] = [
    subscriber::NUMBER.name,
    subscriber::ACTIVATED_AT.name,
    subscriber::CHANGED_AT.name,
    subscriber::SOURCE_PARTITION.name,
    subscriber::SOURCE_OFFSET.name,
    subscriber::LOADED_AT.name,
    subscriber::DAY.name,
];

/// A state by its place among those of its line, as `block_candidate` orders them. A file that was mended and dropped
/// again has the same places, and came later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    activated_at: i64,
    changed_at: i64,
    partition: i32,
    offset: i64,
    loaded_at: i64,
    day: Day,
}

/// The newest state of each line.
fn newest(batches: &[RecordBatch]) -> anyhow::Result<BTreeMap<i64, State>> {
    let mut newest: BTreeMap<i64, State> = BTreeMap::new();
    for batch in batches {
        let (numbers, days) = (subscriber::NUMBER.of(batch)?, subscriber::DAY.of(batch)?);
        let (activated, changed) = (subscriber::ACTIVATED_AT.of(batch)?, subscriber::CHANGED_AT.of(batch)?);
        let (partitions, offsets) = (subscriber::SOURCE_PARTITION.of(batch)?, subscriber::SOURCE_OFFSET.of(batch)?);
        let loaded = subscriber::LOADED_AT.of(batch)?;
        for row in 0..batch.num_rows() {
            let state = State {
                activated_at: activated.value(row),
                changed_at: changed.value(row),
                partition: partitions.value(row),
                offset: offsets.value(row),
                loaded_at: loaded.value(row),
                day: Day::from_epoch_days(days.value(row)),
            };
            let known = newest.entry(numbers.value(row)).or_insert(state);
            *known = state.max(*known);
        }
    }
    Ok(newest)
}

impl UnknownWords {
    /// For people, of a column and of what follows for these lines.
    pub(super) fn text(&self, column: &str, follows: &str) -> String {
        let Self { lines, last_day } = self;
        format!(
            "subscriber: {lines} lines have by their newest state a {column} that is no word of the contract, the last of \
             {last_day}: they {follows}, and no bar begins on them; have the sender keep to schemas/topic/subscriber.avsc"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::tests::inserted;
    use crate::lake::Lake;
    use crate::schema::contract::Table;

    /// What is told of states of some lines: number, activation, change, offset, segment and lock.
    async fn told(states: &str) -> [Option<UnknownWords>; 2] {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(folder.path()).unwrap();
        let columns = "number, activated_at, changed_at, source_offset, segment, lock_reason, loaded_at, day";
        let batches = inserted(Table::SUBSCRIBER, columns, states).await;
        lake.open(Table::SUBSCRIBER).await.unwrap().append(&batches, &[]).await.unwrap();
        let rows = lake.require(Table::SUBSCRIBER).await.unwrap();
        let of = async |column| unknown(column, &rows, None).await.unwrap();
        [of(subscriber::SEGMENT.name).await, of(subscriber::LOCK_REASON.name).await]
    }

    fn words(lines: usize, last_day: &str) -> Option<UnknownWords> {
        Some(UnknownWords { lines, last_day: last_day.parse().unwrap() })
    }

    #[tokio::test]
    async fn a_line_is_told_of_until_its_sender_has_mended_it() {
        let state = |number: u64, (activated, changed): (u8, u8), offset: u64, (segment, lock): (&str, &str)| {
            let at = |day: u8| format!("'2025-01-{day:02}T03:00:00Z'");
            let (activated, changed_at) = (at(activated), at(changed));
            format!(
                "({number}, {activated}, {changed_at}, {offset}, '{segment}', {lock}, {changed_at}, '2025-01-{changed:02}')"
            )
        };
        let other = state(84_912_000_001, (1, 2), 1, ("unknown", "NULL"));
        let line = 84_912_000_002;
        let (first, locked) = (state(line, (1, 3), 2, ("unknown", "'unknown'")), "'debt'");
        let now = told(&[other.clone(), first.clone()].join(", ")).await;
        assert_eq!(now, [words(2, "2025-01-03"), words(1, "2025-01-03")]);
        // The later state comes first.
        for mended in [state(line, (1, 4), 3, ("prepaid", locked)), state(line, (3, 3), 1, ("prepaid", "NULL"))] {
            assert_eq!(told(&[mended, first.clone(), other.clone()].join(", ")).await, [words(1, "2025-01-02"), None]);
        }
        let before = state(line, (1, 2), 9, ("prepaid", "NULL"));
        assert_eq!(told(&[before, first].join(", ")).await, [words(1, "2025-01-03"), words(1, "2025-01-03")]);
        assert_eq!(told(&state(line, (1, 4), 3, ("prepaid", locked))).await, [None, None]);
    }

    #[tokio::test]
    async fn a_file_that_was_mended_and_dropped_again_is_newer_than_itself() {
        let row = |segment: &str, hour: u8| {
            format!(
                "(84912000001, '2025-01-01T03:00:00Z', '2025-01-02T03:00:00Z', 0, '{segment}', NULL, \
                 '2025-01-02T{hour:02}:00:00Z', '2025-01-02')"
            )
        };
        assert_eq!(told(&[row("prepaid", 9), row("unknown", 8)].join(", ")).await, [None, None]);
        assert_eq!(told(&[row("prepaid", 8), row("unknown", 9)].join(", ")).await, [words(1, "2025-01-02"), None]);
    }
}
