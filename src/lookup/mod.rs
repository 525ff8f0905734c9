//! The domain look-up of 156: what a registry says of a domain, and apart from it what we know ourselves.
//!
//! In: a link as `domain::host` reads it, lists, known names, how often citizens reported it. Out: one answer for SMS,
//! for a web page and for a terminal. Never: scrapes a page or speaks WHOIS; calls a domain unregistered that a registry
//! only does not know; says that a domain is safe.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use self::alike::{KnownNames, Standing};
use self::answer::Answer;
use self::list::{Hit, Lists};
use self::registry::{Registry, Told};
use self::reply::Replies;
use self::reported::{Reported, Tally};
use self::shared::SharedHosts;
use crate::clock::Clock;
use crate::domain::host::Link;

pub mod alike;
pub mod answer;
mod cache;
mod limit;
pub mod list;
mod rdap;
pub mod registry;
pub mod reply;
pub mod reported;
pub mod shared;

/// What a site may set, as `[lookup]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Folder of imported lists, each a text file; its name is the list's.
    pub lists: Option<PathBuf>,
    /// Folder of known names, shared hosts and replies; those of `pipelines/lookup` as they were compiled in when none
    /// is named.
    pub rules: Option<PathBuf>,
    /// Registries; the first one that is asked for a domain's suffix answers.
    pub registry: Vec<registry::Options>,
}

impl Options {
    /// What cannot work.
    pub fn problems(&self) -> Vec<String> {
        self.registry.iter().flat_map(registry::Options::problems).collect()
    }
}

/// What analysts and the carrier edit.
#[derive(Debug)]
pub struct Rules {
    /// Banks, agencies and brands that impostors imitate.
    pub names: KnownNames,
    /// Hosts that one entry of a list does not condemn.
    pub shared: SharedHosts,
    /// What an SMS says.
    pub replies: Replies,
}

impl Rules {
    /// The rules as they were compiled in.
    pub fn embedded() -> anyhow::Result<Self> {
        Self::of(&[
            include_str!("../../pipelines/lookup/known_name.csv"),
            include_str!("../../pipelines/lookup/word.txt"),
            include_str!("../../pipelines/lookup/namesake.txt"),
            include_str!("../../pipelines/lookup/shared_host.txt"),
            include_str!("../../pipelines/lookup/reply.csv"),
        ])
    }

    /// The rules of a folder, or what is wrong with them.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let text = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
        };
        let texts = ["known_name.csv", "word.txt", "namesake.txt", "shared_host.txt", "reply.csv"].map(text);
        let [names, words, namesakes, shared, replies] = texts;
        Self::of(&[&names?, &words?, &namesakes?, &shared?, &replies?]).with_context(|| folder.display().to_string())
    }

    fn of([names, words, namesakes, shared, replies]: &[&str; 5]) -> anyhow::Result<Self> {
        Ok(Self {
            names: KnownNames::read(names, words, namesakes)?,
            shared: SharedHosts::read(shared),
            replies: Replies::read(replies)?,
        })
    }
}

/// What we know ourselves; no fact of a registry is among it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signals {
    /// The lists that name it.
    pub lists: Vec<Hit>,
    /// Whose it is, or whom it imitates.
    pub name: Standing,
    /// Whether many strangers share the host.
    pub is_shared: bool,
    /// The name of one customer below a host that many share: lists and reports speak of it, a registry of the host.
    pub customer: Option<String>,
    /// How often it was reported; `None` where nobody looked or nobody reported.
    pub reported: Option<Reported>,
}

/// All that a look-up needs.
#[derive(Debug)]
pub struct Lookup {
    rules: Rules,
    lists: Lists,
    registries: Vec<Registry>,
}

impl Lookup {
    /// Reads rules and lists, and gets ready to ask.
    pub fn open(options: &Options, clock: Clock) -> anyhow::Result<Self> {
        let registries = options.registry.iter().map(|options| Registry::new(options, clock));
        Ok(Self {
            rules: options.rules.as_deref().map_or_else(Rules::embedded, Rules::read)?,
            lists: options.lists.as_deref().map_or_else(|| Ok(Lists::default()), Lists::read)?,
            registries: registries.collect::<anyhow::Result<_>>()?,
        })
    }

    /// The lists, for those who say how many entries there are.
    pub fn lists(&self) -> &Lists {
        &self.lists
    }

    /// The SMS that answers a text behind `TCTM`, with what was counted in reports.
    pub async fn reply(&self, text: &str, tally: &Tally) -> String {
        let Some(link) = Link::read(text) else { return self.rules.replies.unreadable() };
        self.sms(&self.answer(&link, self.reported(&link, tally)).await)
    }

    /// The hosts that strangers share, for those who count reports.
    pub fn shared(&self) -> &SharedHosts {
        &self.rules.shared
    }

    /// What was counted in reports of whoever holds a link's host.
    pub fn reported(&self, link: &Link, tally: &Tally) -> Option<Reported> {
        self.rules.shared.held(&link.host).and_then(|name| tally.of(name))
    }

    /// What an SMS says to an answer: at most 160 characters of GSM-7.
    pub fn sms(&self, answer: &Answer) -> String {
        self.rules.replies.sms(answer)
    }

    /// Answers for a link, with what the caller found in reports of its domain.
    pub async fn answer(&self, link: &Link, reported: Option<Reported>) -> Answer {
        let signals = self.signals(link, reported);
        let told = match link.host.registrable() {
            Some(domain) => self.ask(domain).await,
            None => Told::not_asked(),
        };
        Answer::new(link, told, signals)
    }

    /// What we know of a link ourselves; asks nobody.
    pub fn signals(&self, link: &Link, reported: Option<Reported>) -> Signals {
        Signals {
            lists: self.lists.hits(link, &self.rules.shared),
            name: self.rules.names.standing(&link.host),
            is_shared: self.rules.shared.holds(&link.host),
            customer: self.rules.shared.customer(&link.host).map(str::to_owned),
            reported,
        }
    }

    async fn ask(&self, domain: &str) -> Told {
        match self.registries.iter().find(|registry| registry.answers_for(domain)) {
            Some(registry) => registry.ask(domain).await,
            None => Told::not_asked(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_text_is_answered_by_one_sms_whatever_it_holds() {
        let lookup = Lookup::open(&Options::default(), Clock::Fixed(0)).unwrap();
        let mut tally = Tally::default();
        tally.add(lookup.shared(), "2026-11-01".parse().unwrap(), 1, "vay-nhanh.xyz xau.weebly.com");
        for (text, expected) in [
            ("[hxxp://m.vay-nhanh[.]xyz/a]", "vay-nhanh.xyz: ten mien quoc te. 1 phan anh tu 01/11/2026."),
            ("vay-nhanh.vn", "vay-nhanh.vn: ten mien quoc gia .vn."),
            ("xau.weebly.com", "xau.weebly.com: ten mien quoc te. 1 phan anh tu 01/11/2026."),
            ("www.tot.weebly.com", "tot.weebly.com: ten mien quoc te."),
            ("www.tot.github.io", "tot.github.io: ten mien quoc te."),
            ("weebly.com", "weebly.com: ten mien quoc te. Trang nhieu nguoi dung chung: xem ky ca duong link."),
            ("xin chao", "Khong doc duoc ten mien. Soan TCTM ten-mien hoac duong link gui 156."),
        ] {
            assert_eq!(lookup.reply(text, &tally).await, expected);
        }
    }

    #[test]
    fn the_folder_of_the_project_holds_what_is_compiled_in() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/lookup");
        let (read, embedded) = (Rules::read(&folder).unwrap(), Rules::embedded().unwrap());
        assert_eq!(format!("{:?}", read.replies), format!("{:?}", embedded.replies));
        let problem = Rules::read(Path::new("nowhere")).unwrap_err();
        assert!(format!("{problem:#}").starts_with("reading nowhere/known_name.csv"), "{problem:#}");
    }
}
