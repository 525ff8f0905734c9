//! Writers' schemas by id.
//!
//! In: a schema id of a framed message. Out: the schema's text, or the registry's word that there is none.
//! Never: takes an unreachable registry for an unknown schema: the one is waited for, the other is a reject. Shows a
//! password.

use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::StatusCode;
use serde::Deserialize;
use url::Url;

use super::kafka::Setting;
use crate::schema::topic::Topic;

/// Which registry to ask.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Base address of a Confluent-compatible registry. Without one, ids 1 to 6 are the contracts of
    /// `schemas/topic` in the order of `Topic::ALL`, as the synthetic operator frames them.
    pub url: Option<String>,
    /// Who asks, where the registry wants to know.
    pub user: Option<String>,
    /// And the word for it.
    pub password: Option<Setting>,
}

impl Options {
    /// What cannot work.
    pub fn problems(&self) -> Vec<String> {
        match self.url.as_deref().map(Url::parse) {
            Some(Err(error)) => vec![format!("registry.url: {error}")],
            Some(Ok(url)) if !url.username().is_empty() || url.password().is_some() => {
                vec!["registry.url holds a user; use registry.user and registry.password".to_owned()]
            }
            Some(Ok(_)) | None => Vec::new(),
        }
    }
}

/// A registry to ask.
#[derive(Debug)]
pub enum Registry {
    /// The project's own contracts.
    Contracts,
    /// A server.
    Server(Server),
}

/// A registry that is a server.
#[derive(Debug)]
pub struct Server {
    /// Without a trailing slash.
    url: String,
    client: reqwest::Client,
    user: Option<(String, Option<Setting>)>,
}

const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Answer {
    schema: String,
}

#[derive(Deserialize)]
struct Refusal {
    error_code: i64,
}

#[derive(Deserialize)]
struct Registered {
    id: u32,
}

/// "Schema not found", as Confluent's API has it; any other 404 is of a wrong path, or a proxy's.
const NOT_FOUND: i64 = 40_403;

impl Registry {
    /// The configured registry.
    pub fn new(options: &Options) -> anyhow::Result<Self> {
        Ok(match &options.url {
            None => Self::Contracts,
            Some(url) => Self::Server(Server {
                url: url.trim_end_matches('/').to_owned(),
                client: reqwest::Client::builder().timeout(TIMEOUT).build()?,
                user: options.user.clone().map(|user| (user, options.password.clone())),
            }),
        })
    }

    /// What tells it from other registries.
    pub fn name(&self) -> String {
        match self {
            Self::Contracts => "contracts".to_owned(),
            Self::Server(server) => server.url.clone(),
        }
    }

    /// Whether it may know more tomorrow, or be out of reach.
    pub fn is_remote(&self) -> bool {
        matches!(self, Self::Server(_))
    }

    /// The schema of an id; `None` when the registry knows none. An error means: ask again later.
    pub async fn schema(&self, id: u32) -> anyhow::Result<Option<String>> {
        match self {
            Self::Contracts => {
                let index = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
                Ok(index.and_then(|index| Topic::ALL.get(index)).map(|topic| topic.avro().to_owned()))
            }
            Self::Server(server) => server.schema(id).await,
        }
    }
}

impl Registry {
    /// The id of a schema of ours under a subject, which is registered where it is not yet.
    pub async fn register(&self, subject: &str, schema: &str) -> anyhow::Result<u32> {
        match self {
            // What arrives has the first ids.
            Self::Contracts => Ok(u32::try_from(Topic::ALL.len())? + 1),
            Self::Server(server) => server.register(subject, schema).await,
        }
    }
}

impl Server {
    async fn register(&self, subject: &str, schema: &str) -> anyhow::Result<u32> {
        let url = format!("{}/subjects/{subject}/versions", self.url);
        let body = serde_json::json!({ "schema": schema }).to_string();
        let request = self.client.post(&url).header("content-type", "application/vnd.schemaregistry.v1+json");
        let request = self.in_the_name_of_its_user(request.body(body))?;
        let answer = request.send().await.with_context(|| format!("asking {url}"))?;
        let status = answer.status();
        let text = answer.text().await.with_context(|| format!("reading the answer of {url}"))?;
        ensure!(status.is_success(), "{url} answers {status}: {text}");
        let registered: Registered =
            serde_json::from_str(&text).with_context(|| format!("{url} answers, and not as a registry does"))?;
        Ok(registered.id)
    }

    fn in_the_name_of_its_user(&self, request: reqwest::RequestBuilder) -> anyhow::Result<reqwest::RequestBuilder> {
        let Some((user, password)) = &self.user else { return Ok(request) };
        let password = password.as_ref().map(Setting::value).transpose().context("registry.password")?;
        Ok(request.basic_auth(user, password))
    }

    async fn schema(&self, id: u32) -> anyhow::Result<Option<String>> {
        // Registries count in Java's int: poison with a larger id is not worth a question, and cannot hold up the rest.
        if i32::try_from(id).is_err() {
            return Ok(None);
        }
        let url = format!("{}/schemas/ids/{id}", self.url);
        let request = self.in_the_name_of_its_user(self.client.get(&url))?;
        let answer = request.send().await.with_context(|| format!("asking {url}"))?;
        let status = answer.status();
        let text = answer.text().await.with_context(|| format!("reading the answer of {url}"))?;
        let reading = || format!("{url} answers {status}, and not as a registry does");
        if status == StatusCode::NOT_FOUND {
            let refusal: Refusal = serde_json::from_str(&text).with_context(reading)?;
            ensure!(refusal.error_code == NOT_FOUND, "{url} answers {status}, code {}", refusal.error_code);
            return Ok(None);
        }
        ensure!(status.is_success(), "{url} answers {status}");
        let answer: Answer = serde_json::from_str(&text).with_context(reading)?;
        Ok(Some(answer.schema))
    }
}
