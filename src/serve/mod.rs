//! What a running process shows over HTTP.
//!
//! In: the metrics. Out: `/metrics` for Prometheus, `/livez` and `/readyz`. Never: listens beyond loopback unless the
//! configuration says so.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use serde::Deserialize;

use crate::clock::Clock;
use crate::telemetry::metrics::Metrics;

/// Where to listen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Address of `/metrics`, such as `127.0.0.1:9464`; without one nothing listens.
    pub metrics: Option<SocketAddr>,
    /// Seconds without progress of a topic after which `/readyz` fails. Raise it when brokers are known to pause.
    #[serde(default = "default_ready_secs")]
    pub ready_secs: u32,
}

fn default_ready_secs() -> u32 {
    120
}

impl Default for Options {
    fn default() -> Self {
        Self { metrics: None, ready_secs: default_ready_secs() }
    }
}

/// A listening server; `run` serves until it is dropped.
#[derive(Debug)]
pub struct Server {
    listener: tokio::net::TcpListener,
    metrics: Arc<Metrics>,
    clock: Clock,
    ready_secs: u32,
}

impl Server {
    /// Binds the address; port 0 takes a free one.
    pub async fn bind(
        address: SocketAddr,
        metrics: Arc<Metrics>,
        clock: Clock,
        ready_secs: u32,
    ) -> anyhow::Result<Self> {
        let listener =
            tokio::net::TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
        Ok(Self { listener, metrics, clock, ready_secs })
    }

    /// Where it listens.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves for ever.
    pub async fn run(self) -> anyhow::Result<()> {
        let (metrics, progress) = (Arc::clone(&self.metrics), self.metrics);
        let (clock, ready_secs) = (self.clock, i64::from(self.ready_secs));
        let ready = move || async move {
            let stale = progress.stale_topics(clock.now().div_euclid(1_000_000) - ready_secs);
            match stale.as_slice() {
                [] => (StatusCode::OK, "ready\n".to_owned()),
                stale => (StatusCode::SERVICE_UNAVAILABLE, format!("no progress: {}\n", stale.join(", "))),
            }
        };
        let text = move || async move {
            metrics.text().map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")))
        };
        let router = Router::new().route("/metrics", get(text)).route("/livez", get(|| async { "ok\n" }));
        let router = router.route("/readyz", get(ready));
        axum::serve(self.listener, router).await?;
        Ok(())
    }
}
