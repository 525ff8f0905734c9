//! `ledger`: the proof that nothing was lost and nothing counts twice, and the signed word for what is lost for good.
//!
//! In: `ingest_range`, the offsets that rows and rejects carry, and the sums of records and events. Out: a proof for
//! each source partition and each day. Never: repairs anything; a hole is closed by reading, or by a named person.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, ensure};
use arrow::array::Array;
use serde::Serialize;

use crate::clock::Clock;
use crate::domain::account::{Account, Offsets};
use crate::domain::day::Day;
use crate::lake::append::Span;
use crate::lake::ledger::{Books, Entry, Kind, Told};
use crate::lake::proof::{self, Proof, Seen};
use crate::lake::{Handle, Lake};
use crate::schema::column::{call_event, call_record};
use crate::schema::contract::Table;
use crate::schema::topic::Topic;

/// What the ledger shows.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// Nothing is missing, nothing is doubled, and every sum is right.
    pub is_closed: bool,
    /// A proof for each source partition.
    pub partitions: Vec<Partition>,
    /// The sums of each day whose events have been built.
    pub days: Vec<DaySum>,
    /// Offsets that were given up, with the words that were signed.
    pub accepted: Vec<Accepted>,
}

/// One source partition.
#[derive(Debug, Serialize)]
pub struct Partition {
    /// The topic's table.
    pub topic: &'static str,
    /// The proof.
    #[serde(flatten)]
    pub proof: Proof,
}

/// Records and events of a day.
#[derive(Debug, Serialize)]
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
    /// Records that no event has taken in; a late record waits here until `run` builds its day again.
    pub waiting: i64,
}

/// Offsets that were given up by a signed act.
#[derive(Debug, Serialize)]
pub struct Accepted {
    /// The topic's table.
    pub topic: &'static str,
    /// Where the offsets count.
    pub source: String,
    /// Partition of it.
    pub partition: i32,
    /// First offset.
    pub from: i64,
    /// First offset after.
    pub until: i64,
    /// Whether the signature holds.
    pub is_signed: bool,
    /// Who, why, and the signature.
    pub note: Note,
}

/// The ledger is not closed: exit code 4.
#[derive(Debug, thiserror::Error)]
#[error("the ledger is not closed")]
pub struct Open;

/// Proves the ledger of a lake, for some topics or all, and for some days or all.
pub async fn ledger(lake: &Path, topics: &[Topic], days: Option<(Day, Day)>) -> anyhow::Result<Shown> {
    let lake = Lake::local(lake)?;
    let mut books = Books::open(&lake).await?;
    let (mut partitions, mut sums, mut accepted) = (Vec::new(), Vec::new(), Vec::new());
    let topics = if topics.is_empty() { &Topic::ALL[..] } else { topics };
    for topic in topics {
        let table: Table = topic.name().parse().map_err(anyhow::Error::msg)?;
        let Some(rows) = lake.find(table).await? else { continue };
        books.settle(&rows).await?;
        let entries = books.entries(table).await?;
        accepted.extend(entries.iter().filter(|entry| entry.kind == Kind::Accepted).map(Accepted::read));
        partitions.extend(prove(&lake, &rows, &entries, days).await?);
        sums.extend(day_sums(&lake, table, days).await?);
    }
    let is_closed = partitions.iter().all(|partition| partition.proof.is_closed())
        && sums.iter().all(|sum| sum.waiting == 0)
        && accepted.iter().all(|accepted| accepted.is_signed);
    Ok(Shown { is_closed, partitions, days: sums, accepted })
}

/// Proves every partition of every source of a table.
async fn prove(
    lake: &Lake,
    rows: &Handle,
    entries: &[Entry],
    days: Option<(Day, Day)>,
) -> anyhow::Result<Vec<Partition>> {
    // Of a window only the commits that brought rows of it are looked at, with all of their offsets.
    let within =
        |entry: &&Entry| days.is_none_or(|(from, until)| entry.account.days.range(from..until).next().is_some());
    let expired = entries.iter().filter(|entry| entry.kind == Kind::Expired);
    let expired_before = expired.filter_map(|entry| entry.note.as_deref()?.parse::<Day>().ok()).max();
    let entries: Vec<&Entry> = entries.iter().filter(within).collect();
    let mut groups: BTreeMap<(String, i32), Vec<&Entry>> = BTreeMap::new();
    for entry in entries.into_iter().filter(|entry| entry.kind != Kind::Expired) {
        groups.entry((entry.account.source.clone(), entry.account.partition)).or_default().push(entry);
    }
    let mut seen_rows = offsets(rows).await?;
    let mut seen_rejects = match lake.find(Table::REJECT).await? {
        Some(rejects) => offsets(&rejects).await?,
        None => BTreeMap::new(),
    };
    let none = Seen::default();
    let is_whole = days.is_none();
    let mut partitions = Vec::new();
    for (place, entries) in &groups {
        let (mut row, mut rejected) =
            (seen_rows.remove(place).unwrap_or_default(), seen_rejects.remove(place).unwrap_or_default());
        if !is_whole {
            let ranges: Vec<_> = entries.iter().map(|entry| entry.account.from..entry.account.until).collect();
            row.keep(&ranges);
            rejected.keep(&ranges);
        }
        let proof = proof::prove(entries, &row, &rejected, expired_before, is_whole);
        partitions.push(Partition { topic: rows.table().name(), proof });
    }
    // Rows of a source that no commit tells of. History that was invented has no source to prove.
    for ((source, partition), seen) in seen_rows.into_iter().filter(|((source, _), _)| is_whole && source != "seed") {
        let mut proof = proof::prove(&[], &seen, &none, None, true);
        (proof.source, proof.partition) = (source, partition);
        partitions.push(Partition { topic: rows.table().name(), proof });
    }
    Ok(partitions)
}

/// The offsets that a table's rows carry, by source and partition.
async fn offsets(table: &Handle) -> anyhow::Result<BTreeMap<(String, i32), Seen>> {
    let columns = [call_record::SOURCE_ID.name, call_record::SOURCE_PARTITION.name, call_record::SOURCE_OFFSET.name];
    let mut seen: BTreeMap<(String, i32), Seen> = BTreeMap::new();
    for batch in table.rows(vec![], &columns).await? {
        let sources = call_record::SOURCE_ID.of(&batch)?;
        let partitions = call_record::SOURCE_PARTITION.of(&batch)?;
        let offsets = call_record::SOURCE_OFFSET.of(&batch)?;
        let mut at: Option<((&str, i32), &mut Seen)> = None;
        for row in 0..batch.num_rows() {
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

/// The sums of every day of which the events have been built.
async fn day_sums(lake: &Lake, table: Table, days: Option<(Day, Day)>) -> anyhow::Result<Vec<DaySum>> {
    let events = match table {
        Table::CALL_RECORD => Table::CALL_EVENT,
        Table::SMS_RECORD => Table::SMS_EVENT,
        _ => return Ok(Vec::new()),
    };
    let (Some(records), Some(events)) = (lake.find(table).await?, lake.find(events).await?) else {
        return Ok(Vec::new());
    };
    let (mut came, mut built) = (BTreeMap::<Day, i64>::new(), BTreeMap::<Day, Built>::new());
    for batch in records.rows(vec![], &[call_record::DAY.name]).await? {
        for day in call_record::DAY.of(&batch)?.values() {
            *came.entry(Day::from_epoch_days(*day)).or_default() += 1;
        }
    }
    let columns = [
        call_event::DAY.name,
        call_event::RECORDS.name,
        call_event::RECORDS_BEFORE.name,
        call_event::RECORDS_AFTER.name,
    ];
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
    let day_of = |day: Day| built.get(&day).copied().unwrap_or_default();
    let is_built: BTreeSet<Day> = events.days().await?;
    let wanted = |day: &&Day| days.is_none_or(|(from, until)| **day >= from && **day < until);
    Ok(is_built
        .iter()
        .filter(wanted)
        .map(|day| {
            let own = day_of(*day);
            let taken = own.records - own.before - own.after + day_of(day.plus(1)).before + day_of(day.plus(-1)).after;
            let records = came.get(day).copied().unwrap_or_default();
            DaySum {
                table: table.name(),
                day: day.to_string(),
                records,
                events: own.events,
                duplicates: own.records - own.events,
                // At the edge of what has been built, a neighbour may hold a call's other record.
                waiting: if is_built.contains(&day.plus(1)) { records - taken } else { (records - taken).min(0) },
            }
        })
        .collect())
}

#[derive(Debug, Clone, Copy, Default)]
struct Built {
    events: i64,
    records: i64,
    before: i64,
    after: i64,
}

/// What makes a window incomplete: holes, and partitions that have not been read past it. Empty when it is closed.
pub async fn open_reasons(lake: &Lake, until: i64) -> anyhow::Result<Vec<String>> {
    let mut books = Books::open(lake).await?;
    let mut reasons = Vec::new();
    for topic in Topic::ALL {
        let table: Table = topic.name().parse().map_err(anyhow::Error::msg)?;
        let Some(rows) = lake.find(table).await? else { continue };
        books.settle(&rows).await?;
    }
    let all = books.all_entries().await?;
    // Reports and messages may never come; without call records there is nothing to judge by.
    if !all.contains_key(&Table::CALL_RECORD) {
        reasons.push(format!("{} has never been read", Table::CALL_RECORD));
    }
    for (table, entries) in all {
        reasons.extend(proof::open_reasons(table, &entries, until));
    }
    Ok(reasons)
}

/// What is given up.
#[derive(Debug, Clone)]
pub struct Loss {
    /// The topic.
    pub topic: Topic,
    /// Where the offsets count.
    pub source: String,
    /// Partition of it.
    pub partition: i32,
    /// First offset.
    pub from: i64,
    /// First offset after.
    pub until: i64,
}

/// Who gives it up, and why.
#[derive(Debug, Clone, Serialize, serde::Deserialize)]
pub struct Note {
    /// Who signs.
    pub by: String,
    /// Why the messages cannot be had any more.
    pub why: String,
    /// Ed25519 public key, hex.
    #[serde(default)]
    pub public_key: String,
    /// Signature over what is given up, by whom and why, hex.
    #[serde(default)]
    pub signature: String,
}

/// Gives offsets up for good: the table moves on behind them, and every ledger shows who said so.
pub async fn accept(lake: &Path, loss: &Loss, mut note: Note, key: &[u8; 32], clock: Clock) -> anyhow::Result<()> {
    use ed25519_dalek::{Signer, SigningKey};
    ensure!(loss.from < loss.until, "offsets {} to {} are none", loss.from, loss.until);
    let mut parts = loss.source.rsplitn(3, '/');
    let (epoch, topic, cluster) = (parts.next(), parts.next(), parts.next());
    let (Some(epoch), Some(topic), Some(cluster)) = (epoch, topic, cluster) else {
        anyhow::bail!("source \"{}\" is not CLUSTER/TOPIC/EPOCH", loss.source);
    };
    let app_id = format!("{cluster}/{topic}/{}/{epoch}", loss.partition);
    let key = SigningKey::from_bytes(key);
    note.public_key = hex::encode(key.verifying_key().to_bytes());
    note.signature = hex::encode(key.sign(loss.words(&note).as_bytes()).to_bytes());
    let table: Table = loss.topic.name().parse().map_err(anyhow::Error::msg)?;
    let mut rows = Lake::local(lake)?.open(table).await?;
    let at = rows.offset(&app_id).await?;
    ensure!(
        at.is_none_or(|at| at == loss.from),
        "the table stands at offset {}, so offsets from {} on cannot be given up",
        at.unwrap_or_default(),
        loss.from
    );
    let mut account = Account::empty(&loss.source, loss.partition, loss.from);
    account.until = loss.until;
    let words = serde_json::to_string(&note)?;
    let told = Told { kind: Kind::Accepted, accounts: &[account], at: clock.now(), note: Some(&words) };
    rows.append_told(&[], &[Span { app_id, from: loss.from, until: loss.until }], told).await?;
    let mut books = Books::open(&Lake::local(lake)?).await?;
    books.settle(&rows).await?;
    Ok(())
}

impl Loss {
    /// What is signed.
    fn words(&self, note: &Note) -> String {
        let Self { topic, source, partition, from, until } = self;
        format!("{topic}\n{source}\n{partition}\n{from}\n{until}\n{}\n{}", note.by, note.why)
    }
}

impl Accepted {
    fn read(entry: &Entry) -> Self {
        let note = entry.note.as_deref().and_then(|note| serde_json::from_str::<Note>(note).ok());
        let account = &entry.account;
        let note = note.unwrap_or_else(|| Note {
            by: String::new(),
            why: "its words cannot be read".to_owned(),
            public_key: String::new(),
            signature: String::new(),
        });
        let is_signed = Self::is_signed(entry, &note).unwrap_or(false);
        Self {
            topic: entry.table.name(),
            source: account.source.clone(),
            partition: account.partition,
            from: account.from,
            until: account.until,
            is_signed,
            note,
        }
    }

    fn is_signed(entry: &Entry, note: &Note) -> anyhow::Result<bool> {
        use ed25519_dalek::{Signature, Verifier, VerifyingKey};
        let account = &entry.account;
        let loss = Loss {
            topic: entry.table.name().parse().map_err(anyhow::Error::msg)?,
            source: account.source.clone(),
            partition: account.partition,
            from: account.from,
            until: account.until,
        };
        let bytes = |text: &str| hex::decode(text).context("no hex");
        let key: [u8; 32] = bytes(&note.public_key)?.try_into().ok().context("no public key")?;
        let signature = Signature::from_slice(&bytes(&note.signature)?)?;
        Ok(VerifyingKey::from_bytes(&key)?.verify(loss.words(note).as_bytes(), &signature).is_ok())
    }
}

impl Shown {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for Partition { topic, proof } in &self.partitions {
            let Proof { source, partition, from, until, .. } = proof;
            text += &format!("{topic} {source} partition {partition}: offsets {from} to {until}\n");
            text += &format!(
                "  {} = {} records + {} rejects + {} tombstones + {} gaps + {} accepted",
                until - from,
                proof.records,
                proof.rejects,
                proof.tombstones,
                proof.gaps,
                proof.accepted
            );
            for (count, what) in [(proof.replayed, "replayed"), (proof.expired, "expired")] {
                if count > 0 {
                    text += &format!(" ({count} {what})");
                }
            }
            text += "\n";
            for finding in &proof.findings {
                text += &format!("  {}: {}\n", finding.fault, short(&finding.offsets));
            }
        }
        for sum in &self.days {
            let DaySum { table, day, records, events, duplicates, waiting } = sum;
            text += &format!("{table} {day}: {records} records, {events} events, {duplicates} duplicates");
            if *waiting != 0 {
                text += &format!(", {waiting} in no event: callsieve run --day {day}");
            }
            text += "\n";
        }
        for accepted in &self.accepted {
            let Accepted { topic, source, partition, from, until, is_signed, note } = accepted;
            let signed = if *is_signed { "signed" } else { "WITHOUT A VALID SIGNATURE" };
            text += &format!(
                "accepted as lost: {topic} {source} partition {partition} offsets {from} to {until}, {signed} by {}: {}\n",
                note.by, note.why
            );
        }
        text + if self.is_closed { "the ledger is closed" } else { "THE LEDGER IS NOT CLOSED" }
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
