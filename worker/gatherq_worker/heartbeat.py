"""Leases, renewed from a thread of their own: a handler that blocks the loop loses none."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from redis.asyncio import ConnectionPool, Redis

from .contact import Contact
from .health import ERRORS, Health
from .store import Store


class Heartbeat:
    """Renews what is in `held` (job id -> attempt) four times a lease."""

    def __init__(
        self,
        make_pool: Callable[[], ConnectionPool],
        make_store: Callable[[Redis], Store],
        held: dict[str, int],
        contact: Contact,
        lease: float,
        on_lost: Callable[[list[str]], None],
        on_cancelled: Callable[[dict[str, str]], None],
        watch: Callable[[Store], Coroutine[Any, Any, None]],
    ) -> None:
        self._make_pool, self._make_store = make_pool, make_store
        self._held = held
        self._contact = contact
        self._interval = lease / 4
        self._on_lost, self._on_cancelled, self._watch = on_lost, on_cancelled, watch
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._ready = threading.Event()
        self._owner: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="gatherq-heartbeat", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._owner = asyncio.get_running_loop()
        self._thread.start()
        self._ready.wait()

    async def stop(self, timeout: float) -> None:
        """End the thread, which signs the worker off; do not wait for it for longer than that."""
        if self._loop is None or self._stopping is None:
            return
        with contextlib.suppress(RuntimeError, TimeoutError):  # its loop is closed, or does not end
            self._loop.call_soon_threadsafe(self._stopping.set)
            async with asyncio.timeout(max(timeout, 0.0)):
                await self._ended.wait()

    def _run(self) -> None:
        assert self._owner is not None
        try:
            asyncio.run(self._beat())
        finally:
            with contextlib.suppress(RuntimeError):  # nobody waits any longer
                self._owner.call_soon_threadsafe(self._ended.set)

    async def _beat(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        pool, health = self._make_pool(), Health()
        store = self._make_store(Redis(connection_pool=pool))
        watching = asyncio.create_task(self._watch(store))
        while not self._stopping.is_set():
            held = list(self._held.items())
            try:
                renewal = await store.renew(held)
            except ERRORS as error:
                self._contact.broken()
                await health.bad("renew leases", error)
                continue
            health.good()
            self._contact.seen(renewal.now)
            # What was finished meanwhile is not lost.
            gone = set(renewal.lost) & self._held.keys()
            if gone:
                self._on_lost(sorted(gone))
            if renewal.cancelled:
                self._on_cancelled(renewal.cancelled)
            await self._pause()
        watching.cancel()
        with contextlib.suppress(*ERRORS):  # the entry goes by itself
            await store.sign_off()
        await pool.disconnect()

    async def _pause(self) -> None:
        assert self._stopping is not None
        try:
            await asyncio.wait_for(self._stopping.wait(), self._interval)
        except TimeoutError:
            return
