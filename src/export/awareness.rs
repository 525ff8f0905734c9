//! A month's reports in figures, for a public page.
//!
//! In: counts that nobody is known by. Out: CSV files, and a page in Vietnamese that needs no other file.
//! Never: a number, a text, or a count that was hidden.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use super::chart::escape;
use super::folder::Aside;
use super::html::begin;
use super::small::{Grid, OTHER};
use crate::domain::day::Month;

/// No known form of fraud is told.
pub const UNTOLD: &str = "none";
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

/// The figures of a month.
#[derive(Debug)]
pub struct Awareness {
    /// The month.
    pub month: Month,
    /// Counts below it are hidden.
    pub least: u64,
    /// Reports by form of fraud and channel; nothing when there are too few.
    pub by_form: Option<Grid>,
    /// Reports by the carrier to which the reported number's range was given; likewise.
    pub by_carrier: Option<BTreeMap<String, u64>>,
    /// What the forms are called.
    pub titles: BTreeMap<String, String>,
}

impl Awareness {
    /// Writes the files.
    pub fn write(&self, aside: &Aside) -> anyhow::Result<()> {
        aside.write("forms.csv", |out| Ok(out.write_all(&self.forms()?)?))?;
        aside.write("carriers.csv", |out| Ok(out.write_all(&self.carriers()?)?))?;
        aside.write("page.html", |out| Ok(out.write_all(self.page().as_bytes())?))?;
        Ok(())
    }

    /// One line for each form and channel; a hidden count is an empty cell.
    fn forms(&self) -> anyhow::Result<Vec<u8>> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(["month", "form", "title", "channel", "reports"])?;
        let month = self.month.to_string();
        let month = month.as_str();
        if let Some(grid) = &self.by_form {
            for (form, row) in grid.rows.iter().zip(0..) {
                for (channel, column) in grid.columns.iter().zip(0..) {
                    let count = grid.shown(row, column).map(|count| count.to_string()).unwrap_or_default();
                    csv.write_record([month, form, self.title(form), channel, count.as_str()])?;
                }
                csv.write_record([month, form, self.title(form), "total", grid.row_sum(row).to_string().as_str()])?;
            }
            for (channel, column) in grid.columns.iter().zip(0..) {
                csv.write_record([month, "total", "", channel, grid.column_sum(column).to_string().as_str()])?;
            }
            csv.write_record([month, "total", "", "total", grid.sum().to_string().as_str()])?;
        }
        Ok(csv.into_inner()?)
    }

    fn carriers(&self) -> anyhow::Result<Vec<u8>> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(["month", "carrier", "reports"])?;
        for (carrier, count) in self.by_carrier.iter().flatten() {
            csv.write_record([&self.month.to_string(), carrier, &count.to_string()])?;
        }
        Ok(csv.into_inner()?)
    }

    fn title<'a>(&'a self, form: &'a str) -> &'a str {
        match form {
            UNTOLD => "Chưa rõ hình thức",
            OTHER => "Hình thức khác",
            form => self.titles.get(form).map_or(form, String::as_str),
        }
    }

    fn page(&self) -> String {
        let title = format!("Phản ánh cuộc gọi, tin nhắn rác và lừa đảo, tháng {}", self.month);
        let mut page = begin("vi", &title, STYLE);
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "<p class=\"note\">Số phản ánh mà nhà mạng nhận được. Số nhỏ hơn {} được ẩn ({HIDDEN}) hoặc gộp vào mục khác; \
             một số ô khác cũng được ẩn để không thể suy ra. Dữ liệu không có thông tin tỉnh, thành phố.</p>",
            self.least
        );
        match &self.by_form {
            Some(grid) => page += &self.table(grid),
            None => page += "<p>Quá ít phản ánh để công bố.</p>\n",
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

    fn table(&self, grid: &Grid) -> String {
        let mut text = "<h2>Theo hình thức và kênh phản ánh</h2>\n<table>\n<tr><th>hình thức</th>".to_owned();
        let count = |count: Option<u64>| {
            let count = count.map_or_else(|| HIDDEN.to_owned(), |count| count.to_string());
            format!("<td class=\"count\">{count}</td>")
        };
        for channel in &grid.columns {
            // Writing to a String cannot fail.
            let _ = write!(text, "<th class=\"count\">{}</th>", escape(channel));
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
