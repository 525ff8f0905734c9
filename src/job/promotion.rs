//! Whether the definitions that are about to decide are the promoted ones.
//!
//! In: the case store's promotions, and a set of definitions. Out: the table `promotion`, or a refusal. Never: promotes
//! anything; that takes two people at the desk. Forgets that a lake was once decided so.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use arrow::array::RecordBatch;

use crate::lake::append::Span;
use crate::lake::{Handle, Lake};
use crate::pipeline::definition::Definitions;
use crate::schema::column::promotion as column;
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::store::Store;
use crate::store::promotion::Promotion;

/// The definitions are not those that a second person has approved: exit code 6.
#[derive(Debug, thiserror::Error)]
#[error(
    "these definitions ({given}) are not the promoted ones ({}); `callsieve promote propose`, a second \
     person approves, and the lake learns of it by --config",
    .promoted.as_deref().unwrap_or("none are")
)]
pub struct NotPromoted {
    /// Hash of those that were given.
    pub given: String,
    /// Hash of the promoted ones; `None` when nothing was ever promoted.
    pub promoted: Option<String>,
}

/// The name by which the table remembers that promotions are required.
const REQUIRED: &str = "require_promotion";

/// Whether a lake has ever been decided by promoted definitions alone: then it is from there on, whatever configuration
/// is named, or none.
pub async fn is_required(lake: &Lake) -> anyhow::Result<bool> {
    match lake.find(Table::PROMOTION).await? {
        Some(table) => Ok(table.offset(REQUIRED).await?.is_some()),
        None => Ok(false),
    }
}

/// Lets definitions pass that are the newest promoted ones that a lake knows, with those of a store copied into it first.
pub async fn admit(store: Option<&Store>, lake: &Lake, definitions: &Definitions) -> anyhow::Result<()> {
    if let Some(store) = store {
        lake.alone(copy(store, lake)).await?;
    }
    pass(promoted(lake).await?, definitions)
}

/// Lets the same definitions pass, and writes nothing: what a lake once knows of promotions, it asks everybody for.
pub async fn look(store: Option<&Store>, lake: &Lake, definitions: &Definitions) -> anyhow::Result<()> {
    let promoted = match store {
        Some(store) => {
            let (promotions, _) = approved(store, lake).await?;
            promotions.into_iter().next_back().map(|newest| newest.definitions)
        }
        None => promoted(lake).await?,
    };
    pass(promoted, definitions)
}

fn pass(promoted: Option<String>, definitions: &Definitions) -> anyhow::Result<()> {
    let given = definitions.hash()?;
    if promoted.as_ref() == Some(&given) { Ok(()) } else { Err(NotPromoted { given, promoted }.into()) }
}

async fn copy(store: &Store, lake: &Lake) -> anyhow::Result<()> {
    let mut handle = lake.open(Table::PROMOTION).await?;
    let (promotions, is_known) = approved(store, lake).await?;
    require(&mut handle).await?;
    if !is_known {
        handle.replace_all(&[sheet(&promotions)]).await?;
    }
    Ok(())
}

/// All promotions of a store, and whether the lake has each of them; fails where it has others.
async fn approved(store: &Store, lake: &Lake) -> anyhow::Result<(Vec<Promotion>, bool)> {
    let promotions = store.promotions().await?;
    // A trail that was restored from a backup and went on may have another promotion at the same place.
    let approved: BTreeSet<(i64, String)> =
        promotions.iter().map(|promotion| (promotion.id, promotion.definitions.clone())).collect();
    let mut known = BTreeSet::new();
    if let Some(table) = lake.find(Table::PROMOTION).await? {
        for batch in table.rows(vec![], &[]).await? {
            let (ids, hashes) = (column::PROMOTION_ID.of(&batch)?, column::DEFINITIONS.of(&batch)?);
            known.extend((0..batch.num_rows()).map(|row| (ids.value(row), hashes.value(row).to_owned())));
        }
    }
    let forgotten = known.difference(&approved).count();
    ensure!(
        forgotten == 0,
        "the case store lacks {forgotten} promotions that the lake has of it: is it another one? see store in [desk]; where \
         a backup of it was restored, have the definitions promoted again, then take the folder promotion out of the lake, \
         which is a copy that is made anew"
    );
    Ok((promotions, known == approved))
}

/// Writes down that promotions are required, once.
async fn require(handle: &mut Handle) -> anyhow::Result<()> {
    if handle.offset(REQUIRED).await?.is_none() {
        let mark = Span { app_id: REQUIRED.to_owned(), from: 0, until: 1 };
        handle.append(&[], &[mark]).await.context("writing down that promotions are required")?;
    }
    Ok(())
}

/// The hash of the newest promotion that a lake knows.
async fn promoted(lake: &Lake) -> anyhow::Result<Option<String>> {
    let Some(handle) = lake.find(Table::PROMOTION).await? else { return Ok(None) };
    let mut newest: Option<(i64, String)> = None;
    for batch in handle.rows(vec![], &[]).await? {
        let (ids, hashes) = (column::PROMOTION_ID.of(&batch)?, column::DEFINITIONS.of(&batch)?);
        for (row, id) in ids.values().iter().enumerate() {
            if newest.as_ref().is_none_or(|(known, _)| known < id) {
                newest = Some((*id, hashes.value(row).to_owned()));
            }
        }
    }
    Ok(newest.map(|(_, hash)| hash))
}

fn sheet(promotions: &[Promotion]) -> RecordBatch {
    let mut sheet = Sheet::new(Table::PROMOTION.contract());
    for promotion in promotions {
        let row = sheet.row().int64(promotion.id).text(&promotion.definitions).text(&promotion.note);
        row.text(&promotion.proposed_by).text(&promotion.approved_by).instant(promotion.approved_at).end();
    }
    sheet.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::run::folder;
    use crate::store::user::Role;

    const AT: i64 = 1_736_128_800_000_000;

    async fn store(folder: &std::path::Path) -> Store {
        let store = Store::open(&format!("sqlite://{}/desk.db", folder.display())).await.unwrap();
        let mut act = store.act_on_users("an", Some(("an", Role::Supervisor)), AT).await.unwrap();
        act.add_user("an", Role::Supervisor).await.unwrap();
        act.add_user("binh", Role::Supervisor).await.unwrap();
        act.commit().await.unwrap();
        store
    }

    async fn promote(store: &Store, hash: &str) {
        let mut act = store.act("an", Role::Analyst, AT).await.unwrap();
        let id = act.propose(hash, "").await.unwrap();
        act.commit().await.unwrap();
        let mut act = store.act("binh", Role::Supervisor, AT).await.unwrap();
        act.promote(id).await.unwrap();
        act.commit().await.unwrap();
    }

    #[tokio::test]
    async fn only_the_newest_promotion_may_decide() {
        let place = tempfile::tempdir().unwrap();
        let lake = Lake::local(&place.path().join("lake")).unwrap();
        let (store, ours) = (store(place.path()).await, Definitions::read(&folder(None)).unwrap());
        let refused = admit(Some(&store), &lake, &ours).await.unwrap_err();
        assert_eq!(refused.downcast_ref::<NotPromoted>().unwrap().promoted, None);
        promote(&store, &ours.hash().unwrap()).await;
        admit(Some(&store), &lake, &ours).await.unwrap();

        let mut changed = ours.clone();
        changed.all.get_mut(&Table::BLOCK_CANDIDATE).unwrap().hash = "other".to_owned();
        let refused = admit(Some(&store), &lake, &changed).await.unwrap_err();
        assert!(refused.is::<NotPromoted>(), "one file that differs is another set: {refused:#}");
        promote(&store, &changed.hash().unwrap()).await;
        admit(Some(&store), &lake, &changed).await.unwrap();
        assert!(
            admit(Some(&store), &lake, &ours).await.unwrap_err().is::<NotPromoted>(),
            "what was promoted once is no more"
        );
    }

    #[tokio::test]
    async fn a_lake_that_was_decided_so_asks_for_promoted_definitions_without_its_store() {
        let place = tempfile::tempdir().unwrap();
        let lake = Lake::local(&place.path().join("lake")).unwrap();
        let (store, ours) = (store(place.path()).await, Definitions::read(&folder(None)).unwrap());
        assert!(!is_required(&lake).await.unwrap());
        admit(Some(&store), &lake, &ours).await.unwrap_err();
        assert!(is_required(&lake).await.unwrap(), "before anything was promoted");
        assert!(admit(None, &lake, &ours).await.unwrap_err().is::<NotPromoted>());
        promote(&store, &ours.hash().unwrap()).await;
        admit(Some(&store), &lake, &ours).await.unwrap();
        admit(None, &lake, &ours).await.unwrap();
        // What was promoted since does not take the mark away.
        promote(&store, "other").await;
        admit(Some(&store), &lake, &ours).await.unwrap_err();
        assert!(is_required(&lake).await.unwrap() && admit(None, &lake, &ours).await.unwrap_err().is::<NotPromoted>());
    }

    #[tokio::test]
    async fn a_look_lets_the_same_definitions_pass_and_binds_the_lake_to_nothing() {
        let place = tempfile::tempdir().unwrap();
        let lake = Lake::local(&place.path().join("lake")).unwrap();
        let (store, ours) = (store(place.path()).await, Definitions::read(&folder(None)).unwrap());
        assert!(look(Some(&store), &lake, &ours).await.unwrap_err().is::<NotPromoted>());
        promote(&store, &ours.hash().unwrap()).await;
        look(Some(&store), &lake, &ours).await.unwrap();
        assert!(lake.find(Table::PROMOTION).await.unwrap().is_none(), "who looks has decided nothing");
        admit(Some(&store), &lake, &ours).await.unwrap();
        look(None, &lake, &ours).await.unwrap();
        promote(&store, "other").await;
        assert!(look(Some(&store), &lake, &ours).await.unwrap_err().is::<NotPromoted>());
    }

    #[tokio::test]
    async fn a_store_that_has_forgotten_a_promotion_is_not_believed() {
        let place = tempfile::tempdir().unwrap();
        let lake = Lake::local(&place.path().join("lake")).unwrap();
        let (first, ours) = (store(place.path()).await, Definitions::read(&folder(None)).unwrap());
        promote(&first, &ours.hash().unwrap()).await;
        admit(Some(&first), &lake, &ours).await.unwrap();
        let other = tempfile::tempdir().unwrap();
        let other = store(other.path()).await;
        let refused = admit(Some(&other), &lake, &ours).await.unwrap_err();
        assert!(refused.to_string().starts_with("the case store lacks 1 promotions"), "{refused:#}");
        promote(&other, "other").await;
        let refused = admit(Some(&other), &lake, &ours).await.unwrap_err().to_string();
        assert!(
            refused.starts_with("the case store lacks 1 promotions"),
            "one at the same place is another: {refused}"
        );
    }
}
