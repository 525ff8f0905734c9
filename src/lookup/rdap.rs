//! RDAP, RFC 9083: a domain object as JSON.
//!
//! In: the body of an answer. Out: a record. Never: takes the record of another domain, or a contact's address.

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::registry::{Record, day, said};
use crate::domain::host::Host;

/// Some servers write null for a list that is empty.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Domain {
    ldh_name: Option<String>,
    unicode_name: Option<String>,
    status: Option<Vec<String>>,
    events: Option<Vec<Event>>,
    entities: Option<Vec<Entity>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    event_action: Option<String>,
    event_date: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entity {
    roles: Option<Vec<String>>,
    #[serde(default)]
    vcard_array: Value,
    entities: Option<Vec<Entity>>,
}

/// Reads the record of a domain.
pub(super) fn read(body: &[u8], domain: &str) -> anyhow::Result<Record> {
    let found: Domain = serde_json::from_slice(body).context("its answer is no RDAP")?;
    let name = found.ldh_name.as_ref().or(found.unicode_name.as_ref()).context("its answer names no domain")?;
    let is_asked = Host::read(name).is_some_and(|host| host.host() == domain);
    ensure!(is_asked, "its answer is about another domain");
    let (events, entities) = (found.events.unwrap_or_default(), found.entities.unwrap_or_default());
    let event = |action: &str| {
        let is_it = |event: &&Event| event.event_action.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(action));
        events.iter().find(is_it).and_then(|event| event.event_date.as_deref()).and_then(day)
    };
    Ok(Record {
        kind: None,
        holder: named(&entities, "registrant"),
        registrar: named(&entities, "registrar"),
        registered_on: event("registration"),
        expires_on: event("expiration"),
        state: said(&found.status.unwrap_or_default().join(", ")),
    })
}

/// The name of whoever has a role, on the first level or below.
fn named(entities: &[Entity], role: &str) -> Option<String> {
    let has_role = |entity: &&Entity| entity.roles.iter().flatten().any(|own| own.eq_ignore_ascii_case(role));
    let own = entities.iter().filter(has_role);
    let name =
        own.filter_map(|entity| property(&entity.vcard_array, "org").or_else(|| property(&entity.vcard_array, "fn")));
    let below = |entity: &Entity| named(entity.entities.as_deref().unwrap_or_default(), role);
    name.take(1).next().or_else(|| entities.iter().find_map(below))
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
    fn an_empty_list_that_is_written_as_null_hides_no_record() {
        let null = r#"{"ldhName": "example.com", "status": null, "events": null, "entities": null}"#;
        assert_eq!(read(null.as_bytes(), "example.com").unwrap(), Record::default());
        let below = r#"{"ldhName": "example.com", "events": [{"eventAction": null, "eventDate": "2020-01-01"},
            {"eventAction": "registration", "eventDate": "2021-03-05"}], "entities": [{"roles": null, "entities": null},
            {"roles": ["registrar"], "entities": null, "vcardArray": ["vcard", [["fn", {}, "text", "A"]]]}]}"#;
        let record = read(below.as_bytes(), "example.com").unwrap();
        assert_eq!((record.registrar.as_deref(), record.registered_on), (Some("A"), "2021-03-05".parse().ok()));
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
