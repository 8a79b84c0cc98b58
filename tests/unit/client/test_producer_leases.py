"""The signs of life of a producer."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from gatherq.client.producer_leases import ProducerLeases
from tests.conftest import until


class Redis:
    """Notes what is renewed and when; fails while `error` is set."""

    def __init__(self):
        self.error, self.renewed, self.tried = None, [], asyncio.Event()

    async def renew(self, batch):
        self.renewed.append((batch, asyncio.get_running_loop().time()))
        self.tried.set()
        if self.error == "silence":
            await asyncio.Event().wait()
        if self.error and batch != "well":
            raise self.error
        return True

    async def times(self, count):
        while len(self.renewed) < count:
            self.tried.clear()
            await self.tried.wait()


@pytest.fixture
async def redis():
    return Redis()


@pytest.fixture
async def leases(redis):
    leases = ProducerLeases(redis.renew)
    yield leases
    await leases.aclose()


@pytest.mark.parametrize("error", [RedisConnectionError("away"), RuntimeError("odd"), OSError()])
async def test_contact_that_is_back_is_used_at_once(redis, leases, caplog, error):
    async with until(10):
        leases.hold("b", 6)
        redis.error = error
        await redis.times(3)
        redis.error, failed_at = None, redis.renewed[-1][1]
        await redis.times(4)
        assert redis.renewed[-1][1] - failed_at < 1.5  # not a third of the lease later
        await redis.times(5)
        assert redis.renewed[-1][1] - redis.renewed[-2][1] > 1.8
    said = [r.message for r in caplog.records if r.levelname == "WARNING"]
    assert len(said) == 2
    assert said[0].startswith("batch b: lease not renewed: ")
    assert said[1].endswith("are renewed again")


async def test_a_server_that_is_silent_is_asked_again(redis, leases):
    async with until(5):
        leases.hold("b", 0.3)
        redis.error = "silence"
        await redis.times(3)


async def test_one_batch_that_is_refused_keeps_no_other_from_its_lease(redis, leases):
    async with until(5):
        redis.error = ResponseError("WRONGTYPE Operation")
        leases.hold("bad", 0.3)
        leases.hold("well", 0.3)
        await redis.times(8)
        assert [batch for batch, _ in redis.renewed].count("well") == 4


async def test_many_new_leases_keep_no_old_one_waiting(redis, leases):
    async with until(5):
        leases.hold("old", 0.3)
        while not redis.renewed:
            leases.hold("new", 60)
            await asyncio.sleep(0.01)
        assert redis.renewed[0][0] == "old"


@pytest.mark.parametrize("turns", range(8))
async def test_a_lease_is_renewed_that_comes_as_the_last_one_ends(turns):
    renewed, ended, again = [], asyncio.Event(), asyncio.Event()

    async def renew(batch):
        renewed.append(batch)
        (ended if batch == "first" else again).set()
        return batch != "first"

    leases = ProducerLeases(renew)
    async with until(5):
        leases.hold("first", 0.03)
        await ended.wait()
        for _ in range(turns):
            await asyncio.sleep(0)
        leases.hold("second", 0.03)
        await again.wait()
        await leases.aclose()
    assert renewed[:2] == ["first", "second"]
