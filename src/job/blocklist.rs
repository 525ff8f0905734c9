//! `export blocklist`: a day's list for the network, what it changes, and the commands that carry that out.
//!
//! In: `blocklist_day`, what was published before, and who is protected by now. Out: rows of `blocklist_export` from which
//! every file can be made again, and folders. Never: shows a folder of a publication that is not written down; gives two
//! publications one number; bars anybody whom the newest tables or the desk protect, or keeps the others waiting for them.

mod asked;
mod protection;
pub(super) mod publication;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde_json::json;

use self::asked::asked;
use self::publication::{note, published};
use super::desk::handout::Trail;
use super::export::refuse_shadow;
use super::overtaken::Chain;
use crate::clock::Clock;
use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::export::blocklist::file::{self, Folder, Format};
use crate::export::blocklist::limit;
use crate::export::blocklist::mml::{Shown, Template};
use crate::export::blocklist::{Asked, Entry, Kind, Listing, Publication, apply, changes, list_sha256, standing, told};
use crate::lake::Lake;
use crate::pipeline::definition::Definitions;
use crate::schema::contract::Table;
use crate::store::Store;

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
