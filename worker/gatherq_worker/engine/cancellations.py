"""The listener for cancellations: a message is a hint, for anybody may publish anything.

What is cancelled stands in Redis. A hint about something that is claimed here has it looked up at
once, by a renewal of the leases; what a missed hint was about comes with the next heartbeat.
"""

from collections.abc import Callable

from gatherq.aio import cancel_and_wait
from gatherq.store.cancellation_channel import CancellationChannel, CancellationHint
from gatherq.store.server.outages import OutageLog
from gatherq_worker.execution.guarded_task import GuardedTask, guarded

from .attempts import Attempts


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
        #: Has Redis asked at once what is cancelled.
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
                    self._outages.good()
                    if hint is not None:
                        self.heed(hint)
            except Exception as error:
                await self._outages.bad("listen for cancellations", error)
            finally:
                await self._channel.unsubscribe()

    def heed(self, hint: CancellationHint) -> None:
        """Look at once if the hint is about something that is claimed here."""
        self.heard += 1
        if self._attempts.concerned(hint.batch, hint.jobs):
            self.look_soon()
