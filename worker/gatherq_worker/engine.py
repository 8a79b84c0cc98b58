"""The engine: one worker's share of the queue, from the claim to the record."""

import asyncio
import contextlib
from collections.abc import Callable

from redis.asyncio import ConnectionPool, Redis

from gatherq.ending import end

from .aborts import Aborts
from .attempt import Attempt
from .contact import Contact
from .control import Control
from .handlers import Handlers
from .heartbeat import Heartbeat, News
from .held import Held
from .intake import Apart, Intake
from .page import Page
from .policy import Policy
from .record import Recorder
from .run import Runner
from .running import Running
from .settle import Settler
from .store import Store
from .watchdog import Watchdog
from .wear import Wear

#: Seconds, beside the grace, in which the last outcomes may be recorded at a stop.
_LAST_WRITES = 1.0


class Engine:
    """Takes jobs in, runs them, records their outcomes, and lets go in good order."""

    def __init__(
        self,
        *,
        make_pool: Callable[[], ConnectionPool],
        worker: str,
        queue: str,
        handlers: Handlers,
        policy: Policy,
        concurrency: int,
        lease: float,
        page: Page | None = None,
        most_jobs: int | None = None,
        most_memory: int | None = None,
    ) -> None:
        def make_store(redis: Redis) -> Store:
            return Store(redis, worker, queue, lease, policy.read)

        self._pool = make_pool()
        self._policy, self._page = policy, page
        self._loop = asyncio.get_running_loop()
        store = make_store(Redis(connection_pool=self._pool))
        contact, held = Contact(lease), Held()
        self._recorder = Recorder(store, held.recorded, held.released)
        settler = Settler(policy, self._recorder, contact.now, worker, queue)
        self._runner = Runner(handlers, policy, settler, contact, page)
        self.running = Running(self._runner, settler, self._recorder, held)
        self._aborts = Aborts(store, self.running) if policy.abortable else None
        self.intake = Intake(
            store,
            self._recorder,
            held,
            self.running,
            contact,
            Wear(most_jobs, most_memory),
            concurrency=concurrency,
            lease=lease,
            apart=Apart(self._runner.can_isolate, lambda: self._runner.room_apart),
            aborts=self._aborts,
            renew_soon=self._renew_soon,
        )
        watchdog = Watchdog(
            self.running.by_id,
            settler,
            self._recorder,
            self.running.expire,
            held.recorded,
            self._runner.close,
            page,
        )
        self._heartbeat = Heartbeat(
            make_pool,
            make_store,
            held.by_id,
            contact,
            lease,
            News(self._lost_soon, self._cancelled_soon, self._extend_soon),
            watchdog.run,
        )
        self._held, self._store = held, store
        self._control = Control(make_pool, queue, lease, self._concerns, self._heartbeat.renew_soon)

    @property
    def worn_out(self) -> bool:
        """Whether this process should end, and another begin in its place."""
        return self.intake.worn_out

    async def run(self, *, burst: bool = False, at_most: int = -1) -> None:
        """Take and run jobs until cancelled; with `burst`, until the queue is empty."""
        self._heartbeat.start()
        if self._page:
            self._page.begin()
        self._control.start()
        beside = [asyncio.create_task(self._recorder.run())]
        if self._aborts:
            beside.append(asyncio.create_task(self._aborts.run()))
        try:
            await self.intake.run(burst=burst, at_most=at_most)
            await self._recorder.flushed()
        finally:
            for task in beside:
                await end(task)

    async def drain(self, grace: float) -> None:
        """Let running jobs finish for `grace` seconds, then release the rest, uncharged."""
        recording = asyncio.create_task(self._recorder.run())
        policy = self._policy
        await self.running.drain(grace, release=policy.release, watch=policy.watch)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._recorder.flushed(), _LAST_WRITES + grace)
        await end(recording)
        await self._control.stop()
        self._runner.close()
        await self._heartbeat.stop()
        await self._pool.disconnect()

    def _renew_soon(self) -> None:
        self._heartbeat.renew_soon()

    def _concerns(self, batch: str, jobs: frozenset[str]) -> bool:
        """Tell whether a message may be about what is held here, or claimed just now."""
        self.intake.hint()
        if not jobs.isdisjoint(self._held.by_id):
            return True
        return bool(batch) and any(a.batch == batch for a in self._held.by_id.values())

    def _lost_soon(self, attempts: list[Attempt]) -> None:
        self._loop.call_soon_threadsafe(self.running.lost, attempts)

    def _cancelled_soon(self, asked: list[tuple[Attempt, str]]) -> None:
        for attempt, by in asked:
            self._loop.call_soon_threadsafe(self.running.cancel, attempt, by)

    def _extend_soon(self, batches: set[str]) -> None:
        self._loop.call_soon_threadsafe(self._extend, batches)

    def _extend(self, batches: set[str]) -> None:
        for batch in batches:
            self._recorder.look_after(self._store.extend(batch))
