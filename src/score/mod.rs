//! Scorecards as SQL functions.
//!
//! In: a card's name, a characteristic and its value. Out: whole points. Never: a bin or a point of its own; cards
//! are written in `pipelines/score`.

pub mod card;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;

use self::card::Card;

/// Makes the functions of this module known to a session.
pub fn register(session: &SessionContext, cards: BTreeMap<String, Card>) {
    session.register_udf(ScalarUDF::new_from_impl(Points::new(cards)));
}

/// `points(card, characteristic, value) -> BIGINT`: the points of the bin that the value falls in.
///
/// Never null: a null value has the card's points for a missing one. The card and the characteristic are literals.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Points {
    signature: Signature,
    cards: Arc<BTreeMap<String, Card>>,
}

impl Points {
    fn new(cards: BTreeMap<String, Card>) -> Self {
        let exact = TypeSignature::Exact(vec![DataType::Utf8, DataType::Utf8, DataType::Float64]);
        Self { signature: Signature::new(exact, Volatility::Immutable), cards: Arc::new(cards) }
    }
}

fn text(value: &ColumnarValue) -> Option<&str> {
    match value {
        ColumnarValue::Scalar(
            ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) | ScalarValue::LargeUtf8(Some(text)),
        ) => Some(text),
        _ => None,
    }
}

impl ScalarUDFImpl for Points {
    fn name(&self) -> &'static str {
        "points"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<Arc<arrow::datatypes::Field>> {
        Ok(Arc::new(arrow::datatypes::Field::new("points", DataType::Int64, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [card, characteristic, value] = &args.args[..] else { return plan_err!("points takes three arguments") };
        let (Some(card), Some(characteristic)) = (text(card), text(characteristic)) else {
            return plan_err!("points: card and characteristic are literals");
        };
        let Some(found) = self.cards.get(card) else { return exec_err!("points: there is no card {card}") };
        let Some(found) = found.characteristic.get(characteristic) else {
            return exec_err!("points: card {card} has no characteristic {characteristic}");
        };
        match value {
            ColumnarValue::Scalar(ScalarValue::Float64(value)) => {
                Ok(ColumnarValue::Scalar(ScalarValue::Int64(Some(found.points(*value)))))
            }
            ColumnarValue::Array(values) => {
                let values = values.as_primitive::<Float64Type>();
                let points = values.iter().map(|value| found.points(value));
                let points = Int64Array::from_iter_values(points);
                Ok(ColumnarValue::Array(Arc::new(points)))
            }
            ColumnarValue::Scalar(other) => exec_err!("points: {other} is no float"),
        }
    }
}
