"""Runs what a command does, and makes an exit code and one line of what it raises."""

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from gatherq.errors import (
    BatchConflict,
    BatchNotFound,
    GatherqError,
    InvalidCall,
    InvalidSelector,
    InvalidSetting,
    RedisUnavailable,
)
from gatherq.escape import escape

from . import exits

if TYPE_CHECKING:
    from ..output.output import Output

T = TypeVar("T")
#: What an error is called in JSON, and its exit code: the first that fits.
_CODES: list[tuple[type[BaseException], str, int]] = [
    (BatchNotFound, "batch_not_found", exits.NOT_FOUND),
    (LookupError, "not_found", exits.NOT_FOUND),
    (RedisUnavailable, "redis_unavailable", exits.UNAVAILABLE),
    (TimeoutError, "timeout", exits.TIMEOUT),
    (InvalidSelector, "invalid_selector", exits.USAGE),
    (InvalidSetting, "invalid_setting", exits.USAGE),
    (InvalidCall, "invalid_call", exits.USAGE),
    (BatchConflict, "batch_conflict", exits.UNSUCCESSFUL),
    (GatherqError, "error", exits.UNSUCCESSFUL),
]


def run(work: Coroutine[Any, Any, int | None], output: "Output") -> NoReturn:
    """Run it, and end the process with the exit code that it returns, 0 for None."""
    sys.exit(answer(work, output) or 0)


def answer(work: Coroutine[Any, Any, T], output: "Output") -> T:
    """Run it and return what it returns; an error is said, and ends the process."""
    logging.getLogger("gatherq").addHandler(logging.NullHandler())  # errors are said below
    try:
        found = asyncio.run(work)
        sys.stdout.flush()
        return found
    except BrokenPipeError:
        sys.exit(_leave_pipe())
    except KeyboardInterrupt:
        sys.exit(exits.INTERRUPTED)
    except click.ClickException as error:
        refuse(error.format_message(), output, "usage", error.exit_code)
    except (GatherqError, LookupError, TimeoutError) as error:
        name, code = next((name, code) for kind, name, code in _CODES if isinstance(error, kind))
        refuse(str(error), output, name, code)
    except OSError as error:  # what is written to is full, or gone
        _leave_pipe()
        refuse(error.strerror or str(error), output, "system", exits.UNSUCCESSFUL)


def refuse(text: str, output: "Output", name: str, code: int) -> NoReturn:
    """Say why it cannot be done, as a line or as JSON, and end the process."""
    message, _, hint = text.partition("; ")
    if output.is_json:
        output.error({"code": name, "message": message, "hint": hint})
    else:
        click.echo(f"Error: {escape(text)}", err=True)
    sys.exit(code)


def _leave_pipe() -> int:
    """Let nothing more be written to a pipe that nobody reads, at the interpreter's end too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return exits.BROKEN_PIPE
