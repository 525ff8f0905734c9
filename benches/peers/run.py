"""callsieve's feature engine beside DuckDB, Polars and ClickHouse: the same files, the same answers, in one run.

    python -m venv V && V/bin/pip install -r benches/peers/requirements.txt
    V/bin/python benches/peers/run.py ~/.cache/callsieve/peers --callsieve 'cargo bench --bench feature --'
    V/bin/python benches/peers/run.py ~/.cache/callsieve/peers --callsieve … --from-records

In: a folder for the data, made on first use, and callsieve's bench, which is run as
`BENCH --data DIR --columns all|order --out FILE` and `BENCH --data DIR --from-records --out FILE`, and says
`{"seconds": …}` in a line of its own. Out: tables of medians and peak memory in Markdown; exit 1 and what differs
when two answers are not equal. Never: two at once, or a time of an answer that was wrong.

Everybody answers once before anything is measured: that warms the cache, and those answers are the ones compared. Then
all take turns. Each is a process of its own, on the same two processors. This one stays small and imports no engine:
a child's peak begins with what its parent held when it forked.
"""

import argparse
import dataclasses
import importlib.metadata
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True

import peer  # noqa: E402

HERE = Path(__file__).resolve().parent
ENVIRONMENT = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
ENVIRONMENT |= dict.fromkeys(["OMP_NUM_THREADS", "POLARS_MAX_THREADS"], str(peer.THREADS))
PACKAGES = {"duckdb": "duckdb", "polars": "polars", "clickhouse": "chdb"}
FORMULATIONS = {
    "all": {"duckdb": peer.DUCKDB, "polars": ["daily", "weekly"], "clickhouse": peer.CLICKHOUSE},
    "records": {"duckdb": peer.DUCKDB_RECORDS, "polars": ["records"]},
}
FORMULATIONS["order"] = FORMULATIONS["all"]


@dataclasses.dataclass
class Runner:
    engine: str
    formulation: str
    columns: str
    command: list
    seconds: list = dataclasses.field(default_factory=list)
    peak_mb: float = 0

    def __str__(self):
        return f"{self.engine} {self.formulation} {self.columns}".replace("  ", " ")

    def run(self, out=None):
        """Seconds as the process itself says, and its peak memory in MB as the kernel does."""
        command = self.command + (["--out", str(out)] if out else [])
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
        with child.stdout as said:
            lines = said.read().splitlines()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        measured = [json.loads(line) for line in lines if line.startswith("{")]
        if child.returncode or len(measured) != 1:
            sys.exit(f"{shlex.join(command)}: exit {child.returncode}, said {lines[-3:]}")
        return measured[0]["seconds"], usage.ru_maxrss / 1024

    def median(self):
        return statistics.median(self.seconds)


def runners(folder, columns, callsieve, only):
    found = []
    if callsieve:
        wanted = ["--from-records"] if columns == "records" else ["--columns", columns]
        found.append(Runner("callsieve", "", columns, [*callsieve, "--data", str(folder), *wanted]))
    for engine, formulations in FORMULATIONS[columns].items():
        for formulation in formulations if not only or engine in only else []:
            command = [sys.executable, str(HERE / "peer.py"), str(folder), engine, formulation, columns]
            found.append(Runner(engine, formulation, columns, command))
    return found


def check(turns, scratch):
    """All answers against the first one."""
    first, is_equal = None, True
    for place, runner in enumerate(turns):
        answer = scratch / f"{place}.parquet"
        print(f"{runner}: answering", file=sys.stderr)
        runner.run(answer)
        if first is None:
            first = runner, answer
            continue
        comparison = [sys.executable, HERE / "compare.py", first[1], answer]
        found = subprocess.run(comparison, stdout=subprocess.PIPE, text=True)
        if found.returncode:
            is_equal = False
            print(f"{first[0]} and {runner} differ:\n{found.stdout}")
        answer.unlink()
    return is_equal


def measure(turns, runs, scratch):
    for _ in range(runs):
        for runner in turns:
            # callsieve's bench stops its clock before it writes.
            out = scratch / "callsieve.parquet" if runner.engine == "callsieve" else None
            seconds, peak_mb = runner.run(out)
            print(f"{runner}: {seconds:.2f} s, {peak_mb:.0f} MB", file=sys.stderr)
            runner.seconds.append(seconds)
            runner.peak_mb = max(runner.peak_mb, peak_mb)


def best(measured, engine):
    """The fastest formulation of an engine for each set of columns; its memory is that of the same runs."""
    fastest = {}
    for runner in measured:
        if runner.engine != engine:
            continue
        rival = fastest.get(runner.columns)
        if rival is None or runner.median() < rival.median():
            fastest[runner.columns] = runner
    return fastest


def table(measured, titles):
    """One line per engine. A ratio says how many times the engine's time is callsieve's."""
    engines = list(dict.fromkeys(runner.engine for runner in measured))
    ours = best(measured, "callsieve")
    print("| engine | " + " | ".join(f"{title}, s | × callsieve" for title in titles.values()) + " | peak MB |")
    print("|---|" + "---:|---:|" * len(titles) + "---:|")
    for engine in engines:
        fastest = best(measured, engine)
        cells = []
        for columns in titles:
            seconds = fastest[columns].median()
            ratio = f"{seconds / ours[columns].median():.1f}" if ours else ""
            formulation = f" ({fastest[columns].formulation})" if fastest[columns].formulation else ""
            cells += [f"{seconds:.2f}{formulation}", ratio]
        print(f"| {engine} | {' | '.join(cells)} | {max(runner.peak_mb for runner in fastest.values()):.0f} |")
    print("\n| run | seconds | peak MB |\n|---|---|---:|")
    for runner in measured:
        print(f"| {runner} | {', '.join(f'{seconds:.2f}' for seconds in runner.seconds)} | {runner.peak_mb:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the data is, or will be")
    parser.add_argument("--calls", type=int, default=30_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--callsieve", type=shlex.split, help="callsieve's bench; without it the peers run alone")
    parser.add_argument("--from-records", action="store_true", help="one day from its records, not the week")
    parser.add_argument("--only", action="append", choices=PACKAGES, help="of the peers this one; may be repeated")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()

    folder = arguments.folder.resolve() / f"{arguments.calls}-{arguments.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    mix = ["--calls", str(arguments.calls), "--seed", str(arguments.seed)]
    subprocess.run([sys.executable, HERE / "make.py", folder, *mix], check=True)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:peer.THREADS])

    titles = {"all": "all columns", "order": "order-dependent"}
    if arguments.from_records:
        titles = {"records": "records to caller_day"}
    measured = []
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
        for columns in titles:
            turns = runners(folder, columns, arguments.callsieve, arguments.only)
            if not check(turns, Path(scratch)):
                return 1
            measure(turns, arguments.runs, Path(scratch))
            measured += turns
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in PACKAGES.values())
    print(f"{arguments.calls:,} calls, seed {arguments.seed}; {versions}; {peer.THREADS} threads; "
          f"medians of {arguments.runs}; answers equal\n")
    table(measured, titles)
    return 0


if __name__ == "__main__":
    sys.exit(main())
