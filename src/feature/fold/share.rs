//! The records of a day in shares, each of which is folded at once.
//!
//! In: records in any order. Out: shares that follow upon each other by their callers. Never: parts a caller, or holds
//! more records than `at_once` and those of the shares that are being folded: the rest lies in files of the session,
//! which are gone with it.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use datafusion::common::{DataFusionError, Result, exec_err};
use datafusion::config::SpillCompression;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, SpillMetrics};
use datafusion::physical_plan::spill::SpillManager;
use datafusion::physical_plan::spill::spill_pool::{SpillPoolSink, spsc_channel};
use futures::TryStreamExt;

use super::event::{self, Columns};
use super::{Entry, Place};

/// Records that are held before they are dealt to files: about a gigabyte of them.
pub(super) const AT_ONCE: usize = 1 << 21;

/// Shares of records that are all held: enough that every core has some, and that what is folded can go while the
/// others are.
const HELD_SHARES: usize = 16;

/// Shares of records that are dealt to files: of two hundred million each has two.
const FILE_SHARES: usize = 128;

/// How many callers are asked where to cut.
const SAMPLE: usize = 4_096;

/// Records of some callers.
pub(super) enum Share {
    Held(Held),
    /// In a file, and how many there are.
    Filed(SendableRecordBatchStream, usize),
}

/// The same, in memory. Other shares may have rows of the same batches.
pub(super) struct Held {
    pub(super) columns: Arc<[Columns]>,
    pub(super) entries: Vec<Entry>,
}

impl Share {
    pub(super) async fn held(self) -> Result<Held> {
        match self {
            Self::Held(held) => Ok(held),
            Self::Filed(records, rows) => {
                let batches: Vec<_> = records.try_collect().await?;
                let entries = entries(&batches)?;
                // A file that ends early is no error to its reader.
                if entries.len() != rows {
                    return exec_err!("fold_call: of {rows} records of a file {} came back", entries.len());
                }
                Ok(Held { entries, columns: columns(&batches)? })
            }
        }
    }
}

fn columns(batches: &[RecordBatch]) -> Result<Arc<[Columns]>> {
    batches.iter().map(Columns::of).collect()
}

/// What has to be sorted of each record.
fn entries(batches: &[RecordBatch]) -> Result<Vec<Entry>> {
    let mut entries = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    for (batch, records) in batches.iter().enumerate() {
        let [callers, callees] = event::parties(records)?;
        let parties = callers.iter().zip(callees.iter()).enumerate();
        let key = |number: Option<i64>| number.unwrap_or(i64::MAX);
        entries.extend(parties.map(|(row, (caller, callee))| Entry {
            caller: key(caller),
            callee: key(callee),
            at: Place { batch, row },
        }));
    }
    Ok(entries)
}

/// Records in shares of callers that follow upon each other; more than `at_once` are dealt to files.
pub(super) async fn deal(
    mut records: SendableRecordBatchStream,
    context: &Arc<TaskContext>,
    at_once: usize,
) -> Result<Vec<Share>> {
    let mut filed: Option<Filed> = None;
    loop {
        let (batches, is_all) = next(&mut records, at_once).await?;
        let entries = entries(&batches)?;
        if is_all && filed.is_none() {
            let (columns, cuts) = (columns(&batches)?, cuts(&entries, HELD_SHARES));
            let shares = shared(entries, &cuts).into_iter();
            return Ok(shares.map(|entries| Share::Held(Held { columns: Arc::clone(&columns), entries })).collect());
        }
        let into = filed.take().unwrap_or_else(|| Filed::new(&batches, cuts(&entries, FILE_SHARES), context));
        let dealing = tokio::task::spawn_blocking(move || into.add(&batches, entries));
        let dealt = dealing.await.map_err(|problem| DataFusionError::External(problem.into()))??;
        if is_all {
            return Ok(dealt.shares());
        }
        filed = Some(dealt);
    }
}

/// The next records, and whether there are no more.
async fn next(records: &mut SendableRecordBatchStream, at_once: usize) -> Result<(Vec<RecordBatch>, bool)> {
    let (mut batches, mut rows) = (Vec::new(), 0);
    while rows < at_once {
        let Some(batch) = records.try_next().await? else { return Ok((batches, true)) };
        rows += batch.num_rows();
        batches.push(batch);
    }
    Ok((batches, false))
}

/// The first callers of all shares but the first, so that each has about as many of these records.
fn cuts(entries: &[Entry], shares: usize) -> Vec<i64> {
    let step = entries.len().div_ceil(SAMPLE).max(1);
    let mut sample: Vec<i64> = entries.iter().step_by(step).map(|entry| entry.caller).collect();
    sample.sort_unstable();
    (1..shares).filter_map(|share| sample.get(share * sample.len() / shares).copied()).collect()
}

fn shared(entries: Vec<Entry>, cuts: &[i64]) -> Vec<Vec<Entry>> {
    let mut shared = vec![Vec::new(); cuts.len() + 1];
    for entry in entries {
        shared[cuts.partition_point(|cut| *cut <= entry.caller)].push(entry);
    }
    shared
}

/// A file of records for each share. It is held open until it is read, so there is but one, however many rounds of
/// records are dealt.
struct Filed {
    cuts: Vec<i64>,
    files: Vec<File>,
}

struct File {
    sink: SpillPoolSink,
    records: SendableRecordBatchStream,
    rows: usize,
}

impl Filed {
    fn new(batches: &[RecordBatch], cuts: Vec<i64>, context: &Arc<TaskContext>) -> Self {
        let schema = batches.first().map_or_else(event::schema, RecordBatch::schema);
        let metrics = SpillMetrics::new(&ExecutionPlanMetricsSet::new(), 0);
        let manager = SpillManager::new(context.runtime_env(), metrics, schema);
        let manager = Arc::new(manager.with_compression_type(SpillCompression::Lz4Frame));
        let file = |_| {
            let (sink, records) = spsc_channel(usize::MAX, Arc::clone(&manager));
            File { sink, records, rows: 0 }
        };
        Self { files: (0..=cuts.len()).map(file).collect(), cuts }
    }

    /// Writes a round of records, on every core some of the files.
    fn add(mut self, batches: &[RecordBatch], entries: Vec<Entry>) -> Result<Self> {
        let batches: Vec<&RecordBatch> = batches.iter().collect();
        let mut shares: Vec<_> = self.files.iter_mut().zip(shared(entries, &self.cuts)).collect();
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let write = |(file, entries): &mut (&mut File, Vec<Entry>)| {
            if entries.is_empty() {
                return Ok(());
            }
            let places: Vec<_> = entries.iter().map(|entry| (entry.at.batch, entry.at.row)).collect();
            file.sink.push_batch(&interleave_record_batch(&batches, &places)?)?;
            file.rows += places.len();
            Ok(())
        };
        let write_all = |shares: &mut [_]| shares.iter_mut().try_for_each(write);
        let of_core = shares.len().div_ceil(cores).max(1);
        thread::scope(|scope| {
            let writing: Vec<_> =
                shares.chunks_mut(of_core).map(|shares| scope.spawn(move || write_all(shares))).collect();
            let done = writing.into_iter().map(|core| core.join().unwrap_or_else(|panic| resume_unwind(panic)));
            done.collect::<Result<()>>()
        })?;
        Ok(self)
    }

    fn shares(self) -> Vec<Share> {
        // Without its sink a file is whole.
        self.files.into_iter().map(|File { records, rows, .. }| Share::Filed(records, rows)).collect()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, Int32Array, Int64Array, StringArray, new_null_array};
    use arrow::compute::cast;
    use arrow::datatypes::{DataType, Field, Int64Type};
    use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
    use futures::stream;

    use super::super::Fold;
    use super::*;
    use crate::schema::contract::Table;

    const RECORDS: i64 = 5_000;

    /// Some records from one of them on, each of a call of its own; one in seven has nobody's number.
    fn records(from: i64, until: i64) -> RecordBatch {
        let schema = Table::CALL_RECORD.contract().schema();
        let rows = || from..until;
        let column = |field: &Field| -> ArrayRef {
            match field.name().as_str() {
                "caller" => Arc::new(rows().map(|n| (n % 7 > 0).then_some(n * 7_919 % 97)).collect::<Int64Array>()),
                "record_id" => Arc::new(rows().map(|n| Some(format!("R{n}"))).collect::<StringArray>()),
                _ if field.is_nullable() => new_null_array(field.data_type(), rows().count()),
                _ => {
                    let zeros: Int32Array = rows().map(|_| Some(0)).collect();
                    let wide = matches!(field.data_type(), DataType::Timestamp(..));
                    let zeros = if wide { cast(&zeros, &DataType::Int64).unwrap() } else { Arc::new(zeros) };
                    cast(&zeros, field.data_type()).unwrap()
                }
            }
        };
        let columns = schema.fields().iter().map(|field| column(field)).collect();
        RecordBatch::try_new(schema, columns).unwrap()
    }

    fn arriving() -> SendableRecordBatchStream {
        let batches: Vec<_> = (0..RECORDS).step_by(100).map(|from| Ok(records(from, from + 100))).collect();
        Box::pin(RecordBatchStreamAdapter::new(records(0, 0).schema(), stream::iter(batches)))
    }

    /// Caller and id of each call, share by share.
    async fn calls(at_once: usize) -> Vec<Vec<(i64, String)>> {
        let mut calls = Vec::new();
        for share in deal(arriving(), &Arc::new(TaskContext::default()), at_once).await.unwrap() {
            let mut of_share = Vec::new();
            for batch in (Fold { day: 0, window_us: 0 }).share(share).await.unwrap() {
                let callers = batch.column_by_name("caller").unwrap().as_primitive::<Int64Type>().clone();
                let ids = batch.column_by_name("record_id").unwrap().as_string_view().clone();
                let called =
                    callers.iter().zip(ids.iter()).map(|(caller, id)| (caller.unwrap_or(i64::MAX), id.unwrap()));
                of_share.extend(called.map(|(caller, id)| (caller, id.to_owned())));
            }
            calls.push(of_share);
        }
        calls
    }

    #[tokio::test]
    async fn a_day_that_is_too_large_to_be_held_is_folded_to_the_same_calls() {
        let held = calls(AT_ONCE).await;
        let last = usize::try_from(RECORDS).unwrap();
        for at_once in [1, 700, last - 1, last] {
            let filed = calls(at_once).await;
            assert!(filed.len() > held.len(), "{} shares at {at_once}", filed.len());
            assert!(filed.concat() == held.concat(), "{at_once} at once");
        }
        assert!(held.len() > 1 && held.concat().is_sorted() && held.concat().len() == last);
    }

    #[tokio::test]
    async fn however_many_rounds_are_dealt_a_share_has_one_file() {
        let context = Arc::new(TaskContext::default());
        let shares = deal(arriving(), &context, 1).await.unwrap();
        let files = context.runtime_env().spilling_progress().active_files_count;
        assert!((2..=shares.len()).contains(&files), "{files} files of {} shares", shares.len());
    }

    #[tokio::test]
    async fn shares_follow_upon_each_other_and_part_no_caller() {
        for shares in [calls(AT_ONCE).await, calls(700).await] {
            let ends: Vec<_> = shares.iter().filter(|share| !share.is_empty()).collect();
            assert!(
                ends.windows(2)
                    .all(|pair| pair[0].iter().max().map(|call| call.0) < pair[1].iter().min().map(|call| call.0))
            );
        }
    }

    #[tokio::test]
    async fn no_records_are_no_calls() {
        let none = RecordBatchStreamAdapter::new(records(0, 0).schema(), stream::empty());
        let shares = deal(Box::pin(none), &Arc::new(TaskContext::default()), AT_ONCE).await.unwrap();
        for share in shares {
            assert!((Fold { day: 0, window_us: 0 }).share(share).await.unwrap().is_empty());
        }
    }
}
