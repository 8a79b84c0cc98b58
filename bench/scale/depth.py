"""What a job costs the server behind which few or many others are queued."""

from collections.abc import Callable
from functools import partial

from peers.scenarios import Bench, Values

from .site import OURS, QUEUES, Cell, Cells, Site

#: Seconds between two looks: the slice is drained in a part of a second.
_LOOK = 0.002


def cells(site: Site, peers: list[str]) -> Cells:
    """Drain the same number of jobs each time, from a queue that is deeper each time."""
    for peer in peers:
        with site.bench(peer) as bench:
            for depth in site.sizes.depths:
                measure = partial(_stand, site, peer, bench, depth)
                yield Cell(peer, f"depth_{depth}", measure)
    for depth in site.sizes.depths:
        yield Cell(OURS, f"depth_one_batch_{depth}", partial(_one_batch, site, depth))


def _stand(site: Site, peer: str, bench: Bench, depth: int) -> Values:
    """Measure with so many jobs that all stand in the queue."""
    length = [["ZCARD", QUEUES[peer]]]
    empty, before = site.server.used(), site.server.total(length)
    while site.server.total(length) < depth + site.sizes.slice:
        bench.ask("submit", count=site.sizes.small)
    queued = (site.server.used() - empty) / (site.server.total(length) - before)
    found = _drain(site, bench, lambda: site.server.total(length) - depth)
    return {**found, "queued_bytes": queued}


def _one_batch(site: Site, depth: int) -> Values:
    """Measure with so many jobs of one batch, which enters the queue little by little."""
    with site.bench(OURS) as bench:
        jobs = depth + site.sizes.slice
        submitted = {**bench.ask("submit", count=jobs), "base": 0}
        return _drain(site, bench, lambda: site.server.left(jobs, submitted) - depth)


def _drain(site: Site, bench: Bench, left: Callable[[], int]) -> Values:
    def used() -> Values:
        return {"server": site.server.cpu_seconds()}

    with bench.workers() as running:
        return site.drain(running, site.sizes.slice, left, used, _LOOK)
