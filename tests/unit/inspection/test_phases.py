"""The phases of a slot, whatever state it is in."""

from dataclasses import replace

import pytest

from gatherq.contract.outcomes import Cancelled, Lost
from gatherq.inspection.phases import phases_of
from gatherq.inspection.slot_info import SlotInfo

from .samples import START, at, ended, failure


def told(slot):
    return [(each.kind, each.seconds) for each in phases_of(slot)]


def test_it_waits_and_runs():
    assert told(ended(started=1, finished=4)) == [("queued", 1), ("run", 3)]


def test_it_backs_off_between_attempts():
    slot = ended(started=5, finished=9, history=[failure("refused", 1, 3)])
    assert told(slot) == [("queued", 1), ("run", 2), ("back-off", 2), ("run", 4)]
    _, run, _, last = phases_of(slot)
    assert (run.error, run.status, run.worker) == ("OSError: refused", "failed", "w1")
    assert (last.status, last.error, last.worker) == ("succeeded", "", "w2")


def test_it_ended_while_it_waited():
    assert told(ended(kind=Cancelled, started=None, finished=3, by="me")) == [("queued", 3)]
    slot = ended(kind=Cancelled, started=None, finished=7, by="me", history=[failure("x", 1, 3)])
    assert told(slot) == [("queued", 1), ("run", 2), ("back-off", 4)]


def test_a_lost_slot_has_its_last_attempt_once():
    deaths = [failure("died", 1, 2), failure("died", 4, 6, attempt=2)]
    slot = ended(kind=Lost, started=4, finished=6, history=deaths, attempts=2)
    slot = replace(slot, attempt=2)
    assert told(slot) == [("queued", 1), ("run", 1), ("back-off", 2), ("run", 2)]
    assert [each.attempt for each in phases_of(slot) if each.kind == "run"] == [1, 2]
    *_, last = phases_of(slot)
    assert (last.status, last.error) == ("lost", "OSError: died")
    of_history_alone = replace(slot, attempt=3, started=None)  # the worker of the third refused it
    assert [each.attempt for each in phases_of(of_history_alone) if each.kind == "run"] == [1, 2]


@pytest.mark.parametrize(
    ("status", "last"), [("retrying", "back-off"), ("waiting", "back-off"), ("running", "run")]
)
def test_what_has_not_ended_is_open(status, last):
    history = (failure("x", 1, 3),)
    slot = SlotInfo(batch="b", slot=0, status=status, enqueued=START, history=history, attempt=2)
    *_, phase = phases_of(slot)
    assert (phase.kind, phase.finished) == (last, None)


def test_of_what_is_queued_and_of_what_nobody_could_read():
    queued = SlotInfo(batch="b", slot=0, status="queued", enqueued=at(0))
    assert told(queued) == [("queued", None)]
    assert phases_of(SlotInfo(batch="", slot=0, status="ended", arq_id="x")) == []


def test_what_a_redrive_queued_again_stands_in_order_of_time():
    """When it was queued at first nobody knows any more; that is no back-off."""
    before = [failure("x", 1, 3), failure("y", 4, 5, attempt=2)]
    slot = replace(ended(started=12, finished=14, history=before), enqueued=at(10))
    assert told(slot) == [("run", 2), ("back-off", 1), ("run", 1), ("queued", 2), ("run", 2)]
    waits = SlotInfo(
        batch="b", slot=0, status="retrying", enqueued=at(10), history=tuple(before), attempt=2
    )
    assert told(waits) == [("run", 2), ("back-off", 1), ("run", 1), ("queued", None)]
    times = [each.started for each in phases_of(slot)]
    assert times == sorted(times)


def test_an_attempt_that_was_lost_before_a_redrive_stands_once():
    deaths = [failure("died", 4, 6, attempt=2), failure("died", 4, 6, attempt=2)]
    slot = replace(ended(started=12, finished=14, history=deaths), enqueued=at(10))
    assert told(slot) == [("run", 2), ("queued", 2), ("run", 2)]
