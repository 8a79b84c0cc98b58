"""Standard input, output and error of a program that was started without."""

import os
import sys


def open_closed() -> None:
    """Open those that are closed, on /dev/null.

    Else the next pipe or socket takes the number, and gets what somebody prints; and a process
    that is started gets its own in that place.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number is free
        if getattr(sys, name) is None:
            stream = open(number, "w" if number else "r", closefd=False)  # noqa: SIM115 (it stays)
            setattr(sys, name, stream)
