//! Named parts of a query, the `WITH` parts, that are computed before the query itself is planned.
//!
//! In: a definition or a query, and the session that has its tables. Out: a plan; parts that it reads more than once,
//! or looks up in, are computed, and the session has them by their names. Never: runs the query itself.

use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::{Context, bail};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::datasource::{MemTable, ViewTable};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{DataFrame, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;

use super::definition::{Definition, Window};
use super::session::collect;
use crate::feature;
use crate::feature::lookup::Parts;

/// Plans a definition for a window; the tables that it reads must be registered. Every named part that is read more than
/// once, or looked up in, is computed beforehand.
///
/// DataFusion computes a part of a `WITH` anew for each of its readers, and theirs, which grows without bound. A part
/// that only picks rows and columns of a table is left to it: a reader takes from the files the columns that it needs,
/// in the order in which they lie.
pub async fn plan_in_steps(
    session: &SessionContext,
    definition: &Definition,
    window: Window,
) -> anyhow::Result<LogicalPlan> {
    let ast::Statement::Query(query) = definition.bind(window)? else { bail!("a definition is one SELECT") };
    in_steps(session, *query).await.with_context(|| format!("planning {}", definition.sql_file()))
}

/// The same for a query whose parameters are bound.
pub async fn in_steps(session: &SessionContext, mut query: ast::Query) -> anyhow::Result<LogicalPlan> {
    let Some(with) = query.with.take() else { return Ok(frame(session, query).await?.into_unoptimized_plan()) };
    let looked_up_in = session.state().config().get_extension::<Parts>().context("a session of ours")?;
    looked_up_in.clear();
    let parts = with.cte_tables.clone();
    let mut inlined: Vec<ast::Cte> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let later = || parts[index + 1..].iter().map(|later| later.query.as_ref()).chain([&query]);
        let is_looked_up_in = later().any(|later| is_told_of(later, part, &feature::LOOKUPS));
        if later().any(|later| is_told_of(later, part, &feature::TABLES)) {
            let frame = frame(session, with_parts(&with, &inlined, (*part.query).clone())).await?;
            let view = ViewTable::new(frame.into_unoptimized_plan(), None);
            session.deregister_table(part.alias.name.value.as_str())?;
            session.register_table(part.alias.name.value.as_str(), Arc::new(view))?;
        }
        let readers: usize = later().map(|later| readers(later, part)).sum();
        if !is_looked_up_in && (readers < 2 || picks(session, &part.query, &inlined)) {
            inlined.push(part.clone());
            continue;
        }
        let name = part.alias.name.value.as_str();
        let frame = frame(session, with_parts(&with, &inlined, (*part.query).clone())).await?;
        if readers == 0 {
            looked_up_in.insert(name, collect(name, frame).await?.concat());
            continue;
        }
        let (schema, partitions) = in_memory(name, frame).await?;
        if is_looked_up_in {
            looked_up_in.insert(name, partitions.concat());
        }
        // It was there before when the same query is planned again.
        session.deregister_table(name)?;
        session.register_table(name, Arc::new(MemTable::try_new(schema, partitions)?))?;
    }
    Ok(frame(session, with_parts(&with, &inlined, query)).await?.into_unoptimized_plan())
}

/// The rows of a frame by partition, without the columns' comments: two inputs of a union may differ in them. Texts are
/// their own, and not views into all that was read with them: of views, each few rows that come out of a join count as
/// all texts of the table, and no sort has so much memory.
async fn in_memory(part: &str, frame: DataFrame) -> anyhow::Result<(SchemaRef, Vec<Vec<RecordBatch>>)> {
    let bare = |field: &Arc<Field>| Field::new(field.name(), owned(field.data_type()), field.is_nullable());
    let schema = Arc::new(Schema::new(frame.schema().fields().iter().map(bare).collect::<Vec<_>>()));
    let bare = |batch: &RecordBatch| -> anyhow::Result<RecordBatch> {
        let columns = batch.columns().iter().map(|column| arrow::compute::cast(column, &owned(column.data_type())));
        Ok(RecordBatch::try_new(Arc::clone(&schema), columns.collect::<Result<_, _>>()?)?)
    };
    let mut partitions = Vec::new();
    for batches in collect(part, frame).await? {
        partitions.push(batches.iter().map(bare).collect::<Result<Vec<_>, _>>()?);
    }
    Ok((schema, partitions))
}

/// The type of columns that hold their values themselves.
fn owned(kind: &DataType) -> DataType {
    match kind {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        kind => kind.clone(),
    }
}

/// The query with those of the parts that it reads, or that they read: all others would be planned in vain.
fn with_parts(with: &ast::With, parts: &[ast::Cte], mut query: ast::Query) -> ast::Query {
    let mut wanted: Vec<ast::Cte> = Vec::new();
    for part in parts.iter().rev() {
        if readers(&query, part) + wanted.iter().map(|wanted| readers(&wanted.query, part)).sum::<usize>() > 0 {
            wanted.insert(0, part.clone());
        }
    }
    if !wanted.is_empty() {
        query.with = Some(ast::With { cte_tables: wanted, ..with.clone() });
    }
    query
}

fn readers(query: &ast::Query, part: &ast::Cte) -> usize {
    let mut readers = 0;
    let _: ControlFlow<()> = ast::visit_relations(query, |name| {
        readers += usize::from(name.to_string() == part.alias.name.value);
        ControlFlow::Continue(())
    });
    readers
}

/// Whether a query does nothing but pick rows and columns of one table, or of an inlined part that does no more.
fn picks(session: &SessionContext, query: &ast::Query, inlined: &[ast::Cte]) -> bool {
    let ast::SetExpr::Select(select) = query.body.as_ref() else { return false };
    let is_grouped = match &select.group_by {
        ast::GroupByExpr::All(_) => true,
        ast::GroupByExpr::Expressions(keys, _) => !keys.is_empty(),
    };
    let [from] = select.from.as_slice() else { return false };
    let ast::TableFactor::Table { name, .. } = &from.relation else { return false };
    let part = inlined.iter().find(|part| name.to_string() == part.alias.name.value);
    let is_table = part.is_none_or(|part| picks(session, &part.query, inlined)) && from.joins.is_empty();
    let state = session.state_ref();
    let state = state.read();
    let gathers = ast::visit_expressions(query, |expression| match expression {
        ast::Expr::Function(function)
            if function.over.is_some()
                || state.aggregate_functions().contains_key(&function.name.to_string().to_lowercase()) =>
        {
            ControlFlow::Break(())
        }
        ast::Expr::Subquery(_) | ast::Expr::InSubquery { .. } | ast::Expr::Exists { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    let is_whole = query.order_by.is_none() && query.limit_clause.is_none();
    is_table && is_whole && !is_grouped && select.distinct.is_none() && gathers.is_continue()
}

/// Whether a query tells one of these functions the name of a part.
fn is_told_of(query: &ast::Query, part: &ast::Cte, functions: &[&'static str]) -> bool {
    let part = format!("'{}'", part.alias.name.value);
    ast::Visit::visit(query, &mut Told { part, functions }).is_break()
}

/// Stops at the first of these functions that is told the name of a part.
struct Told<'a> {
    part: String,
    functions: &'a [&'static str],
}

impl Told<'_> {
    fn stop_at(&self, name: &ast::ObjectName, arguments: &[ast::FunctionArg]) -> ControlFlow<()> {
        let is_ours = self.functions.contains(&name.to_string().to_lowercase().as_str());
        if is_ours && arguments.iter().any(|argument| argument.to_string() == self.part) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

impl ast::Visitor for Told<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &ast::Expr) -> ControlFlow<()> {
        match expression {
            ast::Expr::Function(ast::Function { name, args: ast::FunctionArguments::List(list), .. }) => {
                self.stop_at(name, &list.args)
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_table_factor(&mut self, factor: &ast::TableFactor) -> ControlFlow<()> {
        match factor {
            ast::TableFactor::Table { name, args: Some(list), .. } => self.stop_at(name, &list.args),
            _ => ControlFlow::Continue(()),
        }
    }
}

async fn frame(session: &SessionContext, query: ast::Query) -> anyhow::Result<DataFrame> {
    let statement = Statement::Statement(Box::new(ast::Statement::Query(Box::new(query))));
    let plan = session.state().statement_to_plan(statement).await?;
    Ok(DataFrame::new(session.state(), plan))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow::array::{Array as _, AsArray};
    use arrow::datatypes::Int64Type;
    use datafusion::physical_plan::display::DisplayableExecutionPlan;
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;
    use crate::pipeline::session::{empty, session};
    use crate::schema::contract::Table;

    #[tokio::test(flavor = "multi_thread")]
    async fn folded_calls_come_in_their_order_and_are_not_sorted_again() {
        let session = session(BTreeMap::new()).unwrap();
        session.register_table("call_record", empty(Table::CALL_RECORD.contract()).unwrap()).unwrap();
        let records = "INSERT INTO call_record (caller, callee, record_id)
            SELECT CASE WHEN n % 100 > 0 THEN 84900000000 + n * 7919 % 5000 END, 84970000000 + n % 37, CONCAT('R', n)
            FROM generate_series(1, 20000) AS series(n)";
        session.sql(records).await.unwrap().collect().await.unwrap();
        let calls = "WITH record AS (SELECT * FROM call_record) SELECT caller, record_id
            FROM fold_call('record', DATE '2025-01-06', 120) ORDER BY caller, start_at, record_id";
        let statement = Parser::new(&GenericDialect {}).try_with_sql(calls).unwrap().parse_statement().unwrap();
        let ast::Statement::Query(query) = statement else { panic!("a query") };
        let plan = in_steps(&session, *query).await.unwrap();
        let frame = DataFrame::new(session.state(), plan);
        let physical = frame.clone().create_physical_plan().await.unwrap();
        let shown = DisplayableExecutionPlan::new(physical.as_ref()).indent(true).to_string();
        assert!(shown.contains("StreamingTableExec") && !shown.contains("SortExec"), "{shown}");

        let mut found: Vec<(i64, String)> = Vec::new();
        for batch in frame.collect().await.unwrap() {
            let (callers, ids) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_string_view());
            let caller = |row: usize| if callers.is_valid(row) { callers.value(row) } else { i64::MAX };
            found.extend((0..batch.num_rows()).map(|row| (caller(row), ids.value(row).to_owned())));
        }
        assert!(found.len() == 20_000 && found.is_sorted());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn paired_parties_come_in_the_order_of_the_table_and_are_not_sorted_again() {
        let session = session(BTreeMap::new()).unwrap();
        // One caller in ten is no number.
        let contacts = "WITH named AS (SELECT 'sender_name' AS kind, CONCAT('N', n) AS name FROM generate_series(0, 2) AS series(n)),
            called AS (
                SELECT CASE WHEN n % 10 > 0 THEN 84900000000 + n * 7919 % 500
                    ELSE key_of('named', 'sender_name', CONCAT('N', n % 3)) END AS caller, 84970000000 + n * 31 % 37 AS callee,
                    arrow_cast('2025-01-06T03:00:00', 'Timestamp(Microsecond, None)') AS start_at, true AS is_answered
                FROM generate_series(1, 20000) AS series(n)
            ),
            written AS (SELECT caller, callee FROM called WHERE callee = 84970000001),
            before AS (SELECT caller, callee, start_at FROM called WHERE callee = 84970000002),
            known AS (SELECT callee, caller FROM called WHERE callee = 84970000003)
            SELECT caller, callee, calls, messages, before_at IS NOT NULL AS is_repeated, is_known
            FROM pair_contacts('called', 'written', 'before', 'known') ORDER BY caller, callee";
        let statement = Parser::new(&GenericDialect {}).try_with_sql(contacts).unwrap().parse_statement().unwrap();
        let ast::Statement::Query(query) = statement else { panic!("a query") };
        let frame = DataFrame::new(session.state(), in_steps(&session, *query).await.unwrap());
        let physical = frame.clone().create_physical_plan().await.unwrap();
        let shown = DisplayableExecutionPlan::new(physical.as_ref()).indent(true).to_string();
        assert!(shown.contains("StreamingTableExec") && !shown.contains("Sort"), "{shown}");

        let (mut pairs, mut sums) = (Vec::new(), [0; 4]);
        for batch in frame.collect().await.unwrap() {
            let long = |column: usize| batch.column(column).as_primitive::<Int64Type>().clone();
            let [callers, callees, calls, messages] = [0, 1, 2, 3].map(long);
            let [repeated, known] = [4, 5].map(|column: usize| {
                let marks = batch.column(column).as_boolean();
                i64::try_from(marks.true_count()).unwrap()
            });
            let caller = |row: usize| if callers.is_valid(row) { callers.value(row) } else { i64::MAX };
            pairs.extend((0..batch.num_rows()).map(|row| (caller(row), callees.value(row))));
            let of_batch: [i64; 2] = [&calls, &messages].map(|column| column.values().iter().sum());
            sums = [sums[0] + of_batch[0], sums[1] + of_batch[1], sums[2] + repeated, sums[3] + known];
        }
        assert!(pairs.is_sorted() && pairs.contains(&(i64::MAX, 84_970_000_001)));
        assert_eq!(sums, [20_000, 541, 453, 453]);
    }
}
