"""arq's settings, whatever they are: a class, a dict, an object, or the path of one."""

import sys
from types import SimpleNamespace

import pytest

import gatherq
from gatherq.contract.job_definition import JobDefinition
from gatherq_worker.arq.settings import create_worker, find_settings, options_of
from gatherq_worker.arq.worker import Worker
from gatherq_worker.registry import Handler


async def job(ctx):
    pass


class Base:
    functions = (job,)
    max_jobs = 3


class Settings(Base):
    max_jobs = 4
    lease = 2.0
    own_business = True


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        (Settings, {"functions": (job,), "max_jobs": 4, "lease": 2.0}),
        ({"functions": [job], "own_business": True}, {"functions": [job]}),
        (SimpleNamespace(functions=[job], own_business=True), {"functions": [job]}),
    ],
    ids=["class", "dict", "object"],
)
def test_they_give_the_arguments_that_they_name_and_no_others(settings, options):
    assert options_of(settings) == options


async def test_options_win_over_them():
    worker = create_worker(Settings, max_jobs=7, handle_signals=False)
    assert (worker.max_jobs, worker.lease) == (7, 2.0)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module of settings, and take it away again."""
    text = "class A: functions = []\nB = {'functions': []}\nnumber = 1\nimport types\n"
    text += "C = types.SimpleNamespace(functions=[])\n"
    (tmp_path / "some_settings.py").write_text(text)
    (tmp_path / "broken_settings.py").write_text("import nowhere_to_be_found")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("some_settings", "broken_settings"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", [".A", ":A", ".B", ".C"])
def test_a_path_is_found(module, name):
    assert find_settings(f"some_settings{name}") is not None


@pytest.mark.parametrize(
    "path", ["some_settings", "some_settings.number", "some_settings.D", "no_such.Settings", "x"]
)
def test_what_is_no_path_of_settings_is_none(module, path):
    assert find_settings(path) is None


def test_what_a_module_lacks_itself_is_said(module):
    with pytest.raises(ModuleNotFoundError, match="nowhere_to_be_found"):
        find_settings("broken_settings.A")


async def test_handlers_and_jobs_are_functions_too():
    @gatherq.job(name="ours")
    async def ours() -> int:
        return 1

    handler = Handler(JobDefinition("given"), ours)
    worker = Worker([job, ours, handler], handle_signals=False)
    assert list(worker.functions) == ["job", "ours", "given"]
