//! The plain forms of a report: `V [source][content]`, `S (source)(content)`, `LD [source] [content]`,
//! `LD (source - content)`, and the second part without brackets.
//!
//! In: a message. Out: its kind, its source and its content, as slices of the message. Never: guesses: a text of
//! another form is `unparsed` with its whole wording and goes to a person.

use crate::domain::party;
use crate::domain::report::{Kind, Reading, Source};

/// Reads one message.
pub fn read(text: &str) -> Reading<'_> {
    plain(text.trim()).unwrap_or(Reading {
        kind: Kind::Unparsed,
        source: Source::None,
        source_raw: None,
        content: text,
        needs_human: true,
    })
}

fn plain(text: &str) -> Option<Reading<'_>> {
    let (kind, rest) = keyword(text)?;
    let (first, rest) = bracketed(rest.trim_start())?;
    let rest = rest.trim_start();
    let (source_raw, content) = match (bracketed(rest), rest.is_empty()) {
        (Some((content, "")), _) => (first.trim(), content.trim()),
        // One pair of brackets with a dash inside, as some broadcasts spell it.
        (None, true) => {
            first.split_once(" - ").map_or((first.trim(), ""), |(source, said)| (source.trim(), said.trim()))
        }
        // The second part without brackets, or with brackets inside its wording.
        _ => (first.trim(), rest),
    };
    let source = source(source_raw);
    let needs_human = matches!(source, Source::None) || content.is_empty();
    Some(Reading { kind, source, source_raw: Some(source_raw), content, needs_human })
}

/// The keyword, when a bracket or white space and a bracket follow: "Vui lòng" is no `V`.
fn keyword(text: &str) -> Option<(Kind, &str)> {
    let end = text.find(['[', '('])?;
    let (word, rest) = text.split_at(end);
    let kind = match word.trim_end() {
        "V" | "v" => Kind::SpamCall,
        "S" | "s" => Kind::SpamSms,
        "LD" | "ld" | "Ld" | "LĐ" | "lđ" => Kind::ScamCall,
        _ => return None,
    };
    Some((kind, rest))
}

/// The inside of a leading bracket, up to its own closing one.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let close = match text.chars().next()? {
        '[' => ']',
        '(' => ')',
        _ => return None,
    };
    text.split_at_checked(1)?.1.split_once(close)
}

fn source(raw: &str) -> Source {
    if let Some(party) = party::read_in_text(raw) {
        return Source::Party(party);
    }
    let is_name = raw.len() <= 11 && raw.chars().any(char::is_alphabetic) && raw.is_ascii();
    if is_name { Source::Name(raw.to_uppercase()) } else { Source::None }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Expect) {
        let reading = read(text);
        let source = match &reading.source {
            Source::Party(party) => format!("{} {:?}", party.kind.as_str(), party.number),
            Source::Name(name) => format!("name {name}"),
            Source::None => "none".to_owned(),
        };
        let human = if reading.needs_human { " (human)" } else { "" };
        expect.assert_eq(&format!("{} | {source} | {}{human}", reading.kind.as_str(), reading.content));
    }

    #[test]
    fn square_brackets() {
        check("V [0912345678][moi vay tien]", expect!["spam_call | e164 Some(84912•••678) | moi vay tien"]);
    }

    #[test]
    fn round_brackets_and_a_space() {
        check("S (0912345678) (ban dat nen)", expect!["spam_sms | e164 Some(84912•••678) | ban dat nen"]);
    }

    #[test]
    fn one_bracket_with_a_dash() {
        check("LD (0912345678 - gia danh cong an)", expect!["scam_call | e164 Some(84912•••678) | gia danh cong an"]);
    }

    #[test]
    fn second_part_without_brackets() {
        check("V(0912345678) lua dao", expect!["spam_call | e164 Some(84912•••678) | lua dao"]);
    }

    #[test]
    fn content_may_hold_brackets_and_colons() {
        check(
            "S (0912345678)(Nhan lam: bang (gia) GOl: )",
            expect!["spam_sms | e164 Some(84912•••678) | (Nhan lam: bang (gia) GOl: )"],
        );
    }

    #[test]
    fn a_brand_name_as_source() {
        check("S [Vietcombank][tai khoan bi khoa]", expect!["spam_sms | name VIETCOMBANK | tai khoan bi khoa"]);
    }

    #[test]
    fn no_content_goes_to_a_person() {
        check("V [0912345678]", expect!["spam_call | e164 Some(84912•••678) |  (human)"]);
    }

    #[test]
    fn other_words_are_unparsed() {
        check("Vui lòng (gấp) gọi lại", expect!["unparsed | none | Vui lòng (gấp) gọi lại (human)"]);
        check("", expect!["unparsed | none |  (human)"]);
    }
}
