//! Files dropped in a folder: CSV, JSON lines, Avro and Parquet, plain or compressed.
//!
//! In: a folder. Out: the files that have come to rest, and of each the bodies of its records in order: CSV lines as they
//! stand, all else as JSON text.
//! Never: moves, changes or deletes a file; reads one that is still being written.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail, ensure};
use arrow::array::RecordBatch;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::clock::Clock;
use crate::schema::csv::{Csv, Layout};

mod container;

/// A folder to watch.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Topic whose records the files hold, by its contract's name.
    pub topic: String,
    /// Where they are dropped.
    pub folder: PathBuf,
    /// Seconds that a file must not have changed. Raise it for a sender that pauses while it writes.
    #[serde(default = "default_settle_secs")]
    pub settle_secs: u64,
    /// How CSV is read; without it CSV files are left alone, and said so.
    #[serde(default)]
    pub csv: Option<Csv>,
}

fn default_settle_secs() -> u64 {
    30
}

/// What a file holds, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Json,
    Avro,
    Parquet,
}

/// Endings by which senders mark a file that is not whole yet.
const PARTIAL: [&str; 5] = ["part", "partial", "filepart", "tmp", "crdownload"];

/// What tells one state of a file from another without reading it: its length, and when it was changed.
pub type Looks = (u64, SystemTime);

/// Files that are dated later than it is: how each looks, and since when.
#[derive(Debug, Default)]
pub struct Ahead(HashMap<PathBuf, (Looks, Duration)>);

impl Ahead {
    /// Since when a file looks as it does, by our own clock.
    fn since(&mut self, path: &Path, looks: Looks, now: Duration) -> Duration {
        match self.0.get(path) {
            Some((known, since)) if *known == looks => *since,
            _ => {
                tracing::warn!(file = %path.display(), "file is dated ahead of our clock, taken once it rests by ours");
                self.0.insert(path.to_owned(), (looks, now));
                now
            }
        }
    }
}

/// The files of a folder that are whole and of a known form, in the order of their names.
pub fn settled(options: &Options, clock: Clock, ahead: &mut Ahead) -> anyhow::Result<Vec<PathBuf>> {
    let now = Duration::from_micros(u64::try_from(clock.now()).unwrap_or_default());
    let mut files = Vec::new();
    let entries =
        std::fs::read_dir(&options.folder).with_context(|| format!("reading folder {}", options.folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_partial = name.starts_with('.') || PARTIAL.iter().any(|end| name.ends_with(&format!(".{end}")));
        if is_partial || format(&path).is_none() {
            continue;
        }
        // A sender may rename or take away what was just listed.
        let metadata = match std::fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            metadata => metadata.with_context(|| format!("looking at {}", path.display()))?,
        };
        if !metadata.is_file() {
            continue;
        }
        let looks = looks(&metadata)?;
        let changed = looks.1.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let since = if changed > now { ahead.since(&path, looks, now) } else { changed };
        if now.saturating_sub(since) >= Duration::from_secs(options.settle_secs) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// How a file looks.
pub fn looks(metadata: &Metadata) -> io::Result<Looks> {
    Ok((metadata.len(), metadata.modified()?))
}

/// A file that was opened once, so that what is read of it is what was hashed, whatever lies at its path by then. It has
/// one reader at a time.
#[derive(Debug, Clone)]
pub struct Opened {
    path: PathBuf,
    file: Arc<File>,
}

impl Opened {
    /// Opens a file.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
        Ok(Self { path: path.to_owned(), file: Arc::new(file) })
    }

    /// Fails when it looks otherwise than it did: somebody has written into it.
    pub fn check(&self, then: Looks) -> anyhow::Result<()> {
        ensure!(looks(&self.file.metadata()?)? == then, "{} has changed while it was read", self.path.display());
        Ok(())
    }

    /// Its SHA-256, hex: what it is, whatever it is called.
    pub fn sha256(&self) -> anyhow::Result<String> {
        let mut file = self.rewound()?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer).with_context(|| format!("reading {}", self.path.display()))? {
                0 => return Ok(hex::encode(hasher.finalize())),
                read => hasher.update(&buffer[..read]),
            }
        }
    }

    /// From its first byte.
    fn rewound(&self) -> io::Result<File> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(file)
    }

    /// Its bytes as they were before they were compressed.
    fn plain(&self) -> io::Result<impl BufRead> {
        let file = self.rewound()?;
        let plain: Box<dyn Read> =
            match self.path.extension().and_then(|end| end.to_str()).map(str::to_ascii_lowercase).as_deref() {
                Some("gz") => Box::new(flate2::read::MultiGzDecoder::new(file)),
                Some("zst") => Box::new(zstd::Decoder::new(file)?),
                _ => Box::new(file),
            };
        Ok(BufReader::with_capacity(1 << 20, plain))
    }
}

fn format(path: &Path) -> Option<Format> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let bare = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    match bare.rsplit_once('.')?.1 {
        "csv" => Some(Format::Csv),
        "json" | "jsonl" => Some(Format::Json),
        "avro" => Some(Format::Avro),
        "parquet" => Some(Format::Parquet),
        _ => None,
    }
}

/// Of an Avro schema, what says how many bytes the first of the values takes that lie side by side.
pub type Walk = fn(&str) -> anyhow::Result<Box<dyn Fn(&[u8]) -> Option<usize>>>;

/// A record of a file.
#[derive(Debug, Clone, Copy)]
pub struct Body<'b> {
    /// As it stands, or as JSON text.
    pub bytes: &'b [u8],
    /// It is one line of a CSV record that goes on for several: a quote is not closed.
    pub is_torn: bool,
}

/// Hands on every record of a file as a body, in order; an error means that the file itself cannot be read on.
pub fn read(
    opened: &Opened,
    options: &Options,
    walk: Walk,
    mut each: impl FnMut(Body<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut whole = |bytes: &[u8]| each(Body { bytes, is_torn: false });
    let path = opened.path.as_path();
    let name = path.to_string_lossy().to_ascii_lowercase();
    let reading = || format!("reading {}", path.display());
    if format(path) == Some(Format::Parquet) {
        ensure!(name.ends_with(".parquet"), "{} is Parquet in another compression", path.display());
        let file = opened.rewound().with_context(reading)?;
        let reader =
            parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).with_context(reading)?;
        for batch in reader.build().with_context(reading)? {
            rows(&batch.with_context(reading)?, &mut whole)?;
        }
        return Ok(());
    }
    let mut plain = opened.plain().with_context(reading)?;
    match format(path) {
        Some(Format::Json) => lines(plain, &mut whole).with_context(reading),
        Some(Format::Avro) => {
            container::check(&mut plain, walk).with_context(reading)?;
            let plain = opened.plain().with_context(reading)?;
            for batch in arrow_avro::reader::ReaderBuilder::new().build(plain).with_context(reading)? {
                rows(&batch.with_context(reading)?, &mut whole)?;
            }
            Ok(())
        }
        Some(Format::Csv) => match &options.csv {
            Some(csv) => raw_lines(plain, csv, &mut each).with_context(reading),
            None => bail!("{} is CSV, and no mapping of its columns is configured", path.display()),
        },
        Some(Format::Parquet) | None => bail!("{} has no known form", path.display()),
    }
}

/// Longer than any record: a file that has such a line is broken, and reading it would take all memory.
const LINE_BYTES: u64 = 16 << 20;

fn lines(mut reader: impl BufRead, each: &mut impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        ensure!(line.len() as u64 != LINE_BYTES, "a line of more than {LINE_BYTES} bytes");
        let body = line.trim_ascii();
        if !body.is_empty() {
            each(body)?;
        }
    }
}

/// Rows of a batch as JSON objects.
fn rows(batch: &RecordBatch, each: &mut impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut text = Vec::new();
    let mut writer = arrow::json::LineDelimitedWriter::new(&mut text);
    writer.write(batch)?;
    writer.finish()?;
    drop(writer);
    lines(text.as_slice(), each)
}

/// Where the columns of a CSV file lead; nothing for files of another form.
pub fn csv_layout(opened: &Opened, options: &Options) -> anyhow::Result<Option<Layout>> {
    let path = opened.path.as_path();
    let reading = || format!("reading {}", path.display());
    let Some(csv) = options.csv.as_ref().filter(|_| format(path) == Some(Format::Csv)) else { return Ok(None) };
    let mut header = None;
    if csv.header {
        let mut reader = csv_reader(csv, opened.plain().with_context(reading)?);
        let names = reader.headers().with_context(reading)?;
        // Spreadsheets begin a file with a byte order mark.
        let name = |name: &str| name.trim_start_matches('\u{feff}').trim().to_owned();
        header = Some(names.iter().map(name).collect::<Vec<_>>());
    }
    let layout = csv.layout(header.as_deref()).map_err(anyhow::Error::msg);
    Ok(Some(layout.with_context(reading)?))
}

fn csv_reader<R: Read>(csv: &Csv, reader: R) -> csv::Reader<R> {
    csv::ReaderBuilder::new().delimiter(csv.delimiter_byte()).has_headers(csv.header).flexible(true).from_reader(reader)
}

/// Every record of a CSV file as it stands. One that goes on for several lines where it may not, or whose quotes do not
/// close as they would around a text, comes line by line: so none is lost, and how many they are is known.
fn raw_lines(
    reader: impl Read,
    csv: &Csv,
    each: &mut impl FnMut(Body<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let bytes = Rc::new(RefCell::new(Kept::default()));
    let mut reader = csv_reader(csv, Tee { reader, kept: Rc::clone(&bytes) });
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
    use std::io::Write;

    use super::*;

    fn options(folder: &Path) -> Options {
        let text = format!(
            "topic = \"call_record\"\nfolder = \"{}\"\nsettle_secs = 0\n[csv]\ndelimiter = \";\"\nmultiline = true\n\
             integers = [\"duration_s\"]\nbooleans = [\"is_answered\"]\ninstants = [\"start_at\"]\n\
             constants = {{ record_type = \"originating\" }}\n\
             columns = {{ record_id = \"ID\", start_at = \"Begin\", duration_s = \"Secs\", is_answered = \"Ans\" }}",
            folder.display()
        );
        toml::from_str(&text).unwrap()
    }

    fn bodies(path: &Path, options: &Options) -> Vec<String> {
        let mut bodies = Vec::new();
        let no_avro: Walk = |_| bail!("no file of these tests is Avro");
        read(&Opened::open(path).unwrap(), options, no_avro, |body| {
            let mark = if body.is_torn { "torn " } else { "" };
            bodies.push(format!("{mark}{}", String::from_utf8_lossy(body.bytes)));
            Ok(())
        })
        .unwrap();
        bodies
    }

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

    const CSV: &str = "\u{feff}ID;Begin;Secs;Ans\nr1;2025-01-06 10:00:00;60;1\r\n\nr2;\"two\nlines\";sixty;no";
    const LINES: [&str; 2] = ["r1;2025-01-06 10:00:00;60;1", "r2;\"two\nlines\";sixty;no"];

    #[test]
    fn csv_lines_are_handed_on_as_they_stand_plain_and_compressed() {
        let folder = tempfile::tempdir().unwrap();
        let options = options(folder.path());
        let plain = folder.path().join("a.csv");
        std::fs::write(&plain, CSV).unwrap();
        assert_eq!(bodies(&plain, &options), LINES);
        let gz = folder.path().join("a.csv.gz");
        let mut encoder = flate2::write::GzEncoder::new(File::create(&gz).unwrap(), flate2::Compression::fast());
        encoder.write_all(CSV.as_bytes()).unwrap();
        encoder.finish().unwrap();
        assert_eq!(bodies(&gz, &options), LINES);
        let zst = folder.path().join("a.csv.zst");
        std::fs::write(&zst, zstd::encode_all(CSV.as_bytes(), 1).unwrap()).unwrap();
        assert_eq!(bodies(&zst, &options), LINES);
    }

    #[test]
    fn a_file_must_have_the_columns_and_a_byte_order_mark_is_no_part_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, CSV).unwrap();
        let layout = |path: &Path| csv_layout(&Opened::open(path).unwrap(), &options(folder.path()));
        let found = layout(&path).unwrap().unwrap();
        assert_eq!(found.header().unwrap(), ["ID", "Begin", "Secs", "Ans"]);
        std::fs::write(&path, "ID;Begin\n").unwrap();
        let error = layout(&path).unwrap_err();
        assert!(format!("{error:#}").contains("no column \"Secs\""), "{error:#}");
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

    #[test]
    fn a_file_on_its_way_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.csv", "b.csv.part", ".c.csv", "d.txt", "e.json.gz"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = settled(&options(folder.path()), Clock::System, &mut Ahead::default()).unwrap();
        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.csv", "e.json.gz"]);
        let slow = Options { settle_secs: 60, ..options(folder.path()) };
        assert_eq!(settled(&slow, Clock::System, &mut Ahead::default()).unwrap(), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_file_dated_ahead_of_our_clock_is_taken_once_it_rests_by_ours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let slow = Options { settle_secs: 60, ..options(folder.path()) };
        let mut ahead = Ahead::default();
        let date = |secs| {
            let file = File::create(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(secs)).unwrap();
        };
        let mut found = |secs: i64| settled(&slow, Clock::Fixed(secs * 1_000_000), &mut ahead).unwrap().len();
        date(90_000);
        assert_eq!([found(1_000), found(1_059)], [0, 0]);
        date(90_001);
        assert_eq!([found(1_060), found(1_119), found(1_120)], [0, 0, 1]);
        date(1_120);
        assert_eq!([found(1_121), found(1_180)], [0, 1], "a date that has come counts as any");
    }

    #[test]
    fn what_is_read_is_what_was_hashed() {
        let folder = tempfile::tempdir().unwrap();
        let [path, other] = ["a.jsonl", "b.jsonl"].map(|name| folder.path().join(name));
        std::fs::write(&path, "1\n2\n").unwrap();
        std::fs::write(&other, "3\n").unwrap();
        let opened = Opened::open(&path).unwrap();
        let (then, sha256) = (looks(&opened.file.metadata().unwrap()).unwrap(), opened.sha256().unwrap());
        std::fs::rename(&other, &path).unwrap();
        let mut bodies = Vec::new();
        let no_avro: Walk = |_| bail!("no file of these tests is Avro");
        read(&opened, &options(folder.path()), no_avro, |body| {
            bodies.push(body.bytes.to_owned());
            Ok(())
        })
        .unwrap();
        assert_eq!((bodies, opened.sha256().unwrap()), (vec![b"1".to_vec(), b"2".to_vec()], sha256));
        opened.check(then).unwrap();
        // Written into, it is another file.
        let opened = Opened::open(&path).unwrap();
        let then = looks(&opened.file.metadata().unwrap()).unwrap();
        std::fs::write(&path, "3\n4\n").unwrap();
        let error = opened.check(then).unwrap_err().to_string();
        assert!(error.contains("a.jsonl has changed"), "{error}");
    }
}
