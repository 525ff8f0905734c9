//! The workbook and the CSV files beside it, as Python and LibreOffice read them where they are installed.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::domain::lang::Lang;
use crate::export::cell::inert;
use crate::export::package::tests::{Spec, build, build_of, contents, tool};
use crate::export::rows::tests::{flagged, rows};
use crate::schema::contract::Table;

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

/// Prints for the two lists how many cells of text there are below the header, how many of them are text whatever they
/// look like, and how many columns are so where a cell is empty.
const TEXTS: &str = r#"
import re, sys, zipfile, xml.etree.ElementTree as tree
book, ns = zipfile.ZipFile(sys.argv[1]), "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
styles = tree.fromstring(book.read("xl/styles.xml"))
# Text is the format 49, or one of the book's own by the same code.
codes = ["49"] + [format.get("numFmtId") for format in styles.iter(ns + "numFmt") if format.get("formatCode") == "@"]
is_text = lambda format: format.get("numFmtId") in codes and format.get("quotePrefix") == "1"
text = [str(at) for at, format in enumerate(styles.find(ns + "cellXfs")) if is_text(format)]
for name, own in (("sheet3", "[A-Z]+1"), ("sheet4", "[A-Z]+1|A[0-9]+")):
    root = tree.fromstring(book.read(f"xl/worksheets/{name}.xml"))
    cells = [cell for cell in root.iter(ns + "c") if cell.get("t", "n") != "n" and not re.fullmatch(own, cell.get("r"))]
    columns = [column for column in root.iter(ns + "col") if column.get("style") in text]
    count = sum(int(column.get("max")) - int(column.get("min")) + 1 for column in columns)
    print(len(cells), len([cell for cell in cells if cell.get("s") in text]), count)
"#;

#[test]
fn every_text_of_a_list_is_text_whatever_it_looks_like() {
    let root = tempfile::tempdir().unwrap();
    let (package, _) = build(root.path(), "2025-W02", &Spec::first());
    let Some(output) = tool("python3", &package, &["-c", TEXTS, "numbers.xlsx"]) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let expected = Table::REGULATOR_WEEK.contract().columns.iter().filter(|column| !super::is_figure(column)).count();
    let mut lists = 0;
    for line in printed.lines() {
        let counts: Vec<usize> = line.split(' ').map(|count| count.parse().unwrap()).collect();
        assert!(counts[0] > 0 && counts[0] == counts[1] && counts[2] == expected, "{expected} columns: {printed}");
        lists += 1;
    }
    assert_eq!(lists, 2);
}

#[test]
fn what_people_read_is_in_the_language_of_the_package_and_lists_are_as_their_files() {
    let root = tempfile::tempdir().unwrap();
    let (package, _) = build(root.path(), "2025-W02", &Spec::first_in(Lang::Vi));
    let Some(output) = tool("python3", &package, &["-c", CELLS, "numbers.xlsx"]) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let cells = String::from_utf8(output.stdout).unwrap();
    for line in [
        "sheet1 A1 s Danh sách số bị gắn cờ trong tuần",
        "sheet1 A2 s Nơi nhận",
        "sheet2 A1 s Số bị gắn cờ",
        "sheet2 A2 s tất cả",
        "sheet2 B1 s tuần này",
        "sheet3 B1 inlineStr number",
        "sheet4 A2 s withdrawn",
        "sheet5 I2 s chưa đo",
        "sheet6 D1 s reports",
    ] {
        assert!(cells.lines().any(|cell| cell == line), "{line} is not among\n{cells}");
    }
    for text in ["Flagged", "this week", "not yet measured", "Columns", "Recipient", "Highest spam score"] {
        assert!(!cells.contains(text), "{text} is in\n{cells}");
    }
}

#[test]
fn many_corrections_are_written_row_by_row_and_are_those_of_the_file() {
    let root = tempfile::tempdir().unwrap();
    let many: Vec<_> = (84_900_000_001..84_900_020_002).map(|number| flagged(number, "limited", "Viettel")).collect();
    let few = rows(&[flagged(84_900_000_001, "limited", "Viettel")]);
    let (package, _) = build_of(root.path(), "2025-W02", &Spec::first(), (few, rows(&many)));
    assert_eq!(std::fs::read_to_string(package.join("corrections.csv")).unwrap().lines().count(), 20_002);
    let Some(output) = tool("python3", &package, &["-c", CELLS, "numbers.xlsx"]) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let cells = String::from_utf8(output.stdout).unwrap();
    for line in [
        "sheet4 A1 inlineStr change",
        "sheet4 A2 inlineStr withdrawn",
        "sheet4 C2 inlineStr 84900000001",
        "sheet4 C20002 inlineStr 84900020001",
        "sheet5 A2 s 2025-W02",
    ] {
        assert!(cells.lines().any(|cell| cell == line), "{line} is missing");
    }
}

#[test]
fn a_workbook_that_nobody_wants_any_more_is_not_finished() {
    let root = tempfile::tempdir().unwrap();
    let numbers = rows(&[flagged(84_900_000_001, "limited", "Viettel")]);
    let contents = contents(root.path(), &Spec::first(), (numbers, rows(&[])));
    let written = |is_unwanted| {
        let mut out = Vec::new();
        super::write(&contents, root.path(), &AtomicBool::new(is_unwanted), &mut out).map(|()| out.len())
    };
    assert!(written(false).unwrap() > 0);
    assert_eq!(written(true).unwrap_err().to_string(), "the workbook is not wanted any more");
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
