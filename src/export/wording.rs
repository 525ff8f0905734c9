//! The words of the regulator's package, in English and in Vietnamese.
//!
//! In: nothing. Out: texts of its page and of the sheets that people read, side by side. Never: a name of a column, of a
//! file or of a JSON key, which programs read and which are the same in both; a word of the tables, which is of
//! `glossary`.

use crate::domain::lang::Words;

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

#[cfg(test)]
mod tests {
    #[test]
    fn marks_are_composed_as_keyboards_write_them() {
        let marks = include_str!("wording.rs").chars().filter(|letter| ('\u{300}'..='\u{36f}').contains(letter));
        assert_eq!(marks.count(), 0, "a letter and its mark are two characters: write them in NFC");
    }
}
