"""An event loop in which all that goes to Redis goes in rounds, so that every run is the same.

A round begins when nothing is left to do before a reply comes: then all that was written is sent,
one after the other, and all replies are delivered, in order. The loop's clock stands still, except
where `pass_time` moves it, so no pause of the machine lets a timer come in between. What blocks in
Redis blocks there without a limit. It is unblocked when that clock says so, as Redis does it: when
anything is sent, or a tenth of a second late.
"""

import asyncio
import contextvars
import selectors
import socket
import threading

import hiredis

#: Who runs: "producer" or "worker"; neither, where the loop itself does, or what a thread posts.
side = contextvars.ContextVar("side", default="")
#: Seconds between two looks for replies where nothing else is to do.
_LOOK = 0.002
#: Seconds after which Redis notices that a client was blocked for long enough.
_CRON = 0.1


class Clock:
    """A monotonic clock, which stands still in each thread until it is moved there."""

    def __init__(self):
        self._now = {}

    def __call__(self):
        return self._now.get(threading.get_ident(), 1000.0)

    def move(self, to):
        self._now[threading.get_ident()] = to


class Control:
    """A connection for the harness itself, which waits for each reply."""

    def __init__(self, host, port):
        self._socket = socket.create_connection((host, port))
        self._reader = hiredis.Reader()

    def ask(self, *words):
        self._socket.sendall(hiredis.pack_command(words))
        return self.read()

    def read(self):
        while (reply := self._reader.gets()) is False:
            self._reader.feed(self._socket.recv(1 << 20))
        return reply

    def wait(self):
        """Wait until Redis has done all that it was sent, and replied to what that unblocks.

        It reads what came before the first PING in the same turn of its loop, and writes all
        replies before it reads the second.
        """
        self.ask("PING")
        self.ask("PING")


class Wire(asyncio.Transport):
    """A connection to Redis: keeps what is written until the round, and counts it."""

    def __init__(self, loop, protocol, host, port):
        super().__init__()
        self._loop, self._protocol, self._context = loop, protocol, contextvars.copy_context()
        self._socket = socket.create_connection((host, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(hiredis.pack_command(("CLIENT", "ID")))
        self._id = int(self._socket.recv(100)[1:])
        self._requests, self._replies = hiredis.Reader(), hiredis.Reader()
        #: What Redis has replied since the last round, and how many replies it owes.
        self._arrived, self._awaited, self._closed = b"", 0, False
        #: Set while Redis blocks the connection.
        self._timer, self._blocked_until = None, 0.0
        #: What its requests are counted as, from the last on.
        self.kind = ""

    @property
    def address(self):
        """Say how Redis names it."""
        return "{}:{}".format(*self._socket.getsockname()).encode()

    def get_extra_info(self, name, default=None):
        return self._socket if name == "socket" else default

    def is_closing(self):
        return self._closed

    def get_write_buffer_size(self):
        return 0

    def write(self, data):
        if not self._closed:
            self._loop.outbox.append((self, bytes(data)))

    def close(self):
        if not self._closed:
            self._closed = True
            self._loop.wires.remove(self)
            self._socket.close()
            self._loop.call_soon(self._protocol.connection_lost, None, context=self._context)

    abort = close

    def send(self, data):
        """Send a request, and wait until Redis has replied, or blocks the connection."""
        if self._closed:
            return
        self._requests.feed(data)
        commands = []
        while (command := self._requests.gets()) is not False:
            commands.append(command)
        if (limit := _time_out(commands[0])) is not None:
            self._blocked_until = self._loop.time() + limit
            self._timer = self._loop.call_later(limit + _CRON, self.unblock)
        self._socket.sendall(b"".join(hiredis.pack_command(tuple(each)) for each in commands))
        owner = "heartbeat" if self._loop.in_thread else self._context[side]
        self.kind = self._loop.counts.request(self.address, owner, commands, len(data))
        if self._timer:
            self._loop.control.wait()
            return
        self._awaited = len(commands)
        while self._awaited:
            self._read(self._socket.recv(1 << 20))

    def deliver(self):
        """Pass on what Redis replied, or says by itself; tell whether there is any."""
        try:
            while not self._arrived or self._replies.has_data():
                wait = 0 if self._replies.has_data() else socket.MSG_DONTWAIT
                self._read(self._socket.recv(1 << 20, wait))
        except BlockingIOError:
            pass
        data, self._arrived = self._arrived, b""
        if data:
            self._loop.counts.reply(self.kind, len(data))
            self._loop.call_soon(self._protocol.data_received, data, context=self._context)
        return bool(data)

    def _read(self, data):
        assert data, "Redis has closed a connection"
        self._arrived += data
        self._replies.feed(data)
        while self._replies.gets() is not False:
            self._awaited = max(self._awaited - 1, 0)
            if self._timer:
                self._timer.cancel()
            self._timer = None

    def unblock(self):
        """Let Redis reply now to what blocked too long."""
        if self._timer and self._loop.time() >= self._blocked_until:
            self._loop.control.ask("CLIENT", "UNBLOCK", self._id, "TIMEOUT")


def _time_out(command):
    """Return the seconds that a command blocks, None if it does not; let it block for ever."""
    name = command[0].upper()
    if name == b"BLPOP":
        seconds, command[-1] = float(command[-1]), b"0"
        return seconds
    if name == b"XREAD" and b"BLOCK" in command:
        at = command.index(b"BLOCK") + 1
        seconds, command[at] = float(command[at]) / 1000, b"0"
        return seconds
    assert not name.startswith((b"B", b"WAIT")), f"how long does {command!r} block?"
    return None


class RoundsLoop(asyncio.SelectorEventLoop):
    """`counts` is told what goes over the wires."""

    def __init__(self, counts, clock, host, port):
        self.counts, self.time, self._clock = counts, clock, clock
        self.in_thread = threading.current_thread() is not threading.main_thread()
        self.control, self.outbox, self.wires = Control(host, port), [], []
        self._until, self._settled = None, None
        super().__init__(_Selector(self))

    async def create_connection(self, make_protocol, host=None, port=None, **options):
        protocol = make_protocol()
        wire = Wire(self, protocol, host, port)
        self.wires.append(wire)
        protocol.connection_made(wire)
        return wire, protocol

    async def pass_time(self, seconds=0.0):
        """Let so much time pass by the loop's clock, and wait until nothing is left to do."""
        self._settled, self._until = self.create_future(), self.time() + seconds
        await self._settled

    def turn(self):
        """Have a round, or move the clock to the next timer; tell whether there is more to do."""
        sent, self.outbox = self.outbox, []
        for wire, data in sent:
            wire.send(data)
        for wire in self.wires if sent else ():
            wire.unblock()
        self.control.wait()
        delivered = [wire.deliver() for wire in list(self.wires)]
        if sent or any(delivered):
            return True
        if self._settled is None:
            return False
        due = min(
            (timer.when() for timer in self._scheduled if not timer.cancelled()), default=None
        )
        if due is not None and due <= self._until:
            self._clock.move(max(self.time(), due))
        else:
            self._clock.move(self._until)
            settled, self._settled = self._settled, None
            settled.set_result(None)
        return True


class _Selector(selectors.DefaultSelector):
    def __init__(self, loop):
        super().__init__()
        self._loop = loop

    def select(self, timeout=None):
        if timeout is not None and timeout <= 0:  # there are callbacks to run
            return super().select(0)
        if self._loop.turn():
            return super().select(0)
        return super().select(_LOOK if timeout is None else min(timeout, _LOOK))
