//! Who got spam from several numbers on a day, and lists them in one report.
//!
//! In: a report and the calls and messages of its day. Out: the same report, maybe with one or two numbers more. Never:
//! lists a number whose spam had not reached the reporter by then, or draws from what the rest is drawn from.

use std::collections::BTreeSet;

use rand::Rng as _;

use super::draw::{Rng, chance, one};
use super::party::Party;
use super::population::Population;
use super::report::{Motive, Report, is_mobile, national};
use super::traffic::{Call, Sender, Text};

/// Numbers that are listed behind the first, at most.
const MOST: usize = 2;

/// What people put between numbers.
const BETWEEN: [&str; 3] = [", ", " va ", "/"];

/// Lists other numbers behind the one that a report by SMS is about; where none bothered the reporter, there is nothing
/// to list.
pub(super) fn add(
    report: &mut Report,
    population: &Population,
    happened: (&[Call], &[Text]),
    share: f64,
    rng: &mut Rng,
) {
    let is_right = report.motive == Motive::Bothered && report.channel.starts_with("sms_");
    if !is_right || !chance(rng, share) {
        return;
    }
    let mut others = bothering(report, population, happened);
    others.truncate(rng.random_range(1..=MOST));
    let between = *one(rng, &BETWEEN);
    let first = national(report.source);
    let list = others.iter().fold(first.clone(), |list, other| list + between + &national(*other));
    report.text = report.text.replacen(&first, &list, 1);
    report.others = others;
}

/// The other numbers whose spam had reached the reporter: messages for a report of messages, calls for one of calls.
fn bothering(report: &Report, population: &Population, (calls, texts): (&[Call], &[Text])) -> Vec<i64> {
    let is_before = |at: i64| at <= report.reported_at;
    let from =
        |(from, to): (Party, Party)| population.number(from).filter(|_| population.number(to) == Some(report.reporter));
    let numbers: BTreeSet<i64> = if report.is_sms() {
        let spam = texts.iter().filter(|text| text.is_spam && is_before(text.at));
        let sent = spam.filter_map(|text| match text.sender {
            Sender::Party(sender) => Some((sender, text.recipient)),
            Sender::Brand(_) => None,
        });
        sent.filter_map(from).collect()
    } else {
        // Whose number is only shown has called nobody.
        let spam = calls.iter().filter(|call| call.is_spam && !call.is_spoofed && is_before(call.ends_at()));
        spam.map(|call| (call.caller, call.callee)).filter_map(from).collect()
    };
    numbers.into_iter().filter(|number| *number != report.source && is_mobile(*number)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::tests::{clean, run, texts};
    use super::super::{Message, Operator, Options, ReportOptions};
    use super::*;
    use crate::schema::topic::Topic;

    /// An operator of whose reporters so many list what they can.
    fn told(list_share: f64) -> (Operator, Vec<Message>) {
        let report = ReportOptions { list_share, least_share: 0.05, most_share: 0.1, ..Default::default() };
        run(Options { report, spam_share: 0.08, ..clean(1_500) })
    }

    #[test]
    fn a_list_has_the_first_number_and_others_that_did_it_too() {
        let ((one, of_one), (several, of_several)) = (told(0.0), told(1.0));
        let (plain, listing) = (texts(&of_one), texts(&of_several));
        assert_eq!(plain.keys().collect::<Vec<_>>(), listing.keys().collect::<Vec<_>>());
        let mut named: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for accusation in several.accusations() {
            named.entry(accusation.report_id.as_str()).or_default().push(accusation.source);
        }
        let mut lists = 0;
        for (id, numbers) in named.iter().filter(|(_, numbers)| numbers.len() > 1) {
            lists += 1;
            assert!(
                numbers.len() <= 1 + MOST && numbers.iter().collect::<BTreeSet<_>>().len() == numbers.len(),
                "{id}"
            );
            let text = &listing[*id];
            let places: Vec<_> = numbers.iter().map(|number| text.find(&national(*number))).collect();
            assert!(places.is_sorted() && places.iter().all(Option::is_some), "{text}");
            assert_ne!(*text, plain[*id]);
        }
        assert!(lists > 10, "{lists} lists");
        let spam: BTreeSet<i64> =
            several.truth().iter().filter(|truth| truth.is_spam).map(|truth| truth.number).collect();
        let first: BTreeSet<(&str, i64)> =
            one.accusations().iter().map(|accusation| (accusation.report_id.as_str(), accusation.source)).collect();
        let all = several.accusations().iter();
        let (known, added): (Vec<_>, Vec<_>) =
            all.partition(|accusation| first.contains(&(accusation.report_id.as_str(), accusation.source)));
        assert_eq!(known.len(), one.accusations().len());
        assert!(added.iter().all(|accusation| spam.contains(&accusation.source)));
        let due = added.iter().filter(|accusation| accusation.is_due).count();
        assert!(due * 2 > added.len(), "{due} of {} had", added.len());
    }

    #[test]
    fn a_list_moves_nothing_but_the_text_of_its_report() {
        let ((one, of_one), (several, of_several)) = (told(0.0), told(1.0));
        let rest = |messages: &[Message]| {
            let rest = messages.iter().filter(|message| message.topic != Topic::CitizenReport);
            rest.cloned().collect::<Vec<_>>()
        };
        assert_eq!(rest(&of_one), rest(&of_several));
        assert_eq!(of_one.len(), of_several.len());
        assert_eq!((one.truth(), one.reference()), (several.truth(), several.reference()));
    }
}
