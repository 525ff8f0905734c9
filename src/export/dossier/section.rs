//! The sections of a dossier: tables of facts, the same in JSON and on the page.
//!
//! In: rows of cells. Out: objects with the columns' names, and cells as people read them in their language.
//! Never: a heading that a law would have to give; the five criteria's names come with the rows.

use serde_json::{Value, json};

use crate::domain::day::{Day, instant, local_instant};
use crate::domain::lang::{Lang, Words};

/// A cell of a section.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing is known.
    Empty,
    /// Text as it stands.
    Text(String),
    /// A word of the tables, and what people read instead.
    Word(String, String),
    /// A count.
    Count(i64),
    /// A value.
    Figure(f64),
    /// A part of a whole.
    Share(f64),
    /// Yes or no.
    Is(bool),
    /// A local day.
    Day(Day),
    /// An instant, UTC microseconds; people read it in Vietnam's time.
    At(i64),
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Cell {
    fn from(count: i64) -> Self {
        Self::Count(count)
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Self::Figure(value)
    }
}

impl From<bool> for Cell {
    fn from(is: bool) -> Self {
        Self::Is(is)
    }
}

impl From<Day> for Cell {
    fn from(day: Day) -> Self {
        Self::Day(day)
    }
}

impl Cell {
    fn json(&self) -> Value {
        match self {
            Self::Empty => Value::Null,
            Self::Text(text) | Self::Word(text, _) => json!(text),
            Self::Count(count) => json!(count),
            Self::Figure(value) | Self::Share(value) => json!(value),
            Self::Is(is) => json!(is),
            Self::Day(day) => json!(day),
            Self::At(micros) => json!(instant(*micros)),
        }
    }

    /// For people.
    pub(super) fn text(&self, lang: Lang) -> String {
        let comma = |digits: String| lang.of(digits.clone(), digits.replace('.', ","));
        match self {
            Self::Empty => String::new(),
            Self::Text(text) | Self::Word(_, text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Figure(value) => comma(format!("{value:.3}")),
            Self::Share(share) => comma(format!("{:.1} %", share * 100.0)),
            Self::Is(is) => if *is { lang.of("yes", "có") } else { lang.of("no", "không") }.to_owned(),
            Self::Day(day) => day.to_string(),
            Self::At(micros) => local_instant(*micros),
        }
    }

    pub(super) fn is_figure(&self) -> bool {
        matches!(self, Self::Count(_) | Self::Figure(_) | Self::Share(_))
    }
}

/// What a section holds.
#[derive(Debug)]
pub struct Kind {
    /// Its name in JSON.
    pub key: &'static str,
    /// Its title.
    pub title: Words,
    /// How to read it.
    pub note: Words,
    /// Names of its columns in JSON, and on the page.
    pub columns: &'static [(&'static str, Words)],
}

/// A section with its rows.
#[derive(Debug)]
pub struct Section {
    /// What it holds.
    pub kind: &'static Kind,
    /// Its rows, each with as many cells as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

impl Section {
    pub(super) fn json(&self) -> Value {
        let row = |cells: &Vec<Cell>| -> Value {
            let names = self.kind.columns.iter().map(|(name, _)| (*name).to_owned());
            Value::Object(names.zip(cells.iter().map(Cell::json)).collect())
        };
        self.rows.iter().map(row).collect()
    }
}

/// The five criteria of Thông tư 22/2021/TT-BTTTT, Art. 4, and what the score counts beside them.
pub const CRITERIA: Kind = Kind {
    key: "criteria",
    title: ("The five criteria", "Năm tiêu chí"),
    note: (
        "Values of the day that is explained, the bin with its thresholds, its points, and how many of all that were \
         judged that day lie below.",
        "Giá trị của ngày được giải thích, khoảng và ngưỡng, số điểm, và tỷ lệ thuê bao được chấm cùng ngày có giá trị \
         thấp hơn.",
    ),
    columns: &[
        ("criterion", ("criterion", "tiêu chí")),
        ("characteristic", ("value of", "đặc trưng")),
        ("value", ("value", "giá trị")),
        ("at_least", ("from", "từ")),
        ("below", ("below", "dưới")),
        ("points", ("points", "điểm")),
        ("peers_below", ("peers below", "số thấp hơn")),
        ("peers", ("peers", "số được so")),
        ("why", ("why", "lý do")),
    ],
};

/// Scores by the day.
pub const SCORES: Kind = Kind {
    key: "scores",
    title: ("Scores", "Chỉ số theo ngày"),
    note: ("One line for each day on which it was judged.", "Mỗi dòng là một ngày được chấm điểm."),
    columns: &[
        ("day", ("day", "ngày")),
        ("score", ("score", "chỉ số")),
        ("points", ("points", "điểm")),
        ("criteria_met", ("criteria met", "số tiêu chí đạt")),
        ("calls_per_active_day", ("1 frequency", "1 tần suất")),
        ("out_share", ("2 behaviour", "2 đặc điểm hành vi")),
        ("short_call_share_all", ("3 short calls", "3 liên lạc ngắn")),
        ("short_gap_share", ("4 short gaps", "4 khoảng cách ngắn")),
        ("new_callee_call_share", ("5 never called before", "5 chưa từng gọi trước đây")),
        ("card", ("scorecard", "thẻ điểm")),
    ],
};

/// What the number did, by the day.
pub const DAYS: Kind = Kind {
    key: "days",
    title: ("Calls and messages by day", "Cuộc gọi và tin nhắn theo ngày"),
    note: (
        "Calls that others made under this number are not among them.",
        "Không tính cuộc gọi do người khác giả mạo số này.",
    ),
    columns: &[
        ("day", ("day", "ngày")),
        ("calls_out", ("calls made", "gọi đi")),
        ("answered_out", ("answered", "được trả lời")),
        ("short_calls", ("short", "ngắn")),
        ("callees", ("called parties", "số được gọi")),
        ("new_callees", ("never in contact before", "chưa từng liên lạc")),
        ("calls_in", ("calls received", "gọi đến")),
        ("sms_sent", ("messages sent", "tin nhắn gửi")),
        ("sms_received", ("messages received", "tin nhắn nhận")),
    ],
};

/// What it was found at.
pub const DETECTIONS: Kind = Kind {
    key: "detections",
    title: ("Detections", "Phát hiện"),
    note: ("What was measured, and what it has reached.", "Giá trị đo được và ngưỡng đã đạt."),
    columns: &[
        ("day", ("day", "ngày")),
        ("type", ("type", "loại")),
        ("measure", ("measure", "giá trị đo")),
        ("threshold", ("threshold", "ngưỡng")),
        ("reason", ("in words", "diễn giải")),
    ],
};

/// How many people reported it.
pub const REPORTED: Kind = Kind {
    key: "reported",
    title: ("Reports held against the calls", "Phản ánh đối chiếu với cuộc gọi"),
    note: (
        "Matched: people whom the number really called or wrote to before they reported it.",
        "Khớp: người phản ánh thực sự đã nhận cuộc gọi hoặc tin nhắn từ số này trước khi phản ánh.",
    ),
    columns: &[
        ("day", ("day", "ngày")),
        ("reports", ("reports", "phản ánh")),
        ("reporters", ("people", "số người")),
        ("matched_reporters", ("matched", "khớp")),
        ("reversed_reporters", ("called it themselves", "tự gọi đến số này")),
        ("scam_reporters", ("matched, of a scam", "khớp, báo lừa đảo")),
    ],
};

/// The reports themselves.
pub const REPORTS: Kind = Kind {
    key: "reports",
    title: ("Reports", "Các phản ánh"),
    note: (
        "All that accuse the number, with what each was found to be: a matched one is evidence, the others are not.",
        "Mọi phản ánh về số này và kết quả đối chiếu: chỉ phản ánh khớp là bằng chứng.",
    ),
    columns: &[
        ("reported_at", ("received", "thời điểm nhận")),
        ("channel", ("channel", "kênh")),
        ("kind", ("kind", "loại")),
        ("scam_form", ("form of fraud", "hình thức lừa đảo")),
        ("state", ("found", "đối chiếu")),
        ("reporter", ("reporter", "người phản ánh")),
        ("content", ("content", "nội dung")),
    ],
};

/// Called people who were asked.
pub const SURVEYS: Kind = Kind {
    key: "surveys",
    title: ("Surveys", "Khảo sát người được gọi"),
    note: ("yes: the call was spam.", "yes: là cuộc gọi rác."),
    columns: &[
        ("called_at", ("called", "thời điểm gọi")),
        ("respondent", ("asked", "người được hỏi")),
        ("answer", ("answer", "trả lời")),
        ("answered_at", ("answered", "thời điểm trả lời")),
    ],
};

/// Verdicts with their causes.
pub const DECISIONS: Kind = Kind {
    key: "decisions",
    title: ("Decisions", "Quyết định"),
    note: ("", ""),
    columns: &[
        ("day", ("day", "ngày")),
        ("case_id", ("case", "hồ sơ")),
        ("previous", ("before", "trước đó")),
        ("verdict", ("verdict", "quyết định")),
        ("cause", ("cause", "lý do")),
        ("lock_reason", ("operator's own lock", "nhà mạng tự khoá")),
        ("since_day", ("since", "từ ngày")),
        ("until_day", ("lapses on", "hết hạn")),
        ("score", ("score", "chỉ số")),
        ("origins", ("origins", "nguồn bằng chứng")),
        ("matched_reporters", ("matched reporters", "người phản ánh khớp")),
        ("survey_yes", ("said spam", "trả lời có")),
        ("survey_no", ("said no spam", "trả lời không")),
        ("rules", ("rules", "phiên bản quy tắc")),
    ],
};

/// What people of the desk said.
pub const WORDS: Kind = Kind {
    key: "words",
    title: ("The desk", "Xử lý của người có thẩm quyền"),
    note: ("Users by the names of their accounts.", "Người dùng theo tên tài khoản."),
    columns: &[
        ("said_at", ("when", "thời điểm")),
        ("word", ("word", "xử lý")),
        ("reason", ("reason", "lý do")),
        ("said_by", ("by", "người xử lý")),
        ("approved_by", ("approved by", "người duyệt")),
    ],
};

/// Every call made.
pub const CALLS: Kind = Kind {
    key: "calls",
    title: ("Timeline of calls", "Diễn biến cuộc gọi"),
    note: (
        "Calls made under this number. Where it says false number, the call came in from outside: it was not the \
         subscriber's.",
        "Các cuộc gọi hiển thị số này. Cột giả mạo: cuộc gọi đến từ bên ngoài, không phải của thuê bao.",
    ),
    columns: &[
        ("start_at", ("start", "bắt đầu")),
        ("called", ("called", "số được gọi")),
        ("called_kind", ("kind", "loại")),
        ("is_answered", ("answered", "trả lời")),
        ("duration_s", ("seconds", "giây")),
        ("origin", ("origin", "hướng")),
        ("is_spoof_suspect", ("false number", "giả mạo")),
    ],
};
