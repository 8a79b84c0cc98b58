"""Events, and which of them are meant."""

from datetime import UTC, datetime

import pytest

from gatherq.errors import InvalidSelector
from gatherq.inspection.event_info import read_event
from gatherq.inspection.filters import read_event_filters
from gatherq.store.inspection.event_records import EventFields

ID = "1795000000000-3"
FIELDS = {"event": "cancelled", "batch": "nightly-7", "by": "anna@desk", "n": "3"}


def test_an_entry_says_when_what_and_who():
    event = read_event(EventFields(ID, FIELDS))
    assert (event.id, event.event, event.batch, event.by) == (
        *(ID, "cancelled", "nightly-7", "anna@desk"),
    )
    assert event.time == datetime.fromtimestamp(1_795_000_000, UTC)
    assert event.details == {"n": "3"}


@pytest.mark.parametrize("id_", ["x", "", "9" * 30, "-1-0"])
def test_junk_is_an_event_without_a_time(id_):
    event = read_event(EventFields(id_, {"x": "y"}))
    assert (event.time, event.event, event.details) == (None, "", {"x": "y"})


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("event:cancelled", True),
        ("event:worker_*", False),
        ("batch:nightly*", True),
        ("by:anna*", True),
        ("-by:anna*", False),
        ("worker:?*", False),
    ],
)
def test_filters_on_events(text, meant):
    (test,) = read_event_filters([text])
    assert test.matches(read_event(EventFields(ID, FIELDS))) is meant


def test_an_unknown_key_is_named():
    with pytest.raises(InvalidSelector, match="did you mean batch"):
        read_event_filters(["bach:x"])


def test_an_event_that_there_is_not_is_refused_with_a_near_one():
    assert read_event_filters(["event:worker_*,redis_away"])
    with pytest.raises(InvalidSelector, match="'event:endet': 'endet': did you mean ended"):
        read_event_filters(["event:endet"])
    with pytest.raises(InvalidSelector, match="give submitted, ended, cancelled"):
        read_event_filters(["event:x*"])
