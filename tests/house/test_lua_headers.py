"""The header of each Lua step is complete, and each call of a step names what the header names."""

import ast
import re
from dataclasses import dataclass, field

import pytest

from gatherq.contract.keys import KeySpace
from gatherq.store.script import scripts

from . import LUA, PACKAGES

STORE = PACKAGES[0] / "store"
SCRIPTS = {script.name: script for script in scripts()}
INCLUDES = {file.stem: file.read_text() for file in (LUA / "include").glob("*.lua")}


def header(name):
    lines = (LUA / f"{name}.lua").read_text().splitlines()
    end = next(n for n, line in enumerate(lines) if not line.startswith("--"))
    return "\n".join(lines[:end])


def includes(name):
    (listed,) = re.findall(r"^-- Include: ((?:.+,\n--   )*.+)$", header(name), re.MULTILINE)
    return listed.replace("\n--   ", " ").split(", ")


@dataclass
class Use:
    """Where a step is bound to a name, and the calls of that name in the same module."""

    step: str
    constants: set
    calls: list = field(default_factory=list)


def keywords(call):
    assert all(keyword.arg for keyword in call.keywords), "a step is called with plain keywords"
    return {keyword.arg for keyword in call.keywords}


def is_bind(node):
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "bind"
        and isinstance(node.func.value, ast.Call)
        and ast.unparse(node.func.value.func) == "script"
    )


def uses():
    found = []
    for file in sorted(STORE.glob("*.py")):
        tree = ast.parse(file.read_text())
        bound = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and is_bind(node.value):
                step = ast.literal_eval(node.value.func.value.args[0])
                bound[ast.unparse(node.targets[0])] = Use(step, keywords(node.value))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in bound:
                assert not node.args, f"{file.name}:{node.lineno}"
                bound[ast.unparse(node.func)].calls.append(keywords(node))
        found += bound.values()
    return found


USES = uses()


def test_each_step_is_bound_and_called():
    assert sorted(use.step for use in USES) == sorted(SCRIPTS)
    assert all(use.calls for use in USES)


@pytest.mark.parametrize("use", USES, ids=lambda use: use.step)
def test_a_call_names_what_the_header_names(use):
    script = SCRIPTS[use.step]
    given_by_keys = set(script.names) & KeySpace().queue_wide.keys()
    for call in use.calls:
        assert call | use.constants | given_by_keys == set(script.names)
        assert not call & use.constants
        assert not (call | use.constants) & given_by_keys


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_header_says_what_the_step_does_takes_and_returns(name):
    lines = header(name).splitlines()
    marks = ("-- Include: ", "-- KEYS: ", "-- ARGV: ", "-- Returns ")
    found = [next((n for n, line in enumerate(lines) if line.startswith(m)), 0) for m in marks]
    assert 0 < found[0] < found[1] < found[2] < found[3]
    assert re.fullmatch(r"-- [A-Z].*", lines[0])


def code_of(name):
    """Return the Lua of a step and its includes, without the line of locals and the comments."""
    return re.sub("--.*", "", SCRIPTS[name].source.split("\n", 1)[1])


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_step_reads_keys_and_arguments_by_their_names(name):
    code = code_of(name)
    assert not re.findall(r"KEYS|ARGV\[\d", code)
    assert "ARGV" not in code or SCRIPTS[name].rest


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_step_uses_all_that_it_takes(name):
    code = code_of(name)
    for each in [*SCRIPTS[name].keys, *SCRIPTS[name].argv]:
        assert re.search(rf"\b{each}\b", code), each


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_include_is_used_and_comes_after_what_it_needs(name):
    code = (LUA / f"{name}.lua").read_text()
    listed = includes(name)
    for n, each in enumerate(listed):
        (after,) = re.findall(r"[Aa]fter: ([\w, ]+)\.", INCLUDES[each]) or [""]
        assert set(filter(None, after.split(", "))) <= set(listed[:n]), each
        defined = re.findall(r"^local (?:function )?([\w, ]+)", INCLUDES[each], re.MULTILINE)
        names = {one for names in defined for one in names.split(", ")}
        users = code + "".join(INCLUDES[other] for other in listed[n + 1 :])
        assert any(re.search(rf"\b{one}\b", users) for one in names), f"{each} is of no use"


@pytest.mark.parametrize("file", sorted(LUA.rglob("*.lua")), ids=lambda file: file.stem)
def test_no_line_is_longer_than_others_can_read(file):
    assert [line for line in file.read_text().splitlines() if len(line) > 120] == []
