"""The memory of a worker and of a producer that go on and on."""

from functools import partial

from peers.processes import resident_mib
from peers.scenarios import Values

from .site import OURS, Cell, Cells, Site


def cells(site: Site, _peers: list[str]) -> Cells:
    """Run batch after batch, of which nothing is kept."""
    yield Cell(OURS, "memory", partial(_measure, site))


def _measure(site: Site) -> Values:
    sizes, found, done = site.sizes, Values(), 0
    with site.bench(OURS) as bench, site.processes(bench, 1) as running:
        sides = {"worker": running.pids, "producer": [bench.child.process.pid]}
        for mark in sizes.marks:
            while done < mark:
                bench.ask("iterate", running, count=sizes.batch)
                done += sizes.batch
            found |= {f"{side}_{mark}": resident_mib(*pids) for side, pids in sides.items()}
    first, last = sizes.marks[0], sizes.marks[-1]
    for side in sides:
        grown = found[f"{side}_{last}"] - found[f"{side}_{first}"]
        found[f"{side}_growth"] = grown / (last - first) * 1e6
    return found
