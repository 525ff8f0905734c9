//! Where a lake lies: a folder of this machine, or a bucket that speaks S3.
//!
//! In: a location and what a site says of its store. Out: a root, and the store behind it. Never: a commit without a
//! conditional put: a store that lacks it could let two writers into one version.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Once};

use anyhow::{Context, bail};
use deltalake::DeltaResult;
use deltalake::logstore::{
    LogStore, LogStoreFactory, ObjectStoreRef, StorageConfig, default_logstore, logstore_factories,
};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use url::Url;

/// What `AmazonS3Builder` calls its settings, by their own names: `endpoint`, `region`, `access_key_id` …
pub type Settings = BTreeMap<String, String>;

/// Of variables of the environment those that are settings; the names of AWS become the same in small letters.
pub fn known(variables: impl Iterator<Item = (String, String)>) -> Settings {
    let lower = variables.map(|(name, value)| (name.to_ascii_lowercase(), value));
    lower.filter(|(name, _)| name.starts_with("aws_") && name.parse::<AmazonS3ConfigKey>().is_ok()).collect()
}

/// A lake's root, and its store when that is not this machine.
pub(super) fn find(location: &str, settings: &Settings) -> anyhow::Result<(Url, Option<ObjectStoreRef>)> {
    match location.split_once("://") {
        None => Ok((local(Path::new(location))?, None)),
        Some(("s3", _)) => {
            let root = Url::parse(&format!("{}/", location.trim_end_matches('/')))
                .with_context(|| format!("\"{location}\" is no s3://BUCKET/PREFIX"))?;
            let store = s3(&root, settings)?;
            Ok((root, Some(store)))
        }
        Some((scheme, _)) => bail!("a lake is a folder or s3://BUCKET/PREFIX, not {scheme}://"),
    }
}

/// A folder, which is made when absent.
pub(super) fn local(folder: &Path) -> anyhow::Result<Url> {
    std::fs::create_dir_all(folder).with_context(|| format!("creating lake folder {}", folder.display()))?;
    let folder = folder.canonicalize().with_context(|| format!("resolving {}", folder.display()))?;
    Url::from_directory_path(&folder).ok().context("a lake needs an absolute folder")
}

fn s3(root: &Url, settings: &Settings) -> anyhow::Result<ObjectStoreRef> {
    static KNOWN: Once = Once::new();
    KNOWN.call_once(|| {
        let scheme = Url::parse("s3://").expect("a constant");
        logstore_factories().insert(scheme, Arc::new(ConditionalPut));
    });
    let mut builder = AmazonS3Builder::new().with_url(root.as_str());
    for (name, value) in settings {
        let key: AmazonS3ConfigKey = name.parse().with_context(|| format!("store.{name} is no setting of S3"))?;
        builder = builder.with_config(key, value);
    }
    let store = builder.build().with_context(|| format!("the store of {root}"))?;
    Ok(Arc::new(store))
}

/// A log whose next version is an object that must not be there yet: S3 has known that since 2024.
#[derive(Debug)]
struct ConditionalPut;

impl LogStoreFactory for ConditionalPut {
    fn with_options(
        &self,
        prefixed_store: ObjectStoreRef,
        root_store: ObjectStoreRef,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(prefixed_store, root_store, location, options))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(location: &str, settings: &[(&str, &str)]) -> String {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        format!("{:#}", find(location, &settings).unwrap_err())
    }

    #[test]
    fn a_location_that_is_neither_folder_nor_bucket_is_refused() {
        assert!(refused("gs://bucket/lake", &[]).contains("not gs://"));
        let error = refused("s3://bucket/lake", &[("acces_key", "a")]);
        assert!(error.starts_with("store.acces_key is no setting of S3"), "{error}");
    }

    #[test]
    fn a_bucket_may_have_a_prefix() {
        let settings = Settings::from([("region".to_owned(), "us-east-1".to_owned())]);
        let (root, store) = find("s3://bucket/a/lake", &settings).unwrap();
        assert_eq!(root.join("call_record/").unwrap().as_str(), "s3://bucket/a/lake/call_record/");
        assert!(store.is_some());
    }
}
