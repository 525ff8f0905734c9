"""Rows as they should be against rows as they are.

In: the table `expected`, and a table of the lake. Out: what is missing, too much or different, with a few examples.
Never: stops at the first difference.
"""

from dataclasses import dataclass, field

from contract import Contract
from finding import SHOWN, masked, shown_sql

# Relative. Wide enough for another order of summing, too narrow for another answer.
TOLERANCE = 1e-12


def expect(con, contract, source, renamed=None):
    renamed = renamed or {}
    picked = ", ".join(f'CAST({renamed.get(c.name, c.name)} AS {c.sql}) AS "{c.name}"' for c in contract.columns)
    con.execute(f"CREATE OR REPLACE TEMP TABLE expected AS SELECT {picked} FROM {source}")


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
