//! Deliveries as their table tells of them, to a share of this machine.

use std::path::{Path, PathBuf};

use super::*;
use crate::export::blocklist::file::numbered;
use crate::export::sums;

const NOON: Clock = Clock::Fixed(1_736_139_600_000_000);

/// A batch of notices with this list.
pub(super) fn parcel(root: &Path, list: &str) -> Parcel {
    let place = root.join("notices/2025-01-06.1");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("notices.csv"), list).unwrap();
    let sha256 = crate::export::folder::sha256(&place.join("notices.csv")).unwrap();
    let summary = serde_json::json!({ "file": "notices.csv", "sha256": sha256 });
    std::fs::write(place.join("summary.json"), summary.to_string()).unwrap();
    Parcel::read(&place).unwrap()
}

/// A folder with a lake in it, and a share.
fn site() -> (tempfile::TempDir, Lake, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let lake = Lake::local(&root.path().join("lake")).unwrap();
    let share = root.path().join("share");
    std::fs::create_dir(&share).unwrap();
    (root, lake, share)
}

async fn noted(lake: &Lake, parcel: &Parcel) -> Vec<String> {
    let table = lake.find(Table::DELIVERY).await.unwrap().unwrap();
    let mut states = states(&table, "share", parcel).await.unwrap();
    states.sort();
    states
}

#[tokio::test]
async fn what_is_done_is_not_sent_again_and_what_was_cut_off_is_finished() {
    let (root, lake, share) = site();
    let parcel = parcel(root.path(), "a\n");
    let target = Options::Folder(local::Options { path: share.clone() }).target(Settings::new()).unwrap();
    let run = async |is_dry_run| {
        let order = Order { is_dry_run, ..Order::default() };
        deliver(&lake, ("share", &target), &parcel, order, NOON).await.unwrap()
    };

    assert_eq!(run(true).await.state, State::Wanted);
    assert!(lake.find(Table::DELIVERY).await.unwrap().is_none() && !share.join("notices").exists());
    // What a run leaves behind that is killed before it sends.
    let mut table = lake.open(Table::DELIVERY).await.unwrap();
    note(&mut table, "share", &parcel, INTENDED, None, NOON).await.unwrap();
    let first = run(false).await;
    assert_eq!((first.state, first.sent), (State::Done, 2), "{}", first.text());
    assert_eq!(noted(&lake, &parcel).await, ["done", "intended", "intended"]);
    std::fs::remove_dir_all(&share).unwrap();
    let second = run(false).await;
    assert_eq!((second.state, second.sent, second.attempts), (State::Known, 0, 0));
    assert!(!share.exists() && second.verdict().is_ok());
    assert_eq!(noted(&lake, &parcel).await.len(), 3, "a run that sends nothing notes nothing");
}

#[tokio::test]
async fn what_is_signed_since_is_not_known() {
    let (root, lake, share) = site();
    let target = Target::Local(local::Options { path: share });
    let run = async |parcel: &Parcel| deliver(&lake, ("share", &target), parcel, Order::default(), NOON).await.unwrap();
    let unsigned = parcel(root.path(), "a\n");
    assert_eq!(run(&unsigned).await.state, State::Done);

    let folder = root.path().join("notices/2025-01-06.1");
    let sums = unsigned.files.iter().map(|item| (item.name.clone(), item.sha256.clone())).collect();
    std::fs::write(folder.join(sums::FILE), sums::text(&sums)).unwrap();
    std::fs::write(folder.join(sums::SIGNATURE), "signed\n").unwrap();
    let signed = Parcel::read(&folder).unwrap();
    assert_eq!(signed.manifest_sha256, unsigned.manifest_sha256);
    let first = run(&signed).await;
    assert_eq!((first.state, first.sent), (State::Done, 4), "{}", first.text());
    for parcel in [&unsigned, &signed] {
        assert_eq!(run(parcel).await.state, State::Known);
    }
}

/// The commands of a publication.
fn script(root: &Path, sequence: i64) -> Parcel {
    let place = root.join("blocklist-mml").join(numbered(sequence));
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("commands.txt"), format!("{sequence}\n")).unwrap();
    let sha256 = crate::export::folder::sha256(&place.join("commands.txt")).unwrap();
    let listed = serde_json::json!({ "name": "commands.txt", "sha256": sha256, "size_bytes": 2, "rows": 1 });
    let manifest = serde_json::json!({ "schema": "callsieve/block-list/1", "files": [listed] });
    std::fs::write(place.join("manifest.json"), manifest.to_string()).unwrap();
    Parcel::read(&place).unwrap()
}

#[tokio::test]
async fn commands_go_in_their_order_and_none_behind_what_has_undone_them() {
    let (root, lake, share) = site();
    let target = Target::Local(local::Options { path: share.clone() });
    let [seven, eight, nine] = [7, 8, 9].map(|sequence| script(root.path(), sequence));
    let run = async |parcel: &Parcel, is_out_of_turn| {
        let order = Order { is_out_of_turn, ..Order::default() };
        deliver(&lake, ("share", &target), parcel, order, NOON).await.unwrap()
    };
    // Cut off on the way: it may have arrived, and may not.
    let mut table = lake.open(Table::DELIVERY).await.unwrap();
    note(&mut table, "share", &seven, INTENDED, None, NOON).await.unwrap();

    let held = run(&eight, false).await;
    let said = held.verdict().unwrap_err();
    assert_eq!(held.state, State::Held);
    assert!(said.is::<Undelivered>() && said.to_string().contains("blocklist-mml/00000007 comes before it"), "{said}");
    assert!(!share.join("blocklist-mml").exists());
    assert_eq!(run(&eight, true).await.state, State::Done);
    for _ in 0..2 {
        let late = run(&seven, false).await;
        let said = late.verdict().unwrap_err();
        assert_eq!((late.state, late.sent), (State::Superseded, 0));
        assert!(said.is::<Superseded>() && said.to_string().contains("blocklist-mml/00000008 went"), "{said}");
    }
    assert_eq!(noted(&lake, &seven).await, ["intended", "superseded"]);
    assert_eq!(run(&nine, false).await.state, State::Done);
    assert_eq!(run(&eight, false).await.state, State::Known);
}

#[tokio::test]
async fn what_has_not_arrived_is_noted_with_its_reason_and_stays_wanted() {
    let root = tempfile::tempdir().unwrap();
    let lake = Lake::local(&root.path().join("lake")).unwrap();
    let parcel = parcel(root.path(), "a\n");
    let target = Target::Local(local::Options { path: root.path().to_owned() });
    std::fs::write(root.path().join("notices/2025-01-06.1/notices.csv"), "b\n").unwrap();
    let failed = deliver(&lake, ("share", &target), &parcel, Order::default(), NOON).await.unwrap();
    assert_eq!(failed.state, State::Failed);
    let said = failed.verdict().unwrap_err().to_string();
    assert!(
        said.starts_with("notices/2025-01-06.1 has not arrived at share") && said.contains("has changed"),
        "{said}"
    );
    assert_eq!(noted(&lake, &parcel).await, ["failed", "intended"]);
}
