//! What the synthetic operator's citizens write is read as they mean it.

use std::collections::BTreeMap;

use crate::domain::report::{Kind, Level, Source};
use crate::schema::topic::Topic;
use crate::schema::wire::CitizenReport;
use crate::source::synthetic::{BeyondOptions, Operator, Options, ReportOptions};
use crate::text::{entity, report};

#[test]
fn reports_and_orders_are_read_as_they_are_meant() {
    let shares = ReportOptions { least_share: 0.05, most_share: 0.1, ..ReportOptions::default() };
    let report = ReportOptions { named_share: 0.5, list_share: 0.5, order_share: 0.02, ..shares };
    let (beyond, days) = (BeyondOptions::NOTHING, 3);
    let options =
        Options { subscribers: 1_500, days, history_days: 3, spam_share: 0.08, beyond, report, ..Options::default() };
    let mut operator = Operator::new(Options { malformed_share: 0.0, ..options });
    let mut texts = BTreeMap::new();
    while let Some(traffic) = operator.next_day() {
        for message in traffic.messages.iter().filter(|message| message.topic == Topic::CitizenReport) {
            let told: CitizenReport<'_> = serde_json::from_slice(&message.payload).unwrap();
            texts.insert(told.report_id.into_owned(), told.text.into_owned());
        }
    }
    let mut accused: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for accusation in operator.accusations() {
        accused.entry(accusation.report_id.as_str()).or_default().push(masked(accusation.source));
    }
    let (mut pages, mut accounts, mut lists) = (0, 0, 0);
    for (report_id, numbers) in accused {
        let text = texts.remove(report_id).unwrap();
        let reading = report::read(&text);
        let sources = reading.sources.iter().filter_map(Source::number).map(|number| number.to_string());
        assert_eq!((reading.kind.is_report(), sources.collect::<Vec<_>>()), (true, numbers), "{text}");
        lists += usize::from(reading.sources.len() > 1);
        let named = entity::find(reading.content);
        pages += usize::from(named.domains.iter().any(|domain| domain.starts_with("gialap-")));
        accounts += usize::from(named.accounts.iter().any(|account| account.starts_with("999")));
    }
    assert!(pages > 20 && accounts > 10 && lists > 5, "{pages} pages, {accounts} accounts, {lists} lists");
    let orders: Vec<_> = texts.values().filter(|text| text.to_uppercase().contains("DNC")).collect();
    assert!(orders.len() > 50, "{} orders", orders.len());
    for text in orders {
        let reading = report::read(text);
        let is_order = matches!(reading.kind, Kind::DncRegister | Kind::DncCancel);
        assert!(is_order && reading.level == Level::Exact && !reading.needs_human, "{text}");
    }
}

fn masked(digits: i64) -> String {
    crate::domain::number::Number::from_e164(digits).unwrap().to_string()
}
