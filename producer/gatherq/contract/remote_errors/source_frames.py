"""Frames of a stack that are of users' own code, and how a line shows them."""

import os
import re
import sys
from collections.abc import Iterable
from functools import lru_cache
from traceback import FrameSummary

#: What is ours, by the first part of a module's name.
OUR_PACKAGES: tuple[str, ...] = ("gatherq", "gatherq_worker", "gatherq_cli")
_IN_A_TRACEBACK = re.compile(r'^[ |]*File "(.+)", line (\d+), in (.+)$', re.MULTILINE)
#: Most characters of a traceback in which the last frame is looked for.
_TAIL = 8_000
_INSTALLED = re.compile(r"[/\\](site|dist)-packages[/\\]")


def own_frames(frames: Iterable[FrameSummary]) -> list[FrameSummary]:
    """Return those of users' own code, or of installed packages where there are none of that."""
    known = [frame for frame in frames if _is_users(frame.filename)]
    return [frame for frame in known if not _INSTALLED.search(frame.filename)] or known


def last_own_frame(traceback: str) -> str:
    """Return the last frame of users' own code in a traceback's text, as `file.py:3 in f`."""
    found = [FrameSummary(f, int(n), name) for f, n, name in _IN_A_TRACEBACK.findall(traceback)]
    for frame in own_frames(found)[-1:]:
        return f"{shown_file(frame.filename)}:{frame.lineno} in {frame.name}"
    return ""


def last_own_function(traceback: str) -> str:
    """Return file and function of the last frame of users' own code, as `file.py in f`.

    Without folder and line: the place is the same on every machine, and after an edit above it.
    """
    found = _IN_A_TRACEBACK.findall(traceback[-_TAIL:])
    known = [(file, name) for file, _, name in found if _is_users(file)]
    own = [place for place in known if not _INSTALLED.search(place[0])] or known
    for file, name in own[-1:]:
        return f"{os.path.basename(file)} in {name}"
    return ""


def shown_file(file: str) -> str:
    """Return the path of a file, from the current folder on if it is below that."""
    try:
        relative = os.path.relpath(file)
    except (OSError, ValueError):  # the folder is gone; another drive
        return file
    return file if relative.startswith("..") else relative


@lru_cache(maxsize=256)
def _is_users(file: str) -> bool:
    """Tell whether a file is neither Python's own nor ours."""
    if file.startswith("<") or _is_in(file, *map(_folder_of, OUR_PACKAGES)):
        return False
    return bool(_INSTALLED.search(file)) or not _is_in(file, os.path.dirname(os.__file__))


def _folder_of(package: str) -> str | None:
    file = getattr(sys.modules.get(package), "__file__", None)
    return os.path.dirname(file) if file else None


def _is_in(file: str, *folders: str | None) -> bool:
    return any(folder and file.startswith(f"{folder}{os.sep}") for folder in folders)
