"""What others wrote cannot forge a line of a log, nor steer a terminal."""

import logging

import pytest

import gatherq_worker
from gatherq.escape import escape, escape_traceback

FORGED = "2026-01-01 00:00:00,000 ERROR gatherq.worker: all is lost"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain: ü 漢 😀", "plain: ü 漢 😀"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[31mred\x07\x00", "\\x1b[31mred\\x07\\x00"),
        ("\x7f\x85\x9b", "\\x7f\\x85\\x9b"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\u202eevil\u2066\u200f\u061c", "\\u202eevil\\u2066\\u200f\\u061c"),
        ("\ud800", "\\ud800"),
    ],
)
def test_controls_are_shown_and_not_obeyed(text, shown):
    assert escape(text) == shown
    assert escape(text).isprintable()


@pytest.mark.parametrize("name", ["gatherq", "gatherq.worker", "arq.worker"])
def test_no_line_of_a_log_can_be_forged(name, caplog):
    assert gatherq_worker.__name__
    logger = logging.getLogger(name)
    logger.warning("job %s: %s", "x\n" + FORGED, "\x1b[2J")
    try:
        raise ValueError("no\n" + FORGED + "\r\x1b[31m")
    except ValueError as error:
        logger.exception("job %s", "y\n" + FORGED)
        bare = ValueError(FORGED + "\n" + FORGED)
        logger.error("failed", exc_info=error)
        logger.error("failed", exc_info=bare)
    lines = caplog.text.split("\n")
    assert not [line for line in lines if line.startswith("2026")]
    assert "\x1b" not in caplog.text
    assert "\r" not in caplog.text
    assert "Traceback (most recent call last):" in lines
    assert "ValueError: no" in caplog.text


def test_an_ordinary_line_is_left_as_it_is(caplog):
    logging.getLogger("gatherq.worker").warning("job %s: %d", "b:1", 3)
    (record,) = caplog.records
    assert (record.msg, record.args) == ("job %s: %d", ("b:1", 3))


def test_a_wrong_format_is_said_by_the_handler():
    record = logging.LogRecord("gatherq", logging.INFO, "", 0, "%d", ("x",), None)
    assert logging.getLogger("gatherq").filter(record)


def test_showing_an_error_has_a_budget(caplog):
    group: BaseException = ValueError("x")
    for _ in range(40):
        group = ExceptionGroup("g", [group, group])  # type: ignore[list-item]
    logging.getLogger("gatherq.worker").error("failed", exc_info=group)
    assert "more are left out" in caplog.text
    assert len(caplog.text) < 100_000


def test_every_line_but_the_heading_is_set_in():
    text = "Traceback (most recent call last):\n  File\nValueError: a\n\nb\n"
    assert escape_traceback(text).splitlines() == [
        "Traceback (most recent call last):",
        "    File",
        "  ValueError: a",
        "  ",
        "  b",
    ]
    assert escape_traceback("ValueError: a\nb") == "  ValueError: a\n  b"
