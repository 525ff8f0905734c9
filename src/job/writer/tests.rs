//! Batches that come again, too late, or from a writer that has a successor.

use std::path::Path;

use super::*;
use crate::domain::day::Day;
use crate::domain::message::Message;
use crate::job::ledger::ledger;
use crate::job::tests::{AT, site};
use crate::lake::Lake;

async fn writer(lake: &Path) -> Writer {
    writer_of(lake, "k/call_record/0").await
}

async fn writer_of(lake: &Path, source: &str) -> Writer {
    writer_for(Topic::CallRecord, lake, source).await
}

async fn writer_for(topic: Topic, lake: &Path, source: &str) -> Writer {
    let (_, stop) = watch::channel(false);
    let origin = source.parse().unwrap();
    Writer::open(topic, &site(lake), "call_record", origin, stop).await.unwrap()
}

/// Offsets of partition 0; every third is poison.
fn batch(offsets: std::ops::Range<i64>) -> Batch {
    let (mut messages, from) = (Messages::default(), offsets.start);
    for offset in offsets {
        let record = format!(
            r#"{{"record_id":"r{offset}","record_type":"originating","caller":"0962000001","caller_nature":"national",
            "callee":"0912345678","callee_nature":"national","start_at":{AT},"duration_s":60,"is_answered":true}}"#
        );
        let body = if offset % 3 == 2 { "poison" } else { &record };
        let payload = Some(body.as_bytes());
        messages.push(Message { partition: 0, offset, kafka_at: Some(AT), key: None, payload, headers: None });
    }
    Batch { messages, began: BTreeMap::from([(0, from)]), ends: BTreeMap::new() }
}

#[track_caller]
fn committed(written: Written) -> Committed {
    match written {
        Written::Committed(committed) => committed,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_begins_beyond_the_table_is_refused() {
    let lake = tempfile::tempdir().unwrap();
    let mut writer = writer(lake.path()).await;
    committed(writer.write(batch(0..3)).await.unwrap());
    let error = writer.write(batch(4..6)).await.unwrap_err();
    assert!(format!("{error:#}").contains("stands at 3, and a batch begins at 4"), "{error:#}");
    committed(writer.write(batch(3..6)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zombie_is_turned_away_by_its_successors_commit() {
    let lake = tempfile::tempdir().unwrap();
    let mut zombie = writer(lake.path()).await;
    let mut successor = writer(lake.path()).await;
    committed(successor.write(batch(0..6)).await.unwrap());
    assert!(matches!(zombie.write(batch(0..3)).await.unwrap(), Written::Fenced));
    let rows = successor.rows.rows(vec![], &[]).await.unwrap();
    assert_eq!(rows.iter().map(|rows| rows.num_rows()).sum::<usize>(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_the_two_commits_doubles_no_reject_and_loses_no_row() {
    check_crash(|crashed| crashed.reject_app_id(0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_of_a_program_with_one_name_for_every_tables_rejects_doubles_none() {
    check_crash(|crashed| crashed.origin.app_id(0)).await;
}

/// Rejects are committed under a name, and then there is another writer.
async fn check_crash(app_id: impl Fn(&Writer) -> String) {
    let lake = tempfile::tempdir().unwrap();
    let mut crashed = writer(lake.path()).await;
    let Batch { messages, .. } = batch(0..6);
    let decoded = crashed.decoder.decode(&messages, &crashed.source, AT).unwrap();
    let span = Span { app_id: app_id(&crashed), from: 0, until: 6 };
    crashed.rejects.append(&[decoded.rejects], &[span]).await.unwrap();
    drop(crashed);
    let mut next = writer(lake.path()).await;
    assert_eq!(next.begin(&[0]).await.unwrap(), [(0, None)]);
    // The batches are cut otherwise than before.
    let first = committed(next.write(batch(0..4)).await.unwrap());
    let second = committed(next.write(batch(4..9)).await.unwrap());
    assert_eq!((first.rows, first.honoured, second.rows, second.honoured), (3, 1, 3, 1));
    assert_eq!(second.rejects(), 1, "offset 8 is new");
    let rejects = next.rejects.offsets_in(None, "k/call_record/0", 0, 0..9).await.unwrap();
    assert_eq!(rejects, BTreeSet::from([2, 5, 8]));
    let count: usize = next.rejects.rows(vec![], &[]).await.unwrap().iter().map(|rows| rows.num_rows()).sum();
    assert_eq!(count, 3);
}

/// Of every table, how many rejects the ledger finds; it must be closed.
async fn rejects_by_table(lake: &Path) -> Vec<(&'static str, u64)> {
    let shown = ledger(&Lake::local(lake).unwrap(), &[], None, None).await.unwrap();
    assert!(shown.is_closed, "{shown:?}");
    shown.partitions.iter().map(|partition| (partition.topic, partition.proof.rejects)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_for_another_table_is_read_for_its_own() {
    let lake = tempfile::tempdir().unwrap();
    for source in ["file/ab12", "k/mixed/0"] {
        let mut wrong = writer_for(Topic::SmsRecord, lake.path(), source).await;
        let all = committed(wrong.write(batch(0..6)).await.unwrap());
        assert_eq!((all.rows, all.rejects()), (0, 6), "calls are no messages");
        wrong.settle(&[], AT).await.unwrap();
        let mut right = writer_of(lake.path(), source).await;
        assert_eq!(right.begin(&[0]).await.unwrap(), [(0, None)]);
        let first = committed(right.write(batch(0..3)).await.unwrap());
        let second = committed(right.write(batch(3..6)).await.unwrap());
        assert_eq!((first.rows, first.honoured, second.rows, second.honoured), (2, 0, 2, 0), "{source}");
    }
    let [calls, messages] = [("call_record", 2), ("sms_record", 6)];
    assert_eq!(rejects_by_table(lake.path()).await, [calls, calls, messages, messages]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mark_of_a_program_that_refused_it_for_another_table_holds_nothing_up() {
    let lake = tempfile::tempdir().unwrap();
    let mut wrong = writer_for(Topic::SmsRecord, lake.path(), "file/ab12").await;
    let Batch { messages, .. } = batch(0..6);
    let decoded = wrong.decoder.decode(&messages, &wrong.source, AT).unwrap();
    let span = Span { app_id: wrong.origin.app_id(0), from: 0, until: 6 };
    wrong.rejects.append(&[decoded.rejects], &[span]).await.unwrap();
    let mut right = writer_of(lake.path(), "file/ab12").await;
    right.begin(&[0]).await.unwrap();
    let first = committed(right.write(batch(0..3)).await.unwrap());
    let second = committed(right.write(batch(3..6)).await.unwrap());
    assert_eq!((first.rows, first.rejects(), second.rows, second.rejects()), (2, 1, 2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_was_made_anew_is_refused_until_its_epoch_is_raised() {
    let lake = tempfile::tempdir().unwrap();
    writer(lake.path()).await.know(1, Some("one")).await.unwrap();
    writer(lake.path()).await.know(1, Some("one")).await.unwrap();
    let error = writer(lake.path()).await.know(1, Some("two")).await.unwrap_err().to_string();
    assert!(error.contains("its id was one and is two now"), "{error}");
    assert!(error.contains("kafka.epochs.\"call_record\" = 1,"), "{error}");
    writer_of(lake.path(), "k/call_record/1").await.know(1, Some("two")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_was_never_read_is_known_from_where_it_had_nothing() {
    let lake = tempfile::tempdir().unwrap();
    let mut first = writer(lake.path()).await;
    first.know(2, Some("one")).await.unwrap();
    let known = async |writer: &mut Writer| {
        let begins = writer.begins(&[0, 1]).await.unwrap();
        assert!(begins.iter().all(|begin| begin.offset.is_none()));
        begins.iter().map(|begin| begin.known).collect::<Vec<_>>()
    };
    assert_eq!(known(&mut first).await, [None, None], "that it is there does not say since when");
    first.settle(&[(0, 7, AT)], AT).await.unwrap();
    first.settle(&[(0, 8, AT)], AT).await.unwrap();
    assert_eq!(known(&mut first).await, [Some(7), None]);
    let mut same = writer_of(lake.path(), "k/call_record/1").await;
    same.know(2, Some("one")).await.unwrap();
    assert_eq!(known(&mut same).await, [None, None], "it is the same topic");
    let mut anew = writer_of(lake.path(), "k/call_record/2").await;
    anew.know(2, Some("two")).await.unwrap();
    assert_eq!(known(&mut anew).await, [Some(0), Some(0)]);
    committed(anew.write(batch(0..3)).await.unwrap());
    let begin = anew.begins(&[0]).await.unwrap()[0];
    assert_eq!((begin.offset, begin.known), (Some(3), None), "the table knows");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_of_what_is_left_for_a_back_fill_is_a_hole() {
    let lake = tempfile::tempdir().unwrap();
    let mut writer = writer(lake.path()).await;
    writer.settle(&[(0, 7, AT)], AT).await.unwrap();
    let ends = [0, 1].map(|partition| OffsetRange { partition, from: 50, until: 60 });
    writer.defer(&ends).await.unwrap();
    let mut entries = writer.entries().await.unwrap();
    entries.retain(|entry| entry.kind == Kind::Deferred);
    let left: Vec<_> = entries.iter().map(|entry| (entry.account.from, entry.account.until)).collect();
    assert_eq!(left, [(7, 60), (50, 60)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timestamp_of_the_future_closes_no_day() {
    let lake = tempfile::tempdir().unwrap();
    let mut writer = writer(lake.path()).await;
    let committed = committed(writer.write(stamped(0, &[TOMORROW], 1)).await.unwrap());
    assert_eq!(committed.accounts[0].watermark, Some(AT));
}

const TOMORROW: i64 = AT + 86_400_000_000;

/// Messages from an offset on, each stamped with its instant, of a partition that ends there.
fn stamped(from: i64, stamps: &[i64], end: i64) -> Batch {
    let mut messages = Messages::default();
    for (offset, kafka_at) in (from..).zip(stamps) {
        let (kafka_at, payload) = (Some(*kafka_at), Some(&b"poison"[..]));
        messages.push(Message { partition: 0, offset, kafka_at, key: None, payload, headers: None });
    }
    Batch { messages, began: BTreeMap::from([(0, from)]), ends: BTreeMap::from([(0, end)]) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timestamp_of_the_future_closes_no_day_that_waits_at_the_broker() {
    let lake = tempfile::tempdir().unwrap();
    let mut writer = writer(lake.path()).await;
    // Ten hours behind, and the end of the partition is known.
    let night = AT - 36_000_000_000;
    let mut stamps: Vec<i64> = (0..100).map(|second| night + second * 1_000_000).collect();
    stamps[40] = TOMORROW;
    stamps[99] = TOMORROW;
    let watermark =
        async |writer: &mut Writer, batch| committed(writer.write(batch).await.unwrap()).accounts[0].watermark;
    let behind = watermark(&mut writer, stamped(0, &stamps, 1_000)).await;
    assert!(behind > Some(night) && behind < Some(night + 100_000_000), "{behind:?}");
    assert_eq!(watermark(&mut writer, stamped(100, &[TOMORROW, TOMORROW], 1_000)).await, None, "two are no clock");
    assert_eq!(watermark(&mut writer, stamped(102, &stamps, 202)).await, Some(AT), "nothing waits behind them");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_for_a_lock_and_a_segment_that_are_not_known_are_rows_of_which_counter_and_ledger_tell() {
    let lake = tempfile::tempdir().unwrap();
    let mut writer = writer_for(Topic::Subscriber, lake.path(), "k/subscriber/0").await;
    let mut messages = Messages::default();
    let states = [("prepaid", "debt"), ("prepaid", "because"), ("corporate", "debt"), ("corporate", "owner")];
    for (offset, (segment, lock)) in (0..).zip(states) {
        let body = format!(
            r#"{{"number":"091234567{offset}","activated_at":{AT},"segment":"{segment}","changed_at":{AT},"lock_reason":"{lock}"}}"#
        );
        let payload = Some(body.as_bytes());
        messages.push(Message { partition: 0, offset, kafka_at: Some(AT), key: None, payload, headers: None });
    }
    let batch = Batch { messages, began: BTreeMap::from([(0, 0)]), ends: BTreeMap::new() };
    let written = committed(writer.write(batch).await.unwrap());
    assert_eq!((written.rows, written.rejects(), written.unknown_locks, written.unknown_segments), (4, 0, 1, 2));
    let metrics = Metrics::new();
    written.count(Topic::Subscriber, &metrics);
    let text = metrics.text().unwrap();
    assert!(text.contains("callsieve_ingest_unknown_locks_total{topic=\"subscriber\"} 1\n"), "{text}");
    assert!(text.contains("callsieve_ingest_unknown_segments_total{topic=\"subscriber\"} 2\n"), "{text}");

    let (lake, day) = (Lake::local(lake.path()).unwrap(), Day::of(AT));
    let shown = async |days| ledger(&lake, &[Topic::Subscriber], days, None).await.unwrap();
    let all = shown(None).await;
    for (lines, column) in [(1, "lock_reason"), (2, "segment")] {
        let told = format!("subscriber: {lines} lines have by their newest state a {column} that is no word of");
        assert!(all.is_closed && all.text().contains(&told), "{}", all.text());
    }
    let later = shown(Some((day.plus(1), day.plus(2)))).await;
    assert!(later.unknown_locks.is_none() && later.unknown_segments.is_none());
}
