//! The golden set: a text and what it says, each rule beside its nearest miss.

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Case {
    text: String,
    kind: String,
    source: Option<String>,
}

fn cases() -> Vec<Case> {
    let lines = include_str!("../../../tests/data/report.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn shown(source: &Source) -> Option<String> {
    match source {
        Source::Number(number) => Some(number.reveal().to_string()),
        Source::Short(digits) => Some(digits.clone()),
        Source::Name(name) => Some(format!("brand:{name}")),
        Source::Domain(domain) => Some(domain.clone()),
        Source::Person | Source::Hidden => None,
    }
}

#[test]
fn every_golden_text_has_its_kind_and_its_source() {
    let mut wrong = Vec::new();
    for Case { text, kind, source } in cases() {
        let reading = read(&text);
        let found = reading.source().and_then(shown);
        if reading.kind.as_str() != kind || found != source {
            wrong.push(format!("{text:?}: {} {found:?}, expected {kind} {source:?}", reading.kind.as_str()));
        }
        assert!(text.contains(reading.content), "{text}");
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

#[track_caller]
fn check(text: &str, content: &str, level: Level, needs_human: bool) {
    let reading = read(text);
    assert_eq!((reading.content, reading.level, reading.needs_human), (content, level, needs_human), "{text}");
}

#[test]
fn the_content_is_what_is_not_the_source() {
    check("V [0912345678][moi vay tien]", "moi vay tien", Level::Exact, false);
    check("LD (0912345678 - gia danh cong an)", "gia danh cong an", Level::OneBracket, false);
    check("V(0912345678) lua dao", "lua dao", Level::HalfBracketed, false);
    check("v 0912345678 moi vay", "moi vay", Level::Free, false);
    check("LD gia danh cong an so 0912345678", "gia danh cong an so 0912345678", Level::Free, false);
    check("S (0912345678)(bang (gia) GOl: )", "bang (gia) GOl:", Level::Exact, false);
    check("S [Vietcombank][tk bi khoa]", "tk bi khoa", Level::Exact, false);
    check("LD (gia cong an)(0912345678)", "gia cong an", Level::HalfBracketed, false);
    check("LD [Vietcombank][0912345678]", "Vietcombank", Level::HalfBracketed, false);
    check("V [Shopee][0912345678][moi mua]", "[Shopee][0912345678][moi mua]", Level::Free, false);
    check("V (Shopee - 0912345678)(moi mua)", "Shopee - 0912345678)(moi mua)", Level::HalfBracketed, false);
    check("S (VCB: goi 0912345678)(vao vcb.xyz)", "goi 0912345678)(vao vcb.xyz)", Level::HalfBracketed, false);
    check("S (VCB: goi 0912345678 ngay)", "goi 0912345678 ngay", Level::OneBracket, false);
    check("S (VCB - tk bi khoa)(vao vcb.xyz)", "tk bi khoa)(vao vcb.xyz)", Level::HalfBracketed, false);
    check("LD facebook Nguyen Van A lua dao", "facebook Nguyen Van A lua dao", Level::Free, false);
    check("S VCB tk bi khoa", "tk bi khoa", Level::Free, false);
    check("V 156 0912345678 moi vay", "moi vay", Level::Free, false);
    check("DK DNC S", "S", Level::Exact, false);
    check("HUY DNC V.", "V", Level::Exact, false);
    check("FW [ban dat]", "ban dat", Level::Exact, false);
}

#[test]
fn what_is_not_clear_goes_to_a_person() {
    check("V [0912345678]", "", Level::OneBracket, true);
    check("V Shopee", "", Level::Free, true);
    check("V goi hoai", "goi hoai", Level::Unread, true);
    check("S vcb-abc.xyz khoa tk", "vcb-abc.xyz khoa tk", Level::Unread, true);
    check("S [vcb-abc.xyz][khoa tk]", "[vcb-abc.xyz][khoa tk]", Level::Unread, true);
    check("LD [STK 0913456789][lua dao]", "lua dao", Level::Unread, true);
    check("V (so an)(goi hoai)", "goi hoai", Level::Exact, true);
    check("V [113][gia danh]", "gia danh", Level::Exact, true);
    check("V [0692348560][gia danh]", "gia danh", Level::Exact, true);
    check("TCTM vietcombank", "vietcombank", Level::Unread, true);
    check("DK DNC X", "X", Level::Free, true);
    check("DK DNC S. V", "S. V", Level::Free, true);
    check("V (bo 0398765432 la so ong toi, bi goi)", "bo 0398765432 la so ong toi, bi goi", Level::Unread, true);
    check("V 0398765432 la so me toi", "0398765432 la so me toi", Level::Unread, true);
    check("V 0398765432 la me toi", "0398765432 la me toi", Level::Unread, true);
    check("V [0398765432][la so con trai toi]", "la so con trai toi", Level::Unread, true);
    check("LD [0912345678][la con trai toi bi tai nan]", "la con trai toi bi tai nan", Level::Exact, false);
    check("LD (0912345678 - la con trai toi bi tai nan)", "la con trai toi bi tai nan", Level::OneBracket, false);
    check("V (0398765432 goi cho ong toi)", "goi cho ong toi", Level::OneBracket, false);
    check("Vui lòng (gấp) gọi lại", "Vui lòng (gấp) gọi lại", Level::Unread, true);
}

#[test]
fn a_persons_name_is_no_senders_and_no_number_is_lost_behind_it() {
    for text in ["S [TRAN VAN A][noi dung]", "V [Nguyen Van B] noi dung", "LD (Nguyễn Thị B - noi dung)"] {
        let reading = read(text);
        assert_eq!(reading.sources, [Source::Person], "{text}");
        assert_eq!((reading.content, reading.needs_human), ("noi dung", true), "{text}");
    }
    let sources = |text| read(text).sources.iter().filter_map(shown).collect::<Vec<_>>();
    for text in [
        "V [TRAN VAN A][0912345678]",
        "V [Nguyen Van B][goi so 0912345678]",
        "S (TRAN VAN A)(vay tien goi 0912345678)",
        "V (TRAN VAN A - 0912345678)(vay tien)",
    ] {
        assert_eq!(sources(text), ["84912345678"], "{text}");
    }
    assert!(sources("V [TRAN VAN A][so cua toi la 0912345678]").is_empty());
    assert!(read("S [tran van a][noi dung]").sources.is_empty());
}

#[test]
fn every_number_of_a_list_is_a_source_and_none_of_the_content() {
    let sources = |text| read(text).sources.iter().filter_map(shown).collect::<Vec<_>>();
    assert_eq!(sources("V (0912345678, 0913456789)(moi vay)"), ["84912345678", "84913456789"]);
    assert_eq!(sources("V 0912345678 va 0912345678"), ["84912345678"]);
    assert_eq!(sources("V [0912345678 - lan 1, 0913456789 - lan 2] noi dung"), ["84912345678", "84913456789"]);
    assert_eq!(sources("V (0912345678 (lan 1), 0913456789 (lan 2))"), ["84912345678", "84913456789"]);
    assert_eq!(sources("V (0912345678)(0913456789)"), ["84912345678"]);
    assert_eq!(sources("V 0912345678 goi 3 lan va 0913456789 goi 2 lan"), ["84912345678", "84913456789"]);
    assert_eq!(sources("V 0912345678 goi 3 lan 0913456789"), ["84912345678"]);
    assert_eq!(sources("V [0912345678 - Lan, 0913456789 - Hoa][vay]"), ["84912345678"]);
    assert_eq!(sources("V 0912345678 va 0913456789 la so me toi"), ["84912345678"]);
    assert_eq!(sources("V [0912345678][goi ca so 0913456789]"), ["84912345678"]);
    assert_eq!(sources("V 0912345678 noi goi lai 0913456789"), ["84912345678"]);
}

#[test]
fn a_number_of_a_links_path_is_no_source_and_one_behind_the_links_bracket_is() {
    let sources = |text| read(text).sources.iter().filter_map(shown).collect::<Vec<_>>();
    for text in [
        "S [http://vcb-abc.xyz][0912345678]",
        "S [vcb-abc.xyz/khoa][0912345678]",
        "S (vao vcb-abc.xyz/khoa)(0912345678)",
        "S (vao vcb-abc.xyz/khoa)0912345678",
        "S [vao hxxp://abc[.]xyz][0912345678]",
    ] {
        assert_eq!(sources(text), ["84912345678"], "{text}");
    }
    for text in ["S [vcb-abc.xyz/0912345678]", "S vao hxxp://abc[.]xyz/0912345678", "S vao vcb-abc.xyz/a(0912345678)"] {
        assert!(sources(text).is_empty(), "{text}");
    }
}
