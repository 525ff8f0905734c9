//! `export dossier`: all that the lake holds against one number, for an authority that asks.
//!
//! In: a request, the lake's tables each at one version, and the leave of two people where called numbers are to be in
//! clear. Out: a published folder. Never: tells of another subscription of the number; reveals without such a leave;
//! lets a dossier leave that the desk has not written down.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde_json::json;

use self::facts::{Facts, Told};
use super::desk::{Desk, Giver};
use super::explain::{self, Outdated};
use super::export::refuse_shadow;
use super::holder::Holder;
use crate::domain::day::{Day, instant};
use crate::domain::lang::Lang;
use crate::domain::number::Number;
use crate::domain::seal::Seal;
use crate::export::dossier::{Disclosure, Dossier, Head, Subscription, check_reference, folder_name};
use crate::export::folder::{self, Aside};
use crate::export::sign::SecretKey;
use crate::lake::{Handle, Lake};
use crate::pipeline::definition::Definitions;
use crate::schema::column::pipeline_run;
use crate::schema::contract::Table;
use crate::score::explanation::Explanation;
use crate::store::wish::{Deed, Leave, Wish};

mod facts;

/// The tables that a dossier is read from.
const TABLES: [Table; 13] = [
    Table::CALL_EVENT,
    Table::CALLER_DAY,
    Table::CITIZEN_REPORT,
    Table::REPORT_CHECK,
    Table::REPORT_DAY,
    Table::SPAM_SCORE,
    Table::DETECTION_DAY,
    Table::DECISION,
    Table::SURVEY_REQUEST,
    Table::SURVEY_ANSWER,
    Table::SUBSCRIBER,
    Table::CASE_EVENT,
    Table::PIPELINE_RUN,
];

/// What an authority asks for.
#[derive(Debug, Clone)]
pub struct Order {
    /// The number.
    pub number: Number,
    /// First day.
    pub from: Day,
    /// Last day.
    pub until: Day,
    /// Reference of the request.
    pub case_ref: String,
    /// Language of the page.
    pub lang: Lang,
}

/// What was published.
#[derive(Debug, Serialize)]
pub struct Filed {
    /// The folder.
    pub folder: PathBuf,
    /// Whether the lake holds anything of the number in these days.
    pub is_known: bool,
    /// Calls in it.
    pub calls: usize,
    /// Whether called numbers are in clear.
    pub is_revealed: bool,
    /// SHA-256 of its manifest, hex.
    pub manifest_sha256: String,
    /// Whether it carries a signature.
    pub is_signed: bool,
    /// Whether anything changed; a second export of the same facts changes nothing.
    pub is_changed: bool,
}

/// Leave to show called numbers in clear, what the authority refers to, and what opens citizens' words.
#[derive(Debug, Clone)]
pub struct Cleared {
    leave: Leave,
    legal_ref: String,
    seal: Seal,
}

impl Cleared {
    /// The same with a site's keys.
    pub fn with_keys(self, seal: Seal) -> Self {
        Self { seal, ..self }
    }
}

impl Order {
    /// The leave of two people to show called numbers in clear; asked for, and refused, where it was not given yet.
    pub async fn clear(&self, desk: &Desk, by: &str, at: i64, legal_ref: &str) -> anyhow::Result<Cleared> {
        check_reference(&self.case_ref)?;
        check_reference(legal_ref).context("the legal reference")?;
        let Self { number, from, until, case_ref, .. } = self;
        let wish = Wish {
            deed: Deed::Reveal,
            number: *number,
            reason: "authority".to_owned(),
            note: format!("case {case_ref}, {from} to {until}, by {legal_ref}"),
            until: None,
        };
        let leave = desk.leave(by, at, &wish).await?;
        Ok(Cleared { leave, legal_ref: legal_ref.to_owned(), seal: Seal::default() })
    }

    /// The folder's name within its request's.
    fn name(&self, is_revealed: bool) -> String {
        let Self { number, from, until, .. } = self;
        let clear = if is_revealed { "_revealed" } else { "" };
        format!("{}_{from}_{until}{clear}", number.reveal())
    }
}

/// Publishes `OUT/dossier/CASE/NUMBER_FROM_UNTIL`, after the giver's desk has written down that it leaves.
pub async fn publish(
    lake: &Lake,
    definitions: &Definitions,
    order: &Order,
    (out, key): (&Path, Option<&SecretKey>),
    cleared: Option<&Cleared>,
    giver: Giver<'_>,
) -> anyhow::Result<Filed> {
    refuse_shadow(lake)?;
    check_reference(&order.case_ref)?;
    let dossier = Sources::open(lake).await?.dossier(definitions, order, cleared).await?;
    let is_revealed = cleared.is_some();
    let dossiers = out.join("dossier");
    sweep(&dossiers)?;
    let root = dossiers.join(folder_name(&order.case_ref));
    let name = order.name(is_revealed);
    let aside = Aside::open(&root, &name)?;
    let manifest_sha256 = dossier.write(&aside, key)?;
    let Order { from, until, case_ref, .. } = order;
    let detail = json!({
        "case": case_ref, "from": from, "until": until, "is_revealed": is_revealed,
        "leave": cleared.map(|cleared| cleared.leave.id), "manifest_sha256": manifest_sha256,
    });
    giver.hand_out("dossier", order.number, &detail).await?;
    Ok(Filed {
        folder: root.join(name),
        is_known: dossier.head.is_known,
        calls: dossier.rows("calls"),
        is_revealed,
        manifest_sha256,
        is_signed: key.is_some(),
        is_changed: aside.publish()?,
    })
}

/// Removes what killed runs have left aside of any request.
fn sweep(dossiers: &Path) -> anyhow::Result<()> {
    if !dossiers.is_dir() {
        return Ok(());
    }
    for request in std::fs::read_dir(dossiers).with_context(|| format!("reading {}", dossiers.display()))? {
        folder::sweep(&request?.path())?;
    }
    Ok(())
}

/// The tables, each at one version; those that the lake has.
struct Sources(BTreeMap<&'static str, Handle>);

impl Sources {
    async fn open(lake: &Lake) -> anyhow::Result<Self> {
        let mut tables = BTreeMap::new();
        for table in TABLES {
            if let Some(handle) = lake.find(table).await? {
                tables.insert(table.name(), handle);
            }
        }
        Ok(Self(tables))
    }

    fn get(&self, table: Table) -> Option<&Handle> {
        self.0.get(table.name())
    }

    async fn dossier(
        &self,
        definitions: &Definitions,
        order: &Order,
        cleared: Option<&Cleared>,
    ) -> anyhow::Result<Dossier> {
        let holder = Holder::within(self.get(Table::SUBSCRIBER), order.number, (order.from, order.until)).await?;
        let answer_s = definitions.get(Table::BLOCK_CANDIDATE)?.integer("answer_s")?;
        let facts = Facts { sources: self, order, holder: &holder, cleared, answer_s };
        let Told { mut sections, judged, closed } = facts.told().await?;
        let (explained, unexplained) = self.explained(definitions, order, judged).await?;
        sections.insert(0, facts::criteria(explained.as_ref(), order.lang));
        let head = Head {
            number: order.number.reveal().to_string(),
            case_ref: order.case_ref.clone(),
            from: order.from,
            until: order.until,
            first_day: holder.first,
            last_day: holder.last,
            is_known: holder.own.is_some() || sections.iter().any(|section| !section.rows.is_empty()),
            subscription: holder.own.as_ref().map(|own| Subscription {
                activated_at: instant(own.activated_at),
                deactivated_at: own.deactivated_at.map(instant),
                segment: own.segment.clone(),
            }),
            other_subscriptions: holder.others,
            disclosure: cleared.map(|cleared| Disclosure {
                legal_ref: cleared.legal_ref.clone(),
                asked_by: cleared.leave.by.clone(),
                approved_by: cleared.leave.approved_by.clone(),
                audit: cleared.leave.id,
            }),
            judged_on: explained.as_ref().map(|explained| explained.day),
            clearing: explained.as_ref().and_then(|explained| explained.clearing(order.lang)),
            unexplained,
            closed: missing_keys(&closed, order.lang),
        };
        let tables = self.0.iter().map(|(name, handle)| ((*name).to_owned(), handle.version())).collect();
        let definitions = self.definitions(&holder).await?;
        Ok(Dossier { head, lang: order.lang, sections, tables, definitions })
    }

    /// The explanation of the last day on which the number was judged, or why there is none.
    async fn explained(
        &self,
        definitions: &Definitions,
        order: &Order,
        judged: Option<Day>,
    ) -> anyhow::Result<(Option<Explanation>, Option<String>)> {
        let (Some(scores), Some(day)) = (self.get(Table::SPAM_SCORE), judged) else { return Ok((None, None)) };
        match explain::judged_on(scores, definitions, order.number, day).await {
            Ok(explained) => Ok((explained, None)),
            Err(error) if error.is::<Outdated>() => Ok((None, Some(format!("{error:#}")))),
            Err(error) => Err(error),
        }
    }

    /// Hashes of the definitions that computed the days, of the tables that the facts are read from.
    async fn definitions(&self, holder: &Holder) -> anyhow::Result<BTreeMap<String, BTreeSet<String>>> {
        let mut definitions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let Some(runs) = self.get(Table::PIPELINE_RUN) else { return Ok(definitions) };
        let columns = [pipeline_run::TABLE_NAME.name, pipeline_run::DEFINITION_HASH.name];
        for batch in runs.rows_within((holder.first, holder.last), &columns).await? {
            let (tables, hashes) = (pipeline_run::TABLE_NAME.of(&batch)?, pipeline_run::DEFINITION_HASH.of(&batch)?);
            for (table, hash) in tables.iter().flatten().zip(hashes.iter().flatten()) {
                if self.0.contains_key(table) {
                    definitions.entry(table.to_owned()).or_default().insert(hash.to_owned());
                }
            }
        }
        Ok(definitions)
    }
}

/// Which keys would open what stays closed; nothing where all opens.
fn missing_keys(closed: &BTreeMap<String, usize>, lang: Lang) -> Option<String> {
    let reports: usize = closed.values().sum();
    let keys = closed.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let text = match lang {
        Lang::En => format!("the words of {reports} reports, sealed with keys that are missing here: {keys}"),
        Lang::Vi => format!("nội dung của {reports} phản ánh, được mã hoá bằng khoá không có ở đây: {keys}"),
    };
    (reports > 0).then_some(text)
}

#[cfg(test)]
mod tests;
