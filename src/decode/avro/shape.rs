//! An Avro schema as the shape of its bytes, walked without building anything.
//!
//! In: a schema's JSON, then bodies. Out: whether a body is exactly one value of the schema, and if not, why.
//! Never: allocates while walking; never resolves one schema into another.

use std::collections::HashMap;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use super::body::Body;
use crate::decode::reject::{Reason, Refusal};

/// What bytes follow one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Null,
    Boolean,
    Int,
    Long,
    Fixed(usize),
    Bytes,
    Text,
    Enum(usize),
    Union(Vec<Shape>),
    Record(Vec<Shape>),
    Array(Box<Shape>),
    Map(Box<Shape>),
}

impl Shape {
    /// Reads a schema.
    pub(super) fn read(schema: &str) -> anyhow::Result<Self> {
        let json: Value = serde_json::from_str(schema).context("the schema is no JSON")?;
        Self::of(&json, &mut HashMap::new())
    }

    fn of(schema: &Value, named: &mut HashMap<String, Self>) -> anyhow::Result<Self> {
        match schema {
            Value::String(name) => Self::primitive(name)
                // A name may be written with the space that it is in.
                .or_else(|| named.get(name.rsplit('.').next().unwrap_or(name)).cloned())
                .with_context(|| format!("type \"{name}\" is unknown or contains itself")),
            Value::Array(branches) => {
                Ok(Self::Union(branches.iter().map(|branch| Self::of(branch, named)).collect::<Result<_, _>>()?))
            }
            Value::Object(object) => {
                let shape = Self::complex(object, named)?;
                if let Some(name) = object.get("name").and_then(Value::as_str) {
                    named.insert(name.to_owned(), shape.clone());
                }
                Ok(shape)
            }
            _ => bail!("a schema is text, a list or an object"),
        }
    }

    fn primitive(name: &str) -> Option<Self> {
        Some(match name {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "int" => Self::Int,
            "long" => Self::Long,
            "float" => Self::Fixed(4),
            "double" => Self::Fixed(8),
            "bytes" => Self::Bytes,
            "string" => Self::Text,
            _ => return None,
        })
    }

    fn complex(object: &serde_json::Map<String, Value>, named: &mut HashMap<String, Self>) -> anyhow::Result<Self> {
        let part = |name: &str| object.get(name).with_context(|| format!("a schema without \"{name}\""));
        match part("type")? {
            Value::String(kind) => match kind.as_str() {
                "record" => {
                    let fields = part("fields")?.as_array().context("\"fields\" is no list")?;
                    let field = |field: &Value| Self::of(field.get("type").context("a field without type")?, named);
                    Ok(Self::Record(fields.iter().map(field).collect::<Result<_, _>>()?))
                }
                "enum" => Ok(Self::Enum(part("symbols")?.as_array().context("\"symbols\" is no list")?.len())),
                "fixed" => {
                    let size = part("size")?.as_u64().context("\"size\" is no number")?;
                    Ok(Self::Fixed(usize::try_from(size)?))
                }
                "array" => Ok(Self::Array(Box::new(Self::item(part("items")?, named)?))),
                "map" => Ok(Self::Map(Box::new(Self::item(part("values")?, named)?))),
                other => Self::of(&Value::String(other.to_owned()), named),
            },
            nested => Self::of(nested, named),
        }
    }

    /// An item without bytes would let a short body claim any number of them.
    fn item(schema: &Value, named: &mut HashMap<String, Self>) -> anyhow::Result<Self> {
        let item = Self::of(schema, named)?;
        ensure!(item.has_bytes(), "items that take no bytes");
        Ok(item)
    }

    fn has_bytes(&self) -> bool {
        match self {
            Self::Null | Self::Fixed(0) => false,
            Self::Record(fields) => fields.iter().any(Self::has_bytes),
            _ => true,
        }
    }

    /// Walks a body that must be one value and nothing more.
    pub(super) fn walk_whole(&self, body: &[u8]) -> Result<(), Refusal> {
        Body::whole(body, |body| self.walk(body))
    }

    /// How many bytes the first of the values takes that lie side by side.
    pub(super) fn length(&self, bytes: &[u8]) -> Option<usize> {
        let mut body = Body::new(bytes);
        self.walk(&mut body).ok().map(|()| bytes.len() - body.left())
    }

    fn walk(&self, body: &mut Body<'_>) -> Result<(), Reason> {
        match self {
            Self::Null => Ok(()),
            Self::Boolean => body.boolean().map(drop),
            Self::Int => body.int().map(drop),
            Self::Long => body.long().map(drop),
            Self::Fixed(size) => body.take(*size).map(drop),
            Self::Bytes => body.bytes().map(drop),
            Self::Text => body.text().map(drop),
            Self::Enum(symbols) => body.index(*symbols).map(drop),
            Self::Union(branches) => branches[body.index(branches.len())?].walk(body),
            Self::Record(fields) => fields.iter().try_for_each(|field| field.walk(body)),
            Self::Array(item) => body.blocks(|body| item.walk(body)),
            Self::Map(value) => body.blocks(|body| body.text().and_then(|_| value.walk(body))),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCHEMA: &str = r#"{"type":"record","name":"R","fields":[
        {"name":"a","type":"string"},
        {"name":"b","type":["null","int"]},
        {"name":"c","type":{"type":"long","logicalType":"timestamp-micros"}},
        {"name":"d","type":{"type":"array","items":"boolean"}}]}"#;

    /// "hi", 3, -1, [true].
    const BODY: [u8; 9] = [4, b'h', b'i', 2, 6, 1, 2, 1, 0];

    #[track_caller]
    fn check(body: &[u8], expect: Result<(), (Reason, &str)>) {
        let found = Shape::read(SCHEMA).unwrap().walk_whole(body);
        assert_eq!(found, expect.map_err(|(reason, at)| Refusal::new(reason, at)));
    }

    #[test]
    fn a_sound_body_is_walked_to_its_end() {
        check(&BODY, Ok(()));
    }

    #[test]
    fn a_cut_body_is_truncated_wherever_it_is_cut() {
        for length in 0..BODY.len() {
            let found = Shape::read(SCHEMA).unwrap().walk_whole(&BODY[..length]).unwrap_err();
            assert!(format!("{found:?}").contains("Truncated"), "{length}: {found:?}");
        }
    }

    #[test]
    fn bytes_after_the_end_are_no_part_of_the_record() {
        check(&[&BODY[..], &[0]].concat(), Err((Reason::TrailingBytes, "at byte 9")));
    }

    #[test]
    fn text_must_be_utf8() {
        let mut body = BODY;
        body[1] = 0xff;
        check(&body, Err((Reason::InvalidUtf8, "at byte 3")));
    }

    #[test]
    fn a_union_has_only_its_branches() {
        let mut body = BODY;
        body[3] = 4;
        check(&body, Err((Reason::MalformedAvro, "at byte 4")));
    }

    #[test]
    fn an_endless_integer_is_malformed() {
        check(&[0xff; 12], Err((Reason::MalformedAvro, "at byte 10")));
    }

    #[test]
    fn a_type_that_contains_itself_is_refused() {
        let schema = r#"{"type":"record","name":"R","fields":[{"name":"next","type":["null","R"]}]}"#;
        assert!(Shape::read(schema).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body: Vec<u8>) {
            // Whether it holds is not asked here: only that the walk comes back.
            let _ = Shape::read(SCHEMA).unwrap().walk_whole(&body);
        }
    }
}
