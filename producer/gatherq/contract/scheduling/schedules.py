"""`@cron` gives a function a schedule: workers run it, as a job, at the times of a cron string."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, TypeVar, cast

from gatherq.contract.checks.near_match import did_you_mean
from gatherq.contract.checks.usage import usage
from gatherq.contract.keys import DEFAULT_QUEUE
from gatherq.contract.short_repr import value_repr
from gatherq.errors import InvalidArguments, InvalidCall

from .cron_string import next_match

F = TypeVar("F", bound=Callable[..., Any])

#: When a schedule is tried: any time will do.
_SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The times at which a job runs by itself: those that match a cron string in a time zone."""

    expression: str
    tz: str = "UTC"

    def next_after(self, ms: int) -> int:
        """Return the first time that is later than `ms`; both in ms since 1970."""
        after = datetime.fromtimestamp(ms / 1000, zone(self.tz))
        return round(next_match(self.expression, after, "@cron").timestamp() * 1000)


@usage("@cron", 'a cron string: @cron("*/5 * * * *"), or @cron("0 3 * * *", tz="Europe/Berlin")')
def cron(expression: str, /, *, tz: str = "UTC") -> Callable[[F], F]:
    """Have the workers of a queue run a job on a schedule: once a time, however many they are.

        @cron("*/5 * * * *")
        @job(timeout=60)
        async def refresh() -> None: ...

    `expression` is a cron string: minute, hour, day, month and weekday, or six fields with the
    second first. `tz` is the time zone that it is meant in, by its IANA name. The time is Redis's.
    It may stand above `@job` or below it, and several times; at a time that several of them name,
    the job runs once. Each run is a job without a batch and without arguments, under the settings
    of `@job`. Its id is `cron:NAME:MS`, on a queue other than arq's own `cron:NAME@QUEUE:MS`: the
    time that it was due, in ms since 1970.

    A time at which no worker is up is left out. Needs `pip install 'gatherq[cron]'`, also where the
    module is only imported. Raises InvalidCall, a ValueError, for a string that is none or that no
    time matches, and for a time zone that there is not; InvalidArguments for a function that needs
    arguments; TypeError for what is no function.
    """
    if inspect.isfunction(expression):
        above = f'write @cron("*/5 * * * *") above {expression.__qualname__}'
        raise InvalidArguments(f"@cron needs a cron string: {above}")
    schedule = Schedule(expression, _checked_zone(tz))
    schedule.next_after(round(_SOME_TIME.timestamp() * 1000))

    def decorate(function: F) -> F:
        _check_function(function)
        cast("Any", function).schedules = (schedule, *schedules_of(function))
        return function

    return decorate


def schedules_of(function: Callable[..., Any]) -> tuple[Schedule, ...]:
    """Return the schedules that `@cron` gave a function, in the order of its lines."""
    found = getattr(function, "schedules", ())
    is_ours = isinstance(found, tuple) and all(isinstance(each, Schedule) for each in found)
    return found if is_ours else ()


def run_id(name: str, queue: str, ms: int) -> str:
    """Return the id of the job that runs the handler of that name at that time on a queue.

    Ids are of a database, and another queue may have a job of that name.
    """
    return f"cron:{name}{'' if queue == DEFAULT_QUEUE else f'@{queue}'}:{ms}"


def is_run_of(job_id: str, name: str) -> bool:
    """Tell whether a job of that name was queued by a schedule."""
    start, _, ms = job_id.rpartition(":")
    is_of_name = start == f"cron:{name}" or start.startswith(f"cron:{name}@")
    return is_of_name and ms.isdecimal()


def zone(name: str) -> tzinfo:
    """Return the time zone of that name; raises ValueError, LookupError or OSError."""
    from zoneinfo import ZoneInfo

    return UTC if name == "UTC" else ZoneInfo(name)


def _checked_zone(name: object) -> str:
    if not isinstance(name, str):
        raise InvalidCall(
            f'tz is the name of a time zone, as "Europe/Berlin", not {value_repr(name)}'
        )
    try:
        zone(name)
    except (ValueError, LookupError, OSError):
        raise InvalidCall(_no_zone(name)) from None
    return name


def _no_zone(name: str) -> str:
    from zoneinfo import available_timezones

    known = available_timezones()
    if not known:
        return f"tz={value_repr(name)}: this system knows no time zones: pip install tzdata"
    near = did_you_mean(name, sorted(known), 1) or 'write its IANA name, as "Europe/Berlin"'
    return f"tz={value_repr(name)} is no time zone that this system knows: {near}"


def _check_function(function: Callable[..., Any]) -> None:
    """Raise TypeError or InvalidArguments for what cannot be run without arguments."""
    if not inspect.isfunction(function):
        raise TypeError(
            f"@cron needs a function, not {value_repr(function)}: write it beside @job, above a def"
        )
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        raise InvalidArguments(
            f"@cron runs {function.__qualname__} without arguments: {error}; give it a default, or "
            "write a job without arguments that calls this one"
        ) from None
