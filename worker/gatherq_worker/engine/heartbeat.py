"""Leases, renewed from a thread of their own: a handler that blocks the loop loses none.

Renewals tell, too, what is lost or cancelled; and a message that something is cancelled is a hint
to renew at once, for only what stands in Redis counts.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from redis.asyncio import ConnectionPool, Redis

from gatherq.store.jobs import JobStore
from gatherq.store.server.outages import ERRORS, OutageLog
from gatherq_worker.attempt import Attempt
from gatherq_worker.execution.guarded_task import within

from .redis_clock import RedisClock


@dataclass(frozen=True, slots=True)
class News:
    """Who is told what a renewal brought; called from the thread of the heartbeat."""

    lost: Callable[[list[Attempt]], None]
    cancelled: Callable[[list[tuple[Attempt, str]]], None]
    #: Batches that are to be extended.
    late: Callable[[set[str]], None]


class Heartbeat:
    """Renews the leases of what is in `held` four times a lease."""

    def __init__(
        self,
        make_pool: Callable[[], ConnectionPool],
        make_store: Callable[[Redis], JobStore],
        held: Mapping[str, Attempt],
        contact: RedisClock,
        lease: float,
        news: News,
        watch: Callable[[JobStore], Coroutine[Any, Any, None]],
        alive: Callable[[], bool] = lambda: True,
    ) -> None:
        self._make_pool, self._make_store = make_pool, make_store
        self._held, self._contact, self._news = held, contact, news
        self._interval = lease / 4
        self._watch, self._alive = watch, alive
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping, self._hint = False, asyncio.Event()
        self._ready, self._ended = threading.Event(), asyncio.Event()
        self._main = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="gatherq-heartbeat", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._owner = asyncio.get_running_loop()
        self._thread.start()
        self._ready.wait()

    def renew_soon(self) -> None:
        """Renew at once: something of what is held may be cancelled."""
        if self._loop and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # its loop has just ended
                self._loop.call_soon_threadsafe(self._hint.set)

    async def stop(self, timeout: float) -> None:
        """End the thread, which signs the worker off; do not wait for it for longer than that."""
        if not self._thread.is_alive():
            return
        self._stopping = True
        self.renew_soon()
        await within(monotonic() + timeout, self._ended.wait())

    def _run(self) -> None:
        try:
            asyncio.run(self._beat())
        finally:
            with contextlib.suppress(RuntimeError):  # the main loop has ended before
                self._main.call_soon_threadsafe(self._ended.set)

    async def _beat(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready.set()
        pool, health = self._make_pool(), OutageLog()
        store = self._make_store(Redis(connection_pool=pool))
        watching = asyncio.create_task(self._watch(store))
        while not self._stopping:
            self._hint.clear()
            try:
                await self._renew(store)
            except Exception as error:
                await health.bad("renew leases", error)
                continue
            health.good()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hint.wait(), self._interval)
        watching.cancel()
        with contextlib.suppress(*ERRORS):  # the entry goes by itself
            await store.sign_off()
        await pool.disconnect()

    async def _renew(self, store: JobStore) -> None:
        held = {attempt.job_id: attempt for attempt in list(self._held.values())}
        since, last = self._contact.since, self._contact.last
        renewal = await store.renew(held.values(), since, last, sign=self._alive())
        self._contact.seen(renewal.now)
        # What was finished meanwhile, or taken anew, is not lost.
        lost = [a for id_ in renewal.lost if self._held.get(id_) is (a := held[id_])]
        if lost:
            self._news.lost(lost)
        asked = [(held[id_], by) for id_, by in renewal.cancelled.items() if id_ in held]
        if asked:
            self._news.cancelled(asked)
        if renewal.late:
            self._news.late(renewal.late)
