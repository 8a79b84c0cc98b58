"""Servers of a test's own, which it may kill, pause and start again: masters, replicas, sentinels.

    async with server() as master, replica_of(master) as replica, sentinels(master) as watch:
        async with Producer(watch.url) as producer: ...

Each listens on a free port of 127.0.0.1, and is known by its pid. What a test waits for stands in
the log of a server: `await replica.logged("sync: Finished with success")`.
"""

import asyncio
import os
import shutil
import signal
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from gatherq.testing.server import free_port, server_program

#: What sentinels call the master.
NAME = "kitchen"
#: Milliseconds of silence after which sentinels take a master for dead.
DOWN_AFTER = 500


class ServerProcess:
    """A server and its folder; after its end it can be started again, on the same port."""

    def __init__(self, folder, ready, words, password=None):
        self.folder, self.port = Path(folder), free_port()
        self._ready, self._words = ready, words
        self._process = self._reading = None
        #: Lines that it has logged since its last start.
        self.log = []
        self._more, self._ended = asyncio.Condition(), True
        #: A client of this server, whatever part it plays.
        self.redis = Redis(host="127.0.0.1", port=self.port, password=password)

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self):
        return self._process.pid

    @property
    def runs(self):
        return self._process is not None and self._process.returncode is None

    async def start(self):
        """Start it, and wait until it takes commands."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log, self._ended = [], False
        self._process = await asyncio.create_subprocess_exec(
            *(*_ends_with_us(), server_program()[1], *self._words, "--port", str(self.port)),
            cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reading = asyncio.create_task(self._read())
        await self.logged(self._ready)

    async def logged(self, text, count=1, after=0):
        """Wait until `count` lines behind the first `after` have the text; return the last.

        Raises AssertionError where the server ends before.
        """
        async with self._more:
            while len(found := [line for line in self.log[after:] if text in line]) < count:
                if self._ended:
                    raise AssertionError("\n".join([f"never logged: {text}", *self.log]))
                await self._more.wait()
        return found[-1]

    def pause(self):
        """Let it stand still, with its connections open."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self):
        """Let a paused one go on."""
        os.kill(self.pid, signal.SIGCONT)

    async def kill(self):
        """End it at once: what it has not written to its disk is lost."""
        await self._end(signal.SIGKILL)

    async def stop(self):
        """End it as an operator does: it writes what it keeps."""
        await self._end(signal.SIGTERM)

    async def close(self):
        """End it, if it still runs."""
        if self.runs:
            await self.kill()
        await self.redis.aclose()

    async def _end(self, signum):
        await self.redis.connection_pool.disconnect()
        self.resume()  # one that is paused takes no other signal than SIGKILL
        os.kill(self.pid, signum)  # asyncio's own would wait for it, too, and take its exit code
        await self._process.wait()
        await self._reading

    async def _read(self):
        async for line in self._process.stdout:
            self.log.append(line.decode(errors="replace").rstrip())
            await self._notify()
        self._ended = True
        await self._notify()

    async def _notify(self):
        async with self._more:
            self._more.notify_all()


class Sentinels:
    """Sentinels that watch one master, and that a client asks where it is."""

    def __init__(self, processes, password=None, own_password=None):
        self.processes = processes
        self._credentials = f":{quote(password, safe='')}@" if password else ""
        self._options = f"?sentinel_password={own_password}" if own_password else ""

    @property
    def url(self):
        """What a producer or a worker is told: all of them, the name of the master, database 0."""
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.processes)
        return f"redis+sentinel://{self._credentials}{hosts}/{NAME}/0{self._options}"

    async def master_port(self):
        """Return the port of the master, as the first of them that runs knows it."""
        asked = next(each for each in self.processes if each.runs)
        _, port = await asked.redis.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)
        return int(port)

    async def switched(self, times=1):
        """Wait until all that run have seen so many failovers."""
        for each in self.processes:
            if each.runs:
                await each.logged("+switch-master", times)

    async def sees_soon(self):
        """Have them look at the servers more often than each ten seconds, where Redis has that."""
        for each in self.processes:
            with suppress(ResponseError):  # before Redis 7
                await each.redis.execute_command("SENTINEL", "DEBUG", "info-period", 300)

    async def failover(self):
        """Have them promote a replica while the master is well; wait until all know it."""
        before = [each.log.copy() for each in self.processes]
        await self.processes[0].redis.execute_command("SENTINEL", "FAILOVER", NAME)
        for each, log in zip(self.processes, before, strict=True):
            await each.logged("+switch-master", after=len(log))


@asynccontextmanager
async def server(folder=None, password=None, **options):
    """Run a server; `options` are directives of redis.conf: appendonly="yes".

    Its data is in memory, and whatever it writes goes to the folder: one of its own unless given.
    """
    directives = {"bind": "127.0.0.1", "save": "", "repl-diskless-sync-delay": "0"}
    if password:
        directives |= {"requirepass": password, "masterauth": password}
    directives |= {name.replace("_", "-"): str(value) for name, value in options.items()}
    words: list[str] = []
    for name, value in directives.items():
        words += [f"--{name}", *(value.split() or [""])]  # before Redis 7 a word is one value
    async with _running(folder, "eady to accept connections", words, password) as process:
        yield process


@asynccontextmanager
async def replica_of(master, folder=None, password=None, **options):
    """Run a replica of a server, and wait until it has all that its master has."""
    place = f"127.0.0.1 {master.port}"
    async with server(folder, password, replicaof=place, **options) as process:
        await process.logged("sync: Finished with success")
        yield process


@asynccontextmanager
async def sentinels(master, count=3, *, password=None, own_password=None):
    """Run sentinels for a master, and wait until they know its replica and one another.

    `password` is that of the master and its replica, `own_password` that of the sentinels.
    """
    async with AsyncExitStack() as stack:
        processes = []
        for _ in range(count):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="gatherq-sentinel-"))
            file = _configuration(Path(folder), master, count // 2 + 1, password, own_password)
            running = _running(folder, "+monitor", [file, "--sentinel"], own_password)
            processes.append(await stack.enter_async_context(running))
        for each in processes:
            await each.logged("+slave ")
            if count > 1:
                await each.logged("+sentinel ", count - 1)
        yield Sentinels(processes, password, own_password)


def _configuration(folder, master, quorum, password, own_password):
    lines = [
        *("bind 127.0.0.1", f"dir {folder}"),
        f"sentinel monitor {NAME} 127.0.0.1 {master.port} {quorum}",
        f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER}",
        f"sentinel failover-timeout {NAME} 3000",
        *([f"sentinel auth-pass {NAME} {password}"] if password else ()),
        *([f"requirepass {own_password}"] if own_password else ()),
        *([f"sentinel sentinel-pass {own_password}"] if own_password else ()),
    ]
    file = folder / "sentinel.conf"
    file.write_text("\n".join([*lines, ""]))
    return str(file)


@asynccontextmanager
async def _running(folder, ready, words, password):
    with tempfile.TemporaryDirectory(prefix="gatherq-server-") as own:
        process = ServerProcess(folder or own, ready, words, password)
        try:
            await process.start()
            yield process
        finally:
            await process.close()


def _ends_with_us():
    """Return what has a program end with this process, where Linux can."""
    found = shutil.which("setpriv")
    return (found, "--pdeathsig", "KILL") if found else ()
