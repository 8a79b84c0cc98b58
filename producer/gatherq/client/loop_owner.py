"""The loop and the process that a producer belongs to: those of its first use."""

import asyncio
import os
from collections.abc import Callable

from gatherq.contract.importing import check_not_importing
from gatherq.errors import ProducerClosed, ProducerElsewhere


class LoopOwner:
    """Lets one event loop of one process use a producer, until that loop is closed.

    `begin` is called where the producer begins anew: its loop is closed, or the process was forked.
    """

    def __init__(self, begin: Callable[[], None]) -> None:
        self._begin = begin
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = os.getpid()
        self._closed = False
        #: Whether it ends with a block of `gatherq.local`.
        self.of_block: bool = False

    def check(self) -> None:
        """Raise ProducerClosed, or ProducerElsewhere; outside of any loop only the first.

        Raises ImportRunsJobs where a worker imports the module that uses the producer.
        """
        if self._closed:
            raise self.closed()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if loop is self._loop and self._pid == os.getpid():
            return
        check_not_importing()
        if self._loop is not None:
            if self._pid == os.getpid() and not self._loop.is_closed():
                raise ProducerElsewhere(
                    "this producer is in use in another event loop, of another thread or of an "
                    "earlier run: make one for each loop, `async with Producer(...) as producer`, "
                    "or `await producer.aclose()` in the loop that it was used in"
                )
            self._begin()
        self._loop, self._pid = loop, os.getpid()

    def closed(self) -> ProducerClosed:
        """Return the error of a use after the end."""
        return ProducerClosed.with_its_block() if self.of_block else ProducerClosed.now()

    def close(self) -> None:
        """Refuse all further use with ProducerClosed."""
        self._closed = True

    @property
    def here(self) -> bool:
        """Whether the open connections were opened in the running loop, by this process."""
        return self._loop is asyncio.get_running_loop() and self._pid == os.getpid()
