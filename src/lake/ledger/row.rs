//! Entries as rows of `ingest_range`.
//!
//! In: entries, or a table's rows. Out: the other of the two. Never: counts a dropped file by any but its last count.

use std::collections::BTreeMap;

use anyhow::Context;
use arrow::array::{Array, RecordBatch};

use super::{Entry, Kind, file};
use crate::domain::account::{Account, Offsets};
use crate::domain::day::Day;
use crate::lake::Handle;
use crate::schema::column::ingest_range as column;
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;

impl Handle {
    /// Of `ingest_range`, the entries of every topic's table, and of `reject` what was removed from it.
    pub async fn entries_by_table(&self) -> anyhow::Result<BTreeMap<Table, Vec<Entry>>> {
        let mut entries: BTreeMap<Table, Vec<Entry>> = BTreeMap::new();
        for batch in self.rows(vec![], &[]).await? {
            let topics = column::TOPIC.of(&batch)?;
            for row in 0..batch.num_rows() {
                let table: Table = topics.value(row).parse().map_err(anyhow::Error::msg)?;
                read(&batch.slice(row, 1), table, entries.entry(table).or_default())?;
            }
        }
        entries.values_mut().for_each(order);
        Ok(entries)
    }
}

pub(super) fn order(entries: &mut Vec<Entry>) {
    file::keep_last_counts(entries);
    entries.sort_by(|a, b| {
        let key = |entry: &Entry| (entry.account.partition, entry.account.from, entry.account.until);
        (&a.account.source, key(a), a.kind).cmp(&(&b.account.source, key(b), b.kind))
    });
}

pub(super) fn sheet(entries: &[Entry]) -> anyhow::Result<RecordBatch> {
    let mut sheet = Sheet::new(Table::INGEST_RANGE.contract());
    for entry in entries {
        let account = &entry.account;
        let offsets = |offsets: &Offsets| (!offsets.is_empty()).then(|| offsets.to_string());
        let row = sheet.row().day(Day::of(entry.committed_at)).text(entry.table.name()).int32(account.partition);
        let row = row.int64(account.from).int64(account.until);
        let row = row.int64(i64::try_from(account.records)?).int64(i64::try_from(account.rejects)?);
        let row = row.int64(i64::try_from(account.tombstones.count())?).int64(i64::try_from(account.gaps.count())?);
        let row = row.text(&entry.code_version).instant(entry.committed_at);
        let row = row.text(entry.kind.as_str()).text(&account.source);
        let row = row.text_or_null(offsets(&account.tombstones).as_deref());
        let row = row.text_or_null(offsets(&account.gaps).as_deref()).instant_or_null(account.watermark);
        let row = row.text(&serde_json::to_string(&account.days)?).int64_or_null(entry.table_version);
        row.text_or_null(entry.note.as_deref()).end();
    }
    Ok(sheet.finish())
}

pub(super) fn read(batch: &RecordBatch, table: Table, entries: &mut Vec<Entry>) -> anyhow::Result<()> {
    let count = |array: &arrow::array::Int64Array, row: usize| u64::try_from(array.value(row));
    let text = |array: &arrow::array::StringArray, row: usize| array.is_valid(row).then(|| array.value(row).to_owned());
    for row in 0..batch.num_rows() {
        let kind = Kind::read(&text(column::KIND.of(batch)?, row).unwrap_or_default())?;
        let offsets = |array, row| -> anyhow::Result<Offsets> {
            text(array, row).unwrap_or_default().parse().map_err(anyhow::Error::msg)
        };
        let days: BTreeMap<Day, u64> = match text(column::DAYS.of(batch)?, row) {
            Some(days) => serde_json::from_str(&days).context("reading the days of an ingest_range row")?,
            None => BTreeMap::new(),
        };
        let watermark = column::WATERMARK_AT.of(batch)?;
        let version = column::TABLE_VERSION.of(batch)?;
        entries.push(Entry {
            kind,
            table,
            account: Account {
                source: text(column::SOURCE_ID.of(batch)?, row).unwrap_or_default(),
                partition: column::SOURCE_PARTITION.of(batch)?.value(row),
                from: column::FROM_OFFSET.of(batch)?.value(row),
                until: column::UNTIL_OFFSET.of(batch)?.value(row),
                records: count(column::RECORDS.of(batch)?, row)?,
                rejects: count(column::REJECTS.of(batch)?, row)?,
                tombstones: offsets(column::TOMBSTONE_OFFSETS.of(batch)?, row)?,
                gaps: offsets(column::GAP_OFFSETS.of(batch)?, row)?,
                watermark: watermark.is_valid(row).then(|| watermark.value(row)),
                days,
            },
            table_version: version.is_valid(row).then(|| version.value(row)),
            note: text(column::NOTE.of(batch)?, row),
            committed_at: column::COMMITTED_AT.of(batch)?.value(row),
            code_version: text(column::CODE_VERSION.of(batch)?, row).unwrap_or_default(),
        });
    }
    Ok(())
}
