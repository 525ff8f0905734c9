//! `draw(key, number, day)`: where a number comes in a draw.
//!
//! In: a key, E.164 digits, and the day that the draw is of. Out: a whole number that orders the draw, the same for the
//! same three. Null in, null out. Never: chance; who does not know the key can foretell nobody's place.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array};
use arrow::datatypes::{DataType, Date32Type, Int64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use sha2::{Digest, Sha256};

/// `draw(key, number, day) -> BIGINT`, never negative.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Draw(Signature);

impl Draw {
    pub(super) fn new() -> Self {
        let types = vec![DataType::Utf8, DataType::Int64, DataType::Date32];
        Self(Signature::exact(types, Volatility::Immutable))
    }
}

impl ScalarUDFImpl for Draw {
    fn name(&self) -> &'static str {
        "draw"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let (keys, numbers) = (arrays[0].as_string::<i32>(), arrays[1].as_primitive::<Int64Type>());
        let days = arrays[2].as_primitive::<Date32Type>();
        let one = |row: usize| {
            let is_known = keys.is_valid(row) && numbers.is_valid(row) && days.is_valid(row);
            is_known.then(|| place(keys.value(row), numbers.value(row), days.value(row)))
        };
        let places: Int64Array = (0..numbers.len()).map(one).collect();
        Ok(ColumnarValue::Array(Arc::new(places)))
    }
}

/// The first 63 bits of a SHA-256 over the key with its length, the number and the day.
fn place(key: &str, number: i64, day: i32) -> i64 {
    let mut hash = Sha256::new();
    hash.update(key.len().to_le_bytes());
    hash.update(key);
    hash.update(number.to_le_bytes());
    hash.update(day.to_le_bytes());
    let digest = hash.finalize();
    digest.iter().take(size_of::<i64>()).fold(0, |bits: i64, byte| (bits << 8) | i64::from(*byte)) & i64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_that_of_sha_256_by_another_library() {
        // Python: int.from_bytes(hashlib.sha256((9).to_bytes(8,'little') + b'callsieve' + (84900000001).to_bytes(8,'little')
        //     + (20094).to_bytes(4,'little')).digest()[:8], 'big') & (2**63 - 1)
        assert_eq!(place("callsieve", 84_900_000_001, 20_094), 1_398_482_424_412_928_049);
    }

    #[test]
    fn another_key_or_week_draws_others() {
        let order = |key: &str, day: i32| {
            let mut numbers: Vec<i64> = (0..100).collect();
            numbers.sort_by_key(|number| place(key, 84_900_000_000 + number, day));
            numbers
        };
        assert_eq!(order("a", 20_094), order("a", 20_094));
        assert_ne!(order("a", 20_094), order("b", 20_094));
        assert_ne!(order("a", 20_094), order("a", 20_101));
    }
}
