"""Amounts as people read them: sizes, rates, ages, shares."""

from datetime import datetime

from gatherq.inspection.durations import show_duration

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def show_bytes(size: int | None) -> str:
    """Return a size with two or three digits that count: `512 B`, `8.0 MiB`; `-` for none."""
    if size is None:
        return "-"
    amount, unit = float(size), 0
    while amount >= 999.5 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return (
        f"{amount:.1f} {_UNITS[unit]}" if unit and amount < 9.95 else f"{amount:.0f} {_UNITS[unit]}"
    )


def show_seconds(seconds: float | None) -> str:
    """Return a duration, `-` for none."""
    return "-" if seconds is None else show_duration(seconds)


def show_rate(rate: float | None) -> str:
    """Return a rate: `182/s`, `0.4/s`, `3/min`; `-` for none."""
    if rate is None:
        return "-"
    if rate >= 9.95:
        return f"{rate:,.0f}/s"
    if rate >= 0.1 or not rate:
        return f"{rate:.1f}/s" if rate else "0/s"
    return f"{rate * 60:.1g}/min"


def show_age(time: datetime | None, now: datetime) -> str:
    """Return for how long something has been; `-` where that is not known."""
    return "-" if time is None else show_duration(max((now - time).total_seconds(), 0))


def show_share(part: float, total: float | None) -> str:
    """Return how much of a total is done: `30% 3/10`; the part alone without a total."""
    if not total:
        return f"{part:,g}"
    return f"{part / total:.0%} {part:,g}/{total:,g}"
