//! The words of the regulator's package, in English and in Vietnamese.
//!
//! In: nothing, or a word of the tables. Out: texts of its page and of the sheets that people read, side by side. Never:
//! a name of a column, of a file or of a JSON key, which programs read and which are the same in both.
//!
//! The five criteria have the names of Thông tư 22/2021/TT-BTTTT Art. 4; all other words are ours.

use std::borrow::Cow;

use crate::domain::lang::{Lang, Words};

/// Of the page, and of the workbook's sheet that is read first.
pub const TITLE: Words = ("Flagged numbers", "Danh sách số bị gắn cờ");
/// The sheet that is read first, and that of the figures: the others hold what CSV files hold, and have their names.
pub const READ_ME: Words = ("read me", "hướng dẫn đọc");
pub const FIGURES: Words = ("figures", "số liệu");

/// Headings.
pub const NUMBERS_OF_A_WEEK: Words = ("Flagged numbers of a week", "Danh sách số bị gắn cờ trong tuần");
pub const COLUMNS: Words = ("Columns", "Các cột dữ liệu");
pub const FILES: Words = ("Files", "Các tệp");
pub const NOT_HELD: Words = ("Not held", "Dữ liệu không có");
pub const CORRECTIONS: Words = ("Corrections", "Đính chính");
pub const PRECISION: Words = ("Measured precision", "Độ chính xác đo được");
pub const INPUT: Words = ("Input", "Dữ liệu đầu vào");
pub const REPORTS_BY_FORM: Words = ("Reports by form of fraud", "Phản ánh theo hình thức lừa đảo");

/// Facts about the package.
pub const RECIPIENT: Words = ("Recipient", "Nơi nhận");
pub const WEEK: Words = ("Week", "Tuần");
pub const SEQUENCE: Words = ("Sequence", "Số thứ tự");
pub const SUPERSEDES: Words = ("Takes the place of", "Thay thế");
pub const FOLLOWS: Words = ("Follows", "Báo cáo liền trước");
pub const COMPUTED: Words = ("Computed", "Thời điểm tính (UTC)");
pub const NUMBERS: Words = ("Numbers", "Số lượng số bị gắn cờ");
pub const PACKAGE: Words = ("package", "báo cáo số");
pub const MANIFEST: Words = ("manifest", "tệp kê khai");
pub const TO: Words = ("to", "đến");

/// Both weeks of a figure.
pub const THIS_WEEK: Words = ("this week", "tuần này");
pub const WEEK_BEFORE: Words = ("week before", "tuần trước");

/// Charts, each with its title and how to read it.
pub const ALL: [Words; 2] = [
    ("Flagged numbers", "Số bị gắn cờ"),
    ("A number stays listed while its verdict holds.", "Một số còn trong danh sách khi quyết định còn hiệu lực."),
];
pub const BY_VERDICT: [Words; 2] = [
    ("Flagged numbers by verdict", "Số bị gắn cờ theo quyết định"),
    (
        "The verdict on the last day of the week that has one.",
        "Quyết định vào ngày cuối cùng trong tuần có quyết định.",
    ),
];
pub const BY_ACTION: [Words; 2] = [
    ("Flagged numbers by action", "Số bị gắn cờ theo biện pháp"),
    (
        "What the network was asked for; the verdict says why.",
        "Biện pháp yêu cầu mạng thực hiện; quyết định nêu lý do.",
    ),
];
pub const BY_APPEAL: [Words; 2] = [
    ("Flagged numbers by appeal", "Số bị gắn cờ theo khiếu nại"),
    (
        "The last since the flag, as it stood at the end of the week.",
        "Khiếu nại gần nhất kể từ khi bị gắn cờ, theo tình trạng cuối tuần.",
    ),
];
pub const BY_TYPE: [Words; 2] = [
    ("Flagged numbers by type", "Số bị gắn cờ theo loại hành vi"),
    (
        "A number may be of several types, and is counted in each.",
        "Một số có thể thuộc nhiều loại và được tính ở mỗi loại.",
    ),
];
pub const BY_FORM: [Words; 2] = [
    ("Flagged numbers by scam form", "Số bị gắn cờ theo hình thức lừa đảo"),
    (
        "What matched reports of the number tell; it is counted in each form.",
        "Hình thức mà các phản ánh khớp về số đó nêu; số được tính ở mỗi hình thức.",
    ),
];
pub const BY_PROVINCE: [Words; 2] = [
    ("Flagged numbers by province", "Số bị gắn cờ theo tỉnh, thành phố"),
    (
        "Where at least two people are who reported it, as forms of the web ask; texts and calls say none.",
        "Nơi mà ít nhất hai người phản ánh số đó tự khai trong biểu mẫu trên web; tin nhắn và cuộc gọi không có thông \
         tin này.",
    ),
];
pub const BY_EVIDENCE: [Words; 2] = [
    ("Flagged numbers by evidence", "Số bị gắn cờ theo bằng chứng"),
    ("Which independent origins spoke against the number.", "Các nguồn bằng chứng độc lập đối với số đó."),
];
pub const BY_OPERATOR: [Words; 2] = [
    ("Flagged numbers by operator", "Số bị gắn cờ theo doanh nghiệp viễn thông"),
    ("Who holds the number's range.", "Doanh nghiệp được phân bổ dải số."),
];
pub const BY_SEGMENT: [Words; 2] = [
    ("Flagged numbers by segment", "Số bị gắn cờ theo loại thuê bao"),
    ("Another operator's numbers are offnet.", "Số của doanh nghiệp khác là ngoại mạng."),
];
pub const BY_CALLS: [Words; 2] = [
    ("Calls before the flag", "Số cuộc gọi trước khi bị gắn cờ"),
    ("Of numbers flagged for the first time in the week.", "Của các số bị gắn cờ lần đầu trong tuần."),
];

/// What is said in place of a share that nobody knows.
pub const NOT_MEASURED: Words = ("not yet measured", "chưa đo");

pub const PRECISION_NOTE: Words = (
    "How many of a week's newly flagged are spam, as reviewers found of a random draw; in brackets the 95 % interval.",
    "Trong các số mới bị gắn cờ trong tuần, tỷ lệ đúng là phát tán cuộc gọi rác theo kết quả rà soát một mẫu chọn ngẫu \
     nhiên; trong ngoặc là khoảng tin cậy 95 %.",
);
/// Heads of its table: texts, then figures.
pub const PRECISION_TEXTS: [Words; 4] =
    [("week", "tuần"), ("rules", "phiên bản quy tắc"), ("segment", "loại thuê bao"), ("band", "nhóm chỉ số")];
pub const PRECISION_FIGURES: [Words; 4] = [
    ("numbers", "số bị gắn cờ"),
    ("reviewed", "đã rà soát"),
    ("confirmed", "đúng là rác"),
    ("precision", "độ chính xác"),
];

pub const INPUT_NOTE: Words = (
    "Every offset between the week's first record and its last was counted once: offsets = rows + rejects + no body + \
     gaps.",
    "Mỗi vị trí (offset) từ bản ghi đầu tiên đến bản ghi cuối cùng của tuần được tính đúng một lần: vị trí = hợp lệ + \
     bị loại + không có nội dung + khoảng trống.",
);
/// Heads of its table: the text, then the figures.
pub const INPUT_TEXT: Words = ("topic", "luồng dữ liệu");
pub const INPUT_FIGURES: [Words; 7] = [
    ("offsets", "vị trí"),
    ("rows", "hợp lệ"),
    ("rejects", "bị loại"),
    ("no body", "không có nội dung"),
    ("gaps", "khoảng trống"),
    ("given up", "chấp nhận mất"),
    ("of the week", "thuộc tuần này"),
];

pub const NOT_CORRECTED: Words = (
    "Nothing has changed in the weeks that earlier packages told of.",
    "Không có thay đổi nào trong các tuần đã báo cáo trước đây.",
);
/// Before and behind how many were added, changed and withdrawn.
pub const CORRECTED: (Words, Words) = (
    ("In weeks that earlier packages told of", "Trong các tuần đã báo cáo trước đây"),
    ("corrections.csv names them", "Chi tiết trong corrections.csv"),
);

pub const TOO_FEW_REPORTS: Words = (
    "Too few reports to tell, or the week's were not counted.",
    "Quá ít phản ánh để nêu, hoặc phản ánh của tuần chưa được thống kê.",
);
/// Before and behind the least count that is told.
pub const TREND_NOTE: (Words, Words) = (
    (
        "Reports of all channels by the form of fraud that they tell; none are those that tell of no form. Counts \
         below",
        "Phản ánh qua mọi kênh theo hình thức lừa đảo được nêu; \"chưa rõ hình thức\" là phản ánh không nêu hình thức \
         nào. Số lượng dưới",
    ),
    (
        "are hidden or merged; trends.csv has them by province as well, which web forms alone ask for.",
        "được ẩn hoặc gộp; trends.csv có cả số liệu theo tỉnh, thành phố, là thông tin chỉ biểu mẫu trên web mới hỏi.",
    ),
);
pub const FORM: Words = ("form", "hình thức");
/// Forms without a title of their own.
pub const UNTITLED: [Words; 2] = [("none", "chưa rõ hình thức"), ("other", "hình thức khác")];

/// What nobody should look for.
pub const NOT_HELD_NOTE: Words = (
    "Where a subscriber lives or a cell stands is in no table that this package is made from: the province of a number \
     is what at least two people who reported it said of themselves in a form. A number that no matched report tells \
     of is counted as unknown by form of scam and by province. An appeal that was made or closed after the week is \
     told with the next package that corrects it.",
    "Nơi cư trú của thuê bao và vị trí trạm thu phát sóng không có trong các bảng dùng để lập báo cáo này: tỉnh, thành \
     phố của một số là nơi mà ít nhất hai người phản ánh số đó tự khai trong biểu mẫu. Số không có phản ánh khớp nào \
     được tính là không rõ hình thức lừa đảo và không rõ tỉnh, thành phố. Khiếu nại được gửi hoặc giải quyết sau khi \
     hết tuần được nêu trong báo cáo kế tiếp có đính chính tuần đó.",
);

/// The files beside page and workbook.
pub const FILE_NOTES: [(&str, Words); 5] = [
    ("numbers.csv", ("every number flagged in the week, one a line", "mọi số bị gắn cờ trong tuần, mỗi dòng một số")),
    (
        "corrections.csv",
        (
            "what has changed in weeks that an earlier package told of: added, withdrawn or changed",
            "thay đổi trong các tuần đã báo cáo trước đây: added là thêm mới, withdrawn là rút lại, changed là thay \
             đổi",
        ),
    ),
    (
        "coverage.csv",
        (
            "every range of input offsets that the week's records came from, and what became of it",
            "mọi khoảng vị trí (offset) của dữ liệu đầu vào trong tuần và kết quả xử lý của từng khoảng",
        ),
    ),
    (
        "trends.csv",
        (
            "reports of the week by form of fraud and province, by form beside the week before; small counts are \
             hidden",
            "phản ánh trong tuần theo hình thức lừa đảo và tỉnh, thành phố; theo hình thức có so với tuần trước; số \
             lượng nhỏ được ẩn",
        ),
    ),
    (
        "manifest.json",
        (
            "hashes, row counts, table versions and definitions; SHA256SUMS covers it, and is signed",
            "mã băm, số dòng, phiên bản bảng dữ liệu và phiên bản quy tắc; được SHA256SUMS bao gồm, và SHA256SUMS được \
             ký số",
        ),
    ),
];

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
        let marks = include_str!("wording.rs").chars().filter(|letter| ('\u{300}'..='\u{36f}').contains(letter));
        assert_eq!(marks.count(), 0, "a letter and its mark are two characters: write them in NFC");
    }

    #[test]
    fn joined_words_are_told_one_by_one_and_names_stay() {
        assert_eq!(label(Lang::Vi, "behaviour+report"), "hành vi+phản ánh");
        assert_eq!(label(Lang::Vi, "MobiFone"), "MobiFone");
        assert_eq!(label(Lang::En, "behaviour+report"), "behaviour+report");
    }
}
