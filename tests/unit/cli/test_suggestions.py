"""What a shell completes, without a server, or with one that a probe asks."""

from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

from gatherq.inspection.filters import BATCH_FIELDS, SLOT_FIELDS, STATUSES
from gatherq_cli.common import suggestions
from gatherq_cli.main import SECTIONS, main


def named(fields):
    return {name if name.endswith(".") else f"{name}:" for name in fields}


def test_the_keys_are_those_of_the_filters():
    assert suggestions.SLOT_KEYS.keys() == named(SLOT_FIELDS)
    assert suggestions.BATCH_KEYS.keys() == named(BATCH_FIELDS)
    assert set(suggestions.SLOT_KEYS["status:"].split()) == set(STATUSES)


@pytest.fixture
def server(monkeypatch):
    """Answer a probe's questions, and note them."""
    asked = []

    def ask(url, commands, timeout):
        asked.append((url, timeout))
        answers = {
            "gatherq:batches:q": [b"nightly", b"\x1b[31m", b"nine", b"import"],
            "gatherq:workers:q": [b"host.1"],
            "gatherq:worker:host.1": b'["chop", "fetch"]',
        }
        return [answers[command[1]] for command in commands]

    monkeypatch.setattr("gatherq.store.server.probe.ask", ask)
    return asked


CONTEXT = SimpleNamespace(params={"url": "redis://h", "queue": "q"})


@pytest.mark.parametrize(
    ("suggest", "begun", "found"),
    [
        (suggestions.batches, "ni", ["nightly", "nine"]),
        (suggestions.batches, "", ["nightly", "nine", "import"]),
        (suggestions.jobs, "", ["chop", "fetch"]),
        (suggestions.workers, "h", ["host.1"]),
        (suggestions.slot_filters, "st", ["status:"]),
        (suggestions.slot_filters, "-st", ["-status:"]),
        (suggestions.slot_filters, "status:f", ["status:failed"]),
        (suggestions.slot_filters, "job:c", ["job:chop"]),
        (suggestions.batch_filters, "state:r", ["state:running"]),
        (suggestions.batch_filters, "nope:r", []),
    ],
)
def test_what_begins_like_that(server, suggest, begun, found):
    assert suggest(CONTEXT, None, begun) == found
    assert all(asked == ("redis://h", 0.1) for asked in server)


@pytest.mark.parametrize("error", [TimeoutError, ValueError, KeyError])
def test_an_error_is_no_suggestion(monkeypatch, error):
    def ask(*_):
        raise error

    monkeypatch.setattr("gatherq.store.server.probe.ask", ask)
    for suggest in (suggestions.batches, suggestions.jobs, suggestions.workers):
        assert suggest(CONTEXT, None, "") == []


@pytest.mark.parametrize(
    "line", ["gatherq redis://x cancel ", "gatherq nope ", "gatherq --redis ", "gatherq cancel -- "]
)
def test_a_line_that_cannot_run_is_completed_without_an_error(line):
    words = line.split(" ")
    asked = {
        "_GATHERQ_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "GATHERQ_REDIS_URL": "redis://127.0.0.1:1",
    }
    result = CliRunner().invoke(main, [], env=asked, prog_name="gatherq")
    assert not isinstance(result.exception, Exception), result.exception
    assert "Error" not in result.output


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_says_how_it_is_installed(shell):
    said = CliRunner().invoke(main, ["completion", shell]).output
    first, _, script = said.partition("\n")
    assert first.startswith("# ")
    assert f"gatherq completion {shell}" in first
    assert "_GATHERQ_COMPLETE=" in script


def completing(command):
    """Return what completes each argument of a command; None for nothing."""
    arguments = [each for each in command.params if isinstance(each, click.Argument)]
    return {each.name: each._custom_shell_complete for each in arguments}


@pytest.mark.parametrize("name", [*SECTIONS["act"], *SECTIONS["look"]])
def test_every_command_completes_what_it_takes(name):
    found = completing(main.get_command(None, name))
    missing = [argument for argument, suggest in found.items() if suggest is None]
    assert missing == UNKNOWN.get(name, [])


#: Arguments of which nothing is known.
UNKNOWN = {"keep": ["seconds"], "events": ["filters"]}
