//! `scorecard apply`: a score for each row of a file, with its reasons.
//!
//! In: a card and a file that has its columns; others are ignored. Out: CSV, a line for each row, in the file's order.
//! Never: the whole file in memory, or half a file of scores under its name.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Serialize;

use crate::score::card::{BASE, Card, Characteristic, PPB};
use crate::score::file;
use crate::score::frame::{self, Ask, Row};

/// What was scored.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The card's name.
    pub card: String,
    /// Rows scored.
    pub rows: u64,
    /// The scores.
    pub file: PathBuf,
}

/// How many reasons stand beside a score.
const REASONS: usize = 5;

/// A characteristic with what it says of each of its bins.
struct Reason<'c> {
    characteristic: &'c Characteristic,
    /// By bin; that of a missing value is the last.
    texts: Vec<String>,
}

/// Scores a file.
pub fn apply(model: &Path, features: &Path, id: &str, out: &Path) -> anyhow::Result<Summary> {
    let card = file::read(model)?;
    let calibration = card.calibration.as_ref();
    let calibration =
        calibration.with_context(|| format!("{} says no probabilities: it has no calibration", model.display()))?;
    let (columns, reasons): (Vec<String>, Vec<Reason<'_>>) = reasons(&card).into_iter().unzip();
    let base = card.characteristic.get(BASE).map_or(0, |base| base.missing);
    ensure!(!columns.is_empty(), "{} has no characteristic", model.display());
    let aside = out.with_extension(format!("{}.tmp", std::process::id()));
    let writing = || format!("writing {}", aside.display());
    let mut lines = csv::Writer::from_writer(BufWriter::new(File::create(&aside).with_context(writing)?));
    lines.write_record([id, "score", "points", "low", "high", "reasons"])?;
    let mut rows = 0;
    let mut said = Vec::with_capacity(reasons.len());
    let mut line = [const { String::new() }; 5];
    let scanned = frame::scan(Ask { path: features, id: Some(id), columns: &columns }, &mut |row| {
        let total = base + points(&reasons, row, &mut said);
        let probability = calibration.at(total);
        let [score, points, low, high, why] = &mut line;
        decimal(score, probability.value_ppb);
        decimal(low, probability.low_ppb);
        decimal(high, probability.high_ppb);
        points.clear();
        points.push_str(&total.to_string());
        foremost(&reasons, &mut said, why);
        lines.write_record([row.id, score.as_str(), points.as_str(), low.as_str(), high.as_str(), why.as_str()])?;
        rows += 1;
        Ok(())
    });
    let done = scanned.and_then(|()| {
        lines.into_inner().map_err(csv::IntoInnerError::into_error)?.flush()?;
        std::fs::rename(&aside, out).with_context(|| format!("writing {}", out.display()))
    });
    if let Err(problem) = done {
        std::fs::remove_file(&aside).with_context(|| format!("removing {}", aside.display()))?;
        return Err(problem);
    }
    Ok(Summary { card: card.name.clone().unwrap_or_default(), rows, file: out.to_owned() })
}

/// The characteristics that have a column.
fn reasons<'c>(card: &'c Card) -> Vec<(String, Reason<'c>)> {
    let columns = card.characteristic.iter().filter(|(name, _)| *name != BASE);
    let reason = |(name, characteristic): (&'c String, &'c Characteristic)| {
        // Each bin begins where the one before ends.
        let begins =
            [f64::NEG_INFINITY].into_iter().chain(characteristic.below.iter().copied()).map(Some).chain([None]);
        let text = |value| format!("{name} {} {:+}", characteristic.bin_text(value), characteristic.points(value));
        (name.clone(), Reason { characteristic, texts: begins.map(text).collect() })
    };
    columns.map(reason).collect()
}

/// The points of a row; what each characteristic said of it is left in `said`, as points and places.
fn points(reasons: &[Reason<'_>], row: Row<'_>, said: &mut Vec<(i64, usize, usize)>) -> i64 {
    said.clear();
    let mut total = 0;
    for (place, (reason, value)) in reasons.iter().zip(row.values).enumerate() {
        let characteristic = reason.characteristic;
        let (bin, points) = if value.is_nan() {
            (reason.texts.len() - 1, characteristic.missing)
        } else {
            let bin = characteristic.bin(*value);
            (bin, characteristic.points[bin])
        };
        total += points;
        said.push((points, place, bin));
    }
    total
}

/// The characteristics that move a score most, the furthest first.
fn foremost(reasons: &[Reason<'_>], said: &mut [(i64, usize, usize)], text: &mut String) {
    let weight = |(points, place, _): &(i64, usize, usize)| (-points.abs(), *place);
    if said.len() > REASONS {
        said.select_nth_unstable_by_key(REASONS - 1, weight);
    }
    let count = said.len().min(REASONS);
    let foremost = &mut said[..count];
    foremost.sort_unstable_by_key(weight);
    text.clear();
    for (_, place, bin) in foremost.iter().filter(|(points, ..)| *points != 0) {
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(&reasons[*place].texts[*bin]);
    }
}

/// A probability as a decimal of nine places.
fn decimal(text: &mut String, ppb: u32) {
    text.clear();
    text.push_str(if ppb == PPB { "1." } else { "0." });
    let mut digits = [b'0'; 9];
    let mut rest = ppb % PPB;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    text.extend(digits.map(char::from));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probability_has_nine_places() {
        let mut text = String::new();
        let mut shown = |ppb| {
            decimal(&mut text, ppb);
            text.clone()
        };
        assert_eq!(
            [0, 7, 123_456_789, PPB].map(&mut shown),
            ["0.000000000", "0.000000007", "0.123456789", "1.000000000"]
        );
    }
}
