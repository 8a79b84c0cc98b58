"""Error groups before a redrive, and after it."""

import json

import pytest

from gatherq.inspection.report.error_changes import changes_of

COUNTED = {
    "groups": "00000001 00000002 00000003",
    "00000001": "7",
    "00000001:text": json.dumps({"text": "ValueError: #"}),
    "00000002": "0",
    "00000003": "9",
    "other": "2",
    "0|00000003": "4",
    "1|00000001": "12",
    "1|00000002": "5",
}


def shown(changes):
    return [(each.group.signature, each.before, each.group.count, each.kind) for each in changes]


def test_what_went_has_fewer_and_is_new():
    found = changes_of(COUNTED, 2)
    assert shown(found) == [
        ("00000003", 0, 9, "new"),
        ("00000001", 12, 7, "fewer"),
        ("00000002", 5, 0, "went"),
        ("", 0, 2, "new"),
    ]
    assert found[1].group.text == "ValueError: #"


def test_without_a_redrive_nothing_was_before():
    assert [each.before for each in changes_of(COUNTED, 0)] == [0, 0, 0]
    assert changes_of({}, 3) == []


@pytest.mark.parametrize("junk", ["x", "-1", "9" * 40, ""])
def test_junk_counts_as_nothing(junk):
    assert changes_of({"groups": f"00000001 {junk}", "00000001": junk, "0|00000001": junk}, 1) == []


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [(0, 1, "new"), (3, 4, "more"), (3, 3, "same"), (3, 2, "fewer"), (3, 0, "went")],
)
def test_a_change_by_its_numbers(before, now, kind):
    fields = {"groups": "00000001", "1|00000001": str(before), "00000001": str(now)}
    (change,) = changes_of(fields, 2)
    assert change.kind == kind
