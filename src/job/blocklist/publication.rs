//! Publications as rows of `blocklist_export`.
//!
//! In: a publication, or the rows of the table. Out: the rows that write it down, or every publication there was. Never:
//! gives two publications one number; knows a change that the list does not.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use arrow::array::RecordBatch;

use crate::domain::day::Day;
use crate::export::blocklist::{Change, Entry, Kind, Publication, digits, standing};
use crate::job::decide;
use crate::lake::Lake;
use crate::lake::append::Span;
use crate::schema::column::blocklist_export as column;
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;

/// The word of the row that stands for a publication itself.
const LIST: &str = "list";
/// The name by which the table remembers how many publications it has.
const APP_ID: &str = "blocklist_export";

/// Everything that was published, in its order.
pub(in crate::job) async fn published(lake: &Lake) -> anyhow::Result<Vec<Publication>> {
    match lake.find(Table::BLOCKLIST_EXPORT).await? {
        Some(table) => read(&table.rows(vec![], &[]).await?),
        None => Ok(Vec::new()),
    }
}

/// Writes the last of some publications down; fails when another took its number meanwhile.
pub(super) async fn note(lake: &Lake, publications: &[Publication]) -> anyhow::Result<()> {
    let bars = i64::try_from(standing(publications)?.len())?;
    let publication = publications.last().context("there is a publication to write down")?;
    let Publication { sequence, day, list_sha256, supersedes_sha256, published_at, changes } = publication;
    let (at, mut sheet) = (*published_at, Sheet::new(Table::BLOCKLIST_EXPORT.contract()));
    let mut table = lake.open(Table::BLOCKLIST_EXPORT).await?;
    let row = sheet.row().day(*day).int64(*sequence).text(LIST).int64_or_null(None).text_or_null(None);
    let row = row.text_or_null(None).date_or_null(None).date_or_null(None).text_or_null(None).text_or_null(None);
    let row = row.int64(bars).text(list_sha256).text_or_null(supersedes_sha256.as_deref());
    row.instant(at).end();
    for Change { kind, entry } in changes {
        let row = sheet.row().day(*day).int64(*sequence).text(kind.as_str()).int64(digits(entry.number));
        let row = row.text(entry.action.as_str()).text(&entry.reason).day(entry.from).day(entry.until);
        let row = row.text(&entry.case_id).text_or_null(entry.detections.as_deref());
        row.int64_or_null(None).text_or_null(None).text_or_null(None).instant(at).end();
    }
    let span = Span { app_id: APP_ID.to_owned(), from: sequence - 1, until: *sequence };
    let noted = table.append(&[sheet.finish()], &[span]).await;
    noted.with_context(|| format!("writing down publication {sequence} of the block list"))?;
    Ok(())
}

/// Publications as their table has them.
fn read(batches: &[RecordBatch]) -> anyhow::Result<Vec<Publication>> {
    let mut by_sequence: BTreeMap<i64, Publication> = BTreeMap::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let sequence = column::SEQUENCE.of(batch)?.value(row);
            let publication = by_sequence.entry(sequence).or_insert_with(|| Publication {
                sequence,
                day: Day::from_epoch_days(0),
                list_sha256: String::new(),
                supersedes_sha256: None,
                published_at: 0,
                changes: Vec::new(),
            });
            let word = column::CHANGE.of(batch)?.value(row);
            match Kind::ALL.into_iter().find(|kind| kind.as_str() == word) {
                Some(kind) => publication.changes.push(Change { kind, entry: entry(batch, row)? }),
                None => {
                    ensure!(word == LIST, "blocklist_export knows no change \"{word}\"");
                    publication.day = Day::from_epoch_days(column::DAY.of(batch)?.value(row));
                    column::LIST_SHA256.of(batch)?.value(row).clone_into(&mut publication.list_sha256);
                    publication.supersedes_sha256 = decide::text(column::SUPERSEDES_SHA256.of(batch)?, row);
                    publication.published_at = column::PUBLISHED_AT.of(batch)?.value(row);
                }
            }
        }
    }
    let mut publications: Vec<Publication> = by_sequence.into_values().collect();
    for publication in &mut publications {
        publication.changes.sort_by_key(|change| change.entry.number);
    }
    Ok(publications)
}

fn entry(batch: &RecordBatch, row: usize) -> anyhow::Result<Entry> {
    Ok(Entry {
        number: decide::number(column::NUMBER.of(batch)?.value(row))?,
        action: column::ACTION.of(batch)?.value(row).parse().map_err(anyhow::Error::msg)?,
        reason: column::REASON.of(batch)?.value(row).to_owned(),
        from: Day::from_epoch_days(column::FROM_DAY.of(batch)?.value(row)),
        until: Day::from_epoch_days(column::UNTIL_DAY.of(batch)?.value(row)),
        case_id: column::CASE_ID.of(batch)?.value(row).to_owned(),
        detections: decide::text(column::DETECTIONS.of(batch)?, row),
    })
}
