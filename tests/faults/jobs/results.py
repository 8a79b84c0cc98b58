"""What jobs leave that is hard to write, or too large: plain functions, for any place."""

import copy
import threading
from typing import Any, NoReturn


class Opaque:
    """Has no JSON, and says nothing."""

    def __repr__(self) -> NoReturn:
        raise RuntimeError("no text")


class Mute(Exception):
    """Says nothing of itself."""

    def __str__(self) -> NoReturn:
        raise RuntimeError("no text either")

    __repr__ = __str__


class TwoWords(Exception):
    """Cannot be made again of its arguments."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


def end(how: str, items: list[Any]) -> Any:
    """End in a way that is hard to write."""
    match how:
        case "not serialisable":
            return threading.Lock()
        case "no text":
            return [Opaque()]
        case "a circle":
            items.append(items)
            return items
        case "arguments mutated":
            items.append(Opaque())
            return "fine"
        case "an error without a text":
            raise Mute
        case "a message of 10 MB":
            raise ValueError("x" * 10_000_000)
        case "an ExceptionGroup":
            raise ExceptionGroup("two", [ValueError("one"), ExceptionGroup("in", [KeyError("k")])])
        case "a BaseException":
            raise BaseException("base")
        case "cannot be made again":
            raise TwoWords("this", "that")
        case "with what cannot be copied":
            raise ValueError(Opaque(), copy.copy)
    return None


def measure(text: str) -> int:
    """Return how long an argument is."""
    return len(text)


def reflect(text: str) -> str:
    """Return an argument."""
    return text


def refuse(text: str) -> None:
    """Fail, whatever the argument is."""
    raise ValueError("refused")


def make(size: int) -> str:
    """Return a text of so many bytes."""
    return "x" * size


ENDS = (end, measure, reflect, refuse, make)
