//! Whether a dossier is what was signed.
//!
//! In: its folder and a public key. Out: everything that is wrong, by file. Never: needs what a package has beside its
//! seal: a week, a sequence, a package before it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::{Problem, Verdict, listed, problem, read, signed};
use crate::domain::day::Day;
use crate::export::dossier::{FACTS, Manifest};
use crate::export::manifest;
use crate::export::sign::PublicKey;

/// What a dossier is, by its manifest.
#[derive(Debug, Serialize)]
pub struct Told {
    /// Reference of the request.
    pub case_ref: String,
    /// First day.
    pub from: Day,
    /// Last day.
    pub until: Day,
    /// Whether called numbers are in clear.
    pub is_revealed: bool,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case_ref, from, until, is_revealed } = self;
        let parties = if *is_revealed { "other parties in clear" } else { "other parties masked" };
        write!(f, "sound: dossier for {case_ref}, {from} to {until}, {parties}")
    }
}

/// The manifest, if the folder is a dossier.
pub(super) fn manifest(folder: &Path) -> Option<Manifest> {
    read(folder, manifest::FILE).ok().and_then(|text| Manifest::read(&text).ok())
}

pub(super) fn verify(
    folder: &Path,
    manifest: &Manifest,
    key: &PublicKey,
    entries: &BTreeMap<String, Option<String>>,
) -> Verdict {
    let mut problems = Vec::new();
    let hashes = signed(folder, key, entries, Some(&manifest.comment()), &mut problems);
    listed(&manifest.files, &hashes, entries, &mut problems);
    problems.extend(counted(folder, manifest));
    problems.sort();
    problems.dedup();
    Verdict {
        is_sound: problems.is_empty(),
        is_as_signed: problems.is_empty(),
        is_made_anew: None,
        recipient: None,
        week: None,
        sequence: None,
        numbers: None,
        key: key.id(),
        is_chained: false,
        dossier: Some(Told {
            case_ref: manifest.case_ref.clone(),
            from: manifest.from,
            until: manifest.until,
            is_revealed: manifest.is_revealed,
        }),
        problems,
    }
}

/// Counts what the manifest counts.
fn counted(folder: &Path, manifest: &Manifest) -> Vec<Problem> {
    let facts = read(folder, FACTS).and_then(|text| Ok(serde_json::from_str::<Value>(&text)?));
    let facts = match facts {
        Ok(facts) => facts,
        Err(error) => return vec![problem(FACTS, format!("{error:#}"))],
    };
    let wrong = |(section, said): (&String, &u64)| {
        let rows = facts["sections"][section].as_array().map_or(0, Vec::len) as u64;
        let what = || format!("it has {rows} rows in {section}, and the manifest says {said}");
        (rows != *said).then(|| problem(FACTS, what()))
    };
    manifest.sections.iter().filter_map(wrong).collect()
}
