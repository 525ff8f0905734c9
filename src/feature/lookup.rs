//! `may_have('part', one, other)`, `has('part', one, other)` and `latest('part', one, other)`: lookups of a pair in
//! another part of the same query.
//!
//! In: the name of a `WITH` part whose first two columns are numbers, and the two to look for; `latest` also wants an
//! instant in the third. Out: whether some row has the two, and the latest of their instants. A null is no number, and no
//! instant. `may_have` may be wrong in one direction: it says no only when there is no such row; so a part of which
//! little is wanted can be made small before it is kept.
//! A join says the same. It keeps all rows of one side in a table that is too large for the processor's caches, and asks
//! it for every row of the other; here nearly every question ends at one bit of a sketch.
//! Never: takes two pairs for the same because their hashes are.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, TimestampMicrosecondArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, exec_datafusion_err, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

/// The functions whose first argument names a part.
pub const NAMES: [&str; 3] = ["may_have", "has", "latest"];

/// Bits of a sketch for each row: with one bit set, a pair that is not there is taken for one in one of sixteen cases.
const BITS_PER_ROW: usize = 16;

/// The parts of one query that are looked up in, by name.
#[derive(Default)]
pub struct Parts(Mutex<HashMap<String, Arc<Part>>>);

impl Parts {
    /// Makes the rows of a part known.
    pub fn insert(&self, name: &str, rows: Vec<RecordBatch>) {
        let part = Part { rows, sketch: OnceLock::new(), table: OnceLock::new() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), Arc::new(part));
    }

    fn find(&self, name: &str) -> Result<Arc<Part>> {
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
struct Part {
    rows: Vec<RecordBatch>,
    sketch: OnceLock<Sketch>,
    table: OnceLock<Table>,
}

/// The latest instant by pair; [`NEVER`] when it has none.
type Table = HashMap<(i64, i64), i64, BuildHasherDefault<PairHasher>>;

/// Before every instant.
const NEVER: i64 = i64::MIN;

impl Part {
    /// Calls `with` with each pair and its instant.
    fn each(&self, mut with: impl FnMut(i64, i64, i64)) {
        for rows in &self.rows {
            let [ones, others] = [0, 1].map(|column: usize| rows.column(column).as_primitive::<Int64Type>());
            let instants = rows.columns().get(2).map(|instants| instants.as_primitive::<TimestampMicrosecondType>());
            for row in (0..rows.num_rows()).filter(|row| ones.is_valid(*row) && others.is_valid(*row)) {
                let at = instants.filter(|instants| instants.is_valid(row)).map(|instants| instants.value(row));
                with(ones.value(row), others.value(row), at.unwrap_or(NEVER));
            }
        }
    }

    /// The sketch; that the columns are of the types that are read is checked first.
    fn sketch(&self) -> Result<&Sketch> {
        if self.sketch.get().is_none() {
            self.check()?;
        }
        Ok(self.sketch.get_or_init(|| {
            let mut sketch = Sketch::new(self.rows.iter().map(RecordBatch::num_rows).sum());
            self.each(|one, other, _| sketch.add(one, other));
            sketch
        }))
    }

    fn table(&self) -> Result<&Table> {
        let pairs = self.sketch()?.pairs();
        Ok(self.table.get_or_init(|| {
            let mut table = Table::with_capacity_and_hasher(pairs, BuildHasherDefault::default());
            self.each(|one, other, at| {
                table.entry((one, other)).and_modify(|latest| *latest = at.max(*latest)).or_insert(at);
            });
            table
        }))
    }

    fn check(&self) -> Result<()> {
        let wanted = [DataType::Int64, DataType::Int64, instant()];
        for rows in &self.rows {
            let schema = rows.schema();
            let kinds = schema.fields().iter().map(|field| field.data_type()).take(wanted.len());
            if schema.fields().len() < 2 || !kinds.eq(wanted.iter().take(schema.fields().len())) {
                return exec_err!("a part to look up in has two numbers and an instant in front, not {schema}");
            }
        }
        Ok(())
    }
}

fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// One bit for each pair, in a field so wide that most pairs that are not there find none.
struct Sketch {
    words: Vec<u64>,
    shift: u32,
}

impl Sketch {
    fn new(rows: usize) -> Self {
        let bits = (rows * BITS_PER_ROW).next_power_of_two().max(64);
        Self { words: vec![0; bits / 64], shift: 64 - bits.trailing_zeros() }
    }

    fn place(&self, one: i64, other: i64) -> (usize, u64) {
        let bit = usize::try_from(mixed(mixed(0, one), other) >> self.shift).unwrap_or_default();
        (bit / 64, 1 << (bit % 64))
    }

    fn add(&mut self, one: i64, other: i64) {
        let (word, bit) = self.place(one, other);
        self.words[word] |= bit;
    }

    /// About how many different pairs there are; a few share a bit.
    fn pairs(&self) -> usize {
        let bits: usize = self.words.iter().map(|word| word.count_ones() as usize).sum();
        bits + bits / BITS_PER_ROW
    }

    fn may_have(&self, one: i64, other: i64) -> bool {
        let (word, bit) = self.place(one, other);
        self.words[word] & bit != 0
    }
}

/// Mixes a number into a hash whose high bits are good: a multiplication carries every bit upwards, and the rotation
/// brings the good ones down again for the next.
fn mixed(hash: u64, number: i64) -> u64 {
    (hash.rotate_left(32) ^ number.cast_unsigned()).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[derive(Debug, Default)]
struct PairHasher(u64);

impl Hasher for PairHasher {
    fn finish(&self) -> u64 {
        // A table takes its place from the low bits.
        self.0.rotate_left(32)
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_i64(i64::from(*byte)));
    }

    fn write_i64(&mut self, number: i64) {
        self.0 = mixed(self.0, number);
    }
}

/// One of the three functions.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Lookup {
    name: &'static str,
    signature: Signature,
    parts: Arc<Parts>,
}

impl Lookup {
    pub(super) fn all(parts: &Arc<Parts>) -> [Self; NAMES.len()] {
        let arguments = vec![DataType::Utf8, DataType::Int64, DataType::Int64];
        NAMES.map(|name| {
            let signature = Signature::exact(arguments.clone(), Volatility::Stable);
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
        Ok(if self.name == "latest" { instant() } else { DataType::Boolean })
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(self.name, self.return_type(&[])?, self.name == "latest")))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(ColumnarValue::Scalar(ScalarValue::Utf8(Some(name)))) = args.args.first() else {
            return exec_err!("{} wants the name of a part first", self.name);
        };
        let part = self.parts.find(name)?;
        let sketch = part.sketch()?;
        let arrays = ColumnarValue::values_to_arrays(&args.args[1..])?;
        let [ones, others] = [0, 1].map(|index: usize| arrays[index].as_primitive::<Int64Type>());
        let may_have = |row: usize| {
            ones.is_valid(row) && others.is_valid(row) && sketch.may_have(ones.value(row), others.value(row))
        };
        let rows = ones.len();
        if self.name == "may_have" {
            return Ok(truths(rows, may_have));
        }
        let table = part.table()?;
        let find = |row| if may_have(row) { table.get(&(ones.value(row), others.value(row))).copied() } else { None };
        if self.name == "has" {
            return Ok(truths(rows, |row| find(row).is_some()));
        }
        let latest: Vec<i64> = (0..rows).map(|row| find(row).unwrap_or(NEVER)).collect();
        let nulls = NullBuffer::new(BooleanBuffer::collect_bool(rows, |row| latest[row] != NEVER));
        let instants = TimestampMicrosecondArray::new(latest.into(), Some(nulls)).with_timezone("UTC");
        Ok(ColumnarValue::Array(Arc::new(instants)))
    }
}

fn truths(rows: usize, holds: impl FnMut(usize) -> bool) -> ColumnarValue {
    ColumnarValue::Array(Arc::new(BooleanArray::new(BooleanBuffer::collect_bool(rows, holds), None)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow::array::{ArrayRef, Int64Array};
    use arrow::datatypes::Schema;
    use proptest::prelude::*;

    use super::*;

    fn part(pairs: &[(Option<i64>, i64, Option<i64>)]) -> Part {
        let fields = [("one", DataType::Int64), ("other", DataType::Int64), ("at", instant())];
        let schema = Schema::new(fields.map(|(name, kind)| Field::new(name, kind, true)).to_vec());
        let rows = pairs.chunks(7).map(|pairs| {
            let ones: Int64Array = pairs.iter().map(|pair| pair.0).collect();
            let others: Int64Array = pairs.iter().map(|pair| Some(pair.1)).collect();
            let at: TimestampMicrosecondArray = pairs.iter().map(|pair| pair.2).collect();
            let columns: Vec<ArrayRef> = vec![Arc::new(ones), Arc::new(others), Arc::new(at.with_timezone("UTC"))];
            RecordBatch::try_new(Arc::new(schema.clone()), columns).unwrap()
        });
        Part { rows: rows.collect(), sketch: OnceLock::new(), table: OnceLock::new() }
    }

    #[test]
    fn a_sketch_says_no_nearly_always() {
        let pairs: Vec<_> =
            (0..20_000).map(|row| (Some(84_900_000_000 + row % 500), 84_900_000_000 + row, None)).collect();
        let part = part(&pairs);
        let sketch = part.sketch().unwrap();
        let wrong = pairs.iter().filter(|(one, other, _)| sketch.may_have(other + 1_000_000, one.unwrap())).count();
        assert!(wrong < pairs.len() / 12, "{wrong} of {}", pairs.len());
    }

    #[test]
    fn columns_of_other_types_are_refused() {
        let rows = part(&[(Some(1), 2, Some(3))]).rows[0].project(&[2, 0]).unwrap();
        let part = Part { rows: vec![rows], sketch: OnceLock::new(), table: OnceLock::new() };
        assert!(part.sketch().err().unwrap().to_string().contains("two numbers"));
    }

    proptest! {
        #[test]
        fn lookups_are_exact_and_a_sketch_misses_nothing(
            pairs in prop::collection::vec((prop::option::weighted(0.9, 0i64..9), 0i64..9, prop::option::of(0i64..100)), 0..60),
        ) {
            let part = part(&pairs);
            let mut expected: BTreeMap<(i64, i64), i64> = BTreeMap::new();
            for (one, other, at) in &pairs {
                let Some(one) = one else { continue };
                let latest = expected.entry((*one, *other)).or_insert(NEVER);
                *latest = (*latest).max(at.unwrap_or(NEVER));
            }
            for (one, other) in (0..9).flat_map(|one| (0..9).map(move |other| (one, other))) {
                let found = part.table().unwrap().get(&(one, other)).copied();
                prop_assert_eq!(found, expected.get(&(one, other)).copied());
                prop_assert!(found.is_none() || part.sketch().unwrap().may_have(one, other));
            }
        }
    }
}
