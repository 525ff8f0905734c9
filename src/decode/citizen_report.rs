//! Citizens' reports to 156 and 5656.
//!
//! In: `wire::CitizenReport`, and the reader of report texts that the job hands over. Out: rows of
//! `citizen_report`. Never: refuses a text for its wording: what cannot be read is a row for a person to read.

use arrow::array::RecordBatch;

use super::reject::{Reason, Refusal};
use super::row::{Cells, Place, Topical, cell, not_empty, number, one_of};
use crate::domain::report::{Read, Source};
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::schema::wire::CitizenReport;

const CHANNELS: [&str; 5] = ["sms_156", "sms_5656", "voice", "web", "app"];

pub(super) struct Rows {
    sheet: Sheet,
    read: Read,
}

impl Rows {
    pub(super) fn with_capacity(read: Read, rows: usize) -> Self {
        Self { sheet: Sheet::with_capacity(Table::CITIZEN_REPORT.contract(), rows), read }
    }
}

impl Topical for Rows {
    type Wire<'a> = CitizenReport<'a>;

    fn wire<'a>(cells: &mut impl Cells<'a>) -> Result<CitizenReport<'a>, Reason> {
        Ok(CitizenReport {
            report_id: cells.text()?,
            channel: cells.text()?,
            reporter: cells.text()?,
            text: cells.text()?,
            reported_at: cells.long()?,
        })
    }

    fn push(&mut self, wire: CitizenReport<'_>, place: &Place<'_>) -> Result<(), Refusal> {
        not_empty("report_id", &wire.report_id)?;
        one_of("channel", &wire.channel, &CHANNELS)?;
        let reporter = number("reporter", &wire.reporter)?;
        let day = place.day("reported_at", wire.reported_at)?;
        let reading = (self.read)(&wire.text);
        let source = reading.source().and_then(Source::number).map(cell);
        // Who reports the own number has mistaken it for the caller's.
        let needs_human = reading.needs_human || source == Some(reporter);
        let scam_form = reading.story.as_ref().map(|story| story.form);

        let row = self.sheet.row().day(day).text(&wire.report_id).text(&wire.channel).int64(reporter);
        let row = row.text(reading.kind.as_str()).text(reading.source_kind()).int64_or_null(source);
        let row = row.text_or_null(reading.source_raw).text(reading.content).boolean(needs_human);
        let row = place.cells(row.instant(wire.reported_at));
        row.text_or_null(scam_form).int32(reading.level as i32).end();
        Ok(())
    }

    fn finish(&mut self) -> RecordBatch {
        self.sheet.finish()
    }
}
