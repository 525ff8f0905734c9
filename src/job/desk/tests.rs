//! What the terminal is shown, and what is written down of it.

use super::*;
use crate::job::tests::open_desk;
use crate::store::wish::Deed;

/// Monday 2025-01-06, 09:00 in Vietnam.
const AT: i64 = 1_736_128_800_000_000;
const AN: Hand<'static> = Hand { by: "an", at: AT, is_dry_run: false, in_clear: false };
const BINH: Hand<'static> = Hand { by: "binh", ..AN };
const NOBODY: Look<'static> = Look { by: None, at: AT };
const WHY: Why<'static> = Why { reason: "subscriber", note: "" };

async fn desk(four_eyes: bool) -> (tempfile::TempDir, Desk) {
    let folder = tempfile::tempdir().unwrap();
    let desk = open_desk(folder.path(), four_eyes, AT, &["an", "binh"]).await;
    (folder, desk)
}

fn number() -> Number {
    Number::from_e164(84_912_345_678).unwrap()
}

fn release() -> Wish {
    let (deed, reason, note) = (Deed::Release, "our_error".to_owned(), String::new());
    Wish { deed, number: number(), reason, note, until: None }
}

async fn acts(desk: &Desk) -> Vec<String> {
    let lines = desk.trail(NOBODY, &Wanted { limit: 100, ..Wanted::default() }).await.unwrap();
    lines.iter().rev().skip(2).map(|line| line.facts["act"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_number_is_masked_and_its_reading_in_clear_is_written_down_first() {
    let (_folder, desk) = desk(false).await;
    let done = desk.want(AN, &release()).await.unwrap();
    assert_eq!(done.text(), "release 84912•••678: 3");
    let appeal = desk.open_appeal(AN, number(), WHY).await.unwrap();
    assert_eq!(appeal.text(), "appeal opened 84912•••678: 4");
    let masked = desk.appeals(NOBODY, false).await.unwrap();
    assert_eq!(masked[0].number.as_deref(), Some("84912•••678"));
    assert_eq!(acts(&desk).await, ["release", "appeal_open"]);

    let clear = desk.appeals(Look { by: Some("binh"), ..NOBODY }, false).await.unwrap();
    assert_eq!(clear[0].number.as_deref(), Some("84912345678"));
    let done = desk.close_appeal(Hand { in_clear: true, ..AN }, 4, true, WHY).await.unwrap();
    assert_eq!(done.text(), "appeal overturned 84912345678: 4");
    assert_eq!(acts(&desk).await, ["release", "appeal_open", "show", "appeal_close", "show"]);

    let error = desk.appeals(Look { by: Some("em"), ..NOBODY }, true).await.unwrap_err();
    assert!(error.is::<crate::store::Refused>());
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_and_leaves_only_what_was_shown() {
    let (_folder, desk) = desk(false).await;
    let dry = Hand { is_dry_run: true, ..AN };
    assert_eq!(
        desk.want(dry, &release()).await.unwrap().text(),
        "release 84912•••678: 3 (dry run, nothing is written)"
    );
    assert_eq!(acts(&desk).await, Vec::<String>::new());
    let error = desk.close_appeal(dry, 9, true, WHY).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no appeal 9");
    desk.open_appeal(Hand { in_clear: true, ..dry }, number(), WHY).await.unwrap();
    assert_eq!(acts(&desk).await, ["show"]);
    assert_eq!(desk.appeals(NOBODY, true).await.unwrap(), []);
}

#[tokio::test]
async fn with_four_eyes_a_release_waits_for_a_second_person() {
    let (_folder, desk) = desk(true).await;
    let asked = desk.want(AN, &release()).await.unwrap();
    assert_eq!(asked.text(), "waits for a second person 84912•••678: 3");
    assert_eq!(desk.waiting(NOBODY).await.unwrap()[0].id, 3);
    assert!(desk.approve(AN, 3).await.unwrap_err().is::<crate::store::Refused>());
    assert_eq!(desk.approve(BINH, 3).await.unwrap().text(), "release 84912•••678: 4");
    assert_eq!(desk.waiting(NOBODY).await.unwrap(), []);
    assert_eq!(acts(&desk).await, ["ask", "release"]);
}

#[tokio::test]
async fn a_list_reads_as_lines_and_as_json() {
    let (_folder, desk) = desk(false).await;
    desk.open_appeal(AN, number(), WHY).await.unwrap();
    let lines = desk.appeals(Look { at: AT + 25 * 3_600_000_000, ..NOBODY }, false).await.unwrap();
    assert_eq!(
        lines[0].text(),
        "     3  84912•••678     due_at 2025-01-07T02:00:00Z  is_overdue true  opened_at 2025-01-06T02:00:00Z  \
         reason subscriber"
    );
    let json = serde_json::to_value(&lines).unwrap();
    assert_eq!(json[0]["number"], "84912•••678");
    assert_eq!(json[0]["outcome"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_draw_is_a_queue_that_says_nothing_of_what_the_rules_think() {
    use crate::pipeline::definition::Definitions;
    use crate::schema::contract::Table;

    let (folder, desk) = desk(false).await;
    let lake = crate::lake::Lake::local(&folder.path().join("lake")).unwrap();
    let day: Day = "2025-01-06".parse().unwrap();
    let mut sheet = crate::schema::sheet::Sheet::new(Table::REVIEW_SAMPLE.contract());
    for (digits, place, is_sampled) in
        [(84_912_345_678, 2, true), (84_912_345_679, 1, true), (84_912_345_680, 3, false)]
    {
        let row =
            sheet.row().day(day).int64(digits).instant_or_null(None).text("prepaid").text("r1").day(day.plus(place));
        row.boolean(true).float64_or_null(Some(0.97)).text("top").int64(i64::from(place)).boolean(is_sampled).end();
    }
    lake.open(Table::REVIEW_SAMPLE).await.unwrap().replace(day, &[sheet.finish()]).await.unwrap();
    let queue = async || {
        let ours = Definitions::read(&crate::pipeline::run::folder(None)).unwrap();
        let lines = desk.sample(NOBODY, &lake, ours, day.week()).await.unwrap();
        lines.iter().map(Line::text).collect::<Vec<_>>()
    };
    assert_eq!(
        queue().await,
        ["     1  84912•••679     day 2025-01-07", "     2  84912•••678     day 2025-01-08"],
        "in the order of the draw"
    );
    let review = Review { number: number(), day: day.plus(2), is_confirmed: false, reason: "business", note: "" };
    desk.review(AN, &review).await.unwrap();
    assert_eq!(queue().await.len(), 1, "who was reviewed waits no more");
}

#[tokio::test]
async fn what_is_promoted_stands_in_the_list_with_both_names() {
    let (_folder, desk) = desk(false).await;
    let proposed = desk.propose(AN, "aa", "two weeks").await.unwrap();
    assert_eq!(proposed.text(), "waits for a second person: 3");
    assert!(desk.promote(AN, 3).await.unwrap_err().is::<crate::store::Refused>(), "nobody needs four eyes else");
    assert_eq!(desk.promote(BINH, 3).await.unwrap().text(), "promoted: 4");
    desk.propose(BINH, "bb", "").await.unwrap();
    let lines = desk.promotions(NOBODY).await.unwrap();
    let facts = |line: &Line, name: &str| line.facts.get(name).and_then(Value::as_str).map(str::to_owned);
    let by: Vec<_> = lines.iter().map(|line| (line.id, facts(line, "by"), facts(line, "approved_by"))).collect();
    let name = |name: &str| Some(name.to_owned());
    assert_eq!(by, [(4, name("an"), name("binh")), (5, name("binh"), None)]);
}
