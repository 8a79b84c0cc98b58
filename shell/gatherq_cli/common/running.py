"""Runs what a command does, and makes an exit code and one line of what it raises."""

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from gatherq.errors import (
    GatherqError,
    InvalidCall,
    InvalidSelector,
    InvalidSetting,
    RedisUnavailable,
)
from gatherq.escape import escape
from gatherq.inspection.words.error_codes import code_of, error_record

from . import exits

if TYPE_CHECKING:
    from ..output.output import Output

T = TypeVar("T")
#: The exit code of an error: the first that fits.
_EXITS: list[tuple[type[BaseException], int]] = [
    (LookupError, exits.NOT_FOUND),
    (RedisUnavailable, exits.UNAVAILABLE),
    (TimeoutError, exits.TIMEOUT),
    (InvalidSelector, exits.USAGE),
    (InvalidSetting, exits.USAGE),
    (InvalidCall, exits.USAGE),
    (GatherqError, exits.UNSUCCESSFUL),
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
        code = next(code for kind, code in _EXITS if isinstance(error, kind))
        refuse(str(error), output, code_of(error), code)
    except OSError as error:  # what is written to is full, or gone
        _leave_pipe()
        refuse(error.strerror or str(error), output, "system", exits.UNSUCCESSFUL)


def refuse(text: str, output: "Output", name: str, code: int) -> NoReturn:
    """Say why it cannot be done, as a line or as JSON, and end the process."""
    if output.is_json:
        output.error(error_record(name, text))
    else:
        click.echo(f"Error: {escape(text)}", err=True)
    sys.exit(code)


def _leave_pipe() -> int:
    """Let nothing more be written to a pipe that nobody reads, at the interpreter's end too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return exits.BROKEN_PIPE
