"""Invented calls for the comparison: a week of `call_event` and `sms_event`, and what had arrived of its first day.

    python benches/peers/make.py DIR --calls 30000000

In: a folder, a number of calls, a seed. Out: `call_event/day=…/part-*.parquet` as the pipeline leaves them (sorted by
the contract's `cluster`, nulls last; two files a day, cut where a caller ends), `sms_event`, and of the first day
`call_record/day=…/hour-*.parquet` as they arrived (both ends of each call, one in a hundred sent twice, in no order),
with `subscriber` and `trunk`. Never: more than a day in memory, or a column that `schemas/table/` does not say.

There is a caller for each thirty calls; most make a handful a day, four in a thousand make hundreds. `PEOPLE` and
`SHARES` hold the mix.
"""

import argparse
import collections
import datetime
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

CONTRACTS = Path(__file__).resolve().parents[2] / "schemas/table"
FIRST_DAY = datetime.date(2025, 1, 6)
DAYS = 7
OFFSET_S = 7 * 3600  # Vietnam is seven hours ahead, all year
DAY_S = 86_400
US = 1_000_000

# Kinds of people: share of all, calls a day from and to. The first kind makes what is left over.
PEOPLE = {
    "ordinary": (0.9957, 0, 0),
    "busy": (0.003, 100, 400),
    "burst": (0.0008, 200, 1_200),
    "dialler": (0.0005, 200, 800),
}
ORDINARY, BUSY, BURST, DIALLER = range(4)
OUTSIDE_SHARE = 0.15  # of people: other operators' and foreign numbers, whose calls to us alone are seen
FOREIGN_SHARE = 0.2  # of those
ACTIVE_SHARE = 0.7  # of ordinary people, on any day
BACK_SHARE = 0.11  # of calls: somebody called returns the call, so that about 15 % of pairs are called back
CIRCLE = 16  # people whom one knows
STRANGER_SHARE = 0.12  # of ordinary calls

# Shares of calls that are something else than one number calling another.
SHARES = {
    "to_short": 0.005, "to_invalid": 0.0002, "anonymous": 0.002, "sender_name": 0.001, "from_short": 0.001,
    "from_invalid": 0.0003, "forwarded": 0.003, "spoofed": 0.002, "leaderless": 0.001, "own_number": 0.0001,
}
RESENT_SHARE = 0.01  # of records
SHORT_NUMBERS = ["198", "18001091", "18008098", "19001900", "115", "113", "19006868", "1414"]
SENDERS = ["SACOMBANK", "VIETCOMBANK", "GHTK", "SHOPEE", "EVNHCMC", "BIDV", "TIKI", "VNPOST", "MOMO", "FPT"]
INVALID = ["01234567890", "0000", "+84", "99999999999999999"]
# Of those, the ones that leave an end without a number: which end, its kind, what it may be named.
NAMELESS = {
    "to_short": ("callee", "national_short", SHORT_NUMBERS),
    "to_invalid": ("callee", "invalid", INVALID),
    "anonymous": ("caller", "anonymous", [""]),
    "sender_name": ("caller", "sender_name", SENDERS),
    "from_short": ("caller", "national_short", SHORT_NUMBERS),
    "from_invalid": ("caller", "invalid", INVALID),
}
NATIONAL, INTERNATIONAL, VOIP = "VTL1", "INT1", "SIP9"

# Weights of the hours of a day.
HOURS = np.array([2, 1, 1, 1, 1, 3, 12, 35, 55, 62, 60, 55, 40, 42, 55, 58, 60, 62, 55, 50, 45, 30, 15, 6], dtype=float)
# As `src/lake/mod.rs` writes: what hardly ever comes twice has no dictionary, what lies close to the value before it is
# written as differences.
UNIQUE = ["record_id", "report_id", "call_ref", "message_ref"]
NEAR = ["start_at", "reported_at", "source_offset", "caller", "callee", "first_call_at", "last_call_at"]
FORMAT = 3  # of the files: 2 writes numbers as differences, 3 addresses without a number in a column of their own
# What a leading record says in the same words as the call.
LED = """record_type record_id call_ref caller caller_kind caller_raw callee callee_kind callee_raw start_at ring_s
    duration_s is_answered release_cause trunk""".split()
CHUNKS = 8  # of a day, so that what is in hand stays small


def contract(table):
    return tomllib.loads((CONTRACTS / f"{table}.toml").read_text())


def schema(table):
    """The table's columns, without those that name its folders."""
    wanted = contract(table)
    types = {"utf8": pa.string(), "int64": pa.int64(), "int32": pa.int32(), "bool": pa.bool_(), "date": pa.date32(),
             "timestamp": pa.timestamp("us", "UTC")}
    inside = [column for column in wanted["columns"] if column["name"] not in wanted["partition"]]
    return pa.schema([pa.field(column["name"], types[column["type"]], column.get("null", False)) for column in inside])


def write(table, rows, path):
    wanted = schema(table)
    rows = rows.select(wanted.names).cast(wanted).combine_chunks()
    rows.validate(full=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    near = [name for name in NEAR if name in wanted.names]
    pq.write_table(rows, path, compression="zstd", compression_level=1, row_group_size=1 << 20,
                   use_dictionary=[name for name in wanted.names if name not in UNIQUE + NEAR],
                   column_encoding={name: "DELTA_BINARY_PACKED" for name in near})


def mix(values):
    """A number that looks like chance and is always the same for the same value (splitmix64)."""
    mixed = np.asarray(values, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def masked(values, keep):
    return pa.array(values, mask=~keep)


def instants(seconds):
    return pa.array(seconds * US, pa.timestamp("us", "UTC"))


def midnight_s(day):
    """The local midnight before a day, in seconds of UTC."""
    return (day - datetime.date(1970, 1, 1)).days * DAY_S - OFFSET_S


# --- who calls ---


class Town:
    """Everybody who calls or is called; the first `ours` of them are our subscribers."""

    def __init__(self, calls, random):
        self.size = max(2_000, calls // 30)
        self.ours = int(self.size * (1 - OUTSIDE_SHARE))
        foreign = int(self.size * OUTSIDE_SHARE * FOREIGN_SHARE)
        step = 90_000_000 // self.size
        self.numbers = 84_900_000_000 + np.arange(self.size) * step + random.integers(0, step, self.size)
        self.numbers[self.size - foreign:] = 447_000_000_000 + np.arange(foreign) * 7
        self.kinds = random.choice(len(PEOPLE), self.size, p=[share for share, _, _ in PEOPLE.values()])
        self.kinds[self.ours:] = ORDINARY
        per_day = calls / DAYS * (1 - BACK_SHARE)
        self.rates = np.zeros(self.size)
        for kind, (_, least, most) in enumerate(PEOPLE.values()):
            of_kind = self.kinds == kind
            self.rates[of_kind] = random.uniform(least, most, of_kind.sum())
        ordinary = self.kinds == ORDINARY
        weights = random.lognormal(0, 0.9, self.size) * np.where(np.arange(self.size) < self.ours, 1.0, 0.5)
        left = max(per_day - self.rates.sum(), per_day / 3)
        self.rates[ordinary] = (weights / weights[ordinary].sum() * left)[ordinary]

    def is_ours(self, people):
        return people < self.ours

    def circle(self, people, slots):
        """Whom each of these people knows in each place of their circle."""
        picked = mix(people * CIRCLE + slots)
        # Only calls with an end of ours are seen.
        return (picked % np.where(self.is_ours(people), self.size, self.ours).astype(np.uint64)).astype(np.int64)


def places_in_circle(count, random):
    return np.minimum(random.exponential(3, count).astype(np.int64), CIRCLE - 1)


def times_of_day(count, random):
    hours = np.searchsorted(np.cumsum(HOURS) / HOURS.sum(), random.random(count))
    return hours * 3_600 + random.integers(0, 3_600, count)


def first_calls(town, count, random):
    """Who calls whom when and for how long, before anybody calls back; times are seconds of the local day."""
    active = (town.kinds != ORDINARY) | (random.random(town.size) < ACTIVE_SHARE)
    weights = np.cumsum(town.rates * active)
    callers = np.sort(np.searchsorted(weights, random.random(count) * weights[-1], side="right"))
    kinds = town.kinds[callers]
    strangers = random.integers(0, np.where(town.is_ours(callers), town.size, town.ours))
    is_stranger = random.random(count) < np.choose(kinds, [STRANGER_SHARE, 0.6, 1, 1])
    callees = np.where(is_stranger, strangers, town.circle(callers, places_in_circle(count, random)))
    callees = np.where(callees == callers, (callees + 1) % town.ours, callees)

    is_answered = random.random(count) < np.choose(kinds, [0.7, 0.7, 0.45, 0.4])
    talk = np.where(kinds >= BURST, random.exponential(18, count), random.lognormal(4, 1.1, count))
    duration_s = np.where(is_answered, np.clip(talk, 1, 7_200), 0).astype(np.int32)
    ring_s = random.integers(2, 28, count).astype(np.int32)

    at_s = np.where(kinds == BUSY, random.integers(8 * 3_600, 18 * 3_600, count), times_of_day(count, random))
    # Who works down a list dials on when the call has ended, some with several calls at once.
    place = np.arange(count) - np.searchsorted(callers, callers)
    waits = random.random(count) < 0.9
    paces = np.cumsum((duration_s + ring_s) * waits + random.exponential(25, count).astype(np.int64))
    since = paces - paces[np.arange(count) - place]
    begin = 8 * 3_600 + (mix(callers) % np.uint64(7_200)).astype(np.int64)
    at_s = np.where(kinds >= BURST, begin + since % (10 * 3_600), at_s)

    numbers = town.numbers[callees]
    # A dialler counts upwards through another operator's numbers; `-1` stands for somebody who is not in town.
    is_dialled = kinds == DIALLER
    lists = 84_360_000_000 + (mix(callers) % np.uint64(9_000_000)).astype(np.int64)
    return {
        "caller_id": callers, "callee_id": np.where(is_dialled, -1, callees),
        "caller": town.numbers[callers], "callee": np.where(is_dialled, lists + place * 3, numbers),
        "at_s": at_s, "ring_s": ring_s, "duration_s": duration_s, "is_answered": is_answered,
    }


def day_of_calls(town, count, random):
    """First calls of a day and those who call back, later on the day."""
    backs = int(count * BACK_SHARE)
    calls = first_calls(town, count - backs, random)
    returnable = np.flatnonzero((calls["callee_id"] >= 0) & (town.kinds[calls["caller_id"]] < BURST))
    chosen = random.choice(returnable, min(backs, len(returnable)), replace=False)
    back = {name: values[chosen] for name, values in calls.items()}
    for one, other in [("caller", "callee"), ("caller_id", "callee_id")]:
        back[one], back[other] = back[other], back[one]
    later = back["at_s"] + 30 + random.exponential(3_600, len(chosen)).astype(np.int64)
    rest = back["at_s"] + random.integers(0, DAY_S - back["at_s"])
    back["at_s"] = np.where(later < DAY_S, later, rest)
    # What is missing for want of returnable calls is made up for by more first calls.
    missing = backs - len(chosen)
    parts = [calls, back] + ([first_calls(town, missing, random)] if missing else [])
    return {name: np.concatenate([part[name] for part in parts]) for name in calls}


# --- the table of what happened ---


def parties(kinds, numbers, names):
    """The columns of one end: number, kind, address as signalled, and again where that is all there is."""
    is_numbered = kinds == "e164"
    is_home = numbers // 1_000_000_000 == 84
    digits = pc.cast(pa.array(np.where(is_home, numbers - 84_000_000_000, numbers)), pa.string())
    raw = pc.binary_join_element_wise(pc.if_else(pa.array(is_home), "0", "00"), digits, "")
    raw = pc.if_else(pa.array(is_numbered), raw, pa.array(names))
    return masked(numbers, is_numbered), pa.array(kinds), raw, pc.if_else(pa.array(is_numbered), None, raw)


def record_ids(base, places, day):
    """Ids of fixed width, each used once."""
    numbers = pc.cast(pa.array(base + (day - FIRST_DAY).days * 1_000_000_000 + places), pa.string())
    switches = pa.array(["HN1-", "HN2-", "SG1-", "SG2-", "DN1-"]).take(pa.array(mix(places) % np.uint64(5)))
    return pc.binary_join_element_wise(switches, numbers, "")


def oddities(from_ours, to_ours, random):
    """Which calls are something else than one number calling another; each is at most one of these."""
    chance = random.random(len(from_ours))
    odd, edge = {}, 0.0
    for name, share in SHARES.items():
        odd[name] = (chance >= edge) & (chance < edge + share)
        edge += share
    for name in ["to_short", "to_invalid", "own_number"]:
        odd[name] &= from_ours
    for name in ["anonymous", "sender_name", "from_short", "from_invalid"]:
        odd[name] &= to_ours
    for name in ["forwarded", "spoofed", "leaderless"]:
        odd[name] &= from_ours & to_ours
    return odd


def ends(odd, end, random):
    """Kind and name of one end of each call; a number has no name."""
    count = len(odd["spoofed"])
    kinds, names = np.full(count, "e164", dtype=object), np.full(count, "", dtype=object)
    for name, (side, kind, pool) in NAMELESS.items():
        if side == end:
            kinds[odd[name]] = kind
            names[odd[name]] = np.array(pool, dtype=object)[random.integers(0, len(pool), odd[name].sum())]
    return kinds, names


def cells(people, random):
    """Some of us move: three cells each."""
    return 400_000 + (mix(people * 8 + random.integers(0, 3, len(people))) % np.uint64(20_000)).astype(np.int64)


def imeis(people, is_other):
    return 350_000_000_000_000 + (mix(people * 4 + is_other) >> np.uint64(24)).astype(np.int64)


def happened(town, calls, places, day, random):
    """All columns of `call_event` for some calls of a day; beside them what their records need.

    `places` are the calls' numbers in the order in which exchanges count them, whoever makes them.
    """
    count = len(places)
    from_ours = town.is_ours(calls["caller_id"])
    to_ours = town.is_ours(calls["callee_id"]) & (calls["callee_id"] >= 0)
    odd = oddities(from_ours, to_ours, random)
    caller_kinds, caller_names = ends(odd, "caller", random)
    callee_kinds, callee_names = ends(odd, "callee", random)
    callees = np.where(odd["own_number"], calls["caller"], calls["callee"])
    to_ours = (to_ours & (callee_kinds == "e164")) | odd["own_number"]
    from_ours &= (caller_kinds == "e164") & ~odd["spoofed"]

    leading = np.where(from_ours, "originating", "incoming_gateway").astype(object)
    leading[odd["forwarded"]] = "forwarded"
    leading[odd["leaderless"]] = "terminating"
    is_originating, is_gateway = leading == "originating", leading == "incoming_gateway"
    is_foreign = calls["caller"] // 1_000_000_000 != 84
    trunk_in = np.where(odd["spoofed"], VOIP, np.where(is_foreign, INTERNATIONAL, NATIONAL))
    origin = np.where(odd["spoofed"], "voip", np.where(is_foreign, "international", "national"))
    goes_out = is_originating & ~to_ours & (callee_kinds == "e164")
    has_end = goes_out | (to_ours & ~odd["leaderless"])
    late_s = 1 + (mix(places) % np.uint64(4)).astype(np.int64)
    resent = {name: random.random(count) < RESENT_SHARE for name in ["lead", "end"]}

    caller, caller_kind, caller_raw, caller_name = parties(caller_kinds, calls["caller"], caller_names)
    callee, callee_kind, callee_raw, callee_name = parties(callee_kinds, callees, callee_names)
    causes = np.where(calls["is_answered"], 16, np.array([17, 18, 19, 31])[random.integers(0, 4, count)])
    handsets = imeis(calls["caller_id"], random.random(count) < 0.02)

    def mostly(values, of):
        return masked(values, of & (random.random(count) < 0.99))

    columns = {
        "record_type": pa.array(leading),
        "record_id": record_ids(100_000_000_000, places, day),
        "call_ref": pc.cast(pa.array(places % (1 << 24)), pa.string()),
        "caller": caller, "caller_kind": caller_kind, "caller_raw": caller_raw, "caller_name": caller_name,
        "callee": callee, "callee_kind": callee_kind, "callee_raw": callee_raw, "callee_name": callee_name,
        "start_at": instants(midnight_s(day) + calls["at_s"]),
        "ring_s": masked(calls["ring_s"], random.random(count) < 0.98),
        "duration_s": pa.array(calls["duration_s"]),
        "is_answered": pa.array(calls["is_answered"]),
        "release_cause": mostly(causes.astype(np.int32), np.ones(count, dtype=bool)),
        "trunk": pc.if_else(pa.array(is_gateway), pa.array(trunk_in), masked(np.full(count, NATIONAL), goes_out)),
        "caller_cell": mostly(cells(calls["caller_id"], random), is_originating),
        "caller_imei": mostly(handsets, is_originating),
        "caller_imsi": masked(452_040_000_000_000 + calls["caller_id"], is_originating),
        "callee_cell": mostly(cells(calls["callee_id"], random), to_ours),
        "callee_imei": mostly(imeis(calls["callee_id"], False), to_ours),
        "callee_imsi": masked(452_040_000_000_000 + calls["callee_id"], to_ours),
        "origin": pa.array(np.where(is_gateway, origin, "onnet").astype(object)),
        "is_caller_onnet": pa.array(~is_gateway),
        "is_callee_onnet": pa.array(to_ours),
        "is_forwarded_leg": pa.array(odd["forwarded"]),
        "is_spoof_suspect": pa.array(odd["spoofed"]),
        "records": pa.array(1 + resent["lead"] + has_end * (1 + resent["end"])),
        "records_before": pa.array(np.zeros(count, np.int64)),
        "records_after": pa.array(has_end * (calls["at_s"] + late_s >= DAY_S) * (1 + resent["end"])),
    }
    return pa.table(columns), {"has_end": has_end, "to_ours": to_ours, "late_s": late_s, "resent": resent}


def sort(table, rows):
    keys = [(name, "ascending", "at_end") for name in contract(table)["cluster"]]
    return rows.take(pc.sort_indices(rows, sort_keys=keys)).combine_chunks()


def write_day(folder, town, day, calls, arrived, random):
    """A day of `call_event`, some callers at a time; `arrived`, if there is one, takes the records of it."""
    order = np.argsort(calls["caller"], kind="stable")
    calls = {name: values[order] for name, values in calls.items()}
    places = random.permutation(len(order))
    bounds = np.searchsorted(calls["caller"], calls["caller"][len(order) * np.arange(1, CHUNKS) // CHUNKS])
    bounds = [0, *bounds.tolist(), len(order)]
    rows, nameless = [], []
    for chunk in range(CHUNKS):
        some = slice(bounds[chunk], bounds[chunk + 1])
        if some.start < some.stop:
            some_calls = {name: values[some] for name, values in calls.items()}
            events, facts = happened(town, some_calls, places[some], day, random)
            if arrived:
                arrived.add(events, facts)
            has_number = pc.is_valid(events["caller"])
            rows.append(sort("call_event", events.filter(has_number)))
            nameless.append(events.filter(pc.invert(has_number)))
        if chunk == CHUNKS - 1:
            rows.append(sort("call_event", pa.concat_tables(nameless)))
        if chunk + 1 in (CHUNKS // 2, CHUNKS):
            part = (chunk + 1) // (CHUNKS // 2) - 1
            write("call_event", pa.concat_tables(rows), folder / f"call_event/day={day}/part-{part}.parquet")
            rows = []


def write_messages(folder, town, day, count, random):
    """A few short messages: between people who know each other, and from registered senders."""
    senders = random.integers(0, town.size, count)
    receivers = town.circle(senders, places_in_circle(count, random))
    is_ours, is_to_ours = town.is_ours(senders), town.is_ours(receivers)
    is_named = (random.random(count) < 0.2) & is_to_ours
    names = np.where(is_named, np.array(SENDERS, dtype=object)[random.integers(0, len(SENDERS), count)], "")
    kinds = np.where(is_named, "sender_name", "e164").astype(object)
    caller, caller_kind, caller_raw, caller_name = parties(kinds, town.numbers[senders], names)
    numbered = np.full(count, "e164", dtype=object)
    callee, callee_kind, callee_raw, callee_name = parties(numbered, town.numbers[receivers], names)
    is_spoofed = is_ours & is_to_ours & ~is_named & (random.random(count) < 0.005)
    from_ours = is_ours & ~is_named & ~is_spoofed
    places = random.permutation(count)
    none = pa.array(np.zeros(count, np.int64))
    messages = pa.table({
        "record_type": pa.array(np.where(from_ours, "originating", "incoming_gateway").astype(object)),
        "record_id": record_ids(500_000_000_000, places, day),
        "message_ref": pc.cast(pa.array(places % (1 << 16)), pa.string()),
        "caller": caller, "caller_kind": caller_kind, "caller_raw": caller_raw, "caller_name": caller_name,
        "sender_name": masked(names, is_named),
        "callee": callee, "callee_kind": callee_kind, "callee_raw": callee_raw, "callee_name": callee_name,
        "start_at": instants(midnight_s(day) + times_of_day(count, random)),
        "parts": pa.array(random.integers(1, 4, count).astype(np.int32)),
        "trunk": masked(np.full(count, NATIONAL), ~from_ours),
        "caller_imei": masked(imeis(senders, False), from_ours),
        "is_caller_onnet": pa.array(from_ours),
        "is_callee_onnet": pa.array(is_to_ours),
        "is_spoof_suspect": pa.array(is_spoofed),
        "records": pa.array(np.ones(count, np.int64)), "records_before": none, "records_after": none,
    })
    write("sms_event", sort("sms_event", messages), folder / f"sms_event/day={day}/part-0.parquet")


# --- what arrived ---


class Arrived:
    """The records of a day's calls, by local day and hour of their start."""

    def __init__(self, folder, random):
        self.folder, self.random = folder, random
        self.hours = collections.defaultdict(list)

    def add(self, events, facts):
        leads = leading_records(events)
        others, is_resent = end_records(events, facts)
        again = [leads.filter(pa.array(facts["resent"]["lead"])), others.filter(pa.array(is_resent))]
        records = pa.concat_tables([leads, others, *again])
        hours = (records["start_at"].cast(pa.int64()).to_numpy() // US + OFFSET_S) // 3_600
        for hour in np.unique(hours).tolist():
            self.hours[hour].append(records.filter(pa.array(hours == hour)))

    def write(self):
        """Each hour in no order, in the order of four partitions."""
        offset = 0
        for hour in sorted(self.hours):
            records = pa.concat_tables(self.hours.pop(hour))
            count = len(records)
            records = records.take(pa.array(self.random.permutation(count))).combine_chunks()
            day = datetime.date(1970, 1, 1) + datetime.timedelta(days=hour // 24)
            coordinates = {
                "partial_seq": pa.nulls(count, pa.int32()),
                "source_partition": pa.array(np.arange(count, dtype=np.int32) % 4),
                "source_offset": pa.array(offset + np.arange(count) // 4),
                "loaded_at": instants(np.full(count, (hour + 1) * 3_600 - OFFSET_S)),
                "source_id": pa.array(np.full(count, "bench/call_record/1", dtype=object)),
            }
            for name, values in coordinates.items():
                records = records.append_column(name, values)
            write("call_record", records, self.folder / f"call_record/day={day}/hour-{hour % 24:02}.parquet")
            offset += count // 4 + 1


def leading_records(events):
    """The leading records; the served party of a terminating one is the called."""
    is_terminating = pc.equal(events["record_type"], "terminating")
    records = events.select(LED)
    for name in ["cell", "imei", "imsi"]:
        served = pc.if_else(is_terminating, events[f"callee_{name}"], events[f"caller_{name}"])
        records = records.append_column(name, served)
    return records


def end_records(events, facts):
    """The records of the far ends: a terminating one, or that of the gateway by which the call went out."""
    has_end = facts["has_end"]
    events = events.filter(pa.array(has_end)).combine_chunks()
    is_terminating, late_s = facts["to_ours"][has_end], facts["late_s"][has_end]
    answered, duration_s = events["is_answered"].to_numpy(), events["duration_s"].to_numpy()
    rings = pc.subtract(events["ring_s"], pa.array(late_s.astype(np.int32)))
    own = {
        "record_type": pa.array(np.where(is_terminating, "terminating", "outgoing_gateway").astype(object)),
        "record_id": pc.binary_join_element_wise(events["record_id"], "e", "-"),
        "start_at": instants(events["start_at"].cast(pa.int64()).to_numpy() // US + late_s),
        "ring_s": pc.cast(pc.max_element_wise(rings, 0, skip_nulls=False), pa.int32()),
        "duration_s": pa.array(np.maximum(duration_s - 1, answered.astype(np.int32))),
        "trunk": masked(np.full(len(answered), NATIONAL), ~is_terminating),
        "cell": events["callee_cell"], "imei": events["callee_imei"], "imsi": events["callee_imsi"],
    }
    records = pa.table({name: own[name] if name in own else events[name] for name in [*LED, "cell", "imei", "imsi"]})
    return records, facts["resent"]["end"][has_end]


def write_references(folder, town):
    count = town.ours
    since = datetime.date(2024, 1, 1)
    began = instants(np.full(count, midnight_s(since)))
    write("subscriber", pa.table({
        "day": pa.array([since] * count), "number": pa.array(town.numbers[:count]),
        "activated_at": began, "deactivated_at": pa.nulls(count, pa.timestamp("us", "UTC")),
        "segment": pa.array(["prepaid"] * count), "identity_hash": pa.nulls(count, pa.string()),
        "key_epoch": pa.nulls(count, pa.int32()), "dealer": pa.nulls(count, pa.string()), "changed_at": began,
        "source_partition": pa.array(np.zeros(count, np.int32)), "source_offset": pa.array(np.arange(count)),
        "loaded_at": began, "source_id": pa.array(["bench/subscriber/1"] * count),
    }), folder / "subscriber/part-0.parquet")
    write("trunk", pa.table({
        "trunk": pa.array([NATIONAL, INTERNATIONAL, VOIP]), "kind": pa.array(["national", "international", "voip"]),
        "peer": pa.array(["VTL", "INT", "SIP"]), "valid_from": pa.array([since] * 3),
        "valid_until": pa.nulls(3, pa.date32()),
    }), folder / "trunk/part-0.parquet")


def make(folder, calls, seed):
    """Fills a folder; one that the same call has filled already stays as it is."""
    done = folder / "done"
    wanted = f"{calls} calls, seed {seed}, format {FORMAT}\n"
    if done.exists():
        if done.read_text() != wanted:
            raise SystemExit(f"{folder} holds {done.read_text().strip()}: remove it, or name another folder")
        return
    for table in ["call_event", "sms_event", "call_record", "subscriber", "trunk"]:
        shutil.rmtree(folder / table, ignore_errors=True)
    random = np.random.default_rng(seed)
    town = Town(calls, random)
    write_references(folder, town)
    for place in range(DAYS):
        day = FIRST_DAY + datetime.timedelta(days=place)
        count = calls * (place + 1) // DAYS - calls * place // DAYS
        arrived = Arrived(folder, random) if place == 0 else None
        write_day(folder, town, day, day_of_calls(town, count, random), arrived, random)
        if arrived:
            arrived.write()
        write_messages(folder, town, day, count // 20, random)
    done.write_text(wanted)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--calls", type=int, default=30_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    make(arguments.folder, arguments.calls, arguments.seed)
