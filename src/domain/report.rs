//! What a citizen's message says, once read.
//!
//! In: what `text` found in a message. Out: the kind and the sources of the report as plain values.
//! Never: reads Vietnamese.

use super::number::Number;

/// What a message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `V`: a spam call.
    SpamCall,
    /// `S`: a spam message.
    SpamSms,
    /// `LD`: a call that smells of fraud.
    ScamCall,
    /// `TCTM`: who holds a domain.
    DomainLookup,
    /// `DK DNC`: no more advertising to this subscriber.
    DncRegister,
    /// `HUY DNC`: advertising is welcome again.
    DncCancel,
    /// `FW`: the copy of an advertisement.
    AdCopy,
    /// No known form; a person reads it.
    Unparsed,
}

impl Kind {
    /// The word used in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SpamCall => "spam_call",
            Self::SpamSms => "spam_sms",
            Self::ScamCall => "scam_call",
            Self::DomainLookup => "domain_lookup",
            Self::DncRegister => "dnc_register",
            Self::DncCancel => "dnc_cancel",
            Self::AdCopy => "ad_copy",
            Self::Unparsed => "unparsed",
        }
    }

    /// Whether somebody is accused.
    pub fn is_report(self) -> bool {
        matches!(self, Self::SpamCall | Self::SpamSms | Self::ScamCall)
    }
}

/// Who is reported, or which domain is asked about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A subscriber's number.
    Number(Number),
    /// A short code or service number, as it is dialled.
    Short(String),
    /// A sender's name, upper case.
    Name(String),
    /// A registrable domain in ASCII.
    Domain(String),
    /// A person, by a name that nobody keeps.
    Person,
    /// Somebody who hides the number.
    Hidden,
}

impl Source {
    /// The word used in tables and JSON: a party's kind where it is one.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Number(_) => "e164",
            Self::Short(_) => "national_short",
            Self::Name(_) => "sender_name",
            Self::Domain(_) => "domain",
            Self::Person => "person",
            Self::Hidden => "anonymous",
        }
    }

    /// The number, where it is one.
    pub fn number(&self) -> Option<Number> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// Which known story of fraud a text tells, and by which words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// Name of the form.
    pub form: &'static str,
    /// The phrases that speak for it, as the word list spells them.
    pub evidence: Vec<&'static str>,
    /// Whom the fraudster claims to be.
    pub impersonated: Option<&'static str>,
    /// Whom the form aims at.
    pub targets: &'static [String],
}

/// How well a message keeps to the official form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// All parts in brackets, or an order that has none.
    Exact = 1,
    /// One bracket around both parts.
    OneBracket = 2,
    /// The source in brackets and free wording.
    HalfBracketed = 3,
    /// No brackets where they belong, or the parts in another order.
    Free = 4,
    /// No source, or no form at all.
    Unread = 5,
}

/// A message as far as its form allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading<'a> {
    /// What it asks for.
    pub kind: Kind,
    /// Who is reported, in the order of the message; empty when nobody could be read.
    pub sources: Vec<Source>,
    /// The sources as the citizen wrote them.
    pub source_raw: Option<&'a str>,
    /// What the citizen says of it; the whole message when unparsed.
    pub content: &'a str,
    /// How well it keeps to the form.
    pub level: Level,
    /// The story that the content tells, if it is a known one.
    pub story: Option<Story>,
    /// Whether a person has to read it.
    pub needs_human: bool,
}

impl Reading<'_> {
    /// The first source: who is reported.
    pub fn source(&self) -> Option<&Source> {
        self.sources.first()
    }

    /// The kind of the first source, `none` without one.
    pub fn source_kind(&self) -> &'static str {
        self.source().map_or("none", Source::kind)
    }
}

/// How a text's entities are found: `KIND:VALUE`, parted by `|`, or none; given to `decode` as [`Read`] is.
pub type Name = fn(&str) -> Option<String>;

/// How a message is read; given to `decode` by the job, which alone knows both.
pub type Read = fn(&str) -> Reading<'_>;
