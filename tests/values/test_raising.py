"""What the code of a value raises is the failure of that value, and of nothing else."""

import itertools
import os

import pytest

from gatherq import Failed, call, job
from gatherq.client.job_encoding import encode_all
from gatherq.contract.remote_errors.capture import Interrupted
from gatherq.contract.short_repr import with_article
from gatherq.contract.values import codec
from gatherq.errors import InvalidCall
from gatherq_worker.execution.result import Unwritable, write_value
from gatherq_worker.registry import Handler

from ..conftest import until
from . import raising
from .raising import CASES, CONTAINED, ERRORS, THROUGH
from .test_travel import TABLE


def _function(annotation):
    async def f(x):
        pass

    f.__annotations__ = {"x": annotation, "return": annotation}
    return job(name="f")(f)


def _said(error):
    """The errors behind one, by the names of their types or in their texts."""
    found = ""
    while error is not None:
        found += f"{type(error).__name__} {'' if isinstance(error, raising.Mute) else error} "
        error = error.__cause__
    return found


@pytest.mark.parametrize("case", range(len(CASES)))
@pytest.mark.parametrize("name", CONTAINED)
def test_an_argument_whose_code_raises_is_an_invalid_call(case, name):
    annotation, make = CASES[case]
    fine = call("f", 1)
    with pytest.raises(InvalidCall) as caught:
        encode_all([fine, _function(annotation).call(make(name))], "b", None)
    assert caught.value.slot == 1
    assert f"argument 0 of f(...), {with_article(type(make(name)).__name__)}, " in str(caught.value)
    assert name in _said(caught.value.__cause__)


@pytest.mark.parametrize("case", range(len(CASES)))
@pytest.mark.parametrize("name", CONTAINED)
def test_a_result_whose_code_raises_is_unwritable(case, name):
    annotation, make = CASES[case]
    with pytest.raises(Unwritable) as caught:
        write_value(make(name), Handler.of(_function(annotation)).encode)
    assert caught.value.info.type == "UnwritableResult"


@pytest.mark.parametrize("name", THROUGH)
def test_what_comes_from_outside_goes_through(name):
    with pytest.raises(ERRORS[name]):
        encode_all([call("f", raising.Following(name))], "b", None)


def test_the_end_of_a_job_that_submits_in_a_thread_goes_through():
    def items():
        yield 1
        raise Interrupted

    with pytest.raises(Interrupted):
        encode_all([call("f", items())], "b", None)


def test_a_value_that_cannot_be_compared_is_refused():
    with pytest.raises(InvalidCall, match="argument 0") as caught:
        encode_all([_function(raising.As).call(raising.Uncompared("KeyError"))], "b", None)
    assert isinstance(caught.value.__cause__, KeyError)


def test_another_writing_is_tried_when_a_validator_raises_at_the_first():
    found = codec.codec_of(raising.Picky)
    assert found.decode(found.encode(raising.Picky(a=1))) == raising.Picky(a=1)


async def test_each_failure_is_that_of_its_job_and_the_worker_goes_on(producer, start_worker):
    start_worker(module="tests.values.raising", cwd=TABLE.parents[1])
    sees = (raising.sees, raising.sees_apart, raising.sees_in_a_thread)
    returns = (raising.returns, raising.returns_apart, raising.returns_in_a_thread)
    # A worker that is short of memory leaves a job to others; a keyboard is no job's.
    names = ERRORS.keys() - {"MemoryError", "KeyboardInterrupt"}
    read = [each.call(f"{os.getpid()}:{name}") for name in names for each in sees]
    cases = itertools.product(range(len(CASES)), ("KeyError", "Unheard"), returns)
    write = [each.call(case, name) for case, name, each in cases]
    async with until(60):
        batch = await producer.submit([*read, *write])
        outcomes = await batch.outcomes()
        assert await producer.gather(raising.fine.call()) == ["fine"]
    assert [type(outcome) for outcome in outcomes] == [Failed] * len(outcomes)
    assert {outcome.error.type for outcome in outcomes[len(read) :]} == {"UnwritableResult"}
    assert all(outcome.attempt == 1 for outcome in outcomes)
