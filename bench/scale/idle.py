"""What workers that have nothing to do ask of the server."""

import time
from contextlib import AbstractContextManager
from functools import partial

from peers import processes
from peers.children import Workers
from peers.scenarios import Values

from .site import OURS, Cell, Cells, Site

#: Seconds after which the start of the workers is over.
_SETTLE = 3


def cells(site: Site, _peers: list[str]) -> Cells:
    """Watch several in a process, and some that are a process each."""
    for count in site.sizes.idle:
        yield Cell(OURS, f"idle_{count}", partial(_several_a_process, site, count))
    count = site.sizes.idle_processes
    yield Cell(OURS, f"idle_processes_{count}", partial(_a_process_each, site, count))


def _several_a_process(site: Site, count: int) -> Values:
    site.server.flush()
    return _watch(site, count, site.fleet(OURS, count))


def _a_process_each(site: Site, count: int) -> Values:
    with site.bench(OURS) as bench:
        return _watch(site, count, site.processes(bench, count))


def _watch(site: Site, count: int, workers: AbstractContextManager[Workers]) -> Values:
    server, seconds = site.server, site.sizes.watched
    with workers as running:
        time.sleep(_SETTLE)
        spent = processes.cpu_seconds(*running.pids)
        asked = server.requests(), server.commands(), server.cpu_seconds()
        time.sleep(seconds)
        cpu, commands, requests = server.cpu_seconds(), server.commands(), server.requests()
        spent = processes.cpu_seconds(*running.pids) - spent
        running.check()
    found = {
        "requests_per_second": (requests - asked[0]) / seconds,
        "commands_per_second": (commands - asked[1]) / seconds,
        "server_share": (cpu - asked[2]) / seconds,
    }
    return {**found, "worker_share": spent / seconds / count} if count else found
