"""Cancellations as they are published. One that is missed comes with a heartbeat."""

from collections.abc import Callable
from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.client import PubSub

from gatherq import codec, keys
from gatherq.ending import end

from .guarded import Guarded, guarded
from .health import ERRORS, Health

Cancel = Callable[[str, str], Any]


class Control:
    """Listens on a connection of its own, and again after a loss."""

    def __init__(
        self,
        make_pool: Callable[[], ConnectionPool],
        queue: str,
        patience: float,
        cancel: Cancel,
        cancel_batch: Cancel,
    ) -> None:
        self._pool = make_pool()
        self._channel = keys.control(queue)
        self._patience = patience
        self._cancel, self._cancel_batch = cancel, cancel_batch
        self._health = Health()
        self._task: Guarded[None] | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._task = guarded(self._run())

    async def stop(self) -> None:
        """End the task and its connection."""
        if self._task:
            await end(self._task)
        await self._pool.disconnect()

    async def _run(self) -> None:
        while True:
            pubsub = Redis(connection_pool=self._pool).pubsub()
            try:
                await pubsub.subscribe(self._channel)
                await self._listen(pubsub)
            except ERRORS as error:
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

    def _heed(self, data: bytes) -> None:
        try:
            message = codec.from_json(data)
            by = str(message["by"])
            if "batch" in message:
                self._cancel_batch(message["batch"], by)
            for job_id in message.get("jobs", ()):
                self._cancel(job_id, by)
        except (ValueError, TypeError, KeyError, AttributeError):
            return  # anybody may publish anything
