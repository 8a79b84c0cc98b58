"""Prose on a narrow terminal."""

import pytest

from gatherq_cli.output.prose import wrapped

ADVICE = "follow it on this terminal: gatherq watch map-d2f6a1"


def test_lines_end_between_words():
    assert wrapped("one two-three four", 8) == ["one", "two-three", "four"]
    assert wrapped("short", 40) == ["short"]
    assert wrapped("", 40, head="! ") == ["! "]
    assert wrapped("one two", 7, head="! ", indent="  ") == ["! one", "  two"]


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        (ADVICE, 40, ["follow it on this terminal:", "gatherq watch map-d2f6a1"]),
        (ADVICE, 30, ["follow it on this terminal:", "gatherq watch map-d2f6a1"]),
        (ADVICE, 20, ["follow it on this", "terminal: gatherq", "watch map-d2f6a1"]),
        ("of batches; --all, --since 1d", 27, ["of batches; --all,", "--since 1d"]),
        ("or (gatherq watch @); then", 18, ["or", "(gatherq watch @);", "then"]),
    ],
)
def test_a_command_stays_whole_where_it_has_room(text, width, lines):
    assert wrapped(text, width) == lines
