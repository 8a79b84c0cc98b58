"""What `@job` takes, where it is written, and what a worker finds in a module."""

import functools
import sys
import types

import pytest

from gatherq import job
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


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (Kitchen.method, "written in a class"),
        (Kitchen.static, "written in a class"),
        (Kitchen.of, "needs a function, not <bound method"),
        (vars(Kitchen)["of"], "needs a function, not <classmethod"),
        (vars(Kitchen)["static"], "needs a function, not <staticmethod"),
        (Kitchen, "needs a function, not <class"),
        (Kitchen(), "needs a function, not <.*Kitchen object"),
        (functools.lru_cache(plain), "needs a function, not <functools._lru_cache"),
        (functools.partial(plain, 1), "needs a function, not functools.partial"),
        (functools.singledispatch(plain).dispatch, "needs a name|needs a function"),
        (len, "needs a function, not <built-in"),
        (streams, "yields"),
        (lambda: 1, "needs a name"),
        (unnamed(plain), "needs a name"),
    ],
)
def test_what_no_worker_finds_is_refused_where_it_is_written(function, why):
    with pytest.raises(TypeError, match=why):
        job()(function)


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
