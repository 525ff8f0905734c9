"""How long does a package of a million numbers take, and how much memory?

    V/bin/python benches/package/measure.py --demo callsieve-demo

In: a finished demo. Out: seconds and peak memory of `export regulator`, exit 1 beyond the bar. Never: touches the demo: the
rows of its last week are repeated, each with a number of its own, in a copy of its lake.
"""

import argparse
import datetime
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

WEEK, MONDAY = "2025-W03", datetime.date(2025, 1, 13)
FIRST = 84_900_000_001
BAR_SECS, BAR_BYTES = 60, 10**9
# An earlier package of the week would make all of it a correction.
LEFT_OUT = "package"


def fill(lake, count):
    """Makes the week's list as long as is asked for."""
    table = DeltaTable(lake / "regulator_week")
    told = table.to_pyarrow_table(filters=[("week", "=", MONDAY)])
    rows = told.take(pa.array([at % told.num_rows for at in range(count)]))
    place = rows.schema.get_field_index("number")
    numbers = pa.array(range(FIRST, FIRST + count), pa.int64())
    rows = rows.set_column(place, rows.schema.field(place), numbers)
    write_deltalake(table, rows, mode="overwrite", predicate=f"week = '{MONDAY}'")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--demo", type=Path, default=Path("callsieve-demo"), help="the folder of a finished demo")
    parser.add_argument("--count", type=int, default=1_000_000, help="how many numbers")
    given = parser.parse_args()
    program = os.environ.get("CALLSIEVE_BIN", "target/release/callsieve")
    with tempfile.TemporaryDirectory() as scratch:
        lake = Path(scratch) / "lake"
        shutil.copytree(given.demo / "lake", lake, ignore=shutil.ignore_patterns(LEFT_OUT))
        # A child's peak begins at that of whoever starts it, so the rows are made in a process of their own.
        filling = multiprocessing.get_context("spawn").Process(target=fill, args=(lake, given.count))
        filling.start()
        filling.join()
        if filling.exitcode:
            sys.exit("no list was made")
        began = time.monotonic()
        export = subprocess.Popen([program, "export", "regulator", "--week", WEEK, "--lake", lake, "--out",
                                   Path(scratch) / "out", "--key", given.demo / "package.key"])
        _, status, usage = os.wait4(export.pid, 0)
        took = time.monotonic() - began
    export.returncode = os.waitstatus_to_exitcode(status)
    if export.returncode:
        sys.exit(f"the export ended with {export.returncode}")
    peak = usage.ru_maxrss * 1024
    print(f"{given.count} numbers: {took:.1f} s, {peak / 1e9:.2f} GB at most")
    sys.exit(took > BAR_SECS or peak > BAR_BYTES)


if __name__ == "__main__":
    main()
