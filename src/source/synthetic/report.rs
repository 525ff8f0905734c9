//! Citizens' reports to 156 and 5656.
//!
//! In: the calls and messages of a day that were spam, and who got them. Out: reports in the forms of
//! FACTS 1.1, hours later; some name the wrong number, a few accuse an innocent on purpose, and some firms are taken
//! for what they are not. Never: reports what did not reach anybody; knows how many reports count.

use rand::Rng as _;

use super::ReportOptions;
use super::draw::{Rng, chance, log_normal, one, weighted, whole};
use super::party::Party;
use super::population::{Population, SECOND_US};
use super::traffic::{Call, Sender, Text};
use crate::schema::wire::CitizenReport;

/// Longest wait before somebody reports, seconds.
const LONGEST_DELAY_S: f64 = 4.0 * 86_400.0;

/// Share of calls with a false number that are reported, when they were answered.
const SPOOFED_REPORTED: f64 = 0.003;

/// The intake's channels and their shares.
const CHANNELS: [(&str, f64); 5] =
    [("sms_156", 0.56), ("sms_5656", 0.33), ("app", 0.06), ("web", 0.03), ("voice", 0.02)];

/// A story that spam tells: the keyword most people choose for it, and what they write.
pub(super) struct Form {
    keyword: &'static str,
    contents: &'static [&'static str],
}

/// The stories; FACTS 6 has the typology.
pub(super) const FORMS: [Form; 12] = [
    Form {
        keyword: "V",
        contents: &[
            "quảng cáo bán đất nền dự án, gọi nhiều lần",
            "mời mua căn hộ chung cư",
            "giới thiệu bất động sản nghỉ dưỡng",
        ],
    },
    Form {
        keyword: "V",
        contents: &[
            "mời vay tiền nhanh không thế chấp",
            "tư vấn vay tín dụng lãi suất thấp",
            "mời mở thẻ tín dụng miễn phí thường niên",
        ],
    },
    Form {
        keyword: "V",
        contents: &[
            "mời tham gia nhóm zalo chứng khoán",
            "tư vấn đầu tư chứng khoán, khuyến nghị cổ phiếu",
            "mời đầu tư tiền ảo lợi nhuận cao",
        ],
    },
    Form {
        keyword: "LD",
        contents: &[
            "giả danh công an phường yêu cầu cập nhật VNeID",
            "giả danh bộ công an báo liên quan vụ án rửa tiền",
            "xưng là cảnh sát giao thông báo phạt nguội",
            "giả danh tòa án gửi giấy triệu tập, bắt giữ bí mật",
            "giả danh viện kiểm sát dọa lệnh bắt, đòi chuyển khoản để điều tra",
        ],
    },
    Form {
        keyword: "LD",
        contents: &[
            "giả danh nhà mạng dọa khóa sim hai chiều",
            "yêu cầu chuẩn hóa thông tin thuê bao, bấm phím 1",
            "dọa khóa sim vì chưa chính chủ",
            "xưng cục viễn thông đòi nâng cấp 4g 5g",
        ],
    },
    Form {
        keyword: "LD",
        contents: &[
            "việc nhẹ lương cao, làm nhiệm vụ like tiktok",
            "tuyển cộng tác viên chốt đơn hưởng hoa hồng",
            "điểm danh nhận quà, mời vào nhóm telegram",
        ],
    },
    Form {
        keyword: "LD",
        contents: &[
            "giả shipper báo đơn hàng, đòi chuyển khoản trước",
            "giả danh điện lực dọa cắt điện nợ tiền điện",
            "báo trúng thưởng xe SH, đòi phí",
            "giả danh ngân hàng mời nâng hạn mức thẻ, hỏi mã OTP",
            "giả cơ quan thuế báo hoàn thuế, bắt cài app",
        ],
    },
    Form {
        keyword: "V", contents: &["nháy máy rồi tắt", "nháy máy nhiều lần không nói gì", "gọi nhỡ số lạ liên tục"]
    },
    Form {
        keyword: "V",
        contents: &[
            "mời combo du lịch giá rẻ, tặng voucher khách sạn",
            "quảng cáo khóa học tiếng Anh",
            "quảng cáo thực phẩm chức năng",
        ],
    },
    Form {
        keyword: "S",
        contents: &[
            "nhà cái tặng code, nạp tiền nhận thưởng",
            "lô đề cá độ bóng đá, link đăng ký",
            "ban so dep, lam bang cap giay to",
        ],
    },
    Form {
        keyword: "V",
        contents: &[
            "đòi nợ, gọi liên tục cả ngày bằng nhiều số",
            "đòi nợ người thân, tôi không vay",
            "nhắc nợ vay app, gọi người tham chiếu để quấy rối",
        ],
    },
    Form {
        keyword: "LD",
        contents: &["báo có đơn hàng tôi không đặt, nghi lừa đảo", "tự xưng tổng đài giao hàng, hỏi địa chỉ nhà"],
    },
];

/// So many of them, from the first on, are what a spam campaign may tell.
pub(super) const TOLD_BY_SPAM: usize = 10;

/// The story of those who pretend to be the police.
const POLICE: usize = 3;

/// The story of those who call for a debt.
pub(super) const DEBT: usize = 10;

/// The story of calls that only ring.
pub(super) const ONE_RING: usize = 7;

/// What a real parcel sounds like to whom expects none.
pub(super) const PARCEL: usize = 11;

/// The story of an offer that is just one.
pub(super) const OFFER: usize = 8;

/// Whether a story is a scam, not an advertisement.
pub(super) fn is_scam(form: usize) -> bool {
    FORMS[form].keyword == "LD"
}

/// Why somebody reports a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Motive {
    Bothered,
    Mistaken,
    Malicious,
    Brigade,
}

/// One report, before it is sent.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) reporter: i64,
    /// The number that it names, before all others.
    pub(super) source: i64,
    /// Those that it lists behind it.
    pub(super) others: Vec<i64>,
    pub(super) reported_at: i64,
    pub(super) channel: &'static str,
    pub(super) text: String,
    pub(super) motive: Motive,
    pub(super) fields: Option<Fields>,
    /// The campaign of the number that somebody had to do with.
    pub(super) campaign: Option<u32>,
}

/// What a form asks for beside the text.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) kind: &'static str,
    pub(super) called_at: i64,
    pub(super) evidence: Option<String>,
}

impl Report {
    /// As the intake writes it.
    pub(super) fn wire<'a>(&'a self, report_id: &'a str) -> CitizenReport<'a> {
        let fields = self.fields.as_ref();
        CitizenReport {
            report_id: report_id.into(),
            channel: self.channel.into(),
            reporter: format!("0{}", self.reporter % 1_000_000_000).into(),
            text: self.text.as_str().into(),
            reported_at: self.reported_at,
            source: fields.map(|_| national(self.source).into()),
            kind: fields.map(|fields| fields.kind.into()),
            called_at: fields.map(|fields| fields.called_at),
            evidence: fields.and_then(|fields| fields.evidence.as_deref()).map(Into::into),
            province: None,
        }
    }

    /// Whether it is about a message.
    pub(super) fn is_sms(&self) -> bool {
        self.fields.is_none() && self.text.starts_with('S')
    }
}

/// The reports that a day's spam leads to, and what is taken for it.
pub(super) fn of_day(
    population: &Population,
    (calls, texts): (&[Call], &[Text]),
    options: &ReportOptions,
    rng: &mut Rng,
) -> Vec<Report> {
    let mut reports = Vec::new();
    for call in calls {
        let Some((share, form, is_missed_form)) = cause(population, call) else { continue };
        let reaches = call.is_answered || (is_missed_form && call.cause != 1);
        if reaches && chance(rng, share) {
            let form = if is_missed_form { &FORMS[ONE_RING] } else { form };
            let told = Told { by: call.callee, about: call.caller, at: call.ends_at(), form, keyword: form.keyword };
            reports.extend(told.report(population, options, rng));
        }
    }
    for text in texts.iter().filter(|text| text.is_spam) {
        let Sender::Party(sender) = text.sender else { continue };
        let Some(sim) = sender.as_sim().map(|index| &population.sims[index]) else { continue };
        if chance(rng, sim.reported) {
            let form = form_of(population, sim.campaign);
            let told = Told { by: text.recipient, about: sender, at: text.at, form, keyword: "S" };
            reports.extend(told.report(population, options, rng));
        }
    }
    reports
}

/// How likely a call is reported, what it told, and whether it only rang; none of a call that nobody minds.
fn cause<'a>(population: &Population, call: &Call) -> Option<(f64, &'a Form, bool)> {
    if call.is_spoofed {
        return Some((SPOOFED_REPORTED, &FORMS[POLICE], false));
    }
    let sim = &population.sims[call.caller.as_sim()?];
    // Some firms that are no spam are taken for it; a gang's calls to its friends are not.
    let is_minded = call.is_spam || !sim.class.is_unwanted();
    let share = sim.reported * sim.notoriety;
    (is_minded && share > 0.0).then(|| (share, form_of(population, sim.campaign), sim.habit.patience_s < 6.0))
}

fn form_of<'a>(population: &Population, campaign: Option<u32>) -> &'a Form {
    &FORMS[campaign.map_or(0, |campaign| population.campaigns[campaign as usize].form)]
}

/// What somebody has to tell.
struct Told<'a> {
    by: Party,
    about: Party,
    at: i64,
    form: &'a Form,
    keyword: &'a str,
}

impl Told<'_> {
    fn report(&self, population: &Population, options: &ReportOptions, rng: &mut Rng) -> Option<Report> {
        let reporter = population.number(self.by).filter(|number| is_mobile(*number))?;
        let about = population.number(self.about)?;
        let (source, motive) = if chance(rng, options.malicious_share) {
            (population.number(population.any_sim(rng))?, Motive::Malicious)
        } else if chance(rng, options.mistaken_share) {
            (mistaken(population, self.by, about, rng), Motive::Mistaken)
        } else {
            (about, Motive::Bothered)
        };
        let delay_s = log_normal(rng, (options.delay_median_s, options.delay_sigma)).min(LONGEST_DELAY_S);
        let channel = CHANNELS[weighted(rng, &CHANNELS.map(|(_, share)| share))].0;
        // Many send a scam as V: FACTS 1.3, row 18.
        let keyword = if self.keyword == "LD" && chance(rng, 0.3) { "V" } else { self.keyword };
        let reported_at = self.at + whole(delay_s) * SECOND_US;
        let text = text(keyword, source, self.form, rng);
        let campaign = self.about.as_sim().and_then(|index| population.sims[index].campaign);
        let (others, fields) = (vec![], None);
        Some(Report { reporter, source, others, reported_at, channel, text, motive, fields, campaign })
    }
}

/// Another number than meant: one digit wrong, or the last friend who called.
fn mistaken(population: &Population, by: Party, about: i64, rng: &mut Rng) -> i64 {
    let friend = by.as_sim().and_then(|index| population.sims[index].contacts.favourite());
    let friend = friend.and_then(|party| population.number(party)).filter(|number| is_mobile(*number));
    match friend.filter(|_| chance(rng, 0.5)) {
        Some(friend) => friend,
        None => {
            let place = 10_i64.pow(rng.random_range(0..6));
            let digit = about / place % 10;
            about + ((digit + rng.random_range(1..10)) % 10 - digit) * place
        }
    }
}

/// The message, in one of the plain forms: FACTS 1.1.
fn text(keyword: &str, source: i64, form: &Form, rng: &mut Rng) -> String {
    let source = national(source);
    let content = *one(rng, form.contents);
    let content = if chance(rng, 0.55) { folded(content) } else { content.to_owned() };
    match rng.random_range(0..6) {
        0 => format!("{keyword} [{source}][{content}]"),
        1 => format!("{keyword} [{source}] [{content}]"),
        2 => format!("{keyword} ({source}) ({content})"),
        3 => format!("{keyword} ({source} - {content})"),
        4 => format!("{keyword} ({source}) {content}"),
        _ => format!("{keyword} ({source})({content})"),
    }
}

/// A number as it is dialled at home.
pub(super) fn national(number: i64) -> String {
    let digits = number.to_string();
    format!("0{}", digits.strip_prefix("84").unwrap_or(&digits))
}

/// A Vietnamese mobile number, which alone sends short messages: 84 and nine digits.
pub(super) fn is_mobile(number: i64) -> bool {
    (84_300_000_000..85_000_000_000).contains(&number)
}

/// Vietnamese without diacritics, as most people type on a telephone.
fn folded(text: &str) -> String {
    const FOLDS: [(&str, char); 14] = [
        ("àáảãạăằắẳẵặâầấẩẫậ", 'a'),
        ("èéẻẽẹêềếểễệ", 'e'),
        ("ìíỉĩị", 'i'),
        ("òóỏõọôồốổỗộơờớởỡợ", 'o'),
        ("ùúủũụưừứửữự", 'u'),
        ("ỳýỷỹỵ", 'y'),
        ("đ", 'd'),
        ("ÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬ", 'A'),
        ("ÈÉẺẼẸÊỀẾỂỄỆ", 'E'),
        ("ÌÍỈĨỊ", 'I'),
        ("ÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢ", 'O'),
        ("ÙÚỦŨỤƯỪỨỬỮỰ", 'U'),
        ("ỲÝỶỸỴ", 'Y'),
        ("Đ", 'D'),
    ];
    let fold = |letter: char| FOLDS.iter().find(|(from, _)| from.contains(letter)).map_or(letter, |(_, to)| *to);
    text.chars().map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::super::draw::stream;
    use super::*;

    #[test]
    fn texts_have_the_official_forms() {
        let mut rng = stream(2, 0);
        for form in &FORMS {
            let text = text(form.keyword, 84_962_000_001, form, &mut rng);
            let rest = text.strip_prefix(form.keyword).unwrap();
            let is_official =
                [" [0962000001]", " (0962000001)", " (0962000001 - "].iter().any(|of| rest.starts_with(of));
            assert!(is_official, "{text}");
            assert!(form.contents.iter().all(|content| folded(content).is_ascii()));
        }
    }

    #[test]
    fn a_mistyped_number_differs_in_one_digit() {
        let population = Population::new(&super::super::Options { subscribers: 40, ..Default::default() });
        let mut rng = stream(2, 0);
        for _ in 0..50 {
            let wrong = mistaken(&population, Party::UNKNOWN, 84_962_123_456, &mut rng).to_string();
            let differing = wrong.bytes().zip("84962123456".bytes()).filter(|(a, b)| a != b).count();
            assert_eq!((wrong.len(), differing), (11, 1), "{wrong}");
        }
    }
}
