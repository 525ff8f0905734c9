//! Files that are stopped in the middle, changed, or taken away.

use arrow::array::RecordBatch;

use super::*;
use crate::clock::Clock;
use crate::domain::account::Account;
use crate::job::ledger::act::{self, Loss, Note, Retirement};
use crate::job::ledger::{Shown, ledger, open_reasons};
use crate::job::tests::{AT, site};
use crate::lake::ledger::{Entry, Kind};
use crate::schema::column::reject;
use crate::schema::contract::Table;

/// A lake and a folder of call records, with more lines of its options.
struct Dropped {
    folder: tempfile::TempDir,
    files: Files,
}

impl Dropped {
    fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text =
            format!("topic = \"call_record\"\nfolder = \"{}\"\nsettle_secs = 0\n{more}", folder.path().display());
        let site = site(&folder.path().join("lake"));
        Self { files: Files { topic: Topic::CallRecord, options: toml::from_str(&text).unwrap(), site }, folder }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Loads a file, or its first commit alone.
    async fn load(&self, path: &Path, is_stopped: bool) -> anyhow::Result<Outcome> {
        let (_sender, stop) = watch::channel(is_stopped);
        load(&self.files, path, still_there(path).unwrap().unwrap(), &stop).await
    }

    /// Looks at the folder once, as a program that begins anew.
    async fn look(&self) -> anyhow::Result<()> {
        let (_sender, stop) = watch::channel(false);
        files(self.files.clone(), stop).await
    }

    async fn ledger(&self) -> Shown {
        ledger(&self.files.site.lake, &[], None, None).await.unwrap()
    }

    /// Whether decisions wait for what is missing of a file.
    async fn is_waited_for(&self) -> bool {
        let reasons = open_reasons(&self.files.site.lake, AT).await.unwrap();
        reasons.iter().any(|reason| reason.contains("of file/") && reason.ends_with("has holes: 16-19"))
    }

    async fn count(&self, kind: Kind) -> usize {
        let mut books = Books::open(&self.files.site.lake).await.unwrap();
        let entries = books.entries(Table::CALL_RECORD).await.unwrap();
        entries.iter().filter(|entry| entry.kind == kind).count()
    }
}

fn note() -> Note {
    let [by, why] = ["An", "lost at the sender"].map(str::to_owned);
    Note { by, why, public_key: String::new(), signature: String::new() }
}

/// Lines of a megabyte, so that a few take two commits.
fn lines(count: usize) -> String {
    let line = |id: usize| format!("poison {id} {}\n", "x".repeat(1 << 20));
    (0..count).map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_even_be_looked_at_is_named_and_holds_nothing_else_up() {
    let dropped = Dropped::new("");
    // A link that leads to itself.
    std::os::unix::fs::symlink("a.jsonl", dropped.folder.path().join("a.jsonl")).unwrap();
    std::fs::write(dropped.folder.path().join("b.jsonl.gz"), [0x1f, 0x8b, 8, 0]).unwrap();
    dropped.write("c.jsonl", &lines(1));
    let (_sender, stop) = watch::channel(false);
    let error = files(dropped.files.clone(), stop).await.unwrap_err().to_string();
    assert!(error.starts_with("2 files were not loaded; every look tries them again"), "{error}");
    assert!(error.contains("a.jsonl: it cannot be read: looking at"), "{error}");
    assert!(error.contains("b.jsonl.gz: it cannot be read: reading"), "{error}");
    let shown = dropped.ledger().await;
    assert_eq!(shown.partitions[0].proof.rejects, 1);
    let said = shown.text();
    assert!(!shown.is_closed && said.contains("a.jsonl): offsets 0 to 1"), "{said}");
    assert!(said.contains("b.jsonl.gz): offsets 0 to 1"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_is_missed_until_one_in_its_place_is_loaded_or_the_loss_is_signed() {
    let dropped = Dropped::new("[csv]\ncolumns = { record_id = \"1\" }");
    let lake = &dropped.files.site.lake;
    let (sound, broken) = ("1\npoison\n", "2\npoison\n");
    dropped.write("a.csv", broken);
    for _ in 0..2 {
        dropped.look().await.unwrap_err();
    }
    let shown = dropped.ledger().await;
    let said = shown.text();
    assert!(!shown.is_closed && shown.partitions.len() == 1, "it is told of once: {said}");
    assert!(said.contains("a.csv): offsets 0 to 1") && said.contains("the file could not be read"), "{said}");
    let is_waited_for = async |until: i64| {
        let reasons = open_reasons(lake, until).await.unwrap();
        reasons.iter().any(|reason| reason.contains("a.csv: drop it again"))
    };
    assert!(is_waited_for(AT).await && !is_waited_for(AT - 1).await, "by the days that it may be of");

    dropped.write("a.csv", sound);
    dropped.look().await.unwrap();
    let shown = dropped.ledger().await;
    assert!(shown.is_closed && !is_waited_for(AT).await, "{}", shown.text());

    dropped.write("a.csv", broken);
    dropped.look().await.unwrap_err();
    let shown = dropped.ledger().await;
    let open: Vec<&str> = shown
        .partitions
        .iter()
        .filter(|partition| !partition.proof.is_closed())
        .map(|partition| partition.proof.source.as_str())
        .collect();
    assert_eq!(open.len(), 1, "another of the same name is missed again: {}", shown.text());
    let loss = Loss { topic: Topic::CallRecord, source: open[0].to_owned(), partition: 0, from: 0, until: 1 };
    act::accept(lake, &loss, note(), &[7; 32], Clock::Fixed(AT)).await.unwrap();
    dropped.look().await.unwrap_err();
    let shown = dropped.ledger().await;
    assert!(shown.is_closed, "who has signed is not asked again: {}", shown.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_of_a_file_that_was_taken_away_half_loaded_is_a_hole() {
    let dropped = Dropped::new("");
    let (path, text) = (dropped.folder.path().join("a.jsonl"), lines(20));
    std::fs::write(&path, &text).unwrap();
    assert_eq!(dropped.load(&path, true).await.unwrap(), Outcome::Stopped);
    std::fs::remove_file(&path).unwrap();
    let shown = dropped.ledger().await;
    let said = shown.text();
    assert!(!shown.is_closed && said.contains("(a.jsonl): offsets 0 to 20"), "{said}");
    assert!(said.contains("told of by no commit") && said.contains("drop the same file again"), "{said}");
    assert!(said.contains("--partition 0 --from 16 --until 20"), "{said}");
    assert!(dropped.is_waited_for().await, "as for a hole in a topic");
    let retirement = Retirement { topic: Topic::CallRecord, source: shown.partitions[0].proof.source.clone() };
    let retired = act::retire(&dropped.files.site.lake, &retirement, note(), &[7; 32], Clock::Fixed(AT)).await;
    let error = retired.unwrap_err().to_string();
    assert!(error.contains("only a topic is retired") && error.contains("ledger accept"), "{error}");

    let again = dropped.write("b.jsonl", &text);
    assert_eq!(dropped.load(&again, false).await.unwrap(), Outcome::Loaded);
    let shown = dropped.ledger().await;
    assert!(shown.is_closed, "{}", shown.text());
    assert_eq!(shown.partitions[0].proof.rejects, 20);
    assert!(!dropped.is_waited_for().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_one_commit_leaves_one_word_in_the_books() {
    let dropped = Dropped::new("");
    let path = dropped.write("a.jsonl", "poison\npoison\n");
    assert_eq!(dropped.load(&path, false).await.unwrap(), Outcome::Loaded);
    assert_eq!((dropped.count(Kind::Read).await, dropped.count(Kind::Deferred).await), (1, 0));
    assert!(dropped.ledger().await.is_closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_behind_a_quote_that_is_not_closed_is_a_reject_that_says_so() {
    let mapping = "[csv]\nconstants = { record_type = \"originating\", caller_nature = \"national\", \
                   callee_nature = \"national\" }\nintegers = [\"duration_s\"]\nbooleans = [\"is_answered\"]\n\
                   instants = [\"start_at\"]\ncolumns = { record_id = \"id\", caller = \"a\", callee = \"b\", \
                   start_at = \"at\", duration_s = \"s\", is_answered = \"ok\" }";
    let dropped = Dropped::new(mapping);
    let line = |id: usize| format!("r{id},0962000001,0912345678,2025-01-06 10:00:00,60,1\n");
    let lines: String = (0..9).map(line).collect();
    // The third opens a quote, and the sixth has one of its own.
    let text = format!("id,a,b,at,s,ok\n{}", lines.replace("r2,", "\"r2,").replace("r5,", "\"r5\","));
    let path = dropped.write("a.csv", &text);
    assert_eq!(dropped.load(&path, false).await.unwrap(), Outcome::Loaded);
    let shown = dropped.ledger().await;
    let proof = &shown.partitions[0].proof;
    assert_eq!((shown.is_closed, proof.until, proof.records, proof.rejects), (true, 9, 5, 4), "{}", shown.text());
    let rejects = dropped.files.site.lake.find(Table::REJECT).await.unwrap().unwrap();
    let refused = rejects.rows(vec![], &[]).await.unwrap();
    let details = |batch: &RecordBatch| reject::DETAIL.of(batch).unwrap().iter().flatten().map(str::to_owned).collect();
    let details: Vec<String> = refused.iter().flat_map::<Vec<String>, _>(details).collect();
    assert!(details.len() == 4 && details.iter().all(|detail| detail.contains("quote is not closed")), "{details:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_counts_otherwise_than_when_it_was_begun_is_not_gone_on_with() {
    let mut dropped = Dropped::new("[csv]\ncolumns = { record_id = \"1\" }");
    let path = dropped.write("a.csv", &format!("1,2\n{}", lines(20)));
    assert_eq!(dropped.load(&path, true).await.unwrap(), Outcome::Stopped);
    let header = |dropped: &mut Dropped, is_there| dropped.files.options.csv.as_mut().unwrap().header = is_there;
    header(&mut dropped, false);
    let error = format!("{:#}", dropped.load(&path, false).await.unwrap_err());
    assert!(error.contains("had 20 records") && error.contains("has 21 now; was header"), "{error}");
    header(&mut dropped, true);
    assert_eq!(dropped.load(&path, false).await.unwrap(), Outcome::Loaded);
    let shown = dropped.ledger().await;
    assert!(shown.is_closed && shown.partitions[0].proof.rejects == 20, "{}", shown.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_counted_otherwise_before_anything_of_it_was_loaded_leaves_no_hole() {
    let dropped = Dropped::new("[csv]\ncolumns = { record_id = \"1\" }");
    let path = dropped.write("a.csv", "1,2\npoison\n");
    let lake = &dropped.files.site.lake;
    lake.open(Table::CALL_RECORD).await.unwrap();
    // As by `header = false`, and killed before the first commit.
    let source = format!("file/{}", Opened::open(&path).unwrap().sha256().unwrap());
    let account = Account { until: 2, ..Account::empty(&source, PARTITION, 0) };
    let counted = Entry::new(Kind::Deferred, Table::CALL_RECORD, account, AT - 1);
    Books::open(lake).await.unwrap().expect(&counted).await.unwrap();
    assert!(!dropped.ledger().await.is_closed, "nothing of it is there yet");

    assert_eq!(dropped.load(&path, false).await.unwrap(), Outcome::Loaded);
    let shown = dropped.ledger().await;
    assert!(shown.is_closed && shown.partitions[0].proof.until == 1, "{}", shown.text());
    for until in [AT - 1, AT] {
        let reasons = open_reasons(lake, until).await.unwrap();
        assert!(reasons.iter().all(|reason| !reason.contains("holes")), "{reasons:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_written_into_since_it_was_listed_is_not_loaded() {
    let dropped = Dropped::new("");
    let path = dropped.write("a.jsonl", "poison\n");
    let then = still_there(&path).unwrap().unwrap();
    dropped.write("a.jsonl", "poison\npoison\n");
    let (_sender, stop) = watch::channel(false);
    let error = load(&dropped.files, &path, then, &stop).await.unwrap_err().to_string();
    assert!(error.contains("has changed while it was read"), "{error}");
    assert_eq!(dropped.count(Kind::Read).await, 0);
}
