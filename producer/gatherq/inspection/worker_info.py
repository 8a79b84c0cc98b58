"""A worker as its record tells of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias, get_args

from gatherq.store.inspection.worker_records import WorkerFields

from .field_values import counts_of, list_of, time, whole

#: What a worker says of itself. `draining`: it takes no more jobs, and ends with those it has.
#: `blocked`: a job holds its event loop. `away`: it has no answers from Redis.
WorkerToldState: TypeAlias = Literal["running", "draining", "blocked", "away"]
#: `silent`: two signs of life are missing; others take its jobs when the lease is over. `arq`:
#: plain arq workers, of which nothing is known but the jobs that they hold.
WorkerState: TypeAlias = Literal[WorkerToldState, "silent", "arq"]
#: Seconds without a sign of life after which a worker is silent that does not tell its lease.
_SILENCE = 15.0
#: A worker that has claims signs four times a lease, and every ten seconds (in ms); one that has
#: none with each look for work, by 0.4 leases and every three seconds. So many signs may be due.
_SIGNS, _LONGEST, _IDLE_SIGNS, _LONGEST_IDLE, _DUE = 4, 10_000, 2.5, 3_000, 2.5
_NUMBERS = ("running", "held", "done", "refused", "unrecorded", "abandoned", "redis_errors")
_TEXTS = ("host", "version", "python", "queue")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a handler last said of its progress: `done` of `total`, None where it does not know."""

    done: float
    total: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningJob:
    """A job that a worker runs."""

    id: str
    name: str = ""
    started: datetime | None = None
    #: Its limit in seconds; None for none.
    limit: float | None = None
    attempt: int = 1
    #: `loop`, `thread` or `process`; empty where that is not known.
    where: str = ""
    progress: Progress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """A worker process, at the time of a look; times are those of Redis's clock, in UTC.

    One whose record may not be read, or is gone, has its name, its state and `seen`.
    """

    name: str
    state: WorkerState
    host: str = ""
    pid: int | None = None
    #: Versions of gatherq and of Python.
    version: str = ""
    python: str = ""
    queue: str = ""
    #: How many jobs it can run at a time: `loop` or `jobs`, `threads`, `processes`.
    places: Mapping[str, int] = field(default_factory=dict)
    #: Jobs that run, and jobs that it has claimed, those that run among them.
    running: int = 0
    held: int = 0
    #: Outcomes that it has recorded since it started; those that Redis refused, since the jobs were
    #: not its own any more; those that wait for Redis.
    done: int = 0
    refused: int = 0
    unrecorded: int = 0
    #: By how many seconds its event loop is late.
    lag: float | None = None
    #: Bytes of memory.
    memory: int | None = None
    #: Threads that were given up, whose code has not ended.
    abandoned: int = 0
    redis_errors: int = 0
    #: For how many seconds a claim of it holds.
    lease: float | None = None
    started: datetime | None = None
    #: Its last sign of life, and how many seconds ago that was.
    seen: datetime | None = None
    age: float | None = None
    #: Names of the jobs that it has handlers for; None where it does not tell all of them.
    handlers: frozenset[str] | None = None
    #: What it runs, the oldest first, at most 100.
    jobs: tuple[RunningJob, ...] = ()
    #: The job that holds its event loop, and where in the code.
    blocked_by: str = ""

    @property
    def capacity(self) -> int | None:
        """How many jobs it can run in its event loop; None where it does not tell."""
        return self.places.get("jobs", self.places.get("loop"))

    @property
    def alive(self) -> bool:
        """Whether its jobs are in its hands."""
        return self.state != "silent"


def read_worker(found: WorkerFields, now: float) -> WorkerInfo:
    """Read what stands in Redis of a worker; `now` is Redis's time in ms."""
    fields = found.fields
    seen = max(found.signed, whole(fields.get("seen")) or 0)
    lease, lag = whole(fields.get("lease")), whole(fields.get("lag_ms"))
    age = round(max(now - seen, 0) / 1000, 3)
    given: dict[str, Any] = {name: whole(fields.get(name)) or 0 for name in _NUMBERS}
    given |= {name: fields.get(name, "") for name in _TEXTS}
    return WorkerInfo(
        name=found.name,
        state=_state(fields.get("state"), age, _silence(lease, idle=not given["held"])),
        pid=whole(fields.get("pid")),
        places=counts_of(fields.get("places")),
        lag=None if lag is None else lag / 1000,
        memory=whole(fields.get("rss")),
        lease=None if lease is None else lease / 1000,
        started=time(whole(fields.get("started"))),
        seen=time(seen),
        age=age,
        handlers=_handlers(fields),
        jobs=tuple(filter(None, map(_job, list_of(fields.get("jobs"))))),
        blocked_by=fields.get("blocked_by", ""),
        **given,
    )


def plain_arq(ids: tuple[str, ...]) -> WorkerInfo:
    """Return what is known of plain arq workers: the jobs that they hold."""
    jobs = tuple(RunningJob(id=id_) for id_ in ids)
    return WorkerInfo(name="arq", state="arq", running=len(ids), held=len(ids), jobs=jobs)


def _silence(lease: int | None, *, idle: bool) -> float:
    """Return after how many seconds without a sign of life a worker is silent."""
    if lease is None:
        return _SILENCE
    signs, longest = (_IDLE_SIGNS, _LONGEST_IDLE) if idle else (_SIGNS, _LONGEST)
    return _DUE * min(lease / signs, longest) / 1000


def _state(told: str | None, age: float, silence: float) -> WorkerState:
    if age > silence:
        return "silent"
    return next((state for state in get_args(WorkerToldState) if state == told), "running")


def _handlers(fields: Mapping[str, str]) -> frozenset[str] | None:
    if fields.get("handlers_cut") != "0":
        return None
    return frozenset(name for name in list_of(fields.get("handlers")) if isinstance(name, str))


def _job(found: Any) -> RunningJob | None:
    if not isinstance(found, dict) or not isinstance(found.get("id"), str):
        return None
    name, where, attempt = found.get("name"), found.get("where"), found.get("attempt")
    return RunningJob(
        id=found["id"],
        name=name if isinstance(name, str) else "",
        started=time(found.get("started")),
        limit=_number(found.get("limit")),
        attempt=attempt if type(attempt) is int else 1,
        where=where if isinstance(where, str) else "",
        progress=_progress(found.get("progress")),
    )


def _progress(found: Any) -> Progress | None:
    if not isinstance(found, dict) or (done := _number(found.get("done"))) is None:
        return None
    note = found.get("note")
    total = _number(found.get("total"))
    return Progress(done=done, total=total, note=note if isinstance(note, str) else "")


def _number(found: Any) -> float | None:
    return found if type(found) in (int, float) else None
