//! The cases beside the known names, and that no name makes it panic.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::lookup::Rules;

#[derive(Deserialize)]
struct Case {
    host: String,
    is: String,
    of: Option<String>,
    manner: Option<String>,
}

fn found(standing: &Standing) -> [String; 3] {
    match standing {
        Standing::Genuine { of } => ["genuine".to_owned(), of.clone(), String::new()],
        Standing::Alike(alike) => {
            let manner = serde_json::to_value(alike.manner).unwrap();
            ["alike".to_owned(), alike.of.clone(), manner.as_str().unwrap().to_owned()]
        }
        Standing::Other => ["other".to_owned(), String::new(), String::new()],
    }
}

#[test]
fn every_case_is_as_its_line_says() {
    let names = Rules::embedded().unwrap().names;
    let text = include_str!("../../../pipelines/lookup/case.csv");
    let cases: Vec<Case> = csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect();
    assert!(cases.len() > 60, "{} cases", cases.len());
    let mut wrong = vec![];
    for case in cases {
        let standing = names.standing(&Host::read(&case.host).unwrap());
        let expected = [case.is, case.of.unwrap_or_default(), case.manner.unwrap_or_default()];
        if found(&standing) != expected {
            wrong.push(format!("{}: {:?}, and the case says {expected:?}", case.host, found(&standing)));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_known_name_is_recognised_below_another_suffix() {
    let names = Rules::embedded().unwrap().names;
    for known in &names.names {
        let tokens = known.anywhere.iter().chain(&known.part).map(|token| format!("{}.top", token.text));
        let beside = known.beside.iter().map(|token| format!("{}-dangnhap.top", token.text));
        for host in tokens.chain(beside) {
            let standing = names.standing(&Host::read(&host).unwrap());
            assert_eq!(found(&standing)[..2], ["alike".to_owned(), known.name.clone()], "{host}");
        }
        for domain in names.genuine.keys() {
            assert!(matches!(names.standing(&Host::read(domain).unwrap()), Standing::Genuine { .. }), "{domain}");
        }
    }
}

#[test]
fn a_line_without_a_whole_domain_is_refused() {
    let read = |domain: &str| {
        let text = format!("name,kind,domains,anywhere,part,beside,typos\nMau,bank,{domain},maubank,,,1\n");
        KnownNames::read(&text, "", "").map_err(|error| error.to_string())
    };
    assert!(read("mau.vn mau.com").is_ok());
    assert_eq!(read("").unwrap_err(), "known_name.csv: Mau has no domain");
    assert_eq!(read("com.vn").unwrap_err(), "known_name.csv: Mau: \"com.vn\" is no domain");
    assert_eq!(read("Mau.vn").unwrap_err(), "known_name.csv: Mau: \"Mau.vn\" is no domain");
}

static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::embedded().unwrap());

proptest! {
    #[test]
    fn any_host_has_a_standing(text in "[a-z0-9à-ỹа-я.-]{1,30}\\.(vn|com|gov\\.vn|xyz)") {
        if let Some(host) = Host::read(&text) {
            let standing = RULES.names.standing(&host);
            let is_state = host.registrable().is_some_and(|domain| domain.ends_with(".gov.vn"));
            prop_assert!(!is_state || !matches!(standing, Standing::Alike(_)));
        }
    }
}
