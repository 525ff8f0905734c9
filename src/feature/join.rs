//! `FROM join_parties('part', …)`: what parts say of each party, in one row.
//!
//! In: the names of `WITH` parts; the first column of each is the key of a party (`key_of`), each party once in a part, in
//! any order; their other columns, counts and booleans, have names of their own. Out: `party`, and as `number` the same
//! where it is one; then the parts' other columns, 0 and false where a part has nothing to say; a row for each party, in
//! the order of the keys. Never: lets a party stand twice in a part; that is an error.
//!
//! Full joins say the same: each hashes all rows, and throws away the order in which grouped tables lie.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::{ExecutionPlan, collect};
use futures::stream::BoxStream;

use super::made::{Made, Make, batches, handed_on, part};
use super::party::FIRST_NAMED;
use super::sorted::{Pair, sort_by_one};

/// The function's name.
pub const NAME: &str = "join_parties";

/// A party that a part does not have.
const NOWHERE: u32 = u32::MAX;

/// The function.
#[derive(Debug)]
pub(super) struct JoinParties;

impl TableFunctionImpl for JoinParties {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let parts: Vec<_> = (0..args.exprs().len()).map(|at| part(NAME, &args, at)).collect::<Result<_>>()?;
        let schema = schema(&parts)?;
        let make = Joined { schema: Arc::clone(&schema) };
        Ok(Arc::new(Made { parts, schema, order: vec!["number".to_owned()], make }))
    }
}

/// The party, its number, and the columns that parts have behind their keys.
fn schema(parts: &[Arc<dyn TableProvider>]) -> Result<SchemaRef> {
    let mut fields = vec![Field::new("party", DataType::Int64, false), Field::new("number", DataType::Int64, true)];
    for part in parts {
        let part = part.schema();
        let [key, said @ ..] = part.fields().as_ref() else { return plan_err!("{NAME}: a part without columns") };
        if *key.data_type() != DataType::Int64 {
            return plan_err!("{NAME}: a part has a key in front, not {key}");
        }
        for field in said {
            if fields.iter().any(|known| known.name() == field.name()) {
                return plan_err!("{NAME}: two parts have a column \"{}\"", field.name());
            }
            if !matches!(field.data_type(), DataType::Int64 | DataType::Boolean) {
                return plan_err!("{NAME}: what is said of a party is a count or a boolean, not {field}");
            }
            fields.push(Field::new(field.name(), field.data_type().clone(), false));
        }
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// Parts that are joined.
#[derive(Debug, Clone)]
struct Joined {
    schema: SchemaRef,
}

#[async_trait]
impl Make for Joined {
    async fn make(
        self,
        parts: Vec<Arc<dyn ExecutionPlan>>,
        context: Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let mut said = Vec::new();
        for part in parts {
            let rows = collect(Arc::clone(&part), Arc::clone(&context)).await?;
            said.push(Said::of(&concat_batches(&part.schema(), &rows)?)?);
        }
        let parties = Parties::of(said);
        Ok(handed_on(batches(parties.keys.len()), &context, move |range| parties.batch(range, &self.schema)))
    }
}

/// What a part says.
struct Said {
    /// Its keys in their order, and in which row each stands.
    keys: Vec<Pair>,
    columns: Vec<ArrayRef>,
}

impl Said {
    fn of(rows: &RecordBatch) -> Result<Self> {
        let keys = rows.column(0).as_primitive::<Int64Type>();
        if keys.null_count() > 0 || rows.num_rows() >= NOWHERE as usize {
            return exec_err!("{NAME}: a part has rows of nobody, or too many");
        }
        let rows_of = keys.values().iter().zip(0_i64..);
        let mut keys: Vec<Pair> = rows_of.map(|(key, row)| Pair { one: *key, other: 0, at: row }).collect();
        sort_by_one(&mut keys);
        if keys.windows(2).any(|pair| pair[0].one == pair[1].one) {
            return exec_err!("{NAME}: a party stands twice in a part");
        }
        Ok(Self { keys, columns: rows.columns()[1..].to_vec() })
    }
}

/// All parties of all parts.
struct Parties {
    keys: Vec<i64>,
    /// Of each part its columns, and in which of its rows each party stands.
    parts: Vec<(Vec<ArrayRef>, Vec<u32>)>,
}

impl Parties {
    fn of(said: Vec<Said>) -> Self {
        let most = said.iter().map(|said| said.keys.len()).max().unwrap_or_default();
        let (mut keys, mut next) = (Vec::with_capacity(most), vec![0; said.len()]);
        let mut rows = vec![Vec::with_capacity(most); said.len()];
        let ahead =
            |next: &[usize]| said.iter().zip(next).filter_map(|(said, at)| said.keys.get(*at)).map(|key| key.one).min();
        while let Some(party) = ahead(&next) {
            keys.push(party);
            for ((said, at), rows) in said.iter().zip(&mut next).zip(&mut rows) {
                let here = said.keys.get(*at).filter(|key| key.one == party);
                *at += usize::from(here.is_some());
                rows.push(here.map_or(NOWHERE, |key| u32::try_from(key.at).unwrap_or(NOWHERE)));
            }
        }
        Self { keys, parts: said.into_iter().map(|said| said.columns).zip(rows).collect() }
    }

    fn batch(&self, range: Range<usize>, schema: &SchemaRef) -> Result<RecordBatch> {
        let keys = &self.keys[range.clone()];
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(keys.iter().copied())),
            Arc::new(keys.iter().map(|key| (*key < FIRST_NAMED).then_some(*key)).collect::<Int64Array>()),
        ];
        for (said, rows) in &self.parts {
            columns.extend(said.iter().map(|column| of_rows(column, &rows[range.clone()])));
        }
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    }
}

/// The values of rows; 0 or false where there is no row, or a null in it.
fn of_rows(column: &ArrayRef, rows: &[u32]) -> ArrayRef {
    let here = |row: u32| Some(row as usize).filter(|row| *row < column.len() && column.is_valid(*row));
    match column.as_boolean_opt() {
        Some(column) => {
            let values = rows.iter().map(|row| here(*row).is_some_and(|row| column.value(row)));
            Arc::new(BooleanArray::new(values.collect::<BooleanBuffer>(), None))
        }
        None => {
            let column = column.as_primitive::<Int64Type>();
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| here(*row).map_or(0, |row| column.value(row)))))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn said(rows: &[(i64, i64)]) -> Result<Said> {
        let fields = ["party", "value"].map(|name| Field::new(name, DataType::Int64, false));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|row| Some(row.0)).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| Some(row.1)).collect::<Int64Array>()),
        ];
        Said::of(&RecordBatch::try_new(Arc::new(Schema::new(fields.to_vec())), columns)?)
    }

    #[test]
    fn a_party_that_stands_twice_is_an_error() {
        let problem = said(&[(7, 1), (8, 2), (7, 3)]).err().unwrap();
        assert!(problem.to_string().contains("twice"), "{problem}");
    }

    proptest! {
        #[test]
        fn each_party_has_what_every_part_says_of_it(
            parts in prop::collection::vec(prop::collection::hash_map(0_i64..30, 0_i64..100, 0..20), 1..4),
        ) {
            let parts: Vec<Vec<(i64, i64)>> = parts.into_iter().map(|part| part.into_iter().collect()).collect();
            let parties = Parties::of(parts.iter().map(|part| said(part).unwrap()).collect());
            let all: BTreeSet<i64> = parts.iter().flatten().map(|row| row.0).collect();
            prop_assert_eq!(&parties.keys, &all.iter().copied().collect::<Vec<_>>());
            for ((columns, rows), part) in parties.parts.iter().zip(&parts) {
                let of_party: BTreeMap<i64, i64> = part.iter().copied().collect();
                let found = of_rows(&columns[0], rows);
                let expected = all.iter().map(|party| of_party.get(party).copied().unwrap_or_default());
                prop_assert_eq!(found.as_primitive::<Int64Type>().values(), &expected.collect::<Vec<_>>()[..]);
            }
        }
    }
}
