"""What becomes of a command line before any worker runs."""

import pytest
from click.testing import CliRunner

from gatherq_worker import process
from gatherq_worker.cli.main import COMMANDS, main


@pytest.fixture
def run(monkeypatch):
    """Run `gatherq worker jobs` and return its command, or what it says in place of a run."""
    commands = []
    monkeypatch.setattr(
        process, "run_worker_process", lambda command, link: commands.append(command)
    )
    monkeypatch.setattr("gatherq_worker.logging_setup.log_to_stderr", lambda level: None)

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
        ("GATHERQ_CONCURRENCY", "0", "0 is not in the range 1<=x<=10000"),
        ("GATHERQ_LEASE", "soon", "'soon' is not a valid float"),
        ("GATHERQ_BURST", "maybe", "'maybe' is not a valid boolean"),
        ("GATHERQ_QUEUE", "", "GATHERQ_QUEUE: String should have at least 1 character"),
        ("GATHERQ_KEEP", "-1", "GATHERQ_KEEP: Input should be greater than 0"),
        ("GATHERQ_CUSTOM_LOG_DICT", "nowhere.to_be_found", "No module named 'nowhere'"),
    ],
)
def test_a_bad_value_is_one_line_that_names_it(run, variable, value, said):
    result = run(**{variable: value})
    assert result.exit_code == 2
    (line,) = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert said in line


def test_help_names_every_command_and_no_other():
    said = CliRunner().invoke(main, ["--help"]).output
    assert all(f"  {name}  {text}" in said for name, text in COMMANDS.items())
    assert CliRunner().invoke(main, ["nonsense"]).exit_code == 2
