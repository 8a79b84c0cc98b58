"""The record of a worker process, as it stands in Redis: who it is, and which jobs it knows."""

import contextlib
import os
import socket
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from .values import codec

#: Seconds that a record stays unless its worker writes it again.
LIFETIME = 60.0
#: Most names of jobs in a record, and most bytes of them as JSON.
MOST_HANDLERS, MOST_BYTES = 2_000, 64 * 1024


class WorkerRecord(NamedTuple):
    """What a worker tells of itself; `started` is added by Redis's clock."""

    host: str
    pid: int
    version: str
    queue: str
    #: Names of the jobs that it has handlers for, as a JSON list.
    handlers: bytes
    #: Whether names were left out, 1 or 0: then nobody can say what it does not know.
    handlers_cut: int

    @classmethod
    def of_this_process(cls, queue: str, names: Iterable[str]) -> "WorkerRecord":
        """Make the record of a worker in this process, with handlers of these names."""
        handlers, cut = _handlers(list(names))
        return cls(socket.gethostname(), os.getpid(), _version(), queue, handlers, int(cut))


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
