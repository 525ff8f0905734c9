//! Which of the files that were dropped in a folder have come to rest.
//!
//! In: a folder, and our own clock. Out: the files of a known form that are whole and have not changed for a while.
//! Never: opens one; believes a date that is still to come.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;

use super::{Options, format};
use crate::clock::Clock;

/// Endings by which senders mark a file that is not whole yet.
const PARTIAL: [&str; 5] = ["part", "partial", "filepart", "tmp", "crdownload"];

/// What tells one state of a file from another without reading it: its length, and when it was changed.
pub type Looks = (u64, SystemTime);

/// Files that are dated later than it is: how each looks, and since when.
#[derive(Debug, Default)]
pub struct Ahead(HashMap<PathBuf, (Looks, Duration)>);

impl Ahead {
    /// Since when a file looks as it does, by our own clock.
    fn since(&mut self, path: &Path, looks: Looks, now: Duration) -> Duration {
        match self.0.get(path) {
            Some((known, since)) if *known == looks => *since,
            _ => {
                tracing::warn!(file = %path.display(), "file is dated ahead of our clock, taken once it rests by ours");
                self.0.insert(path.to_owned(), (looks, now));
                now
            }
        }
    }
}

/// The files of a folder that are whole and of a known form, and those that cannot be looked at, in the order of their
/// names.
pub fn settled(options: &Options, clock: Clock, ahead: &mut Ahead) -> anyhow::Result<Vec<PathBuf>> {
    let now = Duration::from_micros(u64::try_from(clock.now()).unwrap_or_default());
    let mut files = Vec::new();
    let entries =
        std::fs::read_dir(&options.folder).with_context(|| format!("reading folder {}", options.folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_partial = name.starts_with('.') || PARTIAL.iter().any(|end| name.ends_with(&format!(".{end}")));
        if is_partial || format(&path).is_none() {
            continue;
        }
        // A sender may rename or take away what was just listed.
        let metadata = match std::fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            // Whoever takes it says why it cannot be looked at, and takes the others.
            Err(_) => {
                files.push(path);
                continue;
            }
            Ok(metadata) => metadata,
        };
        if !metadata.is_file() {
            continue;
        }
        let looks = looks(&metadata)?;
        let changed = looks.1.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let since = if changed > now { ahead.since(&path, looks, now) } else { changed };
        if now.saturating_sub(since) >= Duration::from_secs(options.settle_secs) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// How a file looks.
pub fn looks(metadata: &Metadata) -> io::Result<Looks> {
    Ok((metadata.len(), metadata.modified()?))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs::File;
    use std::os::unix::ffi::OsStrExt;

    use super::super::tests::options;
    use super::*;

    #[test]
    fn a_file_on_its_way_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.csv", "b.csv.part", ".c.csv", "d.txt", "e.json.gz"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = settled(&options(folder.path()), Clock::System, &mut Ahead::default()).unwrap();
        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.csv", "e.json.gz"]);
        let slow = Options { settle_secs: 60, ..options(folder.path()) };
        assert_eq!(settled(&slow, Clock::System, &mut Ahead::default()).unwrap(), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_file_whose_name_is_no_utf_8_is_not_overlooked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(OsStr::from_bytes(b"cu\xe9c.csv"));
        std::fs::write(&path, "").unwrap();
        assert_eq!(settled(&options(folder.path()), Clock::System, &mut Ahead::default()).unwrap(), [path]);
    }

    #[test]
    fn a_file_dated_ahead_of_our_clock_is_taken_once_it_rests_by_ours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let slow = Options { settle_secs: 60, ..options(folder.path()) };
        let mut ahead = Ahead::default();
        let date = |secs| {
            let file = File::create(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(secs)).unwrap();
        };
        let mut found = |secs: i64| settled(&slow, Clock::Fixed(secs * 1_000_000), &mut ahead).unwrap().len();
        date(90_000);
        assert_eq!([found(1_000), found(1_059)], [0, 0]);
        date(90_001);
        assert_eq!([found(1_060), found(1_119), found(1_120)], [0, 0, 1]);
        date(1_120);
        assert_eq!([found(1_121), found(1_180)], [0, 1], "a date that has come counts as any");
    }
}
