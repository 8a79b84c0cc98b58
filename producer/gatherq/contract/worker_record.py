"""The record of a worker process, as it stands in Redis: who it is, and which jobs it knows."""

import contextlib
import os
import platform
import socket
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from .values import codec

#: Seconds that a record stays unless its worker writes it again.
LIFETIME = 60.0
#: Most names of jobs in a record, and most bytes of them as JSON.
MOST_HANDLERS, MOST_BYTES = 2_000, 64 * 1024


class WorkerNews(NamedTuple):
    """What a worker has to tell once: events, and what became of jobs since it last told."""

    #: Tells them from all others of the worker.
    seq: str
    #: Name, then field and value any number of times, of each event.
    events: Sequence[Sequence[str]]
    #: For each name of a job: the name, then cell (from 1) and amount any number of times.
    jobs: Sequence[Sequence[str | int]]

    def encode(self) -> bytes:
        """Write them as the steps take them."""
        return codec.encode(self._asdict())


class Beat(NamedTuple):
    """What a worker tells with a renewal: fields of its record, and its news; both may be empty."""

    fields: Mapping[str, str | int] = {}
    news: bytes = b""


class SignOff(NamedTuple):
    """Why a worker ends: an event, which Redis notes, and its last news."""

    event: Sequence[str] = ("worker_drained",)
    news: bytes = b""


class WorkerRecord(NamedTuple):
    """What a worker tells of itself; `started` is added by Redis's clock."""

    host: str
    pid: int
    #: Versions of gatherq and of Python.
    version: str
    python: str
    queue: str
    #: For how many ms a claim of it holds.
    lease: int
    #: How many jobs it runs at a time, by where, as JSON: `loop`, `threads`, `processes`.
    places: bytes
    #: Names of the jobs that it has handlers for, as a JSON list.
    handlers: bytes
    #: Whether names were left out, 1 or 0: then nobody can say what it does not know.
    handlers_cut: int

    @classmethod
    def of_this_process(
        cls, queue: str, names: Iterable[str], lease: float, places: Mapping[str, int]
    ) -> "WorkerRecord":
        """Make the record of a worker in this process, with handlers of these names."""
        handlers, cut = _handlers(list(names))
        python, ms, where = platform.python_version(), round(lease * 1000), codec.encode(places)
        versions = (_version(), python)
        process = (socket.gethostname(), os.getpid(), *versions)
        return cls(*process, queue, ms, where, handlers, int(cut))


def handlers_of(raw: bytes | None, cut: bytes | None) -> frozenset[str] | None:
    """Read the names in a record; None where there is no record, or not all names are in it."""
    if raw is None or cut != b"0":
        return None
    try:
        names = codec.from_json(raw)
    except ValueError:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return frozenset(names)


def _handlers(names: Sequence[str]) -> tuple[bytes, bool]:
    """Return the names as JSON, and whether some were left out."""
    kept, size = [], 2
    for name in names[:MOST_HANDLERS]:
        with contextlib.suppress(ValueError):  # one that JSON cannot write, nor a call
            size += len(codec.encode(name)) + 1
            if size > MOST_BYTES:
                break
            kept.append(name)
    return codec.encode(kept), len(kept) < len(names)


@cache
def _version() -> str:
    try:
        return version("gatherq")
    except PackageNotFoundError:  # run from its source
        return ""
