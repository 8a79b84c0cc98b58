"""What stands in place of values that are hidden."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

#: Returns what is shown of a value: the value itself, or something in its place. Names are those of
#: filters: `args.0`, `args.url`, `args.0.user.password`; `value` and `value.token`; `error` for
#: the texts of errors; `progress` for what a job notes of its progress.
Redact: TypeAlias = Callable[[str, Any], Any]


class _Hidden(str):
    """Shown without quotes: `fetch(...)`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


#: What is shown of a value that is hidden.
HIDDEN: str = _Hidden("...")
_PLAIN = (str, int, float, bool, type(None))


def redacted(redact: Redact, name: str, value: Any) -> Any:
    """Return what is shown of a value, and of all that is in it.

    What `redact` fails with, and what it returns that is no value of JSON's types, hides the value.
    """
    try:
        return _shown(redact, name, value)
    except BaseException:  # code of somebody else, whatever it raises; or too deep a nesting
        return HIDDEN


def _shown(redact: Redact, name: str, value: Any) -> Any:
    found = redact(name, value)
    if isinstance(found, Mapping):
        return {str(key): redacted(redact, f"{name}.{key}", each) for key, each in found.items()}
    if isinstance(found, Sequence) and not isinstance(found, str | bytes | bytearray):
        return [redacted(redact, f"{name}.{i}", each) for i, each in enumerate(found)]
    return found if found is value or isinstance(found, _PLAIN) else HIDDEN


def hide(name: str, value: Any) -> Any:
    """Hide a value, whatever it is."""
    return HIDDEN
