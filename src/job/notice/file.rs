//! The files that the SMS gateway is handed.
//!
//! In: messages, or the folder of those that were published before. Out: their rows, or the messages of a file. Never:
//! gives a message that is published again another id.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use serde::Deserialize;

use crate::domain::day::Day;
use crate::domain::sms;

/// One message, in the order in which they are published.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) struct Message {
    pub number: i64,
    pub case_id: String,
    pub action: String,
    pub text: String,
}

/// A file of a day that is named.
pub(super) struct Named {
    pub batch: i64,
    pub folder: PathBuf,
    pub messages: Vec<Message>,
}

/// The files of a day that were published and not written down, from a batch on.
pub(super) fn left(root: &Path, day: Day, from: i64) -> anyhow::Result<Vec<Named>> {
    let mut files = Vec::new();
    for batch in from.. {
        let folder = root.join(format!("{day}.{batch}"));
        let file = folder.join("notices.csv");
        if !file.exists() {
            break;
        }
        let reading = || format!("reading {}", file.display());
        let messages = csv::Reader::from_path(&file).with_context(reading)?.into_deserialize();
        let messages = messages.collect::<Result<Vec<Message>, _>>().with_context(reading)?;
        files.push(Named { batch, folder, messages });
    }
    Ok(files)
}

/// The file for the gateway.
pub(super) fn rows(messages: &[Message], name: &str) -> anyhow::Result<RecordBatch> {
    let text = |cell: fn(&Message) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(messages.iter().map(cell)))
    };
    let count =
        |cell: fn(&Message) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(messages.iter().map(cell))) };
    let ids: ArrayRef = Arc::new(StringArray::from_iter_values(messages.iter().map(|message| id(name, message))));
    let columns = [
        ("notice_id", ids),
        ("number", count(|message| message.number)),
        ("action", text(|message| message.action.clone())),
        ("case_id", text(|message| message.case_id.clone())),
        ("text", text(|message| message.text.clone())),
        ("messages", count(|message| parts(&message.text))),
        ("plain_text", text(|message| sms::plain(&message.text))),
        ("plain_messages", count(|message| parts(&sms::plain(&message.text)))),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}

/// By which the gateway knows a message again; a file that is published again has the same ones.
fn id(name: &str, message: &Message) -> String {
    format!("{}/{}/{name}", message.case_id, message.action)
}

/// Short messages that a text takes.
fn parts(text: &str) -> i64 {
    i64::try_from(sms::parts(text)).unwrap_or(i64::MAX)
}
