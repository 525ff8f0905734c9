//! The desk by the real program: a number is barred, its subscriber objects, a second person agrees, and it is free.
//!
//! In: files, and a case store in SQLite; in PostgreSQL too where `CALLSIEVE_POSTGRES` names one. Out: failures.
//! Never: a broker, or a store that another test has written to.

use std::path::PathBuf;
use std::process::Output;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use sqlx::any::install_default_drivers;
use sqlx::{AnyPool, AssertSqlSafe, Executor};

use crate::late::{SUBSCRIBER, accuse, callsieve, done};

const MONDAY: &str = "2025-01-06";
const TUESDAY: &str = "2025-01-07";
const NUMBER: &str = "0962000001";
const CALLEE: &str = "0912345678";

/// A lake, and a desk that asks for four eyes.
struct Site {
    folder: tempfile::TempDir,
    store: String,
}

impl Site {
    fn new(store: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = store.unwrap_or_else(|| format!("sqlite://{}/desk.db", folder.path().display()));
        let site = Self { folder, store };
        for topic in ["call_record", "subscriber"] {
            std::fs::create_dir(site.path(topic)).unwrap();
        }
        // Without subscribers nobody is barred.
        std::fs::write(site.path("subscriber/all.jsonl"), SUBSCRIBER).unwrap();
        let config = format!(
            "lake = \"{0}/lake\"\n[[files]]\ntopic = \"call_record\"\nfolder = \"{0}/call_record\"\nsettle_secs = 0\n\
             [[files]]\ntopic = \"subscriber\"\nfolder = \"{0}/subscriber\"\nsettle_secs = 0\n\
             [desk]\nstore = \"{1}\"\nfour_eyes = true\n",
            site.folder.path().display(),
            site.store
        );
        std::fs::write(site.path("site.toml"), config).unwrap();
        for (name, role) in [("an", "supervisor"), ("binh", "supervisor"), ("chi", "analyst")] {
            done(&site.desk(&["user", "add", name, "--role", role, "--by", "an"]));
        }
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn desk(&self, arguments: &[&str]) -> Output {
        callsieve(&[&["--json"], arguments, &["--config", &self.text("site.toml")]].concat())
    }

    fn lake(&self, arguments: &[&str]) -> Output {
        callsieve(&[&["--json"], arguments, &["--lake", &self.text("lake")]].concat())
    }

    /// A day with one call, and with evidence that bears a bar.
    async fn accuse(&self, day: &str) {
        let call = format!(
            r#"{{"record_id":"{day}","record_type":"originating","call_ref":"c","caller":"{NUMBER}","caller_nature":"national","callee":"{CALLEE}","callee_nature":"national","start_at":"{day}T03:00:00Z","ring_s":5,"duration_s":60,"is_answered":true}}"#
        );
        std::fs::write(self.path("call_record").join(format!("{day}.jsonl")), call).unwrap();
        done(&self.desk(&["ingest", "--until-caught-up"]));
        done(&self.lake(&["run", "--day", day]));
        accuse(&self.path("lake"), day).await;
    }

    fn decide(&self, day: &str) -> Value {
        let (lake, config) = (self.text("lake"), self.text("site.toml"));
        done(&callsieve(&["--json", "decide", "--day", day, "--lake", &lake, "--config", &config])).0
    }

    /// The lines of a day's block list, without its header.
    fn listed(&self, day: &str) -> Vec<String> {
        let out = self.text("out");
        done(&self.lake(&["export", "blocklist", "--day", day, "--out", &out]));
        let list = std::fs::read_to_string(self.path("out/blocklist").join(day).join("blocklist.csv")).unwrap();
        list.lines().skip(1).map(str::to_owned).collect()
    }

    /// What subscribers are told of a day, without what was told before.
    fn told(&self, day: &str) -> Vec<String> {
        let (told, _) = done(&self.lake(&["export", "notices", "--day", day, "--out", &self.text("out")]));
        let Some(folder) = told["folder"].as_str() else { return vec![] };
        let list = std::fs::read_to_string(PathBuf::from(folder).join("notices.csv")).unwrap();
        list.lines().skip(1).map(str::to_owned).collect()
    }

    fn appeal(&self) -> Value {
        let (opened, _) = done(&self.desk(&["appeal", "open", NUMBER, "--reason", "subscriber", "--by", "chi"]));
        opened["id"].clone()
    }

    /// Does to the trail what its triggers refuse.
    async fn tamper(&self, statement: &str) {
        let pool = AnyPool::connect(&self.store).await.unwrap();
        let off = if self.store.starts_with("sqlite") {
            "DROP TRIGGER audit_not_changed"
        } else {
            "ALTER TABLE audit DISABLE TRIGGER ALL"
        };
        for statement in [off, statement] {
            pool.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
        }
        pool.close().await;
    }
}

/// A site for each database that there is.
async fn sites() -> Vec<Site> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    install_default_drivers();
    let mut sites = vec![Site::new(None)];
    if let Some(url) = std::env::var_os("CALLSIEVE_POSTGRES") {
        let url = url.into_string().unwrap();
        let schema = format!("it_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let pool = AnyPool::connect(&url).await.unwrap();
        pool.execute(AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).await.unwrap();
        let join = if url.contains('?') { '&' } else { '?' };
        sites.push(Site::new(Some(format!("{url}{join}options[search_path]={schema}"))));
    }
    sites
}

#[track_caller]
fn refused(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_barred_number_whose_appeal_is_right_leaves_the_block_list() {
    for site in sites().await {
        site.accuse(MONDAY).await;
        assert_eq!(site.decide(MONDAY), json!({ "limited": 1 }));
        let barred = site.listed(MONDAY);
        assert!(barred.len() == 1 && barred[0].contains("84962000001,bar_outgoing"), "{barred:?}");

        let told = site.told(MONDAY);
        assert!(told.len() == 1 && told[0].contains("84962000001,bar_outgoing,C-2025-01-06-1,"), "{told:?}");
        assert_eq!(site.told(MONDAY), Vec::<String>::new(), "nobody is told twice");

        let appeal = site.appeal().to_string();
        let overturn = ["appeal", "close", &appeal, "--outcome", "overturn", "--reason", "spoofed", "--by"];
        let said = refused(&site.desk(&[&overturn[..], &["chi"]].concat()), 6);
        assert!(said.contains("this is for supervisor"), "{said}");
        done(&site.desk(&[&overturn[..], &["an"]].concat()));

        site.accuse(TUESDAY).await;
        assert_eq!(site.decide(TUESDAY), json!({ "released": 1 }), "the evidence of before is none any more");
        let freed = site.listed(TUESDAY);
        assert!(freed.len() == 1 && freed[0].contains("84962000001,unblock,overturned"), "{freed:?}");
        let told = site.told(TUESDAY);
        assert!(told.len() == 1 && told[0].contains("84962000001,unblock,C-2025-01-06-1,"), "{told:?}");
        let (verified, _) = done(&site.desk(&["audit", "verify"]));
        assert_eq!((&verified["rows"], &verified["broken"]), (&json!(5), &Value::Null));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_takes_two_and_then_the_next_decision_ends_the_bar() {
    for site in sites().await {
        site.accuse(MONDAY).await;
        assert_eq!(site.decide(MONDAY), json!({ "limited": 1 }));
        let (asked, _) = done(&site.desk(&["release", NUMBER, "--reason", "our_error", "--by", "an"]));
        site.accuse(TUESDAY).await;
        assert_eq!(site.decide(TUESDAY), json!({ "limited": 1 }), "what nobody has approved is no word");

        let wish = asked["id"].to_string();
        refused(&site.desk(&["approve", &wish, "--by", "an"]), 6);
        done(&site.desk(&["approve", &wish, "--by", "binh"]));
        assert_eq!(site.decide(TUESDAY), json!({ "released": 1 }));
        assert!(site.listed(TUESDAY)[0].contains("unblock,released"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_the_trail_that_was_changed_is_named() {
    for site in sites().await {
        site.appeal();
        done(&site.desk(&["audit", "verify"]));
        site.tamper("UPDATE audit SET actor = 'binh' WHERE seq = 4").await;
        let output = site.desk(&["audit", "verify"]);
        refused(&output, 1);
        let verified: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&verified["rows"], &verified["broken"]["seq"]), (&json!(3), &json!(4)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_is_signed_masked_and_in_clear_by_leave_of_two() {
    for site in sites().await {
        site.accuse(MONDAY).await;
        site.decide(MONDAY);
        let (key, lake, out) = (site.text("p.key"), site.text("lake"), site.text("out"));
        done(&callsieve(&["key", "new", "--out", &key]));
        let dossier = ["export", "dossier", NUMBER, "--from", MONDAY, "--until", TUESDAY, "--case", "1/CV", "--lake"];
        let dossier = [&dossier[..], &[&lake, "--out", &out, "--key", &key]].concat();
        let said = refused(&callsieve(&[&dossier[..], &["--by", "chi"]].concat()), 2);
        assert!(said.contains("--config"), "nothing leaves that no desk writes down: {said}");
        let (filed, _) = done(&site.desk(&[&dossier[..], &["--by", "chi"]].concat()));
        assert_eq!((&filed["calls"], &filed["is_revealed"]), (&json!(1), &json!(false)));

        let folder = filed["folder"].as_str().unwrap();
        let public = format!("{key}.pub");
        let verify = ["verify", folder, "--key", &public];
        let said = String::from_utf8(callsieve(&verify).stdout).unwrap();
        assert!(said.starts_with("sound: dossier for 1/CV"), "{said}");
        let facts = PathBuf::from(folder).join("dossier.json");
        let whole = std::fs::read_to_string(&facts).unwrap();
        assert!(whole.contains("84912•••678") && !whole.contains("84912345678"));
        std::fs::write(&facts, whole.replace("\"limited\"", "\"watched\"")).unwrap();
        let spoilt = callsieve(&verify);
        assert_eq!(spoilt.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&spoilt.stdout).contains("dossier.json: its bytes differ"));

        let clear = [&dossier[..], &["--reveal", "--legal-ref", "Art. 1"]].concat();
        let clear = [&clear[..], &["--by", "chi"]].concat();
        assert!(refused(&site.desk(&clear), 6).contains("callsieve approve 5"));
        done(&site.desk(&["approve", "5", "--by", "an"]));
        let (filed, _) = done(&site.desk(&clear));
        let facts = PathBuf::from(filed["folder"].as_str().unwrap()).join("dossier.json");
        assert!(std::fs::read_to_string(facts).unwrap().contains("84912345678"));
        let (trail, _) = done(&site.desk(&["audit", "list"]));
        let acts: Vec<&str> = trail.as_array().unwrap().iter().map(|row| row["act"].as_str().unwrap()).collect();
        assert_eq!(acts[..4], ["dossier", "reveal", "ask", "dossier"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_names_what_stays_and_asks_nobody_where_nothing_goes() {
    for site in sites().await {
        std::fs::write(site.path("subscriber/own.jsonl"), SUBSCRIBER.replace("0912000099", NUMBER)).unwrap();
        site.accuse(MONDAY).await;
        site.decide(MONDAY);
        let lake = site.text("lake");
        let erase = ["subject", "erase", NUMBER, "--case", "17/YC", "--by", "chi", "--lake", &lake];
        let (erased, _) = done(&site.desk(&erase));
        assert_eq!((&erased["is_changed"], &erased["audit"]), (&json!(false), &Value::Null));
        assert_eq!((&erased["number"], &erased["tables"]["call_record"]["rows"]), (&json!("84962•••001"), &json!(1)));
        assert_eq!(erased["activated_at"], "2024-01-01T00:00:00Z");
        let stays = erased["tables"]["call_record"]["stays"].as_str().unwrap();
        assert!(stays.contains("21/2017/TT-BTTTT"), "{stays}");
        assert_eq!(done(&site.desk(&["pending"])).0, json!([]), "nobody is asked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_of_promoted_rules_is_decided_by_no_others_with_or_without_its_configuration() {
    for site in sites().await {
        site.accuse(MONDAY).await;
        let (lake, strict, loose) = (site.text("lake"), site.text("strict.toml"), site.text("site.toml"));
        let config = std::fs::read_to_string(&loose).unwrap() + "require_promotion = true\n";
        std::fs::write(&strict, config).unwrap();
        let decide =
            |config: &[&str]| callsieve(&[&["--json", "decide", "--day", MONDAY, "--lake", &lake], config].concat());
        let ways = [&["--config", &strict][..], &["--config", &loose], &[]];
        for way in ways {
            let said = refused(&decide(way), 6);
            assert!(said.contains("none are"), "{way:?}: {said}");
        }
        refused(&site.lake(&["run", "--day", MONDAY]), 6);
        let erase = ["subject", "erase", NUMBER, "--case", "17/YC", "--by", "chi", "--lake", &lake];
        let said = refused(&site.desk(&erase), 6);
        assert!(said.contains("none are"), "{said}");
        done(&site.desk(&[&erase[..], &["--dry-run"]].concat()));
        let (proposed, _) = done(&site.desk(&["promote", "propose", "--by", "chi"]));
        done(&site.desk(&["promote", "approve", &proposed["id"].to_string(), "--by", "an"]));
        for way in ways {
            assert_eq!(done(&decide(way)).0, json!({ "limited": 1 }), "{way:?}");
        }
        done(&site.desk(&erase));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misspelt_store_is_no_desk_that_has_cleared_nobody() {
    let sites = sites().await;
    let site = &sites[0];
    site.accuse(MONDAY).await;
    site.decide(MONDAY);
    let (lake, out, config) = (site.text("lake"), site.text("out"), site.text("misspelt.toml"));
    let misspelt = std::fs::read_to_string(site.path("site.toml")).unwrap().replace("desk.db", "dek.db");
    std::fs::write(&config, misspelt).unwrap();
    let list = ["export", "blocklist", "--day", MONDAY, "--lake", &lake, "--out", &out];
    let add = ["user", "add", "dung", "--role", "supervisor", "--by", "an"];
    let tried = ["user", "add", "an", "--role", "supervisor", "--by", "an", "--dry-run"];
    let decide = ["decide", "--day", MONDAY, "--lake", &lake];
    for verb in [&decide[..], &list, &["user", "list"], &["audit", "verify"], &add, &tried] {
        let said = refused(&callsieve(&[verb, &["--config", &config]].concat()), 3);
        assert!(said.contains("there is no case store at"), "{verb:?}: {said}");
    }
    assert!(!site.path("dek.db").exists() && !site.path("out").exists());
    done(&callsieve(&["user", "add", "an", "--role", "supervisor", "--by", "an", "--config", &config]));
    done(&callsieve(&["user", "list", "--config", &config]));
    // A file that somebody made beforehand, as whoever sets up a server makes a database.
    std::fs::write(site.path("dek.db"), "").unwrap();
    let said = refused(&callsieve(&[&decide[..], &["--config", &config]].concat()), 3);
    assert!(said.contains("there is no case store at") && said.contains("or it has no user yet"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_needs_neither_lake_nor_broker_and_what_needs_them_says_so() {
    for site in sites().await {
        let config = site.text("desk.toml");
        std::fs::write(&config, format!("[desk]\nstore = \"{}\"\n", site.store)).unwrap();
        let (users, _) = done(&callsieve(&["--json", "user", "list", "--config", &config]));
        assert_eq!(users.as_array().unwrap().len(), 3);
        let said = refused(&callsieve(&["ingest", "--config", &config]), 3);
        assert!(said.contains("neither kafka nor files is configured"), "{said}");
        let said = refused(&callsieve(&["replay", "--config", &config]), 3);
        assert!(said.contains("names no lake"), "{said}");
    }
}
