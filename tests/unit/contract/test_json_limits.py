"""What is written can be read again, and what is read is limited before it is decoded."""

import json
import time
from typing import Any

import pytest

from gatherq import Call, call
from gatherq.client.job_encoding import encode_all
from gatherq.contract import records
from gatherq.contract.job_definition import JobDefinition
from gatherq.contract.validation import MAX_PAYLOAD
from gatherq.contract.values import codec
from gatherq.contract.values.json_limits import (
    MAX_CONTAINERS,
    MAX_DIGITS,
    MAX_NESTING,
    Unreadable,
    check_bulk,
    check_readable,
)
from gatherq.errors import InvalidCall, PayloadTooLarge
from gatherq_worker.attempt import Attempt, ClaimedJob
from gatherq_worker.execution.result import Unwritable, write_value
from gatherq_worker.registry import Handler, Registry, UnknownJob


def nested(levels: int, of: Any = 0) -> Any:
    for level in range(levels):
        of = [of] if level % 2 else {"a": of}
    return of


def read(payload: bytes) -> Attempt:
    return Attempt.read(ClaimedJob("j", 1, payload))


GOOD = {
    "digits": 10 ** (MAX_DIGITS - 1),
    "negative": -(10 ** (MAX_DIGITS - 1)),
    "digits in text": "1" * 10_000,
    "nested": nested(MAX_NESTING - 2),
    "wide": [{"a": [1]}] * 5_000,
    "brackets in text": "[{" * 1_000_000 + '\\"',
    "quotes": ['"[', '\\"[', "\\"] * 500,
    "numbers": list(range(50_000)),
}
BAD = {
    "digits": (10**MAX_DIGITS, "more than 4,300 digits"),
    "negative": (-(10**MAX_DIGITS), "more than 4,300 digits"),
    "more digits": ([1] * 100 + [10**50_000], "more than 4,300 digits"),
    "nested": (nested(MAX_NESTING + 1), "nested too deep"),
    "nested among others": ([[]] * 500 + [nested(MAX_NESTING)], "nested too deep"),
    "nested and brackets in text": (["[" * 10, nested(MAX_NESTING)], "nested too deep"),
    "containers": ([[]] * (MAX_CONTAINERS + 1), "lists and objects, the limit is 500,000"),
    "objects": ([{}] * (MAX_CONTAINERS + 1), "lists and objects, the limit is 500,000"),
}


@pytest.mark.parametrize("value", GOOD.values(), ids=GOOD)
def test_what_can_be_read_goes_there_and_back(value):
    (job,) = encode_all([call("f", value)], "b", None)
    attempt = read(job + b',"et":1}')
    assert attempt.job is not None, attempt.problem
    assert attempt.job.args == [value]
    assert codec.from_json(write_value(value)) == value


@pytest.mark.parametrize(("value", "words"), BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_refused_where_it_is_written(value, words):
    with pytest.raises(InvalidCall, match=rf"slot 1: argument x= of f\(\.\.\.\), an? .*{words}"):
        encode_all([call("f"), call("f", 1, x=value)], "b", None)
    with pytest.raises(Unwritable, match=words):
        write_value(value)


def test_what_the_reader_says_of_anything_else_is_passed_on():
    with pytest.raises(Unreadable, match="invalid escape"):
        check_readable(b'["%b\\x"]' % (b"1" * 2 * MAX_DIGITS))


@pytest.mark.parametrize("levels", [MAX_NESTING - 2, MAX_NESTING - 1])
def test_what_is_accepted_at_the_edge_is_read_in_every_record(levels):
    value = nested(levels)
    try:
        (job,) = encode_all([call("f", value)], "b", None)
    except InvalidCall:
        assert levels == MAX_NESTING - 1
        return
    attempt = read(job + b',"et":1}')
    outcome = records.decode_result(
        records.encode_result(
            records.Verdict("succeeded", value, {}, write_value(value)),
            job_id="b:0",
            attempt=1,
            worker="w",
            job=attempt.job,
            call=attempt.call,
            times=records.Times(1, 2),
            queue="q",
        )
    )
    assert outcome.unwrap() == value


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (Call(5), "a job's name is text of 1 to 256 characters, not 5"),  # type: ignore[arg-type]
        (Call(b"f"), "a job's name is text"),  # type: ignore[arg-type]
        (Call(""), "not ''"),
        (Call("f" * 257), "not one of 257"),
        (Call("f", "text"), "the arguments are a str"),  # type: ignore[arg-type]
        (Call("f", None), "the arguments are a NoneType"),  # type: ignore[arg-type]
        (Call("f", (), {1: 2}), "the name of a keyword argument is text, not 1"),  # type: ignore[dict-item]
        (Call("f", (), [1]), "the keyword arguments are a list"),  # type: ignore[arg-type]
        (Call("f", timeout=float("inf")), "timeout must be more than 0"),
        (Call("f", timeout=-1), "timeout must be more than 0"),
        (Call("f", queue_timeout="1"), "queue_timeout must be a number"),  # type: ignore[arg-type]
    ],
)
def test_what_no_worker_could_read_is_no_call(bad, words):
    with pytest.raises(InvalidCall, match=f"slot 1: .*{words}"):
        encode_all([call("f"), bad], "b", None)


def test_a_size_is_refused_as_a_size():
    with pytest.raises(PayloadTooLarge, match=r"slot 0: f\(\.\.\.\) is 8,3"):
        encode_all([call("f", "x" * MAX_PAYLOAD)], "b", None)


EMPTY = b"[],"
HUGE = {
    "long": (b'{"f":"%b","a":[],"k":{},"et":1}' % (b"x" * MAX_PAYLOAD * 2), "bytes, the limit is"),
    "lists": (b'{"f":"f","a":[%b[]],"k":{},"et":1}' % (EMPTY * 2_000_000), "lists and objects"),
    "open": (b"[" * 7_000_000, "lists and objects"),
    "no JSON": (b'"[{' * 2_000_000, "lists and objects"),
    "digits": (b'{"f":"f","a":[%b],"k":{},"et":1}' % (b"1" * 5_000), "number out of range"),
    "deep": (b'{"f":"f","a":%b,"k":{},"et":1}' % (b"[" * 400 + b"]" * 400), "recursion"),
}


@pytest.mark.parametrize(("payload", "words"), HUGE.values(), ids=HUGE)
def test_a_worker_reads_nothing_that_is_too_much(payload, words):
    attempt = read(payload)
    assert attempt.job is None
    assert words in attempt.problem
    assert len(attempt.problem) < 1000


def test_a_collector_reads_nothing_that_is_too_much():
    for payload in (b" " * 20_000_000, b"[" * 600_000):
        with pytest.raises(Unreadable):
            records.decode_result(payload)
        with pytest.raises(ValueError, match="limit|JSON|EOF"):
            records.EndedResult.read(payload)


def test_a_long_name_is_not_carried_around():
    name = "x" * 7_000_000
    attempt = read(b'{"f":"%b","a":[],"k":{},"et":1}' % name.encode())
    assert attempt.job is not None
    assert len(attempt.name) < 300
    result = records.encode_result(
        records.Verdict("failed", "", {"error": {"type": "UnknownJob", "message": ""}}),
        job_id="x",
        attempt=1,
        worker="w",
        job=attempt.job,
        call=attempt.call,
        times=records.Times(None, 1),
        queue="q",
    )
    assert len(result) < 1000
    with pytest.raises(UnknownJob) as raised:
        Registry([Handler(JobDefinition("f"), nested)]).find(name)
    assert len(str(raised.value)) < 1000


def test_a_result_repeats_nothing_but_the_call():
    inner = {"q": 1, "t": None, "timeout": 5}
    record = {"t": None, "timeout": 3, "f": "f", "a": [inner], "k": {}, "et": 1}
    for order in (list(record), ["f", "a", "k", "t", "timeout", "et"], ["f", "k", "et", "a"]):
        attempt = read(codec.encode({name: record[name] for name in order}))
        assert json.loads(b"{%b}" % attempt.call) == {"f": "f", "a": [inner], "k": {}}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"\x80\xff",
        b"[" * 100_000,
        b'{"attempt":1,"status":"failed","x":' + b"[" * 190 + b"]" * 190 + b"}",
        b'{"attempt":%b,"status":"failed"}' % (b"1" * 5_000),
        b'{"attempt":1,"status":"failed","worker":"%b"}' % (b"x" * 2_000_000),
        b'{"attempt":{},"status":"failed"}',
        b'{"attempt":1,"status":"failed","error":{"type":1}}',
    ],
    ids=range(9),
)
def test_a_damaged_history_is_left_out(raw):
    attempt = read(b"{}")
    attempt.remember([raw, b'{"attempt":"2","status":"died"}'])
    assert attempt.history == ({"attempt": 2, "status": "died"},)


def test_the_check_costs_next_to_nothing():
    small = codec.encode({"a": [1, 2, 3], "b": "xyz"})
    hostile = [
        b'"[{' * 2_000_000,
        b"[" * 400_000 + b"]" * 400_000,
        b'{"a":"' + b'\\"[[' * 1_000_000,
    ]
    started = time.process_time()
    for _ in range(1000):
        check_readable(small)
    assert time.process_time() - started < 0.1
    for payload in hostile:
        started = time.process_time()
        with pytest.raises(Unreadable):
            check_readable(payload)
        assert time.process_time() - started < 5
    check_bulk(b"[" * MAX_CONTAINERS)
