"""Text of an error, for people."""

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from gatherq.contract.interruptions import INTERRUPTIONS
from gatherq.contract.short_repr import cut
from gatherq.escape import escape

from .lazy_values import Untransportable

#: Most characters of the place of a fault: its steps may be keys of a dict.
_PATH = 100


def text_of(error: BaseException) -> str:
    """Return a line about an error of any code, without the values that it is about.

    Begins with the type's name for users' errors; that name alone if `__str__` raises. Of a value
    that is not of its annotation it says where that is: `[0].weight: Field required`.
    """
    name = type(error).__name__
    try:
        if isinstance(error, ValidationError):
            return _faults(error)
        text = str(error)
    except INTERRUPTIONS:
        raise
    except BaseException:
        return name
    if isinstance(error, PydanticSerializationError | Untransportable):
        return text
    return f"{name}: {text}" if text else name


def _faults(error: ValidationError) -> str:
    """Say the first fault, and how many more there are."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    path = list(faults[0]["loc"])
    if path[:1] == [0]:  # values are read as the only item of a list
        del path[0]
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    where = cut("".join(steps).removeprefix("."), _PATH)
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return escape(f"{where}: " if where else "") + escape(faults[0]["msg"]) + more
