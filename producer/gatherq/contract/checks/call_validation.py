"""`@job(validate=True)`: the values of a call, written, and read as its worker will read them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gatherq.contract.interruptions import INTERRUPTIONS
from gatherq.contract.short_repr import arguments_repr, value_repr
from gatherq.contract.values import codec
from gatherq.contract.values.arguments import ArgumentError, encode_arguments
from gatherq.contract.values.error_text import text_of
from gatherq.contract.values.reading import ArgumentReader, WrongValue
from gatherq.errors import InvalidArguments, InvalidCall

from .call_signature import CallSignature


class CallValidator:
    """Checks the values of the arguments of one function."""

    def __init__(self, function: Callable[..., Any], signature: CallSignature) -> None:
        self._function, self._signature = function, signature
        self._reader: ArgumentReader | None = None

    def write(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
        """Return name and arguments as JSON, as a call keeps them: an iterator is read only here.

        Raises InvalidArguments for a value that is not of its annotation when it has been written
        and read, and InvalidCall for one that cannot be written.
        """
        written = self._written(name, args, kwargs)
        record = codec.from_json(written + b"}")
        # Annotations are read now, when all that they name is there.
        self._reader = self._reader or ArgumentReader(self._function)
        signature = self._signature.signature
        try:
            self._reader.check(signature.bind(*record["a"], **record["k"]))
        except WrongValue as error:
            given = signature.bind(*args, **kwargs).arguments
            value = given.get(error.name, kwargs.get(error.name))
            raise InvalidArguments(
                f"{self._text(args, kwargs)}: {error.name} must be {error.wanted}, "
                f"not {value_repr(value)}: {error}",
                name=name,
            ) from None
        return written

    def _written(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
        try:
            made, named = encode_arguments(self._function, args, kwargs)
            return codec.encode({"f": name, "a": made, "k": named})[:-1]
        except INTERRUPTIONS:
            raise
        except BaseException as error:  # the code of an argument may raise any
            raise InvalidCall(f"{self._text(args, kwargs)}: {_why(error)}", name=name) from error

    def _text(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        return f"{self._function.__name__}.call({arguments_repr(args, kwargs)})"


def _why(error: BaseException) -> str:
    if isinstance(error, ArgumentError):
        return f"{error.where} cannot travel: {error}"
    return f"it cannot be written as JSON: {text_of(error)}"
