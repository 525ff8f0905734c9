//! A published folder as it is sent: its files, each with its hash, in the order in which they go.
//!
//! In: a folder. Out: its files, those that say what the others are behind them. Never: takes a folder for whole whose
//! bytes are not those that it names; hands out bytes that have changed since.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::Failed;
use crate::export::blocklist::file::SCHEMA as BLOCK_LIST;
use crate::export::{folder, manifest, sums};

/// What stands for a manifest beside a list.
const SUMMARY: &str = "summary.json";
/// Hex digits of its id in a folder's name at the target.
const HASH_DIGITS: usize = 12;

/// A folder that can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    folder: PathBuf,
    /// `KIND/NAME`, as it was published.
    pub name: String,
    /// SHA-256 of what says what its files are, hex.
    pub manifest_sha256: String,
    /// Its files in the order in which they are sent.
    pub files: Vec<Item>,
}

/// A file of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// SHA-256, hex.
    pub sha256: String,
    /// Its size.
    pub size_bytes: u64,
}

/// A folder that is not as it says it is.
#[derive(Debug, thiserror::Error)]
#[error("{folder} is not whole, and nothing of it is sent: {}; export it once more", .problems.join("; "))]
pub struct NotWhole {
    folder: String,
    /// Everything that is wrong, by file.
    pub problems: Vec<String>,
}

/// Of `manifest.json` what a carrier needs.
#[derive(Deserialize)]
struct Manifest {
    schema: String,
    files: Vec<manifest::Listed>,
    /// Of a weekly package alone.
    week: Option<String>,
    sequence: Option<i64>,
}

/// Of `summary.json` the same.
#[derive(Deserialize)]
struct Summary {
    file: String,
    sha256: String,
    /// The same in other forms, each with its SHA-256.
    #[serde(default)]
    beside: BTreeMap<String, String>,
}

/// What a folder says of itself.
struct Said {
    marker: &'static str,
    hashes: BTreeMap<String, String>,
    needs_sums: bool,
    /// The week of a package, and its number.
    package: Option<(String, i64)>,
}

impl Parcel {
    /// Looks at every byte of a published folder.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let folder = folder.canonicalize().with_context(|| format!("reading {}", folder.display()))?;
        let own = name(&folder)?;
        let sizes = folder::files(&folder)?;
        let mut files = Vec::new();
        for (name, size_bytes) in &sizes {
            let sha256 = folder::sha256(&folder.join(name))?;
            files.push(Item { name: name.clone(), sha256, size_bytes: *size_bytes });
        }
        let not_whole = |problems| NotWhole { folder: folder.display().to_string(), problems };
        let said = said(&folder, &sizes).map_err(|error| not_whole(vec![format!("{error:#}")]))?;
        let problems = problems(&folder, &said, &files);
        if !problems.is_empty() {
            return Err(not_whole(problems).into());
        }
        files.sort_by_key(|item| rank(&item.name, said.marker));
        let manifest_sha256 = files.last().map(|marker| marker.sha256.clone()).unwrap_or_default();
        Ok(Self { name: said.as_published(&own), folder, manifest_sha256, files })
    }

    /// SHA-256 of its signature, hex, where it has one.
    pub fn signature_sha256(&self) -> Option<&str> {
        self.files.iter().find(|item| item.name == sums::SIGNATURE).map(|item| item.sha256.as_str())
    }

    /// By which it is told from all else, hex: its manifest's hash, and where it is signed one over that and the
    /// signature's, since what was signed since or by another key is not what was sent.
    pub fn id(&self) -> String {
        match self.signature_sha256() {
            None => self.manifest_sha256.clone(),
            Some(signature) => hex::encode(Sha256::digest(format!("{}/{signature}", self.manifest_sha256))),
        }
    }

    /// Where it stands at a target. Its id is part of the name, so that a correction never takes the place of what
    /// somebody is reading.
    pub fn place(&self) -> String {
        let id = self.id();
        format!("{}.{}", self.name, id.get(..HASH_DIGITS).unwrap_or(&id))
    }

    /// Its place, as the folder that it is in and its own name.
    pub fn place_parts(&self) -> (String, String) {
        let place = self.place();
        let (kind, name) = place.split_once('/').unwrap_or(("", &place));
        (kind.to_owned(), name.to_owned())
    }

    /// Its last file, which says what the others are.
    pub fn marker(&self) -> Option<&Item> {
        self.files.last()
    }

    /// Where a file lies here.
    pub fn path(&self, item: &Item) -> PathBuf {
        self.folder.join(&item.name)
    }

    /// The bytes of a file, if they are those that were looked at.
    pub fn bytes(&self, item: &Item) -> Result<Vec<u8>, Failed> {
        let path = self.path(item);
        let bytes = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        self.check(item, &hex::encode(Sha256::digest(&bytes)))?;
        Ok(bytes)
    }

    /// Fails when bytes that were read have another hash than those that were looked at.
    pub fn check(&self, item: &Item, sha256: &str) -> Result<(), Failed> {
        if item.sha256 == sha256 {
            return Ok(());
        }
        let path = self.path(item);
        Err(Failed::Lasting(anyhow::anyhow!("{} has changed while it was sent: deliver it once more", path.display())))
    }
}

/// The last two parts of a path, which are kind and name of what is published.
fn name(folder: &Path) -> anyhow::Result<String> {
    let part = |path: &Path| path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let parts = folder.parent().and_then(part).zip(part(folder));
    let (kind, name) = parts.with_context(|| format!("{} is no published folder", folder.display()))?;
    for part in [&kind, &name] {
        if !is_plain(part) {
            bail!("{}: \"{part}\" cannot be a name everywhere: letters, digits, '-', '_' and '.'", folder.display());
        }
    }
    Ok(format!("{kind}/{name}"))
}

/// Whether a name means the same on every system, in a path and in a header.
fn is_plain(name: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(is_known)
}

impl Said {
    /// The name by which a folder was published: a package whose week was corrected since lies beside the correction,
    /// under its number, and has gone where it went under its week.
    fn as_published(&self, name: &str) -> String {
        let kept = self.package.as_ref().and_then(|(week, sequence)| {
            let kind = name.strip_suffix(&format!("/{week}.{sequence}"))?;
            Some(format!("{kind}/{week}"))
        });
        kept.unwrap_or_else(|| name.to_owned())
    }
}

fn said(folder: &Path, sizes: &BTreeMap<String, u64>) -> anyhow::Result<Said> {
    let read = |file: &'static str| std::fs::read(folder.join(file)).with_context(|| format!("reading {file}"));
    if sizes.contains_key(manifest::FILE) {
        let said: Manifest = serde_json::from_slice(&read(manifest::FILE)?).context(manifest::FILE)?;
        let hashes = said.files.into_iter().map(|file| (file.name, file.sha256)).collect();
        let (needs_sums, package) = (said.schema != BLOCK_LIST, said.week.zip(said.sequence));
        return Ok(Said { marker: manifest::FILE, hashes, needs_sums, package });
    }
    if sizes.contains_key(SUMMARY) {
        let said: Summary = serde_json::from_slice(&read(SUMMARY)?).context(SUMMARY)?;
        let mut hashes = said.beside;
        hashes.insert(said.file, said.sha256);
        return Ok(Said { marker: SUMMARY, hashes, needs_sums: false, package: None });
    }
    bail!("it has neither {} nor {SUMMARY}", manifest::FILE)
}

/// Holds the files against what the folder says of them, and against its sums.
fn problems(folder: &Path, said: &Said, files: &[Item]) -> Vec<String> {
    let found: BTreeMap<&str, &str> = files.iter().map(|item| (item.name.as_str(), item.sha256.as_str())).collect();
    let mut problems = differing(said.marker, &said.hashes, &found);
    let has_sums = found.contains_key(sums::FILE);
    let own = [said.marker, sums::FILE, sums::SIGNATURE];
    let is_unsaid = |name: &str| !said.hashes.contains_key(name) && !own.contains(&name);
    let unsaid = files.iter().filter(|item| is_unsaid(&item.name));
    problems.extend(unsaid.map(|item| format!("{} is not named in {}", item.name, said.marker)));
    let odd = files.iter().filter(|item| !is_plain(&item.name));
    problems.extend(odd.map(|item| format!("\"{}\" cannot be a name everywhere", item.name)));
    if !has_sums && (said.needs_sums || found.contains_key(sums::SIGNATURE)) {
        problems.push(format!("{} is missing", sums::FILE));
    }
    if has_sums {
        let text = std::fs::read_to_string(folder.join(sums::FILE)).map_err(anyhow::Error::from);
        match text.and_then(|text| sums::read(&text)) {
            Err(error) => problems.push(format!("{}: {error:#}", sums::FILE)),
            Ok(mut hashes) => {
                if hashes.remove(said.marker).as_deref() != found.get(said.marker).copied() {
                    problems.push(format!("{} is not the one whose sum is in {}", said.marker, sums::FILE));
                }
                if hashes != said.hashes {
                    problems.push(format!("{} and {} name other files", said.marker, sums::FILE));
                }
            }
        }
    }
    problems
}

fn differing(marker: &str, hashes: &BTreeMap<String, String>, found: &BTreeMap<&str, &str>) -> Vec<String> {
    let what = |(name, sha256): (&String, &String)| match found.get(name.as_str()) {
        None => Some(format!("{name} is missing")),
        Some(found) if found == sha256 => None,
        Some(_) => Some(format!("{name} has other bytes than {marker} says")),
    };
    hashes.iter().filter_map(what).collect()
}

/// Data first, then what seals it; what says that a folder is there comes last.
fn rank(name: &str, marker: &str) -> u8 {
    match name {
        sums::SIGNATURE => 1,
        sums::FILE => 2,
        name if name == marker => 3,
        _ => 0,
    }
}
