"""Plain arq jobs: what can be read of them without a pickle."""

import json
import pickle

import pytest

from gatherq.contract.outcomes import Failed, Succeeded
from gatherq.inspection.arq_jobs import PICKLED, batch_of_one, read_arq_job
from gatherq.store.inspection.slot_records import SlotRecord

JOB = {"t": None, "f": "tidy", "a": [1], "k": {}, "et": 1_795_000_000_000}
RESULT = {**JOB, "t": 2, "s": True, "r": 7, "st": 1_795_000_000_500, "ft": 1_795_000_001_500}


class Bomb:
    """Does harm when it is unpickled."""

    def __reduce__(self):
        return pytest.fail, ("it was unpickled",)


def as_json(record):
    return json.dumps(record).encode()


def test_nothing_is_there():
    assert read_arq_job("x", SlotRecord(0)) is None


def test_a_job_in_json():
    slot = read_arq_job("x", SlotRecord(0, job=as_json(JOB), score=1_795_000_000_000.0))
    assert (slot.status, slot.call, slot.job_id, slot.unread) == ("queued", "tidy(1)", "x", "")
    slot = read_arq_job("x", SlotRecord(0, job=as_json(JOB), score=1.0, token=b"1"))
    assert slot.status == "running"
    batch = batch_of_one(slot, "q")
    assert (batch.id, batch.size, batch.running, batch.state, batch.arq) == (
        "x",
        1,
        1,
        "running",
        True,
    )


def test_a_result_in_json():
    slot = read_arq_job("x", SlotRecord(0, as_json(RESULT)))
    assert isinstance(slot.outcome, Succeeded)
    assert (slot.outcome.value, slot.took, slot.attempt, slot.job_id) == (7, 1, 2, "x")
    assert batch_of_one(slot, "q").state == "succeeded"
    slot = read_arq_job("x", SlotRecord(0, as_json({**RESULT, "s": False, "r": "no"})))
    assert isinstance(slot.outcome, Failed)
    assert slot.error_line == "Exception: no"
    assert batch_of_one(slot, "q").state == "failed"


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_never_read(protocol):
    raw = pickle.dumps({**RESULT, "r": Bomb()}, protocol)
    slot = read_arq_job("x", SlotRecord(0, raw))
    assert (slot.status, slot.unread, slot.outcome) == ("ended", PICKLED, None)
    batch = batch_of_one(slot, "q")
    assert (batch.state, batch.left, batch.bad) == ("ended", 0, 0)
    slot = read_arq_job("x", SlotRecord(0, job=raw, score=1.0))
    assert (slot.status, slot.unread) == ("queued", PICKLED)


@pytest.mark.parametrize("junk", [b"", b"x", b"[1]", b'{"s": 1}', b'{"s": true}', b"\xff\xfe"])
def test_junk_is_shown_as_something(junk):
    slot = read_arq_job("x", SlotRecord(0, junk))
    assert (slot.status, slot.outcome) == ("ended", None)
    assert slot.unread
    assert read_arq_job("x", SlotRecord(0, job=junk, score=1.0)).status == "queued"
