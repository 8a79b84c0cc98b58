"""The examples in the docstrings of the public names, as a module for type checkers.

An example is a part of a docstring that is indented by four columns more than the rest.
"""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import gatherq
from gatherq.progress import progress

#: What examples have from nowhere.
_HEAD = """\
# pyright: reportMatchNotExhaustive=false
import asyncio
import gatherq
from gatherq import (
    Batch, Cancelled, ErrorInfo, Failed, Inspector, Lost, Outcome, Producer, Retry, Succeeded,
    TimedOut, call, cron, current_job, job,
)

@job()
async def chop(vegetable: str, seconds: float) -> str: ...
@job()
def peel(vegetable: str) -> int: ...
"""
_FUNCTION = (
    "async def of_{name}(producer: Producer, batch: Batch[str], outcome: Outcome[str], "
    "names: list[str], inspector: Inspector) -> None:\n{example}\n"
)
_EXAMPLE = re.compile(r"^ {4}.*(?:\n(?: {4}.*)?)*", re.MULTILINE)


def public() -> Iterator[tuple[str, Any]]:
    """Yield every public name, and the methods that are written in our classes."""
    yield from (("gatherq", gatherq), ("errors", gatherq.errors), ("progress", progress))
    for name in gatherq.__all__:
        each = getattr(gatherq, name)
        yield name, each
        for base in inspect.getmro(each) if inspect.isclass(each) else ():
            if base.__module__.startswith("gatherq"):
                methods = ((f"{name}.{key}", value) for key, value in vars(base).items())
                yield from (pair for pair in methods if inspect.isfunction(pair[1]))


def documented(each: Any) -> str:
    """Return the docstring of a class, a function or a module."""
    told = inspect.isclass(each) or inspect.isfunction(each) or inspect.ismodule(each)
    return inspect.cleandoc(each.__doc__ or "") if told else ""


def says(name: str, each: Any) -> bool:
    """Tell whether a name has a docstring, where it is one that people call or catch."""
    own = name.rpartition(".")[2].startswith("_")
    return own or not (inspect.isclass(each) or inspect.isfunction(each)) or bool(each.__doc__)


def examples() -> dict[str, str]:
    """Return the example of each name that has one."""
    found = {name: _EXAMPLE.findall(documented(each)) for name, each in public()}
    return {name: "\n".join(parts) for name, parts in found.items() if parts}


def module() -> str:
    """Return all examples, each as a function."""
    functions = [
        _FUNCTION.format(name=name.replace(".", "_"), example=example)
        for name, example in examples().items()
    ]
    return "\n".join([_HEAD, *functions])
