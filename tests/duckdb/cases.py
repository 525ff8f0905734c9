"""Small cases with answers written by hand: they check the checker.

Each case of the fold is a handful of records and the events that they are, one case a sentence of the definition.
All cases together make one small lake, written with `deltalake`, whose `call_event` and `sms_event` hold the answers;
the check must find nothing to say of it. A second lake holds events, and what some parties' days are. Then the
lakes are spoilt, one thing at a time, and the check must notice each.
"""

import contextlib
import datetime
import io
import os
import shutil
import tempfile

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

import check
from contact import CONTACT, SPELL, expect_contact_day, expect_relation
from contract import PARAMETERS
from finding import Findings
from fold import SUBSCRIPTION, expect_events
from lake import connect, open_table
from party import expect_caller_day

ARROW = {
    "int64": pa.int64(),
    "int32": pa.int32(),
    "float64": pa.float64(),
    "utf8": pa.utf8(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "binary": pa.binary(),
}

LOCAL = datetime.timezone(datetime.timedelta(hours=7))
MONDAY = datetime.date(2025, 1, 6)
TUESDAY = datetime.date(2025, 1, 7)
WEDNESDAY = datetime.date(2025, 1, 8)

# Ours, by the subscriber table below; then others'.
AN, BINH, CUC, DUNG = 84912000001, 84912000002, 84912000003, 84912000004
GONE, BACK, LEFT_AT_NOON, COMES_TUESDAY = 84912000010, 84912000011, 84912000012, 84912000013
OTHER, ABROAD = 84988000001, 447700900001


def at(clock, day=MONDAY):
    """A local time of day, with up to six digits after the second."""
    time = datetime.time.fromisoformat(clock)
    return datetime.datetime.combine(day, time, tzinfo=LOCAL).astimezone(datetime.timezone.utc)


def local_day(instant):
    return instant.astimezone(LOCAL).date()


def address(prefix, party):
    """A party is a number, or (kind, address)."""
    if isinstance(party, int):
        return {prefix: party, f"{prefix}_kind": "e164", f"{prefix}_raw": str(party)}
    kind, raw = party
    return {prefix: None, f"{prefix}_kind": kind, f"{prefix}_raw": raw}


def named(prefix, party):
    """The address once more where it is no number, as event tables hold it."""
    return {f"{prefix}_name": None if isinstance(party, int) else party[1]}


ANONYMOUS = ("anonymous", "")
KAFKA = "test/topic/0"
OFFSETS = iter(range(1_000_000))


def record(record_type, record_id, caller, callee, start_at, **columns):
    """A call record: answered, a minute long, and at a coordinate of its own unless told otherwise."""
    row = dict(day=local_day(start_at), record_type=record_type, record_id=record_id, call_ref=None, partial_seq=None,
               start_at=start_at, ring_s=None, duration_s=60, is_answered=True, release_cause=16, trunk=None, cell=None,
               imei=None, imsi=None, source_id=KAFKA, source_partition=0, source_offset=next(OFFSETS),
               loaded_at=at("23:00", WEDNESDAY))
    return row | address("caller", caller) | address("callee", callee) | columns


def event(record_type, record_id, caller, callee, start_at, **columns):
    """A call event: one answered minute from one of ours to another of ours, unless told otherwise."""
    row = dict(day=local_day(start_at), record_type=record_type, record_id=record_id, call_ref=None, start_at=start_at,
               ring_s=None, duration_s=60, is_answered=True, release_cause=16, trunk=None, caller_cell=None,
               caller_imei=None, caller_imsi=None, callee_cell=None, callee_imei=None, callee_imsi=None,
               origin="onnet", is_caller_onnet=True, is_callee_onnet=True, is_forwarded_leg=False,
               is_spoof_suspect=False, records=1, records_before=0, records_after=0)
    row |= named("caller", caller) | named("callee", callee)
    return row | address("caller", caller) | address("callee", callee) | columns


def message(record_type, record_id, caller, callee, start_at, **columns):
    row = dict(day=local_day(start_at), record_type=record_type, record_id=record_id, message_ref=None,
               sender_name=None, start_at=start_at, parts=1, trunk=None, cell=None, imei=None, imsi=None,
               source_id=KAFKA, source_partition=0, source_offset=next(OFFSETS), loaded_at=at("23:00", WEDNESDAY))
    return row | address("caller", caller) | address("callee", callee) | columns


def message_event(record_type, record_id, caller, callee, start_at, **columns):
    row = dict(day=local_day(start_at), record_type=record_type, record_id=record_id, message_ref=None,
               sender_name=None, start_at=start_at, parts=1, trunk=None, caller_imei=None, is_caller_onnet=True,
               is_callee_onnet=True, is_spoof_suspect=False, records=1, records_before=0, records_after=0)
    row |= named("caller", caller) | named("callee", callee)
    return row | address("caller", caller) | address("callee", callee) | columns


# --- The fold: (what it shows, records, events) ----------------------------------------------------------------------

CALLS = [
    (
        "an on-net call is recorded at both ends: the originating record leads, each end gives its own place",
        [
            record("terminating", "pair-t", AN, BINH, at("10:00:01"), call_ref="R1", ring_s=9, duration_s=61,
                   release_cause=31, cell=202, imei=2002, imsi=20002),
            record("originating", "pair-o", AN, BINH, at("10:00:02"), call_ref="R1", ring_s=8, duration_s=60,
                   cell=101, imei=1001, imsi=10001),
        ],
        [
            event("originating", "pair-o", AN, BINH, at("10:00:02"), call_ref="R1", ring_s=8, duration_s=60,
                  caller_cell=101, caller_imei=1001, caller_imsi=10001,
                  callee_cell=202, callee_imei=2002, callee_imsi=20002, records=2),
        ],
    ),
    (
        "call_ref wraps: the same reference between the same parties an hour later is another call",
        [
            record("originating", "wrap-o", AN, BINH, at("11:00:02"), call_ref="R1"),
            record("terminating", "wrap-t", AN, BINH, at("11:00:02"), call_ref="R1", cell=203),
        ],
        [event("originating", "wrap-o", AN, BINH, at("11:00:02"), call_ref="R1", callee_cell=203, records=2)],
    ),
    (
        "a record sent twice counts once, and says what its first copy says",
        [
            record("originating", "resent", AN, CUC, at("09:00"), call_ref="R2", release_cause=17),
            record("originating", "resent", AN, CUC, at("09:00"), call_ref="R2", release_cause=18),
            record("originating", "resent", AN, CUC, at("09:00"), call_ref="R2", release_cause=18),
        ],
        [event("originating", "resent", AN, CUC, at("09:00"), call_ref="R2", release_cause=17, records=3)],
    ),
    (
        "the parts of a long call add up, each once; the last one's cause is the call's",
        [
            record("originating", "long-1", AN, DUNG, at("13:00"), call_ref="R3", partial_seq=1, ring_s=7,
                   duration_s=1800, release_cause=None, cell=111),
            record("originating", "long-2", AN, DUNG, at("13:30:07"), call_ref="R3", partial_seq=2, duration_s=1800,
                   release_cause=None, cell=112),
            record("originating", "long-2", AN, DUNG, at("13:30:07"), call_ref="R3", partial_seq=2, duration_s=1800,
                   release_cause=None, cell=112),
            record("originating", "long-3", AN, DUNG, at("14:00:07"), call_ref="R3", partial_seq=3, duration_s=600,
                   release_cause=19, cell=113),
            record("terminating", "long-t", AN, DUNG, at("13:00:01"), call_ref="R3", duration_s=4201, cell=211),
        ],
        [
            event("originating", "long-1", AN, DUNG, at("13:00"), call_ref="R3", ring_s=7, duration_s=4200,
                  release_cause=19, caller_cell=111, callee_cell=211, records=5),
        ],
    ),
    (
        "a part that starts exactly pair_window_s after the latest end goes on, a microsecond later it does not",
        [
            record("originating", "edge-1", AN, DUNG, at("15:00"), call_ref="R4", partial_seq=1, ring_s=10,
                   duration_s=300),
            record("originating", "edge-2", AN, DUNG, at("15:07:10"), call_ref="R4", partial_seq=2, duration_s=100),
            # Ends 15:08:50, and the first one's end is long past.
            record("originating", "edge-3", AN, DUNG, at("15:10:50.000001"), call_ref="R4", partial_seq=3,
                   duration_s=100),
        ],
        [
            event("originating", "edge-1", AN, DUNG, at("15:00"), call_ref="R4", ring_s=10, duration_s=400, records=2),
            event("originating", "edge-3", AN, DUNG, at("15:10:50.000001"), call_ref="R4", duration_s=100),
        ],
    ),
    (
        "what has no part number does not go on, however long the call before it",
        [
            record("originating", "no-part-1", AN, DUNG, at("16:00"), call_ref="R5", duration_s=3600),
            record("originating", "no-part-2", AN, DUNG, at("16:30"), call_ref="R5"),
        ],
        [
            event("originating", "no-part-1", AN, DUNG, at("16:00"), call_ref="R5", duration_s=3600),
            event("originating", "no-part-2", AN, DUNG, at("16:30"), call_ref="R5"),
        ],
    ),
    (
        "of all the earlier records the latest end counts, not that of the one before",
        [
            record("originating", "latest-1", AN, DUNG, at("17:00"), call_ref="R6", partial_seq=1, duration_s=1800),
            record("terminating", "latest-t", AN, DUNG, at("17:00:01"), call_ref="R6", duration_s=1, cell=212),
            record("originating", "latest-2", AN, DUNG, at("17:30"), call_ref="R6", partial_seq=2, duration_s=5),
        ],
        [
            event("originating", "latest-1", AN, DUNG, at("17:00"), call_ref="R6", duration_s=1805, callee_cell=212,
                  records=3),
        ],
    ),
    (
        "parts where only a later one was answered: answered; the last cause even when it is null; no part number is "
        "a part too, and comes first",
        [
            record("originating", "mixed-2", AN, DUNG, at("18:00"), call_ref="R7", partial_seq=1, duration_s=30,
                   release_cause=None),
            record("originating", "mixed-1", AN, DUNG, at("18:00"), call_ref="R7", duration_s=0, is_answered=False,
                   release_cause=19),
        ],
        [
            event("originating", "mixed-1", AN, DUNG, at("18:00"), call_ref="R7", duration_s=30, release_cause=None,
                  records=2),
        ],
    ),
    (
        "exactly pair_window_s apart is one call, a microsecond more is two; each start is held against the one before",
        [
            record("originating", "window-1", BINH, CUC, at("10:00"), call_ref="R8"),
            record("terminating", "window-2", BINH, CUC, at("10:02"), call_ref="R8", cell=221),
            record("terminating", "window-3", BINH, CUC, at("10:04"), call_ref="R8", cell=222),
            record("originating", "window-4", BINH, CUC, at("10:06:00.000001"), call_ref="R8"),
        ],
        [
            event("originating", "window-1", BINH, CUC, at("10:00"), call_ref="R8", callee_cell=221, records=3),
            event("originating", "window-4", BINH, CUC, at("10:06:00.000001"), call_ref="R8"),
        ],
    ),
    (
        "two calls in one second differ in their references and are never folded",
        [
            record("originating", "second-1", BINH, DUNG, at("10:00:00.2"), call_ref="R9"),
            record("originating", "second-2", BINH, DUNG, at("10:00:00.2"), call_ref="R10"),
        ],
        [
            event("originating", "second-1", BINH, DUNG, at("10:00:00.2"), call_ref="R9"),
            event("originating", "second-2", BINH, DUNG, at("10:00:00.2"), call_ref="R10"),
        ],
    ),
    (
        "one reference between other parties is another call: nothing crosses pairs, nor a pair's two directions",
        [
            record("originating", "cross-1", CUC, AN, at("10:00"), call_ref="R11"),
            record("originating", "cross-2", CUC, BINH, at("10:00"), call_ref="R11"),
            record("originating", "cross-3", BINH, CUC, at("10:00"), call_ref="R11"),
        ],
        [
            event("originating", "cross-1", CUC, AN, at("10:00"), call_ref="R11"),
            event("originating", "cross-2", CUC, BINH, at("10:00"), call_ref="R11"),
            event("originating", "cross-3", BINH, CUC, at("10:00"), call_ref="R11"),
        ],
    ),
    (
        "midnight splits no pair; the day is the leader's, whichever end is earlier",
        [
            record("originating", "midnight-o", CUC, DUNG, at("23:59:59.9"), call_ref="R12"),
            record("terminating", "midnight-t", CUC, DUNG, at("00:00:00.1", TUESDAY), call_ref="R12", cell=231),
            record("terminating", "midnight-u", DUNG, CUC, at("23:59:59.9"), call_ref="R13", cell=232),
            record("originating", "midnight-p", DUNG, CUC, at("00:00", TUESDAY), call_ref="R13", cell=131),
        ],
        [
            event("originating", "midnight-o", CUC, DUNG, at("23:59:59.9"), call_ref="R12", callee_cell=231, records=2,
                  records_after=1),
            event("originating", "midnight-p", DUNG, CUC, at("00:00", TUESDAY), call_ref="R13", caller_cell=131,
                  callee_cell=232, records=2, records_before=1),
        ],
    ),
    (
        "a call of three days: two are one, and what it goes on with on the third is that day's",
        [
            record("originating", "days-1", BINH, AN, at("22:00"), call_ref="R42", partial_seq=1, duration_s=7200,
                   release_cause=None),
            record("originating", "days-2", BINH, AN, at("00:00", TUESDAY), call_ref="R42", partial_seq=2,
                   duration_s=86400),
            record("originating", "days-3", BINH, AN, at("00:00", WEDNESDAY), call_ref="R42", partial_seq=3,
                   duration_s=600, release_cause=19),
        ],
        [
            event("originating", "days-1", BINH, AN, at("22:00"), call_ref="R42", duration_s=93600, records=2,
                  records_after=1),
            event("originating", "days-3", BINH, AN, at("00:00", WEDNESDAY), call_ref="R42", duration_s=600,
                  release_cause=19),
        ],
    ),
    (
        "the onward leg of a forwarded call is no call that its caller made, and its place is not the caller's",
        [
            record("forwarded", "leg-f", BINH, AN, at("12:00"), call_ref="R14", cell=141, imei=1, imsi=1),
            record("terminating", "leg-t", BINH, AN, at("12:00:01"), call_ref="R14", cell=241),
        ],
        [
            event("forwarded", "leg-f", BINH, AN, at("12:00"), call_ref="R14", callee_cell=241, is_forwarded_leg=True,
                  records=2),
        ],
    ),
    (
        "with an originating record beside it, it is a call that the caller made",
        [
            record("forwarded", "made-f", BINH, AN, at("13:00"), call_ref="R15"),
            record("originating", "made-o", BINH, AN, at("13:00:01"), call_ref="R15"),
        ],
        [event("originating", "made-o", BINH, AN, at("13:00:01"), call_ref="R15", records=2)],
    ),
    (
        "a forwarded leg of another's subscriber is seen by us as on-net, and leads after an incoming gateway record",
        [
            record("forwarded", "gate-f", AN, OTHER, at("13:10"), call_ref="R16"),
            record("incoming_gateway", "gate-i", AN, OTHER, at("13:10:01"), call_ref="R16", trunk="VOIP"),
        ],
        [
            event("incoming_gateway", "gate-i", AN, OTHER, at("13:10:01"), call_ref="R16", trunk="VOIP",
                  is_callee_onnet=False, is_forwarded_leg=True, records=2),
        ],
    ),
    (
        "one of our numbers that comes in by a trunk, without an originating record, is a spoof suspect",
        [
            record("incoming_gateway", "spoof-i", AN, CUC, at("14:00"), call_ref="R17", trunk="INTL", cell=9, imei=9,
                   imsi=9),
            record("terminating", "spoof-t", AN, CUC, at("14:00"), call_ref="R17", cell=251),
        ],
        [
            event("incoming_gateway", "spoof-i", AN, CUC, at("14:00"), call_ref="R17", trunk="INTL", callee_cell=251,
                  origin="international", is_caller_onnet=False, is_spoof_suspect=True, records=2),
        ],
    ),
    (
        "with an originating record it is none: a call that left and came back; the trunk it came in by is named",
        [
            record("originating", "round-o", AN, CUC, at("15:00"), call_ref="R18", cell=161),
            record("outgoing_gateway", "round-x", AN, CUC, at("15:00"), call_ref="R18", trunk="A-OUT"),
            record("incoming_gateway", "round-i", AN, CUC, at("15:00"), call_ref="R18", trunk="INTL"),
            record("incoming_gateway", "round-j", AN, CUC, at("15:00"), call_ref="R18", trunk="ANTL"),
        ],
        [
            event("originating", "round-o", AN, CUC, at("15:00"), call_ref="R18", trunk="ANTL", caller_cell=161,
                  records=4),
        ],
    ),
    (
        "another operator's number by a trunk: the trunk's kind on that day is the origin; our callee is on-net by the "
        "subscriber table alone; the gateway record leads",
        [
            record("terminating", "in-t", OTHER, AN, at("10:00"), call_ref="R19", cell=261),
            record("incoming_gateway", "in-i", OTHER, AN, at("10:00:03"), call_ref="R19", trunk="NATL", cell=9),
            record("incoming_gateway", "voip", OTHER, BINH, at("10:00"), call_ref="R20", trunk="VOIP"),
            record("incoming_gateway", "turned", OTHER, BINH, at("10:00", TUESDAY), call_ref="R20", trunk="VOIP"),
            record("incoming_gateway", "no-row", OTHER, CUC, at("10:00"), call_ref="R21", trunk="NEW"),
            record("incoming_gateway", "no-row-2", ABROAD, CUC, at("10:00"), call_ref="R22", trunk="NEW"),
            record("incoming_gateway", "closed", OTHER, DUNG, at("10:00", TUESDAY), call_ref="R23", trunk="CLOSED"),
        ],
        [
            event("incoming_gateway", "in-i", OTHER, AN, at("10:00:03"), call_ref="R19", trunk="NATL", callee_cell=261,
                  origin="national", is_caller_onnet=False, records=2),
            event("incoming_gateway", "voip", OTHER, BINH, at("10:00"), call_ref="R20", trunk="VOIP", origin="voip",
                  is_caller_onnet=False),
            event("incoming_gateway", "turned", OTHER, BINH, at("10:00", TUESDAY), call_ref="R20", trunk="VOIP",
                  origin="international", is_caller_onnet=False),
            event("incoming_gateway", "no-row", OTHER, CUC, at("10:00"), call_ref="R21", trunk="NEW",
                  origin="national", is_caller_onnet=False),
            event("incoming_gateway", "no-row-2", ABROAD, CUC, at("10:00"), call_ref="R22", trunk="NEW",
                  origin="international", is_caller_onnet=False),
            event("incoming_gateway", "closed", OTHER, DUNG, at("10:00", TUESDAY), call_ref="R23", trunk="CLOSED",
                  origin="national", is_caller_onnet=False),
        ],
    ),
    (
        "a call out of the network: its trunk is named, and says nothing of the origin",
        [
            record("originating", "out-o", AN, OTHER, at("16:00"), call_ref="R24", cell=171),
            record("outgoing_gateway", "out-x", AN, OTHER, at("16:00"), call_ref="R24", trunk="INTL"),
            record("outgoing_gateway", "transit", OTHER, ABROAD, at("16:00"), call_ref="R25", trunk="INTL"),
        ],
        [
            event("originating", "out-o", AN, OTHER, at("16:00"), call_ref="R24", trunk="INTL", caller_cell=171,
                  is_callee_onnet=False, records=2),
            event("outgoing_gateway", "transit", OTHER, ABROAD, at("16:00"), call_ref="R25", trunk="INTL",
                  origin="national", is_caller_onnet=False, is_callee_onnet=False),
        ],
    ),
    (
        "terminating only: on-net when the caller is in the subscriber table, else told by the number; a called party "
        "seen by a terminating record is ours though no table knows it",
        [
            record("terminating", "term-ours", AN, BINH, at("19:00"), call_ref="R26", cell=271, imei=271, imsi=271),
            record("terminating", "term-84", OTHER, BINH, at("19:00"), call_ref="R27"),
            record("terminating", "term-44", ABROAD, 84912999999, at("19:00"), call_ref="R28"),
            record("terminating", "term-none", ANONYMOUS, BINH, at("19:00"), call_ref="R29"),
        ],
        [
            event("terminating", "term-ours", AN, BINH, at("19:00"), call_ref="R26", callee_cell=271, callee_imei=271,
                  callee_imsi=271),
            event("terminating", "term-84", OTHER, BINH, at("19:00"), call_ref="R27", origin="national",
                  is_caller_onnet=False),
            event("terminating", "term-44", ABROAD, 84912999999, at("19:00"), call_ref="R28", origin="international",
                  is_caller_onnet=False),
            event("terminating", "term-none", ANONYMOUS, BINH, at("19:00"), call_ref="R29", origin="international",
                  is_caller_onnet=False),
        ],
    ),
    (
        "without a reference only the record's own id links",
        [
            record("originating", "null-o", AN, BINH, at("20:00")),
            record("originating", "null-o", AN, BINH, at("20:00")),
            record("terminating", "null-t", AN, BINH, at("20:00")),
        ],
        [
            event("originating", "null-o", AN, BINH, at("20:00"), records=2),
            event("terminating", "null-t", AN, BINH, at("20:00")),
        ],
    ),
    (
        "a copy that came without its reference follows the copy that has it, and the smaller of two is the link",
        [
            record("originating", "lost-o", AN, BINH, at("21:00")),
            record("originating", "lost-o", AN, BINH, at("21:00"), call_ref="R31"),
            record("originating", "lost-o", AN, BINH, at("21:00"), call_ref="R30"),
            record("terminating", "lost-t", AN, BINH, at("21:00"), call_ref="R30", cell=281),
            record("terminating", "lost-u", AN, BINH, at("21:00"), call_ref="R31", cell=282),
        ],
        [
            event("originating", "lost-o", AN, BINH, at("21:00"), callee_cell=281, records=4),
            event("terminating", "lost-u", AN, BINH, at("21:00"), call_ref="R31", callee_cell=282),
        ],
    ),
    (
        "a number is ours on a day when a subscription of it was active at some instant of that day, by its latest row",
        [
            record("terminating", "gone", GONE, BINH, at("08:00"), call_ref="R32"),
            record("terminating", "back", BACK, BINH, at("08:00"), call_ref="R33"),
            record("terminating", "noon", LEFT_AT_NOON, BINH, at("20:00"), call_ref="R34"),
            record("terminating", "noon-2", LEFT_AT_NOON, BINH, at("08:00", TUESDAY), call_ref="R35"),
            record("terminating", "comes", COMES_TUESDAY, BINH, at("23:00"), call_ref="R36"),
            record("terminating", "comes-2", COMES_TUESDAY, BINH, at("23:00", TUESDAY), call_ref="R37"),
        ],
        [
            event("terminating", "gone", GONE, BINH, at("08:00"), call_ref="R32", origin="national",
                  is_caller_onnet=False),
            event("terminating", "back", BACK, BINH, at("08:00"), call_ref="R33"),
            event("terminating", "noon", LEFT_AT_NOON, BINH, at("20:00"), call_ref="R34"),
            event("terminating", "noon-2", LEFT_AT_NOON, BINH, at("08:00", TUESDAY), call_ref="R35",
                  origin="national", is_caller_onnet=False),
            event("terminating", "comes", COMES_TUESDAY, BINH, at("23:00"), call_ref="R36", origin="national",
                  is_caller_onnet=False),
            event("terminating", "comes-2", COMES_TUESDAY, BINH, at("23:00", TUESDAY), call_ref="R37"),
        ],
    ),
    (
        "parties that are no numbers: kind and address together are the party",
        [
            record("originating", "short-1", AN, ("national_short", "156"), at("09:30"), call_ref="R38"),
            record("originating", "short-2", AN, ("invalid", "156"), at("09:30"), call_ref="R38"),
            record("terminating", "hidden-1", ("anonymous", "+84912000001"), BINH, at("09:30"), call_ref="R39"),
        ],
        [
            event("originating", "short-1", AN, ("national_short", "156"), at("09:30"), call_ref="R38",
                  is_callee_onnet=False),
            event("originating", "short-2", AN, ("invalid", "156"), at("09:30"), call_ref="R38",
                  is_callee_onnet=False),
            event("terminating", "hidden-1", ("anonymous", "+84912000001"), BINH, at("09:30"), call_ref="R39",
                  origin="international", is_caller_onnet=False),
        ],
    ),
    (
        "one number signalled in two ways is one party; what is signalled in the leading record stands",
        [
            record("terminating", "raw-t", AN, CUC, at("22:00"), call_ref="R40", caller_raw="0912000001"),
            record("originating", "raw-o", AN, CUC, at("22:00"), call_ref="R40", caller_raw="+84912000001"),
        ],
        [event("originating", "raw-o", AN, CUC, at("22:00"), call_ref="R40", caller_raw="+84912000001", records=2)],
    ),
    (
        "what remains in order: partition, then offset",
        [
            record("originating", "order", DUNG, AN, at("22:00"), call_ref="R41", cell=3, source_partition=2,
                   source_offset=1),
            record("originating", "order", DUNG, AN, at("22:00"), call_ref="R41", cell=2, source_partition=1,
                   source_offset=9),
            record("originating", "order", DUNG, AN, at("22:00"), call_ref="R41", cell=1, source_partition=1,
                   source_offset=8),
        ],
        [event("originating", "order", DUNG, AN, at("22:00"), call_ref="R41", caller_cell=1, records=3)],
    ),
]

MESSAGES = [
    (
        "a message is recorded at both ends, and sent again",
        [
            message("terminating", "sms-t", AN, BINH, at("10:00:01"), message_ref="M1", parts=3, imei=2002),
            message("originating", "sms-o", AN, BINH, at("10:00:02"), message_ref="M1", parts=2, imei=1001),
            message("originating", "sms-o", AN, BINH, at("10:00:02"), message_ref="M1", parts=2, imei=1001),
        ],
        [
            message_event("originating", "sms-o", AN, BINH, at("10:00:02"), message_ref="M1", parts=2,
                          caller_imei=1001, records=3),
        ],
    ),
    (
        "the reference wraps after two minutes and a microsecond; without one only the id links",
        [
            message("originating", "sms-1", AN, CUC, at("10:00"), message_ref="M2"),
            message("terminating", "sms-2", AN, CUC, at("10:02"), message_ref="M2"),
            message("originating", "sms-3", AN, CUC, at("10:04:00.000001"), message_ref="M2"),
            message("originating", "sms-4", AN, DUNG, at("10:00")),
            message("terminating", "sms-5", AN, DUNG, at("10:00")),
        ],
        [
            message_event("originating", "sms-1", AN, CUC, at("10:00"), message_ref="M2", records=2),
            message_event("originating", "sms-3", AN, CUC, at("10:04:00.000001"), message_ref="M2"),
            message_event("originating", "sms-4", AN, DUNG, at("10:00")),
            message_event("terminating", "sms-5", AN, DUNG, at("10:00")),
        ],
    ),
    (
        "a brand's message by a trunk, one of our numbers by a trunk, and midnight",
        [
            message("incoming_gateway", "brand", ("sender_name", "Ngan Hang"), AN, at("11:00"), message_ref="M3",
                    sender_name="NGAN HANG", trunk="NATL", imei=9),
            message("incoming_gateway", "fake", BINH, AN, at("11:00"), message_ref="M4", trunk="INTL"),
            message("terminating", "fake-t", BINH, AN, at("11:00"), message_ref="M4", imei=7),
            message("terminating", "late-t", CUC, AN, at("23:59:59"), message_ref="M5"),
            message("originating", "late-o", CUC, AN, at("00:00:01", TUESDAY), message_ref="M5"),
            message("terminating", "ours", CUC, OTHER, at("11:00"), message_ref="M6"),
            message("outgoing_gateway", "leaves", OTHER, ABROAD, at("11:00"), message_ref="M7", trunk="INTL"),
        ],
        [
            message_event("incoming_gateway", "brand", ("sender_name", "Ngan Hang"), AN, at("11:00"), message_ref="M3",
                          sender_name="NGAN HANG", trunk="NATL", is_caller_onnet=False),
            message_event("incoming_gateway", "fake", BINH, AN, at("11:00"), message_ref="M4", trunk="INTL",
                          is_caller_onnet=False, is_spoof_suspect=True, records=2),
            message_event("originating", "late-o", CUC, AN, at("00:00:01", TUESDAY), message_ref="M5", records=2,
                          records_before=1),
            message_event("terminating", "ours", CUC, OTHER, at("11:00"), message_ref="M6"),
            message_event("outgoing_gateway", "leaves", OTHER, ABROAD, at("11:00"), message_ref="M7", trunk="INTL",
                          is_caller_onnet=False, is_callee_onnet=False),
        ],
    ),
]


def trunk(name, kind, valid_from, valid_until=None):
    return dict(trunk=name, kind=kind, peer="", valid_from=valid_from, valid_until=valid_until)


TRUNKS = [
    trunk("NATL", "national", datetime.date(2024, 1, 1)),
    trunk("INTL", "international", datetime.date(2024, 1, 1)),
    trunk("VOIP", "voip", datetime.date(2024, 1, 1), TUESDAY),
    trunk("VOIP", "international", TUESDAY),
    trunk("CLOSED", "voip", datetime.date(2024, 1, 1), TUESDAY),
    trunk("CLOSED", "voip", WEDNESDAY),
]


def subscription(number, activated_at, deactivated_at=None, changed_at=None):
    changed_at = changed_at or activated_at
    return dict(day=local_day(changed_at), number=number, activated_at=activated_at, deactivated_at=deactivated_at,
                segment="prepaid", identity_hash=None, key_epoch=None, dealer=None, lock_reason=None, changed_at=changed_at,
                source_id="seed", source_partition=-1, source_offset=next(OFFSETS), loaded_at=changed_at)


LONG_AGO = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)

SUBSCRIBERS = [subscription(number, LONG_AGO) for number in (AN, BINH, CUC, DUNG)] + [
    # Left as Monday began: not one instant of Monday.
    subscription(GONE, LONG_AGO),
    subscription(GONE, LONG_AGO, at("00:00"), changed_at=at("00:00")),
    # Left long ago, and a later row takes that back; the row that came last is not the one that changed last.
    subscription(BACK, LONG_AGO, changed_at=at("01:00")),
    subscription(BACK, LONG_AGO, LONG_AGO, changed_at=at("00:30")),
    # A former owner's interval says nothing of this one.
    subscription(LEFT_AT_NOON, datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc), LONG_AGO),
    subscription(LEFT_AT_NOON, LONG_AGO, at("12:00")),
    subscription(COMES_TUESDAY, at("00:00", TUESDAY)),
]


# --- A party's day ---------------------------------------------------------------------------------------------------

PHO, QUY, RY, SAU = 84913000001, 84900000010, 84900000011, 84900000021
STRANGER = 84977000001


def quick(record_id, caller, callee, start_at, seconds=60, **columns):
    """A call event of a length; not answered when it has none."""
    return event("originating", record_id, caller, callee, start_at, duration_s=seconds, is_answered=seconds > 0,
                 **columns)


# Pho's Tuesday, with what Monday has to say of it.
DAY_CALLS = [
    # Monday: Pho has called Quy before, at 09:00:01; Ry has called Pho, which is contact too.
    quick("m-1", PHO, QUY, at("09:00:01")),
    quick("m-2", RY, PHO, at("09:00")),
    # Contact that does not count: a spoof suspect and a forwarded leg with Sau.
    quick("m-3", PHO, SAU, at("12:00"), is_spoof_suspect=True),
    quick("m-4", SAU, PHO, at("12:00"), is_forwarded_leg=True),
    # Tuesday. Ends 09:00:30.
    quick("t-1", PHO, QUY, at("09:00", TUESDAY), 20, ring_s=10, caller_cell=1, caller_imei=7),
    # Starts as the one before ends: a gap of nothing, short. Not answered; ends at once. Next to Quy: sequential.
    quick("t-2", PHO, RY, at("09:00:30", TUESDAY), 0, caller_cell=1, caller_imei=7),
    # A gap of 60 s: not short. 10 up: sequential. Ends 09:03:15; 45 s or more is not short.
    quick("t-3", PHO, SAU, at("09:01:30", TUESDAY), 100, ring_s=5, caller_cell=2, caller_imei=7),
    # Starts before the one before has ended: an overlap. The same number: not sequential. Ends 09:03:54.
    quick("t-4", PHO, SAU, at("09:03:10", TUESDAY), 44, caller_cell=2),
    # 07:59:59 and 17:00 are outside, 08:00 and 16:59:59 inside.
    quick("t-5", PHO, ("national_short", "156"), at("07:59:59", TUESDAY), 45),
    quick("t-6", PHO, STRANGER, at("16:59:59", TUESDAY), 0),
    quick("t-7", PHO, STRANGER, at("17:00", TUESDAY), 0, caller_cell=3),
    # Left out, both ways.
    quick("t-8", PHO, DUNG, at("18:00", TUESDAY), is_spoof_suspect=True),
    quick("t-9", PHO, DUNG, at("18:00", TUESDAY), is_forwarded_leg=True),
    # Quy calls back after the first call of Pho; Ry called before it, and at that very instant: no call back.
    quick("b-1", QUY, PHO, at("09:00:00.000001", TUESDAY)),
    quick("b-2", RY, PHO, at("09:00:30", TUESDAY)),
    quick("b-3", RY, PHO, at("08:00", TUESDAY)),
    # A hidden number is nobody's day, but it is a call received.
    quick("b-4", ANONYMOUS, PHO, at("20:00", TUESDAY), is_caller_onnet=False),
    # Another's number, towards us alone.
    quick("x-1", ABROAD, PHO, at("10:00", TUESDAY), 30, is_caller_onnet=False),
    quick("x-2", ABROAD, QUY, at("10:00:59.999999", TUESDAY), 30, is_caller_onnet=False),
    quick("x-3", ABROAD, RY, at("10:01", TUESDAY), 30, is_caller_onnet=False),
]
DAY_MESSAGES = [
    # By Sunday's message they know one another.
    message_event("originating", "s-0", STRANGER, PHO, at("12:00", MONDAY - datetime.timedelta(1))),
    message_event("originating", "s-1", PHO, QUY, at("12:00", TUESDAY)),
    message_event("originating", "s-2", QUY, PHO, at("12:00", TUESDAY)),
    message_event("originating", "s-3", RY, PHO, at("12:00", TUESDAY)),
    message_event("incoming_gateway", "s-4", DUNG, PHO, at("12:00", TUESDAY), is_spoof_suspect=True,
                  is_caller_onnet=False),
    message_event("incoming_gateway", "s-5", ("sender_name", "Shop"), PHO, at("12:00", TUESDAY), sender_name="SHOP",
                  is_caller_onnet=False),
]
DO_NOT_CALL = [
    dict(number=QUY, scope="call", valid_from=TUESDAY, valid_until=None),
    dict(number=RY, scope="sms", valid_from=MONDAY, valid_until=None),
    dict(number=SAU, scope="both", valid_from=MONDAY, valid_until=WEDNESDAY),
    dict(number=STRANGER, scope="both", valid_from=MONDAY, valid_until=TUESDAY),
]

NOTHING = dict(
    calls_out=0, calls_in=0, answered_out=0, duration_out_s=0, short_calls=0, short_call_share_all=None,
    short_call_share=None, gaps=0, short_gaps=0, short_gap_share=None, overlapping_calls=0, peak_calls_60s=0,
    peak_calls_600s=0, peak_calls_3600s=0, callees=0, history_days=2, new_callees=0, new_callee_call_share=None,
    top_callee_calls=0, repeat_callees=0, called_back=0, sms_sent=0, sms_received=0, out_share=None, cells=0, imeis=0,
    active_hours=0, peak_hour_calls=0, sequential_calls=0, calls_outside_hours=0, calls_to_dnc=0, repeat_within_24h=0)


def party_day(party, is_onnet, **columns):
    kind, number, name = ("e164", party, None) if isinstance(party, int) else (party[0], None, party[1])
    return dict(day=TUESDAY, caller_kind=kind, caller=number, caller_name=name, is_onnet=is_onnet) | NOTHING | columns


# With min_history_days = 2: Sunday and Monday are enough.
TUESDAY_PARTIES = [
    party_day(
        PHO, True, calls_out=7, calls_in=5, answered_out=4, duration_out_s=20 + 100 + 44 + 45,
        short_calls=2, short_call_share_all=2 / 7, short_call_share=0.5,
        # 07:59:59 .. 09:00:00 | 0 s | 60 s | overlap | to 16:59:59 | 1 s to 17:00.
        gaps=5, short_gaps=2, short_gap_share=0.4, overlapping_calls=1,
        peak_calls_60s=2, peak_calls_600s=4, peak_calls_3600s=4,
        # New are Sau (only what does not count before) and 156; Quy, Ry and the stranger were in contact.
        callees=5, new_callees=2, new_callee_call_share=3 / 7, top_callee_calls=2, repeat_callees=2, called_back=1,
        sms_sent=1, sms_received=3, out_share=7 / 12, cells=3, imeis=1, active_hours=4, peak_hour_calls=4,
        sequential_calls=2, calls_outside_hours=2,
        # Quy, Sau twice; Ry is there for messages only, the stranger no longer.
        calls_to_dnc=3,
        # Quy a second short of a day, Sau, the stranger.
        repeat_within_24h=3),
    # b-1 09:00:00.000001 to Pho, whom Quy knows from Monday; Pho's own call came before it, and no later one follows.
    party_day(QUY, True, calls_out=1, calls_in=2, answered_out=1, duration_out_s=60, short_call_share_all=0.0,
              short_call_share=0.0, peak_calls_60s=1, peak_calls_600s=1, peak_calls_3600s=1, callees=1,
              new_callee_call_share=0.0, top_callee_calls=1, sms_sent=1, sms_received=1, out_share=1 / 3,
              active_hours=1, peak_hour_calls=1),
    # b-3 at 08:00, b-2 at 09:00:30; Pho called after the first of them. 23 hours after m-2, and half an hour after b-3.
    party_day(RY, True, calls_out=2, calls_in=2, answered_out=2, duration_out_s=120, short_call_share_all=0.0,
              short_call_share=0.0, gaps=1, short_gap_share=0.0, peak_calls_60s=1, peak_calls_600s=1,
              peak_calls_3600s=1, callees=1, new_callee_call_share=0.0, top_callee_calls=2, repeat_callees=1,
              called_back=1, sms_sent=1, out_share=0.5, active_hours=2, peak_hour_calls=1, repeat_within_24h=2),
    party_day(SAU, True, calls_in=2, out_share=0.0),
    # Seen as called by is_callee_onnet, and ours by that.
    party_day(STRANGER, True, calls_in=2, out_share=0.0),
    party_day(("national_short", "156"), True, calls_in=1, out_share=0.0),
    # Not ours: what we cannot see whole is null. x-1 at 10:00:00 for 30 s; x-2 at 10:00:59.999999, a gap of 29.999999
    # s, until 10:01:29.999999; x-3 at 10:01:00, an overlap, and outside the minute of x-1. Quy and Ry are neighbours.
    party_day(ABROAD, False, calls_out=3, calls_in=None, answered_out=3, duration_out_s=90, short_calls=3,
              short_call_share_all=1.0, short_call_share=1.0, gaps=1, short_gaps=1, short_gap_share=1.0,
              overlapping_calls=1, peak_calls_60s=2, peak_calls_600s=3, peak_calls_3600s=3, callees=3, new_callees=3,
              new_callee_call_share=1.0, top_callee_calls=1, cells=None, imeis=None, active_hours=1,
              peak_hour_calls=3, sequential_calls=1, calls_to_dnc=1),
    party_day(("sender_name", "Shop"), False, calls_in=None, sms_sent=1, cells=None, imeis=None),
]


def contact(day, caller, callee, **columns):
    """A pair of a day: one answered call between two who know each other, unless told otherwise."""
    row = dict(day=day, calls=1, answered=1, messages=0, repeats_within_24h=0, history_days=2, is_new=False,
               is_called_back=False, first_call_at=None, last_call_at=None)
    for prefix, party in (("caller", caller), ("callee", callee)):
        ends = address(prefix, party)
        del ends[f"{prefix}_raw"]
        row |= ends | named(prefix, party)
    return row | columns


def tuesday(caller, callee, clock=None, until=None, **columns):
    """A pair of Tuesday, with its first and last call."""
    first = clock and at(clock, TUESDAY)
    return contact(TUESDAY, caller, callee, first_call_at=first, last_call_at=at(until, TUESDAY) if until else first,
                   **columns)


TUESDAY_PAIRS = [
    # A second short of a day after Monday's call; Quy calls back a microsecond later, and Pho not after that.
    tuesday(PHO, QUY, "09:00", messages=1, repeats_within_24h=1, is_called_back=True),
    tuesday(QUY, PHO, "09:00:00.000001", messages=1),
    # Ry's last call begins with Pho's only one, which comes after Ry's first.
    tuesday(PHO, RY, "09:00:30", answered=0),
    tuesday(RY, PHO, "08:00", "09:00:30", calls=2, answered=2, messages=1, repeats_within_24h=2, is_called_back=True),
    tuesday(PHO, SAU, "09:01:30", "09:03:10", calls=2, answered=2, repeats_within_24h=1, is_new=True),
    tuesday(PHO, ("national_short", "156"), "07:59:59", is_new=True),
    # Known by Sunday's message, the other way round.
    tuesday(PHO, STRANGER, "16:59:59", "17:00", calls=2, answered=0, repeats_within_24h=1),
    tuesday(ABROAD, PHO, "10:00", is_new=True),
    tuesday(ABROAD, QUY, "10:00:59.999999", is_new=True),
    tuesday(ABROAD, RY, "10:01", is_new=True),
    tuesday(("sender_name", "Shop"), PHO, calls=0, answered=0, messages=1, is_new=True),
]


# --- Whom one knows, with remembered_days = 7 ------------------------------------------------------------------------

WEEKS = [MONDAY + datetime.timedelta(7 * place) for place in (-3, -2, -1, 0)]
FIRST, SECOND, THIRD, FOURTH = WEEKS


def after(week, days):
    return week + datetime.timedelta(days)


KNOWN_CONTACTS = [
    contact(after(FIRST, 1), PHO, QUY, calls=2),
    contact(SECOND, QUY, PHO, calls=0, answered=0, messages=1),
    # Forgotten by the third state, met again in the fourth week.
    contact(after(FIRST, 2), SAU, RY),
    contact(FOURTH, SAU, RY),
    # Met again while the second state still knew of it, on the last day of the third week.
    contact(after(FIRST, 2), AN, BINH),
    contact(after(THIRD, 6), AN, BINH),
    # Ends without a number, both ways; a number of another length, and one that calls itself.
    contact(after(FIRST, 1), PHO, ("national_short", "156")),
    contact(after(FIRST, 1), ("sender_name", "Shop"), PHO, calls=0, answered=0, messages=1),
    contact(after(FIRST, 1), ABROAD, AN),
    contact(after(FIRST, 1), DUNG, DUNG),
    # The week that goes on is nobody's state yet.
    contact(after(FOURTH, 7), AN, CUC),
]


def known(week, history_days, ends, first_day, last_day=None, **columns):
    """A pair in the state of a week: the lower end first."""
    low, high, low_name, high_name = ends
    row = dict(week=week, low=low, high=high, low_name=low_name, high_name=high_name, first_day=first_day,
               last_day=last_day or first_day, calls_up=0, calls_down=0, messages_up=0, messages_down=0,
               history_days=history_days)
    return row | columns


def numbers(low, high):
    return low, high, None, None


# From Pho's side: "e164" comes before "national_short" and "sender_name".
SHORT = (None, None, "e164 84913000001", "national_short 156")
SHOP = (None, None, "e164 84913000001", "sender_name Shop")

# Met on one day of the first week and never again: known for one week more.
ONCE = [(SHORT, after(FIRST, 1), dict(calls_up=1)), (SHOP, after(FIRST, 1), dict(messages_down=1)),
        (numbers(AN, ABROAD), after(FIRST, 1), dict(calls_down=1)), (numbers(DUNG, DUNG), after(FIRST, 1), dict(calls_up=1)),
        (numbers(RY, SAU), after(FIRST, 2), dict(calls_down=1))]

STATES = [
    *(known(week, days, ends, on, **columns) for week, days in ((FIRST, 2), (SECOND, 3)) for ends, on, columns in ONCE),
    known(FIRST, 2, numbers(QUY, PHO), after(FIRST, 1), calls_down=2),
    known(FIRST, 2, numbers(AN, BINH), after(FIRST, 2), calls_up=1),
    known(SECOND, 3, numbers(QUY, PHO), after(FIRST, 1), SECOND, calls_down=2, messages_up=1),
    known(SECOND, 3, numbers(AN, BINH), after(FIRST, 2), calls_up=1),
    # Seven days before the third Monday are remembered, and no longer.
    known(THIRD, 4, numbers(QUY, PHO), after(FIRST, 1), SECOND, calls_down=2, messages_up=1),
    known(THIRD, 4, numbers(AN, BINH), after(FIRST, 2), after(THIRD, 6), calls_up=2),
    known(FOURTH, 5, numbers(AN, BINH), after(FIRST, 2), after(THIRD, 6), calls_up=2),
    known(FOURTH, 5, numbers(RY, SAU), FOURTH, calls_down=1),
]


# --- Building and spoiling lakes -------------------------------------------------------------------------------------


def write(lake, contract, rows, mode="error"):
    schema = pa.schema([pa.field(c.name, ARROW[c.type], c.null) for c in contract.columns])
    # A row with too few or too many columns is a mistake in this file.
    for row in rows:
        assert sorted(row) == sorted(contract.names), f"{contract.name}: {set(row) ^ set(contract.names)}"
    table = pa.Table.from_pylist(rows, schema=schema)
    write_deltalake(os.path.join(lake, contract.name), table, mode=mode, partition_by=contract.partition or None)


def build(lake, schemas, rows):
    for name, contract in schemas.items():
        write(lake, contract, rows.get(name, []))


def run(lake, schemas, values, wanted=None):
    """What the check finds wrong, by name, and all that it said."""
    said = io.StringIO()
    findings = Findings()
    with contextlib.redirect_stdout(said):
        check.check(lake, wanted or list(schemas), None, False, schemas, values, findings, connect("1GB"))
    return findings.failed, said.getvalue()


def differences(schema, expected, actual):
    """Rows by hand against rows worked out, as text; empty when all is as it should be."""
    texts = [] if len(expected) == len(actual) else [f"{len(expected)} rows by hand, {len(actual)} worked out"]
    by_key = {tuple(row[name] for name in schema.key): row for row in actual}
    for row in expected:
        key = tuple(row[name] for name in schema.key)
        found = by_key.pop(key, None)
        if found is None:
            texts.append(f"{key} was not worked out")
            continue
        for name in schema.names:
            wanted, got = row[name], found[name]
            is_near = isinstance(wanted, float) and isinstance(got, float) and abs(wanted - got) < 1e-12
            if wanted != got and not is_near:
                texts.append(f"{key} {name}: by hand {wanted}, worked out {got}")
    return texts + [f"{key} was worked out, and is not by hand" for key in by_key]


def rows_of(con, contract):
    """The `expected` table as rows. Instants come as microseconds, so that no time zone has a say."""
    picked = [f'epoch_us("{c.name}")' if c.type == "timestamp" else f'"{c.name}"' for c in contract.columns]
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    rows = []
    for values in con.execute(f"SELECT {', '.join(picked)} FROM expected").fetchall():
        rows.append({
            c.name: epoch + datetime.timedelta(microseconds=v) if c.type == "timestamp" and v is not None else v
            for c, v in zip(contract.columns, values)})
    return rows


def opened(lake, schemas, names):
    con = connect("1GB")
    for name in names:
        assert open_table(con, lake, schemas[name], Findings(quiet=True)), name
    return con


# What is checked in the lake of the days.
DAYS = ["contact_day", "caller_day", "report_check"]


def report(report_id, reporter, source, clock, kind="spam_call", day=MONDAY, called_at=None, sources=None):
    return dict(day=day, report_id=report_id, channel="sms_156", reporter=reporter, kind=kind, source_kind="e164",
                source=source, source_raw=None, content="", needs_human=False, reported_at=at(clock, day),
                source_partition=-1, source_offset=int(report_id[1:]), loaded_at=at("23:00", day), source_id=None,
                scam_form=None, parse_level=1, called_at=called_at, evidence=None, message=None, entities=None,
                province=None, sources=sources)


def checked(told, state, **columns):
    row = {name: told[name] for name in ("day", "channel", "report_id", "reporter", "source", "kind", "reported_at")}
    return row | dict(state=state, first_call_at=None, calls=0, answered=0, messages=0, is_repeated=False,
                      record_numbers=0, record_matched=0, weight=1.0, carrier=None, route_to=None,
                      place=None) | columns


# Pho called Quy at 09:00:01 on Monday, Ry called Pho at 09:00; what is only shown or sent on was no call.
REPORTS = [
    report("p1", QUY, PHO, "09:00:01"),
    report("p2", QUY, PHO, "09:00:00"),
    report("p3", RY, PHO, "10:00"),
    report("p4", SAU, PHO, "13:00"),
    report("p5", QUY, PHO, "10:00", kind="spam_sms"),
    # Half a day around the named time is Saturday and Sunday.
    report("p6", QUY, PHO, "10:00", called_at=at("11:00", MONDAY - datetime.timedelta(days=1))),
    report("p7", QUY, PHO, "10:00", called_at=at("09:30")),
    # The second of a list called, and not the first, whose call alone is said to have been on Sunday.
    report("p8", QUY, SAU, "10:00", called_at=at("11:00", MONDAY - datetime.timedelta(days=1)), sources=f"{SAU}|{PHO}"),
]
CHECKS = [
    checked(REPORTS[0], "matched", first_call_at=at("09:00:01"), calls=1, answered=1),
    checked(REPORTS[1], "outside_window", first_call_at=at("09:00:01"), calls=1, answered=1),
    checked(REPORTS[2], "other_direction"),
    checked(REPORTS[3], "no_such_call"),
    checked(REPORTS[4], "not_here_yet", first_call_at=at("09:00:01"), calls=1, answered=1),
    checked(REPORTS[5], "outside_window"),
    checked(REPORTS[6], "matched", first_call_at=at("09:00:01"), calls=1, answered=1),
    checked(REPORTS[7], "not_here_yet", place=0),
    checked(REPORTS[7] | dict(source=PHO), "matched", first_call_at=at("09:00:01"), calls=1, answered=1, place=1),
]


def self_test(schemas):
    defaults = {name: default for name, (_, _, default) in PARAMETERS.items()}
    failures = []

    def hold(name, problems):
        failures.extend(f"{name}: {problem}" for problem in problems)
        print(f"{'ok' if not problems else 'WRONG'} {name}")
        for problem in problems:
            print(f"    {problem}")

    with tempfile.TemporaryDirectory() as folder:
        # Each case of the fold alone, so that a wrong one is named; the records of a case meet no others.
        fold_lake = os.path.join(folder, "fold")
        rows = {
            "call_record": [row for _, records, _ in CALLS for row in records],
            "call_event": [row for _, _, events in CALLS for row in events],
            "sms_record": [row for _, records, _ in MESSAGES for row in records],
            "sms_event": [row for _, _, events in MESSAGES for row in events],
            "trunk": TRUNKS,
            "subscriber": SUBSCRIBERS,
        }
        build(fold_lake, schemas, rows)
        con = opened(fold_lake, schemas, ["call_record", "sms_record", "trunk", "subscriber"])
        con.execute(SUBSCRIPTION)
        for table, stories in (("call_event", CALLS), ("sms_event", MESSAGES)):
            worked_out = []
            for day in check.days_of(con, [check.INPUTS[table][0]], None):
                expect_events(con, schemas[table], day, defaults)
                worked_out += rows_of(con, schemas[table])
            for story, records, events in stories:
                ids = {row["record_id"] for row in records}
                hold(f"{table}: {story}", differences(
                    schemas[table], events, [row for row in worked_out if row["record_id"] in ids]))
            total = sum(len(records) for _, records, _ in stories)
            hold(f"{table}: no record is lost or told twice",
                 [] if sum(row["records"] for row in worked_out) == total else [f"{total} records"])

        # The days of the parties.
        day_lake = os.path.join(folder, "day")
        values = defaults | {"min_history_days": 2}
        build(day_lake, schemas, {
            "call_event": DAY_CALLS, "sms_event": DAY_MESSAGES, "do_not_call": DO_NOT_CALL,
            "citizen_report": REPORTS, "report_check": CHECKS})
        con = opened(day_lake, schemas, ["call_event", "sms_event", "do_not_call"])
        con.execute(CONTACT)
        contract = schemas["caller_day"]
        expect_caller_day(con, contract, TUESDAY, values)
        hold("caller_day: every party of Tuesday", differences(contract, TUESDAY_PARTIES, rows_of(con, contract)))
        expect_caller_day(con, contract, TUESDAY, defaults)
        hold("caller_day: with too short a history nobody is new", differences(
            contract, [row | dict(new_callees=None, new_callee_call_share=None) for row in TUESDAY_PARTIES],
            rows_of(con, contract)))
        expect_caller_day(con, contract, MONDAY - datetime.timedelta(1), values)
        hold("caller_day: Sunday has no history", [
            f"{row['history_days']} days" for row in rows_of(con, contract) if row["history_days"] != 0])
        write(day_lake, contract, TUESDAY_PARTIES, mode="append")
        contract = schemas["contact_day"]
        expect_contact_day(con, contract, TUESDAY, values)
        hold("contact_day: every pair of Tuesday", differences(contract, TUESDAY_PAIRS, rows_of(con, contract)))
        write(day_lake, contract, TUESDAY_PAIRS, mode="append")

        # The states of the weeks.
        known_lake = os.path.join(folder, "known")
        values["remembered_days"] = 7
        build(known_lake, schemas, {"contact_day": KNOWN_CONTACTS, "relation": STATES})
        con = opened(known_lake, schemas, ["contact_day", "relation"])
        con.execute(SPELL.format(**values))
        contract = schemas["relation"]
        hold("relation: the weeks that a later day asks for", [] if check.weeks_of(con, None) == WEEKS else ["others"])
        for week in WEEKS:
            expect_relation(con, contract, week, values)
            hold(f"relation: the state of {week}", differences(
                contract, [row for row in STATES if row["week"] == week], rows_of(con, contract)))

        # The check as a whole: silent on lakes that are right.
        failed, said = run(fold_lake, schemas, defaults)
        hold("the lake of the fold passes", [said] if failed else [])
        failed, said = run(day_lake, schemas, values, DAYS)
        hold("the lake of the days passes", [said] if failed else [])
        failed, said = run(known_lake, schemas, values, ["relation"])
        hold("the lake of the states passes", [said] if failed else [])

        spoil(folder, (fold_lake, day_lake, known_lake), schemas, (defaults, values), hold)

    print(f"{'ok' if not failures else 'WRONG'} self-test failures={len(failures)}")
    return 1 if failures else 0


def spoil(folder, lakes, schemas, parameters, hold):
    """One thing wrong at a time, in a copy of a lake; each must be noticed under its name."""
    fold_lake, day_lake, known_lake = lakes
    defaults, values = parameters
    # Without the caller_day of its events the lake of the fold has only empty days there.
    checked = {fold_lake: (defaults, None), day_lake: (values, DAYS), known_lake: (values, ["relation"])}

    def change(name, row, **columns):
        def spoiled(lake):
            table = DeltaTable(os.path.join(lake, name)).to_pyarrow_table().to_pylist()
            at_row = next(i for i, found in enumerate(table) if all(found[k] == v for k, v in row.items()))
            if columns:
                table[at_row] |= columns
            else:
                del table[at_row]
            shutil.rmtree(os.path.join(lake, name))
            write(lake, schemas[name], table)
        return spoiled

    def forget(name, row):
        def spoiled(lake):
            table = DeltaTable(os.path.join(lake, name)).to_pyarrow_table().to_pylist()
            shutil.rmtree(os.path.join(lake, name))
            write(lake, schemas[name], [kept for kept in table if any(kept[k] != v for k, v in row.items())])
        return spoiled

    def add(name, row):
        return lambda lake: write(lake, schemas[name], [row], mode="append")

    def rewrite(name, schema, partition=("day",), **options):
        def spoiled(lake):
            shutil.rmtree(os.path.join(lake, name))
            write_deltalake(os.path.join(lake, name), schema.empty_table(), partition_by=list(partition) or None,
                            **options)
        return spoiled

    def arrow(name):
        return pa.schema([pa.field(c.name, ARROW[c.type], c.null) for c in schemas[name].columns])

    def reject(offset):
        # The broker may name a topic otherwise than its contract.
        return dict(day=MONDAY, topic="bccs.cdr", table_name="call_record", source_id=KAFKA, source_partition=0,
                    source_offset=offset, kafka_at=None, schema_id=None, reason="truncated", detail="", key=None,
                    payload=b"\x00", headers=None, code_version="", loaded_at=at("23:00"))

    survey = arrow("survey_answer")
    taken = CALLS[0][1][0]["source_offset"]
    missing = [dict(record_id="pair-o")]
    cases = [
        ("a changed duration", fold_lake, change("call_event", *missing, duration_s=61), ["call_event.rows"]),
        ("a changed instant, by a microsecond", fold_lake,
         change("call_event", *missing, start_at=at("10:00:02.000001")), ["call_event.rows"]),
        ("a null where a value belongs", fold_lake, change("call_event", *missing, callee_cell=None),
         ["call_event.rows"]),
        ("a row less", fold_lake, change("call_event", *missing), ["call_event.rows", "call_record.total"]),
        ("a row more", fold_lake, add("sms_event", message_event("originating", "more", AN, BINH, at("03:00"))),
         ["sms_event.rows", "sms_record.total"]),
        ("an event on a day without records", fold_lake,
         add("call_event", event("originating", "more", AN, BINH, at("03:00", WEDNESDAY + datetime.timedelta(1)))),
         ["call_event.rows", "call_record.total"]),
        ("a row twice", fold_lake, add("call_event", CALLS[0][2][0]),
         ["call_event", "call_event.rows", "call_record.total"]),
        ("a record on another day than its start", fold_lake,
         change("sms_record", dict(record_id="sms-4"), day=TUESDAY), ["sms_record", "sms_event.rows"]),
        ("a number on a party of another kind", fold_lake,
         change("call_record", dict(record_id="hidden-1"), caller=84912000001), ["call_record", "call_event.rows"]),
        ("an offset taken twice in one table", fold_lake,
         change("call_record", dict(record_id="pair-o"), source_offset=taken), ["call_record", "call_record.offsets"]),
        ("an offset both row and reject", fold_lake, add("reject", reject(taken)), ["call_record.offsets"]),
        ("an offset of a dropped file is no matter", fold_lake,
         add("reject", reject(taken) | dict(source_id="file/0")), []),
        ("an offset of another topic is no matter", fold_lake,
         add("reject", reject(taken) | dict(table_name="sms_record", source_offset=999_999)), []),
        ("no such table", fold_lake, lambda lake: shutil.rmtree(os.path.join(lake, "brandname")), ["brandname"]),
        ("no such input", fold_lake, lambda lake: shutil.rmtree(os.path.join(lake, "trunk")),
         ["trunk", "call_event.rows", "sms_event.rows"]),
        ("columns in another order", fold_lake, rewrite("survey_answer", pa.schema(list(survey)[::-1])),
         ["survey_answer"]),
        ("a column less", fold_lake, rewrite("survey_answer", survey.remove(1)), ["survey_answer"]),
        ("a column of another type", fold_lake, rewrite(
            "survey_answer", survey.set(survey.get_field_index("source_offset"),
                                        pa.field("source_offset", pa.int32(), False))), ["survey_answer"]),
        ("a column that may be null", fold_lake, rewrite(
            "survey_answer", survey.set(survey.get_field_index("source_offset"),
                                        pa.field("source_offset", pa.int64(), True))), ["survey_answer"]),
        ("an instant without a zone", fold_lake, rewrite(
            "survey_answer", survey.set(survey.get_field_index("loaded_at"),
                                        pa.field("loaded_at", pa.timestamp("us"), False))), ["survey_answer"]),
        ("not partitioned", fold_lake, rewrite("survey_answer", survey, ()), ["survey_answer"]),
        ("deletion vectors", fold_lake, rewrite(
            "survey_answer", survey, configuration={"delta.enableDeletionVectors": "true"}), ["survey_answer"]),
        ("a changed count of a party", day_lake, change("caller_day", dict(caller=PHO), sequential_calls=3),
         ["caller_day.rows"]),
        ("a share off by a billionth", day_lake, change("caller_day", dict(caller=PHO), out_share=7 / 12 + 1e-9),
         ["caller_day.rows"]),
        ("a share in another order of summing", day_lake,
         change("caller_day", dict(caller=PHO), out_share=7 / 12 * (1 + 4e-16)), []),
        ("a share that is no number", day_lake, change("caller_day", dict(caller=PHO), out_share=float("nan")),
         ["caller_day.rows"]),
        ("a share that is boundless", day_lake, change("caller_day", dict(caller=PHO), out_share=float("inf")),
         ["caller_day.rows"]),
        ("a party of no number less", day_lake, change("caller_day", dict(caller_name="Shop")), ["caller_day.rows"]),
        ("a pair that is no stranger after all", day_lake, change("contact_day", dict(callee=SAU), is_new=False),
         ["contact_day.rows"]),
        ("a report that is taken for matched", day_lake,
         change("report_check", dict(report_id="p2"), state="matched"), ["report_check.matched"]),
        ("a call from home that is said to show a false number", day_lake,
         change("report_check", dict(report_id="p1"), state="false_number"), ["report_check.matched"]),
        ("a report that is not checked", day_lake, forget("report_check", dict(report_id="p4")),
         ["report_check.matched"]),
        ("a second number of a list that is not checked", day_lake, forget("report_check", dict(report_id="p8", place=1)),
         ["report_check.matched"]),
        ("a second number of a list that is taken for wrong", day_lake,
         change("report_check", dict(report_id="p8", place=1), state="no_such_call"), ["report_check.matched"]),
        ("a call too many behind a report", day_lake, change("report_check", dict(report_id="p1"), calls=2),
         ["report_check.matched"]),
        ("a pair less", day_lake, change("contact_day", dict(caller_name="Shop")), ["contact_day.rows"]),
        ("a pair that was forgotten and is still known", known_lake,
         add("relation", known(FOURTH, 5, numbers(QUY, PHO), after(FIRST, 1), SECOND, calls_down=2, messages_up=1)),
         ["relation.rows"]),
        ("an old first day after a pair was forgotten", known_lake,
         change("relation", dict(week=FOURTH, low=RY), first_day=after(FIRST, 2)), ["relation.rows"]),
        ("calls the other way round", known_lake,
         change("relation", dict(week=FIRST, high=ABROAD), calls_up=1, calls_down=0), ["relation.rows"]),
        ("a week without a state", known_lake, forget("relation", dict(week=SECOND)), ["relation.rows"]),
        ("a contact that no state has", known_lake, add("contact_day", contact(after(THIRD, 1), CUC, DUNG)),
         ["relation.rows"]),
        ("a state of the week that goes on is no matter", known_lake,
         add("relation", known(after(FOURTH, 7), 6, numbers(AN, CUC), after(FOURTH, 7))), []),
        ("a day's rows twice", day_lake, add("caller_day", TUESDAY_PARTIES[-1]), ["caller_day", "caller_day.rows"]),
    ]
    for i, (name, lake, spoiled, expected) in enumerate(cases):
        copy = os.path.join(folder, f"spoilt-{i}")
        shutil.copytree(lake, copy)
        spoiled(copy)
        failed, said = run(copy, schemas, *checked[lake])
        problems = [] if failed == expected else [f"failed {failed}, not {expected}", said]
        # Not even a wrong row may show a number.
        problems += [f"shows {number}" for number in (AN, BINH, CUC, DUNG, PHO, QUY) if str(number) in said]
        hold(f"noticed: {name}" if expected else f"let pass: {name}", problems)
        shutil.rmtree(copy)
