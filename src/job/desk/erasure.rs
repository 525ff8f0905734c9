//! The desk's part in an erasure: who may, and what is written down before anything goes and behind it.
//!
//! In: whose request, and what goes. Out: rows of the audit trail. Never: an erasure that the trail does not know to be
//! begun; takes an erasure that was cut off for one that is done.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::Desk;
use crate::domain::day::{Day, instant};
use crate::domain::number::Number;
use crate::job::holder::Holder;
use crate::store::audit::{Entry, Wanted};
use crate::store::user::Role;
use crate::store::wish::{Deed, Leave, Wish};

const BEGUN: &str = "subject_erase";
const ENDED: &str = "subject_erased";

/// What an erasure is about to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Reference of the request.
    pub case: String,
    /// Activation of the subscription that asks; null in rows of before the field.
    pub activated_at: Option<i64>,
    /// The leave of two people, where they gave one.
    pub leave: Option<i64>,
    /// Rows that lose something, by table.
    pub rows: BTreeMap<String, u64>,
    /// Partitions that are built again from what is left, by table.
    pub rebuilt: BTreeMap<String, BTreeSet<Day>>,
}

impl Begun {
    fn read(entry: &Entry) -> anyhow::Result<Self> {
        serde_json::from_str(&entry.detail).context("reading the audit trail")
    }
}

impl Desk {
    /// The leave of two people to erase what is of one subscription; none where the site does not ask for four eyes.
    pub async fn may_erase(
        &self,
        (by, at): (&str, i64),
        number: Number,
        case: &str,
        activated_at: Option<i64>,
    ) -> anyhow::Result<Option<Leave>> {
        if !self.four_eyes {
            return Ok(None);
        }
        let activated = activated_at.map(|at| format!(", activated at {}", instant(at))).unwrap_or_default();
        let (reason, note) = ("subject".to_owned(), format!("case {case}{activated}"));
        let wish = Wish { deed: Deed::Erase, number, reason, note, until: None };
        self.leave(by, at, &wish).await.map(Some)
    }

    /// Writes down what is about to go, in somebody's name.
    pub async fn begin_erasure(&self, by: &str, at: i64, number: Number, begun: &Begun) -> anyhow::Result<i64> {
        let needs = if self.four_eyes { Role::Analyst } else { Role::Supervisor };
        let mut act = self.store.act(by, needs, at).await?;
        let id = act.erase(BEGUN, number, &serde_json::to_value(begun)?).await?;
        act.commit().await?;
        Ok(id)
    }

    /// Writes down that all of it has gone.
    pub async fn end_erasure(&self, by: &str, at: i64, number: Number, begun: i64) -> anyhow::Result<()> {
        let mut act = self.store.act(by, Role::Analyst, at).await?;
        act.erase(ENDED, number, &serde_json::json!({ "begun": begun })).await?;
        act.commit().await
    }

    /// The first erasure that was begun for a number's holder. What stands for the number tells of this one ever after:
    /// what another run empties, after a kill or months later, is the same person's; the next holder's is not.
    pub(in crate::job) async fn first_erasure(&self, number: Number, holder: &Holder) -> anyhow::Result<Option<i64>> {
        let mut first = None;
        // The newest comes first.
        for entry in self.erasures(number).await?.into_iter().filter(|entry| entry.act == BEGUN) {
            let begun = Begun::read(&entry)?;
            // Who asked before there was the field held the number then.
            if begun.activated_at.map_or(holder.holds(entry.at), |at| Some(at) == holder.activated_at()) {
                first = Some(entry.seq);
            }
        }
        Ok(first)
    }

    async fn erasures(&self, number: Number) -> anyhow::Result<Vec<Entry>> {
        let wanted = Wanted { number: Some(number), limit: i64::MAX, ..Wanted::default() };
        let mut trail = self.store.trail(&wanted).await?;
        trail.retain(|entry| [BEGUN, ENDED].contains(&entry.act.as_str()));
        Ok(trail)
    }

    /// The newest erasure of a number, where it was begun and cut off.
    pub async fn unfinished_erasure(&self, number: Number) -> anyhow::Result<Option<Begun>> {
        let newest = self.erasures(number).await?.into_iter().next();
        newest.filter(|entry| entry.act == BEGUN).as_ref().map(Begun::read).transpose()
    }
}
