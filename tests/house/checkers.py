"""mypy and pyright, as strict as they can be, over a folder of code that shows how gatherq is used.

Their complaints name file and line. Such code defines names that it uses no further, and functions
whose body is `...`.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

from . import REPOSITORY

_PYRIGHT = {
    "typeCheckingMode": "strict",
    "pythonVersion": "3.11",
    "reportUnusedVariable": False,
    "reportUnusedImport": False,
    "reportUnusedExpression": False,
    "reportUnusedFunction": False,
    "reportMissingTypeStubs": False,
}
_MYPY = ["--strict", "--disable-error-code=empty-body", "--allow-untyped-calls"]
_ENDED = re.compile(r"^(?:Success|Found \d+ error|\d+ errors?,)", re.MULTILINE)


def mypy(folder: Path) -> str:
    """Return what mypy says of the modules of a folder."""
    cache = f"--cache-dir={REPOSITORY / '.mypy_cache' / 'examples'}"
    return _run("mypy", "--config-file=", "--python-version=3.11", *_MYPY, cache, ".", cwd=folder)


def pyright(folder: Path) -> str:
    """Return what pyright says of the modules of a folder."""
    (folder / "pyrightconfig.json").write_text(json.dumps(_PYRIGHT))
    return _run("pyright", "--pythonpath", sys.executable, "-p", ".", cwd=folder)


def _run(*command: str, cwd: Path) -> str:
    words = [sys.executable, "-m", *command]
    said = subprocess.run(words, capture_output=True, text=True, check=False, cwd=cwd)
    assert _ENDED.search(said.stdout), said
    return said.stdout
