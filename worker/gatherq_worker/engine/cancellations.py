"""Requests to cancel jobs: a listener for published ones, a poll for those that nobody publishes.

A published message is a hint, for anybody may publish anything. What is cancelled stands in Redis.
After a hint about a claim of this worker, the heartbeat renews the leases at once: the reply says
what is cancelled. A hint that is missed delays that until the next renewal.
"""

import asyncio
from collections.abc import Callable, Sequence

from gatherq.aio import cancel_and_wait, not_cancelled
from gatherq.store.cancellation_channel import CancellationChannel, CancellationHint
from gatherq.store.server.outages import OutageLog
from gatherq_worker.execution.guarded_task import GuardedTask, guarded

from .attempts import Attempts
from .options import AbortSource

#: Seconds between two questions for abort requests to the jobs that run.
_INTERVAL = 0.1


class CancellationListener:
    """Listens on a connection of its own, and again after a loss."""

    def __init__(
        self,
        channel: CancellationChannel,
        attempts: Attempts,
        look_soon: Callable[[], None],
        silence: float,
    ) -> None:
        self._channel, self._attempts, self._silence = channel, attempts, silence
        #: Renews the leases at once; the reply says what is cancelled.
        self.look_soon = look_soon
        #: How many hints came: a claim that was in flight meanwhile may bring what they name.
        self.heard = 0
        self._outages = OutageLog()
        self._task: GuardedTask[None] | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._task = guarded(self._run())

    async def stop(self) -> None:
        """End the task and its connection."""
        if self._task:
            await cancel_and_wait(self._task)
        await self._channel.close()

    async def _run(self) -> None:
        while True:
            try:
                await self._channel.subscribe()
                while True:
                    hint = await self._channel.next(self._silence)
                    self._outages.note_answer()
                    if hint is not None:
                        self.heed(hint)
            except Exception as error:
                await self._outages.note_error("listen for cancellations", error)
            finally:
                await self._channel.unsubscribe()

    def heed(self, hint: CancellationHint) -> None:
        """Look at once if the hint is about something that is claimed here."""
        self.heard += 1
        if self._attempts.concerned(hint.batch, hint.jobs):
            self.look_soon()


class AbortPoll:
    """Cancels the running jobs that a source of abort requests names."""

    def __init__(self, source: AbortSource, attempts: Attempts) -> None:
        self._source, self._attempts = source, attempts

    async def run(self) -> None:
        """Ask until cancelled."""
        await self._source.forget()
        while not_cancelled():
            await asyncio.sleep(_INTERVAL)
            running = [attempt.job_id for attempt in self._attempts.running()]
            for job_id in await self.requested(running):
                self._attempts.cancel_job(job_id, "producer")

    async def requested(self, job_ids: Sequence[str]) -> set[str]:
        """Return those of the jobs that are to be aborted; never raises."""
        return await self._source.requested(job_ids)
