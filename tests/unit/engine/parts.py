"""The parts of an engine without Redis: a table, a recorder that keeps all, an executor."""

import json
from time import time

from gatherq.contract.records import JobRecord
from gatherq.store.claims import ClaimedJob
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.attempts import Attempts
from gatherq_worker.engine.conclusion.finalizer import Finalizer
from gatherq_worker.engine.conclusion.recorder import Recorder
from gatherq_worker.engine.executor import Executor
from gatherq_worker.engine.observers import Observers
from gatherq_worker.engine.options import EngineOptions
from gatherq_worker.engine.places.execution_places import ExecutionPlaces
from gatherq_worker.engine.redis_clock import RedisClock
from gatherq_worker.registry import Registry


class Parts:
    def __init__(self, handlers=(), options=None, scoreboard=None):
        self.options = options or EngineOptions()
        self.registry, self.clock = Registry(handlers), RedisClock(5.0)
        self.clock.seen(round(time() * 1000))
        observers = Observers(self.options.observers)
        self.attempts = Attempts(scoreboard, observers)
        self.recorder = Recorder(None, self.attempts)
        self.finalizer = Finalizer(
            self.options, self.attempts, self.recorder, observers, self.clock, "w", "q"
        )
        self.places = ExecutionPlaces(self.finalizer.writer)
        parts = (self.attempts, self.finalizer, self.places, self.clock, scoreboard)
        self.executor = Executor(self.registry, self.options, *parts)

    def attempt(self, name, *args, number=1, **fields):
        """Claim an attempt of the job of that name."""
        record = JobRecord(f=name, a=list(args), k={}, et=round(time() * 1000))
        attempt = Attempt(name, number, record)
        for field, value in fields.items():
            setattr(attempt, field, value)
        self.attempts.claim(attempt)
        return attempt

    def launch(self, attempt):
        """Have it executed; return its task."""
        self.executor.launch(attempt)
        return self.attempts.tasks[attempt.job_id]


def claimed(job_id, name="wait"):
    batch, slot = job_id.split(":")
    job = {"f": name, "a": [], "k": {}, "et": 1, "batch": batch, "slot": int(slot)}
    payload = json.dumps(job).encode()
    return ClaimedJob(job_id, 1, payload, batch=batch, slot=int(slot))
