"""A pool for one row: a server, two workers or more, jobs, and the six invariants at the end.

I1 each submitted job ends in exactly one outcome, collected in submission order.
I2 once readable, an outcome never changes.
I3 executions of a job are at most its attempts, and one where the row says so.
I4 no worker exits unless the fault ended it.
I5 afterwards no key is left but results, and every worker takes a new job within 2 s.
I6 the error of a job names its cause.
"""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.sentinel import Sentinel

from tests.proxy import Proxy
from tests.servers import NAME

from ..jobs.notes import VARIABLE, monotonic
from ..jobs.places import redis_settings
from .hold import Hold
from .keys import left_behind
from .ledger import Ledger
from .recorder import Recorder
from .server import Server
from .sides import JOBS, Arq, Call, Ending, Ours
from .workers import Worker

ROOT = Path(__file__).parents[3]
#: Seconds of a worker's lease here; and within which a worker takes a new job.
LEASE, SOON = 2.0, 2.0
#: Seconds that one waits for the outcomes of arq, which has no other end for some.
PATIENCE = {"gatherq": 60.0, "arq": 12.0}


@dataclass
class Submission:
    """Jobs that a row submitted: `executions` is how often each may run."""

    calls: list[Call]
    ids: list[str]
    submitted: Any
    executions: int = 2
    endings: list[Ending] = field(default_factory=list)


class Pool:
    """What a row acts on. `must` says what has to hold besides the invariants."""

    def __init__(self, side: str, folder: Path) -> None:
        self.side_name, self.folder = side, folder
        self.ledger = Ledger(folder / "ledger")
        self.workers: list[Worker] = []
        #: After how many jobs, one by one, each process must have had its turn.
        self.turns = 0
        self.submissions: list[Submission] = []
        #: What did not hold.
        self.violations: list[str] = []
        #: What the report says was seen, and the longest time (s) that anything took to recover.
        self.seen: list[str] = []
        self.recovery: float | None = None
        self._is_settled = False
        self._opened = AsyncExitStack()
        self._producers: list[Worker] = []
        self.server: Server
        self.side: Ours | Arq

    @property
    def is_ours(self) -> bool:
        """Whether this is gatherq."""
        return self.side_name == "gatherq"

    async def open(self, *, lease: float = LEASE, before: str = "", **options: str) -> None:
        """Start the server."""
        self.server = Server(self.folder / "server", before, **options)
        await self.server.start()
        url = self.server.url
        self.side = Ours(url, lease) if self.is_ours else Arq(url)
        self.redis = Redis.from_url(url)
        self._sampler = Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
        self.recorder = Recorder(self._sampler)

    async def ask_sentinels(self, url: str) -> None:
        """Let all of the row go to the master that the sentinels of a URL know."""
        self.side.url = url
        client = Sentinel(
            redis_settings(url).host, socket_timeout=1, sentinel_kwargs={"socket_timeout": 1}
        )
        for each in client.sentinels:
            self._opened.push_async_callback(each.aclose)
        await self.redis.aclose()
        await self._sampler.aclose()
        self.redis, self._sampler = client.master_for(NAME), client.master_for(NAME)
        self.recorder = Recorder(self._sampler)

    async def proxy(self) -> Proxy:
        """Open a proxy before the server, which is closed with the row."""
        return await self._opened.enter_async_context(Proxy(self.server.port))

    async def hold(self) -> Hold:
        """Open what holds jobs until the row, or its end, releases them."""
        return await self._opened.enter_async_context(Hold.open())

    @property
    def ours(self) -> Ours:
        """The side, of rows that are about gatherq alone."""
        assert isinstance(self.side, Ours)
        return self.side

    def worker(
        self,
        *options: str,
        url: str | None = None,
        environment: dict[str, str] | None = None,
        before: Sequence[str] = (),
        module: str = "native",
    ) -> Worker:
        """Start a worker: `options` are of `gatherq worker`, `before` words before the command.

        `module` has the jobs, where gatherq runs them.
        """
        log = self.folder / f"worker-{len(self.workers)}.log"
        given = {
            self.side.variable: url or self.side.url,
            VARIABLE: str(self.ledger.path),
            **(environment or {}),
        }
        worker = Worker([*before, *self.side.command(options, module)], JOBS, given, log)
        self.workers.append(worker)
        return worker

    async def start(self, count: int = 2, *options: str, **others: Any) -> list[Worker]:
        """Start workers, and wait until all take jobs and have known Redis for a lease."""
        workers = [self.worker(*options, **others) for _ in range(count)]
        await self.ready()
        return workers

    async def ready(self) -> None:
        """Wait until all workers that run take jobs."""
        async with asyncio.timeout(30):
            await self.side.ready([each for each in self.workers if each.is_alive], self.ledger)

    async def submit(
        self, calls: Sequence[Call], *, executions: int = 2, **terms: Any
    ) -> Submission:
        """Submit jobs, each a name and its arguments; `terms` are gatherq's."""
        ids, submitted = await self.side.submit(calls, **terms)
        found = Submission(list(calls), ids, submitted, executions)
        self.submissions.append(found)
        self.recorder.watch(ids)
        return found

    async def spread(self, calls: Sequence[Call], **options: Any) -> list[Submission]:
        """Submit jobs one by one, so that all workers run some of them; wait until all have begun.

        Workers of gatherq take them in turn. Those of arq ask now and then, and get all at once.
        """
        before, found = len(self.ledger.lines()), []
        parts = [[each] for each in calls] if self.is_ours else [list(calls)]
        for part in parts:
            found.append(await self.submit(part, **options))
            before += len(part)
            await self.started(before)
        return found

    def producing(
        self,
        calls: Sequence[Call],
        *,
        url: str | None = None,
        environment: dict[str, str] | None = None,
        **terms: Any,
    ) -> Worker:
        """Start a process that submits and collects; its log is what producing.py prints."""
        log = self.folder / f"producer-{len(self._producers)}.log"
        words = [self.side_name, url or self.server.url, json.dumps(calls), json.dumps(terms)]
        command = [sys.executable, "-m", f"{__package__}.producing", *words]
        producer = Worker(command, ROOT, environment or {}, log)
        self._producers.append(producer)
        return producer

    async def adopt(
        self, calls: Sequence[Call], ids: list[str], *, executions: int = 2
    ) -> Submission:
        """Attach to jobs that another process has submitted."""
        found = Submission(list(calls), ids, await self.side.attach(ids), executions)
        self.submissions.append(found)
        self.recorder.watch(ids)
        return found

    async def outcomes(self, submission: Submission, within: float | None = None) -> list[Ending]:
        """Wait for what becomes of jobs; what has not ended in time has the status "none"."""
        within = within or PATIENCE[self.side_name]
        if not self.is_ours and not any(worker.is_alive for worker in self.workers):
            within = 1.0  # nothing will come
        submission.endings = await self.side.collect(submission.ids, submission.submitted, within)
        return submission.endings

    async def started(self, count: int, id_: str | None = None) -> None:
        """Wait until so many executions have begun."""
        await self.ledger.started(count, id_)

    def held_by(self, worker: Worker) -> int:
        """Count the executions in this process that have begun and not ended."""
        ended = {(line.id, line.attempt) for line in self.ledger.lines("end")}
        mine = [line for line in self.ledger.lines() if line.pid == worker.pid]
        return sum((line.id, line.attempt) not in ended for line in mine)

    async def recorded(self, submission: Submission, within: float = 20.0) -> None:
        """Wait until Redis has the results of all these jobs, or the time is over."""
        end = monotonic() + min(within, PATIENCE[self.side_name])
        while not self.recorder.first.keys() >= set(submission.ids) and monotonic() < end:
            if not any(worker.is_alive for worker in self.workers):
                return
            await asyncio.sleep(0.01)

    async def ended(self, count: int, within: float = 10.0) -> None:
        """Wait until so many executions have ended, or the time is over."""
        end = monotonic() + within
        while len(self.ledger.lines("end")) < count and monotonic() < end:
            await asyncio.sleep(0.01)

    @asynccontextmanager
    async def recovers(self, within: float | None, what: str) -> AsyncIterator[None]:
        """Measure how long the block takes; more than `within` is a violation."""
        begun = monotonic()
        yield
        took = monotonic() - begun
        self.recovery = max(self.recovery or 0.0, took)
        self.seen.append(f"{what} after {took:.2f} s")
        allowed = f"{what} after {took:.2f} s, where {within} s are allowed"
        self.must(within is None or took <= within, allowed)

    def must(self, holds: object, what: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.violations.append(what)

    def all_are(self, submission: Submission, status: str, cause: str = "") -> None:
        """All jobs ended so, and their errors say so."""
        other = [each for each in submission.endings if each.status != status]
        self._once(
            "outcome", [f"{e.id} is {e.status}, not {status}: {e.error[:300]}" for e in other]
        )
        silent = [each for each in submission.endings if not re.search(cause, each.error, re.S)]
        self._once("I6", [f"{each.id} says {each.error[:300]!r}" for each in silent])

    def says(self, ending: Ending, status: str, cause: str = "") -> None:
        """A job ended so, and its error says so."""
        said = f"{ending.error[:300]!r}"
        self.must(ending.status == status, f"{ending.id} is {ending.status}, not {status}: {said}")
        self.must(re.search(cause, ending.error, re.S), f"I6: {ending.id} says {said}")

    async def settle(self) -> None:
        """Collect what has not been collected, and check the invariants; once."""
        if self._is_settled:
            return
        self._is_settled = True
        for each in self.submissions:
            if not each.endings:
                await self.outcomes(each)
        for each in self.submissions:
            self._check(each)
        await self.recorder.close()
        self._once("I2", self.recorder.changes)
        self.check_workers()
        await self.take_a_new_job()
        self._once("I5", await left_behind(self.redis, 5.0))

    def check_workers(self) -> None:
        """Note which workers have exited that should not have."""
        gone = [each for each in self.workers if not (each.is_alive or each.is_excused)]
        exits = [f"worker {self.workers.index(w)} exited with {w.process.returncode}" for w in gone]
        self._once("I4", exits)

    def _check(self, submission: Submission) -> None:
        executions = self.ledger.executions()
        missing = [each.id for each in submission.endings if each.status == "none"]
        self._once("I1", [f"{id_} has no outcome" for id_ in missing])
        self.must([e.id for e in submission.endings] == submission.ids, "I1: not in order")
        often = [id_ for id_ in submission.ids if executions[id_] > submission.executions]
        self._once("I3", [f"{id_} ran {executions[id_]} times" for id_ in often])
        failed = [each for each in submission.endings if each.status not in ("none", "succeeded")]
        silent = [each.id for each in failed if not each.error]
        self._once("I6", [f"{id_} does not say why" for id_ in silent])

    def _once(self, invariant: str, found: list[str]) -> None:
        if found:
            more = f", and {len(found) - 1} more" if len(found) > 1 else ""
            self.violations.append(f"{invariant}: {found[0]}{more}")

    async def take_a_new_job(self) -> None:
        """See each worker take a job: they are called in turn."""
        alive = [worker for worker in self.workers if worker.is_alive]
        if not alive:
            return
        begun, count = monotonic(), 0
        while monotonic() - begun < SOON + len(alive) / 10 or count < self.turns:
            takers = {pid for line in self.ledger.lines("probe") for pid in (line.pid, line.parent)}
            taken = [worker.pid in takers for worker in alive]
            if all(taken) or (any(taken) and not self.is_ours):  # those of arq come in no order
                return
            ids, submitted = await self.side.submit([("probe", ())], batch_id=f"probe-{count}")
            await self.side.collect(ids, submitted, SOON)
            count += 1
        idle = [str(self.workers.index(each)) for each in alive if each.pid not in takers]
        self.violations.append(f"I5: worker {', '.join(idle)} took no new job within {SOON:.0f} s")

    def said(self) -> str:
        """Return the last lines of each worker's log, and what has changed of outcomes."""
        tails = [(n, worker.said().splitlines()[-30:]) for n, worker in enumerate(self.workers)]
        said = [f"worker {n}:\n" + "\n".join(tail) for n, tail in tails]
        return "\n".join([*said, *self.recorder.details])

    async def close(self) -> None:
        """End everything."""
        await self.side.close()
        for worker in [*self._producers, *self.workers]:
            worker.close()
        await self._opened.aclose()
        await self._sampler.aclose()
        await self.redis.aclose()
        self.server.close()
