"""Every exception of Python, and what is derived from it, described and made again."""

import asyncio
import builtins
import concurrent.futures
import copy
import io
import json
import pickle
import traceback

import pydantic
import pytest

from gatherq import ErrorInfo, RemoteError
from gatherq.contract.remote_errors.capture import describe
from gatherq.contract.remote_errors.error_info import rebuild

KINDS = sorted(
    {k for k in vars(builtins).values() if isinstance(k, type) and issubclass(k, BaseException)},
    key=lambda kind: kind.__name__,
)
#: What would end the producer, as it would end a local loop, stays a RemoteError.
ENDING = (SystemExit, KeyboardInterrupt, GeneratorExit)
HELD = [
    *("errno", "strerror", "filename", "filename2", "name", "path", "msg", "lineno", "offset"),
    *("text", "end_lineno", "end_offset", "encoding", "object", "start", "end", "reason"),
    *("value", "code", "partial", "expected", "consumed"),
]


def made(kind):
    """Make one, with all that its kind can carry."""
    if issubclass(kind, BaseExceptionGroup):
        return kind("group", [ValueError(1), ExceptionGroup("inner", [KeyError("k")])])
    if issubclass(kind, UnicodeDecodeError):
        return kind("utf-8", b"\xff\x00", 0, 1, "invalid start byte")
    if issubclass(kind, UnicodeEncodeError):
        return kind("ascii", "é", 0, 1, "not in range")
    if issubclass(kind, UnicodeTranslateError):
        return kind("é", 0, 1, "no")
    if issubclass(kind, SyntaxError):
        return kind("bad", ("f.py", 1, 2, "a b", 1, 3))
    if issubclass(kind, OSError):
        return kind(2, "gone", b"/raw\xff", None, "/other")
    if issubclass(kind, ImportError):
        return kind("no module", name="m", path="/m.py")
    if issubclass(kind, AttributeError):
        return kind("no", name="a", obj=5)
    if issubclass(kind, NameError):
        return kind("no", name="n")
    return kind(7)


def over(error):
    info = ErrorInfo.model_validate_json(describe(error).model_dump_json())
    return rebuild(info)


def held(error):
    found = {name: getattr(error, name, None) for name in HELD}
    return {name: value for name, value in found.items() if value is not None}


def same(one, other):
    assert type(one) is type(other)
    assert str(one) == str(other)
    assert held(one) == held(other)
    if isinstance(one, BaseExceptionGroup):
        for pair in zip(one.exceptions, other.exceptions, strict=True):
            same(*pair)
    else:
        assert one.args == other.args


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_builtin_is_itself_with_what_it_carries(kind):
    error = made(kind)
    again = over(error)
    if kind is StopIteration:  # as a coroutine's: asyncio makes a RuntimeError of it
        assert isinstance(again, RuntimeError)
        again = again.__cause__
    if issubclass(kind, Exception) or kind is BaseExceptionGroup:
        same(error, again)
        (member,) = over(ExceptionGroup("of", [error])).exceptions if kind.__base__ else ()
        same(error, member)
    else:
        assert isinstance(again, RemoteError)
        assert not isinstance(again, ENDING)
        assert held(again) == held(error)
    for copied in (copy.copy(again), pickle.loads(pickle.dumps(again))):
        assert type(copied) is type(again)
        assert str(copied) == str(again)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_subclass_is_caught_as_its_builtin_and_as_a_remote_error(kind):
    if kind is BaseExceptionGroup:
        error = type("Mine", (kind,), {})("group", [SystemExit(1)])
    else:
        error = made(type("Mine", (kind,), {}))
    again = over(error)
    assert isinstance(again, RemoteError)
    assert "Mine" in str(again)
    if kind is StopIteration:
        assert isinstance(again, RuntimeError)
        again = again.__cause__
    if issubclass(kind, Exception):
        assert isinstance(again, kind)
    assert not isinstance(again, ENDING)
    assert held(again) == held(error)
    for copied in (copy.copy(again), pickle.loads(pickle.dumps(again))):
        assert type(copied) is type(again)
        assert str(copied) == str(again)
        assert held(copied) == held(again)


@pytest.mark.parametrize("kind", [ExceptionGroup, BaseExceptionGroup])
def test_a_groups_subclass_is_caught_and_split(kind):
    mine = type("Mine", (kind,), {})
    again = over(mine("two", [ValueError("a"), KeyError("b")]))
    caught = []
    try:
        raise again
    except* KeyError as group:
        caught += group.exceptions
    except* ValueError as group:
        caught += group.exceptions
    assert [type(error) for error in caught] == [KeyError, ValueError]
    assert isinstance(again, ExceptionGroup)
    assert isinstance(again.subgroup(KeyError), RemoteError)
    assert len(again.derive([TypeError()]).exceptions) == 1


def unsupported():
    io.StringIO().detach()


def undecodable():
    json.loads("{")


def invalid():
    pydantic.TypeAdapter(int).validate_python("x")


@pytest.mark.parametrize(
    ("raising", "kinds"),
    [(unsupported, (OSError, ValueError)), (undecodable, (ValueError,)), (invalid, (ValueError,))],
)
def test_libraries_errors_are_caught_by_each_of_their_builtins(raising, kinds):
    with pytest.raises(kinds) as raised:
        raising()
    again = over(raised.value)
    assert isinstance(again, RemoteError)
    assert all(isinstance(again, kind) for kind in kinds)


ASYNCIOS = [
    asyncio.InvalidStateError("no"),
    asyncio.IncompleteReadError(b"ab", 5),
    asyncio.LimitOverrunError("long", 7),
    asyncio.BrokenBarrierError("broken"),
    asyncio.QueueEmpty(),
    asyncio.QueueFull(),
    concurrent.futures.InvalidStateError("no"),
    concurrent.futures.BrokenExecutor("broken"),
    TimeoutError("late"),
]


@pytest.mark.parametrize("error", ASYNCIOS, ids=lambda error: type(error).__name__)
def test_asyncios_own_errors_are_themselves(error):
    again = over(error)
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert held(again) == held(error)


def test_what_led_to_it_is_there():
    try:
        try:
            raise KeyError("first")
        except KeyError:
            raise ValueError("second")  # noqa: B904
    except ValueError as raised:
        error = raised
    again = over(error)
    assert isinstance(again.__context__, KeyError)
    assert not again.__suppress_context__
    error.__suppress_context__ = True
    assert over(error).__suppress_context__
    error.__cause__ = OSError(2, "gone")
    assert over(error).__cause__.errno == 2


@pytest.mark.parametrize("args", [(object(),), ("x" * 40_000, "y"), ([1],), (10**2000,)])
def test_arguments_that_cannot_travel_are_told_of(args):
    again = over(ValueError(*args))
    assert type(again) is ValueError
    assert any("arguments are left out" in note for note in again.__notes__)


@pytest.mark.parametrize("args", [(b"raw",), ("x" * 3000,), (1, (2, ("three", None)))])
def test_arguments_that_are_data_travel(args):
    assert over(ValueError(*args)).args == args


def test_an_older_record_is_read():
    old = {"type": "OSError", "message": "[Errno 2] gone", "args": [2, "gone"], "members": []}
    again = rebuild(ErrorInfo.model_validate(old))
    assert type(again) is FileNotFoundError
    assert again.errno == 2


@pytest.mark.parametrize("attributes", [{"errno": {"bytes": 5}}, {"x\0": 1}, {"args": 5}])
def test_damaged_attributes_are_passed_over(attributes):
    for kind in ("OSError", "ValueError", "builtins.Own"):
        assert isinstance(
            rebuild(ErrorInfo(type=kind, message="x", attributes=attributes)), Exception
        )


def failing():
    try:
        json.loads("{")
    except ValueError as error:
        raise ExceptionGroup("of", [error, KeyError("k")]) from OSError(2, "gone", "f")


def test_what_is_raised_again_shows_where_it_came_from_once():
    with pytest.raises(ExceptionGroup) as raised:
        failing()
    again = over(raised.value)
    for _ in range(3):  # as a handle that is awaited more than once
        with pytest.raises(ExceptionGroup) as caught:
            raise again
        assert caught.value is again
        shown = "".join(traceback.format_exception(again))
        assert shown.count("Remote traceback of") == 1
        assert shown.count("in failing") >= 1
        assert "raise again" in shown, "where it is raised here"
        assert "direct cause" in shown
    assert repr(again).startswith("ExceptionGroup('of', [RemoteError(")
    assert str(again) == "of (2 sub-exceptions)"


@pytest.mark.parametrize("kinds", [(RemoteError, KeyError), (ValueError, LookupError)])
def test_members_of_a_group_are_caught_by_either_name(kinds):
    with pytest.raises(ExceptionGroup) as raised:
        failing()
    caught = []
    try:
        raise over(raised.value)
    except* kinds[0] as group:
        caught += group.exceptions
    except* kinds[1] as group:
        caught += group.exceptions
    assert len(caught) == 2
    assert isinstance(caught[0], ValueError)
    assert isinstance(caught[0], RemoteError)
    assert caught[1].args == ("k",)


@pytest.mark.parametrize(
    "error", [ValueError("x", 1), KeyError("k"), OSError(2, "gone", "f"), StopAsyncIteration()]
)
def test_a_builtin_is_written_as_in_a_local_loop(error):
    again = over(error)
    assert (str(again), repr(again)) == (str(error), repr(error))
    (line,) = traceback.format_exception_only(error)
    assert traceback.format_exception_only(again)[0] == line
