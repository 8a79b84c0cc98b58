"""docs/keys.md, against what makes the keys and the fields."""

import inspect
import re

import pytest
from arq.constants import health_check_key_suffix

from gatherq.contract import keys
from gatherq.store.script import scripts

from . import DOCS, LUA

#: What docs/keys.md writes for each argument of what makes a key.
STAND_FOR = {
    "id_": "<id>",
    "job_id": "<id>",
    "batch_id": "<batch>",
    "batch": "<batch>",
    "queue": "<queue>",
    "run": "<job>:<ms>",
    "watcher": "<producer>",
    "worker": "<worker>",
    "span": "<minute>",
    "gate": "<gate>",
    "lane": "<lane>",
}
#: Makers in `keys` of what is no key.
NO_KEYS = {"job_id"}
#: Keys that arq makes.
ARQS = {f"<queue>{health_check_key_suffix}"}


def tables():
    """Return the rows of the two tables, each as a list of cells."""
    parts = (DOCS / "keys.md").read_text().split("## The hash of a batch")
    rows = [re.findall(r"^\| (`.*) \|$", part, re.MULTILINE) for part in parts]
    return [[[cell.strip() for cell in row.split(" | ")] for row in found] for found in rows]


def made(maker):
    """Call what makes a key, with what the documentation writes for its arguments."""
    parameters = inspect.signature(maker).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty]
    unknown = set(needed) - STAND_FOR.keys()
    assert not unknown, f"{maker.__qualname__}: say in STAND_FOR what docs/keys.md writes for them"
    return maker(**{name: STAND_FOR[name] for name in needed})


def made_by(owner):
    """Return the keys that the public functions, methods and properties of an owner make."""
    found = {}
    for name, member in inspect.getmembers(owner):
        if name.startswith("_") or name in NO_KEYS:
            continue
        if inspect.isroutine(member):
            if member.__module__ == keys.__name__:
                found[name] = made(member)
        elif isinstance(member, str) and not member.endswith(":") and not member.startswith("{"):
            found[name] = member
    return found


def all_made():
    return set(made_by(keys.KeySpace("<queue>")).values())


def test_every_key_that_is_made_has_a_row_and_every_row_a_maker():
    rows, _ = tables()
    assert {row[0].strip("`") for row in rows} == all_made() | ARQS


def test_every_row_says_type_content_writer_reader_and_time_to_live():
    rows, _ = tables()
    assert len(rows) > 10
    for row in rows:
        assert len(row) == 6, row
        assert all(row), row


def test_every_step_is_named_as_its_file_is():
    steps = {script.name.rpartition("/")[2] for script in scripts()}
    rows, fields = tables()
    named = {word for row in rows for word in re.findall(r"\w+", f"{row[3]} {row[4]}")}
    named |= {word for row in fields for word in re.findall(r"\w+", row[2])}
    assert steps <= named


@pytest.mark.parametrize("name", ["FIELDS", "ENDED"])
def test_every_field_of_a_batch_that_the_steps_read_has_a_row(name):
    source = (LUA / "include" / "batch.lua").read_text()
    (listed,) = re.findall(rf"^local {name} = {{(.*?)}}", source, re.MULTILINE | re.DOTALL)
    _, fields = tables()
    documented = {field for row in fields for field in re.findall(r"`(\w+)`", row[0])}
    assert set(re.findall(r"'(\w+)'", listed)) <= documented
