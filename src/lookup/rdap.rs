//! RDAP, RFC 9083: a domain object as JSON.
//!
//! In: the body of an answer. Out: a record. Never: takes the record of another domain, or a contact's address.

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::registry::{Record, day, said};
use crate::domain::host::Host;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Domain {
    ldh_name: Option<String>,
    unicode_name: Option<String>,
    #[serde(default)]
    status: Vec<String>,
    #[serde(default)]
    events: Vec<Event>,
    #[serde(default)]
    entities: Vec<Entity>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    event_action: String,
    event_date: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entity {
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    vcard_array: Value,
    #[serde(default)]
    entities: Vec<Entity>,
}

/// Reads the record of a domain.
pub(super) fn read(body: &[u8], domain: &str) -> anyhow::Result<Record> {
    let found: Domain = serde_json::from_slice(body).context("its answer is no RDAP")?;
    let name = found.ldh_name.as_ref().or(found.unicode_name.as_ref()).context("its answer names no domain")?;
    let is_asked = Host::read(name).is_some_and(|host| host.host() == domain);
    ensure!(is_asked, "its answer is about another domain");
    let event = |action: &str| {
        let event = found.events.iter().find(|event| event.event_action.eq_ignore_ascii_case(action));
        event.and_then(|event| event.event_date.as_deref()).and_then(day)
    };
    Ok(Record {
        kind: None,
        holder: named(&found.entities, "registrant"),
        registrar: named(&found.entities, "registrar"),
        registered_on: event("registration"),
        expires_on: event("expiration"),
        state: said(&found.status.join(", ")),
    })
}

/// The name of whoever has a role, on the first level or below.
fn named(entities: &[Entity], role: &str) -> Option<String> {
    let own = entities.iter().filter(|entity| entity.roles.iter().any(|own| own.eq_ignore_ascii_case(role)));
    let name =
        own.filter_map(|entity| property(&entity.vcard_array, "org").or_else(|| property(&entity.vcard_array, "fn")));
    name.take(1).next().or_else(|| entities.iter().find_map(|entity| named(&entity.entities, role)))
}

/// A property of a jCard (RFC 7095): `["vcard", [["fn", {}, "text", "…"], …]]`. An organisation may have several parts.
fn property(card: &Value, name: &str) -> Option<String> {
    let properties = card.get(1)?.as_array()?;
    let found = properties.iter().filter(|property| property.get(0).and_then(Value::as_str) == Some(name));
    found.filter_map(|property| property.get(3)).find_map(|value| match value {
        Value::String(text) => said(text),
        Value::Array(parts) => parts.iter().filter_map(Value::as_str).find_map(said),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_domains_record_is_refused() {
        let read = |body: &str| read(body.as_bytes(), "example.com").map_err(|error| error.to_string());
        assert_eq!(read("{\"ldhName\":\"EXAMPLE.COM.\"}"), Ok(Record::default()));
        assert_eq!(read("{\"ldhName\":\"example.net\"}"), Err("its answer is about another domain".to_owned()));
        assert_eq!(read("{}"), Err("its answer names no domain".to_owned()));
        assert_eq!(read("<html>"), Err("its answer is no RDAP".to_owned()));
    }

    #[test]
    fn an_organisation_goes_before_a_person_and_an_empty_name_is_none() {
        let card =
            |properties: &str| -> Value { serde_json::from_str(&format!("[\"vcard\",[{properties}]]")).unwrap() };
        let name = |card: &Value| property(card, "org").or_else(|| property(card, "fn"));
        let person = "[\"fn\",{},\"text\",\"A B\"]";
        assert_eq!(name(&card(person)).as_deref(), Some("A B"));
        assert_eq!(name(&card(&format!("{person},[\"org\",{{}},\"text\",[\"C\",\"D\"]]"))).as_deref(), Some("C"));
        assert_eq!(name(&card("[\"fn\",{},\"text\",\" \"]")), None);
        assert_eq!(name(&Value::Null), None);
    }
}
