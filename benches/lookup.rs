//! How long does `domain lookup` take where no registry is asked?
//!
//! In: nothing; lists of a million hosts and pages, which it makes up, and names of every sort. Out: the median and the
//! 99th percentile of a look-up; exit 1 when the latter is above `--most-ms`. Never: a registry, or the time in which the
//! lists are read.
//!
//! `cargo bench --bench lookup`

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use callsieve::clock::{Clock, Stopwatch};
use callsieve::domain::host::Link;
use callsieve::lookup::answer::Answer;
use callsieve::lookup::{Lookup, Options};
use clap::Parser;

/// What the desk was promised (issue 6).
const MOST_MS: f64 = 5.0;

/// What made-up hosts begin and end with.
const WORDS: [&str; 7] = ["vay-nhanh", "trung-thuong", "nhan-qua", "hoan-tien", "bao-hiem", "viec-lam", "ngan-hang"];
const SUFFIXES: [&str; 5] = ["xyz", "com", "top", "com.vn", "club"];

#[derive(Parser)]
struct Arguments {
    /// Hosts and pages on the lists.
    #[arg(long, default_value_t = 1_000_000)]
    listed: usize,
    /// Names that are looked up, each once.
    #[arg(long, default_value_t = 1_000)]
    names: usize,
    /// Milliseconds that 99 of 100 look-ups may take; on a machine with other work, more.
    #[arg(long, default_value_t = MOST_MS)]
    most_ms: f64,
    /// What cargo says to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    write_lists(folder.path(), arguments.listed)?;
    let options = Options { lists: Some(folder.path().to_owned()), ..Options::default() };
    let lookup = Lookup::open(&options, Clock::Fixed(0))?;
    let entries: usize = lookup.lists().sizes().map(|(_, entries, _)| entries).sum();
    ensure!(entries == arguments.listed, "of {} entries {entries} were read", arguments.listed);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut took = Vec::with_capacity(arguments.names);
    for (text, is_listed) in asked(arguments.names, arguments.listed) {
        let (one, answer) = runtime.block_on(timed(&lookup, &text))?;
        ensure!(!is_listed || !answer.signals.lists.is_empty(), "{text} is not found on the lists");
        took.push(one.as_secs_f64() * 1_000.0);
    }
    took.sort_by(f64::total_cmp);
    let at = |hundredth: usize| took.get(took.len() * hundredth / 100).copied().context("nothing was looked up");
    let (median, late) = (at(50)?, at(99)?);
    println!("{:<24} {entries:>8} listed  median {median:>6.3} ms  99 % {late:>6.3} ms", "domain_lookup");
    ensure!(late <= arguments.most_ms, "one in a hundred look-ups takes more than {} ms", arguments.most_ms);
    Ok(())
}

/// Writes a list in each form in which lists are published.
fn write_lists(folder: &Path, count: usize) -> anyhow::Result<()> {
    let (mut hosts, mut domains, mut pages) = (String::new(), String::new(), String::new());
    for at in 0..count {
        let host = host(at);
        match at % 10 {
            0..6 => hosts += &format!("0.0.0.0 {host}\n"),
            6..9 => domains += &format!("||{host}^\n"),
            _ => pages += &format!("https://{host}/dang-nhap\n"),
        }
    }
    for (name, list) in [("hosts.txt", hosts), ("domains.txt", domains), ("pages.txt", pages)] {
        std::fs::write(folder.join(name), list)?;
    }
    Ok(())
}

/// A host of its own for each number, in no order.
fn host(at: usize) -> String {
    let drawn = at.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!("{}-{drawn:x}.{}", WORDS[at % WORDS.len()], SUFFIXES[at % SUFFIXES.len()])
}

/// What is looked up, and whether the lists have to name it: hosts and links that are listed, names that imitate, names
/// of nobody, and a link as long as an SMS can be on a host that many share.
fn asked(names: usize, listed: usize) -> Vec<(String, bool)> {
    let cases = include_str!("../pipelines/lookup/case.csv").lines().skip(1);
    let alike: Vec<&str> = cases.filter_map(|line| line.split(',').next()).collect();
    let one = |at: usize| {
        let known = host(at.wrapping_mul(7_919) % listed.max(1));
        match at % 5 {
            0 => (known, listed > 0),
            1 => (format!("hxxps://www[.]{known}/dang-nhap?ma={at}"), listed > 0),
            2 => (alike[at % alike.len()].to_owned(), false),
            3 => (format!("m.tin.{}", host(listed + at)), false),
            _ => (format!("facebook.com/{}{at}", "a/".repeat(60)), false),
        }
    };
    (0..names).map(one).collect()
}

/// How long it takes from what a citizen writes to the SMS.
async fn timed(lookup: &Lookup, text: &str) -> anyhow::Result<(Duration, Answer)> {
    let began = Stopwatch::start();
    let link = Link::read(text).with_context(|| format!("{text} is no link"))?;
    let answer = lookup.answer(&link, None).await;
    black_box(lookup.sms(&answer));
    Ok((began.elapsed(), answer))
}
