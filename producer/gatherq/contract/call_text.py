"""Values and calls as one would type them, `chop('onion', 12)`: cut, on one line, for messages."""

from collections.abc import Mapping, Sequence
from reprlib import Repr
from typing import Any

from gatherq.escape import escape

from .interruptions import INTERRUPTIONS

#: Longest text of one value, and of all arguments, in characters.
_LONGEST_VALUE = 60
_LONGEST = 200

_REPR = Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = _LONGEST_VALUE
_REPR.maxlevel = 3


def value_text(value: object) -> str:
    """Return the repr of a value, whatever its own code does."""
    try:
        text = _REPR.repr(value)
    except INTERRUPTIONS:
        raise
    except BaseException:  # of `__repr__`
        text = f"<{type(value).__name__}>"
    return cut(escape(text), _LONGEST_VALUE)


def arguments_text(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """Return arguments as they stand between the brackets of a call."""
    texts = [value_text(value) for value in args]
    texts += [f"{escape(str(name))}={value_text(value)}" for name, value in kwargs.items()]
    return cut(", ".join(texts), _LONGEST)


def cut(text: str, longest: int = _LONGEST) -> str:
    """Return a text that is cut, and says so, if it is too long."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
