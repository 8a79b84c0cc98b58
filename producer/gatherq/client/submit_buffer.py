"""Calls made one by one, written together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from gatherq.contract.jobs import Call

from .batch import Batch
from .handle import Handle
from .job_encoding import written
from .session import Session, closed

T = TypeVar("T")


class SubmitBuffer:
    """What is added in one turn of the loop, or while a write is under way, makes one batch."""

    def __init__(
        self, session: Session, write: Callable[[Sequence[Call[Any]]], Awaitable[Batch[Any]]]
    ) -> None:
        self._session, self._write = session, write
        self._waiting: list[Handle[Any]] = []
        self._writing: asyncio.Task[None] | None = None
        self._turn = asyncio.Event()

    def add(self, call: Call[T], *, name: str | None = None) -> Handle[T]:
        """Take a call; raises InvalidCall or PayloadTooLarge for one that cannot be written."""
        handle = Handle(written(call), name=name)
        self._waiting.append(handle)
        if self._writing is None or self._writing.done():
            self._writing = self._session.spawn(self._run(), promised=True)
            self._writing.add_done_callback(self._ended)
        return handle

    async def written(self, handle: Handle[T]) -> Handle[T]:
        """Wait until the call that was just added is in Redis.

        Cancelled, it cancels the job, and ends when that has; cancelled once more, at once.
        """
        turn = self._turn  # of what waits; it is written in a later turn of the loop
        try:
            await turn.wait()
        except asyncio.CancelledError:
            if handle.cancel():
                await asyncio.wait([handle])
            raise
        handle.raise_if_unwritten()
        return handle

    async def _run(self) -> None:
        while self._waiting:
            handles, self._waiting = self._waiting, []
            turn, self._turn = self._turn, asyncio.Event()
            try:
                await self._send([handle for handle in handles if not handle.dropped()])
            finally:
                turn.set()

    def _ended(self, writing: "asyncio.Task[None]") -> None:
        """End what waits: a task that is cancelled, at the end of its loop, may not have begun."""
        if writing.cancelled():
            handles, self._waiting = self._waiting, []
            for handle in handles:
                handle.close(closed())
            self._turn.set()

    async def _send(self, handles: list[Handle[Any]]) -> None:
        if not handles:
            return
        try:
            batch = await self._write([handle.take() for handle in handles])
        except BaseException as error:
            cancelled = isinstance(error, asyncio.CancelledError)
            for handle in handles:
                if cancelled:
                    handle.close(closed())
                else:
                    handle.fail(error)
            if cancelled or not isinstance(error, Exception):
                raise
        else:
            batch.feed(handles)
