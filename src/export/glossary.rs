//! What the columns of the package and the words in them mean, in English and in Vietnamese.
//!
//! In: a name of a column, or a word of the tables. Out: what people read in its place or beside it. Never: another word in
//! a list that programs read, where it is the same in both languages.
//!
//! The five criteria have the names of Thông tư 22/2021/TT-BTTTT Art. 4; all other words are ours.

use std::borrow::Cow;

use crate::domain::lang::{Lang, Words};

/// The criteria of a spam call as they are named in Thông tư 22/2021/TT-BTTTT, Article 4, by their columns: law is
/// quoted in its own language.
pub const CRITERIA: [(&str, &str); 5] = [
    ("calls_per_active_day", "1. tần suất"),
    ("out_share", "2. đặc điểm hành vi"),
    ("short_call_share_all", "3. tỷ lệ cuộc gọi có thời gian liên lạc ngắn"),
    ("short_gap_share", "4. tỷ lệ cuộc gọi có thời gian giữa các cuộc gọi ngắn"),
    ("new_callee_call_share", "5. tỷ lệ gọi cho thuê bao không có mối quan hệ"),
];
pub const ARTICLE: Words = ("Thông tư 22/2021/TT-BTTTT, Article 4", "Thông tư 22/2021/TT-BTTTT, Điều 4");

/// What the columns of `regulator_week` mean in Vietnamese; in English the contract says it.
const MEANINGS: &[(&str, &str)] = &[
    ("week", "Thứ Hai của tuần (tuần ISO)."),
    ("number", "Số điện thoại, dạng E.164."),
    ("activated_at", "Thời điểm kích hoạt thuê bao, giờ UTC; để trống nếu không phải thuê bao của nhà mạng."),
    (
        "range_holder",
        "Doanh nghiệp viễn thông được phân bổ dải số; với số đã chuyển mạng, không phải doanh nghiệp đang phục vụ.",
    ),
    (
        "segment",
        "Loại thuê bao: prepaid là trả trước, postpaid là trả sau, enterprise là doanh nghiệp, offnet là ngoại mạng, \
         unknown là không rõ.",
    ),
    ("flagged_day", "Ngày đầu tiên bị gắn cờ (mức survey trở lên)."),
    (
        "verdict",
        "Quyết định vào ngày cuối cùng trong tuần có quyết định: survey là khảo sát người được gọi, limited là hạn \
         chế, blocked là chặn (biện pháp cụ thể ở cột action), released là đã gỡ chặn, watched là chỉ còn theo dõi, \
         clear là đã bỏ gắn cờ.",
    ),
    (
        "evidence",
        "Nguồn bằng chứng, nối bằng dấu +: behaviour là hành vi gọi, survey là khảo sát người được gọi, report là phản \
         ánh, registration là đăng ký thuê bao.",
    ),
    ("calls_per_active_day", "Giá trị tiêu chí 1 của ngày có chỉ số cao nhất."),
    ("out_share", "Giá trị tiêu chí 2."),
    ("short_call_share_all", "Giá trị tiêu chí 3."),
    ("short_gap_share", "Giá trị tiêu chí 4."),
    ("new_callee_call_share", "Giá trị tiêu chí 5."),
    ("score", "Chỉ số cuộc gọi rác cao nhất trong tuần."),
    ("matched_reporters", "Số người phản ánh khớp nhiều nhất trong một ngày của tuần."),
    ("survey_yes", "Số câu trả lời khảo sát nhiều nhất cho rằng là cuộc gọi rác."),
    ("survey_no", "Số câu trả lời khảo sát nhiều nhất cho rằng không phải cuộc gọi rác."),
    ("case_id", "Mã hồ sơ."),
    (
        "carrier",
        "Doanh nghiệp viễn thông đang phục vụ số đã chuyển khỏi mạng được phân bổ dải số; để trống với các số khác.",
    ),
    (
        "action",
        "Biện pháp yêu cầu mạng thực hiện theo quyết định: bar_outgoing là chặn chiều gọi đi, bar_both là chặn hai \
         chiều, bar_incoming_from là chặn chiều gọi đến từ số đó; để trống nếu không yêu cầu.",
    ),
    ("action_day", "Ngày bắt đầu có quyết định."),
    (
        "types",
        "Loại hành vi phát hiện trong tuần, nối bằng dấu +: telemarketing là gọi quảng cáo, robocall là gọi tự động, \
         one_ring là nháy máy, impersonation là mạo danh, debt_harassment là quấy rối đòi nợ, sim_box là gọi qua SIM \
         box, spoofed_number là giả mạo số, bulk_registration là đăng ký SIM hàng loạt; để trống nếu không có.",
    ),
    (
        "calls_before_flag",
        "Số cuộc gọi đi trong bốn tuần trước và trong tuần, đến hết ngày bị gắn cờ; để trống nếu bị gắn cờ từ tuần \
         trước.",
    ),
    ("rules", "Mã băm của bộ quy tắc đã dùng để quyết định."),
    (
        "appeal",
        "Khiếu nại gần nhất kể từ khi bị gắn cờ, theo tình trạng cuối tuần: open là đang xử lý, rejected là không được \
         chấp nhận, overturned là được chấp nhận; để trống nếu không có.",
    ),
    (
        "scam_forms",
        "Hình thức lừa đảo mà các phản ánh khớp nêu trong tuần và 13 ngày trước đó, nối bằng dấu +; để trống nếu không \
         phản ánh nào nêu, và ở các dòng có trước khi có cột này.",
    ),
    (
        "provinces",
        "Tỉnh, thành phố (tên từ tháng 7 năm 2025) mà ít nhất hai người có phản ánh khớp trong cùng thời gian tự khai, \
         nối bằng dấu +. Chỉ biểu mẫu trên web hoặc ứng dụng mới hỏi; tin nhắn và cuộc gọi đến 156 không có. Để trống \
         nếu không rõ, và ở các dòng có trước khi có cột này.",
    ),
    (
        "matched_call_reporters",
        "Số người có phản ánh khớp trong cùng thời gian về cuộc gọi rác (V); người gửi nhiều loại được tính ở mỗi \
         loại; để trống ở các dòng có trước khi có cột này.",
    ),
    ("matched_sms_reporters", "Như trên, về tin nhắn rác (S)."),
    ("matched_scam_reporters", "Như trên, về cuộc gọi có dấu hiệu lừa đảo (LD)."),
    (
        "frequency_peers_below_share",
        "Tiêu chí 1, tần suất: tỷ lệ số khác có giá trị thấp hơn, trong các số có giá trị này và được cùng thẻ điểm \
         chấm vào ngày có chỉ số cao nhất, đến bốn chữ số thập phân; để trống nếu không có chỉ số, không có giá trị \
         hoặc không có số khác, và ở các dòng có trước khi có cột này.",
    ),
    ("behaviour_peers_below_share", "Như trên, tiêu chí 2, đặc điểm hành vi."),
    ("short_call_peers_below_share", "Như trên, tiêu chí 3, cuộc gọi có thời gian liên lạc ngắn."),
    ("short_gap_peers_below_share", "Như trên, tiêu chí 4, thời gian giữa các cuộc gọi ngắn."),
    ("stranger_peers_below_share", "Như trên, tiêu chí 5, gọi cho thuê bao không có mối quan hệ."),
];

/// Words of the tables and of the figures, as people read them beside a bar or in a cell.
const LABELS: &[Words] = &[
    ("all", "tất cả"),
    ("for the first time", "lần đầu trong tuần"),
    ("in a week before", "từ các tuần trước"),
    ("none", "không có"),
    ("unknown", "không rõ"),
    ("others", "còn lại"),
    ("other", "khác"),
    ("no range of Vietnam", "không thuộc dải số Việt Nam"),
    ("1 to 9", "1 đến 9"),
    ("10 to 99", "10 đến 99"),
    ("100 to 999", "100 đến 999"),
    ("1000 and more", "1000 trở lên"),
    ("survey", "khảo sát"),
    ("limited", "hạn chế"),
    ("blocked", "chặn"),
    ("released", "đã gỡ chặn"),
    ("clear", "đã bỏ gắn cờ"),
    ("watched", "theo dõi"),
    ("bar_outgoing", "chặn chiều gọi đi"),
    ("bar_both", "chặn hai chiều"),
    ("bar_incoming_from", "chặn chiều gọi đến"),
    ("open", "đang xử lý"),
    ("rejected", "không được chấp nhận"),
    ("overturned", "được chấp nhận"),
    ("telemarketing", "gọi quảng cáo"),
    ("robocall", "gọi tự động"),
    ("one_ring", "nháy máy"),
    ("impersonation", "mạo danh"),
    ("debt_harassment", "quấy rối đòi nợ"),
    ("sim_box", "gọi qua SIM box"),
    ("spoofed_number", "giả mạo số"),
    ("bulk_registration", "đăng ký SIM hàng loạt"),
    ("behaviour", "hành vi"),
    ("report", "phản ánh"),
    ("registration", "đăng ký"),
    ("prepaid", "trả trước"),
    ("postpaid", "trả sau"),
    ("enterprise", "doanh nghiệp"),
    ("offnet", "ngoại mạng"),
    ("flagged", "bị gắn cờ"),
    ("top", "cao nhất"),
    ("high", "cao"),
    ("low", "thấp"),
    ("unscored", "không có chỉ số"),
    ("control", "đối chứng"),
];

/// What happened to a row of an earlier week.
const CHANGES: [Words; 3] = [("added", "số thêm mới"), ("changed", "số thay đổi"), ("withdrawn", "số rút lại")];

/// What a column means; a column of the contract without a Vietnamese meaning fails a test here.
pub fn meaning<'a>(lang: Lang, column: &str, doc: &'a str) -> &'a str {
    let vi = MEANINGS.iter().find(|(name, _)| *name == column).map(|(_, meaning)| *meaning);
    lang.of(doc, vi.unwrap_or(doc))
}

/// A word of the tables, or several joined by +; in English as it stands, as is one that is not known: a name.
pub fn label(lang: Lang, text: &str) -> Cow<'_, str> {
    let known = |word: &str| LABELS.iter().find(|(en, _)| *en == word).map(|(_, vi)| *vi);
    match lang {
        Lang::En => Cow::Borrowed(text),
        Lang::Vi => {
            let words: Vec<&str> = text.split('+').map(|word| known(word).unwrap_or(word)).collect();
            Cow::Owned(words.join("+"))
        }
    }
}

/// What happened to a row of an earlier week.
pub fn change(lang: Lang, word: &'static str) -> &'static str {
    CHANGES.into_iter().find(|(en, _)| *en == word).map_or(word, |words| lang.say(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::contract::Table;

    #[test]
    fn every_column_has_its_meaning_in_both_languages() {
        let columns: Vec<&str> =
            Table::REGULATOR_WEEK.contract().columns.iter().map(|column| column.name.as_str()).collect();
        let told: Vec<&str> = MEANINGS.iter().map(|(name, _)| *name).collect();
        assert_eq!(told, columns, "columns of MEANINGS (left) are not those of schemas/table/regulator_week.toml");
        assert_eq!(meaning(Lang::En, "score", "Highest."), "Highest.");
        assert_eq!(meaning(Lang::Vi, "score", "Highest."), "Chỉ số cuộc gọi rác cao nhất trong tuần.");
    }

    #[test]
    fn every_word_that_a_column_has_is_told_in_vietnamese() {
        // A word that is counted, and shown beside a bar, stands in the meaning of its column as well.
        for (column, words) in [
            ("verdict", "survey limited blocked released watched clear"),
            ("action", "bar_outgoing bar_both bar_incoming_from"),
            ("segment", "prepaid postpaid enterprise offnet unknown"),
            ("evidence", "behaviour survey report registration"),
            ("appeal", "open rejected overturned"),
            (
                "types",
                "telemarketing robocall one_ring impersonation debt_harassment sim_box spoofed_number \
                 bulk_registration",
            ),
        ] {
            for word in words.split(' ') {
                assert!(meaning(Lang::Vi, column, "").contains(&format!("{word} là ")), "{column}: {word}");
                assert_ne!(label(Lang::Vi, word), word);
            }
        }
    }

    #[test]
    fn no_text_lacks_its_other_language() {
        assert!(LABELS.iter().chain(&CHANGES).all(|(en, vi)| !en.is_empty() && !vi.is_empty() && en != vi));
        assert!(MEANINGS.iter().all(|(_, vi)| vi.ends_with('.')));
        let mut words: Vec<&str> = LABELS.iter().map(|(en, _)| *en).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), LABELS.len(), "a word has two labels");
    }

    #[test]
    fn marks_are_composed_as_keyboards_write_them() {
        let marks = include_str!("glossary.rs").chars().filter(|letter| ('\u{300}'..='\u{36f}').contains(letter));
        assert_eq!(marks.count(), 0, "a letter and its mark are two characters: write them in NFC");
    }

    #[test]
    fn joined_words_are_told_one_by_one_and_names_stay() {
        assert_eq!(label(Lang::Vi, "behaviour+report"), "hành vi+phản ánh");
        assert_eq!(label(Lang::Vi, "MobiFone"), "MobiFone");
        assert_eq!(label(Lang::En, "behaviour+report"), "behaviour+report");
    }
}
