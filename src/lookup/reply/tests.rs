//! What an SMS says, and that it is one SMS whatever it has to say.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::domain::host::Link;
use crate::lookup::alike::{Alike, Manner};
use crate::lookup::list::Hit;
use crate::lookup::registry::Told;
use crate::lookup::reported::Reported;
use crate::lookup::{Rules, Signals};

fn day_of(text: &str) -> Option<Day> {
    text.parse().ok()
}

fn answer(text: &str, outcome: Outcome) -> Answer {
    let signals =
        Signals { lists: Vec::new(), name: Standing::Other, is_shared: false, customer: None, reported: None };
    Answer::new(&Link::read(text).unwrap(), Told { outcome, by: Some("vn".to_owned()), asked_at: None }, signals)
}

fn record() -> Record {
    Record {
        kind: None,
        holder: Some("Công ty TNHH Một thành viên Thương mại và Dịch vụ Đầu tư Mẫu".to_owned()),
        registrar: Some("Nhà đăng ký Mẫu".to_owned()),
        registered_on: day_of("2021-03-05"),
        expires_on: day_of("2027-03-05"),
        state: Some("Đang hoạt động".to_owned()),
    }
}

fn alike() -> Standing {
    let (of, genuine) = ("Vietcombank".to_owned(), "vietcombank.com.vn".to_owned());
    Standing::Alike(Alike { of, genuine, manner: Manner::Typo, label: "vietcomdank".to_owned() })
}

fn hit(reach: Reach) -> Hit {
    Hit { list: "hostsvn".to_owned(), entry: "a.vn".to_owned(), reach }
}

#[track_caller]
fn check(answer: &Answer, expected: &str) {
    assert_eq!(Rules::embedded().unwrap().replies.sms(answer), expected);
}

#[test]
fn facts_are_said_as_far_as_one_sms_goes() {
    check(
        &answer("a.com.vn", Outcome::Found(record())),
        "a.com.vn: ten mien quoc gia .vn. Chu the: Cong ty TNHH Mot thanh vien Thuong mai va Dich v... \
         Nha dang ky: Nha dang ky Mau. Dang ky 05/03/2021.",
    );
    let record = Record { holder: None, expires_on: None, ..record() };
    check(
        &answer("a.com", Outcome::Found(record)),
        "a.com: ten mien quoc te. Nha dang ky: Nha dang ky Mau. Dang ky 05/03/2021. Trang thai: Dang hoat dong.",
    );
}

#[test]
fn not_found_is_not_said_to_be_unregistered() {
    check(
        &answer("a.com", Outcome::NotFound),
        "a.com: ten mien quoc te. Co so du lieu duoc hoi khong co ten mien nay; chua chac la chua dang ky.",
    );
    check(
        &answer("a.com", Outcome::Unavailable { why: String::new() }),
        "a.com: ten mien quoc te. Chua hoi duoc noi quan ly luc nay.",
    );
    check(&answer("a.com", Outcome::NotAsked), "a.com: ten mien quoc te.");
    check(&answer("http://203.0.113.9/a", Outcome::NotAsked), "203.0.113.9: khong phai ten mien dang ky duoc.");
}

#[test]
fn a_warning_is_never_cut_for_a_fact() {
    let mut answer = answer("vietcomdank.com", Outcome::Found(record()));
    answer.signals.lists = vec![hit(Reach::Host)];
    answer.signals.name = alike();
    check(
        &answer,
        "vietcomdank.com: ten mien quoc te. Nha dang ky: Nha dang ky Mau. \
         Luu y: co trong danh sach hostsvn. Luu y: giong ten Vietcombank, khong phai vietcombank.com.vn.",
    );
}

#[test]
fn each_signal_has_its_sentence() {
    let mut answer = answer("facebook.com", Outcome::NotAsked);
    answer.signals.lists = vec![hit(Reach::OtherPage)];
    answer.signals.is_shared = true;
    let (first_on, last_on) = (day_of("2026-11-01").unwrap(), day_of("2026-11-20").unwrap());
    answer.signals.reported = Some(Reported { first_on, last_on, reports: 12, reporters: 9 });
    check(
        &answer,
        "facebook.com: ten mien quoc te. Luu y: co trang trong danh sach hostsvn. 12 phan anh tu 01/11/2026. \
         Trang nhieu nguoi dung chung: xem ky ca duong link.",
    );
    answer.signals.name = Standing::Genuine { of: "Facebook".to_owned() };
    answer.signals.lists.clear();
    answer.signals.reported = None;
    check(
        &answer,
        "facebook.com: ten mien quoc te. Trang nhieu nguoi dung chung: xem ky ca duong link. \
         La ten mien cua Facebook theo danh muc cua nha mang.",
    );
}

#[test]
fn the_list_that_is_named_is_one_that_has_the_host() {
    let mut answer = answer("a.vn", Outcome::NotAsked);
    answer.signals.lists = vec![Hit { list: "chongluadao".to_owned(), ..hit(Reach::OtherPage) }, hit(Reach::Host)];
    check(&answer, "a.vn: ten mien quoc gia .vn. Luu y: co trong danh sach hostsvn.");
    answer.signals.lists.pop();
    check(&answer, "a.vn: ten mien quoc gia .vn. Luu y: co trang trong danh sach chongluadao.");
}

#[test]
fn a_template_that_cannot_be_sent_is_refused() {
    let good = include_str!("../../../pipelines/lookup/reply.csv");
    let problem = |from: &str, to: &str| Replies::read(&good.replace(from, to)).unwrap_err().to_string();
    assert_eq!(
        problem("Chu the", "Chủ thể"),
        "reply.csv: found: an SMS cannot say all of it; leave out diacritics and brackets"
    );
    assert_eq!(problem("{holder}", "{owner}"), "reply.csv: found: nothing is called {owner}");
    assert_eq!(problem("not_asked,", "asked,"), "reply.csv: \"asked\" is no situation");
    assert_eq!(problem("shared,", "genuine,"), "reply.csv has no line for shared");
}

/// ASCII that GSM-7 escapes, or lacks.
const TWO_SEPTETS_OR_NONE: [char; 9] = ['{', '}', '[', ']', '\\', '^', '~', '|', '`'];

static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::embedded().unwrap());

proptest! {
    #[test]
    fn any_answer_is_one_sms_of_ascii(
        holder in "\\PC{0,200}", registrar in "\\PC{0,200}", state in "\\PC{0,200}", list in "\\PC{0,80}",
        label in "[a-z]{1,60}", is_alike: bool, reports: u64,
    ) {
        let (holder, registrar, state) = (Some(holder), Some(registrar), Some(state));
        let record = Record { holder, registrar, state, ..record() };
        let mut answer = answer(&format!("{label}.{label}.com.vn"), Outcome::Found(record));
        answer.signals.lists = vec![Hit { list, ..hit(Reach::Page) }];
        answer.signals.is_shared = is_alike;
        answer.signals.name = if is_alike { alike() } else { Standing::Other };
        let day = day_of("2026-11-01").unwrap();
        answer.signals.reported = Some(Reported { first_on: day, last_on: day, reports, reporters: 1 });
        let sms = RULES.replies.sms(&answer);
        let is_one_septet_each = sms.is_ascii() && !sms.contains(TWO_SEPTETS_OR_NONE);
        prop_assert!(sms.len() <= LONGEST && is_one_septet_each, "{}", sms);
        prop_assert!(sms.contains("co trong danh sach"));
    }
}
