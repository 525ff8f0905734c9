//! SASL and TLS against the real broker; the mock cluster has neither.
//!
//! In: the folder of `tests/broker` in `KAFKA_FOLDER`, with its listeners and its CA. Out: failures. Never: a
//! password on a command line or in a log.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::broker::Broker;
use crate::ingest::{arrived, record, site};

const SCRAM: &str = "\"sasl.mechanism\" = \"SCRAM-SHA-512\"";
const PLAIN: &str = "\"sasl.mechanism\" = \"PLAIN\"";

/// Each case has a topic of its own.
static TOPICS: AtomicUsize = AtomicUsize::new(0);

/// The listeners by name, and the CA's certificate; none without a real broker.
fn listeners() -> Option<(BTreeMap<String, String>, PathBuf)> {
    let Some(folder) = std::env::var_os("KAFKA_FOLDER").map(PathBuf::from) else {
        eprintln!("skipped: only a real broker has secured listeners; KAFKA_FOLDER names none");
        return None;
    };
    let text = std::fs::read_to_string(folder.join("listeners")).unwrap();
    let listeners = text.lines().filter_map(|line| line.split_once('='));
    Some((listeners.map(|(name, at)| (name.to_owned(), at.to_owned())).collect(), folder.join("ca.pem")))
}

/// Ingests one record over a listener; says what the program said when it failed.
async fn ingest(listener: &str, folder: &Path, settings: &str, password: &str) -> Result<usize, String> {
    let Some((listeners, ca)) = listeners() else { return Ok(1) };
    let mut broker = Broker::with_topic(&format!("secured-{}", TOPICS.fetch_add(1, Ordering::Relaxed)), 1).await;
    broker.send(&[(0, record(1).into_bytes())]);
    broker.brokers.clone_from(&listeners[listener]);
    std::fs::write(folder.join("password"), format!("{password}\n")).unwrap();
    let password = folder.join("password");
    let settings = settings.replace("@CA@", ca.to_str().unwrap()).replace("@PASSWORD@", password.to_str().unwrap());
    let config =
        site(&broker, folder, 10, &format!("[kafka.settings]\n\"security.protocol\" = \"{listener}\"\n{settings}"));
    let done = Command::new(env!("CARGO_BIN_EXE_callsieve"))
        .args(["ingest", "--topic", "call_record", "--until-caught-up", "--config"])
        .arg(&config)
        .env("CALLSIEVE_TEST_USER", "callsieve")
        .output()
        .unwrap();
    match done.status.success() {
        true => Ok(arrived(folder).await.len()),
        false => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
    }
}

/// The user's name from the environment, the password from a file.
fn sasl(mechanism: &str, more: &str) -> String {
    format!(
        "{mechanism}\n\"sasl.username\" = {{ env = \"CALLSIEVE_TEST_USER\" }}\n\
         \"sasl.password\" = {{ file = \"@PASSWORD@\" }}\n{more}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn scram_and_plain_with_and_without_tls() {
    let tls = "\"ssl.ca.location\" = \"@CA@\"";
    for (listener, settings) in [
        ("SASL_PLAINTEXT", sasl(SCRAM, "")),
        ("SASL_PLAINTEXT", sasl(PLAIN, "")),
        ("SASL_SSL", sasl(SCRAM, tls)),
        ("SSL", tls.to_owned()),
    ] {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(ingest(listener, folder.path(), &settings, "sim-rac-1").await, Ok(1), "{listener} {settings}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_an_error_that_does_not_show_it() {
    let folder = tempfile::tempdir().unwrap();
    if listeners().is_none() {
        return;
    }
    let said = ingest("SASL_PLAINTEXT", folder.path(), &sasl(SCRAM, ""), "wrong-and-secret").await.unwrap_err();
    assert!(!said.contains("wrong-and-secret"), "{said}");
    assert!(said.contains("asking"), "{said}");
}
