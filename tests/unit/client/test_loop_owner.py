"""One loop of one process may use a producer."""

import asyncio
import os

import pytest

from gatherq.client.loop_owner import LoopOwner
from gatherq.errors import ProducerClosed, ProducerElsewhere


@pytest.fixture
def begun():
    return []


@pytest.fixture
def owner(begun):
    return LoopOwner(lambda: begun.append(True))


async def checked(owner):
    owner.check()
    return owner.here


def test_the_first_loop_owns_it_and_no_other_may_use_it(owner, begun):
    loop, other = asyncio.new_event_loop(), asyncio.new_event_loop()
    try:
        assert loop.run_until_complete(checked(owner))
        assert loop.run_until_complete(checked(owner))
        with pytest.raises(ProducerElsewhere, match="make one for each loop"):
            other.run_until_complete(checked(owner))
    finally:
        loop.close()
        other.close()
    assert begun == []


def test_it_begins_anew_once_its_loop_is_closed(owner, begun):
    assert asyncio.run(checked(owner))
    assert asyncio.run(checked(owner))
    assert begun == [True]


def test_it_begins_anew_in_a_forked_process(owner, begun, monkeypatch):
    async def fork():
        owner.check()
        monkeypatch.setattr(os, "getpid", lambda: -1)
        assert not owner.here
        owner.check()
        assert owner.here

    asyncio.run(fork())
    assert begun == [True]


def test_it_may_be_made_outside_of_any_loop(owner):
    owner.check()


def test_closed_it_refuses_everywhere(owner):
    owner.close()
    with pytest.raises(ProducerClosed):
        owner.check()
    with pytest.raises(ProducerClosed, match="^this producer is closed; "):
        asyncio.run(checked(owner))


def test_its_end_is_that_of_a_block(owner):
    owner.of_block = True
    owner.close()
    with pytest.raises(ProducerClosed, match="^the block of `async with gatherq.local"):
        owner.check()
