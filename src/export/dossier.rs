//! The dossier of one number, for an authority that asks: facts as JSON, a page, manifest, sums and signature.
//!
//! In: facts in sections, each row as it may be shown. Out: a folder that is the same to the last byte for the same
//! facts. Never: reads a table or a clock; masks or reveals a number: what it is given, it shows.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use anyhow::ensure;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::section::Section;
use super::folder::{Aside, Written};
use super::manifest::{self, Listed};
use super::sign::SecretKey;
use super::sums;
use crate::domain::day::Day;
use crate::domain::lang::Lang;

mod page;
pub mod section;

/// What kind of manifest it is, and which version of that kind.
pub const SCHEMA: &str = "callsieve/dossier/1";
/// The facts.
pub const FACTS: &str = "dossier.json";
const PAGE: &str = "dossier.html";
/// Longest reference of a request.
const REFERENCE_CHARS: usize = 80;

/// Whose number it was, and of when the dossier tells.
#[derive(Debug, Clone, Serialize)]
pub struct Subscription {
    /// Start of the activation, UTC.
    pub activated_at: String,
    /// Its end, if it has one.
    pub deactivated_at: Option<String>,
    /// prepaid, postpaid or enterprise.
    pub segment: String,
}

/// By whose leave called numbers are shown in clear.
#[derive(Debug, Clone, Serialize)]
pub struct Disclosure {
    /// The provision that the authority refers to.
    pub legal_ref: String,
    /// Who asked for it.
    pub asked_by: String,
    /// Who approved it.
    pub approved_by: String,
    /// Place of the approval in the audit trail.
    pub audit: i64,
}

/// What a dossier is, beside its sections.
#[derive(Debug, Clone, Serialize)]
pub struct Head {
    /// The number.
    pub number: String,
    /// Reference of the request.
    pub case_ref: String,
    /// First day that was asked for.
    pub from: Day,
    /// Last day.
    pub until: Day,
    /// First day of which facts that are kept by the day are told.
    pub first_day: Day,
    /// Last such day.
    pub last_day: Day,
    /// Whether the lake holds anything of the number in these days.
    pub is_known: bool,
    /// The subscription that it tells of; null when the number was none of ours.
    pub subscription: Option<Subscription>,
    /// Other subscriptions of the number in these days, of which it tells nothing.
    pub other_subscriptions: usize,
    /// By whose leave called numbers are in clear; null when they are masked.
    pub disclosure: Option<Disclosure>,
    /// The day that the criteria are explained for; null when none can be.
    pub judged_on: Option<Day>,
    /// How far the score is from the line, and what would clear the number.
    pub clearing: Option<String>,
    /// Why the criteria are not explained.
    pub unexplained: Option<String>,
    /// Why what some reporters wrote is not shown, though numbers are in clear.
    pub closed: Option<String>,
}

/// Everything that a dossier says.
#[derive(Debug)]
pub struct Dossier {
    /// What it is.
    pub head: Head,
    /// The language of its page.
    pub lang: Lang,
    /// The facts.
    pub sections: Vec<Section>,
    /// Versions of the tables that it was read from.
    pub tables: BTreeMap<String, i64>,
    /// Hashes of the definitions that computed its days, by table.
    pub definitions: BTreeMap<String, BTreeSet<String>>,
}

/// What `manifest.json` says of a dossier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: String,
    /// The number.
    pub number: String,
    /// Reference of the request.
    pub case_ref: String,
    /// First day that was asked for.
    pub from: Day,
    /// Last day.
    pub until: Day,
    /// Where days begin and end.
    pub time_zone: String,
    /// Whether called numbers are in clear.
    pub is_revealed: bool,
    /// Version of callsieve that made it.
    pub code_version: String,
    /// Rows of each section.
    pub sections: BTreeMap<String, u64>,
    /// Every file but this one, the sums and their signature.
    pub files: Vec<Listed>,
    /// Versions of the tables that it was read from.
    pub tables: BTreeMap<String, i64>,
    /// Hashes of the definitions that computed its days, by table.
    pub definitions: BTreeMap<String, BTreeSet<String>>,
}

impl Manifest {
    /// Reads it back.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let manifest: Self = serde_json::from_str(text)?;
        ensure!(manifest.schema == SCHEMA, "it is {}, and this is a reader of {SCHEMA}", manifest.schema);
        Ok(manifest)
    }

    /// The line that is signed along with the sums.
    pub fn comment(&self) -> String {
        let Self { case_ref, number, from, until, .. } = self;
        format!("callsieve dossier, case {case_ref}, number {number}, {from} to {until}")
    }
}

/// A reference that can be signed: one line, and not too long.
pub fn check_reference(reference: &str) -> anyhow::Result<()> {
    let is_line = !reference.trim().is_empty() && !reference.chars().any(char::is_control);
    ensure!(
        is_line && reference.chars().count() <= REFERENCE_CHARS,
        "a reference is one line of 1 to {REFERENCE_CHARS} characters"
    );
    Ok(())
}

/// A folder's name for a reference; no two references share one.
pub fn folder_name(reference: &str) -> String {
    let spell = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
        other => format!("_{other:02X}"),
    };
    reference.bytes().map(spell).collect()
}

impl Dossier {
    /// Writes every file; gives back the hash of the manifest.
    pub fn write(&self, aside: &Aside, key: Option<&SecretKey>) -> anyhow::Result<String> {
        let facts = aside.write(FACTS, |out| {
            serde_json::to_writer_pretty(&mut *out, &self.facts()?)?;
            Ok(writeln!(out)?)
        })?;
        let page = aside.write(PAGE, |out| Ok(out.write_all(page::html(self).as_bytes())?))?;
        let manifest = self.manifest(vec![listed(page), listed(facts)]);
        let written =
            aside.write(manifest::FILE, |out| Ok(writeln!(out, "{}", serde_json::to_string_pretty(&manifest)?)?))?;
        let files = manifest.files.iter().map(|file| (file.name.clone(), file.sha256.clone()));
        let sums = files.chain([(written.name, written.sha256.clone())]).collect();
        sums::seal(aside, &sums, &manifest.comment(), key)?;
        Ok(written.sha256)
    }

    /// How many rows a section has.
    pub fn rows(&self, key: &str) -> usize {
        self.sections.iter().find(|section| section.kind.key == key).map_or(0, |section| section.rows.len())
    }

    fn facts(&self) -> anyhow::Result<Value> {
        let mut facts = serde_json::to_value(&self.head)?;
        let sections: serde_json::Map<String, Value> =
            self.sections.iter().map(|section| (section.kind.key.to_owned(), section.json())).collect();
        if let Value::Object(facts) = &mut facts {
            facts.insert("sections".to_owned(), Value::Object(sections));
        }
        Ok(facts)
    }

    fn manifest(&self, files: Vec<Listed>) -> Manifest {
        let head = &self.head;
        Manifest {
            schema: SCHEMA.to_owned(),
            number: head.number.clone(),
            case_ref: head.case_ref.clone(),
            from: head.from,
            until: head.until,
            time_zone: "Asia/Ho_Chi_Minh".to_owned(),
            is_revealed: head.disclosure.is_some(),
            code_version: env!("CARGO_PKG_VERSION").to_owned(),
            sections: self
                .sections
                .iter()
                .map(|section| (section.kind.key.to_owned(), section.rows.len() as u64))
                .collect(),
            files,
            tables: self.tables.clone(),
            definitions: self.definitions.clone(),
        }
    }
}

fn listed(written: Written) -> Listed {
    let Written { name, sha256, size_bytes } = written;
    Listed { name, sha256, size_bytes, rows: None }
}

#[cfg(test)]
mod tests;
