"""What an error says, for people."""

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from gatherq.contract.interruptions import INTERRUPTIONS

from .lazy_values import Untransportable


def said(error: BaseException) -> str:
    """Return a line about an error of anybody's code, without the values that it is about.

    A type of the user's is named; what raises instead of telling its text is named alone.
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
