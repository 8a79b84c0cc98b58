"""`@job(validate=True)`: values are held against their annotations where a call is made."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from pydantic import Field
from pydantic_core import from_json
from typing_extensions import TypedDict, Unpack

from gatherq import Call, job
from gatherq.client.job_encoding import encode_all, encode_once
from gatherq.contract.interruptions import Interruption
from gatherq.errors import InvalidArguments, InvalidCall
from gatherq_worker.registry import Handler

if TYPE_CHECKING:
    Absent = int


@job(validate=True)
async def chop(vegetable: str, seconds: float = 1.0) -> str:
    return vegetable


@dataclass
class Knife:
    length: int


class Options(TypedDict, total=False):
    sharp: bool
    since: date


@job(validate=True)
def many(first: Any, *others: int, knife: Knife | None = None, **options: Unpack[Options]):
    return first


@job(validate=True)
def rest(unknown, absent: "Absent" = 0, **others: float):
    return unknown


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: chop.call("carrot", "three"),
            "chop.call('carrot', 'three'): seconds must be float, not 'three': "
            "Input should be a valid number, unable to parse string as a number",
        ),
        (
            lambda: chop.call("carrot", seconds="3"),
            "chop.call('carrot', seconds='3'): seconds must be float, not '3': "
            "Input should be a valid number",
        ),
        (
            lambda: chop.call(None),
            "chop.call(None): vegetable must be str, not None: Input should be a valid string",
        ),
        (
            lambda: many.call(1, 2, "x"),
            "many.call(1, 2, 'x'): others must be int, not (2, 'x'): Input should be a valid "
            "integer, unable to parse string as an integer",
        ),
        (
            lambda: many.call(1, knife={"length": "long"}),
            "many.call(1, knife={'length': 'long'}): knife must be "
            "Knife | None, not {'length': 'long'}: length: "
            "Input should be a valid integer, unable to parse string as an integer",
        ),
        (
            lambda: many.call(1, sharp="yes"),
            "many.call(1, sharp='yes'): sharp must be bool, not 'yes': "
            "Input should be a valid boolean",
        ),
        (
            lambda: many.call(1, since="soon"),
            "many.call(1, since='soon'): since must be datetime.date, not 'soon': "
            "Input should be a valid date or datetime, input is too short",
        ),
        (
            lambda: rest.call(1, more="x"),
            "rest.call(1, more='x'): more must be float, not 'x': "
            "Input should be a valid number, unable to parse string as a number",
        ),
    ],
)
def test_a_value_of_another_type_is_refused_where_the_call_is_made(make, message):
    with pytest.raises(InvalidArguments) as caught:
        make()
    assert str(caught.value) == message
    assert caught.value.name in ("chop", "many", "rest")


@pytest.mark.parametrize(
    "make",
    [
        lambda: chop.call("carrot"),
        lambda: chop.call("carrot", 3),
        lambda: chop.call("carrot", math.nan),
        lambda: many.call(None, 1, True),
        lambda: many.call(None, knife=Knife(3), sharp=False, since=date.min),
        lambda: many.call(None, knife={"length": 3}),
        lambda: rest.call({"a": [1]}, "of any type", more=1),
    ],
)
def test_what_a_worker_takes_is_taken_and_written_as_ever(make):
    call = make()
    unchecked = Call(call.name, call.args, call.kwargs, None, call.function)
    plain = encode_all([unchecked], "b", 1.0)
    assert encode_all([call], "b", 1.0) == plain
    assert encode_all([encode_once(call.with_timeout(1))], "b", None) == plain
    record = from_json(plain[0] + b"}")
    Handler.of(call.function).bind(record["a"], record["k"])  # raises nothing


VALUES = [
    *(1, 1.0, 1.5, True, None, "x", "1", "2026-01-01", [], [1], ["1"], {}, {"a": 1}, {"length": 1}),
    *(date.min, datetime.min, Knife(1), b"x", (1,), math.inf),
]
CONVERTED = [
    *(date, datetime, Knife, bytes, tuple[int, ...], set[int], date | int),
    *(Iterable[int], Annotated[int, Field(gt=0)], list[date]),
]


@pytest.mark.parametrize("annotation", CONVERTED, ids=str)
def test_an_annotation_that_a_worker_reads_by_is_judged_as_it_does(annotation):
    def sees(x):
        return x

    sees.__annotations__["x"] = annotation
    unchecked = Handler.of(job(name="sees")(sees))
    checked = job(name="sees", validate=True)(lambda x: x)
    checked.__annotations__["x"] = annotation
    for value in VALUES:
        call = sees.call(value)
        record = from_json(encode_all([call], "b", None)[0] + b"}")
        assert outcome(unchecked.bind, record["a"], {}) == outcome(checked.call, value)


def outcome(take, *given):
    try:
        take(*given)
    except TypeError:
        return "refused"
    return "taken"


def test_a_literal_and_lists_of_json_are_checked_without_conversion():
    @job(name="f", validate=True)
    def f(size: Literal["s", "m"], counts: list[int] | None = None):
        pass

    f.call("s", [1, True])
    for wrong in (("l",), ("s", ["1"]), ("s", "1")):
        with pytest.raises(InvalidArguments):
            f.call(*wrong)


def test_an_iterator_is_read_once():
    @job(name="f", validate=True)
    def f(numbers: Iterable[int]):
        pass

    call = f.call(iter([1, 2]))
    for _ in range(2):
        assert b'"a":[[1,2]]' in encode_all([call], "b", None)[0]
    with pytest.raises(InvalidArguments, match="numbers must be"):
        f.call(iter(["x"]))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (object(), "it cannot be written as JSON: Unable to serialize unknown type"),
        ({None: 1}, "argument 0 cannot travel: None cannot be a key in JSON"),
    ],
)
def test_what_cannot_be_written_is_told_there_too(given, why):
    with pytest.raises(InvalidCall, match=why) as caught:
        rest.call(given)
    assert not isinstance(caught.value, InvalidArguments)


def test_an_interruption_is_not_taken_for_a_bad_value():
    def interrupted():
        yield 1
        raise Interruption

    with pytest.raises(Interruption):
        rest.call(interrupted())


def test_without_it_values_are_not_looked_at():
    @job(name="f")
    def f(seconds: float):
        pass

    assert f.call("three").args == ("three",)
