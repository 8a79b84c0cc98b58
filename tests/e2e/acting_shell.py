"""Commands of `gatherq` that ask, read and are interrupted."""

import asyncio
import fcntl
import os
import pty
import select
import signal
import termios
from pathlib import Path
from typing import NamedTuple

from ..conftest import gatherq


class Said(NamedTuple):
    """What a command has said; on a terminal, errors stand in `out` too."""

    code: int
    out: str
    err: str = ""

    @property
    def lines(self):
        return self.out.splitlines()


class ActingShell:
    """Runs commands on a server and a queue, answers their questions, and interrupts them."""

    def __init__(self, url, queue, folder):
        self.folder = Path(folder)
        self.environment = {
            **os.environ,
            "GATHERQ_REDIS_URL": url,
            "GATHERQ_QUEUE": queue,
            "TERM": "xterm",
            "NO_COLOR": "1",
            "COLUMNS": "120",
        }

    async def start(self, *words, **pipes):
        """Start a command in pipes."""
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *gatherq(*words),
            cwd=self.folder,
            env=self.environment,
            **{"stdin": asyncio.subprocess.DEVNULL, "stdout": pipe, "stderr": pipe, **pipes},
        )

    async def run(self, *words, given=None):
        """Run a command in pipes, to its end."""
        pipes = {"stdin": asyncio.subprocess.PIPE} if given is not None else {}
        process = await self.start(*words, **pipes)
        out, err = await process.communicate(None if given is None else given.encode())
        return Said(process.returncode, out.decode(), err.decode())

    async def on_terminal(self, *words, answer=""):
        """Run a command on a terminal of its own, and type an answer when it asks."""
        mine, its = pty.openpty()
        process = await self.start(
            *words,
            **dict.fromkeys(("stdin", "stdout", "stderr"), its),
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(its)
        try:
            said = await asyncio.to_thread(_read, mine, answer)
            return Said(await process.wait(), said.replace("\r\n", "\n"))
        finally:
            os.close(mine)  # which hangs up
            await process.wait()

    async def interrupted(self, *words, when):
        """Run a command, and interrupt it once `when()` has returned."""
        process = await self.start(*words)
        await when()
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
        return Said(process.returncode, out.decode(), err.decode())


def _take_terminal():
    """Let Ctrl-C on standard input reach this process."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read(terminal, answer):
    """Return all that is said, and type the answer after a question.

    Python's readline loses a Ctrl-C that comes just before it reads: a person types another.
    """
    said, typed = b"", b""
    for _ in range(30):
        while select.select([terminal], [], [], 1)[0]:
            try:
                chunk = os.read(terminal, 65_536)
            except OSError:  # Linux says so in place of an end
                return said.decode()
            if not chunk:
                return said.decode()
            said += chunk
            if not typed and answer and said.rstrip().endswith(b"]:"):
                typed = answer.encode()
                os.write(terminal, typed)
        if typed == b"\x03":
            os.write(terminal, typed)
    raise AssertionError(f"it says no more after: {said!r}")
