"""Calls made one by one, written together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from gatherq.contract.jobs import Call

from .batch import Batch, attach
from .handle import (
    Handle,
    close,
    fail,
    is_dropped,
    raise_if_unwritten,
    take_call,
)
from .job_encoding import encode_once
from .session import Session

T = TypeVar("T")


class SubmitBuffer:
    """Makes one batch of the calls added in one turn of the loop, or while a batch is written.

    `structured`: the jobs belong to the code that waits for them, and end if nobody runs them.
    """

    def __init__(
        self,
        session: Session,
        submit: Callable[[Sequence[Call[Any]]], Awaitable[Batch[Any]]],
        *,
        structured: bool = False,
    ) -> None:
        self._session, self._submit, self._structured = session, submit, structured
        self._handles: list[Handle[Any]] = []
        self._task: asyncio.Task[None] | None = None
        #: Set once the handles that are now in the buffer are written, or have failed.
        self._flushed = asyncio.Event()

    def add(self, call: Call[T], *, name: str | None = None) -> Handle[T]:
        """Add a call; raises InvalidCall or PayloadTooLarge for one that cannot be written."""
        handle = Handle(encode_once(call), name=name)
        self._handles.append(handle)
        if self._task is None or self._task.done():
            self._task = self._session.spawn(self._flush(), finish=True)
            self._task.add_done_callback(self._ended)
        return handle

    async def wait_written(self, handle: Handle[T]) -> Handle[T]:
        """Wait until the call that was added last is in Redis, and return its handle.

        Cancelled, it cancels the job, and ends when that has; cancelled once more, at once.
        """
        flushed = self._flushed
        try:
            await flushed.wait()
        except asyncio.CancelledError:
            if handle.cancel():
                await asyncio.wait([handle])
            raise
        raise_if_unwritten(handle)
        return handle

    async def _flush(self) -> None:
        while self._handles:
            handles, self._handles = self._handles, []
            flushed, self._flushed = self._flushed, asyncio.Event()
            try:
                await self._write([each for each in handles if not is_dropped(each)])
            finally:
                flushed.set()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Close what is in the buffer if the task was cancelled before it began: the loop ends."""
        if task.cancelled():
            handles, self._handles = self._handles, []
            for handle in handles:
                close(handle, self._session.closed())
            self._flushed.set()

    async def _write(self, handles: list[Handle[Any]]) -> None:
        if not handles:
            return
        try:
            batch = await self._submit([take_call(handle) for handle in handles])
        except BaseException as error:
            cancelled = isinstance(error, asyncio.CancelledError)
            for handle in handles:
                if cancelled:
                    close(handle, self._session.closed())
                else:
                    fail(handle, error)
            if cancelled or not isinstance(error, Exception):
                raise
        else:
            attach(batch, handles).structured = self._structured
