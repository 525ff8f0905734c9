//! `report parse`: 156 and 5656 texts to JSON, one a line.
//!
//! In: texts, one a line. Out: one JSON object a line; the texts' numbers in clear, since the caller handed them in.
//! Never: drops a line.

use std::io::{BufRead, BufWriter, Write};

use anyhow::Context;
use serde::Serialize;

use crate::domain::report::{Reading, Source};
use crate::text::entity::{self, Entities};
use crate::text::report;

/// One text as it is written out.
#[derive(Debug, Serialize)]
struct Line<'a> {
    kind: &'static str,
    source: Option<&'a str>,
    source_kind: &'static str,
    sources: &'a [String],
    content: &'a str,
    scam_form: Option<&'static str>,
    evidence: &'a [&'static str],
    impersonated: Option<&'static str>,
    targets: &'a [String],
    entities: Named<'a>,
    parse_level: i32,
    needs_human: bool,
}

/// What the text names.
#[derive(Debug, Serialize)]
struct Named<'a> {
    numbers: Vec<String>,
    links: &'a [String],
    domains: &'a [String],
    accounts: &'a [String],
    names: &'a [String],
}

/// Reads every line of `from` and writes its reading to `to`.
pub fn parse(mut from: impl BufRead, to: impl Write) -> anyhow::Result<()> {
    let mut to = BufWriter::new(to);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).context("reading a text")? > 0 {
        let bytes = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = String::from_utf8_lossy(bytes);
        write(&mut to, text.trim_end_matches('\r')).context("writing a reading")?;
        line.clear();
    }
    to.flush()?;
    Ok(())
}

fn write(to: &mut impl Write, text: &str) -> anyhow::Result<()> {
    let Reading { kind, sources, content, level, story, needs_human, .. } = &report::read(text);
    let Entities { numbers, links, domains, accounts, names } = &entity::find(content);
    let shown: Vec<String> = sources.iter().filter_map(clear).collect();
    let numbers = numbers.iter().filter_map(clear).collect();
    let line = Line {
        kind: kind.as_str(),
        source: sources.first().and_then(|_| shown.first()).map(String::as_str),
        source_kind: sources.first().map_or("none", Source::kind),
        sources: &shown,
        content,
        scam_form: story.as_ref().map(|story| story.form),
        evidence: story.as_ref().map_or(&[], |story| &story.evidence),
        impersonated: story.as_ref().and_then(|story| story.impersonated),
        targets: story.as_ref().map_or(&[], |story| story.targets),
        entities: Named { numbers, links, domains, accounts, names },
        parse_level: *level as i32,
        needs_human: *needs_human,
    };
    serde_json::to_writer(&mut *to, &line)?;
    to.write_all(b"\n")?;
    Ok(())
}

fn clear(source: &Source) -> Option<String> {
    match source {
        Source::Number(number) => Some(number.reveal().to_string()),
        Source::Short(digits) => Some(digits.clone()),
        Source::Name(name) => Some(format!("brand:{name}")),
        Source::Domain(domain) => Some(domain.clone()),
        Source::Person | Source::Hidden => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn parsed(bytes: &[u8]) -> Vec<Value> {
        let mut out = Vec::new();
        parse(bytes, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn every_line_gives_one_object() {
        let mut out = Vec::new();
        parse(&b"LD (0912345678 - gia cong an phuong, zalo 0913456789)\nxin chao"[..], &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            concat!(
                r#"{"kind":"scam_call","source":"84912345678","source_kind":"e164","sources":["84912345678"],"#,
                r#""content":"gia cong an phuong, zalo 0913456789","scam_form":"vneid_update","#,
                r#""evidence":["giả công an phường"],"impersonated":"police","targets":["all","elderly"],"#,
                r#""entities":{"numbers":["84913456789"],"links":[],"domains":[],"accounts":[],"names":["zalo:0913456789"]},"#,
                r#""parse_level":2,"needs_human":false}"#,
                "\n",
                r#"{"kind":"unparsed","source":null,"source_kind":"none","sources":[],"content":"xin chao","#,
                r#""scam_form":null,"evidence":[],"impersonated":null,"targets":[],"#,
                r#""entities":{"numbers":[],"links":[],"domains":[],"accounts":[],"names":[]},"#,
                r#""parse_level":5,"needs_human":true}"#,
                "\n",
            )
        );
    }

    #[test]
    fn a_line_that_is_empty_or_no_text_is_a_line_still() {
        assert_eq!(parsed(b"").len(), 0);
        assert_eq!(parsed(b"\n\xff\xfe\n\r\nV").len(), 4);
    }

    fn golden() -> Vec<String> {
        let lines = include_str!("../../tests/data/report.jsonl").lines();
        lines.map(|line| serde_json::from_str::<Value>(line).unwrap()["text"].as_str().unwrap().to_owned()).collect()
    }

    proptest! {
        #[test]
        fn any_bytes_give_one_object_a_line(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
            let last = usize::from(bytes.last().is_some_and(|byte| *byte != b'\n'));
            prop_assert_eq!(parsed(&bytes).len(), ends + last);
        }

        #[test]
        fn a_bent_golden_text_gives_one_object(
            which in any::<prop::sample::Index>(),
            bends in prop::collection::vec((any::<prop::sample::Index>(), "[\\[\\](){}<>（）0-9Oo+.,\\- vVsSlLđĐ\u{200b}\u{301}\\PC]"), 0..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let golden = golden();
            let mut letters: Vec<char> = which.get(&golden).chars().collect();
            for (at, bend) in bends {
                letters.splice(at.index(letters.len() + 1).., bend.chars().chain(letters.clone().into_iter().skip(at.index(letters.len() + 1))).collect::<Vec<_>>());
            }
            letters.truncate(letters.len() - cut.index(letters.len() + 1) / 2);
            let text: String = letters.into_iter().filter(|letter| *letter != '\n').collect();
            let lines = parsed(format!("{text}\n").as_bytes());
            prop_assert_eq!(lines.len(), 1);
            let content = lines[0]["content"].as_str().unwrap().to_owned();
            prop_assert!(text.contains(&content));
        }
    }
}
