//! Flags at a broker: whoever reads the topic from its beginning and keeps the newest of each key has the block list.
//!
//! In: decisions of a lake, and a broker. Out: failures. Never: reads a flag by the code that wrote it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use callsieve::clock::Clock;
use callsieve::domain::day::Day;
use callsieve::job::desk::handout::Trail;
use callsieve::job::{blocklist, flags, reference};
use callsieve::lake::Lake;
use callsieve::lake::append::Span;
use callsieve::pipeline::definition::Definitions;
use callsieve::pipeline::run::{Runner, folder};
use callsieve::schema::contract::Table;
use callsieve::schema::sheet::Sheet;
use callsieve::source::flag::{Flags, Options};
use callsieve::source::kafka;
use callsieve::source::registry::Registry;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::broker::Broker;
use crate::real::is_real;

const PARTITIONS: i32 = 3;

fn day(after: i32) -> Day {
    "2025-01-06".parse::<Day>().unwrap().plus(after)
}

/// Decides a day by verdicts of numbers, and publishes its list.
async fn list(lake: &Lake, out: &Path, on: Day, verdicts: &[(i64, &str)]) {
    let mut sheet = Sheet::new(Table::DECISION.contract());
    for (last, verdict) in verdicts {
        let row = sheet.row().day(on).text(&format!("C-{last}")).int64(84_962_000_000 + last).instant_or_null(None);
        let row = row.boolean(true).text("prepaid").text(verdict).text("clear").text("evidence").day(day(0));
        let row = row.day(day(30)).date_or_null(None).float64_or_null(None).int64(2).int64(2).int64(0).int64(0);
        row.text("").boolean_or_null(None).text_or_null(None).instant_or_null(None).text_or_null(None).end();
    }
    lake.open(Table::DECISION).await.unwrap().replace(on, &[sheet.finish()]).await.unwrap();
    let definitions = Definitions::read(&folder(None)).unwrap();
    let mut runner = Runner::new(lake.clone(), definitions.clone(), Clock::System);
    runner.run(&[Table::BLOCKLIST_DAY], on).await.unwrap();
    let order = blocklist::Order::new(on, out);
    blocklist::publish(lake, &definitions, &order, None, Clock::System).await.unwrap();
}

fn options(brokers: &str) -> kafka::Options {
    kafka::Options {
        brokers: brokers.to_owned(),
        group: "flags".to_owned(),
        epochs: BTreeMap::new(),
        topics: BTreeMap::new(),
        settings: BTreeMap::new(),
    }
}

/// The newest action of each key, from the topic's beginning; none where the newest has no body.
fn compacted(brokers: &str, topic: &str) -> BTreeMap<String, String> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("group.id", topic).set("enable.partition.eof", "true");
    let consumer: BaseConsumer = config.create().unwrap();
    let mut all = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        all.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&all).unwrap();
    let (mut kept, mut ended) = (BTreeMap::new(), 0);
    while ended < PARTITIONS {
        match consumer.poll(Duration::from_secs(20)).expect("a message or an end within 20 s") {
            Ok(message) => {
                let key = String::from_utf8(message.key().unwrap().to_vec()).unwrap();
                match message.payload() {
                    Some(value) => drop(kept.insert(key, action(value))),
                    None => drop(kept.remove(&key)),
                }
            }
            Err(KafkaError::PartitionEOF(_)) => ended += 1,
            Err(error) => panic!("{error}"),
        }
    }
    kept
}

/// The first field of a flag: behind the framing, a zig-zag length and the text.
fn action(value: &[u8]) -> String {
    assert_eq!(value[..5], [0, 0, 0, 0, 7]);
    let length = usize::from(value[5] >> 1);
    String::from_utf8(value[6..6 + length].to_vec()).unwrap()
}

fn listed(out: &Path, on: Day) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(out.join(format!("blocklist/{on}/blocklist.csv"))).unwrap();
    let cells = text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    let bars = cells.filter(|cells| cells[2] != "unblock");
    bars.map(|cells| (cells[1].to_owned(), cells[2].to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_the_topic_and_keeps_the_newest_of_each_key_has_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let lake = Lake::local(&folder.path().join("lake")).unwrap();
    let broker = Broker::with_topic("flags", PARTITIONS).await;
    let wanted = Options { topic: broker.topic.clone(), partitions: PARTITIONS };
    let topic = Flags::connect(&options(&broker.brokers), &wanted).unwrap();
    let tell = async |on: Day, is_full: bool, is_dry_run: bool| {
        let order = flags::Order { day: on, is_full, is_dry_run };
        flags::publish(&lake, &topic, (&Registry::Contracts, "sim_flag"), order, (Trail::default(), Clock::System))
            .await
    };
    list(&lake, &out, day(0), &[(1, "limited"), (2, "limited"), (3, "blocked")]).await;
    let dry = tell(day(0), false, true).await.unwrap();
    assert_eq!((dry.set, dry.cleared), (3, 0));
    let first = tell(day(0), false, false).await.unwrap();
    assert_eq!((first.since, first.sequence, first.set, first.cleared), (None, 1, 3, 0), "a dry run has told nothing");
    assert_eq!(compacted(&broker.brokers, &broker.topic), listed(&out, day(0)));

    list(&lake, &out, day(1), &[(1, "limited"), (2, "blocked"), (4, "limited")]).await;
    assert!(tell(day(0), false, false).await.is_err(), "that is no longer the last list");
    let second = tell(day(1), false, false).await.unwrap();
    assert_eq!(
        (second.since, second.sequence, second.set, second.cleared),
        (Some(1), 2, 2, 1),
        "the first is as it was"
    );
    assert_eq!(compacted(&broker.brokers, &broker.topic), listed(&out, day(1)));

    let again = tell(day(1), false, false).await.unwrap();
    assert_eq!((again.set, again.cleared), (0, 0));
    let full = tell(day(1), true, false).await.unwrap();
    assert_eq!((full.set, full.cleared), (3, 1));
    assert_eq!(compacted(&broker.brokers, &broker.topic), listed(&out, day(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standing_flag_goes_with_the_next_list_where_its_number_begins_to_be_protected() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let lake = Lake::local(&folder.path().join("lake")).unwrap();
    let broker = Broker::with_topic("flags-protected", PARTITIONS).await;
    let wanted = Options { topic: broker.topic.clone(), partitions: PARTITIONS };
    let topic = Flags::connect(&options(&broker.brokers), &wanted).unwrap();
    let tell = async |on: Day| {
        let order = flags::Order { day: on, is_full: false, is_dry_run: false };
        let registry = (&Registry::Contracts, "sim_flag");
        flags::publish(&lake, &topic, registry, order, (Trail::default(), Clock::System)).await.unwrap()
    };
    let decided = [(1, "limited"), (2, "blocked"), (3, "limited")];
    list(&lake, &out, day(0), &decided).await;
    assert_eq!(tell(day(0)).await.set, 3);
    for (table, text) in [
        (Table::BRANDNAME, "number,name,holder\n0962000001,BANK,a bank\n"),
        (Table::SPECIAL_NUMBER, "address,number,name\n18001,0962000002,a hotline\n"),
    ] {
        reference::load_text(&lake, table, text, day(1)).await.unwrap();
    }
    // The next day's decision has not heard of it.
    list(&lake, &out, day(1), &decided).await;
    let told = tell(day(1)).await;
    assert_eq!((told.set, told.cleared), (0, 2));
    let left: Vec<String> = compacted(&broker.brokers, &broker.topic).into_keys().collect();
    assert_eq!(left, ["84962000003"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_missing_is_made_compacted() {
    if !is_real() {
        return;
    }
    let brokers = std::env::var_os("KAFKA_BROKERS").unwrap().into_string().unwrap();
    let topic = format!("flags-made-{}", std::process::id());
    let flags = Flags::connect(&options(&brokers), &Options { topic: topic.clone(), partitions: PARTITIONS }).unwrap();
    assert!(flags.make().await.unwrap());
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &brokers).create().unwrap();
    let policy = async || {
        let of = ResourceSpecifier::Topic(&topic);
        let described = admin.describe_configs([&of], &AdminOptions::new()).await.unwrap().remove(0).unwrap();
        described.get("cleanup.policy").and_then(|entry| entry.value.clone())
    };
    for _ in 0..50 {
        if policy().await.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(policy().await.as_deref(), Some("compact"));
    assert!(!flags.make().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_made_anew_is_told_everything() {
    if !is_real() {
        return;
    }
    let brokers = std::env::var_os("KAFKA_BROKERS").unwrap().into_string().unwrap();
    for is_cut_off in [false, true] {
        let name = format!("flags-anew-{}-{is_cut_off}", std::process::id());
        let wanted = Options { topic: name, partitions: PARTITIONS };
        let topic = Flags::connect(&options(&brokers), &wanted).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(&folder.path().join("lake")).unwrap();
        list(&lake, &folder.path().join("out"), day(0), &[(1, "limited"), (2, "limited")]).await;
        // Another topic of its name was told of this list, and is gone.
        let told = Span { app_id: format!("flags/{}", topic.name().unwrap()), from: 0, until: 1 };
        lake.open(Table::BLOCKLIST_EXPORT).await.unwrap().append(&[], &[told]).await.unwrap();
        // Killed behind the making, and before anything was told.
        assert!(!is_cut_off || topic.make().await.unwrap());
        let order = flags::Order { day: day(0), is_full: false, is_dry_run: false };
        let registry = (&Registry::Contracts, "sim_flag");
        let told = flags::publish(&lake, &topic, registry, order, (Trail::default(), Clock::System)).await.unwrap();
        assert_eq!((told.is_made, told.since, told.set), (!is_cut_off, None, 2));
        let again = flags::publish(&lake, &topic, registry, order, (Trail::default(), Clock::System)).await.unwrap();
        assert_eq!((again.since, again.set), (Some(1), 0));
    }
}
