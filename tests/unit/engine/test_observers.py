"""Observers: each hears what it wants, on the thread of the loop, and harms nobody."""

import asyncio
import threading
from contextlib import contextmanager

import pytest

from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.events import GraceOver, JobReleased, JobStarted, LoopBlocked
from gatherq_worker.engine.observers import Observer, Observers

ATTEMPT = Attempt("b:0", 1, None)


class Heard(Observer):
    def __init__(self):
        self.heard = []

    def grace_over(self, event):
        self.heard.append((event, threading.get_ident()))

    def job_released(self, event):
        raise KeyError("a fault of an observer")


class Second(Observer):
    def __init__(self):
        self.released = []

    def job_released(self, event):
        self.released.append(event.attempt)


async def test_an_event_that_nobody_wants_need_not_be_made():
    observers = Observers([Heard()])
    assert observers.wants(GraceOver)
    assert not observers.wants(JobStarted)
    observers.tell(JobStarted(ATTEMPT, 1))  # and does no harm
    observers.post(LoopBlocked(1.0, None))
    assert not Observers([]).wants(GraceOver)


async def test_who_raises_is_logged_and_others_are_told(caplog):
    second = Second()
    observers = Observers([Heard(), second])
    observers.tell(JobReleased(ATTEMPT))
    assert second.released == [ATTEMPT]
    assert "an observer raised at JobReleased" in caplog.text
    assert "KeyError" in caplog.text


async def test_what_another_thread_posts_is_told_by_the_loop_in_order():
    heard = Heard()
    observers = Observers([heard])
    events = [GraceOver(n) for n in range(3)]
    await asyncio.to_thread(lambda: [observers.post(event) for event in events])
    await asyncio.sleep(0)
    assert heard.heard == [(event, threading.get_ident()) for event in events]


async def test_what_the_loop_has_not_delivered_another_thread_can_once():
    heard = Heard()
    observers = Observers([heard])
    thread = threading.Thread(target=lambda: (observers.post(GraceOver(1)), observers.deliver()))
    thread.start()
    thread.join()  # blocks the loop
    assert [event for event, _ in heard.heard] == [GraceOver(1)]
    await asyncio.sleep(0)
    assert len(heard.heard) == 1


class Around(Observer):
    def __init__(self, name, heard):
        self.name, self.heard = name, heard

    @contextmanager
    def around(self, attempt):
        self.heard.append(f"enter {self.name}")
        try:
            yield
        finally:
            self.heard.append(f"leave {self.name}")


class Broken(Observer):
    def __init__(self, *, begins):
        self.begins = begins

    @contextmanager
    def around(self, attempt):
        if self.begins:
            yield
        raise KeyError("a fault of an observer")


async def test_the_first_observer_is_the_outermost_around():
    heard = []
    observers = Observers([Around("a", heard), Heard(), Around("b", heard)])
    with observers.around(ATTEMPT):
        heard.append("runs")
    assert heard == ["enter a", "enter b", "runs", "leave b", "leave a"]


async def test_what_raises_around_is_logged_and_hides_nothing(caplog):
    heard = []
    broken = [Broken(begins=False), Broken(begins=True)]
    observers = Observers([*broken, Around("a", heard)])
    with pytest.raises(ZeroDivisionError), observers.around(ATTEMPT):
        raise ZeroDivisionError
    assert heard == ["enter a", "leave a"]
    assert "an observer raised as job b:0 began" in caplog.text
    assert "an observer raised as job b:0 ended" in caplog.text


@pytest.mark.parametrize(
    "error", [ValueError, SystemExit, KeyboardInterrupt, asyncio.CancelledError]
)
async def test_whatever_an_observer_raises_others_are_told_and_the_job_goes_on(caplog, error):
    class Ends(Observer):
        def job_started(self, event):
            raise error

        @contextmanager
        def around(self, attempt):
            yield
            raise error

    class Refuses(Observer):
        def around(self, attempt):
            raise error

    class Hears(Observer):
        def job_started(self, event):
            heard.append(event)

    heard = []
    observers = Observers([Ends(), Refuses(), Hears()])
    with observers.around(ATTEMPT):
        observers.tell(JobStarted(ATTEMPT, 1))
    assert heard == [JobStarted(ATTEMPT, 1)]
    assert caplog.text.count("an observer raised") == 3


async def test_nothing_is_made_for_an_attempt_where_no_observer_wants_it():
    observers = Observers([Heard(), Second()])
    assert observers.around(ATTEMPT) is observers.around(Attempt("b:1", 1, None))
