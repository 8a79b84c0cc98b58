"""Slips: what was given in place of a call, and what to write instead."""

import asyncio
import inspect
import sys
from collections.abc import Callable
from types import CoroutineType, FunctionType, MethodType
from typing import Any, NamedTuple

from gatherq.client.batch import Batch
from gatherq.client.handle import Handle
from gatherq.contract.job_definition import JobDefinition
from gatherq.contract.jobs import Call
from gatherq.contract.short_repr import arguments_repr, value_repr, with_article

#: Packages whose functions nobody makes jobs of.
_NOT_THE_USERS = sys.stdlib_module_names | {"gatherq"}
_NO_METHOD = "no worker finds a method; write a function of a module, with @job"


class Slip(NamedTuple):
    """What was given, and the call to write in its place."""

    what: str
    call: str = "chop.call(...)"
    #: What to do, where that is not to write a call.
    advice: str = ""
    #: The name of the function that was meant; empty where it is not known.
    name: str = ""
    #: What to write first.
    first: str = ""

    def sentence(self, form: str = "{}") -> str:
        """Say what was given and what to write: the call, in `form`."""
        return f"{self.what}: {self.advice or f'write {self.first}{form.format(self.call)}'}"


def slip(given: Any) -> Slip:
    """Return what is to be said of something that is not what was wanted."""
    make = next((make for kinds, make in _KINDS if isinstance(given, kinds)), _other)
    return make(given)


def job_of(given: Any) -> Any:
    """Return the job that is given, or whose `call` is; None for anything else."""
    wrapped: Any = getattr(given, "__wrapped__", None)
    if _is_job(wrapped) and wrapped.call is given:
        return wrapped
    return given if _is_job(given) else None


def is_new(coroutine: Any) -> bool:
    """Tell whether none of a coroutine has run."""
    return inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED


def _is_job(given: Any) -> bool:
    return isinstance(getattr(given, "definition", None), JobDefinition)


def _call(given: Any) -> Slip:
    arguments = arguments_repr(given.args, given.kwargs or {})
    if given.function is None:
        name = value_repr(given.name)
        written = f"call({', '.join(filter(None, [name, arguments]))})"
    else:
        name = given.function.__name__
        written = f"{name}.call({arguments})"
    return Slip(f"the call {written}", written, name=name)


def _coroutine(coroutine: Any) -> Slip:
    name, frame = coroutine.__name__, coroutine.cr_frame
    home = frame.f_globals if frame else {}
    if str(home.get("__name__")).partition(".")[0] in _NOT_THE_USERS:
        advice = "await it, or give it to asyncio.gather"
        return Slip(f"the coroutine {coroutine.__qualname__}(...)", advice=advice)
    owner, dot, _ = coroutine.__qualname__.rpartition(".")
    if dot and not owner.endswith("<locals>"):
        return Slip(f"the coroutine {coroutine.__qualname__}(...)", advice=_NO_METHOD)
    function = home.get(name)
    arguments = _arguments(frame, function) if is_new(coroutine) else "..."
    written = f"{name}({arguments})"
    call = f"{name}.call({arguments})"
    return Slip(f"the coroutine {written}", call, name=name, first=_first(function, coroutine))


def _arguments(frame: Any, function: Any) -> str:
    """Return the arguments of a coroutine that has not begun, without those it has by default."""
    names, rest, others, values = inspect.getargvalues(frame)
    typed = _typed(names, values, function)
    positional = frame.f_code.co_argcount
    more = values.get(rest or "", ())
    last = max((at for at in range(positional) if more or names[at] in typed), default=-1)
    args = [values[name] for name in names[: last + 1]]
    kwargs = {name: values[name] for name in names[positional:] if name in typed}
    return arguments_repr([*args, *more], kwargs | values.get(others or "", {}))


def _typed(names: list[str], values: dict[str, Any], function: Any) -> set[str]:
    """Return the names of arguments that differ from their defaults, where these are known."""
    known = inspect.signature(function).parameters if isinstance(function, FunctionType) else {}
    return {
        name
        for name in names
        if name in values and not (name in known and known[name].default is values[name])
    }


def _function(given: Any) -> Slip:
    if given.__name__ == "<lambda>":
        return Slip("a lambda")
    job = job_of(given)
    function = job or given
    name = function.__name__
    what = f"the function {name}" if function is given else f"the function {name}.call"
    parameters = ", ".join(inspect.signature(function).parameters)
    return Slip(what, f"{name}.call({parameters})", name=name, first=_first(function))


def _first(function: Any, coroutine: Any = None) -> str:
    """Return what makes a job of a function that is none; `function` may be the job itself.

    Of a coroutine whose function is not found where its code is, nobody knows.
    """
    if isinstance(function, FunctionType):
        return "" if job_of(function) else f"@job above {function.__name__}, and "
    if coroutine is None:
        return ""
    return f"@job above {coroutine.__name__}, if it has none, and "


def _method(method: MethodType) -> Slip:
    return Slip(f"the method {method.__qualname__}", advice=_NO_METHOD)


def _future(future: Any) -> Slip:
    coroutine = future.get_coro() if isinstance(future, asyncio.Task) else None
    if not isinstance(coroutine, CoroutineType):
        kind = type(future).__name__
        return Slip(with_article(kind), advice="asyncio.gather takes what runs in this process")
    inner = _coroutine(coroutine)
    return inner._replace(what=inner.what.replace("the coroutine", "a Task of", 1))


def _handle(_: Any) -> Slip:
    return Slip("a Handle", advice="its job is submitted; await it, or use asyncio.gather")


def _batch(_: Any) -> Slip:
    return Slip("a Batch", advice="its jobs are submitted; `await batch.outcomes()` waits for them")


def _text(text: str) -> Slip:
    return Slip(f"the text {value_repr(text)}", f"call({value_repr(text)}, ...)")


def _other(given: Any) -> Slip:
    text = value_repr(given)
    says_all = given is None or text.startswith("<")
    return Slip(text if says_all else f"{text}, {with_article(type(given).__name__)}")


_KINDS: tuple[tuple[Any, Callable[[Any], Slip]], ...] = (
    (Call, _call),
    (Batch, _batch),
    (Handle, _handle),
    (asyncio.Future, _future),
    (CoroutineType, _coroutine),
    (FunctionType, _function),
    (MethodType, _method),
    (str, _text),
)
