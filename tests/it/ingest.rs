//! Ingest by the real program: bad input costs itself alone, and a stop in the middle loses and doubles nothing.
//!
//! In: messages at a broker. Out: failures. Never: looks into the program; only at the tables it leaves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use arrow::array::Array;
use callsieve::lake::Lake;
use callsieve::schema::column::{call_record, reject};
use callsieve::schema::contract::Table;

use crate::broker::Broker;

/// 2025-01-06 10:00 in Vietnam.
pub const AT: &str = "2025-01-06T03:00:00Z";

pub fn record(id: usize) -> String {
    format!(
        r#"{{"record_id":"r{id}","record_type":"originating","call_ref":"c{id}","caller":"0962{id:06}",
        "caller_nature":"national","callee":"84912345678","callee_nature":"international","start_at":"{AT}",
        "ring_s":5,"duration_s":60,"is_answered":true}}"#
    )
}

/// The same record as Avro in Confluent framing, schema id 1.
pub fn avro(id: usize) -> Vec<u8> {
    let mut body = vec![0, 0, 0, 0, 1];
    text(&mut body, &format!("a{id}"));
    text(&mut body, "originating");
    body.extend_from_slice(&[0, 0]);
    long(&mut body, 1);
    text(&mut body, &format!("8496{id:07}"));
    text(&mut body, "international");
    long(&mut body, 1);
    text(&mut body, "84912345678");
    text(&mut body, "international");
    long(&mut body, 1_736_132_400_000_000);
    body.push(0);
    long(&mut body, 60);
    body.push(1);
    body.extend_from_slice(&[0; 5]);
    body
}

/// Appends text as Avro has it.
pub fn text(body: &mut Vec<u8>, text: &str) {
    long(body, i64::try_from(text.len()).unwrap());
    body.extend_from_slice(text.as_bytes());
}

fn long(body: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    loop {
        let byte = u8::try_from(rest & 0x7f).unwrap();
        rest >>= 7;
        if rest == 0 {
            body.push(byte);
            return;
        }
        body.push(byte | 0x80);
    }
}

/// Writes a site's configuration for the broker's topic, with more lines of any section.
pub fn site(broker: &Broker, folder: &Path, flush_rows: usize, more: &str) -> PathBuf {
    let config = folder.join("site.toml");
    let text = format!(
        "lake = \"{}\"\n[kafka]\nbrokers = \"{}\"\ngroup = \"{}\"\n[kafka.topics]\ncall_record = \"{}\"\n\
         [ingest]\nflush_rows = {flush_rows}\nflush_secs = 1\nsettle_secs = 1\n{more}\n",
        folder.join("lake").display(),
        broker.brokers,
        broker.topic,
        broker.topic,
    );
    std::fs::write(&config, text).unwrap();
    config
}

/// What lets a member of a group be missed soon.
pub const SHORT_SESSION: &str = "[kafka.settings]\n\"session.timeout.ms\" = \"6000\"";

/// Starts `callsieve ingest` of the broker's topic into a lake.
pub fn start(broker: &Broker, folder: &Path, flush_rows: usize, more: &[&str]) -> Child {
    start_with(&site(broker, folder, flush_rows, SHORT_SESSION), more)
}

/// Starts `callsieve ingest` of call records with a configuration.
pub fn start_with(config: &Path, more: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_callsieve"))
        .args(["ingest", "--topic", "call_record", "--config"])
        .arg(config)
        .args(more)
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

pub fn ends_well(mut child: Child) {
    let ended = child.wait().unwrap();
    assert!(ended.success(), "ingest ended with {ended}");
}

/// How often each record id arrived.
pub async fn arrived(folder: &Path) -> BTreeMap<String, usize> {
    let lake = Lake::local(&folder.join("lake")).unwrap();
    let mut arrived = BTreeMap::new();
    if let Some(table) = lake.find(Table::CALL_RECORD).await.unwrap() {
        for batch in table.rows(vec![], &[call_record::RECORD_ID.name]).await.unwrap() {
            for id in call_record::RECORD_ID.of(&batch).unwrap().iter().flatten() {
                *arrived.entry(id.to_owned()).or_default() += 1;
            }
        }
    }
    arrived
}

/// Offset and reason of every reject.
pub async fn refused(folder: &Path) -> Vec<(i64, String)> {
    let lake = Lake::local(&folder.join("lake")).unwrap();
    let table = lake.open(Table::REJECT).await.unwrap();
    let mut refused = vec![];
    for batch in table.rows(vec![], &[]).await.unwrap() {
        let reasons = reject::REASON.of(&batch).unwrap();
        let payloads = reject::PAYLOAD.of(&batch).unwrap();
        for row in 0..batch.num_rows() {
            assert!(payloads.is_valid(row), "a reject keeps its bytes");
            refused.push((reject::SOURCE_OFFSET.of(&batch).unwrap().value(row), reasons.value(row).to_owned()));
        }
    }
    refused.sort();
    refused
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_message_costs_itself_and_has_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::with_topic("bad-input", 1).await;
    let mut invalid_utf8 = avro(1);
    invalid_utf8[6] = 0xff;
    let mut unknown_schema = avro(2);
    unknown_schema[4] = 99;
    let truncated = avro(3)[..40].to_vec();
    let trailing = [avro(4), vec![0]].concat();
    let bad: Vec<(&str, Vec<u8>)> = vec![
        ("invalid_utf8", invalid_utf8),
        ("unknown_schema", unknown_schema),
        ("truncated", truncated),
        ("trailing_bytes", trailing),
        ("wrong_type", record(5).replace(":60", ":\"sixty\"").into()),
        ("malformed_json", b"{\"record_id\":".to_vec()),
        ("not_a_number", record(6).replace("0962000006", "KHACH HANG").into()),
        ("too_old", record(7).replace(AT, "1970-01-01T00:00:00Z").into()),
        ("too_far_ahead", record(8).replace(AT, "2099-01-01T00:00:00Z").into()),
        ("negative", record(9).replace(":60", ":-60").into()),
        ("wrong_type", record(10).replace(AT, "2025-01-06T03:00:00").into()),
        ("unknown_word", record(11).replace("originating", "sideways").into()),
        ("unknown_nature", record(12).replace("\"national\"", "\"martian\"").into()),
    ];
    let mut bodies = vec![];
    for (index, (_, body)) in bad.iter().enumerate() {
        bodies.push((0, body.clone()));
        bodies.push((0, if index % 2 == 0 { avro(1_000 + index) } else { record(1_000 + index).into_bytes() }));
    }
    broker.send(&bodies);
    ends_well(start(&broker, folder.path(), 1_000, &["--until-caught-up"]));

    let arrived = arrived(folder.path()).await;
    assert_eq!(arrived.len(), bad.len(), "the rows around the bad ones arrive");
    assert!(arrived.values().all(|times| *times == 1));
    let expected: Vec<(i64, String)> = bad
        .iter()
        .enumerate()
        .map(|(index, (reason, _))| (i64::try_from(2 * index).unwrap(), (*reason).to_owned()))
        .collect();
    assert_eq!(refused(folder.path()).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::with_topic("stop", 3).await;
    let count = 30_000;
    let body = |id: usize| if id.is_multiple_of(500) { b"poison".to_vec() } else { record(id).into_bytes() };
    let bodies: Vec<(i32, Vec<u8>)> = (0..count).map(|id| (i32::try_from(id % 3).unwrap(), body(id))).collect();
    // The first half is there, the second comes while ingest runs.
    let (first, second) = bodies.split_at(count / 2);
    broker.send(first);
    let first_run = start(&broker, folder.path(), 1_000, &[]);
    broker.send(second);
    let mut before = 0;
    for _ in 0..600 {
        before = arrived(folder.path()).await.len();
        if before > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let killed = Command::new("kill").args(["-TERM", &first_run.id().to_string()]).status().unwrap();
    assert!(killed.success());
    ends_well(first_run);
    assert!(before > 0, "nothing was committed within a minute");

    ends_well(start(&broker, folder.path(), 1_000, &["--until-caught-up"]));
    let arrived = arrived(folder.path()).await;
    let doubled = arrived.values().filter(|times| **times != 1).count();
    assert_eq!((arrived.len(), doubled), (count - count / 500, 0));
    assert_eq!(refused(folder.path()).await.len(), count / 500, "every poison is a reject, once");
    // A third run finds nothing new and changes nothing.
    ends_well(start(&broker, folder.path(), 1_000, &["--until-caught-up"]));
    assert_eq!(self::arrived(folder.path()).await.len(), arrived.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::with_topic("kill", 2).await;
    let count = 20_000;
    let bodies: Vec<(i32, Vec<u8>)> = (0..count)
        .map(|id| (i32::try_from(id % 2).unwrap(), if id % 100 == 7 { b"poison".to_vec() } else { avro(id) }))
        .collect();
    broker.send(&bodies);
    for _ in 0..3 {
        let mut run = start(&broker, folder.path(), 500, &[]);
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        run.kill().unwrap();
        run.wait().unwrap();
    }
    ends_well(start(&broker, folder.path(), 500, &["--until-caught-up"]));
    let arrived = arrived(folder.path()).await;
    let doubled = arrived.values().filter(|times| **times != 1).count();
    let (code, shown) = crate::ledger::ledger(folder.path());
    assert_eq!((arrived.len(), doubled, code), (count - count / 100, 0, 0), "{shown}");
    assert_eq!(refused(folder.path()).await.len(), count / 100);
}
