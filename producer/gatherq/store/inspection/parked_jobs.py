"""Where parked jobs wait: in a lane, for a place of a worker, or at the gate of their job."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gatherq.store.claims import text

from .reading import ask_allowed

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gatherq.contract.keys import KeySpace

#: Most lanes that are looked at: there are two, and one for each job with `concurrency=`.
_LANES = 50


class ParkedJobs:
    """Reads lanes, and the gate of each job; what this user may not read is not told."""

    def __init__(self, redis: "Redis", keys: "KeySpace") -> None:
        self._redis, self._keys = redis, keys

    async def lanes(self) -> list[str]:
        """Return the names of the lanes of the queue, at most 50."""
        (names,) = await ask_allowed(self._redis, [("SMEMBERS", self._keys.lanes)])
        return sorted(map(text, names or ()))[:_LANES]

    async def places(self, ids: Sequence[str]) -> list[str]:
        """Return where each of these jobs waits: `lane:NAME`, `gate:NAME`; empty if not known.

        Two round trips. A holder of a gate may wait in a lane, so that the lane is told.
        """
        names, gates = await ask_allowed(
            self._redis, [("SMEMBERS", self._keys.lanes), ("HMGET", self._keys.gates, *ids)]
        )
        lanes = sorted(map(text, names or ()))[:_LANES]
        commands = [("ZMSCORE", self._keys.lane(lane), *ids) for lane in lanes]
        scores = await ask_allowed(self._redis, commands) if commands else []
        at_gates = gates or [None] * len(ids)
        return [
            _place(lanes, [each[i] if each else None for each in scores], at_gates[i])
            for i in range(len(ids))
        ]


def _place(lanes: Sequence[str], scores: Sequence[Any], gate: bytes | None) -> str:
    for lane, score in zip(lanes, scores, strict=True):
        if score is not None:
            return f"lane:{lane}"
    return f"gate:{text(gate)}" if gate else ""
