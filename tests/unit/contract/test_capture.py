"""An error as data: within one budget, and made again from whatever is left of it."""

import json
import time
from typing import Any

import pytest

from gatherq import ErrorInfo, RemoteError
from gatherq.contract import records
from gatherq.contract.remote_errors.capture import Interrupted, describe, is_data
from gatherq.contract.remote_errors.error_info import rebuild
from gatherq.contract.validation import MAX_ENTRY, MAX_HISTORY
from gatherq.contract.values import codec


def shared(wide: int, deep: int) -> BaseException:
    group: BaseException = ValueError("shared")
    for _ in range(deep):
        group = ExceptionGroup("group", [group] * wide)  # type: ignore[list-item]
    return group


def chain(length: int, by: str) -> BaseException:
    error: BaseException | None = None
    for n in range(length):
        following = ValueError(n)
        setattr(following, by, error)
        error = following
    assert error is not None
    return error


def both_ways(error: BaseException) -> tuple[ErrorInfo, Exception]:
    """Describe within a time, and read it again as it stands in a result."""
    started = time.perf_counter()
    info = describe(error)
    assert time.perf_counter() - started < 2
    written = codec.encode({"history": [{"error": info}]})
    assert len(written) < 2_000_000
    again = ErrorInfo.model_validate(json.loads(written)["history"][0]["error"])
    assert again == info
    return info, rebuild(again)


def count(info: ErrorInfo) -> int:
    behind = [*info.members, *([info.cause] if info.cause else [])]
    return 1 + sum(map(count, behind))


def test_a_group_six_deep_comes_back_as_it_is():
    _, error = both_ways(shared(1, 6))
    for _ in range(6):
        assert isinstance(error, ExceptionGroup)
        (error,) = error.exceptions
    assert (type(error), str(error)) == (ValueError, "shared")


@pytest.mark.parametrize(("wide", "deep"), [(20, 5), (2, 30), (3, 60), (50_000, 1), (300, 3)])
def test_shared_members_are_described_within_one_budget(wide, deep):
    info, error = both_ways(shared(wide, deep))
    assert isinstance(error, ExceptionGroup)
    assert count(info) <= 200
    assert "left out" in info.model_dump_json()
    assert "more are left out" in info.traceback
    left_out = [m for m in info.members if m.type == "LeftOut"]
    described = len(info.members) - len(left_out)
    assert described == min(wide, 99)
    if wide > 99:
        assert left_out[0].message == f"{wide - 99:,} more members are left out here"


@pytest.mark.parametrize("by", ["__cause__", "__context__"])
def test_a_long_chain_is_described_within_the_budget(by):
    info, error = both_ways(chain(100_000, by))
    assert str(error) == "99999"
    assert count(info) <= 100
    assert "left out" in info.traceback
    if by == "__cause__":
        while info.cause:
            info = info.cause
        assert info.notes == ("what led to this error is left out here",)


def test_all_texts_have_one_budget():
    text = "x" * 1_000_000
    error = ExceptionGroup(text, [ValueError(text), *[KeyError(text)] * 50])
    error.__notes__ = [text] * 100
    info, again = both_ways(error)
    assert len(info.model_dump_json()) < 300_000
    assert len(info.notes) == 21
    assert info.notes[-1] == "80 more notes are left out here"
    assert "(1,000,000 characters)" in info.message
    assert "  +---- 1 ----" in info.traceback.replace("-" * 12, "")
    assert isinstance(again, ExceptionGroup)


def test_the_traceback_shows_the_error_last_and_what_led_to_it():
    def deeper(n: int) -> None:
        if n:
            deeper(n - 1)
        raise KeyError("innermost")

    try:
        try:
            deeper(500)
        except KeyError as error:
            raise ValueError("outer") from error
    except ValueError as error:
        info = describe(error)
    *_, last = info.traceback.rstrip().splitlines()
    assert last == "ValueError: outer"
    assert "KeyError: 'innermost'" in info.traceback
    assert "direct cause" in info.traceback
    assert "frames are left out" in info.traceback


def define(module: str, source: str) -> Any:
    """Return the function `f` of a module of that name."""
    names: dict[str, Any] = {"__name__": module}
    exec(compile(source, f"<{module}>", "exec"), names)
    return names["f"]


def test_the_traceback_begins_with_the_jobs_own_frames():
    ours = define("gatherq_worker.execution.loop", "def f(call): return call()")
    theirs = define("kitchen", "def f(call): return call()")
    submits = define("gatherq.client.producer", "def f(): raise ValueError('no')")
    with pytest.raises(ValueError, match="no") as raised:
        ours(lambda: ours(lambda: theirs(submits)))
    # pytest.raises and the lambdas of this module are others' frames too.
    error = raised.value.with_traceback(raised.tb.tb_next)
    lines = describe(error).traceback.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert f'"{__file__}"' in lines[1]
    assert lines[-3:] == [
        '  File "<kitchen>", line 1, in f',
        '  File "<gatherq.client.producer>", line 1, in f',
        "ValueError: no",
    ]


def test_a_traceback_of_our_frames_alone_is_shown_whole():
    fails = define("gatherq_worker.registry", "def f(): raise ValueError('no')")
    ours = define("gatherq_worker.execution.loop", "def f(call): return call()")
    with pytest.raises(ValueError, match="no") as raised:
        ours(fails)
    assert describe(raised.value.with_traceback(raised.tb.tb_next)).traceback.splitlines() == [
        "Traceback (most recent call last):",
        '  File "<gatherq_worker.execution.loop>", line 1, in f',
        '  File "<gatherq_worker.registry>", line 1, in f',
        "ValueError: no",
    ]


def test_python_says_more_of_some_errors():
    with pytest.raises(SyntaxError) as raised:
        compile("a b", "<job>", "exec")
    assert '  File "<job>", line 1\n    a b\n' in describe(raised.value).traceback


class Odd(Exception):
    """Resists in one way or another."""

    def __init__(self, how: str) -> None:
        self.how = how
        if how == "notes":
            self.__notes__: Any = 5
        if how == "digits":
            self.args = (10**5000,)

    def __str__(self) -> str:
        match self.how:
            case "raises":
                raise RuntimeError
            case "exits":
                raise SystemExit
            case "no text":
                return 5  # type: ignore[return-value]  # noqa: PLE0307
            case "surrogates":
                return "\ud800"
            case "recursion":
                return str(self)
        return self.how

    @property
    def __cause__(self) -> Any:  # type: ignore[override]
        raise KeyboardInterrupt


ODD = ["raises", "exits", "no text", "surrogates", "recursion", "notes", "digits"]


@pytest.mark.parametrize("how", ODD)
def test_an_error_that_resists_is_described(how):
    info, error = both_ways(Odd(how))
    assert info.type.endswith("Odd")
    assert isinstance(error, RemoteError)


def test_describing_ends_when_its_time_is_over():
    calls = []

    class Late(Exception):
        def __str__(self) -> str:
            calls.append(1)
            raise Interrupted

    info = describe(ExceptionGroup("late", [Late()] * 50))
    assert "indescribable" in info.message
    assert len(calls) == 1


@pytest.mark.parametrize(
    "info",
    [
        ErrorInfo(type="ExceptionGroup", message="none"),
        ErrorInfo(type="ExceptionGroup", message="", members=(ErrorInfo(type="x", message=""),)),
        ErrorInfo(type="BaseExceptionGroup", message="x"),
        ErrorInfo(type="UnicodeDecodeError", message="x", args=("a",)),
        ErrorInfo(type="SyntaxError", message="x", args=("a", "b")),
        ErrorInfo(type="StopIteration", message="x"),
        ErrorInfo(type="__import__", message="os"),
        ErrorInfo(type="Exception\0", message="\0"),
        ErrorInfo(type="", message=""),
    ],
    ids=str,
)
def test_a_damaged_error_is_rebuilt_as_what_can_be(info):
    error = rebuild(info)
    assert isinstance(error, Exception)
    str(error)
    if info.type == "ExceptionGroup":
        assert isinstance(error, ExceptionGroup)
        assert isinstance(error.exceptions[0], RemoteError)


@pytest.mark.parametrize("by", ["cause", "members"])
def test_what_is_nested_too_deep_is_not_rebuilt_to_its_end(by):
    info = ErrorInfo(type="ValueError", message="innermost")
    for _ in range(5000):
        behind = info if by == "cause" else (info,)
        info = ErrorInfo.model_construct(
            type="ExceptionGroup" if by == "members" else "KeyError",
            message="x",
            args=None,
            traceback="",
            notes=(),
            **{"cause": None, "members": (), by: behind},
        )
    error: BaseException = rebuild(info)
    depth = 0
    while following := error.__cause__ or getattr(error, "exceptions", (None,))[0]:
        error, depth = following, depth + 1
    assert depth == 51
    assert isinstance(error, RemoteError)
    assert "nested too deep" in str(error)


def test_a_history_keeps_what_there_is_room_for():
    large = describe(ExceptionGroup("x" * 100_000, [ValueError("x" * 100_000)] * 20))
    small = describe(ValueError("no"))
    times = records.Times(1, 2)
    entry = records.encode_attempt(1, "w", "failed", large, times)
    assert len(entry) <= MAX_ENTRY
    assert "left out in a history" in json.loads(entry)["error"]["notes"][-1]
    kept = json.loads(records.encode_attempt(1, "w", "failed", small, times))
    assert ErrorInfo.model_validate(kept["error"]) == small
    entries = [codec.from_json(entry)] * 500
    history = records.encode_history(entries)
    assert len(history) <= MAX_HISTORY + 100
    first, *_, last = json.loads(history)
    assert first["error"]["message"] == "this error is left out: the history is too long"
    assert last == entries[-1]
    assert len(json.loads(history)) == 500


def test_data_is_told_from_what_has_code_of_its_own():
    class Mine(str):
        __slots__ = ()

    assert is_data([1, "a", {"b": (None, 2.5, b"")}, {1, 2}])
    assert not is_data([1, {"a": [Mine("x")]}])
    assert not is_data({"a": object()})
    assert not is_data([0] * 200_000)
