//! Writers' schemas by id.
//!
//! In: a schema id of a framed message. Out: the schema's text, or the registry's word that there is none.
//! Never: takes an unreachable registry for an unknown schema; the one is waited for, the other is a reject.

use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;

use crate::schema::topic::Topic;

/// Which registry to ask.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Base address of a Confluent-compatible registry. Without one, ids 1 to 5 are the contracts of
    /// `schemas/topic` in the order of `Topic::ALL`, as the synthetic operator frames them.
    pub url: Option<String>,
}

/// A registry to ask.
#[derive(Debug)]
pub enum Registry {
    /// The project's own contracts.
    Contracts,
    /// A server.
    Server {
        /// Base address without a trailing slash.
        url: String,
        /// Connection.
        client: reqwest::Client,
    },
}

const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Answer {
    schema: String,
}

impl Registry {
    /// The configured registry.
    pub fn new(options: &Options) -> anyhow::Result<Self> {
        Ok(match &options.url {
            None => Self::Contracts,
            Some(url) => Self::Server {
                url: url.trim_end_matches('/').to_owned(),
                client: reqwest::Client::builder().timeout(TIMEOUT).build()?,
            },
        })
    }

    /// The schema of an id; `None` when the registry knows none. An error means: ask again later.
    pub async fn schema(&self, id: u32) -> anyhow::Result<Option<String>> {
        match self {
            Self::Contracts => {
                let index = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
                Ok(index.and_then(|index| Topic::ALL.get(index)).map(|topic| topic.avro().to_owned()))
            }
            Self::Server { url, client } => {
                let url = format!("{url}/schemas/ids/{id}");
                let answer = client.get(&url).send().await.with_context(|| format!("asking {url}"))?;
                if answer.status() == reqwest::StatusCode::NOT_FOUND {
                    return Ok(None);
                }
                let text = answer.error_for_status()?.text().await?;
                let answer: Answer =
                    serde_json::from_str(&text).with_context(|| format!("reading the answer of {url}"))?;
                Ok(Some(answer.schema))
            }
        }
    }
}
