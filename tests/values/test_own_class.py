"""Without an annotation a value is written by its own class, if that says what it is made of."""

import dataclasses
import enum
import itertools
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from gatherq import call, job
from gatherq.client.job_encoding import encode_all
from gatherq.contract import records
from gatherq.errors import InvalidCall
from gatherq_worker.execution.result import Unwritable, write_value
from gatherq_worker.registry import Handler

from .seeds import said_under_all_seeds
from .travellers import (
    Aliased,
    Box,
    Checked,
    Colour,
    Corner,
    Frozen,
    Lazy,
    Login,
    Names,
    Pair,
    Told,
)

if TYPE_CHECKING:
    from nowhere import Unknown


class Size(enum.IntEnum):
    SMALL = 1


class Named(NamedTuple):
    words: set[str]


@dataclasses.dataclass
class Unresolved:
    x: "Unknown"
    tags: Any = None


def by_name(value, annotation):
    """What a handler of that annotation gets of a value that is sent by the job's name alone."""

    async def f(x):
        pass

    f.__annotations__ = {"x": annotation}
    function = job(name="f")(f)
    payload = encode_all([call("f", value)], "b", None)[0] + b',"et":1}'
    record = records.decode_job(payload)
    return Handler.of(function).bind(record.args, record.kwargs)[0][0]


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (Aliased(a_in=1), Aliased),
        ([Aliased(a_in=1)], list[Aliased]),
        ({"a": (Aliased(a_in=1),)}, dict[str, tuple[Aliased, ...]]),
        (Frozen(tags=frozenset({"a"})), Frozen),
        ([Corner.LEFT, Corner.LEFT], list[Corner]),
        ({"a": Size.SMALL}, dict[str, Size]),
        (Colour.RED, Colour),
        (Pair(1, date.min), Pair),
        (Named({"a", "b"}), Named),
        (Told(password="x"), Told),
        (Names({"a"}), Names),
    ],
)
def test_a_handler_reads_what_was_written_by_the_class(value, annotation):
    back = by_name(value, annotation)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        *(Checked(n=1), Lazy(xs=[1]), Login(password="x"), Box(date.min), Box(itertools.count())),
        *(
            Pair(1, "no date"),
            Frozen(tags=frozenset(), inner="no point"),
            Aliased.model_construct(),
        ),
        Unresolved(Login(password="x")),
    ],
)
@pytest.mark.parametrize("within", [lambda v: v, lambda v: [v], lambda v: {"a": (v,)}])
def test_what_the_class_would_read_as_another_is_refused(value, within):
    with pytest.raises(
        InvalidCall, match=r"slot 0: argument x= of f\(...\), an? \w+, cannot travel"
    ):
        encode_all([call("f", x=within(value))], "b", None)
    with pytest.raises(Unwritable):
        write_value(within(value))


def test_a_class_whose_annotations_cannot_be_resolved_is_a_dict_of_its_fields():
    assert by_name(Unresolved(1, {"b", "a"}), Any) == {"x": 1, "tags": ["a", "b"]}


def test_sets_inside_have_one_order_by_name_too():
    program = """
from gatherq import call
from gatherq.client.job_encoding import encode_all, digests
from tests.values.test_own_class import Named, Unresolved
from tests.values.travellers import Frozen, Names, Page
words = {str(n) for n in range(30)}
values = [Named(words), Names(words), Page[int](items=[], tags=words), Unresolved(1, words)]
values.append(Frozen(tags=frozenset(words)))
calls = [call("f", values), *(call("f", value) for value in values), call("f", x={"a": values})]
print(digests(encode_all(calls, "b", None)).hex())
"""
    assert len(said_under_all_seeds(program)) == 1
