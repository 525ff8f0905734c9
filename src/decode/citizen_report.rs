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

#[cfg(test)]
mod tests {
    use arrow::array::Array;

    use super::*;
    use crate::decode::Options;
    use crate::domain::message::Message;
    use crate::domain::number::Number;
    use crate::domain::report::{Kind, Level, Reading, Source, Story};
    use crate::schema::column::citizen_report;

    /// A reader of one word: the number that is reported, or `TCTM`.
    fn read(text: &str) -> Reading<'_> {
        let story = Story { form: "tax_office", evidence: vec![], impersonated: None, targets: &[] };
        let (kind, sources, story) = match Number::parse_given(text) {
            Some(number) => (Kind::ScamCall, vec![Source::Number(number)], Some(story)),
            None => (Kind::DomainLookup, vec![Source::Domain("example.vn".to_owned())], None),
        };
        let level = Level::OneBracket;
        Reading { kind, sources, source_raw: Some(text), content: "", level, story, needs_human: false }
    }

    fn decoded(texts: &[&str]) -> RecordBatch {
        let message = Message { partition: 0, offset: 0, kafka_at: None, key: None, payload: None, headers: None };
        let place = Place::new(&message, "test/0", Options::default(), 1_736_136_000_000_000);
        let mut rows = Rows::with_capacity(read, texts.len());
        for text in texts {
            let wire = CitizenReport {
                report_id: "r".into(),
                channel: "sms_156".into(),
                reporter: "0912345678".into(),
                text: (*text).into(),
                reported_at: 1_736_136_000_000_000,
            };
            assert!(rows.push(wire, &place).is_ok());
        }
        rows.finish()
    }

    #[test]
    fn who_reports_the_own_number_is_read_by_a_person() {
        let batch = decoded(&["0913456789", "0912345678"]);
        let needs_human = citizen_report::NEEDS_HUMAN.of(&batch).unwrap();
        assert!(!needs_human.value(0) && needs_human.value(1));
    }

    #[test]
    fn only_a_report_has_a_number_and_a_story() {
        let batch = decoded(&["0913456789", "TCTM"]);
        let source = citizen_report::SOURCE.of(&batch).unwrap();
        let form = citizen_report::SCAM_FORM.of(&batch).unwrap();
        assert_eq!((source.value(0), form.value(0)), (84_913_456_789, "tax_office"));
        assert!(source.is_null(1) && form.is_null(1));
        assert_eq!(citizen_report::SOURCE_KIND.of(&batch).unwrap().value(1), "domain");
        assert_eq!(citizen_report::PARSE_LEVEL.of(&batch).unwrap().value(0), 2);
    }
}
