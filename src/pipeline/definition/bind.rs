//! A definition's SQL with its parameters bound.
//!
//! In: a parsed statement, its parameters and a window. Out: the same statement with values. Never: writes a value into
//! the statement's text: each is parsed by itself, and one expression whatever it holds.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use anyhow::{Context, bail};
use datafusion::sql::sqlparser::ast::{Expr, Statement, Value, visit_expressions_mut};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::{Definition, Param, Window};
use crate::domain::day::Day;

impl Definition {
    /// The statement with every parameter replaced by its value for a window.
    pub fn bind(&self, window: Window) -> anyhow::Result<Statement> {
        let select = self.select.as_ref().with_context(|| format!("table {} has no SQL", self.table))?;
        let values = self.values(window)?;
        let mut statement = select.statement.clone();
        let flow = visit_expressions_mut(&mut statement, |expr| {
            if let Some(name) = placeholder(expr) {
                match values.get(name) {
                    Some(value) => *expr = value.clone(),
                    None => return ControlFlow::Break(name.to_owned()),
                }
            }
            ControlFlow::Continue(())
        });
        match flow {
            ControlFlow::Break(name) => bail!("{}: ${name} is not defined", self.sql_file()),
            ControlFlow::Continue(()) => Ok(statement),
        }
    }

    fn values(&self, window: Window) -> anyhow::Result<BTreeMap<String, Expr>> {
        let (from, until) = window.bounds();
        let mut values = BTreeMap::new();
        let mut put = |name: &str, sql: String| -> anyhow::Result<()> {
            let expr = Parser::new(&GenericDialect {}).try_with_sql(&sql)?.parse_expr()?;
            values.insert(name.to_owned(), expr);
            Ok(())
        };
        let instant = |micros: i64| format!("arrow_cast({micros}, 'Timestamp(Microsecond, Some(\"UTC\"))')");
        put("day", format!("DATE '{from}'"))?;
        put("day_before", format!("DATE '{}'", from.plus(-1)))?;
        put("day_after", format!("DATE '{}'", from.plus(1)))?;
        put("until_day", format!("DATE '{until}'"))?;
        let monday = from.week().monday();
        put("week", format!("DATE '{monday}'"))?;
        put("week_before", format!("DATE '{}'", monday.plus(-7)))?;
        put("from", instant(from.starts_at()))?;
        put("until", instant(until.starts_at()))?;
        for (name, param) in &self.facts.param {
            put(name, param.sql(from).with_context(|| format!("{}.toml: param {name}", self.stem.display()))?)?;
        }
        Ok(values)
    }
}

impl Param {
    fn sql(&self, day: Day) -> anyhow::Result<String> {
        match (&self.value, self.days_before) {
            (None, Some(days)) => Ok(format!("DATE '{}'", day.plus(-days))),
            (Some(toml::Value::Integer(value)), None) => Ok(value.to_string()),
            // In exponent form, since DataFusion reads 0.25 as a decimal and 2.5e-1 as a float.
            (Some(toml::Value::Float(value)), None) => Ok(format!("{value:e}")),
            (Some(toml::Value::Boolean(value)), None) => Ok(value.to_string()),
            (Some(toml::Value::String(value)), None) => Ok(format!("'{}'", value.replace('\'', "''"))),
            _ => bail!("a parameter has either a value (number, text, truth) or days_before"),
        }
    }
}

/// The name of a parameter, where one stands.
pub(super) fn placeholder(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Placeholder(name) => name.strip_prefix('$'),
            _ => None,
        },
        _ => None,
    }
}
