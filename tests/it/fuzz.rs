//! Spoilt messages of every topic: decode loses count of none, and neither fails nor panics.
//!
//! In: a day of the synthetic operator, each message bent a little. Out: failures. Never: different bytes for the same
//! seed. `CALLSIEVE_FUZZ_SECS=1200 CALLSIEVE_FUZZ_SEED=7 cargo test --test it fuzz` goes on for as long.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow_avro::writer::AvroWriter;
use callsieve::clock::Stopwatch;
use callsieve::decode::{Decoder, Format, Options, avro};
use callsieve::domain::message::{Message, Messages};
use callsieve::schema::csv::Csv;
use callsieve::schema::topic::Topic;
use callsieve::source::folder;
use callsieve::source::synthetic::{Operator, Options as OperatorOptions};
use callsieve::text;
use parquet::arrow::ArrowWriter;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const BATCH: usize = 64;
/// Rounds when no time is asked for.
const ROUNDS: usize = 200;

fn number<T: std::str::FromStr>(name: &str, default: T) -> T {
    std::env::var_os(name).and_then(|text| text.to_str()?.parse().ok()).unwrap_or(default)
}

/// Rounds with a seeded source of chance, until the time asked for is over.
fn rounds(mut round: impl FnMut(&mut ChaCha8Rng)) {
    let (watch, secs) = (Stopwatch::start(), number("CALLSIEVE_FUZZ_SECS", 0));
    let mut chance = ChaCha8Rng::seed_from_u64(number("CALLSIEVE_FUZZ_SEED", 1));
    let mut done = 0;
    while done < ROUNDS || watch.elapsed() < Duration::from_secs(secs) {
        round(&mut chance);
        done += 1;
    }
    println!("{done} rounds");
}

/// Bodies of every topic as the operator sends them.
fn bodies() -> Vec<(Topic, Vec<u8>)> {
    let options = OperatorOptions { subscribers: 500, history_days: 0, days: 3, ..OperatorOptions::default() };
    let mut operator = Operator::new(options);
    let mut messages = operator.subscribers();
    while let Some(traffic) = operator.next_day() {
        messages.extend(traffic.messages);
    }
    let answer =
        br#"{"request_id":"q1","respondent":"84912345678","answer":"yes","answered_at":"2025-01-06T03:00:00Z"}"#;
    let report = br#"{"report_id":"r1","channel":"sms_5656","reporter":"84912345678","text":"V (0901234567) (\u0111\u00f2i n\u1ee3)","reported_at":"2025-01-06T03:00:00Z"}"#;
    let mut bodies: Vec<_> = messages.into_iter().map(|message| (message.topic, message.payload)).collect();
    let receipt = br#"{"number":"84912345678","action":"bar_both","sequence":1,"case_id":"C-1","state":"done","reported_at":"2025-01-06T03:00:00Z","code":"0"}"#;
    bodies.extend([
        (Topic::SurveyAnswer, answer.to_vec()),
        (Topic::CitizenReport, report.to_vec()),
        (Topic::BlockReceipt, receipt.to_vec()),
    ]);
    bodies
}

/// Bends a body: bytes changed, cut out, doubled, put in, or the tail of another in place of its own.
fn bend(body: &mut Vec<u8>, other: &[u8], chance: &mut ChaCha8Rng) {
    const ODD: [u8; 10] = [0, 1, 0x7f, 0x80, 0xff, b'"', b'{', b'\\', b'(', 0xc3];
    for _ in 0..chance.random_range(0..4) {
        let at = chance.random_range(0..=body.len());
        let end = chance.random_range(at..=body.len().min(at + 12));
        match chance.random_range(0..7) {
            0 if at < body.len() => body[at] ^= 1 << chance.random_range(0..8),
            1 if at < body.len() => body[at] = ODD[chance.random_range(0..ODD.len())],
            2 => drop(body.drain(at..end)),
            3 => body.truncate(at),
            4 => {
                let part = body[at..end].to_vec();
                body.splice(at..at, part);
            }
            // A number of any size, as Avro writes its lengths.
            5 => {
                drop(body.splice(
                    at..at,
                    [0xff; 9][..chance.random_range(0..9)].iter().copied().chain([chance.random::<u8>()]),
                ))
            }
            _ => body.splice(at.., other[other.len().min(at)..].iter().copied()).for_each(drop),
        }
    }
}

#[test]
fn bent_messages_are_rows_or_rejects_and_nothing_else() {
    let bodies = bodies();
    for topic in Topic::ALL {
        assert!(bodies.iter().any(|(of, _)| *of == topic), "no body of {topic}");
    }
    let decoders = Topic::ALL.map(|topic| {
        let mut decoder = Decoder::new(topic, "fuzz", Options::default(), text::report::read);
        for (id, taught) in (1..).zip(Topic::ALL) {
            decoder.teach(id, Some(taught.avro()));
        }
        (topic, decoder)
    });
    rounds(|chance| {
        for (topic, decoder) in &decoders {
            let mine: Vec<_> = bodies.iter().filter(|(of, _)| of == topic).collect();
            let mut messages = Messages::default();
            for offset in 0..BATCH {
                let mut pick = || mine[chance.random_range(0..mine.len())].1.clone();
                let (mut body, other) = (pick(), pick());
                bend(&mut body, &other, chance);
                messages.push(message(offset, &body));
            }
            let decoded = decoder.decode(&messages, "fuzz", 1_736_132_400_000_000).unwrap();
            assert_eq!(decoded.records() + decoded.rejects.num_rows() as u64, BATCH as u64, "{topic}");
        }
    });
}

/// A message of a topic at an offset.
fn message(offset: usize, body: &[u8]) -> Message<'_> {
    let offset = i64::try_from(offset).unwrap();
    Message { partition: 0, offset, kafka_at: None, key: None, payload: Some(body), headers: None }
}

#[test]
fn both_ways_of_reading_avro_give_the_same_rows() {
    let bodies = bodies();
    // Whatever the operator's days are, they are believed.
    let options = Options { max_age_days: i32::from(i16::MAX), ..Options::default() };
    let now = 1_900_000_000_000_000;
    for (id, topic) in (1..).zip(Topic::ALL) {
        let mut one = Decoder::new(topic, "fuzz", options, text::report::read);
        one.teach(id, Some(topic.avro()));
        // A field more than the contract has: only arrow-avro leads from there to the contract.
        let mut schema: serde_json::Value = serde_json::from_str(topic.avro()).unwrap();
        schema["fields"].as_array_mut().unwrap().push(serde_json::json!({ "name": "more", "type": "boolean" }));
        let mut other = Decoder::new(topic, "fuzz", options, text::report::read);
        other.teach(id, Some(&schema.to_string()));
        let plain = Decoder::new(topic, "fuzz", options, text::report::read);
        let plain = plain.with_format(Format::Avro(topic.avro().to_owned())).unwrap();
        let (mut short, mut long, mut bare) = (Messages::default(), Messages::default(), Messages::default());
        let framed = bodies.iter().filter(|(of, body)| *of == topic && body[0] == 0);
        for (offset, (_, body)) in framed.take(5_000).enumerate() {
            short.push(message(offset, body));
            long.push(message(offset, &[&body[..], &[1]].concat()));
            bare.push(message(offset, &body[5..]));
        }
        let decode = |decoder: &Decoder, messages: &Messages| decoder.decode(messages, "fuzz", now).unwrap().rows;
        let rows = decode(&one, &short);
        // Of the others the operator sends few, or JSON.
        let is_sure = matches!(topic, Topic::CallRecord | Topic::SmsRecord);
        assert!(!rows.is_empty() || !is_sure, "no rows of {topic}");
        assert_eq!(rows, decode(&other, &long), "{topic}");
        assert_eq!(rows, decode(&plain, &bare), "{topic}");
    }
}

/// A lot of call records as columns.
fn columns() -> RecordBatch {
    let mut decoder = Decoder::new(Topic::CallRecord, "fuzz", Options::default(), text::report::read);
    decoder.teach(1, Some(Topic::CallRecord.avro()));
    let mut messages = Messages::default();
    for (offset, (_, body)) in bodies().iter().filter(|(of, _)| *of == Topic::CallRecord).take(200).enumerate() {
        messages.push(message(offset, body));
    }
    decoder.decode(&messages, "fuzz", 1_736_132_400_000_000).unwrap().rows.remove(0)
}

#[test]
fn a_bent_avro_or_parquet_file_is_read_or_refused() {
    let columns = columns();
    let mut parquet = ArrowWriter::try_new(Vec::new(), columns.schema(), None).unwrap();
    parquet.write(&columns).unwrap();
    let mut avro = AvroWriter::new(Vec::new(), columns.schema().as_ref().clone()).unwrap();
    avro.write(&columns).unwrap();
    avro.finish().unwrap();
    let sound = [("drop.parquet", parquet.into_inner().unwrap()), ("drop.avro", avro.into_inner())];
    let folder = tempfile::tempdir().unwrap();
    let options = folder::Options {
        topic: "call_record".to_owned(),
        folder: folder.path().to_owned(),
        settle_secs: 0,
        csv: None,
    };
    let read = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let mut bodies = 0;
        folder::read(&folder::Opened::open(&path).unwrap(), &options, avro::walk, |_| {
            bodies += 1;
            Ok(())
        })
        .map(|()| bodies)
    };
    for (name, bytes) in &sound {
        assert_eq!(read(name, bytes).unwrap(), 200, "{name}");
    }
    // A reader that panics costs its file alone, as in the program: it reads on a thread of its own.
    let (mut panics, hook) = (0, std::panic::take_hook());
    std::panic::set_hook(Box::new(|_| {}));
    rounds(|chance| {
        for (name, bytes) in &sound {
            let mut bent = bytes.clone();
            bend(&mut bent, bytes, chance);
            panics += usize::from(std::panic::catch_unwind(|| read(name, &bent).is_ok()).is_err());
        }
    });
    std::panic::set_hook(hook);
    println!("{panics} panics of the readers");
}

#[test]
fn bent_texts_of_reports_are_read_without_harm() {
    let texts = ["V (0901234567) (goi doi no)", "S (VIETCOMBANK) [noi dung]", "LD (0912345678) (gia danh công an)"];
    rounds(|chance| {
        for text in texts {
            let mut bytes = text.as_bytes().to_vec();
            bend(&mut bytes, texts[0].as_bytes(), chance);
            let text = String::from_utf8_lossy(&bytes);
            assert!(text.contains(text::report::read(&text).content), "content is part of the text");
        }
    });
}

#[test]
fn a_bent_csv_file_is_read_or_refused() {
    let csv: Csv = toml::from_str(
        "columns = { record_id = \"id\", caller = \"a\", duration_s = \"s\" }\nintegers = [\"duration_s\"]",
    )
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("drop.csv");
    let options = folder::Options {
        topic: "call_record".to_owned(),
        folder: folder.path().to_owned(),
        settle_secs: 0,
        csv: Some(csv),
    };
    let sound = "id,a,s\n".to_owned() + &"r1,\"0912,345\",60\n".repeat(20);
    rounds(|chance| {
        let mut bytes = sound.clone().into_bytes();
        bend(&mut bytes, sound.as_bytes(), chance);
        std::fs::write(&path, &bytes).unwrap();
        let Ok(Some(layout)) = folder::csv_layout(&folder::Opened::open(&path).unwrap(), &options) else { return };
        let mut lines = Messages::default();
        let read = folder::read(&folder::Opened::open(&path).unwrap(), &options, avro::walk, |line| {
            lines.push(message(lines.len(), line.bytes));
            Ok(())
        });
        assert!(lines.len() <= bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 1);
        if read.is_ok() {
            let decoder = Decoder::new(Topic::CallRecord, "fuzz", Options::default(), text::report::read);
            let decoded =
                decoder.with_format(Format::Csv(Arc::new(layout))).unwrap().decode(&lines, "fuzz", 0).unwrap();
            assert_eq!(decoded.records() + decoded.rejects.num_rows() as u64, lines.len() as u64);
        }
    });
}
