//! Files dropped in a folder, by the real program: each once, whatever it is called.
//!
//! In: files. Out: failures. Never: a broker.

use std::path::Path;
use std::process::{Command, Output};

use crate::ingest::{arrived, record, refused};

fn ingest(folder: &Path) -> Output {
    let config = folder.join("site.toml");
    let text = format!(
        "lake = \"{0}/lake\"\n[[files]]\ntopic = \"call_record\"\nfolder = \"{0}/drop\"\nsettle_secs = 0\n",
        folder.display()
    );
    std::fs::write(&config, text).unwrap();
    Command::new(env!("CARGO_BIN_EXE_callsieve"))
        .args(["ingest", "--until-caught-up", "--config"])
        .arg(&config)
        .output()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_loaded_once_and_its_bad_lines_are_rejects() {
    let folder = tempfile::tempdir().unwrap();
    let drop = folder.path().join("drop");
    std::fs::create_dir(&drop).unwrap();
    let lines: Vec<String> =
        (0..2_000).map(|id| if id % 100 == 3 { "poison".to_owned() } else { record(id).replace('\n', " ") }).collect();
    std::fs::write(drop.join("a.jsonl"), lines.join("\n")).unwrap();
    std::fs::write(drop.join("later.jsonl.part"), record(9_000).replace('\n', " ")).unwrap();
    for is_first in [true, false] {
        let done = ingest(folder.path());
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{said}");
        assert_eq!(said.contains("so a new one begins"), is_first, "{said}");
        // The same content under another name is the same file.
        std::fs::copy(drop.join("a.jsonl"), drop.join("b.jsonl")).unwrap();
    }
    let rows = arrived(folder.path()).await;
    assert!(rows.len() == 1_980 && rows.values().all(|times| *times == 1), "{} ids", rows.len());
    assert_eq!(refused(folder.path()).await.len(), 20);
    let lake = folder.path().join("lake");
    let ledger = Command::new(env!("CARGO_BIN_EXE_callsieve"))
        .args(["ledger", "--lake", lake.to_str().unwrap()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ledger.stdout);
    assert!(ledger.status.success() && said.contains("1980 records + 20 rejects"), "{said}");

    // Half a compressed file is an error that names it, and costs the others nothing.
    std::fs::write(drop.join("c.json.gz"), [0x1f, 0x8b, 8, 0]).unwrap();
    std::fs::write(drop.join("d.json"), record(5_000).replace('\n', " ")).unwrap();
    let failed = ingest(folder.path());
    assert!(!failed.status.success());
    assert!(String::from_utf8_lossy(&failed.stderr).contains("c.json.gz"));
    assert_eq!(arrived(folder.path()).await.len(), 1_981);
}

#[test]
fn a_lake_begins_before_the_first_file_comes_so_that_reference_tables_can_be_loaded() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("drop")).unwrap();
    let done = ingest(folder.path());
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.contains("so a new one begins"), "{said}");
    let list = folder.path().join("hospitals.csv");
    std::fs::write(&list, "number,reason\n0962000001,hospital\n").unwrap();
    let loaded = Command::new(env!("CARGO_BIN_EXE_callsieve"))
        .args(["reference", "load", "allow_list", list.to_str().unwrap(), "--from", "2025-01-06", "--lake"])
        .arg(folder.path().join("lake"))
        .output()
        .unwrap();
    assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
}
