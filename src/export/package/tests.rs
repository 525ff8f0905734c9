//! Whole packages, built and verified; with Debian's own tools and Python where they are installed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::{Contents, Head};
use crate::domain::day::Day;
use crate::export::cell::inert;
use crate::export::corrections::Correction;
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

struct Spec {
    sequence: i64,
    previous: Option<Previous>,
    key: Option<&'static SecretKey>,
    holder: &'static str,
}

impl Spec {
    fn first() -> Self {
        Self { sequence: 1, previous: None, key: Some(&KEY), holder: "MobiFone" }
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
fn build(root: &Path, name: &str, spec: &Spec) -> (PathBuf, String) {
    let numbers = [
        flagged(84_900_000_001, "limited", spec.holder),
        flagged(84_900_000_002, "survey", "=HYPERLINK(\"http://example.invalid\")"),
        flagged(84_900_000_003, "blocked", "＝1+1"),
    ];
    let before = [flagged(84_900_000_001, "survey", "Viettel")];
    build_of(root, name, spec, (rows(&numbers), rows(&before)))
}

/// The same of some numbers, and of others that were told of before and are withdrawn.
fn build_of(root: &Path, name: &str, spec: &Spec, (numbers, before): (Rows, Rows)) -> (PathBuf, String) {
    let head = Head {
        recipient: "regulator".to_owned(),
        recipient_doc: "an authority".to_owned(),
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
    let mut corrections = Vec::new();
    let keep = |row: &[String]| {
        corrections.push(Correction { change: "withdrawn", cells: row.to_vec() });
        Ok(())
    };
    before.each(keep).unwrap();
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
    let contents = Contents::new(head, numbers, &before, corrections, vec![run]);
    let aside = Aside::open(root, name).unwrap();
    let manifest = contents.write(&aside, spec.key).unwrap();
    aside.publish().unwrap();
    (root.join(name), manifest)
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
    assert!(chained(&other).text().contains("other/manifest.json: it is not the manifest of package 1"));
    let alone = verify(&first, &KEY.public(), Some(&second)).unwrap();
    assert!(alone.text().contains("it follows no package"), "{}", alone.text());
    let unfounded = build(root.path(), "unfounded", &Spec { sequence: 2, ..Spec::first() }).0;
    check_named(&unfounded, "manifest.json");
    std::fs::write(first.join("report.html"), "").unwrap();
    assert!(chained(&first).text().contains("first/report.html: its bytes differ"));
}

/// Runs a tool in a folder; `None`, and a line that says so, where it is not installed.
fn tool(name: &str, folder: &Path, args: &[&str]) -> Option<std::process::Output> {
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

/// Prints for each sheet its cells, as Python's own reader of ZIP and XML sees them, and every formula.
const CELLS: &str = r#"
import re, sys, zipfile, xml.etree.ElementTree as tree
book, ns = zipfile.ZipFile(sys.argv[1]), "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
assert {item.date_time for item in book.infolist()} == {(1980, 1, 1, 0, 0, 0)}, "files carry an instant"
shared = []
if "xl/sharedStrings.xml" in book.namelist():
    for item in tree.fromstring(book.read("xl/sharedStrings.xml")):
        shared.append("".join(item.itertext()))
for name in sorted(name for name in book.namelist() if re.match(r"xl/worksheets/sheet\d+\.xml$", name)):
    root = tree.fromstring(book.read(name))
    for cell in root.iter(ns + "c"):
        assert cell.find(ns + "f") is None, f"a formula in {name}"
        kind, text = cell.get("t", "n"), "".join(cell.itertext())
        print(name[14:-4], cell.get("r"), kind, shared[int(text)] if kind == "s" else text)
print(len([name for name in book.namelist() if name.startswith("xl/charts/chart")]), "charts")
"#;

#[test]
fn the_workbook_runs_nothing_and_keeps_numbers_as_text() {
    let root = tempfile::tempdir().unwrap();
    let (package, _) = build(root.path(), "2025-W02", &Spec::first());
    let Some(output) = tool("python3", &package, &["-c", CELLS, "numbers.xlsx"]) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let cells = String::from_utf8(output.stdout).unwrap();
    for line in [
        "sheet3 B1 inlineStr number",
        "sheet3 B2 inlineStr 84900000001",
        "sheet3 D3 inlineStr =HYPERLINK(\"http://example.invalid\")",
        "sheet3 D4 inlineStr ＝1+1",
        "sheet3 O2 n 2",
        "sheet5 A2 s 2025-W02",
        "sheet5 I2 s not yet measured",
        "sheet5 I3 n 0.75",
        "sheet5 J3 n 0.5",
        "sheet5 I4 s not yet measured",
        "sheet6 D1 s reports",
        "sheet6 C2 s Cà Mau",
        "sheet6 D2 n 40",
    ] {
        assert!(cells.lines().any(|cell| cell == line), "{line} is not among\n{cells}");
    }
    let charts = cells.lines().last().and_then(|line| line.split(' ').next()).unwrap();
    assert!(charts.parse::<u32>().unwrap() >= 5, "{charts} charts");
}

#[test]
fn the_page_tells_what_reviewers_found_and_of_which_week_nothing_is_known() {
    let root = tempfile::tempdir().unwrap();
    let (package, _) = build(root.path(), "2025-W02", &Spec::first());
    let page = std::fs::read_to_string(package.join("report.html")).unwrap();
    let row = |week: &str, rest: &str| format!("<tr><td>{week}</td>{rest}</tr>\n");
    let said = |band: &str, counts: &str, known: &str| {
        let counts: String = counts.split(' ').map(|count| format!("<td class=\"count\">{count}</td>")).collect();
        let rest = format!("<td>5f1cab2f03d9</td><td>all</td><td>{band}</td>{counts}<td class=\"count\">{known}</td>");
        row("2025-W01", &rest)
    };
    let nobody = row("2025-W02", "<td class=\"count\" colspan=\"7\">not yet measured</td>");
    let (all, top) = (said("flagged", "40 8 6", "0.750 (0.500 to 0.875)"), said("top", "40 0 0", "not yet measured"));
    for line in [nobody, all, top] {
        assert!(page.contains(&line), "{line} is not in\n{page}");
    }
}

#[test]
fn the_page_tells_reports_by_form_beside_the_week_before() {
    let root = tempfile::tempdir().unwrap();
    let (package, _) = build(root.path(), "2025-W02", &Spec::first());
    let page = std::fs::read_to_string(package.join("report.html")).unwrap();
    let line = "<tr><th>fake_lender</th><td class=\"count\">100</td><td class=\"count\">80</td></tr>";
    assert!(page.contains(line) && !page.contains("tax_office"), "{page}");
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

/// What the person who names a SIM's operator might write to have it run.
const RUNNABLE: [&str; 9] = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1;1)",
    "=HYPERLINK(\"http://example.invalid\")",
    "＝1+1",
    "＋1+1",
    "\t=1+1",
    "\u{feff}=1+1",
];

/// What LibreOffice makes of a file, as one XML document; `None` where it is not installed.
fn opened(file: &Path, scratch: &Path) -> Option<String> {
    let profile = format!("-env:UserInstallation=file://{}/profile", scratch.display());
    let mut args = vec![&profile, "--headless", "--convert-to", "fods", "--outdir", "opened", file.to_str().unwrap()];
    if file.extension().is_some_and(|extension| extension == "csv") {
        args.push("--infilter=CSV:44,34,UTF8");
    }
    let output = tool("soffice", scratch, &args)?;
    let opened = scratch.join("opened").join(file.with_extension("fods").file_name().unwrap());
    let text = std::fs::read_to_string(&opened);
    let said = [output.stdout, output.stderr].concat();
    Some(text.unwrap_or_else(|error| panic!("{}: {error}: {}", opened.display(), String::from_utf8_lossy(&said))))
}

/// The cells of such a document, each as its attributes and its text.
fn office_cells(document: &str) -> Vec<(String, String)> {
    let mut cells = Vec::new();
    for cell in document.split("<table:table-cell").skip(1) {
        let Some((attributes, inner)) = cell.split_once('>') else { continue };
        let text = inner.split_once("<text:p>").and_then(|(_, text)| text.split_once("</text:p>"));
        let text = text.map(|(text, _)| text.replace("&quot;", "\"").replace("&apos;", "'")).unwrap_or_default();
        cells.push((attributes.to_owned(), text.replace("<text:tab/>", "\t")));
    }
    cells
}

#[test]
fn what_could_run_is_text_when_libreoffice_opens_it() {
    let root = tempfile::tempdir().unwrap();
    let control = root.path().join("control.csv");
    std::fs::write(&control, "a\n=1+1\n").unwrap();
    let Some(document) = opened(&control, root.path()) else { return };
    let ran = |cells: &[(String, String)]| cells.iter().filter(|(cell, _)| cell.contains("table:formula")).count();
    assert_eq!(ran(&office_cells(&document)), 1, "LibreOffice runs what is not marked:\n{document}");

    let numbered: Vec<_> = RUNNABLE.iter().zip(84_900_000_001..).collect();
    let hostile = || rows(&numbered.iter().map(|(text, number)| flagged(*number, "limited", text)).collect::<Vec<_>>());
    let (package, _) = build_of(root.path(), "2025-W02", &Spec::first(), (hostile(), hostile()));
    for (file, is_marked) in [("numbers.csv", true), ("corrections.csv", true), ("numbers.xlsx", false)] {
        let cells = office_cells(&opened(&package.join(file), root.path()).unwrap());
        assert_eq!(ran(&cells), 0, "{file} runs");
        for text in RUNNABLE {
            let shown = if is_marked { inert(text).into_owned() } else { text.to_owned() };
            let cell = cells.iter().find(|(_, cell)| *cell == shown);
            let (attributes, _) = cell.unwrap_or_else(|| panic!("{file} shows no {shown:?}: {cells:?}"));
            assert!(attributes.contains("office:value-type=\"string\""), "{file}, {shown:?}: {attributes}");
        }
    }
    let workbook = office_cells(&opened(&package.join("numbers.xlsx"), root.path()).unwrap());
    let number = workbook.iter().find(|(_, text)| text == "84900000001").unwrap();
    assert!(number.0.contains("office:value-type=\"string\""), "a telephone number is no figure: {}", number.0);
}

#[test]
fn the_page_asks_nobody_and_names_nobody() {
    let root = tempfile::tempdir().unwrap();
    let (package, _) = build(root.path(), "2025-W02", &Spec::first());
    let page = std::fs::read_to_string(package.join("report.html")).unwrap();
    for absent in ["<script", "src=", "href=", "849000", "@import", "url("] {
        assert!(!page.contains(absent), "{absent} is in the page");
    }
    for present in ["<svg", "tần suất", "1 withdrawn", "Appeals are not held"] {
        assert!(page.contains(present), "{present} is missing");
    }
}
