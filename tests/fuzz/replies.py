"""Replies of Redis with one part that it would never give."""

import threading
from contextlib import contextmanager
from contextvars import ContextVar

from redis.asyncio.client import PubSub, Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

from gatherq.store.script import scripts

#: Name of the step or command whose reply is read.
_asked: ContextVar[str] = ContextVar("asked", default="")
#: What may stand in the place of any part of a reply.
PARTS = [None, b"", b"x", b"\xff", b"-1", b"nan", b"9" * 400, 0, -1, 1, 7, 10**15, -(2**63), 2**63]
PARTS += [[], [None], [[]], [b"a", 1], [[[1]]], [b"x"] * 300, ResponseError("ERR no"), b"{" * 99]


def damaged(r, reply):
    """Return a reply with one part changed, left out, doubled or moved."""
    if not isinstance(reply, list | tuple) or not reply or r.random() < 0.15:
        return r.choice(PARTS)
    at = r.randrange(len(reply))
    reply = list(reply)
    match r.randrange(8):
        case 0:
            return reply[:at]
        case 1:
            return [*reply[:at], *reply[at + 1 :]]
        case 2:
            return [*reply[: at + 1], *reply[at:]]
        case 3:
            return [*reply, r.choice(PARTS)]
        case 4:
            return reply[::-1]
        case _:
            return [*reply[:at], damaged(r, reply[at]), *reply[at + 1 :]]


class Replies:
    """Damages replies to steps and commands, by name: one each time it is asked to."""

    def __init__(self):
        self._lock, self._armed = threading.Lock(), {}
        #: How many were damaged, and what the last one was.
        self.count, self.last = 0, None

    def arm(self, name, r):
        """Damage the next reply to a step or command."""
        with self._lock:
            self._armed[name] = r

    def disarm(self):
        """Damage no more."""
        with self._lock:
            self._armed.clear()

    def passed(self, reply):
        """Return what is to be read of a reply."""
        with self._lock:
            r = self._armed.pop(_asked.get(), None)
            if r is None:
                return reply
            self.count += 1
            wrong = damaged(r, reply)
            self.last = (_asked.get(), reply, wrong)
        if isinstance(wrong, Exception):
            raise wrong
        return wrong

    @contextmanager
    def between(self, patch):
        """Stand between the client and its parser."""
        read = AbstractConnection.read_response

        async def of_server(self_, *args, **options):
            return self.passed(await read(self_, *args, **options))

        with patch.context() as here:
            here.setattr(AbstractConnection, "read_response", of_server)
            execute, parse = Redis.execute_command, Redis.parse_response
            here.setattr(Redis, "execute_command", _asking(execute, _name_in))
            here.setattr(Redis, "parse_response", _asking(parse, lambda a: _asked.get() or a[2]))
            here.setattr(PubSub, "parse_response", _asking(PubSub.parse_response, lambda a: "hint"))
            yield self


_NAMES = {each: script.name for script in scripts() for each in (script.digest, script.source)}


def _name_in(args):
    """Return the name of a step, or of a command: client, command, words."""
    return _NAMES.get(args[2], args[1]) if len(args) > 2 else args[1]


def _asking(method, name_of):
    """Note what is asked for while a method runs."""

    async def asking(*args, **options):
        token = _asked.set(name_of(args))
        try:
            return await method(*args, **options)
        finally:
            _asked.reset(token)

    return asking
