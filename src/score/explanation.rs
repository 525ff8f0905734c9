//! Why a number has the score that it has, in figures and in words.
//!
//! In: a card, the values that it judged, those of all that it judged that day, and the line. Out: every component with
//! its bin, points and place among its peers, their sum, and what would have to be different; the same as text. Never:
//! names the number, which only its reader may see in clear; reads a table.

use std::collections::BTreeMap;

use serde::Serialize;

use super::card::{CRITERIA, Card, Characteristic};
use super::change::{Change, Place, smallest};
use super::wording::{self, Name};
use crate::domain::day::Day;
use crate::domain::lang::Lang;

/// A characteristic of this name is no value: its points are where every sum begins.
pub const BASE: &str = "base";

/// An explanation.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The day.
    pub day: Day,
    /// Card that scored it; `None` when it was not judged.
    pub card: Option<String>,
    /// Components, the five criteria first.
    pub components: Vec<Component>,
    /// Their sum.
    pub points: Option<i64>,
    /// The score.
    pub score: Option<f64>,
    /// From where on a number is flagged.
    pub line: Option<Line>,
    /// What would take the sum below the line; `None` when it is below, or nothing would.
    pub change: Option<Change>,
    /// The verdict of the day with its cause and case.
    pub verdict: Option<(String, String, String)>,
    /// What the number was found at, by type; `None` when at nothing.
    pub detections: Option<String>,
    /// Of a number that was not judged, the last day before on which it was.
    pub last_judged: Option<Day>,
}

/// One line of an explanation.
#[derive(Debug, Clone, Serialize)]
pub struct Component {
    /// Which of the five criteria, or support.
    pub criterion: String,
    /// Column of `spam_score` that was scored.
    pub characteristic: String,
    /// What it is called.
    pub name: Name,
    /// Its value.
    pub value: Option<f64>,
    /// The bin that it fell in, with its thresholds.
    pub bin: String,
    /// The bin's lower bound; `None` for the lowest bin and for a missing value.
    pub at_least: Option<f64>,
    /// The bin's upper bound; `None` for the highest bin and for a missing value.
    pub below: Option<f64>,
    /// The bin's points.
    pub points: i64,
    /// Why the card gives them.
    pub why: String,
    /// Its place among the others; `None` when the value is missing.
    pub peers: Option<Peers>,
}

/// The others that the same card judged on the day, and of whom the value is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Peers {
    /// Those with a lower value.
    pub lower: u64,
    /// All of them.
    pub all: u64,
}

/// The score from which on a number is flagged, and the least sum of points that reaches it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Line {
    /// The score.
    pub score: f64,
    /// The points.
    pub points: i64,
}

impl Line {
    /// The line at a score of a card; `None` when nobody can have so many points.
    pub fn at(score: f64, card: &Card) -> Option<Self> {
        card.least(score).map(|points| Self { score, points })
    }
}

/// What a card judged on a day: the number's own values, and those of all that it judged.
#[derive(Debug)]
pub struct Judged<'a> {
    /// The card's name.
    pub name: &'a str,
    /// The card.
    pub card: &'a Card,
    /// The number's values; a characteristic that is not among them is missing.
    pub values: &'a BTreeMap<String, f64>,
    /// The values of all that the card judged on the day, this number's among them.
    pub all: &'a BTreeMap<String, Vec<f64>>,
    /// What the characteristics are called.
    pub names: &'a BTreeMap<String, Name>,
    /// The score as the table has it.
    pub score: f64,
    /// From where on a number is flagged; `None` when no sum of the card reaches it.
    pub line: Option<Line>,
}

impl Explanation {
    /// Of a number that was not judged.
    pub fn unjudged(day: Day) -> Self {
        Self {
            day,
            card: None,
            components: Vec::new(),
            points: None,
            score: None,
            line: None,
            change: None,
            verdict: None,
            detections: None,
            last_judged: None,
        }
    }

    /// Of a number that was judged.
    pub fn judged(day: Day, judged: &Judged<'_>) -> Self {
        let characteristics = judged.card.characteristic.iter();
        let mut components: Vec<_> = characteristics.map(|(name, bins)| component(name, bins, judged)).collect();
        components.sort_by_key(|component| CRITERIA.iter().position(|name| *name == component.criterion));
        let points = components.iter().map(|component| component.points).sum();
        let places: Vec<_> = components.iter().filter_map(|component| place(component, judged.card)).collect();
        let change = judged.line.and_then(|line| smallest(points, line.points, &places));
        Self {
            card: Some(judged.name.to_owned()),
            points: Some(points),
            score: Some(judged.score),
            line: judged.line,
            change,
            components,
            ..Self::unjudged(day)
        }
    }

    /// The explanation for people, without the number.
    pub fn text(&self, lang: Lang) -> String {
        let mut lines = match (&self.card, self.points, self.score) {
            (Some(card), Some(points), Some(score)) => self.sum(lang, card, points, score),
            _ => self.silence(lang),
        };
        if let Some(detections) = &self.detections {
            lines.push(format!("{} {detections}", lang.of("found at", "phát hiện:")));
        }
        lines.push(match &self.verdict {
            Some((verdict, cause, case_id)) => {
                let (verdict, cause) = (wording::verdict(lang, verdict), wording::cause(lang, cause));
                match lang {
                    Lang::En => format!("verdict {verdict} ({cause}), case {case_id}"),
                    Lang::Vi => format!("quyết định: {verdict}; lý do: {cause}; hồ sơ {case_id}"),
                }
            }
            None => format!("{} {}", lang.of("verdict", "quyết định:"), wording::verdict(lang, "clear")),
        });
        lines.join("\n")
    }

    fn sum(&self, lang: Lang, card: &str, points: i64, score: f64) -> Vec<String> {
        let score = wording::value(lang, score);
        let mut lines = vec![match lang {
            Lang::En => format!("score {score} from {points} points, card {card}"),
            Lang::Vi => format!("chỉ số {score} từ {points} điểm, thẻ điểm {card}"),
        }];
        lines.extend(self.rows(lang, points));
        if let Some(line) = self.line {
            lines.push(self.distance(lang, line, points));
        }
        lines
    }

    /// The table of components under the names of their criteria, with the sum.
    fn rows(&self, lang: Lang, sum: i64) -> Vec<String> {
        let mut cells = vec![lang.of(
            ["value of", "value", "bin", "points", "peers below"].map(str::to_owned),
            ["đặc trưng", "giá trị", "khoảng", "điểm", "số thấp hơn"].map(str::to_owned),
        )];
        cells.extend(self.components.iter().map(|component| component.cells(lang)));
        cells.push([
            lang.of("sum", "tổng").to_owned(),
            String::new(),
            String::new(),
            format!("{sum:+}"),
            String::new(),
        ]);
        let width = |column: usize| cells.iter().map(|cells| cells[column].chars().count()).max().unwrap_or_default();
        let widths: [usize; 5] = std::array::from_fn(width);
        let line = |[name, value, bin, points, peers]: &[String; 5]| {
            let [left, wide, middle, narrow, right] = widths;
            let line = format!("  {name:<left$}  {value:>wide$}  {bin:<middle$}  {points:>narrow$}  {peers:>right$}");
            line.trim_end().to_owned()
        };
        let mut lines = Vec::new();
        let mut criterion = None;
        for (index, cells) in cells.iter().enumerate() {
            let of_line = index.checked_sub(1).and_then(|index| self.components.get(index));
            if let Some(component) = of_line.filter(|component| criterion != Some(&component.criterion)) {
                lines.push(wording::criterion(lang, &component.criterion).to_owned());
                criterion = Some(&component.criterion);
            }
            lines.push(line(cells));
        }
        lines
    }

    /// How far the sum is from the line, and what would clear the number; of a number that was not judged, nothing.
    pub fn clearing(&self, lang: Lang) -> Option<String> {
        Some(self.distance(lang, self.line?, self.points?))
    }

    /// How far the sum is from the line, and what would take it there.
    fn distance(&self, lang: Lang, line: Line, points: i64) -> String {
        let (least, score) = (line.points, wording::value(lang, line.score));
        let line = match lang {
            Lang::En => format!("flagged from {least} points (score {score}) on"),
            Lang::Vi => format!("bị gắn cờ từ {least} điểm (chỉ số {score}) trở lên"),
        };
        if points < least {
            return line + lang.of(", which is not reached", ", chưa tới ngưỡng");
        }
        let Some(change) = &self.change else {
            let none =
                lang.of("; no other values would take it below", "; không giá trị nào khác đưa xuống dưới ngưỡng");
            return line + none;
        };
        let moves = change.moves.iter().map(|step| {
            let name = self.components.iter().find(|component| component.characteristic == step.characteristic);
            let name = name.map_or(step.characteristic.as_str(), |component| component.name.of(lang));
            format!("{name} {} ({:+})", wording::bin(lang, step.at_least, step.below), step.points)
        });
        let moves = moves.collect::<Vec<_>>().join(lang.of(" and ", " và "));
        let left = change.points;
        line + &match lang {
            Lang::En => format!("; clear with {moves}, which leaves {left} points"),
            Lang::Vi => format!("; không bị gắn cờ nếu {moves}, còn {left} điểm"),
        }
    }

    /// Why there is no score, and where to look instead.
    fn silence(&self, lang: Lang) -> Vec<String> {
        let mut lines = vec![
            lang.of(
                "not judged: too few calls in the window, or never seen",
                "không được chấm điểm: quá ít cuộc gọi trong kỳ, hoặc chưa từng thấy",
            )
            .to_owned(),
        ];
        let barred = self.verdict.as_ref().filter(|(verdict, ..)| ["limited", "blocked"].contains(&verdict.as_str()));
        if let Some((_, _, case)) = barred {
            let last = self.last_judged.map_or_else(|| lang.of("never", "chưa từng").to_owned(), |day| day.to_string());
            lines.push(match lang {
                Lang::En => format!("barred all the same by case {case}: last judged on {last}, explain that day"),
                Lang::Vi => format!("vẫn bị chặn theo hồ sơ {case}: chấm điểm lần cuối ngày {last}, hãy xem ngày đó"),
            });
        } else if let Some(last) = self.last_judged {
            lines.push(match lang {
                Lang::En => format!("last judged on {last}"),
                Lang::Vi => format!("chấm điểm lần cuối ngày {last}"),
            });
        }
        lines
    }
}

impl Component {
    fn cells(&self, lang: Lang) -> [String; 5] {
        let is_base = self.characteristic == BASE;
        let value = self.value.map_or_else(|| "-".to_owned(), |value| wording::value(lang, value));
        let bin = match self.value {
            Some(_) => wording::bin(lang, self.at_least, self.below),
            None if is_base => String::new(),
            None => wording::missing(lang).to_owned(),
        };
        let peers = self.peers.and_then(Peers::share).map(|share| wording::percent(lang, share));
        [self.name.of(lang).to_owned(), value, bin, format!("{:+}", self.points), peers.unwrap_or_default()]
    }
}

impl Peers {
    fn of(value: f64, all: &[f64]) -> Self {
        let lower = all.iter().filter(|other| **other < value).count() as u64;
        // The number itself is among all.
        Self { lower, all: (all.len() as u64).saturating_sub(1) }
    }

    /// Those with a lower value among all; `None` when there is nobody.
    #[expect(clippy::cast_precision_loss, reason = "counts of numbers are far below 2^53")]
    pub fn share(self) -> Option<f64> {
        (self.all > 0).then(|| self.lower as f64 / self.all as f64)
    }
}

fn component(characteristic: &str, bins: &Characteristic, judged: &Judged<'_>) -> Component {
    let is_base = characteristic == BASE;
    let value = judged.values.get(characteristic).copied().filter(|_| !is_base);
    let bin = value.map(|value| bins.bin(value));
    let peers = judged.all.get(characteristic).map(Vec::as_slice).unwrap_or_default();
    let name = judged.names.get(characteristic).cloned();
    Component {
        criterion: bins.criterion.clone(),
        characteristic: characteristic.to_owned(),
        name: name.unwrap_or_else(|| Name { en: characteristic.to_owned(), vi: characteristic.to_owned() }),
        value,
        bin: if is_base { String::new() } else { bins.bin_text(value) },
        at_least: bin.and_then(|bin| bin.checked_sub(1)).and_then(|lower| bins.below.get(lower)).copied(),
        below: bin.and_then(|bin| bins.below.get(bin)).copied(),
        points: bins.points(if is_base { Some(0.0) } else { value }),
        why: bins.why.clone(),
        peers: value.map(|value| Peers::of(value, peers)),
    }
}

fn place<'a>(component: &'a Component, card: &'a Card) -> Option<Place<'a>> {
    let bins = card.characteristic.get(&component.characteristic)?;
    Some(Place { characteristic: &component.characteristic, bins, value: component.value? })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    const CARD: &str = r#"
        doc = "A card for a test."
        points_per_logit = 10
        [characteristic.base]
        criterion = "support"
        below = []
        points = [-20]
        why = "Where every sum begins."
        [characteristic.calls]
        criterion = "frequency"
        below = [8.0, 21.0]
        points = [-5, 0, 10]
        why = "Many calls are a weak sign."
        [characteristic.new_share]
        criterion = "stranger"
        below = [0.3, 0.7]
        points = [-30, 0, 25]
        why = "Calls to strangers are a strong one."
        [characteristic.out_share]
        criterion = "behaviour"
        below = [0.5]
        points = [0, 12]
        missing = 4
        why = "Nobody calls them back."
    "#;

    fn day() -> Day {
        "2025-01-06".parse().unwrap()
    }

    fn explained(values: &[(&str, f64)]) -> Explanation {
        let card: Card = toml::from_str(CARD).unwrap();
        card.check().unwrap();
        let values: BTreeMap<String, f64> = values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        let name = |en: &str, vi: &str| Name { en: en.to_owned(), vi: vi.to_owned() };
        let names = [
            (BASE, name("start", "điểm khởi đầu")),
            ("calls", name("calls a day", "cuộc gọi mỗi ngày")),
            ("new_share", name("calls to strangers", "gọi số lạ")),
        ];
        Explanation::judged(
            day(),
            &Judged {
                name: "onnet_v1",
                card: &card,
                values: &values,
                all: &BTreeMap::from([("calls".to_owned(), vec![1.0, 2.0, 30.5, 30.5, 400.0])]),
                names: &names.map(|(column, name)| (column.to_owned(), name)).into(),
                score: 0.818,
                line: Line::at(0.5, &card),
            },
        )
    }

    #[track_caller]
    fn check(explanation: &Explanation, lang: Lang, expect: Expect) {
        expect.assert_eq(&explanation.text(lang));
    }

    #[test]
    fn the_arithmetic_is_shown_with_peers_line_and_way_out() {
        let mut explanation = explained(&[("calls", 30.5), ("new_share", 0.9)]);
        explanation.verdict = Some(("limited".to_owned(), "evidence".to_owned(), "C-1".to_owned()));
        check(
            &explanation,
            Lang::En,
            expect![[r#"
                score 0.818 from 19 points, card onnet_v1
                  value of             value  bin      points  peers below
                1 frequency: calls made in a period
                  calls a day         30.500  >= 21       +10       50.0 %
                2 behaviour: mainly outgoing, no messages either way
                  out_share                -  missing      +4
                5 share of calls to numbers never called before
                  calls to strangers   0.900  >= 0.7      +25
                outside the five criteria
                  start                    -              -20
                  sum                                     +19
                flagged from 0 points (score 0.500) on; clear with calls to strangers 0.3 to 0.7 (-25), which leaves -6 points
                verdict limited (evidence), case C-1"#]],
        );
        check(
            &explanation,
            Lang::Vi,
            expect![[r#"
            chỉ số 0,818 từ 19 điểm, thẻ điểm onnet_v1
              đặc trưng          giá trị  khoảng    điểm  số thấp hơn
            1 tần suất
              cuộc gọi mỗi ngày   30,500  >= 21      +10       50,0 %
            2 đặc điểm hành vi
              out_share                -  không có    +4
            5 tỷ lệ gọi cho thuê bao không có mối quan hệ (chưa từng gọi trước đây)
              gọi số lạ            0,900  >= 0,7     +25
            ngoài năm tiêu chí
              điểm khởi đầu            -             -20
              tổng                                   +19
            bị gắn cờ từ 0 điểm (chỉ số 0,500) trở lên; không bị gắn cờ nếu gọi số lạ 0,3 đến 0,7 (-25), còn -6 điểm
            quyết định: hạn chế (limited); lý do: có bằng chứng; hồ sơ C-1"#]],
        );
    }

    #[test]
    fn the_sum_is_that_of_its_lines() {
        let explanation = explained(&[("calls", 30.5), ("out_share", 0.5), ("new_share", 0.1)]);
        let points: Vec<i64> = explanation.components.iter().map(|component| component.points).collect();
        assert_eq!(points, [10, 12, -30, -20]);
        assert_eq!(explanation.points, Some(-28));
        assert!(explanation.text(Lang::En).contains("on, which is not reached"));
    }

    #[test]
    fn peers_are_the_others_that_have_the_value() {
        assert_eq!(Peers::of(3.0, &[1.0, 3.0, 3.0, 4.0]), Peers { lower: 1, all: 3 });
        assert_eq!(Peers::of(3.0, &[3.0]).share(), None);
    }

    #[test]
    fn a_barred_number_that_was_not_judged_sends_the_reader_to_the_day_on_which_it_was() {
        let mut explanation = Explanation::unjudged(day());
        explanation.verdict = Some(("blocked".to_owned(), "no_new_evidence".to_owned(), "C-2024-12-30-4".to_owned()));
        explanation.last_judged = Some(day().plus(-4));
        check(
            &explanation,
            Lang::En,
            expect![[r#"
            not judged: too few calls in the window, or never seen
            barred all the same by case C-2024-12-30-4: last judged on 2025-01-02, explain that day
            verdict blocked (no_new_evidence), case C-2024-12-30-4"#]],
        );
        check(
            &explanation,
            Lang::Vi,
            expect![[r#"
            không được chấm điểm: quá ít cuộc gọi trong kỳ, hoặc chưa từng thấy
            vẫn bị chặn theo hồ sơ C-2024-12-30-4: chấm điểm lần cuối ngày 2025-01-02, hãy xem ngày đó
            quyết định: chặn hai chiều (blocked); lý do: giữ nguyên, không có bằng chứng mới; hồ sơ C-2024-12-30-4"#]],
        );
    }

    #[test]
    fn a_number_that_nobody_knows_is_clear() {
        check(
            &Explanation::unjudged(day()),
            Lang::En,
            expect![[r#"
            not judged: too few calls in the window, or never seen
            verdict clear"#]],
        );
    }
}
