//! Schemas from a real registry: other writers' schemas, one that nobody registered, and a registry that goes away.
//!
//! In: the registry of `SCHEMA_REGISTRY_URL`. Out: failures. Never: a registry of our own; what stands between it and
//! the program only lets connections through, or not.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use callsieve::export::blocklist::flag;
use callsieve::schema::topic::Topic;
use callsieve::source::registry::{Options, Registry};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::broker::Broker;
use crate::ingest::{arrived, avro, ends_well, refused, site, start_with, text};
use crate::ledger::ledger;

/// A way to the registry that can be shut.
struct Gate {
    url: String,
    is_open: Arc<AtomicBool>,
}

impl Gate {
    async fn before(registry: &str) -> Self {
        let there = registry.trim_start_matches("http://").split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = registry.replacen(&there, &listener.local_addr().unwrap().to_string(), 1);
        let is_open = Arc::new(AtomicBool::new(true));
        let open = Arc::clone(&is_open);
        tokio::spawn(async move {
            while let Ok((mut caller, _)) = listener.accept().await {
                let (open, there) = (Arc::clone(&open), there.clone());
                tokio::spawn(async move {
                    let mut registry = TcpStream::connect(there).await.unwrap();
                    let through = tokio::io::copy_bidirectional(&mut caller, &mut registry);
                    tokio::select! { _ = through => {}, () = shut(&open) => {} }
                });
            }
        });
        Self { url, is_open }
    }

    fn set(&self, is_open: bool) {
        self.is_open.store(is_open, Ordering::Relaxed);
    }
}

async fn shut(open: &AtomicBool) {
    while open.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The contract without its last field and with some of the vendor's own, as its schema id.
async fn register(registry: &str, subject: &str, more: &[&str]) -> u32 {
    let mut schema: Value = serde_json::from_str(Topic::CallRecord.avro()).unwrap();
    let fields = schema["fields"].as_array_mut().unwrap();
    assert_eq!(fields.pop().unwrap()["name"], "imsi");
    fields.extend(more.iter().map(|name| json!({ "name": name, "type": "string" })));
    let answer = reqwest::Client::new()
        .post(format!("{registry}/subjects/{subject}/versions"))
        .header("Content-Type", "application/vnd.schemaregistry.v1+json")
        .body(json!({ "schema": schema.to_string() }).to_string())
        .send()
        .await
        .unwrap();
    let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    u32::try_from(answer["id"].as_u64().unwrap_or_else(|| panic!("{answer}"))).unwrap()
}

/// A record as that vendor writes it.
fn body(schema: u32, id: usize, more: &[&str]) -> (i32, Vec<u8>) {
    let mut body = avro(id);
    body[1..5].copy_from_slice(&schema.to_be_bytes());
    body.pop();
    more.iter().for_each(|value| text(&mut body, value));
    (0, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_of_others_are_read_and_an_outage_of_the_registry_costs_nothing() {
    let Some(registry) = std::env::var_os("SCHEMA_REGISTRY_URL") else {
        eprintln!("skipped: SCHEMA_REGISTRY_URL names no registry");
        return;
    };
    let registry = registry.into_string().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::with_topic("registry", 1).await;
    let gate = Gate::before(&registry).await;
    let first = register(&registry, &broker.topic, &["vendor"]).await;
    let send = |schema: u32, ids: std::ops::Range<usize>, more: &[&str]| {
        broker.send(&ids.map(|id| body(schema, id, more)).collect::<Vec<_>>());
    };
    let wait_for = async |count: usize| {
        for _ in 0..150 {
            if arrived(folder.path()).await.len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        assert_eq!(arrived(folder.path()).await.len(), count);
    };
    let config = site(&broker, folder.path(), 100, &format!("[registry]\nurl = \"{}\"", gate.url));
    let running = start_with(&config, &[]);
    send(first, 0..10, &["a vendor"]);
    wait_for(10).await;

    // What was asked once is known; what is new waits, and is no reject.
    gate.set(false);
    send(first, 10..20, &["a vendor"]);
    wait_for(20).await;
    let second = register(&registry, &format!("{}-2", broker.topic), &["vendor", "release"]).await;
    send(second, 20..25, &["a vendor", "2"]);
    send(u32::MAX, 25..26, &[]);
    tokio::time::sleep(Duration::from_secs(4)).await;
    wait_for(20).await;
    assert_eq!(refused(folder.path()).await, []);
    gate.set(true);
    wait_for(25).await;
    // What is refused may be asked about by itself, behind the rows.
    for _ in 0..150 {
        if !refused(folder.path()).await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    assert!(Command::new("kill").args(["-TERM", &running.id().to_string()]).status().unwrap().success());
    ends_well(running);
    assert_eq!(refused(folder.path()).await, [(25, "unknown_schema".to_owned())]);
    let (code, shown) = ledger(folder.path());
    assert_eq!(code, 0, "{shown}");

    // A start during an outage knows what any start before it has asked.
    gate.set(false);
    send(first, 26..30, &["a vendor"]);
    let running = start_with(&config, &[]);
    wait_for(29).await;
    // A message that is here before its schema is waited with for a moment.
    gate.set(true);
    let own = |name: &str| format!("{name}_{}", broker.topic.replace('-', "_"));
    let last = register(&registry, &format!("{}-3", broker.topic), &[&own("release")]).await;
    send(last + 1, 30..31, &["x"]);
    let next = register(&registry, &format!("{}-4", broker.topic), &[&own("patch")]).await;
    assert_eq!(next, last + 1, "the registry counts on");
    wait_for(30).await;
    assert!(Command::new("kill").args(["-TERM", &running.id().to_string()]).status().unwrap().success());
    ends_well(running);
    assert_eq!(refused(folder.path()).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_ours_is_registered_once_and_reads_back() {
    let Some(url) = std::env::var_os("SCHEMA_REGISTRY_URL") else {
        eprintln!("skipped: SCHEMA_REGISTRY_URL names no registry");
        return;
    };
    let options = Options { url: Some(url.into_string().unwrap()), ..Options::default() };
    let registry = Registry::new(&options).unwrap();
    let subject = format!("sim_flag-{}-value", std::process::id());
    let id = registry.register(&subject, flag::CONTRACT).await.unwrap();
    assert_eq!(registry.register(&subject, flag::CONTRACT).await.unwrap(), id);
    let [ours, theirs]: [Value; 2] = [flag::CONTRACT, &registry.schema(id).await.unwrap().unwrap()]
        .map(|schema| serde_json::from_str(schema).unwrap());
    assert_eq!(ours, theirs);
}
