"""Jobs, and arq's settings, of a server that wants a password; everything is logged."""

import logging
import os
import traceback
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from arq.connections import RedisSettings

from gatherq import job

logging.basicConfig(level=logging.DEBUG)


@job()
async def nothing() -> None:
    pass


async def theirs(ctx: dict) -> None:
    pass


async def show(ctx: dict) -> None:
    """Log what a program at the end of its wits logs."""
    for each in (ctx, ctx.get("redis"), ctx["redis"].connection_pool):
        logging.getLogger("shown").debug("%r %s", each, each)
    try:
        await ctx["redis"].execute_command("ACL", "NONSENSE")
    except Exception:
        traceback.print_exc()


#: The test's own variable, not one that gatherq reads.
_dsn = os.environ.get("SECRETIVE_DSN", "redis://localhost")


class FromURL:
    functions = (theirs,)
    on_startup = show
    queue_name = os.environ.get("SECRETIVE_QUEUE", "arq:queue")
    redis_settings = replace(RedisSettings.from_dsn(_dsn), conn_retries=0)


class FromParts(FromURL):
    redis_settings = RedisSettings(
        conn_retries=0,
        host=urlsplit(_dsn).hostname or "",
        port=urlsplit(_dsn).port or 0,
        username=FromURL.redis_settings.username,
        password=unquote(FromURL.redis_settings.password or ""),
    )
