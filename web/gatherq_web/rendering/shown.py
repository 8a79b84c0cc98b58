"""How values are shown: times, durations, numbers, words."""

from datetime import datetime
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from gatherq.escape import escape
from gatherq.inspection.durations import show_duration
from gatherq.inspection.limits.places import in_words, lane_in_words
from gatherq.inspection.words.amounts import show_age, show_bytes, show_rate, show_share
from gatherq.inspection.words.quantiles import show_quantile
from gatherq.inspection.words.standing import jobs_in_words, outcome_in_words, standing


def printable(value: Any) -> Any:
    """Return what a template prints: texts without control characters, nothing for None."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, str):
        return escape(value)
    return "" if value is None else value


def duration(seconds: float | None) -> str:
    """Show seconds, a dash for None."""
    return "-" if seconds is None else show_duration(seconds)


def number(value: float | None) -> str:
    """Show a number with separators, a dash for None."""
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3g}"


@pass_context
def when(context: Context, time: datetime | None) -> Markup:
    """Show a time as how long ago it is, or is to come; in full for a pointer that rests on it."""
    if time is None:
        return Markup("-")
    now: datetime = context["now"]
    seconds = (now - time).total_seconds()
    near = show_duration(abs(seconds)) if abs(seconds) >= 1 else "now"
    words = near if near == "now" else f"{near} ago" if seconds > 0 else f"in {near}"
    exact = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Markup('<time datetime="{0}" title="{0}">{1}</time>').format(exact, words)


@pass_context
def clock(context: Context, time: datetime | None) -> Markup:
    """Show a time of day in UTC, with its date where that is another day."""
    if time is None:
        return Markup("-")
    now: datetime = context["now"]
    day = "" if time.date() == now.date() else f"{time:%Y-%m-%d} "
    exact = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    words = f"{day}{time:%H:%M:%S}.{time.microsecond // 1000:03}"
    return Markup('<time datetime="{0}" title="{0}">{1}</time>').format(exact, words)


@pass_context
def age(context: Context, time: datetime | None) -> str:
    """Show for how long something has been."""
    return show_age(time, context["now"])


def lines(text: str) -> Markup:
    """Show a text of several lines, without control characters but the ends of its lines."""
    return Markup("\n").join(escape(line) for line in text.expandtabs().split("\n"))


def words(name: str) -> str:
    """Show a status as words: `timed_out` as `timed out`."""
    return name.replace("_", " ")


FILTERS: dict[str, Any] = {
    "duration": duration,
    "number": number,
    "when": when,
    "words": words,
    "place": in_words,
    "lane": lane_in_words,
    "clock": clock,
    "lines": lines,
    "rate": show_rate,
    "bytes": show_bytes,
    "jobs": jobs_in_words,
    "standing": standing,
    "outcome": outcome_in_words,
    "age": age,
    "quantile": show_quantile,
    "share": show_share,
}
