//! Days computed ahead of their decisions, which wait for one another.
//!
//! In: days, in order, whose records are there. Out: the same days in order, each once its events and features are.
//! Never: judges a day; that is left to whoever takes it.

use anyhow::Context;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::EVENTS;
use crate::clock::Clock;
use crate::domain::day::Day;
use crate::lake::Lake;
use crate::pipeline::definition::Definitions;
use crate::pipeline::run::Runner;
use crate::schema::contract::Table;

/// Days whose events and features are being computed ahead of whoever takes those that are done, in order.
pub(super) struct Ahead {
    done: mpsc::Receiver<Day>,
    computing: JoinSet<anyhow::Result<()>>,
}

impl Ahead {
    /// Folds the records of days into events on two lanes, and computes features of each day in order.
    pub(super) fn start(lake: &Lake, definitions: &Definitions, days: Vec<Day>, features: &'static [Table]) -> Self {
        let runner = || Runner::new(lake.clone(), definitions.clone(), Clock::System);
        let mut computing = JoinSet::new();
        let mut lanes = [0, 1].map(|lane| {
            let (done, folded) = mpsc::channel(1);
            computing.spawn(fold(runner(), days.iter().copied().skip(lane).step_by(2).collect(), done));
            folded
        });
        let (finish, done) = mpsc::channel(days.len().max(1));
        let mut runner = runner();
        computing.spawn(async move {
            for lane in (0..days.len()).map(|index| index % 2) {
                let Some(day) = lanes[lane].recv().await else { anyhow::bail!("a lane has ended before its last day") };
                runner.run(features, day).await?;
                finish.send(day).await.context(ABANDONED)?;
            }
            Ok(())
        });
        Self { done, computing }
    }

    /// The next day that is done; none after the last one.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Day>> {
        let day = self.done.recv().await;
        if day.is_none() {
            while let Some(ended) = self.computing.join_next().await {
                ended??;
            }
        }
        Ok(day)
    }
}

/// Folds days, and says which are done.
async fn fold(mut runner: Runner, days: Vec<Day>, done: mpsc::Sender<Day>) -> anyhow::Result<()> {
    for day in days {
        runner.run(&EVENTS, day).await?;
        done.send(day).await.context(ABANDONED)?;
    }
    Ok(())
}

const ABANDONED: &str = "nobody takes the days that are computed ahead";
