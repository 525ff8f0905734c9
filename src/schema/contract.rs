//! Table contracts, read from `schemas/table`.
//!
//! In: a table's name. Out: its columns with their types, its key, its partition, and the Arrow schema of all
//! that. Never: knows how a table is stored.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde::Deserialize;

use super::erasure::Erasure;

/// One table of the lake.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Table(usize);

macro_rules! tables {
    ($($name:ident = $constant:ident),* $(,)?) => {
        /// Every contract's file, compiled in.
        const FILES: &[(&str, &str)] = &[
            $((stringify!($name), include_str!(concat!("../../schemas/table/", stringify!($name), ".toml")))),*
        ];

        #[expect(non_camel_case_types, reason = "only used to count the constants")]
        enum Position { $($name),* }

        impl Table {
            $(
                #[doc = concat!("`schemas/table/", stringify!($name), ".toml`.")]
                pub const $constant: Self = Self(Position::$name as usize);
            )*
        }
    };
}

// A macro, since a table's name, its file and its constant are one fact, and a forgotten one of the three
// would be found only at run time.
tables! {
    call_record = CALL_RECORD,
    sms_record = SMS_RECORD,
    citizen_report = CITIZEN_REPORT,
    subscriber = SUBSCRIBER,
    survey_answer = SURVEY_ANSWER,
    block_receipt = BLOCK_RECEIPT,
    reject = REJECT,
    call_event = CALL_EVENT,
    sms_event = SMS_EVENT,
    contact_day = CONTACT_DAY,
    relation = RELATION,
    caller_day = CALLER_DAY,
    segment_day = SEGMENT_DAY,
    caller_hour = CALLER_HOUR,
    caller_week = CALLER_WEEK,
    caller_month = CALLER_MONTH,
    report_check = REPORT_CHECK,
    report_day = REPORT_DAY,
    dial_day = DIAL_DAY,
    callee_day = CALLEE_DAY,
    imei_day = IMEI_DAY,
    identity_day = IDENTITY_DAY,
    dealer_hour = DEALER_HOUR,
    block_day = BLOCK_DAY,
    trunk_day = TRUNK_DAY,
    campaign_day = CAMPAIGN_DAY,
    ad_refusal = AD_REFUSAL,
    report_entity = REPORT_ENTITY,
    sender_day = SENDER_DAY,
    scam_trend_week = SCAM_TREND_WEEK,
    ad_breach = AD_BREACH,
    sms_breach = SMS_BREACH,
    spam_score = SPAM_SCORE,
    detection_group = DETECTION_GROUP,
    detection_day = DETECTION_DAY,
    survey_request = SURVEY_REQUEST,
    block_candidate = BLOCK_CANDIDATE,
    decision = DECISION,
    training_row = TRAINING_ROW,
    review_sample = REVIEW_SAMPLE,
    rule_precision = RULE_PRECISION,
    blocklist_day = BLOCKLIST_DAY,
    blocklist_export = BLOCKLIST_EXPORT,
    receipt_day = RECEIPT_DAY,
    regulator_week = REGULATOR_WEEK,
    package = PACKAGE,
    report_answer = REPORT_ANSWER,
    notice = NOTICE,
    delivery = DELIVERY,
    ingest_range = INGEST_RANGE,
    pipeline_run = PIPELINE_RUN,
    case_event = CASE_EVENT,
    promotion = PROMOTION,
    allow_list = ALLOW_LIST,
    advertiser = ADVERTISER,
    brandname = BRANDNAME,
    do_not_call = DO_NOT_CALL,
    ported_number = PORTED_NUMBER,
    trunk = TRUNK,
    special_number = SPECIAL_NUMBER,
}

impl Table {
    /// Every table, in the order of the data's way.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..FILES.len()).map(Self)
    }

    /// The table's name, which is its folder in the lake and its name in SQL.
    pub fn name(self) -> &'static str {
        FILES[self.0].0
    }

    /// Its contract.
    pub fn contract(self) -> &'static Contract {
        &CONTRACTS[self.0]
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Table {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::all().find(|table| table.name() == name).ok_or_else(|| format!("\"{name}\" is no table of the lake"))
    }
}

static CONTRACTS: LazyLock<Vec<Contract>> = LazyLock::new(|| {
    let read = |(name, text): &(&str, &str)| {
        // The files are compiled in and read whole by a test, so a wrong one never leaves the house.
        Contract::read(name, text).expect("contracts of schemas/table are valid")
    };
    FILES.iter().map(read).collect()
});

/// Who writes a table; there is exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Writer {
    /// A decoder.
    Ingest,
    /// A definition in `pipelines/`.
    Pipeline,
    /// The verb `decide`.
    Decide,
    /// The runner itself.
    Run,
    /// The verbs `export`, `deliver` and `report answer`.
    Export,
    /// The verb `reference load`.
    Reference,
    /// The verb `decide`, from the case store.
    Store,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// 32-bit integer.
    Int32,
    /// 64-bit integer.
    Int64,
    /// 64-bit float.
    Float64,
    /// Text.
    Utf8,
    /// Truth value.
    Bool,
    /// Local calendar day.
    Date,
    /// Instant, UTC microseconds.
    Timestamp,
    /// Bytes.
    Binary,
}

impl Type {
    /// The Arrow type.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Float64 => DataType::Float64,
            Self::Utf8 => DataType::Utf8,
            Self::Bool => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Binary => DataType::Binary,
        }
    }
}

/// What kind of personal data a column holds; decides masking everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pii {
    /// A telephone number.
    Number,
    /// Where somebody was.
    Location,
    /// A handset.
    Device,
    /// A SIM.
    Subscriber,
    /// A keyed hash of an identity.
    Identity,
    /// Free text of a citizen.
    Text,
}

/// One column.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Name, in SQL and in files.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: Type,
    /// Whether it may be null.
    #[serde(default)]
    pub null: bool,
    /// Which personal data it holds.
    #[serde(default)]
    pub pii: Option<Pii>,
    /// One sentence with unit and meaning of null.
    pub doc: String,
    /// What a test case gets that does not name the column; null when there is none.
    #[serde(default)]
    pub example: Option<toml::Value>,
}

/// One table's contract.
#[derive(Debug, Clone)]
pub struct Contract {
    /// The table's name.
    pub name: String,
    /// What one row is.
    pub doc: String,
    /// Who writes it.
    pub writer: Writer,
    /// Columns that name a row.
    pub key: Vec<String>,
    /// Partition columns; none or one.
    pub partition: Vec<String>,
    /// Order of the rows within a file.
    pub cluster: Vec<String>,
    /// Days that rows are kept.
    pub keep_days: u32,
    /// Why rows stay that name a number, though its holder asks for them to go; empty where no column holds numbers.
    pub stays: String,
    /// What goes all the same.
    pub erase: Vec<Erasure>,
    /// The columns.
    pub columns: Vec<Column>,
    schema: SchemaRef,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    doc: String,
    writer: Writer,
    key: Vec<String>,
    partition: Vec<String>,
    cluster: Vec<String>,
    keep_days: u32,
    #[serde(default)]
    stays: String,
    #[serde(default)]
    erase: Vec<Erasure>,
    columns: Vec<Column>,
}

impl Contract {
    /// Reads a contract, or says everything that is wrong with it.
    pub fn read(name: &str, text: &str) -> Result<Self, Vec<String>> {
        let written: Written = toml::from_str(text).map_err(|error| vec![format!("{name}.toml: {error}")])?;
        let problems = written.problems(name);
        if !problems.is_empty() {
            return Err(problems);
        }
        let field = |column: &Column| Field::new(&column.name, column.kind.arrow(), column.null);
        let schema = Arc::new(Schema::new(written.columns.iter().map(field).collect::<Vec<_>>()));
        Ok(Self {
            name: name.to_owned(),
            doc: written.doc,
            writer: written.writer,
            key: written.key,
            partition: written.partition,
            cluster: written.cluster,
            keep_days: written.keep_days,
            stays: written.stays,
            erase: written.erase,
            columns: written.columns,
            schema,
        })
    }

    /// The table's Arrow schema.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl Written {
    fn problems(&self, name: &str) -> Vec<String> {
        let mut problems = Vec::new();
        let known = |column: &String| self.columns.iter().any(|known| known.name == *column);
        for (list, columns) in [("key", &self.key), ("partition", &self.partition), ("cluster", &self.cluster)] {
            for column in columns.iter().filter(|column| !known(column)) {
                problems.push(format!("{name}.toml: {list} names \"{column}\", which is no column"));
            }
        }
        if self.partition.len() > 1 {
            problems.push(format!("{name}.toml: more than one partition column"));
        }
        for (index, column) in self.columns.iter().enumerate() {
            if self.columns[..index].iter().any(|earlier| earlier.name == column.name) {
                problems.push(format!("{name}.toml: column \"{}\" stands twice", column.name));
            }
            if !column.null && column.example.is_none() {
                problems.push(format!("{name}.toml: column \"{}\" is never null and has no example", column.name));
            }
        }
        if self.stays.is_empty() && self.columns.iter().any(Column::is_number) {
            problems.push(format!("{name}.toml: it names numbers, and \"stays\" does not say why they stay"));
        }
        if self.partition.is_empty() && !self.erase.is_empty() {
            problems.push(format!("{name}.toml: what is erased has no day"));
        }
        let fixed = [self.key.as_slice(), &self.partition].concat();
        problems.extend(self.erase.iter().flat_map(|erasure| erasure.problems(name, &self.columns, &fixed)));
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contract_is_valid_and_has_its_file() {
        for (name, text) in FILES {
            assert_eq!(Contract::read(name, text).err(), None::<Vec<String>>);
        }
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/table")).unwrap();
        assert_eq!(files.count(), FILES.len(), "a file of schemas/table is not in the list above");
    }

    #[test]
    fn names_lead_to_tables_and_back() {
        assert_eq!("caller_day".parse::<Table>().unwrap(), Table::CALLER_DAY);
        assert_eq!(Table::CALLER_DAY.contract().name, "caller_day");
        assert!("caller".parse::<Table>().is_err());
    }

    #[test]
    fn what_may_be_erased_can_be_emptied_and_what_names_numbers_says_why_it_stays() {
        let text = r#"
            doc = "x"
            writer = "ingest"
            key = ["a"]
            partition = []
            cluster = []
            keep_days = 1
            erase = [{ of = "c", columns = ["a", "b", "n"], only = { n = ["x"] } }]
            columns = [
              { name = "a", type = "utf8", doc = "A key.", example = "" },
              { name = "b", type = "bool", doc = "A fact.", example = true },
              { name = "c", type = "utf8", pii = "number", doc = "As written.", example = "" },
              { name = "n", type = "int64", pii = "number", doc = "A number.", example = 84900000001 },
            ]
        "#;
        assert_eq!(
            Contract::read("x", text).unwrap_err(),
            [
                "x.toml: it names numbers, and \"stays\" does not say why they stay",
                "x.toml: what is erased has no day",
                "x.toml: erase is of \"c\", which holds no numbers",
                "x.toml: erase looks at \"n\", which holds no words",
                "x.toml: erase names \"a\", which cannot be emptied",
                "x.toml: erase names \"b\", which cannot be emptied",
                "x.toml: erase names \"n\", which cannot be emptied",
            ]
        );
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let text = r#"
            doc = "x"
            writer = "ingest"
            key = ["b"]
            partition = ["c"]
            cluster = []
            keep_days = 1
            columns = [{ name = "a", type = "int64", doc = "A column." }]
        "#;
        assert_eq!(
            Contract::read("x", text).unwrap_err(),
            [
                "x.toml: key names \"b\", which is no column",
                "x.toml: partition names \"c\", which is no column",
                "x.toml: column \"a\" is never null and has no example",
            ]
        );
    }
}
