//! A bucket.
//!
//! In: a folder that is whole. Out: an object for each file, none of them before it is all there. Never: writes over an
//! object.

use std::sync::Arc;

use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutMode};

use super::parcel::{Item, Parcel};
use super::{Failed, Sent, foreign};

/// An open bucket, and where in it folders go.
#[derive(Debug)]
pub struct Bucket {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// Before every name.
    pub prefix: Path,
}

impl Bucket {
    pub(super) async fn send(&self, parcel: &Parcel, sent: &mut Sent) -> Result<(), Failed> {
        let (kind, name) = parcel.place_parts();
        let place = self.prefix.clone().join(kind).join(name);
        for item in &parcel.files {
            if self.put(&place.clone().join(item.name.as_str()), parcel, item).await? {
                sent.insert(item.name.clone());
            }
        }
        Ok(())
    }

    /// Puts one object; false where it is there.
    async fn put(&self, path: &Path, parcel: &Parcel, item: &Item) -> Result<bool, Failed> {
        if self.is_there(path, item).await? {
            return Ok(false);
        }
        let body = parcel.bytes(item)?;
        match self.store.put_opts(path, body.into(), PutMode::Create.into()).await {
            Ok(_) => Ok(true),
            // Another run was faster, or an answer was lost.
            Err(Error::AlreadyExists { .. }) if self.is_there(path, item).await? => Ok(false),
            Err(error) => Err(failed(error, &format!("writing {path}"))),
        }
    }

    async fn is_there(&self, path: &Path, item: &Item) -> Result<bool, Failed> {
        match self.store.head(path).await {
            Ok(found) if found.size == item.size_bytes => Ok(true),
            Ok(found) => Err(foreign(path.as_ref(), found.size, item.size_bytes)),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(failed(error, &format!("looking at {path}"))),
        }
    }
}

fn failed(error: Error, doing: &str) -> Failed {
    let is_refused = matches!(error, Error::PermissionDenied { .. } | Error::Unauthenticated { .. });
    let error = anyhow::Error::new(error).context(doing.to_owned());
    if is_refused { Failed::Lasting(error) } else { Failed::Passing(error) }
}
