//! The feature engine on given calls: the one side of `benches/peers`.
//!
//! In: a folder `DATA/call_event/day=…` and `DATA/sms_event/day=…` of Parquet files in the contracts' columns; from
//! records, `DATA/call_record/day=…/hour-….parquet`, `DATA/subscriber` and `DATA/trunk`. Out: one line of JSON on
//! stdout, and the rows as one Parquet file. Never: times what a carrier has done before, which is to fold calls into
//! the lake, or from records to ingest them; `DATA/lake` and `DATA/lake-records` keep that for the next run.
//!
//! `cargo bench --bench feature -- --data DIR --out OUT.parquet`, and the same with `--from-records`

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use arrow::array::{ArrayRef, Date32Array, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::SchemaRef;
use callsieve::clock::{Clock, Stopwatch};
use callsieve::domain::day::Day;
use callsieve::lake::Lake;
use callsieve::lake::append::Span;
use callsieve::pipeline::definition::Definitions;
use callsieve::pipeline::run::{self, Runner};
use callsieve::pipeline::{part, session};
use callsieve::schema::contract::Table;
use clap::{Parser as _, ValueEnum};
use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(clap::Parser)]
struct Arguments {
    /// The calls.
    #[arg(long)]
    data: PathBuf,
    /// Which columns are computed.
    #[arg(long, value_enum, default_value_t = Columns::All)]
    columns: Columns,
    /// One day from its records as they arrived, folding included: all columns.
    #[arg(long, conflicts_with = "columns")]
    from_records: bool,
    /// Where the rows go.
    #[arg(long)]
    out: PathBuf,
    /// What to say on stderr: `callsieve::pipeline=trace` says what each part of a plan cost.
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// What cargo says to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Columns {
    /// `contact_day` and `caller_day` as a site runs them, written to the lake.
    All,
    /// What depends on the order of a caller's calls or on whom it called, and nothing else; not written.
    Order,
}

/// The lakes below the data.
const LAKE: &str = "lake";
const RECORDS_LAKE: &str = "lake-records";

/// The day that is asked for from its records.
const FOLD_DAY: &str = "2025-01-06";

/// The columns that depend on order: `$day` and `$day_before` stand for days.
const ORDER: &str = include_str!("peers/order_day.sql");

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(filter) = &arguments.log {
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::io::stderr).init();
    }
    let (lake, days) =
        if arguments.from_records { arrived(&arguments.data).await? } else { happened(&arguments.data).await? };
    let watch = Stopwatch::start();
    let rows = match arguments.columns {
        Columns::All => {
            let tables = [Table::CALL_EVENT, Table::CONTACT_DAY, Table::CALLER_DAY];
            run(&lake, if arguments.from_records { &tables } else { &tables[1..] }, &days).await?;
            Vec::new()
        }
        Columns::Order => ordered(&lake, &days).await?,
    };
    let seconds = watch.elapsed().as_secs_f64();
    let mut answer = Answer::new(
        &arguments.out,
        if rows.is_empty() { Table::CALLER_DAY.contract().schema() } else { rows[0].schema() },
    )?;
    answer.write(&rows)?;
    if rows.is_empty() {
        let handle = lake.open(Table::CALLER_DAY).await?;
        // Day by day: what is held to be compared is none of the memory that computing took.
        for day in &days {
            answer.write(&handle.day(*day).await?)?;
        }
    }
    println!("{{\"seconds\": {seconds:.3}, \"rows\": {}}}", answer.finish()?);
    Ok(())
}

/// A lake with the week's calls and messages, and its days.
async fn happened(data: &Path) -> anyhow::Result<(Lake, BTreeSet<Day>)> {
    let lake = Lake::local(&data.join(LAKE))?;
    let mut days = BTreeSet::new();
    for table in [Table::CALL_EVENT, Table::SMS_EVENT] {
        let mut handle = lake.open(table).await?;
        let kept = handle.days().await?;
        for (day, folder) in folders(&data.join(table.name()))? {
            if !kept.contains(&day) {
                handle.replace(day, &read_all(&folder, table, Some(day))?).await?;
            }
            days.insert(day);
        }
    }
    Ok((lake, days))
}

/// A lake with the records as ingest leaves them, a commit for each file, and with what the fold asks; the day that is
/// wanted of it.
async fn arrived(data: &Path) -> anyhow::Result<(Lake, BTreeSet<Day>)> {
    let lake = Lake::local(&data.join(RECORDS_LAKE))?;
    let mut handle = lake.open(Table::CALL_RECORD).await?;
    for (day, folder) in folders(&data.join(Table::CALL_RECORD.name()))? {
        for file in files(&folder)? {
            let app_id = format!("bench/{}", file.strip_prefix(data)?.display());
            if handle.offset(&app_id).await?.is_none() {
                let rows = read(&file, Table::CALL_RECORD, Some(day))?;
                let rows = concat_batches(&Table::CALL_RECORD.contract().schema(), &rows)?;
                handle.append(&[rows], &[Span { app_id, from: 0, until: 1 }]).await?;
            }
        }
    }
    for table in [Table::SUBSCRIBER, Table::TRUNK] {
        let mut handle = lake.open(table).await?;
        // Nothing has been written since it was made.
        if handle.version() == 0 {
            handle.replace_all(&read_all(&data.join(table.name()), table, None)?).await?;
        }
    }
    let day: Day = FOLD_DAY.parse().map_err(anyhow::Error::msg)?;
    Ok((lake, BTreeSet::from([day])))
}

/// The folders of a table's days.
fn folders(table: &Path) -> anyhow::Result<BTreeMap<Day, PathBuf>> {
    let mut folders = BTreeMap::new();
    for found in std::fs::read_dir(table).with_context(|| format!("reading {}", table.display()))? {
        let path = found?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix("day="));
        let Some(day) = name else { continue };
        folders.insert(day.parse().map_err(anyhow::Error::msg)?, path);
    }
    Ok(folders)
}

/// The files of a folder in the order of their names.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let found = std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut files: Vec<PathBuf> = found.map(|file| Ok(file?.path())).collect::<std::io::Result<_>>()?;
    files.sort();
    Ok(files)
}

/// The rows of a folder's files.
fn read_all(folder: &Path, table: Table, day: Option<Day>) -> anyhow::Result<Vec<RecordBatch>> {
    let mut rows = Vec::new();
    for file in files(folder)? {
        rows.extend(read(&file, table, day)?);
    }
    Ok(rows)
}

/// A file's rows in the contract's types; the day of a partitioned table is that of its folder.
fn read(file: &Path, table: Table, day: Option<Day>) -> anyhow::Result<Vec<RecordBatch>> {
    let contract = table.contract().schema();
    let mut batches = Vec::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(File::open(file)?)?.build()? {
        let batch = batch?;
        let column = |field: &Arc<arrow::datatypes::Field>| -> anyhow::Result<ArrayRef> {
            if let Some(day) = day.filter(|_| field.name() == "day") {
                return Ok(Arc::new(Date32Array::from_value(day.epoch_days(), batch.num_rows())));
            }
            let column = batch.column_by_name(field.name());
            let column = column.with_context(|| format!("{} has no {}", file.display(), field.name()))?;
            Ok(cast(column, field.data_type())?)
        };
        let columns = contract.fields().iter().map(column).collect::<anyhow::Result<_>>()?;
        batches.push(RecordBatch::try_new(Arc::clone(&contract), columns)?);
    }
    Ok(batches)
}

/// As a site does it, day by day.
async fn run(lake: &Lake, tables: &[Table], days: &BTreeSet<Day>) -> anyhow::Result<()> {
    let mut definitions = Definitions::read(&run::folder(None))?;
    // The files hold no month of history, and the peers know strangers from the first day on.
    let caller_day = definitions.all.get_mut(&Table::CALLER_DAY).context("caller_day is defined")?;
    let history = caller_day.facts.param.get_mut("min_history_days").context("it has min_history_days")?;
    history.value = Some(0.into());
    let mut runner = Runner::new(lake.clone(), definitions, Clock::System);
    for day in days {
        for ran in runner.run(tables, *day).await? {
            eprintln!("{day} {}: {} rows in {} ms", ran.table, ran.rows, ran.took_ms);
        }
    }
    Ok(())
}

async fn ordered(lake: &Lake, days: &BTreeSet<Day>) -> anyhow::Result<Vec<RecordBatch>> {
    let handle = lake.open(Table::CALL_EVENT).await?;
    let mut rows = Vec::new();
    for day in days {
        let watch = Stopwatch::start();
        let session = session::session(BTreeMap::new())?;
        handle.prepare(&session)?;
        session::register(&session, Table::CALL_EVENT, handle.provider().await?, *day)?;
        let bound = ORDER.replace("$day_before", &format!("DATE '{}'", day.plus(-1)));
        let bound = bound.replace("$day", &format!("DATE '{day}'"));
        let statement = Parser::parse_sql(&GenericDialect {}, &bound)?.pop().context("it is one statement")?;
        let Statement::Query(query) = statement else { bail!("it is a SELECT") };
        rows.extend(session::computed(&session, part::in_steps(&session, *query).await?).await?);
        eprintln!("{day}: {} ms", watch.elapsed().as_millis());
    }
    Ok(rows)
}

/// The file that is compared.
struct Answer {
    writer: ArrowWriter<File>,
    rows: usize,
}

impl Answer {
    fn new(out: &Path, schema: SchemaRef) -> anyhow::Result<Self> {
        Ok(Self { writer: ArrowWriter::try_new(File::create(out)?, schema, None)?, rows: 0 })
    }

    fn write(&mut self, rows: &[RecordBatch]) -> anyhow::Result<()> {
        for batch in rows {
            self.writer.write(batch)?;
            self.rows += batch.num_rows();
        }
        Ok(())
    }

    fn finish(self) -> anyhow::Result<usize> {
        ensure!(self.rows > 0, "no rows");
        self.writer.close()?;
        Ok(self.rows)
    }
}
