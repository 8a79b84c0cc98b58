"""The workers of a queue with a recent sign of life, without redis-py: a probe is to be cheap."""

from collections.abc import Iterable
from typing import Any

from gatherq.contract.keys import KeySpace

from .claims import text
from .server import probe

#: Name of a worker, and its age: the seconds since its last sign of life.
Alive = tuple[str, float]

#: Seconds without a sign of life after which a worker does not count as alive.
_SILENCE = 15.0


def probe_alive(url: str, queue: str, timeout: float) -> list[Alive] | None:
    """Return them over a blocking socket; None where `queue_reader.alive` is to be asked.

    Raises TimeoutError for a server that is silent for `timeout` seconds.
    """
    zrange = "ZRANGE", KeySpace(queue).workers, 0, -1, "WITHSCORES"
    replies = probe.ask(url, [("TIME",), zrange], timeout)
    if replies is None:
        return None
    now, signs = replies
    return recent(now, zip(signs[::2], map(float, signs[1::2]), strict=True))


def recent(now: tuple[Any, Any], signs: Iterable[tuple[bytes, float]]) -> list[Alive]:
    """Return those of the signs of life, name and time (ms), that are recent at Redis's TIME."""
    seconds = int(now[0]) + int(now[1]) / 1e6
    ages = [(name, seconds - last / 1000) for name, last in signs]
    return [(text(name), age) for name, age in ages if age < _SILENCE]
