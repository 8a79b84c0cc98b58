"""What is raised into code from outside of it: no error of what that code works on."""

import asyncio


class Interruption(BaseException):
    """Ends what a program is at, whatever that is; a worker raises one into a job in a thread."""


INTERRUPTIONS = (Interruption, KeyboardInterrupt, SystemExit, asyncio.CancelledError)
