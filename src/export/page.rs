//! The package as one page to read and to print.
//!
//! In: a package's contents. Out: HTML that needs no other file. Never: a script, a request to anywhere, or a number of
//! anybody: the page has figures alone.

use std::fmt::Write as _;

use super::about;
use super::chart::COLOURS;
use super::coverage::{self, Sum};
use super::glossary;
use super::html::{begin, escape};
use super::package::Contents;
use super::precision::Band;
use super::wording;
use crate::domain::lang::{Lang, Words};

const STYLE: &str = "\
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 760px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.6em; margin-bottom: 0.2em; }
h2 { font-size: 1.15em; margin: 2em 0 0.2em; }
p.note { color: #555; margin: 0 0 0.6em; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.25em 0.8em 0.25em 0; border-bottom: 1px solid #ddd; }
td.count, th.count { text-align: right; font-variant-numeric: tabular-nums; }
svg { max-width: 100%; height: auto; font: 13px system-ui, sans-serif; }
svg text.count { font-size: 11px; }
.key { display: inline-block; width: 0.8em; height: 0.8em; margin: 0 0.3em 0 1em; print-color-adjust: exact; }
@page { size: A4; margin: 16mm; }
@media print { body { max-width: none; margin: 0; font-size: 11px; } section { break-inside: avoid; } }
";

/// The text of the page.
pub fn html(contents: &Contents) -> String {
    let lang = contents.head.lang;
    let title = format!("{}, {}", lang.say(wording::TITLE), contents.head.week);
    let mut page = begin(&lang.to_string(), &title, STYLE);
    page += &table(about::facts(contents).into_iter());
    let [now, before] = COLOURS.map(|colour| format!("<span class=\"key\" style=\"background:{colour}\"></span>"));
    let [this_week, week_before] = [wording::THIS_WEEK, wording::WEEK_BEFORE].map(|words| lang.say(words));
    // Writing to a String cannot fail.
    let _ = writeln!(page, "<p>{now}{this_week} {before}{week_before}</p>");
    for chart in &contents.charts {
        let (title, note, svg) = (escape(chart.title), escape(chart.note), chart.svg());
        let _ = writeln!(page, "<section>\n<h2>{title}</h2>\n<p class=\"note\">{note}</p>\n{svg}</section>");
    }
    page += &precision(contents);
    page += &section(lang, wording::REPORTS_BY_FORM, &contents.head.trend.html(lang));
    page += &corrections(contents);
    page += &input(contents);
    page += &section(lang, wording::COLUMNS, &table(about::definitions(contents).into_iter()));
    page += &section(lang, wording::FILES, &table(about::files(contents).into_iter()));
    page += &section(lang, wording::NOT_HELD, &format!("<p>{}</p>\n", escape(lang.say(wording::NOT_HELD_NOTE))));
    page += "</body>\n</html>\n";
    page
}

/// Those of some columns that two pages define in other words.
pub fn redefined<'a>(columns: &'a [String], one: &str, other: &str) -> Vec<&'a str> {
    fn defined<'a>(page: &'a str, column: &str) -> Option<&'a str> {
        let line = format!("<tr><th>{}</th><td>", escape(column));
        page.lines().find_map(|said| said.strip_prefix(&line))
    }
    let names = columns.iter().map(String::as_str);
    names.filter(|column| defined(one, column) != defined(other, column)).collect()
}

fn section(lang: Lang, title: Words, text: &str) -> String {
    format!("<section>\n<h2>{}</h2>\n{text}</section>\n", lang.say(title))
}

/// Names with what they mean.
fn table(lines: impl Iterator<Item = (&'static str, String)>) -> String {
    let line = |(name, text): (&str, String)| format!("<tr><th>{}</th><td>{}</td></tr>\n", escape(name), escape(&text));
    format!("<table>\n{}</table>\n", lines.map(line).collect::<String>())
}

fn corrections(contents: &Contents) -> String {
    let (lang, counts) = (contents.head.lang, contents.corrections.counts());
    let said = if counts.is_empty() {
        lang.say(wording::NOT_CORRECTED).to_owned()
    } else {
        let counts: Vec<String> =
            counts.iter().map(|(&change, count)| format!("{count} {}", glossary::change(lang, change))).collect();
        let (before, behind) = wording::CORRECTED;
        format!("{}: {}. {}.", lang.say(before), counts.join(", "), lang.say(behind))
    };
    section(lang, wording::CORRECTIONS, &format!("<p>{said}</p>\n"))
}

/// How many of the flagged are spam, as far as it is known.
fn precision(contents: &Contents) -> String {
    let lang = contents.head.lang;
    let mut text = format!("<p class=\"note\">{}</p>\n<table>\n<tr>", lang.say(wording::PRECISION_NOTE));
    // Writing to a String cannot fail.
    for head in wording::PRECISION_TEXTS {
        let _ = write!(text, "<th>{}</th>", lang.say(head));
    }
    for head in wording::PRECISION_FIGURES {
        let _ = write!(text, "<th class=\"count\">{}</th>", lang.say(head));
    }
    text += "</tr>\n";
    for measured in &contents.head.precision {
        let (week, unknown) = (measured.week, lang.say(wording::NOT_MEASURED));
        if measured.bands.is_empty() {
            let _ = writeln!(text, "<tr><td>{week}</td><td class=\"count\" colspan=\"7\">{unknown}</td></tr>");
        }
        for of in &measured.bands {
            let Band { segment, band, numbers, reviewed, confirmed, .. } = of;
            let rules: String = of.rules.chars().take(12).collect();
            let _ = write!(text, "<tr><td>{week}</td>");
            for cell in [&rules, segment, band] {
                let _ = write!(text, "<td>{}</td>", escape(&glossary::label(lang, cell)));
            }
            for cell in [&numbers.to_string(), &reviewed.to_string(), &confirmed.to_string(), &of.known(lang)] {
                let _ = write!(text, "<td class=\"count\">{cell}</td>");
            }
            text += "</tr>\n";
        }
    }
    section(lang, wording::PRECISION, &(text + "</table>\n"))
}

/// What became of the week's input.
fn input(contents: &Contents) -> String {
    let lang = contents.head.lang;
    let (note, topic) = (lang.say(wording::INPUT_NOTE), lang.say(wording::INPUT_TEXT));
    let mut text = format!("<p class=\"note\">{note}</p>\n<table>\n<tr><th>{topic}</th>");
    // Writing to a String cannot fail.
    for head in wording::INPUT_FIGURES {
        let _ = write!(text, "<th class=\"count\">{}</th>", lang.say(head));
    }
    text += "</tr>\n";
    for (topic, sum) in coverage::sums(&contents.runs) {
        let _ = write!(text, "<tr><td>{}</td>", escape(&topic));
        let Sum { offsets, records, rejects, tombstones, gaps, accepted, rows_of_week } = sum;
        for count in [offsets, records, rejects, tombstones, gaps, accepted, rows_of_week] {
            let _ = write!(text, "<td class=\"count\">{count}</td>");
        }
        text += "</tr>\n";
    }
    section(lang, wording::INPUT, &(text + "</table>\n"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::domain::lang::Lang;
    use crate::export::package::tests::{Spec, build};

    #[test]
    fn the_page_tells_what_reviewers_found_and_of_which_week_nothing_is_known() {
        let root = tempfile::tempdir().unwrap();
        let (package, _) = build(root.path(), "2025-W02", &Spec::first());
        let page = std::fs::read_to_string(package.join("report.html")).unwrap();
        let row = |week: &str, rest: &str| format!("<tr><td>{week}</td>{rest}</tr>\n");
        let said = |band: &str, counts: &str, known: &str| {
            let counts: String = counts.split(' ').map(|count| format!("<td class=\"count\">{count}</td>")).collect();
            let rest =
                format!("<td>5f1cab2f03d9</td><td>all</td><td>{band}</td>{counts}<td class=\"count\">{known}</td>");
            row("2025-W01", &rest)
        };
        let nobody = row("2025-W02", "<td class=\"count\" colspan=\"7\">not yet measured</td>");
        let (all, top) =
            (said("flagged", "40 8 6", "0.750 (0.500 to 0.875)"), said("top", "40 0 0", "not yet measured"));
        for line in [nobody, all, top] {
            assert!(page.contains(&line), "{line} is not in\n{page}");
        }
    }

    #[test]
    fn the_page_tells_reports_by_form_beside_the_week_before() {
        let root = tempfile::tempdir().unwrap();
        let (package, _) = build(root.path(), "2025-W02", &Spec::first());
        let page = std::fs::read_to_string(package.join("report.html")).unwrap();
        let line = "<tr><th>fake_lender</th><td class=\"count\">100</td><td class=\"count\">80</td></tr>";
        assert!(page.contains(line) && !page.contains("tax_office"), "{page}");
    }

    /// What a page shows, piece by piece.
    fn shown(lang: Lang) -> BTreeSet<String> {
        let root = tempfile::tempdir().unwrap();
        let (package, _) = build(root.path(), "2025-W02", &Spec::first_in(lang));
        let page = std::fs::read_to_string(package.join("report.html")).unwrap();
        assert!(page.contains(&format!("<html lang=\"{lang}\">")));
        let (_, body) = page.split_once("<body>").unwrap();
        let texts = body.split('<').filter_map(|piece| piece.split_once('>')).map(|(_, text)| text.trim());
        texts.filter(|text| !text.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn every_text_of_the_page_is_in_its_language() {
        let (en, vi) = (shown(Lang::En), shown(Lang::Vi));
        // Both show names of columns, files and topics, days, figures, hashes, and what somebody is called.
        let is_name = |text: &str| {
            let is_bare =
                |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "_.".contains(letter);
            text.chars().all(is_bare) || !text.chars().any(|letter| letter.is_ascii_lowercase())
        };
        let names = ["an authority", "2025-01-13T01:00:00Z", "MobiFone", "Viettel", "fake_lender"];
        let both: Vec<&String> = en.intersection(&vi).filter(|text| !is_name(text.as_str())).collect();
        let unsaid: Vec<_> =
            both.iter().filter(|text| !names.contains(&text.as_str()) && !text.contains('=')).collect();
        assert!(unsaid.is_empty(), "these stand in the Vietnamese page as in the English one: {unsaid:?}");
        for word in ["reports", "survey", "limited", "flagged", "unknown", "none", "all", "rows", "gaps", "offsets"] {
            assert!(!vi.contains(word), "{word} stands in the Vietnamese page");
        }
        for text in ["0,750 (0,500 đến 0,875)", "Độ chính xác đo được", "khảo sát", "Nơi nhận"] {
            assert!(vi.contains(text), "{text} is not in {vi:?}");
        }
    }

    #[test]
    fn the_page_asks_nobody_and_names_nobody() {
        let root = tempfile::tempdir().unwrap();
        let (package, _) = build(root.path(), "2025-W02", &Spec::first());
        let page = std::fs::read_to_string(package.join("report.html")).unwrap();
        for absent in ["<script", "src=", "href=", "849000", "@import", "url("] {
            assert!(!page.contains(absent), "{absent} is in the page");
        }
        for present in ["<svg", "tần suất", "1 withdrawn", "Where a subscriber lives"] {
            assert!(page.contains(present), "{present} is missing");
        }
    }

    #[test]
    fn what_the_page_says_is_not_held_is_no_column_of_it() {
        let root = tempfile::tempdir().unwrap();
        let (package, _) = build(root.path(), "2025-W02", &Spec::first());
        let page = std::fs::read_to_string(package.join("report.html")).unwrap();
        let (columns, not_held) = page.split_once("<h2>Not held</h2>").unwrap();
        for held in ["appeal", "scam_forms", "provinces"] {
            assert!(columns.contains(&format!("<th>{held}</th>")), "{held} is no column");
        }
        assert!(!not_held.contains("Appeals are not held") && !not_held.contains("no number is counted"), "{not_held}");
    }
}
