"""Options that many commands have, each read into one object."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from gatherq.client.producer import Producer
    from gatherq.inspection.inspector import Inspector


Command = Callable[..., Any]


def limits_checked(
    max_at_once: int | None, max_per_second: float | None, priority: int
) -> tuple[int | None, float | None, int]:
    """Return these limits; raises UsageError for one that is none."""
    from gatherq.contract import validation
    from gatherq.errors import InvalidCall

    try:
        return (
            validation.check_max_at_once(max_at_once),
            validation.check_max_per_second(max_per_second),
            validation.check_priority(priority),
        )
    except InvalidCall as error:
        raise click.UsageError(str(error)) from None


def read_duration(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Read a duration of an option as seconds: 250ms, 10s, 5m, 2h30m, 2d."""
    from gatherq.inspection.durations import parse_duration

    try:
        return None if value is None else parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


@dataclass(frozen=True, slots=True)
class Server:
    """Which server and queue a command is about, and for how long it may be away."""

    url: str | None
    queue: str | None
    patience: float

    def inspector(self) -> "Inspector":
        """Make what reads it."""
        from gatherq.inspection.inspector import Inspector

        return Inspector(self.url, queue=self.queue, patience=self.patience)

    def producer(self, *, waits: bool = False) -> "Producer":
        """Make what acts on it; `waits`: it warns where no worker is there to wait for."""
        from gatherq.client.producer import Producer

        policy: Literal["warn", "ignore"] = "warn" if waits else "ignore"
        return Producer(self.url, queue=self.queue, patience=self.patience, no_workers=policy)


def on_server(command: Command) -> Command:
    """Add --redis, --queue and --patience; the command gets them as `server`."""

    @click.option("--redis", "url", metavar="URL", help="Server [GATHERQ_REDIS_URL, or localhost]")
    @click.option("--queue", metavar="QUEUE", help="Queue [GATHERQ_QUEUE, or arq:queue]")
    @click.option(
        "--patience",
        callback=read_duration,
        default="2s",
        metavar="TIME",
        help="How long to try while Redis is away [2s]",
    )
    @wraps(command)
    def with_server(*, url: str | None, queue: str | None, patience: float, **rest: Any) -> Any:
        return command(server=Server(url, queue, patience), **rest)

    return with_server


def with_output(command: Command) -> Command:
    """Add --json, --jsonl and --no-color; the command gets what prints as `output`."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON document.")
    @click.option("--jsonl", is_flag=True, help="A line of JSON for each row, as it comes.")
    @click.option("--no-color", is_flag=True, help="No colors [NO_COLOR]")
    @wraps(command)
    def with_printer(*, as_json: bool, jsonl: bool, no_color: bool, **rest: Any) -> Any:
        from ..output.output import Output

        if as_json and jsonl:
            raise click.UsageError("give --json or --jsonl, not both")
        kind = "json" if as_json else "jsonl" if jsonl else ""
        return command(output=Output(kind, color=not no_color), **rest)

    return with_printer


@dataclass(frozen=True, slots=True)
class Consent:
    """How a command that changes something asks."""

    dry_run: bool
    yes: bool
    #: Who does it: stands in outcomes and events.
    by: str


def that_acts(command: Command) -> Command:
    """Add --dry-run, --yes and --by; the command gets them as `consent`."""

    @click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
    @click.option("-y", "--yes", is_flag=True, help="Do not ask; needed where nobody can answer.")
    @click.option("--by", metavar="TEXT", help="Who does it [USER@HOST]")
    @wraps(command)
    def with_consent(*, dry_run: bool, yes: bool, by: str | None, **rest: Any) -> Any:
        return command(consent=Consent(dry_run, yes, by or _whoami()), **rest)

    return with_consent


def _whoami() -> str:
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # no such variable, and no such user, or no pwd
        user = str(os.getpid())
    return f"{user}@{socket.gethostname()}"[:200]


def is_interactive() -> bool:
    """Tell whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()
