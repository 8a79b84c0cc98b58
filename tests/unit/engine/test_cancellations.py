"""Hints about cancellations: which of them make a worker look at once."""

import pytest

from gatherq.store.cancellation_channel import CancellationHint
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.attempts import Attempts
from gatherq_worker.engine.cancellations import CancellationListener


@pytest.fixture
async def listener():
    attempts, looked = Attempts(), []
    attempts.claim(Attempt("b:0", 1, None, batch="b"))
    attempts.claim(Attempt("x", 1, None))
    listener = CancellationListener(None, attempts, lambda: looked.append(1), 5.0)
    listener.looked = looked
    return listener


@pytest.mark.parametrize(
    ("batch", "jobs"), [("b", []), ("", ["b:0", "b:1"]), ("", ["x"]), ("a", ["x"])]
)
async def test_a_hint_about_what_is_claimed_here_is_looked_up_at_once(listener, batch, jobs):
    listener.heed(CancellationHint(batch, frozenset(jobs)))
    assert listener.looked == [1]


@pytest.mark.parametrize(("batch", "jobs"), [("a", []), ("", ["a:0"]), ("", [])])
async def test_a_hint_about_anything_else_is_counted_and_no_more(listener, batch, jobs):
    listener.heed(CancellationHint(batch, frozenset(jobs)))
    assert (listener.looked, listener.heard) == ([], 1)
