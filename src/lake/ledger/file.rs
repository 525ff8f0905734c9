//! What the books keep of dropped files beside their records: how many each has, and which could not be read.
//!
//! In: a file's source, or where it lies and how it looks. Out: rows of `ingest_range` that are a hole until the file is
//! in the tables. Never: tells twice of one file that looks as it did; takes a word back: a later one stands behind it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::books::TRIES;
use super::row::sheet;
use super::{Books, Entry, Kind};
use crate::domain::account::Account;
use crate::domain::origin::Origin;
use crate::lake::append::{AppendError, Span};
use crate::schema::contract::Table;

/// Bytes of a hash that tell one place, or one look of a file, from another.
const HASH_BYTES: usize = 8;

/// A file that cannot be read: where it lies, and its length and date where these are known.
#[derive(Debug, Clone, Copy)]
pub struct Unread<'a> {
    /// The file.
    pub path: &'a Path,
    /// How it looks.
    pub looks: Option<(u64, SystemTime)>,
}

impl Books {
    /// Notes how many records a file has before the first of them is committed. A later count replaces this one.
    pub async fn expect(&mut self, entry: &Entry) -> anyhow::Result<()> {
        let app_id = begun(entry.table, &entry.account.source);
        for _ in 0..TRIES {
            self.ranges.refresh().await?;
            let counts = self.ranges.offset(&app_id).await?.unwrap_or_default();
            let span = Span { app_id: app_id.clone(), from: counts, until: counts + 1 };
            if self.noted(std::slice::from_ref(entry), &[span]).await? {
                return Ok(());
            }
        }
        anyhow::bail!("ingest_range is written by others all the time; {} waits", entry.account.source)
    }

    /// Whether the records of a file were counted before.
    pub async fn is_begun(&mut self, table: Table, source: &str) -> anyhow::Result<bool> {
        self.ranges.refresh().await?;
        Ok(self.ranges.offset(&begun(table, source)).await?.is_some())
    }

    /// Notes that a file could not be read: one offset of a source of its own, which is a hole until a file at the same
    /// place is in the tables, or a named person gives it up.
    pub async fn miss(&mut self, table: Table, unread: Unread<'_>, at: i64) -> anyhow::Result<()> {
        let source = source(unread);
        let (told, missed) = (format!("{source}/{table}"), missed(table, unread.path));
        let account = Account { until: 1, ..Account::empty(&source, 0, 0) };
        let note = Some(unread.path.display().to_string());
        let entry = Entry { note, ..Entry::new(Kind::Deferred, table, account, at) };
        for _ in 0..TRIES {
            self.ranges.refresh().await?;
            // Given up or not: who has signed for what lies there is not asked again.
            if self.ranges.offset(&told).await?.is_some() {
                return Ok(());
            }
            let files = self.ranges.offset(&missed).await?.unwrap_or_default();
            let spans = [
                Span { app_id: told.clone(), from: 0, until: 1 },
                Span { app_id: missed.clone(), from: files, until: files + 1 },
            ];
            if self.noted(std::slice::from_ref(&entry), &spans).await? {
                return Ok(());
            }
        }
        anyhow::bail!("ingest_range is written by others all the time; {} waits", unread.path.display())
    }

    /// Notes that the file at a place is in the tables, so that nobody waits any more for what could not be read there. Its
    /// offset is a gap then: no record ever had it.
    pub async fn come(&mut self, table: Table, path: &Path, at: i64) -> anyhow::Result<()> {
        let missed = missed(table, path);
        let come = format!("{missed}/come");
        for _ in 0..TRIES {
            self.ranges.refresh().await?;
            let files = self.ranges.offset(&missed).await?.unwrap_or_default();
            let before = self.ranges.offset(&come).await?.unwrap_or_default();
            if files <= before {
                return Ok(());
            }
            let (entries, begins) = (self.entries(table).await?, place(path));
            let own: Vec<&Entry> = entries.iter().filter(|entry| entry.account.source.starts_with(&begins)).collect();
            let has_come = |missed: &Entry| {
                own.iter().any(|entry| entry.kind == Kind::Read && entry.account.source == missed.account.source)
            };
            let waited_for = own.iter().copied().filter(|entry| entry.kind == Kind::Deferred && !has_come(entry));
            let came: Vec<Entry> = waited_for.map(|entry| as_gap(entry, at)).collect();
            let span = Span { app_id: come.clone(), from: before, until: files };
            if self.noted(&came, &[span]).await? {
                return Ok(());
            }
        }
        anyhow::bail!("ingest_range is written by others all the time; {} waits", path.display())
    }

    /// Writes entries with a mark; false when another process has moved the mark meanwhile.
    async fn noted(&mut self, entries: &[Entry], spans: &[Span]) -> anyhow::Result<bool> {
        match self.ranges.append(&[sheet(entries)?], spans).await {
            Ok(_) => Ok(true),
            Err(AppendError::Behind { .. } | AppendError::Fenced) => Ok(false),
            Err(AppendError::Other(error)) => Err(error),
        }
    }
}

/// Of the counts of a file's records only the last one, as of the instant of the first: by an earlier one, under another
/// `header` or `multiline`, nothing was loaded.
pub(super) fn keep_last_counts(entries: &mut Vec<Entry>) {
    let mut counts: Vec<Entry> = entries.extract_if(.., |entry| is_count(entry)).collect();
    counts.sort_by_key(|count| count.committed_at);
    let mut last: BTreeMap<String, Entry> = BTreeMap::new();
    for count in counts {
        let source = count.account.source.clone();
        let committed_at = last.get(&source).map_or(count.committed_at, |first| first.committed_at);
        last.insert(source, Entry { committed_at, ..count });
    }
    entries.extend(last.into_values());
}

fn is_count(entry: &Entry) -> bool {
    entry.kind == Kind::Deferred && matches!(entry.account.source.parse(), Ok(Origin::File { .. }))
}

/// The word that what could not be read has come.
fn as_gap(entry: &Entry, at: i64) -> Entry {
    let mut account = entry.account.clone();
    account.gaps.push(account.from..account.until);
    Entry { note: entry.note.clone(), ..Entry::new(Kind::Read, entry.table, account, at) }
}

/// The mark of a file whose records were counted.
fn begun(table: Table, source: &str) -> String {
    format!("begun/{source}/{table}")
}

/// The mark that counts what could not be read at a place.
fn missed(table: Table, path: &Path) -> String {
    format!("{}/{table}", place(path))
}

/// The beginning of every source that could not be read at a place.
fn place(path: &Path) -> String {
    Origin::Unread { state: hash(path.as_os_str().as_encoded_bytes()) }.to_string()
}

fn source(unread: Unread<'_>) -> String {
    let since = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let looks = unread.looks.map(|(length, changed)| format!("{length} {}", since(changed))).unwrap_or_default();
    format!("{}-{}", place(unread.path), hash(looks.as_bytes()))
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..HASH_BYTES])
}
