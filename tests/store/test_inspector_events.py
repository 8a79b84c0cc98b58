"""Events and findings, as `Inspector` reads them from a real server."""

import asyncio
from contextlib import aclosing

import pytest
from redis.asyncio import Redis

from gatherq import Inspector, InvalidSelector
from gatherq.contract.keys import KeySpace
from gatherq.testing.server import embedded_server, free_port

from ..conftest import until


@pytest.fixture
async def inspector(server_url, queue):
    async with Inspector(server_url, queue=queue) as inspector:
        yield inspector


@pytest.fixture
def note(redis, queue):
    async def note(event, **fields):
        return await redis.xadd(KeySpace(queue).events, {"event": event, **fields})

    return note


async def test_events_come_in_order_from_the_time_asked_for(inspector, note, redis, queue):
    await redis.xadd(KeySpace(queue).events, {"event": "long ago"}, id="1-1")
    for n in range(1200):  # more than a page
        await note("ended", batch=f"b{n}")
    assert len([event async for event in inspector.events()]) == 1201
    recent = [event.batch async for event in inspector.events(since=3600)]
    assert recent == [f"b{n}" for n in range(1200)]
    assert [event.batch async for event in inspector.events("batch:b7,b9")] == ["b7", "b9"]


async def test_who_follows_hears_of_what_comes(inspector, note):
    await note("first")
    async with until(10), aclosing(inspector.events(follow=True)) as events:
        assert (await anext(events)).event == "first"
        next_ = asyncio.ensure_future(anext(events))
        await asyncio.sleep(1.2)  # a read that waits has ended without news
        await note("second")
        assert (await next_).event == "second"


async def test_no_events_and_a_key_of_another_type_are_none(inspector, redis, queue):
    assert [event async for event in inspector.events()] == []
    assert await inspector.latest_events() == []
    await redis.set(KeySpace(queue).events, "x", ex=60)
    assert await inspector.latest_events() == []
    assert [event async for event in inspector.events()] == []


async def test_what_is_wrong_with_a_server_and_a_queue(queue):
    with embedded_server(free_port(), **{"maxmemory-policy": "allkeys-lru"}) as (url, _):
        async with Inspector(url, queue=queue) as inspector, Redis.from_url(url) as there:
            await there.zadd(queue, {"b:0": 1})
            await there.set("gatherq:left", "x")
            found = {each.code: each for each in await inspector.check(scan=True)}
    assert (found["server"].level, found["scripts"].level) == ("ok", "ok")
    assert found["eviction"].text.startswith("allkeys-lru")
    assert found["workers"].level == "problem"
    assert found["expiry"].text == "1 key never expires: gatherq:left"


async def test_a_user_with_few_rights_is_told_what_was_not_checked(redis, server_url, queue):
    user = queue.replace(":", "-")
    await redis.execute_command("ACL", "SETUSER", user, "reset", "on", ">pw", "+ping", "+time")
    async with Inspector(server_url.replace("//", f"//{user}:pw@"), queue=queue) as inspector:
        found = await inspector.check(scan=True)
    await redis.execute_command("ACL", "DELUSER", user)
    levels = {each.code: each.level for each in found}
    assert levels == {
        "here": "ok",
        "settings": "ok",
        "latency": "ok",
        "clock": "ok",
        "encryption": "ok",
        **dict.fromkeys(("server", "scripts", "access", "pool", "expiry"), "unchecked"),
    }
    assert not any("pw" in each.text for each in found)


async def test_the_newest_come_first_and_lead_further_back(inspector, note):
    for n in range(1200):  # more than a page
        await note("ended" if n % 600 else "submitted", batch=f"b{n}")
    first = await inspector.latest_events(limit=2)
    assert [event.batch for event in first] == ["b1199", "b1198"]
    earlier = await inspector.latest_events(before=first[-1].id, limit=1000)
    assert [event.batch for event in earlier] == [f"b{n}" for n in range(1197, 197, -1)]
    rare = await inspector.latest_events("event:submitted")
    assert [event.batch for event in rare] == ["b600", "b0"]
    assert await inspector.latest_events(before=rare[-1].id) == []


@pytest.mark.parametrize("id_", ["junk", "1-", "-", "+", "(1", "1" * 20, "1-0 COUNT"])
async def test_what_is_no_id_of_an_event_is_refused(inspector, id_):
    with pytest.raises(InvalidSelector, match="is no id of an event: one is as 1732790000000-0$"):
        await inspector.latest_events(before=id_)
    with pytest.raises(InvalidSelector, match="is no id of an event"):
        await anext(inspector.events(after=id_))
