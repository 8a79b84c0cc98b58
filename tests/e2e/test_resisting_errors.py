"""Errors whose own code resists, raised in real workers, as each reader finds them."""

import copy
import pickle
import traceback

import pytest

from gatherq import Producer, RemoteError, TimedOut

from ..conftest import until
from . import resisting

CAUGHT = {
    **dict.fromkeys(("NoClass", "NoTruth", "NoText", "NoNotes", "Nothing"), (ValueError,)),
    "TwoOf": (KeyError, AttributeError, RemoteError),
    "Wanting": (OSError, RemoteError),
    "Group": (ExceptionGroup, RemoteError),
    "circle": (ValueError,),
    "nested": (ExceptionGroup,),
    "named": (ValueError, RemoteError),
    "in a group": (ExceptionGroup,),
    "surrogates": (FileNotFoundError,),
}
EACH = [resisting.in_loop, resisting.in_thread, resisting.in_process]


def raised_by(outcome):
    try:
        outcome.unwrap()
    except Exception as error:
        return error


async def found_by_each_reader(producer, other, job):
    """Yield the errors of all kinds, in order, as one reader after another finds them."""
    calls = [job.call(kind) for kind in CAUGHT]
    yield await producer.gather(*calls, return_exceptions=True)
    batch = await producer.submit(calls)
    handles = batch.handles()
    await batch.wait()
    yield [handle.exception() for handle in handles]
    yield [raised_by(outcome) for outcome in await batch.outcomes()]
    ended = [outcome async for outcome in batch.as_completed()]
    yield [raised_by(outcome) for outcome in sorted(ended, key=lambda outcome: outcome.slot)]
    again = await other.batch(batch.id)
    yield [raised_by(outcome) for outcome in await again.outcomes()]
    yield [raised_by(outcome) async for outcome in producer.map(job, CAUGHT)]
    found = []
    for call in calls:
        with pytest.raises(ExceptionGroup) as raised:
            async with producer.task_group() as group:
                group.create_task(call)
        found += raised.value.exceptions
    yield found


@pytest.mark.parametrize("job", EACH, ids=lambda job: job.__name__)
async def test_each_reader_catches_them_as_their_builtins(
    producer, start_worker, server_url, queue, job
):
    start_worker(module="resisting")
    first = None
    async with until(60), Producer(server_url, queue=queue) as other:
        async for errors in found_by_each_reader(producer, other, job):
            first = first or errors
            for error, known, kinds in zip(errors, first, CAUGHT.values(), strict=True):
                assert all(isinstance(error, kind) for kind in kinds), error
                assert type(error) is type(known)
                assert str(error) == str(known)
    for error in first:
        shown = "".join(traceback.format_exception(error))
        assert shown.count("Remote traceback of") == 1
        assert "in made" not in shown
        assert f"in {job.__name__}" in shown
        for copied in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
            assert type(copied) is type(error)
            assert (str(copied), repr(copied)) == (str(error), repr(error))
            assert copied.__notes__ == error.__notes__
    levels, error = 0, first[[*CAUGHT].index("nested")]
    while isinstance(error, ExceptionGroup):
        (error,), levels = error.exceptions, levels + 1
    assert (levels, error.args) == (40, ("deepest",))


@pytest.mark.parametrize("job", EACH, ids=lambda job: job.__name__)
async def test_what_never_ends_in_it_ends_with_the_jobs_time(producer, start_worker, job):
    start_worker(module="resisting")
    async with until(60):
        for kind in resisting.ENDLESS:
            batch = await producer.submit([job.call(kind)], timeout=0.5)
            (outcome,) = await batch.outcomes()
            assert isinstance(outcome, TimedOut), outcome
        (outcome,) = await producer.gather(job.call("Wanting"), return_exceptions=True)
        assert isinstance(outcome, OSError)
