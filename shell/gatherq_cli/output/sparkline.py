"""A row of amounts as a line of bars."""

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
#: Where the terminal cannot show bars.
_ASCII_BARS = "_.-:=+*#"


def sparkline(values: Sequence[float], encoding: str) -> str:
    """Return a character for each value, the higher the larger; a space for 0."""
    bars, most = _bars(encoding), max(values, default=0)
    if not most:
        return " " * len(values)
    steps = [min(int(value / most * len(bars)), len(bars) - 1) for value in values]
    return "".join(bars[step] if value else " " for step, value in zip(steps, values, strict=True))


def _bars(encoding: str) -> str:
    try:
        _BARS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return _ASCII_BARS
    return _BARS
