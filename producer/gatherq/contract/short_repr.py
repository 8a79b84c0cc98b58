"""Values in a line, for people: short however large they are, whatever their own code does."""

import reprlib
from collections.abc import Mapping, Sequence
from itertools import chain, islice
from typing import Any

from gatherq.escape import escape

from .interruptions import INTERRUPTIONS

#: Most characters of the text of a call, and of one of its arguments.
_CALL, _ARGUMENT = 90, 40
#: Most characters of a value, and of all arguments, in a message about them.
_VALUE, _ARGUMENTS_TEXT = 60, 200
#: Arguments that are looked at: more have no room.
_ARGUMENTS = 40


def value_repr(value: object) -> str:
    """Return a value in a message about it: its repr in at most 60 characters."""
    return short_repr(value, _VALUE)


def short_repr(value: object, most: int = 80) -> str:
    """Return one line of at most `most` characters, much as `repr(value)`.

    Long texts and collections are cut inside, and control characters are escaped. A value whose
    own `__repr__` fails is shown by its type.
    """
    try:
        text = escape(_ShortRepr(most).repr(value))
    except INTERRUPTIONS:
        raise
    except BaseException:  # an odd class: of the name of a builtin, or with a metaclass of its own
        text = _unprintable(value)
    return cut(text, most)


def call_repr(name: str, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None) -> str:
    """Return a call in a line of some 90 characters: `chop('onion', seconds=12)`."""
    given = (short_repr(each, _ARGUMENT) for each in args)
    named = (
        f"{escape(str(key))}={short_repr(each, _ARGUMENT)}" for key, each in (kwargs or {}).items()
    )
    name = cut(escape(name), _ARGUMENT)
    inside = ", ".join(islice(chain(given, named), _ARGUMENTS))
    return f"{name}({cut(inside, _CALL - len(name) - 2)})"


def arguments_repr(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """Return arguments as they stand between the brackets of a call, in some 200 characters."""
    texts = [value_repr(value) for value in args]
    texts += [f"{escape(str(name))}={value_repr(value)}" for name, value in kwargs.items()]
    return cut(", ".join(texts), _ARGUMENTS_TEXT)


def with_article(noun: str) -> str:
    """Return "a list", "an int", "an Event"."""
    return f"{'an' if noun[:1].casefold() in 'aeiou' else 'a'} {noun}"


class PlainText(str):
    """A text that is its own repr: for classes that show the repr of what they are given."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class _ShortRepr(reprlib.Repr):
    def __init__(self, most: int) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxlong, self.maxother = 4, most, most, most
        self.maxdict = self.maxset = self.maxfrozenset = 6

    def repr_dict(self, value: dict[Any, Any], level: int) -> str:
        """Show the first items, in their order; the standard library sorts all of them."""
        if level <= 0 < len(value):
            return "{...}"
        pairs = [
            f"{self.repr1(key, level - 1)}: {self.repr1(each, level - 1)}"
            for key, each in islice(value.items(), self.maxdict)
        ]
        return f"{{{', '.join([*pairs, '...'] if len(value) > self.maxdict else pairs)}}}"

    def repr_int(self, value: int, level: int) -> str:
        """Show a number that Python refuses to write in full by its size."""
        if value.bit_length() > 10_000:
            return f"<int of {value.bit_length():,} bits>"
        return super().repr_int(value, level)

    def repr_instance(self, value: object, level: int) -> str:
        """Show a value by its own class, which may fail."""
        try:
            return cut(str.__str__(repr(value)), self.maxother)
        except INTERRUPTIONS:
            raise
        except BaseException:  # its code may raise any
            return _unprintable(value)


def _unprintable(value: object) -> str:
    name = type.__dict__["__name__"].__get__(type(value))
    return f"<unprintable {name}>"


def cut(text: str, most: int) -> str:
    """Return a text that is cut, and says so, if it is too long."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
