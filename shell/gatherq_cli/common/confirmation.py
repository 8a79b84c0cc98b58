"""One question, with what would be done, before anything is changed."""

import click

from .options import Consent, is_interactive


class Unconfirmed(click.ClickException):
    """Nobody said yes, so nothing was done."""

    exit_code = 6


def confirm(what: str, consent: Consent) -> bool:
    """Return whether to do it: no in a dry run, which says it; raises Unconfirmed."""
    if consent.dry_run:
        click.echo(f"would {what}; nothing was done")
        return False
    if consent.yes:
        return True
    if not is_interactive():
        raise Unconfirmed(f"this would {what}: give --yes to do it, --dry-run to look")
    if not click.confirm(f"{what[0].upper()}{what[1:]}?", err=True):
        raise Unconfirmed("nothing was done")
    return True
