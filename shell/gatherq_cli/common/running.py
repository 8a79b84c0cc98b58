"""Runs what a command does, and makes an exit code and one line of what it raises."""

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, NoReturn

import click

from gatherq.errors import BatchNotFound, GatherqError, InvalidSelector, RedisUnavailable
from gatherq.escape import escape

from . import exits

if TYPE_CHECKING:
    from ..output.output import Output

#: What an error is called in JSON, and its exit code: the first that fits.
_CODES: list[tuple[type[BaseException], str, int]] = [
    (BatchNotFound, "batch_not_found", exits.NOT_FOUND),
    (LookupError, "not_found", exits.NOT_FOUND),
    (RedisUnavailable, "redis_unavailable", exits.UNAVAILABLE),
    (TimeoutError, "timeout", exits.TIMEOUT),
    (InvalidSelector, "invalid_selector", exits.USAGE),
    (GatherqError, "error", exits.UNSUCCESSFUL),
]


def run(work: Coroutine[Any, Any, int | None], output: "Output") -> NoReturn:
    """Run it, and end the process with the exit code that it returns, 0 for None."""
    logging.getLogger("gatherq").addHandler(logging.NullHandler())  # errors are said below
    try:
        code = asyncio.run(work)
        sys.stdout.flush()
    except BrokenPipeError:
        code = _leave_pipe()
    except KeyboardInterrupt:
        code = exits.INTERRUPTED
    except (GatherqError, LookupError, TimeoutError) as error:
        code = _refused(error, output)
    sys.exit(code or 0)


def _refused(error: BaseException, output: "Output") -> int:
    name, code = next((name, code) for kind, name, code in _CODES if isinstance(error, kind))
    text = str(error)
    message, _, hint = text.partition("; ")
    if output.is_json:
        output.error({"code": name, "message": message, "hint": hint})
    else:
        click.echo(f"Error: {escape(text)}", err=True)
    return code


def _leave_pipe() -> int:
    """Let nothing more be written to a pipe that nobody reads, at the interpreter's end too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return exits.BROKEN_PIPE
