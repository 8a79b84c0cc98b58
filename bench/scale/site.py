"""What all measurements stand on: a server, a producer, workers, and when these are ready."""

import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeAlias

from peers import children
from peers.adapters.adapter import python
from peers.catalog import BY_NAME
from peers.children import Workers
from peers.scenarios import Bench, Values
from peers.scenarios import Sizes as BenchSizes
from peers.server import LOOK, Server

from .sizes import Sizes

OURS, YARDSTICK = "gatherq", "bare"
#: The queue of each, a sorted set.
QUEUES = {OURS: "bench", YARDSTICK: "bare:queue"}


class Cell(NamedTuple):
    """What gives the values of one scenario. It is measured when it is yielded, or never."""

    peer: str
    scenario: str
    measure: Callable[[], Values]


#: Measured one after the other; closed, they end what they have started.
Cells: TypeAlias = Generator[Cell, None, None]


class Site:
    """A server, and what is started on it."""

    def __init__(self, server: Server, sizes: Sizes, logs: Path) -> None:
        self.server, self.sizes, self.logs = server, sizes, logs
        self._bench_sizes = BenchSizes(seconds=sizes.seconds, large=sys.maxsize, most=sizes.most)

    @contextmanager
    def bench(self, peer: str) -> Iterator[Bench]:
        """Begin with an empty server and a new producer, which ends with the block."""
        python = Path(sys.executable)
        bench = Bench(BY_NAME[peer], python, self.server, self._bench_sizes, self.logs)
        bench.flush()
        try:
            yield bench
        finally:
            bench.end()

    @contextmanager
    def processes(self, bench: Bench, count: int) -> Iterator[Workers]:
        """Run so many worker processes, until all have begun and some jobs have run."""
        with bench.workers(count) as running:
            self.wait(count, running)
            bench.ask("gather", running, count=500 * count)
            self.wait(count, running)
            yield running

    @contextmanager
    def fleet(self, peer: str, count: int) -> Iterator[Workers]:
        """Run so many workers, several in each process, until all wait for jobs."""
        most = self.sizes.a_process
        shares = [min(most, count - first) for first in range(0, count, most)]
        url = self.server.url
        commands = [python("scale.fleet", peer, url, str(share)) for share in shares]
        with children.workers(commands, self.logs / f"{peer}-fleet.log", url) as running:
            self.wait(count, running)
            yield running

    def wait(self, count: int, running: Workers) -> None:
        """Wait until so many workers wait for jobs."""
        began = time.monotonic()
        while (found := self.server.waiting()) != count:
            running.check()
            if time.monotonic() - began > self.sizes.most:
                raise TimeoutError(f"{found} of {count} workers wait for jobs: {running.tail()}")
            time.sleep(LOOK)

    def drain(
        self,
        running: Workers,
        jobs: int,
        left: Callable[[], int],
        used: Callable[[], Values],
        look: float = LOOK,
    ) -> Values:
        """Wait until so many jobs have ended; return their rate, and what each took of the CPU.

        `left` says how many there are still, `used` the seconds of CPU that each side has used.
        """
        samples: list[tuple[int, Values]] = []

        def sample() -> None:
            samples.append((left(), used()))

        rate, _ = self.server.watch(jobs, left, self.sizes.most, running.check, sample, look)
        sample()
        if len(samples) < 2:
            raise ValueError(f"{jobs} jobs ended between two looks: too few")
        (most, first), (least, last) = samples
        took = {side: last[side] - first[side] for side in last}
        costs = {f"{side}_cpu_us": t / (most - least) * 1e6 for side, t in took.items()}
        return {"rate": rate, **costs}
