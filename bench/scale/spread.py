"""How evenly jobs are spread over worker processes."""

import asyncio
from collections import Counter
from functools import partial

from peers.scenarios import Values

from gatherq import Producer, call

from .site import OURS, QUEUES, Cell, Cells, Site


def cells(site: Site, _peers: list[str]) -> Cells:
    """Run jobs that sleep, and ask each outcome for its worker."""
    for count in site.sizes.sharing:
        yield Cell(OURS, f"spread_{count}", partial(_measure, site, count))


def _measure(site: Site, count: int) -> Values:
    with site.bench(OURS) as bench, site.processes(bench, count):
        ran = asyncio.run(_ran(site))
    shares = [*ran.values(), *[0] * (count - len(ran))]
    least, most = min(shares), max(shares)
    return {"least": least, "most": most, "ratio": most / max(least, 1)}


async def _ran(site: Site) -> Counter[str]:
    """Return how many jobs each worker ran."""
    sizes = site.sizes
    async with Producer(site.server.url, queue=QUEUES[OURS]) as producer:
        batch = await producer.submit(call("nap", n, sizes.nap) for n in range(sizes.shared))
        return Counter([outcome.worker async for outcome in batch])
