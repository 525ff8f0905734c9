"""The second opinion: opens a lake with DuckDB, and works its events, contacts, relations and parties' days out again.

    python -m venv V && V/bin/pip install duckdb==2.0.0 deltalake==1.6.6 pyarrow==26.0.1
    V/bin/python tests/duckdb/check.py LAKE [--tables a,b] [--days FROM UNTIL]
    V/bin/python tests/duckdb/check.py --self-test

In: a lake (a folder with one Delta table for each contract in `schemas/table/`), the contracts, and of `pipelines/`
the parameters alone. Out: one line on stdout for each thing checked, `ok NAME rows=N`, or what differs and in which
rows; exit 1 on any difference or missing table, 2 on wrong usage, else 0. Never: reads the SQL in `pipelines/`,
writes to the lake, prints a number in clear.

What a call, a message and a day of a party *are* is said here a second time, from `DESIGN.md` section 4 and the column
docs of the contracts, in DuckDB's SQL and on purpose in another shape than the product's. Where the two differ, one of
them is wrong. The states of `relation` are worked out from all of `contact_day`: once its first days are past their
time, the two differ by what these days said.

The file list and the schema come from `deltalake`, which reads the log; every row is read by DuckDB itself.
`cases.py` holds small cases with answers written by hand: they check the checker. It alone needs `pyarrow`, to write
its lakes.
"""

import argparse
import datetime
import json
import os
import re
import sys
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import duckdb
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

PROJECT = Path(__file__).resolve().parents[2]

# Contract type -> (type in the Delta log, type DuckDB reads). `timestamp` is microseconds in UTC in both.
TYPES = {
    "int64": ("long", "BIGINT"),
    "int32": ("integer", "INTEGER"),
    "float64": ("double", "DOUBLE"),
    "utf8": ("string", "VARCHAR"),
    "bool": ("boolean", "BOOLEAN"),
    "date": ("date", "DATE"),
    "timestamp": ("timestamp", "TIMESTAMP WITH TIME ZONE"),
    "binary": ("binary", "BLOB"),
}

# Parameter -> (definition file that may set it, default).
PARAMETERS = {
    "call_pair_window_s": ("event/call_event.toml", "pair_window_s", 120),
    "sms_pair_window_s": ("event/sms_event.toml", "pair_window_s", 120),
    "short_call_s": ("feature/caller_day.toml", "short_call_s", 45),
    "short_gap_s": ("feature/caller_day.toml", "short_gap_s", 60),
    "min_history_days": ("feature/caller_day.toml", "min_history_days", 28),
    "ad_hour_from": ("feature/caller_day.toml", "ad_hour_from", 8),
    "ad_hour_until": ("feature/caller_day.toml", "ad_hour_until", 17),
    "repeat_window_s": ("feature/caller_day.toml", "repeat_window_s", 86400),
    "remembered_days": ("feature/relation.toml", "kept_from", 730),
}

# What each recomputation reads. The tables of `TOPICS` come from messages, and share their coordinates with `reject`.
INPUTS = {
    "call_event": ["call_record", "trunk", "subscriber"],
    "sms_event": ["sms_record", "trunk", "subscriber"],
    "contact_day": ["call_event", "sms_event"],
    "caller_day": ["call_event", "sms_event", "do_not_call"],
    "relation": ["contact_day"],
}
TOPICS = ["call_record", "sms_record", "citizen_report", "subscriber", "survey_answer"]

# The table that a rejected message was meant for; rows of before the column tell the topic alone.
REJECTED_FROM = "coalesce(table_name, topic)"

SHOWN = 5
# Relative. Wide enough for another order of summing, too narrow for another answer.
TOLERANCE = 1e-12


# --- Contracts -------------------------------------------------------------------------------------------------------


@dataclass
class Column:
    name: str
    type: str
    null: bool
    pii: str

    @property
    def sql(self):
        return TYPES[self.type][1]


@dataclass
class Contract:
    name: str
    columns: list
    key: list
    partition: list

    def column(self, name):
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self):
        return [column.name for column in self.columns]


def contracts(folder):
    """Every contract by name, in the order of the names."""
    found = {}
    for path in sorted(Path(folder).glob("*.toml")):
        text = tomllib.loads(path.read_text(encoding="utf-8"))
        columns = [Column(c["name"], c["type"], c.get("null", False), c.get("pii", "")) for c in text["columns"]]
        found[path.stem] = Contract(path.stem, columns, text["key"], text["partition"])
    if not found:
        raise SystemExit(f"no contract in {folder}")
    return found


def parameters(folder):
    """The project's thresholds; the default where a definition is not there or says nothing."""
    values = {}
    for name, (file, parameter, default) in PARAMETERS.items():
        path = Path(folder) / file
        text = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        said = text.get("param", {}).get(parameter, {})
        values[name] = said.get("value", said.get("days_before", default))
    return values


# --- Saying what was found -------------------------------------------------------------------------------------------


@dataclass
class Findings:
    """One line for each check; remembers whether any failed."""

    timed: bool = False
    quiet: bool = False
    failed: list = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)

    def _took(self):
        now = time.monotonic()
        took, self.since = now - self.since, now
        return f" seconds={took:.1f}" if self.timed else ""

    def _say(self, line):
        if not self.quiet:
            print(line, flush=True)

    def ok(self, name, rows, **facts):
        more = "".join(f" {key}={value}" for key, value in facts.items())
        self._say(f"ok {name} rows={rows}{more}{self._took()}")

    def note(self, text):
        self._say(text)

    def differ(self, name, what, details=()):
        self.failed.append(name)
        self._say(f"DIFFERENT {name}: {what}{self._took()}")
        for detail in details:
            self._say(f"    {detail}")


def masked(value, column):
    """A value as it may be shown: numbers as 84912•••678, other personal data not at all."""
    if value is None:
        return "null"
    text = str(value)
    if column.pii == "number":
        digits = re.sub(r"\D", "", text)
        # Short numbers and sender names are nobody's telephone.
        return text if len(digits) < 9 else f"{digits[:5]}•••{digits[-3:]}"
    return "(hidden)" if column.pii else text


# --- 1. Opening ------------------------------------------------------------------------------------------------------


def problems_of_log(delta, contract):
    """What in the table's own metadata is not as the contract says."""
    problems = []
    protocol = delta.protocol()
    version = (protocol.min_reader_version, protocol.min_writer_version)
    if version != (1, 2):
        problems.append(f"protocol is reader {version[0]} / writer {version[1]}, not 1 / 2")
    if protocol.reader_features or protocol.writer_features:
        problems.append(f"table features {protocol.reader_features} {protocol.writer_features}")
    metadata = delta.metadata()
    for setting in ("delta.columnMapping.mode", "delta.enableDeletionVectors"):
        if metadata.configuration.get(setting, "none") not in ("none", "false"):
            problems.append(f"{setting} is {metadata.configuration[setting]}")
    if list(metadata.partition_columns) != contract.partition:
        problems.append(f"partitioned by {list(metadata.partition_columns)}, not {contract.partition}")

    fields = json.loads(delta.schema().to_json())["fields"]
    names = [f["name"] for f in fields]
    if names != contract.names:
        missing = [name for name in contract.names if name not in names]
        unknown = [name for name in names if name not in contract.names]
        problems.append(f"columns: missing {missing}, unknown {unknown}" if missing or unknown else "order of columns")
    for f in fields:
        if any(key.startswith("delta.columnMapping") for key in f["metadata"]):
            problems.append(f"column {f['name']} is mapped")
        if f["name"] not in contract.names:
            continue
        column = contract.column(f["name"])
        if f["type"] != TYPES[column.type][0]:
            problems.append(f"column {column.name} is {f['type']}, not {TYPES[column.type][0]}")
        if f["nullable"] != column.null:
            problems.append(f"column {column.name} is {'nullable' if f['nullable'] else 'not nullable'} in the log")
    return problems


def files_of(delta, root, partition):
    """The live files and the partition values of each. The log is asked, not the names of the folders."""
    actions = delta.get_add_actions(flatten=True)
    names = list(actions.schema.names)
    column = {name: actions.column(name).to_pylist() for name in names}
    if any(v is not None for name in names if name.startswith("deletion_vector") for v in column[name]):
        raise ValueError("a file has a deletion vector")
    paths = []
    for path in column["path"]:
        # The log holds paths as URLs; whether they come decoded depends on the version of the library.
        plain = path if os.path.isabs(path) else os.path.join(root, path)
        paths.append(plain if os.path.exists(plain) else unquote(plain))
    values = [column[f"partition.{name}"] for name in partition]
    return list(zip(paths, *values))


def load(con, delta, root, contract):
    """Copies the whole table into DuckDB under its own name. Returns what its files have wrong."""
    con.execute(f"CREATE OR REPLACE TABLE {contract.name} ("
                + ", ".join(f'"{column.name}" {column.sql}' for column in contract.columns) + ")")
    partition = [contract.column(name) for name in delta.metadata().partition_columns if name in contract.names]
    files = files_of(delta, root, [column.name for column in partition])
    if not files:
        return []

    con.execute("CREATE OR REPLACE TEMP TABLE live_file (live_path VARCHAR"
                + "".join(f", live_{column.name} {column.sql}" for column in partition) + ")")
    con.executemany(f"INSERT INTO live_file VALUES ({', '.join('?' * (1 + len(partition)))})", [list(f) for f in files])

    listing = ", ".join("'" + path.replace("'", "''") + "'" for path, *_ in sorted(files, key=lambda f: str(f[1:])))
    source = f"read_parquet([{listing}], hive_partitioning = false, union_by_name = true, filename = 'live_path')"
    held = {name: kind for name, kind, *_ in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    problems = []
    picked = []
    for column in contract.columns:
        if column in partition:
            picked.append(f"live_{column.name}")
        elif column.name in held:
            picked.append(f'"{column.name}"')
            if held[column.name] != column.sql:
                problems.append(f"DuckDB reads column {column.name} as {held[column.name]}, not {column.sql}")
        else:
            # In no file: written before the column was there. A column that must not be null is caught below.
            picked.append("NULL")
    unknown = set(held) - set(contract.names) - {"live_path"}
    if unknown:
        problems.append(f"the files hold unknown columns {sorted(unknown)}")
    con.execute(f"INSERT INTO {contract.name} SELECT {', '.join(picked)} FROM {source}"
                " JOIN live_file USING (live_path)")
    return problems


def shown_sql(column, of):
    """A value to be shown. Instants are taken as UTC, for which Python needs no time zones."""
    return f"make_timestamp(epoch_us({of}))" if column.type == "timestamp" else of


def problems_of_rows(con, contract):
    """NOT NULL and the key, over all rows."""
    problems = []
    required = [column.name for column in contract.columns if not column.null]
    counts = con.execute("SELECT " + ", ".join(f'count(*) FILTER (WHERE "{name}" IS NULL)' for name in required)
                         + f" FROM {contract.name}").fetchone()
    problems += [f"{count} rows with a null {name}" for name, count in zip(required, counts) if count]
    key = ", ".join(shown_sql(contract.column(name), f'"{name}"') for name in contract.key)
    repeated = f"SELECT {key}, count(*) AS times FROM {contract.name} GROUP BY ALL HAVING count(*) > 1"
    keys = con.execute(f"SELECT count(*) FROM ({repeated})").fetchone()[0]
    if keys:
        problems.append(f"{keys} keys ({', '.join(contract.key)}) on more than one row")
        for *values, count in con.execute(f"{repeated} ORDER BY ALL LIMIT {SHOWN}").fetchall():
            shown = ", ".join(masked(value, contract.column(name)) for name, value in zip(contract.key, values))
            problems.append(f"  {shown}: {count} rows")
    return problems


def problems_of_records(con, table):
    """What the column docs promise of a record and the fold rests on."""
    problems = []
    for what, wrong in {
        "day is not the local day of start_at": f"day IS DISTINCT FROM {local_day_sql('start_at')}",
        "caller is set and not e164, or e164 and not set": "(caller IS NULL) = (caller_kind = 'e164')",
        "callee is set and not e164, or e164 and not set": "(callee IS NULL) = (callee_kind = 'e164')",
    }.items():
        count = con.execute(f"SELECT count(*) FROM {table} WHERE {wrong}").fetchone()[0]
        if count:
            problems.append(f"{count} rows where {what}")
    return problems


def local_day_sql(instant):
    """Days are local, seven hours ahead of UTC all year round."""
    return f"(DATE '1970-01-01' + ((epoch_us({instant}) + 25200000000) // 86400000000)::INTEGER)"


def open_table(con, lake, contract, findings):
    """Step 1 for one table. Returns whether it could be loaded at all."""
    root = os.path.join(os.path.abspath(lake), contract.name)
    try:
        delta = DeltaTable(root)
    except TableNotFoundError:
        findings.differ(contract.name, "no such table in the lake")
        return False
    problems = problems_of_log(delta, contract)
    try:
        problems += load(con, delta, root, contract)
    except (duckdb.Error, KeyError, ValueError) as problem:
        findings.differ(contract.name, "cannot be read", problems + [str(problem).splitlines()[0]])
        return False
    problems += problems_of_rows(con, contract)
    if contract.name in ("call_record", "sms_record"):
        problems += problems_of_records(con, contract.name)
    rows = con.execute(f"SELECT count(*) FROM {contract.name}").fetchone()[0]
    if problems:
        findings.differ(contract.name, f"not as its contract says, rows={rows}", problems)
    else:
        findings.ok(contract.name, rows)
    return True


# --- 2. and 3. The fold ----------------------------------------------------------------------------------------------

# A party is its number, or its kind and address. No kind is made of digits, so the two never read the same.
MACROS = """
CREATE OR REPLACE MACRO party(kind, number, raw) AS
    CASE WHEN kind = 'e164' THEN number::VARCHAR ELSE kind || ':' || raw END;
CREATE OR REPLACE MACRO lead_rank(record_type) AS
    CASE record_type
        WHEN 'originating' THEN 1
        WHEN 'incoming_gateway' THEN 2
        WHEN 'forwarded' THEN 3
        WHEN 'terminating' THEN 4
        WHEN 'outgoing_gateway' THEN 5
        ELSE 6
    END;
-- Midnight of a local day, in microseconds.
CREATE OR REPLACE MACRO day_start_us(day) AS epoch_us(day::TIMESTAMP) - 25200000000;
"""

# The state of a subscription is its latest row.
SUBSCRIPTION = """
CREATE OR REPLACE TABLE subscription AS
SELECT number, epoch_us(activated_at) AS activated_us, epoch_us(deactivated_at) AS deactivated_us
FROM subscriber
QUALIFY row_number() OVER (
    PARTITION BY number, activated_at ORDER BY changed_at DESC, source_partition DESC, source_offset DESC
) = 1
"""

# Calls and messages in one shape, so that they are folded by the same words. A message has no parts of its own record
# (`parts` are its segments) and no duration.
FOLDABLE = {
    "call_event": """
CREATE OR REPLACE VIEW foldable AS
SELECT
    rowid AS row, day, record_type, record_id, call_ref AS ref, partial_seq, caller, caller_kind, caller_raw, callee,
    callee_kind, callee_raw, start_at, ring_s, duration_s, is_answered, release_cause, trunk, cell, imei, imsi,
    NULL::VARCHAR AS sender_name, NULL::INTEGER AS parts, source_partition, source_offset
FROM call_record
""",
    "sms_event": """
CREATE OR REPLACE VIEW foldable AS
SELECT
    rowid AS row, day, record_type, record_id, message_ref AS ref, NULL::INTEGER AS partial_seq, caller, caller_kind,
    caller_raw, callee, callee_kind, callee_raw, start_at, NULL::INTEGER AS ring_s, 0 AS duration_s,
    NULL::BOOLEAN AS is_answered, NULL::INTEGER AS release_cause, trunk, cell, imei, imsi, sender_name, parts,
    source_partition, source_offset
FROM sms_record
""",
}

# Every record of the day before, the day and the day after, with the number of its call within (pair, link), and its
# `place` in the order. A (pair, link) without a record of the day itself can lead no event of the day and is left out.
# What a record says of its call is fetched later, by `row`: windows over few columns are quick.
CHAINED = """
CREATE OR REPLACE TEMP TABLE chained AS
WITH near AS (
    SELECT
        row, day, record_type, record_id, ref, partial_seq, duration_s, is_answered, trunk, source_partition,
        source_offset,
        party(caller_kind, caller, caller_raw) AS caller_party,
        party(callee_kind, callee, callee_raw) AS callee_party,
        epoch_us(start_at) AS start_us,
        epoch_us(start_at) + (coalesce(ring_s, 0)::BIGINT + duration_s) * 1000000 AS end_us
    FROM foldable
    WHERE day BETWEEN DATE '{day}' - 1 AND DATE '{day}' + 1
),
linked AS (
    SELECT
        *, coalesce(min(ref) OVER (PARTITION BY caller_party, callee_party, record_id), record_id) AS link
    FROM near
),
touched AS (
    SELECT linked.*
    FROM linked
    SEMI JOIN (SELECT DISTINCT caller_party, callee_party, link FROM linked WHERE day = DATE '{day}') AS of_the_day
        USING (caller_party, callee_party, link)
),
placed AS (
    SELECT
        *,
        row_number() OVER chain AS place,
        start_us - lag(start_us) OVER chain AS since_previous_us,
        start_us - max(end_us) OVER (
            PARTITION BY caller_party, callee_party, link
            ORDER BY start_us, partial_seq NULLS FIRST, record_id, source_partition, source_offset
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS since_latest_end_us
    FROM touched
    WINDOW chain AS (
        PARTITION BY caller_party, callee_party, link
        ORDER BY start_us, partial_seq NULLS FIRST, record_id, source_partition, source_offset
    )
)
SELECT
    *,
    sum(CASE
        WHEN place = 1 THEN 1
        WHEN since_previous_us <= {pair_window_us} THEN 0
        WHEN partial_seq IS NOT NULL AND since_latest_end_us <= {pair_window_us} THEN 0
        ELSE 1
    END) OVER (PARTITION BY caller_party, callee_party, link ORDER BY place) AS call_no
FROM placed
"""

# One row per call that the day's records lead, with everything that either event table says of it.
FOLDED = """
CREATE OR REPLACE TEMP TABLE folded AS
WITH call AS (
    SELECT
        caller_party, callee_party, link, call_no,
        count(*) AS records,
        count(*) FILTER (WHERE day < DATE '{day}') AS records_before,
        count(*) FILTER (WHERE day > DATE '{day}') AS records_after,
        min(lead_rank(record_type)) AS leading,
        count(*) FILTER (WHERE record_type = 'originating') > 0 AS has_originating,
        count(*) FILTER (WHERE record_type = 'incoming_gateway') > 0 AS has_incoming,
        count(*) FILTER (WHERE record_type = 'forwarded') > 0 AS has_forwarded,
        count(*) FILTER (WHERE record_type = 'terminating') > 0 AS has_terminating,
        min(trunk) FILTER (WHERE record_type = 'incoming_gateway') AS trunk_in,
        min(trunk) FILTER (WHERE record_type = 'outgoing_gateway') AS trunk_out,
        arg_min(row, place) FILTER (WHERE record_type = 'terminating') AS terminating_row
    FROM chained
    GROUP BY ALL
),
-- The records of the leading type, each part once.
part AS (
    SELECT c.caller_party, c.callee_party, c.link, c.call_no, c.row, c.place, c.duration_s, c.is_answered
    FROM chained AS c
    JOIN call
        ON c.caller_party = call.caller_party AND c.callee_party = call.callee_party
        AND c.link = call.link AND c.call_no = call.call_no AND lead_rank(c.record_type) = call.leading
    QUALIFY row_number() OVER (
        PARTITION BY c.caller_party, c.callee_party, c.link, c.call_no, c.partial_seq ORDER BY c.place
    ) = 1
),
led AS (
    SELECT
        caller_party, callee_party, link, call_no,
        arg_min(row, place) AS leader_row,
        arg_max(row, place) AS last_row,
        sum(duration_s) AS duration_s,
        bool_or(is_answered) AS is_answered
    FROM part
    GROUP BY ALL
),
ours AS (
    SELECT DISTINCT number
    FROM subscription
    WHERE activated_us < day_start_us(DATE '{day}' + 1)
        AND (deactivated_us IS NULL OR deactivated_us > day_start_us(DATE '{day}'))
),
-- Two rows of one trunk that are valid on one day: the later one speaks.
trunk_of_day AS (
    SELECT trunk, arg_max(kind, valid_from) AS kind
    FROM trunk
    WHERE valid_from <= DATE '{day}' AND (valid_until IS NULL OR valid_until > DATE '{day}')
    GROUP BY ALL
),
near AS (
    SELECT row, release_cause, cell, imei, imsi
    FROM foldable
    WHERE day BETWEEN DATE '{day}' - 1 AND DATE '{day}' + 1
),
said AS (
    SELECT
        leader.* EXCLUDE (trunk, duration_s, is_answered, release_cause),
        led.duration_s,
        led.is_answered,
        last.release_cause,
        coalesce(call.trunk_in, call.trunk_out) AS trunk,
        CASE WHEN leader.record_type = 'originating' THEN leader.cell END AS caller_cell,
        CASE WHEN leader.record_type = 'originating' THEN leader.imei END AS caller_imei,
        CASE WHEN leader.record_type = 'originating' THEN leader.imsi END AS caller_imsi,
        terminating.cell AS callee_cell,
        terminating.imei AS callee_imei,
        terminating.imsi AS callee_imsi,
        call.records, call.records_before, call.records_after,
        call.has_originating, call.has_incoming, call.has_forwarded, call.has_terminating,
        trunk_of_day.kind AS trunk_kind,
        our_caller.number IS NOT NULL AS is_caller_ours,
        our_callee.number IS NOT NULL AS is_callee_ours
    FROM led
    JOIN call USING (caller_party, callee_party, link, call_no)
    JOIN foldable AS leader ON leader.row = led.leader_row AND leader.day = DATE '{day}'
    JOIN near AS last ON last.row = led.last_row
    LEFT JOIN near AS terminating ON terminating.row = call.terminating_row
    -- The trunk it came in by: a trunk that it left by says nothing of its origin.
    LEFT JOIN trunk_of_day ON trunk_of_day.trunk = call.trunk_in
    LEFT JOIN ours AS our_caller ON our_caller.number = leader.caller
    LEFT JOIN ours AS our_callee ON our_callee.number = leader.callee
)
SELECT
    *,
    has_originating OR has_forwarded OR (NOT has_incoming AND is_caller_ours) AS is_caller_onnet,
    has_terminating OR is_callee_ours AS is_callee_onnet,
    has_forwarded AND NOT has_originating AS is_forwarded_leg,
    has_incoming AND NOT has_originating AND NOT has_forwarded AND is_caller_ours AS is_spoof_suspect,
    CASE
        WHEN has_originating OR has_forwarded THEN 'onnet'
        WHEN trunk_kind IS NOT NULL THEN trunk_kind
        WHEN is_caller_onnet THEN 'onnet'
        WHEN caller_kind = 'e164' AND starts_with(caller::VARCHAR, '84') THEN 'national'
        ELSE 'international'
    END AS origin
FROM said
"""

# What an event table says in another way than the fold.
RENAMED = {
    "call_ref": "ref", "message_ref": "ref",
    "caller_name": "IF(caller_kind = 'e164', NULL, caller_raw)", "callee_name": "IF(callee_kind = 'e164', NULL, callee_raw)",
}


def expect_events(con, contract, day, values):
    """Leaves the events of one day, as they should be, in the table `expected`."""
    pair_window_s = values["call_pair_window_s" if contract.name == "call_event" else "sms_pair_window_s"]
    con.execute(FOLDABLE[contract.name])
    con.execute(CHAINED.format(day=day, pair_window_us=pair_window_s * 1_000_000))
    con.execute(FOLDED.format(day=day))
    expect(con, contract, "folded", RENAMED)


def expect(con, contract, source, renamed=None):
    renamed = renamed or {}
    picked = ", ".join(f'CAST({renamed.get(c.name, c.name)} AS {c.sql}) AS "{c.name}"' for c in contract.columns)
    con.execute(f"CREATE OR REPLACE TEMP TABLE expected AS SELECT {picked} FROM {source}")


# --- 4. A party's day ------------------------------------------------------------------------------------------------

# What counts as a call and as a message of somebody; the first day on which two parties had to do with each other; and
# the days on which anybody had.
CONTACT = """
CREATE OR REPLACE VIEW own_call AS
SELECT
    *,
    party(caller_kind, caller, caller_raw) AS caller_party,
    party(callee_kind, callee, callee_raw) AS callee_party,
    epoch_us(start_at) AS start_us,
    epoch_us(start_at) + (coalesce(ring_s, 0)::BIGINT + duration_s) * 1000000 AS end_us,
    (epoch_us(start_at) + 25200000000) // 3600000000 % 24 AS local_hour
FROM call_event
WHERE NOT is_forwarded_leg AND NOT is_spoof_suspect;

CREATE OR REPLACE VIEW own_message AS
SELECT
    *,
    party(caller_kind, caller, caller_raw) AS caller_party,
    party(callee_kind, callee, callee_raw) AS callee_party
FROM sms_event
WHERE NOT is_spoof_suspect;

CREATE OR REPLACE TABLE first_contact AS
WITH contact AS (
    SELECT day, caller_party, caller_kind, callee_party, callee_kind FROM own_call
    UNION ALL
    SELECT day, caller_party, caller_kind, callee_party, callee_kind FROM own_message
)
SELECT
    least(caller_party, callee_party) AS one, greatest(caller_party, callee_party) AS other, min(day) AS first_day
FROM contact
WHERE caller_kind <> 'anonymous' AND callee_kind <> 'anonymous'
GROUP BY ALL;

CREATE OR REPLACE TABLE contact_date AS
SELECT DISTINCT day FROM own_call WHERE caller_kind <> 'anonymous' AND callee_kind <> 'anonymous'
UNION
SELECT DISTINCT day FROM own_message WHERE caller_kind <> 'anonymous' AND callee_kind <> 'anonymous';
"""

CALLER_DAY = """
CREATE OR REPLACE TEMP TABLE party_day AS
WITH call AS (SELECT * FROM own_call WHERE day = DATE '{day}'),
message AS (SELECT * FROM own_message WHERE day = DATE '{day}'),
history AS (SELECT count(*) AS history_days FROM contact_date WHERE day < DATE '{day}'),

seen AS (
    SELECT caller_party AS party, caller_kind AS kind, caller AS number, caller_raw AS raw, is_caller_onnet AS is_onnet
    FROM call
    UNION ALL
    SELECT callee_party, callee_kind, callee, callee_raw, is_callee_onnet FROM call
    UNION ALL
    SELECT caller_party, caller_kind, caller, caller_raw, is_caller_onnet FROM message
    UNION ALL
    SELECT callee_party, callee_kind, callee, callee_raw, is_callee_onnet FROM message
),
present AS (
    SELECT
        party, any_value(kind) AS kind, any_value(number) AS number,
        any_value(CASE WHEN kind <> 'e164' THEN raw END) AS name, bool_or(is_onnet) AS is_onnet
    FROM seen
    WHERE kind <> 'anonymous'
    GROUP BY party
),

-- Each call beside the one that the same party made next, the one before, and all that it began soon after.
made AS (
    SELECT
        *,
        lead(start_us) OVER made_in_order - end_us AS gap_us,
        lag(callee_kind) OVER made_in_order AS previous_kind,
        lag(callee) OVER made_in_order AS previous_callee,
        count(*) OVER (PARTITION BY caller_party ORDER BY start_us
            RANGE BETWEEN CURRENT ROW AND 59999999 FOLLOWING) AS within_60s,
        count(*) OVER (PARTITION BY caller_party ORDER BY start_us
            RANGE BETWEEN CURRENT ROW AND 599999999 FOLLOWING) AS within_600s,
        count(*) OVER (PARTITION BY caller_party ORDER BY start_us
            RANGE BETWEEN CURRENT ROW AND 3599999999 FOLLOWING) AS within_3600s
    FROM call
    WINDOW made_in_order AS (PARTITION BY caller_party ORDER BY start_us, end_us, callee NULLS FIRST)
),
outgoing AS (
    SELECT
        caller_party AS party,
        count(*) AS calls_out,
        count(*) FILTER (WHERE is_answered) AS answered_out,
        sum(duration_s) AS duration_out_s,
        count(*) FILTER (WHERE is_answered AND duration_s < {short_call_s}) AS short_calls,
        count(*) FILTER (WHERE gap_us >= 0) AS gaps,
        count(*) FILTER (WHERE gap_us >= 0 AND gap_us < {short_gap_s}::BIGINT * 1000000) AS short_gaps,
        count(*) FILTER (WHERE gap_us < 0) AS overlapping_calls,
        max(within_60s) AS peak_calls_60s,
        max(within_600s) AS peak_calls_600s,
        max(within_3600s) AS peak_calls_3600s,
        count(DISTINCT caller_cell) AS cells,
        count(DISTINCT caller_imei) AS imeis,
        count(DISTINCT local_hour) AS active_hours,
        count(*) FILTER (
            WHERE callee_kind = 'e164' AND previous_kind = 'e164' AND abs(callee - previous_callee) BETWEEN 1 AND 10
        ) AS sequential_calls,
        count(*) FILTER (
            WHERE local_hour < {ad_hour_from} OR local_hour >= {ad_hour_until}
        ) AS calls_outside_hours,
        count(*) FILTER (WHERE callee_kind = 'e164' AND callee IN (
            SELECT number
            FROM do_not_call
            WHERE scope IN ('call', 'both')
                AND valid_from <= DATE '{day}' AND (valid_until IS NULL OR valid_until > DATE '{day}')
        )) AS calls_to_dnc
    FROM made
    GROUP BY ALL
),
by_hour AS (
    SELECT party, max(calls) AS peak_hour_calls
    FROM (SELECT caller_party AS party, local_hour, count(*) AS calls FROM call GROUP BY ALL)
    GROUP BY ALL
),

towards AS (
    SELECT
        caller_party, callee_party, count(*) AS calls, min(start_us) AS first_us, max(start_us) AS last_us
    FROM call
    GROUP BY ALL
),
callee AS (
    SELECT
        t.caller_party AS party,
        t.calls,
        coalesce(back.last_us > t.first_us, false) AS called_back,
        coalesce(f.first_day >= DATE '{day}', true) AS is_new
    FROM towards AS t
    LEFT JOIN towards AS back ON back.caller_party = t.callee_party AND back.callee_party = t.caller_party
    LEFT JOIN first_contact AS f
        ON f.one = least(t.caller_party, t.callee_party) AND f.other = greatest(t.caller_party, t.callee_party)
),
callees AS (
    SELECT
        party,
        count(*) AS callees,
        count(*) FILTER (WHERE is_new) AS new_callees,
        coalesce(sum(calls) FILTER (WHERE is_new), 0) AS new_callee_calls,
        max(calls) AS top_callee_calls,
        count(*) FILTER (WHERE calls >= 2) AS repeat_callees,
        count(*) FILTER (WHERE called_back) AS called_back
    FROM callee
    GROUP BY ALL
),

-- The nearest earlier call to the same party decides: a farther one is farther off.
repeated AS (
    SELECT party, count(*) AS repeat_within_24h
    FROM (
        SELECT
            caller_party AS party, day,
            start_us - lag(start_us) OVER (
                PARTITION BY caller_party, callee_party ORDER BY start_us, record_id
            ) AS since_us
        FROM own_call
        WHERE day BETWEEN DATE '{day}' - 1 AND DATE '{day}'
    )
    WHERE day = DATE '{day}' AND since_us < {repeat_window_s}::BIGINT * 1000000
    GROUP BY ALL
),
incoming AS (SELECT callee_party AS party, count(*) AS calls_in FROM call GROUP BY ALL),
sent AS (SELECT caller_party AS party, count(*) AS sms_sent FROM message GROUP BY ALL),
received AS (SELECT callee_party AS party, count(*) AS sms_received FROM message GROUP BY ALL),

counted AS (
    SELECT
        present.*,
        history.history_days,
        history.history_days >= {min_history_days} AS is_history_enough,
        outgoing.* EXCLUDE (party),
        coalesce(calls_in, 0) AS calls_in_seen,
        callees.* EXCLUDE (party),
        by_hour.peak_hour_calls,
        repeated.repeat_within_24h,
        sent.sms_sent,
        received.sms_received
    FROM present
    CROSS JOIN history
    LEFT JOIN outgoing USING (party)
    LEFT JOIN by_hour USING (party)
    LEFT JOIN callees USING (party)
    LEFT JOIN repeated USING (party)
    LEFT JOIN incoming USING (party)
    LEFT JOIN sent USING (party)
    LEFT JOIN received USING (party)
)
SELECT
    DATE '{day}' AS day,
    kind AS caller_kind,
    number AS caller,
    name AS caller_name,
    is_onnet,
    coalesce(calls_out, 0) AS calls_out,
    CASE WHEN is_onnet THEN calls_in_seen END AS calls_in,
    coalesce(answered_out, 0) AS answered_out,
    coalesce(duration_out_s, 0) AS duration_out_s,
    coalesce(short_calls, 0) AS short_calls,
    short_calls::DOUBLE / nullif(calls_out, 0)::DOUBLE AS short_call_share_all,
    short_calls::DOUBLE / nullif(answered_out, 0)::DOUBLE AS short_call_share,
    coalesce(gaps, 0) AS gaps,
    coalesce(short_gaps, 0) AS short_gaps,
    short_gaps::DOUBLE / nullif(gaps, 0)::DOUBLE AS short_gap_share,
    coalesce(overlapping_calls, 0) AS overlapping_calls,
    coalesce(peak_calls_60s, 0) AS peak_calls_60s,
    coalesce(peak_calls_600s, 0) AS peak_calls_600s,
    coalesce(peak_calls_3600s, 0) AS peak_calls_3600s,
    coalesce(callees, 0) AS callees,
    history_days,
    CASE WHEN is_history_enough THEN coalesce(new_callees, 0) END AS new_callees,
    CASE WHEN is_history_enough
        THEN new_callee_calls::DOUBLE / nullif(calls_out, 0)::DOUBLE END AS new_callee_call_share,
    coalesce(top_callee_calls, 0) AS top_callee_calls,
    coalesce(repeat_callees, 0) AS repeat_callees,
    coalesce(called_back, 0) AS called_back,
    coalesce(sms_sent, 0) AS sms_sent,
    coalesce(sms_received, 0) AS sms_received,
    CASE WHEN is_onnet
        THEN coalesce(calls_out, 0)::DOUBLE
            / nullif(coalesce(calls_out, 0) + calls_in_seen, 0)::DOUBLE END AS out_share,
    CASE WHEN is_onnet THEN coalesce(cells, 0) END AS cells,
    CASE WHEN is_onnet THEN coalesce(imeis, 0) END AS imeis,
    coalesce(active_hours, 0) AS active_hours,
    coalesce(peak_hour_calls, 0) AS peak_hour_calls,
    coalesce(sequential_calls, 0) AS sequential_calls,
    coalesce(calls_outside_hours, 0) AS calls_outside_hours,
    coalesce(calls_to_dnc, 0) AS calls_to_dnc,
    coalesce(repeat_within_24h, 0) AS repeat_within_24h
FROM counted
"""


def expect_caller_day(con, contract, day, values):
    """Leaves the parties of one day, as they should be, in the table `expected`. `CONTACT` must have run."""
    con.execute(CALLER_DAY.format(day=day, **values))
    expect(con, contract, "party_day")


# --- 5. Whom one meets, and whom one knows ---------------------------------------------------------------------------

# Every pair of a day, whatever its ends are. `CONTACT` must have run.
CONTACT_DAY = """
CREATE OR REPLACE TEMP TABLE pair_day AS
WITH met AS (
    SELECT
        caller_kind, caller, caller_name, callee_kind, callee, callee_name, caller_party, callee_party, start_at,
        start_us, is_answered, true AS is_call
    FROM own_call
    WHERE day BETWEEN DATE '{day}' - 1 AND DATE '{day}'
    UNION ALL
    SELECT
        caller_kind, caller, caller_name, callee_kind, callee, callee_name, caller_party, callee_party, start_at,
        epoch_us(start_at), false, false
    FROM own_message
    WHERE day = DATE '{day}'
),
-- A call follows the one before it, on this day or the last; a message follows nothing.
followed AS (
    SELECT
        *,
        start_us >= day_start_us(DATE '{day}') AS is_today,
        CASE WHEN is_call THEN
            start_us - lag(start_us) OVER (PARTITION BY caller_party, callee_party, is_call ORDER BY start_us)
        END AS since_us
    FROM met
    WHERE caller_kind <> 'anonymous' AND callee_kind <> 'anonymous'
),
pair AS (
    SELECT
        caller_party, callee_party,
        any_value(caller_kind) AS caller_kind, any_value(caller) AS caller, any_value(caller_name) AS caller_name,
        any_value(callee_kind) AS callee_kind, any_value(callee) AS callee, any_value(callee_name) AS callee_name,
        count(*) FILTER (WHERE is_call) AS calls,
        count(*) FILTER (WHERE is_answered) AS answered,
        count(*) FILTER (WHERE NOT is_call) AS messages,
        count(*) FILTER (WHERE since_us < 86400000000) AS repeats_within_24h,
        min(start_at) FILTER (WHERE is_call) AS first_call_at,
        max(start_at) FILTER (WHERE is_call) AS last_call_at
    FROM followed
    WHERE is_today
    GROUP BY ALL
)
SELECT
    DATE '{day}' AS day, pair.*,
    (SELECT count(*) FROM contact_date WHERE day < DATE '{day}') AS history_days,
    NOT EXISTS (
        FROM first_contact
        WHERE one = least(pair.caller_party, pair.callee_party)
            AND other = greatest(pair.caller_party, pair.callee_party) AND first_day < DATE '{day}'
    ) AS is_new,
    coalesce(back.last_call_at > pair.first_call_at, false) AS is_called_back
FROM pair
LEFT JOIN pair AS back ON back.caller_party = pair.callee_party AND back.callee_party = pair.caller_party
"""


def expect_contact_day(con, contract, day, values):
    """Leaves the pairs of one day, as they should be, in the table `expected`. `CONTACT` must have run."""
    con.execute(CONTACT_DAY.format(day=day))
    expect(con, contract, "pair_day")


# Each pair's days of contact at once, where the product folds week upon week. A state is kept for each week, and leaves
# out who has not met for `remembered_days` before it; so who meets again once the state of the week before has
# forgotten it begins anew: another spell.
SPELL = """
CREATE OR REPLACE TABLE spell_day AS
WITH ends AS (
    SELECT
        day, calls, messages, caller IS NOT NULL AND callee IS NOT NULL AS are_numbers,
        caller_kind || ' ' || coalesce(caller_name, caller::VARCHAR) AS caller_text,
        callee_kind || ' ' || coalesce(callee_name, callee::VARCHAR) AS callee_text,
        caller, callee
    FROM contact_day
),
turned AS (
    SELECT
        *, CASE WHEN are_numbers THEN caller > callee ELSE caller_text > callee_text END AS is_down
    FROM ends
),
met AS (
    SELECT
        CASE WHEN are_numbers THEN least(caller, callee) END AS low,
        CASE WHEN are_numbers THEN greatest(caller, callee) END AS high,
        CASE WHEN NOT are_numbers THEN least(caller_text, callee_text) END AS low_name,
        CASE WHEN NOT are_numbers THEN greatest(caller_text, callee_text) END AS high_name,
        day,
        sum(if(is_down, 0, calls)) AS calls_up, sum(if(is_down, calls, 0)) AS calls_down,
        sum(if(is_down, 0, messages)) AS messages_up, sum(if(is_down, messages, 0)) AS messages_down
    FROM turned
    GROUP BY ALL
),
forgotten AS (
    SELECT
        *,
        coalesce(
            lag(day) OVER pair_in_order < date_trunc('week', day)::DATE - 7 - {remembered_days}, false
        ) AS was_forgotten
    FROM met
    WINDOW pair_in_order AS (PARTITION BY low, high, low_name, high_name ORDER BY day)
)
SELECT
    * EXCLUDE (was_forgotten),
    sum(was_forgotten::INTEGER) OVER (PARTITION BY low, high, low_name, high_name ORDER BY day) AS spell
FROM forgotten
"""

RELATION = """
CREATE OR REPLACE TEMP TABLE known AS
SELECT
    DATE '{week}' AS week, low, high, low_name, high_name,
    min(day) AS first_day, max(day) AS last_day,
    sum(calls_up) AS calls_up, sum(calls_down) AS calls_down,
    sum(messages_up) AS messages_up, sum(messages_down) AS messages_down,
    (SELECT count(DISTINCT day) FROM contact_day WHERE day < DATE '{week}' + 7) AS history_days
FROM spell_day
WHERE day < DATE '{week}' + 7
GROUP BY low, high, low_name, high_name, spell
HAVING max(day) >= DATE '{week}' - {remembered_days}
QUALIFY row_number() OVER (PARTITION BY low, high, low_name, high_name ORDER BY spell DESC) = 1
"""


def expect_relation(con, contract, week, values):
    """Leaves whom everybody knew at the end of a week in the table `expected`. `SPELL` must have run."""
    con.execute(RELATION.format(week=week, **values))
    expect(con, contract, "known")


# --- Comparing -------------------------------------------------------------------------------------------------------


@dataclass
class Compared:
    """Expected against actual rows of one table, summed over days."""

    contract: Contract
    days: int = 0
    expected: int = 0
    actual: int = 0
    missing: int = 0
    surplus: int = 0
    changed: int = 0
    repeated: int = 0
    columns: dict = field(default_factory=dict)
    examples: list = field(default_factory=list)

    @property
    def is_equal(self):
        return not (self.missing or self.surplus or self.changed or self.repeated)


def differs_sql(column):
    expected, actual = f'e."{column.name}"', f'a."{column.name}"'
    if column.type != "float64":
        return f"{expected} IS DISTINCT FROM {actual}"
    # DuckDB holds NaN equal to NaN and above all else, so it would slip through a comparison by distance.
    near = (f"isfinite({expected}) AND isfinite({actual}) AND abs({expected} - {actual})"
            f" <= {TOLERANCE!r}::DOUBLE * greatest(abs({expected}), abs({actual}))")
    return f"({expected} IS DISTINCT FROM {actual} AND NOT coalesce({near}, false))"


def compare_partition(con, compared, day):
    """Adds the rows of `expected` against those of the lake's table on one day, or in one week."""
    contract = compared.contract
    (partition,) = contract.partition
    # The day is the same on both sides; what remains of the key may be null.
    key = [name for name in contract.key if name != partition]
    others = [column for column in contract.columns if column.name not in key]
    joined = f"""
        FROM (SELECT *, true AS here FROM expected) AS e
        FULL JOIN (SELECT *, true AS here FROM {contract.name} WHERE {partition} = DATE '{day}') AS a
            ON {' AND '.join(f'e."{name}" IS NOT DISTINCT FROM a."{name}"' for name in key)}"""
    both = "e.here AND a.here"
    flags = [differs_sql(column) for column in others]
    missing, surplus, changed, paired, *by_column = con.execute(f"""
        SELECT
            count(*) FILTER (WHERE a.here IS NULL), count(*) FILTER (WHERE e.here IS NULL),
            count(*) FILTER (WHERE {both} AND ({' OR '.join(flags)})), count(*) FILTER (WHERE {both}),
            {', '.join(f'count(*) FILTER (WHERE {both} AND {flag})' for flag in flags)}
        {joined}""").fetchone()
    expected = con.execute("SELECT count(*) FROM expected").fetchone()[0]
    actual = con.execute(f"SELECT count(*) FROM {contract.name} WHERE {partition} = DATE '{day}'").fetchone()[0]
    # A key on two rows of either side pairs more often than there are rows.
    repeated = max(paired + missing - expected, paired + surplus - actual)

    compared.days += 1
    compared.expected += expected
    compared.actual += actual
    compared.missing += missing
    compared.surplus += surplus
    compared.changed += changed
    compared.repeated += repeated
    for column, count in zip(others, by_column):
        if count:
            compared.columns[column.name] = compared.columns.get(column.name, 0) + count
    if (missing or surplus or changed) and len(compared.examples) < SHOWN:
        rows = con.execute(f"""
            SELECT e.here, a.here,
                {', '.join(shown_sql(contract.column(name), f'coalesce(e."{name}", a."{name}")') for name in key)},
                {', '.join(f"{shown_sql(c, f'e.{c.name}')}, {shown_sql(c, f'a.{c.name}')}, {flag}"
                           for c, flag in zip(others, flags))}
            {joined}
            WHERE e.here IS NULL OR a.here IS NULL OR {' OR '.join(flags)}
            ORDER BY ALL LIMIT {SHOWN - len(compared.examples)}""").fetchall()
        compared.examples += [example(contract, key, others, day, row) for row in rows]


def example(contract, key, others, day, row):
    is_expected, is_actual, *rest = row
    shown = [f"{name}={masked(value, contract.column(name))}" for name, value in zip(key, rest)]
    name = f"{day} " + " ".join(shown)
    if not is_actual:
        return f"{name}: missing from the lake"
    if not is_expected:
        return f"{name}: in the lake, not expected"
    cells = rest[len(key):]
    columns = []
    for at, column in enumerate(others):
        expected, actual, is_different = cells[3 * at:3 * at + 3]
        if is_different:
            columns.append(f"{column.name} expected {masked(expected, column)} is {masked(actual, column)}")
    return f"{name}: {'; '.join(columns)}"


def say(findings, name, compared):
    if compared.is_equal:
        findings.ok(name, compared.expected, days=compared.days)
        return
    what = (f"{compared.missing} rows missing, {compared.surplus} not expected, {compared.changed} changed;"
            f" expected {compared.expected}, in the lake {compared.actual}, days={compared.days}")
    if compared.repeated:
        what += f"; keys on more than one row on either side: {compared.repeated}"
    details = [f"column {column}: {count} rows" for column, count in compared.columns.items()]
    findings.differ(name, what, details + compared.examples)


# --- The whole check -------------------------------------------------------------------------------------------------


def connect(memory="4GB", threads=2):
    con = duckdb.connect(config={"memory_limit": memory, "threads": threads})
    con.execute(MACROS)
    return con


def days_of(con, tables, days):
    """The days in any of the tables, within the half-open window if there is one."""
    union = " UNION ".join(f"SELECT day FROM {table}" for table in tables)
    found = [day for day, in con.execute(f"SELECT DISTINCT day FROM ({union}) ORDER BY day").fetchall()]
    return [day for day in found if days is None or days[0] <= day < days[1]]


def weeks_of(con, days):
    """The weeks whose state a later day has asked for: all from the oldest one kept up to the last before a day."""
    oldest, newest = con.execute("""
        SELECT
            coalesce((SELECT min(week) FROM relation), date_trunc('week', min(day))::DATE),
            date_trunc('week', max(day))::DATE
        FROM contact_day""").fetchone()
    if newest is None:
        return []
    weeks = [oldest + datetime.timedelta(7 * place) for place in range((newest - oldest).days // 7)]
    return [week for week in weeks if days is None or days[0] <= week < days[1]]


def check_events(con, contract, days, values, findings):
    compared = Compared(contract)
    # Days of either side: an event on a day without a record is a difference too.
    for day in days_of(con, [INPUTS[contract.name][0], contract.name], days):
        expect_events(con, contract, day, values)
        compare_partition(con, compared, day)
    say(findings, f"{contract.name}.rows", compared)


def check_days(con, contract, expect_day, days, values, findings):
    """A table of days that is made of events; the days that were computed count. `CONTACT` must have run."""
    compared = Compared(contract)
    for day in days_of(con, [contract.name], days):
        expect_day(con, contract, day, values)
        compare_partition(con, compared, day)
    say(findings, f"{contract.name}.rows", compared)


def check_relation(con, contract, days, values, findings):
    con.execute(SPELL.format(**values))
    compared = Compared(contract)
    for week in weeks_of(con, days):
        expect_relation(con, contract, week, values)
        compare_partition(con, compared, week)
    say(findings, f"{contract.name}.rows", compared)


def check_total(con, record, event, findings):
    """Every record is in exactly one event."""
    records = con.execute(f"SELECT count(*) FROM {record}").fetchone()[0]
    events, folded = con.execute(f"SELECT count(*), coalesce(sum(records), 0)::BIGINT FROM {event}").fetchone()
    facts = f"records={records} folded={folded} events={events} duplicates={records - events}"
    if records == folded:
        findings.ok(f"{record}.total", records, events=events, duplicates=records - events)
    else:
        findings.differ(f"{record}.total", f"records are not the sum of {event}.records: {facts}")


def check_offsets(con, table, replayed, findings):
    """A message of the topic is one row or one reject, never both. Rows seeded without Kafka have no offset."""
    rows, rejects = con.execute(f"""
        SELECT
            (SELECT count(*) FROM {table} WHERE source_partition >= 0),
            (SELECT count(*) FROM reject WHERE {REJECTED_FROM} = '{table}' AND source_partition >= 0)""").fetchone()
    # A reject that was decoded again stays, and the later row stands in its place.
    superseded = (f"""
        AND NOT EXISTS (FROM {table} AS later WHERE later.source_id IS NOT DISTINCT FROM reject.source_id
            AND later.source_partition = reject.source_partition AND later.source_offset = reject.source_offset
            AND later.loaded_at > reject.loaded_at)"""
                  if replayed else "")
    # Offsets of a file, of another cluster or of a topic that was made anew count from 0 again.
    repeated = con.execute(f"""
        WITH message AS (
            SELECT source_id, source_partition, source_offset FROM {table} WHERE source_partition >= 0
            UNION ALL
            SELECT source_id, source_partition, source_offset FROM reject
            WHERE {REJECTED_FROM} = '{table}' AND source_partition >= 0 {superseded}
        )
        SELECT source_id, source_partition, source_offset, count(*) FROM message
        GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL""").fetchall()
    if not repeated:
        findings.ok(f"{table}.offsets", rows, rejects=rejects)
        return
    findings.differ(f"{table}.offsets", f"{len(repeated)} offsets on more than one row of {table} and reject",
                    [f"source {s} partition {p} offset {o}: {n} rows" for s, p, o, n in repeated[:SHOWN]])


def check(lake, wanted, days, replayed, schemas, values, findings, con=None):
    """All steps over `wanted` tables and what they are made of."""
    con = con or connect()
    # Tables that are only read to work out a wanted one are held to their contracts too.
    needed = set(wanted).union(*(INPUTS.get(name, []) for name in wanted))
    if needed & set(TOPICS):
        needed.add("reject")

    kept = {"reject", "trunk", "subscriber", "do_not_call", *TOPICS, *INPUTS}
    opened = set()
    for name in (name for name in schemas if name in needed):
        if open_table(con, lake, schemas[name], findings):
            opened.add(name)
        if name not in kept:
            con.execute(f"DROP TABLE IF EXISTS {name}")

    def can(name, *tables):
        lacking = [table for table in tables if table not in opened]
        if lacking:
            findings.differ(name, f"cannot be checked without {', '.join(lacking)}")
        return not lacking

    if "subscriber" in opened:
        con.execute(SUBSCRIPTION)
    for event in ("call_event", "sms_event"):
        if event in wanted and can(f"{event}.rows", event, *INPUTS[event]):
            check_events(con, schemas[event], days, values, findings)
    if opened.issuperset(["call_event", "sms_event"]):
        con.execute(CONTACT)
    for name, expect_day in (("contact_day", expect_contact_day), ("caller_day", expect_caller_day)):
        if name in wanted and can(f"{name}.rows", name, *INPUTS[name]):
            check_days(con, schemas[name], expect_day, days, values, findings)
    if "relation" in wanted and can("relation.rows", "relation", *INPUTS["relation"]):
        check_relation(con, schemas["relation"], days, values, findings)
    for event in ("call_event", "sms_event"):
        record = INPUTS[event][0]
        # A pair around midnight belongs to one day and lies on two, so a window has no sum of its own.
        if event in wanted and days is None and can(f"{record}.total", record, event):
            check_total(con, record, event, findings)
    for table in TOPICS:
        if table in needed and can(f"{table}.offsets", table, "reject"):
            check_offsets(con, table, replayed, findings)
    if "reject" in opened:
        others = con.execute(f"SELECT DISTINCT topic FROM reject WHERE NOT list_contains(?, {REJECTED_FROM}) ORDER BY topic",
                             [TOPICS]).fetchall()
        if others:
            findings.note(f"note: rejects of topics that no table is named after were not compared: "
                          f"{', '.join(topic for topic, in others)}")


def main():
    parser = argparse.ArgumentParser(
        description="Open a lake with DuckDB, hold it to its contracts, work its event and feature tables out again.",
        epilog="example: check.py /data/lake --tables call_event,caller_day --days 2025-01-06 2025-01-13")
    parser.add_argument("lake", nargs="?", help="folder with one Delta table per contract")
    parser.add_argument("--tables", help="check these and what they are made of (default: every contract's)")
    parser.add_argument("--days", nargs=2, metavar=("FROM", "UNTIL"), type=datetime.date.fromisoformat,
                        help="recompute FROM <= day < UNTIL only (default: every day; then totals are compared too)")
    parser.add_argument("--replayed", action="store_true", help="let a later row stand in the place of a reject")
    parser.add_argument("--project", type=Path, default=PROJECT, help="where schemas/ and pipelines/ lie")
    parser.add_argument("--memory", default="4GB", help="what DuckDB may hold (default: 4GB; the rest goes to disk)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--timed", action="store_true", help="add to each line how long it took")
    parser.add_argument("--self-test", action="store_true", help="check the checker against answers written by hand")
    arguments = parser.parse_args()

    schemas = contracts(arguments.project / "schemas" / "table")
    if arguments.self_test:
        import cases

        return cases.self_test(schemas)
    if arguments.lake is None:
        parser.error("name a lake")
    wanted = arguments.tables.split(",") if arguments.tables else list(schemas)
    for name in wanted:
        if name not in schemas:
            parser.error(f"no contract is named {name}")

    findings = Findings(timed=arguments.timed)
    con = connect(arguments.memory, arguments.threads)
    check(arguments.lake, wanted, arguments.days, arguments.replayed, schemas,
          parameters(arguments.project / "pipelines"), findings, con)
    return 1 if findings.failed else 0


if __name__ == "__main__":
    sys.exit(main())
