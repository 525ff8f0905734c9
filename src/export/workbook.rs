//! The package as one workbook: a sheet to read first, figures with charts, the lists, measured precision, and trends.
//!
//! In: a package's contents. Out: XLSX. Never: a cell that is a formula, a telephone number that is a number, or an
//! instant of this machine; holds the list or many corrections in memory.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, ensure};
use rust_xlsxwriter::{Chart as Native, DocProperties, ExcelDateTime, Format, Workbook, Worksheet};

use super::about;
use super::chart::{COLOURS, Chart};
use super::package::Contents;
use super::trend::{self, Trend};
use super::wording;
use crate::domain::lang::Lang;
use crate::schema::contract::{Column, Type};

/// A sheet has 2^20 rows, and the first is the header.
const SHEET_ROWS: usize = (1 << 20) - 1;
/// How hard it is pressed: a sixth larger than by the usual six, in a third of the time.
const PRESSED: u8 = 2;
/// So many corrections lie in memory, a few kilobytes each.
const HELD_ROWS: usize = 20_000;
/// Rows that a native chart takes, beside its figures.
const CHART_ROWS: u32 = 16;

/// Writes the workbook; what does not fit into memory is put aside in a folder that only we read. It ends at the next row
/// once nobody wants it any more.
pub fn write(
    contents: &Contents,
    aside: &Path,
    is_unwanted: &AtomicBool,
    out: impl Write + Send,
) -> anyhow::Result<()> {
    let mut workbook = Workbook::new();
    workbook.set_tempdir(aside)?;
    workbook.set_zip_compression_level(PRESSED);
    // Its files carry an instant; this one is the week's own end.
    let until = ExcelDateTime::parse_from_str(&contents.head.week.monday().plus(7).to_string())?;
    workbook
        .set_properties(&DocProperties::new().set_creation_datetime(&until).set_title("callsieve regulator package"));
    let (styles, lang) = (Styles::new(), contents.head.lang);
    read_me(workbook.add_worksheet().set_name(lang.say(wording::READ_ME))?, contents, &styles)?;
    figures(workbook.add_worksheet().set_name(lang.say(wording::FIGURES))?, &contents.charts, lang, &styles)?;
    numbers(&mut workbook, contents, is_unwanted, &styles)?;
    corrections(&mut workbook, contents, is_unwanted, &styles)?;
    precision(workbook.add_worksheet().set_name("precision")?, contents, &styles)?;
    trends(workbook.add_worksheet().set_name("trends")?, &contents.head.trend, &styles)?;
    Ok(workbook.save_to_writer(out)?)
}

struct Styles {
    head: Format,
    /// Text whatever it looks like, also after somebody has edited the cell.
    text: Format,
    plain: Format,
}

impl Styles {
    fn new() -> Self {
        let text = Format::new().set_num_format("@").set_quote_prefix();
        Self { head: Format::new().set_bold(), text, plain: Format::new() }
    }

    fn header<'a>(&self, sheet: &mut Worksheet, names: impl Iterator<Item = &'a str>) -> anyhow::Result<()> {
        for (name, column) in names.zip(0..) {
            sheet.write_string_with_format(0, column, name, &self.head)?;
            sheet.set_column_width(column, 18)?;
        }
        sheet.set_freeze_panes(1, 0)?;
        Ok(())
    }

    /// Columns of text have its format themselves, also where a cell is empty. What is written there takes it; asked for by
    /// each cell, it would be looked up as often.
    fn columns(&self, sheet: &mut Worksheet, columns: &[&Column], first: u16) -> anyhow::Result<()> {
        for (_, place) in columns.iter().zip(first..).filter(|(column, _)| !is_figure(column)) {
            sheet.set_column_format(place, &self.text)?;
        }
        Ok(())
    }

    /// Counts and shares are numbers; all else is text, a telephone number before anything.
    fn cell(&self, sheet: &mut Worksheet, row: u32, column: u16, cell: &str, of: &Column) -> anyhow::Result<()> {
        let figure = if is_figure(of) { cell.parse::<f64>().ok().filter(|figure| figure.is_finite()) } else { None };
        match figure {
            Some(figure) => sheet.write_number(row, column, figure)?,
            // An empty cell stays one.
            None if cell.is_empty() => sheet,
            None if is_figure(of) => sheet.write_string_with_format(row, column, cell, &self.text)?,
            None => sheet.write_string(row, column, cell)?,
        };
        Ok(())
    }
}

fn is_figure(column: &Column) -> bool {
    matches!(column.kind, Type::Int32 | Type::Int64 | Type::Float64) && column.pii.is_none()
}

fn read_me(sheet: &mut Worksheet, contents: &Contents, styles: &Styles) -> anyhow::Result<()> {
    let lang = contents.head.lang;
    let blocks = [
        (wording::NUMBERS_OF_A_WEEK, about::facts(contents)),
        (wording::COLUMNS, about::definitions(contents)),
        (wording::FILES, about::files(contents)),
        (wording::NOT_HELD, vec![("", lang.say(wording::NOT_HELD_NOTE).to_owned())]),
    ];
    sheet.set_column_width(0, 26)?;
    sheet.set_column_width(1, 110)?;
    let mut row = 0;
    for (title, lines) in blocks {
        sheet.write_string_with_format(row, 0, lang.say(title), &styles.head)?;
        for (name, text) in lines {
            row += 1;
            sheet.write_string_with_format(row, 0, name, &styles.plain)?;
            sheet.write_string_with_format(row, 1, text, &styles.text)?;
        }
        row += 2;
    }
    Ok(())
}

fn figures(sheet: &mut Worksheet, charts: &[Chart], lang: Lang, styles: &Styles) -> anyhow::Result<()> {
    sheet.set_column_width(0, 34)?;
    let mut row = 0;
    for chart in charts {
        sheet.write_string_with_format(row, 0, chart.title, &styles.head)?;
        for (words, column) in [wording::THIS_WEEK, wording::WEEK_BEFORE].into_iter().zip(1..) {
            sheet.write_string_with_format(row, column, lang.say(words), &styles.head)?;
        }
        let first = row + 1;
        for (bar, row) in chart.bars.iter().zip(first..) {
            sheet.write_string_with_format(row, 0, bar.label.as_str(), &styles.text)?;
            for (count, column) in [bar.now, bar.before].into_iter().zip(1..) {
                sheet.write_number(row, column, u32::try_from(count).context("a count of numbers")?)?;
            }
        }
        let bars = u32::try_from(chart.bars.len())?;
        if bars > 0 {
            sheet.insert_chart(row, 4, &native(chart.title, lang, first, row + bars))?;
        }
        row += CHART_ROWS.max(bars + 1) + 2;
    }
    Ok(())
}

/// A chart over the figures in some rows.
fn native(title: &str, lang: Lang, first: u32, last: u32) -> Native {
    let mut chart = Native::new_bar();
    let (sheet, weeks) = (lang.say(wording::FIGURES), [(1, wording::THIS_WEEK), (2, wording::WEEK_BEFORE)]);
    for ((column, words), colour) in weeks.into_iter().zip(COLOURS) {
        let series = chart.add_series();
        series.set_name(lang.say(words));
        series.set_categories((sheet, first, 0, last, 0));
        series.set_values((sheet, first, column, last, column));
        series.set_format(
            rust_xlsxwriter::ChartFormat::new()
                .set_solid_fill(rust_xlsxwriter::ChartSolidFill::new().set_color(colour)),
        );
    }
    chart.title().set_name(title);
    // The first figure at the top, as in the rows beside it.
    chart.y_axis().set_reverse();
    chart.set_width(640).set_height(20 * CHART_ROWS);
    chart
}

fn numbers(
    workbook: &mut Workbook,
    contents: &Contents,
    is_unwanted: &AtomicBool,
    styles: &Styles,
) -> anyhow::Result<()> {
    let columns = contents.numbers.columns();
    let first = workbook.worksheets().len();
    for index in 0..contents.numbers.len().div_ceil(SHEET_ROWS).max(1) {
        let name = if index == 0 { "numbers".to_owned() } else { format!("numbers {}", index + 1) };
        let sheet = workbook.add_worksheet_with_constant_memory()?.set_name(name)?;
        let rows = (contents.numbers.len() - index * SHEET_ROWS).min(SHEET_ROWS);
        sheet.autofilter(0, 0, u32::try_from(rows)?, u16::try_from(columns.len())?.saturating_sub(1))?;
        styles.header(sheet, columns.iter().map(|column| column.name.as_str()))?;
        styles.columns(sheet, columns, 0)?;
    }
    let mut at = 0;
    contents.numbers.each(|cells| {
        ensure_wanted(is_unwanted)?;
        let sheet = workbook.worksheet_from_index(first + at / SHEET_ROWS)?;
        let row = u32::try_from(at % SHEET_ROWS)? + 1;
        for ((cell, column), place) in cells.iter().zip(columns).zip(0..) {
            styles.cell(sheet, row, place, cell, column)?;
        }
        at += 1;
        Ok(())
    })
}

fn ensure_wanted(is_unwanted: &AtomicBool) -> anyhow::Result<()> {
    ensure!(!is_unwanted.load(Ordering::Relaxed), "the workbook is not wanted any more");
    Ok(())
}

/// Few corrections lie in memory, as they always did; many are put aside row by row, as the list is.
fn corrections(
    workbook: &mut Workbook,
    contents: &Contents,
    is_unwanted: &AtomicBool,
    styles: &Styles,
) -> anyhow::Result<()> {
    let (count, columns) = (contents.corrections.len(), contents.numbers.columns());
    let first = workbook.worksheets().len();
    for index in 0..count.div_ceil(SHEET_ROWS).max(1) {
        let name = if index == 0 { "corrections".to_owned() } else { format!("corrections {}", index + 1) };
        let sheet =
            if count > HELD_ROWS { workbook.add_worksheet_with_constant_memory()? } else { workbook.add_worksheet() };
        let sheet = sheet.set_name(name)?;
        styles.header(sheet, ["change"].into_iter().chain(columns.iter().map(|column| column.name.as_str())))?;
        styles.columns(sheet, columns, 1)?;
    }
    let mut at = 0;
    contents.corrections.each(|line| {
        ensure_wanted(is_unwanted)?;
        let sheet = workbook.worksheet_from_index(first + at / SHEET_ROWS)?;
        let row = u32::try_from(at % SHEET_ROWS)? + 1;
        let mut cells = line.iter();
        sheet.write_string(row, 0, cells.next().unwrap_or_default())?;
        for ((cell, column), place) in cells.zip(columns).zip(1..) {
            styles.cell(sheet, row, place, cell, column)?;
        }
        at += 1;
        Ok(())
    })
}

/// A row for each band; a week of which nobody was drawn has one that says so.
fn precision(sheet: &mut Worksheet, contents: &Contents, styles: &Styles) -> anyhow::Result<()> {
    let texts = ["week", "rules", "segment", "band"];
    let figures = ["numbers", "sampled", "reviewed", "confirmed", "share", "low", "high"];
    styles.header(sheet, texts.into_iter().chain(figures))?;
    let (mut row, unknown) = (0, contents.head.lang.say(wording::NOT_MEASURED));
    for measured in &contents.head.precision {
        let week = measured.week.to_string();
        if measured.bands.is_empty() {
            row += 1;
            sheet.write_string_with_format(row, 0, &week, &styles.text)?;
            sheet.write_string_with_format(row, 8, unknown, &styles.text)?;
        }
        for of in &measured.bands {
            row += 1;
            for (cell, column) in [&week, &of.rules, &of.segment, &of.band].into_iter().zip(0..) {
                sheet.write_string_with_format(row, column, cell, &styles.text)?;
            }
            for (count, column) in [of.numbers, of.sampled, of.reviewed, of.confirmed].into_iter().zip(4..) {
                sheet.write_number(row, column, u32::try_from(count).context("a count of numbers")?)?;
            }
            for (share, column) in [of.share, of.low, of.high].into_iter().zip(8..) {
                match share {
                    Some(share) => sheet.write_number(row, column, share)?,
                    None => sheet.write_string_with_format(row, column, unknown, &styles.text)?,
                };
            }
        }
    }
    Ok(())
}

/// The lines of the file; a hidden count is an empty cell.
fn trends(sheet: &mut Worksheet, trend: &Trend, styles: &Styles) -> anyhow::Result<()> {
    styles.header(sheet, trend::COLUMNS.into_iter())?;
    for (line, row) in trend.lines.iter().zip(1..) {
        for (cell, column) in [&line.form, &line.title, &line.province].into_iter().zip(0..) {
            sheet.write_string_with_format(row, column, cell, &styles.text)?;
        }
        for (count, column) in [line.reports, line.before].into_iter().zip(3..) {
            if let Some(count) = count {
                sheet.write_number(row, column, u32::try_from(count).context("a count of reports")?)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
