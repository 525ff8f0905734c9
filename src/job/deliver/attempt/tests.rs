//! Attempts at a share that is not always mounted, and at a receiver that has too much to do.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;

use super::super::tests::parcel;
use super::*;
use crate::clock::Stopwatch;
use crate::export::delivery::{local, webhook};

#[tokio::test]
async fn a_share_that_comes_back_gets_what_it_missed() {
    let root = tempfile::tempdir().unwrap();
    let share = root.path().join("share");
    let parcel = parcel(root.path(), "a\n");
    let target = Target::Local(local::Options { path: share.clone() });
    let mounting = async {
        tokio::time::sleep(FIRST_WAIT / 2).await;
        std::fs::create_dir(&share).unwrap();
    };
    let (outcome, ()) = tokio::join!(deliver(&target, "share", &parcel, Clock::Fixed(0)), mounting);
    assert_eq!((outcome.attempts, outcome.error, outcome.sent.len()), (2, None, 2));
    let outcome = deliver(&target, "share", &parcel, Clock::Fixed(0)).await;
    assert_eq!((outcome.attempts, outcome.error, outcome.sent.len()), (1, None, 0), "it is there");
}

#[tokio::test]
async fn what_only_a_person_can_mend_is_not_tried_again() {
    let root = tempfile::tempdir().unwrap();
    let target = Target::Local(local::Options { path: root.path().to_owned() });
    let before = parcel(root.path(), "a\n");
    parcel(root.path(), "b\n");
    let outcome = deliver(&target, "share", &before, Clock::Fixed(0)).await;
    assert_eq!(outcome.attempts, 1);
    assert!(outcome.error.unwrap().contains("has changed while it was sent"));
}

/// A receiver that gives one answer to each request in turn, and then that all is well.
fn receiver(answers: &'static [&'static str]) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let well = std::iter::repeat("200 OK\r\n");
        for (stream, answer) in listener.incoming().zip(answers.iter().copied().chain(well)) {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let lines = reader.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty());
            let length = lines.filter_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).last();
            reader.read_exact(&mut vec![0; length.unwrap()]).unwrap();
            write!(stream, "HTTP/1.1 {answer}content-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        }
    });
    address
}

#[tokio::test]
async fn a_receiver_that_asks_for_a_pause_is_given_it_and_gets_the_rest() {
    let root = tempfile::tempdir().unwrap();
    let secret_file = root.path().join("secret");
    std::fs::write(&secret_file, "0123456789abcdef\n").unwrap();
    let address = receiver(&["200 OK\r\n", "429 Too Many Requests\r\nretry-after: 2\r\n"]);
    let url = format!("http://{address}/in").parse().unwrap();
    let target = Target::Webhook(webhook::Options { url, secret_file, timeout_secs: 5 });
    let stopwatch = Stopwatch::start();
    let outcome = deliver(&target, "gateway", &parcel(root.path(), "a\n"), Clock::Fixed(0)).await;
    assert_eq!((outcome.attempts, outcome.error, outcome.sent.len()), (2, None, 2));
    assert!(stopwatch.elapsed() >= Duration::from_secs(2), "{:?}", stopwatch.elapsed());
}

#[test]
fn a_pause_has_a_bound_and_is_no_shorter_than_our_own() {
    let asked = |secs| pause(&Failed::Busy(anyhow::anyhow!("busy"), Duration::from_secs(secs)), FIRST_WAIT * 4);
    assert_eq!([0, 7, 3_600].map(|secs| asked(secs).as_secs()), [4, 7, LONGEST_WAIT.as_secs()]);
    assert_eq!(pause(&Failed::Passing(anyhow::anyhow!("down")), FIRST_WAIT), FIRST_WAIT);
}
