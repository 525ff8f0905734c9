//! Whether a package, or a dossier, is what was signed.
//!
//! In: its folder, a public key, and maybe the package before. Out: everything that is wrong, by file.
//! Never: needs a lake, a network, or the program's settings; follows a link out of the folder.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use super::folder;
use super::manifest::{self, Listed, Manifest};
use super::package::{CORRECTIONS, COVERAGE, NUMBERS, TRENDS};
use super::sign::PublicKey;
use super::{coverage, sums};
use crate::schema::column::regulator_week as column;

mod dossier;

/// What was found.
#[derive(Debug, Serialize)]
pub struct Verdict {
    /// Nothing is wrong.
    pub is_sound: bool,
    /// Nothing is wrong with the package itself, whatever was given as the one before it.
    pub is_as_signed: bool,
    /// Whether a lake makes the same package anew; null where none was asked, or something is wrong before that.
    pub is_made_anew: Option<bool>,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
    /// For whom the package is; null when its manifest cannot be read, as are the next two.
    pub recipient: Option<String>,
    /// Its week.
    pub week: Option<String>,
    /// Its number.
    pub sequence: Option<i64>,
    /// Numbers that it lists.
    pub numbers: Option<u64>,
    /// Name of the key that signed it.
    pub key: String,
    /// Whether the package before it was looked at.
    pub is_chained: bool,
    /// What it is when it is a dossier, which has none of the five before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dossier: Option<dossier::Told>,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Which.
    pub file: String,
    /// What.
    pub what: String,
}

/// Which of them is wrong: exit code 1.
#[derive(Debug, thiserror::Error)]
pub enum Unsound {
    /// The package.
    #[error("the package is not what was signed")]
    Package,
    /// What was given as the one before it.
    #[error(
        "the chain is broken: the package is what was signed, and what --previous names is not the one that it follows"
    )]
    Chain,
    /// The lake that it was held against, or the package of before it was signed.
    #[error("the package is what was signed, and not what the lake makes of the table versions in its manifest")]
    Lake,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.what)
    }
}

fn problem(file: &str, what: impl fmt::Display) -> Problem {
    Problem { file: file.to_owned(), what: what.to_string() }
}

/// Looks at every byte of a package or a dossier.
pub fn verify(package: &Path, key: &PublicKey, previous: Option<&Path>) -> anyhow::Result<Verdict> {
    let entries = entries(package)?;
    if let Some(manifest) = dossier::manifest(package) {
        anyhow::ensure!(previous.is_none(), "a dossier follows no package: leave out --previous");
        return Ok(dossier::verify(package, &manifest, key, &entries));
    }
    let mut problems = Vec::new();
    let manifest = read(package, manifest::FILE).and_then(|text| Manifest::read(&text));
    let comment = manifest.as_ref().ok().map(Manifest::comment);
    let hashes = signed(package, key, &entries, comment.as_deref(), &mut problems);
    let manifest = match manifest {
        Ok(manifest) => Some(manifest),
        Err(error) => {
            problems.push(problem(manifest::FILE, format!("{error:#}")));
            None
        }
    };
    let mut broken = Vec::new();
    if let Some(manifest) = &manifest {
        listed(&manifest.files, &hashes, &entries, &mut problems);
        counted(package, manifest, &mut problems);
        if (manifest.sequence == 1) != manifest.previous.is_none() {
            problems.push(problem(manifest::FILE, "only the first package follows none"));
        }
        if manifest.previous.as_ref().is_some_and(|said| said.sequence.saturating_add(1) != manifest.sequence) {
            problems.push(problem(manifest::FILE, "its number is not the next one behind the package that it follows"));
        }
        broken = previous.map_or_else(|| Ok(Vec::new()), |folder| chained(manifest, key, folder))?;
    }
    let is_as_signed = problems.is_empty();
    problems.extend(broken);
    problems.sort();
    problems.dedup();
    let of = manifest.as_ref();
    Ok(Verdict {
        is_sound: problems.is_empty(),
        is_as_signed,
        is_made_anew: None,
        recipient: of.map(|manifest| manifest.recipient.clone()),
        week: of.map(|manifest| manifest.week.clone()),
        sequence: of.map(|manifest| manifest.sequence),
        numbers: of.map(|manifest| manifest.verdicts.values().sum()),
        key: key.id(),
        is_chained: previous.is_some(),
        dossier: None,
        problems,
    })
}

/// Everything in the folder, with the hash of what is a plain file.
fn entries(package: &Path) -> anyhow::Result<BTreeMap<String, Option<String>>> {
    let mut entries = BTreeMap::new();
    for entry in std::fs::read_dir(package).with_context(|| format!("reading {}", package.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_file = path.symlink_metadata()?.is_file();
        entries.insert(name, if is_file { Some(folder::sha256(&path)?) } else { None });
    }
    Ok(entries)
}

fn read(package: &Path, file: &str) -> anyhow::Result<String> {
    match std::fs::read(package.join(file)) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("it is no text")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => anyhow::bail!("it is missing"),
        Err(error) => Err(error.into()),
    }
}

/// Holds the files against the sums, and the sums against their signature.
fn signed(
    package: &Path,
    key: &PublicKey,
    entries: &BTreeMap<String, Option<String>>,
    comment: Option<&str>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, String> {
    let text = read(package, sums::FILE);
    let hashes = text
        .as_ref()
        .map_or_else(|error| Err(format!("{error:#}")), |text| sums::read(text).map_err(|error| format!("{error:#}")));
    let hashes = hashes.unwrap_or_else(|what| {
        problems.push(problem(sums::FILE, what));
        BTreeMap::new()
    });
    let differing = differing(&hashes, entries);
    let own = [sums::FILE, sums::SIGNATURE];
    let extra = entries.keys().filter(|name| !hashes.contains_key(*name) && !own.contains(&name.as_str()));
    problems.extend(extra.map(|name| problem(name, "it is not part of the package")));
    if let Ok(text) = text {
        match read(package, sums::SIGNATURE).map(|signature| key.verify(text.as_bytes(), &signature)) {
            Err(error) => problems.push(problem(sums::SIGNATURE, format!("{error:#}; nothing vouches for the sums"))),
            // Sums that fit every file were not changed, so their signature was.
            Ok(Err(unsigned)) if differing.is_empty() && !hashes.is_empty() => {
                problems.push(problem(sums::SIGNATURE, unsigned));
            }
            Ok(Err(unsigned)) => problems.push(problem(sums::FILE, unsigned)),
            // A signature names what it is for.
            Ok(Ok(signed)) if comment.is_some_and(|comment| comment != signed) => {
                problems.push(problem(sums::SIGNATURE, format!("it is for another package: {signed}")));
            }
            Ok(Ok(_)) => {}
        }
    }
    problems.extend(differing);
    hashes
}

/// The files that are not those whose sums were written down.
fn differing(hashes: &BTreeMap<String, String>, entries: &BTreeMap<String, Option<String>>) -> Vec<Problem> {
    let what = |(name, sha256): (&String, &String)| match entries.get(name) {
        None => Some(problem(name, "it is missing")),
        Some(None) => Some(problem(name, "it is no plain file")),
        Some(Some(found)) if found == sha256 => None,
        Some(Some(_)) => Some(problem(name, "its bytes differ from those whose sum is in SHA256SUMS")),
    };
    hashes.iter().filter_map(what).collect()
}

/// Holds the manifest against the sums.
fn listed(
    files: &[Listed],
    hashes: &BTreeMap<String, String>,
    entries: &BTreeMap<String, Option<String>>,
    problems: &mut Vec<Problem>,
) {
    for file in files {
        if hashes.get(&file.name) != Some(&file.sha256) {
            problems.push(problem(sums::FILE, format!("it has another sum of {} than the manifest", file.name)));
        }
    }
    let is_listed = |name: &str| files.iter().any(|file| file.name == name);
    for name in hashes.keys().filter(|name| *name != manifest::FILE && !is_listed(name)) {
        problems.push(problem(name, "the manifest does not list it"));
    }
    for file in files.iter().filter(|file| !entries.contains_key(&file.name)) {
        problems.push(problem(&file.name, "it is missing"));
    }
}

/// Counts what the manifest counts.
fn counted(package: &Path, manifest: &Manifest, problems: &mut Vec<Problem>) {
    // A package of before trends were told has none.
    let trends = manifest.files.iter().any(|listed| listed.name == TRENDS).then_some(TRENDS);
    for file in [NUMBERS, CORRECTIONS, COVERAGE].into_iter().chain(trends) {
        let said = manifest.files.iter().find(|listed| listed.name == file).and_then(|listed| listed.rows);
        match verdicts(&package.join(file)) {
            Err(error) => problems.push(problem(file, format!("{error:#}"))),
            Ok((rows, _)) if Some(rows) != said => {
                problems
                    .push(problem(file, format!("it has {rows} rows, and the manifest says {}", said.unwrap_or(0))));
            }
            Ok((_, verdicts)) if file == NUMBERS && verdicts != manifest.verdicts => {
                problems.push(problem(file, "its verdicts are not as many as the manifest says"));
            }
            Ok(_) => {}
        }
    }
    let runs = File::open(package.join(COVERAGE)).context("it is missing").and_then(coverage::read);
    match runs {
        Err(error) => problems.push(problem(COVERAGE, format!("{error:#}"))),
        Ok(runs) => {
            problems.extend(coverage::problems(&runs).iter().map(|what| problem(COVERAGE, what)));
            if coverage::sums(&runs) != manifest.coverage {
                problems.push(problem(COVERAGE, "its sums are not those of the manifest"));
            }
        }
    }
}

/// Rows of a CSV file, and how many of each verdict, where it has any.
fn verdicts(path: &Path) -> anyhow::Result<(u64, BTreeMap<String, u64>)> {
    let mut reader = csv::Reader::from_reader(File::open(path).context("it is missing")?);
    let place = reader.byte_headers()?.iter().position(|name| name == column::VERDICT.name.as_bytes());
    let (mut rows, mut verdicts) = (0, BTreeMap::new());
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record)? {
        rows += 1;
        if let Some(verdict) = place.and_then(|place| record.get(place)) {
            *verdicts.entry(String::from_utf8_lossy(verdict).into_owned()).or_default() += 1;
        }
    }
    Ok((rows, verdicts))
}

/// Holds the manifest against what was given as the package before it: all that is wrong there.
fn chained(manifest: &Manifest, key: &PublicKey, folder: &Path) -> anyhow::Result<Vec<Problem>> {
    let named = |file: &str| format!("{}/{file}", folder.display());
    let Some(said) = &manifest.previous else {
        let what = "the package that is looked at is the first of its recipient and follows no package";
        return Ok(vec![problem(&named(manifest::FILE), what)]);
    };
    let before = verify(folder, key, None)?;
    let mut problems: Vec<Problem> =
        before.problems.iter().map(|found| problem(&named(&found.file), &found.what)).collect();
    let found = folder::sha256(&folder.join(manifest::FILE)).unwrap_or_default();
    if found != said.manifest_sha256 || before.sequence != Some(said.sequence) {
        let is = match (before.sequence, &before.week) {
            (Some(sequence), Some(week)) => format!(", but of package {sequence} ({week})"),
            _ => String::new(),
        };
        let wanted = format!("package {} ({}), which this one follows", said.sequence, said.week);
        let file = named(manifest::FILE);
        problems.push(problem(&file, format!("it is not the manifest of {wanted}{is}")));
    }
    Ok(problems)
}

impl Verdict {
    /// Holds what is sound against what a lake made anew: all that differs there.
    pub fn made_anew(&mut self, problems: Vec<Problem>) {
        self.is_sound = problems.is_empty();
        self.is_made_anew = Some(self.is_sound);
        self.problems = problems;
    }

    /// Fails with what is wrong.
    pub fn ensure_sound(&self) -> Result<(), Unsound> {
        match (self.is_sound, self.is_as_signed, self.is_made_anew) {
            (true, ..) => Ok(()),
            (false, false, _) => Err(Unsound::Package),
            (false, true, None) => Err(Unsound::Chain),
            (false, true, Some(_)) => Err(Unsound::Lake),
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        if let Err(unsound) = self.ensure_sound() {
            let problems: Vec<String> = self.problems.iter().map(|problem| format!("  {problem}\n")).collect();
            let head = match unsound {
                Unsound::Package => "NOT SOUND".to_owned(),
                Unsound::Chain => format!(
                    "THE CHAIN IS BROKEN\n{}; what was given as the one before it is not what it follows, or was \
                     changed:",
                    self.itself()
                ),
                Unsound::Lake => format!(
                    "THE LAKE MAKES ANOTHER PACKAGE\n{}; of the table versions in its manifest the lake makes other \
                     files, or another build of callsieve writes them otherwise:",
                    self.itself()
                ),
            };
            return format!("{head}\n{}", problems.concat().trim_end());
        }
        if let Some(told) = &self.dossier {
            return format!("{told}\nevery file is as it was signed by key {}; the counts hold", self.key);
        }
        let or_none = |text: &Option<String>| text.clone().unwrap_or_default();
        let (recipient, week) = (or_none(&self.recipient), or_none(&self.week));
        let chain =
            if self.is_chained { "it follows the package before" } else { "the package before was not looked at" };
        format!(
            "sound: package {} for {recipient}, week {week}, {} numbers\n\
             every file is as it was signed by key {}; the counts hold; every input offset is counted once; {chain}",
            self.sequence.unwrap_or_default(),
            self.numbers.unwrap_or_default(),
            self.key
        )
    }

    /// What is said of a package that is as it was signed, where what it is held against is not as it should be.
    fn itself(&self) -> String {
        let (sequence, week) = (self.sequence.unwrap_or_default(), self.week.as_deref().unwrap_or_default());
        format!("package {sequence}, week {week}, is itself as it was signed by key {}", self.key)
    }
}
