//! What a week's rows come to, beside those of the week before.
//!
//! In: the rows that a recipient gets of two weeks. Out: charts. Never: a figure of a column that the recipient does not
//! get.

use std::collections::BTreeMap;

use super::chart::{Bar, Chart};
use super::glossary;
use super::rows::Rows;
use super::wording;
use crate::domain::day::Week;
use crate::domain::lang::{Lang, Words};
use crate::schema::column::regulator_week as column;

/// Operators, types, forms and provinces are many; beyond so many they are told together.
const MOST_BARS: usize = 12;
const OTHERS: &str = "others";
/// Upper ends of the classes of calls before the flag: powers of ten, as call counts spread.
const CALLS: [(i64, &str); 5] =
    [(0, "none"), (9, "1 to 9"), (99, "10 to 99"), (999, "100 to 999"), (i64::MAX, "1000 and more")];

/// Counts by label.
type Counts = BTreeMap<String, u64>;

/// Columns of text that are counted, each with the words of its chart, and the word for what says nothing; where that
/// is empty, the text is one word and always there.
const TEXTS: [(&str, [Words; 2], &str); 9] = [
    (column::VERDICT.name, wording::BY_VERDICT, ""),
    (column::ACTION.name, wording::BY_ACTION, "none"),
    (column::APPEAL.name, wording::BY_APPEAL, "none"),
    (column::TYPES.name, wording::BY_TYPE, "none"),
    (column::SCAM_FORMS.name, wording::BY_FORM, "unknown"),
    (column::PROVINCES.name, wording::BY_PROVINCE, "unknown"),
    (column::EVIDENCE.name, wording::BY_EVIDENCE, ""),
    (column::RANGE_HOLDER.name, wording::BY_OPERATOR, "no range of Vietnam"),
    (column::SEGMENT.name, wording::BY_SEGMENT, ""),
];

/// What the rows of one week come to.
#[derive(Debug)]
pub struct Figures {
    all: u64,
    /// Those flagged for the first time in the week.
    firsts: Option<u64>,
    /// Of each of [`TEXTS`].
    texts: Vec<Option<Counts>>,
    /// Of each of [`CALLS`], those flagged for the first time.
    calls: Option<[u64; CALLS.len()]>,
}

impl Figures {
    /// Counts the rows of a week.
    pub fn of(rows: &Rows, week: Week) -> Self {
        let firsts = first_flagged(rows, week);
        let texts = TEXTS.iter().map(|(column, _, unsaid)| Some(split(rows.counts(column)?, unsaid)));
        Self {
            all: rows.len() as u64,
            texts: texts.collect(),
            calls: firsts.as_ref().and_then(|firsts| calls(rows, firsts)),
            firsts: firsts.map(|firsts| firsts.into_iter().filter(|is_first| *is_first).count() as u64),
        }
    }

    /// Charts of a week, those of the week before beside them; `forms` are what forms of fraud are called.
    pub fn charts(&self, before: &Self, (lang, forms): (Lang, &BTreeMap<String, String>)) -> Vec<Chart> {
        let mut charts = vec![chart(lang, wording::ALL, self.all(before))];
        for ((_, words, _), (now, before)) in TEXTS.into_iter().zip(self.texts.iter().zip(&before.texts)) {
            if let (Some(now), Some(before)) = (now, before) {
                charts.push(chart(lang, words, bars(now, before)));
            }
        }
        if let (Some(now), Some(before)) = (self.calls, before.calls) {
            let bars = CALLS.iter().zip(now).zip(before).map(|(((_, label), now), before)| bar(label, now, before));
            charts.push(chart(lang, wording::BY_CALLS, bars.collect()));
        }
        // In English the words of the tables stand as they are; titles of forms are Vietnamese.
        for bar in charts.iter_mut().flat_map(|chart| &mut chart.bars) {
            let title = forms.get(&bar.label).filter(|_| lang == Lang::Vi);
            bar.label = title.cloned().unwrap_or_else(|| glossary::label(lang, &bar.label).into_owned());
        }
        charts
    }

    fn all(&self, before: &Self) -> Vec<Bar> {
        let mut bars = vec![bar("all", self.all, before.all)];
        if let (Some(now), Some(earlier)) = (self.firsts, before.firsts) {
            bars.push(bar("for the first time", now, earlier));
            bars.push(bar("in a week before", self.all - now, before.all - earlier));
        }
        bars
    }
}

fn chart(lang: Lang, [title, note]: [Words; 2], bars: Vec<Bar>) -> Chart {
    Chart { title: lang.say(title), note: lang.say(note), bars }
}

/// Of each row whether its number was flagged for the first time in the week.
fn first_flagged(rows: &Rows, week: Week) -> Option<Vec<bool>> {
    let monday = week.monday().epoch_days();
    Some(rows.values(column::FLAGGED_DAY)?.values().iter().map(|day| *day >= monday).collect())
}

fn calls(rows: &Rows, firsts: &[bool]) -> Option<[u64; CALLS.len()]> {
    let mut counts = [0; CALLS.len()];
    for (calls, is_first) in rows.values(column::CALLS_BEFORE_FLAG)?.iter().zip(firsts) {
        let Some(calls) = calls.filter(|_| *is_first) else { continue };
        let class = CALLS.iter().position(|(most, _)| calls <= *most).unwrap_or_default();
        counts.iter_mut().skip(class).take(1).for_each(|count| *count += 1);
    }
    Some(counts)
}

/// `robocall+telemarketing` counts in both; what says nothing counts under a word of its own.
fn split(counts: Counts, unsaid: &str) -> Counts {
    if unsaid.is_empty() {
        return counts;
    }
    let mut split = Counts::new();
    for (text, count) in counts {
        for part in text.split('+') {
            let label = if part.is_empty() { unsaid } else { part };
            *split.entry(label.to_owned()).or_default() += count;
        }
    }
    split
}

/// The most frequent first, both weeks together.
fn bars(now: &Counts, before: &Counts) -> Vec<Bar> {
    let count = |counts: &Counts, label: &String| counts.get(label).copied().unwrap_or_default();
    let labels: std::collections::BTreeSet<&String> = now.keys().chain(before.keys()).collect();
    let mut bars: Vec<Bar> =
        labels.into_iter().map(|label| bar(label, count(now, label), count(before, label))).collect();
    bars.sort_by_key(|bar| std::cmp::Reverse(bar.now + bar.before));
    if bars.len() > MOST_BARS {
        let rest = bars.split_off(MOST_BARS - 1);
        let sum = |of: fn(&Bar) -> u64| rest.iter().map(of).sum();
        bars.push(bar(OTHERS, sum(|bar| bar.now), sum(|bar| bar.before)));
    }
    bars
}

fn bar(label: &str, now: u64, before: u64) -> Bar {
    Bar { label: label.to_owned(), now, before }
}

#[cfg(test)]
mod tests {
    use super::super::rows::tests::{Flagged, MONDAY, flagged, rows};
    use super::*;
    use crate::domain::day::Day;

    fn charts(now: &Rows, before: &Rows) -> Vec<Chart> {
        let week = Day::from_epoch_days(MONDAY).week();
        let before = Figures::of(before, week.monday().plus(-7).week());
        Figures::of(now, week).charts(&before, (Lang::En, &BTreeMap::new()))
    }

    #[track_caller]
    fn check(charts: &[Chart], title: &str, expected: &[(&str, u64, u64)]) {
        let chart = charts.iter().find(|chart| chart.title == title).unwrap();
        let found: Vec<_> = chart.bars.iter().map(|bar| (bar.label.as_str(), bar.now, bar.before)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn both_weeks_stand_side_by_side() {
        let old = Flagged { since_day: MONDAY - 1, ..flagged(84_900_000_002, "limited", "MobiFone") };
        let now = rows(&[flagged(84_900_000_001, "survey", "MobiFone"), old, flagged(84_900_000_003, "limited", "")]);
        let before = rows(&[flagged(84_900_000_009, "released", "Viettel")]);
        let charts = charts(&now, &before);
        check(&charts, "Flagged numbers", &[("all", 3, 1), ("for the first time", 2, 1), ("in a week before", 1, 0)]);
        check(&charts, "Flagged numbers by verdict", &[("limited", 2, 0), ("released", 0, 1), ("survey", 1, 0)]);
        check(&charts, "Flagged numbers by appeal", &[("none", 3, 1)]);
        check(&charts, "Flagged numbers by scam form", &[("unknown", 3, 1)]);
        check(&charts, "Flagged numbers by province", &[("unknown", 3, 1)]);
        let operators = [("MobiFone", 2, 0), ("Viettel", 0, 1), ("no range of Vietnam", 1, 0)];
        check(&charts, "Flagged numbers by operator", &operators);
    }

    #[test]
    fn bars_are_labelled_in_the_language_of_the_package() {
        let week = Day::from_epoch_days(MONDAY).week();
        let of = |holder| Figures::of(&rows(&[flagged(84_900_000_001, "survey", holder)]), week);
        let charts = of("").charts(&of("MobiFone"), (Lang::Vi, &BTreeMap::new()));
        check(&charts, "Số bị gắn cờ theo quyết định", &[("khảo sát", 1, 1)]);
        check(&charts, "Số bị gắn cờ theo bằng chứng", &[("hành vi+khảo sát", 1, 1)]);
        let operators = [("MobiFone", 0, 1), ("không thuộc dải số Việt Nam", 1, 0)];
        check(&charts, "Số bị gắn cờ theo doanh nghiệp viễn thông", &operators);

        let mut told = of("MobiFone");
        let told_of = |form: &str| Some(Counts::from([(form.to_owned(), 1)]));
        for ((column, ..), texts) in TEXTS.iter().zip(&mut told.texts) {
            *texts = told_of("sim_lock").filter(|_| *column == "scam_forms");
        }
        let titles = BTreeMap::from([("sim_lock".to_owned(), "Khoá SIM".to_owned())]);
        check(&told.charts(&told, (Lang::Vi, &titles)), "Số bị gắn cờ theo hình thức lừa đảo", &[("Khoá SIM", 1, 1)]);
        check(&told.charts(&told, (Lang::En, &titles)), "Flagged numbers by scam form", &[("sim_lock", 1, 1)]);
    }

    #[test]
    fn a_column_that_was_cut_has_no_figure() {
        let now = rows(&[flagged(84_900_000_001, "survey", "MobiFone")]);
        let columns = ["week", "number", "verdict"].map(str::to_owned);
        let cut = now.cut(&columns).unwrap();
        let titles: Vec<_> = charts(&cut, &cut).into_iter().map(|chart| chart.title).collect();
        assert_eq!(titles, ["Flagged numbers", "Flagged numbers by verdict"]);
    }

    #[test]
    fn several_types_count_in_each_and_the_rare_are_told_together() {
        let counts = |counts: &[(&str, u64)]| counts.iter().map(|(text, count)| ((*text).to_owned(), *count)).collect();
        assert_eq!(
            split(counts(&[("robocall+sim_box", 2), ("robocall", 1), ("", 4)]), "none"),
            counts(&[("robocall", 3), ("sim_box", 2), ("none", 4)])
        );
        let many: Counts = (0..20_u64).map(|at| (format!("operator {at:02}"), 100 - at)).collect();
        let bars = bars(&many, &Counts::new());
        assert_eq!(bars.len(), MOST_BARS);
        assert_eq!(bars.iter().map(|bar| bar.now).sum::<u64>(), many.values().sum::<u64>());
        assert_eq!(bars.last().map(|bar| bar.label.as_str()), Some(OTHERS));
    }
}
