//! Partitions that are whole, and what is found of those that are not.

use super::window::open_reasons;
use super::*;
use crate::schema::contract::Table;

fn entry(kind: Kind, range: Range<i64>, records: u64, rejects: u64, gaps: &str) -> Entry {
    let mut account = Account::empty("k/t/0", 0, range.start);
    account.until = range.end;
    (account.records, account.rejects, account.gaps) = (records, rejects, gaps.parse().unwrap());
    account.watermark = Some(range.end * 10);
    Entry::new(kind, Table::CALL_RECORD, account, range.end)
}

fn seen(offsets: &[i64]) -> Seen {
    let mut seen = Seen::default();
    offsets.iter().for_each(|offset| seen.add(*offset));
    seen
}

/// Two commits: offsets 0 to 99 with a reject at 7 and a gap at 9, then 100 to 129.
fn two() -> Vec<Entry> {
    vec![entry(Kind::Read, 0..100, 98, 1, "9"), entry(Kind::Read, 100..130, 30, 0, "")]
}

/// What the tables hold, and the entries of what was removed from them.
#[derive(Default)]
struct Lies<'a> {
    rows: &'a [i64],
    rejects: &'a [i64],
    expired: Vec<Entry>,
    expired_rejects: Vec<Entry>,
    within: Option<Range<i64>>,
}

#[track_caller]
fn check_all(entries: &[Entry], lies: &Lies<'_>, findings: &[(Fault, &str)]) -> Proof {
    let entries: Vec<&Entry> = entries.iter().collect();
    let (rows, rejects) = (seen(lies.rows), seen(lies.rejects));
    let (expired, expired_rejects) = (Expired::of(&lies.expired), Expired::of(&lies.expired_rejects));
    let found = Found { rows: &rows, rejects: &rejects, expired: &expired, expired_rejects: &expired_rejects };
    let proof = prove(&entries, found, lies.within.as_ref());
    let found: Vec<_> = proof.findings.iter().map(|finding| (finding.fault, finding.offsets.to_string())).collect();
    let wanted: Vec<_> = findings.iter().map(|(fault, offsets)| (*fault, (*offsets).to_owned())).collect();
    assert_eq!(found, wanted);
    if wanted.is_empty() {
        let told = proof.records + proof.rejects + proof.tombstones + proof.gaps + proof.accepted;
        assert_eq!(told, (proof.until - proof.from).unsigned_abs(), "each offset is one thing");
    }
    proof
}

#[track_caller]
fn check(entries: &[Entry], rows: &[i64], rejects: &[i64], findings: &[(Fault, &str)]) -> Proof {
    check_all(entries, &Lies { rows, rejects, ..Lies::default() }, findings)
}

/// Rows before a day are removed, as far as versions before `until` held them.
fn removal(before: Day, until: i64) -> Entry {
    let account = Account { until, ..Account::empty("", 0, 0) };
    Entry { note: Some(before.to_string()), ..Entry::new(Kind::Expired, Table::CALL_RECORD, account, 0) }
}

fn day(days: i32) -> Day {
    Day::from_epoch_days(days)
}

fn whole() -> Vec<i64> {
    (0..130).filter(|offset| ![7, 9].contains(offset)).collect()
}

#[test]
fn every_offset_is_one_thing() {
    let proof = check(&two(), &whole(), &[7], &[]);
    let Proof { from, until, records, rejects, gaps, .. } = proof;
    assert_eq!((from, until, records, rejects, gaps), (0, 130, 128, 1, 1));
}

#[test]
fn a_lost_row_is_named() {
    let rows: Vec<i64> = whole().into_iter().filter(|offset| ![40, 63, 64].contains(offset)).collect();
    check(&two(), &rows, &[7], &[(Fault::Missing, "40,63-64")]);
}

#[test]
fn a_doubled_row_is_named() {
    let mut rows = whole();
    rows.extend([64, 129]);
    check(&two(), &rows, &[7], &[(Fault::Doubled, "64,129")]);
}

#[test]
fn a_commit_that_nobody_tells_of_is_a_hole_and_its_rows_are_untold() {
    let entries = [entry(Kind::Read, 0..10, 10, 0, ""), entry(Kind::Read, 20..30, 10, 0, "")];
    let rows: Vec<i64> = (0..30).collect();
    check(&entries, &rows, &[], &[(Fault::Untold, "10-19"), (Fault::Hole, "10-19")]);
}

#[test]
fn offsets_of_two_commits_are_told_twice() {
    let entries = [entry(Kind::Read, 0..10, 10, 0, ""), entry(Kind::Read, 5..15, 10, 0, "")];
    let rows: Vec<i64> = (0..15).collect();
    check(&entries, &rows, &[], &[(Fault::ToldTwice, "5-9")]);
}

#[test]
fn a_row_where_the_broker_had_nothing_is_two_things_at_once() {
    let mut rows = whole();
    rows.push(9);
    check(&two(), &rows, &[7], &[(Fault::Doubled, "9")]);
}

#[test]
fn sums_that_differ_are_named_though_nothing_is_missing() {
    let rows: Vec<i64> = whole().into_iter().filter(|offset| *offset != 8).collect();
    check(&two(), &rows, &[7, 8], &[(Fault::OtherSums, "0-99")]);
}

#[test]
fn a_replayed_reject_is_a_record() {
    let mut rows = whole();
    rows.push(7);
    let proof = check(&two(), &rows, &[7], &[]);
    assert_eq!((proof.records, proof.rejects, proof.replayed), (129, 0, 1));
}

#[test]
fn what_was_given_up_is_no_hole() {
    let entries = [
        entry(Kind::Read, 0..10, 10, 0, ""),
        entry(Kind::Accepted, 10..20, 0, 0, ""),
        entry(Kind::Read, 20..30, 10, 0, ""),
    ];
    let rows: Vec<i64> = (0..10).chain(20..30).collect();
    assert_eq!(check(&entries, &rows, &[], &[]).accepted, 10);
    assert_eq!(open_reasons(Table::CALL_RECORD, &entries, 300), Vec::<String>::new());
}

#[test]
fn rows_removed_by_age_are_counted_and_not_missed() {
    let mut entry = entry(Kind::Read, 0..10, 10, 0, "");
    entry.account.days = BTreeMap::from([(day(5), 4), (day(6), 6)]);
    let lies = Lies { rows: &[4, 5, 6, 7, 8, 9], expired: vec![removal(day(6), 0)], ..Lies::default() };
    let proof = check_all(&[entry], &lies, &[]);
    assert_eq!((proof.records, proof.expired), (10, 4));
}

#[test]
fn rows_that_came_after_their_day_was_removed_stay_until_the_next_time() {
    let at = |version: i64, range: Range<i64>, of: i32| {
        let mut entry = entry(Kind::Read, range, 1, 0, "");
        entry.account.days = BTreeMap::from([(day(of), 1)]);
        Entry { table_version: Some(version), ..entry }
    };
    let entries = [at(1, 0..1, 3), at(3, 1..2, 3), at(4, 2..3, 5), at(7, 3..4, 3), at(8, 4..5, 9)];
    // The second removal went less far back, and landed at version 6, though it had looked at version 4 alone.
    let expired = vec![removal(day(6), 2), removal(day(4), 5)];
    let proof = check_all(&entries, &Lies { rows: &[2, 3, 4], expired, ..Lies::default() }, &[]);
    assert_eq!((proof.records, proof.expired), (5, 2));
    let expired = vec![removal(day(6), 2), removal(day(4), 5), removal(day(6), 9)];
    let proof = check_all(&entries, &Lies { rows: &[4], expired, ..Lies::default() }, &[]);
    assert_eq!((proof.records, proof.expired), (5, 4));
    // A row that is lost is no removed one.
    let lies = Lies { rows: &[2, 3], expired: vec![removal(day(4), 5)], ..Lies::default() };
    check_all(&entries, &lies, &[(Fault::Missing, "4")]);
}

#[test]
fn rejects_leave_with_the_day_on_which_they_were_refused() {
    let entries = two();
    let expired_rejects = vec![removal(day(9), 4)];
    let lies = Lies { rows: &whole(), expired_rejects, ..Lies::default() };
    assert_eq!(check_all(&entries, &lies, &[]).rejects, 1);
    check_all(&entries, &Lies { expired_rejects: vec![removal(day(0), 4)], ..lies }, &[(Fault::Missing, "7")]);
}

#[test]
fn a_replayed_reject_may_outlive_its_row_and_the_row_its_reject() {
    let mut replayed = whole();
    replayed.push(7);
    let lies = Lies { rows: &replayed, expired_rejects: vec![removal(day(9), 4)], ..Lies::default() };
    let proof = check_all(&two(), &lies, &[]);
    assert_eq!((proof.records, proof.rejects, proof.replayed), (129, 0, 1));
    // The replayed row was of a day that its commit tells nothing of, and is gone.
    let lies = Lies { rows: &whole(), rejects: &[7], expired: vec![removal(day(9), 4)], ..Lies::default() };
    assert_eq!(check_all(&two(), &lies, &[]).rejects, 1);
    let lies = Lies { expired_rejects: vec![removal(day(9), 4)], rejects: &[], ..lies };
    assert_eq!(check_all(&two(), &lies, &[]).rejects, 1);
}

#[test]
fn a_row_supersedes_what_a_paused_worker_refused() {
    let proof = check(&two(), &whole(), &[7, 40, 41], &[]);
    assert_eq!((proof.records, proof.rejects, proof.superseded, proof.replayed), (128, 1, 2, 0));
    // Beside a reject of its own that was replayed.
    let mut replayed = whole();
    replayed.push(7);
    let proof = check(&two(), &replayed, &[7, 40, 41], &[]);
    assert_eq!((proof.records, proof.rejects, proof.superseded, proof.replayed), (129, 0, 2, 1));
    // A row that is lost does not hide behind it.
    let lost: Vec<i64> = whole().into_iter().filter(|offset| *offset != 50).collect();
    check(&two(), &lost, &[7, 40, 41], &[(Fault::Missing, "50")]);
}

#[test]
fn what_was_given_up_of_a_commit_is_not_missing_any_more() {
    let rows: Vec<i64> = whole().into_iter().filter(|offset| ![40, 63, 64].contains(offset)).collect();
    let entries = |accepted: Range<i64>| {
        let mut entries = two();
        entries.insert(1, entry(Kind::Accepted, accepted, 0, 0, ""));
        entries
    };
    check(&entries(63..65), &rows, &[7], &[(Fault::Missing, "40")]);
    // What lies there counts as what it is, though it was given up.
    let proof = check(&entries(40..65), &rows, &[7], &[]);
    assert_eq!((proof.records, proof.rejects, proof.accepted), (125, 1, 3));
    assert_eq!(check(&entries(90..140), &whole(), &[7], &[]).accepted, 10);
    assert!(check(&two(), &rows, &[7], &[(Fault::Missing, "40,63-64")]).has_lost(&(63..65)));
    assert!(!check(&two(), &rows, &[7], &[(Fault::Missing, "40,63-64")]).has_lost(&(62..65)));
}

#[test]
fn what_was_left_for_a_back_fill_is_a_hole_until_it_is_read() {
    let mut entries = vec![entry(Kind::Deferred, 10..40, 0, 0, ""), entry(Kind::Read, 40..50, 10, 0, "")];
    let hole = |entries: &[Entry]| holes(entries, "k/t/0", 0).to_string();
    let rows: Vec<i64> = (40..50).collect();
    let proof = check(&entries, &rows, &[], &[(Fault::Hole, "10-39")]);
    assert_eq!((proof.from, proof.until, hole(&entries).as_str()), (10, 50, "10-39"));
    assert_eq!(open_reasons(Table::CALL_RECORD, &entries, 500).len(), 1);
    entries.insert(1, entry(Kind::Read, 20..30, 10, 0, ""));
    let rows: Vec<i64> = (20..30).chain(40..50).collect();
    check(&entries, &rows, &[], &[(Fault::Hole, "10-19,30-39")]);
    entries.insert(1, entry(Kind::Accepted, 10..20, 0, 0, ""));
    entries.insert(3, entry(Kind::Read, 30..40, 10, 0, ""));
    let rows: Vec<i64> = (20..50).collect();
    check(&entries, &rows, &[], &[]);
    assert_eq!((hole(&entries).as_str(), holes(&entries, "k/t/0", 1).count()), ("", 0));
    assert_eq!(open_reasons(Table::CALL_RECORD, &entries, 500), Vec::<String>::new());
}

#[test]
fn a_file_is_missed_by_the_days_before_whose_end_it_was_begun() {
    let mut whole = entry(Kind::Deferred, 0..30, 0, 0, "");
    whole.account.source = format!("file/{}", "ab".repeat(32));
    whole.note = Some("calls.csv".to_owned());
    whole.committed_at = 700;
    let mut first = entry(Kind::Read, 0..10, 10, 0, "");
    first.account.source.clone_from(&whole.account.source);
    let entries = [whole, first];
    assert_eq!(open_reasons(Table::CALL_RECORD, &entries, 699), Vec::<String>::new(), "it may be loading");
    let reasons = open_reasons(Table::CALL_RECORD, &entries, 700);
    assert!(matches!(&reasons[..], [one] if one.contains("(calls.csv: drop it again")), "{reasons:?}");
    assert!(reasons[0].ends_with("has holes: 10-29"), "{reasons:?}");
}

#[test]
fn a_window_has_the_holes_between_its_first_and_last_offset() {
    let read = |(from, until): (i64, i64)| entry(Kind::Read, from..until, (until - from).unsigned_abs(), 0, "");
    let entries = [(0, 10), (10, 20), (25, 30), (35, 40), (40, 50)].map(read);
    let rows: Vec<i64> = (0..20).chain(25..30).chain(31..32).chain(35..50).collect();
    let lies = Lies { rows: &rows, within: Some(12..38), ..Lies::default() };
    let proof = check_all(&entries, &lies, &[(Fault::Untold, "31"), (Fault::Hole, "20-24,30-34")]);
    assert_eq!((proof.from, proof.until, proof.records), (10, 40, 20));
}

#[test]
fn nobody_waits_for_a_retired_topic_unless_it_is_read_again() {
    let retired = |at: i64| Entry::new(Kind::Retired, Table::CALL_RECORD, Account::empty("k/t/0", 0, 0), at);
    let reasons = |more: Vec<Entry>| open_reasons(Table::CALL_RECORD, &[two(), more].concat(), 2_000).len();
    assert_eq!(reasons(vec![]), 1);
    assert_eq!(reasons(vec![retired(200)]), 0);
    assert_eq!(reasons(vec![retired(200), entry(Kind::Read, 140..150, 10, 0, "")]), 1, "its hole still counts");
    assert_eq!(reasons(vec![retired(140), entry(Kind::Read, 130..150, 20, 0, "")]), 1, "it is read again");
    // Its successor is waited for, whoever signs or replays on the old one.
    let mut successor = entry(Kind::Read, 0..5, 5, 0, "");
    successor.account.source = "k/t/1".to_owned();
    successor.committed_at = 300;
    let mut replayed = entry(Kind::Replayed, 7..8, 1, 0, "");
    replayed.committed_at = 400;
    assert_eq!(reasons(vec![retired(200), replayed, successor]), 1);
}

#[test]
fn a_window_is_open_while_a_partition_is_behind_it_or_has_a_hole() {
    let entries = two();
    assert_eq!(open_reasons(Table::CALL_RECORD, &entries, 1_300), Vec::<String>::new());
    assert_eq!(open_reasons(Table::CALL_RECORD, &entries, 1_301).len(), 1);
    let idle = entry(Kind::Idle, 130..130, 0, 0, "");
    let mut later = idle.clone();
    later.account.watermark = Some(2_000);
    let entries = [entries, vec![later]].concat();
    assert_eq!(open_reasons(Table::CALL_RECORD, &entries, 2_000), Vec::<String>::new());
    assert_eq!(
        open_reasons(Table::CALL_RECORD, &[entries, vec![entry(Kind::Read, 140..150, 10, 0, "")]].concat(), 0).len(),
        1
    );
}

#[test]
fn a_partition_that_nobody_has_read_is_missed() {
    let mut entries = two();
    for partition in [0, 1] {
        let mut seen = entry(Kind::Seen, 0..0, 0, 0, "");
        (seen.account.partition, seen.account.watermark) = (partition, None);
        entries.push(seen);
    }
    let reasons = open_reasons(Table::CALL_RECORD, &entries, 1_300);
    assert_eq!(reasons, ["call_record partition 1 of k/t/0 has been read up to nowhere"]);
}
