"""Reads and writes `budget.toml`, measures, and says where the two differ."""

import json
import math
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
FILE = HERE / "budget.toml"
#: By what is counted: the share that a new budget has beyond what was measured.
ROOM = {
    "commands": 0.0,
    "round_trips": 0.0,
    "script_commands": 0.0,
    "bytes_sent": 0.02,
    "bytes_received": 0.02,
    "instructions": 0.02,
    "calls": 0.02,
    "calls_of_others": 0.15,
}
#: What differs between versions of Python.
OF_PYTHON = ("calls", "calls_of_others")
#: What is this share cheaper than its budget has a budget that is too high.
_CHEAPER = 0.1

_HEAD = """\
# The most that each scenario of tests/budget/scenarios.py may cost. `make budget` shows what it
# costs now. What costs more fails: make it cheaper, or raise its number here, and say why in the
# commit. What became ten per cent cheaper fails too, so that it stays so: `make budget WRITE=1`
# changes those numbers that do not hold, and no others. It adds some room to what it measures:
#
#   none      commands that clients send, round trips, commands that scripts run: all exact
#   2 %       bytes sent to Redis and received from it, instructions of Lua, calls of functions of
#             gatherq
#   15 %      calls of functions of others: asyncio, redis-py, arq. A release of theirs may change
#             these, so they are never too cheap
#
# A worker is divided into claims, records, heartbeat, and upkeep for all else; its calls are those
# of its main thread. Calls differ by version of Python, and are compared in this one alone:
"""


class Difference(NamedTuple):
    """A count that does not hold."""

    scenario: str
    unit: str
    who: str
    what: str
    most: float
    found: float

    def __str__(self):
        what = self.what.replace("_", " ")
        head = f"{self.scenario}: {self.who}: {what} a {self.unit}: {_text(self.found)}"
        if self.found > self.most:
            return (
                f"{head}, budget {_text(self.most)}. If it has to cost that, edit "
                "tests/budget/budget.toml (or make budget WRITE=1), and say why in the commit. "
                f"See what it does: python -m tests.budget.run {self.scenario} -v"
            )
        return (
            f"{head}, which is cheaper than its budget {_text(self.most)}: lower that, so that it "
            "stays so (make budget WRITE=1)"
        )


def measure(scenario):
    """Return the counts of a scenario for each unit, by who and what."""
    command = [sys.executable, "-m", "tests.budget.run", scenario]
    kept = {name: value for name, value in os.environ.items() if not _is_ours(name)}
    done = subprocess.run(
        command,
        cwd=HERE.parents[1],
        env={**kept, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{scenario} did not run:\n{done.stderr[-5000:]}"
    return {(who, what): n for who, what, n in json.loads(done.stdout)}


def read():
    """Return the version of Python, the unit of each scenario, and the budget of each."""
    raw = tomllib.loads(FILE.read_text()) if FILE.exists() else {}
    version = raw.pop("python", "")
    units = {scenario: table.pop("unit") for scenario, table in raw.items()}
    budgets = {
        scenario: {(who, what): most for who, each in table.items() for what, most in each.items()}
        for scenario, table in raw.items()
    }
    return version, units, budgets


def differences(scenario, unit, budget, found, *, is_version=True):
    """Return what does not hold; calls of functions are left out on other versions of Python."""
    missed = []
    for who, what in sorted({*budget, *found}):
        most, n = budget.get((who, what), 0.0), found.get((who, what), 0.0)
        if what in OF_PYTHON and not is_version:
            continue
        cheaper = what != "calls_of_others" and n * (1 + ROOM[what]) < most * (1 - _CHEAPER)
        if _rounded(n) > most or cheaper:
            missed.append(Difference(scenario, unit, who, what, most, n))
    return missed


def this_python():
    return "{}.{}".format(*sys.version_info)


def write(units, budgets):
    lines = [f'{_HEAD}python = "{this_python()}"']
    for scenario, budget in budgets.items():
        lines += ["", f"[{scenario}]", f'unit = "{units[scenario]}"']
        order = list(ROOM)
        for who, what in sorted(budget, key=lambda key: (key[0], order.index(key[1]))):
            lines.append(f"{who}.{what} = {_text(budget[who, what])}")
    FILE.write_text("\n".join(lines) + "\n")


def with_room(what, n):
    """Return the budget of what was measured: small numbers keep three decimals."""
    most = n * (1 + ROOM[what])
    return _rounded(most) if n < 100 else math.ceil(most)


def _rounded(n):
    return math.ceil(round(n * 1000, 6)) / 1000


def _text(n):
    return f"{n:.3f}".rstrip("0").rstrip(".")


def _is_ours(name):
    return name.startswith(("GATHERQ_", "PYTHON", "COV_"))
