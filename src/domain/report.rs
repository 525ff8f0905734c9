//! What a citizen's report says, once read.
//!
//! In: what `text` found in a message. Out: the kind and source of the report as plain values.
//! Never: reads Vietnamese.

use super::party::Party;

/// What is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `V`: a spam call.
    SpamCall,
    /// `S`: a spam message.
    SpamSms,
    /// `LD`: a call that smells of fraud.
    ScamCall,
    /// No form of report; a person reads it.
    Unparsed,
}

impl Kind {
    /// The word used in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SpamCall => "spam_call",
            Self::SpamSms => "spam_sms",
            Self::ScamCall => "scam_call",
            Self::Unparsed => "unparsed",
        }
    }
}

/// Who is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A telephone number or a short number.
    Party(Party),
    /// A registered sender's name, upper case.
    Name(String),
    /// Nobody that could be read.
    None,
}

/// A report as far as its form allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading<'a> {
    /// What is reported.
    pub kind: Kind,
    /// Who is reported.
    pub source: Source,
    /// The source as the citizen wrote it.
    pub source_raw: Option<&'a str>,
    /// What the citizen says of it; the whole message when unparsed.
    pub content: &'a str,
    /// Whether a person has to read it.
    pub needs_human: bool,
}

/// How a message is read; given to `decode` by the job, which alone knows both.
pub type Read = fn(&str) -> Reading<'_>;
