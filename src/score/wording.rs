//! The words of an explanation, in English and in Vietnamese.
//!
//! In: words of the tables, numbers and bounds. Out: what people read. Never: a characteristic's name, which stands beside
//! the card in `pipelines/score`; a word that it does not know is shown as it stands.
//!
//! The five criteria have the names of Thông tư 22/2021/TT-BTTTT Art. 4; all other words are ours.

use serde::{Deserialize, Serialize};

use crate::domain::lang::{Lang, Words};

/// Why a trained card gives its points.
pub const TRAINED: Words = (
    "Trained: its points are what the labels say, given all other characteristics.",
    "Được huấn luyện: điểm theo nhãn của dữ liệu, khi đã xét mọi đặc trưng khác.",
);
/// Why it has a base.
pub const AVERAGE: Words = (
    "What the average row has; all other points are told against it.",
    "Mức của trường hợp trung bình; mọi điểm khác được tính so với mức này.",
);

/// What a characteristic is called, in each language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    /// In English.
    pub en: String,
    /// In Vietnamese.
    pub vi: String,
}

impl Name {
    /// In one of them.
    pub fn of(&self, lang: Lang) -> &str {
        lang.of(&self.en, &self.vi)
    }
}

/// A component of a score: one of the five criteria, or what lies outside them.
pub fn criterion(lang: Lang, word: &str) -> &str {
    let (en, vi) = match word {
        "frequency" => ("1 frequency: calls made in a period", "1 tần suất"),
        "behaviour" => ("2 behaviour: mainly outgoing, no messages either way", "2 đặc điểm hành vi"),
        "short_call" => ("3 share of short calls in all calls", "3 tỷ lệ cuộc gọi có thời gian liên lạc ngắn"),
        "short_gap" => ("4 share of short gaps between calls", "4 tỷ lệ cuộc gọi có thời gian giữa các cuộc gọi ngắn"),
        "stranger" => (
            "5 share of calls to numbers never called before",
            "5 tỷ lệ gọi cho thuê bao không có mối quan hệ (chưa từng gọi trước đây)",
        ),
        "complaint" => ("what people report", "phản ánh của người dân"),
        "support" => ("outside the five criteria", "ngoài năm tiêu chí"),
        other => (other, other),
    };
    lang.of(en, vi)
}

/// Why a card gives its points: in Vietnamese as the card has it, or as it is said of trained ones.
pub fn why<'a>(lang: Lang, why: &'a str, why_vi: Option<&'a str>) -> &'a str {
    let trained = [TRAINED, AVERAGE].into_iter().find(|(en, _)| *en == why).map(|(_, vi)| vi);
    lang.of(why, why_vi.or(trained).unwrap_or(why))
}

/// What a number was found at, by type, joined by +; in Vietnamese with the words of the tables beside it.
pub fn detections(lang: Lang, words: &str) -> String {
    let told = |word: &str| {
        let vi = match word {
            "telemarketing" => "gọi quảng cáo",
            "robocall" => "gọi tự động",
            "one_ring" => "nháy máy",
            "impersonation" => "mạo danh",
            "debt_harassment" => "quấy rối đòi nợ",
            "sim_box" => "gọi qua SIM box",
            "spoofed_number" => "giả mạo số",
            "bulk_registration" => "đăng ký SIM hàng loạt",
            _ => return word.to_owned(),
        };
        format!("{vi} ({word})")
    };
    match lang {
        Lang::En => words.to_owned(),
        Lang::Vi => words.split('+').map(told).collect::<Vec<_>>().join(", "),
    }
}

/// A verdict; in Vietnamese with the word of the tables beside it.
pub fn verdict(lang: Lang, word: &str) -> String {
    let vi = match word {
        "clear" => "không bị gắn cờ",
        "released" => "đã gỡ chặn",
        "watched" => "theo dõi",
        "survey" => "khảo sát người được gọi",
        "limited" => "hạn chế",
        "blocked" => "chặn hai chiều",
        _ => return word.to_owned(),
    };
    lang.of(word.to_owned(), format!("{vi} ({word})"))
}

/// Why a verdict is what it is.
pub fn cause(lang: Lang, word: &str) -> &str {
    let vi = match word {
        "evidence" => "có bằng chứng",
        "no_new_evidence" => "giữ nguyên, không có bằng chứng mới",
        "not_confirmed" => "dữ liệu cả ngày không xác nhận",
        "expired" => "đã hết hạn",
        "denied" => "phần lớn người được hỏi nói không phải cuộc gọi rác",
        "allow_listed" => "trong danh sách cho phép",
        "special_number" => "số đặc biệt hoặc tên định danh",
        "budget_spent" => "đã hết hạn mức trong ngày",
        "no_budget" => "nhóm thuê bao không có hạn mức chặn",
        "subscription_ended" => "thuê bao đã kết thúc",
        "one_origin" => "chỉ có một nguồn bằng chứng",
        "carrier_locked" => "nhà mạng đã tự khoá thuê bao",
        "input_open" => "dữ liệu trong ngày chưa đủ",
        "staged" => "chặn từ ngày hôm sau, sau nhóm thử đầu tiên",
        "stopped" => "tạm dừng vì quá nhiều khiếu nại được chấp nhận hoặc quá hạn trả lời",
        "appeal_open" => "khiếu nại đang chờ trả lời",
        "review_pending" => "chờ người duyệt xác nhận",
        "dismissed" => "người duyệt bác bỏ bằng chứng",
        "overturned" => "khiếu nại được chấp nhận",
        "released" => "được gỡ theo quyết định của người có thẩm quyền",
        other => other,
    };
    lang.of(word, vi)
}

/// What somebody of the desk said of a number.
pub fn said(lang: Lang, word: &str) -> &str {
    let vi = match word {
        "confirmed" => "xác nhận bằng chứng",
        "dismissed" => "bác bỏ bằng chứng",
        "appealed" => "nhận khiếu nại",
        "rejected" => "không chấp nhận khiếu nại",
        "overturned" => "chấp nhận khiếu nại",
        "released" => "gỡ chặn",
        other => other,
    };
    lang.of(word, vi)
}

/// What a report was found to be, against the calls and messages that were.
pub fn checked(lang: Lang, word: &str) -> &str {
    let vi = match word {
        "matched" => "khớp",
        "false_number" => "số bị giả mạo, không phải của thuê bao",
        "former_holder" => "về chủ trước của số",
        "not_here_yet" => "chưa đủ dữ liệu",
        "unseen" => "ngoài mạng, không kiểm tra được",
        "other_direction" => "người phản ánh liên lạc trước",
        "outside_window" => "ngoài thời hạn",
        "no_such_call" => "không có cuộc gọi hoặc tin nhắn như vậy",
        other => other,
    };
    lang.of(word, vi)
}

/// Why the operator itself has locked a line.
pub fn lock(lang: Lang, word: &str) -> &str {
    let vi = match word {
        "device" => "đổi thiết bị, chưa xác thực lại",
        "identity" => "chưa xác thực thông tin thuê bao",
        "spam" => "phát tán cuộc gọi hoặc tin nhắn rác",
        "owner" => "theo yêu cầu của chủ thuê bao",
        "debt" => "nợ cước",
        "other" => "lý do khác",
        "unknown" => "lý do không rõ",
        other => other,
    };
    lang.of(word, vi)
}

/// A value with three decimals; Vietnamese writes a comma.
pub fn value(lang: Lang, value: f64) -> String {
    comma(lang, format!("{value:.3}"))
}

/// The bin between two bounds, of which the lower belongs to it.
pub fn bin(lang: Lang, at_least: Option<f64>, below: Option<f64>) -> String {
    let bound = |bound: f64| comma(lang, bound.to_string());
    match (at_least, below) {
        (None, None) => lang.of("any", "bất kỳ").to_owned(),
        (None, Some(below)) => format!("< {}", bound(below)),
        (Some(at_least), Some(below)) => format!("{} {} {}", bound(at_least), lang.of("to", "đến"), bound(below)),
        (Some(at_least), None) => format!(">= {}", bound(at_least)),
    }
}

/// The same for a missing value.
pub fn missing(lang: Lang) -> &'static str {
    lang.of("missing", "không có")
}

/// A share as a percentage.
pub fn percent(lang: Lang, share: f64) -> String {
    comma(lang, format!("{:.1} %", share * 100.0))
}

fn comma(lang: Lang, digits: String) -> String {
    lang.of(digits.clone(), digits.replace('.', ","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::contract::Table;
    use crate::score::card::CRITERIA;

    #[test]
    fn every_criterion_has_words_in_both_languages() {
        for word in CRITERIA {
            assert_ne!(criterion(Lang::En, word), word);
            assert_ne!(criterion(Lang::Vi, word), criterion(Lang::En, word));
        }
    }

    #[test]
    fn what_a_number_was_found_at_is_told_type_by_type() {
        let vi = "gọi tự động (robocall), nháy máy (one_ring), later";
        assert_eq!(detections(Lang::Vi, "robocall+one_ring+later"), vi);
        assert_eq!(detections(Lang::En, "robocall+one_ring"), "robocall+one_ring");
    }

    #[test]
    fn every_word_that_a_table_has_is_told_in_vietnamese() {
        type Told = fn(Lang, &str) -> &str;

        let causes = "evidence no_new_evidence not_confirmed expired denied allow_listed special_number \
             subscription_ended budget_spent no_budget staged stopped one_origin carrier_locked input_open \
             appeal_open review_pending dismissed overturned released";
        let words = "confirmed dismissed appealed rejected overturned released";
        let states =
            "matched false_number former_holder not_here_yet unseen other_direction outside_window no_such_call";
        let tables: [(Table, &str, &str, Told); 3] = [
            (Table::DECISION, "cause", causes, cause),
            (Table::CASE_EVENT, "word", words, said),
            (Table::REPORT_CHECK, "state", states, checked),
        ];
        for (table, column, words, told) in tables {
            let doc = &table.contract().columns.iter().find(|of| of.name == column).unwrap().doc;
            for word in words.split_whitespace() {
                assert!(doc.contains(word), "{table}.{column} knows no {word}");
                assert_ne!(told(Lang::Vi, word), word, "{table}.{column}");
                assert_eq!(told(Lang::En, word), word);
            }
        }
    }

    #[test]
    fn vietnamese_has_a_comma_in_numbers() {
        assert_eq!(bin(Lang::Vi, Some(0.5), Some(0.8)), "0,5 đến 0,8");
        assert_eq!(bin(Lang::En, Some(0.5), None), ">= 0.5");
        assert_eq!(percent(Lang::Vi, 0.995), "99,5 %");
    }
}
