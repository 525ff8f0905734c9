//! Promotions: which definitions decide, proposed by one person and approved by another.
//!
//! In: the hash of a set of definitions, and why. Out: the proposal, later its answer, each with its row of the trail.
//! Never: the same person twice, whether or not a desk asks for four eyes elsewhere.

use anyhow::Context;
use serde_json::json;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Act, Refused, Store};

/// A set of definitions that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Its id.
    pub id: i64,
    /// Hash over the definitions.
    pub definitions: String,
    /// Why, in words.
    pub note: String,
    /// By whom.
    pub by: String,
    /// Since when, UTC microseconds.
    pub at: i64,
}

/// A set of definitions that was approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// Place of the approval in the audit trail.
    pub id: i64,
    /// Hash over the definitions.
    pub definitions: String,
    /// Why, in the words of who proposed it.
    pub note: String,
    /// By whom.
    pub proposed_by: String,
    /// And by whom else.
    pub approved_by: String,
    /// When, UTC microseconds.
    pub approved_at: i64,
}

const WAITING: &str = "SELECT id, definitions, note, by_user, at FROM promotions WHERE answer IS NULL ORDER BY id";
const ONE: &str = "SELECT id, definitions, note, by_user, at FROM promotions WHERE answer IS NULL AND id = $1";
const APPROVED: &str = "SELECT answering, definitions, note, by_user, answered_by, answered_at FROM promotions \
    WHERE answer = 'approved' ORDER BY answering";

impl Store {
    /// Proposals that wait, oldest first.
    pub async fn proposals(&self) -> anyhow::Result<Vec<Proposal>> {
        sqlx::query(WAITING).fetch_all(&self.pool).await?.iter().map(Proposal::read).collect()
    }

    /// Every promotion, in the order in which they were approved.
    pub async fn promotions(&self) -> anyhow::Result<Vec<Promotion>> {
        sqlx::query(APPROVED).fetch_all(&self.pool).await?.iter().map(Promotion::read).collect()
    }
}

impl Proposal {
    fn read(row: &AnyRow) -> anyhow::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            definitions: row.try_get("definitions")?,
            note: row.try_get("note")?,
            by: row.try_get("by_user")?,
            at: row.try_get("at")?,
        })
    }
}

impl Promotion {
    fn read(row: &AnyRow) -> anyhow::Result<Self> {
        Ok(Self {
            id: row.try_get("answering")?,
            definitions: row.try_get("definitions")?,
            note: row.try_get("note")?,
            proposed_by: row.try_get("by_user")?,
            approved_by: row.try_get("answered_by")?,
            approved_at: row.try_get("answered_at")?,
        })
    }
}

impl Act {
    /// Proposes a set of definitions; the proposal's id.
    pub async fn propose(&mut self, definitions: &str, note: &str) -> anyhow::Result<i64> {
        let id = self.note("propose", None, &json!({ "definitions": definitions, "note": note })).await?;
        let insert = "INSERT INTO promotions (id, definitions, note, by_user, at) VALUES ($1, $2, $3, $4, $5)";
        let insert = sqlx::query(insert).bind(id).bind(definitions).bind(note).bind(&self.by).bind(self.at);
        insert.execute(&mut *self.tx).await?;
        Ok(id)
    }

    /// Makes what was proposed the set that decides; the id of the promotion.
    pub async fn promote(&mut self, id: i64) -> anyhow::Result<i64> {
        let proposal = self.proposal(id).await?;
        if proposal.by == self.by {
            return Err(Refused(format!("\"{}\" proposed it: a second person has to approve", self.by)).into());
        }
        self.answer_proposal(&proposal, "promote", "approved").await
    }

    /// Turns a proposal down, or takes it back; the place of that in the trail.
    pub async fn turn_down(&mut self, id: i64) -> anyhow::Result<i64> {
        let proposal = self.proposal(id).await?;
        self.answer_proposal(&proposal, "turn_down", "declined").await
    }

    async fn proposal(&mut self, id: i64) -> anyhow::Result<Proposal> {
        let row = sqlx::query(ONE).bind(id).fetch_optional(&mut *self.tx).await?;
        Proposal::read(&row.with_context(|| format!("no proposal {id} waits"))?)
    }

    async fn answer_proposal(&mut self, proposal: &Proposal, act: &str, answer: &str) -> anyhow::Result<i64> {
        let detail = json!({ "proposal": proposal.id, "by": proposal.by, "definitions": proposal.definitions });
        let answering = self.note(act, None, &detail).await?;
        let update =
            "UPDATE promotions SET answering = $2, answer = $3, answered_by = $4, answered_at = $5 WHERE id = $1";
        let update = sqlx::query(update).bind(proposal.id).bind(answering).bind(answer).bind(&self.by).bind(self.at);
        update.execute(&mut *self.tx).await?;
        Ok(answering)
    }
}
