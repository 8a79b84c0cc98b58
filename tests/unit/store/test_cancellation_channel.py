"""Messages of cancellations: which are hints, and how silence is told from a lost server."""

import pytest

from gatherq.contract.keys import KeySpace
from gatherq.store.cancellation_channel import CancellationChannel, CancellationHint, read_hint


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\xff", b"[]", b"3", b'{"by":"x"}', b'{"jobs":3,"by":"x"}', b'{"batch":["b"]}'),
        *(b'{"batch":null,"by":"n"}', b'{"jobs":[null,3,["b:0"]]}', b"[" * 100_000, 3, None),
        b'{"batch":"b","x":"' + b"x" * 300_000 + b'"}',
    ],
)
def test_what_is_no_message_of_ours_is_no_hint(data):
    assert read_hint(data) is None


@pytest.mark.parametrize(
    ("data", "batch", "jobs"),
    [
        (b'{"batch":"b"}', "b", set()),
        (b'{"jobs":["b:0","b:1"],"by":"x"}', "", {"b:0", "b:1"}),
        (b'{"jobs":["x",null]}', "", {"x"}),
    ],
)
def test_a_hint_names_a_batch_or_jobs(data, batch, jobs):
    assert read_hint(data) == CancellationHint(batch, frozenset(jobs))


class Pool:
    def __init__(self):
        self.connection_kwargs, self.closed = {"db": 0}, False

    async def disconnect(self):
        self.closed = True


class PubSub:
    """Answers as it is told to; None is a silence."""

    def __init__(self, answers):
        self.answers, self.pings, self.channels, self.closed = list(answers), 0, [], False

    async def subscribe(self, name):
        self.channels.append(name)

    async def get_message(self, timeout):
        return self.answers.pop(0)

    async def ping(self):
        self.pings += 1

    async def aclose(self):
        self.closed = True


class Redis:
    def __init__(self, *answers):
        self.connection_pool, self.one = Pool(), PubSub(answers)

    def pubsub(self):
        return self.one


async def channel_of(*answers):
    redis = Redis(*answers)
    channel = CancellationChannel(redis, KeySpace("q"))
    await channel.subscribe()
    return redis, channel


PONG = {"type": "pong", "data": b""}
MESSAGE = {"type": "message", "data": b'{"batch":"b"}'}


async def test_a_silent_server_is_asked_once_before_it_counts_as_lost():
    redis, channel = await channel_of(None, PONG, None, None)
    assert await channel.next(5.0) is None
    assert redis.one.pings == 1
    with pytest.raises(TimeoutError):
        await channel.next(5.0)
    assert redis.one.pings == 2
    assert redis.one.channels == ["gatherq:control:q"]


async def test_a_message_shows_that_the_server_lives():
    redis, channel = await channel_of(None, MESSAGE, None, MESSAGE)
    assert await channel.next(5.0) == await channel.next(5.0) == CancellationHint("b", frozenset())
    assert redis.one.pings == 2
    await channel.close()
    assert redis.one.closed
    assert redis.connection_pool.closed


async def test_a_new_subscription_begins_with_a_new_silence():
    redis, channel = await channel_of(None, None)
    with pytest.raises(TimeoutError):
        await channel.next(5.0)
    await channel.unsubscribe()
    redis.one = PubSub([None, PONG])
    await channel.subscribe()
    assert await channel.next(5.0) is None
