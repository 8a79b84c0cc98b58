"""The command line: `gatherq worker MODULE...`, `gatherq worker my.WorkerSettings`.

What is heavy is imported where it is used.
"""

import asyncio
import logging
import logging.config
import os
import re
import shlex
import sys
from typing import Any, NoReturn

import click
from click.core import ParameterSource

from gatherq_worker import logging_setup
from gatherq_worker.ipc.process_contract import VARIABLE
from gatherq_worker.supervision.supervisor import Supervisor

from . import standard_streams

#: At the beginning of a word of the command line.
_A_URL = re.compile(r"((?P<option>--[a-z-]+)=)?[A-Za-z]*://")


class _Commands(click.Group):
    """Repeats no URL that stands where none is wanted: it may hold a password."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for before, word in zip(["", *args], args, strict=False):
            found = _A_URL.match(word)
            if found and (found["option"] or before) not in ("--redis", "--queue"):
                ctx.fail("there is a URL where none is wanted; name the server with --redis URL")
        return super().parse_args(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gatherq")
def main() -> None:
    """asyncio.gather and wait_for across a pool of machines."""
    standard_streams.open_closed()


#: Where a process that this one starts finds the URL: a command line is read by everybody (`ps`).
_URL = "GATHERQ_WORKER_REDIS"


@main.command()
@click.argument("modules", nargs=-1, required=True, metavar="MODULE... | ARQ_SETTINGS")
@click.option(
    "--redis", "url", envvar=_URL, help="Redis URL [default: GATHERQ_REDIS_URL or localhost]"
)
@click.option("--queue", help="Queue to take jobs from [default: GATHERQ_QUEUE or arq:queue]")
@click.option(
    "--concurrency",
    default=100,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Jobs that one process runs at a time.",
)
@click.option(
    "--processes",
    default=1,
    show_default=True,
    type=click.IntRange(0, 256),
    help="Worker processes to run; one that dies is started again. 0: in this process.",
)
@click.option(
    "--lease",
    default=5.0,
    show_default=True,
    type=click.FloatRange(0.5, 600),
    help="Seconds after which a dead worker's jobs start elsewhere.",
)
@click.option(
    "--unknown-for",
    default=30.0,
    show_default=True,
    envvar="GATHERQ_UNKNOWN_FOR",
    type=click.FloatRange(0, 86_400),
    help="Seconds for which a job unknown here is left to workers that know it. 0: it fails.",
)
@click.option(
    "--grace",
    default=10.0,
    show_default=True,
    type=click.FloatRange(0, 86_400),
    help="Seconds that running jobs may take to finish after SIGTERM.",
)
@click.option(
    "--max-jobs-per-child",
    "most_jobs",
    type=click.IntRange(1),
    help="Jobs after which a worker process is replaced.",
)
@click.option(
    "--max-memory-per-child",
    "most_memory",
    type=click.IntRange(1),
    help="Memory in MiB after which a worker process is replaced.",
)
@click.option("--burst/--no-burst", default=None, help="Stop when the queue is empty.")
@click.option("--reload", "hot", is_flag=True, help="Restart when a file here changes.")
@click.option("--watch", type=click.Path(exists=True, file_okay=False), help="As --reload, there.")
@click.option(
    "--arq-pickle",
    is_flag=True,
    help="Accept the pickled jobs of arq's producers: whoever can write to Redis runs code here.",
)
@click.option("--check", "check_only", is_flag=True, help="arq's health check: exit 0 or 1.")
@click.option("--custom-log-dict", metavar="PATH", help="Logging settings, named as in arq.")
@click.option("-v", "--verbose", is_flag=True, help="Log every job.")
def worker(
    modules: tuple[str, ...],
    url: str | None,
    queue: str | None,
    concurrency: int,
    processes: int,
    lease: float,
    unknown_for: float,
    grace: float,
    most_jobs: int | None,
    most_memory: int | None,
    burst: bool | None,
    hot: bool,
    watch: str | None,
    arq_pickle: bool,
    check_only: bool,
    custom_log_dict: str | None,
    verbose: bool,
) -> None:
    """Run the jobs of MODULEs, importable from here: `gatherq worker kitchen`.

    Or those of arq's settings, a class or dict: `gatherq worker my.WorkerSettings`. These say all
    that is not said here; without a job_deserializer they mean pickle, as --arq-pickle does.
    """
    logging_setup.begin(logging.DEBUG if verbose else logging.INFO)
    if custom_log_dict:
        from arq.utils import import_string

        logging.config.dictConfig(import_string(custom_log_dict))
        logging_setup.heed()
    if url and (hot or watch or _supervised(processes, check_only)):
        os.environ[_URL] = url
    if hot or watch:
        _reload(watch or ".")
        return
    if _supervised(processes, check_only):
        supervisor = Supervisor(_without(sys.argv[1:], "--redis"), processes, grace)
        asyncio.run(_through(supervisor))
    from gatherq_worker import process

    if check_only:
        sys.exit(process.arqs_check(modules, queue))
    process.serve(
        modules,
        url,
        queue,
        concurrency=concurrency,
        lease=lease,
        unknown_for=unknown_for,
        grace=grace,
        burst=bool(burst),
        arq_pickle=arq_pickle,
        job_log=verbose,
        given=_given(),
        limits={
            "most_jobs": most_jobs,
            "most_memory": most_memory and most_memory * 1024 * 1024,
        },
    )


@main.command()
@click.option("--redis", "url", help="Redis URL [default: GATHERQ_REDIS_URL or localhost]")
@click.option("--queue", help="Queue of the worker [default: GATHERQ_QUEUE or arq:queue]")
@click.option("--ready", is_flag=True, help="Exit 1 too while the server is away.")
def health(url: str | None, queue: str | None, ready: bool) -> None:
    """Exit 0 if a worker of this host gave a sign of life lately, else 1.

    A worker waits for a server that is away, with what it has finished: it is not to be ended for
    that, so the exit code is 0 then. Ask with --ready whether it can work.
    """
    from .health_probe import report

    code, lines = asyncio.run(report(url, queue, ready=ready))
    for line in lines:
        click.echo(line, err=bool(code) or line.startswith("the server"))
    sys.exit(code)


async def _through(supervisor: Supervisor) -> NoReturn:
    """Run to the end, without waiting for threads that ask a name server that is away."""
    code = await supervisor.run()
    logging.shutdown()
    os._exit(code)


def _supervised(processes: int, check_only: bool) -> bool:
    """Tell whether this process is to watch over others, and run nothing itself."""
    unwanted = check_only or not processes or os.name != "posix"
    return not unwanted and VARIABLE not in os.environ


_SAID = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)

#: Our options, and what arq calls them.
_ARQ_NAMES = {
    "queue": "queue_name",
    "concurrency": "max_jobs",
    "grace": "job_completion_wait",
    "burst": "burst",
    "lease": "lease",
    "unknown_for": "unknown_for",
}


def _given() -> dict[str, Any]:
    """Return what was said on the command line, by arq's names: it wins over the settings."""
    context = click.get_current_context()
    return {
        name: context.params[option]
        for option, name in _ARQ_NAMES.items()
        if context.get_parameter_source(option) in _SAID
    }


def _reload(folder: str) -> None:
    try:
        from watchfiles import PythonFilter, run_process
    except ImportError:
        raise click.ClickException(
            "--reload needs watchfiles: pip install 'gatherq[reload]'"
        ) from None
    arguments = _without([word for word in sys.argv[1:] if word != "--reload"], "--watch")
    arguments = _without(arguments, "--redis")
    command = shlex.join([sys.executable, "-m", "gatherq_worker", *arguments])
    run_process(folder, target=command, target_type="command", watch_filter=PythonFilter())


def _without(argv: list[str], option: str) -> list[str]:
    kept, skip = [], False
    for argument in argv:
        if skip or argument.startswith(f"{option}="):
            skip = False
        elif argument == option:
            skip = True
        else:
            kept.append(argument)
    return kept
