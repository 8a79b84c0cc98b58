"""Connections on a real server."""

import asyncio

from redis.asyncio import Redis

from gatherq.connection import connection_pool


async def test_a_cancellation_is_heard_whenever_it_comes(server_url):
    """In each turn of the loop that a command takes: on Python 3.11 `wait_for` swallows some."""
    pool = connection_pool(server_url)
    redis = Redis(connection_pool=pool)

    async def ask():
        while True:
            await redis.execute_command("PING")

    try:
        for turns in list(range(40)) * 5:
            asking = asyncio.create_task(ask())
            for _ in range(turns):
                await asyncio.sleep(0)
            asking.cancel()
            done, _ = await asyncio.wait([asking], timeout=5)
            asking.cancel()
            assert done, f"cancelled in turn {turns}, and not heard"
            assert asking.cancelled()
    finally:
        await pool.disconnect()


async def test_a_connection_that_was_closed_meanwhile_is_replaced_unseen(server_url):
    pool, other = connection_pool(server_url), Redis.from_url(server_url)
    redis = Redis(connection_pool=pool)
    try:
        for _ in range(3):
            number = await redis.client_id()
            assert await other.client_kill_filter(_id=number) == 1
            (connection,) = pool._available_connections
            async with asyncio.timeout(5):
                while not connection._reader.at_eof():
                    await asyncio.sleep(0)
            assert await redis.client_id() != number
    finally:
        await pool.disconnect()
        await other.aclose()
