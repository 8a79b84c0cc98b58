"""What the command itself understands, before any of its commands runs."""

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from gatherq_cli.main import main


@pytest.fixture
def seen(monkeypatch):
    """Replace `gatherq ls` by a command that notes what it was given."""
    found = {}

    @click.command()
    @click.argument("filters", nargs=-1)
    @click.option("--redis", "url")
    @click.option("--json", "as_json", is_flag=True)
    def ls(**given):
        found.update(given)

    imported = type(main).get_command
    monkeypatch.setattr(
        type(main),
        "get_command",
        lambda self, ctx, name: ls if name == "ls" else imported(self, ctx, name),
    )
    return found


def test_the_words_before_a_command_are_the_commands_own(seen):
    result = CliRunner().invoke(main, ["--redis", "redis://a", "--json", "ls", "state:failed"])
    assert result.exit_code == 0, result.output
    assert seen == {"url": "redis://a", "as_json": True, "filters": ("state:failed",)}


def test_what_stands_behind_the_command_wins(seen):
    CliRunner().invoke(main, ["--redis", "redis://a", "ls", "--redis", "redis://b"])
    assert seen["url"] == "redis://b"


def test_a_filter_that_negates_arrives(seen):
    result = CliRunner().invoke(main, ["ls", "-state:failed", "--json"])
    assert result.exit_code == 0, result.output
    assert seen["filters"] == ("-state:failed",)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["redis://:secret@h", "ls"], "there is a URL where none is wanted"),
        (["ls", "redis://:secret@h"], "there is a URL where none is wanted"),
        (["--json", "cancel", "redis://:secret@h"], "there is a URL where none is wanted"),
        (["nope"], "no command 'nope'; there are"),
    ],
)
def test_what_is_none_is_refused_without_a_password(words, said):
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert said in result.output
    assert "secret" not in result.output


def test_a_program_of_the_path_is_a_command(tmp_path):
    program = tmp_path / "gatherq-greet"
    program.write_text('#!/bin/sh\necho hello "$@"\nexit 7\n')
    program.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        [sys.executable, "-m", "gatherq_worker", "--json", "greet", "--help", "-x"],
        check=False,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stdout) == (7, "hello --json --help -x\n")


def test_version_is_a_command_too():
    said = CliRunner().invoke(main, ["--version"], prog_name="gatherq").output
    assert said == CliRunner().invoke(main, ["version"], prog_name="gatherq").output
