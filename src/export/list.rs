//! A list: rows of a table as one CSV.
//!
//! In: rows. Out: a folder with the CSV, numbers in clear, and a summary with row count and hash. Never: publishes half a
//! folder, or a cell that a spreadsheet would run.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::cell::inert;
use super::folder::Aside;

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Published {
    /// The folder.
    pub folder: PathBuf,
    /// The file in it.
    pub file: String,
    /// Rows in the file, without its header.
    pub rows: usize,
    /// SHA-256 of the file, hex.
    pub sha256: String,
    /// Whether anything changed; a second export of the same rows changes nothing.
    pub is_changed: bool,
}

/// Writes `ROOT/NAME/FILE.csv` with `summary.json` beside it.
pub fn publish(root: &Path, name: &str, file: &str, batches: &[RecordBatch]) -> anyhow::Result<Published> {
    let text = csv(batches)?;
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let folder = root.join(name);
    let file = format!("{file}.csv");
    let sha256 = hex::encode(Sha256::digest(&text));
    let is_changed = std::fs::read(folder.join(&file)).ok().as_ref() != Some(&text);
    let published = Published { folder: folder.clone(), file: file.clone(), rows, sha256, is_changed };
    if is_changed {
        let aside = Aside::open(root, name)?;
        aside.write(&file, |out| Ok(out.write_all(&text)?))?;
        let summary = serde_json::json!({ "file": file, "rows": rows, "sha256": published.sha256 });
        aside.write("summary.json", |out| Ok(writeln!(out, "{summary:#}")?))?;
        aside.publish()?;
    }
    Ok(published)
}

/// The batches as CSV with one header.
fn csv(batches: &[RecordBatch]) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if let Some(batch) = batches.first() {
        writer.write_record(batch.schema().fields().iter().map(|field| field.name()))?;
    }
    let options = FormatOptions::new();
    for batch in batches {
        let columns = batch.columns().iter();
        let columns = columns.map(|array| ArrayFormatter::try_new(array, &options)).collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let cells = columns.iter().zip(batch.columns()).map(|(column, array)| {
                let text = column.value(row).to_string();
                if is_text(array) { inert(&text).into_owned() } else { text }
            });
            writer.write_record(cells)?;
        }
    }
    Ok(writer.into_inner()?)
}

fn is_text(array: &dyn Array) -> bool {
    matches!(array.data_type(), DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};

    use super::*;

    fn batch(text: &str) -> RecordBatch {
        let columns: [(&str, Arc<dyn Array>); 2] = [
            ("number", Arc::new(Int64Array::from(vec![84_912_345_678_i64]))),
            ("reason", Arc::new(StringArray::from(vec![text]))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn numbers_leave_in_clear_and_formulas_do_not_run() {
        let text = csv(&[batch("=1+1")]).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "number,reason\n84912345678,'=1+1\n");
    }

    #[test]
    fn a_second_export_of_the_same_rows_changes_nothing() {
        let root = tempfile::tempdir().unwrap();
        assert!(publish(root.path(), "2025-01-06", "notices", &[batch("a")]).unwrap().is_changed);
        assert!(!publish(root.path(), "2025-01-06", "notices", &[batch("a")]).unwrap().is_changed);
        assert!(publish(root.path(), "2025-01-06", "notices", &[batch("b")]).unwrap().is_changed);
        let left: Vec<_> = std::fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["2025-01-06"], "nothing is left aside");
    }
}
