"""Replies that Redis would never give: they are told where they are read, and asked for again."""

import logging

import pytest

from gatherq.contract.keys import KeySpace
from gatherq.errors import BatchNotFound, RedisUnavailable
from gatherq.store.batches import BatchStore
from gatherq.store.jobs import JobStore, Record
from gatherq.store.parking import Admission
from gatherq.store.server import retry
from gatherq.store.server.retry import RedisRetry
from gatherq_worker.attempt import Attempt


class Server:
    """Replies with one thing."""

    def __init__(self, reply):
        self.reply = reply

    async def execute_command(self, *words):
        return self.reply


def attempts(n):
    return [Attempt(f"b:{slot}", 1, None, batch="b", slot=slot, life="x") for slot in range(n)]


@pytest.mark.parametrize("words", [[], [b"recorded"], [b"recorded"] * 3, [b"recorded", b"what"]])
async def test_a_record_has_a_known_reply_to_each_outcome(words):
    store = JobStore(Server([words, [], []]), KeySpace("q"), "w", 5.0)
    with pytest.raises(ValueError, match="no replies to 2 outcomes"):
        await store.record([Record(each, "succeeded", b"{}", 60) for each in attempts(2)])


@pytest.mark.parametrize("replies", [[], [1], [1, 0, 1]])
async def test_a_worker_is_told_of_each_claim_whether_it_may_begin(replies):
    store = JobStore(Server(replies), KeySpace("q"), "w", 5.0)
    with pytest.raises(ValueError, match="replies to 2 claims"):
        await store.park([Admission(each) for each in attempts(2)])


@pytest.mark.parametrize("values", [[], [b"{}"], [b"{}", 7], [b"{}"] * 3])
async def test_each_key_has_a_value_or_none(values):
    with pytest.raises(ValueError, match="no values of 2 keys"):
        await BatchStore(Server(values), KeySpace("q")).results("b", [0, 1])


@pytest.mark.parametrize("reply", [[1, 2**63, 0, 0], [1, 1, 0, 0], [b"x", -1, 0, 0], [None] * 4])
async def test_a_slot_that_differs_is_one_of_the_batch(reply):
    with pytest.raises((ValueError, TypeError)):
        await BatchStore(Server(reply), KeySpace("q")).submit("b", 1, 60, 0, [b"{}"])


@pytest.fixture
def ask(monkeypatch):
    monkeypatch.setattr(retry.random, "uniform", lambda low, high: 0.0)
    return RedisRetry("redis://:secret@x", 60.0)


async def test_what_cannot_be_read_is_asked_again(ask, caplog):
    caplog.set_level(logging.WARNING)
    errors = [ValueError("no"), TypeError("no")]

    async def read():
        if errors:
            raise errors.pop()
        return 7

    assert await ask(read) == 7
    assert caplog.records == []


async def test_in_the_end_it_is_said_which_server_gave_it(ask):
    tries = []

    async def read():
        tries.append(1)
        raise ValueError("2 values of 3 keys")

    with pytest.raises(RedisUnavailable) as caught:
        await ask(read)
    assert len(tries) == 3
    assert str(caught.value) == (
        "cannot use Redis at redis://:***@x: its reply cannot be read (ValueError: 2 values of 3 "
        "keys); is it Redis or Valkey, and does nothing between change what it says?"
    )


async def test_an_answer_of_ours_is_no_reply_that_cannot_be_read(ask):
    tries = []

    async def read():
        tries.append(1)
        raise BatchNotFound.gone("b", "its data")

    with pytest.raises(BatchNotFound):
        await ask(read)
    assert len(tries) == 1
