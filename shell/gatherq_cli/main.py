"""The command `gatherq`: each of its commands is a module here, imported when it is asked for."""

import re
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from gatherq_worker import standard_streams

from .common.extensions import extension
from .common.placement import negated_last, take_common
from .refusal import in_one_line, unknown_command

#: The commands by the folder that they are in, and what help says of them: each is a function of
#: its name, in a module of its name.
SECTIONS: dict[str, dict[str, str]] = {
    "run": {
        "worker": "Run the jobs of modules, or of arq's settings.",
        "dev": "Run a server, and workers that follow your changes.",
        "exporter": "Serve the metrics of a pool to Prometheus.",
        "web": "Show the pool as a page, and as JSON.",
        "health": "Tell a probe whether a worker of this host is alive.",
    },
    "submit": {
        "call": "Run one job, and print its value.",
        "map": "Run a job for each line of a file, and print the outcomes.",
    },
    "look": {
        "ls": "List batches, the newest first.",
        "show": "Show a batch or a slot in full.",
        "watch": "Follow a batch until it has ended.",
        "explain": "Say why a batch is not finished, and what helps.",
        "errors": "Group what did not succeed.",
        "outcomes": "Show the slots of a batch in order, each with its outcome so far.",
        "workers": "List workers, or say what one of them runs.",
        "queue": "Say what waits in the queue, what runs, and how fast it drains.",
        "jobs": "List the jobs that workers know, with counts and times.",
        "stats": "Show how many jobs ended, and how long they took, by minute or hour.",
        "events": "Show who did what, and which workers came and went.",
    },
    "act": {
        "cancel": "End what has not ended.",
        "redrive": "Run again what did not succeed.",
        "rm": "Remove batches.",
        "keep": "Let a batch stay longer, or shorter.",
    },
    "share": {
        "report": "Write a batch as a page: one file that fetches nothing.",
        "trace": "Write a batch as a trace, for Perfetto and Chrome.",
    },
    "check": {
        "doctor": "Say what is wrong with server, queue and workers, and what to do.",
        "config": "Show the settings in force, and where each comes from.",
        "completion": "Print the script that lets a shell complete.",
        "version": "Print the version.",
    },
}
#: The folder of each command.
COMMANDS: dict[str, str] = {name: folder for folder, names in SECTIONS.items() for name in names}
#: Those in which the code of jobs runs: it may print where nobody reads it any more, and goes on.
#: Other commands end.
_RUN_JOBS = ("worker", "dev")
#: Commands that take filters.
_FILTERING = frozenset({*SECTIONS["look"], *SECTIONS["act"]})
#: Where the common options before a command are kept until it is known.
_COMMON = f"{__name__}.common"
#: The beginning of an argument that is a URL, or an option with one.
_A_URL = re.compile(r"((?P<option>--[a-z-]+)=)?[A-Za-z]*://")


class _Commands(click.Group):
    """Imports no command for the sake of help, and repeats no misplaced URL."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the common options for the command; raises UsageError for a misplaced URL."""
        ctx.meta[_COMMON], rest = take_common(args)
        takes_urls = rest[:1] == ["call"]  # as arguments of the job
        if not takes_urls and not ctx.resilient_parsing:
            _check_urls(args)
        return super().parse_args(ctx, rest)

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        """Read the words before the command; raises Refusal."""
        with in_one_line():
            return super().make_context(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Read the words of the command, and run it; raises Refusal."""
        with in_one_line():
            return super().invoke(ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; raises UsageError with a near match."""
        name, *words = args
        if not ctx.resilient_parsing and not name.startswith("-") and not self._knows(name):
            ctx.fail(unknown_command(name, COMMANDS))
        if name in _FILTERING:
            words = negated_last(words)
        return super().resolve_command(ctx, [name, *ctx.meta.get(_COMMON, ()), *words])

    @staticmethod
    def _knows(name: str) -> bool:
        return name in COMMANDS or extension(name) is not None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, or find the program that is one; None for a name that is none."""
        if cmd_name not in COMMANDS:
            return extension(cmd_name)
        module = import_module(f"{__package__}.{COMMANDS[cmd_name]}.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, without an import of them."""
        for folder, names in SECTIONS.items():
            with formatter.section(folder.capitalize()):
                formatter.write_dl([*names.items()])


def _check_urls(words: Sequence[str]) -> None:
    """Refuse a URL in the wrong place without a word of it: it may hold a password."""
    for before, word in zip(["", *words], words, strict=False):
        found = _A_URL.match(word)
        if found and (found["option"] or before) not in ("--redis", "--queue"):
            advice = "name the server with --redis URL"
            raise click.UsageError(f"there is a URL where none is wanted; {advice}")


_EXAMPLES = """\b
Examples:
  gatherq dev kitchen           # a server and a worker of kitchen.py, for writing jobs
  gatherq worker kitchen        # run the jobs of kitchen.py
  gatherq health --ready        # can a worker of this host work?
  gatherq call chop carrot 3    # run one job, and print its value
  gatherq redrive @ error:OSError        # run again what failed so in the newest batch

\b
Common options may stand before the command: gatherq --redis URL --queue Q --json ls
"""


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EXAMPLES,
)
@click.version_option(package_name="gatherq")
@click.pass_context
def main(context: click.Context) -> None:
    """asyncio.gather and wait_for across a pool of machines."""
    standard_streams.open_closed()
    if context.invoked_subcommand in _RUN_JOBS:
        standard_streams.write_at_once()
