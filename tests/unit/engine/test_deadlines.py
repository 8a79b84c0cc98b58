"""Which limit of an attempt wins."""

import pytest

from gatherq.contract.job_definition import JobDefinition
from gatherq.contract.records import JobRecord
from gatherq.store.claims import Deadline
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.conclusion.deadlines import (
    Limit,
    limit_to_begin,
    set_deadline,
    tightest,
)
from gatherq_worker.engine.options import EngineOptions
from gatherq_worker.registry import Handler


def test_the_tighter_limit_holds_and_says_which_it_is():
    bound = Deadline(10_000, 60.0)
    assert tightest(0.5, bound, 9_000) == Limit(0.5, "execution", 0.5)
    assert tightest(3.0, bound, 9_000) == Limit(1.0, "batch", 60.0)
    assert tightest(None, bound, 9_000) == Limit(1.0, "batch", 60.0)
    assert tightest(None, bound, 11_000) == Limit(0.0, "batch", 60.0)


@pytest.mark.parametrize(
    ("call", "handler", "worker", "batch", "limit", "which", "seconds"),
    [
        (1.0, 2.0, 3.0, None, 1.0, "execution", 1.0),
        (None, 2.0, 3.0, None, 2.0, "execution", 2.0),
        (None, None, 3.0, None, 3.0, "execution", 3.0),
        (None, None, None, None, None, "execution", None),
        (1.0, 2.0, 3.0, Deadline(5_000, 60.0), 1.0, "execution", 1.0),
        (9.0, 2.0, 3.0, Deadline(5_000, 60.0), 60.0, "batch", 4.0),
        (None, None, None, Deadline(5_000, 60.0), 60.0, "batch", 4.0),
    ],
)
def test_the_calls_limit_wins_over_the_handlers_over_the_workers(
    call, handler, worker, batch, limit, which, seconds
):
    job = JobRecord(f="f", a=[], k={}, et=1, timeout=call)
    attempt = Attempt("b:0", 1, job, batch_deadline=batch)
    options = EngineOptions(timeout=worker, grace=0.5, clock=lambda: 100.0)
    set_deadline(attempt, Handler(JobDefinition("f", handler), print), options, now=lambda: 1_000)
    assert (attempt.limit, attempt.which, attempt.grace) == (limit, which, 0.5)
    if seconds is None:
        assert (attempt.deadline, attempt.overdue) == (None, None)
    else:
        assert (attempt.deadline, attempt.overdue) == (100.0 + seconds, 100.5 + seconds)


def test_a_handlers_grace_wins_over_the_workers():
    attempt = Attempt("b:0", 1, None)
    set_deadline(
        attempt, Handler(JobDefinition("f", grace=7.0), print), EngineOptions(), now=lambda: 1_000
    )
    assert attempt.grace == 7.0


QUEUED = JobRecord(f="f", a=[], k={}, et=4_000, delay=2.0, queue_timeout=3.0, base=1)
BATCH = Deadline(10_000, 60.0)


@pytest.mark.parametrize(
    ("job", "number", "batch", "limit"),
    [
        (None, 1, None, None),
        (None, 1, BATCH, Limit(5.0, "batch", 60.0)),
        (JobRecord(f="f", a=[], k={}, et=1), 1, None, None),
        # Its delay is no part of its wait, nor are attempts after the first.
        (QUEUED, 2, None, Limit(4.0, "queue", 3.0)),
        (QUEUED, 3, None, None),
        (QUEUED, 3, BATCH, Limit(5.0, "batch", 60.0)),
        (QUEUED, 2, BATCH, Limit(4.0, "queue", 3.0)),
        (QUEUED, 2, Deadline(6_000, 60.0), Limit(1.0, "batch", 60.0)),
    ],
)
def test_how_long_an_attempt_may_wait_for_its_place(job, number, batch, limit):
    assert limit_to_begin(Attempt("b:0", number, job, batch_deadline=batch), 5_000) == limit
