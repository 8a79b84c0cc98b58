"""Server, queue and lease of a worker process, or why it cannot work, told to its supervisor.

The process alone knows them, as arq's settings may name the server. The URL holds a password, so it
goes through a pipe, once, and stands in no file and no shared memory.
"""

import json
import os
from contextlib import suppress
from dataclasses import astuple, dataclass, field

_CHUNK = 65_536
#: Most characters of a failure: less than a pipe holds, so that nobody has to read it meanwhile.
_MOST = 10_000


@dataclass(frozen=True)
class Endpoint:
    """Address of a worker's queue, so that the supervisor can give its jobs back if it dies."""

    #: None where a URL does not say it all: Sentinel, or TLS with files of its own.
    url: str | None = field(repr=False)
    queue: str
    #: Seconds that a claim holds without renewal.
    lease: float
    #: Replicas that are to have an outcome before it counts as recorded.
    replicas: int = 0


class EndpointReader:
    """The supervisor's end of the pipe; it can be read after the death of the process."""

    def __init__(self) -> None:
        #: `writer_fd`: the end that the worker process inherits; -1 once it has.
        self._fd, self.writer_fd = os.pipe()
        os.set_blocking(self._fd, False)
        self._text = b""
        self._read: Endpoint | None = None
        self._failure = ""

    def close_writer(self) -> None:
        """Close this process's copy of the other end, once the worker process has its own."""
        os.close(self.writer_fd)
        self.writer_fd = -1

    @property
    def endpoint(self) -> Endpoint | None:
        """Address of the process's queue; None before the process has told it."""
        self._look()
        return self._read

    @property
    def failure(self) -> str:
        """Why the process cannot work, as it said; empty if it said nothing."""
        self._look()
        return self._failure

    def _look(self) -> None:
        if self._read is not None or self._fd < 0:
            return
        with suppress(BlockingIOError):
            while chunk := os.read(self._fd, _CHUNK):
                self._text += chunk
        if self._text.endswith(b"\n"):
            said, self._text = json.loads(self._text), b""
            if isinstance(said, str):
                self._failure = said
            else:
                self._read = Endpoint(*said)

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
        self._write(astuple(endpoint))

    def tell_failure(self, text: str) -> bool:
        """Write why this process cannot work; return whether the supervisor is to say it."""
        return self._write(text[:_MOST])

    def _write(self, said: object) -> bool:
        fd, self._fd = self._fd, -1
        if fd < 0:
            return False
        try:
            with open(fd, "wb", closefd=False) as stream:
                stream.write(json.dumps(said).encode() + b"\n")
            return True
        except OSError:
            return False
        finally:
            os.close(fd)
