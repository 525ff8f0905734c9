//! One partition, written whole in place of what was there.
//!
//! In: all rows of a partition. Out: the new table version. Never: touches another partition; leaves half of the old
//! rows beside half of the new.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::pin::pin;
use std::{mem, thread};

use anyhow::{Context, bail, ensure};
use arrow::array::{Array, DynComparator, RecordBatch, make_comparator};
use deltalake::kernel::transaction::CommitBuilder;
use deltalake::kernel::{Action, Add};
use deltalake::protocol::SaveMode;
use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::clustered::ORDER;
use super::{Handle, adds, commit_properties, finished, log_store};
use crate::domain::day::Day;
use crate::schema::contract::Contract;

/// Rows of a file, about: worth a stream of its own, and not too few to compress.
const FILE_ROWS: usize = 1 << 17;
/// After so many files they are twice as large, and after as many again four times: a large day has not a thousand.
const FILES: usize = 8;

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
        let is_sorted = is_sorted(batches, self.table.contract())?;
        self.swap(given(batches), is_sorted, Some(day)).await
    }

    /// The same with rows that are still being computed, in the order of the contract's cluster columns. Files are
    /// encoded while the rows of the next ones come in, so that no more is held than what is encoded at once.
    pub async fn replace_as_they_come(
        &mut self,
        day: Day,
        rows: impl Stream<Item = anyhow::Result<RecordBatch>>,
    ) -> anyhow::Result<Replaced> {
        let is_sorted = !self.table.contract().cluster.is_empty();
        self.swap(rows, is_sorted, Some(day)).await
    }

    /// Replaces a whole unpartitioned table.
    pub async fn replace_all(&mut self, batches: &[RecordBatch]) -> anyhow::Result<Replaced> {
        let is_sorted = is_sorted(batches, self.table.contract())?;
        self.swap(given(batches), is_sorted, None).await
    }

    /// Puts rows in the place of a day's, or of all of a table without days, in one commit: a reader sees the old ones or
    /// the new ones.
    async fn swap(
        &mut self,
        batches: impl Stream<Item = anyhow::Result<RecordBatch>>,
        is_sorted: bool,
        day: Option<Day>,
    ) -> anyhow::Result<Replaced> {
        let contract = self.table.contract();
        let partition = match (contract.partition.first(), day) {
            (Some(column), Some(day)) => Some((column.as_str(), day)),
            (None, None) => None,
            (None, Some(_)) => bail!("table {} has no partition to replace", self.table),
            (Some(_), None) => bail!("table {} is written by partition", self.table),
        };
        let (files, rows) = self.write_sorted(batches, is_sorted, partition).await?;
        self.sync_files(&files).await?;
        let (mut actions, _) = adds(files);
        actions.extend(self.removals(partition).await?);
        let predicate = partition.map(|(column, day)| format!("{column} = '{day}'"));
        let snapshot = self.delta.snapshot()?;
        let commit = CommitBuilder::from(commit_properties()).with_actions(actions).build(
            Some(snapshot.snapshot()),
            log_store(&self.delta),
            self.write_operation(SaveMode::Overwrite, predicate),
        );
        let done = commit.await.with_context(|| format!("replacing a partition of table {}", self.table))?;
        self.delta.state = Some(done.snapshot());
        self.sync_log().await?;
        Ok(Replaced { version: self.version(), rows })
    }

    /// Writes rows as they come, in files that share no key when they are sorted; how many rows there were.
    async fn write_sorted(
        &self,
        batches: impl Stream<Item = anyhow::Result<RecordBatch>>,
        is_sorted: bool,
        partition: Option<(&str, Day)>,
    ) -> anyhow::Result<(Vec<Add>, u64)> {
        let contract = self.table.contract();
        let at_once = thread::available_parallelism().map_or(1, usize::from);
        let (mut cutter, mut writing) = (Cutter::new(contract, is_sorted), VecDeque::new());
        let (mut files, mut rows) = (Vec::new(), 0);
        let mut batches = pin!(batches);
        while let Some(batch) = batches.try_next().await? {
            if let Some((column, day)) = partition {
                ensure!(only(&batch, column, day)?, "a row for {} lies outside partition {column} = {day}", self.table);
            }
            rows += batch.num_rows() as u64;
            for part in cutter.add(batch)? {
                if writing.len() >= at_once
                    && let Some(written) = writing.pop_front()
                {
                    files.extend(finished(written).await?);
                }
                writing.push_back(self.write_part(part, is_sorted));
            }
        }
        writing.push_back(self.write_part(cutter.held, is_sorted));
        for written in writing {
            files.extend(finished(written).await?);
        }
        Ok((files, rows))
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

/// Whether rows stand in the order of their contract's cluster columns.
fn is_sorted(batches: &[RecordBatch], contract: &Contract) -> anyhow::Result<bool> {
    let mut before = None;
    for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
        if contract.cluster.is_empty() || !follows(before, batch, contract)? {
            return Ok(false);
        }
        before = Some(batch);
    }
    Ok(!contract.cluster.is_empty())
}

/// Whether the rows of a batch are in order, and behind those of the one before it.
fn follows(before: Option<&RecordBatch>, batch: &RecordBatch, contract: &Contract) -> anyhow::Result<bool> {
    let within = order(batch, batch, contract)?;
    let is_behind = match before {
        Some(before) => order(before, batch, contract)?(before.num_rows() - 1, 0).is_le(),
        None => true,
    };
    Ok(is_behind && (1..batch.num_rows()).all(|row| within(row - 1, row).is_le()))
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

/// Cuts rows into parts for files; of sorted rows no part shares a key with another.
struct Cutter {
    contract: &'static Contract,
    is_sorted: bool,
    held: Vec<RecordBatch>,
    rows: usize,
    parts: usize,
}

impl Cutter {
    fn new(contract: &'static Contract, is_sorted: bool) -> Self {
        Self { contract, is_sorted, held: Vec::new(), rows: 0, parts: 0 }
    }

    /// Takes the next rows in; the parts that are full with them.
    fn add(&mut self, mut batch: RecordBatch) -> anyhow::Result<Vec<Vec<RecordBatch>>> {
        let mut full = Vec::new();
        if batch.num_rows() == 0 {
            return Ok(full);
        }
        if self.is_sorted {
            let is_behind = follows(self.held.last(), &batch, self.contract)?;
            ensure!(is_behind, "rows for {} came out of their order", self.contract.name);
        }
        while let Some(row) = self.cut(&batch)? {
            self.held.push(batch.slice(0, row));
            batch = batch.slice(row, batch.num_rows() - row);
            full.push(mem::take(&mut self.held));
            self.rows = 0;
            self.parts += 1;
        }
        self.rows += batch.num_rows();
        self.held.push(batch);
        Ok(full)
    }

    /// The row of the next batch before which the part that is held ends.
    fn cut(&self, batch: &RecordBatch) -> anyhow::Result<Option<usize>> {
        let wanted = FILE_ROWS << (self.parts / FILES).min(2);
        let full = wanted.saturating_sub(self.rows);
        // Rows in no order have no key that a cut could part.
        let Some(key) = self.contract.cluster.first().filter(|_| self.is_sorted) else {
            return Ok((full < batch.num_rows()).then_some(full));
        };
        let keys = key_of(batch, key)?;
        if full >= keys.len() {
            return Ok(None);
        }
        let order = make_comparator(keys, keys, ORDER)?;
        let begins_anew = match self.held.last() {
            Some(held) if full == 0 => {
                make_comparator(key_of(held, key)?, keys, ORDER)?(held.num_rows() - 1, 0).is_ne()
            }
            _ => false,
        };
        let begins =
            if begins_anew { Some(0) } else { (full.max(1)..keys.len()).find(|row| order(row - 1, *row).is_ne()) };
        // What is null belongs to the last part, whose greatest key nobody asks for.
        Ok(begins.filter(|row| keys.is_valid(*row)))
    }
}

fn key_of<'a>(batch: &'a RecordBatch, key: &str) -> anyhow::Result<&'a dyn Array> {
    batch.column_by_name(key).map(AsRef::as_ref).with_context(|| format!("no column \"{key}\""))
}

fn given(batches: &[RecordBatch]) -> impl Stream<Item = anyhow::Result<RecordBatch>> + use<> {
    stream::iter(batches.to_vec()).map(Ok)
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

    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};

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

    /// The parts that rows are cut into.
    fn parts(batches: Vec<RecordBatch>) -> Vec<Vec<RecordBatch>> {
        cut(Cutter::new(contract(), true), batches)
    }

    fn cut(mut cutter: Cutter, batches: Vec<RecordBatch>) -> Vec<Vec<RecordBatch>> {
        let mut parts = Vec::new();
        for batch in batches {
            parts.extend(cutter.add(batch).unwrap());
        }
        parts.push(cutter.held);
        parts
    }

    /// The callers of a part.
    fn callers(part: &[RecordBatch]) -> Vec<Option<i64>> {
        part.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().iter()).collect()
    }

    #[test]
    fn no_key_is_cut_in_two_and_no_row_is_lost() {
        let rows = i64::try_from(5 * FILE_ROWS).unwrap();
        // One key is longer than a part; others end with a batch, or lie across two.
        let caller = |row: i64| if row < 150_000 { 1 } else { row / 7 };
        let given: Vec<Option<i64>> = (0..rows).map(|row| Some(caller(row))).collect();
        let callees: Vec<i64> = (0..rows).collect();
        for size in [7, 8_192, given.len()] {
            let batches = given.chunks(size).zip(callees.chunks(size)).map(|(one, two)| pairs(one, two)).collect();
            let parts = parts(batches);
            assert_eq!(parts.len(), 5);
            assert!(parts[1..4].iter().all(|part| (FILE_ROWS..FILE_ROWS + 7).contains(&callers(part).len())));
            assert!(parts.windows(2).all(|pair| callers(&pair[0]).last() < callers(&pair[1]).first()));
            let kept = parts.iter().flatten().flat_map(|batch| batch.column(1).as_primitive::<Int64Type>().values());
            assert!(kept.eq(&callees));
        }
    }

    #[test]
    fn what_is_null_stays_in_one_part() {
        let rows = 3 * FILE_ROWS;
        let given: Vec<Option<i64>> = (0..rows).map(|row| (row < FILE_ROWS).then_some(1)).collect();
        assert_eq!(parts(vec![pairs(&given, &vec![0; rows])]).len(), 1);
        assert_eq!(
            parts(given.chunks(8_192).map(|callers| pairs(callers, &vec![0; callers.len()])).collect()).len(),
            1
        );
    }

    #[test]
    fn rows_in_no_order_are_not_held_until_the_last_has_come() {
        let rows = i64::try_from(2 * FILE_ROWS + 7).unwrap();
        // Backwards, and one key for many.
        let given: Vec<Option<i64>> = (0..rows).map(|row| Some((rows - row) / 1_000)).collect();
        let callees: Vec<i64> = (0..rows).collect();
        for size in [8_192, given.len()] {
            let batches = given.chunks(size).zip(callees.chunks(size)).map(|(one, two)| pairs(one, two)).collect();
            let parts = cut(Cutter::new(contract(), false), batches);
            let lengths: Vec<usize> = parts.iter().map(|part| callers(part).len()).collect();
            assert_eq!(lengths, [FILE_ROWS, FILE_ROWS, 7]);
            let kept = parts.iter().flatten().flat_map(|batch| batch.column(1).as_primitive::<Int64Type>().values());
            assert!(kept.eq(&callees));
        }
    }

    #[test]
    fn files_of_a_large_day_are_larger() {
        let rows = i64::try_from(FILES * FILE_ROWS + 3 * FILE_ROWS).unwrap();
        let callers: Vec<Option<i64>> = (0..rows).map(Some).collect();
        let parts = parts(vec![pairs(&callers, &vec![0; callers.len()])]);
        let rows: Vec<usize> = parts.iter().map(|part| part.iter().map(RecordBatch::num_rows).sum()).collect();
        assert_eq!(rows[FILES - 1..], [FILE_ROWS, 2 * FILE_ROWS, FILE_ROWS]);
    }

    #[test]
    fn rows_that_come_out_of_their_order_are_refused() {
        let mut cutter = Cutter::new(contract(), true);
        cutter.add(pairs(&[Some(1), Some(2)], &[1, 2])).unwrap();
        assert!(cutter.add(pairs(&[Some(2)], &[1])).unwrap_err().to_string().contains("order"));
    }
}
