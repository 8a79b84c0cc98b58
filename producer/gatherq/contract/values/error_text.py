"""Text of an error, for people."""

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from gatherq.contract.interruptions import INTERRUPTIONS

from .lazy_values import Untransportable


def text_of(error: BaseException) -> str:
    """Return a line about an error of any code, without the values that it is about.

    Begins with the type's name for users' errors; that name alone if `__str__` raises.
    """
    name = type(error).__name__
    try:
        if isinstance(error, ValidationError):
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            return first["msg"]
        text = str(error)
    except INTERRUPTIONS:
        raise
    except BaseException:
        return name
    if isinstance(error, PydanticSerializationError | Untransportable):
        return text
    return f"{name}: {text}" if text else name
