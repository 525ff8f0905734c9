"""callsieve's feature engine beside DuckDB, Polars and ClickHouse: the same files, the same answers, in one run.

    python -m venv V && V/bin/pip install -r benches/peers/requirements.txt
    V/bin/python benches/peers/run.py ~/.cache/callsieve/peers --callsieve 'cargo bench --bench feature --'
    V/bin/python benches/peers/run.py ~/.cache/callsieve/peers --callsieve … --from-records
    V/bin/python benches/peers/run.py ~/.cache/callsieve/peers --callsieve … --written --formulations framed,daily

In: a folder for the data, made on first use, and callsieve's bench, which is run as
`BENCH --data DIR --columns all|order --out FILE` and `BENCH --data DIR --from-records --out FILE`, and says
`{"seconds": …}` in a line of its own. Out: tables of medians and peak memory in Markdown, and what
each side wrote in its time; exit 1 and what differs when two answers are not equal. Never: two at once, or a time of an
answer that was wrong.

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
import shutil
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
    "all": {"duckdb": peer.DUCKDB, "polars": peer.POLARS, "clickhouse": peer.CLICKHOUSE},
    "records": {"duckdb": peer.DUCKDB_RECORDS, "polars": peer.POLARS_RECORDS},
}
FORMULATIONS["order"] = FORMULATIONS["all"]


@dataclasses.dataclass(frozen=True)
class Figure:
    """What is measured, and what each side writes within that time."""

    title: str
    columns: str
    bench: tuple
    ours: str
    theirs: str = ""


WEEK = [
    Figure("all columns", "all", ("--columns", "all"), "contact_day and caller_day"),
    Figure("all columns, written", "all", ("--columns", "all"), "contact_day and caller_day",
           "caller_day"),
    Figure("order-dependent", "order", ("--columns", "order"), ""),
]
RECORDS = [
    Figure("records to caller_day", "records", ("--from-records",),
           "call_event, contact_day and caller_day"),
    Figure("records to caller_day, written", "records", ("--from-records",),
           "call_event, contact_day and caller_day", "caller_day"),
]


@dataclasses.dataclass
class Runner:
    engine: str
    formulation: str
    figure: Figure
    command: list
    seconds: list = dataclasses.field(default_factory=list)
    peak_mb: float = 0

    def __str__(self):
        return f"{self.engine} {self.formulation}".strip() + f": {self.figure.title}"

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


def chosen(columns, arguments):
    """Pairs of an engine and one of its formulations."""
    return [(engine, formulation) for engine, formulations in FORMULATIONS[columns].items()
            for formulation in formulations
            if (not arguments.only or engine in arguments.only)
            and (not arguments.formulations or formulation in arguments.formulations)]


def runners(folder, figure, arguments):
    found = []
    if arguments.callsieve:
        command = [*arguments.callsieve, "--data", str(folder), *figure.bench]
        found.append(Runner("callsieve", "", figure, command))
    for engine, formulation in chosen(figure.columns, arguments):
        command = [sys.executable, str(HERE / "peer.py"), str(folder), engine, formulation, figure.columns]
        found.append(Runner(engine, formulation, figure, command))
    return found


def check(turns, scratch):
    """All answers against the first one; what is written is what was compared here."""
    first, other, is_equal = scratch / "first.parquet", scratch / "other.parquet", True
    for place, runner in enumerate(turns):
        answer = other if place else first
        print(f"{runner}: answering", file=sys.stderr)
        runner.run(answer)
        if not place:
            continue
        found = subprocess.run([sys.executable, HERE / "compare.py", files(first), files(other)],
                               stdout=subprocess.PIPE, text=True)
        if found.returncode:
            is_equal = False
            print(f"{turns[0]} and {runner} differ:\n{found.stdout}")
        remove(other)
    remove(first)
    return is_equal


def measure(turns, runs, scratch):
    answer = scratch / "answer.parquet"
    for _ in range(runs):
        for runner in turns:
            # callsieve's bench stops its clock before it writes the answer; a peer's runs on.
            is_wanted = runner.engine == "callsieve" or runner.figure.theirs
            seconds, peak_mb = runner.run(answer if is_wanted else None)
            remove(answer)
            print(f"{runner}: {seconds:.2f} s, {peak_mb:.0f} MB", file=sys.stderr)
            runner.seconds.append(seconds)
            runner.peak_mb = max(runner.peak_mb, peak_mb)


def files(answer):
    """callsieve's is a file, a peer's a folder of them."""
    return answer / "*.parquet" if answer.is_dir() else answer


def remove(answer):
    if answer.is_dir():
        shutil.rmtree(answer)
    else:
        answer.unlink(missing_ok=True)


def best(measured, engine):
    """The fastest formulation of an engine for each figure; its memory is that of the same runs."""
    fastest = {}
    for runner in measured:
        if runner.engine != engine:
            continue
        rival = fastest.get(runner.figure)
        if rival is None or runner.median() < rival.median():
            fastest[runner.figure] = runner
    return fastest


def table(measured, figures):
    """One line per engine. A ratio says how many times the engine's time is callsieve's."""
    engines = list(dict.fromkeys(runner.engine for runner in measured))
    ours = best(measured, "callsieve")
    print("| engine | " + " | ".join(f"{figure.title}, s | × callsieve" for figure in figures) + " | peak MB |")
    print("|---|" + "---:|---:|" * len(figures) + "---:|")
    for engine in engines:
        fastest = best(measured, engine)
        cells = []
        for figure in figures:
            seconds = fastest[figure].median()
            ratio = f"{seconds / ours[figure].median():.1f}" if ours else ""
            formulation = f" ({fastest[figure].formulation})" if fastest[figure].formulation else ""
            cells += [f"{seconds:.2f}{formulation}", ratio]
        print(f"| {engine} | {' | '.join(cells)} | {max(runner.peak_mb for runner in fastest.values()):.0f} |")
    print("\n| within its time | callsieve writes | a peer writes |\n|---|---|---|")
    for figure in figures:
        print(f"| {figure.title} | {figure.ours or 'nothing'} | {figure.theirs or 'nothing'} |")
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
    parser.add_argument("--written", action="store_true", help="also the time until caller_day is on the disk")
    parser.add_argument("--only", action="append", choices=PACKAGES, help="of the peers this one; may be repeated")
    parser.add_argument("--formulations", type=lambda names: names.split(","),
                        help="of their formulations these, as framed,daily; a peer without any is left out")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()

    figures = RECORDS if arguments.from_records else WEEK
    figures = [figure for figure in figures if arguments.written or not figure.theirs]
    engines = FORMULATIONS[figures[0].columns].values()
    unknown = set(arguments.formulations or []) - {name for formulations in engines for name in formulations}
    if unknown:
        parser.error(f"no formulation is called {', '.join(sorted(unknown))}; there are "
                     f"{', '.join(name for formulations in engines for name in formulations)}")

    folder = arguments.folder.resolve() / f"{arguments.calls}-{arguments.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    mix = ["--calls", str(arguments.calls), "--seed", str(arguments.seed)]
    subprocess.run([sys.executable, HERE / "make.py", folder, *mix], check=True)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:peer.THREADS])

    measured, checked = [], set()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
        for figure in figures:
            turns = runners(folder, figure, arguments)
            if figure.columns not in checked and not check(turns, Path(scratch)):
                return 1
            checked.add(figure.columns)
            measure(turns, arguments.runs, Path(scratch))
            measured += turns
    asked = dict.fromkeys(runner.engine for runner in measured if runner.engine in PACKAGES)
    versions = [f"{PACKAGES[engine]} {importlib.metadata.version(PACKAGES[engine])}" for engine in asked]
    print(f"{arguments.calls:,} calls, seed {arguments.seed}; {', '.join(versions)}; {peer.THREADS} threads; "
          f"medians of {arguments.runs}; answers equal\n")
    table(measured, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
