//! `export awareness`: a month's reports in figures, for a public page.
//!
//! In: `citizen_report`. Out: a published folder. Never: counts a report twice that was sent twice, or what accuses
//! nobody; tells a province, which no table of the lake knows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context;
use arrow::array::Array;
use serde::Serialize;

use super::export::refuse_shadow;
use crate::domain::day::Month;
use crate::domain::number::Number;
use crate::domain::plan;
use crate::domain::report::Kind;
use crate::export::awareness::{Awareness, UNTOLD};
use crate::export::folder::Aside;
use crate::export::small::{Grid, merged};
use crate::lake::Lake;
use crate::schema::column::citizen_report as column;
use crate::schema::contract::Table;
use crate::text::story;

/// What was published.
#[derive(Debug, Serialize)]
pub struct Told {
    /// The folder.
    pub folder: PathBuf,
    /// Reports that were counted; null when they are too few to say.
    pub reports: Option<u64>,
    /// Whether anything changed.
    pub is_changed: bool,
}

impl Told {
    /// For people.
    pub fn text(&self) -> String {
        let reports = self.reports.map_or_else(|| "too few reports".to_owned(), |count| format!("{count} reports"));
        let news = if self.is_changed { "" } else { " (unchanged)" };
        format!("{}: {reports}{news}", self.folder.display())
    }
}

/// What accuses somebody.
const REPORTS: [Kind; 3] = [Kind::SpamCall, Kind::SpamSms, Kind::ScamCall];

/// Reports of a month by form and channel, and by carrier.
#[derive(Debug, Default)]
struct Counts {
    by_form: BTreeMap<(String, String), u64>,
    by_carrier: BTreeMap<String, u64>,
}

/// Publishes `OUT/awareness/MONTH`.
pub async fn publish(lake: &Lake, out: &Path, month: Month, least: u64) -> anyhow::Result<Told> {
    refuse_shadow(lake)?;
    let counts = counts(lake, month).await?;
    let by_form = Grid::new(&counts.by_form, least);
    let reports = by_form.as_ref().map(Grid::sum);
    let titles = story::forms().iter().map(|form| (form.name.clone(), form.title.clone())).collect();
    let by_carrier = merged(&counts.by_carrier, least);
    let root = out.join("awareness");
    let aside = Aside::open(&root, &month.to_string())?;
    Awareness { month, least, by_form, by_carrier, titles }.write(&aside)?;
    Ok(Told { folder: root.join(month.to_string()), reports, is_changed: aside.publish()? })
}

async fn counts(lake: &Lake, month: Month) -> anyhow::Result<Counts> {
    let table = lake.find(Table::CITIZEN_REPORT).await?.context("table citizen_report does not exist")?;
    let columns =
        [column::REPORT_ID.name, column::CHANNEL.name, column::KIND.name, column::SOURCE.name, column::SCAM_FORM.name];
    let (mut counts, mut known) = (Counts::default(), BTreeSet::new());
    for batch in table.rows_within((month.first(), month.last()), &columns).await? {
        let (ids, kinds) = (column::REPORT_ID.of(&batch)?, column::KIND.of(&batch)?);
        let (channels, forms) = (column::CHANNEL.of(&batch)?, column::SCAM_FORM.of(&batch)?);
        let sources = column::SOURCE.of(&batch)?;
        for row in 0..batch.num_rows() {
            let is_report = REPORTS.iter().any(|kind| kind.as_str() == kinds.value(row));
            // An id belongs to its channel.
            if !is_report || !known.insert((channels.value(row).to_owned(), ids.value(row).to_owned())) {
                continue;
            }
            let form = if forms.is_valid(row) { forms.value(row) } else { UNTOLD };
            *counts.by_form.entry((form.to_owned(), channels.value(row).to_owned())).or_default() += 1;
            let source = sources.is_valid(row).then(|| sources.value(row)).and_then(Number::from_e164);
            let carrier = match source {
                None => "no number",
                Some(source) if !source.is_vietnamese() => "abroad",
                Some(source) => plan::range_holder(source).unwrap_or("fixed or unknown"),
            };
            *counts.by_carrier.entry(carrier.to_owned()).or_default() += 1;
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::day::Day;
    use crate::schema::sheet::Sheet;

    #[tokio::test]
    async fn reports_count_once_and_rare_forms_cannot_be_told() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(folder.path()).unwrap();
        let day: Day = "2025-01-31".parse().unwrap();
        let mut sheet = Sheet::new(Table::CITIZEN_REPORT.contract());
        let mut report = |id: i64, on: Day, channel: &str, kind: &str, form: Option<&str>| {
            let row = sheet.row().day(on).text(&format!("r{id}")).text(channel).int64(84_912_345_678).text(kind);
            let row = row.text("e164").int64(84_962_000_001).text_or_null(None).text("").boolean(false).instant(0);
            let row = row.int32(0).int64(id).instant(0).text_or_null(None).text_or_null(form).int32(1);
            row.instant_or_null(None).text_or_null(None).text_or_null(None).text_or_null(None).end();
        };
        for id in 0..40 {
            report(id, day, if id % 2 == 0 { "app" } else { "web" }, "spam_call", Some("fake_lender"));
        }
        report(0, day, "app", "spam_call", Some("fake_lender"));
        report(0, day, "web", "spam_call", Some("fake_lender"));
        report(50, day, "app", "domain_lookup", None);
        report(51, day.plus(1), "app", "spam_call", None);
        report(52, day, "app", "scam_call", Some("sim_lock"));
        lake.open(Table::CITIZEN_REPORT).await.unwrap().append(&[sheet.finish()], &[]).await.unwrap();

        let month = "2025-01".parse().unwrap();
        let told = publish(&lake, folder.path(), month, 10).await.unwrap();
        assert_eq!((told.reports, told.is_changed), (Some(42), true));
        let read = |file: &str| std::fs::read_to_string(told.folder.join(file)).unwrap();
        let all: String = ["forms.csv", "carriers.csv", "page.html"].map(read).concat();
        assert!(
            !all.contains("sim_lock") && !all.contains("fake_lender"),
            "merged, or one total minus another told it"
        );
        assert!(read("forms.csv").contains("2025-01,total,,total,42"));
        assert!(read("carriers.csv").contains(",Viettel,42") && read("page.html").contains("không có thông tin tỉnh"));
        assert!(!publish(&lake, folder.path(), month, 10).await.unwrap().is_changed);
        assert_eq!(publish(&lake, folder.path(), "2025-02".parse().unwrap(), 10).await.unwrap().reports, None);
    }
}
