//! What a registry says of a domain, over the interface that was agreed with it.
//!
//! In: a registrable domain. Out: the registry's record, its word that it has none, or why it could not be asked.
//! Never: asks again by itself, more often than is allowed, or what it was told a while ago; takes "not found" for
//! "unregistered": a registry may not answer for that suffix at all.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Utc};
use reqwest::header::{ACCEPT, HeaderName, HeaderValue};
use reqwest::{Client, StatusCode, redirect};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cache::Cache;
use super::limit::Limit;
use super::rdap;
use crate::clock::Clock;
use crate::domain::day::Day;

/// A registry, as `[[lookup.registry]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// What answers call it.
    pub name: String,
    /// The language that it speaks.
    pub kind: Kind,
    /// Where it is asked; `{domain}` stands for the domain.
    pub url: String,
    /// It is asked for these suffixes, as `vn`; for all when none is named.
    pub suffixes: Vec<String>,
    /// How long an answer may take; who waits for an SMS waits as long.
    pub timeout_ms: u64,
    /// How long a record is believed.
    pub keep_secs: i64,
    /// How long it is believed that there is none.
    pub keep_unknown_secs: i64,
    /// A file that keeps answers over a restart; it holds holders' names and is readable by its owner alone.
    pub cache: Option<PathBuf>,
    /// Questions a minute, as agreed.
    pub per_minute: u32,
    /// Questions that may come at once.
    pub burst: u32,
    /// A file whose first line is a header to send, as `Authorization: Bearer …`.
    pub header_file: Option<PathBuf>,
    /// Where a `json` answer has its facts.
    pub fields: Fields,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: String::new(),
            kind: Kind::Rdap,
            url: String::new(),
            suffixes: Vec::new(),
            timeout_ms: 3_000,
            keep_secs: 86_400,
            keep_unknown_secs: 600,
            cache: None,
            per_minute: 60,
            burst: 10,
            header_file: None,
            fields: Fields::default(),
        }
    }
}

/// The language of a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// RDAP, RFC 9083.
    Rdap,
    /// One JSON object, whose facts stand at `fields`.
    Json,
}

/// JSON pointers (RFC 6901) to the facts of an answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fields {
    /// To the type of domain.
    pub kind: String,
    /// To the holder.
    pub holder: String,
    /// To the registrar.
    pub registrar: String,
    /// To the day of registration.
    pub registered_on: String,
    /// To the day of expiry.
    pub expires_on: String,
    /// To the state.
    pub state: String,
}

impl Default for Fields {
    fn default() -> Self {
        let [kind, holder, registrar, registered_on, expires_on, state] =
            ["/type", "/holder", "/registrar", "/registered_on", "/expires_on", "/state"].map(str::to_owned);
        Self { kind, holder, registrar, registered_on, expires_on, state }
    }
}

impl Options {
    /// What cannot work.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.name.is_empty() {
            problems.push("lookup.registry.name is missing: answers say who was asked".to_owned());
        }
        match url::Url::parse(&self.url_of("example.vn")) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                problems.push(format!("lookup.registry.url of {}: http or https, not {}", self.name, url.scheme()));
            }
            Ok(_) if !self.url.contains(DOMAIN) => {
                problems.push(format!("lookup.registry.url of {}: {DOMAIN} stands nowhere in it", self.name));
            }
            Ok(_) => {}
            Err(error) => problems.push(format!("lookup.registry.url of {}: {error}", self.name)),
        }
        problems
    }

    fn url_of(&self, domain: &str) -> String {
        self.url.replace(DOMAIN, domain)
    }
}

const DOMAIN: &str = "{domain}";

/// A domain's record; what a registry hides or does not say is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The type of domain, in the registry's words.
    pub kind: Option<String>,
    /// Who holds it.
    pub holder: Option<String>,
    /// Who registered it for the holder.
    pub registrar: Option<String>,
    /// Since when.
    pub registered_on: Option<Day>,
    /// Until when.
    pub expires_on: Option<Day>,
    /// Its state, in the registry's words; several are separated by commas.
    pub state: Option<String>,
}

/// How a question ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The registry has a record.
    Found(Record),
    /// It has none. That does not mean that the domain is unregistered.
    NotFound,
    /// It did not answer.
    Unavailable {
        /// Why.
        why: String,
    },
    /// No registry is configured for this suffix.
    NotAsked,
}

/// What was told, by whom and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// By which registry.
    pub by: Option<String>,
    /// When; earlier than now when the answer was kept.
    pub asked_at: Option<DateTime<Utc>>,
}

impl Told {
    pub(super) fn not_asked() -> Self {
        Self { outcome: Outcome::NotAsked, by: None, asked_at: None }
    }
}

/// A registry to ask.
#[derive(Debug)]
pub(super) struct Registry {
    options: Options,
    client: Client,
    clock: Clock,
    cache: Mutex<Cache>,
    limit: Mutex<Limit>,
}

/// An answer longer than this is none.
const LONGEST_BYTES: usize = 1 << 20;

/// Bootstrap services send on once or twice.
const REDIRECTS: usize = 3;

impl Registry {
    pub(super) fn new(options: &Options, clock: Clock) -> anyhow::Result<Self> {
        let timeout = Duration::from_millis(options.timeout_ms);
        let client = Client::builder().timeout(timeout).redirect(sent_on(options.header_file.is_some())).build()?;
        Ok(Self {
            cache: Mutex::new(Cache::open(options, clock.now())?),
            limit: Mutex::new(Limit::new(options.per_minute, options.burst)),
            options: options.clone(),
            client,
            clock,
        })
    }

    /// Whether it is asked for a domain's suffix.
    pub(super) fn answers_for(&self, domain: &str) -> bool {
        let ends = |suffix: &String| domain.strip_suffix(suffix.as_str()).is_some_and(|front| front.ends_with('.'));
        self.options.suffixes.is_empty() || self.options.suffixes.iter().any(ends)
    }

    /// What it says of a domain, now or a while ago.
    pub(super) async fn ask(&self, domain: &str) -> Told {
        let now = self.clock.now();
        let kept = self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(domain, now);
        if let Some(told) = kept {
            return told;
        }
        let is_free = self.limit.lock().unwrap_or_else(PoisonError::into_inner).take(now);
        let outcome = if is_free { self.fetch(domain).await } else { Err(anyhow::anyhow!("asked too often")) };
        let outcome = outcome.unwrap_or_else(|error| Outcome::Unavailable { why: format!("{error:#}") });
        let asked_at = DateTime::from_timestamp_micros(now);
        let told = Told { outcome, by: Some(self.options.name.clone()), asked_at };
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).keep(domain, &told);
        told
    }

    async fn fetch(&self, domain: &str) -> anyhow::Result<Outcome> {
        let accept = match self.options.kind {
            Kind::Rdap => "application/rdap+json",
            Kind::Json => "application/json",
        };
        let mut request = self.client.get(self.options.url_of(domain)).header(ACCEPT, accept);
        if let Some((name, value)) = self.header()? {
            request = request.header(name, value);
        }
        // The address may hold a key, so no message shows it.
        let mut response = request.send().await.map_err(reqwest::Error::without_url)?;
        match response.status() {
            StatusCode::NOT_FOUND => return Ok(Outcome::NotFound),
            status => ensure!(status.is_success(), "it answers {status}"),
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
            body.extend_from_slice(&chunk);
            ensure!(body.len() <= LONGEST_BYTES, "its answer is longer than {LONGEST_BYTES} bytes");
        }
        Ok(Outcome::Found(match self.options.kind {
            Kind::Rdap => rdap::read(&body, domain)?,
            Kind::Json => json(&body, &self.options.fields)?,
        }))
    }

    fn header(&self) -> anyhow::Result<Option<(HeaderName, HeaderValue)>> {
        let Some(path) = &self.options.header_file else { return Ok(None) };
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let line = text.lines().next().and_then(|line| line.split_once(':'));
        let (name, value) = line.with_context(|| format!("{} has no header in its first line", path.display()))?;
        let mut value: HeaderValue = value.trim().parse().context("the header's value")?;
        value.set_sensitive(true);
        Ok(Some((name.trim().parse().context("the header's name")?, value)))
    }
}

/// Follows who sends on, but takes no key to where it is not for: of headers with other names than HTTP's own the client
/// does not know that they are secret.
fn sent_on(has_key: bool) -> redirect::Policy {
    redirect::Policy::custom(move |attempt| {
        let asked = attempt.previous().first();
        let is_elsewhere = asked.is_some_and(|asked| asked.origin() != attempt.url().origin());
        if has_key && is_elsewhere {
            attempt.error("it sends on to another host, which its header is not for")
        } else if attempt.previous().len() > REDIRECTS {
            attempt.error("it sends on too often")
        } else {
            attempt.follow()
        }
    })
}

/// A record out of one JSON object.
fn json(body: &[u8], fields: &Fields) -> anyhow::Result<Record> {
    let value: Value = serde_json::from_slice(body).context("its answer is no JSON")?;
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).and_then(said);
    let day = |pointer: &str| text(pointer).as_deref().and_then(day);
    let record = Record {
        kind: text(&fields.kind),
        holder: text(&fields.holder),
        registrar: text(&fields.registrar),
        registered_on: day(&fields.registered_on),
        expires_on: day(&fields.expires_on),
        state: text(&fields.state),
    };
    if record == Record::default() {
        bail!("its answer has none of the configured fields");
    }
    Ok(record)
}

/// A text that says something.
pub(super) fn said(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A day as registries write it: an instant, `2025-01-06`, `06-01-2025` or `06/01/2025`.
pub(super) fn day(text: &str) -> Option<Day> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(Day::of(at.timestamp_micros()));
    }
    let text = text.get(..10)?.replace('/', "-");
    let forward = text.parse().ok();
    forward.or_else(|| {
        let [day, month, year]: [&str; 3] = text.split('-').collect::<Vec<_>>().try_into().ok()?;
        format!("{year}-{month}-{day}").parse().ok()
    })
}

#[cfg(test)]
mod tests;
