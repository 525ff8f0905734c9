//! Who is told what of a small block list, and who is not.

use super::super::blocklist;
use super::super::desk::Look;
use super::*;
use crate::job::tests::{note_run, open_desk};
use crate::pipeline::definition::Definitions;
use crate::schema::sheet::Sheet;
use crate::store::Store;
use crate::store::audit::Wanted;

const DAY: &str = "2025-01-06";

fn day() -> Day {
    DAY.parse().unwrap()
}

/// An activation of long ago.
fn before() -> i64 {
    day().plus(-100).starts_at()
}

struct Site {
    folder: tempfile::TempDir,
    lake: Lake,
}

/// A line of the block list: number, action, reason, days since it began; without an action it is decided alone.
type Listed<'a> = (i64, &'a str, &'a str, i32);

impl Site {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(&folder.path().join("lake")).unwrap();
        for day in [day(), day().plus(1), day().plus(2)] {
            note_run(&lake, day, Table::BLOCKLIST_DAY, ("{}", 1), day.ends_at()).await;
        }
        Self { folder, lake }
    }

    /// Puts a block list in its place; the last digit of a number is that of its case, and 9 is off-net. Of 7 alone the
    /// activation is known.
    async fn list(&self, day: Day, lines: &[Listed<'_>]) {
        let mut list = Sheet::new(Table::BLOCKLIST_DAY.contract());
        let mut decided = Sheet::new(Table::DECISION.contract());
        for (number, action, reason, age) in lines {
            let case = format!("C-{}", number % 10);
            if !action.is_empty() {
                let row = list.row().day(day).int64(*number).text(action).text(reason).day(day.plus(-age));
                row.day(day.plus(30)).text(&case).text_or_null(None).end();
            }
            let activated_at = (number % 10 == 7).then(before);
            let row = decided.row().day(day).text(&case).int64(*number).instant_or_null(activated_at);
            let row = row.boolean(number % 10 != 9);
            let row = row.text("prepaid").text("limited").text("clear").text("evidence").day(day).day(day.plus(30));
            let row = row.date_or_null(None).float64_or_null(None).int64(2).int64(0).int64(0).int64(0).text("");
            row.boolean(false).text_or_null(None).instant_or_null(None).text_or_null(None).end();
        }
        let replaced = [(Table::BLOCKLIST_DAY, list.finish()), (Table::DECISION, decided.finish())];
        for (table, rows) in replaced {
            self.lake.open(table).await.unwrap().replace(day, &[rows]).await.unwrap();
        }
    }

    /// Takes subscriptions in: numbers with their activation.
    async fn subscribe(&self, activations: &[(i64, i64)]) {
        let mut sheet = Sheet::new(Table::SUBSCRIBER.contract());
        for (number, at) in activations {
            let row = sheet.row().day(Day::of(*at)).int64(*number).instant(*at).instant_or_null(None).text("prepaid");
            let row = row.text_or_null(None).int32_or_null(None).text_or_null(None).instant(*at);
            row.int32(0).int64(0).instant(*at).text_or_null(None).text_or_null(None).end();
        }
        self.lake.open(Table::SUBSCRIBER).await.unwrap().append(&[sheet.finish()], &[]).await.unwrap();
    }

    /// Publishes the list of a day for the network.
    async fn export(&self, day: Day) {
        let order = blocklist::Order::new(day, &self.folder.path().join("out"));
        let definitions = Definitions::read(&folder(None)).unwrap();
        blocklist::publish(&self.lake, &definitions, &order, None, Clock::Fixed(0)).await.unwrap();
    }

    async fn tell(&self, day: Day) -> Noticed {
        self.export(day).await;
        self.tell_alone(day).await
    }

    /// The same of whatever lists have left.
    async fn tell_alone(&self, day: Day) -> Noticed {
        let out = self.folder.path().join("out");
        publish(&self.lake, &templates(None).unwrap(), &out, day, (Trail::default(), Clock::Fixed(0)), |_| Ok(()))
            .await
            .unwrap()
    }

    /// The same of a run that is killed before anybody has read what it says.
    async fn tell_nobody(&self, day: Day) {
        self.export(day).await;
        let (templates, out) = (templates(None).unwrap(), self.folder.path().join("out"));
        let killed = publish(&self.lake, &templates, &out, day, (Trail::default(), Clock::Fixed(0)), |_| {
            anyhow::bail!("killed")
        })
        .await;
        assert_eq!(killed.unwrap_err().to_string(), "killed");
    }

    /// Who was told in a batch: ids of the notices.
    fn told(&self, batch: &str) -> Vec<String> {
        let path = self.folder.path().join("out/notices").join(batch).join("notices.csv");
        let text = std::fs::read_to_string(path).unwrap();
        let id = |line: &str| line.split(',').next().unwrap().strip_suffix(&format!("/{batch}")).unwrap().to_owned();
        text.lines().skip(1).map(id).collect()
    }
}

#[tokio::test]
async fn only_what_begins_or_ends_today_is_told_and_only_to_whom_it_happens() {
    let site = Site::new().await;
    site.list(
        day(),
        &[
            (84_962_000_001, "bar_outgoing", "behaviour+survey", 0),
            (84_962_000_002, "bar_both", "behaviour+report", 5),
            (84_962_000_003, "unblock", "overturned", 0),
            (84_962_000_004, "unblock", "subscription_ended", 0),
            (84_962_000_008, "bar_incoming_from", "behaviour", 0),
            (84_962_000_009, "unblock", "expired", 0),
        ],
    )
    .await;
    assert_eq!(site.tell(day()).await.notices, 2);
    assert_eq!(site.told("2025-01-06.1"), ["C-1/bar_outgoing", "C-3/unblock"]);
    let path = site.folder.path().join("out/notices/2025-01-06.1/notices.csv");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains("84962000001,bar_outgoing,C-1,\"Thuê bao") && text.contains("Thue bao cua Quy khach"));
}

#[tokio::test]
async fn nobody_is_told_twice_and_what_came_later_has_a_file_of_its_own() {
    let site = Site::new().await;
    site.list(day(), &[(84_962_000_001, "bar_outgoing", "behaviour", 0)]).await;
    assert_eq!(site.tell(day()).await.notices, 1);
    let again = site.tell(day()).await;
    assert_eq!((again.notices, again.folder), (0, None));

    let more = [(84_962_000_001, "bar_outgoing", "behaviour", 0), (84_962_000_002, "bar_both", "behaviour", 0)];
    site.list(day(), &more).await;
    assert_eq!(site.tell(day()).await.notices, 1);
    assert_eq!(site.told("2025-01-06.2"), ["C-2/bar_both"]);

    // A harder bar, the end of one, and a case that is barred anew are other things than the bar was.
    site.list(
        day().plus(1),
        &[(84_962_000_001, "bar_both", "behaviour", 0), (84_962_000_002, "unblock", "released", 0)],
    )
    .await;
    assert_eq!(site.tell(day().plus(1)).await.notices, 2);
    assert_eq!(site.told("2025-01-07.1"), ["C-1/bar_both", "C-2/unblock"]);
    let anew = [(84_962_000_001, "bar_both", "behaviour", 1), (84_962_000_002, "bar_both", "behaviour", 0)];
    site.list(day().plus(2), &anew).await;
    assert_eq!(site.tell(day().plus(2)).await.notices, 1);
    assert_eq!(site.told("2025-01-08.1"), ["C-2/bar_both"]);
}

#[tokio::test]
async fn a_bar_that_was_told_and_that_the_day_decided_anew_does_not_have_is_told_to_have_ended() {
    let site = Site::new().await;
    let barred = [(84_962_000_001, "bar_outgoing", "behaviour", 0), (84_962_000_002, "bar_both", "behaviour", 0)];
    site.list(day(), &barred).await;
    assert_eq!(site.tell(day()).await.notices, 2);
    // The second number is somebody else's since.
    site.subscribe(&[(84_962_000_002, day().starts_at() + 1)]).await;
    let before = (84_962_000_003, "bar_both", "behaviour", 5);
    site.list(day(), &[(84_962_000_001, "", "", 0), (84_962_000_002, "", "", 0), before]).await;
    assert_eq!(site.tell(day()).await.notices, 1);
    assert_eq!(site.told("2025-01-06.2"), ["C-1/unblock"]);
    assert_eq!(site.tell(day()).await.notices, 0);

    // And anew once more: whoever was told of the end is not barred in silence.
    site.list(day(), &barred[..1]).await;
    assert_eq!(site.tell(day()).await.notices, 1);
    assert_eq!(site.told("2025-01-06.3"), ["C-1/bar_outgoing"]);
    assert_eq!(site.tell(day()).await.notices, 0);
}

#[tokio::test]
async fn a_bar_of_before_that_the_day_decided_anew_has_again_is_told_to_whom_its_end_was_told() {
    let site = Site::new().await;
    site.list(day(), &[(84_962_000_001, "unblock", "denied", 0)]).await;
    assert_eq!(site.tell(day()).await.notices, 1);
    // An answer came late, and no list says so yet.
    let again = [(84_962_000_001, "bar_outgoing", "behaviour", 5), (84_962_000_002, "bar_both", "behaviour", 5)];
    site.list(day(), &again).await;
    let early = site.tell_alone(day()).await;
    assert_eq!((early.notices, early.unlisted), (0, 1));
    assert_eq!(site.tell(day()).await.notices, 1);
    assert_eq!(site.told("2025-01-06.2"), ["C-1/bar_outgoing"], "who was never told of an end knows of the bar");
    assert_eq!(site.tell(day()).await.notices, 0);
}

#[tokio::test]
async fn a_bar_that_stands_again_because_an_earlier_day_was_decided_anew_is_told_to_whom_its_end_was_told() {
    let site = Site::new().await;
    site.list(day(), &[(84_962_000_001, "unblock", "denied", 0)]).await;
    assert_eq!(site.tell(day()).await.notices, 1);
    let next = day().plus(1);
    site.list(next, &[(84_962_000_001, "", "", 1)]).await;
    assert_eq!(site.tell(next).await.notices, 0);
    // An answer came late: both days are decided anew, and only the last one's list leaves.
    site.list(day(), &[(84_962_000_001, "bar_outgoing", "behaviour", 5)]).await;
    site.list(next, &[(84_962_000_001, "bar_outgoing", "behaviour", 6), (84_962_000_002, "bar_both", "behaviour", 6)])
        .await;
    assert_eq!(site.tell(next).await.notices, 1);
    assert_eq!(site.told("2025-01-07.1"), ["C-1/bar_outgoing"], "who was never told of an end knows of the bar");
    for day in [next, day()] {
        assert_eq!(site.tell_alone(day).await.notices, 0, "{day}");
    }
}

#[tokio::test]
async fn who_has_a_number_by_now_is_not_told_of_the_end_of_a_bar_that_another_was_told_of() {
    let site = Site::new().await;
    site.list(day(), &[(84_962_000_001, "bar_outgoing", "behaviour", 0)]).await;
    assert_eq!(site.tell(day()).await.notices, 1);
    site.subscribe(&[(84_962_000_001, day().plus(2).starts_at())]).await;
    site.list(day(), &[(84_962_000_001, "", "", 0)]).await;
    site.export(day()).await;
    let (out, templates) = (site.folder.path().join("out"), templates(None).unwrap());
    let clock = Clock::Fixed(day().plus(3).starts_at());
    let noticed = publish(&site.lake, &templates, &out, day(), (Trail::default(), clock), |_| Ok(())).await.unwrap();
    assert_eq!((noticed.notices, noticed.unlisted), (0, 0));
}

#[tokio::test]
async fn who_has_a_number_by_now_is_told_neither_of_the_bar_nor_of_the_release_of_another() {
    let site = Site::new().await;
    let numbers = [84_962_000_007, 84_962_000_017, 84_962_000_027];
    site.list(
        day(),
        &[
            (numbers[0], "bar_outgoing", "behaviour", 0),
            (numbers[1], "bar_both", "behaviour", 0),
            (numbers[2], "unblock", "overturned", 0),
        ],
    )
    .await;
    site.export(day()).await;
    site.subscribe(&numbers.map(|number| (number, before()))).await;
    // Two change hands on the morning on which the day's list leaves.
    let morning = day().plus(1).starts_at() + 1;
    site.subscribe(&[(numbers[1], morning), (numbers[2], morning)]).await;
    let (out, templates) = (site.folder.path().join("out"), templates(None).unwrap());
    let clock = Clock::Fixed(morning + 1);
    let noticed = publish(&site.lake, &templates, &out, day(), (Trail::default(), clock), |_| Ok(())).await.unwrap();
    assert_eq!((noticed.notices, noticed.unlisted), (1, 0));
    let text = std::fs::read_to_string(out.join("notices/2025-01-06.1/notices.csv")).unwrap();
    assert!(text.contains("C-7/bar_outgoing/2025-01-06.1,84962000007,"), "{text}");
}

#[tokio::test]
async fn a_bar_that_left_no_row_is_told_to_have_ended_to_whom_it_was_told() {
    let site = Site::new().await;
    let begun = [(84_962_000_001, "bar_outgoing", "behaviour", 0), (84_962_000_002, "bar_both", "behaviour", 0)];
    site.list(day(), &begun).await;
    assert_eq!(site.tell(day()).await.notices, 2);
    let stands = begun.map(|(number, action, reason, _)| (number, action, reason, 1));
    site.list(day().plus(1), &stands).await;
    assert_eq!(site.tell(day().plus(1)).await.notices, 0);

    // Both days are decided anew by less, and the second number turns out to have changed hands.
    site.subscribe(&[(84_962_000_001, before()), (84_962_000_002, before()), (84_962_000_002, day().ends_at() - 1)])
        .await;
    for day in [day(), day().plus(1)] {
        site.list(day, &[]).await;
    }
    let early = site.tell_alone(day().plus(1)).await;
    assert_eq!((early.notices, early.unlisted), (0, 1), "the network bars it still");
    assert_eq!(site.tell(day().plus(1)).await.notices, 1);
    assert_eq!(site.told("2025-01-07.1"), ["C-1/unblock"]);
    for day in [day().plus(1), day(), day().plus(2)] {
        let again = site.tell_alone(day).await;
        assert_eq!((again.notices, again.unlisted), (0, 0), "{day}");
    }
}

#[tokio::test]
async fn an_end_that_left_by_the_list_of_a_later_day_is_told_once() {
    let site = Site::new().await;
    site.list(day(), &[(84_962_000_001, "bar_outgoing", "behaviour", 0)]).await;
    assert_eq!(site.tell(day()).await.notices, 1);
    // Nobody exports the day on which it ends.
    site.list(day().plus(1), &[(84_962_000_001, "unblock", "expired", 0)]).await;
    site.list(day().plus(2), &[(84_962_000_001, "", "", 1)]).await;
    assert_eq!(site.tell(day().plus(2)).await.notices, 1);
    assert_eq!(site.told("2025-01-08.1"), ["C-1/unblock"]);
    let again = site.tell_alone(day().plus(1)).await;
    assert_eq!((again.notices, again.unlisted), (0, 0));
}

#[tokio::test]
async fn what_no_list_has_asked_for_is_told_to_nobody() {
    let site = Site::new().await;
    let of_today = [(84_962_000_001, "bar_outgoing", "behaviour", 0), (84_962_000_002, "bar_both", "behaviour", 0)];
    site.list(day(), &of_today).await;
    let early = site.tell_alone(day()).await;
    assert_eq!((early.notices, early.unlisted), (0, 2));
    assert!(early.text().contains("2 are not told: no list asks the network for it"), "{}", early.text());
    let noticed = site.tell(day()).await;
    assert_eq!((noticed.notices, noticed.unlisted), (2, 0));

    // The next list bars both still; then the first day is decided anew.
    let of_yesterday = [(84_962_000_001, "bar_outgoing", "behaviour", 1), (84_962_000_002, "bar_both", "behaviour", 1)];
    site.list(day().plus(1), &of_yesterday).await;
    site.export(day().plus(1)).await;
    let freed = [(84_962_000_001, "unblock", "released", 0), (84_962_000_003, "bar_both", "behaviour", 0)];
    site.list(day(), &freed).await;
    let noticed = site.tell_alone(day()).await;
    assert_eq!((noticed.notices, noticed.unlisted), (0, 2), "one is barred still, the other was never");

    // It leaves by the next day's list, which was decided again.
    site.list(day().plus(1), &[(84_962_000_003, "bar_both", "behaviour", 1)]).await;
    site.export(day().plus(1)).await;
    let noticed = site.tell_alone(day()).await;
    assert_eq!((noticed.notices, noticed.unlisted), (2, 0), "{}", noticed.text());
    assert_eq!(site.told("2025-01-06.2"), ["C-1/unblock", "C-3/bar_both"]);
}

#[tokio::test]
async fn of_a_bar_that_no_list_has_carried_no_end_is_told() {
    let site = Site::new().await;
    // Before the first list, others may have barred whoever is given back.
    site.list(day(), &[(84_962_000_001, "bar_outgoing", "behaviour", 0), (84_962_000_002, "unblock", "expired", 0)])
        .await;
    assert_eq!(site.tell(day()).await.notices, 2);
    // The second is barred anew, and allowed before a list says so, as is the third.
    let freed = [
        (84_962_000_001, "unblock", "released", 0),
        (84_962_000_002, "unblock", "allow_listed", 0),
        (84_962_000_003, "unblock", "allow_listed", 0),
    ];
    site.list(day().plus(1), &freed).await;
    let early = site.tell_alone(day().plus(1)).await;
    assert_eq!((early.notices, early.unlisted), (0, 1), "who was barred waits for the list");
    let noticed = site.tell(day().plus(1)).await;
    assert_eq!((noticed.notices, noticed.unlisted), (1, 0));
    assert_eq!(site.told("2025-01-07.1"), ["C-1/unblock"]);
}

#[tokio::test]
async fn who_has_the_case_that_another_had_in_the_decision_before_is_told() {
    let site = Site::new().await;
    site.list(day(), &[(84_962_000_001, "bar_outgoing", "behaviour", 0)]).await;
    assert_eq!(site.tell(day()).await.notices, 1);
    // Decided anew: another comes first, and so has the first case.
    let anew = [(84_962_000_011, "bar_outgoing", "behaviour", 0), (84_962_000_001, "bar_outgoing", "behaviour", 0)];
    site.list(day(), &anew).await;
    assert_eq!(site.tell(day()).await.notices, 1);
    let path = site.folder.path().join("out/notices/2025-01-06.2/notices.csv");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains("C-1/bar_outgoing/2025-01-06.2,84962000011,"), "{text}");
}

#[tokio::test]
async fn what_a_killed_run_has_published_is_told_and_its_ids_are_nobody_elses() {
    for is_decided_anew in [false, true] {
        let site = Site::new().await;
        site.list(day(), &[(84_962_000_001, "bar_outgoing", "behaviour", 0)]).await;
        let first = site.tell(day()).await;
        // Killed before it was written down.
        std::fs::remove_dir_all(site.folder.path().join("lake/notice")).unwrap();
        if is_decided_anew {
            let anew = [(84_962_000_011, "bar_outgoing", "behaviour", 0), (84_962_000_002, "bar_both", "behaviour", 0)];
            site.list(day(), &anew).await;
        }
        let next = site.tell(day()).await;
        assert_eq!(site.told("2025-01-06.1"), ["C-1/bar_outgoing"], "it stands as the gateway has read it");
        if is_decided_anew {
            assert_eq!(
                (next.notices, site.told("2025-01-06.2")),
                (2, vec!["C-2/bar_both".to_owned(), "C-1/bar_outgoing".to_owned()])
            );
            let text = next.text();
            assert!(text.contains("2025-01-06.1: 1 notices") && text.contains("2025-01-06.2: 2 notices"), "{text}");
            let folder = first.folder.unwrap();
            assert_eq!(next.earlier, [Earlier { notices: 1, folder }], "nobody else names it");
        } else {
            assert_eq!((next.notices, next.folder, next.is_changed), (1, first.folder, false));
            assert!(next.earlier.is_empty(), "{:?}", next.earlier);
        }
        assert_eq!(site.tell(day()).await.notices, 0);
    }
}

#[tokio::test]
async fn what_no_run_has_named_is_named_by_the_next_that_is_not_killed() {
    let site = Site::new().await;
    let mut list: Vec<Listed<'_>> = vec![(84_962_000_001, "bar_outgoing", "behaviour", 0)];
    site.list(day(), &list).await;
    site.tell_nobody(day()).await;
    list.push((84_962_000_002, "bar_both", "behaviour", 0));
    site.list(day(), &list).await;
    site.tell_nobody(day()).await;
    list.push((84_962_000_003, "bar_both", "behaviour", 0));
    site.list(day(), &list).await;
    let next = site.tell(day()).await;
    let folder = |batch: &str| site.folder.path().join("out/notices").join(batch);
    let earlier = ["2025-01-06.1", "2025-01-06.2"].map(|batch| Earlier { notices: 1, folder: folder(batch) });
    assert_eq!((next.notices, next.folder), (1, Some(folder("2025-01-06.3"))));
    assert_eq!(next.earlier, earlier);
    for (batch, expected) in
        [("2025-01-06.1", "C-1/bar_outgoing"), ("2025-01-06.2", "C-2/bar_both"), ("2025-01-06.3", "C-3/bar_both")]
    {
        assert_eq!(site.told(batch), [expected]);
    }
    let again = site.tell(day()).await;
    assert_eq!((again.notices, again.folder, again.earlier.len()), (0, None, 0), "each is named once");
}

#[tokio::test]
async fn a_day_that_was_not_decided_tells_nobody() {
    let site = Site::new().await;
    let (templates, out) = (templates(None).unwrap(), site.folder.path());
    let error =
        publish(&site.lake, &templates, out, day().plus(5), (Trail::default(), Clock::Fixed(0)), |_| Ok(())).await;
    assert!(error.unwrap_err().to_string().contains("has not been computed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_go_to_the_gateway_only_once_the_desks_trail_says_so() {
    let site = Site::new().await;
    site.list(day(), &[(84_962_000_001, "bar_outgoing", "behaviour", 0), (84_962_000_002, "unblock", "overturned", 0)])
        .await;
    site.export(day()).await;
    let desk = open_desk(site.folder.path(), false, 1, &["an"]).await;
    let store = Store::open(&format!("sqlite://{}/desk.db", site.folder.path().display())).await.unwrap();
    let (templates, out) = (templates(None).unwrap(), site.folder.path().join("out"));
    let tell = async |by: Option<&str>| {
        let trail = Trail { store: Some(&store), by };
        publish(&site.lake, &templates, &out, day(), (trail, Clock::Fixed(2)), |_| Ok(())).await
    };
    assert!(tell(Some("em")).await.unwrap_err().is::<crate::store::Refused>(), "nobody knows em");
    assert!(!out.join("notices").exists());
    assert_eq!(tell(None).await.unwrap().notices, 2);
    assert_eq!(tell(Some("an")).await.unwrap().notices, 0, "nothing leaves, and nothing is written down");
    let trail = desk.trail(Look { by: None, at: 1 }, &Wanted { limit: 2, ..Wanted::default() }).await.unwrap();
    let told: Vec<_> = trail.iter().filter(|row| row.facts["act"] == "export_notices").collect();
    assert_eq!((told.len(), &told[0].facts["actor"]), (1, &"callsieve".into()));
    assert_eq!(told[0].facts["detail"]["numbers"], 2);
}
