//! History straight into the lake, without Kafka.
//!
//! In: a day's synthetic messages. Out: rows and rejects, decoded as ingest decodes them, under the partition
//! `SEEDED`. Never: touches the offsets of a real partition.

use std::collections::BTreeMap;

use anyhow::Context;
use arrow::array::RecordBatch;

use crate::decode::{self, Decoder};
use crate::domain::message::{Message, Messages, SEEDED};
use crate::lake::{Handle, Lake};
use crate::schema::contract::Table;
use crate::schema::topic::Topic;
use crate::source::registry::Registry;
use crate::source::synthetic;
use crate::text;

/// Where the offsets of invented history count.
const SOURCE: &str = "seed";
/// Messages of a topic decoded at once.
const BATCH_ROWS: usize = 250_000;

/// Writes messages into the lake, topic by topic.
#[derive(Debug)]
pub struct Seeder {
    topics: BTreeMap<Topic, Waiting>,
    rejects: Handle,
    now: i64,
}

#[derive(Debug)]
struct Waiting {
    decoder: Decoder,
    rows: Handle,
    messages: Messages,
    next_offset: i64,
}

impl Seeder {
    /// A seeder that dates its rows `now`.
    pub async fn open(lake: &Lake, now: i64) -> anyhow::Result<Self> {
        let mut topics = BTreeMap::new();
        for topic in Topic::ALL {
            let decoder = Decoder::new(topic, topic.name(), decode::Options::default(), text::report::read);
            let decoder = decoder.with_names(text::entity::line);
            let table = topic.table();
            let rows = lake.open(table).await?;
            topics.insert(topic, Waiting { decoder, rows, messages: Messages::default(), next_offset: 0 });
        }
        Ok(Self { topics, rejects: lake.open(Table::REJECT).await?, now })
    }

    /// Takes a message in.
    pub async fn add(&mut self, message: &synthetic::Message) -> anyhow::Result<()> {
        let waiting = self.topics.get_mut(&message.topic).context("every topic is open")?;
        waiting.messages.push(Message {
            partition: SEEDED,
            offset: waiting.next_offset,
            kafka_at: Some(message.at),
            key: None,
            payload: Some(&message.payload),
            headers: None,
        });
        waiting.next_offset += 1;
        if waiting.messages.len() >= BATCH_ROWS { self.flush(message.topic).await } else { Ok(()) }
    }

    /// Writes what waits of every topic.
    pub async fn finish(mut self) -> anyhow::Result<()> {
        for topic in Topic::ALL {
            self.flush(topic).await?;
        }
        Ok(())
    }

    async fn flush(&mut self, topic: Topic) -> anyhow::Result<()> {
        let waiting = self.topics.get_mut(&topic).context("every topic is open")?;
        if waiting.messages.is_empty() {
            return Ok(());
        }
        for id in waiting.decoder.unknown_schemas(&waiting.messages) {
            waiting.decoder.teach(id, Registry::Contracts.schema(id).await?.as_deref());
        }
        let decoded = waiting.decoder.decode(&waiting.messages, SOURCE, self.now)?;
        waiting.messages.clear();
        append(&mut waiting.rows, &decoded.rows).await?;
        append(&mut self.rejects, &[decoded.rejects]).await
    }
}

async fn append(handle: &mut Handle, batches: &[RecordBatch]) -> anyhow::Result<()> {
    if batches.iter().any(|batch| batch.num_rows() > 0) {
        handle.append(batches, &[]).await?;
    }
    Ok(())
}
