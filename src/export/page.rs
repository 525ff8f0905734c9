//! The package as one page to read and to print.
//!
//! In: a package's contents. Out: HTML that needs no other file. Never: a script, a request to anywhere, or a number of
//! anybody: the page has figures alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::about;
use super::chart::COLOURS;
use super::coverage::{self, Sum};
use super::html::{begin, escape};
use super::package::Contents;
use super::precision::{Band, NOT_MEASURED};

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
    let title = format!("Flagged numbers, {}", contents.head.week);
    let mut page = begin("en", &title, STYLE);
    page += &table(about::facts(contents).into_iter());
    let [now, before] = COLOURS.map(|colour| format!("<span class=\"key\" style=\"background:{colour}\"></span>"));
    // Writing to a String cannot fail.
    let _ = writeln!(page, "<p>{now}this week {before}week before</p>");
    for chart in &contents.charts {
        let (title, note, svg) = (escape(chart.title), escape(chart.note), chart.svg());
        let _ = writeln!(page, "<section>\n<h2>{title}</h2>\n<p class=\"note\">{note}</p>\n{svg}</section>");
    }
    page += &precision(contents);
    let _ = writeln!(page, "<section>\n<h2>Reports by form of fraud</h2>\n{}</section>", contents.head.trend.html());
    page += &corrections(contents);
    page += &input(contents);
    let _ =
        writeln!(page, "<section>\n<h2>Columns</h2>\n{}</section>", table(about::definitions(contents).into_iter()));
    let files = about::FILES.iter().map(|(name, what)| (*name, (*what).to_owned()));
    let _ = writeln!(page, "<section>\n<h2>Files</h2>\n{}</section>", table(files));
    let _ = writeln!(page, "<section>\n<h2>Not held</h2>\n<p>{}</p>\n</section>", escape(about::NOT_HELD));
    page += "</body>\n</html>\n";
    page
}

/// Names with what they mean.
fn table(lines: impl Iterator<Item = (&'static str, String)>) -> String {
    let line = |(name, text): (&str, String)| format!("<tr><th>{}</th><td>{}</td></tr>\n", escape(name), escape(&text));
    format!("<table>\n{}</table>\n", lines.map(line).collect::<String>())
}

fn corrections(contents: &Contents) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for correction in &contents.corrections {
        *counts.entry(correction.change).or_default() += 1;
    }
    let said = if counts.is_empty() {
        "Nothing has changed in the weeks that earlier packages told of.".to_owned()
    } else {
        let counts: Vec<String> = counts.iter().map(|(change, count)| format!("{count} {change}")).collect();
        format!("In weeks that earlier packages told of: {}. corrections.csv names them.", counts.join(", "))
    };
    format!("<section>\n<h2>Corrections</h2>\n<p>{said}</p>\n</section>\n")
}

/// How many of the flagged are spam, as far as it is known.
fn precision(contents: &Contents) -> String {
    let mut text = "<section>\n<h2>Measured precision</h2>\n<p class=\"note\">How many of a week's newly flagged are \
         spam, as reviewers found of a random draw; in brackets the 95 % interval.</p>\n<table>\n<tr>"
        .to_owned();
    // Writing to a String cannot fail.
    for head in ["week", "rules", "segment", "band"] {
        let _ = write!(text, "<th>{head}</th>");
    }
    for head in ["numbers", "reviewed", "confirmed", "precision"] {
        let _ = write!(text, "<th class=\"count\">{head}</th>");
    }
    text += "</tr>\n";
    for measured in &contents.head.precision {
        let week = measured.week;
        if measured.bands.is_empty() {
            let _ = writeln!(text, "<tr><td>{week}</td><td class=\"count\" colspan=\"7\">{NOT_MEASURED}</td></tr>");
        }
        for of in &measured.bands {
            let Band { segment, band, numbers, reviewed, confirmed, .. } = of;
            let rules: String = of.rules.chars().take(12).collect();
            let _ = write!(text, "<tr><td>{week}</td>");
            for cell in [&rules, segment, band] {
                let _ = write!(text, "<td>{}</td>", escape(cell));
            }
            for cell in [&numbers.to_string(), &reviewed.to_string(), &confirmed.to_string(), &of.known()] {
                let _ = write!(text, "<td class=\"count\">{cell}</td>");
            }
            text += "</tr>\n";
        }
    }
    text += "</table>\n</section>\n";
    text
}

/// What became of the week's input.
fn input(contents: &Contents) -> String {
    let mut text = "<section>\n<h2>Input</h2>\n<p class=\"note\">Every offset between the week's first record and its \
         last was counted once: offsets = rows + rejects + no body + gaps.</p>\n<table>\n<tr><th>topic</th>"
        .to_owned();
    // Writing to a String cannot fail.
    for head in ["offsets", "rows", "rejects", "no body", "gaps", "given up", "of the week"] {
        let _ = write!(text, "<th class=\"count\">{head}</th>");
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
    text += "</table>\n</section>\n";
    text
}

#[cfg(test)]
mod tests {
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
