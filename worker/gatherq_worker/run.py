"""One attempt: resolve, run under its deadline, decide, hand over."""

import asyncio
import logging
import os
from time import monotonic
from typing import Any

from . import decide
from .attempt import Attempt
from .contact import Contact
from .context import CurrentJob, set_current
from .decide import Ending
from .execute import Bound, Hook, after, in_loop
from .handlers import Handler, Handlers, UnknownJob, importable
from .limit import tightest
from .page import Page
from .policy import Policy
from .processes import Processes
from .retries import exhausted
from .settle import Settler
from .threads import Threads

logger = logging.getLogger("gatherq.worker")

#: Threads, and least number of processes, that jobs run in at a time.
_THREADS, _PROCESSES = 32, 4


class Runner:
    """Runs attempts; whatever their code does stays inside."""

    def __init__(
        self,
        handlers: Handlers,
        policy: Policy,
        settler: Settler,
        contact: Contact,
        page: Page | None = None,
    ) -> None:
        self._handlers, self._policy = handlers, policy
        self._settler, self._contact, self._page = settler, contact, page
        self._threads = Threads(_THREADS)
        self._processes = Processes(max(os.cpu_count() or 1, _PROCESSES))
        self._limits: dict[str, asyncio.Semaphore] = {}
        self._hooked = policy.hooked

    async def run(self, attempt: Attempt) -> None:
        """See one attempt through; never raises but for its own cancellation."""
        attempt.started = started = self._contact.now()
        if attempt.cancelled_by:  # before it could begin
            self._settler.not_run(decide.cancelled(attempt.cancelled_by), attempt)
            return
        try:
            handler, call = self._resolve(attempt)
        except Exception as error:
            self._settler.refuse(attempt, error)
            return
        most = handler.most(self._policy.max_attempts)
        most += attempt.job.base if attempt.job else 0
        if attempt.job_try > most and exhausted(attempt, most):
            died = attempt.number - 1
            verdict = decide.lost(died) if died else decide.retries_exceeded(most)
            self._settler.not_run(verdict, attempt, handler)
            return
        ctx = self._policy.make_ctx(attempt) if handler.takes_ctx or self._hooked else {}
        self._policy.watch.started(attempt, started)
        try:
            ending = await self._run(attempt, handler, call, ctx)
            if self._policy.on_job_end:
                await _contained(self._policy.on_job_end, ctx)
            if not attempt.settled:  # else it is released, or recorded
                self._settler.settle(ending, attempt, most, handler)
        finally:  # what a hook opened, another closes
            if self._policy.after_job_end:
                await _contained(self._policy.after_job_end, ctx)

    async def _run(
        self, attempt: Attempt, handler: Handler, call: Bound, ctx: dict[Any, Any]
    ) -> Ending:
        """Execute, within what the function allows at a time."""
        if handler.concurrency is None:
            ending = await self._execute(attempt, handler, call, ctx)
        else:
            free = self._limits.setdefault(handler.name, asyncio.Semaphore(handler.concurrency))
            async with free:
                attempt.started = self._contact.now()
                ending = await self._execute(attempt, handler, call, ctx)
        ending.limit, ending.which = attempt.limit, attempt.which
        ending.cancelled_by = attempt.cancelled_by
        return ending

    @property
    def abandoned(self) -> int:
        """How many threads do not end although their time is over."""
        return self._threads.abandoned

    @property
    def room_apart(self) -> int:
        """How many suspects may still be started in processes of their own."""
        return 2

    def close(self) -> None:
        """End what runs outside of the loop."""
        self._processes.close()

    def can_isolate(self, attempt: Attempt) -> bool:
        """Tell whether a job can run in a process of its own."""
        try:
            handler = self._handlers.find(attempt.name)
        except UnknownJob:
            return False
        return not handler.takes_ctx and not self._hooked and importable(handler)

    def _limit(self, attempt: Attempt, handler: Handler) -> None:
        """Set the deadlines of an attempt."""
        own = (attempt.job.timeout if attempt.job else None) or handler.timeout
        own = self._policy.timeout if own is None else own
        seconds = attempt.limit = own
        if attempt.batch_deadline is not None:
            limit = tightest(own, attempt.batch_deadline, self._contact.now())
            seconds, attempt.which, attempt.limit = limit
        attempt.grace = self._policy.grace if handler.grace is None else handler.grace
        if seconds is not None:
            attempt.deadline = monotonic() + seconds
            attempt.overdue = attempt.deadline + attempt.grace

    def _resolve(self, attempt: Attempt) -> tuple[Handler, Bound]:
        """Find the handler and bind the arguments."""
        job = attempt.job
        if job is None:
            raise LookupError(attempt.problem)
        handler = self._handlers.find(job.name)
        if handler.takes_ctx:
            return handler, lambda ctx: handler.function(ctx, *job.args, **job.kwargs)
        args, kwargs = handler.bind(job.args, job.kwargs)
        return handler, lambda ctx: handler.function(*args, **kwargs)

    async def _execute(
        self, attempt: Attempt, handler: Handler, call: Bound, ctx: dict[Any, Any]
    ) -> Ending:
        """Run the handler where it belongs, under its deadline."""
        if handler.isolation == "loop" and not attempt.isolated:
            self._limit(attempt, handler)
            set_current(_current(attempt))
            hook = self._policy.on_job_start
            run = after(hook, call, ctx) if hook else lambda: call(ctx)
            return await in_loop(attempt, run, self._page)
        if self._policy.on_job_start:
            await _contained(self._policy.on_job_start, ctx)

        def begin() -> CurrentJob:
            attempt.started = self._contact.now()
            self._limit(attempt, handler)
            current = _current(attempt)
            set_current(current)
            return current

        apart = handler.isolation == "process" or attempt.isolated
        attempt.isolated = True
        if apart:
            return await self._processes.run(attempt, handler, begin)
        return await self._threads.run(attempt, begin, lambda: call(ctx))


async def _contained(hook: Hook, ctx: dict[Any, Any]) -> None:
    try:
        await hook(ctx)
    except Exception:
        logger.exception("a hook raised; its job is not affected")
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task and task.cancelling():
            raise
        logger.exception("a hook cancelled itself; its job is not affected")


def _current(attempt: Attempt) -> CurrentJob:
    return CurrentJob(
        attempt.job_id,
        attempt.batch,
        attempt.slot,
        attempt.name,
        attempt.number,
        attempt.limit,
        attempt.deadline,
    )
