//! The regulator's weekly package: lists, workbook, page, manifest, sums and signature in one folder.
//!
//! In: rows, runs of input, and facts about them. Out: a folder that is the same to the last byte for the same input.
//! Never: reads a table, a clock or a setting; publishes by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::chart::Chart;
use super::corrections::Corrections;
use super::coverage::{self, Run};
use super::figures::Figures;
use super::folder::{Aside, Hashing, Written};
use super::manifest::{self, Listed, Manifest, Previous};
use super::precision::Measured;
use super::rows::Rows;
use super::sign::SecretKey;
use super::trend::Trend;
use super::{page, sums, workbook};
use crate::domain::day::Week;
use crate::domain::lang::Lang;
use crate::schema::column::regulator_week as column;

/// The list of numbers.
pub const NUMBERS: &str = "numbers.csv";
/// What has changed in weeks that were told of before.
pub const CORRECTIONS: &str = "corrections.csv";
/// What became of the input.
pub const COVERAGE: &str = "coverage.csv";
/// Reports by form of fraud and province.
pub const TRENDS: &str = "trends.csv";
/// The figures to read, with what each column means.
pub const PAGE: &str = "report.html";
const WORKBOOK: &str = "numbers.xlsx";

/// What a package is, beside its rows.
#[derive(Debug, Clone)]
pub struct Head {
    /// For whom, by name.
    pub recipient: String,
    /// The same for people.
    pub recipient_doc: String,
    /// The language of its page and of what people read in its workbook.
    pub lang: Lang,
    /// The week.
    pub week: Week,
    /// Its number.
    pub sequence: i64,
    /// The package of the same week whose place it takes.
    pub supersedes: Option<i64>,
    /// The package before it.
    pub previous: Option<Previous>,
    /// When its rows were computed.
    pub computed_at: String,
    /// What reviewers had found by then of its week and of the one before.
    pub precision: Vec<Measured>,
    /// Reports of the week by form of fraud and province, as far as they may be told.
    pub trend: Trend,
    /// Versions of the tables that it was read from.
    pub tables: BTreeMap<String, i64>,
    /// Hashes of the definitions behind it.
    pub definitions: BTreeMap<String, BTreeSet<String>>,
}

/// What a package was written as.
#[derive(Debug)]
pub struct Hashes {
    /// SHA-256 of its manifest, hex, which names it.
    pub manifest_sha256: String,
    /// The same of its numbers, by which the next export knows them again.
    pub numbers_sha256: String,
}

/// Everything that a package says.
#[derive(Debug)]
pub struct Contents {
    /// What it is.
    pub head: Head,
    /// The numbers, cut to the recipient's columns.
    pub numbers: Rows,
    /// The figures of the numbers.
    pub charts: Vec<Chart>,
    /// What has changed in earlier weeks.
    pub corrections: Corrections,
    /// What became of the input.
    pub runs: Vec<Run>,
}

impl Contents {
    /// The contents, with the figures of this week beside those of the one before.
    pub fn new(head: Head, numbers: Rows, before: &Figures, corrections: Corrections, runs: Vec<Run>) -> Self {
        let charts = Figures::of(&numbers, head.week).charts(before, (head.lang, &head.trend.titles));
        Self { head, numbers, charts, corrections, runs }
    }

    /// Writes every file of the package.
    pub fn write(&self, aside: &Aside, key: Option<&SecretKey>) -> anyhow::Result<Hashes> {
        let (lists, workbook) = self.lists_and_workbook(aside)?;
        let numbers_sha256 = lists.numbers.sha256.clone();
        let files = vec![
            listed(lists.corrections, Some(self.corrections.len())),
            listed(lists.coverage, Some(self.runs.len())),
            listed(lists.numbers, Some(self.numbers.len())),
            listed(workbook, None),
            listed(lists.page, None),
            listed(lists.trends, Some(self.head.trend.lines.len())),
        ];
        let manifest = self.manifest(files);
        let written = aside.write(manifest::FILE, |out| Ok(out.write_all(manifest.text()?.as_bytes())?))?;
        let mut hashes: BTreeMap<String, String> =
            manifest.files.iter().map(|file| (file.name.clone(), file.sha256.clone())).collect();
        hashes.insert(written.name, written.sha256.clone());
        sums::seal(aside, &hashes, &manifest.comment(), key)?;
        Ok(Hashes { manifest_sha256: written.sha256, numbers_sha256 })
    }

    /// The workbook is most of the work, and shares nothing with the others but the rows: a core of its own writes them
    /// meanwhile. Where they cannot be written the workbook ends too; where it cannot, they are soon done.
    fn lists_and_workbook(&self, aside: &Aside) -> anyhow::Result<(Lists, Written)> {
        let has_failed = AtomicBool::new(false);
        let (lists, workbook) = thread::scope(|scope| {
            let lists = scope.spawn(|| {
                let lists = self.lists(aside);
                has_failed.store(lists.is_err(), Ordering::Relaxed);
                lists
            });
            let workbook = aside.write(WORKBOOK, |out| workbook::write(self, aside.path(), &has_failed, out));
            (lists.join().unwrap_or_else(|panic| resume_unwind(panic)), workbook)
        });
        // First what the workbook may have ended for.
        Ok((lists?, workbook?))
    }

    fn lists(&self, aside: &Aside) -> anyhow::Result<Lists> {
        Ok(Lists {
            numbers: aside.write(NUMBERS, |out| self.numbers.csv(out))?,
            corrections: aside.write(CORRECTIONS, |out| self.corrections.csv(&self.numbers, out))?,
            coverage: aside.write(COVERAGE, |out| coverage::csv(&self.runs, out))?,
            trends: aside.write(TRENDS, |out| self.head.trend.csv(out))?,
            page: aside.write(PAGE, |out| Ok(out.write_all(page::html(self).as_bytes())?))?,
        })
    }

    fn manifest(&self, files: Vec<Listed>) -> Manifest {
        let head = self.head.clone();
        let monday = head.week.monday();
        Manifest {
            schema: manifest::SCHEMA.to_owned(),
            recipient: head.recipient,
            recipient_doc: head.recipient_doc,
            lang: head.lang,
            week: head.week.to_string(),
            from: monday,
            until: monday.plus(7),
            time_zone: "Asia/Ho_Chi_Minh".to_owned(),
            sequence: head.sequence,
            supersedes: head.supersedes,
            previous: head.previous,
            computed_at: head.computed_at,
            code_version: env!("CARGO_PKG_VERSION").to_owned(),
            least_reports: Some(head.trend.least),
            columns: self.numbers.columns().iter().map(|column| column.name.clone()).collect(),
            verdicts: self.numbers.counts(column::VERDICT.name).unwrap_or_default(),
            files,
            tables: head.tables,
            definitions: head.definitions,
            coverage: coverage::sums(&self.runs),
        }
    }
}

/// The files beside the workbook.
struct Lists {
    numbers: Written,
    corrections: Written,
    coverage: Written,
    trends: Written,
    page: Written,
}

fn listed(written: Written, rows: Option<usize>) -> Listed {
    let Written { name, sha256, size_bytes } = written;
    Listed { name, sha256, size_bytes, rows: rows.map(|rows| rows as u64) }
}

/// What the list of some numbers hashes to, without writing it.
pub fn numbers_sha256(numbers: &Rows) -> anyhow::Result<String> {
    let mut hashing = Hashing::new(std::io::sink());
    numbers.csv(&mut hashing)?;
    Ok(hashing.finish().1)
}

#[cfg(test)]
pub(super) mod tests;
