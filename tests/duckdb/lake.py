"""A lake's tables, read by DuckDB and held to their contracts.

In: a folder with one Delta table for each contract. Out: the same tables in DuckDB, and what is wrong with them.
Never: writes to the lake; believes the names of its folders: the log says which files are live.
"""

import json
import os
from urllib.parse import unquote

import duckdb
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from contract import TYPES
from finding import SHOWN, masked, shown_sql

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


def connect(memory="4GB", threads=2):
    con = duckdb.connect(config={"memory_limit": memory, "threads": threads})
    con.execute(MACROS)
    return con


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
