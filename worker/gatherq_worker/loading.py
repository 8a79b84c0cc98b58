"""Imports of the modules that a command line names, and what is said where that fails."""

import difflib
import linecache
import os
import pkgutil
import re
import shlex
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from threading import Timer, get_ident
from traceback import FrameSummary
from types import ModuleType
from typing import Any

from gatherq.contract.importing import ImportRunsJobs, importing
from gatherq.contract.remote_errors.capture import say
from gatherq.contract.remote_errors.source_frames import own_frames, shown_file
from gatherq.errors import GatherqError
from gatherq.escape import escape

from .import_path import search_here

#: Most frames of users' code that an error shows; most names that it lists.
_FRAMES, _NAMES = 10, 10
#: A decorator that makes a job, whatever the module calls ours.
_A_JOB = re.compile(r"^@(\w+\.)?job\b", re.MULTILINE)
#: Seconds after which an import is told to last.
_LONG = 5.0


class LoadError(GatherqError):
    """A module cannot be loaded, or its jobs cannot be told apart."""


class NoModule(LoadError):
    """There is no module of that name."""


def imported(word: str) -> ModuleType:
    """Import the module that a command line names; raises NoModule, and whatever it raises.

    It is named as Python does, or by its path: of a file or folder below the current one.
    """
    search_here()
    name = module_name(word).replace(":", ".")
    try:
        with importing():
            return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise
        raise NoModule(_not_found(name)) from None


def module_name(word: str) -> str:
    """Return the name of the module that a command line names; raises LoadError."""
    if not word.strip():
        raise LoadError(
            "'' names no module: gatherq worker kitchen is for kitchen.py in this folder"
        )
    if not _is_path(word):
        return word
    path = os.path.abspath(word.removesuffix(".py"))
    below = os.path.relpath(path)
    if below.startswith(os.pardir):
        folder, name = os.path.split(path)
        raise LoadError(
            f"{word} is outside of {os.getcwd()}, where modules are looked for: "
            f"cd {folder} && gatherq worker {name}"
        )
    if "." in below:
        raise LoadError(f"{word} cannot be imported: there is a dot in its path; rename it")
    return below.replace(os.sep, ".")


def _is_path(word: str) -> bool:
    if "/" in word or os.sep in word or word.startswith("."):
        return True
    return word.endswith(".py") and not os.path.isdir(word.removesuffix(".py"))


def _not_found(name: str) -> str:
    """Say that there is no such module, and what there is that may be meant."""
    parent, _, last = name.rpartition(".")
    module = sys.modules.get(parent)
    if module is not None:
        return _nothing_of_that_name(module, name, last)
    folder = os.path.join(os.getcwd(), *parent.split(".")) if parent else os.getcwd()
    there = _modules_in([folder])
    hint = _meant(parent, last, there) or (
        f"; here are {_listed(there)}" if there else "; there are no modules here"
    )
    return f"no module named {name!r} in {os.getcwd()}, nor installed{hint}"


def _nothing_of_that_name(module: ModuleType, name: str, last: str) -> str:
    """Say what `name` is, or what may be meant by it; its `module` is there."""
    parent, value = module.__name__, vars(module).get(last)
    if is_settings(value):
        return f"{name} is arq's settings, which run alone: gatherq worker {name}"
    if hasattr(value, "definition"):
        return f"{name} is a job, and a worker runs all jobs of a module: gatherq worker {parent}"
    if last in vars(module):
        return f"{name} is neither a module of jobs nor arq's settings"
    there = [word for word, each in vars(module).items() if is_settings(each)]
    there += _modules_in(getattr(module, "__path__", ()))
    hint = _meant(parent, last, there) or (f"; it has {_listed(there)}" if there else "")
    return f"module {parent!r} has neither a module nor arq's settings named {last!r}{hint}"


def is_settings(value: object) -> bool:
    """Tell whether it looks like arq's settings."""
    try:
        if isinstance(value, Mapping):
            return "functions" in value or "cron_jobs" in value
        kind = isinstance(value, type)
        return kind and (hasattr(value, "functions") or hasattr(value, "cron_jobs"))
    except Exception:  # a mapping with keys of another kind, or a class with a mind of its own
        return False


def _meant(parent: str, last: str, there: Iterable[str]) -> str:
    near = difflib.get_close_matches(last, there, n=2)
    names = [repr(f"{parent}.{each}" if parent else each) for each in near]
    return f"; did you mean {' or '.join(names)}?" if names else ""


def _modules_in(folders: Iterable[str]) -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(folders))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(names[:_NAMES]) + more


def without_jobs(module: ModuleType) -> str:
    """Say that a module has no jobs, and where there are some."""
    name, found = module.__name__, vars(module)
    text = f"module {name!r} has no jobs: decorate functions with @job()"
    settings = [word for word, value in found.items() if is_settings(value)]
    if settings:
        return f"{text}; it has arq's settings: gatherq worker {name}.{settings[0]}"
    inside = [f"{name}.{each}" for each in _with_jobs(getattr(module, "__path__", ()))]
    return f"{text}; there are some inside: gatherq worker {' '.join(inside)}" if inside else text


def _with_jobs(folders: Iterable[str]) -> Iterator[str]:
    """Name the first modules in a package that seem to have jobs, without an import."""
    for folder in {os.path.abspath(each) for each in folders}:  # a namespace may have one twice
        for each in _modules_in([folder])[:100]:
            try:
                with open(os.path.join(folder, f"{each}.py"), errors="replace") as file:
                    if _A_JOB.search(file.read(1_000_000)):
                        yield each
            except OSError:  # a package
                continue


def import_failure(error: BaseException) -> LoadError:
    """Make the error that says where in the user's code an import failed."""
    if isinstance(error, LoadError):
        return error
    if isinstance(error, ImportRunsJobs):
        return LoadError(str(error))
    frames = own_frames(_of_the_import(traceback.extract_tb(error.__traceback__)))
    if isinstance(error, SyntaxError) and error.filename:
        line, text = error.lineno or 0, error.text or ""
        frames.append(FrameSummary(error.filename, line, "<module>", line=text.strip()))
    what = f"{type(error).__name__}: {_said(error)}".removesuffix(": ") + _beside(error, frames)
    where = f"{_place(frames[-1])}: " if frames else ""
    shown = [line for frame in frames[-_FRAMES:] for line in _lines(frame)]
    if isinstance(error, SystemExit):
        shown.append('put what ends the program under if __name__ == "__main__":')
    return LoadError("\n".join([escape(f"{where}{what}"), *shown]))


def _beside(error: BaseException, frames: list[FrameSummary]) -> str:
    """Say how a module is found that lies beside the file that imports it, and only there."""
    if not (isinstance(error, ModuleNotFoundError) and error.name and frames):
        return ""
    folder, file = os.path.split(os.path.relpath(frames[-1].filename))
    if not folder or folder.startswith(os.pardir) or error.name not in _modules_in([folder]):
        return ""
    there = f"cd {shlex.quote(folder)} && gatherq worker {file.removesuffix('.py')}"
    dotted = f"{folder.replace(os.sep, '.')}.{error.name}"
    where = f"it is beside {file}, and modules are looked for in {os.getcwd()}"
    return f"; {where}: {there}, or import {dotted} in it"


def _of_the_import(frames: list[FrameSummary]) -> list[FrameSummary]:
    """Return the frames below the call of Python's import."""
    while frames and not frames[0].filename.startswith("<frozen importlib"):
        frames = frames[1:]
    return frames


def _said(error: BaseException) -> str:
    return str(error.msg) if isinstance(error, SyntaxError) else say(error)


def _place(frame: FrameSummary) -> str:
    return f"{shown_file(frame.filename)}, line {frame.lineno}"


def _lines(frame: FrameSummary) -> list[str]:
    lines = [f"  {_place(frame)}, in {frame.name}", f"    {frame.line}"]
    return [escape(line) for line in lines[: 2 if frame.line else 1]]


@contextmanager
def long_imports_told(names: Iterable[str], log: Any, after: float = _LONG) -> Iterator[None]:
    """Say once, `after` so many seconds, what an import in this thread is doing."""
    timer = Timer(after, _tell, (", ".join(names), get_ident(), log, after))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _tell(names: str, thread: int, log: Any, after: float) -> None:
    frame = sys._current_frames().get(thread)
    linecache.checkcache()
    frames = own_frames(traceback.extract_stack(frame)) if frame else []
    where = f": at {_place(frames[-1])} in {frames[-1].name}" if frames else ""
    log.warning("still importing %s after %g s%s; it runs no job before", names, after, where)
