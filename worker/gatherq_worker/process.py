"""One worker process, with or without a supervisor above it."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from functools import partial
from time import time
from typing import Any, NoReturn

import click

from gatherq.contract.scheduling.schedules import zone
from gatherq.errors import GatherqError
from gatherq.settings import Settings
from gatherq.telemetry.sdk_flush import flush_sdk

from . import logging_setup, registry
from .arq.run import run_native, run_settings
from .arq.settings import check_health, find_settings
from .arq.worker import Worker
from .engine.observers import Observer
from .execution.event_loop import run_until_done
from .execution.guarded_task import GuardedTask
from .ipc.process_contract import RECYCLED, Farewell
from .loading import LoadError, import_failure, imported, long_imports_told
from .registry import Handler
from .settings import WorkerCommand
from .supervision.supervised import SupervisorLink

logger = logging.getLogger("gatherq.worker")


def run_worker_process(command: WorkerCommand, link: SupervisorLink) -> NoReturn:
    """Run the jobs of a command in this process, and end it."""
    link.guard(command.settings.grace)
    try:
        main = _worker_of(command, link)
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        farewell = run_until_done(loop, GuardedTask(main, loop=loop))
    except LoadError as error:  # a module that is mended meanwhile can be loaded again
        refuse(link, click.ClickException(str(error)), Farewell.FAILED)
    except GatherqError as error:
        refuse(link, click.ClickException(str(error)))
    except BaseException:
        link.end(Farewell.FAILED)
        raise
    exit_process(link, farewell)


def refuse(
    link: SupervisorLink, error: click.ClickException, farewell: Farewell = Farewell.FINAL
) -> NoReturn:
    """End this process for an error that its supervisor says once for all, if there is one."""
    if link.fail(error.message, farewell):
        sys.exit(error.exit_code)
    raise error from None


def exit_process(link: SupervisorLink, farewell: Farewell) -> NoReturn:
    """End this process, without waiting for what does not end."""
    link.end(farewell)
    flush_sdk()
    logging.shutdown()
    os._exit(RECYCLED if farewell is Farewell.RECYCLE else 0)


def check_arq_health(modules: tuple[str, ...], url: str | None, queue: str | None) -> int:
    """Make arq's health check, of the server and queue that a worker would use; return the code."""
    try:
        with _failures_described():
            settings = _arq_settings(modules)
        if settings is None:
            known = Settings.read()
            settings, url, queue = {}, url or known.redis_url, queue or known.queue
        return check_health(settings, url, queue)
    except GatherqError as error:
        raise click.ClickException(str(error)) from None


def coming_runs(modules: tuple[str, ...]) -> Iterator[str]:
    """Yield a line for each schedule of the modules that a command line names, by our clock."""
    try:
        _, handlers = _imported(modules, tell=False)
    except GatherqError as error:
        raise click.ClickException(str(error)) from None
    now = round(time() * 1000)
    for handler in registry.Registry(handlers):
        for each in handler.schedules:
            at = datetime.fromtimestamp(each.next_after(now) / 1000, zone(each.tz))
            yield f"{handler.name}: {each.expression} ({each.tz}), next {at:%Y-%m-%d %H:%M:%S %Z}"


def _arq_settings(modules: tuple[str, ...]) -> Any:
    """Return arq's settings that a command line names; None where it names modules."""
    return find_settings(modules[0]) if len(modules) == 1 else None


def _worker_of(command: WorkerCommand, link: SupervisorLink) -> Coroutine[Any, Any, Farewell]:
    """Import the jobs or the settings that a command names; return the coroutine that runs them."""
    settings, handlers = _imported(command.modules, tell=link.speaks)
    observers = _observers_at(command.settings.observers) if command.settings.observers else ()
    attach = partial(_attach, link, command.settings.processes, observers)
    logging_setup.protect_loggers()  # the import may have configured logging
    if settings is not None:
        return run_settings(settings, command, attach, speaks=link.speaks)
    return run_native(handlers, command.settings, attach, speaks=link.speaks)


def _imported(modules: tuple[str, ...], *, tell: bool) -> tuple[Any, list[Handler]]:
    """Return arq's settings, or the handlers of modules; raises LoadError alone."""
    with _failures_described(), long_imports_told(modules, logger) if tell else nullcontext():
        settings = _arq_settings(modules)
        return settings, [] if settings is not None else registry.load(modules)


@contextmanager
def _failures_described() -> Iterator[None]:
    """Make a LoadError of whatever an import raises."""
    try:
        yield
    except BaseException as error:
        logger.debug("the import failed", exc_info=error)
        raise import_failure(error) from None


def _observers_at(path: str) -> Sequence[Observer]:
    """Return the observers of a list that a command line names; raises LoadError alone."""
    module, _, name = path.replace(":", ".").rpartition(".")
    with _failures_described():
        found = getattr(imported(module), name, None) if module else None
        if isinstance(found, list | tuple) and all(isinstance(each, Observer) for each in found):
            return found
        raise LoadError(
            f"--observers (GATHERQ_OBSERVERS) {path!r} is no list of observers: name one by its "
            "module, as kitchen.observers for observers = [Timing()] in kitchen.py, where Timing "
            "is a class of gatherq_worker.Observer"
        )


def _attach(
    link: SupervisorLink, processes: int, observers: Sequence[Observer], worker: Worker
) -> None:
    link.attach(worker)
    worker.observers = (*worker.observers, *observers)
    worker.speaks = link.speaks
    if link.speaks:
        worker.speaks_for = processes
    hup = getattr(signal, "SIGHUP", None)
    if hup and not link.supervised and signal.getsignal(hup) is signal.SIG_DFL:
        # The end of its terminal is a stop; a supervisor handles it for its worker processes.
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(hup, worker.handle_sig, signal.SIGTERM)
