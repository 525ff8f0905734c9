//! Signed acts: a named person gives up offsets that are lost for good, or a source that is not read any more.
//!
//! In: what is given up, by whom, why, and the key. Out: an entry of the books with the signature; what entries say,
//! and whether it holds. Never: gives up an offset that the table has, or one of a partition that nobody knows of.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::{accounts, prove};
use crate::clock::Clock;
use crate::domain::account::Account;
use crate::domain::origin::Origin;
use crate::lake::append::Span;
use crate::lake::ledger::{Books, Entry, Kind, Told};
use crate::lake::proof::Proof;
use crate::lake::{Handle, Lake};
use crate::schema::topic::Topic;

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

/// A source that is given up whole.
#[derive(Debug, Clone)]
pub struct Retirement {
    /// The topic.
    pub topic: Topic,
    /// Where its offsets count.
    pub source: String,
}

/// Who gives it up, and why.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
    ensure!(loss.from < loss.until, "no offset lies from {} on and before {}", loss.from, loss.until);
    let origin: Origin = loss.source.parse().map_err(anyhow::Error::msg)?;
    let app_id = origin.app_id(loss.partition);
    let topic = loss.topic;
    let mut rows = lake.find(topic.table()).await?.with_context(|| format!("{topic} has never been read"))?;
    ensure_known(lake, &rows, loss).await?;
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

/// Every day would wait for a partition that a slip of the pen has made, and nothing takes a signed act back.
async fn ensure_known(lake: &Lake, rows: &Handle, loss: &Loss) -> anyhow::Result<()> {
    let Loss { topic, source, partition, .. } = loss;
    let entries = accounts(&mut Books::open(lake).await?, rows).await?;
    let is_told = |entry: &Entry| !matches!(entry.kind, Kind::Accepted | Kind::Retired | Kind::Expired);
    let mut known = entries.iter().filter(|entry| is_told(entry)).map(|entry| &entry.account);
    ensure!(
        known.any(|account| account.source == *source && account.partition == *partition),
        "nobody knows of a partition {partition} of {source} with {topic}; `callsieve ledger --topic {topic}` names those \
         that were read, and ingest the one at which it stands"
    );
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
    retirement: &Retirement,
    note: Note,
    key: &[u8; 32],
    clock: Clock,
) -> anyhow::Result<()> {
    let Retirement { topic, source } = retirement;
    let origin: Origin = source.parse().map_err(anyhow::Error::msg)?;
    ensure!(
        matches!(origin, Origin::Topic { .. }),
        "{source} is a dropped file, and only a topic is retired: nobody waits for a file but for what is missing of it, \
         which is given up by the `callsieve ledger accept` that `callsieve ledger` shows"
    );
    let table = topic.table();
    let mut rows = lake.find(table).await?.with_context(|| format!("{topic} has never been read"))?;
    let mut books = Books::open(lake).await?;
    let entries = accounts(&mut books, &rows).await?;
    let is_known = entries.iter().any(|entry| entry.account.source == *source);
    ensure!(is_known, "{topic} was never read from {source}; `callsieve ledger --topic {topic}` names its sources");
    let note = serde_json::to_string(&note.signed(&retirement.act(), key))?;
    let accounts = [Account::empty(source, 0, 0)];
    let told = Told { kind: Kind::Retired, accounts: &accounts, at: clock.now(), note: Some(&note) };
    rows.append_told(&[], &[], told).await?;
    books.settle(&rows).await?;
    Ok(())
}

impl Loss {
    /// What is signed, beside by whom and why.
    fn act(&self) -> String {
        let Self { topic, source, partition, from, until } = self;
        format!("{topic}\n{source}\n{partition}\n{from}\n{until}")
    }
}

impl Retirement {
    /// The same of a source.
    fn act(&self) -> String {
        let Self { topic, source } = self;
        format!("retired\n{topic}\n{source}")
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
    pub(super) fn read(topic: Topic, entry: &Entry, trusted: Option<&Keys>) -> Self {
        let Account { source, partition, from, until, .. } = entry.account.clone();
        let loss = Loss { topic, source, partition, from, until };
        let note = Note::read(entry);
        let is_signed = note.is_signed(&loss.act(), trusted);
        Self { topic: topic.name(), source: loss.source, partition, from, until, is_signed, note }
    }

    pub(super) fn text(&self) -> String {
        let Self { topic, source, partition, from, until, is_signed, note } = self;
        let lost = format!("{topic} {source} partition {partition} offsets {from} to {until}");
        format!("accepted as lost: {lost}, {}", note.text(*is_signed))
    }
}

impl Retired {
    pub(super) fn read(topic: Topic, entry: &Entry, trusted: Option<&Keys>) -> Self {
        let retirement = Retirement { topic, source: entry.account.source.clone() };
        let note = Note::read(entry);
        let is_signed = note.is_signed(&retirement.act(), trusted);
        Self { topic: topic.name(), source: retirement.source, is_signed, note }
    }

    pub(super) fn text(&self) -> String {
        let Self { topic, source, is_signed, note } = self;
        format!("retired: {topic} {source}, {}", note.text(*is_signed))
    }
}
