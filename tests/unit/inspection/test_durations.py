"""Durations, as they are written and read."""

import pytest

from gatherq.inspection.durations import parse_duration, show_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *[("250ms", 0.25), ("10s", 10), ("5m", 300), ("2h30m", 9000), ("2d", 172_800)],
        *[("1.5s", 1.5), ("7", 7), ("0.5", 0.5), ("0s", 0)],
    ],
)
def test_a_duration_is_read_as_seconds(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "5 m", "-1s", "1w", "5mx", "nan", "1e3", "5m\n"])
def test_anything_else_is_refused_with_what_it_may_be(text):
    with pytest.raises(ValueError, match="is no duration: write 250ms, 10s, 5m, 2h30m or 2d"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *[(0, "0ms"), (0.0004, "<1ms"), (0.0824, "82.4ms"), (0.25, "250ms"), (0.9999, "1.0s")],
        *[(4.12, "4.1s"), (9.97, "10s"), (38.4, "38s"), (59.7, "1m"), (61, "1m1s")],
        *[(651, "10m51s"), (3600, "1h"), (9000, "2h30m"), (3599.9, "1h"), (86_399.9, "1d")],
        *[(172_800, "2d"), (183_600, "2d3h"), (-3, "-3.0s")],
    ],
)
def test_a_duration_is_shown_with_the_digits_that_count(seconds, text):
    assert show_duration(seconds) == text


@pytest.mark.parametrize("seconds", [0.25, 4.1, 38, 651, 9000, 183_600])
def test_what_is_shown_is_read_again(seconds):
    assert parse_duration(show_duration(seconds)) == seconds
