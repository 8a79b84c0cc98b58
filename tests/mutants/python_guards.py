"""Tries guards of Python: each in a fork that has not imported the product yet."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType

import pytest

from .children import Begins
from .first_failure import FirstFailure
from .guards import REPOSITORY, Guard


class _Instead(SourceFileLoader, MetaPathFinder):
    """Imports one file of the repository with another text."""

    def __init__(self, file: Path, text: str) -> None:
        self._file, self._text = file, text

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: object = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name.endswith(f".{self._file.stem}") else None
        if spec is None or spec.origin != str(self._file):
            return None
        super().__init__(name, str(self._file))
        spec.loader = self
        return spec

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._text, str(self._file), "exec")


OPTIONS = ["-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"]


def run_python(tests: list[str], guard: Guard, begins: Begins) -> str | None:
    """Run tests without a guard; return the first that fails."""
    file = REPOSITORY / guard.file
    sys.meta_path.insert(0, _Instead(file, guard.taken_out(file.read_bytes())))
    failure = FirstFailure(begins)
    code = pytest.main([*OPTIONS, "-x", *tests], plugins=[failure])
    return failure.test or (None if code == 0 else f"(pytest ends with {code})")
