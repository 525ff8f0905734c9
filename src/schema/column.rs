//! Typed handles of every column, generated from `schemas/table`; do not edit.
//!
//! In: a record batch. Out: the column's array with its own type. Never: a column's name as a string anywhere
//! else. `CALLSIEVE_BLESS=1 cargo test handles_are_fresh` writes this file anew.

use std::marker::PhantomData;

use arrow::array::{
    Array, BinaryArray, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};

/// A column of a table, with the array type of its values.
#[derive(Debug, Clone, Copy)]
pub struct Column<A> {
    /// The column's name.
    pub name: &'static str,
    array: PhantomData<A>,
}

impl<A: Array + 'static> Column<A> {
    const fn new(name: &'static str) -> Self {
        Self { name, array: PhantomData }
    }

    /// The column's array, if the batch has one of this name and type.
    pub fn of(self, batch: &RecordBatch) -> anyhow::Result<&A> {
        let column = batch.column_by_name(self.name);
        let array = column.and_then(|array| array.as_any().downcast_ref());
        array.ok_or_else(|| match column {
            Some(array) => anyhow::anyhow!("column \"{}\" is {}", self.name, array.data_type()),
            None => anyhow::anyhow!("no column \"{}\" in the batch", self.name),
        })
    }
}

/// What arrived: one row per accepted call detail record, in the commit that holds its offset.
pub mod call_record {
    use super::*;

    /// Local day of the record's start.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// originating, terminating, forwarded, incoming_gateway or outgoing_gateway.
    pub const RECORD_TYPE: Column<StringArray> = Column::new("record_type");
    /// The exchange's id of the record; the same when it is sent again.
    pub const RECORD_ID: Column<StringArray> = Column::new("record_id");
    /// Call reference; local to an exchange, and it wraps.
    pub const CALL_REF: Column<StringArray> = Column::new("call_ref");
    /// Number of this part of a long call.
    pub const PARTIAL_SEQ: Column<Int32Array> = Column::new("partial_seq");
    /// Calling number, E.164 digits; set for caller_kind e164 alone.
    pub const CALLER: Column<Int64Array> = Column::new("caller");
    /// e164, national_short, sender_name, anonymous or invalid.
    pub const CALLER_KIND: Column<StringArray> = Column::new("caller_kind");
    /// Calling address as signalled; empty when withheld.
    pub const CALLER_RAW: Column<StringArray> = Column::new("caller_raw");
    /// Called number, E.164 digits; set for callee_kind e164 alone.
    pub const CALLEE: Column<Int64Array> = Column::new("callee");
    /// e164, national_short, sender_name, anonymous or invalid.
    pub const CALLEE_KIND: Column<StringArray> = Column::new("callee_kind");
    /// Called address as signalled.
    pub const CALLEE_RAW: Column<StringArray> = Column::new("callee_raw");
    /// Seizure, UTC.
    pub const START_AT: Column<TimestampMicrosecondArray> = Column::new("start_at");
    /// Seconds between seizure and answer or release.
    pub const RING_S: Column<Int32Array> = Column::new("ring_s");
    /// Seconds of conversation; 0 when not answered.
    pub const DURATION_S: Column<Int32Array> = Column::new("duration_s");
    /// Whether the called party answered.
    pub const IS_ANSWERED: Column<BooleanArray> = Column::new("is_answered");
    /// Q.850 cause value.
    pub const RELEASE_CAUSE: Column<Int32Array> = Column::new("release_cause");
    /// Trunk group of a gateway record.
    pub const TRUNK: Column<StringArray> = Column::new("trunk");
    /// Cell of the served party: the caller's in an originating or forwarded record, the callee's in a terminating one.
    pub const CELL: Column<Int64Array> = Column::new("cell");
    /// Handset of the served party.
    pub const IMEI: Column<Int64Array> = Column::new("imei");
    /// IMSI of the served party.
    pub const IMSI: Column<Int64Array> = Column::new("imsi");
    /// Kafka partition the message came from; -1 for rows seeded without Kafka.
    pub const SOURCE_PARTITION: Column<Int32Array> = Column::new("source_partition");
    /// Kafka offset of the message.
    pub const SOURCE_OFFSET: Column<Int64Array> = Column::new("source_offset");
    /// When the row was written, UTC.
    pub const LOADED_AT: Column<TimestampMicrosecondArray> = Column::new("loaded_at");
    /// Where the offset counts: CLUSTER/TOPIC/EPOCH for Kafka, file/SHA256 for a dropped file, seed for invented history; null in rows of before the column.
    pub const SOURCE_ID: Column<StringArray> = Column::new("source_id");
}

/// What arrived: one row per accepted short message record.
pub mod sms_record {
    use super::*;

    /// Local day of the submission.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// originating, terminating, incoming_gateway or outgoing_gateway.
    pub const RECORD_TYPE: Column<StringArray> = Column::new("record_type");
    /// The message centre's id of the record; the same when it is sent again.
    pub const RECORD_ID: Column<StringArray> = Column::new("record_id");
    /// Message reference; local to a message centre, and it wraps.
    pub const MESSAGE_REF: Column<StringArray> = Column::new("message_ref");
    /// Sending number, E.164 digits; set for caller_kind e164 alone.
    pub const CALLER: Column<Int64Array> = Column::new("caller");
    /// e164, national_short, sender_name, anonymous or invalid.
    pub const CALLER_KIND: Column<StringArray> = Column::new("caller_kind");
    /// Sending address as signalled; empty when withheld.
    pub const CALLER_RAW: Column<StringArray> = Column::new("caller_raw");
    /// Registered name of the sender, upper case; set for caller_kind sender_name alone.
    pub const SENDER_NAME: Column<StringArray> = Column::new("sender_name");
    /// Receiving number, E.164 digits; set for callee_kind e164 alone.
    pub const CALLEE: Column<Int64Array> = Column::new("callee");
    /// e164, national_short, sender_name, anonymous or invalid.
    pub const CALLEE_KIND: Column<StringArray> = Column::new("callee_kind");
    /// Receiving address as signalled.
    pub const CALLEE_RAW: Column<StringArray> = Column::new("callee_raw");
    /// Submission, UTC.
    pub const START_AT: Column<TimestampMicrosecondArray> = Column::new("start_at");
    /// Segments of a long message.
    pub const PARTS: Column<Int32Array> = Column::new("parts");
    /// Trunk group of a gateway record.
    pub const TRUNK: Column<StringArray> = Column::new("trunk");
    /// Cell of the served party.
    pub const CELL: Column<Int64Array> = Column::new("cell");
    /// Handset of the served party.
    pub const IMEI: Column<Int64Array> = Column::new("imei");
    /// IMSI of the served party.
    pub const IMSI: Column<Int64Array> = Column::new("imsi");
    /// Kafka partition the message came from; -1 for rows seeded without Kafka.
    pub const SOURCE_PARTITION: Column<Int32Array> = Column::new("source_partition");
    /// Kafka offset of the message.
    pub const SOURCE_OFFSET: Column<Int64Array> = Column::new("source_offset");
    /// When the row was written, UTC.
    pub const LOADED_AT: Column<TimestampMicrosecondArray> = Column::new("loaded_at");
    /// Where the offset counts: CLUSTER/TOPIC/EPOCH for Kafka, file/SHA256 for a dropped file, seed for invented history; null in rows of before the column.
    pub const SOURCE_ID: Column<StringArray> = Column::new("source_id");
}

/// One row per citizen's report, a message to 156 or 5656, a ticket or a form, read as far as its form allows; nothing is dropped.
pub mod citizen_report {
    use super::*;

    /// Local day of receipt.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// The intake's id; the same when the report is sent again.
    pub const REPORT_ID: Column<StringArray> = Column::new("report_id");
    /// sms_156, sms_5656, voice (an agent's ticket), web, app or vneid.
    pub const CHANNEL: Column<StringArray> = Column::new("channel");
    /// Number that reported, E.164 digits.
    pub const REPORTER: Column<Int64Array> = Column::new("reporter");
    /// spam_call, spam_sms or scam_call for a report; domain_lookup, dnc_register, dnc_cancel, ad_copy or unparsed for what accuses nobody.
    pub const KIND: Column<StringArray> = Column::new("kind");
    /// e164, national_short, sender_name, person (somebody is named, and no number), anonymous (the number was hidden), domain or none.
    pub const SOURCE_KIND: Column<StringArray> = Column::new("source_kind");
    /// Reported number, the first of several (sources), E.164 digits; set for source_kind e164 alone.
    pub const SOURCE: Column<Int64Array> = Column::new("source");
    /// Reported sources as the citizen wrote them or as the form's field has it, or the domain that a look-up asks for; sealed where the site has a key.
    pub const SOURCE_RAW: Column<StringArray> = Column::new("source_raw");
    /// What the citizen says of it; the whole message when unparsed and where the source came in a field of its own; S, V or nothing for dnc_register and dnc_cancel. Sealed where the site has a key, but for an order in its exact form.
    pub const CONTENT: Column<StringArray> = Column::new("content");
    /// Whether a person has to read it.
    pub const NEEDS_HUMAN: Column<BooleanArray> = Column::new("needs_human");
    /// Receipt, UTC.
    pub const REPORTED_AT: Column<TimestampMicrosecondArray> = Column::new("reported_at");
    /// Kafka partition the message came from; -1 for rows seeded without Kafka.
    pub const SOURCE_PARTITION: Column<Int32Array> = Column::new("source_partition");
    /// Kafka offset of the message.
    pub const SOURCE_OFFSET: Column<Int64Array> = Column::new("source_offset");
    /// When the row was written, UTC.
    pub const LOADED_AT: Column<TimestampMicrosecondArray> = Column::new("loaded_at");
    /// Where the offset counts: CLUSTER/TOPIC/EPOCH for Kafka, file/SHA256 for a dropped file, seed for invented history; null in rows of before the column.
    pub const SOURCE_ID: Column<StringArray> = Column::new("source_id");
    /// Form of fraud that the content tells, a name of pipelines/scam_form.toml; null when it tells none, and in rows of before the column.
    pub const SCAM_FORM: Column<StringArray> = Column::new("scam_form");
    /// 1 as the official form says, 2 one bracket for both parts, 3 one bracket and free wording, 4 free, 5 not read; null in rows of before the column.
    pub const PARSE_LEVEL: Column<Int32Array> = Column::new("parse_level");
    /// When the call or message came, as the citizen says, UTC; null when nobody said, and in rows of before the column.
    pub const CALLED_AT: Column<TimestampMicrosecondArray> = Column::new("called_at");
    /// References of recordings and pictures in the site's own store, a space between two; null without any, and in rows of before the column.
    pub const EVIDENCE: Column<StringArray> = Column::new("evidence");
    /// The whole message as it came, sealed; null where the site has no key, and in rows of before the column.
    pub const MESSAGE: Column<StringArray> = Column::new("message");
    /// What the content names and every number that is reported beside the first, KIND:VALUE parted by |: number, domain (registrable), account (of a bank, digits), zalo, facebook, telegram, and sender (the name or short code that is reported; none in rows of before it was kept); null when nothing, and in rows of before the column.
    pub const ENTITIES: Column<StringArray> = Column::new("entities");
    /// Province of the citizen as a form says, by its name since July 2025 (pipelines/province.csv); null when nobody said or nothing is called so, and in rows of before the column.
    pub const PROVINCE: Column<StringArray> = Column::new("province");
    /// Reported numbers of a report that accuses somebody, in the order of the message, each once and at most five, E.164 digits parted by |; never the reporter's own. Null where source says all of it, and in rows of before the column.
    pub const SOURCES: Column<StringArray> = Column::new("sources");
}

/// One row per change of a subscription: a number in one activation interval.
pub mod subscriber {
    use super::*;

    /// Local day of the change.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Subscriber's number, E.164 digits.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// Start of this activation, UTC.
    pub const ACTIVATED_AT: Column<TimestampMicrosecondArray> = Column::new("activated_at");
    /// End of this activation, UTC; null while it lasts.
    pub const DEACTIVATED_AT: Column<TimestampMicrosecondArray> = Column::new("deactivated_at");
    /// prepaid, postpaid, enterprise, or unknown where the sender has another word.
    pub const SEGMENT: Column<StringArray> = Column::new("segment");
    /// Keyed hash (HMAC) of the registered identity, made by the sender.
    pub const IDENTITY_HASH: Column<StringArray> = Column::new("identity_hash");
    /// Which key the hash was made with.
    pub const KEY_EPOCH: Column<Int32Array> = Column::new("key_epoch");
    /// Point of sale that registered the subscription.
    pub const DEALER: Column<StringArray> = Column::new("dealer");
    /// When this state began, UTC.
    pub const CHANGED_AT: Column<TimestampMicrosecondArray> = Column::new("changed_at");
    /// Kafka partition the message came from; -1 for rows seeded without Kafka.
    pub const SOURCE_PARTITION: Column<Int32Array> = Column::new("source_partition");
    /// Kafka offset of the message.
    pub const SOURCE_OFFSET: Column<Int64Array> = Column::new("source_offset");
    /// When the row was written, UTC.
    pub const LOADED_AT: Column<TimestampMicrosecondArray> = Column::new("loaded_at");
    /// Where the offset counts: CLUSTER/TOPIC/EPOCH for Kafka, file/SHA256 for a dropped file, seed for invented history; null in rows of before the column.
    pub const SOURCE_ID: Column<StringArray> = Column::new("source_id");
    /// Why the operator itself has locked the line in this state: device (changed, and not verified since), identity, spam, owner (who asked for it), debt, other, or unknown where the sender has another word; null while it is open, and in rows of before the column.
    pub const LOCK_REASON: Column<StringArray> = Column::new("lock_reason");
}

/// One row per answer of a surveyed person.
pub mod survey_answer {
    use super::*;

    /// Local day of the answer.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// The survey_request that asked.
    pub const REQUEST_ID: Column<StringArray> = Column::new("request_id");
    /// Number that answered, E.164 digits.
    pub const RESPONDENT: Column<Int64Array> = Column::new("respondent");
    /// yes (it was spam), no, or other.
    pub const ANSWER: Column<StringArray> = Column::new("answer");
    /// Receipt, UTC.
    pub const ANSWERED_AT: Column<TimestampMicrosecondArray> = Column::new("answered_at");
    /// Kafka partition the message came from; -1 for rows seeded without Kafka.
    pub const SOURCE_PARTITION: Column<Int32Array> = Column::new("source_partition");
    /// Kafka offset of the message.
    pub const SOURCE_OFFSET: Column<Int64Array> = Column::new("source_offset");
    /// When the row was written, UTC.
    pub const LOADED_AT: Column<TimestampMicrosecondArray> = Column::new("loaded_at");
    /// Where the offset counts: CLUSTER/TOPIC/EPOCH for Kafka, file/SHA256 for a dropped file, seed for invented history; null in rows of before the column.
    pub const SOURCE_ID: Column<StringArray> = Column::new("source_id");
}

/// The network's receipts for what it was asked to do, one row per message.
pub mod block_receipt {
    use super::*;

    /// Local day of the receipt.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// The number, E.164 digits.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// bar_outgoing, bar_both, bar_incoming_from or unblock.
    pub const ACTION: Column<StringArray> = Column::new("action");
    /// Publication that asked for it; null when the network does not say.
    pub const SEQUENCE: Column<Int64Array> = Column::new("sequence");
    /// Case that it was asked for; null when the network does not say.
    pub const CASE_ID: Column<StringArray> = Column::new("case_id");
    /// done, failed, or unknown: the network cannot tell.
    pub const STATE: Column<StringArray> = Column::new("state");
    /// When the network says that it was so, UTC.
    pub const REPORTED_AT: Column<TimestampMicrosecondArray> = Column::new("reported_at");
    /// The network's own code; null when it gives none.
    pub const CODE: Column<StringArray> = Column::new("code");
    /// Kafka partition the message came from; -1 for rows seeded without Kafka.
    pub const SOURCE_PARTITION: Column<Int32Array> = Column::new("source_partition");
    /// Kafka offset of the message.
    pub const SOURCE_OFFSET: Column<Int64Array> = Column::new("source_offset");
    /// When the row was written, UTC.
    pub const LOADED_AT: Column<TimestampMicrosecondArray> = Column::new("loaded_at");
    /// Where the offset counts: CLUSTER/TOPIC/EPOCH for Kafka, file/SHA256 for a dropped file.
    pub const SOURCE_ID: Column<StringArray> = Column::new("source_id");
}

/// Every message that decode refused, whole, with its reason, so that it can be decoded again after a fix.
pub mod reject {
    use super::*;

    /// Local day on which it was refused: that of loaded_at.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Topic as the broker names it.
    pub const TOPIC: Column<StringArray> = Column::new("topic");
    /// Kafka partition.
    pub const SOURCE_PARTITION: Column<Int32Array> = Column::new("source_partition");
    /// Kafka offset.
    pub const SOURCE_OFFSET: Column<Int64Array> = Column::new("source_offset");
    /// Kafka timestamp, UTC.
    pub const KAFKA_AT: Column<TimestampMicrosecondArray> = Column::new("kafka_at");
    /// Schema id of the Confluent framing, when the message has one.
    pub const SCHEMA_ID: Column<Int32Array> = Column::new("schema_id");
    /// One of a fixed list of reasons.
    pub const REASON: Column<StringArray> = Column::new("reason");
    /// Where and why, without any value of the message.
    pub const DETAIL: Column<StringArray> = Column::new("detail");
    /// Message key, as it came; of a citizen's report sealed where the site has a key.
    pub const KEY: Column<BinaryArray> = Column::new("key");
    /// Message body, as it came; of a citizen's report sealed where the site has a key.
    pub const PAYLOAD: Column<BinaryArray> = Column::new("payload");
    /// Message headers as a JSON list of [name, hex of the value]; of a citizen's report sealed where the site has a key.
    pub const HEADERS: Column<StringArray> = Column::new("headers");
    /// Version of callsieve that refused it.
    pub const CODE_VERSION: Column<StringArray> = Column::new("code_version");
    /// When the row was written, UTC.
    pub const LOADED_AT: Column<TimestampMicrosecondArray> = Column::new("loaded_at");
    /// Where the offset counts: CLUSTER/TOPIC/EPOCH for Kafka, file/SHA256 for a dropped file, seed for invented history; null in rows of before the column.
    pub const SOURCE_ID: Column<StringArray> = Column::new("source_id");
    /// Table that the message was meant for: the topic by its contract's name.
    pub const TABLE_NAME: Column<StringArray> = Column::new("table_name");
}

/// What happened: one row per call, folded from all records of it.
pub mod call_event {
    use super::*;

    /// Local day of the leading record's start.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Type of the leading record.
    pub const RECORD_TYPE: Column<StringArray> = Column::new("record_type");
    /// Id of the leading record.
    pub const RECORD_ID: Column<StringArray> = Column::new("record_id");
    /// Call reference of the leading record.
    pub const CALL_REF: Column<StringArray> = Column::new("call_ref");
    /// Calling number, E.164 digits.
    pub const CALLER: Column<Int64Array> = Column::new("caller");
    /// e164, national_short, sender_name, anonymous or invalid.
    pub const CALLER_KIND: Column<StringArray> = Column::new("caller_kind");
    /// Calling address as signalled in the leading record.
    pub const CALLER_RAW: Column<StringArray> = Column::new("caller_raw");
    /// Calling address as signalled, when it is no E.164 number: the few that have one are read without those of all others.
    pub const CALLER_NAME: Column<StringArray> = Column::new("caller_name");
    /// Called number, E.164 digits.
    pub const CALLEE: Column<Int64Array> = Column::new("callee");
    /// e164, national_short, sender_name, anonymous or invalid.
    pub const CALLEE_KIND: Column<StringArray> = Column::new("callee_kind");
    /// Called address as signalled in the leading record.
    pub const CALLEE_RAW: Column<StringArray> = Column::new("callee_raw");
    /// Called address as signalled, when it is no E.164 number: the few that have one are read without those of all others.
    pub const CALLEE_NAME: Column<StringArray> = Column::new("callee_name");
    /// Seizure by the leading record, UTC.
    pub const START_AT: Column<TimestampMicrosecondArray> = Column::new("start_at");
    /// Seconds between seizure and answer or release.
    pub const RING_S: Column<Int32Array> = Column::new("ring_s");
    /// Seconds of conversation, added up over the parts of a long call.
    pub const DURATION_S: Column<Int32Array> = Column::new("duration_s");
    /// Whether the called party answered.
    pub const IS_ANSWERED: Column<BooleanArray> = Column::new("is_answered");
    /// Q.850 cause value of the last part.
    pub const RELEASE_CAUSE: Column<Int32Array> = Column::new("release_cause");
    /// Trunk group by which the call came in, or went out.
    pub const TRUNK: Column<StringArray> = Column::new("trunk");
    /// Caller's cell; only ever from the originating record.
    pub const CALLER_CELL: Column<Int64Array> = Column::new("caller_cell");
    /// Caller's handset; only ever from the originating record.
    pub const CALLER_IMEI: Column<Int64Array> = Column::new("caller_imei");
    /// Caller's IMSI; only ever from the originating record.
    pub const CALLER_IMSI: Column<Int64Array> = Column::new("caller_imsi");
    /// Called party's cell; only ever from the terminating record.
    pub const CALLEE_CELL: Column<Int64Array> = Column::new("callee_cell");
    /// Called party's handset; only ever from the terminating record.
    pub const CALLEE_IMEI: Column<Int64Array> = Column::new("callee_imei");
    /// Called party's IMSI; only ever from the terminating record.
    pub const CALLEE_IMSI: Column<Int64Array> = Column::new("callee_imsi");
    /// Where the call came from: onnet, national, international or voip.
    pub const ORIGIN: Column<StringArray> = Column::new("origin");
    /// Whether the caller is our subscriber: seen by an originating or forwarded record, or terminated without a gateway and in the subscriber table.
    pub const IS_CALLER_ONNET: Column<BooleanArray> = Column::new("is_caller_onnet");
    /// Whether the called party is our subscriber: seen by a terminating record, or in the subscriber table.
    pub const IS_CALLEE_ONNET: Column<BooleanArray> = Column::new("is_callee_onnet");
    /// Whether this is the onward leg of a forwarded call: no call that its caller made.
    pub const IS_FORWARDED_LEG: Column<BooleanArray> = Column::new("is_forwarded_leg");
    /// Whether it shows one of our numbers but came in by a trunk, with no originating record: never that subscriber's call.
    pub const IS_SPOOF_SUSPECT: Column<BooleanArray> = Column::new("is_spoof_suspect");
    /// Records folded into this call, those sent twice included.
    pub const RECORDS: Column<Int64Array> = Column::new("records");
    /// Of these records, those that lie on the day before: a pair across midnight.
    pub const RECORDS_BEFORE: Column<Int64Array> = Column::new("records_before");
    /// Of these records, those that lie on the day after.
    pub const RECORDS_AFTER: Column<Int64Array> = Column::new("records_after");
}

/// What happened: one row per short message, folded from all records of it.
pub mod sms_event {
    use super::*;

    /// Local day of the leading record's submission.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Type of the leading record.
    pub const RECORD_TYPE: Column<StringArray> = Column::new("record_type");
    /// Id of the leading record.
    pub const RECORD_ID: Column<StringArray> = Column::new("record_id");
    /// Message reference of the leading record.
    pub const MESSAGE_REF: Column<StringArray> = Column::new("message_ref");
    /// Sending number, E.164 digits.
    pub const CALLER: Column<Int64Array> = Column::new("caller");
    /// e164, national_short, sender_name, anonymous or invalid.
    pub const CALLER_KIND: Column<StringArray> = Column::new("caller_kind");
    /// Sending address as signalled in the leading record.
    pub const CALLER_RAW: Column<StringArray> = Column::new("caller_raw");
    /// Sending address as signalled, when it is no E.164 number: the few that have one are read without those of all others.
    pub const CALLER_NAME: Column<StringArray> = Column::new("caller_name");
    /// Registered name of the sender, upper case.
    pub const SENDER_NAME: Column<StringArray> = Column::new("sender_name");
    /// Receiving number, E.164 digits.
    pub const CALLEE: Column<Int64Array> = Column::new("callee");
    /// e164, national_short, sender_name, anonymous or invalid.
    pub const CALLEE_KIND: Column<StringArray> = Column::new("callee_kind");
    /// Receiving address as signalled in the leading record.
    pub const CALLEE_RAW: Column<StringArray> = Column::new("callee_raw");
    /// Receiving address as signalled, when it is no E.164 number: the few that have one are read without those of all others.
    pub const CALLEE_NAME: Column<StringArray> = Column::new("callee_name");
    /// Submission by the leading record, UTC.
    pub const START_AT: Column<TimestampMicrosecondArray> = Column::new("start_at");
    /// Segments of a long message.
    pub const PARTS: Column<Int32Array> = Column::new("parts");
    /// Trunk group by which the message came in, or went out.
    pub const TRUNK: Column<StringArray> = Column::new("trunk");
    /// Sender's handset; only ever from the originating record.
    pub const CALLER_IMEI: Column<Int64Array> = Column::new("caller_imei");
    /// Whether the sender is our subscriber.
    pub const IS_CALLER_ONNET: Column<BooleanArray> = Column::new("is_caller_onnet");
    /// Whether the receiver is our subscriber.
    pub const IS_CALLEE_ONNET: Column<BooleanArray> = Column::new("is_callee_onnet");
    /// Whether it shows one of our numbers but came in by a trunk, with no originating record.
    pub const IS_SPOOF_SUSPECT: Column<BooleanArray> = Column::new("is_spoof_suspect");
    /// Records folded into this message, those sent twice included.
    pub const RECORDS: Column<Int64Array> = Column::new("records");
    /// Of these records, those that lie on the day before: a pair across midnight.
    pub const RECORDS_BEFORE: Column<Int64Array> = Column::new("records_before");
    /// Of these records, those that lie on the day after.
    pub const RECORDS_AFTER: Column<Int64Array> = Column::new("records_after");
}

/// One row per pair of parties, in the direction of contact, and local day; what is `new` is looked up here for the week that goes on, and in `relation` for all before.
pub mod contact_day {
    use super::*;

    /// Local day.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// e164, national_short, sender_name or invalid.
    pub const CALLER_KIND: Column<StringArray> = Column::new("caller_kind");
    /// Calling or sending number.
    pub const CALLER: Column<Int64Array> = Column::new("caller");
    /// Address as signalled, when it is no E.164 number.
    pub const CALLER_NAME: Column<StringArray> = Column::new("caller_name");
    /// e164, national_short, sender_name or invalid.
    pub const CALLEE_KIND: Column<StringArray> = Column::new("callee_kind");
    /// Called or receiving number.
    pub const CALLEE: Column<Int64Array> = Column::new("callee");
    /// Address as signalled, when it is no E.164 number.
    pub const CALLEE_NAME: Column<StringArray> = Column::new("callee_name");
    /// Calls from caller to callee.
    pub const CALLS: Column<Int64Array> = Column::new("calls");
    /// Answered among them.
    pub const ANSWERED: Column<Int64Array> = Column::new("answered");
    /// Short messages from caller to callee.
    pub const MESSAGES: Column<Int64Array> = Column::new("messages");
    /// Calls that follow another of this pair and direction within 24 hours, the day before included (Nghi dinh 91/2020 Art. 13: one advertising call to one number in 24 hours).
    pub const REPEATS_WITHIN_24H: Column<Int64Array> = Column::new("repeats_within_24h");
    /// Earlier days with any contact of anybody: those folded into the state of the week before, and those of this week.
    pub const HISTORY_DAYS: Column<Int64Array> = Column::new("history_days");
    /// Whether the two were never in contact, either way, on an earlier kept day.
    pub const IS_NEW: Column<BooleanArray> = Column::new("is_new");
    /// Whether callee called caller later on the day than caller's first call.
    pub const IS_CALLED_BACK: Column<BooleanArray> = Column::new("is_called_back");
    /// Start of the first call, UTC.
    pub const FIRST_CALL_AT: Column<TimestampMicrosecondArray> = Column::new("first_call_at");
    /// Start of the last call, UTC.
    pub const LAST_CALL_AT: Column<TimestampMicrosecondArray> = Column::new("last_call_at");
}

/// One row per pair of parties ever in contact, as known at the end of an ISO week: a partition is the whole state. Eleven weeks are kept: a late record derives anew the states behind its day, `run` follows it 20 days (`restate_days` of `decision`), and the first of these states is folded from one that began up to 33 days before.
pub mod relation {
    use super::*;

    /// Monday of the ISO week at whose end this was known.
    pub const WEEK: Column<Date32Array> = Column::new("week");
    /// The lower number of the two; null for a pair with an end that is no number.
    pub const LOW: Column<Int64Array> = Column::new("low");
    /// The higher number, or the same when a number met itself; null for a pair with an end that is no number.
    pub const HIGH: Column<Int64Array> = Column::new("high");
    /// Kind, space, number or address as signalled of the one whose such text is the lesser; null for two numbers.
    pub const LOW_NAME: Column<StringArray> = Column::new("low_name");
    /// The same of the other; null for two numbers.
    pub const HIGH_NAME: Column<StringArray> = Column::new("high_name");
    /// Local day of the first contact.
    pub const FIRST_DAY: Column<Date32Array> = Column::new("first_day");
    /// Local day of the last contact.
    pub const LAST_DAY: Column<Date32Array> = Column::new("last_day");
    /// Calls from low to high.
    pub const CALLS_UP: Column<Int64Array> = Column::new("calls_up");
    /// Calls from high to low.
    pub const CALLS_DOWN: Column<Int64Array> = Column::new("calls_down");
    /// Short messages from low to high.
    pub const MESSAGES_UP: Column<Int64Array> = Column::new("messages_up");
    /// Short messages from high to low.
    pub const MESSAGES_DOWN: Column<Int64Array> = Column::new("messages_down");
    /// Days of `contact_day` that are folded in, the same in every row: a state that begins too late shows as a short history.
    pub const HISTORY_DAYS: Column<Int64Array> = Column::new("history_days");
}

/// One row per party and local day with a call or message in either direction; spoof suspects and forwarded legs left out.
pub mod caller_day {
    use super::*;

    /// Local day.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Kind of the party: e164, national_short, sender_name or invalid.
    pub const CALLER_KIND: Column<StringArray> = Column::new("caller_kind");
    /// The party's number, E.164 digits.
    pub const CALLER: Column<Int64Array> = Column::new("caller");
    /// The party's address as signalled, when it is no E.164 number.
    pub const CALLER_NAME: Column<StringArray> = Column::new("caller_name");
    /// Whether the party is our subscriber; of others only calls towards us are seen.
    pub const IS_ONNET: Column<BooleanArray> = Column::new("is_onnet");
    /// Calls made: attempts, answered or not.
    pub const CALLS_OUT: Column<Int64Array> = Column::new("calls_out");
    /// Calls received; null for an off-net party.
    pub const CALLS_IN: Column<Int64Array> = Column::new("calls_in");
    /// Answered among the calls made.
    pub const ANSWERED_OUT: Column<Int64Array> = Column::new("answered_out");
    /// Seconds of conversation in calls made.
    pub const DURATION_OUT_S: Column<Int64Array> = Column::new("duration_out_s");
    /// Answered calls made with duration_s below short_call_s.
    pub const SHORT_CALLS: Column<Int64Array> = Column::new("short_calls");
    /// short_calls over calls_out: criterion 3 of Thong tu 22/2021.
    pub const SHORT_CALL_SHARE_ALL: Column<Float64Array> = Column::new("short_call_share_all");
    /// short_calls over answered_out.
    pub const SHORT_CALL_SHARE: Column<Float64Array> = Column::new("short_call_share");
    /// Pauses between one call's end and the next call's start, in order of (start, end, callee); overlaps are none.
    pub const GAPS: Column<Int64Array> = Column::new("gaps");
    /// Gaps below short_gap_s.
    pub const SHORT_GAPS: Column<Int64Array> = Column::new("short_gaps");
    /// short_gaps over gaps: criterion 4.
    pub const SHORT_GAP_SHARE: Column<Float64Array> = Column::new("short_gap_share");
    /// Calls that start before the one before has ended.
    pub const OVERLAPPING_CALLS: Column<Int64Array> = Column::new("overlapping_calls");
    /// Most calls with start in any half-open minute.
    pub const PEAK_CALLS_60S: Column<Int64Array> = Column::new("peak_calls_60s");
    /// Most calls with start in any half-open 10 minutes.
    pub const PEAK_CALLS_600S: Column<Int64Array> = Column::new("peak_calls_600s");
    /// Most calls with start in any half-open hour.
    pub const PEAK_CALLS_3600S: Column<Int64Array> = Column::new("peak_calls_3600s");
    /// Distinct called parties.
    pub const CALLEES: Column<Int64Array> = Column::new("callees");
    /// Earlier days kept, with any contact of anybody.
    pub const HISTORY_DAYS: Column<Int64Array> = Column::new("history_days");
    /// Called parties never in contact (either direction, call or message) on an earlier kept day; null below min_history_days.
    pub const NEW_CALLEES: Column<Int64Array> = Column::new("new_callees");
    /// Calls to new callees over calls_out: criterion 5.
    pub const NEW_CALLEE_CALL_SHARE: Column<Float64Array> = Column::new("new_callee_call_share");
    /// Calls to the most called party.
    pub const TOP_CALLEE_CALLS: Column<Int64Array> = Column::new("top_callee_calls");
    /// Parties called twice or more.
    pub const REPEAT_CALLEES: Column<Int64Array> = Column::new("repeat_callees");
    /// Called parties who called this party later the same day.
    pub const CALLED_BACK: Column<Int64Array> = Column::new("called_back");
    /// Messages sent.
    pub const SMS_SENT: Column<Int64Array> = Column::new("sms_sent");
    /// Messages received.
    pub const SMS_RECEIVED: Column<Int64Array> = Column::new("sms_received");
    /// calls_out over calls made and received; null for an off-net party.
    pub const OUT_SHARE: Column<Float64Array> = Column::new("out_share");
    /// Distinct cells over calls made; null for an off-net party.
    pub const CELLS: Column<Int64Array> = Column::new("cells");
    /// Distinct handsets over calls made; null for an off-net party.
    pub const IMEIS: Column<Int64Array> = Column::new("imeis");
    /// Distinct local hours with a call made.
    pub const ACTIVE_HOURS: Column<Int64Array> = Column::new("active_hours");
    /// Most calls made in one local clock hour.
    pub const PEAK_HOUR_CALLS: Column<Int64Array> = Column::new("peak_hour_calls");
    /// Calls whose called number differs from the previous one's by 1 to 10.
    pub const SEQUENTIAL_CALLS: Column<Int64Array> = Column::new("sequential_calls");
    /// Calls made before 08:00 or from 17:00 local.
    pub const CALLS_OUTSIDE_HOURS: Column<Int64Array> = Column::new("calls_outside_hours");
    /// Calls made to numbers in the do-not-call register for calls.
    pub const CALLS_TO_DNC: Column<Int64Array> = Column::new("calls_to_dnc");
    /// Calls to a party already called in the 24 hours before.
    pub const REPEAT_WITHIN_24H: Column<Int64Array> = Column::new("repeat_within_24h");
}

/// One row per party and local day on which it called or wrote: what joins the day to other days exactly.
pub mod segment_day {
    use super::*;

    /// Local day.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Kind of the party: e164, national_short, sender_name or invalid.
    pub const CALLER_KIND: Column<StringArray> = Column::new("caller_kind");
    /// The party's number, E.164 digits.
    pub const CALLER: Column<Int64Array> = Column::new("caller");
    /// The party's address as signalled, when it is no E.164 number.
    pub const CALLER_NAME: Column<StringArray> = Column::new("caller_name");
    /// First and last call, starts in the first and the last hour, cells and handsets, laid out as `src/feature/segment.rs` says; null without a call made.
    pub const SEGMENT: Column<BinaryArray> = Column::new("segment");
    /// Parties called or written to, laid out as `src/feature/contact.rs` says; null without one.
    pub const CONTACTS: Column<BinaryArray> = Column::new("contacts");
}

/// One row per party, local day and clock hour with a call or message in either direction: `caller_day` over each hour, as far as calls and messages alone say it; whom a party knew before is in `contact_day`.
pub mod caller_hour {
    use super::*;

    /// Local day.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Local clock hour, 0 to 23, in which calls and messages start.
    pub const HOUR: Column<Int32Array> = Column::new("hour");
    /// Kind of the party: e164, national_short, sender_name or invalid.
    pub const CALLER_KIND: Column<StringArray> = Column::new("caller_kind");
    /// The party's number, E.164 digits.
    pub const CALLER: Column<Int64Array> = Column::new("caller");
    /// The party's address as signalled, when it is no E.164 number.
    pub const CALLER_NAME: Column<StringArray> = Column::new("caller_name");
    /// Whether the party is our subscriber; of others only calls towards us are seen.
    pub const IS_ONNET: Column<BooleanArray> = Column::new("is_onnet");
    /// Calls made: attempts, answered or not.
    pub const CALLS_OUT: Column<Int64Array> = Column::new("calls_out");
    /// Calls received; null for an off-net party.
    pub const CALLS_IN: Column<Int64Array> = Column::new("calls_in");
    /// Answered among the calls made.
    pub const ANSWERED_OUT: Column<Int64Array> = Column::new("answered_out");
    /// Seconds of conversation in calls made, on into the next hour.
    pub const DURATION_OUT_S: Column<Int64Array> = Column::new("duration_out_s");
    /// Answered calls made with duration_s below short_call_s.
    pub const SHORT_CALLS: Column<Int64Array> = Column::new("short_calls");
    /// short_calls over calls_out: criterion 3 of Thong tu 22/2021.
    pub const SHORT_CALL_SHARE_ALL: Column<Float64Array> = Column::new("short_call_share_all");
    /// short_calls over answered_out.
    pub const SHORT_CALL_SHARE: Column<Float64Array> = Column::new("short_call_share");
    /// Pauses between one call's end and the next call's start within the hour, in order of (start, end, called number); overlaps are none.
    pub const GAPS: Column<Int64Array> = Column::new("gaps");
    /// Gaps below short_gap_s.
    pub const SHORT_GAPS: Column<Int64Array> = Column::new("short_gaps");
    /// short_gaps over gaps: criterion 4.
    pub const SHORT_GAP_SHARE: Column<Float64Array> = Column::new("short_gap_share");
    /// Calls that start before the one before in the hour has ended.
    pub const OVERLAPPING_CALLS: Column<Int64Array> = Column::new("overlapping_calls");
    /// Most calls with start in any half-open minute.
    pub const PEAK_CALLS_60S: Column<Int64Array> = Column::new("peak_calls_60s");
    /// Most calls with start in any half-open 10 minutes.
    pub const PEAK_CALLS_600S: Column<Int64Array> = Column::new("peak_calls_600s");
    /// Distinct called numbers.
    pub const CALLEES: Column<Int64Array> = Column::new("callees");
    /// Calls to the most called number.
    pub const TOP_CALLEE_CALLS: Column<Int64Array> = Column::new("top_callee_calls");
    /// Numbers called twice or more.
    pub const REPEAT_CALLEES: Column<Int64Array> = Column::new("repeat_callees");
    /// Messages sent.
    pub const SMS_SENT: Column<Int64Array> = Column::new("sms_sent");
    /// Messages received.
    pub const SMS_RECEIVED: Column<Int64Array> = Column::new("sms_received");
    /// calls_out over calls made and received; null for an off-net party.
    pub const OUT_SHARE: Column<Float64Array> = Column::new("out_share");
    /// Distinct cells over calls made; null for an off-net party.
    pub const CELLS: Column<Int64Array> = Column::new("cells");
    /// Distinct handsets over calls made; null for an off-net party.
    pub const IMEIS: Column<Int64Array> = Column::new("imeis");
    /// Calls whose called number differs from the previous one's in the hour by 1 to 10.
    pub const SEQUENTIAL_CALLS: Column<Int64Array> = Column::new("sequential_calls");
    /// Calls made to numbers in the do-not-call register for calls.
    pub const CALLS_TO_DNC: Column<Int64Array> = Column::new("calls_to_dnc");
}

/// One row per party with a call or message in either direction in the seven days that end with the local day: `caller_day` over all of them, as far as they are kept. Of a party with missing_days only sums over the days that `caller_day` has are told; the rest is null.
pub mod caller_week {
    use super::*;

    /// Last local day of the window.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Kind of the party: e164, national_short, sender_name or invalid.
    pub const CALLER_KIND: Column<StringArray> = Column::new("caller_kind");
    /// The party's number, E.164 digits.
    pub const CALLER: Column<Int64Array> = Column::new("caller");
    /// The party's address as signalled, when it is no E.164 number.
    pub const CALLER_NAME: Column<StringArray> = Column::new("caller_name");
    /// Whether the party was our subscriber on any of these days; of others only calls towards us are seen.
    pub const IS_ONNET: Column<BooleanArray> = Column::new("is_onnet");
    /// Days with a call or message in either direction.
    pub const DAYS: Column<Int64Array> = Column::new("days");
    /// Days with a call made.
    pub const ACTIVE_DAYS: Column<Int64Array> = Column::new("active_days");
    /// Days of the window that `caller_day` has of anybody; fewer than seven when the lake is younger, or when a day was not computed.
    pub const KEPT_DAYS: Column<Int64Array> = Column::new("kept_days");
    /// Days on which the party called or wrote and that only one of `caller_day` and `segment_day` has; 0 when what is kept is whole.
    pub const MISSING_DAYS: Column<Int64Array> = Column::new("missing_days");
    /// Calls made: attempts, answered or not.
    pub const CALLS_OUT: Column<Int64Array> = Column::new("calls_out");
    /// Calls received; null for an off-net party.
    pub const CALLS_IN: Column<Int64Array> = Column::new("calls_in");
    /// Answered among the calls made.
    pub const ANSWERED_OUT: Column<Int64Array> = Column::new("answered_out");
    /// Seconds of conversation in calls made.
    pub const DURATION_OUT_S: Column<Int64Array> = Column::new("duration_out_s");
    /// Answered calls made with duration_s below caller_day's short_call_s.
    pub const SHORT_CALLS: Column<Int64Array> = Column::new("short_calls");
    /// short_calls over calls_out: criterion 3 of Thong tu 22/2021.
    pub const SHORT_CALL_SHARE_ALL: Column<Float64Array> = Column::new("short_call_share_all");
    /// short_calls over answered_out.
    pub const SHORT_CALL_SHARE: Column<Float64Array> = Column::new("short_call_share");
    /// Pauses between one call's end and the next call's start, midnights and days without a call included, in order of (start, end, called number); overlaps are none; null with missing_days.
    pub const GAPS: Column<Int64Array> = Column::new("gaps");
    /// Gaps below short_gap_s; null with missing_days.
    pub const SHORT_GAPS: Column<Int64Array> = Column::new("short_gaps");
    /// short_gaps over gaps: criterion 4; null with missing_days.
    pub const SHORT_GAP_SHARE: Column<Float64Array> = Column::new("short_gap_share");
    /// Calls that start before the one before has ended, midnights included; null with missing_days.
    pub const OVERLAPPING_CALLS: Column<Int64Array> = Column::new("overlapping_calls");
    /// Most calls with start in any half-open minute, midnights included; null with missing_days.
    pub const PEAK_CALLS_60S: Column<Int64Array> = Column::new("peak_calls_60s");
    /// Most calls with start in any half-open 10 minutes, midnights included; null with missing_days.
    pub const PEAK_CALLS_600S: Column<Int64Array> = Column::new("peak_calls_600s");
    /// Most calls with start in any half-open hour, midnights included; null with missing_days.
    pub const PEAK_CALLS_3600S: Column<Int64Array> = Column::new("peak_calls_3600s");
    /// Distinct called parties; one called on several days counts once; null with missing_days.
    pub const CALLEES: Column<Int64Array> = Column::new("callees");
    /// Earlier days kept, with any contact of anybody, on the party's first day in the window.
    pub const HISTORY_DAYS: Column<Int64Array> = Column::new("history_days");
    /// Called parties never in contact (either direction, call or message) on a kept day before this party first called or wrote to them in the window; null below min_history_days, and with missing_days.
    pub const NEW_CALLEES: Column<Int64Array> = Column::new("new_callees");
    /// Calls to new callees, on whichever day of the window, over calls_out: criterion 5; null with missing_days.
    pub const NEW_CALLEE_CALL_SHARE: Column<Float64Array> = Column::new("new_callee_call_share");
    /// Calls to the most called party; null with missing_days.
    pub const TOP_CALLEE_CALLS: Column<Int64Array> = Column::new("top_callee_calls");
    /// Parties called twice or more, on one day or on several; null with missing_days.
    pub const REPEAT_CALLEES: Column<Int64Array> = Column::new("repeat_callees");
    /// Called parties who called this party later the same day, on any day; null with missing_days.
    pub const CALLED_BACK: Column<Int64Array> = Column::new("called_back");
    /// Messages sent.
    pub const SMS_SENT: Column<Int64Array> = Column::new("sms_sent");
    /// Messages received.
    pub const SMS_RECEIVED: Column<Int64Array> = Column::new("sms_received");
    /// calls_out over calls made and received; null for an off-net party.
    pub const OUT_SHARE: Column<Float64Array> = Column::new("out_share");
    /// Distinct cells over calls made; null for an off-net party, and with missing_days.
    pub const CELLS: Column<Int64Array> = Column::new("cells");
    /// Distinct handsets over calls made; null for an off-net party, and with missing_days.
    pub const IMEIS: Column<Int64Array> = Column::new("imeis");
    /// Local hours with a call made; the same hour of two days is two.
    pub const ACTIVE_HOURS: Column<Int64Array> = Column::new("active_hours");
    /// Most calls made in one local clock hour of one day.
    pub const PEAK_HOUR_CALLS: Column<Int64Array> = Column::new("peak_hour_calls");
    /// Calls whose called number differs from the previous one's by 1 to 10, midnights included; null with missing_days.
    pub const SEQUENTIAL_CALLS: Column<Int64Array> = Column::new("sequential_calls");
    /// Calls made before 08:00 or from 17:00 local.
    pub const CALLS_OUTSIDE_HOURS: Column<Int64Array> = Column::new("calls_outside_hours");
    /// Calls made to numbers in the do-not-call register for calls.
    pub const CALLS_TO_DNC: Column<Int64Array> = Column::new("calls_to_dnc");
    /// Calls to a party already called in the 24 hours before; on the window's first day those of the day before it count.
    pub const REPEAT_WITHIN_24H: Column<Int64Array> = Column::new("repeat_within_24h");
}

/// One row per party with a call or message in either direction in the 28 days that end with the local day: `caller_day` over all of them, as far as they are kept. Of a party with missing_days only sums over the days that `caller_day` has are told; the rest is null.
pub mod caller_month {
    use super::*;

    /// Last local day of the window.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Kind of the party: e164, national_short, sender_name or invalid.
    pub const CALLER_KIND: Column<StringArray> = Column::new("caller_kind");
    /// The party's number, E.164 digits.
    pub const CALLER: Column<Int64Array> = Column::new("caller");
    /// The party's address as signalled, when it is no E.164 number.
    pub const CALLER_NAME: Column<StringArray> = Column::new("caller_name");
    /// Whether the party was our subscriber on any of these days; of others only calls towards us are seen.
    pub const IS_ONNET: Column<BooleanArray> = Column::new("is_onnet");
    /// Days with a call or message in either direction.
    pub const DAYS: Column<Int64Array> = Column::new("days");
    /// Days with a call made.
    pub const ACTIVE_DAYS: Column<Int64Array> = Column::new("active_days");
    /// Days of the window that `caller_day` has of anybody; fewer than 28 when the lake is younger, or when a day was not computed.
    pub const KEPT_DAYS: Column<Int64Array> = Column::new("kept_days");
    /// Days on which the party called or wrote and that only one of `caller_day` and `segment_day` has; 0 when what is kept is whole.
    pub const MISSING_DAYS: Column<Int64Array> = Column::new("missing_days");
    /// Calls made: attempts, answered or not.
    pub const CALLS_OUT: Column<Int64Array> = Column::new("calls_out");
    /// Calls received; null for an off-net party.
    pub const CALLS_IN: Column<Int64Array> = Column::new("calls_in");
    /// Answered among the calls made.
    pub const ANSWERED_OUT: Column<Int64Array> = Column::new("answered_out");
    /// Seconds of conversation in calls made.
    pub const DURATION_OUT_S: Column<Int64Array> = Column::new("duration_out_s");
    /// Answered calls made with duration_s below caller_day's short_call_s.
    pub const SHORT_CALLS: Column<Int64Array> = Column::new("short_calls");
    /// short_calls over calls_out: criterion 3 of Thong tu 22/2021.
    pub const SHORT_CALL_SHARE_ALL: Column<Float64Array> = Column::new("short_call_share_all");
    /// short_calls over answered_out.
    pub const SHORT_CALL_SHARE: Column<Float64Array> = Column::new("short_call_share");
    /// Pauses between one call's end and the next call's start, midnights and days without a call included, in order of (start, end, called number); overlaps are none; null with missing_days.
    pub const GAPS: Column<Int64Array> = Column::new("gaps");
    /// Gaps below short_gap_s; null with missing_days.
    pub const SHORT_GAPS: Column<Int64Array> = Column::new("short_gaps");
    /// short_gaps over gaps: criterion 4; null with missing_days.
    pub const SHORT_GAP_SHARE: Column<Float64Array> = Column::new("short_gap_share");
    /// Calls that start before the one before has ended, midnights included; null with missing_days.
    pub const OVERLAPPING_CALLS: Column<Int64Array> = Column::new("overlapping_calls");
    /// Most calls with start in any half-open minute, midnights included; null with missing_days.
    pub const PEAK_CALLS_60S: Column<Int64Array> = Column::new("peak_calls_60s");
    /// Most calls with start in any half-open 10 minutes, midnights included; null with missing_days.
    pub const PEAK_CALLS_600S: Column<Int64Array> = Column::new("peak_calls_600s");
    /// Most calls with start in any half-open hour, midnights included; null with missing_days.
    pub const PEAK_CALLS_3600S: Column<Int64Array> = Column::new("peak_calls_3600s");
    /// Distinct called parties; one called on several days counts once; null with missing_days.
    pub const CALLEES: Column<Int64Array> = Column::new("callees");
    /// Earlier days kept, with any contact of anybody, on the party's first day in the window.
    pub const HISTORY_DAYS: Column<Int64Array> = Column::new("history_days");
    /// Called parties never in contact (either direction, call or message) on a kept day before this party first called or wrote to them in the window; null below min_history_days, and with missing_days.
    pub const NEW_CALLEES: Column<Int64Array> = Column::new("new_callees");
    /// Calls to new callees, on whichever day of the window, over calls_out: criterion 5; null with missing_days.
    pub const NEW_CALLEE_CALL_SHARE: Column<Float64Array> = Column::new("new_callee_call_share");
    /// Calls to the most called party; null with missing_days.
    pub const TOP_CALLEE_CALLS: Column<Int64Array> = Column::new("top_callee_calls");
    /// Parties called twice or more, on one day or on several; null with missing_days.
    pub const REPEAT_CALLEES: Column<Int64Array> = Column::new("repeat_callees");
    /// Called parties who called this party later the same day, on any day; null with missing_days.
    pub const CALLED_BACK: Column<Int64Array> = Column::new("called_back");
    /// Messages sent.
    pub const SMS_SENT: Column<Int64Array> = Column::new("sms_sent");
    /// Messages received.
    pub const SMS_RECEIVED: Column<Int64Array> = Column::new("sms_received");
    /// calls_out over calls made and received; null for an off-net party.
    pub const OUT_SHARE: Column<Float64Array> = Column::new("out_share");
    /// Distinct cells over calls made; null for an off-net party, and with missing_days.
    pub const CELLS: Column<Int64Array> = Column::new("cells");
    /// Distinct handsets over calls made; null for an off-net party, and with missing_days.
    pub const IMEIS: Column<Int64Array> = Column::new("imeis");
    /// Local hours with a call made; the same hour of two days is two.
    pub const ACTIVE_HOURS: Column<Int64Array> = Column::new("active_hours");
    /// Most calls made in one local clock hour of one day.
    pub const PEAK_HOUR_CALLS: Column<Int64Array> = Column::new("peak_hour_calls");
    /// Calls whose called number differs from the previous one's by 1 to 10, midnights included; null with missing_days.
    pub const SEQUENTIAL_CALLS: Column<Int64Array> = Column::new("sequential_calls");
    /// Calls made before 08:00 or from 17:00 local.
    pub const CALLS_OUTSIDE_HOURS: Column<Int64Array> = Column::new("calls_outside_hours");
    /// Calls made to numbers in the do-not-call register for calls.
    pub const CALLS_TO_DNC: Column<Int64Array> = Column::new("calls_to_dnc");
    /// Calls to a party already called in the 24 hours before; on the window's first day those of the day before it count.
    pub const REPEAT_WITHIN_24H: Column<Int64Array> = Column::new("repeat_within_24h");
}

/// One row per number that a citizen's report accuses, and one for a report that names none, checked against the calls and messages that really were; made anew when records or reports come late.
pub mod report_check {
    use super::*;

    /// Local day of receipt.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// As in citizen_report; a report_id belongs to its channel.
    pub const CHANNEL: Column<StringArray> = Column::new("channel");
    /// The intake's id; the same rows however often the report was sent. As many as it names numbers: whoever counts reports counts ids.
    pub const REPORT_ID: Column<StringArray> = Column::new("report_id");
    /// Number that reported, E.164 digits.
    pub const REPORTER: Column<Int64Array> = Column::new("reporter");
    /// Reported number, E.164 digits, each of the sources of citizen_report; null for no_source and own_number.
    pub const SOURCE: Column<Int64Array> = Column::new("source");
    /// spam_call, spam_sms or scam_call.
    pub const KIND: Column<StringArray> = Column::new("kind");
    /// Receipt, UTC.
    pub const REPORTED_AT: Column<TimestampMicrosecondArray> = Column::new("reported_at");
    /// matched: it called or wrote unasked within match_from before or, where the report says when the call was (called_at), within called_slack_s of that, which is the time of the first number's call alone. Of the rest: false_number (all its calls came in by a trunk that the number cannot come by, as trunk_day has it: true of the call, and nobody's who has the number), former_holder (all of it was before the number was given to whom it belongs now: true, and against nobody who has it), no_source (the report names no number: hidden, a sender's or a person's name, a short code), own_number (the reporter's own, and no other), not_here_yet (records of those days are missing: asked again as they arrive), unseen (neither number is ours, so that no record says), other_direction (the reporter called or wrote first), outside_window (at another time within known_from, or after the report; or the time that it names is before known_from), no_such_call (no call, or of an S no message).
    pub const STATE: Column<StringArray> = Column::new("state");
    /// Start of the first call from the source to the reporter on the days that it is looked for, from match_from on or around called_at, UTC.
    pub const FIRST_CALL_AT: Column<TimestampMicrosecondArray> = Column::new("first_call_at");
    /// Calls from the source to the reporter on those days, whole.
    pub const CALLS: Column<Int64Array> = Column::new("calls");
    /// Answered among them.
    pub const ANSWERED: Column<Int64Array> = Column::new("answered");
    /// Messages from the source to the reporter on the same days.
    pub const MESSAGES: Column<Int64Array> = Column::new("messages");
    /// Whether this reporter had reported this number before, within seen_from, on whatever channel.
    pub const IS_REPEATED: Column<BooleanArray> = Column::new("is_repeated");
    /// Numbers that this reporter reported on earlier days within record_from, and that could be checked: every one that matched, and of a report of which none did its first.
    pub const RECORD_NUMBERS: Column<Int64Array> = Column::new("record_numbers");
    /// Matched among them.
    pub const RECORD_MATCHED: Column<Int64Array> = Column::new("record_matched");
    /// What the reporter's record makes of the word: (record_matched + record_prior) / (record_numbers + record_prior); 1 for whoever has never been wrong.
    pub const WEIGHT: Column<Float64Array> = Column::new("weight");
    /// Operator that carries the source on the day: by the ported numbers, else ours if we serve it, else the holder of its range; null for foreign and unallocated numbers.
    pub const CARRIER: Column<StringArray> = Column::new("carrier");
    /// Operator that the report has to go to, once, however many of its numbers are that operator's; null when the source is ours or nobody is known.
    pub const ROUTE_TO: Column<StringArray> = Column::new("route_to");
    /// Where the number stands among those that the report names, from 0; null in rows of before the column, which are of the first.
    pub const PLACE: Column<Int64Array> = Column::new("place");
}

/// One row per reported number and local day: who reported it, whose word counts, and whether a brigade speaks.
pub mod report_day {
    use super::*;

    /// Local day of receipt.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Reported number, E.164 digits.
    pub const SOURCE: Column<Int64Array> = Column::new("source");
    /// Reports of people who had not reported this number on an earlier day within seen_from; each report once, and once for every number that it names: no sum over numbers.
    pub const REPORTS: Column<Int64Array> = Column::new("reports");
    /// Distinct people who reported it and had not on an earlier day within seen_from: a sum over days counts each once.
    pub const REPORTERS: Column<Int64Array> = Column::new("reporters");
    /// Distinct people whose word counts: it had called or written to them, their record bears it, they are no part of a brigade as far as that day knows, and they were not matched about it on an earlier day within seen_from.
    pub const MATCHED_REPORTERS: Column<Int64Array> = Column::new("matched_reporters");
    /// Distinct people, not matched, who called or wrote to it themselves.
    pub const REVERSED_REPORTERS: Column<Int64Array> = Column::new("reversed_reporters");
    /// Those of matched_reporters who reported a scam call (LD), or told of somebody who pretends to be an authority, a firm or a relative (pretending_forms), by whatever word.
    pub const SCAM_REPORTERS: Column<Int64Array> = Column::new("scam_reporters");
    /// Distinct people of reporters whose reports were checked and match nothing, those reversed included; null in rows of before the column.
    pub const UNMATCHED_REPORTERS: Column<Int64Array> = Column::new("unmatched_reporters");
    /// Distinct people of reporters whose records are not here yet; null in rows of before the column.
    pub const PENDING_REPORTERS: Column<Int64Array> = Column::new("pending_reporters");
    /// Distinct people who were matched and do not count, for their record or as part of a brigade; null in rows of before the column.
    pub const DOUBTED_REPORTERS: Column<Int64Array> = Column::new("doubted_reporters");
    /// Why the reports say little: burst (many people within burst_from, and most of them without a contact: arranged, or somebody shows the number falsely), together (people who always report the same numbers), or burst+together; null when nothing is odd, and in rows of before the column.
    pub const BRIGADE: Column<StringArray> = Column::new("brigade");
    /// Where a brigade was matched about the number within seen_from, as far as it is known today: the people matched within seen_from whose word still counts, in place of the sum of matched_reporters over those days. Such a number has a row each day, reported or not; null for any other, and in rows of before the column.
    pub const REMAINING_REPORTERS: Column<Int64Array> = Column::new("remaining_reporters");
    /// Those of remaining_reporters who told of a scam, as scam_reporters has it; null like remaining_reporters.
    pub const REMAINING_SCAM_REPORTERS: Column<Int64Array> = Column::new("remaining_scam_reporters");
}

/// One row per number and local day with at least min_calls calls made: how it rings, how evenly it dials and how evenly it talks.
pub mod dial_day {
    use super::*;

    /// Local day.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// The calling number, E.164 digits.
    pub const CALLER: Column<Int64Array> = Column::new("caller");
    /// Calls made.
    pub const CALLS: Column<Int64Array> = Column::new("calls");
    /// Unanswered calls that rang for one_ring_s at most.
    pub const ONE_RINGS: Column<Int64Array> = Column::new("one_rings");
    /// Pairs of consecutive calls whose starts lie max_beat_s apart at most, in order of (start_at, record_id).
    pub const BEATS: Column<Int64Array> = Column::new("beats");
    /// Mean seconds between these starts; null when there are none.
    pub const BEAT_MEAN_S: Column<Float64Array> = Column::new("beat_mean_s");
    /// Their standard deviation, in seconds.
    pub const BEAT_DEVIATION_S: Column<Float64Array> = Column::new("beat_deviation_s");
    /// Answered calls.
    pub const TALKS: Column<Int64Array> = Column::new("talks");
    /// Mean seconds of their conversations; null when there are none.
    pub const TALK_MEAN_S: Column<Float64Array> = Column::new("talk_mean_s");
    /// Their standard deviation, in seconds.
    pub const TALK_DEVIATION_S: Column<Float64Array> = Column::new("talk_deviation_s");
}

/// One row per called number and local day: who called it, and how many strangers did within a window of days.
pub mod callee_day {
    use super::*;

    /// Local day.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// The called number, E.164 digits.
    pub const CALLEE: Column<Int64Array> = Column::new("callee");
    /// Whether it is our subscriber.
    pub const IS_ONNET: Column<BooleanArray> = Column::new("is_onnet");
    /// Distinct numbers that called it.
    pub const CALLERS: Column<Int64Array> = Column::new("callers");
    /// Of these, numbers never in contact with it, either way, on an earlier kept day; null below min_history_days.
    pub const NEW_CALLERS: Column<Int64Array> = Column::new("new_callers");
    /// Calls by numbers, answered or not.
    pub const CALLS: Column<Int64Array> = Column::new("calls");
    /// Answered among them.
    pub const ANSWERED: Column<Int64Array> = Column::new("answered");
    /// Answered calls with duration_s below short_call_s.
    pub const SHORT_CALLS: Column<Int64Array> = Column::new("short_calls");
    /// New callers of a day, on average of the days from usual_from until the window; null when none of them was computed.
    pub const USUAL_NEW_CALLERS: Column<Float64Array> = Column::new("usual_new_callers");
    /// Numbers that called it for the first time within the window; null below min_history_days.
    pub const WINDOW_NEW_CALLERS: Column<Int64Array> = Column::new("window_new_callers");
    /// Days of the window on which some number called it for the first time; null below min_history_days.
    pub const NEW_CALLER_DAYS: Column<Int64Array> = Column::new("new_caller_days");
    /// All calls of these numbers to it within the window; null below min_history_days.
    pub const WINDOW_NEW_CALLER_CALLS: Column<Int64Array> = Column::new("window_new_caller_calls");
    /// Most of these numbers that lie in one block; null below min_history_days.
    pub const BLOCK_CALLERS: Column<Int64Array> = Column::new("block_callers");
    /// Most of these numbers that called it from one handset, as far as handsets are seen; null below min_history_days.
    pub const HANDSET_CALLERS: Column<Int64Array> = Column::new("handset_callers");
}

/// One row per handset that more than one number called from within a window of days, and local day on which it was used; on-net only.
pub mod imei_day {
    use super::*;

    /// Local day.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// The handset; cheap ones share theirs with others, which shows in many cells.
    pub const IMEI: Column<Int64Array> = Column::new("imei");
    /// Distinct numbers that called from it.
    pub const CALLERS: Column<Int64Array> = Column::new("callers");
    /// Distinct IMSIs that called from it.
    pub const IMSIS: Column<Int64Array> = Column::new("imsis");
    /// Calls made from it.
    pub const CALLS: Column<Int64Array> = Column::new("calls");
    /// Distinct numbers called.
    pub const CALLEES: Column<Int64Array> = Column::new("callees");
    /// Distinct cells called from.
    pub const CELLS: Column<Int64Array> = Column::new("cells");
    /// Distinct numbers that called from it within the window.
    pub const WINDOW_CALLERS: Column<Int64Array> = Column::new("window_callers");
    /// Distinct IMSIs within the window.
    pub const WINDOW_IMSIS: Column<Int64Array> = Column::new("window_imsis");
    /// Calls within the window.
    pub const WINDOW_CALLS: Column<Int64Array> = Column::new("window_calls");
    /// Distinct numbers called within the window.
    pub const WINDOW_CALLEES: Column<Int64Array> = Column::new("window_callees");
    /// Distinct cells called from within the window.
    pub const WINDOW_CELLS: Column<Int64Array> = Column::new("window_cells");
}

/// One row per identity and local day whose subscriptions, held or activated within a window of days, reach a legal limit; enterprises left out.
pub mod identity_day {
    use super::*;

    /// Local day.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Keyed hash (HMAC) of the identity, made by the sender.
    pub const IDENTITY_HASH: Column<StringArray> = Column::new("identity_hash");
    /// Which key the hash was made with; one person has another hash in each.
    pub const KEY_EPOCH: Column<Int32Array> = Column::new("key_epoch");
    /// Subscriptions that were active at some instant of the day.
    pub const SUBSCRIPTIONS: Column<Int64Array> = Column::new("subscriptions");
    /// Subscriptions activated within the window, those ended since included.
    pub const ACTIVATED: Column<Int64Array> = Column::new("activated");
    /// Distinct points of sale of those.
    pub const DEALERS: Column<Int64Array> = Column::new("dealers");
    /// The highest legal limit that subscriptions or activated reaches: review_sims or limit_sims.
    pub const LIMIT_REACHED: Column<Int64Array> = Column::new("limit_reached");
}

/// One row per point of sale, local clock hour and segment in which it activated a subscription.
pub mod dealer_hour {
    use super::*;

    /// Local day.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// The point of sale.
    pub const DEALER: Column<StringArray> = Column::new("dealer");
    /// Local clock hour, 0 to 23.
    pub const HOUR: Column<Int32Array> = Column::new("hour");
    /// prepaid, postpaid, enterprise, or unknown where the sender has another word.
    pub const SEGMENT: Column<StringArray> = Column::new("segment");
    /// Subscriptions activated.
    pub const ACTIVATIONS: Column<Int64Array> = Column::new("activations");
    /// Distinct identities they are registered on.
    pub const IDENTITIES: Column<Int64Array> = Column::new("identities");
    /// Most of them on one identity.
    pub const TOP_IDENTITY_ACTIVATIONS: Column<Int64Array> = Column::new("top_identity_activations");
    /// Those without an identity.
    pub const UNIDENTIFIED: Column<Int64Array> = Column::new("unidentified");
    /// Activations of this dealer and segment, or of unknown segment where those are more, in an hour with any, on average of the days from usual_from; null when there was none.
    pub const USUAL_ACTIVATIONS: Column<Float64Array> = Column::new("usual_activations");
}

/// One row per block of neighbouring numbers of which more than one called on the local day.
pub mod block_day {
    use super::*;

    /// Local day.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// The block: what its numbers' digits have in common, number / block_size.
    pub const BLOCK: Column<Int64Array> = Column::new("block");
    /// Numbers of the block that made a call.
    pub const CALLERS: Column<Int64Array> = Column::new("callers");
    /// Calls that they made.
    pub const CALLS_OUT: Column<Int64Array> = Column::new("calls_out");
    /// Distinct parties that they called.
    pub const CALLEES: Column<Int64Array> = Column::new("callees");
    /// Of these, parties called by more than one of them.
    pub const SHARED_CALLEES: Column<Int64Array> = Column::new("shared_callees");
    /// Calls to parties with whom the caller was never in contact on an earlier kept day; null below min_history_days.
    pub const NEW_CALLEE_CALLS: Column<Int64Array> = Column::new("new_callee_calls");
    /// Numbers of the block activated within the window of days.
    pub const ACTIVATED: Column<Int64Array> = Column::new("activated");
}

/// One row per trunk and local day with a call that came in by it; it tells of the trunk, never of the subscriber whose number was shown.
pub mod trunk_day {
    use super::*;

    /// Local day.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Trunk group as records name it.
    pub const TRUNK: Column<StringArray> = Column::new("trunk");
    /// national, international or voip; null when the trunk is not in the reference table.
    pub const KIND: Column<StringArray> = Column::new("kind");
    /// The operator at the other end; null as kind.
    pub const PEER: Column<StringArray> = Column::new("peer");
    /// Calls that came in.
    pub const CALLS: Column<Int64Array> = Column::new("calls");
    /// Distinct numbers called.
    pub const CALLEES: Column<Int64Array> = Column::new("callees");
    /// Distinct callers shown, numbers or not; anonymous calls show none.
    pub const SHOWN_NUMBERS: Column<Int64Array> = Column::new("shown_numbers");
    /// Calls that show no caller.
    pub const ANONYMOUS_CALLS: Column<Int64Array> = Column::new("anonymous_calls");
    /// Calls that show one of our numbers (is_spoof_suspect); from abroad it may be a subscriber who travels.
    pub const OWN_NUMBER_CALLS: Column<Int64Array> = Column::new("own_number_calls");
    /// Calls that show a Vietnamese fixed line.
    pub const FIXED_NUMBER_CALLS: Column<Int64Array> = Column::new("fixed_number_calls");
    /// Calls that show an agency: a number or short code of special_number, or 069 (police and army).
    pub const SPECIAL_NUMBER_CALLS: Column<Int64Array> = Column::new("special_number_calls");
    /// Calls that show a number nobody holds, one of our ranges that nobody of ours has, or digits that are no number.
    pub const UNALLOCATED_CALLS: Column<Int64Array> = Column::new("unallocated_calls");
    /// Calls that show what cannot come by this kind of trunk: by an international or voip one a fixed, special or unallocated number or one of ours in use at home, by a voip one any of ours.
    pub const FALSE_NUMBER_CALLS: Column<Int64Array> = Column::new("false_number_calls");
    /// Distinct callers that these show.
    pub const FALSE_NUMBERS: Column<Int64Array> = Column::new("false_numbers");
}

/// One row per number flagged on the day before that shares called parties with other such numbers.
pub mod campaign_day {
    use super::*;

    /// Local day.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// The flagged number.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// Activation of its subscription, UTC; null when not ours.
    pub const ACTIVATED_AT: Column<TimestampMicrosecondArray> = Column::new("activated_at");
    /// Names the campaign: the smallest number within three links of this one.
    pub const CAMPAIGN: Column<Int64Array> = Column::new("campaign");
    /// Numbers of the campaign.
    pub const MEMBERS: Column<Int64Array> = Column::new("members");
    /// Numbers that this one shares min_shared called parties with, and min_share of the fewer ones of the two.
    pub const LINKS: Column<Int64Array> = Column::new("links");
    /// Distinct numbers that it called within the window.
    pub const CALLEES: Column<Int64Array> = Column::new("callees");
    /// Of these, numbers that a linked one called as well.
    pub const SHARED_CALLEES: Column<Int64Array> = Column::new("shared_callees");
    /// shared_callees over callees.
    pub const SHARED_CALLEE_SHARE: Column<Float64Array> = Column::new("shared_callee_share");
}

/// One row per subscriber and kind of advertising that the texts DK DNC refuse, as known at the end of a day; a text counts from the day after, and until the number changes hands. What was loaded as do_not_call stands there.
pub mod ad_refusal {
    use super::*;

    /// Local day.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Who refuses, E.164 digits.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// call or sms.
    pub const SCOPE: Column<StringArray> = Column::new("scope");
    /// First day on which it holds: the one after DK DNC.
    pub const VALID_FROM: Column<Date32Array> = Column::new("valid_from");
    /// First day on which it no longer holds: the one after HUY DNC; null while it stands.
    pub const VALID_UNTIL: Column<Date32Array> = Column::new("valid_until");
}

/// One row per thing that reports of a week name (a domain, a bank account, a number, an account of a network) and number that they accuse.
pub mod report_entity {
    use super::*;

    /// Monday of the week.
    pub const WEEK: Column<Date32Array> = Column::new("week");
    /// domain, account, number, zalo, facebook, telegram or sender (a name or short code that is reported).
    pub const KIND: Column<StringArray> = Column::new("kind");
    /// The registrable domain, the digits of the account or number, or the name in the network.
    pub const VALUE: Column<StringArray> = Column::new("value");
    /// The accused number, each of a report that lists several, E.164 digits; null when the reports accuse none.
    pub const SOURCE: Column<Int64Array> = Column::new("source");
    /// Reports that name it and accuse this number; no sum over numbers, since one that lists several is in the row of each.
    pub const SOURCE_REPORTS: Column<Int64Array> = Column::new("source_reports");
    /// People who sent these.
    pub const SOURCE_REPORTERS: Column<Int64Array> = Column::new("source_reporters");
    /// Reports that name it.
    pub const REPORTS: Column<Int64Array> = Column::new("reports");
    /// People who sent them.
    pub const REPORTERS: Column<Int64Array> = Column::new("reporters");
    /// Accused numbers that share it: a campaign when there are several, a platform when there are very many.
    pub const SOURCES: Column<Int64Array> = Column::new("sources");
    /// First report of the week that names it, UTC.
    pub const FIRST_AT: Column<TimestampMicrosecondArray> = Column::new("first_at");
    /// Last one, UTC.
    pub const LAST_AT: Column<TimestampMicrosecondArray> = Column::new("last_at");
    /// The reports of source_reports, CHANNEL/ID each, parted by |; null in rows of before the column.
    pub const REPORT_IDS: Column<StringArray> = Column::new("report_ids");
}

/// One row per sender that citizens report by its name or short code, and local day: how many did, and whom of them our records show it to have reached.
pub mod sender_day {
    use super::*;

    /// Local day of receipt.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// The name or short code that is reported, letters and digits alone, upper case: senders and citizens space them differently.
    pub const SENDER: Column<StringArray> = Column::new("sender");
    /// Reports that accuse it, each once.
    pub const REPORTS: Column<Int64Array> = Column::new("reports");
    /// People who sent them.
    pub const REPORTERS: Column<Int64Array> = Column::new("reporters");
    /// Those of reporters to whom a message or call under that name came since match_from.
    pub const REACHED_REPORTERS: Column<Int64Array> = Column::new("reached_reporters");
    /// Those whom we serve and to whom none came: the name was shown past our message centres, as from a false base station, or is spelled otherwise. Null while a day since match_from has no messages under any name.
    pub const UNREACHED_REPORTERS: Column<Int64Array> = Column::new("unreached_reporters");
}

/// One row per form of fraud, province and channel: the reports of a week, against the week before. Small counts are in clear here, and hidden on export.
pub mod scam_trend_week {
    use super::*;

    /// Monday of the week.
    pub const WEEK: Column<Date32Array> = Column::new("week");
    /// Form of fraud, a name of pipelines/scam_form.toml; none when the reports tell none.
    pub const FORM: Column<StringArray> = Column::new("form");
    /// Province of the citizens, by its name since July 2025; unknown when nobody said, as no text to 156 does.
    pub const PROVINCE: Column<StringArray> = Column::new("province");
    /// As in citizen_report.
    pub const CHANNEL: Column<StringArray> = Column::new("channel");
    /// Reports of the week, each once; 0 when all are of the week before.
    pub const REPORTS: Column<Int64Array> = Column::new("reports");
    /// People who sent them; whoever sent several counts in several rows.
    pub const REPORTERS: Column<Int64Array> = Column::new("reporters");
    /// Reports among them of whose numbers one had really called or written; each once.
    pub const MATCHED: Column<Int64Array> = Column::new("matched");
    /// Reports of the week before.
    pub const REPORTS_BEFORE: Column<Int64Array> = Column::new("reports_before");
    /// People who sent those.
    pub const REPORTERS_BEFORE: Column<Int64Array> = Column::new("reporters_before");
    /// Matched among those.
    pub const MATCHED_BEFORE: Column<Int64Array> = Column::new("matched_before");
}

/// One row per call of an advertiser that breaks a rule of Nghi dinh 91/2020 for advertising calls, and rule; the call proves it.
pub mod ad_breach {
    use super::*;

    /// Local day of the call.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// The call: record_id of call_event.
    pub const RECORD_ID: Column<StringArray> = Column::new("record_id");
    /// do_not_call, outside_hours or repeated.
    pub const KIND: Column<StringArray> = Column::new("kind");
    /// The advertising number.
    pub const CALLER: Column<Int64Array> = Column::new("caller");
    /// Who advertises: the registered brand or the confirmed advertiser.
    pub const NAME: Column<StringArray> = Column::new("name");
    /// Which register says so: brandname or advertiser.
    pub const KNOWN_BY: Column<StringArray> = Column::new("known_by");
    /// The called number.
    pub const CALLEE: Column<Int64Array> = Column::new("callee");
    /// Start of the call, UTC.
    pub const START_AT: Column<TimestampMicrosecondArray> = Column::new("start_at");
    /// Whether it was answered.
    pub const IS_ANSWERED: Column<BooleanArray> = Column::new("is_answered");
    /// Start of the call that it repeats; null for other kinds.
    pub const PREVIOUS_AT: Column<TimestampMicrosecondArray> = Column::new("previous_at");
    /// Since when the called number is in the do-not-call register; null for other kinds.
    pub const LISTED_FROM: Column<Date32Array> = Column::new("listed_from");
}

/// One row per message of an advertiser that breaks a rule of Nghi dinh 91/2020 for advertising messages, and rule; the record proves it.
pub mod sms_breach {
    use super::*;

    /// Local day of the message.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// The message: record_id of sms_event.
    pub const RECORD_ID: Column<StringArray> = Column::new("record_id");
    /// do_not_call, outside_hours or repeated.
    pub const KIND: Column<StringArray> = Column::new("kind");
    /// The advertising number; null when the message came under a sender's name.
    pub const CALLER: Column<Int64Array> = Column::new("caller");
    /// Who advertises: the confirmed advertiser, or the sender's name.
    pub const NAME: Column<StringArray> = Column::new("name");
    /// The number that was written to.
    pub const CALLEE: Column<Int64Array> = Column::new("callee");
    /// Submission of the message, UTC.
    pub const START_AT: Column<TimestampMicrosecondArray> = Column::new("start_at");
    /// Submission of the message by which the allowed ones of 24 hours began; null for other kinds.
    pub const PREVIOUS_AT: Column<TimestampMicrosecondArray> = Column::new("previous_at");
    /// Since when the number that was written to refuses advertising messages; null for other kinds.
    pub const LISTED_FROM: Column<Date32Array> = Column::new("listed_from");
}

/// One spam score per judged number and day, with every value and point that made it.
pub mod spam_score {
    use super::*;

    /// Local day; the window ends with it.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// The judged number, E.164 digits.
    pub const CALLER: Column<Int64Array> = Column::new("caller");
    /// Activation of the subscription judged, UTC; null when the number is not ours.
    pub const ACTIVATED_AT: Column<TimestampMicrosecondArray> = Column::new("activated_at");
    /// Scorecard used.
    pub const CARD: Column<StringArray> = Column::new("card");
    /// Whether the number is our subscriber.
    pub const IS_ONNET: Column<BooleanArray> = Column::new("is_onnet");
    /// Days of the window with a call made.
    pub const ACTIVE_DAYS: Column<Int64Array> = Column::new("active_days");
    /// Calls made in the window.
    pub const CALLS_OUT: Column<Int64Array> = Column::new("calls_out");
    /// Criterion 1, frequency: calls made per active day.
    pub const CALLS_PER_ACTIVE_DAY: Column<Float64Array> = Column::new("calls_per_active_day");
    /// Criterion 2, behaviour: calls made over made and received.
    pub const OUT_SHARE: Column<Float64Array> = Column::new("out_share");
    /// Criterion 3: short calls over calls made.
    pub const SHORT_CALL_SHARE_ALL: Column<Float64Array> = Column::new("short_call_share_all");
    /// Criterion 4: short gaps over gaps.
    pub const SHORT_GAP_SHARE: Column<Float64Array> = Column::new("short_gap_share");
    /// Criterion 5: calls to parties never in contact before over calls made.
    pub const NEW_CALLEE_CALL_SHARE: Column<Float64Array> = Column::new("new_callee_call_share");
    /// Calls made per distinct called party of the window.
    pub const CALLS_PER_CALLEE: Column<Float64Array> = Column::new("calls_per_callee");
    /// Share of the most called party in the calls made.
    pub const TOP_CALLEE_SHARE: Column<Float64Array> = Column::new("top_callee_share");
    /// Called parties who called back the same day over called parties, summed by day.
    pub const CALLED_BACK_SHARE: Column<Float64Array> = Column::new("called_back_share");
    /// Distinct cells of a day over calls made, both summed by day; null when the number is not ours.
    pub const CELLS_PER_CALL: Column<Float64Array> = Column::new("cells_per_call");
    /// Most calls within any ten minutes.
    pub const PEAK_CALLS_600S: Column<Int64Array> = Column::new("peak_calls_600s");
    /// Share of calls whose called number differs from the one before by 1 to 10.
    pub const SEQUENTIAL_CALL_SHARE: Column<Float64Array> = Column::new("sequential_call_share");
    /// Answered calls over calls made.
    pub const ANSWERED_SHARE: Column<Float64Array> = Column::new("answered_share");
    /// Most distinct handsets on one day of the window.
    pub const IMEIS: Column<Int64Array> = Column::new("imeis");
    /// Messages sent in the window.
    pub const SMS_SENT: Column<Int64Array> = Column::new("sms_sent");
    /// What the card gives for criterion 1, frequency.
    pub const FREQUENCY_POINTS: Column<Int64Array> = Column::new("frequency_points");
    /// What the card gives for criterion 2, behaviour.
    pub const BEHAVIOUR_POINTS: Column<Int64Array> = Column::new("behaviour_points");
    /// What the card gives for criterion 3, short calls.
    pub const SHORT_CALL_POINTS: Column<Int64Array> = Column::new("short_call_points");
    /// What the card gives for criterion 4, short gaps.
    pub const SHORT_GAP_POINTS: Column<Int64Array> = Column::new("short_gap_points");
    /// What the card gives for criterion 5, strangers called.
    pub const STRANGER_POINTS: Column<Int64Array> = Column::new("stranger_points");
    /// What the card gives outside the five criteria, its base included.
    pub const SUPPORT_POINTS: Column<Int64Array> = Column::new("support_points");
    /// How many of the five criteria scored above zero.
    pub const CRITERIA_MET: Column<Int64Array> = Column::new("criteria_met");
    /// All points together with the card's base.
    pub const POINTS: Column<Int64Array> = Column::new("points");
    /// What the points mean as a probability: by the calibration of a trained card, 1 / (1 + exp(-points / points_per_logit)) of one written by hand.
    pub const SCORE: Column<Float64Array> = Column::new("score");
}

/// One row per group of numbers that passes a threshold on a local day, and one for each number in it.
pub mod detection_group {
    use super::*;

    /// Local day.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// debt_harassment, sim_box or bulk_registration.
    pub const TYPE: Column<StringArray> = Column::new("type");
    /// callee, imei, identity, dealer_hour, dealer_day or block.
    pub const GROUP_KIND: Column<StringArray> = Column::new("group_kind");
    /// The group: the called number, the handset, the identity with its key, the point of sale with hour and segment, or the block.
    pub const GROUP_KEY: Column<StringArray> = Column::new("group_key");
    /// A number in the group; null for the group itself.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// What was measured of the group.
    pub const MEASURE: Column<Float64Array> = Column::new("measure");
    /// What it has reached.
    pub const THRESHOLD: Column<Float64Array> = Column::new("threshold");
    /// The figures in a sentence, without any number in clear.
    pub const REASON: Column<StringArray> = Column::new("reason");
}

/// One row per local day, type, number or trunk, and group: what was found, and by which measure; it is never about a protected number.
pub mod detection_day {
    use super::*;

    /// Local day.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// telemarketing, robocall, one_ring, impersonation, debt_harassment, sim_box, spoofed_number or bulk_registration.
    pub const TYPE: Column<StringArray> = Column::new("type");
    /// The number that it is about; null where it is about a trunk or a whole group.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// The trunk that it is about; null for all types but spoofed_number.
    pub const TRUNK: Column<StringArray> = Column::new("trunk");
    /// What the number belongs to: callee, imei, identity, dealer_hour, dealer_day, block or campaign; null when to nothing.
    pub const GROUP_KIND: Column<StringArray> = Column::new("group_kind");
    /// Which of them, as in detection_group; for a campaign, the number that names it.
    pub const GROUP_KEY: Column<StringArray> = Column::new("group_key");
    /// What was measured.
    pub const MEASURE: Column<Float64Array> = Column::new("measure");
    /// What it has reached.
    pub const THRESHOLD: Column<Float64Array> = Column::new("threshold");
    /// The figures in a sentence, without any number in clear.
    pub const REASON: Column<StringArray> = Column::new("reason");
    /// The measure over its threshold; null in rows of before the column.
    pub const EXCESS: Column<Float64Array> = Column::new("excess");
    /// Types that the number was found at on the day; 1 for a trunk; null in rows of before the column.
    pub const TYPES: Column<Int64Array> = Column::new("types");
    /// 1 when it works through one list with other flagged numbers, else 0; null in rows of before the column.
    pub const CAMPAIGN: Column<Int64Array> = Column::new("campaign");
    /// What the card of its type gives; null in rows of before the column.
    pub const POINTS: Column<Int64Array> = Column::new("points");
    /// 1 / (1 + exp(-points / points_per_logit)); not calibrated; null in rows of before the column.
    pub const PROBABILITY: Column<Float64Array> = Column::new("probability");
}

/// Whom to ask whether a call was spam: called people of numbers under suspicion, few per citizen.
pub mod survey_request {
    use super::*;

    /// Local day of the request.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Id that the answer carries.
    pub const REQUEST_ID: Column<StringArray> = Column::new("request_id");
    /// Number asked about.
    pub const SUBJECT: Column<Int64Array> = Column::new("subject");
    /// Activation of the subject's subscription, UTC; null when not ours.
    pub const ACTIVATED_AT: Column<TimestampMicrosecondArray> = Column::new("activated_at");
    /// Our subscriber who was called and is asked.
    pub const RESPONDENT: Column<Int64Array> = Column::new("respondent");
    /// Start of the answered call asked about, UTC.
    pub const CALLED_AT: Column<TimestampMicrosecondArray> = Column::new("called_at");
}

/// Every number with evidence against it on a day: the evidence by origin, and the verdict it would bear.
pub mod block_candidate {
    use super::*;

    /// Local day.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// The number.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// Activation of its subscription, UTC; null when not ours.
    pub const ACTIVATED_AT: Column<TimestampMicrosecondArray> = Column::new("activated_at");
    /// Whether it is our subscriber.
    pub const IS_ONNET: Column<BooleanArray> = Column::new("is_onnet");
    /// prepaid, postpaid, enterprise, offnet, or unknown where the operator has another word; budgets are per segment.
    pub const SEGMENT: Column<StringArray> = Column::new("segment");
    /// Highest spam_score within evidence_days; null when not judged.
    pub const SCORE: Column<Float64Array> = Column::new("score");
    /// How many of the five criteria scored.
    pub const CRITERIA_MET: Column<Int64Array> = Column::new("criteria_met");
    /// Matched reporters within evidence_days.
    pub const MATCHED_REPORTERS: Column<Int64Array> = Column::new("matched_reporters");
    /// Asked people who said it was spam, within evidence_days.
    pub const SURVEY_YES: Column<Int64Array> = Column::new("survey_yes");
    /// Asked people who said it was not.
    pub const SURVEY_NO: Column<Int64Array> = Column::new("survey_no");
    /// Origin 1, call records: the score is at or above evidence_score, or a detection says how it calls; telemarketing and robocall count from watch_score on alone.
    pub const IS_BEHAVIOUR_EVIDENCE: Column<BooleanArray> = Column::new("is_behaviour_evidence");
    /// Origin 2, people: enough survey answers or matched reporters.
    pub const IS_PEOPLE_EVIDENCE: Column<BooleanArray> = Column::new("is_people_evidence");
    /// Independent origins of evidence.
    pub const ORIGINS: Column<Int64Array> = Column::new("origins");
    /// Whether the allow-list holds it on this day.
    pub const IS_ALLOW_LISTED: Column<BooleanArray> = Column::new("is_allow_listed");
    /// Whether it is a special number or a registered brand's.
    pub const IS_SPECIAL: Column<BooleanArray> = Column::new("is_special");
    /// Whether the number is still in this activation; the next owner starts clean.
    pub const IS_CURRENT: Column<BooleanArray> = Column::new("is_current");
    /// clear, watched, survey, limited or blocked: what the evidence alone would bear.
    pub const PROPOSED: Column<StringArray> = Column::new("proposed");
    /// Origin 3, papers and devices: found as bulk_registration or sim_box; null in rows of before the column.
    pub const IS_REGISTRATION_EVIDENCE: Column<BooleanArray> = Column::new("is_registration_evidence");
    /// Types of detection_day that name it within evidence_days, joined by +; null when none does.
    pub const DETECTIONS: Column<StringArray> = Column::new("detections");
    /// Most points that the card of any of these types gives; null when there is none, and in rows of before the column.
    pub const DETECTION_POINTS: Column<Int64Array> = Column::new("detection_points");
    /// Whether as many asked people as bear a bar, and most of all that were heard, say that it was no spam: ends a bar that the rest does not bear; null in rows of before the column.
    pub const IS_DENIED: Column<BooleanArray> = Column::new("is_denied");
    /// Why the operator itself had locked the line when the day ended, as subscriber has it: no bar begins or grows on it; null when it was open, is not ours, or in rows of before the column.
    pub const LOCK_REASON: Column<StringArray> = Column::new("lock_reason");
    /// Whether a sim_box with points enough is among what it was found at: its papers are not all that is known; null in rows of before the column.
    pub const IS_BOX: Column<BooleanArray> = Column::new("is_box");
}

/// One row per subscription whose verdict on a day is not clear, or has just become so; the one table of verdicts that exports read.
pub mod decision {
    use super::*;

    /// Local day.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Id of the case: stable from the first verdict to the release.
    pub const CASE_ID: Column<StringArray> = Column::new("case_id");
    /// The number.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// Activation of its subscription, UTC; null when not ours.
    pub const ACTIVATED_AT: Column<TimestampMicrosecondArray> = Column::new("activated_at");
    /// Whether it is our subscriber.
    pub const IS_ONNET: Column<BooleanArray> = Column::new("is_onnet");
    /// prepaid, postpaid, enterprise, offnet, or unknown where the operator has another word.
    pub const SEGMENT: Column<StringArray> = Column::new("segment");
    /// clear, watched, survey, limited, blocked or released.
    pub const VERDICT: Column<StringArray> = Column::new("verdict");
    /// Verdict of the day before.
    pub const PREVIOUS: Column<StringArray> = Column::new("previous");
    /// Why this verdict: evidence, no_new_evidence, not_confirmed (an earlier run of the day flagged it), expired, denied (most people who were asked say that it was no spam), allow_listed, special_number, subscription_ended, budget_spent, no_budget (its segment has none on any day), staged, stopped, one_origin, carrier_locked (the operator itself has locked the line), input_open, appeal_open, review_pending, dismissed, overturned or released.
    pub const CAUSE: Column<StringArray> = Column::new("cause");
    /// Day since which this verdict holds.
    pub const SINCE_DAY: Column<Date32Array> = Column::new("since_day");
    /// Day on which it lapses unless renewed.
    pub const UNTIL_DAY: Column<Date32Array> = Column::new("until_day");
    /// First day of survey or stronger in this case; null when never.
    pub const FLAGGED_DAY: Column<Date32Array> = Column::new("flagged_day");
    /// Spam score of the day; of a flag of which nothing is left, the score by which it was set.
    pub const SCORE: Column<Float64Array> = Column::new("score");
    /// Independent origins of evidence.
    pub const ORIGINS: Column<Int64Array> = Column::new("origins");
    /// Matched reporters within the evidence window.
    pub const MATCHED_REPORTERS: Column<Int64Array> = Column::new("matched_reporters");
    /// Asked people who said it was spam.
    pub const SURVEY_YES: Column<Int64Array> = Column::new("survey_yes");
    /// Asked people who said it was not.
    pub const SURVEY_NO: Column<Int64Array> = Column::new("survey_no");
    /// Hash of the rules that decided, with which the hash of their promotion begins; in rows of before promotions, of decision.toml alone.
    pub const RULES: Column<StringArray> = Column::new("rules");
    /// Whether papers or devices are among the origins; null in rows of before the column.
    pub const IS_REGISTRATION_EVIDENCE: Column<BooleanArray> = Column::new("is_registration_evidence");
    /// What it was found at within the evidence window, by type, joined by +; null when at nothing.
    pub const DETECTIONS: Column<StringArray> = Column::new("detections");
    /// When the flag of flagged_day was first seen: the start of the run that set it, UTC; null when never, and of flags of before the column.
    pub const FLAGGED_AT: Column<TimestampMicrosecondArray> = Column::new("flagged_at");
    /// Why the operator itself had locked the line when the day ended, as subscriber has it; null when it was open, and in rows of before the column.
    pub const LOCK_REASON: Column<StringArray> = Column::new("lock_reason");
}

/// One row per subscription and ISO week in which people said what it is: the label, and the values of its last score from before a flag or anybody's word could change it.
pub mod training_row {
    use super::*;

    /// Monday of the ISO week.
    pub const WEEK: Column<Date32Array> = Column::new("week");
    /// The number, E.164 digits.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// Activation of its subscription, UTC; null when not ours.
    pub const ACTIVATED_AT: Column<TimestampMicrosecondArray> = Column::new("activated_at");
    /// 1 for spam, 0 for none.
    pub const LABEL: Column<Int64Array> = Column::new("label");
    /// Who says so: review, survey or report.
    pub const LABEL_SOURCE: Column<StringArray> = Column::new("label_source");
    /// What the label weighs, by who says so.
    pub const WEIGHT: Column<Float64Array> = Column::new("weight");
    /// When the last word behind the label was said, UTC; for reports, a moment of their last day.
    pub const SETTLED_AT: Column<TimestampMicrosecondArray> = Column::new("settled_at");
    /// Last day that the values may be of: that of the flag, of the first question or of the first counted report, or the day before the first review, whichever is first.
    pub const EVIDENCE_DAY: Column<Date32Array> = Column::new("evidence_day");
    /// Day of the score that the values are of; null when it was not judged by then.
    pub const SCORE_DAY: Column<Date32Array> = Column::new("score_day");
    /// Key epoch and keyed hash of who holds it.
    pub const IDENTITY: Column<StringArray> = Column::new("identity");
    /// Handsets that it called from, joined by +.
    pub const HANDSETS: Column<StringArray> = Column::new("handsets");
    /// As in spam_score; null as all values are when there is no score.
    pub const CALLS_PER_ACTIVE_DAY: Column<Float64Array> = Column::new("calls_per_active_day");
    /// As in spam_score.
    pub const PEAK_CALLS_600S: Column<Int64Array> = Column::new("peak_calls_600s");
    /// As in spam_score.
    pub const OUT_SHARE: Column<Float64Array> = Column::new("out_share");
    /// As in spam_score.
    pub const CALLED_BACK_SHARE: Column<Float64Array> = Column::new("called_back_share");
    /// As in spam_score.
    pub const CELLS_PER_CALL: Column<Float64Array> = Column::new("cells_per_call");
    /// As in spam_score.
    pub const SHORT_CALL_SHARE_ALL: Column<Float64Array> = Column::new("short_call_share_all");
    /// As in spam_score.
    pub const SHORT_GAP_SHARE: Column<Float64Array> = Column::new("short_gap_share");
    /// As in spam_score.
    pub const NEW_CALLEE_CALL_SHARE: Column<Float64Array> = Column::new("new_callee_call_share");
    /// As in spam_score.
    pub const CALLS_PER_CALLEE: Column<Float64Array> = Column::new("calls_per_callee");
    /// As in spam_score.
    pub const TOP_CALLEE_SHARE: Column<Float64Array> = Column::new("top_callee_share");
    /// As in spam_score.
    pub const SEQUENTIAL_CALL_SHARE: Column<Float64Array> = Column::new("sequential_call_share");
    /// As in spam_score.
    pub const ANSWERED_SHARE: Column<Float64Array> = Column::new("answered_share");
    /// As in spam_score.
    pub const IMEIS: Column<Int64Array> = Column::new("imeis");
    /// Whether it was scored as our subscriber; null when there is no score.
    pub const IS_ONNET: Column<BooleanArray> = Column::new("is_onnet");
}

/// One row per subscription that was flagged in an ISO week, or watched and never flagged, with its band and its place in the draw of those to be reviewed.
pub mod review_sample {
    use super::*;

    /// Monday of the ISO week.
    pub const WEEK: Column<Date32Array> = Column::new("week");
    /// The number, E.164 digits.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// Activation of its subscription, UTC; null when not ours.
    pub const ACTIVATED_AT: Column<TimestampMicrosecondArray> = Column::new("activated_at");
    /// prepaid, postpaid, enterprise, offnet, or unknown where the operator has another word.
    pub const SEGMENT: Column<StringArray> = Column::new("segment");
    /// Hash of the rules that decided last in the week.
    pub const RULES: Column<StringArray> = Column::new("rules");
    /// Last day of the week on which it was under a verdict: the one to review.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Whether it was flagged in the week, for the first time in its case; else it belongs to the control, below the line.
    pub const IS_FLAGGED: Column<BooleanArray> = Column::new("is_flagged");
    /// Highest score of the week; null when it was flagged without one.
    pub const SCORE: Column<Float64Array> = Column::new("score");
    /// top, high, low or unscored by the score of a flagged one; control below the line.
    pub const BAND: Column<StringArray> = Column::new("band");
    /// Place in the draw of its band, from 1; each order is as likely as any other.
    pub const PLACE: Column<Int64Array> = Column::new("place");
    /// Whether it is to be reviewed.
    pub const IS_SAMPLED: Column<BooleanArray> = Column::new("is_sampled");
}

/// How many of those that a rule flagged in an ISO week reviewers found to be spam: per rules, segment and band, and over all bands.
pub mod rule_precision {
    use super::*;

    /// Monday of the ISO week.
    pub const WEEK: Column<Date32Array> = Column::new("week");
    /// Hash of the rules that decided.
    pub const RULES: Column<StringArray> = Column::new("rules");
    /// prepaid, postpaid, enterprise, offnet, unknown, or all.
    pub const SEGMENT: Column<StringArray> = Column::new("segment");
    /// top, high, low, unscored or control; flagged is all of them but the control, weighted by their numbers.
    pub const BAND: Column<StringArray> = Column::new("band");
    /// Subscriptions.
    pub const NUMBERS: Column<Int64Array> = Column::new("numbers");
    /// Those among them drawn for review.
    pub const SAMPLED: Column<Int64Array> = Column::new("sampled");
    /// Those among the drawn that were reviewed.
    pub const REVIEWED: Column<Int64Array> = Column::new("reviewed");
    /// Those among the reviewed that were confirmed.
    pub const CONFIRMED: Column<Int64Array> = Column::new("confirmed");
    /// Confirmed among reviewed; of flagged, the mean of the bands weighted by their numbers. Null while a band has no review.
    pub const SHARE: Column<Float64Array> = Column::new("share");
    /// Lower end of the 95 % interval: Wilson's; of flagged, its bands' put together.
    pub const LOW: Column<Float64Array> = Column::new("low");
    /// Upper end of it.
    pub const HIGH: Column<Float64Array> = Column::new("high");
}

/// What the network is asked to do on a day: one row per number under a bar, or whose bar has just ended.
pub mod blocklist_day {
    use super::*;

    /// Local day of the list.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// The number, E.164 digits.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// bar_outgoing, bar_both, bar_incoming_from (off-net), or unblock.
    pub const ACTION: Column<StringArray> = Column::new("action");
    /// Evidence that bears it: behaviour, then +survey, +report and +registration where there is such; of an unblock, the cause that ended the bar.
    pub const REASON: Column<StringArray> = Column::new("reason");
    /// Day since which it holds.
    pub const FROM_DAY: Column<Date32Array> = Column::new("from_day");
    /// Day on which it lapses.
    pub const UNTIL_DAY: Column<Date32Array> = Column::new("until_day");
    /// Case to quote in an appeal.
    pub const CASE_ID: Column<StringArray> = Column::new("case_id");
    /// What it was found at, by type, joined by +; null when only the score and people speak against it.
    pub const DETECTIONS: Column<StringArray> = Column::new("detections");
}

/// What was published to the network: of each publication one row `list`, and one for each number that it changed.
pub mod blocklist_export {
    use super::*;

    /// Local day of the list.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Counts the publications, from 1 without a gap.
    pub const SEQUENCE: Column<Int64Array> = Column::new("sequence");
    /// list (the publication itself), added, changed or removed.
    pub const CHANGE: Column<StringArray> = Column::new("change");
    /// The number, E.164 digits; null in a row `list`.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// bar_outgoing, bar_both, bar_incoming_from or unblock; null in a row `list`.
    pub const ACTION: Column<StringArray> = Column::new("action");
    /// As in `blocklist_day`, or not_listed where a bar was gone without a word, or protected or lapsed where the exporter found that; null in a row `list`.
    pub const REASON: Column<StringArray> = Column::new("reason");
    /// Day since which it holds; null in a row `list`.
    pub const FROM_DAY: Column<Date32Array> = Column::new("from_day");
    /// Day on which it lapses; null in a row `list`.
    pub const UNTIL_DAY: Column<Date32Array> = Column::new("until_day");
    /// Case to quote in an appeal; null in a row `list`.
    pub const CASE_ID: Column<StringArray> = Column::new("case_id");
    /// What it was found at, by type, joined by +; null where nothing is said.
    pub const DETECTIONS: Column<StringArray> = Column::new("detections");
    /// Numbers under a bar after the publication; only in a row `list`.
    pub const BARS: Column<Int64Array> = Column::new("bars");
    /// SHA-256 of the bars after the publication, hex; only in a row `list`.
    pub const LIST_SHA256: Column<StringArray> = Column::new("list_sha256");
    /// The same of the publication before; null in the first and outside a row `list`.
    pub const SUPERSEDES_SHA256: Column<StringArray> = Column::new("supersedes_sha256");
    /// When it was published, UTC.
    pub const PUBLISHED_AT: Column<TimestampMicrosecondArray> = Column::new("published_at");
}

/// What the network was asked and what it says it did, as known at the end of a day: one row per number that is barred, was to be, or has just been released.
pub mod receipt_day {
    use super::*;

    /// Local day.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// The number, E.164 digits.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// What was asked of it last; null when nothing ever was.
    pub const ACTION: Column<StringArray> = Column::new("action");
    /// Publication that asked it; null when none did.
    pub const SEQUENCE: Column<Int64Array> = Column::new("sequence");
    /// Case that it was asked for; null when nothing was asked.
    pub const CASE_ID: Column<StringArray> = Column::new("case_id");
    /// When it was published, UTC; null when nothing was asked.
    pub const ASKED_AT: Column<TimestampMicrosecondArray> = Column::new("asked_at");
    /// From when on a receipt is missing, UTC; null when nothing was asked.
    pub const DUE_AT: Column<TimestampMicrosecondArray> = Column::new("due_at");
    /// in_effect, pending, missing, failed, unknown, or not_asked: a bar that nobody asked for.
    pub const OUTCOME: Column<StringArray> = Column::new("outcome");
    /// The last action that the network has done; null when none.
    pub const EFFECT: Column<StringArray> = Column::new("effect");
    /// The network's code of the receipt that the outcome follows from; null when it gave none.
    pub const CODE: Column<StringArray> = Column::new("code");
    /// When the network says so, UTC; null when it has said nothing.
    pub const REPORTED_AT: Column<TimestampMicrosecondArray> = Column::new("reported_at");
}

/// The regulator's weekly list: every number flagged during an ISO week, the evidence class and what was done.
pub mod regulator_week {
    use super::*;

    /// Monday of the ISO week.
    pub const WEEK: Column<Date32Array> = Column::new("week");
    /// The number, E.164 digits.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// Activation of its subscription, UTC; null when not ours.
    pub const ACTIVATED_AT: Column<TimestampMicrosecondArray> = Column::new("activated_at");
    /// Operator that the number's range is allocated to; not the carrier of a ported number.
    pub const RANGE_HOLDER: Column<StringArray> = Column::new("range_holder");
    /// prepaid, postpaid, enterprise, offnet, or unknown where the operator has another word.
    pub const SEGMENT: Column<StringArray> = Column::new("segment");
    /// First day at survey or stronger.
    pub const FLAGGED_DAY: Column<Date32Array> = Column::new("flagged_day");
    /// Verdict on the last day of the week with one.
    pub const VERDICT: Column<StringArray> = Column::new("verdict");
    /// behaviour, then +survey, +report and +registration where there was such.
    pub const EVIDENCE: Column<StringArray> = Column::new("evidence");
    /// Criterion 1 on the day of the highest score.
    pub const CALLS_PER_ACTIVE_DAY: Column<Float64Array> = Column::new("calls_per_active_day");
    /// Criterion 2.
    pub const OUT_SHARE: Column<Float64Array> = Column::new("out_share");
    /// Criterion 3.
    pub const SHORT_CALL_SHARE_ALL: Column<Float64Array> = Column::new("short_call_share_all");
    /// Criterion 4.
    pub const SHORT_GAP_SHARE: Column<Float64Array> = Column::new("short_gap_share");
    /// Criterion 5.
    pub const NEW_CALLEE_CALL_SHARE: Column<Float64Array> = Column::new("new_callee_call_share");
    /// Highest spam score of the week.
    pub const SCORE: Column<Float64Array> = Column::new("score");
    /// Most matched reporters on any day of the week.
    pub const MATCHED_REPORTERS: Column<Int64Array> = Column::new("matched_reporters");
    /// Most survey answers that it was spam.
    pub const SURVEY_YES: Column<Int64Array> = Column::new("survey_yes");
    /// Most survey answers that it was not.
    pub const SURVEY_NO: Column<Int64Array> = Column::new("survey_no");
    /// Case.
    pub const CASE_ID: Column<StringArray> = Column::new("case_id");
    /// Operator that carries the number now, of a number that left its range holder; null of any other.
    pub const CARRIER: Column<StringArray> = Column::new("carrier");
    /// What the network is asked for by the verdict: bar_outgoing, bar_both or bar_incoming_from; null when for nothing.
    pub const ACTION: Column<StringArray> = Column::new("action");
    /// Day since which the verdict holds.
    pub const ACTION_DAY: Column<Date32Array> = Column::new("action_day");
    /// Types that detection_day named the number by in the week, joined by +; null when by none.
    pub const TYPES: Column<StringArray> = Column::new("types");
    /// Calls that the number made in the four weeks before and in the week, up to the end of the day of its flag; null when it was flagged in a week before.
    pub const CALLS_BEFORE_FLAG: Column<Int64Array> = Column::new("calls_before_flag");
    /// Hash of the rules that decided.
    pub const RULES: Column<StringArray> = Column::new("rules");
    /// The last appeal since the flag, as it stood at the end of the week: open, rejected or overturned; null when there was none.
    pub const APPEAL: Column<StringArray> = Column::new("appeal");
    /// Forms of fraud, by the names of pipelines/scam_form.toml, that matched reports of the number tell in the week and the 13 days before it, joined by +; null when none tells one, and in rows of before the column.
    pub const SCAM_FORMS: Column<StringArray> = Column::new("scam_forms");
    /// Provinces, by their names since July 2025, in which at least two people are whose matched reports of the number in the same days say so, joined by +. Only forms of the web or an app ask for it: texts and calls to 156 say none. Null when unknown, and in rows of before the column.
    pub const PROVINCES: Column<StringArray> = Column::new("provinces");
    /// People whose matched reports of the number in the same days are of its calls (V); whoever sent several kinds counts in each; null in rows of before the column.
    pub const MATCHED_CALL_REPORTERS: Column<Int64Array> = Column::new("matched_call_reporters");
    /// The same of its messages (S).
    pub const MATCHED_SMS_REPORTERS: Column<Int64Array> = Column::new("matched_sms_reporters");
    /// The same of calls that look like fraud (LD).
    pub const MATCHED_SCAM_REPORTERS: Column<Int64Array> = Column::new("matched_scam_reporters");
    /// Criterion 1, frequency: share of the other numbers that lie below, of those that the same card judged on the day of the highest score and that have the value, to four digits; null without a score, without the value or without others, and in rows of before the column.
    pub const FREQUENCY_PEERS_BELOW_SHARE: Column<Float64Array> = Column::new("frequency_peers_below_share");
    /// The same of criterion 2, behaviour.
    pub const BEHAVIOUR_PEERS_BELOW_SHARE: Column<Float64Array> = Column::new("behaviour_peers_below_share");
    /// The same of criterion 3, short calls.
    pub const SHORT_CALL_PEERS_BELOW_SHARE: Column<Float64Array> = Column::new("short_call_peers_below_share");
    /// The same of criterion 4, short gaps.
    pub const SHORT_GAP_PEERS_BELOW_SHARE: Column<Float64Array> = Column::new("short_gap_peers_below_share");
    /// The same of criterion 5, strangers called.
    pub const STRANGER_PEERS_BELOW_SHARE: Column<Float64Array> = Column::new("stranger_peers_below_share");
}

/// One row per package that was published for a recipient, from which the same bytes can be made again.
pub mod package {
    use super::*;

    /// Monday of the ISO week that it is about.
    pub const WEEK: Column<Date32Array> = Column::new("week");
    /// For whom it was made.
    pub const RECIPIENT: Column<StringArray> = Column::new("recipient");
    /// Counts the packages of a recipient, from 1.
    pub const SEQUENCE: Column<Int64Array> = Column::new("sequence");
    /// The package of the same week that it takes the place of.
    pub const SUPERSEDES: Column<Int64Array> = Column::new("supersedes");
    /// SHA-256 of its manifest, hex.
    pub const MANIFEST_SHA256: Column<StringArray> = Column::new("manifest_sha256");
    /// SHA-256 of its list of numbers, hex.
    pub const NUMBERS_SHA256: Column<StringArray> = Column::new("numbers_sha256");
    /// Tables that it was read from and their versions, JSON.
    pub const TABLES: Column<StringArray> = Column::new("tables");
    /// When it was published, UTC.
    pub const PUBLISHED_AT: Column<TimestampMicrosecondArray> = Column::new("published_at");
    /// Columns of its lists, JSON; null in rows of before the column.
    pub const COLUMNS: Column<StringArray> = Column::new("columns");
}

/// One row per answer to a citizen and state of it: intended before it is sent, sent behind it. A state may stand twice, an answer goes out under one id.
pub mod report_answer {
    use super::*;

    /// Local day of the report.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// CHANNEL/REPORT_ID/STAGE: by it whoever reads the topic tells an answer that comes twice.
    pub const ANSWER_ID: Column<StringArray> = Column::new("answer_id");
    /// The report: report_id of citizen_report.
    pub const REPORT_ID: Column<StringArray> = Column::new("report_id");
    /// received or result.
    pub const STAGE: Column<StringArray> = Column::new("stage");
    /// intended or sent.
    pub const STATE: Column<StringArray> = Column::new("state");
    /// Channel of the report.
    pub const CHANNEL: Column<StringArray> = Column::new("channel");
    /// Who is answered, E.164 digits.
    pub const RECIPIENT: Column<Int64Array> = Column::new("recipient");
    /// WHEN/ABOUT or WHEN/ABOUT/FORM of pipelines/answer/template.csv; received/domain_lookup for a look-up.
    pub const TEMPLATE: Column<StringArray> = Column::new("template");
    /// The text, sealed where the site has a key; null in rows of the state sent.
    pub const TEXT: Column<StringArray> = Column::new("text");
    /// When the row was written, UTC.
    pub const TOLD_AT: Column<TimestampMicrosecondArray> = Column::new("told_at");
}

/// One row per message that was handed to the SMS gateway for a subscriber whose number was barred or released: nobody is told twice.
pub mod notice {
    use super::*;

    /// Local day of the block list that it tells of.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Counts the files of a day, from 1.
    pub const BATCH: Column<Int64Array> = Column::new("batch");
    /// Who is told, E.164 digits.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// The case.
    pub const CASE_ID: Column<StringArray> = Column::new("case_id");
    /// What is told: bar_outgoing, bar_both or unblock.
    pub const ACTION: Column<StringArray> = Column::new("action");
    /// When the file was published, UTC.
    pub const NOTED_AT: Column<TimestampMicrosecondArray> = Column::new("noted_at");
}

/// One row per state of a published folder's delivery to a target: intended before anything is sent, then done or failed; superseded where a later block list went before it. What is done is not sent again.
pub mod delivery {
    use super::*;

    /// Local day of the state.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Where it goes, by the name in the site's configuration.
    pub const TARGET: Column<StringArray> = Column::new("target");
    /// What goes there, as KIND/NAME.
    pub const FOLDER: Column<StringArray> = Column::new("folder");
    /// SHA-256 of what says what its files are, hex.
    pub const MANIFEST_SHA256: Column<StringArray> = Column::new("manifest_sha256");
    /// intended, done, failed or superseded.
    pub const STATE: Column<StringArray> = Column::new("state");
    /// How many attempts the run made; 0 when intended.
    pub const ATTEMPTS: Column<Int64Array> = Column::new("attempts");
    /// Files that the run sent; the others were there.
    pub const FILES: Column<Int64Array> = Column::new("files");
    /// Why the last attempt failed.
    pub const ERROR: Column<StringArray> = Column::new("error");
    /// When it was so, UTC.
    pub const AT: Column<TimestampMicrosecondArray> = Column::new("at");
    /// SHA-256 of its signature, hex; null when it is not signed, and in rows of before the column.
    pub const SIGNATURE_SHA256: Column<StringArray> = Column::new("signature_sha256");
}

/// What became of every offset: one row for each source partition and commit, so that the proof outlives Kafka's retention.
pub mod ingest_range {
    use super::*;

    /// Local day of the commit.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Table that the offsets lead to: the topic by its contract's name; reject for what was removed from that table.
    pub const TOPIC: Column<StringArray> = Column::new("topic");
    /// Partition of the source.
    pub const SOURCE_PARTITION: Column<Int32Array> = Column::new("source_partition");
    /// First offset of the range.
    pub const FROM_OFFSET: Column<Int64Array> = Column::new("from_offset");
    /// First offset after the range.
    pub const UNTIL_OFFSET: Column<Int64Array> = Column::new("until_offset");
    /// Messages that became rows.
    pub const RECORDS: Column<Int64Array> = Column::new("records");
    /// Messages that became rejects.
    pub const REJECTS: Column<Int64Array> = Column::new("rejects");
    /// Messages without a body.
    pub const TOMBSTONES: Column<Int64Array> = Column::new("tombstones");
    /// Offsets in the range that the broker never delivered: compacted away or transaction markers.
    pub const GAPS: Column<Int64Array> = Column::new("gaps");
    /// Version of callsieve that wrote it.
    pub const CODE_VERSION: Column<StringArray> = Column::new("code_version");
    /// When the rows were committed, UTC.
    pub const COMMITTED_AT: Column<TimestampMicrosecondArray> = Column::new("committed_at");
    /// read: offsets that were consumed. idle: nothing behind until_offset at watermark_at. replayed: rejects that became rows. accepted: offsets given up by a signed act. expired: rows before the day in note were removed by age, as far as versions before until_offset held them. retired: a source given up by a signed act, with no offsets. deferred: offsets left for a back-fill, those of a file that takes several commits (a later count of them replaces an earlier one), or the one of a file that could not be read: a hole until they are read. seen: a partition that is there, with no offsets.
    pub const KIND: Column<StringArray> = Column::new("kind");
    /// Where the offsets count: CLUSTER/TOPIC/EPOCH for Kafka, file/SHA256 for a dropped file, file/unread-STATE for one that could not be read, seed for invented history.
    pub const SOURCE_ID: Column<StringArray> = Column::new("source_id");
    /// The offsets without a body, as 7,9-12.
    pub const TOMBSTONE_OFFSETS: Column<StringArray> = Column::new("tombstone_offsets");
    /// The offsets that were never delivered, as 7,9-12.
    pub const GAP_OFFSETS: Column<StringArray> = Column::new("gap_offsets");
    /// By the broker's timestamps everything before this instant lies before until_offset, UTC.
    pub const WATERMARK_AT: Column<TimestampMicrosecondArray> = Column::new("watermark_at");
    /// Rows for each local day, as a JSON object.
    pub const DAYS: Column<StringArray> = Column::new("days");
    /// Version of the topic's table that holds the rows.
    pub const TABLE_VERSION: Column<Int64Array> = Column::new("table_version");
    /// Why and by whom offsets were accepted as lost or a source was retired, with the signature; before which day rows were removed; of which file a range is, or where one lay that could not be read; which topic a source is, by the broker's own id, where a partition was seen.
    pub const NOTE: Column<StringArray> = Column::new("note");
}

/// One row per partition written by run or decide: everything needed to derive it again.
pub mod pipeline_run {
    use super::*;

    /// Local day (Monday for a week) that was computed.
    pub const DAY: Column<Date32Array> = Column::new("day");
    /// Table written.
    pub const TABLE_NAME: Column<StringArray> = Column::new("table_name");
    /// SHA-256 over the definition's .toml, its SQL and its trained cards.
    pub const DEFINITION_HASH: Column<StringArray> = Column::new("definition_hash");
    /// Parameters as bound, JSON.
    pub const PARAMS: Column<StringArray> = Column::new("params");
    /// Input tables and their versions, JSON.
    pub const INPUTS: Column<StringArray> = Column::new("inputs");
    /// Version of the table that holds the result.
    pub const OUTPUT_VERSION: Column<Int64Array> = Column::new("output_version");
    /// Rows written.
    pub const ROWS: Column<Int64Array> = Column::new("rows");
    /// Version of callsieve that ran.
    pub const CODE_VERSION: Column<StringArray> = Column::new("code_version");
    /// Start, UTC.
    pub const STARTED_AT: Column<TimestampMicrosecondArray> = Column::new("started_at");
    /// Milliseconds.
    pub const TOOK_MS: Column<Int64Array> = Column::new("took_ms");
}

/// What people have said of numbers, copied from the case store before each decision: one row per word, and none is ever taken away.
pub mod case_event {
    use super::*;

    /// Place of the word in the case store's audit trail.
    pub const EVENT_ID: Column<Int64Array> = Column::new("event_id");
    /// The number, E.164 digits.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// confirmed, dismissed, appealed, rejected, overturned or released.
    pub const WORD: Column<StringArray> = Column::new("word");
    /// Reason code.
    pub const REASON: Column<StringArray> = Column::new("reason");
    /// Name of the user who said it.
    pub const SAID_BY: Column<StringArray> = Column::new("said_by");
    /// When it was said, UTC; it counts for the subscription that was active then.
    pub const SAID_AT: Column<TimestampMicrosecondArray> = Column::new("said_at");
    /// Name of the second person who approved it; null where none had to, and in rows of before the column.
    pub const APPROVED_BY: Column<StringArray> = Column::new("approved_by");
}

/// Sets of definitions that a second person has approved for deciding, copied from the case store; the newest one is the promoted one.
pub mod promotion {
    use super::*;

    /// Place of the approval in the case store's audit trail.
    pub const PROMOTION_ID: Column<Int64Array> = Column::new("promotion_id");
    /// Hash of the rules, as decision.rules has it, a dash, and the hash of all other definitions; one hash over all in rows of before there were two.
    pub const DEFINITIONS: Column<StringArray> = Column::new("definitions");
    /// Why, in the words of who proposed it.
    pub const NOTE: Column<StringArray> = Column::new("note");
    /// Name of the user who proposed it.
    pub const PROPOSED_BY: Column<StringArray> = Column::new("proposed_by");
    /// Name of the user who approved it: another one.
    pub const APPROVED_BY: Column<StringArray> = Column::new("approved_by");
    /// When, UTC.
    pub const APPROVED_AT: Column<TimestampMicrosecondArray> = Column::new("approved_at");
}

/// Numbers that are never flagged, with the reason.
pub mod allow_list {
    use super::*;

    /// The number, E.164 digits.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// Why it is allowed.
    pub const REASON: Column<StringArray> = Column::new("reason");
    /// First day on which the row holds.
    pub const VALID_FROM: Column<Date32Array> = Column::new("valid_from");
    /// First day on which it no longer holds; null while open.
    pub const VALID_UNTIL: Column<Date32Array> = Column::new("valid_until");
    /// Name of the desk's user who allowed it; null in lines of a file, and in the desk's rows of before the column.
    pub const ALLOWED_BY: Column<StringArray> = Column::new("allowed_by");
}

/// Calling numbers that are confirmed to advertise, beside those registered under a brand name.
pub mod advertiser {
    use super::*;

    /// The calling number, E.164 digits.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// Who advertises with it.
    pub const NAME: Column<StringArray> = Column::new("name");
    /// Who confirmed it, and how.
    pub const CONFIRMED_BY: Column<StringArray> = Column::new("confirmed_by");
    /// First day on which the row holds.
    pub const VALID_FROM: Column<Date32Array> = Column::new("valid_from");
    /// First day on which it no longer holds; null while open.
    pub const VALID_UNTIL: Column<Date32Array> = Column::new("valid_until");
}

/// Calling numbers registered under a brand name (ten dinh danh).
pub mod brandname {
    use super::*;

    /// The calling number, E.164 digits.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// The registered name.
    pub const NAME: Column<StringArray> = Column::new("name");
    /// Who holds it.
    pub const HOLDER: Column<StringArray> = Column::new("holder");
    /// First day on which the row holds.
    pub const VALID_FROM: Column<Date32Array> = Column::new("valid_from");
    /// First day on which it no longer holds; null while open.
    pub const VALID_UNTIL: Column<Date32Array> = Column::new("valid_until");
}

/// The do-not-call register (Nghi dinh 91/2020, Art. 7).
pub mod do_not_call {
    use super::*;

    /// The number, E.164 digits.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// call, sms or both.
    pub const SCOPE: Column<StringArray> = Column::new("scope");
    /// First day on which the row holds.
    pub const VALID_FROM: Column<Date32Array> = Column::new("valid_from");
    /// First day on which it no longer holds; null while open.
    pub const VALID_UNTIL: Column<Date32Array> = Column::new("valid_until");
}

/// Who carries a number that left its range holder.
pub mod ported_number {
    use super::*;

    /// The number, E.164 digits.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// Operator that carries it now.
    pub const OPERATOR: Column<StringArray> = Column::new("operator");
    /// First day on which the row holds.
    pub const VALID_FROM: Column<Date32Array> = Column::new("valid_from");
    /// First day on which it no longer holds; null while open.
    pub const VALID_UNTIL: Column<Date32Array> = Column::new("valid_until");
}

/// Trunk groups and what comes in by them.
pub mod trunk {
    use super::*;

    /// Trunk group as records name it.
    pub const TRUNK: Column<StringArray> = Column::new("trunk");
    /// national, international or voip.
    pub const KIND: Column<StringArray> = Column::new("kind");
    /// The operator at the other end.
    pub const PEER: Column<StringArray> = Column::new("peer");
    /// First day on which the row holds.
    pub const VALID_FROM: Column<Date32Array> = Column::new("valid_from");
    /// First day on which it no longer holds; null while open.
    pub const VALID_UNTIL: Column<Date32Array> = Column::new("valid_until");
}

/// Emergency, hotline and service numbers that are never barred.
pub mod special_number {
    use super::*;

    /// The number as dialled.
    pub const ADDRESS: Column<StringArray> = Column::new("address");
    /// The same as E.164 digits, when it has such a form.
    pub const NUMBER: Column<Int64Array> = Column::new("number");
    /// What it is.
    pub const NAME: Column<StringArray> = Column::new("name");
    /// First day on which the row holds.
    pub const VALID_FROM: Column<Date32Array> = Column::new("valid_from");
    /// First day on which it no longer holds; null while open.
    pub const VALID_UNTIL: Column<Date32Array> = Column::new("valid_until");
}
