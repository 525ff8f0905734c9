"""One peer answers once, in a process of its own: `run.py` starts it and takes the time and the memory.

    python benches/peers/peer.py DIR duckdb grouped all [--out ANSWER.parquet]

In: a folder that `make.py` filled, an engine, one of its formulations, which columns (`all` or `order`, or `records`
for all of one day, from its records). Out: one line of JSON with the seconds from the opening of the files until the
last row has been handed over; with `--out` the answer as Parquet, and a time that means nothing. Never: keeps an answer
that it measures, which would be memory of the measuring.
"""

import argparse
import json
import os
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
THREADS = 2

DUCKDB = {
    "grouped": ["duckdb_event.sql", "duckdb.sql"],
    "framed": ["duckdb_event.sql", "duckdb.sql", "duckdb_frame.sql"],
}
DUCKDB_RECORDS = {
    "grouped": ["duckdb_record.sql", "duckdb.sql"],
    "grouped, framed": ["duckdb_record.sql", "duckdb.sql", "duckdb_frame.sql"],
    "windowed": ["duckdb_record.sql", "duckdb_record_window.sql", "duckdb.sql"],
    "windowed, framed": ["duckdb_record.sql", "duckdb_record_window.sql", "duckdb.sql", "duckdb_frame.sql"],
}
CLICKHOUSE = {
    "arrays": ["clickhouse.sql"],
    "intervals": ["clickhouse.sql", "clickhouse_interval.sql"],
    "windows": ["clickhouse.sql", "clickhouse_window.sql"],
}
VIEWS = {"all": "caller_day", "order": "order_day", "records": "caller_day"}


def duckdb(formulation, columns, out):
    import duckdb

    files = DUCKDB_RECORDS if columns == "records" else DUCKDB
    # What the answer is sorted by is the reader's affair.
    connection = duckdb.connect(config={"threads": THREADS, "preserve_insertion_order": False})
    for file in files[formulation]:
        connection.execute((HERE / file).read_text())
    began = time.perf_counter()
    if columns == "records":
        connection.execute("INSERT INTO event FROM folded")
    connection.execute("INSERT INTO name FROM nameless")
    answer = f"SELECT * FROM {VIEWS[columns]}"
    if out:
        connection.execute(f"COPY ({answer}) TO '{out}'")
    else:
        for _ in connection.sql(answer).to_arrow_reader():
            pass
    return time.perf_counter() - began


def polars(formulation, columns, out):
    import polars

    import polars_query

    began = time.perf_counter()
    frames = []
    for frame in getattr(polars_query, formulation)(columns):
        if out:
            frames.append(frame)
    seconds = time.perf_counter() - began
    if out:
        polars.concat(frames).write_parquet(out)
    return seconds


def clickhouse(formulation, columns, out):
    from chdb.session import Session

    session = Session()
    # In the default database every file of the working directory is a table.
    for statement in ["CREATE DATABASE peer", "USE peer", f"SET max_threads = {THREADS}"]:
        session.query(statement)
    for file in CLICKHOUSE[formulation]:
        for statement in (HERE / file).read_text().split(";\n"):
            if statement.strip():
                session.query(statement)
    began = time.perf_counter()
    session.query("INSERT INTO name SELECT * FROM nameless")
    into = f"INTO OUTFILE '{out}' FORMAT Parquet" if out else "FORMAT Null"
    session.query(f"SELECT * FROM {VIEWS[columns]} {into}")
    return time.perf_counter() - began


ENGINES = {"duckdb": duckdb, "polars": polars, "clickhouse": clickhouse}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("formulation")
    parser.add_argument("columns", choices=VIEWS)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    out = arguments.out and arguments.out.resolve()
    os.chdir(arguments.folder)
    print(json.dumps({"seconds": ENGINES[arguments.engine](arguments.formulation, arguments.columns, out)}))
