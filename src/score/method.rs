//! How the shapes of a card are fitted.
//!
//! In: the name of a method. Out: models of it, from the stiffest to the freest, for held-out rows to choose from.
//! Never: a choice among them. `benches/scorecard/README.md` has the figures behind each number here.

use std::str::FromStr;

use anyhow::bail;

use super::boost::{Settings, boost};
use super::fit::{Binned, Labels, Model};
use super::ridge::regress;

/// How shapes are fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Logistic regression over bins, under a ridge on the steps between neighbours.
    #[default]
    Logistic,
    /// Boosting in turns of single cuts.
    Boosted,
}

/// Turns of boosting from one model to the next, and of the last model.
const EVERY: usize = 20;
const MOST_ROUNDS: usize = 600;

/// Ridges of logistic regression, each the root of two below the one before.
const RIDGES: [f64; 19] = [
    1024.0, 724.0, 512.0, 362.0, 256.0, 181.0, 128.0, 90.5, 64.0, 45.3, 32.0, 22.6, 16.0, 11.3, 8.0, 5.66, 4.0, 2.83,
    2.0,
];

impl Method {
    /// Bins before shapes are made shorter.
    pub fn bins(self) -> usize {
        match self {
            Self::Logistic => 16,
            Self::Boosted => 64,
        }
    }

    /// Models of all rows, each freer than the one before; as many for any rows.
    pub fn models(self, data: &Binned, labels: &Labels) -> Vec<Model> {
        match self {
            Self::Logistic => regress(data, labels, &RIDGES),
            Self::Boosted => {
                let mut models = Vec::new();
                boost(data, labels, Settings::of(labels.is_positive.len(), MOST_ROUNDS), |round, model| {
                    if round % EVERY == 0 {
                        models.push(model.clone());
                    }
                });
                models
            }
        }
    }

    /// How one of the models was fitted, in words.
    pub fn words(self, model: usize) -> String {
        match (self, RIDGES.get(model)) {
            (Self::Logistic, Some(ridge)) => format!("logistic regression over bins, ridge {ridge}"),
            (Self::Logistic, None) => "logistic regression over bins".to_owned(),
            (Self::Boosted, _) => format!("boosted shapes, {} turns", (model + 1) * EVERY),
        }
    }
}

impl FromStr for Method {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        match text {
            "logistic" => Ok(Self::Logistic),
            "boosted" => Ok(Self::Boosted),
            _ => bail!("\"{text}\" is no method; there are logistic and boosted"),
        }
    }
}
