"""Whether workers of this host are alive on a queue.

In the usual case neither asyncio nor redis-py nor pydantic is imported. They are for a server that
wants TLS or options, and for the text of an error.
"""

import os
import socket
from typing import TYPE_CHECKING

from gatherq.contract import defaults
from gatherq.contract.keys import DEFAULT_QUEUE
from gatherq.escape import escape
from gatherq.server_in_environment import named_url
from gatherq.store.workers import Alive, probe_alive

if TYPE_CHECKING:
    from gatherq.errors import GatherqError

#: Seconds after which a silent server is away: whoever asks a probe waits a few seconds for it.
_PATIENCE = 2.0


def report(url: str | None, queue: str | None, *, ready: bool) -> tuple[int, list[str]]:
    """Return the exit code of the probe, and the lines that it prints."""
    try:
        url, queue = _place(url, queue)
    except ValueError as error:
        return 1, [f"Error: {error}"]
    try:
        found = probe_alive(url, queue, _PATIENCE)
    except TimeoutError as error:
        return _silent(error, url, ready=ready)
    return _by_redis_py(url, queue, ready=ready) if found is None else _verdict(found, queue)


def _place(url: str | None, queue: str | None) -> tuple[str, str]:
    """Return the server and the queue: as an option says, or else the environment."""
    environment = {name.upper(): value for name, value in os.environ.items()}
    if environment.get("GATHERQ_QUEUE") == "":
        return _settled(url, queue)
    try:
        named = url or named_url()
    except (OSError, ValueError):
        return _settled(url, queue)
    url = defaults.REDIS_URL if named is None else named
    return url, queue or environment.get("GATHERQ_QUEUE", DEFAULT_QUEUE)


def _settled(url: str | None, queue: str | None) -> tuple[str, str]:
    """Read the settings as others do, who say what is wrong with them."""
    from gatherq.settings import Settings

    settings = Settings.read(redis_url=url, queue=queue)
    return settings.redis_url, settings.queue


def _verdict(found: list[Alive], queue: str) -> tuple[int, list[str]]:
    host = socket.gethostname()
    own = [(name, age) for name, age in found if name.startswith(f"{host}.")]
    if not own:
        return 1, [f"Error: no worker of {host} is alive on {queue}"]
    return 0, [f"{escape(name)}: {age:.1f} s ago" for name, age in own]


def _silent(error: TimeoutError, url: str, *, ready: bool) -> tuple[int, list[str]]:
    from gatherq.store.server.errors import unavailable

    refusal = unavailable(error, url)
    refusal.__context__ = error
    return _refused(refusal, ready=ready)


def _by_redis_py(url: str, queue: str, *, ready: bool) -> tuple[int, list[str]]:
    import asyncio

    from gatherq.errors import GatherqError
    from gatherq.store.inspection.queue_reader import alive

    try:
        return _verdict(asyncio.run(alive(url, queue, _PATIENCE)), queue)
    except GatherqError as error:
        return _refused(error, ready=ready)


def _refused(error: "GatherqError", *, ready: bool) -> tuple[int, list[str]]:
    from gatherq.errors import RedisUnavailable
    from gatherq.store.server.errors import is_transient

    if isinstance(error, RedisUnavailable) and is_transient(error.__context__):
        return int(ready), [f"the server is away, and workers wait for it: {escape(str(error))}"]
    return 1, [f"Error: {escape(str(error))}"]
