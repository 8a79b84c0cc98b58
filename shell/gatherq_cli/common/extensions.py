"""`gatherq foo` is `gatherq-foo`, where a program of that name is on the PATH."""

import os
import re
import shutil

import click

_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


def extension(name: str) -> click.Command | None:
    """Return the command that becomes that program; None where there is none."""
    path = shutil.which(f"gatherq-{name}") if _NAME.fullmatch(name) else None
    if path is None:
        return None

    def become(words: tuple[str, ...]) -> None:
        os.execv(path, [path, *words])

    return click.Command(
        name,
        callback=become,
        params=[click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
        add_help_option=False,
        context_settings={"ignore_unknown_options": True},
    )
