//! A week's draw as a queue for reviewers.
//!
//! In: `review_sample`, and what was said since. Out: those drawn whom nobody has reviewed, in the order of the draw.
//! Never: a band, a score or a verdict: who knows what the rules think finds what they think.

use std::collections::BTreeSet;

use anyhow::Context;
use serde_json::json;

use super::{Desk, Line, Look};
use crate::clock::Clock;
use crate::domain::case::Word;
use crate::domain::day::{Day, Week};
use crate::domain::number::Number;
use crate::job::decide::number;
use crate::job::precision::draw;
use crate::lake::Lake;
use crate::pipeline::definition::Definitions;
use crate::pipeline::run::Runner;
use crate::schema::column::review_sample as column;
use crate::schema::contract::Table;

impl Desk {
    /// Those of a week's draw whom nobody has reviewed yet; the week is drawn where it was not.
    pub async fn sample(
        &self,
        look: Look<'_>,
        lake: &Lake,
        definitions: Definitions,
        week: Week,
    ) -> anyhow::Result<Vec<Line>> {
        let mut runner = Runner::new(lake.clone(), definitions, Clock::System);
        lake.alone(draw(&mut runner, week)).await?;
        let table = runner.newest(Table::REVIEW_SAMPLE).await?.context("the week is drawn")?;
        let since = week.monday().starts_at();
        let is_review = |word: Word| matches!(word, Word::Confirmed | Word::Dismissed | Word::Overturned);
        let said = self.store.events().await?.into_iter();
        let reviewed: BTreeSet<Number> =
            said.filter(|event| event.at >= since && is_review(event.word)).map(|event| event.number).collect();
        let mut waiting: Vec<(i64, Number, Day)> = Vec::new();
        for batch in table.day(week.monday()).await? {
            let (numbers, days) = (column::NUMBER.of(&batch)?, column::DAY.of(&batch)?);
            let is_sampled = column::IS_SAMPLED.of(&batch)?;
            for row in (0..batch.num_rows()).filter(|row| is_sampled.value(*row)) {
                let number = number(numbers.value(row))?;
                if !reviewed.contains(&number) {
                    let place = column::PLACE.of(&batch)?.value(row);
                    waiting.push((place, number, Day::from_epoch_days(days.value(row))));
                }
            }
        }
        waiting.sort();
        let rows = waiting.into_iter().zip(1..).map(|((_, number, day), id)| (id, Some(number), json!({ "day": day })));
        self.lines(rows.collect(), look, "sample").await
    }
}
