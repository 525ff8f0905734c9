//! What citizens are answered: the carrier's own words, chosen by what a report asks for and what has become of it.
//!
//! In: `pipelines/answer/template.csv`. Out: the text of an SMS, and the name of its template. Never: a wording of its
//! own; a text that takes more SMS than the file allows.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};

use crate::domain::report::Kind;
use crate::domain::sms;

/// When a citizen is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// At once.
    Received,
    /// When something has become of the report.
    Result,
}

impl Stage {
    /// The word used in tables and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Result => "result",
        }
    }
}

/// What a result says: the number that was reported is barred.
pub const BARRED: &str = "barred";
/// The reported number, where a text names it.
const NUMBER: &str = "{number}";
/// As long as a number can be.
const LONGEST_NUMBER: &str = "+999999999999999";
/// SMS of one text, at most: a carrier that writes more has made a mistake.
const MOST_PARTS: usize = 4;

/// What is answered at once; a look-up is answered by what is known of the domain.
const ASKED: [Kind; 7] =
    [Kind::SpamCall, Kind::SpamSms, Kind::ScamCall, Kind::DncRegister, Kind::DncCancel, Kind::AdCopy, Kind::Unparsed];

/// Templates by their names, `WHEN/ABOUT` and `WHEN/ABOUT/FORM`.
#[derive(Debug)]
pub struct Templates(BTreeMap<String, String>);

/// A text and the template that it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worded {
    /// Name of the template.
    pub template: String,
    /// The text; empty where the carrier answers nothing.
    pub text: String,
}

impl Templates {
    /// The templates as they were compiled in.
    pub fn embedded() -> anyhow::Result<Self> {
        Self::of(include_str!("../../pipelines/answer/template.csv"))
    }

    /// The templates of a folder, or what is wrong with them.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("template.csv");
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Self::of(&text).with_context(|| path.display().to_string())
    }

    fn of(text: &str) -> anyhow::Result<Self> {
        let mut templates = BTreeMap::new();
        let mut problems = Vec::new();
        let mut lines = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
        for line in lines.deserialize() {
            let (when, about, form, parts, text): (String, String, String, usize, String) = line?;
            let name = name(&when, &about, &form);
            if !required().contains(&self::name(&when, &about, "")) {
                problems.push(format!("{name}: there is no such answer"));
            }
            problems.extend(problem(&when, parts, &text).map(|problem| format!("{name}: {problem}")));
            if templates.insert(name.clone(), text).is_some() {
                problems.push(format!("{name} stands twice"));
            }
        }
        let missing = required().into_iter().filter(|name| !templates.contains_key(name));
        problems.extend(missing.map(|name| format!("no line for {name}")));
        ensure!(problems.is_empty(), "{}", problems.join("; "));
        Ok(Self(templates))
    }

    /// The forms of fraud that have words of their own.
    pub fn forms(&self) -> impl Iterator<Item = &str> {
        self.0.keys().filter_map(|name| name.splitn(3, '/').nth(2))
    }

    /// What a report is answered at once.
    pub fn received(&self, about: &str, form: Option<&str>) -> Worded {
        self.worded(Stage::Received, about, form)
    }

    /// What a citizen is told whose report helped to bar a number, shown as people dial it.
    pub fn barred(&self, number: &str, form: Option<&str>) -> Worded {
        let worded = self.worded(Stage::Result, BARRED, form);
        Worded { text: worded.text.replace(NUMBER, number), ..worded }
    }

    fn worded(&self, stage: Stage, about: &str, form: Option<&str>) -> Worded {
        let of_form = form.map(|form| name(stage.as_str(), about, form));
        let template = of_form.filter(|name| self.0.contains_key(name));
        let template = template.unwrap_or_else(|| name(stage.as_str(), about, ""));
        Worded { text: self.0.get(&template).cloned().unwrap_or_default(), template }
    }
}

fn required() -> Vec<String> {
    let asked = ASKED.iter().map(|kind| name(Stage::Received.as_str(), kind.as_str(), ""));
    asked.chain([name(Stage::Result.as_str(), BARRED, "")]).collect()
}

fn name(when: &str, about: &str, form: &str) -> String {
    if form.is_empty() { format!("{when}/{about}") } else { format!("{when}/{about}/{form}") }
}

fn problem(when: &str, allowed: usize, text: &str) -> Option<String> {
    if !(1..=MOST_PARTS).contains(&allowed) {
        return Some(format!("a text takes 1 to {MOST_PARTS} SMS, not {allowed}"));
    }
    let longest = if when == Stage::Result.as_str() { text.replace(NUMBER, LONGEST_NUMBER) } else { text.to_owned() };
    if let Some((_, named)) = longest.split_once('{') {
        return Some(format!("nothing is called {{{}", named.split_inclusive('}').next().unwrap_or_default()));
    }
    let parts = sms::parts(&longest);
    (parts > allowed).then(|| format!("the text takes {parts} SMS, and {allowed} are allowed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("../../pipelines/answer/template.csv");

    /// Forms in which somebody pretends to be another, as a definition has them.
    fn pretending() -> impl Iterator<Item = &'static str> {
        let facts = include_str!("../../pipelines/feature/report_day.toml");
        let forms = facts.split_once("[param.pretending_forms]").unwrap().1;
        forms.split('"').nth(1).unwrap().split(' ')
    }

    fn with(line: &str) -> Result<Templates, String> {
        Templates::of(&format!("{FILE}{line}\n")).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn our_own_templates_hold_and_say_what_they_are_asked() {
        let templates = Templates::embedded().unwrap();
        assert!(templates.received("scam_call", Some("tax_office")).text.contains("5 KHONG"));
        let of_form = templates.received("scam_call", Some("police_court"));
        assert_eq!(of_form.template, "received/scam_call/police_court");
        assert!(of_form.text.contains("5 KHONG: khong so hai") && of_form.text.contains("cong an"), "{}", of_form.text);
        let barred = templates.barred("0912345678", None);
        assert_eq!(barred.template, "result/barred");
        assert!(barred.text.contains("so 0912345678 hien da bi"), "{}", barred.text);
    }

    #[test]
    fn a_scam_that_was_sent_as_v_or_s_is_advised_as_well() {
        let templates = Templates::embedded().unwrap();
        let advised = |about: &str| {
            let of_form = templates.0.iter().filter_map(move |(name, text)| {
                Some((name.strip_prefix("received/")?.strip_prefix(about)?.strip_prefix('/')?, text))
            });
            of_form.collect::<BTreeMap<_, _>>()
        };
        let scam = advised("scam_call");
        assert!(!scam.is_empty());
        for about in ["spam_call", "spam_sms"] {
            let other = advised(about);
            assert!(scam.iter().all(|(form, text)| other.get(form) == Some(text)), "{about}");
            for form in pretending() {
                let text = templates.received(about, Some(form)).text;
                assert!(text.contains("5 KHONG"), "{about}/{form}: {text}");
            }
        }
    }

    #[test]
    fn a_form_has_words_of_its_own_where_the_carrier_wrote_some() {
        let templates = with("received,scam_call,tax_office,1,Thue").unwrap();
        let received = |form| templates.received("scam_call", form).template;
        assert_eq!(received(Some("tax_office")), "received/scam_call/tax_office");
        assert_eq!(received(Some("power_company")), "received/scam_call");
        assert_eq!(received(None), "received/scam_call");
        assert!(templates.forms().any(|form| form == "tax_office"));
    }

    #[test]
    fn a_text_that_is_too_long_is_refused_and_one_that_just_fits_is_not() {
        let line = |parts: usize, letters: &str| format!("received,scam_call,f,{parts},{letters}");
        with(&line(1, &"a".repeat(160))).unwrap();
        with(&line(2, &"a".repeat(161))).unwrap();
        with(&line(1, &"đ".repeat(70))).unwrap();
        for (line, problem) in [
            (line(1, &"a".repeat(161)), "received/scam_call/f: the text takes 2 SMS, and 1 are allowed"),
            (line(1, &"đ".repeat(71)), "received/scam_call/f: the text takes 2 SMS, and 1 are allowed"),
            (line(0, "a"), "received/scam_call/f: a text takes 1 to 4 SMS, not 0"),
            ("result,barred,f,1,".to_owned() + &"a".repeat(150) + NUMBER, "the text takes 2 SMS"),
        ] {
            assert!(with(&line).unwrap_err().contains(problem), "{line}");
        }
    }

    #[test]
    fn every_problem_is_told() {
        let missing = Templates::of("when,about,form,parts,text\nreceived,spam_call,,1,a\n").unwrap_err().to_string();
        assert!(missing.contains("no line for received/scam_call") && missing.contains("no line for result/barred"));
        for (line, problem) in [
            ("received,domain_lookup,,1,a", "received/domain_lookup: there is no such answer"),
            ("result,spam_call,,1,a", "result/spam_call: there is no such answer"),
            ("received,spam_call,,1,a", "received/spam_call stands twice"),
            ("received,spam_call,f,1,{number}", "received/spam_call/f: nothing is called {number}"),
            ("result,barred,f,1,{name} a", "result/barred/f: nothing is called {name}"),
        ] {
            assert!(with(line).unwrap_err().contains(problem), "{line}");
        }
    }
}
