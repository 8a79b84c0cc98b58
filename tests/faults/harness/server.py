"""A server of a row's own, which it may kill, start again, pause, and give odd settings."""

import asyncio
import os
import shlex
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gatherq.testing.server import REAL, free_port, server_program


class Server:
    """Data is kept in a folder (an append-only file, written at once), so that it outlives a kill.

    `options` are directives of redis.conf. `before` are words in front of the command.
    """

    def __init__(self, folder: Path, before: str = "", **options: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        kind, program = server_program()
        assert kind in REAL, "faults of Redis need a real server: gatherq[embedded]"
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(folder),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
            "enable-debug-command": "yes",
            **{name.replace("_", "-"): value for name, value in options.items()},
        }
        words = [word for name, value in settings.items() for word in (f"--{name}", value)]
        #: Words in front of the command, from its next start on.
        self.before = shlex.split(before)
        self._command = [program, *words]
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 (it takes a millisecond)
                [*self.before, *self._command], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        async with asyncio.timeout(20), Redis.from_url(self.url) as redis:
            while True:
                if self._process.poll() is not None:
                    raise AssertionError((self.folder / "log").read_text()[-2000:])
                try:
                    await redis.ping()
                except (RedisError, OSError) as error:
                    if "NOAUTH" in str(error):
                        return
                    await asyncio.sleep(0.01)
                else:
                    return

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process
        return self._process.pid

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it, and wait until it has ended; SIGTERM lets it save."""
        assert self._process
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)
        self._process.send_signal(how)
        self._process.wait(20)

    async def restart(self, how: signal.Signals = signal.SIGKILL, away: float = 0.0) -> None:
        """End it, and start it again after so many seconds."""
        self.kill(how)
        await asyncio.sleep(away)
        await self.start()

    async def pause(self, seconds: float) -> None:
        """Let it stand still."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """End it, if it runs."""
        if self._process and self._process.poll() is None:
            self.kill()
