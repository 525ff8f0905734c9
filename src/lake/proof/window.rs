//! Whether a table has been read up to an instant.
//!
//! In: the entries of all its partitions. Out: every reason why it has not. Never: waits for a topic that was retired, or
//! that was never read.

use std::collections::BTreeMap;

use super::seen::together;
use super::{Spans, span};
use crate::domain::day::instant;
use crate::domain::origin::Origin;
use crate::lake::ledger::{Entry, Kind};
use crate::schema::contract::Table;

/// Why a table's input is not complete up to an instant (UTC microseconds); empty when it is.
///
/// Only the source that was read last can be behind, and not once it was retired. A table that was never read from a
/// topic is not waited for, nor a file that nobody has begun by then; what is missing of one that was begun is a hole as
/// any, and stays one until the file comes again or the loss is signed.
pub fn open_reasons(table: Table, entries: &[Entry], until: i64) -> Vec<String> {
    let live = live(entries);
    let mut partitions: BTreeMap<(&str, i32), Vec<&Entry>> = BTreeMap::new();
    // Of a file that was begun behind the instant, and may be half loaded just now, nothing is missed before it.
    let is_later = |entry: &Entry| entry.kind == Kind::Deferred && !is_of_topic(entry) && entry.committed_at > until;
    let told = |entry: &Entry| has_origin(entry) && entry.kind != Kind::Retired && !is_later(entry);
    for entry in entries.iter().filter(|entry| told(entry)) {
        partitions.entry((&entry.account.source, entry.account.partition)).or_default().push(entry);
    }
    let mut reasons = Vec::new();
    for ((source, partition), entries) in partitions {
        let spans = Spans::of(&entries, None);
        let holes = spans.holes();
        let unsound = spans.read.iter().copied().filter(|entry| !entry.account.adds_up()).map(span);
        let holes = together(holes.runs().chain(unsound).collect());
        if !holes.is_empty() {
            let file = entries.iter().find(|entry| !is_of_topic(entry)).and_then(|entry| entry.note.as_deref());
            let file = file.map(|name| format!(" ({name}: drop it again, or sign the loss that `ledger` shows)"));
            let file = file.unwrap_or_default();
            reasons.push(format!("{table} partition {partition} of {source}{file} has holes: {holes}"));
        }
        let told = entries.iter().filter(|entry| entry.kind != Kind::Deferred);
        let watermark = told.filter_map(|entry| entry.account.watermark).max();
        if live == Some(source) && watermark.is_none_or(|at| at < until) {
            let at = watermark.map_or("nowhere".to_owned(), instant);
            reasons.push(format!("{table} partition {partition} of {source} has been read up to {at}"));
        }
    }
    reasons
}

/// The topic that was read last, unless it was retired since. A signed act or a replay on an old topic does not put it
/// in the place of the one that is being read.
fn live(entries: &[Entry]) -> Option<&str> {
    let topics = || entries.iter().filter(|entry| is_of_topic(entry));
    let told = topics().filter(|entry| entry.kind != Kind::Retired);
    let last = told.max_by_key(|entry| (is_reading(entry), entry.committed_at))?;
    let source = last.account.source.as_str();
    let mut acts = topics().filter(|entry| entry.kind == Kind::Retired && entry.account.source == source);
    let is_retired = acts.any(|act| !is_reading(last) || act.committed_at >= last.committed_at);
    (!is_retired).then_some(source)
}

/// Whether its offsets count in a topic or a file: those of invented history, and versions of the table, are none.
fn has_origin(entry: &Entry) -> bool {
    entry.account.source.parse::<Origin>().is_ok()
}

/// CLUSTER/TOPIC/EPOCH; a topic's name holds no slash.
const TOPIC_PARTS: usize = 3;

fn is_of_topic(entry: &Entry) -> bool {
    entry.account.source.split('/').count() == TOPIC_PARTS
}

/// Whether it tells how far its source was read.
fn is_reading(entry: &Entry) -> bool {
    matches!(entry.kind, Kind::Read | Kind::Idle | Kind::Deferred)
}
