"""The second opinion: opens a lake with DuckDB, and works its events, contacts, relations, parties' days and what
reports are about out again.

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
`contract.py` and `lake.py` open and load, `fold.py`, `contact.py`, `party.py` and `report.py` work out, `compare.py`
compares.
`cases.py` holds small cases with answers written by hand: they check the checker. It alone needs `pyarrow`, to write
its lakes.
"""

import argparse
import datetime
import sys
from pathlib import Path

from compare import Compared, compare_partition, say
from contact import CONTACT, SPELL, expect_contact_day, expect_relation
from contract import contracts, parameters
from finding import SHOWN, Findings
from fold import SUBSCRIPTION, expect_events
from lake import connect, open_table
from party import expect_caller_day
from report import differing_reports

PROJECT = Path(__file__).resolve().parents[2]

# What each recomputation reads. The tables of `TOPICS` come from messages, and share their coordinates with `reject`.
INPUTS = {
    "call_event": ["call_record", "trunk", "subscriber"],
    "sms_event": ["sms_record", "trunk", "subscriber"],
    "contact_day": ["call_event", "sms_event"],
    "caller_day": ["call_event", "sms_event", "do_not_call"],
    "relation": ["contact_day"],
    "report_check": ["citizen_report", "call_event", "sms_event"],
}
TOPICS = ["call_record", "sms_record", "citizen_report", "subscriber", "survey_answer", "block_receipt"]

# The table that a rejected message was meant for; rows of before the column tell the topic alone.
REJECTED_FROM = "coalesce(table_name, topic)"


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


def check_reports(con, days, values, findings):
    """Whether each report is matched, and by what; the days that were computed count. `CONTACT` must have run."""
    reports, wrong = 0, []
    for day in days_of(con, ["report_check"], days):
        found, differing = differing_reports(con, day, values)
        reports += found
        wrong += [f"{day} {channel} {report_id}" for channel, report_id in differing]
    if wrong:
        findings.differ("report_check.matched", f"{len(wrong)} of {reports} reports", wrong[:SHOWN])
    else:
        findings.ok("report_check.matched", reports)


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
    if "report_check" in wanted and can("report_check.matched", "report_check", *INPUTS["report_check"]):
        check_reports(con, days, values, findings)
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
