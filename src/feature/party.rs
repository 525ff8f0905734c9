//! `key_of('part', kind, name)` and `key_of('part', text)`: a whole number for a party that is no number; and back:
//! `kind_of('part', key)`, `name_of('part', key)`.
//!
//! In: a `WITH` part with the kinds and names of such parties in front, and a kind and a name, or both in one text with a
//! space between them. Out: the party's place among those of the part, counted from [`FIRST_NAMED`], so that it is
//! greater than every number; null when the part does not have it. Of a text that is a number's, the number. A key below
//! that is a number, and its own kind. So a party is one whole number, and no text is grouped or joined for the many.
//! Never: the same key for the same party in another query.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::lookup::Parts;
use crate::domain::party::PartyKind;

/// Keys from here on are no numbers: E.164 has fifteen digits.
pub(super) const FIRST_NAMED: i64 = 1 << 50;

/// The functions; the first argument names a part.
pub(super) const NAMES: [&str; 3] = ["key_of", "kind_of", "name_of"];

/// A party that is no number: its kind, and its name where it has one.
type Named = (String, Option<String>);

/// Parties that are no numbers, in their order, each once.
pub(super) struct Names(Vec<Named>);

impl Names {
    pub(super) fn of(rows: &[RecordBatch]) -> Result<Self> {
        let mut names = Vec::new();
        for rows in rows {
            let [kinds, texts] = [0, 1].map(|column: usize| cast(rows.column(column), &DataType::Utf8View));
            let (kinds, texts) = (kinds?, texts?);
            let (kinds, texts) = (kinds.as_string_view(), texts.as_string_view());
            let parties = kinds.iter().zip(texts.iter());
            names.extend(parties.filter_map(|(kind, name)| Some((kind?.to_owned(), name.map(str::to_owned)))));
        }
        names.sort_unstable();
        names.dedup();
        Ok(Self(names))
    }

    fn key(&self, kind: &str, name: Option<&str>) -> Option<i64> {
        let place = self.0.binary_search_by(|(one, text)| (one.as_str(), text.as_deref()).cmp(&(kind, name))).ok()?;
        Some(FIRST_NAMED + i64::try_from(place).ok()?)
    }

    /// Of a kind and a name with a space between them; an empty name is none.
    fn key_of_text(&self, text: &str) -> Option<i64> {
        let (kind, name) = text.split_once(' ')?;
        if kind == PartyKind::E164.as_str() {
            return name.parse().ok();
        }
        self.key(kind, Some(name)).or_else(|| self.key(kind, None).filter(|_| name.is_empty()))
    }

    fn party(&self, key: i64) -> Option<&Named> {
        self.0.get(usize::try_from(key - FIRST_NAMED).ok()?)
    }
}

/// One of the three functions.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Party {
    name: &'static str,
    signature: Signature,
    parts: Arc<Parts>,
}

impl Party {
    pub(super) fn all(parts: &Arc<Parts>) -> [Self; NAMES.len()] {
        NAMES.map(|name| {
            let wanted = if name == "key_of" {
                let party = vec![DataType::Utf8, DataType::Utf8View, DataType::Utf8View];
                vec![TypeSignature::Exact(party[..2].to_vec()), TypeSignature::Exact(party)]
            } else {
                vec![TypeSignature::Exact(vec![DataType::Utf8, DataType::Int64])]
            };
            let signature = Signature::one_of(wanted, Volatility::Stable);
            Self { name, signature, parts: Arc::clone(parts) }
        })
    }
}

impl ScalarUDFImpl for Party {
    fn name(&self) -> &'static str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(if self.name == "key_of" { DataType::Int64 } else { DataType::Utf8 })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(ColumnarValue::Scalar(ScalarValue::Utf8(Some(part)))) = args.args.first() else {
            return exec_err!("{} wants the name of a part first", self.name);
        };
        let part = self.parts.find(part)?;
        let names = part.names()?;
        let arrays = ColumnarValue::values_to_arrays(&args.args[1..])?;
        match (self.name, arrays.as_slice()) {
            ("key_of", [texts]) => {
                let keys = texts.as_string_view().iter().map(|text| names.key_of_text(text?));
                Ok(ColumnarValue::Array(Arc::new(keys.collect::<Int64Array>())))
            }
            ("key_of", [kinds, texts]) => {
                let (kinds, texts) = (kinds.as_string_view(), texts.as_string_view());
                Ok(ColumnarValue::Array(Arc::new(keys(names, kinds, texts))))
            }
            ("kind_of", [keys]) => {
                let number = PartyKind::E164.as_str();
                Ok(texts(keys, Some(number), |key| names.party(key).map(|(kind, _)| kind.as_str())))
            }
            (_, [keys]) => Ok(texts(keys, None, |key| names.party(key)?.1.as_deref())),
            _ => exec_err!("{} takes other arguments", self.name),
        }
    }
}

fn keys(names: &Names, kinds: &StringViewArray, texts: &StringViewArray) -> Int64Array {
    let text = |row: usize| texts.is_valid(row).then(|| texts.value(row));
    kinds.iter().enumerate().map(|(row, kind)| names.key(kind?, text(row))).collect()
}

/// What is said of parties; most rows are numbers, of which all the same is said.
fn texts<'a>(keys: &ArrayRef, number: Option<&'static str>, named: impl Fn(i64) -> Option<&'a str>) -> ColumnarValue {
    let keys = keys.as_primitive::<Int64Type>();
    if keys.null_count() == 0 && keys.values().iter().all(|key| *key < FIRST_NAMED) {
        return ColumnarValue::Scalar(ScalarValue::Utf8(number.map(str::to_owned)));
    }
    let text = |key: i64| if key < FIRST_NAMED { number } else { named(key) };
    ColumnarValue::Array(Arc::new(keys.iter().map(|key| text(key?)).collect::<StringArray>()))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Field, Schema};

    use super::*;

    fn names() -> Names {
        let parties =
            [("national_short", Some("1900 1234")), ("sender_name", Some("VNBANK")), ("national_short", None)];
        let parties = parties.iter().chain(&parties[..1]);
        let kinds: StringArray = parties.clone().map(|(kind, _)| Some(*kind)).collect();
        let names: StringArray = parties.map(|(_, name)| *name).collect();
        let fields = ["kind", "name"].map(|name| Field::new(name, DataType::Utf8, true));
        let columns: Vec<ArrayRef> = vec![Arc::new(kinds), Arc::new(names)];
        Names::of(&[RecordBatch::try_new(Arc::new(Schema::new(fields.to_vec())), columns).unwrap()]).unwrap()
    }

    #[test]
    fn parties_have_keys_beyond_all_numbers_and_get_their_names_back() {
        let names = names();
        let party = |key: Option<i64>| names.party(key.unwrap()).cloned();
        let named = |kind: &str, name: Option<&str>| Some((kind.to_owned(), name.map(str::to_owned)));
        for (kind, name) in
            [("sender_name", Some("VNBANK")), ("national_short", None), ("national_short", Some("1900 1234"))]
        {
            let key = names.key(kind, name);
            assert!(key > Some(999_999_999_999_999));
            assert_eq!(party(key), named(kind, name));
        }
        assert_eq!(names.0.len(), 3, "each once");
        assert_eq!(names.key("national_short", Some("VNBANK")), None);
        assert_eq!(names.party(FIRST_NAMED + 3), None);
        assert_eq!(names.party(84_900_000_001), None);
    }

    #[test]
    fn a_text_names_a_number_or_a_party() {
        let names = names();
        assert_eq!(names.key_of_text("e164 84900000001"), Some(84_900_000_001));
        assert_eq!(names.key_of_text("national_short 1900 1234"), names.key("national_short", Some("1900 1234")));
        assert_eq!(names.key_of_text("national_short "), names.key("national_short", None));
        for unknown in ["national_short", "national_short 1", "e164 nobody", ""] {
            assert_eq!(names.key_of_text(unknown), None, "{unknown}");
        }
    }
}
