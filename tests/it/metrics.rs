//! What operators see: readiness and series of a running program, the files that verbs leave, and alarms that name
//! what exists.
//!
//! In: dropped files, a broker, the source itself. Out: failures. Never: a metric that the test has set.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use arrow::array::RecordBatch;
use callsieve::decode::reject::Reason;
use callsieve::domain::day::Day;
use callsieve::lake::Lake;
use callsieve::schema::contract::Table;

use crate::broker::Broker;
use crate::ingest::{ends_well, record, site, start_with};

const DAY: &str = "2025-01-06";

/// A program that ends with its test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn callsieve() -> Command {
    Command::new(env!("CARGO_BIN_EXE_callsieve"))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Status and body; nothing while nobody answers.
fn get(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split_whitespace().nth(1)?.parse().ok()?, body.to_owned()))
}

/// The value of a series.
fn value(text: &str, series: &str) -> Option<i64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

/// The value of a series at a running program.
fn served(port: u16, series: &str) -> Option<i64> {
    value(&get(port, "/metrics")?.1, series)
}

fn is_ready(port: u16) -> Option<bool> {
    get(port, "/readyz").map(|(status, _)| status == 200)
}

#[track_caller]
fn wait_until(what: &str, within_secs: u32, is_so: impl Fn() -> bool) {
    let is_late = (0..within_secs * 5).all(|_| {
        std::thread::sleep(Duration::from_millis(200));
        !is_so()
    });
    assert!(!is_late, "{what}: not within {within_secs} s");
}

/// A site of dropped call records alone.
fn site_of_files(folder: &Path, port: u16) -> PathBuf {
    std::fs::create_dir(folder.join("drop")).unwrap();
    let config = folder.join("site.toml");
    let text = format!(
        "lake = \"{0}/lake\"\n[[files]]\ntopic = \"call_record\"\nfolder = \"{0}/drop\"\nsettle_secs = 0\n\
         [serve]\nmetrics = \"127.0.0.1:{port}\"\nready_secs = 10\n",
        folder.display()
    );
    std::fs::write(&config, text).unwrap();
    config
}

#[test]
fn a_site_of_files_is_ready_while_it_looks_at_an_empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let config = site_of_files(folder.path(), port);
    let _running = Running(start_with(&config, &[]));
    let progress =
        || served(port, "callsieve_ingest_progress_timestamp_seconds{source=\"files\",topic=\"call_record\"}");
    wait_until("progress", 30, || progress() > Some(0));
    let began = progress().unwrap();
    // Longer than /readyz waits.
    wait_until("progress goes on", 60, || progress() > Some(began + 12));
    assert_eq!(get(port, "/readyz"), Some((200, "ready\n".to_owned())));
    assert_eq!(served(port, "callsieve_memory_budget_bytes"), Some(512 << 20));
    for reason in Reason::ALL.map(Reason::as_str) {
        let series = format!("callsieve_ingest_rejects_total{{reason=\"{reason}\",topic=\"call_record\"}}");
        assert_eq!(served(port, &series), Some(0), "{series}");
    }
}

#[test]
fn a_member_without_partitions_is_ready_while_the_group_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::mock_with_topic("standby", 1);
    let members = ["first", "second"].map(|name| {
        let port = free_port();
        let more = format!(
            "[serve]\nmetrics = \"127.0.0.1:{port}\"\nready_secs = 10\n\
             [kafka.settings]\n\"session.timeout.ms\" = \"6000\""
        );
        let config = folder.path().join(format!("{name}.toml"));
        std::fs::rename(site(&broker, folder.path(), 100, &more), &config).unwrap();
        (port, Running(start_with(&config, &[])))
    });
    let ports = members.each_ref().map(|(port, _)| *port);
    wait_until("one of two holds the only partition", 60, || {
        let mut held = ports.map(|port| served(port, "callsieve_ingest_partitions{topic=\"call_record\"}"));
        held.sort_unstable();
        held == [Some(0), Some(1)]
    });
    // Long enough for the second to join, and then for /readyz to miss whoever does not move.
    std::thread::sleep(Duration::from_secs(20));
    assert_eq!(ports.map(is_ready), [Some(true); 2]);
    // Without the broker there is no group, and nobody has moved on.
    drop(broker);
    wait_until("neither is ready without a broker", 90, || ports.map(is_ready) == [Some(false); 2]);
}

/// Runs a verb that leaves its metrics in a file of its name; says how it ended, and what it left.
fn leave(folder: &Path, name: &str, arguments: &[&str]) -> (i32, String) {
    let file = folder.join(format!("{name}.prom"));
    let done = callsieve().args(arguments).arg("--metrics-file").arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{name} left nothing, {error}: {said}"));
    let code = done.status.code().unwrap();
    let noted = value(&text, &format!("callsieve_last_run_exit_code{{verb=\"{name}\"}}"));
    assert_eq!(noted, Some(i64::from(code)), "{said}");
    assert!(value(&text, &format!("callsieve_last_run_timestamp_seconds{{verb=\"{name}\"}}")) > Some(0), "{text}");
    (code, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_verb_did_is_left_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let config = site_of_files(folder, free_port());
    // A record that is sent again, and a line that cannot be read.
    let mut lines = [0, 1, 0].map(|id| record(id).replace('\n', " ")).to_vec();
    lines.push("poison".to_owned());
    std::fs::write(folder.join("drop/a.jsonl"), lines.join("\n")).unwrap();
    ends_well(start_with(&config, &["--until-caught-up"]));
    let [lake, out] = ["lake", "out"].map(|name| folder.join(name).to_str().unwrap().to_owned());

    let (code, replay) = leave(folder, "replay", &["replay", "--config", config.to_str().unwrap()]);
    let refused = "callsieve_replay_rejects{outcome=\"refused\",topic=\"call_record\",verb=\"replay\"}";
    assert_eq!((code, value(&replay, refused)), (0, Some(1)), "{replay}");

    let (code, run) = leave(folder, "run_day", &["run", "--day", DAY, "--lake", &lake]);
    for (series, expected) in [
        ("callsieve_run_rows_total{table=\"call_event\",verb=\"run_day\"}", 2),
        ("callsieve_run_seconds_count{table=\"call_event\",verb=\"run_day\"}", 1),
        ("callsieve_duplicates{table=\"call_record\",verb=\"run_day\"}", 1),
    ] {
        assert_eq!((code, value(&run, series)), (0, Some(expected)), "{series} of {run}");
    }

    let (code, closed) = leave(folder, "ledger", &["ledger", "--lake", &lake]);
    for (series, expected) in [
        ("callsieve_ledger_open{verb=\"ledger\"}", 0),
        ("callsieve_ledger_findings{verb=\"ledger\"}", 0),
        ("callsieve_duplicates{table=\"call_record\",verb=\"ledger\"}", 1),
    ] {
        assert_eq!((code, value(&closed, series)), (0, Some(expected)), "{series} of {closed}");
    }

    // A verb that fails says so.
    let list = ["export", "blocklist", "--day", DAY, "--out", &out, "--lake", &lake];
    assert_eq!(leave(folder, "export_blocklist", &list).0, 1);

    let (code, decide) = leave(folder, "decide", &["decide", "--day", DAY, "--lake", &lake]);
    let blocked = "callsieve_decide_verdicts{verdict=\"blocked\",verb=\"decide\"}";
    assert_eq!((code, value(&decide, blocked)), (0, Some(0)), "{decide}");
    assert!(value(&decide, "callsieve_ledger_open{verb=\"decide\"}").is_some(), "{decide}");

    // node_exporter takes no series out of two files.
    let mut seen = BTreeSet::new();
    for text in [&replay, &run, &closed, &decide] {
        let series = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
        for (series, _) in series {
            assert!(seen.insert(series), "{series} is in two files");
        }
    }

    take_a_row_away(&folder.join("lake")).await;
    let (code, open) = leave(folder, "ledger", &["ledger", "--lake", &lake]);
    assert_eq!((code, value(&open, "callsieve_ledger_open{verb=\"ledger\"}")), (4, Some(1)), "{open}");
    assert!(value(&open, "callsieve_ledger_findings{verb=\"ledger\"}") > Some(0), "{open}");

    let (code, maintain) = leave(folder, "maintain", &["maintain", "--lake", &lake]);
    let deleted = "callsieve_maintain_files{act=\"deleted\",table=\"call_record\",verb=\"maintain\"}";
    assert_eq!((code, value(&maintain, deleted)), (0, Some(0)), "{maintain}");

    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let beside: Vec<_> = names.filter(|name| name.to_string_lossy().contains(".prom.")).collect();
    assert!(beside.is_empty(), "{beside:?}");
}

async fn take_a_row_away(lake: &Path) {
    let lake = Lake::local(lake).unwrap();
    let mut table = lake.find(Table::CALL_RECORD).await.unwrap().unwrap();
    let day: Day = DAY.parse().unwrap();
    let schema = Table::CALL_RECORD.contract().schema();
    let as_written = |batch: &RecordBatch| RecordBatch::try_new(schema.clone(), batch.columns().to_vec()).unwrap();
    let mut rows: Vec<RecordBatch> = table.day(day).await.unwrap().iter().map(as_written).collect();
    rows[0] = rows[0].slice(1, rows[0].num_rows() - 1);
    table.replace(day, &rows).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_of_nothing_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    Lake::local(&lake).unwrap().open(Table::REJECT).await.unwrap();
    let (code, open) = leave(folder.path(), "ledger", &["ledger", "--lake", lake.to_str().unwrap()]);
    let values = ["open", "findings"].map(|what| value(&open, &format!("callsieve_ledger_{what}{{verb=\"ledger\"}}")));
    assert_eq!((code, values), (4, [Some(1), Some(6)]), "{open}");
    // Of a lake that is not there nobody says that its ledger is closed.
    let (code, none) = leave(folder.path(), "ledger", &["ledger", "--lake", "/nowhere/lake"]);
    assert_eq!((code, value(&none, "callsieve_ledger_open{verb=\"ledger\"}")), (3, None), "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_left_changes_no_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    Lake::local(&lake).unwrap().open(Table::REJECT).await.unwrap();
    let with = |arguments: &[&str], file: &Path| {
        let mut verb = callsieve();
        verb.args(arguments).arg("--lake").arg(&lake).arg("--metrics-file").arg(file).output().unwrap()
    };
    let there = with(&["ledger"], &folder.path().join("ledger.prom"));
    let nowhere = with(&["ledger"], &folder.path().join("nowhere/ledger.prom"));
    let said = String::from_utf8_lossy(&nowhere.stderr);
    assert_eq!(nowhere.status.code(), there.status.code(), "{said}");
    assert!(said.contains("writing metrics to"), "{said}");
    // What is only tried out is no run.
    let file = folder.path().join("maintain.prom");
    assert!(with(&["maintain", "--dry-run"], &file).status.success());
    with(&["export", "blocklist", "--day", DAY, "--dry-run"], &file);
    assert!(!file.exists());
}

#[test]
fn help_says_of_exit_codes_and_metrics_what_the_readme_says() {
    let flat = |text: &str| text.replace('`', "").split_whitespace().collect::<Vec<_>>().join(" ");
    let help = flat(&String::from_utf8(callsieve().arg("--help").output().unwrap().stdout).unwrap());
    let readme = source("README.md");
    let (_, codes) = readme.split_once("### Exit codes").unwrap();
    let (_, said) = help.split_once("Exit codes:").unwrap();
    for code in 0..=7 {
        let row =
            codes.lines().find_map(|line| line.strip_prefix(&format!("| {code} | "))?.strip_suffix(" |")).unwrap();
        assert!(said.contains(&format!("{code} {}", flat(row))), "{code} is {row}: {said}");
    }
    let (_, verbs) = readme.split_once("a file of its own for each of ").unwrap();
    let (verbs, _) = verbs.split_once(", leaves what it did").unwrap();
    assert!(help.contains(&flat(verbs)), "{verbs}: {help}");
}

// --- the source itself ---

fn source(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Every metric and its kind, by the snapshot that `src/telemetry/metrics.rs` is held to.
fn families() -> BTreeMap<String, String> {
    let snapshot = source("tests/snapshots/metrics.txt");
    let types = snapshot.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

#[test]
fn alarms_and_panels_name_metrics_that_exist() {
    let families = families();
    for (path, at_least) in
        [("src/telemetry/alerts.yml", 30), ("src/telemetry/dashboard.json", 30), ("tests/alerts.yml", 100)]
    {
        // A line break in JSON is no beginning of a word.
        let text = source(path).replace("\\n", " ");
        let mut count = 0;
        for name in text.split(|letter: char| !is_word(letter)).filter(|word| word.starts_with("callsieve_")) {
            let parts = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
            let histogram = parts.filter(|base| families.get(*base).is_some_and(|kind| kind == "histogram"));
            let is_plain = families.get(name).is_some_and(|kind| kind != "histogram");
            assert!(is_plain || histogram.is_some(), "{path} names {name}, which is no metric");
            count += 1;
        }
        assert!(count >= at_least, "{path} names {count} metrics");
    }
}

/// The code of every file that may count for operators, without white space and tests.
fn counting_code() -> String {
    fn walk(folder: &Path, code: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // A demonstration counts, but nobody operates it.
            let is_other = path.ends_with("src/telemetry") || path.ends_with("src/job/demo.rs");
            if path.is_dir() && !is_other {
                walk(&path, code);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_other {
                let text = source(&path);
                let live = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
                code.extend(live.split_whitespace());
            }
        }
    }
    let mut code = String::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut code);
    code
}

#[test]
fn no_metric_is_dead() {
    let text = source("src/telemetry/metrics.rs");
    let (_, fields) = text.split_once("pub struct Metrics {").unwrap();
    let (fields, _) = fields.split_once("\n}").unwrap();
    let fields: Vec<&str> = fields
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':'))
        .map(|(field, _)| field)
        .collect();
    // One more is the memory of the process, which is set where the text is made.
    assert_eq!(fields.len() + 1, families().len(), "tests/snapshots/metrics.txt does not show every metric");
    let code = counting_code();
    let is_used = |field: &&str| {
        let used = format!("metrics.{field}");
        code.match_indices(&used).any(|(at, _)| !code[at + used.len()..].starts_with(is_word))
    };
    let dead: Vec<&str> = fields.into_iter().filter(|field| !is_used(field)).collect();
    assert!(dead.is_empty(), "nobody sets {dead:?}");
}

#[test]
fn every_reason_for_a_reject_is_begun() {
    let text = source("src/decode/reject.rs");
    let (_, words) = text.split_once("pub fn as_str").unwrap();
    let (words, _) = words.split_once("\n    }\n").unwrap();
    let distinct: BTreeSet<&str> = Reason::ALL.map(Reason::as_str).into_iter().collect();
    assert_eq!(words.matches(" => \"").count(), distinct.len(), "Reason::ALL does not have every reason");
}
