//! The topics that arrive, each with its Avro contract and its table.
//!
//! In: a topic's kind, or its name in a configuration. Out: its contract's text and its table's name.
//! Never: knows where a broker is or what a site calls the topic there.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::contract::Table;

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Calls.
    CallRecord,
    /// Short messages.
    SmsRecord,
    /// Citizens' reports to 156 and 5656.
    CitizenReport,
    /// Subscriptions and their changes.
    Subscriber,
    /// Answers of surveyed people.
    SurveyAnswer,
    /// The network's receipts for what it was asked to do.
    BlockReceipt,
}

impl Topic {
    /// Every topic, in the order of their schema ids on the embedded default.
    pub const ALL: [Self; 6] = [
        Self::CallRecord,
        Self::SmsRecord,
        Self::CitizenReport,
        Self::Subscriber,
        Self::SurveyAnswer,
        Self::BlockReceipt,
    ];

    /// The name of the contract, of the table, and by default of the topic at the broker.
    pub fn name(self) -> &'static str {
        match self {
            Self::CallRecord => "call_record",
            Self::SmsRecord => "sms_record",
            Self::CitizenReport => "citizen_report",
            Self::Subscriber => "subscriber",
            Self::SurveyAnswer => "survey_answer",
            Self::BlockReceipt => "block_receipt",
        }
    }

    /// Its table.
    pub fn table(self) -> Table {
        match self {
            Self::CallRecord => Table::CALL_RECORD,
            Self::SmsRecord => Table::SMS_RECORD,
            Self::CitizenReport => Table::CITIZEN_REPORT,
            Self::Subscriber => Table::SUBSCRIBER,
            Self::SurveyAnswer => Table::SURVEY_ANSWER,
            Self::BlockReceipt => Table::BLOCK_RECEIPT,
        }
    }

    /// The names of the contract's fields.
    pub fn fields(self) -> Vec<String> {
        let contract: Value = serde_json::from_str(self.avro()).expect("a contract is JSON");
        let fields = contract["fields"].as_array().into_iter().flatten();
        fields.filter_map(|field| field["name"].as_str().map(str::to_owned)).collect()
    }

    /// The Avro contract, as agreed with the sender.
    pub fn avro(self) -> &'static str {
        match self {
            Self::CallRecord => include_str!("../../schemas/topic/call_record.avsc"),
            Self::SmsRecord => include_str!("../../schemas/topic/sms_record.avsc"),
            Self::CitizenReport => include_str!("../../schemas/topic/citizen_report.avsc"),
            Self::Subscriber => include_str!("../../schemas/topic/subscriber.avsc"),
            Self::SurveyAnswer => include_str!("../../schemas/topic/survey_answer.avsc"),
            Self::BlockReceipt => include_str!("../../schemas/topic/block_receipt.avsc"),
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Topic {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|topic| topic.name() == name)
            .ok_or_else(|| format!("\"{name}\" is no topic; there are {}", names().join(", ")))
    }
}

fn names() -> Vec<&'static str> {
    Topic::ALL.iter().map(|topic| topic.name()).collect()
}
