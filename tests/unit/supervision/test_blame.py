"""Whom a death is counted against."""

import pytest

from gatherq_worker.attempt import Attempt
from gatherq_worker.ipc.execution_table import Execution, ExecutionSnapshot, key
from gatherq_worker.ipc.scoreboard import RunningJob
from gatherq_worker.supervision.blame import Death, from_outside, overdue, suspects

#: Job -> where it had begun; those held beside them, "w0" and "w1", had not.
LOOP = {"l0": "loop", "l1": "loop"}
THREAD = {"t0": "thread"}
PROCESS = {"p0": "process"}


def held(where):
    return [Attempt(name, 1, None) for name in (*where, "w0", "w1")]


def death(cause, where=(), mark=None, limits=(0.0, 0.0, 0.0), at=100.0):
    executions = {key(name, 1): Execution(place, *limits) for name, place in where.items()}
    marked = mark and RunningJob(0.0, 0.0, 0.0, 1, mark.encode(), len(mark))
    return Death("w", "it died", cause, at, ExecutionSnapshot(executions), marked)


@pytest.mark.parametrize(
    ("cause", "where", "mark", "wanted"),
    [
        # Whose code ran is known: nobody else.
        ("died", LOOP | THREAD, "l1", ["l1"]),
        ("killed", LOOP | THREAD, "l1", ["l1"]),
        ("silent", LOOP, "l1", ["l1"]),
        # It is recorded already: nobody that is left.
        ("died", LOOP | THREAD, "gone", []),
        # A thread dies in the midst of any step of the loop; the loop's jobs only in their own.
        ("died", LOOP | THREAD | PROCESS, None, ["t0"]),
        ("silent", LOOP | THREAD, None, ["t0"]),
        ("silent", LOOP | THREAD, "l0", ["l0", "t0"]),
        # By its own doing, from a child task or a callback.
        ("died", LOOP | PROCESS, None, ["l0", "l1"]),
        # A thread may have taken the memory, for which the kernel killed the process.
        ("killed", LOOP | THREAD | PROCESS, None, ["t0"]),
        # From outside.
        ("killed", LOOP | PROCESS, None, ["l0", "l1"]),
        ("killed", {"l0": "loop"}, None, ["l0"]),
        ("killed", PROCESS, None, []),
        ("killed", {}, None, []),
        ("died", {}, None, []),
        # It was told to end.
        ("stopped", LOOP | THREAD, "l0", []),
        ("late", LOOP | THREAD, "l0", []),
    ],
)
def test_suspects_are_those_whose_code_can_have_done_it(cause, where, mark, wanted):
    found = suspects(death(cause, where, mark), held(where))
    assert [attempt.job_id for attempt in found] == wanted


@pytest.mark.parametrize(
    ("cause", "where", "mark", "wanted"),
    [
        ("killed", LOOP | PROCESS, None, True),
        ("killed", LOOP, "l0", False),
        ("killed", LOOP | THREAD, None, False),
        ("died", LOOP, None, False),
    ],
)
def test_a_process_is_killed_from_outside_if_no_code_of_a_job_can_be_why(
    cause, where, mark, wanted
):
    assert from_outside(death(cause, where, mark), held(where)) == wanted


def test_what_cannot_be_told_counts_as_begun():
    full = Death("w", "it died", "killed", 0.0, ExecutionSnapshot({}, complete=False), None)
    assert [a.job_id for a in suspects(full, held({}))] == ["w0", "w1"]


def test_late_is_what_had_overstepped_its_limit_when_it_was_ended_for_that():
    where = LOOP | THREAD
    over, within = (90.0, 95.0, 5.0), (90.0, 105.0, 5.0)
    assert [a.job_id for a, _ in overdue(death("late", where, limits=over), held(where))] == [
        *where
    ]
    assert overdue(death("late", where, limits=within), held(where)) == []
    assert overdue(death("late", where), held(where)) == []  # no limit
    assert overdue(death("died", where, limits=over), held(where)) == []
    marked = Death(
        "w", "", "late", 100.0, ExecutionSnapshot({}), RunningJob(90.0, 95.0, 5.0, 1, b"w1", 2)
    )
    assert [(a.job_id, known.limit) for a, known in overdue(marked, held({}))] == [("w1", 5.0)]
