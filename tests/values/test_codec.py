"""Each value is written by the annotation that reads it, once, or refused."""

import itertools
import json
import logging
import typing
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Optional

import pytest
from pydantic import BaseModel, Field, SecretStr, field_serializer
from typing_extensions import TypedDict, Unpack

from gatherq import call, job
from gatherq.client.job_encoding import encode_all, encode_once
from gatherq.contract import records
from gatherq.contract.values import codec
from gatherq.contract.values.annotations import warn_about
from gatherq.contract.values.equality import same
from gatherq.contract.values.lazy_values import Untransportable
from gatherq.errors import InvalidCall
from gatherq_worker.execution.result import Unwritable, write_value
from gatherq_worker.registry import Handler

from .seeds import said_under_all_seeds

if TYPE_CHECKING:
    from nowhere import Unknown


class Swapped(BaseModel):
    """Fields that are written under each other's names."""

    a: int = Field(serialization_alias="b")
    b: int = Field(serialization_alias="a")


class Nan(BaseModel):
    xs: list[float | None]


class Broken(BaseModel):
    n: int

    @field_serializer("n")
    def _fails(self, n: int) -> int:
        raise RuntimeError("no")


class Options(TypedDict, total=False):
    since: date
    count: int


@job()
async def many(first: date, *rest: date, last: set[str] = frozenset(), **options: Unpack[Options]):
    return first, rest, last, options


@job()
async def by_name_only(one: int, *, when: datetime | str | None = None) -> Any: ...


@job()
async def half_known(x: "Unknown", at: date) -> "Unknown": ...


def arrived(each):
    record = records.decode_job(encode_all([each], "b", None)[0] + b',"et":1}')
    return Handler.of(each.function).bind(record.args, record.kwargs)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (str | bytes, b"hi"),
        (list[str | bytes], [b"hi"]),
        (datetime | str, "2026"),
        (date | str, "2026-01-02"),
        (Nan, Nan(xs=[float("nan")])),
        (dict[str, Nan], {"a": Nan(xs=[float("inf")])}),
        (dict[str | None, int], {None: 1}),
        (dict[date | str, int], {date(2026, 1, 2): 1}),
        (SecretStr, SecretStr("x")),
        (Optional[list[SecretStr]], [SecretStr("x")]),  # noqa: UP045
        (Iterable[int], itertools.count()),
        (dict[str, Iterable[int]], {"a": itertools.count()}),
        (set[Any], {itertools.count()}),
        (tuple[Any, ...], (deque([itertools.count()]),)),
    ],
)
def test_what_would_come_back_another_is_refused(annotation, value):
    with pytest.raises(Untransportable):
        codec.codec_of(annotation).encode(value)


@pytest.mark.parametrize(
    "value", [SecretStr("x"), [SecretStr("x")], {"a": (SecretStr("x"),)}, {None: 1}, [{(1,): 1}]]
)
def test_what_json_would_change_is_refused_without_an_annotation(value):
    with pytest.raises(InvalidCall, match=r"slot 1: argument key= of f\(...\), an? \w+, cannot"):
        encode_all([call("f"), call("f", 1, key=value)], "b", None)
    with pytest.raises(Unwritable, match="cannot travel"):
        write_value(value)


class Login(BaseModel):
    name: str
    password: SecretStr


def test_a_secret_in_a_model_is_refused_and_what_holds_itself_is_reported():
    around: list[Any] = []
    around += [around, around]
    for value in (Login(name="a", password="b"), [Login(name="a", password="b")], around):
        with pytest.raises(InvalidCall, match="slot 0: argument 0"):
            encode_all([call("f", value)], "b", None)


def test_names_for_writing_do_not_matter():
    found = codec.codec_of(Swapped)
    assert found.decode(found.encode(Swapped(a=1, b=2))) == Swapped(a=1, b=2)


def test_a_serializer_that_raises_is_refused():
    @job(name="f")
    async def f(x: Broken) -> None: ...

    with pytest.raises(InvalidCall, match="argument 0 of f"):
        encode_all([f.call(Broken(n=1))], "b", None)


def test_every_kind_of_parameter_is_written_by_its_annotation():
    each = many.call(date.min, date.max, last={"a"}, since=date.min, count=3)
    args, kwargs = arrived(each)
    assert args == (date.min, date.max)
    assert kwargs == {"last": {"a"}, "since": date.min, "count": 3}
    with pytest.raises(InvalidCall, match="argument when="):
        encode_all([by_name_only.call(1, when="2026")], "b", None)


@pytest.mark.parametrize("make", [lambda g: call("f", g), lambda g: call("f", x=[g])])
def test_what_is_lazy_is_taken_once(make):
    taken = []
    kept = encode_once(make(taken.append(n) or n for n in (1, 2)))
    job_ = encode_all([kept], "b", None)[0]
    assert b"[1,2]" in job_
    assert taken == [1, 2]
    assert job_ == encode_all([make([1, 2])], "b", None)[0]


def test_iterables_can_be_read_twice_and_iterators_are_iterators():
    many_times = codec.codec_of(Iterable[float]).decode([1.0])
    assert [list(many_times), list(many_times)] == [[1.0], [1.0]]
    assert isinstance(codec.codec_of(Iterator[float]).decode([1.0]), Iterator)


def test_an_annotation_that_cannot_be_resolved_is_named_and_left_out(caplog):
    with caplog.at_level(logging.WARNING, "gatherq"):
        handler = Handler.of(half_known)
        encode_all([half_known.call(1, date.min)], "b", None)
        for _ in range(2):
            warn_about(half_known)
    assert len(caplog.messages) == 2  # one for each annotation, however often
    assert all("half_known" in line and "TYPE_CHECKING" in line for line in caplog.messages)
    assert "parameter 'x'" in caplog.text
    assert "its result" in caplog.text
    assert handler.bind([1, "2026-01-02"], {})[0] == (1, date(2026, 1, 2))
    assert half_known.call(1, date.min).decode is None


def test_what_is_written_of_sets_is_the_same_in_every_process():
    program = """
from gatherq import call
from gatherq.client.job_encoding import encode_all, digests
from tests.values.travellers import Frozen, Names, Page
from tests.values.test_codec import many
from datetime import date
words = {str(n) for n in range(30)}
calls = [many.call(date.min, last=words), call("f", words), call("f", {"a": [words]})]
print(digests(encode_all(calls, "b", None)).hex())
from gatherq.contract.values.codec import codec_of
for value in (Names(words), Page[int](items=[], tags=words), Frozen(tags=frozenset(words))):
    print(codec_of(type(value)).encode(value))
print(codec_of(frozenset[frozenset[str]]).encode(frozenset({frozenset(words)})))
"""
    assert len(said_under_all_seeds(program)) == 1


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (float("nan"), float("nan"), True),
        (1, 1.0, False),
        (1, True, False),
        ({1}, {1.0}, False),
        ({1: "a"}, {"1": "a"}, False),
        ([1], (1,), False),
        (datetime(2026, 1, 1), datetime(2026, 1, 1, fold=1), False),
        (Nan(xs=[1.0]), Nan(xs=[1.0]), True),
        (Nan(xs=[1.0]), Nan(xs=[None]), False),
    ],
)
def test_same_values_are_of_one_type_all_the_way_down(one, other, equal):
    assert same(one, other) is equal


class Inner(typing.TypedDict):
    at: datetime


class Outer(typing.TypedDict, total=False):
    inner: typing.Required[Inner]
    more: list[Inner]
    raw: bytes


@pytest.mark.parametrize(
    "value",
    [
        {"inner": {"at": datetime.min}},
        {"inner": {"at": datetime.min}, "more": [{"at": datetime.max}], "raw": b"\xff"},
    ],
)
def test_typed_dicts_of_typing_travel_on_every_python(value):
    found = codec.codec_of(list[Outer])
    assert found.decode(json.loads(json.dumps(found.encode([value])))) == [value]
    with pytest.raises(ValueError, match="inner"):
        found.decode([{"raw": "AA=="}])
