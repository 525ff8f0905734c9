//! What a reader has to know about a package, for its page and its workbook.
//!
//! In: a package's facts. Out: lines of what they are and what they mean, in its language. Never: wording of a law that is
//! not quoted from it.

use super::glossary::{self, ARTICLE, CRITERIA};
use super::package::Contents;
use super::wording::{self, FILE_NOTES};

/// The package's facts, a name and a value each.
pub fn facts(contents: &Contents) -> Vec<(&'static str, String)> {
    let head = &contents.head;
    let lang = head.lang;
    let (from, until) = (head.week.monday(), head.week.monday().plus(6));
    let [to, package, manifest] = [wording::TO, wording::PACKAGE, wording::MANIFEST].map(|words| lang.say(words));
    let mut facts = vec![
        (wording::RECIPIENT, head.recipient_doc.clone()),
        (wording::WEEK, format!("{}: {from} {to} {until}, Asia/Ho_Chi_Minh", head.week)),
        (wording::SEQUENCE, head.sequence.to_string()),
    ];
    facts.extend(head.supersedes.map(|sequence| (wording::SUPERSEDES, format!("{package} {sequence}"))));
    facts.extend(head.previous.as_ref().map(|previous| {
        let said =
            format!("{package} {} ({}), {manifest} {}", previous.sequence, previous.week, previous.manifest_sha256);
        (wording::FOLLOWS, said)
    }));
    facts.push((wording::COMPUTED, head.computed_at.clone()));
    facts.push((wording::NUMBERS, contents.numbers.len().to_string()));
    facts.push((wording::CORRECTIONS, contents.corrections.len().to_string()));
    facts.into_iter().map(|(words, fact)| (lang.say(words), fact)).collect()
}

/// Every column with its meaning, and the criterion that it is the value of.
pub fn definitions(contents: &Contents) -> Vec<(&'static str, String)> {
    let lang = contents.head.lang;
    let meaning = |name: &str, doc: &str| {
        let doc = glossary::meaning(lang, name, doc);
        match CRITERIA.iter().find(|(column, _)| *column == name) {
            Some((_, criterion)) => format!("{doc} {criterion} ({})", lang.say(ARTICLE)),
            None => doc.to_owned(),
        }
    };
    let columns = contents.numbers.columns().iter();
    columns.map(|column| (column.name.as_str(), meaning(&column.name, &column.doc))).collect()
}

/// The files beside page and workbook.
pub fn files(contents: &Contents) -> Vec<(&'static str, String)> {
    FILE_NOTES.into_iter().map(|(name, words)| (name, contents.head.lang.say(words).to_owned())).collect()
}
