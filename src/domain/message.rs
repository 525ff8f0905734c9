//! Raw messages as they came, with their places in the source.
//!
//! In: bytes from a consumer, a file or the synthetic operator. Out: a batch that keeps every byte once and
//! knows which offsets it spans. Never: looks inside a message.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use super::account::Offsets;

/// Partition given to rows that were seeded without Kafka; their offsets count up from 0.
pub const SEEDED: i32 = -1;

/// One message, borrowed from its batch.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// Kafka partition.
    pub partition: i32,
    /// Kafka offset.
    pub offset: i64,
    /// Kafka timestamp, UTC microseconds.
    pub kafka_at: Option<i64>,
    /// Key, as it came.
    pub key: Option<&'a [u8]>,
    /// Body, as it came; `None` is a tombstone.
    pub payload: Option<&'a [u8]>,
    /// Headers as a JSON list of `[name, hex of the value]`.
    pub headers: Option<&'a str>,
}

impl fmt::Debug for Message<'_> {
    /// Bodies and keys hold numbers, so only the place is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message {}@{}", self.partition, self.offset)
    }
}

/// Where a message stood, without the message.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Kafka partition.
    pub partition: i32,
    /// Kafka offset.
    pub offset: i64,
    /// Kafka timestamp, UTC microseconds.
    pub kafka_at: Option<i64>,
    /// Whether it is no tombstone.
    pub has_body: bool,
}

/// Offsets `[from, until)` of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetRange {
    /// Kafka partition.
    pub partition: i32,
    /// First offset.
    pub from: i64,
    /// First offset after.
    pub until: i64,
}

/// A batch of messages in arenas of bytes; within a partition the offsets rise.
#[derive(Default)]
pub struct Messages {
    /// More than one after an append, which moves arenas and copies no byte.
    arenas: Vec<Vec<u8>>,
    slots: Vec<Slot>,
    gaps: BTreeMap<i32, Offsets>,
}

struct Slot {
    arena: usize,
    partition: i32,
    offset: i64,
    kafka_at: Option<i64>,
    key: Option<Range<usize>>,
    payload: Option<Range<usize>>,
    headers: Option<Range<usize>>,
}

impl Messages {
    /// Appends a copy of a message.
    pub fn push(&mut self, message: Message<'_>) {
        let key = message.key.map(|key| self.store(key));
        let payload = message.payload.map(|payload| self.store(payload));
        let headers = message.headers.map(|headers| self.store(headers.as_bytes()));
        self.slots.push(Slot {
            arena: self.arenas.len().saturating_sub(1),
            partition: message.partition,
            offset: message.offset,
            kafka_at: message.kafka_at,
            key,
            payload,
            headers,
        });
    }

    fn store(&mut self, bytes: &[u8]) -> Range<usize> {
        if self.arenas.is_empty() {
            self.arenas.push(Vec::new());
        }
        let arena = self.arenas.last_mut().expect("one was just put there");
        let from = arena.len();
        arena.extend_from_slice(bytes);
        from..arena.len()
    }

    /// Notes offsets of a partition that the source skipped before a message or the end: nothing was there.
    pub fn note_gap(&mut self, partition: i32, offsets: Range<i64>) {
        self.gaps.entry(partition).or_default().push(offsets);
    }

    /// The offsets that the source skipped.
    pub fn gaps(&self) -> &BTreeMap<i32, Offsets> {
        &self.gaps
    }

    /// Moves the messages of another batch behind these.
    pub fn append(&mut self, other: Self) {
        for (partition, gaps) in &other.gaps {
            gaps.runs().for_each(|run| self.note_gap(*partition, run));
        }
        let behind = self.arenas.len();
        self.arenas.extend(other.arenas);
        self.slots.extend(other.slots.into_iter().map(|slot| Slot { arena: slot.arena + behind, ..slot }));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none, and no gap was noted either.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty() && self.gaps.is_empty()
    }

    /// Bytes held.
    pub fn size_bytes(&self) -> usize {
        self.arenas.iter().map(Vec::len).sum::<usize>() + self.slots.len() * size_of::<Slot>()
    }

    /// Forgets all messages and keeps the memory.
    pub fn clear(&mut self) {
        self.arenas.truncate(1);
        self.arenas.iter_mut().for_each(Vec::clear);
        self.slots.clear();
        self.gaps.clear();
    }

    /// The messages in the order in which they came.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Message<'_>> {
        self.slots.iter().map(|slot| self.view(slot))
    }

    fn view(&self, slot: &Slot) -> Message<'_> {
        let bytes = |range: &Option<Range<usize>>| range.clone().map(|range| &self.arenas[slot.arena][range]);
        Message {
            partition: slot.partition,
            offset: slot.offset,
            kafka_at: slot.kafka_at,
            key: bytes(&slot.key),
            payload: bytes(&slot.payload),
            headers: bytes(&slot.headers).and_then(|headers| std::str::from_utf8(headers).ok()),
        }
    }

    /// Where they stood, in the order in which they came.
    pub fn places(&self) -> Vec<Place> {
        let place = |slot: &Slot| Place {
            partition: slot.partition,
            offset: slot.offset,
            kafka_at: slot.kafka_at,
            has_body: slot.payload.is_some(),
        };
        self.slots.iter().map(place).collect()
    }

    /// The offsets spanned, gaps included, one range for each partition, lowest partition first.
    pub fn ranges(&self) -> Vec<OffsetRange> {
        let gaps = self.gaps.iter().flat_map(|(partition, gaps)| gaps.runs().map(|run| (*partition, run)));
        let messages = self.slots.iter().map(|slot| (slot.partition, slot.offset..slot.offset + 1));
        let mut ranges: BTreeMap<i32, OffsetRange> = BTreeMap::new();
        for (partition, offsets) in gaps.chain(messages) {
            let range =
                ranges.entry(partition).or_insert(OffsetRange { partition, from: offsets.start, until: offsets.end });
            range.from = range.from.min(offsets.start);
            range.until = range.until.max(offsets.end);
        }
        ranges.into_values().collect()
    }

    /// Keeps only the messages for which `keep` says so; the bytes of the others stay until `clear`.
    pub fn retain(&mut self, mut keep: impl FnMut(i32, i64) -> bool) {
        self.slots.retain(|slot| keep(slot.partition, slot.offset));
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} messages in {:?}", self.len(), self.ranges())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(partition: i32, offset: i64, payload: Option<&[u8]>) -> Message<'_> {
        Message { partition, offset, kafka_at: None, key: Some(b"k"), payload, headers: None }
    }

    #[test]
    fn a_batch_gives_back_what_was_put_in() {
        let mut messages = Messages::default();
        messages.push(message(1, 7, Some(b"one")));
        messages.push(message(0, 3, None));
        messages.push(message(1, 9, Some(b"")));
        let bodies: Vec<_> = messages.iter().map(|message| message.payload).collect();
        assert_eq!(bodies, [Some(&b"one"[..]), None, Some(&b""[..])]);
        assert_eq!(
            messages.ranges(),
            [OffsetRange { partition: 0, from: 3, until: 4 }, OffsetRange { partition: 1, from: 7, until: 10 }]
        );
    }

    #[test]
    fn a_batch_behind_another_keeps_its_bodies() {
        let (mut one, mut two) = (Messages::default(), Messages::default());
        one.push(message(0, 1, Some(b"one")));
        two.push(message(0, 2, Some(b"two")));
        two.push(message(1, 1, None));
        one.append(two);
        let bodies: Vec<_> = one.iter().map(|message| (message.key, message.payload)).collect();
        let key = Some(&b"k"[..]);
        assert_eq!(bodies, [(key, Some(&b"one"[..])), (key, Some(&b"two"[..])), (key, None)]);
    }

    #[test]
    fn a_gap_is_spanned_though_nothing_is_there() {
        let mut messages = Messages::default();
        messages.note_gap(0, 3..5);
        assert!(!messages.is_empty());
        assert_eq!(messages.ranges(), [OffsetRange { partition: 0, from: 3, until: 5 }]);
        messages.push(message(0, 5, None));
        messages.note_gap(0, 6..9);
        assert_eq!(messages.ranges(), [OffsetRange { partition: 0, from: 3, until: 9 }]);
    }

    #[test]
    fn nothing_of_a_body_is_printed() {
        let mut messages = Messages::default();
        messages.push(message(0, 0, Some(b"84912345678")));
        assert!(!format!("{messages:?} {:?}", messages.iter().next()).contains("849"));
    }
}
