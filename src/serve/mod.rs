//! What a running process shows over HTTP.
//!
//! In: the metrics. Out: `/metrics` for Prometheus and `/livez`. Never: listens beyond loopback unless the
//! configuration says so.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use serde::Deserialize;

use crate::telemetry::metrics::Metrics;

/// Where to listen.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Address of `/metrics`, such as `127.0.0.1:9464`; without one nothing listens.
    pub metrics: Option<SocketAddr>,
}

/// A listening server; `run` serves until it is dropped.
#[derive(Debug)]
pub struct Server {
    listener: tokio::net::TcpListener,
    metrics: Arc<Metrics>,
}

impl Server {
    /// Binds the address; port 0 takes a free one.
    pub async fn bind(address: SocketAddr, metrics: Arc<Metrics>) -> anyhow::Result<Self> {
        let listener =
            tokio::net::TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
        Ok(Self { listener, metrics })
    }

    /// Where it listens.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves for ever.
    pub async fn run(self) -> anyhow::Result<()> {
        let metrics = self.metrics;
        let text = move || async move {
            metrics.text().map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")))
        };
        let router = Router::new().route("/metrics", get(text)).route("/livez", get(|| async { "ok\n" }));
        axum::serve(self.listener, router).await?;
        Ok(())
    }
}
