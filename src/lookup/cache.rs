//! What a registry said a while ago.
//!
//! In: answers with the instant of the question. Out: the same, for as long as they are believed. Never: keeps that a
//! registry could not be asked; fails a look-up because its file cannot be written.

use std::collections::HashMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::registry::{Options, Outcome, Told};

#[derive(Debug)]
pub(super) struct Cache {
    kept: HashMap<String, Told>,
    file: Option<PathBuf>,
    keep_us: i64,
    keep_unknown_us: i64,
}

/// A line of the file; the last one of a domain counts.
#[derive(Serialize, Deserialize)]
struct Line {
    domain: String,
    #[serde(flatten)]
    told: Told,
}

const SECOND_US: i64 = 1_000_000;

/// Answers in memory; a carrier is asked for a few hundred domains a day.
const MOST: usize = 100_000;

/// Lines that say nothing any more, before the file is written anew.
const STALE_LINES: usize = 1_000;

impl Cache {
    /// Reads the file, if there is one.
    pub(super) fn open(options: &Options, now: i64) -> anyhow::Result<Self> {
        let mut cache = Self {
            kept: HashMap::new(),
            file: options.cache.clone(),
            keep_us: options.keep_secs.saturating_mul(SECOND_US),
            keep_unknown_us: options.keep_unknown_secs.saturating_mul(SECOND_US),
        };
        let Some(path) = options.cache.as_deref().filter(|path| path.exists()) else { return Ok(cache) };
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let mut lines = 0;
        for line in text.lines() {
            lines += 1;
            // The last line may have been cut off.
            if let Ok(line) = serde_json::from_str::<Line>(line) {
                cache.kept.insert(line.domain, line.told);
            }
        }
        cache.forget_stale(now);
        if lines > cache.kept.len() + STALE_LINES {
            cache.write_anew(path).with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(cache)
    }

    /// The answer for a domain, if it is still believed.
    pub(super) fn get(&self, domain: &str, now: i64) -> Option<Told> {
        self.kept.get(domain).filter(|told| self.is_fresh(told, now)).cloned()
    }

    /// Keeps an answer.
    pub(super) fn keep(&mut self, domain: &str, told: &Told) {
        let Some(asked_at) = told.asked_at.filter(|_| self.lifetime_us(told) > 0) else { return };
        if self.kept.len() >= MOST {
            self.forget_stale(asked_at.timestamp_micros());
        }
        if self.kept.len() < MOST {
            self.kept.insert(domain.to_owned(), told.clone());
        }
        let line = Line { domain: domain.to_owned(), told: told.clone() };
        if let Some(Err(error)) = self.file.as_deref().map(|path| append(path, &line)) {
            warn!(%error, "a registry's answer is kept in memory only");
        }
    }

    fn lifetime_us(&self, told: &Told) -> i64 {
        match told.outcome {
            Outcome::Found(_) => self.keep_us,
            Outcome::NotFound => self.keep_unknown_us,
            Outcome::Unavailable { .. } | Outcome::NotAsked => 0,
        }
    }

    fn is_fresh(&self, told: &Told, now: i64) -> bool {
        let age_us = told.asked_at.map(|at| now.saturating_sub(at.timestamp_micros()));
        age_us.is_some_and(|age_us| (0..self.lifetime_us(told)).contains(&age_us))
    }

    fn forget_stale(&mut self, now: i64) {
        let mut kept = std::mem::take(&mut self.kept);
        kept.retain(|_, told| self.is_fresh(told, now));
        self.kept = kept;
    }

    fn write_anew(&self, path: &Path) -> anyhow::Result<()> {
        let aside = path.with_extension("new");
        if aside.exists() {
            std::fs::remove_file(&aside)?;
        }
        for (domain, told) in &self.kept {
            append(&aside, &Line { domain: domain.clone(), told: told.clone() })?;
        }
        Ok(std::fs::rename(&aside, path)?)
    }
}

/// One write for one line, so that two processes may share a file.
fn append(path: &Path, line: &Line) -> anyhow::Result<()> {
    let mut file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    Ok(file.write_all(text.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::lookup::registry::Record;

    fn told(outcome: Outcome, now: i64) -> Told {
        Told { outcome, by: Some("vn".to_owned()), asked_at: DateTime::from_timestamp_micros(now) }
    }

    fn found(holder: &str) -> Outcome {
        Outcome::Found(Record { holder: Some(holder.to_owned()), ..Record::default() })
    }

    fn options(file: &Path) -> Options {
        Options { cache: Some(file.to_owned()), keep_secs: 60, keep_unknown_secs: 5, ..Options::default() }
    }

    #[test]
    fn a_record_outlives_its_process_and_no_lifetime() {
        let folder = tempfile::tempdir().unwrap();
        let options = options(&folder.path().join("vn.jsonl"));
        let mut cache = Cache::open(&options, 0).unwrap();
        cache.keep("a.vn", &told(found("A"), 0));
        cache.keep("a.vn", &told(found("B"), SECOND_US));
        cache.keep("b.vn", &told(Outcome::NotFound, 0));
        cache.keep("c.vn", &told(Outcome::Unavailable { why: "off".to_owned() }, 0));
        let cache = Cache::open(&options, SECOND_US).unwrap();
        assert_eq!(cache.get("a.vn", 60 * SECOND_US), Some(told(found("B"), SECOND_US)));
        assert_eq!(cache.get("a.vn", 61 * SECOND_US), None);
        assert_eq!(cache.get("b.vn", 4 * SECOND_US), Some(told(Outcome::NotFound, 0)));
        assert_eq!(cache.get("b.vn", 5 * SECOND_US), None);
        assert_eq!(cache.get("c.vn", 0), None);
    }

    #[test]
    fn a_file_of_stale_lines_is_written_anew_and_a_cut_line_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vn.jsonl");
        let options = options(&path);
        let mut cache = Cache::open(&options, 0).unwrap();
        for _ in 0..=STALE_LINES {
            cache.keep("a.vn", &told(found("A"), 0));
        }
        cache.keep("b.vn", &told(found("B"), 0));
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"domain\":\"c.vn\"").unwrap();
        let cache = Cache::open(&options, 0).unwrap();
        assert_eq!(cache.kept.len(), 2);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    }
}
