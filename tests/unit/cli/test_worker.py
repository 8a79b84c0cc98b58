"""What becomes of a command line before any worker runs."""

import re

import pytest
from click.testing import CliRunner

from gatherq_cli.main import COMMANDS, SECTIONS, main
from gatherq_worker import process


@pytest.fixture
def run(monkeypatch):
    """Run `gatherq worker jobs` and return its command, or what it says in place of a run."""
    commands = []
    monkeypatch.setattr(
        process, "run_worker_process", lambda command, link: commands.append(command)
    )
    monkeypatch.setattr("gatherq_worker.logging_setup.log_to_stderr", lambda level, form: None)

    def run(*options, **variables):
        result = CliRunner().invoke(
            main, ["worker", "jobs", "--processes", "0", *options], env=variables
        )
        return commands.pop() if commands else result

    return run


def test_an_option_wins_over_its_variable_and_that_over_the_default(run):
    command = run("--lease", "3", GATHERQ_LEASE="4", GATHERQ_GRACE="7")
    settings = command.settings
    assert command.modules == ("jobs",)
    assert (settings.lease, settings.grace, settings.concurrency) == (3.0, 7.0, 100)
    assert command.explicit == {"lease", "grace", "processes"}


def test_what_is_said_as_the_default_is_said_all_the_same(run):
    assert "burst" in run("--no-burst").explicit
    assert "concurrency" in run(GATHERQ_CONCURRENCY="100").explicit
    assert run().explicit == {"processes"}


def test_server_and_queue_of_the_environment_are_settings_but_not_explicit(run):
    here = {"GATHERQ_REDIS_URL": "redis://here/1", "GATHERQ_QUEUE": "here"}
    command = run(**here)
    assert (command.settings.redis_url, command.settings.queue) == ("redis://here/1", "here")
    assert not command.explicit & {"redis_url", "queue"}
    command = run("--redis", "redis://there/2", "--queue", "there", **here)
    assert (command.settings.redis_url, command.settings.queue) == ("redis://there/2", "there")
    assert command.explicit >= {"redis_url", "queue"}


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        (
            "GATHERQ_CONCURRENCY",
            "0",
            "GATHERQ_CONCURRENCY is 0: give a whole number from 1 to 10,000",
        ),
        ("GATHERQ_LEASE", "soon", "GATHERQ_LEASE is 'soon': give a number from 0.5 to 600"),
        (
            "GATHERQ_MAX_JOBS_PER_CHILD",
            "0",
            "GATHERQ_MAX_JOBS_PER_CHILD is 0: give a whole number from 1 on",
        ),
        ("GATHERQ_BURST", "maybe", "GATHERQ_BURST is 'maybe': give yes or no"),
        (
            "GATHERQ_LEASE",
            "redis://:secret@h",
            "GATHERQ_LEASE is a URL: give a number from 0.5 to 600",
        ),
        ("GATHERQ_WATCH", "/no/such", "GATHERQ_WATCH: Directory '/no/such' does not exist"),
        (
            "GATHERQ_WATCH",
            "redis://:secret@h",
            "GATHERQ_WATCH: a URL",
        ),
        ("GATHERQ_QUEUE", "", "GATHERQ_QUEUE is '': String should have at least 1 character"),
        ("GATHERQ_KEEP", "-1", "GATHERQ_KEEP is '-1': Input should be greater than 0"),
        (
            "GATHERQ_CUSTOM_LOG_DICT",
            "nowhere.to_be_found",
            "Invalid value for --custom-log-dict: No module named 'nowhere'",
        ),
    ],
)
def test_a_bad_value_is_one_line_that_names_it_and_what_is_allowed(run, variable, value, said):
    result = run(**{variable: value})
    assert (result.exit_code, result.output) == (2, f"Error: {said}\n")


def test_a_bad_value_of_an_option_names_the_option(run):
    result = run("--grace", "-1", GATHERQ_GRACE="5")
    assert result.output == "Error: --grace is -1.0: give a number from 0 to 86,400\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["workr", "kitchen"], "no command 'workr'; did you mean 'worker'? there are {commands}"),
        (["nonsense"], "no command 'nonsense'; there are {commands}"),
        (
            ["worker"],
            "name the module of your jobs: gatherq worker kitchen is for kitchen.py in this folder",
        ),
        (
            ["worker", "kitchen", "--concurency", "3"],
            "No such option '--concurency'. Did you mean '--concurrency'?",
        ),
        (["worker", "kitchen", "--queue"], "Option '--queue' requires an argument"),
        (["--verson"], "No such option '--verson'. Did you mean '--version'?"),
    ],
)
def test_a_slip_of_the_keyboard_is_one_line_with_what_may_be_meant(words, said):
    result = CliRunner().invoke(main, words)
    commands = ", ".join(COMMANDS)
    assert (result.exit_code, result.output) == (2, f"Error: {said.format(commands=commands)}\n")


def test_help_names_every_command_and_no_other():
    said = CliRunner().invoke(main, ["--help"]).output
    told = {name: text for names in SECTIONS.values() for name, text in names.items()}
    assert all(re.search(f"  {name} +{re.escape(text)}", said) for name, text in told.items())
    assert "Usage: " in CliRunner().invoke(main, []).output


@pytest.mark.parametrize("words", [["--help"], ["worker", "--help"]])
def test_help_ends_with_examples(words):
    said = CliRunner().invoke(main, words).output
    assert "\n    gatherq worker kitchen  " in said.partition("\n  Examples:")[2]
