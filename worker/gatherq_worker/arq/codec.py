"""Jobs and results in the format of arq's own producers: pickle, or their own serializer's.

A result has the format of its job: our JSON for jobs in JSON, arq's record for arq's. A worker
unpickles only if `--arq-pickle` says so, or arq's settings without a job_deserializer do.
"""

import asyncio
import logging
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from arq.jobs import (
    DeserializationError,
    Deserializer,
    Serializer,
    deserialize_job_raw,
    serialize_result,
)
from arq.worker import JobExecutionFailed

from gatherq.contract import records
from gatherq.contract.records import JobRecord, Times, Verdict
from gatherq.contract.remote_errors.attributes import is_a
from gatherq.contract.remote_errors.capture import DescribedError
from gatherq.contract.validation import MAX_JOB
from gatherq.store.claims import ClaimedJob
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.conclusion import verdicts

if TYPE_CHECKING:
    from gatherq.contract.remote_errors.error_info import ErrorInfo

logger = logging.getLogger("gatherq.worker")

WARNING = (
    "this worker accepts pickled jobs: whoever can write to this Redis can run any code here. "
    "Give producers and workers job_serializer=gatherq.wire.job_serializer and "
    "job_deserializer=gatherq.wire.job_deserializer once the queue has drained"
)


class ArqCodec:
    """Reads jobs and writes results with arq's serializers; None stands for pickle, as in arq."""

    def __init__(
        self, serializer: Serializer | None, deserializer: Deserializer | None, queue: str
    ) -> None:
        self._serializer, self._deserializer = serializer, deserializer
        self._queue = queue

    def read(self, claimed: ClaimedJob) -> Attempt:
        """Read a job in our format or in arq's; never raises."""
        payload = claimed.payload
        if payload is None or payload[:1] == b"{":
            attempt = Attempt.read(claimed)
            ours = attempt.job and (claimed.batch is not None or self._deserializer is None)
            if payload is None or ours:
                attempt.other_format = payload is None and claimed.batch is None
                return attempt
        if len(payload) > MAX_JOB:
            problem = f"its data is {len(payload):,} bytes, the limit is {MAX_JOB:,}"
            return Attempt.of(claimed, None, problem, other_format=claimed.batch is None)
        try:
            job = self._job(payload)
        except Exception as error:
            if payload[:1] == b"{" and attempt.job:
                return attempt
            logger.warning("job %s cannot be read: %r", claimed.job_id, error.__cause__ or error)
            problem = "its data cannot be read by the worker's job_deserializer"
            raised = DeserializationError("unable to deserialize job")
            other_format = claimed.batch is None
            attempt = Attempt.of(claimed, None, problem, other_format=other_format)
            attempt.raised = raised
            return attempt
        return Attempt.of(claimed, job, other_format=True)

    def write(self, verdict: Verdict, attempt: Attempt, times: Times) -> tuple[Verdict, bytes]:
        """Write a result in arq's format; one too large, or without such a form, is a failure."""
        payload = self._result(verdict, attempt, times, _value(verdict, attempt))
        if payload is not None and len(payload) <= MAX_JOB:
            return verdict, payload
        if verdict.status == "failed" and payload is not None:
            said = str(verdict.fields["error"])  # this text is cut, the error itself is not
            return verdict, self._result(verdict, attempt, times, JobExecutionFailed(said)) or b""
        size = "unwritable" if payload is None else f"{len(payload):,} bytes"
        text = f"the result is {size}, the limit is {MAX_JOB:,} bytes"
        verdict = verdicts.failed("ResultTooLarge", text)
        bare = replace(attempt, job=None) if payload is None else attempt
        return verdict, self._result(verdict, bare, times, text) or b""

    def deserialize(self, payload: bytes) -> dict[str, Any]:
        """Read a job or result in our format or arq's, for arq's `Job` and `all_job_results`."""
        if payload[:1] == b"{":
            try:
                return records.job_deserializer(payload)
            except ValueError:
                pass  # JSON of the user's serializer
        if self._deserializer is not None:
            return self._deserializer(payload)
        record: dict[str, Any] = pickle.loads(payload)
        return record

    def _job(self, payload: bytes) -> JobRecord:
        name, args, kwargs, job_try, enqueued = deserialize_job_raw(
            payload, deserializer=self._deserializer
        )
        return JobRecord.model_validate(
            {"f": name, "a": args, "k": kwargs, "t": job_try, "et": enqueued}
        )

    def _result(self, verdict: Verdict, attempt: Attempt, times: Times, value: Any) -> bytes | None:
        job = attempt.job
        return serialize_result(
            attempt.name,
            tuple(job.args) if job else (),
            job.kwargs if job else {},
            attempt.job_try,
            job.enqueued if job else 0,
            verdict.status == "succeeded",
            value,
            times.started or times.finished,
            times.finished,
            f"{attempt.job_id}:{attempt.name}",
            self._queue,
            attempt.job_id,
            serializer=self._serializer,
        )

    def warn(self) -> None:
        """Log what pickle means, if this worker reads it."""
        if self._deserializer is None:
            logger.warning(WARNING)


def _value(verdict: Verdict, attempt: Attempt) -> Any:
    """Return the result as arq's producers find it: the value, or an exception."""
    match verdict.status:
        case "succeeded":
            return verdict.result
        case "timed_out":
            return TimeoutError(verdict.result)
        case "cancelled":
            return asyncio.CancelledError()
        case "lost":
            return JobExecutionFailed(f"max {verdict.fields['attempts']} retries exceeded")
    error: ErrorInfo = verdict.fields["error"]
    if error.type == "RetriesExceeded":
        return JobExecutionFailed(error.message)
    known = attempt.raised is not None and not is_a(attempt.raised, DescribedError)
    return attempt.raised if known else JobExecutionFailed(_words(error, attempt))


def _words(error: "ErrorInfo", attempt: Attempt) -> str:
    match error.type:
        case "UnknownJob":
            return f"function {attempt.name!r} not found"
        case "UnreadableJob":
            return "job expired"
    return str(error)
