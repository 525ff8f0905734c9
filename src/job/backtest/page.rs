//! The outcome of a backtest as one HTML page that needs nothing beside it.
//!
//! In: an outcome. Out: a page with charts as inline SVG and every figure in a table. Never: a script, a number in clear,
//! or text of a definition that a browser would run.

use super::compare::{Counts, DayCounts, Differing, Overlap};
use super::outcome::Outcome;
use crate::export::html::escape;

/// A chart's inside in pixels, with room for its figures on the left and its days below.
const WIDTH: usize = 640;
const HEIGHT: usize = 160;
const LEFT: usize = 60;
const TOP: usize = 10;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
    table{border-collapse:collapse;margin:1em 0}th,td{padding:.2em .7em;border-bottom:1px solid #ccc;text-align:right}\
    th:first-child,td:first-child{text-align:left}svg{width:100%;height:auto}svg text{font-size:12px}\
    .live{stroke:#777;fill:none;stroke-width:2;stroke-dasharray:6 4}.tried{stroke:#06c;fill:none;stroke-width:2}\
    .axis{stroke:#ccc}";

/// The page.
pub fn html(outcome: &Outcome) -> String {
    let comparison = &outcome.comparison;
    let mut page = String::from("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    page +=
        &format!("<title>Backtest {} to {}</title><style>{STYLE}</style></head><body>\n", outcome.from, outcome.until);
    page += &format!("<h1>Backtest {} to {}</h1>\n", outcome.from, outcome.until);
    page += &format!("<p>Changed: {}.</p>\n", escape(&outcome.changes()));
    if !outcome.untried.is_empty() {
        page += &format!("<p>Changed as well, and not tried: {}.</p>\n", escape(&outcome.untried.join(", ")));
    }
    page += &format!("<p>Computed anew: {}. {}</p>\n", escape(&outcome.work()), escape(outcome.limits));
    if let Some(hindsight) = outcome.hindsight() {
        page += &format!("<p>Not kept as it was known, and read as it is now: {}.</p>\n", escape(&hindsight));
    }
    page += "<p>Dashed: the live version. Solid: the changed one.</p>\n";
    page += &chart("Flagged", &comparison.days, |day| day.flagged);
    page += &chart("Barred", &comparison.days, |day| day.barred);
    page += &chart("New bars", &comparison.days, |day| day.new_bars);
    page += &days(&comparison.days);
    page += "<h2>Ever in these days</h2>\n<p>Accused: the evidence alone bears survey or more, whatever a rail made of \
        it. Overturned: barred once, on any day, and released because the bar was wrong.</p>\n";
    let groups = comparison.groups.iter().map(|(name, overlap)| (*name, overlap));
    let segments = comparison.segments.iter().map(|(name, overlap)| (name.as_str(), overlap));
    page += &overlaps([("all", &comparison.all)].into_iter().chain(groups).chain(segments));
    page += &list("Newly flagged", &comparison.newly_flagged, comparison.all.flagged.newly);
    page += &list("No longer flagged", &comparison.no_longer_flagged, comparison.all.flagged.no_longer);
    page + "</body></html>\n"
}

/// Two lines over the days, with the greatest figure and the first and last day beside them.
fn chart(title: &str, days: &[DayCounts], of: fn(&DayCounts) -> Counts) -> String {
    let most = days.iter().map(of).map(|counts| counts.live.max(counts.tried)).max().unwrap_or_default();
    let steps = days.len().saturating_sub(1).max(1);
    let line = |class: &str, count: fn(Counts) -> usize| {
        let point = |(index, day): (usize, &DayCounts)| {
            let high = count(of(day)) * HEIGHT / most.max(1);
            format!("{},{}", LEFT + index * WIDTH / steps, TOP + HEIGHT - high)
        };
        let points: Vec<String> = days.iter().enumerate().map(point).collect();
        format!("<polyline class=\"{class}\" points=\"{}\"/>", points.join(" "))
    };
    let (right, bottom) = (LEFT + WIDTH, TOP + HEIGHT);
    let day = |day: Option<&DayCounts>| day.map(|day| day.day.to_string()).unwrap_or_default();
    let (first, last) = (day(days.first()), day(days.last()));
    format!(
        "<h2>{title}</h2>\n<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{title} by day, live and tried\">\
         <path class=\"axis\" fill=\"none\" d=\"M{LEFT} {TOP}V{bottom}H{right}\"/>\
         <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{most}</text><text x=\"{}\" y=\"{bottom}\" text-anchor=\"end\">0</text>\
         <text x=\"{LEFT}\" y=\"{}\">{first}</text><text x=\"{right}\" y=\"{}\" text-anchor=\"end\">{last}</text>{}{}</svg>\n",
        right + TOP,
        bottom + 2 * TOP,
        LEFT - TOP,
        TOP + TOP,
        LEFT - TOP,
        bottom + 2 * TOP - 2,
        bottom + 2 * TOP - 2,
        line("live", |counts| counts.live),
        line("tried", |counts| counts.tried),
    )
}

const COUNTS: &str = "<th>live<th>tried<th>newly<th>no longer";

fn cells(counts: Counts) -> String {
    let Counts { live, tried, newly, no_longer } = counts;
    format!("<td>{live}<td>{tried}<td>{newly}<td>{no_longer}")
}

fn days(days: &[DayCounts]) -> String {
    let mut table = format!(
        "<h2>By day</h2>\n<table><tr><th>day<th colspan=4>flagged<th colspan=4>barred<th colspan=4>new bars<th>new bars by \
         segment, live and tried\n<tr><th>{COUNTS}{COUNTS}{COUNTS}<th>\n"
    );
    for day in days {
        let by_segment = day.new_bars_by_segment.iter();
        let by_segment = by_segment.map(|(name, counts)| format!("{} {}, {}", escape(name), counts.live, counts.tried));
        let by_segment = by_segment.collect::<Vec<_>>().join("; ");
        let counts = [day.flagged, day.barred, day.new_bars].map(cells).concat();
        table += &format!("<tr><td>{}{counts}<td>{by_segment}\n", day.day);
    }
    table + "</table>\n"
}

fn overlaps<'a>(all: impl Iterator<Item = (&'a str, &'a Overlap)>) -> String {
    let mut table = format!(
        "<table><tr><th>group or segment<th colspan=4>accused<th colspan=4>flagged<th colspan=4>barred\n\
         <tr><th>{COUNTS}{COUNTS}{COUNTS}\n"
    );
    for (name, overlap) in all {
        let counts = [overlap.accused, overlap.flagged, overlap.barred].map(cells).concat();
        table += &format!("<tr><td>{}{counts}\n", escape(name));
    }
    table + "</table>\n"
}

fn list(title: &str, differing: &[Differing], all: usize) -> String {
    let mut text =
        format!("<h2>{title}</h2>\n<p>{} of {all} subscriptions, highest scores first.</p>\n", differing.len());
    if differing.is_empty() {
        return text;
    }
    text += "<table><tr><th>number<th>case<th>first day<th>segment<th>live<th>score<th>tried<th>score<th>protected\n";
    for one in differing {
        let score = |score: Option<f64>| score.map_or_else(|| "-".to_owned(), |score| format!("{score:.3}"));
        let groups = one.groups.iter().copied().collect::<Vec<_>>().join(", ");
        let (case, segment) = (escape(&one.case_id), escape(&one.segment));
        text += &format!("<tr><td>{}<td>{case}<td>{}<td>{segment}", one.number, one.first_day);
        text += &format!("<td>{}<td>{}", one.live.verdict, score(one.live.score));
        text += &format!("<td>{}<td>{}<td>{groups}\n", one.tried.verdict, score(one.tried.score));
    }
    text + "</table>\n"
}

#[cfg(test)]
mod tests {
    use super::super::outcome::tests::outcome;
    use super::*;

    #[test]
    fn a_chart_has_a_point_for_each_day_of_each_version() {
        let outcome = outcome();
        let chart = chart("Flagged", &outcome.comparison.days, |day| day.flagged);
        // Two on both days by the live version; one, then two by the changed one.
        assert!(chart.contains(r#"<polyline class="live" points="60,10 700,10"/>"#), "{chart}");
        assert!(chart.contains(r#"<polyline class="tried" points="60,90 700,10"/>"#), "{chart}");
        assert!(chart.contains("2025-01-06") && chart.contains("2025-01-07"), "{chart}");
    }

    #[test]
    fn the_page_shows_the_figures_and_masks_the_numbers() {
        let page = html(&outcome());
        assert!(page.contains("<td>2025-01-07<td>2<td>2<td>1<td>1"), "{page}");
        assert!(page.contains("read as it is now: allow_list of 2025-01-06 2025-01-07."), "{page}");
        assert!(page.contains("<td>allow_list<td>0<td>1<td>1<td>0"), "{page}");
        assert!(page.contains("<td>84900•••003<td>C-0.8<td>2025-01-07"), "{page}");
        assert!(!page.contains("84900000"), "{page}");
    }

    #[test]
    fn what_a_definition_says_is_text_and_no_markup() {
        let mut outcome = outcome();
        outcome.untried = vec!["<script>alert(\"x\")</script>".to_owned()];
        assert!(html(&outcome).contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;"));
    }

    #[test]
    fn a_page_without_days_or_differences_is_whole() {
        let mut outcome = outcome();
        outcome.comparison.days.clear();
        outcome.comparison.newly_flagged.clear();
        let page = html(&outcome);
        assert!(page.contains("0 of 1 subscriptions") && page.ends_with("</html>\n"), "{page}");
    }
}
