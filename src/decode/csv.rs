//! One line of cells.
//!
//! In: a message that is a CSV line, and where its columns lead. Out: a wire struct, or a refusal. Never: takes two
//! lines for one.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use serde::Deserialize;
use serde_json::Value;

use super::reject::{Reason, Refusal};
use crate::schema::csv::Layout;

/// Reads lines one after the other.
pub(super) struct Lines<'l> {
    layout: &'l Layout,
    reader: Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// Room for a line to begin with.
const TEXT_BYTES: usize = 1_024;
const CELLS: usize = 64;

impl<'l> Lines<'l> {
    pub(super) fn new(layout: &'l Layout) -> Self {
        let reader = ReaderBuilder::new().delimiter(layout.delimiter()).build();
        Self { layout, reader, text: vec![0; TEXT_BYTES], ends: vec![0; CELLS] }
    }

    /// The contract's fields of a line.
    pub(super) fn object(&mut self, line: &[u8]) -> Result<Value, Refusal> {
        let cells = self.split(line)?;
        let mut cuts = Vec::with_capacity(cells);
        let mut from = 0;
        for end in &self.ends[..cells] {
            let cell = std::str::from_utf8(&self.text[from..*end]);
            cuts.push(cell.map_err(|_| Refusal::new(Reason::InvalidUtf8, format!("in cell {}", cuts.len() + 1)))?);
            from = *end;
        }
        Ok(self.layout.object(|place| cuts.get(place).copied().unwrap_or_default()))
    }

    /// Splits a line; says how many cells it has.
    fn split(&mut self, line: &[u8]) -> Result<usize, Refusal> {
        self.reader.reset();
        let (mut rest, mut written, mut cells) = (line, 0, 0);
        loop {
            let (result, taken, text, ends) =
                self.reader.read_record(rest, &mut self.text[written..], &mut self.ends[cells..]);
            (rest, written, cells) = (&rest[taken..], written + text, cells + ends);
            match result {
                // No bytes left: the next call says that the line has ended.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.text.resize(2 * self.text.len(), 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::Record if rest.iter().all(u8::is_ascii_whitespace) => return Ok(cells),
                ReadRecordResult::Record => return Err(Refusal::new(Reason::MalformedCsv, "more than one line")),
                ReadRecordResult::End => return Err(Refusal::new(Reason::MalformedCsv, "no line")),
            }
        }
    }
}

/// The header of a line that belongs to a record with line ends, where the mapping knows none.
pub(super) const TORN: &str = "csv_torn";

/// Refuses a line that its file has torn out of a record: though it may look whole, it may be what a citizen wrote.
pub(super) fn check_whole(headers: Option<&str>) -> Result<(), Refusal> {
    // Quotes within a name or a value are escaped, so only a header's name stands like this.
    if headers.is_none_or(|headers| !headers.contains(&format!("[\"{TORN}\","))) {
        return Ok(());
    }
    Err(Refusal::new(Reason::MalformedCsv, "a quote is not closed, or it holds line ends and the mapping no multiline"))
}

/// Reads a wire struct off an object.
pub(super) fn wire<'v, W: Deserialize<'v>>(object: &'v Value) -> Result<W, Refusal> {
    W::deserialize(object).map_err(|error| Refusal::json(&error))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::decode::{Format, csv_header};
    use crate::schema::csv::Csv;

    #[track_caller]
    fn check(line: &[u8], expect: Result<&str, Reason>) {
        let mapping: Csv =
            toml::from_str("header = false\ndelimiter = \";\"\ncolumns = { a = \"1\", b = \"2\" }").unwrap();
        let layout = mapping.layout(None).unwrap();
        let found = Lines::new(&layout).object(line);
        match expect {
            Ok(object) => assert_eq!(found.unwrap().to_string(), object),
            Err(reason) => assert!(format!("{:?}", found.unwrap_err()).contains(&format!("{reason:?}"))),
        }
    }

    #[test]
    fn a_line_is_its_cells() {
        check(b"x;y", Ok(r#"{"a":"x","b":"y"}"#));
        check(b"\"x;1\n2\";\"\"\"y\"\"\"\r\n", Ok(r#"{"a":"x;1\n2","b":"\"y\""}"#));
        check(b"x", Ok(r#"{"a":"x"}"#));
        check(
            format!("{};y", "x".repeat(5_000)).as_bytes(),
            Ok(&format!(r#"{{"a":"{}","b":"y"}}"#, "x".repeat(5_000))),
        );
    }

    #[test]
    fn a_torn_line_is_refused_whenever_it_is_read_and_keeps_its_columns() {
        let mapping: Csv = toml::from_str("columns = { a = \"A\" }").unwrap();
        let format = Format::Csv(Arc::new(mapping.layout(Some(&["A".to_owned()])).unwrap()));
        let [whole, torn] = [format.headers(), format.torn_headers()].map(Option::unwrap);
        assert!(check_whole(None).is_ok() && check_whole(Some(&whole)).is_ok());
        let refusal = format!("{:?}", check_whole(Some(&torn)).unwrap_err());
        assert!(refusal.contains("MalformedCsv") && refusal.contains("quote is not closed"), "{refusal}");
        assert_eq!(csv_header(&torn), Some(Some(vec!["A".to_owned()])));
    }

    #[test]
    fn what_is_not_one_line_is_refused() {
        check(b"x;y\nz;w", Err(Reason::MalformedCsv));
        check(b"", Err(Reason::MalformedCsv));
        check(b"x;\xff", Err(Reason::InvalidUtf8));
    }
}
