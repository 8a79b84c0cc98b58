"""Cancellations as they are published: hints, for anybody may publish anything.

What is cancelled stands in Redis. A hint that concerns what is held here has it looked up at once;
one that is missed comes with a heartbeat.
"""

from collections.abc import Callable

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.client import PubSub

from gatherq.aio import cancel_and_wait
from gatherq.contract.keys import KeySpace
from gatherq.contract.values import codec
from gatherq.store.server.connection import database_of
from gatherq.store.server.outages import OutageLog
from gatherq_worker.execution.guarded_task import GuardedTask, guarded

#: Asked about a batch, or jobs, of a message: whether any of it is held here.
Concerns = Callable[[str, frozenset[str]], bool]
#: Largest message that is read, in bytes; one of ours names some hundred jobs.
_LARGEST = 256 * 1024


class CancellationListener:
    """Listens on a connection of its own, and again after a loss."""

    def __init__(
        self,
        make_pool: Callable[[], ConnectionPool],
        queue: str,
        patience: float,
        concerns: Concerns,
        look_soon: Callable[[], None],
    ) -> None:
        self._pool = make_pool()
        self._channel = KeySpace(queue, database_of(Redis(connection_pool=self._pool))).channel
        self._patience = patience
        self._concerns, self._look_soon = concerns, look_soon
        self._health = OutageLog()
        self._task: GuardedTask[None] | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._task = guarded(self._run())

    async def stop(self) -> None:
        """End the task and its connection."""
        if self._task:
            await cancel_and_wait(self._task)
        await self._pool.disconnect()

    async def _run(self) -> None:
        while True:
            pubsub = Redis(connection_pool=self._pool).pubsub()
            try:
                await pubsub.subscribe(self._channel)
                await self._listen(pubsub)
            except Exception as error:
                await self._health.bad("listen for cancellations", error)
            finally:
                await pubsub.aclose()

    async def _listen(self, pubsub: PubSub) -> None:
        asked = False
        while True:
            message = await pubsub.get_message(timeout=self._patience)
            if message is not None:
                asked = False
                self._health.good()
                if message["type"] == "message":
                    self._heed(message["data"])
            elif asked:
                raise TimeoutError("no answer on the control connection")
            else:  # silence: is the connection still there?
                asked = True
                await pubsub.ping()

    def _heed(self, data: object) -> None:
        if not isinstance(data, bytes) or len(data) > _LARGEST:
            return
        try:
            message = codec.from_json(data)
        except ValueError:
            return
        if not isinstance(message, dict):
            return
        batch, jobs = message.get("batch"), message.get("jobs")
        named = [job for job in jobs if isinstance(job, str)] if isinstance(jobs, list) else []
        if self._concerns(batch if isinstance(batch, str) else "", frozenset(named)):
            self._look_soon()
