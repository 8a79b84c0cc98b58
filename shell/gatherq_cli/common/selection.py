"""The arguments of every command about slots: `BATCH[:SLOTS] [FILTER]...`."""

from collections.abc import Callable
from typing import Any

import click

from . import suggestions

Command = Callable[..., Any]


def with_selection(command: Command) -> Command:
    """Add a batch with its slots, `target`, and `filters`: as `Inspector` takes them."""
    filters = click.argument(
        "filters", nargs=-1, metavar="[FILTER]...", shell_complete=suggestions.slot_filters
    )
    target = click.argument("target", metavar="BATCH[:SLOTS]", shell_complete=suggestions.batches)
    return target(filters(command))
