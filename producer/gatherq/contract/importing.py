"""Whether a worker imports the code that runs: that code is not to use a Producer then.

A worker that imports a module which waits for its own jobs would wait for itself.
"""

import linecache
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

from gatherq.errors import GatherqError

from .remote_errors.source_frames import shown_file

#: Longest statement that an error repeats.
_LONGEST = 60


class ImportRunsJobs(GatherqError, RuntimeError):
    """A module uses a Producer while a worker imports it."""


class _Import:
    """One import; contexts that were copied while it lasted may outlive it."""

    __slots__ = ("over",)

    def __init__(self) -> None:
        self.over = False


_import: ContextVar[_Import | None] = ContextVar("gatherq_import", default=None)


@contextmanager
def importing() -> Iterator[None]:
    """Mark the time in which a worker imports users' modules, for what runs in this context."""
    mark = _Import()
    token = _import.set(mark)
    try:
        yield
    finally:
        mark.over = True
        _import.reset(token)


def check_not_importing(what: str = "a Producer") -> None:
    """Raise ImportRunsJobs where a worker imports the code that uses `what`."""
    mark = _import.get()
    if mark is not None and not mark.over:
        raise ImportRunsJobs(_advice(what))


def _advice(what: str) -> str:
    frame = _module_level()
    file, line, statement = "this module", "", "that"
    if frame is not None:
        file, line = shown_file(frame.f_code.co_filename), f" (line {frame.f_lineno})"
        statement = _statement(frame) or statement
    return (
        f"{file} uses {what} while a worker imports it{line}: "
        f'put {statement} under if __name__ == "__main__":'
    )


def _module_level() -> FrameType | None:
    """Return the frame of the module whose statement is being run."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    return frame


def _statement(frame: FrameType) -> str:
    """Return the statement, if it is a short one of one line."""
    text = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    whole = text.count("(") == text.count(")") and not text.endswith(":")
    return text if whole and len(text) <= _LONGEST else ""
