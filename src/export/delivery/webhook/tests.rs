//! A receiver that speaks HTTP, takes each key once, and has bad moments.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::*;
use crate::export::delivery::Target;
use crate::export::delivery::tests::{names, package, send as attempt};

const NOON: Clock = Clock::Fixed(1_736_139_600_000_000);
const SECRET: &str = "0123456789abcdef";

/// A request, as it came.
#[derive(Debug, Clone)]
struct Request {
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

#[derive(Debug, Default)]
struct Receiver {
    /// What it answers next; 200 when nothing is left, and 0 is silence.
    answers: Vec<u16>,
    /// What it says beside an answer of trouble: when to come again.
    retry_after: Option<&'static str>,
    /// Requests in their order.
    seen: Vec<Request>,
    /// Files by their key.
    kept: BTreeMap<String, Request>,
}

struct Site {
    receiver: Arc<Mutex<Receiver>>,
    options: Options,
    parcel: Parcel,
    _folder: tempfile::TempDir,
}

impl Site {
    fn new(mut answers: Vec<u16>) -> Self {
        answers.reverse();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), format!("{SECRET}\n")).unwrap();
        let receiver = Arc::new(Mutex::new(Receiver { answers, ..Receiver::default() }));
        let options = Options {
            url: format!("http://{}/in?token=abc", listen(Arc::clone(&receiver))).parse().unwrap(),
            secret_file: folder.path().join("secret"),
            timeout_secs: 1,
        };
        let parcel = Parcel::read(&package(folder.path(), 100)).unwrap();
        Self { receiver, options, parcel, _folder: folder }
    }

    fn target(&self) -> Target {
        Target::Webhook(self.options.clone())
    }

    fn files(&self) -> Vec<String> {
        let receiver = self.receiver.lock().unwrap();
        receiver.seen.iter().map(|request| request.headers["x-callsieve-file"].clone()).collect()
    }
}

fn listen(receiver: Arc<Mutex<Receiver>>) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let receiver = Arc::clone(&receiver);
            std::thread::spawn(move || answer(stream.unwrap(), &receiver));
        }
    });
    address
}

fn answer(mut stream: TcpStream, receiver: &Mutex<Receiver>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let lines = reader.by_ref().lines().skip(1).map_while(Result::ok).take_while(|line| !line.is_empty());
    let split = |line: String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let headers: BTreeMap<String, String> = lines.filter_map(split).collect();
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    let (status, retry_after) = {
        let mut receiver = receiver.lock().unwrap();
        let request = Request { headers, body };
        receiver.seen.push(request.clone());
        let status = receiver.answers.pop().unwrap_or(200);
        // Silence and trouble may come after the work is done.
        if status == 200 || status == 0 || status == 502 {
            receiver.kept.entry(request.headers["idempotency-key"].clone()).or_insert(request);
        }
        let asked = receiver.retry_after.filter(|_| status != 200);
        (status, asked.map(|asked| format!("retry-after: {asked}\r\n")).unwrap_or_default())
    };
    if status == 0 {
        std::thread::sleep(Duration::from_secs(2));
        return;
    }
    let head = format!(
        "HTTP/1.1 {status} -\r\ncontent-length: 0\r\nconnection: close\r\nlocation: /other\r\n{retry_after}\r\n"
    );
    drop(stream.write_all(head.as_bytes()));
}

#[test]
fn keys_and_signatures_are_those_of_another_program() {
    // Python's hashlib and hmac: sha256(id + "/numbers.csv"), hmac(secret, "1736139600." + key + ".number\n").
    let key = key(&"ab".repeat(32), "numbers.csv");
    assert_eq!(key, "a1924414f31f93e4d5bdf16bcf1203ed8d2ea850a72428066ae88e3da2bb2297");
    let secret = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    assert_eq!(
        signature(&secret, 1_736_139_600, &key, b"number\n"),
        "t=1736139600,v1=89d3551eab8c6a474d7941fd8b556fddb37470416fcfe55a625d7da2401587cd"
    );
}

#[tokio::test]
async fn every_file_comes_signed_and_the_manifest_last() {
    let site = Site::new(vec![]);
    assert_eq!(attempt(&site.target(), &site.parcel).await.unwrap().len(), 5);
    assert_eq!(site.files(), names(&site.parcel));
    let secret = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    for (request, item) in site.receiver.lock().unwrap().seen.iter().zip(&site.parcel.files) {
        assert_eq!(hex::encode(Sha256::digest(&request.body)), item.sha256);
        let key = key(&site.parcel.id(), &item.name);
        assert_eq!(request.headers["idempotency-key"], key);
        assert_eq!(request.headers["x-callsieve-signature"], signature(&secret, 1_736_139_600, &key, &request.body));
        assert_eq!(request.headers["x-callsieve-folder"], site.parcel.place());
    }
}

#[tokio::test]
async fn what_was_not_answered_comes_again_and_nothing_is_kept_twice() {
    let site = Site::new(vec![200, 502, 200, 0]);
    let (target, mut sent) = (site.target(), Sent::new());
    for attempt in 1..=3 {
        let done = target.send(&site.parcel, &mut sent, NOON).await;
        assert!(if attempt < 3 { matches!(done, Err(Failed::Passing(_))) } else { done.is_ok() }, "{done:?}");
    }
    let twice = ["coverage.csv", "numbers.csv", "numbers.csv", "SHA256SUMS.minisig", "SHA256SUMS.minisig"];
    assert_eq!(site.files()[..5], twice);
    // Another run, as after a kill: the same files under the same keys.
    attempt(&target, &site.parcel).await.unwrap();
    let receiver = site.receiver.lock().unwrap();
    assert_eq!((receiver.kept.len(), receiver.seen.len()), (5, 12));
}

#[tokio::test]
async fn what_was_refused_stays_refused_and_no_redirection_is_followed() {
    for status in [400, 401, 409, 413, 301, 307] {
        let site = Site::new(vec![200, status]);
        let failed = attempt(&site.target(), &site.parcel).await.unwrap_err();
        let said = failed.to_string();
        assert!(matches!(failed, Failed::Lasting(_)) && site.files().len() == 2, "{said}");
        assert!(said.starts_with(&format!("numbers.csv was answered with {status}")), "{said}");
    }
}

#[tokio::test]
async fn who_has_too_much_to_do_says_when_to_come_again() {
    let secs = |secs| Some(Duration::from_secs(secs));
    for (status, asked, expected) in [
        (429, Some("7"), secs(7)),
        (503, Some("7"), secs(7)),
        (429, Some("Mon, 06 Jan 2025 05:00:07 GMT"), secs(7)),
        (429, Some("Mon, 06 Jan 2025 04:00:00 GMT"), secs(0)),
        (429, Some("soon"), None),
        (429, None, None),
    ] {
        let site = Site::new(vec![200, status]);
        site.receiver.lock().unwrap().retry_after = asked;
        let (target, mut sent) = (site.target(), Sent::new());
        let pause = match target.send(&site.parcel, &mut sent, NOON).await.unwrap_err() {
            Failed::Busy(_, pause) => Some(pause),
            Failed::Passing(_) => None,
            failed @ Failed::Lasting(_) => panic!("{status} {asked:?}: {failed}"),
        };
        assert_eq!(pause, expected, "{status} {asked:?}");
        target.send(&site.parcel, &mut sent, NOON).await.unwrap();
        assert_eq!(
            (sent.len(), site.files().len()),
            (5, 6),
            "what was refused for now is sent again, and nothing else"
        );
    }
}

#[tokio::test]
async fn an_address_is_not_told_with_an_error() {
    let mut site = Site::new(vec![]);
    site.options.url = "http://127.0.0.1:1/in?token=abc".parse().unwrap();
    let failed = attempt(&site.target(), &site.parcel).await.unwrap_err();
    let said = failed.to_string();
    assert!(matches!(failed, Failed::Passing(_)) && !said.contains("token"), "{said}");
}

#[test]
fn an_open_line_and_a_short_secret_are_refused() {
    let site = Site::new(vec![]);
    let problems = |url: &str| Options { url: url.parse().unwrap(), ..site.options.clone() }.problems();
    assert_eq!(problems("http://ministry.example/in"), ["url: https, since numbers are in clear"]);
    assert!(problems("https://ministry.example/in").is_empty() && problems("http://127.0.0.1:80/").is_empty());
    std::fs::write(&site.options.secret_file, "short\n").unwrap();
    assert!(site.options.secret().unwrap_err().to_string().contains("no secret of 16 bytes"));
}
