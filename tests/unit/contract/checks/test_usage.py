"""Calls of a wrong shape: what is said, and what is left alone."""

import inspect

import pytest

from gatherq import job
from gatherq.contract.checks.usage import usage
from gatherq.errors import InvalidArguments


@usage("cook", "one dish: cook('soup')", fire="write stove(fire)")
async def cook(dish: str, *, minutes: float = 1) -> str:
    if dish == "stone":
        raise TypeError("not to be eaten")
    return dish


@usage("wash", lambda given: f"a thing, not {len(given)}")
def wash(thing: str) -> str:
    return thing.upper()


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ((), {}, "cook takes one dish: cook('soup')"),
        (("soup", 3), {}, "cook takes one dish: cook('soup')"),
        (
            ("soup",),
            {"minuts": 3},
            "cook has no option 'minuts': did you mean 'minutes'? (it takes dish, minutes)",
        ),
        (("soup",), {"salt": 3}, "cook has no option 'salt': it takes dish, minutes"),
        (
            ("soup",),
            {"fire": 3},
            "cook has no option 'fire': write stove(fire) (it takes dish, minutes)",
        ),
    ],
)
async def test_a_wrong_call_is_told_what_to_write(args, kwargs, text):
    with pytest.raises(InvalidArguments) as caught:
        await cook(*args, **kwargs)
    assert str(caught.value) == text
    assert caught.value.__context__ is None


async def test_a_right_call_and_its_own_errors_pass():
    assert (await cook("soup", minutes=3), wash("pan")) == ("soup", "PAN")
    with pytest.raises(TypeError, match="not to be eaten"):
        await cook("stone")
    with pytest.raises(AttributeError):
        wash(3)


def test_advice_may_depend_on_what_was_given():
    with pytest.raises(InvalidArguments, match="^wash takes a thing, not 2$"):
        wash("pan", "pot")


def test_a_function_stays_what_it_was():
    assert inspect.iscoroutinefunction(cook)
    assert not inspect.iscoroutinefunction(wash)
    assert str(inspect.signature(wash)) == "(thing: str) -> str"


@pytest.mark.parametrize(
    ("option", "near"),
    [("max_retries", "retries"), ("timout", "timeout"), ("max_tries", "max_attempts")],
)
def test_an_option_of_job_that_is_none(option, near):
    with pytest.raises(InvalidArguments) as caught:
        job(**{option: 3})
    said = f"@job has no option {option!r}: did you mean {near!r}? (it takes name, timeout, "
    assert str(caught.value).startswith(said)
