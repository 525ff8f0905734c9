//! Answers to citizens, over a broker: each goes out once, by its report's key.
//!
//! In: reports in a lake. Out: failures. Never: a message that another test has sent.

use std::collections::BTreeMap;
use std::time::Duration;

use callsieve::answer::Templates;
use callsieve::clock::Clock;
use callsieve::domain::day::Day;
use callsieve::domain::seal::Seal;
use callsieve::job::answer::{Answered, Desk, Options, answer};
use callsieve::lake::Lake;
use callsieve::lookup::{self, Lookup};
use callsieve::schema::contract::Table;
use callsieve::schema::sheet::Sheet;
use callsieve::source::kafka;
use rdkafka::Message;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use serde_json::Value;

use crate::broker::Broker;

/// 2025-01-06 10:00 in Vietnam.
const AT: i64 = 1_736_132_400_000_000;
const REPORTS: usize = 20;

async fn report(lake: &Lake, id: &str) {
    let mut sheet = Sheet::new(Table::CITIZEN_REPORT.contract());
    let row = sheet.row().day(Day::of(AT)).text(id).text("sms_156").int64(84_912_345_678).text("spam_call");
    let row = row.text("e164").int64(84_962_000_001).text_or_null(None).text("moi vay").boolean(false).instant(AT);
    let row = row.int32(0).int64(0).instant(AT).text("test/0");
    let row = row.text_or_null(None).int32(1).instant_or_null(None).text_or_null(None);
    row.text_or_null(None).text_or_null(None).text_or_null(None).text_or_null(None).end();
    lake.open(Table::CITIZEN_REPORT).await.unwrap().append(&[sheet.finish()], &[]).await.unwrap();
}

/// Every message of the topic, by key.
fn sent(broker: &Broker, topic: &str, at_least: usize) -> BTreeMap<String, Vec<Value>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &broker.brokers)
        .set("group.id", format!("{topic}-reader"))
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let (mut sent, mut silent) = (BTreeMap::<String, Vec<Value>>::new(), 0);
    while silent < 20 {
        match consumer.poll(Duration::from_millis(500)) {
            Some(message) => {
                let message = message.unwrap();
                let key = String::from_utf8(message.key().unwrap().to_vec()).unwrap();
                sent.entry(key).or_default().push(serde_json::from_slice(message.payload().unwrap()).unwrap());
            }
            None if sent.values().map(Vec::len).sum::<usize>() >= at_least => silent += 5,
            None => silent += 1,
        }
    }
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn every_report_gets_one_message_under_its_own_key() {
    let broker = Broker::with_topic("answer", 3).await;
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::local(folder.path()).unwrap();
    for number in 0..REPORTS {
        report(&lake, &format!("r{number}")).await;
    }
    let kafka = kafka::Options {
        brokers: broker.brokers.clone(),
        group: "answer".to_owned(),
        epochs: BTreeMap::new(),
        topics: BTreeMap::new(),
        settings: BTreeMap::new(),
    };
    let options = Options { topic: broker.topic.clone(), ..Options::default() };
    let (seal, templates) = (Seal::new(&["07".repeat(32)]).unwrap(), Templates::embedded().unwrap());
    let lookup = Lookup::open(&lookup::Options::default(), Clock::Fixed(AT)).unwrap();
    let desk = Desk {
        lake: &lake,
        seal: &seal,
        templates: &templates,
        lookup: &lookup,
        options: &options,
        clock: Clock::Fixed(AT),
    };
    let dry = answer(&desk, &kafka, true).await.unwrap();
    assert_eq!((dry.received, dry.is_dry_run), (REPORTS, true));
    assert!(lake.find(Table::REPORT_ANSWER).await.unwrap().is_none(), "a dry run writes nothing");

    let first = answer(&desk, &kafka, false).await.unwrap();
    assert_eq!(first, Answered { received: REPORTS, ..Answered::default() });
    let second = answer(&desk, &kafka, false).await.unwrap();
    assert_eq!(second, Answered::default());

    let sent = sent(&broker, &broker.topic, REPORTS);
    assert_eq!(sent.len(), REPORTS);
    for (key, messages) in sent {
        let [message] = messages.as_slice() else { panic!("{key} was answered {} times", messages.len()) };
        assert_eq!(message["answer_id"], format!("sms_156/{key}/received"));
        assert_eq!((&message["recipient"], &message["parts"]), (&"84912345678".into(), &1.into()));
    }
}
