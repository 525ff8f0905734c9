//! Aggregates that write down what each row says, and read it once its group is complete.
//!
//! In: a [`Fold`], and rows of many groups in any order. Out: an SQL aggregate. A group's state is the bytes of its
//! rows, one behind the other, so any split in any order merges into the same rows; a fold must not mind their order.
//! Numbers are LEB128, seven bits to a byte and the lowest first; signed ones are zigzag before that. A list is its
//! length, then each value less the one before it, the first less 0.
//! Never: trusts bytes: what is cut off is an error.

use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;
use std::mem::take;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, BooleanArray, Int64Array, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility};
use datafusion::scalar::ScalarValue;

/// Writes what a row says behind what others said; nothing when it says nothing.
pub(super) type Writer<'a> = Box<dyn Fn(usize, &mut Vec<u8>) + 'a>;

/// What an aggregate makes of its rows.
pub(super) trait Fold: Debug + Eq + Hash + Send + Sync + 'static {
    /// Its name in SQL.
    const NAME: &'static str;

    /// The types of its arguments.
    fn arguments() -> Vec<DataType>;

    /// The type of what it returns.
    fn returns() -> DataType;

    /// Writes rows of these columns.
    fn writer(columns: &[ArrayRef]) -> Result<Writer<'_>>;

    /// What groups say, each by the bytes of its rows; no group is null.
    fn read(groups: &BinaryArray) -> Result<ArrayRef>;
}

/// The SQL function of a fold.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Aggregate<F> {
    signature: Signature,
    fold: PhantomData<F>,
}

impl<F: Fold> Aggregate<F> {
    pub(super) fn new() -> Self {
        Self { signature: Signature::exact(F::arguments(), Volatility::Immutable), fold: PhantomData }
    }
}

impl<F: Fold> AggregateUDFImpl for Aggregate<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(F::returns())
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Groups::<F>::new()))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups::<F>::new()))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, "rows"), DataType::Binary, true))])
    }
}

/// The bytes of many groups, as their rows came.
#[derive(Debug)]
struct Groups<F> {
    bytes: Vec<u8>,
    rows: Vec<Row>,
    groups: usize,
    fold: PhantomData<F>,
}

/// Where the bytes of a row lie.
#[derive(Debug, Clone, Copy)]
struct Row {
    group: usize,
    from: usize,
    until: usize,
}

impl<F: Fold> Groups<F> {
    fn new() -> Self {
        Self { bytes: Vec::new(), rows: Vec::new(), groups: 0, fold: PhantomData }
    }

    fn grow(&mut self, groups: usize) {
        self.groups = self.groups.max(groups);
    }

    fn write(&mut self, group: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let from = self.bytes.len();
        write(&mut self.bytes);
        self.rows.push(Row { group, from, until: self.bytes.len() });
    }

    /// The first groups, each with its rows one behind the other; the other groups count from 0 again.
    fn take(&mut self, emit_to: EmitTo) -> Result<BinaryArray> {
        let groups = match emit_to {
            EmitTo::All => self.groups,
            EmitTo::First(groups) => groups.min(self.groups),
        };
        let (written, mut rows) = (take(&mut self.bytes), take(&mut self.rows));
        rows.sort_unstable_by_key(|row| row.group);
        let (taken, left) = rows.split_at(rows.partition_point(|row| row.group < groups));
        let (mut bytes, mut lengths) = (Vec::with_capacity(written.len()), vec![0; groups]);
        for row in taken {
            bytes.extend_from_slice(&written[row.from..row.until]);
            lengths[row.group] += row.until - row.from;
        }
        for row in left {
            self.write(row.group - groups, |bytes| bytes.extend_from_slice(&written[row.from..row.until]));
        }
        self.groups -= groups;
        Ok(BinaryArray::try_new(OffsetBuffer::from_lengths(lengths), bytes.into(), None)?)
    }

    fn held(&self) -> usize {
        size_of_val(self) + self.bytes.capacity() + self.rows.capacity() * size_of::<Row>()
    }
}

/// Whether a filter lets a row through.
fn counts(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

impl<F: Fold> GroupsAccumulator for Groups<F> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let write = F::writer(values)?;
        for (row, group) in group_indices.iter().enumerate().filter(|(row, _)| counts(opt_filter, *row)) {
            self.write(*group, |bytes| write(row, bytes));
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        F::read(&self.take(emit_to)?)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(self.take(emit_to)?)])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        let [states] = values else { return exec_err!("{}: foreign state", F::NAME) };
        self.grow(total_num_groups);
        let states = states.as_binary::<i32>();
        for (row, group) in group_indices.iter().enumerate().filter(|(row, _)| states.is_valid(*row)) {
            self.write(*group, |bytes| bytes.extend_from_slice(states.value(row)));
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let write = F::writer(values)?;
        let (mut states, mut bytes) = (BinaryBuilder::new(), Vec::new());
        for row in 0..values.first().map_or(0, |column| column.len()) {
            bytes.clear();
            if counts(opt_filter, row) {
                write(row, &mut bytes);
            }
            states.append_value(&bytes);
        }
        Ok(vec![Arc::new(states.finish())])
    }

    fn size(&self) -> usize {
        self.held()
    }
}

/// The same of a single group, for a query without `GROUP BY`.
impl<F: Fold> Accumulator for Groups<F> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, |column| column.len());
        GroupsAccumulator::update_batch(self, values, &vec![0; rows], None, 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.grow(1);
        ScalarValue::try_from_array(&GroupsAccumulator::evaluate(self, EmitTo::All)?, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.grow(1);
        let state = GroupsAccumulator::state(self, EmitTo::All)?;
        state.iter().map(|column| ScalarValue::try_from_array(column, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = states.first().map_or(0, |column| column.len());
        GroupsAccumulator::merge_batch(self, states, &vec![0; rows], 1)
    }

    fn size(&self) -> usize {
        self.held()
    }
}

// --- a struct of whole numbers ---

/// Its fields.
pub(super) fn fields<const N: usize>(names: [&str; N]) -> Fields {
    names.into_iter().map(|name| Field::new(name, DataType::Int64, false)).collect()
}

/// Its rows.
pub(super) fn structs<const N: usize>(names: [&str; N], rows: &[[i64; N]]) -> Result<ArrayRef> {
    let values = |index: usize| rows.iter().map(move |row| row[index]);
    // None is null; collected one by one, each would be asked.
    let column = |index: usize| Arc::new(Int64Array::from_iter_values(values(index))) as ArrayRef;
    let columns = (0..N).map(column).collect();
    Ok(Arc::new(StructArray::try_new_with_length(fields(names), columns, None, rows.len())?))
}

// --- bytes ---

/// A number's, seven bits to each.
const MOST_BYTES: usize = 10;

pub(super) fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        let [low, ..] = number.to_le_bytes();
        bytes.push(low | 0x80);
        number >>= 7;
    }
    let [low, ..] = number.to_le_bytes();
    bytes.push(low);
}

pub(super) fn get(bytes: &mut &[u8]) -> Result<u64> {
    let (all, mut number) = (*bytes, 0_u64);
    for (at, byte) in all.iter().enumerate().take(MOST_BYTES) {
        number |= u64::from(byte & 0x7f) << (7 * at);
        if *byte < 0x80 {
            *bytes = &all[at + 1..];
            return Ok(number);
        }
    }
    exec_err!("a number is cut off or too long")
}

pub(super) fn put_signed(bytes: &mut Vec<u8>, value: i64) {
    put(bytes, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

pub(super) fn get_signed(bytes: &mut &[u8]) -> Result<i64> {
    let number = get(bytes)?;
    Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

pub(super) fn put_all(bytes: &mut Vec<u8>, values: &[i64]) {
    put(bytes, values.len() as u64);
    let mut before = 0_i64;
    for value in values {
        put_signed(bytes, value.wrapping_sub(before));
        before = *value;
    }
}

/// Adds the values of a list to others.
pub(super) fn get_all(bytes: &mut &[u8], values: &mut Vec<i64>) -> Result<()> {
    let mut value = 0_i64;
    for _ in 0..get(bytes)? {
        value = value.wrapping_add(get_signed(bytes)?);
        values.push(value);
    }
    Ok(())
}

/// Of a list of one value or none.
pub(super) fn get_option(bytes: &mut &[u8]) -> Result<Option<i64>> {
    match get(bytes)? {
        0 => Ok(None),
        _ => get_signed(bytes).map(Some),
    }
}

pub(super) fn put_bytes(bytes: &mut Vec<u8>, value: &[u8]) {
    put(bytes, value.len() as u64);
    bytes.extend_from_slice(value);
}

pub(super) fn get_bytes<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8]> {
    let length = usize::try_from(get(bytes)?).unwrap_or(usize::MAX);
    match bytes.split_at_checked(length) {
        Some((value, rest)) => {
            *bytes = rest;
            Ok(value)
        }
        None => exec_err!("bytes are cut off"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::segment::JoinSegments;
    use super::*;

    /// What a fold says of some rows at once; fails when it says something else of them split in two, in the other
    /// order, by way of states.
    pub(in crate::feature) fn folded<F: Fold>(columns: &[ArrayRef], at: usize) -> ArrayRef {
        let rows = columns[0].len();
        let of = |columns: &[ArrayRef]| {
            let mut groups = Groups::<F>::new();
            let rows = columns[0].len();
            GroupsAccumulator::update_batch(&mut groups, columns, &vec![0; rows], None, 1).unwrap();
            groups
        };
        let part = |from: usize, rows: usize| -> Vec<ArrayRef> {
            columns.iter().map(|column| column.slice(from, rows)).collect()
        };
        let whole = GroupsAccumulator::evaluate(&mut of(columns), EmitTo::All).unwrap();
        let at = at.min(rows);
        let mut joined = Groups::<F>::new();
        let late = GroupsAccumulator::state(&mut of(&part(at, rows - at)), EmitTo::All).unwrap();
        let early = Groups::<F>::new().convert_to_state(&part(0, at), None).unwrap();
        GroupsAccumulator::merge_batch(&mut joined, &late, &[0], 1).unwrap();
        GroupsAccumulator::merge_batch(&mut joined, &early, &vec![0; at], 1).unwrap();
        assert_eq!(&GroupsAccumulator::evaluate(&mut joined, EmitTo::All).unwrap(), &whole);
        whole
    }

    fn taken(groups: &mut Groups<JoinSegments>, emit_to: EmitTo) -> Vec<String> {
        let taken = groups.take(emit_to).unwrap();
        taken.iter().flatten().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    #[test]
    fn bytes_that_are_cut_off_are_an_error() {
        let mut bytes = Vec::new();
        put_all(&mut bytes, &[1, 84_900_000_001]);
        put_bytes(&mut bytes, b"name");
        for length in 0..bytes.len() {
            let mut cut = &bytes[..length];
            let read = get_all(&mut cut, &mut Vec::new()).and_then(|()| get_bytes(&mut cut).map(drop));
            assert!(read.is_err(), "{length} bytes");
        }
        assert!(get(&mut [0xff; 11].as_slice()).is_err());
    }

    #[test]
    fn memory_is_told_and_given_back() {
        let mut groups = Groups::<JoinSegments>::new();
        groups.grow(2);
        let empty = groups.held();
        groups.write(1, |bytes| bytes.extend_from_slice(&[0; 1_000]));
        assert!(groups.held() >= empty + 1_000);
        assert_eq!(taken(&mut groups, EmitTo::First(1)), [""]);
        assert!(groups.held() >= empty + 1_000, "the second group is still there");
        assert_eq!(taken(&mut groups, EmitTo::All).len(), 1);
        assert!(groups.held() <= empty);
    }

    #[test]
    fn groups_in_any_order_are_taken_in_theirs_and_the_others_count_from_0_again() {
        let mut groups = Groups::<JoinSegments>::new();
        groups.grow(4);
        for (group, name) in [(2, "c"), (0, "a"), (3, "d"), (2, "c"), (0, "a")] {
            groups.write(group, |bytes| bytes.extend_from_slice(name.as_bytes()));
        }
        assert_eq!(taken(&mut groups, EmitTo::First(2)), ["aa", ""]);
        groups.grow(3);
        groups.write(2, |bytes| bytes.push(b'e'));
        groups.write(0, |bytes| bytes.push(b'c'));
        assert_eq!(taken(&mut groups, EmitTo::All), ["ccc", "d", "e"]);
        assert_eq!(taken(&mut groups, EmitTo::All), [""; 0]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(values in prop::collection::vec(any::<i64>(), 0..20), one in any::<Option<i64>>()) {
            let mut bytes = Vec::new();
            put_all(&mut bytes, &values);
            put_all(&mut bytes, one.as_slice());
            let (mut rest, mut found) = (bytes.as_slice(), Vec::new());
            get_all(&mut rest, &mut found).unwrap();
            prop_assert_eq!(found, values);
            prop_assert_eq!(get_option(&mut rest).unwrap(), one);
            prop_assert!(rest.is_empty());
        }
    }
}
