"""`gatherq worker MODULE...` and `gatherq worker my.WorkerSettings`.

The same command line is read by the supervisor and by each of its worker processes. Every option
has a variable, `GATHERQ_` and its name; the option wins.
"""

import logging
import logging.config
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import click
from click.core import ParameterSource

from gatherq.local_pool.worker_owner import REDIS
from gatherq_cli.refusal import Refusal
from gatherq_worker import logging_setup
from gatherq_worker.import_path import search_here
from gatherq_worker.ipc.process_contract import VARIABLE

from .arguments import without
from .extras import require

if TYPE_CHECKING:
    from gatherq_worker.settings import WorkerCommand
    from gatherq_worker.supervision.health_report import HealthReport

_EXPLICIT = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)

_logger = logging.getLogger("gatherq.worker")
_Function = Callable[..., Any]


def _option(name: str, *more: str, **settings: Any) -> Callable[[_Function], _Function]:
    """Make an option that is read from its variable too, which its help names."""
    variable = "GATHERQ_" + name.partition("/")[0].lstrip("-").replace("-", "_").upper()
    return click.option(
        name, *more, envvar=variable, show_envvar=True, show_default=True, **settings
    )


_EXAMPLES = """\b
Examples:
  gatherq worker kitchen                      # the jobs of kitchen.py, in this folder
  gatherq worker kitchen -v --reload          # a line for every job; anew after a change
  gatherq worker shop.mail --processes 4      # those of shop/mail.py, in four processes
  gatherq worker app.WorkerSettings           # an arq application
"""


@click.command(epilog=_EXAMPLES)
@click.argument("modules", nargs=-1, metavar="MODULE... | ARQ_SETTINGS")
@click.option(
    "--redis",
    "redis_url",
    envvar=REDIS,
    help="Redis URL [default: GATHERQ_REDIS_URL or localhost]",
)
@click.option("--queue", help="Queue to take jobs from [default: GATHERQ_QUEUE or arq:queue]")
@_option(
    "--concurrency",
    default=100,
    type=click.IntRange(1, 10_000),
    help="Jobs that one process runs at a time.",
)
@_option(
    "--processes",
    default=1,
    type=click.IntRange(0, 256),
    help="Worker processes to run; one that dies is started again. 0: in this process.",
)
@_option(
    "--lease",
    default=5.0,
    type=click.FloatRange(0.5, 600),
    help="Seconds after which a dead worker's jobs start elsewhere.",
)
@_option(
    "--unknown-for",
    default=30.0,
    type=click.FloatRange(0, 86_400),
    help="Seconds for which a job unknown here is left to workers that know it. 0: it fails.",
)
@_option(
    "--grace",
    default=10.0,
    type=click.FloatRange(0, 86_400),
    help="Seconds that running jobs may take to finish after SIGTERM.",
)
@_option(
    "--max-jobs-per-child",
    type=click.IntRange(1),
    help="Jobs after which a worker process is replaced.",
)
@_option(
    "--max-memory-per-child",
    type=click.IntRange(1),
    help="Memory in MiB after which a worker process is replaced.",
)
@_option(
    "--replicas",
    default=0,
    type=click.IntRange(0, 64),
    help="Replicas of the server that are to have an outcome before it counts. 0: none.",
)
@_option(
    "--statistics",
    default=10.0,
    type=click.FloatRange(0, 600),
    help="Seconds between two writes of the statistics of jobs. 0: none are written.",
)
@_option(
    "--health-port",
    type=click.IntRange(1, 65_535),
    metavar="PORT",
    help="Answer probes there: /livez, /readyz, and /metrics of these processes.",
)
@_option("--health-host", default="127.0.0.1", help="Address to listen on for probes.")
@_option("--health-file", metavar="PATH", help="Keep there what gatherq-probe reads.")
@_option("--burst/--no-burst", default=False, help="Stop when the queue is empty.")
@_option("--reload", is_flag=True, help="Restart when a file here changes.")
@_option(
    "--watch", type=click.Path(exists=True, file_okay=False), help="As --reload, for files there."
)
@_option(
    "--arq-pickle",
    is_flag=True,
    help="Accept the pickled jobs of arq's producers: whoever can write to Redis runs code here.",
)
@click.option("--check", is_flag=True, help="List schedules; arq's health check: exit 0 or 1.")
@_option("--custom-log-dict", metavar="PATH", help="Logging settings, named as in arq.")
@_option("--observers", metavar="PATH", help="Your own observers: a list, as MODULE.NAME.")
@_option(
    "--log-format",
    default="text",
    type=click.Choice(["text", "json"]),
    help="Format of the log: lines of text, or of JSON with the job that each is of.",
)
@_option("--log-jobs", is_flag=True, help="Log every job.")
@_option("--verbose", "-v", is_flag=True, help="Log every job, and details.")
@_option("--quiet", "-q", is_flag=True, help="Log warnings and errors alone.")
def worker(
    modules: tuple[str, ...],
    *,
    check: bool,
    reload: bool,
    watch: str | None,
    custom_log_dict: str | None,
    quiet: bool,
    log_format: Literal["text", "json"],
    log_jobs: bool,
    health_port: int | None,
    health_host: str,
    health_file: str | None,
    **values: Any,
) -> None:
    """Run the jobs of MODULEs, importable from here: `gatherq worker kitchen`.

    Or those of arq's settings, a class or dict: `gatherq worker my.WorkerSettings`. These say all
    that is not said here; without a job_deserializer they mean pickle, as --arq-pickle does.
    """
    require("worker", "gatherq worker")
    if reload or watch:
        require("reload", "gatherq worker --reload")
    if log_format == "json":
        require("logs", "gatherq worker --log-format json")
    if not modules:
        advice = "gatherq worker kitchen is for kitchen.py in this folder"
        raise click.UsageError(f"name the module of your jobs: {advice}")
    level = logging.WARNING if quiet else logging.INFO
    logging_setup.log_to_stderr(logging.DEBUG if values["verbose"] else level, log_format)
    values["verbose"] |= log_jobs
    if custom_log_dict:
        _configure_logging(custom_log_dict)
    if reload or watch:
        from .reload import run_reloading

        run_reloading(_arguments(values["redis_url"]), watch or ".")
    elif check:
        _check(modules, values["redis_url"], values["queue"])
    elif _supervises(values["processes"]):
        health = _health(health_host, health_port, health_file)
        _supervise(_arguments(values["redis_url"]), values["processes"], values["grace"], health)
    else:
        _check_supervised(health_port, health_file)
        _run(modules, values)


def _configure_logging(path: str) -> None:
    """Configure logging from the dict of that dotted path."""
    search_here()
    module, _, name = path.strip().rpartition(".")
    try:
        logging.config.dictConfig(getattr(import_module(module), name))
    except Exception as error:
        raise click.BadParameter(str(error), param_hint="--custom-log-dict") from None
    logging_setup.protect_loggers()


def _arguments(url: str | None) -> list[str]:
    """Return the command line for a process that this one starts; its URL goes another way."""
    if url:
        os.environ[REDIS] = url
    return without(sys.argv[1:], "--redis")


def _supervises(processes: int) -> bool:
    """Tell whether this process is to watch over others, and to run no job itself."""
    return bool(processes) and os.name == "posix" and VARIABLE not in os.environ


def _health(host: str, port: int | None, file: str | None) -> "HealthReport":
    """Make what probes are answered by; raises Refusal."""
    from gatherq_worker.supervision.health_report import HealthReport

    try:
        return HealthReport(host, port, file)
    except OSError as error:
        why = error.strerror or error
        raise Refusal(f"cannot listen on {host}, --health-port {port}: {why}") from None


def _check_supervised(port: int | None, file: str | None) -> None:
    """Refuse a health port where no supervisor can answer at it."""
    if VARIABLE in os.environ:
        return
    if port:
        why = "a supervisor answers there: leave out --processes 0, or --health-port"
        raise click.UsageError(why if os.name == "posix" else "--health-port needs a POSIX system")
    if file:  # an image may name it for all its containers
        _logger.warning("--health-file is not written: there is no supervisor")


def _supervise(
    arguments: list[str], processes: int, grace: float, health: "HealthReport"
) -> NoReturn:
    """Run worker processes, without waiting at the end for threads that wait for a name server."""
    import asyncio

    from gatherq_worker.supervision.owner_link import OwnerLink
    from gatherq_worker.supervision.supervisor import Supervisor

    owner = OwnerLink.inherited()

    async def supervise() -> NoReturn:
        supervisor = Supervisor(
            arguments, processes, grace, report=_report, owner=owner, health=health
        )
        code = await supervisor.run()
        logging.shutdown()
        os._exit(code)

    asyncio.run(supervise())
    raise AssertionError("the supervisor has ended the process")


def _report(failure: str) -> None:
    """Say why worker processes cannot work, as a command does that fails by itself."""
    click.ClickException(failure).show()


def _check(modules: tuple[str, ...], url: str | None, queue: str | None) -> NoReturn:
    from gatherq_worker import process

    for line in process.coming_runs(modules):
        click.echo(line)
    sys.exit(process.check_arq_health(modules, url, queue))


def _run(modules: tuple[str, ...], values: dict[str, Any]) -> NoReturn:
    from gatherq_worker import process
    from gatherq_worker.supervision.supervised import SupervisorLink

    link = SupervisorLink.inherited()
    try:
        command = _command(modules, values)
    except click.ClickException as error:
        process.refuse(link, error)
    process.run_worker_process(command, link)


def _command(modules: tuple[str, ...], values: dict[str, Any]) -> "WorkerCommand":
    from pydantic import ValidationError

    from gatherq_worker.settings import WorkerCommand, WorkerSettings

    context = click.get_current_context()
    explicit = frozenset(n for n in values if context.get_parameter_source(n) in _EXPLICIT)
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return WorkerCommand(modules, WorkerSettings(**given), explicit)
    except ValidationError as error:
        faults = (_fault(str(fault["loc"][0]), fault["msg"]) for fault in error.errors())
        raise Refusal("; ".join(faults)) from None


def _fault(field: str, message: str) -> str:
    """Say what is wrong with a variable that is no option, or with an option that click takes."""
    name = f"GATHERQ_{field.upper()}"
    value = os.environ.get(name)
    shown = "" if value is None or "://" in value else f" is {value!r}"
    return f"{name}{shown}: {message}"
