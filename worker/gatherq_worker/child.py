"""The inside of a process that jobs are isolated in: one job after the other, until told to end.

python -m gatherq_worker.child SOCKET
"""

import asyncio
import os
import signal
import socket
import sys
import threading
from functools import partial
from typing import Any

from gatherq.codec import encode
from gatherq.errors import Retry

from . import interrupt
from .attempt import Attempt
from .context import CurrentJob, set_current
from .decide import Ending
from .describe import describe
from .execute import in_loop, plain_or_not
from .frames import framed, pack, read
from .handlers import Handler, Handlers, load
from .through import through


def main(fd: int, alive: int) -> None:
    """Answer requests, each with how the job ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_outlive, args=(alive,), daemon=True).start()
    interrupt.install()
    stream = socket.socket(fileno=fd).makefile("rwb")
    sys.path[:] = read(stream)
    known: dict[str, Handlers] = {}
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        stream.write(pack("ready"))
        stream.flush()
        while (request := read(stream)) is not None:
            stream.write(_answer(loop, known, request))
            stream.flush()
    os._exit(0)


def _outlive(alive: int) -> None:
    os.read(alive, 1)  # nothing is ever written: it returns when the worker is gone
    os.killpg(0, signal.SIGKILL)


def _answer(
    loop: asyncio.AbstractEventLoop, known: dict[str, Handlers], request: dict[str, Any]
) -> bytes:
    module = request["module"]
    try:
        handlers = known.setdefault(module, known.get(module) or Handlers(load([module])))
        handler = handlers.find(request["name"])
        _limit_memory(request["memory"])
        ending = through(loop, loop.create_task(_run(handler, request)))
    except BaseException as error:
        return _say({"error": describe(error)})
    finally:
        _limit_memory(None)
    return _reply(ending, handler)


async def _run(handler: Handler, request: dict[str, Any]) -> Ending:
    job = CurrentJob(**request["job"])
    set_current(job)
    args, kwargs = handler.bind(request["args"], request["kwargs"])
    attempt = Attempt(job.job_id, job.attempt, None)
    attempt.deadline = job.deadline
    return await in_loop(attempt, plain_or_not(partial(handler.function, *args, **kwargs)), None)


def _reply(ending: Ending, handler: Handler) -> bytes:
    error = ending.error
    if isinstance(error, asyncio.CancelledError):
        return _say({"cancelled": True, "expired": ending.expired})
    if error is not None:
        matches = isinstance(error, handler.rules.retry_on)
        delay = error.delay if isinstance(error, Retry) else None
        known = {"error": ending.info or describe(error), "matches": matches, "delay": delay}
        return _say(known | {"expired": ending.expired})
    if ending.written is None:  # it cannot be, or there was no time
        return _say({"error": ending.info, "expired": ending.expired})
    head = encode({"expired": ending.expired})
    return framed(b'%b,"value":%b}' % (head[:-1], ending.written))


def _say(message: dict[str, Any]) -> bytes:
    return pack(message)


def _limit_memory(limit: int | None) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    soft = resource.RLIM_INFINITY if limit is None else limit
    resource.setrlimit(resource.RLIMIT_AS, (most if limit is None else soft, most))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
