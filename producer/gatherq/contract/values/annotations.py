"""The annotations of a function, each resolved by itself, so that a bad one spoils no other."""

import inspect
import logging
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from typing_extensions import Unpack, is_typeddict

from .codec import Codec, codec_of

logger: logging.Logger = logging.getLogger("gatherq")


class Codecs(NamedTuple):
    """The codecs of a function's parameters and of its result."""

    #: By the parameter's name or "return"; none where JSON's own types suffice.
    by_name: dict[str, Codec]
    #: By the parameter's name or "return", why its annotation cannot be used.
    problems: dict[str, str]
    #: By key, of `**kwargs: Unpack[TypedDict]`.
    keys: dict[str, Codec]


@lru_cache(maxsize=4096)
def codecs_of(function: Callable[..., Any]) -> Codecs:
    """Return the codecs of a function's arguments and result."""
    hints, problems = hints_of(function)
    codecs = Codecs({}, problems, {})
    for name, hint in hints.items():
        if get_origin(hint) is Unpack and is_typeddict(get_args(hint)[0]):
            fields = get_type_hints(get_args(hint)[0])
            _add(codecs.keys, problems, fields)
        else:
            _add(codecs.by_name, problems, {name: hint})
    return codecs


def _add(codecs: dict[str, Codec], problems: dict[str, str], hints: dict[str, Any]) -> None:
    for name, hint in hints.items():
        try:
            codec = codec_of(hint)
        except Exception as error:  # pydantic's, or of the annotation's own code
            problems[name] = _why(error)
        else:
            if codec is not None:
                codecs[name] = codec


def hints_of(function: Callable[..., Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the annotations that can be resolved, by name, and why the others cannot."""
    try:
        return get_type_hints(function, include_extras=True), {}
    except Exception:  # an annotation's own code may raise any
        return _one_by_one(inspect.unwrap(function))


@lru_cache(maxsize=4096)
def warn_about(function: Callable[..., Any]) -> None:
    """Log each annotation that cannot be used, once a process, with advice."""
    definition = getattr(function, "definition", None)
    name = definition.name if definition else function.__qualname__
    for parameter, why in codecs_of(function).problems.items():
        what = "its result" if parameter == "return" else f"parameter {parameter!r}"
        logger.warning(
            "job %s: the annotation of %s cannot be used (%s): its values are handed over as JSON's"
            " own types. Import what it names outside of `if TYPE_CHECKING:`, or annotate a type"
            " that pydantic knows",
            *(name, what, why),
        )


def annotation_text(function: Callable[..., Any], annotation: Any) -> str:
    """Return an annotation of a function as its module writes it."""
    if isinstance(annotation, str):
        return annotation
    return inspect.formatannotation(annotation).replace(f"{function.__module__}.", "")


def _one_by_one(function: Callable[..., Any]) -> tuple[dict[str, Any], dict[str, str]]:
    module = getattr(sys.modules.get(function.__module__), "__dict__", {})
    names = getattr(function, "__globals__", module)
    hints: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for parameter, annotation in inspect.get_annotations(function).items():
        alone = type("alone", (), {"__annotations__": {parameter: annotation}})
        try:
            hints |= get_type_hints(alone, names, {}, include_extras=True)
        except Exception as error:
            problems[parameter] = _why(error)
    return hints, problems


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]
