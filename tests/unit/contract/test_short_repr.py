"""What people see of a value, a call, an outcome: a short line, whatever the values do."""

import inspect
from datetime import UTC, datetime, timedelta

import pytest

from gatherq import (
    AttemptInfo,
    Cancelled,
    ErrorInfo,
    Failed,
    Lost,
    Succeeded,
    TimedOut,
    call,
    job,
)
from gatherq.contract.short_repr import call_repr, short_repr


class Raising:
    def __repr__(self):
        raise ValueError


class Nameless(type):
    @property
    def __name__(cls):
        raise OSError


class Odd(metaclass=Nameless):
    def __repr__(self):
        raise ValueError


class NoText:
    def __repr__(self):
        return 5


class Colourful:
    def __repr__(self):
        return "\x1b[31mred\nand more\u202e"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("onion", "'onion'"),
        ("x" * 10**6, f"'{'x' * 37}...{'x' * 38}'"),
        (b"x" * 10**6, f"b'{'x' * 75}..."),
        ({"b": 1, "a": {"z": [1] * 100}}, "{'b': 1, 'a': {'z': [1, 1, 1, 1, 1, 1, ...]}}"),
        (dict.fromkeys(range(10**6)), f"{{{', '.join(f'{i}: None' for i in range(6))}, ...}}"),
        ({}, "{}"),
        ([[[[[[1]]]]]], "[[[[[...]]]]]"),
        ([[[[{1: 2}]]]], "[[[[{...}]]]]"),
        ([10**5000], "[<int of 16,610 bits>]"),
        (Raising(), "<unprintable Raising>"),
        ([Raising()], "[<unprintable Raising>]"),
        (Odd(), "<unprintable Odd>"),
        (NoText(), "<unprintable NoText>"),
        (type("list", (Raising,), {})(), "<unprintable list>"),
        (Colourful(), r"\x1b[31mred\nand more\u202e"),
        ("\ud800\x07", r"'\ud800\x07'"),
    ],
)
def test_a_value_is_a_short_line(value, text):
    assert short_repr(value) == text


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "text"),
    [
        ("chop", ("onion", 12), None, "chop('onion', 12)"),
        ("chop", ("onion",), {"seconds": 12}, "chop('onion', seconds=12)"),
        ("chop", (), None, "chop()"),
        ("chop", (Raising(),), None, "chop(<unprintable Raising>)"),
        ("a\nb", (), {"c\x1b": 1}, r"a\nb(c\x1b=1)"),
    ],
)
def test_a_call_is_a_line_of_source_code(name, args, kwargs, text):
    assert call_repr(name, args, kwargs) == text


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [
        ("chop", ("x" * 10**6,) * 9, None),
        ("chop", range(10**9), None),
        ("n" * 256, ("x" * 100,) * 3, None),
        ("chop", (), {"k" * 1000: "v" * 1000}),
    ],
)
def test_a_call_of_any_size_is_short(name, args, kwargs):
    text = call_repr(name, args, kwargs)
    assert len(text) == 90
    assert text.endswith("...)")


def test_a_call_shows_its_limits_too():
    chopped = call("chop", "onion", seconds=12)
    assert str(chopped) == "chop('onion', seconds=12)"
    assert repr(chopped) == "call('chop', 'onion', seconds=12)"
    limited = chopped.with_timeout(5).with_queue_timeout(0.5)
    assert str(limited) == str(chopped)
    assert repr(limited) == f"{chopped!r}.with_timeout(5).with_queue_timeout(0.5)"


@job(name="cut")
async def chop(vegetable: str, seconds: float = 1.0) -> str:
    """Chop a vegetable."""
    return vegetable


def test_the_call_of_a_job_presents_itself_as_that_job():
    assert repr(chop.call).startswith("<function chop.call at ")
    assert (chop.call.__name__, chop.call.__qualname__) == ("call", "chop.call")
    assert chop.call.__module__ == __name__
    assert chop.call.__doc__ == "Describe a job, chop(...), to be submitted."
    assert inspect.signature(chop.call) == inspect.signature(chop)
    assert str(chop.call("onion")) == "cut('onion')"


BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
COMMON = {
    "slot": 1,
    "job_id": "9f86d081884c7d65:1",
    "name": "chop",
    "attempt": 1,
    "worker": "host.1.abc",
    "enqueued": BEGAN,
    "started": BEGAN,
    "finished": BEGAN + timedelta(seconds=3),
}
SHOWN = "slot=1, job_id='9f86d081884c7d65:1', name='chop', attempt=1, 3.00 s)"
DULL = ErrorInfo(type="ValueError", message="no knife", traceback="Traceback ...")
DEATH = AttemptInfo(attempt=1, status="died", worker="host.1.abc")


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (Succeeded(value="chopped", **COMMON), "Succeeded(value='chopped', "),
        (
            Failed(error=DULL, **COMMON),
            "Failed(error=ErrorInfo(type='ValueError', message='no knife'), ",
        ),
        (
            TimedOut(which="execution", limit=2.5, **COMMON),
            "TimedOut(which='execution', limit=2.5, ",
        ),
        (Cancelled(by="producer", **COMMON), "Cancelled(by='producer', "),
        (Lost(attempts=2, history=(DEATH, DEATH), **COMMON), "Lost(attempts=2, "),
    ],
)
def test_an_outcome_is_one_line(outcome, text):
    assert repr(outcome) == str(outcome) == f"{text}{SHOWN}"
    assert list(outcome.__rich_repr__())[-1] == "3.00 s"


def test_an_outcome_of_a_job_that_never_ran_has_no_duration():
    outcome = Cancelled(by="producer", **{**COMMON, "started": None})
    assert str(outcome).endswith(", attempt=1)")


@pytest.mark.parametrize(
    "outcome",
    [
        Succeeded(value="x" * 10**6, **COMMON),
        Succeeded(value=[{"x" * 100: ["y"] * 10**4}] * 10**4, **COMMON),
        Failed(error=ErrorInfo(type="t" * 256, message="m" * 10**5), **COMMON),
        Cancelled(by="b" * 1000, **{**COMMON, "name": "n" * 256, "job_id": "j" * 200}),
    ],
)
def test_an_outcome_of_any_size_is_short(outcome):
    assert 100 < len(repr(outcome)) < 250


def test_an_earlier_attempt_is_short_too():
    died = AttemptInfo(
        attempt=1,
        status="died",
        error=ErrorInfo(type="OSError", message="signal 9"),
        worker="host.1.abc",
        started=BEGAN,
        finished=BEGAN + timedelta(milliseconds=1500),
    )
    assert repr(died) == (
        "AttemptInfo(attempt=1, status='died', "
        "error=ErrorInfo(type='OSError', message='signal 9'), worker='host.1.abc', 1.50 s)"
    )
    assert repr(DEATH) == "AttemptInfo(attempt=1, status='died', worker='host.1.abc')"
