//! `ledger`: the proof that nothing was lost and nothing counts twice, and the signed word for what is lost for good.
//!
//! In: `ingest_range`, the offsets that rows and rejects carry, and the sums of records and events. Out: a proof for
//! each source partition and each day. Never: repairs anything; a hole is closed by reading, or by a named person.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, ensure};
use arrow::array::Array;
use serde::Serialize;

use self::sums::DaySum;
use crate::clock::Clock;
use crate::domain::account::{Account, Offsets};
use crate::domain::day::Day;
use crate::domain::origin::Origin;
use crate::lake::append::Span;
use crate::lake::ledger::{Books, Entry, Kind, Told};
use crate::lake::proof::seen::Seen;
use crate::lake::proof::{self, Expired, Found, Proof};
use crate::lake::{Handle, Lake};
use crate::schema::column::call_record;
use crate::schema::contract::Table;
use crate::schema::topic::Topic;

pub mod sums;

/// What the ledger shows.
#[derive(Debug, Default, Serialize)]
pub struct Shown {
    /// Nothing is missing, nothing is doubled, and every sum is right.
    pub is_closed: bool,
    /// A proof for each source partition.
    pub partitions: Vec<Partition>,
    /// The sums of each day from the first whose events are built to the newest.
    pub days: Vec<DaySum>,
    /// Offsets that were given up, with the words that were signed.
    pub accepted: Vec<Accepted>,
    /// Sources that were given up, likewise.
    pub retired: Vec<Retired>,
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
    /// Whether the signature holds, by a key that is trusted.
    pub is_signed: bool,
    /// Who, why, and the signature.
    pub note: Note,
}

/// A source that was given up by a signed act: nobody waits for it until it is read again.
#[derive(Debug, Serialize)]
pub struct Retired {
    /// The topic's table.
    pub topic: &'static str,
    /// Where its offsets count.
    pub source: String,
    /// Whether the signature holds, by a key that is trusted.
    pub is_signed: bool,
    /// Who, why, and the signature.
    pub note: Note,
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
    let mut books = Books::open(lake).await?;
    let mut shown = Shown::default();
    let topics = if topics.is_empty() { &Topic::ALL[..] } else { topics };
    for topic in topics {
        let table = topic.table();
        let Some(rows) = lake.find(table).await? else { continue };
        let entries = accounts(&mut books, &rows).await?;
        let of = |kind: Kind| entries.iter().filter(move |entry| entry.kind == kind);
        shown.accepted.extend(of(Kind::Accepted).map(|entry| Accepted::read(*topic, entry, trusted)));
        shown.retired.extend(of(Kind::Retired).map(|entry| Retired::read(*topic, entry, trusted)));
        shown.partitions.extend(prove(lake, &mut books, &rows, &entries, days).await?);
        shown.days.extend(sums::sums(lake, &rows, &entries, days).await?);
    }
    shown.is_closed = shown.partitions.iter().all(|partition| partition.proof.is_closed())
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
    let mut seen = offsets(rows).await?;
    let (seen_rejects, expired_rejects) = rejects(lake, books).await?;
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
        partitions.push(Partition { topic, proof });
    }
    // Rows of a source that no commit tells of. History that was invented has no source to prove.
    for ((source, partition), rows) in seen.into_iter().filter(|((source, _), _)| days.is_none() && source != "seed") {
        let proof = Proof { source, partition, ..proof::prove(&[], Found { rows: &rows, ..nothing }, None) };
        partitions.push(Partition { topic, proof });
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

/// From the first offset to the last of the commits that brought rows of some days.
fn window(entries: &[&Entry], (from, until): (Day, Day)) -> Option<Range<i64>> {
    let is_within = |day: &Day| *day >= from && *day < until;
    let brought = entries.iter().filter(|entry| entry.account.days.keys().any(is_within));
    let ranges = brought.map(|entry| entry.account.from..entry.account.until);
    ranges.reduce(|all, range| all.start.min(range.start)..all.end.max(range.end))
}

/// The offsets of all rejects, and what was removed of them: subscriptions are kept, though their rejects are not.
async fn rejects(lake: &Lake, books: &mut Books) -> anyhow::Result<(Places, Expired)> {
    let Some(rejects) = lake.find(Table::REJECT).await? else { return Ok((Places::new(), Expired::default())) };
    books.settle(&rejects).await?;
    let expired = Expired::of(&books.entries(Table::REJECT).await?);
    Ok((offsets(&rejects).await?, expired))
}

/// The offsets that a table's rows carry, by source and partition.
async fn offsets(table: &Handle) -> anyhow::Result<Places> {
    let columns = [call_record::SOURCE_ID.name, call_record::SOURCE_PARTITION.name, call_record::SOURCE_OFFSET.name];
    let mut seen = Places::new();
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

/// What makes a window incomplete: holes, and partitions that have not been read past it. Empty when it is closed.
pub async fn open_reasons(lake: &Lake, until: i64) -> anyhow::Result<Vec<String>> {
    let mut books = Books::open(lake).await?;
    let mut reasons = Vec::new();
    for topic in Topic::ALL {
        let table = topic.table();
        let Some(rows) = lake.find(table).await? else { continue };
        books.settle(&rows).await?;
    }
    let all = books.all_entries().await?;
    // Reports and messages may never come; without call records there is nothing to judge by.
    if !all.contains_key(&Table::CALL_RECORD) {
        reasons.push(format!("{} has never been read", Table::CALL_RECORD));
    }
    for (table, mut entries) in all {
        // Of rejects the books know what was removed, and nobody waits for that.
        let Ok(topic) = table.name().parse::<Topic>() else { continue };
        entries.retain(|entry| holds(topic, entry));
        reasons.extend(proof::window::open_reasons(table, &entries, until));
    }
    Ok(reasons)
}

/// The same of one topic alone.
pub(super) async fn open_reasons_of(lake: &Lake, topic: Topic, until: i64) -> anyhow::Result<Vec<String>> {
    let table = topic.table();
    let Some(rows) = lake.find(table).await? else { return Ok(vec![format!("{table} has never been read")]) };
    let mut books = Books::open(lake).await?;
    books.settle(&rows).await?;
    let mut entries = books.entries(table).await?;
    entries.retain(|entry| holds(topic, entry));
    Ok(proof::window::open_reasons(table, &entries, until))
}

/// Whether an entry is a signed act, or needs no signature.
pub(super) fn holds(topic: Topic, entry: &Entry) -> bool {
    match entry.kind {
        Kind::Accepted => Accepted::read(topic, entry, None).is_signed,
        Kind::Retired => Retired::read(topic, entry, None).is_signed,
        Kind::Read | Kind::Idle | Kind::Replayed | Kind::Expired | Kind::Deferred | Kind::Seen => true,
    }
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

/// Public keys of those who may sign.
#[derive(Debug, Clone, Default)]
pub struct Keys(BTreeSet<[u8; 32]>);

impl Keys {
    /// Reads a file of public keys: 64 hex digits, one a line.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let mut keys = BTreeSet::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let key = public_key(line.trim());
            keys.insert(key.with_context(|| format!("{}:{}: no 64 hex digits", path.display(), index + 1))?);
        }
        Ok(Self(keys))
    }
}

/// Gives offsets up for good, and every ledger shows who said so. Where the table stands before them it moves on behind
/// them; what lies behind it can be given up where the ledger itself misses it.
pub async fn accept(lake: &Lake, loss: &Loss, note: Note, key: &[u8; 32], clock: Clock) -> anyhow::Result<()> {
    ensure!(loss.from < loss.until, "offsets {} to {} are none", loss.from, loss.until);
    let origin: Origin = loss.source.parse().map_err(anyhow::Error::msg)?;
    let app_id = origin.app_id(loss.partition);
    let table = loss.topic.table();
    let mut rows = lake.open(table).await?;
    let at = rows.offset(&app_id).await?;
    let mut spans = Vec::new();
    if at.is_some_and(|at| loss.until <= at) {
        // No span: where the table stands is not changed by what is given up behind it.
        ensure_lost(lake, &rows, loss).await?;
    } else {
        ensure!(
            at.is_none_or(|at| at == loss.from),
            "the table stands at offset {}, so offsets {} to {} cannot be given up",
            at.unwrap_or_default(),
            loss.from,
            loss.until
        );
        spans.push(Span { app_id, from: loss.from, until: loss.until });
    }
    let account = Account { until: loss.until, ..Account::empty(&loss.source, loss.partition, loss.from) };
    let note = serde_json::to_string(&note.signed(&loss.act(), key))?;
    let told = Told { kind: Kind::Accepted, accounts: &[account], at: clock.now(), note: Some(&note) };
    rows.append_told(&[], &spans, told).await?;
    Books::open(lake).await?.settle(&rows).await?;
    Ok(())
}

async fn ensure_lost(lake: &Lake, rows: &Handle, loss: &Loss) -> anyhow::Result<()> {
    let mut books = Books::open(lake).await?;
    let entries = accounts(&mut books, rows).await?;
    let partitions = prove(lake, &mut books, rows, &entries, None).await?;
    let is_own = |proof: &&Proof| proof.source == loss.source && proof.partition == loss.partition;
    let proof = partitions.iter().map(|partition| &partition.proof).find(is_own);
    ensure!(
        proof.is_some_and(|proof| proof.has_lost(&(loss.from..loss.until))),
        "offsets {} to {} are not all lost; `callsieve ledger` names those that are, and no others can be given up",
        loss.from,
        loss.until
    );
    Ok(())
}

/// Gives a source up: nobody waits for it from then on, unless it is read again.
pub async fn retire(
    lake: &Lake,
    topic: Topic,
    source: &str,
    note: Note,
    key: &[u8; 32],
    clock: Clock,
) -> anyhow::Result<()> {
    let table = topic.table();
    let mut rows = lake.find(table).await?.with_context(|| format!("{topic} has never been read"))?;
    let mut books = Books::open(lake).await?;
    let entries = accounts(&mut books, &rows).await?;
    let is_known = entries.iter().any(|entry| entry.account.source == source);
    ensure!(is_known, "{topic} was never read from {source}; `callsieve ledger --topic {topic}` names its sources");
    let note = serde_json::to_string(&note.signed(&retirement(topic, source), key))?;
    let accounts = [Account::empty(source, 0, 0)];
    let told = Told { kind: Kind::Retired, accounts: &accounts, at: clock.now(), note: Some(&note) };
    rows.append_told(&[], &[], told).await?;
    books.settle(&rows).await?;
    Ok(())
}

/// What is signed of a source that is given up, beside by whom and why.
fn retirement(topic: Topic, source: &str) -> String {
    format!("retired\n{topic}\n{source}")
}

impl Loss {
    /// What is signed, beside by whom and why.
    fn act(&self) -> String {
        let Self { topic, source, partition, from, until } = self;
        format!("{topic}\n{source}\n{partition}\n{from}\n{until}")
    }
}

impl Note {
    fn read(entry: &Entry) -> Self {
        let note = entry.note.as_deref().and_then(|note| serde_json::from_str::<Self>(note).ok());
        note.unwrap_or_else(|| Self {
            by: String::new(),
            why: "its words cannot be read".to_owned(),
            public_key: String::new(),
            signature: String::new(),
        })
    }

    /// The same with a signature.
    fn signed(self, act: &str, key: &[u8; 32]) -> Self {
        use ed25519_dalek::{Signer, SigningKey};
        let key = SigningKey::from_bytes(key);
        let signature = hex::encode(key.sign(self.words(act).as_bytes()).to_bytes());
        Self { public_key: hex::encode(key.verifying_key().to_bytes()), signature, ..self }
    }

    fn is_signed(&self, act: &str, trusted: Option<&Keys>) -> bool {
        self.verify(act, trusted).unwrap_or(false)
    }

    fn verify(&self, act: &str, trusted: Option<&Keys>) -> anyhow::Result<bool> {
        use ed25519_dalek::{Signature, Verifier, VerifyingKey};
        let key = public_key(&self.public_key)?;
        let signature = Signature::from_slice(&hex::decode(&self.signature)?)?;
        let holds = VerifyingKey::from_bytes(&key)?.verify(self.words(act).as_bytes(), &signature).is_ok();
        Ok(holds && trusted.is_none_or(|keys| keys.0.contains(&key)))
    }

    fn words(&self, act: &str) -> String {
        format!("{act}\n{}\n{}", self.by, self.why)
    }

    /// For people, who compare the key with what they know of the signer.
    fn text(&self, is_signed: bool) -> String {
        let Self { by, why, public_key, signature: _ } = self;
        let signed = if is_signed { "signed" } else { "WITHOUT A VALID SIGNATURE" };
        format!("{signed} by {by}: {why} (public key {public_key})")
    }
}

fn public_key(text: &str) -> anyhow::Result<[u8; 32]> {
    hex::decode(text)?.try_into().ok().context("a public key has 32 bytes")
}

impl Accepted {
    fn read(topic: Topic, entry: &Entry, trusted: Option<&Keys>) -> Self {
        let Account { source, partition, from, until, .. } = entry.account.clone();
        let loss = Loss { topic, source, partition, from, until };
        let note = Note::read(entry);
        let is_signed = note.is_signed(&loss.act(), trusted);
        Self { topic: topic.name(), source: loss.source, partition, from, until, is_signed, note }
    }

    fn text(&self) -> String {
        let Self { topic, source, partition, from, until, is_signed, note } = self;
        let lost = format!("{topic} {source} partition {partition} offsets {from} to {until}");
        format!("accepted as lost: {lost}, {}", note.text(*is_signed))
    }
}

impl Retired {
    fn read(topic: Topic, entry: &Entry, trusted: Option<&Keys>) -> Self {
        let source = entry.account.source.clone();
        let note = Note::read(entry);
        let is_signed = note.is_signed(&retirement(topic, &source), trusted);
        Self { topic: topic.name(), source, is_signed, note }
    }

    fn text(&self) -> String {
        let Self { topic, source, is_signed, note } = self;
        format!("retired: {topic} {source}, {}", note.text(*is_signed))
    }
}

impl Partition {
    fn text(&self) -> String {
        let Self { topic, proof } = self;
        let Proof { source, partition, from, until, records, rejects, tombstones, gaps, accepted, .. } = proof;
        let mut text = format!("{topic} {source} partition {partition}: offsets {from} to {until}\n");
        text += &format!("  {} = {records} records + {rejects} rejects + {tombstones} tombstones", until - from);
        text += &format!(" + {gaps} gaps + {accepted} accepted");
        let of_these = [(proof.replayed, "replayed"), (proof.superseded, "superseded"), (proof.expired, "expired")];
        for (count, what) in of_these.into_iter().filter(|(count, _)| *count > 0) {
            text += &format!(" ({count} {what})");
        }
        for finding in &proof.findings {
            text += &format!("\n  {}: {}", finding.fault, short(&finding.offsets));
        }
        text
    }
}

impl Shown {
    /// For people.
    pub fn text(&self) -> String {
        let mut lines: Vec<String> = self.partitions.iter().map(Partition::text).collect();
        lines.extend(self.days.iter().map(DaySum::text));
        lines.extend(self.accepted.iter().map(Accepted::text));
        lines.extend(self.retired.iter().map(Retired::text));
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
