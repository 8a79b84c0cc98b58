"""An attempt: who must run apart, by what its history says of deaths (docs/timeouts.md)."""

import json

import pytest

from gatherq.store.claims import ClaimedJob
from gatherq_worker.attempt import Attempt


def after(*entries):
    """Read the attempt that follows these."""
    numbered = [{"attempt": n, **entry} for n, entry in enumerate(entries, 1)]
    history = [json.dumps(entry).encode() for entry in numbered]
    return Attempt.read(ClaimedJob("b:1", len(entries) + 1, b"{}", history=history))


ALONE = {"status": "died"}
BESIDE = {"status": "died", "beside": 29}
KILLED = {"status": "died", "killed": True}
LAPSED = {"status": "died", "lapsed": True}
FAILED = {"status": "failed"}


@pytest.mark.parametrize(
    ("history", "suspect"),
    [
        ([], False),
        ([FAILED], False),
        ([ALONE], True),
        ([BESIDE], True),
        ([KILLED], False),
        ([KILLED | BESIDE], False),
        ([LAPSED], False),
        ([BESIDE, BESIDE], True),
        ([LAPSED, FAILED, KILLED], True),
        ([ALONE, FAILED], True),
        ([BESIDE, FAILED], True),
    ],
)
def test_who_must_run_apart(history, suspect):
    assert after(*history).suspect is suspect


def test_damaged_entries_are_left_out():
    junk = [b"\xff", b"[]", b"{}", b'{"attempt":1,"status":"?"}', b'{"attempt":1,"status":"died"}']
    attempt = Attempt.read(ClaimedJob("b:1", 2, b"{}", history=junk))
    assert [entry["status"] for entry in attempt.history] == ["died"]


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (None, "expired or was deleted"),
        (b"\x80\x04junk", "it is pickled"),
        (b"[" * 100_000, "its data is damaged"),
        (b"\xff", "its data is damaged"),
    ],
)
def test_what_cannot_be_read_says_why(payload, problem):
    attempt = Attempt.read(ClaimedJob("b:1", 1, payload))
    assert attempt.job is None
    assert problem in attempt.problem


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (("b", 1), ""),
        (("b", 2), "its data is of another job"),
        (("c", 1), "its data is of another job"),
        (None, "its data is of another job"),  # one of arq's
    ],
)
def test_the_data_of_another_slot_is_not_run_in_its_place(written, problem):
    fields = b',"batch":"%b","slot":%d' % (written[0].encode(), written[1]) if written else b""
    data = b'{"f":"f","a":[],"k":{},"t":null,"timeout":null%b,"et":1}' % fields
    attempt = Attempt.read(ClaimedJob("b:1", 1, data, batch="b", slot=1))
    assert attempt.problem == problem
    assert (attempt.job is None) == bool(problem)


@pytest.mark.parametrize(
    ("priority", "score", "due"),
    [
        (3, 1_795_878_000_000 - 3 * 3_600_000, 1_795_878_000_000),
        (3, 1_795_878_060_000, 1_795_878_060_000),  # it was delayed: there is no advance
        (0, 1_795_878_000_000, 1_795_878_000_000),
    ],
)
def test_a_wait_counts_from_when_the_job_was_to_run_whatever_its_priority(priority, score, due):
    data = b'{"f":"f","a":[],"k":{},"priority":%d,"et":1795878000000}' % priority
    assert Attempt.read(ClaimedJob("b:1", 1, data, score)).score == due
