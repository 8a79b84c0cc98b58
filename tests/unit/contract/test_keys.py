"""Keys as they are in Redis: other programs, and workers of other versions, rely on each."""

import pytest

from gatherq.contract.keys import KeySpace, job_id


@pytest.mark.parametrize(
    ("maker", "key"),
    [
        ("job", "arq:job:x"),
        ("in_progress", "arq:in-progress:x"),
        ("retry", "arq:retry:x"),
        ("result", "arq:result:x"),
        ("batch", "gatherq:batch:x"),
        ("done", "gatherq:done:x"),
        ("attempts", "gatherq:attempts:x"),
        ("digests", "gatherq:digests:x"),
        ("tick", "gatherq:tick:q:x"),
        ("nudge", "gatherq:nudge:x"),
        ("worker", "gatherq:worker:x"),
    ],
)
def test_keys_of_one_thing(maker, key):
    assert getattr(KeySpace("q"), maker)("x") == key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("queue", "q"),
        ("abort", "arq:abort"),
        ("wake", "gatherq:wake:q"),
        ("workers", "gatherq:workers:q"),
        ("queues", "gatherq:queues"),
        ("quarantine", "gatherq:quarantine:q"),
        ("cancel_marks", "gatherq:cancel:q"),
        ("channel", "gatherq:control:q"),
    ],
)
def test_keys_of_a_queue(name, key):
    assert getattr(KeySpace("q"), name) == key
    assert KeySpace("q").queue_wide[name] == key


def test_the_queue_is_arqs_own_unless_named():
    assert KeySpace().queue == "arq:queue"


def test_the_channel_names_a_database_other_than_0():
    assert KeySpace("q", 3).channel == "gatherq:control:q@3"
    assert KeySpace("q", 3).wake == KeySpace("q").wake


PARKING = ("gate", "holders", "waiting", "lane", "lane_wake", "lane_served")


def test_a_step_makes_the_keys_that_the_key_space_makes():
    keys = KeySpace("q")
    assert set(keys.prefixes) == {
        *("job", "in_progress", "retry", "result", "attempts"),
        *("batch", "done", "errors", "digests", "again"),
        *("gate", "gates", "holders", "waiting", "lane", "lanes", "lane_wake", "lane_served"),
    }
    for name in ("gates", "lanes"):
        assert getattr(keys, name) == f"{keys.prefixes[name]}q"
    for name in keys.prefixes.keys() - {"gates", "lanes"}:
        queue = "q:" if name in PARKING else ""
        assert f"{keys.prefixes[name]}{queue}b:7" == getattr(keys, name)("b:7")


def test_a_jobs_id_is_its_batch_and_slot():
    assert job_id("b", 7) == "b:7"
