"""What follows an execution: an outcome on its way, or another attempt."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from gatherq.contract.records import Times, Verdict, encode_attempt
from gatherq.contract.remote_errors.attributes import is_a
from gatherq.contract.remote_errors.capture import describe, is_data, say
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.contract.values.codec import encode
from gatherq.store.jobs import Record, Release
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.options import EngineOptions
from gatherq_worker.execution.processes import ProcessDied
from gatherq_worker.execution.result import ExecutionResult, ResultWriter, Writer, write_result
from gatherq_worker.registry import Handler, UnknownJob

from . import verdicts
from .recorder import Recorder
from .retry_policy import delay_after

logger = logging.getLogger("gatherq.worker")


class Finalizer:
    """Hands over to the recorder, each attempt once."""

    def __init__(
        self,
        policy: EngineOptions,
        recorder: Recorder,
        now: Callable[[], int],
        worker: str,
        queue: str,
    ) -> None:
        self._policy, self._recorder, self._now = policy, recorder, now
        self._worker, self._queue = worker, queue

    @property
    def writer(self) -> ResultWriter:
        """What writes the end of an execution, where and while the job's code may run."""
        foreign, look = self._policy.write and self._put_down_foreign, self._policy.watch.look
        return Writer(foreign, look) if foreign or look else write_result

    def settle(
        self, ending: ExecutionResult, attempt: Attempt, most: int, handler: Handler
    ) -> None:
        """Give the attempt back to be followed by another, or hand over what became of it."""
        times = self._times(attempt)
        if ending.error is None and not ending.expired:  # the common case
            self._hand_over(verdicts.verdict(ending), attempt, times, handler)
            return
        if is_a(ending.error, ProcessDied) and not ending.expired:
            self._died(str(ending.error), attempt, most, handler, times)
            return
        asked = self._asked(ending, handler)
        delay = delay_after(ending, attempt, most, handler.rules, lambda error: asked)
        told = asked if delay is None else delay
        if told is not None:
            error = TimeoutError() if ending.error is None else ending.error
            self._policy.watch.retrying(attempt, error, told, times)
        if delay is not None:
            self._give_back(ending, attempt, delay, times)
            return
        attempt.raised = ending.error
        verdict = verdicts.verdict(ending) if asked is None else verdicts.retries_exceeded(most)
        self._hand_over(verdict, attempt, times, handler)

    def _times(self, attempt: Attempt) -> Times:
        # Redis's clock is known by its last reply: it may seem to go back a little.
        return Times(attempt.started, max(self._now(), attempt.started or 0))

    def refuse(self, attempt: Attempt, error: BaseException) -> None:
        """Fail what cannot be run."""
        kind = "UnknownJob" if isinstance(error, UnknownJob) else type(error).__name__
        kind = kind if attempt.job else "UnreadableJob"
        self._policy.watch.refused(attempt, error)
        self.not_run(verdicts.failed(kind, say(error)), attempt)

    def not_run(self, verdict: Verdict, attempt: Attempt, handler: Handler | None = None) -> None:
        """Hand over the outcome of what was not executed."""
        self._hand_over(verdict, attempt, Times(None, self._now()), handler)

    def put_off(self, attempt: Attempt, delay: float) -> None:
        """Give back what could not begin here; it is not charged."""
        attempt.given_back = True
        self._recorder.give_back(Release(attempt, delay))

    def cut_short(self, attempt: Attempt, error: BaseException | None = None) -> None:
        """Hand over what had no chance to: it was cancelled, or failed by a fault of ours."""
        if attempt.settled:
            return
        error = asyncio.CancelledError() if error is None else error
        ending = ExecutionResult(error=error, cancelled_by=attempt.cancelled_by)
        self.not_run(verdicts.verdict(ending), attempt)

    def time_out(self, attempt: Attempt) -> Record[Attempt] | None:
        """Make the outcome of an attempt that does not end when asked to; None if it has one."""
        if attempt.settled:
            return None
        by = attempt.cancelled_by
        late = verdicts.timed_out(attempt.which, attempt.limit or 0.0)
        times = self._times(attempt)
        return self._made(verdicts.cancelled(by) if by else late, attempt, times)

    def _asked(self, ending: ExecutionResult, handler: Handler) -> float | None:
        """Return the seconds after which an error of arq's asks to run again, or None."""
        if ending.error is None or ending.expired or ending.cancelled_by:
            return None
        if is_a(ending.error, asyncio.CancelledError) and not handler.takes_ctx:
            return None  # arq runs a function that cancels itself again; a job is then cancelled
        return self._policy.retry_delay(ending.error)

    def _died(self, how: str, attempt: Attempt, most: int, handler: Handler, times: Times) -> None:
        """Give back a job whose own process died, or give it up."""
        error = ErrorInfo(type="WorkerDied", message=how)
        entry = encode_attempt(attempt.number, self._worker, "died", error, times)
        if attempt.number < most:
            self._recorder.give_back(Release(attempt, charge=True, entry=entry))
            attempt.given_back = True
        else:
            attempt.remember([*map(encode, attempt.history), entry])
            self._hand_over(verdicts.lost(attempt.number), attempt, times, handler)

    def _give_back(
        self, ending: ExecutionResult, attempt: Attempt, delay: float, times: Times
    ) -> None:
        verdict = verdicts.verdict(ending)
        error = verdict.fields.get("error") or verdicts.info(verdict)
        status = "timed_out" if ending.expired else "failed"
        entry = encode_attempt(attempt.number, self._worker, status, error, times)
        attempt.given_back = True
        self._recorder.give_back(Release(attempt, delay, charge=True, entry=entry))

    def _hand_over(
        self, verdict: Verdict, attempt: Attempt, times: Times, handler: Handler | None
    ) -> None:
        record = self._made(verdict, attempt, times, handler)
        if record:
            self._recorder.put(record)

    def _made(
        self, verdict: Verdict, attempt: Attempt, times: Times, handler: Handler | None = None
    ) -> Record[Attempt] | None:
        """Make the record of an attempt; None if the watchdog has made it meanwhile."""
        if attempt.foreign and self._policy.write:
            if verdict.record is None:  # nobody's code may run now
                verdict, payload = self._policy.write(verdict, _bare(attempt), times)
            else:
                payload = verdict.record
        else:
            verdict, payload = verdicts.written(verdict, attempt, times, self._worker, self._queue)
        if attempt.settled:
            return None
        attempt.handed_over = True
        keep = handler.keep if handler and handler.keep is not None else self._policy.keep
        self._tell(attempt, verdict, times)
        mark = handler.mark if handler else 0.0
        return Record(attempt, verdict.status, payload, keep, mark)

    def _tell(self, attempt: Attempt, verdict: Verdict, times: Times) -> None:
        """Tell of an end, once, although its record may have to be made again."""
        if attempt.told:
            return
        attempt.told = True
        try:
            self._policy.watch.ended(attempt, verdict, times)
        except Exception:
            logger.exception("job %s: its end cannot be told", attempt.job_id)

    def _put_down_foreign(self, ending: ExecutionResult, attempt: Attempt) -> None:
        """Write the whole result in the format of its producer."""
        if is_a(ending.error, asyncio.CancelledError):
            return  # it may be run again
        assert self._policy.write is not None
        if ending.error is not None:
            ending.info = describe(ending.error)
        attempt.raised = ending.error
        times = self._times(attempt)
        verdict, ending.record = self._policy.write(verdicts.verdict(ending), attempt, times)
        if verdict.status == "failed":
            ending.info = verdict.fields["error"]


def _bare(attempt: Attempt) -> Attempt:
    """Leave out arguments whose own code would run when they are written."""
    job = attempt.job
    if job is None or is_data([job.args, job.kwargs]):
        return attempt
    return replace(attempt, job=job.model_copy(update={"args": [], "kwargs": {}}))
