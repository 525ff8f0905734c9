//! Bytes to rows and rejects.
//!
//! In: a batch of raw messages of one topic. Out: rows of its table and rejects with their reasons;
//! rows + rejects + tombstones = messages, always. Never: fails on bad input, drops a message, asks a clock,
//! or opens a connection: schemas are taught to it beforehand.

pub mod avro;
mod block_receipt;
mod call_record;
pub mod citizen_report;
mod csv;
pub mod reject;
mod row;
mod sms_record;
pub mod subscriber;
mod survey_answer;

use std::sync::Arc;

use anyhow::Context;
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use serde::Deserialize;

use self::avro::{Groups, Schemas};
use self::csv::Lines;
use self::reject::{Reason, Refusal, Rejects};
use self::row::{Place, Topical};
use crate::domain::message::{Message, Messages};
use crate::domain::report;
use crate::domain::seal::Seal;
use crate::schema::column::subscriber as column;
use crate::schema::csv::Layout;
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
    /// Two years back, as far as records are kept; two days ahead.
    fn default() -> Self {
        Self { max_age_days: 730, max_ahead_hours: 48 }
    }
}

/// How the messages of a source are written.
#[derive(Debug, Clone, Default)]
pub enum Format {
    /// JSON, or Avro in Confluent framing: each message shows which.
    #[default]
    Shown,
    /// Avro without any framing, by this schema.
    Avro(String),
    /// A line of cells.
    Csv(Arc<Layout>),
}

/// The header under which a reject of a CSV line keeps the names of its columns.
pub const CSV_HEADER: &str = "csv_header";

/// Fewer messages than this are not worth a thread, nor a file of their own.
const LANE_ROWS: usize = 32_768;

/// What decode needs beside the messages.
#[derive(Debug)]
pub struct Decoder {
    topic: Topic,
    source_topic: String,
    options: Options,
    schemas: Schemas,
    format: Format,
    read_report: report::Read,
    name: report::Name,
    seal: Seal,
}

/// What became of a batch.
#[derive(Debug)]
pub struct Decoded {
    /// Rows of the topic's table, in the batches in which they were decoded side by side.
    pub rows: Vec<RecordBatch>,
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
        let (schemas, format) = (Schemas::new(topic), Format::Shown);
        let (name, seal): (report::Name, _) = (|_| None, Seal::default());
        Self { topic, source_topic: source_topic.to_owned(), options, schemas, format, read_report, name, seal }
    }

    /// The same where what texts name is a cell of its own.
    #[must_use]
    pub fn with_names(self, name: report::Name) -> Self {
        Self { name, ..self }
    }

    /// The same where citizens' words lie sealed.
    #[must_use]
    pub fn with_seal(self, seal: Seal) -> Self {
        Self { seal, ..self }
    }

    /// The same for messages that are written otherwise; fails when they do not lead to the topic's contract.
    pub fn with_format(mut self, format: Format) -> anyhow::Result<Self> {
        if let Format::Avro(schema) = &format {
            self.schemas.teach_plain(schema)?;
        }
        self.format = format;
        Ok(self)
    }

    /// Schema ids in the batch that have not been taught yet.
    pub fn unknown_schemas(&self, messages: &Messages) -> Vec<u32> {
        match self.format {
            Format::Shown => self.schemas.unknown(messages),
            Format::Avro(_) | Format::Csv(_) => Vec::new(),
        }
    }

    /// Teaches the writer's schema of an id; `None` when the registry says that there is none.
    pub fn teach(&mut self, id: u32, schema: Option<&str>) {
        self.schemas.teach(id, schema);
    }

    /// Decodes a batch out of `source`; `now` stands in for a missing Kafka timestamp and is written as `loaded_at`.
    pub fn decode(&self, messages: &Messages, source: &str, now: i64) -> anyhow::Result<Decoded> {
        match self.topic {
            Topic::CallRecord => self.run(call_record::Rows::with_capacity, messages, source, now),
            Topic::SmsRecord => self.run(sms_record::Rows::with_capacity, messages, source, now),
            Topic::CitizenReport => {
                let rows =
                    |rows| citizen_report::Rows::with_capacity((self.read_report, self.name), self.seal.clone(), rows);
                self.run(rows, messages, source, now)
            }
            Topic::Subscriber => self.run(subscriber::Rows::with_capacity, messages, source, now),
            Topic::SurveyAnswer => self.run(survey_answer::Rows::with_capacity, messages, source, now),
            Topic::BlockReceipt => self.run(block_receipt::Rows::with_capacity, messages, source, now),
        }
    }

    /// Decodes a large batch in lanes, one for each core.
    fn run<T: Topical>(
        &self,
        rows: impl Fn(usize) -> T + Sync,
        messages: &Messages,
        source: &str,
        now: i64,
    ) -> anyhow::Result<Decoded> {
        let all: Vec<Message<'_>> = messages.iter().collect();
        let lanes = (all.len() / LANE_ROWS).clamp(1, std::thread::available_parallelism().map_or(1, usize::from));
        let (first, others) = all.split_at(all.len().div_ceil(lanes));
        let lane = |messages: &[Message<'_>]| self.lane(rows(messages.len()), messages, source, now);
        let mut decoded = std::thread::scope(|scope| -> anyhow::Result<Decoded> {
            let others = others.chunks(first.len().max(1));
            let others: Vec<_> = others.map(|part| scope.spawn(move || lane(part))).collect();
            let mut decoded = lane(first)?;
            for other in others {
                decoded.append(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?)?;
            }
            Ok(decoded)
        })?;
        decoded.rows.retain(|rows| rows.num_rows() > 0);
        decoded.check(messages).context("decode has lost count")?;
        Ok(decoded)
    }

    /// Decodes messages one after the other; one that is refused holds up none behind it.
    fn lane<T: Topical>(
        &self,
        mut rows: T,
        messages: &[Message<'_>],
        source: &str,
        now: i64,
    ) -> anyhow::Result<Decoded> {
        let rejects = Rejects::new(self.topic, &self.source_topic, source, now);
        let mut rejects = rejects.with_headers(self.format.headers());
        if self.topic == Topic::CitizenReport {
            rejects = rejects.with_seal(self.seal.clone());
        }
        let mut tombstones = 0;
        let options = self.options;
        let place = |message: &Message<'_>| Place::new(message, source, options, now);
        let mut groups = Groups::default();
        let mut lines = match &self.format {
            Format::Csv(layout) => Some(Lines::new(layout)),
            Format::Shown | Format::Avro(_) => None,
        };
        for message in messages {
            let place = place(message);
            let done = match (message.payload, &mut lines, &self.format) {
                (None, ..) => {
                    tombstones += 1;
                    Ok(())
                }
                (Some(line), Some(lines), _) => csv::check_whole(message.headers)
                    .and_then(|()| lines.object(line))
                    .and_then(|object| rows.push(csv::wire(&object)?, &place)),
                (Some(body), _, Format::Avro(_)) => {
                    self.schemas.plain().and_then(|writer| groups.read(writer, body, message, &mut rows, &place))
                }
                (Some(framed @ [0, ..]), ..) => self
                    .schemas
                    .writer(framed)
                    .and_then(|(writer, body)| groups.read(writer, body, message, &mut rows, &place)),
                (Some(body), ..) => json(&mut rows, body, &place),
            };
            if let Err(refusal) = done {
                rejects.push(message, &refusal);
            }
        }
        groups.decode(&mut rows, &mut rejects, place)?;
        let rows = vec![rows.finish()];
        Ok(Decoded { rows, reasons: rejects.reasons(), rejects: rejects.finish(), tombstones })
    }
}

impl Format {
    /// What a reject needs to be read again, where the message itself does not say it.
    fn headers(&self) -> Option<String> {
        serde_json::to_string(&[self.columns()?]).ok()
    }

    /// The same of a line that is torn out of a record, which stays refused.
    pub fn torn_headers(&self) -> Option<String> {
        serde_json::to_string(&[self.columns()?, (csv::TORN, String::new())]).ok()
    }

    /// The header that keeps the names of a CSV's columns.
    fn columns(&self) -> Option<(&'static str, String)> {
        let Self::Csv(layout) = self else { return None };
        let header = serde_json::to_string(&layout.header()).ok()?;
        Some((CSV_HEADER, hex::encode(header)))
    }
}

/// The names of the columns that a reject of a CSV line keeps, if they had any; nothing for a reject of another kind.
pub fn csv_header(headers: &str) -> Option<Option<Vec<String>>> {
    let pairs: Vec<(String, Option<String>)> = serde_json::from_str(headers).ok()?;
    let (_, header) = pairs.into_iter().find(|(name, _)| name == CSV_HEADER)?;
    serde_json::from_slice(&hex::decode(header?).ok()?).ok()
}

impl Decoded {
    /// How many rows there are.
    pub fn records(&self) -> u64 {
        self.rows.iter().map(|rows| rows.num_rows() as u64).sum()
    }

    /// How many of them tell of a locked line, and not why in any word that was agreed on with the sender.
    pub fn unknown_locks(&self) -> u64 {
        self.rows.iter().map(|rows| subscriber::unknown(column::LOCK_REASON, rows)).sum()
    }

    /// How many of them are of a segment that was not agreed on with the sender.
    pub fn unknown_segments(&self) -> u64 {
        self.rows.iter().map(|rows| subscriber::unknown(column::SEGMENT, rows)).sum()
    }

    fn append(&mut self, other: Self) -> anyhow::Result<()> {
        self.rows.extend(other.rows);
        self.rejects = concat_batches(&self.rejects.schema(), [&self.rejects, &other.rejects])?;
        self.tombstones += other.tombstones;
        for (reason, count) in other.reasons {
            match self.reasons.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, known)) => *known += count,
                None => self.reasons.push((reason, count)),
            }
        }
        Ok(())
    }

    fn check(&self, messages: &Messages) -> anyhow::Result<()> {
        let (rows, rejects, tombstones) = (self.records(), self.rejects.num_rows() as u64, self.tombstones);
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
