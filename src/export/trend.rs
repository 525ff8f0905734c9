//! A week's reports by form of fraud and province, beside those of the week before, for the regulator's package.
//!
//! In: counts that nobody is known by. Out: lines of a CSV file, which the workbook has as well, and a part of the page.
//! Never: a count below the least one, or one that rows and totals would give away.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;

use super::cell::inert;
use super::html::escape;
use super::small::{Grid, OTHER, merged};
use super::wording;
use crate::domain::lang::Lang;

/// The columns.
pub const COLUMNS: [&str; 5] = ["form", "title", "province", "reports", "reports_before"];
/// In the place of a province: the whole of a form; in that of a form, of the country.
const TOTAL: &str = "total";

/// Reports of a week by form and province, and those of the week before by form.
#[derive(Debug, Default)]
pub struct Counts {
    /// The week's.
    pub now: BTreeMap<(String, String), u64>,
    /// Of the week before.
    pub before: BTreeMap<String, u64>,
}

/// What may be told of them.
#[derive(Debug, Clone)]
pub struct Trend {
    /// Counts below it are hidden.
    pub least: u64,
    /// The lines of the file; none when all reports together are too few.
    pub lines: Vec<Line>,
    /// What forms are called, by their names.
    pub titles: BTreeMap<String, String>,
}

/// Reports of a form from a province, or of either alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Form of fraud by its name.
    pub form: String,
    /// What it is called.
    pub title: String,
    /// Province, by its name since July 2025.
    pub province: String,
    /// Reports of the week; nothing when they are hidden.
    pub reports: Option<u64>,
    /// Reports of the week before; nothing when they are hidden or merged, and for single provinces.
    pub before: Option<u64>,
}

impl Trend {
    /// Hides what is too small; `titles` are what forms are called.
    pub fn new(counts: &Counts, titles: &BTreeMap<String, String>, least: u64) -> Self {
        let titles = titles.clone();
        let Some(grid) = Grid::new(&counts.now, least) else { return Self { least, lines: Vec::new(), titles } };
        let before = merged(&counts.before, least);
        // What either week merged has other forms in it than the other's.
        let before =
            |form: &str| before.as_ref().and_then(|before| before.get(form)).filter(|_| form != OTHER).copied();
        let mut lines = Vec::new();
        for (form, row) in grid.rows.iter().zip(0..) {
            let title = titles.get(form).cloned().unwrap_or_default();
            let line = |province: &str, reports, before| {
                let (form, title, province) = (form.clone(), title.clone(), province.to_owned());
                Line { form, title, province, reports, before }
            };
            let provinces = grid.columns.iter().zip(0..);
            lines.extend(provinces.map(|(province, column)| line(province, grid.shown(row, column), None)));
            lines.push(line(TOTAL, Some(grid.row_sum(row)), before(form)));
        }
        let whole = |province: &str, reports| {
            let (form, title, province) = (TOTAL.to_owned(), String::new(), province.to_owned());
            Line { form, title, province, reports: Some(reports), before: None }
        };
        let provinces = grid.columns.iter().zip(0..);
        lines.extend(provinces.map(|(province, column)| whole(province, grid.column_sum(column))));
        lines.push(whole(TOTAL, grid.sum()));
        Self { least, lines, titles }
    }

    /// The file.
    pub fn csv(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(COLUMNS)?;
        for line in &self.lines {
            for cell in line.cells() {
                writer.write_field(inert(&cell).as_bytes())?;
            }
            writer.write_record(None::<&[u8]>)?;
        }
        Ok(writer.flush()?)
    }

    /// The forms, the most reported first, beside the week before; for the page.
    pub fn html(&self, lang: Lang) -> String {
        let mut forms: Vec<&Line> =
            self.lines.iter().filter(|line| line.province == TOTAL && line.form != TOTAL).collect();
        forms.sort_by_key(|line| std::cmp::Reverse(line.reports));
        if forms.is_empty() {
            return format!("<p>{}</p>\n", lang.say(wording::TOO_FEW_REPORTS));
        }
        let (note, more) = wording::TREND_NOTE;
        let (note, more, least) = (lang.say(note), lang.say(more), self.least);
        let [form, now, before] =
            [wording::FORM, wording::THIS_WEEK, wording::WEEK_BEFORE].map(|words| lang.say(words));
        let mut text = format!(
            "<p class=\"note\">{note} {least} {more}</p>\n<table>\n<tr><th>{form}</th>\
             <th class=\"count\">{now}</th><th class=\"count\">{before}</th></tr>\n"
        );
        for line in forms {
            let untitled = wording::UNTITLED.into_iter().find(|(en, _)| *en == line.form);
            let untitled = untitled.map_or(line.form.as_str(), |words| lang.say(words));
            let name = if line.title.is_empty() { untitled } else { &line.title };
            let count = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
            let (now, before) = (count(line.reports), count(line.before));
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "<tr><th>{}</th><td class=\"count\">{now}</td><td class=\"count\">{before}</td></tr>",
                escape(name)
            );
        }
        text + "</table>\n"
    }
}

impl Line {
    /// Its cells, below [`COLUMNS`].
    pub fn cells(&self) -> [String; 5] {
        let count = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
        let Self { form, title, province, reports, before } = self;
        [form.clone(), title.clone(), province.clone(), count(*reports), count(*before)]
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Two forms that are told by name, and one of the week that is too rare.
    pub fn counts() -> Counts {
        let now = [
            (("fake_lender", "Cà Mau"), 40),
            (("fake_lender", "unknown"), 60),
            (("sim_lock", "Cà Mau"), 12),
            (("sim_lock", "unknown"), 30),
            (("tax_office", "unknown"), 3),
            (("online_job", "unknown"), 20),
        ];
        let before = [("fake_lender", 80), ("sim_lock", 4), ("online_job", 15)];
        Counts {
            now: now.map(|((form, province), count)| ((form.to_owned(), province.to_owned()), count)).into(),
            before: before.map(|(form, count)| (form.to_owned(), count)).into(),
        }
    }

    fn csv(counts: &Counts) -> String {
        let titles = [("fake_lender".to_owned(), "Cho vay".to_owned())].into();
        let mut out = Vec::new();
        Trend::new(counts, &titles, 10).csv(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn forms_stand_by_province_and_beside_the_week_before() {
        let csv = csv(&counts());
        assert!(csv.starts_with("form,title,province,reports,reports_before\n"), "{csv}");
        for line in ["fake_lender,Cho vay,Cà Mau,40,\n", "fake_lender,Cho vay,total,100,80\n", "total,,total,165,\n"] {
            assert!(csv.contains(line), "{line} is not in\n{csv}");
        }
    }

    #[test]
    fn what_is_small_in_either_week_is_told_by_no_name() {
        let csv = csv(&counts());
        assert!(!csv.contains("tax_office") && !csv.contains(",3,"), "{csv}");
        assert!(csv.contains("sim_lock,,total,42,\n"), "the week before had but 4: {csv}");
    }

    #[test]
    fn too_few_reports_are_no_line() {
        let few = Counts { now: [(("sim_lock".to_owned(), "unknown".to_owned()), 9)].into(), before: BTreeMap::new() };
        assert_eq!(csv(&few), "form,title,province,reports,reports_before\n");
        assert!(Trend::new(&few, &BTreeMap::new(), 10).html(Lang::En).contains("Too few"));
    }
}
