//! `SHA256SUMS`, as `sha256sum -c` reads it, and the signature of it: they seal a folder.
//!
//! In: hashes by file name. Out: one line each; or such lines read back. Never: a name that leads out of the folder.

use std::collections::BTreeMap;
use std::io::Write as _;

use anyhow::{Context, ensure};

use super::folder::Aside;
use super::sign::SecretKey;

/// The file.
pub const FILE: &str = "SHA256SUMS";
/// The detached signature of it.
pub const SIGNATURE: &str = "SHA256SUMS.minisig";

/// The text of the file.
pub fn text(sums: &BTreeMap<String, String>) -> String {
    let lines: Vec<String> = sums.iter().map(|(name, sha256)| format!("{sha256}  {name}\n")).collect();
    lines.concat()
}

/// Seals a folder: writes the sums of its files, and their signature where there is a key.
pub fn seal(
    aside: &Aside,
    sums: &BTreeMap<String, String>,
    comment: &str,
    key: Option<&SecretKey>,
) -> anyhow::Result<()> {
    let text = text(sums);
    aside.write(FILE, |out| Ok(out.write_all(text.as_bytes())?))?;
    if let Some(key) = key {
        let signature = key.sign(text.as_bytes(), comment);
        aside.write(SIGNATURE, |out| Ok(out.write_all(signature.as_bytes())?))?;
    }
    Ok(())
}

/// Reads it back, if it is as we write it.
pub fn read(written: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let mut sums = BTreeMap::new();
    for (line, number) in written.lines().zip(1..) {
        let (sha256, name) = line.split_once("  ").with_context(|| format!("line {number} is no sum"))?;
        let is_sum = sha256.len() == 64 && sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        ensure!(is_sum, "line {number} has no SHA-256");
        let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
        ensure!(is_plain, "line {number} has no plain file name");
        sums.insert(name.to_owned(), sha256.to_owned());
    }
    ensure!(text(&sums) == written, "its lines are not in order");
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_survive_their_file_and_nothing_else_is_read() {
        let sums = BTreeMap::from([("a".to_owned(), "0".repeat(64)), ("b.csv".to_owned(), "f".repeat(64))]);
        assert_eq!(read(&text(&sums)).unwrap(), sums);
        let zeros = "0".repeat(64);
        for wrong in [
            format!("{zeros} a\n"),
            format!("{zeros}  ../a\n"),
            format!("{zeros}  .a\n"),
            format!("{}  a\n", "F".repeat(64)),
            format!("{zeros}  a"),
            format!("{zeros}  b\n{zeros}  a\n"),
            format!("{zeros}  a\n{zeros}  a\n"),
            "a\n".to_owned(),
        ] {
            assert!(read(&wrong).is_err(), "{wrong}");
        }
    }
}
