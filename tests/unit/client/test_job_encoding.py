"""Calls as JSON, and their chunks."""

import json

import pytest

from gatherq import call
from gatherq.client import job_encoding
from gatherq.contract.jobs import Call
from gatherq.errors import InvalidCall, PayloadTooLarge


def test_a_chunk_has_at_most_400_jobs():
    chunks = list(job_encoding.chunks([b"x"] * 900))
    assert [(first, len(jobs)) for first, jobs in chunks] == [(0, 400), (400, 400), (800, 100)]


def test_a_chunk_has_at_most_a_mebibyte_unless_one_job_is_larger():
    jobs = [b"x" * size for size in (600_000, 600_000, 3_000_000, 10)]
    chunks = list(job_encoding.chunks(jobs))
    assert [(first, len(jobs)) for first, jobs in chunks] == [(0, 1), (1, 1), (2, 1), (3, 1)]


def test_a_batch_of_no_jobs_is_one_empty_chunk():
    assert list(job_encoding.chunks([])) == [(0, [])]


def test_the_shortest_queue_timeout_of_calls_and_batch():
    calls = [call("f"), call("f").with_queue_timeout(3)]
    assert job_encoding.shortest_queue_timeout(calls, None) == 3
    assert job_encoding.shortest_queue_timeout(calls, 2) == 2
    assert job_encoding.shortest_queue_timeout([call("f")], None) is None


def test_a_call_that_is_encoded_keeps_its_limits():
    items = iter([1, 2])
    first = Call("f", (items,), {"x": 1}, 2.0, None, 3.0)
    encoded = job_encoding.encode_once(first)
    assert (encoded.name, encoded.timeout, encoded.queue_timeout) == ("f", 2.0, 3.0)
    for batch in ("a", "b"):  # nothing is read twice
        (job,) = job_encoding.encode_all([encoded], batch, None)
        record = json.loads(job + b"}")
        assert (record["a"], record["k"], record["batch"]) == ([[1, 2]], {"x": 1}, batch)
        assert (record["timeout"], record["queue_timeout"]) == (2.0, 3.0)


def test_digests_tell_jobs_by_name_and_arguments_alone():
    calls = [call("f", 1), call("f", 1).with_timeout(5), call("f", 2), call("g", 1)]
    digests = job_encoding.digests(job_encoding.encode_all(calls, "b", None))
    each = [digests[8 * n : 8 * n + 8] for n in range(4)]
    assert each[0] == each[1]
    assert len({*each}) == 3


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (Call("", ()), "slot 1: a job's name is text"),
        (Call("f", {1}), "slot 1: the arguments are a set"),
        (Call("f", (), [1]), "slot 1: the keyword arguments are a list"),
        (Call("f", (), {1: 1}), "slot 1: the name of a keyword argument is text"),
        (Call("f", (), None, -1), "slot 1: timeout must be"),
        (call("f", object()), r"slot 1: argument 0 of f\(...\), an object"),
        (call("f", x=object()), r"slot 1: argument x= of f\(...\), an object"),
        (
            call("f", Call("g", function=print)),
            r"slot 1: argument 0 of f\(...\), a Call, cannot travel: a job takes values, so await "
            "it first, and give its result",
        ),
    ],
)
def test_a_bad_call_is_named_by_its_slot(bad, message):
    with pytest.raises(InvalidCall, match=message) as caught:
        job_encoding.encode_all([call("f"), bad], "b", None)
    assert caught.value.slot == 1


def test_a_call_that_is_too_large_is_named_with_both_sizes():
    with pytest.raises(PayloadTooLarge, match=r"slot 0: f\(...\)") as caught:
        job_encoding.encode_all([call("f", "x" * 9_000_000)], "b", None)
    assert caught.value.size > caught.value.limit
