"""Settings of a worker: command line, variables, defaults, bounds and documents agree."""

import re
import traceback
from pathlib import Path

import click
import pytest
from pydantic import ValidationError

from gatherq import GatherqError, Producer
from gatherq.errors import InvalidSetting
from gatherq_cli.run.worker import worker
from gatherq_worker.settings import WorkerSettings

DOCS = Path(__file__).parents[2] / "docs" / "deploying.md"
ROW = re.compile(r"^\| `--([a-z-]+)` \| `([A-Z_]+)` \| (\S+) \|")
OPTIONS = {each.name: each for each in worker.params if isinstance(each, click.Option)}
#: What holds where nothing is said, and how the table writes some of it.
DEFAULTS = worker.make_context("worker", ["jobs"]).params
WRITTEN = {"None": "none", "False": "no"}
#: Options that a worker process does not see: what they do is done before it runs.
BEFOREHAND = {
    *("check", "reload", "watch", "custom_log_dict", "quiet", "log_jobs", "log_format"),
    *("health_port", "health_host", "health_file"),
}


def rows():
    """Return the documented options by name, each with its variable and its default."""
    found = filter(None, map(ROW.match, DOCS.read_text().splitlines()))
    return {row[1].replace("-", "_"): (row[2], row[3].strip("`")) for row in found}


def test_each_option_has_the_variable_and_the_default_that_the_table_says():
    table = rows()
    assert table.pop("redis")[0] == "GATHERQ_REDIS_URL"
    assert table.pop("queue")[0] == "GATHERQ_QUEUE"
    assert table.keys() == OPTIONS.keys() - {"check", "redis_url", "queue"}
    for name, (variable, default) in table.items():
        assert OPTIONS[name].envvar == variable == f"GATHERQ_{name.upper()}"
        written = str(DEFAULTS[name]).removesuffix(".0")
        assert default == WRITTEN.get(written, written)


@pytest.mark.parametrize("name", sorted(OPTIONS.keys() - BEFOREHAND - {"redis_url", "queue"}))
def test_a_setting_has_the_default_and_the_bounds_of_its_option(name):
    field, option = WorkerSettings.model_fields[name], OPTIONS[name]
    assert field.default == DEFAULTS[name]
    bounds = {type(each).__name__: each for each in field.metadata}
    least = getattr(bounds.get("Ge"), "ge", None)
    most = getattr(bounds.get("Le"), "le", None)
    assert (least, most) == (getattr(option.type, "min", None), getattr(option.type, "max", None))


def test_variables_are_read_and_arguments_win_over_them(monkeypatch):
    monkeypatch.setenv("GATHERQ_LEASE", "2.5")
    monkeypatch.setenv("GATHERQ_CONCURRENCY", "7")
    settings = WorkerSettings(concurrency=8)
    assert (settings.lease, settings.concurrency, settings.grace) == (2.5, 8, 10.0)


def test_what_is_out_of_bounds_is_refused(monkeypatch):
    monkeypatch.setenv("GATHERQ_LEASE", "0.1")
    with pytest.raises(ValidationError, match="greater than or equal to 0.5"):
        WorkerSettings()


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("keep", -1, "a number of seconds greater than 0, not -1"),
        ("keep", "abc", "a number of seconds greater than 0, not 'abc'"),
        ("keep", float("inf"), "a number of seconds greater than 0, not inf"),
        ("keep", float("nan"), "a number of seconds greater than 0, not nan"),
        ("patience", -0.5, "a number of seconds, 0 or more, not -0.5"),
        ("patience", [1], "a number of seconds, 0 or more, not [1]"),
        ("queue", "", "a name of 1 or more characters, not ''"),
        ("queue", 5, "a name of 1 or more characters, not 5"),
        ("redis_url", 5, "the text of a URL, redis://HOST:PORT/DATABASE, not of type int"),
    ],
)
def test_a_bad_argument_of_a_producer_is_named(name, value, wanted):
    with pytest.raises(InvalidSetting) as caught:
        Producer(**{name: value})
    assert (str(caught.value), caught.value.name) == (f"{name} must be {wanted}", name)
    assert isinstance(caught.value, GatherqError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("variable", "value", "wanted"),
    [
        ("GATHERQ_KEEP", "abc", "a number of seconds greater than 0, not 'abc'"),
        ("GATHERQ_KEEP", "1e999", "a number of seconds greater than 0, not '1e999'"),
        ("GATHERQ_PATIENCE", "", "a number of seconds, 0 or more, not ''"),
        ("GATHERQ_QUEUE", "", "a name of 1 or more characters, not ''"),
    ],
)
def test_a_bad_variable_is_named(monkeypatch, variable, value, wanted):
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSetting) as caught:
        Producer()
    assert (str(caught.value), caught.value.name) == (f"{variable} must be {wanted}", variable)


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize("name", ["keep", "patience"])
def test_true_and_false_are_no_numbers(name, value):
    with pytest.raises(InvalidSetting, match=f"^{name} must be a number .*, not {value}$"):
        Producer(**{name: value})


def test_true_and_false_are_no_numbers_of_a_worker():
    flags = {name for name, f in WorkerSettings.model_fields.items() if f.annotation is bool}
    numbers = WorkerSettings.model_fields.keys() - flags - {"redis_url", "queue", "no_workers"}
    for name in numbers:
        with pytest.raises(InvalidSetting, match=f"^{name} (is refused|must be).*, not True$"):
            WorkerSettings.read(**{name: True})
    assert all(getattr(WorkerSettings.read(**{name: True}), name) is True for name in flags)


def test_no_value_of_a_url_is_in_what_is_raised():
    with pytest.raises(InvalidSetting) as caught:
        Producer(("redis://:hunter2@h",))
    shown = "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in shown.replace('("redis://:hunter2@h",)', "")  # the line of this test
    assert "hunter2" not in repr((caught.value.__context__, vars(caught.value)))


def test_a_setting_of_a_worker_that_has_no_words_of_its_own(monkeypatch):
    monkeypatch.setenv("GATHERQ_PROCESSES", "-3")
    with pytest.raises(InvalidSetting) as caught:
        WorkerSettings.read()
    assert str(caught.value) == (
        "GATHERQ_PROCESSES is refused: Input should be greater than or equal to 0, not '-3'"
    )


@pytest.mark.parametrize(("mib", "size"), [(None, None), (1, 1024**2), (512, 512 * 1024**2)])
def test_memory_is_given_in_mib_and_compared_in_bytes(mib, size):
    assert WorkerSettings(max_memory_per_child=mib).max_memory_bytes == size
