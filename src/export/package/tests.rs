//! Whole packages, built and verified; with Debian's own tools and Python where they are installed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::{Contents, Head};
use crate::domain::day::Day;
use crate::domain::lang::Lang;
use crate::export::corrections::Corrections;
use crate::export::coverage::{Act, Run};
use crate::export::figures::Figures;
use crate::export::folder::{self, Aside};
use crate::export::manifest::{Manifest, Previous};
use crate::export::precision::{self, Measured};
use crate::export::rows::Rows;
use crate::export::rows::tests::{MONDAY, flagged, rows};
use crate::export::sign::{PublicKey, SecretKey};
use crate::export::trend::{self, Trend};
use crate::export::verify::{Verdict, verify};

/// The key of every test, so that a package of one is the same as that of another.
static KEY: LazyLock<SecretKey> = LazyLock::new(|| SecretKey::new().unwrap());

/// Somebody else's.
static OTHER: LazyLock<SecretKey> = LazyLock::new(|| SecretKey::new().unwrap());

pub(in crate::export) struct Spec {
    sequence: i64,
    previous: Option<Previous>,
    key: Option<&'static SecretKey>,
    holder: &'static str,
    lang: Lang,
}

impl Spec {
    pub(in crate::export) fn first() -> Self {
        Self::first_in(Lang::En)
    }

    pub(in crate::export) fn first_in(lang: Lang) -> Self {
        Self { sequence: 1, previous: None, key: Some(&KEY), holder: "MobiFone", lang }
    }
}

/// A week of which nobody was drawn yet, and the one before, in which a band has no review.
fn reviewed() -> Vec<Measured> {
    let week = Day::from_epoch_days(MONDAY).week();
    let found = precision::tests::rows(&[("all", "flagged", Some(0.75)), ("all", "top", None)]);
    let columns = ["segment", "score"].map(str::to_owned);
    let measured = |week, batches: &[_]| Measured::of(week, batches, &columns).unwrap();
    vec![measured(week, &[]), measured(week.monday().plus(-7).week(), &[found])]
}

/// Publishes `ROOT/NAME`; gives back its folder and the hash of its manifest.
pub(in crate::export) fn build(root: &Path, name: &str, spec: &Spec) -> (PathBuf, String) {
    let numbers = [
        flagged(84_900_000_001, "limited", spec.holder),
        flagged(84_900_000_002, "survey", "=HYPERLINK(\"http://example.invalid\")"),
        flagged(84_900_000_003, "blocked", "＝1+1"),
    ];
    let before = [flagged(84_900_000_001, "survey", "Viettel")];
    build_of(root, name, spec, (rows(&numbers), rows(&before)))
}

/// The same of some numbers, and of others that were told of before and are withdrawn.
pub(in crate::export) fn build_of(root: &Path, name: &str, spec: &Spec, lists: (Rows, Rows)) -> (PathBuf, String) {
    let contents = contents(root, spec, lists);
    let aside = Aside::open(root, name).unwrap();
    let manifest = contents.write(&aside, spec.key).unwrap().manifest_sha256;
    aside.publish().unwrap();
    (root.join(name), manifest)
}

/// What such a package says.
pub(in crate::export) fn contents(root: &Path, spec: &Spec, (numbers, before): (Rows, Rows)) -> Contents {
    let head = Head {
        recipient: "regulator".to_owned(),
        recipient_doc: "an authority".to_owned(),
        lang: spec.lang,
        week: Day::from_epoch_days(MONDAY).week(),
        sequence: spec.sequence,
        supersedes: None,
        previous: spec.previous.clone(),
        computed_at: "2025-01-13T01:00:00Z".to_owned(),
        precision: reviewed(),
        trend: Trend::new(&trend::tests::counts(), &BTreeMap::new(), 10),
        tables: BTreeMap::from([("regulator_week".to_owned(), 3)]),
        definitions: BTreeMap::from([("regulator_week".to_owned(), BTreeSet::from(["ab".to_owned()]))]),
    };
    let mut corrections = Corrections::new(root);
    let columns: Vec<String> = before.columns().iter().map(|column| column.name.clone()).collect();
    corrections.add(&before, &rows(&[]), (&columns, &columns)).unwrap();
    let run = Run {
        topic: "call_record".to_owned(),
        source: "k/call_record/0".to_owned(),
        partition: 0,
        act: Act::Read,
        from: 0,
        until: 10,
        records: 7,
        rejects: 1,
        tombstones: 1,
        gaps: 1,
        rows_of_week: 7,
    };
    let before = Figures::of(&before, head.week.monday().plus(-7).week());
    Contents::new(head, numbers, &before, corrections, vec![run])
}

fn files(package: &Path) -> Vec<String> {
    folder::files(package).unwrap().into_keys().collect()
}

fn verdict(package: &Path) -> Verdict {
    verify(package, &KEY.public(), None).unwrap()
}

#[track_caller]
fn check_named(package: &Path, file: &str) {
    let verdict = verdict(package);
    assert!(!verdict.is_sound, "{file} was changed");
    assert!(verdict.problems.iter().any(|problem| problem.file == file), "{file} is not named: {}", verdict.text());
}

#[test]
fn two_folders_get_the_same_bytes() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, _) = build(one.path(), "2025-W02", &Spec::first());
    let (two, _) = build(two.path(), "again", &Spec::first());
    let names = [
        "SHA256SUMS",
        "SHA256SUMS.minisig",
        "corrections.csv",
        "coverage.csv",
        "manifest.json",
        "numbers.csv",
        "numbers.xlsx",
        "report.html",
        "trends.csv",
    ];
    assert_eq!(files(&one), names);
    assert_eq!(files(&two), names);
    for name in names {
        let read = |package: &Path| std::fs::read(package.join(name)).unwrap();
        assert!(read(&one) == read(&two), "{name} differs");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_named_and_nothing_is_left_of_the_others() {
    for name in ["numbers.csv", "report.html", "numbers.xlsx"] {
        let root = tempfile::tempdir().unwrap();
        let numbers = rows(&[flagged(84_900_000_001, "limited", "MobiFone")]);
        let contents = contents(root.path(), &Spec::first(), (numbers, rows(&[])));
        let aside = Aside::open(root.path(), "2025-W02").unwrap();
        std::fs::write(aside.path().join(name), "").unwrap();
        let error = format!("{:#}", contents.write(&aside, None).unwrap_err());
        assert!(error.contains(&format!("/{name}: ")), "{name} is not named: {error}");
        drop(aside);
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_package_as_it_was_signed_is_sound() {
    let root = tempfile::tempdir().unwrap();
    let (package, _) = build(root.path(), "2025-W02", &Spec::first());
    let verdict = verdict(&package);
    assert!(verdict.is_sound, "{}", verdict.text());
    assert_eq!((verdict.numbers, verdict.sequence, verdict.week.as_deref()), (Some(3), Some(1), Some("2025-W02")));
}

#[test]
fn whatever_byte_is_changed_its_file_is_named() {
    let root = tempfile::tempdir().unwrap();
    let (package, _) = build(root.path(), "2025-W02", &Spec::first());
    for file in files(&package) {
        let path = package.join(&file);
        let whole = std::fs::read(&path).unwrap();
        // Every byte of what is small, and hundreds of places in what is not.
        for at in (0..whole.len()).step_by(whole.len().div_ceil(400)).chain([whole.len() - 1]) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            check_named(&package, &file);
        }
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        check_named(&package, &file);
        std::fs::write(&path, [&whole[..], b"\n"].concat()).unwrap();
        check_named(&package, &file);
        std::fs::remove_file(&path).unwrap();
        check_named(&package, &file);
        std::fs::write(&path, &whole).unwrap();
    }
    assert!(verdict(&package).is_sound);
}

#[test]
fn what_does_not_belong_to_it_is_named() {
    let root = tempfile::tempdir().unwrap();
    let (package, _) = build(root.path(), "2025-W02", &Spec::first());
    std::fs::write(package.join("more.csv"), "").unwrap();
    check_named(&package, "more.csv");
    std::fs::remove_file(package.join("more.csv")).unwrap();
    std::fs::create_dir(package.join("more")).unwrap();
    check_named(&package, "more");
    std::fs::remove_dir(package.join("more")).unwrap();
    std::fs::rename(package.join("numbers.csv"), root.path().join("numbers.csv")).unwrap();
    std::os::unix::fs::symlink(root.path().join("numbers.csv"), package.join("numbers.csv")).unwrap();
    check_named(&package, "numbers.csv");
}

#[test]
fn whoever_has_another_key_can_make_no_package_that_passes() {
    let root = tempfile::tempdir().unwrap();
    let forged = Spec { key: Some(&OTHER), ..Spec::first() };
    check_named(&build(root.path(), "forged", &forged).0, "SHA256SUMS.minisig");
    let unsigned = Spec { key: None, ..Spec::first() };
    check_named(&build(root.path(), "unsigned", &unsigned).0, "SHA256SUMS.minisig");
    // The signature of a good package vouches for no other.
    let (good, _) = build(root.path(), "good", &Spec::first());
    let (other, _) = build(root.path(), "other", &Spec { holder: "Viettel", ..Spec::first() });
    for file in ["SHA256SUMS", "SHA256SUMS.minisig"] {
        std::fs::copy(good.join(file), other.join(file)).unwrap();
    }
    check_named(&other, "numbers.csv");
}

#[test]
fn a_week_follows_the_one_before() {
    let root = tempfile::tempdir().unwrap();
    let (first, manifest_sha256) = build(root.path(), "first", &Spec::first());
    let previous = Previous { week: "2025-W02".to_owned(), sequence: 1, manifest_sha256 };
    let (second, _) = build(root.path(), "second", &Spec { sequence: 2, previous: Some(previous), ..Spec::first() });
    let chained = |previous: &Path| verify(&second, &KEY.public(), Some(previous)).unwrap();
    assert!(chained(&first).is_sound, "{}", chained(&first).text());
    assert!(verdict(&second).is_sound, "it can be looked at alone");

    let (other, _) = build(root.path(), "other", &Spec { holder: "Viettel", ..Spec::first() });
    let wrong = chained(&other);
    let said =
        "other/manifest.json: it is not the manifest of package 1 (2025-W02), which this one follows, but of package 1";
    assert!(wrong.text().starts_with("THE CHAIN IS BROKEN\npackage 2, week 2025-W02, is itself as it was signed"));
    assert!(wrong.text().contains(said), "{}", wrong.text());
    assert!(wrong.ensure_sound().unwrap_err().to_string().starts_with("the chain is broken: the package is what was"));
    let alone = verify(&first, &KEY.public(), Some(&second)).unwrap();
    let said = "second/manifest.json: the package that is looked at is the first";
    assert!(alone.is_as_signed && alone.text().contains(said), "{}", alone.text());
    let unfounded = build(root.path(), "unfounded", &Spec { sequence: 2, ..Spec::first() }).0;
    check_named(&unfounded, "manifest.json");
    std::fs::write(first.join("report.html"), "").unwrap();
    let changed = chained(&first);
    assert!(changed.is_as_signed && changed.text().contains("first/report.html: its bytes differ"));
    // Whatever is given as the one before, a package that was changed is the first to be said.
    std::fs::write(second.join("report.html"), "").unwrap();
    assert!(chained(&first).text().starts_with("NOT SOUND\n"));
    assert_eq!(chained(&first).ensure_sound().unwrap_err().to_string(), "the package is not what was signed");
}

/// Runs a tool in a folder; `None`, and a line that says so, where it is not installed.
pub(in crate::export) fn tool(name: &str, folder: &Path, args: &[&str]) -> Option<std::process::Output> {
    match Command::new(name).args(args).current_dir(folder).output() {
        Ok(output) => Some(output),
        Err(error) => {
            writeln!(std::io::stderr(), "skipped: {name} cannot be run here: {error}").unwrap();
            None
        }
    }
}

#[track_caller]
fn check_tool(name: &str, folder: &Path, args: &[&str], succeeds: bool) {
    let Some(output) = tool(name, folder, args) else { return };
    let said = [output.stdout, output.stderr].concat();
    assert_eq!(output.status.success(), succeeds, "{name} {args:?}: {}", String::from_utf8_lossy(&said));
}

#[test]
fn debians_own_tools_agree() {
    let root = tempfile::tempdir().unwrap();
    let (package, _) = build(root.path(), "2025-W02", &Spec::first());
    let public = root.path().join("key.pub");
    std::fs::write(&public, KEY.public().text()).unwrap();
    let minisign = ["-V", "-p", public.to_str().unwrap(), "-m", "SHA256SUMS"];
    let sums = ["--check", "--strict", "SHA256SUMS"];
    check_tool("minisign", &package, &minisign, true);
    check_tool("sha256sum", &package, &sums, true);
    std::fs::write(package.join("report.html"), "").unwrap();
    check_tool("sha256sum", &package, &sums, false);
    std::fs::write(package.join("SHA256SUMS"), "").unwrap();
    check_tool("minisign", &package, &minisign, false);
}

#[test]
fn minisign_and_we_read_each_others_keys() {
    let root = tempfile::tempdir().unwrap();
    let text = |name: &str| std::fs::read_to_string(root.path().join(name)).unwrap();
    std::fs::write(root.path().join("message"), "bytes").unwrap();
    let ours = SecretKey::new().unwrap();
    std::fs::write(root.path().join("ours"), ours.text()).unwrap();
    if tool("minisign", root.path(), &["-G", "-W", "-s", "theirs", "-p", "theirs.pub"]).is_none() {
        return;
    }
    let theirs = SecretKey::read(&text("theirs")).unwrap();
    assert_eq!(theirs.public(), PublicKey::read(&text("theirs.pub")).unwrap());
    // With our comment and theirs in place of its own, a signature of minisign is ours to the byte.
    let comment = "signature by callsieve, also verified by: minisign -V";
    check_tool(
        "minisign",
        root.path(),
        &["-S", "-W", "-s", "ours", "-m", "message", "-c", comment, "-t", "week 2"],
        true,
    );
    assert_eq!(text("message.minisig"), ours.sign(b"bytes", "week 2"));
}

/// The same package, of which its key says the same about other files.
fn sealed_anew(package: &Path, edit: impl Fn(&mut Manifest)) {
    let mut manifest = Manifest::read(&std::fs::read_to_string(package.join("manifest.json")).unwrap()).unwrap();
    edit(&mut manifest);
    std::fs::write(package.join("manifest.json"), manifest.text().unwrap()).unwrap();
    let sums = folder::files(package).unwrap().into_keys().filter(|name| !name.starts_with("SHA256SUMS"));
    let line = |name: String| format!("{}  {name}\n", folder::sha256(&package.join(&name)).unwrap());
    let sums: String = sums.map(line).collect();
    std::fs::write(package.join("SHA256SUMS"), &sums).unwrap();
    let signature = KEY.sign(sums.as_bytes(), &manifest.comment());
    std::fs::write(package.join("SHA256SUMS.minisig"), signature).unwrap();
}

#[test]
fn a_package_of_before_trends_were_told_is_sound_and_one_that_counts_them_wrong_is_not() {
    let root = tempfile::tempdir().unwrap();
    let (older, _) = build(root.path(), "older", &Spec::first());
    std::fs::remove_file(older.join("trends.csv")).unwrap();
    sealed_anew(&older, |manifest| manifest.files.retain(|file| file.name != "trends.csv"));
    assert!(verdict(&older).is_sound, "{}", verdict(&older).text());

    let (wrong, _) = build(root.path(), "wrong", &Spec::first());
    sealed_anew(&wrong, |manifest| {
        let trends = manifest.files.iter_mut().find(|file| file.name == "trends.csv").unwrap();
        trends.rows = trends.rows.map(|rows| rows + 1);
    });
    check_named(&wrong, "trends.csv");
}

#[test]
fn what_a_spreadsheet_would_run_is_marked_in_csv() {
    let root = tempfile::tempdir().unwrap();
    let (package, _) = build(root.path(), "2025-W02", &Spec::first());
    let text = std::fs::read_to_string(package.join("numbers.csv")).unwrap();
    assert!(text.contains("\"'=HYPERLINK(\"\"http://example.invalid\"\")\"") && text.contains(",'＝1+1,"), "{text}");
}
