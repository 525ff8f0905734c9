//! Attempts at a share that is not always mounted.

use std::path::Path;

use super::*;
use crate::export::delivery::local;

fn parcel(root: &Path, list: &str) -> Parcel {
    let place = root.join("notices/2025-01-06.1");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("notices.csv"), list).unwrap();
    let sha256 = crate::export::folder::sha256(&place.join("notices.csv")).unwrap();
    let summary = serde_json::json!({ "file": "notices.csv", "sha256": sha256 });
    std::fs::write(place.join("summary.json"), summary.to_string()).unwrap();
    Parcel::read(&place).unwrap()
}

#[tokio::test]
async fn a_share_that_comes_back_gets_what_it_missed() {
    let root = tempfile::tempdir().unwrap();
    let share = root.path().join("share");
    let parcel = parcel(root.path(), "a\n");
    let target = Target::Local(local::Options { path: share.clone() });
    let mounting = async {
        tokio::time::sleep(FIRST_WAIT / 2).await;
        std::fs::create_dir(&share).unwrap();
    };
    let (outcome, ()) = tokio::join!(deliver(&target, "share", &parcel, Clock::Fixed(0)), mounting);
    assert_eq!((outcome.attempts, outcome.error, outcome.sent.len()), (2, None, 2));
    let outcome = deliver(&target, "share", &parcel, Clock::Fixed(0)).await;
    assert_eq!((outcome.attempts, outcome.error, outcome.sent.len()), (1, None, 0), "it is there");
}

#[tokio::test]
async fn what_only_a_person_can_mend_is_not_tried_again() {
    let root = tempfile::tempdir().unwrap();
    let target = Target::Local(local::Options { path: root.path().to_owned() });
    let before = parcel(root.path(), "a\n");
    parcel(root.path(), "b\n");
    let outcome = deliver(&target, "share", &before, Clock::Fixed(0)).await;
    assert_eq!(outcome.attempts, 1);
    assert!(outcome.error.unwrap().contains("has changed while it was sent"));
}
