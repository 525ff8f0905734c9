//! The verbs of a promotion: `promote propose`, `approve`, `decline` and `list`.
//!
//! In: a folder of definitions, and in whose name. Out: a proposal, or its answer. Never: changes a definition; what is
//! promoted is the set that has this hash, wherever it lies.

use clap::Subcommand;

use super::desk::{done, list};
use super::rules::RulesArgs;
use super::site::{HandArgs, LookArgs};

#[derive(Debug, Subcommand)]
pub(super) enum PromoteVerb {
    /// Proposes a folder of definitions, as it is now.
    #[command(
        after_help = "Example: callsieve promote propose --pipelines changed --note \"two weeks in the shadow\" \\\n    \
        --by chi --config site.toml"
    )]
    Propose {
        /// Why, in words.
        #[arg(long, default_value = "")]
        note: String,
        #[command(flatten)]
        rules: RulesArgs,
        #[command(flatten)]
        hand: HandArgs,
    },
    /// Approves what another person has proposed: from now on `run` and `decide` take these definitions alone, where
    /// `require_promotion` is set.
    #[command(after_help = "Example: callsieve promote approve 17 --by an --config site.toml")]
    Approve {
        /// The proposal, as `promote list` names it.
        id: i64,
        #[command(flatten)]
        hand: HandArgs,
    },
    /// Turns a proposal down, or takes it back.
    #[command(after_help = "Example: callsieve promote decline 17 --by an --config site.toml")]
    Decline {
        /// The proposal, as `promote list` names it.
        id: i64,
        #[command(flatten)]
        hand: HandArgs,
    },
    /// What was promoted, the newest last, and what waits.
    #[command(after_help = "Example: callsieve promote list --config site.toml")]
    List {
        #[command(flatten)]
        look: LookArgs,
    },
}

pub(super) async fn promote(verb: PromoteVerb, json: bool) -> anyhow::Result<()> {
    match verb {
        PromoteVerb::Propose { note, rules, hand } => {
            let definitions = rules.load().await?;
            done(json, &hand.site.desk().await?.propose(hand.hand(), &definitions.hash()?, &note).await?)
        }
        PromoteVerb::Approve { id, hand } => done(json, &hand.site.desk().await?.promote(hand.hand(), id).await?),
        PromoteVerb::Decline { id, hand } => done(json, &hand.site.desk().await?.turn_down(hand.hand(), id).await?),
        PromoteVerb::List { look } => list(json, &look.site.desk().await?.promotions(look.look()).await?),
    }
}
