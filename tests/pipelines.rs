//! The cases beside the definitions, `pipelines/**/*.slt`, each run against its definition.
//!
//! In: SQL logic tests. Out: a failure that names the file and the line. Never: a broker or a lake: every contract is
//! an empty table in memory, and the definition under test is a table of its own name, computed for Monday 2025-01-06
//! before each statement.
//! Cells that an INSERT does not name take the contract's example. What the definition reads of its own earlier days
//! or runs is the table `TABLE_before` or `TABLE_so_far`, which can be inserted into.
//! `CALLSIEVE_CASES=caller_day cargo test --test pipelines` runs one.

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use callsieve::domain::day::Day;
use callsieve::pipeline::check::window;
use callsieve::pipeline::definition::{Definition, Definitions};
use callsieve::pipeline::{graph, part, session};
use callsieve::schema::contract::Table;
use datafusion::datasource::ViewTable;
use datafusion::prelude::SessionContext;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines");

struct Database<'a> {
    session: SessionContext,
    definition: &'a Definition,
}

impl Database<'_> {
    /// Computes the definition from what the tables hold now.
    async fn compute(&self) -> anyhow::Result<()> {
        let monday: Day = "2025-01-06".parse().map_err(anyhow::Error::msg)?;
        let plan = part::plan_in_steps(&self.session, self.definition, window(self.definition, monday)).await?;
        let name = self.definition.table.name();
        self.session.deregister_table(name)?;
        self.session.register_table(name, Arc::new(ViewTable::new(plan, None)))?;
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Problem(String);

#[async_trait::async_trait]
impl AsyncDB for Database<'_> {
    type Error = Problem;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Problem> {
        let problem = |error: datafusion::error::DataFusionError| Problem(error.to_string());
        self.compute().await.map_err(|error| Problem(format!("{error:#}")))?;
        let frame = self.session.sql(sql).await.map_err(problem)?;
        let columns = frame.schema().fields().len();
        let is_insert = matches!(frame.logical_plan(), datafusion::logical_expr::LogicalPlan::Dml(_));
        let batches = frame.collect().await.map_err(problem)?;
        if is_insert {
            return Ok(DBOutput::StatementComplete(0));
        }
        Ok(DBOutput::Rows { types: vec![DefaultColumnType::Text; columns], rows: rows(&batches) })
    }

    async fn shutdown(&mut self) {}
}

fn rows(batches: &[RecordBatch]) -> Vec<Vec<String>> {
    let options = FormatOptions::new().with_null("NULL");
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let cell = |column: &ArrayFormatter<'_>| match column.value(row).to_string() {
                text if text.is_empty() => "(empty)".to_owned(),
                text => text,
            };
            rows.push(columns.iter().map(cell).collect());
        }
    }
    rows
}

fn database<'a>(definitions: &Definitions, definition: &'a Definition) -> Database<'a> {
    let session = session::session(definitions.cards()).unwrap();
    let monday: Day = "2025-01-06".parse().unwrap();
    for table in Table::all().filter(|table| *table != definition.table) {
        session::register(&session, table, session::empty(table.contract()).unwrap(), monday).unwrap();
    }
    let reads_itself = graph::reads(definition).unwrap().iter().any(|read| read.table == definition.table);
    for suffix in [graph::BEFORE, graph::SO_FAR].into_iter().filter(|_| reads_itself) {
        let earlier = session::empty(definition.table.contract()).unwrap();
        session.register_table(format!("{}{suffix}", definition.table), earlier).unwrap();
    }
    Database { session, definition }
}

/// Each case of a file begins with a comment and an empty database.
fn cases(text: &str) -> Vec<(usize, String)> {
    let mut cases: Vec<(usize, String)> = vec![];
    for (index, line) in text.lines().enumerate() {
        if line.starts_with("# ") || cases.is_empty() {
            // Blank lines keep the line numbers of failures true.
            cases.push((index + 1, "\n".repeat(index)));
        }
        if let Some((_, case)) = cases.last_mut() {
            case.push_str(line);
            case.push('\n');
        }
    }
    cases
}

#[tokio::test]
async fn every_definition_passes_its_cases() {
    let definitions = Definitions::read(Path::new(FOLDER)).unwrap();
    let only = std::env::var_os("CALLSIEVE_CASES").and_then(|only| only.into_string().ok());
    let mut failures = vec![];
    let mut passed = 0;
    for definition in definitions.all.values().filter(|definition| definition.select.is_some()) {
        if only.as_deref().is_some_and(|only| only != definition.table.name()) {
            continue;
        }
        let file = definition.stem.with_extension("slt");
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        for (line, case) in cases(&text) {
            let mut runner = Runner::new(|| async { Ok(database(&definitions, definition)) });
            match runner.run_script_async(&case).await {
                Ok(()) => passed += 1,
                Err(problem) => failures.push(format!("{}:{line}\n{problem}", file.display())),
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(passed > 0, "no cases were found");
}
