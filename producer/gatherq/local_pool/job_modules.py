"""Which modules the workers of a program import: those that it names, or the running script."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import NamedTuple

from gatherq.contract.job_definition import JobDefinition
from gatherq.contract.short_repr import value_repr
from gatherq.errors import GatherqError

_MAIN = "__main__"


class JobModules(NamedTuple):
    """Names of modules with jobs, and where to look for them, as in `sys.path`."""

    names: list[str]
    path: list[str]


def job_modules(given: Sequence[str | ModuleType]) -> JobModules:
    """Return the modules that are given, or that of the running script; raises GatherqError."""
    names, path = [], [entry for entry in sys.path if isinstance(entry, str)]
    for module in given or (_MAIN,):
        name = module if isinstance(module, str) else _name_of(module)
        if "://" in name:
            raise GatherqError(
                "gatherq.local takes modules of jobs, and was given a URL: write "
                "gatherq.local(redis_url=...), or use Producer(url) beside workers that are there"
            )
        if name == _MAIN:
            name, folder = _running_script(sys.modules[_MAIN])
            if folder and folder not in path:
                path.insert(0, folder)
        names.append(name)
    # A worker looks in the current folder too, but as in the last place.
    return JobModules(names, path if "" in path else [*path, ""])


def _name_of(module: ModuleType) -> str:
    if not isinstance(module, ModuleType):
        told = _no_module(module)
        raise GatherqError(f"gatherq.local takes modules of jobs, or their names, not {told}")
    if module is sys.modules[_MAIN] or not module.__spec__:
        return module.__name__
    return module.__spec__.name


def _no_module(given: object) -> str:
    """Say what was given in place of a module, and what to write."""
    text = value_repr(given)
    if isinstance(given, list | tuple | set):
        names = ", ".join(map(_written, given))
        return f"a {type(given).__name__}: write gatherq.local({names})"
    if not isinstance(given, FunctionType):
        return f'{text}; a worker runs all jobs of a module: gatherq.local("kitchen")'
    what = f"the function {given.__name__}: a worker runs all jobs of a module"
    if given.__module__ != _MAIN:
        return f'{what}; write gatherq.local("{given.__module__}")'
    return f"{what}; gatherq.local() runs those of this script"


def _written(module: object) -> str:
    return module.__name__ if isinstance(module, ModuleType) else value_repr(module)


def _running_script(main: ModuleType) -> tuple[str, str | None]:
    """Return the name under which a worker imports the script, and the folder that it is in."""
    spec, file = main.__spec__, getattr(main, "__file__", None)
    if spec is None and (file is None or not os.path.isfile(file)):
        raise GatherqError(
            "gatherq.local: workers import the jobs, and those of a notebook or an interactive "
            "session are in no file; write them to one (a notebook's cell: %%writefile kitchen.py) "
            'and name it: gatherq.local("kitchen")'
        )
    script = spec.name if spec else Path(file or "").absolute()
    if not any(_is_job(value) for value in vars(main).values()):
        raise GatherqError(
            f"gatherq.local: {script}, which runs, has no jobs; name the modules that have some: "
            'gatherq.local("kitchen")'
        )
    if isinstance(script, str):
        return script, None
    if script.suffix != ".py" or "." in script.stem:
        raise GatherqError(
            f"gatherq.local: {script} cannot be imported by workers; "
            "give it a name that ends in .py, and has no other dot"
        )
    return script.stem, str(script.parent)


def _is_job(value: object) -> bool:
    return isinstance(getattr(value, "definition", None), JobDefinition)
