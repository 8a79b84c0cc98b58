"""What each verb of a producer takes. All checks raise InvalidArguments."""

import asyncio
import inspect
from collections.abc import AsyncIterable, Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from types import CoroutineType
from typing import Any, cast

from gatherq.client.batch import Batch
from gatherq.contract.checks.call_signature import CallSignature
from gatherq.contract.jobs import Call, call
from gatherq.contract.short_repr import with_article
from gatherq.errors import InvalidArguments

from .slips import is_new, job_of, slip

_CALLS = frozenset({Call})
#: What can be read one by one, and yet is no list of calls.
_NO_LISTS = (str, dict, set, frozenset, Batch, asyncio.Future)
_EACH = "[each async for each in calls]"


def check_calls(verb: str, calls: Sequence[Any]) -> None:
    """Raise, naming the slot, for the first of several calls that is none."""
    if _CALLS.issuperset(map(type, calls)):
        return  # the usual case
    for slot, each in enumerate(calls):
        if not isinstance(each, Call):
            where = f"slot {slot}: " if len(calls) > 1 else ""
            error = InvalidArguments(f"{where}{verb} takes {_one_of(verb, each)}", slot=slot)
            close_coroutines(calls)
            raise error


def check_call(verb: str, given: Any) -> None:
    """Raise unless one call is given."""
    if isinstance(given, Call):
        return
    if _has_items(given):
        close_coroutines([given])
        raise InvalidArguments(
            f"{verb} takes one call, not {_items(given)}: write {verb}(call) for each"
        )
    raise InvalidArguments(f"{verb} takes a call, not {_told(given)}")


def listed(calls: Any) -> list[Call[Any]]:
    """Return what `submit` was given as a list of calls."""
    if _is_iterable(calls) and not isinstance(calls, _NO_LISTS):
        made = list(calls)
        check_calls("submit", made)
        return made
    raise InvalidArguments(f"submit takes a list of calls, not {_unlisted(calls)}")


def call_maker(job: Any) -> Callable[[Any], Call[Any]]:
    """Return the function that makes a call of an item of `map`.

    `job` is a job that takes one item, the name of one, or a function that makes a call.
    """
    if isinstance(job, str):
        return partial(call, job)
    function = job_of(job)
    if function is not None:
        _check_one_item(function)
        return cast("Callable[[Any], Call[Any]]", function.call)
    if callable(job) and not inspect.iscoroutinefunction(job):
        return partial(_made, job)
    raise InvalidArguments(f"map takes a job and its items, not {_no_job(job)}")


def check_items(items: Any) -> None:
    """Raise for what `map` cannot read one by one."""
    if not (isinstance(items, AsyncIterable) or _is_iterable(items)):
        given = slip(items)
        advice = f": write {given.name}()" if inspect.isfunction(items) else ""
        close_coroutines([items])
        raise InvalidArguments(f"map takes items to read one by one, not {given.what}{advice}")


def close_coroutines(given: Iterable[Any]) -> None:
    """Close the coroutines that nobody is going to await, also those in lists."""
    for each in given:
        if isinstance(each, CoroutineType) and is_new(each):
            each.close()
        elif isinstance(each, list | tuple):
            close_coroutines(each)


def _told(given: Any, form: str = "{}") -> str:
    """Say what was given in place of a call, and what to write; it is not used any more."""
    said = slip(given).sentence(form)
    close_coroutines([given])
    return said


def _one_of(verb: str, given: Any) -> str:
    """Say what `verb` takes in place of what was given as one of its calls."""
    if not _has_items(given):
        return f"calls, not {_told(given)}"
    star = "*" if verb == "gather" else ""
    written = f"{star}calls"
    if isinstance(given, list | tuple) and given and not isinstance(given[0], Call):
        written = f"{star}[{slip(given[0]).call}, ...]"
    elif isinstance(given, dict):
        written = f"{star}calls.values()"
    elif isinstance(given, AsyncIterable):
        written = f"{star}{_EACH}"
    return f"calls one by one, not {_items(given)}: write {verb}({written})"


def _unlisted(given: Any) -> str:
    if isinstance(given, dict):
        return "a dict: write submit(calls.values())"
    if isinstance(given, set | frozenset):
        return f"{_items(given)}, which has no order: write submit([...])"
    if isinstance(given, AsyncIterable) and not isinstance(given, Batch):
        return f"{_items(given)}: write submit({_EACH})"
    return _told(given, "submit([{}])")


def _no_job(given: Any) -> str:
    if _has_items(given):
        return f"{_items(given)}: write map(chop, items)"
    said = slip(given)
    close_coroutines([given])
    return f"{said.what}: write {said.first}map({said.name or 'chop'}, items)"


def _check_one_item(function: Any) -> None:
    """Raise unless a job can be called with one item."""
    signature = CallSignature(function)
    if signature.problem([None], {}) is None:
        return
    name, takes_any = function.__name__, bool(signature.signature.parameters)
    made = f"lambda item: {name}.call(*item)" if takes_any else f"lambda _: {name}.call()"
    raise InvalidArguments(
        f"map calls {name} with one item, and its signature is {signature}: "
        f"write map({made}, items)",
        name=name,
    )


def _made(make: Callable[[Any], Any], item: Any) -> Call[Any]:
    made = make(item)
    if isinstance(made, Call):
        return made
    what = "map takes a job, or a function that returns a call, not"
    raise InvalidArguments(f"{what} {_told(made)}")


def _is_iterable(given: Any) -> bool:
    return isinstance(given, Iterable) or hasattr(type(given), "__getitem__")


def _has_items(given: Any) -> bool:
    """Tell whether somebody meant the calls inside."""
    inside = isinstance(given, Collection | Iterator | AsyncIterable)
    return inside and not isinstance(given, str | bytes | Batch | asyncio.Future)


def _items(given: Any) -> str:
    size = f" of {len(given)}" if isinstance(given, list | tuple | set) else ""
    return f"{with_article(type(given).__name__.replace('_', ' '))}{size}"
