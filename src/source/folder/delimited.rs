//! The lines of a CSV file as they stand, whatever its quotes do to them.
//!
//! In: a file's bytes, and how its CSV is read. Out: every record, or line by line what is none. Never: lets a quote that
//! is not closed swallow the lines behind it; holds more of a file than its longest lines.

use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;

use super::{Body, LINE_BYTES};
use crate::schema::csv::Csv;

pub(super) fn reader<R: Read>(csv: &Csv, reader: R) -> csv::Reader<R> {
    csv::ReaderBuilder::new().delimiter(csv.delimiter_byte()).has_headers(csv.header).flexible(true).from_reader(reader)
}

/// Every record of a CSV file as it stands. One that goes on for several lines where it may not, or whose quotes do not
/// close as they would around a text, comes line by line: so none is lost, and how many they are is known.
pub(super) fn lines(
    reader: impl Read,
    csv: &Csv,
    each: &mut impl FnMut(Body<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let bytes = Rc::new(RefCell::new(Kept::default()));
    let mut reader = self::reader(csv, Tee { reader, kept: Rc::clone(&bytes) });
    let mut record = csv::ByteRecord::new();
    if csv.header {
        reader.byte_headers()?;
    }
    loop {
        let from = reader.position().byte();
        if !reader.read_byte_record(&mut record)? {
            return Ok(());
        }
        let mut kept = bytes.borrow_mut();
        let record = without_line_ends(kept.cut(from, reader.position().byte()));
        if is_whole(record, csv) {
            each(Body { bytes: record, is_torn: false })?;
            continue;
        }
        for line in record.split(is_line_end).filter(|line| !line.is_empty()) {
            each(Body { bytes: line, is_torn: true })?;
        }
    }
}

/// Whether a record is one, by its quotes and by what its mapping allows.
fn is_whole(record: &[u8], csv: &Csv) -> bool {
    if !record.contains(&b'"') {
        return true;
    }
    let (is_closed, is_tidy) = quotes(record, csv.delimiter_byte());
    let is_one_line = !record.iter().any(is_line_end);
    is_closed && (is_one_line || (csv.multiline && is_tidy))
}

/// Whether the last quote that opens a cell is closed, and whether each is right before a delimiter or the end: the
/// quote that a forgotten one takes for its other half opens a cell, so something else stands behind it.
fn quotes(record: &[u8], delimiter: u8) -> (bool, bool) {
    let (mut is_open, mut is_tidy, mut begins_cell) = (false, true, true);
    let mut bytes = record.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, is_open, bytes.peek().copied()) {
            // Two of them are one that belongs to the text.
            (b'"', true, Some(b'"')) => {
                bytes.next();
            }
            (b'"', true, behind) => {
                is_open = false;
                is_tidy &= behind.is_none_or(|behind| behind == delimiter);
            }
            (b'"', false, _) => is_open = begins_cell,
            _ => {}
        }
        begins_cell = !is_open && byte == delimiter;
    }
    (!is_open, is_tidy)
}

fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// A tab may be a delimiter, so nothing else is cut off.
fn without_line_ends(line: &[u8]) -> &[u8] {
    let from = line.iter().position(|byte| !is_line_end(byte)).unwrap_or(line.len());
    let until = line.iter().rposition(|byte| !is_line_end(byte)).map_or(from, |last| last + 1);
    &line[from..until]
}

/// What has been read of a stream and not been cut off yet.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    /// Of the stream, before `bytes`.
    gone: u64,
    line: Vec<u8>,
}

impl Kept {
    /// The bytes between two places; what lies before the first is forgotten.
    fn cut(&mut self, from: u64, until: u64) -> &[u8] {
        let place = |at: u64| usize::try_from(at.saturating_sub(self.gone)).unwrap_or(usize::MAX).min(self.bytes.len());
        let (from, until) = (place(from), place(until));
        self.line.clear();
        self.line.extend_from_slice(&self.bytes[from..until]);
        // Moving the rest costs as much as it is long, so it waits until that is little.
        if until > self.bytes.len() / 2 {
            self.bytes.drain(..until);
            self.gone += until as u64;
        }
        &self.line
    }
}

/// A reader whose bytes are kept.
struct Tee<R> {
    reader: R,
    kept: Rc<RefCell<Kept>>,
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.reader.read(buffer)?;
        let mut kept = self.kept.borrow_mut();
        kept.bytes.extend_from_slice(&buffer[..size]);
        // A quote that is never closed makes one line of all the rest.
        if kept.bytes.len() as u64 > 2 * LINE_BYTES {
            return Err(io::Error::other(format!("a line of more than {LINE_BYTES} bytes: is a quote not closed?")));
        }
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{bodies, options};

    /// The lines behind a header, with or without leave to hold line ends.
    #[track_caller]
    fn check_lines(text: &str, is_multiline: bool, lines: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let mut options = options(folder.path());
        options.csv.as_mut().unwrap().multiline = is_multiline;
        let path = folder.path().join("a.csv");
        std::fs::write(&path, format!("ID;Begin;Secs;Ans\n{text}")).unwrap();
        assert_eq!(bodies(&path, &options), lines, "{text}");
    }

    #[test]
    fn a_quote_that_is_not_closed_swallows_no_line() {
        for is_multiline in [false, true] {
            // The next cell between quotes closes it, or the end of the file.
            check_lines(
                "r1;a;60;1\nr2;\"b;60;1\r\n\nr3;c;60;1\nr4;\"d\";60;1\nr5;e;60;1\n",
                is_multiline,
                &["r1;a;60;1", "torn r2;\"b;60;1", "torn r3;c;60;1", "torn r4;\"d\";60;1", "r5;e;60;1"],
            );
            check_lines("r1;a;\"60;1\nr2;b;60;1\n", is_multiline, &["torn r1;a;\"60;1", "torn r2;b;60;1"]);
            check_lines("r1;a;60;1\nr2;\"b;60;1\n", is_multiline, &["r1;a;60;1", "torn r2;\"b;60;1"]);
            // Quotes within a cell, and between quotes.
            check_lines("r1;a\"b;60;1\nr2;\"x\"\"y\";60;1", is_multiline, &["r1;a\"b;60;1", "r2;\"x\"\"y\";60;1"]);
        }
    }

    #[test]
    fn a_cell_holds_line_ends_where_the_mapping_says_so() {
        let text = "r1;\"say \"\"a\"\"\nr2;b\";60;1\n";
        check_lines(text, true, &["r1;\"say \"\"a\"\"\nr2;b\";60;1"]);
        check_lines(text, false, &["torn r1;\"say \"\"a\"\"", "torn r2;b\";60;1"]);
    }

    #[test]
    fn lines_longer_than_what_is_kept_come_out_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let line = |id: usize| format!("r{id};{};{id};1", "x".repeat(id * 37 % 20_000));
        let lines: Vec<String> = (0..500).map(line).collect();
        std::fs::write(&path, format!("ID;Begin;Secs;Ans\n{}\n", lines.join("\n"))).unwrap();
        assert_eq!(bodies(&path, &options(folder.path())), lines);
    }
}
