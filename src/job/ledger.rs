//! `ledger`: the proof that nothing was lost and nothing counts twice.
//!
//! In: `ingest_range`, the offsets that rows and rejects carry, and the sums of records and events. Out: a proof for
//! each source partition and each day. Never: repairs anything; a hole is closed by reading, or by a named person.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::array::Array;
use serde::Serialize;

use self::act::{Accepted, Keys, Retired};
use self::stamp::{Arrivals, OffClock, Stamps};
use self::sums::DaySum;
use self::unknown::{UnknownWords, unknown};
use crate::domain::account::Offsets;
use crate::domain::day::Day;
use crate::domain::origin::Origin;
use crate::lake::ledger::{Books, Entry, Kind};
use crate::lake::proof::seen::Seen;
use crate::lake::proof::{self, Expired, Fault, Found, Proof};
use crate::lake::{Handle, Lake};
use crate::pipeline::run::Runner;
use crate::schema::column::{call_record, reject, subscriber};
use crate::schema::contract::Table;
use crate::schema::topic::Topic;

pub mod act;
pub mod stamp;
pub mod sums;
pub mod unknown;

/// What the ledger shows.
#[derive(Debug, Default, Serialize)]
pub struct Shown {
    /// Something was read, nothing is missing, nothing is doubled, and every sum is right.
    pub is_closed: bool,
    /// Topics that were asked for and have never been read; of all topics one that was read is enough.
    pub unread: Vec<&'static str>,
    /// A proof for each source partition.
    pub partitions: Vec<Partition>,
    /// The sums of each day from the first whose events are built to the newest.
    pub days: Vec<DaySum>,
    /// Offsets that were given up, with the words that were signed.
    pub accepted: Vec<Accepted>,
    /// Sources that were given up, likewise.
    pub retired: Vec<Retired>,
    /// What a sender says of locks in words of its own, which opens no ledger: every state is a row.
    pub unknown_locks: Option<UnknownWords>,
    /// Likewise of segments.
    pub unknown_segments: Option<UnknownWords>,
    /// Channels whose reports are stamped at another time than they were said, which opens no ledger either.
    pub off_clocks: Vec<OffClock>,
    /// How the newest week's reports are stamped, by channel.
    pub stamps: Vec<Stamps>,
}

/// One source partition.
#[derive(Debug, Serialize)]
pub struct Partition {
    /// The topic's table.
    pub topic: &'static str,
    /// What a dropped file was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The proof.
    #[serde(flatten)]
    pub proof: Proof,
}

/// The ledger is not closed: exit code 4.
#[derive(Debug, thiserror::Error)]
#[error("the ledger is not closed")]
pub struct Open;

/// Proves the ledger of a lake, for some topics or all, and for some days or all. Of signatures only those count that
/// are by trusted keys; by any key where none are named.
pub async fn ledger(
    lake: &Lake,
    topics: &[Topic],
    days: Option<(Day, Day)>,
    trusted: Option<&Keys>,
) -> anyhow::Result<Shown> {
    let mut shown = Shown::default();
    let mut tables = Vec::new();
    for topic in if topics.is_empty() { &Topic::ALL[..] } else { topics } {
        match lake.find(topic.table()).await? {
            Some(rows) => tables.push((*topic, rows)),
            None => shown.unread.push(topic.name()),
        }
    }
    if tables.is_empty() {
        // Books would be made in a folder that is no lake.
        return Ok(shown);
    }
    let mut books = Books::open(lake).await?;
    for (topic, rows) in &tables {
        let entries = accounts(&mut books, rows).await?;
        if by_place(&entries).is_empty() {
            shown.unread.push(topic.name());
        }
        let of = |kind: Kind| entries.iter().filter(move |entry| entry.kind == kind);
        shown.accepted.extend(of(Kind::Accepted).map(|entry| Accepted::read(*topic, entry, trusted)));
        shown.retired.extend(of(Kind::Retired).map(|entry| Retired::read(*topic, entry, trusted)));
        shown.partitions.extend(prove(lake, &mut books, rows, &entries, days).await?);
        shown.days.extend(sums::sums(lake, rows, &entries, days).await?);
        if *topic == Topic::Subscriber {
            shown.unknown_locks = unknown(subscriber::LOCK_REASON.name, rows, days).await?;
            shown.unknown_segments = unknown(subscriber::SEGMENT.name, rows, days).await?;
        }
        if *topic == Topic::CitizenReport {
            let arrivals = Arrivals::read(rows, days).await?;
            (shown.off_clocks, shown.stamps) = (arrivals.off_clocks(), arrivals.newest_week());
        }
    }
    // Messages and reports may never come.
    if topics.is_empty() && shown.unread.len() < Topic::ALL.len() {
        shown.unread.clear();
    }
    shown.is_closed = shown.unread.is_empty()
        && shown.partitions.iter().all(|partition| partition.proof.is_closed())
        && shown.days.iter().all(|sum| sum.waiting == 0)
        && shown.accepted.iter().all(|accepted| accepted.is_signed)
        && shown.retired.iter().all(|retired| retired.is_signed);
    Ok(shown)
}

/// The entries of a topic's table at the version that is held.
async fn accounts(books: &mut Books, rows: &Handle) -> anyhow::Result<Vec<Entry>> {
    books.settle(rows).await?;
    let mut entries = books.entries(rows.table()).await?;
    // Whoever reads beside us may have copied accounts of rows that our version does not hold.
    entries.retain(|entry| entry.table_version.is_none_or(|version| version <= rows.version()));
    Ok(entries)
}

/// Offsets by source and partition.
type Places = BTreeMap<(String, i32), Seen>;

/// Proves every partition of every source of a table.
async fn prove(
    lake: &Lake,
    books: &mut Books,
    rows: &Handle,
    entries: &[Entry],
    days: Option<(Day, Day)>,
) -> anyhow::Result<Vec<Partition>> {
    let mut seen = offsets(rows, None).await?;
    let (seen_rejects, expired_rejects) = rejects(lake, books, rows.table()).await?;
    let (none, expired) = (Seen::default(), Expired::of(entries));
    let nothing = Found { rows: &none, rejects: &none, expired: &expired, expired_rejects: &expired_rejects };
    let topic = rows.table().name();
    let mut partitions = Vec::new();
    for (place, entries) in by_place(entries) {
        let rows = seen.remove(&place).unwrap_or_default();
        // Of days that a partition brought nothing of, it has nothing to show.
        let Some(within) = days.map_or(Some(None), |days| window(&entries, days).map(Some)) else { continue };
        let rejects = seen_rejects.get(&place).unwrap_or(&none);
        let proof = proof::prove(&entries, Found { rows: &rows, rejects, ..nothing }, within.as_ref());
        partitions.push(Partition { topic, file: file(&entries), proof });
    }
    // Rows of a source that no commit tells of. History that was invented has no source to prove.
    for ((source, partition), rows) in seen.into_iter().filter(|((source, _), _)| days.is_none() && source != "seed") {
        let proof = Proof { source, partition, ..proof::prove(&[], Found { rows: &rows, ..nothing }, None) };
        partitions.push(Partition { topic, file: None, proof });
    }
    Ok(partitions)
}

/// The entries of each source partition, in the order of offsets.
fn by_place(entries: &[Entry]) -> BTreeMap<(String, i32), Vec<&Entry>> {
    let mut places: BTreeMap<(String, i32), Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        match entry.kind {
            Kind::Read | Kind::Idle | Kind::Replayed | Kind::Accepted | Kind::Deferred => {
                let place = (entry.account.source.clone(), entry.account.partition);
                places.entry(place).or_default().push(entry);
            }
            // These tell of a whole table, source or partition, and of no offset.
            Kind::Expired | Kind::Retired | Kind::Seen => {}
        }
    }
    places
}

/// The name of the file that the entries of a source partition tell of; nothing for one of a topic.
fn file(entries: &[&Entry]) -> Option<String> {
    let told = entries.iter().filter(|entry| matches!(entry.kind, Kind::Read | Kind::Deferred));
    told.filter_map(|entry| entry.note.clone()).next_back()
}

/// From the first offset to the last of the commits that brought rows of some days.
fn window(entries: &[&Entry], (from, until): (Day, Day)) -> Option<Range<i64>> {
    let is_within = |day: &Day| *day >= from && *day < until;
    let brought = entries.iter().filter(|entry| entry.account.days.keys().any(is_within));
    let ranges = brought.map(|entry| entry.account.from..entry.account.until);
    ranges.reduce(|all, range| all.start.min(range.start)..all.end.max(range.end))
}

/// The offsets of all rejects for a table, and what was removed of rejects: subscriptions are kept, though theirs are
/// not.
async fn rejects(lake: &Lake, books: &mut Books, meant_for: Table) -> anyhow::Result<(Places, Expired)> {
    let Some(rejects) = lake.find(Table::REJECT).await? else { return Ok((Places::new(), Expired::default())) };
    books.settle(&rejects).await?;
    let expired = Expired::of(&books.entries(Table::REJECT).await?);
    Ok((offsets(&rejects, Some(meant_for)).await?, expired))
}

/// The offsets that a table's rows carry, by source and partition; of rejects those for a table, as the same messages
/// may have been refused for another.
async fn offsets(table: &Handle, meant_for: Option<Table>) -> anyhow::Result<Places> {
    let mut columns =
        vec![call_record::SOURCE_ID.name, call_record::SOURCE_PARTITION.name, call_record::SOURCE_OFFSET.name];
    columns.extend(meant_for.map(|_| reject::TABLE_NAME.name));
    let mut seen = Places::new();
    for batch in table.rows(vec![], &columns).await? {
        let sources = call_record::SOURCE_ID.of(&batch)?;
        let partitions = call_record::SOURCE_PARTITION.of(&batch)?;
        let offsets = call_record::SOURCE_OFFSET.of(&batch)?;
        let names = meant_for.map(|table| anyhow::Ok((reject::TABLE_NAME.of(&batch)?, table.name()))).transpose()?;
        // Rejects of before the column do not say, so they may be any table's.
        let is_other = |row| names.is_some_and(|(names, name)| names.is_valid(row) && names.value(row) != name);
        let mut at: Option<((&str, i32), &mut Seen)> = None;
        for row in (0..batch.num_rows()).filter(|row| !is_other(*row)) {
            let source = if sources.is_valid(row) { sources.value(row) } else { "" };
            let place = (source, partitions.value(row));
            match &mut at {
                Some((known, seen)) if *known == place => seen.add(offsets.value(row)),
                _ => {
                    let found = seen.entry((source.to_owned(), place.1)).or_default();
                    found.add(offsets.value(row));
                    at = Some((place, found));
                }
            }
        }
    }
    Ok(seen)
}

/// Every entry of the books, by the table that it tells of.
pub(super) type Entries = BTreeMap<Table, Vec<Entry>>;

/// The books of a runner's lake, once they have all commits of its topics until now. The tables stay open with the
/// runner, which reads their logs on from there: those of records are by far the longest of a lake.
pub(super) async fn books(runner: &mut Runner) -> anyhow::Result<Entries> {
    let mut books = Books::of(runner.open(Table::INGEST_RANGE).await?.clone());
    for topic in Topic::ALL {
        let Some(rows) = runner.newest(topic.table()).await? else { continue };
        books.settle(rows).await?;
    }
    books.all_entries().await
}

/// What makes a window incomplete: holes, and partitions that have not been read past it. Empty when it is closed.
pub async fn open_reasons(lake: &Lake, until: i64) -> anyhow::Result<Vec<String>> {
    let mut books = Books::open(lake).await?;
    for topic in Topic::ALL {
        let Some(rows) = lake.find(topic.table()).await? else { continue };
        books.settle(&rows).await?;
    }
    Ok(open_reasons_by(books.all_entries().await?, until))
}

/// The same by books that were read.
pub(super) fn open_reasons_by(all: Entries, until: i64) -> Vec<String> {
    let mut reasons = Vec::new();
    // Reports and messages may never come. Without call records there is nothing to judge by; without subscriptions a
    // verdict binds to the bare number, and whoever gets it next would be barred for what another did.
    for table in [Table::CALL_RECORD, Table::SUBSCRIBER] {
        match all.get(&table) {
            None => reasons.push(format!("{table} has never been read")),
            Some(entries) if table == Table::SUBSCRIBER && entries.iter().all(|entry| entry.account.records == 0) => {
                reasons.push(format!("{table} has been read, and no row came of it"));
            }
            Some(_) => {}
        }
    }
    for (table, mut entries) in all {
        // Of rejects the books know what was removed, and nobody waits for that.
        let Ok(topic) = table.name().parse::<Topic>() else { continue };
        entries.retain(|entry| holds(topic, entry));
        reasons.extend(proof::window::open_reasons(table, &entries, until));
    }
    reasons
}

/// Whether an entry is a signed act, or needs no signature.
pub(super) fn holds(topic: Topic, entry: &Entry) -> bool {
    match entry.kind {
        Kind::Accepted => Accepted::read(topic, entry, None).is_signed,
        Kind::Retired => Retired::read(topic, entry, None).is_signed,
        Kind::Read | Kind::Idle | Kind::Replayed | Kind::Expired | Kind::Deferred | Kind::Seen => true,
    }
}

impl Partition {
    fn text(&self) -> String {
        let Self { topic, file, proof } = self;
        let Proof { source, partition, from, until, records, rejects, tombstones, gaps, accepted, .. } = proof;
        let name = file.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        let mut text = format!("{topic} {source} partition {partition}{name}: offsets {from} to {until}\n");
        text += &format!("  {} = {records} records + {rejects} rejects + {tombstones} tombstones", until - from);
        text += &format!(" + {gaps} gaps + {accepted} accepted");
        let of_these = [(proof.replayed, "replayed"), (proof.superseded, "superseded"), (proof.expired, "expired")];
        for (count, what) in of_these.into_iter().filter(|(count, _)| *count > 0) {
            text += &format!(" ({count} {what})");
        }
        for finding in &proof.findings {
            text += &format!("\n  {}: {}", finding.fault, short(&finding.offsets));
            if finding.fault == Fault::Hole && file.is_some() {
                text += &self.way_out(&finding.offsets);
            }
        }
        text
    }

    /// What to do about a file of which a part, or nothing, was ever loaded.
    fn way_out(&self, missing: &Offsets) -> String {
        let Self { topic, proof: Proof { source, partition, .. }, .. } = self;
        let mut text = match source.parse() {
            Ok(Origin::Unread { .. }) => {
                "\n  the file could not be read: drop one that can be under the same name, or sign that it is lost:"
            }
            _ => "\n  the file is loaded in part: drop the same file again, or sign that the rest is lost:",
        }
        .to_owned();
        for Range { start, end } in missing.runs() {
            text += &format!("\n  callsieve ledger accept --topic {topic} --source {source} --partition {partition}");
            text += &format!(" --from {start} --until {end}");
        }
        text
    }
}

impl Shown {
    /// For people.
    pub fn text(&self) -> String {
        let mut lines: Vec<String> = self.partitions.iter().map(Partition::text).collect();
        lines.extend(self.days.iter().map(DaySum::text));
        lines.extend(self.unread.iter().map(|topic| format!("{topic} has never been read")));
        lines.extend(self.accepted.iter().map(Accepted::text));
        lines.extend(self.retired.iter().map(Retired::text));
        let locks = self.unknown_locks.as_ref();
        lines.extend(locks.map(|words| words.text("lock_reason", "count as locked")));
        let segments = self.unknown_segments.as_ref();
        lines.extend(segments.map(|words| words.text("segment", "are under no budget")));
        lines.extend(self.off_clocks.iter().map(OffClock::text));
        let verdict = if self.is_closed { "the ledger is closed" } else { "THE LEDGER IS NOT CLOSED" };
        lines.push(verdict.to_owned());
        lines.join("\n")
    }
}

/// A list that fits on a screen; the JSON has all of it.
fn short(offsets: &Offsets) -> String {
    const RUNS: usize = 20;
    let runs: Vec<_> = offsets.runs().collect();
    let mut shown = Offsets::default();
    runs.iter().take(RUNS).cloned().for_each(|run| shown.push(run));
    let more = if runs.len() > RUNS { format!(" and {} more runs", runs.len() - RUNS) } else { String::new() };
    format!("{} offsets, {shown}{more}", offsets.count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::domain::account::Account;
    use crate::lake::ledger::Told;
    use crate::pipeline::definition::Definitions;
    use crate::pipeline::run::folder;

    #[tokio::test(flavor = "multi_thread")]
    async fn what_others_commit_between_two_looks_of_a_runner_is_in_the_second() {
        let place = tempfile::tempdir().unwrap();
        let lake = Lake::local(place.path()).unwrap();
        let definitions = Definitions::read(&folder(None)).unwrap();
        let mut runner = Runner::new(lake.clone(), definitions, Clock::Fixed(0));
        assert!(books(&mut runner).await.unwrap().is_empty());

        // Ingest has handles of its own, and copies its accounts before anybody looks, or leaves it to whoever does.
        let mut rows = lake.open(Table::CALL_RECORD).await.unwrap();
        for offset in 0..4 {
            let account = Account { until: offset + 1, records: 1, ..Account::empty("k/call_record/0", 0, offset) };
            let told = Told { kind: Kind::Read, accounts: &[account], at: offset, note: None };
            rows.append_told(&[], &[], told).await.unwrap();
            if offset % 2 == 0 {
                Books::open(&lake).await.unwrap().settle(&rows).await.unwrap();
            }
            let all = books(&mut runner).await.unwrap();
            let seen: Vec<i64> = all[&Table::CALL_RECORD].iter().map(|entry| entry.account.from).collect();
            assert_eq!(seen, (0..=offset).collect::<Vec<_>>());
            assert_eq!(open_reasons_by(all, 0), open_reasons(&lake, 0).await.unwrap());
        }
    }
}
