//! Writers' schemas beside the tables, for the day on which the registry is silent.
//!
//! In: what a registry has said of an id. Out: the same again, on any machine that reaches the lake. Never: speaks for a
//! registry that answers.

use std::sync::Arc;

use anyhow::Context;
use deltalake::logstore::ObjectStoreRef;
use object_store::ObjectStoreExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use sha2::{Digest, Sha256};

use super::Lake;

/// No table is called so.
const FOLDER: &str = "_schema";
/// Of a registry's hash, as much as tells a site's few registries apart.
const HASH_BYTES: usize = 8;

impl Lake {
    /// Keeps the schema of an id.
    pub async fn keep_schema(&self, registry: &str, id: u32, schema: &str) -> anyhow::Result<()> {
        let (store, path) = self.schema(registry, id)?;
        store.put(&path, schema.to_owned().into()).await.with_context(|| format!("writing {path}"))?;
        Ok(())
    }

    /// The schema of an id, if it was ever kept and can be read.
    pub async fn kept_schema(&self, registry: &str, id: u32) -> Option<String> {
        let (store, path) = self.schema(registry, id).ok()?;
        let kept = store.get(&path).await.ok()?.bytes().await.ok()?;
        String::from_utf8(kept.to_vec()).ok()
    }

    fn schema(&self, registry: &str, id: u32) -> anyhow::Result<(ObjectStoreRef, Path)> {
        let hash = hex::encode(&Sha256::digest(registry)[..HASH_BYTES]);
        let url = self.root.join(&format!("{FOLDER}/{hash}/{id}.avsc"))?;
        Ok(match &self.store {
            Some(store) => (Arc::clone(store), Path::from_url_path(url.path())?),
            None => {
                let path = url.to_file_path().ok().context("a lake without a store is a folder")?;
                (Arc::new(LocalFileSystem::new()), Path::from_absolute_path(path)?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_schema_is_kept_for_its_registry_alone() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(folder.path()).unwrap();
        assert_eq!(lake.kept_schema("http://one", 7).await, None);
        lake.keep_schema("http://one", 7, "{}").await.unwrap();
        assert_eq!(Lake::local(folder.path()).unwrap().kept_schema("http://one", 7).await.as_deref(), Some("{}"));
        assert_eq!(lake.kept_schema("http://two", 7).await, None);
    }
}
