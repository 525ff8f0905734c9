//! The text of the metrics in a file, for node_exporter's textfile collector.
//!
//! In: metrics, and a path. Out: the file. Never: one that is half written, or leads to nothing after a loss of power.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Metrics;

impl Metrics {
    /// Leaves the text in a file, whole or not at all. What memory a process had that is gone is of no use in it.
    pub fn write(&self, file: &Path) -> anyhow::Result<()> {
        // node_exporter reads names that end in `.prom` alone, so it never sees this one.
        let mut aside = file.as_os_str().to_owned();
        aside.push(format!(".{}", std::process::id()));
        let aside = PathBuf::from(aside);
        let written = put(&aside, &self.encode()?).and_then(|()| std::fs::rename(&aside, file));
        if written.is_err() {
            // It may not even be there; the error that counts is the one before.
            let _gone = std::fs::remove_file(&aside);
        }
        written.with_context(|| format!("writing metrics to {}", file.display()))
    }
}

/// Writes a file down to the disk: a name that is put in its place later must not lead to an empty one.
fn put(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
