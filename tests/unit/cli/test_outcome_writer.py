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


@pytest.fixture
def on_terminal(monkeypatch, capsys):
    """Make standard error a terminal; return a function that tells what was said there."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    return lambda: capsys.readouterr().err


def test_what_is_said_after_an_interruption_has_a_line_of_its_own(on_terminal):
    writer = OutcomeWriter(values=True, tolerate=None, file=StringIO())
    with pytest.raises(KeyboardInterrupt), writer:
        writer.write(0, DONE)
        raise KeyboardInterrupt
    said = on_terminal()
    assert "1 done" in said
    assert said.endswith("\r\x1b[K")
    assert writer.count == 1


@pytest.mark.parametrize(
    ("outcomes", "said", "code"),
    [([DONE, DONE], "", 0), ([DONE, GONE], "1 of 2 did not succeed\n", 1)],
)
def test_the_end_says_how_many_did_not_succeed(on_terminal, outcomes, said, code):
    with OutcomeWriter(values=True, tolerate=None, file=StringIO()) as writer:
        for outcome in outcomes:
            writer.write(0, outcome)
    on_terminal()
    assert writer.end(stopped=False) == code
    assert on_terminal() == said
