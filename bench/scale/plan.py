"""What follows from the measurements for who plans a fleet: arithmetic, as text."""

from typing import NamedTuple

from peers.adapters.adapter import CONCURRENCY
from peers.markdown import count, head, row
from peers.results import Results

from .rows import sizes_of

#: Part of what a server can do at most that a plan should use.
PLANNED = 2 / 3
#: Seconds that jobs wait for something else, for a table.
WAITS = (0.01, 0.1, 1, 10, 60)
_GIB = 2**30


class Costs(NamedTuple):
    """Microseconds of CPU that a job which does nothing takes of each side."""

    server: float
    worker: float
    producer: float

    @property
    def server_rate(self) -> float:
        """Jobs a second with which the one thread of a server is full."""
        return 1e6 / self.server

    @property
    def planned(self) -> float:
        """Jobs a second to plan for a server."""
        return self.server_rate * PLANNED

    def process_rate(self, wait: float = 0) -> float:
        """Jobs a second of one worker process, whose jobs wait so many seconds each."""
        most = 1e6 / self.worker
        return min(most, CONCURRENCY / wait) if wait else most


def costs(results: Results, peer: str, processes: int) -> Costs | None:
    """Return the medians of an end-to-end run."""
    found = [
        results.spread(peer, f"throughput_{processes}", f"{side}_cpu_us")
        for side in ("server", "worker", "producer")
    ]
    medians = [spread.median for spread in found if spread]
    return Costs(*medians) if len(medians) == len(found) else None


def busiest(results: Results, peer: str) -> int | None:
    """Return with how many processes most jobs ended in a second."""
    rates = {
        size: spread.median
        for size in sizes_of(results, "throughput")
        if (spread := results.spread(peer, f"throughput_{size}", "rate"))
    }
    return max(rates, key=lambda size: rates[size]) if rates else None


def plan(results: Results) -> str:
    """Return all that can be said."""
    size = busiest(results, "gatherq")
    ours = costs(results, "gatherq", size) if size else None
    said = [*_throughput(results, ours, size), *_backlog(results), *_idle(results)]
    parts = ["\n".join(f"- {line}" for line in said) + "\n"]
    if ours:
        parts.append(_waiting(ours))
    return "\n".join(parts)


def _throughput(results: Results, ours: Costs | None, size: int | None) -> list[str]:
    if ours is None or size is None:
        return []
    scenario = f"throughput_{size}"
    rate = results.spread("gatherq", scenario, "rate")
    share = results.spread("gatherq", scenario, "server_share")
    assert rate is not None
    assert share is not None  # they come together
    bare_size = busiest(results, "bare")
    bare = costs(results, "bare", bare_size) if bare_size else None
    beside = f" The bare loop would end at {count(bare.server_rate)}." if bare else ""
    return [
        f"**One server** ends at about {count(ours.server_rate)} jobs a second: its one thread is "
        f"full then. That is arithmetic, 1 s / {ours.server:.1f} µs of its CPU a job from submit "
        f"to result; measured were {count(rate.median)} jobs a second, with the server at work for "
        f"{share.median * 100:.0f} % of the time.{beside} Plan for two thirds of it, "
        f"{count(ours.planned)}.",
        f"**One worker process** ends at about {count(ours.process_rate())} jobs a second, when "
        f"its core is full: 1 s / {ours.worker:.1f} µs a job. So "
        f"{ours.planned / ours.process_rate():.1f} processes, each with a core to itself, do what "
        "is planned for a server.",
        f"**One producer process** that submits and collects ends at about "
        f"{count(1e6 / ours.producer)}: 1 s / {ours.producer:.1f} µs a job.",
    ]


def _backlog(results: Results) -> list[str]:
    for depth in reversed(sizes_of(results, "depth")):
        if spread := results.spread("gatherq", f"depth_{depth}", "queued_bytes"):
            return [
                f"**A backlog** takes {spread.median:,.0f} bytes of the server for each queued job "
                f"with a number as its argument: {spread.median * 1e6 / _GIB:.2f} GiB a million."
            ]
    return []


def _idle(results: Results) -> list[str]:
    sizes = sizes_of(results, "idle")
    if len(sizes) < 2:
        return []
    said = []
    for name in ("requests_per_second", "server_share"):
        least, most = (results.spread("gatherq", f"idle_{n}", name) for n in (sizes[0], sizes[-1]))
        if not least or not most:
            return []
        said.append((most.median - least.median) / (sizes[-1] - sizes[0]))
    requests, share = said
    return [
        f"**An idle worker** asks the server {requests:.1f} times a second, and takes "
        f"{share * 100:.3f} % of its thread: 1,000 of them {share * 1e5:.0f} %."
    ]


def _waiting(ours: Costs) -> str:
    """Return a table of processes for jobs that wait."""
    rows = [
        row(
            [
                f"{wait:g} s",
                count(ours.process_rate(wait)),
                count(ours.planned / ours.process_rate(wait)),
                count(ours.planned * wait),
            ]
        )
        for wait in WAITS
    ]
    titles = ["jobs a second of one process", "processes that a server carries", "jobs at once"]
    return (
        "\n".join(
            [
                f"Jobs that wait for something else, {CONCURRENCY} at a time in each process (the "
                f"default), on one server at {count(ours.planned)} jobs a second:\n",
                head(titles, "a job waits"),
                *rows,
            ]
        )
        + "\n"
    )
