//! `manifest.json`: what a package is, which weeks it follows, and from what it was made.
//!
//! In: what the files of a package came to. Out: one JSON text. Never: an instant that is not the lake's own.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::coverage::Sum;
use crate::domain::day::{Day, Week};
use crate::domain::lang::Lang;

/// The file.
pub const FILE: &str = "manifest.json";
/// What kind of file it is, and which version of that kind.
pub const SCHEMA: &str = "callsieve/regulator-package/1";

/// What `manifest.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: String,
    /// For whom it was made, by the name in `pipelines/export/regulator_week.toml`.
    pub recipient: String,
    /// The same for people.
    pub recipient_doc: String,
    /// The language of page and workbook; not said of English, as in packages of before there was another.
    #[serde(default, skip_serializing_if = "is_english")]
    pub lang: Lang,
    /// The ISO week.
    pub week: String,
    /// Its first day.
    pub from: Day,
    /// The first day after it.
    pub until: Day,
    /// Where its days begin and end.
    pub time_zone: String,
    /// Counts the packages of a recipient, from 1.
    pub sequence: i64,
    /// The package of the same week that this one takes the place of.
    pub supersedes: Option<i64>,
    /// The package before it.
    pub previous: Option<Previous>,
    /// When its rows were computed, UTC.
    pub computed_at: String,
    /// Version of callsieve that made it.
    pub code_version: String,
    /// Columns of the lists, of those of `regulator_week`.
    pub columns: Vec<String>,
    /// Counts of reports below it are hidden; null in packages of before they were told.
    #[serde(default)]
    pub least_reports: Option<u64>,
    /// Rows of `numbers.csv` by verdict.
    pub verdicts: BTreeMap<String, u64>,
    /// Every file but this one, the sums and their signature.
    pub files: Vec<Listed>,
    /// Versions of the tables that it was read from.
    pub tables: BTreeMap<String, i64>,
    /// Hashes of the definitions that computed the week's days, by table.
    pub definitions: BTreeMap<String, BTreeSet<String>>,
    /// What became of the week's input, by topic; `coverage.csv` has its ranges.
    pub coverage: BTreeMap<String, Sum>,
}

/// The package before one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Previous {
    /// Its week.
    pub week: String,
    /// Its number.
    pub sequence: i64,
    /// SHA-256 of its manifest, hex.
    pub manifest_sha256: String,
}

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// SHA-256, hex.
    pub sha256: String,
    /// Its size.
    pub size_bytes: u64,
    /// Rows below its header, of a CSV file.
    pub rows: Option<u64>,
}

fn is_english(lang: &Lang) -> bool {
    *lang == Lang::En
}

impl Manifest {
    /// The text of the file.
    pub fn text(&self) -> anyhow::Result<String> {
        Ok(format!("{}\n", serde_json::to_string_pretty(self)?))
    }

    /// Reads it back.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let manifest: Self = serde_json::from_str(text)?;
        anyhow::ensure!(manifest.schema == SCHEMA, "it is {}, and this program reads {SCHEMA}", manifest.schema);
        Ok(manifest)
    }

    /// The week.
    pub fn week(&self) -> Week {
        self.from.week()
    }

    /// The line that is signed along with the sums.
    pub fn comment(&self) -> String {
        format!(
            "callsieve regulator package, recipient {}, week {}, sequence {}",
            self.recipient, self.week, self.sequence
        )
    }
}
