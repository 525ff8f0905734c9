//! One answer for every way out: an SMS, a web page, a terminal.
//!
//! In: what a registry told, and what we know ourselves. Out: one struct that is JSON as it is, and lines for people.
//! Never: mixes the two; says that a domain is safe.

use serde::Serialize;

use super::Signals;
use super::alike::{Alike, Manner, Standing};
use super::list::{Hit, Reach};
use super::registry::{Outcome, Record, Told};
use super::reported::Reported;
use crate::domain::host::{Link, tails};

/// The answer to a look-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The host that was asked for, in ASCII.
    pub host: String,
    /// The same with letters of its own script.
    pub shown: String,
    /// The registrable domain; `None` for an address and below no known suffix.
    pub domain: Option<String>,
    /// Which kind of domain it is.
    pub domain_type: Option<DomainType>,
    /// What a registry told.
    pub registry: Told,
    /// What we know ourselves.
    pub signals: Signals,
}

/// Who hands a domain out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DomainType {
    /// Below `.vn`.
    National,
    /// Below any other suffix.
    International,
}

impl Answer {
    pub(super) fn new(link: &Link, registry: Told, signals: Signals) -> Self {
        let domain = link.host.registrable().map(str::to_owned);
        let is_national = tails(link.host.host()).last() == Some("vn");
        let of_suffix = if is_national { DomainType::National } else { DomainType::International };
        let domain_type = domain.as_ref().map(|_| of_suffix);
        let (host, shown) = (link.host.host().to_owned(), link.host.unicode());
        Self { host, shown, domain, domain_type, registry, signals }
    }

    /// The answer for people.
    pub fn text(&self) -> String {
        let mut lines = vec![self.heading()];
        let by = self.registry.by.as_deref().unwrap_or_default();
        match &self.registry.outcome {
            Outcome::Found(record) => {
                lines.push(format!("{by} says"));
                lines.extend(facts(record));
            }
            Outcome::NotFound => {
                lines.push(format!("{by} does not know it, which does not mean that it is unregistered"));
            }
            Outcome::Unavailable { why } => lines.push(format!("{by} could not be asked: {why}")),
            Outcome::NotAsked => lines.push("no registry is configured for it".to_owned()),
        }
        lines.push("we say".to_owned());
        let said = self.signals.lines();
        lines.extend(if said.is_empty() {
            vec!["  nothing is known against it, which does not mean that it is safe".to_owned()]
        } else {
            said
        });
        lines.join("\n")
    }

    fn heading(&self) -> String {
        let shown = if self.shown == self.host { String::new() } else { format!(" ({})", self.shown) };
        let below = |domain: &String| if *domain == self.host { String::new() } else { format!("below {domain}, ") };
        let domain = match (&self.domain, self.domain_type) {
            (Some(domain), Some(DomainType::National)) => format!("{}a national domain", below(domain)),
            (Some(domain), _) => format!("{}an international domain", below(domain)),
            (None, _) => "no domain that can be registered".to_owned(),
        };
        format!("{}{shown}: {domain}", self.host)
    }
}

fn facts(record: &Record) -> Vec<String> {
    let day = |day: Option<crate::domain::day::Day>| day.map(|day| day.to_string());
    let facts = [
        ("type", record.kind.clone()),
        ("holder", record.holder.clone()),
        ("registrar", record.registrar.clone()),
        ("registered", day(record.registered_on)),
        ("expires", day(record.expires_on)),
        ("state", record.state.clone()),
    ];
    facts.into_iter().map(|(name, value)| format!("  {name:<11} {}", value.as_deref().unwrap_or("-"))).collect()
}

impl Signals {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(self.lists.iter().map(|hit| format!("  listed      {}", listed(hit))));
        match &self.name {
            Standing::Genuine { of } => lines.push(format!("  genuine     a domain of {of}, by the known names")),
            Standing::Alike(alike) => lines.push(format!("  look-alike  {}", imitates(alike))),
            Standing::Other => {}
        }
        if self.is_shared {
            lines.push("  shared      strangers share this host: look at the whole link".to_owned());
        }
        if let Some(Reported { first_on, last_on, reports, reporters }) = self.reported {
            lines.push(format!("  reported    {reports} times by {reporters} people, {first_on} to {last_on}"));
        }
        lines
    }
}

fn listed(Hit { list, entry, reach }: &Hit) -> String {
    match reach {
        Reach::Host | Reach::Page => format!("{list} has {entry}"),
        Reach::OtherPage => format!("{list} has another page of this host, {entry}"),
    }
}

fn imitates(Alike { of, genuine, manner, label }: &Alike) -> String {
    let how = match manner {
        Manner::Gov => "has \"gov\" glued into it",
        Manner::Name => "has the name in it",
        Manner::Confusable => "looks like the name",
        Manner::Beside => "has the name beside a word that impostors like",
        Manner::Typo => "is the name with a typing error",
    };
    format!("\"{label}\" {how}, and it is no domain of {of} ({genuine})")
}
