"""The arguments of a job, as they are written in a command line."""

import json
from collections.abc import Sequence
from typing import Any, NoReturn

import click


def read_value(text: str) -> Any:
    """Return the value of JSON that a text is, or else the text."""
    try:
        return read_json(text)
    except ValueError:
        return text


def read_json(text: str) -> Any:
    """Return a value of JSON; raises ValueError, also for NaN and infinities."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at column {error.colno}") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no value of JSON")


def positional(words: Sequence[str], as_json: str | None) -> list[Any]:
    """Return the positional arguments: words, or a JSON array in their place."""
    if as_json is None:
        return [read_value(word) for word in words]
    if words:
        raise click.UsageError("give the arguments one by one or as --args, not both")
    given: list[Any] = _read("--args", as_json, list, "an array of JSON, as '[1, \"two\"]'")
    return given


def keywords(pairs: Sequence[str], as_json: str | None) -> dict[str, Any]:
    """Return the keyword arguments: of pairs NAME=VALUE, and of a JSON object."""
    given: dict[str, Any] = {}
    if as_json is not None:
        given = _read("--kwargs", as_json, dict, "an object of JSON, as '{\"size\": 3}'")
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise click.UsageError(f"-k {pair!r}: write NAME=VALUE, as -k size=3")
        if name in given:
            raise click.UsageError(f"-k {name} is given twice")
        given[name] = read_value(value)
    return given


def _read(option: str, text: str, kind: type, wanted: str) -> Any:
    try:
        value = read_json(text)
    except ValueError as error:
        raise click.UsageError(f"{option} is no JSON ({error}): give {wanted}") from None
    if not isinstance(value, kind):
        raise click.UsageError(f"{option} is {text:.80}: give {wanted}")
    return value
