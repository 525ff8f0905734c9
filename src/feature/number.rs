//! `is_vietnamese(number)`, `is_special_number(number)`, `number_type(number)` and `range_holder(number)`.
//!
//! In: E.164 digits. Out: what the numbering plan says of them. Null in, null out; words are empty for digits that are
//! no number, `range_holder` also when the range is nobody's. Never: takes the range's holder for the carrier of a
//! ported number.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use crate::domain::number::Number;
use crate::domain::plan;

fn one_number() -> Signature {
    Signature::exact(vec![DataType::Int64], Volatility::Immutable)
}

fn truth(args: &ScalarFunctionArgs, holds: fn(Number) -> bool) -> Result<ColumnarValue> {
    let arrays = ColumnarValue::values_to_arrays(&args.args)?;
    let numbers = arrays[0].as_primitive::<Int64Type>().iter();
    let truth: BooleanArray =
        numbers.map(|number| number.map(|digits| Number::from_e164(digits).is_some_and(holds))).collect();
    Ok(ColumnarValue::Array(Arc::new(truth)))
}

fn words(args: &ScalarFunctionArgs, word: fn(Number) -> &'static str) -> Result<ColumnarValue> {
    let arrays = ColumnarValue::values_to_arrays(&args.args)?;
    let numbers = arrays[0].as_primitive::<Int64Type>().iter();
    let word_of = |digits: i64| Number::from_e164(digits).map(word).unwrap_or_default();
    let words: StringArray = numbers.map(|number| number.map(word_of)).collect();
    Ok(ColumnarValue::Array(Arc::new(words)))
}

/// `is_vietnamese(number) -> BOOLEAN`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct IsVietnamese(Signature);

impl IsVietnamese {
    pub(super) fn new() -> Self {
        Self(one_number())
    }
}

impl ScalarUDFImpl for IsVietnamese {
    fn name(&self) -> &'static str {
        "is_vietnamese"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        truth(&args, Number::is_vietnamese)
    }
}

/// `is_special_number(number) -> BOOLEAN`: emergency, police and service numbers that nobody may bar.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct IsSpecial(Signature);

impl IsSpecial {
    pub(super) fn new() -> Self {
        Self(one_number())
    }
}

impl ScalarUDFImpl for IsSpecial {
    fn name(&self) -> &'static str {
        "is_special_number"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        truth(&args, plan::is_special_number)
    }
}

/// `number_type(number) -> TEXT`: mobile, machine, fixed, internet, special, unallocated, other or foreign.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct TypeOf(Signature);

impl TypeOf {
    pub(super) fn new() -> Self {
        Self(one_number())
    }
}

impl ScalarUDFImpl for TypeOf {
    fn name(&self) -> &'static str {
        "number_type"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        words(&args, |number| plan::number_type(number).as_str())
    }
}

/// `range_holder(number) -> TEXT`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct RangeHolder(Signature);

impl RangeHolder {
    pub(super) fn new() -> Self {
        Self(one_number())
    }
}

impl ScalarUDFImpl for RangeHolder {
    fn name(&self) -> &'static str {
        "range_holder"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        words(&args, |number| plan::range_holder(number).unwrap_or_default())
    }
}
