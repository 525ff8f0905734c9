//! How many calls a second does one core put through the kernels of `feature`, and with how many instructions?
//!
//! In: nothing; the calls of a day are invented, always the same ones. Out: rows a second of each piece; with
//! `--only PIECE --rounds 1` one run of one piece, for `benches/instructions` to count. Never: a file, a session or a
//! thread; nor jemalloc, which gives memory back by the clock, so that no two runs would count the same.
//!
//! `cargo bench --bench kernel`

use std::hint::black_box;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use arrow::array::{ArrayRef, Int64Array, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use callsieve::clock::Stopwatch;
use callsieve::domain::day::Day;
use callsieve::feature::aggregates;
use clap::{Parser, ValueEnum};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{AggregateUDF, EmitTo, GroupsAccumulator};
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

#[derive(Parser)]
struct Arguments {
    /// Of the pieces this one.
    #[arg(long, value_enum)]
    only: Option<Piece>,
    /// Times that each piece is measured; with 0 its rows are made ready, and no more.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// What cargo says to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Piece {
    /// Calls as a clustered file has them; a caller is let go of when the next begins.
    CallSequence,
    /// The same calls in no order, all callers at the end.
    CallSequenceUnordered,
    /// The calls of `call_sequence`.
    CallSegment,
    /// A week of days.
    JoinSegments,
}

/// A piece's work on rows that are ready.
type Work = Box<dyn Fn() -> anyhow::Result<()>>;

/// What operators hand over at once.
const BATCH_ROWS: usize = 8_192;
const SEED: u64 = 1;
const US_PER_S: i64 = 1_000_000;
/// The Monday 2025-01-06.
const DAY: i32 = 20_094;
const DAYS: i32 = 7;
const SHORT_GAP_S: i64 = 60;

/// How many callers make how many calls on the day: nearly all a few, some hundreds, a few thousands.
const CALLERS: [(usize, RangeInclusive<usize>); 3] = [(20_000, 1..=8), (100, 100..=400), (8, 1_000..=6_000)];
/// Who makes as many works down a list of strangers, with a number in sequence now and then.
const BULK_CALLS: usize = 100;
const FIRST_NUMBER: i64 = 84_900_000_000;
const STRANGERS: i64 = 9_000_000;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let calls = invented()?;
    for piece in Piece::value_variants().iter().filter(|piece| arguments.only.is_none_or(|only| only == **piece)) {
        let (rows, work) = piece.prepared(&calls)?;
        let took = (0..arguments.rounds).map(|_| timed(work.as_ref())).collect::<anyhow::Result<Vec<_>>>()?;
        let name = piece.to_possible_value().context("every piece has a name")?;
        show(name.get_name(), rows, &took)?;
    }
    Ok(())
}

fn timed(work: &dyn Fn() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let began = Stopwatch::start();
    work()?;
    Ok(began.elapsed())
}

/// The piece and its rows; then the median, if there is any.
fn show(name: &str, rows: usize, took: &[Duration]) -> anyhow::Result<()> {
    let count = f64::from(u32::try_from(rows)?);
    let mut rates: Vec<f64> = took.iter().map(|took| count / took.as_secs_f64()).collect();
    rates.sort_by(f64::total_cmp);
    match rates.get(rates.len() / 2) {
        Some(median) => println!("{name:<24} {rows:>8} rows {median:>12.0} rows/s   {rates:.0?}"),
        None => println!("{name:<24} {rows:>8} rows"),
    }
    Ok(())
}

// --- the calls ---

#[derive(Debug, Clone, Copy)]
struct Call {
    /// Callers count from 0.
    caller: usize,
    start_us: i64,
    busy_s: i64,
    callee: Option<i64>,
    cell: i64,
    imei: Option<i64>,
}

/// The calls of a day in the order of callers and starts.
fn invented() -> anyhow::Result<Vec<Call>> {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut sizes: Vec<usize> = Vec::new();
    for (callers, calls) in CALLERS {
        sizes.extend((0..callers).map(|_| random.random_range(calls.clone())));
    }
    sizes.shuffle(&mut random);
    let mut calls: Vec<Call> = Vec::with_capacity(sizes.iter().sum());
    for (caller, size) in sizes.into_iter().enumerate() {
        let from = calls.len();
        let mut callee = FIRST_NUMBER;
        for _ in 0..size {
            callee = next_callee(i64::try_from(caller)?, size, callee, &mut random);
            calls.push(call(caller, callee, &mut random)?);
        }
        calls[from..].sort_by_key(|call| call.start_us);
    }
    Ok(calls)
}

fn next_callee(caller: i64, calls: usize, before: i64, random: &mut ChaCha8Rng) -> i64 {
    let stranger = FIRST_NUMBER + random.random_range(0..STRANGERS);
    if calls >= BULK_CALLS {
        return if random.random_bool(0.2) { before + random.random_range(1..=20_i64) } else { stranger };
    }
    // A circle of sixteen.
    let known = FIRST_NUMBER + (caller * 977 + random.random_range(0..16_i64) * 7_919) % STRANGERS;
    if random.random_bool(0.9) { known } else { stranger }
}

fn call(caller: usize, callee: i64, random: &mut ChaCha8Rng) -> anyhow::Result<Call> {
    let id = i64::try_from(caller)?;
    Ok(Call {
        caller,
        start_us: Day::from_epoch_days(DAY).starts_at() + random.random_range(0..86_400_i64) * US_PER_S,
        busy_s: random.random_range(2..300),
        callee: random.random_bool(0.99).then_some(callee),
        cell: 400_000 + id % 5_000 + random.random_range(0..3_i64),
        imei: random.random_bool(0.98).then_some(350_000_000_000_000 + id),
    })
}

/// What `call_segment` takes.
fn for_segment(calls: &[Call]) -> Vec<ArrayRef> {
    vec![
        instants(calls, |call| Some(call.start_us)),
        numbers(calls, |call| Some(call.busy_s)),
        numbers(calls, |call| call.callee),
        numbers(calls, |call| Some(call.cell)),
        numbers(calls, |call| call.imei),
    ]
}

/// What `call_sequence` takes.
fn for_sequence(calls: &[Call]) -> Vec<ArrayRef> {
    let mut columns = for_segment(calls);
    columns.push(numbers(calls, |_| Some(SHORT_GAP_S)));
    columns
}

fn instants(calls: &[Call], value: fn(&Call) -> Option<i64>) -> ArrayRef {
    let instants: TimestampMicrosecondArray = calls.iter().map(value).collect();
    Arc::new(instants.with_timezone("UTC"))
}

fn numbers(calls: &[Call], value: fn(&Call) -> Option<i64>) -> ArrayRef {
    Arc::new(calls.iter().map(value).collect::<Int64Array>())
}

// --- the pieces ---

impl Piece {
    /// How many rows it takes, and its work on them.
    fn prepared(self, calls: &[Call]) -> anyhow::Result<(usize, Work)> {
        match self {
            Self::CallSequence => folding("call_sequence", in_order(calls, for_sequence)),
            Self::CallSequenceUnordered => {
                let mut calls = calls.to_vec();
                calls.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
                folding("call_sequence", in_no_order(&calls, for_sequence))
            }
            Self::CallSegment => folding("call_segment", in_order(calls, for_segment)),
            Self::JoinSegments => folding("join_segments", week(calls)?),
        }
    }
}

/// Rows of groups that an aggregate is handed.
struct Batch {
    columns: Vec<ArrayRef>,
    groups: Vec<usize>,
    /// Groups that have rows so far.
    total: usize,
    /// The first groups, of which no more rows come.
    complete: usize,
}

/// Batches of calls in order: a group is complete when the next begins, and groups count anew from the open one.
fn in_order(calls: &[Call], columns: fn(&[Call]) -> Vec<ArrayRef>) -> Vec<Batch> {
    let (mut batches, mut open) = (Vec::new(), 0);
    for calls in calls.chunks(BATCH_ROWS) {
        let groups: Vec<usize> = calls.iter().map(|call| call.caller - open).collect();
        let complete = groups.last().copied().unwrap_or_default();
        batches.push(Batch { columns: columns(calls), groups, total: complete + 1, complete });
        open += complete;
    }
    batches
}

/// Batches of calls in any order: no group is complete before the end.
fn in_no_order(calls: &[Call], columns: fn(&[Call]) -> Vec<ArrayRef>) -> Vec<Batch> {
    let total = callers(calls);
    let batch = |calls: &[Call]| {
        let groups = calls.iter().map(|call| call.caller).collect();
        Batch { columns: columns(calls), groups, total, complete: 0 }
    };
    calls.chunks(BATCH_ROWS).map(batch).collect()
}

fn callers(calls: &[Call]) -> usize {
    calls.iter().map(|call| call.caller + 1).max().unwrap_or_default()
}

/// The segments of all callers, a batch for each day; every day has the same calls.
fn week(calls: &[Call]) -> anyhow::Result<Vec<Batch>> {
    let function = aggregate("call_segment")?;
    let callers = callers(calls);
    let short_gaps: ArrayRef = Arc::new(Int64Array::from_value(SHORT_GAP_S, callers));
    let mut batches = Vec::new();
    for day in 0..DAYS {
        let shift_us = i64::from(day) * 86_400 * US_PER_S;
        let calls: Vec<Call> = calls.iter().map(|call| Call { start_us: call.start_us + shift_us, ..*call }).collect();
        let mut groups = accumulator(&function)?;
        for batch in in_no_order(&calls, for_segment) {
            groups.update_batch(&batch.columns, &batch.groups, None, batch.total)?;
        }
        let segments = cast(&groups.evaluate(EmitTo::All)?, &DataType::BinaryView)?;
        let columns = vec![segments, Arc::clone(&short_gaps)];
        batches.push(Batch { columns, groups: (0..callers).collect(), total: callers, complete: 0 });
    }
    Ok(batches)
}

fn aggregate(name: &str) -> anyhow::Result<AggregateUDF> {
    aggregates().into_iter().find(|function| function.name() == name).with_context(|| format!("{name} is no aggregate"))
}

fn accumulator(function: &AggregateUDF) -> anyhow::Result<Box<dyn GroupsAccumulator>> {
    Ok(function.create_groups_accumulator(AccumulatorArgs {
        return_field: Arc::new(Field::new(function.name(), function.return_type(&[])?, true)),
        schema: &Schema::empty(),
        ignore_nulls: false,
        order_bys: &[],
        is_reversed: false,
        name: function.name(),
        is_distinct: false,
        exprs: &[],
        expr_fields: &[],
    })?)
}

/// An aggregate as an operator calls it.
fn folding(name: &str, batches: Vec<Batch>) -> anyhow::Result<(usize, Work)> {
    let function = aggregate(name)?;
    let rows = batches.iter().map(|batch| batch.groups.len()).sum();
    let work = move || -> anyhow::Result<()> {
        let mut groups = accumulator(&function)?;
        for batch in &batches {
            groups.update_batch(&batch.columns, &batch.groups, None, batch.total)?;
            if batch.complete > 0 {
                black_box(groups.evaluate(EmitTo::First(batch.complete))?);
            }
        }
        black_box(groups.evaluate(EmitTo::All)?);
        Ok(())
    };
    Ok((rows, Box::new(work)))
}
