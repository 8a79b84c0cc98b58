"""Errors are values: they pickle and copy, whatever their constructors want."""

import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context

import pytest

from gatherq import errors
from gatherq.contract.outcomes import Cancelled, Lost, TimedOut, exception_of

KNOWN = {
    "job_id": "b:1",
    "slot": 1,
    "name": "f",
    "attempt": 2,
    "worker": "w",
    **dict.fromkeys(("enqueued", "finished"), datetime.now(UTC)),
}
ERRORS = [
    exception_of(TimedOut(which="batch", limit=3.0, **KNOWN)),
    exception_of(Lost(attempts=2, **KNOWN)),
    exception_of(Cancelled(by="me", **KNOWN)),
    errors.GatherqError("x"),
    errors.InvalidCall("x", slot=1, name="f"),
    errors.InvalidArguments("x", slot=1, name="f"),
    errors.PayloadTooLarge("x", size=2, limit=1, slot=1, name="f"),
    errors.InvalidSelector("x"),
    errors.InvalidSetting("x", name="keep"),
    errors.RedisUnavailable("x", url="redis://h"),
    errors.BatchNotFound("x", batch_id="b"),
    errors.BatchConflict("x", batch_id="b", slot=3),
    errors.NoWorkers("x", queue="q", batch_id="b", names=("f",)),
    errors.ProducerClosed.now(),
    errors.ProducerElsewhere("x"),
    errors.MissingExtra("x"),
    errors.RemoteError("x"),
    errors.Retry(3),
]


def named(error):
    error.add_note("a note")
    return error


def test_none_is_forgotten():
    own = {each for each in vars(errors).values() if isinstance(each, type)}
    raised = {each for each in own if issubclass(each, BaseException) and each.__name__[0] != "_"}
    assert raised == {type(error) for error in ERRORS}


@pytest.mark.parametrize("error", list(map(named, ERRORS)), ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))]
)
def test_an_error_comes_back_as_it_was(error, again):
    same = again(error)
    assert type(same) is type(error)
    assert (str(same), same.args) == (str(error), error.args)
    assert vars(same) == vars(error)


def fail():
    raise errors.BatchNotFound("no batch b", batch_id="b")


def test_a_pool_of_processes_outlives_an_error():
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for _ in range(2):
            with pytest.raises(errors.BatchNotFound, match="no batch b") as caught:
                pool.submit(fail).result(30)
            assert caught.value.batch_id == "b"


def test_what_is_gone_may_have_been_deleted():
    assert str(errors.BatchNotFound.gone("b", "its data")) == (
        "batch b: its data is no longer in Redis; it was deleted, has expired, or Redis was "
        "flushed or restarted without persistence"
    )
