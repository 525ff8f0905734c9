//! `decide --dry-run`: what would be decided of a day.
//!
//! In: what `decide` reads, and the desk's words out of its store. Out: verdicts by their counts, and the bars that would
//! begin or end. Never: writes a verdict, a question, a list or a word; computes candidates: how much has come behind
//! them is told.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{behind_ledger, ensure_candidates, weigh, words};
use crate::clock::Clock;
use crate::decide::Input;
use crate::domain::day::Day;
use crate::domain::verdict::Verdict;
use crate::job::late::{self, Versions};
use crate::job::{case, ledger, run};
use crate::lake::Lake;
use crate::pipeline::definition::Definitions;
use crate::pipeline::run::{Began, Runner};
use crate::schema::contract::Table;
use crate::store::Store;

/// What would be decided.
#[derive(Debug, Serialize)]
pub struct Looked {
    /// The day.
    pub day: Day,
    /// Nothing was written.
    pub is_dry_run: bool,
    /// Subscriptions by verdict.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// Bars that begin, grow, or begin anew at their end.
    pub new_bars: u64,
    /// Bars that end.
    pub ended_bars: u64,
    /// Why the day's input is not complete, so that nobody new is barred; empty when it is.
    pub open: Vec<String>,
    /// Answers and changes of subscriptions for which `decide` computes the candidates again first.
    pub late_rows: u64,
    /// The verdicts in words.
    #[serde(skip)]
    said: String,
}

impl Looked {
    /// For people.
    pub fn text(&self) -> String {
        let Self { day, said, new_bars, ended_bars, open, late_rows, .. } = self;
        let mut lines = vec![format!(
            "{day}: {said}; {new_bars} bars begin or grow, {ended_bars} end (dry run, nothing is written)"
        )];
        lines.extend(open.iter().map(|reason| format!("input is not complete, nobody new is barred: {reason}")));
        if *late_rows > 0 {
            lines.push(format!("{late_rows} rows came behind the candidates, which decide computes again first"));
        }
        lines.join("\n")
    }
}

/// Looks at a day as `decide` would, with what the desk has said until now where there is a store.
pub async fn day(
    lake: &Lake,
    definitions: Definitions,
    day: Day,
    store: Option<&Store>,
    clock: Clock,
) -> anyhow::Result<Looked> {
    run::ensure_begun(day, clock)?;
    let mut began = Began::now(clock);
    let mut runner = Runner::new(lake.clone(), definitions, clock);
    ensure_candidates(&mut runner, day).await?;
    let complete_at = day.ends_at() + super::lateness_us(runner.definitions())?;
    let books = ledger::books(&mut runner).await?;
    let mut versions = Versions::read(&mut runner, &books).await?;
    let mut open = ledger::open_reasons_by(books, complete_at);
    let late_rows = late::behind_candidates(&versions, runner.definitions(), day)?;
    if late_rows > 0 {
        // What will be computed again is older than nothing then.
        versions.forget(Table::BLOCK_CANDIDATE, day);
    }
    open.extend(behind_ledger(&versions, runner.definitions(), day, began.at)?);
    let input = if open.is_empty() { Input::Complete } else { Input::Open };
    let desk = match store {
        Some(store) => case::look(store, lake, day).await?,
        None => case::desk(&mut runner, &mut began, day, None).await?,
    };
    let decisions = weigh(&mut runner, &mut began, (day, input), desk).await?;
    let mut counts: BTreeMap<Verdict, u64> = BTreeMap::new();
    let (mut new_bars, mut ended_bars) = (0, 0);
    for decision in &decisions {
        *counts.entry(decision.verdict).or_default() += 1;
        new_bars += u64::from(decision.verdict.is_bar() && decision.since == day);
        ended_bars += u64::from(decision.previous.is_bar() && !decision.verdict.is_bar());
    }
    let verdicts = counts.iter().map(|(verdict, count)| (verdict.as_str(), *count)).collect();
    Ok(Looked { day, is_dry_run: true, verdicts, new_bars, ended_bars, open, late_rows, said: words(&counts) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::number::Number;
    use crate::job::desk::Hand;
    use crate::job::tests::{inserted, open_desk};
    use crate::pipeline::run::folder;
    use crate::store::review::Review;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_dry_run_hears_the_desk_and_writes_nothing() {
        let place = tempfile::tempdir().unwrap();
        let lake = Lake::local(&place.path().join("lake")).unwrap();
        let monday: Day = "2025-01-06".parse().unwrap();
        let columns = "day, number, segment, score, origins, proposed";
        let values = "('2025-01-06', 84962000001, 'prepaid', 0.9, 2, 'limited'), \
            ('2025-01-06', 84962000002, 'prepaid', 0.8, 2, 'limited')";
        let candidates = inserted(Table::BLOCK_CANDIDATE, columns, values).await;
        lake.open(Table::BLOCK_CANDIDATE).await.unwrap().replace(monday, &candidates).await.unwrap();
        let definitions = Definitions::read(&folder(None)).unwrap();
        let desk = open_desk(place.path(), false, monday.ends_at(), &["an"]).await;
        let number = Number::from_e164(84_962_000_001).unwrap();
        let review = Review { number, day: monday, is_confirmed: false, reason: "courier", note: "" };
        let hand = Hand { by: "an", at: monday.ends_at(), is_dry_run: false, in_clear: false };
        desk.review(hand, &review).await.unwrap();
        let store = Store::open(&format!("sqlite://{}/desk.db", place.path().display())).await.unwrap();
        let clock = Clock::Fixed(monday.plus(1).ends_at());
        let looked = day(&lake, definitions, monday, Some(&store), clock).await.unwrap();
        assert_eq!(looked.verdicts, BTreeMap::from([("survey", 1), ("watched", 1)]), "the first was dismissed");
        assert_eq!((looked.new_bars, looked.ended_bars, looked.late_rows), (0, 0, 0));
        assert!(!looked.open.is_empty(), "subscriber has never been read");
        let said = "2025-01-06: 1 survey, 1 watched; 0 bars begin or grow, 0 end (dry run, nothing is written)\n";
        assert!(looked.text().starts_with(said), "{}", looked.text());
        for table in [Table::DECISION, Table::CASE_EVENT, Table::ALLOW_LIST, Table::PIPELINE_RUN] {
            assert!(lake.find(table).await.unwrap().is_none(), "{table} was written");
        }
    }
}
