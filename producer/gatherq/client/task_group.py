"""`TaskGroup`: asyncio's, with jobs on the pool for tasks."""

import asyncio
from contextlib import ExitStack
from contextvars import Context, copy_context
from typing import Any, Self, TypeVar

from gatherq.contract.checks.usage import usage
from gatherq.contract.jobs import Call
from gatherq.telemetry.producer_spans import Waiting

from .handle import Handle, follow
from .misuse.async_with import AsyncWith
from .misuse.checks import check_call
from .misuse.shapes import WITH_TIMEOUT, a_call
from .submit_buffer import SubmitBuffer

T = TypeVar("T")


class TaskGroup(AsyncWith):
    """Jobs that end together, as the tasks of an `asyncio.TaskGroup` do.

        async with producer.task_group() as group:
            carrot = group.create_task(chop.call("carrot", 3))
            tomato = group.create_task(chop.call("tomato", 5))
        print(carrot.result(), tomato.result())

    It is an `asyncio.TaskGroup` inside, with a task to follow each job, so its rules are asyncio's:
    the first failure cancels the others, leaving the block waits until all have ended, and the
    failures are raised as an ExceptionGroup.
    """

    def __init__(self, buffer: SubmitBuffer, waiting: Waiting) -> None:
        self._buffer, self._waiting = buffer, waiting
        self._group = asyncio.TaskGroup()
        self._context = copy_context()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._waiting.__enter__()
        return self

    async def __aexit__(self, *exc_info: Any) -> None:
        with ExitStack() as ending:
            ending.push(self._waiting)
            await self._group.__aexit__(*exc_info)

    def __repr__(self) -> str:
        return repr(self._group)

    @usage("create_task", a_call("create_task"), timeout=WITH_TIMEOUT)
    def create_task(
        self, call: Call[T], *, name: str | None = None, context: Context | None = None
    ) -> Handle[T]:
        """Submit a call at the end of this turn of the loop, with all others of the turn.

        Raises InvalidCall or PayloadTooLarge at once for what cannot be written, and RuntimeError
        where asyncio does: before the block is entered, and after it is left. `name` is the
        handle's; `context` is that of the local task which follows the job, and not the job's.
        """
        check_call("create_task", call)
        handle = self._buffer.add(call, name=name)
        try:
            follow(handle, self._group, self._context, name=name, context=context)
        except BaseException:
            handle.cancel()  # before it is written
            raise
        return handle
