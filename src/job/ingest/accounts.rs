//! What became of a batch, partition by partition.
//!
//! In: the places of a batch's messages, where each partition began, and what decode made of them. Out: one account for each
//! partition; they add up, or nothing is committed. Never: guesses: an offset between two messages that the broker
//! did not hand out is a gap, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;

use crate::decode::Decoded;
use crate::domain::account::Account;
use crate::domain::day::Day;
use crate::domain::message::Place;
use crate::schema::column::{call_record, reject};

/// The accounts of a batch, lowest partition first.
///
/// `began` holds the offset at which each partition's batch begins, where that is known; `honoured` the offsets that
/// were rejects before.
pub(in crate::job) fn accounts(
    source: &str,
    places: &[Place],
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
        account.gaps.push(account.until..message.offset);
        account.until = message.offset + 1;
        account.watermark = account.watermark.max(message.kafka_at);
        if honoured.get(&message.partition).is_some_and(|known| known.contains(&message.offset)) {
            account.rejects += 1;
        } else if !message.has_body {
            account.tombstones.push(message.offset..message.offset + 1);
        }
    }
    for partition in call_record::SOURCE_PARTITION.of(&decoded.rows)?.values() {
        account(&mut accounts, *partition)?.records += 1;
    }
    for partition in reject::SOURCE_PARTITION.of(&decoded.rejects)?.values() {
        account(&mut accounts, *partition)?.rejects += 1;
    }
    if let Ok(days) = call_record::DAY.of(&decoded.rows) {
        let partitions = call_record::SOURCE_PARTITION.of(&decoded.rows)?;
        for (day, partition) in days.values().iter().zip(partitions.values()) {
            *account(&mut accounts, *partition)?.days.entry(Day::from_epoch_days(*day)).or_default() += 1;
        }
    }
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

fn account(accounts: &mut BTreeMap<i32, Account>, partition: i32) -> anyhow::Result<&mut Account> {
    accounts.get_mut(&partition).ok_or_else(|| anyhow::anyhow!("decode made up partition {partition}"))
}
