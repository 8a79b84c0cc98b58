"""The redrive: slots that did not succeed run again, in place."""

from typing import TYPE_CHECKING

from gatherq.contract import records
from gatherq.contract.keys import job_id

from .script import script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis.asyncio import Redis

    from gatherq.contract.keys import KeySpace

#: The status by which a completion takes back an earlier completion of its slot.
REDRIVEN = "redriven"


class Redrive:
    """Queues ended slots again."""

    def __init__(self, redis: "Redis", keys: "KeySpace") -> None:
        self._redis, self._keys = redis, keys
        self._redrive = script("batch/redrive").bind(redis, keys)

    async def ended_badly(self, batch: str, ended: "Mapping[int, str]") -> list[list[object]]:
        """Describe those of these slots, each with its status, that ended without success.

        The description is what `put_back` takes.
        """
        keys = [self._keys.result(job_id(batch, slot)) for slot in ended]
        results = zip(ended.items(), await self._redis.mget(keys), strict=True)
        described = [_describe(slot, status, payload) for (slot, status), payload in results]
        return [each for each in described if each and each[2] != "succeeded"]

    async def put_back(
        self, batch: str, first: bool, slots: "Sequence[list[object]]", request: str
    ) -> int | None:
        """Queue slots again, if they still have the results described; return how many.

        None: no such batch. `first` says that this is the first chunk of a redrive. Repeated with
        the same `request`, it changes nothing and returns the same.
        """
        flat = [part for slot in slots for part in slot]
        count = await self._redrive(
            batch_id=batch, is_first=int(first), request=request, slots=flat
        )
        return None if int(count) < 0 else int(count)


def _describe(slot: int, status: str, payload: bytes | None) -> list[object]:
    try:
        ended = records.EndedResult.read(payload or b"")
        entries = ended.entries()
    except Exception:  # damaged, or gone: its status is known from its completion, if it ended
        return [slot, 0, status, (payload or b"")[:64], 0] if status else []
    return [slot, ended.attempt, ended.status, ended.head, len(entries), *entries]
