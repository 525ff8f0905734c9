//! Which changes of a contract a table on disk can follow.
//!
//! In: the columns that a table has and its contract. Out: the columns to add, or every reason why not.
//! Never: changes a table.

use arrow::datatypes::{Field, Schema};

use super::contract::Contract;

/// The nullable columns that the table still lacks, in the contract's order.
///
/// Anything else that differs is a new table, not an evolution: readers of the old rows would be misled.
pub fn missing<'a>(on_disk: &Schema, contract: &'a Contract) -> Result<Vec<&'a str>, Vec<String>> {
    let mut missing = Vec::new();
    let mut problems = Vec::new();
    let mut refuse = |problem: String| problems.push(format!("table {}: {problem}", contract.name));
    for wanted in contract.schema().fields() {
        match on_disk.field_with_name(wanted.name()) {
            Ok(present) if same(present, wanted) => {}
            Ok(present) => refuse(format!(
                "column \"{}\" is {} on disk, the contract says {}",
                wanted.name(),
                spell(present),
                spell(wanted)
            )),
            Err(_) if wanted.is_nullable() => {
                missing.extend(contract.column(wanted.name()).map(|column| column.name.as_str()));
            }
            Err(_) => refuse(format!("new column \"{}\" must be nullable", wanted.name())),
        }
    }
    for present in on_disk.fields() {
        if contract.column(present.name()).is_none() {
            refuse(format!("column \"{}\" on disk is not in the contract", present.name()));
        }
    }
    if problems.is_empty() { Ok(missing) } else { Err(problems) }
}

fn same(present: &Field, wanted: &Field) -> bool {
    present.data_type() == wanted.data_type() && present.is_nullable() == wanted.is_nullable()
}

fn spell(field: &Field) -> String {
    format!("{}{}", field.data_type(), if field.is_nullable() { "" } else { " not null" })
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;

    use super::*;
    use crate::schema::contract::Table;

    fn fields_of(table: Table) -> Vec<Field> {
        table.contract().schema().fields().iter().map(|field| field.as_ref().clone()).collect()
    }

    #[test]
    fn an_equal_table_needs_nothing() {
        let contract = Table::TRUNK.contract();
        assert_eq!(missing(&contract.schema(), contract), Ok(vec![]));
    }

    #[test]
    fn a_nullable_column_is_added() {
        let mut fields = fields_of(Table::TRUNK);
        fields.retain(|field| field.name() != "valid_until");
        assert_eq!(missing(&Schema::new(fields), Table::TRUNK.contract()), Ok(vec!["valid_until"]));
    }

    #[test]
    fn everything_else_is_refused_and_named() {
        let mut fields = fields_of(Table::TRUNK);
        fields.retain(|field| field.name() != "peer");
        fields.push(Field::new("kind_2", DataType::Utf8, true));
        fields[0] = Field::new("trunk", DataType::Int64, false);
        assert_eq!(
            missing(&Schema::new(fields), Table::TRUNK.contract()).unwrap_err(),
            [
                "table trunk: column \"trunk\" is Int64 not null on disk, the contract says Utf8 not null",
                "table trunk: new column \"peer\" must be nullable",
                "table trunk: column \"kind_2\" on disk is not in the contract",
            ]
        );
    }
}
