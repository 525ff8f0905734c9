//! What has changed in weeks that were told of before.
//!
//! In: rows of a week as they were told, and as they are now. Out: a line for each number that has come, gone or
//! changed, put aside in a file. Never: a line for a number of which the recipient sees no difference, or sees one only in
//! columns that it was not told then; holds the lines in memory, of which there may be as many as numbers.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use arrow::array::{Array, Int64Array, TimestampMicrosecondArray};

use super::cell::inert;
use super::rows::Rows;
use crate::schema::column::regulator_week as column;

/// Lines of `corrections.csv`: what happened to a row, `added`, `withdrawn` or `changed`, and its cells as they are now;
/// those of a withdrawn one as they were.
#[derive(Debug)]
pub struct Corrections {
    place: PathBuf,
    /// A file without a name, which goes with the process; none before the first line.
    lines: Option<csv::Writer<File>>,
    counts: BTreeMap<&'static str, usize>,
}

/// Names a row within its week.
type Key = (i64, Option<i64>);

impl Corrections {
    /// None yet; lines are put aside in a folder, which is made when there is one.
    pub fn new(place: &Path) -> Self {
        Self { place: place.to_owned(), lines: None, counts: BTreeMap::new() }
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.counts.values().sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many lines there are, by what happened.
    pub fn counts(&self) -> &BTreeMap<&'static str, usize> {
        &self.counts
    }

    /// Adds those of one week: lines have the columns that are `shown`, and a row has changed where those of them have that
    /// were `told`. Rows come whole, in the order of their keys, and are cut here: what names a row need not be what is
    /// shown of it.
    pub fn add(&mut self, old: &Rows, new: &Rows, (shown, told): (&[String], &[String])) -> anyhow::Result<()> {
        let (was, is) = (Keys::of(old)?, Keys::of(new)?);
        let (old_shown, new_shown) = (old.cut(shown)?, new.cut(shown)?);
        let (old_shown, new_shown) = (old_shown.cells()?, new_shown.cells()?);
        let (old_told, new_told) = (old.cut(told)?, new.cut(told)?);
        let (old_told, new_told) = (old_told.cells()?, new_told.cells()?);
        let (mut texts, mut others) = (Vec::new(), Vec::new());
        let (mut before, mut now) = (0, 0);
        loop {
            let order = match (was.get(before), is.get(now)) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(before), Some(now)) => before.cmp(&now),
            };
            if order.is_lt() {
                old_shown.read(before, &mut texts)?;
                self.line("withdrawn", &texts)?;
            } else if order.is_gt() {
                new_shown.read(now, &mut texts)?;
                self.line("added", &texts)?;
            } else {
                old_told.read(before, &mut texts)?;
                new_told.read(now, &mut others)?;
                if texts != others {
                    new_shown.read(now, &mut texts)?;
                    self.line("changed", &texts)?;
                }
            }
            before += usize::from(order.is_le());
            now += usize::from(order.is_ge());
        }
        match &mut self.lines {
            Some(lines) => Ok(lines.flush()?),
            None => Ok(()),
        }
    }

    fn line(&mut self, change: &'static str, cells: &[String]) -> anyhow::Result<()> {
        let lines = match &mut self.lines {
            Some(lines) => lines,
            none => none.insert(aside(&self.place)?),
        };
        lines.write_record([change].into_iter().chain(cells.iter().map(String::as_str)))?;
        *self.counts.entry(change).or_default() += 1;
        Ok(())
    }

    /// Hands out each line: what happened, and the cells behind it. Several may be at it at once.
    pub fn each(&self, mut line: impl FnMut(&csv::StringRecord) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let Some(lines) = &self.lines else { return Ok(()) };
        let file = Placed { file: lines.get_ref(), at: 0 };
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(file);
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record)? {
            line(&record)?;
        }
        Ok(())
    }

    /// As CSV, below the columns of the rows; what a spreadsheet would run is marked as text.
    pub fn csv(&self, rows: &Rows, out: &mut impl Write) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(["change"].into_iter().chain(rows.columns().iter().map(|column| column.name.as_str())))?;
        self.each(|line| {
            for cell in line {
                writer.write_field(inert(cell).as_bytes())?;
            }
            Ok(writer.write_record(None::<&[u8]>)?)
        })?;
        Ok(writer.flush()?)
    }
}

fn aside(place: &Path) -> anyhow::Result<csv::Writer<File>> {
    let putting = || format!("putting corrections aside in {}", place.display());
    std::fs::create_dir_all(place).with_context(putting)?;
    Ok(csv::Writer::from_writer(tempfile::tempfile_in(place).with_context(putting)?))
}

/// A file that is read by places of its own, whoever else reads it.
struct Placed<'a> {
    file: &'a File,
    at: u64,
}

impl Read for Placed<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(bytes, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// The keys of rows, which are in their order.
struct Keys<'a> {
    numbers: &'a Int64Array,
    begun: &'a TimestampMicrosecondArray,
}

impl<'a> Keys<'a> {
    fn of(rows: &'a Rows) -> anyhow::Result<Self> {
        let numbers = rows.values(column::NUMBER).context("the rows have no number")?;
        let begun = rows.values(column::ACTIVATED_AT).context("the rows have no activation")?;
        Ok(Self { numbers, begun })
    }

    fn get(&self, row: usize) -> Option<Key> {
        (row < self.numbers.len())
            .then(|| (self.numbers.value(row), self.begun.is_valid(row).then(|| self.begun.value(row))))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::rows::tests::{flagged, rows};
    use super::*;

    fn rows_of(numbers: &[(i64, &'static str)]) -> Rows {
        let flagged = |(number, verdict): &(i64, &'static str)| flagged(*number, verdict, "Viettel");
        rows(&numbers.iter().map(flagged).collect::<Vec<_>>())
    }

    fn names(columns: &[&str]) -> Vec<String> {
        columns.iter().map(|name| (*name).to_owned()).collect()
    }

    /// The lines of weeks, as they were told and as they are now.
    fn lines(weeks: &[(Rows, Rows)], shown: &[&str], told: &[&str]) -> Vec<String> {
        let place = tempfile::tempdir().unwrap();
        let mut corrections = Corrections::new(place.path());
        for (old, new) in weeks {
            corrections.add(old, new, (&names(shown), &names(told))).unwrap();
        }
        let mut lines = Vec::new();
        let keep = |line: &csv::StringRecord| {
            lines.push(line.iter().collect::<Vec<_>>().join(" "));
            Ok(())
        };
        corrections.each(keep).unwrap();
        assert_eq!(corrections.len(), lines.len());
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0, "what is put aside has no name");
        lines
    }

    #[test]
    fn numbers_come_go_and_change() {
        let told = [(84_900_000_001, "survey"), (84_900_000_002, "limited"), (84_900_000_003, "survey")];
        let now = [(84_900_000_001, "limited"), (84_900_000_003, "survey"), (84_900_000_004, "blocked")];
        let columns = ["number", "verdict"];
        assert_eq!(
            lines(&[(rows_of(&told), rows_of(&now))], &columns, &columns),
            ["changed 84900000001 limited", "withdrawn 84900000002 limited", "added 84900000004 blocked"]
        );
    }

    #[test]
    fn what_the_recipient_does_not_see_is_no_change() {
        let week = (rows_of(&[(84_900_000_001, "survey")]), rows_of(&[(84_900_000_001, "limited")]));
        let columns = ["number", "range_holder"];
        assert_eq!(lines(&[week], &columns, &columns), [""; 0]);
    }

    #[test]
    fn what_was_not_told_then_is_no_change_and_is_told_with_what_is_one() {
        let told = [(84_900_000_001, "survey"), (84_900_000_002, "survey")];
        let now = [(84_900_000_001, "limited"), (84_900_000_003, "survey")];
        let shown = ["number", "verdict", "range_holder"];
        assert_eq!(
            lines(&[(rows_of(&told), rows_of(&now))], &shown, &["number", "range_holder"]),
            ["withdrawn 84900000002 Viettel survey", "added 84900000003 Viettel survey"]
        );
    }

    /// Three numbers, each of which is not listed, or with one of two verdicts.
    fn list(states: usize) -> BTreeMap<i64, &'static str> {
        let states = [states % 3, states / 3 % 3, states / 9];
        let listed = (84_900_000_001..).zip(states).filter(|(_, state)| *state > 0);
        listed.map(|(number, state)| (number, if state == 1 { "survey" } else { "limited" })).collect()
    }

    /// What a look-up of each number in both lists finds.
    fn looked_up(told: &BTreeMap<i64, &str>, now: &BTreeMap<i64, &str>) -> Vec<String> {
        let numbers: BTreeSet<i64> = told.keys().chain(now.keys()).copied().collect();
        let line = |number| match (told.get(&number), now.get(&number)) {
            (Some(before), None) => Some(format!("withdrawn {number} {before}")),
            (None, Some(verdict)) => Some(format!("added {number} {verdict}")),
            (before, Some(verdict)) if before != Some(verdict) => Some(format!("changed {number} {verdict}")),
            _ => None,
        };
        numbers.into_iter().filter_map(line).collect()
    }

    #[test]
    fn lines_of_several_weeks_are_those_that_maps_of_all_rows_would_find() {
        let columns = ["number", "verdict"];
        let rows = |list: &BTreeMap<i64, &'static str>| rows_of(&list.clone().into_iter().collect::<Vec<_>>());
        for old in 0..27 {
            let (told, mut weeks, mut expected) = (list(old), Vec::new(), Vec::new());
            for now in (0..27).map(list) {
                weeks.push((rows(&told), rows(&now)));
                expected.extend(looked_up(&told, &now));
            }
            assert_eq!(lines(&weeks, &columns, &columns), expected);
        }
    }

    #[test]
    fn two_readers_do_not_take_each_others_lines() {
        let (place, columns) = (tempfile::tempdir().unwrap(), names(&["number", "verdict"]));
        // More than either reads at a stroke.
        let told: Vec<_> = (84_900_000_001..84_900_002_001).map(|number| (number, "survey")).collect();
        let mut corrections = Corrections::new(place.path());
        corrections.add(&rows_of(&told), &rows_of(&[]), (&columns, &columns)).unwrap();
        let (mut outer, mut inner) = (0, 0);
        let reading = corrections.each(|_| {
            if outer == 0 {
                corrections.each(|_| {
                    inner += 1;
                    Ok(())
                })?;
            }
            outer += 1;
            Ok(())
        });
        reading.unwrap();
        assert_eq!((outer, inner), (2_000, 2_000));
    }

    #[test]
    fn a_cell_comes_back_as_it_was_put_aside() {
        let hostile = "=1+1,\"x\"\r\n\u{feff} ";
        let place = tempfile::tempdir().unwrap();
        let mut corrections = Corrections::new(place.path());
        let row = rows(&[flagged(84_900_000_001, "survey", hostile)]);
        let columns = names(&["range_holder", "activated_at", "score"]);
        corrections.add(&rows(&[]), &row, (&columns, &columns)).unwrap();
        let mut text = Vec::new();
        corrections.csv(&row.cut(&columns).unwrap(), &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let cell = inert(hostile).replace('"', "\"\"");
        assert_eq!(text, format!("change,activated_at,range_holder,score\nadded,2024-01-01T00:00:00Z,\"{cell}\",\n"));
    }
}
