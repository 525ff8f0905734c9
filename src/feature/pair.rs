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
use datafusion::common::{Result, exec_datafusion_err, exec_err, plan_err};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use futures::stream::BoxStream;

use self::meeting::{Contact, Meetings, NEVER, Pairs};
use super::made::{INSTANT, Made, Make, batches, begins_with, each, handed_on, part, worked};
use super::party::FIRST_NAMED;

/// The function's name.
pub const NAME: &str = "pair_contacts";

/// The parts, in the order of the arguments, and what their rows have behind the two keys.
const PARTS: [&[DataType]; 4] = [&[INSTANT, DataType::Boolean], &[], &[INSTANT], &[]];

/// The function.
#[derive(Debug)]
pub(super) struct PairContacts;

impl TableFunctionImpl for PairContacts {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        if args.exprs().len() != PARTS.len() {
            return plan_err!("{NAME} takes the names of four parts");
        }
        let parts: Vec<_> = (0..PARTS.len()).map(|at| part(NAME, &args, at)).collect::<Result<_>>()?;
        for (part, behind) in parts.iter().zip(PARTS) {
            begins_with(NAME, &part.schema(), &[&[DataType::Int64, DataType::Int64], behind].concat())?;
        }
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
        Ok(handed_on(batches(rows), &context, move |range| batch(&met, &range.map(&place).collect::<Vec<_>>())))
    }
}

/// All pairs, with all that is known of them.
async fn met(parts: &[Arc<dyn ExecutionPlan>], context: &Arc<TaskContext>) -> Result<Meetings> {
    let [called, written, before, known] = parts else { return exec_err!("{NAME}: four parts") };
    let mut pairs = Vec::new();
    pairs.extend(each(called, context, Pairs::default, gather_calls).await?);
    pairs.extend(each(written, context, Pairs::default, gather_messages).await?);
    let met = Arc::new(worked(move || Meetings::of(pairs)).await?);
    let shared = || Arc::clone(&met);
    each(before, context, shared, |met, rows| {
        let at = rows.column(2).as_primitive::<TimestampMicrosecondType>();
        met.met_before(keys(rows).filter(|(row, _)| at.is_valid(*row)).map(|(row, pair)| (pair, at.value(row))));
        Ok(())
    })
    .await?;
    each(known, context, shared, |met, rows| {
        met.knew(keys(rows).map(|(_, pair)| pair));
        Ok(())
    })
    .await?;
    Arc::into_inner(met).ok_or_else(|| exec_datafusion_err!("{NAME}: pairs are still being looked up"))
}

fn gather_calls(pairs: &mut Pairs, rows: &RecordBatch) -> Result<()> {
    let (at, answered) = (rows.column(2).as_primitive::<TimestampMicrosecondType>(), rows.column(3).as_boolean());
    for (row, pair) in keys(rows) {
        pairs.add(pair, Contact::Call { at: at.value(row), is_answered: answered.value(row) });
    }
    Ok(())
}

fn gather_messages(pairs: &mut Pairs, rows: &RecordBatch) -> Result<()> {
    keys(rows).for_each(|(_, pair)| pairs.add(pair, Contact::Message));
    Ok(())
}

/// The rows that have both keys.
pub(super) fn keys(rows: &RecordBatch) -> impl Iterator<Item = (usize, (i64, i64))> {
    let [ones, others] = [0, 1].map(|column: usize| rows.column(column).as_primitive::<Int64Type>());
    let both = ones.iter().zip(others.iter()).enumerate();
    both.filter_map(|(row, (one, other))| Some((row, (one?, other?))))
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
