"""What `@job` refuses where it is written: functions that are no handlers, and bad settings."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gatherq.contract.checks.near_match import did_you_mean
from gatherq.contract.short_repr import value_repr
from gatherq.contract.validation import (
    check_max_at_once,
    check_max_per_second,
    check_name,
    check_timeout,
)
from gatherq.errors import InvalidCall, check_delay

if TYPE_CHECKING:
    from gatherq.contract.job_definition import JobDefinition

_ISOLATIONS = ("loop", "thread", "process")
_MOVE = "no worker finds what is written in a class; move it to the top of a module"


def check_function(function: object, *, named: bool) -> None:
    """Raise TypeError, with advice, for a function that no worker could find by name, or run."""
    if not inspect.isfunction(function):
        raise TypeError(f"@job needs a function, not {_no_function(function)}")
    name = function.__qualname__
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(
            f"@job needs a function that returns its result; {name} yields: return a list"
        )
    inside = name.rpartition(".")[0]
    if inside and not inside.endswith("<locals>"):
        raise TypeError(f"@job needs a function of a module, not the method {name}: {_MOVE}")
    if (inside or function.__name__ == "<lambda>") and not named:
        raise TypeError(
            f"@job needs a function that workers find by its name, not {_nameless(name)}"
        )


def check_isolation(function: Callable[..., Any], isolation: str, *, is_async: bool) -> None:
    """Raise TypeError unless a function can run where the isolation says."""
    if isolation == ("thread" if is_async else "loop"):
        kind, other = ("async def", "loop") if is_async else ("plain def", "thread")
        raise TypeError(
            f"@job(isolation={isolation!r}) cannot run {function.__qualname__}, which is {kind}: "
            f"write isolation={other!r} or 'process'"
        )


def check_per(function: Callable[..., Any], definition: "JobDefinition") -> None:
    """Raise InvalidCall unless a limit is for each value of an argument that the function has."""
    per = definition.per
    if per is None:
        return
    if definition.max_at_once is None and definition.max_per_second is None:
        raise InvalidCall("per= says what a limit is for: give max_at_once= or max_per_second= too")
    names = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if not isinstance(per, str) or per not in names:
        near = did_you_mean(per, names) if isinstance(per, str) else ""
        raise InvalidCall(
            f"per must be the name of an argument of {function.__qualname__}, one of "
            f"{', '.join(names) or 'none'}, not {value_repr(per)}{near and '; '}{near}".rstrip()
        )


def check_settings(name: object, definition: "JobDefinition") -> None:
    """Raise InvalidCall for a setting that no job can have."""
    rules = definition.rules
    if name is not None:
        check_name(name)
    check_timeout(definition.timeout)
    if definition.grace is not None:
        check_delay(definition.grace, "grace")
    check_delay(rules.backoff, "backoff")
    for what in ("max_attempts", "concurrency", "memory"):
        if getattr(definition, what) is not None:
            _check_whole(what, getattr(definition, what), 1)
    check_max_at_once(definition.max_at_once)
    check_max_per_second(definition.max_per_second)
    _check_whole("retries", rules.retries, 0)
    _check_retry_on(rules.retry_on)
    _check_flag("retry_timeouts", rules.timeouts)
    _check_flag("validate", definition.validate)
    _check_share("jitter", rules.jitter)
    _check_isolation_name(definition.isolation)
    if definition.memory is not None and definition.isolation != "process":
        raise InvalidCall("memory= limits a process: give isolation='process' too")


def _no_function(given: object) -> str:
    """Say what `@job` stands above in place of a function, and what to do."""
    text = value_repr(given)
    if isinstance(given, str):
        return f"{text}: write @job(name={text})"
    if isinstance(given, int | float):
        return f"{text}: write @job(timeout={text})"
    if isinstance(given, type):
        return f"the class {given.__qualname__}: write it above a def"
    if isinstance(given, staticmethod | classmethod):
        return f"the {type(given).__name__} {given.__func__.__qualname__}: {_MOVE}"
    if inspect.ismethod(given):
        return f"the method {given.__qualname__}: {_MOVE}"
    return f"{text}: write it above a def that calls this"


def _nameless(name: str) -> str:
    if name.endswith("<lambda>"):
        return "a lambda: write a def, or give it a name, @job(name=...), and bind it in a module"
    return (
        f"{name}, which is written inside of another: move it to the top of a module. What wraps a "
        "function takes over its name by functools.wraps, or is given one by @job(name=...)"
    )


def _check_whole(what: str, value: object, least: int) -> None:
    if type(value) is not int or value < least:
        raise InvalidCall(
            f"{what} must be a whole number, {least} or more, not {value_repr(value)}"
        )


def _check_flag(what: str, value: object) -> None:
    if not isinstance(value, bool):
        raise InvalidCall(f"{what} must be True or False, not {value_repr(value)}")


def _check_share(what: str, value: object) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= 1:  # type: ignore[operator]
        raise InvalidCall(f"{what} must be a number from 0 to 1, not {value_repr(value)}")


def _check_isolation_name(isolation: object) -> None:
    if isolation is None or isolation in _ISOLATIONS:
        return
    import difflib  # for an error alone

    near = difflib.get_close_matches(str(isolation), _ISOLATIONS, 1)
    hint = f": did you mean {near[0]!r}?" if near else ""
    raise InvalidCall(
        f"isolation must be 'loop', 'thread' or 'process', not {value_repr(isolation)}{hint}"
    )


def _check_retry_on(given: object) -> None:
    for kind in given if isinstance(given, tuple) else (given,):
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            wanted = "an exception class, or a tuple of them"
            raise InvalidCall(f"retry_on must be {wanted}, not {_no_error(given, kind)}")


def _no_error(given: object, kind: object) -> str:
    """Say what was given in place of exception classes, and what to write."""
    text = value_repr(given)
    if isinstance(given, list | set | frozenset):
        names = ", ".join(map(_name_of, given))
        return f"a {type(given).__name__}: write retry_on=({names}{',' * (len(given) == 1)})"
    if isinstance(kind, type) and issubclass(kind, BaseException):
        return f"{kind.__name__}, which is no Exception: write retry_on=Exception"
    if isinstance(kind, str | BaseException):
        return f"{text}: write the class, {_name_of(kind)}"
    return f"{text}; leave it out for every Exception"


def _name_of(kind: object) -> str:
    if isinstance(kind, BaseException):
        kind = type(kind)
    return kind.__name__ if isinstance(kind, type) else str(kind)
