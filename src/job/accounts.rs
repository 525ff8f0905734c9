//! What became of a batch, partition by partition.
//!
//! In: the places of a batch's messages, where each partition began, and what decode made of them. Out: one account for each
//! partition; they add up, or nothing is committed. Never: guesses: a gap is what the source said it skipped, and a
//! message that went astray on its way here is an error, not a gap.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;

use crate::decode::Decoded;
use crate::domain::account::{Account, Offsets};
use crate::domain::day::Day;
use crate::domain::message::Place;
use crate::schema::column::{call_record, reject};

/// The accounts of a batch, lowest partition first.
///
/// `began` holds the offset at which each partition's batch begins, where that is known; `honoured` the offsets that
/// were rejects before.
pub(super) fn accounts(
    source: &str,
    places: &[Place],
    gaps: &BTreeMap<i32, Offsets>,
    began: &BTreeMap<i32, i64>,
    honoured: &BTreeMap<i32, BTreeSet<i64>>,
    decoded: &Decoded,
) -> anyhow::Result<Vec<Account>> {
    let mut accounts: BTreeMap<i32, Account> = BTreeMap::new();
    for message in places {
        let account = accounts.entry(message.partition).or_insert_with(|| {
            let from = began.get(&message.partition).copied().unwrap_or(message.offset);
            Account::empty(source, message.partition, from)
        });
        account.until = account.until.max(message.offset + 1);
        account.watermark = account.watermark.max(message.kafka_at);
        if honoured.get(&message.partition).is_some_and(|known| known.contains(&message.offset)) {
            account.rejects += 1;
        } else if !message.has_body {
            account.tombstones.push(message.offset..message.offset + 1);
        }
    }
    for (partition, gaps) in gaps {
        for gap in gaps.runs() {
            let from = began.get(partition).copied().unwrap_or(gap.start);
            let account = accounts.entry(*partition).or_insert_with(|| Account::empty(source, *partition, from));
            // Where the beginning is not known, it is whatever came first.
            if !began.contains_key(partition) {
                account.from = account.from.min(gap.start);
            }
            account.until = account.until.max(gap.end);
            account.gaps.push(gap);
        }
    }
    count(&mut accounts, decoded)?;
    for account in accounts.values() {
        ensure!(
            account.adds_up(),
            "{source} partition {}: offsets {} to {} do not add up: {} records, {} rejects, {} tombstones, {} gaps",
            account.partition,
            account.from,
            account.until,
            account.records,
            account.rejects,
            account.tombstones.count(),
            account.gaps.count()
        );
    }
    Ok(accounts.into_values().collect())
}

/// Counts what decode has made: rejects, records and their days.
fn count(accounts: &mut BTreeMap<i32, Account>, decoded: &Decoded) -> anyhow::Result<()> {
    for partition in reject::SOURCE_PARTITION.of(&decoded.rejects)?.values() {
        account(accounts, *partition)?.rejects += 1;
    }
    for rows in &decoded.rows {
        let partitions = call_record::SOURCE_PARTITION.of(rows)?;
        for partition in partitions.values() {
            account(accounts, *partition)?.records += 1;
        }
        // The table of subscriptions alone has no day; a day of another type is an error.
        let days = rows.column_by_name(call_record::DAY.name).map(|_| call_record::DAY.of(rows)).transpose()?;
        for (day, partition) in days.iter().flat_map(|days| days.values()).zip(partitions.values()) {
            *account(accounts, *partition)?.days.entry(Day::from_epoch_days(*day)).or_default() += 1;
        }
    }
    Ok(())
}

/// Messages of a partition that are asked how far it was read.
const LAST: usize = 1_000;
/// And how many of them may say so.
const FEWEST: usize = 20;

/// Up to when a partition was read behind which messages wait: a quarter of its last messages is stamped no later, so
/// clocks that run ahead count for nothing unless most of them do. Few messages say nothing.
pub(super) fn reached(places: &[Place], partition: i32) -> Option<i64> {
    let last = places.iter().rev().filter(|place| place.partition == partition).take(LAST);
    let mut stamps: Vec<i64> = last.filter_map(|place| place.kafka_at).collect();
    stamps.sort_unstable();
    stamps.get(stamps.len() / 4).copied().filter(|_| stamps.len() >= FEWEST)
}

fn account(accounts: &mut BTreeMap<i32, Account>, partition: i32) -> anyhow::Result<&mut Account> {
    accounts.get_mut(&partition).ok_or_else(|| anyhow::anyhow!("decode made up partition {partition}"))
}

#[cfg(test)]
mod tests {
    use arrow::array::RecordBatch;

    use super::*;
    use crate::schema::contract::Table;

    /// Offsets of tombstones, with gaps that the source told of, of a partition that stands at 10.
    fn told(offsets: &[i64], gaps: &str) -> anyhow::Result<Vec<Account>> {
        told_from(&BTreeMap::from([(0, 10)]), offsets, gaps)
    }

    fn told_from(began: &BTreeMap<i32, i64>, offsets: &[i64], gaps: &str) -> anyhow::Result<Vec<Account>> {
        let place = |offset: &i64| Place { partition: 0, offset: *offset, kafka_at: Some(*offset), has_body: false };
        let places: Vec<Place> = offsets.iter().map(place).collect();
        let decoded = Decoded {
            rows: vec![],
            rejects: RecordBatch::new_empty(Table::REJECT.contract().schema()),
            reasons: vec![],
            tombstones: offsets.len() as u64,
        };
        let gaps = BTreeMap::from([(0, gaps.parse().unwrap())]);
        accounts("k/t/0", &places, &gaps, began, &BTreeMap::new(), &decoded)
    }

    #[test]
    fn a_gap_is_what_the_source_skipped() {
        let accounts = told(&[12, 13, 15], "10-11,14").unwrap();
        assert_eq!((accounts[0].from, accounts[0].until, accounts[0].gaps.count()), (10, 16, 3));
        assert_eq!(accounts[0].watermark, Some(15));
    }

    #[test]
    fn what_lies_behind_the_last_message_is_a_gap_as_well() {
        let accounts = told(&[10], "11-12").unwrap();
        assert_eq!((accounts[0].until, accounts[0].gaps.count()), (13, 2));
        let accounts = told(&[], "10").unwrap();
        assert_eq!((accounts[0].from, accounts[0].until, accounts[0].watermark), (10, 11, None));
    }

    #[test]
    fn a_partition_that_was_never_read_begins_with_what_comes_first() {
        let accounts = told_from(&BTreeMap::new(), &[4, 6], "0-3,5").unwrap();
        assert_eq!((accounts[0].from, accounts[0].until, accounts[0].gaps.count()), (0, 7, 5));
        assert_eq!(told_from(&BTreeMap::new(), &[4], "").unwrap()[0].from, 4);
    }

    #[test]
    fn a_message_that_went_astray_is_an_error_and_no_gap() {
        let error = told(&[10, 12], "").unwrap_err();
        assert!(error.to_string().contains("do not add up"), "{error}");
    }
}
