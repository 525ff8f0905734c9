//! An explanation in words.
//!
//! In: an explanation, and a language. Out: the text that a terminal, an export and a page show. Never: a figure that the
//! explanation does not have; the number.

use super::{BASE, Component, Explanation, Line, Peers};
use crate::domain::lang::Lang;
use crate::score::wording;

impl Explanation {
    /// The explanation for people, without the number.
    pub fn text(&self, lang: Lang) -> String {
        let mut lines = match (&self.card, self.points, self.score) {
            (Some(card), Some(points), Some(score)) => self.sum(lang, card, points, score),
            _ => self.silence(lang),
        };
        if let Some(detections) = &self.detections {
            let detections = wording::detections(lang, detections);
            lines.push(format!("{} {detections}", lang.of("found at", "phát hiện:")));
        }
        if let Some(lock_reason) = &self.lock_reason {
            let lock = wording::lock(lang, lock_reason);
            lines.push(format!("{} {lock}", lang.of("locked by the operator itself:", "nhà mạng tự khoá:")));
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
            Lang::En => format!("; by its score clear with {moves}, which leaves {left} points"),
            Lang::Vi => format!("; không bị gắn cờ theo chỉ số nếu {moves}, còn {left} điểm"),
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

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::super::tests::{day, explained};
    use super::*;

    #[track_caller]
    fn check(explanation: &Explanation, lang: Lang, expect: Expect) {
        expect.assert_eq(&explanation.text(lang));
    }

    #[test]
    fn a_lock_of_the_operator_itself_is_told() {
        let locked = Explanation { lock_reason: Some("device".to_owned()), ..Explanation::unjudged(day()) };
        assert!(locked.text(Lang::En).contains("\nlocked by the operator itself: device\n"));
        assert!(locked.text(Lang::Vi).contains("\nnhà mạng tự khoá: đổi thiết bị, chưa xác thực lại\n"));
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
                flagged from 0 points (score 0.500) on; by its score clear with calls to strangers 0.3 to 0.7 (-25), which leaves -6 points
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
            bị gắn cờ từ 0 điểm (chỉ số 0,500) trở lên; không bị gắn cờ theo chỉ số nếu gọi số lạ 0,3 đến 0,7 (-25), còn -6 điểm
            quyết định: hạn chế (limited); lý do: có bằng chứng; hồ sơ C-1"#]],
        );
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
