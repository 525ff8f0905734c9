//! What only a real broker has: transactions, groups whose members the broker assigns, and topics that can be deleted.
//!
//! In: the broker of `KAFKA_BROKERS`. Out: failures. Never: passes for a reason that the mock cluster supplies.

use std::process::{Command, Stdio};
use std::time::Duration;

use callsieve::clock::Stopwatch;
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use crate::backfill::backfill;
use crate::broker::Broker;
use crate::ingest::{arrived, ends_well, record, site, start, start_with};
use crate::ledger::{ledger, sum};

const TIMEOUT: Duration = Duration::from_secs(20);

/// Whether there is a real broker; says so where there is none.
pub fn is_real() -> bool {
    let is_real = std::env::var_os("KAFKA_BROKERS").is_some();
    if !is_real {
        eprintln!("skipped: only a real broker can do this; KAFKA_BROKERS names none");
    }
    is_real
}

/// A producer in whose transactions records with these ids go to a partition.
struct Transactor<'a>(&'a Broker, BaseProducer);

impl<'a> Transactor<'a> {
    fn new(broker: &'a Broker) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &broker.brokers).set("transactional.id", &broker.topic);
        let producer: BaseProducer = config.create().unwrap();
        producer.init_transactions(TIMEOUT).unwrap();
        Self(broker, producer)
    }

    fn begin(&self, ids: std::ops::Range<usize>, partition: i32) {
        self.1.begin_transaction().unwrap();
        for id in ids {
            let body = record(id);
            let message =
                BaseRecord::to(&self.0.topic).partition(partition).key("k").payload(&body).timestamp(1_736_132_400_000);
            self.1.send(message).map_err(|(error, _)| error).unwrap();
        }
        self.1.flush(TIMEOUT).unwrap();
    }

    fn commit(&self) {
        self.1.commit_transaction(TIMEOUT).unwrap();
    }

    fn abort(&self) {
        self.1.abort_transaction(TIMEOUT).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_transactions_leave_behind_is_a_gap_and_an_open_one_is_waited_for() {
    if !is_real() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // The second partition never holds but what was aborted.
    let broker = Broker::with_topic("transactions", 2).await;
    let transactor = Transactor::new(&broker);
    transactor.begin(0..10, 0);
    transactor.commit();
    transactor.begin(10..15, 0);
    transactor.abort();
    transactor.begin(15..18, 1);
    transactor.abort();
    // Ten, a marker, five that were aborted and a marker; three that were aborted and a marker: all is read to its end.
    ends_well(start(&broker, folder.path(), 100, &["--until-caught-up"]));
    let (code, shown) = ledger(folder.path());
    assert_eq!((code, ["records", "gaps"].map(|key| sum(&shown, key))), (0, [10, 11]), "{shown}");

    transactor.begin(20..23, 0);
    let running = start(&broker, folder.path(), 100, &[]);
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(arrived(folder.path()).await.len(), 10, "what is not committed is not there yet");
    transactor.commit();
    for _ in 0..100 {
        if arrived(folder.path()).await.len() == 13 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(Command::new("kill").args(["-TERM", &running.id().to_string()]).status().unwrap().success());
    ends_well(running);
    ends_well(start(&broker, folder.path(), 100, &["--until-caught-up"]));
    assert!(arrived(folder.path()).await.values().all(|times| *times == 1));
    let (code, shown) = ledger(folder.path());
    assert_eq!((code, ["records", "gaps"].map(|key| sum(&shown, key))), (0, [13, 12]), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn markers_at_the_end_of_many_partitions_are_looked_at_together() {
    if !is_real() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::with_topic("markers", 40).await;
    let transactor = Transactor::new(&broker);
    for id in 0..40 {
        transactor.begin(id..id + 1, i32::try_from(id).unwrap());
        transactor.commit();
    }
    let watch = Stopwatch::start();
    ends_well(start(&broker, folder.path(), 100, &["--until-caught-up"]));
    // Each partition is looked at twice, and a look waits half a second for the broker to say that nothing comes.
    let took = watch.elapsed();
    assert!(took < Duration::from_secs(30), "one partition after the other? {took:?}");
    let (code, shown) = ledger(folder.path());
    assert_eq!((code, ["records", "gaps"].map(|key| sum(&shown, key))), (0, [40, 40]), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_is_given_nothing_ends_when_the_others_have_read_everything() {
    if !is_real() {
        return;
    }
    for protocol in ["classic", "consumer"] {
        let folder = tempfile::tempdir().unwrap();
        let broker = Broker::with_topic(&format!("nothing-{protocol}"), 1).await;
        broker.send(&(0..500).map(|id| (0, record(id).into_bytes())).collect::<Vec<_>>());
        let settings = format!("[kafka.settings]\n\"group.protocol\" = \"{protocol}\"");
        let config = site(&broker, folder.path(), 100, &settings);
        for member in [0; 3].map(|_| start_with(&config, &["--until-caught-up"])) {
            ends_well(member);
        }
        let arrived = arrived(folder.path()).await;
        assert!(arrived.len() == 500 && arrived.values().all(|times| *times == 1), "{protocol}");
        assert_eq!(ledger(folder.path()).0, 0, "{protocol}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_was_made_anew_is_not_taken_for_the_one_before() {
    if !is_real() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::with_topic("anew", 1).await;
    let send = |ids: std::ops::Range<usize>| {
        broker.send(&ids.map(|id| (0, record(id).into_bytes())).collect::<Vec<_>>());
    };
    send(0..3);
    for _ in 0..2 {
        ends_well(start(&broker, folder.path(), 100, &["--until-caught-up"]));
    }
    broker.make_anew(1).await;
    // The offset at which the table stands is there again, with three messages before it.
    send(10..15);
    let config = site(&broker, folder.path(), 100, "");
    let mut ingest = Command::new(env!("CARGO_BIN_EXE_callsieve"));
    ingest.args(["ingest", "--topic", "call_record", "--until-caught-up", "--config"]).arg(&config);
    let key = format!("kafka.epochs.\"{}\" = 1", broker.topic);
    for mut refused in [ingest, backfill(&config, &[])] {
        let ended = refused.output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains("was deleted and made anew") && said.contains(&key), "{said}");
    }
    assert_eq!(arrived(folder.path()).await.len(), 3, "nothing of the new one is read as if it were the old one");

    let config = site(&broker, folder.path(), 100, &format!("[kafka.epochs]\n\"{}\" = 1", broker.topic));
    ends_well(start_with(&config, &["--until-caught-up"]));
    let arrived = arrived(folder.path()).await;
    assert!(arrived.len() == 8 && arrived.values().all(|times| *times == 1), "{arrived:?}");
    let (code, shown) = ledger(folder.path());
    let partitions = shown["partitions"].as_array().unwrap().iter();
    let read: Vec<_> = partitions
        .map(|partition| (partition["source"].as_str().unwrap().rsplit('/').next(), partition["records"].as_u64()))
        .collect();
    assert_eq!((code, read), (0, vec![(Some("0"), Some(3)), (Some("1"), Some(5))]), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_made_anew_while_it_is_read_ends_ingest() {
    if !is_real() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::with_topic("anew-meanwhile", 1).await;
    broker.send(&[(0, record(0).into_bytes())]);
    ends_well(start(&broker, folder.path(), 100, &["--until-caught-up"]));
    let config = site(&broker, folder.path(), 100, "");
    let mut ingest = Command::new(env!("CARGO_BIN_EXE_callsieve"));
    ingest.args(["ingest", "--topic", "call_record", "--config"]).arg(&config);
    let reading = ingest.stderr(Stdio::piped()).spawn().unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    broker.make_anew(1).await;
    broker.send(&(10..15).map(|id| (0, record(id).into_bytes())).collect::<Vec<_>>());
    let ended = tokio::task::spawn_blocking(move || reading.wait_with_output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    // Which of the two it meets first is chance: the other id, or an offset that is not there yet.
    assert!(said.contains("made anew"), "{said}");
}

/// Anonymous memory of a process, the largest of all looks, until it ends.
fn peak_bytes(child: &mut std::process::Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kib: u64 = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default();
        peak = peak.max(kib << 10);
        std::thread::sleep(Duration::from_millis(10));
    }
    peak
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_times_its_memory_waiting_at_the_broker_does_not_break_the_budget() {
    if !is_real() {
        return;
    }
    let mib: Option<usize> = std::env::var_os("CALLSIEVE_MEMORY_MIB").map(|mib| mib.to_str().unwrap().parse().unwrap());
    let budget = mib.unwrap_or(256) << 20;
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::with_topic("backlog", 4).await;
    // Most of the bytes in few messages, and most of the messages small.
    let pad = |id: usize| record(id).replacen('{', &format!("{{\"note\":\"{}\",", "x".repeat(16_000)), 1);
    let mut sent = 0;
    let mut count = 0;
    while sent < 10 * budget {
        let bodies: Vec<(i32, Vec<u8>)> = (count..count + 20_000)
            .map(|id| (i32::try_from(id % 4).unwrap(), if id % 4 == id / 4 % 4 { pad(id) } else { record(id) }))
            .map(|(partition, body)| (partition, body.into_bytes()))
            .collect();
        sent += bodies.iter().map(|(_, body)| body.len()).sum::<usize>();
        count += bodies.len();
        broker.send(&bodies);
    }
    let config = site(&broker, folder.path(), 250_000, &format!("memory_bytes = {budget}"));
    let mut running = start_with(&config, &["--until-caught-up"]);
    let peak = peak_bytes(&mut running);
    ends_well(running);
    println!("{count} messages, {} MiB, in at most {} MiB of memory", sent >> 20, peak >> 20);
    assert!(peak < budget as u64, "{} MiB held, {} allowed", peak >> 20, budget >> 20);
    assert_eq!(arrived(folder.path()).await.len(), count);
}
