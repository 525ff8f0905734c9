//! The desk's verbs: `review`, `appeal`, `allow`, `release`, `pending`, `approve`, `decline`, `user` and `audit`.
//!
//! In: a site's configuration, whose `[desk]` names the case store, and in whose name something is done. Out: what was
//! done, or a list; numbers masked unless `--reveal` is given. Never: acts without a name.

use clap::{Args, Subcommand, ValueEnum};

use super::print::say;
use super::site::{HandArgs, LookArgs, SiteArgs};
use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::job::desk::{Done, Line, Why};
use crate::store::audit::Wanted;
use crate::store::reason::Purpose;
use crate::store::review::Review;
use crate::store::user::{Role, User};
use crate::store::wish::{Deed, Wish};

#[derive(Debug, Args)]
pub(super) struct WhyArgs {
    /// Reason code, of those below.
    #[arg(long)]
    reason: String,
    /// Free text.
    #[arg(long, default_value = "")]
    note: String,
}

#[derive(Debug, Args)]
#[command(after_help = reasons(
    "Example: callsieve review 0912345678 --day 2025-01-06 --outcome dismiss --reason courier --by an --config site.toml",
    &[("confirm", Purpose::Confirm), ("dismiss", Purpose::Dismiss)],
))]
pub(super) struct ReviewArgs {
    /// The number as people write it.
    #[arg(value_parser = number)]
    number: Number,
    /// The day whose verdict was looked at.
    #[arg(long)]
    day: Day,
    /// Whether the evidence is right.
    #[arg(long)]
    outcome: ReviewOutcome,
    #[command(flatten)]
    why: WhyArgs,
    #[command(flatten)]
    hand: HandArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ReviewOutcome {
    /// It is what the evidence says.
    Confirm,
    /// It is not: what is held of the number ends.
    Dismiss,
}

#[derive(Debug, Subcommand)]
pub(super) enum AppealVerb {
    /// Somebody objects: no bar grows until there is an answer, which is due within 24 hours.
    #[command(after_help = reasons(
        "Example: callsieve appeal open 0912345678 --reason subscriber --by chi --config site.toml",
        &[("open", Purpose::Appeal)],
    ))]
    Open {
        /// The number as people write it.
        #[arg(value_parser = number)]
        number: Number,
        #[command(flatten)]
        why: WhyArgs,
        #[command(flatten)]
        hand: HandArgs,
    },
    /// The answer: the verdict falls at the next `decide`, or stands.
    #[command(after_help = reasons(
        "Example: callsieve appeal close 17 --outcome overturn --reason spoofed --by an --config site.toml",
        &[("overturn", Purpose::Overturn), ("reject", Purpose::Reject)],
    ))]
    Close {
        /// The appeal, as `appeal list` names it.
        id: i64,
        /// The answer.
        #[arg(long)]
        outcome: AppealOutcome,
        #[command(flatten)]
        why: WhyArgs,
        #[command(flatten)]
        hand: HandArgs,
    },
    /// Appeals by when their answer is due.
    #[command(after_help = "Example: callsieve appeal list --config site.toml")]
    List {
        /// Also those that have their answer.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        look: LookArgs,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum AppealOutcome {
    /// The verdict falls.
    Overturn,
    /// It stands.
    Reject,
}

#[derive(Debug, Subcommand)]
pub(super) enum AllowVerb {
    /// Allows a number from today on: it is never flagged.
    #[command(after_help = reasons(
        "Example: callsieve allow add 02438254254 --reason health --until 2026-01-01 --by an --config site.toml",
        &[("add", Purpose::Allow)],
    ))]
    Add {
        /// The number as people write it.
        #[arg(value_parser = number)]
        number: Number,
        /// First day on which it no longer holds; without one it holds until it is removed.
        #[arg(long)]
        until: Option<Day>,
        #[command(flatten)]
        why: WhyArgs,
        #[command(flatten)]
        hand: HandArgs,
    },
    /// Ends that, from today on.
    #[command(after_help = reasons(
        "Example: callsieve allow remove 02438254254 --reason ended --by an --config site.toml",
        &[("remove", Purpose::Disallow)],
    ))]
    Remove {
        /// The number as people write it.
        #[arg(value_parser = number)]
        number: Number,
        #[command(flatten)]
        why: WhyArgs,
        #[command(flatten)]
        hand: HandArgs,
    },
    /// Numbers that the desk allows today; those loaded from files are in the table `allow_list`.
    #[command(after_help = "Example: callsieve allow list --config site.toml")]
    List {
        #[command(flatten)]
        look: LookArgs,
    },
}

#[derive(Debug, Args)]
#[command(after_help = reasons(
    "Example: callsieve release 0912345678 --reason our_error --by an --config site.toml",
    &[("release", Purpose::Release)],
))]
pub(super) struct ReleaseArgs {
    /// The number as people write it.
    #[arg(value_parser = number)]
    number: Number,
    #[command(flatten)]
    why: WhyArgs,
    #[command(flatten)]
    hand: HandArgs,
}

#[derive(Debug, Args)]
pub(super) struct AnswerArgs {
    /// What waits, as `pending` names it.
    id: i64,
    #[command(flatten)]
    hand: HandArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum UserVerb {
    /// Takes somebody in, or gives them another role; the first supervisor names themself, and begins the desk's store.
    #[command(after_help = "Example: callsieve user add an --role supervisor --by an --config site.toml")]
    Add {
        /// The name.
        name: String,
        /// auditor (reads), analyst (reviews, opens appeals) or supervisor (all).
        #[arg(long, value_parser = role)]
        role: Role,
        #[command(flatten)]
        hand: HandArgs,
    },
    /// Lets somebody go; what they did keeps their name.
    #[command(after_help = "Example: callsieve user remove chi --by an --config site.toml")]
    Remove {
        /// The name.
        name: String,
        #[command(flatten)]
        hand: HandArgs,
    },
    /// Who works at the desk.
    #[command(after_help = "Example: callsieve user list --config site.toml")]
    List {
        #[command(flatten)]
        site: SiteArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum AuditVerb {
    /// Walks the audit trail and names the first row that does not hold; exit code 1 then.
    #[command(after_help = "Example: callsieve audit verify --config site.toml\n\n\
        Note the hash that it prints elsewhere: with --noted it is missed if the newest rows were ever cut off.")]
    Verify {
        /// A hash that an earlier walk printed.
        #[arg(long, value_name = "HASH")]
        noted: Option<String>,
        #[command(flatten)]
        site: SiteArgs,
    },
    /// The newest rows.
    #[command(after_help = "Example: callsieve audit list --number 0912345678 --config site.toml")]
    List {
        /// Only about this number.
        #[arg(long, value_parser = number)]
        number: Option<Number>,
        /// Only what this user did.
        #[arg(long)]
        actor: Option<String>,
        /// So many.
        #[arg(long, default_value_t = 100)]
        limit: i64,
        #[command(flatten)]
        look: LookArgs,
    },
}

/// The audit trail does not hold.
#[derive(Debug, thiserror::Error)]
#[error("the audit trail does not hold")]
struct Broken;

pub(super) fn number(text: &str) -> Result<Number, String> {
    Number::parse_given(text).ok_or_else(|| "that is no telephone number".to_owned())
}

fn role(word: &str) -> Result<Role, String> {
    word.parse()
}

fn reasons(example: &str, purposes: &[(&str, Purpose)]) -> String {
    let codes = purposes.iter().map(|(name, purpose)| format!("Reasons to {name}:\n{}", purpose.text()));
    std::iter::once(example.to_owned()).chain(codes).collect::<Vec<_>>().join("\n\n")
}

impl WhyArgs {
    fn why(&self, purpose: Purpose) -> anyhow::Result<Why<'_>> {
        Ok(Why { reason: purpose.check(&self.reason)?, note: &self.note })
    }

    fn wish(self, deed: Deed, purpose: Purpose, number: Number, until: Option<Day>) -> anyhow::Result<Wish> {
        let reason = purpose.check(&self.reason)?.to_owned();
        Ok(Wish { deed, number, reason, note: self.note, until })
    }
}

pub(super) async fn review(args: ReviewArgs, json: bool) -> anyhow::Result<()> {
    let ReviewArgs { number, day, outcome, why, hand } = args;
    let is_confirmed = matches!(outcome, ReviewOutcome::Confirm);
    let Why { reason, note } = why.why(if is_confirmed { Purpose::Confirm } else { Purpose::Dismiss })?;
    let review = Review { number, day, is_confirmed, reason, note };
    done(json, &hand.site.desk().await?.review(hand.hand(), &review).await?)
}

pub(super) async fn appeal(verb: AppealVerb, json: bool) -> anyhow::Result<()> {
    match verb {
        AppealVerb::Open { number, why, hand } => {
            let why = why.why(Purpose::Appeal)?;
            done(json, &hand.site.desk().await?.open_appeal(hand.hand(), number, why).await?)
        }
        AppealVerb::Close { id, outcome, why, hand } => {
            let is_overturned = outcome == AppealOutcome::Overturn;
            let why = why.why(if is_overturned { Purpose::Overturn } else { Purpose::Reject })?;
            done(json, &hand.site.desk().await?.close_appeal(hand.hand(), id, is_overturned, why).await?)
        }
        AppealVerb::List { all, look } => list(json, &look.site.desk().await?.appeals(look.look(), all).await?),
    }
}

pub(super) async fn allow(verb: AllowVerb, json: bool) -> anyhow::Result<()> {
    match verb {
        AllowVerb::Add { number, until, why, hand } => {
            let wish = why.wish(Deed::Allow, Purpose::Allow, number, until)?;
            done(json, &hand.site.desk().await?.want(hand.hand(), &wish).await?)
        }
        AllowVerb::Remove { number, why, hand } => {
            let why = why.why(Purpose::Disallow)?;
            done(json, &hand.site.desk().await?.disallow(hand.hand(), number, why).await?)
        }
        AllowVerb::List { look } => list(json, &look.site.desk().await?.allowed(look.look()).await?),
    }
}

pub(super) async fn release(args: ReleaseArgs, json: bool) -> anyhow::Result<()> {
    let ReleaseArgs { number, why, hand } = args;
    let wish = why.wish(Deed::Release, Purpose::Release, number, None)?;
    done(json, &hand.site.desk().await?.want(hand.hand(), &wish).await?)
}

pub(super) async fn pending(look: LookArgs, json: bool) -> anyhow::Result<()> {
    list(json, &look.site.desk().await?.waiting(look.look()).await?)
}

pub(super) async fn approve(args: AnswerArgs, json: bool) -> anyhow::Result<()> {
    let AnswerArgs { id, hand } = args;
    done(json, &hand.site.desk().await?.approve(hand.hand(), id).await?)
}

pub(super) async fn decline(args: AnswerArgs, json: bool) -> anyhow::Result<()> {
    let AnswerArgs { id, hand } = args;
    done(json, &hand.site.desk().await?.decline(hand.hand(), id).await?)
}

pub(super) async fn user(verb: UserVerb, json: bool) -> anyhow::Result<()> {
    match verb {
        UserVerb::Add { name, role, hand } => {
            let acting = hand.hand();
            // Anybody else is refused where nobody works yet, and would leave behind a store that has cleared nobody.
            let is_first = acting.by == name && role == Role::Supervisor && !acting.is_dry_run;
            let desk = if is_first { hand.site.begin_desk().await? } else { hand.site.desk().await? };
            done(json, &desk.add_user(acting, &name, role).await?)
        }
        UserVerb::Remove { name, hand } => done(json, &hand.site.desk().await?.remove_user(hand.hand(), &name).await?),
        UserVerb::List { site } => {
            let users = site.desk().await?.users().await?;
            let line = |user: &User| format!("{}  {}", user.name, user.role);
            say(json, &users, || users.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
    }
}

pub(super) async fn audit(verb: AuditVerb, json: bool) -> anyhow::Result<()> {
    match verb {
        AuditVerb::Verify { noted, site } => {
            let verified = site.desk().await?.verify(noted.as_deref()).await?;
            say(json, &verified, || verified.text())?;
            if verified.holds() { Ok(()) } else { Err(Broken.into()) }
        }
        AuditVerb::List { number, actor, limit, look } => {
            let wanted = Wanted { number, actor, limit };
            list(json, &look.site.desk().await?.trail(look.look(), &wanted).await?)
        }
    }
}

pub(super) fn done(json: bool, done: &Done) -> anyhow::Result<()> {
    say(json, done, || done.text())
}

pub(super) fn list(json: bool, lines: &[Line]) -> anyhow::Result<()> {
    say(json, &lines, || lines.iter().map(Line::text).collect::<Vec<_>>().join("\n"))
}
