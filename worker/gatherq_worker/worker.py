"""arq's Worker with another engine inside. The only module on this side that knows arq."""

import asyncio
import logging
import os
import secrets
import signal
import socket
from collections.abc import Sequence
from typing import Any

import arq.worker
from arq.connections import ArqRedis, create_pool
from arq.utils import ms_to_datetime
from redis.asyncio import ConnectionPool

from gatherq.calls import JobDefinition
from gatherq.connection import SOCKET_TIMEOUT, packing
from gatherq.wire import job_deserializer, job_serializer

from .attempt import Attempt
from .engine import Engine
from .handlers import Handler, Handlers
from .run import Policy

logger = logging.getLogger("gatherq.worker")


class Worker(arq.worker.Worker):
    """Takes arq's arguments, and `lease`: seconds that a claim holds without renewal."""

    def __init__(
        self, functions: Sequence[Any] = (), *, lease: float = 5.0, **options: Any
    ) -> None:
        options.setdefault("job_serializer", job_serializer)
        options.setdefault("job_deserializer", job_deserializer)
        super().__init__(functions, **options)
        self.worker_id = f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(2)}"
        self.lease = lease
        self._engine: Engine | None = None
        self._stopping = False

    async def main(self) -> None:
        """Run until stopped; replaces arq's polling loop."""
        if self._pool is None:
            self._pool = await create_pool(
                self.redis_settings,
                job_serializer=self.job_serializer,
                job_deserializer=self.job_deserializer,
                default_queue_name=self.queue_name,
            )
        self.ctx["redis"] = self.pool
        if self.on_startup:
            await self.on_startup(self.ctx)
        handlers = Handlers(map(self._handler, self.functions.values()))
        self._engine = engine = Engine(
            make_pool=self._make_pool,
            worker=self.worker_id,
            queue=self.queue_name,
            handlers=handlers,
            policy=self._policy(),
            concurrency=self.max_jobs,
            lease=self.lease,
        )
        logger.info("worker %s runs %s", self.worker_id, ", ".join(h.name for h in handlers))
        beat = asyncio.create_task(self._arq_heart_beat())
        try:
            await engine.run(burst=self.burst, at_most=self.max_burst_jobs)
        except asyncio.CancelledError:
            logger.info("worker %s is asked to stop", self.worker_id)
        finally:
            beat.cancel()
            self.main_task = asyncio.current_task()
            await self._drain(engine)

    async def _drain(self, engine: Engine) -> None:
        try:
            await engine.drain(self._job_completion_wait)
        except asyncio.CancelledError:  # a second signal: at once
            await engine.drain(0)
        self.jobs_complete = engine.statuses.get("succeeded", 0)
        self.jobs_failed = sum(engine.statuses.values()) - self.jobs_complete

    def handle_sig(self, signum: signal.Signals) -> None:
        """Stop: drain within `job_completion_wait` seconds; a second signal stops at once."""
        if self.main_task:
            self.main_task.cancel()
        if self.on_stop:
            self.on_stop(signum)

    handle_sig_wait_for_completion = handle_sig

    async def _arq_heart_beat(self) -> None:
        """Keep arq's health key, and run its cron jobs."""
        while True:
            try:
                await self.heart_beat()
            except Exception as error:
                logger.debug("no heart beat: %s", error)
            await asyncio.sleep(0.5 if self.cron_jobs else 1.0)

    def _policy(self) -> Policy:
        return Policy(
            timeout=self.job_timeout_s,
            max_attempts=self.max_tries,
            keep=None if self.keep_result_forever else self.keep_result_s,
            retry_delay=_retry_delay if self.retry_jobs else lambda error: None,
            make_ctx=self._ctx_of,
            on_job_start=self.on_job_start,
            on_job_end=self.on_job_end,
            after_job_end=self.after_job_end,
        )

    def _handler(self, function: Any) -> Handler:
        definition = getattr(function.coroutine, "definition", None)
        if isinstance(definition, JobDefinition):
            return Handler.of(function.coroutine)
        return Handler(
            function.name,
            function.coroutine,
            function.timeout_s,
            function.max_tries,
            takes_ctx=True,
            keep=function.keep_result_s,
        )

    def _ctx_of(self, attempt: Attempt) -> dict[Any, Any]:
        enqueued = attempt.job.enqueued if attempt.job else 0
        return {
            **self.ctx,
            "job_id": attempt.job_id,
            "job_try": attempt.number,
            "enqueue_time": ms_to_datetime(enqueued),
            "score": enqueued,
        }

    def _make_pool(self) -> ConnectionPool:
        """Make connections of our own to the server that arq's pool talks to."""
        theirs = self.pool.connection_pool
        kwargs = {**theirs.connection_kwargs, "socket_timeout": min(SOCKET_TIMEOUT, self.lease)}
        return ConnectionPool(connection_class=packing(theirs.connection_class), **kwargs)


def _retry_delay(error: BaseException) -> float | None:
    if isinstance(error, arq.worker.Retry):
        return (error.defer_score or 0) / 1000
    return None


def arq_pool(pool: ConnectionPool, queue: str) -> ArqRedis:
    """Make the client that handlers find as `ctx["redis"]`."""
    return ArqRedis(
        pool,
        job_serializer=job_serializer,
        job_deserializer=job_deserializer,
        default_queue_name=queue,
    )
