//! What a reader has to know about a package, for its page and its workbook.
//!
//! In: a package's facts. Out: lines of what they are and what they mean. Never: wording of a law that is not quoted from
//! it.

use super::package::Contents;

/// The criteria of a spam call as they are named in Thông tư 22/2021/TT-BTTTT, Article 4, by their columns.
pub const CRITERIA: [(&str, &str); 5] = [
    ("calls_per_active_day", "1. tần suất"),
    ("out_share", "2. đặc điểm hành vi"),
    ("short_call_share_all", "3. tỷ lệ cuộc gọi có thời gian liên lạc ngắn"),
    ("short_gap_share", "4. tỷ lệ cuộc gọi có thời gian giữa các cuộc gọi ngắn"),
    ("new_callee_call_share", "5. tỷ lệ gọi cho thuê bao không có mối quan hệ"),
];

/// What nobody should look for.
pub const NOT_HELD: &str = "Where a subscriber lives or a cell stands is in no table that this package is made from: the \
     province of a number is what at least two people who reported it said of themselves in a form. A number that no \
     matched report tells of is counted as unknown by form of scam and by province. An appeal that was made or closed \
     after the week is told with the next package that corrects it.";

/// The files beside page and workbook.
pub const FILES: [(&str, &str); 5] = [
    ("numbers.csv", "every number flagged in the week, one a line"),
    ("corrections.csv", "what has changed in weeks that an earlier package told of: added, withdrawn or changed"),
    ("coverage.csv", "every range of input offsets that the week's records came from, and what became of it"),
    (
        "trends.csv",
        "reports of the week by form of fraud and province, by form beside the week before; small counts are hidden",
    ),
    ("manifest.json", "hashes, row counts, table versions and definitions; SHA256SUMS covers it, and is signed"),
];

/// The package's facts, a name and a value each.
pub fn facts(contents: &Contents) -> Vec<(&'static str, String)> {
    let head = &contents.head;
    let until = head.week.monday().plus(6);
    let mut facts = vec![
        ("Recipient", head.recipient_doc.clone()),
        ("Week", format!("{}: {} to {until}, Asia/Ho_Chi_Minh", head.week, head.week.monday())),
        ("Sequence", head.sequence.to_string()),
    ];
    facts.extend(head.supersedes.map(|sequence| ("Takes the place of", format!("package {sequence}"))));
    facts.extend(head.previous.as_ref().map(|previous| {
        ("Follows", format!("package {} ({}), manifest {}", previous.sequence, previous.week, previous.manifest_sha256))
    }));
    facts.push(("Computed", head.computed_at.clone()));
    facts.push(("Numbers", contents.numbers.len().to_string()));
    facts.push(("Corrections", contents.corrections.len().to_string()));
    facts
}

/// Every column with its meaning, and the criterion that it is the value of.
pub fn definitions(contents: &Contents) -> Vec<(&'static str, String)> {
    let meaning = |name: &str, doc: &str| match CRITERIA.iter().find(|(column, _)| *column == name) {
        Some((_, criterion)) => format!("{doc} {criterion} (Thông tư 22/2021/TT-BTTTT, Article 4)"),
        None => doc.to_owned(),
    };
    let columns = contents.numbers.columns().iter();
    columns.map(|column| (column.name.as_str(), meaning(&column.name, &column.doc))).collect()
}
