//! The verbs about scorecards: `scorecard labels`, `train`, `apply`, `evaluate` and `about`.
//!
//! In: a lake's labels, files of numbers, definitions. Out: rows to train on, a card with its model card, scores, figures.
//! Never: a column's meaning of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use super::lake::LakeArgs;
use super::print::say;
use super::rules::RulesArgs;
use crate::domain::day::Day;
use crate::job::scorecard::{about, apply, evaluate, labels, train};
use crate::score::condition::Condition;
use crate::score::fit::Trend;
use crate::score::measure::Figure;
use crate::score::method::Method;

#[derive(Debug, Subcommand)]
pub(super) enum ScorecardVerb {
    /// Writes rows to train on, out of what reviewers, asked people and citizens' reports said in whole weeks.
    #[command(
        after_help = "Example: callsieve scorecard labels --lake /data/lake --from 2025-01-06 --until 2025-03-30 \\\n    \
        --out rows.parquet\n\n\
        Writes rows.parquet (or CSV, by the name) and rows.columns, which names the columns to train on:\n\
        callsieve scorecard train --features rows.parquet --label label --group group --weight weight \\\n    \
        --where \"is_onnet = 1\" --columns-file rows.columns --out spam.toml"
    )]
    Labels(LabelsArgs),
    /// Trains a card on labelled rows, and writes its model card beside it.
    #[command(after_help = "Example: callsieve scorecard train --features rows.parquet --label is_spam \\\n    \
        --columns calls_out,callees,imeis --monotone imeis=+1 --prevalence 0.0001 --out spam.toml\n\n\
        Files are CSV with a header, or Parquet. A blank cell is a missing value and has points of its own.\n\
        Writes spam.toml, and spam.md, spam.json and spam.svg that tell what it was made of and how good it is.")]
    Train(Box<TrainArgs>),
    /// Scores rows: probability, points, and the five reasons that weigh most.
    #[command(
        after_help = "Example: callsieve scorecard apply --model spam.toml --features today.csv --id number --out scores.csv"
    )]
    Apply(ApplyArgs),
    /// Measures scores against labels.
    #[command(
        after_help = "Example: callsieve scorecard evaluate --scores scores.csv --labels rows.csv --label is_spam \\\n    \
        --where \"active_days >= 29\" --json"
    )]
    Evaluate(EvaluateArgs),
    /// The model card of a scorecard that was written by hand, into a definition.
    #[command(after_help = "Example: callsieve scorecard about offnet_v1 > pipelines/score/card/offnet_v1.md\n\n\
        A trained card has its model card beside it, by `scorecard train`.")]
    About {
        /// The card, by the name that the definition gives it.
        card: String,
        #[command(flatten)]
        rules: RulesArgs,
    },
}

#[derive(Debug, Args)]
pub(super) struct LabelsArgs {
    /// A day of the first week.
    #[arg(long)]
    from: Day,
    /// A day of the last week.
    #[arg(long)]
    until: Day,
    /// The rows: CSV, or Parquet where the name ends in .parquet.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    rules: RulesArgs,
}

#[derive(Debug, Args)]
pub(super) struct TrainArgs {
    /// The rows: CSV with a header, or Parquet.
    #[arg(long, value_name = "FILE")]
    features: PathBuf,
    /// The column that is 1 for a positive and else 0.
    #[arg(long)]
    label: String,
    /// The column that names a row; `id` where there is one and none is named.
    #[arg(long)]
    id: Option<String>,
    /// Train on these rows alone, by a column of theirs, as "is_onnet = 1".
    #[arg(long = "where", value_name = "CONDITION")]
    condition: Option<Condition>,
    /// The columns to train on; all others when none is named.
    #[arg(long, value_delimiter = ',', conflicts_with = "columns_file")]
    columns: Vec<String>,
    /// A file that names them, one on a line.
    #[arg(long, value_name = "FILE")]
    columns_file: Option<PathBuf>,
    /// Columns whose points may only rise (+1) or only fall (-1), as imeis=+1.
    #[arg(long, value_delimiter = ',', value_name = "COLUMN=SIGN", value_parser = trend)]
    monotone: Vec<(String, Trend)>,
    /// The component that a column counts for, as imeis=behaviour; `support` when not named.
    #[arg(long, value_delimiter = ',', value_name = "COLUMN=CRITERION", value_parser = pair)]
    criterion: Vec<(String, String)>,
    /// How points are fitted: by logistic regression over bins (logistic), or in many small cuts (boosted).
    #[arg(long, default_value = "logistic")]
    method: Method,
    /// The share of positives where the card will be used, when it is another than in the file.
    #[arg(long)]
    prevalence: Option<f64>,
    /// What a positive weighs in the fit, against 1 of a negative; probabilities stay as they are seen.
    #[arg(long, default_value_t = 1.0)]
    positive_weight: f64,
    /// What parts the rows by chance; the same seed gives the same bytes.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Who labelled the rows, and of which time they are; for the model card.
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// A file with the same columns; the model card says how far it lies from the rows.
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
    /// A column by whose values the model card tells errors apart.
    #[arg(long, value_name = "COLUMN")]
    segment: Option<String>,
    /// A column whose rows of one value are held out together, as `group` of `scorecard labels`: one person's SIMs.
    #[arg(long, value_name = "COLUMN")]
    group: Option<String>,
    /// A column that says what a row weighs in the fit, as `weight` of `scorecard labels`: how sure its label is.
    #[arg(long, value_name = "COLUMN")]
    weight: Option<String>,
    /// The card; one that is there already is never changed.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// The card.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// The rows: CSV with a header, or Parquet; columns that the card does not have are ignored.
    #[arg(long, value_name = "FILE")]
    features: PathBuf,
    /// The column that names a row.
    #[arg(long, default_value = "id")]
    id: String,
    /// The scores, CSV.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct EvaluateArgs {
    /// The scores, as `scorecard apply` writes them.
    #[arg(long, value_name = "FILE")]
    scores: PathBuf,
    /// The labels: CSV with a header, or Parquet.
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    /// The column that is 1 for a positive and else 0.
    #[arg(long)]
    label: String,
    /// The column that names a row in both files.
    #[arg(long, default_value = "id")]
    id: String,
    /// Measure these rows alone, by a column of the labels, as "active_days >= 29".
    #[arg(long = "where", value_name = "CONDITION")]
    condition: Option<Condition>,
    /// Draws behind each interval.
    #[arg(long, default_value_t = 1000)]
    draws: usize,
    /// What draws by chance.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

fn pair(text: &str) -> anyhow::Result<(String, String)> {
    let (column, value) =
        text.rsplit_once('=').with_context(|| format!("\"{text}\" is not of the form COLUMN=VALUE"))?;
    Ok((column.trim().to_owned(), value.trim().to_owned()))
}

fn trend(text: &str) -> anyhow::Result<(String, Trend)> {
    let (column, sign) = pair(text)?;
    match sign.as_str() {
        "+1" | "1" | "+" => Ok((column, Trend::Rising)),
        "-1" | "-" => Ok((column, Trend::Falling)),
        _ => bail!("\"{sign}\" is neither +1 nor -1"),
    }
}

pub(super) async fn scorecard(verb: ScorecardVerb, json: bool) -> anyhow::Result<()> {
    match verb {
        ScorecardVerb::Labels(LabelsArgs { from, until, out, lake, rules }) => {
            let definitions = rules.load().await?;
            let written = labels::labels(&lake.open().await?, definitions, (from, until), &out).await?;
            say(json, &written, || written.text())
        }
        ScorecardVerb::Train(args) => train(*args, json),
        ScorecardVerb::Apply(ApplyArgs { model, features, id, out }) => {
            let scored = apply::apply(&model, &features, &id, &out)?;
            say(json, &scored, || format!("{} rows scored by card {}: {}", scored.rows, scored.card, out.display()))
        }
        ScorecardVerb::Evaluate(args) => {
            let EvaluateArgs { scores, labels, label, id, condition, draws, seed } = args;
            let options = evaluate::Options { scores, labels, label, id, condition, draws, seed };
            let evaluated = evaluate::evaluate(&options)?;
            say(json, &evaluated, || evaluated.text())
        }
        ScorecardVerb::About { card, rules } => {
            let about = about::about(&rules.load().await?, &card)?;
            say(json, &about, || about.markdown().trim_end().to_owned())
        }
    }
}

fn train(args: TrainArgs, json: bool) -> anyhow::Result<()> {
    let columns = match &args.columns_file {
        Some(file) => listed(file)?,
        None => args.columns,
    };
    let trained = train::train(&train::Options {
        features: args.features,
        label: args.label,
        id: args.id,
        condition: args.condition,
        columns,
        trends: BTreeMap::from_iter(args.monotone),
        criteria: BTreeMap::from_iter(args.criterion),
        method: args.method,
        prevalence: args.prevalence,
        positive_weight: args.positive_weight,
        seed: args.seed,
        source: args.source,
        reference: args.reference,
        segment: args.segment,
        group: args.group,
        weight: args.weight,
        out: args.out,
    })?;
    say(json, &trained, || {
        let (file, model_card) = (trained.file.display(), trained.model_card.display());
        let mut lines = vec![
            format!("card {} in {file}, model card in {model_card}", trained.card),
            format!("{} rows, {} positive; held out in turn:", trained.rows, trained.positives),
        ];
        for (name, Figure { value, low, high }) in trained.held_out.named() {
            lines.push(format!("  {name:<31} {value:.4}   {low:.4} to {high:.4}"));
        }
        lines.join("\n")
    })
}

/// The names in a file, one on a line.
fn listed(file: &Path) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let names: Vec<String> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    if names.is_empty() {
        bail!("{} names no column", file.display());
    }
    Ok(names)
}
