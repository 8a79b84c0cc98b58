"""Wrong arguments of a call are told where it is written."""

import functools
import inspect
import traceback

import pytest

from gatherq import call, job
from gatherq.contract.checks.call_signature import CallSignature
from gatherq.errors import InvalidArguments, InvalidCall


@job(name="chop-it")
async def chop(vegetable: str, seconds: float = 1.0, *, sharp: bool = False) -> str:
    return vegetable


@job()
def many(first, /, *others, **named):
    return first


SIGNATURE = "its signature is (vegetable: str, seconds: float = 1.0, *, sharp: bool = False)"


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "chop() missing a required argument: 'vegetable': chop.call()"),
        ((1, 2, 3), {}, "chop() got too many positional arguments: chop.call(1, 2, 3)"),
        (
            ("leek",),
            {"second": 3},
            "chop() got an unexpected keyword argument 'second': chop.call('leek', second=3)",
        ),
        (
            ("leek",),
            {"vegetable": "leek"},
            "chop() got multiple values for argument 'vegetable': "
            "chop.call('leek', vegetable='leek')",
        ),
    ],
)
def test_a_wrong_number_or_name_is_refused(args, kwargs, message):
    for _ in range(2):  # what was refused once is not remembered as fine
        with pytest.raises(InvalidArguments) as caught:
            chop.call(*args, **kwargs)
        assert str(caught.value) == f"{message}; {SIGNATURE}"
        assert (caught.value.slot, caught.value.name) == (None, "chop")
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, InvalidCall)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("sharp", [{}, {"sharp": True}])
@pytest.mark.parametrize("args", [("leek",), ("leek", 3)])
def test_what_fits_is_taken_as_it_was_written(args, sharp):
    for _ in range(2):
        made = chop.call(*args, **sharp)
        assert (made.name, made.args, made.kwargs or {}) == ("chop-it", args, sharp)


def test_a_function_of_any_arguments_takes_them():
    assert many.call(1, 2, 3, n1=1).args == (1, 2, 3)
    with pytest.raises(InvalidArguments, match=r"many\(\) missing a required argument: 'first'"):
        many.call(n1=1)


def test_not_all_shapes_of_a_function_of_any_names_are_remembered():
    signature = CallSignature(many)
    assert not any(signature.problem([1], {f"n{n}": n}) for n in range(600))
    assert len(signature.known) == 256


def test_a_wrapped_function_is_known_by_the_signature_that_it_took_over():
    def wrapped(*args):
        return chop(*args)

    wrapped = job()(functools.wraps(many)(wrapped))
    assert wrapped.call(1, 2).args == (1, 2)


def test_the_traceback_has_one_line_of_ours_below_the_callers():
    with pytest.raises(InvalidArguments) as caught:
        chop.call()
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert [frame.name for frame in frames[:-1]] == [inspect.currentframe().f_code.co_name]


def test_hostile_and_huge_arguments_are_cut():
    class Hostile:
        def __repr__(self):
            raise GeneratorExit

    with pytest.raises(InvalidArguments) as caught:
        chop.call("x" * 10_000, [Hostile()] * 1000, "\x1b[2J\n", 10**5000, {"a": "b" * 900})
    shown = str(caught.value).partition(": chop.call(")[2].partition("); its")[0]
    assert len(shown) <= 200
    assert "\x1b" not in shown
    assert "\n" not in shown
    assert shown.startswith("'xxxx")


def test_a_call_by_name_alone_is_not_checked():
    assert call("chop-it").args == ()
