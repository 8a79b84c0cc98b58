"""The lists of this folder: where guards are, which test sees each, and which may stay unseen.

`sources.toml` and `accepted.toml` are written by hand, `seen.toml` by `make mutants`.
"""

import json
import tomllib
from functools import cache
from pathlib import Path

from .guards import REPOSITORY, Guard, guards_of

HERE = Path(__file__).parent
_SOURCES = tomllib.loads((HERE / "sources.toml").read_text())
#: The folder of the Lua steps, and the tests of all of them.
LUA: str = _SOURCES["lua"]["folder"]
LUA_TESTS: list[str] = [
    *_SOURCES["lua"]["tests"],
    *(f"--ignore-glob=*/test_{name}.py" for name in _SOURCES["lua"]["without"]),
]
#: By file and name of a guard: the test that sees it; the reason for which none need see it.
Names = dict[str, dict[str, str]]

_HEAD = """\
# Which test sees each guard: the first that fails without it; "" where none is known yet.
# Written by `make mutants`.
"""


def sources() -> dict[str, list[str]]:
    """Return the files with guards, and the tests of each."""
    lua = sorted((REPOSITORY / LUA).rglob("*.lua"))
    return {str(file.relative_to(REPOSITORY)): LUA_TESTS for file in lua} | _SOURCES["python"]


@cache
def all_guards() -> list[Guard]:
    """Return the guards of all files."""
    return [guard for file in sources() for guard in guards_of(file)]


def seen() -> Names:
    """Return the test that sees each guard; empty where none is known yet."""
    return _read("seen")


def accepted() -> Names:
    """Return the guards that no test sees, with the reason why they stay."""
    return _read("accepted")


def _read(name: str) -> Names:
    file = HERE / f"{name}.toml"
    return tomllib.loads(file.read_text()) if file.exists() else {}


def write_seen(tests: Names) -> None:
    """Write the list of those that are seen, without the guards that are gone or accepted."""
    lines, known = [_HEAD], accepted()
    for file in sources():
        names = [g.name for g in guards_of(file) if g.name not in known.get(file, {})]
        found = [(name, tests[file][name]) for name in names if name in tests.get(file, {})]
        if found:
            lines.append(f"[{_quoted(file)}]")
            lines += [f"{_quoted(name)} = {_quoted(test)}" for name, test in found] + [""]
    (HERE / "seen.toml").write_text("\n".join(lines))


def _quoted(text: str) -> str:
    if "'" not in text and "\\" in text:
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False)
