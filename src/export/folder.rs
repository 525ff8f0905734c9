//! Folders that appear whole or not at all.
//!
//! In: files, written aside one by one. Out: the folder in its place, with what each file hashes to.
//! Never: shows a folder with half of its files; takes an old one away before the new one stands.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use sha2::{Digest, Sha256};

/// A folder under preparation, beside its place.
#[derive(Debug)]
pub struct Aside {
    root: PathBuf,
    name: String,
    path: PathBuf,
}

/// What a file has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its name.
    pub name: String,
    /// SHA-256, hex.
    pub sha256: String,
    /// Its size.
    pub size_bytes: u64,
}

/// Writes on, and hashes what it writes.
#[derive(Debug)]
pub struct Hashing<W> {
    inner: W,
    hash: Sha256,
    size_bytes: u64,
}

impl<W: Write> Hashing<W> {
    /// Nothing written yet.
    pub fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new(), size_bytes: 0 }
    }

    /// SHA-256 of what was written, hex, and how much it was.
    pub fn finish(self) -> (W, String, u64) {
        (self.inner, hex::encode(self.hash.finalize()), self.size_bytes)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        self.size_bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Aside {
    /// Begins `ROOT/NAME`, and removes what a run that was cut off has left of it.
    pub fn open(root: &Path, name: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(root).with_context(|| format!("creating {}", root.display()))?;
        let left = format!(".{name}.");
        for entry in std::fs::read_dir(root)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(&left)) {
                std::fs::remove_dir_all(entry.path())
                    .with_context(|| format!("removing {}", entry.path().display()))?;
            }
        }
        let path = root.join(format!("{left}{}", std::process::id()));
        std::fs::create_dir(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Self { root: root.to_owned(), name: name.to_owned(), path })
    }

    /// Where its files are meanwhile.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one file, down to the disk.
    pub fn write(
        &self,
        name: &str,
        fill: impl FnOnce(&mut Hashing<BufWriter<File>>) -> anyhow::Result<()>,
    ) -> anyhow::Result<Written> {
        let path = self.path.join(name);
        let writing = || format!("writing {}", path.display());
        let mut out = Hashing::new(BufWriter::new(File::create_new(&path).with_context(writing)?));
        fill(&mut out).with_context(writing)?;
        let (out, sha256, size_bytes) = out.finish();
        let written = out.into_inner().map_err(io::IntoInnerError::into_error).with_context(writing)?;
        written.sync_all().with_context(writing)?;
        Ok(Written { name: name.to_owned(), sha256, size_bytes })
    }

    /// Puts it in its place; false when the same bytes stood there already.
    pub fn publish(self) -> anyhow::Result<bool> {
        let place = self.root.join(&self.name);
        let publishing = || format!("publishing {}", place.display());
        if place.exists() && files(&place)? == files(&self.path)? && same(&place, &self.path)? {
            return Ok(false);
        }
        File::open(&self.path).and_then(|folder| folder.sync_all()).with_context(publishing)?;
        if place.exists() {
            exchange(&self.path, &place).with_context(publishing)?;
        } else {
            std::fs::rename(&self.path, &place).with_context(publishing)?;
        }
        File::open(&self.root).and_then(|folder| folder.sync_all()).with_context(publishing)?;
        Ok(true)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next run.
        drop(std::fs::remove_dir_all(&self.path));
    }
}

/// Puts each in the other's place at one stroke, where the file system can; otherwise one after the other.
fn exchange(aside: &Path, place: &Path) -> io::Result<()> {
    if renameat_with(CWD, aside, CWD, place, RenameFlags::EXCHANGE).is_ok() {
        return Ok(());
    }
    let mut old = aside.as_os_str().to_owned();
    old.push(".old");
    std::fs::rename(place, &old)?;
    std::fs::rename(aside, place)?;
    std::fs::remove_dir_all(&old)
}

/// The plain files of a folder by name, with their sizes; anything else in it is an error.
pub fn files(folder: &Path) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Not followed: a link is no file of the folder.
        let facts = entry.path().symlink_metadata()?;
        ensure!(facts.is_file(), "{}: {name} is no plain file", folder.display());
        files.insert(name, facts.len());
    }
    Ok(files)
}

/// Whether every file of one folder has the same bytes in another.
fn same(one: &Path, other: &Path) -> anyhow::Result<bool> {
    for name in files(one)?.into_keys() {
        if sha256(&one.join(&name))? != sha256(&other.join(&name))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// SHA-256 of a file, hex.
pub fn sha256(path: &Path) -> anyhow::Result<String> {
    let mut hashing = Hashing::new(io::sink());
    let copied = File::open(path).and_then(|mut file| io::copy(&mut file, &mut hashing));
    copied.with_context(|| format!("reading {}", path.display()))?;
    Ok(hashing.finish().1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(root: &Path, files: &[(&str, &str)]) -> bool {
        let aside = Aside::open(root, "week").unwrap();
        for (name, text) in files {
            let written = aside.write(name, |out| Ok(out.write_all(text.as_bytes())?)).unwrap();
            assert_eq!(written.sha256, hex::encode(Sha256::digest(text)));
            assert_eq!(written.size_bytes, text.len() as u64);
        }
        aside.publish().unwrap()
    }

    #[test]
    fn a_folder_changes_whole_and_nothing_is_left_aside() {
        let root = tempfile::tempdir().unwrap();
        assert!(publish(root.path(), &[("a", "1"), ("b", "2")]));
        assert!(!publish(root.path(), &[("a", "1"), ("b", "2")]), "the same bytes change nothing");
        assert!(publish(root.path(), &[("a", "1"), ("b", "3")]));
        assert!(publish(root.path(), &[("a", "1")]), "a file less is a change");
        assert_eq!(files(&root.path().join("week")).unwrap(), BTreeMap::from([("a".to_owned(), 1)]));
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_not_published_is_never_seen() {
        let root = tempfile::tempdir().unwrap();
        let aside = Aside::open(root.path(), "week").unwrap();
        aside.write("a", |out| Ok(out.write_all(b"1")?)).unwrap();
        let failed = aside.write("b", |_| anyhow::bail!("full disk"));
        assert!(failed.is_err());
        assert!(!root.path().join("week").exists());
        drop(aside);
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_run_has_left_goes_with_the_next() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(".week.1")).unwrap();
        std::fs::create_dir(root.path().join(".weeks.1")).unwrap();
        assert!(publish(root.path(), &[("a", "1")]));
        assert!(!root.path().join(".week.1").exists() && root.path().join(".weeks.1").exists());
    }
}
