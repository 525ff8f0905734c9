//! `seconds_between(earlier, later)`, `plus_seconds(instant, seconds)` `local_hour(instant)` and
//! `local_day(instant)`.
//!
//! In: instants, UTC microseconds. Out: seconds as a float, exact to the microsecond for 285 years; the local hour
//! (Asia/Ho_Chi_Minh), 0 to 23, and the local day. Null in, null out. Never: asks what time it is.

use std::sync::Arc;

use arrow::array::{AsArray, Date32Array, Float64Array, Int32Array, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use crate::domain::day::{Day, local_hour};

/// The type of every instant.
pub(super) fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

const US_PER_S: f64 = 1_000_000.0;

/// `seconds_between(earlier, later) -> DOUBLE`; negative when later comes first.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Seconds(Signature);

impl Seconds {
    pub(super) fn new() -> Self {
        Self(Signature::exact(vec![instant(), instant()], Volatility::Immutable))
    }
}

impl ScalarUDFImpl for Seconds {
    fn name(&self) -> &'static str {
        "seconds_between"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 microseconds, 285 years")]
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [earlier, later] = [0, 1].map(|index: usize| arrays[index].as_primitive::<TimestampMicrosecondType>());
        let seconds = |(earlier, later): (Option<i64>, Option<i64>)| Some((later? - earlier?) as f64 / US_PER_S);
        let seconds: Float64Array = earlier.iter().zip(later).map(seconds).collect();
        Ok(ColumnarValue::Array(Arc::new(seconds)))
    }
}

/// `plus_seconds(instant, seconds) -> TIMESTAMP`; SQL has intervals only as literals.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct PlusSeconds(Signature);

impl PlusSeconds {
    pub(super) fn new() -> Self {
        Self(Signature::exact(vec![instant(), DataType::Int64], Volatility::Immutable))
    }
}

impl ScalarUDFImpl for PlusSeconds {
    fn name(&self) -> &'static str {
        "plus_seconds"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(instant())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let instants = arrays[0].as_primitive::<TimestampMicrosecondType>();
        let seconds = arrays[1].as_primitive::<Int64Type>();
        let later =
            |(at, seconds): (Option<i64>, Option<i64>)| Some(at?.saturating_add(seconds?.saturating_mul(1_000_000)));
        let later: TimestampMicrosecondArray = instants.iter().zip(seconds).map(later).collect();
        Ok(ColumnarValue::Array(Arc::new(later.with_timezone("UTC"))))
    }
}

/// `local_hour(instant) -> INT`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LocalHour(Signature);

impl LocalHour {
    pub(super) fn new() -> Self {
        Self(Signature::exact(vec![instant()], Volatility::Immutable))
    }
}

impl ScalarUDFImpl for LocalHour {
    fn name(&self) -> &'static str {
        "local_hour"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let instants = arrays[0].as_primitive::<TimestampMicrosecondType>();
        let hours: Int32Array = instants.iter().map(|instant| instant.map(local_hour)).collect();
        Ok(ColumnarValue::Array(Arc::new(hours)))
    }
}

/// `local_day(instant) -> DATE`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LocalDay(Signature);

impl LocalDay {
    pub(super) fn new() -> Self {
        Self(Signature::exact(vec![instant()], Volatility::Immutable))
    }
}

impl ScalarUDFImpl for LocalDay {
    fn name(&self) -> &'static str {
        "local_day"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let instants = arrays[0].as_primitive::<TimestampMicrosecondType>();
        let days: Date32Array = instants.iter().map(|at| at.map(|at| Day::of(at).epoch_days())).collect();
        Ok(ColumnarValue::Array(Arc::new(days)))
    }
}
