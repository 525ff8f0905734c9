//! The desk's verbs: what people say of numbers, in their names.
//!
//! In: a case store, and who does what. Out: its rows with their audit rows, and what the terminal may show.
//! Never: shows a number in clear that has not been written down as shown.

pub mod erasure;
pub mod handout;
mod promotion;
mod sample;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::day::{Day, instant};
use crate::domain::number::Number;
use crate::source::kafka::Setting;
use crate::store::audit::{Verified, Wanted};
use crate::store::review::Review;
use crate::store::user::{Role, User};
use crate::store::wish::{Leave, Wish};
use crate::store::{Act, Refused, Store};

/// Where the desk keeps what it says, and how many people a deed takes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The case store: `sqlite:FILE`, or `postgres://USER:PASSWORD@HOST/DATABASE` where several machines share one; with
    /// `?sslmode=verify-full` by TLS alone.
    pub store: Setting,
    /// Whether a release and an allowed number wait for a second person. Off where one person is the desk.
    #[serde(default)]
    pub four_eyes: bool,
    /// Whether `run`, `decide` and `subject erase` refuse definitions that no second person has promoted. Off where whoever
    /// changes a threshold may let it decide at once.
    #[serde(default)]
    pub require_promotion: bool,
}

impl Options {
    /// Opens the store, which is there.
    pub async fn open(&self) -> anyhow::Result<Store> {
        Store::existing(&self.store.value().context("desk.store")?).await
    }
}

/// An open desk.
#[derive(Debug)]
pub struct Desk {
    store: Store,
    four_eyes: bool,
}

/// In whose name facts about a number leave the house, and the desk that writes it down.
#[derive(Debug, Clone, Copy)]
pub struct Giver<'a> {
    /// The desk.
    pub desk: &'a Desk,
    /// User.
    pub by: &'a str,
    /// UTC microseconds.
    pub at: i64,
}

impl Giver<'_> {
    /// Writes down that they leave, before they do.
    pub async fn hand_out(&self, what: &str, number: Number, detail: &Value) -> anyhow::Result<i64> {
        let mut act = self.desk.store.act(self.by, Role::Analyst, self.at).await?;
        let id = act.hand_out(what, number, detail).await?;
        act.commit().await?;
        Ok(id)
    }
}

/// In whose name, when, and how.
#[derive(Debug, Clone, Copy)]
pub struct Hand<'a> {
    /// User.
    pub by: &'a str,
    /// UTC microseconds.
    pub at: i64,
    /// Whether everything is left as it was.
    pub is_dry_run: bool,
    /// Whether numbers are shown in clear.
    pub in_clear: bool,
}

/// Who looks, and when; nobody needs a name to see masked numbers.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Who is shown numbers in clear.
    pub by: Option<&'a str>,
    /// UTC microseconds.
    pub at: i64,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    /// By which it is known: its place in the audit trail.
    pub id: i64,
    /// What.
    pub did: &'static str,
    /// The number, masked unless it was to be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Nothing was written.
    pub is_dry_run: bool,
}

impl Done {
    /// For people.
    pub fn text(&self) -> String {
        let number = self.number.as_ref().map(|number| format!(" {number}")).unwrap_or_default();
        let unwritten = if self.is_dry_run { " (dry run, nothing is written)" } else { "" };
        format!("{}{number}: {}{unwritten}", self.did, self.id)
    }
}

impl Desk {
    /// Opens the desk of a site.
    pub async fn open(options: &Options) -> anyhow::Result<Self> {
        Ok(Self { store: options.open().await?, four_eyes: options.four_eyes })
    }

    /// The same for who is the first to work there, with whom its store begins.
    pub async fn begin(options: &Options) -> anyhow::Result<Self> {
        let store = Store::open(&options.store.value().context("desk.store")?).await?;
        Ok(Self { store, four_eyes: options.four_eyes })
    }

    /// A reviewer's word about a number's day.
    pub async fn review(&self, hand: Hand<'_>, review: &Review<'_>) -> anyhow::Result<Done> {
        let mut act = self.store.act(hand.by, Role::Analyst, hand.at).await?;
        let id = act.review(review).await?;
        let did = if review.is_confirmed { "confirmed" } else { "dismissed" };
        self.end(act, hand, id, did, Some(review.number)).await
    }

    /// Somebody objects.
    pub async fn open_appeal(&self, hand: Hand<'_>, number: Number, why: Why<'_>) -> anyhow::Result<Done> {
        let mut act = self.store.act(hand.by, Role::Analyst, hand.at).await?;
        let id = act.open_appeal(number, why.reason, why.note).await?;
        self.end(act, hand, id, "appeal opened", Some(number)).await
    }

    /// And is answered.
    pub async fn close_appeal(
        &self,
        hand: Hand<'_>,
        id: i64,
        is_overturned: bool,
        why: Why<'_>,
    ) -> anyhow::Result<Done> {
        let mut act = self.store.act(hand.by, Role::Supervisor, hand.at).await?;
        let number = act.close_appeal(id, is_overturned, why.reason, why.note).await?;
        let did = if is_overturned { "appeal overturned" } else { "appeal rejected" };
        self.end(act, hand, id, did, Some(number)).await
    }

    /// A release or an allowed number; a wish where four eyes are asked for.
    pub async fn want(&self, hand: Hand<'_>, wish: &Wish) -> anyhow::Result<Done> {
        let waits = self.four_eyes || wish.deed.takes_two();
        let needs = if waits { Role::Analyst } else { Role::Supervisor };
        let mut act = self.store.act(hand.by, needs, hand.at).await?;
        let (id, did) = if waits {
            (act.ask(wish).await?, "waits for a second person")
        } else {
            (act.grant(wish).await?, wish.deed.as_str())
        };
        self.end(act, hand, id, did, Some(wish.number)).await
    }

    /// Makes a wish so.
    pub async fn approve(&self, hand: Hand<'_>, id: i64) -> anyhow::Result<Done> {
        let mut act = self.store.act(hand.by, Role::Supervisor, hand.at).await?;
        let (wish, id) = act.approve(id).await?;
        self.end(act, hand, id, wish.deed.as_str(), Some(wish.number)).await
    }

    /// The leave that two people have given to do something. Where they have not, it is asked for, and refused until a
    /// second person approves.
    pub async fn leave(&self, by: &str, at: i64, wish: &Wish) -> anyhow::Result<Leave> {
        if let Some(leave) = self.store.leave(wish).await? {
            return Ok(leave);
        }
        let waiting = self.store.wishes().await?.into_iter().find(|waiting| waiting.wish == *wish);
        let id = match waiting {
            Some(waiting) => waiting.id,
            None => {
                let mut act = self.store.act(by, Role::Analyst, at).await?;
                let id = act.ask(wish).await?;
                act.commit().await?;
                id
            }
        };
        let deed = wish.deed;
        Err(Refused(format!("to {deed} waits for a second person: callsieve approve {id} --by NAME")).into())
    }

    /// Turns a wish down.
    pub async fn decline(&self, hand: Hand<'_>, id: i64) -> anyhow::Result<Done> {
        let mut act = self.store.act(hand.by, Role::Supervisor, hand.at).await?;
        let wish = act.decline(id).await?;
        self.end(act, hand, id, "declined", Some(wish.number)).await
    }

    /// Takes a number from the list of those that are allowed.
    pub async fn disallow(&self, hand: Hand<'_>, number: Number, why: Why<'_>) -> anyhow::Result<Done> {
        let mut act = self.store.act(hand.by, Role::Supervisor, hand.at).await?;
        let id = act.disallow(number, why.reason, why.note).await?;
        self.end(act, hand, id, "disallow", Some(number)).await
    }

    /// Takes somebody in.
    pub async fn add_user(&self, hand: Hand<'_>, name: &str, role: Role) -> anyhow::Result<Done> {
        let mut act = self.store.act_on_users(hand.by, Some((name, role)), hand.at).await?;
        let id = act.add_user(name, role).await?;
        self.end(act, hand, id, "user added", None).await
    }

    /// Lets somebody go.
    pub async fn remove_user(&self, hand: Hand<'_>, name: &str) -> anyhow::Result<Done> {
        let mut act = self.store.act_on_users(hand.by, None, hand.at).await?;
        let id = act.remove_user(name).await?;
        self.end(act, hand, id, "user removed", None).await
    }

    /// Who works here.
    pub async fn users(&self) -> anyhow::Result<Vec<User>> {
        self.store.users().await
    }

    /// Walks the audit trail.
    pub async fn verify(&self, noted: Option<&str>) -> anyhow::Result<Verified> {
        self.store.verify(noted).await
    }

    async fn end(
        &self,
        act: Act,
        hand: Hand<'_>,
        id: i64,
        did: &'static str,
        number: Option<Number>,
    ) -> anyhow::Result<Done> {
        if hand.is_dry_run {
            act.undo().await?
        } else {
            act.commit().await?
        }
        // What a dry run shows was seen all the same.
        let look = Look { by: hand.in_clear.then_some(hand.by), at: hand.at };
        let shown = self.spell(&Vec::from_iter(number), look, did).await?;
        Ok(Done { id, did, number: shown.into_iter().next(), is_dry_run: hand.is_dry_run })
    }

    /// Numbers as the terminal may show them: in clear only once that is written down.
    async fn spell(&self, numbers: &[Number], look: Look<'_>, place: &str) -> anyhow::Result<Vec<String>> {
        let Some(by) = look.by else { return Ok(numbers.iter().map(Number::to_string).collect()) };
        let mut act = self.store.act(by, Role::Auditor, look.at).await?;
        for number in numbers {
            act.show(*number, place).await?;
        }
        act.commit().await?;
        Ok(numbers.iter().map(|number| number.reveal().to_string()).collect())
    }
}

/// Why something is done.
#[derive(Debug, Clone, Copy)]
pub struct Why<'a> {
    /// Reason code.
    pub reason: &'a str,
    /// Free text, which may be empty.
    pub note: &'a str,
}

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// By which it is known.
    pub id: i64,
    /// The number, masked unless it was to be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The rest.
    #[serde(flatten)]
    pub facts: serde_json::Map<String, Value>,
}

impl Line {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!("{:>6}", self.id);
        if let Some(number) = &self.number {
            text += &format!("  {number:<14}");
        }
        for (name, fact) in self.facts.iter().filter(|(_, fact)| !fact.is_null()) {
            let fact = fact.as_str().map_or_else(|| fact.to_string(), str::to_owned);
            text += &format!("  {name} {fact}");
        }
        text
    }
}

impl Desk {
    /// Appeals by when their answer is due.
    pub async fn appeals(&self, look: Look<'_>, closed_too: bool) -> anyhow::Result<Vec<Line>> {
        let appeals = self.store.appeals(closed_too).await?;
        let line = |appeal: &crate::store::appeal::Appeal| {
            let facts = serde_json::json!({
                "reason": appeal.reason,
                "opened_at": instant(appeal.opened_at),
                "due_at": instant(appeal.due_at),
                "is_overdue": appeal.is_overdue(look.at),
                "closed_at": appeal.closed_at.map(instant),
                "outcome": appeal.word.map(|word| word.to_string()),
            });
            (appeal.id, Some(appeal.number), facts)
        };
        self.lines(appeals.iter().map(line).collect(), look, "appeal list").await
    }

    /// Numbers that the desk allows on a day.
    pub async fn allowed(&self, look: Look<'_>) -> anyhow::Result<Vec<Line>> {
        let today = Day::of(look.at);
        let mut allowed = self.store.allowed().await?;
        allowed.retain(|allowed| allowed.holds(today));
        let line = |allowed: &crate::store::allow::Allowed| {
            let facts = serde_json::json!({
                "reason": allowed.reason, "from": allowed.from, "until": allowed.until, "by": allowed.by,
            });
            (allowed.id, Some(allowed.number), facts)
        };
        self.lines(allowed.iter().map(line).collect(), look, "allow list").await
    }

    /// What waits for a second person.
    pub async fn waiting(&self, look: Look<'_>) -> anyhow::Result<Vec<Line>> {
        let waiting = self.store.wishes().await?;
        let line = |waiting: &crate::store::wish::Waiting| {
            let wish = &waiting.wish;
            let facts = serde_json::json!({
                "deed": wish.deed.as_str(), "reason": wish.reason, "until": wish.until,
                "note": Some(&wish.note).filter(|note| !note.is_empty()),
                "by": waiting.by, "at": instant(waiting.at),
            });
            (waiting.id, Some(wish.number), facts)
        };
        self.lines(waiting.iter().map(line).collect(), look, "pending").await
    }

    /// The newest rows of the audit trail.
    pub async fn trail(&self, look: Look<'_>, wanted: &Wanted) -> anyhow::Result<Vec<Line>> {
        let mut rows = Vec::new();
        for entry in self.store.trail(wanted).await? {
            let detail: Value = serde_json::from_str(&entry.detail).unwrap_or(Value::String(entry.detail));
            let facts = serde_json::json!({
                "at": instant(entry.at), "actor": entry.actor, "act": entry.act, "detail": detail,
            });
            rows.push((entry.seq, entry.number, facts));
        }
        self.lines(rows, look, "audit list").await
    }

    async fn lines(
        &self,
        rows: Vec<(i64, Option<Number>, Value)>,
        look: Look<'_>,
        place: &str,
    ) -> anyhow::Result<Vec<Line>> {
        let numbers: Vec<Number> = rows.iter().filter_map(|(_, number, _)| *number).collect();
        let mut spelled = self.spell(&numbers, look, place).await?.into_iter();
        let mut lines = Vec::new();
        for (id, number, facts) in rows {
            let number = if number.is_some() { spelled.next() } else { None };
            let Value::Object(facts) = facts else { continue };
            lines.push(Line { id, number, facts });
        }
        Ok(lines)
    }
}

#[cfg(test)]
mod tests;
