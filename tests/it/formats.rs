//! Messages that do not show how they are written, by the real program: plain Avro and CSV lines at a broker, CSV files.
//!
//! In: messages and files. Out: failures. Never: a mapping that could not be written in a site's configuration.

use std::process::Command;

use crate::broker::Broker;
use crate::ingest::{arrived, avro, ends_well, refused, site, start_with};
use crate::ledger::ledger;

const CSV: &str = "[formats.call_record]\nis = \"csv\"\nheader = false\ndelimiter = \"|\"\n\
    columns = { record_id = \"1\", caller = \"2\", callee = \"3\", start_at = \"4\", duration_s = \"5\", is_answered = \"6\" }\n\
    constants = { record_type = \"originating\", caller_nature = \"national\", callee_nature = \"national\" }\n\
    integers = [\"duration_s\"]\nbooleans = [\"is_answered\"]\ninstants = [\"start_at\"]\n";

fn line(id: usize, answered: &str) -> (i32, Vec<u8>) {
    (0, format!("r{id}|0962{id:06}|0912345678|2025-01-06 10:00:00|60|{answered}").into_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_avro_is_read_by_the_schema_that_the_site_names() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::with_topic("plain-avro", 1).await;
    let plain = |id: usize| (0, avro(id)[5..].to_vec());
    let cut = avro(100)[5..40].to_vec();
    broker.send(&[plain(0), (0, cut), plain(1), (0, b"{\"record_id\":\"r\"}".to_vec()), plain(2)]);
    let config = site(&broker, folder.path(), 100, "[formats.call_record]\nis = \"avro\"\n");
    ends_well(start_with(&config, &["--until-caught-up"]));
    assert_eq!(arrived(folder.path()).await.len(), 3);
    let refused = refused(folder.path()).await;
    assert_eq!(refused[0], (1, "truncated".to_owned()));
    assert_eq!(refused.len(), 2, "JSON is no Avro here: {refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_csv_line_that_is_refused_is_kept_as_it_came_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::with_topic("csv", 1).await;
    broker.send(&[line(0, "1"), line(1, "ja"), line(2, "no"), (0, b"two\nlines".to_vec())]);
    let config = site(&broker, folder.path(), 100, CSV);
    ends_well(start_with(&config, &["--until-caught-up"]));
    assert_eq!(arrived(folder.path()).await.len(), 2);
    let expected = [(1, "wrong_type".to_owned()), (3, "malformed_csv".to_owned())];
    assert_eq!(refused(folder.path()).await, expected);
    // The fix: the exchange says "ja".
    let config = site(&broker, folder.path(), 100, &format!("{CSV}yes = [\"1\", \"ja\"]\n"));
    let replayed = Command::new(env!("CARGO_BIN_EXE_callsieve"))
        .args(["--json", "replay", "--topic", "call_record", "--config"])
        .arg(&config)
        .output()
        .unwrap();
    let said: serde_json::Value = serde_json::from_slice(&replayed.stdout).unwrap();
    assert_eq!(said["call_record"], serde_json::json!({ "records": 1, "refused": 1 }));
    let (code, shown) = ledger(folder.path());
    assert_eq!((code, arrived(folder.path()).await.len()), (0, 3), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_a_csv_file_is_read_again_with_its_files_header() {
    let folder = tempfile::tempdir().unwrap();
    let drop = folder.path().join("drop");
    std::fs::create_dir(&drop).unwrap();
    let text = "Dur;Begin;A;B;ID;Ans\n60;2025-01-06 10:00:00;0962000001;0912345678;r1;ja\n\
                60;2025-01-06 10:00:00;0962000002;0912345678;r2;1\n";
    std::fs::write(drop.join("a.csv"), text).unwrap();
    let config = folder.path().join("site.toml");
    let write = |yes: &str| {
        let text = format!(
            "lake = \"{0}/lake\"\n[[files]]\ntopic = \"call_record\"\nfolder = \"{0}/drop\"\nsettle_secs = 0\n\
             [files.csv]\ndelimiter = \";\"\nyes = [{yes}]\n\
             columns = {{ record_id = \"ID\", caller = \"A\", callee = \"B\", start_at = \"Begin\", duration_s = \"Dur\", \
             is_answered = \"Ans\" }}\n\
             constants = {{ record_type = \"originating\", caller_nature = \"national\", callee_nature = \"national\" }}\n\
             integers = [\"duration_s\"]\nbooleans = [\"is_answered\"]\ninstants = [\"start_at\"]\n",
            folder.path().display()
        );
        std::fs::write(&config, text).unwrap();
    };
    let callsieve = |verb: &[&str]| {
        let done =
            Command::new(env!("CARGO_BIN_EXE_callsieve")).args(verb).arg("--config").arg(&config).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    write("\"1\"");
    callsieve(&["ingest", "--until-caught-up"]);
    assert_eq!((arrived(folder.path()).await.len(), refused(folder.path()).await.len()), (1, 1));
    write("\"1\", \"ja\"");
    callsieve(&["replay"]);
    let rows = arrived(folder.path()).await;
    assert_eq!(rows.keys().collect::<Vec<_>>(), ["r1", "r2"]);
}
