"""What a process leaves behind in the page that it shares with its supervisor."""

import os
import tempfile

import pytest

from gatherq_worker.attempt import Attempt
from gatherq_worker.ipc import execution_table
from gatherq_worker.ipc.process_contract import Farewell
from gatherq_worker.ipc.scoreboard import Scoreboard, mark_of


@pytest.fixture
def page():
    page = Scoreboard()
    yield page
    page.close()


def attempt(job_id="b:0", number=1, **limits):
    made = Attempt(job_id, number, None)
    for name, value in limits.items():
        setattr(made, name, value)
    return made


def test_it_says_what_has_begun_where_and_under_which_limits(page):
    first = attempt("b:0", deadline=5.0, overdue=5.5, limit=3.0, which="batch")
    second = attempt("b:1", 2)
    page.enter(first, "thread")
    page.enter(second, "process")
    found = page.begun()
    assert found.find("b:0", 1) == ("thread", 5.0, 5.5, 3.0, "batch")
    assert found.find("b:1", 2) == ("process", 0.0, 0.0, 0.0, "execution")
    assert found.find("b:0", 2) is None  # another attempt
    assert found.find("b:2", 1) is None
    page.leave(first)
    page.leave(first)
    assert page.begun().find("b:0", 1) is None
    assert found.find("b:0", 1), "a copy stays as it was"


def test_beginning_twice_is_beginning_once(page):
    one = attempt()
    page.enter(one, "loop")
    page.enter(one, "thread")
    found = page.begun().find("b:0", 1)
    assert found
    assert found.where == "thread"
    page.leave(one)
    assert page.begun().find("b:0", 1) is None


def test_ten_thousand_are_told_apart_and_places_are_used_again(page):
    many = [attempt(f"b:{n}") for n in range(10_000)]
    for _ in range(3):
        for one in many:
            page.enter(one, "loop")
        for one in many[::2]:
            page.leave(one)
        found = page.begun()
        assert [bool(found.find(f"b:{n}", 1)) for n in range(10_000)] == [False, True] * 5_000
        for one in many[1::2]:
            page.leave(one)
    assert not list(page.begun())


def test_what_does_not_fit_counts_as_begun_until_it_has_ended(page, monkeypatch):
    many = [attempt(f"b:{n}") for n in range(execution_table.ENTRIES + 2)]
    for one in many:
        page.enter(one, "loop")
    assert page.begun().find(many[-1].job_id, 1)
    assert page.begun().find("never:0", 1), "it cannot be told"
    for one in many[-2:]:
        page.leave(one)
    assert page.begun().find("never:0", 1) is None


def test_it_outlives_the_process_that_wrote_it(page):
    child = os.fork()
    if not child:
        inside = Scoreboard(page.fd)
        inside.enter(attempt("b:7", 3), "thread")
        inside.farewell = Farewell.RECYCLE
        os._exit(0)
    os.waitpid(child, 0)
    assert page.begun().find("b:7", 3)
    assert page.farewell is Farewell.RECYCLE


@pytest.mark.parametrize("job_id", ["b:0", "x" * 10_000, "é" * 3_000, "\x1b[31m"])
def test_a_mark_names_its_job_however_long_its_id_is(page, job_id):
    mark = mark_of(attempt(job_id, 4, deadline=1.0, overdue=2.0, limit=1.0))
    page.memory[: len(mark)] = mark
    page.farewell = Farewell.FINAL
    found = page.mark()
    assert found
    assert found.names(attempt(job_id, 4))
    assert not found.names(attempt(job_id, 5))
    assert not found.names(attempt(job_id + "y", 4))
    assert page.farewell is Farewell.FINAL


@pytest.mark.parametrize("memory", ["none", "forbidden"])
def test_where_there_are_no_files_in_memory_a_temporary_one_does(monkeypatch, memory):
    def forbidden(name):
        raise OSError("not in this sandbox")

    if memory == "none":
        monkeypatch.delattr(os, "memfd_create", raising=False)
    else:
        monkeypatch.setattr(os, "memfd_create", forbidden, raising=False)
    page = Scoreboard()
    page.tick()
    assert page.silent_for() < 60
    page.close()


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="made in a temporary folder here")
def test_no_folder_is_needed(monkeypatch):
    def nowhere(*args, **options):
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr(tempfile, "TemporaryFile", nowhere)
    Scoreboard().close()
