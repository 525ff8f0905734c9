//! Files dropped in a folder: CSV, JSON lines, Avro and Parquet, plain or compressed.
//!
//! In: a file that has come to rest. Out: its hash, and the bodies of its records in order: CSV lines as they stand,
//! all else as JSON text. Never: moves, changes or deletes a file; reads other bytes than it has hashed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use arrow::array::RecordBatch;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use self::rest::{Looks, looks};
use crate::schema::csv::{Csv, Layout};

mod container;
mod delimited;
pub mod rest;

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
    /// How CSV is read; without it no CSV file can be, and the ledger misses each.
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
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
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
        ensure!(
            name.ends_with(".parquet"),
            "{} is Parquet in another compression; drop it as .parquet, which compresses by itself",
            path.display()
        );
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
            Some(csv) => delimited::lines(plain, csv, &mut each).with_context(reading),
            None => bail!("{} is CSV, and its [[files]] has no [files.csv] that maps its columns", path.display()),
        },
        Some(Format::Parquet) | None => bail!("{} is none of .csv, .json, .jsonl, .avro and .parquet", path.display()),
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
        let mut reader = delimited::reader(csv, opened.plain().with_context(reading)?);
        let names = reader.headers().with_context(reading)?;
        // Nobody can tell a file of no records from one that was cut off before its first byte.
        ensure!(
            !names.is_empty(),
            "{} is empty: a file of no records is one with its header alone; have it sent so, or sign that it held none",
            path.display()
        );
        // Spreadsheets begin a file with a byte order mark.
        let name = |name: &str| name.trim_start_matches('\u{feff}').trim().to_owned();
        header = Some(names.iter().map(name).collect::<Vec<_>>());
    }
    let layout = csv.layout(header.as_deref()).map_err(anyhow::Error::msg);
    Ok(Some(layout.with_context(reading)?))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    pub(super) fn options(folder: &Path) -> Options {
        let text = format!(
            "topic = \"call_record\"\nfolder = \"{}\"\nsettle_secs = 0\n[csv]\ndelimiter = \";\"\nmultiline = true\n\
             integers = [\"duration_s\"]\nbooleans = [\"is_answered\"]\ninstants = [\"start_at\"]\n\
             constants = {{ record_type = \"originating\" }}\n\
             columns = {{ record_id = \"ID\", start_at = \"Begin\", duration_s = \"Secs\", is_answered = \"Ans\" }}",
            folder.display()
        );
        toml::from_str(&text).unwrap()
    }

    pub(super) fn bodies(path: &Path, options: &Options) -> Vec<String> {
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
        std::fs::write(&path, "").unwrap();
        let error = layout(&path).unwrap_err();
        assert!(error.to_string().ends_with("have it sent so, or sign that it held none"), "{error:#}");
        std::fs::write(&path, "ID;Begin;Secs;Ans").unwrap();
        layout(&path).unwrap();
        assert!(bodies(&path, &options(folder.path())).is_empty(), "a header alone is a file of no records");
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
