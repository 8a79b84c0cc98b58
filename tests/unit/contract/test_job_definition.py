"""What `@job` takes, where it is written, and what a worker finds in a module."""

import functools
import math
import re
import sys
import types

import pytest

from gatherq import job
from gatherq.errors import InvalidCall
from gatherq_worker.registry import LoadError, load


class Kitchen:
    def method(self):
        pass

    @classmethod
    def of(cls):
        pass

    @staticmethod
    def static():
        pass

    def __call__(self):
        pass


def plain(vegetable="carrot"):
    return vegetable


async def streams():
    yield 1


def unnamed(function):
    def around(*args):
        return function(*args)

    return around


def named(function):
    return functools.wraps(function)(unnamed(function))


MOVE = "no worker finds what is written in a class; move it to the top of a module"
ABOVE = "write it above a def that calls this"


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (Kitchen.method, f"a function of a module, not the method Kitchen.method: {MOVE}"),
        (Kitchen.static, f"a function of a module, not the method Kitchen.static: {MOVE}"),
        (Kitchen.of, f"a function, not the method Kitchen.of: {MOVE}"),
        (vars(Kitchen)["of"], f"a function, not the classmethod Kitchen.of: {MOVE}"),
        (vars(Kitchen)["static"], f"a function, not the staticmethod Kitchen.static: {MOVE}"),
        (Kitchen, "a function, not the class Kitchen: write it above a def"),
        (
            Kitchen(),
            f"a function, not <{__name__}.Kitchen object a...: {ABOVE}",
        ),
        (
            functools.lru_cache(plain),
            f"a function, not <functools._lru_cache_wrapper object at 0x...>: {ABOVE}",
        ),
        (
            functools.partial(plain, 1),
            f"a function, not functools.partial(<function plain at 0x...>, 1): {ABOVE}",
        ),
        (len, f"a function, not <built-in function len>: {ABOVE}"),
        ("chop", "a function, not 'chop': write @job(name='chop')"),
        (10, "a function, not 10: write @job(timeout=10)"),
        (streams, "a function that returns its result; streams yields: return a list"),
        (
            lambda: 1,
            "a function that workers find by its name, not a lambda: "
            "write a def, or give it a name, @job(name=...), and bind it in a module",
        ),
        (
            unnamed(plain),
            "a function that workers find by its name, not unnamed.<locals>.around, which is "
            "written inside of another: move it to the top of a module. What wraps a function "
            "takes over its name by functools.wraps, or is given one by @job(name=...)",
        ),
    ],
)
@pytest.mark.parametrize("decorate", [job, job()])
def test_what_no_worker_finds_is_refused_where_it_is_written(decorate, function, why):
    with pytest.raises(TypeError) as caught:
        decorate(function)
    said = re.sub(r"0x[0-9a-f.]+", "0x...", str(caught.value))
    assert said == f"@job needs {why}"


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"timeout": "10"}, "timeout must be a number of seconds, not '10'"),
        ({"timeout": True}, "timeout must be a number of seconds, not True"),
        (
            {"timeout": -1},
            "timeout must be more than 0 and at most 31536000 seconds, not -1; "
            "leave it out for no limit of your own",
        ),
        (
            {"timeout": math.nan},
            "timeout must be more than 0 and at most 31536000 seconds, not nan; "
            "leave it out for no limit of your own",
        ),
        ({"grace": -1}, "grace must be 0 or more seconds, at most a year, not -1"),
        ({"backoff": "x"}, "backoff must be 0 or more seconds, at most a year, not 'x'"),
        ({"retries": True}, "retries must be a whole number, 0 or more, not True"),
        ({"retries": 1.5}, "retries must be a whole number, 0 or more, not 1.5"),
        ({"max_attempts": 0}, "max_attempts must be a whole number, 1 or more, not 0"),
        ({"concurrency": "4"}, "concurrency must be a whole number, 1 or more, not '4'"),
        (
            {"memory": "1G", "isolation": "process"},
            "memory must be a whole number, 1 or more, not '1G'",
        ),
        ({"memory": 2**30}, "memory= limits a process: give isolation='process' too"),
        ({"retry_timeouts": "yes"}, "retry_timeouts must be True or False, not 'yes'"),
        ({"validate": 1}, "validate must be True or False, not 1"),
        ({"jitter": "x"}, "jitter must be a number from 0 to 1, not 'x'"),
        ({"jitter": math.nan}, "jitter must be a number from 0 to 1, not nan"),
        ({"jitter": 2}, "jitter must be a number from 0 to 1, not 2"),
        (
            {"isolation": "proc"},
            "isolation must be 'loop', 'thread' or 'process', not 'proc': did you mean 'process'?",
        ),
        ({"isolation": 7}, "isolation must be 'loop', 'thread' or 'process', not 7"),
        ({"name": ""}, "a job's name is text of 1 to 256 characters, not ''"),
        ({"name": 5}, "a job's name is text of 1 to 256 characters, not 5"),
        ({"name": "x" * 257}, "a job's name is text of 1 to 256 characters, not one of 257"),
        ({"retry_on": "OSError"}, "'OSError': write the class, OSError"),
        ({"retry_on": OSError()}, "OSError(): write the class, OSError"),
        (
            {"retry_on": (OSError, "KeyError")},
            "(<class 'OSError'>, 'KeyError'): write the class, KeyError",
        ),
        ({"retry_on": [OSError]}, "a list: write retry_on=(OSError,)"),
        ({"retry_on": [OSError, KeyError]}, "a list: write retry_on=(OSError, KeyError)"),
        (
            {"retry_on": BaseException},
            "BaseException, which is no Exception: write retry_on=Exception",
        ),
        ({"retry_on": None}, "None; leave it out for every Exception"),
        ({"retry_on": int}, "<class 'int'>; leave it out for every Exception"),
    ],
)
def test_a_bad_setting_is_refused_where_it_is_written(settings, why):
    with pytest.raises(InvalidCall) as caught:
        job(**settings)
    kinds = "retry_on must be an exception class, or a tuple of them, not "
    assert str(caught.value) == (kinds if "retry_on" in settings else "") + why


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"max_at_once": 0}, "max_at_once must be a whole number of jobs, 1 to 10,000,000, not 0"),
        ({"max_per_second": 0}, "max_per_second must be a number from 1e-05 "),
        ({"per": "name"}, "per= says what a limit is for: give max_at_once= or max_per_second="),
        (
            {"per": "vegetabel", "max_at_once": 1},
            "per must be the name of an argument of plain, one of vegetable, not 'vegetabel'; did",
        ),
        (
            {"per": 5, "max_at_once": 1},
            "per must be the name of an argument of plain, one of vegetable",
        ),
    ],
)
def test_a_limit_that_is_none_is_refused_where_it_is_written(settings, why):
    with pytest.raises(InvalidCall) as caught:
        job(**settings)(named(plain))
    assert str(caught.value).startswith(why)


def test_an_isolation_that_does_not_fit_the_function():
    with pytest.raises(TypeError) as caught:
        job(isolation="loop")(plain)
    assert str(caught.value) == (
        "@job(isolation='loop') cannot run plain, which is plain def: "
        "write isolation='thread' or 'process'"
    )


def test_without_brackets_it_is_a_job_all_the_same():
    bare = job(named(plain))
    assert (bare.definition, bare("leek")) == (job()(named(plain)).definition, "leek")
    assert bare.call("leek").name == "plain"


def test_a_wrapped_function_is_a_job_by_the_name_it_took_over():
    assert job()(named(plain)).definition.name == "plain"
    assert job(name="bare")(unnamed(plain)).definition.name == "bare"
    assert job(name="one")(lambda: 1).definition.name == "one"


@pytest.fixture
def module(monkeypatch):
    made = types.ModuleType("made_for_a_test")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    return made


def test_a_worker_finds_jobs_by_any_way_into_its_module(module):
    module.alias = module.imported = job()(named(plain))
    module.wrapped = named(job(name="other")(named(plain)))
    module.short = job(name="short")(lambda: 1)
    module.noise = (Kitchen, Kitchen(), plain)
    names = [handler.name for handler in load([module.__name__])]
    assert sorted(names) == ["other", "plain", "short"]


@pytest.mark.parametrize("wrap", [functools.lru_cache, functools.cache, functools.singledispatch])
def test_a_job_inside_of_what_is_no_function_is_told_by_the_worker(module, wrap):
    module.known = job(name="known")(named(plain))
    module.hidden = wrap(job(name="hidden")(named(plain)))
    if wrap is functools.singledispatch:  # a function around it: it is found
        assert [handler.name for handler in load([module.__name__])] == ["known", "hidden"]
        return
    with pytest.raises(LoadError, match="made_for_a_test.hidden is a job inside of"):
        load([module.__name__])
