//! The store on SQLite, and on PostgreSQL where `CALLSIEVE_POSTGRES` names one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::Executor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::audit::Wanted;
use super::review::Review;
use super::wish::{Deed, Wish};
use super::*;
use crate::domain::case::Word;

/// Monday 2025-01-06, 09:00 in Vietnam.
pub(super) const AT: i64 = 1_736_128_800_000_000;
const HOUR: i64 = 3_600_000_000;

/// A store of its own for each test and database; the folder lives as long as the test.
pub(super) struct Place {
    pub(super) store: Store,
    pub(super) url: String,
    _folder: Arc<tempfile::TempDir>,
}

/// Where a store may be begun, on each database, below a folder.
async fn urls(folder: &Path) -> Vec<String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut urls = vec![format!("sqlite://{}/desk.db", folder.display())];
    if let Some(url) = std::env::var_os("CALLSIEVE_POSTGRES") {
        let url = url.into_string().unwrap();
        let schema = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        install_default_drivers();
        let pool = AnyPool::connect(&url).await.unwrap();
        pool.execute(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).await.unwrap();
        let join = if url.contains('?') { '&' } else { '?' };
        urls.push(format!("{url}{join}options[search_path]={schema}"));
    }
    urls
}

/// What the first supervisor does, who names themself.
async fn begun(store: &Store) -> Act {
    let mut act = store.act_on_users("an", Some(("an", Role::Supervisor)), AT).await.unwrap();
    act.add_user("an", Role::Supervisor).await.unwrap();
    act
}

pub(super) async fn places() -> Vec<Place> {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let mut places = vec![];
    for url in urls(folder.path()).await {
        let store = Store::open(&url).await.unwrap();
        let mut act = begun(&store).await;
        act.add_user("binh", Role::Supervisor).await.unwrap();
        act.add_user("chi", Role::Analyst).await.unwrap();
        act.add_user("dung", Role::Auditor).await.unwrap();
        act.commit().await.unwrap();
        places.push(Place { store, url, _folder: Arc::clone(&folder) });
    }
    places
}

pub(super) fn number(last: i64) -> Number {
    Number::from_e164(84_912_345_000 + last).unwrap()
}

pub(super) fn wish(deed: Deed, last: i64) -> Wish {
    Wish { deed, number: number(last), reason: "misused".to_owned(), note: String::new(), until: None }
}

pub(super) fn review(last: i64, is_confirmed: bool) -> Review<'static> {
    let day = "2025-01-05".parse().unwrap();
    Review { number: number(last), day, is_confirmed, reason: "business", note: "gọi lại" }
}

async fn acts(store: &Store) -> Vec<(i64, String, String)> {
    let trail = store.trail(&Wanted { limit: 1_000, ..Wanted::default() }).await.unwrap();
    trail.into_iter().rev().skip(4).map(|entry| (entry.seq, entry.actor, entry.act)).collect()
}

fn refusal(error: &anyhow::Error) -> &str {
    &error.downcast_ref::<Refused>().expect("a refusal").0
}

#[tokio::test]
async fn every_word_has_its_row_of_the_trail() {
    for Place { store, .. } in places().await {
        let mut act = store.act("chi", Role::Analyst, AT).await.unwrap();
        let reviewed = act.review(&review(1, false)).await.unwrap();
        let appeal = act.open_appeal(number(2), "subscriber", "").await.unwrap();
        act.commit().await.unwrap();
        let mut act = store.act("an", Role::Supervisor, AT + HOUR).await.unwrap();
        assert_eq!(act.close_appeal(appeal, true, "spoofed", "").await.unwrap(), number(2));
        let released = act.grant(&wish(Deed::Release, 3)).await.unwrap();
        act.commit().await.unwrap();

        let said: Vec<_> = store.events().await.unwrap();
        let said: Vec<_> = said.iter().map(|event| (event.id, event.number, event.word, event.by.as_str())).collect();
        let expected = [
            (reviewed, number(1), Word::Dismissed, "chi"),
            (appeal, number(2), Word::Appealed, "chi"),
            (7, number(2), Word::Overturned, "an"),
            (released, number(3), Word::Released, "an"),
        ];
        assert_eq!(said, expected);
        let trail = acts(&store).await;
        let acts: Vec<_> = trail.iter().map(|(seq, actor, act)| (*seq, actor.as_str(), act.as_str())).collect();
        let expected =
            [(5, "chi", "review"), (6, "chi", "appeal_open"), (7, "an", "appeal_close"), (8, "an", "release")];
        assert_eq!(acts, expected);
        assert!(store.verify(None).await.unwrap().holds());
    }
}

#[tokio::test]
async fn what_is_undone_leaves_neither_row_nor_trail() {
    for Place { store, .. } in places().await {
        let before = store.verify(None).await.unwrap();
        let mut act = store.act("an", Role::Supervisor, AT).await.unwrap();
        act.review(&review(1, true)).await.unwrap();
        act.grant(&wish(Deed::Allow, 2)).await.unwrap();
        act.undo().await.unwrap();
        // A process that dies drops its transaction.
        let mut act = store.act("an", Role::Supervisor, AT).await.unwrap();
        act.grant(&wish(Deed::Release, 3)).await.unwrap();
        drop(act);
        assert_eq!(store.verify(None).await.unwrap(), before);
        assert_eq!(store.events().await.unwrap(), []);
        assert_eq!(store.allowed().await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_wish_becomes_a_deed_by_a_second_person_alone() {
    for Place { store, .. } in places().await {
        let mut act = store.act("an", Role::Analyst, AT).await.unwrap();
        let id = act.ask(&wish(Deed::Release, 1)).await.unwrap();
        act.commit().await.unwrap();
        assert_eq!(store.events().await.unwrap(), [], "a wish is no word");

        let mut own = store.act("an", Role::Supervisor, AT).await.unwrap();
        let error = own.approve(id).await.unwrap_err();
        assert_eq!(refusal(&error), "\"an\" asked for it: a second person has to approve");
        own.undo().await.unwrap();

        let mut other = store.act("binh", Role::Supervisor, AT + HOUR).await.unwrap();
        other.approve(id).await.unwrap();
        other.commit().await.unwrap();
        let said = store.events().await.unwrap();
        assert_eq!((said[0].word, said[0].by.as_str(), said[0].at), (Word::Released, "an", AT + HOUR));
        let trail = store.trail(&Wanted { number: Some(number(1)), limit: 1, ..Wanted::default() }).await.unwrap();
        assert_eq!((trail[0].actor.as_str(), trail[0].act.as_str()), ("binh", "release"));
        assert!(trail[0].detail.contains(r#""wish":{"by":"an","id":5}"#), "{}", trail[0].detail);

        let mut again = store.act("binh", Role::Supervisor, AT).await.unwrap();
        assert_eq!(again.approve(id).await.unwrap_err().to_string(), "no wish 5 waits");
    }
}

#[tokio::test]
async fn what_is_declined_never_happens() {
    for Place { store, .. } in places().await {
        let mut act = store.act("chi", Role::Analyst, AT).await.unwrap();
        let id = act.ask(&wish(Deed::Allow, 1)).await.unwrap();
        act.commit().await.unwrap();
        let mut act = store.act("an", Role::Supervisor, AT).await.unwrap();
        act.decline(id).await.unwrap();
        act.commit().await.unwrap();
        assert_eq!((store.wishes().await.unwrap().len(), store.allowed().await.unwrap()), (0, vec![]));
    }
}

#[tokio::test]
async fn who_is_unknown_or_may_less_is_refused() {
    for Place { store, .. } in places().await {
        let error = store.act("em", Role::Auditor, AT).await.unwrap_err();
        assert_eq!(refusal(&error), "the desk knows no user \"em\"; see `callsieve user add`");
        let error = store.act("chi", Role::Supervisor, AT).await.unwrap_err();
        assert_eq!(refusal(&error), "\"chi\" is analyst; this is for supervisor");
        let error = store.act_on_users("em", Some(("em", Role::Supervisor)), AT).await.unwrap_err();
        assert!(refusal(&error).contains("no user"), "only the first one names themself");
        let mut act = store.act("an", Role::Supervisor, AT).await.unwrap();
        act.remove_user("binh").await.unwrap();
        assert_eq!(refusal(&act.remove_user("an").await.unwrap_err()), "the desk needs a supervisor");
        act.undo().await.unwrap();
        let mut act = store.act("an", Role::Supervisor, AT).await.unwrap();
        assert_eq!(
            refusal(
                &act.add_user("binh", Role::Analyst)
                    .await
                    .map(drop)
                    .and(act.add_user("an", Role::Analyst).await.map(drop))
                    .unwrap_err()
            ),
            "the desk needs a supervisor"
        );
    }
}

#[tokio::test]
async fn an_appeal_has_a_day_and_one_end() {
    for Place { store, .. } in places().await {
        let mut act = store.act("chi", Role::Analyst, AT).await.unwrap();
        let id = act.open_appeal(number(1), "subscriber", "").await.unwrap();
        let error = act.open_appeal(number(1), "authority", "").await.unwrap_err();
        assert_eq!(error.to_string(), format!("appeal {id} of this number is open"));
        act.commit().await.unwrap();
        let appeal = store.appeals(false).await.unwrap().remove(0);
        assert_eq!(appeal.due_at, AT + 24 * HOUR);
        assert!(!appeal.is_overdue(AT + 24 * HOUR) && appeal.is_overdue(AT + 25 * HOUR));

        let mut act = store.act("an", Role::Supervisor, AT + HOUR).await.unwrap();
        act.close_appeal(id, false, "evidence_holds", "").await.unwrap();
        let error = act.close_appeal(id, true, "spoofed", "").await.unwrap_err();
        assert_eq!(error.to_string(), format!("appeal {id} is closed already"));
        assert_eq!(act.close_appeal(99, true, "spoofed", "").await.unwrap_err().to_string(), "there is no appeal 99");
        act.open_appeal(number(1), "authority", "").await.unwrap();
        act.commit().await.unwrap();
        assert_eq!((store.appeals(false).await.unwrap().len(), store.appeals(true).await.unwrap().len()), (1, 2));
    }
}

#[tokio::test]
async fn a_number_is_allowed_once_at_a_time_and_its_past_stays() {
    let tuesday: Day = "2025-01-07".parse().unwrap();
    for Place { store, .. } in places().await {
        let mut act = store.act("an", Role::Supervisor, AT).await.unwrap();
        act.grant(&Wish { until: Some(tuesday.plus(2)), ..wish(Deed::Allow, 1) }).await.unwrap();
        let error = act.grant(&wish(Deed::Allow, 1)).await.unwrap_err();
        assert_eq!(error.to_string(), "the number is on the list since 2025-01-06 (misused)");
        act.grant(&wish(Deed::Allow, 2)).await.unwrap();
        act.commit().await.unwrap();
        // It has lapsed by then, and makes room.
        let mut act = store.act("an", Role::Supervisor, AT + 72 * HOUR).await.unwrap();
        act.grant(&wish(Deed::Allow, 1)).await.unwrap();
        act.disallow(number(2), "ended", "").await.unwrap();
        let error = act.disallow(number(3), "ended", "").await.unwrap_err();
        assert_eq!(error.to_string(), "the number is not on the desk's list");
        act.commit().await.unwrap();

        let allowed = store.allowed().await.unwrap();
        let days: Vec<_> = allowed.iter().map(|row| (row.number, row.from, row.until)).collect();
        let monday = tuesday.plus(-1);
        let expected = [
            (number(1), monday, Some(tuesday.plus(2))),
            (number(1), tuesday.plus(2), None),
            (number(2), monday, Some(tuesday.plus(2))),
        ];
        assert_eq!(days, expected);
        assert!(allowed[2].holds(tuesday) && !allowed[2].holds(tuesday.plus(2)) && !allowed[2].holds(monday.plus(-1)));
    }
}

#[tokio::test]
async fn a_store_is_found_again_as_it_was_left() {
    for Place { store, url, .. } in places().await {
        let before = store.verify(None).await.unwrap();
        let again = Store::open(&url).await.unwrap();
        assert_eq!(again.verify(None).await.unwrap(), before);
        assert_eq!(again.users().await.unwrap().len(), 4);
    }
}

#[test]
fn other_databases_are_refused() {
    assert!(Database::of("mysql://localhost/desk").is_err());
    assert!(Database::of("/data/desk.db").is_err());
}

#[tokio::test]
async fn definitions_are_promoted_by_two_people_and_their_trail_holds() {
    for Place { store, .. } in places().await {
        let mut act = store.act("an", Role::Supervisor, AT).await.unwrap();
        let [first, second] = [act.propose("aa", "two weeks in the shadow").await, act.propose("bb", "").await];
        let (first, second) = (first.unwrap(), second.unwrap());
        act.commit().await.unwrap();
        assert!(store.promotions().await.unwrap().is_empty(), "a proposal promotes nothing");
        let mut alone = store.act("an", Role::Supervisor, AT).await.unwrap();
        let refused = alone.promote(first).await.unwrap_err();
        assert_eq!(refusal(&refused), "\"an\" proposed it: a second person has to approve");
        alone.undo().await.unwrap();

        let mut act = store.act("binh", Role::Supervisor, AT + HOUR).await.unwrap();
        let id = act.promote(first).await.unwrap();
        act.turn_down(second).await.unwrap();
        assert_eq!(act.promote(second).await.unwrap_err().to_string(), format!("no proposal {second} waits"));
        act.commit().await.unwrap();
        let promotions = store.promotions().await.unwrap();
        let [promoted] = &promotions[..] else { panic!("one was approved") };
        let by = (promoted.proposed_by.as_str(), promoted.approved_by.as_str(), promoted.approved_at);
        assert_eq!((promoted.id, promoted.definitions.as_str(), by), (id, "aa", ("an", "binh", AT + HOUR)));
        assert!(store.proposals().await.unwrap().is_empty());
        let acts: Vec<String> = acts(&store).await.into_iter().map(|(.., act)| act).collect();
        assert_eq!(acts, ["propose", "propose", "promote", "turn_down"]);
        assert!(store.verify(None).await.unwrap().holds());
    }
}

#[tokio::test]
async fn with_sslmode_require_nothing_is_said_in_clear() {
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://an:secret@{}/desk?sslmode=require", server.local_addr().unwrap());
    let listening = async {
        let (mut peer, _) = server.accept().await.unwrap();
        let mut asked = [0; 8];
        peer.read_exact(&mut asked).await.unwrap();
        peer.write_all(b"N").await.unwrap();
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).await.unwrap();
        (asked, rest)
    };
    let (opened, (asked, rest)) = tokio::join!(Store::open(&url), listening);
    assert_eq!(asked, [0, 0, 0, 8, 4, 210, 22, 47], "the length and code of PostgreSQL's SSLRequest");
    assert!(rest.is_empty() && opened.is_err(), "whoever has no TLS hears neither user nor password");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_not_there_is_made_by_who_may_begin_one_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("desk.db");
    let urls = [format!("sqlite:{}", file.display()), format!("sqlite://{}?mode=rwc", file.display())];
    for url in &urls {
        let refused = Store::existing(url).await.unwrap_err();
        assert!(refused.is::<Absent>() && !file.exists(), "{refused:#}");
    }
    begun(&Store::open(&urls[0]).await.unwrap()).await.commit().await.unwrap();
    for url in &urls {
        Store::existing(url).await.unwrap();
    }
    let elsewhere = ["postgres://u@h/d", "sqlite::memory:", "sqlite://x?mode=memory", "sqlite:", "sqlite:a%20b"];
    assert_eq!(elsewhere.map(file_of), [None; 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_at_which_nobody_works_is_no_store_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("desk.db"), "").unwrap();
    for url in urls(folder.path()).await {
        for _ in 0..2 {
            let refused = Store::existing(&url).await.unwrap_err();
            assert!(refused.is::<Absent>(), "{refused:#}");
        }
        let store = Store::open(&url).await.unwrap();
        assert!(Store::existing(&url).await.unwrap_err().is::<Absent>(), "tables alone have cleared nobody");
        begun(&store).await.commit().await.unwrap();
        assert_eq!(Store::existing(&url).await.unwrap().users().await.unwrap().len(), 1);
    }
    let server = "postgres://an:se@cret@db.local:5432/desk?sslmode=require&password=secret";
    assert_eq!((place(server), place("sqlite:/data/desk.db?mode=rwc")), ("db.local:5432/desk", "/data/desk.db"));
}
