//! An SFTP server, whose key is known beforehand.
//!
//! In: a folder that is whole. Out: its files in a folder of their own, each renamed to its name once it is all there.
//! Never: trusts a key that is not pinned, on the first visit either; writes to a name that a reader looks for.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use russh::Disconnect;
use russh::client::{self, AuthResult, Handle};
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PrivateKeyWithHashAlg, PublicKeyOrCertificate, load_secret_key};
use russh_sftp::client::SftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::StatusCode;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::parcel::{Item, Parcel};
use super::{Failed, Sent, foreign};

/// `kind = "sftp"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The server.
    pub host: String,
    /// Its port.
    #[serde(default = "port")]
    pub port: u16,
    /// Who we are there.
    pub user: String,
    /// Our private key, Ed25519 or ECDSA, without a passphrase and readable by us alone.
    pub key_file: PathBuf,
    /// Fingerprints of the server's key, as `ssh-keygen -lf` prints them: `SHA256:…`. Two while it is being replaced.
    pub host_keys: Vec<String>,
    /// The folder there, which has to be there; where a login ends when none is named.
    #[serde(default = "login")]
    pub folder: String,
    /// How long the server may take for an answer. More for a slow line.
    #[serde(default = "timeout_secs")]
    pub timeout_secs: u64,
}

fn port() -> u16 {
    22
}

fn login() -> String {
    ".".to_owned()
}

fn timeout_secs() -> u64 {
    30
}

impl Options {
    /// What cannot work.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.host_keys.is_empty() {
            problems.push("host_keys is empty: ask the owner of the server for its fingerprint".to_owned());
        }
        let unread = self.host_keys.iter().filter(|key| !key.starts_with("SHA256:") || key.len() != 50);
        problems.extend(unread.map(|key| format!("host_keys: \"{key}\" is no SHA256:… fingerprint")));
        if self.timeout_secs == 0 {
            problems.push("timeout_secs is 0".to_owned());
        }
        problems
    }
}

pub(super) async fn send(options: &Options, parcel: &Parcel, sent: &mut Sent) -> Result<(), Failed> {
    let server = Server::connect(options).await?;
    let done = server.receive(&options.folder, parcel, sent).await;
    // What has arrived has arrived, whether or not the farewell does.
    drop(server.ssh.disconnect(Disconnect::ByApplication, "", "").await);
    done
}

/// Lets nobody through but the server that is known.
struct Door {
    host_keys: Vec<String>,
}

/// Why a connection was not made.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("it shows the host key {0}, which is not pinned: ask its owner, and if it is theirs, add it to host_keys")]
    Unpinned(String),
    #[error(transparent)]
    Ssh(#[from] russh::Error),
}

impl client::Handler for Door {
    type Error = Refused;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Refused> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else {
            return Err(Refused::Unpinned("of a certificate".to_owned()));
        };
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        if self.host_keys.contains(&fingerprint) {
            return Ok(true);
        }
        Err(Refused::Unpinned(format!("{fingerprint} ({})", key.algorithm())))
    }
}

/// An open connection.
struct Server {
    ssh: Handle<Door>,
    sftp: SftpSession,
    /// Tells the names of this run from another's.
    run: String,
}

impl Server {
    async fn connect(options: &Options) -> Result<Self, Failed> {
        let Options { host, port, timeout_secs, .. } = options;
        let opening = || format!("connecting to {host}:{port}");
        let connecting = timeout(Duration::from_secs(*timeout_secs), Self::open(options));
        match connecting.await {
            Err(_) => Err(anyhow!("no answer in {timeout_secs} s").context(opening()).into()),
            Ok(Err(failed)) => Err(failed.while_doing(opening())),
            Ok(Ok(server)) => Ok(server),
        }
    }

    async fn open(options: &Options) -> Result<Self, Failed> {
        let Options { host, port, user, key_file, host_keys, timeout_secs, .. } = options;
        let key = load_secret_key(key_file, None);
        let key = key.with_context(|| format!("reading {}", key_file.display())).map_err(Failed::Lasting)?;
        let socket = TcpStream::connect((host.as_str(), *port)).await.map_err(anyhow::Error::from)?;
        let door = Door { host_keys: host_keys.clone() };
        let mut ssh = client::connect_stream(Arc::new(settings(*timeout_secs)), socket, door).await.map_err(refused)?;
        let key = PrivateKeyWithHashAlg::new(Arc::new(key), None);
        match ssh.authenticate_publickey(user.as_str(), key).await.map_err(anyhow::Error::from)? {
            AuthResult::Success => {}
            // A server that refuses a key says what else it would take; of a line that was cut nothing is said.
            AuthResult::Failure { remaining_methods, .. } if remaining_methods.is_empty() => {
                return Err(anyhow!("the line was cut before it let {user} in").into());
            }
            AuthResult::Failure { .. } => {
                let key = key_file.display();
                return Err(Failed::Lasting(anyhow!(
                    "it does not let {user} in by {key}: have its public half entered there"
                )));
            }
        }
        let channel = ssh.channel_open_session().await.map_err(anyhow::Error::from)?;
        channel.request_subsystem(true, "sftp").await.map_err(anyhow::Error::from)?;
        let config = russh_sftp::client::Config { request_timeout_secs: *timeout_secs, ..Default::default() };
        let sftp = SftpSession::new_with_config(channel.into_stream(), config).await;
        let sftp = sftp.map_err(|error| failed(&error, "opening SFTP"))?;
        let mut run = [0; 8];
        getrandom::fill(&mut run).map_err(|error| anyhow!("the machine gives no randomness: {error}"))?;
        Ok(Self { ssh, sftp, run: hex::encode(run) })
    }

    /// Brings the files of a folder there that are not there yet.
    async fn receive(&self, root: &str, parcel: &Parcel, sent: &mut Sent) -> Result<(), Failed> {
        if self.size(root).await?.is_none() {
            return Err(Failed::Lasting(anyhow!("there is no folder {root} on the server: have it made there")));
        }
        let (kind, name) = parcel.place_parts();
        let kind = format!("{root}/{kind}");
        let place = format!("{kind}/{name}");
        self.make(&kind).await?;
        self.make(&place).await?;
        for item in &parcel.files {
            if self.upload(&place, parcel, item).await? {
                sent.insert(item.name.clone());
            }
        }
        // All is there; what hides behind a dot harms nobody, where a server lets us neither list nor remove it.
        drop(self.sweep(&place).await);
        Ok(())
    }

    /// Brings one file there; false where it is there.
    async fn upload(&self, place: &str, parcel: &Parcel, item: &Item) -> Result<bool, Failed> {
        let path = format!("{place}/{}", item.name);
        match self.size(&path).await? {
            Some(size) if size == item.size_bytes => return Ok(false),
            Some(size) => return Err(foreign(&path, size, item.size_bytes)),
            None => {}
        }
        let part = format!("{place}/.{}.{}{PART}", item.name, self.run);
        self.write(&part, parcel, item).await?;
        let found = self.size(&part).await?;
        if found != Some(item.size_bytes) {
            let found = found.unwrap_or_default();
            return Err(anyhow!("{part} has {found} bytes there, and {} were sent", item.size_bytes).into());
        }
        match self.sftp.rename(part.as_str(), path.as_str()).await {
            Ok(()) => Ok(true),
            // Another run was faster, with the same bytes.
            Err(_) if self.size(&path).await? == Some(item.size_bytes) => Ok(false),
            Err(error) => Err(failed(&error, &format!("renaming {part}"))),
        }
    }

    async fn write(&self, part: &str, parcel: &Parcel, item: &Item) -> Result<(), Failed> {
        let writing = || format!("writing {part}");
        let from = parcel.path(item);
        let mut file = tokio::fs::File::open(&from).await.with_context(|| format!("reading {}", from.display()))?;
        let mut there = self.sftp.create(part).await.map_err(|error| failed(&error, &writing()))?;
        let (mut hash, mut buffer) = (Sha256::new(), vec![0; CHUNK_BYTES]);
        loop {
            let read = file.read(&mut buffer).await.with_context(|| format!("reading {}", from.display()))?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            hash.update(bytes);
            there.write_all(bytes).await.with_context(writing)?;
        }
        there.flush().await.with_context(writing)?;
        there.sync_all().await.map_err(|error| failed(&error, &writing()))?;
        there.close().await.with_context(writing)?;
        parcel.check(item, &hex::encode(hash.finalize()))
    }

    /// Removes what runs that were cut off have left aside.
    async fn sweep(&self, place: &str) -> Result<(), SftpError> {
        for name in self.sftp.read_dir(place).await?.map(|entry| entry.file_name()) {
            if name.starts_with('.') && name.ends_with(PART) {
                self.sftp.remove_file(format!("{place}/{name}")).await?;
            }
        }
        Ok(())
    }

    async fn make(&self, folder: &str) -> Result<(), Failed> {
        if self.size(folder).await?.is_some() {
            return Ok(());
        }
        match self.sftp.create_dir(folder).await {
            Ok(()) => Ok(()),
            Err(_) if self.size(folder).await?.is_some() => Ok(()),
            Err(error) => Err(failed(&error, &format!("making {folder}"))),
        }
    }

    /// The size of what is there under a path, if anything is.
    async fn size(&self, path: &str) -> Result<Option<u64>, Failed> {
        match self.sftp.metadata(path).await {
            Ok(facts) => Ok(Some(facts.size.unwrap_or_default())),
            Err(SftpError::Status(status)) if status.status_code == StatusCode::NoSuchFile => Ok(None),
            Err(error) => Err(failed(&error, &format!("looking at {path}"))),
        }
    }
}

const CHUNK_BYTES: usize = 256 << 10;
/// How a file's name ends while it is not all there.
const PART: &str = ".part";

fn settings(timeout_secs: u64) -> client::Config {
    let curves = [EcdsaCurve::NistP256, EcdsaCurve::NistP384, EcdsaCurve::NistP521];
    let ecdsa = curves.into_iter().map(|curve| Algorithm::Ecdsa { curve });
    let mut settings = client::Config {
        keepalive_interval: Some(Duration::from_secs(timeout_secs)),
        nodelay: true,
        ..client::Config::default()
    };
    settings.preferred.key = std::iter::once(Algorithm::Ed25519).chain(ecdsa).collect();
    settings
}

fn refused(error: Refused) -> Failed {
    match error {
        Refused::Ssh(error) => Failed::Passing(error.into()),
        unpinned @ Refused::Unpinned(_) => Failed::Lasting(unpinned.into()),
    }
}

fn failed(error: &SftpError, doing: &str) -> Failed {
    let is_denied = matches!(error, SftpError::Status(status) if status.status_code == StatusCode::PermissionDenied);
    let error = anyhow!("{doing}: {error}");
    if is_denied { Failed::Lasting(error) } else { Failed::Passing(error) }
}

#[cfg(test)]
mod tests;
