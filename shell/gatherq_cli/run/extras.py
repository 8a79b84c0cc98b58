"""What a command says, in one line, where an extra that it needs is not installed."""

import click

from gatherq.extras import check_extra


def require(extra: str, command: str) -> None:
    """End the command with what to install, unless the extra is there."""
    try:
        check_extra(extra, command)
    except ImportError as error:
        raise click.ClickException(str(error)) from None
