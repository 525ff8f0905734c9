//! House rules that text alone can hold: who imports whom, one door for each dependency, what no file may say.
//!
//! In: the source tree. Out: every breach of a rule with file and line, and what to do about it. Never: needs more than
//! `std`, takes a second, or has an exception without a reason beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A module imports only from earlier rows; modules of one row never import each other.
/// `ARCHITECTURE.md` says the same line, and a test compares the two.
const LAYERS: &[&[&str]] = &[
    &["domain", "clock"],
    &["schema", "telemetry"],
    &["source", "decode", "lake", "text", "lookup", "answer", "feature", "score", "decide", "export", "store"],
    &["pipeline"],
    &["serve"],
    &["job"],
    &["config"],
    &["cli"],
    &["main"],
];

/// Where a crate may be named. A dependency with one door can be replaced.
const DOORS: &[(&str, &[&str])] = &[
    ("rdkafka", &["src/source/"]),
    ("deltalake", &["src/lake/"]),
    // Beside the lake, dropped files, the truth of `simulate` and rows for a scorecard are Parquet.
    (
        "parquet",
        &["src/lake/", "src/source/folder.rs", "src/job/simulate.rs", "src/job/scorecard/labels.rs", "src/score/frame"],
    ),
    ("flate2", &["src/source/folder"]),
    ("zstd", &["src/source/folder"]),
    ("ed25519_dalek", &["src/job/ledger/act.rs", "src/export/sign.rs"]),
    ("blake2", &["src/export/sign.rs"]),
    ("base64", &["src/export/sign.rs", "src/domain/seal.rs"]),
    ("getrandom", &["src/export/sign.rs", "src/export/delivery/sftp.rs"]),
    ("ring", &["src/domain/seal.rs", "src/export/delivery/webhook"]),
    ("russh", &["src/export/delivery/sftp"]),
    ("russh_sftp", &["src/export/delivery/sftp"]),
    ("object_store", &["src/lake/", "src/export/delivery/bucket.rs", "src/export/delivery/tests.rs"]),
    ("rust_xlsxwriter", &["src/export/workbook.rs"]),
    ("rustix", &["src/export/folder.rs"]),
    // `explain` hands filters to `lake::Handle::rows`, which takes DataFusion's expressions.
    (
        "datafusion",
        &[
            "src/feature/",
            "src/score/",
            "src/pipeline/",
            "src/lake/clustered.rs",
            "src/lake/snapshot.rs",
            "src/job/explain.rs",
        ],
    ),
    ("arrow_avro", &["src/decode/avro.rs", "src/source/folder"]),
    ("snap", &["src/source/folder/container.rs"]),
    ("axum", &["src/serve/"]),
    ("prometheus", &["src/telemetry/metrics"]),
    ("tracing_subscriber", &["src/telemetry/log.rs"]),
    ("reqwest", &["src/source/registry.rs", "src/lookup/registry.rs", "src/export/delivery/webhook"]),
    ("idna", &["src/domain/host.rs"]),
    ("psl", &["src/domain/host.rs"]),
    ("strsim", &["src/lookup/alike.rs"]),
    ("unicode_security", &["src/lookup/alike.rs"]),
    ("aho_corasick", &["src/text/story.rs", "src/text/sender/sign.rs"]),
    ("unicode_normalization", &["src/text/letter.rs", "src/text/word.rs", "src/domain/sms.rs", "src/lookup/alike.rs"]),
    ("rlibphonenumber", &["src/domain/party.rs"]),
    ("clap", &["src/cli.rs", "src/cli/"]),
    ("indicatif", &["src/job/demo.rs"]),
    ("sqlx", &["src/store/"]),
    ("rand", &["src/source/synthetic/"]),
    ("rand_chacha", &["src/source/synthetic/"]),
    ("rand_distr", &["src/source/synthetic/"]),
];

/// Where the compiler has to trust us: the allocator's settings, and what the Kafka crate does not wrap.
const UNSAFE: &[&str] = &["src/main.rs", "src/source/kafka/topic_id.rs"];

/// Who counts: stages return what happened, and these publish it.
const COUNTERS: &[&str] = &["telemetry", "serve", "job", "cli"];

/// Where a number becomes digits again, or sealed words words, and how often. A new place is a decision about privacy, not about code.
const REVEALED: &[(&str, usize, &str)] = &[
    ("src/domain/number.rs", 1, "the definition"),
    ("src/domain/plan.rs", 2, "compares digits with ranges"),
    ("src/domain/seal.rs", 3, "the definition"),
    ("src/export/blocklist/mod.rs", 1, "the network cannot bar a masked number"),
    ("src/decode/row.rs", 1, "cells of the lake, which storage permissions guard"),
    ("src/job/answer.rs", 1, "citizens are answered what they have asked themselves"),
    ("src/job/answer/outbox.rs", 2, "citizens are answered at their own number, of the one that they have named"),
    ("src/job/case.rs", 1, "cells of the lake, which storage permissions guard"),
    ("src/job/decide.rs", 1, "cells of the lake, which storage permissions guard"),
    ("src/job/desk.rs", 1, "somebody with a name asked for it, and the audit trail says so"),
    ("src/job/domain.rs", 1, "counts domains, and keeps no wording"),
    ("src/job/dossier.rs", 2, "the caller handed the number in"),
    ("src/job/dossier/facts.rs", 2, "two people with names gave leave, and the audit trail says so"),
    ("src/job/explain.rs", 2, "the caller handed the number in"),
    ("src/job/report.rs", 1, "the caller handed the text in"),
    ("src/lake/snapshot.rs", 1, "a cell of the lake, which storage permissions guard"),
    ("src/job/subject/row.rs", 1, "a subscriber's own words, and the audit trail says who handed them out"),
    ("src/job/subject.rs", 1, "a subscriber's own number, and the audit trail says who handed it out"),
    ("src/job/reference.rs", 2, "cells of the lake, from a file that was handed in and from the desk"),
    ("src/job/replay.rs", 3, "decodes what was refused once more"),
    ("src/store/mod.rs", 1, "cells of the case store, which its permissions guard"),
    ("src/text/entity.rs", 1, "cells of the lake, which storage permissions guard"),
];

/// The only readers of the machine's clock, and those who choose it over a fixed one.
const CLOCK_READERS: &[&str] = &["SystemTime::now", "Instant::now", "Utc::now", "Local::now"];
const CLOCK_CHOOSERS: &[&str] = &["clock", "job", "cli"];

const FORBIDDEN_NAMES: &str = "util utils helper helpers common misc type types model models constant constants prelude \
     error errors";

const FORBIDDEN_WORDS: &[(&str, &str)] = &[
    ("#[ignore", "make the test work everywhere, or let it return early and say why"),
    ("#[should_panic", "return the error and assert what it says"),
    ("todo!", "write it, or leave it out"),
    ("unimplemented!", "write it, or leave it out"),
    ("dbg!", "log it with tracing, or take it out"),
];

/// What stdout and stderr are for is decided in one place.
const PRINTING: &[(&str, &str)] = &[
    ("println!", "results go through `cli::print`, all else through tracing"),
    ("eprintln!", "results go through `cli::print`, all else through tracing"),
    ("print!", "results go through `cli::print`, all else through tracing"),
];

const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];

// --- the rules ---

#[test]
fn imports_run_one_way() {
    let rank = |module: &str| LAYERS.iter().position(|row| row.contains(&module));
    let mut breaches = vec![];
    for file in rust("src") {
        let modules = file.modules();
        let Some(own) = modules.first() else { continue };
        for (line, used) in imports(&modules, &file.code).into_iter().filter(|(_, used)| used != own) {
            match (rank(own), rank(&used)) {
                (Some(own_rank), Some(used_rank)) if used_rank < own_rank => {}
                (_, None) => breaches.push(format!("{}:{line}: {used} is no module of the crate", file.path)),
                _ => breaches.push(format!(
                    "{}:{line}: {own} may not import {used}: hand it over from a job, or move the shared part down",
                    file.path
                )),
            }
        }
    }
    none(breaches);
}

#[test]
fn layers_name_every_module_once() {
    let mut listed: Vec<&str> = LAYERS.concat();
    listed.retain(|module| *module != "main");
    listed.sort_unstable();
    let declared: Vec<String> = declared().into_iter().collect();
    assert_eq!(listed, declared, "LAYERS in tests/tidy.rs (left) and src/lib.rs (right) name other modules");
}

#[test]
fn every_dependency_has_one_door() {
    let mut breaches = vec![];
    for file in rust("src") {
        for (dependency, doors) in DOORS {
            if doors.iter().any(|door| file.path.starts_with(door)) {
                continue;
            }
            for at in words(&file.code, dependency) {
                let after = &file.code[at + dependency.len()..];
                let is_import =
                    after.starts_with("::") || (after.starts_with(';') && file.code[..at].ends_with("use "));
                if is_import {
                    let door = doors.join(" or ");
                    breaches.push(format!(
                        "{}: {dependency} belongs into {door}; ask there for what is needed",
                        file.at(at)
                    ));
                }
            }
        }
    }
    none(breaches);
}

#[test]
fn what_the_compiler_cannot_check_has_one_door() {
    let mut breaches = vec![];
    for file in rust("src").into_iter().filter(|file| !UNSAFE.contains(&file.path.as_str())) {
        for at in words(&file.code, "unsafe") {
            breaches.push(format!("{}: find a crate that wraps it, or enter the file in UNSAFE", file.at(at)));
        }
    }
    none(breaches);
}

#[test]
fn every_test_that_a_failure_is_held_by_exists() {
    let catalogue = std::fs::read_to_string(root().join("tests/FAILURES.md")).unwrap();
    let sources: String = rust("src").into_iter().chain(rust("tests")).map(|file| file.text).collect();
    let named = catalogue.split('`').skip(1).step_by(2).filter(|name| name.contains('_') && !name.contains(['.', '/']));
    let mut count = 0;
    for name in named.filter(|name| !name.starts_with("callsieve_") && *name != "memory_bytes") {
        assert!(sources.contains(&format!("fn {name}(")), "tests/FAILURES.md names {name}, which is no test");
        count += 1;
    }
    assert!(count > 10, "{count} tests are named");
    for number in 1..=28 {
        assert!(catalogue.contains(&format!("| F{number} |")), "tests/FAILURES.md leaves out F{number}");
    }
}

#[test]
fn only_jobs_count() {
    let mut breaches = vec![];
    for file in rust("src") {
        let module = file.modules().first().copied().unwrap_or("lib");
        if !COUNTERS.contains(&module) {
            let at = find(&file.code, "telemetry::metrics").into_iter().chain(find(&file.code, "telemetry::{"));
            breaches.extend(at.map(|at| format!("{}: return what happened and let the job count it", file.at(at))));
        }
    }
    none(breaches);
}

#[test]
fn every_file_begins_with_its_header() {
    let mut breaches = vec![];
    for file in rust("src") {
        if file.path == "src/lib.rs" {
            let first = "#![doc = include_str!(\"ARCHITECTURE.md\")]";
            assert!(file.text.starts_with(first), "src/lib.rs begins with {first}");
            continue;
        }
        let header: Vec<&str> = file.text.lines().take_while(|line| line.starts_with("//!")).collect();
        // Five lines of main and the tests of a module need no more than a sentence.
        let is_small = file.path == "src/main.rs" || file.path.ends_with("/tests.rs");
        let answers = ["In:", "Out:", "Never:"].iter().all(|answer| header.iter().any(|line| line.contains(answer)));
        if header.is_empty() || (!is_small && (header.len() < 3 || !answers)) {
            breaches.push(format!("{}:1: say in `//!` what comes In:, what goes Out:, what it does Never:", file.path));
        }
    }
    none(breaches);
}

#[test]
fn no_file_is_named_after_nothing() {
    let mut breaches = vec![];
    for path in paths("src").into_iter().chain(paths("tests")) {
        let mut names = path.split(['/', '.']);
        if let Some(name) = names.find(|name| FORBIDDEN_NAMES.split_whitespace().any(|bad| bad == *name)) {
            breaches.push(format!("{path}: \"{name}\" says nothing; name it after what it holds, where it is used"));
        }
    }
    none(breaches);
}

#[test]
fn some_words_are_not_written() {
    let mut breaches = vec![];
    for file in rust("src").into_iter().chain(rust("tests")) {
        let printing = if file.path.starts_with("src/") { PRINTING } else { &[] };
        for (word, instead) in FORBIDDEN_WORDS.iter().chain(printing) {
            for at in find(&file.code, word).into_iter().filter(|at| is_start(&file.code, *at)) {
                breaches.push(format!("{}: {word}: {instead}", file.at(at)));
            }
        }
    }
    none(breaches);
}

#[test]
fn unwrap_is_for_tests() {
    let mut breaches = vec![];
    for file in rust("src") {
        for at in find(&file.live(), ".unwrap()") {
            breaches.push(format!("{}: return the error, or say in `expect` why there is none", file.at(at)));
        }
    }
    none(breaches);
}

/// Every score rests on `caller_day`: a citizen's text that comes a day late would make it stale, and nobody could be barred.
#[test]
fn what_a_caller_did_is_made_of_no_citizens_words() {
    let files: Vec<String> = paths("pipelines").into_iter().filter(|path| path.ends_with(".sql")).collect();
    let sql = |table: &str| {
        let file = files.iter().find(|path| path.ends_with(&format!("/{table}.sql")));
        file.map(|path| std::fs::read_to_string(root().join(path)).unwrap())
    };
    let mut left = vec!["spam_score".to_owned()];
    let mut seen = vec![];
    while let Some(table) = left.pop() {
        let text = sql(&table).unwrap_or_default();
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let read: Vec<String> = words.filter(|word| *word != table && sql(word).is_some()).map(str::to_owned).collect();
        for said in ["citizen_report", "survey_answer", "case_event"] {
            assert!(!text.contains(said), "spam_score rests on {table}, which reads {said}");
        }
        left.extend(read.into_iter().filter(|table| !seen.contains(table)));
        seen.push(table);
    }
    assert!(["caller_day", "call_event"].iter().all(|table| seen.iter().any(|one| one == table)), "{seen:?}");
}

#[test]
fn a_definition_names_forms_that_there_are() {
    let text = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let forms = text("pipelines/scam_form.toml");
    let facts = text("pipelines/feature/report_day.toml");
    let param = facts.split_once("[param.pretending_forms]").unwrap().1;
    let named: Vec<&str> = param.split('"').nth(1).unwrap().split(' ').collect();
    let is_form =
        |name: &&str| forms.lines().any(|line| line.split_once('=') == Some(("name    ", &format!(" \"{name}\""))));
    let unknown: Vec<_> = named.iter().filter(|name| !is_form(name)).collect();
    assert!(named.len() > 5 && unknown.is_empty(), "report_day.toml names no forms of scam_form.toml: {unknown:?}");
}

#[test]
fn what_is_left_to_do_has_a_number() {
    let mut breaches = vec![];
    for folder in ["src", "tests", "pipelines", "schemas"] {
        for path in paths(folder).into_iter().filter(|path| !path.ends_with(".csv")) {
            let Ok(text) = std::fs::read_to_string(root().join(&path)) else { continue };
            for word in [concat!("TO", "DO"), concat!("FIX", "ME")] {
                for at in words(&text, word).into_iter().filter(|at| !text[at + word.len()..].starts_with("(#")) {
                    let line = line_of(&text, at);
                    breaches.push(format!("{path}:{line}: write {word}(#n) with the number of its issue, or do it"));
                }
            }
        }
    }
    none(breaches);
}

#[test]
fn logs_say_fixed_words() {
    let mut breaches = vec![];
    for file in rust("src") {
        for (at, message) in LEVELS.iter().flat_map(|level| messages(&file, level)) {
            if let Some(problem) = wording(message) {
                breaches.push(format!("{}: {problem}; values are fields", file.at(at)));
            }
        }
    }
    none(breaches);
}

#[test]
fn numbers_are_revealed_where_it_was_agreed() {
    let mut found = BTreeMap::new();
    for file in rust("src") {
        let live = file.live();
        let count = words(&live, "reveal").len() + words(&live, "reveal_text").len();
        if count > 0 {
            found.insert(file.path, count);
        }
    }
    let agreed: BTreeMap<String, usize> =
        REVEALED.iter().map(|(path, count, _)| ((*path).to_owned(), *count)).collect();
    assert_eq!(
        found, agreed,
        "numbers are shown in clear elsewhere (left) than agreed (right): print the `Number` itself, which is masked, or \
         agree on the place and enter it with its reason in REVEALED of tests/tidy.rs"
    );
    assert!(REVEALED.iter().all(|(.., reason)| !reason.is_empty()));
}

#[test]
fn the_clock_has_one_door() {
    let mut breaches = vec![];
    for file in rust("src") {
        let module = file.modules().first().copied().unwrap_or("lib");
        for reader in CLOCK_READERS.iter().filter(|_| module != "clock") {
            breaches.extend(find(&file.code, reader).into_iter().map(|at| format!("{}: ask `clock`", file.at(at))));
        }
        if !CLOCK_CHOOSERS.contains(&module) {
            let at = find(&file.live(), "Clock::System");
            breaches
                .extend(at.into_iter().map(|at| format!("{}: take the clock as a value from the job", file.at(at))));
        }
    }
    none(breaches);
}

#[test]
fn the_architecture_names_every_module() {
    let text = std::fs::read_to_string(root().join("src/ARCHITECTURE.md")).unwrap_or_default();
    let paragraphs = text.lines().filter_map(|line| line.strip_prefix("**[`crate::")?.split_once('`'));
    let described: Vec<String> = paragraphs.map(|(module, _)| module.to_owned()).collect();
    let mut sorted = described.clone();
    sorted.sort_unstable();
    let declared: Vec<String> = declared().into_iter().collect();
    assert_eq!(
        sorted, declared,
        "src/ARCHITECTURE.md describes (left) other modules than src/lib.rs declares (right); a paragraph begins with \
         **[`crate::module`]**"
    );
    let rows: Vec<String> = LAYERS.iter().map(|row| row.join(", ")).collect();
    let line = rows.join(" < ");
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(&line), "src/ARCHITECTURE.md does not state the layers as LAYERS does: {line}");
}

#[test]
fn code_in_the_architecture_is_no_test() {
    let text = std::fs::read_to_string(root().join("src/ARCHITECTURE.md")).unwrap_or_default();
    let fences = text.lines().filter(|line| line.starts_with("```"));
    let opening = fences.step_by(2).find(|fence| *fence != "```text");
    assert_eq!(opening, None, "rustdoc runs a block of src/ARCHITECTURE.md as a test; open it with ```text");
}

// --- the tree ---

struct File {
    path: String,
    text: String,
    /// The text with comments and the insides of strings blanked, byte for byte as long.
    code: String,
}

impl File {
    /// The modules that lead to it: `src/decode/avro/shape.rs` is `decode avro shape`.
    fn modules(&self) -> Vec<&str> {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let mut modules: Vec<&str> = path.strip_suffix(".rs").unwrap_or(path).split('/').collect();
        if matches!(modules.last(), Some(&"mod" | &"lib")) {
            modules.pop();
        }
        modules
    }

    /// The code without its tests.
    fn live(&self) -> String {
        if self.path.ends_with("/tests.rs") { String::new() } else { without_tests(&self.code) }
    }

    fn at(&self, at: usize) -> String {
        format!("{}:{}", self.path, line_of(&self.text, at))
    }
}

fn root() -> PathBuf {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    folder.or_else(|| option_env!("CARGO_MANIFEST_DIR").map(PathBuf::from)).unwrap_or_default()
}

/// Every file below a folder, as a path from the root.
fn paths(folder: &str) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let root = root();
    let mut found = vec![];
    walk(&root.join(folder), &mut found);
    let relative = |path: &PathBuf| path.strip_prefix(&root).ok().map(|path| path.to_string_lossy().replace('\\', "/"));
    let mut paths: Vec<String> = found.iter().filter_map(relative).collect();
    paths.sort_unstable();
    assert!(!paths.is_empty(), "nothing in {}", root.join(folder).display());
    paths
}

fn rust(folder: &str) -> Vec<File> {
    let mut files = vec![];
    for path in paths(folder).into_iter().filter(|path| path.ends_with(".rs")) {
        let text = std::fs::read_to_string(root().join(&path)).unwrap_or_default();
        let code = code(&text);
        files.push(File { path, text, code });
    }
    files
}

fn declared() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("src/lib.rs")).unwrap_or_default();
    text.lines().filter_map(|line| Some(line.strip_prefix("pub mod ")?.strip_suffix(';')?.to_owned())).collect()
}

#[track_caller]
fn none(breaches: Vec<String>) {
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

// --- reading Rust without parsing it ---

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether nothing at `at` continues a longer word.
fn is_start(text: &str, at: usize) -> bool {
    at == 0 || !is_word(text.as_bytes()[at - 1]) || !is_word(text.as_bytes()[at])
}

fn find(text: &str, what: &str) -> Vec<usize> {
    text.match_indices(what).map(|(at, _)| at).collect()
}

/// Where a whole word stands.
fn words(text: &str, word: &str) -> Vec<usize> {
    let ends = |at: &usize| text.as_bytes().get(at + word.len()).is_none_or(|byte| !is_word(*byte));
    find(text, word).into_iter().filter(|at| is_start(text, *at)).filter(ends).collect()
}

/// Blanks comments and the insides of strings; lines and bytes stay where they are.
fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        // What is blanked, and where reading goes on.
        let (from, until, next) = match &bytes[at..] {
            [b'/', b'/', ..] => skip(at, end(text, at, "\n")),
            [b'/', b'*', ..] => skip(at, end(text, at, "*/") + 2),
            [b'r', b'"' | b'#', ..] if is_start(text, at) => {
                raw_string(text, at).map_or((at, at, at + 1), |end| skip(at, end))
            }
            [b'"', ..] => quoted(at, string(bytes, at + 1)),
            [b'\'', b'\\', ..] => quoted(at, end(text, at + 3, "'")),
            [b'\'', ..] => character(text, at).map_or((at, at, at + 1), |end| quoted(at, end)),
            _ => (at, at, at + 1),
        };
        for byte in out.iter_mut().take(until).skip(from).filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
        at = next;
    }
    String::from_utf8(out).expect("whole characters are blanked")
}

fn skip(from: usize, until: usize) -> (usize, usize, usize) {
    (from, until, until)
}

/// Quotes stay, so that a string is still seen to be one.
fn quoted(open: usize, close: usize) -> (usize, usize, usize) {
    (open + 1, close, close + 1)
}

fn end(text: &str, from: usize, what: &str) -> usize {
    text.get(from..).and_then(|rest| rest.find(what)).map_or(text.len(), |found| from + found)
}

/// The end of a string's inside.
fn string(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at
}

/// The end of a raw string, behind its last hash.
fn raw_string(text: &str, at: usize) -> Option<usize> {
    let hashes = text[at + 1..].bytes().take_while(|byte| *byte == b'#').count();
    let inside = at + 1 + hashes;
    let close = format!("\"{}", "#".repeat(hashes));
    text[inside..].starts_with('"').then(|| end(text, inside + 1, &close) + close.len())
}

/// The end of a character's inside; none for a lifetime.
fn character(text: &str, at: usize) -> Option<usize> {
    let mut characters = text[at + 1..].chars();
    let length = characters.next().map_or(0, char::len_utf8);
    (characters.next() == Some('\'')).then_some(at + 1 + length)
}

/// The bracket that closes the one at `open`.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    code.len()
}

/// Blanks every item under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut live = code.as_bytes().to_vec();
    for from in find(code, "#[cfg(test)]") {
        let mut at = from + "#[cfg(test)]".len();
        while at < code.len() {
            match code.as_bytes()[at] {
                b';' => break,
                b'{' => {
                    at = closing(code, at);
                    break;
                }
                b'(' | b'[' => at = closing(code, at),
                _ => {}
            }
            at += 1;
        }
        live.iter_mut().take(at + 1).skip(from).filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
    }
    String::from_utf8(live).expect("whole characters are blanked")
}

/// The modules of the crate that a file names by `crate::`, by `super::` up to the root, or by the crate's name.
fn imports(modules: &[&str], code: &str) -> Vec<(usize, String)> {
    let mut found = vec![];
    for root in ["crate", "callsieve"] {
        for at in words(code, root) {
            found.extend(heads(code, at + root.len()).into_iter().map(|head| (line_of(code, at), head)));
        }
    }
    for at in words(code, "super").into_iter().filter(|at| !code[..*at].ends_with("super::")) {
        let mut after = at + "super".len();
        let mut steps = 1;
        while code[after..].starts_with("::super") {
            after += "::super".len();
            steps += 1;
        }
        if steps == modules.len() + inline_modules(code, at) {
            found.extend(heads(code, after).into_iter().map(|head| (line_of(code, at), head)));
        }
    }
    found.sort_unstable();
    found
}

/// The first names behind a path's beginning: of `::{a::B, c}` both `a` and `c`.
fn heads(code: &str, after: usize) -> Vec<String> {
    let Some(rest) = code[after..].strip_prefix("::") else { return vec![] };
    let head =
        |text: &str| text.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("").to_owned();
    let items = if rest.starts_with('{') {
        let inside = &rest[1..closing(rest, 0)];
        let mut items = vec![];
        let mut from = 0;
        for comma in find(inside, ",").into_iter().chain([inside.len()]) {
            let item = &inside[from..comma];
            if item.matches('{').count() == item.matches('}').count() {
                items.push(head(item));
                from = comma + 1;
            }
        }
        items
    } else {
        vec![head(rest)]
    };
    items.into_iter().filter(|item| !item.is_empty() && item != "self").collect()
}

/// How many modules within the file stand around a place.
fn inline_modules(code: &str, at: usize) -> usize {
    let opens = words(code, "mod").into_iter().filter_map(|module| {
        let open = end(code, module, "{");
        let name = code.get(module + 3..open)?.trim();
        name.bytes().all(is_word).then_some(open)
    });
    opens.filter(|open| *open < at && at < closing(code, *open)).count()
}

/// The messages of one level's log lines, each as it is written; empty when there is none.
fn messages<'a>(file: &'a File, level: &str) -> Vec<(usize, &'a str)> {
    let mut found = vec![];
    for at in words(&file.code, level) {
        let open = at + level.len() + 1;
        if !file.code[at + level.len()..].starts_with("!(") {
            continue;
        }
        let close = closing(&file.code, open);
        let inside = file.code[open..close].trim_end().trim_end_matches(',').trim_end();
        let message = inside.strip_suffix('"').and_then(|inside| {
            let from = inside.rfind('"')?;
            file.text.get(open + from + 1..open + inside.len())
        });
        found.push((at, message.unwrap_or_default()));
    }
    found
}

fn wording(message: &str) -> Option<&'static str> {
    if message.is_empty() {
        Some("a log line ends with its message")
    } else if message.contains('{') {
        Some("a log message holds no value")
    } else if message.ends_with(['.', '!', ':']) {
        Some("a log message has no full stop")
    } else if message.chars().any(char::is_uppercase) {
        Some("a log message is lower case")
    } else {
        None
    }
}

// --- the reading itself ---

#[track_caller]
fn check_imports(modules: &[&str], text: &str, expected: &[&str]) {
    let found: Vec<String> = imports(modules, &code(text)).into_iter().map(|(_, head)| head).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn imports_are_found_in_every_form() {
    check_imports(&["job"], "use crate::lake::{self, Lake};", &["lake"]);
    check_imports(&["job"], "use crate::{decode::{Decoder, row}, text};", &["decode", "text"]);
    check_imports(&["job", "ingest"], "let x = super::super::lake::open(); super::run::day();", &["lake"]);
    check_imports(&["config"], "use super::job;", &["job"]);
    check_imports(&["config"], "mod tests {\n    use super::super::job;\n    use super::Config;\n}", &["job"]);
    check_imports(&["job"], "// crate::cli\nlet x = \"crate::cli\"; pub(crate) fn f() {}", &[]);
    check_imports(&["main"], "callsieve::cli::main()", &["cli"]);
}

#[test]
fn comments_strings_and_tests_are_blanked() {
    assert_eq!(code("f(\"\", \"a\")"), "f(\"\", \" \")");
    let text = "let a = \"x\\\"é\"; // y\nlet b: &'a u8 = r#\"z\"#; let c = ['\"', '\\''];";
    assert_eq!(code(text), "let a = \"     \";     \nlet b: &'a u8 =       ; let c = [' ', '  '];");
    let text = "a;\n#[cfg(test)]\nconst E: [u8; 2] =\n    [1, 2];\nb;\n#[cfg(test)]\nmod tests { c }\nd;";
    let live: String = without_tests(text).split_whitespace().collect();
    assert_eq!(live, "a;b;d;");
}
