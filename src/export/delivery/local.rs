//! Another folder of this machine, as of a mounted share.
//!
//! In: a folder that is whole. Out: a copy that appears at one stroke. Never: makes the target itself: where a share is
//! not mounted, nobody would ever see what was delivered.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::parcel::Parcel;
use super::{Failed, Sent};
use crate::export::folder::{self, Aside};

/// `kind = "folder"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The folder, which has to be there.
    pub path: PathBuf,
}

pub(super) async fn send(options: &Options, parcel: &Parcel, sent: &mut Sent) -> Result<(), Failed> {
    let (path, parcel) = (options.path.clone(), parcel.clone());
    let copying = tokio::task::spawn_blocking(move || copy(&path, &parcel));
    sent.extend(copying.await.context("copying")??);
    Ok(())
}

/// Puts a copy in its place; gives back the files of it, and none where it was there.
fn copy(target: &Path, parcel: &Parcel) -> Result<Vec<String>, Failed> {
    if !target.is_dir() {
        return Err(anyhow::anyhow!("{} is no folder: mount it, or make it", target.display()).into());
    }
    let (kind, name) = parcel.place_parts();
    let root = target.join(kind);
    let place = root.join(&name);
    if stands(parcel, &place) {
        return Ok(Vec::new());
    }
    let aside = Aside::open(&root, &name)?;
    for item in &parcel.files {
        let path = parcel.path(item);
        let copied = aside.write(&item.name, |out| {
            let mut file = std::fs::File::open(&path).with_context(|| format!("reading {}", path.display()))?;
            io::copy(&mut file, out)?;
            Ok(())
        })?;
        parcel.check(item, &copied.sha256)?;
    }
    aside.publish()?;
    ensure_stands(parcel, &place)?;
    Ok(parcel.files.iter().map(|item| item.name.clone()).collect())
}

fn ensure_stands(parcel: &Parcel, place: &Path) -> anyhow::Result<()> {
    ensure!(stands(parcel, place), "{} is not what was copied: another run was at it", place.display());
    Ok(())
}

/// Whether the same files are there.
fn stands(parcel: &Parcel, place: &Path) -> bool {
    let wanted = parcel.files.iter().map(|item| (item.name.clone(), item.size_bytes)).collect();
    let is_said = parcel
        .marker()
        .is_some_and(|marker| folder::sha256(&place.join(&marker.name)).is_ok_and(|sha256| sha256 == marker.sha256));
    is_said && folder::files(place).is_ok_and(|found| found == wanted)
}
