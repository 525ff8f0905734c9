//! How messages reach the broker: soon, late, or twice.
//!
//! In: payloads with the instant from which they are due. Out: each day's deliveries in order.
//! Never: loses a message: what is due after a day's end waits for the next day.

use rand::Rng as _;

use super::Message;
use super::draw::{Rng, between, chance, whole};

/// Messages under way.
#[derive(Debug)]
pub(super) struct Outbox {
    waiting: Vec<Message>,
    resent_share: f64,
    late_share: f64,
}

impl Outbox {
    pub(super) fn new(resent_share: f64, late_share: f64) -> Self {
        Self { waiting: Vec::new(), resent_share, late_share }
    }

    /// Takes a message that is due at its instant; some come hours late, some a second time.
    pub(super) fn send(&mut self, mut message: Message, rng: &mut Rng) {
        // Mediation closes a file every minute.
        message.at += rng.random_range(2_000_000..62_000_000);
        if chance(rng, self.late_share) {
            message.at += whole(between(rng, (1.0, 20.0)) * 3_600e6);
        }
        if chance(rng, self.resent_share) {
            let at = message.at + whole(between(rng, (0.05, 16.0)) * 3_600e6);
            self.waiting.push(Message { at, ..message.clone() });
        }
        self.waiting.push(message);
    }

    /// What is delivered before an instant, in order.
    pub(super) fn deliver(&mut self, before: i64) -> Vec<Message> {
        // The sort is stable: messages of one instant stay in the order in which they were sent.
        self.waiting.sort_by_cached_key(|message| message.at);
        let later = self.waiting.split_off(self.waiting.partition_point(|message| message.at < before));
        std::mem::replace(&mut self.waiting, later)
    }
}
