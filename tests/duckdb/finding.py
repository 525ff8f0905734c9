"""What is said of a lake: one line for each check.

In: what was found. Out: lines on stdout. Never: a number in clear.
"""

import re
import time
from dataclasses import dataclass, field

SHOWN = 5


@dataclass
class Findings:
    """One line for each check; remembers whether any failed."""

    timed: bool = False
    quiet: bool = False
    failed: list = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)

    def _took(self):
        now = time.monotonic()
        took, self.since = now - self.since, now
        return f" seconds={took:.1f}" if self.timed else ""

    def _say(self, line):
        if not self.quiet:
            print(line, flush=True)

    def ok(self, name, rows, **facts):
        more = "".join(f" {key}={value}" for key, value in facts.items())
        self._say(f"ok {name} rows={rows}{more}{self._took()}")

    def note(self, text):
        self._say(text)

    def differ(self, name, what, details=()):
        self.failed.append(name)
        self._say(f"DIFFERENT {name}: {what}{self._took()}")
        for detail in details:
            self._say(f"    {detail}")


def masked(value, column):
    """A value as it may be shown: numbers as 84912•••678, other personal data not at all."""
    if value is None:
        return "null"
    text = str(value)
    if column.pii == "number":
        digits = re.sub(r"\D", "", text)
        # Short numbers and sender names are nobody's telephone.
        return text if len(digits) < 9 else f"{digits[:5]}•••{digits[-3:]}"
    return "(hidden)" if column.pii else text


def shown_sql(column, of):
    """A value to be shown. Instants are taken as UTC, for which Python needs no time zones."""
    return f"make_timestamp(epoch_us({of}))" if column.type == "timestamp" else of
