"""Entries of a completion stream: what is read of them, and what is left out."""

import pytest

from gatherq.contract.keys import KeySpace
from gatherq.store.completions import CompletionStream, Entry, latest, order


class Redis:
    """A server that answers each XREAD with the next of its replies."""

    def __init__(self, *replies):
        self.replies, self.reads = list(replies), []

    async def xread(self, streams, count, block):
        self.reads.append((dict(streams), block))
        return self.replies.pop(0)


def stream(*entries, key="gatherq:done:b"):
    return [(key.encode(), [(b"%d-0" % n, fields) for n, fields in enumerate(entries, 1)])]


async def test_a_page_has_its_position_and_the_latest_status_of_each_slot():
    redis = Redis(stream({b"0": b"failed", b"1": b"succeeded"}, {b"0": b"redriven"}))
    read = CompletionStream(redis, KeySpace("q")).read
    assert await read("b", b"0") == (b"2-0", [(1, "succeeded"), (0, "redriven")])
    assert redis.reads == [({"gatherq:done:b": b"0"}, None)]


async def test_nothing_new_leaves_the_position():
    assert await CompletionStream(Redis(None), KeySpace("q")).read("b", b"5-0", 0.0) == (b"5-0", [])


@pytest.mark.parametrize(
    "fields",
    [{b"x": b"succeeded"}, {b"1": b"great"}, {b"9" * 11: b"lost"}, {b"-1": b"lost"}, {b"": b""}],
)
async def test_what_is_no_completion_is_left_out(fields):
    redis = Redis(stream({b"0": b"lost"} | fields))
    assert await CompletionStream(redis, KeySpace("q")).read("b", b"0") == (b"1-0", [(0, "lost")])


async def test_a_watch_returns_recordings_by_batch_and_the_position_of_the_last_nudge():
    nudges = stream({b"n": b"1"}, {b"n": b"1"}, key="gatherq:nudge:me")
    redis = Redis([*nudges, *stream({b"0": b"lost"}, key="gatherq:done:c")])
    watch = CompletionStream(redis, KeySpace("q")).watch
    nudged, found = await watch({"b": b"7-0", "c": b"0"}, 1.0, ("me", b"0"))
    assert nudged == b"2-0"
    assert found == {"c": [Entry(b"1-0", [(0, "lost")], {})]}
    streams = {"gatherq:nudge:me": b"0", "gatherq:done:b": b"7-0", "gatherq:done:c": b"0"}
    assert redis.reads == [(streams, 1000)]


async def test_a_completion_may_bring_results_along():
    fields = {b"0": b"succeeded", b"result:0": b"{}", b"result:x": b"1", b"result:": b"lost"}
    redis = Redis(stream(fields, key="gatherq:done:c"))
    watch = CompletionStream(redis, KeySpace("q")).watch
    _, found = await watch({"c": b"0"}, 1.0, ("me", b"0"))
    assert found == {"c": [Entry(b"1-0", [(0, "succeeded")], {0: b"{}"})]}


@pytest.mark.parametrize(
    ("said", "life"),
    [(b"0a1b2c3d4e5f", "0a1b2c3d4e5f"), (b"", ""), (b"a" * 13, ""), (b"junk", ""), (b"\xff", "")],
)
async def test_a_completion_says_of_which_life_its_batch_is(said, life):
    redis = Redis(stream({b"life": said, b"0": b"lost"}, key="gatherq:done:c"))
    watch = CompletionStream(redis, KeySpace("q")).watch
    _, found = await watch({"c": b"0"}, 1.0, ("me", b"0"))
    assert found == {"c": [Entry(b"1-0", [(0, "lost")], {}, life)]}


async def test_a_watch_blocks_for_a_millisecond_at_least():
    redis = Redis([])
    assert await CompletionStream(redis, KeySpace("q")).watch({}, 0.0, ("me", b"3-0")) == (
        b"3-0",
        {},
    )
    assert redis.reads[0][1] == 1


def test_the_latest_status_stands_where_it_was_said():
    statuses = [(0, "failed"), (1, "lost"), (0, "redriven"), (0, "succeeded")]
    assert latest(statuses) == [(1, "lost"), (0, "succeeded")]
    assert latest(iter([(0, "failed"), (0, "failed")])) == [(0, "failed"), (0, "failed")]


def test_positions_are_ordered_by_time_and_number():
    assert order(b"9-1") < order(b"10-0") < order(b"10-2")
    assert order(b"0") == (0, 0)
