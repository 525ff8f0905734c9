//! `simulate`: the synthetic operator alone, to a broker or to files, with its truth.
//!
//! In: a seed and sizes. Out: messages; the truth in files that nothing in the pipeline reads; reference tables as
//! CSV. Never: writes the truth where the pipeline looks.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Int64Array, ListBuilder, PrimitiveBuilder, RecordBatch, StringArray,
    StringBuilder, TimestampMicrosecondArray, UInt32Array,
};
use arrow::datatypes::Int32Type;
use parquet::arrow::ArrowWriter;
use serde::Serialize;

use crate::schema::topic::Topic;
use crate::source::producer::{Outgoing, Producer};
use crate::source::synthetic::{Accusation, Breach, Message, Operator, Options, Spoofed, Truth};

/// Partitions of the topics that the demo and `simulate` use.
pub fn partitions(topic: Topic) -> i32 {
    match topic {
        Topic::CallRecord => 4,
        Topic::SmsRecord => 2,
        Topic::CitizenReport | Topic::Subscriber | Topic::SurveyAnswer | Topic::BlockReceipt => 1,
    }
}

/// What was made.
#[derive(Debug, Default, Serialize)]
pub struct Simulated {
    /// Messages by topic.
    pub messages: BTreeMap<&'static str, u64>,
    /// Subscriptions in the truth.
    pub subscriptions: usize,
}

/// Writes `DIR/messages/TOPIC.jsonl`, or sends to a broker; the truth and `DIR/reference/*.csv` in any case.
pub fn simulate(options: Options, folder: &Path, brokers: Option<&str>) -> anyhow::Result<Simulated> {
    std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let mut operator = Operator::new(options);
    let mut out = match brokers {
        Some(brokers) => Out::Kafka(Producer::connect(brokers, None)?),
        None => Out::files(folder)?,
    };
    let mut simulated = Simulated::default();
    for message in operator.subscribers() {
        out.write(&message)?;
        *simulated.messages.entry(message.topic.name()).or_default() += 1;
    }
    while let Some(traffic) = operator.next_day() {
        for message in &traffic.messages {
            out.write(message)?;
            *simulated.messages.entry(message.topic.name()).or_default() += 1;
        }
    }
    out.finish()?;
    simulated.subscriptions = write_truth(folder, &operator)?;
    write_reference(folder, &operator)?;
    Ok(simulated)
}

enum Out {
    Kafka(Producer),
    Files(BTreeMap<Topic, BufWriter<std::fs::File>>),
}

#[derive(Serialize)]
struct Line {
    at: i64,
    key: i64,
    payload_hex: String,
}

impl Out {
    fn files(folder: &Path) -> anyhow::Result<Self> {
        let folder = folder.join("messages");
        std::fs::create_dir_all(&folder)?;
        let mut files = BTreeMap::new();
        for topic in Topic::ALL {
            let path = folder.join(format!("{topic}.jsonl"));
            let file = std::fs::File::create(&path).with_context(|| format!("creating {}", path.display()))?;
            files.insert(topic, BufWriter::new(file));
        }
        Ok(Self::Files(files))
    }

    fn write(&mut self, message: &Message) -> anyhow::Result<()> {
        match self {
            Self::Kafka(producer) => send(producer, message),
            Self::Files(files) => {
                let file = files.get_mut(&message.topic).context("every topic has its file")?;
                let line = Line { at: message.at, key: message.key, payload_hex: hex::encode(&message.payload) };
                serde_json::to_writer(&mut *file, &line)?;
                Ok(file.write_all(b"\n")?)
            }
        }
    }

    fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Kafka(producer) => producer.flush(),
            Self::Files(files) => {
                for mut file in files.into_values() {
                    file.flush()?;
                }
                Ok(())
            }
        }
    }
}

/// Sends a synthetic message to its partition: all of one caller in one.
pub fn send(producer: &mut Producer, message: &Message) -> anyhow::Result<()> {
    let partition = i32::try_from(message.key.rem_euclid(i64::from(partitions(message.topic))))?;
    producer.send(Outgoing {
        topic: message.topic.name(),
        partition,
        key: message.key.to_string().as_bytes(),
        payload: Some(&message.payload),
        at: message.at,
    })
}

/// Writes the reference tables as `FOLDER/reference/TABLE.csv`.
pub fn write_reference(folder: &Path, operator: &Operator) -> anyhow::Result<()> {
    let folder = folder.join("reference");
    std::fs::create_dir_all(&folder)?;
    for (table, csv) in operator.reference() {
        std::fs::write(folder.join(format!("{table}.csv")), csv)?;
    }
    Ok(())
}

/// Writes the truth: `FOLDER/truth.parquet` of subscriptions, `FOLDER/spoofed.parquet` of trunks,
/// `FOLDER/breaches.parquet` of advertising calls and `FOLDER/reports.parquet` of the numbers of citizens' reports;
/// returns how many subscriptions there are.
pub fn write_truth(folder: &Path, operator: &Operator) -> anyhow::Result<usize> {
    let truth = operator.truth();
    write_parquet(&folder.join("truth.parquet"), &truth_batch(&truth)?)?;
    write_parquet(&folder.join("spoofed.parquet"), &spoofed_batch(&operator.spoofed())?)?;
    write_parquet(&folder.join("breaches.parquet"), &breaches_batch(operator.breaches())?)?;
    write_parquet(&folder.join("reports.parquet"), &reports_batch(operator.accusations())?)?;
    Ok(truth.len())
}

pub(super) fn write_parquet(path: &Path, batch: &RecordBatch) -> anyhow::Result<()> {
    let file = std::fs::File::create(path).with_context(|| format!("creating {}", path.display()))?;
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None)?;
    writer.write(batch)?;
    writer.close()?;
    Ok(())
}

fn truth_batch(truth: &[Truth]) -> anyhow::Result<RecordBatch> {
    let mut calls = ListBuilder::new(PrimitiveBuilder::<Int32Type>::new());
    let mut types = ListBuilder::new(StringBuilder::new());
    for row in truth {
        for of in &row.types {
            types.values().append_value(of);
        }
        types.append(true);
        for day in &row.calls_by_day {
            calls.values().append_value(i32::try_from(*day)?);
        }
        calls.append(true);
    }
    let activated = truth.iter().map(|row| Some(row.activated_at));
    let ended = truth.iter().map(|row| row.deactivated_at);
    let columns: [(&str, ArrayRef); 12] = [
        ("number", Arc::new(Int64Array::from_iter_values(truth.iter().map(|row| row.number)))),
        ("activated_at", Arc::new(TimestampMicrosecondArray::from_iter(activated).with_timezone("UTC"))),
        ("deactivated_at", Arc::new(TimestampMicrosecondArray::from_iter(ended).with_timezone("UTC"))),
        ("class", Arc::new(StringArray::from_iter_values(truth.iter().map(|row| row.class)))),
        ("archetype", Arc::new(StringArray::from_iter(truth.iter().map(|row| row.archetype)))),
        ("campaign", Arc::new(UInt32Array::from_iter(truth.iter().map(|row| row.campaign)))),
        ("is_spam", Arc::new(BooleanArray::from_iter(truth.iter().map(|row| Some(row.is_spam))))),
        ("is_protected", Arc::new(BooleanArray::from_iter(truth.iter().map(|row| Some(row.is_protected))))),
        ("is_allow_listed", Arc::new(BooleanArray::from_iter(truth.iter().map(|row| Some(row.is_allow_listed))))),
        ("event", Arc::new(StringArray::from_iter(truth.iter().map(|row| row.event)))),
        ("types", Arc::new(types.finish())),
        ("calls_by_day", Arc::new(calls.finish())),
    ];
    Ok(RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)))?)
}

fn spoofed_batch(spoofed: &[Spoofed]) -> anyhow::Result<RecordBatch> {
    let columns: [(&str, ArrayRef); 3] = [
        ("day", Arc::new(Date32Array::from_iter_values(spoofed.iter().map(|row| row.day.epoch_days())))),
        ("trunk", Arc::new(StringArray::from_iter_values(spoofed.iter().map(|row| row.trunk)))),
        ("calls", Arc::new(UInt32Array::from_iter_values(spoofed.iter().map(|row| row.calls)))),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}

fn breaches_batch(breaches: &[Breach]) -> anyhow::Result<RecordBatch> {
    let at = breaches.iter().map(|row| Some(row.at));
    let columns: [(&str, ArrayRef); 4] = [
        ("at", Arc::new(TimestampMicrosecondArray::from_iter(at).with_timezone("UTC"))),
        ("caller", Arc::new(Int64Array::from_iter_values(breaches.iter().map(|row| row.caller)))),
        ("callee", Arc::new(Int64Array::from_iter_values(breaches.iter().map(|row| row.callee)))),
        ("kind", Arc::new(StringArray::from_iter_values(breaches.iter().map(|row| row.kind)))),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}

fn reports_batch(reports: &[Accusation]) -> anyhow::Result<RecordBatch> {
    let at = reports.iter().map(|row| Some(row.reported_at));
    let columns: [(&str, ArrayRef); 7] = [
        ("report_id", Arc::new(StringArray::from_iter_values(reports.iter().map(|row| row.report_id.as_str())))),
        ("reporter", Arc::new(Int64Array::from_iter_values(reports.iter().map(|row| row.reporter)))),
        ("source", Arc::new(Int64Array::from_iter_values(reports.iter().map(|row| row.source)))),
        ("reported_at", Arc::new(TimestampMicrosecondArray::from_iter(at).with_timezone("UTC"))),
        ("motive", Arc::new(StringArray::from_iter_values(reports.iter().map(|row| row.motive)))),
        ("is_sms", Arc::new(BooleanArray::from_iter(reports.iter().map(|row| Some(row.is_sms))))),
        ("is_due", Arc::new(BooleanArray::from_iter(reports.iter().map(|row| Some(row.is_due))))),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}

#[cfg(test)]
mod tests;
