"""What was asked of `gatherq map`, checked before anything is submitted."""

import math
import re
import secrets
from dataclasses import dataclass
from typing import Any, Self

import click

from .input_lines import Input

_SHARE = re.compile(r"(\d{1,3}(?:\.\d+)?)%")
_ID = re.compile(r"[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True, slots=True)
class MapOptions:
    """How a map is run, and how it is printed."""

    values: bool
    unordered: bool
    window: int
    #: Limit of each job, in seconds.
    timeout: float | None
    #: `max_at_once`, `max_per_second` and `priority`, as `submit` takes them.
    limits: dict[str, Any]
    #: Most jobs that may fail, None for all.
    tolerate: float | None
    #: What its batches are called; "auto" for a name by the input; empty where nothing is kept.
    resume: str
    #: File to append to.
    path: str | None
    detach: bool

    @classmethod
    def read(
        cls,
        given: Input,
        *,
        values: bool,
        unordered: bool,
        window: int,
        timeout: float | None,
        limits: tuple[int | None, float | None, int],
        tolerate: str | None,
        resume: str | None,
        path: str | None,
        detach: bool,
    ) -> Self:
        """Check what was given; raises UsageError."""
        name = _name(resume, given, detach=detach)
        if path and not name:
            raise click.UsageError("-o goes with --resume; without it write > FILE")
        if unordered and name:
            raise click.UsageError("--unordered does not go with --resume or --detach")
        if detach and (path or tolerate):
            raise click.UsageError("--detach prints no outcomes: leave out -o and --tolerate")
        if detach and limits[:2] != (None, None):
            raise click.UsageError(
                "--detach submits many batches, and a limit is of one: leave out --max-at-once and "
                "--max-per-second, or --detach"
            )
        most = None if tolerate is None else _most(tolerate, given)
        named = dict(zip(("max_at_once", "max_per_second", "priority"), limits, strict=True))
        return cls(values, unordered, window, timeout, named, most, name, path, detach)

    @property
    def limited(self) -> bool:
        """Whether there is a limit of a batch."""
        return any(self.limits[name] is not None for name in ("max_at_once", "max_per_second"))


def _name(resume: str | None, given: Input, *, detach: bool) -> str:
    if resume is None:
        return "" if not detach else "auto" if given.is_file else f"map-{secrets.token_hex(8)}"
    if resume == "auto" and not given.is_file:
        raise click.UsageError(f"--resume auto needs a FILE, not {given.name}; give --resume ID")
    if not _ID.fullmatch(resume):
        raise click.UsageError(
            f"--resume {resume!r:.200}: give auto, or up to 100 letters, digits, '_', '.' and '-'"
        )
    return resume


def _most(tolerate: str, given: Input) -> float:
    """Return how many jobs may fail."""
    if tolerate.isascii() and tolerate.isdigit():
        return int(tolerate)
    share = _SHARE.fullmatch(tolerate)
    if not share or float(share[1]) > 100:
        raise click.UsageError(f"--tolerate {tolerate!r:.50}: give a number, or a share as 5%")
    if not given.is_file:
        raise click.UsageError(f"--tolerate {tolerate} needs a FILE, whose lines can be counted")
    return math.floor(given.count() * float(share[1]) / 100)
