"""One question, with what would be done, before anything is changed."""

import sys
from typing import TYPE_CHECKING

import click

from gatherq.escape import escape

from . import exits
from .options import Consent, is_interactive
from .running import refuse

if TYPE_CHECKING:
    from ..output.output import Output


def confirm(what: str, consent: Consent, output: "Output") -> None:
    """Ask whether to do it, unless told not to; no answer, or no, ends the process.

    To be called outside of an event loop, in which Ctrl-C would not end the question.
    """
    if consent.yes:
        return
    if not is_interactive():
        advice = "give --yes to do it, --dry-run to look"
        refuse(f"this would {what}; {advice}", output, "unconfirmed", exits.UNCONFIRMED)
    if not _asked(f"{what[0].upper()}{what[1:]}?"):
        refuse("not confirmed, nothing was done", output, "unconfirmed", exits.UNCONFIRMED)


def _asked(question: str) -> bool:
    try:
        return click.confirm(escape(question), err=True)
    except click.Abort as abort:
        click.echo(err=True)
        if isinstance(abort.__context__, KeyboardInterrupt):
            sys.exit(exits.INTERRUPTED)
        return False
