"""The progress of a job, as its handler says it."""

from decimal import Decimal

import pytest

from gatherq.contract.current_job import CurrentJob, JobProgress


def job(listener=None):
    return CurrentJob("b:0", "b", 0, "f", 1, None, None, listener)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ((3,), (3, None, "")),
        ((0.5, 1), (0.5, 1, "")),
        ((1, 2, "row 1\n\x1b[31m"), (1, 2, "row 1\\n\\x1b[31m")),
        ((Decimal("1.5"), 2), (1.5, 2, "")),
        ((-1, None, "é" * 200), (-1, None, "é" * 200)),
    ],
)
def test_the_listener_is_told(given, told):
    heard = []
    job(heard.append).progress(*given)
    assert heard == [JobProgress(*told)]
    assert type(heard[0].done) in (int, float)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((float("nan"),), "done must be a finite number, not nan"),
        (("3",), "done must be a finite number, not '3'"),
        ((10**400,), "done must be a finite number, not 1000"),
        ((1, float("inf")), "total must be a finite number, not inf"),
        ((1, 2, "n" * 201), "note must be text of 200 characters, not one of 201"),
        ((1, 2, None), "note must be text of 200 characters, not None"),
    ],
)
def test_what_cannot_be_shown_is_refused_everywhere(given, message):
    with pytest.raises(ValueError, match=f"^progress: {message}"):
        job().progress(*given)


def test_outside_of_a_worker_nobody_is_told():
    job().progress(1, 2, "three")


@pytest.mark.parametrize(
    "found", [None, 3, [], [1], [1, 2, "n"], ["1"], [1, 2, 3], {}, [1, 2, 3, 4]]
)
def test_what_another_process_sent_is_read_or_nothing(found):
    told = JobProgress.read(found)
    assert told is None or told == JobProgress.of(*found)
    assert (told is None) == (found not in ([1], [1, 2, "n"]))
