//! A partition that ingest holds: how far it is received and committed, and whether it stands still.
//!
//! In: what was received and committed, and where the broker says that the partition ends. Out: how long messages have
//! been waiting with none coming, the offset with nothing behind it, the lag. Never: takes a partition with nothing to
//! read for one that stands still.

use std::time::Duration;

use crate::clock::Stopwatch;
use crate::source::kafka::PartitionEnd;

/// How often an idle partition is noted again.
const IDLE_EVERY_US: i64 = 60 * 1_000_000;

/// A partition that we hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    /// First offset that is not committed, when any ever was.
    pub(super) committed: Option<i64>,
    /// First offset that has not been received, when any ever was.
    received: Option<i64>,
    /// First offset that the broker had not given away when last asked.
    pub(super) end: i64,
    /// `received` and `end` when it last moved, or had nothing to move to; and when that was.
    still: (Option<i64>, i64, Stopwatch),
    /// An offset with nothing behind it at an instant.
    idle: Option<(i64, i64)>,
    /// The same as it was last noted.
    noted: Option<(i64, i64)>,
}

impl Held {
    pub(super) fn new(committed: Option<i64>) -> Self {
        let end = committed.unwrap_or_default();
        Self { committed, received: committed, end, still: (None, end, Stopwatch::start()), idle: None, noted: None }
    }

    /// Takes in that all before an offset has been received.
    pub(super) fn receive(&mut self, until: i64) {
        self.received = Some(until);
        self.idle = None;
    }

    /// Takes in where the partition ends; says how long messages have been waiting there with none coming.
    pub(super) fn compare(&mut self, at: &PartitionEnd) -> Duration {
        self.end = at.end;
        let is_all_received = match self.received {
            Some(received) => received >= at.end,
            None => at.is_at_end || at.end == 0,
        };
        if is_all_received {
            self.idle = Some((self.received.unwrap_or(at.end), at.at));
        }
        let (received, end, _) = self.still;
        // Behind the last message there may be control records, which are never handed out.
        let is_all_handed_out = at.is_at_end && at.end == end;
        if received != self.received || is_all_received || is_all_handed_out {
            self.still = (self.received, at.end, Stopwatch::start());
        }
        self.still.2.elapsed()
    }

    /// The offset with nothing behind it and the instant of that, to be noted; none where messages before it wait, or
    /// where it was noted a short while before.
    pub(super) fn note_idle(&mut self) -> Option<(i64, i64)> {
        let (offset, at) = self.idle?;
        let is_known = self.noted.is_some_and(|(noted, then)| noted == offset && at - then < IDLE_EVERY_US);
        let is_waiting = self.received > self.committed;
        if is_known || is_waiting || self.committed.is_some_and(|committed| committed < offset) {
            return None;
        }
        self.noted = self.idle.take();
        self.noted
    }

    /// Messages that are not committed, by what the broker said last.
    pub(super) fn lag(&self) -> i64 {
        self.committed.map_or(self.end, |committed| self.end.saturating_sub(committed)).max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(end: i64, is_at_end: bool) -> PartitionEnd {
        PartitionEnd { partition: 0, end, at: 7, is_at_end }
    }

    /// Whether the partition is taken to stand still.
    fn stands(held: &mut Held, at: &PartitionEnd) -> bool {
        std::thread::sleep(Duration::from_millis(2));
        held.compare(at) >= Duration::from_millis(2)
    }

    #[test]
    fn a_partition_that_stands_still_with_messages_waiting_is_found() {
        let mut held = Held::new(Some(100));
        held.received = Some(150);
        assert!(!stands(&mut held, &end(200, false)), "it has moved");
        assert!(stands(&mut held, &end(200, false)), "it waits at 150 of 200");
        held.received = Some(160);
        assert!(!stands(&mut held, &end(900, false)), "it has moved again");
    }

    #[test]
    fn a_partition_with_nothing_to_read_does_not_stand_still() {
        let mut held = Held::new(Some(100));
        for _ in 0..2 {
            assert!(!stands(&mut held, &end(100, true)));
        }
        assert_eq!(held.idle, Some((100, 7)));
    }

    #[test]
    fn control_records_behind_the_last_message_are_not_waited_for() {
        let mut held = Held::new(Some(100));
        held.received = Some(110);
        for _ in 0..3 {
            assert!(!stands(&mut held, &end(111, true)));
        }
        assert_eq!(held.idle, None, "that there is nothing but control records is not known");
        assert!(stands(&mut held, &end(120, true)), "messages that came after the end was seen are waited for");
    }
}
