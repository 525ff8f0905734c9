//! Labelled texts and the F1 of each form; the figures are recorded in `tests/snapshots/scam_form.txt`.

use super::*;

/// One labelled text. `seen` ones were read while phrases were chosen, `held` ones were written before and not read,
/// `later` ones were written when the phrases stood as they stand.
struct Labelled {
    part: &'static str,
    form: &'static str,
    text: &'static str,
}

fn labelled() -> Vec<Labelled> {
    let lines = include_str!("../../../tests/data/scam_form.tsv").lines();
    let read = |line: &'static str| {
        let [part, form, text] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("three columns: {line}") };
        Labelled { part, form, text }
    };
    lines.map(read).collect()
}

/// F1 of each form, and what was taken for what.
fn f1(texts: &[&Labelled]) -> (BTreeMap<&'static str, f64>, Vec<String>) {
    let mut counts: BTreeMap<&str, [f64; 3]> = BTreeMap::new();
    let mut wrong = Vec::new();
    for Labelled { form, text, .. } in texts {
        let story = find(text, false);
        let found = story.as_ref().map_or("-", |story| story.form);
        if found == *form {
            counts.entry(form).or_default()[0] += 1.0;
        } else {
            counts.entry(found).or_default()[1] += 1.0;
            counts.entry(form).or_default()[2] += 1.0;
            wrong.push(format!("{form}, found {found} {:?}: {text}", story.map(|story| story.evidence)));
        }
    }
    let f1 = |[hits, false_hits, missed]: [f64; 3]| 2.0 * hits / (2.0 * hits + false_hits + missed);
    (counts.into_iter().map(|(form, counts)| (form, f1(counts))).collect(), wrong)
}

fn mean(f1: &BTreeMap<&str, f64>) -> f64 {
    f1.values().sum::<f64>() / f64::from(u32::try_from(f1.len()).unwrap())
}

#[test]
fn labelled_texts_are_told_apart() {
    let labelled = labelled();
    let mut told = String::new();
    for (part, at_least) in [("seen", 0.95), ("held", 0.95), ("later", 0.85)] {
        let texts: Vec<&Labelled> = labelled.iter().filter(|text| text.part == part).collect();
        let (f1, wrong) = f1(&texts);
        told += &format!("{part}: {} texts, macro-F1 {:.3}\n", texts.len(), mean(&f1));
        f1.iter().for_each(|(form, f1)| told += &format!("    {form} {f1:.2}\n"));
        if part == "seen" {
            wrong.iter().for_each(|wrong| told += &format!("    {wrong}\n"));
        }
        assert!(mean(&f1) >= at_least, "{told}");
    }
    expect_test::expect_file!["../../../tests/snapshots/scam_form.txt"].assert_eq(&told);
}

#[test]
fn a_bank_that_writes_is_one_that_a_fraudster_claims_to_be() {
    for name in Bank::all().flat_map(Bank::senders) {
        let text = format!("{name} bao tai khoan bi khoa");
        let claimed = find(&text, true).and_then(|story| story.impersonated);
        assert_eq!(claimed, Some("bank"), "{text}");
    }
    let other = find("quan doi bao tai khoan bi khoa", true).and_then(|story| story.impersonated);
    assert_eq!(other, None, "a name that tells an account alone is a word of the language too");
}

#[test]
fn every_form_is_in_the_labelled_texts_and_every_label_is_a_form() {
    let labels: BTreeSet<&str> = labelled().iter().map(|text| text.form).filter(|form| *form != "-").collect();
    assert_eq!(labels, forms().iter().map(|form| form.name.as_str()).collect());
    assert!(forms().iter().all(|form| !form.title.is_empty()));
    assert_eq!(forms().len(), 36);
}

#[test]
fn a_later_text_is_no_other_one_in_another_order() {
    let labelled = labelled();
    let of = |text: &'static str| bare_words(text).split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
    let (later, others): (Vec<_>, Vec<_>) = labelled.iter().partition(|labelled| labelled.part == "later");
    let others: Vec<_> = others.iter().map(|other| (other.text, of(other.text))).collect();
    for text in later.iter().map(|later| later.text) {
        let words = of(text);
        for (other, known) in &others {
            let (both, either) = (words.intersection(known).count(), words.union(known).count());
            assert!(4 * both < 3 * either, "{text} was known as {other}");
        }
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    checked(text, find(text, false), expected);
}

#[track_caller]
fn check_accused(text: &str, expected: &str) {
    checked(text, find(text, true), expected);
}

#[track_caller]
fn checked(text: &str, found: Option<Story>, expected: &str) {
    let shown = found.map_or("-".to_owned(), |story| {
        format!("{} {:?} {}", story.form, story.evidence, story.impersonated.unwrap_or("-"))
    });
    assert_eq!(shown, expected, "{text}");
}

#[test]
fn marks_decide_where_they_are_written() {
    check("giả danh công an", r#"police_court ["giả danh công an"] police"#);
    check("gia danh cong an", r#"police_court ["giả danh công an"] police"#);
    check("gia\u{309} danh co\u{302}ng an", r#"police_court ["giả danh công an"] police"#);
    check("đi làm công ăn lương", "-");
    check("hoàn thuế", r#"tax_office ["hoàn thuế"] -"#);
    check("hòan thuế", r#"tax_office ["hoàn thuế"] -"#);
}

#[test]
fn tricks_do_not_hide_a_phrase() {
    for text in [
        "c.ô.n.g a.n bắt giam",
        "c0ng @n bat giam",
        "congan bat giam",
        "c o n g a n bat giam",
        "CA bat giam",
        "cô\u{200b}ng an bắt giam",
    ] {
        let story = find(text, false).unwrap();
        assert_eq!((story.form, story.impersonated), ("police_court", Some("police")), "{text}");
    }
}

#[test]
fn a_word_of_the_language_is_no_abbreviation() {
    for text in ["gọi cả ngày lẫn đêm", "goi ca ngay", "bán cá khô", "GOI CA NGAY", "Cả nhà bị gọi"]
    {
        check(text, "-");
    }
    check("xưng là CA bắt nộp tiền", r#"police_court ["công an"] police"#);
    check("xung ca goi", r#"police_court ["xưng ca"] police"#);
    check("mao danh ca bat nop tien", r#"police_court ["mạo danh ca"] police"#);
    check("CA QUAN 1 GOI LEN LAM VIEC", r#"police_court ["ca quận", "gọi lên làm việc"] police"#);
    check("gia ca tot", "-");
    check("mao danh ben ca phuong", r#"vneid_update ["ca phường"] police"#);
    check("rao khắp cả phường", "-");
}

#[test]
fn a_phrase_inside_a_longer_one_is_not_counted() {
    check("mạo nhận công an phường", r#"vneid_update ["công an phường"] police"#);
}

#[test]
fn a_word_of_every_day_is_a_fraud_only_where_somebody_says_so() {
    check("Tiki khuyến mãi", "-");
    check("Tiki khuyến mãi toàn hàng giả", r#"counterfeit_goods ["khuyến mãi", "hàng giả"] marketplace"#);
    check("Tiki khuyến mãi, chuyển cọc rồi chặn", r#"counterfeit_goods ["khuyến mãi"] marketplace"#);
    check("giao hàng", "-");
    check("tự xưng giao hàng", r#"fake_shipper ["giao hàng"] -"#);
    check_accused("giao hàng", r#"fake_shipper ["giao hàng"] -"#);
    check_accused("đi làm công ăn lương", "-");
    // Two of them are no more than a notice; many are a story.
    check("EVN báo tiền điện", "-");
    check("bệnh viện, bác sĩ, nhập viện", r#"relative_in_hospital ["bệnh viện", "bác sĩ", "nhập viện"] hospital"#);
    check("mua, đặt, nhận hàng", "-");
}

#[test]
fn a_file_that_says_something_twice_is_refused() {
    let text = include_str!("../../../pipelines/scam_form.toml");
    assert!(Lexicon::read(text).is_ok());
    let twice = text.replacen("number  = 2\n", "number  = 1\n", 1);
    assert_eq!(Lexicon::read(&twice).err().map(|error| error.to_string()).as_deref(), Some("form 1 stands twice"));
    let sign = text.replacen("\"lừa đảo\"", "\"lừa\"", 1);
    assert!(Lexicon::read(&sign).is_err());
    let marks = text.replacen("\"bưu kiện\"", "\"bưu-kiện\"", 1);
    assert!(Lexicon::read(&marks).is_err());
}
