"""One stop is one stop, however many signals ask for it; a later one hurries it."""

import math
import signal
from types import SimpleNamespace

import pytest

from gatherq_worker.arq import shutdown
from gatherq_worker.arq.shutdown import Shutdown

TERM, INT = signal.SIGTERM, signal.SIGINT


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(shutdown, "monotonic", lambda: clock.now)
    return clock


def test_a_second_signal_within_a_second_is_the_same_stop(clock):
    stop = Shutdown()
    assert not stop.began
    assert stop.request(TERM, None)
    assert stop.began
    clock.now += 0.9
    assert not stop.request(INT, None)
    assert stop.signal is TERM
    clock.now += 0.2
    assert stop.request(INT, None)
    assert stop.signal is INT
    clock.now += 10
    assert not stop.request(TERM, None), "it cannot be hurried twice"


@pytest.mark.parametrize("hurry", [False, True])
def test_a_supervisor_says_whether_a_further_signal_hurries(clock, hurry):
    stop, scoreboard = Shutdown(), SimpleNamespace(hurry=hurry)
    assert stop.request(TERM, scoreboard)
    clock.now += 5
    assert stop.request(TERM, scoreboard) is hurry


def test_the_grace_runs_from_the_first_signal(clock):
    stop = Shutdown()
    assert stop.times(10) == (110.0, math.inf), "without a stop nobody waits for the end"
    stop.begin()
    clock.now += 3
    stop.begin()
    finish, close = stop.times(10)
    assert finish == 110.0
    assert 110.0 < close < 111.0
    assert stop.end(10) == close


def test_a_hurried_stop_leaves_no_time_to_finish(clock):
    stop = Shutdown()
    stop.begin()
    stop.hurry()
    clock.now += 1
    finish, close = stop.times(10)
    assert finish == 101.0
    assert close < 102.0


def test_a_worker_that_runs_again_has_all_its_time(clock):
    stop = Shutdown()
    stop.request(TERM, None)
    stop.hurry()
    stop.reset()
    assert not stop.began
    assert stop.times(10) == (110.0, math.inf)
    assert stop.signal is TERM
    assert clock.now < stop.end(10) < math.inf
