"""What a log calls jobs: the call of an attempt, `chop('onion', 12)`, whatever its arguments are.

No code of theirs is run: a job in another format may hold objects of any class.
"""

from collections.abc import Sequence
from typing import Any

from .attempt import Attempt

#: Most characters of a name, of a string, and of the whole; most items of a collection.
_NAME, _STRING, _WHOLE, _ITEMS = 60, 40, 120, 4
#: Deepest level that is shown, and bits of the largest integer.
_DEPTH, _BITS = 3, 128


def call_text(attempt: Attempt) -> str:
    """Return the name and the arguments of a job, cut."""
    job = attempt.job
    if job is None:
        return attempt.name
    named = dict(_first(job.kwargs.items()))
    shown = [_shown(value) for value in job.args[:_ITEMS]]
    shown += [f"{name[:_STRING]}={_shown(value)}" for name, value in named.items()]
    if len(job.args) > _ITEMS or len(job.kwargs) > _ITEMS:
        shown.append("...")
    return _cut(f"{_cut(job.name, _NAME)}({', '.join(shown)}", _WHOLE) + ")"


def jobs_text(ids: Sequence[str]) -> str:
    """Return a text for jobs that one line of the log is about: the first, and how many more."""
    return f"job {ids[0]}" if len(ids) == 1 else f"job {ids[0]} and {len(ids) - 1} more"


def _shown(value: Any, depth: int = _DEPTH) -> str:
    kind = type(value)
    if kind in (list, tuple, dict):
        text = _items(value, depth - 1) if depth or not value else "..."
        return f"{{{text}}}" if kind is dict else f"[{text}]" if kind is list else f"({text})"
    if kind in (str, bytes) and len(value) > _STRING:
        return f"{value[:_STRING]!r}..."
    if kind is int and value.bit_length() > _BITS:
        return "<a large int>"
    plain = kind in (str, bytes, int, float, bool, type(None))
    return repr(value) if plain else f"<{kind.__name__}>"


def _items(value: Any, depth: int) -> str:
    if type(value) is dict:
        shown = [f"{_shown(k, depth)}: {_shown(v, depth)}" for k, v in _first(value.items())]
    else:
        shown = [_shown(item, depth) for item in value[:_ITEMS]]
    return ", ".join([*shown, "..."] if len(value) > _ITEMS else shown)


def _first(items: Any) -> list[Any]:
    """Return the first few, without a look at the others."""
    return [item for item, _ in zip(items, range(_ITEMS), strict=False)]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
