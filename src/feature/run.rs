//! `run_number(key, …)` and `previous(value, key, …)`: window functions over runs of rows with equal keys.
//!
//! In: rows in an order that puts those with equal keys side by side. Out: the number of each row's run, from 1; the
//! value of the row before it in its run. Null equals null. Never: a hash, by which rows that differ might meet.
//!
//! `PARTITION BY` says the same, but evaluates each of a million small partitions by itself: here a comparison of
//! whole columns with themselves, one row on, does it.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, UInt64Array, new_empty_array, new_null_array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::{concat, nullif, or};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{PartitionEvaluator, Signature, Volatility, WindowUDFImpl};

/// `run_number(key, …) -> BIGINT UNSIGNED`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct RunNumber(Signature);

/// `previous(value, key, …)`, of the value's type; null in the first row of a run.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Previous(Signature);

impl RunNumber {
    pub(super) fn new() -> Self {
        Self(Signature::variadic_any(Volatility::Immutable))
    }
}

impl Previous {
    pub(super) fn new() -> Self {
        Self(Signature::variadic_any(Volatility::Immutable))
    }
}

impl WindowUDFImpl for RunNumber {
    fn name(&self) -> &'static str {
        "run_number"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn partition_evaluator(&self, _: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Numbers))
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        if args.input_fields().is_empty() {
            return plan_err!("run_number wants at least one key");
        }
        Ok(Arc::new(Field::new(args.name(), DataType::UInt64, false)))
    }
}

impl WindowUDFImpl for Previous {
    fn name(&self) -> &'static str {
        "previous"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn partition_evaluator(&self, _: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Values))
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        let [value, _, ..] = args.input_fields() else {
            return plan_err!("previous wants a value and at least one key");
        };
        Ok(Arc::new(Field::new(args.name(), value.data_type().clone(), true)))
    }
}

#[derive(Debug)]
struct Numbers;

impl PartitionEvaluator for Numbers {
    fn evaluate_all(&mut self, keys: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let starts = starts(keys, rows)?;
        let mut run = 0;
        let numbers = starts.values().iter().map(|starts| {
            run += u64::from(starts);
            run
        });
        Ok(Arc::new(UInt64Array::from_iter_values(numbers)))
    }
}

#[derive(Debug)]
struct Values;

impl PartitionEvaluator for Values {
    fn evaluate_all(&mut self, columns: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let [value, keys @ ..] = columns else { return exec_err!("previous has no value") };
        if rows == 0 {
            return Ok(new_empty_array(value.data_type()));
        }
        let before = concat(&[&new_null_array(value.data_type(), 1), &value.slice(0, rows - 1)])?;
        Ok(nullif(&before, &starts(keys, rows)?)?)
    }
}

/// Whether each row starts a run: the first one does, and each one that differs from the row before in some key.
fn starts(keys: &[ArrayRef], rows: usize) -> Result<BooleanArray> {
    let mut starts = BooleanArray::new(BooleanBuffer::new_unset(rows.saturating_sub(1)), None);
    for key in keys.iter().filter(|_| rows > 1) {
        starts = or(&starts, &distinct(&key.slice(1, rows - 1), &key.slice(0, rows - 1))?)?;
    }
    Ok((0..rows).map(|row| Some(row == 0 || starts.value(row - 1))).collect())
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array, StringArray};
    use arrow::datatypes::Int64Type;

    use super::*;

    fn keys() -> Vec<ArrayRef> {
        let numbers = Int64Array::from(vec![None, None, Some(1), Some(1), Some(1), Some(2)]);
        let names = StringArray::from(vec![Some("a"), Some("a"), Some("a"), None, None, None]);
        vec![Arc::new(numbers), Arc::new(names)]
    }

    #[test]
    fn a_run_ends_where_any_key_differs_and_null_equals_null() {
        let numbers = Numbers.evaluate_all(&keys(), 6).unwrap();
        let numbers: Vec<u64> = numbers.as_primitive::<arrow::datatypes::UInt64Type>().values().to_vec();
        assert_eq!(numbers, [1, 1, 2, 3, 3, 4]);
    }

    #[test]
    fn the_row_before_is_seen_only_within_its_run() {
        let mut columns: Vec<ArrayRef> = vec![Arc::new((10..16).map(Some).collect::<Int64Array>())];
        columns.extend(keys());
        let values = Values.evaluate_all(&columns, 6).unwrap();
        let values: Vec<Option<i64>> = values.as_primitive::<Int64Type>().iter().collect();
        assert_eq!(values, [None, Some(10), None, None, Some(13), None]);
    }

    #[test]
    fn one_row_and_none() {
        let one: Vec<ArrayRef> = keys().iter().map(|key| key.slice(0, 1)).collect();
        let none: Vec<ArrayRef> = keys().iter().map(|key| key.slice(0, 0)).collect();
        assert_eq!(Numbers.evaluate_all(&one, 1).unwrap().len(), 1);
        assert_eq!(Numbers.evaluate_all(&none, 0).unwrap().len(), 0);
        assert_eq!(Values.evaluate_all(&none, 0).unwrap().len(), 0);
        assert!(Values.evaluate_all(&one, 1).unwrap().is_null(0));
    }
}
