//! The desk's part in a promotion: one person proposes definitions, another approves them.
//!
//! In: the hash of a set of definitions, and in whose name. Out: what was done, and what waits. Never: a promotion by one.

use serde_json::json;

use super::{Desk, Done, Hand, Line, Look};
use crate::domain::day::instant;
use crate::store::promotion::{Promotion, Proposal};
use crate::store::user::Role;

impl Desk {
    /// Proposes a set of definitions.
    pub async fn propose(&self, hand: Hand<'_>, definitions: &str, note: &str) -> anyhow::Result<Done> {
        let mut act = self.store.act(hand.by, Role::Analyst, hand.at).await?;
        let id = act.propose(definitions, note).await?;
        self.end(act, hand, id, "waits for a second person", None).await
    }

    /// Approves one.
    pub async fn promote(&self, hand: Hand<'_>, id: i64) -> anyhow::Result<Done> {
        let mut act = self.store.act(hand.by, Role::Supervisor, hand.at).await?;
        let id = act.promote(id).await?;
        self.end(act, hand, id, "promoted", None).await
    }

    /// Turns one down, or takes it back.
    pub async fn turn_down(&self, hand: Hand<'_>, id: i64) -> anyhow::Result<Done> {
        let mut act = self.store.act(hand.by, Role::Supervisor, hand.at).await?;
        let id = act.turn_down(id).await?;
        self.end(act, hand, id, "turned down", None).await
    }

    /// What waits, and what was promoted, the newest last.
    pub async fn promotions(&self, look: Look<'_>) -> anyhow::Result<Vec<Line>> {
        let approved = self.store.promotions().await?;
        let approved = approved.iter().map(|promotion: &Promotion| {
            let facts = json!({
                "definitions": promotion.definitions, "note": promotion.note, "by": promotion.proposed_by,
                "approved_by": promotion.approved_by, "at": instant(promotion.approved_at),
            });
            (promotion.id, None, facts)
        });
        let waiting = self.store.proposals().await?;
        let waiting = waiting.iter().map(|proposal: &Proposal| {
            let facts = json!({
                "definitions": proposal.definitions, "note": proposal.note, "by": proposal.by,
                "waits_since": instant(proposal.at),
            });
            (proposal.id, None, facts)
        });
        self.lines(approved.chain(waiting).collect(), look, "promote list").await
    }
}
