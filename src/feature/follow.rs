//! `FROM follow_callers('called', short_gap_s)` and `FROM follow_callers('called', short_gap_s, 'before')`: what each
//! party did, its calls in their order.
//!
//! In: a `WITH` part of calls, in any order: keys of caller and callee (`key_of`), start, busy seconds, cell and handset;
//! what is behind these is summed up of each caller: whether a boolean is ever true, and the sum of whole numbers, of
//! nulls false and 0. A second part has calls of the day before: keys of caller and callee, and the start.
//! Out: a row for each caller, in the order of the keys: `party`, and as `number` the same where it is one; the columns
//! of `call_sequence`; with the second part `called_back`, how many of those whom it called have called it behind its
//! first call, and `repeat_within_24h`, how many of its calls had one of their pair within the 24 hours before: on a
//! day, all but the first of a pair have. Then the sums. A row without a caller or a start is nobody's.
//! Never: holds the calls of a caller who is complete, where the rows lie in order; where a caller comes twice the rows
//! are read again, sorted.
//!
//! `GROUP BY` and `call_sequence` say the same, but hash callers that come one behind the other, and leave pairs to a
//! second reading.

mod callers;

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::{SortOptions, concat_batches, filter_record_batch, max, not, sort_to_indices, take_record_batch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimestampMicrosecondType};
use async_trait::async_trait;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, plan_err};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::sorts::sort::SortExec;
use futures::stream::BoxStream;

use self::callers::{Callers, Circle, Sum};
use super::call_sequence::kernel::{Call, US_PER_S};
use super::call_sequence::{COLUMNS, value};
use super::made::{INSTANT, Made, Make, batches, begins_with, each, handed_on, part, worked};
use super::pair::keys;
use super::party::FIRST_NAMED;

/// The function's name.
pub const NAME: &str = "follow_callers";

/// What calls have in front, and calls of the day before.
const CALLED: [DataType; 6] =
    [DataType::Int64, DataType::Int64, INSTANT, DataType::Int64, DataType::Int64, DataType::Int64];
const BEFORE: [DataType; 3] = [DataType::Int64, DataType::Int64, INSTANT];

/// The columns that a second part brings.
const PAIRS: [&str; 2] = ["called_back", "repeat_within_24h"];

/// The function.
#[derive(Debug)]
pub(super) struct FollowCallers;

impl TableFunctionImpl for FollowCallers {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let [_, Expr::Literal(ScalarValue::Int64(Some(short_gap_s)), _), before @ ..] = args.exprs() else {
            return plan_err!("{NAME} takes the name of a part, a number of seconds, and the name of another part");
        };
        let called = part(NAME, &args, 0)?;
        begins_with(NAME, &called.schema(), &CALLED)?;
        let has_before = !before.is_empty();
        let schema = schema(&called.schema(), has_before)?;
        let make = Follow { short_gap_s: *short_gap_s, schema: Arc::clone(&schema) };
        let mut parts = vec![called];
        if has_before {
            parts.push(part(NAME, &args, 2)?);
            begins_with(NAME, &parts[1].schema(), &BEFORE)?;
        }
        Ok(Arc::new(Made { parts, schema, order: vec!["number".to_owned()], make }))
    }
}

fn schema(called: &Schema, has_before: bool) -> Result<SchemaRef> {
    let number = |name: &str| Field::new(name, DataType::Int64, false);
    let mut fields = vec![number("party"), Field::new("number", DataType::Int64, true)];
    fields.extend(COLUMNS.map(number));
    fields.extend(PAIRS.iter().filter(|_| has_before).map(|name| number(name)));
    for field in &called.fields()[CALLED.len()..] {
        if !matches!(field.data_type(), DataType::Boolean | DataType::Int64) {
            return plan_err!("{NAME}: what is summed up is true or false, or a whole number, not {field}");
        }
        fields.push(Field::new(field.name(), field.data_type().clone(), false));
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// How callers are followed.
#[derive(Debug, Clone)]
struct Follow {
    short_gap_s: i64,
    schema: SchemaRef,
}

#[async_trait]
impl Make for Follow {
    async fn make(
        self,
        parts: Vec<Arc<dyn ExecutionPlan>>,
        context: Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let has_pairs = parts.len() > 1;
        let blocks = match self.follow(&parts[0], has_pairs, &context).await? {
            Some(blocks) => blocks,
            None => {
                let blocks = self.follow(&sorted(&parts[0])?, has_pairs, &context).await?;
                blocks.ok_or_else(|| exec_datafusion_err!("{NAME}: a caller comes twice in sorted rows"))?
            }
        };
        let batches = batches_of(&blocks);
        let Some(before) = parts.get(1) else {
            let batch = move |(block, places): (usize, _)| batch(&self.schema, &blocks[block], &[], places);
            return Ok(handed_on(batches, &context, batch));
        };
        let circle = Arc::new(worked(move || Circle::of(blocks)).await?);
        each(
            before,
            &context,
            || Arc::clone(&circle),
            |circle, rows| {
                let at = rows.column(2).as_primitive::<TimestampMicrosecondType>();
                let pairs = keys(rows).filter(|(row, _)| at.is_valid(*row));
                circle.met_before(pairs.map(|(row, pair)| (pair, at.value(row))));
                Ok(())
            },
        )
        .await?;
        Ok(handed_on(batches, &context, move |(block, places): (usize, Range<usize>)| {
            let pairs: Vec<_> = places.clone().map(|place| circle.of_caller(block, place)).collect();
            batch(&self.schema, &circle.blocks[block], &pairs, places)
        }))
    }
}

/// The rows of blocks as batches: of which block, and of which of its callers.
fn batches_of(blocks: &[Callers]) -> impl Iterator<Item = (usize, Range<usize>)> + Send + 'static {
    let callers: Vec<usize> = blocks.iter().map(|callers| callers.keys.len()).collect();
    callers.into_iter().enumerate().flat_map(|(block, callers)| batches(callers).map(move |places| (block, places)))
}

impl Follow {
    /// The callers of a part in their order; nothing where one comes twice.
    async fn follow(
        &self,
        called: &Arc<dyn ExecutionPlan>,
        has_pairs: bool,
        context: &Arc<TaskContext>,
    ) -> Result<Option<Vec<Callers>>> {
        let schema = called.schema();
        let begin = || {
            let sums = schema.fields()[CALLED.len()..].iter().map(|field| match field.data_type() {
                DataType::Boolean => Sum::Any(Vec::new()),
                _ => Sum::Total(Vec::new()),
            });
            Callers::new(self.short_gap_s, sums.collect(), has_pairs)
        };
        let begin_stream = || Stream { open: begin(), blocks: Vec::new(), unnumbered: Vec::new() };
        let (mut blocks, mut unnumbered) = (Vec::new(), Vec::new());
        for mut stream in each(called, context, begin_stream, deal).await? {
            blocks.append(&mut stream.blocks);
            blocks.push(stream.open);
            unnumbered.append(&mut stream.unnumbered);
        }
        // In the order of a clustered table they all come last, whoever they are.
        let unnumbered = concat_batches(&schema, &unnumbered)?;
        let by_caller = sort_to_indices(unnumbered.column(0), None, None)?;
        let mut others = begin();
        gather(&mut others, &take_record_batch(&unnumbered, &by_caller)?);
        blocks.push(others);
        worked(move || Callers::ordered(blocks)).await
    }
}

/// The rows of a part by caller, in one stream.
fn sorted(part: &Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let caller = Arc::new(Column::new(part.schema().field(0).name(), 0));
    let by_caller = LexOrdering::new([PhysicalSortExpr::new(caller, SortOptions::default())]);
    let by_caller = by_caller.ok_or_else(|| exec_datafusion_err!("{NAME}: an order of nothing"))?;
    // It has run once.
    let rows = reset_plan_states(Arc::clone(part))?;
    Ok(Arc::new(SortExec::new(by_caller, Arc::new(CoalescePartitionsExec::new(rows)))))
}

/// What comes of one partition.
struct Stream {
    open: Callers,
    /// Callers who are complete.
    blocks: Vec<Callers>,
    /// Calls of those who are no numbers.
    unnumbered: Vec<RecordBatch>,
}

/// Takes in calls of numbers; those of other parties are put aside.
fn deal(stream: &mut Stream, rows: &RecordBatch) -> Result<()> {
    let from = rows.column(0).as_primitive::<Int64Type>();
    if max(from).is_none_or(|key| key < FIRST_NAMED) {
        gather(&mut stream.open, rows);
    } else {
        let is_number = BooleanArray::from_unary(from, |key| key < FIRST_NAMED);
        gather(&mut stream.open, &filter_record_batch(rows, &is_number)?);
        stream.unnumbered.push(filter_record_batch(rows, &not(&is_number)?)?);
    }
    stream.blocks.extend(stream.open.close());
    Ok(())
}

/// Takes in calls.
fn gather(callers: &mut Callers, rows: &RecordBatch) {
    let number = |column: usize| rows.column(column).as_primitive::<Int64Type>();
    let (from, to, busy, cells, imeis) = (number(0), number(1), number(3), number(4), number(5));
    let starts = rows.column(2).as_primitive::<TimestampMicrosecondType>();
    let calls = (0..rows.num_rows()).filter(|row| from.is_valid(*row) && starts.is_valid(*row));
    let mut places = Vec::with_capacity(rows.num_rows());
    for row in calls {
        let start_us = starts.value(row);
        let busy_s = if busy.is_valid(row) { busy.value(row) } else { 0 };
        let call = Call {
            group: 0,
            start_us,
            end_us: start_us.saturating_add(busy_s.saturating_mul(US_PER_S)),
            callee: value(to, row),
            cell: value(cells, row),
            imei: value(imeis, row),
        };
        places.push((row, callers.add(from.value(row), call)));
    }
    let known = callers.keys.len();
    for (sum, column) in callers.sums.iter_mut().zip(&rows.columns()[CALLED.len()..]) {
        let said = places.iter().filter(|(row, _)| column.is_valid(*row));
        match column.as_boolean_opt() {
            Some(column) => sum.add(known, said.map(|(row, place)| (*place, i64::from(column.value(*row))))),
            None => {
                let column = column.as_primitive::<Int64Type>();
                sum.add(known, said.map(|(row, place)| (*place, column.value(*row))));
            }
        }
    }
}

/// Rows of callers by their places, with what is known of their pairs.
fn batch(
    schema: &SchemaRef,
    callers: &Callers,
    pairs: &[[i64; PAIRS.len()]],
    places: Range<usize>,
) -> Result<RecordBatch> {
    let (keys, sequences) = (&callers.keys[places.clone()], &callers.sequences[places.clone()]);
    let numbers = |numbers: Vec<i64>| Arc::new(Int64Array::from(numbers)) as ArrayRef;
    let mut columns = vec![
        numbers(keys.to_vec()),
        Arc::new(keys.iter().map(|key| (*key < FIRST_NAMED).then_some(*key)).collect::<Int64Array>()) as ArrayRef,
    ];
    let values: Vec<_> = sequences.iter().map(|sequence| sequence.values()).collect();
    columns.extend((0..COLUMNS.len()).map(|column| numbers(values.iter().map(|values| values[column]).collect())));
    let known = (0..PAIRS.len()).filter(|_| !pairs.is_empty());
    columns.extend(known.map(|column| numbers(pairs.iter().map(|values| values[column]).collect())));
    columns.extend(callers.sums.iter().map(|sum| match sum {
        Sum::Any(any) => Arc::new(BooleanArray::from(any[places.clone()].to_vec())) as ArrayRef,
        Sum::Total(total) => numbers(total[places.clone()].to_vec()),
    }));
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}
