"""What a producer warns of while it waits: that nobody is there, that Redis is away."""

import logging

import click

from gatherq.escape import escape


class _ToStandardError(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(f"Warning: {escape(record.getMessage())}", err=True)


def warn() -> None:
    """Print warnings as lines to standard error."""
    logging.getLogger("gatherq").addHandler(_ToStandardError(logging.WARNING))
