//! Scorecards: trained, kept, explained, and as SQL functions.
//!
//! In: a card's name, a criterion and the values of a row. Out: whole points, and the probability that they stand for.
//! Never: a bin or a point of its own; cards are written in `pipelines/score`, or trained.

pub mod about;
pub mod bins;
pub mod boost;
pub mod calibrate;
pub mod card;
pub mod chance;
pub mod change;
pub mod condition;
pub mod drift;
pub mod explanation;
pub mod file;
pub mod fit;
mod fold;
pub mod frame;
pub mod measure;
pub mod method;
pub mod number;
pub mod reason;
pub mod ridge;
pub mod shape;
pub mod train;
pub mod wording;
pub mod written;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Float64Array, Int64Array, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::{Result, exec_datafusion_err, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;

use self::card::{CRITERIA, Card, Characteristic};

/// Makes the functions of this module known to a session.
pub fn register(session: &SessionContext, cards: BTreeMap<String, Card>) {
    let cards = Arc::new(cards);
    session.register_udf(ScalarUDF::new_from_impl(Points::new(Arc::clone(&cards))));
    session.register_udf(ScalarUDF::new_from_impl(Probability::new(cards)));
}

/// `points(card, criterion, {'characteristic': value, …}) -> BIGINT`: what a card gives for one criterion.
///
/// The sum over all characteristics that the card counts for it; null and `NaN` have the points of a missing value, and
/// a characteristic without bounds needs no value. Never null. The criterion is a literal, the card may differ by row.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Points {
    signature: Signature,
    cards: Arc<BTreeMap<String, Card>>,
}

impl Points {
    fn new(cards: Arc<BTreeMap<String, Card>>) -> Self {
        Self { signature: Signature::any(3, Volatility::Immutable), cards }
    }

    fn card(&self, name: &str) -> Result<&Card> {
        self.cards.get(name).ok_or_else(|| exec_datafusion_err!("points: there is no card {name}"))
    }
}

fn text(value: &ScalarValue) -> Option<&str> {
    value.try_as_str().flatten()
}

/// Adds a characteristic's points to the rows that `counts`.
fn add(
    sums: &mut [i64],
    name: &str,
    characteristic: &Characteristic,
    values: &StructArray,
    counts: impl Fn(usize) -> bool,
) -> Result<()> {
    let value = match values.column_by_name(name) {
        Some(column) => cast(column, &DataType::Float64)?,
        // Its only bin has every value, and what has none is everybody's, as the base.
        None if characteristic.below.is_empty() => Arc::new(Float64Array::from(vec![0.0; values.len()])),
        None => return exec_err!("points: there is no value for characteristic {name}"),
    };
    let value = value.as_primitive::<Float64Type>();
    for (row, sum) in sums.iter_mut().enumerate().filter(|(row, _)| counts(*row)) {
        *sum += characteristic.points(value.is_valid(row).then(|| value.value(row)));
    }
    Ok(())
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

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let criterion = args.scalar_arguments.get(1).copied().flatten().and_then(text);
        if !criterion.is_some_and(|criterion| CRITERIA.contains(&criterion)) {
            return plan_err!("points: the criterion is one of {}", CRITERIA.join(", "));
        }
        let Some(DataType::Struct(values)) = args.arg_fields.get(2).map(|field| field.data_type()) else {
            return plan_err!("points: the values are a struct with a field for each characteristic");
        };
        // Text that is no number would count as a missing value.
        let is_number = |kind: &DataType| kind.is_numeric() || matches!(kind, DataType::Boolean | DataType::Null);
        if let Some(text) = values.iter().find(|value| !is_number(value.data_type())) {
            return plan_err!("points: characteristic {} is {} and no number", text.name(), text.data_type());
        }
        Ok(Arc::new(Field::new("points", DataType::Int64, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [card, ColumnarValue::Scalar(criterion), values] = &args.args[..] else {
            return exec_err!("points takes a card, a literal criterion and a struct");
        };
        let criterion = text(criterion).unwrap_or_default();
        let values = values.to_array(args.number_rows)?;
        let values = values.as_struct();
        let cards = cast(&card.to_array(args.number_rows)?, &DataType::Utf8)?;
        let cards = cards.as_string::<i32>();
        let mut sums = vec![0; args.number_rows];
        let mut names: Vec<&str> = cards.iter().flatten().collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let of_criterion = |found: &(&String, &Characteristic)| found.1.criterion == criterion;
            for (characteristic, found) in self.card(name)?.characteristic.iter().filter(of_criterion) {
                add(&mut sums, characteristic, found, values, |row| cards.is_valid(row) && cards.value(row) == name)?;
            }
        }
        Ok(ColumnarValue::Array(Arc::new(Int64Array::from(sums))))
    }
}

/// `probability(card, points) -> DOUBLE`: what a total of points means by its card.
///
/// Null for null points alone. The card may differ by row.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Probability {
    signature: Signature,
    cards: Arc<BTreeMap<String, Card>>,
}

impl Probability {
    fn new(cards: Arc<BTreeMap<String, Card>>) -> Self {
        let exact = TypeSignature::Exact(vec![DataType::Utf8, DataType::Int64]);
        Self { signature: Signature::new(exact, Volatility::Immutable), cards }
    }
}

impl ScalarUDFImpl for Probability {
    fn name(&self) -> &'static str {
        "probability"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let is_nullable = args.arg_fields.get(1).is_none_or(|points| points.is_nullable());
        Ok(Arc::new(Field::new("probability", DataType::Float64, is_nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [cards, points] = &ColumnarValue::values_to_arrays(&args.args)?[..] else {
            return plan_err!("probability takes two arguments");
        };
        let rows = cards.as_string::<i32>().iter().zip(points.as_primitive::<Int64Type>());
        let probability = |(card, points): (Option<&str>, Option<i64>)| -> Result<Option<f64>> {
            let card = card.unwrap_or_default();
            let Some(found) = self.cards.get(card) else { return exec_err!("probability: there is no card {card}") };
            Ok(points.map(|points| found.probability(points)))
        };
        let values: Float64Array = rows.map(probability).collect::<Result<_>>()?;
        Ok(ColumnarValue::Array(Arc::new(values)))
    }
}
