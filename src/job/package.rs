//! `export regulator`: the weekly package, from the lake's tables.
//!
//! In: `regulator_week`, what the books say of its input, what reviewers found, the trends of the reports, and what was
//! published before. Out: a published folder, and a row of `package` from which it can be made again. Never: gives two
//! packages of a recipient one number; shows a package that is not written down; takes one away that another follows.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Serialize;
use serde_json::json;

use self::sources::{Issued, Sources, TABLES, issued};
use super::desk::handout::Trail;
use crate::clock::Clock;
use crate::domain::day::Week;
use crate::domain::lang::Lang;
use crate::export::folder::{self, Aside};
use crate::export::manifest::{self, Manifest};
use crate::export::package::{Contents, Hashes, Head, PAGE, TRENDS, numbers_sha256};
use crate::export::page::redefined;
use crate::export::recipient::Recipient;
use crate::export::sign::SecretKey;
use crate::export::sums;
use crate::export::verify::Problem;
use crate::lake::Lake;
use crate::pipeline::definition::Definitions;
use crate::schema::contract::Table;

mod sources;

/// What was published.
#[derive(Debug, Serialize)]
pub struct Packaged {
    /// The folder.
    pub folder: PathBuf,
    /// For whom.
    pub recipient: String,
    /// The ISO week.
    pub week: String,
    /// Its number.
    pub sequence: i64,
    /// Numbers in it.
    pub rows: usize,
    /// SHA-256 of its manifest, hex.
    pub manifest_sha256: String,
    /// Whether it carries a signature.
    pub is_signed: bool,
    /// Whether anything changed; a second export of the same rows changes nothing.
    pub is_changed: bool,
    /// Where the package is by now that stood in the folder before, if it was another.
    pub kept: Option<PathBuf>,
}

/// A package of a format from before this program's, which can be verified and not made anew.
#[derive(Debug, thiserror::Error)]
#[error(
    "the package cannot be made anew and was not compared: its format is older than this program's, and it lacks \
     {lacks} (it was made by callsieve {by}); that is no sign of a change: whether it is what was signed is said without \
     --recompute"
)]
pub struct OlderFormat {
    lacks: String,
    by: String,
}

/// A package by another build than this, which says in other words what columns mean: its other bytes prove nothing.
#[derive(Debug, thiserror::Error)]
#[error(
    "the package cannot be compared: another build of callsieve made it (version {by}), which defines {columns} in \
     other words; made anew, these files have other bytes, and whether only for that this build cannot tell: \
     {differing}; that is no sign of a change: whether it is what was signed is said without --recompute, and the build \
     that made it can compare it"
)]
pub struct OtherBuild {
    by: String,
    columns: String,
    differing: String,
}

/// A package that is wanted.
#[derive(Debug, Clone)]
pub struct Order {
    /// The week.
    pub week: Week,
    /// For whom, by the name in the definition.
    pub recipient: String,
    /// The same for people.
    pub doc: String,
    /// The language of what people read in it.
    pub lang: Lang,
    /// The columns.
    pub columns: Vec<String>,
    /// Counts of reports below it are hidden.
    pub least_reports: u64,
}

impl Order {
    /// A package for one of the recipients that the definition knows.
    pub fn new(definitions: &Definitions, week: Week, name: &str) -> anyhow::Result<Self> {
        let known = &definitions.get(Table::REGULATOR_WEEK)?.facts.recipient;
        let recipient = known.get(name).with_context(|| {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            format!("no recipient \"{name}\" in regulator_week.toml; there are {}", names.join(", "))
        })?;
        let Recipient { doc, lang, columns, least_reports, .. } = recipient.clone();
        Ok(Self { week, recipient: name.to_owned(), doc, lang, columns, least_reports })
    }
}

/// Publishes `OUT/RECIPIENT/WEEK`. The same numbers as the last time are the same package, to the last byte; a week
/// that is corrected is another one, and the package before it moves to `OUT/RECIPIENT/WEEK.SEQUENCE`.
pub async fn publish(
    lake: &Lake,
    order: &Order,
    out: &Path,
    key: Option<&SecretKey>,
    (trail, clock): (Trail<'_>, Clock),
) -> anyhow::Result<Packaged> {
    let mut sources = Sources::newest(lake).await?;
    let root = out.join(&order.recipient);
    let issued = issued(&sources.packages, &order.recipient).await?;
    let last = issued.iter().rev().find(|issued| issued.week == order.week.monday());
    if let Some(last) = last {
        let now = numbers_sha256(&sources.numbers(order.week).await?.cut(&order.columns)?)?;
        if now == last.numbers_sha256 {
            match again(lake, order, last, &root, key).await {
                Ok((contents, aside)) => {
                    let manifest_sha256 = last.manifest_sha256.clone();
                    tell(&contents, &manifest_sha256, &root, trail, clock).await?;
                    return done(&contents, manifest_sha256, aside, &root, key);
                }
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(
                        sequence = last.sequence,
                        error,
                        "package cannot be made again, it gets a new number"
                    );
                }
            }
        }
    }
    let contents = sources.contents(lake, order, &root).await?;
    let (aside, hashes) = write(&contents, &root, key)?;
    tell(&contents, &hashes.manifest_sha256, &root, trail, clock).await?;
    sources.note(&contents, &hashes, clock).await?;
    done(&contents, hashes.manifest_sha256, aside, &root, key)
}

/// Makes a package once more from the versions that it was read from.
async fn again(
    lake: &Lake,
    order: &Order,
    issued: &Issued,
    root: &Path,
    key: Option<&SecretKey>,
) -> anyhow::Result<(Contents, Aside)> {
    let contents = Sources::at(lake, &issued.tables).await?.contents(lake, order, root).await?;
    let (aside, hashes) = write(&contents, root, key)?;
    ensure!(hashes.manifest_sha256 == issued.manifest_sha256, "its manifest has other bytes by this program");
    Ok((contents, aside))
}

/// Writes down at the desk that a package is about to leave.
async fn tell(
    contents: &Contents,
    manifest_sha256: &str,
    root: &Path,
    trail: Trail<'_>,
    clock: Clock,
) -> anyhow::Result<()> {
    let Head { recipient, week, sequence, .. } = &contents.head;
    let week = week.to_string();
    let detail = json!({
        "out": root.join(&week).display().to_string(), "recipient": recipient, "week": week, "sequence": sequence,
        "numbers": contents.numbers.len(), "manifest_sha256": manifest_sha256,
    });
    trail.tell("export_regulator", clock.now(), &detail).await
}

fn write(contents: &Contents, root: &Path, key: Option<&SecretKey>) -> anyhow::Result<(Aside, Hashes)> {
    let aside = Aside::open(root, &contents.head.week.to_string())?;
    let hashes = contents.write(&aside, key)?;
    Ok((aside, hashes))
}

fn done(
    contents: &Contents,
    manifest_sha256: String,
    aside: Aside,
    root: &Path,
    key: Option<&SecretKey>,
) -> anyhow::Result<Packaged> {
    let head = &contents.head;
    let kept = keep(head, &manifest_sha256, root)?;
    Ok(Packaged {
        folder: root.join(head.week.to_string()),
        recipient: head.recipient.clone(),
        week: head.week.to_string(),
        sequence: head.sequence,
        rows: contents.numbers.len(),
        manifest_sha256,
        is_signed: key.is_some(),
        is_changed: aside.publish()?,
        kept,
    })
}

/// Copies another package that stands where one is about to appear: it can still be verified, and so can the one that
/// follows it. It stands in both places until then, so that no kill loses it.
fn keep(head: &Head, manifest_sha256: &str, root: &Path) -> anyhow::Result<Option<PathBuf>> {
    let place = root.join(head.week.to_string());
    let path = place.join(manifest::FILE);
    let Some(found) = folder::sha256(&path).ok().filter(|found| found != manifest_sha256) else { return Ok(None) };
    let standing = std::fs::read_to_string(&path).ok().and_then(|text| Manifest::read(&text).ok());
    let Some(standing) = standing else { return Ok(None) };
    let own = format!("{}.{}", head.week, standing.sequence);
    let aside = Aside::open(root, &own)?;
    for name in folder::files(&place)?.into_keys() {
        let mut source =
            File::open(place.join(&name)).with_context(|| format!("reading {name} of {}", place.display()))?;
        aside.write(&name, |out| Ok(std::io::copy(&mut source, out).map(drop)?))?;
    }
    // Another export of the week was faster, and has kept it itself: what was copied may be of what took its place.
    if folder::sha256(&path)? != found {
        return Ok(None);
    }
    aside.publish()?;
    Ok(Some(root.join(own)))
}

/// Makes a package anew from the table versions that its manifest names, and names every file that has other bytes;
/// fails with [`OlderFormat`] where the package says too little for that, and with [`OtherBuild`] where it defines its
/// columns otherwise.
pub async fn recompute(lake: &Lake, package: &Path) -> anyhow::Result<Vec<Problem>> {
    let path = package.join(manifest::FILE);
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let manifest = Manifest::read(&text)?;
    let Manifest { ref recipient, ref recipient_doc, lang, ref columns, least_reports, .. } = manifest;
    let lacks = lacking(&manifest).join(", ");
    if !lacks.is_empty() {
        return Err(OlderFormat { lacks, by: manifest.code_version }.into());
    }
    let order = Order {
        week: manifest.week(),
        recipient: recipient.clone(),
        doc: recipient_doc.clone(),
        lang,
        columns: columns.clone(),
        least_reports: least_reports.with_context(|| format!("{} says no least_reports", path.display()))?,
    };
    let scratch = tempfile::tempdir()?;
    let contents = Sources::at(lake, &manifest.tables).await?.contents(lake, &order, scratch.path()).await?;
    let (aside, _) = write(&contents, scratch.path(), None)?;
    let differs = |name: &String| -> anyhow::Result<bool> {
        Ok(folder::sha256(&aside.path().join(name))? != folder::sha256(&package.join(name))?)
    };
    let mut problems = Vec::new();
    let made = folder::files(aside.path())?;
    for name in made.keys() {
        if differs(name)? {
            let by = &manifest.code_version;
            let what = format!("made anew from the lake it has other bytes (it was made by callsieve {by})");
            problems.push(Problem { file: name.clone(), what });
        }
    }
    let more = folder::files(package)?.into_keys().filter(|name| !made.contains_key(name) && name != sums::SIGNATURE);
    problems.extend(more.map(|file| Problem { file, what: "the lake makes no such file".to_owned() }));
    let page = |folder: &Path| -> anyhow::Result<String> {
        let path = folder.join(PAGE);
        std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    };
    let redefined = redefined(columns, &page(package)?, &page(aside.path())?);
    if redefined.is_empty() {
        return Ok(problems);
    }
    let differing: Vec<String> = problems.into_iter().map(|problem| problem.file).collect();
    let (columns, differing) = (redefined.join(", "), differing.join(", "));
    Err(OtherBuild { by: manifest.code_version, columns, differing }.into())
}

/// What a package of an older format lacks.
fn lacking(manifest: &Manifest) -> Vec<String> {
    let has_trends = manifest.files.iter().any(|listed| listed.name == TRENDS);
    let mut lacking: Vec<String> = (!has_trends).then(|| TRENDS.to_owned()).into_iter().collect();
    let unsaid = TABLES.iter().filter(|table| !manifest.tables.contains_key(table.name()));
    lacking.extend(unsaid.map(|table| format!("in {} the version of table {table}", manifest::FILE)));
    lacking
}

#[cfg(test)]
mod tests;
