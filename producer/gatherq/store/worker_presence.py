"""Which workers are there, and which jobs they know; nothing here writes.

What a strict ACL does not let this user read counts as unknown, but for the list of workers itself.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gatherq.contract.keys import KeySpace, job_id
from gatherq.contract.validation import MAX_NAME
from gatherq.contract.worker_record import LIFETIME, handlers_of

from .claims import text
from .workers import recent

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: Most workers of a queue, and most other queues, that one look is told of.
MOST_WORKERS, _MOST_QUEUES = 100, 20
#: How a job's data begins, and most bytes with its name: a character is two escapes at the most.
_HEAD, _LONGEST_HEAD = '{"f":"', 16 + 12 * MAX_NAME


class Presence(NamedTuple):
    """The workers of one queue, at the time of a look."""

    #: Names of the jobs that each living worker knows; None for one that does not tell, or not all.
    workers: Mapping[str, frozenset[str] | None]
    #: Whether there may be more workers than these.
    more: bool = False
    #: Whether arq's health key is there, which a plain arq worker writes, too.
    arq: bool = False
    #: Other queues with workers, and how many; None for a number, or for all, that is not known.
    elsewhere: Mapping[str, int | None] | None = None

    @property
    def known(self) -> frozenset[str]:
        """Names of jobs that a worker is known to know."""
        return frozenset().union(*filter(None, self.workers.values()))

    @property
    def tells_all(self) -> bool:
        """Whether no worker knows a job beyond these."""
        return not self.more and None not in self.workers.values()


class JobSample(NamedTuple):
    """What the data of a few jobs of a batch says."""

    #: The queue that the batch is in; None where that is not known.
    queue: str | None
    names: Sequence[str]


class WorkerPresence:
    """Looks for the workers of queues: each look is two round trips at the most."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def look(
        self, queue: str, told: Mapping[str, frozenset[str] | None], seconds: float = LIFETIME
    ) -> Presence:
        """Return the workers of a queue; raises ResponseError where their list is refused.

        `told` is what earlier looks have found: the record of a worker that tells is read once.
        Other queues count if they have had a worker within these seconds.
        """
        keys = KeySpace(queue)
        now, signs, arq, queues = await self._ask(
            ("TIME",),
            ("ZREVRANGE", keys.workers, 0, MOST_WORKERS - 1, "WITHSCORES"),
            ("EXISTS", f"{queue}:health-check"),
            ("ZREVRANGE", keys.queues, 0, _MOST_QUEUES, "WITHSCORES"),
        )
        for reply in (now, signs):
            if isinstance(reply, Exception):
                raise reply
        pairs = _pairs(signs)
        alive = [name for name, _ in recent(now, pairs)]
        if alive:
            workers = await self._records(keys, alive, told)
            return Presence(workers, len(pairs) == MOST_WORKERS == len(alive))
        since = int(now[0]) * 1000 - round(seconds * 1000)
        elsewhere = None
        if not isinstance(queues, Exception):
            found = [(text(name), last) for name, last in _pairs(queues)]
            others = [name for name, last in found if name != queue and last >= since]
            elsewhere = await self._count(others, since)
        return Presence({}, arq=arq == 1, elsewhere=elsewhere)

    async def sample(self, slots: Mapping[str, Sequence[int]]) -> dict[str, JobSample]:
        """Return what a few slots of each batch say of their jobs, in one round trip."""
        commands: list[Any] = []
        for batch, some in slots.items():
            commands.append(("HGET", KeySpace().batch(batch), "queue"))
            jobs = (KeySpace().job(job_id(batch, slot)) for slot in some)
            commands += [("GETRANGE", job, 0, _LONGEST_HEAD - 1) for job in jobs]
        replies = iter(await self._ask(*commands))
        found = {}
        for batch, some in slots.items():
            queue = next(replies)
            names = [_name_in(next(replies)) for _ in some]
            found[batch] = JobSample(
                text(queue) if isinstance(queue, bytes) else None, [*filter(None, names)]
            )
        return found

    async def _records(
        self,
        keys: KeySpace,
        workers: Sequence[str],
        told: Mapping[str, frozenset[str] | None],
    ) -> dict[str, frozenset[str] | None]:
        found = {worker: told.get(worker) for worker in workers}
        asked = [worker for worker, names in found.items() if names is None]
        replies = await self._ask(
            *(("HMGET", keys.worker(worker), "handlers", "handlers_cut") for worker in asked)
        )
        for worker, reply in zip(asked, replies, strict=True):
            if not isinstance(reply, Exception):
                found[worker] = handlers_of(*reply)
        return found

    async def _count(self, queues: Sequence[str], since: int) -> dict[str, int | None]:
        replies = await self._ask(
            *(("ZCOUNT", KeySpace(queue).workers, since, "+inf") for queue in queues)
        )
        counts = {
            queue: None if isinstance(reply, Exception) else int(reply)
            for queue, reply in zip(queues, replies, strict=True)
        }
        return {queue: count for queue, count in counts.items() if count != 0}

    async def _ask(self, *commands: Sequence[Any]) -> list[Any]:
        """Return the reply to each command, in one round trip; a refusal is its error."""
        if not commands:
            return []
        async with self._redis.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            return list(await pipe.execute(raise_on_error=False))


def _pairs(reply: Sequence[Any]) -> list[tuple[bytes, float]]:
    """Return names and scores: redis-py 8 makes pairs of them, others leave them in a row."""
    row = [each for item in reply for each in (item if isinstance(item, list | tuple) else [item])]
    return list(zip(row[::2], map(float, row[1::2]), strict=True))


def _name_in(head: Any) -> str | None:
    """Return the name in the beginning of a job's data; None where there is none."""
    text = head.decode("utf-8", "ignore") if isinstance(head, bytes) else ""
    if not text.startswith(_HEAD):
        return None
    try:
        name, _ = json.JSONDecoder().raw_decode(text, len(_HEAD) - 1)
    except ValueError:
        return None
    return str(name)
