"""Jobs a second, and what each costs on each side, with more and more worker processes."""

from functools import partial

from peers import processes
from peers.children import Workers
from peers.scenarios import Bench, Values

from .site import Cell, Cells, Site


def cells(site: Site, peers: list[str]) -> Cells:
    """Drain a queue that was full, and submit and collect in order."""
    for count in site.sizes.processes:
        for peer in peers:
            yield Cell(peer, f"throughput_{count}", partial(_measure, site, peer, count))


def _measure(site: Site, peer: str, count: int) -> Values:
    with site.bench(peer) as bench, site.processes(bench, count) as running:
        drained = _shared(_drain(site, bench, running))
        gathered = _shared(bench.gather(running, bench.jobs()))
    return {**{f"drain_{name}": value for name, value in drained.items()}, **gathered}


def _drain(site: Site, bench: Bench, running: Workers) -> Values:
    """Fill the queue while the workers stand still, so that all of them begin at once."""
    jobs = bench.queued_jobs()
    with processes.paused(*running.pids):
        submitted = bench.ask("submit", running, count=jobs)
        submitted["base"] = site.server.total(submitted["done"])
    left = partial(site.server.left, jobs, submitted)
    return site.drain(running, jobs, left, partial(bench.cpu_seconds, running))


def _shared(found: Values) -> Values:
    """Add the share of its one thread that the server was at work."""
    return {**found, "server_share": found["server_cpu_us"] * found["rate"] / 1e6}
