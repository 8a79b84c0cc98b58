"""Why a slot did not succeed, in a line whatever its job has said."""

from gatherq.inspection.json_records import slot_record
from gatherq.inspection.phases import phases_of

from .samples import ended, failed, failure


def test_an_error_of_two_lines_is_one_that_steers_nothing():
    slot = failed(0, "one\ntwo \x1b[31mred")
    assert slot.error_line == "ValueError: one\\ntwo \\x1b[31mred"
    assert slot_record(slot)["error"]["message"] == "one\ntwo \x1b[31mred"
    earlier = ended(started=5, finished=9, history=[failure("one\ntwo", 1, 3)])
    assert [each.error for each in phases_of(earlier)][1] == "OSError: one\\ntwo"
