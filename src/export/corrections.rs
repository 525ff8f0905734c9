//! What has changed in weeks that were told of before.
//!
//! In: rows of a week as they were told, and as they are now. Out: a line for each number that has come, gone or
//! changed. Never: a line for a number of which the recipient sees no difference.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Context;
use arrow::array::Array;

use super::cell::inert;
use super::rows::Rows;
use crate::schema::column::regulator_week as column;

/// A line of `corrections.csv`: what happened, and the row's cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// `added`, `withdrawn` or `changed`.
    pub change: &'static str,
    /// The cells as they are now; of a withdrawn row as they were.
    pub cells: Vec<String>,
}

/// Names a row within its week.
type Key = (i64, Option<i64>);

/// The corrections of one week. Rows come whole and are cut here: what names a row need not be what is shown of it.
pub fn of(told: &Rows, now: &Rows, columns: &[String]) -> anyhow::Result<Vec<Correction>> {
    let (mut old, new) = (by_key(told, columns)?, by_key(now, columns)?);
    let mut corrections = Vec::new();
    for (key, cells) in new {
        match old.remove(&key) {
            None => corrections.push((key, Correction { change: "added", cells })),
            Some(before) if before != cells => corrections.push((key, Correction { change: "changed", cells })),
            Some(_) => {}
        }
    }
    corrections.extend(old.into_iter().map(|(key, cells)| (key, Correction { change: "withdrawn", cells })));
    corrections.sort_by_key(|(key, _)| *key);
    Ok(corrections.into_iter().map(|(_, correction)| correction).collect())
}

fn by_key(rows: &Rows, columns: &[String]) -> anyhow::Result<BTreeMap<Key, Vec<String>>> {
    let numbers = rows.values(column::NUMBER).context("the rows have no number")?;
    let begun = rows.values(column::ACTIVATED_AT).context("the rows have no activation")?;
    let (mut keyed, mut at) = (BTreeMap::new(), 0);
    rows.cut(columns)?.each(|cells| {
        let activated_at = begun.is_valid(at).then(|| begun.value(at));
        keyed.insert((numbers.value(at), activated_at), cells.to_vec());
        at += 1;
        Ok(())
    })?;
    Ok(keyed)
}

/// The corrections as CSV, below the columns of the rows.
pub fn csv(corrections: &[Correction], rows: &Rows, out: &mut impl Write) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["change"].into_iter().chain(rows.columns().iter().map(|column| column.name.as_str())))?;
    for Correction { change, cells } in corrections {
        writer.write_field(change)?;
        for cell in cells {
            writer.write_field(inert(cell).as_bytes())?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    Ok(writer.flush()?)
}

#[cfg(test)]
mod tests {
    use super::super::rows::tests::{flagged, rows};
    use super::*;

    fn check(told: &[(i64, &'static str)], now: &[(i64, &'static str)], columns: &[&str], expected: &[(&str, &str)]) {
        let rows = |numbers: &[(i64, &'static str)]| {
            let numbers: Vec<_> =
                numbers.iter().map(|(number, verdict)| flagged(*number, verdict, "Viettel")).collect();
            rows(&numbers)
        };
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let found = of(&rows(told), &rows(now), &columns).unwrap();
        let found: Vec<_> = found.iter().map(|found| (found.change, found.cells.join(" "))).collect();
        let expected: Vec<_> = expected.iter().map(|(change, cells)| (*change, (*cells).to_owned())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn numbers_come_go_and_change() {
        check(
            &[(84_900_000_001, "survey"), (84_900_000_002, "limited"), (84_900_000_003, "survey")],
            &[(84_900_000_001, "limited"), (84_900_000_003, "survey"), (84_900_000_004, "blocked")],
            &["number", "verdict"],
            &[
                ("changed", "84900000001 limited"),
                ("withdrawn", "84900000002 limited"),
                ("added", "84900000004 blocked"),
            ],
        );
    }

    #[test]
    fn what_the_recipient_does_not_see_is_no_change() {
        check(&[(84_900_000_001, "survey")], &[(84_900_000_001, "limited")], &["number", "range_holder"], &[]);
    }
}
