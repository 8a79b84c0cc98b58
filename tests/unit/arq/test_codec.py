"""Jobs and results in arq's formats, and in ours among them."""

import asyncio
import json
import pickle

import pytest
from arq.jobs import deserialize_result, serialize_job

from gatherq.contract import records
from gatherq.contract.records import Times, Verdict
from gatherq.contract.validation import MAX_JOB
from gatherq.store.claims import ClaimedJob
from gatherq_worker.arq.codec import WARNING, ArqCodec
from gatherq_worker.engine.conclusion import verdicts

PICKLE = ArqCodec(None, None, "q")
JSON = ArqCodec(lambda value: json.dumps(value).encode(), json.loads, "q")
TIMES = Times(2, 3)


def theirs(serializer=None, name="add", job_try=None):
    return serialize_job(name, (1,), {"b": 2}, job_try, 1000, serializer=serializer)


@pytest.mark.parametrize(
    ("codec", "payload"),
    [(PICKLE, theirs()), (JSON, theirs(lambda value: json.dumps(value).encode()))],
    ids=["pickle", "json"],
)
def test_a_job_of_theirs_is_read_in_their_format(codec, payload):
    attempt = codec.read(ClaimedJob("j", 2, payload))
    assert attempt.job
    assert attempt.other_format
    assert (attempt.name, attempt.job.args, attempt.job.kwargs) == ("add", [1], {"b": 2})
    assert (attempt.job.enqueued, attempt.job_try) == (1000, 2)


def test_a_job_of_a_batch_is_ours_whatever_the_serializers():
    ours = b'{"f":"add","a":[1],"k":{},"t":null,"batch":"b","slot":0,"et":1000}'
    for codec in (PICKLE, JSON):
        attempt = codec.read(ClaimedJob("b:0", 1, ours, batch="b"))
        assert attempt.job
        assert not attempt.other_format


def test_a_job_whose_data_is_gone_or_damaged_says_so():
    assert PICKLE.read(ClaimedJob("j", 1, None)).problem == "its data has expired or was deleted"
    damaged = PICKLE.read(ClaimedJob("j", 1, b"\x80no pickle"))
    assert damaged.job is None
    assert damaged.problem == "its data cannot be read by the worker's job_deserializer"
    large = PICKLE.read(ClaimedJob("j", 1, b"\x80" * (MAX_JOB + 1)))
    assert "the limit is" in large.problem


@pytest.mark.parametrize(
    ("verdict", "success", "value"),
    [
        (Verdict("succeeded", 3), True, 3),
        (verdicts.failed("ValueError", "no"), False, "ValueError: no"),
        (verdicts.failed("UnknownJob", "no"), False, "function 'add' not found"),
        (verdicts.retries_exceeded(2), False, "max 2 retries exceeded"),
        (verdicts.lost(3), False, "max 3 retries exceeded"),
        (verdicts.timed_out("execution", 1.0), False, TimeoutError),
        (verdicts.cancelled("producer"), False, asyncio.CancelledError),
    ],
)
def test_a_result_is_written_as_arq_writes_it(verdict, success, value):
    attempt = PICKLE.read(ClaimedJob("j", 1, theirs()))
    same, payload = PICKLE.write(verdict, attempt, TIMES)
    assert same is verdict
    result = deserialize_result(payload)
    assert (result.function, result.success, result.queue_name) == ("add", success, "q")
    if isinstance(value, type):
        assert isinstance(result.result, value)
    else:
        assert str(result.result) == str(value)


def test_a_result_that_is_too_large_says_so():
    attempt = PICKLE.read(ClaimedJob("j", 1, theirs()))
    large = Verdict("succeeded", "x" * (MAX_JOB + 1))
    verdict, payload = PICKLE.write(large, attempt, TIMES)
    assert (verdict.status, verdict.fields["error"].type) == ("failed", "ResultTooLarge")
    assert "bytes, the limit is" in deserialize_result(payload).result


def test_records_of_both_kinds_are_read():
    ours = records.job_serializer({"t": 1, "f": "add", "a": [1], "k": {}, "et": 1000})
    assert PICKLE.deserialize(ours)["f"] == "add"
    assert PICKLE.deserialize(theirs()) == pickle.loads(theirs())
    assert JSON.deserialize(b'{"any": "thing"}') == {"any": "thing"}


def test_pickle_is_warned_of_and_nothing_else(caplog):
    JSON.warn()
    assert not caplog.messages
    PICKLE.warn()
    assert caplog.messages == [WARNING]


def test_arqs_jobs_have_a_limit_too():
    opened = []
    arqs = ArqCodec(None, lambda payload: opened.append(payload) or {}, "q")
    attempt = arqs.read(ClaimedJob("x", 1, b"\x80" * (64 * 1024 * 1024 + 1)))
    assert attempt.job is None
    assert attempt.problem == "its data is 67,108,865 bytes, the limit is 67,108,864"
    assert opened == []
