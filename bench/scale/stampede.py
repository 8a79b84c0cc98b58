"""One job comes while many workers wait: who wakes, what the server does, how long it takes."""

import sys
import time
from functools import partial

from peers import processes
from peers.scenarios import Values, quantiles

from .site import Cell, Cells, Site

#: Commands of scripts, and what a worker waits by: it asks once more for each time that it woke.
_SCRIPTS, _WAIT = ("eval", "evalsha", "fcall"), "blpop"
_WARM = 20


def cells(site: Site, peers: list[str]) -> Cells:
    """Submit one job after the other, each when all workers wait again."""
    for count in site.sizes.waiting:
        for peer in peers:
            yield Cell(peer, f"stampede_{count}", partial(_measure, site, peer, count))


def _measure(site: Site, peer: str, count: int) -> Values:
    sizes, server = site.sizes, site.server
    with site.bench(peer) as bench, site.fleet(peer, count) as running:
        ask = partial(bench.ask, "latency", running, gap=sizes.gap)
        ask(count=_WARM, most=sizes.most)
        site.wait(count, running)
        began, first = time.monotonic(), server.calls()
        times = ask(count=sys.maxsize, most=sizes.coming)["ms"]
        took, then = time.monotonic() - began, server.calls()
        spent = processes.cpu_seconds(*running.pids)
        time.sleep(took)  # what all of them do in that time anyway: heartbeats
        last = server.calls()
        spent = processes.cpu_seconds(*running.pids) - spent
    names = {name for name in last if name != "info"}
    a_job = {n: (2 * then.get(n, 0) - first.get(n, 0) - last[n]) / len(times) for n in names}
    return {
        **quantiles(times),
        "commands": sum(a_job.values()),
        "scripts": sum(a_job.get(name, 0) for name in _SCRIPTS),
        "woken": a_job.get(_WAIT, 0),
        "idle_cores": spent / took,
    }
