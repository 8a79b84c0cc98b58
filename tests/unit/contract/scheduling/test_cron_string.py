"""Cron strings, and what is no cron string."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gatherq.contract.scheduling.cron_string import next_match
from gatherq.errors import InvalidCall

NOON = datetime(2026, 1, 1, 12, 3, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "clock"),
    [
        ("*/5 * * * *", "2026-01-01T12:05:00"),
        ("30 */5 * * * *", "2026-01-01T12:05:30"),
        ("* * * * * *", "2026-01-01T12:03:31"),
        ("0 3 * * MON", "2026-01-05T03:00:00"),
        ("0 0 29 FEB *", "2028-02-29T00:00:00"),
    ],
)
def test_five_fields_or_six_with_the_seconds_first(expression, clock):
    assert next_match(expression, NOON) == datetime.fromisoformat(clock).replace(tzinfo=UTC)


def test_a_time_that_matches_is_not_later_than_itself():
    first = next_match("*/5 * * * *", NOON)
    assert next_match("*/5 * * * *", first) == first.replace(minute=10)


@pytest.mark.parametrize("minute", [10, 30, 50])
def test_in_the_hour_that_is_there_twice_the_next_time_is_later_all_the_same(minute):
    berlin = ZoneInfo("Europe/Berlin")
    second = datetime(2026, 10, 25, 2, minute, fold=1, tzinfo=berlin)
    assert next_match("30 2 * * *", second) == datetime(2026, 10, 26, 2, 30, tzinfo=berlin)


def test_a_time_that_the_clock_leaves_out_comes_right_after_it():
    berlin = ZoneInfo("Europe/Berlin")
    found = next_match("30 2 * * *", datetime(2026, 3, 29, 1, 0, tzinfo=berlin))
    assert found == datetime(2026, 3, 29, 3, 0, tzinfo=berlin)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("", "wrong number of fields"),
        ("* * *", "wrong number of fields"),
        ("61 * * * *", "bad minute"),
        ("* 24 * * *", "bad hour"),
        ("* * * * MOON", "bad day-of-week"),
        ("*/0 * * * *", "bad minute"),
        ("0 0 30 2 *", "bad day-of-month"),
    ],
)
def test_what_is_none_is_named_with_what_is_allowed(wrong, why):
    with pytest.raises(ValueError, match="is no cron string: ") as caught:
        next_match(wrong, NOON)
    assert isinstance(caught.value, InvalidCall)
    assert str(caught.value).startswith(f"{wrong!r} is no cron string: {why}; write five fields, ")


def test_a_text_without_end_is_named_in_short():
    with pytest.raises(InvalidCall, match="is no cron string: ") as caught:
        next_match("9" * 5000 + " * * * *", NOON)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("wrong", [5, None, b"* * * * *"])
def test_what_is_no_text_is_refused_too(wrong):
    with pytest.raises(InvalidCall, match="a cron string is text, not "):
        next_match(wrong, NOON)
