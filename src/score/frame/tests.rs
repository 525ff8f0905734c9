//! What is read out of good files, and what is said of bad ones.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;

use super::*;

fn read(path: &Path, id: Option<&str>, columns: &[&str]) -> anyhow::Result<Frame> {
    let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    Frame::read(Ask { path, id, columns: &columns })
}

fn csv(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.csv");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.parquet");
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)));
    let batch = batch.unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    (folder, path)
}

fn floats() -> ArrayRef {
    Arc::new(Float64Array::from(vec![Some(1.5), None, Some(-2.0)]))
}

fn whole() -> ArrayRef {
    Arc::new(Int64Array::from(vec![7, 8, 9]))
}

/// Values as text, since a missing one equals none.
fn shown(frame: &Frame) -> String {
    format!("{:?}", frame.columns)
}

#[test]
fn columns_are_read_in_the_order_asked_for_and_blanks_are_missing() {
    let (_folder, path) = csv("id,a,text,b\nx,1.5,hello,7\ny,,\"w,o\",8\nz,-2, ,9\n");
    let frame = read(&path, Some("id"), &["b", "a"]).unwrap();
    assert_eq!(frame.ids, ["x", "y", "z"]);
    assert_eq!(shown(&frame), "[[7.0, 8.0, 9.0], [1.5, NaN, -2.0]]");
    assert_eq!(frame.places, [2, 3, 4].map(Place::Line));
}

#[test]
fn parquet_says_the_same_as_csv() {
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["x", "y", "z"]));
    let (_folder, path) = parquet(vec![("id", ids), ("a", floats()), ("b", whole())]);
    let frame = read(&path, Some("id"), &["b", "a"]).unwrap();
    assert_eq!(frame.ids, ["x", "y", "z"]);
    assert_eq!(shown(&frame), "[[7.0, 8.0, 9.0], [1.5, NaN, -2.0]]");
    assert_eq!(frame.places, [1, 2, 3].map(Place::Row));
    let truth: ArrayRef = Arc::new(BooleanArray::from(vec![true, false, true]));
    let (_folder, path) = parquet(vec![("id", whole()), ("label", truth)]);
    let frame = read(&path, Some("id"), &["label"]).unwrap();
    assert_eq!(
        (frame.ids.clone(), frame.truth(0, "label").unwrap()),
        (vec!["7".to_owned(), "8".to_owned(), "9".to_owned()], vec![true, false, true])
    );
}

#[track_caller]
fn refuses(text: &str, columns: &[&str], expect: &str) {
    let (folder, path) = csv(text);
    let problem = format!("{:#}", read(&path, Some("id"), columns).unwrap_err());
    assert_eq!(problem.replace(&format!("{}/", folder.path().display()), ""), expect);
}

#[test]
fn a_bad_file_is_refused_with_line_and_column() {
    refuses("", &["a"], "f.csv: line 1: the file is empty, and there is no header");
    refuses("id,a\n", &["a"], "f.csv: there is no row in it");
    refuses("id,a\n1,2\n", &["a", "b", "c"], "f.csv: no column b, c; it has id, a");
    refuses("id,a,a\n1,2,3\n", &["a"], "f.csv: column a is there twice");
    refuses("id,a\n1,2\n2,abc\n", &["a"], "f.csv: line 3, column a: \"abc\" is no number");
    let blank = "is no finite number; a missing value is left blank";
    refuses("id,a\n1,NaN\n", &["a"], &format!("f.csv: line 2, column a: \"NaN\" {blank}"));
    refuses("id,a\n1,2\n2,-inf\n", &["a"], &format!("f.csv: line 3, column a: \"-inf\" {blank}"));
    refuses("id,a\n1,2\n2,3\n1,4\n", &["a"], "f.csv line 4, column id: line 2 has the same");
    refuses("id,a\n1,2\n,3\n", &["a"], "f.csv: line 3: its id is blank");
    let (_folder, path) = csv("");
    std::fs::write(&path, b"id,a\n1,2\n2,\xff\n").unwrap();
    let problem = format!("{:#}", read(&path, Some("id"), &["a"]).unwrap_err());
    assert!(problem.ends_with("f.csv: line 3, column a: a cell is no UTF-8"), "{problem}");
    let short =
        "CSV error: record 2 (line: 3, byte: 9): found record with 1 fields, but the previous record has 2 fields";
    refuses("id,a\n1,2\n2\n", &["a"], &format!("f.csv: {short}"));
}

#[test]
fn a_bad_parquet_is_refused_with_row_and_column() {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["x", "y", "z"]));
    let (_folder, path) = parquet(vec![("id", whole()), ("a", text)]);
    let problem = format!("{:#}", read(&path, Some("id"), &["a"]).unwrap_err());
    assert!(problem.ends_with("f.parquet: column a is Utf8 and no number"), "{problem}");
    let numbers: ArrayRef = Arc::new(Float64Array::from(vec![1.0, f64::NAN, 2.0]));
    let (_folder, path) = parquet(vec![("id", whole()), ("a", numbers)]);
    let problem = format!("{:#}", read(&path, None, &["a"]).unwrap_err());
    assert!(problem.ends_with("row 2, column a: NaN is no finite number; a missing value is a null"), "{problem}");
}

#[test]
fn a_label_is_zero_or_one() {
    let (_folder, path) = csv("id,l\n1,0\n2,1.0\n3,true\n");
    assert_eq!(read(&path, None, &["l"]).unwrap().truth(0, "l").unwrap(), [false, true, true]);
    for (cell, expect) in [("2", "a label is 0 or 1, not 2"), ("", "the label is blank")] {
        let (_folder, path) = csv(&format!("id,l\n1,0\n2,{cell}\n"));
        let problem = read(&path, None, &["l"]).unwrap().truth(0, "l").unwrap_err().to_string();
        assert!(problem.ends_with(&format!("f.csv line 3, column l: {expect}")), "{problem}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let problem = names(Path::new("/no/such/file.csv")).unwrap_err().to_string();
    assert_eq!(problem, "reading /no/such/file.csv");
}
