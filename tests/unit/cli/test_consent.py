"""Who does it, where a command that acts is not told."""

import getpass
import os
import pwd
import socket

import click
import pytest
from click.testing import CliRunner

from gatherq_cli.common.options import that_acts


@pytest.fixture
def by(monkeypatch):
    """Return a function that tells who a command takes to act."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    @click.command()
    @that_acts
    def command(consent):
        click.echo(consent.by, nl=False)

    return lambda *words: CliRunner().invoke(command, words).output


def test_without_variables_it_is_the_user_that_the_system_knows(by):
    assert by() == f"{pwd.getpwuid(os.getuid()).pw_name}@{socket.gethostname()}"
    assert by("--by", "ops") == "ops"


@pytest.mark.parametrize("error", [KeyError("uid not found"), OSError("no user"), ImportError()])
def test_a_user_without_a_name_is_a_process(by, monkeypatch, error):
    def fails():
        raise error

    monkeypatch.setattr(getpass, "getuser", fails)
    assert by() == f"{os.getpid()}@{socket.gethostname()}"
