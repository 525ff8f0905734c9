//! `export blocklist`: a day's list for the network, what it changes, and the commands that carry that out.
//!
//! In: `blocklist_day`, what was published before, and who is protected by now. Out: rows of `blocklist_export` from which
//! every file can be made again, and folders. Never: shows a folder of a publication that is not written down; gives two
//! publications one number; bars anybody whom the newest tables or the desk protect, or keeps the others waiting for them.

mod protection;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use arrow::array::{Array, RecordBatch};
use serde::Serialize;
use serde_json::json;

use super::case;
use super::decide;
use super::desk::handout::Trail;
use super::export::refuse_shadow;
use super::overtaken::Chain;
use crate::clock::Clock;
use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::export::blocklist::file::{self, Folder, Format};
use crate::export::blocklist::limit;
use crate::export::blocklist::mml::{Shown, Template};
use crate::export::blocklist::{
    Asked, Change, Entry, Kind, Listing, Publication, apply, changes, digits, list_sha256, protected_since, standing,
    told,
};
use crate::lake::Lake;
use crate::lake::append::Span;
use crate::pipeline::definition::Definitions;
use crate::schema::column::{blocklist_day, blocklist_export as column};
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::store::Store;

/// The word of the row that stands for a publication itself.
const LIST: &str = "list";
/// What is said of bars that are left out since they have come to their end.
const PAST_END: &str = "past its end";
/// The name by which the table remembers how many publications it has.
const APP_ID: &str = "blocklist_export";
/// So many commands show what a template makes, and so many numbers whom it is about.
const SAMPLE: usize = 3;

/// A list that is wanted.
#[derive(Debug)]
pub struct Order {
    /// The day.
    pub day: Day,
    /// Where to publish.
    pub out: PathBuf,
    /// How rows are written.
    pub format: Format,
    /// Whether the changes are written, too.
    pub delta: bool,
    /// By which template commands are written, too.
    pub mml: Option<Template>,
    /// New bars in one run; the rules' own number when none is named.
    pub cap: Option<usize>,
    /// Whether only what is given back leaves.
    pub releases_only: bool,
    /// Whether nothing is written.
    pub is_dry_run: bool,
    /// In whose name, for the desk's trail; none where nobody is named.
    pub by: Option<String>,
}

impl Order {
    /// The whole list as CSV, by the rules' own limits.
    pub fn new(day: Day, out: &Path) -> Self {
        Self {
            day,
            out: out.to_owned(),
            format: Format::Csv,
            delta: false,
            mml: None,
            cap: None,
            releases_only: false,
            is_dry_run: false,
            by: None,
        }
    }
}

/// Masked numbers by what keeps them out of a list.
pub type LeftOut = BTreeMap<&'static str, Vec<String>>;

/// What was published, or would be.
#[derive(Debug, Serialize)]
pub struct Published {
    /// The day.
    pub day: Day,
    /// The number of the publication.
    pub sequence: i64,
    /// Numbers under a bar.
    pub bars: usize,
    /// How many changes, by kind.
    pub changes: BTreeMap<&'static str, usize>,
    /// Whom the day would bar and the list does not, by what keeps them out, masked.
    pub left_out: LeftOut,
    /// Hash of the bars.
    pub list_sha256: String,
    /// The whole list; none of a dry run.
    #[serde(flatten)]
    pub full: Option<Folder>,
    /// Changes, those that the folder lacked among them.
    pub deltas: Vec<Folder>,
    /// Commands, likewise.
    pub scripts: Vec<Folder>,
    /// Of a dry run, how many commands there are.
    pub commands: Option<usize>,
    /// The first of them, numbers masked.
    pub sample: Vec<String>,
}

/// Publishes a day's list, or says what would be published.
pub async fn publish(
    lake: &Lake,
    definitions: &Definitions,
    order: &Order,
    store: Option<&Store>,
    clock: Clock,
) -> anyhow::Result<Published> {
    refuse_shadow(lake)?;
    let mut publications = published(lake).await?;
    let (wanted, left_out) = match publications.last() {
        Some(last) if last.day > order.day => {
            refuse_overtaken(lake, order.day, last.day).await?;
            (None, LeftOut::new())
        }
        _ => {
            let before = standing(&publications)?;
            let (asked, left_out) = asked(lake, order, (&before, publications.as_slice()), store, clock).await?;
            (due(definitions, order, (&before, asked), &publications, clock)?, left_out)
        }
    };
    file::refuse_unknown(&order.out, &publications)?;
    let is_new = wanted.is_some();
    publications.extend(wanted);
    let of_day = publications.iter().rposition(|publication| publication.day == order.day);
    let day = order.day;
    let never =
        || format!("{day} was never published, and a later day was; export the newest, which has all that stand");
    let at = of_day.with_context(never)?;
    if !order.is_dry_run {
        tell(order, &publications[..=at], Trail { store, by: order.by.as_deref() }, clock).await?;
    }
    if is_new && !order.is_dry_run {
        note(lake, &publications).await?;
    }
    publications.truncate(at + 1);
    Ok(Published { left_out, ..write(order, &publications)? })
}

/// Writes down at the desk that the last of some publications is about to leave.
async fn tell(order: &Order, publications: &[Publication], trail: Trail<'_>, clock: Clock) -> anyhow::Result<()> {
    let Publication { sequence, day, list_sha256, changes, .. } =
        publications.last().context("there is a publication to tell of")?;
    let detail = json!({
        "out": order.out.display().to_string(), "day": day, "sequence": sequence, "list_sha256": list_sha256,
        "bars": standing(publications)?.len(), "changes": changes.len(),
        "with_delta": order.delta, "with_commands": order.mml.is_some(),
    });
    trail.tell("export_blocklist", clock.now(), &detail).await
}

/// Fails when a day was decided anew and no later one is since: its old list changes nobody's bar.
async fn refuse_overtaken(lake: &Lake, day: Day, last: Day) -> anyhow::Result<()> {
    let chain = Chain::read(lake).await?;
    let next = chain.next(day).filter(|next| chain.anew_before(*next).is_some());
    if let Some(next) = next {
        anyhow::bail!(
            "{day} was decided anew, and lists up to {last} have left without it: this changes nobody's bar; `callsieve run \
             --day {next}` and `callsieve decide --day {next}`, likewise each day behind it, then export the last of them"
        );
    }
    Ok(())
}

/// Everything that was published, in its order.
pub async fn published(lake: &Lake) -> anyhow::Result<Vec<Publication>> {
    match lake.find(Table::BLOCKLIST_EXPORT).await? {
        Some(table) => read(&table.rows(vec![], &[]).await?),
        None => Ok(Vec::new()),
    }
}

/// The publication that a day's list needs; none when the last one of the day says the same.
fn due(
    definitions: &Definitions,
    order: &Order,
    (before, asked): (&Listing, Asked),
    publications: &[Publication],
    clock: Clock,
) -> anyhow::Result<Option<Publication>> {
    let day = order.day;
    if !order.releases_only {
        let cap = definitions.get(Table::DECISION)?.integer("export_cap")?;
        limit::check(before, &asked, order.cap.map_or_else(|| usize::try_from(cap), Ok)?)?;
    }
    let given_back: BTreeSet<Number> = told(publications, day).into_keys().collect();
    let changes = changes(day, before, &asked, &given_back);
    let last = publications.last();
    if changes.is_empty() && last.is_some_and(|last| last.day == day) {
        return Ok(None);
    }
    Ok(Some(Publication {
        sequence: last.map_or(0, |last| last.sequence) + 1,
        day,
        list_sha256: list_sha256(&asked.bars),
        supersedes_sha256: last.map(|last| last.list_sha256.clone()),
        published_at: clock.now(),
        changes,
    }))
}

/// What the decision of a day asks for, without whom the newest tables or the desk protect, and without whose bar has come
/// to its end; these are named.
async fn asked(
    lake: &Lake,
    order: &Order,
    (before, publications): (&Listing, &[Publication]),
    store: Option<&Store>,
    clock: Clock,
) -> anyhow::Result<(Asked, LeftOut)> {
    let (day, today) = (order.day, Day::of(clock.now()));
    let is_lost = ensure_heard(lake, order).await?;
    if let Some(store) = store {
        ensure_own(lake, order, store).await?;
    }
    let asked = match decided(lake, day).await {
        // Nothing is wanted of the decision but whom it gives back: all others wait for nobody.
        Err(error) if order.releases_only && publications.last().is_some_and(|last| last.day == day) => {
            let error = format!("{error:#}");
            tracing::warn!(%day, error, "list of the day cannot be read, only what was published is looked at");
            Asked { bars: before.clone(), ended: Listing::new() }
        }
        found => found?,
    };
    let mut protected = protection::protected(lake, (day, today), store, is_lost).await?;
    if store.is_none() && case::is_unasked(lake).await? {
        // Whoever asked the desk then knew more: the bar that was given back stays so.
        let given_back = protected_since(publications);
        let is_same = |entry: &&Entry| given_back.get(&entry.number).is_some_and(|on| entry.from <= *on);
        protected.cleared.extend(asked.bars.values().filter(is_same).map(|entry| entry.number));
    }
    let protected = protected.barred(&asked);
    let mut left_out = LeftOut::new();
    for (number, why) in &protected {
        left_out.entry(*why).or_default().push(number.to_string());
    }
    let asked = asked.without(day, before, &protected.into_keys().collect());
    // A renewal that is held back prolongs no bar beyond the end that was told.
    let asked = if order.releases_only { asked.releases_only(before) } else { asked };
    let (asked, lapsed) = asked.without_lapsed((day, today), (before, publications));
    if !lapsed.is_empty() {
        left_out.insert(PAST_END, lapsed.into_iter().map(|number| number.to_string()).collect());
    }
    Ok((asked, left_out))
}

/// Fails where the lake has lost the desk's words by which the day was decided: with them, whom the desk has cleared since
/// could not be told from whom it cleared long ago, and without a desk whoever it had given back would be barred anew. What
/// is given back leaves all the same; whether they are lost.
async fn ensure_heard(lake: &Lake, order: &Order) -> anyhow::Result<bool> {
    let (day, is_lost) = (order.day, case::is_lost(lake, order.day).await?);
    ensure!(
        !is_lost || order.releases_only,
        "the lake has lost case_event, the desk's words by which {day} was decided; the next `callsieve decide` with the \
         desk's configuration copies them anew, then export; --releases-only lets out what is given back"
    );
    if is_lost {
        tracing::warn!(%day, "the lake has lost the words of the desk, those of before the day are taken for heard");
    }
    Ok(is_lost)
}

/// Fails where a store is another than the one whose words the lake has, or an older one: who was cleared by what it
/// lacks would be barred anew. What is given back leaves all the same, since nobody is barred by that.
async fn ensure_own(lake: &Lake, order: &Order, store: &Store) -> anyhow::Result<()> {
    match case::refuse_another(store, lake).await {
        Err(error) if order.releases_only => {
            let (day, error) = (order.day, format!("{error:#}"));
            tracing::warn!(%day, error, "words of the desk are missing, what it has cleared since is not known");
            Ok(())
        }
        compared => compared,
    }
}

/// What the decision of a day asks for.
async fn decided(lake: &Lake, day: Day) -> anyhow::Result<Asked> {
    let rows = super::export::computed_rows(lake, Table::BLOCKLIST_DAY, day).await?;
    let mut entries = Vec::new();
    for batch in &rows {
        for row in 0..batch.num_rows() {
            let detections = blocklist_day::DETECTIONS.of(batch)?;
            entries.push(Entry {
                number: decide::number(blocklist_day::NUMBER.of(batch)?.value(row))?,
                action: blocklist_day::ACTION.of(batch)?.value(row).parse().map_err(anyhow::Error::msg)?,
                reason: blocklist_day::REASON.of(batch)?.value(row).to_owned(),
                from: Day::from_epoch_days(blocklist_day::FROM_DAY.of(batch)?.value(row)),
                until: Day::from_epoch_days(blocklist_day::UNTIL_DAY.of(batch)?.value(row)),
                case_id: blocklist_day::CASE_ID.of(batch)?.value(row).to_owned(),
                detections: detections.is_valid(row).then(|| detections.value(row).to_owned()),
            });
        }
    }
    Ok(Asked::new(day, entries)?)
}

/// Writes the folders of the last of some publications.
fn write(order: &Order, publications: &[Publication]) -> anyhow::Result<Published> {
    let (last, earlier) = publications.split_last().context("a list was published")?;
    let listing = standing(publications)?;
    let mut published = Published {
        day: last.day,
        sequence: last.sequence,
        bars: listing.len(),
        changes: Kind::ALL.map(|kind| (kind.as_str(), last.count(kind))).into(),
        left_out: LeftOut::new(),
        list_sha256: last.list_sha256.clone(),
        full: None,
        deltas: Vec::new(),
        scripts: Vec::new(),
        commands: None,
        sample: Vec::new(),
    };
    if order.is_dry_run {
        if let Some(template) = &order.mml {
            let script = template.script(&standing(earlier)?, last, Shown::Masked)?;
            published.commands = Some(script.commands.len());
            published.sample = script.commands.into_iter().take(SAMPLE).collect();
        }
        return Ok(published);
    }
    if order.delta {
        let root = order.out.join(file::DELTAS);
        published.deltas = each_missing(&root, publications, |publication, _, after| {
            file::delta(&root, publication, after.len(), order.format)
        })?;
    }
    if let Some(template) = &order.mml {
        let root = order.out.join(file::SCRIPTS);
        published.scripts = each_missing(&root, publications, |publication, before, after| {
            let script = template.script(before, publication, Shown::Clear)?;
            file::script(&root, publication, after.len(), &script)
        })?;
    }
    let given_back = told(publications, last.day);
    let ended: Vec<&Entry> =
        given_back.into_iter().filter(|(number, _)| !listing.contains_key(number)).map(|(_, entry)| entry).collect();
    published.full = Some(file::full(&order.out.join(file::LISTS), last, &listing, &ended, order.format)?);
    Ok(published)
}

/// Does something for the last publication, and first for each that a folder lacks before it, with the bars before and
/// after.
fn each_missing(
    root: &Path,
    publications: &[Publication],
    make: impl Fn(&Publication, &Listing, &Listing) -> anyhow::Result<Folder>,
) -> anyhow::Result<Vec<Folder>> {
    let last = publications.last().map(|last| last.sequence).unwrap_or_default();
    let missing = file::missing(root, last)?;
    let mut made = Vec::new();
    let mut listing = Listing::new();
    for publication in publications {
        let before = missing.contains(&publication.sequence).then(|| listing.clone());
        apply(&mut listing, &publication.changes);
        if let Some(before) = before {
            made.push(make(publication, &before, &listing)?);
        }
    }
    Ok(made)
}

/// Writes the last of some publications down; fails when another took its number meanwhile.
async fn note(lake: &Lake, publications: &[Publication]) -> anyhow::Result<()> {
    let bars = i64::try_from(standing(publications)?.len())?;
    let publication = publications.last().context("there is a publication to write down")?;
    let Publication { sequence, day, list_sha256, supersedes_sha256, published_at, changes } = publication;
    let (at, mut sheet) = (*published_at, Sheet::new(Table::BLOCKLIST_EXPORT.contract()));
    let mut table = lake.open(Table::BLOCKLIST_EXPORT).await?;
    let row = sheet.row().day(*day).int64(*sequence).text(LIST).int64_or_null(None).text_or_null(None);
    let row = row.text_or_null(None).date_or_null(None).date_or_null(None).text_or_null(None).text_or_null(None);
    let row = row.int64(bars).text(list_sha256).text_or_null(supersedes_sha256.as_deref());
    row.instant(at).end();
    for Change { kind, entry } in changes {
        let row = sheet.row().day(*day).int64(*sequence).text(kind.as_str()).int64(digits(entry.number));
        let row = row.text(entry.action.as_str()).text(&entry.reason).day(entry.from).day(entry.until);
        let row = row.text(&entry.case_id).text_or_null(entry.detections.as_deref());
        row.int64_or_null(None).text_or_null(None).text_or_null(None).instant(at).end();
    }
    let span = Span { app_id: APP_ID.to_owned(), from: sequence - 1, until: *sequence };
    let noted = table.append(&[sheet.finish()], &[span]).await;
    noted.with_context(|| format!("writing down publication {sequence} of the block list"))?;
    Ok(())
}

/// Publications as their table has them.
fn read(batches: &[RecordBatch]) -> anyhow::Result<Vec<Publication>> {
    let mut by_sequence: BTreeMap<i64, Publication> = BTreeMap::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let sequence = column::SEQUENCE.of(batch)?.value(row);
            let publication = by_sequence.entry(sequence).or_insert_with(|| Publication {
                sequence,
                day: Day::from_epoch_days(0),
                list_sha256: String::new(),
                supersedes_sha256: None,
                published_at: 0,
                changes: Vec::new(),
            });
            let word = column::CHANGE.of(batch)?.value(row);
            match Kind::ALL.into_iter().find(|kind| kind.as_str() == word) {
                Some(kind) => publication.changes.push(Change { kind, entry: entry(batch, row)? }),
                None => {
                    ensure!(word == LIST, "blocklist_export knows no change \"{word}\"");
                    publication.day = Day::from_epoch_days(column::DAY.of(batch)?.value(row));
                    column::LIST_SHA256.of(batch)?.value(row).clone_into(&mut publication.list_sha256);
                    publication.supersedes_sha256 = decide::text(column::SUPERSEDES_SHA256.of(batch)?, row);
                    publication.published_at = column::PUBLISHED_AT.of(batch)?.value(row);
                }
            }
        }
    }
    let mut publications: Vec<Publication> = by_sequence.into_values().collect();
    for publication in &mut publications {
        publication.changes.sort_by_key(|change| change.entry.number);
    }
    Ok(publications)
}

fn entry(batch: &RecordBatch, row: usize) -> anyhow::Result<Entry> {
    Ok(Entry {
        number: decide::number(column::NUMBER.of(batch)?.value(row))?,
        action: column::ACTION.of(batch)?.value(row).parse().map_err(anyhow::Error::msg)?,
        reason: column::REASON.of(batch)?.value(row).to_owned(),
        from: Day::from_epoch_days(column::FROM_DAY.of(batch)?.value(row)),
        until: Day::from_epoch_days(column::UNTIL_DAY.of(batch)?.value(row)),
        case_id: column::CASE_ID.of(batch)?.value(row).to_owned(),
        detections: decide::text(column::DETECTIONS.of(batch)?, row),
    })
}

impl Published {
    /// The same for people.
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        let counts = self.changes.iter().map(|(kind, count)| format!("{count} {kind}")).collect::<Vec<_>>().join(", ");
        match &self.full {
            Some(full) => {
                let news = if full.is_changed { "" } else { " (unchanged)" };
                lines.push(format!("{}: {} rows{news}", full.path.join(&full.file).display(), full.rows));
            }
            None => lines.push("nothing is written".to_owned()),
        }
        lines.push(format!("publication {} of {}: {} bars, {counts}", self.sequence, self.day, self.bars));
        for (why, numbers) in &self.left_out {
            let shown = numbers.iter().take(SAMPLE).map(String::as_str).collect::<Vec<_>>().join(", ");
            lines.push(format!("{} numbers under a bar are {why} and left out ({shown})", numbers.len()));
        }
        for (name, folders) in [("changes", &self.deltas), ("commands", &self.scripts)] {
            let line =
                |folder: &Folder| format!("{}: {} {name}", folder.path.join(&folder.file).display(), folder.rows);
            lines.extend(folders.iter().map(line));
            if let [missed @ .., _] = folders.as_slice()
                && !missed.is_empty()
            {
                lines.push(format!("{} publications were missing there, and are there now", missed.len()));
            }
        }
        lines.extend(self.commands.map(|count| format!("{count} commands, the first of them")));
        lines.extend(self.sample.iter().map(|command| format!("  {command}")));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests;
