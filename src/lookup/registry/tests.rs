//! A stub that speaks HTTP, RDAP and the JSON of an agreed interface, and what we make of its answers.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// As a registry of a generic suffix answers, with an invented holder.
const RDAP: &str = r#"{
  "rdapConformance": ["rdap_level_0", "icann_rdap_response_profile_1", "redacted"],
  "objectClassName": "domain",
  "handle": "2336799_DOMAIN_COM-VRSN",
  "ldhName": "EXAMPLE-SHOP.COM",
  "links": [{"value": "https://rdap.example/com/v1/domain/EXAMPLE-SHOP.COM", "rel": "self", "type": "application/rdap+json",
             "href": "https://rdap.example/com/v1/domain/EXAMPLE-SHOP.COM"}],
  "status": ["client delete prohibited", "client transfer prohibited"],
  "entities": [
    {"objectClassName": "entity", "handle": "9999", "roles": ["registrar"],
     "publicIds": [{"type": "IANA Registrar ID", "identifier": "9999"}],
     "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", "Example Registrar, Inc."]]],
     "entities": [{"objectClassName": "entity", "roles": ["abuse"],
       "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", ""], ["email", {}, "text", "abuse@registrar.example"]]]}]},
    {"objectClassName": "entity", "roles": ["registrant", "administrative"],
     "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", "Domain Owner"], ["org", {}, "text", "Công ty Mẫu"],
       ["adr", {"cc": "VN"}, "text", ["", "", "", "", "", "", ""]]]]}
  ],
  "events": [
    {"eventAction": "registration", "eventDate": "2019-12-31T18:30:00Z"},
    {"eventAction": "expiration", "eventDate": "2027-12-31T10:00:00Z"},
    {"eventAction": "last update of RDAP database", "eventDate": "2026-11-27T03:00:00Z"}
  ],
  "secureDNS": {"delegationSigned": false},
  "nameservers": [{"objectClassName": "nameserver", "ldhName": "NS1.EXAMPLE.NET"}],
  "notices": [{"title": "Terms of Use", "description": ["Invented."]}]
}"#;

/// In an invented shape, with the words that the public look-up shows.
const JSON: &str = r#"{"data": {"loai": "Tên miền quốc gia", "chuThe": "Công ty Mẫu", "nhaDangKy": "Nhà đăng ký Mẫu",
    "ngayDangKy": "05-03-2021", "ngayHetHan": "05/03/2027", "trangThai": "Đang hoạt động"}}"#;
const UNALLOCATED: &str = r#"{"data": {"trangThai": "Chưa cấp phát"}}"#;

/// Answers by path, each connection once; counts the questions.
struct Stub {
    address: String,
    questions: Arc<AtomicUsize>,
}

impl Stub {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let questions = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&questions);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counted.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || answer(stream.unwrap()));
            }
        });
        Self { address, questions }
    }

    fn options(&self, kind: Kind) -> Options {
        Options {
            name: "stub".to_owned(),
            kind,
            url: format!("http://{}/domain/{{domain}}", self.address),
            timeout_ms: 300,
            ..Options::default()
        }
    }

    fn questions(&self) -> usize {
        self.questions.load(Ordering::SeqCst)
    }
}

fn answer(mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let asked = lines.next().unwrap();
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let has = |header: &str| headers.iter().any(|line| line.eq_ignore_ascii_case(header));
    let path = asked.split(' ').nth(1).unwrap();
    let away = format!("location: http://{}/domain/example-shop.com\r\n", path.split('/').nth(2).unwrap());
    let (status, extra, body) = match path.rsplit('/').next().unwrap() {
        "example-shop.com" if has("accept: application/rdap+json") => ("200 OK", "", RDAP.to_owned()),
        "other.com" => ("200 OK", "", RDAP.to_owned()),
        "away.com" => ("302 Found", away.as_str(), String::new()),
        "moved.com" => ("302 Found", "location: /domain/example-shop.com\r\n", String::new()),
        "mau.vn" if has("accept: application/json") => ("200 OK", "", JSON.to_owned()),
        "trong.vn" => ("200 OK", "", UNALLOCATED.to_owned()),
        "la.vn" => ("200 OK", "", "{\"data\":{}}".to_owned()),
        "khoa.vn" if has("authorization: Bearer word") => ("200 OK", "", JSON.to_owned()),
        "khoa.vn" => ("401 Unauthorized", "", String::new()),
        "busy.com" => ("429 Too Many Requests", "retry-after: 60\r\n", String::new()),
        "down.com" => ("503 Service Unavailable", "", String::new()),
        "page.com" => ("200 OK", "", "<html></html>".to_owned()),
        "long.com" => ("200 OK", "", " ".repeat(LONGEST_BYTES + 1)),
        "slow.com" => return std::thread::sleep(Duration::from_secs(2)),
        _ => ("404 Not Found", "", r#"{"errorCode": 404, "title": "Not Found"}"#.to_owned()),
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{extra}\r\n", body.len());
    let written = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    // Who has read enough hangs up.
    drop(written);
}

fn fields() -> Fields {
    let at = |name: &str| format!("/data/{name}");
    Fields {
        kind: at("loai"),
        holder: at("chuThe"),
        registrar: at("nhaDangKy"),
        registered_on: at("ngayDangKy"),
        expires_on: at("ngayHetHan"),
        state: at("trangThai"),
    }
}

fn text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Found(record) => {
            let day = |day: Option<Day>| day.map(|day| day.to_string());
            let facts = [
                record.kind.clone(),
                record.holder.clone(),
                record.registrar.clone(),
                day(record.registered_on),
                day(record.expires_on),
                record.state.clone(),
            ];
            facts.map(|fact| fact.unwrap_or_else(|| "-".to_owned())).join(" | ")
        }
        Outcome::NotFound => "not found".to_owned(),
        Outcome::Unavailable { why } => why.clone(),
        Outcome::NotAsked => "not asked".to_owned(),
    }
}

async fn ask(options: &Options, domain: &str) -> String {
    text(&Registry::new(options, Clock::Fixed(0)).unwrap().ask(domain).await.outcome)
}

#[tokio::test]
async fn rdap_gives_a_record_or_its_word_that_there_is_none() {
    let stub = Stub::start();
    let options = stub.options(Kind::Rdap);
    let record = "- | Công ty Mẫu | Example Registrar, Inc. | 2020-01-01 | 2027-12-31 | client delete prohibited, \
                  client transfer prohibited";
    assert_eq!(ask(&options, "example-shop.com").await, record);
    assert_eq!(ask(&options, "nobody.com").await, "not found");
}

#[tokio::test]
async fn a_bootstrap_service_may_send_on_to_the_same_domain_alone() {
    let stub = Stub::start();
    assert_eq!(ask(&stub.options(Kind::Rdap), "moved.com").await, "its answer is about another domain");
}

#[tokio::test]
async fn json_gives_the_facts_at_the_configured_places() {
    let stub = Stub::start();
    let options = Options { fields: fields(), ..stub.options(Kind::Json) };
    let record = "Tên miền quốc gia | Công ty Mẫu | Nhà đăng ký Mẫu | 2021-03-05 | 2027-03-05 | Đang hoạt động";
    assert_eq!(ask(&options, "mau.vn").await, record);
    assert_eq!(ask(&options, "trong.vn").await, "- | - | - | - | - | Chưa cấp phát");
    assert_eq!(ask(&options, "la.vn").await, "its answer has none of the configured fields");
    assert_eq!(ask(&options, "khac.vn").await, "not found");
}

#[tokio::test]
async fn a_key_is_sent_from_its_file() {
    let stub = Stub::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "Authorization: Bearer word\n").unwrap();
    let options = Options { fields: fields(), ..stub.options(Kind::Json) };
    assert_eq!(ask(&options, "khoa.vn").await, "it answers 401 Unauthorized");
    let options = Options { header_file: Some(path), ..options };
    assert!(ask(&options, "khoa.vn").await.contains("Công ty Mẫu"));
}

#[tokio::test]
async fn a_key_is_taken_to_no_other_host() {
    let (stub, other) = (Stub::start(), Stub::start());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "X-Api-Key: word\n").unwrap();
    let url = format!("http://{}/to/{}/{{domain}}", stub.address, other.address);
    let options = Options { url, header_file: Some(path), ..stub.options(Kind::Rdap) };
    let why = ask(&options, "away.com").await;
    assert!(why.contains("sends on to another host") && !why.contains("word"), "{why}");
    assert_eq!((stub.questions(), other.questions()), (1, 0));
    let options = Options { header_file: None, ..options };
    assert_eq!(ask(&options, "away.com").await, "its answer is about another domain");
    assert_eq!(other.questions(), 1);
}

#[tokio::test]
async fn what_is_no_answer_is_said_and_never_taken_for_unknown() {
    let stub = Stub::start();
    let options = stub.options(Kind::Rdap);
    assert_eq!(ask(&options, "other.com").await, "its answer is about another domain");
    assert_eq!(ask(&options, "busy.com").await, "it answers 429 Too Many Requests");
    assert_eq!(ask(&options, "down.com").await, "it answers 503 Service Unavailable");
    assert!(ask(&options, "page.com").await.starts_with("its answer is no RDAP"));
    assert!(ask(&options, "long.com").await.contains("longer than"));
    let why = ask(&options, "slow.com").await;
    assert!(why.contains("timed out") && !why.contains("slow.com"), "{why}");
    let closed = Options { url: "http://127.0.0.1:1/{domain}".to_owned(), ..options };
    assert!(!ask(&closed, "example-shop.com").await.contains("127.0.0.1"));
}

#[tokio::test]
async fn a_record_is_asked_for_once_and_a_failure_again() {
    let stub = Stub::start();
    let registry = Registry::new(&stub.options(Kind::Rdap), Clock::Fixed(0)).unwrap();
    let first = registry.ask("example-shop.com").await;
    assert_eq!(registry.ask("example-shop.com").await, first);
    assert_eq!(stub.questions(), 1);
    registry.ask("down.com").await;
    registry.ask("down.com").await;
    assert_eq!(stub.questions(), 3);
}

#[tokio::test]
async fn a_registry_is_not_asked_more_often_than_agreed() {
    let stub = Stub::start();
    let options = Options { per_minute: 1, burst: 2, ..stub.options(Kind::Rdap) };
    let registry = Registry::new(&options, Clock::Fixed(0)).unwrap();
    let mut said = Vec::new();
    for domain in ["a.com", "b.com", "c.com", "a.com"] {
        said.push(text(&registry.ask(domain).await.outcome));
    }
    assert_eq!(said, ["not found", "not found", "asked too often", "not found"]);
    assert_eq!(stub.questions(), 2);
}

#[test]
fn days_are_read_as_registries_write_them() {
    for (text, expected) in [
        ("2025-01-06", Some("2025-01-06")),
        ("2025-01-06T17:00:00Z", Some("2025-01-07")),
        ("2025-01-06T17:00:00+07:00", Some("2025-01-06")),
        ("06-01-2025", Some("2025-01-06")),
        ("06/01/2025", Some("2025-01-06")),
        ("2025-01-06 10:00:00", Some("2025-01-06")),
        ("31-02-2025", None),
        ("hôm nay nhé", None),
        ("", None),
    ] {
        assert_eq!(day(text).map(|day| day.to_string()).as_deref(), expected, "{text}");
    }
}

#[test]
fn a_registry_is_asked_for_its_own_suffixes() {
    let options = Options { suffixes: vec!["vn".to_owned()], ..Options::default() };
    let registry = Registry::new(&options, Clock::Fixed(0)).unwrap();
    let asked: Vec<_> =
        ["a.vn", "a.com.vn", "a.com", "avn"].into_iter().filter(|name| registry.answers_for(name)).collect();
    assert_eq!(asked, ["a.vn", "a.com.vn"]);
}

#[test]
fn problems_of_an_address_are_said() {
    let problems = |url: &str| Options { name: "x".to_owned(), url: url.to_owned(), ..Options::default() }.problems();
    assert_eq!(problems("https://rdap.example/domain/{domain}"), [""; 0]);
    assert_eq!(problems("https://rdap.example/"), ["lookup.registry.url of x: {domain} stands nowhere in it"]);
    assert_eq!(problems("ftp://rdap.example/{domain}"), ["lookup.registry.url of x: http or https, not ftp"]);
    assert_eq!(problems(""), ["lookup.registry.url of x: relative URL without a base"]);
    assert_eq!(Options::default().problems().len(), 2);
}
