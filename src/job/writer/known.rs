//! Partitions that were never read, though what came in them has to be told of.
//!
//! In: the books. Out: of each the offset from which on nothing may go missing. Never: takes a partition for known because
//! it is there: what a topic had thrown away before it was first joined is nobody's loss.

use std::collections::BTreeMap;

use super::Writer;
use crate::domain::origin::Origin;
use crate::lake::ledger::{Entry, Kind};
use crate::source::kafka::Begin;

impl Writer {
    /// Where each partition begins, and what is known of those that were never read.
    pub(in crate::job) async fn begins(&mut self, partitions: &[i32]) -> anyhow::Result<Vec<Begin>> {
        let offsets = self.begin(partitions).await?;
        let known = self.known(partitions).await?;
        let begin = |(partition, offset)| Begin { partition, offset, known: known.get(&partition).copied() };
        Ok(offsets.into_iter().map(begin).collect())
    }

    /// Of partitions that the table has no offset of, those that the books know, and from where on.
    pub(super) async fn known(&mut self, partitions: &[i32]) -> anyhow::Result<BTreeMap<i32, i64>> {
        let mut unread = Vec::new();
        for partition in partitions {
            if self.rows.offset(&self.origin.app_id(*partition)).await?.is_none() {
                unread.push(*partition);
            }
        }
        if unread.is_empty() {
            return Ok(BTreeMap::new());
        }
        let entries = self.entries().await?;
        let found = |partition: i32| Some((partition, known(&entries, &self.origin, partition)?));
        Ok(unread.into_iter().filter_map(found).collect())
    }
}

/// From which offset on the books know a partition that was never read.
fn known(entries: &[Entry], origin: &Origin, partition: i32) -> Option<i64> {
    let source = origin.to_string();
    let source = source.as_str();
    let own = || entries.iter().filter(move |entry| entry.account.source == source);
    let idle = own().filter(|entry| entry.kind == Kind::Idle && entry.account.partition == partition);
    // The lowest: what came while the broker was asked may lie before a later one.
    let idle = idle.map(|entry| entry.account.from).min();
    let topic_id = |entry: &Entry| entry.note.clone().filter(|_| entry.kind == Kind::Seen);
    let mut earlier = entries.iter().filter(|entry| is_earlier(entry, origin)).peekable();
    // A topic that was made anew began at 0 again; by its id, one whose epoch alone was raised did not.
    let was_read = earlier.peek().is_some();
    let own_id = own().find_map(topic_id);
    let is_same = own_id.is_some() && earlier.any(|entry| topic_id(entry) == own_id);
    idle.or((was_read && !is_same).then_some(0))
}

/// Whether an entry is of the topic as it was before it was made anew.
fn is_earlier(entry: &Entry, origin: &Origin) -> bool {
    let Origin::Topic { cluster, topic, epoch } = origin else { return false };
    let rest = entry.account.source.strip_prefix(cluster.as_str()).and_then(|rest| rest.strip_prefix('/'));
    let rest = rest.and_then(|rest| rest.strip_prefix(topic.as_str())).and_then(|rest| rest.strip_prefix('/'));
    rest.and_then(|before| before.parse::<u32>().ok()).is_some_and(|before| before < *epoch)
}
