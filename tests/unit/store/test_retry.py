"""What is told when the patience with Redis is over."""

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from gatherq.errors import RedisUnavailable
from gatherq.store.server import retry
from gatherq.store.server.retry import RedisRetry

FULL = RedisConnectionError("max number of clients reached")
CUT = RedisConnectionError("Error while writing to socket: Connection lost")
GONE = RedisConnectionError("Error 111 connecting to localhost:6379.")
GONE.__cause__ = ConnectionRefusedError()


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ([CUT, FULL, CUT], "see its maxclients"),  # which of the two comes is a matter of luck
        ([FULL, GONE], "is a server running there"),
        ([CUT, CUT], "closes them: see its log, and its maxclients"),
    ],
)
async def test_a_mere_loss_of_a_connection_hides_no_reason(errors, told, monkeypatch):
    left = list(errors)

    async def fail():
        raise left.pop(0) if left else errors[-1]

    async def sleep(seconds):
        pass

    monkeypatch.setattr(retry.asyncio, "sleep", sleep)
    call = RedisRetry("redis://localhost:6379/0", patience=0.02)
    with pytest.raises(RedisUnavailable, match=told):
        await call(fail)
