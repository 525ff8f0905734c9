//! Whether two Avro schemas read the same bytes into the same values.
//!
//! In: two schemas' JSON. Out: yes when they are the same field for field: names, types, order, logical types. Never:
//! a yes for schemas that differ in what a value means; a no costs only speed.

use serde_json::{Map, Value};

/// What decides about bytes and values; documentation, defaults, aliases and what languages note for themselves do not.
const KEPT: [&str; 10] =
    ["type", "name", "fields", "items", "values", "symbols", "size", "logicalType", "precision", "scale"];

pub(super) fn is_same(one: &str, other: &str) -> anyhow::Result<bool> {
    Ok(plain(&serde_json::from_str(one)?) == plain(&serde_json::from_str(other)?))
}

fn plain(schema: &Value) -> Value {
    match schema {
        Value::Array(parts) => parts.iter().map(plain).collect(),
        Value::Object(object) => {
            let is_record = object.contains_key("fields");
            let is_kept = |name: &str| KEPT.contains(&name) && !(is_record && name == "name");
            let kept: Map<String, Value> = object
                .iter()
                .filter(|(name, _)| is_kept(name))
                .map(|(name, value)| (name.clone(), plain(value)))
                .collect();
            match kept.get("type") {
                Some(only) if kept.len() == 1 => only.clone(),
                _ => Value::Object(kept),
            }
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    const ONE: &str = r#"{"type":"record","name":"R","fields":[
        {"name":"a","type":"string","doc":"text"},{"name":"b","type":["null","long"],"default":null}]}"#;

    #[track_caller]
    fn check(from: &str, to: &str, is_same: bool) {
        assert!(ONE.contains(from), "{from}");
        assert_eq!(super::is_same(ONE, &ONE.replace(from, to)).unwrap(), is_same, "{from} -> {to}");
    }

    #[test]
    fn what_is_said_beside_the_type_makes_no_difference() {
        check("text", "other words", true);
        check(r#""name":"R""#, r#""name":"Other","namespace":"vn.other""#, true);
        check(r#""string""#, r#"{"type":"string","avro.java.string":"String"}"#, true);
        check(r#","default":null"#, "", true);
    }

    #[test]
    fn what_changes_bytes_or_their_meaning_does() {
        check(r#""string""#, r#""bytes""#, false);
        check(r#"["null","long"]"#, r#"["long","null"]"#, false);
        check(r#""long""#, r#"{"type":"long","logicalType":"timestamp-millis"}"#, false);
        check(r#""name":"a""#, r#""name":"c""#, false);
        check(r#"{"name":"a","type":"string","doc":"text"},"#, "", false);
    }
}
