//! The block list from a lake's tables to its folders.

use super::super::desk::{self, Desk, Hand, Look};
use super::*;
use crate::export::blocklist::digits;
use crate::export::blocklist::limit::Refused;
use crate::job::case;
use crate::job::tests::{note_run, open_desk};
use crate::pipeline::run::{Runner, folder};
use crate::schema::column::blocklist_export;
use crate::schema::sheet::Sheet;
use crate::source::kafka::Setting;
use crate::store::audit::Wanted;
use crate::store::review::Review;
use crate::store::user::Role;
use crate::store::wish::{Deed, Wish};

fn day(after: i32) -> Day {
    "2025-01-06".parse::<Day>().unwrap().plus(after)
}

fn number(last: i64) -> Number {
    Number::from_e164(84_962_000_000 + last).unwrap()
}

struct Site {
    root: tempfile::TempDir,
    lake: Lake,
    definitions: Definitions,
}

impl Site {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let lake = Lake::local(&root.path().join("lake")).unwrap();
        Self { root, lake, definitions: Definitions::read(&folder(None)).unwrap() }
    }

    /// Decides a day: numbers with their verdict, and that of the day before.
    async fn decide(&self, on: Day, verdicts: &[(i64, &str, &str)]) {
        self.decide_until(on, day(30), verdicts).await;
    }

    /// The same of verdicts with another end.
    async fn decide_until(&self, on: Day, until: Day, verdicts: &[(i64, &str, &str)]) {
        let mut sheet = Sheet::new(Table::DECISION.contract());
        for (last, verdict, previous) in verdicts {
            let row = sheet.row().day(on).text(&format!("C-{last}")).int64(digits(number(*last))).instant_or_null(None);
            let row = row.boolean(true).text("prepaid").text(verdict).text(previous).text("evidence");
            let row = row.day(day(0)).day(until).date_or_null(None).float64_or_null(None);
            let row = row.int64(2).int64(2).int64(0).int64(0).text("").boolean_or_null(None).text_or_null(None);
            row.instant_or_null(None).text_or_null(None).end();
        }
        let mut table = self.lake.open(Table::DECISION).await.unwrap();
        let mut inputs = serde_json::json!({ "decision": table.version() });
        if let Some(words) = self.lake.find(Table::CASE_EVENT).await.unwrap() {
            inputs["case_event"] = words.version().into();
        }
        let wrote = table.replace(on, &[sheet.finish()]).await.unwrap().version;
        note_run(&self.lake, on, Table::DECISION, (&inputs.to_string(), wrote), on.ends_at()).await;
        let mut runner = Runner::new(self.lake.clone(), self.definitions.clone(), Clock::System);
        runner.run(&[Table::BLOCKLIST_DAY], on).await.unwrap();
    }

    fn order(&self, on: Day) -> Order {
        Order { delta: true, ..Order::new(on, &self.root.path().join("out")) }
    }

    async fn publish(&self, order: &Order) -> anyhow::Result<Published> {
        publish(&self.lake, &self.definitions, order, None, Clock::System).await
    }

    fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.root.path().join("out").join(path)).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn days_become_a_sequence_and_a_second_run_changes_nothing() {
    let site = Site::new();
    site.decide(day(0), &[(1, "limited", "clear"), (2, "limited", "clear"), (3, "released", "limited")]).await;
    let first = site.publish(&site.order(day(0))).await.unwrap();
    assert_eq!((first.sequence, first.bars, first.changes["removed"]), (1, 2, 1), "who is given back is told at once");
    let again = site.publish(&site.order(day(0))).await.unwrap();
    assert_eq!((again.sequence, again.full.unwrap().is_changed, again.deltas[0].is_changed), (1, false, false));

    // Nobody exported the second day.
    site.decide(day(1), &[(1, "released", "limited"), (2, "limited", "limited")]).await;
    site.decide(day(2), &[(2, "blocked", "limited"), (4, "limited", "clear")]).await;
    let second = site.publish(&site.order(day(2))).await.unwrap();
    assert_eq!((second.sequence, second.bars), (2, 2));
    assert_eq!(
        site.text("blocklist-delta/00000002/delta.csv"),
        "sequence,change,number,action,reason,from_day,until_day,case_id,detections\n\
         2,removed,84962000001,unblock,not_listed,2025-01-08,2025-01-08,C-1,\n\
         2,changed,84962000002,bar_both,behaviour+report,2025-01-06,2025-02-05,C-2,\n\
         2,added,84962000004,bar_outgoing,behaviour+report,2025-01-06,2025-02-05,C-4,\n"
    );
    let manifest: serde_json::Value =
        serde_json::from_str(&site.text("blocklist-delta/00000002/manifest.json")).unwrap();
    assert_eq!(manifest["supersedes"], serde_json::json!({ "sequence": 1, "list_sha256": first.list_sha256 }));

    // An appeal is right on the same day.
    site.decide(day(2), &[(2, "released", "blocked"), (4, "limited", "clear")]).await;
    let third = site.publish(&site.order(day(2))).await.unwrap();
    assert_eq!((third.sequence, third.changes["removed"], third.changes["added"]), (3, 1, 0));
    assert!(site.text("blocklist/2025-01-08/blocklist.csv").contains("84962000002,unblock,evidence"));

    // The first day once more, elsewhere: the same bytes from the table alone.
    let elsewhere = Order { out: site.root.path().join("elsewhere"), ..site.order(day(0)) };
    let old = site.publish(&elsewhere).await.unwrap();
    assert_eq!((old.sequence, old.list_sha256), (1, first.list_sha256));
    let copy = std::fs::read_to_string(elsewhere.out.join("blocklist/2025-01-06/blocklist.csv")).unwrap();
    assert_eq!(copy, site.text("blocklist/2025-01-06/blocklist.csv"));
    let error = site.publish(&site.order(day(1))).await.unwrap_err();
    assert!(error.to_string().starts_with("2025-01-07 was never published, and a later day was"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_day_that_was_decided_anew_leaves_by_the_newest_list_alone() {
    let site = Site::new();
    for after in 0..2 {
        site.decide(day(after), &[(1, "limited", "clear")]).await;
        site.publish(&site.order(day(after))).await.unwrap();
    }
    site.decide(day(0), &[(1, "released", "limited")]).await;
    let refused = site.publish(&site.order(day(0))).await.unwrap_err().to_string();
    assert!(refused.starts_with("2025-01-06 was decided anew, and lists up to 2025-01-07 have left"), "{refused}");
    assert!(refused.contains("`callsieve decide --day 2025-01-07`"), "{refused}");
    let refused = site.publish(&site.order(day(1))).await.unwrap_err().to_string();
    assert!(refused.starts_with("2025-01-06 was decided anew since 2025-01-07 was"), "{refused}");

    site.decide(day(1), &[]).await;
    let given_back = site.publish(&site.order(day(1))).await.unwrap();
    assert_eq!((given_back.sequence, given_back.bars, given_back.changes["removed"]), (3, 0, 1));
    assert_eq!(site.publish(&site.order(day(0))).await.unwrap().sequence, 1, "what left then can be made once more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_missed_publications_gets_them_with_the_next() {
    let site = Site::new();
    for (after, numbers) in [(0, &[1][..]), (1, &[1, 2][..]), (2, &[2][..]), (3, &[2, 3][..])] {
        let verdicts: Vec<_> = numbers.iter().map(|last| (*last, "limited", "clear")).collect();
        site.decide(day(after), &verdicts).await;
        let is_delta = after == 0 || after == 3;
        let published = site.publish(&Order { delta: is_delta, ..site.order(day(after)) }).await.unwrap();
        let expected = [1, 0, 0, 3][usize::try_from(after).unwrap()];
        assert_eq!(published.deltas.len(), expected, "{}", published.text());
    }
    assert!(site.text("blocklist-delta/00000003/delta.csv").contains("3,removed,84962000001,unblock"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_masked_commands_and_writes_nothing() {
    let site = Site::new();
    site.decide(day(0), &[(1, "limited", "clear")]).await;
    let path = site.root.path().join("t.toml");
    let line = |action: &str| format!("{action} = \"{action} {{number}}\"\n");
    let commands: String =
        ["bar_outgoing", "bar_both", "bar_incoming_from", "unblock"].iter().map(|action| line(action)).collect();
    std::fs::write(&path, format!("[command]\n{commands}")).unwrap();
    let order = || Order { mml: Some(Template::read(&path).unwrap()), ..site.order(day(0)) };
    let looked = site.publish(&Order { is_dry_run: true, ..order() }).await.unwrap();
    assert_eq!((looked.commands, &looked.sample[..]), (Some(1), &["bar_outgoing 84962•••001".to_owned()][..]));
    assert_eq!(
        looked.text(),
        "nothing is written\npublication 1 of 2025-01-06: 1 bars, 1 added, 0 changed, 0 removed\n\
         1 commands, the first of them\n  bar_outgoing 84962•••001"
    );
    assert!(!site.root.path().join("out").exists());
    assert!(site.lake.find(Table::BLOCKLIST_EXPORT).await.unwrap().is_none());
    site.publish(&order()).await.unwrap();
    assert_eq!(site.text("blocklist-mml/00000001/commands.txt"), "bar_outgoing 84962000001\n");
    assert_eq!(site.text("blocklist-mml/00000001/rollback.txt"), "unblock 84962000001\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_does_not_leave_and_releases_do() {
    let site = Site::new();
    site.decide(day(0), &[(1, "limited", "clear"), (2, "limited", "clear")]).await;
    site.publish(&site.order(day(0))).await.unwrap();
    site.decide(day(1), &[(2, "limited", "limited"), (3, "limited", "clear"), (4, "limited", "clear")]).await;
    let refused = site.publish(&Order { cap: Some(1), ..site.order(day(1)) }).await.unwrap_err();
    assert!(refused.is::<Refused>(), "{refused:#}");
    let released = Order { cap: Some(1), releases_only: true, ..site.order(day(1)) };
    let released = site.publish(&released).await.unwrap();
    assert_eq!((released.sequence, released.bars, released.changes["removed"]), (2, 1, 1));
    let whole = site.publish(&Order { cap: Some(2), ..site.order(day(1)) }).await.unwrap();
    assert_eq!((whole.sequence, whole.bars, whole.changes["added"]), (3, 3, 2), "and what was held back leaves later");
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_list_or_the_desk_protects_by_now_is_barred_by_no_list_and_holds_up_nobody() {
    let site = Site::new();
    let all = [(1, "limited", "clear"), (2, "limited", "clear"), (3, "limited", "clear")];
    site.decide(day(0), &all).await;
    site.publish(&site.order(day(0))).await.unwrap();
    let text = "number,reason\n0962000001,hospital\n";
    super::super::reference::load_text(&site.lake, Table::ALLOW_LIST, text, day(0)).await.unwrap();
    let text = "number,name,holder\n0962000002,BANK,a bank\n";
    super::super::reference::load_text(&site.lake, Table::BRANDNAME, text, day(0)).await.unwrap();
    let published = site.publish(&site.order(day(0))).await.unwrap();
    assert_eq!((published.sequence, published.bars, published.changes["removed"]), (2, 1, 2));
    let said = published.text();
    assert!(said.contains("1 numbers under a bar are on the allow-list and left out (84962•••001)"), "{said}");
    assert!(said.contains("1 numbers under a bar are special or a registered brand's and left out"), "{said}");
    assert!(site.text("blocklist/2025-01-06/blocklist.csv").contains("84962000002,unblock,protected"));
    let again = site.publish(&site.order(day(0))).await.unwrap();
    assert_eq!((again.sequence, again.left_out.len()), (2, 2), "what was given back is told once");

    let site = Site::new();
    site.decide(day(0), &all).await;
    let url = format!("sqlite://{}/desk.db", site.root.path().display());
    let desk =
        Desk::begin(&desk::Options { store: Setting::Text(url.clone()), four_eyes: false, require_promotion: false })
            .await
            .unwrap();
    let hand = Hand { by: "an", at: day(0).ends_at(), is_dry_run: false, in_clear: false };
    desk.add_user(hand, "an", Role::Supervisor).await.unwrap();
    let store = Store::open(&url).await.unwrap();
    let of = async |store: &Store| {
        let published = publish(&site.lake, &site.definitions, &site.order(day(0)), Some(store), Clock::System).await;
        let published = published.unwrap();
        (published.sequence, published.bars, published.left_out)
    };
    assert_eq!(of(&store).await, (1, 3, LeftOut::new()));
    let (deed, reason, note) = (Deed::Release, "our_error".to_owned(), String::new());
    desk.want(hand, &Wish { deed, number: number(2), reason, note, until: None }).await.unwrap();
    let cleared = LeftOut::from([("cleared at the desk", vec!["84962•••002".to_owned()])]);
    assert_eq!(of(&store).await, (2, 2, cleared.clone()));
    let review = Review { number: number(2), day: day(0), is_confirmed: true, reason: "pattern", note: "" };
    desk.review(hand, &review).await.unwrap();
    assert_eq!(of(&store).await, (2, 2, cleared.clone()), "who confirms the day's evidence undoes no release");

    // The next day's decision takes the word into the lake, and this day's is as it was.
    case::copy(&store, &site.lake).await.unwrap();
    assert_eq!(of(&store).await, (2, 2, cleared.clone()));

    // A list for which nobody asks the desk does not take back what was given back by its word.
    for (after, sequence) in [(0, 2), (1, 3)] {
        site.decide(day(after), &all).await;
        let unasked = site.publish(&site.order(day(after))).await.unwrap();
        assert_eq!((unasked.sequence, unasked.bars, unasked.left_out), (sequence, 2, cleared.clone()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_for_which_another_or_an_older_store_is_asked_bars_nobody_whom_the_desk_has_cleared() {
    let site = Site::new();
    site.decide(day(0), &[(1, "limited", "clear"), (2, "limited", "clear")]).await;
    let hand = Hand { by: "an", at: day(0).ends_at(), is_dry_run: false, in_clear: false };
    let store = async |name: &str| {
        let folder = site.root.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        let desk = open_desk(&folder, false, day(0).ends_at(), &["an"]).await;
        (desk, Store::open(&format!("sqlite://{}/desk.db", folder.display())).await.unwrap())
    };
    let ((desk, own), (_, older)) = (store("own").await, store("older").await);
    let leave = async |store: &Store, is_dry_run: bool, releases_only: bool| {
        let order = Order { is_dry_run, releases_only, ..site.order(day(0)) };
        publish(&site.lake, &site.definitions, &order, Some(store), Clock::Fixed(day(1).starts_at())).await
    };
    let (deed, reason, note) = (Deed::Release, "our_error".to_owned(), String::new());
    desk.want(hand, &Wish { deed, number: number(2), reason, note, until: None }).await.unwrap();
    // The words are in the lake, as a decision has copied them.
    case::copy(&own, &site.lake).await.unwrap();
    assert_eq!(leave(&own, false, false).await.unwrap().bars, 1);

    for is_dry_run in [true, false] {
        let refused = leave(&older, is_dry_run, false).await.unwrap_err().to_string();
        assert!(refused.starts_with("the case store lacks 1 words that the lake has of it"), "{refused}");
        assert!(refused.contains("84962•••002 released"), "{refused}");
    }
    assert_eq!(published(&site.lake).await.unwrap().len(), 1, "nobody was barred again");
    let given_back = leave(&older, false, true).await.unwrap();
    assert_eq!((given_back.sequence, given_back.bars), (1, 1), "what is given back waits for no store");
    assert_eq!(leave(&own, false, false).await.unwrap().sequence, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_waits_for_words_that_the_lake_has_lost_and_gives_nobody_back_by_an_old_one() {
    let site = Site::new();
    let desk = open_desk(site.root.path(), false, 1, &["an"]).await;
    let store = Store::open(&format!("sqlite://{}/desk.db", site.root.path().display())).await.unwrap();
    let release = async |last: i64, at: i64| {
        let hand = Hand { by: "an", at, is_dry_run: false, in_clear: false };
        let (deed, reason, note) = (Deed::Release, "our_error".to_owned(), String::new());
        desk.want(hand, &Wish { deed, number: number(last), reason, note, until: None }).await.unwrap();
    };
    let leave = async |store: Option<&Store>, releases_only: bool| {
        let order = Order { releases_only, ..site.order(day(0)) };
        publish(&site.lake, &site.definitions, &order, store, Clock::Fixed(day(1).starts_at())).await
    };
    // Given back once, and found anew long since.
    release(1, day(-60).starts_at()).await;
    case::copy(&store, &site.lake).await.unwrap();
    site.decide(day(0), &[(1, "limited", "clear"), (2, "limited", "clear")]).await;
    assert_eq!(leave(Some(&store), false).await.unwrap().bars, 2);

    std::fs::remove_dir_all(site.root.path().join("lake/case_event")).unwrap();
    for store in [Some(&store), None] {
        let refused = leave(store, false).await.unwrap_err().to_string();
        assert!(refused.starts_with("the lake has lost case_event, the desk's words by which 2025-01-06"), "{refused}");
    }
    release(2, day(1).starts_at()).await;
    let given_back = leave(Some(&store), true).await.unwrap();
    assert_eq!((given_back.sequence, given_back.bars, given_back.changes["removed"]), (2, 1, 1));
    assert!(site.text("blocklist/2025-01-06/blocklist.csv").contains("84962000001,bar_outgoing"));
    // The next decision copies them.
    case::copy(&store, &site.lake).await.unwrap();
    let whole = leave(Some(&store), false).await.unwrap();
    assert_eq!((whole.sequence, whole.bars), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_leaves_only_once_the_desks_trail_says_so() {
    let site = Site::new();
    site.decide(day(0), &[(1, "limited", "clear"), (2, "limited", "clear")]).await;
    let desk = open_desk(site.root.path(), false, 1, &["an"]).await;
    let store = Store::open(&format!("sqlite://{}/desk.db", site.root.path().display())).await.unwrap();
    let leave = async |by: Option<&str>| {
        let order = Order { by: by.map(str::to_owned), ..site.order(day(0)) };
        publish(&site.lake, &site.definitions, &order, Some(&store), Clock::System).await
    };
    assert!(leave(Some("em")).await.unwrap_err().is::<crate::store::Refused>(), "nobody knows em");
    assert!(!site.root.path().join("out").exists());
    assert!(site.lake.find(Table::BLOCKLIST_EXPORT).await.unwrap().is_none());
    leave(Some("an")).await.unwrap();
    leave(None).await.unwrap();
    let wanted = Wanted { limit: 2, ..Wanted::default() };
    let trail = desk.trail(Look { by: None, at: 1 }, &wanted).await.unwrap();
    for (row, actor) in trail.iter().zip(["callsieve", "an"]) {
        assert_eq!((&row.facts["act"], &row.facts["actor"]), (&"export_blocklist".into(), &actor.into()));
        let detail = &row.facts["detail"];
        assert_eq!((&detail["sequence"], &detail["bars"], &detail["with_delta"]), (&1.into(), &2.into(), &true.into()));
    }
    assert!(desk.verify(None).await.unwrap().holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_protected_on_the_day_on_which_a_list_leaves_is_barred_by_no_list_of_an_older_day() {
    let leaves_on = async |after: i32, valid_from: Day| {
        let site = Site::new();
        site.decide(day(0), &[(1, "limited", "clear"), (2, "limited", "clear")]).await;
        let text = "number,reason\n0962000001,hospital\n";
        super::super::reference::load_text(&site.lake, Table::ALLOW_LIST, text, valid_from).await.unwrap();
        let text = "number,name,holder\n0962000002,BANK,a bank\n";
        super::super::reference::load_text(&site.lake, Table::BRANDNAME, text, valid_from).await.unwrap();
        let clock = Clock::Fixed(day(after).starts_at());
        publish(&site.lake, &site.definitions, &site.order(day(0)), None, clock).await.unwrap().bars
    };
    assert_eq!(leaves_on(1, day(3)).await, 2, "not before anything begins");
    assert_eq!(leaves_on(3, day(3)).await, 0, "three days are made up for");
    assert_eq!(leaves_on(1, day(2)).await, 0, "the bar would work by then");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standing_bar_is_given_back_by_the_next_list_where_its_number_begins_to_be_special_or_a_brands() {
    let site = Site::new();
    let leave = async |on: Day| {
        let order = Order { releases_only: on > day(1), ..site.order(on) };
        publish(&site.lake, &site.definitions, &order, None, Clock::Fixed(on.ends_at())).await.unwrap()
    };
    let all = |previous| [(1, "limited", previous), (2, "blocked", previous), (3, "limited", previous)];
    site.decide(day(0), &all("clear")).await;
    assert_eq!(leave(day(0)).await.bars, 3);
    let text = "number,name,holder\n0962000001,BANK,a bank\n";
    super::super::reference::load_text(&site.lake, Table::BRANDNAME, text, day(3)).await.unwrap();
    let text = "address,number,name\n18001,0962000002,a hotline\n";
    super::super::reference::load_text(&site.lake, Table::SPECIAL_NUMBER, text, day(4)).await.unwrap();
    // Nothing was decided with either in mind: the bars stand as before, for weeks to come.
    for (after, bars, removed) in [(1, 2, 1), (2, 1, 1), (3, 1, 0)] {
        site.decide(day(after), &all("limited")).await;
        let left = leave(day(after)).await;
        assert_eq!((left.bars, left.changes["removed"]), (bars, removed), "{after} days later");
    }
    assert!(site.text("blocklist/2025-01-07/blocklist.csv").contains("84962000001,unblock,protected"));
    assert!(site.text("blocklist/2025-01-08/blocklist.csv").contains("84962000002,unblock,protected"));
    let publications = published(&site.lake).await.unwrap();
    assert_eq!(standing(&publications).unwrap().into_keys().collect::<Vec<_>>(), [number(3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_day_is_decided_for_nights_the_last_list_gives_back_whose_bar_has_ended_and_whom_the_desk_releases() {
    let site = Site::new();
    let desk = open_desk(site.root.path(), false, 1, &["an"]).await;
    let store = Store::open(&format!("sqlite://{}/desk.db", site.root.path().display())).await.unwrap();
    let leave = async |on: i32, at: Day, releases_only: bool| {
        let order = Order { releases_only, ..site.order(day(on)) };
        publish(&site.lake, &site.definitions, &order, Some(&store), Clock::Fixed(at.starts_at())).await
    };
    let all = [(1, "limited", "clear"), (2, "limited", "clear"), (3, "limited", "clear")];
    site.decide(day(0), &all).await;
    assert_eq!(leave(0, day(1), false).await.unwrap().bars, 3);

    // `run` fails from now on. What the desk says leaves with the last day's list all the same.
    let hand = Hand { by: "an", at: day(9).starts_at(), is_dry_run: false, in_clear: false };
    let (deed, reason, note) = (Deed::Release, "our_error".to_owned(), String::new());
    desk.want(hand, &Wish { deed, number: number(2), reason, note, until: None }).await.unwrap();
    let given_back = leave(0, day(9), true).await.unwrap();
    assert_eq!((given_back.sequence, given_back.bars, given_back.changes["removed"]), (2, 2, 1));
    assert_eq!(leave(0, day(29), true).await.unwrap().sequence, 2, "the others are barred until the day behind");

    // So does the end of a bar that nobody decides, by the whole list as by releases alone, and only once.
    let ended = leave(0, day(30), false).await.unwrap();
    assert_eq!((ended.sequence, ended.bars, ended.changes["removed"]), (3, 0, 2));
    let said = ended.text();
    assert!(said.contains("2 numbers under a bar are past its end and left out (84962•••001, 84962•••003)"), "{said}");
    assert!(site.text("blocklist/2025-01-06/blocklist.csv").contains("84962000001,unblock,lapsed"));
    for releases_only in [true, false] {
        assert_eq!(leave(0, day(31), releases_only).await.unwrap().sequence, 3);
    }
    // The first day that is made up for holds them for its own, and bars them no more, nor whom it would have barred anew.
    let late = [(1, "limited", "limited"), (3, "limited", "limited"), (4, "limited", "clear")];
    site.decide(day(1), &late).await;
    let caught_up = leave(1, day(31), false).await.unwrap();
    assert_eq!((caught_up.bars, caught_up.changes["added"]), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_is_held_back_prolongs_no_bar_beyond_the_end_that_was_told() {
    let site = Site::new();
    let leave = async |on: i32, at: Day, releases_only: bool| {
        let order = Order { releases_only, ..site.order(day(on)) };
        publish(&site.lake, &site.definitions, &order, None, Clock::Fixed(at.starts_at())).await.unwrap()
    };
    site.decide(day(0), &[(1, "limited", "clear")]).await;
    assert_eq!(leave(0, day(1), false).await.bars, 1);
    site.decide_until(day(28), day(58), &[(1, "limited", "limited"), (2, "limited", "clear")]).await;
    assert_eq!(leave(28, day(29), true).await.bars, 1);
    let given_back = leave(28, day(30), true).await;
    assert_eq!((given_back.bars, given_back.changes["removed"]), (0, 1));
    assert!(site.text("blocklist/2025-02-03/blocklist.csv").contains("84962000001,unblock,lapsed"));
    let whole = leave(28, day(30), false).await;
    assert_eq!((whole.bars, whole.changes["added"]), (2, 2), "and leaves with the whole list");
}

#[tokio::test(flavor = "multi_thread")]
async fn releases_leave_by_the_last_list_also_where_that_has_to_be_decided_again() {
    let site = Site::new();
    let leave = async |at: Day, releases_only: bool| {
        let order = Order { releases_only, ..site.order(day(1)) };
        publish(&site.lake, &site.definitions, &order, None, Clock::Fixed(at.starts_at())).await
    };
    for after in 0..2 {
        site.decide(day(after), &[(1, "limited", "clear"), (2, "limited", "clear")]).await;
    }
    assert_eq!(leave(day(2), false).await.unwrap().bars, 2);
    site.decide(day(0), &[(2, "limited", "clear")]).await;
    let refused = leave(day(3), false).await.unwrap_err().to_string();
    assert!(refused.starts_with("2025-01-06 was decided anew since 2025-01-07 was"), "{refused}");
    let text = "number,reason\n0962000001,hospital\n";
    super::super::reference::load_text(&site.lake, Table::ALLOW_LIST, text, day(3)).await.unwrap();
    let given_back = leave(day(3), true).await.unwrap();
    assert_eq!((given_back.sequence, given_back.bars, given_back.changes["removed"]), (2, 1, 1));
    assert_eq!(leave(day(30), true).await.unwrap().bars, 0);
    let other = Order { releases_only: true, ..site.order(day(2)) };
    assert!(site.publish(&other).await.is_err(), "of a day that has no list nothing leaves");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_lake_or_this_one_before_it_was_restored_has_published_is_not_written_over() {
    let (lost, restored) = (Site::new(), Site::new());
    lost.decide(day(0), &[(1, "limited", "clear")]).await;
    lost.publish(&lost.order(day(0))).await.unwrap();
    restored.decide(day(0), &[(2, "limited", "clear")]).await;
    let order = Order { delta: false, ..lost.order(day(0)) };
    let refused = restored.publish(&order).await.unwrap_err().to_string();
    assert!(refused.contains("blocklist-delta/00000001 is of no publication that this lake knows"), "{refused}");
    assert!(restored.lake.find(Table::BLOCKLIST_EXPORT).await.unwrap().is_none());
    std::fs::remove_dir_all(lost.root.path().join("out/blocklist-delta")).unwrap();
    // Where whole lists alone are taken, too: the next one would give back whom nobody has released.
    for is_dry_run in [true, false] {
        let refused = restored.publish(&Order { is_dry_run, ..lost.order(day(0)) }).await.unwrap_err().to_string();
        assert!(refused.contains("blocklist/2025-01-06 is of no publication that this lake knows"), "{refused}");
    }
    assert!(lost.text("blocklist/2025-01-06/blocklist.csv").contains("84962000001,bar_outgoing"));
    // And where nothing but the list is left of it.
    let manifest = lost.root.path().join("out/blocklist/2025-01-06/manifest.json");
    std::fs::remove_file(&manifest).unwrap();
    let refused = restored.publish(&order).await.unwrap_err().to_string();
    assert!(refused.contains("blocklist/2025-01-06 is of no publication that this lake knows"), "{refused}");
    std::fs::remove_dir_all(lost.root.path().join("out/blocklist")).unwrap();
    assert_eq!(restored.publish(&order).await.unwrap().sequence, 1);
    // A reader that takes manifests away holds up no list of the lake's own.
    std::fs::remove_file(&manifest).unwrap();
    restored.decide(day(1), &[(2, "released", "limited")]).await;
    let next = Order { delta: false, ..lost.order(day(1)) };
    assert_eq!(restored.publish(&next).await.unwrap().changes["removed"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publication_that_was_lost_from_the_table_is_told() {
    let site = Site::new();
    for after in 0..2 {
        site.decide(day(after), &[(i64::from(after), "limited", "clear")]).await;
        site.publish(&site.order(day(after))).await.unwrap();
    }
    let mut table = site.lake.open(Table::BLOCKLIST_EXPORT).await.unwrap();
    let kept = table.day(day(1)).await.unwrap();
    assert_eq!(blocklist_export::SEQUENCE.of(&kept[0]).unwrap().value(0), 2);
    table.replace(day(0), &[]).await.unwrap();
    site.decide(day(2), &[(1, "limited", "clear")]).await;
    let error = site.publish(&site.order(day(2))).await.unwrap_err();
    assert_eq!(error.to_string(), "publications 1 to 1 are missing from blocklist_export");
}
