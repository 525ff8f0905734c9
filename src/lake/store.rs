//! Where a lake lies: a folder of this machine, or a bucket that speaks S3.
//!
//! In: a location and what a site says of its store. Out: a root, and the store behind it. Never: a commit without a
//! conditional put: a store that lacks it could let two writers into one version.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Once};

use anyhow::{Context, bail};
use deltalake::DeltaResult;
use deltalake::logstore::{
    LogStore, LogStoreFactory, ObjectStoreRef, StorageConfig, default_logstore, logstore_factories,
};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt as _, PutMode};
use url::Url;

/// What `AmazonS3Builder` calls its settings, by their own names: `endpoint`, `region`, `access_key_id` …
pub type Settings = BTreeMap<String, String>;

/// Of variables of the environment those that are settings; the names of AWS become the same in small letters.
pub fn known(variables: impl Iterator<Item = (String, String)>) -> Settings {
    let lower = variables.map(|(name, value)| (name.to_ascii_lowercase(), value));
    lower.filter(|(name, _)| name.starts_with("aws_") && name.parse::<AmazonS3ConfigKey>().is_ok()).collect()
}

/// What is configured, and of the environment what does not contradict it: a key of the one with the secret of the
/// other opens nothing.
pub fn over(environment: Settings, configured: Settings) -> Settings {
    use AmazonS3ConfigKey::{AccessKeyId, SecretAccessKey, Token};
    // A name that is no setting is none of the environment's either; who builds the store refuses it.
    let key = |name: &str| name.parse::<AmazonS3ConfigKey>().ok();
    let ours: Vec<_> = configured.keys().filter_map(|name| key(name)).collect();
    let credentials = [AccessKeyId, SecretAccessKey, Token];
    let is_ours = |theirs: AmazonS3ConfigKey| {
        let is_credential = credentials.contains(&theirs) && ours.iter().any(|key| credentials.contains(key));
        is_credential || ours.contains(&theirs)
    };
    let mut settings = environment;
    settings.retain(|name, _| key(name).is_some_and(|theirs| !is_ours(theirs)));
    settings.extend(configured);
    settings
}

/// A lake's root, and its store when that is not this machine.
pub(super) fn find(location: &str, settings: &Settings) -> anyhow::Result<(Url, Option<ObjectStoreRef>)> {
    match location.split_once("://") {
        None => Ok((local(location.as_ref())?, None)),
        Some(("s3", _)) => {
            let root = Url::parse(&format!("{}/", location.trim_end_matches('/')))
                .with_context(|| format!("\"{location}\" is no s3://BUCKET/PREFIX"))?;
            let store = s3(&root, settings)?;
            Ok((root, Some(store)))
        }
        Some((scheme, _)) => bail!("a lake is a folder or s3://BUCKET/PREFIX, not {scheme}://"),
    }
}

/// A bucket for what is no table, and where in it a location is.
pub fn bucket(location: &str, settings: &Settings) -> anyhow::Result<(ObjectStoreRef, Path)> {
    let root = Url::parse(location).ok().filter(|root| root.scheme() == "s3" && root.has_host());
    let root = root.with_context(|| format!("\"{location}\" is no s3://BUCKET/PREFIX"))?;
    Ok((s3(&root, settings)?, Path::from_url_path(root.path())?))
}

/// A folder, which is made when absent.
pub(super) fn local(folder: &std::path::Path) -> anyhow::Result<Url> {
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

/// Makes sure that a store turns the second of two away who make one object: one that ignores the condition would take
/// both, and a commit would be gone.
pub(super) async fn check_conditional_put(store: &ObjectStoreRef, table: &Url) -> anyhow::Result<()> {
    let name = format!("_probe-{:016x}", RandomState::new().hash_one(std::process::id()));
    let path = Path::from_url_path(table.join(&name)?.path())?;
    let put = |body: &'static str| store.put_opts(&path, body.into(), PutMode::Create.into());
    put("one").await.with_context(|| format!("writing {path}"))?;
    let second = put("two").await;
    store.delete(&path).await.with_context(|| format!("deleting {path}"))?;
    match second {
        Err(Error::AlreadyExists { .. }) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("writing {path} a second time")),
        Ok(_) => bail!(
            "the store takes a conditional put (If-None-Match) though the object is there: no lake can be kept in it"
        ),
    }
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
    fn what_is_configured_goes_before_the_environment() {
        let settings = |pairs: &[(&str, &str)]| -> Settings {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let environment = [("AWS_ACCESS_KEY_ID", "e"), ("AWS_SESSION_TOKEN", "e"), ("AWS_REGION", "e"), ("HOME", "/")];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let environment = known(environment.into_iter());
        let configured = settings(&[("secret_access_key", "c"), ("endpoint", "c")]);
        let expected = settings(&[("aws_region", "e"), ("secret_access_key", "c"), ("endpoint", "c")]);
        assert_eq!(over(environment, configured), expected);
    }

    #[test]
    fn a_bucket_for_what_is_no_table_may_have_a_prefix() {
        let settings = Settings::from([("region".to_owned(), "us-east-1".to_owned())]);
        for (location, prefix) in [("s3://bucket/a/in/", "a/in"), ("s3://bucket/a", "a"), ("s3://bucket", "")] {
            assert_eq!(bucket(location, &settings).unwrap().1.as_ref(), prefix);
        }
        for location in ["/a", "https://bucket/a", "s3:///a"] {
            assert!(bucket(location, &settings).unwrap_err().to_string().contains("is no s3://BUCKET/PREFIX"));
        }
    }

    #[test]
    fn a_bucket_may_have_a_prefix() {
        let settings = Settings::from([("region".to_owned(), "us-east-1".to_owned())]);
        let (root, store) = find("s3://bucket/a/lake", &settings).unwrap();
        assert_eq!(root.join("call_record/").unwrap().as_str(), "s3://bucket/a/lake/call_record/");
        assert!(store.is_some());
    }
}
