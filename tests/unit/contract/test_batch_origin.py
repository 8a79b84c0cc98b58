"""What is kept of where a batch comes from."""

import json
import os
import socket

import pytest

from gatherq import InvalidCall
from gatherq.contract.batch_origin import BatchOrigin
from gatherq.contract.current_job import CurrentJob


@pytest.fixture
def in_a_job(monkeypatch):
    job = CurrentJob("b:1", "b", 1, "f", 1, None, None)
    monkeypatch.setattr("gatherq.contract.batch_origin.running_job", lambda: job)


def test_it_says_how_and_by_which_process():
    known = BatchOrigin.here("gather", "nightly").of(["f", "g", "f"]).encoded()
    by = f"{socket.gethostname()}.{os.getpid()}"
    assert known.pop("names") == '{"f":2,"g":1}'
    assert known == {"kind": "gather", "label": "nightly", "by": by}


def test_what_is_submitted_inside_a_job_has_it_for_a_parent(in_a_job):
    assert BatchOrigin.here("submit").encoded()["parent"] == "b:1"
    assert "parent" not in BatchOrigin.here("submit_one", shared=True).encoded()


def test_of_many_names_the_most_frequent_are_counted():
    names = [f"f{n}" for n in range(10) for _ in range(10 - n)]
    found = json.loads(BatchOrigin().of(names).names)
    assert found == {**{f"f{n}": 10 - n for n in range(8)}, "": 3}


@pytest.mark.parametrize("label", ["", "x" * 201, "a\nb", "\x1b[31m", "\ud800", 7, b"x"])
def test_a_label_is_a_short_line(label):
    with pytest.raises(InvalidCall, match="label must be"):
        BatchOrigin.here("submit", label)


def test_a_label_may_be_of_any_script():
    assert BatchOrigin.here("submit", "Überprüfung 夜").label == "Überprüfung 夜"
