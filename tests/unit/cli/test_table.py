"""Tables: what gives way where there is little room."""

import sys

import pytest

from gatherq_cli.output import table
from gatherq_cli.output.table import Column, aligned, tab_separated

COLUMNS = [
    Column("NAME", lambda row: row[0], flexible=True),
    Column("N", lambda row: row[1], right=True),
    Column("SAID", lambda row: row[2], flexible=True),
    Column("MORE", lambda row: row[3], least_width=60),
]
ROWS = [("a" * 20, "7", "b" * 60, "x"), ("c", "1234", "d\x1b", "y")]


@pytest.fixture(params=["rich", "plain"])
def lines(request, monkeypatch):
    if request.param == "plain":
        monkeypatch.setitem(sys.modules, "rich.table", None)

    def lines(room):
        monkeypatch.setattr(table, "width", lambda: room)
        return aligned(COLUMNS, ROWS, title=True, color=False)

    return lines


@pytest.mark.parametrize("room", [40, 59, 60, 200])
def test_flexible_columns_give_way_and_others_stay_whole(lines, room):
    found = lines(room)
    assert all(len(line) <= room for line in found)
    assert "1234" in found[2]
    assert ("MORE" in found[0]) is (room >= 60)
    assert ("b" * 60 in found[1]) is (room == 200)


def test_the_longest_gives_way_first_and_none_beyond_a_few_columns(lines):
    assert "a" * 20 in lines(59)[1]
    assert lines(10)[1].startswith("a" * 7)


def test_no_control_character_is_shown_and_a_pipe_gets_all(lines):
    assert lines(80)[2].split() == ["c", "1234", "d\\x1b", "y"]
    assert tab_separated(COLUMNS, ROWS[1]) == "c\t1234\td\\x1b\ty"
