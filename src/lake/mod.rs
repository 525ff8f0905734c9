//! The lake: one Delta table for each contract, under one root.
//!
//! In: record batches of a contract, with the offsets they came from or the partition they are. Out: table versions,
//! and snapshots to read. Never: overwrites a row of another partition, evolves a table beyond its contract, or
//! commits offsets apart from their rows.

pub mod append;
mod clustered;
pub mod ledger;
pub mod lock;
pub mod maintain;
pub mod proof;
pub mod replace;
pub mod schema;
pub mod snapshot;
pub mod store;

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use deltalake::kernel::engine::arrow_conversion::{TryIntoArrow, TryIntoKernel};
use deltalake::kernel::transaction::CommitProperties;
use deltalake::kernel::{Action, Add, MetadataValue, StructField};
use deltalake::logstore::ObjectStoreRef;
use deltalake::operations::create::CreateBuilder;
use deltalake::protocol::DeltaOperation;
use deltalake::table::config::TableProperty;
use deltalake::writer::{DeltaWriter, RecordBatchWriter};
use deltalake::{DeltaTable, DeltaTableBuilder};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use tokio::runtime;
use tokio::task::JoinHandle;
use url::Url;

use self::store::Settings;
use crate::schema::contract::{Contract, Table};
use crate::schema::evolve;

/// Versions behind a package that was sent can be read for eight weeks, and their log entries a little longer.
const KEEP_LOG: &str = "interval 60 days";

/// The folder of a lake below which candidates have theirs.
const SHADOW: &str = "shadow";

/// Where the tables are.
#[derive(Clone)]
pub struct Lake {
    root: Url,
    /// Where `root` is, when not on this machine.
    store: Option<ObjectStoreRef>,
}

impl Lake {
    /// A lake in a local folder, which is made when absent.
    pub fn local(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self { root: store::local(folder)?, store: None })
    }

    /// A lake in a local folder, or in `s3://BUCKET/PREFIX` with what a site says of that store.
    pub fn at(location: &str, settings: &Settings) -> anyhow::Result<Self> {
        let (root, store) = store::find(location, settings)?;
        Ok(Self { root, store })
    }

    /// The same, without a folder that is made; none where it is missing. In a bucket nothing is made before a table is.
    pub fn existing(location: &str, settings: &Settings) -> anyhow::Result<Option<Self>> {
        let is_missing = !location.contains("://") && !Path::new(location).is_dir();
        if is_missing { Ok(None) } else { Self::at(location, settings).map(Some) }
    }

    /// Whether it has a table yet. What has none is no lake: a folder whose disk is not mounted, or another than was meant.
    pub async fn is_begun(&self) -> anyhow::Result<bool> {
        for table in Table::all() {
            let found = self.builder(table)?.build()?.verify_deltatable_existence().await;
            if found.with_context(|| format!("looking for table {table}"))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The lake of a candidate below this one: tables of the same names that nobody finds who does not ask for them.
    pub fn shadow(&self, name: &str) -> anyhow::Result<Self> {
        let root = self.root.join(&format!("{SHADOW}/{name}/"))?;
        if self.store.is_none() {
            return Self::local(&root.to_file_path().ok().context("a lake without a store is a folder")?);
        }
        Ok(Self { root, store: self.store.clone() })
    }

    /// Whether it is the lake of a candidate, of which nothing may leave the house.
    pub fn is_shadow(&self) -> bool {
        let mut segments: Vec<&str> = self.root.path_segments().into_iter().flatten().collect();
        segments.retain(|segment| !segment.is_empty());
        segments.iter().nth_back(1) == Some(&SHADOW)
    }

    fn builder(&self, table: Table) -> anyhow::Result<DeltaTableBuilder> {
        let url = self.url(table)?;
        let builder = DeltaTableBuilder::from_url(url.clone())?;
        Ok(match &self.store {
            Some(store) => builder.with_storage_backend(Arc::clone(store), url),
            None => builder,
        })
    }

    fn url(&self, table: Table) -> anyhow::Result<Url> {
        Ok(self.root.join(&format!("{table}/"))?)
    }

    /// The table, if it exists.
    pub async fn find(&self, table: Table) -> anyhow::Result<Option<Handle>> {
        let mut delta = self.builder(table)?.build()?;
        let opening = || format!("opening table {table}");
        if !delta.verify_deltatable_existence().await.with_context(opening)? {
            return Ok(None);
        }
        delta.load().await.with_context(opening)?;
        Ok(Some(Handle { table, delta }))
    }

    /// The table; an error when it does not exist.
    pub async fn require(&self, table: Table) -> anyhow::Result<Handle> {
        self.find(table).await?.with_context(|| format!("table {table} does not exist"))
    }

    /// The table as it was at a version, if it can still be read.
    pub async fn find_at(&self, table: Table, version: i64) -> anyhow::Result<Handle> {
        let mut delta = self.builder(table)?.build()?;
        let loaded = delta.load_version(u64::try_from(version)?).await;
        loaded.with_context(|| format!("opening version {version} of table {table}"))?;
        Ok(Handle { table, delta })
    }

    /// The table; made after its contract when absent, and given the contract's new nullable columns.
    pub async fn open(&self, table: Table) -> anyhow::Result<Handle> {
        if let Some(mut handle) = self.find(table).await? {
            handle.evolve().await?;
            return Ok(handle);
        }
        match self.create(table).await {
            Ok(handle) => Ok(handle),
            // Another process was first.
            Err(_) if self.find(table).await?.is_some() => {
                self.find(table).await?.with_context(|| format!("table {table} came and went"))
            }
            Err(error) => Err(error),
        }
    }

    async fn create(&self, table: Table) -> anyhow::Result<Handle> {
        if let Some(store) = &self.store {
            store::check_conditional_put(store, &self.url(table)?).await?;
        }
        let contract = table.contract();
        let delta = self.builder(table)?.build()?;
        let builder = CreateBuilder::new().with_log_store(delta.log_store()).with_table_name(contract.name.as_str());
        let delta = builder
            .with_comment(contract.doc.as_str())
            .with_columns(fields(contract)?)
            .with_partition_columns(contract.partition.iter().map(String::as_str))
            .with_configuration_property(TableProperty::LogRetentionDuration, Some(KEEP_LOG))
            .await
            .with_context(|| format!("creating table {table}"))?;
        Ok(Handle { table, delta })
    }
}

impl fmt::Debug for Lake {
    /// A store knows its credentials, so only the place is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lake at {}", self.root)
    }
}

/// The contract's columns as Delta fields, each with its comment.
fn fields(contract: &Contract) -> anyhow::Result<Vec<StructField>> {
    let mut fields = Vec::new();
    for (field, column) in contract.schema().fields().iter().zip(&contract.columns) {
        let field: StructField = field.as_ref().try_into_kernel()?;
        fields.push(field.with_metadata([("comment", MetadataValue::String(column.doc.clone()))]));
    }
    Ok(fields)
}

/// One table as of one version.
#[derive(Debug, Clone)]
pub struct Handle {
    table: Table,
    delta: DeltaTable,
}

impl Handle {
    /// Which table it is.
    pub fn table(&self) -> Table {
        self.table
    }

    /// The version that is held.
    pub fn version(&self) -> i64 {
        self.delta.version().map_or(-1, |version| i64::try_from(version).unwrap_or(i64::MAX))
    }

    /// Moves on to the newest version.
    pub async fn refresh(&mut self) -> anyhow::Result<()> {
        self.delta.update_state().await.with_context(|| format!("reading the log of table {}", self.table))
    }

    /// Gives the table its contract's new nullable columns.
    pub async fn evolve(&mut self) -> anyhow::Result<()> {
        let contract = self.table.contract();
        let on_disk: Schema = self.delta.snapshot()?.schema().as_ref().try_into_arrow()?;
        let missing = match evolve::missing(&on_disk, contract) {
            Ok(missing) => missing,
            Err(problems) => anyhow::bail!("{}; a new table is needed", problems.join("; ")),
        };
        if missing.is_empty() {
            return Ok(());
        }
        tracing::info!(table = %self.table, columns = ?missing, "adding columns");
        let added = fields(contract)?.into_iter().filter(|field| missing.contains(&field.name().as_str()));
        self.delta = self.delta.clone().add_columns().with_fields(added.collect::<Vec<_>>()).await?;
        Ok(())
    }

    /// The names of the columns that this version has.
    pub fn columns(&self) -> anyhow::Result<Vec<String>> {
        let on_disk: Schema = self.delta.snapshot()?.schema().as_ref().try_into_arrow()?;
        Ok(on_disk.fields().iter().map(|field| field.name().clone()).collect())
    }

    /// Begins to write a part as files of its own, beside what else is written.
    fn write_part(&self, part: Vec<RecordBatch>, is_sorted: bool) -> Writing {
        let (handle, runtime) = (self.clone(), runtime::Handle::current());
        // Encoding never waits, so it has no place among tasks that do.
        tokio::task::spawn_blocking(move || runtime.block_on(handle.write_files(&part, is_sorted)))
    }

    /// Writes batches as files of the table, which nobody sees before their commit.
    async fn write_files(&self, batches: &[RecordBatch], is_sorted: bool) -> anyhow::Result<Vec<Add>> {
        if batches.iter().all(|batch| batch.num_rows() == 0) {
            return Ok(Vec::new());
        }
        let wanted = self.table.contract().schema();
        let mut properties = writer_properties(&wanted)?;
        if is_sorted {
            let contract = self.table.contract();
            // The partition's column is in the path of a file, not in the file.
            let names = contract.columns.iter().map(|column| &column.name);
            let names = names.filter(|name| !contract.partition.contains(name)).map(String::as_str);
            properties = properties.set_sorting_columns(clustered::sorting(names, contract));
        }
        let properties = properties.build();
        let mut writer = RecordBatchWriter::for_table(&self.delta)?.with_writer_properties(properties);
        for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
            ensure!(
                batch.schema().fields() == wanted.fields(),
                "a batch for {} has other columns than its contract",
                self.table
            );
            writer.write(batch.clone()).await?;
        }
        Ok(writer.flush().await?)
    }

    /// Makes sure that files outlive a power cut: a local store leaves them to the page cache.
    async fn sync_files(&self, files: &[Add]) -> anyhow::Result<()> {
        let paths = files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>();
        self.sync(&paths).await
    }

    /// The same for the log entry of the version that is held.
    async fn sync_log(&self) -> anyhow::Result<()> {
        self.sync(&[&format!("_delta_log/{:020}.json", self.version())]).await
    }

    async fn sync(&self, paths: &[&str]) -> anyhow::Result<()> {
        let root = self.delta.table_url();
        if root.scheme() != "file" {
            return Ok(());
        }
        let mut wanted = BTreeSet::new();
        for path in paths {
            let path = root.join(path)?.to_file_path().ok().context("a local file has a path")?;
            wanted.extend(path.parent().map(Path::to_path_buf));
            wanted.insert(path);
        }
        let sync = move || {
            for path in wanted {
                let synced = File::open(&path).and_then(|file| file.sync_all());
                synced.with_context(|| format!("syncing {}", path.display()))?;
            }
            anyhow::Ok(())
        };
        tokio::task::spawn_blocking(sync).await?
    }

    fn write_operation(&self, mode: deltalake::protocol::SaveMode, predicate: Option<String>) -> DeltaOperation {
        let partition = &self.table.contract().partition;
        let partition_by = (!partition.is_empty()).then(|| partition.clone());
        DeltaOperation::Write { mode, partition_by, predicate }
    }
}

/// Files that are being written.
type Writing = JoinHandle<anyhow::Result<Vec<Add>>>;

async fn finished(written: Writing) -> anyhow::Result<Vec<Add>> {
    written.await?
}

/// Columns whose values hardly ever come twice in a file: a dictionary of them would be built in vain.
const UNIQUE: [&str; 4] = ["record_id", "report_id", "call_ref", "message_ref"];
/// The same, where values lie close to the one before, or within few of a number's bits.
const NEAR: [&str; 9] =
    ["start_at", "reported_at", "source_offset", "caller", "callee", "low", "high", "first_call_at", "last_call_at"];

fn writer_properties(schema: &Schema) -> anyhow::Result<WriterPropertiesBuilder> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_created_by(concat!("callsieve ", env!("CARGO_PKG_VERSION")).to_owned());
    // Another table's column of such a name may hold fractions, which have no differences in whole bits.
    let near = NEAR.into_iter().filter(|name| {
        let kind = schema.field_with_name(name).map(Field::data_type);
        kind.is_ok_and(|kind| matches!(kind, DataType::Int64 | DataType::Int32 | DataType::Timestamp(..)))
    });
    for column in UNIQUE.into_iter().chain(near.clone()) {
        properties = properties.set_column_dictionary_enabled(column.into(), false);
    }
    for column in near {
        properties = properties.set_column_encoding(column.into(), Encoding::DELTA_BINARY_PACKED);
    }
    Ok(properties)
}

fn adds(files: Vec<Add>) -> (Vec<Action>, Added) {
    let bytes = files.iter().map(|file| u64::try_from(file.size).unwrap_or_default()).sum();
    let added = Added { files: files.len() as u64, bytes };
    (files.into_iter().map(Action::Add).collect(), added)
}

/// What a commit added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Added {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

fn log_store(delta: &DeltaTable) -> Arc<dyn deltalake::logstore::LogStore> {
    delta.log_store()
}

/// Properties of every commit of ours: it leaves old entries of the log to `maintain`.
///
/// Delta would list the whole log after each commit to find them, and ingest commits every few seconds.
fn commit_properties() -> CommitProperties {
    CommitProperties::default().with_cleanup_expired_logs(Some(false))
}
