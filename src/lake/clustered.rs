//! One day of a clustered table as DataFusion reads it: in order, and every key whole in one stream.
//!
//! In: a provider and its files. Out: the same provider, whose scan of a single day tells the planner what is true of
//! the files: each is sorted, and no key lies in two of them. So nothing is sorted or shuffled again to group by that
//! key. Never: believes it of a file that does not say so itself, in the `sorting_columns` of its footer.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::compute::SortOptions;
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, ScalarValue, SplitPoint};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, Partitioning, PhysicalSortExpr, RangePartitioning};
use datafusion::physical_plan::ExecutionPlan;
use futures::future::try_join_all;
use object_store::ObjectMeta;
use parquet::file::metadata::{ParquetMetaData, SortingColumn};
use parquet::file::statistics::Statistics;

use crate::domain::day::Day;
use crate::schema::contract::Contract;

/// Ascending, with what is null at the end.
pub(super) const ORDER: SortOptions = SortOptions { descending: false, nulls_first: false };

/// The provider of a table that is partitioned by day and clustered.
pub(super) struct Clustered {
    pub inner: Arc<dyn TableProvider>,
    pub contract: &'static Contract,
    /// The files of each day.
    pub files: BTreeMap<Day, Vec<ObjectMeta>>,
    pub url: ObjectStoreUrl,
}

/// What a reader wants of a scan.
struct Wanted<'a> {
    projection: Option<&'a Vec<usize>>,
    filters: &'a [Expr],
    limit: Option<usize>,
}

impl Clustered {
    fn partition(&self) -> Option<&str> {
        self.contract.partition.first().map(String::as_str)
    }

    /// The day, when the filters on the partition ask for one, and for nothing that it is not.
    fn only_day(&self, filters: &[Expr]) -> Option<Day> {
        let partition = self.partition()?;
        let names = |filter: &&Expr| filter.column_refs().iter().any(|column| column.name == partition);
        let about_it: Vec<&Expr> = filters.iter().filter(names).collect();
        let day = about_it.iter().find_map(|filter| day_of(filter))?;
        about_it.iter().all(|filter| day_of(filter) == Some(day) || is_before(filter, day)).then_some(day)
    }

    /// The files of a day in the order of their keys; none unless they are as this module promises.
    async fn ordered(&self, state: &dyn Session, day: Day) -> Result<Option<Vec<(ObjectMeta, Option<i64>)>>> {
        let Some(files) = self.files.get(&day) else { return Ok(None) };
        let store = state.runtime_env().object_store(&self.url)?;
        let cache = state.runtime_env().cache_manager.get_file_metadata_cache();
        let footer = async |file| {
            let footer =
                DFParquetMetadata::new(store.as_ref(), file).with_file_metadata_cache(Some(Arc::clone(&cache)));
            footer.fetch_metadata().await
        };
        let footers = try_join_all(files.iter().map(footer)).await?;
        let mut keyed = Vec::new();
        for (file, footer) in files.iter().zip(&footers) {
            match keys(footer, self.contract) {
                Some(keys) => keyed.push((file.clone(), keys)),
                None => return Ok(None),
            }
        }
        keyed.sort_by_key(|(_, keys)| keys.first.unwrap_or(i64::MAX));
        let are_apart = keyed.windows(2).all(|pair| match pair {
            [(_, one), (_, next)] => !one.has_null && one.last < next.first,
            _ => true,
        });
        Ok(are_apart.then(|| keyed.into_iter().map(|(file, keys)| (file, keys.first)).collect()))
    }

    /// The columns of a file, and beside them the one that its folder says; nothing where there is no such column.
    fn table(&self) -> Option<TableSchema> {
        let schema = self.inner.schema();
        let (at, partition) = schema.fields().find(self.partition()?)?;
        let within = schema.fields().iter().enumerate().filter(|(index, _)| *index != at);
        let within: Vec<_> = within.map(|(_, field)| field.clone()).collect();
        let table = TableSchema::builder(Arc::new(Schema::new(within)));
        Some(table.with_table_partition_cols(vec![Arc::clone(partition)]).build())
    }

    /// The scan of files that are sorted and apart.
    fn scan_of(
        &self,
        state: &dyn Session,
        day: Day,
        files: Vec<(ObjectMeta, Option<i64>)>,
        wanted: &Wanted<'_>,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let schema = self.inner.schema();
        let Some(table) = self.table() else { return Ok(None) };
        let place = |name: &str| table.table_schema().index_of(name);
        let mut order = Vec::new();
        for column in &self.contract.cluster {
            order.push(PhysicalSortExpr::new(Arc::new(Column::new(column, place(column)?)), ORDER));
        }
        let Some(key) = order.first().cloned() else { return Ok(None) };

        let splits = files.iter().skip(1).map(|(_, first)| SplitPoint::new(vec![ScalarValue::Int64(*first)])).collect();
        let groups = files.into_iter().map(|(file, _)| {
            let mut file = PartitionedFile::new_from_meta(file);
            file.partition_values = vec![ScalarValue::Date32(Some(day.epoch_days()))];
            FileGroup::new(vec![file])
        });
        let all: Vec<usize> = (0..schema.fields().len()).collect();
        let columns = wanted.projection.unwrap_or(&all).iter().map(|index| place(schema.field(*index).name()));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;

        let cache = state.runtime_env().cache_manager.get_file_metadata_cache();
        let reader = CachedParquetFileReaderFactory::new(state.runtime_env().object_store(&self.url)?, cache);
        let source = ParquetSource::new(table.clone())
            .with_table_parquet_options(state.default_table_options().parquet)
            .with_pushdown_filters(wanted.filters.iter().any(asks_for_null))
            .with_parquet_file_reader_factory(Arc::new(reader));
        let mut config = FileScanConfigBuilder::new(self.url.clone(), Arc::new(source))
            .with_file_groups(groups.collect())
            .with_projection_indices(Some(columns))?
            // A limit behind filters that the scan only prunes by would cut too early.
            .with_limit(wanted.limit.filter(|_| wanted.filters.len() == 1))
            .with_output_ordering(LexOrdering::new(order).into_iter().collect());
        if let Some(key) = LexOrdering::new([key]) {
            let ranges = RangePartitioning::try_new(key, splits)?;
            config = config.with_output_partitioning(Some(Partitioning::Range(ranges)));
        }
        Ok(Some(DataSourceExec::from_data_source(config.build())))
    }
}

impl fmt::Debug for Clustered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {:?}", self.contract.name, self.contract.cluster)
    }
}

#[async_trait]
impl TableProvider for Clustered {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn table_type(&self) -> TableType {
        self.inner.table_type()
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        self.inner.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if let Some(day) = self.only_day(filters)
            && let Some(files) = self.ordered(state, day).await?
            && let Some(scan) = self.scan_of(state, day, files, &Wanted { projection, filters, limit })?
        {
            return Ok(scan);
        }
        self.inner.scan(state, projection, filters, limit).await
    }
}

/// The day in `column = DATE`, whichever way round.
fn day_of(filter: &Expr) -> Option<Day> {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = filter else { return None };
    match (left.as_ref(), right.as_ref()) {
        (Expr::Column(_), Expr::Literal(ScalarValue::Date32(Some(day)), _))
        | (Expr::Literal(ScalarValue::Date32(Some(day)), _), Expr::Column(_)) => Some(Day::from_epoch_days(*day)),
        _ => None,
    }
}

/// Whether `column < DATE` holds for a day: `TABLE_before` asks it of every row.
fn is_before(filter: &Expr, day: Day) -> bool {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Lt, right }) = filter else { return false };
    match (left.as_ref(), right.as_ref()) {
        (Expr::Column(_), Expr::Literal(ScalarValue::Date32(Some(end)), _)) => day < Day::from_epoch_days(*end),
        _ => false,
    }
}

/// Whether a filter wants rows without a number or the like: so few that other columns are better read for them alone.
/// Of rows that are nearly all wanted, picking them while reading costs more than it spares.
fn asks_for_null(filter: &Expr) -> bool {
    match filter {
        Expr::IsNull(_) => true,
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => asks_for_null(left) && asks_for_null(right),
        _ => false,
    }
}

/// The least and the greatest key of a file.
#[derive(Debug, Clone, Copy)]
struct Keys {
    first: Option<i64>,
    last: Option<i64>,
    has_null: bool,
}

/// The keys of a file that says of itself that it is sorted by the contract's cluster columns.
fn keys(footer: &ParquetMetaData, contract: &Contract) -> Option<Keys> {
    let sorted = sorting(footer.file_metadata().schema_descr().columns().iter().map(|leaf| leaf.name()), contract)?;
    let (key, mut keys) = (sorted.first()?.column_idx, Keys { first: None, last: None, has_null: false });
    for group in footer.row_groups() {
        let says_so = group.sorting_columns().is_some_and(|columns| columns.starts_with(&sorted));
        let Statistics::Int64(range) = group.column(usize::try_from(key).ok()?).statistics()? else { return None };
        if !says_so || range.null_count_opt().is_none() {
            return None;
        }
        keys.has_null |= range.null_count_opt() != Some(0);
        keys.first = keys.first.into_iter().chain(range.min_opt().copied()).min();
        keys.last = keys.last.into_iter().chain(range.max_opt().copied()).max();
    }
    Some(keys)
}

/// How Parquet writes down that a file with these columns is sorted as the contract says.
pub(super) fn sorting<'a>(
    names: impl Iterator<Item = &'a str> + Clone,
    contract: &Contract,
) -> Option<Vec<SortingColumn>> {
    let place = |column: &String| names.clone().position(|name| name == column);
    let columns = contract.cluster.iter().map(|column| {
        let column_idx = i32::try_from(place(column)?).ok()?;
        Some(SortingColumn { column_idx, descending: ORDER.descending, nulls_first: ORDER.nulls_first })
    });
    columns.collect::<Option<Vec<_>>>().filter(|columns| !columns.is_empty())
}
