//! Measured precision: how many of those that were flagged in a week reviewers found to be spam.
//!
//! In: rows of `rule_precision`. Out: bands in one order, and those of them that a recipient of packages is told. Never: a
//! share of what nobody reviewed; a figure of a column that the recipient does not get.

use arrow::array::{Array, Float64Array, RecordBatch};
use serde::Serialize;

use super::wording::{NOT_MEASURED, TO};
use crate::domain::day::Week;
use crate::domain::lang::Lang;
use crate::schema::column::{regulator_week, rule_precision as column};

/// The segment of all segments.
pub const ALL: &str = "all";
/// The band of all bands but the control.
pub const FLAGGED: &str = "flagged";

/// What reviewers found in a band.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Band {
    /// Hash of the rules that decided.
    pub rules: String,
    /// A segment, or all.
    pub segment: String,
    /// A band, or flagged for all of them but the control.
    pub band: String,
    /// Subscriptions.
    pub numbers: i64,
    /// Drawn for review.
    pub sampled: i64,
    /// Reviewed among the drawn.
    pub reviewed: i64,
    /// Confirmed among the reviewed.
    pub confirmed: i64,
    /// The share that is spam; `None` while a band has no review.
    pub share: Option<f64>,
    /// Lower end of the 95 % interval.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
}

impl Band {
    /// The bands of some rows, by rules, segment and band.
    pub fn read(batches: &[RecordBatch]) -> anyhow::Result<Vec<Self>> {
        let known = |array: &Float64Array, row: usize| array.is_valid(row).then(|| array.value(row));
        let mut bands = Vec::new();
        for batch in batches {
            for row in 0..batch.num_rows() {
                bands.push(Self {
                    rules: column::RULES.of(batch)?.value(row).to_owned(),
                    segment: column::SEGMENT.of(batch)?.value(row).to_owned(),
                    band: column::BAND.of(batch)?.value(row).to_owned(),
                    numbers: column::NUMBERS.of(batch)?.value(row),
                    sampled: column::SAMPLED.of(batch)?.value(row),
                    reviewed: column::REVIEWED.of(batch)?.value(row),
                    confirmed: column::CONFIRMED.of(batch)?.value(row),
                    share: known(column::SHARE.of(batch)?, row),
                    low: known(column::LOW.of(batch)?, row),
                    high: known(column::HIGH.of(batch)?, row),
                });
            }
        }
        let place = |band: &Self| (band.rules.clone(), band.segment.clone(), band.band.clone());
        bands.sort_by_key(place);
        Ok(bands)
    }

    /// The share with its interval; Vietnamese writes a comma.
    pub fn known(&self, lang: Lang) -> String {
        match (self.share, self.low, self.high) {
            (Some(share), Some(low), Some(high)) => {
                let known = format!("{share:.3} ({low:.3} {} {high:.3})", lang.say(TO));
                if lang == Lang::Vi { known.replace('.', ",") } else { known }
            }
            _ => lang.say(NOT_MEASURED).to_owned(),
        }
    }
}

/// What a package tells of a week.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The week.
    pub week: Week,
    /// Its bands; none where nobody has been drawn.
    pub bands: Vec<Band>,
}

impl Measured {
    /// Bands are cut by the score and told by segment, so each takes its column.
    pub fn of(week: Week, batches: &[RecordBatch], columns: &[String]) -> anyhow::Result<Self> {
        let gets = |name: &str| columns.iter().any(|column| column == name);
        let (gets_segment, gets_score) = (gets(regulator_week::SEGMENT.name), gets(regulator_week::SCORE.name));
        let mut bands = Band::read(batches)?;
        bands.retain(|band| (gets_segment || band.segment == ALL) && (gets_score || band.band == FLAGGED));
        Ok(Self { week, bands })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::rows::tests::MONDAY;
    use super::*;
    use crate::domain::day::Day;
    use crate::schema::contract::Table;
    use crate::schema::sheet::Sheet;

    /// Rows of a week: of segment and band, and a share where it was reviewed.
    pub(in crate::export) fn rows(given: &[(&str, &str, Option<f64>)]) -> RecordBatch {
        let mut sheet = Sheet::new(Table::RULE_PRECISION.contract());
        for (segment, band, share) in given {
            let row = sheet.row().day(Day::from_epoch_days(MONDAY)).text("5f1cab2f03d9").text(segment).text(band);
            let (reviewed, confirmed) = if share.is_some() { (8, 6) } else { (0, 0) };
            let row = row.int64(40).int64(10).int64(reviewed).int64(confirmed);
            let row = row.float64_or_null(*share).float64_or_null(share.map(|share| share - 0.25));
            row.float64_or_null(share.map(|share| share + 0.125)).end();
        }
        sheet.finish()
    }

    #[track_caller]
    fn check(columns: &[&str], expected: &[(&str, &str)]) {
        let given = [("prepaid", "flagged", None), ("all", "top", Some(0.875)), ("all", "flagged", Some(0.75))];
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let measured = Measured::of(Day::from_epoch_days(MONDAY).week(), &[rows(&given)], &columns).unwrap();
        let told: Vec<_> = measured.bands.iter().map(|band| (band.segment.as_str(), band.band.as_str())).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn a_recipient_is_told_of_bands_and_segments_by_the_columns_that_it_gets() {
        check(&["number", "segment", "score"], &[("all", "flagged"), ("all", "top"), ("prepaid", "flagged")]);
        check(&["number", "segment"], &[("all", "flagged"), ("prepaid", "flagged")]);
        check(&["number"], &[("all", "flagged")]);
    }

    #[test]
    fn a_share_that_nobody_knows_is_not_yet_measured() {
        let bands = Band::read(&[rows(&[("all", "flagged", Some(0.75)), ("all", "top", None)])]).unwrap();
        let known = |lang| bands.iter().map(|band| band.known(lang)).collect::<Vec<_>>();
        assert_eq!(known(Lang::En), ["0.750 (0.500 to 0.875)", "not yet measured"]);
        assert_eq!(known(Lang::Vi), ["0,750 (0,500 đến 0,875)", "chưa đo"]);
    }
}
