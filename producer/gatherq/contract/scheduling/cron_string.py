"""Cron strings: what they mean, and what is said of a text that is none."""

from datetime import datetime

from gatherq.contract.short_repr import value_repr
from gatherq.errors import InvalidCall
from gatherq.extras import check_extra

_ALLOWED = (
    "write five fields, minute (0-59) hour (0-23) day (1-31) month (1-12 or JAN-DEC) weekday "
    "(0-7 or SUN-SAT), or six with the second (0-59) first; each is *, a number, a range 1-5, a "
    "list 1,3 or a step */5"
)


def next_match(expression: str, after: datetime, what: str = "a cron string") -> datetime:
    """Return the first time that matches the expression and is later than `after`, in its zone.

    Raises InvalidCall for a text that is no cron string, or that no time matches, and MissingExtra,
    which says that `what` needs the package that reads it.
    """
    check_extra("cron", what)
    from cronsim import CronSim, CronSimError

    if not isinstance(expression, str):
        raise InvalidCall(f"a cron string is text, not {value_repr(expression)}; {_ALLOWED}")
    now = after.timestamp()
    try:
        # In the hour that is there twice, the library begins at the first one again.
        return next(time for time in CronSim(expression, after) if time.timestamp() > now)
    except (CronSimError, StopIteration, ValueError) as error:
        why = str(error)
    why = f"{why[:1].lower()}{why[1:]}" if why else "it never matches"
    raise InvalidCall(f"{value_repr(expression)} is no cron string: {why}; {_ALLOWED}")
