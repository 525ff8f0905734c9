//! Ingest beside its own parts: the same messages, one run, in rows a second.
//!
//! In: a real broker. Out: a table of medians, and each round's ratio of ingest to the slowest of what it does anyway:
//! consume, decode, write Parquet. Never: a part that does more than its name says, or ingest that does less.
//!
//! `KAFKA_BROKERS=$(tests/broker start DIR) cargo bench --bench ingest`

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow_avro::reader::ReaderBuilder;
use arrow_avro::schema::{AvroSchema, Fingerprint, FingerprintAlgorithm, SchemaStore};
use callsieve::clock::{Clock, Stopwatch};
use callsieve::decode::{self, Decoder};
use callsieve::domain::message::{Message, Messages};
use callsieve::domain::seal::Seal;
use callsieve::job::ingest::{self, Ingest, Site};
use callsieve::lake::Lake;
use callsieve::schema::column::call_record;
use callsieve::schema::contract::Table;
use callsieve::schema::topic::Topic;
use callsieve::source::kafka::{self, Purpose, Received};
use callsieve::source::producer::{Outgoing, Producer};
use callsieve::source::registry::Registry;
use callsieve::source::synthetic::{Operator, Options};
use callsieve::telemetry::metrics::Metrics;
use callsieve::text;
use clap::Parser;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const PARTITIONS: i32 = 4;
/// What arrow's own readers are given at once; both are fastest near it.
const BATCH_ROWS: usize = 8_192;
const POLL: Duration = Duration::from_millis(100);

#[derive(Parser)]
struct Arguments {
    /// The broker.
    #[arg(long, env = "KAFKA_BROKERS")]
    brokers: String,
    /// Call records, about.
    #[arg(long, default_value_t = 2_000_000)]
    rows: usize,
    /// What cargo says to every bench.
    #[arg(long, hide = true)]
    bench: bool,
    /// Times that everything is measured, in turn.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let avro = bodies(arguments.rows)?;
    let batches = avro_batches(&avro)?;
    let json = json_bodies(&batches)?;
    let rows = rows(&avro)?;
    println!("{} call records, {} bytes of Avro, {} of JSON", avro.len(), total(&avro), total(&json));

    let run = std::process::id();
    let topics = [("avro", &avro), ("json", &json)].map(|(name, bodies)| (format!("bench-{name}-{run}"), bodies));
    for (topic, bodies) in &topics {
        create(&arguments.brokers, topic).await?;
        send(&arguments.brokers, topic, bodies)?;
    }
    let [(avro_topic, _), (json_topic, _)] = &topics;
    let count = avro.len();
    let mut rates: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for round in 0..arguments.rounds {
        let lake = |name| folder.path().join(format!("{name}-{round}"));
        let mut note = |name, took: Duration| {
            rates.entry(name).or_default().push(to_f64(count) / took.as_secs_f64());
        };
        note("consume", timed(|| consume(&arguments.brokers, avro_topic, count))?);
        note("decode avro", timed(|| avro_batches(&avro).map(drop))?);
        note("decode json", timed(|| decode_json(&json, &batches[0].schema()))?);
        note("write parquet", timed(|| write(&rows, &folder.path().join("rows.parquet")))?);
        note("ingest avro", ingest(&arguments.brokers, avro_topic, count, &lake("avro")).await?);
        note("ingest json", ingest(&arguments.brokers, json_topic, count, &lake("json")).await?);
    }
    show(&rates);
    Ok(())
}

/// The median of each, and how far ingest reaches.
fn show(rates: &BTreeMap<&str, Vec<f64>>) {
    let median = |rates: &[f64]| {
        let mut sorted = rates.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    };
    for (name, rates) in rates {
        println!(
            "{name:<14} {:>12.0} rows/s   {:?}",
            median(rates),
            rates.iter().map(|rate| *rate as u64).collect::<Vec<_>>()
        );
    }
    let ratios = |of: &str, to: &[&str]| -> Vec<f64> {
        let slowest = |round: usize| to.iter().map(|name| rates[name][round]).fold(f64::INFINITY, f64::min);
        rates[of].iter().enumerate().map(|(round, rate)| rate / slowest(round)).collect()
    };
    let avro = ratios("ingest avro", &["consume", "decode avro", "write parquet"]);
    let json = ratios("ingest json", &["decode json"]);
    println!("ingest avro to the slowest of consume, decode avro, write parquet: {:.2} {avro:.2?}", median(&avro));
    println!("ingest json to decode json: {:.2} {json:.2?}", median(&json));
}

fn timed(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let began = Stopwatch::start();
    work()?;
    Ok(began.elapsed())
}

/// Sound call records of the synthetic operator, Avro in Confluent framing.
fn bodies(rows: usize) -> anyhow::Result<Vec<Vec<u8>>> {
    let options = Options { days: 365, history_days: 0, malformed_share: 0.0, ..Options::default() };
    let mut operator = Operator::new(options);
    let mut bodies = Vec::with_capacity(rows);
    while bodies.len() < rows {
        let traffic = operator.next_day().context("the operator has no more days")?;
        let records = traffic.messages.into_iter().filter(|message| message.topic == Topic::CallRecord);
        bodies.extend(records.map(|message| message.payload).take(rows - bodies.len()));
    }
    Ok(bodies)
}

fn total(bodies: &[Vec<u8>]) -> usize {
    bodies.iter().map(Vec::len).sum()
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench are small")]
fn to_f64(count: usize) -> f64 {
    count as f64
}

/// What arrow-avro alone makes of the bodies.
fn avro_batches(bodies: &[Vec<u8>]) -> anyhow::Result<Vec<RecordBatch>> {
    let schema = AvroSchema::new(Topic::CallRecord.avro().to_owned());
    let mut store = SchemaStore::new_with_type(FingerprintAlgorithm::Id);
    let fingerprint = store.set(Fingerprint::Id(schema_id(&bodies[0])?), schema)?;
    let mut decoder = ReaderBuilder::new()
        .with_batch_size(BATCH_ROWS)
        .with_writer_schema_store(store)
        .with_active_fingerprint(fingerprint)
        .build_decoder()?;
    let mut batches = Vec::new();
    for chunk in bodies.chunks(BATCH_ROWS) {
        for body in chunk {
            decoder.decode(body)?;
        }
        batches.extend(decoder.flush()?);
    }
    ensure!(batches.iter().map(RecordBatch::num_rows).sum::<usize>() == bodies.len(), "arrow-avro lost rows");
    Ok(batches)
}

fn schema_id(body: &[u8]) -> anyhow::Result<u32> {
    let id = body.get(1..5).context("a body has its framing")?;
    Ok(u32::from_be_bytes(id.try_into()?))
}

/// The same records as JSON objects.
fn json_bodies(batches: &[RecordBatch]) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut bodies = Vec::new();
    for batch in batches {
        let mut writer = arrow::json::LineDelimitedWriter::new(Vec::new());
        writer.write(batch)?;
        writer.finish()?;
        bodies.extend(writer.into_inner().split(|byte| *byte == b'\n').map(<[u8]>::to_vec));
        bodies.pop();
    }
    Ok(bodies)
}

/// What arrow-json alone makes of the bodies.
fn decode_json(bodies: &[Vec<u8>], schema: &SchemaRef) -> anyhow::Result<()> {
    let bare = Schema::new(schema.fields().clone());
    let mut decoder = arrow::json::ReaderBuilder::new(Arc::new(bare)).with_batch_size(BATCH_ROWS).build_decoder()?;
    let mut rows = 0;
    for chunk in bodies.chunks(BATCH_ROWS) {
        for body in chunk {
            ensure!(decoder.decode(body)? == body.len(), "arrow-json left bytes");
        }
        rows += decoder.flush()?.map_or(0, |batch| batch.num_rows());
    }
    ensure!(rows == bodies.len(), "arrow-json lost rows");
    Ok(())
}

/// The rows of `call_record` that ingest makes of the bodies.
fn rows(bodies: &[Vec<u8>]) -> anyhow::Result<Vec<RecordBatch>> {
    let mut decoder = Decoder::new(Topic::CallRecord, "bench", decode::Options::default(), text::report::read);
    decoder.teach(schema_id(&bodies[0])?, Some(Topic::CallRecord.avro()));
    let mut rows = Vec::new();
    for (chunk, bodies) in bodies.chunks(ingest::Options::default().flush_rows).enumerate() {
        let mut messages = Messages::default();
        for (index, body) in bodies.iter().enumerate() {
            let offset = i64::try_from(chunk * BATCH_ROWS + index)?;
            messages.push(Message {
                partition: 0,
                offset,
                kafka_at: None,
                key: None,
                payload: Some(body),
                headers: None,
            });
        }
        let decoded = decoder.decode(&messages, "bench", at(bodies)?)?;
        ensure!(decoded.rejects.num_rows() == 0, "a record is refused: {:?}", decoded.reasons);
        rows.extend(decoded.rows);
    }
    Ok(rows)
}

/// Any instant at which the bodies are believed: the operator's first days lie before it.
fn at(bodies: &[Vec<u8>]) -> anyhow::Result<i64> {
    let batches = avro_batches(&bodies[..1])?;
    let starts = call_record::START_AT.of(&batches[0])?;
    Ok(starts.value(0))
}

/// Writes rows as ingest's own files are written, and nothing else.
fn write(rows: &[RecordBatch], path: &Path) -> anyhow::Result<()> {
    for batch in rows {
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?)).build();
        let mut writer = ArrowWriter::try_new(File::create(path)?, batch.schema(), Some(properties))?;
        writer.write(batch)?;
        writer.close()?;
    }
    Ok(())
}

async fn create(brokers: &str, topic: &str) -> anyhow::Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new().set("bootstrap.servers", brokers).create()?;
    let topic = NewTopic::new(topic, PARTITIONS, TopicReplication::Fixed(1));
    for made in admin.create_topics([&topic], &AdminOptions::new()).await? {
        made.map_err(|(topic, code)| anyhow::anyhow!("creating {topic}: {code}"))?;
    }
    Ok(())
}

fn send(brokers: &str, topic: &str, bodies: &[Vec<u8>]) -> anyhow::Result<()> {
    let mut producer = Producer::connect(brokers, None)?;
    let at = Clock::System.now();
    for (index, body) in bodies.iter().enumerate() {
        let partition = i32::try_from(index)? % PARTITIONS;
        producer.send(Outgoing { topic, partition, key: b"", payload: Some(body), at })?;
    }
    producer.flush()
}

/// librdkafka alone: every message is seen and let go.
fn consume(brokers: &str, topic: &str, count: usize) -> anyhow::Result<()> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "bench")
        .set("fetch.queue.backoff.ms", "2")
        .create()?;
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&list)?;
    let mut seen = 0;
    while seen < count {
        if let Some(message) = consumer.poll(POLL) {
            message?;
            seen += 1;
        }
    }
    Ok(())
}

/// Ingest into a lake of its own: from the moment it has its partitions until the last commit stands.
async fn ingest(brokers: &str, topic: &str, count: usize, lake: &Path) -> anyhow::Result<Duration> {
    let metrics = Arc::new(Metrics::new());
    let job = Ingest {
        topic: Topic::CallRecord,
        kafka: kafka::Options {
            brokers: brokers.to_owned(),
            group: "bench".to_owned(),
            epochs: BTreeMap::new(),
            topics: BTreeMap::from([(Topic::CallRecord.name().to_owned(), topic.to_owned())]),
            settings: BTreeMap::new(),
        },
        options: ingest::Options::default().share(1),
        format: decode::Format::Shown,
        site: Site {
            // The synthetic days are long past.
            decode: decode::Options { max_age_days: i32::from(u16::MAX), ..decode::Options::default() },
            seal: Seal::default(),
            lake: Lake::local(lake)?,
            registry: Arc::new(Registry::Contracts),
            metrics: Arc::clone(&metrics),
            clock: Clock::System,
            purpose: Purpose { until_caught_up: true, newest_first: false },
        },
        received: Arc::new(Received::default()),
    };
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(ingest::ingest(job, stopped));
    let label = [Topic::CallRecord.name()];
    let wait = async |is_there: &dyn Fn() -> bool| {
        while !is_there() && !running.is_finished() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    wait(&|| metrics.ingest_partitions.with_label_values(&label).get() > 0).await;
    let began = Stopwatch::start();
    wait(&|| metrics.ingest_messages.with_label_values(&label).get() >= count as u64).await;
    let took = began.elapsed();
    running.await??;
    let rows = metrics.ingest_rows.with_label_values(&label).get();
    ensure!(rows == count as u64, "{rows} rows of {count} messages in {}", Table::CALL_RECORD);
    Ok(took)
}
