//! Against the OpenSSH server of `CALLSIEVE_SFTP`, which `tests/sshd` starts, over lines that are cut.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use url::Url;

use super::*;
use crate::export::delivery::Target;
use crate::export::delivery::tests::{is_no_half, is_whole, package, send as attempt};

/// The server, and a folder of our own there.
struct Site {
    /// Where its key files are.
    folder: PathBuf,
    options: Options,
    own: tempfile::TempDir,
    parcel: Parcel,
}

impl Site {
    fn new(bytes: usize) -> Option<Self> {
        let Some(server) = std::env::var_os("CALLSIEVE_SFTP") else {
            writeln!(std::io::stderr(), "skipped: CALLSIEVE_SFTP names no server; tests/sshd starts one").unwrap();
            return None;
        };
        let server = Url::parse(server.to_str().unwrap()).unwrap();
        let folder = PathBuf::from(server.path());
        let own = tempfile::tempdir_in(folder.join("data")).unwrap();
        std::fs::create_dir(own.path().join("in")).unwrap();
        let options = Options {
            host: server.host_str().unwrap().to_owned(),
            port: server.port().unwrap(),
            user: server.username().to_owned(),
            key_file: folder.join("client_key"),
            host_keys: vec![std::fs::read_to_string(folder.join("fingerprint")).unwrap().trim().to_owned()],
            folder: format!("{}/in", own.path().file_name().unwrap().to_str().unwrap()),
            timeout_secs: 10,
        };
        assert_eq!(options.problems(), Vec::<String>::new());
        let parcel = Parcel::read(&package(own.path(), bytes)).unwrap();
        Some(Self { folder, options, own, parcel })
    }

    fn target(&self) -> Target {
        Target::Sftp(self.options.clone())
    }

    fn place(&self) -> PathBuf {
        self.own.path().join("in").join(self.parcel.place())
    }

    async fn refused(&self, options: Options) -> String {
        let failed = attempt(&Target::Sftp(options), &self.parcel).await.unwrap_err();
        assert!(matches!(&failed, Failed::Lasting(_)), "{failed}");
        failed.to_string()
    }
}

/// Hands bytes on to a port, so many in all from here to there, and then cuts every line.
async fn line(port: u16, bytes: i64) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let left = Arc::new(AtomicI64::new(bytes));
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let left = left.clone();
            tokio::spawn(async move {
                let (near_in, mut near_out) = near.into_split();
                let (mut far_in, far_out) = far.into_split();
                tokio::select! {
                    () = pass(near_in, far_out, &left) => {}
                    _ = tokio::io::copy(&mut far_in, &mut near_out) => {}
                }
            });
        }
    });
    own
}

/// Hands on what is left to hand on.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, left: &AtomicI64) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let budget = left.fetch_sub(i64::try_from(read).unwrap(), Ordering::Relaxed);
        let passed = usize::try_from(budget.max(0)).unwrap().min(read);
        if to.write_all(&buffer[..passed]).await.is_err() || passed < read {
            return;
        }
    }
}

fn entries(place: &Path) -> usize {
    std::fs::read_dir(place).map_or(0, Iterator::count)
}

#[tokio::test]
async fn a_folder_arrives_whole_and_once() {
    let Some(site) = Site::new(3_000_000) else { return };
    assert_eq!(attempt(&site.target(), &site.parcel).await.unwrap().len(), 5);
    is_whole(&site.parcel, &site.place());
    assert_eq!(attempt(&site.target(), &site.parcel).await.unwrap(), Vec::<String>::new());
    is_whole(&site.parcel, &site.place());
}

#[tokio::test]
async fn a_server_whose_key_is_not_pinned_gets_nothing() {
    let Some(site) = Site::new(10) else { return };
    let other = format!("SHA256:{}", "A".repeat(43));
    let said = site.refused(Options { host_keys: vec![other], ..site.options.clone() }).await;
    let shown = &site.options.host_keys[0];
    assert!(said.contains(&format!("shows the host key {shown} (ssh-ed25519), which is not pinned")), "{said}");
    assert_eq!(entries(&site.own.path().join("in")), 0);
}

#[tokio::test]
async fn what_only_a_person_can_mend_is_named() {
    let Some(site) = Site::new(10) else { return };
    let key_file = site.folder.join("other_key");
    let said = site.refused(Options { key_file, ..site.options.clone() }).await;
    assert!(said.contains("have its public half entered there"), "{said}");
    let folder = format!("{}/out", site.options.folder);
    let said = site.refused(Options { folder, ..site.options.clone() }).await;
    assert!(said.contains("have it made there"), "{said}");
    std::fs::create_dir_all(site.place()).unwrap();
    std::fs::write(site.place().join("numbers.csv"), "foreign").unwrap();
    let said = site.refused(site.options.clone()).await;
    assert!(said.contains("is there with 7 bytes instead of 10"), "{said}");
    assert!(!site.place().join("manifest.json").exists());
}

/// A line is cut 24 times, each time at another byte: nobody ever sees half a file, and what has arrived stays.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_off_is_finished_by_the_next() {
    for bytes in (0..24).map(|cut| 1_000 + cut * 9_000) {
        let Some(site) = Site::new(150_000) else { return };
        let port = line(site.options.port, bytes).await;
        let cut = Target::Sftp(Options { port, ..site.options.clone() });
        let failed = attempt(&cut, &site.parcel).await;
        is_no_half(&site.parcel, &site.place());
        let there = site.parcel.files.iter().filter(|item| site.place().join(&item.name).exists()).count();
        match failed {
            Err(Failed::Passing(_)) => {}
            Err(failed) => panic!("{bytes}: {failed}"),
            Ok(_) => assert_eq!(there, 5, "{bytes}"),
        }
        let sent = attempt(&site.target(), &site.parcel).await.unwrap();
        assert_eq!(sent.len(), 5 - there, "{bytes}: what was there is not sent again");
        is_whole(&site.parcel, &site.place());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_deliver_once() {
    let Some(site) = Site::new(2_000_000) else { return };
    let target = site.target();
    let (one, other) = tokio::join!(attempt(&target, &site.parcel), attempt(&target, &site.parcel));
    assert!(one.is_ok() || other.is_ok(), "{one:?} {other:?}");
    is_no_half(&site.parcel, &site.place());
    attempt(&target, &site.parcel).await.unwrap();
    is_whole(&site.parcel, &site.place());
}

#[test]
fn a_target_without_a_pinned_key_is_no_target() {
    let text = "host = \"h\"\nuser = \"u\"\nkey_file = \"k\"\nhost_keys = []\n";
    let options: Options = toml::from_str(text).unwrap();
    assert_eq!(options.problems(), ["host_keys is empty: ask the owner of the server for its fingerprint"]);
    let options: Options = toml::from_str(&text.replace("[]", "[\"MD5:aa\"]")).unwrap();
    assert_eq!(options.problems(), ["host_keys: \"MD5:aa\" is no SHA256:… fingerprint"]);
}
