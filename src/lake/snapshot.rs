//! Tables as DataFusion reads them.
//!
//! In: a handle. Out: a table provider of exactly the handle's version, or the rows that pass a filter.
//! Never: refreshes a handle; what is read is what its version says.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use datafusion::catalog::TableProvider;
use datafusion::prelude::{DataFrame, Expr, JoinType, SessionContext, col, lit};
use futures::TryStreamExt;
use object_store::{Error, ObjectMeta, ObjectStoreExt as _};

use super::clustered::Clustered;
use super::{Handle, log_store};
use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::schema::column::reject;
use crate::schema::contract::Table;

impl Handle {
    /// The table at this version, for a session.
    pub async fn provider(&self) -> anyhow::Result<Arc<dyn TableProvider>> {
        // The eager snapshot knows its files; a plain one would read the log again for every scan of a plan.
        let snapshot = self.delta.snapshot()?.snapshot().clone();
        let provider = self.delta.table_provider().with_eager_snapshot(snapshot).await;
        let inner = provider.with_context(|| format!("reading table {}", self.table))?;
        let contract = self.table.contract();
        match contract.partition.first() {
            Some(partition) if !contract.cluster.is_empty() => Ok(Arc::new(Clustered {
                inner,
                contract,
                files: by_day(&self.delta, partition).await?,
                url: log_store(&self.delta).object_store_url(),
            })),
            _ => Ok(inner),
        }
    }

    /// Makes the table's storage known to a session.
    pub fn prepare(&self, session: &SessionContext) -> anyhow::Result<()> {
        let log_store = log_store(&self.delta);
        // One for paths from the root, as Delta reads them, and one for paths from the table's folder.
        session.register_object_store(log_store.object_store_url().as_ref(), log_store.object_store(None));
        self.delta
            .update_datafusion_session(&session.state())
            .with_context(|| format!("preparing table {}", self.table))
    }

    /// The rows that pass every filter, columns cut to `columns` when it names any.
    pub async fn rows(&self, filters: Vec<Expr>, columns: &[&str]) -> anyhow::Result<Vec<RecordBatch>> {
        let session = self.session()?;
        let mut frame = session.read_table(self.provider().await?)?;
        for filter in filters {
            frame = frame.filter(filter)?;
        }
        self.collect(frame, columns).await
    }

    /// The rows that have one of some numbers in a column, by one read of the table, however many the numbers are;
    /// columns cut to `columns` when it names any.
    pub async fn rows_of_any(
        &self,
        column: &str,
        numbers: &BTreeSet<i64>,
        columns: &[&str],
    ) -> anyhow::Result<Vec<RecordBatch>> {
        let session = self.session()?;
        let wanted: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers.iter().copied()));
        let wanted = session.read_batch(RecordBatch::try_from_iter([("wanted", wanted)])?)?;
        let rows = session.read_table(self.provider().await?)?;
        let found = wanted.join(rows, JoinType::RightSemi, &["wanted"], &[column], None)?;
        self.collect(found, columns).await
    }

    #[expect(clippy::disallowed_methods, reason = "a plain read needs none of the pipelines' session")]
    fn session(&self) -> anyhow::Result<SessionContext> {
        let session = SessionContext::new();
        self.prepare(&session)?;
        Ok(session)
    }

    /// Rows as the contract has them.
    async fn collect(&self, frame: DataFrame, columns: &[&str]) -> anyhow::Result<Vec<RecordBatch>> {
        let wanted = self.table.contract().schema();
        let names: Vec<&str> = match columns {
            [] => wanted.fields().iter().map(|field| field.name().as_str()).collect(),
            some => some.to_vec(),
        };
        // DataFusion reads text as views; everything else here speaks the contract's types.
        let cast = |name: &&str| -> anyhow::Result<Expr> {
            let field = wanted.field_with_name(name)?;
            // A version from before the contract had the column holds no value of it.
            let is_there = frame.schema().has_column_with_unqualified_name(name);
            let value = if is_there { col(*name) } else { lit(datafusion::scalar::ScalarValue::Null) };
            Ok(datafusion::logical_expr::cast(value, field.data_type().clone()).alias(*name))
        };
        let columns = names.iter().map(cast).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(frame.select(columns)?.collect().await?)
    }

    /// The rows that have a word in a column, columns cut to `columns` when it names any.
    pub async fn rows_with(&self, column: &str, word: &str, columns: &[&str]) -> anyhow::Result<Vec<RecordBatch>> {
        // A version from before the contract had the column holds no word in it.
        if self.provider().await?.schema().column_with_name(column).is_none() {
            return Ok(Vec::new());
        }
        self.rows(vec![col(column).eq(lit(word))], columns).await
    }

    /// The rows that have a number in a column, those of some days where any are named, the last one included.
    pub async fn rows_of(
        &self,
        column: &str,
        number: Number,
        days: Option<(Day, Day)>,
    ) -> anyhow::Result<Vec<RecordBatch>> {
        let mut filters = vec![col(column).eq(lit(number.reveal()))];
        if let Some(days) = days {
            filters.extend(self.within(days)?);
        }
        self.rows(filters, &[]).await
    }

    /// The rows of some days, the last one included, columns cut to `columns` when it names any.
    pub async fn rows_within(&self, days: (Day, Day), columns: &[&str]) -> anyhow::Result<Vec<RecordBatch>> {
        self.rows(self.within(days)?.into(), columns).await
    }

    fn within(&self, (first, last): (Day, Day)) -> anyhow::Result<[Expr; 2]> {
        let partition = self.table.contract().partition.first().context("the table is not partitioned")?;
        let date = |day: Day| lit(datafusion::scalar::ScalarValue::Date32(Some(day.epoch_days())));
        Ok([col(partition.as_str()).gt_eq(date(first)), col(partition.as_str()).lt_eq(date(last))])
    }

    /// The rows of one day.
    pub async fn day(&self, day: Day) -> anyhow::Result<Vec<RecordBatch>> {
        let partition = self.table.contract().partition.first().context("the table is not partitioned")?;
        let value = lit(datafusion::scalar::ScalarValue::Date32(Some(day.epoch_days())));
        self.rows(vec![col(partition.as_str()).eq(value)], &[]).await
    }

    /// The days that the table has files of.
    pub async fn days(&self) -> anyhow::Result<BTreeSet<Day>> {
        let partition = self.table.contract().partition.first().context("the table is not partitioned")?;
        let mut days = BTreeSet::new();
        for partitions in paths(&self.delta).await?.into_values() {
            if let Some(Some(day)) = partitions.get(partition) {
                days.insert(day.parse().map_err(anyhow::Error::msg)?);
            }
        }
        Ok(days)
    }

    /// Whether every file of the version is still there; of one whose time is over, maintenance deletes them.
    pub async fn is_whole(&self) -> anyhow::Result<bool> {
        let store = log_store(&self.delta);
        let mut files = self.delta.snapshot()?.snapshot().file_views(store.as_ref(), None);
        let mut places = Vec::new();
        while let Some(file) = files.try_next().await? {
            places.push(file.object_store_path());
        }
        let objects = store.object_store(None);
        for place in places {
            match objects.head(&place).await {
                Ok(_) => {}
                Err(Error::NotFound { .. }) => return Ok(false),
                Err(error) => return Err(error).with_context(|| format!("looking for files of table {}", self.table)),
            }
        }
        Ok(true)
    }

    /// The days that got new files after a version.
    pub async fn days_since(&self, version: i64) -> anyhow::Result<BTreeSet<Day>> {
        let partition = self.table.contract().partition.first().context("the table is not partitioned")?;
        let mut earlier = deltalake::DeltaTable::new(log_store(&self.delta));
        earlier.load_version(u64::try_from(version)?).await?;
        let before: BTreeSet<String> = paths(&earlier).await?.into_keys().collect();
        let mut days = BTreeSet::new();
        for (path, partitions) in paths(&self.delta).await? {
            if !before.contains(&path)
                && let Some(Some(day)) = partitions.get(partition)
            {
                days.insert(day.parse().map_err(anyhow::Error::msg)?);
            }
        }
        Ok(days)
    }

    /// Offsets of a source's partition that lie in the table: an ingested one, or `reject` with those for another.
    pub async fn offsets_in(
        &self,
        meant_for: Option<Table>,
        source: &str,
        partition: i32,
        range: Range<i64>,
    ) -> anyhow::Result<BTreeSet<i64>> {
        let mut filters = vec![
            col(reject::SOURCE_ID.name).eq(lit(source)),
            col(reject::SOURCE_PARTITION.name).eq(lit(partition)),
            col(reject::SOURCE_OFFSET.name).gt_eq(lit(range.start)),
            col(reject::SOURCE_OFFSET.name).lt(lit(range.end)),
        ];
        if let Some(table) = meant_for {
            // Rejects of before the column do not say, so they may be any table's.
            let name = col(reject::TABLE_NAME.name);
            filters.push(name.clone().eq(lit(table.name())).or(name.is_null()));
        }
        let mut offsets = BTreeSet::new();
        for batch in self.rows(filters, &[reject::SOURCE_OFFSET.name]).await? {
            offsets.extend(reject::SOURCE_OFFSET.of(&batch)?.values());
        }
        Ok(offsets)
    }
}

/// Every file of a table with its partition values.
pub(super) async fn paths(
    table: &deltalake::DeltaTable,
) -> anyhow::Result<BTreeMap<String, HashMap<String, Option<String>>>> {
    let store = log_store(table);
    let mut files = table.snapshot()?.snapshot().file_views(store.as_ref(), None);
    let mut paths = BTreeMap::new();
    while let Some(file) = files.try_next().await? {
        paths.insert(file.path().into_owned(), file.partition_values_map());
    }
    Ok(paths)
}

/// The files of each day.
async fn by_day(table: &deltalake::DeltaTable, partition: &str) -> anyhow::Result<BTreeMap<Day, Vec<ObjectMeta>>> {
    let store = log_store(table);
    let mut files = table.snapshot()?.snapshot().file_views(store.as_ref(), None);
    let mut days: BTreeMap<Day, Vec<ObjectMeta>> = BTreeMap::new();
    while let Some(file) = files.try_next().await? {
        if let Some(Some(day)) = file.partition_values_map().get(partition) {
            let day = day.parse().map_err(anyhow::Error::msg)?;
            let file = ObjectMeta {
                location: file.object_store_path(),
                last_modified: file.modification_datetime()?,
                size: u64::try_from(file.size())?,
                e_tag: None,
                version: None,
            };
            days.entry(day).or_default().push(file);
        }
    }
    Ok(days)
}
