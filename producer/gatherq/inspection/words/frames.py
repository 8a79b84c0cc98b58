"""Tracebacks as people read them: the frames of libraries are folded away."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

_FRAME = re.compile(r'\s*[|+]?\s*File "(.*)", line \d+')
#: A line of code below a frame, behind the bars of an exception group too.
_CODE = re.compile(r"(?:[ |]*\| )?    ")
#: Parts of paths of code that is nobody's own.
_FOREIGN = ("site-packages", "dist-packages", "gatherq_worker", "<frozen ")
_PYTHON = re.compile(r"[/\\][Ll]ib[/\\](python3[^/\\]*[/\\])?[^/\\]+\.py$|[/\\]lib[/\\]python3")


class Part(NamedTuple):
    """Some lines of a traceback; those of `frames` frames of libraries, or none of them."""

    text: str
    frames: int = 0


def parts_of(traceback: str) -> list[Part]:
    """Return a traceback in parts: frames of libraries that follow one another are one."""
    parts = []
    for foreign, found in groupby(_frames(traceback.rstrip("\n")), key=_is_foreign):
        texts = [*found]
        parts.append(Part("\n".join(texts), len(texts) if foreign else 0))
    return parts


def _frames(traceback: str) -> Iterator[str]:
    """Yield each frame with its lines of code, and each other line."""
    frame: list[str] = []
    for line in traceback.split("\n"):
        if frame and _CODE.match(line) and not _FRAME.match(line):
            frame.append(line)
            continue
        if frame:
            yield "\n".join(frame)
        frame = [line] if _FRAME.match(line) else []
        if not frame:
            yield line
    if frame:
        yield "\n".join(frame)


def _is_foreign(text: str) -> bool:
    found = _FRAME.match(text)
    if not found:
        return False
    path = found[1]
    return any(part in path for part in _FOREIGN) or _PYTHON.search(path) is not None
