"""When a page of a batch is to look again, over a real server."""

import pytest

from gatherq import Inspector, call
from gatherq_web.live import signals

from ..conftest import until
from .outcomes import failed, succeeded
from .steps import claim


@pytest.fixture(autouse=True)
def _often(monkeypatch):
    monkeypatch.setattr(signals, "_TICK", 0.02)
    monkeypatch.setattr(signals, "_PAUSE", 0.01)


@pytest.fixture
async def inspector(server_url, queue):
    async with Inspector(server_url, queue=queue) as inspector:
        yield inspector


@pytest.fixture
async def ended(producer, store):
    """A batch that has ended with one failure."""
    batch = await producer.submit([call("f", n) for n in range(2)])
    first, second = (await claim(store(), 2)).attempts
    await store().record([succeeded(first), failed(second)])
    return batch


async def test_a_batch_that_has_ended_is_looked_at_again_once_it_was_redriven(
    inspector, ended, store
):
    found = signals.of_batch(inspector, ended.id)
    async with until(10):
        assert await anext(found) == ("changed", "")
        await ended.redrive()
        assert await anext(found) == ("changed", "")
        await store().record([succeeded(each) for each in (await claim(store())).attempts])
        while (await inspector.batch(ended.id)).state != "succeeded":
            assert await anext(found) == ("changed", "")
    await found.aclose()


async def test_a_redrive_that_has_ended_between_two_looks_is_noticed(inspector, ended, redis):
    found = signals.of_batch(inspector, ended.id)
    async with until(10):
        assert await anext(found) == ("changed", "")
        await redis.hset(f"gatherq:batch:{ended.id}", "generation", 1)
        assert await anext(found) == ("changed", "")
    await found.aclose()


async def test_a_batch_that_is_deleted_is_gone(inspector, ended):
    found = signals.of_batch(inspector, ended.id)
    async with until(10):
        assert await anext(found) == ("changed", "")
        await ended.delete()
        assert (await anext(found)).name == "gone"
    assert [each async for each in found] == []
