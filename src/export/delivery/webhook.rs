//! An address that is posted to, one request for each file.
//!
//! In: a folder that is whole. Out: its files, each signed and under a key that stays the same whenever it is sent.
//! Never: sends over an open line, but to this machine; follows a redirection; tells an error's reader the address, in
//! which there may be a secret.
//!
//! A request has these headers:
//! - `Idempotency-Key`: SHA-256 of `ID/FILE`, hex, where the id is that of the folder: its first digits are in
//!   `X-Callsieve-Folder`. Whoever has seen a key has the file.
//! - `X-Callsieve-Signature`: `t=SECONDS,v1=HEX`, where `HEX` is HMAC-SHA256 by the shared secret over
//!   `SECONDS.IDEMPOTENCY_KEY.BODY`.
//! - `X-Callsieve-Folder`, `X-Callsieve-File`, `X-Callsieve-Manifest`: where the file belongs, and the hash of the file
//!   that comes last.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use chrono::DateTime;
use reqwest::{Client, Response, StatusCode, Url, header, redirect};
use ring::hmac;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::parcel::{Item, Parcel};
use super::{Failed, Sent};
use crate::clock::Clock;

/// `kind = "webhook"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The address.
    pub url: Url,
    /// A file whose first line is the secret that both sides know.
    pub secret_file: PathBuf,
    /// How long an answer may take, the sending of a file included. More for a slow line.
    #[serde(default = "timeout_secs")]
    pub timeout_secs: u64,
}

fn timeout_secs() -> u64 {
    60
}

/// A shorter secret could be guessed.
const SECRET_BYTES: usize = 16;

impl Options {
    /// What cannot work.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let is_here = matches!(self.url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        if self.url.scheme() != "https" && !(self.url.scheme() == "http" && is_here) {
            problems.push("url: https, since numbers are in clear".to_owned());
        }
        if self.timeout_secs == 0 {
            problems.push("timeout_secs is 0".to_owned());
        }
        problems
    }

    fn secret(&self) -> anyhow::Result<hmac::Key> {
        let file = self.secret_file.display();
        let text = std::fs::read_to_string(&self.secret_file).with_context(|| format!("reading {file}"))?;
        let secret = text.lines().next().unwrap_or_default().trim();
        anyhow::ensure!(secret.len() >= SECRET_BYTES, "{file} has no secret of {SECRET_BYTES} bytes in its first line");
        Ok(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }
}

/// Posts every file that was not accepted yet, in the parcel's order: what says that the folder is there comes last.
pub(super) async fn send(options: &Options, parcel: &Parcel, sent: &mut Sent, clock: Clock) -> Result<(), Failed> {
    let secret = options.secret().map_err(Failed::Lasting)?;
    let client =
        Client::builder().timeout(Duration::from_secs(options.timeout_secs)).redirect(redirect::Policy::none());
    let client = client.build().context("preparing to post")?;
    let id = parcel.id();
    for item in &parcel.files {
        if sent.contains(&item.name) {
            continue;
        }
        let body = parcel.bytes(item)?;
        let key = key(&id, &item.name);
        let signature = signature(&secret, clock.now() / 1_000_000, &key, &body);
        let request = client
            .post(options.url.clone())
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header("Idempotency-Key", key)
            .header("X-Callsieve-Signature", signature)
            .header("X-Callsieve-Folder", parcel.place())
            .header("X-Callsieve-File", item.name.as_str())
            .header("X-Callsieve-Manifest", parcel.manifest_sha256.as_str());
        let answer = request.body(body).send().await;
        let answer = answer.map_err(reqwest::Error::without_url).with_context(|| format!("posting {}", item.name))?;
        accepted(&answer, item, clock)?;
        sent.insert(item.name.clone());
    }
    Ok(())
}

/// By which a receiver knows a file again.
fn key(id: &str, file: &str) -> String {
    hex::encode(Sha256::digest(format!("{id}/{file}")))
}

fn signature(secret: &hmac::Key, at: i64, key: &str, body: &[u8]) -> String {
    let mut signing = hmac::Context::with_key(secret);
    signing.update(format!("{at}.{key}.").as_bytes());
    signing.update(body);
    format!("t={at},v1={}", hex::encode(signing.sign()))
}

/// A server in trouble may be well soon, and one that has too much to do says when; what it has understood and refused
/// stays refused.
fn accepted(answer: &Response, item: &Item, clock: Clock) -> Result<(), Failed> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let error = anyhow!("{} was answered with {status}", item.name);
    if !status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS {
        return Err(Failed::Lasting(error));
    }
    let asked = answer.headers().get(header::RETRY_AFTER).and_then(|asked| asked.to_str().ok());
    match asked.and_then(|asked| pause(asked, clock)) {
        Some(pause) => Err(Failed::Busy(error, pause)),
        None => Err(Failed::Passing(error)),
    }
}

/// What `Retry-After` asks for, which is seconds or a date; none where it is neither.
fn pause(asked: &str, clock: Clock) -> Option<Duration> {
    if let Ok(secs) = asked.parse() {
        return Some(Duration::from_secs(secs));
    }
    let until = DateTime::parse_from_rfc2822(asked).ok()?.timestamp();
    Some(Duration::from_secs(u64::try_from(until - clock.now() / 1_000_000).unwrap_or_default()))
}

#[cfg(test)]
mod tests;
