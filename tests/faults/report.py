"""docs/faults.md: what was done in each row, and what was seen."""

import json
import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from gatherq.testing.server import server_program

_HEAD = """\
# The fault matrix

Written by `make chaos`, which does all of this again on your machine; edit nothing here. Each row
is a test in `tests/faults`: real servers, real worker processes (two, unless it says otherwise), a
lease of 2 s. After what the row itself asks for, six invariants are checked:

| | |
|---|---|
| I1 | each submitted job ends in exactly one outcome, collected in submission order |
| I2 | once readable, an outcome never changes |
| I3 | a job is executed at most `max_attempts` times, and once where the row says so |
| I4 | no worker exits unless the fault ended it |
| I5 | afterwards no key is left but results, and every worker takes a new job within 2 s (1) |
| I6 | an error names its cause |

The same row is done to stock arq in its own processes, with the same jobs, two attempts and a job
timeout of 5 s (what stands in for a lease there is that and 10 s). What did not hold there is in
the last column. (1) Of arq's workers one, since they poll. `make chaos MINUTES=10 SEED=7` does all
faults at random, and `make test` the quickest rows.
"""


@dataclass
class Row:
    """A row as it was seen, on both sides."""

    number: str
    fault: str
    done: str
    case: str
    why_not_arq: str
    ours: dict[str, object] = field(default_factory=dict)
    arqs: dict[str, object] = field(default_factory=dict)


def read(record: Path) -> list[Row]:
    """Return the rows of a record, in the order of the matrix."""
    rows: dict[tuple[str, ...], Row] = {}
    for line in record.read_text().splitlines():
        about = json.loads(line)
        key = (about["row"], about["fault"], about["done"], about["case"])
        row = rows.setdefault(key, Row(*key, about["arq"]))
        if about["side"] == "gatherq":
            row.ours = about
        else:
            row.arqs = about
    return sorted(rows.values(), key=lambda row: (_number(row.number), row.fault, row.case))


def write(rows: list[Row]) -> str:
    """Return the page."""
    _, program = server_program()
    server = Path(program).name
    machine = f"Python {platform.python_version()}, arq {version('arq')}, {server}"
    worst = max((_seconds(row.ours) for row in rows), default=0.0)
    lines = [_HEAD, *_summary(rows), ""]
    lines += [
        f"Last run: {machine}; {sys.platform}. Longest that anything took, with the time of "
        f"jobs in it: {worst:.1f} s.",
        "",
    ]
    lines += ["| row | fault | what is done | gatherq | stock arq |", "|---|---|---|---|---|"]
    lines += [_line(row) for row in rows]
    return "\n".join(lines) + "\n"


def _summary(rows: list[Row]) -> Iterator[str]:
    ours = [row for row in rows if row.ours]
    arqs = [row for row in rows if row.arqs]
    yield (
        f"gatherq: {sum(not row.ours['violations'] for row in ours)} of {len(ours)} rows held. "
        f"Stock arq: {sum(not row.arqs['violations'] for row in arqs)} of the {len(arqs)} that "
        "mean something to it."
    )


def _line(row: Row) -> str:
    fault = f"{row.fault}: {row.case}" if row.case else row.fault
    theirs = (
        _cell(row.arqs) if row.arqs else f"({row.why_not_arq})" if row.why_not_arq else "not run"
    )
    words = [row.number, fault, row.done, _cell(row.ours) if row.ours else "not run", theirs]
    return "| " + " | ".join(_plain(word) for word in words) + " |"


def _cell(side: dict[str, object]) -> str:
    violations, seen = list(side["violations"]), "; ".join(side["seen"])  # type: ignore[call-overload]
    if not violations:
        return f"held. {seen}".strip()
    more = f" (and {len(violations) - 2} more)" if len(violations) > 2 else ""
    return f"**not held**: {'; '.join(each[:160] for each in violations[:2])}{more}"


def _seconds(side: dict[str, object]) -> float:
    recovery = side.get("recovery")
    return recovery if isinstance(recovery, float) else 0.0


def _number(text: str) -> int:
    return int(re.match(r"\d+", text).group())  # type: ignore[union-attr]


def _plain(text: str) -> str:
    """Return a text that stays in its cell."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
