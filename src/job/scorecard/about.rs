//! `scorecard about`: the model card of a scorecard that somebody wrote into a definition.
//!
//! In: definitions, and the name of a card. Out: its model card. Never: one of a trained card, which has its own.

use anyhow::{bail, ensure};

use crate::pipeline::definition::Definitions;
use crate::score::written::Written;

/// What there is to tell about a card that was written by hand.
pub fn about(definitions: &Definitions, card: &str) -> anyhow::Result<Written> {
    let found = definitions.all.values().find_map(|home| Some((home, home.facts.card.get(card)?)));
    let Some((home, content)) = found else {
        let known: Vec<String> = definitions.cards().into_keys().collect();
        bail!("there is no card {card}; there are {}", known.join(", "));
    };
    let trained = home.facts.card_file.get(card).map(|file| home.stem.with_file_name(file).with_extension("md"));
    let trained = trained.map(|model_card| model_card.display().to_string());
    ensure!(trained.is_none(), "card {card} was trained: its model card is {}", trained.unwrap_or_default());
    Ok(Written::new(card, &format!("{}/{}.toml", home.stage, home.table), content))
}
