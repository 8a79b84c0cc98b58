"""The redrive: slots that did not succeed run again, in place."""

from typing import TYPE_CHECKING

from gatherq.contract import records
from gatherq.contract.keys import job_id

from .script import script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis.asyncio import Redis

    from gatherq.contract.keys import KeySpace

    from .server.replicas import Replicas

#: The status by which a completion takes back an earlier completion of its slot.
REDRIVEN = "redriven"


class Redrive:
    """Queues ended slots again."""

    def __init__(
        self, redis: "Redis", keys: "KeySpace", replicas: "Replicas | None" = None
    ) -> None:
        self._redis, self._keys = redis, keys
        self._redrive = script("batch/redrive").bind(redis, keys, replicas)

    async def signatures(self, batch: str, slots: "Sequence[int]") -> dict[int, str]:
        """Return the signature of each of these slots that has one: it ended without success."""
        keys = [self._keys.result(job_id(batch, slot)) for slot in slots]
        results: list[bytes | None] = await self._redis.mget(keys)
        found = zip(slots, map(records.signature_in, results), strict=True)
        return {slot: signature for slot, signature in found if signature}

    async def ended_badly(
        self, batch: str, ended: "Mapping[int, str]", signature: str = ""
    ) -> list[list[object]]:
        """Describe those of these slots, each with its status, that ended without success.

        With a `signature`, only those of that error group. The description is what `put_back`
        takes.
        """
        keys = [self._keys.result(job_id(batch, slot)) for slot in ended]
        results = zip(ended.items(), await self._redis.mget(keys), strict=True)
        described = [_describe(slot, status, payload) for (slot, status), payload in results]
        badly = [each for each in described if each and each[2] != "succeeded"]
        return [each for each in badly if not signature or each[4] == signature]

    async def put_back(
        self,
        batch: str,
        first: bool,
        slots: "Sequence[list[object]]",
        request: str,
        *,
        by: str = "producer",
        chosen: int = 0,
    ) -> int | None:
        """Queue slots again, if they still have the results described; return how many.

        None: no such batch. `first` says that no chunk of this redrive has queued any yet. `by`
        asks for it, and for `chosen` slots in all. Repeated with the same `request`, it changes
        nothing and returns the same.
        """
        flat = [part for slot in slots for part in slot]
        count = await self._redrive(
            batch_id=batch,
            is_first=int(first),
            request=request,
            by=by,
            chosen=chosen or len(slots),
            slots=flat,
        )
        return None if int(count) < 0 else int(count)


def _describe(slot: int, status: str, payload: bytes | None) -> list[object]:
    try:
        ended = records.EndedResult.read(payload or b"")
        entries = ended.entries()
    except Exception:  # damaged, or gone: its status is known from its completion, if it ended
        return [slot, 0, status, (payload or b"")[:64], "", 0] if status else []
    what = (slot, ended.attempt, ended.status, ended.head, ended.signature)
    return [*what, len(entries), *entries]
