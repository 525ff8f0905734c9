//! What a detection was found by, in Vietnamese.
//!
//! In: the words of `detection_day`, which are English with figures among them. Out: the same figures among Vietnamese
//! words. Never: a figure of its own; words that it does not know are shown as they stand.

use std::borrow::Cow;

use crate::domain::lang::{Lang, Words};

/// What the definitions of `detection_day` and `detection_group` write, with `{}` for each figure, and the same in
/// Vietnamese with the figures by their numbers. One that may have more behind it is two texts.
const TEXTS: [Words; 13] = [
    (
        "{} calls to {} parties, {} never in contact before; {} answered, {} outside advertising hours; {} called \
         back; in a week {} calls made and {} received",
        "{0} cuộc gọi đến {1} số, {2} số chưa từng liên lạc; {3} cuộc được trả lời, {4} cuộc ngoài khung giờ được \
         quảng cáo; {5} số gọi lại; trong tuần có {6} cuộc gọi đi và {7} cuộc gọi đến",
    ),
    (
        "{} calls, one each {} s give or take {}; talks of {} s give or take {}; {} to the next number, {} before the \
         last had ended",
        "{0} cuộc gọi, cứ {1} giây một cuộc, lệch {2} giây; mỗi cuộc nói chuyện {3} giây, lệch {4} giây; {5} cuộc đến \
         số liền sau, {6} cuộc bắt đầu khi cuộc trước chưa kết thúc",
    ),
    (
        "{} of {} calls rang once; {} answered, {} of {} parties called back",
        "{0} trên {1} cuộc gọi chỉ đổ chuông một lần; {2} cuộc được trả lời, {3} trên {4} số gọi lại",
    ),
    (
        "{} people whom it had called reported a scam, {} reported it at all; asked, {} said yes and {} no; {} calls \
         in the week",
        "{0} người từng được số này gọi báo là lừa đảo, tổng cộng {1} người phản ánh; khi được hỏi, {2} người trả lời \
         có và {3} người trả lời không; {4} cuộc gọi trong tuần",
    ),
    (
        "{} people whom it had called reported a scam, {} reported it at all; asked, {} said yes and {} no; {} calls \
         in the week, as a telemarketer or a robot makes them",
        "{0} người từng được số này gọi báo là lừa đảo, tổng cộng {1} người phản ánh; khi được hỏi, {2} người trả lời \
         có và {3} người trả lời không; {4} cuộc gọi trong tuần, theo cách của người gọi quảng cáo hoặc máy gọi tự \
         động",
    ),
    (
        "{} of {} calls that came in showed what cannot come by a trunk of kind {}, as {} callers; {} calls showed \
         our own numbers, {} fixed lines, {} agencies, {} numbers nobody holds",
        "{0} trên {1} cuộc gọi đến mang số không thể đi qua trung kế loại {2}, dưới {3} số gọi; {4} cuộc mang số của \
         chính mạng này, {5} cuộc mang số cố định, {6} cuộc mang số của cơ quan, {7} cuộc mang số chưa cấp cho ai",
    ),
    (
        "{} numbers called one party for the first time, on {} days, {} times; {} of them from one handset, {} out of \
         one block; {} of the last day's {} calls unanswered or short",
        "{0} số gọi lần đầu đến cùng một người, trong {1} ngày, {2} cuộc; {3} số trong đó từ cùng một máy, {4} số \
         thuộc cùng một dải số; {5} trên {6} cuộc gọi của ngày cuối không được trả lời hoặc rất ngắn",
    ),
    (
        "{} numbers called one party for the first time, on {} days, {} times; {} of them from one handset, {} out of \
         one block; {} of the last day's {} calls unanswered or short; {} called {} times, seldom answered",
        "{0} số gọi lần đầu đến cùng một người, trong {1} ngày, {2} cuộc; {3} số trong đó từ cùng một máy, {4} số \
         thuộc cùng một dải số; {5} trên {6} cuộc gọi của ngày cuối không được trả lời hoặc rất ngắn; {7} số gọi {8} \
         cuộc, hiếm khi được trả lời",
    ),
    (
        "{} numbers called from one handset, from {} cells: {} calls to {} numbers; {} calls came to them",
        "{0} số gọi từ cùng một máy, tại {1} trạm phát sóng: {2} cuộc gọi đến {3} số; {4} cuộc gọi đến các số này",
    ),
    (
        "{} subscriptions on one identity, {} of late by {} dealers",
        "{0} thuê bao đứng tên cùng một giấy tờ, {1} thuê bao mới kích hoạt gần đây tại {2} đại lý",
    ),
    (
        "{} activations by one dealer in one hour, on {} identities; {} in a usual hour",
        "{0} lượt kích hoạt tại một đại lý trong một giờ, trên {1} giấy tờ; bình thường {2} lượt mỗi giờ",
    ),
    (
        "{} numbers of one block called, {} activated of late; {} of {} called parties called by several of them",
        "{0} số của cùng một dải số đã gọi, {1} số mới kích hoạt gần đây; {2} trên {3} số được gọi nhận cuộc gọi từ \
         nhiều số trong dải",
    ),
    (
        "{} activations by one dealer in a day, {} on {} identities",
        "{0} lượt kích hoạt tại một đại lý trong một ngày, {1} lượt trên {2} giấy tờ",
    ),
];

/// Why a number was found.
pub fn reason(lang: Lang, words: &str) -> Cow<'_, str> {
    let told = TEXTS.iter().find_map(|(en, vi)| Some((figures(en, words)?, *vi)));
    match (lang, told) {
        (Lang::Vi, Some((figures, vi))) => {
            let put = |text: String, (place, figure): (usize, &&str)| text.replace(&format!("{{{place}}}"), figure);
            Cow::Owned(figures.iter().enumerate().fold(vi.to_owned(), put))
        }
        _ => Cow::Borrowed(words),
    }
}

/// The figures of a text, in their order; nothing when it is another text.
fn figures<'a>(text: &str, words: &'a str) -> Option<Vec<&'a str>> {
    let mut pieces = text.split("{}");
    let mut rest = words.strip_prefix(pieces.next()?)?;
    let mut figures = Vec::new();
    for piece in pieces {
        let (figure, behind) = if piece.is_empty() { (rest, "") } else { rest.split_once(piece)? };
        if figure.is_empty() || figure.contains(' ') {
            return None;
        }
        figures.push(figure);
        rest = behind;
    }
    rest.is_empty().then_some(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFINITIONS: [&str; 2] = [
        include_str!("../../pipelines/score/detection_day.sql"),
        include_str!("../../pipelines/score/detection_group.sql"),
    ];

    /// The literals of each expression that makes a reason, put together.
    fn written(sql: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (end, _) in sql.match_indices(") AS reason") {
            let mut depth = 0;
            let opened = sql[..=end].char_indices().rev().find(|(_, letter)| {
                depth += i32::from(*letter == ')') - i32::from(*letter == '(');
                depth == 0
            });
            let expression = sql[opened.unwrap().0..end].replace("''", "’");
            let literals: String = expression.split('\'').skip(1).step_by(2).collect();
            found.push(literals.replace('’', "'"));
        }
        // What puts an empty text where there is none.
        found.retain(|literals| !literals.is_empty());
        found
    }

    #[test]
    fn every_reason_that_a_definition_writes_is_told_in_vietnamese() {
        let all: Vec<String> = DEFINITIONS.into_iter().flat_map(written).collect();
        assert_eq!(all.len(), 12, "{all:?}");
        for literals in all {
            let is_told = TEXTS.iter().any(|(en, _)| en.replace("{}", "").ends_with(literals.as_str()));
            assert!(is_told, "TEXTS lacks {literals:?}");
        }
    }

    #[test]
    fn each_figure_has_its_place_in_vietnamese() {
        for (en, vi) in TEXTS {
            let count = en.matches("{}").count();
            assert!((0..count).all(|place| vi.matches(&format!("{{{place}}}")).count() == 1), "{vi}");
            assert_eq!(vi.matches('{').count(), count, "{vi}");
        }
    }

    #[test]
    fn marks_are_composed_as_keyboards_write_them() {
        let marks = include_str!("reason.rs").chars().filter(|letter| ('\u{300}'..='\u{36f}').contains(letter));
        assert_eq!(marks.count(), 0, "a letter and its mark are two characters: write them in NFC");
    }

    #[test]
    fn figures_stay_and_words_change() {
        let one_ring = "380 of 400 calls rang once; 4 answered, 31 of 399 parties called back";
        assert_eq!(
            reason(Lang::Vi, one_ring),
            "380 trên 400 cuộc gọi chỉ đổ chuông một lần; 4 cuộc được trả lời, 31 trên 399 số gọi lại"
        );
        assert_eq!(reason(Lang::En, one_ring), one_ring);
        let victim = "9 numbers called one party for the first time, on 2 days, 40 times; 8 of them from one handset, \
             0 out of one block; 20 of the last day's 22 calls unanswered or short";
        let told = reason(Lang::Vi, victim);
        // "Số lần" would read as how often.
        assert!(told.starts_with("9 số gọi lần đầu đến") && told.ends_with("không được trả lời hoặc rất ngắn"));
        let pressed = format!("{victim}; 2 called 17 times, seldom answered");
        assert!(reason(Lang::Vi, &pressed).ends_with("; 2 số gọi 17 cuộc, hiếm khi được trả lời"));
        for other in ["", "9 numbers", "a word of later rules 3"] {
            assert_eq!(reason(Lang::Vi, other), other);
        }
    }
}
