"""From bytes to an outcome: what cannot be read is one slot's failure."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from gatherq.client.collection.result_reader import lost, outcome_of, unreadable
from gatherq.contract import records
from gatherq.contract.keys import KeySpace
from gatherq.contract.outcomes import Cancelled, Failed, Lost, Succeeded, TimedOut
from gatherq.contract.records import MAX_RECORD

KEYS = KeySpace()


def record(**changes):
    raw = records.encode_result(
        records.Verdict("succeeded", 42),
        job_id="b:7",
        attempt=2,
        worker="w",
        job=None,
        batch="b",
        slot=7,
        times=records.Times(1_700_000_000_000, 1_700_000_001_000),
        queue="q",
    )
    return json.dumps({**json.loads(raw), "f": "chop", **changes}).encode()


def deep(levels):
    return record(r=0).replace(b'"r": 0', b'"r": ' + b"[" * levels + b"]" * levels)


DAMAGED = {
    "empty": b"",
    "garbage": b"garbage",
    "binary": b"\x80\x04\x95\xff",
    "cut off": record()[:-20],
    "a list": b"[1,2]",
    "null": b"null",
    "a string": b'"x"',
    "an unknown status": record(status="zero"),
    "no status": record(status=None),
    "a status of another type": record(status={"a": 1}),
    "of another job": record(id="b:8"),
    "of another batch": record(id="c:7"),
    "an id of another type": record(id=7),
    "an endless id": record(id="x" * 100_000),
    "an attempt of many digits": record(t=0).replace(b'"t": 0', b'"t": ' + b"9" * 5000),
    "a value of many digits": record().replace(b'"r": 42', b'"r": ' + b"9" * 5000),
    "a time out of range": record(ft=10**30),
    "a time that is none": record(et="yesterday"),
    "a lone surrogate": record(r="x").replace(b'"x"', b'"\\ud800"'),
    "not UTF-8": record(r="x").replace(b'"x"', b'"\xff"'),
    "NaN for a worker": record(worker=float("nan")),
    "a history that is none": record(history="x"),
    "too deep": deep(100_000),
    "failed without an error": record(status="failed"),
    "timed out by what": record(status="timed_out", which="whim", limit=1),
}


@pytest.mark.parametrize("raw", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_record_is_that_slots_failure(raw):
    before = datetime.now(UTC)
    outcome = outcome_of(raw, KEYS, "b", 7, None)
    assert isinstance(outcome, Failed)
    assert (outcome.slot, outcome.job_id, outcome.worker) == (7, "b:7", "")
    assert outcome.error.type == "UnreadableResult"
    assert f"arq:result:b:7, {len(raw):,} bytes, cannot be read: " in outcome.error.message
    assert len(outcome.error.message) < 500
    assert outcome.finished <= before + timedelta(minutes=1)
    with pytest.raises(Exception, match="UnreadableResult"):
        outcome.unwrap()


def test_a_record_that_is_too_large_is_not_decoded(monkeypatch):
    monkeypatch.setattr(records, "decode_result", lambda raw: pytest.fail("decoded"))
    raw = b'"' + b"x" * MAX_RECORD
    error = outcome_of(raw, KEYS, "b", 7, None).error
    assert error.type == "UnreadableResult"
    assert f"{len(raw):,} bytes" in error.message


def test_what_a_damaged_record_tells_is_kept():
    outcome = outcome_of(record(status="zero", ft="never"), KEYS, "b", 7, None)
    assert (outcome.name, outcome.attempt) == ("chop", 2)
    assert outcome.enqueued == datetime.fromtimestamp(1_700_000_001, UTC)
    assert outcome.finished > datetime(2025, 1, 1, tzinfo=UTC)  # not known: now


def test_the_place_of_a_record_is_its_slot():
    outcome = outcome_of(record(slot=3, batch=None), KEYS, "b", 7, None)
    assert (outcome.slot, outcome.value) == (7, 42)
    assert outcome_of(record(slot=10**30), KEYS, "b", 7, None).slot == 7


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Failed, {"status": "failed", "error": {"type": "E", "message": "m"}}),
        (TimedOut, {"status": "timed_out", "which": "queue", "limit": 1.5}),
        (Cancelled, {"status": "cancelled", "by": "policy"}),
        (Lost, {"status": "lost", "attempts": 2}),
    ],
)
def test_a_sound_record_is_read_and_not_decoded_further(kind, fields):
    outcome = outcome_of(record(**fields), KEYS, "b", 7, lambda value: pytest.fail("decoded"))
    assert type(outcome) is kind


class Panic(BaseException):
    """As pydantic's PanicException: no Exception."""


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("not even that")


@pytest.mark.parametrize(
    "error",
    [ValueError("no"), ZeroDivisionError(), RecursionError("deep"), Panic("rust"), Unprintable()],
)
def test_whatever_a_decoder_raises_is_that_slots_failure(error):
    def decode(value):
        raise error

    outcome = outcome_of(record(), KEYS, "b", 7, decode)
    assert isinstance(outcome, Failed)
    assert outcome.error.type == "UnreadableResult"
    assert f"made the annotated type: {type(error).__name__}" in outcome.error.message
    assert (outcome.worker, outcome.name, outcome.attempt) == ("w", "chop", 2)


def test_a_value_of_another_type_is_a_type_error():
    outcome = outcome_of(record(r="x"), KEYS, "b", 7, TypeAdapter(int).validate_python)
    assert outcome.error.type == "TypeError"
    assert "not of the annotated type" in outcome.error.message
    with pytest.raises(ValidationError):
        TypeAdapter(int).validate_python("x")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_what_ends_the_reader_passes(error):
    def decode(value):
        raise error

    with pytest.raises(error):
        outcome_of(record(), KEYS, "b", 7, decode)


def test_a_result_that_is_gone_or_of_another_type():
    assert lost(KEYS, "b", 7).error.type == "LostResult"
    assert "arq:result:b:7 was deleted" in lost(KEYS, "b", 7).error.message
    outcome = unreadable(KEYS, "b", 7, "it is no string")
    assert outcome.error.message == "arq:result:b:7, cannot be read: it is no string"
    assert isinstance(outcome_of(record(), KEYS, "b", 7, str), Succeeded)
