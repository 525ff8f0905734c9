//! `report parse`: 156 and 5656 texts to JSON, one a line.
//!
//! In: texts, one a line. Out: one JSON object a line; the texts' numbers in clear, since the caller handed them in.
//! Never: drops a line.

use std::io::{BufRead, Write};

use anyhow::Context;
use serde_json::json;

use crate::domain::party::PartyKind;
use crate::domain::report::{Reading, Source};
use crate::text;

/// Reads every line of `from` and writes its reading to `to`.
pub fn parse(from: impl BufRead, mut to: impl Write) -> anyhow::Result<()> {
    for line in from.split(b'\n') {
        let line = line.context("reading a text")?;
        let line = String::from_utf8_lossy(&line);
        let reading = text::report::read(line.trim_end_matches('\r'));
        serde_json::to_writer(&mut to, &object(&reading)).context("writing a reading")?;
        to.write_all(b"\n")?;
    }
    to.flush()?;
    Ok(())
}

fn object(reading: &Reading<'_>) -> serde_json::Value {
    let (source_kind, source) = match &reading.source {
        Source::Party(party) if party.kind == PartyKind::E164 => {
            ("e164", party.number.map(|number| number.reveal().to_string()))
        }
        Source::Party(party) => (party.kind.as_str(), reading.source_raw.map(str::to_owned)),
        Source::Name(name) => ("sender_name", Some(format!("brand:{name}"))),
        Source::None => ("none", None),
    };
    json!({
        "kind": reading.kind.as_str(),
        "source": source,
        "source_kind": source_kind,
        "content": reading.content,
        "needs_human": reading.needs_human,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_gives_one_object() {
        let mut out = Vec::new();
        parse(&b"V [0912345678][moi vay]\nxin chao\n"[..], &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\"content\":\"moi vay\",\"kind\":\"spam_call\",\"needs_human\":false,\"source\":\"84912345678\",\"source_kind\":\"e164\"}\n\
             {\"content\":\"xin chao\",\"kind\":\"unparsed\",\"needs_human\":true,\"source\":null,\"source_kind\":\"none\"}\n"
        );
    }
}
