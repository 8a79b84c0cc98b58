"""No test reaches into a private attribute of ours: what it needs is a seam, or promised.

A private constant (`_PAUSE`) may be made shorter by monkeypatch, which puts it back.
"""

import ast
from collections.abc import Set
from pathlib import Path

import pytest

from . import PACKAGES, REPOSITORY

TESTS = sorted((REPOSITORY / "tests").rglob("*.py"))
#: Modules of others, whose private names may be the same as some of ours.
OTHERS = {"os", "sys", "asyncio", "functools", "threading", "redis", "arq"}
#: Private names of others that some of ours are like: of redis-py's pools and connections, and of
#: uvicorn's servers.
NOT_OURS = {
    "tests/frameworks/commands.py": {"_in_use_connections", "_available_connections"},
    "tests/frameworks/test_web.py": {"_serve"},
    "tests/parity/test_beyond.py": {"_in_use_connections"},
    "tests/store/test_connection.py": {"_available_connections", "_reader"},
    "tests/unit/store/test_driver.py": {"_reader", "_writer"},
}
_OWN = {"self", "cls"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def _root(node: ast.AST) -> str | None:
    """Return the name that a chain of attributes begins with."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _is_own(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in _OWN


def privates() -> set[str]:
    """Return the private names of our classes and modules: attributes, methods, variables."""
    found = set()
    for package in PACKAGES:
        for file in package.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Attribute) and _root(node) in _OWN:
                    found.add(node.attr)
                elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    found.add(node.name)
                elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    found.add(node.id)
    return {name for name in found if is_private(name)}


def _patches(node: ast.Call) -> bool:
    return (
        isinstance(node.func, ast.Attribute)
        and node.func.attr in ("setattr", "delattr")
        and _root(node.func) == "monkeypatch"
        and not (isinstance(node.args[0], ast.Attribute) and node.args[0].attr in OTHERS)
    )


OURS = privates()


def reached(tree: ast.AST, not_ours: Set[str] = frozenset()) -> list[str]:
    """Return where a test uses private names of ours, and which."""
    own = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    found = []
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Attribute) and not _is_own(node) and _root(node) not in OTHERS:
            names = [node.attr]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gatherq"):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Call) and _patches(node):
            names = [str(arg.value) for arg in node.args[:2] if isinstance(arg, ast.Constant)]
            names = [name for name in names if not name.rpartition(".")[2].isupper()]
        named = {name.rpartition(".")[2] for name in names}
        found += [f"{node.lineno}: {name}" for name in sorted(named & OURS - own - not_ours)]
    return found


@pytest.mark.parametrize("file", TESTS, ids=lambda file: str(file.relative_to(REPOSITORY)))
def test_a_test_leaves_our_privates_alone(file: Path):
    not_ours = NOT_OURS.get(str(file.relative_to(REPOSITORY)), frozenset())
    assert reached(ast.parse(file.read_text()), not_ours) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("producer._session.store", ["1: _session"]),
        ("from gatherq.client.producer import _session", ["1: _session"]),
        ("monkeypatch.setattr(engine, '_session', 1)", ["1: _session"]),
        ("monkeypatch.setattr('gatherq.client._session', 1)", ["1: _session"]),
        ("monkeypatch.setattr(module, '_PAUSE', 1)", []),
        ("self._session = 1", []),
        ("os._session", []),
        ("producer.session", []),
        ("class Fake:\n  def _session(self): return other._session", []),
    ],
)
def test_what_counts_as_reaching_in(code, found):
    assert "_session" in OURS
    assert reached(ast.parse(code)) == found
