//! An intake behind a consumer that has just begun.

use super::*;
use crate::clock::Clock;
use crate::decode::{self, Format};
use crate::domain::seal::Seal;
use crate::job::ingest::{Options, Site};
use crate::lake::Lake;
use crate::schema::topic::Topic;
use crate::source::embedded::Embedded;
use crate::source::kafka::{self, Purpose};
use crate::source::producer::{Outgoing, Producer};
use crate::source::registry::Registry;
use crate::telemetry::metrics::Metrics;

/// Ingest of call records from a broker's topic of another name.
fn ingest(broker: &Embedded, folder: &std::path::Path) -> Ingest {
    let kafka = kafka::Options {
        brokers: broker.brokers(),
        group: "intake".to_owned(),
        epochs: BTreeMap::new(),
        topics: BTreeMap::new(),
        settings: BTreeMap::new(),
    };
    let site = Site {
        decode: decode::Options::default(),
        seal: Seal::default(),
        lake: Lake::local(folder).unwrap(),
        registry: Arc::new(Registry::Contracts),
        metrics: Arc::new(Metrics::new()),
        clock: Clock::System,
        purpose: Purpose::default(),
    };
    let (options, format) = (Options::default(), Format::Shown);
    Ingest { topic: Topic::CallRecord, kafka, options, format, site, received: Arc::default() }
}

async fn consumer(ingest: &Ingest, topic: &'static str) -> Consumer {
    let ingest = ingest.clone();
    let consumer = tokio::task::spawn_blocking(move || {
        let (bounds, clock) = (ingest.options.source(), ingest.site.clock);
        Consumer::start(&ingest.kafka, topic, Purpose::default(), bounds, clock, ingest.received)
    });
    consumer.await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_partition_ends_is_told_before_its_first_message() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Embedded::start([("ends", 1)]).unwrap();
    let mut producer = Producer::connect(&broker.brokers(), None).unwrap();
    producer.send(Outgoing { topic: "ends", partition: 0, key: b"k", payload: Some(&b"v"[..]), at: 0 }).unwrap();
    producer.flush().unwrap();
    let mut consumer = consumer(&ingest(&broker, &folder.path().join("lake")), "ends").await;
    let Some(Event::Assigned { begin, .. }) = consumer.next().await else { panic!("nothing is assigned") };
    begin.send(vec![Begin { partition: 0, offset: None, known: None }]).unwrap();
    let Some(Event::Ends(ends)) = consumer.next().await else { panic!("no ends are told") };
    assert_eq!(ends.iter().map(|end| (end.partition, end.end)).collect::<Vec<_>>(), [(0, 1)]);
    consumer.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_consumer_before_us_held_is_not_shown_as_ours() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Embedded::start([("figures", 1)]).unwrap();
    let ingest = ingest(&broker, &folder.path().join("lake"));
    let metrics = &ingest.site.metrics;
    let gauges = [&metrics.ingest_partitions, &metrics.ingest_lag, &metrics.ingest_waiting_bytes]
        .map(|gauge| gauge.with_label_values(&["call_record"]));
    gauges.iter().for_each(|gauge| gauge.set(7));
    let consumer = consumer(&ingest, "figures").await;
    let (_stop, stopped) = watch::channel(false);
    let intake = Intake::open(&ingest, "figures", &consumer, stopped).await.unwrap();
    assert_eq!(gauges.map(|gauge| gauge.get()), [0; 3]);
    drop(intake);
    consumer.close().await;
}
