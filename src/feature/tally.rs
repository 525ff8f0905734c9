//! `FROM tally_parties('part')`: how often each party stands in a part, and how often with each of its booleans.
//!
//! In: the name of a `WITH` part, its rows in any order: the key of a party (`key_of`) in front, and behind it booleans.
//! Out: a row for each party, in the order of the keys: `party`, `times`, and under the name of each boolean how often it
//! is true. A row without a key is nobody's. Never: holds more of a row than one whole number.
//!
//! `GROUP BY` says the same, and looks each row up in a table that is too large for the processor's caches. Here rows
//! are sorted, on as many threads as there are.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{Result, plan_err};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use futures::stream::BoxStream;

use super::made::{Made, Make, batches, begins_with, each, handed_on, part, worked};
use super::sorted::by_range;

/// The function's name.
pub const NAME: &str = "tally_parties";

/// Booleans of a row, which lie in the lowest bits of a number beneath a key: no key has more than 51 bits.
const MOST: usize = 12;

/// The function.
#[derive(Debug)]
pub(super) struct TallyParties;

impl TableFunctionImpl for TallyParties {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let part = part(NAME, &args, 0)?;
        let given = part.schema();
        begins_with(NAME, &given, &[DataType::Int64])?;
        let booleans = &given.fields()[1..];
        let number = |name: &str| Field::new(name, DataType::Int64, false);
        let mut fields = vec![number("party"), number("times")];
        for field in booleans {
            if *field.data_type() != DataType::Boolean || booleans.len() > MOST {
                return plan_err!("{NAME}: behind the key are at most {MOST} booleans, not {field}");
            }
            fields.push(number(field.name()));
        }
        let schema = Arc::new(Schema::new(fields));
        let make = Tally { schema: Arc::clone(&schema) };
        Ok(Arc::new(Made { parts: vec![part], schema, order: vec!["party".to_owned()], make }))
    }
}

/// Parties that are counted.
#[derive(Debug, Clone)]
struct Tally {
    schema: SchemaRef,
}

#[async_trait]
impl Make for Tally {
    async fn make(
        self,
        parts: Vec<Arc<dyn ExecutionPlan>>,
        context: Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let booleans = self.schema.fields().len() - 2;
        let marked = each(&parts[0], &context, Vec::new, mark).await?;
        let tallies = worked(move || tally(&marked, booleans)).await?;
        let rows = tallies.first().map_or(0, Vec::len);
        Ok(handed_on(batches(rows), &context, move |range| {
            let column = |values: &Vec<i64>| Arc::new(Int64Array::from(values[range.clone()].to_vec())) as ArrayRef;
            Ok(RecordBatch::try_new(Arc::clone(&self.schema), tallies.iter().map(column).collect())?)
        }))
    }
}

/// Writes down each row as a number: the key above, and a bit for each boolean.
fn mark(marked: &mut Vec<i64>, rows: &RecordBatch) -> Result<()> {
    let keys = rows.column(0).as_primitive::<Int64Type>();
    let booleans: Vec<_> = rows.columns()[1..].iter().map(|column| column.as_boolean()).collect();
    marked.extend((0..rows.num_rows()).filter(|row| keys.is_valid(*row)).map(|row| {
        let bits = booleans.iter().map(|column| i64::from(column.is_valid(row) && column.value(row)));
        bits.fold(keys.value(row), |mark, bit| mark << 1 | bit)
    }));
    Ok(())
}

/// The keys in their order, how often each comes, and how often each bit is set with it.
fn tally(marked: &[Vec<i64>], booleans: usize) -> Vec<Vec<i64>> {
    let key = |mark: &i64| mark >> booleans;
    // Marks of one list in a thousand say well enough where the middle is.
    let mut some: Vec<i64> = marked.iter().flatten().step_by(1_024).map(key).collect();
    some.sort_unstable();
    let ranges = by_range(
        &some,
        |party| *party,
        |range| {
            let mut marks: Vec<i64> =
                marked.iter().flatten().filter(|mark| range.contains(&key(mark))).copied().collect();
            marks.sort_unstable();
            let mut columns = vec![Vec::new(); 2 + booleans];
            for of_party in marks.chunk_by(|one, next| key(one) == key(next)) {
                columns[0].push(key(&of_party[0]));
                columns[1].push(of_party.len() as i64);
                for boolean in 0..booleans {
                    let bit = booleans - 1 - boolean;
                    columns[2 + boolean].push(of_party.iter().map(|mark| mark >> bit & 1).sum());
                }
            }
            columns
        },
    );
    let mut all = vec![Vec::new(); 2 + booleans];
    for range in ranges {
        all.iter_mut().zip(range).for_each(|(all, mut column)| all.append(&mut column));
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow::array::BooleanArray;
    use proptest::prelude::*;

    use super::*;
    use crate::feature::party::FIRST_NAMED;

    /// A row as (key, one boolean, another one).
    type Plain = (Option<i64>, bool, Option<bool>);

    fn batch(rows: &[Plain]) -> RecordBatch {
        let keys: Int64Array = rows.iter().map(|row| row.0).collect();
        let ones: BooleanArray = rows.iter().map(|row| Some(row.1)).collect();
        let others: BooleanArray = rows.iter().map(|row| row.2).collect();
        let columns: [(&str, ArrayRef); 3] =
            [("party", Arc::new(keys)), ("one", Arc::new(ones)), ("other", Arc::new(others))];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    proptest! {
        #[test]
        fn each_party_is_counted_however_its_rows_are_split(
            rows in prop::collection::vec((
                prop::option::of(prop_oneof![1_i64..9, 999_999_999_999_990_i64..999_999_999_999_999, FIRST_NAMED..FIRST_NAMED + 9]),
                any::<bool>(), prop::option::of(any::<bool>()),
            ), 0..80),
            at in 0_usize..80,
        ) {
            let (left, right) = rows.split_at(at.min(rows.len()));
            let marked = [left, right].map(|rows| {
                let mut marked = Vec::new();
                mark(&mut marked, &batch(rows)).unwrap();
                marked
            });
            let mut expected: BTreeMap<i64, [i64; 3]> = BTreeMap::new();
            for (key, one, other) in rows {
                let Some(key) = key else { continue };
                let counts = expected.entry(key).or_default();
                counts.iter_mut().zip([true, one, other == Some(true)]).for_each(|(count, is)| *count += i64::from(is));
            }
            let found = tally(&marked, 2);
            let found: Vec<_> = (0..found[0].len()).map(|row| (found[0][row], [1, 2, 3].map(|column: usize| found[column][row]))).collect();
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
