"""Exceptions that interrupt code from outside, and say nothing about what the code works on."""

import asyncio


class Interruption(BaseException):
    """Ends the code that runs; a worker raises one into a job that runs in a thread."""


INTERRUPTIONS = (Interruption, KeyboardInterrupt, SystemExit, asyncio.CancelledError)
