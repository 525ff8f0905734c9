//! Figures as bars, this week's above last week's.
//!
//! In: labels with two counts each. Out: SVG that stands within a page. Never: a colour without its number beside it.

use std::fmt::Write as _;

use super::html::escape;

/// A group of bars under one title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// What is counted.
    pub title: &'static str,
    /// How to read it.
    pub note: &'static str,
    /// The bars, from top to bottom.
    pub bars: Vec<Bar>,
}

/// One label with its counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// What it is.
    pub label: String,
    /// How many this week.
    pub now: u64,
    /// How many the week before.
    pub before: u64,
}

/// The colours of this week and of the one before: dark and light also where there are none.
pub const COLOURS: [&str; 2] = ["#1f4e79", "#a9c4de"];

const WIDTH: u64 = 720;
/// Where bars begin, behind their labels, and how long the longest may be, so that its number fits behind it.
const LEFT: u64 = 230;
const LONGEST: u64 = 400;
const ROW: u64 = 34;
const THICK: u64 = 12;
/// Letters of a label that fit before the bars.
const LETTERS: usize = 34;

impl Chart {
    /// The bars as SVG.
    pub fn svg(&self) -> String {
        let height = ROW * self.bars.len() as u64 + 8;
        let most = self.bars.iter().map(|bar| bar.now.max(bar.before)).max().unwrap_or_default().max(1);
        let title = escape(self.title);
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
             aria-label=\"{title}\">\n<title>{title}</title>\n"
        );
        for (bar, row) in self.bars.iter().zip(0..) {
            let top = ROW * row + 4;
            let label = escape(&shortened(&bar.label));
            // Writing to a String cannot fail.
            let _ = writeln!(svg, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{label}</text>", LEFT - 8, top + 16);
            for ((count, colour), y) in [bar.now, bar.before].into_iter().zip(COLOURS).zip([top, top + THICK + 1]) {
                // A count above none is seen.
                let width = (LONGEST * count / most).max(u64::from(count > 0));
                let _ = writeln!(
                    svg,
                    "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{width}\" height=\"{THICK}\" fill=\"{colour}\"/>\
                     <text x=\"{}\" y=\"{}\" class=\"count\">{count}</text>",
                    LEFT + width + 5,
                    y + 10
                );
            }
        }
        svg += "</svg>\n";
        svg
    }
}

fn shortened(label: &str) -> String {
    if label.chars().count() <= LETTERS {
        return label.to_owned();
    }
    label.chars().take(LETTERS - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_counts_and_labels_cannot_break_out() {
        let bar = |label: &str, now, before| Bar { label: label.to_owned(), now, before };
        let bars = vec![bar("<b>\"&'", 1_000_000, 500_000), bar("few", 1, 0), bar(&"x".repeat(60), 0, 0)];
        let svg = Chart { title: "by <type>", note: "", bars }.svg();
        assert!(svg.contains("width=\"400\" height=\"12\" fill=\"#1f4e79\"") && svg.contains(">1000000</text>"));
        assert!(svg.contains("width=\"200\" height=\"12\" fill=\"#a9c4de\"") && svg.contains(">500000</text>"));
        assert!(svg.contains("width=\"1\""), "one of a million is seen");
        assert!(svg.contains("&lt;b&gt;&quot;&amp;&#39;") && !svg.contains("<b>") && svg.contains("by &lt;type&gt;"));
        assert!(svg.contains(&format!("{}…", "x".repeat(33))));
    }
}
