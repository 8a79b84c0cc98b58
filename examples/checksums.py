"""Checksums of a directory tree, one job a file: `python checksums.py DIR`.

Prints what `sha256sum` prints for the same files in the same order. A file that cannot be read,
or never answers, is reported on standard error, and the exit code is 1. It brings a server and
workers along. Where GATHERQ_REDIS_URL names a server, it uses the workers there, which
`gatherq worker checksums` in this folder starts, on machines that see the files.
"""

import asyncio
import hashlib
import os
import stat
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import NamedTuple

import gatherq
from gatherq import Failed, Producer, Succeeded, TimedOut, job

TIMEOUT = 5.0


class Checksum(NamedTuple):
    """What a job finds: the digest in hex, and the size in bytes."""

    sha256: str
    size: int


@job()
async def checksum(path: str) -> Checksum:
    """Read one file. A FIFO is opened without blocking, so that the timeout can end the wait."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        digest, size = hashlib.sha256(), 0
        if stat.S_ISFIFO(os.fstat(handle).st_mode):
            await readable(handle)
        while block := await asyncio.to_thread(os.read, handle, 1 << 20):
            digest.update(block)
            size += len(block)
        return Checksum(digest.hexdigest(), size)
    finally:
        os.close(handle)


async def readable(handle: int) -> None:
    """Wait until a pipe has something to read."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(handle, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(handle)


def files(folder: Path) -> list[str]:
    """Return every path below `folder` that is not a directory, sorted."""
    return sorted(os.path.join(base, name) for base, _, names in os.walk(folder) for name in names)


def pool() -> AbstractAsyncContextManager[Producer]:
    """Make the producer: of the server that is named, or with a server and workers of its own."""
    return Producer() if "GATHERQ_REDIS_URL" in os.environ else gatherq.local(processes=2)


async def main(folder: Path) -> int:
    """Print a line a file, in the order given; return the exit code."""
    paths = files(folder)
    bad = 0
    async with pool() as producer:
        batch = await producer.submit(map(checksum.call, paths), timeout=TIMEOUT)
        async for outcome in batch:
            path = paths[outcome.slot]
            match outcome:
                case Succeeded(Checksum(sha256)):
                    print(f"{sha256}  {path}")
                    continue
                case Failed(error):
                    print(f"checksums: {path}: {error.message}", file=sys.stderr)
                case TimedOut(_, limit):
                    print(f"checksums: {path}: no answer in {limit:g} s", file=sys.stderr)
                case other:
                    print(f"checksums: {path}: {other.status}", file=sys.stderr)
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python checksums.py DIR")
    sys.exit(asyncio.run(main(Path(sys.argv[1]))))
