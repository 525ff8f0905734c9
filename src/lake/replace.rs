//! One partition, written whole in place of what was there.
//!
//! In: all rows of a partition. Out: the new table version. Never: touches another partition; leaves half of the old
//! rows beside half of the new.

use std::cmp::Ordering;

use anyhow::{Context, ensure};
use arrow::array::{Array, DynComparator, RecordBatch, make_comparator};
use arrow::compute::{SortColumn, concat, concat_batches, lexsort_to_indices, take_record_batch};
use deltalake::kernel::Action;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::protocol::SaveMode;
use futures::TryStreamExt;

use super::clustered::ORDER;
use super::{Handle, adds, log_store};
use crate::domain::day::Day;
use crate::schema::contract::Contract;

/// Rows of a file, about: worth a stream of its own.
const RANGE_ROWS: usize = 1 << 17;
/// Files of a partition, at most: every core finds one, and none is too small to compress.
const RANGES: usize = 16;

/// What a replacement did.
#[derive(Debug, Clone, Copy)]
pub struct Replaced {
    /// Table version that holds the rows.
    pub version: i64,
    /// Rows written.
    pub rows: u64,
}

impl Handle {
    /// Replaces the partition of a day (of a Monday, for a weekly table).
    pub async fn replace(&mut self, day: Day, batches: &[RecordBatch]) -> anyhow::Result<Replaced> {
        let partition = self.table.contract().partition.first();
        let column = partition.with_context(|| format!("table {} has no partition to replace", self.table))?;
        for batch in batches {
            ensure!(only(batch, column, day)?, "a row for {} lies outside partition {column} = {day}", self.table);
        }
        let predicate = format!("{column} = '{day}'");
        self.swap(batches, Some((column.as_str(), day)), Some(predicate)).await
    }

    /// Replaces a whole unpartitioned table.
    pub async fn replace_all(&mut self, batches: &[RecordBatch]) -> anyhow::Result<Replaced> {
        ensure!(self.table.contract().partition.is_empty(), "table {} is written by partition", self.table);
        self.swap(batches, None, None).await
    }

    async fn swap(
        &mut self,
        batches: &[RecordBatch],
        partition: Option<(&str, Day)>,
        predicate: Option<String>,
    ) -> anyhow::Result<Replaced> {
        let is_sorted = is_sorted(batches, self.table.contract())?;
        let parts = if is_sorted { ranges(batches, self.table.contract())? } else { vec![batches.to_vec()] };
        let files = self.write_each(parts, is_sorted).await?;
        self.sync_files(&files).await?;
        let (mut actions, _) = adds(files);
        actions.extend(self.removals(partition).await?);
        let snapshot = self.delta.snapshot()?;
        let commit = CommitBuilder::from(CommitProperties::default()).with_actions(actions).build(
            Some(snapshot.snapshot()),
            log_store(&self.delta),
            self.write_operation(SaveMode::Overwrite, predicate),
        );
        let done = commit.await.with_context(|| format!("replacing a partition of table {}", self.table))?;
        self.delta.state = Some(done.snapshot());
        self.sync_log().await?;
        let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        Ok(Replaced { version: self.version(), rows })
    }

    pub(super) async fn removals(&self, partition: Option<(&str, Day)>) -> anyhow::Result<Vec<Action>> {
        let store = log_store(&self.delta);
        let mut files = self.delta.snapshot()?.snapshot().file_views(store.as_ref(), None);
        let mut removals = Vec::new();
        while let Some(file) = files.try_next().await? {
            let within = match partition {
                None => true,
                Some((column, day)) => file
                    .partition_values_map()
                    .get(column)
                    .is_some_and(|value| value.as_deref() == Some(&day.to_string())),
            };
            if within {
                removals.push(Action::Remove(file.remove_action(true)));
            }
        }
        Ok(removals)
    }
}

/// Rows of a partition that were read and changed, in the order of the contract's cluster columns once more.
pub fn in_order(batches: Vec<RecordBatch>, contract: &Contract) -> anyhow::Result<Vec<RecordBatch>> {
    if contract.cluster.is_empty() || is_sorted(&batches, contract)? {
        return Ok(batches);
    }
    let Some(first) = batches.first() else { return Ok(batches) };
    let whole = concat_batches(&first.schema(), &batches)?;
    let sorted_by = |name: &String| {
        let values = whole.column_by_name(name).cloned().with_context(|| format!("no column \"{name}\""))?;
        anyhow::Ok(SortColumn { values, options: Some(ORDER) })
    };
    let columns = contract.cluster.iter().map(sorted_by).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(vec![take_record_batch(&whole, &lexsort_to_indices(&columns, None)?)?])
}

/// Whether rows stand in the order of their contract's cluster columns.
fn is_sorted(batches: &[RecordBatch], contract: &Contract) -> anyhow::Result<bool> {
    let batches: Vec<&RecordBatch> = batches.iter().filter(|batch| batch.num_rows() > 0).collect();
    if contract.cluster.is_empty() {
        return Ok(false);
    }
    for batch in &batches {
        let order = order(batch, batch, contract)?;
        if (1..batch.num_rows()).any(|row| order(row - 1, row).is_gt()) {
            return Ok(false);
        }
    }
    for pair in batches.windows(2) {
        let [one, next] = pair else { continue };
        if order(one, next, contract)?(one.num_rows() - 1, 0).is_gt() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Compares a row of one batch with a row of another by the cluster columns.
fn order(
    one: &RecordBatch,
    other: &RecordBatch,
    contract: &Contract,
) -> anyhow::Result<impl Fn(usize, usize) -> Ordering> {
    let column = |batch: &RecordBatch, name: &str| {
        batch.column_by_name(name).cloned().with_context(|| format!("no column \"{name}\""))
    };
    let mut orders: Vec<DynComparator> = Vec::new();
    for name in &contract.cluster {
        orders.push(make_comparator(&column(one, name)?, &column(other, name)?, ORDER)?);
    }
    Ok(move |left, right| {
        orders.iter().map(|order| order(left, right)).find(|found| found.is_ne()).unwrap_or(Ordering::Equal)
    })
}

/// Cuts sorted rows into parts of about the same size, none of which shares a key with another.
fn ranges(batches: &[RecordBatch], contract: &Contract) -> anyhow::Result<Vec<Vec<RecordBatch>>> {
    let Some(key) = contract.cluster.first() else { return Ok(vec![batches.to_vec()]) };
    let keys: Vec<_> = batches.iter().filter_map(|batch| batch.column_by_name(key)).map(AsRef::as_ref).collect();
    let cuts = if keys.is_empty() { Vec::new() } else { cuts(&concat(&keys)?)? };
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([rows]);
    Ok(starts.zip(ends).map(|(from, until)| part(batches, from, until)).collect())
}

/// Where to cut: the rows at which another key begins, each the first behind an equal share of the rows.
fn cuts(keys: &dyn Array) -> anyhow::Result<Vec<usize>> {
    let (rows, order) = (keys.len(), make_comparator(keys, keys, ORDER)?);
    let parts = (rows / RANGE_ROWS).clamp(1, RANGES);
    let mut cuts = Vec::new();
    for part in 1..parts {
        let share = rows * part / parts;
        let begins = |row: &usize| order(row - 1, *row).is_ne();
        match (share..rows).find(begins) {
            // What is null belongs to the last part, whose greatest key nobody asks for.
            Some(row) if keys.is_valid(row) && cuts.last() != Some(&row) => cuts.push(row),
            _ => {}
        }
    }
    Ok(cuts)
}

/// The rows from one place until another.
fn part(batches: &[RecordBatch], from: usize, until: usize) -> Vec<RecordBatch> {
    let mut begins = 0;
    let mut part = Vec::new();
    for batch in batches {
        let ends = begins + batch.num_rows();
        let (first, last) = (from.max(begins), until.min(ends));
        if first < last {
            part.push(batch.slice(first - begins, last - first));
        }
        begins = ends;
    }
    part
}

fn only(batch: &RecordBatch, column: &str, day: Day) -> anyhow::Result<bool> {
    use arrow::array::Date32Array;
    let array = batch.column_by_name(column).and_then(|array| array.as_any().downcast_ref::<Date32Array>());
    let days = array.with_context(|| format!("no date column \"{column}\""))?;
    Ok(days.null_count() == 0 && days.values().iter().all(|value| *value == day.epoch_days()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;
    use crate::schema::contract::Table;

    fn contract() -> &'static Contract {
        Table::CONTACT_DAY.contract()
    }

    /// A batch of callers and callees, the cluster columns of `contact_day`.
    fn pairs(callers: &[Option<i64>], callees: &[i64]) -> RecordBatch {
        let fields = ["caller", "callee"].map(|name| Field::new(name, DataType::Int64, true));
        let columns: Vec<arrow::array::ArrayRef> =
            vec![Arc::new(Int64Array::from(callers.to_vec())), Arc::new(Int64Array::from(callees.to_vec()))];
        RecordBatch::try_new(Arc::new(Schema::new(fields.to_vec())), columns).unwrap()
    }

    #[test]
    fn order_is_looked_at_within_batches_and_between_them() {
        let one = || pairs(&[Some(1), Some(1), Some(2)], &[1, 2, 1]);
        assert!(is_sorted(&[one(), pairs(&[Some(2), None], &[1, 0])], contract()).unwrap());
        assert!(!is_sorted(&[one(), pairs(&[Some(2)], &[0])], contract()).unwrap(), "between");
        assert!(!is_sorted(&[pairs(&[Some(1), Some(1)], &[2, 1])], contract()).unwrap(), "within");
        assert!(!is_sorted(&[pairs(&[None, Some(1)], &[1, 1])], contract()).unwrap(), "null comes last");
        assert!(is_sorted(&[], contract()).unwrap());
    }

    #[test]
    fn rows_that_were_read_side_by_side_are_put_in_order_again() {
        let batches = vec![pairs(&[Some(2), None], &[1, 7]), pairs(&[Some(1), Some(2)], &[9, 0])];
        assert!(!is_sorted(&batches, contract()).unwrap());
        let sorted = in_order(batches, contract()).unwrap();
        assert!(is_sorted(&sorted, contract()).unwrap());
        assert_eq!(sorted.iter().map(RecordBatch::num_rows).sum::<usize>(), 4);
    }

    #[test]
    fn no_key_is_cut_in_two_and_no_row_is_lost() {
        let rows = i64::try_from(5 * RANGE_ROWS).unwrap();
        // One key is longer than a share, and another lies across the third.
        let callers: Vec<Option<i64>> =
            (0..rows).map(|row| if row < 150_000 { Some(1) } else { Some(row / 7) }).collect();
        let callees: Vec<i64> = (0..rows).collect();
        let batches: Vec<RecordBatch> =
            callers.chunks(8_192).zip(callees.chunks(8_192)).map(|(one, two)| pairs(one, two)).collect();
        let parts = ranges(&batches, contract()).unwrap();
        assert!(parts.len() > 3, "{} parts", parts.len());
        let mut last = None;
        let mut next = 0;
        for part in &parts {
            let keys: Vec<&dyn Array> = part.iter().map(|batch| batch.column(0).as_ref()).collect();
            let keys = concat(&keys).unwrap();
            let keys = arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(&keys);
            assert!(last < Some(keys.value(0)));
            last = Some(keys.value(keys.len() - 1));
            for batch in part {
                let callees = arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(batch.column(1));
                for callee in callees.values() {
                    assert_eq!(*callee, next);
                    next += 1;
                }
            }
        }
        assert_eq!(next, rows);
    }

    #[test]
    fn what_is_null_stays_in_one_part() {
        let rows = 3 * RANGE_ROWS;
        let callers: Vec<Option<i64>> = (0..rows).map(|row| (row < RANGE_ROWS).then_some(1)).collect();
        assert_eq!(cuts(&Int64Array::from(callers)).unwrap(), Vec::<usize>::new());
        let names: StringArray = (0..rows).map(|row| Some(format!("{row:08}"))).collect();
        assert_eq!(cuts(&names).unwrap(), [RANGE_ROWS, 2 * RANGE_ROWS]);
    }
}
