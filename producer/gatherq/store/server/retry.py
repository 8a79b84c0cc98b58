"""Retries of calls to Redis while the server is away, for a limited time."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from gatherq.errors import GatherqError

from .errors import REDIS_ERRORS, is_cut_off, is_transient, unavailable, unreadable
from .urls import masked

P = ParamSpec("P")
R = TypeVar("R")

logger: logging.Logger = logging.getLogger("gatherq")

#: How often a question is asked whose reply cannot be read.
_TRIES = 3


class RedisRetry:
    """Repeats a call after transient errors, with jittered back-off, for `patience` seconds."""

    def __init__(self, url: str, patience: float) -> None:
        self._url = url
        self._patience = patience

    async def __call__(
        self, method: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Await `method(*args, **kwargs)` and return its result.

        Raises RedisUnavailable at once for an error that does not pass, and for all others when
        the patience is over: for the last one, unless that is a mere loss of a connection and
        another one has said why. A reply that Redis would never give, on which the method fails, is
        asked for again: each method may be repeated.
        """
        loop = asyncio.get_running_loop()
        give_up, pause, unread = None, 0.05, 0
        telling: BaseException | None = None
        while True:
            try:
                return await method(*args, **kwargs)
            except REDIS_ERRORS as error:
                if not is_transient(error):
                    raise unavailable(error, self._url) from None
                if give_up is None:
                    give_up = loop.time() + self._patience
                    logger.warning("Redis at %s is away: %s", masked(self._url), error)
                if telling is None or not is_cut_off(error):
                    telling = error
                if loop.time() >= give_up:
                    raise unavailable(telling, self._url) from None
            except GatherqError:
                raise
            except Exception as error:
                unread += 1
                if unread == _TRIES:
                    raise unreadable(error, self._url) from None
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, 1.0)
