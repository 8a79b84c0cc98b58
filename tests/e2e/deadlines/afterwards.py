"""Jobs that have returned, and what they left behind or set for those that come after."""

import asyncio
import os
import socket

from gatherq import job

from .stuck import note


@job()
async def ends_its_process_afterwards(path: str, how: str) -> str:
    note(path, "start")
    loop = asyncio.get_running_loop()
    match how:
        case "exits":
            loop.call_soon(os._exit, 1)
        case "aborts":
            loop.call_soon(os.abort)
        case "closes all":
            loop.call_soon(os.closerange, 3, 1000)
            loop.call_soon(os._exit, 0)
    return "done"


@job()
async def works(path: str, seconds: float) -> float:
    note(path, "start")
    await asyncio.sleep(seconds)
    return seconds


@job()
async def sets_a_default(seconds: float) -> None:
    socket.setdefaulttimeout(seconds)


@job(isolation="process")
def apart(number: int) -> int:
    return number
