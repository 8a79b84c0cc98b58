"""Jobs that fork, leave things behind, or use processes of their own."""

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor

from gatherq import job

from .stuck import note

FORK = multiprocessing.get_context("fork")


def wait_for(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def forks(how: str, number: int) -> int:
    """Fork, and return `number`; the child does something else, and would return another."""
    pid = os.fork()
    if pid == 0:
        match how:
            case "returns":
                return -1
            case "raises":
                raise ValueError("in the child")
            case "exits":
                sys.exit(3)
            case "sleeps":
                time.sleep(60)
        return -1
    if how == "sleeps":
        return number
    code = wait_for(pid)
    assert code == {"returns": 0, "raises": 1, "exits": 3}[how], code
    return number


@job(isolation="process")
def forks_apart(how: str, number: int) -> int:
    return forks(how, number)


@job(isolation="process")
async def forks_apart_in_a_loop(how: str, number: int) -> int:
    return await forks_and_awaits(how, number)


@job()
def forks_in_a_thread(how: str, number: int) -> int:
    return forks(how, number)


@job()
async def forks_in_the_loop(how: str, number: int) -> int:
    return await forks_and_awaits(how, number)


async def forks_and_awaits(how: str, number: int) -> int:
    if how == "awaits":
        pid = os.fork()
        await asyncio.sleep(0)  # in the child, it would be the parent's loop that goes on
        if pid == 0:
            return -1
        assert wait_for(pid) == 0
        return number
    if how == "in a task":

        async def inner() -> int:
            return await forks_and_awaits("awaits", number)

        async with asyncio.TaskGroup() as group:
            task = group.create_task(inner())
        return task.result()
    return forks(how, number)


@job(max_attempts=2)
async def forks_and_dies(path: str) -> None:
    note(path, "start")
    await asyncio.sleep(0.3)
    pid = os.fork()
    if pid == 0:
        return
    wait_for(pid)
    os.kill(os.getpid(), signal.SIGKILL)


@job(isolation="process")
def slow(seconds: float, number: int) -> int:
    time.sleep(seconds)
    return number


def uses_a_pool() -> int:
    with FORK.Pool(2) as pool:
        return sum(pool.map(abs, [1, -2]))


def terminates() -> int:
    process = FORK.Process(target=time.sleep, args=(60,))
    process.start()
    process.terminate()
    process.join()
    assert process.exitcode == -signal.SIGTERM, process.exitcode
    return 3


def interrupts() -> int:
    pid = os.fork()
    if pid == 0:
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            os._exit(5)
        os._exit(6)
    time.sleep(0.2)
    os.kill(pid, signal.SIGINT)
    code = wait_for(pid)
    assert code == 5, code
    return 3


def uses_an_executor() -> int:
    with ProcessPoolExecutor(2, mp_context=FORK) as pool:
        return sum(pool.map(abs, [1, -2]))


def runs_a_program() -> int:
    import subprocess

    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        time.sleep(0.2)
        child.terminate()
        assert child.wait() == -signal.SIGTERM
    return 3


USES = {
    "pool": uses_a_pool,
    "process": terminates,
    "interrupt": interrupts,
    "executor": uses_an_executor,
    "program": runs_a_program,
}


@job()
async def uses_in_the_loop(what: str) -> int:
    return USES[what]()


#: Starting a process, multiprocessing reaps others too: of two threads, one may lose its exit code.
ONE_AT_A_TIME = threading.Lock()


@job()
def uses_in_a_thread(what: str) -> int:
    with ONE_AT_A_TIME:
        return USES[what]()


@job(isolation="process")
def uses_apart(what: str) -> int:
    return USES[what]()


@job(isolation="process")
async def leaves(what: str, path: str) -> str:
    """Leave something behind that would disturb who runs here next."""
    match what:
        case "cwd":
            os.chdir("/")
        case "environment":
            os.environ["LEFT"] = "behind"
        case "handlers":
            signal.signal(signal.SIGURG, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        case "timer":
            asyncio.get_running_loop().call_later(0.05, os._exit, 9)
        case "task":
            leaves.kept = asyncio.create_task(cancels())  # type: ignore[attr-defined]
        case "thread":
            threading.Timer(0.05, os._exit, [9]).start()
        case "child":
            forks_a_sleeper(path)
        case "alarm":
            signal.setitimer(signal.ITIMER_REAL, 0.05)
        case "modules":
            sys.modules["json"] = None  # type: ignore[assignment]
    return what


def forks_a_sleeper(path: str) -> None:
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
    with open(path, "a") as file:
        file.write(f"{pid}\n")


@job()
async def leaves_a_daemon(path: str) -> int:
    pid = os.fork()
    if pid == 0:
        os.setsid()
        time.sleep(30)  # noqa: ASYNC251
        os._exit(0)
    return pid


async def cancels() -> None:
    await asyncio.sleep(0.01)
    for task in asyncio.all_tasks():
        task.cancel()


@job(isolation="process")
async def finds() -> list[object]:
    await asyncio.sleep(0.1)
    import json

    json.dumps(1)
    return [os.getcwd(), os.environ.get("LEFT"), threading.active_count() <= 2]


@job(isolation="process")
def runs_a_loop() -> int:
    async def inner() -> int:
        await asyncio.sleep(0.01)
        return 7

    return asyncio.run(inner())


@job(isolation="process")
def waits_in_a_loop(path: str) -> None:
    note(path, "start")
    try:
        asyncio.run(asyncio.sleep(60))
    finally:
        note(path, "interrupted")


@job(isolation="process")
def pids() -> list[int]:
    time.sleep(0.05)
    return [os.getpid(), os.getppid()]


@job(isolation="process")
def begins(path: str, seconds: float) -> str:
    note(path, "start")
    time.sleep(seconds)
    return "done"


@job()
def begins_in_a_thread(path: str, seconds: float) -> str:
    note(path, "start")
    time.sleep(seconds)
    return "done"


@job(concurrency=1)
async def begins_alone(path: str, seconds: float) -> str:
    note(path, "start")
    await asyncio.sleep(seconds)
    return "done"


@job(concurrency=1)
async def swallows_alone(path: str) -> None:
    note(path, "start")
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass


@job(concurrency=1, isolation="process")
def begins_apart_alone(path: str, seconds: float) -> str:
    note(path, "start")
    time.sleep(seconds)
    return "done"
