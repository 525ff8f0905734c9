//! Whole dossiers, built, verified and spoilt.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::section::{CALLS, Cell, DECISIONS, Section};
use super::*;
use crate::export::folder;
use crate::export::verify::{Verdict, verify};

static KEY: LazyLock<SecretKey> = LazyLock::new(|| SecretKey::new().unwrap());

fn dossier(lang: Lang) -> Dossier {
    let day = |text: &str| -> Day { text.parse().unwrap() };
    let head = Head {
        number: "84962000001".to_owned(),
        case_ref: "123/CV-A05".to_owned(),
        from: day("2025-01-06"),
        until: day("2025-01-07"),
        first_day: day("2025-01-06"),
        last_day: day("2025-01-07"),
        is_known: true,
        subscription: None,
        other_subscriptions: 0,
        disclosure: None,
        judged_on: None,
        clearing: None,
        unexplained: None,
        closed: None,
    };
    let call = |start_at: i64| {
        let called = Cell::Text("84912•••678".to_owned());
        vec![Cell::At(start_at), called, "e164".into(), true.into(), 30.into(), "<b>".into(), false.into()]
    };
    let sections = vec![
        Section { kind: &CALLS, rows: vec![call(1_736_132_400_000_000), call(1_736_132_460_000_000)] },
        Section { kind: &DECISIONS, rows: vec![] },
    ];
    let tables = BTreeMap::from([("call_event".to_owned(), 3)]);
    Dossier { head, lang, sections, tables, definitions: BTreeMap::new() }
}

fn build(root: &Path, dossier: &Dossier) -> PathBuf {
    let aside = Aside::open(root, "one").unwrap();
    dossier.write(&aside, Some(&KEY)).unwrap();
    aside.publish().unwrap();
    root.join("one")
}

fn verdict(folder: &Path) -> Verdict {
    verify(folder, &KEY.public(), None).unwrap()
}

#[test]
fn a_dossier_as_it_was_signed_is_sound_and_says_what_it_is() {
    let root = tempfile::tempdir().unwrap();
    let verdict = verdict(&build(root.path(), &dossier(Lang::Vi)));
    assert!(verdict.is_sound, "{}", verdict.text());
    assert!(
        verdict.text().starts_with("sound: dossier for 123/CV-A05, 2025-01-06 to 2025-01-07, other parties masked\n")
    );
}

#[test]
fn two_folders_get_the_same_bytes() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, two) = (build(one.path(), &dossier(Lang::Vi)), build(two.path(), &dossier(Lang::Vi)));
    for name in ["SHA256SUMS", "SHA256SUMS.minisig", "dossier.html", "dossier.json", "manifest.json"] {
        assert!(std::fs::read(one.join(name)).unwrap() == std::fs::read(two.join(name)).unwrap(), "{name} differs");
    }
    assert_eq!(folder::files(&one).unwrap().len(), 5);
}

#[test]
fn whatever_byte_is_changed_its_file_is_named() {
    let root = tempfile::tempdir().unwrap();
    let folder = build(root.path(), &dossier(Lang::En));
    for file in folder::files(&folder).unwrap().into_keys() {
        let path = folder.join(&file);
        let whole = std::fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(1 + whole.len() / 300) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, changed).unwrap();
            let verdict = verdict(&folder);
            assert!(verdict.problems.iter().any(|problem| problem.file == file), "{file} at {at}: {}", verdict.text());
        }
        std::fs::write(&path, whole).unwrap();
    }
    assert!(verdict(&folder).is_sound);
    std::fs::write(folder.join("more.txt"), "x").unwrap();
    assert_eq!(verdict(&folder).problems[0].file, "more.txt");
}

#[test]
fn facts_that_are_not_as_many_as_the_manifest_says_are_found_though_signed() {
    let root = tempfile::tempdir().unwrap();
    let aside = Aside::open(root.path(), "one").unwrap();
    let mut manifest = dossier(Lang::En).manifest(vec![]);
    let facts = aside.write(FACTS, |out| Ok(out.write_all(b"{\"sections\": {\"calls\": []}}")?)).unwrap();
    let mut sums = BTreeMap::from([(facts.name.clone(), facts.sha256.clone())]);
    manifest.files.push(listed(facts));
    let text = serde_json::to_string(&manifest).unwrap();
    let written = aside.write(manifest::FILE, |out| Ok(out.write_all(text.as_bytes())?)).unwrap();
    sums.insert(written.name, written.sha256);
    sums::seal(&aside, &sums, &manifest.comment(), Some(&KEY)).unwrap();
    aside.publish().unwrap();
    let problems = verdict(&root.path().join("one")).problems;
    assert!(problems.iter().any(|problem| problem.what.contains("0 rows in calls")), "{problems:?}");
}

#[test]
fn the_page_speaks_the_readers_language_and_nothing_breaks_out() {
    let page = page::html(&dossier(Lang::Vi));
    assert!(page.contains("<td>2025-01-06 10:00:00</td>"), "in Vietnam's time");
    assert!(page.contains("Diễn biến cuộc gọi") && page.contains("&lt;b&gt;") && !page.contains("<b>"));
    assert!(page.contains("Không có.") && !page.contains("src=") && !page.contains("<script"));
    let facts = dossier(Lang::Vi).facts().unwrap();
    assert_eq!(facts["sections"]["calls"][0]["start_at"], "2025-01-06T03:00:00Z");
}

#[test]
fn references_are_one_line_and_no_two_share_a_folder() {
    assert_eq!(folder_name("123/CV-A05"), "123_2FCV-A05");
    assert_ne!(folder_name("1/2"), folder_name("1_2F2"));
    assert_eq!(folder_name(".."), "_2E_2E");
    assert!(check_reference("123/CV-A05").is_ok());
    for wrong in ["", " ", "a\nb", &"x".repeat(81)] {
        assert!(check_reference(wrong).is_err(), "{wrong:?}");
    }
}
