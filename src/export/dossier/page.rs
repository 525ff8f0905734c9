//! A dossier as one page to read and to print.
//!
//! In: a dossier. Out: HTML that needs no other file. Never: a script, or a request to anywhere.

use std::fmt::Write as _;

use super::Dossier;
use super::section::{Cell, Section};
use crate::domain::lang::{Lang, Words};
use crate::export::html::{begin, escape};

const STYLE: &str = "\
body { font: 14px/1.45 system-ui, sans-serif; color: #1a1a1a; max-width: 1000px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; margin-bottom: 0.2em; }
h2 { font-size: 1.1em; margin: 2em 0 0.2em; }
p.note { color: #555; margin: 0 0 0.6em; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.2em 0.7em 0.2em 0; border-bottom: 1px solid #ddd; }
td.count { text-align: right; font-variant-numeric: tabular-nums; }
td { overflow-wrap: anywhere; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
@page { size: A4 landscape; margin: 14mm; }
@media print { body { max-width: none; margin: 0; font-size: 10px; } }
";

/// The text of the page.
pub(super) fn html(dossier: &Dossier) -> String {
    let (lang, head) = (dossier.lang, &dossier.head);
    let title = format!("{} {}", lang.of("Dossier of number", "Hồ sơ thuê bao số"), head.number);
    let mut page = begin(&lang.to_string(), &title, STYLE);
    page += &pairs(facts(dossier).into_iter().map(|(words, text)| (lang.of(words.0, words.1).to_owned(), text)));
    for section in &dossier.sections {
        page += &table(section, lang);
    }
    page += &sources(dossier);
    page += "</body>\n</html>\n";
    page
}

/// What the dossier is, line by line.
fn facts(dossier: &Dossier) -> Vec<(Words, String)> {
    let (lang, head) = (dossier.lang, &dossier.head);
    let to = lang.of("to", "đến");
    let mut facts = vec![
        (("request", "văn bản yêu cầu"), head.case_ref.clone()),
        (("days", "khoảng thời gian"), format!("{} {to} {}", head.from, head.until)),
        (("holder", "thuê bao"), holder(dossier)),
    ];
    if !head.is_known {
        let nothing = lang.of(
            "Nothing is held of this number in these days.",
            "Không có dữ liệu nào về số này trong khoảng thời gian trên.",
        );
        facts.push((("findings", "kết quả"), nothing.to_owned()));
    }
    if let Some(day) = head.judged_on {
        facts.push((("criteria explained for", "tiêu chí giải thích cho ngày"), day.to_string()));
    }
    for (words, text) in [
        (("line", "ngưỡng"), &head.clearing),
        (("not explained", "không giải thích được"), &head.unexplained),
        (("not opened", "không mở được"), &head.closed),
    ] {
        facts.extend(text.clone().map(|text| (words, text)));
    }
    let shown = match &head.disclosure {
        None => lang.of("masked", "được che").to_owned(),
        Some(leave) => {
            let (in_clear, asked, approved) = lang
                .of(("in clear", "asked for by", "approved by"), ("hiển thị đầy đủ", "người đề nghị", "người duyệt"));
            format!(
                "{in_clear}: {}; {asked} {}, {approved} {} (audit {})",
                leave.legal_ref, leave.asked_by, leave.approved_by, leave.audit
            )
        }
    };
    facts.push((("other parties' numbers", "số của bên khác"), shown));
    facts.push((("times", "giờ"), "Asia/Ho_Chi_Minh".to_owned()));
    facts
}

fn holder(dossier: &Dossier) -> String {
    let (lang, head) = (dossier.lang, &dossier.head);
    let mut text = match &head.subscription {
        None => lang
            .of("not a subscription of ours in these days", "không phải thuê bao của nhà mạng trong thời gian này")
            .to_owned(),
        Some(own) => {
            let until = own.deactivated_at.as_deref().unwrap_or(lang.of("active", "đang hoạt động"));
            format!("{}, {} – {until} (UTC)", own.segment, own.activated_at)
        }
    };
    if head.other_subscriptions > 0 {
        let (first, last, others) = (head.first_day, head.last_day, head.other_subscriptions);
        text += &match lang {
            Lang::En => format!(
                ". The number changed hands: {others} earlier subscription(s) in these days are not told of; facts by \
                 the day are of {first} to {last}"
            ),
            Lang::Vi => format!(
                ". Số đã đổi chủ: không nêu {others} thuê bao trước đó trong thời gian này; số liệu theo ngày từ {first} \
                 đến {last}"
            ),
        };
    }
    text
}

fn pairs(lines: impl Iterator<Item = (String, String)>) -> String {
    let line =
        |(name, text): (String, String)| format!("<tr><th>{}</th><td>{}</td></tr>\n", escape(&name), escape(&text));
    format!("<table>\n{}</table>\n", lines.map(line).collect::<String>())
}

fn table(section: &Section, lang: Lang) -> String {
    let say = |words: Words| escape(lang.of(words.0, words.1));
    let kind = section.kind;
    let mut text = format!("<section>\n<h2>{}</h2>\n<p class=\"note\">{}</p>\n", say(kind.title), say(kind.note));
    if section.rows.is_empty() {
        return text + lang.of("<p>None.</p>\n</section>\n", "<p>Không có.</p>\n</section>\n");
    }
    text += "<table>\n<thead><tr>";
    // Writing to a String cannot fail.
    for (_, words) in kind.columns {
        let _ = write!(text, "<th>{}</th>", say(*words));
    }
    text += "</tr></thead>\n";
    let cell = |cell: &Cell| {
        let class = if cell.is_figure() { " class=\"count\"" } else { "" };
        format!("<td{class}>{}</td>", escape(&cell.text(lang)))
    };
    for row in &section.rows {
        let _ = writeln!(text, "<tr>{}</tr>", row.iter().map(cell).collect::<String>());
    }
    text + "</table>\n</section>\n"
}

/// Tables and definitions that the facts come from.
fn sources(dossier: &Dossier) -> String {
    let title = dossier.lang.of("Tables and rules", "Bảng dữ liệu và phiên bản quy tắc");
    let lines = dossier.tables.iter().map(|(table, version)| {
        let hashes = dossier.definitions.get(table).into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
        (table.clone(), format!("version {version} {hashes}").trim_end().to_owned())
    });
    format!("<section>\n<h2>{title}</h2>\n{}</section>\n", pairs(lines))
}
