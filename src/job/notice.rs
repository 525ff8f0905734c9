//! `export notices`: what newly barred or released subscribers are told, for the SMS gateway.
//!
//! In: `blocklist_day`, the lists that have left, and what was told before. Out: a published file, and rows of `notice`.
//! Never: tells anybody twice of one thing, of what no list has asked for, or of the end of a bar that none carried;
//! leaves anybody with word of a bar, or of the end of one, that the day, decided anew, does not have, whenever it was
//! told; tells the next holder of a number of the last one's bar, or somebody who is none of ours; writes a file of
//! numbers of which the desk's trail does not know.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use serde::Serialize;
use serde_json::json;

use self::file::{Message, Named};
use self::known::{Before, Known};
use super::blocklist::publication::published;
use super::check::Invalid;
use super::decide;
use super::desk::handout::Trail;
use super::export::computed_rows;
use super::holder::Holders;
use crate::clock::Clock;
use crate::decide::Cause;
use crate::domain::bar::Action;
use crate::domain::day::Day;
use crate::export::blocklist::{Change, Kind, Publication, digits, latest};
use crate::export::list::publish as publish_list;
use crate::export::notice::{FILE, Templates, Told, is_told};
use crate::lake::Lake;
use crate::pipeline::run::folder;
use crate::schema::column::{blocklist_day as listed, decision};
use crate::schema::contract::Table;

mod file;
mod known;

/// What was handed to the gateway.
#[derive(Debug, Serialize)]
pub struct Noticed {
    /// Messages.
    pub notices: usize,
    /// The folder; null when there was nothing to tell that had not been told.
    pub folder: Option<PathBuf>,
    /// What runs that were cut off had published of the day and may never have named, where it is in other folders.
    pub earlier: Vec<Earlier>,
    /// Notices that wait for a list, or that a later list has made untrue.
    pub unlisted: usize,
    /// Whether anything was published.
    pub is_changed: bool,
}

/// A file that is to be handed to the gateway beside the newest.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Earlier {
    /// Messages.
    pub notices: usize,
    /// The folder.
    pub folder: PathBuf,
}

impl Noticed {
    /// For people.
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        for Earlier { notices, folder } in &self.earlier {
            let folder = folder.display();
            lines.push(format!("{folder}: {notices} notices, of a run that was cut off before it named them"));
        }
        lines.push(match &self.folder {
            Some(folder) => format!("{}: {} notices", folder.display(), self.notices),
            None => "nobody has to be told anything new".to_owned(),
        });
        if self.unlisted > 0 {
            lines.push(format!(
                "{} are not told: no list asks the network for it, or a later one for something else; export blocklist \
                 comes first",
                self.unlisted
            ));
        }
        lines.join("\n")
    }
}

/// The carrier's templates, in the named folder of definitions or the usual one.
pub fn templates(pipelines: Option<PathBuf>) -> anyhow::Result<Templates> {
    let path = folder(pipelines).join(FILE);
    let text = std::fs::read_to_string(&path);
    let text = text.map_err(|error| Invalid(vec![format!("reading {}: {error}", path.display())]))?;
    Templates::read(&text).map_err(|problems| Invalid(problems).into())
}

/// Publishes `OUT/notices/DAY.BATCH/notices.csv`, names it, then writes down who was told. A file that is not written
/// down is named by the next run: whoever dies on the way has handed nothing over in silence.
pub async fn publish(
    lake: &Lake,
    templates: &Templates,
    out: &Path,
    day: Day,
    (trail, clock): (Trail<'_>, Clock),
    name: impl FnOnce(&Noticed) -> anyhow::Result<()>,
) -> anyhow::Result<Noticed> {
    let list = computed_rows(lake, Table::BLOCKLIST_DAY, day).await?;
    let publications = published(lake).await?;
    let mut noted = lake.open(Table::NOTICE).await?;
    let root = out.join("notices");
    let before = Before::read(&noted, &root, day).await?;
    let ours = ours(lake, day).await?;
    let messages = messages(&list, &ours, &before.freed(day), templates, day)?;
    let mut messages = carried(messages, &publications, &before.last, day);
    messages.retain(|message| !before.has_told(message, day));
    let Before { mut files, next, mut last, .. } = before;
    let open = open(&publications, day);
    last.retain(|number, last| last.day <= day && open.contains(number));
    let (gone, days) = (gone(&last, &list)?, (day, Day::of(clock.now()).max(day)));
    let numbers: BTreeSet<i64> = messages.iter().map(|message| message.number).chain(gone.keys().copied()).collect();
    let holders = Holders::read(lake.find(Table::SUBSCRIBER).await?.as_ref(), &numbers).await?;
    let mut messages = held(messages, &ours, &holders, days)?;
    messages.extend(lifted(lake, &gone, &holders, days, templates).await?);
    messages.sort();
    let (due, asked) = (messages.len(), asked(&publications, &list, day)?);
    messages.retain(|message| asked.contains(&(message.number, message.action.as_str())));
    let unlisted = due - messages.len();
    let mut is_changed = false;
    if !messages.is_empty() {
        let batch = files.last().map_or(next, |file| file.batch + 1);
        let id = format!("{day}.{batch}");
        let detail = json!({ "out": root.join(&id).display().to_string(), "day": day, "numbers": messages.len() });
        trail.tell("export_notices", clock.now(), &detail).await?;
        let published = publish_list(&root, &id, "notices", &[file::rows(&messages, &id)?])?;
        is_changed = published.is_changed;
        files.push(Named { batch, folder: published.folder, messages });
    }
    let noticed = Noticed::of(&files, unlisted, is_changed);
    name(&noticed)?;
    known::note(&mut noted, &files, day, clock).await?;
    Ok(noticed)
}

/// What lists have asked the network for of each number last, where that began when it did by the list of a day or, of
/// what is given back, was asked for since: a decision that no list has carried bars and frees nobody.
fn asked(
    publications: &[Publication],
    list: &[RecordBatch],
    day: Day,
) -> anyhow::Result<BTreeSet<(i64, &'static str)>> {
    let mut begun: BTreeMap<i64, Day> = BTreeMap::new();
    for batch in list {
        let (numbers, from) = (listed::NUMBER.of(batch)?, listed::FROM_DAY.of(batch)?);
        let from = from.values().iter().map(|from| Day::from_epoch_days(*from));
        begun.extend(numbers.values().iter().copied().zip(from));
    }
    let is_of_day = |of: Day, change: &Change| match change.kind {
        Kind::Removed => of >= day,
        Kind::Added | Kind::Changed => begun.get(&digits(change.entry.number)) == Some(&change.entry.from),
    };
    let latest = latest(publications).into_iter().filter(|&(_, (of, change))| is_of_day(of, change));
    Ok(latest.map(|(number, (_, change))| (digits(number), change.entry.action.as_str())).collect())
}

/// Messages without the end of a bar that no list has carried since an end was told last: every list has left it out,
/// or it was over before one left, so that its subscriber never was under it.
fn carried(
    mut messages: Vec<Message>,
    publications: &[Publication],
    last: &BTreeMap<i64, Known>,
    day: Day,
) -> Vec<Message> {
    // What the network held before our first list, no list of ours has carried.
    if publications.iter().all(|publication| publication.day >= day) {
        return messages;
    }
    let mut carried = BTreeSet::new();
    for publication in publications {
        let is_news = |told: &Known| told.action != Action::Unblock.as_str() || told.day <= publication.day;
        let bars = publication.changes.iter().filter(|change| change.entry.action.is_bar());
        let numbers = bars.map(|change| digits(change.entry.number));
        carried.extend(numbers.filter(|number| last.get(number).is_none_or(is_news)));
    }
    messages.retain(|message| message.action != Action::Unblock.as_str() || carried.contains(&message.number));
    messages
}

/// Numbers of which no notice of an earlier day tells that a list has given them back: whom lists bar, and whom one has
/// given back on a day or since.
fn open(publications: &[Publication], day: Day) -> BTreeSet<i64> {
    let latest = latest(publications).into_iter();
    let open = latest.filter(|(_, (of, change))| change.kind != Kind::Removed || *of >= day);
    open.map(|(number, _)| digits(number)).collect()
}

impl Noticed {
    /// Of the files that are named, the newest last.
    fn of(files: &[Named], unlisted: usize, is_changed: bool) -> Self {
        let told = |file: &Named| Earlier { notices: file.messages.len(), folder: file.folder.clone() };
        let mut earlier: Vec<Earlier> = files.iter().map(told).collect();
        let newest = earlier.pop();
        let notices = newest.as_ref().map_or(0, |newest| newest.notices);
        Self { notices, folder: newest.map(|newest| newest.folder), earlier, unlisted, is_changed }
    }
}

/// Messages to whom their cases are about: who has a number since is told nothing of the last one's bar.
fn held(
    messages: Vec<Message>,
    ours: &BTreeMap<String, Option<i64>>,
    holders: &Holders,
    (day, today): (Day, Day),
) -> anyhow::Result<Vec<Message>> {
    let mut held = Vec::new();
    for message in messages {
        let holder = holders.within(message.number, (day, today))?;
        let is_own = ours.get(&message.case_id) == Some(&holder.activated_at());
        if is_own && holder.until >= today.ends_at() {
            held.push(message);
        }
    }
    Ok(held)
}

/// Whom a bar was told last, and of whom the day's list says nothing: the day, or one before it, was decided anew
/// without it.
fn gone<'a>(last: &'a BTreeMap<i64, Known>, list: &[RecordBatch]) -> anyhow::Result<BTreeMap<i64, &'a Known>> {
    let mut gone: BTreeMap<i64, &Known> = last.iter().map(|(number, known)| (*number, known)).collect();
    gone.retain(|_, known| known.action != Action::Unblock.as_str());
    for batch in list {
        for number in listed::NUMBER.of(batch)?.values() {
            gone.remove(number);
        }
    }
    Ok(gone)
}

/// That a bar has ended, to whom it was told.
async fn lifted(
    lake: &Lake,
    gone: &BTreeMap<i64, &Known>,
    holders: &Holders,
    (day, today): (Day, Day),
    templates: &Templates,
) -> anyhow::Result<Vec<Message>> {
    let unblock = Action::Unblock.as_str();
    let mut messages = Vec::new();
    if gone.is_empty() {
        return Ok(messages);
    }
    let decided = decided(lake, gone).await?;
    for (&number, known) in gone {
        let holder = holders.within(number, (known.day, today))?;
        // Where its day, decided anew, has no row of it, it was told to whoever has held the number all the time.
        let is_told = match decided.get(&number) {
            Some(activated) => activated.contains(&holder.activated_at()),
            None => holder.others == 0 && holder.activated_at().is_some_and(|at| at < known.day.starts_at()),
        };
        // Who has the number since was never told of a bar.
        if !is_told || holder.until < today.ends_at() {
            continue;
        }
        let told = Told { action: unblock, reason: "", from: day, until: day, case_id: &known.case_id };
        let (case_id, action) = (known.case_id.clone(), unblock.to_owned());
        messages.extend(templates.text(told).map(|text| Message { number, case_id, action, text }));
    }
    Ok(messages)
}

/// The activations of some numbers in the decisions of the days of which they were told.
async fn decided(lake: &Lake, told: &BTreeMap<i64, &Known>) -> anyhow::Result<BTreeMap<i64, BTreeSet<Option<i64>>>> {
    let decisions = lake.require(Table::DECISION).await?;
    let mut decided: BTreeMap<i64, BTreeSet<Option<i64>>> = BTreeMap::new();
    for day in told.values().map(|known| known.day).collect::<BTreeSet<_>>() {
        for batch in decisions.day(day).await? {
            let (numbers, activated) = (decision::NUMBER.of(&batch)?, decision::ACTIVATED_AT.of(&batch)?);
            for row in 0..batch.num_rows() {
                let number = numbers.value(row);
                if told.get(&number).is_some_and(|known| known.day == day) {
                    decided.entry(number).or_default().insert(decide::optional(activated, row));
                }
            }
        }
    }
    Ok(decided)
}

/// What the day's block list begins or ends, for those who are our subscribers still. A bar of before is told to whom its
/// end was told, as days have it that were decided anew since: nobody is barred in silence.
fn messages(
    list: &[RecordBatch],
    ours: &BTreeMap<String, Option<i64>>,
    freed: &BTreeSet<i64>,
    templates: &Templates,
    day: Day,
) -> anyhow::Result<Vec<Message>> {
    let mut messages = Vec::new();
    for batch in list {
        let (actions, reasons) = (listed::ACTION.of(batch)?, listed::REASON.of(batch)?);
        let (from, until) = (listed::FROM_DAY.of(batch)?, listed::UNTIL_DAY.of(batch)?);
        let (numbers, cases) = (listed::NUMBER.of(batch)?, listed::CASE_ID.of(batch)?);
        for row in 0..batch.num_rows() {
            let told = Told {
                action: actions.value(row),
                reason: reasons.value(row),
                from: Day::from_epoch_days(from.value(row)),
                until: Day::from_epoch_days(until.value(row)),
                case_id: cases.value(row),
            };
            let is_of_last_holder = told.reason == Cause::SubscriptionEnded.as_str();
            let number = numbers.value(row);
            let is_due = (told.from == day || freed.contains(&number)) && is_told(told.action) && !is_of_last_holder;
            if !is_due || !ours.contains_key(told.case_id) {
                continue;
            }
            messages.extend(templates.text(told).map(|text| Message {
                number,
                case_id: told.case_id.to_owned(),
                action: told.action.to_owned(),
                text,
            }));
        }
    }
    messages.sort();
    Ok(messages)
}

/// The cases of the day that are about our subscribers, each with its activation.
async fn ours(lake: &Lake, day: Day) -> anyhow::Result<BTreeMap<String, Option<i64>>> {
    let decisions = lake.require(Table::DECISION).await?;
    let mut ours = BTreeMap::new();
    for batch in decisions.day(day).await? {
        let (cases, onnet) = (decision::CASE_ID.of(&batch)?, decision::IS_ONNET.of(&batch)?);
        let activated = decision::ACTIVATED_AT.of(&batch)?;
        let own = (0..batch.num_rows()).filter(|row| onnet.value(*row));
        ours.extend(own.map(|row| (cases.value(row).to_owned(), decide::optional(activated, row))));
    }
    Ok(ours)
}

#[cfg(test)]
mod tests;
