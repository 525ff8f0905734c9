//! Citizens' reports to 156 and 5656, tickets of agents who took a call, and forms.
//!
//! In: `wire::CitizenReport`, the readers of report texts that the job hands over, and the site's keys. Out: rows of
//! `citizen_report`, with what a citizen words freely sealed where there is a key. Never: refuses a text for its wording:
//! what cannot be read is a row for a person to read; seals what a definition reads.

use arrow::array::{RecordBatch, StringArray};

use super::reject::{Reason, Refusal};
use super::row::{Cells, Place, Topical, cell, filled, not_empty, number, one_of};
use crate::domain::province;
use crate::domain::report::{Kind, Level, Name, Read, Reading, Source};
use crate::domain::seal::Seal;
use crate::schema::column::{Column, citizen_report as column};
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::schema::wire::CitizenReport;

const CHANNELS: [&str; 6] = ["sms_156", "sms_5656", "voice", "web", "app", "vneid"];

/// What a form may call a report, and the keyword by which a text says so.
const KINDS: [(Kind, &str); 3] = [(Kind::SpamCall, "V"), (Kind::SpamSms, "S"), (Kind::ScamCall, "LD")];

/// Numbers that one report accuses, at most: nobody's word is held against a whole phone book that was pasted.
const MOST_ACCUSED: usize = 5;

pub(super) struct Rows {
    sheet: Sheet,
    read: Read,
    name: Name,
    seal: Seal,
}

impl Rows {
    pub(super) fn with_capacity((read, name): (Read, Name), seal: Seal, rows: usize) -> Self {
        Self { sheet: Sheet::with_capacity(Table::CITIZEN_REPORT.contract(), rows), read, name, seal }
    }

    /// The row of a report that reads like this.
    fn row(&mut self, wire: &CitizenReport<'_>, reading: &Reading<'_>, at: &Place<'_>) -> Result<(), Refusal> {
        let reporter = number("reporter", &wire.reporter)?;
        let day = at.day("reported_at", wire.reported_at)?;
        let source = reading.source().and_then(Source::number).map(cell);
        let Accused { numbers, is_cut } = Accused::of(reading, reporter);
        // Who reports the own number has mistaken it for the caller's.
        let needs_human = reading.needs_human || source == Some(reporter) || is_cut;
        let scam_form = reading.story.as_ref().map(|story| story.form);

        let close =
            |column: Column<StringArray>, words| self.seal.close_text(&place(column.name, &wire.report_id), words);
        let source_raw = reading.source_raw.map(|words| close(column::SOURCE_RAW, words));
        let is_clear = wire.source.as_deref().and_then(filled).is_none() && is_order(reading);
        let content = if is_clear { reading.content.into() } else { close(column::CONTENT, reading.content) };
        let message = self.seal.has_key().then(|| close(column::MESSAGE, &wire.text));
        let entities = entities((self.name)(reading.content), reading);
        let sources = (!numbers.is_empty() && numbers.iter().ne(&source)).then(|| joined(&numbers));
        let province = wire.province.as_deref().and_then(province::read);

        let row = self.sheet.row().day(day).text(&wire.report_id).text(&wire.channel).int64(reporter);
        let row = row.text(reading.kind.as_str()).text(reading.source_kind()).int64_or_null(source);
        let row = row.text_or_null(source_raw.as_deref()).text(&content).boolean(needs_human);
        let row = at.cells(row.instant(wire.reported_at));
        let row = row.text_or_null(scam_form).int32(reading.level as i32);
        let row = row.instant_or_null(wire.called_at).text_or_null(wire.evidence.as_deref().and_then(filled));
        let row = row.text_or_null(message.as_deref()).text_or_null(entities.as_deref()).text_or_null(province);
        row.text_or_null(sources.as_deref()).end();
        Ok(())
    }
}

/// Whom a report accuses.
struct Accused {
    /// E.164 digits, in the order of the message.
    numbers: Vec<i64>,
    /// Whether the message names more.
    is_cut: bool,
}

impl Accused {
    fn of(reading: &Reading<'_>, reporter: i64) -> Self {
        let mut accused = Self { numbers: vec![], is_cut: false };
        if !reading.kind.is_report() {
            return accused;
        }
        for number in reading.sources.iter().filter_map(Source::number).map(cell) {
            // The own number beside others is a slip that must not count as a wrong report; it would also stay behind
            // when the reporter is erased.
            if number == reporter || accused.numbers.contains(&number) {
                continue;
            }
            if accused.numbers.len() == MOST_ACCUSED {
                accused.is_cut = true;
                break;
            }
            accused.numbers.push(number);
        }
        accused
    }
}

fn joined(numbers: &[i64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
    numbers.join("|")
}

/// What the content names, all numbers that are reported beside the first, beyond those that are accused, too, and who is
/// accused by a name or a short code: `source_raw`, which has it, is sealed.
fn entities(named: Option<String>, reading: &Reading<'_>) -> Option<String> {
    let mut all: Vec<String> = named.iter().flat_map(|named| named.split('|')).map(str::to_owned).collect();
    for number in reading.sources.iter().skip(1).filter_map(Source::number) {
        let entity = format!("number:{}", cell(number));
        if !all.contains(&entity) {
            all.push(entity);
        }
    }
    let sender = |source: &Source| match source {
        Source::Name(name) | Source::Short(name) => Some(format!("sender:{name}")),
        _ => None,
    };
    if reading.kind.is_report() {
        all.extend(reading.sources.iter().filter_map(sender));
    }
    (!all.is_empty()).then(|| all.join("|"))
}

/// The place to which what is sealed of a report belongs.
pub fn place(column: &str, report_id: &str) -> String {
    format!("citizen_report.{column}/{report_id}")
}

/// An order about the do-not-call register is no wording: its content is a letter or nothing, and a definition reads it.
fn is_order(reading: &Reading<'_>) -> bool {
    matches!(reading.kind, Kind::DncRegister | Kind::DncCancel) && reading.level == Level::Exact
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
            source: cells.text_or_null()?,
            kind: cells.text_or_null()?,
            called_at: cells.long_or_null()?,
            evidence: cells.text_or_null()?,
            province: cells.text_or_null()?,
        })
    }

    fn push(&mut self, wire: CitizenReport<'_>, at: &Place<'_>) -> Result<(), Refusal> {
        not_empty("report_id", &wire.report_id)?;
        one_of("channel", &wire.channel, &CHANNELS)?;
        let form = Form::of(&wire, at)?;
        let text = (self.read)(&wire.text);
        let Some(source) = form.source else {
            let kind = form.kind.unwrap_or(text.kind);
            // What a form calls a scam tells its story as behind the keyword, which the text may not have.
            let story = match kind {
                Kind::ScamCall if text.kind != kind => (self.read)(&format!("LD {}", wire.text)).story.or(text.story),
                _ => text.story,
            };
            return self.row(&wire, &Reading { kind, story, ..text }, at);
        };
        // A form that does not say what it is about is what its text says.
        let kind = form.kind.unwrap_or(text.kind);
        let keyword = KINDS.iter().find(|(known, _)| *known == kind).map_or("V", |(_, keyword)| keyword);
        let official = format!("{keyword} [{source}][{}]", wire.text);
        let told = (self.read)(&official);
        // `so la` in the field names nobody, and the report is one all the same.
        let is_unread = told.sources.is_empty();
        let level = if is_unread { Level::Unread } else { Level::Exact };
        let needs_human = told.needs_human || is_unread || !kind.is_report();
        let (source_raw, content) = (Some(source), wire.text.as_ref());
        self.row(&wire, &Reading { kind, source_raw, content, level, needs_human, ..told }, at)
    }

    fn finish(&mut self) -> RecordBatch {
        self.sheet.finish()
    }
}

/// What a channel with fields of their own says in them.
struct Form<'a> {
    /// A source is read as that of a text in the official form, so that a name or a short code means the same on every
    /// channel.
    source: Option<&'a str>,
    kind: Option<Kind>,
}

impl<'a> Form<'a> {
    fn of(wire: &'a CitizenReport<'_>, place: &Place<'_>) -> Result<Self, Refusal> {
        // A call of later is a slip of the citizen's pen, which report_check knows.
        if let Some(at) = wire.called_at {
            place.day("called_at", at)?;
        }
        let kind = wire.kind.as_deref().and_then(filled).map(|word| {
            let known = KINDS.iter().map(|(kind, _)| *kind).find(|kind| kind.as_str() == word);
            known.ok_or_else(|| Refusal::new(Reason::UnknownWord, "kind"))
        });
        Ok(Self { source: wire.source.as_deref().and_then(filled), kind: kind.transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;

    use super::*;
    use crate::decode::{Decoder, Options};
    use crate::domain::message::{Message, Messages};
    use crate::domain::number::Number;
    use crate::domain::report::Story;
    use crate::schema::topic::Topic;

    /// A reader of one word, or of the first bracket: the number that is reported, or `TCTM`.
    fn read(text: &str) -> Reading<'_> {
        let story = Story { form: "tax_office", evidence: vec![], impersonated: None, targets: &[] };
        let word = text.split(['[', ']']).nth(1).unwrap_or(text);
        let (kind, sources, story) = match Number::parse_given(word) {
            Some(number) => (Kind::ScamCall, vec![Source::Number(number)], Some(story)),
            None if word.len() < text.len() => (Kind::ScamCall, vec![], None),
            None => (Kind::DomainLookup, vec![Source::Domain("example.vn".to_owned())], None),
        };
        let level = Level::OneBracket;
        Reading { kind, sources, source_raw: Some(text), content: "", level, story, needs_human: false }
    }

    const RECEIVED: i64 = 1_736_136_000_000_000;

    fn report(text: &str) -> CitizenReport<'_> {
        CitizenReport {
            report_id: "r".into(),
            channel: "sms_156".into(),
            reporter: "0912345678".into(),
            text: text.into(),
            reported_at: RECEIVED,
            source: None,
            kind: None,
            called_at: None,
            evidence: None,
            province: None,
        }
    }

    fn form(text: &str) -> CitizenReport<'_> {
        CitizenReport {
            channel: "vneid".into(),
            source: Some("0913456789".into()),
            kind: Some("spam_sms".into()),
            called_at: Some(RECEIVED - 1),
            evidence: Some("2025/a.jpg 2025/b.amr".into()),
            province: Some("tỉnh Bắc Giang".into()),
            ..report(text)
        }
    }

    fn pushed(reports: Vec<CitizenReport<'_>>) -> Result<RecordBatch, Refusal> {
        pushed_with(Seal::default(), read, reports)
    }

    fn pushed_with(seal: Seal, read: Read, reports: Vec<CitizenReport<'_>>) -> Result<RecordBatch, Refusal> {
        let message = Message { partition: 0, offset: 0, kafka_at: None, key: None, payload: None, headers: None };
        let place = Place::new(&message, "test/0", Options::default(), RECEIVED);
        let name: Name = |text| text.contains("vay").then(|| "number:84913456789".to_owned());
        let mut rows = Rows::with_capacity((read, name), seal, reports.len());
        reports.into_iter().try_for_each(|report| rows.push(report, &place))?;
        Ok(rows.finish())
    }

    fn decoded(texts: &[&str]) -> RecordBatch {
        pushed(texts.iter().copied().map(report).collect()).unwrap()
    }

    #[test]
    fn a_field_of_its_own_stands_before_the_text_which_is_kept() {
        let text = "LD [0914567890][doi no]";
        let batch = pushed(vec![form(text), CitizenReport { source: None, kind: None, ..form(text) }]).unwrap();
        let (kind, source) = (column::KIND.of(&batch).unwrap(), column::SOURCE.of(&batch).unwrap());
        let (raw, content) = (column::SOURCE_RAW.of(&batch).unwrap(), column::CONTENT.of(&batch).unwrap());
        assert_eq!((kind.value(0), source.value(0)), ("spam_sms", 84_913_456_789));
        assert_eq!((raw.value(0), content.value(0)), ("0913456789", text));
        assert_eq!((kind.value(1), source.value(1)), ("scam_call", 84_914_567_890));
        assert_eq!(column::CALLED_AT.of(&batch).unwrap().value(0), RECEIVED - 1);
        assert_eq!(column::EVIDENCE.of(&batch).unwrap().value(0), "2025/a.jpg 2025/b.amr");
    }

    #[test]
    fn a_province_has_its_name_of_today_and_one_that_is_none_costs_no_report() {
        let batch = pushed(vec![form("a"), CitizenReport { province: Some("Paris".into()), ..form("b") }, report("c")]);
        let province = column::PROVINCE.of(batch.as_ref().unwrap()).unwrap().clone();
        assert_eq!((province.value(0), province.is_null(1), province.is_null(2)), ("Bắc Ninh", true, true));
    }

    #[test]
    fn a_form_that_does_not_say_what_it_is_about_goes_to_a_person_where_its_text_does_not_either() {
        let batch = pushed(vec![
            CitizenReport { kind: None, ..form("LD [0914567890][doi no]") },
            CitizenReport { kind: None, ..form("TCTM") },
        ]);
        let needs_human = column::NEEDS_HUMAN.of(batch.as_ref().unwrap()).unwrap().clone();
        assert!(!needs_human.value(0) && needs_human.value(1));
    }

    #[test]
    fn what_a_citizen_left_blank_or_named_oddly_costs_no_report() {
        let told = "LD [0914567890][doi no]";
        let batch = pushed(vec![
            CitizenReport { source: Some("?".into()), ..form("quang cao") },
            CitizenReport { source: Some(" ".into()), kind: Some("".into()), evidence: Some("".into()), ..form(told) },
            CitizenReport { called_at: Some(RECEIVED + 1), ..form(told) },
        ])
        .unwrap();
        let (source, raw) = (column::SOURCE.of(&batch).unwrap(), column::SOURCE_RAW.of(&batch).unwrap());
        let (needs_human, level) = (column::NEEDS_HUMAN.of(&batch).unwrap(), column::PARSE_LEVEL.of(&batch).unwrap());
        assert_eq!((source.is_null(0), raw.value(0), needs_human.value(0), level.value(0)), (true, "?", true, 5));
        assert_eq!((source.value(1), needs_human.value(1)), (84_914_567_890, false));
        assert_eq!(column::KIND.of(&batch).unwrap().value(1), "scam_call", "as the text says");
        assert!(column::EVIDENCE.of(&batch).unwrap().is_null(1));
        assert_eq!(column::CALLED_AT.of(&batch).unwrap().value(2), RECEIVED + 1);
    }

    /// A reader that finds a story behind the keyword of a scam alone.
    fn accused(text: &str) -> Reading<'_> {
        let story = Story { form: "fake_shipper", evidence: vec![], impersonated: None, targets: &[] };
        Reading { story: text.starts_with("LD ").then_some(story), ..order(text) }
    }

    #[test]
    fn what_a_form_calls_a_scam_is_read_as_one() {
        let told = |kind: &'static str| CitizenReport { kind: Some(kind.into()), ..report("giao hang") };
        let batch = pushed_with(Seal::default(), accused, vec![told("scam_call"), told("spam_call")]).unwrap();
        let form = column::SCAM_FORM.of(&batch).unwrap();
        assert_eq!((form.value(0), form.is_null(1)), ("fake_shipper", true));
    }

    #[test]
    fn a_field_with_a_bad_value_is_refused_and_named() {
        type Spoil = fn(&mut CitizenReport<'_>);
        let cases: [(Spoil, Reason, &str); 4] = [
            (|report| report.channel = "fax".into(), Reason::UnknownWord, "channel"),
            (|report| report.kind = Some("unparsed".into()), Reason::UnknownWord, "kind"),
            (|report| report.called_at = Some(0), Reason::TooOld, "called_at"),
            (|report| report.called_at = Some(i64::MAX), Reason::TooFarAhead, "called_at"),
        ];
        for (spoil, reason, field) in cases {
            let mut report = form("quang cao");
            spoil(&mut report);
            assert_eq!(pushed(vec![report]).unwrap_err(), Refusal::new(reason, field));
        }
    }

    /// A message in Confluent framing, by a contract that ends with the receipt.
    fn by_the_contract_of_before() -> Vec<u8> {
        let mut payload = vec![0, 0, 0, 0, 7];
        for text in ["r", "sms_156", "0912345678", "0913456789"] {
            payload.push(u8::try_from(2 * text.len()).unwrap());
            payload.extend(text.as_bytes());
        }
        let mut left = 2 * u64::try_from(RECEIVED).unwrap();
        while left > 0x7f {
            payload.push(u8::try_from(left & 0x7f).unwrap() | 0x80);
            left >>= 7;
        }
        payload.push(u8::try_from(left).unwrap());
        payload
    }

    #[test]
    fn a_sender_that_writes_by_the_contract_of_before_is_read_still() {
        let mut contract: serde_json::Value = serde_json::from_str(Topic::CitizenReport.avro()).unwrap();
        contract["fields"].as_array_mut().unwrap().truncate(5);
        let mut decoder = Decoder::new(Topic::CitizenReport, "citizen_report", Options::default(), read);
        decoder.teach(7, Some(&contract.to_string()));
        let payload = by_the_contract_of_before();
        let payload = Some(payload.as_slice());
        let mut messages = Messages::default();
        messages.push(Message { partition: 0, offset: 0, kafka_at: None, key: None, payload, headers: None });
        let decoded = decoder.decode(&messages, "test/0", RECEIVED).unwrap();
        assert_eq!(decoded.records(), 1, "{:?}", decoded.reasons);
        let batch = &decoded.rows[0];
        assert_eq!(column::SOURCE.of(batch).unwrap().value(0), 84_913_456_789);
        assert!(column::CALLED_AT.of(batch).unwrap().is_null(0));
        assert!(column::EVIDENCE.of(batch).unwrap().is_null(0));
    }

    #[test]
    fn who_reports_the_own_number_is_read_by_a_person() {
        let batch = decoded(&["0913456789", "0912345678"]);
        let needs_human = column::NEEDS_HUMAN.of(&batch).unwrap();
        assert!(!needs_human.value(0) && needs_human.value(1));
    }

    #[test]
    fn only_a_report_has_a_number_and_a_story() {
        let batch = decoded(&["0913456789", "TCTM"]);
        let source = column::SOURCE.of(&batch).unwrap();
        let form = column::SCAM_FORM.of(&batch).unwrap();
        assert_eq!((source.value(0), form.value(0)), (84_913_456_789, "tax_office"));
        assert!(source.is_null(1) && form.is_null(1));
        assert_eq!(column::SOURCE_KIND.of(&batch).unwrap().value(1), "domain");
        assert_eq!(column::PARSE_LEVEL.of(&batch).unwrap().value(0), 2);
    }

    /// A reader that finds two numbers, and the second in the content too where there is one.
    fn two(text: &str) -> Reading<'_> {
        let sources = ["0914567890", "0913456789"].into_iter().filter_map(Number::parse_given).map(Source::Number);
        Reading { kind: Kind::SpamCall, sources: sources.collect(), ..order(text) }
    }

    #[test]
    fn whoever_is_reported_beside_the_first_is_named_once() {
        let batch = pushed_with(Seal::default(), two, vec![report("moi mua"), report("moi vay")]).unwrap();
        let entities = column::ENTITIES.of(&batch).unwrap();
        assert_eq!((entities.value(0), entities.value(1)), ("number:84913456789", "number:84913456789"));
        assert_eq!(column::SOURCE.of(&batch).unwrap().value(0), 84_914_567_890);
    }

    /// A reader that finds every number between spaces, behind a sender's name where there is one.
    fn list(text: &str) -> Reading<'_> {
        let source = |word: &str| match word {
            "BANK" => Some(Source::Name("BANK".to_owned())),
            "SOMEBODY" => Some(Source::Person),
            word => Number::parse_given(word).map(Source::Number),
        };
        let kind = if text.starts_with("FW") { Kind::AdCopy } else { Kind::SpamCall };
        Reading { kind, sources: text.split(' ').filter_map(source).collect(), ..order(text) }
    }

    #[test]
    fn a_list_accuses_five_numbers_and_never_its_reporters_own() {
        let many = ["0914567890", "0914567891", "0914567892", "0914567893", "0914567894", "0914567895"].join(" ");
        let five = "84914567890|84914567891|84914567892|84914567893|84914567894";
        let cases: [(&str, Option<&str>, bool); 9] = [
            ("0914567890", None, false),
            ("0914567890 0914567891 0914567890", Some("84914567890|84914567891"), false),
            ("0914567890 0912345678", None, false),
            ("0912345678 0914567890", Some("84914567890"), true),
            ("0912345678", None, true),
            ("BANK 0914567890", Some("84914567890"), false),
            ("BANK 0912345678", None, false),
            (many.as_str(), Some(five), true),
            ("FW 0914567890 0914567891", None, false),
        ];
        let texts = cases.map(|(text, ..)| text);
        let batch = pushed_with(Seal::default(), list, texts.iter().copied().map(report).collect()).unwrap();
        let (sources, needs_human) = (column::SOURCES.of(&batch).unwrap(), column::NEEDS_HUMAN.of(&batch).unwrap());
        for (row, (text, expected, is_for_people)) in cases.into_iter().enumerate() {
            let found = sources.is_valid(row).then(|| sources.value(row));
            assert_eq!((found, needs_human.value(row)), (expected, is_for_people), "{text}");
        }
        let entities = column::ENTITIES.of(&batch).unwrap().value(7);
        assert!(entities.ends_with("|number:84914567895"), "{entities}: the sixth is named all the same");
    }

    #[test]
    fn who_is_accused_by_name_is_named_and_whose_advertisement_is_copied_is_not() {
        let texts = vec![report("BANK 0914567890"), report("BANK"), report("FW BANK"), report("SOMEBODY")];
        let batch = pushed_with(Seal::default(), list, texts).unwrap();
        let entities = column::ENTITIES.of(&batch).unwrap();
        let named = (entities.value(0), entities.value(1), entities.is_null(2));
        assert_eq!(named, ("number:84914567890|sender:BANK", "sender:BANK", true), "sender_day reads it");
        let kind = column::SOURCE_KIND.of(&batch).unwrap().value(3);
        assert_eq!((kind, entities.is_null(3)), ("person", true), "nobody's own name stands in clear");
    }

    /// A reader that finds `V`, or all of it.
    fn order(text: &str) -> Reading<'_> {
        let kind = if text == "V" { Kind::DncRegister } else { Kind::Unparsed };
        let level = if text == "V" { Level::Exact } else { Level::Unread };
        let (sources, source_raw) = (vec![], (text != "V").then_some(text));
        Reading { kind, sources, source_raw, content: text, level, story: None, needs_human: false }
    }

    #[test]
    fn words_are_sealed_and_what_definitions_read_is_not() {
        let seal = Seal::new(&["07".repeat(32)]).unwrap();
        let blank = CitizenReport { source: Some(" ".into()), ..report("V") };
        let reports = vec![report("moi vay 0913456789"), report("V"), blank];
        let batch = pushed_with(seal.clone(), order, reports).unwrap();
        for (handle, expected) in [
            (column::CONTENT, ["moi vay 0913456789", "V"]),
            (column::MESSAGE, ["moi vay 0913456789", "V"]),
            (column::SOURCE_RAW, ["moi vay 0913456789", ""]),
        ] {
            let name = handle.name;
            let values = handle.of(&batch).unwrap();
            assert!(!values.value(0).contains("vay"), "{name}");
            for (row, expected) in expected.into_iter().enumerate() {
                let opened = seal.reveal_text(&place(name, "r"), values.value(row));
                assert_eq!(opened.as_deref(), Some(expected), "{name}");
            }
        }
        let content = column::CONTENT.of(&batch).unwrap();
        assert_eq!((content.value(1), content.value(2)), ("V", "V"), "ad_refusal reads it");
        assert_eq!(column::KIND.of(&batch).unwrap().value(0), "unparsed");
        let entities = column::ENTITIES.of(&batch).unwrap();
        assert_eq!((entities.value(0), entities.is_null(1)), ("number:84913456789", true), "report_entity reads it");
        let clear = pushed_with(Seal::default(), order, vec![report("moi vay")]).unwrap();
        assert_eq!(column::CONTENT.of(&clear).unwrap().value(0), "moi vay");
        assert!(column::MESSAGE.of(&clear).unwrap().is_null(0), "kept sealed or not at all");
    }
}
