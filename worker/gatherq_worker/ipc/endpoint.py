"""Where a worker process takes its jobs from, as its supervisor is told.

Only the process knows it: arq's settings may name the server. The URL holds a password, so it goes
through a pipe, once, and lies in no file and no shared memory.
"""

import json
import os
from contextlib import suppress
from dataclasses import astuple, dataclass, field

_CHUNK = 65_536


@dataclass(frozen=True)
class Endpoint:
    """A queue of a server, for whoever speaks for the worker when it cannot."""

    #: None where a URL does not say it all: Sentinel, or TLS with files of its own.
    url: str | None = field(repr=False)
    queue: str
    #: In seconds.
    lease: float


class EndpointReader:
    """The supervisor's end; what the process said can be read after its death."""

    def __init__(self) -> None:
        self._fd, self.theirs = os.pipe()
        os.set_blocking(self._fd, False)
        self._text = b""
        self._read: Endpoint | None = None

    def given(self) -> None:
        """Close the end that the process has now."""
        os.close(self.theirs)
        self.theirs = -1

    @property
    def endpoint(self) -> Endpoint | None:
        """Where the process takes its jobs from; None before it does."""
        if self._read is None and self._fd >= 0:
            with suppress(BlockingIOError):
                while chunk := os.read(self._fd, _CHUNK):
                    self._text += chunk
            if self._text.endswith(b"\n"):
                self._read, self._text = Endpoint(*json.loads(self._text)), b""
        return self._read

    def close(self) -> None:
        """Give the descriptors back."""
        for fd in (self._fd, self.theirs):
            if fd >= 0:
                os.close(fd)
        self._fd = self.theirs = -1


class EndpointWriter:
    """The end of the worker process."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        os.set_inheritable(fd, False)  # not for what its jobs start

    def tell(self, endpoint: Endpoint) -> None:
        """Say it, the first time; later calls do nothing. Does not fail without a supervisor."""
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        try:
            with suppress(OSError), open(fd, "wb", closefd=False) as stream:
                stream.write(json.dumps(astuple(endpoint)).encode() + b"\n")
        finally:
            os.close(fd)
