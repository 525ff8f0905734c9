//! Deliveries by the real program: what stands arrives once, whatever dies on the way.
//!
//! In: a share of this machine; the SFTP server of `CALLSIEVE_SFTP` and the store of `S3_ENDPOINT` where they are named.
//! Out: failures. Never: a server inside the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use callsieve::lake::Lake;
use callsieve::lake::store::bucket;
use callsieve::schema::column::delivery;
use callsieve::schema::contract::Table;
use object_store::ObjectStoreExt as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::late::{callsieve, done};

const FILES: [(&str, usize); 2] = [("commands.txt", 5_000_000), ("rollback.txt", 70_000)];

/// A published folder, and a site that knows one target.
struct Site {
    root: tempfile::TempDir,
}

impl Site {
    async fn new(target: &str) -> Self {
        let site = Self { root: tempfile::tempdir().unwrap() };
        Lake::local(&site.root.path().join("lake")).unwrap().open(Table::REJECT).await.unwrap();
        let root = site.root.path().display();
        let config = format!(
            "lake = \"{root}/lake\"\n[[files]]\ntopic = \"call_record\"\nfolder = \"{root}\"\n[delivery.there]\n{target}\n"
        );
        fs::write(site.root.path().join("site.toml"), config).unwrap();
        site.publish("1");
        site
    }

    fn publish(&self, text: &str) {
        let folder = self.folder();
        fs::create_dir_all(&folder).unwrap();
        let mut listed = vec![];
        for (name, size) in FILES {
            let bytes = text.repeat(size);
            fs::write(folder.join(name), &bytes).unwrap();
            listed.push(json!({ "name": name, "sha256": sha256(bytes.as_bytes()), "size_bytes": size, "rows": 1 }));
        }
        let manifest = json!({ "schema": "callsieve/block-list/1", "files": listed });
        fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
    }

    fn folder(&self) -> PathBuf {
        self.root.path().join("blocklist-mml/00000001")
    }

    fn arguments(&self) -> Vec<String> {
        let config = self.root.path().join("site.toml").display().to_string();
        ["--json", "deliver", &self.folder().display().to_string(), "--to", "there", "--config", &config]
            .map(str::to_owned)
            .into()
    }

    fn deliver(&self, more: &[&str]) -> Output {
        let arguments = self.arguments();
        callsieve(&[&arguments.iter().map(String::as_str).collect::<Vec<_>>()[..], more].concat())
    }

    /// Its name at the target.
    fn place(&self) -> String {
        done(&self.deliver(&["--dry-run"])).0["place"].as_str().unwrap().to_owned()
    }

    async fn states(&self) -> Vec<String> {
        let lake = Lake::local(&self.root.path().join("lake")).unwrap();
        let Some(table) = lake.find(Table::DELIVERY).await.unwrap() else { return vec![] };
        let mut states = vec![];
        for batch in table.rows(vec![], &[delivery::STATE.name]).await.unwrap() {
            states.extend(delivery::STATE.of(&batch).unwrap().iter().flatten().map(str::to_owned));
        }
        states.sort();
        states
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Fails when anything that can be seen differs from what was sent, or a manifest is there before the rest; gives back
/// how many files can be seen.
fn seen(site: &Site, place: &Path) -> usize {
    let Ok(entries) = fs::read_dir(place) else { return 0 };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    for name in &names {
        let (there, here) = (fs::read(place.join(name)).unwrap(), fs::read(site.folder().join(name)).unwrap());
        assert!(there == here, "{name} has {} bytes there, and {} here", there.len(), here.len());
    }
    assert!(names.len() == 3 || !names.iter().any(|name| name == "manifest.json"), "{names:?}");
    names.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_is_delivered_once_and_exit_5_says_that_it_has_not_arrived() {
    let share = tempfile::tempdir().unwrap();
    let path = share.path().join("in");
    let site = Site::new(&format!("kind = \"folder\"\npath = \"{}\"", path.display())).await;
    let output = site.deliver(&[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(5) && said.contains("mount it, or make it"), "{said}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["state"], &told["attempts"]), (&json!("failed"), &json!(5)));
    fs::create_dir(&path).unwrap();
    let place = path.join(site.place());
    let (told, _) = done(&site.deliver(&[]));
    assert_eq!((&told["state"], &told["sent"]), (&json!("done"), &json!(3)));
    assert_eq!(seen(&site, &place), 3);
    let (told, _) = done(&site.deliver(&[]));
    assert_eq!((&told["state"], &told["sent"]), (&json!("known"), &json!(0)));
    assert_eq!(site.states().await, ["done", "failed", "intended", "intended"]);

    site.publish("2");
    done(&site.deliver(&[]));
    assert_eq!(fs::read_dir(path.join("blocklist-mml")).unwrap().count(), 2, "a correction stands beside it");
    fs::write(site.folder().join("rollback.txt"), "").unwrap();
    let output = site.deliver(&[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("rollback.txt has other bytes"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_at_any_moment_shows_no_half_and_the_next_finishes() {
    let Some(server) = std::env::var_os("CALLSIEVE_SFTP") else {
        eprintln!("skipped: CALLSIEVE_SFTP names no server; tests/sshd starts one");
        return;
    };
    let server = Url::parse(server.to_str().unwrap()).unwrap();
    let keys = Path::new(server.path());
    let own = tempfile::tempdir_in(keys.join("data")).unwrap();
    let site = Site::new(&format!(
        "kind = \"sftp\"\nhost = \"127.0.0.1\"\nport = {}\nuser = \"{}\"\nkey_file = \"{}\"\nhost_keys = [\"{}\"]\n\
         folder = \"{}\"",
        server.port().unwrap(),
        server.username(),
        keys.join("client_key").display(),
        fs::read_to_string(keys.join("fingerprint")).unwrap().trim(),
        own.path().file_name().unwrap().to_str().unwrap(),
    ))
    .await;
    let place = own.path().join(site.place());
    let mut before = 0;
    for round in 0..20 {
        let mut run = Command::new(env!("CARGO_BIN_EXE_callsieve")).args(site.arguments()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(20 + round * 15)).await;
        // It may have ended by itself.
        drop(run.kill());
        run.wait().unwrap();
        let now = seen(&site, &place);
        assert!(now >= before, "round {round}: what has arrived stays");
        before = now;
    }
    done(&site.deliver(&[]));
    assert_eq!(seen(&site, &place), 3);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 3, "nothing is left aside");
    assert_eq!(site.states().await.iter().filter(|state| *state == "done").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_gets_a_folder_once() {
    let Some(endpoint) = std::env::var_os("S3_ENDPOINT") else {
        eprintln!("skipped: S3_ENDPOINT names no store");
        return;
    };
    let settings = [
        ("endpoint", endpoint.to_str().unwrap()),
        ("region", "us-east-1"),
        ("access_key_id", "callsieve"),
        ("secret_access_key", "sim-rac-1"),
        ("allow_http", "true"),
    ];
    let url = format!("s3://lake/delivery-{}", std::process::id());
    let written: Vec<String> = settings.iter().map(|(name, value)| format!("{name} = \"{value}\"")).collect();
    let site =
        Site::new(&format!("kind = \"s3\"\nurl = \"{url}\"\n[delivery.there.store]\n{}", written.join("\n"))).await;
    let (told, _) = done(&site.deliver(&[]));
    assert_eq!((&told["state"], &told["sent"]), (&json!("done"), &json!(3)));
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let (store, prefix) = bucket(&url, &settings).unwrap();
    for name in ["commands.txt", "rollback.txt", "manifest.json"] {
        let path = format!("{prefix}/{}/{name}", told["place"].as_str().unwrap());
        let bytes = store.get(&path.as_str().into()).await.unwrap().bytes().await.unwrap();
        assert_eq!(bytes, fs::read(site.folder().join(name)).unwrap(), "{name}");
    }
    assert_eq!(done(&site.deliver(&[])).0["state"], "known");
    // A site that has lost what its lake held sends nothing that stands there.
    fs::remove_dir_all(site.root.path().join("lake/delivery")).unwrap();
    let (told, _) = done(&site.deliver(&[]));
    assert_eq!((&told["state"], &told["sent"]), (&json!("done"), &json!(0)));
}
