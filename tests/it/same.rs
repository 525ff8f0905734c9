//! The same messages by every way there is: the same rows come of them, however they were cut and whoever read them.
//!
//! In: call records, short messages and reports, some sent twice and some that are refused. Out: failures.
//! Never: compares what says where a message came from; that is what differs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use callsieve::lake::Lake;
use callsieve::schema::contract::Table;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::broker::Broker;
use crate::ingest::{SHORT_SESSION, arrived, ends_well, refused, start_with};
use crate::late::{callsieve, done, lines};

const TOPICS: [&str; 3] = ["call_record", "sms_record", "citizen_report"];
/// Beside call records, which `start_with` names.
const OTHERS: [&str; 4] = ["--topic", "sms_record", "--topic", "citizen_report"];
const PARTITIONS: i32 = 4;

const CALLS: usize = 1_000;
const MESSAGES: usize = 400;
const REPORTS: usize = 60;

/// What arrived, and what is worked out from it.
const TABLES: [Table; 8] = [
    Table::CALL_RECORD,
    Table::SMS_RECORD,
    Table::CITIZEN_REPORT,
    Table::CALL_EVENT,
    Table::SMS_EVENT,
    Table::CONTACT_DAY,
    Table::CALLER_DAY,
    Table::REPORT_DAY,
];
const SOURCE: [&str; 4] = ["source_partition", "source_offset", "loaded_at", "source_id"];

/// Times of many years are believed, so that a dropped file is as good as a message with a timestamp.
const BELIEVED: &str = "[decode]\nmax_age_days = 9000";

/// A second of 2025-01-06 in UTC. In Vietnam that is Monday from seven o'clock on, and Tuesday before seven.
fn instant(second: usize) -> String {
    format!("2025-01-06T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}

/// Who calls and who is called; some call back.
fn parties(id: usize) -> (String, String) {
    let (one, other) = (format!("0962{:06}", id / 2 % 40), format!("0912345{:03}", id * 7 % 130));
    if id.is_multiple_of(11) { (other, one) } else { (one, other) }
}

fn call(id: usize, kind: &str, second: usize) -> String {
    let (caller, callee) = parties(id);
    let record = json!({
        "record_id": format!("{kind}-{id}"), "record_type": kind, "call_ref": format!("c{id}"),
        "caller": caller, "caller_nature": "national", "callee": callee, "callee_nature": "national",
        "start_at": instant(second), "ring_s": 5, "duration_s": id % 120, "is_answered": !id.is_multiple_of(120),
        "cell": 400_000 + id % 7, "imei": 350_000_000_000_000_u64 + id as u64 % 50,
    });
    record.to_string()
}

fn message(id: usize, kind: &str, second: usize) -> String {
    let (sender, recipient) = parties(id);
    let (sender, nature) = if id % 10 == 4 { ("GHTK", "name") } else { (sender.as_str(), "national") };
    let record = json!({
        "record_id": format!("{kind}-{id}"), "record_type": kind, "message_ref": format!("m{id}"),
        "sender": sender, "sender_nature": nature, "recipient": recipient, "recipient_nature": "national",
        "sent_at": instant(second), "parts": 1 + id % 3,
    });
    record.to_string()
}

fn report(id: usize) -> String {
    let (source, reporter) = parties(id);
    let text = if id.is_multiple_of(6) { "xin chao".to_owned() } else { format!("V [{source}][moi vay]") };
    let report = json!({
        "report_id": format!("p{id}"), "channel": "sms_156", "reporter": reporter, "text": text,
        "reported_at": instant(id * 1_300 + 600),
    });
    report.to_string()
}

/// All messages of each topic: both ends of each call, two calls of a caller in each second that has any, one pair of
/// them on either side of midnight.
fn messages() -> [(&'static str, Vec<String>); 3] {
    let both_ends = |of: fn(usize, &str, usize) -> String, id: usize, second: usize| {
        [of(id, "originating", second), of(id, "terminating", second + 2)]
    };
    let calls = (0..CALLS).flat_map(|id| both_ends(call, id, id / 2 * 172 + 139)).collect();
    let texts = (0..MESSAGES).flat_map(|id| both_ends(message, id, id * 200 + 99)).collect();
    let reports = (0..REPORTS).map(report).collect();
    let [call_record, sms_record, citizen_report] = TOPICS;
    [(call_record, sent(calls)), (sms_record, sent(texts)), (citizen_report, sent(reports))]
}

/// The bodies with what is refused among them; every ninth comes again at the end.
fn sent(bodies: Vec<String>) -> Vec<String> {
    let mut sent = vec![];
    for (place, body) in bodies.iter().enumerate() {
        sent.push(body.clone());
        match place % 40 {
            5 => sent.push(format!("poison {place}")),
            25 => sent.push(body.replace("2025-", "1970-")),
            _ => {}
        }
    }
    sent.extend(bodies.into_iter().step_by(9));
    sent
}

/// How many of the messages are refused.
fn spoilt(messages: &[(&str, Vec<String>)]) -> usize {
    let is_spoilt = |body: &&String| body.starts_with("poison") || body.contains("1970-");
    messages.iter().map(|(_, bodies)| bodies.iter().filter(is_spoilt).count()).sum()
}

fn send(broker: &Broker, topic: &str, bodies: &[String]) {
    let partitions = (0..PARTITIONS).cycle();
    let bodies: Vec<_> = partitions.zip(bodies.iter().map(|body| body.clone().into_bytes())).collect();
    broker.send_to(&format!("{}-{topic}", broker.topic), &bodies);
}

fn site(folder: &Path, sections: &str) -> PathBuf {
    let config = folder.join("site.toml");
    std::fs::write(&config, format!("lake = \"{}\"\n{sections}\n", folder.join("lake").display())).unwrap();
    config
}

/// The sections of a lake that is filled from the broker, by a group of its own.
fn from_broker(broker: &Broker, group: &str, more: &str) -> String {
    let topic = &broker.topic;
    let names = TOPICS.map(|name| format!("{name} = \"{topic}-{name}\"")).join("\n");
    format!(
        "[kafka]\nbrokers = \"{}\"\ngroup = \"{topic}-{group}\"\n[kafka.topics]\n{names}\n{SHORT_SESSION}\n{more}\n",
        broker.brokers
    )
}

fn read_to_the_end(config: &Path) {
    ends_well(start_with(config, &[&OTHERS[..], &["--until-caught-up"]].concat()));
}

/// Two workers in tiny batches while messages come; one of them is killed, and another takes its place.
async fn stream(broker: &Broker, folder: &Path, messages: &[(&str, Vec<String>)]) {
    let tiny = format!("[ingest]\nflush_rows = 100\nflush_bytes = 20000\nflush_secs = 1\n{BELIEVED}");
    let config = site(folder, &from_broker(broker, "stream", &tiny));
    for (topic, bodies) in messages {
        send(broker, topic, &bodies[..bodies.len() / 2]);
    }
    let [mut dies, lives] = [(); 2].map(|()| start_with(&config, &OTHERS));
    let mut before = 0;
    for _ in 0..600 {
        before = arrived(folder).await.len();
        if before > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    dies.kill().unwrap();
    dies.wait().unwrap();
    assert!(before > 0, "nothing was committed within a minute");
    for (topic, bodies) in messages {
        send(broker, topic, &bodies[bodies.len() / 2..]);
    }
    read_to_the_end(&config);
    assert!(Command::new("kill").args(["-TERM", &lives.id().to_string()]).status().unwrap().success());
    ends_well(lives);
}

/// One worker in as large batches as it likes.
fn batch(broker: &Broker, folder: &Path) {
    read_to_the_end(&site(folder, &from_broker(broker, "batch", BELIEVED)));
}

/// No broker: files of seven hundred lines.
fn drop_files(folder: &Path, messages: &[(&str, Vec<String>)]) {
    let mut sections = String::new();
    for (topic, bodies) in messages {
        let dropped = folder.join(topic);
        std::fs::create_dir(&dropped).unwrap();
        for (place, lines) in bodies.chunks(700).enumerate() {
            std::fs::write(dropped.join(format!("{place}.jsonl")), lines.join("\n")).unwrap();
        }
        let dropped = dropped.display();
        sections += &format!("[[files]]\ntopic = \"{topic}\"\nfolder = \"{dropped}\"\nsettle_secs = 0\n");
    }
    read_to_the_end(&site(folder, &format!("{sections}{BELIEVED}")));
}

/// What is older than its message is refused at first; then that is mended, and the rejects are read again.
fn replay(broker: &Broker, folder: &Path) {
    read_to_the_end(&site(folder, &from_broker(broker, "replay", "[decode]\nmax_age_days = 0")));
    let config = site(folder, &from_broker(broker, "replay", BELIEVED));
    let (replayed, said) = done(&callsieve(&["--json", "replay", "--config", config.to_str().unwrap()]));
    for topic in TOPICS {
        let is_mended = replayed[topic]["records"].as_u64() > Some(0);
        assert!(is_mended && replayed[topic]["refused"].as_u64() > Some(0), "{replayed}: {said}");
    }
}

/// Rows of each table, and the hash of all of them sorted, when both days have been built.
async fn built(folder: &Path) -> BTreeMap<&'static str, (usize, String)> {
    let at = folder.join("lake");
    for day in ["2025-01-06", "2025-01-07"] {
        done(&callsieve(&["run", "--day", day, "--lake", at.to_str().unwrap()]));
    }
    let lake = Lake::local(&at).unwrap();
    let mut built = BTreeMap::new();
    for table in TABLES {
        let columns = table.contract().columns.iter().map(|column| column.name.as_str());
        let columns: Vec<&str> = columns.filter(|name| !SOURCE.contains(name)).collect();
        let rows = lake.find(table).await.unwrap().unwrap().rows(vec![], &columns).await.unwrap();
        let rows = lines(&rows, &columns);
        built.insert(table.name(), (rows.len(), hex::encode(Sha256::digest(rows.join("\n")))));
    }
    built
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_batch_and_replay_give_the_same_rows() {
    let messages = messages();
    let broker = Broker::with_topics("same", &TOPICS, PARTITIONS).await;
    let [streamed, batched, dropped, replayed] = [(); 4].map(|()| tempfile::tempdir().unwrap());
    stream(&broker, streamed.path(), &messages).await;
    batch(&broker, batched.path());
    drop_files(dropped.path(), &messages);
    replay(&broker, replayed.path());

    for folder in [&streamed, &batched, &dropped] {
        assert_eq!(refused(folder.path()).await.len(), spoilt(&messages));
    }
    let expected = built(batched.path()).await;
    assert_eq!((expected["call_event"].0, expected["sms_event"].0), (CALLS, MESSAGES), "each once");
    assert!(expected.values().all(|(rows, _)| *rows > 0), "{expected:?}");
    for (way, folder) in [("stream", &streamed), ("files", &dropped), ("replay", &replayed)] {
        assert_eq!(built(folder.path()).await, expected, "{way}");
    }
}
