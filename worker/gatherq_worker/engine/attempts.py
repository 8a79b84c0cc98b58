"""The table of all attempts of a worker, each with a state; its methods are the only transitions.

        claim
          |
       CLAIMED
          | start
       WAITING <--- stall ---+
          | begin            |
       RUNNING --------------+

    each of these three
          |
          +--- record ----> RECORDING --- recorded ---> GONE
          +--- release ---> RELEASING --- released ---> GONE
          +--- lose ------> LOST -------- ended ------> GONE

`record`, `release` and `lose` lead out of CLAIMED, WAITING and RUNNING alike, and conclude an
attempt: the first of them wins, and any later one returns False. Of the other transitions each has
one caller; from a state that their docstring does not name they raise RuntimeError, for that would
be a fault of ours.

Two more facts are kept beside the state, for they end at other times. The claim: Redis counts the
attempt as this worker's, and the heartbeat renews its lease, from `claim` until Redis has the
outcome or the release, or says that the attempt is lost. The task: it ends after the hooks of the
job, which may be long after the outcome is recorded. One whose code does not end within its grace,
once the attempt is concluded without it, is abandoned: it runs on, and takes no slot.

Threads: all this belongs to the thread of the event loop. The thread of the heartbeat, which runs
the watchdog too, may read copies (`claims`, `running`), single attempts (`is_claimed`, `find`,
`task_runs`) and their fields; it may conclude an attempt by `record`, while the loop is blocked;
everything else it posts to the loop by `call_soon_threadsafe`. A lock makes concluding exclusive:
of an outcome that the loop makes and one that the watchdog makes, only the first is recorded.
"""

import asyncio
import logging
import threading
from collections.abc import Sequence
from time import monotonic

from gatherq.store.jobs import Release
from gatherq_worker.attempt import Attempt, State
from gatherq_worker.call_text import jobs_text
from gatherq_worker.execution.guarded_task import GuardedTask
from gatherq_worker.ipc.scoreboard import Scoreboard

from .clock import Clock
from .events import LeaseLost
from .observers import Observers

logger = logging.getLogger("gatherq.worker")

#: Seconds after which an abandoned task that still runs counts against its process.
_UNWIND = 1.0

Task = GuardedTask[None]

# Names of the module: to look up a member of an enumeration costs several times as much.
CLAIMED, WAITING, RUNNING, RECORDING, RELEASING, LOST, GONE = State


class Attempts:
    """The attempts of one worker by job id, those that are claimed and those that have a task."""

    def __init__(
        self,
        scoreboard: Scoreboard | None = None,
        observers: Observers | None = None,
        clock: Clock = monotonic,
    ) -> None:
        self._clock = clock
        self._scoreboard, self._observers = scoreboard, observers
        self._loop = asyncio.get_running_loop()
        self._concluding = threading.Lock()
        self._claims: dict[str, Attempt] = {}
        self._tasks: dict[str, Task] = {}
        #: The tasks of abandoned attempts that still run, each with the time it was abandoned.
        self._abandoned: dict[Task, float] = {}
        #: How many attempts were started so far.
        self.started = 0
        self._room: asyncio.Future[None] | None = None

    # Transitions

    def claim(self, attempt: Attempt) -> None:
        """Enter an attempt as CLAIMED: from now on its lease is renewed."""
        self._claims[attempt.job_id] = attempt

    def start(self, attempt: Attempt, task: Task) -> None:
        """Move from CLAIMED to WAITING: `task` executes the attempt.

        An attempt that still runs under the same job id belongs to another life of the job, and is
        lost: nobody asks for its outcome any more.
        """
        if attempt.state is not CLAIMED:
            raise _refused("start", attempt)
        before = self._tasks.get(attempt.job_id)
        if before is not None and before.attempt is not None:
            self._conclude(before.attempt, LOST)
            self._unwind(before.attempt, before)
        attempt.state = WAITING
        self._tasks[attempt.job_id] = task
        self.started += 1

    def begin(self, attempt: Attempt) -> None:
        """Move from WAITING to RUNNING: the job's own code begins."""
        if attempt.state is not WAITING:
            raise _refused("begin", attempt)
        # Without the lock: the watchdog concludes what waits only if that is cancelled, and a
        # cancelled task does not come here.
        attempt.state = RUNNING

    def stall(self, attempt: Attempt) -> None:
        """Move back from RUNNING to WAITING: there is no thread or process for it after all.

        A WAITING attempt stays so.
        """
        with self._concluding:
            if attempt.state is RUNNING:
                attempt.state = WAITING
        if self._scoreboard:
            self._scoreboard.leave(attempt)

    def record(self, attempt: Attempt) -> bool:
        """Move from CLAIMED, WAITING or RUNNING to RECORDING; False if it is concluded already.

        The only transition that the heartbeat thread may make.
        """
        return self._conclude(attempt, RECORDING)

    def release(self, attempt: Attempt) -> bool:
        """Move from CLAIMED, WAITING or RUNNING to RELEASING; False if it is concluded already."""
        return self._conclude(attempt, RELEASING)

    def lose(self, attempts: Sequence[Attempt]) -> None:
        """Move from CLAIMED, WAITING or RUNNING to LOST: other workers have the jobs.

        Their tasks are cancelled. What is concluded already stays as it is.
        """
        dropped = []
        for attempt in attempts:
            self._drop_claim(attempt)
            concluded = not self._conclude(attempt, LOST)
            task = self._task_of(attempt)
            if task and not concluded:
                dropped.append(attempt.job_id)
                self._unwind(attempt, task)
                if self._observers:
                    self._observers.tell(LeaseLost(attempt))
        if dropped:
            logger.warning("%s: the lease is lost; the attempt is dropped", jobs_text(dropped))

    def recorded(self, attempt: Attempt) -> None:
        """Move from RECORDING to GONE: Redis has answered to the outcome."""
        if attempt.state is RECORDING:
            attempt.state = GONE
        self._drop_claim(attempt)

    def released(self, release: Release[Attempt]) -> None:
        """Move from RELEASING to GONE: Redis has put the job back into the queue."""
        if release.attempt.state is RELEASING:
            release.attempt.state = GONE
        self._drop_claim(release.attempt)

    def ended(self, attempt: Attempt) -> None:
        """Forget the task of an attempt, which is done; move from LOST to GONE."""
        task = self._tasks.get(attempt.job_id)
        if task is not None and task.attempt is attempt:
            del self._tasks[attempt.job_id]
        state = attempt.state
        if state is RELEASING:
            self._drop_claim(attempt)  # its lease is not to be renewed while it is given back
        elif state is LOST:
            attempt.state = GONE
        if self._room:
            self._tell_room()

    # Of tasks, which changes no state

    def cancel(self, attempt: Attempt, by: str) -> bool:
        """Cancel the task of an attempt, whose outcome names `by`; False if that comes too late.

        Too late is after an earlier request, after the deadline, and once it is concluded.
        """
        task = self._task_of(attempt)
        if task is None or attempt.cancelled_by or attempt.concluded or self._past(attempt):
            return False
        attempt.cancelled_by = by
        attempt.overdue = self._clock() + attempt.grace
        task.cancel()
        return True

    def cancel_job(self, job_id: str, by: str) -> None:
        """Cancel what runs under this job id, if anything does."""
        attempt = self.find(job_id)
        if attempt is not None:
            self.cancel(attempt, by)

    def unwind(self, attempt: Attempt) -> None:
        """Cancel the task of a concluded attempt, which may clean up for its grace."""
        task = self._task_of(attempt)
        if task:
            self._unwind(attempt, task)

    def abandon(self, attempt: Attempt) -> None:
        """Have the task of a concluded attempt, which does not end, take no slot any longer.

        It is cancelled once more.
        """
        if not attempt.concluded:
            raise _refused("abandon", attempt)
        if task := self._task_of(attempt):
            self._abandon(attempt, task)

    async def wait_for_room(self) -> None:
        """Wait until there may be room for another job: until one ends. For one task at a time."""
        self._room = self._loop.create_future()
        await self._room

    def _tell_room(self) -> None:
        if self._room and not self._room.done():
            self._room.set_result(None)
        self._room = None

    # Views

    def claims(self) -> list[Attempt]:
        """Return a copy of those whose leases are renewed; from any thread."""
        return list(self._claims.values())

    def running(self) -> list[Attempt]:
        """Return a copy of those that have a task; from any thread."""
        return [task.attempt for task in list(self._tasks.values()) if task.attempt]

    def is_claimed(self, attempt: Attempt) -> bool:
        """Tell whether the lease of this very attempt is renewed; from any thread."""
        return self._claims.get(attempt.job_id) is attempt

    def claimed(self, job_id: str) -> Attempt | None:
        """Return the claimed attempt of a job."""
        return self._claims.get(job_id)

    def find(self, job_id: str) -> Attempt | None:
        """Return the attempt of a job that has a task; from any thread."""
        task = self._tasks.get(job_id)
        return task.attempt if task else None

    def task_runs(self, task: object) -> Attempt | None:
        """Return the attempt that a task executes; from any thread."""
        attempt = task.attempt if isinstance(task, GuardedTask) else None
        return attempt if attempt and self._tasks.get(attempt.job_id) is task else None

    def concerned(self, batch: str, jobs: frozenset[str]) -> bool:
        """Tell whether any of these jobs, or any slot of the batch, is claimed."""
        if not jobs.isdisjoint(self._claims):
            return True
        return bool(batch) and any(a.batch == batch for a in self._claims.values())

    @property
    def tasks(self) -> dict[str, asyncio.Task[None]]:
        """A copy of the tasks, by job id."""
        return dict(self._tasks)

    @property
    def claim_count(self) -> int:
        """How many are claimed: what is on its way to Redis counts too."""
        return len(self._claims)

    @property
    def task_count(self) -> int:
        """How many have a task."""
        return len(self._tasks)

    @property
    def abandoned_count(self) -> int:
        """How many abandoned tasks still run.

        Many that clean up at once may all be a little late, and end all the same.
        """
        long = self._clock() - _UNWIND
        return sum(since <= long for since in self._abandoned.values())

    def _conclude(self, attempt: Attempt, state: State) -> bool:
        with self._concluding:
            if attempt.state >= RECORDING:
                return False
            attempt.state = state
            return True

    def _unwind(self, attempt: Attempt, task: Task) -> None:
        asked = attempt.cancelled_by or self._past(attempt)
        if attempt.outside or not asked:  # code in the loop is asked once: it may be cleaning up
            task.cancel()
        if attempt.outside:  # who waits for a thread or a process does not wait for ever
            self._loop.call_later(attempt.grace, attempt.free)
        else:
            self._loop.call_later(attempt.grace, self._abandon, attempt, task)

    def _abandon(self, attempt: Attempt, task: Task) -> None:
        attempt.free()
        if task.done() or task in self._abandoned or attempt.has_ended:
            return
        if self._tasks.get(attempt.job_id) is task:
            del self._tasks[attempt.job_id]
        self._abandoned[task] = self._clock()
        task.add_done_callback(self._abandoned.pop)
        task.cancel()
        if self._room:
            self._tell_room()

    def _past(self, attempt: Attempt) -> bool:
        return attempt.deadline is not None and self._clock() >= attempt.deadline

    def _task_of(self, attempt: Attempt) -> Task | None:
        task = self._tasks.get(attempt.job_id)
        return task if task and task.attempt is attempt else None

    def _drop_claim(self, attempt: Attempt) -> None:
        """Renew the lease no longer; the end of this process cannot be blamed on it any more."""
        if self._scoreboard:
            self._scoreboard.leave(attempt)
        if self._claims.get(attempt.job_id) is attempt:
            del self._claims[attempt.job_id]
            if self._room:
                self._tell_room()


def _refused(transition: str, attempt: Attempt) -> RuntimeError:
    state = attempt.state.name
    return RuntimeError(f"job {attempt.job_id}: no {transition!r} of an attempt that is {state}")
