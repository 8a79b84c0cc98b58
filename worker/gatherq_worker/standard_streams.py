"""Standard input, output and error of a program that was started without them."""

import os
import sys
from io import TextIOWrapper


def open_closed() -> None:
    """Open on /dev/null those of the three descriptors that are closed.

    Otherwise the next pipe or socket gets the number, and with it what some code prints; so does a
    process that is started, which takes that descriptor for its own standard stream.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number is free
        if getattr(sys, name) is None:
            stream = open(number, "w" if number else "r", closefd=False)  # noqa: SIM115 (it stays)
            setattr(sys, name, stream)


def write_at_once() -> None:
    """Write out at once what is printed, into a pipe or a file too.

    A worker ends without waiting for what does not end, and with it what was not written out.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if type(stream) is TextIOWrapper:
            encoding, errors = stream.encoding, stream.errors
            setattr(sys, name, _Unbuffered(stream.detach(), encoding, errors))


class _Unbuffered(TextIOWrapper):
    """A stream that keeps nothing back, and goes nowhere once nobody reads it any more."""

    def write(self, text: str) -> int:
        """Write a text; a job that prints into a broken pipe does not fail for it."""
        written = super().write(text)
        try:
            self.flush()
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
        return written
