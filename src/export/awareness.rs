//! A month's or a week's reports in figures, for a public page.
//!
//! In: counts that nobody is known by. Out: CSV files, and a page in Vietnamese that needs no other file.
//! Never: a number, a text, or a count that was hidden.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io::Write as _;

use super::folder::Aside;
use super::html::{begin, escape};
use super::small::{Grid, OTHER};
use crate::domain::day::{Month, Week};

/// No known form of fraud is told.
pub const UNTOLD: &str = "none";
/// Nobody said where.
pub const NOWHERE: &str = "unknown";
/// What stands in the place of a hidden count, on the page.
const HIDDEN: &str = "•";

const STYLE: &str = "\
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 900px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin: 2em 0 0.2em; } p.note { color: #555; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 0.25em 0.8em 0.25em 0; border-bottom: 1px solid #ddd; }
td.count, th.count { text-align: right; font-variant-numeric: tabular-nums; }
@page { size: A4; margin: 16mm; }
";

/// What is told of.
#[derive(Debug, Clone, Copy)]
pub enum Period {
    /// A calendar month.
    Month(Month),
    /// An ISO week.
    Week(Week),
}

impl Period {
    /// The first instant that is no longer in it, UTC microseconds.
    pub fn ends_at(self) -> i64 {
        match self {
            Self::Month(month) => month.last().ends_at(),
            Self::Week(week) => week.monday().plus(7).starts_at(),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Month(_) => "month",
            Self::Week(_) => "week",
        }
    }

    fn vietnamese(self) -> &'static str {
        match self {
            Self::Month(_) => "tháng",
            Self::Week(_) => "tuần",
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Month(month) => month.fmt(f),
            Self::Week(week) => week.fmt(f),
        }
    }
}

/// The figures of a month or a week.
#[derive(Debug)]
pub struct Awareness {
    /// Which.
    pub period: Period,
    /// Counts below it are hidden.
    pub least: u64,
    /// Reports by form of fraud and channel; nothing when there are too few.
    pub by_channel: Option<Grid>,
    /// Reports by form of fraud and province; likewise.
    pub by_province: Option<Grid>,
    /// Of a month, reports by the carrier to which the reported number's range was given; likewise.
    pub by_carrier: Option<BTreeMap<String, u64>>,
    /// Of a week, reports of the week before by form, merged as they were when it was told of.
    pub before: Option<BTreeMap<String, u64>>,
    /// What the forms are called.
    pub titles: BTreeMap<String, String>,
}

/// A form of fraud with its reports of the week and of the week before.
struct Change<'a> {
    form: &'a str,
    reports: u64,
    before: Option<u64>,
}

impl Awareness {
    /// Writes the files.
    pub fn write(&self, aside: &Aside) -> anyhow::Result<()> {
        let by_channel = self.cells("channel", self.by_channel.as_ref())?;
        let by_province = self.cells("province", self.by_province.as_ref())?;
        aside.write("forms.csv", |out| Ok(out.write_all(&by_channel)?))?;
        aside.write("provinces.csv", |out| Ok(out.write_all(&by_province)?))?;
        match self.period {
            Period::Month(_) => aside.write("carriers.csv", |out| Ok(out.write_all(&self.carriers()?)?))?,
            Period::Week(_) => aside.write("changes.csv", |out| Ok(out.write_all(&self.changes_file()?)?))?,
        };
        aside.write("page.html", |out| Ok(out.write_all(self.page().as_bytes())?))?;
        Ok(())
    }

    /// One line for each form and channel or province; a hidden count is an empty cell.
    fn cells(&self, by: &str, grid: Option<&Grid>) -> anyhow::Result<Vec<u8>> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record([self.period.word(), "form", "title", by, "reports"])?;
        let period = self.period.to_string();
        let period = period.as_str();
        if let Some(grid) = grid {
            for (form, row) in grid.rows.iter().zip(0..) {
                for (name, column) in grid.columns.iter().zip(0..) {
                    let count = grid.shown(row, column).map(|count| count.to_string()).unwrap_or_default();
                    csv.write_record([period, form, self.title(form), name, count.as_str()])?;
                }
                csv.write_record([period, form, self.title(form), "total", grid.row_sum(row).to_string().as_str()])?;
            }
            for (name, column) in grid.columns.iter().zip(0..) {
                csv.write_record([period, "total", "", name, grid.column_sum(column).to_string().as_str()])?;
            }
            csv.write_record([period, "total", "", "total", grid.sum().to_string().as_str()])?;
        }
        Ok(csv.into_inner()?)
    }

    fn carriers(&self) -> anyhow::Result<Vec<u8>> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record([self.period.word(), "carrier", "reports"])?;
        for (carrier, count) in self.by_carrier.iter().flatten() {
            csv.write_record([&self.period.to_string(), carrier, &count.to_string()])?;
        }
        Ok(csv.into_inner()?)
    }

    fn changes_file(&self) -> anyhow::Result<Vec<u8>> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record([self.period.word(), "form", "title", "reports", "reports_before"])?;
        for Change { form, reports, before } in self.changes() {
            let before = before.map(|count| count.to_string()).unwrap_or_default();
            csv.write_record([&self.period.to_string(), form, self.title(form), &reports.to_string(), &before])?;
        }
        Ok(csv.into_inner()?)
    }

    /// Forms that are told of by name, the most reported first. What the week before merged with others stays unknown:
    /// its other counts are public already.
    fn changes(&self) -> Vec<Change<'_>> {
        let Some(grid) = &self.by_channel else { return Vec::new() };
        let before = |form: &str| self.before.as_ref().and_then(|before| before.get(form).copied());
        let named = grid.rows.iter().zip(0..).filter(|(form, _)| *form != OTHER);
        let mut changes: Vec<Change<'_>> =
            named.map(|(form, row)| Change { form, reports: grid.row_sum(row), before: before(form) }).collect();
        changes.sort_by_key(|change| std::cmp::Reverse(change.reports));
        changes
    }

    fn title<'a>(&'a self, form: &'a str) -> &'a str {
        match form {
            UNTOLD => "Chưa rõ hình thức",
            OTHER => "Hình thức khác",
            form => self.titles.get(form).map_or(form, String::as_str),
        }
    }

    fn page(&self) -> String {
        let word = self.period.vietnamese();
        let title = format!("Phản ánh cuộc gọi, tin nhắn rác và lừa đảo, {word} {}", self.period);
        let mut page = begin("vi", &title, STYLE);
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "<p class=\"note\">Số phản ánh mà nhà mạng nhận được. Số nhỏ hơn {} được ẩn ({HIDDEN}) hoặc gộp vào mục khác; \
             một số ô khác cũng được ẩn để không thể suy ra.</p>",
            self.least
        );
        if self.by_channel.is_none() {
            page += "<p>Quá ít phản ánh để công bố.</p>\n";
        }
        if self.before.is_some() {
            page += &self.changes_table();
        }
        if let Some(grid) = &self.by_channel {
            page += &self.table("Theo hình thức và kênh phản ánh", grid);
        }
        if let Some(grid) = &self.by_province {
            page += &self.table("Theo hình thức và tỉnh, thành phố", grid);
            page += "<p class=\"note\">Chỉ các phản ánh qua biểu mẫu có hỏi mới cho biết tỉnh, thành phố.</p>\n";
        }
        if let Some(carriers) = &self.by_carrier {
            page += "<h2>Theo đầu số</h2>\n<p class=\"note\">Nhà mạng được cấp đầu số của số bị phản ánh; không xét \
                     chuyển mạng giữ số.</p>\n<table>\n";
            for (carrier, count) in carriers {
                let name = if carrier == OTHER { "Khác" } else { carrier };
                // Writing to a String cannot fail.
                let _ = writeln!(page, "<tr><th>{}</th><td class=\"count\">{count}</td></tr>", escape(name));
            }
            page += "</table>\n";
        }
        page + "</body>\n</html>\n"
    }

    fn changes_table(&self) -> String {
        let head = "<th>hình thức</th><th class=\"count\">tuần này</th><th class=\"count\">tuần trước</th>";
        let mut text = format!("<h2>So với tuần trước</h2>\n<table>\n<tr>{head}</tr>\n");
        for Change { form, reports, before } in self.changes() {
            let (now, before) = (count(Some(reports)), count(before));
            // Writing to a String cannot fail.
            let _ = writeln!(text, "<tr><th>{}</th>{now}{before}</tr>", escape(self.title(form)));
        }
        text + "</table>\n"
    }

    fn table(&self, title: &str, grid: &Grid) -> String {
        let mut text = format!("<h2>{title}</h2>\n<table>\n<tr><th>hình thức</th>");
        for name in &grid.columns {
            let name = match name.as_str() {
                NOWHERE => "không rõ",
                OTHER => "khác",
                name => name,
            };
            // Writing to a String cannot fail.
            let _ = write!(text, "<th class=\"count\">{}</th>", escape(name));
        }
        text += "<th class=\"count\">tổng</th></tr>\n";
        let columns = 0..grid.columns.len();
        for (form, row) in grid.rows.iter().zip(0..) {
            let cells: String = columns.clone().map(|column| count(grid.shown(row, column))).collect();
            let sum = count(Some(grid.row_sum(row)));
            let _ = writeln!(text, "<tr><th>{}</th>{cells}{sum}</tr>", escape(self.title(form)));
        }
        let sums: String = columns.map(|column| count(Some(grid.column_sum(column)))).collect();
        let _ = writeln!(text, "<tr><th>tổng</th>{sums}{}</tr>\n</table>", count(Some(grid.sum())));
        text
    }
}

fn count(count: Option<u64>) -> String {
    let count = count.map_or_else(|| HIDDEN.to_owned(), |count| count.to_string());
    format!("<td class=\"count\">{count}</td>")
}
