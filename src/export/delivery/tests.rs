//! Folders that are sent, and targets that need nothing but this machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt as _};
use sha2::{Digest as _, Sha256};

use super::bucket::Bucket;
use super::parcel::Parcel;
use super::{Failed, Sent, Target, local};
use crate::clock::Clock;
use crate::export::blocklist::file::SCHEMA as BLOCK_LIST;
use crate::export::{folder, sums};

const NOON: Clock = Clock::Fixed(1_736_139_600_000_000);
const PACKAGE: &str = "callsieve/regulator-package/1";

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Publishes a folder of some files with its manifest; sealed where its kind is.
fn publish(place: &Path, schema: &str, files: &[(&str, &[u8])]) {
    fs::create_dir_all(place).unwrap();
    let mut hashes = BTreeMap::new();
    let mut listed = vec![];
    for (name, bytes) in files {
        fs::write(place.join(name), bytes).unwrap();
        hashes.insert((*name).to_owned(), sha256(bytes));
        let (sha256, size_bytes) = (sha256(bytes), bytes.len());
        listed.push(serde_json::json!({ "name": name, "sha256": sha256, "size_bytes": size_bytes, "rows": null }));
    }
    let manifest = serde_json::json!({ "schema": schema, "files": listed }).to_string();
    fs::write(place.join("manifest.json"), &manifest).unwrap();
    if schema != BLOCK_LIST {
        hashes.insert("manifest.json".to_owned(), sha256(manifest.as_bytes()));
        fs::write(place.join(sums::FILE), sums::text(&hashes)).unwrap();
        fs::write(place.join(sums::SIGNATURE), "signed\n").unwrap();
    }
}

/// A package whose list has so many bytes.
pub(super) fn package(root: &Path, bytes: usize) -> PathBuf {
    let place = root.join("regulator/2025-W02");
    let list: Vec<u8> = (0..bytes).map(|at| b'0' + u8::try_from(at % 7).unwrap()).collect();
    publish(&place, PACKAGE, &[("numbers.csv", &list), ("coverage.csv", b"topic\ncall_record\n")]);
    place
}

pub(super) fn names(parcel: &Parcel) -> Vec<&str> {
    parcel.files.iter().map(|item| item.name.as_str()).collect()
}

/// Fails unless what can be seen of a folder is whole files of it, and all of them once the manifest is among them.
#[track_caller]
pub(super) fn is_no_half(parcel: &Parcel, place: &Path) {
    let Ok(entries) = fs::read_dir(place) else { return };
    let seen = entries.map(|entry| entry.unwrap().path()).filter(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        !name.starts_with('.')
    });
    let mut count = 0;
    for path in seen {
        let item = parcel.files.iter().find(|item| path.ends_with(&item.name)).unwrap();
        assert_eq!(folder::sha256(&path).unwrap(), item.sha256, "{}", path.display());
        count += 1;
    }
    if place.join("manifest.json").exists() {
        assert_eq!(count, parcel.files.len(), "the manifest is there before the rest");
    }
}

/// Fails unless a folder is there to the last byte, with nothing beside it.
#[track_caller]
pub(super) fn is_whole(parcel: &Parcel, place: &Path) {
    let found = folder::files(place).unwrap();
    assert_eq!(found, parcel.files.iter().map(|item| (item.name.clone(), item.size_bytes)).collect());
    is_no_half(parcel, place);
}

pub(super) async fn send(target: &Target, parcel: &Parcel) -> Result<Vec<String>, Failed> {
    let mut sent = Sent::new();
    target.send(parcel, &mut sent, NOON).await?;
    Ok(sent.into_iter().collect())
}

#[track_caller]
fn refused(place: &Path) -> String {
    Parcel::read(place).unwrap_err().to_string()
}

#[test]
fn what_says_that_a_folder_is_there_comes_last() {
    let root = tempfile::tempdir().unwrap();
    let parcel = Parcel::read(&package(root.path(), 10)).unwrap();
    let expected = ["coverage.csv", "numbers.csv", "SHA256SUMS.minisig", "SHA256SUMS", "manifest.json"];
    assert_eq!(names(&parcel), expected);
    let manifest = fs::read(root.path().join("regulator/2025-W02/manifest.json")).unwrap();
    assert_eq!(parcel.manifest_sha256, sha256(&manifest));
}

#[test]
fn a_folder_that_is_not_whole_is_not_sent_and_every_reason_is_named() {
    let root = tempfile::tempdir().unwrap();
    let place = package(root.path(), 10);
    fs::write(place.join("numbers.csv"), "0000000000").unwrap();
    fs::write(place.join("more.csv"), "").unwrap();
    fs::remove_file(place.join("coverage.csv")).unwrap();
    let said = refused(&place);
    for problem in [
        "coverage.csv is missing",
        "numbers.csv has other bytes than manifest.json says",
        "more.csv is not named in manifest.json",
    ] {
        assert!(said.contains(problem), "{said}");
    }

    let place = package(&root.path().join("b"), 10);
    fs::remove_file(place.join(sums::FILE)).unwrap();
    assert!(refused(&place).contains("SHA256SUMS is missing"));
    let place = package(&root.path().join("c"), 10);
    let manifest = fs::read_to_string(place.join("manifest.json")).unwrap();
    fs::write(place.join("manifest.json"), format!("{manifest} ")).unwrap();
    assert!(refused(&place).contains("manifest.json is not the one whose sum is in SHA256SUMS"));
    let place = package(&root.path().join("d"), 10);
    fs::remove_file(place.join("manifest.json")).unwrap();
    assert!(refused(&place).contains("neither manifest.json nor summary.json"));
    let place = root.path().join("e e/1");
    publish(&place, BLOCK_LIST, &[("delta.csv", b"1")]);
    assert!(refused(&place).contains("\"e e\" cannot be a name everywhere"));
}

#[test]
fn a_block_list_needs_no_sums_and_a_list_only_its_summary() {
    let root = tempfile::tempdir().unwrap();
    let place = root.path().join("blocklist-delta/00000001");
    publish(&place, BLOCK_LIST, &[("delta.csv", b"1\n")]);
    assert_eq!(names(&Parcel::read(&place).unwrap()), ["delta.csv", "manifest.json"]);

    let place = root.path().join("notices/2025-01-06.1");
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("notices.csv"), "a\n").unwrap();
    let summary = serde_json::json!({ "file": "notices.csv", "rows": 0, "sha256": sha256(b"a\n") });
    fs::write(place.join("summary.json"), summary.to_string()).unwrap();
    assert_eq!(names(&Parcel::read(&place).unwrap()), ["notices.csv", "summary.json"]);
    fs::write(place.join("notices.csv"), "b\n").unwrap();
    assert!(refused(&place).contains("notices.csv has other bytes than summary.json says"));
}

#[tokio::test]
async fn a_folder_is_copied_once_and_a_correction_stands_beside_it() {
    let (root, share) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let target = Target::Local(local::Options { path: share.path().to_owned() });
    let first = Parcel::read(&package(root.path(), 10)).unwrap();
    assert_eq!(send(&target, &first).await.unwrap().len(), 5);
    assert_eq!(send(&target, &first).await.unwrap(), Vec::<String>::new());
    let second = Parcel::read(&package(root.path(), 20)).unwrap();
    assert_eq!(send(&target, &second).await.unwrap().len(), 5);
    for parcel in [&first, &second] {
        is_whole(parcel, &share.path().join(parcel.place()));
    }
    // What was damaged there is put right at one stroke.
    fs::write(share.path().join(second.place()).join("numbers.csv"), "").unwrap();
    assert_eq!(send(&target, &second).await.unwrap().len(), 5);
    is_whole(&second, &share.path().join(second.place()));
}

#[tokio::test]
async fn what_is_signed_since_or_by_another_key_is_sent_as_well() {
    let (root, share) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let folder = package(root.path(), 10);
    let signature = folder.join(sums::SIGNATURE);
    fs::remove_file(&signature).unwrap();
    let unsigned = Parcel::read(&folder).unwrap();
    assert_eq!(unsigned.place(), format!("regulator/2025-W02.{}", &unsigned.manifest_sha256[..12]));
    let mut places = vec![];
    for (signed, files) in [(None, 4), (Some("one key\n"), 5), (Some("two key\n"), 5)] {
        if let Some(signed) = signed {
            fs::write(&signature, signed).unwrap();
        }
        let parcel = Parcel::read(&folder).unwrap();
        assert_eq!(parcel.manifest_sha256, unsigned.manifest_sha256);
        let bucket = Bucket { store: Arc::clone(&store), prefix: "in".into() };
        for target in [Target::Local(local::Options { path: share.path().to_owned() }), Target::Bucket(bucket)] {
            assert_eq!(send(&target, &parcel).await.unwrap().len(), files, "{signed:?}");
        }
        is_whole(&parcel, &share.path().join(parcel.place()));
        places.push(parcel.place());
    }
    places.sort();
    places.dedup();
    assert_eq!(places.len(), 3, "{places:?}");
}

#[tokio::test]
async fn a_share_that_is_not_mounted_is_not_made() {
    let root = tempfile::tempdir().unwrap();
    let parcel = Parcel::read(&package(root.path(), 10)).unwrap();
    let share = root.path().join("share");
    let failed = send(&Target::Local(local::Options { path: share.clone() }), &parcel).await.unwrap_err();
    assert!(matches!(&failed, Failed::Passing(_)) && failed.to_string().contains("is no folder"), "{failed}");
    assert!(!share.exists());
}

#[tokio::test]
async fn a_folder_that_changes_while_it_is_sent_does_not_arrive() {
    let (root, share) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Arc::new(InMemory::new());
    let bucket = Bucket { store: store.clone(), prefix: "in".into() };
    let parcel = Parcel::read(&package(root.path(), 10)).unwrap();
    package(root.path(), 20);
    for target in [Target::Local(local::Options { path: share.path().to_owned() }), Target::Bucket(bucket)] {
        let failed = send(&target, &parcel).await.unwrap_err();
        assert!(matches!(&failed, Failed::Lasting(_)) && failed.to_string().contains("has changed"), "{failed}");
    }
    assert!(!share.path().join(parcel.place()).exists());
    let manifest = format!("in/{}/manifest.json", parcel.place());
    assert!(store.head(&manifest.as_str().into()).await.is_err());
}

#[tokio::test]
async fn a_bucket_gets_what_it_lacks_and_nothing_is_written_over() {
    let root = tempfile::tempdir().unwrap();
    let parcel = Parcel::read(&package(root.path(), 10)).unwrap();
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let target = Target::Bucket(Bucket { store: store.clone(), prefix: "in".into() });
    let at = |name: &str| object_store::path::Path::from(format!("in/{}/{name}", parcel.place()));
    // What a run that was killed has put there.
    store
        .put(&at("coverage.csv"), fs::read(root.path().join("regulator/2025-W02/coverage.csv")).unwrap().into())
        .await
        .unwrap();
    let sent = send(&target, &parcel).await.unwrap();
    assert_eq!(sent, ["SHA256SUMS", "SHA256SUMS.minisig", "manifest.json", "numbers.csv"]);
    assert_eq!(send(&target, &parcel).await.unwrap(), Vec::<String>::new());
    for item in &parcel.files {
        let bytes = store.get(&at(&item.name)).await.unwrap().bytes().await.unwrap();
        assert_eq!(sha256(&bytes), item.sha256);
    }

    store.delete(&at("manifest.json")).await.unwrap();
    store.put(&at("numbers.csv"), "foreign".into()).await.unwrap();
    let failed = send(&target, &parcel).await.unwrap_err();
    assert!(matches!(&failed, Failed::Lasting(_)) && failed.to_string().contains("remove it there"), "{failed}");
    assert!(store.head(&at("manifest.json")).await.is_err());
}
