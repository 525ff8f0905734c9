//! Folders that appear whole or not at all.
//!
//! In: files, written aside one by one. Out: the folder in its place, with what each file hashes to.
//! Never: shows a folder with half of its files; takes an old one away before the new one stands, or one that another
//! process is filling, where the file system knows locks.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
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
    /// The folder itself, locked: the lock goes with the process, however that ends.
    _held: File,
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
        remove_left(root, |found| found.starts_with(&left))?;
        let path = root.join(format!("{left}{}", std::process::id()));
        let held = make(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Self { root: root.to_owned(), name: name.to_owned(), path, _held: held })
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

/// Removes what killed runs have left aside in a root, whatever they were about to publish: of a number that nobody asks
/// for again, no other run would.
pub fn sweep(root: &Path) -> anyhow::Result<()> {
    if root.is_dir() { remove_left(root, is_aside) } else { Ok(()) }
}

/// Whether a name is that of a folder aside, `.NAME.PID`. What stood in the place before is `.NAME.PID.old` where the file
/// system cannot exchange the two, and may be the only one.
fn is_aside(name: &str) -> bool {
    let pid = name.strip_prefix('.').and_then(|name| name.rsplit_once('.')).map_or("", |(_, pid)| pid);
    !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit())
}

/// Removes folders aside that no living process holds.
fn remove_left(root: &Path, is_left: impl Fn(&str) -> bool) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(root).with_context(|| format!("reading {}", root.display()))? {
        let entry = entry?;
        let is_named = entry.file_name().to_str().is_some_and(&is_left);
        if !is_named || !entry.file_type()?.is_dir() {
            continue;
        }
        let path = entry.path();
        // Held until it is gone, so that its name cannot be somebody's meanwhile.
        let held = match File::open(&path) {
            Ok(held) => held,
            // Another run has removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| format!("opening {}", path.display())),
        };
        if !matches!(held.try_lock(), Err(TryLockError::WouldBlock)) {
            std::fs::remove_dir_all(&path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    Ok(())
}

/// Makes a folder and takes hold of it.
fn make(path: &Path) -> io::Result<File> {
    loop {
        std::fs::create_dir(path)?;
        let Ok(held) = File::open(path) else { continue };
        // A file system without locks says so, and nobody waits.
        drop(held.lock());
        // Another run may have removed it before it was held.
        if path.exists() {
            return Ok(held);
        }
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

    #[test]
    fn what_another_process_is_filling_stays_until_that_is_dead() {
        let root = tempfile::tempdir().unwrap();
        let theirs = root.path().join(".week.1");
        let held = make(&theirs).unwrap();
        assert!(publish(root.path(), &[("a", "1")]));
        assert!(theirs.exists());
        drop(held);
        publish(root.path(), &[("a", "1")]);
        assert!(!theirs.exists());
    }

    #[test]
    fn a_sweep_takes_what_was_left_of_anything_and_no_more() {
        let root = tempfile::tempdir().unwrap();
        sweep(&root.path().join("nothing")).unwrap();
        publish(root.path(), &[("a", "1")]);
        let living = Aside::open(root.path(), "living").unwrap();
        for name in [".week.1", ".84912345678.17", ".week.1.old", ".hidden", "week.17"] {
            std::fs::create_dir(root.path().join(name)).unwrap();
        }
        sweep(root.path()).unwrap();
        let left =
            std::fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let own = format!(".living.{}", std::process::id());
        let mut expected = [".hidden", &own, ".week.1.old", "week", "week.17"].map(str::to_owned);
        expected.sort_unstable();
        let mut left: Vec<String> = left.collect();
        left.sort_unstable();
        assert_eq!(left, expected);
        drop(living);
    }
}
