//! Problems of definitions, found without data and without a broker.
//!
//! In: definitions and contracts. Out: every problem, each with its file. Never: stops at the first.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Value, visit_expressions};

use super::definition::{BOUNDS, Definition, Definitions, Param, Window};
use super::{graph, part, session};
use crate::domain::day::Day;
use crate::schema::contract::{Table, Writer};

/// Longer means that a table is missing in between; what a party did on a day is the longest that reads better whole.
const MAX_LINES: usize = 165;
/// A case that fires, its nearest that does not, and an empty input.
const MIN_CASES: usize = 3;
/// A Monday; any day would do.
const DAY: i32 = 20_094;

/// Everything that is wrong with the definitions.
pub async fn problems(definitions: &Definitions) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    for definition in definitions.all.values() {
        problems
            .extend(wording(definition).into_iter().map(|problem| format!("{}: {problem}", definition.stem.display())));
    }
    problems.extend(copies(definitions));
    problems.extend(twins(definitions));
    problems.extend(contradictions(definitions).await?);
    Ok(problems)
}

/// Numbers whose reason says that they are as in another definition, and that are not.
fn copies(definitions: &Definitions) -> Vec<String> {
    let mut problems = Vec::new();
    for definition in definitions.all.values() {
        for (name, param) in &definition.facts.param {
            let strays = models(&param.why).filter(|table| !is_as_in(definitions, table, name, param));
            let stem = definition.stem.display();
            problems.extend(strays.map(|table| format!("{stem}: param {name} is not as in {table}")));
        }
    }
    problems
}

/// Cards of one name in two definitions: SQL names a card and no definition, so one of the two would count for both.
fn twins(definitions: &Definitions) -> Vec<String> {
    let mut problems = Vec::new();
    let mut homes: BTreeMap<&str, &Definition> = BTreeMap::new();
    for definition in definitions.all.values() {
        for card in definition.facts.card.keys() {
            if let Some(first) = homes.insert(card, definition) {
                problems.push(format!("{}: card {card} is one of {} already", definition.stem.display(), first.table));
            }
        }
    }
    problems
}

fn is_as_in(definitions: &Definitions, table: &str, name: &str, param: &Param) -> bool {
    let model = definitions.all.values().find(|model| model.table.name() == table);
    let model = model.and_then(|model| model.facts.param.get(name));
    model.is_some_and(|model| (&model.value, model.days_before) == (&param.value, param.days_before))
}

/// The definitions that a reason begins with: of `As in caller_day and imei_day: …` both.
fn models(why: &str) -> impl Iterator<Item = &str> {
    let named = why.strip_prefix("As in ").and_then(|named| named.split_once(':'));
    named.into_iter().flat_map(|(tables, _)| tables.split(" and "))
}

/// What keeps the definitions from running: circles, tables that nobody writes, and contracts that do not hold.
pub async fn contradictions(definitions: &Definitions) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    if let Err(problem) = graph::order(definitions) {
        problems.push(format!("{problem:#}"));
        return Ok(problems);
    }
    for table in graph::unwritten(definitions)? {
        problems.push(format!("table {table} is read, but no definition writes it"));
    }
    for table in Table::all() {
        let wanted = matches!(table.contract().writer, Writer::Pipeline | Writer::Decide);
        if wanted != definitions.all.contains_key(&table) {
            problems.push(format!("table {table}: its contract and pipelines/ disagree on who writes it"));
        }
    }
    let day = Day::from_epoch_days(DAY);
    for definition in definitions.all.values().filter(|definition| definition.select.is_some()) {
        // Parts that are computed beforehand are tables of a session, and none of another definition.
        let session = session::session(definitions.cards())?;
        for table in Table::all() {
            session::register(&session, table, session::empty(table.contract())?, day)?;
        }
        match part::plan_in_steps(&session, definition, window(definition, day)).await {
            Ok(plan) => problems.extend(shape(definition, plan.schema().as_arrow())),
            Err(problem) => problems.push(format!("{}: {problem:#}", definition.sql_file())),
        }
    }
    Ok(problems)
}

/// The window that a definition's table is partitioned by.
pub fn window(definition: &Definition, day: Day) -> Window {
    Window::of(definition.table, day)
}

/// The plan against the contract: names, order, types, nullability.
fn shape(definition: &Definition, planned: &arrow::datatypes::Schema) -> Vec<String> {
    let wanted = definition.table.contract().schema();
    let file = definition.sql_file();
    let names = |schema: &arrow::datatypes::Schema| -> Vec<String> {
        schema.fields().iter().map(|field| field.name().clone()).collect()
    };
    if names(planned) != names(&wanted) {
        return vec![format!(
            "{file}: columns are {}, the contract says {}",
            names(planned).join(" "),
            names(&wanted).join(" ")
        )];
    }
    let mut problems = Vec::new();
    for (found, wanted) in planned.fields().iter().zip(wanted.fields()) {
        let (name, table) = (wanted.name(), definition.table);
        if !session::same_type(found.data_type(), wanted.data_type()) {
            problems.push(format!(
                "{file}: column \"{name}\" of {table} is {}, the contract says {}",
                found.data_type(),
                wanted.data_type()
            ));
        }
        if found.is_nullable() && !wanted.is_nullable() {
            problems.push(format!("{file}: column \"{name}\" of {table} can be null, the contract says it cannot"));
        }
    }
    problems
}

/// The rules of writing.
fn wording(definition: &Definition) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, param) in &definition.facts.param {
        if param.value.is_some() == param.days_before.is_some() {
            problems.push(format!("param {name} needs either a value or days_before"));
        }
        if param.value.is_some() && param.unit.is_none() {
            problems.push(format!("param {name} has no unit"));
        }
        if param.why.len() < 10 {
            problems.push(format!("param {name} does not say why"));
        }
    }
    problems.extend(strangers(definition));
    for (card, found) in &definition.facts.card {
        let unnamed = found.characteristic.keys().filter(|name| !definition.facts.name.contains_key(*name));
        problems.extend(unnamed.map(|name| format!("card {card}: {name} has no [name.{name}] to explain it by")));
    }
    let Some(select) = &definition.select else { return problems };
    let used = select.parameters();
    for name in definition.facts.param.keys().filter(|name| !used.contains(*name)) {
        problems.push(format!("param {name} is not used"));
    }
    for name in
        used.iter().filter(|name| !BOUNDS.contains(&name.as_str()) && !definition.facts.param.contains_key(*name))
    {
        problems.push(format!("${name} is not defined"));
    }
    problems.extend(unasked(definition, &select.text));
    problems.extend(layout(&select.text));
    problems.extend(literals(definition));
    let cases = std::fs::read_to_string(definition.stem.with_extension("slt")).unwrap_or_default();
    let found = cases.lines().filter(|line| line.starts_with("query ")).count();
    if found < MIN_CASES {
        problems.push(format!("{found} cases in its .slt; {MIN_CASES} are the least"));
    }
    problems
}

/// Characteristics of its cards that its table has no column for: nobody could explain them.
fn strangers(definition: &Definition) -> Vec<String> {
    let schema = definition.table.contract().schema();
    let mut problems = Vec::new();
    for (card, facts) in &definition.facts.card {
        let named = facts.characteristic.iter().filter(|(_, found)| !found.below.is_empty()).map(|(name, _)| name);
        let unknown = named.filter(|name| schema.field_with_name(name).is_err());
        problems.extend(unknown.map(|name| format!("card {card}: {} has no column {name}", definition.table)));
    }
    problems
}

/// Characteristics of its cards that count for what its SQL asks for no points of: they would be in no score.
fn unasked(definition: &Definition, sql: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (card, facts) in &definition.facts.card {
        let lost = facts.characteristic.iter().filter(|(_, found)| !sql.contains(&format!("'{}'", found.criterion)));
        problems.extend(lost.map(|(name, found)| {
            format!("card {card}: {name} counts for {}, and the SQL asks for no points of it", found.criterion)
        }));
    }
    problems
}

fn layout(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() > MAX_LINES {
        problems.push(format!("{} lines of SQL; {MAX_LINES} are the most", lines.len()));
    }
    if !lines.first().is_some_and(|line| line.starts_with("-- ")) {
        problems.push("the SQL does not open with a comment".to_owned());
    }
    for (index, line) in lines.iter().enumerate() {
        let opens = line
            .trim_end()
            .strip_suffix(" AS (")
            .map(|head| head.trim_start_matches("WITH ").trim_start_matches("),").trim());
        let Some(name) = opens.filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_')) else { continue };
        if !lines.get(index + 1).is_some_and(|next| next.trim_start().starts_with("-- ")) {
            problems.push(format!("{name} does not open with a comment"));
        }
        if ["tmp", "temp", "cte", "final"].iter().any(|bad| name.starts_with(bad)) {
            problems.push(format!("\"{name}\" does not name the rows it holds"));
        }
    }
    problems
}

fn literals(definition: &Definition) -> Vec<String> {
    let mut problems = Vec::new();
    let Some(select) = &definition.select else { return problems };
    let _: ControlFlow<()> = visit_expressions(&select.statement, |expr| {
        match expr {
            Expr::Value(value) => match &value.value {
                Value::Number(number, _) if !["0", "1", "0.0", "1.0"].contains(&number.as_str()) => {
                    problems.push(format!("the number {number} belongs into a param with unit and why"));
                }
                _ => {}
            },
            Expr::Function(function) => {
                let name = function.name.to_string().to_lowercase();
                if ["now", "random", "uuid", "current_date", "current_time", "current_timestamp", "today"]
                    .contains(&name.as_str())
                {
                    problems.push(format!("{name}() makes a run irreproducible; time enters as $day"));
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    });
    problems
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn ours() -> Definitions {
        Definitions::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines"))).unwrap()
    }

    #[tokio::test]
    async fn our_own_definitions_hold() {
        assert_eq!(problems(&ours()).await.unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_characteristic_that_nobody_can_explain_is_a_problem() {
        let mut definitions = ours();
        let spam_score = definitions.all.get_mut(&Table::SPAM_SCORE).unwrap();
        spam_score.facts.name.remove("out_share");
        let problems = wording(spam_score);
        let of = |card: &str| format!("card {card}: out_share has no [name.out_share] to explain it by");
        assert_eq!(problems, ["offnet_v1", "onnet_v1", "onnet_v2", "onnet_v3"].map(of));
    }

    #[test]
    fn points_that_no_score_would_have_are_a_problem() {
        let mut definitions = ours();
        let spam_score = definitions.all.get_mut(&Table::SPAM_SCORE).unwrap();
        let card = spam_score.facts.card.get_mut("onnet_v2").unwrap();
        card.characteristic.get_mut("imeis").unwrap().criterion = "complaint".to_owned();
        let lost = "card onnet_v2: imeis counts for complaint, and the SQL asks for no points of it";
        assert_eq!(wording(spam_score), [lost]);
    }

    #[test]
    fn a_card_has_one_home() {
        let mut definitions = ours();
        let card = definitions.cards()["offnet_v1"].clone();
        let stranger = definitions.all.get_mut(&Table::TRAINING_ROW).unwrap();
        stranger.facts.card.insert("offnet_v1".to_owned(), card);
        let problems = twins(&definitions);
        assert!(problems[0].contains("card offnet_v1 is one of ") && problems.len() == 1, "{problems:?}");
    }

    #[test]
    fn a_number_that_is_as_in_another_definition_follows_it() {
        let mut definitions = ours();
        let caller_day = definitions.all.get_mut(&Table::CALLER_DAY).unwrap();
        caller_day.facts.param.get_mut("min_history_days").unwrap().value = Some(toml::Value::Integer(27));
        let problems = copies(&definitions);
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(problems[0].ends_with("caller_week: param min_history_days is not as in caller_day"), "{problems:?}");
        definitions.all.remove(&Table::CALLER_DAY);
        assert!(copies(&definitions).len() >= 4, "a definition that is not there has no such number");
    }
}
