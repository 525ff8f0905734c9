//! Bytes to rows and rejects.
//!
//! In: a batch of raw messages of one topic. Out: rows of its table and rejects with their reasons;
//! rows + rejects + tombstones = messages, always. Never: fails on bad input, drops a message, asks a clock,
//! or opens a connection: schemas are taught to it beforehand.

pub mod avro;
mod call_record;
mod citizen_report;
pub mod reject;
mod row;
mod sms_record;
mod subscriber;
mod survey_answer;

use anyhow::Context;
use arrow::array::RecordBatch;
use serde::Deserialize;

use self::avro::Schemas;
use self::reject::{Reason, Refusal, Rejects};
use self::row::{Place, Topical};
use crate::domain::message::{Message, Messages};
use crate::domain::report;
use crate::schema::topic::Topic;

/// Bounds outside which a record's time is not believed.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// A record may be this much older than its Kafka timestamp. Raise it to load an archive.
    pub max_age_days: i32,
    /// A record may be this much ahead of its Kafka timestamp. Raise it when a sender's clock is known to run fast.
    pub max_ahead_hours: i32,
}

impl Default for Options {
    /// Three years back (the law lets a request reach back two), two days ahead.
    fn default() -> Self {
        Self { max_age_days: 1_096, max_ahead_hours: 48 }
    }
}

/// What decode needs beside the messages.
#[derive(Debug)]
pub struct Decoder {
    topic: Topic,
    source_topic: String,
    options: Options,
    schemas: Schemas,
    read_report: report::Read,
}

/// What became of a batch.
#[derive(Debug)]
pub struct Decoded {
    /// Rows of the topic's table.
    pub rows: RecordBatch,
    /// Rows of the table `reject`.
    pub rejects: RecordBatch,
    /// How often each reason occurred.
    pub reasons: Vec<(Reason, u64)>,
    /// Messages without a body.
    pub tombstones: u64,
}

impl Decoder {
    /// A decoder for one topic, which the broker calls `source_topic`.
    pub fn new(topic: Topic, source_topic: &str, options: Options, read_report: report::Read) -> Self {
        Self { topic, source_topic: source_topic.to_owned(), options, schemas: Schemas::new(topic), read_report }
    }

    /// Schema ids in the batch that have not been taught yet.
    pub fn unknown_schemas(&self, messages: &Messages) -> Vec<u32> {
        self.schemas.unknown(messages)
    }

    /// Teaches the writer's schema of an id; `None` when the registry says that there is none.
    pub fn teach(&mut self, id: u32, schema: Option<&str>) {
        self.schemas.teach(id, schema);
    }

    /// Decodes a batch out of `source`; `now` stands in for a missing Kafka timestamp and is written as `loaded_at`.
    pub fn decode(&mut self, messages: &Messages, source: &str, now: i64) -> anyhow::Result<Decoded> {
        match self.topic {
            Topic::CallRecord => self.run(&mut call_record::Rows::new(), messages, source, now),
            Topic::SmsRecord => self.run(&mut sms_record::Rows::new(), messages, source, now),
            Topic::CitizenReport => self.run(&mut citizen_report::Rows::new(self.read_report), messages, source, now),
            Topic::Subscriber => self.run(&mut subscriber::Rows::new(), messages, source, now),
            Topic::SurveyAnswer => self.run(&mut survey_answer::Rows::new(), messages, source, now),
        }
    }

    fn run<T: Topical>(
        &mut self,
        rows: &mut T,
        messages: &Messages,
        source: &str,
        now: i64,
    ) -> anyhow::Result<Decoded> {
        let mut rejects = Rejects::new(self.topic, &self.source_topic, source, now);
        let mut tombstones = 0;
        let options = self.options;
        let place = |message: &Message<'_>| Place::new(message, source, options, now);
        let mut framed = Vec::new();
        for message in messages.iter() {
            match message.payload {
                None => tombstones += 1,
                Some([0, ..]) => framed.push(message),
                Some(body) => {
                    if let Err(refusal) = json(rows, body, &place(&message)) {
                        rejects.push(&message, &refusal);
                    }
                }
            }
        }
        for group in self.schemas.group(framed, &mut rejects) {
            group.decode(rows, &mut rejects, place)?;
        }
        let rows = rows.finish();
        let decoded = Decoded { rows, reasons: rejects.reasons(), rejects: rejects.finish(), tombstones };
        decoded.check(messages).context("decode has lost count")?;
        Ok(decoded)
    }
}

impl Decoded {
    fn check(&self, messages: &Messages) -> anyhow::Result<()> {
        let (rows, rejects, tombstones) =
            (self.rows.num_rows() as u64, self.rejects.num_rows() as u64, self.tombstones);
        anyhow::ensure!(
            rows + rejects + tombstones == messages.len() as u64,
            "{rows} rows, {rejects} rejects and {tombstones} tombstones of {} messages",
            messages.len()
        );
        Ok(())
    }
}

fn json<T: Topical>(rows: &mut T, body: &[u8], place: &Place<'_>) -> Result<(), Refusal> {
    let text = std::str::from_utf8(body)
        .map_err(|error| Refusal::new(Reason::InvalidUtf8, format!("after byte {}", error.valid_up_to())))?;
    let wire = serde_json::from_str(text).map_err(|error| Refusal::json(&error))?;
    rows.push(wire, place)
}
