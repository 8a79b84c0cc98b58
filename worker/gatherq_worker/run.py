"""One attempt: resolve, run under its deadline, decide, hand over."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from gatherq.wire import Times, Verdict

from . import decide
from .attempt import Attempt
from .contact import Contact
from .context import CurrentJob, set_current
from .decide import Ending
from .handlers import Handler, Handlers, UnknownJob
from .limit import tightest
from .record import Recorder
from .store import Record, Release

logger = logging.getLogger("gatherq.worker")

Hook = Callable[[dict[Any, Any]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds where a job or its handler says nothing; arq's settings."""

    timeout: float | None = 300.0
    max_attempts: int = 2
    #: Seconds to keep the result of a job without a batch; None for ever.
    keep: float | None = 3600.0
    #: Asked of an exception: the delay in seconds after which to run again, or None.
    retry_delay: Callable[[BaseException], float | None] = lambda error: None
    make_ctx: Callable[[Attempt], dict[Any, Any]] = lambda attempt: {}
    on_job_start: Hook | None = None
    on_job_end: Hook | None = None
    after_job_end: Hook | None = None


class Runner:
    """Runs attempts; whatever their code does stays inside."""

    def __init__(
        self,
        handlers: Handlers,
        policy: Policy,
        recorder: Recorder,
        contact: Contact,
        worker: str,
        queue: str,
    ) -> None:
        self._handlers, self._policy = handlers, policy
        self._recorder, self._contact = recorder, contact
        self._worker, self._queue = worker, queue
        self._hooked = bool(policy.on_job_start or policy.on_job_end or policy.after_job_end)

    async def run(self, attempt: Attempt) -> None:
        """See one attempt through; never raises but for its own cancellation."""
        started = self._contact.now()
        try:
            handler, call = self._resolve(attempt)
        except (UnknownJob, TypeError, LookupError) as error:
            self._refuse(attempt, error)
            return
        most = handler.max_attempts or self._policy.max_attempts
        most += attempt.job.base if attempt.job else 0
        if attempt.number > most:
            times = Times(None, self._contact.now())
            self._hand_over(decide.lost(attempt.number - 1), attempt, times, handler.keep)
            return
        ctx = self._policy.make_ctx(attempt) if handler.takes_ctx or self._hooked else {}
        ending = await self._execute(attempt, handler, call, ctx)
        delay = self._policy.retry_delay(ending.error) if ending.error else None
        if delay is not None and not ending.expired and attempt.number < most:
            self._recorder.give_back(Release(attempt, delay, charge=True))
            return
        times = Times(started, self._contact.now())
        if self._policy.on_job_end:
            await _contained(self._policy.on_job_end, ctx)
        self._hand_over(decide.verdict(ending), attempt, times, handler.keep)
        if self._policy.after_job_end:
            await _contained(self._policy.after_job_end, ctx)

    def cut_short(self, attempt: Attempt, error: BaseException | None = None) -> None:
        """Hand over what `run` could not: it was cancelled, or failed by a fault of ours."""
        if attempt.handed_over or not (error or attempt.cancelled_by):
            return  # the attempt is released, or another worker's
        times = Times(None, self._contact.now())
        ending = Ending(error=error, cancelled_by=attempt.cancelled_by)
        self._hand_over(decide.verdict(ending), attempt, times, None)

    def _resolve(self, attempt: Attempt) -> tuple[Handler, Callable[..., Awaitable[Any]]]:
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
        self,
        attempt: Attempt,
        handler: Handler,
        call: Callable[..., Awaitable[Any]],
        ctx: dict[Any, Any],
    ) -> Ending:
        """Run the handler under its deadline, and say how it ended."""
        own = (attempt.job.timeout if attempt.job else None) or handler.timeout
        own = self._policy.timeout if own is None else own
        limit = tightest(own, attempt, self._contact.now())
        ending = Ending(limit=limit.named, which=limit.which)
        set_current(_current(attempt, limit.seconds))
        deadline = asyncio.timeout(limit.seconds)
        try:
            if self._policy.on_job_start:
                await self._policy.on_job_start(ctx)
            async with deadline:
                ending.value = await call(ctx)
        except BaseException as error:
            task = asyncio.current_task()
            if task and task.cancelling() and not attempt.cancelled_by:
                raise  # the worker wants the attempt gone: it shuts down, or lost the lease
            ending.error = error
        ending.expired = deadline.expired()
        ending.cancelled_by = attempt.cancelled_by
        return ending

    def _refuse(self, attempt: Attempt, error: Exception) -> None:
        kind = type(error).__name__ if not isinstance(error, LookupError) else "UnknownJob"
        kind = kind if attempt.job else "UnreadableJob"
        logger.warning("job %s: %s", attempt.job_id, error)
        times = Times(None, self._contact.now())
        self._hand_over(decide.failed(kind, str(error)), attempt, times, None)

    def _hand_over(
        self, verdict: Verdict, attempt: Attempt, times: Times, keep: float | None
    ) -> None:
        attempt.handed_over = True
        verdict, payload = decide.written(verdict, attempt, times, self._worker, self._queue)
        keep = self._policy.keep if keep is None else keep
        self._recorder.put(Record(attempt, verdict.status, payload, keep))


async def _contained(hook: Hook, ctx: dict[Any, Any]) -> None:
    try:
        await hook(ctx)
    except Exception:
        logger.exception("a hook raised; its job is not affected")


def _current(attempt: Attempt, limit: float | None) -> CurrentJob:
    return CurrentJob(
        attempt.job_id,
        attempt.batch,
        attempt.job.slot if attempt.job else 0,
        attempt.name,
        attempt.number,
        limit,
        None if limit is None else monotonic() + limit,
    )
