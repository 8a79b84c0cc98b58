"""The peers: what is installed for each, and how many jobs it is given."""

from typing import NamedTuple


class Peer(NamedTuple):
    """One of them; `adapters/` has a module of its name."""

    name: str
    #: For pip; empty where it runs in `.venv`.
    requirements: tuple[str, ...]
    #: Jobs a second, end to end, as an earlier run had them. It gets as many jobs as it does in
    #: about the same time as the others, so that a round takes about as long for each.
    about: int
    #: The same, of what is queued before a worker starts, and collected by nobody.
    drains: int
    #: What it is, for the page.
    kind: str


#: redis-py's documentation advises its parser in C to everybody.
FAST = "hiredis"
PEERS = [
    Peer("gatherq", (), 30_000, 40_000, "asyncio"),
    Peer("bare", (), 60_000, 100_000, "asyncio, the yardstick"),
    # More than it does in a second: its worker looks for jobs every half second.
    Peer("arq", ("arq",), 2_000, 2_000, "asyncio"),
    # SAQ imports typing_extensions, which nothing that it requires brings to Python 3.11.
    Peer("saq", ("saq[redis,hiredis]", "typing-extensions"), 1_800, 4_000, "asyncio"),
    Peer("streaq", ("streaq",), 700, 2_000, "asyncio"),
    Peer("taskiq", ("taskiq[uv,orjson]", "taskiq-redis", FAST), 1_500, 3_000, "asyncio"),
    Peer("docket", ("pydocket", FAST), 800, 2_000, "asyncio"),
    Peer("celery", ("celery[redis]", FAST), 500, 1_500, "processes"),
    Peer("dramatiq", ("dramatiq[redis]", FAST), 1_800, 3_000, "threads"),
    Peer("huey", ("huey", "redis", FAST), 3_000, 4_000, "threads"),
    Peer("rq", ("rq", FAST), 400, 600, "one job a process"),
]
BY_NAME = {peer.name: peer for peer in PEERS}
