"""Filters: `status:failed,timed_out job:fetch took:>2s args.0:17 -worker:web-3*`.

A filter is `[-]KEY:VALUE`. A value is one of several, by commas; `*` and `?` stand for any text in
it. Numbers and durations may begin with `>`, `>=`, `<` or `<=`. Several filters must all be met.
What has no argument at the path of an `args.` filter meets neither that filter nor its contrary.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, get_args

from gatherq.contract.outcomes import Status
from gatherq.contract.short_repr import value_repr
from gatherq.errors import InvalidSelector

from .durations import parse_duration

Test = Callable[[Any], bool]
#: States of a slot: those of outcomes, and those before.
PENDING: tuple[str, ...] = ("queued", "waiting", "running", "retrying", "missing")
#: A plain arq job may have ended so that only arq can read how.
STATUSES: tuple[str, ...] = (*get_args(Status), *PENDING, "ended")
#: What happens on a queue.
EVENTS: tuple[str, ...] = (
    *("submitted", "ended", "cancelled", "redriven", "deleted", "kept", "quarantined"),
    *("worker_started", "worker_drained", "worker_died", "worker_recycled", "worker_blocked"),
    *("redis_away", "redis_back"),
)
BATCH_STATES: tuple[str, ...] = ("queued", "running", "succeeded", "failed", "cancelled")
_COMPARISON = re.compile(r"(>=|<=|>|<)(.*)")
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}
#: A filter in a line of several: blanks may stand between quotes.
_WORD = re.compile(r'(?:"[^"]*"|\S)+')
_HEX = re.compile(r"[0-9a-f]{4,8}")
#: What a path leads to where it leads nowhere: no filter is met by it.
_NOWHERE = object()


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: its text, and the test of what it looks at."""

    text: str
    key: str
    matches: Test
    #: The way to an argument: `url` of `args.url:x`. Empty for other filters.
    path: str = ""
    #: Whether there is something at that path.
    has: Test = field(default=lambda _: True)


class Kind(Protocol):
    """Reads the value of a filter; raises ValueError, which says what is allowed."""

    def __call__(self, value: str) -> Test: ...


def split_filters(text: str) -> list[str]:
    """Return the filters that stand in a line of text; a quoted value may have blanks."""
    return _WORD.findall(text)


def read_filters(texts: Iterable[str], fields: Mapping[str, "Field"]) -> Sequence[Filter]:
    """Read filters on these fields; raises InvalidSelector, which names the filter."""
    return [_read(text, fields) for text in texts]


@dataclass(frozen=True, slots=True)
class Field:
    """What a filter can look at: how its value is read, and where it is found."""

    kind: Kind
    get: Callable[[Any], Any]


def _read(text: str, fields: Mapping[str, Field]) -> Filter:
    negated, bare = text.startswith("-"), text.removeprefix("-")
    key, colon, value = bare.partition(":")
    if not colon:
        raise InvalidSelector(f"{value_repr(text)} is no filter: write KEY:VALUE, {_keys(fields)}")
    name, _, path = key.partition(".")
    wanted = f"{name}." if path else name
    if wanted not in fields:
        raise InvalidSelector(_unknown(text, key, fields))
    looked_at = fields[wanted]
    try:
        test = looked_at.kind(value)
    except ValueError as error:
        raise InvalidSelector(f"in the filter {value_repr(text)}: {error}") from None
    get = _at(looked_at.get, path.split(".")) if path else looked_at.get

    def has(item: Any) -> bool:
        return get(item) is not _NOWHERE

    return Filter(text, name, lambda item: _meets(test, get(item), negated), path, has)


def _meets(test: Test, found: Any, negated: bool) -> bool:
    """Tell whether a filter is met; what is nowhere meets none, nor the contrary of one."""
    return found is not _NOWHERE and test(found) is not negated


def _unknown(text: str, key: str, fields: Mapping[str, Field]) -> str:
    near = difflib.get_close_matches(key, fields, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{value_repr(text)} is no filter: no key {value_repr(key)}; {hint}{_keys(fields)}"


def _keys(fields: Mapping[str, Field]) -> str:
    names = [f"{name}PATH" if name.endswith(".") else name for name in fields]
    return f"with one of {', '.join(names)}"


def _alternatives(value: str) -> list[str]:
    if not value:
        raise ValueError("there is nothing behind the colon")
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return [value[1:-1]] if quoted else value.split(",")


def pattern(text: str) -> re.Pattern[str]:
    """Return a pattern for a text with `*` and `?`, which stand for any characters, and for one."""
    parts = (re.escape(part) if part not in "*?" else f".{part.strip('?')}" for part in text)
    return re.compile("".join(parts), re.DOTALL)


def text_like(value: str) -> Test:
    """Read alternatives with `*` and `?`."""
    patterns = [pattern(each) for each in _alternatives(value)]
    return lambda found: any(each.fullmatch(str(found)) for each in patterns)


def one_of(words: Sequence[str]) -> Kind:
    """Make a kind of value that is one of these words, or several."""

    def kind(value: str) -> Test:
        chosen = _alternatives(value)
        for word in chosen:
            if word not in words:
                near = difflib.get_close_matches(word, words, n=1)
                hint = f"did you mean {near[0]}? " if near else ""
                raise ValueError(f"{value_repr(word)}: {hint}give {', '.join(words)}")
        return lambda found: found in chosen

    return kind


def like_one_of(words: Sequence[str]) -> Kind:
    """Make a kind of value that is like one of these words, by `*` and `?`, or like several."""

    def kind(value: str) -> Test:
        for each in _alternatives(value):
            if not any(pattern(each).fullmatch(word) for word in words):
                one_of(words)(each)
        return text_like(value)

    return kind


def _compared(value: str, number: Callable[[str], float]) -> Test:
    found = _COMPARISON.fullmatch(value)
    if not found:
        chosen = [number(each) for each in _alternatives(value)]
        return lambda given: given in chosen
    compare, limit = _COMPARE[found[1]], number(found[2])
    return lambda given: compare(given, limit)


def number(value: str) -> Test:
    """Read numbers, or a comparison with one."""
    return _compared(value, _number)


def _number(text: str) -> float:
    if not re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", text):
        raise ValueError(f"{value_repr(text)} is no number")
    return float(text)


def duration(value: str) -> Test:
    """Read a duration, or a comparison with one."""
    return _compared(value, parse_duration)


def json_value(value: str) -> Test:
    """Read what a value of JSON's types is like: a text, a number, `true`, `null`."""
    if found := _COMPARISON.fullmatch(value):
        compare, limit = _COMPARE[found[1]], _number(found[2])
        return lambda given: type(given) in (int, float) and compare(given, limit)
    patterns = [pattern(each) for each in _alternatives(value)]
    return lambda given: any(each.fullmatch(_as_text(given)) for each in patterns)


def _as_text(value: Any) -> str:
    words = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    return value if isinstance(value, str) else str(value)


def error_like(value: str) -> Test:
    """Read the group of an error, or a text that its line is like: `OSError*`."""
    groups = [each for each in _alternatives(value) if _HEX.fullmatch(each)]
    lines = [pattern(each) for each in _alternatives(value) if not _HEX.fullmatch(each)]

    def test(found: tuple[str, str]) -> bool:
        signature, line = found
        if any(signature.startswith(group) for group in groups):
            return True
        kind = line.partition(":")[0]
        return bool(line) and any(each.fullmatch(line) or each.fullmatch(kind) for each in lines)

    return test


def _at(get: Callable[[Any], Any], path: Sequence[str]) -> Callable[[Any], Any]:
    def at(item: Any) -> Any:
        args, kwargs = get(item)
        value: Any = [*args] if path[0].isdigit() else dict(kwargs)
        for part in path:
            value = _step(value, part)
        return value

    return at


def _step(value: Any, part: str) -> Any:
    if isinstance(value, dict):
        return value.get(part, _NOWHERE)
    if isinstance(value, list) and part.isdigit() and int(part[:9]) < len(value):
        return value[int(part)]
    return _NOWHERE


def _measured(value: float | None) -> Any:
    """Return a measure; what was not measured is nowhere."""
    return _NOWHERE if value is None else value


#: What filters on slots look at.
SLOT_FIELDS: Mapping[str, Field] = {
    "status": Field(one_of(STATUSES), lambda slot: slot.status),
    "job": Field(text_like, lambda slot: slot.name),
    "error": Field(error_like, lambda slot: (slot.signature, slot.error_line)),
    "worker": Field(text_like, lambda slot: slot.worker),
    "attempt": Field(number, lambda slot: slot.attempt),
    "took": Field(duration, lambda slot: _measured(slot.took)),
    "waited": Field(duration, lambda slot: _measured(slot.waited)),
    "args.": Field(json_value, lambda slot: (slot.args, slot.kwargs)),
}
#: What filters on batches look at.
BATCH_FIELDS: Mapping[str, Field] = {
    "state": Field(one_of(BATCH_STATES), lambda batch: batch.state),
    "id": Field(text_like, lambda batch: batch.id),
    "label": Field(text_like, lambda batch: batch.label),
    "kind": Field(text_like, lambda batch: batch.kind),
    "by": Field(text_like, lambda batch: batch.by),
    "size": Field(number, lambda batch: batch.size),
    "bad": Field(number, lambda batch: batch.bad),
}
#: What filters on events look at.
EVENT_FIELDS: Mapping[str, Field] = {
    "event": Field(like_one_of(EVENTS), lambda event: event.event),
    "batch": Field(text_like, lambda event: event.batch),
    "worker": Field(text_like, lambda event: event.worker),
    "by": Field(text_like, lambda event: event.by),
}


def read_slot_filters(texts: Iterable[str]) -> Sequence[Filter]:
    """Read filters on slots; raises InvalidSelector."""
    return read_filters(texts, SLOT_FIELDS)


def read_batch_filters(texts: Iterable[str]) -> Sequence[Filter]:
    """Read filters on batches; raises InvalidSelector."""
    return read_filters(texts, BATCH_FIELDS)


def read_event_filters(texts: Iterable[str]) -> Sequence[Filter]:
    """Read filters on events; raises InvalidSelector."""
    return read_filters(texts, EVENT_FIELDS)
