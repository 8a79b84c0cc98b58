"""Jobs that raise what they are told to, in each isolation."""

import builtins
import json

from gatherq import job


class Mine(ExceptionGroup):
    pass


def error(kind: str) -> BaseException:
    """Make an error of this name, with what it can carry."""
    match kind:
        case "JSONDecodeError":
            return json.JSONDecodeError("bad", "{", 1)
        case "Mine":
            return Mine("mine", [KeyError("k"), OSError(2, "gone", b"/raw")])
        case "UnicodeDecodeError":
            return UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad byte")
        case "OSError":
            return OSError(2, "gone", b"/raw\xff", None, "/other")
        case "ExceptionGroup":
            return ExceptionGroup("many", [ValueError(n) for n in range(30)])
        case "AttributeError":
            return AttributeError("no", name="a", obj=5)
    return getattr(builtins, kind)("text")


@job()
async def in_loop(kind: str) -> None:
    raise error(kind)


@job()
def in_thread(kind: str) -> None:
    raise error(kind)


@job(isolation="process")
def in_process(kind: str) -> None:
    raise error(kind)


@job()
async def long_text() -> None:
    raise ValueError("x" * 9_000_000)
