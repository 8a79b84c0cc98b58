"""Errors of a command line in one line: which option or variable, its value, what is allowed."""

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click
from click.core import ParameterSource


class Refusal(click.ClickException):
    """A command line, or a variable, that cannot be used."""

    exit_code = 2


@contextmanager
def in_one_line() -> Iterator[None]:
    """Make a Refusal of a usage error, which click shows with a usage that says nothing of it."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.BadParameter as error:
        raise Refusal(_bad_value(error)) from None
    except click.UsageError as error:
        raise Refusal(error.format_message().rstrip(".")) from None


def unknown_command(name: str, known: Iterable[str]) -> str:
    """Say that there is no such command, and which there are."""
    near = difflib.get_close_matches(name, [*known], n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"no command {name!r}; {hint}there are {', '.join(known)}"


def _bad_value(error: click.BadParameter) -> str:
    option, context = error.param, error.ctx
    if option is None or context is None or isinstance(error, click.MissingParameter):
        return error.format_message().rstrip(".")
    name = option.opts[0]
    if isinstance(option, click.Argument):
        name = option.metavar or name
    if context.get_parameter_source(option.name or "") is ParameterSource.ENVIRONMENT:
        name = str(option.envvar)
    value, found, _ = error.message.partition(" is not ")
    allowed = _allowed(option.type)
    if not found or not allowed:
        return f"{name}: {_without_url(error.message.rstrip('.'))}"
    return f"{name} is {_without_url(value)}: give {allowed}"


def _allowed(kind: object) -> str:
    """Say which values an option takes; empty for a text."""
    if not isinstance(kind, click.IntRange | click.FloatRange):
        return "yes or no" if isinstance(kind, click.types.BoolParamType) else ""
    what = "a whole number" if isinstance(kind, click.IntRange) else "a number"
    return f"{what} from {kind.min:,g} " + ("on" if kind.max is None else f"to {kind.max:,g}")


def _without_url(text: str) -> str:
    return "a URL" if "://" in text else text
