"""What the front doors load, and what a probe costs: a promise of the layout, easily broken."""

import resource
import socket
import subprocess
import sys

import pytest
from redis import Redis

import gatherq
import gatherq_worker
from gatherq.contract.keys import KeySpace

#: Prints what the interpreter has loaded, as one line.
LOADED = "import sys; print('loaded', *sys.modules)"
#: Runs a command of `gatherq` in this interpreter.
COMMAND = """
import sys
sys.argv[1:] = {words!r}
from gatherq_cli.main import main
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
"""
REDIS = {"redis", "hiredis"}
PYDANTIC = {"pydantic", "pydantic_core", "pydantic_settings"}
#: What a supervisor imports of the folder.
IPC = "from gatherq_worker.ipc import endpoint, process_contract, scoreboard"
#: What a module of jobs imports, which both sides share.
JOB_FILE = "from gatherq import JobTimeout, Retry, current_job, job"
CLIENT, WORKER = {"gatherq.client"}, {"gatherq_worker"}
ENGINE = {"gatherq_worker.engine", "gatherq_worker.execution", "gatherq_worker.arq"}


def modules(program):
    """Return the modules that a program has loaded at its end."""
    command = [sys.executable, "-c", f"{program}\n{LOADED}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return set(said.splitlines()[-1].split()[1:])


@pytest.mark.parametrize(
    ("program", "forbidden"),
    [
        ("import gatherq", REDIS | PYDANTIC | CLIENT | WORKER | {"arq", "asyncio"}),
        ("from gatherq import job", REDIS | CLIENT | WORKER | {"arq", "pydantic_settings"}),
        (JOB_FILE, REDIS | CLIENT | WORKER | {"arq", "pydantic_settings"}),
        (
            "from gatherq import current_job",
            REDIS | PYDANTIC | CLIENT | WORKER | {"arq", "asyncio"},
        ),
        ("from gatherq import Producer", WORKER | {"arq"}),
        ("import gatherq_worker", REDIS | PYDANTIC | CLIENT | ENGINE | {"arq", "asyncio"}),
        ("from gatherq_worker import Observer, Worker", {"sentry_sdk", "gatherq.client"}),
        (IPC, REDIS | PYDANTIC | CLIENT | ENGINE | {"arq", "asyncio"}),
        ("import gatherq.store.server.urls", REDIS | PYDANTIC | CLIENT | {"asyncio"}),
    ],
)
def test_an_import_loads_what_it_is_for(program, forbidden):
    assert not modules(program) & forbidden


@pytest.mark.parametrize(
    "words",
    [["--help"], ["--version"], ["worker", "--help"], ["health", "-h"], ["exporter", "-h"]],
)
def test_help_loads_click_alone(words):
    loaded = modules(COMMAND.format(words=words))
    assert "click" in loaded
    assert not loaded & (REDIS | PYDANTIC | CLIENT | ENGINE | {"arq", "asyncio"})


#: A supervisor that says what it has loaded when it starts its first process, and is told to stop.
SUPERVISOR = """
import asyncio, os, signal, sys
import gatherq_cli.run.worker
from gatherq_worker.supervision.supervisor import Supervisor

async def start():
    print("loaded", *sys.modules, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    raise OSError("no room for a process")

asyncio.run(Supervisor([], 1, 0.0, start).run())
"""


def test_a_supervisor_is_small_until_it_has_started_its_first_process():
    command = [sys.executable, "-c", SUPERVISOR]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    loaded = set(run.stdout.split()[1:])
    assert "gatherq_worker.supervision.supervisor" in loaded
    assert not loaded & (REDIS | PYDANTIC | CLIENT | ENGINE | {"arq"})


#: Says of each import of redis-py whether it holds up the main thread.
WATCHED = """
import asyncio, os, signal, sys, threading
from types import SimpleNamespace

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "redis":
            here = threading.current_thread() is threading.main_thread()
            print("loaded", "here" if here else "in_a_thread", flush=True)

sys.meta_path.insert(0, Finder())
"""
WITH_A_PROCESS = """
from gatherq_worker.ipc.endpoint import EndpointReader
from gatherq_worker.ipc.scoreboard import Scoreboard
from gatherq_worker.supervision.supervisor import Supervisor
from gatherq_worker.supervision.worker_process import WorkerProcess

async def start():
    words = [sys.executable, "-c", "import signal; signal.pause()"]
    process = await asyncio.create_subprocess_exec(*words)
    return WorkerProcess(process, "w", Scoreboard(), EndpointReader())

async def main():
    running = asyncio.create_task(Supervisor([], 1, 0.0, start).run())
    while "gatherq_worker.supervision.recovery" not in sys.modules:
        await asyncio.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)
    await running

asyncio.run(main())
"""
WITH_A_HELD_PROCESS = """
from gatherq_worker.ipc.endpoint import Endpoint
from gatherq_worker.supervision.recovery_tasks import RecoveryTasks

async def main():
    tasks = RecoveryTasks()
    tasks.renew(SimpleNamespace(worker="w"), Endpoint("redis://127.0.0.1:1/0", "q", 5.0))
    await tasks.close(30)

asyncio.run(main())
"""


@pytest.mark.parametrize("program", [WITH_A_PROCESS, WITH_A_HELD_PROCESS])
def test_what_a_recovery_needs_is_imported_in_a_thread(program):
    command = [sys.executable, "-c", WATCHED + program]
    run = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert run.stdout.split() == ["loaded", "in_a_thread"]


@pytest.fixture
def living(server_url, queue):
    """Let a worker of this host have given a sign of life just now; yield words for its probe."""
    with Redis.from_url(server_url) as redis:
        seconds, _ = redis.time()
        redis.zadd(KeySpace(queue).workers, {f"{socket.gethostname()}.1.abc": seconds * 1000})
        yield ["health", "--redis", server_url, "--queue", queue]
        redis.delete(KeySpace(queue).workers)


def test_a_probe_loads_neither_redis_py_nor_pydantic_nor_asyncio(living):
    loaded = modules(COMMAND.format(words=living))
    assert "gatherq.store.server.probe" in loaded
    assert not loaded & ({"redis"} | PYDANTIC | CLIENT | ENGINE | {"arq", "asyncio"})


def cpu_seconds(command):
    """Return the CPU time of a command, its interpreter's start and end included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_a_probe_costs_little_cpu(living):
    """Less than 0.1 s on the machines that it is measured on; here with room for slow ones."""
    probe = [sys.executable, "-m", "gatherq_worker", *living]
    assert min(cpu_seconds(probe) for _ in range(5)) < 0.2


def test_errors_and_wire_are_there_whatever_was_imported_before():
    program = "import gatherq\nassert gatherq.errors.JobLost and gatherq.wire.job_serializer"
    assert "gatherq.client" not in modules(program)


def test_a_verb_of_a_producer_is_told_to_be_one():
    with pytest.raises(AttributeError, match=r"it is a Producer's, producer\.gather\(\.\.\.\)$"):
        gatherq.gather  # noqa: B018


@pytest.mark.parametrize("package", [gatherq, gatherq_worker])
def test_a_front_door_shows_its_names_and_nothing_else(package):
    assert set(dir(package)) - {"__version__", "errors", "wire"} == set(package.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'import_modul'"):
        package.import_modul  # noqa: B018
