//! `key new`: a key pair for signatures.
//!
//! In: where to put it. Out: the secret key, for its owner alone, and the public one beside it. Never: takes the place
//! of a key that is there.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use crate::export::sign::SecretKey;

/// A key pair that was made.
#[derive(Debug, Serialize)]
pub struct Made {
    /// File of the secret key.
    pub secret: PathBuf,
    /// File of the public key.
    pub public: PathBuf,
    /// The name by which `minisign` shows it.
    pub id: String,
    /// The public key as `ledger --trust` takes it.
    pub public_hex: String,
}

/// Makes a key pair in `FILE` and `FILE.pub`.
pub fn new(file: &Path) -> anyhow::Result<(SecretKey, Made)> {
    let key = SecretKey::new()?;
    let mut public = file.as_os_str().to_owned();
    public.push(".pub");
    let public = PathBuf::from(public);
    write(file, 0o600, &key.text())?;
    write(&public, 0o644, &key.public().text())?;
    let made = Made { secret: file.to_owned(), public, id: key.public().id(), public_hex: key.public().hex() };
    Ok((key, made))
}

/// Reads the file of a secret key.
pub fn read(file: &Path) -> anyhow::Result<SecretKey> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    SecretKey::read(&text).with_context(|| format!("reading {}", file.display()))
}

fn write(file: &Path, mode: u32, text: &str) -> anyhow::Result<()> {
    let written = OpenOptions::new().write(true).create_new(true).mode(mode).open(file).and_then(|mut out| {
        out.write_all(text.as_bytes())?;
        out.sync_all()
    });
    written.with_context(|| format!("writing {}", file.display()))
}

impl Made {
    /// For people.
    pub fn text(&self) -> String {
        let Self { secret, public, id, public_hex } = self;
        let (secret, public) = (secret.display(), public.display());
        format!(
            "key {id}\n  {secret}  signs; keep it where nobody else reads it\n  {public}  verifies; hand it to whoever \
             gets packages\n  {public_hex}  is the same for ledger --trust"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_its_owners_and_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("package.key");
        let (key, made) = new(&file).unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read(&file).unwrap().public(), key.public());
        assert_eq!(made.public, folder.path().join("package.key.pub"));
        assert!(new(&file).is_err());
        assert_eq!(read(&file).unwrap().public(), key.public());
    }
}
