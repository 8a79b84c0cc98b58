"""Durations as people write and read them: `250ms`, `10s`, `5m`, `2h30m`, `2d`."""

import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PART = r"(\d+(?:\.\d+)?)(ms|s|m|h|d)"
_DURATION = re.compile(rf"(?:{_PART})+")


def parse_duration(text: str) -> float:
    """Return seconds; a number alone is of seconds. Raises ValueError for anything else."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is no duration: write 250ms, 10s, 5m, 2h30m or 2d")
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, text))


def show_duration(seconds: float) -> str:
    """Return a duration with two or three digits that count: `82ms`, `4.1s`, `10m51s`, `2d3h`."""
    if seconds < 0:
        return f"-{show_duration(-seconds)}"
    if seconds < 0.9995:
        return f"{seconds * 1000:.3g}ms" if seconds >= 0.001 or not seconds else "<1ms"
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    if round(seconds) < 60:
        return f"{seconds:.0f}s"
    return _parts(round(seconds))


def _parts(seconds: int) -> str:
    """Show the two largest units; the smaller one only if there is any of it."""
    for unit, size, below, part in (("m", 60, 3600, "s"), ("h", 3600, 86_400, "m")):
        if seconds < below:
            rest = seconds % size // int(_UNITS[part])
            return f"{seconds // size}{unit}" + (f"{rest}{part}" if rest else "")
    hours = seconds % 86_400 // 3600
    return f"{seconds // 86_400}d" + (f"{hours}h" if hours else "")
