"""arq's worker as options of an engine."""

import asyncio
import math

import pytest
from arq.worker import Retry, RetryJob

from gatherq.contract.records import job_deserializer, job_serializer
from gatherq.store.claims import ClaimedJob
from gatherq_worker.arq.aborts import Aborts
from gatherq_worker.arq.codec import ArqCodec
from gatherq_worker.arq.job_log import ArqLog
from gatherq_worker.arq.options import engine_options, retry_delay
from gatherq_worker.arq.worker import Worker
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.observers import Observer

CODEC = ArqCodec(None, None, "q")


async def job(ctx):
    pass


async def options_of(**settings):
    return engine_options(Worker([job], handle_signals=False, **settings), CODEC)


@pytest.mark.parametrize(
    ("error", "delay"),
    [
        (Retry(2), 2.0),
        (Retry(), 0.0),
        (RetryJob(), 0.0),
        (asyncio.CancelledError(), 0.0),
        (ValueError(), None),
    ],
)
async def test_an_error_asks_for_a_further_attempt_in_arqs_way(error, delay):
    assert retry_delay(error) == delay
    assert (await options_of()).retry_delay(error) == delay
    assert (await options_of(retry_jobs=False)).retry_delay(error) is None


async def test_limits_and_formats_are_those_of_the_worker():
    options = await options_of(max_jobs=3, lease=2.0, job_timeout=7, keep_result=9)
    assert (options.concurrency, options.lease, options.timeout) == (3, 2.0, 7)
    assert (options.keep, options.aborts, options.read) == (9, None, CODEC.read)
    assert (await options_of(keep_result_forever=True)).keep == math.inf
    assert (await options_of(allow_abort_jobs=True)).aborts is Aborts


async def test_our_serializers_need_no_codec_and_a_burst_waits_for_no_other_worker():
    ours = {"job_serializer": job_serializer, "job_deserializer": job_deserializer}
    options = await options_of(**ours, burst=True, unknown_for=5.0)
    assert (options.read, options.write, options.unknown_for) == (Attempt.read, None, 0.0)


@pytest.mark.parametrize("job_log", [True, False])
async def test_jobs_are_logged_as_arq_does_if_that_is_asked_for(job_log):
    options = await options_of(job_log=job_log)
    assert any(isinstance(each, ArqLog) for each in options.observers) is job_log
    assert bool(options.look) is job_log


async def test_ctx_is_the_workers_and_says_which_job_it_is_of():
    worker = Worker([job], handle_signals=False, ctx={"mine": 1})
    attempt = Attempt.read(ClaimedJob("j", 2, None, score=5))
    ctx = engine_options(worker, CODEC).make_ctx(attempt)
    assert (ctx["mine"], ctx["job_id"], ctx["job_try"], ctx["score"]) == (1, "j", 2, 5)


async def test_observers_of_the_users_hear_after_the_workers_own():
    mine = [Observer(), Observer()]
    options = await options_of(observers=mine)
    assert list(options.observers[-2:]) == mine
    assert isinstance(options.observers[1], ArqLog)
