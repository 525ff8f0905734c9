//! `sort_key(start_at, partial_seq, record_id, source_partition, source_offset)`: a record's place among others, as text.
//!
//! In: what orders the records of one call. Out: text that sorts as the five columns sort, one after the other, with
//! null parts first; no two records of a table have the same. A minimum of it in an aggregate stands for a sort.
//! Never: null.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, AsArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

/// The SQL function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SortKey(Signature);

impl SortKey {
    pub(super) fn new() -> Self {
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let arguments = vec![instant, DataType::Int32, DataType::Utf8, DataType::Int32, DataType::Int64];
        Self(Signature::exact(arguments, Volatility::Immutable))
    }
}

impl ScalarUDFImpl for SortKey {
    fn name(&self) -> &'static str {
        "sort_key"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<Arc<Field>> {
        Ok(Arc::new(Field::new("sort_key", DataType::Utf8, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let (starts, parts) =
            (arrays[0].as_primitive::<TimestampMicrosecondType>(), arrays[1].as_primitive::<Int32Type>());
        let ids = arrays[2].as_string::<i32>();
        let (partitions, offsets) = (arrays[3].as_primitive::<Int32Type>(), arrays[4].as_primitive::<Int64Type>());
        let mut keys = StringBuilder::with_capacity(starts.len(), starts.len() * 80);
        let mut key = String::new();
        for row in 0..starts.len() {
            let part = if parts.is_valid(row) { 1 + i64::from(parts.value(row)) - i64::from(i32::MIN) } else { 0 };
            let partition = i64::from(partitions.value(row)) - i64::from(i32::MIN);
            key.clear();
            let written = write!(
                key,
                "{:020}{part:010}{}\u{1}{partition:010}{:020}",
                shifted(starts.value(row)),
                ids.value(row),
                shifted(offsets.value(row)),
            );
            debug_assert!(written.is_ok(), "writing to a String cannot fail");
            keys.append_value(&key);
        }
        Ok(ColumnarValue::Array(Arc::new(keys.finish())))
    }
}

/// The number moved so that its digits sort as it does.
fn shifted(value: i64) -> u64 {
    value.cast_unsigned() ^ (1 << 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifted_numbers_keep_their_order() {
        let numbers = [i64::MIN, -5, -1, 0, 1, i64::MAX];
        assert!(numbers.map(shifted).is_sorted());
    }
}
