"""A batch as columns."""

from math import isnan

from gatherq.contract.short_repr import call_repr

from .slots import at, every_kind, failed, pending, report_of, succeeded

SECRET = "hunter2"


async def test_a_slot_is_at_its_index_in_every_column():
    report = await report_of(*every_kind())
    columns = report.columns
    assert [[*columns.statuses][number] for number in columns.status] == [
        *("succeeded", "failed", "timed_out", "cancelled", "lost"),
        *("running", "queued", "retrying", "missing"),
    ]
    assert [[*columns.jobs][number] for number in columns.job][:3] == ["fetch", "fetch", "parse"]
    assert [*columns.attempts] == [1, 3, 1, 0, 1, 1, 0, 1, 0]
    assert columns.start[0] == columns.wait[1] == 0
    assert columns.end[2] == 2500
    assert isnan(columns.start[3])
    assert isnan(columns.end[6])
    assert columns.call[7] == call_repr("fetch", [7])
    assert columns.said[:5] == [
        "'page'",
        "ValueError: no page 7",
        "timed out: execution limit of 2 s",
        "cancelled by: ops@desk",
        "lost after 2 attempts",
    ]
    assert [row.slot for row in columns.earlier] == [1, 1, 7]


async def test_failures_that_differ_in_numbers_are_one_group():
    slots = [failed(n, message=f"no page {n}", traceback=f"at {n}") for n in range(7)]
    report = await report_of(*slots, failed(7, type_="KeyError"), succeeded(8))
    first, second = report.groups
    assert (first.count, first.slots, first.text) == (7, [0, 1, 2, 3, 4], "ValueError: no page #")
    assert first.traceback == "at 0"
    assert second.count == 1
    assert [*report.group_of_slot] == [0] * 7 + [1, -1]


async def test_groups_go_by_the_signatures_of_the_records():
    slots = [failed(0, signature="aaaaaaaa"), failed(1, signature="bbbbbbbb")]
    assert [group.signature for group in (await report_of(*slots)).groups] == [
        "aaaaaaaa",
        "bbbbbbbb",
    ]


async def test_a_finished_batch_ends_with_its_last_slot_and_another_one_now():
    done = await report_of(succeeded(0, 0.0, 1.5), now=60.0)
    assert done.span == 1500
    open_ = await report_of(succeeded(0, 0.0, 1.5), pending(1, "queued"), now=60.0)
    assert open_.span == 60_000


async def test_times_far_out_of_the_batch_count_as_not_given():
    report = await report_of(succeeded(0, -9e6, 9e9), succeeded(1, 0.0, 2.0))
    assert isnan(report.columns.start[0])
    assert isnan(report.columns.end[0])
    assert report.span == 2000


async def test_a_batch_without_a_time_of_submission_begins_now():
    report = await report_of(succeeded(0), created=None, now=1.0)
    assert report.begin == at(1.0)


async def test_an_empty_batch():
    report = await report_of()
    assert (len(report.columns), report.lanes.spans, report.groups) == (0, [], [])


async def test_redaction_leaves_nothing_of_arguments_values_and_errors():
    given = {"args": (SECRET,), "kwargs": {"password": SECRET}}
    slots = [
        succeeded(0, value={"token": SECRET}),
        failed(1, message=SECRET, traceback=f"File 'x.py'\nValueError: {SECRET}"),
    ]
    slots = [type(slot)(**{**fields(slot), **given}) for slot in slots]
    assert SECRET in str(await report_of(*slots))
    hidden = await report_of(*slots, redact=True)
    assert SECRET not in str(hidden)
    assert hidden.columns.call == ["fetch(...)", "fetch(...)"]
    assert hidden.columns.said == ["...", "ValueError: ..."]


def fields(slot):
    return {name: getattr(slot, name) for name in slot.__dataclass_fields__}
