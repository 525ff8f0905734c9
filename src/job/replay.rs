//! `replay`: rejects decoded again, after a fix.
//!
//! In: rows of `reject` whose place no row of their topic's table has. Out: rows, under the places that the rejects
//! had. Never: removes a reject, or writes a row twice: the row at a reject's place supersedes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{Array, RecordBatch};
use serde::Serialize;

use crate::clock::Clock;
use crate::decode::reject::place;
use crate::decode::{self, Decoder, Format, csv_header};
use crate::domain::account::Account;
use crate::domain::day::Day;
use crate::domain::message::{Message, Messages};
use crate::domain::origin::Origin;
use crate::domain::seal::Seal;
use crate::lake::append::{AppendError, Span};
use crate::lake::ledger::{Books, Kind, Told};
use crate::lake::{Handle, Lake};
use crate::schema::column::{call_record, reject};
use crate::schema::contract::Table;
use crate::schema::csv::Csv;
use crate::schema::topic::Topic;
use crate::source::registry::Registry;
use crate::text;

/// What was replayed.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Replayed {
    /// Rejects that are rows now.
    pub records: u64,
    /// Rejects that are still refused.
    pub refused: u64,
}

/// How the messages of each topic are written that do not show it.
#[derive(Debug, Clone, Default)]
pub struct Formats {
    /// Those of a broker.
    pub topics: BTreeMap<Topic, Format>,
    /// Those of dropped CSV files.
    pub files: BTreeMap<Topic, Csv>,
}

impl Formats {
    /// How the messages of a topic at the broker are written.
    pub fn of_topic(&self, topic: Topic) -> Format {
        self.topics.get(&topic).cloned().unwrap_or_default()
    }

    /// How the messages were written that became rejects.
    fn of_rejects(&self, topic: Topic, source: &str, rejects: &Messages) -> anyhow::Result<Format> {
        let Ok(Origin::File { .. }) = source.parse() else { return Ok(self.of_topic(topic)) };
        let Some(header) = rejects.iter().next().and_then(|reject| csv_header(reject.headers?)) else {
            return Ok(Format::Shown);
        };
        let csv = self.files.get(&topic).with_context(|| format!("no [[files]] of {topic} has a [files.csv]"))?;
        csv.layout(header.as_deref()).map(|layout| Format::Csv(Arc::new(layout))).map_err(anyhow::Error::msg)
    }
}

/// Where rejects lie, and what is needed to read them.
#[derive(Debug)]
pub struct Reading<'a> {
    /// The tables.
    pub lake: &'a Lake,
    /// Where schemas are.
    pub registry: &'a Registry,
    /// Which times are believed.
    pub decode: decode::Options,
    /// How messages are written.
    pub formats: &'a Formats,
    /// What citizens' words are sealed with.
    pub seal: &'a Seal,
}

/// Another replay of the same topic at the same moment makes us look again this often.
const TRIES: usize = 5;

/// Replays the rejects of some topics, of one reason or all.
pub async fn replay(
    reading: &Reading<'_>,
    topics: &[Topic],
    reason: Option<&str>,
    clock: Clock,
) -> anyhow::Result<BTreeMap<Topic, Replayed>> {
    let mut replayed = BTreeMap::new();
    let topics = if topics.is_empty() { &Topic::ALL[..] } else { topics };
    for topic in topics {
        let mut tries = 0;
        let done = loop {
            tries += 1;
            match one(reading, *topic, reason, clock).await {
                Ok(done) => break done,
                Err(AppendError::Other(error)) => return Err(error),
                Err(fenced) if tries == TRIES => return Err(fenced.into()),
                Err(_) => tracing::info!(%topic, "another replay was first, looking again"),
            }
        };
        replayed.insert(*topic, done);
    }
    Ok(replayed)
}

/// Replays a topic once; fenced where another replay has committed since.
async fn one(reading: &Reading<'_>, topic: Topic, reason: Option<&str>, clock: Clock) -> Result<Replayed, AppendError> {
    let Reading { lake, registry, decode, formats, seal } = *reading;
    let table = topic.table();
    let Some(rejects) = lake.find(Table::REJECT).await? else { return Ok(Replayed::default()) };
    let mut rows = lake.open(table).await?;
    // Read before the rejects are: whoever replays beside us moves it, and our commit is turned away.
    let app_id = format!("replay/{topic}");
    let round = rows.offset(&app_id).await?.unwrap_or_default();
    let (waiting, closed) = waiting(&rejects, &rows, (topic, reason), seal).await?;
    let now = clock.now();
    let mut done = Replayed { refused: closed, ..Replayed::default() };
    let (mut batches, mut accounts) = (Vec::new(), Vec::new());
    for ((source, source_topic), messages) in waiting {
        let format = match formats.of_rejects(topic, &source, &messages) {
            Ok(format) => format,
            // Of a file whose mapping is gone or fits no more: the others are read all the same.
            Err(error) => {
                tracing::warn!(%topic, source, error = format!("{error:#}"), "rejects cannot be read again");
                done.refused += messages.len() as u64;
                continue;
            }
        };
        let decoder = Decoder::new(topic, &source_topic, decode, text::report::read).with_names(text::entity::line);
        let mut decoder = decoder.with_seal(seal.clone()).with_format(format)?;
        for id in decoder.unknown_schemas(&messages) {
            decoder.teach(id, registry.schema(id).await?.as_deref());
        }
        let decoded = decoder.decode(&messages, &source, now)?;
        done.records += decoded.records();
        done.refused += decoded.rejects.num_rows() as u64;
        for rows in decoded.rows {
            accounts.extend(told(&source, &rows)?);
            batches.push(rows);
        }
    }
    if done.records > 0 {
        let spans = [Span { app_id, from: round, until: round + 1 }];
        let told = Told { kind: Kind::Replayed, accounts: &accounts, at: now, note: reason };
        rows.append_told(&batches, &spans, told).await?;
        Books::open(lake).await?.settle(&rows).await?;
    }
    Ok(done)
}

/// The rejects of a topic whose place has no row, by source; and how many there are that do not open.
async fn waiting(
    rejects: &Handle,
    rows: &Handle,
    (topic, reason): (Topic, Option<&str>),
    seal: &Seal,
) -> anyhow::Result<(BTreeMap<(String, String), Messages>, u64)> {
    let batches = match reason {
        Some(reason) => rejects.rows_with(reject::REASON.name, reason, &[]).await?,
        None => rejects.rows(vec![], &[]).await?,
    };
    let mut waiting: BTreeMap<(String, String), Messages> = BTreeMap::new();
    let mut closed = 0;
    for ((source, partition, offset), (batch, row)) in without_row(&batches, rows, topic).await? {
        let (keys, payloads) = (reject::KEY.of(batch)?, reject::PAYLOAD.of(batch)?);
        let (headers, kafka_at) = (reject::HEADERS.of(batch)?, reject::KAFKA_AT.of(batch)?);
        let source_topic = reject::TOPIC.of(batch)?.value(row).to_owned();
        let place = place(&source, partition, offset);
        let opened = (
            seal.reveal(&place, keys.value(row)),
            seal.reveal(&place, payloads.value(row)),
            seal.reveal_text(&place, headers.value(row)),
        );
        let (Some(key), Some(payload), Some(header)) = opened else {
            closed += 1;
            continue;
        };
        waiting.entry((source, source_topic)).or_default().push(Message {
            partition,
            offset,
            kafka_at: kafka_at.is_valid(row).then(|| kafka_at.value(row)),
            key: keys.is_valid(row).then_some(key.as_ref()),
            payload: payloads.is_valid(row).then_some(payload.as_ref()),
            headers: headers.is_valid(row).then_some(header.as_ref()),
        });
    }
    if closed > 0 {
        tracing::warn!(%topic, rejects = closed, "rejects are sealed with a key that is not configured");
    }
    Ok((waiting, closed))
}

/// The rejects of a topic whose place has no row, by place, each by its batch and the row in it.
async fn without_row<'a>(
    rejects: &'a [RecordBatch],
    rows: &Handle,
    topic: Topic,
) -> anyhow::Result<BTreeMap<Place, (&'a RecordBatch, usize)>> {
    let mut sorted = BTreeMap::new();
    for batch in rejects {
        for (row, place) in places(batch)?.into_iter().enumerate() {
            if reject::TABLE_NAME.of(batch)?.value(row) == topic.name() {
                sorted.insert(place, (batch, row));
            }
        }
    }
    // Rejects are few and rows many, so only the rejects are held.
    let columns = [call_record::SOURCE_ID.name, call_record::SOURCE_PARTITION.name, call_record::SOURCE_OFFSET.name];
    for batch in rows.rows(vec![], &columns).await? {
        for place in places(&batch)? {
            sorted.remove(&place);
        }
    }
    Ok(sorted)
}

/// Where a message lay: source, partition and offset.
type Place = (String, i32, i64);

fn places(batch: &RecordBatch) -> anyhow::Result<Vec<Place>> {
    let sources = call_record::SOURCE_ID.of(batch)?;
    let partitions = call_record::SOURCE_PARTITION.of(batch)?.values();
    let offsets = call_record::SOURCE_OFFSET.of(batch)?.values();
    let source = |row: usize| if sources.is_valid(row) { sources.value(row).to_owned() } else { String::new() };
    Ok((0..batch.num_rows()).map(|row| (source(row), partitions[row], offsets[row])).collect())
}

/// What became rows, by partition: which days they reach.
fn told(source: &str, rows: &RecordBatch) -> anyhow::Result<Vec<Account>> {
    let mut accounts: BTreeMap<i32, Account> = BTreeMap::new();
    let partitions = call_record::SOURCE_PARTITION.of(rows)?.values();
    let offsets = call_record::SOURCE_OFFSET.of(rows)?.values();
    // The table of subscriptions alone has no day; a day of another type is an error.
    let days = rows.column_by_name(call_record::DAY.name).map(|_| call_record::DAY.of(rows)).transpose()?;
    for row in 0..rows.num_rows() {
        let account =
            accounts.entry(partitions[row]).or_insert_with(|| Account::empty(source, partitions[row], offsets[row]));
        account.until = account.until.max(offsets[row] + 1);
        account.records += 1;
        if let Some(days) = days {
            *account.days.entry(Day::from_epoch_days(days.value(row))).or_default() += 1;
        }
    }
    Ok(accounts.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::column::citizen_report;

    /// 2025-01-06 10:00 in Vietnam.
    const AT: i64 = 1_736_132_400_000_000;

    /// A lake with a report that was refused for its age, sealed.
    async fn lake(folder: &std::path::Path, seal: &Seal) -> Lake {
        let body =
            br#"{"report_id":"r1","channel":"sms_156","reporter":"0912345678","text":"xin chao","reported_at":0}"#;
        let mut messages = Messages::default();
        messages.push(Message {
            partition: 0,
            offset: 0,
            kafka_at: None,
            key: None,
            payload: Some(body),
            headers: None,
        });
        let decoder = Decoder::new(Topic::CitizenReport, "t", decode::Options::default(), text::report::read);
        let decoded = decoder.with_seal(seal.clone()).decode(&messages, "k/t/0", AT).unwrap();
        let lake = Lake::local(folder).unwrap();
        lake.open(Table::REJECT).await.unwrap().append(&[decoded.rejects], &[]).await.unwrap();
        lake
    }

    #[tokio::test]
    async fn a_sealed_reject_is_replayed_by_whoever_has_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let key = Seal::new(&["07".repeat(32)]).unwrap();
        let lake = lake(folder.path(), &key).await;
        let replayed = async |seal: &Seal| {
            let decode = decode::Options { max_age_days: i32::from(u16::MAX), ..decode::Options::default() };
            let (registry, formats) = (Registry::Contracts, Formats::default());
            let reading = Reading { lake: &lake, registry: &registry, decode, formats: &formats, seal };
            let done = replay(&reading, &[Topic::CitizenReport], None, Clock::Fixed(AT)).await.unwrap();
            let done = done[&Topic::CitizenReport];
            (done.records, done.refused)
        };
        assert_eq!(replayed(&Seal::default()).await, (0, 1), "it does not open");
        assert_eq!(replayed(&key).await, (1, 0));
        let batch = lake.find(Table::CITIZEN_REPORT).await.unwrap().unwrap().rows(vec![], &[]).await.unwrap().remove(0);
        let content = citizen_report::CONTENT.of(&batch).unwrap().value(0);
        let place = decode::citizen_report::place(citizen_report::CONTENT.name, "r1");
        assert_eq!(key.reveal_text(&place, content).as_deref(), Some("xin chao"));
        assert_eq!(replayed(&key).await, (0, 0), "a row is at its place");
    }
}
