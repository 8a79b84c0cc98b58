"""What is hidden: in slots, groups, workers and whatever is made of them."""

import json
from dataclasses import replace

import pytest

from gatherq.contract.outcomes import Cancelled
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.inspection.error_group import ErrorGroup, add_slot, in_order
from gatherq.inspection.filters import read_slot_filters
from gatherq.inspection.json_records import slot_record
from gatherq.inspection.redaction.redaction import EVERYTHING, NOTHING, Redaction
from gatherq.inspection.redaction.values import HIDDEN
from gatherq.inspection.worker_info import Progress, RunningJob, WorkerInfo

from ..report.slots import attempt, ended, failed, lost, pending, succeeded, timed_out

CANARY = "tell-nobody"
TRACE = f'  File "/app/jobs.py", line 7, in fetch\n    raise ValueError\nValueError: {CANARY}\n'
ERROR = ErrorInfo(
    type="jobs.Refused",
    message=f"no {CANARY}",
    args=(CANARY,),
    traceback=TRACE,
    notes=(CANARY,),
    cause=ErrorInfo(type="OSError", message=CANARY, attributes={"filename": CANARY}),
    context=ErrorInfo(type="KeyError", message=CANARY),
    members=(ErrorInfo(type="ValueError", message=CANARY),),
)


def secretive(slot):
    return replace(slot, args=(1, {"token": CANARY}), kwargs={"password": CANARY})


def canaries():
    error = failed(1, history=[attempt(1, 0, 1).model_copy(update={"error": ERROR})])
    error = replace(error, outcome=error.outcome.model_copy(update={"error": ERROR}))
    waiting = pending("b", "retrying", history=error.history)
    died = attempt(1, 0, 1, status="died").model_copy(update={"error": ERROR})
    return [
        *map(secretive, (succeeded(0, value={"x": [CANARY]}), error, replace(waiting, slot=2))),
        secretive(lost(3, history=[died])),
        secretive(timed_out(4)),
    ]


def shown(slots):
    groups = {}
    for slot in slots:
        add_slot(groups, slot)
    texts = [json.dumps(slot_record(slot)) + slot.call + slot.error_line for slot in slots]
    return " ".join(texts) + str(in_order(groups.values())) + str(slots)


def test_without_redaction_all_is_shown_as_it_is():
    slots = canaries()
    assert [*map(NOTHING.slot, slots)] == slots
    assert CANARY in shown(slots)


def test_everything_is_hidden_wherever_it_stands():
    hidden = [*map(EVERYTHING.slot, canaries())]
    assert CANARY not in shown(hidden)
    assert [slot.call for slot in hidden] == ["fetch(...)"] * 5
    assert hidden[0].outcome.value == HIDDEN
    assert hidden[1].error_line == "jobs.Refused: ..."
    assert hidden[4].error_line == "timed out: execution limit of 2 s"


def test_what_is_hidden_twice_is_hidden_once():
    once = [*map(EVERYTHING.slot, canaries())]
    assert [*map(EVERYTHING.slot, once)] == once


def test_a_slot_stays_in_its_group_and_says_where():
    """Records of earlier versions have no signature: it is made of what is hidden."""
    one, other = failed(0, message="no page"), failed(1, message="no host", traceback=TRACE)
    before, after = {}, {}
    for slot in (one, other):
        add_slot(before, slot)
        add_slot(after, EVERYTHING.slot(slot))
    assert [*after] == [*before]
    assert [group.where for group in after.values()] == ["", "jobs.py in fetch"]
    assert {group.text for group in after.values()} == {"ValueError: ..."}


def test_who_cancelled_is_told():
    slot = EVERYTHING.slot(ended(Cancelled, 0, by="anna@desk"))
    assert slot.error_line == "cancelled by: anna@desk"


@pytest.mark.parametrize(
    "text", [f"args.1.token:{CANARY}", f"args.password:{CANARY}", f"error:*{CANARY}*"]
)
def test_a_filter_finds_nothing_that_is_hidden(text):
    (filter_,) = read_slot_filters([text])
    slots = canaries()
    assert any(map(filter_.matches, slots))
    assert not any(map(filter_.matches, map(EVERYTHING.slot, slots)))
    redaction = Redaction(lambda name, value: "***" if CANARY in str(value) else value)
    assert not any(map(filter_.matches, map(redaction.slot, slots)))


@pytest.mark.parametrize(
    ("given", "hidden"),
    [
        ("ValueError: no tell-nobody", "ValueError: ..."),
        ("ValueError", "ValueError"),
        ("tell nobody", "..."),
        ("timed out: execution limit of 2 s", "timed out: execution limit of 2 s"),
        ("lost: killed by signal #: tell-nobody", "lost: ..."),
        ("further groups", "further groups"),
    ],
)
def test_texts_of_groups(given, hidden):
    group = ErrorGroup(signature="3fa9c1d2", count=2, text=given, where="jobs.py in f")
    assert EVERYTHING.group(group) == replace(group, text=hidden)


def test_a_group_of_cancellations_says_who():
    group = ErrorGroup(signature="x", count=1, text="cancelled by: anna", status="cancelled")
    assert EVERYTHING.group(group) == group


def test_a_function_gets_each_part_by_the_name_that_filters_have():
    seen = {}

    def redact(name, value):
        seen.setdefault(name, value)
        return value

    slots = canaries()
    assert next(map(Redaction(redact).slot, slots[:1])).kwargs == slots[0].kwargs
    assert seen == {
        "args.0": 1,
        "args.1": {"token": CANARY},
        "args.1.token": CANARY,
        "args.password": CANARY,
        "value": {"x": [CANARY]},
        "value.x": [CANARY],
        "value.x.0": CANARY,
    }
    Redaction(redact).slot(slots[1])
    assert seen["error"] == ERROR.message


def test_a_function_may_hide_a_part():
    redaction = Redaction(lambda name, value: "***" if name.endswith("token") else value)
    slot = redaction.slot(canaries()[0])
    assert slot.args == [1, {"token": "***"}]
    assert slot.kwargs == {"password": CANARY}


def _ends(name, value):
    raise SystemExit(1)


def _raises(name, value):
    raise LookupError(name)


def _nonsense(name, value):
    return object()


@pytest.mark.parametrize("redact", [_raises, _ends, _nonsense, lambda name: name])
def test_what_fails_or_returns_nonsense_hides(redact):
    hidden = [*map(Redaction(redact).slot, canaries())]
    assert CANARY not in shown(hidden)
    assert hidden[0].args == [HIDDEN, HIDDEN]
    assert hidden[1].error_line == "jobs.Refused: ..."


def test_a_nesting_without_end_is_hidden():
    deep = []
    for _ in range(5000):
        deep = [deep]
    slot = Redaction(lambda name, value: value).slot(replace(succeeded(0), args=(deep, 1)))
    assert slot.args[1] == 1
    assert len(json.dumps(slot.args)) < 5000


def test_a_worker_hides_what_its_jobs_note():
    job = RunningJob(id="b:0", name="f", progress=Progress(done=1, note=CANARY))
    worker = WorkerInfo(name="w1", state="running", jobs=(job, RunningJob(id="b:1")))
    hidden = EVERYTHING.worker(worker)
    assert CANARY not in str(hidden)
    assert hidden.jobs[0].progress.done == 1
    assert NOTHING.worker(worker) == worker
