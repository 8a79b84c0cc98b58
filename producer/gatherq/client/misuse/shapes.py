"""What a verb takes, and how that is written with what it was given instead."""

from collections.abc import Callable
from typing import Any

from gatherq.contract.jobs import Call
from gatherq.contract.short_repr import arguments_repr

from .checks import close_coroutines
from .slips import job_of, slip

#: What to write for a timeout where a verb takes none.
WITH_TIMEOUT = "write it at the call, chop.call(...).with_timeout(10)"


def a_call(verb: str) -> Callable[[tuple[Any, ...]], str]:
    """Return what says that `verb` takes one call, of what it was given."""

    def advice(given: tuple[Any, ...]) -> str:
        return f"a call: {verb}({_written(given) or 'chop.call(...)'})"

    return advice


def calls_in_a_list(given: tuple[Any, ...]) -> str:
    """Say that calls are given in a list, and all else by name."""
    several = not given or isinstance(given[0], Call | list | tuple)
    inside = "[c1, c2], timeout=10" if several else f"[{_written(given)}]"
    return f"one list of calls, and options by name: submit({inside})"


def _written(given: tuple[Any, ...]) -> str:
    """Write what was given as a call: a job and its arguments, or the first alone."""
    if not given:
        return ""
    said = slip(given[0])
    close_coroutines(given)
    if job_of(given[0]) is None:
        return said.call
    return f"{said.name}.call({arguments_repr(given[1:], {})})"
