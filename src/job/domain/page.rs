//! The answer to a look-up as one page in Vietnamese that needs no other file.
//!
//! In: the answer of which the SMS and the JSON are made. Out: HTML with what the registry says and, apart from it, what
//! we know ourselves. Never: a script, a link to what was asked about, or a word that would make it safe or unregistered.

use crate::domain::day::Day;
use crate::export::html::{begin, escape};
use crate::lookup::Signals;
use crate::lookup::alike::{Alike, Manner, Standing};
use crate::lookup::answer::{Answer, DomainType};
use crate::lookup::list::{Hit, Reach};
use crate::lookup::registry::{Outcome, Record, Told};
use crate::lookup::reply::vietnamese;
use crate::lookup::reported::Reported;

const STYLE: &str = "\
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 760px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; overflow-wrap: anywhere; } h2 { font-size: 1.15em; margin: 2em 0 0.2em; } p.note { color: #555; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.25em 0.8em 0.25em 0; border-bottom: 1px solid #ddd; }
td, li { overflow-wrap: anywhere; }
";

/// The page.
pub fn html(answer: &Answer) -> String {
    let shown = if answer.shown == answer.host { String::new() } else { format!(" ({})", answer.shown) };
    let mut page = begin("vi", &format!("Tra cứu tên miền {}{shown}", answer.host), STYLE);
    page += &paragraph("", &kind(answer));
    page += "<h2>Cơ sở dữ liệu tên miền cho biết</h2>\n";
    page += &registry(&answer.registry);
    page += "<h2>Nhà mạng tự ghi nhận</h2>\n";
    page += &paragraph("note", "Phần này của nhà mạng, không phải của cơ sở dữ liệu tên miền.");
    page += &signals(&answer.signals);
    page + "</body>\n</html>\n"
}

fn kind(answer: &Answer) -> String {
    let Some(domain) = &answer.domain else { return "Không phải tên miền đăng ký được.".to_owned() };
    let kind = match answer.domain_type {
        Some(DomainType::National) => "tên miền quốc gia .vn",
        _ => "tên miền quốc tế",
    };
    format!("{domain}: {kind}.")
}

fn registry(told: &Told) -> String {
    let by = told.by.as_deref().unwrap_or_default();
    let on = told.asked_at.map(|at| format!(", ngày {}", vietnamese(Day::of(at.timestamp_micros()))));
    let asked = format!("{by}{}", on.unwrap_or_default());
    match &told.outcome {
        Outcome::Found(record) => format!("{}{}", paragraph("note", &format!("Theo {asked}.")), facts(record)),
        Outcome::NotFound => paragraph(
            "",
            &format!("Cơ sở dữ liệu được hỏi ({asked}) không có tên miền này; chưa chắc là tên miền chưa đăng ký."),
        ),
        // Why is for whoever runs the service.
        Outcome::Unavailable { .. } => paragraph("", &format!("Chưa hỏi được cơ sở dữ liệu {by} lúc này.")),
        Outcome::NotAsked => paragraph("", "Không có cơ sở dữ liệu nào được hỏi."),
    }
}

fn facts(record: &Record) -> String {
    let Record { kind, holder, registrar, registered_on, expires_on, state } = record;
    let facts = [
        ("Loại", kind.clone()),
        ("Chủ thể", holder.clone()),
        ("Nhà đăng ký", registrar.clone()),
        ("Ngày đăng ký", registered_on.map(vietnamese)),
        ("Ngày hết hạn", expires_on.map(vietnamese)),
        ("Trạng thái", state.clone()),
    ];
    let rows: String = facts.into_iter().map(|(name, value)| row(name, value.as_deref())).collect();
    format!("<table>\n{rows}</table>\n")
}

fn row(name: &str, value: Option<&str>) -> String {
    format!("<tr><th>{name}</th><td>{}</td></tr>\n", escape(value.unwrap_or("không cho biết")))
}

fn signals(signals: &Signals) -> String {
    let mut said: Vec<String> = signals.lists.iter().map(listed).collect();
    match &signals.name {
        Standing::Genuine { of } => said.push(format!("Là tên miền của {of} theo danh mục của nhà mạng.")),
        Standing::Alike(alike) => said.push(imitates(alike)),
        Standing::Other => {}
    }
    if let Some(Reported { first_on, last_on, reports, .. }) = signals.reported {
        let (first, last) = (vietnamese(first_on), vietnamese(last_on));
        said.push(format!("{reports} phản ánh nêu tên miền này, từ {first} đến {last}."));
    }
    if signals.is_shared {
        said.push("Trang nhiều người dùng chung: xem kỹ cả đường link.".to_owned());
    }
    let mut text = String::new();
    if let Some(customer) = &signals.customer {
        text += &paragraph("", &format!("Danh sách và phản ánh nói về {customer}, không phải về cả trang dùng chung."));
    }
    if said.is_empty() {
        text += &paragraph("", "Chưa ghi nhận điều gì.");
    } else {
        let items: String = said.iter().map(|text| item(text)).collect();
        text += &format!("<ul>\n{items}</ul>\n");
    }
    text + &paragraph("note", "Không có cảnh báo không có nghĩa là an toàn.")
}

fn listed(Hit { list, entry, reach }: &Hit) -> String {
    match reach {
        Reach::Host | Reach::Page => format!("Lưu ý: có trong danh sách {list} ({entry})."),
        Reach::OtherPage => format!("Lưu ý: danh sách {list} có một trang khác của máy chủ này ({entry})."),
    }
}

fn imitates(Alike { of, genuine, manner, label }: &Alike) -> String {
    let how = match manner {
        Manner::Gov => "có chữ \"gov\" mà không phải của cơ quan nhà nước",
        Manner::Name => "có chứa tên này",
        Manner::Confusable => "có ký tự trông giống tên này",
        Manner::Beside => "ghép tên này với từ mà kẻ giả mạo hay dùng",
        Manner::Typo => "viết gần giống tên này",
    };
    format!("Lưu ý: giống tên {of}, không phải {genuine}: \"{label}\" {how}.")
}

fn item(text: &str) -> String {
    format!("<li>{}</li>\n", escape(text))
}

fn paragraph(class: &str, text: &str) -> String {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!("<p{class}>{}</p>\n", escape(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::domain::host::Link;
    use crate::lookup::{Lookup, Options};

    async fn answer(name: &str) -> Answer {
        let lookup = Lookup::open(&Options::default(), Clock::Fixed(0)).unwrap();
        lookup.answer(&Link::read(name).unwrap(), None).await
    }

    #[tokio::test]
    async fn what_the_registry_says_stands_apart_from_what_we_say_and_nothing_of_it_runs() {
        let mut answer = answer("vietcomdank.com").await;
        answer.registry.by = Some("gtld".to_owned());
        answer.registry.outcome = Outcome::Found(Record {
            holder: Some("<script>alert(1)</script> & Con".to_owned()),
            registered_on: "2021-03-05".parse().ok(),
            ..Record::default()
        });
        answer.signals.lists =
            vec![Hit { list: "\"><b>x".to_owned(), entry: "vietcomdank.com".to_owned(), reach: Reach::Host }];
        let page = html(&answer);
        let (facts, ours) = page.split_once("<h2>Nhà mạng tự ghi nhận</h2>").unwrap();
        assert!(facts.contains("<td>&lt;script&gt;alert(1)&lt;/script&gt; &amp; Con</td>"), "{facts}");
        assert!(facts.contains("Theo gtld.") && facts.contains("<td>05/03/2021</td>"), "{facts}");
        assert!(facts.contains("<th>Ngày hết hạn</th><td>không cho biết</td>"), "{facts}");
        assert!(ours.contains("có trong danh sách &quot;&gt;&lt;b&gt;x (vietcomdank.com)"), "{ours}");
        assert!(ours.contains("giống tên Vietcombank, không phải vietcombank.com.vn"), "{ours}");
        assert!(!facts.contains("Vietcombank") && !ours.contains("gtld"), "{page}");
        assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("href"), "{page}");
    }

    #[tokio::test]
    async fn not_found_is_not_unregistered_and_nothing_known_is_not_safe() {
        let mut answer = answer("mau.example.com").await;
        for (outcome, said) in [
            (Outcome::NotFound, "không có tên miền này; chưa chắc là tên miền chưa đăng ký"),
            (Outcome::Unavailable { why: "connection refused".to_owned() }, "Chưa hỏi được cơ sở dữ liệu"),
            (Outcome::NotAsked, "Không có cơ sở dữ liệu nào được hỏi"),
        ] {
            answer.registry.outcome = outcome;
            let page = html(&answer);
            assert!(page.contains(said) && !page.contains("connection refused"), "{page}");
            assert!(page.contains("example.com: tên miền quốc tế."), "{page}");
            assert!(page.contains("Chưa ghi nhận điều gì.") && page.contains("không có nghĩa là an toàn"), "{page}");
        }
    }

    #[tokio::test]
    async fn a_customer_below_a_shared_host_is_named_and_is_no_more_safe() {
        let page = html(&answer("xau.weebly.com").await);
        assert!(page.contains("nói về xau.weebly.com, không phải về cả trang dùng chung"), "{page}");
        assert!(page.contains("không có nghĩa là an toàn"), "{page}");
    }
}
