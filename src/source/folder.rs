//! Files dropped in a folder: CSV, JSON lines, Avro and Parquet, plain or compressed.
//!
//! In: a folder. Out: the files that have come to rest, and of each the bodies of its records as JSON text in order.
//! Never: moves, changes or deletes a file; reads one that is still being written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use arrow::array::RecordBatch;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::clock::Clock;

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

/// How the columns of a CSV file lead to the fields of the contract.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Csv {
    /// Between two cells.
    #[serde(default = "default_delimiter")]
    pub delimiter: char,
    /// Whether the first line names the columns; without it columns are named by their number, from 1.
    #[serde(default = "default_header")]
    pub header: bool,
    /// Offset of instants that name none, such as `+07:00`.
    #[serde(default = "default_offset")]
    pub offset: String,
    /// Field of the contract = column of the file.
    pub columns: BTreeMap<String, String>,
    /// Field of the contract = the same value in every record.
    #[serde(default)]
    pub constants: BTreeMap<String, String>,
    /// Fields that are whole numbers.
    #[serde(default)]
    pub integers: Vec<String>,
    /// Fields that are true for `1`, `true` and `yes`.
    #[serde(default)]
    pub booleans: Vec<String>,
    /// Fields that are instants, written as `2025-01-06 10:00:00` or RFC 3339.
    #[serde(default)]
    pub instants: Vec<String>,
}

fn default_delimiter() -> char {
    ','
}

fn default_header() -> bool {
    true
}

fn default_offset() -> String {
    "+07:00".to_owned()
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

/// The files of a folder that are whole and of a known form, in the order of their names.
pub fn settled(options: &Options, clock: Clock) -> anyhow::Result<Vec<PathBuf>> {
    let now = Duration::from_micros(u64::try_from(clock.now()).unwrap_or_default());
    let mut files = Vec::new();
    let entries =
        std::fs::read_dir(&options.folder).with_context(|| format!("reading folder {}", options.folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let metadata = entry.metadata()?;
        let is_partial = name.starts_with('.') || PARTIAL.iter().any(|end| name.ends_with(&format!(".{end}")));
        if !metadata.is_file() || is_partial || format(&path).is_none() {
            continue;
        }
        let changed = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        if now.saturating_sub(changed) >= Duration::from_secs(options.settle_secs) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The file's SHA-256, hex: what it is, whatever it is called.
pub fn sha256(path: &Path) -> anyhow::Result<String> {
    let mut file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).with_context(|| format!("reading {}", path.display()))? {
            0 => return Ok(hex::encode(hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
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

/// Hands on every record of a file as a body, in order; an error means that the file itself cannot be read on.
pub fn read(path: &Path, options: &Options, mut each: impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let name = path.to_string_lossy().to_ascii_lowercase();
    let reading = || format!("reading {}", path.display());
    if format(path) == Some(Format::Parquet) {
        ensure!(name.ends_with(".parquet"), "{} is Parquet in another compression", path.display());
        let reader =
            parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).with_context(reading)?;
        for batch in reader.build().with_context(reading)? {
            rows(&batch.with_context(reading)?, &mut each)?;
        }
        return Ok(());
    }
    let plain: Box<dyn Read> = if name.ends_with(".gz") {
        Box::new(flate2::read::MultiGzDecoder::new(file))
    } else if name.ends_with(".zst") {
        Box::new(zstd::Decoder::new(file)?)
    } else {
        Box::new(file)
    };
    let mut plain = BufReader::with_capacity(1 << 20, plain);
    match format(path) {
        Some(Format::Json) => lines(plain, &mut each).with_context(reading),
        Some(Format::Avro) => {
            for batch in arrow_avro::reader::ReaderBuilder::new().build(&mut plain).with_context(reading)? {
                rows(&batch.with_context(reading)?, &mut each)?;
            }
            Ok(())
        }
        Some(Format::Csv) => match &options.csv {
            Some(csv) => cells(plain, csv, &mut each).with_context(reading),
            None => bail!("{} is CSV, and no mapping of its columns is configured", path.display()),
        },
        Some(Format::Parquet) | None => bail!("{} has no known form", path.display()),
    }
}

fn lines(mut reader: impl BufRead, each: &mut impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
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

fn cells(reader: impl Read, mapping: &Csv, each: &mut impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let delimiter = u8::try_from(mapping.delimiter).context("a delimiter is one ASCII character")?;
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).has_headers(mapping.header).flexible(true).from_reader(reader);
    let header: Vec<String> = match mapping.header {
        true => reader.headers()?.iter().map(|name| name.trim().to_owned()).collect(),
        false => Vec::new(),
    };
    let mut places = Vec::new();
    for (field, column) in &mapping.columns {
        let place = match mapping.header {
            true => header.iter().position(|name| name == column),
            false => column.parse::<usize>().ok().and_then(|number| number.checked_sub(1)),
        };
        places.push((field.as_str(), place.with_context(|| format!("the file has no column \"{column}\""))?));
    }
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record)? {
        each(&body(&record, &places, mapping))?;
    }
    Ok(())
}

/// A line as a JSON object of the contract's fields; what cannot be read as its type stays text, for decode to refuse.
fn body(record: &csv::ByteRecord, places: &[(&str, usize)], mapping: &Csv) -> Vec<u8> {
    use serde_json::Value;
    let mut object = serde_json::Map::new();
    for (field, value) in &mapping.constants {
        object.insert(field.clone(), typed(field, value, mapping));
    }
    for (field, place) in places {
        let cell = record.get(*place).unwrap_or_default();
        match std::str::from_utf8(cell) {
            Ok(cell) if cell.trim().is_empty() => {}
            Ok(cell) => drop(object.insert((*field).to_owned(), typed(field, cell.trim(), mapping))),
            // One cell that is no text: the line as it is, for decode to refuse with its bytes.
            Err(_) => return record.iter().collect::<Vec<_>>().join(&b","[..]),
        }
    }
    Value::Object(object).to_string().into_bytes()
}

fn typed(field: &str, cell: &str, mapping: &Csv) -> serde_json::Value {
    use serde_json::Value;
    let is = |list: &[String]| list.iter().any(|name| name == field);
    if is(&mapping.integers)
        && let Ok(number) = cell.parse::<i64>()
    {
        return number.into();
    }
    if is(&mapping.booleans) {
        return Value::Bool(matches!(cell.to_ascii_lowercase().as_str(), "1" | "true" | "yes"));
    }
    if is(&mapping.instants) && !cell.ends_with('Z') && cell.get(10..).is_some_and(|time| !time.contains(['+', '-'])) {
        return format!("{}{}", cell.replacen(' ', "T", 1), mapping.offset).into();
    }
    cell.into()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn options(folder: &Path) -> Options {
        let text = format!(
            "topic = \"call_record\"\nfolder = \"{}\"\nsettle_secs = 0\n[csv]\ndelimiter = \";\"\n\
             integers = [\"duration_s\"]\nbooleans = [\"is_answered\"]\ninstants = [\"start_at\"]\n\
             constants = {{ record_type = \"originating\" }}\n\
             columns = {{ record_id = \"ID\", start_at = \"Begin\", duration_s = \"Secs\", is_answered = \"Ans\" }}",
            folder.display()
        );
        toml::from_str(&text).unwrap()
    }

    fn bodies(path: &Path, options: &Options) -> Vec<String> {
        let mut bodies = Vec::new();
        read(path, options, |body| {
            bodies.push(String::from_utf8_lossy(body).into_owned());
            Ok(())
        })
        .unwrap();
        bodies
    }

    const CSV: &str = "ID;Begin;Secs;Ans\nr1;2025-01-06 10:00:00;60;1\nr2;2025-01-06T03:00:00Z;sixty;no\n";
    const BODIES: [&str; 2] = [
        r#"{"duration_s":60,"is_answered":true,"record_id":"r1","record_type":"originating","start_at":"2025-01-06T10:00:00+07:00"}"#,
        r#"{"duration_s":"sixty","is_answered":false,"record_id":"r2","record_type":"originating","start_at":"2025-01-06T03:00:00Z"}"#,
    ];

    #[test]
    fn csv_lines_are_the_contracts_fields_plain_and_compressed() {
        let folder = tempfile::tempdir().unwrap();
        let options = options(folder.path());
        let plain = folder.path().join("a.csv");
        std::fs::write(&plain, CSV).unwrap();
        assert_eq!(bodies(&plain, &options), BODIES);
        let gz = folder.path().join("a.csv.gz");
        let mut encoder = flate2::write::GzEncoder::new(File::create(&gz).unwrap(), flate2::Compression::fast());
        encoder.write_all(CSV.as_bytes()).unwrap();
        encoder.finish().unwrap();
        assert_eq!(bodies(&gz, &options), BODIES);
        let zst = folder.path().join("a.csv.zst");
        std::fs::write(&zst, zstd::encode_all(CSV.as_bytes(), 1).unwrap()).unwrap();
        assert_eq!(bodies(&zst, &options), BODIES);
    }

    #[test]
    fn a_column_that_is_missing_is_an_error_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "ID;Begin\n").unwrap();
        let error = read(&path, &options(folder.path()), |_| Ok(())).unwrap_err();
        assert!(format!("{error:#}").contains("no column \"Secs\""), "{error:#}");
    }

    #[test]
    fn a_file_on_its_way_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.csv", "b.csv.part", ".c.csv", "d.txt", "e.json.gz"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = settled(&options(folder.path()), Clock::System).unwrap();
        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.csv", "e.json.gz"]);
        let slow = Options { settle_secs: 60, ..options(folder.path()) };
        assert_eq!(settled(&slow, Clock::System).unwrap(), Vec::<PathBuf>::new());
    }
}
