"""What follows an execution: an outcome to record, or a release for another attempt."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from gatherq.contract.records import Times, Verdict, encode_attempt
from gatherq.contract.remote_errors.attributes import is_a
from gatherq.contract.remote_errors.capture import describe, is_data, say
from gatherq.contract.values.codec import encode
from gatherq.store.jobs import Record, Release
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.attempts import Attempts
from gatherq_worker.engine.events import JobDied, JobEnded, JobRefused, JobReleased, JobRetried
from gatherq_worker.engine.observers import Observers
from gatherq_worker.engine.options import EngineOptions
from gatherq_worker.engine.redis_clock import RedisClock
from gatherq_worker.execution.result import ExecutionResult, ResultWriter, Writer, write_result
from gatherq_worker.registry import Handler, UnknownJob

from . import verdicts
from .recorder import Recorder
from .verdicts import OutOfAttempts, RunAgain

logger = logging.getLogger("gatherq.worker")


class Finalizer:
    """Makes of each attempt either an outcome to record or a release, and hands it to the recorder.

    `time_out` may be called by the thread of the heartbeat: arq's serializers may run there, too.
    """

    def __init__(
        self,
        options: EngineOptions,
        attempts: Attempts,
        recorder: Recorder,
        observers: Observers,
        clock: RedisClock,
        worker: str,
        queue: str,
    ) -> None:
        self._options, self._attempts, self.recorder, self._clock = (
            options,
            attempts,
            recorder,
            clock,
        )
        self.observers, self._tell_ends = observers, observers.wants(JobEnded)
        self.worker, self._queue = worker, queue

    @property
    def writer(self) -> ResultWriter:
        """What writes the result of an execution, where and while the job's code may run."""
        write_other, look = (
            self._options.write and self._write_other_format,
            self._options.look,
        )
        return Writer(write_other, look) if write_other or look else write_result

    def conclude(
        self, result: ExecutionResult, attempt: Attempt, handler: Handler, max_attempts: int
    ) -> None:
        """Hand over what follows an execution; `max_attempts` is how many the job may have."""
        asks = self._options.retry_delay
        conclusion = verdicts.conclude(result, attempt, handler, max_attempts, asks)
        if isinstance(conclusion, Verdict):
            attempt.raised = result.error
            self._record(conclusion, attempt, self._times(attempt), handler)
        elif isinstance(conclusion, RunAgain):
            self._tell_retry(result, attempt, conclusion, granted=True)
            entry = self._entry(attempt, conclusion)
            self._release(Release(attempt, conclusion.delay, charge=True, entry=entry))
        else:
            self._give_up(result, attempt, handler, conclusion)

    def _give_up(
        self, result: ExecutionResult, attempt: Attempt, handler: Handler, end: OutOfAttempts
    ) -> None:
        """Hand over the outcome of a job that would run again, and may not."""
        self._tell_retry(result, attempt, end.again, granted=False)
        if end.again.status == "died":
            history = [*map(encode, attempt.history), self._entry(attempt, end.again)]
            attempt.remember(history)
        else:
            attempt.raised = result.error
        self._record(end.verdict, attempt, self._times(attempt), handler)

    def _tell_retry(
        self, result: ExecutionResult, attempt: Attempt, again: RunAgain, *, granted: bool
    ) -> None:
        if again.status != "died":
            error = TimeoutError() if result.error is None else result.error
            times, info = self._times(attempt), again.error
            self.observers.tell(JobRetried(attempt, error, again.delay, times, info, granted))
        elif granted:
            self.observers.tell(JobDied(attempt, again.error.message))

    def _entry(self, attempt: Attempt, again: RunAgain) -> bytes:
        """Write what the history of the job keeps of the attempt."""
        ended = (again.status, again.error, self._times(attempt))
        return encode_attempt(attempt.number, self.worker, *ended, attempt.span)

    def refuse(self, attempt: Attempt, error: BaseException) -> None:
        """Fail a job that cannot be run."""
        kind = "UnknownJob" if isinstance(error, UnknownJob) else type(error).__name__
        kind = kind if attempt.job else "UnreadableJob"
        self.observers.tell(JobRefused(attempt, error))
        self.not_run(verdicts.failed(kind, say(error)), attempt)

    def not_run(self, verdict: Verdict, attempt: Attempt, handler: Handler | None = None) -> None:
        """Hand over the outcome of an attempt that was not executed."""
        self._record(verdict, attempt, Times(None, self._clock.now()), handler)

    def put_off(self, attempt: Attempt, delay: float) -> None:
        """Release an attempt that could not begin here; it is not charged."""
        self._release(Release(attempt, delay))

    def drain(self, attempt: Attempt) -> None:
        """Release an attempt that runs, because the worker stops; it is not charged."""
        if self._release(Release(attempt)):
            self.observers.tell(JobReleased(attempt))
        self._attempts.unwind(attempt)

    def cut_short(self, attempt: Attempt, error: BaseException | None = None) -> None:
        """Conclude an attempt whose task ended before that, cancelled or by a fault of ours."""
        if attempt.concluded:
            return
        error = asyncio.CancelledError() if error is None else error
        result = ExecutionResult(error=error, cancelled_by=attempt.cancelled_by)
        self.not_run(verdicts.verdict(result), attempt)

    def expire(self, attempts: Sequence[Attempt]) -> None:
        """Time out attempts that did not end within their grace, and give up their slots."""
        for attempt in attempts:
            attempt.free()  # whatever it does: others wait for its places
            if self._attempts.find(attempt.job_id) is not attempt:
                continue
            record = self.time_out(attempt)
            if record is not None:
                logger.info("job %s (%s) does not end; abandoned", attempt.job_id, attempt.name)
                self.recorder.put(record)
                self._attempts.abandon(attempt)

    def time_out(self, attempt: Attempt) -> Record[Attempt] | None:
        """Make the record of an attempt that does not end when asked to; None if it is concluded.

        May be called by the thread of the heartbeat.
        """
        if attempt.concluded:
            return None
        verdict = verdicts.expired(attempt.which, attempt.limit, attempt.cancelled_by)
        times = self._times(attempt)
        return self._make_record(verdict, attempt, times, None, self.observers.post)

    def _times(self, attempt: Attempt) -> Times:
        # Redis's clock is known by its last reply: it may seem to go back a little.
        return Times(attempt.started, max(self._clock.now(), attempt.started or 0))

    def _release(self, release: Release[Attempt]) -> bool:
        released = self._attempts.release(release.attempt)
        if released:
            self.recorder.release(release)
        return released

    def _record(
        self, verdict: Verdict, attempt: Attempt, times: Times, handler: Handler | None
    ) -> None:
        record = self._make_record(verdict, attempt, times, handler, self.observers.tell)
        if record:
            self.recorder.put(record)

    def _make_record(
        self,
        verdict: Verdict,
        attempt: Attempt,
        times: Times,
        handler: Handler | None,
        tell: Callable[[JobEnded], None],
    ) -> Record[Attempt] | None:
        """Write the result, and conclude the attempt; None if another thread has concluded it."""
        if attempt.other_format and self._options.write:
            if verdict.record is None:  # nobody's code may run now
                verdict, payload = self._options.write(verdict, _bare(attempt), times)
            else:
                payload = verdict.record
        else:
            verdict, payload = verdicts.encode_outcome(
                verdict, attempt, times, self.worker, self._queue
            )
        if not self._attempts.record(attempt):
            return None
        attempt.times = times
        if self._tell_ends:
            tell(JobEnded(attempt, verdict, times))
        keep = handler.keep if handler and handler.keep is not None else self._options.keep
        keep_in_progress = handler.keep_in_progress if handler else 0.0
        group, name = verdict.group, attempt.name
        return Record(attempt, verdict.status, payload, keep, keep_in_progress, group, name)

    def _write_other_format(self, result: ExecutionResult, attempt: Attempt) -> None:
        """Write the whole result in the format of its producer."""
        if is_a(result.error, asyncio.CancelledError):
            return  # it may be run again
        assert self._options.write is not None
        if result.error is not None:
            result.info = describe(result.error)
        attempt.raised = result.error
        times = self._times(attempt)
        verdict, result.record = self._options.write(verdicts.verdict(result), attempt, times)
        if verdict.status == "failed":
            result.info = verdict.fields["error"]


def _bare(attempt: Attempt) -> Attempt:
    """Leave out arguments whose own code would run when they are written."""
    job = attempt.job
    if job is None or is_data([job.args, job.kwargs]):
        return attempt
    return replace(attempt, job=job.model_copy(update={"args": [], "kwargs": {}}))
