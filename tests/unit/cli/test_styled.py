"""Lines with styles: escaped, cut, and plain where nobody sees colors."""

from gatherq_cli.output.bars import bar, span
from gatherq_cli.output.styled import colored, fitted, plain

LINE = ["one ", ("two", "bold red"), (" \x1b[2J", "")]


def test_a_line():
    assert plain(LINE) == "one two \\x1b[2J"
    assert colored(LINE) == "one \x1b[31m\x1b[1mtwo\x1b[0m \\x1b[2J"


def test_a_line_that_is_too_long_says_so():
    assert fitted(LINE, 40) is LINE
    assert plain(fitted(LINE, 9)) == "one tw..."
    assert plain(fitted(LINE, 2)) == ".."
    assert plain(fitted(LINE, 0)) == ""


def test_a_bar():
    assert [bar(share, 4, ascii_only=False) for share in (0, 0.5, 0.6, 1)] == [
        "    ",
        "██  ",
        "██▍ ",
        "████",
    ]
    assert [bar(share, 4, ascii_only=True) for share in (-1, 0.5, 2)] == ["....", "##..", "####"]


def test_a_span_has_one_column_at_least():
    assert span(0.5, 0.25, 8, "x") == "    xx  "
    assert span(0, 0, 4, "x") == "x   "
    assert span(1, 0, 4, "x") == "   x"
    assert span(0.5, 9, 4, "x") == "  xx"
