"""Gates, as `Inspector` reads them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from gatherq.contract.keys import KeySpace
from gatherq.inspection.limits.gate_info import GateInfo, read_gate
from gatherq.inspection.redaction.redaction import NOTHING, Redaction
from gatherq.store.inspection.gate_records import GateRecords
from gatherq.store.server.retry import RedisRetry

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: Most gates that are told.
_MOST = 100


class GateReading:
    """Reads the gates of one queue after another."""

    def __init__(self, redis: "Redis", retry: RedisRetry, redaction: Redaction = NOTHING) -> None:
        self._redis, self._retry, self._redaction = redis, retry, redaction

    async def all(self, keys: KeySpace) -> list[GateInfo]:
        """Return the gates with jobs, at most 100: those at which most wait come first."""
        names = await self._retry(GateRecords(self._redis, keys).names, _MOST)
        found = await self.named(keys, names)
        return sorted(found, key=lambda gate: (-gate.waiting, -gate.holders, gate.name))

    async def named(self, keys: KeySpace, names: Sequence[str]) -> list[GateInfo]:
        """Return these gates."""
        records = await self._retry(GateRecords(self._redis, keys).read, names)
        gates = map(read_gate, records)
        return [replace(gate, name=self._redaction.gate(gate.name)) for gate in gates]
