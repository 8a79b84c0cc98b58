"""Runs jobs in processes: a fresh one for each job, killed with its children when the job ends."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

from gatherq.contract.current_job import CurrentJob, JobProgress
from gatherq.contract.remote_errors.capture import DescribedError, say
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.contract.values import codec
from gatherq.contract.values.codec import encode
from gatherq.telemetry.trace_field import current_traceparent
from gatherq_worker.attempt import Attempt, Place
from gatherq_worker.ipc.frames import pack, unpack
from gatherq_worker.ipc.process_contract import how_it_died
from gatherq_worker.registry import Handler

from .capacity import Places
from .fork_server import ForkServer, kill
from .interrupt import SIGNAL
from .loop import past
from .result import ExecutionResult, ProcessDied
from .shortage import Shortage

#: How a frame begins that tells of progress; an answer is an object of other fields.
_PROGRESS = b'{"progress":'
#: Seconds after which an import is not waited for any longer.
_IMPORT = 60.0


class Processes:
    """At most `most` processes at a time, forked by a server that starts at first need."""

    def __init__(self, most: int, when_free: Callable[[], None] | None = None) -> None:
        self.places: Places = Places(most, when_free)
        self._server: ForkServer | None = None
        #: Fork servers that died and were not reaped yet.
        self._dead: list[ForkServer] = []
        #: Modules whose import killed a server: each process imports them for itself.
        self._unfit: set[str] = set()
        self._all: set[JobProcess] = set()

    @property
    def left(self) -> int:
        """How many processes could begin at once."""
        return self.places.left

    async def take(self, handler: Handler, seat: Place | None = None) -> "JobProcess":
        """Wait for a place, unless it has a `seat`, and for a process; raises Shortage.

        The process has imported the handler.
        """
        place = seat or await self.places.take()
        try:
            process = JobProcess(place, self._all.discard)
        except BaseException:
            place.free()
            raise
        self._all.add(process)
        try:
            server = self._serving()
            module = handler.function.__module__
            imported = module in server.imported
            await process.start(server)
            if not imported:
                await self._load(process, server, module)
        except BaseException:
            process.free()
            raise
        return process

    async def run(
        self,
        process: "JobProcess",
        attempt: Attempt,
        handler: Handler,
        begin: Callable[[], CurrentJob],
    ) -> ExecutionResult:
        """Run a job in a process that was taken, once `begin` has set its deadline."""
        try:
            if process.unloaded is not None:  # its module's fault
                return process.unloaded
            if process.exited:
                raise Shortage("a process ended before its job began")
            process.listener = attempt.tell
            answer = await process.execute(_request(attempt, handler, begin()), attempt)
        except Shortage:
            raise
        except BaseException as error:
            return ExecutionResult(error=error, expired=past(attempt))
        finally:
            process.free()
        if answer is None:
            return (
                ExecutionResult(expired=True)
                if past(attempt)
                else ExecutionResult(error=ProcessDied(process.how()))
            )
        if "shortage" in answer:
            raise Shortage(answer["shortage"])
        attempt.report = answer.get("report")
        return _result_of(answer, past(attempt))

    async def _load(self, process: "JobProcess", server: ForkServer, module: str) -> None:
        """Import a module in a process; in the server too, for those to come, if that can be."""
        async with asyncio.timeout(_IMPORT):
            answer = await process.ask(pack({"load": module}))
        if answer is None:
            process.unloaded = ExecutionResult(
                error=ProcessDied(f"{process.how()}, as it imported {module}")
            )
        elif "fit" not in answer:
            process.unloaded = _result_of(answer, False)
        elif answer["fit"] and module not in self._unfit:
            with contextlib.suppress(Shortage):
                server.load(module)

    def descriptors(self) -> Iterator[int]:
        """Name what forks of this worker must not keep open."""
        if self._server and self._server.alive:
            yield from self._server.descriptors()
        for process in list(self._all):
            yield process.connection.fileno()

    def close(self) -> None:
        """Kill all processes with their children; may be called from any thread."""
        for process in list(self._all):
            process.kill()
        if self._server:
            self._server.kill()

    def stop(self) -> None:
        """Kill all processes, and stop the fork servers."""
        for process in list(self._all):
            process.free()
        for server in (*self._dead, self._server):
            if server:
                server.stop()

    def _serving(self) -> ForkServer:
        server = self._server
        if server is None or not server.alive:
            if server:
                self._unfit.update(server.importing)
                self._dead = [dead for dead in (*self._dead, server) if not dead.reaped()]
            self._server = server = ForkServer()
        return server


class JobProcess:
    """The process of one job and its place: `free` ends the one and gives back the other."""

    def __init__(self, place: Place, forget: Callable[["JobProcess"], None]) -> None:
        self._place, self._forget = place, forget
        self._loop = asyncio.get_running_loop()
        #: The frame that the process answers with; None if it ends without one.
        self._answer: asyncio.Future[bytes | None] = self._loop.create_future()
        self._inbox = bytearray()
        #: Who is told of the progress of its job.
        self.listener: Callable[[JobProgress], None] = lambda progress: None
        self._pid: int | None = None
        #: The result of a job whose module cannot be imported.
        self.unloaded: ExecutionResult | None = None
        #: Whether the process has ended, and its exit code.
        self.exited = False
        self._code: int | None = None
        #: Whether its end of the connection is closed; whether no exit code will come, for its
        #: server has died.
        self._ended = self._orphan = False
        self.connection, self._theirs = socket.socketpair()
        self.connection.setblocking(False)
        self._theirs.setblocking(True)  # whatever default users set for their sockets

    async def start(self, server: ForkServer) -> None:
        """Have the process forked."""
        with self._theirs:
            self._pid = await server.fork(self._theirs, self._exit)
        self._loop.add_reader(self.connection, self._read)

    async def execute(self, request: bytes, attempt: Attempt) -> dict[str, Any] | None:
        """Send the job and return the answer, or None; raises TimeoutError if it does not come."""
        late = attempt.deadline and self._loop.call_at(attempt.deadline, self._interrupt)
        try:
            async with asyncio.timeout_at(attempt.overdue):
                return await self.ask(request)
        finally:
            if late:
                late.cancel()

    async def ask(self, request: bytes) -> dict[str, Any] | None:
        """Send a request and return the answer; None if the process ends without one."""
        self._answer = self._loop.create_future()
        self._look()
        with contextlib.suppress(ConnectionError):  # it has ended: see its exit
            await self._loop.sock_sendall(self.connection, request)
        frame = await self._answer
        return None if frame is None else _message(frame)

    def how(self) -> str:
        """Say how the process ended."""
        return "it ended, and nobody knows how" if self._code is None else how_it_died(self._code)

    def free(self) -> None:
        """Kill it with its children, and give its place back; a second time does nothing."""
        if self.connection.fileno() < 0:
            return
        self.kill()
        self._loop.remove_reader(self.connection)
        self.connection.close()
        self._theirs.close()
        self._answer.cancel()
        self._forget(self)
        self._place.free()

    def kill(self) -> None:
        """Kill it with its children; may be called from any thread."""
        if self._pid is not None and not self.exited:
            kill(self._pid)

    def _interrupt(self) -> None:
        """Interrupt code that blocks; what awaits is cancelled inside, by its own deadline."""
        if SIGNAL is not None and self._pid is not None and not self.exited:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, SIGNAL)

    def _exit(self, code: int | None) -> None:
        """Hear that the process has ended, or (None) that its server has died and cannot tell."""
        self.exited, self._code, self._orphan = code is not None, code, code is None
        while self.connection.fileno() >= 0 and self._read():
            pass
        self._look()

    def _read(self) -> bool:
        """Take in what has come of its answer; tell whether there may be more."""
        try:
            data = self.connection.recv(1 << 18)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._ended = True
            self._loop.remove_reader(self.connection)
        self._inbox += data
        while (frame := unpack(self._inbox)) is not None:
            self._take(frame)
        self._look()
        return bool(data)

    def _take(self, frame: bytes) -> None:
        if frame.startswith(_PROGRESS):
            progress = JobProgress.read(_message(frame).get("progress"))
            if progress is not None:
                self.listener(progress)
        elif not self._answer.done():
            self._answer.set_result(frame)

    def _look(self) -> None:
        over = self.exited or (self._ended and self._orphan)
        if over and not self._answer.done():
            self._answer.set_result(None)


def _request(attempt: Attempt, handler: Handler, job: CurrentJob) -> bytes:
    record = attempt.job
    assert record is not None
    return pack(
        {
            "module": handler.function.__module__,
            "name": handler.name,
            "args": record.args,
            "kwargs": record.kwargs,
            "memory": handler.definition.memory,
            "job": {name: value for name, value in job._asdict().items() if name != "listener"},
            "trace": current_traceparent(),
        }
    )


def _message(frame: bytes) -> dict[str, Any]:
    try:
        message = codec.from_json(frame)
        if not isinstance(message, dict):
            raise TypeError(f"{type(message).__name__} is no answer")
    except Exception as error:
        text = f"the result cannot be read back: {say(error)}"
        return {"error": {"type": "UnwritableResult", "message": text[:2000]}}
    return message


def _result_of(answer: dict[str, Any], late: bool) -> ExecutionResult:
    expired = bool(answer.get("expired")) or late
    if answer.get("cancelled"):
        return ExecutionResult(error=asyncio.CancelledError(), expired=expired)
    if expired:
        return ExecutionResult(expired=True)
    if "error" in answer:
        info = ErrorInfo.model_validate(answer["error"])
        error = DescribedError(info, answer.get("delay"), bool(answer.get("matches")))
        return ExecutionResult(error=error, expired=expired)
    value = answer["value"]
    return ExecutionResult(value=value, written=encode(value))
