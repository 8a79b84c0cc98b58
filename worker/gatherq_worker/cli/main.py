"""The command `gatherq`: each of its commands is a module here, imported when it is asked for."""

import re
from importlib import import_module

import click

from . import standard_streams

#: The commands, each a function of that name in a module of that name, and what help says of them.
COMMANDS = {
    "health": "Tell a probe whether a worker of this host is alive.",
    "worker": "Run the jobs of modules, or of arq's settings.",
}
#: The beginning of an argument that is a URL, or an option with one.
_A_URL = re.compile(r"((?P<option>--[a-z-]+)=)?[A-Za-z]*://")


class _Commands(click.Group):
    """Imports no command for the sake of help, and repeats no misplaced URL."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse a URL in the wrong place without a word of it: it may hold a password."""
        for before, word in zip(["", *args], args, strict=False):
            found = _A_URL.match(word)
            if found and (found["option"] or before) not in ("--redis", "--queue"):
                ctx.fail("there is a URL where none is wanted; name the server with --redis URL")
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None for a name that is none."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"{__package__}.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, without an import of them."""
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gatherq")
def main() -> None:
    """asyncio.gather and wait_for across a pool of machines."""
    standard_streams.open_closed()
