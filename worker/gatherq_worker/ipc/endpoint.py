"""Server, queue and lease of a worker process, told to its supervisor.

The process alone knows them, as arq's settings may name the server. The URL holds a password, so it
goes through a pipe, once, and stands in no file and no shared memory.
"""

import json
import os
from contextlib import suppress
from dataclasses import astuple, dataclass, field

_CHUNK = 65_536


@dataclass(frozen=True)
class Endpoint:
    """Address of a worker's queue, so that the supervisor can give its jobs back if it dies."""

    #: None where a URL does not say it all: Sentinel, or TLS with files of its own.
    url: str | None = field(repr=False)
    queue: str
    #: Seconds that a claim holds without renewal.
    lease: float


class EndpointReader:
    """The supervisor's end of the pipe; it can be read after the death of the process."""

    def __init__(self) -> None:
        #: `writer_fd`: the end that the worker process inherits; -1 once it has.
        self._fd, self.writer_fd = os.pipe()
        os.set_blocking(self._fd, False)
        self._text = b""
        self._read: Endpoint | None = None

    def close_writer(self) -> None:
        """Close this process's copy of the other end, once the worker process has its own."""
        os.close(self.writer_fd)
        self.writer_fd = -1

    @property
    def endpoint(self) -> Endpoint | None:
        """Address of the process's queue; None before the process has told it."""
        if self._read is None and self._fd >= 0:
            with suppress(BlockingIOError):
                while chunk := os.read(self._fd, _CHUNK):
                    self._text += chunk
            if self._text.endswith(b"\n"):
                self._read, self._text = Endpoint(*json.loads(self._text)), b""
        return self._read

    def close(self) -> None:
        """Give the descriptors back."""
        for fd in (self._fd, self.writer_fd):
            if fd >= 0:
                os.close(fd)
        self._fd = self.writer_fd = -1


class EndpointWriter:
    """The worker process's end of the pipe."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        os.set_inheritable(fd, False)  # programs that jobs start must not have it

    def tell(self, endpoint: Endpoint) -> None:
        """Write the endpoint; later calls do nothing. Does not fail if the supervisor is gone."""
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        try:
            with suppress(OSError), open(fd, "wb", closefd=False) as stream:
                stream.write(json.dumps(astuple(endpoint)).encode() + b"\n")
        finally:
            os.close(fd)
