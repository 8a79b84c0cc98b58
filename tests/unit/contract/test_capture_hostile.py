"""Errors whose own code resists: described all the same, and caught as what they are."""

import asyncio
import copy
import pickle
import traceback
import warnings

import pytest

from gatherq import ErrorInfo, RemoteError
from gatherq.contract.job_definition import RetryRules
from gatherq.contract.remote_errors.capture import describe
from gatherq.contract.remote_errors.error_info import rebuild
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.conclusion.retry_policy import delay_after
from gatherq_worker.engine.conclusion.verdicts import verdict
from gatherq_worker.execution.result import ExecutionResult


class Unwilling(Exception):
    pass


def unwilling(*args, **kwargs):
    raise Unwilling


#: Attributes that an error may have made its own, and fail in.
NAMES = [
    *("args", "__class__", "__notes__", "__cause__", "__context__", "__traceback__", "__str__"),
    *("__suppress_context__", "__repr__", "__reduce__", "__dict__", "__getattribute__", "__eq__"),
    *("__hash__", "__bool__", "__len__", "__iter__", "__module__", "__doc__", "add_note"),
    *("with_traceback", "__setattr__", "__format__", "__reduce_ex__", "__getattr__", "__dir__"),
]
BASES = [(ValueError,), (OSError,), (KeyError, AttributeError), (ExceptionGroup,), (SyntaxError,)]


def over(error):
    return rebuild(ErrorInfo.model_validate_json(describe(error).model_dump_json()))


def survives(again):
    for copied in (copy.copy(again), copy.deepcopy(again), pickle.loads(pickle.dumps(again))):
        assert type(copied) is type(again)
        assert (str(copied), repr(copied)) == (str(again), repr(again))
        assert getattr(copied, "__notes__", None) == getattr(again, "__notes__", None)
    shown = "".join(traceback.format_exception(again))
    assert shown.count("Remote traceback of") == 1, shown


@pytest.mark.parametrize("bases", BASES, ids=lambda bases: bases[0].__name__)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", [unwilling, property(unwilling), 5])
def test_whatever_fails_in_it_it_is_caught_as_its_builtins(name, bases, form):
    if name in ("__module__", "__class__", "__dict__") and form is unwilling:
        form = property(unwilling)
    kind = type("Mine", bases, {name: form})
    error = kind("x", [ValueError(1)]) if issubclass(kind, BaseExceptionGroup) else kind("x")
    again = over(error)
    assert isinstance(again, RemoteError)
    assert all(isinstance(again, base) for base in bases)
    assert "Mine" in str(again)
    survives(again)


@pytest.mark.parametrize("name", ["__class__", "__getattribute__", "__eq__", "__bool__"])
def test_its_verdict_and_its_retries_follow_its_type(name):
    error = type("Mine", (ValueError,), {name: property(unwilling)})("x")
    ending = ExecutionResult(error=error)
    assert verdict(ending).status == "failed"
    attempt = Attempt("b:0", 1, None)
    for kind, delayed in ((ValueError, True), (KeyError, False)):
        rules = RetryRules(retries=1, retry_on=(kind,))
        assert (delay_after(ending, attempt, 3, rules, lambda error: None) is None) is not delayed


def test_a_class_of_classes_that_fails_changes_nothing():
    class Meta(type):
        __getattribute__ = __instancecheck__ = __subclasscheck__ = __eq__ = unwilling
        __hash__ = None

    again = over(Meta("Mine", (ValueError,), {})("x"))
    assert isinstance(again, ValueError)
    assert str(again).endswith("Mine: x")


class Text(str):
    __len__ = __getitem__ = encode = __str__ = __format__ = __eq__ = unwilling
    __hash__ = str.__hash__


class Lying(list):
    def __len__(self):
        return 10**12

    __getitem__ = __iter__ = unwilling


@pytest.mark.parametrize(
    ("notes", "read"),
    [
        (5, ["5"]),
        (Lying(["a"]), ["a"]),
        (("a", "b"), ["a", "b"]),
        ([Text("a"), "b"], [f"<unprintable: {__name__}.Unwilling>", "b"]),
        (["n"] * 1_000_000, ["n"] * 20 + ["999,980 more notes are left out here"]),
        (Unwilling, [repr(Unwilling)]),
        ([], []),
    ],
    ids=lambda value: type(value).__name__,
)
def test_notes_of_any_kind_are_read(notes, read):
    error = ValueError("x")
    error.__notes__ = notes
    again = over(error)
    assert again.__notes__[:-1] == read
    survives(again)


def test_a_text_of_its_own_kind_is_plain_text():
    error = type("Mine", (ValueError,), {"__str__": lambda self: Text("said")})("x")
    assert str(over(error)).endswith(".Mine: said")


@pytest.mark.parametrize("link", ["__cause__", "__context__"])
@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_circle_is_walked_once(link, length):
    errors = [ValueError(n) for n in range(length)]
    for one, other in zip(errors, [*errors[1:], errors[0]], strict=True):
        setattr(one, link, other)
    again, found = over(errors[0]), []
    survives(again)
    while again is not None:
        found.append(again)
        again = getattr(again, link)
    assert [error.args for error in found] == [(n,) for n in range(length)]
    assert "what led to this error is left out here" in found[-1].__notes__


def test_a_member_caused_by_its_group_is_there():
    member = ValueError("m")
    member.__cause__ = group = ExceptionGroup("g", [member])
    again = over(group)
    assert again.exceptions[0].args == ("m",)
    survives(again)


def test_an_error_of_a_constructor_with_required_arguments():
    class Mine(OSError):
        def __init__(self, one, *, two):
            super().__init__(2, f"{one} {two}")

    again = over(Mine(1, two=2))
    assert isinstance(again, OSError)
    assert again.errno == 2
    survives(again)


@pytest.mark.parametrize(
    "bases",
    [
        *((KeyError, AttributeError), (OSError, ValueError), (ImportError, LookupError)),
        *((ExceptionGroup, ValueError), (StopAsyncIteration, OSError), (UserWarning, KeyError)),
        *((UnicodeDecodeError, KeyError), (TimeoutError, RuntimeError)),
    ],
    ids=lambda bases: "-".join(base.__name__ for base in bases),
)
def test_an_error_of_two_builtins_is_caught_as_both(bases):
    kind = type("Mine", bases, {})
    error = {
        ExceptionGroup: lambda: kind("g", [KeyError(1)]),
        UnicodeDecodeError: lambda: kind("utf-8", b"\xff", 0, 1, "bad"),
    }.get(bases[0], lambda: kind("x"))()
    again = over(error)
    assert all(isinstance(again, base) for base in (*bases, RemoteError))
    survives(again)


@pytest.mark.parametrize("module", ["builtins", "mine", "asyncio.queues", None, 5, "a\nb"])
@pytest.mark.parametrize("name", ["KeyError", "ValueError", "QueueEmpty", "SystemExit", "int"])
def test_a_class_named_like_another_is_not_that(module, name):
    again = over(type(name, (ValueError,), {"__module__": module})("x"))
    if (module, name) == ("asyncio.queues", "QueueEmpty"):
        return  # who calls it so means it
    assert isinstance(again, ValueError)
    assert isinstance(again, RemoteError)
    assert not isinstance(again, (KeyError, asyncio.QueueEmpty))


def test_what_would_end_a_loop_is_a_remote_error_inside_of_a_group():
    ends = [asyncio.CancelledError("c"), KeyboardInterrupt(), SystemExit(3), GeneratorExit()]
    again = over(BaseExceptionGroup("g", [*ends, ValueError(1)]))
    assert isinstance(again, ExceptionGroup)
    *others, last = again.exceptions
    assert last.args == (1,)
    for one, other in zip(ends, others, strict=True):
        assert type(other) is RemoteError
        assert type(one).__name__ in str(other)
    survives(again)


@pytest.mark.parametrize("deep", [1, 39, 40, 41, 200])
def test_nested_groups_are_there_or_said_to_be_left_out(deep):
    error = ValueError("deepest")
    for level in range(deep):
        error = ExceptionGroup(f"level {level}", [error])
    again = over(error)
    survives(again)
    levels = 0
    while isinstance(again, ExceptionGroup):
        (again,), levels = again.exceptions, levels + 1
    if deep <= 40:
        assert (levels, again.args) == (deep, ("deepest",))
    else:
        assert levels == 41
        assert "left out" in str(again)


def test_a_warning_made_an_error_is_itself():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(FutureWarning) as raised:
            warnings.warn("soon", FutureWarning, stacklevel=1)
    again = over(raised.value)
    assert (type(again), again.args) == (FutureWarning, ("soon",))


def test_a_groups_own_derive_is_not_needed():
    class Mine(ExceptionGroup):
        def __new__(cls, message, members, code):
            made = super().__new__(cls, message, members)
            made.code = code
            return made

        def __init__(self, *args):
            pass

        def derive(self, members):
            return Mine(self.message, members, self.code)

    caught, again = [], over(Mine("g", [ValueError(1), KeyError(2)], 7))
    survives(again)
    try:
        raise again
    except* ValueError as group:
        caught += group.exceptions
    except* RemoteError as group:
        caught += group.exceptions
    except* KeyError as group:
        caught += group.exceptions
    assert [type(error) for error in caught] == [ValueError, KeyError]


@pytest.mark.parametrize(
    "value", ["\ud800", "name\udcff", float("inf"), float("-inf"), b"\xff", ("\udc80", (1.5,))]
)
def test_values_that_json_has_not_are_there(value):
    assert over(ValueError(value, 1)).args == (value, 1)
    error = FileNotFoundError(2, "gone", "name\udcff")
    assert over(error).filename == "name\udcff"
    assert str(over(ValueError(float("nan")))) == "nan"
