"""One peer answers once, in a process of its own: `run.py` starts it and takes the time and the memory.

    python benches/peers/peer.py DIR duckdb grouped all [--out ANSWER]

In: a folder that `make.py` filled, an engine, one of its formulations, which columns (`all` or `order`, or `records`
for all of one day, from its records). Out: one line of JSON with the seconds from the opening of the files until the
last row has been handed over; with `--out` until the answer is on the disk: in a new folder, as Parquet with zstd 1
like the lake's, synced. Never: keeps an answer that it measures, which would be memory of the measuring.
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
    "grouped-framed": ["duckdb_record.sql", "duckdb.sql", "duckdb_frame.sql"],
    "windowed": ["duckdb_record.sql", "duckdb_record_window.sql", "duckdb.sql"],
    "windowed-framed": ["duckdb_record.sql", "duckdb_record_window.sql", "duckdb.sql", "duckdb_frame.sql"],
}
POLARS = {"daily": "auto", "weekly": "streaming"}
POLARS_RECORDS = {"records": "auto"}
CLICKHOUSE = {
    "arrays": ["clickhouse.sql"],
    "intervals": ["clickhouse.sql", "clickhouse_interval.sql"],
    "windows": ["clickhouse.sql", "clickhouse_window.sql"],
}
ZSTD_LEVEL = 1
VIEWS = {"all": "caller_day", "order": "order_day", "records": "caller_day"}


def duckdb(formulation, columns, out):
    import duckdb
    import pyarrow  # noqa: F401  (else handing over would import it within the time)

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
        options = f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {ZSTD_LEVEL}"
        connection.execute(f"COPY ({answer}) TO '{out / 'part-0.parquet'}' ({options})")
        sync(out)
    else:
        for _ in connection.sql(answer).to_arrow_reader():
            pass
    return time.perf_counter() - began


def polars(formulation, columns, out):
    import polars_query

    engine = (POLARS | POLARS_RECORDS)[formulation]
    began = time.perf_counter()
    for place, answer in enumerate(getattr(polars_query, formulation)(columns)):
        if out:
            answer.sink_parquet(out / f"part-{place}.parquet", compression="zstd", compression_level=ZSTD_LEVEL,
                                maintain_order=False, engine=engine)
        else:
            answer.collect(engine=engine)
    if out:
        sync(out)
    return time.perf_counter() - began


def clickhouse(formulation, columns, out):
    from chdb.session import Session

    session = Session()
    # In the default database every file of the working directory is a table.
    for statement in ["CREATE DATABASE peer", "USE peer", f"SET max_threads = {THREADS}",
                      f"SET output_format_compression_level = {ZSTD_LEVEL}",
                      "SET output_format_parquet_write_bloom_filter = false"]:
        session.query(statement)
    for file in CLICKHOUSE[formulation]:
        for statement in (HERE / file).read_text().split(";\n"):
            if statement.strip():
                session.query(statement)
    began = time.perf_counter()
    session.query("INSERT INTO name SELECT * FROM nameless")
    into = f"INTO OUTFILE '{out / 'part-0.parquet'}' FORMAT Parquet" if out else "FORMAT Null"
    session.query(f"SELECT * FROM {VIEWS[columns]} {into}")
    if out:
        sync(out)
    return time.perf_counter() - began


def sync(folder):
    """Each file, then the folder that names it: what was written outlives a power cut."""
    for path in [*folder.iterdir(), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


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
    if out:
        out.mkdir()
    os.chdir(arguments.folder)
    print(json.dumps({"seconds": ENGINES[arguments.engine](arguments.formulation, arguments.columns, out)}))
