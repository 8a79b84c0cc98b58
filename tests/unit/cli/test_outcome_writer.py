"""What a map writes, beside the line that shows its progress."""

import sys
from datetime import UTC, datetime
from io import StringIO

import pytest

from gatherq.contract.outcomes import Cancelled, Succeeded
from gatherq_cli.submit.outcome_writer import OutcomeWriter

NOW = datetime(2026, 11, 28, tzinfo=UTC)
COMMON = {"job_id": "b:0", "slot": 0, "name": "f", "attempt": 1, "worker": "w"}
COMMON |= {"enqueued": NOW, "finished": NOW}
DONE, GONE = Succeeded(**COMMON, value=1), Cancelled(**COMMON, by="ops")


class Terminal(StringIO):
    """Standard error that is one."""

    def isatty(self):
        return True


def on_terminal(monkeypatch):
    """Make standard error a terminal: in the test itself, since pytest puts its own there."""
    made = Terminal()
    monkeypatch.setattr(sys, "stderr", made)
    return made


def test_what_is_said_after_an_interruption_has_a_line_of_its_own(monkeypatch):
    terminal = on_terminal(monkeypatch)
    writer = OutcomeWriter(values=True, tolerate=None, file=StringIO())

    def interrupted():
        with writer:
            writer.write(0, DONE)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    said = terminal.getvalue()
    assert "1 done" in said
    assert said.endswith("\r\x1b[K")
    assert writer.count == 1


@pytest.mark.parametrize(
    ("outcomes", "said", "code"),
    [([DONE, DONE], "", 0), ([DONE, GONE], "1 of 2 did not succeed\n", 1)],
)
def test_the_end_says_how_many_did_not_succeed(monkeypatch, outcomes, said, code):
    terminal = on_terminal(monkeypatch)
    with OutcomeWriter(values=True, tolerate=None, file=StringIO()) as writer:
        for outcome in outcomes:
            writer.write(0, outcome)
    before = terminal.getvalue()
    assert writer.end(stopped=False) == code
    assert terminal.getvalue() == before + said
