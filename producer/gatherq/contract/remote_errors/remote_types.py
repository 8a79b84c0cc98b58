"""Classes of `RemoteError` that have builtin bases too, so that `except` catches them."""

from functools import lru_cache
from typing import Any

from gatherq.errors import RemoteError


@lru_cache(maxsize=256)
def remote_kind(bases: tuple[type[Exception], ...]) -> type[RemoteError]:
    """Return the class of `RemoteError` with these bases; the plain one for none."""
    bases = tuple(base for base in bases if base not in (Exception, *RemoteError.__mro__))
    if not bases:
        return RemoteError
    group = (_Group,) if any(issubclass(base, BaseExceptionGroup) for base in bases) else ()
    try:
        space = {"__module__": RemoteError.__module__, "_bases": bases}
        return type("RemoteError", (_Picklable, *group, *bases, RemoteError), space)
    except TypeError:  # no class has these bases together
        return remote_kind(bases[:1]) if bases[1:] else RemoteError


def bare(kind: Any, *args: Any) -> Any:
    """Make an error without `__init__`, by the base that determines its layout in memory."""
    return kind.__base__.__new__(kind, *args)


class _Picklable:
    """Pickles and copies an error whose class has no name that could be imported."""

    _bases: tuple[type[Exception], ...]

    def __str__(self) -> str:
        return str(vars(self)["_text"])  # with the type's name; a builtin's own may differ

    def __reduce__(self) -> Any:
        error: Any = self
        grouped = isinstance(self, _Group)
        made_of = (error.message, list(error.exceptions)) if grouped else (error._text,)
        slots = {name: getattr(error, name, None) for base in self._bases for name in _held(base)}
        return _again, (self._bases, made_of, error.args), {**slots, **vars(error)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            if value is not None:
                setattr(self, name, value)


class _Group:
    """Splits into groups of its own kind."""

    def derive(self, members: Any) -> Any:
        """Make a group of some of the members."""
        error: Any = self
        kind: Any = type(self)
        part = bare(kind, error.message, members)
        part.args, part.outcome, part._text = error.args, error.outcome, error._text
        return part


def _again(bases: tuple[type[Exception], ...], made_of: tuple[Any, ...], args: Any) -> RemoteError:
    kind = remote_kind(bases)
    error: RemoteError = bare(kind, *made_of)
    error.args = args
    return error


def _held(base: type[Exception]) -> list[str]:
    """Return the names of a builtin's attributes outside of `__dict__`."""
    return [
        name
        for kind in base.__mro__
        if kind not in (BaseException, object) and not issubclass(kind, BaseExceptionGroup)
        for name, own in vars(kind).items()
        if type(own).__name__ in ("member_descriptor", "getset_descriptor") and name[:2] != "__"
    ]
