"""The contracts of the tables, and the thresholds of the definitions.

In: `schemas/table/*.toml`, `pipelines/**/*.toml`. Out: columns with their types in the log and in DuckDB; numbers by
name. Never: reads SQL of ours.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

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
    "match_days": ("feature/report_check.toml", "match_from", 3),
    "known_days": ("feature/report_check.toml", "known_from", 6),
    "called_slack_s": ("feature/report_check.toml", "called_slack_s", 43200),
}


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
