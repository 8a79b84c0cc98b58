"""Which redis-py the tests of a client run with: a run that has another one proves nothing."""

import os
from fnmatch import fnmatch
from importlib.util import find_spec

import redis

#: What `tests/clients/run` was asked for; without it these are the tests of both sides.
WANTED = os.environ.get("REDIS_PY")


def test_redis_py_is_the_one_that_was_asked_for():
    assert fnmatch(redis.__version__, WANTED or "5.*")


def test_arq_is_there_for_workers_alone():
    assert (find_spec("arq") is None) is bool(WANTED)
