//! `FROM pair_contacts('called', 'written', 'before', 'known')`: who called or wrote to whom, and what is known of the two.
//!
//! In: four `WITH` parts, their rows in any order, each with two keys of parties in front (`key_of`): calls, with their
//! start and whether they were answered; messages; pairs of the day before, with their last call; pairs that met before,
//! whoever began it. Out: a row for each caller and callee, in the order in which `contact_day` lies. A row with a null
//! key is nobody's. Never: takes two pairs for the same because their hashes are, or holds rows of the last two parts.
//!
//! Grouping and joining say the same in SQL, and throw away the order in which the tables lie. Here pairs are two lists,
//! one by caller and one by callee ([`meeting`]), and all that is looked up comes in the order of one of them.

mod meeting;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use async_trait::async_trait;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::{DataFusionError, Result, exec_datafusion_err, exec_err, plan_err};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use self::meeting::{Contact, Meetings, NEVER, Pairs};
use super::made::{Made, Make, part};
use super::party::FIRST_NAMED;

/// The function's name.
pub const NAME: &str = "pair_contacts";

/// Rows of a batch that is handed on.
const BATCH_ROWS: usize = 8_192;

/// The parts, in the order of the arguments, and what their rows have behind the two keys.
const PARTS: [&[DataType]; 4] = [&[INSTANT, DataType::Boolean], &[], &[INSTANT], &[]];

/// An instant; which zone it is shown in makes no difference here.
const INSTANT: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// The function.
#[derive(Debug)]
pub(super) struct PairContacts;

impl TableFunctionImpl for PairContacts {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        if args.exprs().len() != PARTS.len() {
            return plan_err!("{NAME} takes the names of four parts");
        }
        let parts: Vec<_> = (0..PARTS.len()).map(|at| part(NAME, &args, at)).collect::<Result<_>>()?;
        let order = ["caller", "callee"].map(str::to_owned).to_vec();
        Ok(Arc::new(Made { parts, schema: schema(), order, make: Paired }))
    }
}

fn schema() -> SchemaRef {
    let instant = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let field = |name: &str, kind: DataType, is_nullable: bool| Field::new(name, kind, is_nullable);
    Arc::new(Schema::new(vec![
        field("caller_key", DataType::Int64, false),
        field("caller", DataType::Int64, true),
        field("callee_key", DataType::Int64, false),
        field("callee", DataType::Int64, true),
        field("calls", DataType::Int64, false),
        field("answered", DataType::Int64, false),
        field("messages", DataType::Int64, false),
        field("first_call_at", instant(), true),
        field("last_call_at", instant(), true),
        field("back_at", instant(), true),
        field("before_at", instant(), true),
        field("is_known", DataType::Boolean, false),
    ]))
}

/// Parts that are paired.
#[derive(Debug, Clone)]
struct Paired;

#[async_trait]
impl Make for Paired {
    async fn make(
        self,
        parts: Vec<Arc<dyn ExecutionPlan>>,
        context: Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let met = met(&parts, &context).await?;
        let (rows, unnumbered) = (met.pairs.len(), met.unnumbered());
        let numbered = rows - unnumbered.len();
        let place = move |row: usize| row.checked_sub(numbered).map_or(row, |behind| unnumbered[behind]);
        let batches = (0..rows).step_by(BATCH_ROWS).map(move |from| {
            let places: Vec<usize> = (from..rows.min(from + BATCH_ROWS)).map(&place).collect();
            batch(&met, &places)
        });
        Ok(stream::iter(batches).boxed())
    }
}

/// All pairs, with all that is known of them.
async fn met(parts: &[Arc<dyn ExecutionPlan>], context: &Arc<TaskContext>) -> Result<Meetings> {
    let [called, written, before, known] = parts else { return exec_err!("{NAME}: four parts") };
    let mut pairs = Vec::new();
    for (part, place) in [(called, 0), (written, 1)] {
        pairs.extend(each(part, place, context, Pairs::default, gather).await?);
    }
    let meeting = SpawnedTask::spawn_blocking(move || Meetings::of(pairs));
    let met = Arc::new(meeting.await.map_err(|problem| DataFusionError::External(problem.into()))?);
    let shared = || Arc::clone(&met);
    each(before, 2, context, shared, |met, rows| {
        let at = rows.columns[2].as_primitive::<TimestampMicrosecondType>();
        met.met_before(rows.keys().filter(|(row, _)| at.is_valid(*row)).map(|(row, pair)| (pair, at.value(row))));
    })
    .await?;
    each(known, 3, context, shared, |met, rows| met.knew(rows.keys().map(|(_, pair)| pair))).await?;
    Arc::into_inner(met).ok_or_else(|| exec_datafusion_err!("{NAME}: pairs are still being looked up"))
}

fn gather(pairs: &mut Pairs, rows: &Rows) {
    let calls = rows.columns.get(2).zip(rows.columns.get(3));
    let calls = calls.map(|(at, answered)| (at.as_primitive::<TimestampMicrosecondType>(), answered.as_boolean()));
    for (row, pair) in rows.keys() {
        pairs.add(
            pair,
            match calls {
                Some((at, answered)) => Contact::Call { at: at.value(row), is_answered: answered.value(row) },
                None => Contact::Message,
            },
        );
    }
}

/// Rows of a part.
struct Rows<'a> {
    columns: &'a [ArrayRef],
}

impl Rows<'_> {
    /// The rows that have both keys.
    fn keys(&self) -> impl Iterator<Item = (usize, (i64, i64))> {
        let [ones, others] = [0, 1].map(|column: usize| self.columns[column].as_primitive::<Int64Type>());
        let both = ones.iter().zip(others.iter()).enumerate();
        both.filter_map(|(row, (one, other))| Some((row, (one?, other?))))
    }
}

/// Takes in the rows of a part, each of its partitions on its own thread; what each has made of them, in their order.
async fn each<T: Send + 'static>(
    part: &Arc<dyn ExecutionPlan>,
    place: usize,
    context: &Arc<TaskContext>,
    begin: impl Fn() -> T,
    take: impl Fn(&mut T, &Rows) + Copy + Send + 'static,
) -> Result<Vec<T>> {
    let mut tasks = Vec::new();
    for partition in 0..part.output_partitioning().partition_count() {
        let (mut rows, mut taken) = (part.execute(partition, Arc::clone(context))?, begin());
        tasks.push(async move {
            let task = SpawnedTask::spawn(async move {
                while let Some(batch) = rows.try_next().await? {
                    check(&batch, place)?;
                    take(&mut taken, &Rows { columns: batch.columns() });
                }
                Ok(taken)
            });
            task.await.map_err(|problem| DataFusionError::External(problem.into()))?
        });
    }
    let at_once = context.session_config().target_partitions();
    stream::iter(tasks).buffered(at_once).try_collect().await
}

/// Whether a part has the columns that it should have.
fn check(rows: &RecordBatch, place: usize) -> Result<()> {
    let bare = |kind: &DataType| match kind {
        DataType::Timestamp(unit, _) => DataType::Timestamp(*unit, None),
        kind => kind.clone(),
    };
    let found: Vec<DataType> = rows.columns().iter().map(|column| bare(column.data_type())).collect();
    let wanted = [&[DataType::Int64, DataType::Int64], PARTS[place]].concat();
    if found == wanted { Ok(()) } else { exec_err!("{NAME}: part {place} has {found:?}, and should have {wanted:?}") }
}

fn batch(met: &Meetings, places: &[usize]) -> Result<RecordBatch> {
    let rows = || places.iter().map(|place| &met.pairs[*place]);
    let long = |values: Int64Array| Arc::new(values) as ArrayRef;
    let number = |key: i64| (key < FIRST_NAMED).then_some(key);
    let instants = |values: TimestampMicrosecondArray| Arc::new(values.with_timezone("UTC")) as ArrayRef;
    let instant = |at: i64| (at != NEVER).then_some(at);
    let columns = vec![
        long(Int64Array::from_iter_values(rows().map(|pair| pair.caller))),
        long(rows().map(|pair| number(pair.caller)).collect()),
        long(Int64Array::from_iter_values(rows().map(|pair| pair.callee))),
        long(rows().map(|pair| number(pair.callee)).collect()),
        long(Int64Array::from_iter_values(rows().map(|pair| i64::from(pair.calls)))),
        long(Int64Array::from_iter_values(rows().map(|pair| i64::from(pair.answered)))),
        long(Int64Array::from_iter_values(rows().map(|pair| i64::from(pair.messages)))),
        instants(rows().map(|pair| (pair.calls > 0).then_some(pair.first_at)).collect()),
        instants(rows().map(|pair| (pair.calls > 0).then_some(pair.last_at)).collect()),
        instants(places.iter().map(|place| instant(met.back[*place])).collect()),
        instants(places.iter().map(|place| instant(met.before(*place))).collect()),
        Arc::new(places.iter().map(|place| Some(met.is_known(*place))).collect::<BooleanArray>()),
    ];
    Ok(RecordBatch::try_new(schema(), columns)?)
}
