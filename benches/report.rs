//! How many texts to 156 a second does `report parse` read on one core?
//!
//! In: nothing; the golden texts of `tests/data/report.jsonl`, over and over. Out: texts a second, the median of some
//! rounds and each; exit 1 when the median is below `--least`. Never: a file, a second thread, or the start of a process.
//!
//! `cargo bench --bench report`

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context, ensure};
use callsieve::clock::Stopwatch;
use callsieve::job::report;
use clap::Parser;

/// What the desk was promised (issue 6).
const LEAST: f64 = 50_000.0;

#[derive(Parser)]
struct Arguments {
    /// Texts of a round.
    #[arg(long, default_value_t = 200_000)]
    texts: usize,
    /// Rounds that are measured.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Texts a second that the median has to reach; on a machine with other work, 0.
    #[arg(long, default_value_t = LEAST)]
    least: f64,
    /// What cargo says to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let golden = golden()?;
    let lines: Vec<u8> =
        golden.iter().cycle().take(arguments.texts).flat_map(|text| format!("{text}\n").into_bytes()).collect();
    // Word lists are read once, by whoever needs them first.
    timed(golden.join("\n").as_bytes(), golden.len())?;
    let took = (0..arguments.rounds).map(|_| timed(&lines, arguments.texts)).collect::<anyhow::Result<Vec<_>>>()?;
    let count = f64::from(u32::try_from(arguments.texts)?);
    let mut rates: Vec<f64> = took.iter().map(|took| count / took.as_secs_f64()).collect();
    rates.sort_by(f64::total_cmp);
    let median = *rates.get(rates.len() / 2).context("no round was measured")?;
    println!("{:<24} {:>8} texts {median:>11.0} texts/s   {rates:.0?}", "report_parse", arguments.texts);
    ensure!(median >= arguments.least, "fewer than {:.0} texts a second", arguments.least);
    Ok(())
}

fn golden() -> anyhow::Result<Vec<String>> {
    let text = |line: &str| -> anyhow::Result<String> {
        let case: serde_json::Value = serde_json::from_str(line)?;
        Ok(case["text"].as_str().context("a golden line has no text")?.to_owned())
    };
    include_str!("../tests/data/report.jsonl").lines().map(text).collect()
}

/// How long all texts take; each gives a line.
fn timed(texts: &[u8], count: usize) -> anyhow::Result<Duration> {
    let mut out = Vec::new();
    let began = Stopwatch::start();
    report::parse(texts, &mut out)?;
    let took = began.elapsed();
    let lines = black_box(&out).split(|byte| *byte == b'\n').count() - 1;
    ensure!(lines == count, "{count} texts gave {lines} lines");
    Ok(took)
}
