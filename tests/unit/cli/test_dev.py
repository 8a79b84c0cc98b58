"""What `gatherq dev` refuses before it starts anything."""

from importlib import import_module
from types import SimpleNamespace

from click.testing import CliRunner

from gatherq_cli.main import main


def test_a_system_without_fork_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(import_module("gatherq_cli.run.dev"), "os", SimpleNamespace(name="nt"))
    monkeypatch.setattr("gatherq_cli.run.dev_session.run", lambda *given: None)
    result = CliRunner().invoke(main, ["dev", "kitchen"])
    assert result.exit_code == 1
    assert result.output == (
        "Error: gatherq dev needs a system with fork, as Linux, macOS or WSL; here, "
        "start a server, and a worker: gatherq worker MODULE --redis URL\n"
    )
