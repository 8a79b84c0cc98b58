"""What a process leaves behind in the page that it shares with its supervisor."""

import os
import tempfile

import pytest

from gatherq_worker.attempt import Attempt
from gatherq_worker.ipc import execution_table
from gatherq_worker.ipc.process_contract import Farewell
from gatherq_worker.ipc.scoreboard import Scoreboard, encode_running_job


@pytest.fixture
def scoreboard():
    scoreboard = Scoreboard()
    yield scoreboard
    scoreboard.close()


def attempt(job_id="b:0", number=1, **limits):
    made = Attempt(job_id, number, None)
    for name, value in limits.items():
        setattr(made, name, value)
    return made


def test_it_says_what_has_begun_where_and_under_which_limits(scoreboard):
    first = attempt("b:0", deadline=5.0, overdue=5.5, limit=3.0, which="batch")
    second = attempt("b:1", 2)
    scoreboard.enter(first, "thread")
    scoreboard.enter(second, "process")
    found = scoreboard.executions()
    assert found.find("b:0", 1) == ("thread", 5.0, 5.5, 3.0, "batch")
    assert found.find("b:1", 2) == ("process", 0.0, 0.0, 0.0, "execution")
    assert found.find("b:0", 2) is None  # another attempt
    assert found.find("b:2", 1) is None
    scoreboard.leave(first)
    scoreboard.leave(first)
    assert scoreboard.executions().find("b:0", 1) is None
    assert found.find("b:0", 1), "a copy stays as it was"


def test_beginning_twice_is_beginning_once(scoreboard):
    one = attempt()
    scoreboard.enter(one, "loop")
    scoreboard.enter(one, "thread")
    found = scoreboard.executions().find("b:0", 1)
    assert found
    assert found.where == "thread"
    scoreboard.leave(one)
    assert scoreboard.executions().find("b:0", 1) is None


def test_ten_thousand_are_told_apart_and_places_are_used_again(scoreboard):
    many = [attempt(f"b:{n}") for n in range(10_000)]
    for _ in range(3):
        for one in many:
            scoreboard.enter(one, "loop")
        for one in many[::2]:
            scoreboard.leave(one)
        found = scoreboard.executions()
        assert [bool(found.find(f"b:{n}", 1)) for n in range(10_000)] == [False, True] * 5_000
        for one in many[1::2]:
            scoreboard.leave(one)
    assert not list(scoreboard.executions())


def test_what_does_not_fit_counts_as_begun_until_it_has_ended(scoreboard, monkeypatch):
    many = [attempt(f"b:{n}") for n in range(execution_table.ENTRIES + 2)]
    for one in many:
        scoreboard.enter(one, "loop")
    assert scoreboard.executions().find(many[-1].job_id, 1)
    assert scoreboard.executions().find("never:0", 1), "it cannot be told"
    for one in many[-2:]:
        scoreboard.leave(one)
    assert scoreboard.executions().find("never:0", 1) is None


def test_it_outlives_the_process_that_wrote_it(scoreboard):
    child = os.fork()
    if not child:
        inside = Scoreboard(scoreboard.fd)
        inside.enter(attempt("b:7", 3), "thread")
        inside.farewell = Farewell.RECYCLE
        os._exit(0)
    os.waitpid(child, 0)
    assert scoreboard.executions().find("b:7", 3)
    assert scoreboard.farewell is Farewell.RECYCLE


@pytest.mark.parametrize("job_id", ["b:0", "x" * 10_000, "é" * 3_000, "\x1b[31m"])
def test_a_mark_names_its_job_however_long_its_id_is(scoreboard, job_id):
    mark = encode_running_job(attempt(job_id, 4, deadline=1.0, overdue=2.0, limit=1.0))
    scoreboard.memory[: len(mark)] = mark
    scoreboard.farewell = Farewell.FINAL
    found = scoreboard.running_job()
    assert found
    assert found.is_of(attempt(job_id, 4))
    assert not found.is_of(attempt(job_id, 5))
    assert not found.is_of(attempt(job_id + "y", 4))
    assert scoreboard.farewell is Farewell.FINAL


@pytest.mark.parametrize("memory", ["none", "forbidden"])
def test_where_there_are_no_files_in_memory_a_temporary_one_does(monkeypatch, memory):
    def forbidden(name):
        raise OSError("not in this sandbox")

    if memory == "none":
        monkeypatch.delattr(os, "memfd_create", raising=False)
    else:
        monkeypatch.setattr(os, "memfd_create", forbidden, raising=False)
    scoreboard = Scoreboard()
    scoreboard.tick()
    assert scoreboard.silent_for() < 60
    scoreboard.close()


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="made in a temporary folder here")
def test_no_folder_is_needed(monkeypatch):
    def nowhere(*args, **options):
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr(tempfile, "TemporaryFile", nowhere)
    Scoreboard().close()
