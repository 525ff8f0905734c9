"""Two answers: are they the same rows with the same values?

    python benches/peers/compare.py ONE.parquet OTHER.parquet

In: two Parquet files with the columns of `caller_day`, or some of them, in any order of rows. Out: nothing when they
are equal; else what differs, how often and in which rows, and exit 1. Never: forgives a difference of counts; shares
may differ by 1e-12, which is another way of dividing and no other answer.
"""

import sys

import duckdb

KEYS = ["day", "caller_kind", "caller", "caller_name"]
TOLERANCE = 1e-12
SHOWN = 5


def differences(one, other):
    connection = duckdb.connect(config={"threads": 2})

    def rows(query):
        return connection.execute(query).fetchall()

    for name, file in [("one", one), ("other", other)]:
        connection.execute(f"CREATE VIEW {name} AS SELECT * REPLACE (day::DATE AS day) FROM '{file}'")
    columns, others = ({name: kind for name, kind, *_ in rows(f"DESCRIBE {view}")} for view in ["one", "other"])
    if list(columns) != list(others):
        return [f"columns: {', '.join(columns)}", f"     and: {', '.join(others)}"]

    found = []
    keys = ", ".join(KEYS)
    for view, file in [("one", one), ("other", other)]:
        [(twice,)] = rows(f"SELECT COUNT(*) FROM (SELECT {keys} FROM {view} GROUP BY {keys} HAVING COUNT(*) > 1)")
        if twice:
            found.append(f"in {file} {twice} parties have several rows for a day")
    same = " AND ".join(f"one.{key} IS NOT DISTINCT FROM other.{key}" for key in KEYS)
    for left, right, file in [("one", "other", one), ("other", "one", other)]:
        alone = rows(f"SELECT {keys} FROM {left} ANTI JOIN {right} ON {same}")
        if alone:
            found.append(f"in {file} alone: {len(alone)} rows, as {alone[:SHOWN]}")

    values = [name for name in columns if name not in KEYS]
    differs = {name: f"one.{name} IS DISTINCT FROM other.{name}" for name in values}
    differs |= {name: f"({differs[name]} AND COALESCE(ABS(one.{name} - other.{name}) > {TOLERANCE}, true))"
                for name in values if columns[name] == "DOUBLE"}
    [counts] = rows(f"SELECT {', '.join(f'COUNT(*) FILTER ({test})' for test in differs.values())} "
                    f"FROM one JOIN other ON {same}")
    for name, count in zip(values, counts):
        if count:
            shown = rows(f"SELECT {', '.join(f'one.{key}' for key in KEYS)}, one.{name}, other.{name} "
                         f"FROM one JOIN other ON {same} WHERE {differs[name]} LIMIT {SHOWN}")
            found.append(f"{name}: {count} rows differ, as {shown}")
    return found


if __name__ == "__main__":
    found = differences(*sys.argv[1:3])
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)
