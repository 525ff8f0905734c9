//! What a message of each topic holds, field for field as in `schemas/topic`.
//!
//! In: JSON text by serde, or values read off an Avro batch. Out: borrowed structs that
//! `decode` turns into rows and the synthetic operator turns into messages.
//! Never: judges a value; an address is still text here and a type still a word.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Text that borrows from the message where it can.
pub type Text<'a> = Cow<'a, str>;

/// `schemas/topic/call_record.avsc`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallRecord<'a> {
    /// The exchange's id of the record.
    #[serde(borrow)]
    pub record_id: Text<'a>,
    /// originating, terminating, forwarded, `incoming_gateway` or `outgoing_gateway`.
    #[serde(borrow)]
    pub record_type: Text<'a>,
    /// Call reference, local to an exchange.
    #[serde(borrow, default)]
    pub call_ref: Option<Text<'a>>,
    /// Part of a long call.
    #[serde(default)]
    pub partial_seq: Option<i32>,
    /// Calling address.
    #[serde(borrow, default)]
    pub caller: Option<Text<'a>>,
    /// Its nature.
    #[serde(borrow)]
    pub caller_nature: Text<'a>,
    /// Called address.
    #[serde(borrow, default)]
    pub callee: Option<Text<'a>>,
    /// Its nature.
    #[serde(borrow)]
    pub callee_nature: Text<'a>,
    /// Seizure.
    #[serde(with = "instant")]
    pub start_at: i64,
    /// Seconds of ringing.
    #[serde(default)]
    pub ring_s: Option<i32>,
    /// Seconds of conversation.
    pub duration_s: i32,
    /// Whether the called party answered.
    pub is_answered: bool,
    /// Q.850 cause value.
    #[serde(default)]
    pub release_cause: Option<i32>,
    /// Trunk group of a gateway record.
    #[serde(borrow, default)]
    pub trunk: Option<Text<'a>>,
    /// Cell of the served party.
    #[serde(default)]
    pub cell: Option<i64>,
    /// Handset of the served party.
    #[serde(default)]
    pub imei: Option<i64>,
    /// IMSI of the served party.
    #[serde(default)]
    pub imsi: Option<i64>,
}

/// `schemas/topic/sms_record.avsc`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SmsRecord<'a> {
    /// The message centre's id of the record.
    #[serde(borrow)]
    pub record_id: Text<'a>,
    /// originating, terminating, `incoming_gateway` or `outgoing_gateway`.
    #[serde(borrow)]
    pub record_type: Text<'a>,
    /// Message reference, local to a message centre.
    #[serde(borrow, default)]
    pub message_ref: Option<Text<'a>>,
    /// Sending address or name.
    #[serde(borrow, default)]
    pub sender: Option<Text<'a>>,
    /// Its nature.
    #[serde(borrow)]
    pub sender_nature: Text<'a>,
    /// Receiving address.
    #[serde(borrow, default)]
    pub recipient: Option<Text<'a>>,
    /// Its nature.
    #[serde(borrow)]
    pub recipient_nature: Text<'a>,
    /// Submission.
    #[serde(with = "instant")]
    pub sent_at: i64,
    /// Segments of a long message.
    #[serde(default = "one")]
    pub parts: i32,
    /// Trunk group of a gateway record.
    #[serde(borrow, default)]
    pub trunk: Option<Text<'a>>,
    /// Cell of the served party.
    #[serde(default)]
    pub cell: Option<i64>,
    /// Handset of the served party.
    #[serde(default)]
    pub imei: Option<i64>,
    /// IMSI of the served party.
    #[serde(default)]
    pub imsi: Option<i64>,
}

/// `schemas/topic/citizen_report.avsc`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CitizenReport<'a> {
    /// The intake's id of the report.
    #[serde(borrow)]
    pub report_id: Text<'a>,
    /// `sms_156`, `sms_5656`, voice, web, app or vneid.
    #[serde(borrow)]
    pub channel: Text<'a>,
    /// Number that the message came from.
    #[serde(borrow)]
    pub reporter: Text<'a>,
    /// The message word by word.
    #[serde(borrow)]
    pub text: Text<'a>,
    /// Receipt.
    #[serde(with = "instant")]
    pub reported_at: i64,
    /// Who is reported, where the channel has a field for it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Text<'a>>,
    /// `spam_call`, `spam_sms` or `scam_call`, where the channel asks.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Text<'a>>,
    /// When the call or message came.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "instant::optional")]
    pub called_at: Option<i64>,
    /// References of evidence files.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Text<'a>>,
    /// Where the citizen is.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub province: Option<Text<'a>>,
}

/// `schemas/topic/report_answer.avsc`, which goes out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportAnswer<'a> {
    /// By it an answer that comes twice is told.
    #[serde(borrow)]
    pub answer_id: Text<'a>,
    /// The report that is answered.
    #[serde(borrow)]
    pub report_id: Text<'a>,
    /// received or result.
    #[serde(borrow)]
    pub stage: Text<'a>,
    /// Channel of the report.
    #[serde(borrow)]
    pub channel: Text<'a>,
    /// Number that is answered.
    #[serde(borrow)]
    pub recipient: Text<'a>,
    /// Name of the template.
    #[serde(borrow)]
    pub template: Text<'a>,
    /// The text.
    #[serde(borrow)]
    pub text: Text<'a>,
    /// SMS that it takes.
    pub parts: i32,
    /// When it was sent.
    #[serde(with = "instant")]
    pub answered_at: i64,
}

/// `schemas/topic/subscriber.avsc`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subscriber<'a> {
    /// Subscriber's number.
    #[serde(borrow)]
    pub number: Text<'a>,
    /// Start of this activation.
    #[serde(with = "instant")]
    pub activated_at: i64,
    /// End of this activation.
    #[serde(default, with = "instant::optional")]
    pub deactivated_at: Option<i64>,
    /// prepaid, postpaid or enterprise.
    #[serde(borrow)]
    pub segment: Text<'a>,
    /// Keyed hash of the registered identity.
    #[serde(borrow, default)]
    pub identity_hash: Option<Text<'a>>,
    /// Which key the hash was made with.
    #[serde(default)]
    pub key_epoch: Option<i32>,
    /// Point of sale.
    #[serde(borrow, default)]
    pub dealer: Option<Text<'a>>,
    /// When this state began.
    #[serde(with = "instant")]
    pub changed_at: i64,
    /// Why the operator itself has locked the line.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub lock_reason: Option<Text<'a>>,
}

/// `schemas/topic/survey_answer.avsc`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SurveyAnswer<'a> {
    /// The request that asked.
    #[serde(borrow)]
    pub request_id: Text<'a>,
    /// Number that answered.
    #[serde(borrow)]
    pub respondent: Text<'a>,
    /// yes, no or other.
    #[serde(borrow)]
    pub answer: Text<'a>,
    /// Receipt.
    #[serde(with = "instant")]
    pub answered_at: i64,
}

/// `schemas/topic/block_receipt.avsc`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockReceipt<'a> {
    /// The number.
    #[serde(borrow)]
    pub number: Text<'a>,
    /// What was asked.
    #[serde(borrow)]
    pub action: Text<'a>,
    /// Publication that asked.
    #[serde(default)]
    pub sequence: Option<i64>,
    /// Case that it was asked for.
    #[serde(borrow, default)]
    pub case_id: Option<Text<'a>>,
    /// done, failed or unknown.
    #[serde(borrow)]
    pub state: Text<'a>,
    /// When it was so.
    #[serde(with = "instant")]
    pub reported_at: i64,
    /// The network's own code.
    #[serde(borrow, default)]
    pub code: Option<Text<'a>>,
}

fn one() -> i32 {
    1
}

/// An instant in JSON: RFC 3339 text with its offset, or integer microseconds since 1970 (UTC).
///
/// Text without an offset is refused: guessing a time zone moves calls between days.
mod instant {
    use std::fmt;

    use chrono::DateTime;
    use serde::de::{Error, Unexpected, Visitor};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// An instant as a sender may write it, read as microseconds.
    struct Written(i64);

    struct Reader;

    impl Visitor<'_> for Reader {
        type Value = Written;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("microseconds or an RFC 3339 instant")
        }

        fn visit_i64<E: Error>(self, micros: i64) -> Result<Written, E> {
            Ok(Written(micros))
        }

        fn visit_u64<E: Error>(self, micros: u64) -> Result<Written, E> {
            let fits = i64::try_from(micros).map(Written);
            fits.map_err(|_| E::invalid_value(Unexpected::Unsigned(micros), &self))
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Written, E> {
            let at = DateTime::parse_from_rfc3339(text);
            at.map(|at| Written(at.timestamp_micros()))
                .map_err(|problem| E::custom(format_args!("no RFC 3339 instant: {problem}")))
        }
    }

    impl<'de> Deserialize<'de> for Written {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            from.deserialize_any(Reader)
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
        Ok(Written::deserialize(from)?.0)
    }

    pub(super) fn serialize<S: Serializer>(micros: &i64, to: S) -> Result<S::Ok, S::Error> {
        match DateTime::from_timestamp_micros(*micros) {
            Some(at) => at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true).serialize(to),
            None => micros.serialize(to),
        }
    }

    /// The same where null is allowed.
    pub(super) mod optional {
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        use super::Written;

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
            Ok(Option::<Written>::deserialize(from)?.map(|written| written.0))
        }

        pub(in super::super) fn serialize<S: Serializer>(micros: &Option<i64>, to: S) -> Result<S::Ok, S::Error> {
            match micros {
                Some(micros) => super::serialize(micros, to),
                None => None::<i64>.serialize(to),
            }
        }
    }
}
