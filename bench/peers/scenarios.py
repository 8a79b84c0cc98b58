"""What is measured of a peer. Each part starts from an empty server, and gives some cells."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from . import children, processes
from .catalog import Peer
from .children import Child, Workers
from .server import Server

Values = dict[str, float]
Cell = Callable[[], Values]


class Sizes(NamedTuple):
    """How much is done in a cell."""

    #: Seconds of work, of which each peer gets as many jobs as it does in them.
    seconds: float = 1.0
    #: Samples of the latency, and the seconds between a result and the next job.
    samples: int = 200
    gap: float = 0.01
    #: Jobs a second at most that one producer submits one at a time.
    load: float = 10_000
    #: Jobs in the large batch; a peer that would take longer than `large_seconds` gets fewer.
    large: int = 100_000
    large_seconds: float = 10
    #: Seconds of watching an idle worker, and jobs that are deferred meanwhile.
    idle: float = 10
    deferred: int = 10_000
    #: A cell that takes longer is given up.
    most: float = 60


QUICK = Sizes(seconds=0.3, samples=20, large=5000, large_seconds=2, idle=2, deferred=1000, most=30)
QUICK_SCENARIOS = ["submit", "drain", "end_to_end", "latency", "load", "payload_1kb", "sleep_10ms"]


class Bench:
    """One peer in one round."""

    def __init__(self, peer: Peer, python: Path, server: Server, sizes: Sizes, logs: Path) -> None:
        self.peer, self.sizes, self._server, self._logs = peer, sizes, server, logs
        self._python = python
        self._child: Child | None = None
        #: Jobs a second that this round has found.
        self._rates: dict[str, float] = {}
        self._submitted: dict[str, Any] = {}
        self._specs: dict[tuple[int, bool], dict[str, Any]] = {}

    @property
    def child(self) -> Child:
        """The producer, started when it is first asked."""
        if self._child is None:
            self._child = Child(self._python, self.peer.name, self._server.url, self._logs)
            self._child.ready()
        return self._child

    def end(self) -> None:
        """End the producer; the next cell starts another."""
        child, self._child = self._child, None
        if child:
            child.end()

    def jobs(self, seconds: float | None = None) -> int:
        """Return how many jobs it gets."""
        return self._clipped(self.peer.about * (seconds or self.sizes.seconds))

    def queued_jobs(self) -> int:
        """Return how many jobs it gets that are queued before a worker starts."""
        return self._clipped(self.peer.drains * self.sizes.seconds)

    def _clipped(self, wanted: float) -> int:
        return int(min(max(round(wanted, -2), 100), self.sizes.large))

    def ask(self, what: str, workers: Workers | None = None, **arguments: Any) -> dict[str, Any]:
        """Ask the producer; a worker that ends, or a cell that takes too long, is an error."""
        check = workers.check if workers else lambda: None
        try:
            return self.child.ask(what, self.sizes.most, check, **arguments)
        except TimeoutError as error:
            more = f"; worker: {workers.tail()}" if workers else ""
            raise children.BrokenError(f"{error}{more}") from None

    def flush(self) -> None:
        """Begin anew: a producer that was there before the flush may hold what is gone."""
        self.end()
        self._server.flush()

    @contextmanager
    def workers(self, count: int = 1, *, sleeping: bool = False) -> Iterator[Workers]:
        """Run worker processes."""
        spec = self._workers_of(count, sleeping=sleeping)
        self.concurrency = int(spec["concurrency"])
        log = self._logs / f"{self.peer.name}-worker.log"
        with children.workers(spec["commands"], log, self._server.url) as running:
            yield running

    def _workers_of(self, count: int = 1, *, sleeping: bool) -> dict[str, Any]:
        if (count, sleeping) not in self._specs:
            spec = self.ask("workers", processes=count, sleeping=sleeping)
            self._specs[count, sleeping] = spec
        return self._specs[count, sleeping]

    @contextmanager
    def warm(self, *, sleeping: bool = False) -> Iterator[Workers]:
        """Run a worker process on an empty server, and wait until it has done some jobs."""
        self.flush()
        with self.workers(sleeping=sleeping) as running:
            self.ask("gather", running, count=20)
            yield running

    # Parts

    def queue(self, wanted: set[str]) -> Iterator[tuple[str, Cell]]:
        """Submit to nobody, then drain."""
        self.flush()
        yield "submit", self._submit
        if "drain" in wanted:
            yield "drain", lambda: self._drain(1)

    def _submit(self) -> Values:
        count = self.queued_jobs()
        self._empty = self._server.used()
        self.ask("submit", count=100)  # connected, with its scripts loaded
        self._server.flush()
        self._submitted = self.ask("submit", count=count)
        self._submitted["base"] = self._server.total(self._submitted["done"])
        self._workers_of(1, sleeping=False), self._workers_of(2, sleeping=False)
        self.end()  # its connections take memory, too
        queued = (self._server.used() - self._empty) / count
        return {"rate": count / self._submitted["seconds"], "jobs": count, "queued_bytes": queued}

    def _drain(self, processes_: int) -> Values:
        if not self._submitted:
            raise children.BrokenError("nothing was submitted")
        count = self.queued_jobs()
        with self.workers(processes_) as running:
            rate, _ = self._server.watch(
                count,
                partial(self._server.left, count, self._submitted),
                self.sizes.most,
                running.check,
            )
        finished = (self._server.used() - self._empty) / count
        self._rates.setdefault("drain", rate)
        return {"rate": rate, "jobs": count, "finished_bytes": finished}

    def queue_of_two(self, wanted: set[str]) -> Iterator[tuple[str, Cell]]:
        """Drain with two worker processes."""

        def both() -> Values:
            self.flush()
            self._submit()
            return self._drain(2)

        yield "drain_2", both

    def results(self, wanted: set[str]) -> Iterator[tuple[str, Cell]]:
        """Collect the results of one warm worker."""
        with self.warm() as running:
            yield "end_to_end", lambda: self._end_to_end(running)
            yield "latency", lambda: self._latency(running)
            yield "load", lambda: self._load(running)
            yield "payload_1kb", lambda: self._payload(running, 1024, 1)
            yield "payload_100kb", lambda: self._payload(running, 100 * 1024, 10)
            if same := self._workers_of(sleeping=True) == self._workers_of(sleeping=False):
                yield from self._sleeps(running)
        if not same:
            with self.warm(sleeping=True) as running:
                yield from self._sleeps(running)

    def _end_to_end(self, running: Workers) -> Values:
        found = self.gather(running, self.jobs())
        self._rates["end_to_end"] = found["rate"]
        return found

    def gather(self, running: Workers, count: int) -> Values:
        """Submit and collect so many jobs; return their rate, and what each took of the CPU."""
        before = self.cpu_seconds(running)
        took = self.ask("gather", running, count=count)["seconds"]
        spent = self.cpu_seconds(running)
        costs = {f"{name}_cpu_us": (spent[name] - before[name]) / count * 1e6 for name in spent}
        return {"rate": count / took, "jobs": count, **costs}

    def cpu_seconds(self, running: Workers) -> Values:
        """Return what each side has used of the processors."""
        return {
            "producer": processes.cpu_seconds(self.child.process.pid),
            "worker": processes.cpu_seconds(*running.pids),
            "server": self._server.cpu_seconds(),
        }

    def _latency(self, running: Workers) -> Values:
        limits = {"gap": self.sizes.gap, "most": self.sizes.seconds * 4}
        found = self.ask("latency", running, count=self.sizes.samples, **limits)["ms"]
        return quantiles(found)

    def _load(self, running: Workers) -> Values:
        rate = min(*self._rates.values(), self.peer.about * 4, self.sizes.load * 2) / 2
        count = max(20, int(rate * self.sizes.seconds))
        found = self.ask("load", running, rate=rate, count=count)
        return {**quantiles(found["ms"]), "offered": rate, "sent": found["sent"]}

    def _payload(self, running: Workers, size: int, fewer: int) -> Values:
        count = max(20, self.jobs(self.sizes.seconds / 2) // fewer)
        took = self.ask("gather", running, count=count, size=size)["seconds"]
        return {"rate": count / took, "jobs": count, "mb_per_second": count * size / took / 1e6}

    def _sleeps(self, running: Workers) -> Iterator[tuple[str, Cell]]:
        yield "sleep_10ms", lambda: self._sleep(running, 0.01)
        yield "sleep_1s", lambda: self._sleep(running, 1)

    def _sleep(self, running: Workers, seconds: float) -> Values:
        ideal = self.concurrency / seconds
        fewest = 2 * self.concurrency
        count = max(fewest, min(int(ideal * self.sizes.seconds), self.jobs()))
        count -= count % self.concurrency
        took = self.ask("gather", running, count=count, seconds=seconds)["seconds"]
        rate = count / took
        ratio = rate / ideal
        return {"rate": rate, "efficiency": ratio, "concurrency": self.concurrency, "jobs": count}

    def large(self, wanted: set[str]) -> Iterator[tuple[str, Cell]]:
        """One large batch."""

        def gather() -> Values:
            count = self.jobs(self.sizes.large_seconds)
            with self.warm() as running:
                took = self.ask("gather", running, count=count)["seconds"]
                producer = processes.peak_mib(self.child.process.pid)
                worker = processes.peak_mib(*running.pids)
            return {"s": took, "jobs": count, "producer_mib": producer, "worker_mib": worker}

        yield "large", gather

    def idle(self, wanted: set[str]) -> Iterator[tuple[str, Cell]]:
        """Watch a worker that has nothing to do."""
        with self.warm() as running:
            yield "idle", lambda: self._idle(running)

    def _idle(self, running: Workers) -> Values:
        found = {"commands_per_second": self._commands()}
        running.check()
        if self.ask("defer", count=self.sizes.deferred)["deferred"]:
            found["deferred_commands_per_second"] = self._commands()
        running.check()
        return found

    def _commands(self) -> float:
        time.sleep(1)
        before = self._server.commands()
        time.sleep(self.sizes.idle)
        return (self._server.commands() - before - 1) / self.sizes.idle


def quantiles(found: list[float]) -> Values:
    """Return what half of them, and nearly all, are within."""
    cuts = statistics.quantiles(found, n=100, method="inclusive")
    return {"p50_ms": cuts[49], "p99_ms": cuts[98], "samples": len(found)}


Part = Callable[[Bench, set[str]], Iterator[tuple[str, Cell]]]
#: The parts of a round, with the scenarios of each.
PARTS: list[tuple[tuple[str, ...], Part]] = [
    (("submit", "drain"), Bench.queue),
    (("drain_2",), Bench.queue_of_two),
    (
        (
            *("end_to_end", "latency", "load", "payload_1kb", "payload_100kb"),
            *("sleep_10ms", "sleep_1s"),
        ),
        Bench.results,
    ),
    (("large",), Bench.large),
    (("idle",), Bench.idle),
]
SCENARIOS = [name for names, _ in PARTS for name in names]
#: What varies little, and takes long, is measured in the first round alone.
ONCE = {"large", "idle"}
