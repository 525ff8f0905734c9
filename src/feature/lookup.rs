//! `may_have('part', one, other)`: whether a pair of numbers may stand in another part of the same query; `has('part',
//! number)` whether a number does; `value_of('part')` is the number in its only row.
//!
//! In: the name of a `WITH` part with numbers in front, and what to look for. Out: whether some row has it; a null is no
//! number. `may_have` may be wrong in one direction: it says no only when there is no such row; so a part of which
//! little is wanted can be made small. Never: says no of what is there.
//!
//! A join says the same. It keeps all rows of one side in a table that is too large for the processor's caches, and asks
//! it for every row of the other. Here `may_have` asks one word of a sketch, and the numbers of a part are a sorted list.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result, exec_datafusion_err, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::party::Names;

/// The functions; the first argument names a part.
pub(super) const NAMES: [&str; 3] = ["may_have", "has", "value_of"];

/// Bits of a sketch for each row: with two of them set, a pair that is not there is taken for one in one of sixteen cases.
const BITS_PER_ROW: usize = 8;

/// The parts of a session's query that are looked up in, by name.
#[derive(Default)]
pub struct Parts(Mutex<HashMap<String, Arc<Part>>>);

impl Parts {
    /// Makes the rows of a part known.
    pub fn insert(&self, name: &str, rows: Vec<RecordBatch>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), Arc::new(Part::of(rows)));
    }

    /// Forgets what an earlier query of the session has known.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn find(&self, name: &str) -> Result<Arc<Part>> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.get(name).cloned().ok_or_else(|| exec_datafusion_err!("the query has no part \"{name}\" to look up in"))
    }
}

/// Planners print functions: not with all that they know.
impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("parts")
    }
}

/// Each session has its own.
impl PartialEq for Parts {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Parts {}

impl Hash for Parts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::from_ref(self).hash(state);
    }
}

/// Rows that are looked up in; what that needs is made when it is first asked for.
pub(super) struct Part {
    rows: Vec<RecordBatch>,
    sketch: OnceLock<Sketch>,
    numbers: OnceLock<Vec<i64>>,
    names: OnceLock<Names>,
}

impl Part {
    fn of(rows: Vec<RecordBatch>) -> Self {
        Self { rows, sketch: OnceLock::new(), numbers: OnceLock::new(), names: OnceLock::new() }
    }

    /// The sketch; that the columns are of the types that are read is checked first.
    fn sketch(&self) -> Result<&Sketch> {
        if self.sketch.get().is_none() {
            self.check()?;
        }
        Ok(self.sketch.get_or_init(|| {
            let mut sketch = Sketch::new(self.len());
            for rows in &self.rows {
                let [ones, others] = [0, 1].map(|column: usize| rows.column(column).as_primitive::<Int64Type>());
                let pairs = ones.iter().zip(others).filter_map(|(one, other)| one.zip(other));
                pairs.for_each(|(one, other)| sketch.add(one, other));
            }
            sketch
        }))
    }

    /// The numbers of the first column in their order, each once.
    fn numbers(&self) -> Result<&[i64]> {
        if let Some(rows) = self.rows.iter().find(|rows| *rows.column(0).data_type() != DataType::Int64) {
            return exec_err!("a part to look up in has a number in front, not {}", rows.schema());
        }
        Ok(self.numbers.get_or_init(|| {
            let columns = self.rows.iter().map(|rows| rows.column(0).as_primitive::<Int64Type>());
            let mut numbers: Vec<i64> = columns.flat_map(|column| column.iter().flatten()).collect();
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        }))
    }

    /// The number in its only row.
    fn value(&self) -> Result<i64> {
        let mut values = self.rows.iter().filter(|rows| rows.num_rows() > 0).map(|rows| rows.column(0));
        match (values.next().and_then(|values| values.as_primitive_opt::<Int64Type>()), values.next()) {
            (Some(values), None) if values.len() == 1 && values.is_valid(0) => Ok(values.value(0)),
            _ => exec_err!("a part whose value is asked for has one row with a number in front"),
        }
    }

    /// The parties of the first two columns that are no numbers.
    pub(super) fn names(&self) -> Result<&Names> {
        if let Some(names) = self.names.get() {
            return Ok(names);
        }
        let names = Names::of(&self.rows)?;
        Ok(self.names.get_or_init(|| names))
    }

    fn len(&self) -> usize {
        self.rows.iter().map(RecordBatch::num_rows).sum()
    }

    fn check(&self) -> Result<()> {
        for rows in &self.rows {
            let schema = rows.schema();
            let kinds = schema.fields().iter().map(|field| field.data_type()).take(2);
            if !kinds.eq([&DataType::Int64; 2]) {
                return exec_err!("a part to look up in has two numbers in front, not {schema}");
            }
        }
        Ok(())
    }
}

/// Two bits of one word for each pair, in a field so wide that most pairs that are not there miss one.
struct Sketch {
    words: Vec<u64>,
    shift: u32,
}

impl Sketch {
    fn new(rows: usize) -> Self {
        let words = (rows * BITS_PER_ROW / 64).next_power_of_two().max(2);
        Self { words: vec![0; words], shift: u64::BITS - words.trailing_zeros() }
    }

    /// A word, and the two bits in it.
    fn place(&self, one: i64, other: i64) -> (usize, u64) {
        let hash = mixed(mixed(0, one), other);
        let bits = hash >> (self.shift - 12);
        (usize::try_from(hash >> self.shift).unwrap_or_default(), 1 << (bits % 64) | 1 << (bits / 64 % 64))
    }

    fn add(&mut self, one: i64, other: i64) {
        let (word, bits) = self.place(one, other);
        self.words[word] |= bits;
    }

    fn may_have(&self, one: i64, other: i64) -> bool {
        let (word, bits) = self.place(one, other);
        self.words[word] & bits == bits
    }
}

/// Mixes a number into a hash whose high bits are good: a multiplication carries every bit upwards, and the rotation
/// brings the good ones down again for the next.
fn mixed(hash: u64, number: i64) -> u64 {
    (hash.rotate_left(32) ^ number.cast_unsigned()).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// One of the functions.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Lookup {
    name: &'static str,
    signature: Signature,
    parts: Arc<Parts>,
}

impl Lookup {
    pub(super) fn all(parts: &Arc<Parts>) -> [Self; NAMES.len()] {
        let pair = [DataType::Utf8, DataType::Int64, DataType::Int64];
        NAMES.map(|name| {
            let wanted = match name {
                "value_of" => vec![&pair[..1]],
                "has" => vec![&pair[..2]],
                _ => vec![&pair[..]],
            };
            let wanted = wanted.into_iter().map(|kinds| TypeSignature::Exact(kinds.to_vec())).collect();
            let signature = Signature::one_of(wanted, Volatility::Stable);
            Self { name, signature, parts: Arc::clone(parts) }
        })
    }
}

impl ScalarUDFImpl for Lookup {
    fn name(&self) -> &'static str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.name {
            "value_of" => DataType::Int64,
            _ => DataType::Boolean,
        })
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(self.name, self.return_type(&[])?, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(ColumnarValue::Scalar(ScalarValue::Utf8(Some(name)))) = args.args.first() else {
            return exec_err!("{} wants the name of a part first", self.name);
        };
        let part = self.parts.find(name)?;
        if self.name == "value_of" {
            return Ok(ColumnarValue::Scalar(ScalarValue::Int64(Some(part.value()?))));
        }
        let arrays = ColumnarValue::values_to_arrays(&args.args[1..])?;
        if let [numbers] = arrays.as_slice() {
            let (asked, numbers) = (numbers.as_primitive::<Int64Type>(), part.numbers()?);
            let has = |row| asked.is_valid(row) && numbers.binary_search(&asked.value(row)).is_ok();
            return Ok(truths(asked.len(), has));
        }
        let [ones, others] = [0, 1].map(|index: usize| arrays[index].as_primitive::<Int64Type>());
        let is_pair = |row: usize| ones.is_valid(row) && others.is_valid(row);
        let sketch = part.sketch()?;
        Ok(truths(ones.len(), |row| is_pair(row) && sketch.may_have(ones.value(row), others.value(row))))
    }
}

fn truths(rows: usize, holds: impl FnMut(usize) -> bool) -> ColumnarValue {
    ColumnarValue::Array(Arc::new(BooleanArray::new(BooleanBuffer::collect_bool(rows, holds), None)))
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use arrow::datatypes::Schema;
    use proptest::prelude::*;

    use super::*;

    fn part(pairs: &[(Option<i64>, i64)]) -> Part {
        let schema = Schema::new(["one", "other"].map(|name| Field::new(name, DataType::Int64, true)).to_vec());
        let rows = pairs.chunks(7).map(|pairs| {
            let ones: Int64Array = pairs.iter().map(|pair| pair.0).collect();
            let others: Int64Array = pairs.iter().map(|pair| Some(pair.1)).collect();
            let columns: Vec<ArrayRef> = vec![Arc::new(ones), Arc::new(others)];
            RecordBatch::try_new(Arc::new(schema.clone()), columns).unwrap()
        });
        Part::of(rows.collect())
    }

    #[test]
    fn a_sketch_says_no_nearly_always() {
        let pairs: Vec<_> = (0..20_000).map(|row| (Some(84_900_000_000 + row % 500), 84_900_000_000 + row)).collect();
        let part = part(&pairs);
        let sketch = part.sketch().unwrap();
        let wrong = pairs.iter().filter(|(one, other)| sketch.may_have(other + 1_000_000, one.unwrap())).count();
        assert!(wrong < pairs.len() / 12, "{wrong} of {}", pairs.len());
    }

    #[test]
    fn columns_of_other_types_are_refused() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["84"]));
        let rows = RecordBatch::try_from_iter([("one", Arc::clone(&texts)), ("other", texts)]).unwrap();
        let part = Part::of(vec![rows]);
        assert!(part.sketch().err().unwrap().to_string().contains("two numbers"));
    }

    proptest! {
        #[test]
        fn numbers_are_exact_and_a_sketch_misses_nothing(
            pairs in prop::collection::vec((prop::option::weighted(0.9, 0i64..9), 0i64..9), 0..60),
        ) {
            let part = part(&pairs);
            for one in -1..10 {
                let has = part.numbers().unwrap().binary_search(&one).is_ok();
                prop_assert_eq!(has, pairs.iter().any(|pair| pair.0 == Some(one)));
            }
            for (one, other) in pairs {
                prop_assert!(one.is_none_or(|one| part.sketch().unwrap().may_have(one, other)));
            }
        }
    }
}
