//! A lake in a bucket, by the real program: the same promises as on a disk.
//!
//! In: the store of `S3_ENDPOINT`, which `tests/s3` started in `S3_FOLDER`. Out: failures. Never: a store inside the test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use callsieve::lake::Lake;
use callsieve::schema::column::call_record;
use callsieve::schema::contract::Table;
use serde_json::Value;

use crate::broker::Broker;
use crate::ingest::{avro, ends_well, start_with};
use crate::ledger::sum;

/// A lake of its own in the bucket of `tests/s3`.
struct Bucket {
    lake: String,
    settings: BTreeMap<String, String>,
}

impl Bucket {
    fn of(name: &str) -> Option<Self> {
        let Some(endpoint) = std::env::var_os("S3_ENDPOINT") else {
            eprintln!("skipped: S3_ENDPOINT names no store");
            return None;
        };
        let endpoint = endpoint.into_string().unwrap();
        let settings = [
            ("aws_endpoint_url", endpoint.as_str()),
            ("aws_region", "us-east-1"),
            ("aws_access_key_id", "callsieve"),
            ("aws_secret_access_key", "sim-rac-1"),
            ("aws_allow_http", "true"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Some(Self { lake: format!("s3://lake/{name}-{}", std::process::id()), settings })
    }

    fn site(&self, broker: &Broker, folder: &Path, flush_rows: usize) -> PathBuf {
        let config = folder.join("site.toml");
        let store: Vec<String> = self.settings.iter().map(|(name, value)| format!("{name} = \"{value}\"")).collect();
        let text = format!(
            "lake = \"{}\"\n[store]\n{}\n[kafka]\nbrokers = \"{}\"\ngroup = \"{}\"\n[kafka.topics]\ncall_record = \"{}\"\n\
             [kafka.settings]\n\"session.timeout.ms\" = \"6000\"\n\
             [ingest]\nflush_rows = {flush_rows}\nflush_secs = 1\nsettle_secs = 1\n",
            self.lake,
            store.join("\n"),
            broker.brokers,
            broker.topic,
            broker.topic,
        );
        std::fs::write(&config, text).unwrap();
        config
    }

    fn callsieve(&self, arguments: &[&str]) -> Output {
        let variables = self.settings.iter().map(|(name, value)| (name.to_ascii_uppercase(), value));
        let mut command = Command::new(env!("CARGO_BIN_EXE_callsieve"));
        command.args(arguments).args(["--lake", &self.lake]).envs(variables).output().unwrap()
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> Output {
        let done = self.callsieve(arguments);
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        done
    }

    fn open(&self) -> Lake {
        Lake::at(&self.lake, &self.settings).unwrap()
    }

    async fn arrived(&self) -> BTreeMap<String, usize> {
        let mut arrived = BTreeMap::new();
        let Some(table) = self.open().find(Table::CALL_RECORD).await.unwrap() else { return arrived };
        for batch in table.rows(vec![], &[call_record::RECORD_ID.name]).await.unwrap() {
            for id in call_record::RECORD_ID.of(&batch).unwrap().iter().flatten() {
                *arrived.entry(id.to_owned()).or_default() += 1;
            }
        }
        arrived
    }
}

/// Ends the store as a power cut would, or brings it back.
fn store(act: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/s3");
    let folder = std::env::var_os("S3_FOLDER").expect("S3_FOLDER is where the store was started");
    assert!(Command::new(script).arg(act).arg(folder).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_keeps_the_same_promises_as_a_disk() {
    let Some(bucket) = Bucket::of("promises") else { return };
    two_runs_over_a_bucket_do_not_meet(&bucket).await;
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::with_topic("s3", 4).await;
    let count = 20_000;
    let body = |id: usize| if id % 100 == 7 { b"poison".to_vec() } else { avro(id) };
    let bodies: Vec<_> = (0..count).map(|id| (i32::try_from(id % 4).unwrap(), body(id))).collect();
    let (first, second) = bodies.split_at(count / 2);
    broker.send(first);
    let config = bucket.site(&broker, folder.path(), 500);
    // Two write one log; one of them dies, and the store with it for a moment.
    let mut dies = start_with(&config, &[]);
    let mut lives = start_with(&config, &[]);
    tokio::time::sleep(Duration::from_secs(4)).await;
    dies.kill().unwrap();
    dies.wait().unwrap();
    broker.send(second);
    store("kill");
    tokio::time::sleep(Duration::from_secs(2)).await;
    store("restart");
    tokio::time::sleep(Duration::from_secs(3)).await;
    // A stop that meets an outage is a crash as well.
    lives.kill().unwrap();
    lives.wait().unwrap();
    ends_well(start_with(&config, &["--until-caught-up"]));

    let rows = bucket.arrived().await;
    assert!(rows.len() == count - count / 100 && rows.values().all(|times| *times == 1), "{} ids", rows.len());
    let shown: Value = serde_json::from_slice(&bucket.ok(&["--json", "ledger"]).stdout).unwrap();
    assert_eq!(["records", "rejects"].map(|key| sum(&shown, key)), [19_800, 200], "{shown}");
    bucket.ok(&["maintain"]);
    let shown: Value = serde_json::from_slice(&bucket.ok(&["--json", "ledger"]).stdout).unwrap();
    assert_eq!(sum(&shown, "records"), 19_800, "joining files changes no row: {shown}");
    assert_eq!(bucket.arrived().await.len(), rows.len());

    // The rest of the way reads and writes there too.
    bucket.ok(&["run", "--day", "2025-01-06"]);
    bucket.ok(&["decide", "--day", "2025-01-06"]);
    let out = folder.path().join("out");
    bucket.ok(&["export", "blocklist", "--day", "2025-01-06", "--out", out.to_str().unwrap()]);
    assert!(out.join("blocklist/2025-01-06/blocklist.csv").exists());
}

/// Not a test of its own: the store goes away under the other one.
async fn two_runs_over_a_bucket_do_not_meet(bucket: &Bucket) {
    let lake = bucket.open();
    let run = || bucket.callsieve(&["run", "call_event", "--day", "2025-01-06"]);
    assert_eq!(run().status.code(), Some(3), "there is no lake yet");
    lake.open(Table::REJECT).await.unwrap();
    let held = lake.alone(async { Ok(run().status.code()) }).await.unwrap();
    assert_eq!(held, Some(7), "another run holds the lock");
    assert_eq!(run().status.code(), Some(0), "it was given back");
    let failed = lake.alone(async { Err::<(), _>(anyhow::anyhow!("work that fails")) }).await;
    assert!(failed.is_err());
    assert_eq!(run().status.code(), Some(0), "and so it is after a failure");
}

#[test]
fn a_misspelt_setting_of_the_store_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("site.toml");
    let files = "[[files]]\ntopic = \"call_record\"\nfolder = \".\"\n";
    std::fs::write(&config, format!("lake = \"s3://lake/x\"\n[store]\nacces_key = \"a\"\n{files}")).unwrap();
    let done =
        Command::new(env!("CARGO_BIN_EXE_callsieve")).args(["ingest", "--config"]).arg(&config).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.code() == Some(3) && said.contains("store.acces_key is no setting of S3"), "{said}");
}
