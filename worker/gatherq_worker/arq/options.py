"""Options of an engine, as arq's worker has them: its settings, retries, formats, hooks and log."""

import asyncio
import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from arq.utils import ms_to_datetime
from arq.worker import JobExecutionFailed, Retry, RetryJob

from gatherq.contract.records import job_deserializer, job_serializer
from gatherq.contract.remote_errors.attributes import is_a
from gatherq.store.server.connection import address_of
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.job_log import JobLog
from gatherq_worker.engine.observers import Observer
from gatherq_worker.engine.options import LOOK_AGAIN, EngineOptions, Hooks
from gatherq_worker.telemetry.metering import meter_observers
from gatherq_worker.telemetry.sentry import sentry_observers
from gatherq_worker.telemetry.tracing import trace_observers

from .aborts import Aborts
from .codec import ArqCodec
from .job_log import ArqLog, Counters

if TYPE_CHECKING:
    from .worker import Worker

#: Seconds between two looks at the queue where functions of arq are: its producers wake nobody.
_LOOK_AGAIN = 0.5


def engine_options(worker: "Worker", codec: ArqCodec) -> EngineOptions:
    """Return the options that make an engine run as this worker says."""
    serializers = worker.job_serializer, worker.job_deserializer
    ours = serializers == (job_serializer, job_deserializer)
    log = ArqLog(worker) if worker.job_log else None
    return EngineOptions(
        concurrency=worker.max_jobs,
        lease=worker.lease,
        timeout=worker.job_timeout_s,
        max_attempts=worker.max_tries,
        keep=math.inf if worker.keep_result_forever else worker.keep_result_s,
        retry_delay=retry_delay if worker.retry_jobs else lambda error: None,
        make_ctx=partial(_make_ctx, worker),
        hooks=Hooks(worker.on_job_start, worker.on_job_end, worker.after_job_end),
        most_jobs=worker.most_jobs,
        most_memory=worker.most_memory,
        replicas=worker.replicas,
        statistics=worker.statistics,
        release=worker.retry_jobs,
        aborts=Aborts if worker.allow_abort_jobs else None,
        unknown_for=0.0 if worker.burst else worker.unknown_for,
        look_again=_LOOK_AGAIN if set(worker.functions) - worker.own_names else LOOK_AGAIN,
        read=Attempt.read if ours else codec.read,
        write=None if ours else codec.write,
        look=log.look if log else None,
        observers=(
            *_sentry(worker),  # first: the log of what it captures is no part of that
            *_opentelemetry(worker),
            *(Counters(worker), log or JobLog(every=worker.log_every_job)),
            *worker.observers,
        ),
    )


def _sentry(worker: "Worker") -> Sequence[Observer]:
    """Return what tells Sentry of the jobs, where the user's code has initialised it."""
    queue, functions, own = str(worker.queue_name), worker.functions, worker.own_names
    return sentry_observers(queue, functions, own, (JobExecutionFailed, Retry, RetryJob))


def _opentelemetry(worker: "Worker") -> Sequence[Observer]:
    """Return what makes spans and measures, where the user's code has set up OpenTelemetry."""
    functions = {name: entry.coroutine for name, entry in worker.functions.items()}
    queue, address = str(worker.queue_name), lambda: address_of(worker.pool)
    spans = trace_observers(queue, worker.worker_id, functions, address)
    return [*spans, *meter_observers(queue, address)]


def retry_delay(error: BaseException) -> float | None:
    """Return the delay in seconds that an error asks for in arq's way; None if it asks for none."""
    if is_a(error, Retry):
        return (error.defer_score or 0) / 1000
    return 0.0 if is_a(error, (RetryJob, asyncio.CancelledError)) else None


def _make_ctx(worker: "Worker", attempt: Attempt) -> dict[Any, Any]:
    return {
        **worker.ctx,
        "job_id": attempt.job_id,
        "job_try": attempt.job_try,
        "enqueue_time": ms_to_datetime(attempt.job.enqueued if attempt.job else 0),
        "score": attempt.score,
    }
