"""What a process takes from its supervisor, and tells it at its end."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from gatherq_worker.ipc.endpoint import Endpoint, EndpointReader, EndpointWriter
from gatherq_worker.ipc.process_contract import VARIABLE, Farewell
from gatherq_worker.ipc.scoreboard import Scoreboard
from gatherq_worker.supervision.supervised import SupervisorLink

from ...conftest import started


@pytest.fixture
def scoreboard():
    scoreboard = Scoreboard()
    yield scoreboard
    scoreboard.close()


@pytest.fixture
def reader():
    reader = EndpointReader()
    yield reader
    reader.close()


def worker_of(name):
    return SimpleNamespace(worker_id=name, scoreboard=None, endpoint_writer=None)


def test_a_process_takes_what_it_was_given_and_its_jobs_do_not(monkeypatch, scoreboard, reader):
    given = {"worker": "w", "scoreboard": scoreboard.fd, "endpoint": reader.writer_fd, "alive": 0}
    given["speaks"] = False
    monkeypatch.setenv(VARIABLE, json.dumps(given))
    link = SupervisorLink.inherited()
    assert VARIABLE not in os.environ
    assert link.supervised
    assert not link.speaks
    worker = worker_of("own name")
    link.attach(worker)
    assert worker.worker_id == "w"
    worker.endpoint_writer.tell(Endpoint("redis://h", "q", 1.0))
    reader.writer_fd = -1  # closed by the writer
    assert reader.endpoint == Endpoint("redis://h", "q", 1.0)
    link.end(Farewell.RECYCLE)
    assert scoreboard.farewell is Farewell.RECYCLE


def test_without_a_supervisor_there_is_nothing_to_take_and_nobody_to_tell(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    link = SupervisorLink.inherited()
    worker = worker_of("own name")
    link.attach(worker)
    link.end(Farewell.FINAL)
    assert not link.supervised
    assert link.speaks
    assert not link.fail("why", Farewell.FAILED)
    assert (worker.worker_id, worker.scoreboard, worker.endpoint_writer) == ("own name", None, None)


def test_a_process_leaves_it_to_its_supervisor_to_say_why_it_cannot_work(scoreboard, reader):
    link = SupervisorLink("w", scoreboard, EndpointWriter(reader.writer_fd))
    reader.writer_fd = -1  # closed by the writer
    assert link.fail("no module named 'kichen'", Farewell.FAILED)
    assert (reader.failure, reader.endpoint) == ("no module named 'kichen'", None)
    assert scoreboard.farewell is Farewell.FAILED
    assert not link.fail("a second time", Farewell.FINAL), "then it must say so itself"


#: Guards itself, says so, and waits for a stop that its own handler takes.
GUARDED = """
import os, signal, sys
from gatherq_worker.supervision.supervised import SupervisorLink
signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"stopped\\n"), {then}))
woken, waker = os.pipe()  # the signal may reach another thread, as it does in a worker
os.set_blocking(waker, False)
signal.set_wakeup_fd(waker)
SupervisorLink(alive=int(sys.argv[1])).guard(0.0)
os.write(1, b"guarded\\n")  # print would refuse a handler that prints in the middle of it
while True:
    os.read(woken, 1)
"""


@pytest.mark.parametrize(
    ("then", "code"),
    [("sys.exit(0)", 0), ("None", 1)],
    ids=["it stops", "it goes on all the same"],
)
def test_a_process_stops_when_its_supervisor_is_gone(then, code):
    alive, supervisor = os.pipe()
    with started(
        [sys.executable, "-c", GUARDED.format(then=then), str(alive)],
        pass_fds=[alive],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(alive)
        assert process.stdout.readline() == "guarded\n"
        os.close(supervisor)
        said, logged = process.communicate(timeout=20)
    assert said == "stopped\n"
    assert "the supervisor is gone; this worker ends too" in logged
    assert process.returncode == code
